"""A neighbour with a valid certificate that speaks the protocol itself, well or badly, towards a real node.

It enrols through the real join, then holds a TLS key, a record key and nothing else: no store, no service of ours
decides what it sends. Its bytes are made with `node.records` and `node.wire.codec`, or by hand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.clock import SystemClock
from node.records import header as headers
from node.records import notes
from node.records import payload as payloads
from node.records.envelope import RECORD_PREFIX, Envelope, Record, open_envelope, payload_hash_of, record_id_of, seal
from node.records.header import Header
from node.records.keyring import Keyring, possession_message
from node.records.kinds import Channel, Kind
from node.records.line import Line, LogKey
from node.records.payload import Act, KnownHead, Opening, Payload
from node.records.suite import Ed25519Sha256, Ed25519Signer, Suites, key_id_of
from node.sync import frames
from node.sync.heads import HeadSet, LogState
from node.sync.limits import DEFAULT_LIMITS
from node.wire import client, credentials, messages
from node.wire.invitation import decode_token
from tests.process.evil_link import WIDE, Link

CLOCK = SystemClock()
SALT = bytes(range(32))
SUITE = Ed25519Sha256()


def new_signer() -> Ed25519Signer:
    return Ed25519Signer(SUITE, Ed25519PrivateKey.generate())


class Evil:
    """An enrolled office under the parent's eyes."""

    def __init__(self, token: str) -> None:
        invitation = decode_token(token, CLOCK.now_ms())
        self.code = invitation.code
        self.path = (*invitation.parent_path, invitation.code)
        self.parent = invitation.parent_path[-1]
        self.federation = invitation.federation
        self.address = invitation.address
        self.link_ca = invitation.link_ca
        self.signer = new_signer()
        self.key_pem = credentials.new_tls_key()
        self.certificate = b""
        self.ca_key_pem, self.ca = credentials.new_link_ca(self.code, CLOCK.now_ms())
        self.keyring = Keyring(Suites([SUITE]), self.federation)
        self.heads = HeadSet()
        self.held: dict[bytes, list[Record]] = {}
        self._epoch = 0
        secret_key = credentials.enrolment_key(invitation.secret)
        public = credentials.public_key_der(self.key_pem)
        self.leaf = credentials.enrolment_leaf(secret_key, self.code, public, invitation.expires_ms)

    # -- enrolment ----------------------------------------------------------------------------------------------------

    def join_request(self, signer: Ed25519Signer | None = None) -> messages.JoinRequest:
        signer = signer or self.signer
        public = credentials.public_key_der(self.key_pem)
        proof = possession_message(self.federation, self.code, self.parent, SUITE.number, signer.raw_key)
        renewal = notes.Renewal(self.code, public, CLOCK.now_ms())
        return messages.JoinRequest(
            self.code, SUITE.number, signer.raw_key, signer.sign(proof), public,
            notes.sign_renewal(signer, self.federation, renewal), self.ca,
        )  # fmt: skip

    async def ask(self, request: messages.JoinRequest) -> messages.JoinReply:
        """Join over the invitation's channel."""
        return await client.join(self.as_invited(), request)

    async def join(self) -> None:
        reply = await self.ask(self.join_request())
        assert reply.state is messages.JoinState.ADMITTED, reply
        for envelope in reply.chain:
            self.keyring.learn(open_envelope(self.keyring.suites, envelope))
        self.certificate = reply.tls_certificate

    def as_invited(self) -> client.Parent:
        return client.Parent(self.address, self.parent, self.link_ca, self.key_pem, self.leaf)

    def as_child(self, key_pem: bytes = b"", certificate: bytes = b"") -> client.Parent:
        pair = (key_pem, certificate) if certificate else (self.key_pem, self.certificate)
        return client.Parent(self.address, self.parent, self.link_ca, *pair)

    # -- records ------------------------------------------------------------------------------------------------------

    def pen(self, *line: str, subtree: bool = False, author: str = "", signer: Ed25519Signer | None = None) -> Pen:
        """A new log of its own: a fresh epoch, so that no test disturbs another."""
        self._epoch += 1
        author = author or self.code
        return Pen(self, LogKey(author, self._epoch, Line(line or self.path[-2:], subtree)), signer or self.signer)

    def hello(self, my_tls: bytes, parent_tls: bytes) -> frames.Hello:
        """An honest hello over this pair of TLS certificates (SHA-256)."""
        channel = notes.Channel(self.code, self.parent, my_tls, parent_tls)
        return frames.Hello(
            1, 1, self.federation, self.code, bytes(32), notes.sign_channel(self.signer, self.federation, channel),
            my_tls, self.heads.root(), len(self.heads), bytes(32), CLOCK.now_ms(), DEFAULT_LIMITS.window_bytes, "evil",
        )  # fmt: skip

    def receipt(self, heads: Iterable[KnownHead], holder: str = "") -> frames.ReceiptFrame:
        receipt = notes.Receipt(holder or self.code, self.parent, CLOCK.now_ms(), tuple(heads))
        return frames.ReceiptFrame(notes.sign_receipt(self.signer, self.federation, receipt))

    def mark(self, office: str, number: int, *, signer: Ed25519Signer | None = None, at_ms: int = 0) -> notes.Signed:
        views = (notes.MarkView(self.parent, 1, bytes(32)),)
        mark = notes.Mark(office, number, at_ms or CLOCK.now_ms(), views)
        return notes.sign_mark(signer or self.signer, self.federation, mark)

    def keep(self, record: Record) -> None:
        """Hold a record as an honest node would, for comparing heads."""
        log_id = record.header.log_id
        log = self.heads.get(log_id)
        if log is None:
            log = LogState(len(self.heads) + 1, log_id, record.header.log_key, 0, b"", frozen=False)
            self.heads.add(log)
        if record.header.seq == log.seq + 1:
            log.seq, log.head_id = record.header.seq, record.record_id
            self.heads.touch(log)
            self.held.setdefault(log_id, []).append(record)

    def tasks(self) -> list[Record]:
        """Tasks the parent has given it."""
        return [record for run in self.held.values() for record in run if record.header.kind == Kind.ASSIGN]

    def opening(self, record: Record) -> Opening:
        """What a task says."""
        found = payloads.decode(record.header.kind, record.envelope.payload or b"")
        assert isinstance(found, Opening)
        return found

    # -- links --------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def link(self, parent: client.Parent | None = None, *, greet: bool = True) -> AsyncIterator[Link]:
        """An Exchange stream; greeted and compared as an honest child would, unless told otherwise."""
        parent = parent or self.as_child()
        async with client._channel(parent, WIDE) as channel:
            link = Link(self, channel, credentials.tls_sha256(parent.certificate))
            await link.open()
            try:
                if greet:
                    await link.greet()
                yield link
            finally:
                await link.close()


