"""How the parts of the store reach the database: reads in a snapshot, writes in the one transaction.

`Reads` and `Writes` are what log, board and peers build on; `sql` composes them. Statements for many rows are compiled
once and run through the driver with tuples: building them per row costs more than the insert itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from node.storage.engine import Engine

KEYS_PER_QUERY = 500  # SQLite refuses above 32,766 variables, older builds above 999
T = TypeVar("T")


class Reads(ABC):
    """Something that can read: the store itself or a reader."""

    engine: Engine

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Connection]:
        """A connection inside one snapshot; errors inside become StoreError."""

    def _marked(self, statement: str) -> str:
        """A statement written with ``?`` marks, in the marks of the driver."""
        return statement if self.engine.dialect.name == "sqlite" else statement.replace("?", "%s")


class Writes(Reads):
    """Something that can write, between begin and commit."""

    statements: Statements

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Connection]:
        """The connection inside the transaction; LocalError where there is none."""

    def _many(self, connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """Run one statement (in the marks of the driver) for each row of values; return the rows touched.

        Of an INSERT nobody asks which rows were there already: it goes the engine's fastest way and counts them all.
        """
        if not rows:
            return 0
        if statement.startswith("INSERT"):
            self.engine.insert(connection, statement, rows)
            return len(rows)
        return connection.exec_driver_sql(statement, list(rows)).rowcount


class Statements:
    """INSERT statements of one dialect as text, compiled at first use."""

    def __init__(self, engine: Engine) -> None:
        """``engine`` gives the dialect."""
        self._dialect = engine.dialect
        self._insert: Callable[[Table], Any] = (
            sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
        )  # both know ON CONFLICT, in the same words
        self._texts: dict[tuple[str, str], str] = {}

    def upsert(self, table: Table) -> str:
        """Insert whole rows (values in column order), overwriting those with the same key."""
        return self._text("upsert", table)

    def add(self, table: Table) -> str:
        """Insert whole rows, leaving those alone whose key is there."""
        return self._text("add", table)

    def insert(self, table: Table) -> str:
        """Insert whole rows; a key that is there is an error."""
        return self._text("insert", table)

    def _text(self, how: str, table: Table) -> str:
        text = self._texts.get((how, table.name))
        if text is None:
            text = self._texts[how, table.name] = self._compile(how, table)
        return text

    def _compile(self, how: str, table: Table) -> str:
        made = self._insert(table)
        keys = list(table.primary_key.columns)
        rest = {column.name: made.excluded[column.name] for column in table.columns if not column.primary_key}
        if how == "upsert" and rest:
            made = made.on_conflict_do_update(index_elements=keys, set_=rest)
        elif how != "insert":
            made = made.on_conflict_do_nothing(index_elements=keys)
        compiled = made.compile(dialect=self._dialect)
        if list(compiled.positiontup) != list(table.columns.keys()):
            raise AssertionError(f"values of {table.name} are not in column order")
        return str(compiled)


def chunks(values: Iterable[T], size: int = KEYS_PER_QUERY) -> Iterator[list[T]]:
    """The values in lists of at most ``size``."""
    source = iter(values)
    while chunk := list(islice(source, size)):
        yield chunk
