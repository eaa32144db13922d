"""`item.page`: filters that are checked, pages that fit together, words that break nothing (W3, X8, W4)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import InputError, NotFoundError
from node.items.lifecycle import STATE_LABELS
from node.services.matters.desk import Caller
from node.services.views import pages
from node.services.views.browse import View
from node.storage.port import BoardRow, Unit
from node.storage.sql import SqlStore, open_store
from tests.contract.rows import board_row
from tests.contract.search_contract import HOSTILE
from tests.sim.memory_store import MemoryStore

OFFICE, BELOW = "320500", "320583"
NOW_MS = 1_795_000_000_000
TODAY = NOW_MS // 86_400_000
ROW = st.builds(
    board_row, st.integers(1, 200), state=st.sampled_from(["active", "closed", "submitted", "signed"]),
    receiver=st.sampled_from([OFFICE, BELOW]), issuer=st.sampled_from(["320000", OFFICE]),
    kind=st.sampled_from(["registered", "assignment"]), due_day=st.sampled_from([0, TODAY - 3, TODAY + 1, TODAY + 90]),
    unit=st.sampled_from(["", "甲科", "甲科、乙科"]), leader=st.sampled_from(["", "张某"]), percent=st.integers(0, 3),
    source=st.sampled_from(["", "instruction", "领导批示"]), colour=st.sampled_from(["", "red"]),
    updated_ms=st.integers(1, 9), subject=st.sampled_from(["", "", "setup"]), opened_day=st.just(20_000),
    path=st.just(f"320000/{OFFICE}/{BELOW}"), title=st.sampled_from(["放管服改革", "养老服务", "b%_"]),
)  # fmt: skip
FILTERS = st.fixed_dictionaries({}, optional={
    "state": st.sampled_from(["active", "已销号"]), "light": st.sampled_from(["red", "临期", "done"]),
    "office": st.sampled_from([OFFICE, BELOW]), "kind": st.sampled_from(["assignment", "自立事项"]),
    "unit": st.sampled_from(["甲科", "乙科"]), "leader": st.just("张某"), "colour": st.sampled_from(["red", "红"]),
    "source": st.just("领导批示"), "text": st.sampled_from(["服务", "放管服", "b"]), "mine": st.booleans(),
    "open": st.booleans(), "due_from": st.just("2026-11-01"), "due_to": st.just("2026-11-30"),
    "sort": st.sampled_from([*pages.SORT_LABELS, *(f"-{one}" for one in pages.SORT_LABELS)]),
})  # fmt: skip


def view(caller: Caller | None = None) -> View:
    return View(OFFICE, lambda code: code, lambda _code: NOW_MS, lambda _row: True, NOW_MS, caller=caller)


def fill(store: SqlStore | MemoryStore, rows: list[BoardRow]) -> None:
    store.begin()
    store.clear_projection()
    store.open_texts()
    kept = {row.item_no: row for row in rows}
    store.add_items([(number, row.item_id) for number, row in kept.items()])
    store.save_board(list(kept.values()))
    store.add_texts([(1, number, number, row.title) for number, row in kept.items()])
    store.commit(durable=False)


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    store = open_store(f"sqlite:///{Path(tmp_path_factory.mktemp('board')) / 'b.db'}", create=True)
    yield store
    store.close()


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(ROW, max_size=25), filters=FILTERS, per=st.integers(1, 7))
def test_pages_fit_together_and_are_the_same_in_sql_and_memory(
    sql: SqlStore, rows: list[BoardRow], filters: dict[str, object], per: int
) -> None:
    """Every row of a filter stands on exactly one of its pages, in order, and the total counts them."""
    memory = MemoryStore()
    fill(sql, rows)
    fill(memory, rows)
    first: dict[str, Any] = pages.page(memory, view(), filters | {"per": per})
    assert first == pages.page(sql, view(), filters | {"per": per})
    found: list[Any] = []
    for number in range(1, first["pages"] + 1):
        page: dict[str, Any] = pages.page(sql, view(), filters | {"per": per, "page": number})
        assert len(page["items"]) == per or number == first["pages"]
        found += page["items"]
    assert len(found) == first["total"] == len({one["id"] for one in found})
    whole: dict[str, Any] = pages.page(sql, view(), filters | {"per": 200})
    assert [one["id"] for one in whole["items"]] == [one["id"] for one in found]
    if filters.get("sort") == "due":
        days = [one["due"] or "9" for one in found]
        assert days == sorted(days)
    held = {row.item_no: row for row in rows}.values()
    if not filters:
        assert first["total"] == sum(not row.subject for row in held)


ANY = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.sampled_from(HOSTILE), st.lists(st.text())
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(
    st.one_of(st.sampled_from(["state", "light", "text", "parent", "page", "per", "sort", "mine", "due_from", "kind",
                               "office", "unit", "overdue", "class"]), st.text(max_size=6)), ANY, max_size=4,
))  # fmt: skip
def test_whatever_is_asked_gets_a_page_or_a_reason(sql: SqlStore, args: dict[str, object]) -> None:
    """W3, W15, X8: the allow-list takes an argument or names it; nothing typed reaches the database as a command."""
    try:
        normal = pages.normalise(args)
    except InputError as error:
        refused = error
    else:
        assert pages.normalise(normal) == normal
        assert all(isinstance(value, str | int) and value for value in normal.values())
        with contextlib.suppress(InputError, NotFoundError):  # a page too far, a parent that is not there
            pages.page(sql, view(), args)
        return
    assert refused.text
    assert refused.field or "" in args


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({"drop": "1"}, "drop"), ({"state": "没有"}, "--state"), ({"sort": "digest"}, "--sort"),
        ({"per": 201}, "--per"), ({"per": "x"}, "--per"), ({"page": -1}, "--page"),
        ({"due_from": "明天"}, "--due_from"),
        ({"text": "％"}, "--text"), ({"mine": "maybe"}, "--mine"), ({"overdue": True, "light": "green"}, "--light"),
        ({"page": 2_000}, "--page"), ({"office": 3}, "--office"), ({"text": "服" * 201}, "--text"),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_named(args: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        pages.page(MemoryStore(), view(), args)
    assert caught.value.field == field


def test_states_are_taken_by_word_and_by_label() -> None:
    for word, label in STATE_LABELS.items():
        assert pages.normalise({"state": label}) == {"state": word} == pages.normalise({"state": f" {word} "})


def test_a_handler_sees_the_items_of_the_own_unit() -> None:
    """W4, R16."""
    store = MemoryStore()
    rows = [
        board_row(1, receiver=OFFICE, unit="甲科"), board_row(2, receiver=OFFICE, unit="乙科"),
        board_row(3, unit="甲科"), board_row(4, receiver=OFFICE, unit="甲科、乙科"),
        board_row(5, receiver=BELOW, unit="甲科"),
    ]  # fmt: skip
    fill(store, [row._replace(path=f"320000/{OFFICE}") for row in rows])
    store.begin()
    store.put([Unit("甲科", "", True)])
    store.commit(durable=True)

    def numbers(caller: Caller, **args: object) -> list[str]:
        page: dict[str, Any] = pages.page(store, view(caller), args)
        assert page["total"] == len(page["items"])
        return [one["number"] for one in page["items"]]

    handler = Caller("李某", roles=("handler",), unit="甲科")
    assert numbers(handler, sort="number") == [rows[0].number, rows[2].number, rows[3].number]
    assert numbers(handler, office=BELOW) == []
    assert numbers(handler, unit="乙科") == [rows[3].number]
    assert numbers(handler._replace(unit="")) == []
    assert len(numbers(handler._replace(roles=("handler", "viewer")))) == 5
    assert numbers(Caller("王某", roles=("supervisor",), unit="乙科"), mine=True, sort="number") == [
        rows[1].number, rows[3].number,
    ]  # fmt: skip
