"""The store in memory and the one in SQLite keep the same contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.storage.port import Store
from node.storage.sql import open_store
from tests.contract.search_contract import SearchContract, one_moment, out_of_time
from tests.contract.store_contract import StoreContract
from tests.sim.memory_store import MemoryStore


class TestMemory(StoreContract, SearchContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


class TestSqlite(StoreContract, SearchContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = open_store(f"sqlite:///{tmp_path}/node.db", create=True)
        yield store
        store.close()

    def test_reads_together_see_one_moment(self, store: Store) -> None:
        """X1: a page of several questions is of one moment."""
        one_moment(store)

    def test_a_search_ends_when_its_time_is_over(self, store: Store) -> None:
        """X8: a search that would take long is given up, and the connection goes on."""
        assert out_of_time(store).code == "timeout"
        assert store.search("放管服改革", 3, 10_000)
