"""`dulian item …`: the verbs of an item's life. Each parses its words, asks the node once, and shows the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from node.cli import options as o
from node.cli import show_item, values
from node.cli.ask import Call, ask, request, show
from node.errors import InputError
from node.items.lifecycle import STATE_LABELS

Text = Annotated[str, typer.Option("--text", metavar="TEXT", help="内容")]
Unit = Annotated[str | None, typer.Option("--unit", metavar="UNIT", help="本单位的内设机构")]
KnownAt = Annotated[
    str | None,
    typer.Option(
        "--as-known-at", metavar="T", help="本机当时所知的情况：日期（当日终了时）或 年-月-日T时:分，北京时间"
    ),
]
Office = Annotated[str, typer.Option("--to", metavar="CODE", help="新的承办单位，只写一个")]


def files_of(attach: list[str] | None) -> list[tuple[str, Path]]:
    """The files of ``--attach`` that can be read; InputError."""
    return [("attach", values.readable("--attach", name)) for name in attach or ()]


def _act(call: Call, verb: str, item: str, did: str, **args: object) -> int:
    return ask(call, f"item.{verb}", {"item": item, **args}, show_item.done(did))


def reassign(
    item: o.Item, to: Office,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="说明：为什么改派")] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """改派：把任务改交另一个单位承办。"""
    receivers = values.codes("--to", [to])
    if len(receivers) != 1:
        raise InputError("改派只能给一个单位", field="--to", value=to, remedy="交给几个单位的，用 dulian item assign")
    call = Call(home, as_json, as_)
    args = {"item": item, "to": receivers} | ({"reason": reason} if reason else {})
    return ask(call, "item.reassign", args, show_item.issued("已改派"))


def insist(item: o.Item, reason: o.Reason, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """坚持交办：不同意退签，仍由原单位承办。"""
    return _act(Call(home, as_json, as_), "insist", item, "已坚持交办", reason=reason)


def list_items(
    state: Annotated[str | None, typer.Option("--state", metavar="S", help="状态，如 active 或 办理中")] = None,
    light: Annotated[
        str | None, typer.Option("--light", metavar="L", help="灯：green、yellow、red、done、none，或 绿、黄、红、办结")
    ] = None,
    office: Annotated[str | None, typer.Option("--office", metavar="CODE", help="承办或交办的单位")] = None,
    kind: Annotated[str | None, typer.Option("--kind", metavar="KIND", help="registered 自立、assignment 交办")] = None,
    text: Annotated[str | None, typer.Option("--text", metavar="WORDS", help="名称或要求中的文字")] = None,
    line: Annotated[
        str | None, typer.Option("--line", metavar="LINE", help="工作线条，如 决策督查、专项查办、建议提案办理")
    ] = None,
    as_known_at: KnownAt = None,
    page: Annotated[str | None, typer.Option("--page", metavar="N", help="第几页，只与 --as-known-at 同用")] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """列出事项：登记编号、承办单位、状态、灯、时限、进度、情况、数据截至；或本机在某时所知的。"""
    if page is not None and as_known_at is None:
        raise InputError("只与 --as-known-at 同用", field="--page", value=page, remedy="现在的事项不分页")
    args = {
        "state": values.choice("--state", state, STATE_LABELS),
        "light": values.choice("--light", light, values.LIGHTS),
        "office": None if office is None else values.code("--office", office),
        "kind": values.choice("--kind", kind, values.KINDS), "text": text, "line": line, "as_known_at": as_known_at,
        "page": page,
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "item.list", args, show_item.items, long=as_known_at is not None)


def show_one(
    item: o.Item, as_known_at: KnownAt = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False
) -> int:
    """查看一件事项：要求、分解、附件和全部经过；或本机在某时所知的。"""
    args = {"item": item, "as_known_at": as_known_at}
    return ask(Call(home, as_json, as_), "item.show", args, show_item.item)


def sign(
    item: o.Item, occurred: o.Occurred = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False
) -> int:
    """签收：确认收到，开始承办。"""
    return _act(Call(home, as_json, as_), "sign", item, "已签收", occurred=values.day("--occurred", occurred))


def refuse(item: o.Item, reason: o.Reason, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """退签：说明理由，请交办单位改派。"""
    return _act(Call(home, as_json, as_), "refuse", item, "已退签", reason=reason)


def report(
    item: o.Item, text: Text,
    percent: Annotated[str | None, typer.Option("--percent", metavar="N", help="进度，0至100的整数")] = None,
    part: Annotated[
        list[str] | None, typer.Option("--part", metavar="N=TEXT", help="定期报告的各部分：序号=内容，可重复")
    ] = None,
    unit: Unit = None, attach: o.Attach = None, occurred: o.Occurred = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """报告进展，可附文件。"""
    args = {
        "item": item, "text": text, "percent": values.percent(percent), "occurred": values.day("--occurred", occurred),
        "part": list(part or ()), "unit": unit,
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "item.report", args, show_item.done("已报告进展"), files=files_of(attach))


def submit(
    item: o.Item,
    text: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="内容；经审签的不写，用审签稿")
    ] = None,
    answer: Annotated[
        list[str] | None, typer.Option("--answer", metavar="N=TEXT", help="逐一答复分项：序号=内容，可重复")
    ] = None,
    unit: Unit = None, attach: o.Attach = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """报结：办理完毕，报交办单位审核。"""
    args = {"item": item, "text": text, "answer": list(answer or ()), "unit": unit}
    return ask(Call(home, as_json, as_), "item.submit", args, show_item.done("已报结"), files=files_of(attach))


def give_back(
    item: o.Item, reason: o.Reason, due: o.Due = None,
    redo: Annotated[bool, typer.Option("--redo", help="重办（两者都不写时即重办）")] = False,
    supplement: Annotated[bool, typer.Option("--supplement", help="补办")] = False,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """退回报结的任务，要求重办或补办。"""
    if redo and supplement:
        raise InputError(
            "--redo 与 --supplement 只写一个", field="--supplement", remedy="重办写 --redo，补办写 --supplement"
        )
    mode, did = ("supplement", "已退回补办") if supplement else ("redo", "已退回重办")
    args = {"reason": reason, "due": values.day("--due", due), "mode": mode}
    return _act(Call(home, as_json, as_), "return", item, did, **args)


def accept(
    item: o.Item,
    text: Annotated[str | None, typer.Option("--text", metavar="TEXT", help="审核意见")] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """审核通过报结的任务。"""
    return _act(Call(home, as_json, as_), "accept", item, "已审核通过", text=text)


def close(item: o.Item, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """销号：事项了结。"""
    return _act(Call(home, as_json, as_), "close", item, "已销号")


def cancel(item: o.Item, reason: o.Reason, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """撤销事项，说明理由。"""
    return _act(Call(home, as_json, as_), "cancel", item, "已撤销", reason=reason)


def urge(
    item: o.Item, text: Text,
    channel: Annotated[str | None, typer.Option("--channel", metavar="C", help="phone、notice 或 visit")] = None,
    unit: Unit = None, occurred: o.Occurred = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """催办，如实登记。"""
    args = {
        "text": text, "unit": unit, "channel": values.choice("--channel", channel, values.CHANNELS),
        "occurred": values.day("--occurred", occurred),
    }  # fmt: skip
    return _act(Call(home, as_json, as_), "urge", item, "已登记催办", **args)


def attach_file(
    item: o.Item, file: Annotated[str, typer.Argument(metavar="FILE", help="要附上的文件")],
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """给事项附上文件。"""
    files = [("attach", values.readable("FILE", file))]
    return ask(Call(home, as_json, as_), "item.attach", {"item": item}, show_item.attached, files=files)


def fetch(
    item: o.Item, file_hash: Annotated[str, typer.Argument(metavar="HASH", help="附件的散列值，见 dulian item show")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="存为这个文件，不覆盖已有的")],
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """取出附件，存为文件。"""
    target = values.writable("FILE", file)
    args = {"item": item, "hash": values.file_hash("HASH", file_hash)}
    reply = request(Call(home, as_json, as_), "item.fetch", args, long=True)
    reply.save(target)
    show(reply.data, as_json, show_item.fetched(str(target)))
    return reply.exit_code
