"""登记、交办、分解 without JavaScript: forms, the office picker, what came of it (R25, R26, R33, W14)."""

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.documents.divisions import Divisions
from node.documents.pinyin import Readings, normalised
from tests.web.desk import Desk, soup

PDF = b"%PDF-1.4\n" + b"x" * 100


def ticked(page: object) -> set[str]:
    return {str(box["value"]) for box in page.select("#picker-chosen input[name=to][checked]")}  # type: ignore[attr-defined]


def offered(page: object) -> dict[str, str]:
    rows = page.select("#found-rows tbody tr")  # type: ignore[attr-defined]
    return {str(row.select_one("input")["value"]): row.select_one("label").get_text(strip=True) for row in rows}


def test_register_then_assign_and_it_is_in_the_list(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    values = {"title": "推进水环境治理", "requirement": "年底前达标。\n逐月报告。", "due": "2027-12-31",
              "point": "一、清淤\n二、截污", "milestone": "1=方案@2027-03-31"}  # fmt: skip
    answer = browser.submit("/register", values, files=[("attach", ("批示.pdf", PDF, "application/pdf"))])
    assert answer.status_code == 303, answer.text
    item = re.fullmatch(r"/items/([0-9a-f]{64})/opened", answer.headers["location"])
    assert item is not None
    page = browser.page(answer.headers["location"])
    assert "推进水环境治理" in page.get_text()
    assert "1 个" in page.get_text(), "the attachment"
    path = f"/items/{item[1]}/assign"
    found = browser.send(path, browser.form(path, path) | {"find": "玉山", "look": "1"})
    assert found.status_code == 200
    assert offered(soup(found)) == {"320583100": "玉山镇"}
    sent = browser.submit(path, {"to": ["320583100", "320583101"], "lead": "320583101"})
    assert sent.status_code == 303, sent.text
    result = browser.page(sent.headers["location"])
    rows = [row.get_text(" ", strip=True) for row in result.select("#tasks tbody tr")]
    assert len(rows) == 2
    assert "巴城镇" in rows[0], "the lead first, by name though it is not enrolled"
    assert "牵头" in rows[0]
    assert "待转送" in rows[0]
    listed = browser.page(f"/items?text={quote('推进水环境治理')}").get_text()
    assert "推进水环境治理" in listed
    again = browser.submit(path, {"to": ["320583100"]})
    assert again.status_code == 422
    assert "未结任务" in again.text


def test_issue_keeps_what_was_typed_while_looking_and_makes_one_of_two_clicks(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    blank = browser.form("/issue", "/issue")
    typed = blank | {"title": "迎检准备", "requirement": "全面自查"}
    first = browser.send("/issue", typed | {"to": ["320583100"], "lead": "320583100", "find": "bcz", "look": "1"})
    page = soup(first)
    assert first.status_code == 200
    assert "请填写" not in page.get_text(), "looking is no mistake"
    assert page.select_one("input[name=title]")["value"] == "迎检准备"  # type: ignore[index]
    assert ticked(page) == {"320583100"}
    assert page.select_one("input[name=lead][checked]")["value"] == "320583100"  # type: ignore[index]
    assert "320583101" in offered(page)
    full = typed | {"to": ["320583100", "320583101"], "lead": "320583100"}
    before = desk.office.store.reader().record_count()
    one, two = browser.send("/issue", full), browser.send("/issue", full)
    assert one.status_code == two.status_code == 303
    assert one.headers["location"] == two.headers["location"]
    assert desk.office.store.reader().record_count() == before + 4, "the item, two tasks, one 分发"


def test_refusals_stand_at_their_fields(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    none = soup(browser.submit("/issue", {"title": "无单位"}))
    assert "请填写承办单位" in none.select_one("#picker").get_text()
    foreign = soup(browser.submit("/issue", {"title": "越级", "to": ["110000"]}))
    assert "下级中没有" in foreign.select_one("#picker").get_text()
    assert ticked(foreign) == {"110000"}
    lead = soup(browser.submit("/issue", {"title": "牵头", "to": ["320583100"], "lead": "320583101"}))
    assert "牵头单位不在" in lead.select_one("#picker").get_text()
    past = soup(browser.submit("/register", {"title": "过期", "due": "2020-01-01"}))
    assert past.select_one("#f-due-error") is not None
    assert past.select_one("#f-title")["value"] == "过期"  # type: ignore[index]


@pytest.mark.parametrize(
    "query", ["玉山", "yushan", "ysz", "YSZ", "yu shan", "yush", "玉shan", "320583100", "3205831", "y山", "s镇",
              "ＹＳＺ", "３２０５８３１", "昆山市玉山"]
)
def test_the_picker_finds_by_name_pinyin_initials_and_code(desk: Desk, query: str) -> None:
    page = desk.sign_in("赵承办").page(f"/offices?find={quote(query)}")
    assert "320583100" in offered(page), query


def test_the_picker_offers_the_subtree_and_nothing_else(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    below = {one.code for one in Divisions.load().children("320583")}
    assert set(offered(browser.page("/offices"))) == below
    for stranger in ("苏州", "320500", "北京", "<script>", "%", "' OR 1=1"):
        assert not offered(browser.page(f"/offices?find={quote(stranger)}")), stranger
    assert desk.sign_in("孙查阅").get("/offices").status_code == 403
    asked = browser.get("/offices?find=ysz", headers={"hx-request": "true"})
    assert "<html" not in asked.text
    assert "玉山镇" in asked.text


def test_a_handler_neither_registers_nor_issues(desk: Desk) -> None:
    browser, item = desk.sign_in("赵承办"), desk.item("不归承办人")
    for path in ("/register", "/issue", f"/items/{item}/assign", "/import"):
        assert browser.get(path).status_code == 403, path


def test_what_cannot_be_decomposed_says_why_and_what_else(desk: Desk) -> None:
    browser, item = desk.sign_in("王督查"), desk.item("自立之事")
    path = f"/items/{item}/decompose"
    answer = browser.submit(path, {"to": ["320583100"], "title": "分头办理"})
    assert answer.status_code == 422
    assert "自立事项不用分解" in answer.text
    assert "dulian " not in soup(answer).get_text(), "the console's words, not the command line's"
    assert ticked(soup(answer)) == {"320583100"}
    assert desk.sign_in("赵承办").get(path).status_code == 404, "not in the hands of the own unit"


def test_an_item_that_changed_is_not_assigned_unseen(desk: Desk) -> None:
    browser, item = desk.sign_in("王督查"), desk.item("正在变化")
    path = f"/items/{item}/assign"
    form = browser.form(path, path) | {"to": ["320583100"]}
    desk.do("item.cancel", item=item, reason="不再办理")
    assert browser.send(path, form).status_code == 409


@pytest.fixture(scope="module")
def readings() -> Readings:
    return Readings.load()


@given(st.data())
def test_every_way_of_typing_a_name_finds_it(readings: Readings, data: st.DataObject) -> None:
    names = ["重庆市", "吕梁市", "六安市金安区", "厦门市", "亳州市谯城区", "玉山镇", "长乐区"]
    name = data.draw(st.sampled_from(names))
    typed = ""
    for char in name[: data.draw(st.integers(1, len(name)))]:
        syllable = data.draw(st.sampled_from(readings.of(char)))
        ways = [char, syllable, syllable[0], syllable.upper()]
        typed += data.draw(st.sampled_from(ways)) + data.draw(st.sampled_from(["", " ", "'"]))
    assert readings.place(typed, name) >= 0, typed


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_typed_is_answered(readings: Readings, typed: str, name: str) -> None:
    place = readings.place(typed, name)
    assert -1 <= place < max(1, len(name.lower()))
    assert len(normalised(typed)) <= 40


def test_a_name_made_to_be_slow_is_answered_at_once(readings: Readings) -> None:
    assert readings.place("s" * 40, "石" * 200) == 0
    assert readings.place("s" * 39 + "x", "石" * 200) == -1
