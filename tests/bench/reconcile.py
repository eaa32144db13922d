"""Reconciliation: what comparing a link costs, how fast a store is scrubbed, what mending a large hole reads.

In one process over stores in memory, frames through their bytes, under Ed25519 and the limits of a real link; the scrub
on SQLite. A large history is one long log and many of 100 records, made once and kept in build/bench-data: all of the
county's, of a kind without items. In the long log only the head is signed for real: it vouches for the others.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from math import isqrt
from pathlib import Path
from typing import Any

from node.records import header as headers
from node.records.envelope import RECORD_PREFIX, payload_hash_of, record_id_of
from node.records.header import Header
from node.records.kinds import Channel
from node.records.line import Line, LogKey, log_id_of
from node.records.payload import Act, encode
from node.records.suite import Ed25519Sha256, key_id_of
from node.services.exchange.logs import Logs
from node.services.mending.scrub import PAGE, PAGE_BYTES
from node.storage.port import LogRow, RecordRow
from node.storage.sql import open_store
from node.sync import frames
from node.sync.frames import Frame
from node.sync.limits import DEFAULT_LIMITS
from node.sync.repair import LogScrub
from node.wire import codec
from tests.bench.drive import Bench, Measured
from tests.conftest import ROOT
from tests.sim.test_smoke import Wire
from tests.sim.world import START_MS, Machine, admit, found, signer_for, suites

CITY, COUNTY, SEED = "320500", "320583", 7
SIZES, HOLE, MISSING, SCRUBBED = (10_000, 100_000, 1_000_000), 10_000, (1, 100, 10_000), 100_000
SHORT = 100  # records of a short log
AGREEMENT_BYTES, STATEMENT_BYTES, SCRUB_BAR = 1_024, 1_536, 50_000
FACTOR, EXTRA_BYTES, ROUND_TRIPS = 1.15, 8_192, 3
_KIND = 1_500  # a local extension: stored, sent and scrubbed like any other, folded into nothing
_EPOCH = 77
_SALT = bytes(32)
_APPENDED = 50_000
_ALONGSIDE = (frames.Marks, frames.Ping, frames.Pong)  # what a link says by the clock, whatever there is to compare


class Counting(Wire):
    """Counts what passes: bytes and frames by kind, in which hop, and the records in them."""

    def __init__(self, *machines: Machine) -> None:
        super().__init__(*machines)
        self.hops = 0
        self.clear()

    def clear(self) -> None:
        """Count anew."""
        self.bytes: Counter[type[Frame]] = Counter()
        self.first: dict[type[Frame], int] = {}
        self.last: dict[type[Frame], int] = {}
        self.records: Counter[type[Frame]] = Counter()
        self.asked: list[frames.RangeRequest] = []
        self.batched = 0  # bytes of the records in batches

    def round(self) -> bool:
        """One hop."""
        self.hops += 1
        return bool(super().round())

    def deliver(self, machine: Machine, number: int, frame: Frame) -> None:
        """One frame."""
        kind = type(frame)
        self.bytes[kind] += len(codec.encode(frame))
        self.first.setdefault(kind, self.hops)
        self.last[kind] = self.hops
        if isinstance(frame, frames.Batch | frames.Range):
            self.records[kind] += len(frame.records)
        if isinstance(frame, frames.Batch):
            self.batched += frames.weight(frame)
        if isinstance(frame, frames.RangeRequest):
            self.asked.append(frame)
        super().deliver(machine, number, frame)


# -- the history ------------------------------------------------------------------------------------------------------


def _keys(records: int) -> Iterator[tuple[LogKey, int]]:
    """The logs of a history and how long they are."""
    yield LogKey(COUNTY, _EPOCH, Line((CITY, COUNTY))), records
    for number in range(max(10, records // 1_000)):
        yield LogKey(COUNTY, _EPOCH, Line((CITY, COUNTY, f"{COUNTY}{number:03}"[:9]))), SHORT


def _make(records: int, federation: bytes) -> Iterator[tuple[int, int, bytes, bytes, bytes, bytes]]:
    """All records of a history: log, number, id, header, signature, payload."""
    suite, signer = Ed25519Sha256(), signer_for(COUNTY, SEED, real=True)
    key_id = key_id_of(suite, signer.raw_key)
    for log_no, (key, length) in enumerate(_keys(records), 1):
        prev = b""
        for seq in range(1, length + 1):
            payload = encode(Act(f"第 {seq} 次：已核对三分之一，其余月底前完成", actor_name="张三"))
            raw = headers.encode(Header(
                federation, COUNTY, _EPOCH, key.line, seq, prev, START_MS - 10**9 + seq, 0, START_MS - 10**9 + seq,
                _KIND, b"", 0, (), b"", 1, Channel.CLI, suite.number, key_id, len(payload),
                payload_hash_of(suite, _SALT, payload),
            ))  # fmt: skip
            real = length in {SHORT, seq}
            signature = signer.sign(RECORD_PREFIX + raw) if real else 2 * hashlib.sha256(raw).digest()
            prev = record_id_of(suite, raw, signature)
            yield log_no, seq, prev, raw, signature, payload


def _kept(records: int, federation: bytes) -> Path:
    """The file that holds a history; made where it is not there yet."""
    path = ROOT / "build" / "bench-data" / f"reconcile1-{records}-{federation.hex()[:8]}.db"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.unlink(missing_ok=True)
        with closing(sqlite3.connect(draft)) as database:
            database.execute("pragma synchronous=off")
            database.execute("create table r (log_no, seq, id, header, signature, payload, primary key (log_no, seq))")
            database.executemany("insert into r values (?,?,?,?,?,?)", _make(records, federation))
            database.commit()
        draft.rename(path)
    return path


def _pair(records: int) -> tuple[Machine, Machine]:
    """A city and a county that hold a history of the county's."""
    city = found(SEED, CITY, real=True, limits=DEFAULT_LIMITS)
    county = admit(SEED, city, COUNTY, real=True, limits=DEFAULT_LIMITS)
    first = {machine: len(machine.store.reader().logs()) for machine in (city, county)}
    heads: dict[int, tuple[int, bytes]] = {}
    with closing(sqlite3.connect(_kept(records, city.identity.federation))) as database:
        cursor = database.execute("select * from r order by log_no, seq")
        while rows := cursor.fetchmany(_APPENDED):
            heads |= {log_no: (seq, record_id) for log_no, seq, record_id, *_ in rows}
            for machine, before in first.items():
                held = machine.store._tables.record.held
                for log_no, seq, record_id, header, signature, payload in rows:
                    row = RecordRow(before + log_no, seq, record_id, header, signature, _SALT, payload, START_MS)
                    held[row.log_no, seq] = machine.store.journal[row.log_no, seq] = row
    for machine, before in first.items():
        machine.store.begin()
        for log_no, (key, length) in enumerate(_keys(records), 1):
            _, head = heads[log_no]
            entry = LogRow(before + log_no, log_id_of(key), key, length, head, length, length)
            machine.store._tables.log.held[entry.log_no] = entry
        machine.store.commit(durable=True)
        machine.start()
    return city, county


