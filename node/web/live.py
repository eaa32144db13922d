"""What changed, told to open pages: server-sent events (`/live`).

Rules of this file:

1. A message says *that* items, links or alarms changed, never how: pages ask anew and get what they may see.
2. Nothing is queued for a slow reader: what changed since its last message is merged, bounded, and else "many".
3. A change after a quiet time is told at once; while changes go on, they are told together, the more seldom the more
   pages are open, and each page waits a random part of `spread_ms` before it asks: pages never flood their own node.
4. A session has few streams, the oldest ends for a new one; a stream ends with its session, a page reconnects itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress

from node.web.limits import (
    CHANGED_IDS_MAX,
    GATHER_PER_STREAM_S,
    GATHER_S,
    GATHER_S_MAX,
    HEARTBEAT_S,
    SPREAD_MS_MAX,
    SPREAD_PER_STREAM_MS,
    STREAMS_MAX,
    STREAMS_PER_SESSION_MAX,
)

ITEMS, LINKS, ALARMS = "items", "links", "alarms"
_RETRY = b"retry: 3000\n\n"
_BEAT = b": .\n\n"
_BYE = b"event: bye\ndata: {}\n\n"


class Stream:
    """One open page."""

    def __init__(self, session: bytes, *, with_ids: bool) -> None:
        """``with_ids``: whether the page may hear which items; else only that some changed."""
        self.session = session
        self._with_ids = with_ids
        self._pending: dict[str, set[str]] = {}
        self._many: set[str] = set()
        self._wake = asyncio.Event()
        self.ended = False

    def push(self, topic: str, ids: Iterable[str] = ()) -> None:
        """Something changed; in the loop."""
        known = self._pending.setdefault(topic, set())
        known.update(ids if self._with_ids else ())
        if len(known) > CHANGED_IDS_MAX or (topic == ITEMS and not self._with_ids):
            known.clear()
            self._many.add(topic)
        self._wake.set()

    def end(self) -> None:
        """No more."""
        self.ended = True
        self._wake.set()

    def take(self, spread_ms: int = 0) -> bytes:
        """What changed since the last time, as events."""
        self._wake.clear()
        pending, many = self._pending, self._many
        self._pending, self._many = {}, set()
        return b"".join(
            b"event: %s\ndata: %s\n\n" % (topic.encode(), json.dumps(
                ({"many": True} if topic in many else {"ids": sorted(ids)}) | {"spread": spread_ms},
                separators=(",", ":")).encode())
            for topic, ids in pending.items()
        )  # fmt: skip

    async def wait(self, seconds: float) -> None:
        """Until something changed, or so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)


class Hub:
    """All open pages of this node."""

    def __init__(self) -> None:
        """Nobody listens."""
        self._streams: list[Stream] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: set[str] = set()  # not told yet
        self._telling: asyncio.TimerHandle | None = None
        self._told_s = -GATHER_S_MAX

    def start(self) -> None:
        """In the loop whose pages are told."""
        self._loop = asyncio.get_running_loop()

    @property
    def listening(self) -> bool:
        """Whether any page is open."""
        return bool(self._streams)

    def changed(self, item_ids: list[bytes]) -> None:
        """From the core thread, after a projection."""
        if self._streams and self._loop is not None and not self._loop.is_closed():
            ids = [item_id.hex() for item_id in item_ids[: CHANGED_IDS_MAX + 1]]
            self._loop.call_soon_threadsafe(self._gather, ids)

    @property
    def gather_s(self) -> float:
        """How long changes are gathered while they go on: each page told asks for itself anew."""
        return min(max(GATHER_S, GATHER_PER_STREAM_S * len(self._streams)), GATHER_S_MAX)

    @property
    def spread_ms(self) -> int:
        """Over which time the pages told of a change ask."""
        return min(SPREAD_PER_STREAM_MS * len(self._streams), SPREAD_MS_MAX)

    def _gather(self, ids: Iterable[str]) -> None:
        if len(self._changed) <= CHANGED_IDS_MAX:
            self._changed.update(ids)
        if self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(max(0.0, self._told_s + self.gather_s - loop.time()), self._tell)

    def _tell(self) -> None:
        self._telling, self._told_s = None, asyncio.get_running_loop().time()
        ids, self._changed = self._changed, set()
        self.publish(ITEMS, ids)

    def publish(self, topic: str, ids: Iterable[str] = ()) -> None:
        """Tell every page; in the loop."""
        found = list(ids)
        for stream in self._streams:
            stream.push(topic, found)

    def open(self, session: bytes, *, with_ids: bool) -> Stream | None:
        """A stream for a page; None where too many are open."""
        mine = [stream for stream in self._streams if stream.session == session]
        for stream in mine[: max(0, len(mine) - STREAMS_PER_SESSION_MAX + 1)]:
            stream.end()
            self._streams.remove(stream)
        if len(self._streams) >= STREAMS_MAX:
            return None
        stream = Stream(session, with_ids=with_ids)
        self._streams.append(stream)
        return stream

    async def events(
        self, stream: Stream, alive: Callable[[], Awaitable[bool]], heartbeat_s: float = HEARTBEAT_S
    ) -> AsyncIterator[bytes]:
        """The bytes of a stream; ``alive`` is asked at each heartbeat whether its session still is."""
        try:
            yield _RETRY
            loop = asyncio.get_running_loop()
            asked_s = loop.time()
            while not stream.ended:
                await stream.wait(heartbeat_s)
                events = stream.take(self.spread_ms)
                # Also where changes never pause: a session that has ended hears of none for longer than a heartbeat.
                if not stream.ended and (not events or loop.time() - asked_s >= heartbeat_s):
                    asked_s = loop.time()
                    if not await alive():
                        break
                yield events or _BEAT
            yield _BYE
        finally:
            if stream in self._streams:
                self._streams.remove(stream)

    def close(self) -> None:
        """End all: the node stops."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        for stream in self._streams:
            stream.end()
        self._streams.clear()
