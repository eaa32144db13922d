"""The logs in memory and in the store: heads, appends of a step, and the hybrid clock.

Rules: appends are buffered within a step and reach the store in one statement (`flush`); heads in memory move at once,
so a failing step must be followed by a reload, and a failing *command* within a step by `undo`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from node.clock import Hlc, hlc_merge
from node.errors import LocalError
from node.items.fact import Fact
from node.records.envelope import Record
from node.records.line import LogKey, log_id_of
from node.services.mending.lost_logs import lost_numbers
from node.storage.port import Fork, LogRow, Meta, RecordRow, Store
from node.sync.heads import HeadIndex, LogState

_HLC_META = "hlc"
_new = tuple.__new__  # a value from its fields in order, without a call of Python's for each of millions


class Advance(NamedTuple):
    """A log grew in this step: from ``previous_seq``, by records that came from neighbour ``source`` ("" = own)."""

    log: LogState
    previous_seq: int
    source: str


class Run(NamedTuple):
    """Consecutive records that were appended together."""

    log: LogState
    records: Sequence[Record]
    received_ms: int


class Savepoint(NamedTuple):
    """Where to go back to when a command fails: how many runs and records had been appended."""

    runs: int
    records: int


class Logs:
    """All logs of this node."""

    def __init__(self, store: Store, my_path: tuple[str, ...]) -> None:
        """Read heads and the hybrid clock from the store."""
        self._store = store
        self.index = HeadIndex(my_path)
        self.frozen_authors: set[str] = set()  # whose logs have forked
        rows = store.logs()
        for row in rows:
            if row.frozen:
                self.frozen_authors.add(row.key.author)
            self.index.add(LogState(row.log_no, row.log_id, row.key, row.head_seq, row.head_id, frozen=row.frozen))
        for number in lost_numbers(store, rows):  # records that nobody can read stand there: no other log may meet them
            self.index.skip(number)
        saved = store.get(Meta, _HLC_META)
        ms, count = (int(part) for part in saved.value.split(b".")) if saved else (0, 0)
        self.hlc = Hlc(ms, count)
        self._saved_hlc = self.hlc
        self.record_count = store.record_count()
        self.tally: Counter[tuple[int, bool]] | None = None  # told (kind, came from a neighbour) of what is appended
        self.advances: list[Advance] = []
        self.fresh: list[Run] = []  # appended since the projection last looked
        self._fresh_items: set[bytes] = set()  # ids in the first so many of these, as far as somebody asked
        self._fresh_asked = 0
        self.fresh_forks: list[Fork] = []  # kept in this step: the projection has not seen them
        self._rows: list[RecordRow] = []
        self._moved: list[tuple[LogState, int, bytes]] = []  # log, seq and head before the move
        self._new_logs: list[LogState] = []
        self._runs = 0  # appended since the start, and how many of them went to the store
        self._flushed_runs = 0

    def log(self, key: LogKey) -> LogState | None:
        """The log with this key, or None."""
        return self.index.get(log_id_of(key))

    def log_of(self, fact: Fact) -> LogState | None:
        """The log a fact came from."""
        return self.log(LogKey(fact.author, fact.epoch, fact.line))

    def ensure(self, key: LogKey) -> LogState:
        """The log with this key, made if it is new."""
        log_id = log_id_of(key)
        log = self.index.get(log_id)
        if log is None:
            log = LogState(self.index.next_no(), log_id, key, 0, b"", frozen=False)
            self.index.add(log)
            self._new_logs.append(log)
        return log

    def append(self, log: LogState, records: Sequence[Record], received_ms: int, source: str) -> None:
        """Take in records that continue the log (checked by the caller)."""
        last = records[-1]
        if self.tally is not None:
            came = bool(source)
            self.tally.update([(record.header.kind, came) for record in records])
        self._runs += 1
        self._moved.append((log, log.seq, log.head_id))
        self.advances.append(Advance(log, log.seq, source))
        self.fresh.append(Run(log, records, received_ms))
        log_no = log.log_no
        self._rows += [
            _new(RecordRow, (log_no, seq, record_id, header, signature, salt, payload, received_ms))
            for seq, ((header, signature, salt, payload), _, record_id) in enumerate(records, log.seq + 1)
        ]
        log.seq = last.header.seq
        log.head_id = last.record_id
        self.index.moved(log)
        self.record_count += len(records)
        self.hlc = hlc_merge(self.hlc, Hlc(last.header.hlc_ms, last.header.hlc_count))

    def freeze(self, log: LogState) -> None:
        """A fork was proved: nothing more is appended to this log."""
        log.frozen = True
        self.frozen_authors.add(log.key.author)
        self.flush()
        self._store.set_log(log.log_no, frozen=True)

    def put_back(self, log_nos: Sequence[int]) -> list[LogState]:
        """Write rows of the log table that the disk lost anew, as this process knows them; returns these logs."""
        self.flush()
        lost = set(log_nos) - {row.log_no for row in self._store.logs()}
        logs = [log for log in self.index if log.log_no in lost]
        self._store.add_logs([LogRow(log.log_no, log.log_id, log.key) for log in logs])
        self._store.append((), [(log.log_no, log.seq, log.head_id) for log in logs])
        for log in logs:
            if log.frozen:
                self._store.set_log(log.log_no, frozen=True)
        return logs

    def is_fresh(self, item_id: bytes) -> bool:
        """Whether records of this item were appended that the projection has not seen."""
        items = self._fresh_items
        for run in self.fresh[self._fresh_asked :]:
            for _, header, record_id in run.records:
                items.update((header.item, record_id, header.reissue_of))
        self._fresh_asked = len(self.fresh)
        return item_id in items

    def take_fresh(self) -> list[Run]:
        """What was appended since the projection last looked, which it does now."""
        fresh, self.fresh = self.fresh, []
        self._forget_asked()
        return fresh

    def _forget_asked(self) -> None:
        self._fresh_items.clear()
        self._fresh_asked = 0

    def flush(self) -> None:
        """Hand what was appended in this step to the store (so that it can be read back within the step)."""
        if self._new_logs:
            self._store.add_logs([LogRow(log.log_no, log.log_id, log.key) for log in self._new_logs])
            self._new_logs.clear()
        if self._rows:
            self._flushed_runs = self._runs
            heads = {log.log_no: log for log, _, _ in self._moved}
            self._store.append(self._rows, [(log.log_no, log.seq, log.head_id) for log in heads.values()])
            self._rows.clear()
        self._moved.clear()
        if self.hlc != self._saved_hlc:
            self._store.put([Meta(_HLC_META, b"%d.%d" % self.hlc_parts())])
            self._saved_hlc = self.hlc

    def hlc_parts(self) -> tuple[int, int]:
        """Milliseconds and counter of the hybrid clock."""
        return self.hlc.ms, self.hlc.count

    def savepoint(self) -> Savepoint:
        """Where the step stands before a command."""
        return Savepoint(self._runs, self.record_count)

    def undo(self, point: Savepoint) -> None:
        """Forget what was appended since the savepoint (a command was refused half-way).

        Raises LocalError where it already went to the store: then the whole step must be rolled back.
        """
        runs = self._runs - point.runs
        if not runs:
            return
        if self._flushed_runs > point.runs:
            raise LocalError("命令中途失败，本步撤销", code="undo")
        for log, seq, head_id in reversed(self._moved[-runs:]):
            log.seq = seq
            log.head_id = head_id
            self.index.moved(log)
        # What stood before the savepoint may have left these lists meanwhile: counted from the end.
        del self._rows[point.records - self.record_count :]
        for waiting in (self.advances, self.fresh, self._moved):
            del waiting[-runs:]
        self._forget_asked()
        self.record_count = point.records
        self._runs = point.runs
