"""The rows of a ledger 台账: what each column says of an item, from its records (R94). Nothing is typed in anew.

最近进展 are the signed words of the office that has the item in hand; where an own item has none, those of the lead
task below it, under that office's name; so do 完成比例, 情况 and 数据截至 (`rolled`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from node.clock import day_of
from node.items.fact import Fact
from node.items.fold import APPLIED, ItemState, fold
from node.items.lifecycle import state_label
from node.items.lights import Light, day_number
from node.records.kinds import Kind
from node.records.payload import Act, Opening
from node.records.track import Terms
from node.rules import words
from node.rules.values import Ledger
from node.services.board.project import read_facts
from node.services.matters.rulebook import Rulebook
from node.services.views.browse import View, day_text, light_of, moment, provisional
from node.services.views.known import facts_at, known_at, rows_at
from node.services.views.rolled import TASKS_MAX, as_of_ms, known_with, percent_of, speaks_for_tasks, tasks_under
from node.services.views.truth_rows import known_of
from node.storage.port import BoardRow, Reader

COLUMNS: Mapping[str, str] = words.LEDGER_COLUMNS | {
    "receiver": "承办单位", "percent": "完成比例", "progress": "最近进展", "extension": "延期", "known": "情况",
    "as_of": "数据截至",
}  # fmt: skip
# Every ledger has these, whichever its profile names first.
_ALWAYS = (
    "number", "title", "source", "receiver", "lead", "assist", "schedule", "measures", "person", "state", "light",
    "due", "percent", "progress", "slip", "extension", "known", "as_of",
)  # fmt: skip
LIGHT_NAMES: Mapping[Light, str] = {
    "green": "绿（正常）", "yellow": "黄（临期）", "red": "红（逾期）", "done": "办结", "none": "无时限",
}  # fmt: skip
_EXTENSIONS = {"requested": "已申请", "granted": "已延期", "denied": "未同意", "noted": "已说明"}
_WORDS = frozenset({Kind.PROGRESS, Kind.FINAL})
PROVISIONAL_MARK = "（暂定）"
PERSON = "person"  # the level of a duty that names who does the work 责任人


class LedgerLine(NamedTuple):
    """One item in a ledger: its board row, its light today, and the text of every column by key."""

    row: BoardRow
    light: Light
    cells: dict[str, str]


class _Item(NamedTuple):
    row: BoardRow
    state: ItemState
    facts: Sequence[Fact]
    children: Sequence[BoardRow]


def columns_of(ledger: Ledger) -> tuple[str, ...]:
    """The columns of a ledger, in order: those of its definition, then what none may lack."""
    return tuple(dict.fromkeys([*ledger.columns, *_ALWAYS]))


def lines_of(reader: Reader, view: View, rows: Sequence[BoardRow], *, until_ms: int = 0) -> list[LedgerLine]:
    """The ledger lines of these items, in their order; a few reads for all of them together.

    ``until_ms``: only from what this node had received by then (rows and view are that moment's); 0 = now.
    """
    ids = [row.item_id for row in rows]
    as_then = partial(rows_at, reader, t_ms=until_ms) if until_ms else None
    below = tasks_under(reader, ids, TASKS_MAX, as_then)
    sources = _Sources(reader, view)
    leads = {item: next((c for c in found if c.role != "assist"), found[0]) for item, found in below.items()}
    facts = read_facts(reader, [*ids, *(child.item_id for child in leads.values())])
    if until_ms:
        facts = {item: facts_at(found, until_ms) for item, found in facts.items()}
        known = {row.item_id: known_at(view, row) for row in rows}
    else:
        tasks = [task for row in rows for task in below.get(row.item_id, ())]
        found_known = known_of(reader, view, [*rows, *tasks])
        known = {
            row.item_id: known_with(
                row, below.get(row.item_id, ()) if speaks_for_tasks(row, view.office) else (), found_known, view.name_of
            ).label
            for row in rows
        }
    lines = []
    for row in rows:
        found = facts.get(row.item_id, [])
        item = _Item(row, fold(row.item_id, found), found, below.get(row.item_id, []))
        lead = leads.get(row.item_id)
        said = _last_words(item.state, found)
        if not said and lead is not None:
            theirs = facts.get(lead.item_id, [])
            said = _last_words(fold(lead.item_id, theirs), theirs)
            said = f"{view.name_of(lead.receiver)}：{said}" if said else ""
        light = light_of(view, row)
        cells = _cells(view, item, light) | {
            "source": sources.label(row), "progress": said, "known": known[row.item_id],
        }  # fmt: skip
        if item.children and speaks_for_tasks(row, view.office):
            cells |= _of_tasks(view, row, below)
        lines.append(LedgerLine(row, light, cells))
    return lines


def _cells(view: View, item: _Item, light: Light) -> dict[str, str]:
    row, state = item.row, item.state
    opening = state.opening or Opening("")
    terms = opening.terms or Terms()
    lead, assist = _units(view, item, opening)
    label = state_label(row.state, successor=bool(row.successor))
    if row.state == "assigned" and row.kind == "assignment" and not view.delivered(row):
        label = "待转送"
    assigned = min((child.opened_day for child in item.children), default=0)
    return {
        "number": row.number, "title": row.title, "basis": opening.rule or opening.limit_text,
        "assigned": day_text(row.opened_day if row.kind == "assignment" else assigned) or "",
        "due": (day_text(row.due_day) or "") + PROVISIONAL_MARK * provisional(row),
        "lead": lead, "assist": assist, "schedule": _schedule(state),
        "measures": _measures(state, item.facts, opening), "person": _person(state),
        "leader": row.leader, "state": label, "light": LIGHT_NAMES[light],
        "slip": words.COLOURS.get(row.colour, row.colour), "remark": terms.remark,
        "receiver": row.unit or view.name_of(row.receiver), "percent": f"{row.percent}%",
        "extension": _EXTENSIONS.get(row.extension, row.extension),
        "as_of": _minute(view.as_of_ms(row.receiver)),
    }  # fmt: skip


def _of_tasks(view: View, row: BoardRow, below: Mapping[bytes, Sequence[BoardRow]]) -> dict[str, str]:
    """What an item shows that its own office has not reported on."""
    return {"percent": f"{percent_of(row, below)}%", "as_of": _minute(as_of_ms(view, row, below))}


def _minute(at_ms: int) -> str:
    return (moment(at_ms) or "")[:16].replace("T", " ")


class _Sources:
    """来源 as people call it: the label in this office's profile, else in its issuer's; else what was written."""

    def __init__(self, reader: Reader, view: View) -> None:
        self._rulebook = Rulebook(reader, view.office)
        self._today = day_number(day_of(view.now_ms))
        self._office = view.office
        self._known: dict[tuple[str, str], str] = {}

    def label(self, row: BoardRow) -> str:
        """The label of an item's source."""
        key = (row.issuer, row.source)
        if row.source and key not in self._known:
            offices = dict.fromkeys([self._office, row.issuer])
            found = (self._rulebook.profile(self._today, office).source_of(row.source) for office in offices)
            self._known[key] = next((one.label for one in found if one is not None), row.source)
        return self._known.get(key, "")


def _units(view: View, item: _Item, opening: Opening) -> tuple[str, str]:
    """牵头部门, 配合部门: of the tasks below; else of the task itself; else as the document names them."""
    from node.documents.units import read_units  # noqa: PLC0415 - documents beside, pure text

    row = item.row
    if item.children:
        pairs = [(view.name_of(child.receiver), child.role) for child in item.children]
    elif row.kind == "assignment":
        pairs = [(view.name_of(row.receiver), row.role)]
        if row.role == "assist" and opening.lead:
            pairs.append((view.name_of(opening.lead), "lead"))
    else:
        pairs = [(unit.name, unit.role) for unit in read_units(opening.responsible)]
        if not pairs and row.unit:
            pairs = [(row.unit, "sole")]
    lead = _joined(name for name, role in pairs if role != "assist")
    return lead, _joined(name for name, role in pairs if role == "assist")


def _joined(names: Iterable[str]) -> str:
    return "、".join(dict.fromkeys(names))


def _schedule(state: ItemState) -> str:
    lines = []
    for step in state.tracks.milestones:
        done = f"（{day_text(step.done_day)}完成）" if step.done_day else ""
        title = step.title or step.key
        day = day_text(step.due_day) or ""
        lines.append(f"{day} {title}{done}".strip())
    return "\n".join(lines)


def _measures(state: ItemState, facts: Sequence[Fact], opening: Opening) -> str:
    plan = next((fact for fact in facts if fact.record_id == state.tracks.plan), None) if state.tracks.plan else None
    if plan is not None and isinstance(plan.payload, Act) and plan.payload.text:
        return plan.payload.text
    return opening.text


def _person(state: ItemState) -> str:
    """责任人: who has it in hand inside the office, else who stands for it by name."""
    named = [handler.person for handler in state.tracks.handlers if handler.person]
    if not named:
        named = [duty.name for duty in state.tracks.duties if duty.level == PERSON]
    return _joined(named or [duty.name for duty in state.tracks.duties])


def _last_words(state: ItemState, facts: Sequence[Fact]) -> str:
    """What the receiver said last of its work."""
    said = [
        fact for fact in facts
        if fact.kind in _WORDS and isinstance(fact.payload, Act) and fact.payload.text
        and state.effects.get(fact.record_id) == APPLIED
    ]  # fmt: skip
    newest = max(said, key=lambda fact: (fact.claimed_ms, fact.epoch, fact.seq), default=None)
    return newest.payload.text if newest is not None and isinstance(newest.payload, Act) else ""
