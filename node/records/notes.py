"""Signed notes that are not records: receipts, freshness marks, channel proofs, renewal requests.

Each is signed over exactly its body's bytes under a prefix of its own, so none can pass for another (faults.md B15).
"""

from __future__ import annotations

from typing import NamedTuple

from google.protobuf.message import DecodeError

from node.errors import PeerError
from node.records import limits
from node.records.keyring import Key, Keyring
from node.records.payload import KnownHead
from node.records.suite import Signer, key_id_of
from node.records.v1 import payloads_pb2

RECEIPT = b"dulian-receipt-1\0"
MARK = b"dulian-mark-1\0"
CHANNEL = b"dulian-channel-1\0"
RENEW = b"dulian-renew-1\0"


class Signed(NamedTuple):
    """A note as it travels."""

    body: bytes
    signature: bytes


class Receipt(NamedTuple):
    """收讫: the holder has these logs durably up to these heads."""

    holder: str
    sender: str
    at_ms: int
    heads: tuple[KnownHead, ...]


class MarkView(NamedTuple):
    """What one superior must hold from the office: number of logs and digest of their heads."""

    superior: str
    logs: int
    heads: bytes


class LinkOutcome(NamedTuple):
    """How an office's link to its parent stood: outcome 1 balanced, 2 repaired, 3 disputed, 4 not completed."""

    at_ms: int
    outcome: int
    repaired: int
    disputed: int
    balanced_ms: int  # when it last balanced; 0 = never


class Mark(NamedTuple):
    """Freshness mark of an office; ``number`` grows with every mark; ``link`` None: never reconciled."""

    office: str
    number: int
    at_ms: int
    views: tuple[MarkView, ...]
    link: LinkOutcome | None = None


class Channel(NamedTuple):
    """Who speaks to whom over which pair of TLS certificates (SHA-256 of the DER)."""

    speaker: str
    listener: str
    speaker_tls_sha256: bytes
    listener_tls_sha256: bytes


class Renewal(NamedTuple):
    """A request for a TLS certificate for this public key (SubjectPublicKeyInfo, DER)."""

    office: str
    tls_public_key: bytes
    at_ms: int


def sign_receipt(signer: Signer, federation: bytes, receipt: Receipt) -> Signed:
    """Sign a receipt."""
    heads = [payloads_pb2.KnownHead(log_id=h.log_id, seq=h.seq, record_id=h.record_id) for h in receipt.heads]
    body = payloads_pb2.ReceiptBody(
        federation=federation, holder=receipt.holder, sender=receipt.sender, at_ms=receipt.at_ms, heads=heads,
        suite=signer.suite.number, key_id=key_id_of(signer.suite, signer.raw_key),
    )  # fmt: skip
    return _sign(signer, RECEIPT, body.SerializeToString(deterministic=True))


def open_receipt(keyring: Keyring, note: Signed) -> Receipt:
    """Verify a receipt; PeerError(malformed | unknown_key | bad_signature | foreign_federation)."""
    body = payloads_pb2.ReceiptBody()
    _parse(body, note)
    _check(keyring, RECEIPT, note, body.federation, body.holder, body.key_id)
    if len(body.heads) > limits.RECEIPT_HEADS_MAX:
        raise PeerError("收讫条目过多", code="too_large", detail="receipt heads")
    _bound(body.at_ms, limits.TIME_MS_MAX)
    heads = tuple(KnownHead(h.log_id, h.seq, h.record_id) for h in body.heads)
    return Receipt(body.holder, body.sender, body.at_ms, heads)


def sign_mark(signer: Signer, federation: bytes, mark: Mark) -> Signed:
    """Sign a freshness mark."""
    views = [payloads_pb2.MarkView(superior=v.superior, logs=v.logs, heads=v.heads) for v in mark.views]
    body = payloads_pb2.MarkBody(
        federation=federation, office=mark.office, number=mark.number, at_ms=mark.at_ms, views=views,
        suite=signer.suite.number, key_id=key_id_of(signer.suite, signer.raw_key),
        link=payloads_pb2.LinkOutcome(**mark.link._asdict()) if mark.link is not None else None,
    )  # fmt: skip
    return _sign(signer, MARK, body.SerializeToString(deterministic=True))


def open_mark(keyring: Keyring, note: Signed) -> Mark:
    """Verify a freshness mark; PeerError as for receipts."""
    if len(note.body) > limits.MARK_BYTES_MAX:
        detail = f"mark of {len(note.body)} bytes"
        raise PeerError("数据截至标记超过上限", code="too_large", evidence=note.body[:256], detail=detail)
    body = payloads_pb2.MarkBody()
    _parse(body, note)
    _check(keyring, MARK, note, body.federation, body.office, body.key_id)
    if len(body.views) > limits.PATH_CODES_MAX:
        raise PeerError("数据截至标记条目过多", code="too_large", detail="mark views")
    _bound(body.at_ms, limits.TIME_MS_MAX)
    _bound(body.number, limits.EPOCH_MAX)
    views = tuple(MarkView(v.superior, v.logs, v.heads) for v in body.views)
    link = None
    if body.HasField("link"):
        said = body.link
        _bound(max(said.at_ms, said.balanced_ms), limits.TIME_MS_MAX)
        link = LinkOutcome(said.at_ms, said.outcome, said.repaired, said.disputed, said.balanced_ms)
    return Mark(body.office, body.number, body.at_ms, views, link)


