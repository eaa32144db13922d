"""事项: the list and one item, as simple as they can be."""

from __future__ import annotations

from starlette.responses import Response

from node.errors import InputError
from node.web.forms import Field
from node.web.page import SIGNED_IN, Page
from node.web.request import WebRequest

PER_PAGE = 50
URGE = (Field("reason", "催办意见", "text", required=True, help="写明催办的理由和要求", arg="text"),)


async def home(request: WebRequest) -> Response:
    """Where one begins."""
    return request.redirect("/items")


async def items(request: WebRequest) -> Response:
    """All items, filtered."""
    query = request.query("text", "light", "page")
    page = query.pop("page") or "1"
    if not page.isdecimal() or not 0 < int(page) < 100_000:
        raise InputError("页码写法不对", field="页码", value=page, remedy="从第一页开始翻")
    found = await request.ask("item.list", **query)
    pages = max(1, -(-len(found) // PER_PAGE))
    number = min(int(page), pages)
    rows = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    return request.render("items/list.html", rows=rows, page=number, pages=pages, total=len(found), query=query)


async def item(request: WebRequest) -> Response:
    """One item."""
    found = await request.ask("item.show", item=request.part("item"))
    form = await request.blank(URGE, item=found["id"], draft=f"urge/{found['id']}")
    return request.render("items/show.html", item=found, form=form)


async def urge(request: WebRequest) -> Response:
    """催办."""
    word = request.part("item")
    form = await request.form(URGE, draft=f"urge/{word}")
    if form.ok and await request.act(form, "item.urge", item=word) is not None:
        return request.redirect(f"/items/{word}", flash="已催办")
    found = await request.ask("item.show", item=word)
    return request.form_page("items/show.html", form, item=found)


PAGES = (
    Page("/", home, SIGNED_IN),
    Page("/items", items, "item.list", nav="事项", order=20),
    Page("/items/{item}", item, "item.show"),
    Page("/items/{item}/urge", urge, "item.urge", ("POST",)),
)
