"""Projection: folds what was appended into the board. Everything written here can be rebuilt from records (I7).

Rules: each log has a cursor of its own; work is found by dirty logs, written in the append transaction; an item is
folded from all its records, or goes on from where it is kept in memory (`items.growing`: the same); a record that
breaks the fold is set apart with an alarm and never stops other items (faults.md C5).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from node.errors import PeerError
from node.items.fact import Fact, fact_of
from node.items.fold import INVALID, ItemState, fold
from node.items.marks import tally_of
from node.records.enclosed import files_in
from node.records.envelope import Envelope
from node.records.header import Header, decode
from node.records.kinds import label_of
from node.records.line import LogKey
from node.records.payload import Enclosure
from node.services.board.board_rows import row_of
from node.services.board.kept_items import KeptItem, KeptItems
from node.services.board.texts import LIVE_RECORDS, Texts
from node.services.care.alarms import Alarms
from node.services.exchange.logs import Logs, Run
from node.services.matters import rulebook
from node.storage.port import BlobRef, BlobRow, BoardRow, Fork, Reader, RecordRow, Store
from node.sync.heads import LogState

Placed = dict[bytes, list[tuple[Fact, int, int]]]  # by item: fact, log_no, seq

_CACHED_FACTS_MAX = 20_000  # about 40 MB
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
    """Decode a stored record; None where its header is damaged on the disk (`mending.scrub` finds and mends it)."""
    try:
        return fact_of(row.record_id, decode(row.header), row.payload, row.received_ms)
    except PeerError:
        return None


def _fact_of_fork(fork: Fork) -> Fact:
    """Forks add, never subtract: the other record under a number has the effect it has (I5)."""
    return fact_of(fork.record_id, decode(fork.header), fork.payload, fork.received_ms)


def board_row(state: ItemState, item_no: int, opened: tuple[int, int], facts: Iterable[Fact]) -> BoardRow:
    """The board's row of an item folded from these facts."""
    return row_of(state, item_no, opened, tally_of(state, facts))


