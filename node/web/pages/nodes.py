"""节点管理: this node's identity, inviting and approving nodes below, backups, the examination (体检).

Rules of this file: tokens are answered once, in the answer to the form itself: they stand in no address, cookie, log,
audit entry or once-key. What is approved is the fingerprint that stood on the page.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.responses import Response

from node.clock import SHANGHAI
from node.errors import NotFoundError
from node.web.forms import Field, Form
from node.web.page import Page
from node.web.request import WebRequest

INVITE = (
    Field("code", "单位代码", required=True, help="6位或9位行政区划代码，部门再加 -拼音缩写，如 320500 或 320500-zjj"),
    Field("name", "单位名称", help="单位全称；重建已入网单位时可不写"),
    Field(
        "ttl", "有效时间", "choice", required=True,
        choices=(("24h", "24小时"), ("3d", "3天"), ("7d", "7天"), ("30d", "30天")),
    ),
    Field("recover", "重建：该下级丢失节点、换机或通道证书过期", "check"),
    Field("unlisted", "允许行政区划代码表之外的单位", "check"),
)  # fmt: skip
APPROVE = (
    Field("code", "单位代码", "hidden", required=True), Field("fingerprint", "指纹", "hidden", required=True),
    Field("typed", "对方报读的末两组", required=True, help="请对方从头逐组报读；全部一致后，在此输入末两组（8位）"),
    Field("sure", "已用电话逐组核对，全部一致", "check", required=True),
)
BACKUP: tuple[Field, ...] = ()
_GROUP_CHARS, _GROUPS_A_LINE, _TYPED_CHARS_MIN = 4, 8, 8
_BACKUPS_SHOWN = 200


def groups_of_4(fingerprint: object) -> str:
    """A fingerprint as it is read out on the telephone."""
    text = str(fingerprint or "")
    groups = [text[at : at + _GROUP_CHARS] for at in range(0, len(text), _GROUP_CHARS)]
    return "\n".join(" ".join(groups[at : at + _GROUPS_A_LINE]) for at in range(0, len(groups), _GROUPS_A_LINE))


async def once_only(request: WebRequest, form: Form, verb: str, **args: object) -> Any:
    """A command whose answer holds a secret: it is not kept under the form's once-key, as other answers are."""
    form.once = ""
    return await request.act(form, verb, **args)


# -- this node, and who waits -----------------------------------------------------------------------------------------


async def show(request: WebRequest) -> Response:
    """Who this node is, and which nodes wait to be approved."""
    status, waiting = await asyncio.gather(request.ask("status"), request.ask("pending"))
    return request.render(
        "nodes/show.html", node=status, fingerprint=groups_of_4(status["fingerprint"]),
        root=groups_of_4(status["federation"]), age=age_of(status["backup"], request.gateway.now_ms()),
        waiting=[row | {"groups": groups_of_4(row["fingerprint"])} for row in waiting],
    )  # fmt: skip


async def invite_form(request: WebRequest) -> Response:
    """Whom to invite."""
    return request.render("nodes/invite.html", form=await request.blank(INVITE, ttl="24h"))


async def invite(request: WebRequest) -> Response:
    """The token, once."""
    form = await request.form(INVITE)
    if form.ok and (made := await once_only(request, form, "invite")) is not None:
        return request.render("nodes/invited.html", made=made, recover=bool(form.values["recover"]))
    return request.form_page("nodes/invite.html", form)


async def _waiting(request: WebRequest, code: str) -> Mapping[str, Any]:
    """The node that waits, as it stands now; NotFoundError."""
    for row in await request.ask("pending"):
        if row["code"] == code:
            return {**row, "groups": groups_of_4(row["fingerprint"])}
    raise NotFoundError("没有待批准的入网申请", field="单位代码", value=code, remedy="在「节点管理」中查看")


async def approve_form(request: WebRequest) -> Response:
    """The fingerprint to compare."""
    row = await _waiting(request, request.query("code")["code"])
    form = await request.blank(APPROVE, code=row["code"], fingerprint=row["fingerprint"])
    return request.render("nodes/approve.html", form=form, row=row)


