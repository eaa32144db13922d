"""What every store does, whatever it is made of. A module with a fixture ``store`` inherits `StoreContract`."""

from __future__ import annotations

from typing import Any

import pytest

from node.errors import LocalError, StoreError
from node.storage import port
from node.storage.port import BoardQuery
from tests.contract.rows import ALL_BYTES, SMALL_ROWS, board_row, fill_board, fill_log, item_id, log_row, record_row


class StoreContract:
    """One test for each promise of the port."""

    # ------------------------------------------------------------------------------------------- transactions

    def test_readers_see_what_is_committed_and_nothing_else(self, store: port.Store) -> None:
        reader = store.reader()
        store.begin()
        store.put([port.Meta("office", b"320500")])
        assert store.get(port.Meta, "office") == port.Meta("office", b"320500")
        assert reader.get(port.Meta, "office") is None
        store.commit(durable=True)
        assert reader.get(port.Meta, "office") == port.Meta("office", b"320500")

    @pytest.mark.parametrize("announced", [True, False])
    def test_a_commit_that_need_not_be_durable_is_visible_too(self, store: port.Store, announced: bool) -> None:
        store.begin(durable=announced)
        store.put([port.Meta("office", b"320500")])
        store.commit(durable=False)
        assert store.reader().get(port.Meta, "office") == port.Meta("office", b"320500")

    def test_rollback_forgets_every_kind_of_write(self, store: port.Store) -> None:
        rows = fill_log(store, 1, 3)
        fill_board(store, board_row(1))
        store.begin()
        store.put(SMALL_ROWS)
        store.commit(durable=True)
        before = self.everything(store)
        store.begin()
        store.add_logs([log_row(2)])
        store.append([record_row(1, 4)], [(1, 4, b"new")])
        store.replace([rows[0]._replace(payload=None, salt=None)])
        store.set_log(1, checked_seq=3, frozen=True)
        store.set_folded([(1, 4)])
        store.add_items([(2, item_id(2))])
        store.add_places([(2, 1, 4)])
        store.save_board([board_row(1, state="closed"), board_row(2)])
        store.put([port.Meta("a", b"other"), port.Meta("new", b"")])
        store.delete(port.Actor, 7)
        assert self.everything(store) != before
        store.clear_projection()
        store.rollback()
        assert self.everything(store) == before
        assert self.everything(store.reader()) == before

    @staticmethod
    def everything(source: port.Reader) -> list[Any]:
        logs = source.logs()
        return [
            logs, [source.run(row.log_no, 0, 10**6, 10**9) for row in logs], source.record_count(),
            source.item_numbers(map(item_id, range(9))), source.item_places(range(9)), source.board_query(BoardQuery()),
            [source.rows(table) for table in port.KEYS],
        ]  # fmt: skip

    def test_a_transaction_is_begun_once_and_ended_once(self, store: port.Store) -> None:
        with pytest.raises(LocalError):
            store.commit(durable=True)
        with pytest.raises(LocalError):
            store.put([port.Meta("a", b"")])
        store.rollback()
        store.begin()
        with pytest.raises(LocalError):
            store.begin()
        store.rollback()
        store.begin()
        store.commit(durable=True)

    def test_what_was_announced_as_not_durable_cannot_claim_to_be(self, store: port.Store) -> None:
        store.begin(durable=False)
        with pytest.raises(LocalError):
            store.commit(durable=True)
        store.rollback()

    def test_an_error_inside_leaves_nothing_after_rollback(self, store: port.Store) -> None:
        fill_log(store, 1, 2)
        store.begin()
        with pytest.raises(StoreError) as caught:
            store.append([record_row(1, 3), record_row(1, 2)], [(1, 3, b"x")])
        assert caught.value.code == "conflict"
        store.rollback()
        assert [row.seq for row in store.run(1, 0, 100, 10**6)] == [1, 2]
        store.begin()
        with pytest.raises(StoreError):
            store.append([], [(9, 1, b"no such log")])
        store.rollback()
        fill_log(store, 2, 1)
        assert store.record_count() == 3

    def test_empty_calls_do_nothing(self, store: port.Store) -> None:
        store.begin()
        store.add_logs([])
        store.append([], [])
        store.replace([])
        store.set_folded([])
        store.add_items([])
        store.add_places([])
        store.save_board([])
        store.put([])
        store.commit(durable=True)
        store.maintain()
        assert store.records_at([]) == []
        assert store.item_numbers([]) == {}
        assert store.item_places([]) == {}
        assert store.board([]) == []
        assert (store.logs(), store.record_count(), store.board_count(), store.max_item_no()) == ([], 0, 0, 0)

    # ---------------------------------------------------------------------------------------------------- log

    def test_logs_come_back_whole_and_in_order(self, store: port.Store) -> None:
        rows = [
            log_row(10, "320000"), log_row(2, "320000", "320500", "320583", subtree=True),
            log_row(300, "320583-fgw", head_seq=0, folded_seq=0, checked_seq=5, frozen=True),
        ]  # fmt: skip
        store.begin()
        store.add_logs(rows)
        store.commit(durable=True)
        assert store.logs() == sorted(rows) == store.reader().logs()
        with pytest.raises(StoreError):
            self.in_transaction(store, lambda: store.add_logs([log_row(2)._replace(log_id=b"other")]))
        with pytest.raises(StoreError):
            self.in_transaction(store, lambda: store.add_logs([rows[0]._replace(log_no=11)]))

    @staticmethod
    def in_transaction(store: port.Store, act: Any) -> None:
        store.begin()
        try:
            act()
        except BaseException:
            store.rollback()
            raise
        store.commit(durable=True)

    def test_records_come_back_byte_for_byte(self, store: port.Store) -> None:
        rows = [
            record_row(1, 1, payload=b"", salt=b""), record_row(1, 2, payload=None, salt=None),
            record_row(1, 3, payload=ALL_BYTES * 1024), record_row(1, 4)._replace(header=b"\0", signature=b"\0\0"),
        ]  # fmt: skip
        store.begin()
        store.add_logs([log_row(1)])
        store.append(rows, [(1, 4, ALL_BYTES)])
        assert store.run(1, 0, 10, 10**9) == rows
        store.commit(durable=True)
        assert store.run(1, 0, 10, 10**9) == rows == store.reader().run(1, 0, 10, 10**9)
        assert store.logs()[0].head_id == ALL_BYTES

    def test_a_large_append_over_many_logs(self, store: port.Store) -> None:
        store.begin()
        store.add_logs([log_row(number) for number in range(1, 41)])
        rows = [record_row(log_no, seq) for seq in range(1, 31) for log_no in range(40, 0, -1)]
        store.append(rows, [(number, 30, b"%d" % number) for number in range(1, 41)])
        store.commit(durable=True)
        assert store.record_count() == 1200
        assert store.run(17, 0, 1000, 10**9) == [record_row(17, seq) for seq in range(1, 31)]
        assert [row.head_id for row in store.logs()] == [b"%d" % number for number in range(1, 41)]
        places = [(number, seq) for number in range(1, 41) for seq in range(1, 31)]
        assert [row[:2] for row in store.records_at(reversed(places))] == places

    def test_a_run_keeps_both_limits_and_its_log(self, store: port.Store) -> None:
        rows = fill_log(store, 2, 600)
        fill_log(store, 1, 3)
        fill_log(store, 3, 3)
        each = sum(map(len, (rows[0].header, rows[0].signature, rows[0].salt or b"", rows[0].payload or b"")))
        assert store.run(2, 0, 10**6, 10**9) == rows
        assert store.run(2, 0, 256, 10**9) == rows[:256]
        assert store.run(2, 100, 300, 10**9) == rows[100:400]
        assert store.run(2, 598, 5, 10**9) == rows[598:]
        assert store.run(2, 600, 5, 10**9) == []
        assert store.run(2, 0, 0, 0) == rows[:1]
        assert store.run(2, 5, 100, each - 1) == rows[5:6]
        assert store.run(2, 5, 100, 3 * each) == rows[5:8]
        assert store.run(2, 5, 1000, 400 * each + 1) == rows[5:405]
        assert store.run(9, 0, 5, 10**9) == []
        # Of a damaged disk (D8): records with a hole, and no row of their log.
        self.in_transaction(store, lambda: store.append([record_row(9, seq) for seq in (1, 6)], []))
        assert [row.seq for row in store.run(9, 0, 5, 10**9)] == [1, 6]

    def test_records_at_places(self, store: port.Store) -> None:
        first, second = fill_log(store, 1, 3), fill_log(store, 2, 3)
        wanted = [(2, 3), (1, 2), (2, 3), (7, 1), (1, 4), (1, 1), (2, 2**32 - 1)]
        assert store.records_at(iter(wanted)) == (found := [first[0], first[1], second[2]])
        assert store.received_at(iter(wanted)) == {row[:2]: row.received_ms for row in found}

    def test_the_last_number_of_a_log_is_its_own(self, store: port.Store) -> None:
        top = 2**32 - 1
        store.begin()
        store.add_logs([log_row(2**31 - 1), log_row(2**31 - 2)])
        store.append([record_row(2**31 - 2, top), record_row(2**31 - 1, 1)], [(2**31 - 2, top, b"top")])
        store.commit(durable=True)
        assert store.run(2**31 - 2, top - 1, 10, 10**6) == [record_row(2**31 - 2, top)]
        assert store.records_at([(2**31 - 2, top)]) == [record_row(2**31 - 2, top)]

    def test_replace_overwrites_and_erases(self, store: port.Store) -> None:
        rows, other = fill_log(store, 1, 3), fill_log(store, 2, 3)
        erased, repaired = rows[1]._replace(payload=None, salt=None), rows[2]._replace(header=b"mended", received_ms=1)
        self.in_transaction(store, lambda: store.replace([repaired, erased]))
        assert store.run(1, 0, 10, 10**9) == [rows[0], erased, repaired]
        self.in_transaction(store, lambda: store.drop_records(1, 1))
        assert [store.run(1, 0, 9, 10**9), store.run(2, 0, 9, 10**9), store.logs()[0].head_seq] == [[rows[0]], other, 3]

    def test_cursors_and_freezing(self, store: port.Store) -> None:
        fill_log(store, 1, 3)
        fill_log(store, 2, 3)
        self.in_transaction(store, lambda: store.set_log(2, checked_seq=2))
        self.in_transaction(store, lambda: store.set_log(2, frozen=True))
        self.in_transaction(store, lambda: store.set_log(2))
        assert [(row.checked_seq, row.frozen) for row in store.logs()] == [(0, False), (2, True)]
        self.in_transaction(store, lambda: store.set_log(2, checked_seq=3, frozen=False))
        assert [(row.checked_seq, row.frozen) for row in store.logs()] == [(0, False), (3, False)]

    def test_logs_are_dirty_from_append_until_folded(self, store: port.Store) -> None:
        for number in (3, 1, 2):
            fill_log(store, number, 2)
        self.in_transaction(store, lambda: store.add_logs([log_row(4)]))
        assert [row.log_no for row in store.dirty_logs(10)] == [1, 2, 3]
        assert [row.log_no for row in store.dirty_logs(2)] == [1, 2]
        self.in_transaction(store, lambda: store.set_folded([(1, 2), (2, 1)]))
        assert [(row.log_no, row.folded_seq) for row in store.dirty_logs(10)] == [(2, 1), (3, 0)]
        self.in_transaction(store, lambda: store.append([record_row(1, 3)], [(1, 3, b"id")]))
        assert [(row.log_no, row.head_seq, row.folded_seq) for row in store.dirty_logs(1)] == [(1, 3, 2)]
        self.in_transaction(store, lambda: store.set_folded([(1, 3), (2, 2), (3, 2)]))
        assert store.dirty_logs(10) == []
        assert [row.folded_seq for row in store.logs()] == [3, 2, 2, 0]

    # --------------------------------------------------------------------------------------------- projection

    def test_items_have_numbers(self, store: port.Store) -> None:
        many = [(number, number.to_bytes(4, "big") * 8) for number in range(1, 1201)]
        self.in_transaction(store, lambda: store.add_items(many))
        assert store.max_item_no() == 1200
        assert store.item_numbers([b"unknown", many[3][1], many[0][1]]) == {many[0][1]: 1, many[3][1]: 4}
        assert store.item_numbers(id_ for _, id_ in many) == {id_: number for number, id_ in many}
        for again in ((1201, many[5][1]), (6, b"another")):
            with pytest.raises(StoreError):
                self.in_transaction(store, lambda again=again: store.add_items([again]))

    def test_places_are_sorted_and_added_once(self, store: port.Store) -> None:
        self.in_transaction(store, lambda: store.add_places([(1, 2, 1), (1, 1, 5), (2, 1, 1), (1, 2, 1)]))
        self.in_transaction(store, lambda: store.add_places([(1, 1, 5), (1, 1, 2**32 - 1), (1, 10, 1)]))
        assert store.item_places([1, 2, 3]) == {1: [(1, 5), (1, 2**32 - 1), (2, 1), (10, 1)], 2: [(1, 1)], 3: []}

    def test_board_rows_come_back_and_are_overwritten(self, store: port.Store) -> None:
        rows = [board_row(number) for number in (1, 2, 3)]
        fill_board(store, *rows)
        assert store.board([item_id(3), item_id(1), item_id(9), item_id(1)]) == [rows[0], rows[2]]
        changed = board_row(2, title="改", subtree=True, due_day=0, percent=100, parent=ALL_BYTES[:32], state="closed",
                            successor=ALL_BYTES[32:64])  # fmt: skip
        self.in_transaction(store, lambda: store.save_board([changed]))
        assert store.board([item_id(2)]) == [changed] == store.reader().board([item_id(2)])
        assert isinstance(store.board([item_id(2)])[0].subtree, bool)
        assert store.board_count() == 3

    def test_items_are_found_by_the_beginning_of_their_id(self, store: port.Store) -> None:
        rows = [board_row(number) for number in range(40)]
        fill_board(store, *(row._replace(item_no=row.item_no + 1) for row in rows))
        last = board_row(100, item_id=b"\xff" * 32)
        fill_board(store, last)

        def found(prefix: str, limit: int = 100) -> list[int]:
            return [row.item_no for row in store.board_by_prefix(prefix, limit)]

        assert found("10") == [1]
        assert found("1") == list(range(1, 17))
        assert found("2") == list(range(17, 33))
        assert found("1", 3) == [1, 2, 3]
        assert found("1A") == found("1a") == [11]
        assert found("1a0") == [11]
        assert found("1a1") == []
        assert found("f") == found("ff") == found("ff" * 32) == found("fff") == [100]
        assert found("") == [*range(1, 41), 100]
        assert found("xyz") == found("1g") == found("0x1") == []
        assert found(item_id(3).hex()) == [4]
        assert found(item_id(3).hex() + "0") == []

    def test_items_are_found_by_number(self, store: port.Store) -> None:
        fill_board(store, board_row(2, number="A1"), board_row(1, number="A1"), board_row(3, number="a1"))
        assert [row.item_no for row in store.board_by_number("A1")] == [1, 2]
        assert store.board_by_number("A%") == []

    def test_every_filter_of_the_list(self, store: port.Store) -> None:
        parent = item_id(1)
        fill_board(
            store, board_row(3, state="closed", due_day=0),
            board_row(1, kind="registered", issuer="320000", receiver="320000"),
            board_row(2, receiver="320200", parent=parent),
            board_row(4, receiver="320200", parent=parent, state="closed"),
        )  # fmt: skip

        def found(**query: Any) -> list[int]:
            return [row.item_no for row in store.board_query(BoardQuery(**query))]

        assert found() == [1, 2, 3, 4]
        assert found(state="closed") == [3, 4]
        assert found(office="320200") == [2, 4]
        assert found(office="320000") == [1, 2, 3, 4]
        assert found(kind="registered") == [1]
        assert found(parent=parent) == [2, 4]
        assert found(due_before_day=20_004) == [1, 2]
        assert found(due_before_day=20_002) == [1]
        assert found(state="closed", office="320200", parent=parent) == [4]
        assert found(limit=2) == [1, 2]
        assert found(limit=2, offset=1) == [2, 3]
        assert found(offset=4) == []

    def test_text_is_searched_for_as_it_stands(self, store: port.Store) -> None:
        fill_board(
            store, board_row(1, title="完成 50% 以上", number=""), board_row(2, title="完成 50 以上", number=""),
            board_row(3, title="a_b", number=""), board_row(4, title="axb", number=""),
            board_row(5, title="放管服", number="苏_50%"), board_row(6, title="A_B \\ ' \" ; --", number=""),
        )  # fmt: skip

        def found(text: str) -> list[int]:
            return [row.item_no for row in store.board_query(BoardQuery(text=text))]

        assert found("50%") == [1, 5]
        assert found("%") == [1, 5]
        assert found("_") == [3, 5, 6]
        assert found("a_b") == [3]
        assert found("管服") == [5]
        assert found("苏_") == [5]
        assert found("\\ '") == [6]
        assert found("' OR 1=1 --") == []

    def test_clearing_the_projection_keeps_the_records(self, store: port.Store) -> None:
        rows = fill_log(store, 1, 2)
        self.in_transaction(store, lambda: store.add_logs([log_row(2)]))
        fill_board(store, board_row(1))
        self.in_transaction(store, lambda: store.put(SMALL_ROWS))
        self.in_transaction(store, lambda: store.add_places([(1, 1, 1)]))
        self.in_transaction(store, lambda: store.set_log(1, checked_seq=2))
        self.in_transaction(store, lambda: store.set_folded([(1, 2)]))
        assert store.dirty_logs(9) == []
        store.begin(durable=False)
        store.clear_projection()
        store.commit(durable=False)
        assert (store.board_count(), store.max_item_no(), store.rows(port.BlobRef)) == (0, 0, [])
        assert (store.item_numbers([item_id(1)]), store.item_places([1])) == ({}, {1: []})
        assert [(row.log_no, row.folded_seq, row.checked_seq) for row in store.logs()] == [(1, 0, 2), (2, 0, 0)]
        assert [row.log_no for row in store.dirty_logs(9)] == [1]
        assert store.run(1, 0, 9, 10**6) == rows
        assert len(store.rows(port.BlobRow)) == 2
        self.in_transaction(store, store.clear_projection)

    # --------------------------------------------------------------------------------------------- small rows

    def test_small_rows_of_every_kind_come_back(self, store: port.Store) -> None:
        self.in_transaction(store, lambda: store.put(SMALL_ROWS))
        table: Any
        for table, names in port.KEYS.items():
            held = [row for row in SMALL_ROWS if type(row) is table]
            assert held, table
            assert store.rows(table) == sorted(held, key=lambda row: tuple(getattr(row, name) for name in names))
            for row in held:
                found = store.get(table, *(getattr(row, name) for name in names))
                assert found == row
                assert [type(getattr(found, name)) for name in names] == [type(getattr(row, name)) for name in names]

    def test_small_rows_are_overwritten_and_deleted(self, store: port.Store) -> None:
        self.in_transaction(store, lambda: store.put(SMALL_ROWS))
        later: list[port.SmallRow] = [
            port.Ack("320500", 1, 6, 3), port.Meta("a", b"1"), port.Ack("320500", 1, 7, 4), port.Meta("a", b"2"),
        ]
        self.in_transaction(store, lambda: store.put(later))
        assert store.get(port.Ack, "320500", 1) == port.Ack("320500", 1, 7, 4)
        assert store.get(port.Meta, "a") == port.Meta("a", b"2")
        self.in_transaction(store, lambda: store.put([port.BlobRef(b"\x80", 2, 1)]))
        self.in_transaction(store, lambda: store.delete(port.Ack, "320500", 1))
        self.in_transaction(store, lambda: store.delete(port.Ack, "320500", 1))
        assert store.get(port.Ack, "320500", 1) is None
        assert store.rows(port.Ack) == [port.Ack("320000", 10, 1, 2), port.Ack("320500", 2, 5, 1)]
        assert len(store.rows(port.BlobRef)) == 3

    def test_small_rows_are_filtered(self, store: port.Store) -> None:
        self.in_transaction(store, lambda: store.put(SMALL_ROWS))
        assert [row.log_no for row in store.rows(port.Ack, peer="320500")] == [1, 2]
        assert store.rows(port.Ack, peer="320500", seq=5) == [port.Ack("320500", 2, 5, 1)]
        assert [row.invite_no for row in store.rows(port.Invite, auto_approve=False)] == [2]
        assert [row.log_no for row in store.rows(port.BlobRef, hash=b"\x80")] == [1, 2]
        assert store.rows(port.Peer, role="nobody") == []

    def test_wrong_keys_and_fields_are_our_own_fault(self, store: port.Store) -> None:
        with pytest.raises(LocalError):
            store.get(port.Ack, "320500")
        with pytest.raises(LocalError):
            store.rows(port.Ack, office="320500")
        with pytest.raises(LocalError):
            self.in_transaction(store, lambda: store.delete(port.Meta))
