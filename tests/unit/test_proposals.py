"""The run of a business date: exactly once, whatever happens to the power and the clock; and what people do with it.

R52, R105; faults C8, K3, K6.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.clock import SHANGHAI
from node.errors import InputError, NotFoundError
from node.rules.calendar import date_of, day_number
from node.services.care.status import status_document
from node.services.commands import COMMANDS
from node.services.routine import proposals
from node.services.routine.routines import OVER
from node.services.views.browse import show_item
from node.storage.port import JobRun, Proposal
from tests.sim.journal import Crash
from tests.sim.test_smoke import CITY, COUNTY, ME, Wire, run
from tests.sim.world import Machine, admit, found

HOUR = 7
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def at_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


def day(text: str) -> int:
    return day_number(date.fromisoformat(text))


def node(when: str) -> Machine:
    machine = found(1, "320500", real=False)
    machine.clock.time.ms = at_ms(when)
    return machine


def step(machine: Machine, run_it: Callable[[], object]) -> None:
    """One transaction of the core."""

    def event() -> None:
        run_it()

    machine.office.step([event])


def tick(machine: Machine) -> list[int]:
    """What the job does: every date that is due, each in a step of its own; the dates that were run."""
    office = machine.office
    days = proposals.due_days(machine.store, machine.clock.now_ms(), HOUR)
    for number in days:
        office.project(force=True)
        step(machine, partial(proposals.run_day, office.desk, number, days[-1]))
    return days


def runs(machine: Machine) -> dict[int, int]:
    """When each date was run."""
    return {row.day: row.at_ms for row in machine.store.rows(JobRun)}


def restart(machine: Machine) -> None:
    machine.crash()
    machine.start()
    machine.office.project(force=True)


def test_a_date_is_due_from_its_hour_on_in_beijing_whatever_the_zone_of_the_machine():
    machine = node("2026-11-22T06:59:59")
    assert proposals.due_days(machine.store, machine.clock.now_ms(), HOUR) == [day("2026-11-21")]
    machine.clock.time.ms += 1_000
    assert proposals.due_days(machine.store, machine.clock.now_ms(), HOUR) == [day("2026-11-22")]
    for text, hour, due in (("2026-11-21T23:59:59", 0, "2026-11-21"), ("2026-11-22T00:00:00", 0, "2026-11-22"),
                            ("2026-11-22T22:59:59", 23, "2026-11-21"), ("2026-11-22T23:00:00", 23, "2026-11-22"),
                            ("1990-04-15T00:00:00", 0, "1990-04-15")):  # fmt: skip
        assert proposals.due_days(machine.store, at_ms(text), hour) == [day(due)], text


def test_a_new_node_begins_with_today_and_then_runs_once_a_day():
    machine = node("2026-11-22T08:00:00")
    assert tick(machine) == [day("2026-11-22")]
    assert tick(machine) == []
    restart(machine)
    assert tick(machine) == []
    machine.clock.time.ms += DAY_MS
    assert tick(machine) == [day("2026-11-23")]


def test_forty_days_down_are_caught_up_date_by_date():
    machine = node("2026-11-22T08:00:00")
    tick(machine)
    machine.clock.time.ms += 40 * DAY_MS
    restart(machine)
    assert tick(machine) == [day("2026-11-22") + number for number in range(1, 41)]
    machine.clock.time.ms += 1_000 * DAY_MS
    assert len(tick(machine)) == proposals.CATCH_UP_DAYS
    assert tick(machine) == []


def test_a_clock_set_back_runs_nothing_again():
    machine = node("2026-11-22T08:00:00")
    tick(machine)
    machine.clock.time.ms += 30 * DAY_MS
    tick(machine)
    before = runs(machine)
    machine.clock.time.ms -= 20 * DAY_MS
    assert tick(machine) == []
    machine.clock.time.ms += 21 * DAY_MS
    assert tick(machine) == [day("2026-11-22") + 31]
    assert {number: runs(machine)[number] for number in before} == before


def test_two_at_once_write_once():
    """Two processes of one office looked at the same date: the second finds it done."""
    machine = node("2026-11-22T08:00:00")
    office, number = machine.office, day("2026-11-22")
    step(machine, partial(publish, machine, "liupanshui-002"))
    office.project(force=True)
    both = [proposals.collect(machine.store.reader(), "320500", number, 0) for _ in range(2)]
    wrote: list[bool] = []
    for one in both:
        step(machine, lambda: wrote.append(proposals.write(office.desk, one)))  # noqa: B023 - run at once
    assert wrote == [True, False]
    held = machine.store.rows(Proposal)
    assert held == sorted(both[0].fresh, key=lambda one: (one.kind, one.item_id, one.day, one.key))
    assert held


def publish(machine: Machine, name: str) -> object:
    return COMMANDS["rules.publish"](machine.office, {"shipped": name}, ME)


def test_a_power_cut_at_any_write_leaves_the_whole_date_or_nothing():
    """C8: killed at the n-th write, for every n; the next start completes the same date and finds the same."""

    def ready() -> Machine:
        machine = node("2026-12-31T08:00:00")
        step(machine, partial(publish, machine, "liupanshui-002"))
        machine.office.project(force=True)
        return machine

    whole = ready()
    tick(whole)
    expected = whole.store.rows(Proposal)
    assert expected
    cuts = 0
    for fuse in range(1, 100):
        machine = ready()
        machine.store.fuse = fuse
        try:
            tick(machine)
        except Crash:
            cuts += 1
        else:
            break
        restart(machine)
        assert bool(runs(machine)) == bool(machine.store.rows(Proposal))
        tick(machine)
        assert machine.store.rows(Proposal) == expected
        assert list(runs(machine)) == [day("2026-12-31")]
    assert cuts >= 4


Action = tuple[str, int]
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(1, 72)), st.tuples(st.just("pass"), st.integers(500, 2_000)),
        st.tuples(st.just("back"), st.integers(1, 200)), st.tuples(st.just("start"), st.just(0)),
        st.tuples(st.just("tick"), st.just(0)), st.tuples(st.just("cut"), st.integers(1, 9)),
    ), max_size=14,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(ACTIONS)
def test_any_sequence_of_starts_and_ticks_runs_every_date_exactly_once(actions: list[Action]):
    machine, first = node("2026-11-22T05:00:00"), 0
    for action, amount in [*actions, ("tick", 0)]:
        before = runs(machine)
        if action in ("pass", "back"):
            machine.clock.time.ms += (amount if action == "pass" else -amount) * HOUR_MS
        elif action == "start":
            restart(machine)
        elif action == "cut":
            machine.store.fuse = amount
            try:
                tick(machine)
            except Crash:
                restart(machine)
            machine.store.fuse = 0
        else:
            tick(machine)
            newest = (machine.clock.now_ms() + (8 - HOUR) * HOUR_MS) // DAY_MS
            first = min(runs(machine))
            assert set(range(max(first, newest - proposals.CATCH_UP_DAYS + 1), newest + 1)) <= set(runs(machine))
        after = runs(machine)
        assert {number: after[number] for number in before} == before


# -- with items -------------------------------------------------------------------------------------------------------


class Desk:
    """A city with a task at its county, and the city's list."""

    def __init__(self) -> None:
        self.city = node("2026-11-22T09:00:00")
        self.county = admit(1, self.city, COUNTY, real=False)
        self.wire = Wire(self.city, self.county)
        self.wire.connect(self.county)

    def issue(self, due: str = "") -> str:
        made = run(self.city, "item.issue", title="推进政务公开", to=[COUNTY], due=due)
        self.wire.settle()
        return str(made["assignments"][0]["item"])

    def go(self, when: str) -> list[dict[str, Any]]:
        """Go on to a moment, run what is due, and give the city's list."""
        self.wire.settle()
        for machine, peer in ((self.city, COUNTY), (self.county, CITY)):
            links = machine.office.links
            machine.office.step([partial(links.lost, links.session_of(peer).number)])
        self.city.clock.time.ms = at_ms(when)
        tick(self.city)
        self.wire.connect(self.county)
        return self.listed()

    def listed(self, **args: object) -> list[dict[str, Any]]:
        rows = proposals.QUESTIONS["todo.list"](self.city.store.reader(), self.city.office.view(), args)
        assert isinstance(rows, list)
        return rows

    def kinds(self, item: str) -> list[str]:
        return [row["kind"] for row in self.listed() if row["item"] and row["item"]["id"] == item]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_software_proposes_a_person_urges(desk: Desk):
    """R52: nothing is written by the run; the urge is the person's, and the proposal names its record."""
    item = desk.issue(due="2026-12-04")
    run(desk.county, "item.sign", item=item)
    rows = desk.go("2026-12-05T08:00:00")
    assert set(desk.kinds(item)) == {"overdue", "urge"}
    records = desk.city.office.logs.record_count
    desk.go("2026-12-06T08:00:00")
    assert desk.city.office.logs.record_count == records
    [urge] = [row for row in rows if row["kind"] == "urge"]
    assert "办结时限2026-12-04已过1日" in urge["grounds"]
    assert urge["carried_by"] == "item.urge"
    answer = run(desk.city, "todo.carry", n=urge["id"][:6])
    desk.wire.settle()
    shown: Any = show_item(desk.county.store.reader(), desk.county.office.view(), {"item": item})
    assert shown["counters"]["urges"] == 1
    last = shown["timeline"][-1]
    assert last["record"] == answer["record"]
    assert last["actor"] == "张三"
    assert "已过1日" in last["text"]
    [row] = [one for one in desk.city.store.rows(Proposal) if one.kind == "urge"]
    assert row.done == answer["record"]
    with pytest.raises(NotFoundError):
        run(desk.city, "todo.carry", n=urge["id"])


