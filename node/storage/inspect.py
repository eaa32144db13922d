"""Looking at the database as an operator would: settings in force, the engine's own check, sizes. For `doctor`."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from node.storage.engine import Engine, driver_of
from node.storage.port import Evidence
from node.storage.schema import COMPAT, REVISION
from node.storage.small_tables import SMALL

# What the engine must be set to for a receipt to mean what it says (I2), by the name of the setting.
SQLITE_SETTINGS = {"journal_mode": "wal", "synchronous": "2", "secure_delete": "1"}
POSTGRES_SETTINGS = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
_PROBLEMS_MAX = 20


class Database(NamedTuple):
    """What the database says of itself. ``wrong``: settings that are not as wanted, as name → value."""

    engine: str  # sqlite | postgresql
    version: str
    wrong: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]  # what the engine's own check found
    checked: str  # which check ran; empty = none
    schema: str
    compat: int


def inspect_database(engine: Engine, *, deep: bool) -> Database:
    """Ask the engine over a reading connection; ``deep`` takes its slow check. StoreError."""
    with engine.failures(), engine.reader() as connection:
        if engine.dialect.name == "sqlite":
            return _sqlite(connection, deep=deep)
        return _postgres(connection)


def _sqlite(connection: Connection, *, deep: bool) -> Database:
    driver = driver_of(connection)
    found = {name: str(driver.execute(f"PRAGMA {name}").fetchone()[0]) for name in SQLITE_SETTINGS}
    wrong = tuple((name, found[name]) for name, wanted in SQLITE_SETTINGS.items() if found[name] != wanted)
    check = "integrity_check" if deep else "quick_check"
    rows = driver.execute(f"PRAGMA {check}({_PROBLEMS_MAX})").fetchall()
    problems = tuple(str(row[0]) for row in rows if row[0] != "ok")
    return Database("sqlite", sqlite3.sqlite_version, wrong, problems, check, REVISION, COMPAT)


def _postgres(connection: Connection) -> Database:
    found = {name: str(connection.exec_driver_sql(f"SHOW {name}").scalar_one()) for name in POSTGRES_SETTINGS}
    wrong = tuple((name, found[name]) for name, wanted in POSTGRES_SETTINGS.items() if found[name] != wanted)
    version = str(connection.exec_driver_sql("SHOW server_version").scalar_one())
    return Database("postgresql", version, wrong, (), "", REVISION, COMPAT)


def refusals_since(engine: Engine, since_ms: int) -> dict[str, int]:
    """How many pieces of evidence were kept since then, by reason; their bytes are not read. StoreError."""
    with engine.failures(), engine.reader() as connection:
        table = SMALL[Evidence]
        asked = select(table.c.code, func.count()).where(table.c.at_ms >= since_ms).group_by(table.c.code)
        return {str(code): int(count) for code, count in connection.execute(asked)}
