"""事项 in the console: list, item, actions as forms, bulk urging, prints (R9, R12, R16, R50, W2, W4, W14)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import Tag
from httpx2 import Response

from node.services.commands import inquire
from node.services.matters.desk import Caller
from node.storage.port import SavedFilter
from node.web.pages.item_print import chinese_date
from tests.web.desk import Browser, Desk, open_desk, soup

HOSTILE = '"><img src=x onerror=alert(1)>{{7*7}}</textarea><script>alert(1)</script>'
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("items")) as opened:
        yield opened


def in_hand(desk: Desk, title: str = "推进政务公开") -> str:
    """An item that the handler's unit has in hand."""
    item = desk.item(title)
    desk.do("item.handle", item=item, unit="住建科")
    return item


def do(browser: Browser, item: str, verb: str, data: dict[str, Any], files: Any = None) -> Response:
    """Open an action's form, fill it in, send it."""
    page = f"/items/{item}/do/{verb}"
    action = page + "/files" if files is not None else page
    return browser.send(action, browser.form(page) | data, files)


def shown(desk: Desk, item: str) -> Any:
    return inquire(desk.office.store.reader(), desk.office.view(), "item.show", {"item": item}, Caller("root"))


def attribute(page: Tag, where: str, name: str) -> str:
    found = page.select_one(where)
    assert found is not None, where
    return str(found[name])


def kinds(desk: Desk, item: str) -> list[str]:
    return [str(one["kind_label"]) for one in shown(desk, item)["timeline"]]


def test_every_action_offered_is_a_form_that_opens_and_has_all_its_fields(desk: Desk) -> None:
    item = in_hand(desk)
    for name in ("管理员", "王督查", "赵承办", "李市长", "孙查阅"):
        browser = desk.sign_in(name)
        page = browser.page(f"/items/{item}")
        found = [str(link["href"]) for link in page.select(".item-side .acts a[href*='/do/']")]
        assert bool(found) == (name not in ("李市长", "孙查阅")) or name == "李市长"
        for path in found:
            answer = browser.get(path)
            if path.endswith(("/assign", "/decompose")):
                assert answer.headers["location"] in (f"/items/{item}/assign", f"/items/{item}/decompose")
                continue
            assert answer.status_code == 200, (name, path)
            form = soup(answer).select_one("main form[method=post]")
            assert form is not None
            assert str(form["action"]) in (path, path + "/files")
            assert attribute(form, "[name=once]", "value")
            assert attribute(form, "[name=seen]", "value")
            assert soup(answer).select(".basis"), "the rule behind it"
        assert browser.get(f"/items/{item}/do/nothing").status_code == 404


def test_a_report_with_a_file_is_made_shown_looked_at_and_taken_out(desk: Desk) -> None:
    item, handler = in_hand(desk), desk.sign_in("赵承办")
    files = [("attach", ("现场.png", PNG)), ("attach", ("说明.txt", "<b>第一</b>".encode()))]
    answer = do(handler, item, "report", {"text": "已完成一半", "percent": "50", "unit": "住建科"}, files)
    assert answer.status_code == 303, answer.text
    page = handler.page(f"/items/{item}")
    assert "已完成一半" in page.select_one("#course").get_text()
    assert "50%" in page.select_one(".states").get_text()
    rows = {row.td.get_text(): row for row in page.select("#files tbody tr")}
    assert set(rows) == {"现场.png", "说明.txt"}
    paths = {name: [str(link["href"]) for link in row.select("a")] for name, row in rows.items()}
    sent = handler.get(paths["现场.png"][0])
    assert sent.content == PNG
    assert sent.headers["content-disposition"].startswith("attachment")
    assert sent.headers["content-type"] == "application/octet-stream"
    looked = handler.page(paths["现场.png"][1])
    image = handler.get(str(attribute(looked, "main img", "src")))
    assert (image.headers["content-type"], image.content) == ("image/png", PNG)
    assert image.headers["x-content-type-options"] == "nosniff"
    text = handler.page(paths["说明.txt"][1])
    assert text.select_one("pre").get_text() == "<b>第一</b>"
    assert handler.get(paths["说明.txt"][1].replace("/view", "/inline")).status_code == 400, "text is no picture"
    assert handler.get(f"/items/{item}/files/{'0' * 64}").status_code == 404


