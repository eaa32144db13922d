"""The ledger's xlsx form: what ``dulian import`` reads, and the same form written.

The columns are documented in ``docs/import.md``. Reading reports every bad row with its row number, column and reason,
not just the first; whether anything is imported then is the caller's decision.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO

import xlsxwriter

from node.documents.text import hidden_character, name_of, quoted
from node.documents.workbook import ROWS_MAX, Cell, MergedRange, Row, Sheet, read_sheet
from node.errors import InputError
from node.records.limits import POINT_CHARS_MAX, POINTS_MAX, TEXT_CHARS_MAX, TITLE_CHARS_MAX

SHEET_NAME = "台账"
HEADER_ROWS_MAX = 10
CELL_CHARS_MAX = 32_767  # Excel's own limit
DUE_YEARS = range(2000, 2101)  # anything else is a slip of the pen
NUMBER_CHARS_MAX = 64


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the form: its name, other names it may have, its longest text in characters, its width on paper."""

    key: str
    name: str
    aliases: tuple[str, ...]
    chars_max: int
    multiline: bool
    width: int


COLUMNS = (
    Column("number", "序号", ("登记编号", "编号"), NUMBER_CHARS_MAX, multiline=False, width=12),
    Column("title", "事项名称", ("事项", "督查事项", "标题"), TITLE_CHARS_MAX, multiline=False, width=32),
    Column("requirement", "工作要求", ("事项内容", "任务内容"), TEXT_CHARS_MAX, multiline=True, width=60),
    Column("source", "事项来源", ("来源",), 100, multiline=False, width=14),
    Column("responsible", "责任单位", ("承办单位", "责任主体"), 1_000, multiline=True, width=24),
    Column("due", "办结时限", ("截止日期", "完成时限", "截止时间"), 40, multiline=False, width=12),
    Column("limit_text", "时限依据", ("时限要求",), 1_000, multiline=True, width=30),
    Column("points", "分项要求", ("要点",), CELL_CHARS_MAX, multiline=True, width=50),
    Column("remark", "备注", ("说明",), 2_000, multiline=True, width=30),
)
_TITLE = COLUMNS[1]
_BY_NAME = {name: column for column in COLUMNS for name in (column.name, *column.aliases)}
_DATE_FORMS = (
    re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"),
    re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})"),
    re.compile(r"([0-9]{4})\.([0-9]{1,2})\.([0-9]{1,2})"),
    re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日"),
)
_DATE_HINT = "应为Excel日期，或 2026-12-31、2026/12/31、2026年12月31日"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One matter of the ledger, checked. ``row`` is the row number in the file; absent texts are ""."""

    row: int
    number: str
    title: str
    requirement: str = ""
    source: str = ""
    due: dt.date | None = None
    points: tuple[str, ...] = ()
    responsible: str = ""
    limit_text: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class LedgerError:
    """What is wrong in one place of the file; ``column`` is the header as the file has it."""

    row: int
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class LedgerResult:
    """The good rows and all errors, both in the order of the file."""

    rows: tuple[LedgerRow, ...]
    errors: tuple[LedgerError, ...]


@dataclass(frozen=True, slots=True)
class _Header:
    """Where the columns are: the header's row number, column numbers by key, header texts by column number."""

    row: int
    places: dict[str, int]
    names: dict[int, str]


@dataclass(slots=True)
class _Findings:
    """Collects errors, at most one for each place, so that one mistake is not told twice."""

    errors: dict[tuple[int, str], LedgerError] = field(default_factory=dict)

    def add(self, row: int, column: str, text: str) -> None:
        self.errors.setdefault((row, column), LedgerError(row, column, text))

    def in_order(self) -> tuple[LedgerError, ...]:
        return tuple(sorted(self.errors.values(), key=lambda error: error.row))


def read_ledger(data: bytes) -> LedgerResult:
    """Read a ledger from the bytes of an xlsx file.

    Raises:
        InputError: the file as a whole cannot be read: not xlsx, damaged, encrypted, too large, without a header.
    """
    sheet = read_sheet(data, SHEET_NAME)
    findings = _Findings()
    header = _find_header(sheet, findings)
    body = [row for row in sheet.rows if row.number > header.row]
    if len(body) > ROWS_MAX:
        raise InputError(f"数据超过{ROWS_MAX}行", field="文件", remedy="拆成几个文件分别导入")
    _check_merged(sheet.merged, header, findings)
    rows: list[LedgerRow] = []
    first_use: dict[str, int] = {}
    if "title" in header.places:
        rows = [read for row in body if (read := _read_row(row, header, first_use, findings)) is not None]
    if not rows and not findings.errors:
        raise InputError("表头下面没有数据", field="文件", remedy="从表头的下一行起，每行填写一个事项")
    bad = {error.row for error in findings.errors.values()}
    return LedgerResult(tuple(row for row in rows if row.row not in bad), findings.in_order())


