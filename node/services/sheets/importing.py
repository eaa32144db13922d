"""`import`: a ledger or task list becomes registered items; an edited ledger comes back. All or none.

A row of a task list is registered as `item register` would: by the sources, lines and rules of the profile in force.
A due date that has passed is refused as there, unless it is said (``past_due``) that the ledger carries on matters
begun before the node was there: then it is a warning.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from node.clock import day_of as date_now
from node.errors import InputError
from node.items.lights import day_number
from node.records.kinds import Channel
from node.records.payload import Opening
from node.records.track import Duty, Milestone, Terms
from node.services.matters.desk import Caller, Desk
from node.services.matters.duplicates import check_new, outside_plan
from node.services.matters.issuing import Row, import_rows, number_taken
from node.services.matters.terms import agree
from node.services.office import Office
from node.services.sheets.ledger_back import compare, shown, write
from node.services.sheets.ledger_rows import COLUMNS, PERSON
from node.services.views.browse import day_text

if TYPE_CHECKING:
    from node.documents.ledger_form import LedgerRow
    from node.documents.ledger_out import Back

Document = dict[str, object]
TITLE_NAME = "事项名称"
_NOT_PAST = (
    "（规则：时限不得早于当天）。处理办法：改正时限；接续历史台账的，选“办结时限已过的也登记” --past-due"
)
_COLUMN_OF = {"--source": "事项来源", "--leader": "牵头领导", "--remark": "备注"}


class Batch(NamedTuple):
    """A file read for 立项: rows to register, their row numbers, every error and every doubt."""

    rows: list[Row]
    numbers: list[int]
    errors: list[Document]
    warnings: list[Document]


def read_ledger_rows(data: bytes, name: str, now_ms: int = 0) -> Batch:
    """Read the file ``name``; InputError where it is no ledger at all."""
    from node.documents.ledger import read_ledger  # noqa: PLC0415 - 0.25 s of imports, needed by this command only

    try:
        result = read_ledger(data, date_now(now_ms) if now_ms else None)
    except InputError as error:
        raise InputError(error.text, code=error.code, field="文件", value=name, remedy=error.remedy) from error
    return Batch(
        [_row(row) for row in result.rows], [row.row for row in result.rows],
        [{"row": e.row, "column": e.column, "text": e.text} for e in result.errors],
        [{"row": e.row, "column": e.column, "text": e.text} for e in result.warnings],
    )  # fmt: skip


def read_edited(data: bytes, name: str) -> Back:
    """Read an exported ledger that comes back; InputError where the file is none."""
    from node.documents.ledger_out import read_back  # noqa: PLC0415 - as above

    try:
        return read_back(data, COLUMNS)
    except InputError as error:
        raise InputError(error.text, code=error.code, field="文件", value=name, remedy=error.remedy) from error


def import_ledger(
    office: Office, batch: Batch, caller: Caller, *, dry_run: bool, past_due: bool = False
) -> Document:
    """Register the rows unless one is bad or ``dry_run``; the JSON document (exits 2 with errors)."""
    errors = list(batch.errors)
    rows, numbers = [], batch.numbers
    for row, at in zip(batch.rows, numbers, strict=True):
        try:
            rows.append(_as_registered(office.desk, row))
        except InputError as error:
            rows.append(row)
            remedy = f"。处理办法：{error.remedy}" if error.remedy else ""
            text = f"「{error.value}」{error.text}{remedy}" if error.value else f"{error.text}{remedy}"
            errors.append({"row": at, "column": _COLUMN_OF.get(error.field, TITLE_NAME), "text": text})
        if row.number and number_taken(office.desk, row.number):
            errors.append({"row": at, "column": "登记编号", "text": f"登记编号 {row.number} 已存在，请勿重复导入"})
    today = _today(office)
    past = [(row.due_day, at) for row, at in zip(rows, numbers, strict=True) if 0 < row.due_day < today]
    said = "，登记后即为逾期，请核对" if past_due else _NOT_PAST
    found: list[Document] = [
        {"row": at, "column": "办结时限", "text": f"办结时限 {day_text(due)} 已过{said}"} for due, at in past
    ]
    warnings = _by_row(batch.warnings + (found if past_due else []))
    errors = _by_row(errors + ([] if past_due else found))
    document: Document = {
        "items": [], "errors": errors, "warnings": warnings, "rows": len(rows), "dry_run": dry_run,
        "past_due": past_due,
    }  # fmt: skip
    if dry_run:
        document["preview"] = [_shown(row, at) for row, at in zip(batch.rows, numbers, strict=True)]
    if errors or dry_run:
        return document
    office.author.check_may_write()
    made = import_rows(office.desk, rows, caller._replace(channel=Channel.IMPORT))
    items = [{"row": at, "item": item, "number": number} for at, (item, number) in zip(numbers, made, strict=True)]
    return document | {"items": items}


def _by_row(said: list[Document]) -> list[Document]:
    """In the order of the sheet: who mends it goes through it once."""
    return sorted(said, key=lambda one: int(str(one["row"])))


def _as_registered(desk: Desk, row: Row) -> Row:
    """The row with what `item register` would make of it; InputError where it would refuse."""
    said = row.terms or Terms()
    args = {"source": row.source, "leader": said.leader, "remark": said.remark}
    if outside_plan(desk, args, row.title):
        args["line"] = "offplan"
    agreed = agree(desk, args, "REGISTER")
    terms = agreed.terms._replace(milestones=said.milestones, duties=said.duties)
    opening = Opening(row.title, source=agreed.source, terms=terms)
    terms = terms._replace(remark=f"{terms.remark}{check_new(desk, opening, {})}")
    return row._replace(source=agreed.source, terms=terms)


def import_edited(office: Office, back: Back, caller: Caller, *, apply: bool) -> Document:
    """What was edited in an exported ledger; written only with ``apply``, and only where nothing stands against it."""
    found = compare(office, back, caller._replace(channel=Channel.IMPORT))
    errors = found.errors + found.conflicts
    document: Document = {
        "differences": [shown(change) for change in found.changes], "errors": errors, "conflicts": found.conflicts,
        "rows": len(back.rows), "written": [], "applied": False,
    }  # fmt: skip
    if errors or not apply or not found.changes:
        return document
    office.author.check_may_write()
    written = write(office, found.changes, caller._replace(channel=Channel.IMPORT))
    return document | {"written": written, "applied": True}


def _shown(row: Row, at: int) -> Document:
    """A row as it would be registered, for who looks before anything is written."""
    leader = row.terms.leader if row.terms is not None else ""
    return {
        "row": at, "number": row.number or None, "title": row.title, "source": row.source or None,
        "due": day_text(row.due_day), "limit_text": row.limit_text or None, "responsible": row.responsible or None,
        "leader": leader or None, "points": len(row.points),
    }  # fmt: skip


def _today(office: Office) -> int:
    return day_number(date_now(office.world.clock.now_ms()))


def _row(row: LedgerRow) -> Row:
    steps = tuple(
        Milestone(str(place), step.title, _day(step.due)) for place, step in enumerate(row.schedule, 1)
    )  # fmt: skip
    duties = (Duty(PERSON, row.person),) if row.person else ()
    terms = Terms(remark=row.remark, leader=row.leader, milestones=steps, duties=duties)
    return Row(
        row.number, row.title, row.requirement, row.source, _day(row.due), row.points, row.responsible, row.limit_text,
        terms if terms != Terms() else None,
    )  # fmt: skip


def _day(day: date | None) -> int:
    return day_number(day) if day else 0
