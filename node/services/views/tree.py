"""`item.tree`: how an item was decomposed 省→市→县→乡, below it and above it, as far as this node knows (R9, I8).

Rules of this file:

1. A node of the tree is an item held here, with what a list says of it, what is known of it and when its data are from;
   nothing is guessed for offices whose tasks are not on this office's lines.
2. The latest words of a report are its author's own, cut to `WORDS_CHARS_MAX` characters, of the first `WORDS_MAX`
   nodes; the tree has at most `NODES_MAX` nodes, level by level. What was left out is said.
3. The other tasks of the same item are told where its issuer or an office above asks, of those that are on its lines
   and the caller may see; a receiver learns of none (I4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from node.clock import iso
from node.items.fact import Fact
from node.items.fold import EFFECTIVE, fold
from node.items.lifecycle import STATE_LABELS
from node.items.rollup import Task, roll_up
from node.records.kinds import Kind, label_of
from node.records.line import level_of
from node.services.access import scope
from node.services.board.project import read_facts
from node.services.matters.desk import take
from node.services.views import truth
from node.services.views.browse import View, light_of, moment, row_document
from node.services.views.rolled import TASKS_MAX, as_of_ms, known_with, percent_of, speaks_for_tasks, tasks_under
from node.services.views.tracks_view import text_of
from node.services.views.truth_rows import known_of
from node.storage.port import BoardQuery, BoardRow, Reader

NODES_MAX = 2_000
SIBLINGS_MAX = 100
WORDS_MAX = 300
WORDS_CHARS_MAX = 200
_PARENTS_PER_READ = 500
_HOPS_MAX = 12
_REPORTS = frozenset({int(Kind.PROGRESS), int(Kind.FINAL)})
_TAKEN = (
    "number", "title", "kind", "role", "issuer", "issuer_name", "state", "state_label", "light", "percent", "due",
    "provisional", "as_of", "delivery", "successor",
)  # fmt: skip

Document = dict[str, object]


def item_tree(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """`item.tree ITEM`: ``path`` the items above, the top one first; ``tree`` the item with all below it; ``siblings``
    the other tasks of the item it was issued under.
    """
    row = scope.find(reader, view, take(args, "item"))
    above = scope.visible(reader, view.office, view.caller, _above(reader, row))
    below, truncated = _below(reader, row)
    rows = [*above, row, *below]
    nodes = _nodes(reader, view, rows)
    beside = _siblings(reader, view, row)
    for item_id, said in _of_tasks(reader, view, [*above, row]).items():
        nodes[item_id] |= said
    listed: dict[bytes, list[Document]] = {}
    for one in below:
        listed.setdefault(one.parent, []).append(nodes[one.item_id])
    for one in (row, *below):
        nodes[one.item_id]["children"] = listed.get(one.item_id, [])
    top = above[0] if above else row
    return {
        "item": row.item_id.hex(), "total": 1 + len(below), "truncated": truncated, "nodes_max": NODES_MAX,
        "words_of": min(len(rows), WORDS_MAX),
        "line": [
            {"office": code, "name": view.name_of(code), "level": level_of(code)} for code in row.path.split("/")
        ],
        # The item it was issued under is the superior's own where it is not on this office's lines.
        "above": {"office": top.issuer, "name": view.name_of(top.issuer), "held": not top.parent},
        "path": [nodes[one.item_id] for one in above], "tree": nodes[row.item_id],
        "siblings": list(_nodes(reader, view, beside[:SIBLINGS_MAX], words=False).values()),
        "siblings_more": len(beside) > SIBLINGS_MAX,
        "summary": _summary(below), "rolled": _rolled(view, row, below),
    }  # fmt: skip


def _above(reader: Reader, row: BoardRow) -> list[BoardRow]:
    """The items it was issued under, the top one first, as far as they are held here."""
    found: list[BoardRow] = []
    here = row
    while here.parent and len(found) < _HOPS_MAX:
        rows = reader.board([here.parent])
        if not rows:
            break
        here = rows[0]
        found.insert(0, here)
    return found


def _siblings(reader: Reader, view: View, row: BoardRow) -> list[BoardRow]:
    """The other tasks under the same item, as far as the caller may see; at most one more than are shown."""
    path = row.path.split("/")
    if not row.parent or row.issuer not in path or view.office not in path[: path.index(row.issuer) + 1]:
        return []
    found = reader.board_query(BoardQuery(parent=row.parent, subject="-", limit=SIBLINGS_MAX + 2))
    return scope.visible(
        reader, view.office, view.caller, (one for one in found if one.item_id != row.item_id)
    )


def _below(reader: Reader, row: BoardRow) -> tuple[list[BoardRow], bool]:
    """Everything issued under the item, level by level, each level in the order it was issued; whether some is left."""
    found: list[BoardRow] = []
    seen = {row.item_id}
    level: Sequence[BoardRow] = [row]
    while level:
        following: list[BoardRow] = []
        for start in range(0, len(level), _PARENTS_PER_READ):
            parents = tuple(one.item_id for one in level[start : start + _PARENTS_PER_READ])
            room = NODES_MAX - 1 - len(found) - len(following)
            rows = reader.board_query(BoardQuery(parents=parents, subject="-", limit=room + 1))
            fresh = [one for one in rows if one.item_id not in seen]
            seen.update(one.item_id for one in fresh)
            following += fresh[:room]
            if len(fresh) > room:
                return [*found, *following], True
        found += following
        level = following
    return found, False


def _nodes(reader: Reader, view: View, rows: Sequence[BoardRow], *, words: bool = True) -> dict[bytes, Document]:
    known = known_of(reader, view, rows)
    latest = _latest(reader, view, rows[:WORDS_MAX]) if words else {}
    found: dict[bytes, Document] = {}
    for row in rows:
        shown = row_document(view, row)
        found[row.item_id] = {
            "item": row.item_id.hex(), "office": row.receiver, "office_name": view.name_of(row.receiver),
            "level": level_of(row.receiver), **{name: shown[name] for name in _TAKEN if name in shown},
            "unit": row.unit or None, "known": truth.document(known[row.item_id], view.name_of),
            "latest": latest.get(row.item_id), "children": [],
        }  # fmt: skip
    return found


def _of_tasks(reader: Reader, view: View, rows: Sequence[BoardRow]) -> dict[bytes, Document]:
    """What lists and ledgers say of those of these items that have nothing but their tasks to show (`rolled`)."""
    speaking = [row for row in rows if speaks_for_tasks(row, view.office)]
    below = tasks_under(reader, [row.item_id for row in speaking], TASKS_MAX) if speaking else {}
    speaking = [row for row in speaking if row.item_id in below]
    known = known_of(reader, view, [*speaking, *(task for row in speaking for task in below[row.item_id])])
    return {
        row.item_id: {
            "percent": percent_of(row, below), "as_of": moment(as_of_ms(view, row, below)),
            "known": truth.document(known_with(row, below[row.item_id], known, view.name_of), view.name_of),
        }
        for row in speaking
    }


def _latest(reader: Reader, view: View, rows: Sequence[BoardRow]) -> dict[bytes, Document]:
    """The newest report of each item that has effect, in its author's own words (drill-down, never re-typed)."""
    facts = read_facts(reader, [row.item_id for row in rows])
    found: dict[bytes, Document] = {}
    for item_id, held in facts.items():
        reports = [fact for fact in held if fact.kind in _REPORTS]
        if not reports:
            continue
        effects = fold(item_id, held).effects
        newest = _newest(fact for fact in reports if effects.get(fact.record_id) in EFFECTIVE)
        if newest is not None:
            text = text_of(newest.payload, newest.kind)
            cut = len(text) > WORDS_CHARS_MAX
            found[item_id] = {
                "record": newest.record_id.hex(), "kind_label": label_of(newest.kind), "author": newest.author,
                "author_name": view.name_of(newest.author), "at": iso(newest.claimed_ms),
                "text": text[: WORDS_CHARS_MAX - 1] + "…" if cut else text, "cut": cut,
            }  # fmt: skip
    return found


