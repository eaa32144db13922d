"""未办、未报、未同步: what is known of a task, and at which hop the rest stopped (I8; faults.md G13, N6, B8, B11).

Rules of this file:

1. Silence is never "no change": 未办 and 未报 are said only of a receiver whose 数据截至 lies within the freshness
   limit, and they mean that moment, not now. Older than that it is 未同步, with the first hop that has nothing newer.
2. What is over is known for good: it rests on the issuer's own record.
3. Where a task has not left, or its receiver's node has not shown that it arrived, nothing is known of the work.
4. Marks travel upwards only: below its author an item's freshness is not known, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from node.clock import iso
from node.items.lifecycle import (
    ACTIVE,
    APPROVING,
    ASSIGNED,
    DELIVERED,
    DONE,
    ESTABLISHED,
    PLANNING,
    PROPOSED,
    REFUSED,
    REGISTERED,
    RETURNED,
    SIGNED,
    SUBMITTED,
)

Word = Literal["done", "idle", "unreported", "unsynced"]
Why = Literal["queued", "undelivered", "silent", "never", "above"]
LABELS: Mapping[Word, str] = {"done": "已报", "idle": "未办", "unreported": "未报", "unsynced": "未同步"}
FRESH_MS = 36 * 3_600_000  # faults.md B8

_IDLE = frozenset({DELIVERED, SIGNED, REGISTERED, PROPOSED, APPROVING, ESTABLISHED, PLANNING})
AT_WORK = frozenset({ACTIVE, RETURNED})


class Place(NamedTuple):
    """An office on the way to who has the work in hand, and its 数据截至 (ms since 1970 UTC, 0 = never)."""

    office: str
    as_of_ms: int


class Task(NamedTuple):
    """What is to be judged. ``below``: from the next hop to who has the work in hand; empty where that is here.

    ``source``: whose order it is, where that is an office below; else empty. ``queued``: the next hop has not receipted
    it. ``changed_ms``: the newest record with effect. ``late``: a deadline or a cadence report was missed at the
    moment the data stand for.
    """

    me: str
    state: str
    kind: str = "assignment"
    below: tuple[Place, ...] = ()
    above: str = ""
    source: str = ""
    queued: bool = False
    changed_ms: int = 0
    late: bool = False


class Hop(NamedTuple):
    """Between which offices it stopped, and why."""

    from_: str
    to: str
    why: Why


class Known(NamedTuple):
    """The answer: state, its word for people, where it stopped (unsynced only), and since when nothing is known."""

    state: Word
    label: str
    hop: Hop | None = None
    since_ms: int = 0
    tasks: int = 0  # below an item in hand here
    unsynced: int = 0  # of these


def of(task: Task, now_ms: int, limit_ms: int) -> Known:
    """What is known of a task at ``now_ms``; data older than ``limit_ms`` (both milliseconds) say nothing of today."""
    if task.state in DONE:
        return Known("done", "已了结")
    if task.above:
        return Known("unsynced", LABELS["unsynced"], Hop(task.above, task.me, "above"))
    as_of_ms = task.below[-1].as_of_ms if task.below else now_ms
    if task.below and task.queued:
        return Known("unsynced", LABELS["unsynced"], Hop(task.me, task.below[0].office, "queued"), as_of_ms)
    stopped = _stopped(task, now_ms, limit_ms)
    if stopped is not None:
        return Known("unsynced", LABELS["unsynced"], stopped, as_of_ms)
    if task.below and task.state == ASSIGNED and task.kind == "assignment":
        last = task.below[-1].office
        start = task.source or (task.below[0].office if len(task.below) > 1 else task.me)
        return Known("unsynced", LABELS["unsynced"], Hop(start, last, "undelivered"), as_of_ms)
    return _of_fresh(task, as_of_ms)


def _stopped(task: Task, now_ms: int, limit_ms: int) -> Hop | None:
    """The first hop that has nothing new enough, where the last one has not.

    An office on the way that has been silent for half the limit is named before those behind it: marks come every
    minute, and what lies behind a break grows old a little earlier than the break itself.
    """
    if not task.below or now_ms - task.below[-1].as_of_ms <= limit_ms:
        return None
    before = task.me
    for place in task.below:
        if now_ms - place.as_of_ms > limit_ms - limit_ms // 2:
            return Hop(before, place.office, "silent" if place.as_of_ms else "never")
        before = place.office
    raise AssertionError(task)  # the last one is older than the limit


def _of_fresh(task: Task, as_of_ms: int) -> Known:
    if task.state == REFUSED:
        return Known("done", "已退签")
    if task.state == SUBMITTED:
        return Known("done", "已报结")
    if task.state in _IDLE or (task.state == ASSIGNED and task.kind == "assignment"):
        return Known("idle", LABELS["idle"])
    if task.state == ASSIGNED:
        return Known("done", "已交办")
    if task.state not in AT_WORK:
        return Known("unsynced", LABELS["unsynced"])  # a state of a later release says nothing here
    # What was returned is open again once its receiver can have known.
    if task.late or (task.state == RETURNED and as_of_ms >= task.changed_ms):
        return Known("unreported", LABELS["unreported"])
    return Known("done", LABELS["done"])


def document(known: Known, name_of: Callable[[str], str]) -> dict[str, object]:
    """The ``known`` of a row."""
    hop = known.hop
    said: dict[str, object] = {
        "state": known.state,
        "label": known.label,
        "hop": None if hop is None else {
            "from": hop.from_, "to": hop.to, "reason": hop.why, "text": text_of(hop, name_of),
        },
        "since": iso(known.since_ms) if known.since_ms else None,
    }  # fmt: skip
    if known.tasks:
        said["below"] = {"tasks": known.tasks, "unsynced": known.unsynced}
    return said


def text_of(hop: Hop, name_of: Callable[[str], str]) -> str:
    """Where it stopped, in words."""
    from_, to = name_of(hop.from_), name_of(hop.to)
    return {
        "queued": f"待转送：{to}尚未收讫",
        "undelivered": f"{to}尚未送达（自{from_}起在途）",
        "silent": f"{from_}至{to}中断",
        "never": f"{to}尚未同步过",
        "above": f"{from_}的数据截至不下达",
    }[hop.why]
