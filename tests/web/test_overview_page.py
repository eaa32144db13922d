"""全流程: heat table, bars over time, filters that never reach further than they say (R12, R87, I8; W3, W4)."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from node.web.pages.overview import FILTERS, picture_of, scale_of
from tests.unit.offices import COUNTY
from tests.web.city import EVIL, inert, open_city
from tests.web.desk import Desk
from tests.web.test_items import attribute

HOSTILE = ("' or 1=1 --", "%", "_", "*", "\\", "{{7*7}}", "<b>", "-", "9" * 200, "0", "due; drop table board")


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Desk, str, list[str]]]:
    with open_city() as found:
        yield found


def test_the_heat_table_says_of_each_office_where_it_stands_and_leads_to_its_words(
    made: tuple[Desk, str, list[str]],
) -> None:
    desk, item, tasks = made
    page = desk.sign_in("王督查").page("/overview")
    inert(page)
    assert EVIL in page.get_text()
    rows = page.select("#heat tbody tr")
    assert len(rows) == 1
    assert attribute(rows[0], "th a", "href") == f"/items/{item}"
    links = {str(link["href"]): link for link in rows[0].select("td a")}
    assert set(links) == {f"/items/{one}" for one in tasks}
    cell = links[f"/items/{tasks[0]}"].parent
    assert cell is not None
    assert "40%" in cell.get_text()
    assert cell.select(".light .shape"), "never colour alone"
    assert "已报" in cell.get_text()
    heads = [head.get_text() for head in page.select("#heat thead th")]
    assert any("截至" in head for head in heads)
    assert page.select("#overview[data-live~=items]")
    lower = desk.sign_in("孙查阅").page(f"/overview?at={COUNTY}")
    assert "回到本单位" in lower.get_text()


def test_the_bars_have_all_their_days_as_text_too(made: tuple[Desk, str, list[str]]) -> None:
    desk, item, tasks = made
    page = desk.sign_in("王督查").page("/overview/gantt")
    inert(page)
    rows = page.select("#gantt tbody tr")
    shown = [attribute(row, "th a", "href").removeprefix("/items/") for row in rows]
    assert shown[0] == item
    assert sorted(shown[1:]) == sorted(tasks)
    for row in rows:
        assert row.select_one("svg[aria-hidden=true] rect.plan") is not None
        assert "起" in "".join(cell.get_text() for cell in row.select("td.days"))


def test_a_handler_sees_only_what_the_own_unit_has_in_hand(made: tuple[Desk, str, list[str]]) -> None:
    desk, item, _tasks = made
    for path in ("/overview", "/overview/gantt"):
        assert item not in desk.sign_in("赵承办").get(path).text
        assert item in desk.sign_in("李市长").get(path).text


def test_no_filter_or_order_shows_more_than_without_it(made: tuple[Desk, str, list[str]]) -> None:
    desk, item, _tasks = made
    browser = desk.sign_in("王督查")
    for path in ("/overview", "/overview/gantt"):
        for name in (*FILTERS, "page"):
            for text in HOSTILE:
                answer = browser.get(path, params={name: text})
                assert answer.status_code in (200, 400, 422), (path, name, text)
                assert answer.text.count(f'<th scope="row" class="freeze"><a href="/items/{item}"') <= 1
        assert browser.get(path, params={"per": "9999"}).status_code == 400
        assert browser.get(path, params={"state": "nonsense"}).status_code == 422
        assert browser.get(path, params={"text": "查无此事"}).text.count('scope="row"') == 0


def test_bars_stay_within_the_picture_whatever_the_days() -> None:
    bar: dict[str, Any] = {
        "opened": "2026-01-05", "first_due": "2026-03-01", "due": "2026-05-01", "submitted": None, "closed": None,
        "signed": None, "percent": 50, "milestones": [],
    }  # fmt: skip
    far = bar | {"due": "2999-12-31", "closed": None}
    none = dict.fromkeys(bar, None) | {"percent": 0, "milestones": []}
    today = date(2026, 6, 1)
    scale = scale_of([bar, far, none], today)
    for one in (bar, far, none):
        picture = picture_of(one, scale, ())
        assert 0 <= picture["x"] <= 1000
        assert picture["x"] + picture["w"] <= 1004
    late = picture_of(bar, scale, ())["late"]
    assert late is not None
    assert late[1] > 0
    assert picture_of(bar, scale, ())["first_due"] is not None
    assert picture_of(bar | {"closed": "2026-04-30"}, scale, ())["late"] is None
