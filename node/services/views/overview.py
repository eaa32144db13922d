"""`overview` 全流程视图 and `gantt`: items in hand here × offices below, whatever level they stand on.

Rules of this file:

1. A page shows some items in hand and all tasks issued under them, by any office of the subtree, up to `TASKS_MAX`.
2. A column is an office right below the one looked at; what stands lower rolls up into it: the worst light, the least
   that is known, the oldest 数据截至. ``at`` looks from a lower office: its own column first, then those below it.
3. 未办, 未报, 未同步 are told apart as everywhere (`truth`); silence is never no change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from node.errors import InputError
from node.items.fold import fold
from node.items.lifecycle import CANCELLED, DONE, STAGE, state_label
from node.items.lights import LIGHT_LABELS, SEVERITY
from node.services.board.project import read_facts
from node.services.matters.desk import take
from node.services.verbs import Question
from node.services.views import pages, truth
from node.services.views.browse import View, day_text, light_of, moment, provisional, row_document
from node.services.views.rolled import GRAVITY, percent_of, speaks_for_tasks
from node.services.views.truth import Known
from node.services.views.truth_rows import known_of
from node.storage.port import BoardQuery, BoardRow, Reader

Document = dict[str, object]
PER_PAGE, PER_PAGE_MAX = 20, 50
TASKS_MAX = 2_000  # of one page
COLUMNS_MAX = 150
_DEPTH = 6  # levels of government below the highest
_PARENTS_PER_READ = 300
_FILTERS = ("state", "light", "text", "unit", "source", "class", "leader", "due_from", "due_to", "overdue", "open",
            "sort", "kind", "mine")  # fmt: skip


class Below(NamedTuple):
    """The tasks under the items of a page, each with the item (root) it comes from; ``more``: some were left out."""

    tasks: list[BoardRow]
    root: dict[bytes, bytes]
    more: bool


class Sheet(NamedTuple):
    """A page of items in hand with all tasks below."""

    found: pages.Found
    below: Below
    page: int
    per: int
    filters: dict[str, object]


def sheet_of(reader: Reader, view: View, args: Mapping[str, object]) -> Sheet:
    """The page asked for; InputError for filters and sizes that are not allowed."""
    unknown = sorted(str(name) for name in args if name not in (*_FILTERS, "page", "per", "at"))
    if unknown:
        raise InputError("没有这个筛选条件", field=unknown[0][:40], remedy=f"可用：{'、'.join((*_FILTERS, 'at'))}")
    given = {name: value for name, value in args.items() if name != "at"}
    filters = pages.normalise({"per": PER_PAGE} | given)
    per, page = int(str(filters["per"])), int(str(filters.get("page") or 1))
    if per > PER_PAGE_MAX:
        raise InputError("每页行数过多", field="--per", value=per, remedy=f"最多{PER_PAGE_MAX}行")
    found = pages.find(reader, view, filters, receiver=view.office)
    return Sheet(found, tasks_below(reader, found.rows), page, per, filters)


def tasks_below(reader: Reader, rows: Sequence[BoardRow]) -> Below:
    """All tasks issued under these items, level by level; those cancelled are left out with what hangs on them."""
    root = {row.item_id: row.item_id for row in rows}
    level, tasks = list(root), list[BoardRow]()
    for _ in range(_DEPTH):
        found: list[BoardRow] = []
        for start in range(0, len(level), _PARENTS_PER_READ):
            parents = tuple(level[start : start + _PARENTS_PER_READ])
            left = TASKS_MAX + 1 - len(tasks) - len(found)
            found += reader.board_query(BoardQuery(parents=parents, subject="-", limit=max(left, 0)))
        fresh = [row for row in found if row.state != CANCELLED and row.item_id not in root]
        root |= {row.item_id: root[row.parent] for row in fresh}
        tasks += fresh
        level = [row.item_id for row in fresh]
        if not level or len(tasks) > TASKS_MAX:
            break
    return Below(tasks[:TASKS_MAX], root, len(tasks) > TASKS_MAX)


def overview(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """The heat table: a row for each item in hand, a column for each office (`Rules`)."""
    sheet = sheet_of(reader, view, args)
    at = take(args, "at") or view.office
    known = known_of(reader, view, [*sheet.found.rows, *sheet.below.tasks])
    cells: dict[bytes, dict[str, list[BoardRow]]] = {}
    for task in sheet.below.tasks:
        column = column_of(task, at)
        if column:
            cells.setdefault(sheet.below.root[task.item_id], {}).setdefault(column, []).append(task)
    under = _under(sheet.below)
    columns = sorted({column for row in cells.values() for column in row}, key=lambda code: (code != at, code))
    shown = columns[:COLUMNS_MAX]
    return _head(view, sheet) | {
        "at": at, "at_name": view.name_of(at), "columns_more": len(columns) > COLUMNS_MAX,
        "columns": [
            {"office": code, "name": view.name_of(code), "as_of": moment(view.as_of_ms(code)), "own": code == at}
            for code in shown
        ],
        "rows": [
            {
                "item": row_document(view, row) | {
                    "known": truth.document(known[row.item_id], view.name_of), "percent": _percent(view, row, under),
                },
                "cells": [
                    _cell(view, code, cells.get(row.item_id, {}).get(code, []), known) for code in shown
                ],
            }
            for row in sheet.found.rows
        ],
    }  # fmt: skip


def _under(below: Below) -> dict[bytes, list[BoardRow]]:
    found: dict[bytes, list[BoardRow]] = {}
    for task in below.tasks:
        found.setdefault(task.parent, []).append(task)
    return found


def _percent(view: View, row: BoardRow, under: Mapping[bytes, Sequence[BoardRow]]) -> int:
    """Progress of an item in hand: where its office has not reported itself, that of the tasks below."""
    return percent_of(row, under) if speaks_for_tasks(row, view.office) else row.percent


def column_of(task: BoardRow, at: str) -> str:
    """The office right below ``at`` on the way to who has the task, ``at`` itself where that has it; empty: neither."""
    path = task.path.split("/")
    if at not in path or task.receiver not in path:
        return ""
    here, there = path.index(at), path.index(task.receiver)
    return "" if there < here else path[min(here + 1, there)]


def _cell(view: View, code: str, tasks: list[BoardRow], known: Mapping[bytes, Known]) -> Document | None:
    """What rolls up into one cell; None where the office has nothing of the item."""
    if not tasks:
        return None
    direct = [task for task in tasks if task.receiver == code]
    said = direct or tasks
    state = min((task.state for task in said), key=lambda one: (one in DONE, STAGE.get(one, 0)))
    lights = [light_of(view, task) for task in tasks]
    worst = max(lights, key=SEVERITY.__getitem__)
    least = max((known[task.item_id] for task in tasks), key=lambda one: GRAVITY[one.state])
    dues = [task.due_day for task in said if task.due_day]
    whose = [task for task in tasks if known[task.item_id] == least]
    return {
        "office": code, "tasks": len(tasks), "direct": len(direct),
        "done": sum(task.state in DONE for task in tasks), "state": state, "state_label": state_label(state),
        "light": worst, "light_label": LIGHT_LABELS[worst], "lights": {one: lights.count(one) for one in set(lights)},
        "percent": sum(task.percent for task in said) // len(said),
        "known": truth.document(least, view.name_of),
        # Of an office further down: the word is not this one's.
        "known_of": None if any(task in direct for task in whose) else view.name_of(whose[0].receiver),
        "due": day_text(min(dues)) if dues else None,
        "as_of": moment(min(view.as_of_ms(task.receiver) for task in tasks)),
        "item": said[0].item_id.hex(), "number": said[0].number,
    }  # fmt: skip


def gantt(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """`gantt`: the items of the same page with their days and milestones, and the tasks below them with theirs."""
    sheet = sheet_of(reader, view, args)
    facts = read_facts(reader, [row.item_id for row in sheet.found.rows])
    known = known_of(reader, view, [*sheet.found.rows, *sheet.below.tasks])
    under = _under(sheet.below)
    below: dict[bytes, list[BoardRow]] = {}
    for task in sheet.below.tasks:
        below.setdefault(sheet.below.root[task.item_id], []).append(task)
    rows = []
    for row in sheet.found.rows:
        steps = fold(row.item_id, facts.get(row.item_id, [])).tracks.milestones
        rows.append(_bar(view, row, known) | {
            "percent": _percent(view, row, under),
            "milestones": [
                {"key": one.key, "title": one.title, "due": day_text(one.due_day), "done": day_text(one.done_day)}
                for one in steps
            ],
            "tasks": [_bar(view, task, known) for task in sorted(below.get(row.item_id, []), key=lambda one: one.path)],
        })  # fmt: skip
    return _head(view, sheet) | {"rows": rows}


def _bar(view: View, row: BoardRow, known: Mapping[bytes, Known]) -> Document:
    light = light_of(view, row)
    return {
        "id": row.item_id.hex(), "number": row.number, "title": row.title, "office": row.receiver,
        "office_name": view.name_of(row.receiver), "path": row.path.split("/"), "parent": row.parent.hex() or None,
        "state": row.state, "state_label": state_label(row.state, successor=bool(row.successor)), "light": light,
        "light_label": LIGHT_LABELS[light], "percent": row.percent, "opened": day_text(row.opened_day),
        "first_due": day_text(row.first_due_day), "due": day_text(row.due_day), "signed": day_text(row.signed_day),
        "provisional": provisional(row), "submitted": day_text(row.submitted_day), "closed": day_text(row.finished_day),
        "as_of": moment(view.as_of_ms(row.receiver)),
        "known": truth.document(known[row.item_id], view.name_of),
    }  # fmt: skip


def _head(view: View, sheet: Sheet) -> Document:
    total, per = sheet.found.total, sheet.per
    return {
        "office": view.office, "asked_at": moment(view.now_ms), "page": sheet.page, "per": per,
        "pages": max(-(-total // per), 1), "total": total, "more": sheet.found.more,
        "total_text": f"{total:,}" + "+" * sheet.found.more, "tasks": len(sheet.below.tasks),
        "tasks_more": sheet.below.more,
        "filters": {name: value for name, value in sheet.filters.items() if name not in ("page", "per")},
    }  # fmt: skip


QUESTIONS: Mapping[str, Question] = {"overview": overview, "gantt": gantt}
