"""The network side of a running node: sessions over gRPC, the dialler towards the parent, TLS that renews itself.

Everything here runs in the event loop's thread and talks to the office only through the runner.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from node.bootstrap.homes import Keys, save_tls
from node.errors import DulianError, PeerError
from node.items.lights import day_of
from node.records import notes
from node.services.exchange.quotas import Quotas
from node.services.identity import Identity
from node.services.mending.comeback import CLONES
from node.services.office import Office
from node.services.outputs import Outputs
from node.services.runner import Runner
from node.storage.port import Peer
from node.sync.backoff import Backoff
from node.sync.frames import Batch, BlobChunk, Frame, split, weight
from node.sync.limits import DEFAULT_LIMITS
from node.wire import client, credentials, messages
from node.wire.server import ServerSecrets
from node.wire.stream import Sender

_log = structlog.get_logger("network")
_INBOX_WINDOWS = 2  # frames of one session waiting for the core, in windows; beyond, its stream is not read
_FRAME_COST_BYTES = 1_024  # what a waiting frame costs beside its bytes: a flood of tiny ones is a flood
_CLOSED_MAX = 5
_LOOK_S = 1.0  # a stopped copy that waits looks so often whether it was chosen
_SERVER_LIFE_MS = 90 * 86_400_000
_UNLIMITED = 2**62


def _nobody(_seconds: float) -> None:
    """Nobody measures."""


class _Session:
    """One stream, seen from the transport (`wire.stream.Session`)."""

    def __init__(self, network: Network, number: int, peer: str, sender: Sender) -> None:
        self.peer = peer
        self.sender = sender
        self._network = network
        self._number = number
        self._waiting_bytes = 0
        self._room = asyncio.Event()
        self._room.set()

    async def receive(self, frame: Frame, size_bytes: int) -> None:
        network = self._network
        size_bytes += _FRAME_COST_BYTES
        pause_s = network.charge(self.peer, frame, size_bytes)
        came_s = time.monotonic()
        for part in split(frame, network.runner.part_bytes, network.office.limits):
            self._post(part, weight(part) + _FRAME_COST_BYTES, came_s)
        await self._room.wait()
        if pause_s:
            await asyncio.sleep(pause_s)

    def _post(self, frame: Frame, size_bytes: int, came_s: float) -> None:
        network, number = self._network, self._number
        self._waiting_bytes += size_bytes
        if self._waiting_bytes > _INBOX_WINDOWS * network.office.limits.window_bytes:
            self._room.clear()
        # Here, not in the core: while that waits for the disk the interpreter is free to read what comes next.
        opened = network.office.links.read_ahead(frame)

        def event() -> None:
            network.office.links.out.after_commit.append(lambda: self._taken(size_bytes, came_s))
            network.office.received(number, frame, opened)

        network.runner.post(event, lane=number, size=size_bytes)

    def malformed(self, error: PeerError) -> None:
        office, number = self._network.office, self._number
        self._network.runner.post(lambda: office.links.malformed(number, error), lane=number)

    def lost(self) -> None:
        self._network.forget(self._number)

    def _taken(self, size_bytes: int, came_s: float) -> None:
        self._network.observe(time.monotonic() - came_s)
        self._waiting_bytes -= size_bytes
        if self._waiting_bytes <= _INBOX_WINDOWS * self._network.office.limits.window_bytes:
            self._room.set()

    def release(self) -> None:
        """The core forgot this session: nobody will make room any more."""
        self._waiting_bytes = 0
        self._room.set()


class Network:
    """`wire.server.Host` of this node, and its dialler."""

    def __init__(self, home: Path, office: Office, keys: Keys, tls_lifetime_ms: int, parent_address: str) -> None:
        """``parent_address`` overrides the one of the invitation. The runner is set before anything starts."""
        self.office = office
        self.runner: Runner
        self._home = home
        self._identity: Identity = office.identity
        self._keys = keys
        self._tls_lifetime_ms = tls_lifetime_ms
        self._parent_address = parent_address
        self._sessions: dict[int, _Session] = {}
        self._numbers = itertools.count(1)
        self._backoff = Backoff(office.limits)
        # The link's own keep-alive may be set on one end alone; gRPC's must be the same on both, or its pings are taken
        # for a flood.
        self.transport_limits = office.limits._replace(keepalive_ms=DEFAULT_LIMITS.keepalive_ms)
        self.quotas = Quotas(_UNLIMITED, _UNLIMITED)
        self.observe: Callable[[float], None] = _nobody  # seconds from a frame to the commit of what it brought
        self._reconnect = False
        self._closed_in_a_row = 0
        self._invitations: tuple[bytes, ...] = ()
        self._server_key = credentials.new_tls_key()
        self._secrets = self._new_secrets()

    # -- outputs of the core --------------------------------------------------------------------------------------

    def deliver(self, outputs: Outputs) -> None:
        """Carry out what a committed step produced (in the loop's thread)."""
        for callback in outputs.after_commit:
            callback()
        if self._identity.parent in outputs.established:
            self._backoff.alive()
        for number, group in itertools.groupby(outputs.frames, key=lambda pair: pair[0]):
            session = self._sessions.get(number)
            if session is not None:
                session.sender.send([frame for _, frame in group])
        for number, reason in outputs.closes:
            session = self._sessions.get(number)
            if session is not None:
                _log.info("session_closed", peer=session.peer, reason=reason)
                session.release()
                session.sender.close(reason)
        asyncio.get_running_loop().call_soon(self.runner.handed_over)  # after those who write have been woken

    def forget(self, number: int) -> None:
        """A stream is gone."""
        session = self._sessions.pop(number, None)
        if session is not None:
            _log.info("session_ended", peer=session.peer, session=number)
            session.release()
            self.runner.post(lambda: self.office.links.lost(number), lane=number)

    def charge(self, peer: str, frame: Frame, size_bytes: int) -> float:
        """Count what a neighbour sends against its quota; the seconds to pause before more of it is read."""
        records = len(frame.records) if isinstance(frame, Batch) else 0
        if self.office.author.recovering or not (records or isinstance(frame, BlobChunk)):
            return 0.0
        return self.quotas.charge(peer, size_bytes, records, day_of(self.office.world.clock.now_ms()))

    def parent_now(self) -> client.Parent | None:
        """Whom this node dials, and with what; None at the root."""
        return self._parent() if self._identity.parent else None

    @property
    def keys(self) -> Keys:
        """This node's secrets as they are now."""
        return self._keys

    # -- wire.server.Host -----------------------------------------------------------------------------------------

    def server_secrets(self) -> ServerSecrets:
        """What a handshake needs now (called from threads of gRPC)."""
        return self._secrets

    def open_session(self, peer_certificate: bytes, sender: Sender) -> _Session:
        """A child opened a stream."""
        sha256 = credentials.tls_sha256(peer_certificate)
        office, expires_ms = self.office, credentials.expires_ms(peer_certificate)
        try:
            peer = office.trust.tls_owner(sha256, office.world.clock.now_ms())
        except PeerError as error:
            # Issued in a time that `restore` has lost (the server saw that our link CA issued it): who holds it is
            # asked for the proof by the record key, like everybody, and for the certificates where even those are lost.
            peer = credentials.office_of(peer_certificate)
            lost = office.author.comeback.lost_channel(credentials.begins_ms(peer_certificate))
            if error.code != "channel" or not lost or not office.trust.may_take_back(peer, sha256, expires_ms):
                raise
        mine = credentials.tls_sha256(self._secrets.certificate)
        return self._opened(peer, sha256, mine, expires_ms, sender)

    async def join(self, request: messages.JoinRequest, peer_certificate: bytes) -> messages.JoinReply:
        """A node asks to be admitted."""
        answer = await self._ask(lambda: self.office.enrolment.join(request, peer_certificate))
        assert isinstance(answer, messages.JoinReply)  # noqa: S101 - what the lambda returns
        return answer

    async def renew(self, request: messages.RenewRequest, peer_certificate: bytes) -> bytes:
        """A child asks for a new TLS certificate."""
        answer = await self._ask(lambda: self.office.enrolment.renew(request.request, peer_certificate))
        assert isinstance(answer, bytes)  # noqa: S101 - what the lambda returns
        return answer

    # -- upkeep ---------------------------------------------------------------------------------------------------

    def refresh_secrets(self, invitations: tuple[bytes, ...]) -> None:
        """Invitations changed, or this node's own server certificate is due."""
        if invitations != self._invitations or credentials.needs_renewal(
            self._secrets.certificate, self.office.world.clock.now_ms()
        ):
            self._invitations = invitations
            self._secrets = self._new_secrets()

    async def renew_if_due(self) -> None:
        """Renew the TLS certificate towards the parent at two thirds of its life, then reconnect with the new one."""
        keys, now_ms = self._keys, self.office.world.clock.now_ms()
        if not self._identity.parent or not credentials.needs_renewal(keys.tls_certificate, now_ms):
            return
        key_pem = credentials.new_tls_key()
        renewal = notes.Renewal(self._identity.code, credentials.public_key_der(key_pem), now_ms)
        note = notes.sign_renewal(self._identity.signer, self._identity.federation, renewal)
        try:
            certificate = await client.renew(self._parent(), messages.RenewRequest(note))
            save_tls(self._home, key_pem, certificate)
        except (DulianError, OSError) as error:
            code, text = (error.code, error.text) if isinstance(error, DulianError) else ("disk", str(error))
            _log.warning("renewal_failed", code=code, text=text)
            left_ms = credentials.expires_ms(keys.tls_certificate) - now_ms
            text = f"通道证书续期未成（{text}），还有 {max(left_ms, 0) // 86_400_000} 天到期"
            self.runner.post(lambda: self.office.alarms.raise_("tls_renewal", self._identity.parent, text))
            return
        self._keys = Keys(keys.signer, keys.ca_key_pem, keys.ca_certificate, key_pem, certificate)
        self.runner.post(lambda: self.office.alarms.clear("tls_renewal", self._identity.parent))
        _log.info("tls_renewed", expires_ms=credentials.expires_ms(certificate))
        self._reconnect = True
        for session in self._sessions.values():
            if session.peer == self._identity.parent:
                session.sender.close("renewed")

    async def keep_dialling(self) -> None:
        """Hold the link to the parent for ever: dial, wait, dial again."""
        while True:
            began_s = time.monotonic()
            try:
                parent = self._parent()
                reason = await client.dial(parent, functools.partial(self._dialled, parent), self.transport_limits)
                self._backoff.ended(reason, int((time.monotonic() - began_s) * 1000))
                _log.info("link_ended", peer=self._identity.parent, reason=reason)
            except DulianError as error:
                _log.info("link_failed", peer=self._identity.parent, code=error.code, text=error.text)
                # "closed": the parent ended the handshake without a word, which is how TLS 1.3 rejects a certificate.
                self._closed_in_a_row = self._closed_in_a_row + 1 if error.code == "closed" else 0
                if isinstance(error, PeerError) or error.code == "tls" or self._closed_in_a_row >= _CLOSED_MAX:
                    self._complain(error)
            if self._reconnect:
                self._reconnect = False
                self._backoff.alive()
                continue
            await self._wait()

    # -- inside ---------------------------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Until the next call. A copy that was not chosen rests where the other is there; one just chosen calls."""
        office, backoff = self.office, self._backoff
        jitter, stopped = office.world.jitter(), office.author.recovering in CLONES
        left_s, rest_s = backoff.next_ms(jitter) / 1000, backoff.rest_ms(jitter) / 1000
        while left_s > 0:
            part_s = min(left_s, _LOOK_S) if stopped else left_s
            await asyncio.sleep(part_s)
            left_s, rest_s = left_s - part_s, rest_s - part_s
            if stopped and office.author.recovering not in CLONES:
                backoff.chosen()
                return
            if stopped and office.rests and backoff.displaced:
                left_s = max(left_s, rest_s)

    def _dialled(self, parent: client.Parent, server_sha256: bytes, sender: Sender) -> _Session:
        # The certificate this channel was dialled with: a renewal may have replaced it meanwhile.
        expires_ms = credentials.expires_ms(parent.certificate)
        mine = credentials.tls_sha256(parent.certificate)
        return self._opened(self._identity.parent, server_sha256, mine, expires_ms, sender)

    def _opened(self, peer: str, peer_tls: bytes, my_tls: bytes, expires_ms: int, sender: Sender) -> _Session:
        number = next(self._numbers)
        session = self._sessions[number] = _Session(self, number, peer, sender)
        self.runner.post(
            lambda: self.office.opened(number, peer, my_tls=my_tls, peer_tls=peer_tls, tls_expires_ms=expires_ms)
        )
        _log.info("session_opened", peer=peer, session=number)
        return session

    def _parent(self) -> client.Parent:
        row = self.office.store.reader().get(Peer, self._identity.parent)
        if row is None:
            raise PeerError("没有上级的登记", code="protocol")
        keys = self._keys
        address = self._parent_address or row.address
        return client.Parent(address, row.office, row.link_ca, keys.tls_key_pem, keys.tls_certificate)

    def _complain(self, error: DulianError) -> None:
        parent = self._identity.parent
        text = f"与上级 {parent} 联通不上：{error.text}"
        self.runner.post(lambda: self.office.alarms.raise_("link_fault", parent, text))

    async def _ask(self, run: object) -> object:
        assert callable(run)  # noqa: S101 - a lambda of this file
        future: Awaitable[object] = asyncio.wrap_future(self.runner.call(run))
        return await future

    def _new_secrets(self) -> ServerSecrets:
        keys = self._keys
        certificate = credentials.issue_tls(
            keys.ca_key_pem, keys.ca_certificate, self._identity.code, credentials.public_key_der(self._server_key),
            min(_SERVER_LIFE_MS, self._tls_lifetime_ms), self.office.world.clock.now_ms(), server=True,
        )  # fmt: skip
        return ServerSecrets(self._server_key, certificate, keys.ca_certificate, self._invitations)
