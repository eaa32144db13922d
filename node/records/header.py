"""The header: the bytes that are signed, and what they say.

Rules of this file:

1. `encode` makes the bytes once, when the author seals; `decode` reads foreign bytes and never changes them.
2. `decode` accepts or raises PeerError(malformed), nothing else (faults.md B14): a singular field given twice, a field
   out of bounds, a malformed line are refused; unknown fields are kept, because the bytes are kept. What a protobuf
   reader would make fit (a number cut to its type, a known field in another shape taken for unknown) is refused too:
   two readers of the same signed bytes must never read different words.
3. Whether the signature holds is not decided here.
4. Bulk history is read at the speed of this file. `_PLAIN` matches what our serializer makes of a header within bounds:
   every field at most once, in order, as long as it must be. What it matches needs no further look; anything else takes
   the long way. The long way accepts all that the short one accepts and reads the same from it (a test compares them).
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from node.errors import PeerError
from node.records import limits
from node.records.line import Line, LogKey, line_fault, log_id_of
from node.records.v1 import record_pb2

_parse = record_pb2.Header.FromString
_FIELDS = record_pb2.Header.DESCRIPTOR.fields
_SINGULAR = frozenset(field.number for field in _FIELDS if not field.is_repeated)
# How many bits the number of a field has; 0 where the field is bytes or text.
_BITS_OF = {
    FieldDescriptor.TYPE_BOOL: 1, FieldDescriptor.TYPE_UINT32: 32, FieldDescriptor.TYPE_UINT64: 64,
    FieldDescriptor.TYPE_INT64: 64,
}  # fmt: skip
_BITS = {field.number: _BITS_OF.get(field.type, 0) for field in _FIELDS}


# Each code can be read in one way only, by its first byte: two ways for each of n codes would be 2^n ways for a path.
_CODE = rb"(?:\x06.{6}|\x09.{9}|[\x08\x0a-\x1a][0-9a-z-]{8,26})"
_TIME = rb"[\x80-\xff]{0,5}[\x01-\x7f]"  # 42 bits: until the year 2109
_SMALL = rb"[\x80-\xff]{0,3}[\x01-\x7f]"
_PLAIN = re.compile(
    rb"(\x0a\x20.{32}\x12" + _CODE + rb"\x18[\x80-\xff]{0,8}[\x01-\x7f](?:\x22" + _CODE + rb"){1,12}(?:\x28\x01)?)"
    # seq and prev: the first record has none
    rb"\x30(?:\x01(?!\x3a)|(?!\x01)" + _SMALL + rb"\x3a\x20.{32})"
    rb"\x40" + _TIME + rb"(?:\x48" + _SMALL + rb")?(?:\x50" + _TIME + rb")?"
    # kind; item or semantic version; re; reissue_of
    rb"\x58(?:[\x80-\xff])?[\x01-\x7f](?:\x62\x20.{32}|\x68[\x01-\x7f])?((?:\x72\x20.{32}){0,64})(?:\x7a\x20.{32})?"
    # actor, channel, suite, key_id; payload_bytes below 2^18; payload_hash
    rb"(?:\x80\x01[\x80-\xff]{0,6}[\x01-\x7f])?(?:\x88\x01[\x01-\x7f])?\x90\x01[\x01-\x7f]\x9a\x01\x20.{32}"
    rb"(?:\xa0\x01(?:[\x80-\xff]?[\x01-\x7f]|[\x80-\xff]{2}[\x01-\x0f]))?\xaa\x01\x20.{32}",
    re.DOTALL,
).fullmatch  # fmt: skip


class Header(NamedTuple):
    """A decoded header; field meanings in proto/node/records/v1/record.proto. Times are milliseconds since 1970 UTC."""

    federation: bytes
    author: str
    epoch: int
    line: Line
    seq: int
    prev: bytes
    hlc_ms: int
    hlc_count: int
    claimed_ms: int
    kind: int
    item: bytes
    semantic_version: int
    re: tuple[bytes, ...]
    reissue_of: bytes
    actor: int
    channel: int
    suite: int
    key_id: bytes
    payload_bytes: int
    payload_hash: bytes

    @property
    def log_key(self) -> LogKey:
        """The log this record belongs to."""
        return LogKey(self.author, self.epoch, self.line)

    @property
    def log_id(self) -> bytes:
        """32 bytes naming that log."""
        return log_id_of(self.log_key)


_new = tuple.__new__  # a value from its fields in order, without a call of Python's for each of millions
# The fields behind the line, but for `re`, which the shape has found already.
_before_re = attrgetter(
    "seq", "prev", "hlc_ms", "hlc_count", "claimed_ms", "kind", "item", "semantic_version"
)
_after_re = attrgetter("reissue_of", "actor", "channel", "suite", "key_id", "payload_bytes", "payload_hash")
_ANSWER_BYTES = 2 + limits.HASH_BYTES  # tag, length, record id


def encode(header: Header) -> bytes:
    """Return the bytes to sign. Called once per record, by its author."""
    message = record_pb2.Header(
        federation=header.federation,
        author=header.author,
        epoch=header.epoch,
        path=header.line.path,
        subtree=header.line.subtree,
        seq=header.seq,
        prev=header.prev,
        hlc_ms=header.hlc_ms,
        hlc_count=header.hlc_count,
        claimed_ms=header.claimed_ms,
        kind=header.kind,
        item=header.item,
        semantic_version=header.semantic_version,
        re=header.re,
        reissue_of=header.reissue_of,
        actor=header.actor,
        channel=header.channel,
        suite=header.suite,
        key_id=header.key_id,
        payload_bytes=header.payload_bytes,
        payload_hash=header.payload_hash,
    )
    return message.SerializeToString(deterministic=True)


def decode(raw: bytes) -> Header:
    """Read header bytes; PeerError(malformed | too_large) where they are not acceptable."""
    if len(raw) > limits.HEADER_BYTES_MAX:
        raise PeerError("记录头超过上限", code="too_large", evidence=raw[:256], detail=f"header of {len(raw)} bytes")
    plain = _PLAIN(raw)
    if plain is not None:
        start, answers = plain.groups()
        named = _log_named(start)
        if named is not None:
            rest = _parse(raw[len(start) :])
            return _new(Header, (*named, *_before_re(rest), _answers(answers), *_after_re(rest)))
    return _decode_any(raw)


def _answers(fields: bytes) -> tuple[bytes, ...]:
    if len(fields) == _ANSWER_BYTES:
        return (fields[2:],)
    return tuple([fields[at : at + limits.HASH_BYTES] for at in range(2, len(fields), _ANSWER_BYTES)])


def _decode_any(raw: bytes) -> Header:
    """The long way: every bound, no singular field twice, every field in its own shape."""
    try:
        message = _parse(raw)
    except DecodeError as error:
        raise _malformed(raw, "not a header message") from error
    header = _whole(message)
    fault = _fault(header) or _misshapen(raw, message)
    if fault:
        raise _malformed(raw, fault)
    return header


@lru_cache(maxsize=4_096)  # a memo of a pure function: the headers of one log all begin alike
def _log_named(start: bytes) -> tuple[bytes, str, int, Line] | None:
    """Federation, author, epoch and line from the first five fields; None where they must be looked at more closely."""
    try:
        message = _parse(start)
    except DecodeError:
        return None
    epoch, line = message.epoch, Line(tuple(message.path), message.subtree)
    plain = message.SerializeToString(deterministic=True) == start and len(message.federation) == limits.HASH_BYTES
    if not plain or not 0 < epoch <= limits.EPOCH_MAX or line_fault(message.author, line):
        return None
    message.DiscardUnknownFields()
    return (message.federation, message.author, epoch, line) if message.ByteSize() == len(start) else None


def _whole(message: record_pb2.Header) -> Header:
    return Header(
        message.federation,
        message.author,
        message.epoch,
        Line(tuple(message.path), message.subtree),
        message.seq,
        message.prev,
        message.hlc_ms,
        message.hlc_count,
        message.claimed_ms,
        message.kind,
        message.item,
        message.semantic_version,
        tuple(message.re),
        message.reissue_of,
        message.actor,
        message.channel,
        message.suite,
        message.key_id,
        message.payload_bytes,
        message.payload_hash,
    )


def _malformed(raw: bytes, detail: str) -> PeerError:
    return PeerError("记录头格式不符", code="malformed", evidence=raw, detail=detail)


def _fault(h: Header) -> str:
    """Return the bound that is broken, or an empty string."""
    if len(h.federation) != limits.HASH_BYTES or len(h.key_id) != limits.HASH_BYTES:
        return "federation or key_id is not 32 bytes"
    if len(h.payload_hash) != limits.HASH_BYTES or h.payload_bytes > limits.PAYLOAD_BYTES_MAX:
        return "payload hash or size"
    if not (0 < h.epoch <= limits.EPOCH_MAX and 0 < h.seq <= limits.SEQ_MAX):
        return "epoch or seq out of range"
    if len(h.prev) != (0 if h.seq == 1 else limits.HASH_BYTES):
        return "prev must be empty exactly for seq 1, else 32 bytes"
    if not (h.hlc_ms <= limits.TIME_MS_MAX and h.hlc_count <= limits.HLC_COUNT_MAX):
        return "hybrid clock out of range"
    if not 0 <= h.claimed_ms <= limits.TIME_MS_MAX:
        return "claimed time out of range"
    if not (0 < h.kind <= limits.KIND_MAX and h.semantic_version <= limits.SEMANTIC_VERSION_MAX):
        return "kind or semantic version out of range"
    if h.actor > limits.ACTOR_MAX or not 0 < h.suite <= limits.KIND_MAX or h.channel > limits.KIND_MAX:
        return "actor, suite or channel out of range"
    if h.item and (len(h.item) != limits.HASH_BYTES or h.semantic_version):
        return "item must be 32 bytes, and empty in an opening record"
    if h.reissue_of and len(h.reissue_of) != limits.HASH_BYTES:
        return "reissue_of is not 32 bytes"
    if len(h.re) > limits.RE_IDS_MAX or any(len(answered) != limits.HASH_BYTES for answered in h.re):
        return "re: too many, or not 32 bytes"
    return line_fault(h.author, h.line)


def _misshapen(raw: bytes, message: record_pb2.Header) -> str:
    """Return which singular field is given twice or which known field in another shape, or an empty string.

    Fast path: bytes that our serializer would have made give every known field at most once. Anything else (unknown
    fields, another encoder's order) is walked field by field.
    """
    if message.SerializeToString(deterministic=True) == raw:
        message.DiscardUnknownFields()
        if message.ByteSize() == len(raw):
            return ""
    seen: set[int] = set()
    for number, wire_type, value in _walk(raw):
        bits = _BITS.get(number)
        if bits is None:
            continue
        if wire_type != (0 if bits else 2):
            return f"field {number} of wire type {wire_type}"
        if bits and value >> bits:
            return f"field {number} wider than {bits} bits"
        if number in seen and number in _SINGULAR:
            return f"field {number} twice"
        seen.add(number)
    return ""


def field_numbers(raw: bytes) -> list[int]:
    """Return the field numbers of a message's top level, in order; PeerError(malformed) where it has no shape."""
    return [number for number, _, _ in _walk(raw)]


def _walk(raw: bytes) -> list[tuple[int, int, int]]:
    """Each field's number, wire type, and value (a number) or length; PeerError(malformed)."""
    found: list[tuple[int, int, int]] = []
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        wire_type = tag & 7
        if wire_type == 0:
            value, at = _varint(raw, at)
        elif wire_type == 1:
            value, at = 8, at + 8
        elif wire_type == 2:
            value, at = _varint(raw, at)
            at += value
        elif wire_type == 5:
            value, at = 4, at + 4
        else:
            # Groups were never used in this format.
            raise _malformed(raw, f"wire type {wire_type}")
        if at > len(raw):
            raise _malformed(raw, "truncated field")
        found.append((tag >> 3, wire_type, value))
    return found


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(raw) or shift > 63:
            raise _malformed(raw, "varint")
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
