"""A ledger 台账 written as xlsx, and read back after people have edited it.

Every cell is text, so nothing is ever a formula. A hidden first column carries for each row which item it is, which
state of it was exported, and a short print of every cell: whoever reads the file back knows exactly which cells were
edited, however much the item, the light or the names have changed in between.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

from node.documents.workbook import ROWS_MAX, Cell, Row, read_sheet
from node.errors import InputError

MARK = "dulian-ledger-1"
CELL_CHARS_MAX = 32_000  # Excel holds 32,767
_PRINT_DIGITS = 6
_DIGEST_DIGITS = 16
# What XML cannot hold, and what Excel would not show.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # to Excel this would begin the code of a character
_SHEET_NAME_BAD = re.compile(r"[\[\]:*?/\\']")
_SHEET_NAME_CHARS_MAX = 31
_WIDTHS = {
    "title": 36, "measures": 48, "progress": 48, "schedule": 30, "remark": 30, "lead": 20, "assist": 24, "number": 20,
    "receiver": 18, "source": 16, "known": 10, "as_of": 17,
}  # fmt: skip
_FILLS = {"red": "#FFC7CE", "yellow": "#FFEB9C", "green": "#C6EFCE", "done": "#DDEBF7"}
_TAG = re.compile(rf"([0-9a-f]{{64}})\|([0-9a-f]{{{_DIGEST_DIGITS}}})\|([0-9a-f]*)")


@dataclass(frozen=True, slots=True)
class OutRow:
    """A row to write: item id and digest in hex, the light's word for the fill, the cells by key."""

    item: str
    digest: str
    light: str
    cells: Mapping[str, str]


def pages_of(first: Mapping[str, Any], next_page: Callable[[int], Mapping[str, Any]]) -> Iterator[OutRow]:
    """The rows of a ledger by and by: ``first`` is page 1 of `ledger.show`, ``next_page`` asks for a further one."""
    page, data = 1, first
    while True:
        for row in data["rows"]:
            yield OutRow(row["id"], row["digest"], row["light"], row["cells"])
        if page >= data["pages"]:
            return
        page += 1
        data = next_page(page)


@dataclass(frozen=True, slots=True)
class BackRow:
    """A row read back: ``edited`` has the cells that are no longer as they were exported, by key."""

    row: int
    item: str
    digest: str
    edited: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Back:
    """A ledger read back: whose it is, when it was exported (ms since 1970), its rows, and what cannot be read."""

    office: str
    exported_ms: int
    rows: tuple[BackRow, ...]
    errors: tuple[tuple[int, str, str], ...]  # row, column, text


def as_cell(text: str) -> str:
    """A text as a cell can hold it: one kind of line end, nothing XML refuses, cut at what Excel holds."""
    fit = _UNFIT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    fit = _ESCAPE.sub("\uff3f", fit).strip()
    return fit if len(fit) <= CELL_CHARS_MAX else fit[: CELL_CHARS_MAX - 1] + "…"


