"""规则档案与工作日历: shown, checked with key and line, published after a preview; hostile files (R125; W9, W15)."""

from datetime import date
from io import BytesIO

from httpx2 import Response

from node.documents.profiles import SHIPPED
from node.services.matters.ruling import show_profile
from node.storage.port import WebAudit
from node.web.pages.rules import differences, line_of, problems_of, year_view
from tests.web.desk import Browser, Desk, soup

BAD = """id = "mine"
version = 0
title = "<script>alert(1)</script>"
valid_from = "2018-99-17"

[[rules]]
id = "a"
foo = 1

[[rules]]
id = "b"
period = {n = 1, unit = "x"}
"""
NOTICE = """日期,类型,节日
2031-01-01,放假,元旦
2031-01-04,上班,元旦
2031-01-23,放假,春节
2031-04-04,放假,清明节
2031-05-01,放假,劳动节
2031-06-24,放假,端午节
2031-10-01,放假,中秋节、国庆节
"""


def upload(browser: Browser, page: str, path: str, name: str, data: bytes, **given: str) -> Response:
    files = {"files": (name, BytesIO(data), "application/octet-stream")}
    return browser.send(path, browser.form(page, path) | given, files)


def test_everybody_reads_the_rules_and_only_operators_publish(desk: Desk) -> None:
    for name in ("王督查", "李市长", "赵承办", "孙查阅"):
        browser = desk.sign_in(name)
        listed = browser.page("/rules")
        assert "现行" in listed.get_text()
        assert not listed.select("a[href='/rules/publish']")
        for link in listed.select("td a"):
            assert browser.get("/rules/" + str(link["href"]).removeprefix("/rules/")).status_code == 200
        assert browser.get("/rules/publish").status_code == 403
        assert browser.get("/rules/calendar/import").status_code == 403
        assert browser.get("/rules/calendar").status_code == 200
    page = desk.sign_in("孙查阅").page("/rules/show?name=county-003").get_text()
    assert "县政府督查室主任审核" in page
    assert "按发文程序印发督查通知" in page, "the sentence of the document"
    assert desk.sign_in("孙查阅").get("/rules/show?name=../../etc/passwd").status_code == 400


def test_what_is_wrong_with_a_profile_names_key_and_line() -> None:
    found = {(one.key, one.line) for one in problems_of(BAD.encode())}
    assert {("version", 2), ("valid_from", 4), ("rules[0].foo", 8), ("rules[1].period.unit", 12)} <= found
    assert ("rules[0].title", 6) in found, "what is missing stands at the entry"
    assert problems_of(b"x = = 1")[0].line == 0
    assert line_of([], "") == line_of([], "rules[3].x") == 0


def test_hostile_files_are_refused_and_change_nothing(desk: Desk) -> None:
    browser = desk.sign_in("管理员")
    before = desk.office.store.reader().record_count()
    for name, data in (
        ("x.exe", b"MZ"), ("x.toml", b"<script>"), ("x.toml", b"\xff\xfe\x00"), ("x.toml", b"x = = 1"),
        ("x.toml", BAD.encode()), ("x.toml", b"[" * 90_000), ("x.xlsx", b"PK\x03\x04nonsense"),
        ("x.toml", b"#" * 600_000), ("../../x.toml", b"id = 1"),
    ):  # fmt: skip
        answer = upload(browser, "/rules/publish", "/rules/preview", name, data)
        assert answer.status_code == 422, (name, data[:20])
        assert not soup(answer).select("main script"), name
    both = upload(browser, "/rules/publish", "/rules/preview", "x.toml", b"id = 1", shipped=SHIPPED[0])
    assert both.status_code == 422
    forged = browser.form("/account", "/account")["csrf"]
    for packed in ("%%%", "aWQgPSAx"):
        sent = browser.send("/rules/publish", {"csrf": forged, "packed": packed, "shipped": ""})
        assert sent.status_code == 422, packed
    for name, data in (
        ("x.csv", b"\x00\x01"), ("x.csv", b"a,b\n1,2\n"), ("x.xlsx", b"PK\x05\x06"), ("x.html", b"<html>"),
    ):  # fmt: skip
        answer = upload(browser, "/rules/calendar/import", "/rules/calendar/preview", name, data)
        assert answer.status_code == 422, name
    assert desk.office.store.reader().record_count() == before


