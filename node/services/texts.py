"""Filling the text index from the records, behind the board: what makes words of titles, demands and reports found.

Rules of this file:

1. Derived data, written in a projection's transaction; how far each log was read is stored with it, so that a crash, a
   rebuild or a copy without index only means reading again (I7).
2. A few records are indexed in the projection that folds them. A flood (catch-up) is left for quiet moments: cutting
   text costs as much as verifying a record. What is not read yet is told by `Reader.text_behind`.
"""

from __future__ import annotations

from collections.abc import Iterable

from node.errors import PeerError
from node.items.fact import Fact, fact_of
from node.records.header import decode
from node.records.kinds import Kind
from node.records.payload import Act, Opening
from node.storage.port import RecordRow, Store

LIVE_RECORDS = 300  # indexed at once in one projection: about 20 ms
_BYTES_PER_READ = 2_097_152
# Whoever may not read these must not find them by their words either (R114, R116; `services.discreet`).
_INNER = frozenset({Kind.REFER, Kind.NEGATIVE, Kind.SPECIAL})


def words_of(fact: Fact) -> str:
    """What of a record is searched: number, title, demands, what was reported or reasoned, names of files."""
    payload = fact.payload
    if fact.kind in _INNER:
        return ""
    if isinstance(payload, Opening):
        parts = [payload.number, payload.title, payload.text, *payload.points, payload.responsible, payload.limit_text]
        if payload.terms is not None:
            parts += [payload.terms.leader, payload.terms.remark]
    elif isinstance(payload, Act):
        parts = [payload.text, payload.unit, payload.person]
    else:
        return ""
    return "\n".join(part for part in [*parts, *(file.name for file in payload.attachments)] if part)


class Texts:
    """Which logs wait to be indexed, and the indexing."""

    def __init__(self, store: Store) -> None:
        """Nothing is read until `run`."""
        self._store = store
        self._due: dict[int, int] | None = None  # log_no: read so far
        self._noticed: set[int] = set()

    @property
    def waits(self) -> bool:
        """Whether `run` has something to do."""
        return self._due is None or bool(self._due)

    def forget(self) -> None:
        """The projection is made anew."""
        self._due = None

    def notice(self, log_nos: Iterable[int]) -> None:
        """These logs have grown."""
        self._noticed.update(log_nos)

    def live(self, most: int) -> None:
        """Index what has just been folded, up to ``most`` records, in the transaction that is open; the rest waits."""
        first = self._due is None  # then what is new counts among what waits
        due = self._load()
        fresh, self._noticed = self._noticed if first else self._noticed - due.keys(), set()
        due |= self._store.text_cursors(fresh)
        self._read(sorted(fresh), most)

    def run(self, most: int) -> None:
        """Index up to ``most`` records of what waits, in the transaction that is open."""
        self._read(list(self._load()), most)

    def _load(self) -> dict[int, int]:
        if self._due is None:
            self._store.open_texts()
            self._due = dict(self._store.text_due())
        return self._due

    def _read(self, log_nos: Iterable[int], most: int) -> None:
        due = self._load()
        left, cursors = most, []
        for log_no in log_nos:
            if left <= 0:
                break
            rows = self._store.run(log_no, due[log_no], left, _BYTES_PER_READ)
            self.add(rows)
            left -= len(rows)
            if rows:
                due[log_no] = rows[-1].seq
                cursors.append((log_no, rows[-1].seq))
            if not rows or not self._store.run(log_no, due[log_no], 1, 1):
                del due[log_no]
        self._store.set_text_cursors(cursors)

    def add(self, rows: Iterable[RecordRow]) -> None:
        """Index these records; those that are in the index are left as they are."""
        found = [(row, fact) for row in rows if (fact := _fact(row)) is not None and fact.item and words_of(fact)]
        numbers = self._store.item_numbers({fact.item for _, fact in found})
        self._store.add_texts([
            (row.log_no, row.seq, numbers[fact.item], words_of(fact)) for row, fact in found if fact.item in numbers
        ])  # fmt: skip


def _fact(row: RecordRow) -> Fact | None:
    try:
        return fact_of(row.record_id, decode(row.header), row.payload, row.received_ms)
    except PeerError:
        return None  # damaged on the disk: `services.scrub` finds and mends it
