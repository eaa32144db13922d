"""The working-day calendar as a value."""

import json

import pytest

from node.errors import InputError, PeerError
from node.rules.calendar import PROVISIONAL, Calendar, date_of, day_text, differences
from tests.unit.rules.days import d, iso, official


def test_national_day_2026_with_its_working_weekends() -> None:
    calendar = official()
    holiday = [f"2026-10-0{day}" for day in range(1, 8)]
    assert not any(calendar.is_working_day(d(day)) for day in holiday)
    assert calendar.is_working_day(d("2026-09-20"))  # Sunday
    assert calendar.is_working_day(d("2026-10-10"))  # Saturday
    assert not calendar.is_working_day(d("2026-10-11"))
    assert iso(calendar.next_working_day(d("2026-10-01"))) == "2026-10-08"
    assert iso(calendar.next_working_day(d("2026-10-08"))) == "2026-10-08"
    assert calendar.working_days_between(d("2026-09-28"), d("2026-10-23")) == 15
    assert calendar.working_days_between(d("2026-10-23"), d("2026-09-28")) == -15
    assert iso(calendar.add_working_days(d("2026-10-08"), -3)) == "2026-09-28"


def test_unknown_years_are_monday_to_friday_and_say_so() -> None:
    assert official().is_known(d("2026-12-31"))
    assert not official().is_known(d("2027-01-01"))
    assert official().is_working_day(d("2027-01-01"))  # a Friday; nobody has published 2027
    assert not PROVISIONAL.is_known(d("2026-10-01"))
    assert PROVISIONAL.is_working_day(d("2026-10-01"))
    assert not PROVISIONAL.is_working_day(d("2026-10-03"))


def test_differences_are_the_days_that_changed_their_kind() -> None:
    days = range(d("2026-09-18"), d("2026-10-12"))
    changed = [iso(day)[5:] for day in differences(PROVISIONAL, official(), days)]
    assert changed == ["09-20", "09-25", "10-01", "10-02", "10-05", "10-06", "10-07", "10-10"]


def test_bytes_are_canonical() -> None:
    data = official().encode()
    assert Calendar.decode(data) == official()
    assert Calendar.decode(PROVISIONAL.encode()) == PROVISIONAL
    assert json.loads(data)["years"] == list(range(2004, 2027))


BASE = {"off": [], "on": [], "version": 1, "years": [2027]}


@pytest.mark.parametrize(
    "value",
    [
        b"", b"[]", b"\xff", b"null", b"[" * 100_000, b'{"version":1}',
        json.dumps(BASE).encode(),                                                # blanks: not canonical
        json.dumps(BASE | {"extra": 1}, separators=(",", ":")).encode(),
        json.dumps(BASE | {"version": True}, separators=(",", ":")).encode(),
        json.dumps(BASE | {"years": ["2027"]}, separators=(",", ":")).encode(),
        json.dumps(BASE | {"years": [2027, 2027]}, separators=(",", ":")).encode(),
        json.dumps(BASE | {"off": [1]}, separators=(",", ":")).encode(),
        json.dumps(BASE | {"off": ["20270101"]}, separators=(",", ":")).encode(),  # another way to write a date
        json.dumps(BASE | {"off": ["2027-01-02"]}, separators=(",", ":")).encode(),  # a Saturday
        json.dumps(BASE | {"on": ["2027-01-01"]}, separators=(",", ":")).encode(),  # a Friday
        json.dumps(BASE | {"off": ["2028-01-03"]}, separators=(",", ":")).encode(),  # a year it does not know
        json.dumps(BASE | {"years": list(range(1980, 2050))}, separators=(",", ":")).encode(),
        json.dumps(BASE | {"version": -1}, separators=(",", ":")).encode(),
        b"x" * 200_000,
    ],
)  # fmt: skip
def test_nonsense_is_the_neighbours_fault(value) -> None:
    with pytest.raises(PeerError) as caught:
        Calendar.decode(value)
    assert caught.value.code == "malformed"


def test_days_are_bounded_and_readable() -> None:
    assert day_text(d("2026-10-09")) == "2026年10月9日（星期五）"
    with pytest.raises(InputError):
        date_of(-1)
    with pytest.raises(InputError):
        PROVISIONAL.add_working_days(d("2199-12-30"), 10)
