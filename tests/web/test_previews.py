"""Attachments looked at in the page: PDF by the browser, xlsx and docx as text; policy, permission (W4, W9)."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

import openpyxl
import pytest
from starlette.responses import Response, StreamingResponse
from starlette.testclient import TestClient

from node.bootstrap.control import Asked
from node.services.matters.desk import Caller
from node.web import security
from node.web.app import Options, create_app
from node.web.page import PUBLIC, Page
from node.web.request import WebRequest
from node.web.security import CSP, CSP_PDF, CSP_SHOWS_PDF
from tests.unit.test_documents_preview import docx, para
from tests.web.desk import URL, Desk, soup

EVIL = "<script>alert(1)</script>"
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + b"1 0 obj <<>> endobj\n" * 40_000 + b"%%EOF"
WHY = "内容不是可以查看的PDF文件"


def xlsx() -> bytes:
    book, target = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.append([EVIL, '=HYPERLINK("http://evil.example")'])
    sheet.append(["链接"])
    sheet["A2"].hyperlink = "http://evil.example/"
    book.save(target)
    return target.getvalue()


WORDS = para(EVIL.replace("<", "&lt;")) + f"<w:tbl><w:tr><w:tc>{para('格')}</w:tc></w:tr></w:tbl>"
MADE: Mapping[str, bytes] = {
    "台账.xlsx": xlsx(), "报告.docx": docx(WORDS), "批复.PDF": PDF, "坏.xlsx": b"PK\x03\x04" + bytes(40),
    "冒充.pdf": b"<html>" + EVIL.encode(), "居后.pdf": b"\n%PDF-1.4\n", "冒充.docx": EVIL.encode(),
    "短.pdf": b"%PDF", "材料.zip": b"PK\x05\x06" + bytes(18),
}  # fmt: skip


class Given(NamedTuple):
    """A file as it comes from the command line or a neighbour: nobody has judged its content."""

    name: str
    data: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.data


@pytest.fixture(scope="module")
def files(desk: Desk) -> dict[str, str]:
    """Attachments of an item that is in nobody's hands: name → path."""
    item = desk.item("附件预览")
    given = tuple(Given(name, data) for name, data in MADE.items())
    asyncio.run(desk.control.answer(Asked("item.attach", {"item": item}, given), Caller("root")))
    desk.runner.projected().result(20)
    rows = desk.sign_in("王督查").page(f"/items/{item}").select("#files tbody tr")
    return {row.td.get_text(): str(row.select("a")[0]["href"]) for row in rows if row.td}


def test_what_may_be_looked_at_says_so(desk: Desk, files: dict[str, str]) -> None:
    page = desk.sign_in("王督查").page(files["材料.zip"].rsplit("/", 2)[0])
    offered = {str(link["href"]) for link in page.select("#files a[href$='/view']")}
    assert offered == {f"{path}/view" for name, path in files.items() if not name.endswith("zip")}
    answer = soup(desk.sign_in("王督查").get(files["材料.zip"] + "/view"))
    assert "这种文件不能在页面上查看" in answer.select("#why")[0].get_text()


def test_a_pdf_is_shown_by_the_browser_and_by_our_pages_only(desk: Desk, files: dict[str, str]) -> None:
    browser, path = desk.sign_in("孙查阅"), files["批复.PDF"]
    page = browser.get(path + "/view")
    assert page.headers["content-security-policy"] == CSP_SHOWS_PDF == CSP + "; object-src 'self'; frame-src 'self'"
    assert page.headers["x-frame-options"] == "DENY"
    shown = soup(page).select("object")[0]
    assert (shown["data"], shown["type"]) == (path + "/inline", "application/pdf")
    assert shown.select(f"a[download][href='{path}']"), "what a browser without a viewer shows instead"
    sent = browser.get(path + "/inline")
    assert sent.content == PDF
    assert sent.headers["content-type"] == "application/pdf"
    assert sent.headers["content-disposition"].startswith("inline; filename*=UTF-8''")
    assert sent.headers["content-length"] == str(len(PDF))
    assert sent.headers["x-content-type-options"] == "nosniff"
    assert sent.headers["content-security-policy"] == CSP_PDF
    assert CSP_PDF == "default-src 'none'; frame-ancestors 'self'; base-uri 'none'", "nothing may run or be loaded"
    assert sent.headers["x-frame-options"] == "SAMEORIGIN"
    assert sent.headers["cache-control"] == "no-store"
    for other in ("台账.xlsx", "报告.docx", "坏.xlsx", "冒充.pdf"):
        assert browser.get(files[other] + "/view").headers["content-security-policy"] == CSP


