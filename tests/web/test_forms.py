"""Forms: one click makes one record, what changed meanwhile is said, nothing typed is lost (W2, W14)."""

import ast
import json
import re
import threading
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import node
from node.errors import InputError
from node.storage.port import Draft, OnceKey, WebAudit
from node.web import forms
from node.web.forms import Field, Form
from node.web.wording import OPTIONS, plain
from tests.web.desk import PASSWORD, Browser, Desk, sent_by, soup

HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'-alert(1)-'", "{{ 7*7 }}{% raw %}", "&lt;b&gt;",
    "javascript:alert(1)", "</textarea><svg/onload=alert(1)>", "]]>--><!--", '=HYPERLINK("x")',
)  # fmt: skip


def urges(desk: Desk, item: str) -> int:
    desk.runner.projected().result(20)
    shown = desk.office.store.reader().board([bytes.fromhex(item)])
    return len(desk.office.store.reader().item_places([shown[0].item_no])[shown[0].item_no]) - 1


def url_of(item: str) -> tuple[str, str]:
    return f"/items/{item}/do/urge", f"/items/{item}/do/urge"


def act(browser: Browser, item: str, reason: str) -> dict[str, str]:
    page, action = url_of(item)
    return browser.form(page, action) | {"text": reason, "channel": "notice"}


