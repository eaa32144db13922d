"""Homes: a node's folder — keys, configuration, database, attachments — made by `init` and `join`, opened by `serve`.

Rules: a home holds one node for ever (a second `init` or `join` is refused); secrets are files of mode 0600 in folders
of mode 0700, refused otherwise; the office in the database and in the configuration must be the same.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.clock import SystemClock
from node.config import CONFIG_FILE, Config, check_address, read_config, write_config
from node.documents.calendars import seed_calendar
from node.errors import InputError, why
from node.records.envelope import open_envelope
from node.records.keyring import Keyring, possession_message
from node.records.kinds import Kind
from node.records.line import CODE, Line, level_of
from node.records.payload import Calendar, Certificate, check_line
from node.records.suite import Ed25519Sha256, Ed25519Signer, Suites, key_id_of
from node.services.exchange.author import Author
from node.services.exchange.logs import Logs
from node.services.exchange.trust import save_chain
from node.services.identity import Identity, World
from node.services.mending import comeback
from node.storage.port import Meta, Peer, Reader, Store
from node.storage.sql import open_store
from node.wire import credentials
from node.wire.keyfiles import read_key_file, write_key_file
from node.wire.messages import JoinReply

_SEED_SOURCE = "程序自带（chinesecalendar）"

RECORD_KEY, LINK_CA, TLS_PAIR, JOIN_FILE = "record.key", "link-ca.pem", "tls.pem", "join.json"
_OFFICE_META = "office"
_NAME_CHARS_MAX = 100


@dataclass(frozen=True, slots=True)
class Keys:
    """This node's secrets. ``ca_*``: link CA towards children; ``tls_*``: towards the parent (empty at the root)."""

    signer: Ed25519Signer
    ca_key_pem: bytes
    ca_certificate: bytes
    tls_key_pem: bytes
    tls_certificate: bytes


def the_world() -> World:
    """Time and randomness of the machine."""
    return World(SystemClock(), secrets.token_bytes, SystemRandom().random)


def the_suites() -> Suites:
    """The suites this release allows."""
    return Suites([Ed25519Sha256()])


def database_url(home: Path, config: Config) -> str:
    """The configured database, by default SQLite in the home."""
    return config.database or f"sqlite:///{home / 'dulian.db'}"


def make_home(home: Path, office: str, listen: str, advertise: str, console: str, database: str) -> Keys:
    """Create the folder, keys and configuration of a new node; InputError where there is one already."""
    if (home / CONFIG_FILE).exists() or (home / "keys").exists():
        remedy = "换一个目录"
        raise InputError("此处已有节点，不能重复建立", field="--home", value=home, remedy=remedy)
    if not CODE.match(office):
        raise InputError("不是单位代码", field="--office", value=office, remedy="写6位或9位数字，部门再加 -名称")
    for value, field in ((listen, "--listen"), (advertise, "--advertise"), (console, "--console")):
        if value:
            check_address(value, field)
    if (listen or "").startswith(("0.0.0.0:", "[::]:")) and not advertise:
        text, remedy = "监听全部地址时要写明下级用哪个地址连本机", "如 --advertise 10.1.2.3:7600"
        raise InputError(text, field="--advertise", remedy=remedy)
    made = not home.exists()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(home.iterdir()):
            raise InputError("目录不是空的", field="--home", value=home, remedy="换一个空目录")
    except OSError as error:
        remedy = "换一个本用户可写的目录，或核对权限和磁盘空间"
        raise InputError(f"不能建立目录（{why(error)}）", field="--home", value=home, remedy=remedy) from error
    try:
        home.chmod(0o700)
        for folder in ("keys", "blobs", "run"):
            (home / folder).mkdir(mode=0o700)
        keys = _new_keys(home, office)
        write_config(
            home,
            {"office": office, "listen": listen or "127.0.0.1:7600", "advertise": advertise, "console": console,
             "database": database},
        )  # fmt: skip
    except OSError as error:
        remove_home(home, keep_folder=not made)
        remedy = "核对目录权限和磁盘空间后重试"
        raise InputError(f"不能写入目录（{why(error)}）", field="--home", value=home, remedy=remedy) from error
    except BaseException:
        remove_home(home, keep_folder=not made)
        raise
    return keys