def test_each_record_has_its_proof_one_click_away(desk: Desk) -> None:
    item, viewer = in_hand(desk), desk.sign_in("孙查阅")
    page = viewer.page(f"/items/{item}")
    links = [str(link["href"]) for link in page.select("#course a") if "/records/" in str(link["href"])]
    assert len(links) == len(kinds(desk, item))
    for link in links:
        proof = viewer.page(link)
        assert "✓ 签名有效" in proof.select_one(".verdict").get_text()
        assert "根，已固定" in proof.get_text()
    assert viewer.get(links[0][:-4] + "0000").status_code in (400, 404)


def test_a_form_sent_twice_makes_one_record_also_where_it_cannot_be_done_again(desk: Desk) -> None:
    item, browser = desk.item("双击"), desk.sign_in("王督查")
    page = f"/items/{item}/do/milestone"
    assert do(browser, item, "milestone", {"key": "1", "title": "开工", "due": "2027-01-10"}).status_code == 303
    page = f"/items/{item}/do/milestone.done"
    filled = browser.form(page) | {"done": "1"}
    first, second = browser.send(page, filled), browser.send(page, filled)
    assert (first.status_code, second.status_code) == (303, 303), "the choice is gone, the answer is not"
    assert kinds(desk, item).count("节点") == 2
    page = f"/items/{item}/do/decline"
    if browser.get(page).status_code == 200:
        filled = browser.form(page) | {"reason": "不属本级"}
        assert [browser.send(page, filled).status_code for _ in range(2)] == [303, 303]
    late = browser.send(page, filled | {"once": "another"})
    assert late.status_code in (409, 422)


def test_what_changed_meanwhile_is_said_and_an_overtaken_action_is_explained(desk: Desk) -> None:
    item, browser = desk.item("同时办理"), desk.sign_in("王督查")
    page = f"/items/{item}/do/cancel"
    filled = browser.form(page) | {"reason": "写了很久的理由"}
    desk.do("item.urge", item=item, text="别人先催了", channel="phone")
    answer = browser.send(page, filled)
    assert answer.status_code == 409
    assert "写了很久的理由" in soup(answer).select_one(".typed").get_text()
    desk.do("item.cancel", item=item, reason="别人先撤了")
    again = browser.send(page, {str(one["name"]): str(one.get("value") or one.get_text())
                                for one in soup(answer).select("main form [name]")})  # fmt: skip
    assert again.status_code == 409, "it has changed once more"
    last = browser.send(page, {str(one["name"]): str(one.get("value") or one.get_text())
                               for one in soup(again).select("main form [name]")})  # fmt: skip
    assert last.status_code == 422
    assert "写了很久的理由" in last.text
    assert "现在不能办理：撤销" in last.text
    assert kinds(desk, item).count("撤销") == 1
    assert browser.get(page).status_code == 409


def test_tables_to_fill_in_become_lines_and_what_cannot_be_written_stands_at_its_cell(desk: Desk) -> None:
    item, browser = in_hand(desk, "整改"), desk.sign_in("王督查")
    page = f"/items/{item}/do/handle"
    filled = browser.form(page) | {"unit": "住建科", "duty.0.key": "科室负责人", "duty.0.value": "张@三"}
    answer = browser.send(page, filled)
    assert answer.status_code == 422
    assert "不能含" in soup(answer).select_one("table.fill .error").get_text()
    assert attribute(soup(answer), "[name='duty.0.value']", "value") == "张@三"
    assert browser.send(page, filled | {"duty.0.value": "张三"}).status_code == 303
    assert "张三" in browser.page(f"/items/{item}").select_one(".item-body").get_text()
    assert browser.send(page, filled | {"duty.9.value": "x", "role": "y"}).status_code == 400


def test_what_a_handler_may_not_see_is_not_there(desk: Desk) -> None:
    other, mine = desk.item("他科事项"), in_hand(desk, "本科事项")
    handler = desk.sign_in("赵承办")
    record = str(shown(desk, other)["timeline"][0]["record"])
    for path in ("", "/do/report", "/do/urge", f"/records/{record}", f"/files/{'0' * 64}", "/print/notice"):
        answer = handler.get(f"/items/{other}{path}")
        assert answer.status_code == 404, path
        assert "他科事项" not in answer.text
    assert handler.get(f"/items/{mine}/records/{record}").status_code in (400, 404)
    token = handler.form("/account", "/account")["csrf"]
    assert handler.send(f"/items/{other}/do/report", {"csrf": token, "text": "x"}).status_code == 404
    listed = handler.page("/items").select_one("#items").get_text()
    assert "本科事项" in listed
    assert "他科事项" not in listed
    assert "他科事项" not in handler.page("/items?text=他科事项").select_one("#items").get_text()


