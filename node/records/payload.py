"""Payloads: what a record says, as values of this project; the only place that turns them into protobuf and back.

Rules: `decode` accepts or raises PeerError(malformed) (the fold then gives the record no effect; admission never looks
here); fields unknown to this release are ignored, the bytes are kept; text is checked for length and for characters
that deceive the eye (faults.md B16) on both sides.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from google.protobuf.message import DecodeError

from node.errors import InputError, PeerError
from node.records import limits
from node.records.envelope import Envelope
from node.records.kinds import OPENING_KINDS, Kind
from node.records.track import Terms, Track, check_shape, terms_in, terms_out, texts_of, track_in, track_out
from node.records.v1 import payloads_pb2, record_pb2

# C0 and C1 controls but tab and line feed, zero-width and direction-changing characters, the byte order mark.
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")

LEAD, ASSIST, SOLE = 1, 2, 3
ROLE_NAMES = {LEAD: "lead", ASSIST: "assist", SOLE: "sole"}
REDO, SUPPLEMENT = 1, 2


class Attachment(NamedTuple):
    r"""A file named by a record; ``hash`` = H("dulian-blob-1\0" ‖ salt ‖ content)."""

    hash: bytes
    salt: bytes
    size_bytes: int
    name: str


class Opening(NamedTuple):
    """Payload of REGISTER and ASSIGN. ``due_day`` is days since 1970-01-01 in Asia/Shanghai, 0 = none."""

    title: str
    text: str = ""
    actor_name: str = ""
    attachments: tuple[Attachment, ...] = ()
    occurred_day: int = 0
    number: str = ""
    source: str = ""
    points: tuple[str, ...] = ()
    due_day: int = 0
    rule: str = ""
    receiver: str = ""
    role: int = 0
    lead: str = ""
    parent: bytes = b""
    responsible: str = ""
    limit_text: str = ""
    predecessor: bytes = b""
    local: bool = False
    terms: Terms | None = None


class Act(NamedTuple):
    """Payload of every kind that acts on an item. ``percent`` is 0..100, -1 = not said."""

    text: str = ""
    actor_name: str = ""
    attachments: tuple[Attachment, ...] = ()
    occurred_day: int = 0
    percent: int = -1
    due_day: int = 0
    return_mode: int = 0
    urge_channel: str = ""
    children: tuple[bytes, ...] = ()
    successor: bytes = b""
    answers: tuple[tuple[int, str], ...] = ()
    unit: str = ""
    person: str = ""
    track: Track | None = None


class Enclosure(NamedTuple):
    """Payload of ENCLOSE: records of another line, whole, so that who may not hold that line can verify them.

    Of WITNESS: records of the same line, the branches of a forked log.
    """

    text: str
    actor_name: str
    records: tuple[Envelope, ...]
    attachments: tuple[Attachment, ...] = ()


class Profile(NamedTuple):
    """Payload of PROFILE: ``text`` is the complete profile as canonical JSON; in force from ``valid_from_day`` on."""

    name: str
    version: int
    valid_from_day: int
    text: str
    actor_name: str = ""


class Calendar(NamedTuple):
    """Payload of CALENDAR: ``body`` as in node/rules/calendar.py, ``text`` says where it comes from."""

    version: int
    body: bytes
    text: str = ""
    actor_name: str = ""


class KnownHead(NamedTuple):
    """A log's head as somebody knew it."""

    log_id: bytes
    seq: int
    record_id: bytes


class Epoch(NamedTuple):
    """Payload of EPOCH. ``previous`` is 0 for an office's first."""

    previous: int
    reason: str
    heads: tuple[KnownHead, ...] = ()


class Statement(NamedTuple):
    """Payload of STATEMENT 对账单: the result bytes (`statement.Result`) of reconciling the link to ``peer``."""

    peer: str
    result: bytes


class Certificate(NamedTuple):
    """Payload of CERTIFICATE; ``path`` is root … code, ``possession`` signs `possession_message`."""

    code: str
    name: str
    level: str
    path: tuple[str, ...]
    suite: int
    raw_key: bytes
    possession: bytes
    link_ca_sha256: bytes = b""
    previous_key_id: bytes = b""
    countersignature: bytes = b""


