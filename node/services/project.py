"""Projection: folds what was appended into the board. Everything written here can be rebuilt from records (I7).

Rules: each log has a cursor of its own; work is found by dirty logs, written in the append transaction; an item is
folded anew from all its records (a small cache of decoded facts saves reading them back); a record that breaks the
fold is set apart with an alarm and never stops other items (faults.md C5).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from node.errors import PeerError
from node.items.digest import digest
from node.items.fact import Fact, fact_of
from node.items.fold import INVALID, ItemState, fold
from node.items.lights import day_of
from node.items.marks import changed_frequency, marks_of
from node.items.rollup import FINISHED
from node.records.envelope import Envelope
from node.records.header import Header, decode
from node.records.kinds import label_of
from node.records.line import LogKey
from node.records.payload import ROLE_NAMES
from node.records.track import Terms
from node.services import rulebook
from node.services.alarms import Alarms
from node.services.logs import Logs, Run
from node.services.texts import LIVE_RECORDS, Texts
from node.storage.port import BlobRef, BlobRow, BoardRow, Fork, Reader, RecordRow, Store
from node.storage.rows import EXEMPT, HIDDEN, PROVISIONAL, UNCLEAR
from node.sync.heads import LogState

Placed = dict[bytes, list[tuple[Fact, int, int]]]  # by item: fact, log_no, seq

_CACHED_FACTS_MAX = 20_000  # about 30 MB
_LOGS_PER_ROUND = 500
_RECORDS_PER_READ = 2_000
_BYTES_PER_READ = 4_194_304
_INVALID_NOTED_MAX = 100  # in one run: what floods is noted, not counted


def read_facts(reader: Reader, item_ids: Iterable[bytes]) -> dict[bytes, list[Fact]]:
    """All facts of these items as stored; an item without records is left out."""
    numbers = reader.item_numbers(item_ids)
    ids = {number: item_id for item_id, number in numbers.items()}
    places = reader.item_places(ids)
    owner = {place: ids[number] for number, found in places.items() for place in found}
    facts: dict[bytes, list[Fact]] = {}
    for row in reader.records_at(owner):
        fact = fact_of_row(row)
        if fact is not None:
            facts.setdefault(owner[row.log_no, row.seq], []).append(fact)
    for fork in reader.rows(Fork):
        fact = _fact_of_fork(fork)
        if fact.item in numbers:
            facts.setdefault(fact.item, []).append(fact)
    return facts


def fact_of_row(row: RecordRow) -> Fact | None:
    """Decode a stored record; None where its header is damaged on the disk (`services.scrub` finds and mends it)."""
    try:
        return fact_of(row.record_id, decode(row.header), row.payload, row.received_ms)
    except PeerError:
        return None


def _fact_of_fork(fork: Fork) -> Fact:
    """Forks add, never subtract: the other record under a number has the effect it has (I5)."""
    return fact_of(fork.record_id, decode(fork.header), fork.payload, fork.received_ms)


def board_row(state: ItemState, item_no: int, opened: tuple[int, int], facts: Iterable[Fact]) -> BoardRow:
    """The board's row of an item folded from these facts."""
    opening, facts = state.opening, tuple(facts)
    marks = marks_of(state, facts)
    return BoardRow(
        item_no=item_no,
        item_id=state.item_id,
        parent=state.parent,
        number=opening.number if opening else "",
        title=opening.title if opening else "",
        kind=state.kind,
        issuer=state.issuer,
        receiver=state.receiver,
        role=ROLE_NAMES.get(state.role, "") if state.kind == "assignment" else "",
        path="/".join(state.line.path) if state.line else "",
        subtree=bool(state.line and state.line.subtree),
        state=state.state or "",
        due_day=state.due_day,
        percent=100 if state.state in FINISHED else state.percent,
        digest=digest(state),
        opened_log_no=opened[0],
        opened_seq=opened[1],
        updated_ms=state.updated_ms,
        successor=state.successor,
        source=opening.source if opening else "",
        opened_day=day_of(state.opened_ms),
        submitted_day=day_of(state.submitted_ms) if state.submitted_ms else 0,
        delivered_day=marks.delivered,
        signed_day=marks.signed,
        reported_day=marks.reported,
        finished_day=marks.finished,
        first_due_day=marks.first_due,
        submissions=state.counters.submissions,
        returns=state.counters.returns,
        urges=state.counters.urges,
        **_by_rules(state, changed_frequency(state, facts)),
    )


