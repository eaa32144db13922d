"""Every page as a person sees it: nothing clipped, no complaint, readable by aid; fingers that slip (issue 5, W14)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from node.web.pages import all_pages
from tests.browser.offices import DESKTOP, MAGNIFIED, PASSWORD, Offices, Person
from tests.process.nodes import until

# Pages without a part in their address that a person can open; the others are reached through an item below.
_NOT_PAGES = {"/live", "/login", "/import/template", "/links/sheet", "/papers/xlsx"}
_PATHS = sorted(
    {page.path for page in all_pages() if "GET" in page.methods and not page.stream and "{" not in page.path}
    - _NOT_PAGES
)
_OF_ITEMS = ("", "/do/urge", "/do/change", "/do/rectify", "/print/notice", "/print/urge")
_ASKED = {"/nodes/approve": {"400", "404"}, "/nodes/person": {"400", "404"}}  # they want a name in the address
# What is wider than the page and does not scroll by itself, and words cut off in a box that hides them.
_CLIPPED = """() => {
  const wide = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > wide) { found.push("the page scrolls sideways"); }
  for (const node of document.querySelectorAll("main h1, main button, main .btn, main label, main th, nav a")) {
    const box = node.getBoundingClientRect();
    let scrolls = false;
    for (let up = node.parentElement; up; up = up.parentElement) {
      const flow = getComputedStyle(up).overflowX;
      if (flow === "auto" || flow === "scroll") { scrolls = true; }
    }
    if (box.width && !scrolls && box.right > wide + 1) { found.push("outside: " + node.textContent.trim()); }
    if (node.scrollWidth > node.clientWidth + 2 && node.clientWidth && getComputedStyle(node).overflowX === "hidden") {
      found.push("cut: " + node.textContent.trim());
    }
  }
  return found;
}"""
_AXE = """async () => {
  const found = await axe.run(document, {preload: false, resultTypes: ["violations"]});
  return found.violations.filter(one => ["serious", "critical"].includes(one.impact)).map(
    one => one.id + ": " + one.nodes.slice(0, 4).map(node => node.html.slice(0, 160) + " " +
      (node.any[0] ? node.any[0].message : "")).join(" | "));
}"""
# A character that no font has is drawn like one that nobody has assigned.
_GLYPHS = """() => {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "32px " + getComputedStyle(document.body).fontFamily;
  const drawn = text => {
    pen.canvas.width = pen.canvas.height = 48;
    pen.font = "32px " + getComputedStyle(document.body).fontFamily;
    pen.fillText(text, 4, 36);
    return pen.canvas.toDataURL();
  };
  const none = drawn("\\u{10FFFD}");
  return [..."督联控制台事项昆睢邗"].filter(one => drawn(one) === none);
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    return (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def task(offices: Offices) -> str:
    """A task of the city, signed and reported on."""
    province, city = offices.province, offices.city
    issued = province.json("item", "issue", "--title", "健全督查落实机制", "--to", "320500", "--due", "2027-05-31")
    item = str(issued["assignments"][0]["item"])
    until(lambda: item in {row["id"] for row in city.ask("item.list")}, "the task has come")
    assert city.cli("item", "sign", item).exit == 0
    assert city.cli("item", "report", item, "--text", "已制定工作方案", "--percent", "20").exit == 0
    until(lambda: province.show(item)["percent"] == 20, "the report has come")
    return item


def test_the_pages_are_whole_and_quiet_at_both_sizes_and_open_to_aids(
    people: dict[str, Person], task: str, axe: str
) -> None:
    """All that the operator of the 省 may open, at 1366 × 768 and at 125 %."""
    found: dict[str, Any] = {}
    person = people["陈管理"]
    assert person.go("/").evaluate(_GLYPHS) == []
    for path in [*_PATHS, *(f"/items/{task}{rest}" for rest in _OF_ITEMS)]:
        person.expected = _ASKED.get(path, set())
        name = path.strip("/").replace("/", "-").replace(task, "item") or "desk"
        problems: list[str] = []
        for size, label in ((DESKTOP, "100"), (MAGNIFIED, "125")):
            person.page.set_viewport_size(size)
            if label == "100":
                person.go(path)
            elif person.page.locator("[data-chart]").count():
                person.page.wait_for_timeout(400)  # a chart follows its window a moment later
            problems += [f"{label} %: {one}" for one in person.page.evaluate(_CLIPPED)]
            person.shot(f"page-{name}-{label}", whole=label == "100")
        person.page.evaluate(axe)
        problems += person.page.evaluate(_AXE)
        if problems:
            found[path] = problems
    assert found == {}, json.dumps(found, ensure_ascii=False, indent=1)


def test_signing_in_is_open_to_aids_and_whole(offices: Offices, axe: str, shots: Path) -> None:
    person = Person(offices.browser, offices.city, shots)
    person.go("/login")
    person.shot("page-login")
    person.page.evaluate(axe)
    assert person.page.evaluate(_AXE) == []
    assert person.page.evaluate(_CLIPPED) == []
    assert person.problems == []
    person.close()


def test_all_offices_below_are_chosen_by_one_click(people: dict[str, Person]) -> None:
    """A province issues to all its cities; what a search does not show any more stays chosen."""
    person = people["王督查"]
    person.go("/issue")
    below = person.page.locator("#picker-found input[name=to]").count()
    assert below > 10
    person.page.get_by_role("button", name=f"全选这 {below} 个").click()
    assert person.page.locator("#picker-chosen input[name=to]:checked").count() == below
    assert person.page.locator("[data-count]").inner_text() == str(below)
    person.fill(find="ks")
    person.page.locator("#to-320583").check()
    assert person.page.locator("#picker-chosen input[name=to]:checked").count() == below + 1


def test_a_double_click_makes_one_record(people: dict[str, Person], offices: Offices, task: str) -> None:
    person = people["王督查"]
    person.go(f"/items/{task}/do/urge")
    person.fill(text="双击的催办")
    with person.page.expect_navigation():
        person.page.locator("main form").get_by_role("button", name="催办", exact=True).dblclick()
    person.page.locator("#course").wait_for()
    said = [entry for entry in offices.province.show(task)["timeline"] if entry.get("text") == "双击的催办"]
    assert len(said) == 1


def test_a_draft_survives_a_lost_session(people: dict[str, Person], task: str) -> None:
    person = people["钱督查"]
    person.go(f"/items/{task}/do/report")
    person.fill(text="写了半天的进展情况，还没有提交")
    person.page.locator(".draft-state").get_by_text("草稿已保存").wait_for()
    person.context.clear_cookies()
    person.go(f"/items/{task}/do/report")
    assert "/login" in person.page.url
    person.fill(name="钱督查", password=PASSWORD)
    person.send("登录")
    assert person.page.url.endswith(f"/items/{task}/do/report"), "back where the person was"
    assert person.page.locator("[name=text]").input_value() == "写了半天的进展情况，还没有提交"
    assert "已恢复上次未提交的内容" in person.text()
    person.fill(text="写完了")
    person.send("进展填报")
    person.go(f"/items/{task}/do/report")
    assert person.page.locator("[name=text]").input_value() == "", "what was sent is no draft any more"


def test_a_draft_keeps_ticks_and_takes_them_away_again(people: dict[str, Person]) -> None:
    person = people["王督查"]
    for ticked in (True, False):
        person.go("/register")
        person.page.evaluate("document.querySelectorAll('form details').forEach(one => { one.open = true; })")
        box = person.page.locator("form[data-draft] input[type=checkbox]").first
        assert box.is_checked() is not ticked
        box.set_checked(ticked)
        person.page.locator(".draft-state").get_by_text("草稿已保存").wait_for()
    person.go("/register")
    assert not person.page.locator("form[data-draft] input[type=checkbox]").first.is_checked()


def test_a_page_goes_on_when_its_person_has_signed_in_again(people: dict[str, Person], task: str) -> None:
    """In another window, as the page advises; what is typed stays, and no reload is wanted (issue 5)."""
    person = people["钱督查"]
    person.expected = {"401", "403"}
    person.go(f"/items/{task}/do/report")
    person.context.clear_cookies()
    person.fill(text="会话失效之后写的")
    person.page.locator("#notice").get_by_text("登录已失效").wait_for()
    other = person.open()
    other.goto(person.url + "/login")
    other.fill("[name=name]", "钱督查")
    other.fill("[name=password]", PASSWORD)
    with other.expect_navigation():
        other.locator("main form button[type=submit]").click()
    other.close()
    person.fill(text="会话失效之后写的，登录之后又写了")
    person.page.locator(".draft-state").get_by_text("草稿已保存").wait_for()
    assert person.page.locator("#notice").is_hidden()
    person.send("进展填报")
    person.page.locator("#course").get_by_text("登录之后又写了").wait_for()


def test_the_focus_stays_where_a_part_is_fetched_anew(people: dict[str, Person], offices: Offices, task: str) -> None:
    """Who works by keyboard is not thrown back to the top by news."""
    person = people["王督查"]
    person.go(f"/items/{task}")
    person.page.locator('#live-state[data-state="on"]').wait_for()
    person.page.locator("#tree a").first.focus()
    assert offices.province.cli("item", "urge", task, "--text", "焦点不动").exit == 0
    person.page.locator("#course").get_by_text("焦点不动").wait_for()
    assert person.page.evaluate("document.activeElement.closest('#tree') !== null")


def test_the_focus_is_seen_on_buttons_links_and_fields(people: dict[str, Person], task: str) -> None:
    person = people["王督查"]
    for path in ("/", f"/items/{task}", "/issue"):
        person.go(path)
        for _ in range(30):
            person.page.keyboard.press("Tab")
            seen = person.page.evaluate(
                "[document.activeElement.outerHTML.slice(0, 90), getComputedStyle(document.activeElement).outlineStyle]"
            )
            assert seen[1] == "solid", (path, seen[0])


def test_the_second_of_two_who_edit_is_told(people: dict[str, Person], task: str) -> None:
    first, second = people["王督查"], people["陈管理"]
    second.go(f"/items/{task}/do/urge")
    second.fill(text="第二个人写的催办")
    first.do(task, "urge", "催办", text="第一个人先催了")
    second.expected = {"409"}
    second.send("催办")
    assert "第二个人写的催办" in second.text(), "nothing typed is lost"
    assert "催办通知" in second.text(), "choices in words"
    second.shot("page-conflict")
    second.page.get_by_role("button", name="已看过变化，仍然提交").click()
    second.page.locator("#course").get_by_text("第二个人写的催办").first.wait_for()
