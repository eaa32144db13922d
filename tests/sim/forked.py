"""Forks at the end of a simulation: every holder of the line has both branches, says so, folds the same (I5, G7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.storage.port import Fork
from tests.sim.journal import BrokenPromise

if TYPE_CHECKING:
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


def check(sim: Simulation) -> None:
    """Both are at every holder, and the alarm stands at every one of them."""
    lacking = difference(sim)
    if lacking:
        raise BrokenPromise(lacking)
    for log_id in proved(sim):
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