def _by_rules(state: ItemState, frequency: str) -> dict[str, Any]:
    """What terms and tracks of semantic version 2 add to the board's row."""
    opening, tracks = state.opening, state.tracks
    terms = opening.terms if opening is not None and opening.terms is not None else Terms()
    flags = EXEMPT * bool(tracks.exempt) + UNCLEAR * tracks.unclear
    flags += HIDDEN * (terms.hidden and not tracks.revealed) + PROVISIONAL * terms.provisional
    return {
        "item_class": terms.item_class, "subject": terms.subject, "target": terms.target,
        "unit": "、".join(handler.unit for handler in tracks.handlers if handler.unit), "colour": tracks.colour,
        "extension": tracks.extension.state, "flags": flags, "strength": terms.strength,
        "warn_days": terms.warn_days, "leader": terms.leader, "frequency": frequency or terms.frequency,
        "plan_year": terms.plan_year, "work_line": terms.work_line,
        "grants": tracks.extension.grants, "slips": ",".join(slip.colour for slip in tracks.slips),
    }  # fmt: skip


class Projector:
    """Keeps the board in step with the logs."""

    def __init__(
        self, store: Store, logs: Logs, alarms: Alarms, cached_facts_max: int = _CACHED_FACTS_MAX
    ) -> None:
        """Nothing is read until `run`."""
        self.texts = Texts(store)
        self._cached_facts_max = cached_facts_max
        self._store = store
        self._logs = logs
        self._alarms = alarms
        self._next_item_no = store.max_item_no() + 1
        self._cache: OrderedDict[bytes, list[Fact]] = OrderedDict()
        self._cached = 0
        self._states: dict[bytes, ItemState] = {}  # of cached items, as folded last
        self.changed: list[ItemState] = []  # folded in the last run; consumers take and clear
        self.new_blobs: list[BlobRef] = []
        self.new_rules = False  # a profile or calendar has come
        self._noted = 0
        self._forks = store.rows(Fork)  # few; folded in (again) with the next run

    def run(self) -> int:
        """Project everything appended so far; returns the number of records seen."""
        self._logs.flush()
        self._noted = 0
        fresh: dict[int, list[Run]] = {}
        for appended in self._logs.fresh:
            fresh.setdefault(appended.log.log_no, []).append(appended)
        self._logs.fresh.clear()
        self._forks += self._logs.fresh_forks
        self._logs.fresh_forks.clear()
        seen = 0
        while True:
            dirty = self._store.dirty_logs(_LOGS_PER_ROUND)
            if not dirty:
                self._fold_forks()
                return seen
            cursors = []
            facts: Placed = {}
            for row in dirty:
                log = self._logs.index.by_no(row.log_no)
                last = self._collect(log, row.folded_seq, fresh.pop(row.log_no, []), facts)
                seen += last - row.folded_seq
                cursors.append((row.log_no, last))
            self._fold(facts)
            self._store.set_folded(cursors)
            self.texts.notice(log_no for log_no, _ in cursors)

    def index(self, seen: int, *, on: bool) -> None:
        """Take what was just folded into the text index where ``seen`` records are few; ``on``: and read on there."""
        if seen <= LIVE_RECORDS:
            self.texts.live(LIVE_RECORDS)
        if on:
            self.texts.run(LIVE_RECORDS)

    def knows(self, item_id: bytes) -> bool:
        """Whether the item's state is in memory."""
        return item_id in self._states

    def state_of(self, item_id: bytes) -> ItemState:
        """The item's state as projected last, from memory where it is cached."""
        found = self._states.get(item_id)
        return fold(item_id, read_facts(self._store, [item_id]).get(item_id, [])) if found is None else found

    def has_news(self) -> bool:
        """Whether a run has left something for its consumers, or forks wait to be folded in."""
        return bool(self.changed or self.new_blobs or self._logs.fresh_forks)

    def rebuild(self) -> int:
        """Drop every projection and fold all records again."""
        self._store.clear_projection()
        self.texts.forget()
        self._next_item_no = 1
        self._cache.clear()
        self._states.clear()
        self._cached = 0
        self._forks = self._store.rows(Fork)
        return self.run()

    def _collect(self, log: LogState, after: int, fresh: list[Run], facts: Placed) -> int:
        """Gather the facts of a log after its cursor by item; returns the seq of the last one looked at."""
        if fresh and fresh[0].records[0].header.seq == after + 1:
            log_no = log.log_no
            for _, records, received_ms in fresh:
                for envelope, header, record_id in records:
                    fact = fact_of(record_id, header, envelope.payload, received_ms)
                    if item := fact.item:
                        found = facts.get(item)
                        if found is None:
                            found = facts[item] = []
                        found.append((fact, log_no, header.seq))
                    elif header.kind in rulebook.KINDS:
                        self._note_rules(header, record_id, envelope.payload)
            return fresh[-1].records[-1].header.seq
        last = after
        for row in self._store.run(log.log_no, after, _RECORDS_PER_READ, _BYTES_PER_READ):
            last = row.seq
            stored = fact_of_row(row)
            if stored is None:
                continue
            if stored.item:
                facts.setdefault(stored.item, []).append((stored, row.log_no, row.seq))
            elif stored.kind in rulebook.KINDS:
                self._note_rules(decode(row.header), row.record_id, row.payload)
        # Where the tail was lost there is nothing to read: the cursor goes on, `again` folds what is put back.
        return last if last > after else log.seq

    def again(self, rows: list[RecordRow]) -> None:
        """Records were put back as they had been: their items are folded anew from what is stored."""
        facts: Placed = {}
        for row in rows:
            fact = fact_of_row(row)
            if fact is None:
                continue
            if fact.item:
                old = self._cache.pop(fact.item, None)
                self._cached -= len(old) if old else 0
                self._states.pop(fact.item, None)
                facts.setdefault(fact.item, []).append((fact, row.log_no, row.seq))
            elif fact.kind in rulebook.KINDS:
                self._note_rules(decode(row.header), row.record_id, row.payload)
        self._fold(facts)
        self.texts.add(rows)

    def _note_rules(self, header: Header, record_id: bytes, payload: bytes | None) -> None:
        row = rulebook.row_of(header, record_id, payload)
        if row is not None:
            self._store.put([row])
            self.new_rules = True

    def _fold_forks(self) -> None:
        forks, self._forks = self._forks, []
        facts: Placed = {}
        for fork in forks:
            fact = _fact_of_fork(fork)
            if fact.item:
                facts.setdefault(fact.item, []).append((fact, fork.log_no, fork.seq))
        if facts:
            self._fold(facts, placed=False)

    def _fold(self, fresh: Placed, *, placed: bool = True) -> None:
        numbers = self._store.item_numbers(fresh)
        new_items = []
        # Taken out of the cache before anything is put into it: that may push out what is folded later in this round.
        known: dict[bytes, list[Fact]] = {}
        for item_id in fresh:
            if item_id not in numbers:
                numbers[item_id] = self._next_item_no
                new_items.append((self._next_item_no, item_id))
                self._next_item_no += 1
                known[item_id] = []
            elif (cached := self._cache.get(item_id)) is not None:
                known[item_id] = cached
        self._store.add_items(new_items)
        missing = [item_id for item_id in fresh if item_id not in known]
        if missing:
            known |= read_facts(self._store, missing)
        places = []
        rows = []
        for item_id, found in fresh.items():
            merged = known.get(item_id, []) + [fact for fact, _, _ in found]
            self._remember(item_id, merged)
            if placed:
                places += [(numbers[item_id], log_no, seq) for _, log_no, seq in found]
            row = self._fold_one(item_id, merged, numbers[item_id], found if placed else [])
            if row is not None:
                rows.append(row)
            self._note_blobs(found)
        self._store.add_places(places)
        self._store.save_board(rows)

    def _fold_one(
        self, item_id: bytes, facts: list[Fact], item_no: int, fresh: list[tuple[Fact, int, int]]
    ) -> BoardRow | None:
        try:
            state = fold(item_id, facts)
        except Exception as error:  # noqa: BLE001 - a bug in the fold must not stop the other items (C5)
            self._alarms.raise_("poison", item_id.hex()[:16], f"事项无法汇总：{type(error).__name__}: {error}")
            return None
        for fact, _, _ in fresh if INVALID in state.effects.values() else ():
            if state.effects.get(fact.record_id) == INVALID and self._noted < _INVALID_NOTED_MAX:
                # Kept and shown without effect; that its author may not do this is a security event (faults.md B4-B6).
                self._noted += 1
                text = f"{label_of(fact.kind)} {fact.record_id.hex()[:16]}"
                self._alarms.keep_evidence(fact.author, "no_effect", text, fact.record_id)
        if not state.opened:
            return None
        if item_id in self._cache:
            self._states[item_id] = state
        self.changed.append(state)
        author, epoch, seq = state.opened_at
        log = self._logs.log(LogKey(author, epoch, state.line)) if state.line is not None else None
        return board_row(state, item_no, (log.log_no, seq) if log is not None else (0, 0), facts)

    def _note_blobs(self, found: list[tuple[Fact, int, int]]) -> None:
        """Attachments named by records of any effect: who holds the record may fetch the file."""
        for fact, log_no, seq in found:
            if fact.payload is None:
                continue
            for file in fact.payload.attachments:
                ref = BlobRef(file.hash, log_no, seq)
                known = self._store.get(BlobRow, file.hash)
                self._store.put([ref])
                if known is None:
                    self._store.put([BlobRow(file.hash, file.salt, file.size_bytes, present=False)])
                self.new_blobs.append(ref)

    def _remember(self, item_id: bytes, facts: list[Fact]) -> None:
        old = self._cache.pop(item_id, None)
        self._states.pop(item_id, None)
        self._cached += len(facts) - (len(old) if old else 0)
        self._cache[item_id] = facts
        while self._cached > self._cached_facts_max and len(self._cache) > 1:
            other, dropped = self._cache.popitem(last=False)
            self._states.pop(other, None)
            self._cached -= len(dropped)


def envelope_of(row: RecordRow | Fork) -> Envelope:
    """The bytes of a stored record."""
    return Envelope(row.header, row.signature, row.salt, row.payload)
