"""Tracks and terms: what acts and openings of semantic version 2 say beside, as values; to protobuf and back.

A `Track` stands in an act, `Terms` in an opening; either is None where nothing of it is said. Verdicts, by kind:
EXT_DECISION GRANTED, DENIED, NOTED (已说明: reasons heard, the date stays); JUSTIFY_DECISION JUSTIFIED, UNJUSTIFIED;
VERIFY STARTED, PASSED, FAILED; REINSPECT STARTED, PASSED (无问题), FAILED (问题成立); SCORE PROPOSED, ADOPTED, DROPPED;
NOTICE PRAISE, CRITICISM; CHANGE REVEALED (an unannounced inspection's result is published); HANDLE MOVED (the unit has
the item in hand no more).

An act HANDLE whose date a rule set has the entry `PROVISIONAL_DATE` where the calendar did not know the year (A2).
"""

from __future__ import annotations

from typing import NamedTuple

from node.errors import InputError
from node.records import limits
from node.records.v1 import payloads_pb2

GRANTED, DENIED, NOTED = 1, 2, 3
JUSTIFIED, UNJUSTIFIED = 1, 2
STARTED, PASSED, FAILED = 0, 1, 2
PROPOSED, ADOPTED, DROPPED = 0, 1, 2
PRAISE, CRITICISM = 1, 2
REVEALED = 1
MOVED = 1
OPEN, REPORTED, CLEARED = 0, 1, 2

PROVISIONAL_DATE = "内部时限暂定"

SECRECY = ("", "公开", "内部")


class Milestone(NamedTuple):
    """节点: a step of a plan, known by its key. Days since 1970-01-01, ``done_day`` 0 = not done."""

    key: str
    title: str = ""
    due_day: int = 0
    done_day: int = 0


class Duty(NamedTuple):
    """One level of 六级负责 and who stands for it."""

    level: str
    name: str


class ChainStep(NamedTuple):
    """One step of an approval chain: each post once, in any order; with ``any_one`` one of them."""

    posts: tuple[str, ...]
    verb: str
    any_one: bool = False


class Finding(NamedTuple):
    """One question of a 复核 and its answer."""

    question: str
    ok: bool
    text: str = ""


class RectifyLine(NamedTuple):
    """A line of a 整改清单, known by its key; ``status`` OPEN, REPORTED or CLEARED."""

    key: str
    text: str = ""
    unit: str = ""
    leader: str = ""
    due_day: int = 0
    status: int = OPEN


class Track(NamedTuple):
    """What an act of semantic version 2 says beside; fields as in payloads.proto."""

    basis: bytes = b""
    post: str = ""
    verdict: int = 0
    steps: tuple[ChainStep, ...] = ()
    findings: tuple[Finding, ...] = ()
    colour: str = ""
    rule: str = ""
    points_milli: int = 0
    cause: bytes = b""
    milestones: tuple[Milestone, ...] = ()
    lines: tuple[RectifyLine, ...] = ()
    number: str = ""
    entries: tuple[str, ...] = ()
    duties: tuple[Duty, ...] = ()
    offices: tuple[str, ...] = ()
    title: str = ""


class Terms(NamedTuple):
    """What an opening of semantic version 2 says beside; fields as in payloads.proto."""

    item_class: str = ""
    profile: str = ""
    origin: str = ""
    hidden: bool = False
    unclear: str = ""
    subject: str = ""
    target: bytes = b""
    form: str = ""
    milestones: tuple[Milestone, ...] = ()
    supervised_by: str = ""
    duties: tuple[Duty, ...] = ()
    frequency: str = ""
    remark: str = ""
    weight: int = 0
    secrecy: str = ""
    strength: str = ""
    warn_days: int = 0
    start_day: int = 0
    provisional: bool = False
    plan_year: int = 0
    leader: str = ""
    work_line: str = ""


def track_out(track: Track) -> payloads_pb2.Track:
    """As protobuf."""
    fields = track._asdict()
    fields["steps"] = [payloads_pb2.ChainStep(**step._asdict()) for step in track.steps]
    fields["findings"] = [payloads_pb2.Finding(**finding._asdict()) for finding in track.findings]
    fields["milestones"] = [payloads_pb2.Milestone(**step._asdict()) for step in track.milestones]
    fields["lines"] = [payloads_pb2.RectifyLine(**line._asdict()) for line in track.lines]
    fields["duties"] = [payloads_pb2.Duty(**duty._asdict()) for duty in track.duties]
    return payloads_pb2.Track(**fields)


