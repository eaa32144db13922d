"""What every store finds by words and by pages; `StoreContract` inherits it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from node.errors import LocalError, StoreError
from node.storage import port
from node.storage.port import BoardQuery
from node.storage.rows import EXEMPT, HIDDEN, SORTS, LightQuery
from tests.contract.rows import board_row, fill_board, fill_log, item_id

WORDS = (
    (1, "320500-2026-01\n推进“放管服”改革和优化营商环境"), (2, "改善 50% 的养老服务，Ａ级；B_c"),
    (3, "养护公路，老旧小区改造 \U00020bb7野家"), (4, ""), (5, "服"),
)  # fmt: skip
HOSTILE = (
    '"', "'", "%", "_", "\\", "*", "放管服*", '" OR 1=1 --', "NEAR(放 管)", "NOT 服", "grams:服", "(", "^服", "\0",
    "服\0务", "'; DROP TABLE board; --", "＂", "-", "{}", "服 AND", "ࠀ", "ß", "İ", "﷽" * 60, "a" * 5_000, "养 " * 400,
)  # fmt: skip


class SearchContract:
    """One test for each promise."""

    @staticmethod
    def fill_texts(store: port.Store) -> None:
        fill_log(store, 1, 6)
        fill_log(store, 2, 3)
        store.begin(durable=False)
        store.open_texts()
        store.add_texts([(1, seq, seq, text) for seq, text in WORDS])
        store.add_texts([(1, 1, 1, "这条已在索引里"), (2, 2, 1, "责任单位：发展改革委")])
        store.set_text_cursors([(1, 5), (2, 3)])
        store.commit(durable=False)

    @pytest.mark.parametrize(
        ("words", "items"),
        [
            ("放管服", [1]), ("管服", [1]), ("改革", [1]), ("优化营商环境", [1]), ("服改", []), ("养老", [2]),
            ("老", [2, 3]), ("服", [1, 2, 5]), ("境", [1]), ("改革 责任", [1]), ("发展 责任", [1]), ("a级", [2]),
            ("BC", []), ("b", [2]),
            ("b_C", [2]), ("50% 的", [2]), ("2026", [1]), ("320500-2026-01", [1]), ("\U00020bb7", [3]), ("野", [3]),
            ("\U00020bb7野", [3]), ("老服", [2]), ("老务", []), ("这条", []), ("", []), ("……", []),
        ],
    )  # fmt: skip
    def test_words_are_found_inside_texts(self, store: port.Store, words: str, items: list[int]) -> None:
        self.fill_texts(store)
        assert store.search(words, 100, 10_000) == items == store.reader().search(words, 100, 10_000)

    def test_no_words_break_the_search(self, store: port.Store) -> None:
        """faults.md W3, X8: what is typed is text, whatever signs are in it."""
        self.fill_texts(store)
        for words in HOSTILE:
            assert set(store.search(words, 100, 10_000)) <= {1, 2, 3, 5}, words
        assert store.search("服", 2, 10_000) == [1, 2] or len(store.search("服", 2, 10_000)) == 2

    def test_the_index_says_how_far_it_is(self, store: port.Store) -> None:
        assert store.search("服", 9, 1_000) == []
        assert store.text_behind() == 0
        self.fill_texts(store)
        assert (store.text_behind(), store.text_due()) == (1, [(1, 5)])
        assert store.text_cursors([1, 2, 7]) == {1: 5, 2: 3, 7: 0}
        store.begin(durable=False)
        store.clear_projection()
        store.commit(durable=False)
        assert (store.search("服", 9, 1_000), store.text_behind(), store.text_due()) == ([], 9, [(1, 0), (2, 0)])
        self.refill(store)
        assert store.search("养老", 9, 1_000) == [2]

    @staticmethod
    def refill(store: port.Store) -> None:
        store.begin(durable=False)
        store.open_texts()
        store.add_texts([(1, seq, seq, text) for seq, text in WORDS])
        store.commit(durable=False)

    def test_a_rollback_takes_texts_back(self, store: port.Store) -> None:
        self.fill_texts(store)
        store.begin(durable=False)
        store.add_texts([(2, 3, 5, "放管服")])
        store.set_text_cursors([(1, 6)])
        store.rollback()
        assert (store.search("放管服", 9, 1_000), store.text_behind()) == ([1], 1)

    def test_pages_in_every_order(self, store: port.Store) -> None:
        fill_board(store, *(
            board_row(number, due_day=number % 3, title="丙乙甲"[number % 3], percent=number * 7 % 5, state="active",
                      updated_ms=number * 31 % 7, receiver=f"32050{number % 2}", unit="、".join("甲乙"[: number % 3]))
            for number in range(1, 12)
        ))  # fmt: skip
        for sort in SORTS:
            for descending in (False, True):
                query = BoardQuery(sort=sort, descending=descending)
                rows = store.board_query(query)
                assert rows == sorted(rows, key=lambda row, name=sort: (getattr(row, name), row.item_no),
                                      reverse=descending)  # fmt: skip
                pages = [row for at in range(0, 12, 5) for row in store.board_query(query._replace(limit=5, offset=at))]
                assert pages == rows
        with pytest.raises(LocalError):
            store.board_query(BoardQuery(sort="digest"))

    def test_further_filters_counts_and_columns(self, store: port.Store) -> None:
        fill_board(
            store, board_row(1, state="closed", due_day=0, unit="甲"), board_row(2, flags=1, unit="甲、乙", due_day=5),
            board_row(3, issuer="320583", unit="乙", due_day=7, extension="requested"), board_row(4, due_day=0),
        )  # fmt: skip

        def found(**query: Any) -> list[int]:
            asked = BoardQuery(**query)
            numbers = [row.item_no for row in store.board_query(asked)]
            assert store.board_columns(asked, ("item_no", "unit")) == [
                (row.item_no, row.unit) for row in store.board_query(asked)
            ]
            assert store.board_count_upto(asked, 99) == len(numbers) == store.board_total(asked).rows
            assert store.board_count_upto(asked, 1) == min(len(numbers), 1)
            return numbers

        assert found(open=True) == [3, 4]
        assert found(states=("closed", "signed")) == [1]
        assert found(units=("甲", "丙")) == [1, 2]
        assert found(units=("乙",), unit="甲") == [2]
        assert found(issuer="320583") == [3] == found(extension="requested")
        assert found(due_from_day=5) == [2, 3]
        assert found(due_from_day=6, due_before_day=8) == [3]
        assert found(no_due=True) == [1, 4]
        assert found(item_nos=()) == []
        assert found(item_nos=(4, 2, 77)) == [2, 4]
        assert found(item_nos=tuple(range(2, 4_000))) == [2, 3, 4]

    def test_what_is_not_announced_is_left_out_whatever_else_is_asked(self, store: port.Store) -> None:
        """R101, R114: unannounced inspections, side files and drafts of 专报; other cases stay."""
        fill_board(store, *(
            board_row(number, item_id=number.to_bytes(32, "big"), flags=flags, subject=subject)
            for number, (flags, subject) in enumerate(
                [(0, ""), (HIDDEN, ""), (HIDDEN | EXEMPT, ""), (EXEMPT, ""), (0, "side"), (0, "special"), (0, "order")],
                start=1,
            )
        ))  # fmt: skip
        for subject, seen in (("", [1, 4, 7]), ("-", [1, 4]), ("*", [7]), ("side", []), ("order", [7])):
            query = BoardQuery(announced=True, subject=subject)
            assert [row.item_no for row in store.board_query(query)] == seen, subject
            assert store.board_total(query).rows == store.board_count_upto(query, 9) == len(seen)
            assert store.board_columns(query, ("item_no",)) == [(number,) for number in seen]
            assert [row.item_no for row in store.board_page(query, 9).rows] == seen

    def test_a_page_and_its_count_are_those_of_the_whole_list(self, store: port.Store) -> None:
        """By whatever way they are found: few or many match, lights, sorted or not, early and late pages."""
        chance = random.Random(5)
        fill_board(store, *(
            board_row(
                number, item_id=number.to_bytes(32, "big"), state=chance.choice(["active", "submitted", "closed", ""]),
                due_day=chance.choice([0, chance.randrange(90, 130)]), updated_ms=chance.randrange(20),
                submitted_day=chance.choice([0, chance.randrange(90, 130)]), warn_days=chance.randrange(6),
                strength=chance.choice(["", "must", "general", "none"]), flags=chance.choice([0, 0, 0, 0, 0, 0, 1, 4]),
                receiver=chance.choice(["320500", "320501"]), subject=chance.choice(["", "", "plan"]),
            )
            for number in range(1, 151)
        ))  # fmt: skip
        until = ((0, 105), (1, 102), (2, 104), (3, 105), (4, 109))
        lights = [None, *(LightQuery(light, 100, until) for light in ("red", "yellow", "green", "done", "none"))]
        for number in range(300):
            query = BoardQuery(
                light=lights[number % 6], open=chance.random() < 0.6, sort=chance.choice(SORTS),
                descending=chance.random() < 0.5, receiver=chance.choice(["", "320500"]), subject="-",
                limit=chance.choice([3, 10, 200]), offset=chance.choice([0, 0, 4, 60]),
                states=chance.choice([(), (), ("active", "submitted")]), due_from_day=chance.choice([0, 0, 1, 110]),
            )  # fmt: skip
            most = chance.choice([2, 9, 40, 500])
            page = store.board_page(query, most)
            assert page.total == store.board_count_upto(query, most) == min(store.board_total(query).rows, most), query
            assert page.rows == store.board_query(query), (query, most)


def one_moment(store: port.Store) -> None:
    """Reads made together do not see what is committed between them, also after a search was given up."""
    fill_board(store, board_row(1))
    with store.reader().together() as reader:
        before = reader.board_query(BoardQuery())
        fill_board(store, board_row(2))
        assert reader.board_query(BoardQuery()) == before == reader.board([item_id(1), item_id(2)])
        assert out_of_time(store, reader).code == "timeout"
        with reader.together() as same:
            assert (same.board_count(), store.board_count()) == (1, 2)
    assert store.reader().board_count() == 2


def out_of_time(store: port.Store, reader: port.Reader | None = None) -> StoreError:
    """The error of a search that may not take any time at all."""
    reader = reader or store
    rows = [(1, seq, seq, f"{'放管服改革养老服务' * 40}{seq}") for seq in range(1, 1_500)]
    store.begin(durable=False)
    store.open_texts()
    store.add_texts(rows)
    store.commit(durable=False)
    with pytest.raises(StoreError) as caught:
        for _ in range(200):
            reader.search("放 管 服 改 革 养 老 务", 10_000, 0)
    return caught.value
