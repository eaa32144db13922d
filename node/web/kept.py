"""Files between their preview and the word to go on: a few, for a while, in unnamed files that end with the process.

Rules of this file: an account has one at a time, only it gets it back, by a token nobody can guess; what is confirmed
is, byte for byte, what was previewed (its hash is checked when it is taken out).
"""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import IO, Any

from node.errors import InputError, NotFoundError

LIFE_MS = 30 * 60_000
FILES_MAX, ROWS_MAX = 40, 40_000  # together; a row's preview takes a kilobyte of memory
BYTES_MAX = 20 * 1_048_576  # of one: as `documents.workbook` reads
_PIECE_BYTES = 262_144


@dataclass(slots=True)
class KeptFile:
    """An uploaded file and what is to be said of it; what `bootstrap.control.IncomingFile` asks for."""

    token: str
    owner: str
    verb: str
    name: str
    size_bytes: int
    sha256: str
    since_ms: int
    file: IO[bytes]
    preview: Any  # what the dry run answered
    rows: int
    outcome: Any = None  # what the command answered; the content is gone then

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content, as it was when it was previewed."""
        if self.file.closed:
            raise InputError("已经导入过", code="bad_file", field="文件", value=self.name, remedy="看事项列表")
        self.file.seek(0)
        hasher, pieces = hashlib.sha256(), []
        while piece := self.file.read(_PIECE_BYTES):
            hasher.update(piece)
            pieces.append(piece)
        if hasher.hexdigest() != self.sha256:
            raise InputError("文件与预览时不同", code="bad_file", field="文件", value=self.name, remedy="重新上传")
        for piece in pieces:
            yield piece


class Kept:
    """The files of all accounts."""

    def __init__(self) -> None:
        """None yet."""
        self._files: dict[str, KeptFile] = {}

    def add(self, owner: str, verb: str, name: str, data: bytes, preview: Any, rows: int, now_ms: int) -> KeptFile:
        """Keep a file instead of the one this account had; where there is no more room, the oldest goes."""
        self._tidy(now_ms)
        for old in [one for one in self._files.values() if one.owner == owner]:
            self._drop(old)
        while self._files and (
            len(self._files) >= FILES_MAX or rows + sum(one.rows for one in self._files.values()) > ROWS_MAX
        ):
            self._drop(min(self._files.values(), key=lambda one: one.since_ms))
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `_drop`, or with the process
        file.write(data)
        kept = KeptFile(
            secrets.token_urlsafe(16), owner, verb, name, len(data), hashlib.sha256(data).hexdigest(), now_ms, file,
            preview, rows,
        )  # fmt: skip
        self._files[kept.token] = kept
        return kept

    def get(self, owner: str, token: str, now_ms: int) -> KeptFile:
        """One's own file; NotFoundError when it is gone."""
        self._tidy(now_ms)
        kept = self._files.get(token)
        if kept is None or kept.owner != owner:
            raise NotFoundError("预览已过期", remedy="是否已导入请看事项列表；没有导入的，重新上传")
        return kept

    def finish(self, kept: KeptFile, outcome: object) -> None:
        """The command is carried out: the content is no longer needed."""
        kept.outcome = outcome
        kept.file.close()

    def close(self) -> None:
        """Nothing is kept any longer: the console ends."""
        for kept in list(self._files.values()):
            self._drop(kept)

    def _tidy(self, now_ms: int) -> None:
        for old in [one for one in self._files.values() if not 0 <= now_ms - one.since_ms < LIFE_MS]:
            self._drop(old)

    def _drop(self, kept: KeptFile) -> None:
        kept.file.close()
        self._files.pop(kept.token, None)
