"""批量导入: a task list or an edited ledger, looked at before anything is written (issue 5, R30, W10).

What is confirmed is, byte for byte, the file that was previewed (`node.web.kept`), and each preview is carried out
once: its token is the once-key.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from starlette.responses import Response

from node.errors import InputError, NotFoundError
from node.services.sheets.import_doubles import doubles
from node.web.forms import Field, Form
from node.web.kept import BYTES_MAX, KeptFile
from node.web.page import Page
from node.web.request import WebRequest
from node.web.uploads import Upload
from node.web.wording import plain, text_of

ROWS_SHOWN = 200  # on a page of the preview
_SHEETS = frozenset({"xlsx"})
_FINDINGS = ("errors", "warnings")
LIST, LEDGER = "import", "ledger.import"
UPLOAD = (
    Field("verb", "导入什么", "choice", required=True,
          choices=[(LIST, "任务清单：逐行登记为事项"), (LEDGER, "改过的导出台账：写回不同之处")]),
    Field("past_due", "接续历史台账：办结时限已过的也登记", "check", help="只用于任务清单；登记后即为逾期"),
    Field("file", "文件", "files", required=True, help="一个 xlsx 文件，至多 20 MiB、10000 行"),
)  # fmt: skip
CONFIRM = (Field("token", "预览", "hidden", required=True),)


async def page(request: WebRequest) -> Response:
    """Choose a file; from the ledgers (``what=ledger``) for one that was exported and edited."""
    verb = LEDGER if request.query("what")["what"] == "ledger" else LIST
    return request.form_page("importing/upload.html", await request.blank(UPLOAD, verb=verb))


async def upload(request: WebRequest) -> Response:
    """Read the file as the import would, write nothing, and keep it for the word to go on."""
    form = await request.form(UPLOAD)
    if form.ok:
        try:
            kept = await _preview(request, str(form.values["verb"]), form.uploads(), bool(form.values["past_due"]))
        except InputError as error:
            if error.code == "csrf":
                raise
            form.errors["file"] = text_of(error)
            if error.code == "exported":  # said by the words of this page, and chosen already
                form.errors["file"] = "这是导出的台账，已改选「改过的导出台账」；请再选一次文件。"
                form.values["verb"] = LEDGER
        else:
            return request.redirect(f"/import/{kept.token}")
    return request.form_page("importing/upload.html", form)


async def _preview(request: WebRequest, verb: str, files: list[Upload], past_due: bool) -> KeptFile:
    if len(files) != 1:
        raise InputError("一次导入一个文件", code="bad_file", field="文件", remedy="分几次导入")
    file = files[0]
    if PurePosixPath(file.name).suffix.lower() != ".xlsx":
        remedy = "用Excel或WPS另存为“Excel工作簿(*.xlsx)”再导入"
        raise InputError("只收xlsx文件", code="bad_file", field="文件", value=file.name, remedy=remedy)
    if file.size_bytes > BYTES_MAX:
        limit = BYTES_MAX // 1_048_576
        raise InputError(f"文件超过{limit} MiB", code="bad_file", field="文件", value=file.name, remedy="拆成几个文件")
    await file.check(_SHEETS)
    data = b"".join([piece async for piece in file.chunks()])
    gateway, name = request.gateway, request.caller.name
    dry: dict[str, Any] = {"dry_run": True, "past_due": past_due} if verb == LIST else {}
    preview = await gateway.do(request.caller, verb, files=[file], address=request.address, **dry)
    if verb == LIST:
        titles = [str(row["title"]) for row in preview["preview"]]
        for row, near in zip(preview["preview"], await gateway.read(partial(doubles, titles=titles)), strict=True):
            row["near"] = [one | {"row": None if one["place"] is None else preview["preview"][one["place"]]["row"]}
                           for one in near]  # fmt: skip
    return request.console.kept.add(name, verb, file.name, data, preview, int(preview["rows"]), gateway.now_ms())


def _kept(request: WebRequest) -> KeptFile:
    return request.console.kept.get(request.caller.name, request.part("token"), request.gateway.now_ms())


async def preview(request: WebRequest) -> Response:
    """Every row, what is wrong by its row number, what is to be looked at; after the word to go on, what came of it."""
    kept = _kept(request)
    form = await request.blank(CONFIRM, token=kept.token)
    form.once = _once(kept.token)
    return _shown(request, kept, form)


def _shown(request: WebRequest, kept: KeptFile, form: Form) -> Response:
    number = request.query("page")["page"] or "1"
    if not number.isdecimal() or len(number) > 5:
        raise InputError("页码写法不对", field="页码", value=number, remedy="从第一页开始翻")
    done = kept.outcome is not None
    document = dict(kept.outcome if done else kept.preview)
    for kind in _FINDINGS:
        document[kind] = [one | {"text": plain(str(one["text"]))} for one in document.get(kind) or []]
    key = ("items" if done else "preview") if kept.verb == LIST else ("written" if done else "differences")
    rows, looked_at = document.get(key) or [], kept.preview.get("preview" if kept.verb == LIST else "differences")
    pages = max(1, -(-len(rows) // ROWS_SHOWN))
    at = min(max(int(number), 1), pages)
    wrong: dict[int, list[dict[str, Any]]] = {}
    for kind in _FINDINGS:
        for one in document.get(kind) or []:
            wrong.setdefault(int(one["row"]), []).append(one | {"bad": kind == "errors"})
    return request.form_page(
        "importing/preview.html", form, kept=kept, document=document, done=done, wrong=wrong, page=at, pages=pages,
        total=len(rows), rows=rows[(at - 1) * ROWS_SHOWN : at * ROWS_SHOWN], is_list=kept.verb == LIST,
        titles={row["row"]: row["title"] for row in looked_at or []},
        near=sum(bool(row.get("near")) for row in rows) if key == "preview" else 0,
    )  # fmt: skip


def _once(token: str) -> str:
    return "import-" + hashlib.sha256(token.encode()).hexdigest()[:32]


async def confirm(request: WebRequest) -> Response:
    """Carry out exactly what was previewed, once."""
    form = await request.form(CONFIRM)
    kept = _kept(request)
    here = f"/import/{kept.token}"
    if not form.ok or form.values["token"] != kept.token:
        raise NotFoundError("预览已过期", remedy="重新上传文件")
    if kept.outcome is not None:
        return request.redirect(here, flash="已经导入过，没有重复导入")
    past_due = bool(kept.preview.get("past_due"))
    apply: dict[str, Any] = {"dry_run": False, "past_due": past_due} if kept.verb == LIST else {"apply": True}
    try:
        answer = await request.gateway.do(
            request.caller, kept.verb, files=[kept], once=_once(kept.token), address=request.address, **apply
        )
    except InputError as error:
        if kept.outcome is not None:  # the other click of a double one was quicker
            return request.redirect(here)
        form.error = text_of(error)
        return _shown(request, kept, form)
    if answer.get("errors"):
        # Others have written meanwhile: shown anew, nothing was imported.
        kept.preview = kept.preview | {name: answer[name] for name in ("errors", "warnings", "conflicts")
                                       if name in answer}  # fmt: skip
        form.error = "预览之后情况有了变化，没有导入。请看下面的说明，改正后重新上传。"
        return _shown(request, kept, form)
    if answer.get("cut"):
        return request.redirect(here, flash="已经导入过，没有重复导入")
    request.console.kept.finish(kept, answer)
    count = len(answer["items"] if kept.verb == LIST else answer["written"])
    return request.redirect(here, flash=f"已登记 {count} 件" if kept.verb == LIST else f"已写入 {count} 条记录")


async def template(request: WebRequest) -> Response:
    """An empty form: the columns of docs/import.md."""
    from node.documents.ledger import write_ledger  # noqa: PLC0415 - 0.25 s of imports, needed by this page only

    return request.download("任务清单模板.xlsx", write_ledger(()))


PAGES = (
    Page("/import", page, LIST),
    Page("/import", upload, LIST, ("POST",), upload=True),
    Page("/import/template", template, LIST),
    Page("/import/{token}", preview, LIST),
    Page("/import/{token}", confirm, LIST, ("POST",), upload=True),
)