class Projector:
    """Keeps the board in step with the logs."""

    def __init__(
        self, store: Store, logs: Logs, alarms: Alarms, cached_facts_max: int = _CACHED_FACTS_MAX,
        rules_came: Callable[[], object] = bool,
    ) -> None:  # fmt: skip
        """Nothing is read until `run`; ``rules_came`` is told of each profile and calendar, at once."""
        self.texts = Texts(store)
        self._store = store
        self._rules_came = rules_came
        self._logs = logs
        self._alarms = alarms
        self._next_item_no = store.max_item_no() + 1
        self._kept = KeptItems(cached_facts_max)
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
        for appended in self._logs.take_fresh():
            fresh.setdefault(appended.log.log_no, []).append(appended)
        self._forks += self._logs.fresh_forks
        self._logs.fresh_forks.clear()
        seen = 0
        while True:
            dirty = self._store.dirty_logs(_LOGS_PER_ROUND)
            if not dirty:
                self._fold_forks()
                return seen
            facts: Placed = {}
            grown: dict[int, tuple[int, int]] = {}
            for row in dirty:
                log = self._logs.index.by_no(row.log_no)
                grown[row.log_no] = row.folded_seq, self._collect(
                    log, row.folded_seq, fresh.pop(row.log_no, []), facts
                )
            count = sum(last - after for after, last in grown.values())
            seen += count
            if count <= LIVE_RECORDS:
                self._fold(facts, handed=self.texts.expects(grown))
            else:
                self.texts.notice(grown)
                self._fold(facts)
            self._store.set_folded([(log_no, last) for log_no, (_, last) in grown.items()])

    def index(self, seen: int, *, on: bool, gather: bool = False) -> None:
        """Take what was just folded into the text index where ``seen`` records are few; ``on``: and read on there.

        ``gather``: keep what was folded for the next time.
        """
        if on:
            self.texts.run(LIVE_RECORDS)
        elif seen <= LIVE_RECORDS and not gather:
            self.texts.live(LIVE_RECORDS)

    def knows(self, item_id: bytes) -> bool:
        """Whether the item's state is in memory."""
        return self._state_kept(item_id) is not None

    def _state_kept(self, item_id: bytes) -> ItemState | None:
        kept = self._kept.get(item_id)
        state = kept.state if kept is not None else None
        return state if state is not None and state.opened else None

    def state_of(self, item_id: bytes) -> ItemState:
        """The item's state as projected last, from memory where it is cached."""
        found = self._state_kept(item_id)
        return fold(item_id, read_facts(self._store, [item_id]).get(item_id, [])) if found is None else found

    def has_news(self, *, gather: bool = False) -> bool:
        """Whether a run has left something for its consumers, or forks or (unless ``gather``) texts wait."""
        texts = self.texts.gathers and not gather
        return bool(self.changed or self.new_blobs or self._logs.fresh_forks or texts)

    def rebuild(self) -> int:
        """Drop every projection and fold all records again."""
        self._store.clear_projection()
        self._rules_came()
        self.texts.forget()
        self._next_item_no = 1
        self._kept.clear()
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
                self._kept.drop(fact.item)
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
            self._rules_came()

    def _fold_forks(self) -> None:
        forks, self._forks = self._forks, []
        facts: Placed = {}
        for fork in forks:
            fact = _fact_of_fork(fork)
            if fact.item:
                facts.setdefault(fact.item, []).append((fact, fork.log_no, fork.seq))
        if facts:
            self._fold(facts, placed=False)

    def _fold(self, fresh: Placed, *, placed: bool = True, handed: Container[int] = ()) -> None:
        """Fold these into their items; records of the logs ``handed`` go to the text index as well."""
        items = self._items_of(fresh)
        places = []
        rows = []
        for item_id, found in fresh.items():
            kept = items[item_id]
            if placed:
                places += [(kept.item_no, log_no, seq) for _, log_no, seq in found]
            for fact, log_no, seq in found if handed else ():
                if log_no in handed:
                    self.texts.hand_over(log_no, seq, kept.item_no, fact)
            row = self._fold_one(item_id, kept, [fact for fact, _, _ in found], placed=placed)
            self._kept.put(item_id, kept)
            if row is not None:
                rows.append(row)
            self._note_blobs(found)
        self._store.add_places(places)
        self._store.save_board(rows)

    def _items_of(self, fresh: Iterable[bytes]) -> dict[bytes, KeptItem]:
        """The items as known before; those that are new get their numbers.

        All at once: what is put into the cache later may push out what is folded after it in the same round.
        """
        items = {item_id: kept for item_id in fresh if (kept := self._kept.get(item_id)) is not None}
        others = [item_id for item_id in fresh if item_id not in items]
        if not others:
            return items
        numbers = self._store.item_numbers(others)
        facts = read_facts(self._store, numbers) if numbers else {}
        new_items = []
        for item_id in others:
            number = numbers.get(item_id)
            if number is None:
                number = self._next_item_no
                self._next_item_no += 1
                new_items.append((number, item_id))
            items[item_id] = KeptItem(number, facts.get(item_id, []))
        self._store.add_items(new_items)
        return items

    def _fold_one(self, item_id: bytes, kept: KeptItem, fresh: list[Fact], *, placed: bool) -> BoardRow | None:
        try:
            state = kept.fold(item_id, fresh)
        except Exception as error:  # noqa: BLE001 - a bug in the fold must not stop the other items (C5)
            self._alarms.raise_("poison", item_id.hex()[:16], f"事项无法汇总：{type(error).__name__}: {error}")
            return None
        for fact in fresh if placed and INVALID in state.effects.values() else ():
            if state.effects.get(fact.record_id) == INVALID and self._noted < _INVALID_NOTED_MAX:
                # Kept and shown without effect; that its author may not do this is a security event (faults.md B4-B6).
                self._noted += 1
                text = f"{label_of(fact.kind)} {fact.record_id.hex()[:16]}"
                self._alarms.keep_evidence(fact.author, "no_effect", text, fact.record_id)
        if not state.opened:
            return None
        self.changed.append(state)
        if not kept.opened[0] and state.line is not None:
            author, epoch, seq = state.opened_at
            log = self._logs.log(LogKey(author, epoch, state.line))
            kept.opened = (log.log_no, seq) if log is not None else (0, 0)
        return row_of(state, kept.item_no, kept.opened, kept.tally)

    def _note_blobs(self, found: list[tuple[Fact, int, int]]) -> None:
        """Attachments named by records of any effect, also enclosed ones: who holds the record may fetch the file."""
        for fact, log_no, seq in found:
            payload = fact.payload
            if payload is None:
                continue
            for file in files_in(payload) if isinstance(payload, Enclosure) else payload.attachments:
                ref = BlobRef(file.hash, log_no, seq)
                known = self._store.get(BlobRow, file.hash)
                self._store.put([ref])
                if known is None:
                    self._store.put([BlobRow(file.hash, file.salt, file.size_bytes, present=False)])
                self.new_blobs.append(ref)


def envelope_of(row: RecordRow | Fork) -> Envelope:
    """The bytes of a stored record."""
    return Envelope(row.header, row.signature, row.salt, row.payload)
