"""A PostgreSQL server that can be killed: the whole of it, or one of its processes, and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from tests.postgres.server import START_S, PostgresServer

SETTINGS = {"max_connections": "60", "shared_buffers": "32MB", "checkpoint_timeout": "30s"}  # with fsync, as in earnest


class MortalServer(PostgresServer):
    """Its folder stays through every death."""

    def __init__(self) -> None:
        self.kills = 0
        super().__init__(SETTINGS)

    def _children(self) -> list[int]:
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    parent = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
                except OSError:
                    continue
                if int(parent) == self._process.pid:
                    found.append(int(folder.name))
        return found

    def kill(self) -> None:
        """kill -9 of the server and all its processes, as when the machine's memory runs out."""
        children = self._children()
        for pid in (self._process.pid, *children):
            _kill(pid)
        self._process.wait()
        deadline = time.monotonic() + START_S
        while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.kills += 1

    def kill_one(self) -> None:
        """kill -9 of one of its processes: it ends all others and recovers by itself."""
        if children := self._children():
            _kill(children[-1])
            self.kills += 1

    def start_again(self) -> None:
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-k", self.folder, "-h", "", *options],
                cwd=self.folder, stdout=log, stderr=log, **self._as_user,
            )
        self.await_answer()

    def await_answer(self) -> None:
        """Until it takes connections."""
        deadline = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.folder / "server.log").read_text(encoding="utf-8")[-2_000:]
                assert time.monotonic() < deadline, "PostgreSQL does not come back"
                time.sleep(0.1)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
