"""Task lists as offices keep them: merged cells, two header rows, several units in a cell, dates in words."""

from __future__ import annotations

import datetime as dt
from io import BytesIO

import openpyxl
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from node.documents.ledger import LedgerResult, Step, read_ledger
from node.documents.tasklist import is_ordinal, read_limit, without_ordinal
from node.documents.units import read_units

TODAY = dt.date(2026, 3, 1)
Cells = list[list[object]]


def workbook(rows: Cells, *merged: str) -> bytes:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for row in rows:
        page.append(row)
    for area in merged:
        page.merge_cells(area)
    target = BytesIO()
    book.save(target)
    return target.getvalue()


def read(rows: Cells, *merged: str) -> LedgerResult:
    return read_ledger(workbook(rows, *merged), TODAY)


# Wording of 六盘水府发〔2016〕7号 and 苏政办发〔2014〕94号.
LIST: Cells = [
    ["2027年政府重点工作任务清单"],
    ["填报单位：市政府督查室", None, None, None, None, None, None, "单位：项"],
    ["序号", "重点工作任务", "具体措施", "责任单位", None, "完成时限", "责任\n领导", "备注", "联系电话"],
    [None, None, None, "牵头单位", "配合单位", None, None, None, None],
    ["一、进一步明确责任主体，建立健全政府责任体系"],
    ["（一）", "（一）界定各级政府职责", "加强跟踪督查", "市政府办", "市发展改革委、市财政局，\n市监察局",
     "2027年6月底前", "张某", "限期整改", "8220001"],
    [None, None, "强化督查反馈", "市监察局", None, "每季度末", None, None, None],
    ["（二）", "开展“大督查\n大落实”活动", None, "市政府办", "各县（区）人民政府", dt.date(2027, 12, 31),
     "李某", None, None],
    ["序号", "重点工作任务", "具体措施", "责任单位", None, "完成时限", "责任领导", "备注", None],
    ["二、进一步健全机制，强化制度保障"],
    ["（三）", "对督查中发现的问题建立整改清单", "逐项明确整改要求", "市政府督查部门", "市直各部门", "年底前",
     None, "长期坚持", None],
    ["注：本清单由市政府督查部门负责解释。"],
]  # fmt: skip
MERGED = ("A1:I1", "D3:E3", "A3:A4", "B3:B4", "C3:C4", "F3:F4", "G3:G4", "H3:H4", "I3:I4", "A5:I5", "A6:A7", "B6:B7",
          "G6:G7", "A10:I10", "A12:I12")  # fmt: skip


def test_a_real_task_list_is_read_whole() -> None:
    """R29, R33, R94: titles above, two header rows, merged cells, headings, a repeated header and a note."""
    found = read(LIST, *MERGED)
    assert found.errors == ()
    assert [(row.row, row.title, row.number) for row in found.rows] == [
        (6, "界定各级政府职责", ""), (7, "界定各级政府职责", ""), (8, "开展“大督查大落实”活动", ""),
        (11, "对督查中发现的问题建立整改清单", ""),
    ]  # fmt: skip
    first, second, third, fourth = found.rows
    assert (first.due, first.limit_text) == (dt.date(2027, 6, 30), "2027年6月底前")
    assert (second.due, second.limit_text) == (None, "每季度末")
    assert (third.due, third.limit_text) == (dt.date(2027, 12, 31), "")
    assert (fourth.due, fourth.limit_text) == (dt.date(2027, 12, 31), "年底前")
    assert first.responsible == "牵头：市政府办\n配合：市发展改革委、市财政局，\n市监察局"
    assert [tuple(unit) for unit in read_units(first.responsible)] == [
        ("市政府办", "lead"), ("市发展改革委", "assist"), ("市财政局", "assist"), ("市监察局", "assist"),
    ]  # fmt: skip
    assert [row.leader for row in found.rows] == ["张某", "张某", "李某", ""]
    assert first.requirement == "加强跟踪督查"
    assert first.remark == "限期整改\n类别：进一步明确责任主体，建立健全政府责任体系\n联系电话：8220001"
    assert fourth.remark == "长期坚持\n类别：进一步健全机制，强化制度保障"
    told = [(one.row, one.column) for one in found.warnings]
    assert told == [(4, "联系电话"), (7, "完成时限"), (11, "完成时限"), (12, "备注")]


