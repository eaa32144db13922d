"""The one schema, for SQLite and PostgreSQL. Rows stay inside `node.storage`; callers see the types of `port`.

Rules of this file:

1. A record's primary key is one 64-bit number, its *place* = log_no * 2**32 + seq. In SQLite it is the rowid, so that
   the records of a log lie together in the order of their numbers, and an append touches the ends of a few logs only.
2. No index on the record table: record ids are random, and an index over them makes appends slower as a table grows.
3. Numbers are chosen by the program, never by a sequence of the database (a gap or a late commit would lose rows).
4. Text compares by code point on both engines (PostgreSQL: collation "C").
5. The columns of a small table are the fields of its dataclass in `port`, under the same names.
"""

from __future__ import annotations

from sqlalchemy import Index, Table, text
from sqlmodel import SQLModel

from node.storage.columns import IN_KEY_ORDER, a_number, a_text, erasable, some_bytes
from node.storage.small_tables import SMALL

__all__ = ["SMALL"]  # one place for all tables

SEQ_BITS = 32
SEQ_MASK = 2**SEQ_BITS - 1

def place_of(log_no: int, seq: int) -> int:
    """The 64-bit storage key of a record."""
    return log_no << SEQ_BITS | seq


def log_and_seq(place: int) -> tuple[int, int]:
    """The (log_no, seq) of a storage key."""
    return place >> SEQ_BITS, place & SEQ_MASK


class SchemaCompat(SQLModel, table=True):
    """One row: the lowest schema generation a program must know to use this database."""

    __tablename__ = "schema_compat"

    only_row: int = a_number(key=True)  # always 1
    compat: int = a_number()


class Log(SQLModel, table=True):
    """A log, its head and its consumers' cursors."""

    __tablename__ = "log"
    __table_args__ = (Index("log_by_id", "log_id", unique=True),)

    log_no: int = a_number(key=True)
    log_id: bytes = some_bytes()
    author: str = a_text()
    epoch: int = a_number()
    path: str = a_text()  # the line's codes joined by "/"
    subtree: bool
    head_seq: int = a_number()
    head_id: bytes = some_bytes()
    folded_seq: int = a_number()
    checked_seq: int = a_number()
    frozen: bool


class DirtyLog(SQLModel, table=True):
    """A log with records the projection has not seen; written in the transaction that appends."""

    __tablename__ = "dirty_log"

    log_no: int = a_number(key=True)


class Record(SQLModel, table=True):
    """A record, bytes as signed."""

    __tablename__ = "record"

    place: int = a_number(key=True)
    record_id: bytes = some_bytes()
    header: bytes = some_bytes()
    signature: bytes = some_bytes()
    salt: bytes | None = erasable()
    payload: bytes | None = erasable()
    received_ms: int = a_number()


class Item(SQLModel, table=True):
    """The local number of an item."""

    __tablename__ = "item"
    __table_args__ = (Index("item_by_id", "item_id", unique=True),)

    item_no: int = a_number(key=True)
    item_id: bytes = some_bytes()


class ItemPlace(SQLModel, table=True):
    """That the record at this place belongs to the item."""

    __tablename__ = "item_place"
    __table_args__ = IN_KEY_ORDER

    item_no: int = a_number(key=True)
    place: int = a_number(key=True)


# What a list can be narrowed by, in one index: filters are weighed without reading the rows, ten times as long.
BOARD_FILTER = (
    "state", "due_day", "subject", "receiver", "issuer", "kind", "source", "item_class", "leader", "unit", "colour",
    "extension", "flags", "strength", "warn_days", "submitted_day", "opened_day", "plan_year", "updated_ms",
)  # fmt: skip
# What an office has in hand, with all that lights and units are told by.
BOARD_RECEIVER = (
    "receiver", "state", "due_day", "subject", "flags", "kind", "strength", "warn_days", "submitted_day", "unit",
)  # fmt: skip


def _held(name: str, column: str, nothing: str) -> Index:
    """Where the few items stand that have such papers: rows without any are not in it and cost nothing."""
    some = text(f"{column} <> {nothing}")
    return Index(name, column, sqlite_where=some, postgresql_where=some)


class Board(SQLModel, table=True):
    """The projection of an item (`port.BoardRow`)."""

    __tablename__ = "board"
    __table_args__ = (
        Index("board_parent", "parent"),
        Index("board_number", "number"),
        Index("board_receiver", *BOARD_RECEIVER),
        Index("board_target", "target"),
        Index("board_due", "due_day"),
        Index("board_updated", "updated_ms"),
        Index("board_extension", "extension"),
        _held("board_slips", "slips", "''"),
        _held("board_returns", "returns", "0"),
        Index("board_filter", *BOARD_FILTER),
    )

    item_no: int = a_number(key=True)
    item_id: bytes = some_bytes()
    parent: bytes = some_bytes()
    number: str = a_text()
    title: str = a_text()
    kind: str = a_text()
    issuer: str = a_text()
    receiver: str = a_text()
    role: str = a_text()
    path: str = a_text()
    subtree: bool
    state: str = a_text()
    due_day: int = a_number()
    percent: int = a_number()
    digest: bytes = some_bytes()
    opened_log_no: int = a_number()
    opened_seq: int = a_number()
    updated_ms: int = a_number()
    successor: bytes = some_bytes()
    item_class: str = a_text()
    source: str = a_text()
    subject: str = a_text()
    target: bytes = some_bytes()
    unit: str = a_text()
    colour: str = a_text()
    extension: str = a_text()
    flags: int = a_number()
    strength: str = a_text()
    warn_days: int = a_number()
    opened_day: int = a_number()
    submitted_day: int = a_number()
    leader: str = a_text()
    frequency: str = a_text()
    plan_year: int = a_number()
    work_line: str = a_text()
    delivered_day: int = a_number()
    signed_day: int = a_number()
    reported_day: int = a_number()
    finished_day: int = a_number()
    first_due_day: int = a_number()
    submissions: int = a_number()
    returns: int = a_number()
    urges: int = a_number()
    grants: int = a_number()
    slips: str = a_text()


class ItemText(SQLModel, table=True):
    """That the words of the record at this place were taken into the text index (`texts`), and whose they are."""

    __tablename__ = "item_text"

    place: int = a_number(key=True)
    item_no: int = a_number()


class TextCursor(SQLModel, table=True):
    """Up to which record of a log the text index has read."""

    __tablename__ = "text_cursor"

    log_no: int = a_number(key=True)
    seq: int = a_number()


METADATA = SQLModel.metadata
LOG: Table = METADATA.tables["log"]
DIRTY: Table = METADATA.tables["dirty_log"]
RECORD: Table = METADATA.tables["record"]
ITEM: Table = METADATA.tables["item"]
PLACE: Table = METADATA.tables["item_place"]
BOARD: Table = METADATA.tables["board"]
ITEM_TEXT: Table = METADATA.tables["item_text"]
TEXT_CURSOR: Table = METADATA.tables["text_cursor"]
SCHEMA_COMPAT: Table = METADATA.tables["schema_compat"]
