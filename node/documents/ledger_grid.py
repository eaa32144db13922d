"""The table inside a task list: titles above it, a header of one or two rows, merged cells, headings and notes between.

Rules: a cell merged over several rows counts for each of them; one merged along a row counts for its first column;
what is no row of the table (a heading, a repeated header, a note at the end) is left out and said so.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from node.documents.ledger_form import BY_NAME, COLUMNS, TITLE, Column
from node.documents.tasklist import without_ordinal
from node.documents.text import hidden_character, quoted
from node.documents.workbook import ROWS_MAX, Cell, MergedRange, Sheet
from node.errors import InputError

HEADER_ROWS_MAX = 10
RESPONSIBLE = BY_NAME["责任单位"]
_FILLS_MAX = 1_000_000
_EXPORTED = "dulian-ledger"  # how the hidden column of an exported ledger begins
_COUNT = "[一二三四五六七八九十百]{1,6}"
_HEADING = re.compile(rf"(?:{_COUNT}[、.．]|[(（]{_COUNT}[)）]|第{_COUNT}[章节类部])")
_NOTE = re.compile(r"(?:注|备注|说明|填报|填表|制表|审核|联系人|联系电话|报送|单位负责人|审签)")
_YEAR = re.compile(r"(20\d\d)\s*年")


class Notes(Protocol):
    """Where what is wrong or doubtful is noted."""

    def add(self, row: int, column: str, text: str) -> None:
        """Something is wrong."""

    def doubt(self, row: int, column: str, text: str) -> None:
        """Something is to be looked at again."""


@dataclass(slots=True)
class Line:
    """A row of the table; ``spans`` has, for cells that came down from above or go on below, their place and count."""

    number: int
    cells: dict[int, Cell]
    section: str = ""
    spans: dict[int, int] = field(default_factory=dict)

    def shared(self, place: int) -> bool:
        """Whether the cell is merged with that of other rows."""
        return place in self.spans

    def share(self, place: int) -> int:
        """Which of the rows of a merged cell this is, from 1."""
        return self.spans.get(place, 1)


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns are: row numbers, column numbers by key, header texts by column number, unknown columns, the
    year named in the titles (0 for none), whether one column holds 牵头单位 and 配合单位 one below the other.
    """

    row: int
    last_row: int
    places: dict[str, int]
    names: dict[int, str]
    others: dict[int, str]
    year: int
    both: bool = False


def lines_of(sheet: Sheet, notes: Notes) -> tuple[Header, list[Line]]:
    """The header and the rows of the table under it.

    Raises:
        InputError: no header, or more rows than a ledger may have.
    """
    rows = {row.number: Line(row.number, dict(row.cells)) for row in sheet.rows}
    _fill_down(rows, sheet.merged)
    header = _find_header(sheet, rows, notes)
    body = [line for number, line in rows.items() if number > header.last_row]
    if len(body) > ROWS_MAX:
        raise InputError(f"数据超过{ROWS_MAX}行", field="文件", remedy="拆成几个文件分别导入")
    wide = {(area.first_row, area.first_column): area for area in sheet.merged if area.last_column > area.first_column}
    section, kept = "", []
    for line in body:
        if _repeats(line, header):
            continue
        said = _alone(line, header, wide)
        if said is None:
            line.section = section
            kept.append(line)
        elif _NOTE.match(said):
            notes.doubt(line.number, "备注", f"“{quoted(said)}”是表后说明，没有导入")
        else:
            section = without_ordinal(said)
    return header, kept


def _fill_down(rows: dict[int, Line], merged: Sequence[MergedRange]) -> None:
    """Copy a cell merged over several rows into each of them."""
    numbers = sorted(rows)
    fills = 0
    for area in merged:
        first = rows.get(area.first_row)
        if area.last_row == area.first_row or first is None or area.first_column not in first.cells:
            continue
        cell = first.cells[area.first_column]
        for count, at in enumerate(range(bisect_left(numbers, area.first_row), len(numbers)), 1):
            if numbers[at] > area.last_row:
                break
            line = rows[numbers[at]]
            line.cells.setdefault(area.first_column, cell)
            line.spans[area.first_column] = count
            fills += 1
        if fills > _FILLS_MAX:
            raise InputError("合并单元格过多", field="文件", remedy="取消不必要的合并再导入")


def _header_name(cell: Cell) -> str:
    """Reduce a header cell to the name in it: marks for required columns, line breaks and spaces do not count."""
    text = str(cell.value) if cell.kind == "text" else ""
    return re.sub(r"[\s*\uff0a]+", "", text)