def test_every_place_that_is_not_understood_is_named_with_its_value() -> None:
    found = read([
        ["序号", "督查事项", "承办单位", "办理时限"],
        ["1", "甲", "市财政局", "待会再说"],
        ["2", "乙", "市财政局", "2026年2月30日"],
        ["3", "丙", "市财政局", 46_387],
        ["4", None, "市财政局", "2026.12.31"],
        ["5", "丁", "市财政局", "2026.12.31"],
    ])  # fmt: skip
    assert [(one.row, one.column) for one in found.errors] == [
        (2, "办理时限"), (3, "办理时限"), (4, "办理时限"), (5, "督查事项"),
    ]  # fmt: skip
    assert "待会再说" in found.errors[0].text
    assert "2026年2月30日" in found.errors[1].text
    assert "46387" in found.errors[2].text
    assert [(row.title, row.due) for row in found.rows] == [("丁", dt.date(2026, 12, 31))]


def test_milestones_person_and_a_long_title() -> None:
    long = "对涉及多个部门、地方的落实事项，牵头部门要切实履行统筹职责。"
    long += "主动对接协办部门和地方，建立协作机制。" * 12
    found = read([
        ["任务", "时序进度", "责任人"],
        ["推进平台建设", "2026年3月底前完成方案\n6月30日前试运行\n持续完善", "王某\n李某"],
        [long, None, None],
    ])  # fmt: skip
    assert found.errors == ()
    assert found.rows[0].schedule == (
        Step("2026年3月底前完成方案", dt.date(2026, 3, 31)),
        Step("6月30日前试运行", dt.date(2026, 6, 30)),
        Step("持续完善"),
    )  # fmt: skip
    assert found.rows[0].person == "王某、李某"
    assert found.rows[1].title == "对涉及多个部门、地方的落实事项，牵头部门要切实履行统筹职责"
    assert found.rows[1].requirement == long


@pytest.mark.parametrize(
    ("text", "day", "worded"),
    [
        ("2026年12月底前", "2026-12-31", True), ("12月31日", "2026-12-31", True),
        ("2026.12.31", "2026-12-31", False),
        ("年底前", "2026-12-31", True), ("2026-12", "2026-12-31", True), ("2026年上半年", "2026-06-30", True),
        ("第三季度末", "2026-09-30", True), ("明年6月底", "2027-06-30", True), ("2028年2月", "2028-02-29", True),
        ("10月中旬", "2026-10-20", True), ("２０２６年１２月３１日", "2026-12-31", False),
        ("2026年底", "2026-12-31", True),
        ("2026年6月底前完成主体，12月底前竣工", "2026-12-31", True), ("2026-12-31前", "2026-12-31", True),
        ("每季度末", None, True), ("长期", None, True), ("每年7月15日、10月15日、1月15日前", None, True),
        ("15个工作日内", None, True), ("一周内", None, True), ("立即", None, True), ("按照文件要求", None, True),
    ],
)  # fmt: skip
def test_limits_in_words(text: str, day: str | None, worded: bool) -> None:
    limit = read_limit(text, 2026)
    assert limit is not None
    assert (limit.day and limit.day.isoformat(), limit.worded) == (day, worded)
    assert bool(limit.doubt) or limit.day is not None


@pytest.mark.parametrize("text", ["明天", "abc", "待会再说", "20261231", "月底前", "3", ""])
def test_what_is_no_limit(text: str) -> None:
    assert read_limit(text, 2026) is None


def test_a_date_without_a_year_needs_one() -> None:
    assert read_limit("12月31日", 0) is None


