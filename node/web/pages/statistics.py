"""统计 and 大屏: figures with what they are made of, as charts with their table (issue 5, docs/statistics.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from node.errors import InputError
from node.services.access import scope
from node.services.views.statistics import BY, FIGURES
from node.web.page import Page
from node.web.pages.offices import asked_office, names_of, office_code
from node.web.request import WebRequest
from node.web.wording import text_of

Document = dict[str, Any]
FILTERS = ("by", "period", "kind", "office")
KINDS: Mapping[str, str] = {"assignment": "交办任务", "registered": "自立事项"}
CHART_GROUPS = 30  # of one chart; the table has all
TABLE_GROUPS = 300
# What each figure means: as docs/statistics.md has it.
DEFINITIONS: Mapping[str, str] = {
    "items": "计入的事项数",
    "done": "其中办结的",
    "open": "任务数 − 已办结",
    "overdue": "有硬性时限、未办结，且（已报结的，报结日；未报结的，统计当日）晚于时限的",
    "on_time": "按时数 ÷ 应结数。应结数：有硬性时限，且已办结或时限已过的；按时数：其中办结日（已报结未审核的，报结日）"
               "不晚于时限的",
    "signing": "及时签收数 ÷ 应签收数。应签收数：已送达，且已签收或签收期限已过的任务，退签未签收的除外；"
               "签收期限按规则档案，档案没有写的为送达后 1 个工作日",
    "days": "已办结事项从交办（不含当日）到办结日（含当日）的工作日之和 ÷ 有办结日的已办结数",
    "extension": "至少一次获准延期的 ÷ 有硬性时限的",
    "return": "至少一次被退回的 ÷ 至少报结过一次的",
    "slips": "各色督办单发出的件数，一个事项收到几张计几张",
}  # fmt: skip
SCOPE: Sequence[tuple[str, str]] = (
    ("计入的事项", "未撤销、非不予立项、未并案、未免除的事项；审签件不计"),
    ("时段", "按交办（自立事项按登记）日期归入月、季、年"),
    ("来源、牵头领导", "任务自己没有写明的，取交办它的上级事项所写的；本单位看不到上级事项的，为“（未写明）”"),
    ("办结", "状态为审核通过、复核中、已办结、已销号、已归档或回头看"),
    ("办结日", "最后一次办结报告之日；没有办结报告的，为审核通过或销号之日"),
    ("有硬性时限", "有办结时限，且时限不是“原则上”或无硬性要求。同意延期的，按新时限；未经同意的，按原时限"),
)
_SLIP_COLOURS: Mapping[str, str] = {
    "white": "#c3cad2", "yellow": "#e0a800", "red": "#b3261e", "blue": "#1f4e8c", "orange": "#c65a00",
}  # fmt: skip


async def statistics(request: WebRequest) -> Response:
    """All figures in all and by one division, with charts."""
    query = request.query(*FILTERS)
    found: Document | None = None
    wrong = ""
    try:
        found = await _answer(request, "statistics", **query | {"office": await office_code(request, query["office"])})
    except InputError as error:
        wrong = text_of(error)
    names: dict[str, str] = {}
    if found is not None and found["by"] == "office":
        names = await names_of(request, [{"receiver": one["key"], "receiver_name": one["label"]}
                                         for one in found["groups"][:TABLE_GROUPS]])  # fmt: skip
    groups = [one | {"label": names.get(one["key"], one["label"])} for one in found["groups"]] if found else []
    return request.render(
        "statistics/show.html", 200 if found is not None else 422, found=found, query=query, wrong=wrong, by=BY,
        kinds=KINDS, figures=FIGURES, definitions=DEFINITIONS, scope=SCOPE, groups=groups[:TABLE_GROUPS],
        left_out=max(len(groups) - TABLE_GROUPS, 0), charts=charts_of(found, groups) if found is not None else [],
        office=await asked_office(request, query["office"]), chart_groups=CHART_GROUPS, total_groups=len(groups),
    )  # fmt: skip


async def screen(request: WebRequest) -> Response:
    """大屏: read only, without navigation; it asks for itself again every half minute."""
    query = request.query("period")
    return await wall_of(request, await _answer(request, "screen", **query))


async def wall_of(request: WebRequest, found: Document) -> Response:
    """The page of a screen with these figures."""
    names = await names_of(request, [{"receiver": one["key"], "receiver_name": one["label"]}
                                     for one in found["offices"]])  # fmt: skip
    months = {
        "title": "各月交办", "labels": [one["label"] for one in found["months"]], "stack": True, "dark": True,
        "series": _progress(found["months"]),
    }  # fmt: skip
    return request.render(
        "statistics/screen.html", found=found, names=names, months=as_json(months), slips=_slips(found)
    )


def _slips(found: Document) -> list[Document]:
    """督办单 by colour: of the colours there are some of; a colour of somebody's own is not left out."""
    labels = {one["key"]: f"{one['label']}色" for one in found["colours"]}
    return [
        {"key": key if key in labels else "other", "label": labels.get(key, key), "count": count}
        for key, count in found["total"]["slips"].items()
    ]