def remove_home(home: Path, *, keep_folder: bool = False) -> None:
    """Undo a set-up that failed half-way, so that it can be tried again."""
    for child in home.iterdir():
        if child.is_dir():
            shutil.rmtree(child)
        else:
            child.unlink()
    if not keep_folder:
        home.rmdir()


def read_keys(home: Path) -> Keys:
    """Read the secrets; InputError where one is missing or readable by others."""
    folder = home / "keys"
    try:
        raw = bytes.fromhex(read_key_file(folder / RECORD_KEY).decode("ascii").strip())
        private = Ed25519PrivateKey.from_private_bytes(raw)
    except ValueError as error:
        raise _damaged(folder / RECORD_KEY) from error
    ca_key, ca_certificate = _read_pair(folder / LINK_CA)
    tls_key, tls_certificate = b"", b""
    if (folder / TLS_PAIR).exists():
        tls_key, tls_certificate = _read_pair(folder / TLS_PAIR)
    return Keys(Ed25519Signer(Ed25519Sha256(), private), ca_key, ca_certificate, tls_key, tls_certificate)


def save_tls(home: Path, key_pem: bytes, certificate: bytes) -> None:
    """Replace the TLS key and certificate towards the parent, both in one file, atomically."""
    write_key_file(home / "keys" / TLS_PAIR, key_pem + credentials.to_pem(certificate))


def _read_pair(path: Path) -> tuple[bytes, bytes]:
    try:
        return split_pair(read_key_file(path))
    except ValueError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> InputError:
    return InputError("内容有误", field="密钥文件", value=path, remedy="从备份恢复该文件")


def split_pair(pem: bytes) -> tuple[bytes, bytes]:
    """A key and a certificate from one PEM file: (key PEM, certificate DER)."""
    at = pem.index(b"-----BEGIN CERTIFICATE-----")
    return pem[:at], credentials.from_pem(pem[at:])


def found_root(home: Path, name: str, keys: Keys) -> dict[str, object]:
    """`init`: the root office certifies itself; returns the JSON document."""
    config = read_config(home)
    check_line(name, "--name", _NAME_CHARS_MAX)
    suite, signer = keys.signer.suite, keys.signer
    federation = key_id_of(suite, signer.raw_key)
    code = config.office
    identity = Identity(code, name, (code,), federation, signer)
    store = open_store(database_url(home, config), create=True)
    try:
        store.begin()
        logs = Logs(store, identity.path)
        author = Author(identity, the_world(), store, logs)
        author.begin_epoch("init")
        proof = signer.sign(possession_message(federation, code, "", suite.number, signer.raw_key))
        ca_sha256 = credentials.tls_sha256(keys.ca_certificate)
        certificate = Certificate(code, name, level_of(code), (code,), suite.number, signer.raw_key, proof, ca_sha256)
        record = author.write(Kind.CERTIFICATE, author.office_line, certificate)
        Keyring(the_suites(), federation).learn(record)
        # The top office's calendar holds for everybody below (A2): its first edition comes with the program.
        seed = seed_calendar()
        calendar = Calendar(seed.version, seed.encode(), _SEED_SOURCE)
        author.write(Kind.CALENDAR, Line((code,), subtree=True), calendar)
        logs.flush()
        save_chain(store, [record.envelope])
        _save_identity(store, identity)
        store.commit(durable=True)
    finally:
        store.close()
    return {
        "office": code, "name": name, "fingerprint": federation.hex(), "state": "ready", "home": str(home.absolute()),
        "listen": config.listen,
    }  # fmt: skip


