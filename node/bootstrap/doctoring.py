"""Gathering for `doctor` at the edge: files, disk, database, certificates, the way to the parent."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import tzname

from node.bootstrap import enrolling, homes
from node.clock import SystemClock
from node.config import Config, read_config
from node.errors import DulianError, InputError, StoreError, why
from node.records.keyring import Keyring
from node.services.care import doctor_gather as store_facts
from node.services.care.doctor import examine
from node.services.care.doctor_facts import Certificate, Facts, File, Linked
from node.services.care.doctor_facts import Parent as ParentFact
from node.services.care.watching import Watched
from node.services.exchange.logs import Logs
from node.services.exchange.trust import fill_keyring
from node.services.identity import Identity
from node.services.matters.rulebook import Rulebook
from node.storage.blobs import BlobFolder
from node.storage.inspect import inspect_database, refusals_since
from node.storage.port import Alarm, BlobRow, MarkRow, Meta, Peer, Reader
from node.storage.sql import SqlStore, open_store
from node.wire import credentials
from node.wire.client import Parent
from node.wire.probe import reach

_DAY_MS = 86_400_000
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_PROBE = ".doctor-probe"
_PROBE_BYTES = 65_536
_PORT_S = 2.0


def doctor_home(home: Path, *, deep: bool) -> dict[str, object]:
    """`doctor` on a node that is not running: the JSON document. InputError where there is no node, StoreError."""
    config = read_config(home)
    if enrolling.load_waiting(home) is not None:
        remedy = "执行 dulian serve，等待上级批准"
        raise InputError("尚未入网，没有可检查的数据", field="--home", value=home, remedy=remedy)
    now_ms = SystemClock().now_ms()
    try:
        keys = homes.read_keys(home)
        store = open_store(homes.database_url(home, config), create=False)
    except (InputError, StoreError) as error:
        # What stops a node from starting is what an operator asks about: the rest is told all the same.
        facts = _edge(home, config, Facts(now_ms, False, deep, config.office, os.geteuid(), str(home)))
        fix = error.remedy
        error.advise("")
        return examine(replace(facts, database_fault=str(error), database_fix=fix)).document(facts)
    with closing(store):
        identity = homes.read_identity(store, config, keys)
        keyring = Keyring(homes.the_suites(), identity.federation)
        fill_keyring(keyring, store, Logs(store, identity.path))
        facts = gather(
            home, config, store, BlobFolder(home / "blobs"), identity, keyring, deep=deep, watched=None, now_ms=now_ms
        )
        parent = _parent_of(store.reader(), config, identity, keys)
    facts = replace(facts, certificates=certificates(keys, parent, now_ms))
    facts = asyncio.run(with_parent(facts, parent, home))
    return examine(facts).document(facts)


def gather(
    home: Path, config: Config, store: SqlStore, blobs: BlobFolder, identity: Identity, keyring: Keyring, *,
    deep: bool, watched: Watched | None, now_ms: int,
) -> Facts:  # fmt: skip
    """All but the parent and the certificates; may take long with ``deep``. ``watched``: what the core knows."""
    reader = store.reader()
    facts = _edge(home, config, Facts(now_ms, watched is not None, deep, identity.code, os.geteuid(), str(home)))
    book = Rulebook(reader, identity.code)
    items = store_facts.look_at_items(reader, identity.code, book, deep=deep)

    def whole(row: BlobRow) -> bool:
        return blobs.check(row.hash, row.salt)

    def here(row: BlobRow) -> bool:
        return whole(row) if deep else blobs.has(row.hash)

    chains = store_facts.look_at_records(reader, keyring, lambda _row: True, items, deep=deep)
    hours = {"routines": config.routine_hour}
    if config.backup_folder:
        hours["backup"] = config.backup_hour
    calendar = book.calendar()
    recovering = reader.get(Meta, "recovering")
    return replace(
        facts,
        database=inspect_database(store.engine, deep=deep),
        findings=chains.findings,
        scrubbed=chains.scrubbed,
        board_wrong=chains.board_wrong,
        recovering=watched.recovering if watched else recovering.value.decode() if recovering else "",
        links=tuple(link.linked for link in watched.links) if watched else _stopped_links(reader),
        skew_ms=watched.skew_ms if watched else None,
        calendar_unknown_day=store_facts.calendar_gap(calendar, now_ms),
        calendar_version=calendar.version,
        profiles_missing=items.profiles_missing,
        unowned=items.unowned,
        jobs=store_facts.jobs_of(reader, now_ms, hours),
        backup=store_facts.backup_of(reader, config.backup_folder),
        evidence=refusals_since(store.engine, now_ms - _DAY_MS),
        frozen=store_facts.frozen_of(reader),
        parked=watched.parked if watched else 0,
        pending=store_facts.pending_of(reader),
        blobs_missing=store_facts.missing_blobs(reader, here),
        alarms=watched.alarms if watched else tuple(reader.rows(Alarm)),
    )


def _edge(home: Path, config: Config, facts: Facts) -> Facts:
    """Files, disk, host."""
    disk = os.statvfs(home)
    return replace(
        facts,
        files=tuple(_files(home)),
        disk_free_bytes=disk.f_bavail * disk.f_frsize,
        disk_bytes=disk.f_blocks * disk.f_frsize,
        disk_fault=_write_fault(home),
        zone=_zone(),
        listen=config.listen,
        listening=_listening(config.listen),
        console=_console_certificate(home, config),
        files_max=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        fresh_ms=config.freshness_limit_s * 1000,
    )


def _files(home: Path) -> list[File]:
    folders = [home, home / "keys", home / "run", home / "blobs"]
    secrets = [home / "keys" / name for name in (homes.RECORD_KEY, homes.LINK_CA)]
    if (home / "keys" / homes.TLS_PAIR).exists():
        secrets.append(home / "keys" / homes.TLS_PAIR)
    found = []
    for wanted, paths in ((0o700, folders), (0o600, secrets)):
        for path in paths:
            try:
                stat = path.stat()
            except OSError:
                found.append(File(str(path), 0, 0, wanted))
            else:
                found.append(File(str(path), stat.st_mode & 0o777, stat.st_uid, wanted))
    return found


def _write_fault(home: Path) -> str:
    """Why nothing can be written into the home, empty where it can."""
    path = home / "run" / _PROBE
    try:
        path.write_bytes(bytes(_PROBE_BYTES))
        path.unlink()
    except OSError as error:
        return why(error)
    return ""


def _zone() -> str:
    """The host's time zone, for information."""
    try:
        target = Path("/etc/localtime").resolve()
    except OSError:
        return tzname[0]
    return str(target).partition("zoneinfo/")[2] or tzname[0]


