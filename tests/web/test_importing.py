"""批量导入: preview, confirm, once; hostile files (R30, W10, W14)."""

import datetime as dt
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from bs4 import BeautifulSoup

from node.documents.ledger import LedgerRow, read_ledger, write_ledger
from node.documents.ledger_out import OutRow, write_book
from node.errors import InputError
from node.services.commands import inquire
from node.services.matters.desk import Caller
from tests.web.desk import Browser, Desk, soup

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def ledger(*titles: str, number: str = "") -> bytes:
    rows = [LedgerRow(0, f"{number}{at}" if number else "", title, due=dt.date(2027, 6, 30))
            for at, title in enumerate(titles, 1)]  # fmt: skip
    return write_ledger(rows)


def send(browser: Browser, data: bytes, name: str = "清单.xlsx", verb: str = "import") -> str:
    """Upload; the path of the preview."""
    answer = browser.submit("/import", {"verb": verb}, files=[("file", (name, data, XLSX))])
    assert answer.status_code == 303, soup(answer).get_text(" ", strip=True)
    return answer.headers["location"]


def refused(browser: Browser, data: bytes, name: str = "清单.xlsx") -> str:
    answer = browser.submit("/import", {"verb": "import"}, files=[("file", (name, data, XLSX))])
    assert answer.status_code == 422
    return soup(answer).select_one("#f-file-error").get_text()


def test_the_units_of_an_imported_line_are_called_units(desk: Desk) -> None:
    """What stood in the column 责任单位 is no person (R30)."""
    browser = desk.sign_in("王督查")
    path = send(browser, write_ledger([LedgerRow(0, "", "修缮校舍", responsible="教育局牵头，财政局配合")]))
    browser.send(path, browser.form(path, path))
    facts = browser.page(str(browser.page(path).select("#rows tbody a")[0]["href"])).select(".facts > div")
    said = {one.select("dt")[0].get_text(): one.select("dd")[0].get_text() for one in facts}
    assert said["责任单位（原文）"] == "教育局牵头，财政局配合"
    assert "责任人" not in said


def test_preview_writes_nothing_and_confirm_writes_once(desk: Desk) -> None:
    desk.item("推进全市污水管网改造")
    browser = desk.sign_in("王督查")
    before = desk.office.store.reader().record_count()
    path = send(browser, ledger("修缮农村公路", "推进全市污水管网的改造", "修缮农村公路。"))
    page = browser.page(path)
    assert desk.office.store.reader().record_count() == before
    rows = [row.get_text(" ", strip=True) for row in page.select("#rows tbody tr")]
    assert len(rows) == 3
    assert "2027-06-30" in rows[0]
    assert "相近" not in rows[0]
    assert "推进全市污水管网改造" in rows[1]
    assert "第 2 行" in rows[2], "doubles within the file"
    form = browser.form(path, path)
    one, two = browser.send(path, form), browser.send(path, form)
    assert one.status_code == two.status_code == 303
    assert desk.office.store.reader().record_count() == before + 3
    result = browser.page(path)
    assert len(result.select("#rows tbody tr")) == 3
    assert not result.select("main form[method=post]")
    assert "修缮农村公路" in browser.page("/items").get_text()
    assert desk.sign_in("管理员").get(path).status_code == 404, "another account's preview"


