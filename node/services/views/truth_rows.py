"""What is known of the items stored here: board rows, freshness and receipts made into the values `truth` judges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from node.clock import day_of
from node.items.lifecycle import ASSIGNED, DONE
from node.rules.calendar import day_number
from node.services.matters.rulebook import Rulebook
from node.services.routine.reminders import Day, missed_day
from node.services.views.browse import View
from node.services.views.truth import AT_WORK, LABELS, Known, Place, Task, of
from node.storage.port import BoardQuery, BoardRow, Reader
from node.storage.rows import EXEMPT

_ROWS_PER_READ = 500


def known_of(reader: Reader, view: View, rows: Sequence[BoardRow]) -> dict[bytes, Known]:
    """What is known of each of these items; an item in hand here speaks for the tasks issued under it too."""
    found = _each(reader, view, rows)
    mine = [row.item_id for row in rows if row.receiver == view.office and row.state not in DONE]
    below: list[BoardRow] = []
    for start in range(0, len(mine), _ROWS_PER_READ):
        below += reader.board_query(BoardQuery(parents=tuple(mine[start : start + _ROWS_PER_READ]), subject="-"))
    tasks = _each(reader, view, [row for row in below if row.item_id not in found]) | found
    counts: dict[bytes, tuple[int, list[Known]]] = {}
    for row in below:
        count, silent = counts.get(row.parent, (0, []))
        one = tasks[row.item_id]
        counts[row.parent] = (count + 1, [*silent, one] if one.state == "unsynced" else silent)
    for item_id, (count, silent) in counts.items():
        one = found[item_id]
        if silent:
            oldest = min(silent, key=lambda known: known.since_ms)
            one = Known("unsynced", LABELS["unsynced"], oldest.hop, oldest.since_ms)
        found[item_id] = one._replace(tasks=count, unsynced=len(silent))
    return found


def task_of(view: View, row: BoardRow) -> Task:
    """A board row as `of` looks at it; ``late`` by its limit alone."""
    path = row.path.split("/")
    depth = path.index(view.office) if view.office in path else -1
    if row.receiver == view.office:
        return Task(view.office, row.state, row.kind, changed_ms=row.updated_ms, late=_overdue(view, row))
    if depth < 0 or row.receiver not in path[depth + 1 :]:
        return Task(view.office, row.state, row.kind, above=row.receiver)
    way = path[depth + 1 : path.index(row.receiver) + 1]
    source = row.issuer if row.issuer in way else ""
    return Task(
        view.office, row.state, row.kind, tuple(Place(code, view.as_of_ms(code)) for code in way), source=source,
        queued=row.state == ASSIGNED and row.kind == "assignment" and not source and not view.delivered(row),
        changed_ms=row.updated_ms, late=_overdue(view, row),
    )  # fmt: skip


def _each(reader: Reader, view: View, rows: Sequence[BoardRow]) -> dict[bytes, Known]:
    tasks = {row.item_id: task_of(view, row) for row in rows}
    open_ = [row for row in rows if _may_be_late(row, tasks[row.item_id])]
    for item_id in _missed(reader, view, open_):
        tasks[item_id] = tasks[item_id]._replace(late=True)
    return {item_id: of(task, view.now_ms, view.fresh_ms) for item_id, task in tasks.items()}


def _may_be_late(row: BoardRow, task: Task) -> bool:
    return row.state in AT_WORK and not task.late and not task.above and not row.flags & EXEMPT


def _missed(reader: Reader, view: View, rows: Sequence[BoardRow]) -> Iterable[bytes]:
    """Items of which a cadence report was missed, as of their data (A3, A13)."""
    if not rows:
        return
    book = Rulebook(reader, view.office)
    days = {row.item_id: _day_at(view, row) for row in rows}
    issuers = {row.issuer for row in rows if row.issuer != view.office}
    contexts: dict[int, Day] = {}
    for day in set(days.values()):
        others = {issuer: book.profile(day, issuer) for issuer in issuers}
        contexts[day] = Day(day, day, view.office, book.profile(day), view.calendar, {}, {}, {}, others)
    for row in rows:
        if missed_day(contexts[days[row.item_id]], row, row.reported_day):
            yield row.item_id


def _day_at(view: View, row: BoardRow) -> int:
    """The business date the row's data stand for."""
    return day_number(day_of(min(view.as_of_ms(row.receiver), view.now_ms)))


def _overdue(view: View, row: BoardRow) -> bool:
    """Whether the limit had passed when the data were current; a soft limit is none to miss."""
    hard = row.due_day and row.strength not in ("principle", "none") and not row.flags & EXEMPT
    return bool(hard) and row.state in AT_WORK and _day_at(view, row) > row.due_day
