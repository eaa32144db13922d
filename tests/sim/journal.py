"""A store in memory that remembers what it promised to keep, and can lose its power at any write.

Rules: `journal` has every record that was committed durably, as it went in; whatever crashes, the store must hold
exactly these (G1, G6). With ``fuse`` = n the n-th write or commit from now ends in `Crash` (C1).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from node.storage.port import JobRun, LogRow, RecordRow, SmallRow
from tests.sim.memory_store import MemoryStore
from tests.sim.memory_table import GONE, Table

Commit = list[tuple[Table, Any, Any]]  # what it replaced


class Crash(BaseException):
    """The power failed. Not an Exception: nobody may catch it on its way out."""


class BrokenPromise(AssertionError):
    """An invariant does not hold."""


class JournalStore(MemoryStore):
    """The store of a simulated node."""

    def __init__(self) -> None:
        super().__init__()
        self.journal: dict[tuple[int, int], RecordRow] = {}
        self.fuse = 0  # 0: none
        self.burnt = ""  # where the last fuse burnt down
        self.fresh: list[RecordRow] = []  # committed since somebody looked
        self.replaced = 0
        self.rotten: set[tuple[int, int]] = set()  # places spoiled on the disk and not yet mended
        self.runs: Counter[tuple[str, int]] = Counter()  # how often a job was written down for a date
        self.last_commits: deque[Commit] = deque(maxlen=0)
        self._pending: list[RecordRow] = []
        self._pending_runs: list[tuple[str, int]] = []

    def begin(self, *, durable: bool = True) -> None:
        self._burn("begin")
        super().begin(durable=durable)

    def commit(self, *, durable: bool) -> None:
        self._burn("before commit")
        if self.last_commits.maxlen:
            touched = self._tables.touched
            self.last_commits.append([(t, key, t.held.get(key, GONE)) for t in touched for key in t.overlay])
        super().commit(durable=durable)
        if self._pending and not durable:
            raise BrokenPromise("records were committed without waiting for the disk")
        for row in self._pending:
            self.journal[row.log_no, row.seq] = row
        self.fresh += self._pending
        self._pending.clear()
        self.runs.update(self._pending_runs)
        self._pending_runs.clear()
        self._burn("after commit" if durable else "after projection")

    def rollback(self) -> None:
        super().rollback()
        self._pending.clear()
        self._pending_runs.clear()

    def crash(self) -> bool:  # type: ignore[override]
        """Lose what was not durable; returns whether a committed projection was lost."""
        self.fuse = 0
        lost = any(table.undo for table in self._tables.all())
        super().crash()
        self._pending.clear()
        self._pending_runs.clear()
        self.last_commits = deque(maxlen=0)
        return lost

    def watch_tail(self, commits: int) -> None:
        """Remember what the last commits replaced: the disk may turn out to have lied about them."""
        self.last_commits = deque(maxlen=commits)

    def tear(self, commits: list[Commit]) -> None:
        """These last commits never reached the disk (after a crash; D3)."""
        for commit in reversed(commits):
            for table, key, row in reversed(commit):
                if row is GONE:
                    table.held.pop(key, None)
                else:
                    table.held[key] = row
        self._forget()

    def append(self, records: Sequence[RecordRow], heads: Sequence[tuple[int, int, bytes]]) -> None:
        self._burn("append")
        super().append(records, heads)
        self._pending += records

    def add_logs(self, rows: Sequence[LogRow]) -> None:
        self._burn("new log")
        super().add_logs(rows)

    def put(self, rows: Sequence[SmallRow]) -> None:
        self._burn("put")
        super().put(rows)
        self._pending_runs += [(row.job, row.day) for row in rows if isinstance(row, JobRun)]

    def drop_records(self, log_no: int, after_seq: int) -> None:
        """Only what the disk spoiled is ever thrown away."""
        for place in self._see(self._tables.record).keys():  # noqa: SIM118 - not a dict
            if place[0] == log_no and place[1] > after_seq and place not in self.rotten:
                raise BrokenPromise(f"a record that was whole was thrown away: {place}")
        super().drop_records(log_no, after_seq)

    def replace(self, records: Sequence[RecordRow]) -> None:
        """Repair puts back exactly what was there; only when a lost row had come in may nobody know any more."""
        for row in records:
            was = self.journal.get((row.log_no, row.seq))
            if was is None or row._replace(received_ms=was.received_ms) != was:
                raise BrokenPromise("a repair wrote something else than what was stored")
            self.rotten.discard((row.log_no, row.seq))
        super().replace(records)
        self._pending += records
        self.replaced += len(records)

    def copy(self) -> list[dict[Any, Any]]:
        """What a copy of the disk at this moment would hold."""
        return [dict(table.held) for table in self._tables.all()]

    def put_back(self, copy: list[dict[Any, Any]]) -> None:
        """Somebody put an old copy in place (after a crash)."""
        for table, held in zip(self._tables.all(), copy, strict=True):
            table.held = dict(held)
            table.undo.clear()
        self._tables.replaced.clear()
        self._forget()

    def _forget(self) -> None:
        """What is promised from now on is what is there."""
        self.journal = dict(self._tables.record.held)
        self.runs.clear()

    def check_journal(self) -> None:
        """The store holds what it promised, byte for byte, and nothing else; but for what a disk has spoiled since."""
        held = self._tables.record.held
        if self.rotten:
            held = {place: row for place, row in held.items() if place not in self.rotten}
        if held != {place: row for place, row in self.journal.items() if place not in self.rotten}:
            raise BrokenPromise("the store does not hold what it had committed")

    def _burn(self, where: str) -> None:
        if self.fuse:
            self.fuse -= 1
            if not self.fuse:
                self.burnt = where
                raise Crash
