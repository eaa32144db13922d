"""`dulian item verify|complete|archive|reinspect`: what comes after 审核."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import show_item
from node.cli.ask import Call, ask
from node.cli.item import files_of
from node.cli.paper import Paper, clean

MaybeText = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="说明")]
_HEADING = "复核与归档"


def verify(
    item: o.Item, start: Annotated[bool, typer.Option("--start", help="开始复核")] = False,
    passed: Annotated[bool, typer.Option("--passed", help="复核通过，事项办结")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="复核不通过")] = False,
    finding: Annotated[
        list[str] | None, typer.Option("--finding", metavar="QUESTION=ANSWER", help="结论：问题=是（或否），可重复")
    ] = None,
    text: MaybeText = None, attach: o.Attach = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """复核、回访、实地核查：写明各项结论。"""
    args = {
        "item": item, "start": start, "passed": passed, "failed": failed, "finding": list(finding or ()), "text": text,
    }  # fmt: skip
    did = show_item.done("已登记复核")
    return ask(Call(home, as_json, as_), "item.verify", args, did, files=files_of(attach))


def complete(
    item: o.Item, text: MaybeText = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False
) -> int:
    """认定办结：审核通过而不须复核的任务。"""
    return ask(Call(home, as_json, as_), "item.complete", {"item": item, "text": text}, show_item.done("已认定办结"))


def archive(
    item: o.Item,
    paper: Annotated[
        list[str] | None, typer.Option("--paper", metavar="NAME=PLACE", help="只有纸质件的材料：材料=存放处，可重复")
    ] = None,
    text: MaybeText = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """归档：由记录列出归档目录；缺材料时不能归档。"""
    args = {"item": item, "paper": list(paper or ()), "text": text}
    return ask(Call(home, as_json, as_), "item.archive", args, _archived)


def _archived(data: Any, _paper: Paper) -> Iterable[str]:
    yield from show_item.done("已归档")(data, _paper)
    yield from (f"  {clean(entry)}" for entry in data.get("manifest") or ())


def reinspect(
    item: o.Item, passed: Annotated[bool, typer.Option("--passed", help="无问题，回头看结束")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="问题成立，在新事项中继续督查")] = False,
    hidden: Annotated[bool, typer.Option("--hidden", help="四不两直：公布结果前，承办单位看不到")] = False,
    text: MaybeText = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """回头看、再督查：对已销号的事项立一件相连的新事项，或写明结果。"""
    args = {"item": item, "passed": passed, "failed": failed, "hidden": hidden, "text": text}
    return ask(Call(home, as_json, as_), "item.reinspect", args, _again)


def _again(data: Any, paper: Paper) -> Iterable[str]:
    yield from show_item.done("已登记回头看")(data, paper)
    if data.get("successor"):
        yield f"  相连的事项：{clean(data.get('successor_number') or data['successor'])}"


COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("item", "verify"): (_HEADING, verify), ("item", "complete"): (_HEADING, complete),
    ("item", "archive"): (_HEADING, archive), ("item", "reinspect"): (_HEADING, reinspect),
}  # fmt: skip
