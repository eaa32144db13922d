"""A ledger page of 50 rows out of 100,000 items, against the bare SQL it needs: the same statements through sqlite3.

The store is made once under build/bench-data, through the store's own interface. Alone: `python -m tests.bench.ledger`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import event
from sqlalchemy.engine import Engine

from node.items.fact import fact_of
from node.items.fold import fold
from node.records.envelope import Record, seal
from node.records.header import Header
from node.records.kinds import Kind
from node.records.line import Line, LogKey, log_id_of
from node.records.payload import Act, Opening, Payload, encode
from node.records.track import Terms
from node.services.board.project import board_row
from node.services.sheets.ledgers import show_ledger
from node.services.views.browse import View
from node.storage.port import LogRow, RecordRow
from node.storage.sql import SqlStore, open_store
from tests.bench.drive import Bench, Measured
from tests.bench.people import signer_of
from tests.conftest import ROOT

OFFICE = "320000"
ITEMS = 100_000
_PER_CHUNK = 5_000
_RUNS = 15
_BAR = 3.0
_START_MS = 1_750_000_000_000
_NOW_MS = 1_790_000_000_000
_TITLES = ("推进城镇老旧小区改造和配套设施建设", "全面推行河湖长制并完成年度水质目标", "加快高标准农田建设")
_DEMANDS = (
    "明确责任单位和完成时限，按月报送进展；涉及资金的附拨付凭证，涉及工程的附现场照片。",
    "建立工作台账，实行销号管理，未按期完成的书面说明原因和下一步措施。",
)
_REPORTS = (
    "已完成摸底登记和方案评审，施工单位进场，累计完成投资一千二百六十万元，占年度计划的六成，预计提前完成节点任务。",
    "组织专题会议三次，现场督导两次，整改问题十七个，其中十四个已销号，余下三个正在办理，责任人已逐一明确。",
)
_PAGES: Mapping[str, dict[str, object]] = {
    "首页": {"page": 1}, "第1000页": {"page": 1_000}, "红灯": {"light": "red", "page": 1},
    "按文字": {"text": "河湖长制", "page": 3},
}  # fmt: skip


class Said(NamedTuple):
    """A statement as it went to the database."""

    sql: str
    parameters: Any


def measure(bench: Bench) -> list[Measured]:
    """The ratio for each kind of page."""
    return _measure(max(1_000, int(ITEMS * bench.scale)))


def _measure(items: int) -> list[Measured]:
    file = made(items)
    store = open_store(f"sqlite:///{file}", create=False)
    try:
        return [_page(store, file, name, args, items) for name, args in _PAGES.items()]
    finally:
        store.close()


def _page(store: SqlStore, file: Path, name: str, args: dict[str, object], items: int) -> Measured:
    reader = store.reader()
    view = View(OFFICE, lambda code: code, lambda _code: _NOW_MS, lambda _row: True, _NOW_MS)
    asked = {"ledger": "all", "per": 50, "page": min(int(str(args["page"])), items // 50)} | {
        key: value for key, value in args.items() if key != "page"
    }  # fmt: skip
    said: list[Said] = []

    def listen(_connection: object, _cursor: object, sql: str, parameters: object, *_rest: object) -> None:
        if sql.lstrip().upper().startswith("SELECT"):
            said.append(Said(sql, parameters))

    event.listen(Engine, "before_cursor_execute", listen)
    found = show_ledger(reader, view, asked)
    event.remove(Engine, "before_cursor_execute", listen)
    assert len(found["rows"]) == 50, name  # type: ignore[arg-type]
    bare = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    whole_ms, bare_ms = [], []
    for _ in range(_RUNS):
        start = time.perf_counter()
        show_ledger(reader, view, asked)
        between = time.perf_counter()
        for one in said:
            bare.execute(one.sql, one.parameters).fetchall()
        bare_ms.append((time.perf_counter() - between) * 1_000)
        whole_ms.append((between - start) * 1_000)
    bare.close()
    whole, sql = statistics.median(whole_ms), statistics.median(bare_ms)
    return Measured(
        f"台账一页50行({name},{items:,}件)", f"{whole / sql:.2f} 倍 ({whole:.1f} ms / {sql:.1f} ms)", f"≤ {_BAR:g} 倍",
        whole <= _BAR * sql, {"page_ms": whole, "sql_ms": sql, "statements": len(said), "total": found["total"]},
    )  # fmt: skip


class _Pen:
    """Writes the office's log."""

    def __init__(self, key: LogKey) -> None:
        self._key, self._signer = key, signer_of(key.author)
        self._prev, self._seq = b"", 0

    def write(
        self, kind: Kind, payload: Payload, at_ms: int, item: bytes = b"", re: tuple[bytes, ...] = (), version: int = 0
    ) -> Record:
        self._seq += 1
        header = Header(
            bytes(32), self._key.author, self._key.epoch, self._key.line, self._seq, self._prev, at_ms, 0, at_ms, kind,
            item, version, re, b"", 1, 2, 0, b"", 0, b"",
        )  # fmt: skip
        record = seal(self._signer, header, self._seq.to_bytes(32, "big"), encode(payload))
        self._prev = record.record_id
        return record


