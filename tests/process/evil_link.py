"""One Exchange stream of an `Evil`: what it sends, what it hears, how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from node.records import notes
from node.records.envelope import Envelope, Record, open_envelope
from node.records.payload import KnownHead
from node.sync import frames
from node.sync.comparing import Comparing
from node.sync.frames import Frame
from node.sync.limits import DEFAULT_LIMITS
from node.wire import codec
from node.wire.server import LINK, REASON_KEY, TLS_SHA256_KEY

if TYPE_CHECKING:
    from tests.process.evil import Evil

EXCHANGE = f"/{LINK}/Exchange"
SOON_S = 60.0  # generous: a busy machine makes no test fail
WIDE = DEFAULT_LIMITS._replace(frame_bytes_max=2**27)


class Link:
    """One Exchange stream of an `Evil`."""

    def __init__(self, evil: Evil, channel: grpc.aio.Channel, my_tls: bytes) -> None:
        self.evil = evil
        self.channel = channel
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
        self._writing = asyncio.Lock()
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
        await self.ping()  # what the parent had to say is here and receipted: nothing is written behind a test's back

    async def send(self, *sent: Frame | bytes) -> bool:
        """Send frames or raw messages; False once the other end has closed."""
        for frame in sent:
            raw = frame if isinstance(frame, bytes) else codec.encode(frame, WIDE)
            try:
                async with self._writing:
                    await self._call.write(raw)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                if asyncio.current_task() is not self._reader:
                    self.reads.set()  # who does not read does not learn that it has ended, either
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
                    assert self.status is None or self._news.is_set(), self._told(what)
                    self._news.clear()
                    if not (found := condition()):
                        await self._news.wait()
        except TimeoutError:
            raise AssertionError(self._told(what)) from None
        return found

    def _told(self, what: str) -> tuple[object, ...]:
        closing = [frame for frame in self.frames if isinstance(frame, frames.Goodbye | frames.Refusal)]
        return what, self.status, [type(frame).__name__ for frame in self.frames[-5:]], closing[-2:]

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
        await self.receipted_up_to(record.header.log_id, record.header.seq)

    async def receipted_up_to(self, log_id: bytes, seq: int) -> None:
        await self.until(lambda: self.receipted.get(log_id, 0) >= seq, f"a receipt up to {seq}")

    async def more_receipts(self, seen: int) -> None:
        await self.until(lambda: self.receipts > seen, "one more receipt")

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
        said = dict(await self._call.trailing_metadata() or ()).get(REASON_KEY, b"").decode()
        self.status = (await self._call.code(), await self._call.details() or said)
        self._news.set()

    async def _take(self, frame: Frame) -> None:
        self.frames.append(frame)
        if isinstance(frame, frames.ReceiptFrame):
            self.receipts += 1
            for head in notes.open_receipt(self.evil.keyring, frame.note).heads:
                self.receipted[head.log_id] = max(head.seq, self.receipted.get(head.log_id, 0))
        elif isinstance(frame, frames.Goodbye):
            async with self._writing:
                with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):  # it has ended already
                    await self._call.done_writing()
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
            if record.header.author != self.evil.code:  # its own come back only where a fork is shown
                self.evil.keep(record)
                heads[record.header.log_id] = KnownHead(record.header.log_id, record.header.seq, record.record_id)
        if heads:
            await self.send(self.evil.receipt(heads.values()))
