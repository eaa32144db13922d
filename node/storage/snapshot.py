"""A consistent copy of a running database in one portable form: an SQLite file of the same schema; and back again.

Rules of this file:

1. The copy is one snapshot of what was committed: SQLite's online copy, or one REPEATABLE READ transaction of
   PostgreSQL read table by table. Nobody who writes waits for it.
2. A copy is believed only after `examine`: the file's own integrity check, and the head of each log against its record.
3. Either engine takes a copy of either, so that a backup also moves an office to PostgreSQL.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select

from node.errors import StoreError
from node.storage.engine import driver_of
from node.storage.sql import SqlStore, open_store
from node.storage.tables import LOG, METADATA, RECORD, SCHEMA_COMPAT, SEQ_BITS

_ROWS = 500
_FINDINGS_MAX = 5


class Copied(NamedTuple):
    """What a copy holds; ``heads`` is a hash over the head of every log, the same for either engine."""

    records: int
    logs: int
    heads: str


def copy_out(store: SqlStore, target: Path) -> None:
    """Write a copy of what is committed to the new file ``target``. StoreError; any thread."""
    engine = store.engine
    if engine.dialect.name == "sqlite":
        with engine.failures(), closing(engine.reader()) as source, closing(sqlite3.connect(target)) as made:
            driver_of(source).backup(made)
            made.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        return
    empty = open_store(f"sqlite:///{target}", create=True)
    try:
        with engine.failures(), closing(engine.reader()) as source, source.begin():
            _pour(source.execution_options(stream_results=True, yield_per=_ROWS), empty)
    finally:
        empty.close()
    target.with_name(target.name + ".lock").unlink(missing_ok=True)
    with _opened(target, write=True) as made:
        made.execute("PRAGMA journal_mode=DELETE")


def copy_in(source: Path, url: str) -> None:
    """Fill the empty database of ``url`` from a copy, in one transaction. StoreError(not_empty) where it is not."""
    store = open_store(url, create=True)
    try:
        with closing(store.engine.reader()) as reader, store.engine.failures():
            if reader.execute(select(func.count()).select_from(LOG)).scalar_one():
                remedy = "另建一个空数据库"
                raise StoreError("数据库不是空的", code="absent", field="--database", remedy=remedy)
        copy = open_store(f"sqlite:///{source}", create=False)
        try:
            with copy.engine.failures(), closing(copy.engine.reader()) as rows, rows.begin():
                _pour(rows, store)
        finally:
            copy.close()
    finally:
        store.close()


def _pour(source: Connection, target: SqlStore) -> None:
    """All rows of all tables, in one transaction of the target."""
    target.begin()
    connection = target.engine.writer()
    with target.engine.failures():
        for table in METADATA.sorted_tables:
            if table.name == SCHEMA_COMPAT.name:
                continue  # written by the migrations
            for rows in source.execute(select(table)).mappings().partitions(_ROWS):
                connection.execute(insert(table), [dict(row) for row in rows])
    target.commit(durable=True)


def examine(path: Path) -> Copied:
    """Check a copy; StoreError(damaged) naming what is wrong."""
    with _opened(path) as database:
        try:
            broken = [row[0] for row in database.execute(f"PRAGMA integrity_check({_FINDINGS_MAX})")]
        except sqlite3.DatabaseError as error:
            raise _damaged(path, str(error)) from error
        if broken != ["ok"]:
            raise _damaged(path, "；".join(broken))
        hasher, records, logs = hashlib.sha256(), 0, 0
        rows = database.execute(
            f"SELECT l.log_no, l.log_id, l.head_seq, l.head_id, r.record_id FROM {LOG.name} l LEFT JOIN {RECORD.name} r"  # noqa: S608
            f" ON r.place = (l.log_no << {SEQ_BITS} | l.head_seq) ORDER BY l.log_id"
        )
        for log_no, log_id, seq, head_id, record_id in rows:
            if seq and head_id != record_id:
                raise _damaged(path, f"第 {log_no} 本日志的末条记录（第 {seq} 号）缺失或不符")
            logs += 1
            records += seq
            hasher.update(log_id + int(seq).to_bytes(8, "big") + head_id)
        held = database.execute(f"SELECT count(*) FROM {RECORD.name}").fetchone()[0]  # noqa: S608 - a constant
        if held != records:
            raise _damaged(path, f"应有 {records} 条记录，实有 {held} 条")
        return Copied(records, logs, hasher.hexdigest())


@contextmanager
def _opened(path: Path, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    mode = "rw" if write else "ro"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as database:
        yield database


def _damaged(path: Path, why: str) -> StoreError:
    remedy = "换一份备份；源数据库有问题时先执行 dulian verify"
    return StoreError(f"数据库副本有误：{why}", code="damaged", field="数据库副本", value=path.name, remedy=remedy)