def made(items: int) -> Path:
    """The store, made unless it is there."""
    folder = ROOT / "build" / "bench-data" / f"ledger3-{items}"
    file = folder / "dulian.db"
    if (folder / "done").exists():
        return file
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    store = open_store(f"sqlite:///{file}", create=True)
    key = LogKey(OFFICE, 1, Line((OFFICE,)))
    store.begin()
    store.add_logs([LogRow(1, log_id_of(key), key)])
    store.commit(durable=True)
    pen = _Pen(key)
    seq = 0
    for first in range(0, items, _PER_CHUNK):
        print(f"造数据:{first:,} / {items:,} 件", file=sys.stderr, flush=True)
        seq = _fill(store, pen, range(first, min(first + _PER_CHUNK, items)), seq)
    store.close()
    (folder / "done").touch()
    return file


def _fill(store: SqlStore, pen: _Pen, numbers: range, seq: int) -> int:
    """Write and fold some items; returns the log's head."""
    items, places, board, records = [], [], [], []
    for number in numbers:
        at_ms = _START_MS + number * 1_000
        opening = Opening(
            title=_TITLES[number % len(_TITLES)], text=_DEMANDS[number % len(_DEMANDS)],
            number=f"{OFFICE}-2026-{number:06d}", source="重要会议", due_day=20_300 + number % 700,
            responsible="市发展改革委牵头，市财政局、市教育局配合", limit_text="年底前",
            terms=Terms(leader="张某", remark="长期坚持"),
        )  # fmt: skip
        made = [pen.write(Kind.REGISTER, opening, at_ms, version=2)]
        item = made[0].record_id
        for percent in (30, 60):
            report = Act(_REPORTS[(number + percent) % len(_REPORTS)], "李秀英", percent=percent)
            seen = tuple(dict.fromkeys((item, made[-1].record_id)))
            made.append(pen.write(Kind.PROGRESS, report, at_ms + percent, item, seen))
        for record in made:
            seq += 1
            records.append(RecordRow(1, seq, record.record_id, *record.envelope, at_ms))
            places.append((number + 1, 1, seq))
        facts = [fact_of(record.record_id, record.header, record.envelope.payload, at_ms) for record in made]
        items.append((number + 1, item))
        board.append(board_row(fold(item, facts), number + 1, (1, seq - 2), facts))
    store.begin()
    store.append(records, [(1, seq, records[-1].record_id)])
    store.add_items(items)
    store.add_places(places)
    store.save_board(board)
    store.commit(durable=True)
    return seq


if __name__ == "__main__":
    print(f"负载 {os.getloadavg()[0]:.1f}")
    for measured in _measure(int(sys.argv[1]) if len(sys.argv) > 1 else ITEMS):
        print(measured.name, measured.value, measured.bar, "达到" if measured.met else "未达到")
