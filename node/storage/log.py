"""The record log in SQL: logs, their heads and cursors, and the records, clustered by (log_no, seq)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from node.errors import StoreError
from node.records.line import Line, LogKey
from node.storage.access import Reads, Writes, chunks
from node.storage.engine import record_values
from node.storage.port import LogRow, RecordRow, stored_bytes
from node.storage.tables import DIRTY, LOG, RECORD, SEQ_MASK, log_and_seq, place_of

RUN_ROWS = 256  # rows asked for at once: 64 MiB where every payload is as long as it may be
RUN = (
    "SELECT place, record_id, header, signature, salt, payload, received_ms FROM record"
    " WHERE place > ? AND place <= ? ORDER BY place LIMIT ?"
)
RECORDS_AT = select(RECORD).where(RECORD.c.place.in_(bindparam("places", expanding=True))).order_by(RECORD.c.place)
RECEIVED_AT = select(RECORD.c.place, RECORD.c.received_ms).where(
    RECORD.c.place.in_(bindparam("places", expanding=True))
)
LOGS = select(LOG).order_by(LOG.c.log_no)
DIRTY_LOGS = select(LOG).join(DIRTY, DIRTY.c.log_no == LOG.c.log_no).order_by(LOG.c.log_no).limit(bindparam("count"))
RECORD_COUNT = select(func.coalesce(func.sum(LOG.c.head_seq), 0))
SET_HEAD = "UPDATE log SET head_seq = ?, head_id = ? WHERE log_no = ?"
SET_CHECKED = "UPDATE log SET checked_seq = ? WHERE log_no = ?"
SET_FROZEN = "UPDATE log SET frozen = ? WHERE log_no = ?"
SET_FOLDED = "UPDATE log SET folded_seq = ? WHERE log_no = ?"
CLEAN = (
    "DELETE FROM dirty_log WHERE log_no = ?"
    " AND EXISTS (SELECT 1 FROM log WHERE log.log_no = dirty_log.log_no AND log.folded_seq >= log.head_seq)"
)
DROP = "DELETE FROM record WHERE place > ? AND place <= ?"
UNFOLD = "UPDATE log SET folded_seq = 0"
ALL_DIRTY = "INSERT INTO dirty_log (log_no) SELECT log_no FROM log WHERE head_seq > 0 ON CONFLICT DO NOTHING"


def _record(row: Sequence[Any]) -> RecordRow:
    log_no, seq = log_and_seq(row[0])
    return RecordRow(log_no, seq, *row[1:])


def _log(row: Sequence[Any]) -> LogRow:
    log_no, log_id, author, epoch, path, subtree, head_seq, head_id, folded_seq, checked_seq, frozen = row
    key = LogKey(author, epoch, Line(tuple(path.split("/")), bool(subtree)))
    return LogRow(log_no, log_id, key, head_seq, head_id, folded_seq, checked_seq, bool(frozen))


def _log_values(log: LogRow) -> tuple[Any, ...]:
    author, epoch, (path, subtree) = log.key
    return (log.log_no, log.log_id, author, epoch, "/".join(path), subtree, *log[3:])


class LogReads(Reads):
    """Reading logs and records; the contract is `port.Reader`."""

    def logs(self) -> list[LogRow]:
        """All logs, by log_no."""
        with self._reading() as connection:
            return [_log(row) for row in connection.execute(LOGS)]

    def run(self, log_no: int, after_seq: int, count_max: int, bytes_max: int) -> list[RecordRow]:
        """Records of a log after ``after_seq``: at least one where there is one, then up to both limits."""
        found: list[RecordRow] = []
        size = 0
        last, end = place_of(log_no, after_seq), place_of(log_no, SEQ_MASK)
        statement = self._marked(RUN)
        with self._reading() as connection:
            while True:
                wanted = min(RUN_ROWS, max(count_max, 1) - len(found))
                rows = connection.exec_driver_sql(statement, (last, end, wanted)).fetchall() if wanted else []
                for row in rows:
                    record = _record(row)
                    size += stored_bytes(record)
                    if found and size > bytes_max:
                        return found
                    found.append(record)
                if len(rows) < RUN_ROWS:
                    return found
                last = rows[-1][0]

    def records_at(self, places: Iterable[tuple[int, int]]) -> list[RecordRow]:
        """Records at (log_no, seq) places, sorted by place."""
        wanted = sorted({place_of(log_no, seq) for log_no, seq in places})
        with self._reading() as connection:
            return [
                _record(row) for chunk in chunks(wanted) for row in connection.execute(RECORDS_AT, {"places": chunk})
            ]

    def received_at(self, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """When records were taken in."""
        wanted = sorted({place_of(log_no, seq) for log_no, seq in places})
        with self._reading() as connection:
            return {
                log_and_seq(place): received_ms
                for chunk in chunks(wanted)
                for place, received_ms in connection.execute(RECEIVED_AT, {"places": chunk})
            }

    def record_count(self) -> int:
        """Number of records held, by the heads."""
        with self._reading() as connection:
            return int(connection.execute(RECORD_COUNT).scalar_one())


class LogWrites(LogReads, Writes):
    """Writing logs and records; the contract is `port.Store`."""

    def add_logs(self, rows: Sequence[LogRow]) -> None:
        """New logs."""
        with self._writing() as connection:
            self._many(connection, self.statements.insert(LOG), [_log_values(row) for row in rows])

    def append(self, records: Sequence[RecordRow], heads: Sequence[tuple[int, int, bytes]]) -> None:
        """Insert records, set heads, mark the logs dirty."""
        with self._writing() as connection:
            if records:
                # In the order of the tree: each page of a log's end is touched once.
                self.engine.insert_records(connection, sorted(records))
            moved = [(head_seq, head_id, log_no) for log_no, head_seq, head_id in heads]
            self._touch(connection, SET_HEAD, moved)
            self._many(connection, self.statements.add(DIRTY), [(log_no,) for log_no, _, _ in heads])

    def _touch(self, connection: Any, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Update one row of the log table for each row of values; a log that is not there is an error."""
        if self._many(connection, self._marked(statement), rows) != len(rows):
            raise StoreError("日志不存在，写入未完成", code="conflict", remedy="重启本节点")

    def replace(self, records: Sequence[RecordRow]) -> None:
        """Overwrite stored records byte for byte."""
        with self._writing() as connection:
            self._many(connection, self.statements.upsert(RECORD), sorted(map(record_values, records)))

    def drop_records(self, log_no: int, after_seq: int) -> None:
        """Delete the records of a log after ``after_seq``."""
        with self._writing() as connection:
            places = place_of(log_no, after_seq), place_of(log_no, SEQ_MASK)
            connection.exec_driver_sql(self._marked(DROP), places)

    def set_log(self, log_no: int, *, checked_seq: int | None = None, frozen: bool | None = None) -> None:
        """Move a consumer's cursor or freeze a log."""
        with self._writing() as connection:
            if checked_seq is not None:
                self._touch(connection, SET_CHECKED, [(checked_seq, log_no)])
            if frozen is not None:
                self._touch(connection, SET_FROZEN, [(frozen, log_no)])

    def dirty_logs(self, limit: int) -> list[LogRow]:
        """Logs with records the projection has not seen, by log_no."""
        with self._reading() as connection:
            return [_log(row) for row in connection.execute(DIRTY_LOGS, {"count": limit})]

    def set_folded(self, cursors: Sequence[tuple[int, int]]) -> None:
        """Set (log_no, folded_seq); a log whose cursor reached its head is no longer dirty."""
        with self._writing() as connection:
            self._touch(connection, SET_FOLDED, [(seq, log_no) for log_no, seq in cursors])
            self._many(connection, self._marked(CLEAN), [(log_no,) for log_no, _ in cursors])

    def unfold(self) -> None:
        """Set every projection cursor to 0 and every log that holds records dirty."""
        with self._writing() as connection:
            connection.exec_driver_sql(UNFOLD)
            connection.exec_driver_sql(ALL_DIRTY)
