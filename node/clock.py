"""Time at the edge: the one place that reads the machine's clock, and the hybrid logical clock of section 3.

Rules: times are milliseconds since 1970-01-01 UTC (``*_ms``); dates are dates in Asia/Shanghai (UTC+8, no summer time);
pure code gets ``now_ms`` as a value and never asks a clock itself.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol

HLC_COUNT_MAX = 2**31 - 1  # as in the record format
_LAST_MS = 253_402_214_400_000  # 9999-12-31 00:00 UTC: later times, which anybody may claim, are shown as this one
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
DAY_MS = 86_400_000


class Clock(Protocol):
    """A source of time; the system's or a simulated one."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True, order=True)
class Hlc:
    """A hybrid logical clock reading: wall milliseconds and a counter within them."""

    ms: int = 0
    count: int = 0


def hlc_next(last: Hlc, now_ms: int) -> Hlc:
    """Return the reading for a new local record: never behind ``last``, never behind the wall clock."""
    if now_ms > last.ms:
        return Hlc(now_ms, 0)
    # A neighbour may have sent the highest count there is: authoring goes on in the next millisecond.
    return Hlc(last.ms, last.count + 1) if last.count < HLC_COUNT_MAX else Hlc(last.ms + 1, 0)


def hlc_merge(last: Hlc, seen: Hlc) -> Hlc:
    """Return ``last`` moved past a received reading (what follows must be later than what it may answer)."""
    return max(last, seen)


def iso(ms: int, precision: str = "seconds") -> str:
    """ISO 8601 with offset +08:00, to the second, or to what else `datetime.isoformat` names."""
    return datetime.fromtimestamp(min(ms, _LAST_MS) / 1000, UTC).astimezone(SHANGHAI).isoformat(timespec=precision)


def day_of(ms: int) -> date:
    """The Asia/Shanghai date of an instant."""
    return datetime.fromtimestamp(min(ms, _LAST_MS) / 1000, UTC).astimezone(SHANGHAI).date()


def end_of_day_ms(day: date) -> int:
    """The instant a due date ends: 24:00 Asia/Shanghai of ``day`` (faults.md K3)."""
    start = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    return int(start.timestamp() * 1000) + DAY_MS
