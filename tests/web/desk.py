"""A real office with its core thread, its accounts, and browsers without a browser: what tests of pages start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag
from httpx2 import Response
from starlette.testclient import TestClient

from node.bootstrap import homes, init_home
from node.bootstrap.control import Control
from node.clock import SystemClock
from node.config import read_config
from node.services.access import console_accounts as accounts
from node.services.exchange.enrol import LinkCa
from node.services.matters.desk import Caller
from node.services.office import Office
from node.services.outputs import Outputs
from node.services.runner import Runner
from node.storage.blobs import BlobFolder
from node.storage.port import Store, Unit, User
from node.storage.sql import open_store
from node.sync.limits import DEFAULT_LIMITS
from node.web.app import Console, Options, create_app, make_console
from node.web.page import Page

CODE, NAME, HOST = "320583", "昆山市人民政府", "127.0.0.1:7680"
URL = f"http://{HOST}"
PASSWORD = "correct horse battery"
PEOPLE = {
    "管理员": ("operator", ""), "王督查": ("supervisor", "督查室"), "李市长": ("leader", ""),
    "赵承办": ("handler", "住建科"), "孙查阅": ("viewer", ""),
}  # fmt: skip
_SECRETS: dict[str, str] = {}  # one hash for all: hashing is slow on purpose


class Hands:
    """The machine's clock, and what a test adds to it."""

    def __init__(self) -> None:
        self.off_ms = 0
        self.stopped_ms = 0

    def now_ms(self) -> int:
        return (self.stopped_ms or SystemClock().now_ms()) + self.off_ms


class Browser:
    """Somebody at a browser: cookies, forms, and what a page says."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, path: str, **rest: Any) -> Response:
        return self.client.get(path, follow_redirects=False, **rest)

    def page(self, path: str) -> BeautifulSoup:
        """A page as a browser parses it; it must be there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return soup(answer)

    def form(self, path: str, action: str = "") -> dict[str, str]:
        """What a page's form (the one with ``action``, else the first in the text) would send as it stands."""
        found = [form for form in self.page(path).select("main form[method=post]")
                 if not action or form["action"] == action]  # fmt: skip
        assert found, f"no form {action} on {path}"
        return sent_by(found[0])

    def send(self, path: str, data: Mapping[str, Any], files: Any = None, **headers: str) -> Response:
        """A form as a page of ours sends it."""
        given = {"origin": URL, "sec-fetch-site": "same-origin"} | headers
        return self.client.post(path, data=dict(data), files=files, headers=given, follow_redirects=False)

    def submit(self, path: str, data: Mapping[str, Any], page: str = "", files: Any = None) -> Response:
        """Open the page, fill in its form, send it."""
        return self.send(path, self.form(page or path, path) | dict(data), files)


class Desk:
    """The office, and ways to its console."""

    def __init__(self, office: Office, runner: Runner, control: Control, console: Console, hands: Hands) -> None:
        self.office = office
        self.runner = runner
        self.control = control
        self.console = console
        self.hands = hands
        self.app = create_app(console, Options(frozenset({"127.0.0.1", "localhost"}), 4 * 1_048_576))
        self._clients: list[TestClient] = []

    def visitor(self, address: str = "10.1.2.3", **rest: Any) -> Browser:
        """Somebody who is not signed in."""
        client = TestClient(self.app, URL, raise_server_exceptions=True, client=(address, 5), **rest)
        self._clients.append(client)
        return Browser(client)

    def sign_in(self, name: str, password: str = PASSWORD) -> Browser:
        browser = self.visitor()
        answer = browser.submit("/login", {"name": name, "password": password})
        assert answer.status_code == 303, answer.text
        return browser

    def core(self, run: Callable[[Office], Any]) -> Any:
        """Something in the core thread, committed."""
        return self.runner.call(lambda: run(self.office)).result(20)

    def do(self, verb: str, caller: Caller | None = None, **args: Any) -> Any:
        """A command as the command line gives it; the board shows it when this returns."""
        from node.services.commands import carry_out

        answer = self.core(lambda office: carry_out(office, verb, args, caller or Caller("root")))
        self.runner.projected().result(20)
        return answer

    def item(self, title: str, to: str = "住建科") -> str:
        """An own item, in the hands of a unit: its id."""
        made = self.do("item.register", title=title, text="要求", due="2027-03-31")
        return str(made["item"])

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.console.kept.close()


def sent_by(form: Tag) -> dict[str, str]:
    """What a form would send as it stands, without what is ticked or uploaded."""
    return {str(field["name"]): value_of(field) for field in form.select("[name]")
            if field.get("type") not in ("checkbox", "radio", "file", "submit")}  # fmt: skip


def soup(answer: Response) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "html5lib")


def value_of(field: Tag) -> str:
    if field.name == "textarea":
        return field.get_text()
    if field.name == "select":
        chosen = field.select_one("option[selected]")
        return str(chosen["value"]) if chosen is not None else ""
    return str(field.get("value") or "")


def _secret() -> str:
    from argon2 import PasswordHasher

    if not _SECRETS:
        _SECRETS[""] = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    return _SECRETS[""]


def hire(store: Store) -> None:
    """The people of `PEOPLE`, who can sign in."""
    units = sorted({unit for _, unit in PEOPLE.values() if unit})
    store.put([Unit(unit, "", active=True) for unit in units])
    for name, (role, unit) in PEOPLE.items():
        store.put([User(name, role, "", unit, active=True, since_ms=1)])
        accounts.set_secret(store, name, _secret(), 1)


def _deliver(outputs: Outputs) -> None:
    for callback in outputs.after_commit:
        callback()


@contextmanager
def open_desk(folder: Path, *, people: bool = True, pages: tuple[Page, ...] | None = None) -> Iterator[Desk]:
    """A top office in a folder of its own, running."""
    home = folder / "home"
    init_home(home, office=CODE, name=NAME)
    with desk_of(home, pages) as desk:
        if people:
            desk.core(lambda found: hire(found.store))
        yield desk


@contextmanager
def desk_of(home: Path, pages: tuple[Page, ...] | None = None) -> Iterator[Desk]:
    """The office of a home, running."""
    config, keys = read_config(home), homes.read_keys(home)
    store = open_store(homes.database_url(home, config), create=False)
    hands, blobs = Hands(), BlobFolder(home / "blobs")
    ca = LinkCa(keys.ca_key_pem, keys.ca_certificate, 86_400_000)
    office = Office(
        homes.read_identity(store, config, keys), replace(homes.the_world(), clock=hands), homes.the_suites(), store,
        blobs, DEFAULT_LIMITS, ca, config.reachable_at,
    )  # fmt: skip
    crashes: list[BaseException] = []
    runner = Runner(office, _deliver, crashes.append)
    blobs.start(runner.post)
    runner.start()

    async def unchanged() -> None:
        """No invitations here."""

    control = Control(office, runner, blobs, 2 * 1_048_576, unchanged)
    control.console_url = URL
    desk = Desk(office, runner, control, make_console(control, office, pages), hands)
    try:
        yield desk
    finally:
        desk.close()
        runner.stop(10)
        blobs.stop()
        store.close()
    assert not crashes
