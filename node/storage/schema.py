"""Bringing a database to this program's schema, or refusing it.

Rules of this file:

1. Migrations only go forward, all of them in one transaction with the schema's new generation number: a process killed
   in between leaves the old schema or the new one, never half (both engines roll DDL back).
2. A database that demands a newer generation than this program knows is refused before anything is written. One that is
   newer but still compatible is used as it is.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, select, text

from node.errors import StoreError
from node.storage.tables import METADATA, SCHEMA_COMPAT

REVISION = "0009"  # the newest migration; a test compares it with migrations/versions
COMPAT = 4  # the newest schema generation this program knows
MIGRATIONS = Path(__file__).resolve().parent / "migrations"


def prepare(connection: Connection, *, create: bool, name: str) -> None:
    """Check and migrate the schema, inside the transaction that is open on ``connection``.

    Raises:
        StoreError: newer_schema, absent (no schema, and ``create`` is not set), foreign (somebody else's database).
    """
    present = set(inspect(connection).get_table_names())
    if SCHEMA_COMPAT.name not in present:
        if present & set(METADATA.tables):
            raise StoreError(
                "数据库里已有其他程序的同名数据表",
                code="foreign",
                field="数据库",
                value=name,
                remedy="另建一个空数据库",
            )
        if not create:
            raise StoreError(
                "数据库是空的",
                code="absent",
                field="数据库",
                value=name,
                remedy="检查 --home 和 --database；新节点用 dulian init 或 dulian join 建立",
            )
    else:
        compat = connection.execute(select(SCHEMA_COMPAT.c.compat)).scalar_one()
        if compat > COMPAT:
            raise StoreError(
                f"数据库由更新版本的督联建立（结构版本 {compat}，本程序只认到 {COMPAT}）",
                code="newer_schema",
                field="数据库",
                value=name,
                remedy="安装不低于该版本的程序后再启动",
            )
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        if revision == REVISION:
            return
    upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, inside the open transaction."""
    from alembic import command  # noqa: PLC0415 - 10 MB that a node whose schema is current does not need
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() if (
        inspect(connection).has_table("alembic_version")
    ) else None
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is None or current in known:
        command.upgrade(config, "head")
