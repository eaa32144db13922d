"""Role × route × object, generated from the router: what a person may not see is as if it were not (W4, W5)."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from httpx2 import Response

from node.services.access.rights import RIGHTS
from node.storage.port import Unit
from node.web.page import Page
from node.web.pages import all_pages
from tests.web.desk import PEOPLE, Browser, Desk, open_desk, soup
from tests.web.test_importing import ledger, send

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
NOWHERE = "f" * 64
ABOUT_ITEMS = [page for page in all_pages() if "{item}" in page.path]
ONE_OBJECT = [page for page in all_pages() if "{" in page.path and "{item}" not in page.path and page.verb in RIGHTS]


class Thing(NamedTuple):
    """An item with what hangs on it: ids in hex."""

    item: str
    record: str
    file: str


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("objects")) as opened:
        yield opened


@pytest.fixture(scope="module")
def things(desk: Desk) -> dict[str, Thing]:
    """In hand of the handler's unit, of another, of none; and none at all."""
    desk.core(lambda office: office.store.put([Unit("交通科", "", active=True)]))
    browser = desk.sign_in("王督查")
    found = {"nothing": Thing(NOWHERE, NOWHERE, NOWHERE)}
    for name, unit in (("own", "住建科"), ("other", "交通科"), ("loose", "")):
        values = {"title": f"整治河道{name}", "requirement": "年底前完成", "due": "2027-12-31"}
        picture = ("attach", (f"{name}.png", PNG + name.encode(), "image/png"))
        answer = browser.submit("/register", values, files=[picture])
        item = answer.headers["location"].split("/")[2]
        if unit:
            desk.do("item.handle", item=item, unit=unit)
        page = browser.page(f"/items/{item}")
        found[name] = Thing(item, _last(page, r"/records/(\w+)"), _last(page, r"/files/(\w+)"))
    return found


@pytest.fixture(autouse=True)
def stopped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages say when they were made, to the minute: none may end between two that are compared."""
    monkeypatch.setattr(desk.hands, "stopped_ms", desk.hands.now_ms())


def _last(page: Any, pattern: str) -> str:
    return str(re.findall(pattern, str(page))[-1])


def _path(page: Page, thing: Thing, within: str = "") -> str:
    """The page's path for a thing; ``within``: the item it is asked under, where that is another one."""
    parts = {"item": within or thing.item, "record": thing.record, "hash": thing.file, "verb": "report"}
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda part: parts[part[1]], page.path)


def _told(answer: Response, *ids: str) -> tuple[int, str, str]:
    """What an answer says, without the ids that were asked for."""
    text = soup(answer).get_text(" ", strip=True) if "html" in answer.headers.get("content-type", "") else answer.text
    where = answer.headers.get("location", "")
    for one in sorted(ids, key=len, reverse=True):
        text, where = text.replace(one, "…").replace(one[:12], "…"), where.replace(one, "…")
    return answer.status_code, text, where


def _ask(browser: Browser, token: str, page: Page, method: str, path: str) -> Response:
    return browser.get(path) if method == "GET" else browser.send(path, {"csrf": token})


@pytest.mark.parametrize("name", PEOPLE)
def test_items_of_others_are_as_if_they_were_not(desk: Desk, things: dict[str, Thing], name: str) -> None:
    browser, role = desk.sign_in(name), PEOPLE[name][0]
    token = browser.form("/account", "/account")["csrf"]
    seen = {"own"} if role == "handler" else {"own", "other", "loose"}
    before = desk.office.store.reader().record_count()
    for page in ABOUT_ITEMS:
        for method in page.methods:
            # What a form does is permitted by the action's own verb, once it is known that the item is there.
            permitted = role in RIGHTS[page.verb]
            acts = method == "POST" and "{verb}" in page.path and role not in RIGHTS["item.report"]
            nothing = _told(_ask(browser, token, page, method, _path(page, things["nothing"])), *things["nothing"])
            assert nothing[0] == (404 if permitted else 403), (page.path, nothing)
            for what, thing in things.items():
                answer = _ask(browser, token, page, method, _path(page, thing))
                assert answer.status_code < 500, (page.path, answer.text)
                if what in seen and permitted and acts:
                    assert answer.status_code == 403, (name, method, page.path, what)
                elif what in seen and permitted:
                    assert answer.status_code not in (403, 404), (name, method, page.path, what)
                else:
                    assert _told(answer, *thing) == nothing, (name, method, page.path, what)
    assert desk.office.store.reader().record_count() == before


def test_what_hangs_on_an_item_is_not_reached_by_way_of_another(desk: Desk, things: dict[str, Thing]) -> None:
    own, other = things["own"], things["other"]
    for name in PEOPLE:
        browser = desk.sign_in(name)
        for page in ABOUT_ITEMS:
            if "{record}" not in page.path and "{hash}" not in page.path:
                continue
            answer = browser.get(_path(page, other, within=own.item))
            nothing = browser.get(_path(page, things["nothing"], within=own.item))
            assert _told(answer, *other) == _told(nothing, *things["nothing"]), (name, page.path)
            assert answer.status_code == 404, (name, page.path)
            if PEOPLE[name][0] != "handler":
                assert browser.get(_path(page, other)).status_code == 200, "it is there under its own item"


@pytest.mark.parametrize("name", PEOPLE)
def test_what_is_not_there_is_not_there_for_anybody(desk: Desk, name: str) -> None:
    """Ledgers, forks, proposals, uploads that do not exist: 404, or 403 whoever asks in vain, and never a fault."""
    browser, role = desk.sign_in(name), PEOPLE[name][0]
    token = browser.form("/account", "/account")["csrf"]
    for page in ONE_OBJECT:
        path = re.sub(r"\{\w+(:\w+)?\}", "987654321", page.path)
        for method in page.methods:
            answer = _ask(browser, token, page, method, path)
            assert answer.status_code == (404 if role in RIGHTS[page.verb] else 403), (method, path, answer.text)


def test_an_upload_is_its_owners_alone(desk: Desk) -> None:
    owner, another = desk.sign_in("王督查"), desk.sign_in("管理员")
    path = send(owner, ledger("整治河道"))
    assert owner.get(path).status_code == 200
    token = path.rsplit("/", 1)[1]
    stranger, nothing = another.get(path), another.get("/import/" + "x" * len(token))
    assert _told(stranger, token) == _told(nothing, "x" * len(token))
    assert stranger.status_code == 404
