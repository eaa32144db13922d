"""`dulian console link`: the way into the console for somebody who has no password yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli.ask import Call, ask
from node.cli.paper import Paper, clean, groups_of_4

_HEADING = "账号与机构"

Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="账号，即姓名；不写时建立首个操作员（只在还没有操作员能登录时）")
]


def link(name: Name = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """给出一次性链接：打开后设置控制台的口令；24 小时内有效，只能用一次。"""
    return ask(Call(home, as_json, as_), "console.link", {"name": name}, link_lines)


def link_lines(data: Mapping[str, Any], _paper: Paper) -> Iterable[str]:
    """The address, to be passed on; beyond the loopback with what the browser's warning is compared with."""
    yield clean(data.get("url"))
    if data.get("fingerprint"):
        yield f"浏览器提示证书时，核对其 SHA-256 指纹后再继续：\n{groups_of_4(data['fingerprint'])}"


GROUPS: Mapping[str, str] = {"console": "控制台：在浏览器中办理。"}
COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {("console", "link"): (_HEADING, link)}
