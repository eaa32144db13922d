"""操作审计: the console's audit log."""

from __future__ import annotations

from starlette.responses import Response

from node.web.page import Page
from node.web.request import WebRequest


async def audit(request: WebRequest) -> Response:
    """The newest entries first; with ``name`` those of one account."""
    query = request.query("page", "name")
    return request.render("audit/list.html", log=await request.ask("console.audit", **query), name=query["name"])


PAGES = (Page("/audit", audit, "console.audit", nav="操作审计", order=75),)
