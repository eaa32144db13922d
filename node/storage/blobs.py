r"""Attachments: files named by hash(salt, content), outside the database.

Rules of this file:

1. A file is visible under its hash only when it is whole and right: H("dulian-blob-1\0" ‖ salt ‖ content) is checked
   over what was written, then it is synced and renamed into place. Wrong content is removed.
2. What arrives in chunks rests in a ``.part`` file that survives restarts; a transfer goes on at its size. A part
   that a power loss damaged fails the check at the end and is fetched anew.
3. Files are readable by the node's user only (0600 in folders 0700).
4. A full disk is a StoreError; what was received before it is kept.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol, TypeVar

from node.errors import InputError, LocalError, PeerError, StoreError
from node.records.envelope import BLOB_PREFIX
from node.records.limits import ATTACHMENT_BYTES_MAX, HASH_BYTES, SALT_BYTES
from node.storage.failures import as_store_error

T = TypeVar("T")

COPY_BYTES = 1024**2
READ_BYTES_MAX = 4 * 1024**2  # one chunk asked for by a neighbour


class Added(NamedTuple):
    """A local file taken in; what its record must name."""

    hash: bytes
    salt: bytes
    size_bytes: int


class Incoming(Protocol):
    """A transfer under way."""

    @property
    def offset(self) -> int:
        """Bytes held so far: where the next chunk must begin."""
        ...

    def write(self, offset: int, data: bytes) -> None:
        """Append a chunk. PeerError where it does not begin at ``offset`` or exceeds the announced size."""
        ...

    def finish(self) -> None:
        """Check and make visible. PeerError(payload_mismatch) where the content is wrong; it is removed then."""
        ...

    def close(self) -> None:
        """Stop here; what was received is kept for the next time."""
        ...


class Blobs(Protocol):
    """What the services ask of a store of attachments (folder here, memory in the simulator)."""

    def present(self, hash_: bytes) -> bool:
        """Whether the whole content is here."""
        ...

    def begin(self, hash_: bytes, salt: bytes, size_bytes: int) -> Incoming:
        """Start or go on with a transfer."""
        ...

    def add(self, stream: BinaryIO, salt: bytes, *, bytes_max: int = ATTACHMENT_BYTES_MAX) -> Added:
        """Take in a local file under a fresh random ``salt``. InputError where it is larger than ``bytes_max``."""
        ...

    def read(self, hash_: bytes, offset: int, bytes_max: int) -> bytes:
        """Up to ``bytes_max`` bytes from ``offset``; empty at the end. StoreError(absent) where it is not here."""
        ...

    def check(self, hash_: bytes, salt: bytes) -> bool:
        """Whether the content is here and still right (reads all of it)."""
        ...

    def remove(self, hash_: bytes) -> None:
        """Remove content and part; absent is fine."""
        ...

    def aside(self, work: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        """Do slow ``work`` with files elsewhere, one after another; ``done`` gets its future in the core, later."""
        ...


def at_once(work: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
    """Work and what follows, here and now."""
    future: Future[T] = Future()
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 - raised to whoever asks the future
        future.set_exception(error)
    done(future)


def blob_hasher(salt: bytes) -> hashlib._Hash:
    """The hash of an attachment, fed with prefix and salt; the content follows."""
    if len(salt) != SALT_BYTES:
        raise LocalError(f"附件的盐须为 {SALT_BYTES} 字节", code="bad_salt")
    return hashlib.sha256(BLOB_PREFIX + salt)


def check_chunk(offset: int, data: bytes, held: int, size_bytes: int) -> None:
    """PeerError where a chunk does not continue what is held, or goes beyond the announced size."""
    if offset != held:
        raise PeerError(f"附件分块不衔接（应从 {held} 起，收到 {offset}）", code="gap")
    if held + len(data) > size_bytes:
        raise PeerError("附件超过所载大小", code="too_large")


def wrong_content() -> PeerError:
    """The content is not what the record names."""
    return PeerError("附件内容与记录所载不符，已删除", code="payload_mismatch")


def too_large(bytes_max: int) -> InputError:
    """A local file is larger than attachments may be."""
    return InputError(
        f"附件过大，上限 {bytes_max // 1024**2} MiB", code="attachment_too_large", remedy="压缩或拆分后再附"
    )


def not_here(hash_: bytes) -> StoreError:
    """The content is not here (yet)."""
    return StoreError(
        "附件内容不在本节点", code="absent", field="附件", value=hash_.hex()[:16], remedy="用 dulian fetch 向邻居取回"
    )


class BlobFolder:
    """Attachments as files below a folder: ``ab/abcd…`` by hex of the hash."""

    def __init__(self, path: Path) -> None:
        """Make the folder where it is missing; clear away what a crash left of local additions."""
        self.path = path
        self._hand: ThreadPoolExecutor | None = None
        self._post: Callable[[Callable[[], None]], None] | None = None
        with self._failures():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in path.glob("*.add"):
                left.unlink()

    def start(self, post: Callable[[Callable[[], None]], None]) -> None:
        """From now on slow work is done in a thread of its own; ``post`` brings what follows into the core."""
        self._hand, self._post = ThreadPoolExecutor(1, thread_name_prefix="files"), post

    def stop(self) -> None:
        """Let the work in hand end (a file half-way into place would only be checked again); begin no other."""
        if self._hand is not None:
            self._hand.shutdown(cancel_futures=True)

    def aside(self, work: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        """Hashing and syncing a large file takes seconds, in which the core must go on; before `start` it is here."""
        if self._hand is None:
            at_once(work, done)
        else:
            self._hand.submit(work).add_done_callback(lambda future: self._done(future, done))

    def _done(self, future: Future[T], done: Callable[[Future[T]], None]) -> None:
        if self._post is not None and not future.cancelled():
            self._post(lambda: done(future))

    def _failures(self) -> AbstractContextManager[None]:
        return as_store_error(where=str(self.path), field="附件目录")

    def _file(self, hash_: bytes) -> Path:
        if len(hash_) != HASH_BYTES:
            raise LocalError(f"附件的摘要须为 {HASH_BYTES} 字节", code="bad_hash")
        name = hash_.hex()
        return self.path / name[:2] / name

    def present(self, hash_: bytes) -> bool:
        """Whether the whole content is here."""
        return self._file(hash_).is_file()

    def begin(self, hash_: bytes, salt: bytes, size_bytes: int) -> PartFile:
        """Start or go on with a transfer of ``size_bytes``; PeerError above the format's limit."""
        if not 0 <= size_bytes <= ATTACHMENT_BYTES_MAX:
            raise PeerError("附件超过大小上限", code="too_large")
        with self._failures():
            target = self._file(hash_)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            return PartFile(target, hash_, salt, size_bytes)

    def add(self, stream: BinaryIO, salt: bytes, *, bytes_max: int = ATTACHMENT_BYTES_MAX) -> Added:
        """Copy a local file in. The salt is random, so it names the copy while it grows."""
        hasher = blob_hasher(salt)
        size = 0
        growing = self.path / f"{salt.hex()}.add"
        with self._failures():
            try:
                with _new_file(growing) as out:
                    while data := stream.read(COPY_BYTES):
                        size += len(data)
                        if size > bytes_max:
                            raise too_large(bytes_max)
                        hasher.update(data)
                        out.write(data)
                    _sync(out)
                target = self._file(hasher.digest())
                target.parent.mkdir(mode=0o700, exist_ok=True)
                _into_place(growing, target)
            except BaseException:
                with suppress(FileNotFoundError):
                    growing.unlink()
                raise
        return Added(hasher.digest(), salt, size)

    def read(self, hash_: bytes, offset: int, bytes_max: int) -> bytes:
        """Up to ``bytes_max`` bytes (at most 4 MiB) from ``offset``."""
        with self._failures():
            try:
                with self._file(hash_).open("rb") as file:
                    file.seek(offset)
                    return file.read(min(bytes_max, READ_BYTES_MAX))
            except FileNotFoundError:
                raise not_here(hash_) from None

    def check(self, hash_: bytes, salt: bytes) -> bool:
        """Whether the content is here and still right."""
        with self._failures():
            try:
                with self._file(hash_).open("rb") as file:
                    return _hash_of(file, salt).digest() == hash_
            except FileNotFoundError:
                return False

    def has(self, hash_: bytes) -> bool:
        """Whether there is content under this name; it is not read."""
        return self._file(hash_).is_file()

    def remove(self, hash_: bytes) -> None:
        """Remove content and part; absent is fine."""
        with self._failures():
            target = self._file(hash_)
            for path in (target, part_of(target)):
                path.unlink(missing_ok=True)
            if target.parent.is_dir():
                _sync_folder(target.parent)


