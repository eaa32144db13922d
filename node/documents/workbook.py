"""Opening an xlsx file that may be hostile: bytes in, plain rows out.

What this module guarantees before anyone looks at a cell:

1. The file, its unpacked parts (`node.documents.package`) and the rows read are bounded before the parser starts.
2. XML entities are refused (defusedxml), links and macros are not followed or run, formulas are not evaluated.
3. Whatever is wrong with the file as a whole is an `InputError` in Chinese with a remedy.

Only values are read: a formula arrives as the kind ``formula`` and the caller refuses it.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import warnings
import zipfile
from dataclasses import dataclass
from typing import Any, Literal

import openpyxl
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from openpyxl.utils import get_column_letter, range_boundaries

from node.documents.package import check_package, is_media
from node.errors import InputError, LocalError

XML_TAGS_MAX = 1_000_000  # opening tags in one part; 10,000 full rows have 300,000, and each costs the parser 300 bytes
ROWS_MAX = 10_000  # filled rows, besides the header
SHEET_ROWS_MAX = 1_048_576  # what Excel itself can hold; some programs write an empty last row
COLUMNS_MAX = 100
MERGED_RANGES_MAX = 20_000

_FIELD = "文件"
_SAVE_AGAIN = "用Excel或WPS打开后另存为“Excel工作簿(*.xlsx)”再导入"
_MERGE_TAG = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}mergeCell"
_CONTROL_ESCAPE = re.compile(r"_x(00[01][0-9A-Fa-f])_")  # how OOXML writes characters below U+0020

Kind = Literal["text", "number", "date", "bool", "formula", "error", "other"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A filled cell. ``value`` is str, int, float, bool, or for the kind ``date`` what openpyxl read (datetime …)."""

    ref: str
    kind: Kind
    value: object


@dataclass(frozen=True, slots=True)
class Row:
    """A row with at least one filled cell; ``number`` as Excel shows it, cells by column from 1."""

    number: int
    cells: dict[int, Cell]


@dataclass(frozen=True, slots=True)
class MergedRange:
    """A merged range such as B5:B7."""

    ref: str
    first_column: int
    first_row: int
    last_column: int
    last_row: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """The filled rows of one worksheet in order, and its merged ranges."""

    name: str
    rows: tuple[Row, ...]
    merged: tuple[MergedRange, ...]


def read_sheet(data: bytes, preferred: str) -> Sheet:
    """Read the worksheet named ``preferred``, or the first one if none has that name.

    Raises:
        InputError: not an xlsx file, damaged, encrypted, or beyond a limit.
    """
    if not openpyxl.DEFUSEDXML:
        raise LocalError(
            "读取xlsx所需的安全组件defusedxml没有生效", remedy="删除环境变量OPENPYXL_DEFUSEDXML，或重新安装本程序"
        )
    check_package(data, "xlsx", _SAVE_AGAIN)
    try:
        _check_tags(data)
        with warnings.catch_warnings():
            # openpyxl warns about parts it leaves out (drop-down lists, themes); none of them holds a value.
            warnings.simplefilter("ignore", UserWarning)
            return _parse(data, preferred)
    except (InputError, MemoryError):
        raise
    except Exception as error:
        # Any other failure of the parser on foreign bytes means that the bytes are bad: it promises no error types.
        raise _damaged(error) from error


def _check_tags(data: bytes) -> None:
    """Bound what the parser will build, by a look at the bytes that costs no memory."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for part in archive.infolist():
            if is_media(part.filename):
                continue
            tags = 0
            with archive.open(part) as stream:
                while chunk := stream.read(1024 * 1024):
                    tags += chunk.count(b"<") - chunk.count(b"</")
            if tags > XML_TAGS_MAX:
                raise InputError(
                    "文件内部结构过大", field=_FIELD, remedy="删除多余的空行空列和格式，或只把数据复制到新文件"
                )


def _parse(data: bytes, preferred: str) -> Sheet:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    try:
        sheets = list(book.worksheets)
        if not sheets:
            raise InputError("文件里没有工作表", field=_FIELD, remedy=_SAVE_AGAIN)
        sheet = next((s for s in sheets if s.title == preferred), sheets[0])
        sheet.reset_dimensions()  # a wrong declared size would cut off rows without a word
        return Sheet(sheet.title, _filled_rows(sheet), _merged_ranges(data, sheet))
    finally:
        book.close()


def _filled_rows(sheet: Any) -> tuple[Row, ...]:
    rows: list[Row] = []
    empty: object = None
    for number, cells in enumerate(sheet.iter_rows(max_col=COLUMNS_MAX), start=1):
        if number > SHEET_ROWS_MAX:
            raise InputError(f"行号超过{SHEET_ROWS_MAX}", field=_FIELD, remedy=_SAVE_AGAIN)
        if cells is empty:  # gaps are one shared tuple: a million of them must not cost a hundred million looks
            continue
        filled = {c: cell for c, raw in enumerate(cells, start=1) if (cell := _cell(raw, number, c)) is not None}
        if not filled:
            empty = cells
            continue
        rows.append(Row(number, filled))
        if len(rows) > ROWS_MAX + 10:  # the rows in and above the header
            raise InputError(f"数据超过{ROWS_MAX}行", field=_FIELD, remedy="拆成几个文件分别导入")
    return tuple(rows)


def _cell(raw: Any, row: int, column: int) -> Cell | None:
    value = raw.value
    if value is None:
        return None
    ref = f"{get_column_letter(column)}{row}"
    if raw.data_type == "f":
        return Cell(ref, "formula", "")
    if raw.data_type == "e":
        return Cell(ref, "error", str(value))
    if isinstance(value, str):
        text = (
            _CONTROL_ESCAPE.sub(lambda match: chr(int(match[1], 16)), value).replace("\r\n", "\n").replace("\r", "\n")
        )
        return Cell(ref, "text", text) if text.strip() else None
    if isinstance(value, bool):
        return Cell(ref, "bool", value)
    if isinstance(value, int | float):
        return Cell(ref, "number", value)
    if isinstance(value, dt.datetime | dt.date):
        return Cell(ref, "date", value)
    return Cell(ref, "other", str(value))


def _merged_ranges(data: bytes, sheet: Any) -> tuple[MergedRange, ...]:
    """Read the merged ranges, which openpyxl leaves out in its read-only mode."""
    merged: list[MergedRange] = []
    path = sheet._worksheet_path  # noqa: SLF001 - no public way to the part's name; a test covers it
    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(path) as part:
        for _event, element in iterparse(part):
            if element.tag == _MERGE_TAG:
                ref = element.get("ref", "")
                if len(merged) >= MERGED_RANGES_MAX:
                    raise InputError(f"合并单元格超过{MERGED_RANGES_MAX}处", field=_FIELD, remedy="取消合并单元格")
                merged.append(MergedRange(ref, *range_boundaries(ref)))
            element.clear()
    return tuple(merged)


def _damaged(error: BaseException) -> InputError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, DefusedXmlException):
            return InputError(
                "文件内含有实体定义等危险内容，已拒绝", field=_FIELD, remedy=f"核对文件来源，或{_SAVE_AGAIN}"
            )
        cause = cause.__cause__
    return InputError("文件内容已损坏，无法读取", field=_FIELD, remedy=_SAVE_AGAIN)