@given(
    st.dates(dt.date(2000, 1, 1), dt.date(2100, 12, 31)),
    st.sampled_from(["{y}年{m}月{d}日", "{y}.{m}.{d}", "{y}/{m}/{d}"]),
)
def test_every_day_in_every_form(day: dt.date, form: str) -> None:
    limit = read_limit(form.format(y=day.year, m=day.month, d=day.day), 1900)
    assert limit is not None
    assert (limit.day, limit.worded) == (day, False)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("市发展改革委牵头，市财政局、市教育局配合", "市发展改革委* 市财政局 市教育局"),
        ("牵头单位：市发展改革委\n配合单位：市财政局、市教育局", "市发展改革委* 市财政局 市教育局"),
        ("市发展改革委（牵头）、市财政局", "市发展改革委* 市财政局"),
        ("由市交通运输局负责牵头", "市交通运输局*"),
        ("人力资源和社会保障局", "人力资源和社会保障局?"),
        ("各县（区）人民政府", "各县（区）人民政府?"),
        ("市财政局/市教育局；市科技局 市司法局", "市财政局? 市教育局? 市科技局? 市司法局?"),
        ("市发改委、市财政局等相关部门", "市发改委? 市财政局?"),
        ("住建局牵头，民政局、财政局配合", "住建局* 民政局 财政局"),
        ("住建局（牵头）财政局", "住建局* 财政局"),
        ("住建局主办，民政局会办，财政局协办", "住建局* 民政局 财政局"),
        ("责任单位：住建局；参与单位：民政局、财政局", "住建局* 民政局 财政局"),
        ("住建局负责，民政局、财政局参与", "住建局* 民政局 财政局"),
        ("由住建局会同民政局、财政局办理", "住建局* 民政局 财政局"),
        ("会同县人民政府牵头，民政局配合", "会同县人民政府* 民政局"),
        ("住建局牵头，民政局、财政局按职责分工负责", "住建局* 民政局 财政局"),
        ("住建局和民政局共同牵头，人力资源和社会保障局等部门配合", "住建局* 民政局* 人力资源和社会保障局"),
        ("住建局 牵头，民政局 财政局 配合", "住建局* 民政局 财政局"),
        ("住建局，民政局、财政局配合", "住建局* 民政局 财政局"),
        ("（牵头单位：住建局；配合单位：民政局、财政局）", "住建局* 民政局 财政局"),
        ("牵头：住建局、民政局；教育局、财政局配合", "住建局* 民政局* 教育局 财政局"),
        ("牵头单位住建局，配合单位民政局", "住建局* 民政局"),
        ("1.住建局（牵头） 2.财政局", "住建局* 财政局"),
        ("各县（市、区）人民政府，各功能区管委会", "各县（市、区）人民政府? 各功能区管委会?"),
        ("住建局牵头，住建局、财政局落实", "住建局* 财政局"),
        ("", ""),
    ],
)
def test_units_in_one_cell(text: str, units: str) -> None:
    """R33: one leads, the others assist; ? = the cell does not say."""
    marks = {"lead": "*", "assist": "", "": "?"}
    assert " ".join(unit.name + marks[unit.role] for unit in read_units(text)) == units


UNITS = st.lists(
    st.sampled_from([
        "住建局", "市民政局", "县财政局", "发展改革委", "人力资源和社会保障局", "县残疾人联合会", "市协同创新中心",
        "各县（市、区）人民政府", "县政府办", "公安局（交警大队）", "市卫生和计划生育委员会",
    ]), min_size=2, max_size=6, unique=True,
)  # fmt: skip
WRITTEN = st.sampled_from([
    "{L}牵头，{A}配合", "{L}主办，{A}协办", "{L}主办；{A}会办", "牵头单位：{L}；配合单位：{A}", "牵头：{L}\n配合：{A}",
    "主办单位：{L} 协办单位：{A}", "责任单位：{L}；参与单位：{A}", "{L}负责，{A}参与", "{L}共同牵头，{A}等部门配合",
    "由{L}牵头负责，{A}按职责分工配合", "{L}为牵头单位，{A}为配合单位", "{L}（牵头）、{A}", "{L}(主办){A}",
    "（牵头）{L}、（配合）{A}", "由{L}牵头，会同{A}办理", "{L}牵头，{A}按职责分工负责", "牵头单位{L}，配合单位{A}",
    "（牵头单位：{L}；配合单位：{A}）", "{L}，{A}参加", "{L}牵头，{A}协助落实",
])  # fmt: skip


@given(UNITS, st.integers(1, 5), WRITTEN, st.sampled_from(["、", "，", " "]))
def test_every_unit_of_a_cell_leads_or_assists_as_the_cell_says(
    units: list[str], leading: int, written: str, between: str
) -> None:
    """R33: each unit once, in exactly one of the two; none invented."""
    assume("、" in written or "{L}，{A}" not in written or between == "、")
    leading = 1 if written.startswith(("{L}（", "{L}(", "（牵头）", "{L}，{A}")) else min(leading, len(units) - 1)
    assume("{L}，{A}" not in written or len(units) > 2)
    lead, assist = units[:leading], units[leading:]
    text = written.format(L=between.join(lead), A=between.join(assist))
    found = read_units(text)
    assert [one.name for one in found if one.role == "lead"] == lead, text
    assert [one.name for one in found if one.role == "assist"] == assist, text
    assert len(found) == len(units), text


