"""Faults of network, power and clocks, injected at random; each seed has its own mixture (faults.md N, C, K1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from node.records.kinds import Kind
from node.records.line import Line, LogKey
from node.records.payload import Act
from node.services.exchange.quotas import Quotas
from tests.sim.network import Knobs

if TYPE_CHECKING:
    from node.errors import DulianError
    from tests.sim.network import Connection
    from tests.sim.simulation import Simulation
    from tests.sim.world import Machine

HOUR_MS = 3_600_000
FLOOD_RECORDS = 60
FLOOD_QUOTA = 80  # records a day


class Nemesis:
    """Breaks things."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.random = sim.random
        self._behind: set[str] = set()  # boards that lack a matter
        self._flooded = False  # once in a seed: it costs
        self._struck: set[str] = set()  # these nodes fail between the next commit and what it would send

    def plan(self, duration_ms: int) -> None:
        """Choose this seed's faults and when they come."""
        copies = self.sim.copies
        acts = [
            self._cut, self._half_open, self._one_sided, self._outage, self._deaf, self._flap, self._swizzle,
            self._power, self._fuse, self._strike, self._slow, self._drift, self._ahead, self._back,
            self._renew, self._flood, self._poison, copies.old_copy, copies.restored, copies.torn, copies.clone,
            self.sim.liars.act, self.sim.rot.act, self.sim.rot.night, self.sim.liars.equivocate,
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
        for _ in range(8 + self.random.randrange(50)):
            self.sim.after(self.random.randrange(duration_ms), partial(self._any, mixture))

    def _any(self, mixture: list[Callable[[], None]]) -> None:
        self.random.choice(mixture)()

    def stop(self) -> None:
        """Everything is repaired; nodes that are off come back."""
        network = self.sim.network
        network.knobs = Knobs(bytes_share=network.knobs.bytes_share)
        network.down.clear()
        self.sim.barred.clear()
        self.sim.away.clear()
        self.sim.frozen.clear()
        self.sim.nightly = False
        self._struck.clear()
        for connection in list(network.connections.values()):
            for code in list(connection.deaf):
                network.hear(connection, code)
        for machine in self.sim.machines.values():
            machine.clock.off_ms = machine.busy_ms = 0
            machine.slow = False
            machine.store.fuse = 0
            machine.quotas = None
            if not machine.on:
                self.restart(machine)
            if machine.poisoned:
                machine.poisoned = b""  # the fault in the program is mended
                self._behind.add(machine.code)
        self.sim.copies.stop()

    def scrub(self) -> None:
        """Once all agree: a scrub finds what the boards lack that could not fold (C5)."""
        for code in sorted(self._behind):
            machine = self.sim.machines[code]
            machine.post(machine.office.reconcile.scrub)
        self.sim.run_for(2_000 if self._behind else 0)

    def strikes(self, machine: Machine) -> bool:
        """Whether the node fails now: committed, but nothing sent."""
        if machine.code not in self._struck:
            return False
        self._struck.discard(machine.code)
        self.sim.counters["crash:between commit and sending"] += 1
        return True

    def crash(self, machine: Machine, *, comes_back: bool = True) -> None:
        """The power of a node fails; it comes back later, or when somebody else says so."""
        if machine.office.reconcile.busy():
            self.sim.counters["crash:in a night"] += 1
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
        if not comes_back:
            return
        if self.sim.faults:
            self.sim.after(self.random.choice([50, 1_000, 10_000, 40_000]), partial(self.restart, machine))
        else:
            self.restart(machine)

    def restart(self, machine: Machine) -> None:
        """The node starts from its store."""
        known = self.sim.machines.get(machine.code) is machine or machine in self.sim.copies.clones.values()
        if machine.on or not known or machine.code in self.sim.away:
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
            stream = network.current(machine)
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
        stream = self.sim.network.current(machine)
        if stream is not None:
            self.sim.network.cut(stream)

    def _power(self) -> None:
        machine = self._machine()
        if machine is not None:
            self.sim.counters["crash:at rest"] += 1
            self.crash(machine)

    def _fuse(self) -> None:
        """The power fails at one of the next writes or commits (C1), at two nodes."""
        for machine in (self._machine(), self._machine()):
            if machine is not None:
                machine.store.fuse = 1 + self.random.randrange(16)

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
            machine.busy_ms = self.random.choice([100, 1_000, 5_000])
            self.sim.counters["slow"] += 1
            self.sim.after(20_000, partial(self._recover_speed, machine))

    @staticmethod
    def _recover_speed(machine: Machine) -> None:
        machine.slow = False
        machine.busy_ms = 0

    # -- others ---------------------------------------------------------------------------------------------------

    def _renew(self) -> None:
        """A child's channel certificate is renewed; the answer may be lost, either side may fail meanwhile (C4)."""
        child = self._machine()
        held = [machine for machine in self.sim.machines.values() if machine.on and machine.tls]
        if held and self.random.random() < 0.7:
            child = self.random.choice(held)
        if child is None or not child.parent:
            return
        parent, new = self.sim.machines[child.parent], self.random.randbytes(32)
        if not parent.on or parent.code in self.sim.copies.code or self.sim.network.current(child) is None:
            return
        first, lost = not child.tls, self.random.random() < 0.4
        expires_ms = self.sim.now_ms + 180 * 86_400_000

        asked_over = child.tls

        def issue() -> None:
            if asked_over:  # as `Enrolment.renew`: asked over a channel with this certificate
                parent.office.trust.tls_used(child.code, asked_over, self.sim.now_ms)
            parent.office.trust.issued(child.code, new, expires_ms)

        def done(_answer: object, _error: DulianError | None) -> None:
            self.sim.counters["renewed"] += 1
            if lost and not first:
                self.sim.counters["renewal_lost"] += 1
            else:
                child.tls = new

        parent.post(parent.office.command(issue, done))
        if self.random.random() < 0.3:
            self.sim.after(self.random.randrange(30), self._fuse_of(self.random.choice([parent, child])))

    @staticmethod
    def _fuse_of(machine: Machine) -> Callable[[], None]:
        def burn() -> None:
            machine.store.fuse = 1 if machine.on else 0

        return burn

    def _flood(self) -> None:
        """X5: a child writes more valid records in a moment than its quota allows in a day."""
        machine = self._machine()
        if self._flooded or machine is None or not machine.parent:
            return
        if machine.office.author.recovering or machine.office.author.skew_ms:
            return
        self._flooded = True
        parent, line = self.sim.machines[machine.parent], Line((machine.parent, machine.code))
        log = machine.office.logs.log(LogKey(machine.code, machine.office.author.epoch, line))
        if log is not None and log.frozen:
            return
        parent.quotas = parent.quotas or Quotas(10**9, FLOOD_QUOTA)

        def write() -> None:
            for _ in range(FLOOD_RECORDS):
                machine.office.author.write(Kind.PROGRESS, line, Act(text="刷屏"), item=bytes(32))

        machine.post(machine.office.command(write, lambda _answer, _error: None))
        self.sim.counters["valid_flood"] += 1

    def _poison(self) -> None:
        """C5: here the fold of one matter fails; all others go on."""
        machine = self._machine()
        rows = machine.items() if machine is not None and not machine.poisoned else []
        if machine is None or not rows:
            return
        item = bytes.fromhex(self.random.choice(rows)["id"])
        self.sim.watch.poisoned.add(item.hex()[:16])
        machine.poison(item)
        self.sim.counters["poisoned"] += 1

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
