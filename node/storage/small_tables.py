"""The small tables: the columns of each are the fields of its dataclass in `port`, under the same names."""

from __future__ import annotations

from sqlalchemy import Table
from sqlmodel import SQLModel

from node.storage import port
from node.storage.columns import IN_KEY_ORDER, a_number, a_text, some_bytes
from node.storage.console_tables import CONSOLE


class MetaTable(SQLModel, table=True):
    """`port.Meta`."""

    __tablename__ = "meta"

    name: str = a_text(key=True)
    value: bytes = some_bytes()


class PeerTable(SQLModel, table=True):
    """`port.Peer`."""

    __tablename__ = "peer"

    office: str = a_text(key=True)
    role: str = a_text()
    address: str = a_text()
    link_ca: bytes = some_bytes()
    admitted_ms: int = a_number()
    last_contact_ms: int = a_number()
    quarantined: str = a_text()
    reconciled_ms: int = a_number()


class AckTable(SQLModel, table=True):
    """`port.Ack`."""

    __tablename__ = "ack"
    __table_args__ = IN_KEY_ORDER

    peer: str = a_text(key=True)
    log_no: int = a_number(key=True)
    seq: int = a_number()
    receipt_no: int = a_number()


class ReceiptTable(SQLModel, table=True):
    """`port.ReceiptRow`."""

    __tablename__ = "receipt"

    receipt_no: int = a_number(key=True)
    peer: str = a_text()
    at_ms: int = a_number()
    body: bytes = some_bytes()
    signature: bytes = some_bytes()


class MarkTable(SQLModel, table=True):
    """`port.MarkRow`."""

    __tablename__ = "mark"

    office: str = a_text(key=True)
    number: int = a_number()
    at_ms: int = a_number()
    body: bytes = some_bytes()
    signature: bytes = some_bytes()
    satisfied_ms: int = a_number()


class EvidenceTable(SQLModel, table=True):
    """`port.Evidence`."""

    __tablename__ = "evidence"

    evidence_no: int = a_number(key=True)
    peer: str = a_text()
    at_ms: int = a_number()
    code: str = a_text()
    text: str = a_text()
    data: bytes = some_bytes()


class ForkTable(SQLModel, table=True):
    """`port.Fork`."""

    __tablename__ = "fork"

    log_no: int = a_number(key=True)
    seq: int = a_number(key=True)
    record_id: bytes = some_bytes(key=True)
    header: bytes = some_bytes()
    signature: bytes = some_bytes()
    salt: bytes = some_bytes()
    payload: bytes = some_bytes()
    received_ms: int = a_number()


class AlarmTable(SQLModel, table=True):
    """`port.Alarm`."""

    __tablename__ = "alarm"

    code: str = a_text(key=True)
    subject: str = a_text(key=True)
    text: str = a_text()
    since_ms: int = a_number()


class InviteTable(SQLModel, table=True):
    """`port.Invite`."""

    __tablename__ = "invite"

    invite_no: int = a_number(key=True)
    code: str = a_text()
    name: str = a_text()
    public_key: bytes = some_bytes()
    certificate: bytes = some_bytes()
    expires_ms: int = a_number()
    auto_approve: bool
    used_ms: int = a_number()


class PendingTable(SQLModel, table=True):
    """`port.Pending`."""

    __tablename__ = "pending"

    code: str = a_text(key=True)
    request: bytes = some_bytes()
    fingerprint: bytes = some_bytes()
    state: str = a_text()
    at_ms: int = a_number()
    tls_certificate: bytes = some_bytes()


class TlsCertTable(SQLModel, table=True):
    """`port.TlsCert`."""

    __tablename__ = "tls_cert"

    office: str = a_text(key=True)
    sha256: bytes = some_bytes(key=True)
    expires_ms: int = a_number()
    used_ms: int = a_number()


class ActorTable(SQLModel, table=True):
    """`port.Actor`."""

    __tablename__ = "actor"

    number: int = a_number(key=True)
    name: str = a_text()


class BlobTable(SQLModel, table=True):
    """`port.BlobRow`."""

    __tablename__ = "blob"

    hash: bytes = some_bytes(key=True)
    salt: bytes = some_bytes()
    size_bytes: int = a_number()
    present: bool


class BlobRefTable(SQLModel, table=True):
    """`port.BlobRef`."""

    __tablename__ = "blob_ref"
    __table_args__ = IN_KEY_ORDER

    hash: bytes = some_bytes(key=True)
    log_no: int = a_number(key=True)
    seq: int = a_number(key=True)


class UserTable(SQLModel, table=True):
    """`port.User`."""

    __tablename__ = "user_account"

    name: str = a_text(key=True)
    roles: str = a_text()
    posts: str = a_text()
    unit: str = a_text()
    active: bool
    since_ms: int = a_number()


class UnitTable(SQLModel, table=True):
    """`port.Unit`."""

    __tablename__ = "unit"

    name: str = a_text(key=True)
    head: str = a_text()
    active: bool


class JobRunTable(SQLModel, table=True):
    """`port.JobRun`."""

    __tablename__ = "job_run"

    job: str = a_text(key=True)
    day: int = a_number(key=True)
    at_ms: int = a_number()
    found: int = a_number()


class ProposalTable(SQLModel, table=True):
    """`port.Proposal`."""

    __tablename__ = "proposal"

    kind: str = a_text(key=True)
    item_id: bytes = some_bytes(key=True)
    day: int = a_number(key=True)
    key: str = a_text(key=True)
    text: str = a_text()
    grounds: str = a_text()
    done: str = a_text()
    done_ms: int = a_number()


class RulesTable(SQLModel, table=True):
    """`port.RulesRow`."""

    __tablename__ = "rules"

    office: str = a_text(key=True)
    version: int = a_number(key=True)
    name: str = a_text(key=True)
    valid_from_day: int = a_number()
    record_id: bytes = some_bytes()
    text: str = a_text()
    published: int = a_number()


class CalendarTable(SQLModel, table=True):
    """`port.CalendarRow`."""

    __tablename__ = "calendar"

    office: str = a_text(key=True)
    version: int = a_number(key=True)
    record_id: bytes = some_bytes()
    body: bytes = some_bytes()
    source: str = a_text()


_TABLES = SQLModel.metadata.tables
SMALL: dict[type[port.SmallRow], Table] = {
    port.Meta: _TABLES["meta"],
    port.Peer: _TABLES["peer"],
    port.Ack: _TABLES["ack"],
    port.ReceiptRow: _TABLES["receipt"],
    port.MarkRow: _TABLES["mark"],
    port.Evidence: _TABLES["evidence"],
    port.Fork: _TABLES["fork"],
    port.Alarm: _TABLES["alarm"],
    port.Invite: _TABLES["invite"],
    port.Pending: _TABLES["pending"],
    port.TlsCert: _TABLES["tls_cert"],
    port.Actor: _TABLES["actor"],
    port.BlobRow: _TABLES["blob"],
    port.BlobRef: _TABLES["blob_ref"],
    port.User: _TABLES["user_account"],
    port.Unit: _TABLES["unit"],
    port.JobRun: _TABLES["job_run"],
    port.Proposal: _TABLES["proposal"],
    port.RulesRow: _TABLES["rules"],
    port.CalendarRow: _TABLES["calendar"],
    **CONSOLE,
}
