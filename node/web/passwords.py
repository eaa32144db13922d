"""Passwords: argon2id, few at a time, off the event loop."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from node.errors import InputError
from node.web.limits import (
    ARGON_MEMORY_KIB,
    ARGON_PASSES,
    HASHES_AT_ONCE,
    PASSWORD_CHARS_MAX,
    PASSWORD_CHARS_MIN,
)


class Passwords:
    """Hashes and verifies; each takes about 30 ms and 19 MiB."""

    def __init__(self) -> None:
        """One for the console."""
        self._hasher = PasswordHasher(time_cost=ARGON_PASSES, memory_cost=ARGON_MEMORY_KIB, parallelism=1)
        self._turn = asyncio.Semaphore(HASHES_AT_ONCE)
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """What is stored of a password."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str, password: str) -> bool:
        """Whether it is the password; of an account without one it takes as long (no oracle, W7)."""
        if not self._nobody:
            self._nobody = await self.hash("no such account")
        async with self._turn:
            return await asyncio.to_thread(self._matches, stored, password)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored or self._nobody, password) and bool(stored)
        except (VerificationError, InvalidHashError):
            return False


def check_new(password: str, again: str, name: str) -> None:
    """InputError for a password that is too short, well known, or typed differently twice."""
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        text = f"口令须为 {PASSWORD_CHARS_MIN} 至 {PASSWORD_CHARS_MAX} 个字符"
        raise InputError(text, field="password", remedy="可用一句容易记的话")
    if len(set(password)) < 5 or password.lower() in (name.lower(), "1234567890", "password123"):
        raise InputError("口令过于简单", field="password", remedy="换一个他人猜不到的")
    if password != again:
        raise InputError("两次输入的口令不一致", field="again", remedy="重新输入")