async def problems(request: WebRequest) -> Response:
    """同类问题分析: what was found wrong, what is alike together (R65)."""
    query = request.query("period", "office", "repeated")
    found: Document | None = None
    wrong = ""
    try:
        asked = query | {"office": await office_code(request, query["office"])}
        found = await _answer(request, "problems", **asked | {"repeated": query["repeated"] == "1"})
    except InputError as error:
        wrong = text_of(error)
    groups = found["groups"] if found is not None else []
    names = await names_of(
        request, [{"receiver": at["office"], "receiver_name": at["name"]} for one in groups for at in one["at"]]
    )
    return request.render(
        "statistics/problems.html", 200 if found is not None else 422, found=found, query=query, wrong=wrong,
        groups=groups, names=names, office=await asked_office(request, query["office"]),
    )  # fmt: skip


async def _answer(request: WebRequest, verb: str, **args: str | bool) -> Document:
    """The answer of the last half minute, to whoever may see the same; the page's verb has been checked before."""
    caller, gateway = request.caller, request.gateway
    units = await gateway.read(lambda reader: scope.limits(reader, caller))
    key = (verb, units, tuple(sorted(args.items())))
    found: Document = await request.console.answers.get(key, gateway.now_ms, lambda: request.ask(verb, **args))
    return found


def charts_of(found: Document, groups: Sequence[Document]) -> list[Document]:
    """The charts: how far, how well, how long, how many slips; each with its data as JSON."""
    in_time = found["by"] in ("month", "quarter", "year")
    shown = list(groups if in_time else sorted(groups, key=lambda one: -one["items"]))[:CHART_GROUPS]
    labels = [one["label"] for one in shown]
    charts: list[Document] = [
        {"key": "progress", "title": "任务数、办结和逾期", "stack": True, "series": _progress(shown)},
        {"key": "rates", "title": "按时办结率、签收及时率", "unit": "%", "series": [
            {"name": FIGURES[key], "colour": colour, "data": [_percent(one[key]["value"]) for one in shown]}
            for key, colour in (("on_time", "#1f4e8c"), ("signing", "#7aa6d8"))
        ]},
        {"key": "days", "title": "平均办理工作日", "series": [
            {"name": "工作日", "colour": "#4b6b8f",
             "data": [None if one["days"]["value"] is None else round(one["days"]["value"], 1) for one in shown]}
        ]},
        {"key": "slips", "title": "督办单", "stack": True, "series": [
            {"name": colour["label"] + "色", "colour": _SLIP_COLOURS.get(colour["key"], "#8a94a0"),
             "data": [one["slips"].get(colour["key"], 0) for one in shown]}
            for colour in found["colours"]
        ]},
    ]  # fmt: skip
    return [
        {"key": one["key"], "title": one["title"], "data": as_json(one | {"labels": labels})}
        for one in charts if one["key"] == "progress" or any(any(line["data"]) for line in one["series"])
    ]  # fmt: skip


def _progress(groups: Sequence[Document]) -> list[Document]:
    return [
        {"name": "已办结", "colour": "#4b9a69", "data": [one["done"] for one in groups]},
        {"name": "在办未逾期", "colour": "#7aa6d8", "data": [one["open"] - one["overdue"] for one in groups]},
        {"name": "逾期未办结", "colour": "#b3261e", "data": [one["overdue"] for one in groups]},
    ]


def _percent(value: float | None) -> float | None:
    return None if value is None else round(value * 100, 1)


def as_json(data: object) -> str:
    """For a ``data-`` attribute, which the template escapes."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


PAGES = (
    Page("/statistics", statistics, "statistics", nav="统计", order=50),
    Page("/problems", problems, "problems", under="统计"),
    Page("/screen", screen, "screen"),
)
