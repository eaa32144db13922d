"""A whole tree of nodes in one process, from a seed: real services, virtual clock and network, faults, liars, checkers.

Phases: build the tree; safety (work under faults, invariants watched at every step); liveness (faults stop, the network
heals, clocks are set right, and within as many rounds of reconnecting as the tree is deep everything must agree); then
the independent checkers. The same seed does the same, on every machine (`trace` is a hash over all that happened).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from random import Random

from node.errors import StoreError
from node.services.outputs import Outputs
from node.storage.port import MarkRow
from tests.sim import checkers, forked
from tests.sim.copies import Copies
from tests.sim.episodes import NIGHT_HOUR, Episodes
from tests.sim.journal import BrokenPromise, Crash
from tests.sim.liars import Liars
from tests.sim.nemesis import Nemesis
from tests.sim.network import Network
from tests.sim.rot import Rot
from tests.sim.watch import Watch
from tests.sim.workload import Workload
from tests.sim.world import Machine, NotAdmitted, Seen, Time, admit, found

NODES = 15
TICK_MS = 2_000
STEP_EVENTS_MAX = 512  # as in a real node's core
REAL_SUITE_EVERY = 10
ROUND_MS = 60_000
EVENTS_AT_ONCE_MAX = 5_000


@dataclass
class Options:
    """What may be chosen from outside; the rest is the seed's."""

    nodes: int = 0  # 0: the seed decides
    steps: int = 0
    verbose: bool = False


@dataclass
class Report:
    """What a simulation did."""

    seed: int
    nodes: int
    records: int
    simulated_ms: int
    leapt_ms: int  # of these: leapt over
    rounds: int
    trace: str
    counters: Counter[str] = field(default_factory=Counter)


