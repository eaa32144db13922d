"""Faults of network, power and clocks, injected at random; each seed has its own mixture (faults.md N, C, K1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.sim.network import Knobs

if TYPE_CHECKING:
    from tests.sim.network import Connection
    from tests.sim.simulation import Simulation
    from tests.sim.world import Machine

HOUR_MS = 3_600_000


class Nemesis:
    """Breaks things."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.random = sim.random
        self._aged = ""
        self._struck: set[str] = set()  # these nodes fail between the next commit and what it would send

    def plan(self, duration_ms: int) -> None:
        """Choose this seed's faults and when they come."""
        acts = [
            self._cut, self._half_open, self._one_sided, self._outage, self._deaf, self._flap, self._swizzle,
            self._power, self._fuse, self._strike, self._slow, self._drift, self._ahead, self._back,
            self._old_copy, self.sim.liars.act, self.sim.rot.act, self.sim.rot.night, self.sim.liars.equivocate,
        ]  # fmt: skip
        mixture = [act for act in acts if self.random.random() < 0.5]
        knobs = self.sim.network.knobs
        knobs.latency_ms = self.random.choice([5, 50, 400])
        if self.random.random() < 0.5:
            knobs.duplicate = 0.1
        if self.random.random() < 0.5:
            knobs.reorder = 0.05
        if not mixture:
            self.sim.counters["no_faults"] += 1
            return
        for _ in range(5 + self.random.randrange(50)):
            self.sim.after(self.random.randrange(duration_ms), partial(self._any, mixture))

    def _any(self, mixture: list[Callable[[], None]]) -> None:
        self.random.choice(mixture)()

    def stop(self) -> None:
        """Everything is repaired; nodes that are off come back."""
        network = self.sim.network
        network.knobs = Knobs(bytes_share=network.knobs.bytes_share)
        network.down.clear()
        self._struck.clear()
        for connection in list(network.connections.values()):
            for code in list(connection.deaf):
                network.hear(connection, code)
        for machine in self.sim.machines.values():
            machine.clock.off_ms = machine.busy_ms = 0
            machine.slow = False
            machine.store.fuse = 0
            if not machine.on:
                self.restart(machine)

    def strikes(self, machine: Machine) -> bool:
        """Whether the node fails now: committed, but nothing sent."""
        if machine.code not in self._struck:
            return False
        self._struck.discard(machine.code)
        self.sim.counters["crash:between commit and sending"] += 1
        return True

    def crash(self, machine: Machine) -> None:
        """The power of a node fails; it comes back later."""
        if machine.store.burnt:
            self.sim.counters[f"crash:{machine.store.burnt}"] += 1
            machine.store.burnt = ""
        self.sim.counters["crash"] += 1
        if machine.crash():
            self.sim.counters["projection_lost"] += 1
        machine.ticking = False
        self.sim.watch.stored(machine)
        machine.store.check_journal()
        self.sim.network.power_off(machine, silent=self.random.random() < 0.3)
        if self.sim.faults:
            self.sim.after(self.random.choice([50, 1_000, 10_000, 40_000]), partial(self.restart, machine))
        else:
            self.restart(machine)

    def restart(self, machine: Machine) -> None:
        """The node starts from its store."""
        if machine.on:
            return
        machine.start()
        machine.office.project(force=True)
        self.sim.counters["restart"] += 1
        if machine.parent:
            self.sim.network.dial_later(machine)
        machine.wake()

    # -- what may happen ------------------------------------------------------------------------------------------

    def _stream(self) -> Connection | None:
        streams = list(self.sim.network.connections.values())
        return self.random.choice(streams) if streams else None

    def _machine(self) -> Machine | None:
        machines = [machine for machine in self.sim.machines.values() if machine.on]
        return self.random.choice(machines) if machines else None

    def _cut(self) -> None:
        stream = self._stream()
        if stream is not None:
            self.sim.counters["cut"] += 1
            self.sim.network.cut(stream)

    def _half_open(self) -> None:
        stream = self._stream()
        if stream is not None:
            self.sim.counters["half_open"] += 1
            self.sim.network.cut(stream, half_open=True)

    def _one_sided(self) -> None:
        stream = self._stream()
        if stream is not None:
            self.sim.counters["called_anew"] += 1
            self.sim.network.cut(stream, one_sided=True)

    def _outage(self) -> None:
        """The way up of one office is gone for a while."""
        machine = self._machine()
        if machine is not None and machine.parent:
            self._take_down([machine], self.random.choice([2_000, 15_000, 60_000]))
            self.sim.counters["outage"] += 1

    def _swizzle(self) -> None:
        """A random part of all links is gone for a while (N10)."""
        machines = [m for m in self.sim.machines.values() if m.parent and self.random.random() < 0.5]
        self._take_down(machines, 8_000)
        self.sim.counters["swizzle"] += 1

    def _take_down(self, machines: list[Machine], duration_ms: int) -> None:
        network = self.sim.network
        for machine in machines:
            network.down.add(machine.code)
            stream = network.current(machine.code)
            if stream is not None:
                network.cut(stream, half_open=self.random.random() < 0.3)
            self.sim.after(duration_ms, partial(network.down.discard, machine.code))

    def _deaf(self) -> None:
        """One direction of a stream stops (N6)."""
        stream = self._stream()
        if stream is not None:
            code = self.random.choice(stream.ends).code
            self.sim.network.make_deaf(stream, code)
            duration_ms = self.random.choice([1_000, 10_000, 60_000])
            self.sim.after(duration_ms, partial(self.sim.network.hear, stream, code))
            self.sim.counters["one_way"] += 1

    def _flap(self) -> None:
        """A link breaks again and again (N7)."""
        machine = self._machine()
        if machine is None or not machine.parent:
            return
        self.sim.counters["flapping"] += 1
        for number in range(1, 8):
            self.sim.after(number * 700, partial(self._cut_of, machine))

    def _cut_of(self, machine: Machine) -> None:
        stream = self.sim.network.current(machine.code)
        if stream is not None:
            self.sim.network.cut(stream)

    def _power(self) -> None:
        machine = self._machine()
        if machine is not None:
            self.sim.counters["crash:at rest"] += 1
            self.crash(machine)

    def _fuse(self) -> None:
        """The power fails at one of the next writes or commits (C1)."""
        machine = self._machine()
        if machine is not None:
            machine.store.fuse = 1 + self.random.randrange(12)

    def _strike(self) -> None:
        """The power fails between a commit and what it would send (N2, C1)."""
        machine = self._machine()
        if machine is not None:
            self._struck.add(machine.code)

    def _slow(self) -> None:
        """A node takes long for everything (D9)."""
        machine = self._machine()
        if machine is not None:
            machine.slow = True
            machine.busy_ms = self.random.choice([100, 1_000])
            self.sim.counters["slow"] += 1
            self.sim.after(20_000, partial(self._recover_speed, machine))

    @staticmethod
    def _recover_speed(machine: Machine) -> None:
        machine.slow = False
        machine.busy_ms = 0

    def _old_copy(self) -> None:
        """Somebody puts an old copy of a node's disk in place, and says nothing (R1).

        One node of a seed: what two neighbours have both lost, a third may not hand back (not the author's side).
        """
        machine = self.sim.machines[self._aged] if self._aged else self._machine()
        if machine is not None and machine.on and not self.sim.rot.spoilt:
            self._aged = machine.code
            back = partial(self._put_back, machine, machine.store.copy(), self._children(machine))
            self.sim.after(1_000 + self.random.randrange(20_000), back)

    @property
    def aged(self) -> str:
        """The node of which an old copy comes back; disks rot in other seeds."""
        return self._aged

    def _children(self, machine: Machine) -> set[str]:
        return {other.code for other in self.sim.machines.values() if other.parent == machine.code}

    def _put_back(self, machine: Machine, copy: list[dict[Any, Any]], children: set[str]) -> None:
        """Not to before an admission: a real node would refuse that child's channel until it is invited again (there
        is no TLS here), and the certificate is in no log any more where nobody had received it (seed 668).
        """
        if self.sim.faults and machine.on and self._children(machine) == children:
            self.crash(machine)
            self.sim.watch.rolled_back(machine)
            machine.store.put_back(copy)
            self.sim.counters["rolled_back"] += 1

    # -- clocks (K1) ----------------------------------------------------------------------------------------------

    def _drift(self) -> None:
        self._set_clock("clock_skew", self.random.randrange(-15_000, 15_000), 0)

    def _ahead(self) -> None:
        """Minutes or hours ahead, for a while."""
        off_ms = self.random.choice([30_000, 90_000, 300_000, 5 * HOUR_MS, 30 * HOUR_MS])
        self._set_clock("clock_ahead", off_ms, 20_000)

    def _back(self) -> None:
        self._set_clock("clock_back", -self.random.choice([30_000, 600_000, 7 * HOUR_MS]), 20_000)

    def _set_clock(self, name: str, off_ms: int, duration_ms: int) -> None:
        machine = self._machine()
        if machine is None:
            return
        machine.clock.off_ms = off_ms
        self.sim.counters[name] += 1
        if duration_ms:
            self.sim.after(duration_ms, partial(self._set_right, machine))

    @staticmethod
    def _set_right(machine: Machine) -> None:
        machine.clock.off_ms = 0
