from node.records.v1 import record_pb2 as _record_pb2
from node.records.v1 import payloads_pb2 as _payloads_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Invitation(_message.Message):
    __slots__ = ("version", "code", "name", "parent_path", "address", "federation", "link_ca", "secret", "expires_ms")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARENT_PATH_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    FEDERATION_FIELD_NUMBER: _ClassVar[int]
    LINK_CA_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_MS_FIELD_NUMBER: _ClassVar[int]
    version: int
    code: str
    name: str
    parent_path: _containers.RepeatedScalarFieldContainer[str]
    address: str
    federation: bytes
    link_ca: bytes
    secret: bytes
    expires_ms: int
    def __init__(self, version: _Optional[int] = ..., code: _Optional[str] = ..., name: _Optional[str] = ..., parent_path: _Optional[_Iterable[str]] = ..., address: _Optional[str] = ..., federation: _Optional[bytes] = ..., link_ca: _Optional[bytes] = ..., secret: _Optional[bytes] = ..., expires_ms: _Optional[int] = ...) -> None: ...

class JoinRequest(_message.Message):
    __slots__ = ("code", "suite", "raw_key", "possession", "tls_public_key", "tls_possession", "link_ca")
    CODE_FIELD_NUMBER: _ClassVar[int]
    SUITE_FIELD_NUMBER: _ClassVar[int]
    RAW_KEY_FIELD_NUMBER: _ClassVar[int]
    POSSESSION_FIELD_NUMBER: _ClassVar[int]
    TLS_PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    TLS_POSSESSION_FIELD_NUMBER: _ClassVar[int]
    LINK_CA_FIELD_NUMBER: _ClassVar[int]
    code: str
    suite: int
    raw_key: bytes
    possession: bytes
    tls_public_key: bytes
    tls_possession: _payloads_pb2.Signed
    link_ca: bytes
    def __init__(self, code: _Optional[str] = ..., suite: _Optional[int] = ..., raw_key: _Optional[bytes] = ..., possession: _Optional[bytes] = ..., tls_public_key: _Optional[bytes] = ..., tls_possession: _Optional[_Union[_payloads_pb2.Signed, _Mapping]] = ..., link_ca: _Optional[bytes] = ...) -> None: ...

class JoinReply(_message.Message):
    __slots__ = ("state", "text", "chain", "tls_certificate")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[JoinReply.State]
        PENDING: _ClassVar[JoinReply.State]
        ADMITTED: _ClassVar[JoinReply.State]
        REFUSED: _ClassVar[JoinReply.State]
    STATE_UNSPECIFIED: JoinReply.State
    PENDING: JoinReply.State
    ADMITTED: JoinReply.State
    REFUSED: JoinReply.State
    STATE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    TLS_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    state: JoinReply.State
    text: str
    chain: _containers.RepeatedCompositeFieldContainer[_record_pb2.Envelope]
    tls_certificate: bytes
    def __init__(self, state: _Optional[_Union[JoinReply.State, str]] = ..., text: _Optional[str] = ..., chain: _Optional[_Iterable[_Union[_record_pb2.Envelope, _Mapping]]] = ..., tls_certificate: _Optional[bytes] = ...) -> None: ...

class RenewRequest(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: _payloads_pb2.Signed
    def __init__(self, request: _Optional[_Union[_payloads_pb2.Signed, _Mapping]] = ...) -> None: ...

class RenewReply(_message.Message):
    __slots__ = ("tls_certificate",)
    TLS_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    tls_certificate: bytes
    def __init__(self, tls_certificate: _Optional[bytes] = ...) -> None: ...
