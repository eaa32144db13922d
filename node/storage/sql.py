"""The store over SQL: one class for SQLite and PostgreSQL, composed of log, board and peers.

Example::

    store = open_store("sqlite:////srv/dulian/node.db", create=True)
    store.begin()
    store.append(records, heads)
    store.commit(durable=True)  # on disk when this returns (I2)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from node.errors import LocalError, StoreError
from node.storage.access import Statements
from node.storage.board import BoardReads, BoardWrites
from node.storage.engine import Engine, parse_url
from node.storage.log import LogReads
from node.storage.peers import SmallReads, SmallWrites
from node.storage.schema import prepare
from node.storage.texts import TextReads


class SqlReader(LogReads, BoardReads, TextReads, SmallReads):
    """Committed data, each call in a snapshot of its own. May be shared by threads: a call borrows a connection."""

    def __init__(self, engine: Engine) -> None:
        """``engine`` lends the connections."""
        self.engine = engine

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self.engine.failures(), self.engine.reader() as connection, connection.begin():
            yield connection

    @contextmanager
    def together(self) -> Iterator[SqlReader]:
        """A reader whose calls all see one snapshot, over one connection; for one thread."""
        with self._reading() as connection:
            yield _Snapshot(self.engine, connection)


class _Snapshot(SqlReader):
    """Reads what was committed when it began."""

    def __init__(self, engine: Engine, connection: Connection) -> None:
        super().__init__(engine)
        self._connection = connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self.engine.failures():
            yield self._connection

    @contextmanager
    def together(self) -> Iterator[SqlReader]:
        """It is one already."""
        yield self

    def search(self, words: str, most: int, budget_ms: int) -> list[int]:
        """Outside the snapshot: what ends a search in its time would end that as well (PostgreSQL)."""
        return SqlReader(self.engine).search(words, most, budget_ms)


class SqlStore(BoardWrites, SmallWrites):
    """The writer's side of `port.Store`. A write outside `begin` … `commit` is a LocalError."""

    def __init__(self, engine: Engine) -> None:
        """Take over an open engine whose schema is prepared."""
        self.engine = engine
        self.statements = Statements(engine)
        self._connection: Connection | None = None  # set while a transaction is open
        self._durable = True

    def begin(self, *, durable: bool = True) -> None:
        """Start a transaction; ``durable=False`` announces that it will end with ``commit(durable=False)``."""
        if self._connection is not None:
            raise LocalError("上一事务尚未结束", code="transaction")
        with self.engine.failures():
            self.engine.before_begin(durable=durable)
            connection = self.engine.writer()
            connection.begin()
        self._connection = connection
        self._durable = durable

    def commit(self, *, durable: bool) -> None:
        """Make visible; with ``durable`` on disk before returning. After an error: `rollback`."""
        if self._connection is None:
            raise LocalError("没有可提交的事务", code="transaction")
        if durable and not self._durable:
            raise LocalError("事务开始时未要求落盘，不能作为已落盘提交", code="transaction")
        with self.engine.failures():
            self.engine.before_commit(self._connection, durable=durable)
            self._connection.commit()
        self._connection = None
        self.engine.after_commit()

    def rollback(self) -> None:
        """Forget everything since `begin`; without a transaction nothing happens."""
        connection, self._connection = self._connection, None
        if connection is None or self.engine.forget_broken():
            return
        try:
            with self.engine.failures():
                connection.rollback()
        except StoreError:
            if not self.engine.forget_broken():  # where the connection is lost, the server has rolled back by itself
                raise

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._connection is None:
            raise LocalError("没有打开的事务", code="transaction")
        with self.engine.failures():
            yield self._connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self.engine.failures():
            if self._connection is not None:
                yield self._connection
                return
            connection = self.engine.writer()
            try:
                with connection.begin():
                    yield connection
            finally:
                self.engine.forget_broken()

    @contextmanager
    def together(self) -> Iterator[SqlStore]:
        """The writer is alone: nothing changes between its reads but by itself."""
        yield self

    def reader(self) -> SqlReader:
        """An independent reader of committed data."""
        return SqlReader(self.engine)

    def maintain(self) -> None:
        """Upkeep for a quiet moment, outside a transaction; never waits for readers."""
        if self._connection is None:
            with self.engine.failures():
                self.engine.maintain()

    def close(self) -> None:
        """Forget an open transaction, release connections and the lock."""
        try:
            self.rollback()
        finally:
            self.engine.close()


def open_store(url: str, *, create: bool) -> SqlStore:
    """Lock, connect, migrate forward.

    Args:
        url: ``sqlite:///path`` or ``postgresql://user:password@host/name``.
        create: whether a missing file, or an empty database, is to become this node's database.

    Raises:
        InputError: the URL is not one of these.
        StoreError: locked, absent, newer_schema, foreign, or what `failures` lists.
    """
    engine = _open_engine(url, create=create)
    try:
        with engine.failures():
            engine.before_begin(durable=True)
            connection = engine.writer()
            with connection.begin():
                prepare(connection, create=create, name=engine.name)
        return SqlStore(engine)
    except BaseException:
        engine.close()
        raise


def _open_engine(text: str, *, create: bool) -> Engine:
    """Lock and connect to the database of a URL. InputError for a bad URL, StoreError where it cannot be had."""
    url = parse_url(text)
    if url.drivername == "sqlite":
        from node.storage.sqlite import SqliteEngine  # noqa: PLC0415 - only the engine in use costs memory

        return SqliteEngine(Path(url.database or ""), create=create)
    from node.storage.postgres import PostgresEngine  # noqa: PLC0415 - psycopg costs 10 MB

    return PostgresEngine(url)
