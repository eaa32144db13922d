"""`dulian todo`: what the software proposes and reminds of; a person carries it out, ticks it off or dismisses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import values
from node.cli.ask import Call, ask
from node.cli.paper import Cell, Paper, clean, table
from node.cli.show_item import NONE, short_ids
from node.errors import InputError

_STYLES: Mapping[str, str] = {"overdue": "red", "slip": "red", "urge": "yellow", "due": "yellow", "unsigned": "yellow"}
_DID: Mapping[str, str] = {"item.urge": "已登记催办", "item.slip": "已发督办单"}
_LIST, _DONE, _CARRY = "list", "done", "carry"
_ACTIONS = (_LIST, _DONE, _CARRY)


def todo(
    action: Annotated[
        str | None, typer.Argument(metavar="ACTION", help="list 列出（不写即此）、done 标记已办、carry 照建议办理")
    ] = None,
    numbers: Annotated[
        list[str] | None, typer.Argument(metavar="N…", help="提醒的编号或其前几位（至少4位）；done 可写多个")
    ] = None,
    day: Annotated[str | None, typer.Option("--day", metavar="DATE", help="只列这一日提出的")] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="只列这一类，如 urge、slip、overdue、ledger")
    ] = None,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="done：不采纳，须写 --reason")] = False,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="不采纳的理由")] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="carry：催办或督办单的内容；不写时用建议和依据")
    ] = None,
    due: Annotated[str | None, typer.Option("--due", metavar="DATE", help="carry：督办单的完成时限")] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="C", help="carry：催办方式，phone、notice 或 visit")
    ] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """提醒和建议：列出、标记已办、照建议办理。"""
    call, verb, names = Call(home, as_json, as_), action or _LIST, list(numbers or ())
    if verb not in _ACTIONS:
        remedy = "可写：list、done、carry"
        raise InputError("不认识的动作", field="ACTION", value=verb, remedy=remedy)
    if verb == _LIST:
        if names or dismiss:
            raise InputError("列出时不写编号", field="N", remedy="标记已办用 dulian todo done N")
        return ask(call, "todo.list", {"day": values.day("--day", day), "kind": kind}, _listed)
    if not names:
        raise InputError("缺少提醒的编号", field="N", remedy="用 dulian todo 查看编号")
    if verb == _DONE:
        return ask(call, "todo.done", {"n": names, "dismiss": dismiss, "reason": reason}, _done)
    if len(names) > 1:
        raise InputError("照建议办理一次只写一个编号", field="N", value="、".join(names), remedy="逐个办理")
    args = {
        "n": names[0], "text": text, "due": values.day("--due", due),
        "channel": values.choice("--channel", channel, values.CHANNELS),
    }  # fmt: skip
    return ask(call, "todo.carry", args, _carried)


def _listed(rows: Any, paper: Paper) -> Iterable[str]:
    if not rows:
        return ["没有未处理的提醒"]
    short = short_ids([str(row.get("id", "")) for row in rows])
    lines: list[list[Cell | str]] = []
    for row in rows:
        item, kind = row.get("item") or {}, str(row.get("kind"))
        lines.append([
            clean(short[str(row.get("id", ""))]), clean(row.get("day")),
            Cell(clean(row.get("kind_label")), _STYLES.get(kind, "")), clean(item.get("number")) or NONE,
            clean(item.get("title")) or NONE, clean(item.get("receiver_name")) or NONE, _why(row),
        ])  # fmt: skip
    headers = ["编号", "日期", "类别", "登记编号", "事项", "承办单位", "提醒和依据"]
    give = ((4, 16), (5, 8), (3, 10))
    shown = table(headers, lines, paper, flex=6, give=give)
    return [*shown, f"共 {len(rows)} 条；照建议办理用 dulian todo carry 编号"]


def _why(row: Mapping[str, Any]) -> str:
    grounds = clean(row.get("grounds"))
    return clean(row.get("text")) + (f"。依据：{grounds}" if grounds else "")


def _done(data: Any, _paper: Paper) -> Iterable[str]:
    return [f"{'不采纳' if data.get('dismissed') else '已办'}：{'、'.join(map(clean, data.get('done') or ()))}"]


def _carried(data: Any, _paper: Paper) -> Iterable[str]:
    did = _DID.get(str(data.get("verb")), "已办理")
    return [f"{did} {clean(data.get('number'))} {clean(data.get('title'))}".rstrip()]


GROUPS: Mapping[str, str] = {}
COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {("", "todo"): ("督查事项", todo)}
