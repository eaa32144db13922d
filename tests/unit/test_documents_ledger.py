"""The ledger's form: what is read, what is refused, and that all of it is told."""

from __future__ import annotations

import datetime as dt
import sys
from io import BytesIO
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from node.documents.ledger import COLUMNS, LedgerError, LedgerRow, Step, read_ledger, write_ledger
from node.documents.text import hidden_character
from node.errors import InputError
from node.records.payload import FORBIDDEN

HEADER = ["登记编号", "事项名称*", "工作要求", "事项来源", "责任单位", "办结时限", "时限依据", "分项要求", "备注"]
FULL = LedgerRow(
    row=2,
    number="苏督〔2026〕1号",
    title="建立三级互联互通的平台",
    requirement="第一段。\n第二段。",
    source="重要文件",
    due=dt.date(2026, 12, 31),
    points=("利用政府专网", "实现全过程管理"),
    responsible="政府督查机构",
    limit_text="一般在30日内",
    remark="=不是公式",
)


def sheet(*rows: Any, name: str = "台账", header: list[Any] | None = HEADER, **merge: Any) -> bytes:
    """An xlsx file of text, numbers and dates as given; strings stay strings."""
    target = BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False}) as book:
        page = book.add_worksheet(name)
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for line, cells in enumerate([header, *rows] if header else rows):
            for place, value in enumerate(cells):
                if isinstance(value, dt.datetime | dt.date):
                    page.write_datetime(line, place, value, day)
                elif isinstance(value, tuple):
                    page.write_formula(line, place, *value)
                elif value is not None:
                    page.write(line, place, value)
        for area in merge.get("merge", ()):
            page.merge_range(area, "")
    return target.getvalue()


def line(title: object = "事项", **fields: Any) -> list[Any]:
    """A row in the order of HEADER."""
    return [fields.get(column.key) if column.key != "title" else title for column in COLUMNS[: len(HEADER)]]


def only_error(*rows: Any, **options: Any) -> LedgerError:
    result = read_ledger(sheet(*rows, **options))
    assert len(result.errors) == 1, result.errors
    return result.errors[0]


def test_round_trip() -> None:
    steps = (Step("完成方案", dt.date(2026, 3, 31)), Step("持续完善"))
    person = LedgerRow(row=4, number="", title="有人负责", leader="张某", person="王某", schedule=steps)
    rows = (FULL, LedgerRow(row=3, number="", title="只有名称"), person)
    result = read_ledger(write_ledger(rows))
    assert result.errors == ()
    assert result.rows == rows


def test_written_file_has_a_frozen_header_and_no_formulas() -> None:
    rows = [
        LedgerRow(row=2, number="1", title='=HYPERLINK("http://x")', requirement="=1+1", remark="http://example.org")
    ]
    page = openpyxl.load_workbook(BytesIO(write_ledger(rows)))["台账"]
    assert page.freeze_panes == "A2"
    assert [c.value for c in page[1]] == HEADER
    assert {c.data_type for c in page[2] if c.value is not None} == {"s"}
    assert page["A2"].value == "1"
    assert read_ledger(write_ledger(rows)).rows == tuple(rows)


def test_written_bytes_repeat() -> None:
    assert write_ledger([FULL]) == write_ledger([FULL])


def test_write_refuses_what_a_cell_cannot_hold() -> None:
    with pytest.raises(InputError, match="分项要求"):
        write_ledger([LedgerRow(row=2, number="", title="甲", points=("一" * 900,) * 100)])


