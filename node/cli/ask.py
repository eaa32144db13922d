"""Asking the running node, and writing what it says: the data as one JSON document, or rendered for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.cli.options import home_of
from node.cli.paper import Paper, clean, paper_of
from node.cli.values import line, words
from node.errors import DulianError, UnreachableError

if TYPE_CHECKING:
    from node.wire.local_client import LocalAnswer

Render = Callable[[Any, Paper], Iterable[str]]
_ONE_LINE = frozenset({"name", "title"})
_POSITIONAL = {"item": "ITEM", "code": "CODE", "hash": "HASH"}
LONG_S = 600.0  # verify, digest, import and files: control protocol


@dataclass(frozen=True, slots=True)
class Call:
    """Which node is asked, by whom, and in which form the answer is wanted."""

    home: str | None
    as_json: bool
    as_: str | None = None


def request(
    call: Call, verb: str, args: Mapping[str, object], *, files: Sequence[tuple[str, Path]] = (), long: bool = False
) -> LocalAnswer:
    """Send one verb to the running node; arguments that are None or an empty list were not given and stay away.

    Raises:
        UnreachableError: no such data folder, or no node running on it.
        DulianError: whatever the node refused.
    """
    home = home_of(call.home)
    if not home.is_dir():
        raise UnreachableError(
            "没有这个数据目录",
            field="--home",
            value=home,
            remedy="用 --home 指明节点的数据目录；还没有节点时先执行 dulian init 或 dulian join",
        )
    given = {name: value for name, value in args.items() if value is not None and value != []}
    for name, value in given.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                check = line if name in _ONE_LINE else words
                check(_POSITIONAL.get(name) or f"--{name.replace('_', '-')}", text)
    from node.wire.local_client import LocalClient

    if long or files:
        return LocalClient(home).request(verb, given, as_=call.as_, files=list(files), timeout_s=LONG_S)
    return LocalClient(home).request(verb, given, as_=call.as_)


def ask(
    call: Call,
    verb: str,
    args: Mapping[str, object],
    render: Render,
    *,
    files: Sequence[tuple[str, Path]] = (),
    long: bool = False,
    warned: bool = False,
) -> int:
    """Send one verb, write the answer, return the exit code the node gives; ``warned``: its warnings go to stderr."""
    reply = request(call, verb, args, files=files, long=long)
    show(reply.data, call.as_json, render)
    if warned and isinstance(reply.data, Mapping):
        for text in reply.data.get("warnings") or ():
            note(f"提醒：{clean(text)}")
    return reply.exit_code


def show(data: object, as_json: bool, render: Render) -> None:
    """Write ``data`` on stdout, exactly as it is in JSON or rendered."""
    write(document(data) if as_json else "\n".join(render(data, paper_of(sys.stdout))))


def document(data: object) -> str:
    """One JSON document that the encoding of stdout can carry."""
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    return json.dumps(data, ensure_ascii=encoding != "utf8", indent=2)


def write(text: str) -> None:
    """Write to stdout at once; a reader that has gone away (``| head``) is no error."""
    try:
        if text:
            print(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(text: str) -> None:
    """A line for the person at the terminal; stdout stays for data."""
    print(text, file=sys.stderr, flush=True)


def refuse(error: DulianError, as_json: bool) -> int:
    """Say what went wrong: one line on stderr, in JSON mode also a document on stdout; return the exit code."""
    if as_json:
        write(document({"error": error.as_dict()}))
    note(f"错误：{clean(error)}")
    return error.exit_code
