"""Counting of time limits after 民法典 §§201–203, with the switches of the points A2, A4 and A17."""

import pytest

from node.errors import InputError
from node.rules.calendar import PROVISIONAL
from node.rules.period import Cadence, Period, due_after, due_cadence, due_on
from tests.unit.rules.days import d, iso, official


@pytest.mark.parametrize(
    ("start", "period", "options", "expected"),
    [
        # A2: the start day is not counted (§201)
        ("2026-11-02", Period(2, "工作日"), {}, "2026-11-04"),
        ("2026-11-02", Period(2, "工作日"), {"count_start": True}, "2026-11-03"),
        ("2026-11-02", Period(2, "日"), {}, "2026-11-04"),
        ("2026-11-02", Period(2, "日"), {"count_start": True}, "2026-11-03"),
        # across 国庆: 29, 30 September, 8, 9, 10 (a working Saturday) October …
        ("2026-09-28", Period(15, "工作日"), {}, "2026-10-23"),
        ("2026-10-03", Period(1, "工作日"), {}, "2026-10-08"),
        # the last day is a holiday: next working day (§203), or as counted
        ("2026-09-03", Period(30, "日"), {}, "2026-10-08"),
        ("2026-09-03", Period(30, "日"), {"roll": False}, "2026-10-03"),
        # months end on the matching day, or on the month's end (§202)
        ("2026-10-15", Period(2, "月"), {}, "2026-12-15"),
        ("2025-12-31", Period(2, "月"), {"roll": False}, "2026-02-28"),
        ("2025-12-31", Period(2, "月"), {}, "2026-02-28"),                           # a working Saturday
        ("2023-12-31", Period(2, "月"), {"roll": False}, "2024-02-29"),
        ("2026-03-31", Period(1, "月"), {}, "2026-04-30"),
        ("2026-11-01", Period(3, "月"), {"roll": False, "count_start": True}, "2027-01-31"),
        # A17: a week is seven days, or five working days
        ("2026-09-28", Period(1, "周"), {"roll": False}, "2026-10-05"),
        ("2026-09-28", Period(1, "周"), {}, "2026-10-08"),
        ("2026-09-28", Period(1, "周"), {"week_is": "工作日"}, "2026-10-10"),
        # at once: the day itself
        ("2026-10-03", Period(0, "日"), {"roll": False}, "2026-10-03"),
        ("2026-10-03", Period(0, "工作日"), {}, "2026-10-08"),
    ],
)  # fmt: skip
def test_A2_A17_due_after(start, period, options, expected) -> None:
    due = due_after(d(start), period, official(), **options)
    assert iso(due.day) == expected
    assert due.steps[0].startswith("从")


def test_steps_tell_what_was_left_out_and_what_was_counted() -> None:
    due = due_after(d("2026-09-28"), Period(15, "工作日"), official())
    assert due.steps == (
        "从2026年9月28日（星期一）起算，当日不计入（民法典第二百零一条）。",
        "其间休息日不计入：10月1日至7日、10月11日、10月17日至18日。",
        "调休上班日计入：10月10日。",
        "数15个工作日，至2026年10月23日（星期五）。",
    )
    assert not due.provisional


def test_a_limit_that_reaches_an_unknown_year_is_provisional() -> None:
    due = due_after(d("2026-12-28"), Period(5, "工作日"), official())
    assert iso(due.day) == "2027-01-04"  # 29, 30, 31, then Friday 1 January while nobody knows better
    assert due.provisional
    assert due.steps[-1] == "2027年的工作日历尚未发布，按周一至周五推算，时限暂定。"
    # Days that are only counted, not asked whether they are working days, leave nothing open.
    assert not due_after(d("2026-12-28"), Period(5, "日"), official(), roll=False).provisional
    assert due_after(d("2026-12-28"), Period(5, "日"), official()).provisional


def test_A4_fixed_dates_are_exactly_those_listed() -> None:
    dates = ["07-15", "10-15", "01-15"]
    asked = ["2026-01-15", "2026-01-16", "2026-07-15", "2026-07-16", "2026-10-16"]
    found = [iso(due_on(dates, d(day), official()).day) for day in asked]
    assert found == ["2026-01-15", "2026-07-15", "2026-07-15", "2026-10-15", "2027-01-15"]
    assert iso(due_on([*dates, "04-15"], d("2026-01-16"), official()).day) == "2026-04-15"
    assert iso(due_on(["10-03"], d("2026-01-01"), official(), roll=True).day) == "2026-10-08"


@pytest.mark.parametrize(
    ("cadence", "expected", "text"),
    [
        (Cadence("年", dates=("06-30", "12-31")), ["2026-06-30", "2026-12-31"], "每年6月30日、12月31日"),
        (Cadence("半年", day=31), ["2026-06-30", "2026-12-31"], "每半年末月最后一日"),
        (Cadence("季", day=15, month=1), ["2026-01-15", "2026-04-15", "2026-07-15", "2026-10-15"],
         "每季度第1个月15日"),
        (Cadence("季", day=31), ["2026-03-31", "2026-06-30", "2026-09-30", "2026-12-31"], "每季度末月最后一日"),
    ],
)
def test_occurrences_of_a_year(cadence, expected, text) -> None:
    found = cadence.occurrences(d("2026-01-01"), d("2026-12-31"), official())
    assert [iso(day) for day in found] == expected
    assert str(cadence) == text


def test_monthly_and_weekly_occurrences() -> None:
    monthly = Cadence("月", day=31).occurrences(d("2026-01-31"), d("2026-04-30"), official())
    assert [iso(day) for day in monthly] == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
    weekly = Cadence("周", day=5)
    assert str(weekly) == "每周星期五"
    fridays = ["2026-09-25", "2026-10-02", "2026-10-09"]
    assert [iso(day) for day in weekly.occurrences(d("2026-09-25"), d("2026-10-09"), official())] == fridays
    rolled = weekly.occurrences(d("2026-09-25"), d("2026-10-09"), official(), roll=True)
    assert [iso(day) for day in rolled] == ["2026-09-28", "2026-10-08", "2026-10-09"]
    assert iso(due_cadence(weekly, d("2026-10-03"), official()).day) == "2026-10-09"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Period(-1, "日"),
        lambda: Period(9_999, "月"),
        lambda: Period(1, "天"),  # type: ignore[arg-type]
        lambda: Cadence("年"),
        lambda: Cadence("年", day=3, dates=("06-30",)),
        lambda: Cadence("年", dates=("02-30",)),
        lambda: Cadence("周", day=8),
        lambda: Cadence("月", day=3, month=2),
        lambda: Cadence("季", day=3, month=4),
        lambda: Cadence("季", day=3, dates=("06-30",)),
        lambda: due_on([], 0, PROVISIONAL),
        lambda: due_on(["7-15"], 0, PROVISIONAL),
        lambda: Cadence("月", day=1).occurrences(0, 70_000, PROVISIONAL),
    ],
)
def test_what_is_no_period_is_said(wrong) -> None:
    with pytest.raises(InputError) as caught:
        wrong()
    assert caught.value.remedy
