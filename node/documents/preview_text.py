"""The beginning of a docx file for a look at it: paragraphs and tables as plain text.

Rules of this file: the text of the document's body as it stands (what was struck out by tracked changes is left out),
read as a stream and no further than what is shown (`node.documents.parts`); layout, pictures, text boxes, headers,
notes and automatic numbers are not shown, and that is said. Links are text, fields show what was saved of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from node.documents.parts import Budget, attr, local, opened, visible
from node.errors import InputError

BLOCKS_MAX, ROWS_MAX, COLUMNS_MAX = 1_500, 500, 40
CHARS_MAX = 150_000  # of all that is shown
_STYLES_MAX = 5_000
_HEADING = re.compile(r"(?:heading|标题)\s*([1-6])", re.IGNORECASE)
_PICTURES = frozenset({"drawing", "pict", "object"})
_SKIPPED = _PICTURES | {"Fallback", "moveFrom", "del", "instrText", "delText", "rt", "sectPr", "tblPrEx"}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; ``level`` 1 to 6 for headings, 0 for text."""

    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell and the number of columns it takes."""

    text: str
    span: int = 1


@dataclass(frozen=True, slots=True)
class TableView:
    """A table, row by row."""

    rows: tuple[tuple[CellView, ...], ...]


@dataclass(frozen=True, slots=True)
class TextView:
    """The beginning of a document. ``left_out``: what is not shown, as people read it."""

    blocks: tuple[Paragraph | TableView, ...]
    left_out: tuple[str, ...]


def read_text(data: bytes) -> TextView:
    """What a look at a docx file shows. InputError: not such a file, damaged, encrypted, or beyond a limit."""
    budget = Budget()
    with opened(data, "docx", budget) as file:
        main = file.main("docx")
        styles = _Styles()
        part = next((name for kind, name in file.related(main).values() if kind.endswith("/styles")), "")
        if file.has(part):
            file.read(part, styles, Budget.small())
        body = _Body(styles.levels)
        whole = file.read(main, body)
        if not body.is_one:
            raise InputError("不是docx文件", field="附件", remedy="下载后用原来的程序打开")
        body.finish()
    said = [] if whole else ["文件较长，只显示开头"]
    if body.wide:
        said.append(f"表格只显示前{COLUMNS_MAX}列")
    if body.pictures:
        said.append(f"图片、文本框等{body.pictures}处未显示")
    return TextView(tuple(body.blocks), tuple(said))


class _Styles:
    """Which paragraph styles are headings."""

    def __init__(self) -> None:
        self.full = False
        self.levels: dict[str, int] = {}
        self._style = ""
        self._count = 0

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        name = local(tag)
        if name == "style":
            self._style = attr(attrs, "styleId")
            self._count += 1
            self.full = self._count > _STYLES_MAX
        elif name == "name" and (found := _HEADING.fullmatch(attr(attrs, "val").strip())):
            self.levels[self._style] = int(found[1])
        elif name == "name" and attr(attrs, "val").lower() == "title":
            self.levels[self._style] = 1

    def end(self, tag: str) -> None:
        """Nothing to do."""

    def data(self, text: str) -> None:
        """Nothing to keep."""


class _Body:
    """Paragraphs and tables of the body. A table within a table is text of the outer one's cell."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        self.full = self.is_one = self.wide = False
        self.blocks: list[Paragraph | TableView] = []
        self.pictures = 0
        self._levels = levels
        self._left = CHARS_MAX
        self._skipping = self._tables = self._runs = 0
        self._taking = False
        self._pieces: list[str] = []
        self._level = 0
        self._rows: list[tuple[CellView, ...]] = []
        self._row: list[CellView] = []
        self._cell: list[str] = []
        self._span = 1
        self._rows_left = ROWS_MAX

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        name = local(tag)
        if self._skipping or name in _SKIPPED:
            self.pictures += not self._skipping and name in _PICTURES
            self._skipping += 1
            return
        if name == "p":
            self._pieces, self._level = [], 0
        elif name == "r":
            self._runs += 1
        elif self._runs:
            self._in_run(name)
        elif name == "pStyle":
            self._level = self._levels.get(attr(attrs, "val"), 0)
        elif name == "document":
            self.is_one = True
        else:
            self._in_table(name, attrs)

    def _in_run(self, name: str) -> None:
        if name == "t":
            self._taking = True
        elif name in ("tab", "br", "cr", "noBreakHyphen"):
            self._add({"tab": "\t", "noBreakHyphen": "-"}.get(name, "\n"))

    def _in_table(self, name: str, attrs: Mapping[str, str]) -> None:
        if name == "tbl":
            self._tables += 1
            if self._tables == 1:
                self._rows = []
        elif self._tables == 1 and name == "tr":
            self._row = []
        elif self._tables == 1 and name == "tc":
            self._cell, self._span = [], 1
        elif self._tables == 1 and name == "gridSpan":
            said = attr(attrs, "val")
            self._span = min(int(said), COLUMNS_MAX) if said.isdecimal() and said.isascii() and len(said) < 4 else 1

    def data(self, text: str) -> None:
        if self._taking and not self._skipping:
            self._add(text)

    def _add(self, text: str) -> None:
        if self.full:
            return
        self._pieces.append(text[: self._left])
        self._left -= len(text)
        self.full = self._left < 0

    def end(self, tag: str) -> None:
        name = local(tag)
        if self._skipping:
            self._skipping -= 1
        elif name == "t":
            self._taking = False
        elif name == "r":
            self._runs -= 1
        elif name == "p":
            self._paragraph()
        elif name == "tbl":
            self._tables -= 1
            if not self._tables:
                self._table()
        elif self._tables == 1 and name == "tc":
            self._end_cell()
        elif self._tables == 1 and name == "tr":
            self._end_row()

    def _paragraph(self) -> None:
        text, self._pieces = visible("".join(self._pieces)).strip("\n"), []
        if self._tables:
            self._cell.append(text)
        elif text.strip():
            self._block(Paragraph(text, self._level))

    def _end_cell(self) -> None:
        text, self._cell = "\n".join(self._cell).strip(), []
        if len(self._row) < COLUMNS_MAX:
            self._row.append(CellView(text, max(self._span, 1)))
        else:
            self.wide = True

    def _end_row(self) -> None:
        row, self._row = tuple(self._row), []
        if row and self._rows_left:
            self._rows.append(row)
            self._rows_left -= 1
        elif row:
            self.full = True

    def _table(self) -> None:
        if self._rows:
            rows, self._rows = tuple(self._rows), []
            self._block(TableView(rows))

    def _block(self, block: Paragraph | TableView) -> None:
        if len(self.blocks) < BLOCKS_MAX:
            self.blocks.append(block)
        else:
            self.full = True

    def finish(self) -> None:
        """Keep what was under way where reading stopped."""
        if self._tables and self._cell:
            self._end_cell()
        self._end_row()
        self._table()
        if text := visible("".join(self._pieces)).strip():
            self._block(Paragraph(text, self._level))
