"""What waits for the core: commands and timers, and the frames of each link in a lane of its own.

Rules:

1. What is in no lane comes first, in order; a lane keeps its own order. So a link opens before its first frame.
2. A step takes frames of about `STEP_BYTES`, of `SHARED_STEP_BYTES` while more than one link is alive: whoever asks
   or sends something meanwhile waits for no more than that. What comes in larger batches is put in parts of
   `part_bytes` (`frames.split`).
3. Lanes take turns, a frame each; one that had nothing waiting comes before those that have (as FQ-CoDel does, RFC
   8290). So a neighbour that comes back with the backlog of a month makes nobody wait but itself (faults.md G12, N10).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

JOBS_MAX = 512
STEP_BYTES = 524_288  # a thousand records: one commit for many, and a person waits a fraction of a second
SHARED_STEP_BYTES = 32_768  # fifty records, some 15 ms: hardly longer than a commit alone
_SHARED_PART_BYTES = 24_576  # leaves room for what is small beside one part
ALIVE_S = 60.0  # a link was heard within this time: three keep-alives

T = TypeVar("T")


class Inbox(Generic[T]):
    """Any thread puts; one takes."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        """Nothing waits; ``clock_s`` tells which links are alive."""
        self._clock_s = clock_s
        self._heard_s: dict[int, float] = {}  # lanes, and when something came last
        self._looked_s = clock_s()
        self._some = threading.Condition()
        self._first: deque[T] = deque()
        self._lanes: dict[int, deque[tuple[T, int]]] = {}
        self._new: OrderedDict[int, None] = OrderedDict()  # lanes that had nothing waiting
        self._old: OrderedDict[int, None] = OrderedDict()  # lanes that had a turn; emptied ones too, until the next
        self._ended = False

    def put(self, job: T, lane: int = 0, size: int = 0) -> None:
        """Something to do; ``lane``: the link it came over (0 = none), ``size`` in bytes."""
        with self._some:
            if not lane:
                self._first.append(job)
            else:
                self._heard_s[lane] = self._clock_s()
                if lane not in self._new and lane not in self._old:
                    self._new[lane] = None
                self._lanes.setdefault(lane, deque()).append((job, size))
            self._some.notify()

    def end(self) -> None:
        """What waits is still taken; then `take` says None."""
        with self._some:
            self._ended = True
            self._some.notify()

    @property
    def part_bytes(self) -> int:
        """How large a frame may be now so that a step does not take more than it should."""
        return _SHARED_PART_BYTES if len(self._heard_s) > 1 else STEP_BYTES

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._first and not self._lanes

    def take(self) -> list[T] | None:
        """Wait for something to do: what goes into the next step; None at the end."""
        with self._some:
            while self.empty():
                if self._ended:
                    return None
                self._some.wait()
        return self.take_now()

    def take_now(self) -> list[T]:
        """The same without waiting; perhaps nothing."""
        with self._some:
            jobs = [self._first.popleft() for _ in range(min(JOBS_MAX, len(self._first)))]
            size, size_max = 0, SHARED_STEP_BYTES if self._alive() > 1 else STEP_BYTES
            while self._lanes and not self._first and len(jobs) < JOBS_MAX and size < size_max:
                turns = self._new or self._old
                lane, _ = turns.popitem(last=False)
                waiting = self._lanes.get(lane)
                if waiting is None:
                    continue  # emptied, and nothing came since: it is new when it comes again
                job, bytes_ = waiting[0]
                if size and size + bytes_ > size_max:
                    turns[lane] = None
                    turns.move_to_end(lane, last=False)  # it begins the next step
                    break
                waiting.popleft()
                jobs.append(job)
                size += bytes_
                if not waiting:
                    del self._lanes[lane]
                self._old[lane] = None
            return jobs

    def _alive(self) -> int:
        """How many links were heard lately."""
        now_s = self._clock_s()
        if len(self._heard_s) > 1 and now_s - self._looked_s > ALIVE_S / 4:
            self._looked_s = now_s
            self._heard_s = {lane: at_s for lane, at_s in self._heard_s.items() if now_s - at_s <= ALIVE_S}
        return len(self._heard_s)
