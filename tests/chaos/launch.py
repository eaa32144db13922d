"""Starts `dulian` commands for the chaos run, with a failpoint or without; loaded once, forked for each command.

    python -m tests.chaos.launch --fork                 one JSON order a line on stdin, one process id a line on stdout
    python -m tests.chaos.launch POINT N FIRED WORD…    one command in this process, after an exec of its own

A forked child becomes leader of a session of its own, takes its files for stdout and stderr and runs the program's own
`main` with its own command line: what follows is the product, unchanged but for one wrapped function. Loading the
program costs a second and a half of CPU, forking it a quarter: a thousand starts are half an hour less.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.chaos.points import ALL, Point

_PARENT_DEATH_SIGNAL = 1  # prctl(2)
_MODULES = (
    "node.__main__", "node.cli.app", "node.cli.node", "node.cli.backup", "node.cli.reconcile", "node.jobs",
    "node.bootstrap.serving", "node.bootstrap.enrolling", "node.bootstrap.restoring", "node.storage.sqlite",
    "node.storage.postgres",
)  # fmt: skip


def arm(name: str, count: int, fired: str) -> None:
    """Wrap the function of a failpoint: at the ``count``-th passage this process notes the name and kills itself."""
    point = ALL[name]
    counted = _counter(point)
    left = count

    def pass_(arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        nonlocal left
        if not counted(arguments, named):
            return
        left -= 1
        if left == 0:
            descriptor = os.open(fired, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.write(descriptor, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    _wrap(point.target, pass_, after=point.after)


def _wrap(target: str, pass_: Callable[[tuple[Any, ...], dict[str, Any]], None], *, after: bool) -> None:
    module, _, path = target.partition(":")
    owner: Any = importlib.import_module(module)
    *way, last = path.split(".")
    for part in way:
        owner = getattr(owner, part)
    original = getattr(owner, last)

    @functools.wraps(original)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if not after:
            pass_(arguments, named)
        answer = original(*arguments, **named)
        if after:
            pass_(arguments, named)
        return answer

    setattr(owner, last, wrapped)


def _counter(point: Point) -> Callable[[tuple[Any, ...], dict[str, Any]], bool]:
    """Which calls of the function are passages of this point."""
    if point.when == "durable":
        return lambda _arguments, named: bool(named["durable"])
    if point.when == "soft":
        return lambda _arguments, named: not named["durable"]
    if point.when == "frames":
        return lambda arguments, _named: bool(arguments[1].frames)
    if point.when == "receipt":
        return lambda arguments, _named: any(type(frame).__name__ == "ReceiptFrame" for _, frame in arguments[1].frames)
    if point.when == "moved":
        moved = False

        def note(_arguments: tuple[Any, ...], _named: dict[str, Any]) -> None:
            nonlocal moved
            moved = True

        def committed(_arguments: tuple[Any, ...], named: dict[str, Any]) -> bool:
            nonlocal moved
            was, moved = moved and named["durable"], moved and not named["durable"]
            return was

        _wrap("node.services.exchange.receipts:Receipts._move", note, after=True)
        return committed
    return lambda _arguments, _named: True


def become(order: dict[str, Any]) -> None:
    """In the child: the command itself, until it ends; never returns."""
    os.setsid()
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)  # whoever breaks a run off leaves no nodes behind
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, path in ((1, order["out"]), (2, order["err"])):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, number)
    code = 70
    try:
        if order["point"]:
            arm(order["point"], order["count"], order["fired"])
        sys.argv = ["dulian", *order["words"]]
        importlib.import_module("node.__main__").main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - said, and then this process ends whatever it was
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        Path(order["ended"]).write_text(str(code), encoding="ascii")
        os._exit(code)


def fork_for_ever() -> None:
    """Serve orders until stdin ends. This process has one thread and touches no socket: forking it is safe."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children here: they vanish
    for module in _MODULES:
        importlib.import_module(module)
    print("loaded", flush=True)  # noqa: T201 - the protocol
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            become(order)
        print(child, flush=True)  # noqa: T201 - the protocol


def main() -> None:
    """As the module says."""
    if sys.argv[1] == "--fork":
        fork_for_ever()
        return
    name, count, fired, *words = sys.argv[1:]
    if name != "-":
        arm(name, int(count), fired)
    sys.argv = ["dulian", *words]
    importlib.import_module("node.__main__").main()


if __name__ == "__main__":
    main()
