"""The board's filters for ledgers: SQL, the store in memory and the light of one item say the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from node.items.lifecycle import STATE_LABELS
from node.items.lights import SEVERITY, Light, light
from node.rules.calendar import PROVISIONAL
from node.services.sheets.ledger_filters import light_query
from node.storage.port import BoardQuery, BoardRow, BoardTotal
from node.storage.sql import SqlStore, open_store
from tests.contract.rows import board_row, item_id
from tests.sim.memory_store import MemoryStore

TODAY = dt.date(2026, 11, 20)
TODAY_DAY = (TODAY - dt.date(1970, 1, 1)).days
ROWS = st.builds(
    board_row,
    st.integers(1, 30),
    state=st.sampled_from(["", *STATE_LABELS]),
    due_day=st.one_of(st.just(0), st.integers(TODAY_DAY - 5, TODAY_DAY + 90)),
    submitted_day=st.one_of(st.just(0), st.integers(TODAY_DAY - 9, TODAY_DAY)),
    strength=st.sampled_from(["", "must", "general", "principle", "none"]),
    warn_days=st.integers(0, 40),
    flags=st.integers(0, 255),
    slips=st.sampled_from(["", "white"]),
    returns=st.integers(0, 1),
    opened_day=st.integers(0, 5),
    unit=st.sampled_from(["", "督查室", "综合科", "督查室、综合科", "督查室二"]),
    source=st.sampled_from(["", "meeting", "重要会议"]),
    item_class=st.sampled_from(["", "key"]),
    work_line=st.sampled_from(["", "decision", "special"]),
    receiver=st.sampled_from(["320000", "320500"]),
    parent=st.sampled_from([b"", item_id(1), item_id(2)]),
)
FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "unit": st.sampled_from(["", "督查室", "综合科"]),
    "sources": st.sampled_from([(), ("meeting",), ("meeting", "重要会议")]),
    "work_line": st.sampled_from(["", "decision"]),
    "line_sources": st.sampled_from([(), ("meeting",)]),
    "classes": st.sampled_from([(), ("key",)]),
    "paper": st.sampled_from(["", "slip", "return", "order", "score"]),
    "receiver": st.sampled_from(["", "320500"]),
    "parents": st.sampled_from([(), (item_id(1),), (item_id(1), item_id(2))]),
    "opened_from": st.integers(0, 4),
    "opened_before": st.integers(0, 5),
    "limit": st.integers(1, 40),
    "offset": st.integers(0, 3),
}
QUERIES = st.fixed_dictionaries(FILTERS).map(lambda fields: BoardQuery(**fields))


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    store = open_store(f"sqlite:///{Path(tmp_path_factory.mktemp('board')) / 'b.db'}", create=True)
    yield store
    store.close()


def fill(store: SqlStore | MemoryStore, rows: list[BoardRow]) -> None:
    store.begin()
    store.clear_projection()
    kept = {row.item_no: row for row in rows}
    store.add_items([(number, row.item_id) for number, row in kept.items()])
    store.save_board(list(kept.values()))
    store.commit(durable=False)


@settings(max_examples=25, deadline=None, phases=[Phase.generate])
@given(rows=st.lists(ROWS, max_size=20), query=QUERIES)
def test_a_page_and_its_total_are_the_same_in_sql_and_in_memory(
    sql: SqlStore, rows: list[BoardRow], query: BoardQuery
) -> None:
    """R92, R93: filters of ledgers, paged, counted."""
    memory = MemoryStore()
    fill(sql, rows)
    fill(memory, rows)
    found = memory.board_query(query)
    assert sql.board_query(query) == found
    every = memory.board_query(query._replace(limit=1_000, offset=0))
    total = BoardTotal(len(every), max((row.opened_day for row in every), default=0))
    assert sql.board_total(query) == memory.board_total(query) == total


@settings(max_examples=40, deadline=None, phases=[Phase.generate])
@given(rows=st.lists(ROWS, max_size=20), light=st.sampled_from(list(SEVERITY)), query=QUERIES, most=st.integers(1, 12))
def test_a_page_of_a_light_is_that_of_the_model(
    sql: SqlStore, rows: list[BoardRow], light: Light, query: BoardQuery, most: int
) -> None:
    """R94: of open items a light is asked for in another way than of all; both are the model's."""
    memory = MemoryStore()
    fill(sql, rows)
    fill(memory, rows)
    asked = query._replace(light=light_query(light, TODAY_DAY, PROVISIONAL), open=True, sort="due_day")
    assert sql.board_page(asked, most) == memory.board_page(asked, most)
    assert sql.board_query(asked) == memory.board_query(asked)


@given(day=st.integers(20_000, 21_500))
def test_the_last_yellow_days_are_the_eves_of_working_days(day: int) -> None:
    """A14: so many working days lie between today and the last day that is yellow, for each number of them."""
    for days, last in light_query("yellow", day, PROVISIONAL).yellow_until[1:]:
        assert last == PROVISIONAL.add_working_days(day, days + 1) - 1


@settings(max_examples=25, deadline=None, phases=[Phase.generate])
@given(rows=st.lists(ROWS, min_size=1, max_size=20))
def test_the_light_that_is_asked_for_is_the_light_that_is_shown(sql: SqlStore, rows: list[BoardRow]) -> None:
    """A14, R94: 时限灯 as a filter, in SQL, by the calendar in force."""
    fill(sql, rows)
    for wanted in SEVERITY:
        lit = light_query(wanted, TODAY_DAY, PROVISIONAL)
        for row in sql.board_query(BoardQuery(light=lit)):
            assert wanted == light(
                row.state or None, row.due_day, TODAY, submitted_day=row.submitted_day, strength=row.strength,
                warn_days=row.warn_days, exempt=bool(row.flags & 1), is_working_day=PROVISIONAL.is_working_day,
            )  # fmt: skip
    counted = sum(sql.board_total(BoardQuery(light=light_query(one, TODAY_DAY, PROVISIONAL))).rows for one in SEVERITY)
    assert counted == len({row.item_no for row in rows})
