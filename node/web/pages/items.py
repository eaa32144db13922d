"""事项: the list with its filters and search, filters kept under a name, urging many at once (R12, W14)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from node.errors import ForbiddenError, InputError, NotFoundError
from node.items.lifecycle import STATE_LABELS
from node.rules.words import COLOURS, LINES
from node.services.views.pages import SORT_LABELS
from node.services.views.urging import addressed, can_be_urged
from node.storage.port import Reader
from node.web import kept_filters
from node.web.forms import Field, Form
from node.web.page import Page
from node.web.pages.item_fields import action_named
from node.web.pages.offices import asked_office, office_code
from node.web.request import WebRequest
from node.web.wording import text_of

LIST = "/items"
FILTERS = ("text", "state", "light", "kind", "office", "unit", "source", "class", "leader", "colour", "line",
           "due_from", "due_to", "parent", "mine", "open", "overdue", "sort")  # fmt: skip
# Those that stand behind 更多条件.
RARE = ("kind", "office", "unit", "source", "class", "leader", "colour", "line", "due_from", "due_to")
# Heads of the list: what it is sorted by (empty: not at all) and its word.
HEADS = (("number", "登记编号"), ("title", "事项"), ("receiver", "承办单位"), ("state", "状态"), ("", "时限灯"),
         ("due", "办结时限"), ("", "进度"), ("", "情况"), ("updated", "最近更新"))  # fmt: skip
ITEMS_MAX = 200
CHOSEN = (Field("item", "事项", "choices", chars_max=64),)


async def items(request: WebRequest) -> Response:
    """The list: filtered, sorted, by pages."""
    query = request.query(*FILTERS, "page")
    asked = {name: value for name, value in query.items() if value and name != "page"}
    found: dict[str, Any] | None = None
    wrong = ""
    try:
        office = await office_code(request, query["office"])
        found = await request.ask("item.page", **(asked | {"page": query["page"], "office": office}))
    except NotFoundError:
        raise
    except InputError as error:
        wrong = text_of(error)
    return request.render(
        "items/list.html", 200 if found is not None else 422, found=found, query=query, asked=asked, wrong=wrong,
        heads=HEADS, sorts=SORT_LABELS, states=STATE_LABELS, colours=COLOURS, lines=LINES,
        rare=any(query[one] for one in RARE),
        kept=await kept_filters.kept_for(request, LIST), office=await asked_office(request, query["office"]),
        keep=await request.blank(kept_filters.KEEP, query=urlencode(asked)),
        tickable=await tickable(request, [one["id"] for one in found["items"]] if found is not None else ()),
        here_again={name: value for name, value in asked.items() if name != "sort"}, unnamed=not asked,
    )  # fmt: skip


async def tickable(request: WebRequest, listed: Iterable[str]) -> frozenset[str]:
    """Those of these items, by id, that the caller may urge, and of which somebody would hear."""
    if not request.may("item.urge"):
        return frozenset()
    office, ids = request.gateway.office_code, [bytes.fromhex(one) for one in listed]
    found = await request.gateway.read(lambda reader: can_be_urged(reader, office, ids))
    return frozenset(one.hex() for one in found)


async def keep(request: WebRequest) -> Response:
    """Keep this filter under a name."""
    return await kept_filters.keep(request, LIST, FILTERS)


async def forget(request: WebRequest) -> Response:
    """Remove a kept filter."""
    return await kept_filters.forget(request, LIST)


# -- many at once -----------------------------------------------------------------------------------------------------


async def choose(request: WebRequest) -> Response:
    """The form to urge what was ticked in the list; nothing is done yet."""
    given = await request.form(CHOSEN)
    chosen = await _addressed(request, _chosen(given))
    if not chosen:
        return request.redirect(LIST, flash="请先勾选要催办的事项。")
    spec = await _urging(request, chosen)
    return request.render("items/urge.html", form=await request.blank(spec, item="", channel="notice", chosen=chosen))


async def _addressed(request: WebRequest, chosen: list[str]) -> list[str]:
    """Those it is written on, for each item in turn (`urging`)."""
    office = request.gateway.office_code

    def tasks(reader: Reader) -> list[str]:
        told = addressed(reader, office, [bytes.fromhex(one) for one in chosen])
        return list(dict.fromkeys(row.item_id.hex() for one in told for row in one.told))

    found = await request.gateway.read(tasks)
    if len(found) > ITEMS_MAX:
        raise InputError(f"一次至多催办 {ITEMS_MAX} 件", field="事项", value=len(found), remedy="分几次办理")
    return found


async def urge(request: WebRequest) -> Response:
    """Urge each of them: one command for each item, and what came of each."""
    form = await request.form(_fields())
    chosen = _chosen(form)
    form.spec = await _urging(request, chosen)
    if not chosen:
        form.errors["chosen"] = "请选择事项。"
    if not form.ok:
        return request.form_page("items/urge.html", form)
    told = dict(form.spec[0].choices)
    done: list[tuple[str, str, str]] = []
    for item in chosen:
        try:
            await request.gateway.do(
                request.caller, "item.urge", once=f"{form.once}.{item}", sent=form.sent,
                address=request.address, item=item, text=form.values["text"], channel=form.values["channel"],
            )  # fmt: skip
        except (InputError, ForbiddenError) as error:
            done.append((item, told.get(item, item[:12]), text_of(error)))
        else:
            done.append((item, told.get(item, item[:12]), ""))
    return request.render("items/urged.html", done=done, failed=sum(bool(why) for _, _, why in done))


def _fields() -> tuple[Field, ...]:
    action = action_named("urge")
    assert action is not None  # noqa: S101 - it stands in the services' table
    channels = next(field.choices for field in action.fields if field.name == "channel")
    return (
        Field("chosen", "事项", "choices", required=True, chars_max=64),
        Field("text", "催办内容", "text", required=True),
        Field("channel", "方式", "choice", required=True, choices=channels),
    )  # fmt: skip


async def _urging(request: WebRequest, chosen: list[str]) -> tuple[Field, ...]:
    """The fields, with the chosen items by number and title."""
    ids = [bytes.fromhex(one) for one in chosen]

    name_of, office = request.gateway.view().name_of, request.gateway.office_code

    def named(reader: Reader) -> list[tuple[str, str]]:
        return [
            (row.item_id.hex(), f"{row.number or row.item_id.hex()[:12]} {row.title}"
             + (f"（{name_of(row.receiver)}）" if row.receiver != office else ""))
            for row in reader.board(ids)
        ]  # fmt: skip

    items_, *rest = _fields()
    return (items_._replace(choices=await request.gateway.read(named)), *rest)


def _chosen(form: Form) -> list[str]:
    """Full ids only, each once."""
    values = form.values.get("item", form.values.get("chosen", []))
    given = [str(one).lower() for one in values] if isinstance(values, list) else []
    if len(given) > ITEMS_MAX:
        raise InputError(f"一次至多催办 {ITEMS_MAX} 件", field="事项", value=len(given), remedy="分几次办理")
    return list(dict.fromkeys(one for one in given if _is_id(one)))


def _is_id(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


PAGES = (
    Page(LIST, items, "item.page", nav="事项", order=20),
    Page("/items/filters", keep, "item.page", ("POST",)),
    Page("/items/filters/delete", forget, "item.page", ("POST",)),
    Page("/items/urge", choose, "item.urge", ("POST",)),
    Page("/items/urge/send", urge, "item.urge", ("POST",)),
)
