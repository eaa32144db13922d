"""Backup files: a tar with a manifest of hashes, as it is or encrypted with age (age-encryption.org/v1).

Rules of this file:

1. A backup appears under its name only when it is whole, on disk and checked: written beside it, synced, read again,
   renamed. Killed in between, there is no file or the whole one (faults.md C3).
2. Members stand in a fixed order, the manifest last; a file without manifest, or with a member too many, too few or
   changed, is refused.
3. What goes into an encrypted backup is never on a disk in plain text, apart from the database's own copy in the home.
4. Names of members are taken from a fixed list: nothing in a foreign file decides where it is written to.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO

from node.errors import InputError, why

FORMAT = "dulian-backup-1"
MANIFEST, DATABASE, CONFIG = "manifest.json", "dulian.db", "config.toml"
AGE_HEADER = b"age-encryption.org/v1\n"
_MEMBER = re.compile(r"config\.toml|dulian\.db|keys/[a-z-]+\.(?:key|pem)|blobs/[0-9a-f]{2}/[0-9a-f]{64}")
_MANIFEST_BYTES_MAX = 256 * 1024**2  # a million attachments
_COPY_BYTES = 1024**2


class _Hashed(io.RawIOBase):
    """A file that is read through a hash."""

    def __init__(self, file: BinaryIO) -> None:
        self.hasher = hashlib.sha256()
        self.size = 0
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.hasher.update(data)
        self.size += len(data)
        return data


class _HashedOut(io.RawIOBase):
    """A file that is written through a hash."""

    def __init__(self, file: BinaryIO) -> None:
        self.hasher = hashlib.sha256()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.hasher.update(data)
        return self._file.write(data)


def write_backup(
    target: Path, members: Sequence[tuple[str, Path]], facts: dict[str, object], recipients: Sequence[str]
) -> str:
    """Write, check and put in place; returns the SHA-256 of the file in hex.

    Args:
        target: overwritten where it exists.
        members: name in the backup and the file it is read from, the manifest not among them.
        facts: what the manifest says besides hashes.
        recipients: age public keys (age1…); none = not encrypted.

    Raises:
        InputError: a recipient is no age public key, ``target`` cannot be written, or what was read back differs.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                written = _HashedOut(file)
                if recipients:
                    _encrypted(written, members, facts, recipients)
                else:
                    _write_tar(written, members, facts)
                file.flush()
                os.fsync(file.fileno())
                if hasattr(os, "posix_fadvise"):  # read back from the disk, not the cache
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            digest = written.hasher.hexdigest()
            if _sha256(draft) != digest:
                raise _broken(target, "写入的内容读回不符，磁盘可能有故障")
            if not recipients:
                read_backup(draft, None, "")
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
    except OSError as error:
        remedy = "核对目录、权限和磁盘空间"
        raise InputError(f"不能写入备份文件（{why(error)}）", field="FILE", value=target, remedy=remedy) from error
    return digest


def read_backup(path: Path, into: Path | None, identity: str) -> dict[str, Any]:
    """Check a whole backup and, with ``into``, unpack it there (files 0600); returns the manifest.

    Raises:
        InputError: not a backup, damaged, encrypted and ``identity`` (AGE-SECRET-KEY-1…) is missing or another one.
    """
    try:
        with path.open("rb") as file:
            encrypted = file.read(len(AGE_HEADER)) == AGE_HEADER
            file.seek(0)
            if not encrypted:
                return _read_tar(file, path, into)
            if not identity:
                remedy = "加 --identity 私钥文件"
                raise InputError("备份是加密的，需要私钥", code="encrypted", field="FILE", value=path, remedy=remedy)
            with _decrypted(file, path, identity) as plain:
                return _read_tar(plain, path, into)
    except OSError as error:
        remedy = "核对文件名、权限和磁盘空间"
        raise InputError(f"不能读取备份（{why(error)}）", field="FILE", value=path, remedy=remedy) from error


# -- tar --------------------------------------------------------------------------------------------------------------


def _write_tar(out: Any, members: Sequence[tuple[str, Path]], facts: dict[str, object]) -> None:
    found = []
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name, path in members:
            with path.open("rb") as file:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = os.fstat(file.fileno()).st_size, 0o600
                source = _Hashed(file)
                tar.addfile(entry, source)
            found.append({"name": name, "size": source.size, "sha256": source.hasher.hexdigest()})
        raw = json.dumps({"format": FORMAT, **facts, "files": found}, ensure_ascii=False, indent=1).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(raw), 0o600
        tar.addfile(entry, io.BytesIO(raw))


