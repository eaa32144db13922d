"""对账与联通: the links of the subtree, alarms with what to do about them, reconciliation, forks."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.responses import Response

from node.documents.statement import write_sheet
from node.services.care.alarm_codes import ALARMS
from node.web.forms import Field, Form
from node.web.page import Page
from node.web.pages import links_runbook
from node.web.request import WebRequest

STATES: Mapping[str, tuple[str, str, str]] = {  # state of a link: word, badge, shape
    "synced": ("已同步", "good", "●"), "syncing": ("同步中", "plain", "◐"), "behind": ("滞后", "warn", "▲"),
    "stale": ("数据过期", "bad", "■"), "quarantined": ("隔离", "bad", "✕"), "never": ("未联通", "plain", "○"),
}  # fmt: skip
OUTCOMES: Mapping[str, str] = {"balanced": "good", "repaired": "warn", "disputed": "bad", "incomplete": "warn",
                               "settled": "good"}  # fmt: skip
ACK = (Field("code", "告警代码", "hidden", required=True), Field("subject", "对象", "hidden", chars_max=1_000))
RECONCILE = (Field("peer", "单位", "hidden", arg="with"),)
SETTLE = (
    Field(
        "keep", "在新纪元重新签发哪一份", "choice", required=True,
        choices=(("both", "两份都继续"), ("here", "只继续本机日志所载"), ("other", "只继续另存的一份")),
        help="原日志永久冻结，两份记录仍各有其效力；重新签发的记录原件与副本只计一次。",
    ),
    Field("sure", "已查明分叉的原因，另一台同名节点已停止", "check", required=True),
)  # fmt: skip
_WAIT_S = 8.0  # a run may take minutes: the page does not wait for it longer
_PER_PAGE = 50


# -- links and alarms -------------------------------------------------------------------------------------------------


async def show(request: WebRequest) -> Response:
    """The subtree's links, and what is wrong."""
    return await _page(request)


async def _page(request: WebRequest, refused: Form | None = None) -> Response:
    status = await request.ask("status")
    me = str(status["office"]["code"])
    alarms = await _alarms(request, status["alarms"])
    links = [link | {"hold": hold_of(link), "button": await request.blank(RECONCILE, peer=link["office"])}
             for link in status["links"]]  # fmt: skip
    below = lower_links(status["offices"]["rows"], me, {str(link["office"]) for link in links})
    return request.render(
        "links/show.html", 422 if refused else 200, node=status, alarms=alarms, below=below,
        parents=[link for link in links if link["role"] == "parent"],
        children=[link for link in links if link["role"] == "child"],
        states=STATES, outcomes=OUTCOMES, all_button=await request.blank(RECONCILE),
        refused=_refusal(refused) if refused else "",
    )  # fmt: skip


def _refusal(form: Form) -> str:
    return form.error or "；".join(form.errors.values())


async def _alarms(request: WebRequest, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Alarms with their section of the runbook, and with a button where a person may end them."""
    sections = await asyncio.to_thread(links_runbook.load) if rows else {}
    found = []
    for row in rows:
        known = ALARMS.get(str(row["code"]))
        by_hand = known is not None and known.by_hand and request.may("alarm.ack")
        button = await request.blank(ACK, code=row["code"], subject=row["subject"]) if by_hand else None
        section = sections.get(str(row["code"]))
        found.append({
            **row, "title": known.title if known else row["code"], "ends": known.ends if known else "",
            "section": section, "button": button,
        })  # fmt: skip
    return found


def hold_of(link: Mapping[str, Any]) -> str:
    """Which hop of a neighbour's link holds what back; empty where nothing waits."""
    words = []
    if link["state"] == "quarantined":
        words.append("已隔离，双方不再收发")
    if link["to_send"]:
        words.append(f"本单位发往对方的 {link['to_send']} 条尚无收讫")
    if link["to_receive"]:
        words.append(f"对方的 {link['to_receive']} 条尚未收齐")
    if not link["connected"] and link["state"] in ("behind", "stale"):
        words.append("连接中断，恢复后自动补齐")
    if link["state"] == "never":
        words.append("从未联通")
    return "，".join(words)


def lower_links(rows: Sequence[Mapping[str, Any]], me: str, children: set[str]) -> dict[str, list[dict[str, Any]]]:
    """What is known of the links below the children, by the upper office; ``hold`` names the first broken hop."""
    by_code = {str(row["office"]): row for row in rows}

    def broken(code: str) -> str:
        """The highest office on the way down to this one that has nothing new enough."""
        way: list[str] = []
        while code in by_code and code not in way:
            way.append(code)
            code = str(by_code[code]["above"])
        stale = [one for one in reversed(way) if not by_code[one]["fresh"]]
        return stale[0] if stale else ""

    found: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: str(row["office"])):
        if row["office"] in children or row["above"] == me:
            continue
        hop = broken(str(row["office"]))
        text = ""
        if hop:
            upper = str(by_code[hop]["above"])
            text = "从未同步过" if not row["as_of"] else f"停在 {upper} → {hop}"
        found.setdefault(str(row["above"]), []).append({**row, "hold": text})
    return found