Payload = Opening | Act | Enclosure | Profile | Calendar | Epoch | Certificate | Statement
_Message = (
    payloads_pb2.Opening | payloads_pb2.Act | payloads_pb2.Enclosure | payloads_pb2.Profile | payloads_pb2.Calendar
    | payloads_pb2.Epoch | payloads_pb2.Certificate | payloads_pb2.Statement
)  # fmt: skip
_LAST_ACT = int(Kind.CORRECT)
_new = tuple.__new__  # a value from its fields in order, without a call of Python's for each of millions
_SIDE_TRACKS = range(Kind.SLIP, Kind.ENCLOSE)


def encode(payload: Payload) -> bytes:
    """Return the payload's bytes, made once by its author; InputError where a text is not acceptable."""
    raw = _message(payload).SerializeToString(deterministic=True)
    if len(raw) > limits.PAYLOAD_BYTES_MAX:
        raise InputError(f"内容过长（上限 {limits.PAYLOAD_BYTES_MAX // 1024} KiB）", remedy="把长文作为附件提交")
    return raw


def _message(payload: Payload) -> _Message:
    if isinstance(payload, Opening):
        _check_opening(payload)
        fields = payload._asdict() | {"attachments": _files_out(payload.attachments)}
        fields["terms"] = None if payload.terms is None else terms_out(payload.terms)
        return payloads_pb2.Opening(**fields)
    if isinstance(payload, Act):
        _check_act(payload)
        fields = payload._asdict() | {"attachments": _files_out(payload.attachments)}
        fields["answers"] = [payloads_pb2.PointAnswer(point=point, text=text) for point, text in payload.answers]
        fields["percent_plus_1"] = fields.pop("percent") + 1
        fields["track"] = None if payload.track is None else track_out(payload.track)
        return payloads_pb2.Act(**fields)
    if isinstance(payload, Enclosure):
        records = [record_pb2.Envelope(**envelope._asdict()) for envelope in payload.records]
        return payloads_pb2.Enclosure(actor_name=payload.actor_name, text=payload.text, records=records)
    if isinstance(payload, Profile):
        return payloads_pb2.Profile(**payload._asdict())
    if isinstance(payload, Calendar):
        return payloads_pb2.Calendar(**payload._asdict())
    if isinstance(payload, Epoch):
        heads = [payloads_pb2.KnownHead(log_id=h.log_id, seq=h.seq, record_id=h.record_id) for h in payload.heads]
        return payloads_pb2.Epoch(previous=payload.previous, reason=payload.reason, heads=heads)
    if isinstance(payload, Statement):
        return payloads_pb2.Statement(peer=payload.peer, result=payload.result)
    return payloads_pb2.Certificate(**payload._asdict())


def decode(kind: int, raw: bytes) -> Payload | None:
    """Read payload bytes; None for a kind whose payload this release does not know; PeerError(malformed)."""
    try:
        if kind in OPENING_KINDS:
            return _opening(payloads_pb2.Opening.FromString(raw))
        if kind <= _LAST_ACT:
            return _act(payloads_pb2.Act.FromString(raw))
        if kind in _SIDE_TRACKS:
            return _act(payloads_pb2.Act.FromString(raw))
        if kind in (Kind.ENCLOSE, Kind.WITNESS):
            return _enclosure(payloads_pb2.Enclosure.FromString(raw))
        if kind == Kind.PROFILE:
            rules = payloads_pb2.Profile.FromString(raw)
            _require_names(rules.name, rules.actor_name)
            return Profile(rules.name, rules.version, rules.valid_from_day, rules.text, rules.actor_name)
        if kind == Kind.CALENDAR:
            calendar = payloads_pb2.Calendar.FromString(raw)
            _require(calendar.text, limits.TEXT_CHARS_MAX)
            _require_names(calendar.actor_name)
            return Calendar(calendar.version, calendar.body, calendar.text, calendar.actor_name)
        if kind == Kind.EPOCH:
            epoch = payloads_pb2.Epoch.FromString(raw)
            _require_names(epoch.reason)
            heads = tuple(KnownHead(h.log_id, h.seq, h.record_id) for h in epoch.heads)
            return Epoch(epoch.previous, epoch.reason, heads)
        if kind == Kind.STATEMENT:
            statement = payloads_pb2.Statement.FromString(raw)
            _require_names(statement.peer)
            return Statement(statement.peer, statement.result)
        if kind == Kind.CERTIFICATE:
            return _certificate(payloads_pb2.Certificate.FromString(raw))
    except (DecodeError, InputError, ValueError) as error:
        raise PeerError("记录内容格式不符", code="malformed", evidence=raw[:1024], detail=str(error)) from error
    return None


