"""The store in memory and the one in SQLite keep the same contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.storage.port import Store
from node.storage.sql import open_store
from tests.contract.store_contract import StoreContract
from tests.sim.memory_store import MemoryStore


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


class TestSqlite(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = open_store(f"sqlite:///{tmp_path}/node.db", create=True)
        yield store
        store.close()
