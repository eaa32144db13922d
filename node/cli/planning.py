"""`dulian plan …` and `dulian item reveal`: the annual plan, the check for duplicates, unannounced inspections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import show_item, values
from node.cli.ask import Call, ask
from node.cli.item import files_of
from node.cli.opening import Class, Duties, Leader, Milestones, Remark, Requirement, Source
from node.cli.paper import Paper, clean, table

_HEADING = "计划与查重"
Year = Annotated[str, typer.Option("--year", metavar="YEAR", help="年度，如 2027")]
_HEADERS = ("登记编号", "事项", "状态", "承办单位", "时限")


def add(
    year: Year,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="列入计划的事项名称；不写时建立该年度计划本身")
    ] = None,
    requirement: Requirement = None, source: Source = None, class_: Class = None, due: o.Due = None,
    milestone: Milestones = None, duty: Duties = None, leader: Leader = None, remark: Remark = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """建立年度督查计划，或把事项列入计划。"""
    args = {
        "year": values.whole("--year", year), "title": title, "requirement": requirement, "source": source,
        "class": class_, "due": due, "milestone": list(milestone or ()), "duty": list(duty or ()),
        "leader": leader, "remark": remark,
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "plan.add", args, show_item.issued("已列入计划" if title else "已建立"))


def show(year: Year, home: o.Home = None, as_json: o.Json = False) -> int:
    """显示年度督查计划：是否已批准，各事项办到哪一步。"""
    return ask(Call(home, as_json), "plan.show", {"year": values.whole("--year", year)}, _shown)


def _shown(data: Any, paper: Paper) -> Iterable[str]:
    plan = data["plan"]
    if plan is None:
        yield f"{data['year']} 年度督查计划尚未建立"
    else:
        word = "已批准" if data["approved"] else "未批准" if data.get("required", True) else "不须审批"
        later = "、".join(map(clean, data.get("pending") or ()))
        word += f"；批准后列入、尚待批准：{later}" if later else ""
        yield f"{plan['number']}　{clean(plan['title'])}　{word}"
    yield from table(_HEADERS, [_line(row) for row in data["entries"]], paper, give=((1, 16),))


def _line(row: Any) -> list[str]:
    due = show_item.due(row) or "—"
    return [row["number"], clean(row["title"]), row["state_label"], clean(row["receiver_name"]), due]


def check(
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="拟开展的督查事项名称")],
    home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """查重：列出与名称相近的在办和计划内事项，避免重复督查、多头督查。"""
    return ask(Call(home, as_json), "plan.check", {"title": title}, _alike)


def _alike(data: Any, paper: Paper) -> Iterable[str]:
    if not data["alike"]:
        return ["没有相近的事项"]
    rows = [[*_line(row), f"{row['share_percent']}%"] for row in data["alike"]]
    return table((*_HEADERS, "相近"), rows, paper, give=((1, 16),))


def reveal(
    item: o.Item, text: Annotated[str, typer.Option("--text", metavar="TEXT", help="督查结果")],
    attach: o.Attach = None, as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """公布隐蔽督查（四不两直）的结果；此后才能交办。"""
    args = {"item": item, "text": text}
    return ask(Call(home, as_json, as_), "item.reveal", args, show_item.done("已公布"), files=files_of(attach))


GROUPS: Mapping[str, str] = {"plan": "年度督查计划和查重。"}
COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("plan", "add"): (_HEADING, add),
    ("plan", "show"): (_HEADING, show),
    ("plan", "check"): (_HEADING, check),
    ("item", "reveal"): ("交办", reveal),
}
