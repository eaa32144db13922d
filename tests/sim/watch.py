"""Watches every step of a simulation: what nodes store, what they sign, what they claim to be current.

Written from the invariants, not from the code under test: records are compared byte by byte with what their authors
sealed, lines with the tree, receipts with the disk, 数据截至 with the promises as they were written down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.records import notes
from node.records.envelope import Envelope
from node.records.header import Header, decode
from node.records.line import Line
from node.services.outputs import Outputs
from node.storage.port import Evidence, Fork, MarkRow, RecordRow
from node.sync import frames
from tests.sim.journal import BrokenPromise
from tests.sim.world import Machine, Seen

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation

EVIDENCE_PER_PEER_MAX = 1_000
SESSIONS_PER_PEER_MAX = 6  # the streams of a flapping neighbour that keep-alive has not found out yet
EARLY_FRAMES_MAX = 16
INBOX_LOOKED_AT = 8  # events that wait


class Watch:
    """Sees everything."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.sealed: dict[bytes, tuple[Any, ...]] = {}  # record id: header, signature, salt, payload
        self.headers: dict[bytes, Header] = {}
        self.branches: dict[tuple[bytes, int], set[bytes]] = {}  # forks: log and number, ids of the records under it
        self.receipts = 0
        self.aged: set[str] = set()  # offices whose disk was once an old copy
        self.careless: set[str] = set()  # of these, those that could not know it at once
        self.cloned: set[str] = set()
        self.settled = False  # operators have settled forks: their alarms are over
        self.poisoned: set[str] = set()  # items that some node could not fold
        self._numbers: dict[tuple[bytes, int], bytes] = {}

    # -- records --------------------------------------------------------------------------------------------------

    def seal(self, record_id: bytes, header: Header, row: tuple[Any, ...]) -> None:
        """An author sealed a record."""
        self.sealed[record_id] = row
        self.headers[record_id] = header

    def fork(self, log_id: bytes, seq: int, record_ids: set[bytes]) -> None:
        """An author sealed two records under one number."""
        self.branches[log_id, seq] = record_ids

    def branch_of(self, envelope: Envelope) -> bytes | None:
        """The id of a record that is one side of a fork, if these are its bytes."""
        for record_ids in self.branches.values():
            for record_id in record_ids:
                if self.sealed.get(record_id) == tuple(envelope):
                    return record_id
        return None

    def line_of(self, log_id: bytes) -> Line:
        """The line of a log that somebody holds."""
        logs = (machine.office.logs.index.get(log_id) for machine in self.sim.machines.values())
        return next(log.key.line for log in logs if log is not None)

    def forked_logs(self) -> set[bytes]:
        """Logs whose author lied (or was cloned)."""
        return {log_id for log_id, _ in self.branches}

    def stored(self, machine: Machine) -> None:
        """Look at what a node committed since the last time."""
        rows, machine.store.fresh = machine.store.fresh, []
        for row in rows:
            self._check_stored(machine, row)

    def _check_stored(self, machine: Machine, row: RecordRow) -> None:
        header = decode(row.header)
        content = (row.header, row.signature, row.salt, row.payload)
        if header.author == machine.code and row.record_id not in self.sealed:
            self._check_number(machine, header, row.record_id)
            self.seal(row.record_id, header, content)
        if self.sealed.get(row.record_id) != content:
            raise BrokenPromise(f"{machine.code} stored what {header.author} never sealed (I3, G4)")
        if not self.may_know(machine, header.line):
            raise BrokenPromise(f"{machine.code} stored a record of the line {header.line} (I4, G9)")

    def _check_number(self, machine: Machine, header: Header, record_id: bytes) -> None:
        """A number is used once, except by liars and by whoever has not noticed yet that its disk is an old copy."""
        place = (header.log_id, header.seq)
        known = self._numbers.setdefault(place, record_id)
        if place in self.branches:
            self.branches[place].add(record_id)
        elif known != record_id:
            if machine.code not in self.careless:
                raise BrokenPromise(f"{machine.code} used number {header.seq} of {header.log_key} twice")
            self.fork(*place, {known, record_id})
            self.sim.counters["wrong_branch"] += 1

    def rolled_back(self, machine: Machine, *, careless: bool) -> None:
        """An old copy of this node's disk was put in place; ``careless``: nothing told it so."""
        self.aged.add(machine.code)
        if careless:
            self.careless.add(machine.code)

    def forget_lost(self) -> None:
        """What an office wrote and nobody else had yet went with its disk, and with it what stood behind it."""
        held = {row.record_id for machine in self.sim.machines.values() for row in machine.store.journal.values()}
        for record_id, header in list(self.headers.items()):
            if header.author in self.aged and record_id not in held:
                del self.headers[record_id]
                self.sim.counters["lost_with_the_disk"] += 1

    def may_know(self, machine: Machine, line: Line) -> bool:
        """The line names the office, and stands in the tree as it is."""
        for upper, lower in zip(line.path, line.path[1:], strict=False):
            if self.sim.machines[lower].parent != upper:
                return False
        return machine.code in line.path or (line.subtree and line.path[-1] in machine.path)

    # -- steps ----------------------------------------------------------------------------------------------------

    def sending(self, machine: Machine, out: Outputs) -> None:
        """What leaves a node: a receipt is for what is on its disk (I2, G1)."""
        index = machine.office.logs.index
        for _, frame in out.frames:
            if not isinstance(frame, frames.ReceiptFrame):
                continue
            for head in notes.open_receipt(machine.office.keyring, frame.note).heads:
                log = index.get(head.log_id)
                row = machine.store.journal.get((log.log_no, head.seq)) if log else None
                if row is None or row.record_id != head.record_id:
                    raise BrokenPromise(f"{machine.code} gave a receipt for what it does not hold")
                self.receipts += 1

    def stepped(self, machine: Machine, seen: list[Seen]) -> None:
        """After every step of every node."""
        self.stored(machine)
        for alarm in machine.office.alarms.standing():
            if alarm.code in ("internal", "poison", "followup") and alarm.subject not in self.poisoned:
                raise BrokenPromise(f"{machine.code}: {alarm.text}")
        self._check_marks(machine)
        self._check_bounds(machine)
        for number, peer, frame in seen:
            # A session that was closed in this step may not have looked at it any more; with several frames in one
            # step it is not known what was held when this one came.
            alive = number in machine.office.links.session_numbers()
            if isinstance(frame, frames.Batch) and self.branches and alive and len(seen) == 1:
                self._check_forks(machine, frame)
            self.sim.liars.answered(machine, peer, frame)

    def _check_marks(self, machine: Machine) -> None:
        """数据截至 T: everything the office had promised at T is held (I8, G13)."""
        for row in machine.fulfilled:
            if row.satisfied_ms > machine.clock.now_ms():
                raise BrokenPromise(f"{machine.code} shows data of {row.office} as of the future")
            self._check_promise(machine, row.office, row)
        machine.fulfilled.clear()

    def _check_promise(self, machine: Machine, office: str, row: MarkRow) -> None:
        author = self.sim.machines[office]
        if office in self.cloned:
            return  # two promise under one name
        for log_id, seq in author.promised.get(row.signature, {}).items():
            promised = author.office.logs.index.get(log_id)
            if promised is None or not self.may_know(machine, promised.key.line) or log_id in self.forked_logs():
                continue
            held = machine.office.logs.index.get(log_id)
            if held is None or held.seq < seq:
                raise BrokenPromise(f"{machine.code} shows stale data of {office} as current")

    def _check_bounds(self, machine: Machine) -> None:
        """Nothing grows with what a neighbour does (G12)."""
        limits = machine.limits
        by_peer: dict[str, int] = {}
        for session in machine.office.links._sessions.values():
            by_peer[session.peer] = by_peer.get(session.peer, 0) + 1
            state = session.machine
            if state._out.in_flight_bytes > limits.window_bytes + limits.batch_bytes_max + 300_000:
                raise BrokenPromise(f"{machine.code} sends beyond the window")
            if len(state._early) > EARLY_FRAMES_MAX or len(state.behind) > limits.behind_logs_max:
                raise BrokenPromise(f"{machine.code} keeps what {session.peer} sends before it is known")
        if len(machine.inbox) > INBOX_LOOKED_AT:
            self._check_inbox(machine)
        if max(by_peer.values(), default=0) > SESSIONS_PER_PEER_MAX:
            raise BrokenPromise(f"{machine.code} keeps dead sessions: {by_peer}")
        if max(map(len, machine.office.alarms._by_peer.values()), default=0) > EVIDENCE_PER_PEER_MAX:
            raise BrokenPromise(f"{machine.code} keeps too much evidence")

    def _check_inbox(self, machine: Machine) -> None:
        """D9: before a slow node no more waits than its neighbours' windows hold."""
        waiting: dict[int, int] = {}
        for _, seen in machine.inbox:
            if seen is not None and isinstance(seen.frame, frames.Batch):
                waiting[seen.number] = waiting.get(seen.number, 0) + frames.weight(seen.frame)
        limit = machine.limits.window_bytes + machine.limits.batch_bytes_max + 300_000
        if max(waiting.values(), default=0) > limit and not self.sim.liars.lied:
            raise BrokenPromise(f"{machine.code} is slow, and {max(waiting.values())} bytes of one link wait for it")
        self.sim.counters["slow:queue"] += 1

    def _check_forks(self, machine: Machine, batch: frames.Batch) -> None:
        """Who saw both keeps both, freezes that log and raises an alarm (I5, G7)."""
        for envelope in batch.records:
            shown = self.branch_of(envelope)
            if shown is None:
                continue
            header = decode(envelope.header)  # not `headers`: a lost copy may show what was taken for lost
            log = machine.office.logs.index.get(header.log_id)
            if log is None or log.seq < header.seq:
                continue
            held = machine.store.journal[log.log_no, header.seq].record_id
            if shown == held:
                continue
            kept = machine.store.get(Fork, log.log_no, header.seq, shown)
            alarmed = any(alarm.code == "fork" for alarm in machine.office.alarms.standing())
            if kept is None or not log.frozen or not (alarmed or self.settled):
                raise BrokenPromise(f"{machine.code} saw both sides of a fork and did not keep them")
            self.sim.counters["fork_kept"] += 1


def evidence_codes(machine: Machine, peer: str) -> set[str]:
    """Why a node kept evidence against a neighbour."""
    return {row.code for row in machine.store.rows(Evidence, peer=peer)}
