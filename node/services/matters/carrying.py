"""改派: what the old receiver of a task has done is given to the new one as evidence (domain.md, race rule 6).

Rules of this file:

1. The old receiver's 进展, 办结报告 and 附件 go whole, as it signed them, into a 转送 on the line of the new task, with
   their files; each once. What was sent is read from the line itself, so a crash loses and doubles nothing.
2. Also what it wrote while it was cut off and did not know yet: that has no effect on the old task any more, and is
   evidence for the new one all the same.
3. Only who issued the new task writes there. A task re-assigned again takes everything along to the last receiver.
"""

from __future__ import annotations

from collections.abc import Iterable

from node.errors import DulianError, StoreError
from node.items.fold import EFFECTIVE, LATE, ItemState, fold
from node.items.lifecycle import CANCELLED
from node.records.kinds import Kind
from node.services.board.project import fact_of_row
from node.services.matters.desk import Desk, state_of
from node.services.matters.sharing import Sharing, enclose, enclosed_to, fits, may_enclose
from node.storage.port import BoardQuery, RecordRow, Store

TASKS_PER_STEP_MAX = 20
_EVIDENCE = frozenset({int(Kind.PROGRESS), int(Kind.FINAL), int(Kind.EVIDENCE)})
_KEPT = EFFECTIVE | {LATE}
_HOPS_MAX = 32  # a task is not re-assigned more often; more would be a loop


class Carrying(Sharing):
    """`Sharing`, and besides the re-assigned tasks whose old receiver's work may have to be passed on."""

    def __init__(self, office: str) -> None:
        """Nothing waits."""
        super().__init__(office)
        self._moved: dict[bytes, None] = {}  # in the order they were noted

    @property
    def waits(self) -> bool:
        """Whether a group or a re-assigned task waits to be looked at."""
        return super().waits or bool(self._moved)

    def notice(self, state: ItemState) -> None:
        """A task was folded anew: its group, and itself where it went on as another one."""
        super().notice(state)
        if state.state == CANCELLED and state.successor and state.kind == "assignment":
            self._moved[state.item_id] = None

    def scan(self, store: Store) -> None:
        """After a start: also the tasks that were re-assigned and go on."""
        super().scan(store)
        moved = [row for row in store.board_query(BoardQuery(CANCELLED, kind="assignment", limit=2**31 - 1))
                 if row.successor and row.issuer == self._office]  # fmt: skip
        self._moved |= {row.item_id: None for row in moved if store.board([row.successor])}

    def run(self, desk: Desk) -> Iterable[DulianError]:
        """Pass on what some of the noted groups and tasks have; yields what could not be written."""
        yield from super().run(desk)
        for item in list(self._moved)[:TASKS_PER_STEP_MAX]:
            del self._moved[item]
            try:
                if _carry(desk, item):
                    self._moved[item] = None  # the bounds left something for the next step
            except StoreError:
                raise
            except DulianError as error:
                yield error


def _carry(desk: Desk, item: bytes) -> bool:
    """Write what the new receiver misses of the old one's work; returns whether more is left."""
    goal = _last(desk, item)
    if goal is None or goal.issuer != desk.identity.code or not may_enclose(goal):
        return False
    old, work = _work(desk, item)
    if old.receiver == goal.receiver:
        return False
    seen = enclosed_to(desk, goal.item_id)
    missing = [row for row in work if row.record_id not in seen and fits(row)]
    return bool(missing) and enclose(desk, goal, missing) < len(missing)


def _last(desk: Desk, item: bytes) -> ItemState | None:
    """The task in which a re-assigned one goes on now; None where it is not known here."""
    state = state_of(desk.store, item)
    for _ in range(_HOPS_MAX):
        if not state.successor:
            return state if state.item_id != item else None
        if not desk.store.board([state.successor]):
            return None
        state = state_of(desk.store, state.successor)
    return None


def _work(desk: Desk, item: bytes) -> tuple[ItemState, list[RecordRow]]:
    """The task as it stands, and the records of its receiver that are evidence, in their order."""
    numbers = desk.store.item_numbers([item])
    places = [place for found in desk.store.item_places(numbers.values()).values() for place in found]
    stored = [(row, fact) for row in desk.store.records_at(places) if (fact := fact_of_row(row)) is not None]
    state = fold(item, [fact for _, fact in stored])
    return state, [
        row for row, fact in stored
        if fact.kind in _EVIDENCE and fact.author == state.receiver and fact.body == "ok" and not fact.reissue_of
        and state.effects.get(fact.record_id) in _KEPT
    ]  # fmt: skip