def track_in(m: payloads_pb2.Track) -> Track:
    """From protobuf, not yet checked."""
    return Track(
        m.basis, m.post, m.verdict, tuple(ChainStep(tuple(step.posts), step.verb, step.any_one) for step in m.steps),
        tuple(Finding(found.question, found.ok, found.text) for found in m.findings), m.colour, m.rule,
        m.points_milli, m.cause, tuple(_milestone(step) for step in m.milestones),
        tuple(RectifyLine(line.key, line.text, line.unit, line.leader, line.due_day, line.status) for line in m.lines),
        m.number, tuple(m.entries), tuple(Duty(duty.level, duty.name) for duty in m.duties), tuple(m.offices), m.title,
    )  # fmt: skip


def terms_out(terms: Terms) -> payloads_pb2.Terms:
    """As protobuf."""
    fields = terms._asdict()
    fields["milestones"] = [payloads_pb2.Milestone(**step._asdict()) for step in terms.milestones]
    fields["duties"] = [payloads_pb2.Duty(**duty._asdict()) for duty in terms.duties]
    return payloads_pb2.Terms(**fields)


def terms_in(m: payloads_pb2.Terms) -> Terms:
    """From protobuf, not yet checked."""
    return Terms(
        m.item_class, m.profile, m.origin, m.hidden, m.unclear, m.subject, m.target, m.form,
        tuple(_milestone(step) for step in m.milestones), m.supervised_by,
        tuple(Duty(duty.level, duty.name) for duty in m.duties), m.frequency, m.remark, m.weight, m.secrecy,
        m.strength, m.warn_days, m.start_day, m.provisional, m.plan_year, m.leader,
        m.work_line,
    )  # fmt: skip


def texts_of(value: Track | Terms) -> tuple[list[str], list[str]]:
    """All its texts: (names of at most NAME_CHARS_MAX, words of at most TEXT_CHARS_MAX), for the payload's check."""
    names: list[str] = []
    words: list[str] = []
    if isinstance(value, Track):
        names += [value.post, value.colour, value.rule, value.number, value.title, *value.offices]
        for chain_step in value.steps:
            names += [chain_step.verb, *chain_step.posts]
        for finding in value.findings:
            names.append(finding.question)
            words.append(finding.text)
        for line in value.lines:
            names += [line.key, line.unit, line.leader]
            words.append(line.text)
        words += value.entries
    else:
        names += [value.item_class, value.profile, value.origin, value.subject, value.form, value.supervised_by]
        names += [value.frequency, value.strength, value.leader, value.work_line]
        words += [value.unclear, value.remark]
    for step in value.milestones:
        names += [step.key, step.title]
    for duty in value.duties:
        names += [duty.level, duty.name]
    return names, words


def check_shape(value: Track | Terms) -> None:
    """Refuse lists that are too long, ids that are none, and secret matters (A22); InputError."""
    lists: list[tuple[object, ...]] = [value.milestones, value.duties]
    if isinstance(value, Track):
        lists += [value.steps, value.findings, value.lines, value.entries, value.offices]
        ids = (value.basis, value.cause)
        if any(len(step.posts) > limits.POINTS_MAX for step in value.steps):
            raise InputError(f"审批环节的职务超过 {limits.POINTS_MAX} 个")
    else:
        ids = (value.target, b"")
        if value.secrecy not in SECRECY:
            raise InputError(
                "本网络不处理国家秘密", field="--secrecy", value=value.secrecy, remedy="密级只能写 公开 或 内部"
            )
    if any(len(entries) > limits.CHILDREN_MAX for entries in lists):
        raise InputError(f"清单超过 {limits.CHILDREN_MAX} 条", remedy="分几次登记")
    if any(one and len(one) != limits.HASH_BYTES for one in ids):
        raise InputError("not a record id")


def _milestone(m: payloads_pb2.Milestone) -> Milestone:
    return Milestone(m.key, m.title, m.due_day, m.done_day)
