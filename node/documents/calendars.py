"""The working-day calendar from outside: the seed from a library, and the State Council's yearly notice from a file.

The notice (国务院办公厅关于…年部分节假日安排的通知) is typed into a table with the columns 日期, 类型 (放假, 上班)
and 节日, one day in a row, as xlsx or CSV; titles may stand above them. What `read_notice` guarantees:

1. Every bad row is named with its number and reason; if any row is bad, the whole file is refused.
2. A file is one year's notice: it must name all seven festivals, and replaces that year wholly. Days of the December
   before may stand in it (元旦), if that year is known.
3. The result has the next version of the calendar it was given.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from typing import TYPE_CHECKING

from node.documents.text import hidden_character, name_of, quoted
from node.errors import InputError
from node.rules.calendar import Calendar, date_of, day_number, days_of_year, weekday_of

if TYPE_CHECKING:
    from node.documents.workbook import Cell

    _Line = tuple[int, dict[int, Cell | str]]  # a row's number and its cells by place

FILE_BYTES_MAX = 2 * 1024 * 1024
ROWS_MAX = 200  # a notice moves some forty days
HEADER_ROWS_MAX = 10  # as in a task list
PROBLEMS_SHOWN = 20
COLUMNS = ("日期", "类型", "节日")
FESTIVALS = ("元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节")

_FIELD = "节假日安排"
_YEARS = range(2000, 2100)  # anything else is a slip of the pen
_SATURDAY = 5
_DATE = re.compile(r"([0-9]{4})(?:-|/|\.|年)([0-9]{1,2})(?:-|/|\.|月)([0-9]{1,2})日?")
_ALIASES = {"元旦节": "元旦", "清明": "清明节", "端午": "端午节", "中秋": "中秋节", "国庆": "国庆节",
            "五一": "劳动节", "国际劳动节": "劳动节", "除夕": "春节"}  # fmt: skip


def seed_calendar() -> Calendar:
    """Version 1 of the calendar, from the ``chinesecalendar`` library: the years it knows (2004 to 2026 in 1.11)."""
    import chinese_calendar  # noqa: PLC0415 - needed once, when the top office is set up

    years = sorted({day.year for day in chinese_calendar.holidays})
    days = [day for year in years for day in days_of_year(year)]
    working = {day for day in days if chinese_calendar.is_workday(date_of(day))}
    return Calendar(
        version=1,
        years=frozenset(years),
        off=frozenset(day for day in days if weekday_of(day) < _SATURDAY and day not in working),
        on=frozenset(day for day in days if weekday_of(day) >= _SATURDAY and day in working),
    )


def read_notice(data: bytes, base: Calendar) -> Calendar:
    """``base`` with the year of the notice in ``data`` (xlsx or CSV), as the next version.

    Raises:
        InputError: not such a file, or the bad rows, each with its number.
    """
    if len(data) > FILE_BYTES_MAX:
        raise InputError(f"文件超过{FILE_BYTES_MAX}字节", field=_FIELD, value=len(data), remedy="核对文件")
    rows = _xlsx_rows(data) if data.startswith(b"PK") else _csv_rows(data)
    if not rows:
        raise InputError("文件是空的", field=_FIELD, remedy=f"表头写{'、'.join(COLUMNS)}，以下每天一行")
    places, rows = _below_header(rows)
    if len(rows) > ROWS_MAX:
        raise InputError(f"超过{ROWS_MAX}行", field=_FIELD, value=len(rows), remedy="一个文件只写一年的安排")
    off: dict[int, int] = {}
    on: dict[int, int] = {}
    festivals: set[str] = set()
    problems: list[str] = []
    for number, cells in rows:
        try:
            day, kind, names = _entry([cells.get(places[column]) for column in COLUMNS])
            if day in off or day in on:
                raise ValueError(f"日期：与第{off.get(day) or on[day]}行重复")
        except ValueError as error:
            problems.append(f"第{number}行 {error}")
            continue
        (off if kind == "放假" else on)[day] = number
        festivals |= names
    problems += _whole(off, on, festivals, base) if not problems else []
    if problems:
        shown = "；".join(problems[:PROBLEMS_SHOWN])
        more = f"；另有{len(problems) - PROBLEMS_SHOWN}处" if len(problems) > PROBLEMS_SHOWN else ""
        raise InputError(f"{shown}{more}", field=_FIELD, remedy="改正后重新导入；本次没有导入任何一行")
    return _merged(off, on, base)


def _merged(off: dict[int, int], on: dict[int, int], base: Calendar) -> Calendar:
    year = max(date_of(day).year for day in (*off, *on))
    kept = set(days_of_year(year))
    workdays, weekdays_off = set(on), {day for day in off if weekday_of(day) < _SATURDAY}
    earlier_on = {day for day in base.on if day not in kept and day not in off}
    return Calendar(
        version=base.version + 1,
        years=base.years | {year},
        off=frozenset({day for day in base.off if day not in kept} | weekdays_off),
        on=frozenset(earlier_on | workdays),
    )


def _whole(off: dict[int, int], on: dict[int, int], festivals: set[str], base: Calendar) -> list[str]:
    if not off:
        return ["全文：没有放假日"]
    year = max(date_of(day).year for day in (*off, *on))
    problems = []
    for day, number in sorted((off | on).items(), key=lambda entry: entry[1]):
        on_date = date_of(day)
        if on_date.year != year and (on_date.year, on_date.month) != (year - 1, 12):
            problems.append(f"第{number}行 日期：不属于{year}年的安排")
        elif on_date.year != year and on_date.year not in base.years:
            problems.append(f"第{number}行 日期：{year - 1}年尚无日历，应先导入{year - 1}年的安排")
    missing = [name for name in FESTIVALS if name not in festivals]
    if missing:
        problems.append(f"全文：{year}年的安排缺少{'、'.join(missing)}")
    return problems


def _entry(cells: list[Cell | str | None]) -> tuple[int, str, set[str]]:
    """One row; ValueError says which column is wrong and how."""
    day = _day(cells[0])
    kind = _word(cells[1], "类型")
    if kind not in {"放假", "上班"}:
        raise ValueError(f"类型「{quoted(kind)}」：应为放假或上班")
    if kind == "上班" and weekday_of(day) < _SATURDAY:
        raise ValueError(f"类型：{date_of(day)}是周一至周五，本来上班")
    names = {_ALIASES.get(name, name) for name in re.split("[、,，和 ]", _word(cells[2], "节日")) if name}
    return day, kind, names if kind == "放假" else set()


def _day(cell: Cell | str | None) -> int:
    value = cell if cell is None or isinstance(cell, str) else cell.value
    if isinstance(value, dt.datetime):
        value = value.date()
    if isinstance(value, dt.date):
        found = value
    else:
        text = _word(cell, "日期")
        match = _DATE.fullmatch(text)
        if not match:
            raise ValueError(f"日期「{quoted(text)}」：写成2027-01-01或2027年1月1日")
        try:
            found = dt.date(*map(int, match.groups()))
        except ValueError:
            raise ValueError(f"日期「{quoted(text)}」：没有这一天") from None
    if found.year not in _YEARS:
        raise ValueError(f"日期「{found}」：年份应在{_YEARS[0]}至{_YEARS[-1]}之间")
    return day_number(found)


def _word(cell: Cell | str | None, column: str) -> str:
    if cell is not None and not isinstance(cell, str):
        if cell.kind != "text":
            raise ValueError(f"{column}（{cell.ref}）：{'不接受公式' if cell.kind == 'formula' else '应为文字'}")
        cell = str(cell.value)
    text = (cell or "").strip()
    if not text:
        raise ValueError(f"{column}：没有填写")
    if hidden := hidden_character(text, multiline=False):
        raise ValueError(f"{column}：含有不可见字符{name_of(hidden)}")
    if len(text) > 40:
        raise ValueError(f"{column}「{quoted(text)}」：文字过长")
    return text


def _below_header(rows: list[_Line]) -> tuple[dict[str, int], list[_Line]]:
    """Where the columns are, by the first row that names them (titles may stand above it), and the rows under it."""
    best: list[str] = []
    for at, (_, header) in enumerate(rows[:HEADER_ROWS_MAX]):
        names = {
            "".join(str(cell if isinstance(cell, str) else cell.value).split()): place for place, cell in header.items()
        }
        known = [column for column in COLUMNS if column in names]
        if len(known) == len(COLUMNS):
            return {column: names[column] for column in COLUMNS}, rows[at + 1 :]
        best = max(best, known, key=len)
    missing = "、".join(column for column in COLUMNS if column not in best)
    raise InputError(
        f"前{HEADER_ROWS_MAX}行内没有写全列名的表头，缺少列{missing}", field=_FIELD,
        remedy=f"表头写{'、'.join(COLUMNS)}，上面可以有标题",
    )  # fmt: skip


def _xlsx_rows(data: bytes) -> list[_Line]:
    from node.documents.workbook import read_sheet  # noqa: PLC0415 - 0.2 s of imports, needed by this command only

    return [(row.number, dict(row.cells)) for row in read_sheet(data, _FIELD).rows]


def _csv_rows(data: bytes) -> list[_Line]:
    """The rows that are not blank. Excel in Chinese writes GB 18030, everyone else UTF-8."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError as error:
            raise InputError("不是文本文件", field=_FIELD, remedy="另存为CSV（UTF-8）或xlsx再导入") from error
    found: list[_Line] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((reader.line_num, dict(enumerate(cells[:20], start=1))))
            if len(found) > ROWS_MAX + HEADER_ROWS_MAX:
                break
    except csv.Error as error:
        raise InputError(f"第{reader.line_num}行不是正确的CSV", field=_FIELD, remedy="另存为xlsx再导入") from error
    return found
