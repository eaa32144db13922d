"""`dulian item slip|order|rectify|notice …`: 督办单, 督办令, 整改, 通报, 约谈, 问责线索, 负面清单, 记分."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import show_item, values
from node.cli.ask import Call, ask
from node.cli.item import files_of
from node.cli.paper import Paper, clean
from node.errors import InputError

Text = Annotated[str, typer.Option("--text", metavar="TEXT", help="内容")]
Drafted = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="内容；经审签的不写，用审签稿")]
MaybeText = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="说明")]
MustDue = Annotated[str, typer.Option("--due", metavar="DATE", help="完成时限，如 2026-12-31")]
Title = Annotated[str, typer.Option("--title", metavar="TEXT", help="标题")]
Measure = Annotated[str | None, typer.Option("--rule", metavar="RULE", help="依据规则档案中的哪一问责情形")]
_SLIPS, _PAPERS = "督办单与记分", "督办令、整改与通报"


def slip(
    item: o.Item, colour: Annotated[str, typer.Option("--colour", metavar="COLOUR", help="白、黄、红，逐级发出")],
    text: Annotated[str, typer.Option("--text", metavar="TEXT", help="整改标准和要求")], due: MustDue,
    state: Annotated[
        list[str] | None, typer.Option("--state", metavar="KEY=TEXT", help="须写明的，如 整改标准=内容，可重复")
    ] = None,
    fact: Annotated[
        list[str] | None, typer.Option("--fact", metavar="FACT", help="由发单人认定的事由，如 进展缓慢，可重复")
    ] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """发督办单：按规则档案的阶梯，不得越级；规定的扣分一并记下。"""
    args = {
        "item": item, "colour": colour, "text": text, "due": values.day("--due", due), "fact": list(fact or ()),
        "state": list(state or ()),
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "item.slip", args, show_item.done("已发督办单"), warned=True)


def justify(item: o.Item, text: Text, as_: o.As = None, home: o.Home = None, as_json: o.Json = False) -> int:
    """承办单位对督办单说明理由。"""
    return ask(Call(home, as_json, as_), "item.justify", {"item": item, "text": text}, show_item.done("已说明理由"))


def judge(
    item: o.Item, reason: o.Reason,
    justified: Annotated[bool, typer.Option("--justified", help="有正当理由")] = False,
    unjustified: Annotated[bool, typer.Option("--unjustified", help="无正当理由")] = False,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """认定承办单位说明的理由是否正当；到督办单时限没有说明的，也可认定无正当理由。"""
    if justified == unjustified:
        raise InputError("--justified 与 --unjustified 须写一个", field="--justified")
    args = {"item": item, "reason": reason, "justified": justified, "unjustified": unjustified}
    return ask(Call(home, as_json, as_), "item.judge", args, show_item.done("已认定理由"))


def score(
    item: o.Item, rule: Annotated[str | None, typer.Option("--rule", metavar="RULE", help="记分规则的代号")] = None,
    cause: Annotated[
        str | None, typer.Option("--cause", metavar="ID", help="记分的事由：事项中一条记录的标识前几位")
    ] = None,
    points: Annotated[
        str | None, typer.Option("--points", metavar="N", help="分值；规则已定的不写，扣分写负数，如 --points=-0.5")
    ] = None,
    adopt: Annotated[str | None, typer.Option("--adopt", metavar="ID", help="这条记分建议已采用")] = None,
    drop: Annotated[str | None, typer.Option("--drop", metavar="ID", help="这条记分建议未采用")] = None,
    text: MaybeText = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """考核记分：按规则和事由提出，或记下是否采用。"""
    args = {"item": item, "rule": rule, "cause": cause, "points": points, "adopt": adopt, "drop": drop, "text": text}
    return ask(Call(home, as_json, as_), "item.score", args, show_item.done("已记分"))


def order(
    item: o.Item, text: Drafted = None,
    due: Annotated[
        str | None, typer.Option("--due", metavar="DATE", help="办结时限；经审签的不写，用审定的")
    ] = None,
    number: Annotated[str | None, typer.Option("--number", metavar="NO", help="督办令编号；不写时自动编号")] = None,
    handover: Annotated[
        str | None, typer.Option("--handover", metavar="TEXT", help="领受：谁到哪里领取，或在哪里现场交办")
    ] = None,
    attach: o.Attach = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """发督办令：一事一令，写明任务、要求和时限。"""
    args = {"item": item, "text": text, "due": values.day("--due", due), "number": number, "handover": handover}
    return ask(Call(home, as_json, as_), "item.order", args, _ordered, files=files_of(attach))


def _ordered(data: Any, paper: Paper) -> Iterable[str]:
    yield from show_item.done(f"已发督办令 {clean(data.get('order'))}")(data, paper)


def rectify(
    item: o.Item,
    line: Annotated[
        list[str] | None,
        typer.Option("--line", metavar="KEY=TEXT@UNIT@LEADER@DATE", help="列出：序号=要求@单位@牵头领导@日期，可重复"),
    ] = None,
    report: Annotated[list[str] | None, typer.Option("--report", metavar="KEY", help="这一条已整改，可重复")] = None,
    clear: Annotated[list[str] | None, typer.Option("--clear", metavar="KEY", help="销去这一条，可重复")] = None,
    text: MaybeText = None, attach: o.Attach = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """整改清单：交办单位列出和逐条销去，承办单位报告。"""
    args = {
        "item": item, "line": list(line or ()), "report": list(report or ()), "clear": list(clear or ()), "text": text,
    }  # fmt: skip
    did = show_item.done("已登记整改清单")
    return ask(Call(home, as_json, as_), "item.rectify", args, did, files=files_of(attach))


def notice(
    item: o.Item, text: Drafted = None, praise: Annotated[bool, typer.Option("--praise", help="表扬")] = False,
    criticise: Annotated[bool, typer.Option("--criticise", help="批评")] = False,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="CODE[,CODE…]", help="点名的承办单位；各在自己的任务上收到")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="标题")] = None,
    due: Annotated[str | None, typer.Option("--due", metavar="DATE", help="限期整改的时限")] = None,
    media: Annotated[str | None, typer.Option("--media", metavar="NAME", help="报道或曝光的媒体")] = None,
    person: Annotated[str | None, typer.Option("--person", metavar="NAME", help="责任人；媒体曝光的必填")] = None,
    attach: o.Attach = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """发督查通报：点名表扬或批评，或在媒体上报道、曝光。"""
    if praise == criticise:
        raise InputError("--praise 与 --criticise 须写一个", field="--praise")
    args = {
        "item": item, "text": text, "praise": praise, "criticise": criticise, "to": values.codes("--to", to or ()),
        "title": title, "due": values.day("--due", due), "media": media, "person": person,
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "item.notice", args, show_item.done("已发通报"), files=files_of(attach))


def bulletin(
    item: o.Item, title: Title, text: Text, attach: o.Attach = None, as_: o.As = None, home: o.Home = None,
    as_json: o.Json = False,
) -> int:  # fmt: skip
    """发督查工作简报，记在本单位登记的事项上。"""
    args = {"item": item, "title": title, "text": text}
    return ask(Call(home, as_json, as_), "item.bulletin", args, show_item.done("已发简报"), files=files_of(attach))


def special(
    item: o.Item, title: Title, text: Drafted = None, attach: o.Attach = None, as_: o.As = None,
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """向领导报专报，记在本单位登记的事项上。"""
    args = {"item": item, "title": title, "text": text}
    return ask(Call(home, as_json, as_), "item.special", args, show_item.done("已报专报"), files=files_of(attach))


def interview(
    item: o.Item, person: Annotated[str, typer.Option("--person", metavar="NAME", help="被约谈人")], text: Text,
    occurred: o.Occurred = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """登记约谈。"""
    args = {"item": item, "person": person, "text": text, "occurred": values.day("--occurred", occurred)}
    return ask(Call(home, as_json, as_), "item.interview", args, show_item.done("已登记约谈"))


def refer(
    item: o.Item, text: Text, to: Annotated[str | None, typer.Option("--to", metavar="NAME", help="移交何处")] = None,
    rule: Measure = None, attach: o.Attach = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """登记问责线索；只在本单位留存，被督查单位看不到。"""
    args = {"item": item, "text": text, "to": to, "rule": rule}
    return ask(Call(home, as_json, as_), "item.refer", args, show_item.done("已登记问责线索"), files=files_of(attach))


def negative(
    item: o.Item, text: Text, from_: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="由谁提供；规则档案写明提供单位的，必填")
    ] = None,
    rule: Measure = None, attach: o.Attach = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """列入负面清单；只在本单位留存，被督查单位看不到。"""
    args = {"item": item, "text": text, "from": from_, "rule": rule}
    did = show_item.done("已列入负面清单")
    return ask(Call(home, as_json, as_), "item.negative", args, did, files=files_of(attach))


COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("item", "slip"): (_SLIPS, slip), ("item", "justify"): (_SLIPS, justify), ("item", "judge"): (_SLIPS, judge),
    ("item", "score"): (_SLIPS, score), ("item", "order"): (_PAPERS, order), ("item", "rectify"): (_PAPERS, rectify),
    ("item", "notice"): (_PAPERS, notice), ("item", "bulletin"): (_PAPERS, bulletin),
    ("item", "special"): (_PAPERS, special), ("item", "interview"): (_PAPERS, interview),
    ("item", "refer"): (_PAPERS, refer), ("item", "negative"): (_PAPERS, negative),
}  # fmt: skip