def test_errors_stand_by_their_rows_and_nothing_is_imported(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    path = send(browser, ledger("甲事", "乙事", number="重-"))
    browser.send(path, browser.form(path, path))
    page = browser.page(send(browser, ledger("丙事", number="重-")))
    assert "登记编号 重-1 已存在" in page.select_one("#findings").get_text()
    assert page.select("#rows tr.bad-row")
    assert not page.select("main form[method=post]"), "nothing to confirm"


def test_who_was_quicker_is_noticed_at_the_confirmation(desk: Desk) -> None:
    first, second = desk.sign_in("王督查"), desk.sign_in("管理员")
    data = ledger("抢先之事", number="抢-")
    mine, theirs = send(first, data), send(second, data)
    assert second.send(theirs, second.form(theirs, theirs)).status_code == 303
    late = first.send(mine, first.form(mine, mine))
    assert late.status_code == 422
    assert "没有导入" in late.text
    assert "抢-1 已存在" in late.text


def test_a_preview_ends(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    path = send(browser, ledger("半小时后"))
    form = browser.form(path, path)
    desk.hands.off_ms += 31 * 60_000
    try:
        assert browser.send(path, form).status_code == 404
    finally:
        desk.hands.off_ms = 0


def test_files_that_are_none_of_ours_are_refused_with_a_reason(desk: Desk) -> None:
    browser, good = desk.sign_in("王督查"), ledger("一")
    assert "xlsx" in refused(browser, good, "清单.csv")
    assert refused(browser, b"not a zip", "清单.xlsx")
    assert refused(browser, b"PK\x03\x04 broken", "清单.xlsx")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"0" * 60_000_000)
    assert "过大" in refused(browser, bomb.getvalue())
    with zipfile.ZipFile(io.BytesIO(good)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    rows = b"<row><c/></row>" * 1_000_001
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            sheet = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
            huge = sheet + rows + b"</sheetData></worksheet>"
            packed.writestr(name, huge if name.endswith("sheet1.xml") else content)
    assert refused(browser, many.getvalue()), "a million rows"
    assert refused(browser, ledger("一"), "\u202excod.xlsx")
    entity = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'
    lol = io.BytesIO()
    with zipfile.ZipFile(lol, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, entity if name.endswith("sheet1.xml") else content)
    assert refused(browser, lol.getvalue())


def edited(desk: Desk, folder: Path, item: str, column: str, value: str) -> bytes:
    """The ledger of everything, exported, with one cell changed as somebody would in Excel."""
    reader, view = desk.office.store.reader(), desk.office.view()
    found = inquire(reader, view, "ledger.show", {"per": 200}, Caller("root"))
    assert isinstance(found, dict)
    columns = [(one["key"], one["name"]) for one in found["columns"]]
    rows = [OutRow(one["id"], one["digest"], one["light"], one["cells"]) for one in found["rows"]]
    target = folder / "out.xlsx"
    write_book(target, found["title"], found["office"], found["asked_ms"], columns, rows)
    book = openpyxl.load_workbook(target)
    sheet = book.worksheets[0]
    place = next(at for at, one in enumerate(columns, 2) if one[0] == column)
    line = next(at for at, one in enumerate(found["rows"], 2) if one["id"] == item)
    sheet.cell(line, place).value = value
    book.save(target)
    return target.read_bytes()


def test_an_edited_ledger_shows_its_differences_before_it_is_written(desk: Desk, tmp_path: Path) -> None:
    item = desk.item("台账里改时限的事")
    data = edited(desk, tmp_path, item, "due", "2027-05-31")
    browser = desk.sign_in("王督查")
    path = send(browser, data, "台账.xlsx", "ledger.import")
    page = browser.page(path)
    row = page.select_one("#rows tbody tr")
    assert row is not None
    assert [text in row.get_text() for text in ("台账里改时限的事", "2027-03-31", "2027-05-31")] == [True] * 3
    assert browser.send(path, browser.form(path, path)).status_code == 303
    assert "台账里改时限的事" in browser.page(path).select_one("#rows").get_text()
    assert "2027-05-31" in browser.page(f"/items/{item}").get_text()
    assert refused(browser, b"PK\x03\x04")


def test_a_large_import_too_is_given_once(desk: Desk) -> None:
    """Its answer is too long to be kept word for word; that it was given is kept all the same (W14)."""
    browser = desk.sign_in("王督查")
    data = ledger(*(f"大批量第{at}件，内容各不相同" for at in range(900)))
    path = send(browser, data)
    page = browser.page(path)
    assert len(page.select("#rows tbody tr")) == 200
    assert "共 5 页" in page.get_text()
    form = browser.form(path, path)
    before = desk.office.store.reader().record_count()
    assert browser.send(path, form).status_code == 303
    kept = desk.console.kept.get("王督查", path.rpartition("/")[2], desk.console.gateway.now_ms())
    kept.outcome, kept.file = None, io.BytesIO(data)  # as the second of two clicks at the same moment finds it
    assert browser.send(path, form).status_code == 303
    assert desk.office.store.reader().record_count() == before + 900


def test_hostile_cells_stay_text_and_the_template_is_a_ledger(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    answer = browser.get(send(browser, ledger("<img src=x onerror=alert(1)>之事")))
    assert "<img" not in answer.text
    assert "<img src=x onerror=alert(1)>之事" in soup(answer).get_text()
    sheet = browser.get("/import/template")
    assert sheet.headers["content-disposition"].startswith("attachment")
    with pytest.raises(InputError, match="表头下面没有数据"):
        read_ledger(sheet.content)


def test_who_comes_from_the_ledgers_has_the_ledger_chosen_and_who_chose_wrongly_too(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    desk.item("选错了也知道怎么办")

    def chosen(page: BeautifulSoup) -> str:
        return str(page.select("[name=verb][checked]")[0]["value"])

    link = browser.page("/ledgers").select('main a[href^="/import"]')[0]["href"]
    assert chosen(browser.page(str(link))) == "ledger.import"
    assert chosen(browser.page("/import")) == "import"
    files = [("file", ("台账.xlsx", exported(desk), XLSX))]
    page = soup(browser.submit("/import", {"verb": "import"}, files=files))
    assert "改过的导出台账" in page.select("#f-file-error")[0].get_text()
    assert chosen(page) == "ledger.import"


def exported(desk: Desk) -> bytes:
    """A ledger as the page gives it."""
    browser = desk.sign_in("王督查")
    word = str(browser.page("/ledgers").select("#ledger-list a")[0]["href"])
    return bytes(browser.get(f"{word}/xlsx").content)
