"""Laws of counting: against a dumb second implementation, in any calendar, for any start."""

from contextlib import suppress
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from node.errors import InputError, PeerError
from node.rules.calendar import Calendar, date_of, day_number, days_of_year, weekday_of
from node.rules.period import Cadence, Period, due_after
from node.rules.profile import Profile

STARTS = st.integers(day_number(date(2024, 1, 1)), day_number(date(2029, 12, 31)))


@st.composite
def calendars(draw):
    years = draw(st.frozensets(st.integers(2024, 2029), min_size=1, max_size=4))
    days = [day for year in years for day in days_of_year(year)]
    moved = draw(st.frozensets(st.sampled_from(days), max_size=40))
    return Calendar(
        draw(st.integers(0, 9)), years,
        frozenset(day for day in moved if weekday_of(day) < 5), frozenset(day for day in moved if weekday_of(day) >= 5),
    )  # fmt: skip


def dumb_is_working(calendar, day):
    usual = (date(1970, 1, 1) + timedelta(days=day)).isoweekday() <= 5
    return (usual and day not in calendar.off) or day in calendar.on


@given(calendars(), STARTS, st.integers(0, 60))
def test_working_days_are_counted_one_by_one(calendar, start, n) -> None:
    day, left = start, n
    while left:
        day += 1
        left -= dumb_is_working(calendar, day)
    assert calendar.add_working_days(start, n) == day
    assert calendar.working_days_between(start, day) == n
    assert calendar.working_days_between(day, start) == -n
    if n:
        due = due_after(start, Period(n, "工作日"), calendar)
        assert due.day == day
        assert due.provisional == any(date_of(d).year not in calendar.years for d in range(start + 1, day + 1))


@given(calendars(), STARTS, st.integers(1, 400), st.booleans())
def test_days_are_counted_on_the_fingers(calendar, start, n, count_start) -> None:
    counted = [start + offset for offset in range(0 if count_start else 1, n + 1)][:n]
    assert due_after(start, Period(n, "日"), calendar, roll=False, count_start=count_start).day == counted[-1]
    rolled = due_after(start, Period(n, "日"), calendar, count_start=count_start).day
    assert dumb_is_working(calendar, rolled)
    assert not any(dumb_is_working(calendar, day) for day in range(counted[-1], rolled))


@given(calendars(), STARTS, st.integers(1, 36))
def test_months_end_on_the_matching_day_or_the_last_one(calendar, start, n) -> None:
    begun = date_of(start)
    ended = date_of(due_after(start, Period(n, "月"), calendar, roll=False).day)
    assert (ended.year * 12 + ended.month) - (begun.year * 12 + begun.month) == n
    assert ended.day == begun.day or (ended.day < begun.day and (ended + timedelta(days=1)).day == 1)


@given(calendars(), STARTS, STARTS, st.sampled_from(["工作日", "日", "周", "月"]), st.integers(0, 30))
def test_who_starts_later_is_never_due_earlier(calendar, a, b, unit, n) -> None:
    first, second = sorted((a, b))
    period = Period(n, unit)
    assert due_after(first, period, calendar).day <= due_after(second, period, calendar).day


@given(calendars())
def test_a_calendar_survives_its_bytes(calendar) -> None:
    assert Calendar.decode(calendar.encode()) == calendar


@given(STARTS, st.integers(0, 800), st.sampled_from([
    Cadence("周", day=3), Cadence("月", day=30), Cadence("季", day=31), Cadence("半年", day=15, month=1),
    Cadence("年", dates=("02-29", "07-15")),
]), calendars(), st.booleans(), st.integers(0, 800))  # fmt: skip
def test_occurrences_of_two_spans_are_those_of_the_whole(start, length, cadence, calendar, roll, cut) -> None:
    end, middle = start + length, start + min(cut, length)
    whole = cadence.occurrences(start, end, calendar, roll=roll)
    parts = (cadence.occurrences(start, middle, calendar, roll=roll),
             cadence.occurrences(middle + 1, end, calendar, roll=roll))  # fmt: skip
    assert whole == parts[0] + parts[1]
    assert list(whole) == sorted(set(whole))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_calendar_or_a_neighbours_fault(data) -> None:
    for read in (Calendar.decode, Profile.decode):
        with suppress(PeerError):
            read(data)


@given(st.text(max_size=300))
def test_any_text_is_a_profile_or_the_operators_fault(text) -> None:
    with suppress(InputError):
        Profile.parse(text)
        assert Profile.problems(text) == ()
        return
    assert Profile.problems(text)
