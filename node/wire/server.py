"""The listening side: TLS with client certificates only, the Exchange stream, Join and Renew.

Rules of this file:

1. Nobody is heard without a client certificate that is valid now and was issued by this office's link CA (Exchange,
   Renew) or under an open invitation (Join); checked for every call, not only in the handshake (faults.md P2, P8).
2. A limit on everything (X1-X3, B13): message size, calls per neighbour and in all, time of a unary call and of a
   handshake, requests to join per minute. No compression.
3. Who speaks is decided by the services behind `Host`; here a refusal becomes a status whose details are the reason.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn, Protocol, TypeAlias

import grpc
import grpc.aio

from node.clock import Clock
from node.errors import ForbiddenError, InputError, PeerError
from node.sync.limits import DEFAULT_LIMITS, LinkLimits
from node.wire import credentials, messages
from node.wire.stream import Sender, Session, exchange
from node.wire.v1 import office_pb2, sync_pb2

UNARY_DEADLINE_S = 30.0
JOINS_PER_MINUTE_MAX = 10  # for one invitation (faults.md P4)
CALLS_PER_PEER_MAX = 4  # the link, its successor while the old one is still closing, a renewal
CALLS_MAX = 1_000  # 500 children (a parent's most) with two each
LINK = sync_pb2.DESCRIPTOR.services_by_name["Link"].full_name
OFFICE = office_pb2.DESCRIPTOR.services_by_name["Office"].full_name
REASON_KEY = "reason-bin"  # trailing metadata: why this side ended a stream in an orderly way
TLS_SHA256_KEY = "tls-sha256-bin"  # initial metadata: gRPC shows a client no server certificate

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"  # the class takes no parameters when run

# What a refusal becomes; any other reason is about who speaks.
_STATUS = {
    "malformed": grpc.StatusCode.INVALID_ARGUMENT,
    "too_large": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "flood": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "busy": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "timeout": grpc.StatusCode.ABORTED,
}


class ServerSecrets(NamedTuple):
    """What a handshake needs: own certificate (DER) and key, and who may come in."""

    key_pem: bytes
    certificate: bytes
    link_ca: bytes
    invitations: tuple[bytes, ...] = ()  # enrolment certificates (DER), open ones only


class Host(Protocol):
    """What the services give to the network. Certificates are DER; PeerError refuses, its code is the reason."""

    def server_secrets(self) -> ServerSecrets:
        """What is in force now. Called for every handshake, from threads of gRPC: must be thread-safe and quick."""
        ...

    def open_session(self, peer_certificate: bytes, sender: Sender) -> Session:
        """A neighbour opened a stream over a certificate of the link CA."""
        ...

    async def join(self, request: messages.JoinRequest, peer_certificate: bytes) -> messages.JoinReply:
        """The holder of an invitation asks to be admitted."""
        ...

    async def renew(self, request: messages.RenewRequest, peer_certificate: bytes) -> bytes:
        """A neighbour asks for a new TLS certificate (DER)."""
        ...


class WireServer:
    """A listening node. `start` binds, `stop` drains; all in the thread of the event loop."""

    def __init__(self, host: Host, clock: Clock, limits: LinkLimits = DEFAULT_LIMITS) -> None:
        self._host = host
        self._clock = clock
        self._limits = limits
        self._server: grpc.aio.Server | None = None
        self._calls: Counter[str] = Counter()
        self._joins: dict[bytes, deque[float]] = {}

    async def start(self, listen: str) -> int:
        """Listen on HOST:PORT and return the port (0 chooses one); InputError when the address cannot be used."""
        server = grpc.aio.server(options=_options(self._limits), maximum_concurrent_rpcs=CALLS_MAX)
        server.add_generic_rpc_handlers((
            grpc.method_handlers_generic_handler(
                LINK, {"Exchange": grpc.stream_stream_rpc_method_handler(self._exchange)}
            ),
            grpc.method_handlers_generic_handler(OFFICE, {
                "Join": grpc.unary_unary_rpc_method_handler(self._join),
                "Renew": grpc.unary_unary_rpc_method_handler(self._renew),
            }),
        ))  # fmt: skip
        port = 0
        try:
            port = server.add_secure_port(listen, _server_credentials(self._host.server_secrets))
        except RuntimeError as error:
            raise _cannot_listen(listen) from error
        finally:
            if not port:
                await server.stop(None)
        await server.start()
        self._server = server
        return port

    async def stop(self, grace_s: float) -> None:
        """Take no more calls, wait for the open ones up to ``grace_s`` seconds, then cut them off."""
        if self._server is not None:
            await self._server.stop(grace_s)
            self._server = None

    # -- calls --------------------------------------------------------------------------------------------------------

    async def _exchange(self, _requests: Any, context: _Context) -> None:
        try:
            peer, secrets = self._neighbour(context)
            with self._counted(credentials.office_of(peer)):
                sender = Sender(self._limits)
                session = self._host.open_session(peer, sender)
                stream = _ServerStream(context)
                try:
                    await context.send_initial_metadata(
                        ((TLS_SHA256_KEY, credentials.tls_sha256(secrets.certificate)),)
                    )
                except BaseException:
                    session.lost()
                    raise
                await exchange(stream, session, sender, self._limits)
                context.set_trailing_metadata(((REASON_KEY, (sender.reason or "").encode()),))
        except PeerError as error:
            await _abort(context, error)

    async def _join(self, raw: bytes, context: _Context) -> bytes:
        async def answer() -> bytes:
            peer, invitation = self._invited(context)
            self._limit_joins(invitation)
            with self._counted(credentials.tls_sha256(invitation).hex()):
                reply = await self._host.join(messages.read_join_request(raw), peer)
                return messages.write_join_reply(reply)

        return await self._unary(answer, context)

    async def _renew(self, raw: bytes, context: _Context) -> bytes:
        async def answer() -> bytes:
            peer, _ = self._neighbour(context)
            with self._counted(credentials.office_of(peer)):
                certificate = await self._host.renew(messages.read_renew_request(raw), peer)
                return messages.write_renew_reply(certificate)

        return await self._unary(answer, context)

    async def _unary(
        self, answer: Callable[[], Awaitable[bytes]], context: _Context
    ) -> bytes:
        try:
            async with asyncio.timeout(UNARY_DEADLINE_S):
                return await answer()
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "timeout")
        except (PeerError, InputError, ForbiddenError) as error:
            await _abort(context, error)

    # -- who calls ----------------------------------------------------------------------------------------------------

    def _neighbour(self, context: _Context) -> tuple[bytes, ServerSecrets]:
        peer, secrets = self._peer(context), self._host.server_secrets()
        if not credentials.is_issued_by(peer, secrets.link_ca):
            raise PeerError("通道证书不可采信", code="bad_certificate", detail="not issued by the link CA")
        return peer, secrets

    def _invited(self, context: _Context) -> tuple[bytes, bytes]:
        peer, secrets = self._peer(context), self._host.server_secrets()
        now_ms = self._clock.now_ms()
        for invitation in secrets.invitations:
            if credentials.is_issued_by(peer, invitation) and credentials.is_valid_at(invitation, now_ms):
                return peer, invitation
        raise PeerError("邀请已使用或已失效", code="bad_certificate", detail="no open invitation")

    def _peer(self, context: _Context) -> bytes:
        found = list(context.auth_context().get("x509_pem_cert", ()))
        if not found:
            raise PeerError("对方未出示证书", code="bad_certificate", detail="no client certificate")
        peer = credentials.from_pem(found[0])
        if not credentials.is_valid_at(peer, self._clock.now_ms()):
            raise PeerError("通道证书已过期", code="tls_expired")
        return peer

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        # By office or invitation, never by key: a neighbour may renew its certificate as often as it likes.
        if self._calls[name] >= CALLS_PER_PEER_MAX:
            raise PeerError("同时连接过多", code="busy", detail=f"{CALLS_PER_PEER_MAX} calls open")
        self._calls[name] += 1
        try:
            yield
        finally:
            self._calls[name] -= 1
            if not self._calls[name]:
                del self._calls[name]

    def _limit_joins(self, invitation: bytes) -> None:
        now_s = asyncio.get_running_loop().time()
        for name in [name for name, times in self._joins.items() if now_s - times[-1] > 60]:
            del self._joins[name]
        times = self._joins.setdefault(credentials.tls_sha256(invitation), deque(maxlen=JOINS_PER_MINUTE_MAX))
        if len(times) == JOINS_PER_MINUTE_MAX and now_s - times[0] < 60:
            raise PeerError("申请过于频繁", code="busy", detail=f"more than {JOINS_PER_MINUTE_MAX} joins a minute")
        times.append(now_s)


class _ServerStream:
    """`Stream` over a server's context."""

    def __init__(self, context: _Context) -> None:
        self._context = context

    async def read(self) -> bytes | None:
        found: bytes | object = await self._context.read()
        return found if isinstance(found, bytes) else None  # grpc.aio.EOF

    async def write(self, raw: bytes) -> None:
        await self._context.write(raw)

    async def finish(self) -> None:
        """A server finishes by ending the call."""