def _header_name(cell: Cell) -> str:
    """Reduce a header cell to the name in it: marks for required columns, line breaks and spaces do not count."""
    text = str(cell.value) if cell.kind == "text" else ""
    return re.sub(r"[\s*\uff0a]+", "", text)


def _known_columns(row: Row) -> set[str]:
    return {_BY_NAME[name].key for cell in row.cells.values() if (name := _header_name(cell)) in _BY_NAME}


def _find_header(sheet: Sheet, findings: _Findings) -> _Header:
    """Find the header: the first row with the required column, else the one with most known columns."""
    candidates = [row for row in sheet.rows if row.number <= HEADER_ROWS_MAX]
    known = {row.number: _known_columns(row) for row in candidates}
    best = max(candidates, key=lambda r: ("title" in known[r.number], len(known[r.number]), -r.number), default=None)
    if best is None or not known[best.number]:
        names = "、".join(column.name for column in COLUMNS)
        remedy = f"表头应有“事项名称”，可有的列：{names}"
        raise InputError(f"工作表“{quoted(sheet.name)}”前{HEADER_ROWS_MAX}行内没有表头", field="文件", remedy=remedy)
    places: dict[str, int] = {}
    names_seen: dict[int, str] = {}
    for place, cell in best.cells.items():
        name = _header_name(cell)
        names_seen[place] = quoted(name) or cell.ref
        column = _BY_NAME.get(name)
        if column is None:
            text = f"{cell.ref}：不认识的列；可用的列见导入说明，不需要的列请删除"
            findings.add(best.number, names_seen[place], text)
        elif column.key in places:
            text = f"{cell.ref}：与“{names_seen[places[column.key]]}”列重复（都表示{column.name}），只能留一列"
            findings.add(best.number, names_seen[place], text)
        else:
            places[column.key] = place
    if "title" not in places:
        findings.add(best.number, _TITLE.name, "缺少必填列“事项名称”")
    return _Header(best.number, places, names_seen)


def _check_merged(merged: tuple[MergedRange, ...], header: _Header, findings: _Findings) -> None:
    """Refuse merges over several rows: a value shared by rows would silently count for the first only."""
    for area in merged:
        if area.last_row > area.first_row and area.last_row > header.row:
            text = f"{area.ref}：跨行合并的单元格；请取消合并，每行各自填写"
            findings.add(max(area.first_row, header.row), header.names.get(area.first_column, area.ref), text)


