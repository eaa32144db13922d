"""Offices in memory, connected without delay, with profiles of their own: for tests of what people do at them."""

from __future__ import annotations

from typing import Any

import pytest

from node.documents.profiles import load_shipped, read_profile
from node.errors import DulianError
from node.records.kinds import Kind
from node.records.payload import Profile as ProfilePayload
from node.rules.profile import Profile
from node.services.views.browse import show_item
from tests.sim.test_smoke import Wire, run
from tests.sim.world import Machine, admit, found

PROVINCE, CITY, COUNTY, TOWN = "320000", "320500", "320583", "320582"
DAY_MS = 86_400_000
TODAY, DUE, EARLIER, LATER = "2026-09-21", "2026-12-31", "2026-11-30", "2027-03-31"


class Offices:
    """省 → 市 → two counties."""

    def __init__(self) -> None:
        self.province = found(7, PROVINCE, real=False)
        self.city = admit(7, self.province, CITY, real=False)
        self.county = admit(7, self.city, COUNTY, real=False)
        self.town = admit(7, self.city, TOWN, real=False)
        self.wire = Wire(self.province, self.city, self.county, self.town)
        for child in (self.city, self.county, self.town):
            self.wire.connect(child)

    def settle(self) -> None:
        self.wire.settle()

    def later(self, days: int) -> None:
        """So many days pass with all nodes switched off."""
        self.province.clock.time.ms += days * DAY_MS
        for machine in self.wire.machines.values():
            machine.start()
        self.wire.ends.clear()
        for child in (self.city, self.county, self.town):
            self.wire.connect(child)

    def do(self, machine: Machine, verb: str, item: str = "", **args: object) -> dict[str, Any]:
        """A verb that must succeed, and everybody hears of it."""
        answer: dict[str, Any] = run(machine, f"item.{verb}", **({"item": item} if item else {}), **args)
        self.settle()
        return answer

    def refused(self, machine: Machine, verb: str, item: str, **args: object) -> str:
        """A verb that must be refused, and nothing is written; returns its one line."""
        before = machine.store.record_count()
        with pytest.raises(DulianError) as caught:
            run(machine, f"item.{verb}", item=item, **args)
        machine.office.project()
        assert machine.store.record_count() == before
        return str(caught.value)

    def show(self, machine: Machine, item: str) -> dict[str, Any]:
        return show_item(machine.store.reader(), machine.office.view(), {"item": item})

    def tracks(self, machine: Machine, item: str) -> dict[str, Any]:
        found: dict[str, Any] = self.show(machine, item)["tracks"]
        return found

    def issue(self, issuer: Machine, to: list[str], **args: object) -> tuple[str, list[str]]:
        """Issue and sign everywhere: (own item, tasks)."""
        made = self.do(issuer, "issue", "", title="推进简政放权", to=to, **({"due": DUE} | args))
        tasks = [one["item"] for one in made["assignments"]]
        for one in made["assignments"]:
            self.do(self.wire.machines[one["to"]], "sign", one["item"])
        return made["item"], tasks

    def finish(self, task: str, receiver: Machine, issuer: Machine, **args: object) -> None:
        """Report and accept."""
        self.do(receiver, "submit", task, text="已办结", **args)
        self.do(issuer, "accept", task)

    def publish(self, machine: Machine, profile: str | Profile) -> None:
        """A profile of this office's own, in force at once."""
        own = load_shipped(profile) if isinstance(profile, str) else profile

        def write() -> None:
            author = machine.office.author
            payload = ProfilePayload(own.id, own.version, own.valid_from_day, own.encode().decode())
            author.write(Kind.PROFILE, author.office_line, payload)

        self.wire.step(machine, write)
        self.settle()

    def agreed(self) -> None:
        """Who holds an item has the same digest of it, and no record is without the effect its author meant."""
        seen: dict[str, str] = {}
        for machine in self.wire.machines.values():
            for item, digest in machine.digests().items():
                assert seen.setdefault(item, digest) == digest, (machine.code, item)
                for entry in self.show(machine, item)["timeline"]:
                    assert entry["effect"] in ("applied", "superseded"), entry
            assert not machine.office.alarms.standing()


def profile(text: str) -> Profile:
    """A profile over base-004 with these parts."""
    head = 'id = "local-test"\nversion = 1\ntitle = "试行办法"\nvalid_from = 2020-01-01\nparent = "base-004"\n'
    return read_profile((head + text).encode())
