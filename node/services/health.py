"""What a running node knows of its own health, readable from any thread at any moment: never through the core.

One writer each: the core sets the fault and the pulse, the counters are prometheus_client's, which lock by themselves.
It outlives `Office.load`, which rebuilds everything else after a failed step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

PULSE_LATE_S = 30.0  # the core beats every second; so late it is not ready to serve
PULSE_DEAD_S = 300.0  # and so late it hangs


@dataclass(slots=True)
class Health:
    """``fault``: code of the store's error that stopped a step, empty once a probe was written; ``text`` says it."""

    fault: str = ""
    text: str = ""
    since_ms: int = 0
    pulse_s: float = 0.0  # monotonic time of the last step, 0 = none yet
    recovering: str = ""
    accepted: Counter[tuple[int, bool]] = field(default_factory=Counter)  # (kind, came from a neighbour) → records
    refused: Counter[str] = field(default_factory=Counter)  # reason → refusals
    observe_step: Callable[[float], None] | None = None  # seconds of a step, told to the metrics
    observe_page: Callable[[str, float], None] | None = None  # a page's path as routed, seconds until its answer

    def failed(self, code: str, text: str, now_ms: int) -> None:
        """A step failed in the store."""
        self.since_ms = self.since_ms if self.fault else now_ms
        self.fault, self.text = code, text

    def works(self) -> None:
        """Something was written and is on the disk."""
        self.fault, self.text, self.since_ms = "", "", 0


class Answer(NamedTuple):
    """What a health question answers: HTTP status and words."""

    status: int
    text: str


def live(health: Health, now_s: float) -> Answer:
    """`/livez`: the process answers and its core is not hanging."""
    if health.pulse_s and now_s - health.pulse_s > PULSE_DEAD_S:
        return Answer(503, f"核心线程 {now_s - health.pulse_s:.0f} 秒没有动静")
    return Answer(200, "ok")


def ready(health: Health, now_s: float) -> Answer:
    """`/readyz`: work is accepted now."""
    if not health.pulse_s:
        return Answer(503, "正在启动")
    if health.fault:
        return Answer(503, f"{health.fault}：{health.text}")
    if health.recovering:
        return Answer(503, f"恢复中：{health.recovering}")
    if now_s - health.pulse_s > PULSE_LATE_S:
        return Answer(503, f"核心线程 {now_s - health.pulse_s:.0f} 秒没有动静")
    return Answer(200, "ok")
