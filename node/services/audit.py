"""Audit: the library behind `verify`, and the oracle of the fault tests. Checks the whole store against itself.

Checks: every header decodes and belongs to its place; chains link; every signature holds under a certified key whose
path fits the line (one by one, not vouched for); payloads match their hashes; heads in the log table are the real
heads; the board is what a fold of the records gives; attachments are whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from node.errors import PeerError
from node.items.digest import digest
from node.items.fold import fold
from node.records.chain import check_links, check_signature
from node.records.envelope import Envelope, Record, open_envelope
from node.records.keyring import Keyring
from node.services.project import read_facts
from node.storage.port import BlobRow, BoardQuery, Fork, LogRow, Reader
from node.sync.reasons import label

_PAGE = 1_000
_PAGE_BYTES = 4_194_304
_FINDINGS_MAX = 1_000

Finding = dict[str, str]


def audit(reader: Reader, keyring: Keyring, blob_whole: Callable[[BlobRow], bool]) -> dict[str, object]:
    """The JSON document of `verify`."""
    findings: list[Finding] = []
    records = logs = attachments = 0
    for row in reader.logs():
        logs += 1
        for finding, count in _check_log(reader, keyring, row):
            records += count
            if finding is not None and len(findings) < _FINDINGS_MAX:
                findings.append(finding)
    findings += _check_board(reader)
    for blob in reader.rows(BlobRow):
        attachments += 1
        if blob.present and not blob_whole(blob):
            findings.append(_finding("attachment", blob.hash.hex(), "附件内容与登记不符或已缺失"))
    return {"ok": not findings, "records": records, "logs": logs, "attachments": attachments, "findings": findings}


def _check_log(reader: Reader, keyring: Keyring, row: LogRow) -> Iterator[tuple[Finding | None, int]]:
    """Yield (finding or None, records looked at)."""
    seq, head = 0, b""
    where = f"{row.key.author} 第{row.key.epoch}纪元 {'/'.join(row.key.line.path)}"
    while rows := reader.run(row.log_no, seq, _PAGE, _PAGE_BYTES):
        for stored in rows:
            place = f"{where} 第{stored.seq}号"
            try:
                record = open_envelope(
                    keyring.suites, Envelope(stored.header, stored.signature, stored.salt, stored.payload)
                )
                _check_record(keyring, row, record, stored.record_id, seq, head)
            except PeerError as error:
                yield _finding(error.code, place, label(error.code)), 1
            else:
                yield None, 1
            seq, head = stored.seq, stored.record_id
    if (seq, head) != (row.head_seq, row.head_id):
        yield _finding("head", where, f"登记的末号是 {row.head_seq}，实际存到 {seq}"), 0
    if row.frozen and not any(fork.log_no == row.log_no for fork in reader.rows(Fork)):
        yield _finding("fork", where, "日志已冻结，但没有分叉的证据"), 0


def _check_record(keyring: Keyring, row: LogRow, record: Record, stored_id: bytes, seq: int, head: bytes) -> None:
    if record.header.log_key != row.key:
        raise PeerError("记录不在自己的日志里", code="foreign_line")
    if record.record_id != stored_id:
        raise PeerError("记录编号与内容不符", code="wrong_prev")
    check_links([record], seq, head)
    check_signature(record, keyring.authorise(record.header).verify)


def _check_board(reader: Reader) -> Iterator[Finding]:
    offset = 0
    while rows := reader.board_query(BoardQuery(limit=_PAGE, offset=offset)):
        offset += len(rows)
        facts = read_facts(reader, [row.item_id for row in rows])
        for row in rows:
            state = fold(row.item_id, facts.get(row.item_id, []))
            if digest(state) != row.digest or (state.state or "") != row.state:
                yield _finding("board", row.item_id.hex(), "看板与记录不符，需重建")


def _finding(code: str, where: str, text: str) -> Finding:
    return {"code": code, "where": where, "text": text}


