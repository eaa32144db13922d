"""`problems` 同类问题分析: what supervision found wrong over the subtree, and where it comes again (R65).

Rules of this file:

1. Asked over the items of one period (by the day of 交办), those returned or with a 督办单 first, then the newest; at
   most `ITEMS_MAX` are read, and the answer says how many there were.
2. What a caller may not see is not in it (`scope`); 问责线索 and 负面清单 never are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from node.clock import day_of
from node.errors import InputError
from node.items.fold import fold
from node.items.lights import day_number
from node.items.problems import Group, Problem, group_alike, problems_of
from node.rules.calendar import date_of
from node.services.board.project import read_facts
from node.services.matters.desk import take
from node.services.verbs import Question
from node.services.views.browse import View, moment
from node.services.views.pages import narrowed
from node.services.views.statistics import span_of
from node.storage.port import BoardQuery, BoardRow, Reader

Document = dict[str, object]
ITEMS_MAX = 2_000  # read for one answer: about a second
GROUPS_MAX = 200
_SHOWN = 20  # items and offices of a group
_TEXTS_SHOWN = 3
_PER_READ = 200
_FIELDS = ("item_no", "item_id", "returns", "slips", "opened_day")


def problems(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """Groups of problems that are alike, the most frequent first; with ``repeated`` only those of several items."""
    today = day_number(day_of(view.now_ms))
    span = span_of(take(args, "period"), today)
    repeated = args.get("repeated") or False
    if not isinstance(repeated, bool):
        raise InputError("只看多次出现的写法不对", field="--repeated", value=repeated, remedy="写或不写 --repeated")
    query = narrowed(reader, view, BoardQuery(
        subject="-", receiver=take(args, "office"), opened_from=span.first, opened_before=span.after, limit=2**31 - 1,
    ))  # fmt: skip
    marks = reader.board_columns(query, _FIELDS) if query is not None else []
    ordered = sorted(marks, key=lambda mark: (-bool(mark[2] or mark[3]), -mark[4], -mark[0]))[:ITEMS_MAX]
    rows, found = _read(reader, [mark[1] for mark in ordered], [mark[0] for mark in ordered])
    groups = group_alike(found)
    listed = [one for one in groups if not repeated or len({problem.item for problem in one.problems}) > 1]
    return {
        "period": span.text, "from": date_of(span.first).isoformat() if span.after else None,
        "to": date_of(span.after - 1).isoformat() if span.after else None, "asked_at": moment(view.now_ms),
        "items": len(marks), "read": len(ordered), "problems": len(found), "repeated": repeated,
        "groups": [_group(view, one, rows) for one in listed[:GROUPS_MAX]], "more": len(listed) > GROUPS_MAX,
    }  # fmt: skip


def _read(
    reader: Reader, item_ids: list[bytes], item_nos: list[int]
) -> tuple[Mapping[bytes, BoardRow], list[Problem]]:
    rows: dict[bytes, BoardRow] = {}
    found: list[Problem] = []
    for at in range(0, len(item_ids), _PER_READ):
        for item_id, facts in read_facts(reader, item_ids[at : at + _PER_READ]).items():
            found += problems_of(fold(item_id, facts), facts)
        nos = tuple(item_nos[at : at + _PER_READ])
        rows |= {row.item_id: row for row in reader.board_query(BoardQuery(item_nos=nos, limit=_PER_READ))}
    return rows, found


def _group(view: View, group: Group, rows: Mapping[bytes, BoardRow]) -> Document:
    touched = [rows[item] for item in dict.fromkeys(one.item for one in group.problems) if item in rows]
    offices = Counter(row.receiver or view.office for row in touched)
    return {
        "text": group.text,
        "texts": list(dict.fromkeys(one.text for one in group.problems))[:_TEXTS_SHOWN],
        "count": len(group.problems), "items": len(touched), "offices": len(offices),
        "kinds": _counted(one.source for one in group.problems),
        "sources": _counted(row.source for row in touched if row.source),
        "at": [
            {"office": code, "name": view.name_of(code), "items": count}
            for code, count in offices.most_common(_SHOWN)
        ],
        "examples": [
            {"id": row.item_id.hex(), "number": row.number, "title": row.title, "receiver": row.receiver}
            for row in touched[:_SHOWN]
        ],
    }  # fmt: skip


def _counted(words: Iterable[str]) -> list[Document]:
    return [{"label": word, "count": count} for word, count in sorted(Counter(words).items(), key=lambda one: -one[1])]


QUESTIONS: Mapping[str, Question] = {"problems": problems}
