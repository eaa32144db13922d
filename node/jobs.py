"""Periodic work of a running node, by APScheduler: timers, background signature checks, renewals, upkeep.

Rules: every job names coalesce, grace and instances explicitly (the library's default of one second of grace would
skip runs); a job only asks the core or the network, it decides nothing. What happens once per business date is fenced
by its `JobRun` row, not by the scheduler: a job may be started at any time, and as often as one likes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from node.bootstrap.serving import Running
from node.errors import StoreError
from node.rules.calendar import date_of
from node.services.mending.recheck import Checked, recheck
from node.services.routine import proposals

_log = structlog.get_logger("jobs")
_TICK_S = 1
_RECHECK_S = 2
_RECHECK_RECORDS = 400  # about 0.1 s of one core
_RECHECK_PUT_OFF_MAX = 60  # two minutes
_MAINTAIN_S = 30
_PROBE_S = 10
_GATHER_S = 15
_QUOTAS_S = 30
_RENEW_S_MAX = 3_600
_INVITATIONS_S = 60
_BACKUP_S = 60  # looked at so often; after a failure tried again
_ROUTINES_S = 60  # the hour may have come unnoticed: a clock set, a machine woken, a node whose recovery has ended
_ZONE = ZoneInfo("Asia/Shanghai")


def start(running: Running) -> Callable[[], None]:
    """Start all jobs in the running loop; returns how to stop them."""
    scheduler = AsyncIOScheduler(timezone=_ZONE)
    office = running.office
    renew_s = max(1, min(_RENEW_S_MAX, running.config.tls_lifetime_s // 20))

    def at(trigger: BaseTrigger | None, name: str, job: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            with suppress(asyncio.CancelledError):  # the node stops, and its jobs with it
                try:
                    await job()
                except StoreError as error:  # the database is away or full: said by the alarm `store`, tried again
                    _log.warning("job_put_off", job=name, code=error.code, text=error.text)

        scheduler.add_job(run, trigger, id=name, coalesce=True, max_instances=1, misfire_grace_time=None)

    def every(seconds: int, name: str, job: Callable[[], Awaitable[None]]) -> None:
        at(IntervalTrigger(seconds=seconds, timezone=_ZONE), name, job)

    async def tick() -> None:
        running.runner.post(office.tick)

    all_checked = -1  # so many records were held when nothing was left to check
    seen, put_off = office.logs.record_count, 0

    async def check() -> None:
        nonlocal all_checked, seen, put_off
        records = office.logs.record_count
        arrived, seen = records - seen, records
        if records == all_checked:
            return
        if arrived > _RECHECK_RECORDS and put_off < _RECHECK_PUT_OFF_MAX:
            put_off += 1  # more comes in than would be checked: a catch-up goes on
            return
        put_off = 0
        found = await asyncio.to_thread(lambda: recheck(office.store.reader(), office.keyring, _RECHECK_RECORDS))
        if found:
            running.runner.post(lambda: _note(running, found))
        if all(checked.fault for checked in found):
            all_checked = records

    async def maintain() -> None:
        running.runner.after_step(running.store.maintain)

    async def reconcile() -> None:
        running.runner.post(lambda: office.reconcile.nightly(running.config.reconcile_hour))

    async def invitations() -> None:
        await running.refresh_invitations()

    routines = Routines(running)
    at(None, "routines-start", routines.run)  # at once: what was missed while the node was down
    at(CronTrigger(hour=running.config.routine_hour, timezone=_ZONE), "routines", routines.run)
    every(_ROUTINES_S, "routines-sweep", routines.run)
    at(None, "backup-start", running.backups.daily)
    every(_BACKUP_S, "backup", running.backups.daily)
    at(None, "reconcile-start", reconcile)
    at(CronTrigger(hour=running.config.reconcile_hour, timezone=_ZONE), "reconcile", reconcile)
    every(_ROUTINES_S, "reconcile-sweep", reconcile)  # what was missed is caught up at the next contact
    every(_TICK_S, "tick", tick)
    every(_PROBE_S, "probe", running.monitor.probe)
    every(_GATHER_S, "gather", running.monitor.gather)
    every(_QUOTAS_S, "quotas", running.monitor.keep_quotas)
    every(_RECHECK_S, "recheck", check)
    every(_MAINTAIN_S, "maintain", maintain)
    every(renew_s, "renew", running.network.renew_if_due)
    every(min(_INVITATIONS_S, renew_s), "invitations", invitations)
    scheduler.start()
    return lambda: scheduler.shutdown(wait=False)


class Routines:
    """The business dates that are due, one after the other: looked at beside the core, written in it."""

    def __init__(self, running: Running) -> None:
        """Nothing is run until `run`."""
        self._running = running
        self._busy = asyncio.Lock()

    async def run(self) -> None:
        """Run every date that is due; each in a transaction of its own, with its run."""
        running = self._running
        async with self._busy:
            # A step of the core: what an earlier life of the node left is on the board by now.
            if await asyncio.wrap_future(running.runner.call(lambda: proposals.silent(running.office.desk))):
                return
            office = running.office.identity.code
            for day, until in await asyncio.to_thread(self._due):
                found = await asyncio.to_thread(self._collect, office, day, until)
                await asyncio.wrap_future(running.runner.call(partial(self._write, found)))
                day_text = date_of(day).isoformat()
                _log.info("routines", day=day_text, found=len(found.fresh), closed=len(found.closed))

    def _write(self, found: proposals.Found) -> bool:
        return proposals.write(self._running.office.desk, found)

    def _due(self) -> list[tuple[int, int]]:
        office = self._running.office
        now_ms = office.world.clock.now_ms()
        days = proposals.due_days(office.store.reader(), now_ms, self._running.config.routine_hour)
        return [(day, days[-1]) for day in days]

    def _collect(self, office: str, day: int, until: int) -> proposals.Found:
        now_ms = self._running.office.world.clock.now_ms()
        return proposals.collect(self._running.office.store.reader(), office, day, now_ms, until)


def _note(running: Running, found: list[Checked]) -> None:
    """In the core: move the cursors, raise an alarm for a signature that does not hold."""
    for checked in found:
        running.office.store.set_log(checked.log_no, checked_seq=checked.seq)
        if checked.fault:
            running.office.alarms.raise_("bad_record", str(checked.log_no), f"存储的记录未通过验签：{checked.fault}")
