"""Row types of the console: who may sign in, who is signed in, what was typed and done there.

Rules: nothing here is a record, and nothing of it leaves this node. Secrets (session ids, links, once-keys) are stored
as their SHA-256 only. Times are milliseconds since 1970 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Credential:
    """How an account proves who it is; ``secret`` is argon2id, in its own notation."""

    name: str
    secret: str
    changed_ms: int


@dataclass(frozen=True, slots=True)
class WebSession:
    """Somebody signed in: ``digest`` of the id in the cookie; ``seen_ms`` is the last request, to the minute."""

    digest: bytes
    name: str
    made_ms: int
    seen_ms: int
    address: str


@dataclass(frozen=True, slots=True)
class LoginFailure:
    """Failed attempts of late, for an account or from an address; none is looked at before ``blocked_ms``."""

    subject: str
    count: int
    last_ms: int
    blocked_ms: int


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """A way in that works once: to set a password, or (``name`` empty) to make the first operator."""

    digest: bytes
    name: str
    expires_ms: int
    used_ms: int


@dataclass(frozen=True, slots=True)
class OnceKey:
    """What a form that was sent has brought about; the same form sent again gets the same answer (JSON)."""

    digest: bytes
    at_ms: int
    verb: str
    answer: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed and not sent yet: ``place`` says in which form of what, ``text`` is JSON field -> text."""

    name: str
    place: str
    text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A list's filter under a name of the person's own; ``query`` is what stands behind the address."""

    name: str
    page: str
    title: str
    query: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class WebAudit:
    """An entry of the console's audit log; ``chain`` covers it and all before it."""

    number: int
    at_ms: int
    name: str
    address: str
    action: str
    subject: str
    outcome: str
    chain: bytes


@dataclass(frozen=True, slots=True)
class ReadNotice:
    """That a person has read a notice."""

    name: str
    notice: str
    at_ms: int


CONSOLE_KEYS: dict[Any, tuple[str, ...]] = {
    Credential: ("name",),
    WebSession: ("digest",),
    LoginFailure: ("subject",),
    OneTimeLink: ("digest",),
    OnceKey: ("digest",),
    Draft: ("name", "place"),
    SavedFilter: ("name", "page", "title"),
    WebAudit: ("number",),
    ReadNotice: ("name", "notice"),
}
