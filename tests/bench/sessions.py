"""200 people at the console of a province, reading and writing, while the backlog of a city comes in (issue 5).

Everybody has a session and an open stream of news, and does something every `PACE_S` on average: mostly reading, every
tenth time an item is registered by its form. The same people work first without the backlog, then with it.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import httpx2
from bs4 import BeautifulSoup

from node.config import CONFIG_FILE
from node.wire.local_client import LocalClient
from tests.bench.drive import Bench, Measured, Node, forget, free_port, linked
from tests.web.desk import sent_by

SESSIONS, PEOPLE, PACE_S, QUIET_S, WARM_S = 200, 20, 20.0, 40.0, 20.0
OWN_ITEMS = 300
RATIO_BAR = 5.0
_TIMEOUT_S = 60.0
_PASSWORD = "一个足够长的口令 2026"
# What people look at, and how often of a hundred times.
_PAGES = (("/", 25), ("/items", 25), ("/items?text=推进", 10), ("{item}", 20), ("/overview", 5), ("/ledgers/all", 5))
_WRITES = 10
_ID_DIGITS = 64


class Phase(NamedTuple):
    """What a phase came to: ms of every answer, and what was wrong."""

    waits_ms: list[float]
    errors: list[str]
    written: int
    refreshed: int

    def at(self, share: float) -> float:
        """The wait that this share of the answers did not exceed, ms."""
        return sorted(self.waits_ms)[min(len(self.waits_ms) - 1, int(len(self.waits_ms) * share))]


def measure(bench: Bench) -> list[Measured]:
    """Errors, and p99 with the backlog over p99 without."""
    count = max(10, round(SESSIONS * bench.scale))
    parent_home, child_home = bench.home("province"), bench.home("suzhou")
    url = f"http://127.0.0.1:{free_port()}"
    with (parent_home / CONFIG_FILE).open("a", encoding="utf-8") as config:
        config.write(f"console = {json.dumps(url.removeprefix('http://'))}\n")
    sizes = bench.templates.sizes
    backlog = sizes.caught_up_logs * sizes.per_log
    with linked(parent_home, child_home) as (parent, child):
        quiet, busy, seconds = asyncio.run(_both(parent, child, url, count, backlog))
    forget(parent_home, child_home)
    ratio = busy.at(0.99) / quiet.at(0.99)
    errors = [*quiet.errors, *busy.errors]
    figures: dict[str, Any] = {
        "sessions": count, "backlog": backlog, "backlog_s": seconds, "errors": errors[:10], "error_count": len(errors),
        **{f"{name}_{key}": value for name, phase in (("quiet", quiet), ("busy", busy)) for key, value in _of(phase)},
    }  # fmt: skip
    name = f"控制台 {count} 个会话，同时追补 {backlog:,} 条"
    said = f"{ratio:.2f} 倍（{quiet.at(0.99):.0f} → {busy.at(0.99):.0f} ms），错误 {len(errors)}"
    met = not errors and ratio <= RATIO_BAR
    return [
        Measured(f"{name}：p99 对平时", said, f"≤ {RATIO_BAR:g} 倍，无错误", met, figures),
        Measured("  其间的追补", f"{backlog / seconds:,.0f} 条/秒", "", None, {}),
    ]


def _of(phase: Phase) -> list[tuple[str, float]]:
    return [
        ("answers", len(phase.waits_ms)), ("written", phase.written), ("refreshed", phase.refreshed),
        ("p50_ms", phase.at(0.5)), ("p95_ms", phase.at(0.95)), ("p99_ms", phase.at(0.99)),
        ("max_ms", max(phase.waits_ms)),
    ]  # fmt: skip


async def _both(parent: Node, child: Node, url: str, count: int, backlog: int) -> tuple[Phase, Phase, float]:
    """The same people without and with the backlog; and how long that took to come in, s."""
    links = await asyncio.to_thread(_prepare, parent)
    async with AsyncExitStack() as stack:
        for link in links.values():
            await _first_visit(url, link)
        people = [await stack.enter_async_context(_signed_in(url, f"科员{n % PEOPLE}", n)) for n in range(count)]
        await _work(people, asyncio.create_task(asyncio.sleep(WARM_S)))
        quiet = await _work(people, asyncio.create_task(asyncio.sleep(QUIET_S)))
        before = parent.ask("usage")["records"]
        written = sum(one.written for one in people)
        start = child.ask("go")["at"]
        done = asyncio.create_task(_arrived(parent, before + backlog, lambda: sum(p.written for p in people) - written))
        busy = await _work(people, done)
        return quiet, busy, done.result() - start


async def _arrived(parent: Node, wanted: int, also: Any) -> float:
    """When everything the city held has come, beside what the people write meanwhile."""
    while (found := await asyncio.to_thread(parent.ask, "usage"))["records"] < wanted + also():  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    return float(found["at"])


def _prepare(parent: Node) -> dict[str, str]:
    """Accounts with one-time links, and items to look at."""
    client = LocalClient(parent.home)
    for number in range(OWN_ITEMS):
        words = {"title": f"推进第{number}项民生实事", "requirement": "年底前完成", "due": "2027-12-31"}
        client.request("item.register", words)
    links = {}
    for number in range(PEOPLE):
        client.request("user.add", {"name": f"科员{number}", "role": ["supervisor"]})
        links[f"科员{number}"] = str(client.request("console.link", {"name": f"科员{number}"}).data["url"])
    return links


async def _first_visit(url: str, link: str) -> None:
    """Open a one-time link and set a password."""
    async with _client(url) as client:
        form = _form((await client.get(link)).text)
        answer = await client.post(link, data=form | {"password": _PASSWORD, "again": _PASSWORD})
        if answer.status_code != 303:
            raise RuntimeError(f"no password was set: {answer.status_code}")


class Person:
    """Somebody at a browser."""

    def __init__(self, client: httpx2.AsyncClient, seed: int) -> None:
        self.client = client
        self.chance = random.Random(seed)
        self.items: list[str] = []
        self.waits_ms: list[float] = []
        self.errors: list[str] = []
        self.written = self.refreshed = 0
        self.page = ""
        self.again: asyncio.Task[None] | None = None

    async def work(self) -> None:
        """One thing after the other, for ever."""
        await asyncio.sleep(self.chance.random() * PACE_S)
        while True:
            if self.chance.randrange(100) < _WRITES:
                await self._register()
            else:
                pages, weights = zip(*_PAGES, strict=True)
                page = self.chance.choices(pages, weights)[0]
                self.page = page.format(item=self.chance.choice(self.items or ["/items"]))
                text = await self._asked("GET", self.page)
                self.items = re.findall(r'href="(/items/[0-9a-f]{64})"', text) or self.items
            await asyncio.sleep(self.chance.expovariate(1 / PACE_S))

    async def _register(self) -> None:
        form = _form(await self._asked("GET", "/register"))
        if form:
            values = {"title": "登记一件新事项", "requirement": "按月报告进展", "due": "2027-12-31"}
            if await self._asked("POST", "/register", form | values):
                self.written += 1

    async def _asked(
        self, method: str, path: str, data: Mapping[str, str] | None = None, *, live: bool = False
    ) -> str:
        start = time.perf_counter()
        try:
            headers = {"x-dulian-live": "1"} if live else {}
            answer = await self.client.request(method, path, data=data, headers=headers)
        except httpx2.HTTPError as error:
            self.errors.append(f"{method} {path}: {type(error).__name__}")
            return ""
        self.waits_ms.append((time.perf_counter() - start) * 1_000)
        if answer.status_code not in (200, 303):
            self.errors.append(f"{method} {path}: {answer.status_code}")
            return ""
        return answer.text or "ok"

    async def listen(self) -> None:
        """The stream of news that every open page holds; told of changes, it asks for itself anew as app.js does."""
        async with self.client.stream("GET", "/live", timeout=None) as answer:
            async for line in answer.aiter_lines():
                if not line.startswith("data: {") or (self.again is not None and not self.again.done()):
                    continue
                said = json.loads(line[6:])
                item = self.page.removeprefix("/items/")
                if len(item) != _ID_DIGITS or said.get("many") or item in said.get("ids", ()):
                    self.again = asyncio.create_task(self._refresh(said.get("spread", 0)))

    async def _refresh(self, spread_ms: int) -> None:
        await asyncio.sleep(0.15 + self.chance.random() * spread_ms / 1_000)
        if self.page:
            self.refreshed += bool(await self._asked("GET", self.page, live=True))


@asynccontextmanager
async def _signed_in(url: str, name: str, seed: int) -> AsyncIterator[Person]:
    async with _client(url) as client:
        form = _form((await client.get("/login")).text)
        answer = await client.post("/login", data=form | {"name": name, "password": _PASSWORD})
        if answer.status_code != 303:
            raise RuntimeError(f"{name} could not sign in: {answer.status_code}")
        person = Person(client, seed)
        stream = asyncio.create_task(person.listen())
        try:
            yield person
        finally:
            tasks = [task for task in (stream, person.again) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _client(url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=url, timeout=_TIMEOUT_S, headers={"origin": url, "sec-fetch-site": "same-origin"}, trust_env=False
    )


def _form(text: str) -> dict[str, str]:
    """What the page's main form would send as it stands; empty where there is none."""
    found = BeautifulSoup(text, "html5lib").select("main form[method=post]")
    return sent_by(found[0]) if found else {}


async def _work(people: list[Person], until: asyncio.Task[Any]) -> Phase:
    """Let them work until something is over."""
    before = sum(person.written for person in people)
    for person in people:
        person.waits_ms, person.errors, person.refreshed = [], [], 0
    tasks = [asyncio.create_task(person.work()) for person in people]
    try:
        await until
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    waits = [wait for person in people for wait in person.waits_ms]
    errors = [error for person in people for error in person.errors]
    refreshed = sum(person.refreshed for person in people)
    return Phase(waits, errors, sum(person.written for person in people) - before, refreshed)