def _read_row(row: Row, header: _Header, first_use: dict[str, int], findings: _Findings) -> LedgerRow | None:
    """Read one row; None if anything in it is wrong, which is then among the findings."""
    before = len(findings.errors)
    for place, cell in row.cells.items():
        if place not in header.names:
            findings.add(row.number, cell.ref, f"{cell.ref}：这一列没有表头却有内容；请补上表头或删除内容")
    texts: dict[str, str] = {}
    due: dt.date | None = None
    for column in COLUMNS:
        found = row.cells.get(header.places.get(column.key, 0))
        if found is None:
            continue
        outcome = _read_due(found) if column.key == "due" else _read_text(found, column)
        if isinstance(outcome, _Refusal):
            findings.add(row.number, header.names[header.places[column.key]], f"{found.ref}：{outcome.text}")
        elif isinstance(outcome, str):
            texts[column.key] = outcome
        else:
            due = outcome
    if header.places["title"] not in row.cells:
        findings.add(row.number, header.names[header.places["title"]], "事项名称没有填写")
    points = tuple(line.strip() for line in texts.get("points", "").split("\n") if line.strip())
    if refusal := _check_points(points):
        findings.add(row.number, header.names[header.places["points"]], refusal)
    number = texts.get("number", "")
    if number and first_use.setdefault(number, row.number) != row.number:
        text = f"“{quoted(number)}”与第{first_use[number]}行重复"
        findings.add(row.number, header.names[header.places["number"]], text)
    if len(findings.errors) > before:
        return None
    plain = {key: text for key, text in texts.items() if key not in {"points", "number"}}
    return LedgerRow(row=row.number, number=number, due=due, points=points, **plain)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a cell is not accepted."""

    text: str


_UNFIT = {
    "formula": "是公式；请复制后“选择性粘贴”为数值",
    "error": "是错误值；请改正",
    "bool": "是逻辑值；应为文字",
    "date": "是日期；应为文字",
    "other": "是时间等其他类型；应为文字",
}


def _read_text(cell: Cell, column: Column) -> str | _Refusal:
    """Read a text cell; whole numbers typed as numbers are taken as Excel shows them."""
    if cell.kind == "number" and isinstance(cell.value, int | float):
        whole = isinstance(cell.value, int) or cell.value.is_integer()
        return str(int(cell.value)) if whole else str(cell.value)
    if cell.kind != "text":
        return _Refusal(_UNFIT[cell.kind])
    text = unicodedata.normalize("NFC", str(cell.value)).strip()  # as records hold it
    if char := hidden_character(text, multiline=column.multiline):
        return _Refusal(f"含有不允许的字符{name_of(char)}；请删除后重新输入")
    if len(text) > column.chars_max:
        return _Refusal(f"有{len(text)}个字，超过上限{column.chars_max}个")
    return text


def _read_due(cell: Cell) -> dt.date | _Refusal:
    """Read a date cell or a text that is a date; a clock time is refused, due dates are days."""
    if cell.kind == "date":
        value = cell.value
        if isinstance(value, dt.datetime):
            if value.time() != dt.time():
                return _Refusal("含有时刻；只填日期")
            value = value.date()
        return _sane(value) if isinstance(value, dt.date) else _Refusal(_DATE_HINT)
    if cell.kind == "number":
        return _Refusal(f"是数字，不是日期；{_DATE_HINT}")
    if cell.kind != "text":
        return _Refusal(_UNFIT[cell.kind] if cell.kind in {"formula", "error"} else _DATE_HINT)
    text = unicodedata.normalize("NFKC", str(cell.value)).strip()
    for form in _DATE_FORMS:
        if match := form.fullmatch(text):
            try:
                return _sane(dt.date(int(match[1]), int(match[2]), int(match[3])))
            except ValueError:
                return _Refusal(f"“{quoted(text)}”这一天不存在")
    return _Refusal(f"“{quoted(text)}”不是日期；{_DATE_HINT}")


def _sane(day: dt.date) -> dt.date | _Refusal:
    return day if day.year in DUE_YEARS else _Refusal(f"年份{day.year}不合理")


def _check_points(points: tuple[str, ...]) -> str:
    if len(points) > POINTS_MAX:
        return f"分项要求有{len(points)}条，超过上限{POINTS_MAX}条"
    for place, point in enumerate(points, start=1):
        if len(point) > POINT_CHARS_MAX:
            return f"第{place}条分项要求有{len(point)}个字，超过上限{POINT_CHARS_MAX}个"
    return ""


def write_ledger(rows: Iterable[LedgerRow]) -> bytes:
    """Write ``rows`` as an xlsx file that `read_ledger` reads back: header row frozen, texts as text, dates as dates.

    The same rows give the same bytes (with the same libraries). ``row`` is ignored: rows are written one after another.

    Raises:
        InputError: a text is longer than a cell can hold.
    """
    target = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target, options) as book:
        book.set_properties({"created": dt.datetime.combine(dt.date(2026, 1, 1), dt.time())})  # fixed: bytes repeat
        sheet = book.add_worksheet(SHEET_NAME)
        heading = book.add_format(
            {"bold": True, "border": 1, "text_wrap": True, "align": "center", "bg_color": "#DDEBF7"}
        )
        text_format = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top", "border": 1})
        date_format = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top", "border": 1})
        for place, column in enumerate(COLUMNS):
            sheet.set_column(place, place, column.width)
            sheet.write_string(0, place, column.name + ("*" if column is _TITLE else ""), heading)
        sheet.freeze_panes(1, 0)
        for line, row in enumerate(rows, start=1):
            for place, (column, text) in enumerate(zip(COLUMNS, _texts(row), strict=True)):
                if column.key == "due" and row.due is not None:
                    sheet.write_datetime(line, place, dt.datetime.combine(row.due, dt.time()), date_format)
                elif not text:
                    sheet.write_blank(line, place, None, text_format)
                elif sheet.write_string(line, place, text, text_format) != 0:
                    raise InputError(
                        f"第{line}个事项的{column.name}超过一个单元格的容量（{CELL_CHARS_MAX}字）", field=column.name
                    )
    return target.getvalue()


def _texts(row: LedgerRow) -> Iterator[str]:
    for column in COLUMNS:
        if column.key == "points":
            yield "\n".join(row.points)
        else:
            yield "" if column.key == "due" else str(getattr(row, column.key))
