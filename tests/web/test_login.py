"""Signing in: sessions, guessing, one-time links, disabled accounts (W6, W7, W17)."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

from node.bootstrap.control import Asked
from node.cli.console import link_lines
from node.cli.paper import Paper
from node.services.access import console_accounts as accounts
from node.services.access import console_audit
from node.services.access.rights import RIGHTS
from node.services.access.verb_words import VERB_WORDS
from node.services.matters.desk import Caller
from node.storage.port import Credential, OneTimeLink, WebAudit, WebSession
from tests.web.desk import PASSWORD, Browser, Desk, open_desk, soup


def cookie(browser: Browser) -> str:
    return str(browser.client.cookies.get("dulian_session") or "")


def test_the_id_is_new_at_each_login_and_only_its_hash_is_stored(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    first = cookie(browser)
    answer = browser.get("/items")
    assert answer.status_code == 200
    again = desk.visitor()
    again.client.cookies.set("dulian_session", "chosen-by-somebody-else")
    sent = again.submit("/login", {"name": "王督查", "password": PASSWORD})
    flags = next(value for value in sent.headers.get_list("set-cookie") if value.startswith("dulian_session="))
    assert "HttpOnly" in flags
    assert "samesite=strict" in flags.lower()
    second = flags.split(";")[0].removeprefix("dulian_session=")
    assert len({first, second, "chosen-by-somebody-else"}) == 3
    reader = desk.office.store.reader()
    assert reader.get(WebSession, accounts.digest_of(second)) is not None
    assert not [row for row in reader.rows(WebSession) if row.digest in (first.encode(), second.encode())]


def test_over_https_cookies_are_secure_and_bound_to_the_host(desk: Desk) -> None:
    browser = desk.visitor()
    browser.client.base_url = browser.client.base_url.copy_with(scheme="https")
    set_cookie = browser.get("/login").headers["set-cookie"]
    assert set_cookie.startswith("__Host-dulian_visit=")
    assert "Secure" in set_cookie


def test_signing_out_ends_the_session_on_the_server(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    stolen = cookie(browser)
    token = browser.form("/account", "/account")["csrf"]
    assert browser.send("/logout", {"csrf": token}).status_code == 303
    thief = desk.visitor()
    thief.client.cookies.set("dulian_session", stolen)
    assert thief.get("/items").headers["location"].startswith("/login")


def test_a_disabled_account_is_out_with_its_next_request(desk: Desk) -> None:
    desk.do("user.add", name="将离任", role=["viewer"])
    secret = desk.office.store.reader().rows(Credential, name="王督查")[0].secret
    desk.core(lambda office: accounts.set_secret(office.store, "将离任", secret, 1))
    browser = desk.sign_in("将离任")
    assert browser.get("/items").status_code == 200
    desk.do("user.disable", name="将离任")
    assert browser.get("/items").headers["location"].startswith("/login")
    assert desk.visitor().submit("/login", {"name": "将离任", "password": PASSWORD}).status_code == 422


def test_sessions_end_by_idleness_and_by_age(desk: Desk) -> None:
    browser = desk.sign_in("孙查阅")
    try:
        for _ in range(13):  # an hour each, never idle for two
            desk.hands.off_ms += 3_600_000 - 1_000
            last = browser.get("/items").status_code
        assert last == 303
        browser = desk.sign_in("孙查阅")
        desk.hands.off_ms += accounts.SESSION_IDLE_MS + 1_000
        assert browser.get("/items").status_code == 303
    finally:
        desk.hands.off_ms = 0


def test_guessing_is_delayed_for_account_and_address_and_tells_nothing(desk: Desk) -> None:
    answers = {}
    desk.hands.stopped_ms = desk.hands.now_ms()
    for number, name in enumerate(("李市长", "查无此人")):
        browser, said = desk.visitor(f"10.9.0.{number}"), []
        for _ in range(5):
            answer = browser.submit("/login", {"name": name, "password": "wrong password"})
            said.append((answer.status_code, soup(answer).select_one(".form-error").get_text()[:10]))
        answers[name] = said
    assert answers["李市长"] == answers["查无此人"]
    assert [status for status, _ in answers["李市长"]] == [422, 422, 422, 429, 429]
    right = desk.visitor("10.9.0.7").submit("/login", {"name": "李市长", "password": PASSWORD})
    assert right.status_code == 429, "locked for the account, from wherever"
    desk.hands.off_ms = 1_000
    try:
        assert desk.visitor("10.9.0.7").submit("/login", {"name": "李市长", "password": PASSWORD}).status_code == 303
        guesser = desk.visitor("10.9.9.9")
        for number in range(12):
            last = guesser.submit("/login", {"name": f"猜{number}", "password": "wrong password"}).status_code
        assert last == 429, "an address that tries many names"
    finally:
        desk.hands.off_ms = desk.hands.stopped_ms = 0


def test_where_to_go_after_login_stays_here(desk: Desk) -> None:
    here = "/items?light=red"
    for target, wanted in ((here, here), ("https://evil.example/", "/"), ("//evil.example", "/"),
                           ("/\\evil.example", "/"), ("javascript:alert(1)", "/")):  # fmt: skip
        browser = desk.visitor()
        form = browser.form("/login", "/login") | {"name": "王督查", "password": PASSWORD, "next": target}
        assert browser.send("/login", form).headers["location"] == wanted


def test_first_run_has_no_account_and_one_link_makes_the_operator(tmp_path: Path) -> None:
    with open_desk(tmp_path, people=False) as desk:
        assert not desk.office.store.reader().rows(Credential)
        assert "dulian console link" in desk.visitor().page("/login").get_text()
        token = desk.do("console.link")["token"]
        assert not [row for row in desk.office.store.reader().rows(OneTimeLink) if token.encode() in row.digest]
        browser = desk.visitor()
        short = {"name": "张三", "password": "short", "again": "short"}
        assert browser.submit(f"/link/{token}", short).status_code == 422
        new = {"name": "张三", "password": "a long sentence", "again": "a long sentence"}
        assert browser.submit(f"/link/{token}", new).status_code == 303
        assert browser.page("/audit").select("tbody tr")
        used = desk.visitor().get(f"/link/{token}")
        assert used.status_code == 404, "works once"
        assert "请操作员给一个一次性链接" in used.text
        assert "再给一个：" not in used.text
        assert desk.visitor().get("/link/" + "x" * 43).status_code == 404
        desk.sign_in("张三", "a long sentence")
        late = desk.do("console.link", name="张三")["token"]
        desk.hands.off_ms = accounts.LINK_LIFE_MS + 1
        assert desk.visitor().get(f"/link/{late}").status_code == 404, "for a day"


def test_a_link_comes_with_the_fingerprint_that_the_browser_asks_about(desk: Desk) -> None:
    """Beyond the loopback: who opens the link compares it (issue 5)."""
    url = desk.control.console_url
    try:
        desk.control.console_url, desk.control.console_fingerprint = "https://office.example", "0a1b" * 16
        told = asyncio.run(desk.control.answer(Asked("console.link", {"name": "李市长"}), Caller("root"))).data
    finally:
        desk.control.console_url, desk.control.console_fingerprint = url, ""
    said = list(link_lines(told, Paper(80)))
    assert said[0].startswith("https://office.example/link/")
    assert " ".join(["0a1b"] * 8) in said[1]
    assert len(list(link_lines(told | {"fingerprint": None}, Paper(80)))) == 1, "the address alone, to be passed on"


def test_a_new_password_ends_all_other_sessions(desk: Desk) -> None:
    token = desk.do("console.link", name="赵承办")["token"]
    old = desk.sign_in("赵承办")
    secret = "another long sentence"
    assert desk.visitor().submit(f"/link/{token}", {"password": secret, "again": secret}).status_code == 303
    assert old.get("/items").status_code == 303
    browser, other = desk.sign_in("赵承办", secret), desk.sign_in("赵承办", secret)
    wrong = browser.submit("/account", {"old": "not the one", "password": PASSWORD, "again": PASSWORD})
    assert "现用口令不正确" in wrong.text
    assert browser.submit("/account", {"old": secret, "password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert browser.get("/account").status_code == 200
    assert other.get("/account").status_code == 303


def test_the_audit_log_speaks_of_items_and_deeds_by_their_names(desk: Desk) -> None:
    item = desk.item("整治河道")
    desk.do("item.handle", item=item, unit="住建科")
    handler, place = desk.sign_in("赵承办"), f"/items/{item}/do/report"
    answer = handler.send(place, handler.form(place) | {"text": "已开工", "percent": "10"})
    assert answer.status_code == 303, answer.text
    page = desk.sign_in("管理员").page("/audit")
    row = next(row for row in page.select("tbody tr") if "整治河道" in row.get_text())
    assert "进展填报" in row.get_text()
    assert row.select(f'a[href="/items/{item}"]')
    assert "登录" in page.get_text()
    assert not re.search(r"item\.\w+|console\.\w+|[0-9a-f]{30}", page.get_text())


def test_every_verb_has_a_word() -> None:
    assert set(RIGHTS) <= set(VERB_WORDS)


def test_the_audit_log_is_chained_and_takes_no_lines_of_strangers(desk: Desk) -> None:
    forged = "x\r\n99999 管理员 console.login"
    desk.visitor("10.7.7.7").submit("/login", {"name": forged, "password": "p"})
    desk.core(lambda office: console_audit.note(office.store, 1, forged, "a", "b", "c\x00\x1b[31m"))
    page = desk.sign_in("管理员").page("/audit")
    assert "首尾相接" in page.get_text()
    assert "\\u000d\\u000a99999" in page.get_text()
    store = desk.office.store

    def change(office: object) -> None:
        del office
        store.put([replace(store.rows(WebAudit)[-3], outcome="改过")])

    changed = store.reader().rows(WebAudit)[-3].number
    desk.core(change)
    assert console_audit.broken_at(store.reader()) == changed
