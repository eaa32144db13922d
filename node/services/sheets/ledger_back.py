"""An edited ledger comes back: which cells differ, which record each would make, and writing them, all or none.

Rules of this file:

1. What can be changed: 最近进展 and 完成比例 (a 进展), 责任人 (内部交办), 办结时限 (变更). Each is carried out as the
   command a person would use, with that person's rights: a spreadsheet can do nothing that the command refuses.
2. The preview tries the same commands one after another (`ledger_trial`): row, column and rule of each refusal.
3. An item changed since the export is a conflict, its newer records named. Cells that say the same in other words
   (another form of a date, 来源 as label or id, without 暂定) do not differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from node.documents.tasklist import read_limit
from node.errors import DulianError, InputError
from node.items.lights import day_number
from node.records.kinds import Kind, label_of
from node.records.limits import NAME_CHARS_MAX
from node.records.payload import check_line
from node.services.board.project import read_facts
from node.services.commands import carry_out
from node.services.matters.chains import profile_of
from node.services.matters.desk import Caller
from node.services.matters.ground import check_person
from node.services.sheets.ledger_rows import COLUMNS, PROVISIONAL_MARK, LedgerLine, lines_of
from node.services.sheets.ledger_trial import Trial
from node.services.views.browse import day_text, moment
from node.storage.port import User

if TYPE_CHECKING:
    from node.documents.ledger_out import Back, BackRow
    from node.services.office import Office

Document = dict[str, object]
_KINDS = {"progress": Kind.PROGRESS, "percent": Kind.PROGRESS, "person": Kind.HANDLE, "due": Kind.CHANGE}
_PERCENT = re.compile(r"(\d{1,3})(?:\.0+)?\s*[%％]?")
_PROVISIONAL = re.compile(r"\s*[(（]暂定[)）]$")
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


class _Order(NamedTuple):
    """A command that an edited cell stands for."""

    change: Change
    verb: str
    args: Mapping[str, object]


def compare(office: Office, back: Back, caller: Caller) -> Differences:
    """What was edited since the export, against the items as they are now and what this caller may do to them."""
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
    trial = Trial(office)
    for order in _orders(office, differences.changes, differences.errors):
        refused = trial.refusal(order.verb, order.args, caller)
        if refused is not None:
            differences.errors.append(_refused(order.change, refused))
    differences.errors.sort(key=lambda one: int(str(one["row"])))
    return differences


def _compare_row(office: Office, back: Back, row: BackRow, line: LedgerLine, into: Differences) -> None:
    found = []
    for key, new in row.edited.items():
        if _same(office, line, key, new):
            continue  # in other words, or somebody has written the same in the meantime
        if key not in _KINDS:
            into.errors.append(_error(row.row, COLUMNS[key], "这一列不在台账里改；用 dulian item 的命令办理"))
            continue
        found.append(Change(row.row, line, key, new, _KINDS[key]))
    if not found:
        return
    if not line.row.digest.hex().startswith(row.digest):
        into.conflicts.append(_conflict(office, back, row, line))
    into.changes.extend(found)


def _same(office: Office, line: LedgerLine, key: str, new: str) -> bool:
    """Whether a cell says what the item says."""
    old = line.cells[key].strip()
    if old == new:
        return True
    if key == "due":
        return bool(new) and _plain_day(new) == _plain_day(old)
    if key == "source":
        known = profile_of(office.desk).source_of(new)
        return new == line.row.source or (known is not None and old in (known.id, known.label))
    return False


def _plain_day(text: str) -> int | None:
    """A date written in any usual way, 暂定 or not, as days since 1970-01-01; None where it is none."""
    try:
        limit = read_limit(_PROVISIONAL.sub("", text), 0)
    except ValueError:
        return None
    return day_number(limit.day) if limit is not None and limit.day is not None and not limit.worded else None


def _orders(office: Office, changes: Sequence[Change], errors: list[Document]) -> list[_Order]:
    """The commands of the edited cells, in an order in which they do not stand in each other's way.

    Of each item 责任人, then 进展; after all of them the dates: later ones from above down, earlier ones from below up.
    Cells that cannot be understood are added to ``errors``.
    """
    by_item: dict[bytes, dict[str, Change]] = {}
    for change in changes:
        by_item.setdefault(change.line.row.item_id, {})[change.key] = change
    orders: list[_Order] = []
    dates: list[tuple[int, _Order]] = []
    for found in by_item.values():
        for key, order_of in (("person", _handle), ("progress", _report), ("due", _change)):
            if key not in found and not (key == "progress" and "percent" in found):
                continue
            try:
                order = order_of(office, found)
            except DulianError as error:
                at = "percent" if key == "progress" and "percent" in found else key
                errors.append(_refused(found[at], error))
                continue
            if key == "due":
                later = (_plain_day(found[key].new) or 0) > found[key].line.row.due_day
                depth = _depth(found[key].line.row.parent, by_item)
                dates.append((depth if later else -depth, order))
            else:
                orders.append(order)
    return orders + [order for _, order in sorted(dates, key=lambda one: one[0])]


def _depth(parent: bytes, among: Mapping[bytes, Mapping[str, Change]]) -> int:
    """How many items above this one are edited too."""
    depth, seen = 0, {b""}
    while parent in among and parent not in seen:
        seen.add(parent)
        depth += 1
        parent = next(iter(among[parent].values())).line.row.parent
    return depth


def _handle(office: Office, found: Mapping[str, Change]) -> _Order:
    """内部交办 to the one person who is new in the cell, in that person's unit.

    Every unit that has the item in hand has one person: where the cell would not say afterwards what was written into
    it, it is refused.
    """
    change = found["person"]
    held = {one.unit: one.person for one in office.projector.state_of(change.line.row.item_id).tracks.handlers}
    names = [check_line(one.strip(), "责任人", NAME_CHARS_MAX) for one in re.split("[、,，;；\n]", change.new)]
    new = [name for name in names if name and name not in held.values()]
    if len(new) != 1:
        what = "有几个新的责任人，一次只改一个" if new else "责任人不能清空或减少"
        raise InputError(f"{what}（规则：内部交办交一个机构的一个人）", remedy="在事项上办理：dulian item handle")
    name, unit = new[0], _unit_of(office, new[0], list(held))
    will = {one for one in (held | {unit: name}).values() if one}
    if will != set(names):
        raise InputError(
            f"{name} 属{unit}，写入后责任人将是 {'、'.join(sorted(will))}（规则：承办的机构各有一个责任人）",
            remedy="把其他机构的责任人也写上，或在事项上办理：dulian item handle",
        )  # fmt: skip
    return _Order(change, "item.handle", {"item": _item(change), "unit": unit, "person": name})


def _unit_of(office: Office, name: str, held: Sequence[str]) -> str:
    """The unit of the account; where there are no accounts, the one that has the item in hand."""
    check_person(office.desk, name, "")
    user = office.store.get(User, name)
    if user is None and any(one.active for one in office.store.rows(User)):
        raise InputError(
            f"{name} 没有账号，不知道属哪个机构（规则：写回的责任人须有在用的账号）",
            remedy=f"写在用的账号，见 dulian user list；不用系统的人：dulian item handle --unit 机构 --person {name}",
        )  # fmt: skip
    unit = user.unit if user is not None and user.unit else held[0] if len(held) == 1 else ""
    if not unit:
        remedy = f"先写明：dulian user change {name} --unit 机构，或 dulian item handle --unit 机构 --person {name}"
        raise InputError(f"不知道 {name} 属哪个内设机构（规则：内部交办须写明机构）", remedy=remedy)
    return unit


def _report(_office: Office, found: Mapping[str, Change]) -> _Order:
    change = found.get("progress") or found["percent"]
    percent = _percent(found["percent"].new) if "percent" in found else None
    text = change.new if change.key == "progress" else f"完成比例由{change.line.cells['percent']}改为{percent}%"
    return _Order(change, "item.report", {"item": _item(change), "text": text, "percent": percent})


def _change(_office: Office, found: Mapping[str, Change]) -> _Order:
    change = found["due"]
    day = _plain_day(change.new)
    if day is None:
        raise InputError("不是写全年月日的日期", value=change.new, remedy="写成 2026-12-31 或 2026年12月31日")
    due, old = day_text(day) or "", change.line.cells["due"].removesuffix(PROVISIONAL_MARK) or "未定"
    reason = f"办结时限由{old}改为{due}"
    return _Order(change, "item.change", {"item": _item(change), "due": due, "reason": reason})


def _item(change: Change) -> str:
    return change.line.row.item_id.hex()


def _percent(text: str) -> int:
    match = _PERCENT.fullmatch(text)
    if match is None or int(match[1]) > 100:
        raise InputError("不是0至100的百分数", value=text, remedy="写成 60%")
    return int(match[1])


def write(office: Office, changes: Sequence[Change], caller: Caller) -> list[Document]:
    """Carry out the commands of all changes; a refusal undoes them all (the caller's transaction)."""
    unread: list[Document] = []
    written: list[Document] = []
    for change, verb, args in _orders(office, changes, unread):
        answer = carry_out(office, verb, args, caller)
        assert isinstance(answer, dict)  # noqa: S101 - what these commands answer with
        written.append({
            "row": change.row, "number": change.line.row.number, "record": answer["record"], "kind": int(change.kind),
            "kind_label": label_of(change.kind),
        })  # fmt: skip
    assert not unread  # noqa: S101 - `compare` has read the same cells
    return sorted(written, key=lambda one: int(str(one["row"])))


def _refused(change: Change, error: DulianError) -> Document:
    """Row, column and what the command says, without the option it would be at."""
    remedy = f"。处理办法：{error.remedy}" if error.remedy else ""
    return _error(change.row, COLUMNS[change.key], f"不能写{label_of(change.kind)}：{error.text}{remedy}")


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