def test_a_double_click_makes_one_record_and_both_get_the_answer(desk: Desk) -> None:
    item, browser = desk.item("双击"), desk.sign_in("王督查")
    _, action = url_of(item)
    filled, answers = act(browser, item, "请尽快办理"), []

    def click() -> None:
        other = desk.visitor()
        other.client.cookies = browser.client.cookies
        answers.append(other.send(action, filled).status_code)

    clicks = [threading.Thread(target=click) for _ in range(5)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    answers.append(browser.send(action, filled).status_code)
    assert answers == [303] * 6
    assert urges(desk, item) == 1
    assert len([row for row in desk.office.store.reader().rows(OnceKey) if row.verb == "item.urge"]) == 1
    entries = [row for row in desk.office.store.reader().rows(WebAudit) if row.subject == item]
    assert [(row.name, row.action, row.outcome) for row in entries] == [("王督查", "item.urge", "")]


def test_what_changed_meanwhile_is_said_and_what_was_typed_is_kept(desk: Desk) -> None:
    item, browser = desk.item("同时修改"), desk.sign_in("王督查")
    _, action = url_of(item)
    filled = act(browser, item, "写了很久的一段话")
    desk.do("item.urge", item=item, text="别人先催了")
    answer = browser.send(action, filled)
    assert answer.status_code == 409
    assert "写了很久的一段话" in soup(answer).select_one(".typed").get_text()
    assert urges(desk, item) == 1
    again = {str(one["name"]): one.get("value") or one.get_text() for one in soup(answer).select("main form [name]")}
    assert browser.send(action, again).status_code == 303
    assert urges(desk, item) == 2


def test_a_form_sent_again_with_another_text_is_not_said_to_be_done(desk: Desk) -> None:
    """A page from the browser's memory: it carries the old key (W14)."""
    item, browser = desk.item("改后重交"), desk.sign_in("王督查")
    _, action = url_of(item)
    filled = act(browser, item, "第一次的话")
    assert browser.send(action, filled).status_code == 303
    answer = browser.send(action, filled | {"text": "改过的话"})
    assert answer.status_code == 422
    assert "这次改动的内容没有记录" in soup(answer).select_one(".form-error").get_text()
    assert urges(desk, item) == 1
    again = sent_by(soup(answer).select("main form")[0]) | {"channel": "notice"}
    assert again["text"] == "改过的话"
    told = browser.send(action, again)
    assert told.status_code == 409, "the item is another one since: said, and then done"
    assert browser.send(action, sent_by(soup(told).select("main form")[0])).status_code == 303
    assert urges(desk, item) == 2


def test_what_was_typed_outlives_the_session_also_without_scripts(desk: Desk) -> None:
    """The session ends while somebody writes; signed in again, the same page goes on (issue 5, W1)."""
    item, browser = desk.item("会话失效"), desk.sign_in("王督查")
    _, action = url_of(item)
    filled = act(browser, item, "写了半天<b>的话")
    browser.client.cookies.clear()
    lost = browser.send(action, filled)
    assert lost.status_code == 401
    page = soup(lost)
    assert "写了半天<b>的话" in page.select_one(".typed").get_text()
    assert page.select_one("main a[href='/login'][target=_blank]") is not None
    browser.client.cookies = desk.sign_in("王督查").client.cookies
    asked = browser.send(action, sent_by(page.select("main form")[0]))
    assert asked.status_code == 403, "the page's token is another session's"
    kept = soup(asked)
    assert "写了半天<b>的话" in kept.select_one(".typed").get_text()
    assert "王督查" in kept.select_one("main").get_text()
    assert urges(desk, item) == 0
    assert browser.send(action, sent_by(kept.select("main form")[0])).status_code == 303
    assert urges(desk, item) == 1


def test_passwords_are_never_shown_again(desk: Desk) -> None:
    browser = desk.sign_in("李市长")
    given = {"csrf": "0" * 64, "old": PASSWORD, "password": "another password", "again": "another password"}
    stale = browser.send("/account", given)
    browser.client.cookies.clear()
    ended = browser.send("/account", given)
    assert [stale.status_code, ended.status_code] == [403, 401]
    assert PASSWORD not in stale.text + ended.text
    assert "another password" not in stale.text + ended.text


def test_lines_are_kept_as_one_field(desk: Desk) -> None:
    """What is to be shown again may be sent again: a field of lines stands there once."""
    spec = (Field("point", "分项要求", "lines"),)
    form = forms.read(spec, [("point", "第一条\r\n第二条")], "")
    assert [text for _, text in form.kept()] == ["第一条\n第二条"]
    assert forms.read(spec, [(one.name, text) for one, text in form.kept()], "").values == form.values


def test_a_refusal_stands_at_its_field_and_keeps_the_text(desk: Desk) -> None:
    item, browser = desk.item("退回填写"), desk.sign_in("王督查")
    _, action = url_of(item)
    answer = browser.send(action, act(browser, item, ""))
    assert answer.status_code == 422
    assert "请填写催办内容" in soup(answer).select_one("#f-text-error").get_text()
    answer = browser.send(action, act(browser, item, "长" * 20_001))
    assert "至多 20000 个字" in soup(answer).select_one(".error").get_text()
    assert soup(answer).select_one("textarea[name=text]").get_text().startswith("长长")
    assert urges(desk, item) == 0


def test_drafts_outlive_the_session_and_end_with_the_command(desk: Desk) -> None:
    item, browser = desk.item("草稿"), desk.sign_in("王督查")
    page, action = url_of(item)
    token = browser.form(page, action)["csrf"]
    text = json.dumps({"text": "写到一半", "nosuch": "x", "csrf": "y"})
    assert browser.send("/drafts", {"csrf": token, "place": f"do/urge/{item}", "text": text}).status_code == 200
    for wrong in ("[1]", '{"a": 1}', '{"a": [1]}', '{"a": [[]]}', "{", "[" * 5_000):
        assert browser.send("/drafts", {"csrf": token, "place": "p", "text": wrong}).status_code == 422
    later = desk.sign_in("王督查")
    assert later.form(page, action)["text"] == "写到一半"
    assert "已恢复" in later.page(page).get_text()
    assert desk.sign_in("管理员").form(page, action)["text"] == "", "a draft is its author's"
    assert later.submit(action, {"channel": "notice"}, page).status_code == 303
    assert not [row for row in desk.office.store.reader().rows(Draft) if item in row.place]


def test_a_draft_keeps_ticks_and_choices_that_are_still_offered() -> None:
    spec = (
        Field("text", "说明", "text"), Field("to", "单位", "choices", choices=(("a", "甲"), ("b", "乙"), ("c", "丙"))),
        Field("far", "其他单位", "choices"), Field("mode", "方式", "choice", choices=(("x", "甲"), ("y", "乙"))),
        Field("due", "按期", "check"), Field("clear", "明确", "check"), Field("points", "分项", "lines"),
        Field("key", "标识", "hidden"), Field("word", "口令", "password"), Field("paper", "附件", "files"),
    )  # fmt: skip
    form = Form(spec, values={"to": ["c"], "due": True, "mode": "x", "key": "k"})
    form.restore({
        "text": "写到一半", "to": ["a", "gone"], "far": ["320582"], "mode": ["y"], "due": [], "clear": ["1"],
        "points": "一\n二", "key": "z", "word": "secret", "paper": ["x"], "nosuch": "x",
    })  # fmt: skip
    assert form.values == {
        "text": "写到一半", "to": ["a"], "far": ["320582"], "mode": "y", "due": False, "clear": True,
        "points": ["一", "二"], "key": "k",
    }  # fmt: skip
    assert form.drafted
    assert form.has_files
    empty: list[dict[str, str | list[str]]] = [{"mode": ["gone"]}, {"to": [], "due": []}, {"text": ""}, {"to": "a"}]
    for nothing in empty:
        same = Form(spec)
        same.restore(nothing)
        assert not same.drafted, nothing


def test_a_form_shown_again_has_the_ticks_of_its_draft_and_says_what_it_cannot_keep(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    page = browser.page("/register")
    token = page.select("main form[method=post] input[name=csrf]")[0]["value"]
    assert "附件不在草稿中" in page.select("form[data-draft] .draft-hint")[0].get_text()
    [box, *_rest] = [one for one in page.select("form[data-draft] input[type=checkbox]") if not one.has_attr("checked")]
    kept = json.dumps({str(box["name"]): [str(box["value"])]})
    assert browser.send("/drafts", {"csrf": token, "place": "register", "text": kept}).status_code == 200
    again = desk.sign_in("王督查").page("/register")
    assert again.select(f'form[data-draft] input[name="{box["name"]}"][value="{box["value"]}"][checked]')
    assert "已恢复" in again.get_text()


def test_hostile_text_is_inert_wherever_it_shows(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    for text in HOSTILE:
        item = desk.item(text)
        page, action = url_of(item)
        assert browser.submit(action, {"text": text, "channel": "notice"}, page).status_code == 303
        for path in (page, f"/items/{item}", "/items", f"/items?text={item[:4]}"):
            found = browser.page(path)
            assert not found.select("script:not([src]), img, main svg, [onerror], [onload]")
        assert text in browser.page(f"/items/{item}").select_one("h1").get_text()


def test_another_office_item_or_unit_is_not_there(desk: Desk) -> None:
    item = desk.item("他科的事项")
    handler = desk.sign_in("赵承办")
    for path in (f"/items/{item}", "/items/ffffffff", "/items/..%2f..", "/items/%00"):
        assert handler.get(path).status_code == 404, path


SPEC = (Field("title", "标题", required=True), Field("due", "时限", "date"), Field("to", "单位", "choices"),
        Field("points", "要点", "lines"), Field("yes", "同意", "check"))  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(["title", "due", "to", "points", "yes", "once", "x"]), st.text(max_size=40))))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_form_takes_its_fields_or_refuses(given_fields: list[tuple[str, str]]) -> None:
    try:
        form = forms.read(SPEC, given_fields, "token")
    except InputError as error:
        refused = error
    else:
        assert set(form.args()) <= {one.name for one in SPEC}
        assert form.ok == (bool(form.values["title"]) and not form.errors)
        return
    names = [name for name, _ in given_fields]
    assert refused.code == "unknown_field"
    assert "x" in names or any(names.count(name) > 1 for name in set(names) - {"to"})


