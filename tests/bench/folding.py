"""The pure fold of a million decoded records, and the rebuild of the board from a store.

The fold: 100,000 items of ten records each, the life of a task from issue to closing with an urge, more time and a
return; every item has ids of its own. Made in portions, so that a million facts need not be in memory at once; only
folding is timed. The rebuild: the ledger's store (`tests.bench.ledger`), read, decoded, folded and written anew.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from typing import Any

from node.clock import SystemClock
from node.items.fact import Fact
from node.items.fold import fold
from node.records.kinds import Kind
from node.records.payload import Act
from node.records.track import GRANTED, Track
from node.services.board.project import Projector
from node.services.care.alarms import Alarms
from node.services.exchange.logs import Logs
from node.services.identity import World
from node.services.views.browse import digest_document
from node.storage.sql import open_store
from tests.bench import ledger
from tests.bench.drive import Bench, Measured
from tests.conftest import ROOT
from tests.property.fold_facts import Item

ITEMS, RECORDS_AN_ITEM = 100_000, 10
_PORTION = 5_000
_FOLD_BAR, _REBUILD_BAR = 20_000, 8_000
_ISSUER, _RECEIVER = "320000", "320500"


def measure(bench: Bench) -> list[Measured]:
    """Records per second of one core: the fold alone, and the rebuild."""
    return [_fold(max(_PORTION, int(ITEMS * bench.scale))), _rebuild(max(1_000, int(ledger.ITEMS * bench.scale)))]


def _life() -> list[Fact]:
    item = Item((_ISSUER, _RECEIVER), _ISSUER, title="推进简政放权", text="逐项核对下放清单，明确承接单位。")
    steps: list[tuple[Kind, str, dict[str, Any]]] = [
        (Kind.DELIVERED, _RECEIVER, {}), (Kind.SIGN, _RECEIVER, {}),
        (Kind.PROGRESS, _RECEIVER, {"text": "已核对三分之一", "percent": 30}), (Kind.URGE, _ISSUER, {"text": "请抓紧"}),
        (Kind.EXT_REQUEST, _RECEIVER, {"text": "待上级明确", "due_day": 20_100}),
        (Kind.EXT_DECISION, _ISSUER, {"track": Track(verdict=GRANTED)}),
        (Kind.FINAL, _RECEIVER, {"text": "全部落实"}), (Kind.ACCEPT, _ISSUER, {}), (Kind.CLOSE, _ISSUER, {}),
    ]  # fmt: skip
    for kind, office, fields in steps:
        item.act(kind, office, **fields)
    assert item.state.state == "closed"
    assert len(item.facts) == RECORDS_AN_ITEM
    return item.facts


def _portion(life: list[Fact], numbers: range) -> list[tuple[bytes, list[Fact]]]:
    """So many items like the pattern, each with ids of its own."""
    made = []
    for number in numbers:
        name = number.to_bytes(8, "big")
        ids = {fact.record_id: hashlib.sha256(name + fact.record_id).digest() for fact in life}
        item_id = ids[life[0].record_id]
        made.append((item_id, [
            fact._replace(
                record_id=ids[fact.record_id], item=item_id, re=tuple(ids[one] for one in fact.re),
                payload=fact.payload._replace() if isinstance(fact.payload, Act) else fact.payload,
            )
            for fact in life
        ]))  # fmt: skip
    return made


def _fold(items: int) -> Measured:
    life = _life()
    records, spent_s = 0, 0.0
    for first in range(0, items, _PORTION):
        portion = _portion(life, range(first, min(first + _PORTION, items)))
        start = time.process_time()
        for item_id, facts in portion:
            state = fold(item_id, facts)
        spent_s += time.process_time() - start
        assert state.state == "closed"
        records += len(portion) * RECORDS_AN_ITEM
    speed = records / spent_s
    return Measured(
        f"折叠({records:,}条已解码记录,{items:,}件)", f"{speed:,.0f} 条/秒", f"≥ {_FOLD_BAR:,}", speed >= _FOLD_BAR,
        {"records": records, "records_per_s": speed},
    )  # fmt: skip


def _rebuild(items: int) -> Measured:
    file = ledger.made(items)
    folder = ROOT / "build" / "bench-data" / "rebuild"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    copy = folder / "dulian.db"
    shutil.copy(file, copy)
    store = open_store(f"sqlite:///{copy}", create=False)
    try:
        before = _digests(store)
        logs = Logs(store, (ledger.OFFICE,))
        world = World(SystemClock(), bytes, lambda: 0.5)
        projector = Projector(store, logs, Alarms(store, world))
        start = time.perf_counter()
        store.begin()
        records = projector.rebuild()
        store.commit(durable=True)
        spent_s = time.perf_counter() - start
        assert _digests(store) == before
    finally:
        store.close()
        shutil.rmtree(folder, ignore_errors=True)
    speed = records / spent_s
    return Measured(
        f"重建事项视图({records:,}条,{items:,}件)", f"{speed:,.0f} 条/秒", f"≥ {_REBUILD_BAR:,}", speed >= _REBUILD_BAR,
        {"records": records, "records_per_s": speed},
    )  # fmt: skip


def _digests(store: Any) -> int:
    return hash(str(digest_document(store)["all"]))


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ITEMS
    for measured in (_fold(count), _rebuild(count)):
        print(measured.name, measured.value, measured.bar, "达到" if measured.met else "未达到")
