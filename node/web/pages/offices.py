"""单位查找: the offices a task may go to, by name, pinyin or code; and the part of a form that chooses among them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from starlette.responses import Response

from node.services.views.office_finder import Found
from node.web.forms import Field, Form
from node.web.page import Page
from node.web.request import WebRequest

# `find` and `look` are the form's own: what is looked for, and that it was the search button.
PICKER = (
    Field("to", "承办单位", "choices", required=True),
    Field("lead", "牵头单位"),
    Field("find", "查找单位"),
    Field("look", "查找", "hidden"),
)
NOT_SENT = {"find": "", "look": ""}


class Picker(NamedTuple):
    """What the macro `picker` shows."""

    chosen: list[Found]
    found: list[Found]
    more: bool


async def picker_of(request: WebRequest, form: Form) -> Picker:
    """The offices chosen so far, and those found for what is being looked for."""
    given = form.values.get("to")
    codes = [str(code) for code in given] if isinstance(given, list) else []
    view, query = request.gateway.view(), str(form.values.get("find") or "")
    finder = request.console.finder
    found, more = await asyncio.to_thread(finder.find, view, query)
    chosen = await asyncio.to_thread(finder.named, view, codes)
    return Picker(chosen, [one for one in found if one.code not in codes], more)


def looking(form: Form) -> bool:
    """Whether the search button sent the form: nothing is wrong with it then, nor is it to be carried out."""
    if not form.values.get("look"):
        return False
    form.errors.clear()
    form.error, form.values["look"] = "", ""
    return True


async def names_of(request: WebRequest, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Names of the receivers of these rows, also of those that are not enrolled yet and have no certified name."""
    codes = sorted({str(row["receiver"]) for row in rows if row["receiver"] == row["receiver_name"]})
    found = await asyncio.to_thread(request.console.finder.named, request.gateway.view(), codes) if codes else []
    return {one.code: one.name for one in found}


class Asked(NamedTuple):
    """The office of a filter: what the page shows of it, and the names it offers."""

    shown: str
    names: list[str]


async def office_code(request: WebRequest, text: str) -> str:
    """The code of the office that a person wrote by name, pinyin or code; InputError where none or several fit."""
    return await asyncio.to_thread(request.console.finder.code_of, request.gateway.view(), text)


async def asked_office(request: WebRequest, text: str) -> Asked:
    """What the macro `office` of lists shows."""
    finder, view = request.console.finder, request.gateway.view()
    return await asyncio.to_thread(lambda: Asked(*finder.labels(view, text)))


async def offices(request: WebRequest) -> Response:
    """A page of its own, and what the form's search puts into itself."""
    query = request.query("find")["find"]
    found, more = await asyncio.to_thread(request.console.finder.find, request.gateway.view(), query)
    return request.render("opening/offices.html", found=found, more=more, find=query)


PAGES = (Page("/offices", offices, "item.decompose"),)