def _linked(city: Machine, county: Machine) -> Counting:
    """Both started anew, and in sync."""
    for machine in (city, county):
        machine.sent.clear()
        machine.start()
    wire = Counting(city, county)
    wire.connect(county)
    return wire


def _run(wire: Counting, machine: Machine, peer: str) -> tuple[dict[str, Any], float]:
    numbers: list[int] = []
    began = time.process_time()
    wire.clear()
    wire.step(machine, lambda: numbers.append(machine.office.reconcile.request(peer)))
    while True:
        wire.settle()
        document = machine.office.reconcile.document(peer, numbers[0])
        if document is not None:
            wire.settle()
            return document, time.process_time() - began


# -- measures ---------------------------------------------------------------------------------------------------------


def measure(bench: Bench) -> list[Measured]:
    """All of them."""
    rows: list[Measured] = []
    for size in SIZES:
        records = max(1_000, int(size * bench.scale))
        city, county = _pair(records)
        rows += _agreement(_linked(city, county), city, county)
        if size == SIZES[-1]:
            rows += [_missing(city, county, max(1, int(count * bench.scale))) for count in MISSING]
            rows.append(_hole(city, county, min(records - 100, max(100, int(HOLE * bench.scale)))))
    return [*rows, _scrub(bench, city, max(2_000, int(SCRUBBED * bench.scale)))]


def _agreement(wire: Counting, city: Machine, county: Machine) -> list[Measured]:
    document, seconds = _run(wire, county, city.code)
    assert document["ok"], document
    compared = wire.bytes[frames.Reconcile]
    assert compared == document["bytes_sent"] + document["bytes_received"]
    said = wire.bytes[frames.Batch] + wire.bytes[frames.ReceiptFrame]
    rest = sum(wire.bytes.values()) - compared - said - sum(wire.bytes[kind] for kind in _ALONGSIDE)
    assert rest == 0, wire.bytes
    records, logs = document["records"], document["logs"]
    figures = {"bytes": compared, "said": said, "cpu_s": seconds, "records": records, "logs": logs}
    name, met = f"对账，双方一致（{records:,} 条 / {logs:,} 日志）", compared <= AGREEMENT_BYTES
    return [
        Measured(name, f"{compared:,} 字节", f"≤ {AGREEMENT_BYTES:,} 字节", met, figures),
        Measured("  对账单与收讫", f"{said:,} 字节", f"≤ {STATEMENT_BYTES:,} 字节", said <= STATEMENT_BYTES, {}),
    ]


