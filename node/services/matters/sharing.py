"""转送: lead and assistants see each other's reports through the issuer, whose node encloses them (R33).

Rules of this file:

1. An assistant's 进展 or 办结报告 goes whole to the lead's line, the lead's to every assistant's; each once. What was
   sent is read from the lines themselves, so a crash loses and doubles nothing.
2. The enclosed bytes are the author's own, with its signature: a reader verifies them with its own keyring. What it
   cannot verify is shown as 未确认 and counts for nothing. The files they name go with them (`records.enclosed`).
3. A step handles a bounded number of groups, and a 转送 a bounded number of records and bytes; the rest follows in the
   next steps. A record so large that no 转送 can hold it stays on its own line.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from node.errors import DulianError, PeerError, StoreError
from node.items.fold import EFFECTIVE, ItemState, fold
from node.items.guards import answers
from node.items.versions import LIVES
from node.records.chain import check_signature
from node.records.envelope import Envelope, Record, open_envelope
from node.records.keyring import Keyring
from node.records.kinds import Channel, Kind, label_of
from node.records.limits import PAYLOAD_BYTES_MAX, RE_IDS_MAX
from node.records.payload import ASSIST, LEAD, Act, Attachment, Enclosure, decode
from node.services.board.project import fact_of_row
from node.services.matters.desk import Desk
from node.storage.port import BoardQuery, RecordRow, Store

GROUPS_PER_STEP_MAX = 20
_COUNTED_MAX = 10_000
_SHARED = frozenset({int(Kind.PROGRESS), int(Kind.FINAL)})
_BYTES_MAX = PAYLOAD_BYTES_MAX - 8_192  # what else stands in the payload


class Shown(NamedTuple):
    """An enclosed record as a reader shows it."""

    author: str
    kind_label: str
    text: str
    confirmed: bool
    record_id: bytes
    attachments: tuple[Attachment, ...] = ()  # of a confirmed one


class Sharing:
    """Which groups of tasks (by the issuer's item) may have reports to pass on; told by the projection."""

    def __init__(self, office: str) -> None:
        """Nothing waits."""
        self._office = office
        self._groups: dict[bytes, set[bytes]] = {}  # the tasks that have reported; empty = look at all of the group
        self._counted: OrderedDict[bytes, int] = OrderedDict()  # reports by task, to tell news from other changes

    @property
    def waits(self) -> bool:
        """Whether a group waits to be looked at."""
        return bool(self._groups)

    def notice(self, state: ItemState) -> None:
        """A task was folded anew: note its group where it may have something to pass on."""
        count = state.counters.reports + state.counters.submissions
        if not count or state.issuer != self._office or state.role not in (LEAD, ASSIST) or not state.parent:
            return
        known = self._counted.pop(state.item_id, 0)
        self._counted[state.item_id] = count
        if len(self._counted) > _COUNTED_MAX:
            self._counted.popitem(last=False)
        waiting = self._groups.get(state.parent)
        if count != known and waiting is None:
            self._groups[state.parent] = {state.item_id}
        elif count != known and waiting:
            waiting.add(state.item_id)

    def scan(self, store: Store) -> None:
        """After a start: every group with open tasks (a crash may have come between a report and its 转送)."""
        for state in ("active", "submitted", "returned"):
            for row in store.board_query(BoardQuery(state, self._office, "assignment", limit=2**31 - 1)):
                if row.issuer == self._office and row.role in ("lead", "assist") and row.parent:
                    self._groups[row.parent] = set()

    def run(self, desk: Desk) -> Iterable[DulianError]:
        """Pass on what some of the noted groups have; yields what could not be written."""
        for group in list(self._groups)[:GROUPS_PER_STEP_MAX]:
            reported = self._groups.pop(group)
            try:
                if _pass_on(desk, group, reported):
                    self._groups[group] = reported  # the bounds left something for the next step
            except StoreError:
                raise
            except DulianError as error:
                yield error


def _pass_on(desk: Desk, group: bytes, reported: set[bytes]) -> bool:
    """Write what the tasks of a group miss of each other's reports; returns whether more is left.

    ``reported`` are the tasks whose reports are new (none: all of them are looked at). What an assistant reports
    concerns the lead alone, so that a group of hundreds is not read for each of its reports.
    """
    rows = [
        row for row in desk.store.board_query(BoardQuery(parent=group))
        if row.issuer == desk.identity.code and row.role in ("lead", "assist")
    ]  # fmt: skip
    leads = {row.item_id for row in rows if row.role == "lead"}
    if not leads:
        return False
    wanted = leads | reported if reported and not reported & leads else {row.item_id for row in rows}
    tasks = [_Task.read(desk, row.item_id) for row in rows if row.item_id in wanted]
    more = False
    for task in tasks:
        if not may_enclose(task.state):
            continue
        others = [one for one in tasks if (one.state.role == LEAD) != (task.state.role == LEAD)]
        missing = [
            row for one in others for row in one.reports
            if row.record_id not in task.seen and fits(row)
        ]  # fmt: skip
        if missing:
            count = enclose(desk, task.state, missing)
            more = more or count < len(missing)
    return more


def may_enclose(state: ItemState) -> bool:
    """Whether a 转送 on the task's line would count."""
    life = LIVES.get(state.semantic_version)
    rule = life.rules_of(state.kind).get(Kind.ENCLOSE) if life is not None else None
    return rule is not None and state.state in rule.moves


def enclose(desk: Desk, state: ItemState, missing: list[RecordRow]) -> int:
    """Write one 转送 with the first of ``missing`` that fit; returns how many they were."""
    chosen: list[RecordRow] = []
    size = 0
    for row in missing[:RE_IDS_MAX]:
        size += _envelope(row).size_bytes
        if size > _BYTES_MAX and chosen:
            break
        chosen.append(row)
    if state.line is not None:
        desk.author.write(
            Kind.ENCLOSE, state.line, Enclosure("", "", tuple(_envelope(row) for row in chosen)), item=state.item_id,
            re=answers(state, Kind.ENCLOSE), channel=Channel.NODE,
        )  # fmt: skip
    return len(chosen)


def fits(row: RecordRow) -> bool:
    """Whether a 转送 can hold the record."""
    return _envelope(row).size_bytes <= _BYTES_MAX


def enclosed_to(desk: Desk, item_id: bytes) -> frozenset[bytes]:
    """The records that were enclosed to a task so far."""
    return _Task.read(desk, item_id).seen


class _Task(NamedTuple):
    """A task of a group: its state, its receiver's reports with effect, and which records were enclosed to it."""

    state: ItemState
    reports: list[RecordRow]
    seen: frozenset[bytes]

    @classmethod
    def read(cls, desk: Desk, item_id: bytes) -> _Task:
        numbers = desk.store.item_numbers([item_id])
        places = [place for found in desk.store.item_places(numbers.values()).values() for place in found]
        stored = [(row, fact_of_row(row)) for row in desk.store.records_at(places)]
        rows = [row for row, fact in stored if fact is not None]
        facts = [fact for _, fact in stored if fact is not None]
        state = fold(item_id, facts)
        reports = [
            row for row, fact in zip(rows, facts, strict=True)
            if fact.kind in _SHARED and fact.author == state.receiver and fact.body == "ok" and not fact.reissue_of
            and state.effects.get(fact.record_id) in EFFECTIVE
        ]  # fmt: skip
        read = opener(desk.keyring)
        seen = frozenset(
            read(envelope).record_id for fact in facts
            if isinstance(fact.payload, Enclosure) and state.effects.get(fact.record_id) in EFFECTIVE
            for envelope in fact.payload.records
        )  # fmt: skip
        return cls(state, reports, seen)


def _envelope(row: RecordRow) -> Envelope:
    return Envelope(row.header, row.signature, row.salt, row.payload)


def opener(keyring: Keyring) -> Callable[[Envelope], Shown]:
    """How this node reads an enclosed record: verified with its keyring, or 未确认."""

    def read(envelope: Envelope) -> Shown:
        try:
            record = open_envelope(keyring.suites, envelope)
        except PeerError:
            return Shown("", "", "", confirmed=False, record_id=b"")
        try:
            check_signature(record, keyring.authorise(record.header).verify)
        except PeerError:
            return _shown(record, confirmed=False)
        return _shown(record, confirmed=True)

    return read


def _shown(record: Record, *, confirmed: bool) -> Shown:
    header, payload = record.header, record.envelope.payload
    text, files = "", tuple[Attachment, ...]()
    if confirmed and payload is not None:
        try:
            said = decode(header.kind, payload)
        except PeerError:
            said = None
        if isinstance(said, Act):
            text = f"[{said.percent}%] {said.text}" if said.percent >= 0 else said.text
            files = said.attachments
    return Shown(header.author, label_of(header.kind), text, confirmed, record.record_id, files)
