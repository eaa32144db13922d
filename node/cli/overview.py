"""`dulian overview`, `statistics`, `problems`, `papers`: the subtree by item and office, its figures, its papers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from node.cli import options as o
from node.cli import values
from node.cli.ask import Call, ask
from node.cli.paper import Cell, Paper, clean, moment, table

_HEADING = "台账与统计"
_STYLES = {"green": "green", "yellow": "yellow", "red": "red", "done": "blue"}
_COLUMNS_SHOWN = 6  # on paper; `--json` has all


def overview(
    text: Annotated[str | None, typer.Option("--text", metavar="WORDS", help="事项各记录中的文字")] = None,
    state: Annotated[str | None, typer.Option("--state", metavar="S", help="事项的状态")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="CODE", help="从哪个单位往下看，不写为本单位")] = None,
    open_: Annotated[bool, typer.Option("--open", help="只看没有办结的")] = False,
    page: Annotated[str | None, typer.Option("--page", metavar="N", help="第几页，从 1 开始")] = None,
    per: Annotated[str | None, typer.Option("--per", metavar="N", help="每页行数，不写为 20，最多 50")] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """全流程视图：本单位在办的每个事项，下级各单位办到哪一步。"""
    args = {
        "text": text, "state": state, "at": values.code("--at", at) if at else None, "open": open_,
        "page": values.whole("--page", page), "per": values.whole("--per", per),
    }  # fmt: skip
    given = {name: value for name, value in args.items() if value}
    return ask(Call(home, as_json, as_), "overview", given, _sheet)


def statistics(
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="BY", help="分组：office、level、unit、source、leader、month、quarter、year"),
    ] = None,
    period: Annotated[
        str | None, typer.Option("--period", metavar="P", help="交办时段：2026、2026-Q3、2026-09 或 all；不写为今年")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="assignment（交办任务，默认）或 registered（自立事项）")
    ] = None,
    office: Annotated[str | None, typer.Option("--office", metavar="CODE", help="只统计这个承办单位")] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """统计：任务数、按时办结率、签收及时率等。"""
    code = values.code("--office", office) if office else None
    args = {"by": by, "period": period, "kind": kind, "office": code}
    return ask(Call(home, as_json, as_), "statistics", args, _figures)


def problems(
    period: Annotated[
        str | None, typer.Option("--period", metavar="P", help="交办时段：2026、2026-Q3、2026-09 或 all；不写为今年")
    ] = None,
    office: Annotated[str | None, typer.Option("--office", metavar="CODE", help="只看这个承办单位")] = None,
    repeated: Annotated[bool, typer.Option("--repeated", help="只看在多个事项上出现的")] = False,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """同类问题分析：退回、整改、督办单、复核、回头看和通报批评指出的问题，相近的归为一类。"""
    args = {"period": period, "office": values.code("--office", office) if office else None, "repeated": repeated}
    return ask(Call(home, as_json, as_), "problems", args, _problems)


def papers(
    kind: Annotated[
        str,
        typer.Argument(metavar="KIND", help="extension（延期）、return（退回）、review（审核）、slip（督办单）、"
                       "order（督办令）、rectify（整改清单）、notice（通报简报）、score（考核记分）、archive（归档）"),
    ],
    office: Annotated[str | None, typer.Option("--office", metavar="CODE", help="只看这个承办单位")] = None,
    page: Annotated[str | None, typer.Option("--page", metavar="N", help="第几页，从 1 开始")] = None,
    per: Annotated[str | None, typer.Option("--per", metavar="N", help="每页事项数，不写为 50，最多 200")] = None,
    as_: o.As = None, home: o.Home = None, as_json: o.Json = False,
) -> int:  # fmt: skip
    """督办文书清单：延期、退回、审核、督办单、督办令、整改清单、通报简报、考核记分、归档。"""
    args = {
        "kind": kind, "office": values.code("--office", office) if office else None,
        "page": values.whole("--page", page), "per": values.whole("--per", per),
    }  # fmt: skip
    return ask(Call(home, as_json, as_), "papers", {name: one for name, one in args.items() if one}, _papers)


def _papers(data: Any, paper: Paper) -> Iterable[str]:
    yield f"{data['label']}清单：共 {data['items']} 个事项，第 {data['page']} 页，共 {data['pages']} 页"
    if data["totals"]:
        sums = [
            [clean(one["receiver_name"]), *(f"{one[key]:+g}" for key in ("points", "adopted", "proposed")),
             str(one["scores"])]
            for one in data["totals"]
        ]  # fmt: skip
        yield from table(["承办单位", "合计", "已采用", "待采用", "条数"], sums, paper, give=((0, 8),))
    if data["totals"] is not None and data["totals_items"] < data["items"]:
        yield f"只合计了最近有变化的 {data['totals_items']} 个事项，请用 --office 按单位看"
    rows = [
        [
            clean(one["number"] or one["item"][:12]), clean(one["title"]), clean(one["receiver_name"]),
            clean(one["what"]), moment(one["at"])[:10] if one["at"] else "", clean(one["text"]), clean(one["outcome"]),
        ]
        for one in data["lines"]
    ]  # fmt: skip
    if rows and data["totals"]:
        yield ""
    if rows:
        heads = ["登记编号", "事项", "承办单位", "文书", "日期", "内容", "结果"]
        yield from table(heads, rows, paper, give=((1, 10), (5, 12)))


def _problems(data: Any, paper: Paper) -> Iterable[str]:
    span = "全部时间" if data["period"] == "all" else data["period"]
    yield f"同类问题（{span}交办的 {data['items']} 件事项，发现问题 {data['problems']} 个）"
    if data["read"] < data["items"]:
        yield f"只分析了其中 {data['read']} 件：被退回、收到督办单的和最近交办的；请缩小时段或单位"
    rows = [
        [
            clean(one["text"]), str(one["count"]), str(one["items"]),
            "、".join(f"{clean(kind['label'])}{kind['count']}" for kind in one["kinds"]),
            "、".join(clean(at["name"]) for at in one["at"][:_COLUMNS_SHOWN]) + _and_more(one),
        ]
        for one in data["groups"]
    ]  # fmt: skip
    if rows:
        yield from table(["问题", "次数", "事项", "由何发现", "承办单位"], rows, paper, give=((0, 12), (4, 8)))
    if data["more"]:
        yield f"只列出前 {len(rows)} 类"


def _and_more(group: Any) -> str:
    left = group["offices"] - min(len(group["at"]), _COLUMNS_SHOWN)
    return f"等 {group['offices']} 个" if left > 0 else ""


def _sheet(data: Any, paper: Paper) -> Iterable[str]:
    pages = f"第 {data['page']} 页，共 {data['pages']} 页"
    yield f"{clean(data['at_name'])} 全流程视图：共 {data['total_text']} 件，{pages}"
    columns = data["columns"][:_COLUMNS_SHOWN]
    if not data["rows"]:
        return
    heads = ["登记编号", "事项", "状态", *(clean(one["name"]) for one in columns)]
    rows: list[list[Cell | str]] = [
        [
            clean(row["item"]["number"]), clean(row["item"]["title"]),
            Cell(clean(row["item"]["state_label"]), _STYLES.get(row["item"]["light"], "")),
            *(_cell(cell) for cell in row["cells"][:_COLUMNS_SHOWN]),
        ]
        for row in data["rows"]
    ]  # fmt: skip
    yield from table(heads, rows, paper, give=((1, 12),))
    left_out = len(data["columns"]) - len(columns)
    if left_out or data["columns_more"]:
        yield f"另有 {left_out} 个单位未列出，--json 有全部"
    stale = [one for one in data["columns"] if not one["as_of"]]
    if stale:
        yield f"尚未同步过：{'、'.join(clean(one['name']) for one in stale[:_COLUMNS_SHOWN])}"


def _cell(cell: Any) -> Cell:
    if cell is None:
        return Cell("")
    parts = (cell["state_label"], f"{cell['percent']}%", cell["light_label"], cell["known"]["label"])
    return Cell(" ".join(map(clean, parts)), _STYLES.get(cell["light"], ""))


def _figures(data: Any, paper: Paper) -> Iterable[str]:
    span = "全部时间" if data["period"] == "all" else data["period"]
    yield f"{clean(data['kind_label'])}统计（{span}交办，{moment(data['asked_at'])[:10]}）"
    labels = {one["key"]: one["label"] for one in data["figures"]}
    heads = [clean(data["by_label"]), *labels.values()]
    colours = {one["key"]: one["label"] for one in data["colours"]}
    rows = [[clean(one["label"]), *_line(one, labels, colours)] for one in data["groups"]]
    rows.append(["合计", *_line(data["total"], labels, colours)])
    yield from table(heads, rows, paper, give=((0, 8),))


def _line(one: Any, labels: Mapping[str, str], colours: Mapping[str, str]) -> list[str]:
    cells = []
    for key in labels:
        value = one[key]
        if key == "slips":
            cells.append(" ".join(f"{colours.get(colour, clean(colour))}{count}" for colour, count in value.items()))
        elif key == "days":
            cells.append(value["text"])
        elif isinstance(value, dict):
            cells.append(f"{value['text']}（{value['numerator']}/{value['denominator']}）")
        else:
            cells.append(str(value))
    return cells


GROUPS: Mapping[str, str] = {}
COMMANDS: Mapping[tuple[str, str], tuple[str, Callable[..., int]]] = {
    ("", "overview"): (_HEADING, overview),
    ("", "statistics"): (_HEADING, statistics),
    ("", "problems"): (_HEADING, problems),
    ("", "papers"): (_HEADING, papers),
}
