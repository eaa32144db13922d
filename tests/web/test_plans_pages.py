"""年度督查计划: begun, filled, no matter twice, looked for what is alike (R24, R25)."""

from tests.web.desk import Desk


def test_a_plan_is_begun_filled_and_checked(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    assert "尚未建立" in browser.page("/plans?year=2027").get_text()
    begun = browser.send("/plans/begin", browser.form("/plans?year=2027", "/plans/begin"))
    assert begun.headers["location"] == "/plans?year=2027"
    token = browser.form("/account", "/account")["csrf"]
    assert browser.send("/plans/begin", {"csrf": token, "year": "2027"}).status_code == 422, "once"
    title = "老旧小区改造<b>落实</b>情况"
    form = browser.form("/plans?year=2027", "/plans")
    assert browser.send("/plans", form | {"title": title}).status_code == 303
    page = browser.page("/plans?year=2027&title=老旧小区改造落实情况")
    assert page.get_text().count(title) >= 2, "in the plan, and found alike"
    assert not page.select("main b")
    twice = browser.send("/plans", browser.form("/plans?year=2027", "/plans") | {"title": title})
    assert twice.status_code == 422
    assert "已列入此事项" in twice.text
    assert browser.send("/plans", form | {"title": "", "year": "2027"}).status_code == 422


def test_who_only_looks_adds_nothing(desk: Desk) -> None:
    for name in ("李市长", "赵承办", "孙查阅"):
        browser = desk.sign_in(name)
        assert not browser.page("/plans").select("main form[method=post]")
        token = browser.form("/account", "/account")["csrf"]
        for path in ("/plans", "/plans/begin"):
            assert browser.send(path, {"csrf": token, "year": "2027"}).status_code == 403
    for year in ("x", "0000", "9999999"):
        assert browser.get(f"/plans?year={year}").status_code in (200, 400)


def test_a_handler_sees_of_the_plan_what_the_own_unit_has_in_hand(desk: Desk) -> None:
    """W4: neither the plan nor what is alike tells of other units' items; the way to the plan is in the menu."""
    mine, other = (desk.do("plan.add", title=title, year=2029) for title in ("整治占道经营", "整治违法建设"))
    desk.do("item.handle", item=str(mine["item"]), unit="住建科")
    handler, all_ = desk.sign_in("赵承办"), desk.sign_in("王督查")
    assert handler.page("/").select(".menu a[href='/plans']")
    listed = {name: [link["href"] for link in browser.page("/plans?year=2029&title=整治").select("main td a")]
              for name, browser in (("one", handler), ("all", all_))}  # fmt: skip
    assert set(listed["one"]) == {f"/items/{mine['item']}"}
    assert set(listed["all"]) >= {f"/items/{mine['item']}", f"/items/{other['item']}"}
    assert "尚未建立" not in handler.page("/plans?year=2029").get_text()
