"""The small tables in SQL: neighbours, receipts, marks, evidence, invitations … one dataclass of `port` each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, and_, select

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


def _where(table: type[SmallRow], equal: dict[str, object]) -> Any:
    columns = SMALL[table].c
    unknown = [name for name in equal if name not in columns]
    if unknown:
        raise LocalError(f"{table.__name__} 没有字段 {'、'.join(unknown)}", code="bad_field")
    return and_(True, *(columns[name] == value for name, value in equal.items()))


def _select(table: type[SmallRow], equal: dict[str, object]) -> Select[Any]:
    columns = SMALL[table].c
    return select(SMALL[table]).where(_where(table, equal)).order_by(*(columns[name] for name in KEYS[table]))


class SmallReads(Reads):
    """Reading small rows; the contract is `port.Reader`."""

    def get(self, table: type[R], *key: object) -> R | None:
        """A small row by primary key."""
        query = _select(table, key_filter(table, key))
        with self._reading() as connection:
            row = connection.execute(query).first()
            return None if row is None else table(*row)

    def rows(self, table: type[R], **equal: object) -> list[R]:
        """Small rows with these field values, sorted by primary key."""
        query = _select(table, equal)
        with self._reading() as connection:
            return [table(*row) for row in connection.execute(query)]


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
        statement = SMALL[table].delete().where(_where(table, key_filter(table, key)))
        with self._writing() as connection:
            connection.execute(statement)


def _by_table(rows: Sequence[SmallRow]) -> Iterable[tuple[type[SmallRow], Iterable[SmallRow]]]:
    # Stable: two rows with one key keep their order, the later one wins.
    return groupby(sorted(rows, key=lambda row: type(row).__name__), key=type)
