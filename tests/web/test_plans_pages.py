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
