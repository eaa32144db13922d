"""The beginning of an xlsx file for a look at it: the first sheets as tables of text.

Rules of this file:

1. Parts are read as streams (`node.documents.parts`) and no further than what is shown: a file of any size costs the
   same. Of the shared strings only those of shown cells are kept.
2. Formulas are neither shown nor worked out: a cell shows the value that its program had saved. Links, macros and
   pictures are not followed, run or opened.
3. Whatever is left out is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from node.documents.parts import Budget, Opened, damaged, local, opened, visible
from node.errors import InputError

SHEETS_MAX, ROWS_MAX, COLUMNS_MAX = 5, 200, 40
CELL_CHARS_MAX, CHARS_MAX = 1_000, 200_000  # of one cell, of all that is shown
_SHEETS_LISTED_MAX, _FORMATS_MAX, _GAP_ROWS_MAX = 1_000, 70_000, 1_048_576
_REF = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_PLACES = re.compile(r"[#,]*0(?:\.(0+))?(%?)(?:[_;].*)?")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # how OOXML writes what XML cannot say
_CHINESE_DATES = frozenset((*range(27, 37), *range(50, 59)))  # built-in formats of the Chinese program


@dataclass(frozen=True, slots=True)
class Row:
    """A filled row: its number as Excel shows it, and the text of each shown column."""

    number: int
    cells: tuple[str, ...]

    @property
    def heading(self) -> str:
        """The text of a row that has but one, at its beginning: it may run across all columns, as in Excel."""
        filled = [text for text in self.cells if text]
        return filled[0] if len(filled) == 1 and self.cells[0] else ""


@dataclass(frozen=True, slots=True)
class SheetView:
    """The beginning of one sheet. ``left_out``: what is not shown, as people read it."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BookView:
    """The first sheets of a file that are not hidden."""

    sheets: tuple[SheetView, ...]
    left_out: tuple[str, ...]


def read_book(data: bytes) -> BookView:
    """What a look at an xlsx file shows. InputError: not such a file, damaged, encrypted, or beyond a limit."""
    budget = Budget()
    with opened(data, "xlsx", budget) as file:
        main = file.main("xlsx")
        book = _Book()
        file.read(main, book, Budget.small())
        if not book.is_one:
            raise InputError("不是xlsx文件", field="附件", remedy="下载后用原来的程序打开")
        related = file.related(main)
        styles = _Styles()
        strings_part = next((name for kind, name in related.values() if kind.endswith("/sharedStrings")), "")
        styles_part = next((name for kind, name in related.values() if kind.endswith("/styles")), "")
        if file.has(styles_part):
            file.read(styles_part, styles, Budget.small())
        shown = [sheet for sheet in book.sheets if not sheet.hidden and sheet.relation in related]
        grids = [(sheet.name, *_grid(file, related[sheet.relation][1])) for sheet in shown[:SHEETS_MAX]]
        texts = _strings(file, strings_part, [grid for _, grid, _ in grids])
        if not grids:
            raise damaged()
        look = _Look(texts, styles, book.mac_dates)
        views = tuple(look.sheet(name, grid, whole) for name, grid, whole in grids)
        return BookView(views, tuple(_left_out(book, len(shown))))


def _left_out(book: _Book, count: int) -> list[str]:
    said = [f"只显示前{SHEETS_MAX}张工作表，另有{count - SHEETS_MAX}张未显示"] if count > SHEETS_MAX else []
    hidden = sum(sheet.hidden for sheet in book.sheets)
    return said + ([f"另有{hidden}张隐藏的工作表未显示"] if hidden else [])


def _grid(file: Opened, part: str) -> tuple[_Grid, bool]:
    grid = _Grid()
    whole = not file.has(part) or file.read(part, grid) or grid.ended
    return grid, whole and not grid.more_rows


def _strings(file: Opened, part: str, grids: list[_Grid]) -> dict[int, str]:
    wanted = {int(cell.text) for grid in grids for row in grid.rows.values() for cell in row.values()
              if cell.kind == "s" and cell.text.isdecimal() and len(cell.text) < 9}  # fmt: skip
    if not wanted or not file.has(part):
        return {}
    strings = _Strings(wanted)
    file.read(part, strings)
    return strings.found


