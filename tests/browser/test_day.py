"""The five roles' day through the pages, across three live nodes (issue 5; R16, R57, W14)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator
from playwright.sync_api import TimeoutError as NotInTime

from tests.browser.offices import WAIT_MS, Offices, Person
from tests.process.nodes import until

LIVE_S = 2.0
_DUE = "2027-06-30"


class Day:
    """What the day's steps hand on."""

    def __init__(self, offices: Offices, people: dict[str, Person]) -> None:
        self.offices, self.people = offices, people
        self.crossings: dict[str, float] = {}  # seconds from the click here to the open page there

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    def seen(self, what: str, here: Person, there: Person, where: Callable[[], Locator]) -> None:
        """What was sent here appears on a page that lies open there, by itself."""
        where().first.wait_for(timeout=WAIT_MS)
        changed_ms = there.page.evaluate("window.changed")
        assert changed_ms, "the page was loaded anew, or showed it all along"
        self.crossings[what] = (changed_ms - here.sent_ms) / 1_000
        there.shot(f"day-{len(self.crossings):02}-live")


def lie_open(person: Person, path: str) -> None:
    """A page left open, with its stream."""
    person.go(path)
    person.page.evaluate("""() => {
      window.changed = 0;
      new MutationObserver(() => { window.changed = Date.now(); }).observe(
        document.querySelector("main"), {childList: true, subtree: true});
    }""")
    person.page.locator('#live-state[data-state="on"]').wait_for()


def follow(person: Person, title: str) -> str:
    """Click an item on a list that lies open; its id. A list that comes anew under the click loses it: once more."""
    for _ in range(4):
        person.page.get_by_role("link", name=title).first.click()
        try:
            person.page.locator("#course").wait_for(timeout=WAIT_MS / 4)
        except NotInTime:
            continue
        break
    person.page.locator("#course").wait_for()
    return person.page.url.rpartition("/")[2]


@pytest.fixture
def day(offices: Offices, people: dict[str, Person]) -> Day:
    return Day(offices, people)


def test_the_five_roles_day_across_three_live_nodes(day: Day, tmp_path: Path) -> None:
    task = issue(day)
    below = decompose(day, task)
    report(day, task, below, tmp_path)
    urge_and_extend(day, task)
    finish_below(day, below)
    finish(day, task)
    papers(day, task)
    others_look(day, task)
    for node in day.offices.nodes:
        assert node.json("verify")["ok"]
    figures = {what: round(seconds, 2) for what, seconds in day.crossings.items()}
    (day.offices.shots / "live.json").write_text(json.dumps(figures), encoding="utf-8")
    # Every one came by itself; how soon, the best says: the others wait for the machine.
    assert len(day.crossings) >= 4
    assert min(day.crossings.values()) <= LIVE_S


def issue(day: Day) -> str:
    """省 registers and issues; 市 sees it on the list that lies open, and signs."""
    province, city = day["王督查"], day["钱督查"]
    lie_open(city, "/items")
    province.go("/issue")
    province.shot("day-issue-empty")
    province.fill(title="推进城镇老旧小区改造", requirement="年底前完成二百个小区的改造。", to=["320500"], due=_DUE)
    province.shot("day-issue")
    province.send("登记并交办")
    day.seen("issue", province, city, lambda: city.page.get_by_role("link", name="推进城镇老旧小区改造"))
    assert "已交办 1 个单位" in province.page.inner_text("body")
    province.shot("day-opened")
    task = follow(city, "推进城镇老旧小区改造")
    city.do(task, "sign", "签收")
    return task


def decompose(day: Day, task: str) -> str:
    """市 decomposes to 县; it appears in the 县's list that lies open."""
    city, county = day["钱督查"], day["周督查"]
    lie_open(county, "/items")
    city.go(f"/items/{task}/decompose")
    city.fill(to=["320583"], title="昆山市老旧小区改造")
    city.shot("day-decompose")
    city.send("分解")
    day.seen("decompose", city, county, lambda: county.page.get_by_role("link", name="昆山市老旧小区改造"))
    below = follow(county, "昆山市老旧小区改造")
    county.do(below, "sign", "签收")
    county.do(below, "handle", "内部交办", unit="住建科", person="赵承办")
    return below


