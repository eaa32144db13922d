"""帮助: every word on the screen explained in place, and a guided first task by role that checks itself off.

Words and their labels come from the tables the product shows them by; what they mean stands in `help_words`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, NamedTuple

from starlette.responses import Response

from node.errors import DulianError
from node.items.lifecycle import STATE_LABELS
from node.items.lights import LIGHT_LABELS
from node.rules.words import COLOURS
from node.services.access.rights import HANDLER, LEADER, OPERATOR, ROLES, SUPERVISOR, VIEWER
from node.services.care.alarm_codes import ALARMS
from node.services.mending.statements import LABELS as OUTCOME_LABELS
from node.services.views.truth import LABELS as KNOWN_LABELS
from node.web.page import SIGNED_IN, Page
from node.web.pages import help_words as said
from node.web.pages import links_runbook
from node.web.pages.links import STATES as LINK_STATES
from node.web.request import WebRequest


class Word(NamedTuple):
    """An entry: where ``?`` leads to, the word, what it means."""

    anchor: str
    word: str
    text: str


class Group(NamedTuple):
    """The words of one table."""

    anchor: str
    title: str
    words: tuple[Word, ...]


class Step(NamedTuple):
    """A step of the guided first task; ``done`` where what it makes is there."""

    title: str
    text: str
    path: str
    done: bool


def _group(anchor: str, title: str, labels: Mapping[str, str], texts: Mapping[str, str]) -> Group:
    return Group(
        anchor, title, tuple(Word(f"{anchor}-{key or 'none'}", label, texts[key]) for key, label in labels.items())
    )


def groups() -> tuple[Group, ...]:
    """All words; KeyError where one has no explanation, which a test would have found."""
    effects = {key: label for key, (label, _) in said.EFFECTS.items()}
    colours = {key: f"{label}色督办单" for key, label in COLOURS.items()}
    return (
        _group("states", "事项的状态", STATE_LABELS, said.STATES),
        _group("lights", "时限灯", {str(key): label for key, label in LIGHT_LABELS.items()}, said.LIGHTS),
        _group("colours", "督办单的颜色", colours, said.COLOURS),
        _group("known", "未办、未报、未同步", {str(key): label for key, label in KNOWN_LABELS.items()}, said.KNOWN),
        _group("effects", "记录的效力", effects, {key: text for key, (_, text) in said.EFFECTS.items()}),
        _group("linked", "联通的状态", {key: word for key, (word, _, _) in LINK_STATES.items()}, said.LINKS),
        _group("outcomes", "对账的结果", OUTCOME_LABELS, said.OUTCOMES),
        _group("roles", "角色", ROLES, said.ROLES),
    )


async def show(request: WebRequest) -> Response:
    """The whole of it on one page: found with the browser's own search."""
    sections = await asyncio.to_thread(links_runbook.load)
    alarms = [(code, known, sections.get(code)) for code, known in ALARMS.items()]
    return request.render(
        "help/show.html", groups=groups(), topics=said.TOPICS, alarms=alarms, guides=await _guides(request)
    )


# -- the guided first task --------------------------------------------------------------------------------------------


async def _guides(request: WebRequest) -> list[tuple[str, list[Step]]]:
    """The first task of each role the caller has; steps to pages that this console does not have are left out."""
    paths = {page.path for page in request.console.pages}
    makers = {OPERATOR: _operator, SUPERVISOR: _supervisor, LEADER: _leader, HANDLER: _handler, VIEWER: _viewer}
    found = []
    for role in ROLES:
        if role in request.caller.roles:
            steps = await makers[role](request)
            kept = [step for step in steps if step.path.partition("?")[0] in paths]
            found.append((ROLES[role], kept))
    return found


async def _any(asked: Awaitable[Any]) -> Any:
    """An answer, or nothing where it cannot be given: a guide is no reason for a page not to come."""
    try:
        return await asked
    except DulianError:
        return None


async def _count(request: WebRequest, **filters: str) -> bool:
    found = await _any(request.ask("item.page", per="1", **filters))
    return bool(found and found["total"])


async def _operator(request: WebRequest) -> list[Step]:
    status, users, units, rules, calendar = [
        await _any(request.ask(verb)) for verb in ("status", "user.list", "unit.list", "rules.list", "calendar.show")
    ]
    links = (status or {}).get("links", [])
    return [
        Step("登记内设机构", "没有节点的科室、部门", "/nodes/units", bool(units)),
        Step("给同事建账号", "把一次性链接交给本人", "/nodes/people/add", len(users or ()) > 1),
        Step("看规则档案", "不合用时发布本单位的", "/rules", any(row["record"] for row in rules or ())),
        Step("核对工作日历", "今年的放假安排已发布", "/rules/calendar", bool(calendar and not calendar["provisional"])),
        Step("邀请下级单位", "电话核对指纹后批准", "/nodes/invite", any(row["role"] == "child" for row in links)),
        Step("做一次备份", "并复制到另一台机器", "/nodes/backups", bool(status and status["backup"])),
        Step("体检没有告警", "有告警时按处置办法办理", "/links", bool(status) and not status["alarms"]),
    ]  # fmt: skip


async def _supervisor(request: WebRequest) -> list[Step]:
    return [
        Step("登记一件事项", "写明来源、要求和时限", "/register", await _count(request)),
        Step("交办给承办单位", "在事项页面选单位，可一次给几个", "/items", await _count(request, kind="assignment")),
        Step("看它走到哪里", "事项页面有时间线和下级情况", "/items", await _count(request, state="active")),
        Step("审核办结报告", "不合要求的退回并说明", "/", await _count(request, state="accepted")),
        Step("销号归档", "办结后立卷", "/items", await _count(request, state="closed")),
    ]  # fmt: skip


async def _leader(request: WebRequest) -> list[Step]:
    any_ = await _count(request)
    return [
        Step("看工作台", "轮到您审批的排在最前", "/", True),
        Step("看全局", "按单位和事项看快慢", "/overview", any_),
        Step("审批一件", "同意或退回，写意见", "/", await _count(request, state="established")),
    ]


async def _handler(request: WebRequest) -> list[Step]:
    return [
        Step("签收", "「工作台」待签收的事项，先看清要求和时限", "/", await _count(request, state="signed")),
        Step("报告进展", "写明做了什么、到百分之几，附上材料", "/items", await _count(request, state="active")),
        Step("提交办结报告", "审核不通过会退回，时限照旧", "/items", await _count(request, state="submitted")),
    ]  # fmt: skip


async def _viewer(request: WebRequest) -> list[Step]:
    return [
        Step("查找事项", "标题、编号、正文中的词都能查", "/items", await _count(request)),
        Step("看联通情况", "数据截至何时", "/links", True),
    ]


PAGES = (Page("/help", show, SIGNED_IN, nav="帮助", order=80),)
