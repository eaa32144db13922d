"""The node for people: set-up, admission, status, heads, digests, verification. Data are the JSON of surface.md."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from node.cli import show_known
from node.cli.paper import Cell, Paper, clean, fields, groups_of_4, moment, table, wrap
from node.cli.show_item import NONE, office

LEVELS: Mapping[str, str] = {
    "nation": "国家", "province": "省级", "prefecture": "市级", "county": "县级", "township": "乡级", "unit": "单位",
}  # fmt: skip
LINK_STATES: Mapping[str, tuple[str, str]] = {
    "synced": ("已同步", "green"), "syncing": ("同步中", "blue"), "behind": ("滞后", "yellow"),
    "stale": ("数据过期", "red"), "quarantined": ("隔离", "red"), "never": ("未联通", "grey"),
}  # fmt: skip
LINK_ROLES: Mapping[str, str] = {"parent": "上级", "child": "下级"}
WIDE = 110  # columns from which times are shown to the second
HASH_CHARS = 16  # enough to tell two heads apart by eye; --json has all


def code_of(row: Mapping[str, Any]) -> str:
    """The office code of a row, however the row carries it."""
    value = row.get("office", row.get("code"))
    return clean(value.get("code") if isinstance(value, Mapping) else value)


def made(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    """A new home: whose it is, its fingerprint, and what comes next."""
    waiting = data.get("state") == "pending"
    yield "已提出申请，等待上级批准" if waiting else "节点已建立"
    called = data.get("office")
    name = "" if isinstance(called, Mapping) else clean(data.get("name"))
    yield from fields(
        [
            ("单位", f"{office(called)} {name}".strip()), ("上级", clean(data.get("parent"))),
            ("数据目录", clean(data.get("home"))), ("监听", clean(data.get("listen"))),
            ("控制台", clean(data.get("console"))),
        ],
        paper,
    )  # fmt: skip
    if data.get("fingerprint"):
        yield from ["本节点指纹（上级据此核对）：" if waiting else "本节点指纹：", groups_of_4(data["fingerprint"])]
    serve = f"dulian serve --home {shlex.quote(clean(data.get('home')))}" if data.get("home") else "dulian serve"
    if waiting:
        code = code_of(data)
        yield f"下一步：本机执行 {serve}；上级电话核对指纹后执行 dulian approve {code}，本机随后自动入网"
    else:
        yield f"下一步：{serve}"
    if data.get("console"):
        yield "控制台：节点运行后执行 dulian console link，打开所给的一次性链接，建立首个操作员"


def token(data: Any, _paper: Paper) -> Iterable[str]:
    """The token, the only line."""
    return [clean(data["token"] if isinstance(data, Mapping) else data)]


def pending(data: Any, _paper: Paper) -> Iterable[str]:
    """Nodes that wait to be admitted, each with the fingerprint to compare."""
    if not data:
        return ["没有等待批准的节点"]
    lines = []
    for row in data:
        since = moment(row["since"]) if row.get("since") else ""
        lines.append(f"{code_of(row)} {clean(row.get('name'))}" + (f"  申请于 {since}" if since else ""))
        lines += [f"  {line}" for line in groups_of_4(row.get("fingerprint")).split("\n")]
    return [*lines, "电话核对指纹，一致后执行 dulian approve 单位代码"]


def approved(data: Any, _paper: Paper) -> Iterable[str]:
    """One line: who was admitted."""
    row = data if isinstance(data, Mapping) else {}
    return [f"已批准 {code_of(row)} {clean(row.get('name'))}".rstrip()]


def status(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    """Who this node is, what it holds, how it stands with its neighbours, and what is wrong."""
    me = data.get("office") or {}
    level = LEVELS.get(str(me.get("level")), clean(me.get("level")))
    ready = "就绪" if data.get("ready") else paper.paint("未就绪", "red")
    yield f"{office(me)}  {level}  {ready}"
    if "epoch" in data:  # a node that waits to be admitted holds nothing yet
        held = (
            f"纪元 {clean(data['epoch'])}  版本 {clean(data.get('version'))}  记录 {clean(data.get('records'))} 条  "
            f"日志 {clean(data.get('logs'))} 本  事项 {clean(data.get('items'))} 件"
        )
        yield from wrap(held, paper.width)
    elif data.get("fingerprint"):
        yield from ["本节点指纹（上级据此核对）：", groups_of_4(data["fingerprint"])]
    yield ""
    links = data.get("links") or []
    if links:
        headers = ["单位", "关系", "状态", "待发", "待收", "最近联系", "数据截至"]
        chars = 19 if paper.width is None or paper.width >= WIDE else 16
        rows = [_link(link, chars) for link in links]
        yield from table(headers, rows, paper, give=((0, 12), (6, 10), (5, 10), (0, 6)))
        for link in links:
            if link.get("to_send") and link.get("oldest_unsent_at"):
                waiting = f"{office(link.get('office'))} 待发 {clean(link['to_send'])} 条"
                yield from wrap(f"{waiting}，最早的产生于 {moment(link['oldest_unsent_at'])}", paper.width)
    else:
        yield "没有上级和下级节点"
    yield ""
    yield from _console(data.get("console") or {}, paper)
    kept = data.get("backup") or {}
    if kept:
        yield from wrap(f"最近备份 {moment(kept.get('at'))}，已核验：{clean(kept.get('file'))}", paper.width)
    elif "epoch" in data:
        yield from wrap("尚未备份（dulian backup FILE，或在 config.toml 设 backup_folder）", paper.width)
    yield from show_known.offices(data.get("offices"), paper)
    alarms = data.get("alarms") or []
    if not alarms:
        yield "没有告警"
        return
    yield paper.paint(f"告警 {len(alarms)} 条", "red")
    for alarm in alarms:
        said = f"[{clean(alarm.get('code'))}] {clean(alarm.get('text'))}  自 {moment(alarm.get('since'))}"
        yield from (f"  {line}" for line in wrap(said, None if paper.width is None else paper.width - 2))
    yield from wrap("处置办法见安装目录里 RUNBOOK.md 中与告警代码同名的章节", paper.width)


def _console(console: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    if not console:
        return
    yield f"控制台 {clean(console.get('url'))}"
    if console.get("fingerprint"):  # what the browser shows of the certificate is compared with it
        until = moment(console.get("expires"))
        yield from wrap(f"控制台证书 SHA-256 指纹 {clean(console['fingerprint'])}，有效到 {until}", paper.width)


def _link(link: Mapping[str, Any], chars: int) -> list[Cell | str]:
    word, style = LINK_STATES.get(str(link.get("state")), (clean(link.get("state")), ""))
    unplugged = "" if link.get("connected") or link.get("state") == "never" else "（未连接）"
    named = f"{office(link.get('office'))} {clean(link.get('name'))}".strip()
    return [
        named, LINK_ROLES.get(str(link.get("role")), NONE), Cell(word + unplugged, style), _count(link.get("to_send")),
        _count(link.get("to_receive")), moment(link.get("last_contact"))[:chars], moment(link.get("as_of"))[:chars],
    ]  # fmt: skip


def _count(value: Any) -> str:
    return NONE if value is None else clean(value)


def heads(data: Any, paper: Paper) -> Iterable[str]:
    """The last record of each log."""
    if not data:
        return ["没有日志"]
    rows = [
        [
            clean(row.get("author")), clean(row.get("epoch")),
            "→".join(map(clean, row.get("path") or [])) + (" 及以下" if row.get("subtree") else ""),
            clean(row.get("seq")), clean(row.get("hash"))[:HASH_CHARS],
        ]
        for row in data
    ]  # fmt: skip
    headers = ["作者", "纪元", "知悉范围", "序号", "末位记录"]
    return [*table(headers, rows, paper, give=((2, 12), (4, 9))), f"共 {len(rows)} 本日志"]


def digest(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    """The digest of each item, and of all."""
    rows = [[clean(one), clean(value)] for one, value in sorted((data.get("items") or {}).items())]
    listed = table(["事项", "摘要"], rows, Paper(colour=paper.colour)) if rows else ["没有事项"]
    return [*listed, f"全部 {clean(data.get('all'))}"]


def verification(data: Mapping[str, Any], paper: Paper) -> Iterable[str]:
    """What was verified, and every finding."""
    records, logs, attachments = (clean(data.get(part)) for part in ("records", "logs", "attachments"))
    counted = f"记录 {records} 条，日志 {logs} 本，附件 {attachments} 个"
    findings = data.get("findings") or []
    if data.get("ok"):
        yield paper.paint("核验通过", "green") + f"：{counted}"
    else:
        yield paper.paint(f"核验发现 {len(findings)} 处问题", "red") + f"：{counted}"
    if findings:
        rows = [[clean(one.get("code")), clean(one.get("where")), clean(one.get("text"))] for one in findings]
        yield from table(["问题", "位置", "说明"], rows, paper, flex=2, indent="  ")
