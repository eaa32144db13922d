"""Runs inputs against a target and counts what became of them; findings are kept as bytes with what was raised."""

from __future__ import annotations

import resource
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.fuzz.targets import REFUSALS, Target

LATE = 3  # times the seconds allowed: then the decoder is broken off
RESIDENT_KIB_MAX = 600 * 1024  # of the whole process, whatever comes in
FINDINGS_MAX = 20  # of one target in one run


class TooSlowError(BaseException):
    """A decoder does not come back."""


def _break_off(_number: int, _frame: object) -> None:
    raise TooSlowError


@dataclass
class Tally:
    """What became of a target's inputs so far."""

    inputs: int = 0
    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    chunks: int = 0
    cpu_s: float = 0.0
    slowest_ms: float = 0.0
    findings: int = 0

    @classmethod
    def of(cls, saved: dict[str, Any]) -> Tally:
        """As written by `as_dict`."""
        return cls(**saved)

    def as_dict(self) -> dict[str, Any]:
        """For the file of counters."""
        return {**self.__dict__, "cpu_s": round(self.cpu_s, 3), "slowest_ms": round(self.slowest_ms, 3)}


@dataclass(frozen=True)
class Finding:
    """Bytes that a decoder did not answer as it must."""

    target: str
    data: bytes
    what: str


def run_chunk(target: Target, tally: Tally, count: int, found: Callable[[Finding], None]) -> None:
    """So many inputs, which the number of the chunk decides; ``tally`` grows."""
    chance = Random(f"{target.name}/{tally.chunks}")
    refused = Counter(tally.refused)
    clock = time.process_time
    slowest, began = tally.slowest_ms / 1_000, clock()
    before = signal.signal(signal.SIGPROF, _break_off)
    late_s = LATE * target.slowest_s
    for _ in range(count):
        data = target.make(chance)
        signal.setitimer(signal.ITIMER_PROF, late_s)
        start = clock()
        try:
            target.take(data)
        except REFUSALS as error:
            refused[error.code] += 1
        except (Exception, TooSlowError):  # noqa: BLE001 - whatever it is: that is what is looked for
            tally.findings += 1
            found(Finding(target.name, data, traceback.format_exc()))
        else:
            tally.accepted += 1
        taken = clock() - start
        signal.setitimer(signal.ITIMER_PROF, 0)
        if taken > slowest:
            slowest = taken
            if taken > target.slowest_s:
                tally.findings += 1
                found(Finding(target.name, data, f"{taken:.2f} s of CPU\n"))
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if resident > RESIDENT_KIB_MAX:
        tally.findings += 1
        found(Finding(target.name, b"", f"{resident} KiB resident after chunk {tally.chunks}\n"))
    tally.inputs += count
    tally.chunks += 1
    tally.refused = dict(sorted(refused.items()))
    tally.slowest_ms = slowest * 1_000
    tally.cpu_s += clock() - began