def _missing(city: Machine, county: Machine, count: int) -> Measured:
    """The city lacks the last records of some short logs: what it costs to see that and to have them."""
    across = max(1, isqrt(count))
    short = [row for row in city.store.reader().logs() if row.head_seq == SHORT][:across]
    tables, lacking = city.store._tables, 0
    for number, row in enumerate(short):
        cut = min(SHORT, count // len(short) + (number < count % len(short)))
        lacking += cut
        for seq in range(SHORT - cut + 1, SHORT + 1):
            del tables.record.held[row.log_no, seq], city.store.journal[row.log_no, seq]
        last = tables.record.held.get((row.log_no, SHORT - cut))
        kept = SHORT - cut
        tables.log.held[row.log_no] = row._replace(
            head_seq=kept, head_id=last.record_id if last else b"", folded_seq=kept, checked_seq=kept
        )
    wire = _linked(city, county)
    assert wire.records[frames.Batch] == lacking, wire.records
    assert city.office.logs.index.link(county.code).root() == county.office.logs.index.link(city.code).root()
    # The greeting is every connection's, whatever is missing; it has a bar of its own (`reconnect`).
    passed = sum(size for kind, size in wire.bytes.items() if kind not in {*_ALONGSIDE, frames.Hello})
    trips = (wire.last[frames.Batch] - wire.first[frames.Buckets] + 2) / 2  # the answer to the last batch included
    allowed = FACTOR * wire.batched + EXTRA_BYTES
    figures = {
        "records": lacking, "logs": len(short), "bytes": passed, "their_bytes": wire.batched, "round_trips": trips,
        "frames": {kind.__name__: size for kind, size in wire.bytes.items()},
    }  # fmt: skip
    value = f"{passed:,} 字节，{trips:g} 个来回"
    bar = f"≤ {allowed:,.0f} 字节（1.15 × {wire.batched:,} + 8 KiB），{ROUND_TRIPS} 个来回"
    met = passed <= allowed and trips <= ROUND_TRIPS
    return Measured(f"缺 {lacking:,} 条（{len(short):,} 日志）", value, bar, met, figures)


def _hole(city: Machine, county: Machine, records: int) -> Measured:
    """Records in the middle of the long log are lost at the city: nothing else is read from the county."""
    wire = _linked(city, county)
    log = max(city.office.logs.index, key=lambda one: one.seq)
    first = (log.seq - records) // 2
    lost = [city.store._tables.record.held.pop((log.log_no, seq)) for seq in range(first, first + records)]
    document, seconds = _run(wire, city, county.code)
    assert document["ok"], document
    assert document["repaired"] == records, document
    assert [city.store._tables.record.held[row.log_no, row.seq] for row in lost] == lost
    asked = {(one.log_id, seq) for one in wire.asked for seq in (one.first, one.last)}
    inside = all(log_id == log.log_id and first <= seq < first + records for log_id, seq in asked)
    read = wire.records[frames.Range]
    size = sum(len(row.header) + len(row.signature) + len(row.payload or b"") + 32 for row in lost)
    figures = {"cpu_s": seconds, "bytes": wire.bytes[frames.Range], "their_bytes": size, "read": read}
    value = f"读 {read:,} 条，{wire.bytes[frames.Range] / size:.2f} 倍字节"
    name = f"修复 {records:,} 条的缺口（日志 {log.seq:,} 条）"
    return Measured(name, value, f"只读 {records:,} 条", read == records and inside, figures)


def _scrub(bench: Bench, city: Machine, records: int) -> Measured:
    log = max(city.office.logs.index, key=lambda one: one.seq)
    records = min(records, log.seq)
    rows = [city.store._tables.record.held[log.log_no, seq]._replace(log_no=1) for seq in range(1, records + 1)]
    store = open_store(f"sqlite:///{bench.folder / 'scrub.db'}", create=True)
    store.begin()
    store.add_logs([LogRow(1, log.log_id, log.key)])
    store.append(rows, [(1, records, rows[-1].record_id)])
    store.commit(durable=True)
    assert Logs(store, city.path).record_count == records
    reader = store.reader()
    best = min(_scrubbed(partial(reader.run, 1), log.key, rows[-1]) for _ in range(3))
    store.close()
    rate = records / best
    value, bar, met = f"{rate:,.0f} 条/秒", f"≥ {SCRUB_BAR:,}", rate >= SCRUB_BAR
    return Measured("核对存储（散列、链、末号；每核）", value, bar, met, {"records": records, "per_second": rate})


def _scrubbed(run: Any, key: LogKey, head: RecordRow) -> float:
    """CPU seconds of one pass over a log, its head's signature included."""
    began, after = time.process_time(), 0
    scrub = LogScrub(suites(), key, head.seq, head.record_id)
    while rows := run(after, PAGE, PAGE_BYTES):
        scrub.feed(rows)
        after = rows[-1].seq
    assert not scrub.finish().damage
    verify = Ed25519Sha256().verifier(signer_for(COUNTY, SEED, real=True).raw_key)
    verify(head.signature, RECORD_PREFIX + head.header)
    return time.process_time() - began
