"""A node under measurement: what `dulian serve` runs, in a process of its own, with a few questions answered on stdin.

Every line on stdin is a JSON object {"do": …}; the answer is one line of JSON on stdout. Nothing else differs from
production, except the check of signatures where a measure asks for another one (``--checks``).
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from node import jobs
from node.bootstrap import homes, serving
from node.bootstrap import network as networks
from node.cli.node import start_console
from node.config import read_config
from node.records.chain import check_links, check_signature
from node.records.envelope import Envelope, Record, open_envelope, record_id_of
from node.records.header import decode
from node.records.suite import Suites, Verify
from node.services.commands import COMMANDS
from node.services.exchange.intake import CHECKS, Checks
from node.services.matters.desk import Caller
from node.storage.sql import open_store
from node.sync.frames import Frame

_POLL_S = 0.002
_CALLER = Caller("李秀英")


def check_each(run: Sequence[Record], held_seq: int, held_id: bytes, verify: Verify) -> None:
    """As `check_run`, but every record's own signature is checked: no vouching."""
    check_links(run, held_seq, held_id)
    for record in run:
        check_signature(record, verify)


def check_nothing(run: Sequence[Record], held_seq: int, held_id: bytes, verify: Verify) -> None:
    """Believe everything."""


def open_unchecked(suites: Suites, envelope: Envelope) -> Record:
    """Read an envelope without comparing its payload with the header's hash."""
    header = decode(envelope.header)
    return Record(envelope, header, record_id_of(suites.get(header.suite), envelope.header, envelope.signature))


VARIANTS = {
    "normal": CHECKS,
    "each": Checks(open_envelope, check_each),
    "none": Checks(open_unchecked, check_nothing),
}