def _newest(facts: Iterable[Fact]) -> Fact | None:
    return max(facts, key=lambda fact: (fact.claimed_ms, fact.epoch, fact.seq), default=None)


def _rolled(view: View, row: BoardRow, below: Sequence[BoardRow]) -> Document | None:
    """What all tasks below come to (互联互通): counts, progress as their mean, the worst light; None without any."""
    if not below:
        return None
    tasks: dict[bytes, list[Task]] = {}
    for one in reversed(below):  # level by level from the leaves: what is below a task is complete when it comes
        under = tuple(tasks.pop(one.item_id, ()))
        shown = light_of(view, one)
        task = Task(one.receiver, one.state or None, shown, one.percent, one.returns, one.urges, children=under)
        tasks.setdefault(one.parent, []).append(task)
    found = roll_up(tuple(tasks[row.item_id]))
    return {
        "due": found.due, "signed": found.signed, "active": found.active, "accepted": found.accepted,
        "closed": found.closed, "overdue": found.overdue, "returns": found.returns, "urges": found.urges,
        "cancelled": found.cancelled, "percent": found.percent, "light": found.light, "offices": len(found.offices),
    }  # fmt: skip


def _summary(rows: Sequence[BoardRow]) -> list[Document]:
    """How many tasks below are in which state, in the order of the life cycle."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + 1
    order = list(STATE_LABELS)
    return [
        {"state": state, "label": STATE_LABELS.get(state, state), "count": counts[state]}
        for state in sorted(counts, key=lambda state: order.index(state) if state in order else len(order))
    ]
