"""Envelopes: a record as it travels and rests, sealed by its author and opened by everybody else.

Rules: a `Record` exists only as the result of `seal` or `open_envelope`; its bytes are exactly those that were signed;
the record id covers header and signature; whether the signature holds is decided in `chain`, with a key from `keyring`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from node.errors import PeerError
from node.records import header as headers
from node.records import limits
from node.records.header import Header
from node.records.suite import Signer, Suite, Suites, key_id_of
from node.records.v1 import record_pb2

RECORD_PREFIX = b"dulian-record-1\0"
ID_PREFIX = b"dulian-id-1\0"
PAYLOAD_PREFIX = b"dulian-payload-1\0"
BLOB_PREFIX = b"dulian-blob-1\0"


class Envelope(NamedTuple):
    """The bytes of a record. ``salt`` and ``payload`` are None once erased."""

    header: bytes
    signature: bytes
    salt: bytes | None
    payload: bytes | None

    @property
    def size_bytes(self) -> int:
        """Bytes that count against windows and quotas."""
        return len(self.header) + len(self.signature) + len(self.payload or b"") + limits.SALT_BYTES


class Record(NamedTuple):
    """A record whose bytes have been read: envelope, decoded header, id."""

    envelope: Envelope
    header: Header
    record_id: bytes


_new = tuple.__new__  # a value from its fields in order, without a call of Python's for each of millions


def bytes_of(envelopes: Iterable[Envelope]) -> int:
    """Sum of `Envelope.size_bytes`."""
    size = 0
    for header, signature, _, payload in envelopes:
        size += len(header) + len(signature) + limits.SALT_BYTES
        if payload:
            size += len(payload)
    return size


def record_id_of(suite: Suite, header: bytes, signature: bytes) -> bytes:
    r"""H("dulian-id-1\0" ‖ length ‖ header ‖ length ‖ raw signature); lengths are 4 bytes big-endian."""
    return suite.hash(
        b"".join((ID_PREFIX, len(header).to_bytes(4, "big"), header, len(signature).to_bytes(4, "big"), signature))
    )


def payload_hash_of(suite: Suite, salt: bytes, payload: bytes) -> bytes:
    r"""H("dulian-payload-1\0" ‖ 32-byte salt ‖ payload)."""
    return suite.hash(PAYLOAD_PREFIX + salt + payload)


def seal(signer: Signer, header: Header, salt: bytes, payload: bytes) -> Record:
    """Sign a header over a payload. The header's suite, key id, payload size and hash are filled in here."""
    suite = signer.suite
    full = header._replace(
        suite=suite.number,
        key_id=key_id_of(suite, signer.raw_key),
        payload_bytes=len(payload),
        payload_hash=payload_hash_of(suite, salt, payload),
    )
    raw = headers.encode(full)
    signature = signer.sign(RECORD_PREFIX + raw)
    envelope = Envelope(raw, signature, salt, payload)
    # Reading back what was made catches a header outside its own bounds before it can be stored.
    return Record(envelope, headers.decode(raw), record_id_of(suite, raw, signature))


def open_envelope(suites: Suites, envelope: Envelope) -> Record:
    """Read foreign bytes: format, bounds, payload hash, id. Not the signature.

    Raises PeerError: malformed, too_large, unknown_suite, payload_mismatch.
    """
    raw, signature, salt, payload = envelope
    header = headers.decode(raw)
    if not 0 < len(signature) <= limits.SIGNATURE_BYTES_MAX:
        raise PeerError("签名长度不符", code="malformed", evidence=raw, detail="signature length")
    suite = suites.get(header.suite)
    if payload is not None:
        if salt is None or len(payload) != header.payload_bytes or len(salt) != limits.SALT_BYTES:
            raise PeerError("内容长度与记录头不符", code="payload_mismatch", evidence=raw)
        if suite.hash(PAYLOAD_PREFIX + salt + payload) != header.payload_hash:
            raise PeerError("内容与记录头不符", code="payload_mismatch", evidence=raw)
    return _new(Record, (envelope, header, record_id_of(suite, raw, signature)))


def to_message(envelope: Envelope) -> record_pb2.Envelope:
    """The wire form."""
    header, signature, salt, payload = envelope
    if payload is None:
        return record_pb2.Envelope(header=header, signature=signature, erased=True)
    return record_pb2.Envelope(header=header, signature=signature, salt=salt, payload=payload)


def to_bytes(envelope: Envelope) -> bytes:
    """The wire form as bytes, for keeping an envelope whole."""
    return to_message(envelope).SerializeToString()


def from_bytes(raw: bytes) -> Envelope:
    """Read what `to_bytes` made."""
    return from_message(record_pb2.Envelope.FromString(raw))


def from_message(message: record_pb2.Envelope) -> Envelope:
    """Read the wire form."""
    if message.erased:
        return Envelope(message.header, message.signature, None, None)
    return Envelope(message.header, message.signature, message.salt, message.payload)
