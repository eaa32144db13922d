"""Audit: the library behind `verify`, and the oracle of the fault tests. Checks the whole store against itself.

It is `mending.scrub` (hashes, chains, heads, board, attachments), and every signature one by one, not vouched for,
under a certified key whose path fits the line; and that a frozen log has the proof of its fork.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from node.errors import PeerError
from node.records.chain import check_signature
from node.records.envelope import Envelope, open_envelope
from node.records.keyring import Keyring
from node.services.mending.scrub import PAGE, PAGE_BYTES, Finding, Scrub, place_name
from node.storage.port import BlobRow, Fork, LogRow, Reader
from node.sync.reasons import label

_FINDINGS_MAX = 1_000


def audit(reader: Reader, keyring: Keyring, blob_whole: Callable[[BlobRow], bool]) -> dict[str, object]:
    """The JSON document of `verify`."""
    found = Scrub(reader, keyring, blob_whole).found()
    known = {finding.where for finding in found.findings}
    findings = list(found.findings)
    for row in reader.logs():
        findings += [finding for finding in _signatures(reader, keyring, row) if finding.where not in known]
    documents = [finding.document() for finding in findings[:_FINDINGS_MAX]]
    return {
        "ok": not findings, "records": found.records, "logs": found.logs, "attachments": found.attachments,
        "findings": documents,
    }  # fmt: skip


def _signatures(reader: Reader, keyring: Keyring, row: LogRow) -> Iterator[Finding]:
    """Every signature of a log, one by one."""
    after, where, offices = 0, place_name(row.key), row.key.line.path
    while rows := reader.run(row.log_no, after, PAGE, PAGE_BYTES):
        for stored in rows:
            try:
                envelope = Envelope(stored.header, stored.signature, stored.salt, stored.payload)
                record = open_envelope(keyring.suites, envelope)
                check_signature(record, keyring.authorise(record.header).verify)
            except PeerError as error:
                yield Finding(error.code, f"{where} 第{stored.seq}号", label(error.code), offices)
        after = rows[-1].seq
    if row.frozen and not any(fork.log_no == row.log_no for fork in reader.rows(Fork)):
        yield Finding("fork", where, "日志已冻结，但没有分叉的证据", offices)
