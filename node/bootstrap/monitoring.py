"""Watching a running node: the health listener, the values behind `/metrics`, daily quotas, `doctor`.

Everything that must be asked of the core is asked as a job of its own; pages answer from what was gathered last.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import structlog

from node.bootstrap import doctoring
from node.bootstrap.network import Network
from node.config import Config
from node.errors import StoreError
from node.items.lights import SEVERITY, day_of
from node.services import health
from node.services.care import backups
from node.services.care.doctor import examine
from node.services.care.metrics import CONTENT_TYPE, Metrics, Seen
from node.services.care.watching import Watched, watch
from node.services.exchange import quotas
from node.services.health import Answer
from node.services.office import Office
from node.services.runner import Runner
from node.services.sheets.ledger_filters import light_query
from node.storage.blobs import BlobFolder
from node.storage.port import BoardQuery, Meta, Proposal, Reader
from node.storage.sql import SqlStore
from node.wire.health import HealthServer, Page

_log = structlog.get_logger("monitor")
_TEXT = "text/plain; charset=utf-8"
_BOARD_S = 60  # the board is counted so often, the rest at every gathering
OPEN_LIGHTS = ("green", "yellow", "red", "none")


class Monitor:
    """What looks at a node from beside it."""

    def __init__(
        self, home: Path, config: Config, store: SqlStore, blobs: BlobFolder, office: Office, runner: Runner,
        network: Network,
    ) -> None:  # fmt: skip
        """Nothing listens yet."""
        self._home = home
        self._config = config
        self._store = store
        self._blobs = blobs
        self._office = office
        self._runner = runner
        self._network = network
        self._limited: set[str] = set()
        self._counted_s = 0.0
        self.metrics = Metrics(office.health)
        network.observe = self.metrics.rpc_seconds.observe
        self._server: HealthServer | None = None
        saved = store.get(Meta, quotas.QUOTAS_META)
        if saved is not None:
            network.quotas.restore(saved.value)

    def start(self) -> int:
        """Listen where the configuration says so; the port, 0 = not at all. InputError."""
        if not self._config.metrics:
            return 0
        core = self._office.health
        self._server = HealthServer({
            "/livez": lambda: _page(health.live(core, time.monotonic())),
            "/readyz": lambda: _page(health.ready(core, time.monotonic())),
            "/metrics": lambda: Page(200, CONTENT_TYPE, self.metrics.text()),
        })
        return self._server.start(self._config.metrics)

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.stop()

    async def probe(self) -> None:
        """Whether something can be written: that is how a fault of the disk ends, and how it shows on a quiet node."""
        self._runner.post(self._office.probe)

    async def gather(self) -> None:
        """Bring what `/metrics` shows up to date."""
        watched = await self._watched()
        if watched is None:
            return
        with_board = time.monotonic() - self._counted_s >= _BOARD_S
        seen = await asyncio.to_thread(self._seen, watched, with_board=with_board)
        if with_board:
            self._counted_s = time.monotonic()
        self.metrics.seen = seen

    async def keep_quotas(self) -> None:
        """Write down what neighbours have used, and say who is beyond its quota, until the date ends."""
        office, found = self._office, self._network.quotas
        found.begin(day_of(office.world.clock.now_ms()))
        over, state = found.over(), found.state()
        ended = self._limited - set(over)

        def write() -> None:
            office.store.put([Meta(quotas.QUOTAS_META, state)])
            for alarm in office.alarms.standing():
                if alarm.code == "quota" and (alarm.subject in ended or alarm.subject not in over):
                    office.alarms.clear(alarm.code, alarm.subject)
                if alarm.code == "quota_logs":
                    held = len(office.logs.index.link(alarm.subject))
                    if held < office.limits.logs_per_peer_max:
                        office.alarms.clear(alarm.code, alarm.subject)
            for peer, used in over.items():
                office.alarms.raise_("quota", peer, quotas.said(peer, used))

        self._limited = set(over)
        self._runner.post(write)

    async def doctor(self, args: Mapping[str, object]) -> object:
        """`doctor`: args deep. The JSON document."""
        deep = bool(args.get("deep"))
        watched = await self._watched()
        edge = partial(
            doctoring.gather, self._home, self._config, self._store, self._blobs, self._office.identity,
            self._office.keyring, deep=deep, watched=watched, now_ms=self._office.world.clock.now_ms(),
        )  # fmt: skip
        facts = await asyncio.to_thread(edge)
        facts = await doctoring.with_parent(facts, self._network.parent_now(), self._home)
        over = tuple(self._network.quotas.over())
        return examine(doctoring.with_quotas(facts, over)).document(facts)

    async def _watched(self) -> Watched | None:
        """What only the core knows; None where the store has failed."""
        try:
            found = await asyncio.wrap_future(self._runner.call(lambda: watch(self._office)))
        except StoreError as error:
            _log.warning("not_gathered", code=error.code)
            return None
        assert isinstance(found, Watched)  # noqa: S101 - what watch returns
        return found

    def _seen(self, watched: Watched, *, with_board: bool) -> Seen:
        old, reader, now_ms = self.metrics.seen, self._store.reader(), self._office.world.clock.now_ms()
        oldest = [link.oldest_unsent_ms for link in watched.links if link.oldest_unsent_ms]
        made = backups.last_made(reader)
        certificates = doctoring.certificates(self._network.keys, self._network.parent_now(), now_ms)
        seen = Seen(
            now_ms, sum(link.to_send for link in watched.links), min(oldest, default=0),
            {link.office: link.to_send + link.to_receive for link in watched.links},
            {link.office: (now_ms - (link.as_of_ms or link.last_contact_ms)) / 1000 for link in watched.links
             if link.as_of_ms or link.last_contact_ms},
            {link.office: link.reconciled_ms / 1000 for link in watched.links if link.reconciled_ms},
            watched.repaired, watched.parked, sum(bool(link.quarantined) for link in watched.links),
            {one.name: (one.expires_ms - now_ms) / 1000 for one in certificates},
            old.items, old.overdue, old.reminders,
            (now_ms - doctoring.made_ms(made)) / 1000 if made else None,
            Counter(alarm.code for alarm in watched.alarms), len(self._network.quotas.over()),
        )  # fmt: skip
        if with_board:
            self._count_board(reader, seen)
        return seen

    def _count_board(self, reader: Reader, seen: Seen) -> None:
        calendar, today = self._office.calendar, day_of(seen.now_ms)
        items: dict[tuple[str, str], int] = {}
        for state in ("registered", "assigned", "delivered", "signed", "active", "returned", "submitted"):
            for light in OPEN_LIGHTS:
                if light in SEVERITY:
                    query = BoardQuery(state=state, subject="-", light=light_query(light, today, calendar))
                    items[state, light] = reader.board_total(query).rows
        for state in ("accepted", "verifying", "completed", "closed", "archived", "cancelled"):
            items[state, "done"] = reader.board_total(BoardQuery(state=state, subject="-")).rows
        seen.items = items
        seen.overdue = sum(count for (_, light), count in items.items() if light == "red")
        seen.reminders = len(reader.rows(Proposal))


def _page(answer: Answer) -> Page:
    return Page(answer.status, _TEXT, f"{answer.text}\n".encode())
