"""`import`: a ledger in xlsx form becomes registered items, all or none.

A due date that has passed is a warning, not an error: ledgers carry on matters begun before the node was there.
"""

from __future__ import annotations

from node.errors import InputError
from node.items.lights import day_of
from node.records.kinds import Channel
from node.services.browse import day_text
from node.services.desk import Caller
from node.services.issuing import Row, import_rows, ledger_rows, number_taken
from node.services.office import Office

Document = dict[str, object]


def read_ledger_rows(data: bytes, name: str) -> tuple[list[Row], list[int], list[Document]]:
    """Read the file ``name``: rows, their row numbers, and every error. InputError where it is no ledger at all."""
    from node.documents.ledger import read_ledger  # noqa: PLC0415 - 0.25 s of imports, needed by this command only

    try:
        result = read_ledger(data)
    except InputError as error:
        raise InputError(error.text, field="文件", value=name, remedy=error.remedy) from error
    errors: list[Document] = [{"row": e.row, "column": e.column, "text": e.text} for e in result.errors]
    return ledger_rows(result.rows), [row.row for row in result.rows], errors


def import_ledger(
    office: Office, rows: list[Row], numbers: list[int], errors: list[Document], caller: Caller, *, dry_run: bool
) -> Document:
    """Register the rows unless one is bad or ``dry_run``; the JSON document (exits 2 with errors)."""
    errors = list(errors)
    for row, at in zip(rows, numbers, strict=True):
        if row.number and number_taken(office.desk, row.number):
            errors.append({"row": at, "column": "序号", "text": f"登记编号 {row.number} 已存在，请勿重复导入"})
    today = day_of(office.world.clock.now_ms())
    warnings: list[Document] = [
        {"row": at, "column": "办结时限", "text": f"办结时限 {day_text(row.due_day)} 已过，登记后即为逾期，请核对"}
        for row, at in zip(rows, numbers, strict=True) if 0 < row.due_day < today
    ]  # fmt: skip
    document: Document = {
        "items": [], "errors": errors, "warnings": warnings, "rows": len(rows), "dry_run": dry_run,
    }  # fmt: skip
    if errors or dry_run:
        return document
    office.author.check_may_write()
    made = import_rows(office.desk, rows, caller._replace(channel=Channel.IMPORT))
    items = [{"row": at, "item": item, "number": number} for at, (item, number) in zip(numbers, made, strict=True)]
    return document | {"items": items}
