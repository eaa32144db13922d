"""Random operations: SQLite and memory never disagree, across rollbacks and reopening."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from node.storage import port
from node.storage.port import BoardQuery
from node.storage.sql import SqlStore, open_store
from tests.contract.rows import board_row, item_id, log_row, record_row
from tests.contract.store_contract import StoreContract
from tests.sim.memory_store import MemoryStore

LOGS = st.integers(1, 4)
ITEMS = st.integers(1, 5)
WORDS = st.sampled_from(["", "a", "%", "督", "_b"])


class Stores(RuleBasedStateMachine):
    """The same calls to both; `store` is the model."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{Path(self.folder.name)}/node.db"
        self.sql: SqlStore = open_store(self.url, create=True)
        self.memory = MemoryStore()
        self.open = False

    def teardown(self) -> None:
        self.sql.close()
        self.folder.cleanup()

    def both(self, name: str, *args: Any, **options: Any) -> None:
        if not self.open:
            for store in (self.sql, self.memory):
                store.begin()
            self.open = True
        for store in (self.sql, self.memory):
            getattr(store, name)(*args, **options)

    @rule(log_no=LOGS, count=st.integers(0, 4))
    def append(self, log_no: int, count: int) -> None:
        log = next((row for row in self.memory.logs() if row.log_no == log_no), None)
        if log is None:
            log = log_row(log_no)
            self.both("add_logs", [log])
        rows = [record_row(log_no, log.head_seq + step) for step in range(1, count + 1)]
        self.both("append", rows, [(log_no, row.seq, row.record_id) for row in rows[-1:]])

    @rule(log_no=LOGS, part=st.floats(0, 1))
    def fold(self, log_no: int, part: float) -> None:
        for log in self.memory.logs():
            if log.log_no == log_no:
                self.both("set_folded", [(log_no, int(log.head_seq * part))])
                self.both("set_log", log_no, checked_seq=int(log.head_seq * part), frozen=part < 0.1)

    @rule(item=ITEMS, log_no=LOGS, seq=st.integers(1, 3), title=WORDS, day=st.integers(0, 3))
    def project(self, item: int, log_no: int, seq: int, title: str, day: int) -> None:
        if not self.memory.item_numbers([item_id(item)]):
            self.both("add_items", [(self.memory.max_item_no() + 1, item_id(item))])
        number = self.memory.item_numbers([item_id(item)])[item_id(item)]
        self.both("add_places", [(number, log_no, seq)])
        row = board_row(number, item_id=item_id(item), title=title, number=title * 2, due_day=day, parent=item_id(day))
        self.both("save_board", [row])

    @rule(name=WORDS, value=st.binary(max_size=4), log_no=LOGS)
    def put(self, name: str, value: bytes, log_no: int) -> None:
        ack = port.Ack(name, log_no, len(value), 1)
        self.both("put", [port.Meta(name, value), ack, port.BlobRef(value, log_no, 1)])

    @rule(name=WORDS, log_no=LOGS)
    def delete(self, name: str, log_no: int) -> None:
        self.both("delete", port.Meta, name)
        self.both("delete", port.Ack, name, log_no)

    @rule()
    def clear_projection(self) -> None:
        self.both("clear_projection")

    @rule(durable=st.booleans())
    def commit(self, durable: bool) -> None:
        if self.open:
            self.both("commit", durable=durable)
            self.open = False

    @rule()
    def rollback(self) -> None:
        self.both("rollback")
        self.open = False

    @rule()
    def reopen(self) -> None:
        """A process that dies keeps what it had committed, durably or not; only a power loss drops more."""
        self.sql.close()
        self.memory.close()
        self.open = False
        self.sql = open_store(self.url, create=False)

    @rule(title=WORDS, day=st.integers(0, 4), prefix=st.sampled_from(["", "1", "11", "12", "110", "g"]))
    def search(self, title: str, day: int, prefix: str) -> None:
        query = BoardQuery(text=title, due_before_day=day, limit=3)
        assert self.sql.board_query(query) == self.memory.board_query(query)
        assert self.sql.board_by_prefix(prefix, 2) == self.memory.board_by_prefix(prefix, 2)
        assert self.sql.board_by_number(title * 2) == self.memory.board_by_number(title * 2)
        assert self.sql.dirty_logs(2) == self.memory.dirty_logs(2)

    @invariant()
    def agree(self) -> None:
        everything = StoreContract.everything
        assert everything(self.sql) == everything(self.memory)
        assert everything(self.sql.reader()) == everything(self.memory.reader())


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
