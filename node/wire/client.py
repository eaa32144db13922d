"""The dialling side: one call, one channel; an Exchange stream, Join or Renew towards the parent.

Rules of this file:

1. The only root of trust of a channel is the parent's link CA, the only name accepted `<parent>.dulian`.
2. Every step has a deadline. Nothing is tried twice here: when to dial again is decided by `node.sync.backoff`.
3. What ends a call is an UnreachableError (`code` tells: unreachable, closed, tls, timeout, lost) or a PeerError with
   the neighbour's reason; the table is `_error_of`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeAlias

import grpc
import grpc.aio

from node.errors import DulianError, PeerError, UnreachableError
from node.sync.limits import DEFAULT_LIMITS, LinkLimits
from node.sync.reasons import LABELS, label
from node.wire import credentials, messages
from node.wire.server import LINK, OFFICE, REASON_KEY, TLS_SHA256_KEY
from node.wire.stream import Sender, Session, exchange

_Call: TypeAlias = "grpc.aio.StreamStreamCall[Any, Any]"  # the class takes no parameters when run

CONNECT_TIMEOUT_S = 10.0
UNARY_TIMEOUT_S = 30.0
REASON_CHARS_MAX = 200
_HASH_BYTES = 32
_WRITE_FAILED = "Internal error from Core"  # what grpc.aio makes of any end of a call that met it writing


class Parent(NamedTuple):
    """Whom to call, and as whom. Certificates are DER."""

    address: str  # host:port
    office: str
    link_ca: bytes
    key_pem: bytes  # own TLS key
    certificate: bytes  # own TLS certificate; while joining, the leaf under the invitation


async def dial(
    parent: Parent,
    open_session: Callable[[bytes, Sender], Session],
    limits: LinkLimits = DEFAULT_LIMITS,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
) -> str:
    """Hold an Exchange stream with the parent; returns the reason when either end closed in an orderly way.

    ``open_session`` gets the SHA-256 of the certificate the parent says it uses (it is proved by the record keys, like
    all about who speaks) and the sender; it may refuse with a PeerError. UnreachableError, PeerError otherwise.
    """
    async with _channel(parent, limits) as channel:
        call: _Call = channel.stream_stream(f"/{LINK}/Exchange")()
        try:
            async with asyncio.timeout(connect_timeout_s):
                server_sha256 = dict(await call.initial_metadata() or ()).get(TLS_SHA256_KEY, b"")
                if not isinstance(server_sha256, bytes) or len(server_sha256) != _HASH_BYTES:
                    # No headers came: the call has ended, and its status says why.
                    await _ended(call)
                    raise PeerError(label("channel"), code="channel", detail="no certificate hash in the headers")
            sender = Sender(limits)
            session = open_session(server_sha256, sender)
            await exchange(_ClientStream(call), session, sender, limits)
            return await _ended(call) if sender.reason is None else sender.reason
        except grpc.aio.AioRpcError as error:
            raise _error_of(error, parent) from error
        except TimeoutError as error:
            raise UnreachableError("上级无响应", code="timeout", field="上级地址", value=parent.address) from error
        finally:
            call.cancel()


async def join(parent: Parent, request: messages.JoinRequest) -> messages.JoinReply:
    """Ask to be admitted; ``parent.certificate`` is the leaf under the invitation."""
    return messages.read_join_reply(await _unary(parent, "Join", messages.write_join_request(request)))


async def renew(parent: Parent, request: messages.RenewRequest) -> bytes:
    """Ask for a new TLS certificate (DER, unjudged)."""
    return messages.read_renew_reply(await _unary(parent, "Renew", messages.write_renew_request(request)))


async def _unary(parent: Parent, method: str, raw: bytes) -> bytes:
    async with _channel(parent, DEFAULT_LIMITS) as channel:
        try:
            call: grpc.aio.UnaryUnaryMultiCallable[Any, Any] = channel.unary_unary(f"/{OFFICE}/{method}")
            reply: bytes = await call(raw, timeout=UNARY_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise _error_of(error, parent) from error
        return reply


class _ClientStream:
    """`Stream` over a client's call."""

    def __init__(self, call: _Call) -> None:
        self._call = call

    async def read(self) -> bytes | None:
        found: bytes | object = await self._call.read()
        return found if isinstance(found, bytes) else None  # grpc.aio.EOF

    async def write(self, raw: bytes) -> None:
        try:
            await self._call.write(raw)
        except asyncio.InvalidStateError:
            # The call has ended meanwhile.
            raise await _status(self._call) from None

    async def finish(self) -> None:
        await self._call.done_writing()


