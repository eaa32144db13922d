"""Starting nodes for a measure, asking them, stopping them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from node.bootstrap import homes
from node.clock import SystemClock
from node.config import CONFIG_FILE, read_config
from node.items.lights import day_of
from node.services.mending.reconcile import JOB
from node.storage.port import JobRun, Peer
from node.storage.sql import open_store
from tests.bench.templates import Templates, point
from tests.conftest import ROOT

START_S = 600.0
SYNC_S = 60.0
_QUIET_S, _QUIET_CPU_S, _PATIENCE_S = 1.0, 0.05, 900.0


class Measured(NamedTuple):
    """One measure's outcome: ``value`` against ``bar`` as text, ``met`` None where nothing is demanded."""

    name: str
    value: str
    bar: str
    met: bool | None
    figures: dict[str, Any]


class Bench(NamedTuple):
    """What every measure gets."""

    templates: Templates
    folder: Path
    profile: Path | None = None
    scale: float = 1.0

    def home(self, template: str) -> Path:
        """A fresh copy of a template; what was copied is on disk, so that no measure pays for it."""
        home = self.templates.copy(template, Path(tempfile.mkdtemp(dir=self.folder)) / template)
        os.sync()
        return home


class Node:
    """A node in a process of its own; `ask` it, then leave the context."""

    def __init__(self, home: Path, *options: str, listen: str = "") -> None:
        self.home = home
        self.address = listen or f"127.0.0.1:{free_port()}"
        set_listen(home, self.address)
        self._log = (home / "log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.node", str(home), *options],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
        )  # fmt: skip
        line = self._read()
        if not line.startswith("ready "):
            raise RuntimeError(f"node did not start: {line} {self.log()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        if error is None and self._process.returncode != 0:
            raise RuntimeError(f"node ended with {self._process.returncode}: {self.log()}")

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Put a question and wait for its answer."""
        self.put(do, **arguments)
        return self.answer()

    def put(self, do: str, **arguments: Any) -> None:
        """Put a question; fetch the answer later."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The next answer."""
        line = self._read()
        if not line.startswith("{"):
            raise RuntimeError(f"no answer from {self.home.name}: {line} {self.log()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def log(self) -> str:
        """The end of what it wrote on stderr."""
        return (self.home / "log").read_text(encoding="utf-8", errors="replace")[-2_000:]

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def linked(parent_home: Path, child_home: Path, *parent_options: str) -> Iterator[tuple[Node, Node]]:
    """A parent and its child, both running and at rest; the child dials when it is told to ``go``."""
    for home in (parent_home, child_home):
        night_is_over(home)
    with Node(parent_home, *parent_options) as parent:
        point(child_home, parent_code(parent_home), parent.address)
        with Node(child_home) as child:
            wait_quiet(parent, child)
            yield parent, child


def night_is_over(home: Path) -> None:
    """A home that was made just now has never had its night: without this it looks at every record it holds at once."""
    store = open_store(homes.database_url(home, read_config(home)), create=False)
    today = day_of(SystemClock().now_ms())
    links = [*(peer.office for peer in store.rows(Peer)), str(read_config(home).office)]
    store.begin()
    store.put([JobRun(JOB + office, day, 0, 0) for office in links for day in (today - 1, today, today + 1)])
    store.commit(durable=True)
    store.close()


def wait_quiet(*nodes: Node) -> None:
    """Until the nodes have nothing to do: indexes of texts, checks and reminders that follow a start."""
    deadline = time.monotonic() + _PATIENCE_S
    while any(node.ask("window", seconds=_QUIET_S)["cpu"] > _QUIET_CPU_S for node in nodes):
        if time.monotonic() > deadline:
            raise RuntimeError("the nodes do not come to rest")


def parent_code(home: Path) -> str:
    """The office of a home."""
    for line in (home / CONFIG_FILE).read_text(encoding="utf-8").splitlines():
        if line.startswith("office = "):
            return str(json.loads(line.partition("=")[2]))
    raise ValueError(home)


def wait_synced(node: Node, peer: str) -> None:
    """Until the link between them has compared heads."""
    deadline = time.monotonic() + SYNC_S
    while not node.ask("usage")["peers"].get(peer):
        if time.monotonic() > deadline:
            raise RuntimeError(f"no link to {peer}: {node.log()}")
        time.sleep(0.05)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def median(values: list[float]) -> float:
    """The middle of some values."""
    return statistics.median(values)


def forget(*homes: Path) -> None:
    """Remove copies that are done with."""
    for home in homes:
        shutil.rmtree(home.parent)


def set_listen(home: Path, address: str) -> None:
    """Write the address into the configuration of a copied home."""
    path = home / CONFIG_FILE
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("listen = ")]
    path.write_text("\n".join([*kept, f"listen = {json.dumps(address)}"]) + "\n", encoding="utf-8")
