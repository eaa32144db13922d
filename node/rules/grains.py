"""任务分解: into which periods a task is decomposed, and which of them still have no step (R29). Pure.

Rules of this file:

1. A grain applies to the classes it names. Of those that apply to a task, the coarsest counts whose period is shorter
   than the task's whole time: a task of half a year goes into quarters, one of two months into months.
2. Each period after the one the task begins in and before the one it ends in wants a step of its own; the last has the
   due date. Quarters and months are those of the calendar, weeks begin on Monday.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from node.rules.calendar import date_of
from node.rules.profile import Profile
from node.rules.settings import Grain

_DAYS = {"年": 366, "季": 92, "月": 31, "周": 7}  # the longest such period
_QUARTERS = "一二三四"
_PERIODS_MAX = 600  # some ten years of weeks; no task is longer


def grain_for(profile: Profile, case: Mapping[str, str], days: int) -> Grain | None:
    """The grain of a task that has so many days, None where the profile wants no decomposition of it."""
    found = [one for one in profile.grains if one.applies is not None and one.applies.match(**case) >= 0]
    return max((one for one in found if days > _DAYS[one.into]), key=lambda one: _DAYS[one.into], default=None)


def open_periods(into: str, start_day: int, due_day: int, steps: Iterable[int]) -> tuple[str, ...]:
    """The periods between a task's first and last one in which no step is due, as people call them."""
    last, having = _key(into, due_day), {_key(into, day) for day in steps if day}
    found: dict[tuple[int, int], str] = {}
    day = start_day
    for _ in range(_PERIODS_MAX):
        day = _next(into, day)
        key = _key(into, day)
        if key >= last:
            break
        if key not in having:
            found[key] = _name(into, day)
    return tuple(found.values())


def _key(into: str, day: int) -> tuple[int, int]:
    on = date_of(day)
    if into == "周":
        year, week, _ = on.isocalendar()
        return year, week
    return on.year, {"年": 1, "季": (on.month + 2) // 3}.get(into, on.month)


def _next(into: str, day: int) -> int:
    """The first day of the period after the one the day lies in."""
    on = date_of(day)
    if into == "周":
        return day + 7 - on.weekday()
    months = {"年": 12, "季": 3, "月": 1}[into]
    at = (on.month - 1) // months * months + months
    return day + (date(on.year + at // 12, at % 12 + 1, 1) - on).days


def _name(into: str, day: int) -> str:
    on = date_of(day)
    if into == "年":
        return f"{on.year}年"
    if into == "季":
        return f"{on.year}年第{_QUARTERS[(on.month - 1) // 3]}季度"
    return f"{on.year}年{on.month}月" if into == "月" else f"{on.isoformat()}起的一周"
