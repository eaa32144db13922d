"""What of a store concerns the projection: items, the places of their records, the board, the words to search.

A part of `port`, under its rules; everything here is rebuilt from records alone (I7).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from node.storage.rows import BoardPage, BoardQuery, BoardRow, BoardTotal


class Projected(Protocol):
    """Reading the projection."""

    def item_numbers(self, item_ids: Iterable[bytes]) -> dict[bytes, int]:
        """Local numbers of those items that are known."""
        ...

    def item_places(self, item_nos: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
        """Places (log_no, seq) of all records of each item, sorted; an empty list for an item without any."""
        ...

    def board(self, item_ids: Iterable[bytes]) -> list[BoardRow]:
        """Board rows of these items, sorted by item_no."""
        ...

    def board_by_prefix(self, prefix_hex: str, limit: int) -> list[BoardRow]:
        """Board rows whose item id begins with these hex digits (an odd number of digits is allowed)."""
        ...

    def board_by_number(self, number: str) -> list[BoardRow]:
        """Board rows with this 登记编号."""
        ...

    def board_query(self, query: BoardQuery) -> list[BoardRow]:
        """Board rows matching all filters, newest opened last (by item_no)."""
        ...

    def board_page(self, query: BoardQuery, most: int) -> BoardPage:
        """The rows of `board_query` and the count of `board_count_upto`, by the cheapest way to both."""
        ...

    def board_columns(self, query: BoardQuery, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """Only these fields of the board rows matching, in the query's order: for figures over many items."""
        ...

    def board_count_upto(self, query: BoardQuery, most: int) -> int:
        """How many rows match all filters, counted up to ``most``."""
        ...

    def board_count(self) -> int:
        """Number of items."""
        ...

    def search(self, words: str, most: int, budget_ms: int) -> list[int]:
        """Sorted numbers of at most ``most`` items with a record that holds all words (`grams`); time limit."""
        ...

    def text_behind(self) -> int:
        """How many records the text index has not read yet."""
        ...

    def text_cursors(self, log_nos: Iterable[int]) -> dict[int, int]:
        """Up to which record of each of these logs the text index has read; 0 = nothing."""
        ...

    def text_due(self) -> list[tuple[int, int]]:
        """(log_no, seq read so far) of every log the text index is behind of."""
        ...

    def board_total(self, query: BoardQuery) -> BoardTotal:
        """How many rows match all filters, ``limit`` and ``offset`` aside."""
        ...


class Projecting(Protocol):
    """Writing the projection."""

    def add_items(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """New (item_no, item_id), numbers from `max_item_no` on; board rows are found through them."""
        ...

    def max_item_no(self) -> int:
        """Highest item number, 0 where there is none."""
        ...

    def add_places(self, rows: Sequence[tuple[int, int, int]]) -> None:
        """(item_no, log_no, seq) of records belonging to items; those already there are ignored."""
        ...

    def save_board(self, rows: Sequence[BoardRow]) -> None:
        """Insert or overwrite board rows."""
        ...

    def open_texts(self) -> None:
        """Make the text index where there is none: it then begins anew."""
        ...

    def add_texts(self, rows: Sequence[tuple[int, int, int, str]]) -> None:
        """(log_no, seq, item_no, words of the record) for the text index; records already there are left out."""
        ...

    def set_text_cursors(self, cursors: Sequence[tuple[int, int]]) -> None:
        """(log_no, seq) up to which the text index has read."""
        ...

    def clear_projection(self) -> None:
        """Drop items, places, board, texts, blob references; fold and index all logs anew (a rebuild)."""
        ...
