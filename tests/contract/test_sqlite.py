"""SQLite in particular: durability levels, one process, bounded WAL, readers in other threads, errors in Chinese."""

import fcntl
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import sqlite as sqlite_dialect

from node.errors import EXIT_INPUT, EXIT_INTERNAL, InputError, StoreError
from node.storage import port, sqlite
from node.storage.board_filters import wanted_of
from node.storage.engine import driver_of
from node.storage.failures import store_error
from node.storage.port import BoardQuery
from node.storage.sql import SqlStore, open_store
from node.storage.tables import BOARD
from tests.contract.rows import fill_log, log_row, record_row


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "node.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    store = open_store(url_of(path), create=True)
    yield store
    store.close()


def engine_of(store: SqlStore) -> sqlite.SqliteEngine:
    assert isinstance(store.engine, sqlite.SqliteEngine)
    return store.engine


def pragma(store: SqlStore, name: str) -> Any:
    return driver_of(store.engine.writer()).execute(f"PRAGMA {name}").fetchone()[0]


FULL, NORMAL = 2, 1


def test_a_durable_transaction_runs_with_full_synchronisation_whatever_went_before(store: SqlStore) -> None:
    for durable, level in ((True, FULL), (False, NORMAL), (True, FULL), (True, FULL), (False, NORMAL), (False, NORMAL)):
        store.begin(durable=durable)
        store.put([port.Meta("a", b"%d" % level)])
        assert pragma(store, "synchronous") == level
        store.commit(durable=durable)
    store.begin()
    assert pragma(store, "synchronous") == FULL
    store.rollback()


def test_the_database_is_set_up_as_measured(store: SqlStore) -> None:
    names = ("journal_mode", "page_size", "wal_autocheckpoint", "cache_size", "secure_delete", "temp_store")
    assert [pragma(store, name) for name in names] == ["wal", 8192, 0, -32 * 1024, 1, 2]
    columns = driver_of(store.engine.writer()).execute("PRAGMA index_list(record)").fetchall()
    assert columns == []  # neither a random index nor a separate one for the key: the place is the rowid


