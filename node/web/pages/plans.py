"""年度督查计划: a year's plan and its entries; the check for duplicates (R24, R25)."""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response

from node.clock import SHANGHAI
from node.web.forms import Field, Form
from node.web.page import Page
from node.web.request import WebRequest

HEAD = (Field("year", "年度", "hidden", required=True),)
ENTRY = (
    *HEAD,
    Field("title", "事项名称", required=True),
    Field("requirement", "督查要求", "text"),
    Field("due", "办结时限", "date"),
    Field("leader", "牵头领导"),
)
_YEAR_CHARS = 4


def _year_of(request: WebRequest, text: str) -> int:
    """The year asked for, else this one."""
    if text.isascii() and text.isdigit() and len(text) == _YEAR_CHARS:
        return int(text)
    return datetime.fromtimestamp(request.gateway.now_ms() / 1000, SHANGHAI).year


async def show(request: WebRequest) -> Response:
    """A year's plan; with ``title`` also what is alike."""
    query = request.query("year", "title")
    return await _page(request, _year_of(request, query["year"]), title=query["title"])


async def _page(request: WebRequest, year: int, *, title: str = "", form: Form | None = None) -> Response:
    plan = await request.ask("plan.show", year=year)
    found = await request.ask("plan.check", title=title) if title else None
    return request.render(
        "plans/show.html", 200 if form is None else 422, plan=plan, title=title,
        alike=found["alike"] if found else None, form=form or await request.blank(ENTRY, year=str(year)),
        head=await request.blank(HEAD, year=str(year)),
    )  # fmt: skip


async def add(request: WebRequest) -> Response:
    """An entry of the plan."""
    return await _add(request, await request.form(ENTRY), "已列入计划")


async def begin(request: WebRequest) -> Response:
    """The plan itself."""
    return await _add(request, await request.form(HEAD), "已建立年度督查计划")


async def _add(request: WebRequest, form: Form, said: str) -> Response:
    year = _year_of(request, str(form.values["year"]))
    if form.ok and (done := await request.act(form, "plan.add", year=year)) is not None:
        return request.redirect("/plans", flash=f"{said}：{done['number']}", year=str(year))
    if len(form.spec) == len(HEAD):  # the form of one button has no fields to show what is wrong at
        shown = await request.blank(ENTRY, year=str(year))
        shown.error = form.error or "；".join(form.errors.values())
        form = shown
    return await _page(request, year, form=form)


PAGES = (
    Page("/plans", show, "plan.show"),
    Page("/plans", add, "plan.add", ("POST",)),
    Page("/plans/begin", begin, "plan.add", ("POST",)),
)
