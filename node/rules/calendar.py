"""The working-day calendar 工作日历: which days count as 工作日.

1. Days are integers since 1970-01-01 (Asia/Shanghai), here and everywhere in the rules.
2. A calendar is a value. It names the years it knows, and in them the weekdays off (放假) and the weekend days on
   (调休上班).
3. A year it does not know is Monday to Friday and provisional 暂定: `Calendar.is_known` says so, nobody has to guess.
4. The bytes are canonical: equal calendars have equal bytes, and other bytes for the same calendar are refused.

Whence the days come is not its business: `node.documents.calendars` reads the State Council's notice.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Self

from node.errors import InputError, PeerError

YEARS_MAX = 60  # 2004 to 2063; older years are of no use to a due date
CHANGES_PER_YEAR_MAX = 100  # the State Council moves about 25 days in a year
BYTES_MAX = 131_072  # 60 years of 100 changes need 78,000
VERSION_MAX = 2**31 - 1

_EPOCH = date(1970, 1, 1)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_FRIDAY = 4
_WEEKDAYS = "一二三四五六日"
YEAR_FIRST, YEAR_LAST = 1970, 2199
DAY_MAX = (date(YEAR_LAST, 12, 31) - _EPOCH).days


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL


def date_of(day: int) -> date:
    """The date of a day number.

    Raises:
        InputError: before 1970 or after 2199, where no supervision item has its limit.
    """
    if not 0 <= day <= DAY_MAX:
        raise InputError("日期超出1970年至2199年", field="日期", value=day, remedy="核对日期")
    return date.fromordinal(day + _EPOCH_ORDINAL)


def weekday_of(day: int) -> int:
    """0 = Monday … 6 = Sunday."""
    return (day + 3) % 7  # 1970-01-01 was a Thursday


def day_text(day: int) -> str:
    """A day as people read it: 2026年10月9日（星期五）."""
    on = date_of(day)
    return f"{on.year}年{on.month}月{on.day}日（星期{_WEEKDAYS[weekday_of(day)]}）"


@dataclass(frozen=True, slots=True)
class Calendar:
    """What one version of the federated calendar knows. ``off`` are weekdays, ``on`` are weekend days.

    Raises:
        InputError: a day outside the known years, a weekend among ``off``, a weekday among ``on``, or beyond a limit.
    """

    version: int = 0
    years: frozenset[int] = frozenset()
    off: frozenset[int] = frozenset()
    on: frozenset[int] = frozenset()
    _off_sorted: tuple[int, ...] = field(default=(), init=False, repr=False, compare=False)
    _on_sorted: tuple[int, ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check()
        object.__setattr__(self, "_off_sorted", tuple(sorted(self.off)))
        object.__setattr__(self, "_on_sorted", tuple(sorted(self.on)))

    def _check(self) -> None:
        remedy = "核对国务院办公厅当年的放假通知"
        if not 0 <= self.version <= VERSION_MAX:
            raise InputError("日历版本号不对", field="版本", value=self.version, remedy="版本号从1起逐次加1")
        if len(self.years) > YEARS_MAX:
            raise InputError(f"日历超过{YEARS_MAX}年", field="年份", value=len(self.years), remedy="删去早年的数据")
        changes = len(self.off) + len(self.on)
        if changes > CHANGES_PER_YEAR_MAX * len(self.years):
            raise InputError("日历中的放假和调休天数过多", field="日期", value=changes, remedy=remedy)
        for year in self.years:
            if not YEAR_FIRST <= year <= YEAR_LAST:
                raise InputError("年份不在1970年至2199年之间", field="年份", value=year, remedy=remedy)
        for day in sorted(self.off | self.on):
            if date_of(day).year not in self.years:
                raise InputError("这一天不在日历所列的年份内", field="日期", value=date_of(day), remedy="补上年份")
            if day in self.off and weekday_of(day) > _FRIDAY:
                raise InputError("周末本来放假，不必列入放假日", field="日期", value=date_of(day), remedy=remedy)
            if day in self.on and weekday_of(day) <= _FRIDAY:
                raise InputError("周一至周五本来上班，不必列入上班日", field="日期", value=date_of(day), remedy=remedy)

    def is_working_day(self, day: int) -> bool:
        """Whether ``day`` is a 工作日; in an unknown year Monday to Friday."""
        return day in self.on or (weekday_of(day) <= _FRIDAY and day not in self.off)

    def is_known(self, day: int) -> bool:
        """Whether the State Council's arrangement for the year of ``day`` is in this calendar; else 暂定."""
        return date_of(day).year in self.years

    def next_working_day(self, day: int) -> int:
        """``day`` itself if it is a working day, else the first one after it."""
        while not self.is_working_day(day):
            day += 1
        return day

    def add_working_days(self, day: int, n: int) -> int:
        """The ``n``-th working day after ``day`` (which is not counted); before it where ``n`` is negative."""
        step = 1 if n > 0 else -1
        left = abs(n)
        while left:
            day += step
            date_of(day)  # the bound: no endless walk
            left -= self.is_working_day(day)
        return day

    def working_days_between(self, a: int, b: int) -> int:
        """Count the working days after ``a`` up to and including ``b``; negative if ``b`` lies before ``a``."""
        return self._working_days_to(b) - self._working_days_to(a)

    def _working_days_to(self, day: int) -> int:
        """Working days from Monday 1970-01-05 (or minus those up to there) to ``day``: a count without a walk."""
        weeks, rest = divmod(day - 4 + 1, 7)
        usual = weeks * 5 + min(rest, 5)
        return usual - bisect_right(self._off_sorted, day) + bisect_right(self._on_sorted, day)

    def encode(self) -> bytes:
        """The canonical bytes: JSON with sorted ISO dates."""
        return json.dumps(
            {
                "off": [date_of(day).isoformat() for day in self._off_sorted],
                "on": [date_of(day).isoformat() for day in self._on_sorted],
                "version": self.version,
                "years": sorted(self.years),
            },
            separators=(",", ":"),
        ).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read what `encode` wrote.

        Raises:
            PeerError: anything else, code ``malformed``.
        """
        if len(data) > BYTES_MAX:
            raise PeerError("工作日历过大", code="malformed", evidence=data[:64], detail=f"{len(data)} bytes")
        try:
            calendar = cls._of(json.loads(data.decode("ascii")))
        except (ValueError, TypeError, KeyError, RecursionError, InputError) as error:
            raise PeerError("工作日历读不懂", code="malformed", evidence=data, detail=str(error)) from error
        if calendar.encode() != data:
            raise PeerError("工作日历不是规范写法", code="malformed", evidence=data, detail="not canonical")
        return calendar

    @classmethod
    def _of(cls, value: dict[str, Any]) -> Self:
        version, years = value["version"], value["years"]
        if set(value) != {"off", "on", "version", "years"} or not all(type(n) is int for n in (version, *years)):
            raise ValueError("unexpected shape")
        if max(len(years), len(value["off"]), len(value["on"])) > YEARS_MAX * CHANGES_PER_YEAR_MAX:
            raise ValueError("too many days")
        off = frozenset(day_number(date.fromisoformat(text)) for text in value["off"])
        on = frozenset(day_number(date.fromisoformat(text)) for text in value["on"])
        return cls(version, frozenset(years), off, on)


PROVISIONAL = Calendar()
"""The calendar before any has been published: Monday to Friday, every day 暂定."""


def differences(old: Calendar, new: Calendar, days: Iterable[int]) -> tuple[int, ...]:
    """Those of ``days``, in order, that are a working day in one calendar and not in the other."""
    return tuple(sorted({day for day in days if old.is_working_day(day) != new.is_working_day(day)}))


def days_of_year(year: int) -> range:
    """The day numbers of a year."""
    first = day_number(date(year, 1, 1))
    return range(first, day_number(date(year, 12, 31)) + 1)


def month_end(year: int, month: int) -> date:
    """The last date of a month."""
    following = date(year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=1)
