"""A real province, a real city and a real honest county; beside the county stands an `Evil` one."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.process.evil import Evil
from tests.process.evil_books import Books, Fault
from tests.process.evil_link import Link
from tests.process.nodes import Node, until

PEAK_GROWTH_MAX_KIB = 128 * 1024  # over its own start and ordinary work; all misbehaving neighbours together
CALM_S = 30.0  # within which an honest neighbour gets its receipt, whatever the other does


class City:
    """The nodes, the evil county, and what the honest ones must go on doing."""

    def __init__(self, folder: Path) -> None:
        self.province = Node(folder, "320000", "江苏省人民政府")
        self.city = Node(folder, "320500", "苏州市人民政府")
        self.county = Node(folder, "320582", "张家港市人民政府")
        self.nodes = [self.province, self.city, self.county]
        self.books = Books(self.city.home)
        self.evil: Evil
        self.silent: Future[str]
        self._codes = iter(range(320_600, 320_700))
        self._pool = ThreadPoolExecutor(1)
        self.task = ""
        self.reports = 0
        self.slowest_s = 0.0
        self.calm_kib = 0

    def set_up(self) -> None:
        words = ["--office", "320000", "--name", self.province.name, "--listen", self.province.address]
        made = self.province.cli("init", *words)
        assert made.exit == 0, made
        self.province.serve()
        self._enter(self.city, self.province)
        self.city.configure(mark_interval_s=1)
        self.city.serve()
        self._enter(self.county, self.city)
        self.county.start()
        self.evil = Evil(self.invite("320583", "昆山市人民政府"))
        asyncio.run(self.evil.join())
        self.silent = self._pool.submit(self.keep_silent)
        self.county.await_ready()
        issued = self.city.ask("item.issue", title="整治河道", to=[self.county.code, self.evil.code])
        tasks = {task["to"]: task["item"] for task in issued["assignments"]}
        self.task = tasks[self.county.code]
        self.county.await_state(self.task, "delivered")
        self.county.ask("item.sign", item=self.task)
        self.work_goes_on()
        self.calm_kib = self.peak_kib()

    def _enter(self, node: Node, parent: Node) -> None:
        token = parent.ask("invite", code=node.code, name=node.name, ttl="24h", auto_approve=True)["token"]
        joined = node.cli("join", token, "--listen", node.address)
        assert joined.exit == 0, joined

    def invite(self, code: str, name: str) -> str:
        found = self.city.ask("invite", code=code, name=name, ttl="24h", auto_approve=True, unlisted=True)
        return str(found["token"])

    def another_evil(self) -> Evil:
        """One more: for tests after which a neighbour is not heard for a while."""
        evil = Evil(self.invite(str(next(self._codes)), "某县人民政府"))
        asyncio.run(evil.join())
        return evil

    def keep_silent(self) -> str:
        """A stream without a hello; how it ended (slow-loris, going on while other tests run)."""
        async def story(link: Link) -> str:
            link.answers = False
            return await link.ended(within_s=60.0)

        return str(self.run(story, self.another_evil(), greet=False))

    def work_goes_on(self) -> float:
        """The honest county reports, and holds the city's receipt; how long that took."""
        started = time.monotonic()
        self.reports += 1
        self.county.ask("item.report", item=self.task, text=f"第 {self.reports} 次进展", percent=self.reports % 100)
        until(lambda: self.county.link(self.city.code)["to_send"] == 0, "the honest county's receipt", CALM_S)
        took_s = time.monotonic() - started
        self.slowest_s = max(self.slowest_s, took_s)
        return took_s

    def peak_kib(self) -> int:
        """The most memory the city's process has ever had."""
        assert self.city.process is not None
        status = Path(f"/proc/{self.city.process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))

    @contextmanager
    def unharmed(self, evil: Evil | None = None) -> Iterator[list[Fault]]:
        """Whatever happens inside: the city stays up and small, others go on; yields what it has noted afterwards."""
        mark = self.books.last_evidence()
        pid = self.city.process.pid
        noted: list[Fault] = []
        yield noted
        self.work_goes_on()  # and what came before it has been judged
        noted += self.books.evidence((evil or self.evil).code, mark)
        assert self.city.process.pid == pid
        assert self.city.process.poll() is None, self.city.log_text()[-3_000:]
        assert self.peak_kib() - self.calm_kib < PEAK_GROWTH_MAX_KIB
        internal = [alarm for alarm in self.books.alarms() if alarm[0] in ("internal", "poison")]
        assert internal == []

    def run(self, story: Callable[[Link], Awaitable[Any]], evil: Evil | None = None, **how: Any) -> Any:
        """Run a story over a link of the evil county."""
        async def told() -> Any:
            async with (evil or self.evil).link(**how) as link:
                return await story(link)

        return asyncio.run(told())

    def tear_down(self) -> None:
        for node in reversed(self.nodes):
            node.end()
        self._pool.shutdown()


def make_city() -> Iterator[City]:
    folder = Path(tempfile.mkdtemp(prefix="dulian-evil-"))
    city = City(folder)
    try:
        city.set_up()
        yield city
    finally:
        city.tear_down()
        shutil.rmtree(folder)
