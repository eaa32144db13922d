"""`restore`: a backup becomes a node again, in an empty home, with a new epoch begun before anything can be signed.

Rules of this file:

1. Everything is unpacked, checked and brought into the new epoch in a folder inside the home; only then it is moved to
   its place (or into the PostgreSQL database, in one transaction), the configuration last. Killed in between, the home
   is no node yet and `restore` may be run again (C3).
2. Office, key, certificate and database of the backup must belong together, and to nobody else (R5).
3. 登记编号 go on a hundred further: those given out after the backup may be known to others.
"""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

from node.bootstrap import archive, homes
from node.config import CONFIG_FILE, Config, check_address, read_config, write_config
from node.errors import InputError, PeerError, why
from node.records.keyring import Keyring
from node.services.care.alarms import Alarms
from node.services.exchange.author import Author
from node.services.exchange.logs import Logs
from node.services.exchange.trust import fill_keyring
from node.services.identity import Identity
from node.services.mending import comeback
from node.storage.port import Meta, Store
from node.storage.snapshot import copy_in, examine
from node.storage.sql import open_store
from node.wire import credentials
from node.wire.keyfiles import read_key_file, write_key_file

_WORK = ".restoring"
_OURS = (_WORK, "keys", "blobs", "run", archive.DATABASE)
_SECRET = "AGE-SECRET-KEY-1"  # noqa: S105 - how a line of a key file begins


def verify_backup(source: Path, identity_file: Path | None) -> dict[str, object]:
    """`restore --verify-only`: read and check all of it, the database included; writes nothing that stays."""
    with tempfile.TemporaryDirectory(prefix="dulian-verify-") as folder:
        manifest = archive.read_backup(source, Path(folder), _secret_of(identity_file))
        _check_database(source, manifest, Path(folder) / archive.DATABASE)
    return {"ok": True, "file": str(source), **_facts(manifest)}


def restore_home(
    home: Path, source: Path, *, identity_file: Path | None = None, keys: Path | None = None, listen: str = "",
    database: str = "",
) -> dict[str, object]:  # fmt: skip
    """Make a node of a backup; the JSON document.

    Raises:
        InputError: the home is not empty; the backup is damaged, encrypted, without keys, or its parts do not fit.
        StoreError: the database cannot be had, or is not empty.
    """
    if listen:
        check_address(listen, "--listen")
    secret = _secret_of(identity_file)
    work = _prepare(home)
    try:
        manifest = archive.read_backup(source, work, secret)
        _check_database(source, manifest, work / archive.DATABASE)
        _take_keys(work, keys)
        config = _take_config(work, listen, database)
        found = _begin(work, config, manifest)
        if config.database:
            copy_in(work / archive.DATABASE, config.database)
            (work / archive.DATABASE).unlink()
        (work / f"{archive.DATABASE}.lock").unlink(missing_ok=True)
        _into_place(work, home)
    except OSError as error:
        _clear(home)
        remedy = "核对目录权限和磁盘空间后重试"
        raise InputError(f"不能写入目录（{why(error)}）", field="--home", value=home, remedy=remedy) from error
    except BaseException:
        _clear(home)
        raise
    return {**_facts(manifest), **found, "home": str(home.absolute()), "listen": config.listen}


def _prepare(home: Path) -> Path:
    """The working folder in an empty home; what a killed `restore` left is cleared away."""
    work = home / _WORK
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if work.is_dir() and not (home / CONFIG_FILE).exists():
            _clear(home)
        if any(home.iterdir()):
            remedy = "换一个空目录；原有的数据目录请先另存"
            raise InputError("目录不是空的，只能恢复到空目录", field="--home", value=home, remedy=remedy)
        home.chmod(0o700)
        work.mkdir(mode=0o700)
    except OSError as error:
        remedy = "换一个本用户可写的目录"
        raise InputError(f"不能建立目录（{why(error)}）", field="--home", value=home, remedy=remedy) from error
    return work


def _clear(home: Path) -> None:
    """Undo: only what `restore` makes, the mark of the unfinished work last."""
    for name in reversed(_OURS):
        path = home / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _secret_of(file: Path | None) -> str:
    if file is None:
        return ""
    for line in read_key_file(file).decode("ascii", "replace").splitlines():
        if line.startswith(_SECRET):
            return line.strip()
    raise InputError("文件里没有 age 私钥", field="--identity", value=file, remedy=f"应有一行 {_SECRET}…")


