"""The reader of one question: each thing is read once, and what is given out may be changed by who gets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from node.services.board.memo import remembering
from node.storage.port import BoardQuery, Unit
from node.storage.sql import SqlStore, open_store
from tests.contract.rows import board_row, fill_board, item_id


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    found = open_store(f"sqlite:///{tmp_path}/node.db", create=True)
    fill_board(found, board_row(1), board_row(2))
    found.begin()
    found.put([Unit("督查室", "", active=True)])
    found.commit(durable=False)
    yield found
    found.close()


@contextmanager
def counted(store: SqlStore) -> Iterator[list[str]]:
    """The statements that run meanwhile."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    engine = store.engine._readers  # type: ignore[attr-defined]
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_each_thing_is_read_once_and_answers_stay_as_they_were(store: SqlStore) -> None:
    with counted(store) as said, store.reader().together() as snapshot:
        reader = remembering(snapshot)
        for _ in range(3):
            ids = [item_id(2), item_id(1)]
            rows = reader.board(ids)
            assert [row.item_no for row in rows] == [1, 2]
            assert reader.board(tuple(ids)) == rows == reader.board_query(BoardQuery())
            rows.clear()
            found = reader.item_places(iter([1, 2]))
            assert set(found) == {1, 2}
            found.clear()
            assert [len(reader.rows(Unit, name=name)) for name in ("督查室", "综合科")] == [1, 0]
    kinds = [text.split()[0] for text in said]
    assert kinds.count("BEGIN") == 1
    assert kinds.count("SELECT") == 2 + 3 + 2, "two ways to the board, places by an iterator each time, two units"


def test_what_it_does_not_remember_it_passes_on(store: SqlStore) -> None:
    reader = remembering(store.reader())
    assert (reader.board_count(), reader.board_by_prefix(item_id(2).hex(), 9)[0].item_no) == (2, 2)
    with reader.together() as same:
        assert same is reader
    with pytest.raises(AttributeError):
        _ = reader.nothing  # type: ignore[attr-defined]
