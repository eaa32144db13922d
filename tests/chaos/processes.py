"""Processes of the chaos run: forked from one loaded interpreter, watched through a pidfd, never reaped by us."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from tests.process.nodes import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]


class Order(NamedTuple):
    """A command to start, and where it dies by itself ("" = nowhere)."""

    words: list[str]
    folder: Path
    point: str = ""
    passages: int = 0


class Forked:
    """A running command."""

    def __init__(self, pid: int, out: Path, err: Path, ended: Path, fired: Path) -> None:
        self.pid = pid
        self.out = out
        self.err = err
        self._ended = ended
        self._fired = fired
        try:
            self._fd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._fd = -1  # over already

    def alive(self) -> bool:
        if self._fd < 0:
            return False
        ready, _, _ = select.select([self._fd], [], [], 0)
        if ready:
            os.close(self._fd)
            self._fd = -1
        return not ready

    def kill(self) -> bool:
        """SIGKILL; False where it was over already."""
        if not self.alive():
            return False
        signal.pidfd_send_signal(self._fd, signal.SIGKILL)
        return self.wait(20)

    def terminate(self) -> None:
        if self.alive():
            signal.pidfd_send_signal(self._fd, signal.SIGTERM)

    def wait(self, within_s: float) -> bool:
        """Until it is over; False where it is not in time."""
        deadline = time.monotonic() + within_s
        while self.alive():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            select.select([self._fd], [], [], min(left, 0.5))
        return True

    def ready_line(self) -> str:
        """What it has printed so far."""
        return self.out.read_text(encoding="utf-8") if self.out.exists() else ""

    def fired(self) -> str:
        """The failpoint that ended it, or empty."""
        return self._fired.read_text(encoding="ascii") if self._fired.exists() else ""

    def exit_code(self) -> int | None:
        """Its exit code where it ended by itself; None where it was killed."""
        text = self._ended.read_text(encoding="ascii") if self._ended.exists() else ""
        return int(text) if text else None


class Forker:
    """The loaded interpreter that everything is forked from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._number = 0
        with (folder / "forker.log").open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.launch", "--fork"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, text=True, cwd=ROOT, env=ENVIRONMENT | {"DULIAN_DEBUG": "1"},
            )
        assert self._process.stdout.readline() == "loaded\n"

    def start(self, order: Order) -> Forked:
        with self._lock:
            self._number += 1
            names = [self._folder / f"{self._number}.{what}" for what in ("out", "err", "ended", "fired")]
            out, _, ended, fired = names
            err = order.folder if order.folder.suffix == ".log" else names[1]
            asked = {
                "words": order.words, "point": order.point, "count": order.passages, "out": str(out), "err": str(err),
                "ended": str(ended), "fired": str(fired),
            }
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            pid = int(self._process.stdout.readline())
        return Forked(pid, out, err, ended, fired)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