def test_records_lie_in_the_order_of_their_places(store: SqlStore) -> None:
    plan = driver_of(store.engine.writer()).execute(
        "EXPLAIN QUERY PLAN SELECT * FROM record WHERE place > 1 AND place <= 9 ORDER BY place"
    ).fetchall()
    assert [row[3] for row in plan] == ["SEARCH record USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]


def test_open_tasks_of_a_few_items_are_looked_up_by_these_items(store: SqlStore) -> None:
    """Thirteen states pass for fewer rows than fifteen parents have: of 100,000 items all that are open were read."""
    query = BoardQuery(parents=tuple(bytes([number]) * 32 for number in range(15)), subject="-", open=True)
    assert "board_parent" in plan_of(store, query)


@pytest.mark.parametrize(("paper", "index"), [("slip", "board_slips"), ("return", "board_returns")])
def test_the_few_items_with_papers_are_found_by_an_index_of_these(store: SqlStore, paper: str, index: str) -> None:
    assert index in plan_of(store, BoardQuery(paper=paper, subject="-"))


def plan_of(store: SqlStore, query: BoardQuery) -> str:
    wanted = select(BOARD.c.item_no).where(*wanted_of(query, "sqlite")).compile(
        dialect=sqlite_dialect.dialect(), compile_kwargs={"render_postcompile": True}
    )
    values = [wanted.params[name] for name in wanted.positiontup or ()]
    plan = driver_of(store.engine.writer()).execute(f"EXPLAIN QUERY PLAN {wanted}", values).fetchall()
    return "; ".join(row[3] for row in plan)


def test_a_second_opening_is_refused_before_the_database_is_touched(path: Path, store: SqlStore) -> None:
    store.begin()
    with pytest.raises(StoreError) as caught:
        open_store(url_of(path), create=False)
    assert caught.value.code == "locked"
    assert "正被另一进程使用" in str(caught.value)
    store.rollback()
    store.close()
    again = open_store(url_of(path), create=False)
    again.close()


def test_a_foreign_lock_keeps_even_a_new_database_from_being_made(path: Path) -> None:
    path.parent.mkdir()
    with path.with_name("node.db.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StoreError) as caught:
            open_store(url_of(path), create=True)
        assert caught.value.code == "locked"
        assert [file.name for file in path.parent.iterdir()] == ["node.db.lock"]


def test_files_are_for_their_owner_only(path: Path, store: SqlStore) -> None:
    fill_log(store, 1, 1)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(["node.db", "node.db-wal", "node.db-shm", "node.db.lock"], 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_committed_is_there_after_the_process_is_gone(path: Path, store: SqlStore, tmp_path: Path) -> None:
    fill_log(store, 1, 3)
    store.begin()
    store.append([record_row(1, 4)], [(1, 4, b"never committed")])
    copied = tmp_path / "copied.db"
    for suffix in ("", "-wal"):
        copied.with_name(copied.name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    store.rollback()
    found = open_store(url_of(copied), create=False)
    assert [row.seq for row in found.run(1, 0, 9, 10**6)] == [1, 2, 3]
    assert found.logs()[0].head_seq == 3
    found.close()


def test_an_absent_database_is_not_made_by_mistake(path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(url_of(path), create=False)
    assert caught.value.code == "absent"
    assert not path.parent.exists()
    path.parent.mkdir()
    path.touch()
    with pytest.raises(StoreError) as caught:
        open_store(url_of(path), create=False)
    assert caught.value.code == "absent"
    open_store(url_of(path), create=True).close()


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to be looked at as one" * 100)
    with pytest.raises(StoreError) as caught:
        open_store(url_of(path), create=True)
    assert caught.value.code == "corrupt"
    assert path.read_bytes().startswith(b"not a database")


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///a?mode=ro", "mysql://u:pw@h/d", "nonsense"]
)
def test_other_urls_are_input_errors(url: str) -> None:
    with pytest.raises(InputError) as caught:
        open_store(url, create=True)
    assert "pw" not in str(caught.value)
    assert caught.value.remedy


def test_the_wal_stays_bounded_over_many_appends(store: SqlStore) -> None:
    engine = engine_of(store)
    store.begin()
    store.add_logs([log_row(number) for number in range(1, 101)])
    store.commit(durable=True)
    sizes = []
    for step in range(50):
        rows = [record_row(number, step * 20 + seq) for number in range(1, 101) for seq in range(1, 21)]
        store.begin(durable=False)
        store.append(rows, [(number, step * 20 + 20, b"head") for number in range(1, 101)])
        store.commit(durable=False)
        sizes.append(engine.wal_bytes())
    assert store.record_count() == 100_000
    assert max(sizes) < sqlite.WAL_PASSIVE_BYTES + sqlite.WAL_STEP_BYTES
    assert any(later < earlier for earlier, later in pairwise(sizes)), "never started anew"
    store.maintain()
    store.begin()
    store.put([port.Meta("a", b"")])
    store.commit(durable=True)
    assert engine.wal_bytes() <= sqlite.WAL_KEPT_BYTES


def test_readers_holding_the_wal_are_waited_for_in_the_end(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "WAL_PASSIVE_BYTES", 100_000)
    monkeypatch.setattr(sqlite, "WAL_STEP_BYTES", 100_000)
    monkeypatch.setattr(sqlite, "WAL_WAIT_BYTES", 400_000)
    engine = engine_of(store)
    engine._next_attempt_bytes = 100_000
    driver_of(engine.writer()).execute("PRAGMA busy_timeout=20")
    fill_log(store, 1, 1)
    payload = bytes(90_000)

    def grow(seq: int) -> int:
        store.begin()
        store.append([record_row(1, seq, payload=payload)], [(1, seq, b"id")])
        store.commit(durable=True)
        return engine.wal_bytes()

    with engine.reader() as connection, connection.begin():
        assert connection.exec_driver_sql("SELECT count(*) FROM record").scalar_one() == 1
        sizes = [grow(seq) for seq in range(2, 12)]
        assert sizes[-1] > 1_000_000  # the reader's snapshot lies in the WAL: it cannot start anew
    assert grow(12) + grow(13) < 500_000  # the reader is gone


def test_a_failed_checkpoint_does_not_unsay_the_commit(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "WAL_PASSIVE_BYTES", 1)
    engine = engine_of(store)
    engine._next_attempt_bytes = 1
    driver = driver_of(engine.writer())

    def deny_checkpoints(_action: int, name: str | None, *_rest: object) -> int:
        return sqlite3.SQLITE_DENY if name == "wal_checkpoint" else sqlite3.SQLITE_OK

    driver.set_authorizer(deny_checkpoints)
    store.begin()
    store.put([port.Meta("a", b"1")])
    store.commit(durable=True)
    assert store.reader().get(port.Meta, "a") == port.Meta("a", b"1")
    with pytest.raises(StoreError):
        store.begin()
    driver.set_authorizer(None)
    store.begin()
    store.rollback()


def test_a_full_disk_is_said_and_the_store_goes_on_when_there_is_room(store: SqlStore) -> None:
    fill_log(store, 1, 1)
    pages = pragma(store, "page_count")
    pragma(store, f"max_page_count={pages + 2}")
    store.begin()
    with pytest.raises(StoreError) as caught:
        store.append([record_row(1, seq, payload=bytes(10_000)) for seq in range(2, 9)], [(1, 8, b"id")])
    assert caught.value.code == "disk_full"
    assert "磁盘空间不足" in str(caught.value)
    assert caught.value.remedy
    store.rollback()
    assert len(store.run(1, 0, 9, 10**6)) == 1
    pragma(store, "max_page_count=1000000")
    store.begin()
    store.append([record_row(1, 2)], [(1, 2, b"id")])
    store.commit(durable=True)
    assert len(store.reader().run(1, 0, 9, 10**6)) == 2


def test_readers_cannot_write(store: SqlStore) -> None:
    with engine_of(store).reader() as connection, pytest.raises(Exception, match="readonly") as caught:
        connection.exec_driver_sql("DELETE FROM log")
    assert store_error(caught.value).code == "read_only"


def test_readers_in_many_threads_see_whole_transactions(store: SqlStore) -> None:
    store.begin()
    store.add_logs([log_row(1), log_row(2)])
    store.commit(durable=True)
    stop = threading.Event()

    def watch(reader: port.Reader) -> int:
        looks = 0
        while not stop.is_set() or not looks:
            first, second = reader.logs()
            assert first.head_seq == second.head_seq
            assert len(reader.run(1, 0, 1000, 10**9)) >= first.head_seq
            looks += 1
        return looks

    shared = store.reader()
    with ThreadPoolExecutor(4) as pool:
        watchers = [pool.submit(watch, reader) for reader in (shared, shared, store.reader(), store.reader())]
        try:
            for seq in range(1, 101):
                store.begin(durable=False)
                store.append([record_row(1, seq), record_row(2, seq)], [(1, seq, b"id"), (2, seq, b"id")])
                store.commit(durable=False)
        finally:
            stop.set()
        assert all(watcher.result() > 0 for watcher in watchers)


def test_errors_of_the_system_have_words_of_their_own() -> None:
    assert store_error(OSError(28, "No space left on device")).code == "disk_full"
    assert store_error(OSError(30, os.strerror(30))).code == "read_only"
    assert store_error(OSError(5, os.strerror(5))).code == "io"
    for code in (28, 30, 122):  # full, read-only, quota: the operator's to mend, and nothing was written
        assert store_error(OSError(code, os.strerror(code))).exit_code == EXIT_INPUT
    assert store_error(OSError(5, os.strerror(5))).exit_code == EXIT_INTERNAL
    no_room = sqlite3.OperationalError("disk I/O error")
    no_room.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert store_error(no_room).code == "disk_full"
    line = str(store_error(OSError(28, "x"), where="/data/dulian.db"))
    assert line.startswith("数据库「/data/dulian.db」：磁盘空间不足")
    assert store_error(sqlite3.OperationalError("without a code")).code == "store"
