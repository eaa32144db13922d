r"""Results of reconciling a link: the bytes both sides sign in their STATEMENT records, and what they say.

Rules: the bytes are encoded once, by the child, and compared byte for byte: two statements of one run agree where
their result bytes are equal. Unknown fields are kept (they are in the bytes). Numbers are counts, times milliseconds.
"""

from __future__ import annotations

from typing import NamedTuple

from google.protobuf.message import DecodeError

from node.errors import PeerError
from node.records import limits
from node.records.v1 import payloads_pb2

VERSION = 1


class Side(NamedTuple):
    """What a run found and did at one side."""

    fetched: int = 0
    repaired: int = 0
    unrepaired: int = 0
    attachments: int = 0


class Result(NamedTuple):
    """The result of a run. ``heads`` and ``items_digest`` are roots over what both hold at ``as_of_ms``."""

    run: bytes
    upper: str
    lower: str
    as_of_ms: int
    heads: bytes
    logs: int
    records: int
    items_digest: bytes
    items: int
    differing: int
    forked: int
    upper_side: Side
    lower_side: Side

    @property
    def disputed(self) -> int:
        """What the two sides do not agree on, or cannot put right: forked logs, items, records."""
        return self.differing + self.forked + self.upper_side.unrepaired + self.lower_side.unrepaired

    @property
    def repaired(self) -> int:
        """Records put back on either side."""
        return self.upper_side.repaired + self.lower_side.repaired


def encode_side(side: Side) -> bytes:
    """A side's counts as they travel."""
    return payloads_pb2.ReconciledSide(**side._asdict()).SerializeToString(deterministic=True)


def decode_side(raw: bytes) -> Side:
    """Read a side's counts; PeerError(malformed)."""
    message = payloads_pb2.ReconciledSide()
    _parse(message, raw)
    return _side(message)


def encode_result(result: Result) -> bytes:
    """The bytes that both sides sign."""
    fields = result._asdict()
    fields["upper_side"] = payloads_pb2.ReconciledSide(**result.upper_side._asdict())
    fields["lower_side"] = payloads_pb2.ReconciledSide(**result.lower_side._asdict())
    return payloads_pb2.Reconciled(version=VERSION, **fields).SerializeToString(deterministic=True)


def decode_result(raw: bytes) -> Result:
    """Read result bytes; PeerError(malformed)."""
    m = payloads_pb2.Reconciled()
    _parse(m, raw)
    sizes = {len(m.heads), len(m.items_digest)}
    if len(m.run) != 16 or sizes != {limits.HASH_BYTES} or m.as_of_ms > limits.TIME_MS_MAX:
        raise PeerError("对账结果格式不符", code="malformed", evidence=raw[:256])
    return Result(
        m.run, m.upper, m.lower, m.as_of_ms, m.heads, m.logs, m.records, m.items_digest, m.items, m.differing,
        m.forked, _side(m.upper_side), _side(m.lower_side),
    )  # fmt: skip


def _side(m: payloads_pb2.ReconciledSide) -> Side:
    return Side(m.fetched, m.repaired, m.unrepaired, m.attachments)


def _parse(message: payloads_pb2.Reconciled | payloads_pb2.ReconciledSide, raw: bytes) -> None:
    try:
        message.ParseFromString(raw)
    except DecodeError as error:
        raise PeerError("对账结果格式不符", code="malformed", evidence=raw[:256]) from error
