"""SQLite as the embedded engine: WAL, one writer, an exclusive lock file, and a write-ahead log that stays bounded.

Rules of this file:

1. A durable commit runs with ``synchronous=FULL``: SQLite syncs the WAL before COMMIT returns. Other commits run with
   NORMAL; a later durable commit makes them durable too, since there is one WAL and it is synced as a whole.
2. ``synchronous`` can only change outside a transaction, so it is set before BEGIN.
3. SQLite's own checkpoints are off: they would copy pages after every 1,000 pages of bulk appends, the same pages over
   and over. Ours run when the WAL passes 64 MiB and in quiet moments; beyond 256 MiB they wait for readers.
4. The lock file is locked before the database file is opened, and stays.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy import Engine as AlchemyEngine
from sqlalchemy.pool import NullPool, QueuePool

from node.errors import StoreError
from node.storage.engine import BUSY_TIMEOUT_S, driver_of, locked_error
from node.storage.failures import as_store_error, failed_in_write, is_driver_error, refused_by, store_error
from node.storage.port import RecordRow
from node.storage.tables import SEQ_BITS

PAGE_BYTES = 8_192  # fifteen records of 500 bytes; halves the depth of page splits against 4,096
WRITER_CACHE_KIB = 32 * 1_024
READER_CACHE_KIB = 4 * 1_024
WAL_PASSIVE_BYTES = 64 * 1024**2
WAL_WAIT_BYTES = 256 * 1024**2  # beyond this a checkpoint waits for readers
WAL_STEP_BYTES = 16 * 1024**2  # growth before another attempt where readers were in the way
WAL_KEPT_BYTES = 16 * 1024**2  # the file is cut to this when it starts anew; overwriting is cheaper than extending
COLUMNS = len(RecordRow._fields)
_ROW = f"((? << {SEQ_BITS}) | ?, ?, ?, ?, ?, ?, ?)"  # `place_of`, without a new tuple for each of millions
INSERT_RECORD = (
    f"INSERT INTO record (place, record_id, header, signature, salt, payload, received_ms) VALUES {_ROW}"  # noqa: S608
)
# The driver lets go of the interpreter lock and takes it again for each statement it runs: with other threads busy that
# costs more than the insert. 50 rows are 400 variables; the oldest SQLite builds allow 999.
GROUP_ROWS = 50
GROUP_VALUES = 400
INSERT_GROUP = INSERT_RECORD + f", {_ROW}" * (GROUP_ROWS - 1)


class SqliteEngine:
    """An embedded database in one file; see `Engine`."""

    def __init__(self, path: Path, *, create: bool) -> None:
        """Lock ``path`` and connect. StoreError: code locked, absent (without ``create``), or as `failures` says."""
        self.path = path
        self.name = str(path)
        self.wal_path = path.with_name(path.name + "-wal")
        self._connection: Connection | None = None
        self._level = ""
        self._unmoved = True  # something may lie in the WAL that a checkpoint has not moved
        self._next_attempt_bytes = WAL_PASSIVE_BYTES
        self._upkeep_error: StoreError | None = None
        with self.failures():
            if not create and not path.is_file():
                raise StoreError(
                    "数据库文件不存在",
                    code="absent",
                    field="数据库",
                    value=self.name,
                    remedy="检查 --home；新节点用 dulian init 或 dulian join 建立",
                )
            if create:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock_fd = _lock(path)
            try:
                if create:
                    # Made by us first, so that the file and its WAL are readable by nobody else.
                    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                self._writers = self._alchemy(NullPool, WRITER_CACHE_KIB, query_only=False)
                self._readers = self._alchemy(QueuePool, READER_CACHE_KIB, query_only=True)
                self.dialect = self._writers.dialect
                self.writer()
            except BaseException:
                os.close(self._lock_fd)
                raise

    def _alchemy(self, pool: type[NullPool | QueuePool], cache_kib: int, *, query_only: bool) -> AlchemyEngine:
        url = URL.create("sqlite", database=str(self.path))
        options: dict[str, Any] = {"pool_size": 4, "max_overflow": 28} if pool is QueuePool else {}
        # isolation_level None: the driver starts no transactions of its own, so that BEGIN below also covers DDL.
        made = create_engine(
            url,
            poolclass=pool,
            hide_parameters=True,
            connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S, "isolation_level": None},
            **options,
        )

        def on_connect(connection: sqlite3.Connection, _record: object) -> None:
            pragmas = [
                f"page_size={PAGE_BYTES}",
                "journal_mode=WAL",
                "wal_autocheckpoint=0",
                f"journal_size_limit={WAL_KEPT_BYTES}",
                f"cache_size=-{cache_kib}",
                "temp_store=MEMORY",
                "secure_delete=ON",  # what is erased leaves nothing in free pages
                "synchronous=FULL",
            ]
            for pragma in pragmas + ["query_only=ON"] * query_only:
                connection.execute(f"PRAGMA {pragma}")

        event.listen(made, "connect", on_connect)
        event.listen(made, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return made

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Errors inside become StoreError."""
        try:
            with as_store_error(where=self.name):
                yield
        except StoreError as error:
            # SQLite has one word for every write that fails. A write, unlike a sync, leaves no doubt about what is on
            # the disk: where the folder takes nothing else either, it is full or read-only, and may recover.
            cause = refused_by(self.path.parent) if error.code == "io" and failed_in_write(error) else None
            if cause is None:
                raise
            raise store_error(cause, where=self.name) from error

    def writer(self) -> Connection:
        """The writing connection."""
        if self._connection is None:
            self._connection = self._writers.connect()
            self._level = "FULL"
        return self._connection

    def reader(self) -> Connection:
        """A reading connection from the pool."""
        return self._readers.connect()

    def before_begin(self, *, durable: bool) -> None:
        """Set the level of synchronisation; raise what the last upkeep met."""
        if self._upkeep_error is not None:
            error, self._upkeep_error = self._upkeep_error, None
            raise error
        level = "FULL" if durable else "NORMAL"
        if level != self._level:
            driver_of(self.writer()).execute(f"PRAGMA synchronous={level}")
            self._level = level

    def before_commit(self, connection: Connection, *, durable: bool) -> None:
        """Nothing: the level was set before BEGIN."""

    def after_commit(self) -> None:
        """Checkpoint where the WAL has grown past its bounds."""
        self._unmoved = True
        size = self.wal_bytes()
        if size <= WAL_PASSIVE_BYTES:
            self._next_attempt_bytes = WAL_PASSIVE_BYTES
            return
        if size < self._next_attempt_bytes:
            return
        self._next_attempt_bytes = size + WAL_STEP_BYTES
        try:
            self._checkpoint("PASSIVE" if size <= WAL_WAIT_BYTES else "TRUNCATE")
        except Exception as error:
            if not is_driver_error(error):
                raise
            # The commit itself stands; saying it failed would make its author write it twice.
            self._upkeep_error = store_error(error, where=self.name)

    def wal_bytes(self) -> int:
        """Size of the WAL file."""
        try:
            return os.stat(self.wal_path).st_size  # noqa: PTH116 - once per commit
        except FileNotFoundError:
            return 0

    def _checkpoint(self, mode: str) -> None:
        busy, in_wal, moved = driver_of(self.writer()).execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        self._unmoved = bool(busy) or in_wal != moved

    def maintain(self) -> None:
        """Move what lies in the WAL into the database, without waiting for anybody."""
        if self._unmoved:
            self._checkpoint("PASSIVE")

    def forget_broken(self) -> bool:
        """A connection to a file is not lost."""
        return False

    def insert(self, connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """As `insert_records`: some rows to a statement."""
        if len(rows) == 1:
            driver_of(connection).execute(statement, rows[0])
            return
        count = max(1, GROUP_VALUES // len(rows[0]))
        row = f"({', '.join('?' * len(rows[0]))})"
        before, found, after = statement.partition(row)
        grouped = before + ", ".join([found] * count) + after
        _in_groups(connection, statement, grouped, count, rows)

    def insert_records(self, connection: Connection, records: Sequence[RecordRow]) -> None:
        """Prepared statements over groups of rows; the place is made of log_no and seq on the way in."""
        _in_groups(connection, INSERT_RECORD, INSERT_GROUP, GROUP_ROWS, records)

    def close(self) -> None:
        """Close the connections (SQLite then moves the WAL into the database) and let go of the lock, once."""
        with self.failures():
            try:
                self._readers.dispose()
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
            finally:
                if self._lock_fd >= 0:
                    os.close(self._lock_fd)
                    self._lock_fd = -1


def _in_groups(
    connection: Connection, one: str, several: str, count: int, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Run ``several``, which takes ``count`` rows, as long as there are so many, then ``one`` for each."""
    driver = driver_of(connection)
    grouped = len(rows) - len(rows) % count
    if grouped:
        values = list(chain.from_iterable(rows[:grouped]))
        width = count * len(rows[0])
        driver.executemany(several, (values[start : start + width] for start in range(0, len(values), width)))
    driver.executemany(one, rows[grouped:])


def _lock(path: Path) -> int:
    """Take the exclusive lock beside the database; it falls with the process, however that ends."""
    lock_path = path.with_name(path.name + ".lock")
    descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise locked_error(str(path)) from None
    return descriptor
