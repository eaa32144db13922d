"""Enrolment and renewal as values, and their bytes; the unary half of the protocol (proto/node/wire/v1/office.proto).

Rules of this file: the `read_…` functions accept or raise PeerError(malformed | too_large), nothing else; what the
bytes inside mean (keys, proofs, certificates) is judged by the services.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, TypeVar

from google.protobuf.message import DecodeError, Message

from node.errors import PeerError
from node.records import envelope as envelopes
from node.records import limits as record_limits
from node.records import notes
from node.records.envelope import Envelope
from node.records.notes import Signed
from node.records.v1 import payloads_pb2
from node.sync.limits import DEFAULT_LIMITS
from node.wire.credentials import CERTIFICATE_BYTES_MAX
from node.wire.v1 import office_pb2

UNARY_BYTES_MAX = 1_048_576  # a reply with a chain of 12 certificates of at most 64 KiB each
_TEXT_CHARS_MAX = 1_000
_CHAIN_MAX = DEFAULT_LIMITS.chain_length_max
_STATES = frozenset({1, 2, 3})  # of JoinState
_M = TypeVar("_M", bound=Message)


class JoinRequest(NamedTuple):
    """A child presents its keys. ``link_ca`` is its own link CA (DER)."""

    code: str
    suite: int
    raw_key: bytes
    possession: bytes
    tls_public_key: bytes
    tls_possession: Signed
    link_ca: bytes


class JoinState(IntEnum):
    """What became of a request to join."""

    PENDING = 1
    ADMITTED = 2
    REFUSED = 3


class JoinReply(NamedTuple):
    """The parent's answer; ``chain`` (certificates root … child) and ``tls_certificate`` only when admitted."""

    state: JoinState
    text: str = ""
    chain: tuple[Envelope, ...] = ()
    tls_certificate: bytes = b""


class RenewRequest(NamedTuple):
    """A signed request for a TLS certificate (`node.records.notes.Renewal`)."""

    request: Signed


def write_join_request(request: JoinRequest) -> bytes:
    """The wire form."""
    fields = request._asdict()
    fields["tls_possession"] = notes.to_message(request.tls_possession)
    return office_pb2.JoinRequest(**fields).SerializeToString()


def read_join_request(raw: bytes) -> JoinRequest:
    """Read foreign bytes."""
    m = _parse(office_pb2.JoinRequest, raw)
    _bound(m.code and len(m.code) <= record_limits.CODE_CHARS_MAX, raw, "code")
    _bound(len(m.raw_key) <= record_limits.RAW_KEY_BYTES_MAX, raw, "raw_key")
    _bound(len(m.possession) <= record_limits.SIGNATURE_BYTES_MAX, raw, "possession")
    _bound(len(m.tls_public_key) <= CERTIFICATE_BYTES_MAX, raw, "tls_public_key")
    _bound(len(m.link_ca) <= CERTIFICATE_BYTES_MAX, raw, "link_ca")
    note = _note(m.tls_possession, raw)
    return JoinRequest(m.code, m.suite, m.raw_key, m.possession, m.tls_public_key, note, m.link_ca)


def write_join_reply(reply: JoinReply) -> bytes:
    """The wire form."""
    chain = [envelopes.to_message(envelope) for envelope in reply.chain]
    message = office_pb2.JoinReply(
        state=reply.state.name, text=reply.text[:_TEXT_CHARS_MAX], chain=chain, tls_certificate=reply.tls_certificate
    )
    return message.SerializeToString()


def read_join_reply(raw: bytes) -> JoinReply:
    """Read foreign bytes."""
    m = _parse(office_pb2.JoinReply, raw)
    _bound(int(m.state) in _STATES, raw, "state")
    _bound(len(m.text) <= _TEXT_CHARS_MAX, raw, "text")
    _bound(len(m.chain) <= _CHAIN_MAX, raw, "chain")
    _bound(len(m.tls_certificate) <= CERTIFICATE_BYTES_MAX, raw, "tls_certificate")
    chain = tuple(envelopes.from_message(envelope) for envelope in m.chain)
    return JoinReply(JoinState(m.state), m.text, chain, m.tls_certificate)


def write_renew_request(request: RenewRequest) -> bytes:
    """The wire form."""
    return office_pb2.RenewRequest(request=notes.to_message(request.request)).SerializeToString()


def read_renew_request(raw: bytes) -> RenewRequest:
    """Read foreign bytes."""
    return RenewRequest(_note(_parse(office_pb2.RenewRequest, raw).request, raw))


def write_renew_reply(tls_certificate: bytes) -> bytes:
    """The wire form of a new TLS certificate (DER)."""
    return office_pb2.RenewReply(tls_certificate=tls_certificate).SerializeToString()


def read_renew_reply(raw: bytes) -> bytes:
    """The new TLS certificate (DER), unjudged."""
    certificate = _parse(office_pb2.RenewReply, raw).tls_certificate
    _bound(0 < len(certificate) <= CERTIFICATE_BYTES_MAX, raw, "tls_certificate")
    return certificate


def _parse(kind: type[_M], raw: bytes) -> _M:
    if len(raw) > UNARY_BYTES_MAX:
        raise PeerError("请求超过上限", code="too_large", evidence=raw[:256], detail=f"{len(raw)} bytes")
    try:
        return kind.FromString(raw)
    except DecodeError as error:
        raise PeerError("请求格式不符", code="malformed", evidence=raw[:256], detail=kind.__name__) from error


def _bound(condition: object, raw: bytes, field: str) -> None:
    if not condition:
        raise PeerError("请求内容不符", code="malformed", evidence=raw[:256], detail=f"{field} out of bounds")


def _note(message: payloads_pb2.Signed, raw: bytes) -> Signed:
    _bound(len(message.body) <= record_limits.NOTE_BYTES_MAX, raw, "note")
    _bound(len(message.signature) <= record_limits.SIGNATURE_BYTES_MAX, raw, "signature")
    return notes.from_message(message)
