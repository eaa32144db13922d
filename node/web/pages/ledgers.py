"""台账: the ledgers of the rules in force, each with its columns as the person wants them, out as xlsx (R92 to R96)."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response

from node.documents.ledger_out import pages_of, write_book
from node.errors import InputError, NotFoundError
from node.items.lifecycle import STATE_LABELS
from node.rules.words import LINES
from node.services.access import scope
from node.services.access.rights import LEADER
from node.services.sheets.ledger_rows import COLUMNS
from node.services.views.papers import PAPERS
from node.storage.port import Reader, SavedFilter, Store, Unit, User
from node.web import kept_filters
from node.web.forms import Field
from node.web.page import Page
from node.web.pages.items import tickable
from node.web.pages.offices import asked_office, office_code
from node.web.request import WebRequest
from node.web.wording import text_of

Document = dict[str, Any]
LIST = "/ledgers"
FILTERS = ("words", "state", "light", "unit", "leader", "line", "office", "year", "sort")
# What a column is sorted by.
SORTS: Mapping[str, str] = {
    "number": "number", "title": "title", "receiver": "receiver", "state": "state", "due": "due",
    "assigned": "opened",
}  # fmt: skip
# Columns that a person sees who has chosen none; the file has all.
_USUAL = ("number", "title", "lead", "assist", "person", "state", "light", "due", "percent", "progress", "slip",
          "known", "as_of")  # fmt: skip
WIDE = frozenset({"title", "measures", "progress", "schedule", "remark", "basis"})
EXPORT_ROWS_MAX, _EXPORT_PAGE = 10_000, 200
CHOICE = (
    Field("columns", "显示的列", "choices", choices=tuple(COLUMNS.items())),
    Field("query", "条件", "hidden", chars_max=kept_filters.QUERY_CHARS_MAX),
)


async def ledgers(request: WebRequest) -> Response:
    """All ledgers, with the units' and the leaders' views of them."""
    found = await request.ask("ledger.list")
    units, leaders = await request.gateway.read(lambda reader: _people(reader, request))
    first = next((one["ledger"] for one in found["ledgers"] if one["ledger"] == "all"), "")
    first = first or next((one["ledger"] for one in found["ledgers"]), "")
    by_leader = next((one["ledger"] for one in found["ledgers"] if one["ledger"] == "leader"), first)
    by_unit = next((one["ledger"] for one in found["ledgers"] if one["ledger"] == "department"), first)
    return request.render(
        "ledgers/list.html", found=found, units=units, leaders=leaders, by_leader=by_leader, by_unit=by_unit,
        papers={name: one.label for name, one in PAPERS.items()},
    )  # fmt: skip


def _people(reader: Reader, request: WebRequest) -> tuple[list[str], list[str]]:
    """The units that have a ledger for this person, and the leaders with an account."""
    narrowed = scope.limits(reader, request.caller)
    units = [unit.name for unit in reader.rows(Unit) if unit.active and (narrowed is None or unit.name in narrowed)]
    leaders = {user.name for user in reader.rows(User) if user.active and LEADER in user.roles.split(",")}
    return sorted(units), sorted(leaders)


async def ledger(request: WebRequest) -> Response:
    """One ledger by pages."""
    word = request.part("ledger")
    query = request.query(*FILTERS, "page")
    asked = {name: value for name, value in query.items() if value and name != "page"}
    found: Document | None = None
    wrong = ""
    try:
        office = await office_code(request, query["office"])
        found = await request.ask("ledger.show", ledger=word, **_args(query | {"office": office}))
    except NotFoundError:
        raise
    except InputError as error:
        if error.field == "LEDGER":
            raise NotFoundError("没有这本台账", field="台账", value=word[:40], remedy="从台账目录进入") from error
        wrong = text_of(error)
    chosen = await _chosen(request, word)
    every = found["columns"] if found is not None else []
    shown = [one for one in every if one["key"] in chosen] or every
    return request.render(
        "ledgers/show.html", 200 if found is not None else 422, found=found, query=query, asked=asked, wrong=wrong,
        word=word, columns=shown, every=every, states=STATE_LABELS, lines=LINES, sorts=SORTS, wide_columns=WIDE,
        kept=await kept_filters.kept_for(request, _key(word)), office=await asked_office(request, query["office"]),
        keep=await request.blank(kept_filters.KEEP, query=urlencode(asked)),
        choice=await request.blank(CHOICE, query=urlencode(asked)),
        tickable=await tickable(request, [one["id"] for one in found["rows"]] if found is not None else ()),
        shared={one: value for one, value in asked.items() if one != "sort"},
    )  # fmt: skip


def _args(query: Mapping[str, str]) -> dict[str, object]:
    """What the service asks for; numbers as numbers. InputError."""
    args: dict[str, object] = {name: query.get(name, "") for name in FILTERS}
    for name, label in (("year", "年份"), ("page", "页码")):
        text = query.get(name, "")
        if text and not (text.isascii() and text.isdigit() and len(text) <= 6):
            raise InputError(f"{label}须为整数", field=f"--{name}", value=text[:20], remedy="写数字")
        args[name] = int(text) if text else None
    return args


async def _chosen(request: WebRequest, word: str) -> tuple[str, ...]:
    """The columns this person has chosen for this ledger."""
    name, key = request.caller.name, _key(word) + "#"
    row = await request.gateway.read(lambda reader: reader.get(SavedFilter, name, key, ""))
    return tuple(row.query.split(",")) if row is not None else _USUAL


def _key(word: str) -> str:
    """Under which page this ledger's filters are kept."""
    return f"{LIST}/{word}"


