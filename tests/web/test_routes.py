"""Every route of the router: who may take it, from where, with which headers (W1, W5, W8, W15, W18)."""

import re

import pytest

from node.errors import LocalError
from node.services.access.rights import RIGHTS
from node.web.page import PUBLIC, SIGNED_IN, Page
from node.web.pages import all_pages
from node.web.security import CSP, HEADERS
from tests.web.desk import PEOPLE, URL, Desk, soup

PAGES = all_pages()
POSTS = [page for page in PAGES if "POST" in page.methods]
GETS = [page for page in PAGES if "GET" in page.methods and not page.stream]


def path_of(page: Page, item: str) -> str:
    """A path of the page: an item where it names one, something that does not exist elsewhere."""
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: item if found[1] == "item" else "0" * 16, page.path)


@pytest.fixture(scope="module")
def item(desk: Desk) -> str:
    return desk.item("路由")


def test_a_page_without_a_permission_is_not_served() -> None:
    for verb in ("", "no.such.verb", "item"):
        with pytest.raises(LocalError):
            Page("/x", PAGES[0].handler, verb).check()
    assert all(page.verb in RIGHTS or page.verb in (PUBLIC, SIGNED_IN) for page in PAGES)
    assert {page.path for page in PAGES if page.verb == PUBLIC} == {"/login", "/link/{token}", "/wall/{token}"}


def test_no_path_is_declared_twice_for_a_method() -> None:
    declared = [(re.sub(r"\{\w+", "{", page.path), method) for page in PAGES for method in page.methods]
    assert sorted(set(declared)) == sorted(declared)


