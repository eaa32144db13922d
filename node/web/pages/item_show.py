"""事项详情: the whole process of an item on one page, each record's proof, its attachments (R9, R50, I1, I8).

Rules of this file:

1. All that is shown comes from the questions of the command line; nothing is computed here but the order of lines.
2. An attachment is sent as a download. Shown in the page are only pictures whose first bytes say that they are, and
   text, which is escaped (W9).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from node.errors import InputError
from node.rules.words import LINES, ORIGINS, STRENGTHS, SUBJECTS
from node.services.matters.cases import case_label
from node.services.views.action_forms import GROUPS
from node.web.gateway import Asking
from node.web.page import Page
from node.web.request import WebRequest
from node.web.wording import text_of

Document = Mapping[str, Any]
EFFECTS: Mapping[str, str] = {
    "applied": "有效", "waiting": "待前件", "late": "迟到，不生效", "invalid": "无效", "superseded": "已被替代",
    "unconfirmed": "待确认", "unknown": "未识别", "erased": "已清除",
}  # fmt: skip
TREE_SHOWN = 300  # lines of the decomposition; the whole of it is 全流程
_PICTURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF8", "image/gif"), (b"BM", "image/bmp"),
)  # fmt: skip
_PICTURE_NAMES = (".jpg", ".jpeg", ".png", ".gif", ".bmp")
_TEXT_NAMES = (".txt", ".csv", ".eml")
_PICTURE_BYTES_MAX, _TEXT_BYTES_MAX = 32 * 1_048_576, 262_144


async def item(request: WebRequest) -> Response:
    """One item, or one approval case, whole."""
    word = request.part("item")
    shown, case, actions, tree, explained = await request.gateway.together(
        request.caller, lambda ask: _asked(ask, word)
    )
    lines = _flat(tree)
    return request.render(
        "items/show.html", item={**shown, **(case or {})}, case=case, groups=_grouped(actions["actions"]),
        unavailable=actions["unavailable"], lines=lines[:TREE_SHOWN], lines_left=len(lines) - TREE_SHOWN, tree=tree,
        explained=explained, timeline=list(reversed(shown["timeline"])), effects=EFFECTS, subjects=SUBJECTS,
        words={"line": LINES, "origin": ORIGINS, "strength": STRENGTHS}, case_label=case_label,
        previews=_previews(shown), present={one["hash"]: one["present"] for one in shown["attachments"]},
    )  # fmt: skip


def _asked(ask: Asking, word: str) -> tuple[Document, Document | None, Document, Document, Document]:
    """The item, as an approval case where it is one, what may be done, its tree, and why its date is the date."""
    shown = ask("item.show", item=word)
    item_id = shown["id"]
    rows = ask.reader.board([bytes.fromhex(item_id)])
    case = ask("case.show", item=item_id) if rows and rows[0].subject else None
    return shown, case, ask("item.actions", item=item_id), ask("item.tree", item=item_id), _explained(ask, item_id)


def _explained(ask: Asking, item_id: str) -> Document:
    """Why this due date. A rule that no profile here has (a case's, another office's) is said; the page stands."""
    try:
        return dict(ask("rules.explain", item=item_id))
    except InputError as error:
        return {"steps": [text_of(error)]}


def _grouped(actions: list[Document]) -> list[tuple[str, list[Document]]]:
    groups = [(name, [one for one in actions if one["group"] == name]) for name in GROUPS]
    return [(name, listed) for name, listed in groups if listed]


def _flat(tree: Document) -> list[tuple[int, Document]]:
    """The tree line by line, each with its depth; the items above come first."""
    found: list[tuple[int, Document]] = [(depth, node) for depth, node in enumerate(tree["path"])]

    def walk(node: Document, depth: int) -> None:
        found.append((depth, node))
        for child in node["children"]:
            walk(child, depth + 1)

    walk(tree["tree"], len(found))
    return found


def _previews(shown: Document) -> dict[str, bool]:
    """Of each attachment, whether it may be looked at in the page."""
    return {
        one["hash"]: bool(one["present"]) and str(one["name"]).lower().endswith(_PICTURE_NAMES + _TEXT_NAMES)
        for one in shown["attachments"]
    }


async def record(request: WebRequest) -> Response:
    """What proves one record, checked now."""
    proof = await request.ask("item.proof", item=request.part("item"), record=request.part("record"))
    return request.render("items/record.html", proof=proof, effects=EFFECTS)


async def download(request: WebRequest) -> Response:
    """An attachment as a file."""
    found = await request.gateway.fetch(request.caller, request.part("item"), request.part("hash"))
    return request.download(found.name, found.content, found.size_bytes)


async def look(request: WebRequest) -> Response:
    """A page that shows a picture or a text."""
    item, hash_hex = request.part("item"), request.part("hash")
    shown = await request.ask("item.show", item=item)
    found = await request.gateway.fetch(request.caller, shown["id"], hash_hex)
    text: str | None = None
    cut = False
    if found.name.lower().endswith(_TEXT_NAMES):
        data = await _first(found.content, _TEXT_BYTES_MAX + 1)
        cut = len(data) > _TEXT_BYTES_MAX
        text = _decoded(data[:_TEXT_BYTES_MAX])
    elif found.name.lower().endswith(_PICTURE_NAMES):
        await _first(found.content, 1)
    else:
        await _first(found.content, 1)
        raise InputError("这种文件不能在页面上查看", field="附件", value=found.name, remedy="下载后用原来的程序打开")
    return request.render("items/file.html", item=shown, name=found.name, hash=hash_hex, text=text, cut=cut)


async def picture(request: WebRequest) -> Response:
    """A picture for an ``img`` of `look`: only where its first bytes are those of one."""
    found = await request.gateway.fetch(request.caller, request.part("item"), request.part("hash"))
    content = found.content
    head = await anext(content, b"")
    kind = next((kind for begins, kind in _PICTURES if head.startswith(begins)), "")
    if not kind or found.size_bytes > _PICTURE_BYTES_MAX:
        await _first(content, 0)
        raise InputError("不是可以查看的图片", field="附件", value=found.name, remedy="下载后用原来的程序打开")

    async def pieces() -> AsyncIterator[bytes]:
        yield head
        async for piece in content:
            yield piece

    return StreamingResponse(pieces(), media_type=kind, headers={"content-length": str(found.size_bytes)})


async def _first(content: AsyncIterator[bytes], bytes_max: int) -> bytes:
    """The first bytes of a stream, which is closed then."""
    data = b""
    try:
        while len(data) < bytes_max and (piece := await anext(content, b"")):
            data += piece
    finally:
        close = getattr(content, "aclose", None)
        if close is not None:
            await close()
    return data[:bytes_max]


def _decoded(data: bytes) -> str:
    """Text of offices: UTF-8, UTF-16 where it says so, else the national encoding; what fits none is shown as such."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cut_off = error.start >= len(data) - 3 and error.reason == "unexpected end of data"
        return data.decode("utf-8-sig" if cut_off else "gb18030", errors="replace")


PAGES = (
    Page("/items/{item}", item, "item.show"),
    Page("/items/{item}/records/{record}", record, "item.proof"),
    Page("/items/{item}/files/{hash}", download, "item.fetch"),
    Page("/items/{item}/files/{hash}/view", look, "item.fetch"),
    Page("/items/{item}/files/{hash}/image", picture, "item.fetch"),
)