def test_an_act_closes_what_it_fulfils_on_the_next_run(desk: Desk):
    item = desk.issue(due="2026-12-04")
    desk.go("2026-11-25T08:00:00")
    assert desk.kinds(item) == ["unsigned"]
    run(desk.county, "item.sign", item=item)
    desk.go("2026-11-26T08:00:00")
    assert desk.kinds(item) == []
    desk.go("2026-12-05T08:00:00")
    assert set(desk.kinds(item)) == {"overdue", "urge"}
    done = run(desk.city, "item.urge", item=item, text="请抓紧")
    desk.go("2026-12-06T08:00:00")
    assert desk.kinds(item) == ["overdue"]
    assert {one.done for one in desk.city.store.rows(Proposal) if one.kind == "urge"} == {done["record"]}
    run(desk.county, "item.submit", item=item, text="已办结")
    desk.go("2026-12-07T08:00:00")
    assert desk.kinds(item) == []
    run(desk.city, "item.accept", item=item)
    left = desk.go("2027-03-01T08:00:00")
    # The task is done; the city's own item over it still waits for its 销号.
    assert [(row["kind"], row["item"]["kind"]) for row in left] == [("overdue", "registered")]


def test_a_cancelled_item_takes_its_proposals_along(desk: Desk):
    item = desk.issue(due="2026-12-04")
    desk.go("2026-12-05T08:00:00")
    run(desk.city, "item.cancel", item=item, reason="并入专项")
    desk.go("2026-12-06T08:00:00")
    assert desk.kinds(item) == []
    assert OVER in {one.done for one in desk.city.store.rows(Proposal)}


