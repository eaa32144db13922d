"""Commands of the surface that this release lacks: each stands in the help and exits 2, whatever its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import typer

from node.cli import options as o
from node.errors import NotAvailableError

# Command path → what it will do. A command of two words stands in a group of its own, or in `item`.
LATER: Mapping[str, str] = {
    "revoke": "吊销一个下级单位的证书",
    "bundle export": "把记录导出为文件，离线转送",
    "bundle import": "导入离线转送的文件",
    "user reset": "重设账号的口令",
    "export evidence": "导出事项的证据",
    "evidence verify": "核验导出的证据",
}
GROUPS: Mapping[str, str] = {
    "bundle": "离线转送", "export": "导出", "evidence": "证据",
}  # fmt: skip
SUFFIX = "（本版本未提供）"


def refuse(ctx: typer.Context, home: o.Home = None, as_json: o.Json = False) -> NoReturn:  # noqa: ARG001 - accepted
    """Refuse the command that was called, by its name."""
    raise NotAvailableError(ctx.command_path)
