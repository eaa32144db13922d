"""对账单 as a sheet to print and to sign: one row for each run of a link; every cell is text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import xlsxwriter

from node.documents.ledger_out import as_cell

COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("as_of", "对账时点", 20), ("upper", "上级单位", 12), ("lower", "下级单位", 12), ("outcome_label", "结果", 12),
    ("logs", "日志（本）", 10), ("records", "记录（条）", 12), ("items", "事项（件）", 10),
    ("records_fetched", "收取", 8), ("records_sent", "发送", 8),
    ("repaired", "本方修复", 10), ("repaired_there", "对方修复", 10),
    ("missing", "本方缺损", 10), ("missing_there", "对方缺损", 10), ("disputed", "不符", 8),
    ("equal", "双方一致", 10), ("statement", "本方对账单（记录编号）", 30),
    ("statement_there", "对方对账单（记录编号）", 30), ("reason", "说明", 24),
)  # fmt: skip


def write_sheet(target: Path, title: str, me: str, rows: Sequence[Mapping[str, object]]) -> int:
    """Write the runs, newest first; returns how many. ``rows`` are those of `reconcile history`."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(target), options) as book:
        sheet = book.add_worksheet("对账单")
        big = book.add_format({"bold": True, "font_size": 16, "align": "center"})
        head = book.add_format({"bold": True, "border": 1, "text_wrap": True, "align": "center", "num_format": "@"})
        plain = book.add_format({"border": 1, "text_wrap": True, "valign": "top", "num_format": "@"})
        sheet.merge_range(0, 0, 0, len(COLUMNS) - 1, "", big)
        sheet.write_string(0, 0, as_cell(title), big)
        for place, (_, name, width) in enumerate(COLUMNS):
            sheet.set_column(place, place, width)
            sheet.write_string(1, place, name, head)
        for number, row in enumerate(rows, 2):
            for place, (key, _, _) in enumerate(COLUMNS):
                sheet.write_string(number, place, as_cell(_text(row, key, me)), plain)
        end = len(rows) + 3
        sheet.write_string(end, 0, "上级单位（盖章）：")
        sheet.write_string(end, 6, "下级单位（盖章）：")
        sheet.write_string(end, 12, "日期：")
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0, 1)
    return len(rows)


def _text(row: Mapping[str, object], key: str, me: str) -> str:
    if key in ("upper", "lower"):
        value = row.get(key) or me
    elif key == "equal":
        value = {True: "一致", False: "不一致"}.get(bool(row.get("equal"))) if row.get("statement") else ""
    else:
        value = row.get(key)
    return "" if value is None else str(value)
