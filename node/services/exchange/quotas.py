"""Quotas: what a neighbour may send in a day; beyond it is slowed down, never refused, so that nothing is lost (X5).

Rules:

1. A day is a business date of Beijing. What was used is kept with the node's state, so a restart gives nothing away.
2. Beyond its quota a neighbour may go on at the quota's own average pace: each of its frames is followed by a pause in
   which nothing more of it is read. The pause is bounded, so that the link does not count as dead; it fills the
   neighbour's window, and the neighbour waits. Others are not concerned: every neighbour has a stream of its own.
3. A node that fetches back what it lost is not slowed down.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

DAY_S = 86_400
PAUSE_S_MAX = 10.0  # half of the shortest usual keep-alive; the link lives
QUOTAS_META = "quotas"


@dataclass(slots=True)
class Used:
    """What a neighbour has sent on the day."""

    size_bytes: int = 0
    records: int = 0
    over: bool = False


class Quotas:
    """Counts by neighbour. Used in one thread (the event loop's)."""

    def __init__(self, bytes_per_day: int, records_per_day: int) -> None:
        """Nothing is used yet."""
        self._bytes_per_day = bytes_per_day
        self._records_per_day = records_per_day
        self._day = 0
        self._used: dict[str, Used] = {}

    def charge(self, peer: str, size_bytes: int, records: int, day: int) -> float:
        """Count a frame on a business date (days since 1970-01-01); the seconds to pause after it, 0 = go on."""
        self.begin(day)
        used = self._used.setdefault(peer, Used())
        used.size_bytes += size_bytes
        used.records += records
        used.over = used.size_bytes > self._bytes_per_day or used.records > self._records_per_day
        if not used.over:
            return 0.0
        pace = max(size_bytes * DAY_S / self._bytes_per_day, records * DAY_S / self._records_per_day)
        return min(PAUSE_S_MAX, pace)

    def begin(self, day: int) -> None:
        """A new date begins with nothing used; a clock set back does not bring an old date back."""
        if day > self._day:
            self._day, self._used = day, {}

    def over(self) -> dict[str, Used]:
        """Who is beyond its quota."""
        return {peer: used for peer, used in self._used.items() if used.over}

    def state(self) -> bytes:
        """What to keep."""
        used = {peer: [one.size_bytes, one.records] for peer, one in self._used.items()}
        return json.dumps({"day": self._day, "used": used}).encode()

    def restore(self, state: bytes) -> None:
        """Go on from what was kept."""
        found: Mapping[str, object] = json.loads(state)
        day, used = found["day"], found["used"]
        assert isinstance(day, int) and isinstance(used, dict)  # noqa: S101, PT018 - our own row
        self._day = day
        self._used = {}
        for peer, (size_bytes, records) in used.items():
            over = size_bytes > self._bytes_per_day or records > self._records_per_day
            self._used[peer] = Used(size_bytes, records, over)


def said(peer: str, used: Used) -> str:
    """The alarm's text."""
    mib = used.size_bytes // 1_048_576
    return f"{peer} 今日已发来 {mib} MiB、{used.records} 条记录，超过日限额，已限流；记录不会丢失，其他单位不受影响"
