"""When what happened to an item, as days: of what figures are made (按时办结率, 签收及时率 …). Pure, in no digest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from node.items.fact import Fact
from node.items.fold import EFFECTIVE, ItemState
from node.items.lifecycle import DONE
from node.items.lights import day_of
from node.records.kinds import Kind
from node.records.payload import Act

_DELIVERED, _SIGN, _ACCEPT = int(Kind.DELIVERED), int(Kind.SIGN), int(Kind.ACCEPT)
_REPORTS = frozenset({int(Kind.PROGRESS), int(Kind.FINAL)})
_ENDS = frozenset(
    int(kind) for kind in (Kind.COMPLETE, Kind.CLOSE, Kind.CANCEL, Kind.DECLINE, Kind.MERGE, Kind.REASSIGN)
)


class Marks(NamedTuple):
    """Days since 1970-01-01 in Asia/Shanghai, by the claimed times of records with effect, none before the opening's;
    0 = never.

    ``delivered`` and ``signed``: the first 送达 and 签收. ``reported``: the last 进展 or 办结报告. ``finished``: of an
    item that is over the last 审核通过, without one the first record that ended it. ``first_due``: the limit it was
    opened with.
    """

    delivered: int = 0
    signed: int = 0
    reported: int = 0
    finished: int = 0
    first_due: int = 0


def marks_of(state: ItemState, facts: Iterable[Fact]) -> Marks:
    """The marks of an item by its facts; facts of one record may come more than once."""
    days: dict[int, list[int]] = {}
    opened = day_of(state.opened_ms)  # nothing is done before it was asked for, whatever is claimed (faults.md K2)
    for fact in facts:
        if state.effects.get(fact.record_id) in EFFECTIVE:
            days.setdefault(fact.kind, []).append(max(day_of(fact.claimed_ms), opened))
    finished = 0
    if state.state in DONE:
        ends = [day for kind, found in days.items() if kind in _ENDS for day in found]
        finished = max(days.get(_ACCEPT, ()), default=0) or min(ends, default=0)
    return Marks(
        min(days.get(_DELIVERED, ()), default=0), min(days.get(_SIGN, ()), default=0),
        max((day for kind in _REPORTS for day in days.get(kind, ())), default=0), finished,
        state.opening.due_day if state.opening is not None else 0,
    )  # fmt: skip


def changed_frequency(state: ItemState, facts: Iterable[Fact]) -> str:
    """How often to report since the newest 变更 that says so; empty where none does (R109, R130)."""
    said = [
        (fact.claimed_ms, fact.payload.track.rule) for fact in facts
        if fact.kind == Kind.CHANGE and state.effects.get(fact.record_id) in EFFECTIVE
        and isinstance(fact.payload, Act) and fact.payload.track is not None and fact.payload.track.rule
    ]  # fmt: skip
    return max(said, default=(0, ""))[1]