@given(
    st.lists(
        st.sampled_from([
            *"、，；：()（）【】 \n/。会同等和及由一1.", "牵头", "配合", "主办", "会办", "责任", "单位", "负责", "会同",
            "甲局", "乙委", "丙县",
        ]), max_size=30,
    ).map("".join)
)  # fmt: skip
@example("：(牵头甲局)")
@example("乙委、：（牵头甲局）")
@example("乙委（牵头，甲局配合）")
def test_whatever_the_cell_says_no_unit_is_invented(text: str) -> None:
    found = read_units(text)
    assert len({one.name for one in found}) == len(found)
    assert not found or len({one.role == "" for one in found}) == 1
    for unit in ("甲局", "乙委", "丙县"):
        assert any(unit in one.name for one in found) or unit not in text
    assert all(one.name in text for one in found)


def test_a_cell_under_lead_that_says_itself_who_leads_stays_as_it_is() -> None:
    """R33: 责任单位（原文） is the text of the cell; nobody leads who is said to assist."""
    cells = ["住建局牵头，民政局、财政局配合", "住建局（牵头）、财政局", "住建局、民政局（配合）", "住建局"]
    rows: Cells = [["序号", "工作任务", "责任单位", None], [None, None, "牵头单位", "配合单位"]]
    rows += [[None, f"事项{place}", cell, "审计局" if place == 3 else None] for place, cell in enumerate(cells)]
    found = read(rows, "C1:D1", "A1:A2", "B1:B2")
    assert (found.errors, found.warnings) == ((), ())
    assert [row.responsible for row in found.rows] == [
        cells[0], cells[1], cells[2], "牵头：住建局\n配合：审计局",
    ]  # fmt: skip
    assert [[tuple(unit) for unit in read_units(row.responsible)] for row in found.rows] == [
        [("住建局", "lead"), ("民政局", "assist"), ("财政局", "assist")], [("住建局", "lead"), ("财政局", "assist")],
        [("住建局", "lead"), ("民政局", "assist")], [("住建局", "lead"), ("审计局", "assist")],
    ]  # fmt: skip
    written = ["住建局牵头，民政局、财政局配合", "住建局、民政局", "主办：住建局"]
    below: Cells = [[cell, cell] for cell in written]
    again = read([["工作任务", "责任单位"], *below])
    assert [row.responsible for row in again.rows] == written


def test_serial_numbers_count_rows_and_are_no_registration_number() -> None:
    assert all(is_ordinal(text) for text in ("1", "（一）", "三、", "②", "1.2"))
    assert not any(is_ordinal(text) for text in ("94-01", "苏督〔2026〕1号"))
    assert without_ordinal("（一）推进") == "推进"
    assert without_ordinal("1.5万亩高标准农田") == "1.5万亩高标准农田"
    found = read([["序号", "事项"], [1, "甲"], ["94-01", "乙"]])
    assert [row.number for row in found.rows] == ["", "94-01"]


@pytest.mark.parametrize("header", ["牵头单位\n配合单位", "牵头单位、配合单位", "*牵头单位\n（空）"])
def test_a_header_cell_that_names_lead_and_assistants_together(header: str) -> None:
    """R33: the first line of each cell leads, those below assist; one line is doubtful; marks in a cell go before."""
    rows: Cells = [
        ["序号", "工作任务", header, "完成时限"],
        [1, "甲", "市发展改革委\n市财政局、市住建局\n市审计局", "年底前"], [2, "乙", "市教育局", "年底前"],
        [3, "丙", "市财政局配合\n市民政局牵头", "年底前"],
    ]  # fmt: skip
    found = read(rows)
    if "（空）" in header:
        assert [row.responsible for row in found.rows] == ["", "", ""]
        return
    assert found.errors == ()
    assert [row.responsible for row in found.rows] == [
        "牵头：市发展改革委\n配合：市财政局、市住建局\n市审计局", "市教育局", "市财政局配合\n市民政局牵头",
    ]  # fmt: skip
    assert "分两行写" in next(one.text for one in found.warnings if one.row == 3 and "行" in one.text)
