"""A story: real offices in a tree, linked, with people in their posts, through months of a virtual clock.

Rules of this file:

1. Everything a person does goes through `commands.carry_out` (rights, posts, guards, records) as from the command
   socket; everything shown is asked for through `commands.inquire`. Every verb is followed by `settle`.
2. Between two dates all nodes are switched off and start anew from their stores, so that a story is also a story of
   restarts.
3. A verb that is refused must leave every office with exactly the records it had, and say by which rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from hashlib import sha256
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from node.errors import DulianError, ForbiddenError, InputError
from node.items.lights import day_number, day_of
from node.records.payload import Attachment
from node.rules import explain
from node.services.access.people import caller_of
from node.services.commands import QUESTIONS, carry_out, inquire
from node.services.matters.desk import Caller
from node.services.routine import proposals
from node.storage.port import BoardQuery, Proposal
from tests.sim.test_smoke import Wire
from tests.sim.world import Machine, Time, admit, found

ROUTINE_HOUR = 8
_SHANGHAI = ZoneInfo("Asia/Shanghai")
_EVERY = 2**31 - 1
# What everybody on the line must see alike at one moment; 审签件 and side files are each office's own.
_ALIKE = (
    "number", "title", "state", "light", "due", "percent", "points", "counters", "successor", "issuer", "receiver",
)  # fmt: skip
_NO_EFFECT = frozenset({"invalid", "late", "waiting"})


def moment_ms(day: str, hour: int = 9) -> int:
    """A wall-clock hour of a date in Asia/Shanghai as milliseconds since 1970."""
    at = datetime.combine(date.fromisoformat(day), time(hour), _SHANGHAI)
    return int(at.timestamp()) * 1_000


class Story:
    """A tree of offices from ``{code: code of its parent, or "" for the top}``, parents first."""

    def __init__(self, tree: Mapping[str, str], start: str, *, seed: int = 3, hour: int = 9) -> None:
        """All offices joined and linked, at ``hour`` (Asia/Shanghai) of ``start``; no profile, calendar or people."""
        self.offices: dict[str, Machine] = {}
        for code, parent in tree.items():
            if parent:
                self.offices[code] = admit(seed, self.offices[parent], code, real=False)
            else:
                self.offices[code] = found(seed, code, real=False, time=Time(moment_ms(start, hour)))
        self.top = next(iter(self.offices))
        self.wire = Wire(*self.offices.values())
        self._link()

    # -- time -----------------------------------------------------------------------------------------------------

    @property
    def clock(self) -> Time:
        """The one true time."""
        return self.offices[self.top].clock.time

    @property
    def today(self) -> str:
        """The business date, YYYY-MM-DD."""
        return date.fromordinal(date(1970, 1, 1).toordinal() + day_of(self.clock.ms)).isoformat()

    def at(self, day: str, hour: int = 9) -> None:
        """Go on to a later moment: all nodes off, then started anew and linked again."""
        ms = moment_ms(day, hour)
        assert ms > self.clock.ms, f"{day} is not after {self.today}"
        self.clock.ms = ms
        for machine in self.offices.values():
            machine.start()
        self.wire.ends.clear()
        self._link()

    def settle(self) -> None:
        """Until everybody has everything that is meant for him."""
        self.wire.settle()

    def _link(self) -> None:
        for machine in self.offices.values():
            if machine.parent:
                self.wire.connect(machine)
        self.settle()

    # -- people and rules -----------------------------------------------------------------------------------------

    def hire(self, office: str, name: str, *posts: str, roles: Iterable[str] = (), unit: str = "") -> None:
        """An account with posts (职务, ids of the profile); leaders where they have one, else 督查人员."""
        role = list(roles) or (["leader"] if posts else ["supervisor"])
        self.do(office, "user.add", name=name, role=role, post=list(posts), unit=unit)

    def publish(self, office: str, shipped: str) -> None:
        """The office lays down a shipped profile as its own, for itself and everybody below."""
        self.do(office, "rules.publish", shipped=shipped)

    def publish_calendar(self) -> None:
        """The top office publishes the working-day calendar the program brings along."""
        self.do(self.top, "calendar.import")

    # -- verbs ----------------------------------------------------------------------------------------------------

    def do(self, office: str, verb: str, as_: str | None = None, **args: Any) -> Any:
        """A command that must succeed, as an account (None: the operator), and everybody hears of it; or a question."""
        if verb in QUESTIONS:
            return self.ask(office, verb, as_, **args)
        answer, error = self._carry_out(office, verb, as_, args)
        if error is not None:
            raise error
        self.settle()
        return answer

    def ask(self, office: str, verb: str, as_: str | None = None, **args: Any) -> Any:
        """A question to what is committed at an office."""
        machine = self.offices[office]
        reader = machine.store.reader()
        return inquire(reader, machine.office.view(), verb, args, caller_of(reader, as_, "值班员"))

    def refused(
        self, office: str, verb: str, as_: str | None = None, says: str | Iterable[str] = (), **args: Any
    ) -> str:
        """A verb that must be refused, saying all of ``says``, with nothing written anywhere; returns its line."""
        before = self.records()
        answer, error = self._carry_out(office, verb, as_, args)
        assert error is not None, f"{verb} was not refused: {answer}"
        assert isinstance(error, InputError | ForbiddenError), repr(error)
        line = str(error)
        for part in [says] if isinstance(says, str) else says:
            assert part in line, line
        self.settle()
        assert self.records() == before, f"the refused {verb} wrote records"
        return line

    def _carry_out(
        self, office: str, verb: str, as_: str | None, args: dict[str, Any]
    ) -> tuple[Any, DulianError | None]:
        machine = self.offices[office]
        answers: list[tuple[Any, DulianError | None]] = []

        def run() -> object:
            caller: Caller = caller_of(machine.store, as_, "值班员")
            return carry_out(machine.office, verb, args, caller)

        event = machine.office.command(run, lambda answer, error: answers.append((answer, error)))
        out = machine.office.step([event])
        for callback in out.after_commit:
            callback()
        machine.sent.append(out)
        machine.office.project()
        return answers[0]

    def file(self, office: str, name: str, content: str) -> Attachment:
        """A file as the command line brings it in; to be given as ``attachments=[…]``."""
        salt = sha256(name.encode()).digest()
        added = self.offices[office].blobs.add(BytesIO(content.encode()), salt)
        return Attachment(added.hash, added.salt, added.size_bytes, name)

    # -- the usual courses ----------------------------------------------------------------------------------------

    def approve(self, office: str, item: str, *names: str) -> list[tuple[str, bool]]:
        """Consent of these people one after another: (verb of the step, whether the chain is complete) for each."""
        done = []
        for name in names:
            answer = self.do(office, "item.approve", name, item=item)
            done.append((str(answer["verb"]), bool(answer["complete"])))
        return done

    def case(
        self, office: str, as_: str, subject: str, item: str, *names: str, text: str = "送审稿", **draft: Any
    ) -> str:
        """An approval case opened and taken through its whole chain; its id."""
        made = self.do(office, "case.open", as_, item=item, subject=subject, text=text, **draft)
        done = self.approve(office, made["item"], *names)
        assert done[-1][1], f"the chain is not complete: {done}"
        return str(made["item"])

    def due(self, office: str, rule: str, start: str) -> str:
        """The date a rule of the office's profile in force gives, counted there on the calendar it has."""
        machine = self.offices[office]
        book = machine.office.rulebook
        found = explain.due(book.profile(day_of(self.clock.ms)), rule, day(start), machine.office.calendar)
        return date.fromordinal(date(1970, 1, 1).toordinal() + found.day).isoformat()

    # -- routines -------------------------------------------------------------------------------------------------

    def routine(self, office: str) -> list[Proposal]:
        """Run the daily routine of this office for every business date that is due, as the node does; what is new."""
        machine = self.offices[office]
        days = proposals.due_days(machine.store, self.clock.ms, ROUTINE_HOUR)
        fresh: list[Proposal] = []
        for day in days:
            self.wire.step(machine, lambda day=day: fresh.extend(
                proposals.run_day(machine.office.desk, day, days[-1])))  # fmt: skip
        self.settle()
        return fresh

    def proposed(self, office: str, item: str = "", kind: str = "") -> list[dict[str, Any]]:
        """What `todo` shows here, of one item or kind."""
        rows = self.ask(office, "todo.list", **({"kind": kind} if kind else {}))
        return [row for row in rows if not item or (row["item"] or {}).get("id") == item]

    # -- looking --------------------------------------------------------------------------------------------------

    def show(self, office: str, item: str) -> dict[str, Any]:
        """`item show` at an office."""
        found: dict[str, Any] = self.ask(office, "item.show", item=item)
        return found

    def tracks(self, office: str, item: str) -> dict[str, Any]:
        """Slips, scores, dates, approvals … of an item at an office."""
        tracks: dict[str, Any] = self.show(office, item)["tracks"]
        return tracks

    def state(self, office: str, item: str) -> str:
        """The state of an item at an office."""
        return str(self.show(office, item)["state"])

    def course(self, office: str, item: str) -> list[str]:
        """The names of the records of an item in the order of its timeline."""
        return [str(entry["kind_label"]) for entry in self.show(office, item)["timeline"]]

    def records(self) -> dict[str, int]:
        """How many records each office holds."""
        return {code: machine.store.record_count() for code, machine in self.offices.items()}

    def holders(self, item: str) -> list[str]:
        """The offices that have an item on their board, the top one first."""
        return [code for code, machine in self.offices.items() if item in machine.digests()]

    def same_everywhere(self, item: str, **expected: object) -> dict[str, Any]:
        """Exactly the offices of the item's line have it: same digest, state, light, dates, slips, scores, course.

        ``expected`` are fields of `item show` that must have these values; returns what the first holder shows.
        """
        holders = self.holders(item)
        shown = {code: self.show(code, item) for code in holders}
        first = shown[holders[0]]
        assert holders == [code for code in self.offices if code in first["line"]["path"]], holders
        assert len({self.offices[code].digests()[item] for code in holders}) == 1, f"digests differ at {holders}"
        views = [_view(document) for document in shown.values()]
        for code, view in zip(holders, views, strict=True):
            assert view == views[0], (code, _differences(view, views[0]))
        for name, value in expected.items():
            assert first[name] == value, (name, first[name], value)
        return first

    def agreed(self) -> None:
        """The end of a story: the same on every line, no act without effect, no alarm; a rebuild changes nothing."""
        items = {item for machine in self.offices.values() for item in machine.digests()}
        for item in items:
            shown = self.same_everywhere(item)
            for entry in shown["timeline"]:
                assert entry["effect"] not in _NO_EFFECT, (shown["number"], entry)
        for code, machine in self.offices.items():
            assert not machine.office.alarms.standing(), (code, machine.office.alarms.standing())
            assert machine.audit()["ok"], code
        self.rebuilt()

    def rebuilt(self) -> None:
        """Every board is dropped and folded from the records alone: not a row and not a digest differs (I7)."""
        for code, machine in self.offices.items():
            before = _board(machine)
            machine.store.begin(durable=False)
            machine.office.projector.rebuild()
            machine.store.commit(durable=False)
            machine.office.projector.changed.clear()
            machine.office.projector.new_blobs.clear()
            assert _board(machine) == before, code


def day(text: str) -> int:
    """A date as days since 1970-01-01."""
    return day_number(date.fromisoformat(text))


def _board(machine: Machine) -> dict[bytes, object]:
    rows = machine.store.board_query(BoardQuery(limit=_EVERY))
    return {row.item_id: row._replace(item_no=0) for row in rows}


def _view(document: dict[str, Any]) -> dict[str, Any]:
    tracks = {name: value for name, value in document["tracks"].items() if name != "cases"}
    course = sorted((entry["record"], entry["effect"]) for entry in document["timeline"])
    return {name: document[name] for name in _ALIKE} | tracks | {"timeline": course}


def _differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, object]:
    return {name: (value, other[name]) for name, value in one.items() if value != other[name]}
