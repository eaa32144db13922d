"""交办通知 and 催办通知 as sheets of A4 to print, laid out as GB/T 9704 has it; the seal is set by hand (issue 5).

No seal is drawn: its place stays empty, between the office's name and the date.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from starlette.responses import Response

from node.clock import SHANGHAI
from node.records.kinds import Kind
from node.web.page import Page
from node.web.request import WebRequest

_OPENED = frozenset({int(Kind.ASSIGN), int(Kind.DISPATCH), int(Kind.REGISTER)})


def chinese_date(text: str | None) -> str:
    """2026年11月22日 of an ISO date or time; empty for none."""
    if not text:
        return ""
    if len(text) == len("2026-11-22"):
        day = date.fromisoformat(text)
    else:
        day = datetime.fromisoformat(text).astimezone(SHANGHAI).date()
    return f"{day.year}年{day.month}月{day.day}日"


async def notice(request: WebRequest) -> Response:
    """The 交办通知."""
    item = await request.ask("item.show", item=request.part("item"))
    opened = next((one for one in item["timeline"] if one["kind"] in _OPENED), None)
    return _sheet(request, "items/print_notice.html", item, opened)


async def urging(request: WebRequest) -> Response:
    """The 催办通知 of the last urging that has effect."""
    item = await request.ask("item.show", item=request.part("item"))
    urges = [one for one in item["timeline"] if one["kind"] == int(Kind.URGE) and one["effect"] == "applied"]
    return _sheet(request, "items/print_urge.html", item, urges[-1] if urges else None, count=len(urges))


def _sheet(
    request: WebRequest, template: str, item: dict[str, Any], entry: dict[str, Any] | None, count: int = 0
) -> Response:
    dated = chinese_date(entry["recorded_at"] if entry is not None else None)
    files = [one["name"] for one in item["attachments"]]
    return request.render(
        template, item=item, entry=entry, dated=dated, due=chinese_date(item["due"]), files=files,
        number=item["number"] or item["id"][:12], count=count,
    )  # fmt: skip


PAGES = (
    Page("/items/{item}/print/notice", notice, "item.show"),
    Page("/items/{item}/print/urge", urging, "item.show"),
)
