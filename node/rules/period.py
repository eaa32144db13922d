"""Periods 期限: how a time limit becomes a due day, counted after 民法典 §§201–203, and told step by step.

1. The start day is not counted (§201) unless the rule says so; months end on the matching day, or on the month's last
   day where there is none (§202); a last day that is a holiday moves to the next working day (§203) if the rule rolls.
2. 工作日, 日, 周, 月 are four different units (A2); 周 is seven days unless the rule says five working days (A17).
3. Every result says how it was counted (``Due.steps``, Chinese sentences) and whether a day of an unknown year took
   part in it (``Due.provisional``, 暂定).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from node.errors import InputError
from node.rules.calendar import Calendar, date_of, day_number, day_text, month_end

Unit = Literal["工作日", "日", "周", "月"]
WeekIs = Literal["日", "工作日"]
Every = Literal["年", "半年", "季", "月", "周"]

UNIT_MAX: dict[Unit, int] = {"工作日": 2_500, "日": 3_660, "周": 520, "月": 120}  # ten years
SPAN_DAYS_MAX = 36_600  # a century of occurrences
DATES_MAX = 24  # dates in a year

_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_RANGES_SHOWN = 12
_MONTHS: dict[Every, int] = {"年": 12, "半年": 6, "季": 3, "月": 1}


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time: ``n`` of ``unit``. 0日 is the start day itself (第一时间、当日).

    Raises:
        InputError: a negative or overlong number, an unknown unit.
    """

    n: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.unit not in UNIT_MAX:
            raise InputError("期限单位不对", field="unit", value=self.unit, remedy="改为工作日、日、周、月之一")
        if not 0 <= self.n <= UNIT_MAX[self.unit]:
            most = UNIT_MAX[self.unit]
            raise InputError(f"期限应在0至{most}{self.unit}之间", field="n", value=self.n, remedy="核对数字")

    def __str__(self) -> str:
        return f"{self.n}个{self.unit}" if self.unit in {"工作日", "月"} else f"{self.n}{self.unit}"


@dataclass(frozen=True, slots=True)
class Due:
    """A due day (it ends at 24:00), whether it is 暂定, and the Chinese sentences of how it was counted."""

    day: int
    provisional: bool
    steps: tuple[str, ...] = ()


def due_after(
    start_day: int,
    period: Period,
    calendar: Calendar,
    *,
    roll: bool = True,
    count_start: bool = False,
    week_is: WeekIs = "日",
) -> Due:
    """The last day of ``period`` from ``start_day``.

    ``roll``: a last day that is no working day moves to the next one. ``count_start``: the start day is the first day.
    """
    steps = [f"从{day_text(start_day)}起算，当日{'计入' if count_start else '不计入（民法典第二百零一条）'}。"]
    unit, n = period.unit, period.n
    if unit == "周":
        unit, n = (week_is, n * 7) if week_is == "日" else (week_is, n * 5)
        steps.append(f"{period}按{n}{'个工作日' if unit == '工作日' else '日'}计。")
    if unit == "工作日":
        return _working_days(start_day, n, calendar, count_start=count_start, roll=roll, steps=steps)
    if unit == "月":
        end = _month_day(start_day, n, steps)
        end -= count_start and n > 0 and date_of(end).day == date_of(start_day).day
        steps.append(f"期满之日为{day_text(end)}。")
    else:
        end = max(start_day, start_day + n - count_start)
        steps.append(f"数{n}日，至{day_text(end)}。")
    return _rolled(end, calendar, roll=roll, steps=steps)


def due_on(dates: Sequence[str], start_day: int, calendar: Calendar, *, roll: bool = False) -> Due:
    """The first of the yearly ``dates`` (``MM-DD``) on or after ``start_day``.

    Raises:
        InputError: no date, too many, or one that is no date.
    """
    if not 1 <= len(dates) <= DATES_MAX:
        raise InputError(f"固定日期应有1至{DATES_MAX}个", field="fixed", value=len(dates), remedy="核对日期")
    year = date_of(start_day).year
    day = min(d for text in dates for y in (year, year + 1) if (d := _on(y, text)) >= start_day)
    listed = "、".join(_date_text(text) for text in dates)
    steps = [f"固定日期：{listed}；{day_text(start_day)}当日或以后最近的一个是{day_text(day)}。"]
    return _rolled(day, calendar, roll=roll, steps=steps)


