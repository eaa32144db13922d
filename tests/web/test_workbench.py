"""工作台: what waits, by role; news read; proposals (R16, R90, R91)."""

from node.services.matters.ground import iso_day, today_of
from node.storage.port import ReadNotice
from tests.web.desk import Desk, soup


def keys(page: object) -> set[str]:
    return {str(one["href"]).removeprefix("#list-") for one in page.select(".cards a")}  # type: ignore[attr-defined]


def test_each_role_has_its_own_page_and_one_click_to_the_action(desk: Desk) -> None:
    item = desk.item("改造老旧小区")
    page = desk.sign_in("王督查").page("/")
    assert page.select_one("nav a[aria-current=page]").get_text(strip=True) == "工作台"
    assert {"approve", "review", "extension", "sign", "overdue", "proposals", "news"} <= keys(page)
    row = next(row for row in page.select("#list-assign tbody tr") if "改造老旧小区" in row.get_text())
    assert row.select_one("td.do a")["href"] == f"/items/{item}/do/assign"  # type: ignore[index]
    assert not [row for row in page.select("#list-todo tbody tr") if "改造老旧小区" in row.get_text()], "listed once"
    leader = desk.sign_in("李市长").page("/")
    assert leader.select("#figures-head")
    assert leader.select_one(".cards a")["href"] == "#list-approve"  # type: ignore[index]
    viewer = desk.sign_in("孙查阅").page("/")
    assert not viewer.select("main a[href*='/do/']"), "who may only look has no actions"
    assert not viewer.select("main a[href='/register']")


def test_a_handler_sees_only_what_the_own_unit_has_in_hand(desk: Desk) -> None:
    mine, other = desk.item("本科室的事"), desk.item("别处的事")
    desk.do("unit.add", name="财政科")
    desk.do("item.handle", item=mine, unit="住建科")
    desk.do("item.handle", item=other, unit="财政科")
    page = desk.sign_in("赵承办").page("/")
    assert "本科室的事" in page.get_text()
    assert "别处的事" not in page.get_text()
    assert keys(page) == {"sign", "todo", "due_soon", "overdue", "news"}


def test_whoever_assigns_sees_what_every_unit_has_in_hand_and_what_none_has_yet(desk: Desk) -> None:
    """王督查 is of the 督查室: nobody else looks at what another unit lets run late (R33, R51)."""
    titles = ("住建科的急事", "审计局的急事", "还没有科室承办的急事")
    desk.do("unit.add", name="审计局")
    due = iso_day(today_of(desk.office.desk) + 1)
    for title in titles:
        item = desk.do("item.register", title=title, text="要求", due=due)["item"]
        if not title.startswith("还没有"):
            desk.do("item.handle", item=item, unit=title[:3])
    soon = {name: desk.sign_in(name).page("/").select_one("#list-due_soon").get_text() for name in ("王督查", "赵承办")}
    assert [title in soon["王督查"] for title in titles] == [True, True, True]
    assert [title in soon["赵承办"] for title in titles] == [True, False, False]


def test_news_are_read_one_by_one_and_all_at_once(desk: Desk) -> None:
    first, _second = desk.item("动态一"), desk.item("动态二")
    browser = desk.sign_in("孙查阅")
    token = browser.form("/account", "/account")["csrf"]
    assert browser.send("/notices", {"csrf": token, "item": first}).status_code == 303
    page = browser.page("/")
    assert "动态一" not in page.select_one("#list-news").get_text()
    assert "动态二" in page.select_one("#list-news").get_text()
    assert browser.submit("/notices", {}, page="/").status_code == 303
    assert not browser.page("/").select("#list-news")
    assert "动态二" in desk.sign_in("王督查").page("/").select_one("#list-news").get_text()
    assert browser.send("/notices", {"csrf": token, "item": "../x"}).status_code == 303
    rows = desk.office.store.reader().rows(ReadNotice, name="孙查阅")
    assert [row.notice for row in rows] == ["all"]


def test_a_hostile_title_stays_text(desk: Desk) -> None:
    desk.item("<script>alert(1)</script>{{7*7}}\"'")
    answer = desk.sign_in("王督查").get("/")
    assert "<script>alert(1)" not in answer.text
    assert "<script>alert(1)</script>{{7*7}}\"'" in soup(answer).get_text()


def test_a_proposal_that_is_gone_is_404(desk: Desk) -> None:
    assert desk.sign_in("王督查").get("/todo/0000").status_code == 404
    assert desk.sign_in("孙查阅").get("/todo/0000").status_code == 403
