"""A neighbour with a valid certificate that speaks the protocol itself, well or badly, towards a real node.

It enrols through the real join, then holds a TLS key, a record key and nothing else: no store, no service of ours
decides what it sends. Its bytes are made with `node.records` and `node.wire.codec`, or by hand.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import grpc.aio
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
from node.records.payload import Act, KnownHead, Payload
from node.records.suite import Ed25519Sha256, Ed25519Signer, Suites, key_id_of
from node.sync import frames
from node.sync.comparing import Comparing
from node.sync.frames import Frame
from node.sync.heads import HeadSet, LogState
from node.sync.limits import DEFAULT_LIMITS
from node.wire import client, codec, credentials, messages
from node.wire.invitation import decode_token
from node.wire.server import LINK, TLS_SHA256_KEY

CLOCK = SystemClock()
EXCHANGE = f"/{LINK}/Exchange"
SOON_S = 20.0  # generous: a busy machine makes no test fail
WIDE = DEFAULT_LIMITS._replace(frame_bytes_max=2**27)
SALT = bytes(range(32))
SUITE = Ed25519Sha256()


def new_signer() -> Ed25519Signer:
    return Ed25519Signer(SUITE, Ed25519PrivateKey.generate())


class Fault(NamedTuple):
    """A row of the parent's evidence."""

    code: str
    text: str
    data: bytes


class Books:
    """The database of a running node, read only and from outside."""

    def __init__(self, home: Path) -> None:
        self._path = home / "dulian.db"

    def rows(self, query: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=20)) as database:
            return database.execute(query, values).fetchall()

    def evidence(self, peer: str, after: int = 0) -> list[Fault]:
        query = "select code, text, data from evidence where peer = ? and evidence_no > ? order by evidence_no"
        return [Fault(*row) for row in self.rows(query, peer, after)]

    def last_evidence(self) -> int:
        return int(self.rows("select coalesce(max(evidence_no), 0) from evidence")[0][0])

    def head(self, log_id: bytes) -> tuple[int, bytes]:
        found = self.rows("select head_seq, head_id from log where log_id = ?", log_id)
        return (found[0][0], found[0][1]) if found else (0, b"")

    def heads(self) -> dict[bytes, tuple[int, bytes]]:
        return {row[0]: (row[1], row[2]) for row in self.rows("select log_id, head_seq, head_id from log")}

    def frozen(self, log_id: bytes) -> bool:
        return bool(self.rows("select frozen from log where log_id = ?", log_id)[0][0])

    def stored(self, log_id: bytes, seq: int) -> tuple[bytes, bytes]:
        """Header and payload of a stored record, byte for byte."""
        query = "select header, payload from record join log on place >> 32 = log_no where log_id = ? and place % ? = ?"
        return self.rows(query, log_id, 2**32, seq)[0]

    def forks(self, log_id: bytes) -> list[bytes]:
        found = self.rows("select record_id from fork join log using (log_no) where log_id = ?", log_id)
        return [row[0] for row in found]

    def alarms(self) -> set[tuple[str, str]]:
        return set(self.rows("select code, subject from alarm"))


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
        self, mutate: Callable[[bytes], bytes] = bytes, prefix: bytes = RECORD_PREFIX, payload: bytes = b"", **changes: Any
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


