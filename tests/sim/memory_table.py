"""A table of the store in memory: what is committed, what is not yet, and what a crash takes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

GONE = object()  # in an overlay: deleted


@dataclass
class Table:
    """Rows by key: committed ones, and those of the open transaction over them."""

    held: dict[Any, Any] = field(default_factory=dict)
    overlay: dict[Any, Any] = field(default_factory=dict)
    undo: list[tuple[Any, Any]] = field(default_factory=list)  # (key, row or GONE) since the last durable commit
    touched: list[Table] = field(default_factory=list, repr=False)  # of the whole store: those with an overlay
    replaced: list[Table] = field(default_factory=list, repr=False)  # of the whole store: those with an undo

    def set(self, key: Any, row: Any) -> None:
        if not self.overlay:
            self.touched.append(self)
        self.overlay[key] = row

    def commit(self, *, durable: bool) -> None:
        held, undo = self.held, self.undo
        if not durable and not undo:
            self.replaced.append(self)
        for key, row in self.overlay.items():
            if not durable:
                undo.append((key, held.get(key, GONE)))
            if row is GONE:
                held.pop(key, None)
            else:
                held[key] = row
        self.overlay.clear()
        if durable:
            undo.clear()

    def crash(self) -> None:
        self.overlay.clear()
        while self.undo:
            key, row = self.undo.pop()
            if row is GONE:
                self.held.pop(key, None)
            else:
                self.held[key] = row


@dataclass(frozen=True)
class View:
    """A table as its reader sees it: with the overlay (the store itself) or without (readers)."""

    table: Table
    own: bool

    def get(self, key: Any) -> Any:
        """The row, or None."""
        if self.own and key in self.table.overlay:
            row = self.table.overlay[key]
            return None if row is GONE else row
        return self.table.held.get(key)

    def keys(self) -> list[Any]:
        """All keys, sorted."""
        if not self.own or not self.table.overlay:
            return sorted(self.table.held)
        overlay = self.table.overlay
        keys = [key for key in self.table.held if key not in overlay]
        return sorted(keys + [key for key, row in overlay.items() if row is not GONE])

    def rows(self) -> Iterator[Any]:
        """All rows in the order of their keys."""
        return map(self.get, self.keys())

    def __len__(self) -> int:
        return len(self.table.held) if not self.own or not self.table.overlay else len(self.keys())