@dataclass(frozen=True, slots=True)
class Cadence:
    """A recurring date: 年 on ``dates``; 半年, 季 on ``day`` of a ``month``; 月 on ``day``; 周 on a weekday.

    ``month`` counts within the half-year or quarter, 0 is its last; ``day`` 31 is the last day of the month;
    the weekdays of 周 are 1 to 7.

    Raises:
        InputError: parts that do not fit each other.
    """

    every: Every
    day: int = 0
    month: int = 0
    dates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        remedy = "年：写dates；半年、季：写day，可写month；月：写day（1至31）；周：写day（1至7）"
        if self.every == "年":
            if not 1 <= len(self.dates) <= DATES_MAX or self.day or self.month:
                raise InputError("按年的周期只写dates", field="cadence.dates", value=self.dates, remedy=remedy)
            for text in self.dates:
                check_month_day(text)
            return
        if self.dates or not 1 <= self.day <= (7 if self.every == "周" else 31):
            raise InputError(f"按{self.every}的周期，day不对", field="cadence.day", value=self.day, remedy=remedy)
        if not 0 <= self.month <= (_MONTHS.get(self.every, 0) if self.every in {"半年", "季"} else 0):
            raise InputError(f"按{self.every}的周期，month不对", field="cadence.month", value=self.month, remedy=remedy)

    def occurrences(self, from_day: int, to_day: int, calendar: Calendar, *, roll: bool = False) -> tuple[int, ...]:
        """The days from ``from_day`` to ``to_day``, both included, in order; rolled ones count by where they end up."""
        if to_day - from_day > SPAN_DAYS_MAX:
            raise InputError("时间跨度过长", field="日期", value=to_day - from_day, remedy="缩短到一百年以内")
        # A rolled day comes from at most some weeks earlier; the longest holiday ever was nine days.
        found = (calendar.next_working_day(day) if roll else day for day in self._plain(max(0, from_day - 31), to_day))
        return tuple(sorted({day for day in found if from_day <= day <= to_day}))

    def _plain(self, from_day: int, to_day: int) -> list[int]:
        if self.every == "周":
            first = from_day + (self.day - 1 - (from_day + 3)) % 7
            return list(range(first, to_day + 1, 7))
        days: list[int] = []
        for year in range(date_of(from_day).year, date_of(to_day).year + 1):
            if self.every == "年":
                days += [_on(year, text) for text in self.dates]
                continue
            length = _MONTHS[self.every]
            for start in range(0, 12, length):
                last = month_end(year, start + (self.month or length))
                days.append(day_number(last.replace(day=min(self.day, last.day))))
        return [day for day in days if from_day <= day <= to_day]

    def __str__(self) -> str:
        if self.every == "年":
            return "每年" + "、".join(_date_text(text) for text in self.dates)
        if self.every == "周":
            return f"每周星期{'一二三四五六日'[self.day - 1]}"
        on = "最后一日" if self.day == 31 else f"{self.day}日"
        if self.every == "月":
            return f"每月{on}"
        month = f"第{self.month}个月" if self.month else "末月"
        return f"{'每季度' if self.every == '季' else '每半年'}{month}{on}"


def due_cadence(cadence: Cadence, start_day: int, calendar: Calendar, *, roll: bool = False) -> Due:
    """The first occurrence on or after ``start_day``."""
    plain = cadence.occurrences(start_day, start_day + 732, calendar)[0]
    steps = [f"周期：{cadence}；{day_text(start_day)}当日或以后最近的一次是{day_text(plain)}。"]
    return _rolled(plain, calendar, roll=roll, steps=steps)


def check_month_day(text: str) -> str:
    """Return ``text`` if it is a date of every leap year, ``MM-DD``.

    Raises:
        InputError: it is not.
    """
    match = _MONTH_DAY.fullmatch(text)
    if not match or int(match[2]) > month_end(2000, int(match[1])).day:
        raise InputError("不是日期", field="日期", value=text, remedy="写成月-日，如07-15")
    return text


def _on(year: int, text: str) -> int:
    month, day = map(int, check_month_day(text).split("-"))
    return day_number(date(year, month, min(day, month_end(year, month).day)))


def _date_text(text: str) -> str:
    month, day = map(int, check_month_day(text).split("-"))
    return f"{month}月{day}日"


def _month_day(start_day: int, months: int, steps: list[str]) -> int:
    start = date_of(start_day)
    years, month = divmod(start.month - 1 + months, 12)
    last = month_end(start.year + years, month + 1)
    if start.day > last.day:
        steps.append(f"{last.year}年{last.month}月没有{start.day}日，以月末日为期满之日（民法典第二百零二条）。")
    return day_number(last.replace(day=min(start.day, last.day)))


def _working_days(
    start_day: int, n: int, calendar: Calendar, *, count_start: bool, roll: bool, steps: list[str]
) -> Due:
    if n == 0:
        return _rolled(start_day, calendar, roll=roll, steps=steps)
    first = start_day if count_start else start_day + 1
    end = calendar.add_working_days(first - 1, n)
    if skipped := _ranges([day for day in range(first, end) if not calendar.is_working_day(day)]):
        steps.append(f"其间休息日不计入：{skipped}。")
    if moved := _ranges([day for day in range(first, end + 1) if day in calendar.on]):
        steps.append(f"调休上班日计入：{moved}。")
    steps.append(f"数{n}个工作日，至{day_text(end)}。")
    return _told(end, range(first, end + 1), calendar, steps)


def _rolled(end: int, calendar: Calendar, *, roll: bool, steps: list[str]) -> Due:
    if not roll:
        return Due(end, provisional=False, steps=tuple(steps))
    day = calendar.next_working_day(end)
    if day != end:
        steps.append(f"{day_text(end)}是休息日，顺延至{day_text(day)}（民法典第二百零三条）。")
    return _told(day, range(end, day + 1), calendar, steps)


def _told(day: int, used: range, calendar: Calendar, steps: list[str]) -> Due:
    years = range(date_of(used[0]).year, date_of(used[-1]).year + 1)
    unknown = [str(year) for year in years if year not in calendar.years]
    if unknown:
        steps.append(f"{'、'.join(unknown)}年的工作日历尚未发布，按周一至周五推算，时限暂定。")
    return Due(day, provisional=bool(unknown), steps=tuple(steps))


def _ranges(days: list[int]) -> str:
    """Days as people read them: 10月1日至8日、10月11日; a long list is cut short, with its number of days."""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][1] == day - 1:
            runs[-1][1] = day
        else:
            runs.append([day, day])
    texts = []
    for first, last in runs[:_RANGES_SHOWN]:
        a, b = date_of(first), date_of(last)
        until = "" if first == last else f"至{b.day}日" if a.month == b.month else f"至{b.month}月{b.day}日"
        texts.append(f"{a.month}月{a.day}日{until}")
    return "、".join(texts) + (f"等共{len(days)}日" if len(runs) > _RANGES_SHOWN else "")
