"""What takes days: a county cut off for a month, a city away for weeks, a superior fed old news, nights (faults.md N5,
N9, N11, B8, C8, K6, X4). Time leaps between short stretches of work; what was under way waits as it is.

One of these at most in a seed. A script yields how long (ms) it waits; it ends where faults end.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from node.errors import DulianError
from node.items.lights import day_of
from node.services.commands import carry_out
from node.services.matters.desk import Caller
from node.services.mending.reconcile import jitter_ms
from node.services.mending.statements import load_state
from node.storage.port import JobRun
from tests.sim.journal import BrokenPromise

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation
    from tests.sim.world import Machine

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NIGHT_HOUR = 2
NIGHTS_MS = 40_000
ME = Caller("值班员")
Script = Generator[int, None, None]


class Episodes:
    """Chooses one, and plays it."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.random = sim.random
        self._sent_down: list[tuple[bytes, str]] = []  # items issued past an office that was away, and for whom

    def plan(self, duration_ms: int) -> int:
        """About two seeds of five; returns the time (ms) that is needed besides."""
        if self.random.random() >= 0.4:
            return 0
        script = self.random.choice([self._cut_off, self._away, self._frozen, self._nights])
        self.sim.after(duration_ms // 4 + self.random.randrange(duration_ms // 4), partial(self._go, script()))
        return NIGHTS_MS if script == self._nights else 0

    def _go(self, script: Script) -> None:
        wait_ms = next(script, None) if self.sim.faults else None
        if wait_ms is None:
            script.close()
        else:
            self.sim.after(wait_ms, partial(self._go, script))

    def _pick(self, good: Callable[[Machine], bool]) -> Machine | None:
        machines = [machine for machine in self.sim.machines.values() if machine.on and good(machine)]
        return self.random.choice(machines) if machines else None

    def _below(self, machine: Machine) -> list[Machine]:
        return [other for other in self.sim.machines.values() if machine.code in other.path[:-1]]

    def _command(self, machine: Machine, verb: str, args: dict[str, Any], done: Callable[[Any], None]) -> None:
        office = machine.office

        def answered(answer: object, error: DulianError | None) -> None:
            if error is None:
                done(answer)

        machine.post(office.command(lambda: carry_out(office, verb, args, ME), answered))

    # -- away for long --------------------------------------------------------------------------------------------

    def _cut_off(self) -> Script:
        """N5: a county works on alone for thirty days."""
        county = self._pick(lambda machine: len(machine.path) in (2, 3) and len(machine.code) == 6)
        if county is None:
            return
        sim = self.sim
        sim.bar(county.code, 0)
        for _ in range(3):
            yield 2_000
            if county.on:
                args = {"title": "断网期间自办", "requirement": "照常办理"}
                self._command(county, "item.register", args, lambda _: sim.counters.update(["cut_off:worked"]))
            yield 1_000
            sim.leap(10 * DAY_MS)
        sim.counters["cut_off"] += 1
        yield 1_000
        sim.barred.discard(county.code)

    def _away(self) -> Script:
        """N9: an office is away for weeks; who is above gives a task to one below it: it waits, and so it is said."""
        sim = self.sim
        middle = self._pick(lambda machine: bool(machine.parent) and bool(self._below(machine)))
        if middle is None or middle.code == sim.copies.code or not sim.machines[middle.parent].on:
            return
        top = sim.machines[middle.parent]
        target = self.random.choice(self._below(middle))
        sim.away.add(middle.code)
        sim.nemesis.crash(middle, comes_back=False)
        yield 1_000
        issued: list[bytes] = []
        if top.on:
            args = {"title": "跨级交办", "requirement": "逐项落实", "to": [target.code]}
            self._command(
                top, "item.issue", args,
                lambda answer: issued.extend(bytes.fromhex(one["item"]) for one in answer["assignments"]),
            )  # fmt: skip
        for _ in range(2):
            yield 3_000
            self._waits(top, issued)
            sim.leap(10 * DAY_MS)
        self._sent_down += [(item, target.code) for item in issued]
        sim.away.discard(middle.code)
        if not middle.on and sim.machines.get(middle.code) is middle:
            sim.nemesis.restart(middle)
        sim.counters["away"] += 1

    def _waits(self, top: Machine, issued: list[bytes]) -> None:
        rows = {row["id"]: row for row in top.items()} if top.on else {}
        for item in issued:
            row = rows.get(item.hex(), {})
            if row.get("delivery") == "sent":
                raise BrokenPromise("a task counts as passed on though the next office is away (N9)")
            if row.get("delivery") == "queued":
                self.sim.counters["away:waiting"] += 1

    def finish(self) -> None:
        """What waited has come, unchanged (that it is unchanged is checked for every record)."""
        for item, code in self._sent_down:
            if item in {row.item_id for row in self.sim.machines[code].store.board([item])}:
                self.sim.counters["away:delivered"] += 1

    # -- old news -------------------------------------------------------------------------------------------------

    def _frozen(self) -> Script:
        """B8: an office keeps its link and says nothing new any more: after a day and a half that shows."""
        sim = self.sim
        office = self._pick(lambda machine: bool(machine.parent) and not machine.clock.off_ms)
        if office is None or office.code == sim.copies.code:
            return
        yield 2_000
        sim.frozen.add(office.code)
        frozen_ms = sim.now_ms
        sim.counters["frozen"] += 1
        yield 3_000
        upper = sim.machines[office.parent]
        shown_ms = upper.office.marks.as_of_ms(office.code)  # by a clock that may have been ahead
        sim.leap(37 * HOUR_MS)
        yield 8_000
        upper = sim.machines[office.parent]
        if office.code in sim.frozen and upper.on and not upper.clock.off_ms:
            if upper.office.marks.as_of_ms(office.code) > max(shown_ms, frozen_ms + 20_000):
                raise BrokenPromise(f"{upper.code} shows old news of {office.code} as new (B8)")
            stale = [alarm.subject for alarm in upper.office.alarms.standing() if alarm.code == "stale"]
            sim.counters["frozen:said"] += office.code in stale
        sim.frozen.discard(office.code)

    # -- nights ---------------------------------------------------------------------------------------------------

    def _nights(self) -> Script:
        """X4, K6, N11, C8: the scheduler runs; a missed night is caught up, the next one comes to each in its time."""
        sim = self.sim
        sim.nightly = True
        yield 4_000
        hour_ms = NIGHT_HOUR * HOUR_MS
        began_ms = (day_of(sim.now_ms - hour_ms) + 1) * DAY_MS - 8 * HOUR_MS + hour_ms  # 02:00 of the next day, Beijing
        day = day_of(began_ms - hour_ms + 1_000)
        offices = sorted(sim.machines.values(), key=lambda machine: jitter_ms(machine.code))
        alone = self._pick(lambda machine: bool(machine.parent))
        for start in range(0, len(offices), 4):
            due_ms = began_ms + jitter_ms(offices[min(start + 3, len(offices) - 1)].code) + 1_000
            if start == 4 and alone is not None:
                sim.bar(alone.code, 0)
            if due_ms > sim.now_ms:
                sim.leap(due_ms - sim.now_ms)
                sim.counters["stampede"] += 1
            yield 9_000
        if alone is not None:
            missed = alone.on and load_state(alone.store, alone.parent).reason == "上级未联通"
            sim.counters["night_missed"] += missed
            sim.barred.discard(alone.code)
            sim.network.dial(alone)
            yield 8_000
            sim.counters["night_caught_up"] += missed and alone.on and self._ran(alone, day)
        stepped = self._pick(lambda machine: bool(machine.parent) and self._ran(machine, day))
        if stepped is not None:  # K6: the hour comes again for this clock; that it runs no second time, the store says
            stepped.clock.off_ms = -3 * HOUR_MS
            yield 4_000
            stepped.clock.off_ms = 0
            sim.counters["night_again"] += 1
            yield 4_000
        sim.counters["night_ran"] += sum(self._ran(machine, day) for machine in offices)

    def _ran(self, machine: Machine, day: int) -> bool:
        return any(row.day == day for row in machine.store.rows(JobRun) if row.job.startswith("reconcile:"))