@pytest.mark.parametrize("page", POSTS, ids=lambda page: page.path)
def test_no_post_from_elsewhere_or_without_the_token(desk: Desk, item: str, page: Page) -> None:
    browser = desk.sign_in("管理员")
    path, token = path_of(page, item), browser.form("/account", "/account")["csrf"]
    before = desk.office.store.reader().record_count()
    for headers in (
        {"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
        {"origin": "http://127.0.0.1:9"}, {"sec-fetch-site": "same-site"},
    ):  # fmt: skip
        answer = browser.send(path, {"csrf": token}, **headers)
        assert answer.status_code == 403, headers
        assert "不是从控制台的页面发出的" in answer.text
    silent = browser.client.post(path, data={"csrf": token}, follow_redirects=False)
    assert silent.status_code == 403, "neither Origin, Referer nor Sec-Fetch-Site"
    for wrong in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
        answer = browser.send(path, wrong)
        assert answer.status_code in ((403, 404) if "{" in page.path else (403,)), (path, answer.text)
    other = desk.sign_in("王督查").form("/account", "/account")["csrf"]
    assert browser.send(path, {"csrf": other}).status_code in (403, 404), "another session's token"
    assert desk.office.store.reader().record_count() == before


@pytest.mark.parametrize("page", POSTS, ids=lambda page: page.path)
def test_unknown_fields_are_refused(desk: Desk, item: str, page: Page) -> None:
    browser = desk.sign_in("管理员") if page.verb != PUBLIC else desk.visitor()
    token = browser.form("/account" if page.verb != PUBLIC else "/login")["csrf"]
    answer = browser.send(path_of(page, item), {"csrf": token, "roles": "operator"})
    assert answer.status_code in ((400, 404) if "{" in page.path else (400,)), answer.text


@pytest.mark.parametrize("name", PEOPLE)
def test_each_role_gets_exactly_the_pages_its_verbs_permit(desk: Desk, item: str, name: str) -> None:
    browser, role = desk.sign_in(name), PEOPLE[name][0]
    for page in GETS:
        answer = browser.get(path_of(page, item))
        allowed = page.verb in (PUBLIC, SIGNED_IN) or role in RIGHTS[page.verb]
        assert (answer.status_code == 403) == (not allowed), (name, page.path, answer.status_code)
        assert answer.status_code < 500, (name, page.path, answer.text)
    token = browser.form("/account", "/account")["csrf"]
    for page in POSTS:
        if page.verb in RIGHTS and role not in RIGHTS[page.verb]:
            assert browser.send(path_of(page, item), {"csrf": token}).status_code == 403, (name, page.path)


def test_who_is_not_signed_in_gets_nothing(desk: Desk, item: str) -> None:
    visitor = desk.visitor()
    for page in PAGES:
        if page.verb == PUBLIC:
            continue
        for method in page.methods:
            path = path_of(page, item)
            answer = visitor.get(path) if method == "GET" else visitor.send(path, {})
            assert answer.status_code in (303, 401), (path, method)
            assert answer.headers.get("location", "/login").startswith("/login"), path
            assert "路由" not in answer.text


def test_every_answer_carries_the_headers_and_no_page_is_kept(desk: Desk, item: str) -> None:
    browser = desk.sign_in("管理员")
    answers = [browser.get(path_of(page, item)) for page in GETS]
    answers += [browser.get("/no/such/page"), browser.send("/items", {})]
    answers += [browser.get("/items", headers={"host": "e.x"})]
    answers += [browser.client.request("PUT", "/items"), browser.get("/static/0/none.css")]
    for answer in answers:
        for name, value in HEADERS:
            assert answer.headers[name] == value, (answer.url, name)
        assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in CSP
    assert "frame-ancestors 'none'" in CSP


def test_pages_have_nothing_that_the_policy_would_block(desk: Desk, item: str) -> None:
    browser = desk.sign_in("管理员")
    for page in GETS:
        answer = browser.get(path_of(page, item))
        if answer.status_code != 200 or "html" not in answer.headers["content-type"]:
            continue
        found = soup(answer)
        assert not found.select("style, [style], script:not([src]), base, iframe, object"), page.path
        assert not [tag for tag in found.find_all(True) for name in tag.attrs if name.startswith(("on", "hx-on"))]
        for tag in found.select("[src], link[href], form[action]"):
            target = str(tag.get("src") or tag.get("href") or tag.get("action"))
            assert target.startswith(("/", "?", "data:image/")), (page.path, target)
        for form in found.select("form[method=post]"):
            assert form.select("input[name=csrf]")[0]["value"], (page.path, form.get("action"))
        named = {str(tag.get("id")) for tag in found.select("[id]")}
        assert len(named) == len(found.select("[id]")), f"ids twice on {page.path}"
        for label in found.select("label[for]"):
            assert label["for"] in named, (page.path, label["for"])


def test_only_our_names_are_answered(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    for host, status in (
        ("127.0.0.1:7680", 200), ("localhost:7680", 200), ("LOCALHOST", 200), ("evil.example", 400), ("", 400),
        ("127.0.0.1.evil.example", 400), ("127.0.0.1@evil.example", 400), ("[::1", 400), ("a b", 400),
    ):  # fmt: skip
        answer = browser.get("/items", headers={"host": host})
        assert (answer.status_code == 400) == (status == 400), (host, answer.status_code)


def test_bodies_beyond_the_limit_are_refused(desk: Desk) -> None:
    browser = desk.sign_in("王督查")
    token = browser.form("/account", "/account")["csrf"]
    big = {"csrf": token, "place": "p", "text": "x" * 1_100_000}
    answer = browser.send("/drafts", big)
    assert answer.status_code == 413
    assert "1 MiB" in answer.text
    many = {"csrf": token} | {f"f{number}": "x" for number in range(700)}
    assert browser.send("/drafts", many).status_code == 400

    def pieces() -> object:
        for _ in range(20):
            yield b"x" * 100_000

    headers = {"origin": URL, "content-type": "application/x-www-form-urlencoded"}
    streamed = browser.client.post("/drafts", content=pieces(), headers=headers)  # type: ignore[arg-type]
    assert streamed.status_code == 413, "without a Content-Length"


def test_static_files_are_kept_for_ever_under_their_hash_and_small(desk: Desk) -> None:
    browser, assets = desk.visitor(), desk.console.assets
    page = browser.page("/login")
    first = 0
    for tag in page.select("link[href], script[src]"):
        address = str(tag.get("href") or tag.get("src"))
        answer = browser.get(address, headers={"accept-encoding": "gzip"})
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        again = browser.get(address, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
        first += assets.size_bytes(address.split("/", 3)[3])
    charts = assets.size_bytes("vendor/echarts.common.min.js")
    assert first + charts + len(browser.get("/login").content) <= 400_000
    above = assets.address("app.js").replace("app.js", "../app.py")
    for wrong in ("/static/../app.py", "/static/x/../../app.py", above):
        assert browser.get(wrong).status_code == 404
