"""`dulian item handle …`: inside the office and between the parties; more time; the commands of all side tracks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from node.cli import options as o
from node.cli import review, sanctions, show_item, values
from node.cli.ask import Call, ask
from node.errors import InputError

MaybeText = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="说明")]
Text = Annotated[str, typer.Option("--text", metavar="TEXT", help="内容")]
Until = Annotated[str, typer.Option("--until", metavar="DATE", help="希望延到的日期，如 2027-03-31")]


def handle(
    item: o.Item, unit: Annotated[str, typer.Option("--unit", metavar="UNIT", help="承办的内设机构")],
    person: Annotated[str | None, typer.Option("--person", metavar="NAME", help="承办人员")] = None,
    due: o.Due = None,
    rule: Annotated[
        str | None, typer.Option("--rule", metavar="RULE", help="按规则从今天起推算内部时限；与 --due 只写一个")
    ] = None,
    duty: Annotated[
        list[str] | None, typer.Option("--duty", metavar="LEVEL=NAME", help="六级负责：层级=姓名，可重复")
    ] = None,
    instead: Annotated[
        str | None, typer.Option("--instead", metavar="UNIT", help="改由：写原承办机构，它不再承办")
    ] = None,
    text: MaybeText = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """内部交办：指定承办的内设机构和人员，写明各级责任人；同一机构再写一次即换人。"""
    if due is not None and rule is not None:
        raise InputError("--due 与 --rule 只写一个", field="--rule", value=rule, remedy="已知日期的写 --due")
    args = {
        "item": item, "unit": unit, "person": person, "due": values.day("--due", due), "duty": list(duty or ()),
        "text": text, "rule": rule, "instead": instead,
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "item.handle", args, show_item.handled)


def warn(
    item: o.Item, text: Text,
    unit: Annotated[str | None, typer.Option("--unit", metavar="UNIT", help="被预警的内设机构")] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """预警：本单位领导提醒承办人员。"""
    args = {"item": item, "text": text, "unit": unit}
    return ask(Call(home, as_json, as_), "item.warn", args, show_item.done("已预警"))


def milestone(
    item: o.Item, key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="节点序号，如 一季度")] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="节点内容")] = None,
    due: Annotated[str | None, typer.Option("--due", metavar="DATE", help="节点时限，不晚于办结时限")] = None,
    done: Annotated[str | None, typer.Option("--done", metavar="KEY", help="报告这个节点已完成")] = None,
    text: MaybeText = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """设置节点，或报告节点已完成。"""
    if (key is None) == (done is None):
        raise InputError("--key 与 --done 只写一个", field="--key", remedy="设置写 --key，完成写 --done")
    args = {"item": item, "key": key, "title": title, "due": values.day("--due", due), "done": done, "text": text}
    return ask(Call(home, as_json, as_), "item.milestone", args, show_item.done("已登记节点"))


def change(
    item: o.Item, reason: o.Reason, due: o.Due = None,
    frequency: Annotated[
        str | None, typer.Option("--frequency", metavar="RULE", help="改按哪条规则定期报告，如增加督查频次")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="待明确的事项已明确")] = False,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """变更办结时限或报告频次，或说明待明确的事项已明确。"""
    args = {
        "item": item, "reason": reason, "due": values.day("--due", due), "frequency": frequency, "clear": clear,
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "item.change", args, show_item.done("已变更"))


def exempt(item: o.Item, reason: o.Reason, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """免除：协办单位免予办理，牵头单位可先行审核。"""
    return ask(Call(home, as_json, as_), "item.exempt", {"item": item, "reason": reason}, show_item.done("已免除"))


def correct(
    item: o.Item, text: Text,
    record: Annotated[str, typer.Option("--record", metavar="ID", help="要更正的本单位记录：标识的前几位（至少4位）")],
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """更正本单位的一条记录；原记录保留。"""
    args = {"item": item, "record": record, "text": text}
    return ask(Call(home, as_json, as_), "item.correct", args, show_item.done("已更正"))


def extend(
    item: o.Item, until: Until, reason: o.Reason,
    progress: Annotated[str | None, typer.Option("--progress", metavar="TEXT", help="目前进展")] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """申请延期：在规定的期限内说明理由和进展。"""
    args = {"item": item, "until": values.day("--until", until), "reason": reason, "progress": progress}
    return ask(Call(home, as_json, as_), "item.extend", args, show_item.done("已申请延期"))


def grant(
    item: o.Item,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="新时限；不写时按申请的日期")] = None,
    text: MaybeText = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """同意延期；新时限不得晚于上级事项的时限。"""
    args = {"item": item, "until": values.day("--until", until), "text": text}
    return ask(Call(home, as_json, as_), "item.grant", args, show_item.done("已同意延期"))


def deny(item: o.Item, reason: o.Reason, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """不同意延期，说明理由。"""
    args = {"item": item, "reason": reason}
    return ask(Call(home, as_json, as_), "item.deny", args, show_item.done("已不同意延期"))


def note(
    item: o.Item, text: MaybeText = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False
) -> int:
    """记为已说明：只报告说明的延期，原时限不变。"""
    return ask(Call(home, as_json, as_), "item.note", {"item": item, "text": text}, show_item.done("已记为已说明"))


_INSIDE, _MORE = "内部办理", "延期与变更"
# Groups of commands with their help, and commands by path, as ("item", "extend"), with the heading they stand under.
GROUPS: Mapping[str, str] = {}
COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("item", "handle"): (_INSIDE, handle), ("item", "warn"): (_INSIDE, warn),
    ("item", "milestone"): (_INSIDE, milestone), ("item", "correct"): (_INSIDE, correct),
    ("item", "extend"): (_MORE, extend), ("item", "grant"): (_MORE, grant), ("item", "deny"): (_MORE, deny),
    ("item", "note"): (_MORE, note), ("item", "change"): (_MORE, change), ("item", "exempt"): (_MORE, exempt),
    **review.COMMANDS, **sanctions.COMMANDS,
}  # fmt: skip
