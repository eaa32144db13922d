"""Backup, restore and recovery on the command line: they work on the home itself where no node runs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import values
from node.cli.ask import Call, ask, show
from node.cli.paper import Paper, clean, fields, groups_of_4, moment
from node.errors import EXIT_OK, InputError, UnreachableError

GROUPS: Mapping[str, str] = {}
CARE = "运行与核对"

File = Annotated[str, typer.Argument(metavar="FILE", help="备份文件")]


def backup(
    file: File,
    encrypt_to: Annotated[
        list[str] | None, typer.Option("--encrypt-to", metavar="RECIPIENT", help="加密给这个 age 公钥，可重复")
    ] = None,
    with_keys: Annotated[bool, typer.Option("--with-keys", help="不加密也放入密钥；此文件须严加保管")] = False,
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """备份本节点并核验备份文件；节点运行中或停着都能备份。"""
    target = _absolute(file)
    if not target.parent.is_dir():
        raise InputError("没有这个目录", field="FILE", value=target.parent, remedy="先建立目录")
    if target.exists():
        raise InputError("已有这个文件，不覆盖", field="FILE", value=target, remedy="换一个文件名")
    args = {"file": str(target), "to": encrypt_to or [], "with_keys": with_keys}
    try:
        return ask(Call(home, as_json), "backup", args, _made, long=True)
    except UnreachableError as error:
        if not isinstance(error.__cause__, FileNotFoundError | ConnectionRefusedError):
            raise
    from node.bootstrap.backups import backup_home

    show(backup_home(o.home_of(home), target, encrypt_to or [], with_keys=with_keys), as_json, _made)
    return EXIT_OK


def restore(
    file: File,
    verify_only: Annotated[bool, typer.Option("--verify-only", help="只核验备份文件，不恢复")] = False,
    identity: Annotated[
        str | None, typer.Option("--identity", metavar="KEYFILE", help="age 私钥文件；备份加密时需要")
    ] = None,
    keys: Annotated[
        str | None, typer.Option("--keys", metavar="DIR", help="另存的密钥目录（原节点的 keys）；备份不含密钥时需要")
    ] = None,
    listen: o.Listen = None, database: o.Database = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """由备份恢复节点到空的数据目录；恢复后开始新纪元，可立即办理。"""
    source, key_file = _absolute(file), _absolute(identity) if identity else None
    key_folder = _absolute(keys) if keys else None
    address = values.address("--listen", listen)
    from node.bootstrap import restoring

    if verify_only:
        show(restoring.verify_backup(source, key_file), as_json, _verified)
        return EXIT_OK
    found = restoring.restore_home(
        o.home_of(home), source, identity_file=key_file, keys=key_folder, listen=address or "",
        database=database or "",
    )  # fmt: skip
    show(found, as_json, _restored)
    return EXIT_OK


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _made(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    yield paper.paint("备份完成并已核验", "green")
    yield from fields(_facts(data), paper)
    if data.get("encrypted"):
        yield "已加密：内容在加密前核验，文件已读回核对"
        yield "请另行试验私钥：dulian restore FILE --verify-only --identity KEYFILE"
    elif data.get("keys"):
        yield "文件含密钥且未加密：持有者可冒用本单位名义，须严加保管"
    else:
        yield "文件不含密钥：请把数据目录里的 keys 目录另存他处，恢复时用 --keys 指明"


def _held(data: Mapping[str, Any]) -> str:
    records, logs, files = (clean(data.get(name)) for name in ("records", "logs", "attachments"))
    return f"记录 {records} 条，日志 {logs} 本，附件 {files} 个"


def _facts(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    held = _held(data)
    return [
        ("文件", clean(data.get("file"))), ("大小", f"{clean(data.get('size'))} 字节"), ("内容", held),
        ("校验", clean(data.get("sha256"))),
    ]  # fmt: skip


def _verified(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    yield paper.paint("备份完好", "green")
    yield from _whose(data, paper)


def _whose(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    held = _held(data)
    yield from fields(
        [
            ("单位", f"{clean(data.get('office'))} {clean(data.get('name'))}"),
            ("备份时间", moment(data.get("made_at"))), ("内容", held),
            ("密钥", "有" if data.get("with_keys") else "无，恢复时用 --keys 指明"),
        ],
        paper,
    )  # fmt: skip


def _restored(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    yield paper.paint("已恢复，并开始新纪元", "green") + f" {clean(data.get('epoch'))}"
    yield from _whose(data, paper)
    waiting = data.get("not_asked") or []
    if waiting:
        yield f"尚未核对的上下级：{'、'.join(map(clean, waiting))}；联通后自动取回备份之后的记录，期间可照常办理"
    yield "确认原来的机器不再运行，然后执行 dulian serve"


def recover(
    token: Annotated[
        str | None, typer.Argument(metavar="TOKEN", help="上级用 dulian invite CODE --recover 给出的令牌")
    ] = None,
    here: Annotated[bool, typer.Option("--here", help="两份节点同时运行时，选定这一份继续")] = False,
    listen: o.Listen = None, advertise: o.Advertise = None, console: o.Console = None, database: o.Database = None,
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """重建丢失的节点，或为通道证书已过期的节点重新入网（须先停止）。"""
    if here == bool(token):
        remedy = "写 TOKEN 重建节点，或写 --here 选定本机；二者选一"
        raise InputError("缺少令牌" if not here else "令牌与 --here 不能同用", field="TOKEN", remedy=remedy)
    if here:
        return ask(Call(home, as_json), "recover.here", {}, _chosen)
    words = values.words("TOKEN", token or "")
    setup = {
        "listen": values.address("--listen", listen), "advertise": values.address("--advertise", advertise),
        "console": values.address("--console", console), "database": database,
    }  # fmt: skip
    from node.bootstrap.recovering import recover_home

    show(recover_home(o.home_of(home), token=words, **setup), as_json, _recovering)
    return EXIT_OK


def _chosen(data: Mapping[str, Any], _paper: Paper) -> Iterable[str]:
    yield f"已选定本机，开始新纪元 {clean(data.get('epoch'))}；请停止并封存另一份节点"


def _recovering(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    waiting = data.get("state") == "pending"
    yield "已提出申请，等待上级批准" if waiting else "已重新入网，正在从上下级取回记录"
    named = f"{clean(data.get('office'))} {clean(data.get('name'))}"
    yield from fields([("单位", named), ("上级", clean(data.get("parent")))], paper)
    yield from ["本节点指纹（各上级据此核对）：", groups_of_4(data.get("fingerprint"))]
    yield "下一步：dulian serve" + ("；上级核对指纹后执行 dulian approve，本机随后自动入网" if waiting else "")


COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("", "backup"): (CARE, backup), ("", "restore"): (CARE, restore),
    ("", "recover"): (CARE, recover),
}  # fmt: skip