@pytest.mark.parametrize(
    ("value", "due"),
    [
        (dt.date(2026, 12, 31), dt.date(2026, 12, 31)),
        (dt.datetime.combine(dt.date(2026, 12, 31), dt.time()), dt.date(2026, 12, 31)),
        ("2026-12-31", dt.date(2026, 12, 31)),
        ("2026/12/31", dt.date(2026, 12, 31)),
        ("2026/1/5", dt.date(2026, 1, 5)),
        ("2026.1.5", dt.date(2026, 1, 5)),
        ("2026-12-31前", dt.date(2026, 12, 31)),
        (" 2026年12月31日 ", dt.date(2026, 12, 31)),
        ("２０２６年１２月３１日", dt.date(2026, 12, 31)),
        ("2028-02-29", dt.date(2028, 2, 29)),
        (None, None),
        ("  ", None),
    ],
)
def test_due_read(value: Any, due: Any) -> None:
    result = read_ledger(sheet(line(due=value)))
    assert result.errors == ()
    assert result.rows[0].due == due


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2026-02-30", "不存在"),
        ("2026-13-01", "不存在"),
        ("12月31日", "看不出时限"),
        ("明天", "看不出时限"),
        ("2027-02-29", "不存在"),
        ("1999-12-31", "年份1999"),
        ("2206-12-31", "年份2206"),
        (dt.date(1999, 12, 31), "年份1999"),
        (46387, "是数字"),
        (20261231, "是数字"),
        (dt.datetime.combine(dt.date(2026, 12, 31), dt.time(17, 30)), "时刻"),
        (True, "应为日期"),
        (("=TODAY()",), "公式"),
    ],
)
def test_due_refused(value: Any, words: str) -> None:
    error = only_error(line(due=value))
    assert (error.row, error.column) == (2, "办结时限")
    assert error.text.startswith("F2：")
    assert words in error.text


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("title", None, "没有填写"),
        ("title", " \u3000 ", "没有填写"),
        ("title", "字" * 201, "201个字，超过上限200"),
        ("title", "甲\u200b乙", "U+200B"),
        ("title", "甲\u202e乙", "U+202E"),
        ("title", "甲\ufeff乙", "U+FEFF"),
        ("title", "甲\u3164乙", "U+3164"),
        ("title", "甲\x07乙", "U+0007"),
        ("title", "甲\x85乙", "U+0085"),
        ("title", ("=A1",), "公式"),
        ("title", ("=1/0", None, "#DIV/0!"), "公式"),
        ("title", True, "逻辑值"),
        ("title", dt.date(2026, 1, 1), "是日期"),
        ("number", "号" * 65, "上限64"),
        ("number", "1\n2", "换行"),
        ("requirement", "字" * 20_001, "上限20000"),
        ("requirement", "甲\u2066乙", "U+2066"),
        ("requirement", ("=B2",), "公式"),
        ("source", "字" * 101, "上限100"),
        ("responsible", "字" * 1_001, "上限1000"),
        ("limit_text", "字" * 1_001, "上限1000"),
        ("remark", "字" * 2_001, "上限2000"),
        ("points", "一\n" + "字" * 1_001, "第2条分项要求有1001个字"),
        ("points", "\n".join("点" * 3 for _ in range(101)), "101条"),
        ("points", "甲\u200d乙", "U+200D"),
    ],
)
def test_cell_refused(key: str, value: Any, words: str) -> None:
    place = [column.key for column in COLUMNS].index(key)
    good = line("好的一行", number="另")
    bad = line(remark="有内容") if key != "remark" else line()
    bad[place] = value
    result = read_ledger(sheet(good, bad))
    assert [row.title for row in result.rows] == ["好的一行"]
    assert len(result.errors) == 1
    assert result.errors[0].row == 3
    assert result.errors[0].column == HEADER[place].rstrip("*")
    assert words in result.errors[0].text


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("title", "字" * 200, "字" * 200),
        ("title", " 甲 ", "甲"),
        ("title", "第一行\n第二行", "第一行第二行"),
        ("title", "=甲", "=甲"),
        ("title", 12, "12"),
        ("number", 7.0, "7"),
        ("number", 1.5, "1.5"),
        ("requirement", "字" * 20_000, "字" * 20_000),
        ("requirement", "一\r\n二\r三\t四", "一\n二\n三\t四"),
        ("requirement", "𠮷与﨑", "𠮷与﨑"),
        ("points", "\n 甲 \n\n乙\n", ("甲", "乙")),
        ("points", "\n".join(["点" * 100] * 100), ("点" * 100,) * 100),
    ],
)
def test_cell_read(key: str, value: Any, read: Any) -> None:
    result = read_ledger(sheet(line(**{key: value})))
    assert result.errors == ()
    assert getattr(result.rows[0], key) == read


def test_every_bad_row_and_cell_is_reported_in_order() -> None:
    result = read_ledger(
        sheet(
            line("一", number="1"),
            line(None, number="2", due="明天"),
            line("三", number="1"),
            [None] * 9,
            line("四\u200b", due="2026-02-30"),
            line("五", number="5"),
        )
    )
    assert [(e.row, e.column) for e in result.errors] == [
        (3, "办结时限"),
        (3, "事项名称"),
        (4, "登记编号"),
        (6, "事项名称"),
        (6, "办结时限"),
    ]
    assert "与第2行重复" in result.errors[2].text
    assert [(row.row, row.title) for row in result.rows] == [(2, "一"), (7, "五")]