@pytest.mark.parametrize("name", ["冒充.pdf", "居后.pdf", "短.pdf"])
def test_what_only_calls_itself_a_pdf_is_not_sent_as_one(desk: Desk, files: dict[str, str], name: str) -> None:
    browser, path = desk.sign_in("王督查"), files[name]
    page = browser.page(path + "/view")
    assert WHY in page.select("#why")[0].get_text()
    assert not page.select("object, iframe, embed")
    assert page.select(f"a[download][href='{path}']")
    refused = browser.get(path + "/inline")
    assert refused.status_code == 400
    assert refused.headers["content-type"].startswith("text/html")
    assert refused.headers["content-security-policy"] == CSP
    assert EVIL not in refused.text
    down = browser.get(path)
    assert down.headers["content-type"] == "application/octet-stream"
    assert down.headers["content-disposition"].startswith("attachment")


def test_tables_and_documents_are_text_in_our_page(desk: Desk, files: dict[str, str]) -> None:
    browser = desk.sign_in("王督查")
    sheet = browser.page(files["台账.xlsx"] + "/view")
    cells = [cell.get_text() for cell in sheet.select(".sheet-file td")]
    assert cells == [EVIL, "（公式，没有保存的结果）", "链接"]
    assert "公式显示保存时的结果" in sheet.select("main")[0].get_text()
    words = browser.page(files["报告.docx"] + "/view")
    assert words.select(".word-file p")[0].get_text() == EVIL
    assert [cell.get_text() for cell in words.select(".word-file td")] == ["格"]
    for page, name in ((sheet, "台账.xlsx"), (words, "报告.docx")):
        assert not page.select("main script, main [style], main img, main a[href*=evil]")
        assert page.select(f"a[download][href='{files[name]}']")
        assert browser.get(files[name] + "/inline").status_code == 400, "never sent but as a download"


@pytest.mark.parametrize(("name", "why"), [("坏.xlsx", "损坏"), ("冒充.docx", "不是docx文件")])
def test_what_cannot_be_read_says_so_and_offers_the_download(
    desk: Desk, files: dict[str, str], name: str, why: str
) -> None:
    page = desk.sign_in("王督查").page(files[name] + "/view")
    said = page.select("#why")[0].get_text()
    assert why in said
    assert "请下载" in said
    assert page.select(f"a[download][href='{files[name]}']")


def test_who_may_not_see_the_item_sees_no_preview_either(desk: Desk, files: dict[str, str]) -> None:
    """W4: not its hash, not its name, not whether it is there."""
    handler, visitor = desk.sign_in("赵承办"), desk.visitor()
    for name, path in files.items():
        for tail in ("", "/view", "/inline"):
            answer = handler.get(path + tail)
            assert answer.status_code == 404
            assert name not in answer.text
            assert visitor.get(path + tail).headers["location"].startswith("/login")


async def _own_policy(request: WebRequest) -> Response:
    del request
    return Response("x", headers={"content-security-policy": "default-src *", "x-frame-options": "ALLOWALL"})


async def _slow(request: WebRequest) -> Response:
    del request

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"x" * 1000
            await asyncio.sleep(0.1)

    return StreamingResponse(pieces(), media_type="application/octet-stream")


async def _never(request: WebRequest) -> Response:
    del request
    await asyncio.sleep(30)
    raise AssertionError


def _client(desk: Desk) -> TestClient:
    handlers = {"/own": _own_policy, "/slow": _slow, "/never": _never}
    desk.console.pages = tuple(Page(path, handler, PUBLIC) for path, handler in handlers.items())
    return TestClient(create_app(desk.console, Options(frozenset({"127.0.0.1"}))), URL)


def test_no_answer_has_a_policy_of_its_own_making_and_what_has_begun_may_take_its_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A download over an office's slow line takes minutes: the deadline of a request is for its answer to begin."""
    pages = desk.console.pages
    monkeypatch.setattr(security, "REQUEST_S", 0.2)
    try:
        with _client(desk) as client:
            answer = client.get("/own")
            assert answer.headers["content-security-policy"] == CSP
            assert answer.headers["x-frame-options"] == "DENY"
            assert client.get("/never").status_code == 503
            assert len(client.get("/slow").content) == 4000
    finally:
        desk.console.pages = pages
