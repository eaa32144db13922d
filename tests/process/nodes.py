"""Real nodes for the process tests: `dulian serve` on loopback, each with its own home, keys, database and port.

`Node.run` starts the command line as an operator would, in a process of its own (forked: `launch`). `Node.cli` runs the
same commands in this process (the node at the other end of the socket is real all the same).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from typer.main import get_command

from node.cli.app import build_app
from node.wire.local_client import LocalClient
from tests.process.launch import Process, launcher

DULIAN = [sys.executable, "-m", "node"]
READY_S = 120.0
SOON_S = 120.0  # generous: a busy machine makes no test fail
# The suite's own surroundings must not configure the nodes.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("DULIAN_")}
_PORTS = random.Random()
_given: set[int] = set()


@cache  # a hundred commands with their options: built once
def the_command() -> Any:
    """The whole command line."""
    return get_command(build_app())


class Done(NamedTuple):
    """A command that has ended."""

    exit: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one JSON document."""
        return json.loads(self.out)


def free_port() -> int:
    """A port nobody listens on, below those the system gives to outgoing connections."""
    while True:
        port = _PORTS.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port


def until(condition: Callable[[], Any], what: str, within_s: float = SOON_S) -> Any:
    """Wait for a condition and return what it gave; AssertionError naming it otherwise."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.05)


class Node:
    """One office and its node."""

    def __init__(self, folder: Path, code: str, name: str) -> None:
        self.code = code
        self.name = name
        self.home = folder / code
        self.log_file = folder / f"{code}.log"
        self.port = free_port()
        self.process: Process | subprocess.Popen[str] | None = None
        self.ready: dict[str, Any] = {}

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    # -- commands -----------------------------------------------------------------------------------------------------

    def run(self, *words: str, timeout_s: float = 180.0) -> Done:
        """A command in a process of its own."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            command = [*words, "--home", str(self.home)]
            process = launcher(tuple(ENVIRONMENT.items())).start(command, out.fileno(), err.fileno())
            try:
                code = process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            out.seek(0)
            err.seek(0)
            return Done(code, out.read().decode(), err.read().decode())

    def cli(self, *words: str) -> Done:
        """The same command line, in this process."""
        out, err, nothing = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(3))
        stdin, sys.stdin = sys.stdin, nothing
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = the_command().main([*words, "--home", str(self.home)], standalone_mode=False)
        finally:
            sys.stdin = stdin
        return Done(code, *(text.buffer.getvalue().decode().replace("\r\n", "\n") for text in (out, err)))

    def json(self, *words: str, codes: Iterable[int] = (0,)) -> Any:
        """The JSON document of a command that must succeed."""
        done = self.cli(*words, "--json")
        assert done.exit in codes, (self.code, words, done)
        return done.json

    def refused(self, *words: str, code: int = 2) -> str:
        """The one Chinese line of a command that must be refused; stdout stays empty."""
        return line_of(self.cli(*words), code)

    def client(self) -> LocalClient:
        """The socket without the command line in front, for threads and for speed."""
        return LocalClient(self.home)

    def ask(self, verb: str, **args: object) -> Any:
        return self.client().request(verb, args).data

    # -- the process --------------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Start the node and wait for its ready line."""
        self.start()
        self.await_ready()

    def start(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()  # of one that ended by itself
        read, write = os.pipe()
        log = self.log_file.open("a", encoding="utf-8")
        try:
            self.process = launcher(tuple(ENVIRONMENT.items())).start(
                ["serve", "--home", str(self.home)], write, log.fileno(), os.fdopen(read, encoding="utf-8")
            )
        finally:
            log.close()
            os.close(write)

    def await_ready(self, within_s: float = READY_S) -> None:
        assert self.process is not None
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.append(self.process.stdout.readline()), daemon=True)
        reader.start()
        reader.join(within_s)
        assert lines, f"{self.code} is not ready: {self.log_text()[-3_000:]}"
        assert lines[0].startswith("ready "), (lines, self.log_text()[-3_000:])
        self.ready = json.loads(lines[0].removeprefix("ready "))

    def kill(self) -> None:
        """kill -9: no farewell, nothing flushed."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self._reap(10)

    def stop(self, within_s: float = 15.0) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self._reap(within_s)

    def end(self) -> None:
        """Whatever state it is in: over."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self._reap(15)
            except subprocess.TimeoutExpired:
                self.kill()

    def _reap(self, within_s: float) -> int:
        assert self.process is not None
        code = self.process.wait(within_s)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def log_text(self) -> str:
        return self.log_file.read_text(encoding="utf-8") if self.log_file.exists() else ""

    def log_lines(self) -> list[dict[str, Any]]:
        """The log; every line must be one JSON object (the last one may just be being written)."""
        found = [json.loads(line) for line in self.log_text().splitlines(keepends=True) if line.endswith("\n")]
        assert all(isinstance(line, dict) for line in found)
        return found

    # -- set-up -------------------------------------------------------------------------------------------------------

    def configure(self, **values: int | str) -> None:
        """Add settings to config.toml (while the node is stopped)."""
        with (self.home / "config.toml").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = {json.dumps(value)}\n" for name, value in values.items())

    def found(self, *more: str) -> Done:
        """`init`: this is the root."""
        done = self.run("init", "--office", self.code, "--name", self.name, "--listen", self.address, *more)
        assert done.exit == 0, done
        return done

    def enter(self, parent: Node, *more: str) -> Done:
        """`invite` at the parent and `join` here, admitted by the invitation alone."""
        token = parent.cli("invite", self.code, "--name", self.name, "--auto-approve")
        assert token.exit == 0, token
        done = self.run("join", token.out.strip(), "--listen", self.address, *more)
        assert done.exit == 0, done
        return done

    # -- looking ------------------------------------------------------------------------------------------------------

    def status(self) -> Any:
        return self.json("status", codes=(0, 1))

    def link(self, office: str) -> Any:
        """What `status` says about one neighbour."""
        return next(link for link in self.status()["links"] if link["office"] == office)

    def alarms(self) -> set[str]:
        return {alarm["code"] for alarm in self.ask("status")["alarms"]}

    def show(self, item: str) -> Any:
        return self.json("item", "show", item)

    def await_state(self, item: str, state: str, within_s: float = SOON_S) -> Any:
        """Wait until this node shows the item in this state."""
        def there() -> Any:
            rows = [row for row in self.ask("item.list") if row["id"] == item]
            return rows[0] if rows and rows[0]["state"] == state else None

        return until(there, f"{self.code}: {item[:12]} {state}", within_s)

    def counts(self) -> tuple[int, int, int]:
        """Records, logs and items held: the same before and after whatever is refused."""
        found = self.status()
        return found["records"], found["logs"], found["items"]


