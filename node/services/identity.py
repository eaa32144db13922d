"""Who this node is, and the few things of the outside world its services need, handed in at composition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from node.clock import Clock
from node.records.suite import Signer


@dataclass(frozen=True, slots=True)
class Identity:
    """This office. ``path`` is root … self; ``federation`` the fingerprint of the root key."""

    code: str
    name: str
    path: tuple[str, ...]
    federation: bytes
    signer: Signer

    @property
    def parent(self) -> str:
        """Code of the parent; empty at the root."""
        return self.path[-2] if len(self.path) > 1 else ""


@dataclass(frozen=True, slots=True)
class World:
    """Effects that pure code must not have: time and randomness."""

    clock: Clock
    entropy: Callable[[int], bytes]  # that many unpredictable bytes
    jitter: Callable[[], float]  # uniform in [0, 1)