class _Nothing:
    """A target that keeps nothing yet."""

    def __init__(self) -> None:
        self.full = False

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        """An element begins."""

    def end(self, tag: str) -> None:
        """It ends."""

    def data(self, text: str) -> None:
        """Its text."""


@dataclass(frozen=True, slots=True)
class _Listed:
    name: str
    relation: str
    hidden: bool


class _Book(_Nothing):
    """The list of sheets."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[_Listed] = []
        self.is_one = self.mac_dates = False

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        name = local(tag)
        self.is_one = self.is_one or name == "workbook"
        if name == "workbookPr":
            self.mac_dates = attrs.get("date1904") in ("1", "true")
        elif name == "sheet":
            hidden = attrs.get("state", "visible") != "visible"
            relation = next((value for key, value in attrs.items() if key.endswith("}id")), "")
            self.sheets.append(_Listed(visible(attrs.get("name", ""))[:40], relation, hidden))
            self.full = len(self.sheets) >= _SHEETS_LISTED_MAX


class _Styles(_Nothing):
    """Which number format a cell's style has."""

    def __init__(self) -> None:
        super().__init__()
        self._codes: dict[int, str] = {}
        self._formats: list[int] = []
        self._inside = False

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        name = local(tag)
        if name == "cellXfs":
            self._inside = True
        elif name == "numFmt" and len(self._codes) < _FORMATS_MAX:
            self._codes[_number(attrs.get("numFmtId", ""))] = attrs.get("formatCode", "")[:200]
        elif name == "xf" and self._inside:
            self._formats.append(_number(attrs.get("numFmtId", "")))
            self.full = len(self._formats) >= _FORMATS_MAX

    def end(self, tag: str) -> None:
        if local(tag) == "cellXfs":
            self.full = True

    def code(self, style: int) -> str:
        """The format code of a cell's style."""
        number = self._formats[style] if 0 <= style < len(self._formats) else 0
        if number in self._codes:
            return self._codes[number]
        return "yyyy-mm-dd" if number in _CHINESE_DATES else BUILTIN_FORMATS.get(number, "General")


@dataclass(slots=True)
class _Cell:
    kind: str
    style: int
    text: str = ""
    formula: bool = False


@dataclass
class _Grid(_Nothing):
    """Filled cells of the first rows."""

    rows: dict[int, dict[int, _Cell]] = field(default_factory=dict)
    full: bool = False
    more_columns: bool = False
    more_rows: bool = False
    ended: bool = False
    _row: int = 0
    _column: int = 0
    _cell: _Cell | None = None
    _taking: bool = False
    _over: bool = False

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        name = local(tag)
        if name == "row":
            said = attrs.get("r", "")
            self._row = _number(said) if said else self._row + 1
            self._column = 0
            if self._row > _GAP_ROWS_MAX:
                self.more_rows = self.full = True
        elif name == "c":
            self._begin(attrs)
        elif name == "f" and self._cell is not None:
            self._cell.formula = True
        elif name in ("v", "t"):
            self._taking = True
        elif name == "rPh":
            self._over = True

    def _begin(self, attrs: Mapping[str, str]) -> None:
        place = _REF.fullmatch(attrs.get("r", ""))
        self._column = column_index_from_string(place[1]) if place else self._column + 1
        self._cell = _Cell(attrs.get("t", "n"), _number(attrs.get("s", "0")))

    def end(self, tag: str) -> None:
        name = local(tag)
        if name in ("v", "t"):
            self._taking = False
        elif name == "rPh":
            self._over = False
        elif name == "c" and self._cell is not None:
            cell, self._cell = self._cell, None
            if (cell.text.strip() or cell.formula) and not self.more_rows:
                self._keep(cell)
        elif name == "sheetData":
            self.ended = self.full = True

    def _keep(self, cell: _Cell) -> None:
        if self._column > COLUMNS_MAX:
            self.more_columns = True
        elif self._row not in self.rows and len(self.rows) >= ROWS_MAX:
            self.more_rows = self.full = True
        else:
            self.rows.setdefault(self._row, {})[self._column] = cell

    def data(self, text: str) -> None:
        if self._taking and not self._over and self._cell is not None and len(self._cell.text) <= CELL_CHARS_MAX:
            self._cell.text += text[: CELL_CHARS_MAX + 1]


