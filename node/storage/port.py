"""What the services ask of a store, in row types of our own; kept by SQLite, PostgreSQL and memory alike.

Rules of this port:

1. One writer in one thread (the office's core); `reader()` gives other threads a view of what was committed.
2. Nothing is visible to readers or survives a crash before `commit`; `commit(durable=True)` returns only when the
   bytes are on disk (I2). `commit(durable=False)` is for projections, which can be rebuilt.
3. Appends are clustered by (log_no, seq); no method needs an index on random keys on the hot path.
4. Bytes come back exactly as they went in.
5. A failure of the engine is a StoreError; the caller rolls back and reads its memory anew from the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from node.records.line import LogKey
from node.storage.console_rows import (
    CONSOLE_KEYS,
    Credential,
    Draft,
    LoginFailure,
    OnceKey,
    OneTimeLink,
    ReadNotice,
    SavedFilter,
    WebAudit,
    WebSession,
)
from node.storage.port_board import Projected, Projecting
from node.storage.rows import (
    BoardPage,
    BoardQuery,
    BoardRow,
    BoardTotal,
    CalendarRow,
    JobRun,
    Proposal,
    RulesRow,
    Unit,
    User,
)

# Of `rows`, passed on: whoever speaks with a store finds all its values here.
__all__ = [
    "BoardPage", "BoardQuery", "BoardRow", "BoardTotal", "CalendarRow", "Credential", "Draft", "JobRun",
    "LoginFailure", "OnceKey", "OneTimeLink", "Proposal", "ReadNotice", "RulesRow", "SavedFilter", "Unit", "User",
    "WebAudit", "WebSession",
]  # fmt: skip


class LogRow(NamedTuple):
    """A log and its cursors. ``log_no`` is local, from 1; ``folded_seq``/``checked_seq`` are consumers' cursors."""

    log_no: int
    log_id: bytes
    key: LogKey
    head_seq: int = 0
    head_id: bytes = b""
    folded_seq: int = 0
    checked_seq: int = 0  # every signature up to here was checked one by one
    frozen: bool = False  # a fork was proved (I5)


class RecordRow(NamedTuple):
    """A stored record. ``salt`` and ``payload`` are None once erased."""

    log_no: int
    seq: int
    record_id: bytes
    header: bytes
    signature: bytes
    salt: bytes | None
    payload: bytes | None
    received_ms: int


def stored_bytes(record: RecordRow) -> int:
    """Size of a record for the byte limit of `run`: its signed and salted bytes."""
    return len(record.header) + len(record.signature) + len(record.salt or b"") + len(record.payload or b"")


# Small tables: one frozen dataclass each; the primary key is named in KEYS. Stored by `put`, read by `get` and `rows`.


@dataclass(frozen=True, slots=True)
class Meta:
    """A named value of this node (office, federation, schema facts, counters)."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Peer:
    """A neighbour: parent or child."""

    office: str
    role: str  # parent | child
    address: str  # host:port to dial; empty for children
    link_ca: bytes  # X.509 DER of the neighbour's link CA
    admitted_ms: int
    last_contact_ms: int
    quarantined: str  # reason, empty = not
    reconciled_ms: int


@dataclass(frozen=True, slots=True)
class Ack:
    """A neighbour's newest receipt for a log: it holds it durably up to ``seq``."""

    peer: str
    log_no: int
    seq: int
    receipt_no: int


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A signed receipt, kept while an Ack names it."""

    receipt_no: int
    peer: str
    at_ms: int
    body: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class MarkRow:
    """Newest freshness mark of an office, and when its promise was last seen fulfilled here."""

    office: str
    number: int
    at_ms: int
    body: bytes
    signature: bytes
    satisfied_ms: int  # 数据截至: at_ms of the newest mark whose records are all held; 0 = never


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something refused that is worth keeping: who sent what, when, why. Bounded by the caller."""

    evidence_no: int
    peer: str
    at_ms: int
    code: str
    text: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Fork:
    """The other record under a number already taken: individually verified, kept whole (I5)."""

    log_no: int
    seq: int
    record_id: bytes
    header: bytes
    signature: bytes
    salt: bytes
    payload: bytes
    received_ms: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something an operator must know, until it is over."""

    code: str
    subject: str
    text: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Invite:
    """An invitation given out; the secret itself is not kept, only the public key derived from it."""

    invite_no: int
    code: str
    name: str
    public_key: bytes  # SubjectPublicKeyInfo DER of the key derived from the secret
    certificate: bytes  # X.509 DER trusted for enrolment calls until used or expired
    expires_ms: int
    auto_approve: bool
    used_ms: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A node that asked to be admitted: state waiting | admitted | refused."""

    code: str
    request: bytes  # JoinRequest as it came
    fingerprint: bytes  # key_id of the record key presented
    state: str
    at_ms: int
    tls_certificate: bytes


@dataclass(frozen=True, slots=True)
class TlsCert:
    """A TLS certificate issued to a child by this office's link CA."""

    office: str
    sha256: bytes
    expires_ms: int
    used_ms: int  # first use on a link; older ones of the office end then


@dataclass(frozen=True, slots=True)
class Actor:
    """Office-local number of a person; the name stays out of headers."""

    number: int
    name: str


@dataclass(frozen=True, slots=True)
class BlobRow:
    """An attachment this node knows of; content rests in the blob folder once ``present``."""

    hash: bytes
    salt: bytes
    size_bytes: int
    present: bool


