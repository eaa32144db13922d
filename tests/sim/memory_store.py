"""The store in memory, for the simulator and for tests: the contract of `node.storage.port`, and crashes on demand.

Rules of this file:

1. A transaction writes into an overlay beside the tables; readers see the tables only. `rollback` drops the overlay,
   `commit` pours it in: both cost what was written, never what is held.
2. What a commit(durable=False) replaced is remembered until the next durable commit; `crash` puts it back. So a crash
   loses everything that was not committed durably, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from node.errors import LocalError, StoreError
from node.storage import grams
from node.storage.peers import key_filter
from node.storage.port import (
    KEYS,
    BlobRef,
    BoardPage,
    BoardQuery,
    BoardRow,
    BoardTotal,
    CalendarRow,
    LogRow,
    R,
    RecordRow,
    RulesRow,
    SmallRow,
    stored_bytes,
)  # fmt: skip
from node.storage.rows import SORTS
from tests.sim.memory_blobs import MemoryBlobs
from tests.sim.memory_board import matches
from tests.sim.memory_table import GONE, Table, View

__all__ = ["MemoryBlobs", "MemoryReader", "MemoryStore"]


class Tables:
    """All tables of one store."""

    def __init__(self) -> None:
        self.log = Table()
        self.dirty = Table()
        self.record = Table()
        self.item = Table()  # item_no: item_id
        self.number = Table()  # item_id: item_no
        self.place = Table()  # item_no: frozenset of (log_no, seq)
        self.board = Table()
        self.text = Table()  # (log_no, seq): (item_no, words)
        self.text_cursor = Table()
        self.small: dict[type[SmallRow], Table] = {table: Table() for table in KEYS}
        self.touched: list[Table] = []
        self.replaced: list[Table] = []
        for table in self.all():
            table.touched, table.replaced = self.touched, self.replaced

    def all(self) -> list[Table]:
        named = [self.log, self.dirty, self.record, self.item, self.number, self.place, self.board,
                 self.text, self.text_cursor]
        return named + list(self.small.values())


class MemoryReader:
    """Reads the tables; with ``own`` also what its open transaction wrote."""

    def __init__(self, tables: Tables, *, own: bool = False) -> None:
        self._tables = tables
        self._own = own

    def _see(self, table: Table) -> View:
        return View(table, self._own)

    @contextmanager
    def together(self) -> Iterator[Self]:
        yield self

    def logs(self) -> list[LogRow]:
        return list(self._see(self._tables.log).rows())

    def run(self, log_no: int, after_seq: int, count_max: int, bytes_max: int) -> list[RecordRow]:
        records = self._see(self._tables.record)
        log: LogRow | None = self._see(self._tables.log).get(log_no)
        places = [] if log else records.keys()
        # Where the row of the log is lost, too, only the records tell how far they go.
        last_seq = log.head_seq if log else max([0, *(place[1] for place in places if place[0] == log_no)])
        found: list[RecordRow] = []
        size, seq = 0, after_seq
        while len(found) < max(count_max, 1):
            seq += 1
            record = records.get((log_no, seq))
            if record is None:
                if seq < last_seq:
                    continue  # a row was lost
                break
            size += stored_bytes(record)
            if found and size > bytes_max:
                break
            found.append(record)
        return found

    def records_at(self, places: Iterable[tuple[int, int]]) -> list[RecordRow]:
        records = self._see(self._tables.record)
        return [record for place in sorted(set(places)) if (record := records.get(place)) is not None]

    def received_at(self, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
        return {(row.log_no, row.seq): row.received_ms for row in self.records_at(places)}

    def record_count(self) -> int:
        return sum(row.head_seq for row in self._see(self._tables.log).rows())

    def item_numbers(self, item_ids: Iterable[bytes]) -> dict[bytes, int]:
        numbers = self._see(self._tables.number)
        return {item_id: number for item_id in item_ids if (number := numbers.get(item_id)) is not None}

    def item_places(self, item_nos: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
        places = self._see(self._tables.place)
        return {item_no: sorted(places.get(item_no) or ()) for item_no in item_nos}

    def board(self, item_ids: Iterable[bytes]) -> list[BoardRow]:
        board = self._see(self._tables.board)
        numbers = sorted(self.item_numbers(item_ids).values())
        return [row for number in numbers if (row := board.get(number)) is not None]

    def board_by_prefix(self, prefix_hex: str, limit: int) -> list[BoardRow]:
        items = self._see(self._tables.item)
        prefix = prefix_hex.lower()
        found = (row for row in self._see(self._tables.board).rows()
                 if (items.get(row.item_no) or b"").hex().startswith(prefix))
        return [row for row, _ in zip(found, range(limit), strict=False)]

    def board_by_number(self, number: str) -> list[BoardRow]:
        return [row for row in self._see(self._tables.board).rows() if row.number == number]

    def board_query(self, query: BoardQuery) -> list[BoardRow]:
        if query.sort not in SORTS:
            raise LocalError(f"列表不能按 {query.sort} 排序", code="bad_field")
        found = [row for row in self._see(self._tables.board).rows() if matches(row, query)]
        found.sort(key=lambda row: (getattr(row, query.sort), row.item_no), reverse=query.descending)
        return found[query.offset:query.offset + query.limit]

    def board_columns(self, query: BoardQuery, names: Sequence[str]) -> list[tuple[Any, ...]]:
        return [tuple(getattr(row, name) for name in names) for row in self.board_query(query)]

    def board_page(self, query: BoardQuery, most: int) -> BoardPage:
        return BoardPage(self.board_query(query), self.board_count_upto(query, most))

    def board_count_upto(self, query: BoardQuery, most: int) -> int:
        return min(self.board_total(query).rows, most)

    def search(self, words: str, most: int, budget_ms: int) -> list[int]:
        wanted, found = grams.words_of(words), set()
        for item_no, text in self._see(self._tables.text).rows() if wanted else ():
            if grams.holds(text, wanted):
                found.add(item_no)
        return sorted(found)[:most]

    def text_behind(self) -> int:
        return self.record_count() - sum(self._see(self._tables.text_cursor).rows())

    def text_cursors(self, log_nos: Iterable[int]) -> dict[int, int]:
        cursors = self._see(self._tables.text_cursor)
        return {log_no: cursors.get(log_no) or 0 for log_no in log_nos}

    def text_due(self) -> list[tuple[int, int]]:
        cursors = self._see(self._tables.text_cursor)
        return [(row.log_no, cursors.get(row.log_no) or 0) for row in self.logs()
                if row.head_seq > (cursors.get(row.log_no) or 0)]

    def board_total(self, query: BoardQuery) -> BoardTotal:
        days = [row.opened_day for row in self._see(self._tables.board).rows() if matches(row, query)]
        return BoardTotal(len(days), max(days, default=0))

    def board_count(self) -> int:
        return len(self._see(self._tables.board))

    def get(self, table: type[R], *key: object) -> R | None:
        return self._see(self._tables.small[table]).get(tuple(key_filter(table, key).values()))

    def rows(self, table: type[R], **equal: object) -> list[R]:
        unknown = [name for name in equal if name not in table.__dataclass_fields__]
        if unknown:
            raise LocalError(f"{table.__name__} 没有字段 {'、'.join(unknown)}", code="bad_field")
        return [row for row in self._see(self._tables.small[table]).rows()
                if all(getattr(row, name) == value for name, value in equal.items())]


class MemoryStore(MemoryReader):
    """The writer's side."""

    def __init__(self) -> None:
        super().__init__(Tables(), own=True)
        self._open: bool | None = None  # inside a transaction: whether it may end durably
        self.commits = 0
        self.durable_commits = 0

    def begin(self, *, durable: bool = True) -> None:
        if self._open is not None:
            raise LocalError("上一事务尚未结束", code="transaction")
        self._open = durable

    def commit(self, *, durable: bool) -> None:
        if self._open is None:
            raise LocalError("没有可提交的事务", code="transaction")
        if durable and not self._open:
            raise LocalError("事务开始时未要求落盘,不能作为已落盘提交", code="transaction")
        for table in self._tables.touched:
            table.commit(durable=durable)
        self._tables.touched.clear()
        if durable:
            for table in self._tables.replaced:
                table.undo.clear()
            self._tables.replaced.clear()
        self._open = None
        self.commits += 1
        self.durable_commits += durable

    def rollback(self) -> None:
        for table in self._tables.touched:
            table.overlay.clear()
        self._tables.touched.clear()
        self._open = None

    def crash(self) -> None:
        """Power loss: what was not committed durably is gone."""
        for table in self._tables.all():
            table.crash()
        self._tables.touched.clear()
        self._tables.replaced.clear()
        self._open = None

    def _write(self) -> Tables:
        if self._open is None:
            raise LocalError("没有打开的事务", code="transaction")
        return self._tables

    def _insert(self, table: Table, key: Any, row: Any) -> None:
        if View(table, own=True).get(key) is not None:
            raise StoreError("写入与已存数据冲突", code="conflict")
        table.set(key, row)

    def _log(self, log_no: int) -> LogRow:
        row: LogRow | None = self._see(self._tables.log).get(log_no)
        if row is None:
            raise StoreError("日志不存在,写入未完成", code="conflict")
        return row

    def add_logs(self, rows: Sequence[LogRow]) -> None:
        tables = self._write()
        ids = {row.log_id for row in self.logs()} if rows else set()
        for row in rows:
            if row.log_id in ids:
                raise StoreError("写入与已存数据冲突", code="conflict")
            ids.add(row.log_id)
            self._insert(tables.log, row.log_no, row)

    def append(self, records: Sequence[RecordRow], heads: Sequence[tuple[int, int, bytes]]) -> None:
        tables = self._write()
        for record in records:
            self._insert(tables.record, (record.log_no, record.seq), record)
        for log_no, head_seq, head_id in heads:
            tables.log.set(log_no, self._log(log_no)._replace(head_seq=head_seq, head_id=head_id))
            tables.dirty.set(log_no, True)

    def replace(self, records: Sequence[RecordRow]) -> None:
        tables = self._write()
        for record in records:
            tables.record.set((record.log_no, record.seq), record)

    def drop_records(self, log_no: int, after_seq: int) -> None:
        tables = self._write()
        for key in self._see(tables.record).keys():  # noqa: SIM118 - not a dict
            if key[0] == log_no and key[1] > after_seq:
                tables.record.set(key, GONE)

    def set_log(self, log_no: int, *, checked_seq: int | None = None, frozen: bool | None = None) -> None:
        tables = self._write()
        if checked_seq is not None:
            tables.log.set(log_no, self._log(log_no)._replace(checked_seq=checked_seq))
        if frozen is not None:
            tables.log.set(log_no, self._log(log_no)._replace(frozen=frozen))

    def dirty_logs(self, limit: int) -> list[LogRow]:
        return [self._log(log_no) for log_no in self._see(self._tables.dirty).keys()[:limit]]

    def set_folded(self, cursors: Sequence[tuple[int, int]]) -> None:
        tables = self._write()
        for log_no, seq in cursors:
            tables.log.set(log_no, self._log(log_no)._replace(folded_seq=seq))
        for log_no, _ in cursors:
            row = self._log(log_no)
            if row.folded_seq >= row.head_seq:
                tables.dirty.set(log_no, GONE)

    def add_items(self, rows: Sequence[tuple[int, bytes]]) -> None:
        tables = self._write()
        for item_no, item_id in rows:
            self._insert(tables.number, item_id, item_no)
            self._insert(tables.item, item_no, item_id)

    def max_item_no(self) -> int:
        items = self._tables.item
        added = (item_no for item_no, row in items.overlay.items() if row is not GONE)
        kept = (item_no for item_no in items.held if items.overlay.get(item_no) is not GONE)
        return max(max(added, default=0), max(kept, default=0))

    def add_places(self, rows: Sequence[tuple[int, int, int]]) -> None:
        tables = self._write()
        places = self._see(tables.place)
        for item_no, log_no, seq in rows:
            tables.place.set(item_no, (places.get(item_no) or frozenset()) | {(log_no, seq)})

    def save_board(self, rows: Sequence[BoardRow]) -> None:
        tables = self._write()
        for row in rows:
            tables.board.set(row.item_no, row)

    def open_texts(self) -> None:
        self._write()

    def add_texts(self, rows: Sequence[tuple[int, int, int, str]]) -> None:
        tables = self._write()
        for log_no, seq, item_no, text in rows:
            if View(tables.text, own=True).get((log_no, seq)) is None:
                tables.text.set((log_no, seq), (item_no, text))

    def set_text_cursors(self, cursors: Sequence[tuple[int, int]]) -> None:
        tables = self._write()
        for log_no, seq in cursors:
            tables.text_cursor.set(log_no, seq)

    def clear_projection(self) -> None:
        tables = self._write()
        for table in (tables.item, tables.number, tables.place, tables.board, tables.text, tables.text_cursor,
                      tables.small[BlobRef],
                      tables.small[RulesRow], tables.small[CalendarRow]):
            for key in self._see(table).keys():  # noqa: SIM118 - not a dict
                table.set(key, GONE)
        for row in self.logs():
            tables.log.set(row.log_no, row._replace(folded_seq=0))
            if row.head_seq > 0:
                tables.dirty.set(row.log_no, True)

    def put(self, rows: Sequence[SmallRow]) -> None:
        tables = self._write()
        for row in rows:
            key = tuple(getattr(row, name) for name in KEYS[type(row)])
            tables.small[type(row)].set(key, row)

    def delete(self, table: type[SmallRow], *key: object) -> None:
        self._write().small[table].set(tuple(key_filter(table, key).values()), GONE)

    def reader(self) -> MemoryReader:
        return MemoryReader(self._tables)

    def maintain(self) -> None:
        """Nothing to look after."""

    def close(self) -> None:
        self.rollback()