class Pen:
    """Writes one log: `seal` makes the next record, `write` also counts it as the log's head."""

    def __init__(self, evil: Evil, key: LogKey, signer: Ed25519Signer) -> None:
        self.evil, self.key, self.signer = evil, key, signer
        self.seq, self.prev = 0, b""

    @property
    def log_id(self) -> bytes:
        return self.header(Kind.PROGRESS).log_id

    @property
    def head(self) -> KnownHead:
        return KnownHead(self.log_id, self.seq, self.prev)

    def header(self, kind: int, **changes: Any) -> Header:
        now_ms = CLOCK.now_ms()
        header = Header(
            self.evil.federation, self.key.author, self.key.epoch, self.key.line, self.seq + 1, self.prev, now_ms, 0,
            now_ms, kind, b"", 0, (), b"", 1, Channel.CLI, SUITE.number, b"", 0, b"",
        )  # fmt: skip
        return header._replace(**changes)

    def seal(self, kind: int = Kind.PROGRESS, payload: Payload | bytes = Act("进展"), **changes: Any) -> Record:  # noqa: B008
        raw = payload if isinstance(payload, bytes) else payloads.encode(payload)
        return seal(self.signer, self.header(kind, **changes), SALT, raw)

    def write(self, kind: int = Kind.PROGRESS, payload: Payload | bytes = Act("进展"), **changes: Any) -> Record:  # noqa: B008
        return self.accept(self.seal(kind, payload, **changes))

    def accept(self, record: Record) -> Record:
        self.seq, self.prev = record.header.seq, record.record_id
        return record

    def forge(
        self, mutate: Callable[[bytes], bytes] = bytes, prefix: bytes = RECORD_PREFIX, payload: bytes = b"",
        **changes: Any,
    ) -> Envelope:  # fmt: skip
        """Signed bytes that `seal` would not make."""
        full = self.header(Kind.PROGRESS)._replace(
            key_id=key_id_of(SUITE, self.signer.raw_key), payload_bytes=len(payload),
            payload_hash=payload_hash_of(SUITE, SALT, payload),
        )  # fmt: skip
        raw = mutate(headers.encode(full._replace(**changes)))
        return Envelope(raw, self.signer.sign(prefix + raw), SALT, payload)


def id_of(envelope: Envelope) -> bytes:
    return record_id_of(SUITE, envelope.header, envelope.signature)
