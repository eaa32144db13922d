"""An item that several offices worked at, in the console of the city: tree, proofs, words of others (R9, W2)."""

from collections.abc import Iterator
from functools import partial

import pytest

from node.services.access import console_accounts as accounts
from node.services.office import Office
from tests.unit.offices import COUNTY, DUE, TOWN
from tests.unit.test_approvals_cases import Line
from tests.web.city import EVIL, console_of, open_city
from tests.web.desk import Desk, _secret
from tests.web.test_items import attribute


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Desk, str, list[str]]]:
    """The city's console after its counties have reported; and the city's item with the tasks."""
    with open_city() as found:
        yield found


def _let_in(office: Office, name: str) -> None:
    accounts.set_secret(office.store, name, _secret(), 1)


def test_the_tree_says_of_each_office_where_it_stands_in_its_own_words(made: tuple[Desk, str, list[str]]) -> None:
    desk, item, tasks = made
    browser = desk.sign_in("王督查")
    rows = browser.page(f"/items/{item}").select("#tree tbody tr")
    assert len(rows) == 3
    county = next(row for row in rows if tasks[0] in str(row))
    assert "40%" in county.get_text()
    assert "县里的话" in county.get_text()
    assert "└" in county.td.get_text() if county.td is not None else False
    assert any("退签" in row.get_text() for row in rows)
    said = browser.page(attribute(county, ".said a", "href"))
    assert "✓ 签名有效" in said.get_text()
    assert len(said.select("main table")[0].select("tbody tr")) == 3, "root, city, county"


def test_of_each_record_of_others_it_is_said_when_it_came(made: tuple[Desk, str, list[str]]) -> None:
    """Claimed and received time both, also where they are the same minute (issue 5)."""
    desk, _, tasks = made
    entries = desk.sign_in("王督查").page(f"/items/{tasks[0]}").select(".timeline .entry")
    theirs = [one.select(".when")[0].get_text() for one in entries if "县里的话" in one.get_text()]
    assert theirs
    assert all("记录" in said and "收到" in said for said in theirs)


def test_words_from_other_nodes_are_inert_on_every_page(made: tuple[Desk, str, list[str]]) -> None:
    desk, item, tasks = made
    browser = desk.sign_in("王督查")
    paths = ["/items", *(f"/items/{one}{more}" for one in (item, *tasks) for more in ("", "/print/notice"))]
    for task in tasks:
        links = browser.page(f"/items/{task}").select("a[href*='/records/'], .acts a[href*='/do/']")
        paths += [str(link["href"]) for link in links]
    assert len(paths) > 15
    seen = 0
    for path in dict.fromkeys(paths):
        if path.endswith(("/assign", "/decompose")):
            continue
        page = browser.page(path)
        assert not page.select("main script, main img, [onerror]"), path
        assert "62615533" not in page.get_text().replace("{{7919*7907}}", ""), path
        seen += "<script>alert(1)</script>" in page.get_text()
    assert seen > 10, "the words themselves are shown"


def test_the_issuer_decides_on_what_the_county_asked_for(made: tuple[Desk, str, list[str]]) -> None:
    desk, _, tasks = made
    browser = desk.sign_in("王督查")
    why = browser.get(f"/items/{tasks[0]}/do/grant")
    assert why.status_code == 409, "the item above is due before that"
    path = f"/items/{tasks[0]}/do/deny"
    filled = browser.form(path) | {"reason": f"不同意{EVIL}"}
    assert [browser.send(path, filled).status_code for _ in range(2)] == [303, 303]
    page = browser.page(f"/items/{tasks[0]}").get_text()
    assert "申请 1 次，同意 0 次" in page
    late = browser.send(path, filled | {"once": "another"})
    assert late.status_code == 409


def test_a_report_goes_through_its_approval_case_from_opening_to_the_signature() -> None:
    """R57: the chain is named, the case opened, refused to who has no post, signed by the head, and used."""
    line = Line()
    item = line.received()
    with console_of(line.county.machine) as desk:
        for name in ("承办", "县长"):
            desk.core(partial(_let_in, name=name))
        drafter, head = desk.sign_in("承办"), desk.sign_in("县长")
        page = drafter.page(f"/items/{item}")
        assert "报送审核" in page.select_one("#not-now").get_text()
        assert "签发（县长 或 县政府办主任）" in drafter.get(f"/items/{item}/do/submit").text
        path = f"/items/{item}/do/case.open"
        sent = drafter.send(path + "/files", drafter.form(path) | {"subject": "report", "text": "报告送审稿"})
        assert sent.status_code == 303, sent.text
        shown = drafter.page(f"/items/{item}")
        (link,) = {str(one["href"]) for one in shown.select(".item-body section li a") if "审签件" not in str(one)
                   and "/items/" in str(one["href"]) and "/records/" not in str(one["href"])}  # fmt: skip
        case = head.page(link)
        assert "审签件" in case.select_one(".states").get_text()
        assert "○ 未签" in case.select_one(".steps").get_text()
        assert f"{link}/do/approve" in {str(one["href"]) for one in head.page(f"/items/{item}").select(".acts a")}
        assert not drafter.page(link).select(f"a[href='{link}/do/approve']"), "no post"
        assert head.send(f"{link}/do/approve", head.form(f"{link}/do/approve") | {"text": "同意"}).status_code == 303
        assert "✓ 已签" in head.page(link).select_one(".steps").get_text()
        path = f"/items/{item}/do/submit"
        assert drafter.form(path)["text"] == "报告送审稿", "what was signed stands in the form"
        other = drafter.send(path + "/files", drafter.form(path) | {"text": "已办结"})
        assert "不一致" in other.text
        done = drafter.send(path + "/files", drafter.form(path))
        assert done.status_code == 303, done.text
        assert "已报结" in drafter.page(f"/items/{item}").select_one(".states").get_text()


def test_the_sheet_tells_who_leads_and_who_assists_and_calls_units_units(made: tuple[Desk, str, list[str]]) -> None:
    desk, _item, _tasks = made
    issued = desk.do("item.issue", title="牵头协办", requirement="办", to=[COUNTY, TOWN], lead=COUNTY, due=DUE)
    browser = desk.sign_in("王督查")
    for one, words in zip(issued["assignments"], ("交你单位牵头办理", "交你单位协办"), strict=True):
        sheet = browser.page(f"/items/{one['item']}/print/notice").select_one("article.sheet")
        assert sheet is not None
        assert words in sheet.get_text()
        assert "责任人：" not in sheet.get_text()