def test_the_list_filters_sorts_leafs_searches_texts_and_keeps_filters(desk: Desk) -> None:
    browser = desk.sign_in("李市长")
    made = desk.do("item.register", title="防汛检查", requirement="排查山塘水库隐患", due="2027-02-28")["item"]
    desk.item("防火检查")
    found = browser.page("/items?text=山塘水库")
    assert [str(link["href"]) for link in found.select("td.title a")] == [f"/items/{made}"], "a word inside the text"
    titles = [link.get_text() for link in browser.page("/items?sort=title").select("td.title a")]
    assert titles == sorted(titles)
    assert browser.page("/items?sort=-due").select_one("th[aria-sort=descending]").get_text().startswith("办结时限")
    wrong = browser.get("/items?due_from=2026-13-01")
    assert wrong.status_code == 422
    assert "日期" in soup(wrong).select_one("[role=alert].form-error").get_text()
    assert browser.get("/items?nosuch=1").status_code == 400
    form = browser.form("/items?state=registered&text=防汛", "/items/filters")
    answer = browser.send("/items/filters", form | {"title": HOSTILE[:40]})
    assert answer.status_code == 303
    page = browser.page("/items")
    link = page.select_one(".kept-filter a")
    assert link is not None
    assert link.get_text() == HOSTILE[:40]
    assert "防汛检查" in browser.page(str(link["href"])).get_text()
    assert not desk.sign_in("王督查").page("/items").select(".kept-filter"), "a filter is its author's"
    hostile = browser.form("/items?text=防汛", "/items/filters") | {"title": "x", "query": "next=//evil&text=好"}
    assert browser.send("/items/filters", hostile).headers["location"].startswith("/items?text=")
    assert browser.send("/items/filters/delete", browser.form("/items", "/items/filters/delete")).status_code == 303
    assert len(desk.office.store.reader().rows(SavedFilter, name="李市长")) == 1


