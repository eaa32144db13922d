"""附件: downloaded as files, or looked at in a page (W9). Who may see the item may do both, nobody else either.

Rules of this file: a download is of an unspoken type; what a browser shows by itself is sent as the type its first
bytes say, never as the name says; all else that is looked at is text in a page of ours (`node.web.previews`).
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from node.errors import InputError
from node.web.page import Page
from node.web.previews import PDF, begun, first, inline_type, look_at
from node.web.request import WebRequest
from node.web.security import CSP_PDF, CSP_SHOWS_PDF, FRAMED_BY_US


async def download(request: WebRequest) -> Response:
    """An attachment as a file."""
    found = await request.gateway.fetch(request.caller, request.part("item"), request.part("hash"))
    return request.download(found.name, found.content, found.size_bytes)


async def look(request: WebRequest) -> Response:
    """A page that shows what can be shown of an attachment, and offers the download."""
    hash_hex = request.part("hash")
    shown = await request.ask("item.show", item=request.part("item"))
    found = await request.gateway.fetch(request.caller, shown["id"], hash_hex)
    seen = await look_at(found, request.console.reading)
    response = request.render("items/file.html", item=shown, name=found.name, hash=hash_hex, look=seen)
    if seen.kind == "pdf" and not seen.why:
        response.headers["content-security-policy"] = CSP_SHOWS_PDF
    return response


async def inline(request: WebRequest) -> Response:
    """What a browser shows by itself: a picture for an ``img`` of `look`, a PDF for its ``object``."""
    found = await request.gateway.fetch(request.caller, request.part("item"), request.part("hash"))
    head, content = await begun(found.content)
    kind = inline_type(head, found.size_bytes)
    if not kind:
        await first(found.content, 0)
        remedy = "下载后用原来的程序打开"
        raise InputError("内容不是可以查看的图片或PDF文件", field="附件", value=found.name, remedy=remedy)
    headers = {"content-length": str(found.size_bytes)}
    if kind == PDF:
        headers["content-disposition"] = f"inline; filename*=UTF-8''{quote(found.name, safe='')}"
        headers["content-security-policy"], headers["x-frame-options"] = CSP_PDF, FRAMED_BY_US
    return StreamingResponse(content, media_type=kind, headers=headers)


PAGES = (
    Page("/items/{item}/files/{hash}", download, "item.fetch"),
    Page("/items/{item}/files/{hash}/view", look, "item.fetch"),
    Page("/items/{item}/files/{hash}/inline", inline, "item.fetch"),
)
