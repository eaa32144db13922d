"""Roll-up 互联互通: counts, progress and worst light over a tree of tasks. Shown only, compared apart from digests.

Progress of a task with tasks below it is their weighted mean, otherwise what its receiver last reported; an accepted
or closed one stands at 100. Cancelled and re-assigned tasks count in `cancelled` and `total` only. A task whose opening
is not here counts as open: silence never looks like progress.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from node.items.lifecycle import ASSIGNED, CLOSED, DELIVERED, DONE, REFUSED, REGISTERED, TERMINAL
from node.items.lights import Light, worst

_VOID = TERMINAL - {CLOSED, "archived"}
FINISHED = DONE - _VOID  # accepted or further: at 100 per cent, whatever was last reported
_NOT_SIGNED = frozenset({REGISTERED, ASSIGNED, DELIVERED, REFUSED})
_NOT_ACTIVE = _NOT_SIGNED | DONE


@dataclass(frozen=True, slots=True)
class Task:
    """A row of the tree: ``weight`` > 0; ``children`` are the tasks issued under it."""

    office: str
    state: str | None
    light: Light
    percent: int = 0
    returns: int = 0
    urges: int = 0
    weight: int = 1
    children: tuple[Task, ...] = ()


@dataclass(frozen=True, slots=True)
class RollUp:
    """应办 (all but cancelled), 已签收, 在办, 办结 (accepted or further), 销号, 逾期, 退回 and 催办 (times), 撤销."""

    total: int = 0
    due: int = 0
    signed: int = 0
    active: int = 0
    accepted: int = 0
    closed: int = 0
    overdue: int = 0
    returns: int = 0
    urges: int = 0
    cancelled: int = 0
    percent: int = 0
    light: Light = "none"
    offices: tuple[str, ...] = field(default=())


def progress(task: Task) -> float:
    """Per cent, 0..100."""
    if task.state in _VOID:
        return 0.0
    if task.state in FINISHED:
        return 100.0
    below = [child for child in task.children if child.state not in _VOID]
    return _mean(below) if below else float(min(max(task.percent, 0), 100))


def roll_up(children: tuple[Task, ...]) -> RollUp:
    """Count all tasks of the trees; progress and light are those over the tops. ``offices`` are all that take part."""
    tasks: list[Task] = []
    todo = list(children)
    while todo:
        task = todo.pop()
        tasks.append(task)
        todo += task.children
    live = [task for task in tasks if task.state not in _VOID]
    tops = [task for task in children if task.state not in _VOID]
    return RollUp(
        total=len(tasks),
        due=len(live),
        signed=sum(task.state is not None and task.state not in _NOT_SIGNED for task in live),
        active=sum(task.state is not None and task.state not in _NOT_ACTIVE for task in live),
        accepted=sum(task.state in DONE for task in live),
        closed=sum(task.state in (CLOSED, "archived") for task in live),
        overdue=sum(task.light == "red" for task in live),
        returns=sum(task.returns for task in live),
        urges=sum(task.urges for task in live),
        cancelled=len(tasks) - len(live),
        # Rounded down: 100 means all of it.
        percent=int(_mean(tops)),
        light=worst([task.light for task in live]),
        offices=tuple(sorted({task.office for task in live})),
    )


def _mean(tasks: list[Task]) -> float:
    weight = sum(task.weight for task in tasks)
    return sum(progress(task) * task.weight for task in tasks) / weight if weight > 0 else 0.0
