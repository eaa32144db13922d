"""One open Exchange stream: frames out in order, frames in with back-pressure; the same for both ends.

Rules of this file:

1. A message is read only after the session has taken the one before: a slow node slows its neighbour down, it does not
   collect what it cannot store (faults.md D9, G12).
2. What waits to be written is bounded in bytes; a neighbour that does not read is cut off, not waited for without end.
3. `Session.lost` is called exactly once, whatever ended the stream.
4. Closing is a conversation: this side says goodbye with its reason and goes on reading (and forgetting) until the
   other end has finished too, or 5 s have passed. gRPC alone would lose the reason, and whatever was under way,
   whenever the other end happens to be writing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

from node.errors import PeerError
from node.sync.frames import Frame, Goodbye, Heads
from node.sync.limits import LinkLimits
from node.wire import codec

CLOSE_GRACE_S = 5.0  # for what is still queued when this side closes
FRAME_COST_BYTES = 256  # what a waiting frame costs beside its bytes: a flood of tiny ones is a flood
QUEUE_WINDOWS = 3  # one window of batches, one of attachments, one of everything else


class Session(Protocol):
    """What the services put behind a stream. All methods are called in the thread of the event loop."""

    async def receive(self, frame: Frame, size_bytes: int) -> None:
        """A frame came in; the next one is read when this returns. ``size_bytes`` as it was on the wire."""
        ...

    def malformed(self, error: PeerError) -> None:
        """Bytes came in that are no frame; they are the evidence. The stream ends."""
        ...

    def lost(self) -> None:
        """The stream is gone."""
        ...


class Stream(Protocol):
    """The raw half of gRPC that both ends have."""

    async def read(self) -> bytes | None:
        """The next message; None when the other end has finished."""
        ...

    async def write(self, raw: bytes) -> None:
        """Hand over a message; returns when there is room for the next."""
        ...

    async def finish(self) -> None:
        """Say that no more messages follow, as far as this end can."""
        ...


class Sender:
    """The outgoing half of a stream. Used in the thread of the event loop only."""

    def __init__(self, limits: LinkLimits) -> None:
        """``reason`` is set once this side closed the stream; ``queued_bytes`` is what waits to be written."""
        self.reason: str | None = None
        self.queued_bytes = 0
        self._limits = limits
        self._queue: deque[tuple[bytes, int]] = deque()
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._cut: asyncio.Future[PeerError] = self._loop.create_future()
        self._grace: asyncio.TimerHandle | None = None
        self._gone = False
        self._said_goodbye = False

    def send(self, frames: Iterable[Frame]) -> None:
        """Queue frames, in this order. Nothing happens once the stream is closed or gone (`Session.lost` tells)."""
        if self._gone or self.reason is not None:
            return
        for frame in frames:
            raw = codec.encode(frame, self._limits)
            # Heads are sent once, when the ends compare, and bounded by the logs held: they may be more than the bound.
            counted = 0 if isinstance(frame, Heads) else len(raw) + FRAME_COST_BYTES
            self._queue.append((raw, counted))
            self.queued_bytes += counted
            self._said_goodbye = isinstance(frame, Goodbye)
        if self.queued_bytes > QUEUE_WINDOWS * self._limits.window_bytes:
            self._cut_off(f"{self.queued_bytes} bytes unread")
        self._wake.set()

    def close(self, reason: str) -> None:
        """End the stream once what is queued was written (within 5 s); a goodbye is added unless it was just said."""
        if self.reason is None and not self._gone:
            if not self._said_goodbye:
                self.send([Goodbye(reason)])
            self.reason = reason
            self._grace = self._loop.call_later(CLOSE_GRACE_S, self._cut_off, "closing took too long")
            self._wake.set()

    async def write_all(self, stream: Stream) -> None:
        """Write what is queued until this side closes."""
        while True:
            while self._queue:
                raw, counted = self._queue.popleft()
                await stream.write(raw)
                self.queued_bytes -= counted
            if self.reason is not None:
                return
            self._wake.clear()
            await self._wake.wait()

    @property
    def cut(self) -> asyncio.Future[PeerError]:
        """Done with the reason when the neighbour must be cut off because it does not read."""
        return self._cut

    def gone(self) -> None:
        """The stream is gone: forget what is queued."""
        self._gone = True
        self._queue.clear()
        self.queued_bytes = 0
        self._cut.cancel()
        if self._grace is not None:
            self._grace.cancel()

    def _cut_off(self, detail: str) -> None:
        if not self._cut.done():
            self._cut.set_result(PeerError("对方不接收数据", code="timeout", detail=detail))


async def exchange(stream: Stream, session: Session, sender: Sender, limits: LinkLimits) -> None:
    """Carry frames both ways until one end closes.

    Returns when this side closed (`sender.reason` says why) or the other end finished. PeerError when the neighbour
    sent what is no frame or does not read; whatever the stream raises is passed on.
    """
    reading = asyncio.ensure_future(_read_all(stream, session, sender, limits))
    writing = asyncio.ensure_future(_write_all(stream, sender))
    try:
        await _first(reading, writing, sender.cut)
        fault = reading.exception() if reading.done() else None
        if isinstance(fault, PeerError):
            sender.close(fault.code)
            await _first(writing, sender.cut)
        elif writing.done() and not writing.exception():
            await _first(reading, sender.cut)
        for task in (reading, writing):
            if task.done():
                task.result()
        if sender.cut.done() and sender.reason is None:
            raise sender.cut.result()
    finally:
        reading.cancel()
        writing.cancel()
        sender.gone()
        try:
            await asyncio.gather(reading, writing, return_exceptions=True)
        finally:
            session.lost()


async def _first(*ends: asyncio.Future[Any]) -> None:
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)


async def _write_all(stream: Stream, sender: Sender) -> None:
    await sender.write_all(stream)
    await stream.finish()


async def _read_all(stream: Stream, session: Session, sender: Sender, limits: LinkLimits) -> None:
    while True:
        raw = await stream.read()
        if raw is None:
            return
        if sender.reason is not None:
            continue
        try:
            frame = codec.decode(raw, limits)
        except PeerError as error:
            session.malformed(error)
            raise
        await session.receive(frame, len(raw))
