"""`dulian` commands for the process tests: the program is loaded once and forked for each command.

A forked child leads a session of its own, has its own stdin, stdout and stderr and runs the program's own `main` with
its own command line, so what follows is the product, unchanged. Loading it costs two seconds of CPU, forking it a tenth
of that. What depends on a fresh interpreter (`test_cli_socket`, `test_node_setup`, `test_node_disk`) starts one.

    python -m tests.process.launch FD      orders come over the socket FD: words as JSON, with the child's three files
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from functools import cache
from typing import TextIO

ORDER_BYTES_MAX = 1 << 20
_MODULES = (
    "node.__main__", "node.cli.app", "node.jobs", "node.bootstrap.serving", "node.bootstrap.enrolling",
    "node.bootstrap.restoring", "node.bootstrap.recovering", "node.bootstrap.doctoring", "node.storage.sqlite",
    "typer.main", "alembic.command", "alembic.context", "node.storage.schema", "uvicorn",
)  # fmt: skip


class Process:
    """A command under way, as far as the tests use `subprocess.Popen`."""

    def __init__(self, pid: int, stdout: TextIO | None) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self.ended = threading.Event()

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; subprocess.TimeoutExpired."""
        if not self.ended.wait(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Launcher:
    """The loaded program; it ends when this process does."""

    def __init__(self, environment: dict[str, str]) -> None:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders = here
        self._one_at_a_time = threading.Lock()  # while a start is waited for, no other is asked for
        self._running: dict[int, Process] = {}
        self._started: list[int] = []
        self._heard = threading.Condition()
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.process.launch", str(there.fileno())], pass_fds=[there.fileno()],
            stdin=subprocess.DEVNULL, env=environment | {"GRPC_VERBOSITY": "NONE"}, start_new_session=True,
        )
        there.close()
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, words: list[str], stdout: int, stderr: int, read: TextIO | None = None) -> Process:
        """Fork a command; ``stdout`` and ``stderr`` are open descriptors, ``read`` what the test reads of it."""
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            with self._one_at_a_time, self._heard:
                socket.send_fds(self._orders, [json.dumps(words).encode()], [nothing, stdout, stderr])
                while not self._started:
                    assert self._heard.wait(60.0), "the launcher does not answer"
                process = Process(self._started.pop(), read)
                self._running[process.pid] = process
                self._heard.notify_all()
                return process
        finally:
            os.close(nothing)

    def _listen(self) -> None:
        while line := self._orders.recv(100):
            kind, pid, code = line.decode().split()
            with self._heard:
                if kind == "started":
                    self._started.append(int(pid))
                    self._heard.notify_all()
                    continue
                # One that ends at once is heard of before its start was taken note of.
                while int(pid) not in self._running:
                    self._heard.wait()
                process = self._running.pop(int(pid))
            process.returncode = int(code)
            process.ended.set()


@cache  # one for all tests of this process
def launcher(environment: tuple[tuple[str, str], ...]) -> Launcher:
    """The loaded program with these surroundings."""
    return Launcher(dict(environment))


def _become(words: list[str], files: list[int]) -> None:
    """In the child: the command itself, until it ends; never returns."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, 4_096)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", 1, errors="backslashreplace")
    sys.argv = ["dulian", *words]
    code = 70
    try:
        importlib.import_module("node.__main__").main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does at the end of a program
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def main() -> None:
    """Serve orders until the other end closes. One thread, no other socket: forking is safe."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    for module in _MODULES:
        importlib.import_module(module)
    woken, wake = socket.socketpair()
    woken.setblocking(False)
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake.fileno())
    running: set[int] = set()
    with selectors.DefaultSelector() as selector:
        selector.register(orders, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if woken in ready:
                woken.recv(4_096)
                _report(orders, running)
            if orders in ready:
                data, files, _, _ = socket.recv_fds(orders, ORDER_BYTES_MAX, 3)
                if not data:
                    break
                child = os.fork()
                if child == 0:
                    _become(json.loads(data), files)
                running.add(child)
                for file in files:
                    os.close(file)
                orders.send(f"started {child} 0".encode())


    for child in running:  # whoever ordered them is gone, perhaps killed
        os.kill(child, signal.SIGKILL)


def _report(orders: socket.socket, running: set[int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        running.discard(pid)
        orders.send(f"ended {pid} {os.waitstatus_to_exitcode(status)}".encode())


if __name__ == "__main__":
    main()
