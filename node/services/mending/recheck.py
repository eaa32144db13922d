"""The background signature check: every stored signature is checked once, one by one (section 3, vouching).

Bulk history is admitted vouched for by its chain; this goes through it later, in quiet moments and in small portions,
on a reader of committed data in a thread of its own. What it finds goes back to the core as events.
"""

from __future__ import annotations

from typing import NamedTuple

from node.errors import PeerError
from node.records.chain import check_signature
from node.records.envelope import Envelope, Record, open_envelope
from node.records.keyring import Keyring
from node.storage.port import Reader

_PAGE = 200
_PAGE_BYTES = 1_048_576


class Checked(NamedTuple):
    """Signatures of a log hold up to ``seq``; ``fault`` names the first that does not."""

    log_no: int
    seq: int
    fault: str


def recheck(reader: Reader, keyring: Keyring, records_max: int) -> list[Checked]:
    """Check up to about ``records_max`` signatures not checked yet."""
    found = []
    for row in reader.logs():
        if records_max <= 0:
            break
        seq = row.checked_seq
        if seq >= row.head_seq:
            continue
        fault = ""
        for stored in reader.run(row.log_no, seq, min(_PAGE, records_max), _PAGE_BYTES):
            records_max -= 1
            try:
                envelope = Envelope(stored.header, stored.signature, stored.salt, stored.payload)
                _check(keyring, open_envelope(keyring.suites, envelope))
            except PeerError as error:
                fault = f"{row.key.author} 第 {stored.seq} 号：{error.text}"
                break
            seq = stored.seq
        found.append(Checked(row.log_no, seq, fault))
    return found


def _check(keyring: Keyring, record: Record) -> None:
    check_signature(record, keyring.authorise(record.header).verify)