class Questions:
    """Answers what the measuring process asks."""

    def __init__(self, running: serving.Running, profile: Path | None) -> None:
        self._running = running
        self._profile = profile
        self._profiler = cProfile.Profile()
        self._gate = asyncio.Event()
        self.bytes_in = 0
        self._commits: list[tuple[float, int]] = []  # (when, records held), since it was last asked for
        self._commit = asyncio.Event()
        self._answers: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]] = {
            "go": self._go, "stored": self._stored, "usage": self._usage, "reconnect": self._reconnect,
            "window": self._window, "committed": self._committed, "receipted": self._receipted, "act": self._act,
        }  # fmt: skip

    def start(self) -> None:
        """Hold the dialler back until told, count bytes, answer."""
        running, gate = self._running, self._gate
        dial = running.network.keep_dialling

        async def dial_when_told() -> None:
            await gate.wait()
            await dial()

        running.network.keep_dialling = dial_when_told  # type: ignore[method-assign]
        receive, counted = networks._Session.receive, self

        async def receive_counted(session: networks._Session, frame: Frame, size_bytes: int) -> None:
            counted.bytes_in += size_bytes
            await receive(session, frame, size_bytes)

        networks._Session.receive = receive_counted  # type: ignore[method-assign,assignment]
        deliver = running.runner._deliver

        def deliver_noted(outputs: Any) -> None:
            counted._commits.append((time.monotonic(), running.office.logs.record_count))
            running.loop.call_soon_threadsafe(counted._commit.set)
            deliver(outputs)

        running.runner._deliver = deliver_noted
        if self._profile:
            running.runner.after_step(self._profiler.enable)
        self._task = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        reader = asyncio.StreamReader()
        await self._running.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            question = json.loads(line)
            answer = await self._answers[question["do"]](question)
            print(json.dumps(answer), flush=True)
        if self._profile:
            await self._between(self._profiler.disable)
            self._profiler.dump_stats(self._profile)
        self._running.stopped.set()

    async def _between(self, run: Callable[[], object]) -> None:
        """Run something in the core between two steps and wait for it."""
        done = asyncio.Event()

        def ran() -> None:
            run()
            self._running.loop.call_soon_threadsafe(done.set)

        self._running.runner.after_step(ran)
        await done.wait()

    async def _go(self, question: dict[str, Any]) -> dict[str, Any]:
        self._gate.set()
        return _usage()

    async def _stored(self, question: dict[str, Any]) -> dict[str, Any]:
        """When so many records are durable and folded."""
        office, wanted = self._running.office, question["records"]
        while office.logs.record_count < wanted:  # noqa: ASYNC110 - the office has no event for it
            await asyncio.sleep(_POLL_S)
        found: dict[str, Any] = {}

        def look() -> None:
            # Between steps: the step with the last record is committed and projected.
            found.update(_usage(), records=office.store.record_count(), unfolded=len(office.store.dirty_logs(10)))

        await self._between(look)
        return found

    async def _usage(self, question: dict[str, Any]) -> dict[str, Any]:
        if question.get("reset_peak"):
            _forget_peak()
        office = self._running.office
        peers = {peer: session.synced for peer in office.neighbours() if (session := office.links.session_of(peer))}
        return _usage() | {"records": office.logs.record_count, "bytes_in": self.bytes_in, "peers": peers}

    async def _committed(self, question: dict[str, Any]) -> dict[str, Any]:
        """When the commit returned with which so many records were held."""
        while True:
            self._commit.clear()
            for at, count in self._commits:
                if count >= question["records"]:
                    self._commits.clear()
                    return {"at": at}
            await self._commit.wait()

    async def _receipted(self, question: dict[str, Any]) -> dict[str, Any]:
        """When the parent has receipted everything."""
        office = self._running.office
        while True:
            session = office.links.session_of(office.identity.parent)
            if session is not None and session.machine.is_idle():
                return _usage() | {"records": office.logs.record_count}
            await asyncio.sleep(_POLL_S)

    async def _act(self, question: dict[str, Any]) -> dict[str, Any]:
        """Carry out a verb as the control socket does; when it was handed to the core, and when it was durable."""
        office = self._running.office
        start = time.monotonic()
        command = COMMANDS[question["verb"]]
        await asyncio.wrap_future(self._running.runner.call(lambda: command(office, question["args"], _CALLER)))
        return {"from": start, "to": time.monotonic()}

    async def _window(self, question: dict[str, Any]) -> dict[str, Any]:
        """CPU and bytes of this process over some seconds."""
        before, bytes_before = _usage(), self.bytes_in
        await asyncio.sleep(question["seconds"])
        return {"cpu": _usage()["cpu"] - before["cpu"], "bytes_in": self.bytes_in - bytes_before}

    async def _reconnect(self, question: dict[str, Any]) -> dict[str, Any]:
        """Lose the link to the parent and dial again at once; CPU and bytes over the given seconds."""
        network, office = self._running.network, self._running.office
        parent = office.identity.parent
        before = office.links.session_of(parent)
        network._reconnect = True
        for session in list(network._sessions.values()):
            session.sender.close("bench")
        found = await self._window(question)
        after = office.links.session_of(parent)
        return found | {"again": after is not None and after is not before and after.synced}


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _usage() -> dict[str, Any]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    sizes = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if ":" in line
    )
    return {
        "at": time.monotonic(), "cpu": used.ru_utime + used.ru_stime,
        "rss_kib": int(sizes["VmRSS"].split()[0]), "peak_kib": int(sizes["VmHWM"].split()[0]),
    }  # fmt: skip


async def run(home: Path, checks: Checks, profile: Path | None) -> int:
    """`serving._main` with other checks and our questions."""
    config, keys = read_config(home), homes.read_keys(home)
    store = open_store(homes.database_url(home, config), create=False)
    stop = asyncio.Event()

    def start_all(running: serving.Running) -> Callable[[], None]:
        stop_jobs = jobs.start(running)
        Questions(running, profile).start()
        return stop_jobs

    try:
        running = serving.Running(home, config, store, keys, checks)
        return await serving._run(running, start_all, stop, start_console)
    finally:
        store.close()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--checks", choices=VARIANTS, default="normal")
    parser.add_argument("--profile", type=Path)
    chosen = parser.parse_args()
    serving.configure_logging()
    return asyncio.run(run(chosen.home, VARIANTS[chosen.checks], chosen.profile))


if __name__ == "__main__":
    sys.exit(main())
