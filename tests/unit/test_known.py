"""责任倒查 and 未同步 at offices in memory: what a node knew at a moment, and what it does not know now (I8, G13)."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.clock import iso
from node.errors import DulianError, InputError, NotFoundError
from node.items.fact import Fact
from node.items.fold import fold
from node.records.kinds import Kind
from node.services.board.project import read_facts
from node.services.care.status import status_document
from node.services.commands import QUESTIONS
from node.services.exchange.staleness import ALARM
from node.services.views.known import arrivals, facts_at, moment_of
from node.services.views.truth_rows import known_of
from tests.property.fold_facts import C, P, reissue, signed
from tests.sim.world import Machine
from tests.unit.offices import CITY, COUNTY, DAY_MS, DUE, PROVINCE, TOWN, Offices

NOW = 1_790_000_000_000
APART = {"known", "as_of", "delivery"}  # what is not kept of a moment


def ask(machine: Machine, verb: str, **args: object) -> Any:
    return QUESTIONS[verb](machine.store.reader(), machine.office.view(), args)


def known(machine: Machine, item: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(machine, "item.show", item=item)["known"]
    return found


def at(machine: Machine) -> str:
    """The moment now, with time moving on."""
    moment = iso(machine.clock.now_ms(), "milliseconds")
    machine.clock.time.ms += 1_000
    return moment


@pytest.fixture
def offices() -> Offices:
    return Offices()


def test_a_task_goes_from_unsynced_to_idle_to_reported(offices: Offices) -> None:
    made = offices.do(offices.province, "issue", "", title="推进简政放权", to=[COUNTY], due=DUE)
    task = made["assignments"][0]["item"]
    assert known(offices.province, task)["label"] == "未办"
    offices.do(offices.county, "sign", task)
    assert known(offices.province, task)["state"] == "idle"
    [row] = [row for row in ask(offices.province, "item.list") if row["id"] == task]
    assert row["known"] == known(offices.province, task)
    offices.do(offices.county, "report", task, text="已开工", percent=30)
    assert known(offices.province, task)["label"] == "已报"
    own = known(offices.province, made["item"])
    assert own["below"] == {"tasks": 1, "unsynced": 0}


def test_a_task_that_has_not_left_is_unsynced_with_its_hop(offices: Offices) -> None:
    wire = offices.wire
    cut(offices, offices.city)
    made = offices.do(offices.province, "issue", "", title="推进简政放权", to=[COUNTY], due=DUE)
    task = made["assignments"][0]["item"]
    found = known(offices.province, task)
    assert (found["state"], found["hop"]["reason"], found["hop"]["to"]) == ("unsynced", "queued", CITY)
    assert "待转送" in found["hop"]["text"]
    # The own item does not pass its tasks off as current either.
    assert known(offices.province, made["item"])["state"] == "unsynced"
    assert known(offices.province, made["item"])["below"] == {"tasks": 1, "unsynced": 1}
    wire.connect(offices.city)
    offices.settle()
    assert known(offices.province, task)["state"] == "idle"


def test_after_a_day_and_a_half_of_silence_nothing_is_claimed(offices: Offices) -> None:
    """B8, N6: the county goes on working behind the cut; the province says what it does not know, and where."""
    _, [task] = offices.issue(offices.province, [COUNTY])
    wait(offices, DAY_MS, offices.county)
    assert known(offices.province, task)["state"] == "idle"  # fresh within the limit, as of the time beside it
    wait(offices, DAY_MS, offices.county)
    found = known(offices.province, task)
    assert (found["label"], found["hop"]["from"], found["hop"]["to"]) == ("未同步", PROVINCE, CITY)
    assert found["since"] == ask(offices.province, "item.show", item=task)["as_of"]
    assert known(offices.county, task)["label"] == "未办"  # whose own work it is knows
    offices.wire.connect(offices.city)
    offices.settle()
    assert known(offices.province, task)["state"] == "idle"


def test_the_hop_is_the_one_that_is_broken(offices: Offices) -> None:
    _, [task] = offices.issue(offices.province, [COUNTY])
    wait(offices, 2 * DAY_MS, offices.city)  # the city's marks go on
    hop = known(offices.province, task)["hop"]
    assert (hop["from"], hop["to"], hop["reason"]) == (CITY, COUNTY, "silent")
    assert known(offices.city, task)["hop"]["from"] == CITY


def test_a_report_that_was_due_and_did_not_come(offices: Offices) -> None:
    _, [task] = offices.issue(offices.province, [COUNTY])
    offices.do(offices.county, "report", task, text="已开工", percent=30)
    assert known(offices.province, task)["state"] == "done"
    wait(offices, 200 * DAY_MS)
    assert known(offices.province, task)["state"] == "unsynced"  # whether it came in time is not known yet
    wait(offices, 0, offices.city, offices.county)
    assert known(offices.province, task)["label"] == "未报"


def test_a_task_the_city_gave_on_is_not_queued_at_the_province(offices: Offices) -> None:
    """What was opened below does not pass the province on its way: it is in transit between city and county."""
    _, [task] = offices.issue(offices.province, [CITY])
    cut(offices, offices.county)
    [made] = offices.do(offices.city, "decompose", task, to=[COUNTY], title="清理事项")["assignments"]
    shown = ask(offices.province, "item.show", item=made["item"])
    assert shown["known"]["hop"]["reason"] == "undelivered"
    assert (shown["known"]["hop"]["from"], shown["known"]["hop"]["to"]) == (CITY, COUNTY)
    assert shown["delivery"] == "sent"
    assert known(offices.city, made["item"])["hop"]["reason"] == "queued"
    [child] = ask(offices.province, "item.show", item=task)["children"]
    assert child["known"] == shown["known"]
    assert child["as_of"]
    # Here nothing is known of who is above: marks do not travel downwards.
    assert known(offices.city, task)["below"] == {"tasks": 1, "unsynced": 1}


def test_the_broken_hop_raises_an_alarm_and_status_has_every_office(offices: Offices) -> None:
    """B8: 数据过期 is told without asking, once for each hop, and ends by itself."""
    assert offices_of(offices.province) == {CITY: True, COUNTY: True, TOWN: True}
    wait(offices, 2 * DAY_MS, offices.city, offices.town)
    wait(offices, 30_000, offices.city, offices.town)
    wait(offices, 30_000, offices.city, offices.town)
    assert offices_of(offices.province) == {CITY: True, COUNTY: False, TOWN: True}
    for machine in (offices.province, offices.city):
        [alarm] = [one for one in machine.office.alarms.standing() if one.code == ALARM]
        assert alarm.subject == COUNTY
    assert not [one for one in offices.county.office.alarms.standing() if one.code == ALARM]
    wait(offices, 0, offices.city, offices.county, offices.town)
    wait(offices, 61_000, offices.city, offices.county, offices.town)
    for machine in offices.wire.machines.values():
        assert not [one for one in machine.office.alarms.standing() if one.code == ALARM]


def offices_of(machine: Machine) -> dict[str, bool]:
    found: Any = status_document(machine.office)["offices"]
    assert (found["total"], found["fresh"]) == (len(found["rows"]), sum(one["fresh"] for one in found["rows"]))
    return {one["office"]: one["fresh"] for one in found["rows"]}


def test_a_monthly_report_that_did_not_come(offices: Offices) -> None:
    """A13, R130: the cadence of the rules, or a changed one, says when silence is 未报."""
    _, [task] = offices.issue(offices.province, [COUNTY], due="2027-12-31")
    offices.do(offices.county, "report", task, text="已开工", percent=30)
    [row] = offices.province.store.reader().board([bytes.fromhex(task)])
    view = offices.province.office.view()
    late = view._replace(now_ms=view.now_ms + 70 * DAY_MS, as_of_ms=lambda _office: view.now_ms + 70 * DAY_MS)
    monthly = row._replace(frequency="每月")
    assert known_of(offices.province.store.reader(), view, [monthly])[row.item_id].label == "已报"
    assert known_of(offices.province.store.reader(), late, [monthly])[row.item_id].label == "未报"


def test_what_was_known_before_and_after_a_cut(offices: Offices) -> None:
    """责任倒查: the county reported at once; the province learned it a day later."""
    _, [task] = offices.issue(offices.province, [COUNTY])
    before = at(offices.province)
    cut(offices, offices.city)
    offices.do(offices.county, "report", task, text="已开工", percent=30)
    wait(offices, DAY_MS, offices.county)
    during = at(offices.province)
    offices.wire.connect(offices.city)
    offices.settle()
    offices.province.clock.time.ms += 60_000
    after = at(offices.province)

    def shown(machine: Machine, moment: str) -> Any:
        return ask(machine, "item.show", item=task, as_known_at=moment)

    assert [shown(offices.province, when)["state"] for when in (before, during, after)] == [
        "signed",
        "signed",
        "active",
    ]
    assert [shown(offices.county, when)["state"] for when in (before, during, after)] == ["signed", "active", "active"]
    assert shown(offices.province, during)["later_records"] == 1
    assert shown(offices.province, during)["known"] == {
        "state": None, "label": "当时的新鲜度未保存", "hop": None, "since": None,
    }  # fmt: skip
    listed = ask(offices.province, "item.list", as_known_at=during, state="signed")
    assert [row["id"] for row in listed["items"]] == [task]
    assert (listed["candidates"], listed["pages"]) == (2, 1)
    assert ask(offices.province, "item.list", as_known_at=during, state="active", kind="assignment")["items"] == []
    with pytest.raises(NotFoundError):
        ask(offices.county, "item.show", item=task, as_known_at=iso(offices.province.clock.now_ms() - 30 * DAY_MS))


def test_a_ledger_of_then_says_that_it_cannot_be_searched_or_sorted(offices: Offices) -> None:
    now = iso(offices.province.clock.now_ms())
    for name, value in (("words", "推进"), ("sort", "due")):
        with pytest.raises(InputError, match="不能检索或排序"):
            ask(offices.province, "ledger.show", ledger="all", as_known_at=now, **{name: value})
    assert ask(offices.province, "ledger.show", ledger="all", words="推进", sort="-due")["page"] == 1


def test_receipts_of_neighbours_bound_when_a_record_was_here(offices: Offices) -> None:
    _, [task] = offices.issue(offices.province, [COUNTY])
    now = at(offices.city)
    for line in ask(offices.city, "item.show", item=task, as_known_at=now)["timeline"]:
        evidence = line["arrival"]["evidence"]
        assert evidence["by_then"], line
        assert evidence["office"] == (COUNTY if line["author"] == PROVINCE else PROVINCE) or evidence["answer"]
        assert line["arrival"]["own"] == (line["author"] == CITY)
    # At the province the county's records came to rest: what it did not answer rests on its own note alone.
    reader = offices.province.store.reader()
    facts = read_facts(reader, [bytes.fromhex(task)])[bytes.fromhex(task)]
    proved = arrivals(reader, PROVINCE, bytes.fromhex(task), facts)
    assert {fact.author for fact in facts if fact.record_id in proved} == {PROVINCE}


def test_as_known_now_is_the_present(offices: Offices) -> None:
    offices.issue(offices.province, [COUNTY, CITY])
    offices.finish(offices.issue(offices.city, [COUNTY])[1][0], offices.county, offices.city)
    for machine in offices.wire.machines.values():
        present = ask(machine, "item.list")
        now = ask(machine, "item.list", as_known_at=iso(machine.clock.now_ms(), "milliseconds"))["items"]
        assert [strip(row, APART) for row in now] == [strip(row, APART) for row in present]
        for row in present:
            then = ask(machine, "item.show", item=row["id"], as_known_at=iso(machine.clock.now_ms(), "milliseconds"))
            whole = ask(machine, "item.show", item=row["id"])
            extra = APART | {"children", "as_known_at", "later_records", "notes", "timeline"}
            assert strip(then, extra) == strip(whole, extra)
            assert [strip(line, {"arrival"}) for line in then["timeline"]] == whole["timeline"]
            assert [strip(one, APART) for one in then["children"]] == [strip(one, APART) for one in whole["children"]]


@pytest.mark.parametrize("seed", range(4))
def test_every_moment_can_be_asked_for_later(seed: int) -> None:
    """Whatever came late or over a broken link: what a node showed at a moment is what it says it knew then."""
    offices, random = Offices(), Random(seed)
    tasks = offices.issue(offices.province, [COUNTY, CITY])[1] + offices.issue(offices.city, [TOWN])[1]
    seen: list[tuple[Machine, str, dict[str, Any]]] = []
    linked = True
    for number in range(16):
        task = random.choice(tasks)
        receiver = offices.wire.machines[ask(offices.city, "item.show", item=task)["receiver"]]
        issuer = offices.wire.machines[ask(offices.city, "item.show", item=task)["issuer"]]
        verb = random.choice(["report", "urge", "submit", "return", "link", "link", "issue"])
        if verb == "link" and linked:
            cut(offices, offices.city, *random.sample([offices.county, offices.town], 1))
        elif verb == "link":
            wait(offices, 1_000, offices.city, offices.county, offices.town)
        linked = linked ^ (verb == "link")
        if verb == "issue":
            offices.do(offices.province, "issue", "", title=f"第{number}件", to=[CITY, TOWN], due=DUE)
        elif verb != "link":
            words = {"reason": "重办"} if verb == "return" else {"text": f"第{number}步"}
            try:
                offices.do(issuer if verb in ("urge", "return") else receiver, verb, task, **words)
            except DulianError:
                offices.settle()  # not the moment for it, as this office knows
        for machine in offices.wire.machines.values():
            rows = {row["id"]: strip(row, APART) for row in ask(machine, "item.list")}
            seen.append((machine, at(machine), rows))
    for machine, moment, rows in seen:
        then = ask(machine, "item.list", as_known_at=moment)["items"]
        assert {row["id"]: strip(row, APART | {"state_label"}) for row in then} == {
            item: strip(row, {"state_label"}) for item, row in rows.items()
        }


def strip(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def cut(offices: Offices, *children: Machine) -> None:
    """The links of these nodes to their parents break: both ends notice."""
    wire = offices.wire
    for code, number in list(wire.ends):
        other = wire.ends[code, number][0]
        if any({code, other} == {child.code, child.parent} for child in children):
            machine = wire.machines[code]
            wire.step(machine, lambda machine=machine, number=number: machine.office.links.lost(number))
    for code, number in list(wire.ends):
        other = wire.ends[code, number][0]
        if any({code, other} == {child.code, child.parent} for child in children):
            del wire.ends[code, number]


def wait(offices: Offices, ms: int, *linked: Machine) -> None:
    """Time passes; afterwards these nodes are connected to their parents, and no others."""
    cut(offices, offices.city, offices.county, offices.town)
    offices.province.clock.time.ms += ms
    for child in linked:
        offices.wire.connect(child)
    offices.settle()


@st.composite
def held(draw: st.DrawFn) -> tuple[bytes, list[Fact]]:
    """Records of a task as they came in, at any times and in any order, some of them issued again."""
    item = signed()
    for number in range(draw(st.integers(0, 4))):
        item.act(Kind.PROGRESS, C, text=f"进展{number}")
        item.act(Kind.URGE, P, text="催办")
    facts = item.facts + [reissue(fact) for fact in draw(st.lists(st.sampled_from(item.facts), max_size=3))]
    return item.item_id, [fact._replace(received_ms=draw(st.integers(0, 10_000))) for fact in facts]


@given(held(), st.lists(st.integers(0, 10_000), min_size=2, max_size=2).map(sorted))
def test_knowing_later_is_never_knowing_less(story: tuple[bytes, list[Fact]], moments: list[int]) -> None:
    item_id, facts = story
    early, late = (facts_at(facts, t_ms) for t_ms in moments)
    assert all(early.count(fact) <= late.count(fact) for fact in early)
    assert all(fact.received_ms <= moments[0] for fact in early)
    assert all(fact in early for fact in facts if fact.received_ms <= moments[0])
    assert fold(item_id, facts_at(facts, 10_000)) == fold(item_id, facts)


@pytest.mark.parametrize(
    ("text", "t_ms"),
    [
        ("2026-09-20", 1_789_919_999_999), ("2026-09-21T08:30", 1_789_950_600_000), ("2026-09-21", NOW),
        ("2026-09-21T08:30:01", 1_789_950_601_999), ("2026-09-21T00:30:00+00:00", 1_789_950_600_000),
    ],
)  # fmt: skip
def test_moments_are_of_beijing(text: str, t_ms: int) -> None:
    assert moment_of(text, NOW) == t_ms


@pytest.mark.parametrize(
    "text", ["", "昨天", "2026-02-30", "2026-09-22", "2099-01-01T00:00", "1969-01-01", "0001-01-01T00:00", "9999-12-31"]
)
def test_other_moments_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        moment_of(text, NOW)