def _listening(address: str) -> bool | None:
    host, _, port = address.rpartition(":")
    if port == "0":
        return None
    host = host.strip("[]")
    try:
        with socket.create_connection(("127.0.0.1" if host in ("", "0.0.0.0") else host, int(port)), _PORT_S):  # noqa: S104
            return True
    except OSError:
        return False


def certificates(keys: homes.Keys, parent: Parent | None, now_ms: int) -> tuple[Certificate, ...]:
    """The TLS certificates of this node: its link CA, and its own towards the parent."""
    ca = keys.ca_certificate
    found = [Certificate("下级联通用的签发证书", credentials.expires_ms(ca), credentials.is_issued_by(ca, ca), False)]
    if parent is not None:
        mine = parent.certificate
        chain_ok = credentials.is_issued_by(mine, parent.link_ca)
        due = credentials.needs_renewal(mine, now_ms)
        found.append(Certificate("与上级联通用的证书", credentials.expires_ms(mine), chain_ok, due))
    return tuple(found)


def _console_certificate(home: Path, config: Config) -> Certificate | None:
    """The console's certificate; ``renewal_due`` where the node makes a new one by itself when it starts."""
    own = bool(config.console_certificate)
    path = Path(config.console_certificate) if own else home / "keys" / "console.pem"
    if not config.console or not (own or path.exists()):
        return None
    try:
        found = _CERTIFICATE.search(path.read_text(encoding="ascii", errors="replace"))
        expires_ms = credentials.expires_ms(ssl.PEM_cert_to_DER_cert(found.group())) if found else 0
    except (OSError, ValueError):
        expires_ms = 0
    return Certificate(str(path), expires_ms, chain_ok=expires_ms > 0, renewal_due=not own)


def _parent_of(reader: Reader, config: Config, identity: Identity, keys: homes.Keys) -> Parent | None:
    row = reader.get(Peer, identity.parent) if identity.parent else None
    if row is None:
        return None
    return Parent(config.parent or row.address, row.office, row.link_ca, keys.tls_key_pem, keys.tls_certificate)


async def with_parent(facts: Facts, parent: Parent | None, home: Path) -> Facts:
    """Try the way to the parent, layer by layer."""
    if parent is None:
        return facts
    if any(link.connected and link.role == "parent" for link in facts.links):
        return replace(facts, parent=ParentFact(parent.address, "", ""))
    try:
        layer, text = await reach(parent, home / "keys" / homes.TLS_PAIR)
    except (DulianError, OSError) as error:
        layer, text = "tls", str(error)
    return replace(facts, parent=ParentFact(parent.address, layer, text))


def with_quotas(facts: Facts, over: tuple[str, ...]) -> Facts:
    """Say who is beyond its quota."""
    return replace(facts, over_quota=over)


def made_ms(made: Mapping[str, object]) -> int:
    """When a backup was made."""
    return int(datetime.fromisoformat(str(made["at"])).timestamp() * 1000)


def _stopped_links(reader: Reader) -> tuple[Linked, ...]:
    """What a stopped node knows of its neighbours."""
    marks = {row.office: row.satisfied_ms for row in reader.rows(MarkRow)}
    return tuple(
        Linked(
            row.office, row.role, "behind", False, row.last_contact_ms, marks.get(row.office, 0), 0, 0,
            row.quarantined, "", (0, 0), 0,
        )
        for row in reader.rows(Peer)
    )  # fmt: skip
