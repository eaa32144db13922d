"""The text index in SQL: FTS5 of SQLite, tsvector of PostgreSQL, over pairs of characters (`grams`). Derived data.

Rules of this file:

1. Records never change, so neither does what was indexed: one entry for each record with words, numbered by its place;
   a cursor for each log says how far it has been read. What was erased falls out with the next rebuild (I7).
2. The index itself (`text_gram`) is the engine's own and no part of the schema: it is made when first written, and
   whatever has none (a copy brought over from the other engine) is read anew from its beginning.
3. A search has a time limit and a limit of entries; its words are letters and digits only (faults.md W3, X8).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy import text as sql

from node.storage import grams
from node.storage.access import Reads, Writes, chunks
from node.storage.engine import driver_of
from node.storage.tables import ITEM_TEXT, LOG, TEXT_CURSOR, place_of

PLACES_MAX = 20_000  # entries looked at, the newest of their logs first
_HITS = 250  # fetched at once: one by one costs more than finding them
_STEPS = 2_000  # of SQLite's machine between two looks at the clock
_GAP = "\u241f"  # between two runs: no pair of theirs are neighbours
_MADE: dict[str, tuple[str, ...]] = {
    "sqlite": ("CREATE VIRTUAL TABLE text_gram USING fts5(grams, content='', columnsize=0, tokenize='ascii')",),
    "postgresql": (
        "CREATE TABLE text_gram (place bigint PRIMARY KEY, grams tsvector NOT NULL)",
        "CREATE INDEX text_gram_by ON text_gram USING gin (grams)",
    ),
}
_ADD = {
    "sqlite": "INSERT INTO text_gram (rowid, grams) VALUES (?, ?)",
    "postgresql": "INSERT INTO text_gram (place, grams) VALUES (%s, %s::tsvector)",
}
_EMPTY = {"sqlite": "INSERT INTO text_gram (text_gram) VALUES ('delete-all')", "postgresql": "DELETE FROM text_gram"}
_FIND = {
    "sqlite": (
        "SELECT item_no FROM text_gram CROSS JOIN item_text ON item_text.place = text_gram.rowid"
        " WHERE text_gram MATCH :words ORDER BY text_gram.rowid DESC LIMIT :places"
    ),
    "postgresql": (
        "SELECT item_no FROM item_text JOIN (SELECT place FROM text_gram WHERE grams @@ CAST(:words AS tsquery)"
        " LIMIT :places) AS found ON found.place = item_text.place"
    ),
}


class TextReads(Reads):
    """Searching; the contract is `port.Reader`."""

    def search(self, words: str, most: int, budget_ms: int) -> list[int]:
        """Numbers of at most ``most`` items with a record that holds all words; StoreError(timeout) after the budget.

        Words without letter or digit find nothing.
        """
        wanted = grams.words_of(words)
        name = self.engine.dialect.name
        with self._reading() as connection:
            if not wanted or not _made(connection):
                return []
            query = _fts(wanted) if name == "sqlite" else _tsquery(wanted)
            with _limited(connection, name, budget_ms):
                found: set[int] = set()
                hits = connection.execute(sql(_FIND[name]), {"words": query, "places": PLACES_MAX}).scalars()
                for some in hits.partitions(_HITS):
                    for number in some:
                        found.add(number)
                        if len(found) >= most:
                            return sorted(found)
                return sorted(found)

    def text_behind(self) -> int:
        """How many records the index has not read yet."""
        read = select(func.coalesce(func.sum(TEXT_CURSOR.c.seq), 0)).scalar_subquery()
        held = select(func.coalesce(func.sum(LOG.c.head_seq), 0)).scalar_subquery()
        with self._reading() as connection:
            return max(int(connection.execute(select(held - read)).scalar_one()), 0)

    def text_due(self) -> list[tuple[int, int]]:
        """(log_no, seq read so far) of every log the index is behind of."""
        joined = LOG.outerjoin(TEXT_CURSOR, TEXT_CURSOR.c.log_no == LOG.c.log_no)
        seen = func.coalesce(TEXT_CURSOR.c.seq, 0)
        due = select(LOG.c.log_no, seen).select_from(joined).where(LOG.c.head_seq > seen).order_by(LOG.c.log_no)
        with self._reading() as connection:
            return [(log_no, seq) for log_no, seq in connection.execute(due)]


    def text_cursors(self, log_nos: Iterable[int]) -> dict[int, int]:
        """How far each of these logs was read."""
        wanted = sorted(set(log_nos))
        found = dict.fromkeys(wanted, 0)
        with self._reading() as connection:
            for chunk in chunks(wanted):
                rows = select(TEXT_CURSOR.c.log_no, TEXT_CURSOR.c.seq).where(TEXT_CURSOR.c.log_no.in_(chunk))
                found.update((log_no, seq) for log_no, seq in connection.execute(rows))
        return found


class TextWrites(TextReads, Writes):
    """Writing the index; the contract is `port.Store`."""

    def open_texts(self) -> None:
        """Make the index where there is none: it is then to be filled from the beginning."""
        with self._writing() as connection:
            if not _made(connection):
                for statement in _MADE[self.engine.dialect.name]:
                    connection.execute(sql(statement))
                connection.execute(TEXT_CURSOR.delete())
                connection.execute(ITEM_TEXT.delete())

    def add_texts(self, rows: Sequence[tuple[int, int, int, str]]) -> None:
        """(log_no, seq, item_no, words of the record); records that are in the index already are left out."""
        name = self.engine.dialect.name
        given = {place_of(log_no, seq): (item_no, text) for log_no, seq, item_no, text in rows}
        with self._writing() as connection:
            for chunk in chunks(sorted(given)):
                known = set(connection.execute(select(ITEM_TEXT.c.place).where(ITEM_TEXT.c.place.in_(chunk))).scalars())
                fresh = [place for place in chunk if place not in known]
                cut = _spaced if name == "sqlite" else _numbered
                entries = [(place, cut(given[place][1])) for place in fresh]
                self._many(connection, self.statements.insert(ITEM_TEXT), [(p, given[p][0]) for p in fresh])
                if entries:
                    connection.exec_driver_sql(_ADD[name], entries)

    def set_text_cursors(self, cursors: Sequence[tuple[int, int]]) -> None:
        """(log_no, seq) up to which logs have been read."""
        with self._writing() as connection:
            self._many(connection, self.statements.upsert(TEXT_CURSOR), list(cursors))

    def clear_texts(self) -> None:
        """Empty the index; all logs are to be read again."""
        with self._writing() as connection:
            if _made(connection):
                connection.execute(sql(_EMPTY[self.engine.dialect.name]))
            connection.execute(TEXT_CURSOR.delete())
            connection.execute(ITEM_TEXT.delete())


def _made(connection: Connection) -> bool:
    return bool(inspect(connection).has_table("text_gram"))


def _spaced(text: str) -> str:
    cut = (" ".join(grams.pairs(run)) for run in grams.runs(text[: grams.TEXT_CHARS_MAX]))
    return f" {_GAP} ".join(cut)


def _numbered(text: str) -> str:
    """The text form of a tsvector: each pair with the place it stands at."""
    parts, at = [], 0
    for run in grams.runs(text[: grams.TEXT_CHARS_MAX]):
        for pair in grams.pairs(run):
            at += 1
            parts.append(f"'{pair}':{at}")
        at += 1
    return " ".join(parts)


def _phrase(word: str) -> list[str]:
    return grams.pairs(word)[:-1]


def _fts(words: list[str]) -> str:
    return " AND ".join(f'"{" ".join(_phrase(word))}"' if len(word) > 1 else f'"{word}" *' for word in words)


def _tsquery(words: list[str]) -> str:
    parts = (" <-> ".join(f"'{pair}'" for pair in _phrase(word)) if len(word) > 1 else f"'{word}':*" for word in words)
    return " & ".join(f"({part})" for part in parts)


@contextmanager
def _limited(connection: Connection, name: str, budget_ms: int) -> Iterator[None]:
    """Let the engine end a statement by itself once the time is over."""
    if name != "sqlite":
        connection.execute(sql(f"SET LOCAL statement_timeout = {max(int(budget_ms), 1)}"))
        yield
        return
    until = time.monotonic() + budget_ms / 1_000
    driver = driver_of(connection)
    driver.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)
