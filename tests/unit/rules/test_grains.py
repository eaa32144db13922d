"""任务分解 (R29): which grain a task has by its length, and which periods still want a step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.rules.grains import grain_for, open_periods
from tests.unit.rules.days import d, shipped

CITY = shipped("liupanshui-002")


@pytest.mark.parametrize(("class_", "days", "into"), [
    ("key", 367, "年"), ("key", 366, "季"), ("key", 93, "季"), ("key", 92, "月"), ("key", 31, None),
    ("phase", 900, "月"), ("urgent", 8, "周"), ("urgent", 7, None), ("project", 900, None), ("", 900, None),
])  # fmt: skip
def test_the_coarsest_grain_shorter_than_the_task(class_: str, days: int, into: str | None) -> None:
    found = grain_for(CITY, {"class_": class_}, days)
    assert (found.into if found is not None else None) == into


def test_the_first_and_the_last_period_want_no_step_of_their_own() -> None:
    start, due = d("2026-09-28"), d("2027-07-15")
    quarters = ("2026年第四季度", "2027年第一季度", "2027年第二季度")
    assert open_periods("季", start, due, []) == quarters
    assert open_periods("季", start, due, [d("2026-10-01"), d("2027-06-30")]) == quarters[1:2]
    assert open_periods("月", start, d("2026-12-01"), []) == ("2026年10月", "2026年11月")
    assert open_periods("年", start, d("2029-01-01"), [d("2027-01-01")]) == ("2028年",)
    assert open_periods("周", start, d("2026-10-12"), []) == ("2026-10-05起的一周",)


@given(st.sampled_from("年季月周"), st.integers(20_000, 21_000), st.integers(0, 1_000))
def test_a_step_on_every_day_leaves_no_period(into: str, start: int, days: int) -> None:
    """Whatever the dates: nothing is named twice, and no period is shorter than a day."""
    named = open_periods(into, start, start + days, [])
    assert len(set(named)) == len(named)
    assert len(named) <= days
    every = list(range(start, start + days + 1))
    assert open_periods(into, start, start + days, every) == ()