def _check_database(source: Path, manifest: dict[str, Any], path: Path) -> None:
    remedy, copied = "换一份备份", examine(path)
    if (copied.records, copied.heads) != (manifest.get("records"), manifest.get("heads")):
        raise InputError("备份不可用：数据库与清单不符", code="damaged", field="FILE", value=source, remedy=remedy)


def _take_keys(work: Path, folder: Path | None) -> None:
    target = work / "keys"
    if folder is not None:
        target.mkdir(mode=0o700, exist_ok=True)
        for name in (homes.RECORD_KEY, homes.LINK_CA, homes.TLS_PAIR):
            if (folder / name).exists():
                write_key_file(target / name, read_key_file(folder / name))
    if not target.is_dir():
        remedy = "加 --keys 指明另存的 keys 目录；密钥已丢失时，请上级执行 dulian invite 本单位代码 --recover"
        raise InputError("备份不含密钥", code="no_keys", field="FILE", remedy=remedy)


def _take_config(work: Path, listen: str, database: str) -> Config:
    found = read_config(work)  # says what is wrong with a file that is not ours
    if listen or database:
        values: dict[str, str | int] = tomllib.loads((work / CONFIG_FILE).read_text(encoding="utf-8"))
        changed = {"listen": listen or values.get("listen", ""), "database": database or values.get("database", "")}
        write_config(work, values | changed)
        found = read_config(work)
    return found


def _begin(work: Path, config: Config, manifest: dict[str, Any]) -> dict[str, object]:
    """Check that the parts belong together, then begin the new epoch; durable when this returns."""
    keys, world = homes.read_keys(work), homes.the_world()
    with closing(open_store(f"sqlite:///{work / archive.DATABASE}", create=False)) as store:
        identity = homes.read_identity(store, config, keys)
        keyring = _check_identity(store, identity, keys, manifest)
        now_ms = world.clock.now_ms()
        store.begin()
        logs = Logs(store, identity.path)
        author = Author(identity, world, store, logs)
        comeback.begin(store, comeback.RESTORE, comeback.number(manifest.get("made_ms")), now_ms)
        author.begin_epoch(comeback.RESTORE)
        logs.flush()
        neighbours = [*identity.path[-2:-1], *keyring.children(identity.code)]
        state = comeback.Comeback(store)
        if neighbours:
            Alarms(store, world).raise_(comeback.ALARM, identity.code, state.text(neighbours))
        else:
            store.delete(Meta, comeback.META)
        store.commit(durable=True)
        return {"epoch": author.epoch, "not_asked": neighbours}


def _check_identity(store: Store, identity: Identity, keys: homes.Keys, manifest: dict[str, Any]) -> Keyring:
    """R5: the manifest, the certificate and the channel's certificate all name this office and this key."""
    keyring = Keyring(homes.the_suites(), identity.federation)
    remedy = "换一份备份；勿混用各单位的数据"
    try:
        fill_keyring(keyring, store, Logs(store, identity.path))
    except PeerError as error:
        text = f"备份里本单位的证书链不成立：{error.text}"
        raise InputError(text, code="wrong_home", field="FILE", remedy=remedy) from error
    mine = keyring.current(identity.code)
    wrong = mine is None or mine.raw_key != keys.signer.raw_key or mine.path != identity.path
    wrong = wrong or manifest.get("office") != identity.code or manifest.get("key") != keys.signer.raw_key.hex()
    if keys.tls_certificate:
        wrong = wrong or credentials.office_of(keys.tls_certificate) != identity.code
    if wrong:
        raise InputError("备份里的单位、证书和密钥不是同一个", code="wrong_home", field="FILE", remedy=remedy)
    return keyring


def _into_place(work: Path, home: Path) -> None:
    for name in ("keys", "blobs", "run"):
        (work / name).mkdir(mode=0o700, exist_ok=True)
        (work / name).replace(home / name)
    if (work / archive.DATABASE).exists():
        (work / archive.DATABASE).replace(home / archive.DATABASE)
    archive.sync_tree(home)
    (work / CONFIG_FILE).replace(home / CONFIG_FILE)
    archive.sync_tree(home)
    shutil.rmtree(work)


def _facts(manifest: dict[str, Any]) -> dict[str, object]:
    names = ("office", "name", "made_at", "records", "logs", "attachments", "with_keys")
    return {name: manifest.get(name) for name in names}


