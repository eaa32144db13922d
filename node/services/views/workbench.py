"""`workbench` 工作台: what waits for this person: lists with count, first rows and the verb one click away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from node.clock import day_of
from node.items.fold import fold
from node.items.lifecycle import (
    ACTIVE,
    APPROVING,
    ASSIGNED,
    DELIVERED,
    ESTABLISHED,
    PLANNING,
    PROPOSED,
    REFUSED,
    REGISTERED,
    RETURNED,
    SIGNED,
    SUBMITTED,
)
from node.items.lights import day_number
from node.services.access import scope
from node.services.access.rights import RIGHTS, ROLES
from node.services.board.project import read_facts
from node.services.matters.chains import waiting_posts
from node.services.matters.desk import Caller
from node.services.routine import proposals
from node.services.sheets.ledger_filters import light_query
from node.services.verbs import Question
from node.services.views.browse import View, moment, row_document
from node.services.views.pages import narrowed
from node.storage.port import BoardQuery, BoardRow, Reader, ReadNotice

Document = dict[str, object]
ROWS = 10
COUNT_MAX = 1_000  # beyond, a count is said as 1,000+
ALL_READ = "all"  # the notice of `ReadNotice` that means: everything up to then
_APPROVALS_MAX = 500  # drafts that are looked through for the caller's posts
_NEWS_MS = 7 * 86_400_000  # what is new to somebody who has never said to have read anything
VERB_LABELS: Mapping[str, str] = {
    "item.sign": "签收", "item.report": "填报进展", "item.assign": "交办", "item.approve": "审签",
    "item.accept": "审核", "item.grant": "批复延期", "item.urge": "催办", "item.insist": "坚持交办",
    "item.show": "查看", "item.submit": "报结", "todo.carry": "照办", "todo.done": "处理", "item.slip": "发督办单",
}  # fmt: skip


class _Section(NamedTuple):
    """A list: its query (None = nothing for this caller) and the verb of a row; the first that the caller may do."""

    key: str
    title: str
    query: BoardQuery | None
    verbs: tuple[str, ...]


def workbench(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """All lists of the caller; ``since_ms`` says from when on changes are news (default: since the last reading)."""
    caller = view.caller or Caller("")
    lists = [_section(reader, view, caller, one) for one in _sections(reader, view, caller)]
    lists.insert(1, _approvals(reader, view, caller))
    lists.append(_proposals(reader, view, caller))
    lists.append(_news(reader, view, caller, args))
    return {
        "office": view.office, "caller": caller.name, "unit": caller.unit or None,
        "roles": [{"role": role, "label": ROLES.get(role, role)} for role in caller.roles],
        "asked_at": moment(view.now_ms), "lists": lists,
    }  # fmt: skip


def _sections(reader: Reader, view: View, caller: Caller) -> Iterator[_Section]:
    me, today = view.office, day_number(day_of(view.now_ms))
    mine = BoardQuery(receiver=me, subject="-", open=True, sort="due_day")
    ours = BoardQuery(issuer=me, subject="-", open=True, sort="due_day")
    # Who belongs to a unit looks first at what that unit has in hand. Whoever assigns is the desk of the office and
    # looks at all: a task that no unit has yet, or that another lets run late, is nobody else's to see.
    own = mine._replace(units=(caller.unit,)) if caller.unit and not may(caller, "item.assign") else mine
    given = ours._replace(kind="assignment")
    # What waits to be assigned has a list of its own for who may assign.
    at_hand = (SIGNED, ACTIVE, RETURNED) if may(caller, "item.assign") else (
        REGISTERED, ESTABLISHED, SIGNED, ACTIVE, RETURNED)  # fmt: skip
    said: list[tuple[str, str, BoardQuery, tuple[str, ...]]] = [
        ("sign", "待签收", mine._replace(kind="assignment", states=(ASSIGNED, DELIVERED)), ("item.sign",)),
        ("todo", "待办", own._replace(states=at_hand), ("item.report",)),
        ("review", "待审核", given._replace(state=SUBMITTED), ("item.accept",)),
        ("extension", "延期待批", given._replace(extension="requested"), ("item.grant",)),
        ("refused", "被退签", given._replace(state=REFUSED), ("item.insist",)),
        ("due_soon", "临期", own._replace(light=light_query("yellow", today, view.calendar)), ("item.report",)),
        ("overdue", "逾期", own._replace(light=light_query("red", today, view.calendar)), ("item.report",)),
        ("others_overdue", "下级逾期", given._replace(light=light_query("red", today, view.calendar)), ("item.urge",)),
    ]
    if may(caller, "item.assign"):
        # Whatever is registered waits to be assigned; no unit has it in hand yet.
        said.insert(1, ("assign", "待交办", ours._replace(kind="registered", states=(REGISTERED, ESTABLISHED)),
                        ("item.assign",)))  # fmt: skip
    for key, title, query, verbs in said:
        seen = narrowed(reader, view, query)
        # What this office issued to others is not in the hands of a unit here.
        outside = seen is not None and query.issuer == me and seen.receiver == me and not query.receiver
        yield _Section(key, title, None if outside else seen, verbs)


def _section(reader: Reader, view: View, caller: Caller, one: _Section) -> Document:
    if one.query is None:
        return _list(one.key, one.title, 0, [])
    rows, count = reader.board_page(one.query._replace(limit=ROWS), COUNT_MAX + 1)
    return _list(one.key, one.title, count, [_row(view, caller, row, one.verbs) for row in rows])


def _list(key: str, title: str, count: int, rows: list[Document]) -> Document:
    more = count > COUNT_MAX
    said = f"{COUNT_MAX:,}+" if more else f"{count:,}"
    return {"key": key, "title": title, "count": min(count, COUNT_MAX), "more": more, "count_text": said, "rows": rows}


def _row(view: View, caller: Caller, row: BoardRow, verbs: tuple[str, ...]) -> Document:
    if row.kind == "registered" and row.state in (REGISTERED, ESTABLISHED) and verbs == ("item.report",):
        verbs = ("item.assign", "item.report")
    verb = next((verb for verb in verbs if may(caller, verb)), "item.show")
    return row_document(view, row) | {"verb": verb, "verb_label": VERB_LABELS[verb], "unit": row.unit or None}


def may(caller: Caller, verb: str) -> bool:
    """Whether the caller's roles allow a verb at all."""
    return bool(RIGHTS.get(verb, frozenset()).intersection(caller.roles))


