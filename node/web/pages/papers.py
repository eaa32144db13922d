"""督办文书: lists of 延期, 退回, 审核, 督办单, 督办令, 整改清单, 通报, 考核记分, 归档; each as xlsx (R97, R105)."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import Response

from node.documents.sheet_out import write_sheet
from node.errors import InputError
from node.services.views.papers import PAPERS, PER_PAGE_MAX, totals_of
from node.web.page import Page
from node.web.pages.offices import asked_office, names_of, office_code
from node.web.request import WebRequest
from node.web.wording import text_of

Document = dict[str, Any]
EXPORT_ITEMS_MAX = 5_000
HEADS = (("登记编号", 20), ("事项", 36), ("承办单位", 20), ("文书", 14), ("签发单位", 20), ("日期", 18), ("内容", 60),
         ("时限", 12), ("分值", 8), ("结果", 18))  # fmt: skip
SUMS = ("合计", "已采用", "待采用", "条数")


async def papers(request: WebRequest) -> Response:
    """One list by pages; without a kind that of the 督办单."""
    query = request.query("kind", "office", "page")
    found: Document | None = None
    wrong = ""
    try:
        office = await office_code(request, query["office"])
        found = await request.ask("papers", **(query | {"kind": query["kind"] or "slip", "office": office}))
    except InputError as error:
        wrong = text_of(error)
    lines = found["lines"] if found is not None else []
    return request.render(
        "papers/list.html", 200 if found is not None else 422, found=found, query=query, wrong=wrong,
        kinds={name: one.label for name, one in PAPERS.items()}, kind=query["kind"] or "slip",
        names=await names_of(request, [*lines, *((found or {}).get("totals") or ())]),
        office=await asked_office(request, query["office"]),
        asked={name: value for name, value in query.items() if value and name != "page"},
    )  # fmt: skip


async def book(request: WebRequest) -> Response:
    """The whole list as a file."""
    query = request.query("kind", "office")
    office = await office_code(request, query["office"])
    asked = query | {"kind": query["kind"] or "slip", "office": office, "per": str(PER_PAGE_MAX)}
    found = await request.ask("papers", **asked)
    if found["items"] > EXPORT_ITEMS_MAX:
        wide = f"超过 {EXPORT_ITEMS_MAX} 个事项"
        raise InputError(wide, field="清单", value=found["items"], remedy="按单位分几次导出")
    lines = list(found["lines"])
    for page in range(2, found["pages"] + 1):
        lines += (await request.ask("papers", **asked, page=str(page), totals=False))["lines"]
    rows = [
        (
            one["number"] or one["item"][:12], one["title"], one["receiver_name"], one["what"],
            one["author_name"] or "", (one["at"] or "")[:16].replace("T", " "), one["text"], one["due"] or "",
            "" if one["points"] is None else f"{one['points']:+g}", one["outcome"],
        )
        for one in lines
    ]  # fmt: skip
    title = f"{found['label']}清单"
    # Of the whole list, as its lines are: the question's own sums are of fewer items.
    sums = totals_of(lines) if found["kind"] == "score" else []
    above = [("各单位合计", *SUMS), *map(_summed, sums)] if sums else []
    return request.download(f"{title}.xlsx", await asyncio.to_thread(write_sheet, title, HEADS, rows, above))


def _summed(one: Document) -> tuple[str, ...]:
    points = (f"{one[key]:+g}" for key in ("points", "adopted", "proposed"))
    return one["receiver_name"], *points, str(one["scores"])


PAGES = (
    Page("/papers", papers, "papers", under="台账"),
    Page("/papers/xlsx", book, "papers"),
)
