"""Answers that cost seconds of work, kept for a moment: figures over everything, asked by every screen on a wall.

Rules of this file: an answer is kept under what the asking person may see and what was asked, never more widely; few
are kept, for `LIFE_MS`; who asks for what is just being worked out waits for it instead of having it done again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

Key = tuple[object, ...]
LIFE_MS = 30_000
ANSWERS_MAX = 64  # of some 100 KB at most


class Answers:
    """The answers of the last half minute."""

    def __init__(self) -> None:
        """None yet."""
        self._known: OrderedDict[Key, tuple[int, Any]] = OrderedDict()
        self._asking: dict[Key, asyncio.Lock] = {}

    async def get(self, key: Key, now_ms: Callable[[], int], ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer for this key: the known one, or what ``ask`` brings. What it raises is not kept."""
        lock = self._asking.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                known = self._known.get(key)
                if known is not None and 0 <= now_ms() - known[0] < LIFE_MS:
                    return known[1]
                answer = await ask()
                self._known[key] = (now_ms(), answer)
                self._known.move_to_end(key)
                while len(self._known) > ANSWERS_MAX:
                    self._known.popitem(last=False)
                return answer
        finally:
            if not lock.locked() and self._asking.get(key) is lock:
                del self._asking[key]

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._known)
