"""Lights 时限灯: how a due date stands on a day. Shown only, never part of a state or digest.

A due day ends at 24:00 in Asia/Shanghai: the day itself is still in time. Yellow begins when at most
`YELLOW_WORKING_DAYS` working days are left. Working days are those the caller's calendar names; without one, Monday to
Friday, provisional. A submitted task is measured by the day it was submitted, whenever the issuer looks at it.
Only limits that bind (``must``, ``general``) turn red; one by 原则上 or without force stays yellow (A14). An exempted
task has nothing more to do. Where reasons were only noted the date stays: the light is red, the label says 已说明.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Literal

from node.items.lifecycle import DONE, SUBMITTED

Light = Literal["green", "yellow", "red", "done", "none"]

YELLOW_WORKING_DAYS = 3
LIGHT_LABELS: dict[Light, str] = {"green": "正常", "yellow": "临期", "red": "逾期", "done": "已结", "none": "无时限"}
# Worse is higher. An item without a limit is still open, so it is worse than a finished one.
SEVERITY: dict[Light, int] = {"done": 0, "none": 1, "green": 2, "yellow": 3, "red": 4}

NOT_BINDING = frozenset({"principle", "none"})  # strengths of a limit that never turns red (A14)
_EPOCH = date(1970, 1, 1)
_DAY_MS = 86_400_000
_SHANGHAI_MS = 8 * 3_600_000  # no daylight saving since 1991
_THURSDAY, _SATURDAY = 3, 5  # days after Monday; 1970-01-01 was a Thursday


def day_of(time_ms: int) -> int:
    """The day in Asia/Shanghai, in days since 1970-01-01, of a time in milliseconds since 1970 UTC."""
    return (time_ms + _SHANGHAI_MS) // _DAY_MS


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def is_weekday(day: int) -> bool:
    """The provisional calendar: Monday to Friday."""
    return (day + _THURSDAY) % 7 < _SATURDAY


def light(
    state: str | None,
    due_day: int,
    today: date,
    *,
    submitted_day: int = 0,
    strength: str = "",
    warn_days: int = 0,
    exempt: bool = False,
    is_working_day: Callable[[int], bool] = is_weekday,
) -> Light:
    """Return the light of an item in ``state`` on ``today``; days since 1970-01-01, 0 = none.

    ``strength`` and ``warn_days`` (working days, 0 = 3) are those of the opening's terms.
    """
    if state in DONE or exempt:
        return "done"
    if state is None or due_day <= 0:
        return "none"
    late: Light = "yellow" if strength in NOT_BINDING else "red"
    if state == SUBMITTED and submitted_day:
        return late if submitted_day > due_day else "green"
    this_day = day_number(today)
    left = due_day - this_day
    if left < 0:
        return late
    working_days = 0
    for ahead in range(1, left + 1):
        working_days += is_working_day(this_day + ahead)
        if working_days > (warn_days or YELLOW_WORKING_DAYS):
            return "green"
    return "yellow"


def worst(lights: list[Light]) -> Light:
    """The worst of several lights; ``none`` for no light at all."""
    return max(lights, key=SEVERITY.__getitem__, default="none")