async def _ended(call: _Call) -> str:
    if await call.code() is not grpc.StatusCode.OK:
        raise await _status(call)
    reason = dict(await call.trailing_metadata() or ()).get(REASON_KEY, b"")
    return reason.decode(errors="replace")[:REASON_CHARS_MAX] if isinstance(reason, bytes) else reason


async def _status(call: _Call) -> grpc.aio.AioRpcError:
    empty = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(await call.code(), empty, empty, details=await call.details())


def _error_of(error: grpc.aio.AioRpcError, parent: Parent) -> DulianError:
    code, details = error.code(), error.details() or ""
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED) or details == _WRITE_FAILED:
        return _unavailable(details, {"field": "上级地址", "value": parent.address})
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return UnreachableError("上级无响应", code="timeout", field="上级地址", value=parent.address)
    if details in LABELS:
        reason = details
    else:
        # gRPC's own words: a message above the limit, or a bug at the other end.
        reason = "too_large" if code is grpc.StatusCode.RESOURCE_EXHAUSTED else code.name.lower()
    return PeerError(f"与上级的通信被拒绝：{label(reason)}", code=reason, detail=f"{code.name}: {details[:200]}")


def _unavailable(details: str, where: dict[str, Any]) -> UnreachableError:
    if _is_about_tls(details):
        remedy = "核对上级地址与邀请令牌是否属于同一单位；双方时钟是否准确；证书是否过期"
        return UnreachableError("与上级的加密通道未能建立（证书不符）", code="tls", **where, remedy=remedy)
    if not details.startswith(("failed to connect", "errors resolving")):
        return UnreachableError("与上级的连接中断", code="lost", **where)
    if details.endswith("Socket closed"):
        # TLS 1.3: the client has finished when the server looks at its certificate, and learns no reason.
        remedy = "多为上级不认可本节点的证书（邀请已用过或失效、证书已过期），请上级核对；上级正在停止时也会如此"
        return UnreachableError("上级接通后随即关闭了连接", code="closed", **where, remedy=remedy)
    remedy = "核对地址、端口与防火墙；上级节点是否已执行 dulian serve"
    return UnreachableError("无法连接上级节点", **where, remedy=remedy)


def _is_about_tls(details: str) -> bool:
    text = details.lower()
    return any(word in text for word in ("handshake", "certificate", "ssl", "verification"))


@asynccontextmanager
async def _channel(parent: Parent, limits: LinkLimits) -> AsyncIterator[grpc.aio.Channel]:
    secure = grpc.ssl_channel_credentials(
        credentials.to_pem(parent.link_ca), parent.key_pem, credentials.to_pem(parent.certificate)
    )
    # The scheme is fixed, so that an address cannot choose another resolver.
    channel = grpc.aio.secure_channel(f"dns:///{parent.address}", secure, _options(parent, limits))
    try:
        yield channel
    finally:
        await channel.close()


def _options(parent: Parent, limits: LinkLimits) -> list[tuple[str, Any]]:
    name = credentials.tls_name(parent.office)
    return [
        ("grpc.ssl_target_name_override", name),
        ("grpc.default_authority", name),
        ("grpc.max_receive_message_length", limits.frame_bytes_max),
        ("grpc.max_send_message_length", limits.frame_bytes_max),
        ("grpc.compression_enabled_algorithms_bitset", 1),
        ("grpc.use_local_subchannel_pool", 1),  # a dial does not inherit the waiting time of the one before
        ("grpc.enable_http_proxy", 0),  # the environment does not choose the way
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", 1_000),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.keepalive_time_ms", limits.keepalive_ms),
        ("grpc.keepalive_timeout_ms", limits.keepalive_ms // 2),
        ("grpc.http2.ping_timeout_ms", limits.keepalive_ms // 2),  # 60 s if unsaid, whatever the line above says
        ("grpc.keepalive_permit_without_calls", 0),
        ("grpc.http2.max_pings_without_data", 0),
    ]
