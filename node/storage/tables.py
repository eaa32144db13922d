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

from typing import Any

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, Table, Text
from sqlmodel import Field, SQLModel

from node.storage import port

SEQ_BITS = 32
SEQ_MASK = 2**SEQ_BITS - 1

# INTEGER, not BIGINT, is the word that makes a SQLite primary key the rowid; both hold 64 bits.
BIG = BigInteger().with_variant(Integer(), "sqlite")
TEXT = Text().with_variant(Text(collation="C"), "postgresql")
# Rows that are found by a composite or textual key rest in the key's own tree.
IN_KEY_ORDER = {"sqlite_with_rowid": False}


def place_of(log_no: int, seq: int) -> int:
    """The 64-bit storage key of a record."""
    return log_no << SEQ_BITS | seq


def log_and_seq(place: int) -> tuple[int, int]:
    """The (log_no, seq) of a storage key."""
    return place >> SEQ_BITS, place & SEQ_MASK


def _big(*, key: bool = False) -> Any:
    return Field(sa_type=BIG, primary_key=key, sa_column_kwargs={"autoincrement": False} if key else {})


def _text(*, key: bool = False) -> Any:
    return Field(sa_type=TEXT, primary_key=key)


def _bytes(*, key: bool = False) -> Any:
    return Field(sa_type=LargeBinary, primary_key=key)


def _erasable() -> Any:
    return Field(default=None, sa_type=LargeBinary, nullable=True)


class SchemaCompat(SQLModel, table=True):
    """One row: the lowest schema generation a program must know to use this database."""

    __tablename__ = "schema_compat"

    only_row: int = _big(key=True)  # always 1
    compat: int = _big()


class Log(SQLModel, table=True):
    """A log, its head and its consumers' cursors."""

    __tablename__ = "log"
    __table_args__ = (Index("log_by_id", "log_id", unique=True),)

    log_no: int = _big(key=True)
    log_id: bytes = _bytes()
    author: str = _text()
    epoch: int = _big()
    path: str = _text()  # the line's codes joined by "/"
    subtree: bool
    head_seq: int = _big()
    head_id: bytes = _bytes()
    folded_seq: int = _big()
    checked_seq: int = _big()
    frozen: bool


class DirtyLog(SQLModel, table=True):
    """A log with records the projection has not seen; written in the transaction that appends."""

    __tablename__ = "dirty_log"

    log_no: int = _big(key=True)


class Record(SQLModel, table=True):
    """A record, bytes as signed."""

    __tablename__ = "record"

    place: int = _big(key=True)
    record_id: bytes = _bytes()
    header: bytes = _bytes()
    signature: bytes = _bytes()
    salt: bytes | None = _erasable()
    payload: bytes | None = _erasable()
    received_ms: int = _big()


class Item(SQLModel, table=True):
    """The local number of an item."""

    __tablename__ = "item"
    __table_args__ = (Index("item_by_id", "item_id", unique=True),)

    item_no: int = _big(key=True)
    item_id: bytes = _bytes()


class ItemPlace(SQLModel, table=True):
    """That the record at this place belongs to the item."""

    __tablename__ = "item_place"
    __table_args__ = IN_KEY_ORDER

    item_no: int = _big(key=True)
    place: int = _big(key=True)


class Board(SQLModel, table=True):
    """The projection of an item (`port.BoardRow`)."""

    __tablename__ = "board"
    __table_args__ = (
        Index("board_parent", "parent"),
        Index("board_number", "number"),
        Index("board_receiver", "receiver", "state"),
        Index("board_target", "target"),
    )

    item_no: int = _big(key=True)
    item_id: bytes = _bytes()
    parent: bytes = _bytes()
    number: str = _text()
    title: str = _text()
    kind: str = _text()
    issuer: str = _text()
    receiver: str = _text()
    role: str = _text()
    path: str = _text()
    subtree: bool
    state: str = _text()
    due_day: int = _big()
    percent: int = _big()
    digest: bytes = _bytes()
    opened_log_no: int = _big()
    opened_seq: int = _big()
    updated_ms: int = _big()
    successor: bytes = _bytes()
    item_class: str = _text()
    source: str = _text()
    subject: str = _text()
    target: bytes = _bytes()
    unit: str = _text()
    colour: str = _text()
    extension: str = _text()
    flags: int = _big()
    strength: str = _text()
    warn_days: int = _big()
    opened_day: int = _big()
    submitted_day: int = _big()
    leader: str = _text()
    frequency: str = _text()
    plan_year: int = _big()