def line_of(done: Done, code: int) -> str:
    """The single line of a refusal: exit code, Chinese, naming what is wrong."""
    assert done.exit == code, done
    assert done.out == "", done
    lines = done.err.splitlines()
    assert len(lines) == 1, done
    assert lines[0].startswith("错误"), done
    assert any("\u4e00" <= char <= "\u9fff" for char in lines[0]), done
    return lines[0]


def differing(nodes: Iterable[Node]) -> list[str]:
    """Items that are not held, with one digest, by exactly those of these nodes that stand in their line."""
    by_code = {node.code: node for node in nodes}
    digests = {code: node.ask("digest")["items"] for code, node in by_code.items()}
    lines = {row["id"]: row["line"]["path"] for node in by_code.values() for row in node.ask("item.list")}
    found = []
    for item, path in lines.items():
        held = {code: digests[code].get(item) for code in by_code if code in path}
        strangers = [code for code in by_code if code not in path and item in digests[code]]
        if len(set(held.values())) != 1 or None in held.values() or strangers:
            found.append(f"{item[:12]} {path}: {held} {strangers}")
    return found


def agree(nodes: Iterable[Node], within_s: float = SOON_S) -> None:
    """All that is shared is the same at all of them, and every store verifies."""
    nodes = list(nodes)
    until(lambda: not differing(nodes), f"the nodes agree ({differing(nodes)[:3]})", within_s)
    for node in nodes:
        found = node.json("verify")
        assert found["ok"], (node.code, found["findings"][:5])
        assert found["findings"] == []
