"""Chains: consecutive records of one log, and what one signature vouches for.

Rules: in a run of one log's records under one key each ``prev`` is the id of the record before it; an id covers header
*and* signature; so a good signature on the last record fixes every byte of header and signature before it. Vouching is
for bulk history: kinds of `kinds.EVIDENCE_KINDS` are always checked one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

from node.errors import PeerError
from node.records.envelope import RECORD_PREFIX, Record
from node.records.kinds import EVIDENCE_KINDS
from node.records.suite import Verify


def check_signature(record: Record, verify: Verify) -> None:
    """Raise PeerError(bad_signature) unless the author's signature covers exactly these header bytes."""
    if not verify(record.envelope.signature, RECORD_PREFIX + record.envelope.header):
        raise PeerError(
            "签名无效", code="bad_signature", evidence=record.envelope.header, detail=f"author {record.header.author}"
        )


def check_links(run: Sequence[Record], held_seq: int, held_id: bytes) -> None:
    """Raise PeerError(gap | wrong_prev) unless the run continues (held_seq, held_id) without a gap."""
    seq, prev = held_seq, held_id
    for envelope, header, record_id in run:
        if header.seq != seq + 1:
            raise PeerError("记录序号不连续", code="gap", evidence=envelope.header, detail=f"held {seq}")
        if header.prev != prev:
            raise PeerError("记录前后不衔接", code="wrong_prev", evidence=envelope.header, detail=f"held {seq}")
        seq, prev = seq + 1, record_id


def check_run(run: Sequence[Record], held_seq: int, held_id: bytes, verify: Verify) -> None:
    """Check a run under one key: links by hash, the last signature, and every signature of an evidence kind.

    Raises PeerError: gap, wrong_prev, bad_signature.
    """
    check_links(run, held_seq, held_id)
    if run:
        check_signature(run[-1], verify)
    for record in run[:-1]:
        if record.header.kind in EVIDENCE_KINDS:
            check_signature(record, verify)