@dataclass(frozen=True, slots=True)
class BlobRef:
    """That a record of this log names the attachment: who may fetch it (the line's holders)."""

    hash: bytes
    log_no: int
    seq: int


SmallRow = (  # fmt: skip
    Meta | Peer | Ack | ReceiptRow | MarkRow | Evidence | Fork | Alarm | Invite | Pending | TlsCert | Actor | BlobRow
    | BlobRef | User | Unit | JobRun | Proposal | RulesRow | CalendarRow | Credential | WebSession | LoginFailure
    | OneTimeLink | OnceKey | Draft | SavedFilter | WebAudit | ReadNotice)
R = TypeVar(
    "R", Meta, Peer, Ack, ReceiptRow, MarkRow, Evidence, Fork, Alarm, Invite, Pending, TlsCert, Actor, BlobRow, BlobRef,
    User, Unit, JobRun, Proposal, RulesRow, CalendarRow, Credential, WebSession, LoginFailure, OneTimeLink, OnceKey,
    Draft, SavedFilter, WebAudit, ReadNotice,
)  # fmt: skip

KEYS: dict[type[SmallRow], tuple[str, ...]] = {
    Meta: ("name",),
    Peer: ("office",),
    Ack: ("peer", "log_no"),
    ReceiptRow: ("receipt_no",),
    MarkRow: ("office",),
    Evidence: ("evidence_no",),
    Fork: ("log_no", "seq", "record_id"),
    Alarm: ("code", "subject"),
    Invite: ("invite_no",),
    Pending: ("code",),
    TlsCert: ("office", "sha256"),
    Actor: ("number",),
    BlobRow: ("hash",),
    BlobRef: ("hash", "log_no", "seq"),
    User: ("name",),
    Unit: ("name",),
    JobRun: ("job", "day"),
    Proposal: ("kind", "item_id", "day", "key"),
    RulesRow: ("office", "version", "name"),
    CalendarRow: ("office", "version"),
    **CONSOLE_KEYS,
}


class Reader(Projected, Protocol):
    """Reads what was committed (a Store also sees its own uncommitted writes)."""

    def together(self) -> AbstractContextManager[Reader]:
        """A reader for the calls of one question: they all see one moment, and cost less."""
        ...

    def logs(self) -> list[LogRow]:
        """All logs, by log_no."""
        ...

    def run(self, log_no: int, after_seq: int, count_max: int, bytes_max: int) -> list[RecordRow]:
        """Records of a log after ``after_seq`` in order; at least one where there is one, then up to both limits."""
        ...

    def records_at(self, places: Iterable[tuple[int, int]]) -> list[RecordRow]:
        """Records at (log_no, seq) places, sorted by place; absent places are left out."""
        ...

    def received_at(self, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """When the records at (log_no, seq) places were taken in (ms); absent places are left out."""
        ...

    def record_count(self) -> int:
        """Number of records held (may be taken from the heads)."""
        ...

    def get(self, table: type[R], *key: object) -> R | None:
        """A small row by primary key."""
        ...

    def rows(self, table: type[R], **equal: object) -> list[R]:
        """Small rows with these field values, sorted by primary key."""
        ...


class Store(Reader, Projecting, Protocol):
    """The writer's side."""

    def begin(self, *, durable: bool = True) -> None:
        """Start a transaction. ``durable=False`` announces `commit(durable=False)`: SQLite must know it beforehand."""
        ...

    def commit(self, *, durable: bool) -> None:
        """Make visible; with ``durable`` also safe against power loss before returning."""
        ...

    def rollback(self) -> None:
        """Forget everything since `begin`."""
        ...

    def add_logs(self, rows: Sequence[LogRow]) -> None:
        """New logs (log_no chosen by the caller)."""
        ...

    def append(self, records: Sequence[RecordRow], heads: Sequence[tuple[int, int, bytes]]) -> None:
        """Insert records, set (log_no, head_seq, head_id), and mark those logs dirty for the projection."""
        ...

    def replace(self, records: Sequence[RecordRow]) -> None:
        """Overwrite stored records byte for byte (repair, erasing); a row that was lost is put back."""
        ...

    def drop_records(self, log_no: int, after_seq: int) -> None:
        """Delete the records of a log after ``after_seq`` (damaged ones above its head, which is left alone)."""
        ...

    def set_log(self, log_no: int, *, checked_seq: int | None = None, frozen: bool | None = None) -> None:
        """Move a consumer's cursor or freeze a log."""
        ...

    def dirty_logs(self, limit: int) -> list[LogRow]:
        """Logs with records the projection has not seen, by log_no."""
        ...

    def set_folded(self, cursors: Sequence[tuple[int, int]]) -> None:
        """Set (log_no, folded_seq); a log whose cursor reached its head is no longer dirty."""
        ...

    def put(self, rows: Sequence[SmallRow]) -> None:
        """Insert or overwrite small rows (of one or several tables)."""
        ...

    def delete(self, table: type[SmallRow], *key: object) -> None:
        """Delete a small row by primary key; absent is fine."""
        ...

    def reader(self) -> Reader:
        """An independent reader of committed data for one other thread at a time."""
        ...

    def maintain(self) -> None:
        """Upkeep of the engine for a quiet moment, outside a transaction; waits for nobody."""
        ...

    def close(self) -> None:
        """Release the engine (checkpoint where it has one)."""
        ...
