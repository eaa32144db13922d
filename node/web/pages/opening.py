"""立项登记、登记并交办、交办、分解: the forms that open items, and what came of them (issue 5, R25, R26, R33)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from node.documents.profiles import DEFAULT
from node.records.limits import TITLE_CHARS_MAX
from node.records.track import SECRECY
from node.rules.words import LINES, ORIGINS
from node.services.matters.terms import FORMS
from node.web.forms import Field, Form
from node.web.page import Page
from node.web.pages.offices import NOT_SENT, PICKER, looking, names_of, picker_of
from node.web.request import WebRequest

Profile = Mapping[str, Any]
_TITLE = Field("title", "事项名称", required=True, chars_max=TITLE_CHARS_MAX, help="一句话写明要办的事，至多 200 字")
_REQUIREMENT = Field("requirement", "工作要求", "text", help="按来文原文填写")
_POINTS = Field("point", "分项要求", "lines", help="须逐一答复的，每行一条")
_DUE = Field("due", "办结时限", "date", help="写日期，或在下面选一条时限规则推算；两者只写一个")
_FILES = Field("attach", "附件", "files", help="可选多个文件；页面重新显示后须再选一次")
_START = Field("start", "起算日", "date", help="按规则推算时用，不写时为今天")
_FORM = Field("form", "办理形式", "choice", choices=[(word, word) for word in FORMS if word])
_MILESTONES = Field("milestone", "节点", "lines", help="每行一个：序号=内容@日期，如 1=完成方案@2027-03-31")
_LINE = Field("line", "工作线条", "choice", choices=list(LINES.items()), help="不选时按来源确定")
_SEPARATE = Field("distinct", "不重复的理由", help="提示与已有事项相近、确不重复时填写")
# What stands in the folded part of the form.
MORE = frozenset({
    "class", "origin", "line", "rule", "start", "form", "supervised_by", "frequency", "secrecy", "milestone", "duty",
    "remark", "unclear", "hidden", "distinct", "local",
})  # fmt: skip


def _named(parts: Iterable[Mapping[str, Any]], label: str = "label") -> list[tuple[str, str]]:
    return [(str(part["id"]), str(part.get(label) or part["id"])) for part in parts]


def _source(profile: Profile) -> Field:
    """A list where the office has a profile of its own; under the shipped one words are free (A19)."""
    sources = _named(profile.get("sources", ()))
    if profile["id"] != DEFAULT and sources:
        return Field("source", "事项来源", "choice", choices=sources)
    return Field("source", "事项来源", help="如 市政府常务会议、领导批示")


def _common(profile: Profile) -> tuple[Field, ...]:
    rules = [part for part in profile.get("rules", ()) if part.get("act") == "finish"]
    rhythms = [part for part in profile.get("rules", ()) if part.get("cadence") or part.get("fixed")]
    fields = [
        Field("class", "事项类别", "choice", choices=_named(profile.get("classes", ()))),
        Field("origin", "交办层级", "choice", choices=list(ORIGINS.items())),
        Field("rule", "时限规则", "choice", choices=_named(rules, "title")), _START,
        Field("frequency", "定期报告", "choice", choices=_named(rhythms, "title")), _FORM,
        Field("supervised_by", "督查单位", help="不写时按来源确定"),
        Field("secrecy", "公开属性", "choice", choices=[(word, word) for word in SECRECY if word],
              help="本系统不处理国家秘密"),
        _MILESTONES, Field("duty", "各级责任人", "lines", help="每行一个：层级=姓名，如 工作人员=张三"),
        Field("remark", "备注", "text"),
    ]  # fmt: skip
    return tuple(one for one in fields if one.kind != "choice" or one.choices)


def register_fields(profile: Profile) -> tuple[Field, ...]:
    """立项登记."""
    return (
        _TITLE, _REQUIREMENT, _source(profile), _DUE, Field("leader", "牵头领导"), _POINTS, _FILES, *_common(profile),
        _LINE, Field("unclear", "待明确", help="哪一项尚不明确"), _SEPARATE,
        Field("local", "由本单位自己承办", "check"),
        Field("hidden", "四不两直：公布结果前不交办，被督查单位看不到", "check"),
    )  # fmt: skip


def issue_fields(profile: Profile) -> tuple[Field, ...]:
    """登记并交办."""
    return (
        _TITLE, _REQUIREMENT, *PICKER, _DUE, _source(profile), Field("leader", "牵头领导"), _POINTS, _FILES,
        *_common(profile), _LINE, _SEPARATE,
    )  # fmt: skip


def _again(profile: Profile) -> tuple[Field, ...]:
    """What is said anew when an item goes on: when it is due."""
    wanted = ("rule", "start", "form")
    due = Field("due", "办结时限", "date", help="不写时同本事项，不得晚于本事项的时限")
    return (due, *(one for one in _common(profile) if one.name in wanted))


def assign_fields(profile: Profile) -> tuple[Field, ...]:
    """交办."""
    return (*PICKER, *_again(profile))


def decompose_fields(profile: Profile) -> tuple[Field, ...]:
    """分解."""
    return (
        *PICKER, _TITLE._replace(required=False, help="各承办单位的任务用同一名称；不写时同本任务"),
        Field("requirement", "工作要求", "text", help="不写时同本任务"),
        Field("point", "分项要求", "lines", help="每行一条；不写时同本任务"), *_again(profile),
        _FILES._replace(help="不选时沿用本任务的附件"),
    )  # fmt: skip


# -- opening an item of one's own -------------------------------------------------------------------------------------


async def register_page(request: WebRequest) -> Response:
    """立项登记: the form."""
    form = await request.blank(register_fields(await request.ask("rules.show")), draft="register")
    return request.form_page("opening/register.html", form, more=MORE)


async def register(request: WebRequest) -> Response:
    """立项登记: do it."""
    form = await request.form(register_fields(await request.ask("rules.show")), draft="register")
    if form.ok and (done := await request.act(form, "item.register")) is not None:
        return request.redirect(f"/items/{done['item']}/opened", flash=f"已登记：{done['number']}")
    return request.form_page("opening/register.html", form, more=MORE)


async def issue_page(request: WebRequest) -> Response:
    """登记并交办: the form."""
    form = await request.blank(issue_fields(await request.ask("rules.show")), draft="issue")
    return await _with_picker(request, "opening/issue.html", form)


async def issue(request: WebRequest) -> Response:
    """登记并交办: look for offices, or do it."""
    form = await request.form(issue_fields(await request.ask("rules.show")), draft="issue")
    if not looking(form) and form.ok and (done := await request.act(form, "item.issue", **NOT_SENT)) is not None:
        return _to_result(request, done, "已交办")
    return await _with_picker(request, "opening/issue.html", form)


async def _with_picker(request: WebRequest, template: str, form: Form, **context: object) -> Response:
    return request.form_page(template, form, more=MORE, picker=await picker_of(request, form), **context)


def _to_result(request: WebRequest, done: Mapping[str, Any], did: str) -> Response:
    return request.redirect(f"/items/{done['item']}/opened", flash=f"{did} {len(done['assignments'])} 个单位")


# -- going on with an item --------------------------------------------------------------------------------------------


def _going_on(verb: str, profile: Profile) -> Sequence[Field]:
    return assign_fields(profile) if verb == "item.assign" else decompose_fields(profile)


async def _on_page(request: WebRequest, verb: str) -> Response:
    item, profile = await asyncio.gather(
        request.ask("item.show", item=request.part("item")), request.ask("rules.show")
    )
    form = await request.blank(_going_on(verb, profile), item=item["id"], draft=f"{verb}/{item['id']}")
    return await _with_picker(request, "opening/onward.html", form, item=item, verb=verb)


async def _on(request: WebRequest, verb: str, did: str) -> Response:
    word = request.part("item")
    profile = await request.ask("rules.show")
    form = await request.form(_going_on(verb, profile), draft=f"{verb}/{word}")
    if not looking(form) and form.ok and (done := await request.act(form, verb, item=word, **NOT_SENT)) is not None:
        return _to_result(request, done, did)
    item = await request.ask("item.show", item=word)
    return await _with_picker(request, "opening/onward.html", form, item=item, verb=verb)


async def assign_page(request: WebRequest) -> Response:
    """交办: the form."""
    return await _on_page(request, "item.assign")


async def assign(request: WebRequest) -> Response:
    """交办: look for offices, or do it."""
    return await _on(request, "item.assign", "已交办")


async def decompose_page(request: WebRequest) -> Response:
    """分解: the form."""
    return await _on_page(request, "item.decompose")


async def decompose(request: WebRequest) -> Response:
    """分解: look for offices, or do it."""
    return await _on(request, "item.decompose", "已分解到")


async def opened(request: WebRequest) -> Response:
    """What came of it: the item's 登记编号, each task's number and whether it was delivered."""
    item = await request.ask("item.show", item=request.part("item"))
    own = [child for child in item["children"] if child["issuer"] == request.gateway.office_code]
    return request.render("opening/opened.html", item=item, tasks=own, names=await names_of(request, own))


PAGES = (
    Page("/register", register_page, "item.register"),
    Page("/register", register, "item.register", ("POST",), upload=True),
    Page("/issue", issue_page, "item.issue"),
    Page("/issue", issue, "item.issue", ("POST",), upload=True),
    Page("/items/{item}/assign", assign_page, "item.assign"),
    Page("/items/{item}/assign", assign, "item.assign", ("POST",)),
    Page("/items/{item}/decompose", decompose_page, "item.decompose"),
    Page("/items/{item}/decompose", decompose, "item.decompose", ("POST",), upload=True),
    Page("/items/{item}/opened", opened, "item.show"),
)
