"""Offices on loopback for the tests of the wire: real certificates, real sockets, a session that records."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from node.clock import DAY_MS, SystemClock
from node.errors import PeerError, UnreachableError
from node.sync import frames
from node.sync.limits import DEFAULT_LIMITS
from node.wire import client, credentials, messages, server

CLOCK = SystemClock()
LIMITS = DEFAULT_LIMITS._replace(window_bytes=262_144)


class Ca:
    """An office's link CA and what it issues."""

    def __init__(self, office):
        self.office = office
        self.key, self.der = credentials.new_link_ca(office, CLOCK.now_ms())

    def issue(self, office, lifetime_ms=DAY_MS, *, is_server=False, now_ms=None):
        key = credentials.new_tls_key()
        public = credentials.public_key_der(key)
        now_ms = CLOCK.now_ms() if now_ms is None else now_ms
        return key, credentials.issue_tls(self.key, self.der, office, public, lifetime_ms, now_ms, server=is_server)


class Recorder:
    """A session that keeps what it sees and may answer."""

    def __init__(self, sender, peer):
        self.sender, self.peer = sender, peer
        self.frames, self.sizes, self.refused, self.times_lost = [], [], [], 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.ended = asyncio.Event()

    async def receive(self, frame, size_bytes):
        await self.gate.wait()
        self.frames.append(frame)
        self.sizes.append(size_bytes)
        if isinstance(frame, frames.Ping):
            self.sender.send([frames.Pong(frame.number, 7)])
        if isinstance(frame, frames.Goodbye):
            self.sender.close(frame.reason)

    def malformed(self, error):
        self.refused.append(error)

    def lost(self):
        self.times_lost += 1
        self.ended.set()


class Office:
    """The services behind a server, as far as these tests need them."""

    def __init__(self, ca):
        self.ca = ca
        key, certificate = ca.issue(ca.office, is_server=True)
        self.secrets = server.ServerSecrets(key, certificate, ca.der)
        self.sessions, self.joins, self.refusal, self.delay_s, self.port = [], [], None, 0.0, 0

    def server_secrets(self):
        return self.secrets

    def open_session(self, peer_certificate, sender):
        if self.refusal:
            raise PeerError("拒绝", code=self.refusal)
        self.sessions.append(Recorder(sender, peer_certificate))
        return self.sessions[-1]

    async def join(self, request, peer_certificate):
        self.joins.append((request, peer_certificate))
        await asyncio.sleep(self.delay_s)
        return messages.JoinReply(messages.JoinState.PENDING, "等待上级核准")

    async def renew(self, request, peer_certificate):
        assert request.request.body == b"body"
        return self.ca.issue(credentials.office_of(peer_certificate))[1]


@asynccontextmanager
async def serving(ca, limits=LIMITS):
    office = Office(ca)
    listening = server.WireServer(office, CLOCK, limits)
    office.port = await listening.start("127.0.0.1:0")
    try:
        yield office
    finally:
        await listening.stop(0)


def parent_of(office, pair, ca=None):
    key, certificate = pair
    return client.Parent(f"127.0.0.1:{office.port}", "320000", (ca or office.ca).der, key, certificate)


class Dialled:
    """A child on the line."""

    def __init__(self, parent, limits=LIMITS):
        self.session = None
        self.opened = asyncio.Event()
        self.task = asyncio.create_task(client.dial(parent, self.open, limits, 5.0))
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # not every test asks

    def open(self, server_sha256, sender):
        self.session = Recorder(sender, server_sha256)
        self.opened.set()
        return self.session

    async def ready(self):
        async with asyncio.timeout(10):
            opening = asyncio.create_task(self.opened.wait())
            await asyncio.wait({opening, self.task}, return_when=asyncio.FIRST_COMPLETED)
            opening.cancel()
            if self.task.done():
                self.task.result()
        return self.session


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what tests wait for has no event of its own
            await asyncio.sleep(0.005)


def raw_call(channel: Any, method: str) -> Any:
    """A call that takes and gives bytes."""
    return getattr(channel, "stream_stream" if method.endswith("Exchange") else "unary_unary")(f"/{method}")


async def refused(parent, code):
    with pytest.raises((UnreachableError, PeerError)) as caught:
        await client.dial(parent, lambda *_: pytest.fail("a session was opened"), LIMITS, 5.0)
    assert caught.value.code == code, caught.value
    return caught.value
