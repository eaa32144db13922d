"""台账: narrowed to what one may see, columns and filters of one's own, xlsx out (R92, R94; W3, W4)."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from openpyxl import load_workbook

from node.services.commands import inquire
from node.services.matters.desk import Caller
from node.storage.port import SavedFilter
from node.web.pages.ledgers import FILTERS, SORTS
from tests.web.city import EVIL, inert
from tests.web.desk import Browser, Desk, open_desk

HOSTILE = ("' or 1=1 --", "%", "_", "\\", "{{7*7}}", "<b>", "-", "9" * 200, "0", "due; drop table board", "-1")
PATH = "/ledgers/all"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, str, str]]:
    with open_desk(tmp_path_factory.mktemp("ledgers")) as desk:
        mine, other = desk.item(f"路灯{EVIL}"), desk.item("他科事项")
        desk.do("item.handle", item=mine, unit="住建科")
        desk.do("item.handle", item=other, unit="督查室")
        yield desk, mine, other


def listed(browser: Browser, path: str = PATH) -> list[str]:
    rows = browser.page(path).select("#ledger-table tbody tr")
    return [str(row["data-href"]).removeprefix("/items/") for row in rows]


def test_a_handler_s_ledgers_hold_what_the_own_unit_has_in_hand_and_count_no_more(made: tuple[Desk, str, str]) -> None:
    desk, mine, other = made
    reader, view = desk.office.store.reader(), desk.office.view()

    def ask(verb: str, caller: Caller, **args: object) -> Any:
        return inquire(reader, view, verb, args, caller)

    handler, viewer = Caller("赵承办", roles=("handler",), unit="住建科"), Caller("孙查阅", roles=("viewer",))
    for caller, seen in ((handler, {mine}), (viewer, {mine, other}), (handler._replace(unit=""), set())):
        found = ask("ledger.show", caller, ledger="all")
        assert {row["id"] for row in found["rows"]} == seen
        assert found["total"] == len(seen)
        assert {one["total"] for one in ask("ledger.list", caller)["ledgers"] if one["ledger"] == "all"} == {len(seen)}
        for more in ({"unit": "督查室"}, {"words": "他科"}, {"text": "他科"}, {"state": "active"}, {"sort": "-title"}):
            assert {row["id"] for row in ask("ledger.show", caller, ledger="all", **more)["rows"]} <= seen, more
        assert not ask("ledger.show", caller, ledger="all", office="320500")["rows"]
    browser = desk.sign_in("赵承办")
    assert listed(browser) == [mine]
    assert "他科事项" not in browser.get("/ledgers").text
    assert not browser.page(PATH).select("form[action='/items/urge']"), "a handler urges nobody"


def test_words_of_records_are_found_and_heads_sort(made: tuple[Desk, str, str]) -> None:
    desk, mine, other = made
    browser = desk.sign_in("王督查")
    inert(browser.page(PATH))
    assert set(listed(browser)) == {mine, other}
    assert listed(browser, f"{PATH}?words=路灯") == [mine]
    up, down = listed(browser, f"{PATH}?sort=title"), listed(browser, f"{PATH}?sort=-title")
    assert up == down[::-1]
    assert len(up) == 2
    heads = browser.page(f"{PATH}?sort=title").select("#ledger-table th[aria-sort]")
    assert [head["aria-sort"] for head in heads] == ["ascending"]
    assert set(SORTS.values()) <= {"number", "title", "receiver", "state", "due", "percent", "opened"}


def test_no_filter_shows_more_than_without_it(made: tuple[Desk, str, str]) -> None:
    desk, mine, other = made
    browser = desk.sign_in("赵承办")
    for name in (*FILTERS, "page"):
        for text in HOSTILE:
            answer = browser.get(PATH, params={name: text})
            assert answer.status_code in (200, 400, 422), (name, text, answer.text)
            assert other not in answer.text
            assert browser.get(f"{PATH}/xlsx", params={name: text}).status_code in (200, 400), (name, text)
    assert browser.get(PATH, params={"per": "9999"}).status_code == 400
    assert browser.get("/ledgers/none").status_code == 404
    assert mine in browser.get(PATH).text


def test_columns_and_filters_are_kept_for_each_account(made: tuple[Desk, str, str]) -> None:
    desk, mine, _other = made
    browser = desk.sign_in("王督查")
    form = browser.form(PATH, f"{PATH}/columns")
    answer = browser.send(f"{PATH}/columns", form | {"columns": ["number", "measures", "light"], "query": "sort=title"})
    assert answer.headers["location"] == f"{PATH}?sort=title"
    heads = [head.get_text().strip(" ▲▼") for head in browser.page(PATH).select("#ledger-table th[scope=col]")]
    assert [head for head in heads if head] == ["登记编号", "工作措施", "时限灯"]
    assert len(desk.sign_in("李市长").page(PATH).select("#ledger-table th")) > 6, "another account's are its own"
    bad = browser.send(f"{PATH}/columns", browser.form(PATH, f"{PATH}/columns") | {"columns": ["nonsense"]})
    assert bad.headers["location"] == PATH
    browser.send(f"{PATH}/columns", browser.form(PATH, f"{PATH}/columns"))
    assert len(browser.page(PATH).select("#ledger-table th")) > 6, "none chosen are the usual ones"

    asked = f"{PATH}?words=路灯"
    kept = browser.send(f"{PATH}/filters", browser.form(asked, f"{PATH}/filters") | {"title": EVIL[:40]})
    assert kept.status_code == 303
    link = browser.page(PATH).select_one(".kept-filter a")
    assert link is not None
    assert link.get_text() == EVIL[:40]
    assert listed(browser, str(link["href"])) == [mine]
    assert not desk.sign_in("李市长").page(PATH).select(".kept-filter")
    browser.send(f"{PATH}/filters/delete", browser.form(PATH, f"{PATH}/filters/delete"))
    assert not desk.office.store.reader().rows(SavedFilter, name="王督查", page=PATH)
    token = browser.form("/account", "/account")["csrf"]
    for path in ("columns", "filters"):
        more = {"title": "x"} if path == "filters" else {}
        sent = browser.send(f"/ledgers/none/{path}", {"csrf": token} | more)
        assert sent.status_code == 404, "nothing is kept for what is not there"


def test_the_file_has_every_column_and_only_what_the_person_may_see(made: tuple[Desk, str, str]) -> None:
    desk, mine, other = made
    for name, expected in (("赵承办", {mine}), ("王督查", {mine, other})):
        answer = desk.sign_in(name).get(f"{PATH}/xlsx")
        assert answer.headers["content-disposition"].startswith("attachment")
        sheet = load_workbook(io.BytesIO(answer.content)).active
        assert sheet is not None
        rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
        assert {str(row[0])[:64] for row in rows[1:]} == expected
        assert len([head for head in rows[0] if head]) > 15
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"], "no formula"


def test_the_ledgers_page_leads_to_units_leaders_and_the_import(made: tuple[Desk, str, str]) -> None:
    desk, mine, _other = made
    page = desk.sign_in("王督查").page("/ledgers")
    links = {str(link["href"]) for link in page.select("main a")}
    assert {PATH, "/import?what=ledger"} <= links
    assert any("leader=" in link for link in links)
    units = [link for link in links if "unit=" in link]
    assert any(listed(desk.sign_in("王督查"), link) == [mine] for link in units)
