"""Hostile and broken xlsx files: each is refused in Chinese, none hangs or reaches the parser unbounded."""

from __future__ import annotations

import io
import re
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Mapping

import openpyxl
import pytest
from openpyxl.worksheet.datavalidation import DataValidation

from node.documents import workbook
from node.documents.ledger import LedgerRow, read_ledger, write_ledger
from node.errors import InputError

GOOD = write_ledger([LedgerRow(row=2, number="1", title="甲"), LedgerRow(row=3, number="2", title="乙")])
SHEET_PART = "xl/worksheets/sheet1.xml"
MERGES = '<mergeCells><mergeCell ref="{}"/></mergeCells>'
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def parts(data: bytes = GOOD) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(contents: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return target.getvalue()


def changed(name: str, old: str, new: str) -> bytes:
    contents = parts()
    text = contents[name].decode()
    assert re.search(old, text)
    contents[name] = re.sub(old, lambda _match: new, text, count=1).encode()
    return packed(contents)


def without(name: str) -> bytes:
    contents = parts()
    del contents[name]
    return packed(contents)


def with_entity(name: str) -> bytes:
    bomb = '<!DOCTYPE x [<!ENTITY a "甲甲甲甲"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    return changed(name, r"(?<=\?>)\s*", "\n" + bomb)


def with_external_entity() -> bytes:
    return changed(SHEET_PART, r"(?<=\?>)\s*", '\n<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>')


def encrypted_part() -> bytes:
    data = bytearray(GOOD)
    start = 0
    while (start := data.find(b"PK\x01\x02", start)) != -1:
        data[start + 8] |= 1
        start += 4
    return bytes(data)


def zip_bomb() -> bytes:
    return packed(parts() | {"xl/media/image1.bin": bytes(201 * 1024 * 1024)})


def big_part() -> bytes:
    return packed(parts() | {"xl/sharedStrings.xml": b" " * (65 * 1024 * 1024)})


def many_parts() -> bytes:
    return packed(parts() | {f"xl/media/{n}": b"" for n in range(5_001)})


BAD = {
    "empty": (b"", "空的"),
    "text": ("事项名称\n甲".encode(), "不是xlsx"),
    "csv with bom": ("\ufeff事项名称,备注\n".encode(), "不是xlsx"),
    "html called xls": (b"<html><table></table></html>", "不是xlsx"),
    "xls": (OLE, "旧式xls"),
    "password": (OLE + "EncryptedPackage".encode("utf-16-le"), "打开密码"),
    "encrypted part": (encrypted_part(), "密码"),
    "cut short": (GOOD[: len(GOOD) // 2], "损坏"),
    "head only": (GOOD[:4], "损坏"),
    "flipped bytes": (GOOD[:600] + bytes(b ^ 0xFF for b in GOOD[600:1200]) + GOOD[1200:], "损坏"),
    "other zip": (packed({"a.txt": b"x"}), "不是xlsx"),
    "no workbook": (without("xl/workbook.xml"), "损坏"),
    "no content types": (without("[Content_Types].xml"), "不是xlsx"),
    "no sheet": (without(SHEET_PART), "没有工作表"),
    "no shared strings": (without("xl/sharedStrings.xml"), "损坏"),
    "sheet is not xml": (packed(parts() | {SHEET_PART: b"\x00\x01\x02"}), "损坏"),
    "sheet ends early": (packed(parts() | {SHEET_PART: parts()[SHEET_PART][:400]}), "损坏"),
    "string index": (changed(SHEET_PART, "<v>0</v>", "<v>99999</v>"), "损坏"),
    "negative number": (changed(SHEET_PART, "<v>0</v>", "<v>x</v>"), "损坏"),
    "bad coordinate": (changed(SHEET_PART, 'r="A1"', 'r="!!"'), "损坏"),
    "row far away": (changed(SHEET_PART, '<row r="3"', '<row r="99999999999999"'), "行号"),
    "merge without rows": (changed(SHEET_PART, "</sheetData>", "</sheetData>" + MERGES.format("A:B")), "损坏"),
    "entities in the sheet": (with_entity(SHEET_PART), "实体"),
    "entities in the workbook": (with_entity("xl/workbook.xml"), "实体"),
    "entities in the strings": (with_entity("xl/sharedStrings.xml"), "实体"),
    "entities in the types": (with_entity("[Content_Types].xml"), "实体"),
    "external entity": (with_external_entity(), "实体"),
    "many cells": (changed(SHEET_PART, "</row></sheetData>", "<c/>" * 1_000_001 + "</row></sheetData>"), "过大"),
    "many parts": (many_parts(), "过大"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    data, words = BAD[name]
    with pytest.raises(InputError) as caught:
        read_ledger(data)
    assert words in caught.value.text
    assert caught.value.remedy
    assert caught.value.field == "文件"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("make", "words"), [(zip_bomb, "解压后"), (big_part, "过大")])
def test_bombs_are_refused_before_anything_is_unpacked(make: Callable[[], bytes], words: str) -> None:
    data = make()
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=words):
            read_ledger(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(data) + 1_000_000


def test_file_size_limit() -> None:
    with pytest.raises(InputError, match="20 MiB"):
        read_ledger(GOOD + bytes(20 * 1024 * 1024))


def test_a_lie_about_the_unpacked_size_does_not_help() -> None:
    """The parser reads no more than was declared, and then the checksum is wrong."""
    data = bytearray(packed(parts() | {SHEET_PART: parts()[SHEET_PART] + b" " * 5_000_000}))
    name = SHEET_PART.encode()
    for magic, name_at, size_at in ((b"PK\x03\x04", 30, 22), (b"PK\x01\x02", 46, 24)):
        start = data.find(magic)
        while data[start + name_at : start + name_at + len(name)] != name:
            start = data.find(magic, start + 4)
        data[start + size_at : start + size_at + 4] = (300).to_bytes(4, "little")
    with pytest.raises(InputError, match="损坏"):
        read_ledger(bytes(data))


def test_a_wrong_declared_dimension_hides_no_row() -> None:
    data = changed(SHEET_PART, '<dimension ref="[^"]*"/>', '<dimension ref="A1"/>')
    assert [row.title for row in read_ledger(data).rows] == ["甲", "乙"]


def test_a_distant_empty_row_is_no_row() -> None:
    data = changed(SHEET_PART, "</sheetData>", '<row r="1048576"><c r="A1048576" s="1"/></row></sheetData>')
    assert [row.title for row in read_ledger(data).rows] == ["甲", "乙"]


def test_an_error_value_is_told_with_its_cell() -> None:
    data = changed(SHEET_PART, r'<c r="C2"[^>]*/>', '<c r="C2" t="e"><v>#REF!</v></c>')
    (error,) = read_ledger(data).errors
    assert (error.row, error.column) == (2, "工作要求")
    assert error.text.startswith("C2：是错误值")


@pytest.mark.parametrize(
    "formula",
    ['<f t="array" ref="C2">A2</f>', '<f t="shared" ref="C2:C3" si="0">A2</f>', '<f t="shared" si="9"/>', "<f/>"],
)
def test_formulas_of_every_kind_are_refused(formula: str) -> None:
    data = changed(SHEET_PART, r'<c r="C2"[^>]*/>', f'<c r="C2" t="str">{formula}<v>甲</v></c>')
    (error,) = read_ledger(data).errors
    assert (error.row, error.column) == (2, "工作要求")
    assert "公式" in error.text


def test_a_cell_beyond_the_columns_read_does_no_harm() -> None:
    data = changed(SHEET_PART, "</row></sheetData>", '<c r="ZZZ3"><v>1</v></c></row></sheetData>')
    assert len(read_ledger(data).rows) == 2


def test_files_of_office_suites_with_drop_down_lists_and_styles() -> None:
    book = openpyxl.Workbook()
    page = book.create_sheet("Sheet1", 0)
    page.append(["事项名称", "办结时限"])
    page.append(["甲", "2026-12-31"])
    choices = DataValidation(type="list", formula1='"甲,乙"')
    page.add_data_validation(choices)
    choices.add("A2:A10")
    target = io.BytesIO()
    book.save(target)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [row.title for row in read_ledger(target.getvalue()).rows] == ["甲"]


def test_openpyxl_parses_with_defusedxml() -> None:
    from openpyxl.xml import functions

    assert openpyxl.DEFUSEDXML is True
    assert functions.iterparse.__module__.startswith("defusedxml")
    assert functions.fromstring.__module__.startswith("defusedxml")


def test_merged_ranges_are_read() -> None:
    data = changed(SHEET_PART, "</sheetData>", "</sheetData>" + MERGES.format("B2:C3"))
    found = workbook.read_sheet(data, "台账").merged
    assert found == (workbook.MergedRange("B2:C3", 2, 2, 3, 3),)