class Simulation:
    """One run."""

    def __init__(self, seed: int, options: Options | None = None) -> None:
        self.seed = seed
        self.options = options or Options()
        self.random = Random(seed)
        self.real = seed % REAL_SUITE_EVERY == 0
        self.time = Time()
        self.counters: Counter[str] = Counter()
        self.machines: dict[str, Machine] = {}
        self.waiting: list[tuple[str, str]] = []  # offices that join later: (parent, code)
        self.faults = True
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0
        self._shift_ms = 0
        self._trace = hashlib.sha256()
        self.network = Network(self)
        self.watch = Watch(self)
        self.workload = Workload(self)
        self.barred: set[str] = set()  # children whose way up stays cut until an episode says otherwise
        self.away: set[str] = set()  # offices that stay off until then
        self.frozen: set[str] = set()  # offices that send nothing new (B8)
        self.nightly = False  # the schedulers run
        self.leapt_ms = 0
        self.liars = Liars(self)
        self.rot = Rot(self)
        self.copies = Copies(self)
        self.episodes = Episodes(self)
        self.nemesis = Nemesis(self)

    @property
    def now_ms(self) -> int:
        """The true time."""
        return self.time.ms

    # -- phases ---------------------------------------------------------------------------------------------------

    def run(self) -> Report:
        """All phases; BrokenPromise where an invariant does not hold."""
        start_ms = self.now_ms
        self.build()
        duration_ms = 40_000 + self.random.randrange(50_000)
        self.workload.plan(duration_ms, self.options.steps or 40 + self.random.randrange(120))
        self.nemesis.plan(duration_ms)
        more_ms = self.episodes.plan(duration_ms)
        for parent, code in self.waiting:
            self.counters["joined_later"] += 1
            self.after(self.random.randrange(duration_ms), partial(self.join, parent, code))
        self.run_for(duration_ms + more_ms)
        rounds = self.heal()
        self.nemesis.scrub()
        self.rot.last_night()
        checkers.check_all(self)
        self.episodes.finish()
        self.settle()
        self.copies.come_back()
        records = sum(len(machine.store.journal) for machine in self.machines.values())
        simulated_ms, trace = self.now_ms - start_ms, self._trace.hexdigest()
        nodes, leapt_ms = len(self.machines), self.leapt_ms
        return Report(self.seed, nodes, records, simulated_ms, leapt_ms, rounds, trace, self.counters)

    def build(self) -> None:
        """A tree of fifteen offices on four levels; some join later."""
        paths = tree(self.random, self.options.nodes or NODES)
        root = found(self.seed, paths[0][-1], real=self.real, time=self.time, mark_interval_ms=10_000)
        self.add(root)
        for path in paths[1:]:
            if path[-2] not in self.machines or self.random.random() < 0.1:
                self.waiting.append((path[-2], path[-1]))
            else:
                self.join(path[-2], path[-1])

    def join(self, parent_code: str, code: str) -> None:
        """An office is admitted by its parent, as soon as that is up."""
        parent = self.machines.get(parent_code)
        author = parent.office.author if parent is not None and parent.on else None
        if parent is None or author is None or author.recovering or author.skew_ms or parent_code in self.copies.clones:
            self.after(1_000, partial(self.join, parent_code, code))
            return
        parent.store.fuse = 0
        try:
            child = admit(
                self.seed, parent, code, real=self.real, step=lambda event: self.drive(parent, [event]),
                mark_interval_ms=10_000,
            )  # fmt: skip
        except NotAdmitted:
            self.after(1_000, partial(self.join, parent_code, code))
        else:
            self.add(child)

    def add(self, machine: Machine) -> None:
        """A node takes part."""
        self.machines[machine.code] = machine
        self.attach(machine)

    def attach(self, machine: Machine) -> None:
        """It runs: it is woken, ticks, and calls its parent."""
        machine.wake = partial(self._wake, machine)
        machine.blobs.post = machine.post
        self.watch.stored(machine)
        self.after(self.random.randrange(TICK_MS), partial(self._tick, machine))
        if machine.parent:
            self.network.dial_later(machine)

    def bar(self, code: str, duration_ms: int) -> None:
        """Cut an office's way up until ``duration_ms`` are over (0: until somebody opens it)."""
        self.barred.add(code)
        stream = self.network.current(self.machines[code])
        if stream is not None:
            self.network.cut(stream)
        if duration_ms:
            self.after(duration_ms, partial(self.barred.discard, code))

    def heal(self) -> int:
        """Faults stop; returns the rounds it took until everything agreed."""
        self.faults = False
        self.nemesis.stop()
        self.liars.stop()
        self.rot.scrub()
        self.run_for(3_000)
        self._leap()
        healed_ms = self.now_ms
        depth = max(len(machine.path) for machine in self.machines.values())
        for number in range(1, depth + 3):
            for connection in list(self.network.connections.values()):
                self.network.cut(connection)
            end_ms = self.now_ms + ROUND_MS
            while self.now_ms < end_ms:
                self.run_for(4_000)
                self.copies.operate()
                difference = checkers.difference(self, healed_ms)
                if not difference:
                    return number
        raise BrokenPromise(f"no agreement after {depth + 2} rounds: {difference}")

    def settle(self) -> None:
        """Operators settle forks: the alarms end everywhere, and everything agrees again."""
        settled = forked.settle_some(self)
        if not settled:
            return
        since_ms, left = self.now_ms, "nobody"
        while left and self.now_ms < since_ms + ROUND_MS:
            self.run_for(4_000)
            left = forked.standing(self, settled) or checkers.difference(self, since_ms)
        if left:
            raise BrokenPromise(f"settled, and no agreement: {left}")
        checkers.check_all(self, settled)

    def _leap(self) -> None:
        """A clock that was ahead left its time in records and in the numbers of marks: let that time come."""
        times = [machine.office.logs.hlc.ms for machine in self.machines.values()]
        times += [row.number for machine in self.machines.values() for row in machine.store.rows(MarkRow)]
        ahead_ms = max(times) - self.now_ms
        if ahead_ms > 0:
            self.time.ms += ahead_ms + 1_000
            self.leapt_ms += ahead_ms + 1_000
            self.counters["leapt"] += 1

    def leap(self, ms: int) -> None:
        """Much time passes in which nothing happens: what is planned, and what is on its way, comes so much later."""
        self.time.ms += ms
        self.leapt_ms += ms
        self._shift_ms += ms
        self._agenda = [(at_ms + ms, order, event) for at_ms, order, event in self._agenda]
        self.network.leap(ms)

    # -- time -----------------------------------------------------------------------------------------------------

    def at(self, at_ms: int, event: Callable[[], None]) -> None:
        """Do something at a time."""
        self._order += 1
        heappush(self._agenda, (at_ms, self._order, event))

    def after(self, delay_ms: int, event: Callable[[], None]) -> None:
        """Do something later."""
        self.at(self.now_ms + delay_ms, event)

    def run_for(self, duration_ms: int) -> None:
        """Let time pass."""
        end_ms = self.now_ms + duration_ms - self._shift_ms
        events = 0
        while self._agenda and self._agenda[0][0] <= end_ms + self._shift_ms:
            at_ms, _, event = heappop(self._agenda)
            events = events + 1 if at_ms <= self.now_ms else 0
            if events > EVENTS_AT_ONCE_MAX:
                raise BrokenPromise("something goes round in circles without time passing")
            self.time.ms = max(self.time.ms, at_ms)
            event()
        self.time.ms = max(self.time.ms, end_ms + self._shift_ms)

    def _tick(self, machine: Machine) -> None:
        self.after(TICK_MS * 3 if machine.slow else TICK_MS, partial(self._tick, machine))
        if not machine.on or machine.ticking:
            return
        machine.ticking = True

        def tick() -> None:
            machine.ticking = False
            machine.office.tick()
            if self.nightly:
                machine.office.reconcile.nightly(NIGHT_HOUR)

        machine.post(tick)

    # -- nodes ----------------------------------------------------------------------------------------------------

    def _wake(self, machine: Machine) -> None:
        if machine.awake:
            return
        machine.awake = True
        self.after(machine.busy_ms, partial(self._work, machine))

    def _work(self, machine: Machine) -> None:
        machine.awake = False
        if not machine.on:
            return
        count = 1 + self.random.randrange(8) if machine.busy_ms < 1_000 else STEP_EVENTS_MAX
        entries = [machine.inbox.popleft() for _ in range(min(count, len(machine.inbox)))]
        again = self.drive(machine, [entry.event for entry in entries], [entry.seen for entry in entries if entry.seen])
        if machine.on and (again or machine.inbox):
            self._wake(machine)

    def drive(self, machine: Machine, events: list[Callable[[], None]], seen: list[Seen] | None = None) -> bool:
        """One step of a node and what follows from it; returns whether there is more to do at once."""
        try:
            try:
                out = machine.office.step(events)
                if self.nemesis.strikes(machine):  # committed, and nothing sent
                    raise Crash
                self._emit(machine, out)
                machine.office.project()
            except StoreError as error:  # what the store says of a lost row; read anew, it is mended
                self.counters[f"store:{error.code}"] += 1
                self._emit(machine, machine.office.take_abandoned())
                machine.office.project(force=True)
                return True
        except Crash:
            self.nemesis.crash(machine)
            return False
        self.watch.stepped(machine, seen or [])
        return out.again or machine.office.has_followups()

    def _emit(self, machine: Machine, out: Outputs) -> None:
        self.watch.sending(machine, out)
        for number, frame in out.frames:
            self._trace.update(f"{self.now_ms} {machine.code} {number} {type(frame).__name__}".encode())
            if self.options.verbose:
                print(f"{self.now_ms % 10**7:>8} {machine.code:>10} #{number} {type(frame).__name__}")
            self.network.send(machine, number, self.liars.touch(machine, frame))
        for number, reason in out.closes:
            self.counters[f"closed:{reason}"] += 1
            self.network.closed_by(machine, number, reason)
        for callback in out.after_commit:
            callback()


