"""Forks on the command line: list, show, export and verify a proof, settle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import values
from node.cli.ask import Call, ask, request, show
from node.cli.paper import Paper, clean, fields, groups_of_4, moment, table
from node.errors import EXIT_FINDINGS, EXIT_OK, InputError, PeerError

GROUPS: Mapping[str, str] = {"fork": "分叉：同一序号下两份不同记录的查阅、举证、核验与处置。"}
_PANEL = "分叉"
_HEX_OF_ROOT = 64

Log = Annotated[
    str | None, typer.Argument(metavar="LOG", help="日志标识或前几位（至少4位），见 fork list；只有一个分叉时可不写")
]


def list_forks(home: o.Home = None, as_json: o.Json = False) -> int:
    """列出本机所知的分叉：谁在哪本日志的第几号签发了两份不同记录。"""
    return ask(Call(home, as_json), "fork.list", {}, _listed)


def show_one(log: Log = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """显示一个分叉：分叉处起两份记录各有哪些。"""
    return ask(Call(home, as_json), "fork.show", {"log": log}, _shown)


def export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="证明文件")],
    log: Log = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """导出分叉证明：两份记录的头和签名及直至根的证书，不含事项内容，可离线核验。"""
    target = values.writable("FILE", file)
    found = request(Call(home, as_json), "fork.export", {"log": log}).data
    _write(target, str(found.pop("proof")))
    show({**found, "file": str(target)}, as_json, _exported)
    return EXIT_OK


def verify(
    file: Annotated[str, typer.Argument(metavar="FILE", help="证明文件")],
    root: Annotated[str, typer.Option("--root", metavar="FINGERPRINT", help="联通体系根节点的指纹")],
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """离线核验分叉证明，不需要节点；不成立时退出码为 1。"""
    del home  # accepted like everywhere, and not needed: the proof stands alone
    path = values.readable("FILE", file)
    fingerprint = values.fingerprint("--root", root) or ""
    if len(fingerprint) != _HEX_OF_ROOT:
        raise InputError("根指纹应为64位", field="--root", value=root, remedy="照根节点 dulian status 显示的指纹填写")
    from node.records import proof as proofs

    with path.open("rb") as stream:
        text = stream.read(proofs.PROOF_BYTES_MAX + 1).decode("utf-8", "replace")
    found = _judge(text, bytes.fromhex(fingerprint))
    show(found, as_json, _verified)
    return EXIT_OK if found["ok"] else EXIT_FINDINGS


def settle(
    log: Annotated[str, typer.Argument(metavar="LOG", help="日志标识或前几位；all 为本单位全部未处置的分叉")],
    keep: Annotated[
        str, typer.Option("--keep", metavar="WHICH", help="在新纪元重新签发哪一份：both、here（本机日志所载）或 other")
    ] = "both",
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """处置本单位造成的分叉：开始新纪元，重新签发应继续的记录；原日志永久冻结。"""
    return ask(Call(home, as_json), "fork.settle", {"log": log, "keep": keep}, _settled)


def _judge(text: str, root: bytes) -> dict[str, Any]:
    from node.clock import iso
    from node.records import proof as proofs
    from node.records.suite import Ed25519Sha256, Suites

    try:
        proved = proofs.verify(proofs.from_json(text), Suites([Ed25519Sha256()]), root)
    except PeerError as error:
        return {"ok": False, "code": error.code, "text": error.text}
    header = proved.header
    return {
        "ok": True, "author": header.author, "author_name": proved.name, "epoch": header.epoch, "seq": header.seq,
        "line": list(header.line.path), "subtree": header.line.subtree, "log": header.log_id.hex(),
        "ids": [one.hex() for one in proved.record_ids], "claimed_at": [iso(one) for one in proved.claimed_ms],
    }  # fmt: skip


def _write(target: Path, text: str) -> None:
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError("写不了这个文件", field="FILE", value=target, remedy="换一个目录或文件名") from error


def _line_of(data: Mapping[str, Any]) -> str:
    return "/".join(map(clean, data.get("line") or ())) + ("（含以下各级）" if data.get("subtree") else "")


def _listed(data: Any, paper: Paper) -> Iterable[str]:
    if not data:
        yield "没有分叉"
        return
    rows = [
        (
            clean(one["log"])[:16], f"{clean(one['author'])} {clean(one['author_name'])}", _line_of(one),
            clean(one["seq"]), "已处置" if one["settled"] else "未处置", moment(one["known_since"]),
        )
        for one in data
    ]  # fmt: skip
    yield from table(("日志", "签发单位", "知悉范围", "序号", "状态", "发现时间"), rows, paper)


def _shown(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    yield from _facts(data, paper)
    rows = [
        (
            clean(one["seq"]), "本机日志" if one["branch"] == "here" else "另存", clean(one["kind_label"]),
            clean(one["id"])[:16], moment(one["claimed_at"]), moment(one["received_at"]),
        )
        for one in data["records"]
    ]  # fmt: skip
    yield from table(("序号", "所在", "类型", "记录", "自称时间", "收到时间"), rows, paper)


def _facts(data: Mapping[str, Any], paper: Paper) -> list[str]:
    author = f"{clean(data['author'])} {clean(data['author_name'])}"
    state = "" if "settled" not in data else "已处置" if data["settled"] else "未处置"
    return fields(
        [
            ("签发单位", author), ("日志", clean(data["log"])), ("知悉范围", _line_of(data)),
            ("纪元", clean(data["epoch"])), ("序号", clean(data["seq"])), ("状态", state),
            *((f"记录{number}", clean(one)) for number, one in enumerate(data["ids"][:2], start=1)),
        ],
        paper,
    )  # fmt: skip


def _exported(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    yield paper.paint("证明已导出", "green") + f" {clean(data['file'])}"
    yield from _facts(data, paper)
    yield "核验所用的根指纹："
    yield groups_of_4(data["root"])


def _verified(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    if not data["ok"]:
        yield paper.paint("证明不成立", "red") + f"：{clean(data['text'])}"
        return
    yield paper.paint("证明成立", "green") + "：该单位在同一序号签发了两份不同记录"
    yield from _facts(data, paper)


def _settled(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    yield paper.paint("已处置，并开始新纪元", "green") + f" {clean(data['epoch'])}"
    yield f"重新签发 {clean(data['reissued'])} 条记录；原日志永久冻结，两份记录仍各有其效力"
    yield "其他单位收到新纪元后，分叉告警自动解除"


COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("fork", "list"): (_PANEL, list_forks), ("fork", "show"): (_PANEL, show_one), ("fork", "export"): (_PANEL, export),
    ("fork", "verify"): (_PANEL, verify), ("fork", "settle"): (_PANEL, settle),
}  # fmt: skip
