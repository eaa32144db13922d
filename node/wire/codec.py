"""Frames as bytes: the only place that turns what a link says into protobuf and back.

Rules of this file:

1. `decode` accepts or raises PeerError(malformed | too_large), nothing else (faults.md B13, B14). Lists are counted
   before they are turned into values, so a frame costs at most what its limits allow.
2. Records and notes pass as the bytes they are; what is inside them is judged by `node.records`, one by one, so that
   one bad record never closes a link. Here only the frame around them is judged.
3. Frames are not signed: unknown fields are ignored, and a frame of an unknown kind is malformed (the versions in the
   hello decide what may be sent).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from google.protobuf.message import DecodeError

from node.errors import LocalError, PeerError
from node.records import envelope as envelopes
from node.records import limits as record_limits
from node.records import notes
from node.records.envelope import Envelope
from node.records.payload import KnownHead
from node.records.v1 import record_pb2
from node.sync import frames
from node.sync.heads import BUCKET_DIGEST_BYTES
from node.sync.limits import DEFAULT_LIMITS, LinkLimits
from node.wire.v1 import sync_pb2

_HASH = record_limits.HASH_BYTES
_INT64_MAX = 2**63 - 1  # numbers end in signed 64-bit columns
_BUCKET_BITS_MAX = 16
_WORD_CHARS_MAX = 200  # a reason
_SOFTWARE_CHARS_MAX = 100
_STEP_MAX = 64
_RUN_BYTES = 16
_BODY_BYTES_MAX = 4_096

_fields_of: Callable[[record_pb2.Envelope], tuple[bytes, bytes, bytes, bytes]] = attrgetter(
    "header", "signature", "salt", "payload"
)
_new = tuple.__new__


class _BadFrame(Exception):
    """Why a frame is refused; turned into PeerError in `decode`."""

    def __init__(self, detail: str, code: str = "malformed") -> None:
        super().__init__(detail)
        self.code = code


def encode(frame: frames.Frame, limits: LinkLimits = DEFAULT_LIMITS) -> bytes:
    """Bytes of a frame. LocalError if it is larger than a neighbour accepts: our own code made it too large."""
    raw = _ENCODERS[type(frame)](frame).SerializeToString()
    if len(raw) > limits.frame_bytes_max:
        name = type(frame).__name__
        raise LocalError(f"通信帧超过上限（内部错误）：{name}，{len(raw)} 字节", code="frame_too_large")
    return raw


def decode(raw: bytes, limits: LinkLimits = DEFAULT_LIMITS) -> frames.Frame:
    """Read foreign bytes; PeerError(malformed | too_large) where they are not acceptable."""
    if len(raw) > limits.frame_bytes_max:
        raise PeerError("通信帧超过上限", code="too_large", evidence=raw[:256], detail=f"frame of {len(raw)} bytes")
    try:
        message = sync_pb2.Frame.FromString(raw)
    except DecodeError as error:
        raise PeerError("通信帧格式不符", code="malformed", evidence=raw[:256], detail="not a frame message") from error
    kind = message.WhichOneof("body")
    if kind is None:
        raise PeerError("通信帧种类不明", code="malformed", evidence=raw[:256], detail="unknown kind of frame")
    try:
        frame: frames.Frame = _DECODERS[kind](getattr(message, kind), limits)
    except _BadFrame as fault:
        text = "通信帧超过上限" if fault.code == "too_large" else "通信帧内容不符"
        raise PeerError(text, code=fault.code, evidence=raw[:256], detail=f"{kind}: {fault}") from fault
    return frame


# -- bounds -----------------------------------------------------------------------------------------------------------


def _require(condition: bool, detail: str) -> None:
    if not condition:
        raise _BadFrame(detail)


def _count(items: Any, most: int, what: str) -> None:
    if len(items) > most:
        raise _BadFrame(f"{len(items)} {what}, at most {most}", "too_large")


def _hash_or_none(value: bytes, name: str) -> bytes:
    _require(len(value) in (0, _HASH), f"{name} is not 32 bytes")
    return value


def _bits(bits: int) -> int:
    _require(bits <= _BUCKET_BITS_MAX, "bucket bits out of range")
    return bits


def _int64(value: int, name: str) -> int:
    _require(value <= _INT64_MAX, f"{name} out of range")
    return value


def _word(value: str, chars_max: int, name: str) -> str:
    _require(len(value) <= chars_max, f"{name} too long")
    return value


def _note(message: Any) -> notes.Signed:
    if len(message.body) > record_limits.NOTE_BYTES_MAX or len(message.signature) > record_limits.SIGNATURE_BYTES_MAX:
        raise _BadFrame(f"note of {len(message.body)} bytes", "too_large")
    return notes.from_message(message)


def _head(m: sync_pb2.Head) -> KnownHead:
    log_id, seq, record_id = m.log_id, m.seq, m.record_id
    if len(log_id) != _HASH or seq > record_limits.SEQ_MAX or len(record_id) != (_HASH if seq else 0):
        raise _BadFrame("head: id or seq out of bounds")
    return KnownHead(log_id, seq, record_id)


# -- reading ----------------------------------------------------------------------------------------------------------


def _read_hello(m: sync_pb2.Hello, _limits: LinkLimits) -> frames.Hello:
    _require(m.now_ms <= record_limits.TIME_MS_MAX, "now_ms out of range")
    return frames.Hello(
        m.version_min,
        m.version_max,
        _hash_or_none(m.federation, "federation"),
        _word(m.office, record_limits.CODE_CHARS_MAX, "office"),
        _hash_or_none(m.chain_hash, "chain_hash"),
        _note(m.channel),
        _hash_or_none(m.tls_certificate_sha256, "tls_certificate_sha256"),
        _hash_or_none(m.heads_digest, "heads_digest"),
        _int64(m.logs, "logs"),
        _hash_or_none(m.marks_digest, "marks_digest"),
        m.now_ms,
        m.window_bytes,
        _word(m.software, _SOFTWARE_CHARS_MAX, "software"),
    )


def _read_buckets(m: sync_pb2.Buckets, _limits: LinkLimits) -> frames.Buckets:
    _require(len(m.digests) == 1 << _bits(m.bits), "number of digests")
    digests = tuple(m.digests)
    _require(all(len(digest) == BUCKET_DIGEST_BYTES for digest in digests), "a digest is not 16 bytes")
    return frames.Buckets(m.bits, digests)


def _read_heads(m: sync_pb2.Heads, limits: LinkLimits) -> frames.Heads:
    _count(m.complete, 1 << _bits(m.bits), "complete buckets")
    # A bucket is never split, so the last one may exceed the sender's own bound; the frame's bytes bound the whole.
    _count(m.heads, 2 * limits.heads_per_frame_max, "heads")
    return frames.Heads(m.bits, tuple(m.complete), tuple([_head(head) for head in m.heads]))


def _envelopes(messages: Iterable[record_pb2.Envelope]) -> tuple[Envelope, ...]:
    # The hot path: about 1 microsecond a record.
    return tuple([envelopes.from_message(m) if m.erased else _new(Envelope, _fields_of(m)) for m in messages])


def _read_batch(m: sync_pb2.Batch, limits: LinkLimits) -> frames.Batch:
    _count(m.records, limits.batch_records_max, "records")
    return frames.Batch(_envelopes(m.records))


def _read_refusal(m: sync_pb2.Refusal, _limits: LinkLimits) -> frames.Refusal:
    held = m.held
    if m.HasField("held") and held.log_id:
        head = _head(held)
    else:
        _require(not held.seq and not held.record_id, "held head without a log")
        head = KnownHead(b"", 0, b"")
    _require(len(m.log_id) == _HASH, "log_id is not 32 bytes")
    log_id, seq = m.log_id, _int64(m.seq, "seq")
    return frames.Refusal(log_id, seq, _word(m.reason, _WORD_CHARS_MAX, "reason"), head, m.retry_after_ms)


def _read_pong(m: sync_pb2.Pong, _limits: LinkLimits) -> frames.Pong:
    _require(m.now_ms <= record_limits.TIME_MS_MAX, "now_ms out of range")
    return frames.Pong(m.number, m.now_ms)


def _read_marks(m: sync_pb2.Marks, limits: LinkLimits) -> frames.Marks:
    _count(m.marks, limits.marks_per_frame_max, "marks")
    return frames.Marks(tuple([_note(mark) for mark in m.marks]))


def _blob(m: sync_pb2.BlobRequest | sync_pb2.BlobChunk) -> tuple[bytes, int]:
    _require(len(m.hash) == _HASH and m.offset <= record_limits.ATTACHMENT_BYTES_MAX, "blob hash or offset")
    return m.hash, m.offset


def _read_blob_chunk(m: sync_pb2.BlobChunk, limits: LinkLimits) -> frames.BlobChunk:
    _count(m.data, limits.blob_chunk_bytes, "bytes of a chunk")
    return frames.BlobChunk(*_blob(m), m.data, m.missing)


def _read_chain(m: sync_pb2.Chain, limits: LinkLimits) -> frames.Chain:
    _count(m.certificates, limits.chain_length_max, "certificates")
    return frames.Chain(_envelopes(m.certificates))


def _read_range_request(m: sync_pb2.RangeRequest, _limits: LinkLimits) -> frames.RangeRequest:
    _require(len(m.log_id) == _HASH, "log_id is not 32 bytes")
    _require(0 < m.first <= m.last <= record_limits.SEQ_MAX, "range out of bounds")
    return frames.RangeRequest(m.log_id, m.first, m.last)


def _read_range(m: sync_pb2.Range, limits: LinkLimits) -> frames.Range:
    _count(m.records, limits.batch_records_max, "records")
    _require(len(m.log_id) == _HASH and m.last <= record_limits.SEQ_MAX, "log_id or last")
    return frames.Range(m.log_id, m.last, _envelopes(m.records))


def _read_reconcile(m: sync_pb2.Reconcile, limits: LinkLimits) -> frames.Reconcile:
    _require(m.step <= _STEP_MAX and len(m.run) in (0, _RUN_BYTES), "step or run")
    _count(m.digests, 256, "digests")
    _count(m.complete, 256, "complete buckets")
    _count(m.entries, limits.heads_per_frame_max, "entries")
    _count(m.body, _BODY_BYTES_MAX, "bytes of a result")
    _require(all(len(digest) == BUCKET_DIGEST_BYTES for digest in m.digests), "a digest is not 16 bytes")
    _require(all(len(e.item) == _HASH and len(e.digest) == _HASH for e in m.entries), "an entry is not 32 bytes")
    return frames.Reconcile(
        m.step, m.run, _hash_or_none(m.heads, "heads"), _hash_or_none(m.items, "items"), _int64(m.number, "number"),
        tuple(m.digests), tuple(m.complete), tuple((e.item, e.digest) for e in m.entries), m.body,
        _word(m.reason, _WORD_CHARS_MAX, "reason"),
    )  # fmt: skip


_DECODERS: dict[str, Callable[[Any, LinkLimits], frames.Frame]] = {
    "hello": _read_hello,
    "buckets": _read_buckets,
    "heads": _read_heads,
    "batch": _read_batch,
    "receipt": lambda m, _limits: frames.ReceiptFrame(_note(m)),
    "refusal": _read_refusal,
    "ping": lambda m, _limits: frames.Ping(m.number),
    "pong": _read_pong,
    "marks": _read_marks,
    "blob_request": lambda m, _limits: frames.BlobRequest(*_blob(m), m.bytes_max),
    "blob_chunk": _read_blob_chunk,
    "goodbye": lambda m, _limits: frames.Goodbye(_word(m.reason, _WORD_CHARS_MAX, "reason")),
    "chain_request": lambda _m, _limits: frames.ChainRequest(),
    "chain": _read_chain,
    "range_request": _read_range_request,
    "range": _read_range,
    "reconcile": _read_reconcile,
}


# -- writing ----------------------------------------------------------------------------------------------------------


def _write_hello(f: frames.Hello) -> sync_pb2.Frame:
    fields = f._asdict()
    fields["channel"] = notes.to_message(f.channel)
    fields["tls_certificate_sha256"] = fields.pop("tls_sha256")
    return sync_pb2.Frame(hello=sync_pb2.Hello(**fields))


def _write_heads(f: frames.Heads) -> sync_pb2.Frame:
    message = sync_pb2.Frame()
    message.heads.bits = f.bits
    message.heads.complete.extend(f.complete)
    message.heads.heads.extend([_head_message(head) for head in f.heads])
    return message


def _head_message(head: KnownHead) -> sync_pb2.Head:
    return sync_pb2.Head(log_id=head.log_id, seq=head.seq, record_id=head.record_id)


def _fill(repeated: Any, records: Iterable[Envelope]) -> None:
    # Assigning fields one by one takes half the time of building messages from keywords.
    add = repeated.add
    for header, signature, salt, payload in records:
        message = add()
        message.header = header
        message.signature = signature
        if payload is None:
            message.erased = True
        else:
            message.salt = salt
            message.payload = payload


def _write_batch(f: frames.Batch) -> sync_pb2.Frame:
    message = sync_pb2.Frame()
    message.batch.SetInParent()
    _fill(message.batch.records, f.records)
    return message


def _write_chain(f: frames.Chain) -> sync_pb2.Frame:
    message = sync_pb2.Frame()
    message.chain.SetInParent()
    _fill(message.chain.certificates, f.certificates)
    return message


def _write_range(f: frames.Range) -> sync_pb2.Frame:
    message = sync_pb2.Frame(range=sync_pb2.Range(log_id=f.log_id, last=f.last))
    _fill(message.range.records, f.records)
    return message


def _write_reconcile(f: frames.Reconcile) -> sync_pb2.Frame:
    fields = f._asdict()
    fields["entries"] = [sync_pb2.ItemDigest(item=item, digest=digest) for item, digest in f.entries]
    return sync_pb2.Frame(reconcile=sync_pb2.Reconcile(**fields))


def _write_refusal(f: frames.Refusal) -> sync_pb2.Frame:
    fields = f._asdict()
    fields["held"] = _head_message(f.held)
    return sync_pb2.Frame(refusal=sync_pb2.Refusal(**fields))


def _write_marks(f: frames.Marks) -> sync_pb2.Frame:
    return sync_pb2.Frame(marks=sync_pb2.Marks(marks=[notes.to_message(mark) for mark in f.marks]))


_ENCODERS: dict[type, Callable[[Any], sync_pb2.Frame]] = {
    frames.Hello: _write_hello,
    frames.Buckets: lambda f: sync_pb2.Frame(buckets=sync_pb2.Buckets(bits=f.bits, digests=f.digests)),
    frames.Heads: _write_heads,
    frames.Batch: _write_batch,
    frames.ReceiptFrame: lambda f: sync_pb2.Frame(receipt=notes.to_message(f.note)),
    frames.Refusal: _write_refusal,
    frames.Ping: lambda f: sync_pb2.Frame(ping=sync_pb2.Ping(number=f.number)),
    frames.Pong: lambda f: sync_pb2.Frame(pong=sync_pb2.Pong(number=f.number, now_ms=f.now_ms)),
    frames.Marks: _write_marks,
    frames.BlobRequest: lambda f: sync_pb2.Frame(blob_request=sync_pb2.BlobRequest(**f._asdict())),
    frames.BlobChunk: lambda f: sync_pb2.Frame(blob_chunk=sync_pb2.BlobChunk(**f._asdict())),
    frames.Goodbye: lambda f: sync_pb2.Frame(goodbye=sync_pb2.Goodbye(reason=f.reason)),
    frames.ChainRequest: lambda _f: sync_pb2.Frame(chain_request=sync_pb2.ChainRequest()),
    frames.Chain: _write_chain,
    frames.RangeRequest: lambda f: sync_pb2.Frame(range_request=sync_pb2.RangeRequest(**f._asdict())),
    frames.Range: _write_range,
    frames.Reconcile: _write_reconcile,
}
