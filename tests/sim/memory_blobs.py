"""Attachments in memory, for the simulator and for tests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from hashlib import sha256
from io import BytesIO
from typing import BinaryIO, TypeVar

from node.records.envelope import BLOB_PREFIX
from node.records.limits import ATTACHMENT_BYTES_MAX
from node.storage.blobs import Added, at_once, check_chunk, not_here, too_large, wrong_content

T = TypeVar("T")


class MemoryBlobs:
    """Attachments in memory; the contract of `node.storage.blobs.Blobs`. Parts survive a crash as files do."""

    def __init__(self) -> None:
        self.whole: dict[bytes, bytes] = {}
        self.parts: dict[bytes, bytearray] = {}
        self.post: Callable[[Callable[[], None]], None] | None = None  # where what follows work done aside waits

    def aside(self, work: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        """The work is done at once, and survives a crash; the core hears of it in a later step, or never."""
        post = self.post
        at_once(work, done if post is None else lambda future: post(lambda: done(future)))

    def present(self, hash_: bytes) -> bool:
        return hash_ in self.whole

    def begin(self, hash_: bytes, salt: bytes, size_bytes: int) -> MemoryIncoming:
        return MemoryIncoming(self, hash_, salt, size_bytes)

    def add(self, stream: BinaryIO, salt: bytes, *, bytes_max: int = ATTACHMENT_BYTES_MAX) -> Added:
        content = stream.read(bytes_max + 1)
        if len(content) > bytes_max:
            raise too_large(bytes_max)
        digest = sha256(BLOB_PREFIX + salt + content).digest()
        self.whole[digest] = content
        return Added(digest, salt, len(content))

    def read(self, hash_: bytes, offset: int, bytes_max: int) -> bytes:
        if hash_ not in self.whole:
            raise not_here(hash_)
        file = BytesIO(self.whole[hash_])
        file.seek(offset)
        return file.read(bytes_max)

    def check(self, hash_: bytes, salt: bytes) -> bool:
        return hash_ in self.whole and sha256(BLOB_PREFIX + salt + self.whole[hash_]).digest() == hash_

    def remove(self, hash_: bytes) -> None:
        self.whole.pop(hash_, None)
        self.parts.pop(hash_, None)


class MemoryIncoming:
    """A transfer into `MemoryBlobs`."""

    def __init__(self, blobs: MemoryBlobs, hash_: bytes, salt: bytes, size_bytes: int) -> None:
        self._blobs = blobs
        self._hash = hash_
        self._salt = salt
        self._size = size_bytes
        self._part = blobs.parts.setdefault(hash_, bytearray())
        if len(self._part) > size_bytes:
            self._part.clear()

    @property
    def offset(self) -> int:
        return len(self._part)

    def write(self, offset: int, data: bytes) -> None:
        check_chunk(offset, data, len(self._part), self._size)
        self._part += data

    def finish(self) -> None:
        content = bytes(self._part)
        self._blobs.parts.pop(self._hash, None)
        if len(content) != self._size or sha256(BLOB_PREFIX + self._salt + content).digest() != self._hash:
            raise wrong_content()
        self._blobs.whole[self._hash] = content

    def close(self) -> None:
        """The part stays."""
