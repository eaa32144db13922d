"""工作台: what waits for this person, by role; proposals of the software; news read (issue 5, R15, R16, R90, R91)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from starlette.responses import Response

from node.errors import NotFoundError
from node.services.access.rights import HANDLER, LEADER, OPERATOR, SUPERVISOR, VIEWER
from node.services.views.workbench import ALL_READ
from node.storage.port import ReadNotice, Store
from node.web.forms import Field
from node.web.page import SIGNED_IN, Page
from node.web.pages.offices import names_of
from node.web.request import WebRequest

Document = dict[str, Any]
_DESK = ("approve", "review", "extension", "sign", "assign", "todo", "due_soon", "overdue", "others_overdue",
         "refused", "proposals", "news")  # fmt: skip
# What a role's page begins with, in this order; another list shows where something in it is to be done.
_ORDER: Mapping[str, tuple[str, ...]] = {
    LEADER: ("approve", "overdue", "others_overdue", "due_soon", "extension", "review", "news"),
    SUPERVISOR: _DESK, OPERATOR: _DESK,
    HANDLER: ("sign", "todo", "due_soon", "overdue", "news"),
    VIEWER: ("due_soon", "overdue", "others_overdue", "news"),
}  # fmt: skip
_KINDS: Mapping[str, str] = {
    "overdue": "bad", "others_overdue": "bad", "refused": "bad", "due_soon": "warn", "proposals": "warn",
    "extension": "warn",
}  # fmt: skip
_OFFICES_SHOWN = 10
_NOTICES_MAX = 500  # of single items, for one account
READ = (Field("item", "事项", "hidden", chars_max=64),)
_CHANNELS = (("notice", "催办通知"), ("phone", "电话"), ("visit", "上门"))
CARRY = (
    Field("text", "内容", "text", required=True), Field("channel", "催办方式", "choice", choices=_CHANNELS),
    Field("due", "完成时限", "date", help="发督办单时填写"),
)  # fmt: skip
DONE = (
    Field("dismiss", "不采纳这条建议", "check"),
    Field("reason", "理由", "text", help="不采纳时必填"),
)


async def workbench(request: WebRequest) -> Response:
    """Cards of counts, then the lists; for leaders also how the offices below stand."""
    leads = LEADER in request.caller.roles
    found, figures, form = await asyncio.gather(
        request.ask("workbench"), _figures(request) if leads else _nothing(), request.blank(READ)
    )
    lists = _arranged(found["lists"], request.caller.roles)
    names = await names_of(request, [row for one in lists for row in one["rows"] if "receiver" in row])
    return request.render("workbench/desk.html", lists=lists, names=names, figures=figures, form=form, kinds=_KINDS)


async def _nothing() -> None:
    return None


async def _figures(request: WebRequest) -> Document:
    """How this office's tasks below stand, this year's and older ones: those with most overdue first."""
    found: Document = await request.ask("statistics", by="office", period="all")
    groups = sorted(found["groups"], key=lambda one: (-one["overdue"], -one["open"], one["key"]))
    shown = groups[:_OFFICES_SHOWN]
    names = await names_of(request, [{"receiver": one["key"], "receiver_name": one["label"]} for one in shown])
    return {"total": found["total"], "offices": shown, "more": len(groups) > len(shown), "names": names}


def _arranged(lists: Iterable[Document], roles: Iterable[str]) -> list[Document]:
    """The lists of this person's roles in their order, and any other in which there is something for them to do."""
    by_key = {one["key"]: one for one in lists}
    first = [key for role in _ORDER if role in roles for key in _ORDER[role]]
    keys = list(dict.fromkeys([*first, *by_key]))
    return [by_key[key] for key in keys if key in by_key and (key in first or _waits(by_key[key]))]


def _waits(one: Document) -> bool:
    return any(row["verb"] != "item.show" for row in one["rows"])


async def read_news(request: WebRequest) -> Response:
    """One item's news is read, or all up to now."""
    form = await request.form(READ)
    notice = str(form.values.get("item") or ALL_READ)
    if form.ok and (notice == ALL_READ or _is_id(notice)):
        row = ReadNotice(request.caller.name, notice, request.gateway.now_ms())
        await request.gateway.write(partial(_keep, row=row))
    return request.redirect("/", flash="已全部标为已读" if notice == ALL_READ else "")


def _is_id(text: str) -> bool:
    return len(text) == 64 and not set(text) - set("0123456789abcdef")


def _keep(store: Store, row: ReadNotice) -> None:
    """Whoever has read everything needs no rows of single items; of those the oldest go first."""
    single = sorted((old for old in store.rows(ReadNotice, name=row.name) if old.notice != ALL_READ),
                    key=lambda old: old.at_ms)  # fmt: skip
    for old in single if row.notice == ALL_READ else single[: max(0, len(single) - _NOTICES_MAX)]:
        store.delete(ReadNotice, old.name, old.notice)
    store.put([row])


# -- proposals --------------------------------------------------------------------------------------------------------


async def _proposal(request: WebRequest) -> Document:
    word = request.part("n")
    found = [one for one in await request.ask("todo.list") if one["id"] == word]
    if not found:
        raise NotFoundError("这条提醒已处理，或没有这条提醒", field="提醒", value=word[:16], remedy="回到工作台查看")
    return dict(found[0])


async def proposal(request: WebRequest) -> Response:
    """One proposal: its grounds, and what may be done about it."""
    one = await _proposal(request)
    text = f"{str(one['text']).removeprefix('建议')}。{one['grounds']}"
    carry, done = await asyncio.gather(request.blank(CARRY, text=text), request.blank(DONE))
    return request.render("workbench/proposal.html", one=one, carry=carry, done=done)


async def carry(request: WebRequest) -> Response:
    """Do as proposed: a 催办 or a 督办单 in this person's name."""
    form, word = await request.form(CARRY), request.part("n")
    if form.ok and (answer := await request.act(form, "todo.carry", n=word)) is not None:
        return request.redirect("/", flash="已发督办单" if answer.get("verb") == "item.slip" else "已登记催办")
    one = await _proposal(request)
    return request.render("workbench/proposal.html", 422, one=one, carry=form, done=await request.blank(DONE))


async def done(request: WebRequest) -> Response:
    """Ticked off, or not followed, with a reason."""
    form, word = await request.form(DONE), request.part("n")
    if form.ok and await request.act(form, "todo.done", n=[word]) is not None:
        return request.redirect("/", flash="已标为不采纳" if form.values["dismiss"] else "已标为已处理")
    one = await _proposal(request)
    text = f"{str(one['text']).removeprefix('建议')}。{one['grounds']}"
    blank = await request.blank(CARRY, text=text)
    return request.render("workbench/proposal.html", 422, one=one, carry=blank, done=form)


PAGES = (
    Page("/", workbench, "workbench", nav="工作台", order=10),
    Page("/notices", read_news, SIGNED_IN, ("POST",)),
    Page("/todo/{n}", proposal, "todo.done"),
    Page("/todo/{n}/carry", carry, "todo.carry", ("POST",)),
    Page("/todo/{n}/done", done, "todo.done", ("POST",)),
)
