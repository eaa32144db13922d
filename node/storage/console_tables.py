"""The tables of the console; as in `small_tables` the columns are the fields of the dataclass."""

from __future__ import annotations

from sqlalchemy import Table
from sqlmodel import SQLModel

from node.storage import port
from node.storage.columns import a_number, a_text, some_bytes


class CredentialTable(SQLModel, table=True):
    """`port.Credential`."""

    __tablename__ = "credential"

    name: str = a_text(key=True)
    secret: str = a_text()
    changed_ms: int = a_number()


class WebSessionTable(SQLModel, table=True):
    """`port.WebSession`."""

    __tablename__ = "web_session"

    digest: bytes = some_bytes(key=True)
    name: str = a_text()
    made_ms: int = a_number()
    seen_ms: int = a_number()
    address: str = a_text()


class LoginFailureTable(SQLModel, table=True):
    """`port.LoginFailure`."""

    __tablename__ = "login_failure"

    subject: str = a_text(key=True)
    count: int = a_number()
    last_ms: int = a_number()
    blocked_ms: int = a_number()


class OneTimeLinkTable(SQLModel, table=True):
    """`port.OneTimeLink`."""

    __tablename__ = "one_time_link"

    digest: bytes = some_bytes(key=True)
    name: str = a_text()
    expires_ms: int = a_number()
    used_ms: int = a_number()


class OnceKeyTable(SQLModel, table=True):
    """`port.OnceKey`."""

    __tablename__ = "once_key"

    digest: bytes = some_bytes(key=True)
    at_ms: int = a_number()
    verb: str = a_text()
    answer: str = a_text()


class DraftTable(SQLModel, table=True):
    """`port.Draft`."""

    __tablename__ = "draft"

    name: str = a_text(key=True)
    place: str = a_text(key=True)
    text: str = a_text()
    at_ms: int = a_number()


class SavedFilterTable(SQLModel, table=True):
    """`port.SavedFilter`."""

    __tablename__ = "saved_filter"

    name: str = a_text(key=True)
    page: str = a_text(key=True)
    title: str = a_text(key=True)
    query: str = a_text()
    at_ms: int = a_number()


class WebAuditTable(SQLModel, table=True):
    """`port.WebAudit`."""

    __tablename__ = "web_audit"

    number: int = a_number(key=True)
    at_ms: int = a_number()
    name: str = a_text()
    address: str = a_text()
    action: str = a_text()
    subject: str = a_text()
    outcome: str = a_text()
    chain: bytes = some_bytes()


class ReadNoticeTable(SQLModel, table=True):
    """`port.ReadNotice`."""

    __tablename__ = "read_notice"

    name: str = a_text(key=True)
    notice: str = a_text(key=True)
    at_ms: int = a_number()


_TABLES = SQLModel.metadata.tables
CONSOLE: dict[type[port.SmallRow], Table] = {
    port.Credential: _TABLES["credential"],
    port.WebSession: _TABLES["web_session"],
    port.LoginFailure: _TABLES["login_failure"],
    port.OneTimeLink: _TABLES["one_time_link"],
    port.OnceKey: _TABLES["once_key"],
    port.Draft: _TABLES["draft"],
    port.SavedFilter: _TABLES["saved_filter"],
    port.WebAudit: _TABLES["web_audit"],
    port.ReadNotice: _TABLES["read_notice"],
}