def _names_both(cell: Cell) -> bool:
    """Whether a header cell names the lead and the assistants in one, by a line break or a mark: 牵头单位⏎配合单位."""
    parts = re.split(r"[\n、/／及和]+", str(cell.value)) if cell.kind == "text" else []
    names = [name for part in parts if (name := re.sub(r"[\s*\uff0a]+", "", part))]
    return [BY_NAME[name].key for name in names if name in BY_NAME] == ["lead", "assist"] and len(names) == 2


def _column(cell: Cell) -> Column | None:
    """The column a header cell names."""
    return RESPONSIBLE if _names_both(cell) else BY_NAME.get(_header_name(cell))


def _known(line: Line) -> set[str]:
    return {column.key for cell in line.cells.values() if (column := _column(cell)) is not None}


def _find_header(sheet: Sheet, rows: dict[int, Line], notes: Notes) -> Header:
    """Find the header: the row with the required column and most known ones, with a second row of names below it."""
    candidates = [line for number, line in rows.items() if number <= HEADER_ROWS_MAX]
    known = {line.number: _known(line) for line in candidates}
    best = max(candidates, key=lambda r: ("title" in known[r.number], len(known[r.number]), -r.number), default=None)
    if best is None or not known[best.number]:
        names = "、".join(column.name for column in COLUMNS)
        remedy = f"表头应有“事项名称”，可有的列：{names}"
        raise InputError(f"工作表“{quoted(sheet.name)}”前{HEADER_ROWS_MAX}行内没有表头", field="文件", remedy=remedy)
    if any(str(cell.value).startswith(_EXPORTED) for cell in best.cells.values()):
        remedy = "改过的台账用 dulian import ledger 导入"
        raise InputError("这是导出的台账", code="exported", field="文件", remedy=remedy)
    cells, last_row = dict(best.cells), best.number
    below = rows.get(best.number + 1)
    own = {place: cell for place, cell in below.cells.items() if place not in below.spans} if below else {}
    titled = {place for place, cell in cells.items() if BY_NAME.get(_header_name(cell)) is TITLE}
    if below is not None and own and not titled & own.keys() and all(
        _column(cell) is not None for cell in own.values()
    ):
        cells |= own
        last_row = below.number
    for area in sheet.merged:
        if area.first_row <= best.number <= area.last_row and area.last_row - area.first_row < HEADER_ROWS_MAX:
            last_row = max(last_row, area.last_row)
    above = [str(cell.value) for number, line in rows.items() if number < best.number for cell in line.cells.values()]
    years = [int(found[1]) for text in above if (found := _YEAR.search(text))]
    return _places(best.number, last_row, cells, years[0] if years else 0, notes)


def _places(row: int, last_row: int, cells: dict[int, Cell], year: int, notes: Notes) -> Header:
    places: dict[str, int] = {}
    names: dict[int, str] = {}
    others: dict[int, str] = {}
    both = False
    for place, cell in sorted(cells.items()):
        name = _header_name(cell)
        names[place] = quoted(name) or cell.ref
        column = _column(cell)
        both = both or _names_both(cell)
        if column is None:
            if not name or hidden_character(name, multiline=False):
                notes.add(row, names[place], f"{cell.ref}：不认识的列；可用的列见导入说明，不需要的列请删除")
            else:
                others[place] = names[place]
                notes.doubt(row, names[place], f"{cell.ref}：不认识的列，内容并入备注")
        elif column.key in places:
            text = f"{cell.ref}：与“{names[places[column.key]]}”列重复（都表示{column.name}），只能留一列"
            notes.add(row, names[place], text)
        else:
            places[column.key] = place
    if "title" not in places:
        notes.add(row, TITLE.name, "缺少必填列“事项名称”")
    return Header(row, last_row, places, names, others, year, both)


def _repeats(line: Line, header: Header) -> bool:
    """Whether a row is the header once more, as on every printed page."""
    found = [_column(cell) for place, cell in line.cells.items() if place in header.names]
    return len(found) > 1 and None not in found


def _alone(line: Line, header: Header, wide: dict[tuple[int, int], MergedRange]) -> str | None:
    """The text of a row that holds nothing else and is no matter: a heading or a note; None for a matter."""
    own = {place: cell for place, cell in line.cells.items() if line.spans.get(place, 1) == 1}
    if len(own) != 1 or len(header.names) < 3 or len(line.cells) != len(own):
        return None
    place, cell = next(iter(own.items()))
    if cell.kind != "text":
        return None
    text = "".join(str(cell.value).split())
    area = wide.get((line.number, place))
    if area is not None and 2 * (area.last_column - place + 1) > len(header.names):
        return text
    if place != header.places.get("title") and (_HEADING.match(text) or _NOTE.match(text)):
        return text
    return None

