"""An edited ledger comes back: which cells differ, which record each would make, and writing them, all or none.

Rules: only what is this office's to say can be changed: 最近进展 and 完成比例 (a 进展 of its own), 责任人 (内部交办),
办结时限 where it is the issuer (变更). An item changed since the export is a conflict, its newer records named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from node.errors import DulianError, InputError
from node.items import guards
from node.items.fold import ItemState
from node.records.kinds import Kind, label_of
from node.records.limits import NAME_CHARS_MAX
from node.records.payload import Act, check_line, check_text
from node.services import acting
from node.services.browse import moment
from node.services.desk import Caller, act, current, parse_day
from node.services.ledger_rows import COLUMNS, LedgerLine, lines_of
from node.services.project import read_facts

if TYPE_CHECKING:
    from node.documents.ledger_out import Back, BackRow
    from node.services.office import Office

Document = dict[str, object]
_KINDS = {"progress": Kind.PROGRESS, "percent": Kind.PROGRESS, "person": Kind.HANDLE, "due": Kind.CHANGE}
_PERCENT = re.compile(r"(\d{1,3})(?:\.0+)?\s*[%％]?")
_SHOWN_MAX = 5
_CHUNK = 200


class Change(NamedTuple):
    """One edited cell and the record it asks for."""

    row: int
    line: LedgerLine
    key: str
    new: str
    kind: Kind


class Differences(NamedTuple):
    """All edited cells, and what stands against writing them."""

    changes: list[Change]
    errors: list[Document]
    conflicts: list[Document]


def compare(office: Office, back: Back) -> Differences:
    """What was edited since the export, against the items as they are now."""
    differences = Differences([], [_error(*one) for one in back.errors], [])
    if back.office != office.identity.code:
        differences.errors.append(_error(1, "标识", f"这是 {back.office} 的台账，不是本单位 {office.identity.code} 的"))
        return differences
    edited = [row for row in back.rows if row.edited]
    view = office.view()
    for start in range(0, len(edited), _CHUNK):
        chunk = edited[start : start + _CHUNK]
        rows = office.store.board([bytes.fromhex(row.item) for row in chunk])
        lines = {line.row.item_id.hex(): line for line in lines_of(office.store, view, rows)}
        for row in chunk:
            line = lines.get(row.item)
            if line is None:
                differences.errors.append(_error(row.row, "标识", "本机没有这个事项"))
            else:
                _compare_row(office, back, row, line, differences)
    return differences


def _compare_row(office: Office, back: Back, row: BackRow, line: LedgerLine, into: Differences) -> None:
    found = []
    for key, new in row.edited.items():
        if line.cells[key].strip() == new:
            continue  # somebody has written the same in the meantime
        if key not in _KINDS:
            into.errors.append(_error(row.row, COLUMNS[key], "这一列不在台账里改；用 dulian item 的命令办理"))
            continue
        found.append(Change(row.row, line, key, new, _KINDS[key]))
    if not found:
        return
    if not line.row.digest.hex().startswith(row.digest):
        into.conflicts.append(_conflict(office, back, row, line))
    state = current(office.desk, row.item)
    for change in found:
        try:
            _check(office, state, change)
        except DulianError as error:
            into.errors.append(_error(row.row, COLUMNS[change.key], str(error)))
    into.changes.extend(found)


def _check(office: Office, state: ItemState, change: Change) -> None:
    """Refuse what the office may not write, or not now, before anything is written."""
    guards.check_act(state, change.kind, office.identity.code)
    if change.key == "due":
        due_day = parse_day(change.new or None, "办结时限")
        guards.check_text(change.new, "办结时限")
        above = office.store.board([state.parent]) if state.parent else []
        guards.check_due(due_day, above[0].due_day if above else 0)
    elif change.key == "percent":
        _percent(change.new)
    elif change.key == "person":
        guards.check_text(check_line(change.new, "责任人", NAME_CHARS_MAX), "责任人")
    else:
        guards.check_text(check_text(change.new, "最近进展"), "最近进展")


def _percent(text: str) -> int:
    match = _PERCENT.fullmatch(text)
    if match is None or int(match[1]) > 100:
        raise InputError("不是0至100的百分数", field="完成比例", value=text, remedy="写成 60%")
    return int(match[1])


def write(office: Office, changes: Sequence[Change], caller: Caller) -> list[Document]:
    """Write the records of all changes; a refusal undoes them all (the caller's transaction)."""
    written: list[Document] = []
    by_item: dict[bytes, dict[str, Change]] = {}
    for change in changes:
        by_item.setdefault(change.line.row.item_id, {})[change.key] = change
    for item_id, found in by_item.items():
        word = item_id.hex()
        if said := found.get("progress") or found.get("percent"):
            old = said.line.cells["percent"]
            percent = _percent(found["percent"].new) if "percent" in found else None
            text = said.new if said.key == "progress" else f"完成比例由{old}改为{percent}%"
            args = {"item": word, "text": text, "percent": percent}
            written.append(_done(said, acting.report(office.desk, args, caller)["record"]))
        if person := found.get("person"):
            unit = person.line.row.unit.partition("、")[0]
            written.append(_act(office, person, Act(person=person.new, unit=unit), caller))
        if due := found.get("due"):
            old, day = due.line.cells["due"] or "未定", parse_day(due.new, "办结时限")
            written.append(_act(office, due, Act(text=f"办结时限由{old}改为{due.new}", due_day=day), caller))
    return written


def _act(office: Office, change: Change, payload: Act, caller: Caller) -> Document:
    state = current(office.desk, change.line.row.item_id.hex())
    guards.check_act(state, change.kind, office.identity.code)
    record = act(office.desk, state, change.kind, payload, guards.answers(state, change.kind), caller)
    return _done(change, record.record_id.hex())


def _done(change: Change, record: object) -> Document:
    return {
        "row": change.row, "number": change.line.row.number, "record": record, "kind": int(change.kind),
        "kind_label": label_of(change.kind),
    }  # fmt: skip


def shown(change: Change) -> Document:
    """A difference as the person sees it before anything is written."""
    return {
        "row": change.row, "column": COLUMNS[change.key], "number": change.line.row.number,
        "title": change.line.row.title, "old": change.line.cells[change.key], "new": change.new,
        "kind": int(change.kind), "kind_label": label_of(change.kind),
    }  # fmt: skip


def _conflict(office: Office, back: Back, row: BackRow, line: LedgerLine) -> Document:
    """Name the records that came after the export."""
    facts = read_facts(office.store, [line.row.item_id]).get(line.row.item_id, [])
    newer = [fact for fact in facts if fact.received_ms > back.exported_ms]
    newer.sort(key=lambda fact: fact.received_ms)
    told = [(label_of(fact.kind), office.name_of(fact.author), moment(fact.received_ms) or "") for fact in newer]
    named = "、".join(f"{what}（{who}，{when[:16].replace('T', ' ')}）" for what, who, when in told[:_SHOWN_MAX])
    more = f" 等{len(newer)}条" if len(newer) > _SHOWN_MAX else ""
    return {
        "row": row.row, "column": "标识", "number": line.row.number,
        "records": [fact.record_id.hex() for fact in newer],
        "text": f"导出后已有新记录：{named or '内容已变'}{more}；请重新导出后再改",
    }  # fmt: skip


def _error(row: int, column: str, text: str) -> Document:
    return {"row": row, "column": column, "text": text}