class _Strings(_Nothing):
    """Those of the shared strings that are wanted."""

    def __init__(self, wanted: set[int]) -> None:
        super().__init__()
        self.found: dict[int, str] = {}
        self._wanted, self._last = wanted, max(wanted)
        self._at = -1
        self._text = ""
        self._taking = self._over = False

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        name = local(tag)
        if name == "si":
            self._at += 1
            self._text = ""
        elif name == "t":
            self._taking = self._at in self._wanted and not self._over
        elif name == "rPh":
            self._over = True

    def end(self, tag: str) -> None:
        name = local(tag)
        if name == "t":
            self._taking = False
        elif name == "rPh":
            self._over = False
        elif name == "si":
            if self._at in self._wanted:
                self.found[self._at] = self._text
            self.full = self._at >= self._last

    def data(self, text: str) -> None:
        if self._taking and len(self._text) <= CELL_CHARS_MAX:
            self._text += text[: CELL_CHARS_MAX + 1]


class _Look:
    """Turns what was read into text, until enough is shown."""

    def __init__(self, texts: Mapping[int, str], styles: _Styles, mac_dates: bool) -> None:
        self._texts = texts
        self._styles = styles
        self._epoch = CALENDAR_MAC_1904 if mac_dates else CALENDAR_WINDOWS_1900
        self._left = CHARS_MAX
        self._cut_cells = False

    def sheet(self, name: str, grid: _Grid, whole: bool) -> SheetView:
        """A sheet's view; rows that no longer fit are left out."""
        width = max((column for row in grid.rows.values() for column in row), default=0)
        rows: list[Row] = []
        self._cut_cells = False
        for number, cells in sorted(grid.rows.items()):
            shown = tuple(self._cell(cells.get(column)) for column in range(1, width + 1))
            self._left -= sum(map(len, shown))
            if self._left < 0:
                break
            rows.append(Row(number, shown))
        said = []
        if len(rows) < len(grid.rows) or not whole:
            said.append(f"只显示前{len(rows)}行，后面的未显示")
        if grid.more_columns:
            said.append(f"只显示前{COLUMNS_MAX}列，右边的未显示")
        if self._cut_cells:
            said.append(f"超过{CELL_CHARS_MAX}字的单元格只显示开头")
        columns = tuple(get_column_letter(column) for column in range(1, width + 1))
        return SheetView(name, columns, tuple(rows), tuple(said))

    def _cell(self, cell: _Cell | None) -> str:
        if cell is None:
            return ""
        if cell.formula and not cell.text:
            return "（公式，没有保存的结果）"
        text = cell.text
        if cell.kind == "s":
            text = self._texts.get(_number(text), "（读不出）")
        elif cell.kind == "b":
            text = "TRUE" if text.strip() == "1" else "FALSE"
        elif cell.kind == "n":
            text = self._figure(text, self._styles.code(cell.style))
        text = visible(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), text))
        if len(text) > CELL_CHARS_MAX:
            self._cut_cells = True
            text = text[:CELL_CHARS_MAX] + "…"
        return text

    def _figure(self, text: str, code: str) -> str:
        try:
            value = float(text)
            if is_date_format(code):
                return _moment(str(from_excel(value, self._epoch) or text))
            if (places := _PLACES.fullmatch(code)) is not None:
                comma = "," if "," in code else ""
                return f"{value:{comma}.{len(places[1] or '')}{'%' if places[2] else 'f'}}"
        except (ValueError, OverflowError):
            return text
        return f"{value:.15g}"


def _moment(text: str) -> str:
    """A date without the midnight that nobody wrote."""
    return text.removesuffix(" 00:00:00").partition(".")[0]


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else 0
