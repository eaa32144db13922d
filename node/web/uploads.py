"""Uploaded files: which kinds are taken, and how they are handed to the node (W9).

Rules: the kind by the last part of the name must be on the list, and the content must begin as that kind does; a zip
container may not unpack to more than a bound. What is kept is stored under its hash and always sent as an attachment.
"""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import BinaryIO

from node.documents.package import ZIP_ERRORS
from node.errors import InputError
from node.records.limits import NAME_CHARS_MAX

_PIECE_BYTES = 262_144
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)
KINDS: dict[str, tuple[bytes, ...]] = {
    "pdf": (b"%PDF-",), "ofd": _ZIP, "docx": _ZIP, "xlsx": _ZIP, "pptx": _ZIP, "zip": _ZIP,
    "doc": (*_OLE, b"{\\rtf"), "xls": _OLE, "ppt": _OLE, "wps": (*_OLE, *_ZIP), "et": (*_OLE, *_ZIP),
    "dps": (*_OLE, *_ZIP),
    "txt": (), "csv": (), "toml": (),
    "jpg": (b"\xff\xd8\xff",), "jpeg": (b"\xff\xd8\xff",), "png": (b"\x89PNG\r\n\x1a\n",),
    "bmp": (b"BM",), "gif": (b"GIF8",), "tif": (b"II*\0", b"MM\0*"), "tiff": (b"II*\0", b"MM\0*"), "mp4": (), "mp3": (),
    "wav": (b"RIFF",), "7z": (b"7z\xbc\xaf\x27\x1c",), "rar": (b"Rar!\x1a\x07",), "eml": (),
}  # fmt: skip
ACCEPT = ",".join(f".{kind}" for kind in KINDS)
_UNPACKED_BYTES_MAX = 2 * 1024**3
_UNPACKED_TIMES_MAX = 200  # text packs to a fiftieth
_PARTS_MAX = 10_000
# What begins so is a page or a program whatever it is called.
_NEVER = (b"<!doctype html", b"<html", b"<script", b"<svg", b"<?xml", b"mz", b"\x7felf", b"#!")


class Upload:
    """A file that a form brought: what `bootstrap.control.IncomingFile` asks for."""

    def __init__(self, name: str, file: BinaryIO, size_bytes: int) -> None:
        """``name`` as the browser said it; the file rests on the disk until the request ends."""
        self.name = name.replace("\\", "/").rsplit("/", 1)[-1]
        self.size_bytes = size_bytes
        self._file = file

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content, piece by piece."""
        await asyncio.to_thread(self._file.seek, 0)
        while piece := await asyncio.to_thread(self._file.read, _PIECE_BYTES):
            yield piece

    async def check(self, kinds: frozenset[str] = frozenset(KINDS)) -> None:
        """Refuse what is not of an accepted kind, by name and content. InputError."""
        await asyncio.to_thread(self._check, kinds)

    def _check(self, kinds: frozenset[str]) -> None:
        kind = PurePosixPath(self.name).suffix.lower().removeprefix(".")
        if not self.name.isprintable() or len(self.name) > NAME_CHARS_MAX or self.name.startswith("."):
            raise self._refuse("文件名不能用")
        if kind not in kinds or kind not in KINDS:
            raise self._refuse("不收这种文件", f"可用：{'、'.join(sorted(kinds))}")
        self._file.seek(0)
        head = self._file.read(512)
        begins = KINDS[kind]
        low = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
        if (begins and not head.startswith(begins)) or (not begins and low.startswith(_NEVER)):
            raise self._refuse("文件内容与后缀不符", "用原来的程序另存后再上传")
        if head.startswith(_ZIP):
            self._check_zip()
        self._file.seek(0)

    def _check_zip(self) -> None:
        self._file.seek(0)
        try:
            with zipfile.ZipFile(self._file) as packed:
                parts = packed.infolist()
        except ZIP_ERRORS as error:
            raise self._refuse("文件已损坏", "用原来的程序另存后再上传") from error
        size = sum(part.file_size for part in parts)
        bound = min(_UNPACKED_BYTES_MAX, _UNPACKED_TIMES_MAX * (self.size_bytes + 65_536))
        if len(parts) > _PARTS_MAX or size > bound:
            raise self._refuse("压缩内容过大", "拆分后再上传")

    def _refuse(self, text: str, remedy: str = "改名或换一个文件") -> InputError:
        return InputError(text, code="bad_file", field="附件", value=self.name, remedy=remedy)
