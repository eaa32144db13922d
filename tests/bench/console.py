"""What the console's pages cost, over boards of 1,000 and of 100,000 items with 10 records each: ratio and p95.

Each page twice: the question behind it (in this thread), and the page as its user gets it, from the request through
session, rights, questions and templates to the last byte, by the real application in this process. Alone:
`python -m tests.bench.console [items]`. Processor time is given beside: it says the same on a busy machine.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple
from urllib.parse import urlencode

from node.bootstrap.serving import spare_collector
from node.services.access import console_accounts
from node.services.commands import QUESTIONS
from node.services.views.browse import View
from node.storage.port import User
from tests.bench import boards
from tests.bench.boards import CITIES, NOW_MS, PROVINCE
from tests.bench.drive import Bench, Measured
from tests.web.desk import HOST, Desk, desk_of

SMALL, LARGE = 1_000, 100_000
RATIO_BAR, P95_BAR_MS = 2.0, 150
_RUNS = 20
_PERSON, _SECRET = "王督查", "bench"
_FREE = ("statistics", "screen")  # sums over all items: no page, and without a bar of its own


class Asked(NamedTuple):
    """A page: its address, and the question that it asks."""

    name: str
    path: str
    verb: str
    args: Mapping[str, object]


_LISTS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("首页", {}), ("按时限", {"sort": "due", "open": "1"}), ("红灯", {"light": "red", "sort": "-updated"}),
    ("单位", {"office": CITIES[3]}), ("条件", {"source": "领导批示", "state": "active", "leader": "张某"}),
    ("检索", {"text": "普惠养老"}), ("二字", {"text": "养老"}), ("末页", {"page": str(SMALL // 50)}),
)  # fmt: skip
PAGES = (
    *(Asked(f"列表 {name}", f"/items?{urlencode(args)}", "item.page", args) for name, args in _LISTS),
    Asked("事项", "/items/{item}", "item.show", {}), Asked("全流程", "/overview", "overview", {}),
    Asked("甘特图", "/overview/gantt", "gantt", {}), Asked("工作台", "/", "workbench", {}),
    *(Asked(f"文书 {name}", f"/papers?kind={kind}", "papers", {"kind": kind})
      for kind, name in (("review", "审核"), ("slip", "督办单"))),
    Asked("statistics", "", "statistics", {"period": "all"}), Asked("screen", "", "screen", {}),
)  # fmt: skip


class Spent(NamedTuple):
    """Milliseconds of one answer: by the clock, and of the processor."""

    wall: float
    cpu: float


class Seat:
    """A console over a board, with somebody signed in."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.hands.stopped_ms = NOW_MS
        self._store = desk.office.store
        self._chance = random.Random(7)
        desk.core(self._sign_in)
        size = self._store.board_count()
        self._items = [str(n) for n in self._ids(self._chance.sample(range(1, SMALL), 50))] if size else []

    def _ids(self, numbers: Iterable[int]) -> list[str]:
        named = (self._store.reader().board_by_number(f"{PROVINCE}-2026-{number:06d}") for number in numbers)
        return [rows[0].item_id.hex() for rows in named]

    def _sign_in(self, office: Any) -> None:
        office.store.put([User(_PERSON, "supervisor", "", "", active=True, since_ms=1)])
        console_accounts.begin_session(office.store, _PERSON, "127.0.0.1", NOW_MS, _SECRET)

    def ask(self, page: Asked) -> Spent:
        """The bare question."""
        args = dict(page.args) | ({"item": self._chance.choice(self._items)} if page.verb == "item.show" else {})
        begun, start = time.thread_time(), time.perf_counter()
        QUESTIONS[page.verb](self._store.reader(), self._view(), args)
        return Spent((time.perf_counter() - start) * 1_000, (time.thread_time() - begun) * 1_000)

    def _view(self) -> View:
        """The province's, with everything delivered and fresh."""
        return View(PROVINCE, lambda code: code, lambda _code: NOW_MS, lambda _row: True, NOW_MS)

    async def get(self, page: Asked) -> Spent:
        """The page; what other threads do for it counts as well."""
        path = page.path.replace("{item}", self._chance.choice(self._items))
        begun, start = time.process_time(), time.perf_counter()
        status = await _get(self._desk.app, path)
        spent = Spent((time.perf_counter() - start) * 1_000, (time.process_time() - begun) * 1_000)
        if status != 200:
            raise RuntimeError(f"{path}: {status}")
        return spent


