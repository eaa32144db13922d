"""Commands about the node itself: set-up, admission, and looking after it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli import options as o
from node.cli import show_node, values
from node.cli.ask import Call, ask, note, request, show
from node.cli.paper import clean, groups_of_4
from node.errors import EXIT_FINDINGS, EXIT_OK, InputError, NotFoundError, UnreachableError

if TYPE_CHECKING:
    from node.bootstrap.control import Control
    from node.bootstrap.serving import ConsoleAt, Running

Code = Annotated[str, typer.Argument(metavar="CODE", help="下级单位的代码，如 320500")]
Name = Annotated[str, typer.Option("--name", metavar="TEXT", help="单位名称，如 江苏省人民政府")]


def _setup(
    listen: str | None, advertise: str | None, console: str | None, database: str | None
) -> dict[str, str | None]:
    return {
        "listen": values.address("--listen", listen), "advertise": values.address("--advertise", advertise),
        "console": values.address("--console", console), "database": database,
    }  # fmt: skip


def init(
    office: Annotated[str, typer.Option("--office", metavar="CODE", help="本单位代码，如 320000")], name: Name,
    listen: o.Listen = None, advertise: o.Advertise = None, console: o.Console = None, database: o.Database = None,
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """建立最上级单位的节点。下级单位用 join。"""
    code, called = values.code("--office", office), values.line("--name", name)
    setup = _setup(listen, advertise, console, database)
    from node.bootstrap import init_home

    made = init_home(o.home_of(home), office=code, name=called, **setup)
    show(made | {"console": setup["console"]}, as_json, show_node.made)
    return EXIT_OK


def join(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="上级用 dulian invite 给出的邀请令牌")],
    listen: o.Listen = None, advertise: o.Advertise = None, console: o.Console = None, database: o.Database = None,
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """凭上级的邀请令牌建立下级单位的节点。"""
    words = values.words("TOKEN", token)
    setup = _setup(listen, advertise, console, database)
    from node.bootstrap import join_home

    made = join_home(o.home_of(home), token=words, **setup)
    show(made | {"console": setup["console"]}, as_json, show_node.made)
    return EXIT_OK


def invite(
    code: Code,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="单位名称；重建已入网单位时可不写")] = None,
    ttl: Annotated[str | None, typer.Option("--ttl", metavar="TIME", help="有效时间，如 30m、7d；不写为 24h")] = None,
    auto_approve: Annotated[bool, typer.Option("--auto-approve", help="凭邀请令牌即批准，不再人工核对指纹")] = False,
    unlisted: Annotated[bool, typer.Option("--unlisted", help="允许行政区划代码表之外的单位")] = False,
    recover: Annotated[
        bool, typer.Option("--recover", help="该下级丢失节点、换机或通道证书过期：给出 dulian recover 用的令牌")
    ] = False,
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """邀请一个下级单位；输出邀请令牌，一行。"""
    if name is None and not recover:
        raise InputError("没有写单位名称", field="--name", remedy="填写单位全称")
    args = {
        "code": values.code("CODE", code), "name": name, "ttl": values.duration("--ttl", ttl),
        "auto_approve": auto_approve, "unlisted": unlisted, "recover": recover,
    }  # fmt: skip
    return ask(Call(home, as_json), "invite", args, show_node.token, warned=True)


def pending(home: o.Home = None, as_json: o.Json = False) -> int:
    """列出等待批准的下级节点及其指纹。"""
    return ask(Call(home, as_json), "pending", {}, show_node.pending)


def approve(
    code: Code,
    fingerprint: Annotated[
        str | None, typer.Option("--fingerprint", metavar="HEX", help="已经核对过的指纹；不写则显示出来，当场核对")
    ] = None,
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """批准等待中的下级节点。先用电话核对指纹。"""
    call, office = Call(home, as_json), values.code("CODE", code)
    checked = values.fingerprint("--fingerprint", fingerprint) or _compared(call, office)
    return ask(call, "approve", {"code": office, "fingerprint": checked}, show_node.approved)


def _compared(call: Call, office: str) -> str:
    """The fingerprint of the pending node, after a person has compared it on the telephone."""
    if not sys.stdin.isatty():
        raise InputError(
            "没有终端，不能当场核对指纹", field="--fingerprint",
            remedy=f"用 dulian pending 查看指纹，电话核对后执行 dulian approve {office} --fingerprint 指纹",
        )  # fmt: skip
    waiting = [row for row in request(call, "pending", {}).data or () if show_node.code_of(row) == office]
    if not waiting:
        raise NotFoundError("没有等待批准的节点", field="CODE", value=office, remedy="用 dulian pending 查看")
    note(f"{office} {clean(waiting[0].get('name'))} 的指纹：\n\n{groups_of_4(waiting[0].get('fingerprint'))}\n")
    note("请电话联系对方，逐组核对。一致时输入 y 批准，其他任何输入都不批准：")
    if sys.stdin.readline().strip().lower() != "y":
        raise InputError("没有批准", field="CODE", value=office, remedy="核对一致后再执行一次")
    return str(waiting[0]["fingerprint"])


def serve(home: o.Home = None, as_json: o.Json = False) -> int:  # noqa: ARG001 - its one line is JSON anyway
    """在前台运行节点；就绪时输出一行 ready，Ctrl-C 或 SIGTERM 正常停止。"""
    # gRPC reports every failed handshake of a stranger on stderr by itself; what matters is in our own log.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from node import jobs
    from node.bootstrap.serving import serve as run

    return run(o.home_of(home), jobs.start, start_console)


async def start_console(running: Running, control: Control) -> ConsoleAt:
    """The console, read in only where one is wanted: it costs 20 MB."""
    from node.web.serving import start

    return await start(running, control)


def status(home: o.Home = None, as_json: o.Json = False) -> int:
    """本节点与上下级的联通情况和告警；有告警时退出码为 1。"""
    return ask(Call(home, as_json), "status", {}, show_node.status)


def verify(home: o.Home = None, as_json: o.Json = False) -> int:
    """核验本节点的全部记录和附件；有问题时退出码为 1。节点停着也能核验。"""
    try:
        return ask(Call(home, as_json), "verify", {}, show_node.verification, long=True)
    except UnreachableError as error:
        # Only where nobody listens: a node that runs and does not answer must not be disturbed in its database.
        if not isinstance(error.__cause__, FileNotFoundError | ConnectionRefusedError):
            raise
    from node.bootstrap import verify_home

    found: Mapping[str, Any] = verify_home(o.home_of(home))
    show(found, as_json, show_node.verification)
    return EXIT_OK if found.get("ok") else EXIT_FINDINGS


def heads(home: o.Home = None, as_json: o.Json = False) -> int:
    """列出每本日志的末位，用于两个节点之间比对。"""
    return ask(Call(home, as_json), "heads", {}, show_node.heads)


def digest(home: o.Home = None, as_json: o.Json = False) -> int:
    """列出每件事项的摘要；知悉范围内的节点摘要相同，即内容相同。"""
    return ask(Call(home, as_json), "digest", {}, show_node.digest, long=True)