def report(day: Day, task: str, below: str, folder: Path) -> None:
    """县's handler reports with a file; 省's page of the item, which lies open, shows it."""
    province, handler = day["王督查"], day["赵承办"]
    evidence = folder / "改造进展.txt"
    evidence.write_text("第一批 40 个小区已完工。", encoding="utf-8")
    handler.go("/")
    handler.shot("day-handler-desk")
    lie_open(province, f"/items/{task}")
    handler.do(below, "report", "进展填报", text="第一批四十个小区已完工", percent="40", attach=evidence)
    day.seen("report", handler, province, lambda: province.page.locator("#tree td.num", has_text="40%"))
    handler.go(f"/items/{below}")
    handler.shot("day-county-item")
    with handler.page.expect_download() as got:
        handler.page.locator("#files").get_by_role("link", name="下载").click()
    assert got.value.path().read_text(encoding="utf-8") == evidence.read_text(encoding="utf-8")
    handler.page.locator("#files").get_by_role("link", name="查看").click()
    handler.page.get_by_text("第一批 40 个小区已完工。").wait_for()
    handler.shot("day-file")


def urge_and_extend(day: Day, task: str) -> None:
    """省 urges, 市 sees it at once and asks for more time, 省 grants it."""
    province, city = day["王督查"], day["钱督查"]
    lie_open(city, f"/items/{task}")
    province.do(task, "urge", "催办", text="请加快第二批进度")
    day.seen("urge", province, city, lambda: city.page.locator("#course").get_by_text("请加快第二批进度"))
    lie_open(province, f"/items/{task}")
    city.do(task, "extend", "申请延期", until="2027-09-30", reason="管线迁改需跨汛期施工")
    day.seen("extend", city, province, lambda: province.page.get_by_text("管线迁改需跨汛期施工"))
    # What is granted must lie within the own date: that is changed first, and the page says why.
    province.expected = {"409"}
    province.go(f"/items/{task}/do/grant")
    assert "现在不能办理：同意延期" in province.text()
    own = str(day.offices.province.show(task)["parent"])
    province.do(own, "change", "变更时限", due="2027-12-31", reason="随汛期安排顺延")
    province.do(task, "grant", "同意延期", until="2027-09-30")
    assert "2027-09-30" in province.text()


def finish_below(day: Day, below: str) -> None:
    """县 submits, 市 returns it, 县 submits again, 市 accepts and closes."""
    handler, city = day["赵承办"], day["钱督查"]
    lie_open(city, f"/items/{below}")
    handler.do(below, "submit", "报送审核", text="全部完工")
    day.seen("submit", handler, city, lambda: city.page.locator("#course").get_by_text("全部完工"))
    city.do(below, "return", "退回重办/补办", mode="supplement", reason="缺竣工验收表")
    lie_open(handler, f"/items/{below}")
    handler.page.locator("#course").get_by_text("缺竣工验收表").first.wait_for()
    handler.do(below, "submit", "报送审核", text="已补竣工验收表")
    lie_open(city, f"/items/{below}")
    city.page.locator("#course").get_by_text("已补竣工验收表").first.wait_for()
    city.shot("day-review")
    city.do(below, "accept", "审核通过", text="材料齐全")
    city.do(below, "close", "销号")


def finish(day: Day, task: str) -> None:
    """市 submits, 省 accepts, closes and files it."""
    province, city = day["王督查"], day["钱督查"]
    city.do(task, "submit", "报送审核", text="二百个小区全部完成")
    lie_open(province, f"/items/{task}")
    province.page.locator("#course").get_by_text("二百个小区全部完成").first.wait_for()
    province.do(task, "accept", "审核通过", text="同意")
    province.do(task, "close", "销号")