async def _get(app: Any, path: str) -> int:
    """One request to an ASGI application, as the server makes it; the status."""
    where, _, query = path.partition("?")
    said: list[int] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": where, "raw_path": where.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(b"host", HOST.encode()), (b"cookie", f"dulian_session={_SECRET}".encode())],
        "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 7680), "state": {},
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            said.append(message["status"])

    await app(scope, receive, send)
    return said[0]


def measure(bench: Bench) -> list[Measured]:
    """Every page at both sizes."""
    return measured(max(2 * SMALL, int(LARGE * bench.scale)))


def measured(large: int, pages: Iterable[Asked] = PAGES, runs: int = _RUNS) -> list[Measured]:
    """These pages at both sizes, in turn."""
    with ExitStack() as stack:
        stack.callback(gc.set_threshold, *gc.get_threshold())
        stack.callback(gc.unfreeze)
        spare_collector()  # as `serve` does
        seats = {size: Seat(stack.enter_context(desk_of(boards.made(size)))) for size in (SMALL, large)}
        return asyncio.run(_compared(seats, large, tuple(pages), runs))


async def _compared(seats: Mapping[int, Seat], large: int, pages: tuple[Asked, ...], runs: int) -> list[Measured]:
    found = []
    for page in pages:
        bare: dict[int, list[Spent]] = {size: [] for size in seats}
        whole: dict[int, list[Spent]] = {size: [] for size in seats}
        for run in range(runs + 1):
            for size, seat in seats.items():
                asked = seat.ask(page)
                got = await seat.get(page) if page.path else asked
                if run:  # the first is not counted: caches of the machine, templates read
                    bare[size].append(asked)
                    whole[size].append(got)
        found.append(_judged(page, large, bare, whole))
    return found


def _judged(
    page: Asked, large: int, bare: Mapping[int, list[Spent]], whole: Mapping[int, list[Spent]]
) -> Measured:
    few, many = _median(whole[SMALL]), _median(whole[large])
    asked_few, asked_many = _median(bare[SMALL]), _median(bare[large])
    place = int(len(whole[large]) * 0.95) - 1
    p95, p95_cpu = sorted(one.wall for one in whole[large])[place], sorted(one.cpu for one in whole[large])[place]
    ratio, free = many.cpu / few.cpu, page.name in _FREE
    said = f"{many.cpu:.0f} ms，{ratio:.2f} 倍，p95 {p95:.0f} ms（问题本身 {asked_many.cpu / asked_few.cpu:.2f} 倍）"
    return Measured(
        f"{page.name}（{large:,} 件 / {SMALL:,} 件）", said,
        "" if free else f"≤ {RATIO_BAR:g} 倍，p95 ≤ {P95_BAR_MS} ms",
        None if free else ratio <= RATIO_BAR and p95 <= P95_BAR_MS,
        {
            "items": large, "page_few_cpu_ms": few.cpu, "page_many_cpu_ms": many.cpu, "page_many_ms": many.wall,
            "page_p95_ms": p95, "page_p95_cpu_ms": p95_cpu,
            "question_few_cpu_ms": asked_few.cpu, "question_many_cpu_ms": asked_many.cpu,
        },
    )  # fmt: skip


def _median(spent: Iterable[Spent]) -> Spent:
    walls, cpus = zip(*spent, strict=True)
    return Spent(statistics.median(walls), statistics.median(cpus))


def main(said: Callable[[str], None] = print) -> None:
    """Alone."""
    said(f"负载 {os.getloadavg()[0]:.1f}")
    for one in measured(int(sys.argv[1]) if len(sys.argv) > 1 else LARGE):
        said(f"{one.name}  {one.value}  {one.bar}  " + {True: "达到", False: "未达到", None: ""}[one.met])
        said("   " + str({key: round(value, 1) for key, value in one.figures.items()}))


if __name__ == "__main__":
    main()