def write_book(
    target: Path, title: str, office: str, exported_ms: int, columns: Sequence[tuple[str, str]], rows: Iterable[OutRow]
) -> int:
    """Write rows one after another in constant memory; returns how many. ``columns``: (key, name) in order."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
               "strings_to_numbers": False}  # fmt: skip
    keys = [key for key, _ in columns]
    count = 0
    with xlsxwriter.Workbook(str(target), options) as book:
        book.set_properties({"title": title, "created": dt.datetime.fromtimestamp(exported_ms / 1000, dt.UTC)})
        sheet = book.add_worksheet(_SHEET_NAME_BAD.sub("", title)[:_SHEET_NAME_CHARS_MAX] or "台账")
        base = {"num_format": "@", "text_wrap": True, "valign": "top", "border": 1}
        plain = book.add_format(base)
        fills = {light: book.add_format(base | {"bg_color": colour}) for light, colour in _FILLS.items()}
        heading = book.add_format(
            {"num_format": "@", "bold": True, "border": 1, "text_wrap": True, "align": "center", "bg_color": "#DDEBF7"}
        )
        sheet.set_column(0, 0, 4, plain, {"hidden": True})
        for place, key in enumerate(keys, 1):
            sheet.set_column(place, place, _WIDTHS.get(key, 12))
        sheet.freeze_panes(1, min(3, len(keys) + 1))
        sheet.write_string(0, 0, f"{MARK}|{office}|{exported_ms}|{','.join(keys)}", heading)
        for place, (_, name) in enumerate(columns, 1):
            sheet.write_string(0, place, name, heading)
        for count, row in enumerate(rows, 1):
            texts = [as_cell(row.cells[key]) for key in keys]
            prints = "".join(_print(text) for text in texts)
            sheet.write_string(count, 0, f"{row.item}|{row.digest[:_DIGEST_DIGITS]}|{prints}", plain)
            for place, (key, text) in enumerate(zip(keys, texts, strict=True), 1):
                style = fills.get(row.light, plain) if key == "light" else plain
                if text:
                    sheet.write_string(count, place, text, style)
                else:
                    sheet.write_blank(count, place, None, style)
        sheet.autofilter(0, 0, max(count, 1), len(keys))
        sheet.set_landscape()
        sheet.repeat_rows(0)
    return count


def read_back(data: bytes, names: Mapping[str, str]) -> Back:
    """Read an exported ledger again; ``names`` has the columns' names by key. Rows may have been sorted or deleted.

    Raises:
        InputError: the file is no exported ledger, or cannot be read.
    """
    sheet = read_sheet(data, "")
    if not sheet.rows or not (found := _marked(sheet.rows[0])):
        remedy = "只收 dulian export ledger 导出的文件，隐藏的第一列不能删；新的任务清单用 dulian import"
        raise InputError("不是导出的台账", field="文件", remedy=remedy)
    place_of_mark, (office, exported_ms, keys) = found
    header = {"".join(str(cell.value).split()): place for place, cell in sheet.rows[0].cells.items()}
    places = {key: header[names[key]] for key in keys if key in names and names[key] in header}
    if len(sheet.rows) > ROWS_MAX + 1:
        raise InputError(f"数据超过{ROWS_MAX}行", field="文件", remedy="导出时加条件，分几个文件")
    rows: list[BackRow] = []
    errors: list[tuple[int, str, str]] = []
    seen: dict[str, int] = {}
    for row in sheet.rows[1:]:
        tag = row.cells.get(place_of_mark)
        match = _TAG.fullmatch(str(tag.value)) if tag is not None and tag.kind == "text" else None
        if match is None or len(match[3]) != _PRINT_DIGITS * len(keys):
            errors.append((row.number, "标识", "没有标识：新增的行不在此导入，新事项用 dulian import"))
            continue
        if seen.setdefault(match[1], row.number) != row.number:
            errors.append((row.number, "标识", f"与第{seen[match[1]]}行是同一事项"))
            continue
        edited: dict[str, str] = {}
        for key, place in places.items():
            at = keys.index(key) * _PRINT_DIGITS
            text = _text(row.cells.get(place))
            if text is None:
                errors.append((row.number, names[key], f"{row.cells[place].ref}：是公式、错误值或逻辑值，应为文字"))
            elif _print(text) != match[3][at : at + _PRINT_DIGITS]:
                edited[key] = text
        rows.append(BackRow(row.number, match[1], match[2], edited))
    return Back(office, exported_ms, tuple(rows), tuple(errors))


def _print(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_PRINT_DIGITS]


def _marked(row: Row) -> tuple[int, tuple[str, int, list[str]]] | None:
    """The place of the hidden column and what its header says; None where there is none."""
    for place, cell in row.cells.items():
        parts = str(cell.value).split("|")
        if parts[0] == MARK and len(parts) == 4 and parts[2].isdigit():
            return place, (parts[1], int(parts[2]), parts[3].split(","))
    return None


def _text(cell: Cell | None) -> str | None:
    """The text of a cell, also where Excel made a date or a number of it; None where it is neither."""
    if cell is None:
        return ""
    if cell.kind == "text":
        return as_cell(str(cell.value))
    if cell.kind == "date" and isinstance(cell.value, dt.date):
        return cell.value.isoformat()[:10]
    if cell.kind == "number" and isinstance(cell.value, int | float):
        return str(int(cell.value)) if float(cell.value).is_integer() else str(cell.value)
    return None
