from node.records.v1 import record_pb2 as _record_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Attachment(_message.Message):
    __slots__ = ("hash", "salt", "size_bytes", "name")
    HASH_FIELD_NUMBER: _ClassVar[int]
    SALT_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    hash: bytes
    salt: bytes
    size_bytes: int
    name: str
    def __init__(self, hash: _Optional[bytes] = ..., salt: _Optional[bytes] = ..., size_bytes: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class Opening(_message.Message):
    __slots__ = ("actor_name", "text", "attachments", "occurred_day", "title", "number", "source", "points", "due_day", "rule", "receiver", "role", "lead", "parent", "responsible", "limit_text", "predecessor", "local", "terms")
    ACTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_DAY_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    DUE_DAY_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    LEAD_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    RESPONSIBLE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_TEXT_FIELD_NUMBER: _ClassVar[int]
    PREDECESSOR_FIELD_NUMBER: _ClassVar[int]
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    actor_name: str
    text: str
    attachments: _containers.RepeatedCompositeFieldContainer[Attachment]
    occurred_day: int
    title: str
    number: str
    source: str
    points: _containers.RepeatedScalarFieldContainer[str]
    due_day: int
    rule: str
    receiver: str
    role: int
    lead: str
    parent: bytes
    responsible: str
    limit_text: str
    predecessor: bytes
    local: bool
    terms: Terms
    def __init__(self, actor_name: _Optional[str] = ..., text: _Optional[str] = ..., attachments: _Optional[_Iterable[_Union[Attachment, _Mapping]]] = ..., occurred_day: _Optional[int] = ..., title: _Optional[str] = ..., number: _Optional[str] = ..., source: _Optional[str] = ..., points: _Optional[_Iterable[str]] = ..., due_day: _Optional[int] = ..., rule: _Optional[str] = ..., receiver: _Optional[str] = ..., role: _Optional[int] = ..., lead: _Optional[str] = ..., parent: _Optional[bytes] = ..., responsible: _Optional[str] = ..., limit_text: _Optional[str] = ..., predecessor: _Optional[bytes] = ..., local: _Optional[bool] = ..., terms: _Optional[_Union[Terms, _Mapping]] = ...) -> None: ...

class Terms(_message.Message):
    __slots__ = ("item_class", "profile", "origin", "hidden", "unclear", "subject", "target", "form", "milestones", "supervised_by", "duties", "frequency", "remark", "weight", "secrecy", "strength", "warn_days", "start_day", "provisional", "plan_year", "leader", "work_line")
    ITEM_CLASS_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    UNCLEAR_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    MILESTONES_FIELD_NUMBER: _ClassVar[int]
    SUPERVISED_BY_FIELD_NUMBER: _ClassVar[int]
    DUTIES_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SECRECY_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    WARN_DAYS_FIELD_NUMBER: _ClassVar[int]
    START_DAY_FIELD_NUMBER: _ClassVar[int]
    PROVISIONAL_FIELD_NUMBER: _ClassVar[int]
    PLAN_YEAR_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    WORK_LINE_FIELD_NUMBER: _ClassVar[int]
    item_class: str
    profile: str
    origin: str
    hidden: bool
    unclear: str
    subject: str
    target: bytes
    form: str
    milestones: _containers.RepeatedCompositeFieldContainer[Milestone]
    supervised_by: str
    duties: _containers.RepeatedCompositeFieldContainer[Duty]
    frequency: str
    remark: str
    weight: int
    secrecy: str
    strength: str
    warn_days: int
    start_day: int
    provisional: bool
    plan_year: int
    leader: str
    work_line: str
    def __init__(self, item_class: _Optional[str] = ..., profile: _Optional[str] = ..., origin: _Optional[str] = ..., hidden: _Optional[bool] = ..., unclear: _Optional[str] = ..., subject: _Optional[str] = ..., target: _Optional[bytes] = ..., form: _Optional[str] = ..., milestones: _Optional[_Iterable[_Union[Milestone, _Mapping]]] = ..., supervised_by: _Optional[str] = ..., duties: _Optional[_Iterable[_Union[Duty, _Mapping]]] = ..., frequency: _Optional[str] = ..., remark: _Optional[str] = ..., weight: _Optional[int] = ..., secrecy: _Optional[str] = ..., strength: _Optional[str] = ..., warn_days: _Optional[int] = ..., start_day: _Optional[int] = ..., provisional: _Optional[bool] = ..., plan_year: _Optional[int] = ..., leader: _Optional[str] = ..., work_line: _Optional[str] = ...) -> None: ...

class Milestone(_message.Message):
    __slots__ = ("key", "title", "due_day", "done_day")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DUE_DAY_FIELD_NUMBER: _ClassVar[int]
    DONE_DAY_FIELD_NUMBER: _ClassVar[int]
    key: str
    title: str
    due_day: int
    done_day: int
    def __init__(self, key: _Optional[str] = ..., title: _Optional[str] = ..., due_day: _Optional[int] = ..., done_day: _Optional[int] = ...) -> None: ...

class Duty(_message.Message):
    __slots__ = ("level", "name")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    level: str
    name: str
    def __init__(self, level: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ChainStep(_message.Message):
    __slots__ = ("posts", "verb", "any_one")
    POSTS_FIELD_NUMBER: _ClassVar[int]
    VERB_FIELD_NUMBER: _ClassVar[int]
    ANY_ONE_FIELD_NUMBER: _ClassVar[int]
    posts: _containers.RepeatedScalarFieldContainer[str]
    verb: str
    any_one: bool
    def __init__(self, posts: _Optional[_Iterable[str]] = ..., verb: _Optional[str] = ..., any_one: _Optional[bool] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("question", "ok", "text")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    OK_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    question: str
    ok: bool
    text: str
    def __init__(self, question: _Optional[str] = ..., ok: _Optional[bool] = ..., text: _Optional[str] = ...) -> None: ...

class RectifyLine(_message.Message):
    __slots__ = ("key", "text", "unit", "leader", "due_day", "status")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    DUE_DAY_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    key: str
    text: str
    unit: str
    leader: str
    due_day: int
    status: int
    def __init__(self, key: _Optional[str] = ..., text: _Optional[str] = ..., unit: _Optional[str] = ..., leader: _Optional[str] = ..., due_day: _Optional[int] = ..., status: _Optional[int] = ...) -> None: ...

class Track(_message.Message):
    __slots__ = ("basis", "post", "verdict", "steps", "findings", "colour", "rule", "points_milli", "cause", "milestones", "lines", "number", "entries", "duties", "offices", "title")
    BASIS_FIELD_NUMBER: _ClassVar[int]
    POST_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    COLOUR_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    POINTS_MILLI_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    MILESTONES_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    DUTIES_FIELD_NUMBER: _ClassVar[int]
    OFFICES_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    basis: bytes
    post: str
    verdict: int
    steps: _containers.RepeatedCompositeFieldContainer[ChainStep]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    colour: str
    rule: str
    points_milli: int
    cause: bytes
    milestones: _containers.RepeatedCompositeFieldContainer[Milestone]
    lines: _containers.RepeatedCompositeFieldContainer[RectifyLine]
    number: str
    entries: _containers.RepeatedScalarFieldContainer[str]
    duties: _containers.RepeatedCompositeFieldContainer[Duty]
    offices: _containers.RepeatedScalarFieldContainer[str]
    title: str
    def __init__(self, basis: _Optional[bytes] = ..., post: _Optional[str] = ..., verdict: _Optional[int] = ..., steps: _Optional[_Iterable[_Union[ChainStep, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., colour: _Optional[str] = ..., rule: _Optional[str] = ..., points_milli: _Optional[int] = ..., cause: _Optional[bytes] = ..., milestones: _Optional[_Iterable[_Union[Milestone, _Mapping]]] = ..., lines: _Optional[_Iterable[_Union[RectifyLine, _Mapping]]] = ..., number: _Optional[str] = ..., entries: _Optional[_Iterable[str]] = ..., duties: _Optional[_Iterable[_Union[Duty, _Mapping]]] = ..., offices: _Optional[_Iterable[str]] = ..., title: _Optional[str] = ...) -> None: ...

class Act(_message.Message):
    __slots__ = ("actor_name", "text", "attachments", "occurred_day", "percent_plus_1", "due_day", "return_mode", "urge_channel", "children", "successor", "answers", "unit", "person", "track")
    ACTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_DAY_FIELD_NUMBER: _ClassVar[int]
    PERCENT_PLUS_1_FIELD_NUMBER: _ClassVar[int]
    DUE_DAY_FIELD_NUMBER: _ClassVar[int]
    RETURN_MODE_FIELD_NUMBER: _ClassVar[int]
    URGE_CHANNEL_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    SUCCESSOR_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    actor_name: str
    text: str
    attachments: _containers.RepeatedCompositeFieldContainer[Attachment]
    occurred_day: int
    percent_plus_1: int
    due_day: int
    return_mode: int
    urge_channel: str
    children: _containers.RepeatedScalarFieldContainer[bytes]
    successor: bytes
    answers: _containers.RepeatedCompositeFieldContainer[PointAnswer]
    unit: str
    person: str
    track: Track
    def __init__(self, actor_name: _Optional[str] = ..., text: _Optional[str] = ..., attachments: _Optional[_Iterable[_Union[Attachment, _Mapping]]] = ..., occurred_day: _Optional[int] = ..., percent_plus_1: _Optional[int] = ..., due_day: _Optional[int] = ..., return_mode: _Optional[int] = ..., urge_channel: _Optional[str] = ..., children: _Optional[_Iterable[bytes]] = ..., successor: _Optional[bytes] = ..., answers: _Optional[_Iterable[_Union[PointAnswer, _Mapping]]] = ..., unit: _Optional[str] = ..., person: _Optional[str] = ..., track: _Optional[_Union[Track, _Mapping]] = ...) -> None: ...

class PointAnswer(_message.Message):
    __slots__ = ("point", "text")
    POINT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    point: int
    text: str
    def __init__(self, point: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class Epoch(_message.Message):
    __slots__ = ("actor_name", "previous", "reason", "heads")
    ACTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    actor_name: str
    previous: int
    reason: str
    heads: _containers.RepeatedCompositeFieldContainer[KnownHead]
    def __init__(self, actor_name: _Optional[str] = ..., previous: _Optional[int] = ..., reason: _Optional[str] = ..., heads: _Optional[_Iterable[_Union[KnownHead, _Mapping]]] = ...) -> None: ...

class KnownHead(_message.Message):
    __slots__ = ("log_id", "seq", "record_id")
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    RECORD_ID_FIELD_NUMBER: _ClassVar[int]
    log_id: bytes
    seq: int
    record_id: bytes
    def __init__(self, log_id: _Optional[bytes] = ..., seq: _Optional[int] = ..., record_id: _Optional[bytes] = ...) -> None: ...

class Certificate(_message.Message):
    __slots__ = ("actor_name", "code", "name", "level", "path", "suite", "raw_key", "possession", "previous_key_id", "countersignature", "link_ca_sha256")
    ACTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    SUITE_FIELD_NUMBER: _ClassVar[int]
    RAW_KEY_FIELD_NUMBER: _ClassVar[int]
    POSSESSION_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    COUNTERSIGNATURE_FIELD_NUMBER: _ClassVar[int]
    LINK_CA_SHA256_FIELD_NUMBER: _ClassVar[int]
    actor_name: str
    code: str
    name: str
    level: str
    path: _containers.RepeatedScalarFieldContainer[str]
    suite: int
    raw_key: bytes
    possession: bytes
    previous_key_id: bytes
    countersignature: bytes
    link_ca_sha256: bytes
    def __init__(self, actor_name: _Optional[str] = ..., code: _Optional[str] = ..., name: _Optional[str] = ..., level: _Optional[str] = ..., path: _Optional[_Iterable[str]] = ..., suite: _Optional[int] = ..., raw_key: _Optional[bytes] = ..., possession: _Optional[bytes] = ..., previous_key_id: _Optional[bytes] = ..., countersignature: _Optional[bytes] = ..., link_ca_sha256: _Optional[bytes] = ...) -> None: ...

class Profile(_message.Message):
    __slots__ = ("actor_name", "text", "name", "version", "valid_from_day")
    ACTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_DAY_FIELD_NUMBER: _ClassVar[int]
    actor_name: str
    text: str
    name: str
    version: int
    valid_from_day: int
    def __init__(self, actor_name: _Optional[str] = ..., text: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[int] = ..., valid_from_day: _Optional[int] = ...) -> None: ...

class Calendar(_message.Message):
    __slots__ = ("actor_name", "text", "version", "body")
    ACTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    actor_name: str
    text: str
    version: int
    body: bytes
    def __init__(self, actor_name: _Optional[str] = ..., text: _Optional[str] = ..., version: _Optional[int] = ..., body: _Optional[bytes] = ...) -> None: ...

class Revocation(_message.Message):
    __slots__ = ("actor_name", "text", "code", "key_id", "last_honoured")
    ACTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_HONOURED_FIELD_NUMBER: _ClassVar[int]
    actor_name: str
    text: str
    code: str
    key_id: bytes
    last_honoured: _containers.RepeatedCompositeFieldContainer[KnownHead]
    def __init__(self, actor_name: _Optional[str] = ..., text: _Optional[str] = ..., code: _Optional[str] = ..., key_id: _Optional[bytes] = ..., last_honoured: _Optional[_Iterable[_Union[KnownHead, _Mapping]]] = ...) -> None: ...

class Statement(_message.Message):
    __slots__ = ("actor_name", "peer", "result")
    ACTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    actor_name: str
    peer: str
    result: bytes
    def __init__(self, actor_name: _Optional[str] = ..., peer: _Optional[str] = ..., result: _Optional[bytes] = ...) -> None: ...

class Reconciled(_message.Message):
    __slots__ = ("version", "run", "upper", "lower", "as_of_ms", "heads", "logs", "records", "items_digest", "items", "differing", "forked", "upper_side", "lower_side")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    AS_OF_MS_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    DIFFERING_FIELD_NUMBER: _ClassVar[int]
    FORKED_FIELD_NUMBER: _ClassVar[int]
    UPPER_SIDE_FIELD_NUMBER: _ClassVar[int]
    LOWER_SIDE_FIELD_NUMBER: _ClassVar[int]
    version: int
    run: bytes
    upper: str
    lower: str
    as_of_ms: int
    heads: bytes
    logs: int
    records: int
    items_digest: bytes
    items: int
    differing: int
    forked: int
    upper_side: ReconciledSide
    lower_side: ReconciledSide
    def __init__(self, version: _Optional[int] = ..., run: _Optional[bytes] = ..., upper: _Optional[str] = ..., lower: _Optional[str] = ..., as_of_ms: _Optional[int] = ..., heads: _Optional[bytes] = ..., logs: _Optional[int] = ..., records: _Optional[int] = ..., items_digest: _Optional[bytes] = ..., items: _Optional[int] = ..., differing: _Optional[int] = ..., forked: _Optional[int] = ..., upper_side: _Optional[_Union[ReconciledSide, _Mapping]] = ..., lower_side: _Optional[_Union[ReconciledSide, _Mapping]] = ...) -> None: ...

class ReconciledSide(_message.Message):
    __slots__ = ("fetched", "repaired", "unrepaired", "attachments")
    FETCHED_FIELD_NUMBER: _ClassVar[int]
    REPAIRED_FIELD_NUMBER: _ClassVar[int]
    UNREPAIRED_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    fetched: int
    repaired: int
    unrepaired: int
    attachments: int
    def __init__(self, fetched: _Optional[int] = ..., repaired: _Optional[int] = ..., unrepaired: _Optional[int] = ..., attachments: _Optional[int] = ...) -> None: ...

class Enclosure(_message.Message):
    __slots__ = ("actor_name", "text", "records")
    ACTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    actor_name: str
    text: str
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Envelope]
    def __init__(self, actor_name: _Optional[str] = ..., text: _Optional[str] = ..., records: _Optional[_Iterable[_Union[_record_pb2.Envelope, _Mapping]]] = ...) -> None: ...

class Erase(_message.Message):
    __slots__ = ("actor_name", "text", "records")
    ACTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    actor_name: str
    text: str
    records: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, actor_name: _Optional[str] = ..., text: _Optional[str] = ..., records: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ReceiptBody(_message.Message):
    __slots__ = ("federation", "holder", "sender", "at_ms", "heads", "suite", "key_id")
    FEDERATION_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    SUITE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    federation: bytes
    holder: str
    sender: str
    at_ms: int
    heads: _containers.RepeatedCompositeFieldContainer[KnownHead]
    suite: int
    key_id: bytes
    def __init__(self, federation: _Optional[bytes] = ..., holder: _Optional[str] = ..., sender: _Optional[str] = ..., at_ms: _Optional[int] = ..., heads: _Optional[_Iterable[_Union[KnownHead, _Mapping]]] = ..., suite: _Optional[int] = ..., key_id: _Optional[bytes] = ...) -> None: ...

class MarkBody(_message.Message):
    __slots__ = ("federation", "office", "number", "at_ms", "views", "suite", "key_id", "link")
    FEDERATION_FIELD_NUMBER: _ClassVar[int]
    OFFICE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    SUITE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    federation: bytes
    office: str
    number: int
    at_ms: int
    views: _containers.RepeatedCompositeFieldContainer[MarkView]
    suite: int
    key_id: bytes
    link: LinkOutcome
    def __init__(self, federation: _Optional[bytes] = ..., office: _Optional[str] = ..., number: _Optional[int] = ..., at_ms: _Optional[int] = ..., views: _Optional[_Iterable[_Union[MarkView, _Mapping]]] = ..., suite: _Optional[int] = ..., key_id: _Optional[bytes] = ..., link: _Optional[_Union[LinkOutcome, _Mapping]] = ...) -> None: ...

class LinkOutcome(_message.Message):
    __slots__ = ("at_ms", "outcome", "repaired", "disputed", "balanced_ms")
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REPAIRED_FIELD_NUMBER: _ClassVar[int]
    DISPUTED_FIELD_NUMBER: _ClassVar[int]
    BALANCED_MS_FIELD_NUMBER: _ClassVar[int]
    at_ms: int
    outcome: int
    repaired: int
    disputed: int
    balanced_ms: int
    def __init__(self, at_ms: _Optional[int] = ..., outcome: _Optional[int] = ..., repaired: _Optional[int] = ..., disputed: _Optional[int] = ..., balanced_ms: _Optional[int] = ...) -> None: ...

class MarkView(_message.Message):
    __slots__ = ("superior", "logs", "heads")
    SUPERIOR_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    superior: str
    logs: int
    heads: bytes
    def __init__(self, superior: _Optional[str] = ..., logs: _Optional[int] = ..., heads: _Optional[bytes] = ...) -> None: ...

class ChannelBody(_message.Message):
    __slots__ = ("federation", "speaker", "listener", "speaker_tls_sha256", "listener_tls_sha256", "suite", "key_id")
    FEDERATION_FIELD_NUMBER: _ClassVar[int]
    SPEAKER_FIELD_NUMBER: _ClassVar[int]
    LISTENER_FIELD_NUMBER: _ClassVar[int]
    SPEAKER_TLS_SHA256_FIELD_NUMBER: _ClassVar[int]
    LISTENER_TLS_SHA256_FIELD_NUMBER: _ClassVar[int]
    SUITE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    federation: bytes
    speaker: str
    listener: str
    speaker_tls_sha256: bytes
    listener_tls_sha256: bytes
    suite: int
    key_id: bytes
    def __init__(self, federation: _Optional[bytes] = ..., speaker: _Optional[str] = ..., listener: _Optional[str] = ..., speaker_tls_sha256: _Optional[bytes] = ..., listener_tls_sha256: _Optional[bytes] = ..., suite: _Optional[int] = ..., key_id: _Optional[bytes] = ...) -> None: ...

class RenewBody(_message.Message):
    __slots__ = ("federation", "office", "tls_public_key", "at_ms", "suite", "key_id")
    FEDERATION_FIELD_NUMBER: _ClassVar[int]
    OFFICE_FIELD_NUMBER: _ClassVar[int]
    TLS_PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    SUITE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    federation: bytes
    office: str
    tls_public_key: bytes
    at_ms: int
    suite: int
    key_id: bytes
    def __init__(self, federation: _Optional[bytes] = ..., office: _Optional[str] = ..., tls_public_key: _Optional[bytes] = ..., at_ms: _Optional[int] = ..., suite: _Optional[int] = ..., key_id: _Optional[bytes] = ...) -> None: ...

class Signed(_message.Message):
    __slots__ = ("body", "signature")
    BODY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    signature: bytes
    def __init__(self, body: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...