def check_text(text: str, field: str, chars_max: int = limits.TEXT_CHARS_MAX) -> str:
    """Return ``text`` in NFC; InputError naming the field where it is too long or holds deceptive characters."""
    if len(text) > chars_max:
        remedy = "缩短文字，或作为附件提交"
        raise InputError(f"文字过长：{len(text)} 字，上限 {chars_max} 字", field=field, remedy=remedy)
    bad = FORBIDDEN.search(text)
    if bad:
        raise InputError(f"含有不可见或控制字符 U+{ord(bad[0]):04X}", field=field, remedy="删去该字符后重试")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def check_line(text: str, field: str, chars_max: int) -> str:
    """As `check_text`, for a name or a title: InputError also where it does not stand on one line."""
    if "\n" in text or "\t" in text:
        raise InputError("须写在一行内", field=field, value=" ".join(text.split()), remedy="去掉换行和制表符")
    return check_text(text, field, chars_max)


def _require(text: str, chars_max: int) -> None:
    if text and (len(text) > chars_max or FORBIDDEN.search(text)):
        check_text(text, "payload", chars_max)


def _require_names(*names: str) -> None:
    for name in names:
        _require(name, limits.NAME_CHARS_MAX)


def _check_opening(p: Opening) -> None:
    _require(p.title, limits.TITLE_CHARS_MAX)
    if not p.title.strip():
        raise InputError("事项名称不能为空", field="--title", remedy="写明事项名称")
    for text in (p.text, p.responsible, p.limit_text):
        _require(text, limits.TEXT_CHARS_MAX)
    for text in (p.actor_name, p.number, p.source, p.rule, p.receiver, p.lead):
        _require(text, limits.NAME_CHARS_MAX)
    if len(p.points) > limits.POINTS_MAX:
        raise InputError(f"分项要求超过 {limits.POINTS_MAX} 条", field="--point", remedy="分成几个事项")
    for point in p.points:
        _require(point, limits.POINT_CHARS_MAX)
    _check_files(p.attachments)
    if p.parent and len(p.parent) != limits.HASH_BYTES:
        raise InputError("parent is not a record id")
    if p.terms is not None:
        _check_more(p.terms)


def _check_more(value: Track | Terms) -> None:
    names, words = texts_of(value)
    for text in names:
        _require(text, limits.NAME_CHARS_MAX)
    for text in words:
        _require(text, limits.TEXT_CHARS_MAX)
    check_shape(value)


def _check_act(p: Act) -> None:
    names = p.actor_name + p.urge_channel + p.unit + p.person
    words = p.text + names
    # What is printable has nothing forbidden in it, and is told apart in half the time.
    if (
        len(p.text) > limits.TEXT_CHARS_MAX or len(names) > limits.NAME_CHARS_MAX
        or (not words.isprintable() and FORBIDDEN.search(words))
    ):  # fmt: skip
        # At least one of them may be wrong: which?
        _require(p.text, limits.TEXT_CHARS_MAX)
        for text in (p.actor_name, p.urge_channel, p.unit, p.person):
            _require(text, limits.NAME_CHARS_MAX)
    if not -1 <= p.percent <= 100:
        raise InputError("进度须在 0 到 100 之间", field="--percent", value=p.percent, remedy="填 0 到 100 的整数")
    if len(p.children) > limits.CHILDREN_MAX:
        raise InputError(f"一次最多交办 {limits.CHILDREN_MAX} 个单位", field="--to", remedy="分几次交办")
    if p.children and any(len(child) != limits.HASH_BYTES for child in p.children):
        raise InputError("child is not a record id")
    if len(p.answers) > limits.POINTS_MAX:
        raise InputError(f"分项答复超过 {limits.POINTS_MAX} 条")
    for _, answer in p.answers:
        _require(answer, limits.TEXT_CHARS_MAX)
    if p.attachments:
        _check_files(p.attachments)
    if p.track is not None:
        _check_more(p.track)


