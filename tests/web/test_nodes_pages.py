"""节点管理: invitations, fingerprints, backups, accounts, units; no token in a log or the audit (W5, W15, W17)."""

import asyncio
import re
from pathlib import Path

import pytest

from node.bootstrap.backup_runs import Backups
from node.bootstrap.control import Control
from node.config import read_config
from node.services.access.rights import ROLES
from node.storage.port import OnceKey, Pending, User, WebAudit
from node.storage.sql import SqlStore
from node.web.pages.nodes import age_of, groups_of_4, listed
from tests.web.desk import PASSWORD, Desk, open_desk, soup

CODE = "320583-jyj"


def test_only_operators_come_in(desk: Desk) -> None:
    paths = ("/nodes", "/nodes/invite", "/nodes/approve", "/nodes/backups", "/nodes/people", "/nodes/person",
             "/nodes/people/add", "/nodes/units")  # fmt: skip
    for name in ("王督查", "李市长", "赵承办", "孙查阅"):
        browser = desk.sign_in(name)
        assert {browser.get(path).status_code for path in paths} == {403}, name
        assert "节点管理" not in browser.page("/links").select_one("nav").get_text()
    assert "本节点指纹" in desk.sign_in("管理员").get("/nodes").text


def test_a_token_is_shown_once_and_kept_nowhere(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    browser = desk.sign_in("管理员")
    form = browser.form("/nodes/invite", "/nodes/invite")
    given = {"code": CODE, "name": "昆山市<b>教育局</b>", "unlisted": "1", "ttl": "24h"}
    answer = browser.send("/nodes/invite", form | given)
    assert answer.status_code == 200
    token = soup(answer).select_one("#token").get_text().strip()
    assert len(token) > 40
    assert not soup(answer).select("main b"), "a name is text"
    assert "dulian join" in answer.text
    assert token not in str(answer.headers), "no cookie, no address"
    assert answer.headers["cache-control"] == "no-store"
    reader = desk.office.store.reader()
    assert not [row for row in reader.rows(OnceKey) if row.verb == "invite"], "not under the form's key either"
    assert token not in str(reader.rows(WebAudit))
    assert [row.subject for row in reader.rows(WebAudit) if row.action == "invite"]
    for path in ("/nodes", "/nodes/invite", "/audit", "/links"):
        assert token not in browser.get(path).text
    out, err = capfd.readouterr()
    assert token not in out + err


def test_what_is_wrong_with_an_invitation_stands_at_the_field(desk: Desk) -> None:
    browser = desk.sign_in("管理员")
    page = browser.form("/nodes/invite", "/nodes/invite")
    for given, field in (
        ({"code": "x;rm -rf", "name": "某局", "unlisted": "1"}, "code"), ({"code": CODE, "unlisted": "1"}, "name"),
        ({"code": "110000", "name": "北京市"}, "code"),
    ):  # fmt: skip
        answer = browser.send("/nodes/invite", page | {"ttl": "24h"} | given)
        assert answer.status_code == 422, given
        assert soup(answer).select(f"#f-{field}-error") or soup(answer).select(".form-error"), given
    assert browser.send("/nodes/invite", page | {"ttl": "999d", "code": CODE}).status_code == 422


def test_a_node_is_approved_by_the_fingerprint_that_was_read_out(desk: Desk) -> None:
    fingerprint = bytes(range(32))
    row = Pending("320500", b"", fingerprint, "waiting", 1, b"")
    desk.core(lambda office: office.store.put([row]))
    browser = desk.sign_in("管理员")
    assert groups_of_4(fingerprint.hex()) in browser.page("/nodes").get_text()
    path = "/nodes/approve?code=320500"
    form = browser.form(path, "/nodes/approve")
    assert form["fingerprint"] == fingerprint.hex()
    for typed in ("", "1f", "0000 0000", "1c1d 1e1e", "<script>"):
        answer = browser.send("/nodes/approve", form | {"typed": typed, "sure": "1"})
        assert answer.status_code == 422, typed
        assert "不符" in answer.text or "请填写" in answer.text
    assert browser.send("/nodes/approve", form | {"typed": "1c1d 1e1f"}).status_code == 422, "not said to be compared"
    # Another node came meanwhile: what stood on the page is not what waits now.
    swapped = browser.send("/nodes/approve", form | {"fingerprint": "ab" * 32, "typed": "abababab", "sure": "1"})
    assert swapped.status_code == 422
    assert "指纹与申请不符" in swapped.text
    # The right one gets through to the service, which knows that the invitation is over.
    right = browser.send("/nodes/approve", form | {"typed": "1C1D-1e1f", "sure": "1"})
    assert right.status_code == 422
    assert "邀请已过期" in right.text
    assert browser.get("/nodes/approve?code=999999").status_code == 404
    outcomes = [row.outcome for row in desk.office.store.reader().rows(WebAudit) if row.action == "approve"]
    assert [one for one in outcomes if not one.startswith("无权")] == [
        "未办理：指纹与申请不符", "未办理：邀请已过期，不能再批准"
    ]  # fmt: skip


def test_an_account_from_its_making_to_its_end(desk: Desk) -> None:
    operator = desk.sign_in("管理员")
    form = operator.form("/nodes/people/add", "/nodes/people/add")
    wrong = operator.send("/nodes/people/add", form | {"name": "钱一，钱二", "role": ["viewer"]})
    assert wrong.status_code == 422
    assert operator.send("/nodes/people/add", form | {"name": "钱某", "role": ["god"]}).status_code == 422
    made = operator.send("/nodes/people/add", form | {"name": "钱某", "role": ["handler", "viewer"], "unit": "住建科"})
    assert made.status_code == 200, made.text
    url = soup(made).select_one("#link").get_text().strip()
    token = url.rsplit("/", 1)[1]
    assert url.startswith("http")
    reader = desk.office.store.reader()
    assert not [row for row in reader.rows(OnceKey) if token in row.answer]
    assert token not in str(reader.rows(WebAudit))
    visitor = desk.visitor()
    assert visitor.submit(f"/link/{token}", {"password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert desk.sign_in("钱某").get("/links").status_code == 200

    path = "/nodes/person?name=" + "钱某"
    change = operator.form(path, "/nodes/person")
    assert operator.send("/nodes/person", change | {"role": ["supervisor"], "unit": ""}).status_code == 303
    user = desk.office.store.reader().get(User, "钱某")
    assert user is not None
    assert (user.roles, user.unit) == ("supervisor", "")
    assert operator.send("/nodes/person", operator.form(path, "/nodes/person") | {"role": []}).status_code == 422
    again = operator.send("/nodes/person/link", operator.form(path, "/nodes/person/link"))
    assert soup(again).select_one("#link").get_text().strip() != url

    signed_in = desk.sign_in("钱某")
    assert operator.send("/nodes/person/disable", operator.form(path, "/nodes/person/disable")).status_code == 303
    assert signed_in.get("/links").status_code in (303, 401), "at once"
    assert operator.send("/nodes/person/enable", operator.form(path, "/nodes/person/enable")).status_code == 303
    assert operator.get("/nodes/person?name=nobody").status_code == 404
    token = operator.form("/account", "/account")["csrf"]
    assert operator.send("/nodes/person/link", {"csrf": token, "name": "nobody"}).status_code == 404


def test_an_operator_does_not_shut_the_own_way_in(desk: Desk) -> None:
    """One click too many, and an office has no operator any more (R13)."""
    operator, path = desk.sign_in("管理员"), "/nodes/person?name=管理员"
    ended = operator.send("/nodes/person/disable", operator.form(path, "/nodes/person/disable"))
    changed = operator.send("/nodes/person", operator.form(path, "/nodes/person") | {"role": ["viewer"]})
    assert [ended.status_code, changed.status_code] == [422, 422]
    assert "不能停用本人的账号" in ended.text
    assert "不能取消本人的操作员角色" in changed.text
    tried = [row for row in desk.office.store.reader().rows(WebAudit) if row.subject == "管理员" and row.outcome]
    assert [row.action for row in tried] == ["user.disable", "user.change"], "who tried what, and on whom"
    user = desk.office.store.reader().get(User, "管理员")
    assert user is not None
    assert (user.active, user.roles) == (True, "operator")
    more = operator.form(path, "/nodes/person") | {"role": ["operator", "viewer"]}
    assert operator.send("/nodes/person", more).status_code == 303
    assert desk.do("user.change", name="管理员", role=["operator"])["name"] == "管理员"


def test_a_leaver_hands_over_what_is_in_hand(desk: Desk) -> None:
    item = desk.item("移交的事项")
    desk.do("user.add", name="周某", role=["handler"], unit="住建科")
    desk.do("item.handle", item=item, unit="住建科", person="周某")
    operator, path = desk.sign_in("管理员"), "/nodes/person?name=周某"
    form = operator.form(path, "/nodes/person/disable")
    refused = operator.send("/nodes/person/disable", form)
    assert refused.status_code == 422
    assert "未结事项" in refused.text
    form = operator.form(path, "/nodes/person/disable")
    assert operator.send("/nodes/person/disable", form | {"handover": "赵承办"}).status_code == 303
    assert "已停用" in operator.page("/nodes/people").get_text()


def test_units_begin_and_end(desk: Desk) -> None:
    operator = desk.sign_in("管理员")
    form = operator.form("/nodes/units", "/nodes/units")
    assert operator.send("/nodes/units", form | {"name": "财政科", "head": "王督查"}).status_code == 303
    form = operator.form("/nodes/units", "/nodes/units")
    assert operator.send("/nodes/units", form | {"name": "--x"}).status_code == 422
    token = operator.form("/account", "/account")["csrf"]
    busy = operator.send("/nodes/units/disable", {"csrf": token, "name": "住建科"})
    assert busy.status_code == 422
    assert "机构中还有" in busy.text
    assert operator.send("/nodes/units/disable", {"csrf": token, "name": "财政科"}).status_code == 303


def test_roles_are_named_as_everywhere(desk: Desk) -> None:
    page = desk.sign_in("管理员").page("/nodes/people/add")
    boxes = page.select("input[name=role]")
    assert {str(box["value"]): box.parent.get_text(strip=True) for box in boxes if box.parent} == ROLES


def test_a_backup_is_made_where_the_node_is_told_to_and_listed(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        home = tmp_path / "home"
        text = (home / "config.toml").read_text("utf-8")
        config = read_config(home).model_copy(update={"backup_folder": ""})
        assert isinstance(desk.office.store, SqlStore)
        runs = Backups(home, config, desk.office.store, desk.office, desk.runner)
        desk.control._slow = {"backup": runs.by_hand}
        browser = desk.sign_in("管理员")
        assert "尚未备份" in browser.page("/nodes/backups").get_text()
        none = browser.submit("/nodes/backups", {})
        assert none.status_code == 422
        assert "没有设置备份目录" in none.text
        runs._config = config.model_copy(update={"backup_folder": str(tmp_path / "kept")})
        made = browser.submit("/nodes/backups", {})
        assert made.status_code == 303, made.text
        page = browser.page("/nodes/backups").get_text()
        assert re.search(r"dulian-320583-manual-\d{8}-\d{6}\.backup", page)
        assert "不到1小时前" in page
        assert len(list((tmp_path / "kept").iterdir())) == 1
        assert text == (home / "config.toml").read_text("utf-8")
        token = browser.form("/account", "/account")["csrf"]
        sent = browser.send("/nodes/backups", {"csrf": token, "file": "/etc/passwd"})
        assert sent.status_code == 400, "where it goes is not for a browser to say"


def test_a_backup_folder_that_is_gone_has_no_files() -> None:
    assert listed(None, "320583", 0) == []
    assert listed({"file": "/no/such/folder/x.backup"}, "320583", 0) == []
    assert age_of(None, 0) == ""
    assert age_of({"at": "1970-01-01T00:00:00Z"}, 50 * 3_600_000) == "2天前"


def test_the_examination_is_shown_with_what_to_do(desk: Desk) -> None:
    checks = [
        {"id": "disk", "title": "磁盘", "state": "警告", "cause": "剩余 <1 GiB", "fix": "清理磁盘"},
        {"id": "backup", "title": "备份", "state": "警告", "cause": "无", "fix": "dulian backup 文件；设每日备份"},
        {"id": "clock", "title": "时钟", "state": "正常", "cause": "", "fix": ""},
    ]

    async def examine(args: object) -> object:
        await asyncio.sleep(0)
        assert args in ({"deep": True}, {"deep": False})
        return {"ok": False, "office": "320583", "running": True, "deep": False, "checks": checks}

    control: Control = desk.control
    control.doctor = examine
    browser = desk.sign_in("管理员")
    assert "尚未体检" in browser.page("/nodes/doctor").get_text()
    page = browser.page("/nodes/doctor?run=1&deep=1")
    assert "2 项需要处理" in page.get_text()
    assert "在「节点管理」中备份；设每日备份" in page.get_text()
    assert "dulian" not in page.select("main")[0].get_text()
    assert "剩余 <1 GiB" in page.get_text()


def test_the_audit_log_is_read_by_account_and_to_the_second(desk: Desk) -> None:
    desk.sign_in("王督查")
    browser = desk.sign_in("管理员")
    page = browser.page("/audit?name=王督查")
    rows = page.select("main table tbody tr")
    assert rows
    assert {row.select("td")[2].get_text() for row in rows} == {"王督查"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", rows[0].select("td")[1].get_text())
    assert "没有这个账号的记录" in browser.page("/audit?name=无此人").get_text()
    assert len(browser.page("/audit").select("main table tbody tr")) > len(rows)
