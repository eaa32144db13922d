"""Which database a URL names, and what the store needs of either engine.

Rules of this file:

1. One process per database: opening takes the engine's own exclusive lock before anything else is touched.
2. The store holds one writing connection for good; readers borrow theirs for one call.
3. The password of a URL is in no error text.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Connection, make_url
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.exc import ArgumentError

from node.errors import InputError, StoreError
from node.storage.port import RecordRow
from node.storage.tables import place_of

RecordTuple = tuple[int, bytes, bytes, bytes, bytes | None, bytes | None, int]
BUSY_TIMEOUT_S = 5.0  # for readers that hold up a checkpoint; there is no second writer
CONNECT_TIMEOUT_S = 10


class Engine(Protocol):
    """One database, locked for this process. Errors of all methods: StoreError."""

    name: str  # as operators know it; without password
    dialect: Dialect

    def failures(self) -> AbstractContextManager[None]:
        """Inside, whatever the engine raises becomes a StoreError that names this database."""
        ...

    def writer(self) -> Connection:
        """The writing connection; connected anew (and locked anew) where it was lost."""
        ...

    def reader(self) -> Connection:
        """A reading connection of the caller's own, from a pool; whatever runs in its transaction is one snapshot."""
        ...

    def before_begin(self, *, durable: bool) -> None:
        """Outside a transaction: prepare for one that must (or need not) be on disk when its commit returns."""
        ...

    def before_commit(self, connection: Connection, *, durable: bool) -> None:
        """Inside the transaction, last."""
        ...

    def after_commit(self) -> None:
        """Outside: upkeep that may be due. Raises nothing: what fails here is raised by the next `before_begin`."""
        ...

    def forget_broken(self) -> bool:
        """Drop the writing connection where it is lost; say whether it was."""
        ...

    def maintain(self) -> None:
        """Upkeep for a quiet moment."""
        ...

    def insert(self, connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run an INSERT of one row of VALUES for each row, in order, the fastest way the engine has."""
        ...

    def insert_records(self, connection: Connection, records: Sequence[RecordRow]) -> None:
        """Insert rows of the record table, sorted by place, the fastest way the engine has."""
        ...

    def close(self) -> None:
        """Release connections and the lock."""
        ...


def parse_url(text: str) -> URL:
    """The URL of a database: ``sqlite:///path`` or ``postgresql://user@host/name``; InputError otherwise."""
    remedy = "写成 sqlite:///目录/文件 或 postgresql://用户@主机/库名"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise InputError("数据库地址无法识别", field="--database", remedy=remedy) from None
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite":
        if not url.database or url.database == ":memory:" or url.query:
            raise InputError("内嵌数据库必须是一个文件", field="--database", value=shown(url), remedy=remedy)
        return url.set(drivername="sqlite")
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    raise InputError("不支持这种数据库", field="--database", value=shown(url), remedy=remedy)


def shown(url: URL) -> str:
    """The URL without its password (also where somebody put it into the query)."""
    return url.difference_update_query(["password", "passfile"]).render_as_string(hide_password=True)


def secret_of(url: URL) -> str:
    """The password of the URL, empty where there is none."""
    return str(url.password or url.query.get("password") or "")


def locked_error(name: str) -> StoreError:
    """A second process wanted the same database."""
    return StoreError(
        "数据库正被另一进程使用", code="locked", field="数据库", value=name, remedy="先停止正在运行的 dulian serve"
    )


def record_values(record: RecordRow) -> RecordTuple:
    """The columns of the record table."""
    return (place_of(record.log_no, record.seq), *record[2:])


def driver_of(connection: Connection) -> Any:
    """The driver's own connection, for what SQLAlchemy has no words for."""
    return connection.connection.driver_connection
