from node.records.v1 import record_pb2 as _record_pb2
from node.records.v1 import payloads_pb2 as _payloads_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Frame(_message.Message):
    __slots__ = ("hello", "buckets", "heads", "batch", "receipt", "refusal", "ping", "pong", "marks", "blob_request", "blob_chunk", "goodbye", "chain_request", "chain", "range_request", "range", "reconcile")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    MARKS_FIELD_NUMBER: _ClassVar[int]
    BLOB_REQUEST_FIELD_NUMBER: _ClassVar[int]
    BLOB_CHUNK_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    CHAIN_REQUEST_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    RANGE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    RECONCILE_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    buckets: Buckets
    heads: Heads
    batch: Batch
    receipt: _payloads_pb2.Signed
    refusal: Refusal
    ping: Ping
    pong: Pong
    marks: Marks
    blob_request: BlobRequest
    blob_chunk: BlobChunk
    goodbye: Goodbye
    chain_request: ChainRequest
    chain: Chain
    range_request: RangeRequest
    range: Range
    reconcile: Reconcile
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., buckets: _Optional[_Union[Buckets, _Mapping]] = ..., heads: _Optional[_Union[Heads, _Mapping]] = ..., batch: _Optional[_Union[Batch, _Mapping]] = ..., receipt: _Optional[_Union[_payloads_pb2.Signed, _Mapping]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., marks: _Optional[_Union[Marks, _Mapping]] = ..., blob_request: _Optional[_Union[BlobRequest, _Mapping]] = ..., blob_chunk: _Optional[_Union[BlobChunk, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ..., chain_request: _Optional[_Union[ChainRequest, _Mapping]] = ..., chain: _Optional[_Union[Chain, _Mapping]] = ..., range_request: _Optional[_Union[RangeRequest, _Mapping]] = ..., range: _Optional[_Union[Range, _Mapping]] = ..., reconcile: _Optional[_Union[Reconcile, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("version_min", "version_max", "federation", "office", "chain_hash", "channel", "tls_certificate_sha256", "heads_digest", "logs", "marks_digest", "now_ms", "window_bytes", "software")
    VERSION_MIN_FIELD_NUMBER: _ClassVar[int]
    VERSION_MAX_FIELD_NUMBER: _ClassVar[int]
    FEDERATION_FIELD_NUMBER: _ClassVar[int]
    OFFICE_FIELD_NUMBER: _ClassVar[int]
    CHAIN_HASH_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    TLS_CERTIFICATE_SHA256_FIELD_NUMBER: _ClassVar[int]
    HEADS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    MARKS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    NOW_MS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_BYTES_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_FIELD_NUMBER: _ClassVar[int]
    version_min: int
    version_max: int
    federation: bytes
    office: str
    chain_hash: bytes
    channel: _payloads_pb2.Signed
    tls_certificate_sha256: bytes
    heads_digest: bytes
    logs: int
    marks_digest: bytes
    now_ms: int
    window_bytes: int
    software: str
    def __init__(self, version_min: _Optional[int] = ..., version_max: _Optional[int] = ..., federation: _Optional[bytes] = ..., office: _Optional[str] = ..., chain_hash: _Optional[bytes] = ..., channel: _Optional[_Union[_payloads_pb2.Signed, _Mapping]] = ..., tls_certificate_sha256: _Optional[bytes] = ..., heads_digest: _Optional[bytes] = ..., logs: _Optional[int] = ..., marks_digest: _Optional[bytes] = ..., now_ms: _Optional[int] = ..., window_bytes: _Optional[int] = ..., software: _Optional[str] = ...) -> None: ...

class ChainRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Chain(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[_record_pb2.Envelope]
    def __init__(self, certificates: _Optional[_Iterable[_Union[_record_pb2.Envelope, _Mapping]]] = ...) -> None: ...

class Buckets(_message.Message):
    __slots__ = ("bits", "digests")
    BITS_FIELD_NUMBER: _ClassVar[int]
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    bits: int
    digests: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, bits: _Optional[int] = ..., digests: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Head(_message.Message):
    __slots__ = ("log_id", "seq", "record_id")
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    RECORD_ID_FIELD_NUMBER: _ClassVar[int]
    log_id: bytes
    seq: int
    record_id: bytes
    def __init__(self, log_id: _Optional[bytes] = ..., seq: _Optional[int] = ..., record_id: _Optional[bytes] = ...) -> None: ...

class Heads(_message.Message):
    __slots__ = ("bits", "complete", "heads")
    BITS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    bits: int
    complete: _containers.RepeatedScalarFieldContainer[int]
    heads: _containers.RepeatedCompositeFieldContainer[Head]
    def __init__(self, bits: _Optional[int] = ..., complete: _Optional[_Iterable[int]] = ..., heads: _Optional[_Iterable[_Union[Head, _Mapping]]] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("records",)
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Envelope]
    def __init__(self, records: _Optional[_Iterable[_Union[_record_pb2.Envelope, _Mapping]]] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("log_id", "seq", "reason", "held", "retry_after_ms")
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    log_id: bytes
    seq: int
    reason: str
    held: Head
    retry_after_ms: int
    def __init__(self, log_id: _Optional[bytes] = ..., seq: _Optional[int] = ..., reason: _Optional[str] = ..., held: _Optional[_Union[Head, _Mapping]] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: int
    def __init__(self, number: _Optional[int] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ("number", "now_ms")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    NOW_MS_FIELD_NUMBER: _ClassVar[int]
    number: int
    now_ms: int
    def __init__(self, number: _Optional[int] = ..., now_ms: _Optional[int] = ...) -> None: ...

class Marks(_message.Message):
    __slots__ = ("marks",)
    MARKS_FIELD_NUMBER: _ClassVar[int]
    marks: _containers.RepeatedCompositeFieldContainer[_payloads_pb2.Signed]
    def __init__(self, marks: _Optional[_Iterable[_Union[_payloads_pb2.Signed, _Mapping]]] = ...) -> None: ...

class BlobRequest(_message.Message):
    __slots__ = ("hash", "offset", "bytes_max")
    HASH_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    hash: bytes
    offset: int
    bytes_max: int
    def __init__(self, hash: _Optional[bytes] = ..., offset: _Optional[int] = ..., bytes_max: _Optional[int] = ...) -> None: ...

class BlobChunk(_message.Message):
    __slots__ = ("hash", "offset", "data", "missing")
    HASH_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    hash: bytes
    offset: int
    data: bytes
    missing: bool
    def __init__(self, hash: _Optional[bytes] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ..., missing: _Optional[bool] = ...) -> None: ...

class RangeRequest(_message.Message):
    __slots__ = ("log_id", "first", "last")
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    log_id: bytes
    first: int
    last: int
    def __init__(self, log_id: _Optional[bytes] = ..., first: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("log_id", "last", "records")
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    log_id: bytes
    last: int
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Envelope]
    def __init__(self, log_id: _Optional[bytes] = ..., last: _Optional[int] = ..., records: _Optional[_Iterable[_Union[_record_pb2.Envelope, _Mapping]]] = ...) -> None: ...

class Reconcile(_message.Message):
    __slots__ = ("step", "run", "heads", "items", "number", "digests", "complete", "entries", "body", "reason")
    STEP_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    step: int
    run: bytes
    heads: bytes
    items: bytes
    number: int
    digests: _containers.RepeatedScalarFieldContainer[bytes]
    complete: _containers.RepeatedScalarFieldContainer[int]
    entries: _containers.RepeatedCompositeFieldContainer[ItemDigest]
    body: bytes
    reason: str
    def __init__(self, step: _Optional[int] = ..., run: _Optional[bytes] = ..., heads: _Optional[bytes] = ..., items: _Optional[bytes] = ..., number: _Optional[int] = ..., digests: _Optional[_Iterable[bytes]] = ..., complete: _Optional[_Iterable[int]] = ..., entries: _Optional[_Iterable[_Union[ItemDigest, _Mapping]]] = ..., body: _Optional[bytes] = ..., reason: _Optional[str] = ...) -> None: ...

class ItemDigest(_message.Message):
    __slots__ = ("item", "digest")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    item: bytes
    digest: bytes
    def __init__(self, item: _Optional[bytes] = ..., digest: _Optional[bytes] = ...) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...
