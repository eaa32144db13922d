"""The options that many commands share, and where a node's data folder is when nobody says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

SYSTEM_HOME = Path("/var/lib/dulian")
HOME_VARIABLE = "DULIAN_HOME"

Home = Annotated[
    str | None,
    typer.Option(
        "--home", envvar=HOME_VARIABLE, metavar="DIR",
        help=f"节点的数据目录；不写时依次取环境变量 {HOME_VARIABLE}、{SYSTEM_HOME}（存在且可读时）、~/.dulian",
    ),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="只输出一个 JSON 文档，供程序读取")]
As = Annotated[
    str | None, typer.Option("--as", metavar="NAME", help="以本节点的这个账号办理；不写时为操作员，并记下操作系统用户")
]
Occurred = Annotated[
    str | None, typer.Option("--occurred", metavar="DATE", help="补录：实际发生的日期，只供查阅，不用于判断逾期")
]
Item = Annotated[str, typer.Argument(metavar="ITEM", help="事项：登记编号、标识或标识的前几位（至少4位）")]
Attach = Annotated[list[str] | None, typer.Option("--attach", metavar="FILE", help="附件，可重复")]
Due = Annotated[str | None, typer.Option("--due", metavar="DATE", help="办结时限，如 2026-12-31")]
Lead = Annotated[list[str] | None, typer.Option("--lead", metavar="CODE", help="牵头单位，其余为协办；不写时分别办理")]
To = Annotated[list[str], typer.Option("--to", metavar="CODE[,CODE…]", help="承办单位的单位代码，用逗号分开")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="理由")]
Listen = Annotated[str | None, typer.Option("--listen", metavar="HOST:PORT", help="监听地址，供下级节点连接")]
Advertise = Annotated[
    str | None, typer.Option("--advertise", metavar="HOST:PORT", help="下级节点连接本节点所用的地址；不写时同监听地址")
]
Console = Annotated[str | None, typer.Option("--console", metavar="HOST:PORT", help="控制台的监听地址")]
Database = Annotated[
    str | None, typer.Option("--database", metavar="URL", help="数据库；不写时用数据目录里的 SQLite，也可用 PostgreSQL")
]


def home_of(given: str | None) -> Path:
    """The data folder meant: the option or DULIAN_HOME, else the system's when it can be read, else ``~/.dulian``."""
    if given:
        return Path(given).expanduser()
    if SYSTEM_HOME.is_dir() and os.access(SYSTEM_HOME, os.R_OK | os.X_OK):
        return SYSTEM_HOME
    return Path.home() / ".dulian"
