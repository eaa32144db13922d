"""Three live nodes with consoles, their accounts, and people at real browsers (issue 5)."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Response, ViewportSize

from tests.process.conftest import in_sync
from tests.process.nodes import Node, free_port, until

DESKTOP: ViewportSize = {"width": 1366, "height": 768}
MAGNIFIED: ViewportSize = {"width": 1093, "height": 614}  # the same desktop at 125 %
PASSWORD = "督查台账一年一结清清楚楚"
WAIT_MS = 40_000  # a busy machine makes no test fail
# Who works where: name, role, unit.
PEOPLE = {
    "320000": (("陈管理", "operator", ""), ("王督查", "supervisor", ""), ("李省长", "leader", ""),
               ("孙查阅", "viewer", "")),
    "320500": (("钱督查", "supervisor", ""),),
    "320583": (("周督查", "supervisor", ""), ("赵承办", "handler", "住建科")),
}  # fmt: skip
# What a browser says of an answer that the test asked for.
_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (4\d\d)")


class Person:
    """Somebody at a browser of their own; what the browser complains of is kept in ``problems``."""

    def __init__(self, browser: Browser, node: Node, shots: Path, *, script: bool = True, **options: Any) -> None:
        self.node = node
        self.url = str(node.ready["console"])
        self.shots = shots
        self.script = script
        self.sent_ms = 0  # when a form was last sent
        self.problems: list[str] = []
        self.expected: set[str] = set()
        self.context = browser.new_context(
            **{"locale": "zh-CN", "viewport": DESKTOP, "java_script_enabled": script, **options}
        )
        self.context.set_default_timeout(WAIT_MS)
        self.page = self.open()

    def open(self) -> Page:
        """One more window, watched."""
        page = self.context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.problems.append(f"{page.url}: {error}"))
        page.on("response", self._answered)
        return page

    def _said(self, message: ConsoleMessage) -> None:
        refused = _REFUSED.match(message.text)
        if message.type in ("error", "warning") and not (refused and refused[1] in self.expected):
            self.problems.append(f"{message.location.get('url', '')}: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and str(response.status) not in self.expected:
            self.problems.append(f"{response.status} {response.url}")

    # -- pages ----------------------------------------------------------------------------------------------------

    def go(self, path: str) -> Page:
        self.page.goto(path if path.startswith("http") else self.url + path)
        return self.page

    def shot(self, name: str, *, whole: bool = True) -> None:
        self.page.screenshot(path=self.shots / f"{name}.png", full_page=whole)

    def fill(self, **fields: object) -> None:
        """Fields by name; a list ticks these values, a Path is a file."""
        for name, value in fields.items():
            found = self.page.locator(f'main form[method=post] [name="{name}"]')
            kind = found.first.get_attribute("type") or found.first.evaluate("node => node.tagName.toLowerCase()")
            if isinstance(value, Path):
                found.set_input_files(value)
            elif kind in ("checkbox", "radio"):
                for one in value if isinstance(value, list) else [value]:
                    self.page.locator(f'main [name="{name}"][value="{one}"]').check()
            elif kind == "select":
                found.select_option(str(value))
            else:
                found.fill(str(value))

    def send(self, label: str) -> None:
        """The form's button of this name; the page that comes is there when this returns."""
        self.sent_ms = self.page.evaluate("Date.now()") if self.script else 0
        with self.page.expect_navigation():
            self.page.locator("main form").get_by_role("button", name=label, exact=True).last.click()

    def do(self, item: str, verb: str, label: str, **fields: object) -> None:
        """An action of the item page by its form: it must be carried out."""
        for _again in range(3):  # what the node itself records meanwhile (送达) is a change, too: the page says so
            self.go(f"/items/{item}/do/{verb}")
            assert self.page.locator("main form[method=post]").count(), (verb, self.text())
            self.fill(**fields)
            self.send(label)
            if "有了变化" not in self.page.inner_text("body"):
                break
        self.problems[:] = [line for line in self.problems if "409" not in line]
        said = self.page.locator(".form-error, .error, .fault").all_inner_texts()
        assert self.page.url == f"{self.url}/items/{item}", (verb, self.page.url, said)

    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        self.go("/login")
        self.fill(name=name, password=password)
        self.send("登录")
        assert "/login" not in self.page.url, self.text()

    def close(self) -> None:
        self.context.close()


class Offices:
    """江苏省, 苏州市, 昆山市: running, in sync, with their people; a signed-in person is kept for all tests."""

    def __init__(self, browser: Browser, folder: Path, shots: Path) -> None:
        self.browser, self.shots = browser, shots
        self.province = Node(folder, "320000", "江苏省人民政府")
        self.city = Node(folder, "320500", "苏州市人民政府")
        self.county = Node(folder, "320583", "昆山市人民政府")
        self.nodes = (self.province, self.city, self.county)
        self._states: dict[str, Any] = {}

    def set_up(self) -> None:
        for node in self.nodes:
            if node is self.province:
                node.found()
            else:
                node.enter(self.province if node is self.city else self.city)
            node.configure(console=f"127.0.0.1:{free_port()}", keepalive_s=2, retry_max_s=2, mark_interval_s=2)
            node.serve()
        for node in self.nodes:
            until(partial(in_sync, node), f"{node.code} in sync")
            self._hire(node)

    def _hire(self, node: Node) -> None:
        """Accounts by the command line, passwords by their one-time links."""
        for name, role, unit in PEOPLE[node.code]:
            if unit:
                assert node.cli("unit", "add", unit).exit == 0
            added = node.cli("user", "add", name, "--role", role, *(["--unit", unit] if unit else []))
            assert added.exit == 0, added
            link = node.cli("console", "link", name)
            assert link.exit == 0, link
            person = Person(self.browser, node, self.shots)
            address = re.search(r"http://\S+", link.out)
            assert address is not None, link
            person.go(address[0])
            if role == "operator":
                person.shot("link")
            person.fill(password=PASSWORD, again=PASSWORD)
            person.page.locator("main form button[type=submit]").click()
            person.page.get_by_text("口令已设置").wait_for()
            assert person.problems == []
            self._states[name] = person.context.storage_state()
            person.close()

    def person(self, name: str, **options: Any) -> Person:
        """Somebody who has signed in already."""
        code = next(code for code, people in PEOPLE.items() if name in [one[0] for one in people])
        node = next(node for node in self.nodes if node.code == code)
        return Person(self.browser, node, self.shots, storage_state=self._states[name], **options)

    def tear_down(self) -> None:
        for node in reversed(self.nodes):
            node.end()


@contextmanager
def open_offices(browser: Browser, shots: Path) -> Iterator[Offices]:
    folder = Path(tempfile.mkdtemp(prefix="dulian-browser-"))
    offices = Offices(browser, folder, shots)
    try:
        offices.set_up()
        yield offices
    finally:
        offices.tear_down()
        shutil.rmtree(folder)