def papers(day: Day, task: str) -> None:
    """省 commends in a notice, files the item; a slip by a profile that has them."""
    province, node = day["王督查"], day.offices.province
    own = str(node.show(task)["parent"])
    province.do(task, "notice.praise", "通报表扬", title="关于表扬苏州市的通报", text="按期完成，群众满意。")
    province.shot("day-notice")
    for verb, label in (("complete", "认定办结"), ("close", "销号")):
        if verb in {one["id"] for one in node.ask("item.actions", item=own)["actions"]}:
            province.do(own, verb, label)
    province.do(own, "archive", "归档")
    assert "归档" in province.text()
    province.shot("day-archived")
    other = node.json("item", "issue", "--title", "推进供水管网改造", "--to", "320500", "--due", "2027-03-31")
    slow = str(other["assignments"][0]["item"])
    until(lambda: slow in {row["id"] for row in day.offices.city.ask("item.list")}, "the task has come")
    day["钱督查"].do(slow, "sign", "签收")
    assert node.cli("rules", "publish", "--shipped", "xianyang-001").exit == 0
    until(lambda: node.show(slow)["state"] == day.offices.city.show(slow)["state"], "the signing has come")
    province.do(
        slow, "slip", "督办单", colour="white", text="三日内报送整改措施", due="2027-01-15", fact="slow_progress",
        **{"state.0": "措施到位"},
    )
    assert "白" in province.page.locator(".states").inner_text()
    lie_open(day["钱督查"], f"/items/{slow}")
    day["钱督查"].page.locator("#course").get_by_text("三日内报送整改措施").first.wait_for()
    day["钱督查"].shot("day-slip")


def others_look(day: Day, task: str) -> None:
    """Leader, viewer and operator have their pages."""
    for name, path in (("李省长", f"/items/{task}"), ("孙查阅", f"/items/{task}"), ("陈管理", "/nodes")):
        person = day[name]
        person.go("/")
        person.shot(f"day-desk-{name}")
        person.go(path)
        assert person.page.locator("main h1").count() == 1


def test_reading_and_the_main_forms_without_javascript(offices: Offices, shots: Path) -> None:
    """Log in, look for an office, issue, list, item, report with a file: plain pages and forms."""
    province, city = (Person(offices.browser, node, shots, script=False) for node in (offices.province, offices.city))
    province.sign_in("王督查")
    province.go("/issue")
    province.fill(title="不用脚本办理的事项", find="suzhou", due=_DUE)
    province.send("查找")
    assert province.page.locator("[name=title]").input_value() == "不用脚本办理的事项"
    province.fill(to=["320500"])
    province.send("登记并交办")
    assert "已交办 1 个单位" in province.page.inner_text("body")
    until(lambda: "不用脚本办理的事项" in {row["title"] for row in offices.city.ask("item.list")}, "the task has come")
    city.sign_in("钱督查")
    city.go("/items?text=不用脚本")
    assert not city.page.locator("#live-state").is_visible(), "nothing is said of what cannot be"
    city.shot("plain-list")
    city.page.get_by_role("link", name="不用脚本办理的事项").first.click()
    task = city.page.url.rpartition("/")[2]
    city.do(task, "sign", "签收")
    note = shots / "说明.txt"
    note.write_text("没有脚本也能办", encoding="utf-8")
    city.do(task, "report", "进展填报", text="已开始办理", percent="10", attach=note)
    assert "已开始办理" in city.text()
    assert "说明.txt" in city.text()
    city.shot("plain-item")
    city.go(f"/items/{task}/do/report")
    city.expected = {"422"}
    city.fill(text="进度写错了", percent="四成")
    city.send("进展填报")
    assert city.page.locator("[name=text]").input_value() == "进度写错了", "nothing typed is lost"
    assert city.page.locator("#f-percent-error").inner_text()
    assert province.problems == city.problems == []
    for person in (province, city):
        person.close()