class Link:
    """One Exchange stream of an `Evil`."""

    def __init__(self, evil: Evil, channel: grpc.aio.Channel, my_tls: bytes) -> None:
        self.evil = evil
        self.my_tls = my_tls
        self.parent_tls = b""
        self.frames: list[Frame] = []
        self.receipted: dict[bytes, int] = {}
        self.receipts = 0
        self.status: tuple[grpc.StatusCode, str] | None = None
        self.reads = asyncio.Event()  # clear it to stop reading
        self.reads.set()
        self.answers = True  # as an honest child: receipts for what comes, heads when asked
        self.ready = False
        self._call: Any = channel.stream_stream(EXCHANGE)()
        self._comparing: Comparing | None = None
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    # -- the stream ---------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        async with asyncio.timeout(SOON_S):
            found = dict(await self._call.initial_metadata() or ())
        self.parent_tls = found.get(TLS_SHA256_KEY, b"")
        self._reader = asyncio.create_task(self._read())

    async def close(self) -> None:
        self._call.cancel()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def greet(self) -> None:
        """Hello, comparison, and all the parent has to say."""
        await self.send(self.evil.hello(self.my_tls, self.parent_tls))
        await self.until(lambda: self.ready, "in sync")

    async def send(self, *sent: Frame | bytes) -> bool:
        """Send frames or raw messages; False once the other end has closed."""
        for frame in sent:
            raw = frame if isinstance(frame, bytes) else codec.encode(frame, WIDE)
            try:
                await self._call.write(raw)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await self.ended()
                return False
        return True

    async def offer(self, *records: Record | Envelope) -> bool:
        found = tuple(record.envelope if isinstance(record, Record) else record for record in records)
        return await self.send(frames.Batch(found))

    async def until(self, condition: Callable[[], Any], what: str, within_s: float = SOON_S) -> Any:
        """Wait until something that came in makes the condition true."""
        try:
            async with asyncio.timeout(within_s):
                while not (found := condition()):
                    assert self.status is None or self._news.is_set(), (what, self.status, self.frames[-3:])
                    self._news.clear()
                    if not (found := condition()):
                        await self._news.wait()
        except TimeoutError:
            raise AssertionError((what, self.status, self.frames[-3:])) from None
        return found

    async def ended(self, within_s: float = SOON_S) -> str:
        """Wait for the other end to close; the reason it gave."""
        await self.until(lambda: self.status, "the parent closes", within_s)
        goodbyes = [frame.reason for frame in self.frames if isinstance(frame, frames.Goodbye)]
        assert self.status is not None
        return goodbyes[-1] if goodbyes else self.status[1] or self.status[0].name

    async def ping(self) -> None:
        """All that was sent before has been judged once the answer is here."""
        number = 1 + len(self.frames)
        await self.send(frames.Ping(number))
        await self.until(lambda: any(f.number == number for f in self.of(frames.Pong)), "a pong")

    def of(self, kind: type[Any]) -> list[Any]:
        return [frame for frame in self.frames if isinstance(frame, kind)]

    async def refusal(self, log_id: bytes) -> frames.Refusal:
        """The parent's refusal of this log; the last one."""
        def found() -> list[frames.Refusal]:
            return [frame for frame in self.of(frames.Refusal) if frame.log_id == log_id]

        await self.until(found, "a refusal")
        return found()[-1]

    async def receipt_for(self, record: Record) -> None:
        """The parent has signed that it holds this record durably."""
        log_id, seq = record.header.log_id, record.header.seq
        await self.until(lambda: self.receipted.get(log_id, 0) >= seq, f"a receipt for {record.header.kind}")

    async def publish(self, *records: Record) -> None:
        """Honestly: send, and have receipts for all."""
        await self.offer(*records)
        for record in records:
            await self.receipt_for(record)
            self.evil.keep(record)

    # -- reading ------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            while True:
                await self.reads.wait()
                raw = await self._call.read()
                if not isinstance(raw, bytes):
                    break
                await self._take(codec.decode(raw, WIDE))
                self._news.set()
        except grpc.aio.AioRpcError:
            pass  # the status below says it
        self.status = (await self._call.code(), await self._call.details() or "")
        self._news.set()

    async def _take(self, frame: Frame) -> None:
        self.frames.append(frame)
        if isinstance(frame, frames.ReceiptFrame):
            self.receipts += 1
            for head in notes.open_receipt(self.evil.keyring, frame.note).heads:
                self.receipted[head.log_id] = max(head.seq, self.receipted.get(head.log_id, 0))
        elif not self.answers:
            return
        elif isinstance(frame, frames.Hello):
            if frame.heads_digest == self.evil.heads.root():
                self.ready = True
            else:
                self._comparing = Comparing(dials=True, heads=self.evil.heads, heads_per_frame=1_000)
                await self.send(self._comparing.digests())
        elif isinstance(frame, frames.Heads) and self._comparing is not None:
            found = self._comparing.on_heads(frame)
            assert found is not None
            await self.send(*found.answers)
            self.ready = self.ready or found.done
        elif isinstance(frame, frames.Batch):
            await self._hold(frame.records)

    async def _hold(self, envelopes: Sequence[Envelope]) -> None:
        heads = {}
        for envelope in envelopes:
            record = open_envelope(self.evil.keyring.suites, envelope)
            self.evil.keep(record)
            heads[record.header.log_id] = KnownHead(record.header.log_id, record.header.seq, record.record_id)
        await self.send(self.evil.receipt(heads.values()))