async def _abort(context: _Context, error: PeerError | InputError | ForbiddenError) -> NoReturn:
    if isinstance(error, PeerError):
        await context.abort(_STATUS.get(error.code, grpc.StatusCode.UNAUTHENTICATED), error.code)
    await context.abort(grpc.StatusCode.FAILED_PRECONDITION, error.code)


def _cannot_listen(listen: str) -> InputError:
    remedy = "换用空闲端口（--listen 主机:端口），或停止占用它的程序"
    text = "无法监听该地址（端口已被占用或地址不属于本机）"
    return InputError(text, code="port", field="--listen", value=listen, remedy=remedy)


def _options(limits: LinkLimits) -> list[tuple[str, Any]]:
    return [
        ("grpc.max_receive_message_length", limits.frame_bytes_max),
        ("grpc.max_send_message_length", limits.frame_bytes_max),
        ("grpc.max_concurrent_streams", CALLS_PER_PEER_MAX + 1),
        ("grpc.max_metadata_size", 8_192),
        ("grpc.compression_enabled_algorithms_bitset", 1),  # identity only (faults.md X2)
        ("grpc.so_reuseport", 0),  # a port in use is an error, not a neighbour
        ("grpc.server_handshake_timeout_ms", 10_000),
        ("grpc.max_connection_idle_ms", 60_000),  # connections without calls
        ("grpc.keepalive_time_ms", limits.keepalive_ms),
        ("grpc.keepalive_timeout_ms", limits.keepalive_ms // 2),
        ("grpc.http2.ping_timeout_ms", limits.keepalive_ms // 2),  # 60 s if unsaid, whatever the line above says
        ("grpc.keepalive_permit_without_calls", 0),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", limits.keepalive_ms // 2),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", limits.keepalive_ms // 2),
    ]


def _server_credentials(secrets_now: Callable[[], ServerSecrets]) -> grpc.ServerCredentials:
    lock = threading.Lock()
    last = secrets_now()

    def configuration(secrets: ServerSecrets) -> grpc.ServerCertificateConfiguration:
        roots = [credentials.to_pem(der) for der in (secrets.link_ca, *secrets.invitations)]
        pair = (secrets.key_pem, credentials.to_pem(secrets.certificate))
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=b"".join(roots))

    def fetch() -> Any:
        nonlocal last
        found = secrets_now()
        with lock:
            if found == last:
                return None  # keep what is in force
            last = found
            return configuration(found)

    return grpc.dynamic_ssl_server_credentials(configuration(last), fetch, require_client_authentication=True)
