"""What an item in hand here shows of the tasks issued under it: progress, 情况 and 数据截至 (R94, I8).

Rules of this file:

1. An item whose office has not reported itself stands where its tasks stand: progress is their mean (`items.rollup`),
   its data are as old as the oldest of them. What the office has reported itself stays as it said it.
2. Of the tasks right below, what is least known is said, with whose task it is: one that has not reported is not hidden
   behind another that has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from node.items.lifecycle import CANCELLED, DONE
from node.items.rollup import Task, roll_up
from node.services.views.browse import View
from node.services.views.truth import Known, Word
from node.storage.port import BoardQuery, BoardRow, Reader

GRAVITY: Mapping[Word, int] = {"done": 0, "idle": 1, "unreported": 2, "unsynced": 3}
TASKS_MAX = 10_000  # looked at for one page
_LEVELS = 12
_PARENTS_PER_READ = 300


def tasks_under(
    reader: Reader, items: Iterable[bytes], most: int,
    as_then: Callable[[list[BoardRow]], list[BoardRow]] | None = None,
) -> dict[bytes, list[BoardRow]]:
    """All tasks under these items by their parents, level by level; what was cancelled hides what hangs on it.

    ``most``: so many at most; ``as_then`` turns rows of now into those of another moment.
    """
    level, seen = list(items), set(items)
    found: dict[bytes, list[BoardRow]] = {}
    count = 0
    for _ in range(_LEVELS):
        fresh: list[BoardRow] = []
        for start in range(0, len(level), _PARENTS_PER_READ):
            room = max(most - count - len(fresh), 0)
            parents = tuple(level[start : start + _PARENTS_PER_READ])
            fresh += reader.board_query(BoardQuery(parents=parents, subject="-", limit=room))
        fresh = as_then(fresh) if as_then is not None else fresh
        fresh = [row for row in fresh if row.state != CANCELLED and row.item_id not in seen]
        for row in fresh:
            found.setdefault(row.parent, []).append(row)
        seen.update(row.item_id for row in fresh)
        count += len(fresh)
        level = [row.item_id for row in fresh]
        if not level or count >= most:
            break
    return found


def speaks_for_tasks(row: BoardRow, office: str) -> bool:
    """Whether an item has nothing of its own to show: in hand here, not over, and not reported on by this office."""
    return row.receiver == office and row.state not in DONE and not row.reported_day


def percent_of(row: BoardRow, below: Mapping[bytes, Sequence[BoardRow]]) -> int:
    """Progress in per cent over the tasks below; the item's own without any."""
    tops = _tree(row.item_id, below, _LEVELS)
    return roll_up(tops).percent if tops else row.percent


def _tree(item: bytes, below: Mapping[bytes, Sequence[BoardRow]], levels: int) -> tuple[Task, ...]:
    if not levels:
        return ()
    return tuple(
        Task(row.receiver, row.state or None, "none", row.percent, children=_tree(row.item_id, below, levels - 1))
        for row in below.get(item, ())
    )


def as_of_ms(view: View, row: BoardRow, below: Mapping[bytes, Sequence[BoardRow]]) -> int:
    """数据截至 of an item with tasks: that of the oldest of them, ms since 1970 UTC."""
    tasks = [task for task in below[row.item_id] if task.state not in DONE]
    return min([view.as_of_ms(row.receiver), *(view.as_of_ms(task.receiver) for task in tasks)])


def known_with(
    row: BoardRow, tasks: Sequence[BoardRow], known: Mapping[bytes, Known], name_of: Callable[[str], str]
) -> Known:
    """情况 of an item in one line: the own word, or the least that is known of its tasks, and whose they are."""
    own = known[row.item_id]
    if own.state == "unsynced" or not tasks:
        return own
    grave = max((known[task.item_id] for task in tasks), key=lambda one: GRAVITY[one.state])
    if grave.state == "done":
        alike = len({known[task.item_id].label for task in tasks}) == 1
        return own._replace(state=grave.state, label=grave.label) if alike else own
    offices = list(dict.fromkeys(task.receiver for task in tasks if known[task.item_id].state == grave.state))
    more = f"等{len(offices)}个单位" if len(offices) > 1 else ""
    return own._replace(state=grave.state, label=f"{grave.label}（{name_of(offices[0])}{more}）")