def _check_files(files: tuple[Attachment, ...]) -> None:
    if len(files) > limits.ATTACHMENTS_MAX:
        raise InputError(f"附件超过 {limits.ATTACHMENTS_MAX} 个", field="--attach", remedy="合并或分几次提交")
    for file in files:
        _require(file.name, limits.NAME_CHARS_MAX)
        if len(file.hash) != limits.HASH_BYTES or len(file.salt) != limits.SALT_BYTES or "/" in file.name:
            raise InputError("附件登记不完整", field="--attach", value=file.name)
        if file.size_bytes > limits.ATTACHMENT_BYTES_MAX:
            raise InputError("附件过大", field="--attach", value=file.name, remedy="附件上限 2 GiB")


def _files_out(files: tuple[Attachment, ...]) -> list[payloads_pb2.Attachment]:
    return [payloads_pb2.Attachment(**file._asdict()) for file in files]


def _opening(m: payloads_pb2.Opening) -> Opening:
    files = tuple(Attachment(f.hash, f.salt, f.size_bytes, f.name) for f in m.attachments) if m.attachments else ()
    opening = Opening(
        m.title, m.text, m.actor_name, files, m.occurred_day, m.number, m.source, tuple(m.points), m.due_day, m.rule,
        m.receiver, m.role, m.lead, m.parent, m.responsible, m.limit_text, m.predecessor, m.local,
        terms_in(m.terms) if m.HasField("terms") else None,
    )  # fmt: skip
    _check_opening(opening)
    return opening


def _act(m: payloads_pb2.Act) -> Act:
    files = tuple(Attachment(f.hash, f.salt, f.size_bytes, f.name) for f in m.attachments) if m.attachments else ()
    answers = tuple((answer.point, answer.text) for answer in m.answers) if m.answers else ()
    children = m.children
    act = _new(Act, (
        m.text, m.actor_name, files, m.occurred_day, m.percent_plus_1 - 1, m.due_day, m.return_mode, m.urge_channel,
        tuple(children) if children else (), m.successor, answers, m.unit, m.person,
        track_in(m.track) if m.HasField("track") else None,
    ))  # fmt: skip
    _check_act(act)
    return act


def _enclosure(m: payloads_pb2.Enclosure) -> Enclosure:
    _require(m.text, limits.TEXT_CHARS_MAX)
    _require_names(m.actor_name)
    if not 0 < len(m.records) <= limits.RE_IDS_MAX:
        raise InputError(f"转送须为 1 至 {limits.RE_IDS_MAX} 条记录")
    records = tuple(Envelope(one.header, one.signature, one.salt, one.payload) for one in m.records)
    return Enclosure(m.text, m.actor_name, records)


def _certificate(m: payloads_pb2.Certificate) -> Certificate:
    certificate = Certificate(
        m.code, m.name, m.level, tuple(m.path), m.suite, m.raw_key, m.possession, m.link_ca_sha256,
        m.previous_key_id, m.countersignature,
    )  # fmt: skip
    _require_names(m.code, m.name, m.level, *m.path[: limits.PATH_CODES_MAX])
    if not m.path or m.path[-1] != m.code or len(m.path) > limits.PATH_CODES_MAX:
        raise InputError("certificate path does not end in its code")
    if len(m.raw_key) > limits.RAW_KEY_BYTES_MAX or len(m.possession) > limits.SIGNATURE_BYTES_MAX:
        raise InputError("certificate key or proof too large")
    return certificate