def _approvals(reader: Reader, view: View, caller: Caller) -> Document:
    """待审签: drafts and approval cases whose turn is at a post of the caller's (R40, R48)."""
    rows: list[BoardRow] = []
    if caller.posts and may(caller, "item.approve"):
        asked = BoardQuery(issuer=view.office, receiver=view.office, kind="registered", limit=_APPROVALS_MAX)
        rows = reader.board_query(asked._replace(states=(PROPOSED, APPROVING, PLANNING)))
    facts = read_facts(reader, [row.item_id for row in rows])
    waiting = []
    for row in rows:
        approval = fold(row.item_id, facts.get(row.item_id, [])).tracks.approval
        if set(waiting_posts(approval)) & set(caller.posts):
            waiting.append(row)
    waiting = scope.visible(reader, view.office, caller, waiting)
    targets = {row.item_id: row for row in reader.board({row.target for row in waiting[:ROWS] if row.target})}
    documents = []
    for row in waiting[:ROWS]:
        target = targets.get(row.target)
        documents.append(_row(view, caller, row, ("item.approve",)) | {
            "subject": row.subject or None, "target": row.target.hex() or None,
            "target_title": target.title if target is not None else None,
        })  # fmt: skip
    return _list("approve", "待审签", len(waiting), documents)


def _proposals(reader: Reader, view: View, caller: Caller) -> Document:
    """What the software proposes: 催办, 督办单 … (a person decides)."""
    rows: list[Document] = []
    if may(caller, "todo.list") and scope.limits(reader, caller) is None:
        listed = proposals.QUESTIONS["todo.list"](reader, view, {})
        assert isinstance(listed, list)  # noqa: S101 - what this question makes
        rows = listed
    shown = []
    for row in rows[:ROWS]:
        verb = next((one for one in ("todo.carry" if row["carried_by"] else "", "todo.done") if may(caller, one)),
                    "item.show")  # fmt: skip
        shown.append(row | {"verb": verb, "verb_label": VERB_LABELS[verb]})
    return _list("proposals", "提醒与建议", len(rows), shown)


def _news(reader: Reader, view: View, caller: Caller, args: Mapping[str, object]) -> Document:
    """Items that changed since the caller last said to have read."""
    read = {row.notice: row.at_ms for row in reader.rows(ReadNotice, name=caller.name)} if caller.name else {}
    given = args.get("since_ms")
    since_ms = given if isinstance(given, int) and not isinstance(given, bool) else 0
    since_ms = since_ms or read.get(ALL_READ, view.now_ms - _NEWS_MS)
    query = narrowed(reader, view, BoardQuery(subject="-", sort="updated_ms", descending=True, limit=ROWS * 10))
    rows = reader.board_query(query) if query is not None else []
    fresh = [row for row in rows if row.updated_ms > max(since_ms, read.get(row.item_id.hex(), 0))]
    shown = [_row(view, caller, row, ("item.show",)) for row in fresh[:ROWS]]
    return _list("news", "未读动态", len(fresh), shown) | {
        "since": moment(since_ms), "more": bool(rows) and len(fresh) == ROWS * 10,
    }  # fmt: skip


QUESTIONS: Mapping[str, Question] = {"workbench": workbench}
