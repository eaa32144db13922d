"""Filling the text index from the records, behind the board: what makes words of titles, demands and reports found.

Rules of this file:

1. Derived data, written in a projection's transaction; how far each log was read is stored with it, so that a crash, a
   rebuild or a copy without index only means reading again (I7).
2. A few records are handed over as the projection folds them, and indexed with it; while more waits for the core they
   are gathered for `GATHER_S` first, since an index takes many at once for less. A flood (catch-up) is left for quiet
   moments: cutting text costs as much as verifying a record. What is not read yet is told by `Reader.text_behind`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from node.errors import PeerError
from node.items.fact import Fact, fact_of
from node.records import limits
from node.records.header import decode
from node.records.kinds import Kind
from node.records.payload import Act, Opening
from node.storage.port import RecordRow, Store, stored_bytes

LIVE_RECORDS = 300  # handed over by, or read again in one projection: about 20 ms
GATHER_S = 0.5
_KNOWN_LOGS_MAX = 10_000
Entry = tuple[int, int, int, str]  # log_no, seq, item_no, words
_BYTES_PER_READ = 2_097_152
# Whoever may not read these must not find them by their words either (R114, R116; `services.matters.discreet`).
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
        self._reached: dict[int, int] = {}  # of logs that are not due: indexed or gathered up to here
        self._gathered: list[Entry] = []
        self._moved: set[int] = set()  # logs with something gathered

    @property
    def waits(self) -> bool:
        """Whether `run` has something to do."""
        return self._due is None or bool(self._due) or bool(self._noticed)

    @property
    def gathers(self) -> bool:
        """Whether something was handed over that is not in the index yet."""
        return bool(self._moved)

    def forget(self) -> None:
        """The projection is made anew."""
        self._due = None
        self._reached.clear()
        self._gathered.clear()
        self._moved.clear()

    def notice(self, log_nos: Iterable[int]) -> None:
        """These logs have grown, and are to be read."""
        self._noticed.update(log_nos)

    def expects(self, grown: Mapping[int, tuple[int, int]]) -> set[int]:
        """Of logs that have grown, after one seq up to another, those whose records are to be handed over.

        The others are noticed: the index is behind of them, and reads them in order.
        """
        due = self._due
        if due is None:
            self._noticed.update(grown)
            return set()
        if len(self._reached) > _KNOWN_LOGS_MAX:
            self._reached = {log_no: self._reached[log_no] for log_no in self._moved}
        unknown = grown.keys() - self._reached.keys() - due.keys() - self._noticed
        if unknown:
            self._reached |= self._store.text_cursors(unknown)
        expected = {
            log_no for log_no, (after, _) in grown.items()
            if log_no not in due and log_no not in self._noticed and self._reached[log_no] == after
        }  # fmt: skip
        for log_no in expected:
            self._reached[log_no] = grown[log_no][1]
        self._moved |= expected
        self._noticed.update(grown.keys() - expected)
        return expected

    def hand_over(self, log_no: int, seq: int, item_no: int, fact: Fact) -> None:
        """A record of a log that was expected."""
        words = words_of(fact)
        if words:
            self._gathered.append((log_no, seq, item_no, words))

    def live(self, most: int) -> None:
        """Index what was handed over, in the transaction that is open, and of what was noticed up to ``most`` records.

        The rest waits.
        """
        self.flush()
        if self._noticed:
            self._read(self._heed(), most)

    def flush(self) -> None:
        """Index what was handed over, in the transaction that is open."""
        if not self._moved:
            return
        self._store.add_texts(self._gathered)
        self._store.set_text_cursors([(log_no, self._reached[log_no]) for log_no in sorted(self._moved)])
        self._gathered.clear()
        self._moved.clear()

    def run(self, most: int) -> None:
        """Index up to ``most`` records of what waits, in the transaction that is open."""
        self.flush()
        self._heed()
        self._read(list(self._load()), most)

    def _heed(self) -> list[int]:
        """The logs noticed lately that were not waiting already; now they do."""
        first = self._due is None  # then what is new counts among what waits
        due = self._load()
        fresh, self._noticed = self._noticed if first else self._noticed - due.keys(), set()
        if fresh:
            due |= self._store.text_cursors(fresh)
        return sorted(fresh)

    def _load(self) -> dict[int, int]:
        if self._due is None:
            self._store.open_texts()
            self._due = dict(self._store.text_due())
        return self._due

    def _read(self, log_nos: Iterable[int], most: int) -> None:
        """Index what waits in these logs, in their order, until it is enough in records or bytes."""
        due = self._load()
        found: list[RecordRow] = []
        left_bytes, cursors = _BYTES_PER_READ, []
        for log_no in log_nos:
            left = most - len(found)
            if left <= 0 or left_bytes <= 0:
                break
            rows = self._store.run(log_no, due[log_no], left, left_bytes)
            found += rows
            left_bytes -= sum(map(stored_bytes, rows))
            if rows:
                due[log_no] = rows[-1].seq
                cursors.append((log_no, rows[-1].seq))
            # Where there was room for one more, that was all; else only another look tells.
            all_read = len(rows) < left and left_bytes >= limits.RECORD_BYTES_MAX
            if all_read or not self._store.run(log_no, due[log_no], 1, 1):
                self._reached.pop(log_no, None)
                del due[log_no]
        self.add(found)
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
        return None  # damaged on the disk: `services.mending.scrub` finds and mends it