def enter(
    home: Path, keys: Keys, address: str, parent_ca: bytes, reply: JoinReply, federation: bytes, *,
    recover: bool = False,
) -> Identity:  # fmt: skip
    """`join` or `recover` admitted: check the chain against the pinned fingerprint and this node's key, then keep it.

    Raises PeerError where the parent's answer does not hold.
    """
    config = read_config(home)
    keyring = Keyring(the_suites(), federation)
    for envelope in reply.chain:
        last = keyring.learn(open_envelope(keyring.suites, envelope))
    mine = keyring.current(config.office)
    if mine is None or mine.raw_key != keys.signer.raw_key or last is not mine:
        raise InputError("上级签发的证书不是给本机的", remedy="请上级核对指纹后重新邀请")
    identity = Identity(config.office, mine.name, mine.path, federation, keys.signer)
    world = the_world()
    store = open_store(database_url(home, config), create=True)
    try:
        store.begin()
        if store.get(Meta, _OFFICE_META) is None:
            logs = Logs(store, identity.path)
            if recover:
                comeback.begin(store, comeback.RECOVER, 0, world.clock.now_ms())
            Author(identity, world, store, logs).begin_epoch(comeback.RECOVER if recover else "join")
            logs.flush()
        save_chain(store, reply.chain)
        store.put([Peer(identity.parent, "parent", address, parent_ca, world.clock.now_ms(), 0, "", 0)])
        _save_identity(store, identity)
        store.commit(durable=True)
    finally:
        store.close()
    return identity


def read_identity(store: Reader, config: Config, keys: Keys) -> Identity:
    """Who the database says this node is; InputError where configuration, key and database do not belong together."""
    saved = store.get(Meta, _OFFICE_META)
    if saved is None:
        raise InputError("数据库里还没有节点", field="--home", remedy="先完成 dulian init 或 dulian join")
    facts = json.loads(saved.value)
    wrong = f"配置（{config.office}）" if facts["code"] != config.office else ""
    if not wrong and facts["key"] != keys.signer.raw_key.hex():
        wrong = f"密钥 {RECORD_KEY} "
    if wrong:
        text = f"数据库属于 {facts['code']}，与本目录的{wrong}不符"
        remedy = "核对 --home 与 --database，勿混用各单位的数据"
        raise InputError(text, field="--home", code="wrong_home", remedy=remedy)
    if len(facts["path"]) > 1 and not keys.tls_certificate:
        remedy = "从备份恢复该文件"
        raise InputError("缺少与上级联通用的密钥文件", field="密钥文件", value=f"keys/{TLS_PAIR}", remedy=remedy)
    return Identity(
        facts["code"], facts["name"], tuple(facts["path"]), bytes.fromhex(facts["federation"]), keys.signer
    )


def _save_identity(store: Store, identity: Identity) -> None:
    facts = {
        "code": identity.code, "name": identity.name, "path": list(identity.path),
        "federation": identity.federation.hex(), "key": identity.signer.raw_key.hex(),
    }  # fmt: skip
    store.put([Meta(_OFFICE_META, json.dumps(facts, ensure_ascii=False).encode())])


def _new_keys(home: Path, office: str) -> Keys:
    folder = home / "keys"
    private = Ed25519PrivateKey.generate()
    write_key_file(folder / RECORD_KEY, private.private_bytes_raw().hex().encode() + b"\n")
    key_pem, certificate = credentials.new_link_ca(office, SystemClock().now_ms())
    write_key_file(folder / LINK_CA, key_pem + credentials.to_pem(certificate))
    return Keys(Ed25519Signer(Ed25519Sha256(), private), key_pem, certificate, b"", b"")


def check_home_mode(home: Path) -> None:
    """Refuse a home others can look into."""
    for path in (home, home / "keys"):
        mode = path.stat().st_mode & 0o777
        if mode & 0o077 and os.name == "posix":
            raise InputError("目录权限过宽", field="--home", value=path, code="mode", remedy=f"执行 chmod 700 {path}")


