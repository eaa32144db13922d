"""Reading the stores of nodes from outside, whatever engine: records, logs, forks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any, NamedTuple

import psycopg

from tests.chaos.offices import Office

_QUERY = (
    "SELECT record.record_id, record.place, log.log_id, log.author, log.path, log.subtree, log.frozen"
    " FROM record JOIN log ON log.log_no = record.place / 4294967296"
)


class Held(NamedTuple):
    """A record in a store."""

    record: str
    seq: int
    log: str
    author: str
    path: str
    subtree: bool
    frozen: bool


def rows_of(office: Office, query: str) -> list[tuple[Any, ...]]:
    """Rows of the office's database as committed."""
    if office.database:
        with psycopg.connect(office.database, autocommit=True) as connection:
            return connection.execute(query).fetchall()
    with closing(sqlite3.connect(f"file:{office.home / 'dulian.db'}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(query).fetchall()


def records_of(office: Office) -> list[Held]:
    """All records an office holds."""
    return [
        Held(bytes(record).hex(), place & 0xFFFF_FFFF, bytes(log).hex(), author, path, bool(subtree), bool(frozen))
        for record, place, log, author, path, subtree, frozen in rows_of(office, _QUERY)
    ]


def forks_of(office: Office) -> list[tuple[str, str]]:
    """(author, record id) of all records kept as the other side of a fork."""
    found = rows_of(office, "SELECT log.author, fork.record_id FROM fork JOIN log ON log.log_no = fork.log_no")
    return [(author, bytes(record).hex()) for author, record in found]
