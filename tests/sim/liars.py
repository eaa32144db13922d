"""Liars: nodes with a valid key that send what no honest node would (faults.md B).

A liar's own engine goes on working; lies are put on its streams beside it, or written by its author past the guards.
None may be stored as somebody's record, change another's matter, stop another log, or take a node down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sim.lies_meaning import FrameLies, MeaningLies
from tests.sim.lies_records import RecordLies

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation

LIARS = 2


class Liars(RecordLies, MeaningLies, FrameLies):
    """Chooses liars and lets them lie."""

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self.corrupt = set()
        self.lied = False
        self._names: list[str] = []
        self._two_faced = ""
        self._lies = self.record_lies() + self.meaning_lies() + self.frame_lies()

    def act(self) -> None:
        """A few lies by this seed's liars."""
        for _ in range(3):
            self._lie()

    def _lie(self) -> None:
        machines = list(self.sim.machines.values())
        while len(self._names) < LIARS:
            machine = self.random.choice(machines)
            self._names.append(machine.code)
        liar = self.sim.machines[self.random.choice(self._names)]
        stream = self._stream(liar)
        if stream is not None:
            self.lied = True
            self.random.choice(self._lies)(liar, stream.other(liar.code))

    def equivocate(self) -> None:
        """An office tells two neighbours different things under one number (B7), always the same one of a seed."""
        if not self._two_faced:
            self._two_faced = self.random.choice(list(self.sim.machines))
        liar = self.sim.machines[self._two_faced]
        stream = self._stream(liar)
        if stream is not None:
            self._fork(liar, stream.other(liar.code))

    def stop(self) -> None:
        """Liars turn honest."""
        self.corrupt.clear()
