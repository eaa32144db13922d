"""What a link still has to send: one cursor per log that differs, a byte window, and what is under way.

Invariants: 0 <= acked <= cursor <= head for each log; `in_flight_bytes` is the sum of what was sent and neither
receipted nor refused; a log that was refused is not offered again before its time.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator

from node.records.envelope import Envelope, bytes_of
from node.sync.heads import LogState


class Outgoing:
    """The sending half of a link."""

    def __init__(self, window_bytes: int) -> None:
        """``window_bytes`` bounds what is sent and not yet receipted."""
        self.window_bytes = window_bytes
        self.in_flight_bytes = 0
        self.oldest_sent_ms = 0
        self._cursor: dict[bytes, int] = {}
        self._first: OrderedDict[bytes, None] = OrderedDict()  # office lines: certificates others need come first
        self._later: OrderedDict[bytes, None] = OrderedDict()
        self._under_way: dict[bytes, deque[tuple[int, int]]] = {}
        self._resting: dict[bytes, int] = {}  # log → not before (ms); 0 = until it changes
        self._barred: set[bytes] = set()  # forked logs: nothing more of them on this connection

    @property
    def room_bytes(self) -> int:
        """Bytes that may be sent now."""
        return self.window_bytes - self.in_flight_bytes

    def idle(self) -> bool:
        """Nothing to send and nothing under way."""
        return not self._first and not self._later and not self._under_way

    def waiting_logs(self) -> int:
        """Logs with something to send, under way or resting."""
        return len({*self._first, *self._later, *self._under_way, *self._resting})

    def offer(self, log: LogState, after_seq: int) -> None:
        """The neighbour holds ``after_seq`` of this log: what follows is to be sent."""
        if log.log_id in self._barred:
            return
        self._forget(log.log_id)
        self._cursor[log.log_id] = after_seq
        if after_seq < log.seq:
            self._queue(log)

    def offer_last(self, log: LogState) -> None:
        """The neighbour holds the log as it is here, but its receipt was lost: the last record again brings another."""
        if log.seq and self._cursor.get(log.log_id, log.seq) == log.seq:
            self.offer(log, log.seq - 1)

    def advanced(self, log: LogState, previous_seq: int) -> None:
        """The log grew here; the neighbour was known to hold (or to be getting) ``previous_seq`` unless noted."""
        if log.log_id in self._barred:
            return
        self._cursor.setdefault(log.log_id, previous_seq)
        if log.log_id not in self._resting and self._cursor[log.log_id] < log.seq:
            self._queue(log)

    def held_by_peer(self, log: LogState) -> None:
        """The neighbour itself sent what we now hold."""
        if self._cursor.get(log.log_id, 0) <= log.seq:
            self._cursor[log.log_id] = log.seq
            self._first.pop(log.log_id, None)
            self._later.pop(log.log_id, None)

    def wants(self, count_max: int) -> tuple[tuple[bytes, int], ...]:
        """The next logs to read, with the seq to read after."""
        found = []
        for log_id in self._queued():
            found.append((log_id, self._cursor[log_id]))
            if len(found) == count_max:
                break
        return tuple(found)

    def sent(self, log: LogState, records: list[Envelope], last_seq: int, now_ms: int) -> None:
        """A run of this log goes out now."""
        size = bytes_of(records)
        self._cursor[log.log_id] = last_seq
        if not self.in_flight_bytes:
            self.oldest_sent_ms = now_ms
        self.in_flight_bytes += size
        self._under_way.setdefault(log.log_id, deque()).append((last_seq, size))
        if last_seq >= log.seq:
            self._first.pop(log.log_id, None)
            self._later.pop(log.log_id, None)

    def nothing_to_read(self, log_id: bytes) -> None:
        """The store had nothing after the cursor."""
        self._first.pop(log_id, None)
        self._later.pop(log_id, None)

    def receipted(self, log_id: bytes, seq: int, now_ms: int) -> None:
        """The neighbour holds the log durably up to ``seq``."""
        flight = self._under_way.get(log_id)
        if flight is not None:
            while flight and flight[0][0] <= seq:
                self.in_flight_bytes -= flight.popleft()[1]
            if not flight:
                del self._under_way[log_id]
        self.oldest_sent_ms = now_ms

    def refused(self, log_id: bytes, held_seq: int, not_before_ms: int) -> None:
        """The neighbour refused this log and holds ``held_seq``: rest until then (0 = until the next connection)."""
        self._forget(log_id)
        if log_id not in self._barred:
            self._cursor[log_id] = held_seq
            self._resting[log_id] = not_before_ms

    def bar(self, log_id: bytes) -> None:
        """The log is forked: it is not sent on this connection any more."""
        self._forget(log_id)
        self._barred.add(log_id)

    def is_barred(self, log_id: bytes) -> bool:
        """Whether the log is forked."""
        return log_id in self._barred

    def wake(self, now_ms: int) -> list[bytes]:
        """Logs whose rest is over; the caller offers them again."""
        due = [log_id for log_id, at in self._resting.items() if at and at <= now_ms]
        for log_id in due:
            del self._resting[log_id]
        return due

    def cursor(self, log_id: bytes) -> int | None:
        """What the neighbour holds or is being sent, where noted."""
        return self._cursor.get(log_id)

    def is_resting(self, log_id: bytes) -> bool:
        """Whether the log was refused and waits."""
        return log_id in self._resting

    def _queue(self, log: LogState) -> None:
        queue = self._first if log.key.line.subtree else self._later
        queue[log.log_id] = None

    def _queued(self) -> Iterator[bytes]:
        yield from self._first
        yield from self._later

    def _forget(self, log_id: bytes) -> None:
        for _, size in self._under_way.pop(log_id, ()):
            self.in_flight_bytes -= size
        self._first.pop(log_id, None)
        self._later.pop(log_id, None)
        self._resting.pop(log_id, None)
