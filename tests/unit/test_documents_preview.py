"""A look at xlsx and docx files: what is shown, what is left out and said, hostile files (W9)."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
import zlib
from collections.abc import Callable

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.documents import package, parts, preview_sheet, preview_text
from node.documents.preview_sheet import BookView, read_book
from node.documents.preview_text import CellView, Paragraph, TableView, read_text
from node.errors import InputError

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
RELATED = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATION = '<Relationship Id="{}" Type="' + OFFICE + '/{}" Target="{}"{}/>'
MIB = 1024 * 1024


def packed(contents: dict[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return target.getvalue()


def docx_parts(body: str) -> dict[str, str | bytes]:
    return {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": RELATED.format(RELATION.format("r1", "officeDocument", "word/document.xml", "")),
        "word/_rels/document.xml.rels": RELATED.format(
            RELATION.format("r1", "styles", "styles.xml", "")
            + RELATION.format("r2", "image", "http://evil.example/x.png", ' TargetMode="External"')
        ),
        "word/styles.xml": f'<w:styles {W}><w:style w:styleId="2"><w:name w:val="heading 2"/></w:style></w:styles>',
        "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
    }


def docx(body: str) -> bytes:
    return packed(docx_parts(body))


def para(text: str, more: str = "") -> str:
    return f"<w:p>{more}<w:r><w:t>{text}</w:t></w:r></w:p>"


def xlsx_parts(rows: str, strings: str = "") -> dict[str, str | bytes]:
    sheet = f'<sheet name="台账" sheetId="1" xmlns:r="{OFFICE}" r:id="r1"/>'
    return {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": RELATED.format(RELATION.format("r1", "officeDocument", "/xl/workbook.xml", "")),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}"><sheets>{sheet}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": RELATED.format(
            RELATION.format("r1", "worksheet", "worksheets/sheet1.xml", "")
            + RELATION.format("r2", "sharedStrings", "sharedStrings.xml", "")
            + RELATION.format("r3", "externalLink", "http://evil.example/", ' TargetMode="External"')
        ),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
    }


def xlsx(rows: str, strings: str = "") -> bytes:
    return packed(xlsx_parts(rows, strings))


def made(fill: Callable[[openpyxl.Workbook], None]) -> BookView:
    book, target = openpyxl.Workbook(), io.BytesIO()
    fill(book)
    book.save(target)
    return read_book(target.getvalue())


def texts(book: BookView) -> list[tuple[str, ...]]:
    return [row.cells for row in book.sheets[0].rows]


def test_a_sheet_shows_what_its_program_shows() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        sheet = book.active
        assert sheet is not None
        sheet.title = "督查台账"
        sheet.append(["2026年督查台账"])
        at = dt.datetime.fromisoformat("2026-11-22 08:30")
        sheet.append(["编号", 12345678901, at.date(), at, 0.125, 1234.5, True])
        sheet["E2"].number_format, sheet["F2"].number_format = "0.0%", "#,##0.00"
        sheet["A4"], sheet["B4"] = "<b>第一行\n第二行</b>", "=1+1"
        book.create_sheet("藏起来的").sheet_state = "hidden"

    found = made(fill)
    assert found.sheets[0].name == "督查台账"
    assert found.sheets[0].columns == tuple("ABCDEFG")
    assert [row.number for row in found.sheets[0].rows] == [1, 2, 4]
    assert found.sheets[0].rows[0].heading == "2026年督查台账"
    assert texts(found)[1:] == [
        ("编号", "12345678901", "2026-11-22", "2026-11-22 08:30:00", "12.5%", "1,234.50", "TRUE"),
        ("<b>第一行\n第二行</b>", "（公式，没有保存的结果）", "", "", "", "", ""),
    ]
    assert found.left_out == ("另有1张隐藏的工作表未显示",)


def test_a_formula_is_its_saved_result_and_never_its_text() -> None:
    cells = (
        '<c r="A1"><f>HYPERLINK("http://evil.example","x")</f><v>3</v></c>'
        '<c r="B1" t="str"><f>cmd|\' /C calc\'!A0</f><v>=cmd|\' /C calc\'!A0</v></c>'
        '<c r="C1" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
        '<c r="D1" t="inlineStr"><is><t>甲</t><rPh><t>jia</t></rPh></is></c>'
        '<c r="E1"><v>1e400</v></c><c r="F1" t="s"><v>9</v></c>'
    )
    found = texts(read_book(xlsx(f'<row r="1">{cells}</row>', "<si><t>x</t></si>")))
    assert found == [("3", "=cmd|' /C calc'!A0", "#DIV/0!", "甲", "inf", "（读不出）")]


def test_what_exceeds_the_bounds_of_a_look_is_left_out_and_said() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        sheet = book.active
        assert sheet is not None
        for row in range(preview_sheet.ROWS_MAX + 1):
            sheet.append([f"第{row}行", "字" * 1_001])
        sheet.cell(1, preview_sheet.COLUMNS_MAX + 1, "右")
        for number in range(preview_sheet.SHEETS_MAX):
            book.create_sheet(f"表{number}")

    found = made(fill)
    first = found.sheets[0]
    assert len(found.sheets) == preview_sheet.SHEETS_MAX
    assert found.left_out == ("只显示前5张工作表，另有1张未显示",)
    assert sum(len(text) for row in first.rows for text in row.cells) <= preview_sheet.CHARS_MAX
    assert first.left_out == (
        f"只显示前{len(first.rows)}行，后面的未显示", "只显示前40列，右边的未显示", "超过1000字的单元格只显示开头",
    )  # fmt: skip
    assert len(first.rows) == 198  # of 1,005 characters each


@pytest.mark.parametrize(("count", "said"), [(preview_sheet.ROWS_MAX, False), (preview_sheet.ROWS_MAX + 1, True)])
def test_exactly_as_many_rows_as_are_shown_leave_nothing_out(count: int, said: bool) -> None:
    rows = "".join(f'<row><c t="str"><v>{number}</v></c></row>' for number in range(count))
    sheet = read_book(xlsx(rows)).sheets[0]
    assert len(sheet.rows) == preview_sheet.ROWS_MAX
    assert bool(sheet.left_out) == said


def test_a_large_file_costs_no_more_than_what_is_shown() -> None:
    """Huge shared strings and a sheet of 200,000 rows: read as far as is shown, and no further."""
    strings = "<si><t>要的</t></si>" + "<si><t>" + "甲" * MIB + "</t></si>" + "<si><t>x</t></si>" * 400_000
    row = '<row><c t="s"><v>0</v></c></row>'
    found = read_book(xlsx(row * 200_000, strings))
    assert texts(found)[0] == ("要的",)
    assert found.sheets[0].left_out == ("只显示前200行，后面的未显示",)
    # A string far behind: what it costs is bounded, what is not reached is said in its place.
    far = read_book(xlsx('<row><c t="s"><v>399999</v></c><c t="s"><v>0</v></c></row>', strings))
    assert texts(far)[0][1] == "要的"


def test_a_part_that_unpacks_for_ever_is_read_to_a_bound() -> None:
    spaces = b" " * (60 * MIB)
    body = xlsx_parts("")
    body["xl/worksheets/sheet1.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode() + spaces
    assert read_book(packed(body)).sheets[0].left_out == ("只显示前0行，后面的未显示",)
    words = docx_parts("")
    words["word/document.xml"] = f"<w:document {W}><w:body>{para('在前')}".encode() + spaces
    found = read_text(packed(words))
    assert (found.blocks, found.left_out) == ((Paragraph("在前"),), ("文件较长，只显示开头",))


def test_a_document_is_its_paragraphs_and_tables() -> None:
    body = (
        para("关于整治河道的报告", '<w:pPr><w:pStyle w:val="2"/><w:tabs><w:tab/></w:tabs></w:pPr>')
        + "<w:p><w:r><w:t>一、</w:t><w:tab/><w:t>进展</w:t><w:br/><w:t>&lt;b&gt;</w:t></w:r>"
        "<w:del><w:r><w:delText>删去的</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>移走的</w:t></w:r></w:moveFrom>"
        "<w:r><w:instrText>INCLUDEPICTURE http://evil.example</w:instrText></w:r>"
        "<w:r><w:drawing><w:t>图中</w:t></w:drawing><w:pict/></w:r>"
        "<w:hyperlink><w:r><w:t>链接</w:t></w:r></w:hyperlink></w:p><w:p/>"
        "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='2'/></w:tcPr>" + para("合并") + "</w:tc></w:tr>"
        "<w:tr><w:tc>" + para("甲") + para("乙") + "</w:tc><w:tc><w:tbl><w:tr><w:tc>" + para("套")
        + "</w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>"
    )
    found = read_text(docx(body))
    assert found.blocks == (
        Paragraph("关于整治河道的报告", 2), Paragraph("一、\t进展\n<b>链接"),
        TableView(((CellView("合并", 2),), (CellView("甲\n乙"), CellView("套")))),
    )  # fmt: skip
    assert found.left_out == ("图片、文本框等2处未显示",)


def test_a_long_document_is_shown_to_a_bound() -> None:
    many = read_text(docx(para("字") * (preview_text.BLOCKS_MAX + 1)))
    assert (len(many.blocks), many.left_out) == (preview_text.BLOCKS_MAX, ("文件较长，只显示开头",))
    long = read_text(docx(para("字" * (preview_text.CHARS_MAX + 5))))
    assert long.blocks == (Paragraph("字" * preview_text.CHARS_MAX),)
    assert long.left_out
    row = "<w:tr>" + f"<w:tc>{para('格')}</w:tc>" * 60 + "</w:tr>"
    table = read_text(docx(f"<w:tbl>{row * 600}</w:tbl>"))
    shown = table.blocks[0]
    assert isinstance(shown, TableView)
    assert (len(shown.rows), len(shown.rows[0])) == (preview_text.ROWS_MAX, preview_text.COLUMNS_MAX)
    assert table.left_out == ("文件较长，只显示开头", "表格只显示前40列")
    exact = read_text(docx(para("字") * preview_text.BLOCKS_MAX))
    assert not exact.left_out


def test_characters_that_deceive_are_not_shown() -> None:
    assert read_text(docx(para("甲\u202etxt.exe\u2066乙\x85"))).blocks == (Paragraph("甲txt.exe乙"),)
    found = texts(read_book(xlsx('<row><c t="str"><v>a_xD800_b_x000D_\n\u202e</v></c></row>')))
    assert found == [("ab\n",)]
    "".join(found[0]).encode()


def bomb() -> bytes:
    return packed(xlsx_parts("") | {"xl/media/image1.bin": bytes(201 * MIB)})


def many_entries() -> bytes:
    return b"PK\x03\x04" + b"PK\x01\x02" * (2 * package.PARTS_MAX + 1)


def without(part: str) -> bytes:
    return packed({name: content for name, content in docx_parts("").items() if name != part})


def with_body(document: str) -> bytes:
    return packed(docx_parts("") | {"word/document.xml": document})


def entities_in_strings() -> bytes:
    return packed(xlsx_parts('<row><c t="s"><v>0</v></c></row>') | {"xl/sharedStrings.xml": f"{ENTITY}<sst/>"})


ENTITY = '<!DOCTYPE x [<!ENTITY a "甲甲"><!ENTITY b "&a;&a;&a;">]>'
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
GOOD_X, GOOD_D = xlsx("<row><c><v>1</v></c></row>"), docx(para("甲"))
BAD: dict[str, tuple[Callable[[bytes], object], Callable[[], bytes], str]] = {
    "empty": (read_book, lambda: b"", "空的"),
    "a page called xlsx": (read_book, lambda: b"<html><script>alert(1)</script></html>", "不是xlsx"),
    "old": (read_text, lambda: OLE, "旧式doc"),
    "password": (read_text, lambda: OLE + "EncryptedPackage".encode("utf-16-le"), "密码"),
    "cut short": (read_book, lambda: GOOD_X[: len(GOOD_X) // 2], "损坏"),
    "another zip": (read_text, lambda: packed({"a.txt": "x"}), "不是docx"),
    "docx called xlsx": (read_book, lambda: GOOD_D, "不是xlsx"),
    "xlsx called docx": (read_text, lambda: GOOD_X, "不是docx"),
    "no relations": (read_text, lambda: packed({"[Content_Types].xml": TYPES}), "不是docx"),
    "part missing": (read_text, lambda: without("word/document.xml"), "损坏"),
    "not xml": (read_book, lambda: packed(xlsx_parts("") | {"xl/worksheets/sheet1.xml": b"\0\1"}), "损坏"),
    "ends early": (read_text, lambda: with_body(f"<w:document {W}><w:body>"), "损坏"),
    "entities": (read_text, lambda: with_body(f"{ENTITY}<x>&b;</x>"), "危险"),
    "entities in strings": (read_book, entities_in_strings, "危险"),
    "zip bomb": (read_book, bomb, "解压后"),
    "list of parts": (read_book, many_entries, "过大"),
    "too large": (read_text, lambda: b"PK\x03\x04" + bytes(package.FILE_BYTES_MAX), "20 MiB"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_says_so(name: str) -> None:
    read, make, words = BAD[name]
    with pytest.raises(InputError) as caught:
        read(make())
    assert words in caught.value.text


def test_what_the_parser_itself_keeps_is_bounded() -> None:
    """Nesting and a tag without end cost memory in the parser, whatever a target keeps."""
    with pytest.raises(InputError):
        read_text(docx("<w:sdt>" * 300 + para("甲") + "</w:sdt>" * 300))
    assert read_text(docx("<w:sdt>" * 200 + para("甲") + "</w:sdt>" * 200)).blocks == (Paragraph("甲"),)
    found = read_text(with_body(f"<w:document {W}><w:body>{para('甲')}<w:x a='" + "y" * (8 * MIB)))
    assert (found.blocks, found.left_out) == ((Paragraph("甲"),), ("文件较长，只显示开头",))


def test_reading_ends_when_its_time_is_spent() -> None:
    with parts.opened(GOOD_D, "docx", parts.Budget(cpu_seconds_max=-1)) as file:
        body = preview_text._Body({})
        assert file.read(file.main("docx"), body) is False
        assert (body.blocks, body.is_one) == ([], False)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([GOOD_X, GOOD_D]), st.integers(0, 4_000), st.binary(min_size=1, max_size=8))
def test_damage_anywhere_is_an_input_error_or_harmless(good: bytes, at: int, junk: bytes) -> None:
    at %= len(good)
    data = good[:at] + junk + good[at + len(junk) :]
    for read in (read_book, read_text):
        try:
            read(data)
        except InputError as error:
            assert error.text  # noqa: PT017 - either outcome is right


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["word/document.xml", "xl/worksheets/sheet1.xml", "xl/workbook.xml", "_rels/.rels"]), st.data())
def test_damage_within_a_part_is_an_input_error_or_harmless(part: str, data: st.DataObject) -> None:
    contents = (docx_parts(para("甲") * 3) | xlsx_parts("")) | {"_rels/.rels": docx_parts("")["_rels/.rels"]}
    if part.startswith("xl/"):
        contents |= xlsx_parts('<row r="1"><c r="A1" t="s" s="1"><v>0</v></c></row>', "<si><t>x</t></si>")
    text = contents[part]
    assert isinstance(text, str)
    at = data.draw(st.integers(0, len(text)))
    junk = data.draw(st.text("<>/&;=\"' 09rstAZ-!甲", max_size=6))
    contents[part] = text[:at] + junk + text[at + len(junk) :]
    for read in (read_book, read_text):
        try:
            read(packed(contents))
        except InputError as error:
            assert error.text  # noqa: PT017 - either outcome is right


def test_a_stored_stream_that_lies_about_its_checksum_is_refused() -> None:
    data = bytearray(packed(docx_parts(para("甲"))))
    crc = zlib.crc32(str(docx_parts(para("甲"))["word/document.xml"]).encode()).to_bytes(4, "little")
    assert data.count(crc) == 2
    with pytest.raises(InputError):
        read_text(bytes(data).replace(crc, b"\1\2\3\4"))