class MetaTable(SQLModel, table=True):
    """`port.Meta`."""

    __tablename__ = "meta"

    name: str = _text(key=True)
    value: bytes = _bytes()


class PeerTable(SQLModel, table=True):
    """`port.Peer`."""

    __tablename__ = "peer"

    office: str = _text(key=True)
    role: str = _text()
    address: str = _text()
    link_ca: bytes = _bytes()
    admitted_ms: int = _big()
    last_contact_ms: int = _big()
    quarantined: str = _text()
    reconciled_ms: int = _big()


class AckTable(SQLModel, table=True):
    """`port.Ack`."""

    __tablename__ = "ack"
    __table_args__ = IN_KEY_ORDER

    peer: str = _text(key=True)
    log_no: int = _big(key=True)
    seq: int = _big()
    receipt_no: int = _big()


class ReceiptTable(SQLModel, table=True):
    """`port.ReceiptRow`."""

    __tablename__ = "receipt"

    receipt_no: int = _big(key=True)
    peer: str = _text()
    at_ms: int = _big()
    body: bytes = _bytes()
    signature: bytes = _bytes()


class MarkTable(SQLModel, table=True):
    """`port.MarkRow`."""

    __tablename__ = "mark"

    office: str = _text(key=True)
    number: int = _big()
    at_ms: int = _big()
    body: bytes = _bytes()
    signature: bytes = _bytes()
    satisfied_ms: int = _big()


class EvidenceTable(SQLModel, table=True):
    """`port.Evidence`."""

    __tablename__ = "evidence"

    evidence_no: int = _big(key=True)
    peer: str = _text()
    at_ms: int = _big()
    code: str = _text()
    text: str = _text()
    data: bytes = _bytes()


class ForkTable(SQLModel, table=True):
    """`port.Fork`."""

    __tablename__ = "fork"

    log_no: int = _big(key=True)
    seq: int = _big(key=True)
    record_id: bytes = _bytes(key=True)
    header: bytes = _bytes()
    signature: bytes = _bytes()
    salt: bytes = _bytes()
    payload: bytes = _bytes()
    received_ms: int = _big()


class AlarmTable(SQLModel, table=True):
    """`port.Alarm`."""

    __tablename__ = "alarm"

    code: str = _text(key=True)
    subject: str = _text(key=True)
    text: str = _text()
    since_ms: int = _big()


class InviteTable(SQLModel, table=True):
    """`port.Invite`."""

    __tablename__ = "invite"

    invite_no: int = _big(key=True)
    code: str = _text()
    name: str = _text()
    public_key: bytes = _bytes()
    certificate: bytes = _bytes()
    expires_ms: int = _big()
    auto_approve: bool
    used_ms: int = _big()


class PendingTable(SQLModel, table=True):
    """`port.Pending`."""

    __tablename__ = "pending"

    code: str = _text(key=True)
    request: bytes = _bytes()
    fingerprint: bytes = _bytes()
    state: str = _text()
    at_ms: int = _big()
    tls_certificate: bytes = _bytes()


class TlsCertTable(SQLModel, table=True):
    """`port.TlsCert`."""

    __tablename__ = "tls_cert"

    office: str = _text(key=True)
    sha256: bytes = _bytes(key=True)
    expires_ms: int = _big()
    used_ms: int = _big()


