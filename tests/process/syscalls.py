"""A disk that misbehaves, for one process: its system calls are held by the kernel and answered by the test.

A small launcher installs a seccomp filter (`SECCOMP_RET_USER_NOTIF`), hands its listener to the test and becomes the
program. Calls that sync, write to the database or create a file then wait until `Disk` lets them through, lets them
wait, or answers with an error. Nothing in the product knows; no rights, no file system of its own are needed.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import select
import socket
import struct
import sys
import threading
import time
from pathlib import Path

_NUMBERS = {
    "x86_64": {"fsync": 74, "fdatasync": 75, "pwrite64": 18, "openat": 257, "seccomp": 317},
    "aarch64": {"fsync": 82, "fdatasync": 83, "pwrite64": 68, "openat": 56, "seccomp": 277},
}
SYNC, WRITE, CREATE = "sync", "write", "create"
_O_CREAT = 0x40
_RECEIVE, _SEND = 0xC050_2100, 0xC018_2101
_NO_NEW_PRIVS, _FILTER_MODE, _NEW_LISTENER, _CONTINUE = 38, 1, 8, 1
_ALLOW, _NOTIFY = 0x7FFF_0000, 0x7FC0_0000
_LOAD, _EQUAL, _BITS, _RETURN = 0x20, 0x15, 0x45, 0x06


def _numbers() -> dict[str, int]:
    return _NUMBERS[platform.machine()]


def _filter() -> bytes:
    """The program of the filter: which calls are told to the listener."""
    numbers = _numbers()

    def line(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    return b"".join([
        line(_LOAD, 0),
        line(_EQUAL, numbers["fsync"], 6),
        line(_EQUAL, numbers["fdatasync"], 5),
        line(_EQUAL, numbers["pwrite64"], 4),
        line(_EQUAL, numbers["openat"], 0, 2),
        line(_LOAD, 32),  # the flags
        line(_BITS, _O_CREAT, 1),
        line(_RETURN, _ALLOW),
        line(_RETURN, _NOTIFY),
    ])


def launch(channel: str, command: list[str]) -> None:
    """In the process to be: install the filter, hand the listener over, become the command."""
    libc = ctypes.CDLL(None, use_errno=True)
    program = ctypes.create_string_buffer(_filter())
    shape = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(_filter()) // 8, ctypes.addressof(program)))
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.connect(channel)
        listener = libc.syscall(_numbers()["seccomp"], _FILTER_MODE, _NEW_LISTENER, shape)
        if listener < 0:
            raise OSError(ctypes.get_errno(), "seccomp")
        socket.send_fds(end, [b"x"], [listener])
    os.execv(command[0], command)  # noqa: S606 - the program itself, without a shell in between


class Disk:
    """The disk of one process. Set `error` or `slow_s` for some of sync, write, create; empty them to mend it."""

    def __init__(self, folder: Path) -> None:
        self.error: dict[str, int] = {}
        self.slow_s: dict[str, float] = {}
        self.seen = dict.fromkeys((SYNC, WRITE, CREATE), 0)
        self.failed = 0
        self._path = str(folder / "calls.sock")
        Path(self._path).unlink(missing_ok=True)
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(self._path)
        self._door.listen(1)
        numbers = _numbers()
        self._kinds = {
            numbers["fsync"]: SYNC, numbers["fdatasync"]: SYNC, numbers["pwrite64"]: WRITE, numbers["openat"]: CREATE,
        }
        threading.Thread(target=self._main, daemon=True).start()

    def command(self, command: list[str]) -> list[str]:
        """The command line that runs a program on this disk."""
        return [sys.executable, str(Path(__file__).resolve()), self._path, *command]

    def mend(self) -> None:
        self.error.clear()
        self.slow_s.clear()

    def _main(self) -> None:
        end, _ = self._door.accept()
        _, found, _, _ = socket.recv_fds(end, 1, 1)
        end.close()
        self._door.close()
        listener = found[0]
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while True:
            if any(event & select.POLLHUP for _, event in poll.poll()):
                os.close(listener)
                return
            told = bytearray(80)
            try:
                fcntl.ioctl(listener, _RECEIVE, told)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):
                    continue  # the caller is gone
                raise
            id_, _, _, number = struct.unpack_from("QIIi", told)
            kind = self._kinds[number]
            self.seen[kind] += 1
            if kind in self.slow_s:
                threading.Thread(target=self._later, args=(listener, id_, self.slow_s[kind]), daemon=True).start()
            else:
                self._answer(listener, id_, self.error.get(kind, 0))

    def _later(self, listener: int, id_: int, wait_s: float) -> None:
        time.sleep(wait_s)
        self._answer(listener, id_, 0)

    def _answer(self, listener: int, id_: int, error: int) -> None:
        self.failed += bool(error)
        answer = struct.pack("QqiI", id_, 0, -error, 0 if error else _CONTINUE)
        try:
            fcntl.ioctl(listener, _SEND, bytearray(answer))
        except OSError as fault:
            if fault.errno not in (errno.ENOENT, errno.EBADF):
                raise


if __name__ == "__main__":
    launch(sys.argv[1], sys.argv[2:])
