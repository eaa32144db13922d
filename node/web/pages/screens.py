"""节点管理 · 大屏: links for screens on walls, and what a screen shows by its link (issue 5).

A screen's page names no account and carries no session: the link's secret stands for it, until the link is ended.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.responses import Response

from node.services.access import screens
from node.services.access.console_accounts import SEEN_STEP_MS
from node.web.forms import Field, Form
from node.web.page import PUBLIC, Page
from node.web.pages.nodes import once_only
from node.web.pages.statistics import wall_of
from node.web.request import WebRequest

PLACE = (Field("place", "放在哪里", required=True, help="如 政务大厅、三楼会议室；一块屏一个链接"),)
END = (Field("place", "放在哪里", "hidden", required=True),)


async def listed(request: WebRequest) -> Response:
    """All links, and a new one."""
    return await _listed(request, await request.blank(PLACE))


async def _listed(request: WebRequest, form: Form, refused: str = "") -> Response:
    rows = await request.ask("screen.list")
    rows = [row | {"button": await request.blank(END, place=row["place"])} for row in rows]
    good = form.ok and not refused
    return request.render("nodes/screens.html", 200 if good else 422, rows=rows, form=form, refused=refused)


async def give(request: WebRequest) -> Response:
    """The link of a screen, shown this once."""
    form = await request.form(PLACE)
    made: Any = await once_only(request, form, "screen.open") if form.ok else None
    if made is None:
        return await _listed(request, form)
    here = request.http.url  # a Host of ours: `security` has looked at it
    url = f"{here.scheme}://{here.netloc}/wall/{made['token']}"
    return request.render("nodes/screen_given.html", place=made["place"], url=url)


async def end(request: WebRequest) -> Response:
    """The link is good no more."""
    form = await request.form(END)
    if form.ok and await request.act(form, "screen.close") is not None:
        return request.redirect("/nodes/screens", flash="已停用大屏链接")
    return await _listed(request, await request.blank(PLACE), form.error or "；".join(form.errors.values()))


async def wall(request: WebRequest) -> Response:
    """What a screen shows: the figures of 大屏 of this year, asked again every half minute."""
    gateway, token = request.gateway, request.part("token")
    screen = await gateway.read(lambda reader: screens.screen_of(reader, token))
    now_ms = gateway.now_ms()
    if screen.address != request.address or now_ms - screen.seen_ms > SEEN_STEP_MS:
        await gateway.write(partial(screens.touch, screen=screen, now_ms=now_ms, address=request.address))
    # Every screen shows the same: the whole office's figures, as a viewer sees them.
    found = await request.console.answers.get(
        ("wall",), gateway.now_ms, lambda: gateway.ask(screen.caller, "screen")
    )
    return await wall_of(request, found)


PAGES = (
    Page("/nodes/screens", listed, "screen.list"),
    Page("/nodes/screens", give, "screen.open", ("POST",)),
    Page("/nodes/screens/end", end, "screen.close", ("POST",)),
    Page("/wall/{token}", wall, PUBLIC),
)