def _read_tar(file: Any, path: Path, into: Path | None) -> dict[str, Any]:
    found: list[dict[str, object]] = []
    manifest: dict[str, Any] | None = None
    try:
        with tarfile.open(fileobj=file, mode="r|") as tar:
            for entry in tar:
                source = tar.extractfile(entry)
                if manifest is not None or source is None:
                    raise _broken(path, f"{entry.name} 不应在此")
                if entry.name == MANIFEST and entry.size <= _MANIFEST_BYTES_MAX:
                    manifest = json.loads(source.read())
                    continue
                if not _MEMBER.fullmatch(entry.name):
                    raise _broken(path, "含有不属于备份的文件")
                found.append({"name": entry.name, **_take(source, into / entry.name if into else None)})
    except (tarfile.TarError, ValueError, EOFError, RecursionError) as error:
        raise _broken(path, "文件不完整或不是督联的备份") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _broken(path, "文件不完整或不是督联的备份")
    if manifest.get("files") != found:
        raise _broken(path, "内容与清单不符")
    return manifest


def _take(source: IO[bytes], target: Path | None) -> dict[str, object]:
    hasher, size = hashlib.sha256(), 0
    out: BinaryIO | None = None
    if target is not None:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        out = os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
    try:
        while data := source.read(_COPY_BYTES):
            hasher.update(data)
            size += len(data)
            if out is not None:
                out.write(data)
        if out is not None:
            out.flush()
            os.fsync(out.fileno())
    finally:
        if out is not None:
            out.close()
    return {"size": size, "sha256": hasher.hexdigest()}


# -- age --------------------------------------------------------------------------------------------------------------


def recipients_of(texts: Sequence[str]) -> list[str]:
    """Check age public keys; InputError naming the one that is not."""
    import pyrage  # noqa: PLC0415 - only where backups are encrypted

    for text in texts:
        try:
            pyrage.x25519.Recipient.from_str(text)
        except pyrage.RecipientError as error:
            remedy = "写 age 公钥（age1…，由 age-keygen 生成）"
            raise InputError("不是 age 公钥", field="--encrypt-to", value=text, remedy=remedy) from error
    return list(texts)


def _encrypted(
    out: Any, members: Sequence[tuple[str, Path]], facts: dict[str, object], recipients: Sequence[str]
) -> None:
    import pyrage  # noqa: PLC0415 - only where backups are encrypted

    keys = [pyrage.x25519.Recipient.from_str(text) for text in recipients_of(recipients)]

    def produce(pipe: BinaryIO) -> None:
        _write_tar(pipe, members, facts)

    with _piped(produce) as plain:
        pyrage.encrypt_io(plain, out, keys)


@contextmanager
def _decrypted(file: BinaryIO, path: Path, identity: str) -> Iterator[BinaryIO]:
    import pyrage  # noqa: PLC0415 - only where backups are encrypted

    try:
        key = pyrage.x25519.Identity.from_str(identity)
    except pyrage.IdentityError as error:
        raise InputError("不是 age 私钥", field="--identity", remedy="文件里应有一行 AGE-SECRET-KEY-1…") from error

    def produce(pipe: BinaryIO) -> None:
        try:
            pyrage.decrypt_io(file, pipe, [key])
        except (pyrage.DecryptError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            text, remedy = "不能解密：私钥不符或文件已损坏", "用与备份公钥成对的私钥；仍不行则换一份备份"
            raise InputError(text, code="encrypted", field="FILE", value=path, remedy=remedy) from error

    with _piped(produce) as plain:
        yield plain


@contextmanager
def _piped(produce: Callable[[BinaryIO], None]) -> Iterator[BinaryIO]:
    """What another thread writes, as a file to read; its error is raised here, in the place of what came of it."""
    reading, writing = os.pipe()
    failed: list[BaseException] = []

    def run() -> None:
        with os.fdopen(writing, "wb") as pipe:
            try:
                produce(pipe)
            except BrokenPipeError:
                pass  # the reader has seen enough
            except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits
                failed.append(error)

    thread = threading.Thread(target=run, name="backup", daemon=True)
    thread.start()
    try:
        with os.fdopen(reading, "rb") as pipe:
            try:
                yield pipe
                while pipe.read(_COPY_BYTES):
                    pass  # the end of an encrypted file is part of what is checked
            except Exception as error:
                if failed:  # the pipe ended for this: what the reader makes of a cut file is beside the point
                    raise failed[0] from error
                raise
    finally:
        thread.join()
    if failed:
        raise failed[0]


# -- small ------------------------------------------------------------------------------------------------------------


def sync_tree(folder: Path) -> None:
    """Make the names in a folder and below as durable as the files."""
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        _sync_folder(path)


def clear_drafts(folder: Path, pattern: str) -> None:
    """Remove what killed backups left of files named like ``pattern``."""
    for left in folder.glob(f".{pattern}.*.part"):
        with suppress(FileNotFoundError):
            left.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _broken(path: Path, text: str) -> InputError:
    return InputError(f"备份不可用：{text}", code="damaged", field="FILE", value=path, remedy="换一份备份")
