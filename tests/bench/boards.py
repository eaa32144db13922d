"""The boards that the console is measured on: a province's home with so many items, of ten records each.

Made once under build/bench-data, through the store's own interface; signatures are not needed to read. The home is a
real one: a node could be started on it.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import cast

from node.bootstrap import init_home
from node.items.fact import Fact, fact_of
from node.items.fold import fold
from node.records.header import Header
from node.records.header import encode as encode_header
from node.records.kinds import Kind
from node.records.line import Line, LogKey, log_id_of
from node.records.payload import SOLE, Act, Opening, Payload, encode
from node.records.track import Terms
from node.services.board.project import board_row
from node.services.board.texts import words_of
from node.storage.port import KEYS, LogRow, Meta, RecordRow
from node.storage.sql import SqlStore, open_store
from tests.conftest import ROOT

PROVINCE, NAME, LISTEN = "320000", "江苏省人民政府", "127.0.0.1:7690"
RECORDS = 10
CITIES = tuple(f"32{number:02}00" for number in range(1, 14))
NOW_MS = 1_795_000_000_000
_START_MS = 1_775_000_000_000
_PER_OWN = 20  # tasks under each own item, to the cities in turn
_PER_CHUNK = 2_000
_SEAT_LOGS = 1_000  # the home's own logs stand behind those of the items
_TITLES = (
    "推进城镇老旧小区改造和配套设施建设", "全面推行河湖长制并完成年度水质目标", "加快高标准农田建设",
    "优化营商环境提升政务服务", "建设普惠养老服务设施", "开展安全生产专项整治", "保障农民工工资支付",
)  # fmt: skip
_WORDS = "推进落实改造提升水利交通教育医疗养老环保安全农业就业住房社保税务统计审计督查整改"
_SOURCES = ("重要会议", "领导批示", "重要文件", "领导交办")


def made(items: int) -> Path:
    """The home with so many items, made unless it is there."""
    folder = ROOT / "build" / "bench-data" / f"console3-{items}"
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        filled(folder / "items.db", items)
        settle(folder / "home", folder / "items.db")
        (folder / "done").touch()
    return folder / "home"


def filled(file: Path, items: int) -> None:
    """A store with the items alone."""
    store = open_store(f"sqlite:///{file}", create=True)
    maker = _Maker(items)
    store.begin()
    store.open_texts()
    store.add_logs([LogRow(log.number, log_id_of(log.key), log.key) for log in maker.logs()])
    store.commit(durable=True)
    for first in range(0, items, _PER_CHUNK):
        print(f"造数据：{first:,} / {items:,} 件", file=sys.stderr, flush=True)
        maker.fill(store, range(first, min(first + _PER_CHUNK, items)))
    store.maintain()
    store.close()


def settle(home: Path, file: Path) -> None:
    """Make a home whose database is this one: what a new office has is added to it."""
    init_home(home, office=PROVINCE, name=NAME, console=LISTEN)
    seat = open_store(f"sqlite:///{home / 'dulian.db'}", create=False)
    store = open_store(f"sqlite:///{file}", create=False)
    store.begin()
    logs = [(log.log_no + _SEAT_LOGS, log) for log in seat.logs()]
    store.add_logs([LogRow(number, log.log_id, log.key) for number, log in logs])
    for number, log in logs:
        rows = [row._replace(log_no=number) for row in seat.run(log.log_no, 0, 1_000_000, 1 << 40)]
        store.append(rows, [(number, log.head_seq, log.head_id)])
        store.set_log(number, checked_seq=log.head_seq)
    for table in KEYS:
        store.put([*seat.rows(cast("type[Meta]", table))])
    store.set_folded([(number, log.head_seq) for number, log in logs])
    store.set_text_cursors([(number, log.head_seq) for number, log in logs])
    store.commit(durable=True)
    store.maintain()
    seat.close()
    store.close()
    file.replace(home / "dulian.db")
    file.with_name(file.name + ".lock").unlink()


class _Log:
    """A log being written: records without signatures, which nobody checks again when reading."""

    def __init__(self, number: int, author: str, line: Line) -> None:
        self.number, self.key = number, LogKey(author, 1, line)
        self.seq, self.prev = 0, b""

    def write(
        self, kind: Kind, payload: Payload, at_ms: int, item: bytes = b"", re: tuple[bytes, ...] = ()
    ) -> tuple[RecordRow, Fact]:
        self.seq += 1
        body = encode(payload)
        opens = 2 if kind in (Kind.REGISTER, Kind.ASSIGN) else 0
        header = Header(
            bytes(32), self.key.author, 1, self.key.line, self.seq, self.prev, at_ms, 0, at_ms, kind, item, opens, re,
            b"", 1, 2, 0, b"", 0, b"",
        )  # fmt: skip
        data = encode_header(header)
        self.prev = (self.number << 40 | self.seq).to_bytes(8, "big").rjust(32, kind.to_bytes(1, "big"))
        row = RecordRow(self.number, self.seq, self.prev, data, bytes(64), bytes(32), body, at_ms)
        return row, fact_of(self.prev, header, body, at_ms)


class _Maker:
    """The province's items: every twenty-first is its own, the others are tasks under it."""

    def __init__(self, items: int) -> None:
        self._items = items
        self._chance = random.Random(items)
        self._own = _Log(1, PROVINCE, Line((PROVINCE,)))
        lines = [Line((PROVINCE, city)) for city in CITIES]
        self._down = [_Log(2 + n, PROVINCE, line) for n, line in enumerate(lines)]
        self._up = [_Log(2 + len(lines) + n, line.path[-1], line) for n, line in enumerate(lines)]
        self._parent = b""

    def logs(self) -> list[_Log]:
        return [self._own, *self._down, *self._up]

    def fill(self, store: SqlStore, numbers: range) -> None:
        """Write, fold and index some items."""
        before = {log.number: log.seq for log in self.logs()}
        records, items, places, board, texts = [], [], [], [], []
        for number in numbers:
            written = list(self._item(number))
            facts = [fact for _, fact in written]
            item, item_no, first = facts[0].record_id, number + 1, written[0][0]
            board.append(board_row(fold(item, facts), item_no, (first.log_no, first.seq), facts))
            items.append((item_no, item))
            for row, fact in written:
                records.append(row)
                places.append((item_no, row.log_no, row.seq))
                texts.append((row.log_no, row.seq, item_no, words_of(fact)))
        records.sort(key=lambda row: row[:2])
        store.begin()
        store.append(records, [(log.number, log.seq, log.prev) for log in self.logs() if log.seq > before[log.number]])
        store.add_items(items)
        store.add_places(places)
        store.save_board(board)
        store.add_texts([one for one in texts if one[3]])
        heads = [(log.number, log.seq) for log in self.logs()]
        store.set_text_cursors(heads)
        store.set_folded(heads)
        store.commit(durable=True)

    def _item(self, number: int) -> Iterator[tuple[RecordRow, Fact]]:
        at_ms = _START_MS + number * (19_000_000_000 // self._items)
        day, chance = at_ms // 86_400_000, self._chance
        opening = Opening(
            title=_TITLES[number % len(_TITLES)], text="".join(chance.choices(_WORDS, k=40)),
            number=f"{PROVINCE}-2026-{number:06d}", source=_SOURCES[number % 4], due_day=day + 20 + number % 300,
            terms=Terms(leader=("张某", "李某", "王某")[number % 3]),
        )  # fmt: skip
        if number % (_PER_OWN + 1) == 0:
            row, fact = self._own.write(Kind.REGISTER, opening, at_ms)
            self._parent = fact.record_id
            yield row, fact
            yield from self._reports(self._own, fact.record_id, fact.record_id, at_ms)
            return
        city = number % len(CITIES)
        down, up = self._down[city], self._up[city]
        opening = opening._replace(receiver=CITIES[city], role=SOLE, parent=self._parent)
        row, fact = down.write(Kind.ASSIGN, opening, at_ms)
        item = fact.record_id
        yield row, fact
        yield up.write(Kind.DELIVERED, Act(), at_ms + 60_000, item, (item,))
        yield up.write(Kind.SIGN, Act(), at_ms + 86_400_000 * (1 + number % 3), item, (item,))
        last = yield from self._reports(up, item, item, at_ms)
        if number % 10 < 7:  # most of what an office has ever had is over
            done_ms = at_ms + 86_400_000 * (10 + number % 200)
            final = up.write(Kind.FINAL, Act("已办结，申请销号"), done_ms, item, (item, last))
            yield final
            yield down.write(Kind.ACCEPT, Act(), final[1].claimed_ms + 86_400_000, item, (final[1].record_id,))

    def _reports(
        self, log: _Log, item: bytes, last: bytes, at_ms: int
    ) -> Generator[tuple[RecordRow, Fact], None, bytes]:
        for percent in range(10, 10 * (RECORDS - 4), 10):
            report = Act("".join(self._chance.choices(_WORDS, k=60)), "李秀英", percent=percent)
            row, fact = log.write(Kind.PROGRESS, report, at_ms + percent * 40_000_000, item, (item,))
            last = fact.record_id
            yield row, fact
        return last
