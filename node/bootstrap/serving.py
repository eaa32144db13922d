"""`serve`: one process — gRPC, the core thread, the local command socket, the scheduler — from start to clean stop."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import structlog

from node.bootstrap import enrolling, homes
from node.bootstrap.backup_runs import Backups
from node.bootstrap.control import Control
from node.bootstrap.monitoring import Monitor
from node.bootstrap.network import Network
from node.bootstrap.tailfile import TailPath
from node.clock import SystemClock, iso
from node.config import Config, read_config
from node.errors import ForbiddenError, PeerError, UnreachableError
from node.records.line import level_of
from node.services.exchange.enrol import LinkCa
from node.services.exchange.intake import CHECKS, Checks
from node.services.exchange.quotas import Quotas
from node.services.office import Office
from node.services.outputs import Outputs
from node.services.runner import Runner
from node.storage.blobs import BlobFolder
from node.storage.sql import SqlStore, open_store
from node.sync.backoff import Backoff
from node.sync.limits import DEFAULT_LIMITS
from node.wire.local import LocalReply, LocalRequest, LocalServer
from node.wire.messages import JoinState
from node.wire.server import WireServer

_log = structlog.get_logger("serve")
TAIL_FILE = "last-own"
_GRACE_S = 5.0
_GC_THRESHOLD = 50_000  # objects, about 10 MB
# Asking whether one is admitted: at first quickly, then within what a parent takes from one invitation (10 a minute).
_QUICK_QUESTIONS, _ASK_AGAIN_MS, _ASK_LATER_MS = 4, 1_000, 10_000


class Jobs(Protocol):
    """The scheduler, started by the caller (`node.jobs`)."""

    def __call__(self, running: Running) -> Callable[[], None]:
        """Start the periodic jobs; returns how to stop them."""
        ...


class ConsoleAt(NamedTuple):
    """A console that runs: where, its certificate's SHA-256 in hex and end (none: plain HTTP), how to end it."""

    url: str
    fingerprint: str
    stop: Callable[[], Awaitable[None]]
    expires_ms: int = 0


class Consoles(Protocol):
    """The console, started by the caller (`node.web`) where the configuration wants one."""

    async def __call__(self, running: Running, control: Control) -> ConsoleAt:
        """Listen; InputError where that cannot be."""
        ...


class Running:
    """A node that runs: its parts, for the scheduler and the stop."""

    def __init__(
        self, home: Path, config: Config, store: SqlStore, keys: homes.Keys, checks: Checks = CHECKS
    ) -> None:
        """Compose the office; nothing listens yet. Other ``checks`` belong in a benchmark."""
        self.home = home
        self.config = config
        self.store = store
        self.blobs = BlobFolder(home / "blobs")
        identity = homes.read_identity(store, config, keys)
        ca = LinkCa(keys.ca_key_pem, keys.ca_certificate, config.tls_lifetime_s * 1000)
        limits = DEFAULT_LIMITS._replace(
            keepalive_ms=config.keepalive_s * 1000, backoff_max_ms=config.retry_max_s * 1000,
            logs_per_peer_max=config.peer_logs_max, window_bytes=config.peer_window_kib * 1_024,
        )
        self.office = Office(
            identity, homes.the_world(), homes.the_suites(), store, self.blobs, limits, ca,
            config.reachable_at, checks, mark_interval_ms=config.mark_interval_s * 1000,
            fresh_ms=config.freshness_limit_s * 1000, tail=TailPath(home / TAIL_FILE),
        )  # fmt: skip
        self.network = Network(home, self.office, keys, config.tls_lifetime_s * 1000, config.parent)
        self.loop = asyncio.get_running_loop()
        self.stopped = asyncio.Event()
        self.crash: BaseException | None = None
        self.runner = Runner(self.office, self._deliver, self._crashed)
        self.backups = Backups(home, config, store, self.office, self.runner)
        self.blobs.start(self.runner.post)
        self.network.runner = self.runner
        self.network.quotas = Quotas(config.peer_mib_per_day * 1_048_576, config.peer_records_per_day)
        self.monitor = Monitor(
            home, config, store, self.blobs, self.office, self.runner, self.network
        )

    async def refresh_invitations(self) -> None:
        """Client roots follow the open invitations (asked in the core: the writer's connection is its alone)."""
        roots = await asyncio.wrap_future(self.runner.call(self.office_roots))
        assert isinstance(roots, list)  # noqa: S101 - what office_roots returns
        self.network.refresh_secrets(tuple(roots[1:]))

    def office_roots(self) -> list[bytes]:
        """In the core: roots of client certificates, the link CA first."""
        return self.office.enrolment.client_roots()

    def _deliver(self, outputs: Outputs) -> None:
        if outputs.frames or outputs.closes or outputs.after_commit or outputs.established:
            self.loop.call_soon_threadsafe(self.network.deliver, outputs)

    def _crashed(self, error: BaseException) -> None:
        self.crash = error
        self.loop.call_soon_threadsafe(self.stopped.set)


def serve(home: Path, jobs: Jobs, consoles: Consoles | None = None) -> int:
    """Run the node in the foreground until SIGTERM or SIGINT; returns the exit code."""
    configure_logging()
    config = read_config(home)
    homes.check_home_mode(home)
    keys = homes.read_keys(home)
    return asyncio.run(_main(home, config, keys, jobs, consoles))


