"""The console's server inside `serve`'s loop: binds, answers, ends with the node.

Rules of this file:

1. Plain HTTP on the loopback only; anywhere else HTTPS (TLS 1.2 or later).
2. A limit on everything: connections, the head of a request and the time it may take, idle connections.
3. Signals are the node's: the server is told to stop, and its streams end first.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from node.bootstrap.control import Control
from node.bootstrap.serving import ConsoleAt, Running
from node.clock import DAY_MS
from node.errors import DulianError, InputError, why
from node.services.access import console_accounts as accounts
from node.services.office import Office
from node.web import certificate, limits
from node.web.app import Console, Options, create_app, make_console
from node.web.live import ALARMS, LINKS
from node.web.security import hosts_of, is_loopback

_log = structlog.get_logger("web")
# A page asks the database a hundred times and each time waits for the interpreter afterwards; a core that works up a
# backlog would give it up every 5 ms only.
_SWITCH_S = 0.000_5
_CERTIFICATE_MS = 30 * DAY_MS  # before its end
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - as configured
_FORM_ROOM_BYTES = 2 * 1_048_576  # beside the files


class Server(uvicorn.Server):
    """uvicorn without its hands on the signals."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """The node has them."""
        yield


class Protocol(H11Protocol):
    """A connection whose request must come within a time: uvicorn itself waits for ever."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The time begins."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """More came; between two requests the time begins anew with the first byte."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget_head()
        elif self._head_timer is None and not self.transport.is_closing():
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._forget_head()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(limits.HEAD_S, self.transport.close)

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


async def start(running: Running, control: Control) -> ConsoleAt:
    """Listen where the configuration says. InputError where that cannot be."""
    config, office = running.config, running.office
    host = config.console.rpartition(":")[0].strip("[]")
    hosts = hosts_of(config.console, config.console_hosts)
    if host in _EVERYWHERE:
        hosts = hosts - _EVERYWHERE | {socket.gethostname().lower()}
    pair = None
    if config.console_certificate:
        key = config.console_key or config.console_certificate
        pair = certificate.configured(Path(config.console_certificate), Path(key))
    elif not is_loopback(host):
        now_ms = office.world.clock.now_ms()
        pair = certificate.made(running.home / "keys", hosts, office.identity.code, now_ms)
    sys.setswitchinterval(_SWITCH_S)
    console = make_console(control, office)
    room = config.attachment_mib_max * 1_048_576 + _FORM_ROOM_BYTES
    app = create_app(console, Options(hosts, room, hsts=pair is not None and pair.own))
    bound = _bind(config.console)
    server = Server(_settings(app, pair))
    serving = asyncio.create_task(server._serve([bound]))  # noqa: SLF001 - `serve` would take the signals
    while not server.started:
        if serving.done():
            await serving
        await asyncio.sleep(0.01)
    console.hub.start()
    running.runner.watch(console.hub.changed)
    beside = [asyncio.create_task(_watch_links(console, control)), asyncio.create_task(_tidy(console, control, pair))]
    port = bound.getsockname()[1]
    shown = min(hosts) if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
    url = f"{'https' if pair else 'http'}://{shown}:{port}"
    if pair is not None:
        _log.info("console_certificate", fingerprint=pair.fingerprint, own=pair.own)
    stop = partial(_stop, console, server, serving, beside)
    return ConsoleAt(url, pair.fingerprint if pair else "", stop, pair.expires_ms if pair else 0)


def _settings(app: ASGIApp, pair: certificate.Pair | None) -> uvicorn.Config:
    config = uvicorn.Config(
        app, http=Protocol, ws="none", lifespan="off", interface="asgi3", log_config=None, access_log=False,
        proxy_headers=False, server_header=False, limit_concurrency=limits.CONNECTIONS_MAX, backlog=256,
        timeout_keep_alive=limits.KEEP_ALIVE_S, timeout_graceful_shutdown=limits.STOP_S,
        h11_max_incomplete_event_size=limits.HEAD_BYTES_MAX,
        ssl_certfile=str(pair.certificate) if pair else None, ssl_keyfile=str(pair.key) if pair else None,
    )  # fmt: skip
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config


def _bind(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP: only so asyncio sends what is written at once (TCP_NODELAY), 40 ms earlier for every page.
    bound = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, int(port)))
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        remedy = "换一个端口，或停止占用它的程序"
        text = f"控制台不能监听（{why(error)}）"
        raise InputError(text, field="配置项 console", value=address, remedy=remedy) from error
    return bound


async def _stop(
    console: Console, server: Server, serving: asyncio.Task[None], beside: list[asyncio.Task[None]]
) -> None:
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    console.hub.close()
    console.kept.close()
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await serving


async def _watch_links(console: Console, control: Control) -> None:
    """Links and alarms have no events of their own: looked at while somebody looks."""
    known: tuple[object, object] | None = None
    while True:
        await asyncio.sleep(limits.LINKS_WATCHED_S)
        if not console.hub.listening:
            known = None
            continue
        try:
            links, alarms = await control.core(_links_and_alarms)
        except DulianError as error:
            _log.warning("links_not_watched", code=error.code)
            continue
        if known is not None and known[0] != links:
            console.hub.publish(LINKS)
        if known is not None and known[1] != alarms:
            console.hub.publish(ALARMS)
        known = links, alarms


def _links_and_alarms(office: Office) -> tuple[object, object]:
    sessions = [(peer, office.links.session_of(peer)) for peer in office.neighbours()]
    links = [(peer, session is not None, bool(session and session.synced)) for peer, session in sessions]
    return links, [(alarm.code, alarm.subject, alarm.text) for alarm in office.alarms.standing()]


def tell_of_certificate(office: Office, pair: certificate.Pair | None) -> None:
    """An alarm while the console's certificate is about to end, or has ended."""
    alarms, me = office.alarms, office.identity.code
    left_ms = pair.expires_ms - office.world.clock.now_ms() if pair is not None else _CERTIFICATE_MS
    if pair is None or left_ms >= _CERTIFICATE_MS:
        alarms.clear("console_certificate", me)
        return
    when = f"还有 {left_ms // DAY_MS} 天到期" if left_ms > 0 else "已到期，浏览器不再信任"
    then = "请换发后重启节点" if pair.own else "重启节点即自动换新"
    alarms.raise_("console_certificate", me, f"控制台的证书{when}；{then}")


async def _tidy(console: Console, control: Control, pair: certificate.Pair | None) -> None:
    """Remove what has ended: sessions, links, once-keys; look at the certificate."""
    while True:
        try:
            await control.core(partial(tell_of_certificate, pair=pair))
            now_ms = console.gateway.now_ms()
            await console.gateway.write(partial(accounts.tidy, now_ms=now_ms))
            await console.gateway.tidy()
        except DulianError as error:
            _log.warning("not_tidied", code=error.code)
        await asyncio.sleep(limits.TIDY_S)