def test_a_white_slip_is_proposed_and_carried_out(desk: Desk):
    """R105: its grounds are the ladder's; the limit is the person's to set."""
    run(desk.city, "rules.publish", shipped="xianyang-001")
    item = desk.issue(due="2027-06-30")
    run(desk.county, "item.sign", item=item)
    rows = desk.go("2026-12-24T08:00:00")
    [slip] = [row for row in rows if row["kind"] == "slip"]
    assert slip["text"] == "建议发白色专项督办单"
    assert "没有进展" in slip["grounds"]
    with pytest.raises(InputError):
        run(desk.city, "todo.carry", n=slip["id"])
    assert slip["id"] in {row["id"] for row in desk.listed()}
    run(desk.city, "todo.carry", n=slip["id"], due="2027-01-15", text="整改标准：全部完成")
    desk.wire.settle()
    [row] = desk.county.store.board([bytes.fromhex(item)])
    assert row.colour == "white"
    rows = desk.go("2027-01-16T08:00:00")
    assert [row["kind"] for row in rows if row["kind"] in ("slip", "judge")] == ["judge"]
    run(desk.city, "item.judge", item=item, unjustified=True, reason="未说明理由")
    rows = desk.go("2027-01-17T08:00:00")
    assert [row["text"] for row in rows if row["kind"] in ("slip", "judge")] == ["建议发黄色专项督办单"]


