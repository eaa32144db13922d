"""How columns are declared, for both engines alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, Text
from sqlmodel import Field

# INTEGER, not BIGINT, is the word that makes a SQLite primary key the rowid; both hold 64 bits.
BIG = BigInteger().with_variant(Integer(), "sqlite")
TEXT = Text().with_variant(Text(collation="C"), "postgresql")
# Rows that are found by a composite or textual key rest in the key's own tree.
IN_KEY_ORDER = {"sqlite_with_rowid": False}


def a_number(*, key: bool = False) -> Any:
    """A 64-bit number."""
    return Field(sa_type=BIG, primary_key=key, sa_column_kwargs={"autoincrement": False} if key else {})


def a_text(*, key: bool = False) -> Any:
    """Text that compares by code point."""
    return Field(sa_type=TEXT, primary_key=key)


def some_bytes(*, key: bool = False) -> Any:
    """Bytes."""
    return Field(sa_type=LargeBinary, primary_key=key)


def erasable() -> Any:
    """Bytes that may be gone (清除)."""
    return Field(default=None, sa_type=LargeBinary, nullable=True)