def test_shipped_profiles_are_chosen_by_what_they_are_called(desk: Desk) -> None:
    chosen = desk.sign_in("管理员").page("/rules/publish").select("[name=shipped] option")
    said = {str(one["value"]): one.get_text() for one in chosen}
    assert said["county-003"] == "县政府督查工作制度档案（county-003）"
    assert {one for one in said if one} == set(SHIPPED)


def test_a_shipped_profile_is_previewed_with_its_differences_then_published(desk: Desk) -> None:
    browser = desk.sign_in("管理员")
    form = browser.form("/rules/publish", "/rules/preview")
    answer = browser.send("/rules/preview", form | {"shipped": "county-003"})
    assert answer.status_code == 200, answer.text
    page = soup(answer)
    assert "尚未发布" in page.get_text()
    assert [code for code in page.select("td code") if code.get_text().startswith("chains.plan.")]
    confirm = {str(one["name"]): str(one.get("value") or "") for one in page.select("main form [name]")}
    done = browser.send("/rules/publish", confirm)
    assert done.headers["location"] == "/rules"
    listed = browser.page("/rules").get_text()
    assert "county-003/1" in listed
    page = soup(browser.send("/rules/preview", form | {"shipped": "county-003"}))
    fresh = {str(one["name"]): str(one.get("value") or "") for one in page.select("main form [name]")}
    again = browser.send("/rules/publish", fresh)
    assert again.status_code == 422
    assert "已经发布并在施行" in again.text


def test_the_differences_are_those_between_the_documents(desk: Desk) -> None:
    view = desk.office.view()
    one, other = (show_profile(desk.office.store.reader(), view, {"name": name}) for name in ("county-003", "base-004"))
    assert differences(one, one) == []
    there, back = differences(one, other), differences(other, one)
    assert set(there) == {found._replace(old=found.new, new=found.old) for found in back}


def test_a_year_has_all_its_days_and_marks() -> None:
    weeks = year_view(2028, frozenset({"2028-01-03"}), frozenset({"2028-01-08"}))
    days = [day for month in weeks for week in month for day in week if day]
    assert len(days) == 366
    assert [day.kind for day in days[:9]] == ["rest", "rest", "off", "", "", "", "", "on", "rest"]
    assert date(2028, 1, 1).weekday() == 5


def noted(desk: Desk) -> int:
    return sum(row.action == "calendar.import" for row in desk.office.store.reader().rows(WebAudit))


def test_the_calendar_is_previewed_then_published(desk: Desk) -> None:
    browser = desk.sign_in("管理员")
    assert browser.get("/rules/calendar?year=99999999999").status_code == 200
    assert "暂定" in browser.page("/rules/calendar?year=2099").get_text()
    before, told = desk.office.store.reader().record_count(), noted(desk)
    data = NOTICE.encode()
    page, path = "/rules/calendar/import", "/rules/calendar/preview"
    answer = upload(browser, page, path, "notice.csv", data, source="国办发明电")
    assert answer.status_code == 200, answer.text
    assert "2031-01-01 休、2031-01-04 班" in soup(answer).get_text()
    assert desk.office.store.reader().record_count() == before, "a preview publishes nothing"
    assert noted(desk) == told, "and is no import in the audit log"
    given = {str(one["name"]): str(one.get("value") or "") for one in soup(answer).select("main form [name]")}
    assert browser.send("/rules/calendar/import", given).headers["location"] == "/rules/calendar?year=2031"
    assert desk.office.store.reader().record_count() == before + 1
    assert noted(desk) == told + 1
    shown = browser.page("/rules/calendar?year=2031")
    assert "国办发明电" in shown.get_text()
    assert "暂定" not in shown.get_text()
    assert [cell.get_text() for cell in shown.select(".month .off")][:2] == ["1休", "23休"]
    assert [cell.get_text() for cell in shown.select(".month .on")] == ["4班"]
