"""An item that several offices worked at, in the console of the city: tree, proofs, words of others (R9, W2)."""

from collections.abc import Iterator
from typing import Any

import pytest

from node.bootstrap.control import Control
from node.services.runner import Runner
from node.web.app import make_console
from tests.unit.offices import COUNTY, DUE, TOWN, Offices
from tests.web.desk import URL, Desk, Hands, hire
from tests.web.test_items import attribute

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7919*7907}}"


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Desk, str, list[str]]]:
    """The city's console after its counties have reported; and the city's item with the tasks."""
    found = Offices()
    answer = found.do(found.city, "issue", title=f"整治{EVIL}", requirement=EVIL, to=[COUNTY, TOWN], due=DUE)
    tasks = [str(one["item"]) for one in answer["assignments"]]
    found.do(found.county, "sign", tasks[0])
    found.do(found.county, "report", tasks[0], text=f"县里的话{EVIL}", percent=40)
    found.do(found.county, "extend", tasks[0], until="2027-03-31", reason=EVIL)
    found.do(found.town, "refuse", tasks[1], reason=EVIL)
    office = found.city.office
    crashes: list[BaseException] = []

    def deliver(outputs: Any) -> None:
        for callback in outputs.after_commit:
            callback()

    runner = Runner(office, deliver, crashes.append)
    runner.start()

    async def unchanged() -> None:
        """No invitations here."""

    control = Control(office, runner, found.city.blobs, 2 * 1_048_576, unchanged)  # type: ignore[arg-type]
    control.console_url = URL
    desk = Desk(office, runner, control, make_console(control, office), Hands())
    desk.core(lambda one: hire(one.store))
    yield desk, str(answer["item"]), tasks
    desk.close()
    runner.stop(10)
    assert not crashes


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
