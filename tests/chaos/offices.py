"""The five offices of the chaos run and their links: a province, two cities, two counties, each link behind a proxy."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from node.errors import UnreachableError
from tests.chaos.processes import ROOT, Forked, Forker, Order
from tests.chaos.servers import MortalServer
from tests.process.nodes import ENVIRONMENT, Done, Node, free_port, until
from tests.process.nodes_proxy import Proxy
from tests.process.syscalls import Disk

SETTINGS = {"keepalive_s": 2, "retry_max_s": 2, "mark_interval_s": 2}
SLOW_MACHINE_S = 120.0
OFFICES = [
    ("320000", "江苏省人民政府", "", "sqlite"), ("320500", "苏州市人民政府", "320000", "postgresql"),
    ("320200", "无锡市人民政府", "320000", "sqlite"), ("320583", "昆山市人民政府", "320500", "sqlite"),
    ("320281", "江阴市人民政府", "320200", "postgresql"),
]  # fmt: skip


class Office(Node):
    """A node that is started, killed, moved and cloned."""

    def __init__(self, folder: Path, forker: Forker, code: str, name: str, parent: str) -> None:
        super().__init__(folder, code, name)
        self.folder = folder
        self.parent = parent
        self.running: Forked | subprocess.Popen[str] | None = None
        self.database = ""
        self.disk: Disk | None = None
        self._forker = forker

    # -- commands -----------------------------------------------------------------------------------------------------

    def command(self, *words: str, point: str = "", count: int = 0, within_s: float = SLOW_MACHINE_S) -> Done | None:
        """A command in a process of its own; None where a failpoint ended it."""
        process = self._forker.start(Order([*words, "--home", str(self.home)], self.folder, point, count))
        assert process.wait(within_s), (self.code, words)
        code = process.exit_code()
        if code is None:
            assert process.fired() == point, (self.code, words)
            return None
        return Done(code, process.ready_line(), process.err.read_text(encoding="utf-8"))

    def done(self, *words: str) -> Done:
        """A command that must succeed."""
        found = self.command(*words)
        assert found is not None
        assert found.exit == 0, (self.code, words, found)
        return found

    # -- the process --------------------------------------------------------------------------------------------------

    def begin(self, point: str = "", count: int = 0, *, plain: bool = False, disk: bool = False) -> None:
        """Start serving: forked, or (plain, or on a disk that obeys) by an exec of its own."""
        words = ["serve", "--home", str(self.home)]
        self.disk = None
        if not plain and not disk:
            self.running = self._forker.start(Order(words, self.log_file, point, count))
            return
        command = [sys.executable, "-m", "node", *words]
        if disk:
            self.disk = Disk(self.home / "run")
            command = self.disk.command(command)
        with self.log_file.open("a", encoding="utf-8") as log, (self.folder / f"{self.code}.out").open("w") as out:
            self.running = subprocess.Popen(
                command, stdout=out, stderr=log, text=True, env=ENVIRONMENT, start_new_session=True, cwd=ROOT
            )

    def is_ready(self) -> bool:
        """Whether this life of the node has said that it is ready."""
        if isinstance(self.running, Forked):
            return "ready {" in self.running.ready_line()
        return "ready {" in (self.folder / f"{self.code}.out").read_text(encoding="utf-8")

    def alive(self) -> bool:
        if self.running is None:
            return False
        return self.running.alive() if isinstance(self.running, Forked) else self.running.poll() is None

    def await_up(self, within_s: float = SLOW_MACHINE_S) -> bool:
        """Wait until ready; False where it ended before."""
        deadline = time.monotonic() + within_s
        while self.alive():
            if self.is_ready():
                return True
            assert time.monotonic() < deadline, f"{self.code} is not ready: {self.log_text()[-2_000:]}"
            time.sleep(0.03)
        return self.is_ready()

    def up(self) -> None:
        """Serve, if it does not; nothing will end it by itself."""
        if not self.alive():
            self.begin()
        assert self.await_up(), (self.code, self.log_text()[-2_000:])

    def kill9(self) -> bool:
        """kill -9; False where it was over already."""
        if isinstance(self.running, Forked):
            return self.running.kill()
        if self.running is None or self.running.poll() is not None:
            return False
        self.running.kill()
        self.running.wait(20)
        return True

    def halt(self, within_s: float = 30.0) -> None:
        """SIGTERM, and SIGKILL where that takes too long."""
        if self.running is None or not self.alive():
            return
        self.running.terminate()
        try:
            over = self.running.wait(within_s)
        except subprocess.TimeoutExpired:
            over = False
        if over is False:
            self.kill9()

    def fired(self) -> str:
        return self.running.fired() if isinstance(self.running, Forked) else ""

    def exit_code(self) -> int | None:
        """Where this life ended by itself."""
        if isinstance(self.running, Forked):
            return self.running.exit_code()
        code = self.running.poll() if self.running is not None else None
        return None if code is None or code < 0 else code

    # -- asking -------------------------------------------------------------------------------------------------------

    def asked(self, verb: str, **args: object) -> Any:
        """The answer; None where the node cannot be reached now."""
        try:
            return self.client().request(verb, args, timeout_s=SLOW_MACHINE_S).data
        except UnreachableError:
            return None


class Tree:
    """The offices, the proxies between them and the database server of two of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "orders").mkdir()
        self.server = MortalServer()
        self.forker = Forker(folder / "orders")
        self.offices: dict[str, Office] = {}
        self.proxies: dict[str, Proxy] = {}  # by the code of the child
        self.lock = threading.Lock()
        for code, name, parent, _ in OFFICES:
            self.offices[code] = Office(folder, self.forker, code, name, parent)

    def __iter__(self):
        return iter(self.offices.values())

    def set_up(self) -> None:
        """As operators would; then every child dials its parent through a proxy."""
        for code, _, parent, engine in OFFICES:
            office = self.offices[code]
            database = self.server.new_database() if engine == "postgresql" else ""
            office.database = database
            more = ["--database", database] if database else []
            if not parent:
                office.done("init", "--office", code, "--name", office.name, "--listen", office.address, *more)
            else:
                above = self.offices[parent]
                token = above.done("invite", code, "--name", office.name, "--auto-approve").out.strip()
                office.done("join", token, "--listen", office.address, *more)
                self.proxies[code] = Proxy(free_port(), above.port)
                proxy = self.proxies[code]._listener.getsockname()[1]
                office.configure(parent=f"127.0.0.1:{proxy}")
            office.configure(**SETTINGS)
            office.up()
        self.settle()

    def settle(self, within_s: float = SLOW_MACHINE_S) -> None:
        """Every link is up, in sync, and nothing waits on it."""
        for office in self:
            until(partial(_quiet, office), f"{office.code} in sync", within_s)

    def below(self, code: str) -> list[Office]:
        return [office for office in self if office.parent == code]

    def line_of(self, path: str, *, subtree: bool) -> list[str]:
        """The offices that a line names."""
        codes = path.split("/")
        below = {codes[-1]} if subtree else set()
        for office in self:  # parents stand before their children
            if office.parent in below:
                below.add(office.code)
                codes.append(office.code)
        return [code for code in codes if code in self.offices]

    def tear_down(self) -> None:
        for office in reversed(list(self)):
            if office.disk is not None:
                office.disk.mend()
            office.kill9()
        for proxy in self.proxies.values():
            proxy.close()
        self.forker.close()
        self.server.stop()


def _quiet(office: Office) -> bool:
    found = office.asked("status")
    return found is not None and all(
        link["state"] == "synced" and link["to_send"] == 0 for link in found["links"]
    )
