"""What `doctor` looks at: values gathered at the edge, so that every check is a pure function of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from node.services.views.truth import FRESH_MS
from node.storage.inspect import Database
from node.storage.port import Alarm


class File(NamedTuple):
    """A folder or secret file of the home: its mode and owner; ``wanted`` as octal. ``mode`` 0: it is not there."""

    path: str
    mode: int
    uid: int
    wanted: int


class Certificate(NamedTuple):
    """A TLS certificate of this node: until when it is good, and whether its issuer signed it."""

    name: str
    expires_ms: int
    chain_ok: bool
    renewal_due: bool


class Linked(NamedTuple):
    """How it stands with a neighbour; times in ms, 0 = never."""

    office: str
    role: str  # parent | child
    state: str
    connected: bool
    last_contact_ms: int
    as_of_ms: int
    to_send: int
    oldest_unsent_ms: int
    quarantined: str
    software: str  # version it runs, empty where not connected
    protocols: tuple[int, int]  # what it speaks, (0, 0) where not connected
    own_ahead: int  # records of this office it holds and this node lacks


class Parent(NamedTuple):
    """The parent's address and the layer that failed, empty where all hold."""

    address: str
    layer: str
    text: str


class Job(NamedTuple):
    """A job that runs once a business date: the date it last ran for, and the newest that is due (days)."""

    name: str
    last_day: int
    due_day: int


class Backup(NamedTuple):
    """``folder``: where daily backups go, empty = none are made; ``at_ms`` of the last checked one, 0 = never."""

    folder: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is gathered. None: could not be, or makes no sense (a node that is stopped has no links)."""

    now_ms: int
    running: bool
    deep: bool
    office: str
    uid: int
    home: str
    files: tuple[File, ...] = ()
    disk_free_bytes: int = 0
    disk_bytes: int = 0
    disk_fault: str = ""  # why nothing can be written, empty where it can
    database: Database | None = None
    database_fault: str = ""  # why it was not opened
    database_fix: str = ""  # what to do about that, empty where the refusal does not say
    findings: tuple[Mapping[str, object], ...] = ()  # of the scrub, or of the whole audit
    scrubbed: str = ""  # tail | all | empty = not
    board_wrong: int = 0
    recovering: str = ""
    certificates: tuple[Certificate, ...] = ()
    console: Certificate | None = None  # of the console; None where there is none
    parent: Parent | None = None
    links: tuple[Linked, ...] = ()
    skew_ms: int | None = None
    zone: str = ""
    calendar_unknown_day: int = 0  # the first of the next 400 days whose year is not arranged, 0 = none
    calendar_version: int = 0
    profiles_missing: tuple[str, ...] = ()  # numbers of open items
    jobs: tuple[Job, ...] = ()
    backup: Backup | None = None
    evidence: Mapping[str, int] = field(default_factory=dict)  # refusals of the last 24 hours by reason
    frozen: tuple[str, ...] = ()
    parked: int = 0
    listen: str = ""
    listening: bool | None = None
    files_max: int = 0
    pending: tuple[str, ...] = ()
    unowned: tuple[str, ...] = ()
    blobs_missing: tuple[str, ...] = ()
    over_quota: tuple[str, ...] = ()
    fresh_ms: int = FRESH_MS  # a child's data older than this is 数据过期 (faults.md B8)
    alarms: tuple[Alarm, ...] = ()
