"""统计 and 大屏: figures with what they are made of, kept only for who may see the same (W3, W4)."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.services.views.statistics import BY, FIGURES
from node.web.answers import ANSWERS_MAX, LIFE_MS, Answers
from node.web.pages.statistics import DEFINITIONS, FILTERS, SCOPE
from tests.unit.offices import COUNTY, LATER, TOWN, Offices
from tests.web.city import EVIL, console_of, inert, open_city
from tests.web.desk import Desk

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = ("' or 1=1 --", "%", "{{7*7}}", "<b>", "-", "9" * 200, "0", "2026-13", "all;", EVIL)


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Desk, str, list[str]]]:
    with open_city() as found:
        yield found


def test_each_figure_has_its_definition_one_click_away_in_the_words_of_the_docs(
    made: tuple[Desk, str, list[str]],
) -> None:
    desk, _item, _tasks = made
    text = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    for key, label in FIGURES.items():
        assert f"| {label} | {DEFINITIONS[key]} |" in text
    for word, said in SCOPE:
        assert f"- **{word}**：{said}。" in text
    page = desk.sign_in("王督查").page("/statistics?period=all")
    for key in FIGURES:
        assert page.select(f'#stat-total a[href="#def-{key}"]')
        assert page.select(f"#def-{key} dd")


def test_charts_have_their_table_and_say_the_same_by_every_division(made: tuple[Desk, str, list[str]]) -> None:
    desk, _item, tasks = made
    browser = desk.sign_in("王督查")
    for by in BY:
        page = browser.page(f"/statistics?period=all&by={by}")
        inert(page)
        assert "all" not in page.select("#period-help")[0].get_text()
        if by == "unit":  # the tasks are not this office's own: said so, not that there are none
            assert "都没有交给本单位的内设机构" in page.select("main")[0].get_text()
            continue
        chart = page.select("#chart-progress")[0]
        data = json.loads(str(chart["data-chart"]))
        rows = page.select("table.stats tbody tr:not(.sum)")
        assert len(rows) == len(data["labels"]) > 0
        assert sum(sum(one["data"]) for one in data["series"]) == len(tasks)
        assert "/" in rows[0].get_text(), "numerator and denominator"
    assert browser.get("/statistics", params={"period": "2026-13"}).status_code == 422


def test_no_argument_shows_more_than_may_be_seen(made: tuple[Desk, str, list[str]]) -> None:
    desk, _item, tasks = made
    viewer, handler = desk.sign_in("孙查阅"), desk.sign_in("赵承办")
    for name in FILTERS:
        for text in HOSTILE:
            answer = viewer.get("/statistics", params={name: text})
            assert answer.status_code in (200, 400, 422), (name, text)
            assert "<script>alert" not in answer.text
    seen = viewer.page("/statistics?period=all").select("#stat-total .value")[0].get_text()
    assert seen == str(len(tasks))
    # What the viewer's page has just left behind is not for the handler.
    assert handler.page("/statistics?period=all").select("#stat-total .value")[0].get_text() == "0"
    assert EVIL not in handler.page("/screen?period=all").get_text()
    assert EVIL in viewer.page("/screen?period=all").get_text()


def test_problems_that_come_again_are_shown_as_what_was_written_and_only_to_who_may_see_it(
    made: tuple[Desk, str, list[str]],
) -> None:
    """R65: 同类问题, from the 统计 page; the words of others stay words; a handler sees none of other units."""
    desk, _item, tasks = made
    desk.do("item.rectify", item=tasks[0], line=[f"1={EVIL}资金拨付不足额@财政局@王某@2026-12-31"])
    viewer = desk.sign_in("孙查阅")
    assert viewer.page("/statistics").select('a[href="/problems"]')
    page = viewer.page("/problems?period=all")
    inert(page)
    [row] = page.select("table.grid tbody tr")
    assert EVIL in row.get_text()
    assert row.select(f'a[href="/items/{tasks[0]}"]')
    assert not viewer.page("/problems?period=all&repeated=1").select("table.grid")
    assert not desk.sign_in("赵承办").page("/problems?period=all").select("table.grid")
    for name in ("period", "office", "repeated"):
        for text in HOSTILE:
            answer = viewer.get("/problems", params={name: text})
            assert answer.status_code in (200, 400, 422), (name, text)


def test_the_screen_has_nothing_to_click_but_the_way_back_and_keeps_up(made: tuple[Desk, str, list[str]]) -> None:
    desk, _item, tasks = made
    viewer = desk.sign_in("孙查阅")
    page = viewer.page("/screen?period=all")
    inert(page)
    assert [str(link["href"]) for link in page.select("a")] == ["/statistics"]
    assert not page.select("form, nav, button")
    assert page.select("body[data-refresh]")
    parts = [str(part.get("id")) for part in page.select("[data-part]")]
    assert len(parts) == len(set(parts)) > 4
    assert page.select("#s-big .value")[0].get_text() == str(len(tasks))
    assert json.loads(str(page.select("#chart-months")[0]["data-chart"]))["series"]
    assert desk.visitor().get("/screen", headers={"hx-request": "true"}).status_code == 401, "the page says so itself"


def test_answers_are_kept_for_half_a_minute_and_few_of_them() -> None:
    asked: list[object] = []
    now = [0]

    async def ask() -> int:
        asked.append(None)
        await asyncio.sleep(0)
        return len(asked)

    async def fails() -> int:
        raise ValueError("busy")

    async def run() -> None:
        answers = Answers()
        several = await asyncio.gather(*(answers.get(("a",), lambda: now[0], ask) for _ in range(5)))
        assert several == [1] * 5, "asked once for all"
        now[0] = LIFE_MS - 1
        assert await answers.get(("a",), lambda: now[0], ask) == 1
        assert await answers.get(("b",), lambda: now[0], ask) == 2
        now[0] = LIFE_MS
        assert await answers.get(("a",), lambda: now[0], ask) == 3
        with pytest.raises(ValueError, match="busy"):
            await answers.get(("c",), lambda: now[0], fails)
        assert await answers.get(("c",), lambda: now[0], ask) == 4
        for number in range(ANSWERS_MAX * 2):
            await answers.get((number,), lambda: now[0], ask)
        assert len(answers) == ANSWERS_MAX

    asyncio.run(run())


def test_the_screen_says_what_the_statistics_say_of_extension_return_and_slips() -> None:
    offices = Offices()
    offices.publish(offices.city, "xianyang-001")
    own, tasks = offices.issue(offices.city, [COUNTY, TOWN])
    due = {"text": "整改标准：逐项整改到位", "due": "2026-10-15", "fact": ["slow_progress"]}
    for task in tasks:
        offices.do(offices.city, "slip", task, colour="白", **due)
    offices.do(offices.county, "extend", tasks[0], until=LATER, reason="汛期")
    offices.do(offices.city, "change", own, due=LATER, reason="随延期")
    offices.do(offices.city, "grant", tasks[0], until=LATER)
    offices.do(offices.town, "submit", tasks[1], text="已办结")
    offices.do(offices.city, "return", tasks[1], reason="缺清单", mode="redo")
    with console_of(offices.city) as desk:
        viewer = desk.sign_in("孙查阅")
        total = viewer.page("/statistics?period=all").select("#stat-total")[0].get_text(" ", strip=True)
        screen = viewer.page("/screen?period=all")
        for part in screen.select("#s-big li"):
            label, small = part.select(".label")[0], part.select("small")
            if (name := str(label.contents[0]).strip()) in ("延期率", "退回率"):
                value = part.select(".value")[0].get_text()
                assert (value, small[0].get_text()) == {"延期率": ("50.0%", "1/2"), "退回率": ("100.0%", "1/1")}[name]
                assert value in total, name
        labels = [one.get_text(" ", strip=True) for one in screen.select("#s-big .label")]
        assert [one for one in labels if one.startswith(("延期率", "退回率"))] == ["延期率 1/2", "退回率 1/1"]
        assert [one.get_text(" ", strip=True) for one in screen.select("#s-slips li")] == ["白色 2"]
        assert screen.select("#s-slips .c-white")
