"""Migrations: they make the schema of the models, all or nothing, and an older program refuses a newer database."""

import dataclasses
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from node.errors import StoreError
from node.storage import port, schema
from node.storage.sql import open_store
from node.storage.tables import METADATA, SMALL
from tests.contract.rows import board_row, fill_board, fill_log


def definitions(path: Path) -> dict[str, str]:
    """Every table and index by name, in the words SQLite keeps."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {name: " ".join(sql.split()) for name, sql in rows if name != "alembic_version"}


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def made_at(path: Path, revision: str) -> None:
    """A database as an earlier release made it."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_migrating_an_empty_database_makes_the_models(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/migrated.db", create=True).close()
    engine = create_engine(f"sqlite:///{tmp_path}/direct.db")
    METADATA.create_all(engine)
    engine.dispose()
    assert definitions(tmp_path / "migrated.db") == definitions(tmp_path / "direct.db")
    engine = create_engine(f"sqlite:///{tmp_path}/migrated.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_the_program_knows_its_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [schema.REVISION]
    assert len(list(scripts.walk_revisions())) == len(list((schema.MIGRATIONS / "versions").glob("*.py")))


def test_small_tables_are_their_dataclasses() -> None:
    table: Any
    for table, columns in SMALL.items():
        assert [field.name for field in dataclasses.fields(table)] == list(columns.columns.keys())
        assert tuple(column.name for column in columns.primary_key) == port.KEYS[table]
    assert set(SMALL) == set(port.KEYS)
    assert list(METADATA.tables["board"].columns.keys()) == list(port.BoardRow._fields)


def test_a_board_of_the_first_schema_is_folded_anew(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    made_at(path, "0001")
    change(path, "INSERT INTO log VALUES (1, x'01', '320000', 1, '320000', 0, 2, x'02', 2, 0, 0)")
    change(path, "INSERT INTO log VALUES (2, x'02', '320000', 1, '320000', 0, 0, x'', 0, 0, 0)")
    change(path, "INSERT INTO item VALUES (1, x'03')")
    change(path, "INSERT INTO item_place VALUES (1, 4294967297)")
    store = open_store(f"sqlite:///{path}", create=False)
    assert (store.board_count(), store.max_item_no()) == (0, 0)
    assert [(row.log_no, row.folded_seq) for row in store.dirty_logs(10)] == [(1, 0)]
    store.close()


def test_own_items_with_a_date_and_a_unit_are_folded_anew(tmp_path: Path) -> None:
    """Migration 0009: their dates may be 暂定; no other log is read again, and one that waits waits once."""
    path = tmp_path / "node.db"
    store = open_store(f"sqlite:///{path}", create=True)
    for log_no in (1, 2, 3):
        fill_log(store, log_no, 4)
    own = {"kind": "registered", "unit": "水务局"}
    fill_board(
        store, board_row(1, **own, opened_log_no=1), board_row(2, **own, opened_log_no=2, due_day=0),
        board_row(3, unit="水务局", opened_log_no=2), board_row(4, **own, opened_log_no=3),
    )  # fmt: skip
    store.begin()
    store.set_folded([(1, 4), (2, 4)])
    store.commit(durable=True)
    store.close()
    change(path, "UPDATE alembic_version SET version_num = '0008'")
    store = open_store(f"sqlite:///{path}", create=False)
    assert [(row.log_no, row.folded_seq) for row in store.dirty_logs(10)] == [(1, 0), (3, 0)]
    assert store.board_count() == 4
    store.close()


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    open_store(f"sqlite:///{path}", create=True).close()
    change(path, "UPDATE schema_compat SET compat = compat + 1")
    before = path.read_bytes()
    for create in (False, True):
        with pytest.raises(StoreError) as caught:
            open_store(f"sqlite:///{path}", create=create)
        assert caught.value.code == "newer_schema"
        assert "安装不低于该版本的程序" in str(caught.value)
    assert path.read_bytes() == before
    change(path, "UPDATE schema_compat SET compat = compat - 1")
    open_store(f"sqlite:///{path}", create=False).close()


def test_a_newer_schema_that_is_still_compatible_is_used_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    open_store(f"sqlite:///{path}", create=True).close()
    change(path, "UPDATE alembic_version SET version_num = '9999'")
    change(path, "CREATE TABLE later (a INTEGER)")
    store = open_store(f"sqlite:///{path}", create=False)
    fill_log(store, 1, 1)
    assert store.record_count() == 1
    store.close()


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    change(path, "CREATE TABLE record (a INTEGER)")
    with pytest.raises(StoreError) as caught:
        open_store(f"sqlite:///{path}", create=True)
    assert caught.value.code == "foreign"
    assert list(definitions(path)) == ["record"]


KILLED = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from node.storage.sql import open_store

left = int(sys.argv[2])

def count(connection, cursor, statement, *rest):
    global left
    if statement.lstrip().startswith(("CREATE", "INSERT")):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", count)
open_store("sqlite:///" + sys.argv[1], create=True)
"""


@pytest.mark.parametrize("statements", [1, 9, 24])
def test_a_process_killed_while_migrating_leaves_the_old_schema(tmp_path: Path, statements: int) -> None:
    path = tmp_path / "node.db"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, path, str(statements)],
        check=False, cwd=root, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with pytest.raises(StoreError) as caught:
        open_store(f"sqlite:///{path}", create=False)
    assert caught.value.code == "absent"
    assert definitions(path) == {}
    store = open_store(f"sqlite:///{path}", create=True)
    fill_log(store, 1, 1)
    store.close()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/node.db", create=True)
    root = Path(__file__).resolve().parents[2]
    program = (
        "import sys\nfrom node.errors import StoreError\nfrom node.storage.sql import open_store\n"
        "try:\n    open_store(sys.argv[1], create=False)\n"
        "except StoreError as error:\n    sys.exit(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, f"sqlite:///{tmp_path}/node.db"],
        check=False, cwd=root, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.stderr.strip() == "locked"
    fill_log(store, 1, 1)
    store.close()


def test_profiles_published_before_keep_their_order(tmp_path: Path) -> None:
    """R21: versions counted through all of an office's profiles; later ones, with a clock, come after them."""
    path = tmp_path / "node.db"
    made_at(path, "0004")
    change(path, "INSERT INTO rules VALUES ('320000', 1, 'jiangsu-000', 5, x'01', 'a')")
    change(path, "INSERT INTO rules VALUES ('320000', 2, 'own', 4, x'02', 'b')")
    store = open_store(f"sqlite:///{path}", create=False)
    assert store.rows(port.RulesRow) == [
        port.RulesRow("320000", 1, "jiangsu-000", 5, b"\x01", "a", 1),
        port.RulesRow("320000", 2, "own", 4, b"\x02", "b", 2),
    ]
    store.close()
