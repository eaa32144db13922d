"""The small tables in SQL: neighbours, receipts, marks, evidence, invitations … one dataclass of `port` each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Delete, Select, Table, bindparam, select

from node.errors import LocalError
from node.storage.access import Reads, Writes
from node.storage.port import KEYS, R, SmallRow
from node.storage.tables import SMALL


def key_filter(table: type[SmallRow], key: Sequence[object]) -> dict[str, object]:
    """The primary key as field values; LocalError where the number of parts is wrong."""
    names = KEYS[table]
    if len(names) != len(key):
        raise LocalError(f"{table.__name__} 的主键是 {'、'.join(names)}", code="bad_key")
    return dict(zip(names, key, strict=True))


@lru_cache(maxsize=256)
def _select(table: Table, names: tuple[str, ...]) -> Select[Any]:
    """The rows where the named fields have given values; built once, since building costs more than running."""
    return select(table).where(*_conditions(table, names)).order_by(*table.primary_key.columns)


@lru_cache(maxsize=64)
def _delete(table: Table, names: tuple[str, ...]) -> Delete:
    return table.delete().where(*_conditions(table, names))


def _conditions(table: Table, names: tuple[str, ...]) -> list[ColumnElement[bool]]:
    unknown = [name for name in names if name not in table.c]
    if unknown:
        raise LocalError(f"{table.name} 没有字段 {'、'.join(unknown)}", code="bad_field")
    return [table.c[name] == bindparam(f"want_{name}") for name in names]


def _values(equal: dict[str, object]) -> dict[str, object]:
    return {f"want_{name}": value for name, value in equal.items()}


class SmallReads(Reads):
    """Reading small rows; the contract is `port.Reader`."""

    def get(self, table: type[R], *key: object) -> R | None:
        """A small row by primary key."""
        equal = key_filter(table, key)
        with self._reading() as connection:
            row = connection.execute(_select(SMALL[table], KEYS[table]), _values(equal)).first()
            return None if row is None else table(*row)

    def rows(self, table: type[R], **equal: object) -> list[R]:
        """Small rows with these field values, sorted by primary key."""
        query = _select(SMALL[table], tuple(sorted(equal)))
        with self._reading() as connection:
            return [table(*row) for row in connection.execute(query, _values(equal))]


class SmallWrites(SmallReads, Writes):
    """Writing small rows; the contract is `port.Store`."""

    def put(self, rows: Sequence[SmallRow]) -> None:
        """Insert or overwrite small rows (of one or several tables)."""
        with self._writing() as connection:
            for table, group in _by_table(rows):
                values = attrgetter(*SMALL[table].columns.keys())
                self._many(connection, self.statements.upsert(SMALL[table]), [values(row) for row in group])

    def delete(self, table: type[SmallRow], *key: object) -> None:
        """Delete a small row by primary key; absent is fine."""
        equal = key_filter(table, key)
        with self._writing() as connection:
            connection.execute(_delete(SMALL[table], KEYS[table]), _values(equal))


def _by_table(rows: Sequence[SmallRow]) -> Iterable[tuple[type[SmallRow], Iterable[SmallRow]]]:
    # Stable: two rows with one key keep their order, the later one wins.
    return groupby(sorted(rows, key=lambda row: type(row).__name__), key=type)
