"""A look at an attachment without downloading it: what can be shown of it, and the bounds of showing it (W9).

Rules of this file:

1. What is shown is text that our templates escape, or a stream that a browser shows by itself: pictures and PDF, each
   only where its first bytes say that it is one, sent as exactly that type.
2. One office file is read at a time, in a thread; its reader has bounds of its own (`node.documents.parts`).
3. What cannot be shown is no error: the page says why and offers the download.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal, NamedTuple

from node.documents.package import FILE_BYTES_MAX
from node.errors import InputError
from node.web.gateway import Fetched

Kind = Literal["picture", "text", "pdf", "sheet", "document"]
_KINDS: dict[str, Kind] = {
    ".jpg": "picture", ".jpeg": "picture", ".png": "picture", ".gif": "picture", ".bmp": "picture",
    ".txt": "text", ".csv": "text", ".eml": "text", ".pdf": "pdf", ".xlsx": "sheet", ".docx": "document",
}  # fmt: skip
PDF = "application/pdf"
_BEGINS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF8", "image/gif"), (b"BM", "image/bmp"),
    (b"%PDF-", PDF),
)  # fmt: skip
_HEAD_BYTES = 8
_PICTURE_BYTES_MAX, _TEXT_BYTES_MAX = 32 * 1_048_576, 262_144


class Look(NamedTuple):
    """What the page shows. ``content``: str, BookView or TextView; None for what the browser shows. ``why``: or not."""

    kind: Kind | None
    content: object = None
    cut: bool = False
    why: str = ""


def kind_of(name: str) -> Kind | None:
    """How a file of this name may be looked at; None where it cannot."""
    low = name.lower()
    return next((kind for ending, kind in _KINDS.items() if low.endswith(ending)), None)


async def look_at(found: Fetched, reading: asyncio.Lock) -> Look:
    """What can be shown of an attachment; its stream is closed then."""
    kind = kind_of(found.name)
    if kind == "text":
        data = await first(found.content, _TEXT_BYTES_MAX + 1)
        return Look(kind, _decoded(data[:_TEXT_BYTES_MAX]), len(data) > _TEXT_BYTES_MAX)
    if kind in ("picture", "pdf"):
        type_ = inline_type(await first(found.content, _HEAD_BYTES), found.size_bytes)
        good = (type_ == PDF) if kind == "pdf" else type_.startswith("image/")
        return Look(kind, why="" if good else f"内容不是可以查看的{'PDF文件' if kind == 'pdf' else '图片'}")
    if kind is None:
        await first(found.content, 0)
        return Look(None, why="这种文件不能在页面上查看")
    if found.size_bytes > FILE_BYTES_MAX:
        await first(found.content, 0)
        return Look(kind, why=f"文件超过{FILE_BYTES_MAX // 1_048_576} MiB，不在页面上显示")
    async with reading:
        data = await first(found.content, FILE_BYTES_MAX)
        try:
            return Look(kind, await asyncio.to_thread(_read, kind, data))
        except InputError as error:
            return Look(kind, why=error.text)


def _read(kind: Kind, data: bytes) -> object:
    # Read in when first needed: openpyxl takes 0.2 s and 10 MB, and most nodes are started without a look at a file.
    if kind == "sheet":
        from node.documents.preview_sheet import read_book  # noqa: PLC0415

        return read_book(data)
    from node.documents.preview_text import read_text  # noqa: PLC0415

    return read_text(data)


def inline_type(head: bytes, size_bytes: int) -> str:
    """The type by which a browser may show this by itself, by its first bytes; empty where it may not."""
    kind = next((kind for begins, kind in _BEGINS if head.startswith(begins)), "")
    return "" if kind != PDF and size_bytes > _PICTURE_BYTES_MAX else kind


async def begun(content: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first bytes of a stream, enough to tell its type, and the whole of it."""
    head = b""
    while len(head) < _HEAD_BYTES and (piece := await anext(content, b"")):
        head += piece

    async def pieces() -> AsyncIterator[bytes]:
        yield head
        async for piece in content:
            yield piece

    return head, pieces()


async def first(content: AsyncIterator[bytes], bytes_max: int) -> bytes:
    """The first bytes of a stream, which is closed then."""
    found, size = [], 0
    try:
        while size < bytes_max and (piece := await anext(content, b"")):
            found.append(piece)
            size += len(piece)
    finally:
        close = getattr(content, "aclose", None)
        if close is not None:
            await close()
    return b"".join(found)[:bytes_max]


def _decoded(data: bytes) -> str:
    """Text of offices: UTF-8, UTF-16 where it says so, else the national encoding; what fits none is shown as such."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cut_off = error.start >= len(data) - 3 and error.reason == "unexpected end of data"
        return data.decode("utf-8-sig" if cut_off else "gb18030", errors="replace")
