"""A plain list written as xlsx: a heading line, text cells, nothing that could be a formula (faults.md W11)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import xlsxwriter

from node.documents.ledger_out import as_cell

_SHEET_NAME_CHARS_MAX = 31


def write_sheet(
    title: str, heads: Sequence[tuple[str, int]], rows: Iterable[Sequence[str]], above: Sequence[Sequence[str]] = ()
) -> bytes:
    """The workbook's bytes; ``heads`` are names with the width of their column in characters.

    ``above``: what the list comes to, rows before its heading with an empty one between.
    """
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target, options) as book:
        sheet = book.add_worksheet(title[:_SHEET_NAME_CHARS_MAX])
        plain = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top", "border": 1})
        heading = book.add_format(
            {"num_format": "@", "bold": True, "border": 1, "text_wrap": True, "align": "center", "bg_color": "#DDEBF7"}
        )
        for at, row in enumerate(above):
            for place, text in enumerate(row):
                sheet.write_string(at, place, as_cell(text), plain)
        first = len(above) + 1 if above else 0
        for place, (name, width) in enumerate(heads):
            sheet.set_column(place, place, width)
            sheet.write_string(first, place, name, heading)
        last = first
        for last, row in enumerate(rows, first + 1):
            for place, text in enumerate(row):
                sheet.write_string(last, place, as_cell(text), plain)
        sheet.freeze_panes(first + 1, 0)
        sheet.autofilter(first, 0, max(last, first + 1), len(heads) - 1)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(first)
    return target.getvalue()
