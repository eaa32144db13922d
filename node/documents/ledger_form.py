"""The ledger's form: its columns under all the names offices give them, its rows as values, and how it is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO

import xlsxwriter

from node.errors import InputError
from node.records.limits import NAME_CHARS_MAX, TEXT_CHARS_MAX, TITLE_CHARS_MAX

SHEET_NAME = "台账"
CELL_CHARS_MAX = 32_767  # Excel's own limit
NUMBER_CHARS_MAX = 64
_BASE_COLUMNS = 9  # always written; the others only where some row has them


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
    Column("number", "登记编号", ("编号", "事项编号", "督查编号"), NUMBER_CHARS_MAX, multiline=False, width=12),
    Column(
        "title", "事项名称",
        ("事项", "督查事项", "标题", "任务", "工作任务", "重点任务", "主要任务", "任务名称", "工作事项",
         "交办事项", "议定事项", "督办事项", "项目名称", "重点工作", "重点工作任务"),
        TITLE_CHARS_MAX, multiline=False, width=32,
    ),
    Column(
        "requirement", "工作要求",
        ("事项内容", "任务内容", "工作内容", "具体内容", "主要内容", "具体任务", "目标任务", "工作目标"),
        TEXT_CHARS_MAX, multiline=True, width=60,
    ),
    Column("source", "事项来源", ("来源", "任务来源"), 100, multiline=False, width=14),
    Column(
        "responsible", "责任单位",
        ("承办单位", "责任主体", "责任部门", "承办部门", "实施单位", "落实单位", "办理单位"), 1_000, multiline=True,
        width=24,
    ),
    Column(
        "due", "办结时限",
        ("截止日期", "完成时限", "截止时间", "完成时间", "办理时限", "时限", "时间要求", "整改时限", "时限要求"),
        1_000, multiline=True, width=12,
    ),
    Column("limit_text", "时限依据", (), 1_000, multiline=True, width=30),
    Column("points", "分项要求", ("要点",), CELL_CHARS_MAX, multiline=True, width=50),
    Column("remark", "备注", ("说明",), 2_000, multiline=True, width=30),
    Column(
        "leader", "牵头领导", ("责任领导", "分管领导", "包保领导", "市领导", "县领导", "领导"), NAME_CHARS_MAX,
        multiline=False, width=12,
    ),
    Column("person", "责任人", ("具体责任人",), NAME_CHARS_MAX, multiline=False, width=12),
    Column(
        "schedule", "时序进度", ("进度安排", "节点要求", "进度要求", "阶段目标", "序时进度"), TEXT_CHARS_MAX,
        multiline=True, width=30,
    ),
)  # fmt: skip
# Read only: what they say goes into 责任单位, 工作要求, or nowhere (a row's number in the list).
INPUTS = (
    Column(
        "lead", "牵头单位", ("牵头部门", "主办单位", "主办部门", "主责单位", "主责部门", "牵头责任单位"), 1_000,
        multiline=True, width=24,
    ),
    Column(
        "assist", "配合单位",
        ("配合部门", "协办单位", "协办部门", "会办单位", "会办部门", "参与单位", "参与部门", "协同单位", "协助单位",
         "参加单位"),
        1_000, multiline=True, width=24,
    ),
    Column(
        "measures", "工作措施", ("具体措施", "主要措施", "落实措施", "推进措施", "工作举措", "具体举措"),
        TEXT_CHARS_MAX, multiline=True, width=40,
    ),
    Column("ordinal", "序号", ("项次", "序"), NUMBER_CHARS_MAX, multiline=False, width=6),
)  # fmt: skip
BY_NAME = {name: column for column in (*COLUMNS, *INPUTS) for name in (column.name, *column.aliases)}
TITLE = COLUMNS[1]


@dataclass(frozen=True, slots=True)
class Step:
    """One 节点 of 时序进度."""

    title: str
    due: dt.date | None = None


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
    leader: str = ""
    person: str = ""
    schedule: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerError:
    """What is wrong in one place of the file; ``column`` is the header as the file has it."""

    row: int
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class LedgerResult:
    """The good rows, all errors, and what somebody should look at again; each in the order of the file."""

    rows: tuple[LedgerRow, ...]
    errors: tuple[LedgerError, ...]
    warnings: tuple[LedgerError, ...] = ()


def write_ledger(rows: Iterable[LedgerRow]) -> bytes:
    """Write ``rows`` as an xlsx file that `read_ledger` reads back: header frozen, texts as text, dates as dates.

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
        listed = list(rows)
        columns = [
            column for place, column in enumerate(COLUMNS)
            if place < _BASE_COLUMNS or any(getattr(row, column.key) for row in listed)
        ]  # fmt: skip
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
            sheet.write_string(0, place, column.name + ("*" if column is TITLE else ""), heading)
        sheet.freeze_panes(1, 0)
        for line, row in enumerate(listed, start=1):
            for place, (column, text) in enumerate(zip(columns, _texts(row, columns), strict=True)):
                if column.key == "due" and row.due is not None:
                    sheet.write_datetime(line, place, dt.datetime.combine(row.due, dt.time()), date_format)
                elif not text:
                    sheet.write_blank(line, place, None, text_format)
                elif sheet.write_string(line, place, text, text_format) != 0:
                    raise InputError(
                        f"第{line}个事项的{column.name}超过一个单元格的容量（{CELL_CHARS_MAX}字）", field=column.name
                    )
    return target.getvalue()


def _texts(row: LedgerRow, columns: Iterable[Column]) -> Iterator[str]:
    for column in columns:
        if column.key == "points":
            yield "\n".join(row.points)
        elif column.key == "schedule":
            steps = (f"{step.due.isoformat()} {step.title}" if step.due else step.title for step in row.schedule)
            yield "\n".join(steps)
        else:
            yield "" if column.key == "due" else str(getattr(row, column.key))
