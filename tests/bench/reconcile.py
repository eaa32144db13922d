"""Reconciliation: what comparing a link in agreement costs, how fast a store is scrubbed, how a large hole is mended.

In one process over stores in memory, frames through their bytes; the scrub on SQLite, of hashes, chains and heads.
"""

from __future__ import annotations

import time
from functools import partial

from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act
from node.services.logs import Logs
from node.services.scrub import PAGE, PAGE_BYTES
from node.storage.port import LogRow
from node.storage.sql import open_store
from node.sync.repair import LogScrub
from tests.bench.drive import Bench, Measured
from tests.sim.test_smoke import Wire
from tests.sim.world import LIMITS, Machine, admit, found, suites

SIZES, HOLE, SCRUBBED = (10_000, 100_000), 10_000, 100_000
_AGREEMENT_BYTES, _SCRUB_BAR = 1_024, 50_000
_STEP = 2_000


def measure(bench: Bench) -> list[Measured]:
    """All of them."""
    rows = [_agreement(max(1_000, int(size * bench.scale))) for size in SIZES]
    return [*rows, _hole(max(1_000, int(HOLE * bench.scale))), _scrub(bench, max(2_000, int(SCRUBBED * bench.scale)))]


def _pair(records: int) -> tuple[Wire, Machine, Machine]:
    """A city and a county that hold so many records of the county's."""
    limits = LIMITS._replace(
        window_bytes=4_194_304, batch_bytes_max=262_144, batch_records_max=1_000, receipt_heads_max=1_000
    )
    city = found(7, "320500", real=False, limits=limits)
    county = admit(7, city, "320583", real=False, limits=limits)
    wire = Wire(city, county)
    wire.connect(county)
    line = Line((city.code, county.code))

    def write(count: int) -> None:
        for _ in range(count):
            county.office.author.write(Kind.PROGRESS, line, Act("已核对三分之一，其余月底前完成"), item=bytes(32))

    for start in range(0, records, _STEP):
        wire.step(county, partial(write, min(_STEP, records - start)))
        wire.settle()
    return wire, city, county


def _run(wire: Wire, machine: Machine, peer: str) -> tuple[dict[str, object], float]:
    numbers: list[int] = []
    began = time.perf_counter()
    wire.step(machine, lambda: numbers.append(machine.office.reconcile.request(peer)))
    while True:
        wire.settle()
        document = machine.office.reconcile.document(peer, numbers[0])
        if document is not None:
            return document, time.perf_counter() - began


def _agreement(records: int) -> Measured:
    wire, city, county = _pair(records)
    document, seconds = _run(wire, county, city.code)
    assert document["ok"], document
    size = int(str(document["bytes_sent"])) + int(str(document["bytes_received"]))
    name = f"对账，双方一致（{records:,} 条）"
    met = size <= _AGREEMENT_BYTES
    return Measured(name, f"{size} 字节", f"≤ {_AGREEMENT_BYTES} 字节", met, {"bytes": size, "seconds": seconds})


def _hole(records: int) -> Measured:
    wire, city, county = _pair(records + 100)
    [log] = [log for log in city.office.logs.index if log.key.author == county.code and not log.key.line.subtree]
    for seq in range(50, 50 + records):
        del city.store._tables.record.held[log.log_no, seq]
    document, seconds = _run(wire, city, county.code)
    assert document["repaired"] == records, document
    assert document["ok"], document
    figures = {"seconds": seconds, "bytes": city.office.repairs.bytes_in[county.code]}
    return Measured(f"修复 {records:,} 条记录的缺口", f"{seconds:.1f} 秒", "", None, figures)


def _scrub(bench: Bench, records: int) -> Measured:
    _, _, county = _pair(records)
    [log] = [log for log in county.office.logs.index if log.seq >= records]
    store = open_store(f"sqlite:///{bench.folder / 'scrub.db'}", create=True)
    store.begin()
    store.add_logs([LogRow(1, log.log_id, log.key)])
    after = 0
    while rows := county.store.run(log.log_no, after, _STEP, 10**9):
        after = rows[-1].seq
        store.append([row._replace(log_no=1) for row in rows], [(1, after, rows[-1].record_id)])
    store.commit(durable=True)
    assert Logs(store, county.path).record_count == log.seq
    reader = store.reader()
    began, after = time.process_time(), 0
    scrub = LogScrub(suites(), log.key, log.seq, log.head_id)
    while rows := reader.run(1, after, PAGE, PAGE_BYTES):
        scrub.feed(rows)
        after = rows[-1].seq
    seconds = time.process_time() - began
    assert not scrub.finish().damage
    store.close()
    rate = log.seq / seconds
    value, bar, met = f"{rate:,.0f} 条/秒", f"≥ {_SCRUB_BAR:,}", rate >= _SCRUB_BAR
    return Measured("核对存储（散列、链、末号；每核）", value, bar, met, {"records": log.seq, "per_second": rate})