def tree(random: Random, count: int) -> list[tuple[str, ...]]:
    """Paths of ``count`` offices, parents first: 省, 市, 县, 乡, and at least one 县 directly under the 省.

    Irregular as in real life: a city with three counties beside one with none, towns under any county.
    """
    root, city, county = "320000", "320100", "320181"
    paths = [(root,), (root, city), (root, "329001"), (root, city, county), (root, city, county, "320181101")][:count]
    while len(paths) < count:
        above = random.choice([path for path in paths if len(path[-1]) < 9])
        level = "省" if above == (root,) else "市" if above[-1].endswith("00") else "县"
        if sum(1 for path in paths if path[:-1] == above) >= {"省": 5, "市": 4, "县": 2}[level]:
            continue
        siblings = sum(1 for path in paths if path[:-1] == above)
        number = {"省": f"32{siblings + 1:02}00", "市": f"{above[-1][:4]}{siblings + 81}"}
        code = number.get(level, f"{above[-1]}{siblings + 101}")
        if level == "省" and random.random() < 0.25:
            code = f"3290{siblings + 1:02}"
        paths.append((*above, code))
    return sorted(paths, key=len)


def simulate(seed: int, options: Options | None = None) -> Report:
    """Run a seed."""
    return Simulation(seed, options).run()