def test_number_and_text_number_are_the_same_number() -> None:
    error = only_error(line("一", number=1), line("二", number="1"))
    assert (error.row, error.column) == (3, "登记编号")


def test_header_below_a_title_with_aliases_in_any_order_and_empty_rows_between() -> None:
    result = read_ledger(
        sheet(
            ["2026年督查台账"],
            [],
            ["截止\n日期", None, "* 督查事项", "登记 编号"],
            [],
            ["2026-12-31", None, "甲", "A-1"],
            header=None,
        )
    )
    assert result.errors == ()
    assert result.rows == (LedgerRow(row=5, number="A-1", title="甲", due=dt.date(2026, 12, 31)),)


def test_unknown_double_and_nameless_columns_are_named() -> None:
    header = ["事项名称", "领导\u202e", "截止日期", "办结时限", "", "备注", "联系电话"]
    result = read_ledger(
        sheet(["甲", "张", "2026-12-31", None, None, "x", 8220], ["乙", None, None, None, "多余"], header=header)
    )
    assert [(e.row, e.column) for e in result.errors] == [(1, "领导<U+202E>"), (1, "办结时限"), (3, "E3")]
    assert "不认识的列" in result.errors[0].text
    assert "“截止日期”列重复" in result.errors[1].text
    assert "没有表头" in result.errors[2].text
    assert [(e.row, e.column) for e in result.warnings] == [(1, "联系电话")]
    assert result.rows[0].remark == "x\n联系电话：8220"


def test_missing_required_column() -> None:
    error = only_error(["1", "要求"], header=["序号", "工作要求"])
    assert (error.row, error.column) == (1, "事项名称")
    assert "缺少必填列" in error.text


def test_a_formula_in_the_header_is_an_unknown_column() -> None:
    error = only_error(["甲", "x"], header=["事项名称", ('="备"&"注"',)])
    assert (error.row, error.column) == (1, "B1")


@pytest.mark.parametrize("rows", [[["甲"], ["乙"]], [[]], [["x"]] * 10 + [["事项名称"], ["甲"]]])
def test_no_header(rows: list[list[str]]) -> None:
    with pytest.raises(InputError, match="没有表头") as caught:
        read_ledger(sheet(*rows, header=None))
    assert "事项名称" in caught.value.remedy


def test_header_without_rows() -> None:
    with pytest.raises(InputError, match="没有数据"):
        read_ledger(sheet())


def test_a_merge_over_rows_counts_for_each_row() -> None:
    rows = (["督查台账"], ["事项名称", "备注"], ["甲", "一"], ["乙", "二"])
    assert read_ledger(sheet(*rows, header=None, merge=["C1:F2"])).errors == ()
    assert read_ledger(sheet(*rows, header=None, merge=["C3:F3"])).errors == ()
    source = openpyxl.Workbook()
    page = source.worksheets[0]
    for row in (*rows[1:], ["丙", None], ["丁", None]):
        page.append(row)
    page.merge_cells("B3:B5")
    target = BytesIO()
    source.save(target)
    result = read_ledger(target.getvalue())
    assert result.errors == ()
    assert [(row.title, row.remark) for row in result.rows] == [("甲", "一"), ("乙", "二"), ("丙", "二"), ("丁", "二")]


def test_the_sheet_of_that_name_is_read_else_the_first() -> None:
    target = BytesIO()
    with xlsxwriter.Workbook(target) as book:
        book.add_worksheet("说明").write_row(0, 0, ["先看这里"])
        page = book.add_worksheet("台账")
        page.write_row(0, 0, ["事项名称"])
        page.write_row(1, 0, ["甲"])
    assert [row.title for row in read_ledger(target.getvalue()).rows] == ["甲"]
    assert [row.title for row in read_ledger(sheet(line("乙"), name="Sheet1")).rows] == ["乙"]


def test_row_limit() -> None:
    rows = [[f"事项{n}"] for n in range(10_000)]
    assert len(read_ledger(sheet(*rows, header=["事项名称"])).rows) == 10_000
    with pytest.raises(InputError, match="超过10000行"):
        read_ledger(sheet(*rows, ["又一个"], header=["事项名称"]))


def test_whatever_no_record_may_hold_no_cell_may_hold() -> None:
    forbidden = [chr(n) for n in range(sys.maxunicode + 1) if FORBIDDEN.match(chr(n))]
    assert len(forbidden) > 50
    assert all(hidden_character(char, multiline=True) == char for char in forbidden)
    assert hidden_character("督查〔2026〕1号“甲”、(乙)…—𠮷", multiline=False) is None
