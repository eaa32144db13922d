"""Copies of disks: old ones put back, torn ones, backups restored, machines cloned (faults.md D3, R1, R2, R3, R8).

Rules: one office of a seed at most, for what two neighbours have both lost, a third may not hand back (not the author's
side); its disk does not rot besides. Not to before an admission: a real node would refuse that child's channel until it
is invited again (there is no TLS here), and the certificate is in no log any more where nobody had received it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from node.errors import StoreError
from node.records.header import decode
from node.services.care.alarms import Alarms
from node.services.exchange.author import Author
from node.services.exchange.logs import Logs
from node.services.mending import comeback, tail
from node.services.mending.comeback import CLONE, CLONES
from tests.sim.journal import BrokenPromise, Crash
from tests.sim.world import Machine

if TYPE_CHECKING:
    from node.errors import DulianError
    from tests.sim.simulation import Simulation

Disk = list[dict[Any, Any]]
TORN_COMMITS = 12
QUIET_CALLS_MAX, QUIET_OFF_MS_MAX = 6, 10_000  # of two copies, one of them chosen, in five minutes


class Copies:
    """What is done with copies of one office's disk."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.random = sim.random
        self.code = ""  # the office
        self.clones: dict[str, Machine] = {}
        self._dropped: Machine | None = None  # the copy that was not left, if it knew that there were two
        self._words = Random(f"{sim.seed}/last words")  # of its own: what else happens stays the same
        self._settled = False  # the operator has chosen the one that is left
        self._backup: tuple[Disk, set[str], int] | None = None

    # -- which, and when ------------------------------------------------------------------------------------------

    def _chosen(self) -> Machine | None:
        """The seed's office, if its disk may be exchanged now."""
        machines = self.sim.machines
        if not self.code:
            if self.sim.rot.spoilt:
                return None
            running = [machine for machine in machines.values() if machine.on and machine.code not in self.sim.away]
            self.code = self.random.choice(running).code if running else ""
        machine = machines.get(self.code)
        return machine if machine is not None and machine.on and not self.clones else None

    def _below(self, machine: Machine) -> set[str]:
        return {other.code for other in self.sim.machines.values() if other.parent == machine.code}

    def _may(self, machine: Machine, children: set[str]) -> bool:
        same = self.sim.machines.get(machine.code) is machine and machine.on and not self.clones
        return self.sim.faults and same and self._below(machine) == children and machine.code not in self.sim.away

    # -- old copies -----------------------------------------------------------------------------------------------

    def old_copy(self) -> None:
        """R1, R8: an old copy of the whole disk is put in place, and nobody says anything."""
        machine = self._chosen()
        if machine is not None:
            back = partial(self._put_back, machine, machine.store.copy(), machine.tail.raw, self._below(machine))
            self.sim.after(1_000 + self.random.randrange(20_000), back)

    def _put_back(self, machine: Machine, copy: Disk, last: bytes, children: set[str]) -> None:
        if self._may(machine, children):
            self.sim.nemesis.crash(machine)
            self.sim.watch.rolled_back(machine, careless=True)
            machine.store.put_back(copy)
            machine.tail.raw = last
            self._note("rolled_back", children)

    def _note(self, name: str, children: set[str]) -> None:
        self.sim.counters[name] += 1
        if children:
            self.sim.counters[f"{name}:parent"] += 1

    def restored(self) -> None:
        """R2: a backup is restored as `restore` does it; the same one perhaps twice, neighbours perhaps unreachable."""
        machine = self._chosen()
        if machine is None:
            return
        if self._backup is None or self.random.random() < 0.4:
            self._backup = machine.store.copy(), self._below(machine), machine.clock.now_ms()
        self.sim.after(1_000 + self.random.randrange(20_000), partial(self._restore, machine, *self._backup))

    def _restore(self, machine: Machine, copy: Disk, children: set[str], made_ms: int) -> None:
        if not self._may(machine, children) or machine.clock.off_ms:
            return
        self.sim.nemesis.crash(machine)
        self.sim.watch.rolled_back(machine, careless=False)
        machine.store.put_back(copy)
        machine.tail.raw = b""
        self._begin(machine, made_ms)
        self._note("restored", children)
        if self.random.random() < 0.5:
            for code in (machine.code, *sorted(children)):
                self.sim.bar(code, 15_000)
            self.sim.counters["restored:alone"] += 1

    def _begin(self, machine: Machine, made_ms: int) -> None:
        """As `bootstrap.restoring` does it, before the node starts."""
        store, now_ms = machine.store, machine.clock.now_ms()
        store.begin()
        logs = Logs(store, machine.path)
        author = Author(machine.identity, machine.world, store, logs)
        comeback.begin(store, comeback.RESTORE, made_ms, now_ms)
        author.begin_epoch(comeback.RESTORE)
        logs.flush()
        text = comeback.Comeback(store).text([*machine.path[-2:-1], *self._below(machine)])
        Alarms(store, machine.world).raise_(comeback.ALARM, machine.code, text)
        store.commit(durable=True)

    # -- a torn tail ----------------------------------------------------------------------------------------------

    def torn(self) -> None:
        """D3: the last commits are lost with a power failure, though the disk had said that they were safe."""
        machine = self._chosen()
        if machine is not None:
            machine.store.watch_tail(TORN_COMMITS)
            self.sim.after(1_000 + self.random.randrange(10_000), partial(self._tear, machine, self._below(machine)))

    def _tear(self, machine: Machine, children: set[str]) -> None:
        if not self._may(machine, children) or not machine.store.last_commits:
            return
        commits = list(machine.store.last_commits)
        self.sim.nemesis.crash(machine, comes_back=False)
        machine.store.tear(commits[-1 - self.random.randrange(len(commits)) :])
        if self.random.random() < 0.25:
            machine.tail.raw = machine.tail.before  # the file's own last write is lost, too
        last = tail.decode(machine.code, machine.tail.raw)
        held = {row.log_id: row.head_seq for row in machine.store.logs()}
        told = last is not None and held.get(last.log_id, 0) < last.seq
        self.sim.watch.rolled_back(machine, careless=not told)
        self._note("torn", children)
        self.sim.after(self.random.choice([50, 5_000]), partial(self._start_torn, machine, told=told))

    def _start_torn(self, machine: Machine, *, told: bool) -> None:
        if machine.on or self.sim.machines.get(machine.code) is not machine:
            return
        self.sim.nemesis.restart(machine)
        if told and self.sim.drive(machine, []) is not None and machine.on:
            author = machine.office.author
            if not author.recovering:
                raise BrokenPromise(f"{machine.code} has lost its tail and would go on writing (D3)")
            self.sim.counters["torn:told"] += 1

    # -- clones ---------------------------------------------------------------------------------------------------

    def clone(self) -> None:
        """R3: a copy of the running machine runs beside it, and both work."""
        machine = self._chosen()
        if machine is None or not machine.parent or machine.office.author.recovering:
            return
        if machine.office.author.comeback.pending or machine.code in self.sim.watch.aged:
            return
        other = machine.copy(Random(f"{self.sim.seed}/{machine.code}/clone"))
        self.sim.watch.rolled_back(machine, careless=True)
        self.sim.watch.cloned.add(machine.code)
        self.clones[machine.code] = other
        other.start()
        other.office.project(force=True)
        self.sim.attach(other)
        self.sim.counters["cloned"] += 1

    def stop(self) -> None:
        """The operator ends it: one copy is switched off for good."""
        for code, other in list(self.clones.items()):
            machine = self.sim.machines[code]
            for one in (machine, other):
                if one.on and any(alarm.code == "clone" for alarm in one.office.alarms.standing()):
                    self.sim.counters["clone_noticed"] += 1
            del self.clones[code]
            keep, drop = (machine, other) if self.random.random() < 0.5 else (other, machine)
            self.sim.machines[code] = keep
            self._last_word(drop)
            self._dropped = drop if drop.on and drop.office.author.recovering in CLONES else None
            if drop.on:
                drop.crash()
            drop.ticking = False  # what waited for it is gone
            self.sim.network.power_off(drop, silent=False)
            if keep is other:
                self.sim.counters["clone_survived"] += 1
            if not keep.on:
                self.sim.nemesis.restart(keep)

    def _last_word(self, drop: Machine) -> None:
        """Both had found each other at the same time: this one said so, too, and could not send it any more."""
        if not drop.on or drop.office.author.skew_ms or self._words.random() < 0.5:
            return
        author = drop.office.author

        def say() -> None:
            author.begin_epoch(CLONE)
            author.stop(CLONE)

        with suppress(StoreError, Crash):
            drop.office.step([say])
            self.sim.counters["clone_unheard"] += 1

    def operate(self) -> None:
        """Of two copies one is left: the operator says so to it, as soon as it asks."""
        machine = self.sim.machines.get(self.code)
        if machine is None or not machine.on or machine.office.author.recovering not in CLONES:
            return
        if machine.office.author.skew_ms or machine.inbox:
            return

        def done(_answer: object, error: DulianError | None) -> None:
            if error is not None:
                raise BrokenPromise(f"the copy that is left could not be chosen: {error}")
            self.sim.counters["clone_chosen"] += 1
            self._settled = True

        self._choose(machine, done)

    def _choose(self, machine: Machine, done: Callable[[object, DulianError | None], None]) -> None:
        machine.post(machine.office.command(machine.office.recovery.choose, done))
        machine.backoff.chosen()

    def come_back(self) -> None:
        """Long after the choice the other copy is switched on by mistake: it stays stopped, and stops nobody."""
        keep, drop = self.sim.machines.get(self.code), self._dropped
        if drop is None or not self._settled or keep is None or not keep.on:
            return
        self.clones[self.code] = drop
        self.sim.watch.settled = True
        for row in drop.store.journal.values():  # what nobody else had was taken for lost with its disk
            self.sim.watch.headers.setdefault(row.record_id, decode(row.header))
        self.sim.nemesis.restart(drop)
        if self._words.random() < 0.5:
            self._both_chosen(keep, drop)
        self.sim.run_for(20_000)
        self.sim.counters["clone_again"] += 1
        self._check_settled(keep, drop)
        if self._words.random() < 0.3:
            self._check_quiet(keep, drop)

    def _both_chosen(self, keep: Machine, drop: Machine) -> None:
        """It is chosen, too, by somebody who does not know that the other was: all are told, until it is settled."""
        answers: list[DulianError | None] = []
        self._choose(drop, lambda _answer, error: answers.append(error))
        self.sim.run_for(120_000)
        if answers != [None]:
            raise BrokenPromise(f"the other copy could not be chosen: {answers}")
        going = [one for one in (keep, drop) if one.office.author.recovering not in CLONES]
        if going or not self._told(keep):
            raise BrokenPromise(f"both copies of {self.code} were chosen: {len(going)} go on, and nobody is told (R3)")
        self.sim.counters["clone_both"] += 1
        self._choose(keep, lambda _answer, error: answers.append(error))
        self.sim.run_for(60_000)
        if answers != [None, None]:
            raise BrokenPromise(f"the copy that is left could not be chosen again: {answers}")

    def _told(self, keep: Machine) -> bool:
        above = self.sim.machines[keep.parent].office.alarms.standing()
        return any(alarm.code == "clone" and alarm.subject == self.code for alarm in above)

    def _check_settled(self, keep: Machine, drop: Machine) -> None:
        if drop.office.author.recovering not in CLONES:
            raise BrokenPromise(f"{self.code}: the copy that was not chosen goes on (R3)")
        if keep.office.author.recovering in CLONES:
            raise BrokenPromise(f"{self.code}: the chosen copy was stopped by what the other had still to say (R3)")
        if self._told(keep):
            raise BrokenPromise(f"{keep.parent} is told again of two copies of {self.code}, which was settled (R3)")

    def _check_quiet(self, keep: Machine, drop: Machine) -> None:
        """It stays switched on: it calls every few minutes, and the other keeps its link."""
        self.sim.run_for(120_000)
        before = self.sim.counters["connected"]
        off_ms = 0
        for _ in range(300):
            self.sim.run_for(1_000)
            off_ms += 0 if self.sim.network.current(keep) else 1_000
        calls = self.sim.counters["connected"] - before
        self.sim.counters["clone_quiet"] += 1
        if calls > QUIET_CALLS_MAX or off_ms > QUIET_OFF_MS_MAX:
            raise BrokenPromise(f"two copies of {self.code}: {calls} calls in 5 minutes, no link for {off_ms} ms (R3)")