class ActorTable(SQLModel, table=True):
    """`port.Actor`."""

    __tablename__ = "actor"

    number: int = _big(key=True)
    name: str = _text()


class BlobTable(SQLModel, table=True):
    """`port.BlobRow`."""

    __tablename__ = "blob"

    hash: bytes = _bytes(key=True)
    salt: bytes = _bytes()
    size_bytes: int = _big()
    present: bool


class BlobRefTable(SQLModel, table=True):
    """`port.BlobRef`."""

    __tablename__ = "blob_ref"
    __table_args__ = IN_KEY_ORDER

    hash: bytes = _bytes(key=True)
    log_no: int = _big(key=True)
    seq: int = _big(key=True)


class UserTable(SQLModel, table=True):
    """`port.User`."""

    __tablename__ = "user_account"

    name: str = _text(key=True)
    roles: str = _text()
    posts: str = _text()
    unit: str = _text()
    active: bool
    since_ms: int = _big()


class UnitTable(SQLModel, table=True):
    """`port.Unit`."""

    __tablename__ = "unit"

    name: str = _text(key=True)
    head: str = _text()
    active: bool


class JobRunTable(SQLModel, table=True):
    """`port.JobRun`."""

    __tablename__ = "job_run"

    job: str = _text(key=True)
    day: int = _big(key=True)
    at_ms: int = _big()
    found: int = _big()


class ProposalTable(SQLModel, table=True):
    """`port.Proposal`."""

    __tablename__ = "proposal"

    kind: str = _text(key=True)
    item_id: bytes = _bytes(key=True)
    day: int = _big(key=True)
    key: str = _text(key=True)
    text: str = _text()
    grounds: str = _text()
    done: str = _text()
    done_ms: int = _big()


class RulesTable(SQLModel, table=True):
    """`port.RulesRow`."""

    __tablename__ = "rules"

    office: str = _text(key=True)
    version: int = _big(key=True)
    name: str = _text()
    valid_from_day: int = _big()
    record_id: bytes = _bytes()
    text: str = _text()


class CalendarTable(SQLModel, table=True):
    """`port.CalendarRow`."""

    __tablename__ = "calendar"

    office: str = _text(key=True)
    version: int = _big(key=True)
    record_id: bytes = _bytes()
    body: bytes = _bytes()
    source: str = _text()


METADATA = SQLModel.metadata
LOG: Table = METADATA.tables["log"]
DIRTY: Table = METADATA.tables["dirty_log"]
RECORD: Table = METADATA.tables["record"]
ITEM: Table = METADATA.tables["item"]
PLACE: Table = METADATA.tables["item_place"]
BOARD: Table = METADATA.tables["board"]
SCHEMA_COMPAT: Table = METADATA.tables["schema_compat"]

SMALL: dict[type[port.SmallRow], Table] = {
    port.Meta: METADATA.tables["meta"],
    port.Peer: METADATA.tables["peer"],
    port.Ack: METADATA.tables["ack"],
    port.ReceiptRow: METADATA.tables["receipt"],
    port.MarkRow: METADATA.tables["mark"],
    port.Evidence: METADATA.tables["evidence"],
    port.Fork: METADATA.tables["fork"],
    port.Alarm: METADATA.tables["alarm"],
    port.Invite: METADATA.tables["invite"],
    port.Pending: METADATA.tables["pending"],
    port.TlsCert: METADATA.tables["tls_cert"],
    port.Actor: METADATA.tables["actor"],
    port.BlobRow: METADATA.tables["blob"],
    port.BlobRef: METADATA.tables["blob_ref"],
    port.User: METADATA.tables["user_account"],
    port.Unit: METADATA.tables["unit"],
    port.JobRun: METADATA.tables["job_run"],
    port.Proposal: METADATA.tables["proposal"],
    port.RulesRow: METADATA.tables["rules"],
    port.CalendarRow: METADATA.tables["calendar"],
}
