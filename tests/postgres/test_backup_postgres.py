"""Backups between engines: PostgreSQL to the portable copy and back, one snapshot while others write."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from node.errors import StoreError
from node.records.line import Line, LogKey
from node.storage.port import LogRow, Meta, RecordRow
from node.storage.snapshot import copy_in, copy_out, examine
from node.storage.sql import SqlStore, open_store

KEY = LogKey("320000", 7, Line(("320000",), subtree=True))


def write(store: SqlStore, first: int, last: int) -> None:
    """Records ``first`` to ``last`` of one log, in one transaction."""
    store.begin()
    if first == 1:
        store.add_logs([LogRow(1, b"\1" * 32, KEY)])
    rows = [
        RecordRow(1, seq, b"%032d" % seq, b"header", b"signature", None if seq % 2 else b"salt", b"\0\xff", seq)
        for seq in range(first, last + 1)
    ]
    store.append(rows, [(1, last, b"%032d" % last)])
    store.put([Meta("counter", b"%d" % last)])
    store.commit(durable=True)


def test_from_postgresql_and_back_every_row_is_the_same(database: str, server, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with closing(open_store(database, create=True)) as store:
        write(store, 1, 1_203)
        copy_out(store, copy)
        held = store.run(1, 0, 2_000, 10**9), store.logs(), store.rows(Meta)
    found = examine(copy)
    assert (found.records, found.logs) == (1_203, 1)
    for number, url in enumerate((server.new_database(), f"sqlite:///{tmp_path / 'again.db'}")):
        copy_in(copy, url)
        with closing(open_store(url, create=False)) as store:
            assert (store.run(1, 0, 2_000, 10**9), store.logs(), store.rows(Meta)) == held
            copy_out(store, tmp_path / f"{number}.db")
        assert examine(tmp_path / f"{number}.db") == found
        with pytest.raises(StoreError, match="不是空的"):
            copy_in(copy, url)


@pytest.mark.parametrize("engine", ["postgresql", "sqlite"])
def test_a_copy_taken_while_others_write_is_one_snapshot(database: str, tmp_path: Path, engine: str) -> None:
    url = database if engine == "postgresql" else f"sqlite:///{tmp_path / 'live.db'}"
    with closing(open_store(url, create=True)) as store:
        write(store, 1, 100)
        over = threading.Event()

        def copies() -> None:
            try:
                for number in range(4):
                    copy_out(store, tmp_path / f"{number}.db")
            finally:
                over.set()

        thread = threading.Thread(target=copies)
        thread.start()
        last = 100
        while not over.is_set():
            write(store, last + 1, last + 10)
            last += 10
        thread.join()
    for number in range(4):
        found = examine(tmp_path / f"{number}.db")
        assert found.records % 10 == 0
        with closing(open_store(f"sqlite:///{tmp_path / f'{number}.db'}", create=False)) as copy:
            counter = copy.get(Meta, "counter")
            assert counter is not None
            assert int(counter.value) == found.records
