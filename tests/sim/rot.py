"""Rotting disks, and nights of reconciliation (faults.md D1, D2, D7, D8, N11, C8, K6): injected, mended, checked.

Rules: what was committed is spoiled below the services, as a disk does it: nobody is told. Only what a neighbour on the
line also holds is spoiled, for only that can come back; a node of which an old copy was put in place is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node.services.mending.statements import statements
from node.storage.port import BlobRow
from tests.sim.journal import BrokenPromise

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation
    from tests.sim.world import Machine

_FIELDS = ("header", "payload", "signature", "salt", "record_id")
_NIGHT_HOUR = 2


class Rot:
    """What happens to stored bytes, and the nights that put it right."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.random = sim.random
        self.spoilt: set[str] = set()  # one disk of each pair at most: a neighbour must have what was lost

    # -- faults ---------------------------------------------------------------------------------------------------

    def act(self) -> None:
        """One disk loses something, in one place or two."""
        self._spoil()
        self._spoil()

    def _spoil(self) -> None:
        machine = self._machine()
        if machine is None or self.sim.copies.code:
            return
        kind = self.random.choice([self._flip, self._flip, self._lose, self._chunk, self._board, self._file, self._row])
        kind(machine)

    def night(self) -> None:
        """A node begins its night now; the power may fail in it, or the link break (C8, N11)."""
        machines = [machine for machine in self.sim.machines.values() if machine.on and machine.parent]
        if machines:
            machine = self.random.choice(machines)
            self.sim.counters["night_begun"] += 1
            night = self.sim.counters["night_begun"]  # stands for a business date

            def begin() -> None:
                machine.office.reconcile.request(machine.parent, day=night)

            machine.post(begin)

    def _machine(self) -> Machine | None:
        """A node whose neighbours' disks are whole."""
        near = {
            other for code in self.spoilt for other in (code, self.sim.machines[code].parent, *self._below(code))
        }
        free = [m for m in self.sim.machines.values() if m.on and (m.code not in near or m.code in self.spoilt)]
        return self.random.choice(free) if free else None

    def _below(self, code: str) -> list[str]:
        return [machine.code for machine in self.sim.machines.values() if machine.parent == code]

    def _shared(self, machine: Machine) -> list[tuple[int, int]]:
        """Places of records that a neighbour holds as well, of logs that have not forked."""
        forked, found = self.sim.watch.forked_logs(), []
        peers = [self.sim.machines[code] for code in (machine.parent, *self._below(machine.code)) if code]
        for log in machine.office.logs.index:
            if log.log_id in forked or log.frozen:
                continue
            held = [other.office.logs.index.get(log.log_id) for other in peers if other.on]
            most = max((other.seq for other in held if other is not None), default=0)
            found += [(log.log_no, seq) for seq in range(1, min(most, log.seq) + 1)]
        return [place for place in found if place in machine.store.journal]

    def _flip(self, machine: Machine) -> None:
        """D1: one bit."""
        places = self._shared(machine)
        if not places:
            return
        place, field = self.random.choice(places), self.random.choice(_FIELDS)
        held = machine.store._tables.record.held
        row = held.get(place)
        raw = getattr(row, field, None)
        if raw:
            at = self.random.randrange(len(raw))
            bad = raw[:at] + bytes((raw[at] ^ (1 << self.random.randrange(8)),)) + raw[at + 1 :]
            held[place] = row._replace(**{field: bad})
            machine.store.rotten.add(place)
            self._note(machine, f"rot:{field}")

    def _lose(self, machine: Machine) -> None:
        """D1, D8: rows that are not there any more."""
        places = self._shared(machine)
        if places:
            first = self.random.randrange(len(places))
            for place in places[first : first + 1 + self.random.randrange(6)]:
                machine.store._tables.record.held.pop(place, None)
                machine.store.rotten.add(place)
            self._note(machine, "rot:lost rows")

    def _chunk(self, machine: Machine) -> None:
        """D8: a piece of the file as it was before: rows of one place under the number of another."""
        places, held = self._shared(machine), machine.store._tables.record.held
        if len(places) > 1:
            place, other = self.random.sample(places, 2)
            if place in held and other in held:
                held[place] = held[other]._replace(log_no=place[0], seq=place[1])
                machine.store.rotten.add(place)
                self._note(machine, "rot:old chunk")

    def _board(self, machine: Machine) -> None:
        """D2: a row of the board, or where a record of an item stands."""
        table = machine.store._tables.board if self.random.random() < 0.5 else machine.store._tables.place
        if not table.held:
            return
        key = self.random.choice(sorted(table.held))
        if table is machine.store._tables.board:
            table.held[key] = table.held[key]._replace(title="坏", state="closed", due_day=1)
            self._note(machine, "rot:board")
        else:
            table.held[key] = frozenset(sorted(table.held[key])[1:])
            self._note(machine, "rot:place")

    def _row(self, machine: Machine) -> None:
        """D1, D8: a row of the log table; the node comes to see it when it starts, scrubs, or writes on."""
        held = machine.store._tables.log.held
        del held[self.random.choice(sorted(held))]
        self._note(machine, "rot:log row")
        if self.random.random() < 0.5:
            self.sim.nemesis.crash(machine)

    def _file(self, machine: Machine) -> None:
        """D7: an attachment that others have too."""
        others = [other for other in self.sim.machines.values() if other.code == machine.parent]
        others += [self.sim.machines[code] for code in self._below(machine.code)]
        whole = sorted(machine.blobs.whole)
        shared = [hash_ for hash_ in whole if others and all(other.blobs.present(hash_) for other in others)]
        if shared and machine.store.get(BlobRow, shared[0]) is not None:
            machine.blobs.whole[shared[0]] = b"rotten"
            self._note(machine, "rot:attachment")

    def _note(self, machine: Machine, name: str) -> None:
        self.spoilt.add(machine.code)
        self.sim.counters[name] += 1

    def scrub(self) -> None:
        """The disks are looked at: what a neighbour holds comes back as soon as it is connected."""
        for code in sorted(self.spoilt):
            machine = self.sim.machines[code]
            machine.post(machine.office.reconcile.scrub)

    # -- at the end -----------------------------------------------------------------------------------------------

    def last_night(self) -> None:
        """Once all agree, every link is reconciled; afterwards a scrub finds nothing and both sides have signed."""
        if not self.spoilt and self.sim.seed % 6:
            return  # it takes as long as all the rest
        forked = self.sim.watch.forked_logs()
        asked: dict[str, int] = {}
        for _ in range(1 + bool(self.spoilt)):  # what was put right at one end only now is compared by the other
            for machine in self.sim.machines.values():
                if machine.parent:
                    asked[machine.code] = self._ask(machine)
            for _ in range(150):
                self.sim.run_for(2_000)
                if not any(machine.office.reconcile.busy() for machine in self.sim.machines.values()):
                    break
        for machine in self.sim.machines.values():
            index = machine.office.logs.index
            if machine.parent and not any(log.log_id in forked for log in index.link(machine.parent)):
                self._check_link(machine, asked[machine.code])
        for machine in self.sim.machines.values():
            self.sim.counters["repaired"] += machine.store.replaced

    def _ask(self, machine: Machine) -> int:
        numbers: list[int] = []
        machine.post(lambda: numbers.append(machine.office.reconcile.request(machine.parent)))
        self.sim.run_for(machine.busy_ms + 50)
        return numbers[0] if numbers else 0

    def _check_link(self, machine: Machine, number: int) -> None:
        code, parent = machine.code, machine.parent
        found: Any = machine.office.reconcile.document(parent, number) if number else None
        if found is None or not found["ok"]:
            raise BrokenPromise(f"{code} and {parent} do not balance: {found}")
        for side in (machine, self.sim.machines[parent]):
            signed = {one.author: one for one in statements(side.store, parent, code, 1)}
            if set(signed) != {parent, code} or signed[parent].raw != signed[code].raw:
                raise BrokenPromise(f"{side.code}: the statements of {code} and {parent} are not equal")
        self.sim.counters["balanced"] += 1