async def _known(request: WebRequest) -> str:
    """The ledger of the path; NotFoundError where there is none, so that nothing is kept for it."""
    word = request.part("ledger")
    found = await request.ask("ledger.list")
    if word not in {one["ledger"] for one in found["ledgers"]}:
        raise NotFoundError("没有这本台账", field="台账", value=word[:40], remedy="从台账目录进入")
    return word


async def columns(request: WebRequest) -> Response:
    """Keep which columns are shown; none means the usual ones."""
    form = await request.form(CHOICE)
    word = await _known(request)
    given = form.values["columns"]
    keys = [one for one in COLUMNS if isinstance(given, list) and one in given]
    name, key, query = request.caller.name, _key(word) + "#", kept_filters.clean(str(form.values["query"]), FILTERS)
    now_ms = request.gateway.now_ms()

    def write(store: Store) -> None:
        if keys:
            store.put([SavedFilter(name, key, "", ",".join(keys), now_ms)])
        else:
            store.delete(SavedFilter, name, key, "")

    if form.ok:
        await request.gateway.write(write)
    return request.redirect(_key(word), flash="已保存显示的列" if form.ok else "", **dict(parse_qsl(query)))


async def keep(request: WebRequest) -> Response:
    """Keep this filter under a name."""
    return await kept_filters.keep(request, _key(await _known(request)), FILTERS)


async def forget(request: WebRequest) -> Response:
    """Remove a kept filter."""
    return await kept_filters.forget(request, _key(await _known(request)))


# -- xlsx -------------------------------------------------------------------------------------------------------------


async def book(request: WebRequest) -> Response:
    """The ledger with these filters and all its columns as a file that can be edited and imported again (R94)."""
    word, query = await _known(request), request.query(*FILTERS)
    office = await office_code(request, query["office"])
    args = _args(query | {"office": office}) | {"ledger": word, "per": _EXPORT_PAGE}
    first = await request.ask("ledger.show", **(args | {"page": 1}))
    if first["total"] > EXPORT_ROWS_MAX:
        remedy = "先按年份、承办机构等缩小范围，分几个文件导出"
        raise InputError(f"超过{EXPORT_ROWS_MAX}行", field="台账", value=first["total"], remedy=remedy)
    loop = asyncio.get_running_loop()

    def next_page(page: int) -> Document:
        asked = request.ask("ledger.show", **(args | {"page": page}))
        return dict(asyncio.run_coroutine_threadsafe(asked, loop).result())

    def write() -> bytes:
        names = [(one["key"], one["name"]) for one in first["columns"]]
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "ledger.xlsx"
            write_book(target, first["title"], first["office"], first["asked_ms"], names, pages_of(first, next_page))
            return target.read_bytes()

    return request.download(f"{first['title']}.xlsx", await asyncio.to_thread(write))


PAGES = (
    Page(LIST, ledgers, "ledger.list", nav="台账", order=30),
    Page("/ledgers/{ledger}", ledger, "ledger.show"),
    Page("/ledgers/{ledger}/xlsx", book, "ledger.show"),
    Page("/ledgers/{ledger}/columns", columns, "ledger.show", ("POST",)),
    Page("/ledgers/{ledger}/filters", keep, "ledger.show", ("POST",)),
    Page("/ledgers/{ledger}/filters/delete", forget, "ledger.show", ("POST",)),
)
