"""常用条件: the filters of a list that a person keeps under a name, and takes up or removes again.

Lists show them with `macros/lists.html` and route ``…/filters`` to `keep`, ``…/filters/delete`` to `forget`.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response

from node.storage.port import SavedFilter, Store
from node.web.forms import Field
from node.web.request import WebRequest

KEPT_MAX, QUERY_CHARS_MAX = 30, 2_000
KEEP = (
    Field("title", "名称", required=True, chars_max=40),
    Field("query", "条件", "hidden", chars_max=QUERY_CHARS_MAX),
)
FORGET = (Field("title", "名称", "hidden", required=True),)


async def kept_for(request: WebRequest, page: str) -> list[SavedFilter]:
    """What this person has kept for a list."""
    name = request.caller.name
    return await request.gateway.read(lambda reader: reader.rows(SavedFilter, name=name, page=page))


async def keep(request: WebRequest, page: str, filters: Collection[str]) -> Response:
    """Keep the filter under a name; the same name again takes its place."""
    form = await request.form(KEEP)
    query = clean(str(form.values["query"]), filters)
    if not form.ok:
        return request.redirect(page, flash="没有保存：请写名称，至多40字。", **dict(parse_qsl(query)))
    row = SavedFilter(request.caller.name, page, str(form.values["title"]), query, request.gateway.now_ms())

    def write(store: Store) -> bool:
        known = store.rows(SavedFilter, name=row.name, page=page)
        if len(known) >= KEPT_MAX and row.title not in {one.title for one in known}:
            return False
        store.put([row])
        return True

    done = await request.gateway.write(write)
    said = f"已保存常用条件「{row.title}」" if done else f"常用条件至多 {KEPT_MAX} 个，请先删去不用的"
    return request.redirect(page, flash=said, **dict(parse_qsl(query)))


async def forget(request: WebRequest, page: str) -> Response:
    """Remove a kept filter."""
    form = await request.form(FORGET)
    key = (request.caller.name, page, str(form.values["title"]))
    await request.gateway.write(lambda store: store.delete(SavedFilter, *key))
    return request.redirect(page, flash="已删去")


def clean(query: str, filters: Collection[str]) -> str:
    """Of a kept address only the filters of its list."""
    return urlencode([(name, value) for name, value in parse_qsl(query[:QUERY_CHARS_MAX]) if name in filters])
