"""Reconciling links: carries out what the machines of `sync.reconciling` ask for; nightly, on demand, and caught up.

Rules of this file:

1. One run per link at a time; the child leads. What the run found is the last thing said about the link (`State`).
2. A night is run once per business date and link: its `JobRun` is written with the statement (faults.md C8, K6, N11).
   The parent's side has no run of its own: it is the same run.
3. The scrub reads committed data aside, in portions; one scrub serves all links that ask while it is fresh.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace

from node.errors import DulianError, StoreError
from node.items.lights import day_of
from node.records.line import Line
from node.records.notes import LinkOutcome
from node.records.statement import Side, decode_result
from node.services.exchange.attachments import Attachments
from node.services.exchange.intake import Parts
from node.services.exchange.links import Links
from node.services.exchange.marks import Marks
from node.services.mending import statements
from node.services.mending.repair import Repairs
from node.services.mending.scrubbing import Scrubbing, read_items
from node.services.mending.statements import State
from node.storage.blobs import Blobs
from node.storage.port import JobRun, Peer
from node.sync import frames
from node.sync import reconciling as do
from node.sync.heads import LogState
from node.sync.reconciling import Items, Phase, ReconcileMachine
from node.wire import codec

JOB = "reconcile:"
_HOUR_MS = 3_600_000
_JITTER_MS = 3_600_000  # offices below one parent begin within an hour (faults.md X4)
_AGAIN_MS = 600_000  # after a run that was not completed
_ATTACHMENTS_MS = 60_000  # so long a run waits for attachments that are on their way


@dataclass(slots=True)
class Run:
    """A run of one link, and what it has cost."""

    machine: ReconcileMachine
    number: int
    began_ms: int
    day: int = 0  # the business date it stands for, 0 = on demand
    bytes_out: int = 0
    bytes_in: int = 0
    fetched: int = 0
    sent: int = 0
    repaired: int = 0  # by this neighbour, before the run
    scrubbed_ms: int = 0  # when this side was scrubbed, while it mends
    said: bool = False
    statement: bytes = b""
    parents: bytes = b""  # id of the parent's statement


class Reconcile:
    """All runs of this node."""

    def __init__(
        self, parts: Parts, links: Links, repairs: Repairs, attachments: Attachments, marks: Marks, blobs: Blobs
    ) -> None:
        """Nothing is under way."""
        self._p = parts
        self._links = links
        self._repairs = repairs
        self._attachments = attachments
        self._marks = marks
        self._blobs = blobs
        self._runs: dict[str, Run] = {}
        self._documents: dict[str, tuple[int, dict[str, object]]] = {}  # neighbour → last run's number and document
        self._numbers = 0
        self._scrubbing = Scrubbing(parts, repairs, blobs, self._scrub_over)
        self._tried: dict[str, int] = {}
        links.reconcile = self
        state = statements.load_state(parts.store, parts.identity.parent) if parts.identity.parent else State("")
        marks.link = outcome_of(state)

    # -- what others ask ------------------------------------------------------------------------------------------

    @property
    def fresh_ms(self) -> int:
        """So long one scrub serves every run that asks for one by itself."""
        return self._scrubbing.fresh_ms

    @fresh_ms.setter
    def fresh_ms(self, value: int) -> None:
        self._scrubbing.fresh_ms = value

    def request(self, peer: str, *, day: int = 0, fresh: bool = True) -> int:
        """Begin a run with a neighbour, or join the one under way; returns its number, 0 where it is not reachable."""
        session = self._links.session_of(peer)
        if session is None or not session.machine.reconciles or not session.synced:
            return 0
        if fresh:
            self._scrubbing.forget()
        run = self._runs.get(peer)
        if run is None:
            run = self._begin(peer, day)
            now_ms = self._p.world.clock.now_ms()
            leads = peer == self._p.identity.parent
            self._perform(peer, run.machine.start(self._p.world.entropy(16), now_ms) if leads else run.machine.ask())
        return run.number

    def document(self, peer: str, number: int) -> dict[str, object] | None:
        """What a run found; None while it is under way."""
        last = self._documents.get(peer)
        if last is not None and last[0] >= number:
            return last[1]
        return None if peer in self._runs else unfinished(peer, "联通中断")

    def nightly(self, hour: int) -> None:
        """From time to time: begin the runs that are due, of this office's link to its parent; scrub without one."""
        now_ms = self._p.world.clock.now_ms()
        day = day_of(now_ms - hour * _HOUR_MS - jitter_ms(self._p.identity.code))
        peer = self._p.identity.parent or self._p.identity.code
        silent = self._p.author.recovering or self._p.author.skew_ms
        if silent or self._p.store.get(JobRun, JOB + peer, day) is not None:
            return
        if peer in self._runs or now_ms - self._tried.get(peer, -_AGAIN_MS) < _AGAIN_MS:
            return
        if not self._p.identity.parent:
            self._tried[peer] = now_ms
            self._scrubbing.want("")
            self._p.store.put([JobRun(JOB + peer, day, now_ms, 0)])
        elif self.request(peer, day=day, fresh=False):
            self._tried[peer] = now_ms
        else:
            old = statements.load_state(self._p.store, peer)
            if old.outcome != "incomplete" or day_of(old.at_ms) != day_of(now_ms):
                self._keep(old._replace(peer=peer, at_ms=now_ms, outcome="incomplete", reason="上级未联通"))

    def scrub(self) -> None:
        """Look at the whole store once more; what is damaged is asked for as soon as a neighbour is there."""
        self._scrubbing.forget()
        self._scrubbing.want("")

    def connected(self, peer: str) -> None:
        """A link is in sync: what is known to be damaged may come back over it."""
        session = self._links.session_of(peer)
        if session is not None and session.machine.reconciles:
            self._repairs.mend(peer)

    def busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._runs) or self._scrubbing.busy

    # -- events ---------------------------------------------------------------------------------------------------

    def receive(self, peer: str, frame: frames.RangeRequest | frames.Range | frames.Reconcile) -> None:
        """A frame of repair or reconciliation."""
        if isinstance(frame, frames.RangeRequest):
            self._repairs.outbox.append((peer, self._repairs.serve(peer, frame)))
        elif isinstance(frame, frames.Range):
            self._repairs.receive(peer, frame)
            self._proceed(peer)
        else:
            run = self._runs.get(peer)
            if run is None:
                if frame.step not in (do.Step.ASK, do.Step.START):
                    return
                run = self._begin(peer, 0)
            run.bytes_in += len(codec.encode(frame, self._p.limits))
            now_ms = self._p.world.clock.now_ms()
            if frame.step == do.Step.ASK:
                if peer == self._p.identity.parent and run.machine.phase is Phase.ASKED:
                    self._perform(peer, run.machine.start(self._p.world.entropy(16), now_ms))
                return
            self._perform(peer, run.machine.receive(frame, now_ms))

    def lost(self, peer: str) -> None:
        """The link is gone."""
        self._repairs.lost(peer)
        run = self._runs.get(peer)
        if run is not None:
            self._perform(peer, run.machine.lost(self._p.world.clock.now_ms()))

    def tick(self) -> None:
        """About every second."""
        now_ms = self._p.world.clock.now_ms()
        self._repairs.tick()
        for peer, run in list(self._runs.items()):
            self._perform(peer, run.machine.tick(now_ms))
            self._proceed(peer)
        rest_ms = min(_AGAIN_MS, self._scrubbing.fresh_ms)
        if self._repairs.suspected and now_ms - self._tried.get("", -rest_ms) >= rest_ms:
            self._tried[""] = now_ms
            self._scrubbing.want("")

    def finish_step(self) -> None:
        """Before the commit: what came in this step may be the statement a run waits for; repairs ask on."""
        logs, me, parent = self._p.logs, self._p.identity.code, self._p.identity.parent
        for advance in logs.advances:
            run = self._runs.get(advance.source)
            if run is not None:
                run.fetched += advance.log.seq - advance.previous_seq
            if run is not None and advance.source == parent and advance.log.key.line == Line((parent, me)):
                self._look_for_statement(run, advance.log)
        for log in self._repairs.mended:
            for session in map(self._links.session_of, self._neighbours()):
                if session is not None and logs.index.crosses(log.key, session.peer):
                    session.machine.mended(log)
        self._repairs.mended.clear()
        for peer, frame in self._repairs.outbox:
            self._links.send(peer, frame)
        self._repairs.outbox.clear()

    def _look_for_statement(self, run: Run, log: LogState) -> None:
        for appended in self._p.logs.fresh:
            if appended.log is not log or log.key.author != self._p.identity.parent:
                continue
            for envelope, _, record_id in appended.records:
                one = statements.read_statement(record_id, envelope.header, envelope.payload)
                if one is not None and one.result.run == run.machine.run:
                    run.parents = record_id
                    now_ms = self._p.world.clock.now_ms()
                    self._perform(self._p.identity.parent, run.machine.stated(one.raw, now_ms))

    # -- inside ---------------------------------------------------------------------------------------------------

    def _begin(self, peer: str, day: int) -> Run:
        p, me = self._p, self._p.identity.code
        leads, now_ms = peer == p.identity.parent, p.world.clock.now_ms()
        upper, lower = (peer, me) if leads else (me, peer)
        machine = ReconcileMachine(
            leads=leads, upper=upper, lower=lower, heads=p.logs.index.link(peer), now_ms=now_ms
        )
        self._numbers += 1
        run = self._runs[peer] = Run(machine, self._numbers, now_ms, day, repaired=self._repairs.repaired[peer])
        return run

    def _perform(self, peer: str, effects: Iterable[do.Effect]) -> None:
        queue = list(effects)
        while queue:
            run = self._runs.get(peer)
            if run is None:
                return
            queue = [*self._carry_out(peer, run, queue.pop(0)), *queue]

    def _carry_out(self, peer: str, run: Run, effect: do.Effect) -> list[do.Effect]:
        match effect:
            case do.Tell(frame):
                run.bytes_out += len(codec.encode(frame, self._p.limits))
                self._links.send(peer, frame)
            case do.Recompare():
                self._links.recompare(peer)
            case do.Scrub():
                self._scrubbing.want(peer)
            case do.TakeItems():
                self._take_items(peer, run)
            case do.State(result):
                return self._state(peer, run, result)
            case do.Finished(result, reason):
                self._finished(peer, run, result, reason)
        return []

    def _state(self, peer: str, run: Run, result: bytes) -> list[do.Effect]:
        me, leads = self._p.identity.code, peer == self._p.identity.parent
        upper, lower = (peer, me) if leads else (me, peer)
        re = (run.parents,) if run.parents else ()
        now_ms = self._p.world.clock.now_ms()
        try:
            record = statements.write_statement(self._p.author, upper, lower, peer, result, re)
        except DulianError as error:
            if isinstance(error, StoreError):
                raise
            return [*run.machine.abandon(error.text[:60], now_ms)]
        run.statement = record.record_id
        return [] if leads else run.machine.stated(result, now_ms)

    # -- scrub and repair -----------------------------------------------------------------------------------------

    def _scrub_over(self, waiting: set[str]) -> None:
        now_ms = self._p.world.clock.now_ms()
        for peer in self._neighbours():
            if self._links.session_of(peer) is not None:
                self._attachments.connected(peer)
                self.connected(peer)
        for peer in waiting:
            if peer in self._runs:
                self._runs[peer].scrubbed_ms = now_ms
                self._proceed(peer)

    def _proceed(self, peer: str) -> None:
        """This side is scrubbed: once nothing more comes back from this neighbour, the run goes on."""
        run = self._runs.get(peer)
        if run is None or not run.scrubbed_ms or self._repairs.busy(peer):
            return
        now_ms, missing = self._p.world.clock.now_ms(), self._attachments.missing(peer)
        if missing and 0 <= now_ms - run.scrubbed_ms < _ATTACHMENTS_MS:
            return
        run.scrubbed_ms = 0
        side = Side(
            run.fetched, self._repairs.repaired[peer] - run.repaired, self._repairs.unrepaired(peer), missing
        )
        self._perform(peer, run.machine.scrubbed(side, now_ms))

    # -- items ----------------------------------------------------------------------------------------------------

    def _take_items(self, peer: str, run: Run) -> None:
        reader = self._p.store.reader()
        crossing = self._p.logs.index.crosses_line

        def read() -> Items:
            return read_items(reader, lambda line: crossing(line, peer))

        def done(future: Future[Items]) -> None:
            if self._runs.get(peer) is run:
                self._perform(peer, run.machine.items(future.result(), self._p.world.clock.now_ms()))

        self._blobs.aside(read, done)

    # -- endings --------------------------------------------------------------------------------------------------

    def _finished(self, peer: str, run: Run, raw: bytes, reason: str) -> None:
        p, now_ms = self._p, self._p.world.clock.now_ms()
        del self._runs[peer]
        self._scrubbing.wanted.discard(peer)
        if not raw:
            self._documents[peer] = run.number, unfinished(peer, reason)
            old = statements.load_state(p.store, peer)
            self._keep(old._replace(peer=peer, at_ms=now_ms, outcome="incomplete", reason=reason))
            return
        result = decode_result(raw)
        disputed = result.disputed - p.forks.settled(p.logs.index.link(peer))
        mine, theirs = result.lower_side, result.upper_side
        if peer != p.identity.parent:
            mine, theirs = theirs, mine
        outcome = "disputed" if disputed else "repaired" if result.repaired else "balanced"
        old = statements.load_state(p.store, peer)
        balanced_ms = old.balanced_ms if disputed else result.as_of_ms
        self._keep(State(
            peer, now_ms, outcome, "", balanced_ms, mine.fetched, result.repaired, disputed, run.statement.hex()
        ))  # fmt: skip
        row = p.store.get(Peer, peer)
        if row is not None:
            p.store.put([replace(row, reconciled_ms=balanced_ms)])
        if run.day:
            p.store.put([JobRun(JOB + peer, run.day, now_ms, disputed)])
        self._alarm(peer, run, disputed)
        self._documents[peer] = run.number, {
            "with": peer, "ok": not disputed, "logs": result.logs, "records": result.records,
            "items": result.items, "records_fetched": mine.fetched, "records_sent": theirs.fetched,
            "repaired": mine.repaired, "repaired_there": theirs.repaired, "missing": mine.unrepaired,
            "disputed": disputed, "bytes_sent": run.bytes_out, "bytes_received": run.bytes_in,
            "statement": run.statement.hex(), "outcome": outcome, "outcome_label": statements.LABELS[outcome],
            "differing": sorted(item.hex() for item in run.machine.different),
        }  # fmt: skip

    def _alarm(self, peer: str, run: Run, disputed: int) -> None:
        alarms = self._p.alarms
        if disputed:
            alarms.raise_("reconcile", peer, f"与 {peer} 对账有 {disputed} 处不符，见 dulian reconcile history")
        else:
            alarms.clear("reconcile", peer)
        if run.machine.different:
            shown = "、".join(sorted(item.hex()[:12] for item in run.machine.different)[:5])
            text = f"与 {peer} 的记录相同而事项摘要不同（软件差异）：{shown}"
            alarms.raise_("digest_differs", peer, text)
        else:
            alarms.clear("digest_differs", peer)

    def _keep(self, state: State) -> None:
        self._p.store.put([statements.state_row(state)])
        if state.peer == self._p.identity.parent:
            self._marks.link = outcome_of(state)

    def _neighbours(self) -> list[str]:
        identity = self._p.identity
        return [peer for peer in (identity.parent, *self._p.keyring.children(identity.code)) if peer]


def jitter_ms(office: str) -> int:
    """How long after the hour an office begins: the same every night."""
    return int.from_bytes(hashlib.sha256(office.encode()).digest()[:4], "big") % _JITTER_MS


def outcome_of(state: State) -> LinkOutcome | None:
    """What the freshness mark says of this office's link to its parent."""
    if not state.outcome:
        return None
    number = statements.OUTCOMES[state.outcome]
    return LinkOutcome(state.at_ms, number, state.repaired, state.disputed, state.balanced_ms)


def unfinished(peer: str, reason: str) -> dict[str, object]:
    """The document of a run that was not completed."""
    return {
        "with": peer, "ok": False, "logs": 0, "records_fetched": 0, "records_sent": 0, "repaired": 0, "disputed": 0,
        "bytes_sent": 0, "bytes_received": 0, "statement": None, "outcome": "incomplete", "outcome_label": "未完成",
        "reason": reason,
    }  # fmt: skip
