"""The State Council's notice as a file: all of it or nothing."""

from io import BytesIO

import pytest
import xlsxwriter

from node.documents.calendars import read_notice
from node.errors import InputError
from tests.unit.rules.days import d, iso, official

# Invented: nobody knows 2027 yet. The December before stands in it, as in 2007 and 2011.
ROWS = [
    ("2026-12-31", "放假", "元旦"), ("2027-01-01", "放假", "元旦"), ("2027-01-02", "放假", "元旦"),
    ("2026/12/26", "上班", "元旦"),
    ("2027年2月5日", "放假", "春节"), ("2027.2.8", "放假", "春节"), ("2027-02-20", "上班", "春节"),
    ("2027-04-05", "放假", "清明节"), ("2027-05-03", "放假", "劳动节"), ("2027-06-09", "放假", "端午节"),
    ("2027-10-01", "放假", "国庆节、中秋节"), ("2027-10-09", "上班", "国庆节"),
]  # fmt: skip


def csv_of(rows, encoding="utf-8") -> bytes:
    return "\r\n".join(",".join(row) for row in [("日期", "类型", "节日"), *rows]).encode(encoding)


def xlsx_of(rows) -> bytes:
    stream = BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    sheet = book.add_worksheet("节假日安排")
    for number, row in enumerate([("日期", "类型", "节日"), *rows]):
        for column, text in enumerate(row):
            sheet.write_string(number, column, text)
    book.close()
    return stream.getvalue()


@pytest.mark.parametrize("data", [csv_of(ROWS), csv_of(ROWS, "utf-8-sig"), csv_of(ROWS, "gb18030"), xlsx_of(ROWS)])
def test_a_notice_becomes_the_next_version(data) -> None:
    calendar = read_notice(data, official())
    assert calendar.version == 2
    assert calendar.years == official().years | {2027}
    assert calendar.is_known(d("2027-01-01"))
    assert not calendar.is_working_day(d("2026-12-31"))
    assert calendar.is_working_day(d("2026-12-26"))
    assert not calendar.is_working_day(d("2027-02-05"))
    assert calendar.is_working_day(d("2027-02-20"))
    assert not calendar.is_working_day(d("2027-01-02"))  # a Saturday, listed though it is off anyway
    assert not calendar.is_working_day(d("2026-10-01"))  # the year before is kept
    assert {iso(day) for day in calendar.off - official().off} >= {"2026-12-31", "2027-10-01"}


def test_titles_may_stand_above_the_header() -> None:
    """As in a task list: the header is the first row that names the columns; rows keep their numbers in the file."""
    titles = [("国务院办公厅关于2027年部分节假日安排的通知", "", ""), ("国办发明电〔2026〕7号", "", "")]
    header = ("日 期", "类型", "节日")
    book = xlsxwriter.Workbook(stream := BytesIO(), {"in_memory": True})
    sheet = book.add_worksheet("Sheet1")
    for number, row in enumerate([*titles, header, *ROWS]):
        for column, text in enumerate(row):
            sheet.write_string(number, column + 1, text)
    book.close()
    titled_csv = "\r\n".join(",".join(row) for row in [*titles, header, *ROWS]).encode()
    for data in (stream.getvalue(), titled_csv):
        assert read_notice(data, official()) == read_notice(csv_of(ROWS), official())
    with pytest.raises(InputError, match="第16行 日期「明天」"):
        read_notice(titled_csv + "\r\n明天,放假,元旦".encode(), official())
    with pytest.raises(InputError, match="没有写全列名的表头，缺少列节日"):
        read_notice("通知\r\n日期,类型\r\n2027-01-01,放假".encode(), official())


def test_a_second_notice_of_the_year_replaces_it_wholly() -> None:
    first = read_notice(csv_of(ROWS), official())
    again = [row for row in ROWS if row[0] not in {"2027-02-20", "2027.2.8"}]
    second = read_notice(csv_of(again), first)
    assert second.version == 3
    assert second.is_working_day(d("2027-02-08"))
    assert not second.is_working_day(d("2027-02-20"))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("2027-13-01", "放假", "元旦"), "第14行 日期「2027-13-01」：没有这一天"),
        (("明天", "放假", "元旦"), "第14行 日期「明天」：写成2027-01-01或2027年1月1日"),
        (("", "放假", "元旦"), "第14行 日期：没有填写"),
        (("1027-01-04", "放假", "元旦"), "第14行 日期「1027-01-04」：年份应在2000至2099之间"),
        (("2027-01-04", "休息", "元旦"), "第14行 类型「休息」：应为放假或上班"),
        (("2027-01-04", "上班", "元旦"), "第14行 类型：2027-01-04是周一至周五，本来上班"),
        (("2027-01-04", "放假", ""), "第14行 节日：没有填写"),
        (("2027-01-04", "放假", "元\u200b旦"), "第14行 节日：含有不可见字符U+200B"),
        (("2027-1-1", "放假", "元旦"), "第14行 日期：与第3行重复"),
        (("2026-11-04", "放假", "元旦"), "第14行 日期：不属于2027年的安排"),
    ],
)
def test_a_bad_row_refuses_the_whole_file(row, said) -> None:
    for data in (csv_of([*ROWS, row]), xlsx_of([*ROWS, row])):
        with pytest.raises(InputError) as caught:
            read_notice(data, official())
        assert caught.value.text == said
        assert caught.value.remedy == "改正后重新导入；本次没有导入任何一行"


def test_every_bad_row_is_named() -> None:
    with pytest.raises(InputError) as caught:
        read_notice(csv_of([*ROWS, ("x", "放假", "元旦"), ("2027-01-04", "y", "元旦")]), official())
    assert caught.value.text == "第14行 日期「x」：写成2027-01-01或2027年1月1日；第15行 类型「y」：应为放假或上班"


def test_half_a_notice_is_none() -> None:
    with pytest.raises(InputError) as caught:
        read_notice(csv_of([row for row in ROWS if row[2] not in {"端午节", "清明节"}]), official())
    assert caught.value.text == "全文：2027年的安排缺少清明节、端午节"


def test_a_december_before_needs_its_year() -> None:
    later = [(day.replace("2027", "2029").replace("2026", "2028"), kind, name) for day, kind, name in
             [("2026-12-29", "放假", "元旦"), *((f"2027-0{n}-0{n}", "放假", name) for n, name in
              enumerate(("元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节"), start=1))]]  # fmt: skip
    with pytest.raises(InputError) as caught:
        read_notice(csv_of(later), official())
    assert caught.value.text == "第2行 日期：2028年尚无日历，应先导入2028年的安排"


@pytest.mark.parametrize(
    "data",
    [b"", "日期,类型\r\n".encode(), b"PK\x03\x04rubbish", b"\x00\xff\xfe\x81", csv_of([ROWS[0]] * 300),
     b"x" * (3 * 1024 * 1024), '日期,类型,节日\r\n"2027'.encode(), csv_of([])],
)  # fmt: skip
def test_what_is_no_notice_is_refused(data) -> None:
    with pytest.raises(InputError) as caught:
        read_notice(data, official())
    assert caught.value.remedy