async def acknowledge(request: WebRequest) -> Response:
    """End an alarm that somebody has looked into."""
    form = await request.form(ACK)
    if form.ok and await request.act(form, "alarm.ack") is not None:
        return request.redirect("/links", flash="已确认告警")
    return await _page(request, form)


# -- reconciliation ---------------------------------------------------------------------------------------------------


async def reconcile(request: WebRequest) -> Response:
    """Reconcile now, with one neighbour or all; what takes longer goes on and shows in the history."""
    form = await request.form(RECONCILE)
    if not form.ok:
        return await _page(request, form)
    task = asyncio.ensure_future(request.act(form, "reconcile"))
    done, _ = await asyncio.wait({task}, timeout=_WAIT_S)
    if not done:
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return request.redirect("/links/history", flash="对账仍在进行，结束后列在下面")
    if task.result() is None:
        return await _page(request, form)
    runs = task.result()
    said = "、".join(f"{run['with']} {run['outcome_label']}" for run in runs) or "没有上级和下级节点"
    return request.redirect("/links/history", flash=f"对账结束：{said}")


async def history(request: WebRequest) -> Response:
    """All runs, newest first."""
    query = request.query("with", "page")
    rows = await request.ask("reconcile.history", **{"with": query["with"]})
    pages = max(1, -(-len(rows) // _PER_PAGE))
    page = min(max(int(query["page"]) if query["page"].isdecimal() and len(query["page"]) < 6 else 1, 1), pages)
    shown = rows[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    return request.render(
        "links/history.html", rows=shown, total=len(rows), page=page, pages=pages, peer=query["with"],
        outcomes=OUTCOMES, all_button=await request.blank(RECONCILE, peer=query["with"]),
    )  # fmt: skip


async def sheet(request: WebRequest) -> Response:
    """The 对账单 as xlsx."""
    query = request.query("with")
    rows = await request.ask("reconcile.history", **{"with": query["with"]})
    office = request.gateway.office_code

    def write() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "sheet.xlsx"
            write_sheet(target, f"督查事项对账单 {office}", office, rows)
            return target.read_bytes()

    return request.download(f"对账单-{office}.xlsx", await asyncio.to_thread(write))


# -- forks ------------------------------------------------------------------------------------------------------------


async def forks(request: WebRequest) -> Response:
    """All forks known here."""
    return request.render("links/forks.html", rows=await request.ask("fork.list"))


async def fork(request: WebRequest) -> Response:
    """One fork: both branches, the proof, and settling it."""
    found = await request.ask("fork.show", log=request.part("log"))
    form = await request.blank(SETTLE, keep="both")
    return request.render("links/fork.html", fork=found, form=form)


async def settle(request: WebRequest) -> Response:
    """Begin a new epoch; NotFoundError where there is no such fork."""
    log = request.part("log")
    form = await request.form(SETTLE)
    form.values["sure"] = False  # asked of the person, not of the service
    if form.ok and (done := await request.act(form, "fork.settle", log=log)) is not None:
        flash = f"已处置，开始新纪元 {done['epoch']}，重新签发 {done['reissued']} 条记录"
        return request.redirect(f"/links/forks/{log}", flash=flash)
    found = await request.ask("fork.show", log=log)
    return request.form_page("links/fork.html", form, fork=found)


async def proof(request: WebRequest) -> Response:
    """The proof of a fork as a file; it holds no content of any item."""
    found = await request.ask("fork.export", log=request.part("log"))
    return request.download(f"分叉证明-{found['author']}-{found['log'][:16]}.json", str(found["proof"]).encode())


PAGES = (
    Page("/links", show, "status", nav="对账与联通", order=60),
    Page("/links/ack", acknowledge, "alarm.ack", ("POST",)),
    Page("/links/reconcile", reconcile, "reconcile", ("POST",)),
    Page("/links/history", history, "reconcile.history"),
    Page("/links/sheet", sheet, "reconcile.history"),
    Page("/links/forks", forks, "fork.list"),
    Page("/links/forks/{log}", fork, "fork.show"),
    Page("/links/forks/{log}", settle, "fork.settle", ("POST",)),
    Page("/links/forks/{log}/proof", proof, "fork.export"),
)
