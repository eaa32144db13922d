"""The demonstration's offices: real `dulian serve` processes on loopback, driven over their command sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from node.wire.local_client import LocalClient

DULIAN = [sys.executable, "-m", "node"]
_READY_TIMEOUT_S = 90.0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Office:
    """One office and its node."""

    code: str
    name: str
    parent: str
    folder: Path
    port: int = field(default_factory=free_port)
    console_port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    log: IO[str] | None = None

    @property
    def home(self) -> Path:
        """The node's home."""
        return self.folder / self.code

    @property
    def address(self) -> str:
        """Where children reach it."""
        return f"127.0.0.1:{self.port}"

    @property
    def console(self) -> str:
        """Where its console listens."""
        return f"127.0.0.1:{self.console_port}"

    def run(self, *words: str) -> str:
        """Run a `dulian` command in a process of its own, as an operator would; returns its stdout."""
        done = subprocess.run(
            [*DULIAN, *words, "--home", str(self.home)], capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode not in (0, 1):
            command = " ".join(words[:2])
            raise SystemExit(f"{self.name}：dulian {command} 失败（{done.returncode}）：{done.stderr.strip()}")
        return done.stdout

    def serve(self) -> None:
        """Start the node and wait for its ready line."""
        self.log = (self.folder / f"{self.code}.log").open("a", encoding="utf-8")
        self.process = subprocess.Popen(
            [*DULIAN, "serve", "--home", str(self.home)], stdout=subprocess.PIPE, stderr=self.log, text=True,
            start_new_session=True,
        )  # fmt: skip
        ready: list[str] = []
        reader = threading.Thread(target=lambda: ready.append(self.process.stdout.readline()), daemon=True)  # type: ignore[union-attr]
        reader.start()
        reader.join(_READY_TIMEOUT_S)
        if not ready or not ready[0].startswith("ready "):
            raise SystemExit(f"{self.name} 的节点没有就绪，见 {self.folder / (self.code + '.log')}")

    def kill(self) -> None:
        """Kill -9: no farewell, nothing flushed."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        """SIGTERM and wait."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.log is not None:
            self.log.close()

    def ask(self, verb: str, files: list[tuple[str, Path]] | None = None, **args: object) -> Any:
        """One request over the command socket."""
        return LocalClient(self.home).request(verb, args, files=files or []).data

    def json(self, *words: str) -> Any:
        """The JSON document of a command."""
        return json.loads(self.run(*words, "--json"))
