"""What the store in memory does beyond the contract: power loss on demand."""

from node.storage import port
from node.storage.port import BoardQuery
from tests.contract.rows import board_row, fill_board, fill_log, item_id, record_row
from tests.sim.memory_store import MemoryStore


def test_power_loss_drops_the_open_transaction() -> None:
    store = MemoryStore()
    rows = fill_log(store, 1, 3)
    store.begin()
    store.append([record_row(1, 4)], [(1, 4, b"id")])
    store.put([port.Meta("a", b"")])
    store.crash()
    assert store.run(1, 0, 9, 10**6) == rows
    assert store.rows(port.Meta) == []
    store.begin()
    store.commit(durable=True)


def test_power_loss_drops_what_was_committed_after_the_last_durable_commit() -> None:
    store = MemoryStore()
    fill_log(store, 1, 3)
    fill_board(store, board_row(1))
    for state in ("active", "closed"):
        store.begin(durable=False)
        store.save_board([board_row(1, state=state), board_row(2)])
        store.add_items([] if state == "closed" else [(2, item_id(2))])
        store.set_folded([(1, 3)])
        store.commit(durable=False)
    assert store.dirty_logs(9) == []
    store.crash()
    assert store.board_query(BoardQuery()) == [board_row(1)]
    assert (store.max_item_no(), store.item_numbers([item_id(2)])) == (1, {})
    assert [(row.log_no, row.folded_seq) for row in store.dirty_logs(9)] == [(1, 0)]


def test_a_durable_commit_takes_the_earlier_ones_with_it() -> None:
    store = MemoryStore()
    store.begin(durable=False)
    store.put([port.Meta("a", b"1")])
    store.commit(durable=False)
    store.begin()
    store.put([port.Meta("b", b"1")])
    store.commit(durable=True)
    store.begin(durable=False)
    store.delete(port.Meta, "a")
    store.commit(durable=False)
    assert (store.commits, store.durable_commits) == (3, 1)
    store.crash()
    assert store.rows(port.Meta) == [port.Meta("a", b"1"), port.Meta("b", b"1")]


def test_a_transaction_costs_what_it_writes() -> None:
    store = MemoryStore()
    fill_log(store, 1, 5_000)
    store.begin(durable=False)
    store.append([record_row(1, 5_001)], [(1, 5_001, b"id")])
    assert sum(len(table.overlay) for table in store._tables.all()) == 3
    store.commit(durable=False)
    assert sum(len(table.undo) for table in store._tables.all()) == 3
    store.crash()
    assert store.record_count() == 5_000
