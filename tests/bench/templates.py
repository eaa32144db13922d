"""Homes of nodes prepared for the measures, made once and kept under build/bench-data.

The tree: 江苏省 320000 (the parent of both), 苏州市 320500 (its records are caught up), 无锡市 320200 (its records lie
at the province already). Every certificate is held by all who need it beforehand, so that a measure moves records of
items only. A template is never run; measures run copies.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from node.bootstrap import homes
from node.clock import SystemClock
from node.config import read_config
from node.records import notes
from node.records.keyring import possession_message
from node.records.kinds import Kind
from node.records.line import LogKey, level_of, log_id_of
from node.records.payload import Certificate
from node.services.exchange.enrol import LinkCa
from node.services.office import Office
from node.storage.blobs import BlobFolder
from node.storage.port import LogRow, Peer, RecordRow
from node.storage.sql import SqlStore, open_store
from node.sync.limits import DEFAULT_LIMITS
from node.wire import credentials
from node.wire.invitation import decode_token
from node.wire.messages import JoinRequest
from tests.bench import people
from tests.conftest import ROOT

KEPT_S = 30 * 86_400  # TLS certificates and invitations in the homes grow old
PROVINCE, SUZHOU, WUXI, KUNSHAN = "320000", "320500", "320200", "320583"
NAMES = {PROVINCE: "江苏省", SUZHOU: "苏州市", WUXI: "无锡市", KUNSHAN: "昆山市"}
_LOGS_PER_CHUNK = 20
_START_MS = 1_750_000_000_000
_WORKERS = 2


class Sizes(NamedTuple):
    """How much is written, in records and logs; all of it scales."""

    caught_up_logs: int
    single_logs: int
    stored_few_logs: int
    stored_many_logs: int
    per_log: int = 100

    @classmethod
    def of(cls, scale: float) -> Sizes:
        """The sizes of the issue times ``scale``."""
        return cls(*(max(2, round(count * scale / 2) * 2) for count in (3_000, 1_300, 500, 10_000)))


class Templates:
    """The folder of prepared homes for one scale: ``province`` (holds nothing of the cities' items), ``province-few``,
    ``province-many`` (holds what 无锡市 wrote), ``suzhou`` (300,000 records), ``suzhou-single``, ``wuxi`` (1,000,000),
    ``kunshan`` (a county of 苏州市 without records).
    """

    def __init__(self, scale: float) -> None:
        """Make the homes unless they are there."""
        self.sizes = Sizes.of(scale)
        folder = ROOT / "build" / "bench-data"
        self.folder = folder / f"{_fingerprint()}-{scale:g}"
        if not (self.folder / "done").exists() or time.time() - (self.folder / "done").stat().st_mtime > KEPT_S:
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob(f"*-{scale:g}"):
                shutil.rmtree(old)
            self.folder.mkdir()
            self._make()
            (self.folder / "done").touch()

    def copy(self, name: str, to: Path) -> Path:
        """A copy of a template that may be run."""
        shutil.copytree(self.folder / name, to, copy_function=_copy_file)
        return to

    def _make(self) -> None:
        start = time.monotonic()
        self._say("造数据:单位与证书")
        asyncio.run(self._found())
        path, sizes = (PROVINCE, SUZHOU), self.sizes
        shutil.copytree(self.folder / "suzhou", self.folder / "suzhou-single")
        self._fill(["suzhou-single"], path, sizes.single_logs, 1)
        self._say(f"造数据:{sizes.caught_up_logs * sizes.per_log:,} 条待追补的记录")
        self._fill(["suzhou"], path, sizes.caught_up_logs, sizes.per_log)
        shutil.copytree(self.folder / "province", self.folder / "province-few")
        shutil.copytree(self.folder / "province", self.folder / "province-many")
        path = (PROVINCE, WUXI)
        self._say(f"造数据:{sizes.stored_many_logs * sizes.per_log:,} 条已存的记录")
        self._fill(["province-few"], path, sizes.stored_few_logs, sizes.per_log)
        self._fill(["province-many", "wuxi"], path, sizes.stored_many_logs, sizes.per_log)
        self._say(f"造数据:完成,{time.monotonic() - start:.0f} 秒")

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    # -- offices ------------------------------------------------------------------------------------------------------

    async def _found(self) -> None:
        province = self.folder / "province"
        _new_home(province, PROVINCE)
        homes.found_root(province, NAMES[PROVINCE], homes.read_keys(province))
        sizes = self.sizes
        units = {SUZHOU: max(sizes.caught_up_logs // 2, sizes.single_logs), WUXI: sizes.stored_many_logs // 2}
        for code, name in ((SUZHOU, "suzhou"), (WUXI, "wuxi")):
            await _enrol(province, self.folder / name, code)
            _certify_units(self.folder / name, code, units[code])
        await _enrol(self.folder / "suzhou", self.folder / "kunshan", KUNSHAN)
        _share_office_logs(province, self.folder / "suzhou", self.folder / "wuxi", self.folder / "kunshan")

    # -- records ------------------------------------------------------------------------------------------------------

    def _fill(self, names: list[str], path: tuple[str, ...], logs: int, per_log: int) -> None:
        """Write logs into some homes and fold them."""
        opened = [_Opened(self.folder / name) for name in names]
        federation, epoch = opened[0].office.identity.federation, _epoch_of(opened[-1], path[-1])
        per_line = 1 if per_log == 1 else 2
        lines = logs // per_line
        per_chunk = _LOGS_PER_CHUNK // per_line
        jobs = [
            (path, epoch, federation, first, min(first + per_chunk, lines), per_log)
            for first in range(0, lines, per_chunk)
        ]
        with get_context("spawn").Pool(_WORKERS) as pool:
            for rows in pool.imap(_write, jobs):
                for home in opened:
                    home.take(rows)
        for home in opened:
            home.close()


class _Opened:
    """A home whose store is open for filling."""

    def __init__(self, home: Path) -> None:
        config, keys = read_config(home), homes.read_keys(home)
        self._last = 0
        self.store: SqlStore = open_store(homes.database_url(home, config), create=False)
        ca = LinkCa(keys.ca_key_pem, keys.ca_certificate, 180 * 86_400_000)
        identity = homes.read_identity(self.store, config, keys)
        self.office = Office(
            identity, homes.the_world(), homes.the_suites(), self.store, BlobFolder(home / "blobs"), DEFAULT_LIMITS, ca,
            config.reachable_at,
        )  # fmt: skip

    def take(self, logs: Iterable[tuple[LogKey, list[tuple]]]) -> None:
        """Store whole logs, their signatures checked, and fold them."""
        index, store = self.office.logs.index, self.store
        store.begin()
        number = max(self._last, max((row.log_no for row in index), default=0))
        for key, rows in logs:
            number += 1
            store.add_logs([LogRow(number, log_id_of(key), key)])
            records = [RecordRow(number, seq, *row) for seq, row in enumerate(rows, 1)]
            store.append(records, [(number, len(records), records[-1].record_id)])
            store.set_log(number, checked_seq=len(records))
        self._last = number
        store.commit(durable=True)

    def close(self) -> None:
        self.office.load()
        while self.office.project(force=True):
            pass
        while self.office.projector.texts.waits:  # a node that has been up for a while has done so in its pauses
            self.office.project(texts=True)
        self.store.close()
        _sync()


def _write(job: tuple[tuple[str, ...], int, bytes, int, int, int]) -> list[tuple[LogKey, list[tuple]]]:
    """One chunk of lines, in a process of its own: the records' columns behind (log_no, seq)."""
    path, epoch, federation, first, last, per_log = job
    city = people.Office(path[-1], "", epoch, people.signer_of(path[-1]))
    made = []
    for number in range(first, last):
        unit = people.unit_of(path[-1], number)
        at_ms = _START_MS + number * 600_000
        if per_log == 1:
            written = [people.write_opening(path, city, unit, federation, at_ms)]
        else:
            items = 2 * per_log // people.RECORDS_PER_ITEM
            written = people.write_line(path, city, unit, federation, items, at_ms)
        made += [(key, [(r.record_id, *r.envelope, at_ms) for r in records]) for key, records in written]
    return made


def _new_home(home: Path, code: str) -> homes.Keys:
    keys = homes.make_home(home, code, "127.0.0.1:7600", "", "", "")
    key_file = home / "keys" / homes.RECORD_KEY
    raw = hashlib.sha256(f"dulian bench {code}".encode()).digest()
    key_file.write_bytes(raw.hex().encode() + b"\n")
    keys = homes.read_keys(home)
    assert keys.signer.raw_key == people.signer_of(code).raw_key
    return keys


async def _enrol(parent_home: Path, home: Path, code: str) -> None:
    """What invite, join and approve do, without the network between them."""
    parent = _Opened(parent_home)
    office, now_ms = parent.office, SystemClock().now_ms()
    office.step([lambda: None])
    parent.store.begin()
    token = office.enrolment.invite(code, NAMES[code], 86_400_000, auto_approve=True)
    invitation = decode_token(token, now_ms)
    keys = _new_home(home, code)
    tls_key = credentials.new_tls_key()
    tls_public = credentials.public_key_der(tls_key)
    signer, suite = keys.signer, keys.signer.suite
    proof = possession_message(invitation.federation, code, office.identity.code, suite.number, signer.raw_key)
    renewal = notes.sign_renewal(signer, invitation.federation, notes.Renewal(code, tls_public, now_ms))
    request = JoinRequest(
        code, suite.number, signer.raw_key, signer.sign(proof), tls_public, renewal, keys.ca_certificate
    )
    leaf = credentials.enrolment_leaf(
        credentials.enrolment_key(invitation.secret), code, tls_public, invitation.expires_ms
    )
    reply = office.enrolment.join(request, leaf)
    office.logs.flush()
    parent.store.commit(durable=True)
    homes.save_tls(home, tls_key, reply.tls_certificate)
    homes.enter(home, keys, invitation.address, invitation.link_ca, reply, invitation.federation)
    parent.close()


def _certify_units(home: Path, city: str, count: int) -> None:
    """The city's certificates of its units, which have no nodes of their own here."""
    opened = _Opened(home)
    office, suite = opened.office, people.signer_of(city).suite
    opened.store.begin()
    for number in range(count):
        unit = people.unit_of(city, number)
        raw_key = unit.signer.raw_key
        proof = possession_message(office.identity.federation, unit.code, city, suite.number, raw_key)
        path = (*office.identity.path, unit.code)
        certificate = Certificate(
            unit.code, unit.name, level_of(unit.code), path, suite.number, raw_key, unit.signer.sign(proof), bytes(32)
        )
        office.author.write(Kind.CERTIFICATE, office.author.office_line, certificate)
    office.logs.flush()
    opened.store.commit(durable=True)
    opened.close()


def _share_office_logs(*all_homes: Path) -> None:
    """Every home gets the office logs that its office may know: nothing of them is left for the links."""
    opened = [_Opened(home) for home in all_homes]
    for source in opened:
        for log in list(source.office.logs.index):
            rows = source.store.run(log.log_no, 0, 1_000_000, 1 << 40)
            for target in opened:
                path = target.office.identity.path
                above = source.office.identity.path
                known = target.office.logs.index.get(log.log_id)
                one_chain = path[: len(above)] == above or above[: len(path)] == path
                if known or not one_chain or not log.key.line.includes(path):
                    continue
                target.take([(log.key, [tuple(row[2:]) for row in rows])])
                target.office.load()
                target._last = 0
    for home in opened:
        home.close()


def _epoch_of(opened: _Opened, city: str) -> int:
    return next(log.key.epoch for log in opened.office.logs.index if log.key.author == city)


def point(home: Path, parent: str, address: str) -> None:
    """Tell a copied home where its parent listens now."""
    store = open_store(homes.database_url(home, read_config(home)), create=False)
    row = store.get(Peer, parent)
    assert row is not None
    store.begin()
    store.put([Peer(row.office, row.role, address, row.link_ca, row.admitted_ms, 0, "", 0)])
    store.commit(durable=True)
    store.close()


def _fingerprint() -> str:
    """Changes with what makes the data."""
    hasher = hashlib.sha256()
    formats = [*(ROOT / "proto").rglob("*.proto"), *(ROOT / "node" / "storage" / "migrations").rglob("*.py")]
    for file in (Path(__file__), Path(people.__file__), *sorted(formats)):
        hasher.update(file.read_bytes())
    return hasher.hexdigest()[:12]


def _copy_file(source: str, target: str) -> None:
    subprocess.run(["cp", "--reflink=auto", "--preserve=mode", source, target], check=True)


def _sync() -> None:
    """So that no measure pays for what was written before it."""
    os.sync()
