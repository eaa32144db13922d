"""PostgreSQL as the engine of an office that outgrew one machine.

Rules of this file:

1. The advisory lock that keeps a second process out is held by the writing connection itself: whoever lost the lock has
   lost the means to write.
2. A commit that need not be durable sets ``synchronous_commit`` off for itself only; a durable one never runs with it
   off, whatever the server's default is.
3. Nothing waits for ever: connecting, locks and statements have time limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, create_engine, event
from sqlalchemy import Engine as AlchemyEngine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool, QueuePool

from node.errors import StoreError
from node.storage.engine import CONNECT_TIMEOUT_S, driver_of, locked_error, record_values, secret_of, shown
from node.storage.failures import as_store_error
from node.storage.port import RecordRow

STATEMENT_TIMEOUT_MS = 60_000
LOCK_TIMEOUT_MS = 10_000
COPY_ROWS_MIN = 32  # below this one pipelined INSERT per row is as quick as setting up a COPY
LOCK_CLASS = 0x44554C49  # "DULI": the first half of our advisory lock; the second is the schema
RECORD_TYPES = ("int8", "bytea", "bytea", "bytea", "bytea", "bytea", "int8")
COLUMNS = "(place, record_id, header, signature, salt, payload, received_ms)"
COPY_RECORD = f"COPY record {COLUMNS} FROM STDIN (FORMAT BINARY)"
INSERT_RECORD = f"INSERT INTO record {COLUMNS} VALUES (%s, %s, %s, %s, %s, %s, %s)"  # noqa: S608 - constants
LOCK = f"SELECT pg_try_advisory_lock({LOCK_CLASS}, hashtext(current_schema()))"


class PostgresEngine:
    """A database of a PostgreSQL server; see `Engine`."""

    def __init__(self, url: URL) -> None:
        """Connect and lock. StoreError: code locked, unreachable, denied, or as `failures` says."""
        self.name = shown(url)
        self._secret = secret_of(url)
        self._connection: Connection | None = None
        with self.failures():
            self._writers = self._alchemy(url, NullPool)
            self._readers = self._alchemy(url, QueuePool)
            self.dialect = self._writers.dialect
            self.writer()

    def _alchemy(self, url: URL, pool: type[NullPool | QueuePool]) -> AlchemyEngine:
        options: dict[str, Any] = {}
        if pool is QueuePool:
            # A reader's call is one snapshot; a connection the server has dropped is replaced unnoticed.
            options = {
                "pool_size": 4,
                "max_overflow": 28,
                "pool_pre_ping": True,
                "isolation_level": "REPEATABLE READ",
            }
        made = create_engine(
            url,
            poolclass=pool,
            hide_parameters=True,
            paramstyle="format",
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
            **options,
        )

        def on_connect(connection: psycopg.Connection, _record: object) -> None:
            was = connection.autocommit
            connection.autocommit = True
            connection.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
            connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
            level = connection.execute("SHOW synchronous_commit").fetchone()
            if level is not None and level[0] == "off":
                connection.execute("SET synchronous_commit = on")
            if pool is QueuePool:
                connection.execute("SET default_transaction_read_only = on")
            connection.autocommit = was

        event.listen(made, "connect", on_connect)
        return made

    def failures(self) -> AbstractContextManager[None]:
        """Errors inside become StoreError."""
        return as_store_error(where=self.name, secret=self._secret)

    def writer(self) -> Connection:
        """The writing connection, with the lock; StoreError(locked) where another process has taken over."""
        if self._connection is None:
            connection = self._writers.connect()
            try:
                mine = connection.exec_driver_sql(LOCK).scalar_one()
                connection.commit()
            except BaseException:
                connection.close()
                raise
            if not mine:
                connection.close()
                raise locked_error(self.name)
            self._connection = connection
        return self._connection

    def reader(self) -> Connection:
        """A reading connection from the pool."""
        return self._readers.connect()

    def before_begin(self, *, durable: bool) -> None:
        """Nothing: PostgreSQL decides at the commit."""

    def before_commit(self, connection: Connection, *, durable: bool) -> None:
        """Let this commit return before it is on disk, where that is enough; StoreError after an error inside.

        To a COMMIT after an error the server answers ROLLBACK, and the driver raises nothing.
        """
        if driver_of(connection).info.transaction_status == TransactionStatus.INERROR:
            raise StoreError("本事务中已有操作失败，不能提交", code="store")
        if not durable:
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")

    def after_commit(self) -> None:
        """Nothing: the server looks after itself."""

    def maintain(self) -> None:
        """Nothing: the server looks after itself."""

    def forget_broken(self) -> bool:
        """Drop a lost connection, and with it the lock; `writer` connects again."""
        connection = self._connection
        if connection is None:
            return True
        if not (connection.closed or connection.invalidated or driver_of(connection).closed):
            return False
        self._connection = None
        connection.invalidate()
        connection.close()
        return True

    def insert(self, connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """The driver sends them in one go."""
        connection.exec_driver_sql(statement, list(rows))

    def insert_records(self, connection: Connection, records: Sequence[RecordRow]) -> None:
        """COPY for batches, pipelined INSERTs for a few."""
        rows = [record_values(record) for record in records]
        with driver_of(connection).cursor() as cursor:
            if len(rows) < COPY_ROWS_MIN:
                cursor.executemany(INSERT_RECORD, rows)
                return
            with cursor.copy(COPY_RECORD) as copy:
                copy.set_types(RECORD_TYPES)
                for row in rows:
                    copy.write_row(row)

    def close(self) -> None:
        """Close the connections; the lock falls with them."""
        with self.failures():
            self._readers.dispose()
            if self._connection is not None:
                self._connection.close()
                self._connection = None