def test_remedies_name_places_not_commands() -> None:
    for text, wanted in (
        ("用 dulian item list 查看登记编号，或写标识的前几位", "在「事项」中查看，或写标识的前几位"),
        ("先增加账号：dulian user add 王某 --role 角色；已有账号见 dulian user list",
         "先增加账号：请操作员在「节点管理」的「账号」中办理；已有账号请操作员在「节点管理」的「账号」中办理"),
        ("写成 2026-12-31", "写成 2026-12-31"),
        ("现在可以：撤销（cancel）、设置节点（milestone），模板（xlsx）", "现在可以：撤销、设置节点，模板（xlsx）"),
    ):  # fmt: skip
        assert plain(text) == wanted
        assert "dulian" not in plain(text)


def test_every_option_that_a_remedy_names_is_a_field_here() -> None:
    """Else the sentence has a hole: 「把它写进。」. What only a command line has may be left out."""
    only_there = {"as", "deep", "past-due", "subject"}
    found = set()
    for folder in ("services", "items", "rules", "documents"):
        for path in (Path(node.__file__).parent / folder).rglob("*.py"):
            for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(one, ast.Constant) and isinstance(one.value, str) and not one.value.isascii():
                    parts = [part for part in re.split("[；。，：]", one.value) if "dulian" not in part]
                    # Behind a command of an f-string stand its options: a piece that begins with one.
                    found |= {name for part in parts for name in re.findall(r"(?<=\S) ?--([a-z][a-z-]+)", part)}
    assert found - set(OPTIONS) <= only_there
    form = forms.Form((Field("to", "承办单位", "choices"), Field("until", "希望延到", "date")))
    form.refuse(InputError("牵头单位不在承办单位中", remedy="把它写进 --to，或写 --until 更晚的日期"))
    assert form.error == "牵头单位不在承办单位中。把它写进「承办单位」，或写「希望延到」更晚的日期。"
    form.refuse(InputError("不能交办给本单位", remedy="本单位自己承办的写 --local"))
    assert form.error == "不能交办给本单位。本单位自己承办的写「由本单位自己承办」。"
    assert plain("以担任该职务的账号办理：--as 姓名；账号见 dulian user list") == (
        "以担任该职务的账号办理；账号请操作员在「节点管理」的「账号」中办理")