class PartFile:
    """A transfer into a ``.part`` file beside the place of the whole one."""

    def __init__(self, target: Path, hash_: bytes, salt: bytes, size_bytes: int) -> None:
        """Open what is there; a part longer than the announced size is begun anew."""
        self._target = target
        self._part = part_of(target)
        self._hash = hash_
        self._size = size_bytes
        self._file = os.fdopen(os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", buffering=0)
        try:
            if os.fstat(self._file.fileno()).st_size > size_bytes:
                self._file.truncate(0)
            self._hasher = _hash_of(self._file, salt)
            self._held = self._file.tell()
        except BaseException:
            self._file.close()
            raise

    @property
    def offset(self) -> int:
        """Bytes held so far."""
        return self._held

    def _failures(self) -> AbstractContextManager[None]:
        return as_store_error(where=str(self._part), field="附件文件")

    def write(self, offset: int, data: bytes) -> None:
        """Append a chunk. Where the disk is full, the bytes before the chunk are kept."""
        check_chunk(offset, data, self._held, self._size)
        with self._failures():
            try:
                left = memoryview(data)
                while left:
                    left = left[self._file.write(left) :]
            except OSError:
                self._file.truncate(self._held)
                self._file.seek(self._held)
                raise
        self._held += len(data)
        self._hasher.update(data)

    def finish(self) -> None:
        """Check, sync, rename."""
        with self._failures():
            if self._held != self._size or self._hasher.digest() != self._hash:
                self.close()
                self._part.unlink(missing_ok=True)
                raise wrong_content()
            os.fsync(self._file.fileno())
            self.close()
            _into_place(self._part, self._target)

    def close(self) -> None:
        """Close the part; it stays for the next time."""
        self._file.close()


def part_of(target: Path) -> Path:
    """Where the beginning of a file rests until it is whole."""
    return target.with_name(target.name + ".part")


def _hash_of(file: BinaryIO, salt: bytes) -> hashlib._Hash:
    hasher = blob_hasher(salt)
    while data := file.read(COPY_BYTES):
        hasher.update(data)
    return hasher


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        yield file


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _into_place(path: Path, target: Path) -> None:
    """Rename, and make the name as durable as the content; the folder of a new prefix too."""
    path.replace(target)
    _sync_folder(target.parent)
    _sync_folder(target.parent.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
