"""Reaching the parent step by step, so that `doctor` can name the layer that fails.

The layers: address, TCP, TLS, identity, RPC.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import grpc
import grpc.aio

from node.errors import why
from node.wire import credentials
from node.wire.client import Parent, _channel
from node.wire.server import LINK

STEP_S = 5.0
LAYERS = {"address": "地址解析", "tcp": "TCP 连接", "tls": "TLS 握手", "identity": "身份核对", "rpc": "远程调用"}
_HOSTNAME_MISMATCH = 62  # X509_V_ERR_HOSTNAME_MISMATCH
_NO_SUCH_CALL = f"/{LINK}/Nothing"  # any answer to it, also "no such call", shows that calls get through


class Reached(NamedTuple):
    """``layer``: the first that failed, empty where all hold; ``text``: what it said."""

    layer: str
    text: str


async def reach(parent: Parent, pair_file: Path) -> Reached:
    """Try each layer in turn; ``pair_file`` holds this node's TLS key and certificate (PEM)."""
    host, _, port = parent.address.rpartition(":")
    host = host.strip("[]")
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(STEP_S):
            found = await loop.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except (OSError, TimeoutError) as error:
        return Reached("address", f"{host} 解析不出地址（{_said(error)}）")
    try:
        async with asyncio.timeout(STEP_S):
            _, writer = await asyncio.open_connection(str(found[0][4][0]), int(port))
    except (OSError, TimeoutError) as error:
        return Reached("tcp", f"{parent.address} 连接不上（{_said(error)}）")
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    failed = await _tls(parent, str(found[0][4][0]), int(port), pair_file)
    return failed or await _rpc(parent)


async def _tls(parent: Parent, host: str, port: int, pair_file: Path) -> Reached | None:
    context = ssl.create_default_context(cadata=credentials.to_pem(parent.link_ca).decode())
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain(pair_file)
    name = credentials.tls_name(parent.office)
    try:
        async with asyncio.timeout(STEP_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _HOSTNAME_MISMATCH:
            return Reached("identity", f"{parent.address} 出示的不是 {parent.office} 的证书")
        return Reached("identity", f"{parent.address} 的证书不是 {parent.office} 所签（{error.verify_message}）")
    except (OSError, TimeoutError) as error:
        return Reached("tls", f"{parent.address} 的加密通道建立不起来（{_said(error)}）")
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return None


async def _rpc(parent: Parent) -> Reached:
    from node.sync.limits import DEFAULT_LIMITS  # noqa: PLC0415 - only here

    async with _channel(parent, DEFAULT_LIMITS) as channel:
        try:
            call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_NO_SUCH_CALL)
            await call(b"", timeout=STEP_S)
        except grpc.aio.AioRpcError as error:
            code = error.code()
            if code is grpc.StatusCode.UNIMPLEMENTED:
                return Reached("", "")
            if "Socket closed" in (error.details() or ""):
                return Reached("identity", "上级不认可本机的通道证书（已过期、已更换或已被吊销）")
            return Reached("rpc", f"上级没有应答（{code.name}）")
    return Reached("", "")


def _said(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"{STEP_S:.0f} 秒内没有回音"
    return why(error) if isinstance(error, OSError) else type(error).__name__