async def _main(
    home: Path, config: Config, keys: homes.Keys, jobs: Jobs, consoles: Consoles | None
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if not await _joined(home, keys, stop):
        return 0
    keys = homes.read_keys(home)
    store = open_store(homes.database_url(home, config), create=False)
    try:
        running = Running(home, config, store, keys)
        return await _run(running, jobs, stop, consoles)
    finally:
        store.close()


def spare_collector() -> None:
    """Let the collector look seldom, and never at what is there by now.

    Records are tuples of bytes that die by reference count: looking for cycles among them after every 700 would cost a
    third of the time of bulk history.
    """
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 20)


async def _run(
    running: Running, jobs: Jobs, stop: asyncio.Event, consoles: Consoles | None = None
) -> int:
    office, network, config = running.office, running.network, running.config
    spare_collector()
    network.refresh_secrets(tuple(running.office_roots()[1:]))  # the core has not started: this is its thread
    server = WireServer(network, office.world.clock, network.transport_limits)
    limit = config.attachment_mib_max * 1_048_576
    slow = {"backup": running.backups.by_hand}
    control = Control(office, running.runner, running.blobs, limit, running.refresh_invitations, slow)
    control.doctor = running.monitor.doctor
    local = LocalServer(running.home / "run", control.handle)
    port = await server.start(config.listen)
    console = await consoles(running, control) if consoles is not None and config.console else None
    if console is not None:
        control.console_url, control.console_fingerprint = console.url, console.fingerprint
        control.console_expires_ms = console.expires_ms
    running.runner.start()
    metrics_port = running.monitor.start()
    await local.start()
    stop_jobs = jobs(running)
    dialling = asyncio.create_task(network.keep_dialling()) if office.identity.parent else None
    host = config.listen.rsplit(":", 1)[0]
    url = control.console_url or None
    ready: dict[str, object] = {"office": office.identity.code, "listen": f"{host}:{port}", "console": url}
    if metrics_port:
        ready["metrics"] = f"{config.metrics.rpartition(':')[0]}:{metrics_port}"
    print(f"ready {json.dumps(ready, separators=(',', ':'))}", flush=True)  # noqa: T201 - the ready line of surface.md
    _log.info("ready", **ready)
    waits = [asyncio.create_task(stop.wait()), asyncio.create_task(running.stopped.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    _log.info("stopping")
    if console is not None:
        await console.stop()
    stop_jobs()
    running.monitor.stop()
    await local.stop()
    if running.crash is None:
        await asyncio.wrap_future(running.runner.call(office.links.drain))
    if dialling is not None:
        dialling.cancel()
        with suppress(asyncio.CancelledError):
            await dialling
    await server.stop(_GRACE_S)
    await asyncio.to_thread(running.runner.stop, _GRACE_S)
    await asyncio.to_thread(running.blobs.stop)
    for task in waits:
        task.cancel()
    if running.crash is not None:
        _log.error("crashed", exc_info=running.crash)
        raise running.crash
    _log.info("stopped")
    return 0


async def _joined(home: Path, keys: homes.Keys, stop: asyncio.Event) -> bool:
    """Complete a pending `join`: ask until the parent has decided; False where the node is to stop first."""
    waiting = enrolling.load_waiting(home)
    if waiting is None:
        return True
    invitation = enrolling.invitation_of(waiting)
    fingerprint = enrolling.fingerprint_of(keys)
    started_ms = SystemClock().now_ms()

    async def handle(request: LocalRequest) -> LocalReply:
        if request.verb != "status":
            remedy = f"请上级核对指纹 {fingerprint} 后执行 dulian approve {invitation.code}"
            raise ForbiddenError("尚未入网，等待上级批准", code="pending", remedy=remedy)
        text = f"等待上级批准入网；本机指纹 {fingerprint}；邀请有效到 {iso(invitation.expires_ms)}"
        alarm = {"code": "pending", "subject": invitation.code, "text": text, "since": iso(started_ms)}
        parent, level = invitation.parent_path[-1], level_of(invitation.code)
        office = {"code": invitation.code, "name": invitation.name, "level": level, "parent": parent}
        found = {"office": office, "ready": False, "links": [], "alarms": [alarm], "fingerprint": fingerprint}
        return LocalReply(found, exit=1)

    local = LocalServer(home / "run", handle)
    await local.start()
    backoff, asked = Backoff(DEFAULT_LIMITS._replace(backoff_max_ms=10_000)), 0
    try:
        while not stop.is_set():
            try:
                if (await enrolling.ask_to_join(home, keys, waiting)).state is JoinState.ADMITTED:
                    return True
                if not asked:
                    _log.info("join_pending", text="等待上级批准入网", fingerprint=fingerprint)
                asked += 1
                wait_ms = _ASK_AGAIN_MS if asked <= _QUICK_QUESTIONS else _ASK_LATER_MS
            except UnreachableError as error:
                _log.info("join_unreachable", text=error.text)
                wait_ms = backoff.next_ms(0.5)
            except PeerError as error:
                if error.code != "busy":
                    raise
                wait_ms = _ASK_LATER_MS
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait_ms / 1000)
        return False
    finally:
        await local.stop()


def _stamp(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Beijing time with its offset, as everywhere else."""
    event["timestamp"] = iso(SystemClock().now_ms(), "milliseconds")
    return event


def configure_logging() -> None:
    """One JSON object a line on stderr, what libraries say too; CR, LF and controls are escaped by JSON."""
    level = logging.getLevelNamesMapping().get(os.environ.get("DULIAN_LOG", "INFO").upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _stamp,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Libraries()], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)


class _Libraries(logging.Handler):
    """What libraries log, in the form of our own log."""

    def emit(self, record: logging.LogRecord) -> None:
        _log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or False)