async def approve(request: WebRequest) -> Response:
    """Admit the node whose fingerprint was read out."""
    form = await request.form(APPROVE)
    code, seen = str(form.values["code"]), str(form.values["fingerprint"])
    typed = re.sub(r"[\s:-]", "", str(form.values["typed"])).lower()
    if form.ok and (len(typed) < _TYPED_CHARS_MIN or not seen.endswith(typed)):
        form.errors["typed"] = "与屏幕上的指纹不符。请对方重新报读；不符即勿批准。"
    form.values["sure"] = False  # asked of the person, not of the service
    if form.ok:
        done = await request.act(form, "approve", code=code, fingerprint=seen)
        if done is not None:
            return request.redirect("/nodes", flash=f"已批准 {done['code']} {done['name']}")
        # What concerns a hidden field is said above the form.
        form.error = form.error or "；".join(form.errors.pop(name) for name in ("code", "fingerprint")
                                             if name in form.errors)  # fmt: skip
    return request.form_page("nodes/approve.html", form, row=await _waiting(request, code))


# -- backups ----------------------------------------------------------------------------------------------------------


def age_of(backup: Mapping[str, Any] | None, now_ms: int) -> str:
    """How old a backup is, in words; empty where there is none."""
    if not backup or not backup.get("at"):
        return ""
    made = datetime.fromisoformat(str(backup["at"]))
    hours = max(0, int(now_ms / 1000 - made.timestamp())) // 3_600
    return f"{hours // 24}天前" if hours >= 48 else f"{hours}小时前" if hours else "不到1小时前"


def listed(last: Mapping[str, Any] | None, office: str, now_ms: int) -> list[dict[str, object]]:
    """The backup files beside the last one that was checked, the newest first; a folder that is gone has none."""
    if not last or not last.get("file"):
        return []
    found = []
    try:
        for path in Path(str(last["file"])).parent.glob(f"dulian-{office}-*.backup*"):
            about = path.stat()
            made = datetime.fromtimestamp(about.st_mtime, SHANGHAI)
            found.append({
                "name": path.name, "size_mib": f"{about.st_size / 1_048_576:.1f}", "at": made.isoformat(),
                "age": age_of({"at": made.isoformat()}, now_ms), "encrypted": path.name.endswith(".age"),
            })  # fmt: skip
    except OSError:
        return []  # the disk of the backups is away: the page says so by an empty list
    return sorted(found, key=lambda row: str(row["at"]), reverse=True)[:_BACKUPS_SHOWN]


async def backups(request: WebRequest) -> Response:
    """The last checked backup, and the files beside it."""
    return await _backups(request, await request.blank(BACKUP))


async def _backups(request: WebRequest, form: Form) -> Response:
    status, now_ms = await request.ask("status"), request.gateway.now_ms()
    last = status["backup"]
    rows = await asyncio.to_thread(listed, last, request.gateway.office_code, now_ms)
    return request.form_page(
        "nodes/backups.html", form, last=last, age=age_of(last, now_ms), rows=rows,
        folder=str(Path(str(last["file"])).parent) if last else "",
    )  # fmt: skip


async def backup(request: WebRequest) -> Response:
    """Make a backup now, where the scheduled ones go."""
    form = await request.form(BACKUP)
    if form.ok and (made := await request.act(form, "backup")) is not None:
        flash = f"备份完成并已核验：{Path(str(made['file'])).name}"
        return request.redirect("/nodes/backups", flash=flash)
    return await _backups(request, form)


# -- the examination --------------------------------------------------------------------------------------------------


async def doctor(request: WebRequest) -> Response:
    """Every check of this node; it takes seconds, so it is asked for."""
    asked = request.query("run", "deep")
    found = await request.ask("doctor", deep=bool(asked["deep"])) if asked["run"] else None
    return request.render("nodes/doctor.html", found=found)


PAGES = (
    Page("/nodes", show, "pending", nav="节点管理", order=70),
    Page("/nodes/invite", invite_form, "invite"),
    Page("/nodes/invite", invite, "invite", ("POST",)),
    Page("/nodes/approve", approve_form, "approve"),
    Page("/nodes/approve", approve, "approve", ("POST",)),
    Page("/nodes/backups", backups, "backup"),
    Page("/nodes/backups", backup, "backup", ("POST",)),
    Page("/nodes/doctor", doctor, "doctor"),
)
