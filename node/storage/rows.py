"""Rows of the projection and of what people set up here: the values that `port` speaks of, beside its small tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from node.items.lifecycle import DONE, STATE_LABELS

# Bits of BoardRow.flags.
EXEMPT, UNCLEAR, HIDDEN, PROVISIONAL = 1, 2, 4, 8
DATED_BY_UNIT = 256  # an own item's date is the 暂定 one of its unit (`items.marks.Tally.dated_by_unit`)
ORDERED, RECTIFIED, NOTICED, SCORED = 16, 32, 64, 128  # there are papers of this kind (`items.marks.PAPER_BITS`)
INNER = ("side", "special")  # subjects of what an office keeps to those who supervise: side files, drafts of 专报


class BoardRow(NamedTuple):
    """The projection of one item, as folded. Everything here is rebuilt from records alone (I7). Days since 1970."""

    item_no: int
    item_id: bytes
    parent: bytes  # item id of the issuer's item, empty for own items
    number: str  # 登记编号
    title: str
    kind: str  # registered | assignment
    issuer: str
    receiver: str
    role: str  # lead | assist | sole | ""
    path: str  # the line's codes joined by "/"
    subtree: bool
    state: str
    due_day: int  # days since 1970-01-01, 0 = none
    percent: int
    digest: bytes
    opened_log_no: int
    opened_seq: int
    updated_ms: int  # claimed time of the newest record with effect
    successor: bytes  # item id of the task that continues a re-assigned one, empty for none
    item_class: str = ""  # 事项类别 of the profile
    source: str = ""  # 事项来源
    subject: str = ""  # an approval case: what is to be approved; else empty
    target: bytes = b""  # the item a case or side file concerns
    unit: str = ""  # handling units inside the receiver, joined by 、
    colour: str = ""  # of the last 督办单
    extension: str = ""  # requested | granted | denied | noted
    flags: int = 0  # EXEMPT | UNCLEAR | HIDDEN | PROVISIONAL | DATED_BY_UNIT | ORDERED | RECTIFIED | NOTICED | SCORED
    strength: str = ""  # must | general | principle | none; empty = must
    warn_days: int = 0  # yellow within so many working days; 0 = 3
    opened_day: int = 0
    submitted_day: int = 0
    leader: str = ""  # 牵头领导
    frequency: str = ""  # cadence rule of its reports
    plan_year: int = 0  # 年度督查计划
    work_line: str = ""  # 工作线条; "" in what was opened without one
    # What figures are made of (`views.statistics`); days by the claimed times of records with effect, 0 = none.
    delivered_day: int = 0  # first 送达 (坚持交办 does not begin anew)
    signed_day: int = 0  # first 签收
    reported_day: int = 0  # last 进展 or 办结报告
    finished_day: int = 0  # the record that ended the receiver's work: 审核通过, 销号 …; 0 while it is open
    first_due_day: int = 0  # the limit it was opened with
    submissions: int = 0
    returns: int = 0
    urges: int = 0
    grants: int = 0  # 延期 granted
    slips: str = ""  # colours of all 督办单, in order, joined by commas


class LightQuery(NamedTuple):
    """Which 时限灯 a list wants, as days since 1970 so that a database can tell without a calendar.

    ``yellow_until``: for each number of warning days (0 = the usual three) the last yellow due day on ``today``;
    more warning days than the last one named count as the last one. Pairs in ascending order, at least one.
    """

    light: str  # green | yellow | red | done | none
    today: int
    yellow_until: tuple[tuple[int, int], ...]


class BoardTotal(NamedTuple):
    """How many rows a query has, whatever its limit, and the day the newest of them was opened (0 for none)."""

    rows: int
    newest_day: int


class BoardPage(NamedTuple):
    """The rows of a page, and how many rows the query has whatever its limit, counted up to what was asked."""

    rows: list[BoardRow]
    total: int


# States in which the receiver's work is not over; one of a later release is not known to be open.
OPEN_STATES = tuple(sorted({"", *STATE_LABELS} - DONE))
# Columns a list may be sorted by.
SORTS = ("item_no", "number", "title", "state", "due_day", "percent", "updated_ms", "opened_day", "receiver")


class BoardQuery(NamedTuple):
    """Filters of a list; empty means any. ``text`` matches inside title or number; ``office``: issuer or receiver.

    ``subject`` "-" leaves approval cases out, "*" wants only them, another word that subject. ``unit`` is one of the
    row's units. ``sources`` and ``classes``: one of them; ``parents``: issued under one of them; ``opened_from`` and
    ``opened_before``: the day it was opened, from … to before. ``states``, ``units``: one of them; ``open``: in one
    of `OPEN_STATES` and not exempted; ``no_due``: without a limit; ``item_nos``: only these (None = any).
    ``announced``: neither an inspection that is not announced yet (`HIDDEN`) nor one of the `INNER` files.

    ``paper``: with papers of this kind (`PAPERS`).

    ``work_line``: on this line; what names none is, if its source is one of ``line_sources``.

    ``sort`` is one of `SORTS`; equal rows stand by item_no, in the same direction.
    """

    state: str = ""
    office: str = ""
    kind: str = ""
    text: str = ""
    due_before_day: int = 0
    parent: bytes = b""
    limit: int = 10_000
    offset: int = 0
    item_class: str = ""
    source: str = ""
    subject: str = ""
    target: bytes = b""
    unit: str = ""
    colour: str = ""
    leader: str = ""
    plan_year: int = 0
    receiver: str = ""
    sources: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    parents: tuple[bytes, ...] = ()
    opened_from: int = 0
    opened_before: int = 0
    light: LightQuery | None = None
    states: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    open: bool = False
    issuer: str = ""
    extension: str = ""
    due_from_day: int = 0
    no_due: bool = False
    item_nos: tuple[int, ...] | None = None
    sort: str = "item_no"
    descending: bool = False
    announced: bool = False
    work_line: str = ""
    line_sources: tuple[str, ...] = ()
    paper: str = ""


# What a list of papers goes by: a field of the board row that is not empty, or a bit of its flags.
PAPERS: Mapping[str, str | int] = {
    "extension": "extension", "return": "returns", "review": "submissions", "slip": "slips", "order": ORDERED,
    "rectify": RECTIFIED, "notice": NOTICED, "score": SCORED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class User:
    """An account of this node. ``roles`` and ``posts`` (职务) are joined by commas; a leaver is not active."""

    name: str
    roles: str  # of operator, supervisor, leader, handler, viewer
    posts: str  # abstract role ids of the profile, e.g. office.director
    unit: str
    active: bool
    since_ms: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A department of this office that has no node of its own."""

    name: str
    head: str  # user name, empty for none
    active: bool


@dataclass(frozen=True, slots=True)
class JobRun:
    """That a job has run for a business date: exactly once, also after downtime."""

    job: str
    day: int
    at_ms: int
    found: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What software proposes or reminds of; a person acts or dismisses. One for each (kind, item, day, key)."""

    kind: str  # remind | due | overdue | unsigned | report_due | ledger | urge | slip | calendar | research …
    item_id: bytes  # empty where it concerns no single item
    day: int  # business date
    key: str  # what else tells it from others of the day
    text: str
    grounds: str
    done: str  # "" open; dismissed; the record's id in hex
    done_ms: int


@dataclass(frozen=True, slots=True)
class RulesRow:
    """A published rules profile, projected from its PROFILE record; ``published`` orders an office's profiles."""

    office: str
    version: int
    name: str
    valid_from_day: int
    record_id: bytes
    text: str
    published: int = 0  # the record's hybrid clock as one number, so every node orders alike


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """A published working-day calendar, projected from its CALENDAR record."""

    office: str
    version: int
    record_id: bytes
    body: bytes
    source: str