def test_done_and_dismissed_with_a_reason(desk: Desk):
    item = desk.issue(due="2026-12-04")
    first, second = [row["id"] for row in desk.go("2026-12-05T08:00:00") if row["item"]["id"] == item]
    with pytest.raises(InputError):
        run(desk.city, "todo.done", n=[first], dismiss=True)
    with pytest.raises(NotFoundError):
        run(desk.city, "todo.done", n=["ffff00001111"])
    with pytest.raises(InputError):
        run(desk.city, "todo.done", n=[])
    run(desk.city, "todo.done", n=[first], dismiss=True, reason="已电话了解")
    assert [row["id"] for row in desk.listed()] == [second]
    run(desk.city, "todo.done", n=[second])
    assert desk.listed() == []
    assert {one.done for one in desk.city.store.rows(Proposal) if one.done.startswith(("d",))} >= {
        "dismissed:张三:已电话了解", "done:张三:"}  # fmt: skip


def test_lists_by_kind_and_date_and_status_counts(desk: Desk):
    item = desk.issue(due="2026-12-04")
    run(desk.county, "item.sign", item=item)
    desk.go("2026-12-01T08:00:00")
    desk.go("2026-12-05T08:00:00")
    rows = desk.listed()
    assert [row["kind"] for row in rows] == ["overdue", "urge"]
    assert [row["kind"] for row in desk.listed(kind="urge")] == ["urge"]
    assert desk.listed(day="2026-12-01") == []
    assert len(desk.listed(day="2026-12-05")) == 2
    assert status_document(desk.city.office)["proposals_open"] == 2
    assert {row["item"]["receiver"] for row in rows} == {COUNTY}
    with pytest.raises(InputError):
        desk.listed(kind="nothing")
    assert desk.city.code == CITY


def test_a_unit_of_the_office_is_urged_through_its_proposal(desk: Desk):
    """Units have no node: their items are the office's own."""
    own = run(desk.city, "item.register", title="自查", due="2026-12-04")["item"]
    run(desk.city, "unit.add", name="综合科")
    run(desk.city, "item.handle", item=own, unit="综合科")
    [urge] = [row for row in desk.go("2026-12-05T08:00:00") if row["kind"] == "urge"]
    assert urge["item"]["id"] == own
    assert run(desk.city, "todo.carry", n=urge["id"])["item"] == own
    assert [row["kind"] for row in desk.go("2026-12-06T08:00:00")] == ["overdue"]


def test_a_reminder_that_no_act_can_carry_says_what_to_do(desk: Desk):
    own = run(desk.city, "item.register", title="自查", due="2026-12-04")["item"]
    [row] = [row for row in desk.go("2026-12-04T08:00:00") if row["item"]["id"] == own]
    assert (row["kind"], row["carried_by"]) == ("due", None)
    with pytest.raises(InputError, match="dulian todo done"):
        run(desk.city, "todo.carry", n=row["id"])


def test_numbers_stay_and_differ():
    """A proposal is called the same on every list."""
    name: Callable[[Proposal], str] = proposals.number_of
    one = Proposal("urge", b"a" * 32, day("2026-12-05"), "k", "t", "g", "", 0)
    assert name(one) == name(Proposal("urge", b"a" * 32, one.day, "k", "other", "", "over", 9))
    assert len({name(one), name(Proposal("slip", b"a" * 32, one.day, "k", "", "", "", 0)),
                name(Proposal("urge", b"", one.day, "k", "", "", "", 0))}) == 3  # fmt: skip
    assert date_of(one.day).isoformat() == "2026-12-05"
