"""`dulian item issue|register|assign|decompose`: the verbs that open items, and what is said of one when it opens."""

from __future__ import annotations

from typing import Annotated

import typer

from node.cli import options as o
from node.cli import show_item, values
from node.cli.ask import Call, ask
from node.cli.item import files_of
from node.errors import InputError

Title = Annotated[str, typer.Option("--title", metavar="TEXT", help="事项名称，一句话")]
Requirement = Annotated[str | None, typer.Option("--requirement", metavar="TEXT", help="工作要求")]
Source = Annotated[str | None, typer.Option("--source", metavar="KIND", help="事项来源：规则档案中的代号或名称")]
Rule = Annotated[str | None, typer.Option("--rule", metavar="RULE", help="按规则推算办结时限；与 --due 只写一个")]
Start = Annotated[str | None, typer.Option("--start", metavar="DATE", help="按规则推算的起算日；不写时为今天")]
Point = Annotated[list[str] | None, typer.Option("--point", metavar="TEXT", help="须逐一答复的分项，可重复")]
MaybeTo = Annotated[
    list[str] | None, typer.Option("--to", metavar="CODE[,CODE…]", help="承办单位的单位代码，用逗号分开；自办不写")
]
Class = Annotated[str | None, typer.Option("--class", metavar="CLASS", help="事项类别：规则档案中的代号或名称")]
Origin = Annotated[str | None, typer.Option("--origin", metavar="ORIGIN", help="交办层级：本级、上级、省、市、县")]
WorkLine = Annotated[
    str | None, typer.Option("--line", metavar="LINE", help="工作线条，如 督查调研、计划外督查；不写时按来源")
]
Distinct = Annotated[str | None, typer.Option("--distinct", metavar="TEXT", help="与相近事项并不重复的理由")]
Form = Annotated[str | None, typer.Option("--form", metavar="FORM", help="办理形式：转办、协办、自办")]
Leader = Annotated[str | None, typer.Option("--leader", metavar="NAME", help="牵头领导")]
Supervisor = Annotated[str | None, typer.Option("--supervised-by", metavar="NAME", help="督查单位")]
Secrecy = Annotated[str | None, typer.Option("--secrecy", metavar="WORD", help="公开 或 内部；国家秘密不得上网")]
Frequency = Annotated[str | None, typer.Option("--frequency", metavar="RULE", help="定期报告按哪条规则")]
Milestones = Annotated[
    list[str] | None, typer.Option("--milestone", metavar="KEY=TEXT@DATE", help="节点：序号=内容@日期，可重复")
]
Duties = Annotated[list[str] | None, typer.Option("--duty", metavar="LEVEL=NAME", help="六级负责：层级=姓名，可重复")]
Remark = Annotated[str | None, typer.Option("--remark", metavar="TEXT", help="备注")]
Unclear = Annotated[str | None, typer.Option("--unclear", metavar="TEXT", help="待明确：哪一项尚不明确")]
Local = Annotated[bool, typer.Option("--local", help="自办：由本单位自己承办")]
Hidden = Annotated[bool, typer.Option("--hidden", help="四不两直：公布结果前不交办，被督查单位看不到")]


def _limit(due: str | None, rule: str | None, start: str | None) -> dict[str, object]:
    if due is not None and rule is not None:
        raise InputError("--due 与 --rule 只写一个", field="--rule", value=rule, remedy="已知日期的写 --due")
    return {"due": values.day("--due", due), "rule": rule, "start": values.day("--start", start)}


def issue(
    title: Title, to: MaybeTo = None, lead: o.Lead = None, requirement: Requirement = None, source: Source = None,
    class_: Class = None, origin: Origin = None, due: o.Due = None, rule: Rule = None, start: Start = None,
    point: Point = None, milestone: Milestones = None, duty: Duties = None, form: Form = None, leader: Leader = None,
    supervised_by: Supervisor = None, frequency: Frequency = None, secrecy: Secrecy = None, remark: Remark = None,
    line: WorkLine = None, distinct: Distinct = None, attach: o.Attach = None, local: Local = False,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """登记并交办事项：每个承办单位得到一件自己的任务。"""
    receivers = values.codes("--to", to or ())
    if local and receivers:
        raise InputError("自办事项不写承办单位", field="--to", value=",".join(receivers), remedy="去掉 --local 或 --to")
    if not local and not receivers:
        raise InputError(
            "缺少承办单位",
            field="--to",
            remedy="写 --to 单位代码；本单位自己承办的写 --local；只登记的用 dulian item register",
        )
    args = {
        "title": title, "to": receivers, "lead": values.lead(lead or (), receivers), "requirement": requirement,
        "source": source, "class": class_, "origin": origin, "point": list(point or ()), "local": local,
        "milestone": list(milestone or ()), "duty": list(duty or ()), "form": form, "leader": leader,
        "supervised_by": supervised_by, "frequency": frequency, "secrecy": secrecy, "remark": remark, "line": line,
        "distinct": distinct, **_limit(due, rule, start),
    }  # fmt: skip
    did = show_item.issued("已登记自办事项" if local else "已交办")
    return ask(Call(home, as_json, as_), "item.issue", args, did, files=files_of(attach))


def register(
    title: Title, requirement: Requirement = None, source: Source = None, class_: Class = None, origin: Origin = None,
    due: o.Due = None, rule: Rule = None, start: Start = None, point: Point = None, milestone: Milestones = None,
    duty: Duties = None, form: Form = None, leader: Leader = None, supervised_by: Supervisor = None,
    frequency: Frequency = None, secrecy: Secrecy = None, remark: Remark = None, unclear: Unclear = None,
    hidden: Hidden = False, line: WorkLine = None, distinct: Distinct = None, attach: o.Attach = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """只登记事项，不交办；以后用 assign 交办。"""
    args = {
        "title": title, "requirement": requirement, "source": source, "class": class_, "origin": origin,
        "point": list(point or ()), "milestone": list(milestone or ()), "duty": list(duty or ()), "form": form,
        "leader": leader, "supervised_by": supervised_by, "frequency": frequency, "secrecy": secrecy,
        "remark": remark, "unclear": unclear, "hidden": hidden or None, "line": line, "distinct": distinct,
        **_limit(due, rule, start),
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "item.register", args, show_item.issued("已登记"), files=files_of(attach))


def assign(
    item: o.Item, to: o.To, lead: o.Lead = None, due: o.Due = None, rule: Rule = None, start: Start = None,
    duty: Duties = None, form: Form = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """把已登记的事项交办给承办单位。"""
    receivers = values.codes("--to", to)
    args = {
        "item": item, "to": receivers, "lead": values.lead(lead or (), receivers), "form": form,
        "duty": list(duty or ()), **_limit(due, rule, start),
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "item.assign", args, show_item.issued("已交办"))


def decompose(
    item: o.Item, to: o.To, title: Title, lead: o.Lead = None, due: o.Due = None, rule: Rule = None,
    start: Start = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """把上级交办的事项分解给下级；上级看得到分解后的任务。"""
    receivers = values.codes("--to", to)
    args = {
        "item": item, "to": receivers, "lead": values.lead(lead or (), receivers), "title": title,
        **_limit(due, rule, start),
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "item.decompose", args, show_item.issued("已分解"))
