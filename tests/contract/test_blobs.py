"""Attachments: whole and right or not visible; the folder and its twin in memory keep the same contract."""

import errno
import hashlib
import io
import os
import queue
import resource
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from node.errors import InputError, LocalError, PeerError, StoreError
from node.storage.blobs import BlobFolder, Blobs
from tests.sim.memory_store import MemoryBlobs

SALT = bytes(range(32))
CONTENT = bytes(range(256)) * 40


def hash_of(content: bytes, salt: bytes = SALT) -> bytes:
    return hashlib.sha256(b"dulian-blob-1\0" + salt + content).digest()


class BlobContract:
    """What both do."""

    @pytest.mark.parametrize("content", [CONTENT, b"", b"\0"])
    def test_a_local_file_is_taken_in_under_its_salted_hash(self, blobs: Blobs, content: bytes) -> None:
        added = blobs.add(io.BytesIO(content), SALT)
        assert added == (hash_of(content), SALT, len(content))
        assert blobs.present(added.hash)
        assert blobs.read(added.hash, 0, 10**6) == content
        assert blobs.check(added.hash, SALT)
        assert not blobs.check(added.hash, b"x" * 32)

    def test_reading_in_pieces(self, blobs: Blobs) -> None:
        added = blobs.add(io.BytesIO(CONTENT), SALT)
        pieces = [blobs.read(added.hash, offset, 1000) for offset in range(0, len(CONTENT) + 1000, 1000)]
        assert b"".join(pieces) == CONTENT
        assert blobs.read(added.hash, len(CONTENT), 10) == b""

    def test_what_is_not_here_is_said(self, blobs: Blobs) -> None:
        assert not blobs.present(b"x" * 32)
        assert not blobs.check(b"x" * 32, SALT)
        with pytest.raises(StoreError) as caught:
            blobs.read(b"x" * 32, 0, 10)
        assert caught.value.code == "absent"
        blobs.remove(b"x" * 32)

    def test_a_file_above_the_limit_is_refused(self, blobs: Blobs) -> None:
        with pytest.raises(InputError) as caught:
            blobs.add(io.BytesIO(CONTENT), SALT, bytes_max=len(CONTENT) - 1)
        assert caught.value.code == "attachment_too_large"
        assert not blobs.present(hash_of(CONTENT))
        assert blobs.add(io.BytesIO(CONTENT), SALT, bytes_max=len(CONTENT)).size_bytes == len(CONTENT)

    def test_chunks_become_visible_when_whole(self, blobs: Blobs) -> None:
        incoming = blobs.begin(hash_of(CONTENT), SALT, len(CONTENT))
        assert incoming.offset == 0
        incoming.write(0, CONTENT[:5000])
        assert not blobs.present(hash_of(CONTENT))
        incoming.write(5000, CONTENT[5000:])
        assert not blobs.present(hash_of(CONTENT))
        incoming.finish()
        assert blobs.read(hash_of(CONTENT), 0, 10**6) == CONTENT

    def test_a_transfer_cut_three_times_goes_on_where_it_was(self, blobs: Blobs) -> None:
        offsets = []
        for end in (3000, 3000, 7001, len(CONTENT)):
            incoming = blobs.begin(hash_of(CONTENT), SALT, len(CONTENT))
            offsets.append(incoming.offset)
            incoming.write(incoming.offset, CONTENT[incoming.offset:end])
            if end < len(CONTENT):
                incoming.close()
            else:
                incoming.finish()
        assert offsets == [0, 3000, 3000, 7001]
        assert blobs.check(hash_of(CONTENT), SALT)

    def test_wrong_content_is_removed(self, blobs: Blobs) -> None:
        for content in (CONTENT[:-1] + b"?", CONTENT[:-1]):
            incoming = blobs.begin(hash_of(CONTENT), SALT, len(CONTENT))
            assert incoming.offset == 0
            incoming.write(0, content)
            with pytest.raises(PeerError) as caught:
                incoming.finish()
            assert caught.value.code == "payload_mismatch"
            assert not blobs.present(hash_of(CONTENT))

    def test_chunks_out_of_place_or_too_long_are_refused(self, blobs: Blobs) -> None:
        incoming = blobs.begin(hash_of(CONTENT), SALT, len(CONTENT))
        incoming.write(0, CONTENT[:100])
        for offset in (0, 99, 101):
            with pytest.raises(PeerError):
                incoming.write(offset, b"x")
        with pytest.raises(PeerError) as caught:
            incoming.write(100, CONTENT)
        assert caught.value.code == "too_large"
        incoming.write(100, CONTENT[100:])
        incoming.finish()

    def test_a_part_longer_than_announced_is_begun_anew(self, blobs: Blobs) -> None:
        incoming = blobs.begin(hash_of(b"short"), SALT, 100)
        incoming.write(0, b"x" * 50)
        incoming.close()
        incoming = blobs.begin(hash_of(b"short"), SALT, 5)
        assert incoming.offset == 0
        incoming.write(0, b"short")
        incoming.finish()
        assert blobs.present(hash_of(b"short"))

    def test_removing(self, blobs: Blobs) -> None:
        added = blobs.add(io.BytesIO(CONTENT), SALT)
        blobs.begin(hash_of(b"other"), SALT, 5).close()
        blobs.remove(added.hash)
        blobs.remove(hash_of(b"other"))
        assert not blobs.present(added.hash)


