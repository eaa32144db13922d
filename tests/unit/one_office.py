"""One office in memory that goes by a shipped profile, with accounts; commands run as the command socket runs them."""

from __future__ import annotations

from typing import Any

from node.documents.profiles import load_shipped
from node.errors import DulianError
from node.services.access.people import caller_of
from node.services.commands import QUESTIONS, carry_out, inquire
from node.services.matters.desk import Caller, state_of
from node.storage.port import RulesRow
from tests.sim.world import Machine, admit, found

COUNTY, TOWN = "320583", "320583101"
# The people of the county of seed 003, by their posts there.
PEOPLE = {
    "主任": ("supervisor", "organ.head"), "办主任": ("leader", "office.head"), "分管": ("leader", "leader.supervision"),
    "常务": ("leader", "leader.executive"), "县长": ("leader", "leader.head"), "批示": ("leader", "leader.instructing"),
}  # fmt: skip


class Office:
    """A node and what people do at it."""

    def __init__(self, machine: Machine, profile: str = "") -> None:
        self.machine = machine
        if profile:
            text = load_shipped(profile).encode().decode()
            machine.store.begin()
            order = len(machine.store.rows(RulesRow, office=machine.code)) + 1
            machine.store.put([RulesRow(machine.code, 1, profile, 0, b"\x01" * 32, text, order)])
            machine.store.commit(durable=True)

    def do(self, verb: str, as_: str | None = None, os_user: str = "root", **args: Any) -> Any:
        """A command or question; DulianError where it is refused, and then nothing was written."""
        office, store = self.machine.office, self.machine.store
        if verb in QUESTIONS:
            reader = store.reader()
            return inquire(reader, office.view(), verb, args, caller_of(reader, as_, os_user))
        before = store.reader().record_count()
        answers: list[tuple[Any, DulianError | None]] = []
        event = office.command(
            lambda: carry_out(office, verb, args, self.caller(as_, os_user)),
            lambda answer, error: answers.append((answer, error)),
        )
        out = office.step([event])
        for callback in out.after_commit:
            callback()
        self.machine.sent.append(out)
        office.project()
        ((answer, error),) = answers
        if error is not None:
            assert store.reader().record_count() == before, "a refused command wrote a record"
            raise error
        return answer

    def refused(self, verb: str, as_: str | None = None, **args: Any) -> DulianError:
        """What a command that must be refused says."""
        try:
            answer = self.do(verb, as_, **args)
        except DulianError as error:
            return error
        raise AssertionError(f"{verb} was not refused: {answer}")

    def caller(self, as_: str | None, os_user: str) -> Caller:
        return caller_of(self.machine.store, as_, os_user)

    def state(self, item: str) -> Any:
        """The item folded from its records."""
        return state_of(self.machine.store.reader(), bytes.fromhex(item))

    def hire(self) -> None:
        """All the people of `PEOPLE`, and a drafter."""
        for name, (role, post) in PEOPLE.items():
            self.do("user.add", name=name, role=[role], post=[post])
        self.do("user.add", name="承办", role=["supervisor"])


def county(profile: str = "county-003") -> Office:
    """A county that is a federation of its own, with its people."""
    office = Office(found(1, COUNTY, real=True), profile)
    office.hire()
    return office


def county_with_town() -> tuple[Office, Office]:
    """The county and a town below it, which goes by the default profile."""
    office = county()
    return office, Office(admit(1, office.machine, TOWN, real=True))
