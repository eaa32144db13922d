"""Periodic work of a running node, by APScheduler: timers, background signature checks, renewals, upkeep.

Rules: every job names coalesce, grace and instances explicitly (the library's default of one second of grace would
skip runs); a job only asks the core or the network, it decides nothing; what must happen once per business date comes
with reconciliation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from zoneinfo import ZoneInfo

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from node.bootstrap.serving import Running
from node.services.recheck import Checked, recheck

_log = structlog.get_logger("jobs")
_TICK_S = 1
_RECHECK_S = 2
_RECHECK_RECORDS = 400  # about 0.1 s of one core
_MAINTAIN_S = 30
_RENEW_S_MAX = 3_600
_INVITATIONS_S = 60


def start(running: Running) -> Callable[[], None]:
    """Start all jobs in the running loop; returns how to stop them."""
    scheduler = AsyncIOScheduler(timezone=ZoneInfo("Asia/Shanghai"))
    office = running.office
    renew_s = max(1, min(_RENEW_S_MAX, running.config.tls_lifetime_s // 20))

    def every(seconds: int, name: str, job: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            with suppress(asyncio.CancelledError):  # the node stops, and its jobs with it
                await job()

        scheduler.add_job(
            run, "interval", seconds=seconds, id=name, coalesce=True, max_instances=1, misfire_grace_time=None
        )

    async def tick() -> None:
        running.runner.post(office.tick)

    all_checked = -1  # so many records were held when nothing was left to check

    async def check() -> None:
        nonlocal all_checked
        records = office.logs.record_count
        if records == all_checked:
            return
        found = await asyncio.to_thread(lambda: recheck(office.store.reader(), office.keyring, _RECHECK_RECORDS))
        if found:
            running.runner.post(lambda: _note(running, found))
        if all(checked.fault for checked in found):
            all_checked = records

    async def maintain() -> None:
        running.runner.after_step(running.store.maintain)

    async def invitations() -> None:
        await running.refresh_invitations()

    every(_TICK_S, "tick", tick)
    every(_RECHECK_S, "recheck", check)
    every(_MAINTAIN_S, "maintain", maintain)
    every(renew_s, "renew", running.network.renew_if_due)
    every(min(_INVITATIONS_S, renew_s), "invitations", invitations)
    scheduler.start()
    return lambda: scheduler.shutdown(wait=False)


def _note(running: Running, found: list[Checked]) -> None:
    """In the core: move the cursors, raise an alarm for a signature that does not hold."""
    for checked in found:
        running.office.store.set_log(checked.log_no, checked_seq=checked.seq)
        if checked.fault:
            running.office.alarms.raise_("bad_record", str(checked.log_no), f"存储的记录未通过验签：{checked.fault}")
