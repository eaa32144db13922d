"""`backup`: the database's online copy, attachments, configuration and keys in one checked file; by hand or daily.

Rules of this file:

1. Keys go only into an encrypted backup, or where the operator asked for them: whoever reads a key can sign as this
   office. A backup without keys is restored together with a copy of the folder ``keys``.
2. A scheduled backup is named by office and business date; only files named so are ever removed (rotation), and only
   after a newer one was checked. The run is fenced by its `JobRun`; a failure is an alarm until one succeeds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from node import __version__
from node.bootstrap import archive, homes
from node.clock import SystemClock, iso
from node.config import CONFIG_FILE, Config, read_config
from node.errors import InputError
from node.rules.calendar import date_of
from node.services.care.alarms import Alarms
from node.services.care.backups import note_made
from node.storage.port import BlobRow
from node.storage.snapshot import Copied, copy_out, examine
from node.storage.sql import SqlStore, open_store

_WORK_FOLDER = "run"
_WORK_PREFIX = "backup-"


class Made(NamedTuple):
    """A backup that was written and checked."""

    path: Path
    sha256: str
    size_bytes: int
    copied: Copied
    attachments: int
    with_keys: bool
    encrypted: bool
    at_ms: int

    def document(self) -> dict[str, object]:
        """The JSON document of `backup`, and what is kept for `status`."""
        return {
            "file": str(self.path), "sha256": self.sha256, "size": self.size_bytes, "at": iso(self.at_ms),
            "records": self.copied.records, "logs": self.copied.logs, "attachments": self.attachments,
            "keys": self.with_keys, "encrypted": self.encrypted, "verified": True,
        }  # fmt: skip


def make_backup(
    home: Path, config: Config, store: SqlStore, target: Path, recipients: Iterable[str], *, with_keys: bool,
    now_ms: int,
) -> Made:  # fmt: skip
    """Write and check a backup of a node, running or not; any thread.

    Raises:
        InputError: a recipient is no age key; the file cannot be written.
        StoreError: the database cannot be read, or its copy does not hold.
    """
    to = archive.recipients_of(list(recipients))
    keys = homes.read_keys(home)
    identity = homes.read_identity(store.reader(), config, keys)
    work = _work_folder(home)
    try:
        copy = work / archive.DATABASE
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        copy_out(store, copy)
        copied = examine(copy)
        members = [(archive.CONFIG, home / CONFIG_FILE), (archive.DATABASE, copy)]
        include_keys = bool(to) or with_keys
        if include_keys:
            members += [(f"keys/{path.name}", path) for path in sorted((home / "keys").iterdir()) if path.is_file()]
        attached = _attachments(home, store)
        members += attached
        facts: dict[str, object] = {
            "office": identity.code, "name": identity.name, "path": list(identity.path),
            "federation": identity.federation.hex(), "key": identity.signer.raw_key.hex(), "made_at": iso(now_ms),
            "made_ms": now_ms, "version": __version__, "records": copied.records, "logs": copied.logs,
            "heads": copied.heads, "attachments": len(attached), "with_keys": include_keys,
        }  # fmt: skip
        sha256 = archive.write_backup(target, members, facts, to)
        return Made(
            target, sha256, target.stat().st_size, copied, len(attached), include_keys, bool(to), now_ms
        )
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _work_folder(home: Path) -> Path:
    """A fresh folder inside the home, mode 0700; what killed backups left there is cleared away."""
    for left in (home / _WORK_FOLDER).glob(f"{_WORK_PREFIX}*"):
        pid = left.name.removeprefix(_WORK_PREFIX).partition("-")[0]
        if pid != str(os.getpid()):
            shutil.rmtree(left, ignore_errors=True)
    made = home / _WORK_FOLDER / f"{_WORK_PREFIX}{os.getpid()}-{os.urandom(4).hex()}"
    made.mkdir(mode=0o700, parents=True)
    return made


def _attachments(home: Path, store: SqlStore) -> list[tuple[str, Path]]:
    """Attachments that are here whole, by what the database knows of them."""
    found = []
    for row in store.reader().rows(BlobRow, present=True):
        name = row.hash.hex()
        path = home / "blobs" / name[:2] / name
        if path.is_file():
            found.append((f"blobs/{name[:2]}/{name}", path))
    return sorted(found)


def backup_home(home: Path, target: Path, recipients: Iterable[str], *, with_keys: bool) -> dict[str, object]:
    """`backup` on a node that is not running: the JSON document."""
    config = read_config(home)
    now_ms = SystemClock().now_ms()
    with closing(open_store(homes.database_url(home, config), create=False)) as store:
        made = make_backup(home, config, store, target, recipients, with_keys=with_keys, now_ms=now_ms)
        store.begin()
        note_made(store, Alarms(store, homes.the_world()), made.document(), 0, now_ms)
        store.commit(durable=True)
        return made.document()


def scheduled(home: Path, config: Config, store: SqlStore, day: int, now_ms: int) -> Made:
    """A business date's backup under its own name, then rotation. InputError, StoreError as `make_backup`."""
    folder = backup_folder(home, config)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        remedy = f"核对 config.toml 的 backup_folder（{folder}）"
        raise InputError("不能建立备份目录", field="配置项 backup_folder", value=folder, remedy=remedy) from error
    pattern = f"dulian-{config.office}-????-??-??.backup*"
    archive.clear_drafts(folder, pattern)
    ending = ".backup.age" if config.backup_recipients else ".backup"
    target = folder / f"dulian-{config.office}-{date_of(day).isoformat()}{ending}"
    made = make_backup(home, config, store, target, config.backup_recipients, with_keys=False, now_ms=now_ms)
    for old in sorted(folder.glob(pattern))[: -config.backup_keep]:
        old.unlink()
    return made


def backup_folder(home: Path, config: Config) -> Path:
    """Where scheduled backups go; a relative path is one inside the home."""
    return home / config.backup_folder
