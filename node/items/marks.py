"""What a board row says of an item's records beside its state. Pure, in no digest.

When what happened, as days: of what figures are made (按时办结率, 签收及时率 …); which papers there are; 暂定 dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from node.items.fact import Fact
from node.items.fold import EFFECTIVE, ItemState
from node.items.lifecycle import DONE
from node.items.lights import day_of
from node.records.kinds import Kind
from node.records.payload import Act
from node.records.track import PROVISIONAL_DATE

_DELIVERED, _SIGN, _ACCEPT, _CHANGE = int(Kind.DELIVERED), int(Kind.SIGN), int(Kind.ACCEPT), int(Kind.CHANGE)
_HANDLE = int(Kind.HANDLE)
_REPORTS = frozenset({int(Kind.PROGRESS), int(Kind.FINAL)})
_ENDS = frozenset(
    int(kind) for kind in (Kind.COMPLETE, Kind.CLOSE, Kind.CANCEL, Kind.DECLINE, Kind.MERGE, Kind.REASSIGN)
)
# Papers that nothing else of a board row tells of, as bits of its flags.
PAPER_BITS: Mapping[int, int] = {
    int(Kind.ORDER): 16, int(Kind.RECTIFY): 32, int(Kind.NOTICE): 64, int(Kind.BULLETIN): 64, int(Kind.SCORE): 128,
}  # fmt: skip
_COUNTED = _REPORTS | _ENDS | {_DELIVERED, _SIGN, _ACCEPT, _CHANGE, _HANDLE} | PAPER_BITS.keys()


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


class Tally(NamedTuple):
    """Of what `Marks` are made, record by record; days as there, -1 = never."""

    delivered: int = -1
    signed: int = -1
    reported: int = -1
    accepted: int = -1
    ended: int = -1
    papers: int = 0  # bits of `PAPER_BITS`
    said: tuple[int, str] = (0, "")  # when the newest 变更 that says how often to report was made, and what it says
    provisional: frozenset[tuple[str, int]] = frozenset()  # 暂定 dates that rules gave units: unit, day (A2)

    def marks(self, state: ItemState) -> Marks:
        """The marks of an item in this state."""
        finished = 0
        if state.state in DONE:
            finished = max(self.accepted, 0) or max(self.ended, 0)
        first_due = state.opening.due_day if state.opening is not None else 0
        return Marks(max(self.delivered, 0), max(self.signed, 0), max(self.reported, 0), finished, first_due)

    @property
    def frequency(self) -> str:
        """How often to report since the newest 变更 that says so; empty where none does (R109, R130)."""
        return self.said[1]

    def dated_by_unit(self, state: ItemState) -> bool:
        """Whether the date of an own item is the one that a rule gave its unit, 暂定 as that is (R49, A2)."""
        return state.kind == "registered" and state.due_day > 0 and any(
            one.due_day == state.due_day and (one.unit, one.due_day) in self.provisional
            for one in state.tracks.handlers
        )


NOTHING = Tally()


def tally_of(state: ItemState, facts: Iterable[Fact], before: Tally = NOTHING) -> Tally:
    """The tally of these facts, and of those it had ``before``; facts of one record may come more than once.

    May only go on where no record before has gained or lost its effect.
    """
    delivered, signed, reported, accepted, ended, papers, said, provisional = before
    effects, opened = state.effects, day_of(state.opened_ms)
    for fact in facts:
        kind = fact.kind
        if kind not in _COUNTED or effects.get(fact.record_id) not in EFFECTIVE:
            continue
        # Nothing is done before it was asked for, whatever is claimed (faults.md K2).
        day = max(day_of(fact.claimed_ms), opened)
        if kind in PAPER_BITS:
            papers |= PAPER_BITS[kind]
        elif kind in _REPORTS:
            reported = max(reported, day)
        elif kind == _DELIVERED:
            delivered = day if delivered < 0 else min(delivered, day)
        elif kind == _SIGN:
            signed = day if signed < 0 else min(signed, day)
        elif kind == _ACCEPT:
            accepted = max(accepted, day)
        elif kind in _ENDS:
            ended = day if ended < 0 else min(ended, day)
        elif isinstance(fact.payload, Act) and fact.payload.track is not None:
            track = fact.payload.track
            if kind == _HANDLE and PROVISIONAL_DATE in track.entries:
                provisional |= {(fact.payload.unit, fact.payload.due_day)}
            elif kind == _CHANGE and track.rule:
                said = max(said, (fact.claimed_ms, track.rule))
    return Tally(delivered, signed, reported, accepted, ended, papers, said, provisional)


def marks_of(state: ItemState, facts: Iterable[Fact]) -> Marks:
    """The marks of an item by its facts; facts of one record may come more than once."""
    return tally_of(state, facts).marks(state)


def changed_frequency(state: ItemState, facts: Iterable[Fact]) -> str:
    """How often to report since the newest 变更 that says so; empty where none does (R109, R130)."""
    return tally_of(state, facts).frequency