def sign_channel(signer: Signer, federation: bytes, channel: Channel) -> Signed:
    """Bind this office's record key to a pair of TLS certificates."""
    body = payloads_pb2.ChannelBody(
        federation=federation, speaker=channel.speaker, listener=channel.listener,
        speaker_tls_sha256=channel.speaker_tls_sha256, listener_tls_sha256=channel.listener_tls_sha256,
        suite=signer.suite.number, key_id=key_id_of(signer.suite, signer.raw_key),
    )  # fmt: skip
    return _sign(signer, CHANNEL, body.SerializeToString(deterministic=True))


def open_channel(keyring: Keyring, note: Signed) -> Channel:
    """Verify a channel proof; PeerError as for receipts."""
    body = payloads_pb2.ChannelBody()
    _parse(body, note)
    _check(keyring, CHANNEL, note, body.federation, body.speaker, body.key_id)
    return Channel(body.speaker, body.listener, body.speaker_tls_sha256, body.listener_tls_sha256)


def sign_renewal(signer: Signer, federation: bytes, renewal: Renewal) -> Signed:
    """Ask for a TLS certificate, under the record key."""
    body = payloads_pb2.RenewBody(
        federation=federation, office=renewal.office, tls_public_key=renewal.tls_public_key, at_ms=renewal.at_ms,
        suite=signer.suite.number, key_id=key_id_of(signer.suite, signer.raw_key),
    )  # fmt: skip
    return _sign(signer, RENEW, body.SerializeToString(deterministic=True))


def open_renewal(keyring: Keyring, note: Signed) -> Renewal:
    """Verify a renewal request of a certified office; PeerError as for receipts."""
    body = payloads_pb2.RenewBody()
    _parse(body, note)
    _check(keyring, RENEW, note, body.federation, body.office, body.key_id)
    return Renewal(body.office, body.tls_public_key, body.at_ms)


def open_first_renewal(note: Signed, verify_key: Key) -> Renewal:
    """Verify the TLS request of an office that is just being admitted, under the key it presents."""
    body = payloads_pb2.RenewBody()
    _parse(body, note)
    if body.key_id != verify_key.key_id or not verify_key.verify(note.signature, RENEW + note.body):
        raise PeerError("签名无效", code="bad_signature", detail="renewal request at enrolment")
    return Renewal(body.office, body.tls_public_key, body.at_ms)


def _bound(number: int, most: int) -> None:
    """Numbers of a note end in signed 64-bit columns."""
    if number > most:
        raise PeerError("签名文书格式不符", code="malformed", detail=f"{number} out of range")


def to_message(note: Signed) -> payloads_pb2.Signed:
    """The wire form."""
    return payloads_pb2.Signed(body=note.body, signature=note.signature)


def from_message(message: payloads_pb2.Signed) -> Signed:
    """Read the wire form."""
    return Signed(message.body, message.signature)


def _sign(signer: Signer, prefix: bytes, body: bytes) -> Signed:
    return Signed(body, signer.sign(prefix + body))


def _parse(message: payloads_pb2.ReceiptBody | payloads_pb2.MarkBody | payloads_pb2.ChannelBody | payloads_pb2.RenewBody, note: Signed) -> None:  # noqa: E501
    if len(note.body) > limits.NOTE_BYTES_MAX or len(note.signature) > limits.SIGNATURE_BYTES_MAX:
        raise PeerError("签名文书超过上限", code="too_large", detail=f"note of {len(note.body)} bytes")
    try:
        message.ParseFromString(note.body)
    except DecodeError as error:
        raise PeerError("签名文书格式不符", code="malformed", evidence=note.body[:256]) from error


def _check(keyring: Keyring, prefix: bytes, note: Signed, federation: bytes, office: str, key_id: bytes) -> None:
    if federation != keyring.federation:
        raise PeerError("不是本联通体系的文书", code="foreign_federation", evidence=note.body[:256])
    key = keyring.key(key_id, office)
    if key is None and keyring.knows(key_id):
        raise PeerError("签名单位与密钥不符", code="wrong_path", evidence=note.body[:256], detail=f"note of {office}")
    if key is None:
        raise PeerError("签名密钥未经认证", code="unknown_key", detail=f"note of {office}")
    if not key.verify(note.signature, prefix + note.body):
        raise PeerError("签名无效", code="bad_signature", evidence=note.body[:256], detail=f"note of {office}")
