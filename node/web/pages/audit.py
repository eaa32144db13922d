"""操作审计: the console's audit log."""

from __future__ import annotations

from starlette.responses import Response

from node.web.page import Page
from node.web.request import WebRequest


async def audit(request: WebRequest) -> Response:
    """The newest entries first."""
    return request.render("audit/list.html", log=await request.ask("console.audit", **request.query("page")))


PAGES = (Page("/audit", audit, "console.audit", nav="操作审计", order=75),)
