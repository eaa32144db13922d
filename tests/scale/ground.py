"""What a simulated office rests on: signatures that are remembered while a tree is set up, and a store that says when
it would have had to reach the disk.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import NamedTuple

from node.records.suite import Ed25519Sha256, Verify
from tests.sim.memory_store import MemoryStore


class Remembered(Ed25519Sha256):
    """The real suite; while ``on``, a signature that was checked at one office is not checked again at the next."""

    def __init__(self) -> None:
        super().__init__()
        self.on = True
        self._good: set[tuple[bytes, bytes]] = set()
        self._verifiers: dict[bytes, Verify] = {}

    def verifier(self, raw_key: bytes) -> Verify:
        if raw_key not in self._verifiers:
            self._verifiers[raw_key] = partial(self._check, super().verifier(raw_key))
        return self._verifiers[raw_key]

    def check_key(self, raw_key: bytes) -> None:
        if raw_key not in self._verifiers:
            super().check_key(raw_key)

    def _check(self, verify: Verify, signature: bytes, message: bytes) -> bool:
        if not self.on:
            return verify(signature, message)
        place = signature, hashlib.sha256(message).digest()
        if place not in self._good and verify(signature, message):
            self._good.add(place)
        return place in self._good


class Store(MemoryStore):
    """The store in memory, which says whether a commit had anything to write."""

    def __init__(self) -> None:
        super().__init__()
        self.synced = 0

    def commit(self, *, durable: bool) -> None:
        self.synced += durable and any(table.overlay for table in self._tables.all())
        super().commit(durable=durable)


class Stock(NamedTuple):
    """What an office's store would hold besides, and what looking at it costs here: seconds."""

    scrub_s: float = 0.0  # one pass
    items_s: float = 0.0  # the digests of one link
