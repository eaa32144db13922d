"""Make ``ledger.xlsx``, the demo's input for ``dulian import``, from ``ledger.csv`` beside it.

``ledger.csv`` is the readable source: 苏政办发〔2014〕94号 broken down into matters with the document's own wording.
In it several points or responsible parties stand in one cell, separated by ``|`` and ``;``. The section (章节), which
the import form does not have, goes into the remark. Run ``python deploy/demo/make_ledger.py`` after changing the CSV.
"""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

from node.documents.ledger import LedgerRow, read_ledger, write_ledger

HERE = Path(__file__).resolve().parent
DOCUMENT = "苏政办发〔2014〕94号"


def load_rows(path: Path = HERE / "ledger.csv") -> list[LedgerRow]:
    """Read the CSV; row numbers are those of the xlsx file, whose header is row 1."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_row(number, fields) for number, fields in enumerate(csv.DictReader(file), start=2)]


def _row(number: int, fields: dict[str, str]) -> LedgerRow:
    origin = f"{DOCUMENT} {fields['章节']}"
    return LedgerRow(
        row=number,
        number=fields["序号"],
        title=fields["事项名称"],
        requirement=fields["工作要求"],
        source=fields["事项来源"],
        due=dt.date.fromisoformat(fields["办结时限"]) if fields["办结时限"] else None,
        points=tuple(fields["分项要求"].split("|")) if fields["分项要求"] else (),
        responsible=fields["责任单位"],
        limit_text=fields["时限依据"],
        remark=f"{origin}。{fields['备注']}" if fields["备注"] else origin,
    )


def main() -> None:
    """Write the file, after reading it back."""
    rows = load_rows()
    data = write_ledger(rows)
    result = read_ledger(data)
    if result.errors or list(result.rows) != rows:
        raise SystemExit(f"the ledger does not survive: {result.errors}")
    (HERE / "ledger.xlsx").write_bytes(data)
    print(f"{len(rows)} matters, {len(data)} bytes")


if __name__ == "__main__":
    main()