def test_many_are_urged_at_once_each_with_a_record_of_its_own(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    items = [desk.item(f"批量{number}") for number in range(3)]
    desk.do("item.cancel", item=items[2], reason="不办了")
    token = browser.form("/account", "/account")["csrf"]
    assert browser.send("/items/urge", {"csrf": token}).status_code == 303, "nothing was ticked"
    page = soup(browser.send("/items/urge", {"csrf": token, "item": items}))
    assert len(page.select("[name=chosen][checked]")) == 3
    filled = {str(one["name"]): str(one.get("value") or "") for one in page.select("main form input[type=hidden]")}
    empty = browser.send("/items/urge/send", filled | {"chosen": items, "text": "", "channel": "phone"})
    assert empty.status_code == 422
    for _ in range(2):
        answer = browser.send("/items/urge/send", filled | {"chosen": items, "text": "请抓紧", "channel": "phone"})
        assert answer.status_code == 200
        assert "已催办 2 件，未催办 1 件" in answer.text
    assert [kinds(desk, item).count("催办") for item in items] == [1, 1, 0]
    leader = desk.sign_in("李市长")
    assert not leader.page("/items").select("[name=item]")
    assert leader.send("/items/urge", {"csrf": leader.form("/account", "/account")["csrf"]}).status_code == 403


def test_notices_are_sheets_with_an_empty_place_for_the_seal(desk: Desk) -> None:
    item, browser = desk.item("打印通知"), desk.sign_in("王督查")
    assert "尚未催办" in browser.page(f"/items/{item}/print/urge").get_text()
    desk.do("item.urge", item=item, text="请于三日内报送", channel="notice")
    for name, words in (("notice", "打印通知"), ("urge", "请于三日内报送")):
        sheet = browser.page(f"/items/{item}/print/{name}").select_one("article.sheet")
        assert sheet is not None
        assert words in sheet.get_text()
        assert re.search(r"\d{4}年\d{1,2}月\d{1,2}日", sheet.get_text())
        assert not sheet.select("img, svg")
        assert sheet.select_one(".sheet-seal").get_text() == ""
    assert chinese_date("2026-11-22T20:00:00Z") == "2026年11月23日"


def test_hostile_text_in_every_field_is_inert_on_every_page_of_the_item(desk: Desk) -> None:
    item, browser = in_hand(desk, HOSTILE), desk.sign_in("王督查")
    for verb, data in (
        ("urge", {"text": HOSTILE, "channel": "notice"}),
        ("milestone", {"key": "1", "title": HOSTILE, "due": "2027-01-01"}),
        ("report", {"text": HOSTILE, "percent": "5"}), ("correct", {"text": HOSTILE}),
    ):  # fmt: skip
        page = f"/items/{item}/do/{verb}"
        if verb == "correct":
            choice = browser.page(page).select_one("input[name=record], [name=record] option[value]:not([value=''])")
            assert choice is not None
            data |= {"record": str(choice["value"])}
        target = str(attribute(browser.page(page), "main form[method=post]", "action"))
        answer = browser.send(target, browser.form(page) | data)
        assert answer.status_code == 303, (verb, answer.text)
    record = str(shown(desk, item)["timeline"][1]["record"])
    for path in ("", "/do/urge", f"/records/{record}", "/print/notice", "/print/urge"):
        page_ = browser.page(f"/items/{item}{path}")
        assert not page_.select("main script, main img, [onerror], main textarea script"), path
        assert "49" not in page_.select_one("h1").get_text(), path


def test_a_file_stands_at_the_record_that_brought_it(desk: Desk) -> None:
    """R50: of several reports it is seen which one a file belongs to."""
    item, handler = in_hand(desk), desk.sign_in("赵承办")
    for name, text in (("一.txt", "第一次"), ("二.txt", "第二次")):
        values = {"text": f"{text}报告", "percent": "50", "unit": "住建科"}
        assert do(handler, item, "report", values, [("attach", (name, text.encode()))]).status_code == 303
    entries = handler.page(f"/items/{item}").select(".timeline .entry:has(.files)")
    found = {"第一次" in entry.get_text(): attribute(entry, ".files a", "href") for entry in entries}
    assert [handler.get(found[first]).text for first in (True, False)] == ["第一次", "第二次"]
    assert [one["attachments"][0]["name"] for one in shown(desk, item)["timeline"] if one["attachments"]] == [
        "一.txt", "二.txt"]


def test_texts_of_every_editor_are_shown_as_their_author_reads_them(desk: Desk) -> None:
    item, handler, said = in_hand(desk), desk.sign_in("赵承办"), "进展说明：第一批已完工。"
    made = {"utf-8-sig": said.encode("utf-8-sig"), "utf-16": said.encode("utf-16"), "gb18030": said.encode("gb18030")}
    files = [("attach", (f"{name}.txt", data)) for name, data in made.items()]
    assert do(handler, item, "report", {"text": "见附件", "unit": "住建科"}, files).status_code == 303
    links = handler.page(f"/items/{item}").select("#files a[href$='/view']")
    assert [handler.page(str(link["href"])).select("pre")[0].get_text() for link in links] == [said] * 3


def test_a_report_asks_for_parts_only_where_somebody_wants_them(desk: Desk) -> None:
    item = in_hand(desk)
    assert not desk.sign_in("赵承办").page(f"/items/{item}/do/report").select("[name=part]")


def test_an_office_that_has_not_joined_is_named_on_every_page(desk: Desk) -> None:
    """People read names, not codes: the directory of offices has one for each."""
    answer = desk.do("item.issue", title="整治占道经营", requirement="逐街推进", to=["320583100"], due="2027-03-31")
    task, browser = str(answer["assignments"][0]["item"]), desk.sign_in("王督查")
    for path in ("/", "/items?sort=-updated", f"/items/{task}", f"/items/{answer['item']}", "/overview",
                 "/overview/gantt", "/statistics", f"/items/{task}/print/notice"):  # fmt: skip
        text = browser.page(path).select_one("main").get_text(" ")
        assert "玉山镇" in text, path
        assert not [line for line in text.splitlines() if line.strip() == "320583100"], path
