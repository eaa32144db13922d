"""Scrubbing a log: which stored records are still exactly what their author signed, and what would mend the others.

Rules of this file:

1. The record under a number is right exactly when its id is the one that the record above it names; the topmost is
   named by the log's head. So whatever is fetched to mend a log is known before it comes, byte for byte (G8).
2. A record is judged by hashes over its stored bytes: header and signature against the id, salt and payload against
   the header. Bulk is judged without reading headers: a header that begins with this log's name, its number and the
   id before, and ends in the payload's hash, says just what it must. Anything else is read whole and judged slowly.
3. Damage is a range of numbers and why; ranges next to each other are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from node.errors import PeerError
from node.records import header as headers
from node.records.envelope import ID_PREFIX, PAYLOAD_PREFIX, Envelope, open_envelope
from node.records.line import LogKey
from node.records.suite import Suite, Suites

_PREV = b"\x3a\x20"  # field 7, 32 bytes
_PAYLOAD_HASH = b"\xaa\x01\x20"  # field 21, 32 bytes: the last one
_SEQ = b"\x30"  # field 6


class Stored(Protocol):
    """A record as a store gives it."""

    @property
    def seq(self) -> int: ...
    @property
    def record_id(self) -> bytes: ...
    @property
    def header(self) -> bytes: ...
    @property
    def signature(self) -> bytes: ...
    @property
    def salt(self) -> bytes | None: ...
    @property
    def payload(self) -> bytes | None: ...


class Damage(NamedTuple):
    """Numbers ``first`` … ``last`` of a log are not what they must be; ``want`` is the right id of ``last``."""

    first: int
    last: int
    code: str  # malformed | payload_mismatch | wrong_prev | missing | foreign_line | bad_signature
    want: bytes


class Scrubbed(NamedTuple):
    """What a whole log was found to be: damage in ascending order, the last sound record, records looked at."""

    damage: tuple[Damage, ...]
    last_seq: int
    last_id: bytes
    beyond: int  # records stored above the head


def fault_of(suites: Suites, key: LogKey, row: Stored) -> str:
    """Why a stored record by itself is not what it must be; empty where it is."""
    try:
        record = open_envelope(suites, Envelope(row.header, row.signature, row.salt, row.payload))
    except PeerError as error:
        return error.code
    if record.header.log_key != key or record.header.seq != row.seq:
        return "foreign_line"
    return "" if record.record_id == row.record_id else "wrong_prev"


class LogScrub:
    """One log, from its first record to its last, in pages."""

    def __init__(self, suites: Suites, key: LogKey, head_seq: int, head_id: bytes) -> None:
        """``head_seq`` and ``head_id`` are what the log is known to end in."""
        self._suites = suites
        self._key = key
        self._head = (head_seq, head_id)
        self._suite: Suite | None = None
        self._start = b""
        self._bad: list[tuple[int, int, str]] = []
        self._prev = b""
        self._known = True  # whether _prev is the id of a sound record just before
        self._names: dict[int, bytes] = {}  # number below a damaged stretch → what the sound record above it names
        self._beyond = 0
        self.seq = 0  # the last number looked at

    def feed(self, rows: Sequence[Stored]) -> None:
        """Look at the next stored records, in order."""
        for row in rows:
            seq = row.seq
            if seq > self._head[0]:
                self._end()
                self._beyond += 1
            if seq != self.seq + 1:
                self._note(self.seq + 1, seq - 1, "missing")
            if not (self._known and self._plain(row)):
                self._look(row)
            else:
                self._prev = row.record_id
            self.seq = seq

    def finish(self) -> Scrubbed:
        """All records were fed."""
        last_seq, last_id = (self.seq, self._prev) if self._known else (0, b"")
        self._end()
        head_seq, head_id = self._head
        damage = []
        for first, last, code in self._merged():
            if first <= head_seq:  # what lies above the head nobody was promised
                last = min(last, head_seq)
                want = head_id if last == head_seq else self._names.get(last, b"")
                damage.append(Damage(first, last, code, want))
        return Scrubbed(tuple(damage), last_seq, last_id, self._beyond)

    def _end(self) -> None:
        """Where the log's head says that it ends."""
        head_seq, head_id = self._head
        if self.seq < head_seq:
            self._note(self.seq + 1, head_seq, "missing")
            self.seq = head_seq
        elif head_seq == self.seq and self._known and self._prev != head_id:
            self._note(head_seq, head_seq, "wrong_prev")

    def _plain(self, row: Stored) -> bool:
        """The quick look; False where it does not show that all is right."""
        if self._suite is None or row.salt is None or row.payload is None:
            return False
        header, signature, digest = row.header, row.signature, self._suite.hash
        begins = self._start + _SEQ + _varint(row.seq) + _PREV + self._prev
        if not header.startswith(begins):
            return False
        sizes = len(header).to_bytes(4, "big"), len(signature).to_bytes(4, "big")
        if digest(b"".join((ID_PREFIX, sizes[0], header, sizes[1], signature))) != row.record_id:
            return False
        return header.endswith(_PAYLOAD_HASH + digest(PAYLOAD_PREFIX + row.salt + row.payload))

    def _look(self, row: Stored) -> None:
        """The slow look, and what it says about the record below."""
        fault = fault_of(self._suites, self._key, row)
        if fault:
            self._note(row.seq, row.seq, fault)
            self._known = False
            return
        header = headers.decode(row.header)
        if not self._known:
            self._names[row.seq - 1] = header.prev
        elif header.prev != self._prev:
            # Both hold by themselves: the upper one is nearer to the head that is known, so it says what is right.
            self._note(row.seq - 1, row.seq - 1, "wrong_prev")
            self._names[row.seq - 1] = header.prev
        if self._suite is None or self._suite.number != header.suite:
            self._learn(row, header)
        self._prev, self._known = row.record_id, True

    def _learn(self, row: Stored, header: headers.Header) -> None:
        """How headers of this log begin."""
        self._suite = self._suites.get(header.suite)
        end = _SEQ + _varint(row.seq) + (_PREV + header.prev if header.prev else b"")
        at = row.header.find(end)
        self._start = row.header[:at] if at >= 0 else b"\0"

    def _note(self, first: int, last: int, code: str) -> None:
        if first <= last:
            self._bad.append((first, last, code))
            self._known = False

    def _merged(self) -> list[tuple[int, int, str]]:
        merged: list[tuple[int, int, str]] = []
        for first, last, code in sorted(self._bad):
            if merged and first <= merged[-1][1] + 1:
                before = merged[-1]
                merged[-1] = (before[0], max(last, before[1]), before[2])
            else:
                merged.append((first, last, code))
        return merged


class Piece(NamedTuple):
    """What a neighbour sent to mend a range, as far as it is exactly what is missing, and what is wanted next."""

    good: tuple[tuple[int, bytes, Envelope], ...]  # number, record id, bytes; from the end backwards
    want: bytes  # id of the record below the last good one


def fit(suites: Suites, key: LogKey, damage: Damage, envelopes: Sequence[Envelope]) -> Piece:
    """Take from what came as much as fits, from the end backwards; nothing is believed but the wanted id.

    PeerError (of `open_envelope`, or wrong_prev) where the first one already does not fit.
    """
    good: list[tuple[int, bytes, Envelope]] = []
    seq, want = damage.last, damage.want
    for envelope in reversed(envelopes):
        if seq < damage.first:
            break
        record = open_envelope(suites, envelope)
        if record.record_id != want or record.header.seq != seq or record.header.log_key != key:
            raise PeerError("修复数据与已知记录不符", code="wrong_prev", evidence=envelope.header, detail=f"seq {seq}")
        good.append((seq, record.record_id, envelope))
        seq, want = seq - 1, record.header.prev
    return Piece(tuple(good), want)


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
