"""Forks at the end of a simulation: every holder of the line has both branches, says so, folds the same (I5, G7)."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from node.services.matters.desk import Caller
from node.services.mending.fork_cases import cases, settle
from node.storage.port import Fork
from tests.sim.journal import BrokenPromise

if TYPE_CHECKING:
    from node.errors import DulianError
    from node.services.office import Office
    from tests.sim.simulation import Simulation
    from tests.sim.world import Machine


def proved(sim: Simulation) -> dict[bytes, dict[bytes, int]]:
    """Forked logs, each with the records that an office able to publish them holds from the fork on (id → number)."""
    found: dict[bytes, dict[bytes, int]] = {}
    for machine in sim.machines.values():
        for log in machine.office.logs.index:
            beside = machine.store.rows(Fork, log_no=log.log_no)
            if not log.frozen or machine.code not in log.key.line.path:
                continue
            records = found.setdefault(log.log_id, {})
            records.update({row.record_id: row.seq for row in beside})
            first = min(row.seq for row in beside)
            for seq in range(first, log.seq + 1):
                records[machine.store.journal[log.log_no, seq].record_id] = seq
    return found


def held(machine: Machine, log_id: bytes) -> set[bytes]:
    """Ids of the records of a log that a node holds, on whatever branch."""
    log = machine.office.logs.index.get(log_id)
    if log is None:
        return set()
    inside = {row.record_id for row in machine.store.journal.values() if row.log_no == log.log_no}
    return inside | {row.record_id for row in machine.store.rows(Fork, log_no=log.log_no)}


def difference(sim: Simulation) -> str:
    """What a holder still lacks of a fork that somebody has proved, empty once all have it."""
    for log_id, records in proved(sim).items():
        line = sim.watch.line_of(log_id)
        for machine in sim.machines.values():
            if sim.watch.may_know(machine, line) and not records.keys() <= held(machine, log_id):
                lacks = sorted(seq for record_id, seq in records.items() if record_id not in held(machine, log_id))
                return f"{machine.code} lacks {lacks} of the fork of {log_id.hex()[:8]} {line}"
    return ""


def check(sim: Simulation, settled: Container[bytes]) -> None:
    """Both are at every holder, and the alarm stands at every one of them until it is settled."""
    lacking = difference(sim)
    if lacking:
        raise BrokenPromise(lacking)
    for log_id in proved(sim):
        if log_id in settled:
            continue
        line = sim.watch.line_of(log_id)
        for machine in sim.machines.values():
            if not sim.watch.may_know(machine, line):
                continue
            sim.counters["fork_known"] += 1
            if not any(a.code == "fork" and a.subject == log_id.hex()[:16] for a in machine.office.alarms.standing()):
                raise BrokenPromise(f"{machine.code} knows a fork and raises no alarm")


def torn(sim: Simulation) -> set[bytes]:
    """Forked logs of which not every holder has everything: what nobody could prove, or what stands before a gap."""
    found = set()
    for log_id in sorted(sim.watch.forked_logs()):
        if not any(log_id == log.log_id for machine in sim.machines.values() for log in machine.office.logs.index):
            continue  # it went with its author's disk
        line = sim.watch.line_of(log_id)
        sets = {frozenset(held(machine, log_id)) for machine in sim.machines.values()
                if sim.watch.may_know(machine, line)}  # fmt: skip
        if len(sets) > 1:
            found.add(log_id)
            sim.counters["fork_torn"] += 1
        else:
            sim.counters["fork_whole"] += 1
    return found


def settle_some(sim: Simulation) -> set[bytes]:
    """Operators of about half of the offices that forked settle it; returns those logs (without what nobody proved)."""
    chosen: set[bytes] = set()
    for machine in sim.machines.values():
        own = [case for case in cases(machine.store) if case.log.key.author == machine.code and not case.settled]
        if not own or sim.random.random() < 0.5:
            continue
        chosen |= {case.log.log_id for case in own}
        office, keep = machine.office, sim.random.choice(["both", "here", "other"])

        def run(office: Office = office, keep: str = keep) -> object:
            return settle(office, {"log": "all", "keep": keep}, Caller("值班员"))

        def done(_answer: object, error: DulianError | None) -> None:
            if error is not None:
                raise BrokenPromise(f"a fork could not be settled: {error}")
            sim.counters["fork_settled"] += 1

        machine.post(office.command(run, done))
    return chosen


def standing(sim: Simulation, settled: set[bytes]) -> str:
    """Where the alarm of a settled fork still stands, empty once it has ended everywhere."""
    subjects = {log_id.hex()[:16] for log_id in settled}
    for machine in sim.machines.values():
        for alarm in machine.office.alarms.standing():
            if alarm.code == "fork" and alarm.subject in subjects:
                return f"{machine.code} still shows a fork that was settled"
    return ""
