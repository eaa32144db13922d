"""The figures of `statistics`, against a naive recomputation from what offices wrote; and their bounds."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from node.items.fact import Fact
from node.items.fold import EFFECTIVE, ItemState
from node.items.lifecycle import DONE
from node.items.lights import day_of
from node.records.kinds import Kind
from node.rules.calendar import Calendar
from node.rules.period import Period, due_after
from node.services.board.project import board_row
from node.services.views.statistics_tally import FIELDS, Case, Ground, tally
from tests.property.fold_facts import DUE, Item
from tests.property.test_fold import histories

DAY_MS = 86_400_000
CALENDAR = Calendar(1, frozenset({2024}), off=frozenset({DUE, DUE + 3}), on=frozenset({DUE + 8}))
TODAYS = st.integers(DUE - 330, DUE + 40)


def spread(item: Item, gaps: list[int]) -> list[Fact]:
    """The facts of an item with whole days between them: histories are written within a second."""
    moved, at_ms = [], item.facts[0].claimed_ms
    for number, fact in enumerate(item.facts):
        at_ms += gaps[number % len(gaps)] * DAY_MS if number else 0
        moved.append(fact._replace(claimed_ms=at_ms, received_ms=at_ms))
    return moved


def naive(items: list[tuple[ItemState, list[Fact]]], ground: Ground) -> dict[str, Any]:
    """Each figure by itself, straight from states and records."""

    def days(state: ItemState, facts: list[Fact], *kinds: Kind) -> list[int]:
        return [day_of(f.claimed_ms) for f in facts if f.kind in kinds and state.effects[f.record_id] in EFFECTIVE]

    held = [(s, f) for s, f in items if s.state not in ("cancelled", "declined", "merged") and not s.tracks.exempt]
    done = [(s, f) for s, f in held if s.state in DONE]

    def handed(state: ItemState, facts: list[Fact]) -> int:
        if state.submitted_ms:
            return day_of(state.submitted_ms)
        if state.state not in DONE:
            return 0
        accepted = days(state, facts, Kind.ACCEPT)
        return max(accepted) if accepted else min(days(state, facts, Kind.COMPLETE, Kind.CLOSE), default=0)

    bound = [(s, f) for s, f in held if s.due_day > 0]
    owed = [(s, f) for s, f in bound if s.state in DONE or ground.today > s.due_day]
    tasks = [(s, f) for s, f in held if s.kind == "assignment"]
    to_sign = []
    for state, facts in tasks:
        delivered, signed = days(state, facts, Kind.DELIVERED), days(state, facts, Kind.SIGN)
        if state.state == "refused" and not signed:
            continue
        if delivered or signed:
            limit = ground.sign_by(min(delivered) if delivered else day_of(state.opened_ms))
            if signed or ground.today > limit:
                to_sign.append(bool(signed) and min(signed) <= limit)
    timed = [max(ground.days(day_of(s.opened_ms), handed(s, f)), 0) for s, f in done
             if handed(s, f)]  # fmt: skip
    colours = [slip.colour for state, _ in held for slip in state.tracks.slips]
    return {
        "items": len(held), "done": len(done), "open": len(held) - len(done),
        "overdue": sum(s.state not in DONE and (handed(s, f) or ground.today) > s.due_day for s, f in bound),
        "on_time": (sum(0 < handed(s, f) <= s.due_day for s, f in owed), len(owed)),
        "signing": (sum(to_sign), len(to_sign)), "days": (sum(timed), len(timed)),
        "extension": (sum(s.tracks.extension.grants > 0 for s, _ in bound), len(bound)),
        "return": (sum(s.counters.returns > 0 for s, _ in held if s.counters.submissions),
                   sum(s.counters.submissions > 0 for s, _ in held)),
        "slips": {colour: colours.count(colour) for colour in colours},
    }  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    drawn=st.lists(histories(), min_size=1, max_size=5), gaps=st.lists(st.integers(0, 120), min_size=1, max_size=6),
    today=TODAYS,
)
def test_figures_are_those_of_a_naive_recomputation(drawn: list[Any], gaps: list[int], today: int) -> None:
    """Issue 5, 统计: every figure with its numerator and denominator, from folded states and records alone."""
    from node.items.fold import fold

    ground = Ground(today, CALENDAR.working_days_between, lambda day: due_after(day, Period(1, "工作日"), CALENDAR).day)
    items = []
    for item, _ in drawn:
        facts = spread(item, gaps)
        items.append((fold(item.item_id, facts), facts))
    rows = [board_row(state, 1, (1, 1), facts) for state, facts in items]
    cases = [Case(*(getattr(row, name) for name in FIELDS)) for row in rows]
    whole, groups = tally(cases, ground, lambda case: (case.receiver,))
    found, expected = whole.document(), naive(items, ground)
    for key, value in expected.items():
        said: Any = found[key]
        assert (said["numerator"], said["denominator"]) == value if isinstance(value, tuple) else said == value, key
        if isinstance(value, tuple):
            assert said["value"] == (value[0] / value[1] if value[1] else None)
    assert sum(group.sums.items for group in groups.values()) == whole.sums.items
    assert sum(group.sums.done_on_time for group in groups.values()) == whole.sums.done_on_time


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.builds(
        Case, st.sampled_from("12"), st.sampled_from(["assignment", "registered"]),
        st.sampled_from(["closed", "active", "refused", "cancelled", ""]),
        st.integers(0, 3), st.sampled_from(["", "must", "principle"]), *(st.integers(-3, 60) for _ in range(6)),
        st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.sampled_from(["", "red", "white,yellow"]),
    )),
    st.integers(0, 60),
)  # fmt: skip
def test_no_rate_leaves_its_bounds(cases: list[Case], today: int) -> None:
    ground = Ground(today, CALENDAR.working_days_between, lambda day: day + 1)
    whole, _ = tally(cases, ground, lambda _case: ())
    document: dict[str, Any] = whole.document()
    for key in ("on_time", "signing", "extension", "return"):
        rate = document[key]
        assert 0 <= rate["numerator"] <= rate["denominator"] <= document["items"]
        assert (rate["value"] is None) == (rate["denominator"] == 0)
    assert document["done"] + document["open"] == document["items"]
    assert document["overdue"] <= document["open"]