class TestMemoryBlobs(BlobContract):
    @pytest.fixture
    def blobs(self) -> Blobs:
        return MemoryBlobs()


class TestBlobFolder(BlobContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        return BlobFolder(tmp_path / "blobs")


@pytest.fixture
def folder(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


@contextmanager
def full_disk() -> Iterator[None]:
    """A limit on the size of files stands for a full disk: a write beyond it fails after a part was written.

    Only around the write itself: the limit holds for the test run's own report too, where that goes to a file.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def files_of(folder: BlobFolder) -> list[str]:
    return sorted(path.name for path in folder.path.rglob("*") if path.is_file())


def test_files_are_for_their_owner_only(folder: BlobFolder) -> None:
    folder.add(io.BytesIO(CONTENT), SALT)
    folder.begin(hash_of(b"part"), SALT, 4).close()
    for path in (folder.path, *folder.path.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_part_survives_a_restart(folder: BlobFolder) -> None:
    incoming = folder.begin(hash_of(CONTENT), SALT, len(CONTENT))
    incoming.write(0, CONTENT[:5000])
    incoming.close()
    (folder.path / "left-by-a-crash.add").write_bytes(b"half")
    again = BlobFolder(folder.path)
    assert files_of(again) == [hash_of(CONTENT).hex() + ".part"]
    incoming = again.begin(hash_of(CONTENT), SALT, len(CONTENT))
    assert incoming.offset == 5000
    incoming.write(5000, CONTENT[5000:])
    incoming.finish()
    assert files_of(again) == [hash_of(CONTENT).hex()]


def test_a_part_damaged_on_disk_is_found_out(folder: BlobFolder) -> None:
    incoming = folder.begin(hash_of(CONTENT), SALT, len(CONTENT))
    incoming.write(0, CONTENT[:5000])
    incoming.close()
    part = next(folder.path.rglob("*.part"))
    part.write_bytes(b"\0" * 5000)
    incoming = folder.begin(hash_of(CONTENT), SALT, len(CONTENT))
    incoming.write(5000, CONTENT[5000:])
    with pytest.raises(PeerError):
        incoming.finish()
    assert files_of(folder) == []


def test_slow_work_is_done_in_a_thread_of_its_own_in_order(folder: BlobFolder) -> None:
    waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    folder.start(waiting.put)
    gate, seen = threading.Event(), []
    incoming = folder.begin(hash_of(CONTENT), SALT, len(CONTENT))
    incoming.write(0, CONTENT)

    def slow() -> str:
        assert gate.wait(30)
        return threading.current_thread().name

    def wrong() -> str:
        raise PeerError("不符", code="payload_mismatch")

    folder.aside(slow, lambda future: seen.append(future.result()))
    folder.aside(incoming.finish, lambda _: seen.append(str(folder.present(hash_of(CONTENT)))))
    folder.aside(wrong, lambda future: seen.append(type(future.exception()).__name__))
    assert waiting.empty()  # whoever asked goes on
    assert not folder.present(hash_of(CONTENT))
    gate.set()
    for _ in range(3):
        waiting.get(timeout=30)()
    assert seen[0].startswith("files")
    assert seen[1:] == ["True", "PeerError"]
    folder.stop()


def test_damaged_content_is_found_by_a_check(folder: BlobFolder) -> None:
    added = folder.add(io.BytesIO(CONTENT), SALT)
    file = next(path for path in folder.path.rglob("*") if path.is_file())
    file.write_bytes(CONTENT[:-1] + b"?")
    assert folder.present(added.hash)
    assert not folder.check(added.hash, SALT)


def test_a_full_disk_leaves_no_half_file_of_a_local_addition(folder: BlobFolder) -> None:
    with pytest.raises(StoreError) as caught, full_disk():
        folder.add(io.BytesIO(CONTENT), SALT)
    assert caught.value.code == "disk_full"
    assert files_of(folder) == []


def test_a_full_disk_keeps_what_was_received_before(folder: BlobFolder) -> None:
    incoming = folder.begin(hash_of(CONTENT), SALT, len(CONTENT))
    incoming.write(0, CONTENT[:3000])
    with pytest.raises(StoreError) as caught, full_disk():
        incoming.write(3000, CONTENT[3000:])
    assert caught.value.code == "disk_full"
    assert incoming.offset == 3000
    incoming.write(3000, CONTENT[3000:])
    incoming.finish()
    assert folder.check(hash_of(CONTENT), SALT)


def test_a_folder_that_cannot_be_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError):
        BlobFolder(tmp_path / "file")


def test_hashes_and_salts_have_their_size(folder: BlobFolder) -> None:
    with pytest.raises(LocalError):
        folder.present(b"../../etc")
    with pytest.raises(LocalError):
        folder.add(io.BytesIO(b""), b"short")


def test_words_for_a_full_disk(folder: BlobFolder) -> None:
    with pytest.raises(StoreError, match="磁盘空间不足"), folder._failures():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
