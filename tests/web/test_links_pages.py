"""对账与联通: links, alarms with their runbook, acknowledging, history, forks; who may what (R3, R125; W1, W15)."""

from pathlib import Path

import pytest
from openpyxl import load_workbook

from node.services.care.alarm_codes import ALARMS
from node.storage.port import WebAudit
from node.web.pages.links import hold_of, lower_links
from node.web.pages.links_runbook import FILE, load
from tests.web.desk import Desk, soup

ROOT = Path(__file__).resolve().parents[2]


def test_the_runbook_that_ships_is_the_one_of_the_operators_and_has_every_code() -> None:
    assert FILE.read_bytes() == (ROOT / "deploy" / "RUNBOOK.md").read_bytes(), "copy it after a change"
    sections = load()
    assert set(ALARMS) <= set(sections)
    for code, section in sections.items():
        words = ["".join(text for _, text in line) for line in section.lines]
        assert any(word.startswith("怎么办：") for word in words), code
        assert not any("**" in word or "`" in word for word in words), code


def test_alarms_show_what_to_do_and_end_by_hand_only_where_they_may(desk: Desk) -> None:
    hostile = "<script>alert(1)</script>"
    desk.core(lambda office: office.alarms.raise_("rejected_log", "320500", f"拒收 {hostile}"))
    desk.core(lambda office: office.alarms.raise_("damaged", "x", "一条记录缺失"))
    page = desk.sign_in("管理员").page("/links")
    assert hostile in page.get_text()
    assert not page.select("main script")
    alarms = {alarm["aria-label"]: alarm for alarm in page.select("section.alarm")}
    rejected = alarms["记录被拒收"]
    assert "怎么办" in rejected.select_one("ul.runbook").get_text()
    assert page.select("script[src*='items.js']"), "what was opened stays so when the alarms are fetched anew"
    for alarm in alarms.values():
        (way,) = alarm.select("details[id]")
        assert way.select("summary")[0].get_text() == "处置办法"
        assert way.select("summary + ul.runbook li"), "one click away, without JavaScript"
    assert "dulian alarm ack" not in str(rejected.select_one(".facts"))
    assert rejected.select("form[action='/links/ack']")
    assert not alarms["记录损坏或缺失，正在取回"].select("form")
    for name in ("王督查", "李市长", "赵承办", "孙查阅"):
        seen = desk.sign_in(name).page("/links")
        assert seen.select("section.alarm")
        assert not seen.select("main form"), "who only looks has no buttons"

    browser = desk.sign_in("管理员")
    token = browser.form("/account", "/account")["csrf"]
    ended = browser.send("/links/ack", {"csrf": token, "code": "damaged", "subject": "x"})
    assert ended.status_code == 422
    assert "取回后自动结束" in ended.text
    assert browser.send("/links/ack", {"csrf": token, "code": "none", "subject": ""}).status_code == 422
    assert browser.send("/links/ack", browser.form("/links", "/links/ack")).headers["location"] == "/links"
    assert "记录被拒收" not in browser.get("/links").text
    noted = [row.action for row in desk.office.store.reader().rows(WebAudit)]
    assert noted.count("alarm.ack") == 3, "the refused ones, too"


def test_reconciling_alone_and_with_a_stranger(desk: Desk) -> None:
    browser = desk.sign_in("管理员")
    assert "没有上级和下级节点" in browser.get("/links").text
    form = browser.form("/links/history", "/links/reconcile")
    assert browser.send("/links/reconcile", form).headers["location"] == "/links/history"
    answer = browser.send("/links/reconcile", browser.form("/links/history", "/links/reconcile") | {"peer": "999999"})
    assert answer.status_code == 422
    assert "不是本单位的上级或下级" in soup(answer).select_one(".form-error").get_text()
    assert browser.get("/links/history?with=999999").status_code == 400
    assert browser.get("/links/history?page=-1&x=1").status_code == 400
    assert browser.get("/links/history?page=99999").status_code == 200
    for name in ("王督查", "孙查阅"):
        other = desk.sign_in(name)
        token = other.form("/account", "/account")["csrf"]
        assert other.send("/links/reconcile", {"csrf": token, "peer": ""}).status_code == 403
        assert other.get("/links/history").status_code == 200


def test_the_sheet_is_a_workbook(desk: Desk, tmp_path: Path) -> None:
    answer = desk.sign_in("王督查").get("/links/sheet")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "attachment" in answer.headers["content-disposition"]
    (tmp_path / "x.xlsx").write_bytes(answer.content)
    assert load_workbook(tmp_path / "x.xlsx").sheetnames == ["对账单"]


def test_forks_that_are_not_there(desk: Desk) -> None:
    browser = desk.sign_in("管理员")
    assert "没有分叉" in browser.get("/links/forks").text
    assert browser.get("/links/forks/00000000").status_code == 404
    assert browser.get("/links/forks/%3Cscript%3E/proof").status_code == 400
    token = browser.form("/account", "/account")["csrf"]
    answer = browser.send("/links/forks/00000000", {"csrf": token, "keep": "both", "sure": "1"})
    assert answer.status_code == 404
    assert browser.send("/links/forks/00000000", {"csrf": token, "keep": "none", "sure": "1"}).status_code == 404


LINK = {"state": "synced", "to_send": 0, "to_receive": 0, "connected": True}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""), ({"to_send": 3}, "3 条尚无收讫"), ({"to_receive": 2}, "2 条尚未收齐"),
        ({"state": "stale", "connected": False}, "连接中断"), ({"state": "never", "connected": False}, "从未联通"),
        ({"state": "quarantined"}, "已隔离"),
    ],
)  # fmt: skip
def test_what_a_hop_holds_back(change: dict[str, object], said: str) -> None:
    found = hold_of(LINK | change)
    assert (said in found) if said else found == ""


def test_the_first_broken_hop_below_is_named() -> None:
    def row(office: str, above: str, *, fresh: bool, as_of: str | None = "2026-11-20T00:00:00Z") -> dict[str, object]:
        return {"office": office, "above": above, "fresh": fresh, "as_of": as_of}

    rows = [
        row("B", "A", fresh=True), row("C", "B", fresh=False), row("D", "C", fresh=False), row("E", "B", fresh=True),
        row("F", "E", fresh=False, as_of=None),
    ]  # fmt: skip
    found = lower_links(rows, "A", {"B"})
    assert [one["office"] for one in found["B"]] == ["C", "E"]
    assert found["C"][0]["hold"] == found["B"][0]["hold"] == "停在 B → C", "behind a broken hop nothing is known"
    assert found["B"][1]["hold"] == ""
    assert found["E"][0]["hold"] == "从未同步过"
    assert "A" not in found
    looped = lower_links([row("X", "Y", fresh=False), row("Y", "X", fresh=False)], "A", set())
    assert set(looped) == {"X", "Y"}, "ends whatever a row says"
