"""Lights at the edges of their days, and the roll-up over a tree."""

from datetime import UTC, date, datetime, timedelta

import pytest

from node.items.lights import day_number, day_of, light, worst
from node.items.rollup import RollUp, Task, progress, roll_up

FRIDAY = date(2026, 3, 6)
DUE = day_number(FRIDAY)


@pytest.mark.parametrize(("today", "expected"), [
    (date(2026, 3, 2), "green"),   # Monday: four working days left
    (date(2026, 3, 3), "yellow"),  # three
    (FRIDAY, "yellow"),            # until 24:00
    (date(2026, 3, 7), "red"),
    (date(2020, 1, 1), "green"),
])  # fmt: skip
def test_light_by_day(today: date, expected: str) -> None:
    assert light("active", DUE, today) == expected


def test_weekends_are_not_counted_and_a_calendar_may_say_otherwise() -> None:
    monday = day_number(date(2026, 3, 9))
    assert light("active", monday, date(2026, 3, 4)) == "yellow"
    assert light("active", monday, date(2026, 3, 3)) == "green"
    assert light("active", monday, date(2026, 3, 4), is_working_day=lambda _: True) == "green"
    assert light("active", DUE, FRIDAY - timedelta(days=400), is_working_day=lambda _: False) == "yellow"


@pytest.mark.parametrize("state", ["accepted", "closed", "cancelled", "archived"])
def test_done_is_done(state: str) -> None:
    assert light(state, DUE, date(2027, 1, 1)) == "done"


def test_without_a_limit_or_an_opening_there_is_no_light() -> None:
    assert light("active", 0, FRIDAY) == "none"
    assert light(None, DUE, FRIDAY) == "none"


def test_a_report_is_measured_by_the_day_it_was_made() -> None:
    later = FRIDAY + timedelta(days=30)
    assert light("submitted", DUE, later, submitted_day=DUE) == "green"
    assert light("submitted", DUE, later, submitted_day=DUE + 1) == "red"
    assert light("returned", DUE, later, submitted_day=DUE) == "red"


def test_the_day_ends_at_midnight_in_shanghai() -> None:
    last = datetime(2026, 3, 6, 15, 59, 59, tzinfo=UTC)
    assert day_of(int(last.timestamp() * 1000)) == DUE
    assert day_of(int(last.timestamp() * 1000) + 1000) == DUE + 1


def test_the_worst_light() -> None:
    assert worst(["green", "red", "yellow", "done"]) == "red"
    assert worst(["done", "none"]) == "none"
    assert worst([]) == "none"


TREE = (
    Task("320500", "active", "yellow", 10, urges=1, weight=3, children=(
        Task("320583", "submitted", "red", 80, returns=1), Task("320582", "accepted", "done", 100),
        Task("320581", "cancelled", "done", 5))),
    Task("320200", "delivered", "green"),
    Task("320300", "closed", "done"),
    Task("320400", None, "none"),
)


def test_roll_up_counts_the_tree() -> None:
    assert roll_up(TREE) == RollUp(
        total=7, due=6, signed=4, active=2, accepted=2, closed=1, overdue=1, returns=1, urges=1, cancelled=1,
        percent=int((90 * 3 + 0 + 100 + 0) / 6), light="red",
        offices=("320200", "320300", "320400", "320500", "320582", "320583"),
    )  # fmt: skip


def test_progress_of_a_task_is_that_of_the_tasks_below_it() -> None:
    assert [progress(task) for task in TREE] == [90.0, 0.0, 100.0, 0.0]
    assert progress(Task("1", "active", "none", 40, children=(Task("2", "cancelled", "done"),))) == 40.0
    assert roll_up(()) == RollUp()
    assert roll_up((Task("1", "active", "green", 99, weight=1), Task("2", "accepted", "done"))).percent == 99
