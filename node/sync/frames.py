"""Frames of a link as values; `wire/codec` maps them to protobuf. What fields mean: proto/node/wire/v1/sync.proto."""

from __future__ import annotations

from typing import NamedTuple

from node.records.envelope import Envelope, bytes_of
from node.records.notes import Signed
from node.records.payload import KnownHead
from node.sync.limits import LinkLimits


class Hello(NamedTuple):
    """First frame of each side."""

    version_min: int
    version_max: int
    federation: bytes
    office: str
    chain_hash: bytes
    channel: Signed
    tls_sha256: bytes
    heads_digest: bytes
    logs: int
    marks_digest: bytes
    now_ms: int
    window_bytes: int
    software: str


class ChainRequest(NamedTuple):
    """Send me your certificates root … you."""


class Chain(NamedTuple):
    """Certificates root … speaker."""

    certificates: tuple[Envelope, ...]


class Buckets(NamedTuple):
    """Digest of each of the 2^bits buckets of shared heads."""

    bits: int
    digests: tuple[bytes, ...]


class Heads(NamedTuple):
    """All heads of the buckets in ``complete``."""

    bits: int
    complete: tuple[int, ...]
    heads: tuple[KnownHead, ...]


class Batch(NamedTuple):
    """Runs of consecutive records."""

    records: tuple[Envelope, ...]


class ReceiptFrame(NamedTuple):
    """A signed receipt."""

    note: Signed


class Refusal(NamedTuple):
    """A record was refused; ``held`` is what the refuser holds of that log."""

    log_id: bytes
    seq: int
    reason: str
    held: KnownHead
    retry_after_ms: int


class Ping(NamedTuple):
    """Are you there?"""

    number: int


class Pong(NamedTuple):
    """Yes; ``now_ms`` is the speaker's clock."""

    number: int
    now_ms: int


class Marks(NamedTuple):
    """Freshness marks."""

    marks: tuple[Signed, ...]


class BlobRequest(NamedTuple):
    """Send a piece of an attachment."""

    hash: bytes
    offset: int
    bytes_max: int


class BlobChunk(NamedTuple):
    """A piece of an attachment."""

    hash: bytes
    offset: int
    data: bytes
    missing: bool


class RangeRequest(NamedTuple):
    """Send records first … last of a log, from its end backwards (repair)."""

    log_id: bytes
    first: int
    last: int


class Range(NamedTuple):
    """Consecutive records of a log ending at ``last``; none where the speaker cannot give them."""

    log_id: bytes
    last: int
    records: tuple[Envelope, ...]


class Reconcile(NamedTuple):
    """A step of reconciling the link; which fields mean something depends on it (`reconciling.Step`)."""

    step: int
    run: bytes
    heads: bytes = b""
    items: bytes = b""
    number: int = 0
    digests: tuple[bytes, ...] = ()
    complete: tuple[int, ...] = ()
    entries: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    reason: str = ""


class Goodbye(NamedTuple):
    """The speaker closes the link in an orderly way."""

    reason: str


def weight(frame: Frame) -> int:
    """About the bytes a frame holds: what a bound on frames that wait goes by."""
    if isinstance(frame, Batch):
        return bytes_of(frame.records)
    if isinstance(frame, Chain):
        return bytes_of(frame.certificates)
    if isinstance(frame, Marks):
        return sum(len(note.body) + len(note.signature) for note in frame.marks)
    if isinstance(frame, Heads):
        return 100 * len(frame.heads)
    if isinstance(frame, Reconcile):
        return 100 * (len(frame.entries) + len(frame.digests))
    return len(frame.data) if isinstance(frame, BlobChunk) else 0


def split(frame: Frame, part_bytes: int, limits: LinkLimits) -> list[Frame]:
    """A batch as batches of at most ``part_bytes`` (of one record where that is larger); other frames as they are.

    A batch is a list of records and nothing else, so its parts mean the same one after another. What exceeds a limit
    is left whole: the link refuses it.
    """
    size = weight(frame)
    if not isinstance(frame, Batch) or size <= part_bytes:
        return [frame]
    if len(frame.records) > limits.batch_records_max or size > 2 * limits.frame_bytes_max:
        return [frame]
    parts: list[Frame] = []
    first, size = 0, 0
    for index, envelope in enumerate(frame.records):
        more = envelope.size_bytes
        if index > first and size + more > part_bytes:
            parts.append(Batch(frame.records[first:index]))
            first, size = index, 0
        size += more
    return [*parts, Batch(frame.records[first:])]


Frame = (
    Hello | ChainRequest | Chain | Buckets | Heads | Batch | ReceiptFrame | Refusal | Ping | Pong | Marks | BlobRequest
    | BlobChunk | Goodbye | RangeRequest | Range | Reconcile
)  # fmt: skip
