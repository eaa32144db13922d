"""Races 1-8 of domain.md section 3: real offices are parted, act against each other, and meet again.

At the end every holder of an item has one digest, every store is sound, and the outcome is the one stated.
"""

from functools import partial
from itertools import permutations
from typing import Any

import pytest

from node.errors import InputError
from node.records.kinds import Kind
from node.records.payload import Act
from node.records.track import GRANTED, UNJUSTIFIED, Track
from node.services.matters.desk import act, current
from node.services.views.browse import show_item
from tests.sim.test_smoke import CITY, COUNTY, ME, PROVINCE, Wire, enrol, link_ca, run
from tests.sim.world import START_MS, Machine, found

SECOND = "320581"  # another county of the city
DAY_MS = 86_400_000
DUE, LATER, EARLIER = "2026-10-20", "2026-11-30", "2026-10-10"


class Race:
    """省 → 市 → two counties; a way between two offices may be cut and healed."""

    def __init__(self) -> None:
        self.province = found(1, PROVINCE, real=True, ca=link_ca(PROVINCE, START_MS))
        self.city = enrol(self.province, CITY)
        self.county, self.second = enrol(self.city, COUNTY), enrol(self.city, SECOND)
        self.machines = [self.province, self.city, self.county, self.second]
        self.wire = Wire(*self.machines)
        for child in self.machines[1:]:
            self.wire.connect(child)

    def part(self, *children: Machine) -> None:
        """Cut the ways up of these offices; whoever is cut off works on alone."""
        for child in children:
            parent = self.wire.machines[child.parent]
            for machine, peer in ((child, parent.code), (parent, child.code)):
                links = machine.office.links
                machine.sent.append(machine.office.step([partial(links.lost, links.session_of(peer).number)]))
        self.wire.settle()

    def heal(self, *children: Machine) -> None:
        """The ways are open again, in this order; afterwards all agree."""
        for child in children:
            self.wire.connect(child)
        self.settle()
        self.agree()

    def settle(self) -> None:
        for _ in range(3):
            self.wire.settle()

    def agree(self) -> None:
        """One digest at all holders, whole stores, nothing that anybody calls wrong."""
        seen: dict[str, str] = {}
        for machine in self.machines:
            for item, digest in machine.digests().items():
                assert seen.setdefault(item, digest) == digest, (machine.code, item)
            assert machine.audit()["ok"]
        for machine in self.machines:
            for item in machine.digests():
                effects = {entry["effect"] for entry in self.show(machine, item)["timeline"]}
                assert effects <= {"applied", "late", "superseded"}, (machine.code, effects)

    def issue(self, issuer: Machine, *to: Machine, sign: bool = True, **args: Any) -> Any:
        """A matter with tasks, signed for: (own item, its tasks)."""
        made = run(issuer, "item.issue", title="一事", to=[one.code for one in to], due=args.pop("due", DUE), **args)
        self.settle()
        tasks = {task["to"]: task["item"] for task in made["assignments"]}
        if sign:
            for one in to:
                run(one, "item.sign", item=tasks[one.code])
            self.settle()
        return made["item"], *(tasks[one.code] for one in to)

    def decompose(self, task: str, **args: Any) -> str:
        """The city's task goes on to the county."""
        made = run(self.city, "item.decompose", item=task, title="分解", to=[COUNTY], **args)
        self.settle()
        return str(made["assignments"][0]["item"])

    def show(self, machine: Machine, item: str) -> dict[str, Any]:
        return show_item(machine.store, machine.office.view(), {"item": item})

    def states(self, item: str) -> set[str]:
        """The state as each holder has it: one."""
        return {str(self.show(m, item)["state"]) for m in self.machines if item in m.digests()}

    def effect(self, item: str, record: str) -> str:
        """The effect of a record, the same at every holder."""
        [effect] = {
            entry["effect"] for m in self.machines if item in m.digests()
            for entry in self.show(m, item)["timeline"] if entry["record"] == record
        }  # fmt: skip
        return str(effect)

    def said(self, machine: Machine, kind: Kind, item: str, payload: Act, re: tuple[str, ...]) -> str:
        """What no verb of this release writes any more: an answer to something older."""
        desk, found_ = machine.office.desk, []

        def write() -> None:
            names = tuple(bytes.fromhex(one) for one in re)
            found_.append(act(desk, current(desk, item), kind, payload, names, ME))

        self.wire.step(machine, write)
        return str(found_[0].record_id.hex())


@pytest.fixture
def race() -> Race:
    return Race()


def test_race_1_an_answer_to_a_superseded_version_is_late(race: Race) -> None:
    """R12: the province changes the date while the city, cut off, reports on the old version."""
    _, task = race.issue(race.province, race.city)
    race.part(race.city)
    run(race.province, "item.change", item=task, due=EARLIER, reason="提前")
    report = run(race.city, "item.submit", item=task, text="按原要求办结")["record"]
    race.settle()
    assert race.show(race.city, task)["state"] == "submitted"
    race.heal(race.city)
    assert (race.states(task), race.effect(task, report)) == ({"signed"}, "late")
    run(race.city, "item.submit", item=task, text="按新要求办结")
    race.settle()
    race.agree()
    assert race.states(task) == {"submitted"}


def test_race_1_a_decision_on_an_older_request_is_late(race: Race) -> None:
    """R78: the city asks again while the decision on its first request is on its way."""
    _, task = race.issue(race.province, race.city)
    first = run(race.city, "item.extend", item=task, until=LATER, reason="汛期", progress="过半")["record"]
    race.settle()
    race.part(race.city)
    answer = Act(due_day=20_800, track=Track(verdict=GRANTED))
    grant = race.said(race.province, Kind.EXT_DECISION, task, answer, (task, first))
    second = race.said(race.city, Kind.EXT_REQUEST, task, Act("再延", due_day=20_900), (task, first))
    race.heal(race.city)
    # The superior decided on what it had seen: that stands, and the second request is open.
    assert (race.effect(task, grant), race.effect(task, second)) == ("applied", "applied")
    late = race.said(race.province, Kind.EXT_DECISION, task, answer, (task, first))
    race.settle()
    race.agree()
    assert race.effect(task, late) == "late"
    assert race.show(race.city, task)["tracks"]["extension"]["state"] == "requested"


def test_race_2_progress_that_crosses_the_closing_is_supplementary(race: Race) -> None:
    """R2: closed stays closed."""
    _, task = race.issue(race.province, race.city)
    run(race.city, "item.submit", item=task, text="已办结")
    race.settle()
    race.part(race.city)
    run(race.province, "item.accept", item=task)
    run(race.province, "item.close", item=task)
    late = race.said(race.city, Kind.PROGRESS, task, Act("补充", percent=20), (task,))
    race.heal(race.city)
    assert (race.states(task), race.effect(task, late)) == ({"closed"}, "late")
    assert race.show(race.city, task)["percent"] == 100


def test_race_3_a_grant_that_arrives_late_mends_the_light_and_the_history_keeps_both(race: Race) -> None:
    """R59, R78: asked before the due date, decided before it, heard of after it."""
    own = run(race.province, "item.register", title="一事", due=LATER)["item"]
    task = run(race.province, "item.assign", item=own, to=[CITY], due=DUE)["assignments"][0]["item"]
    race.settle()
    run(race.city, "item.sign", item=task)
    run(race.city, "item.extend", item=task, until=LATER, reason="汛期", progress="过半")
    race.settle()
    below = race.machines[1:]  # all: no certificate of a link outlives the time that passes
    race.part(*below)
    grant = run(race.province, "item.grant", item=task)["record"]
    race.settle()
    race.province.clock.time.ms += 33 * DAY_MS  # 2026-10-24: the old date has passed, the new one has not
    lights = [race.show(machine, task)["light"] for machine in (race.province, race.city)]
    assert lights == ["green", "red"]
    race.heal(*below)
    for machine in (race.province, race.city):
        shown = race.show(machine, task)
        assert (shown["light"], shown["due"], shown["tracks"]["extension"]["state"]) == ("green", LATER, "granted")
        assert shown["tracks"]["dues"] == [{"record": task, "due": DUE}, {"record": grant, "due": LATER}]


@pytest.mark.parametrize("answer", ["item.sign", "item.submit"])
def test_race_4_a_cancellation_wins_and_the_report_is_kept(race: Race, answer: str) -> None:
    """R2, also down to the task below, which only the city may cancel."""
    _, task = race.issue(race.province, race.city, sign=answer != "item.sign")
    race.part(race.city)
    run(race.province, "item.cancel", item=task, reason="任务取消")
    record = run(race.city, answer, item=task, text="已办结")["record"]
    race.heal(race.city)
    assert (race.states(task), race.effect(task, record)) == ({"cancelled"}, "late")


def test_race_4_what_was_decomposed_under_a_cancelled_task_is_seen_by_all(race: Race) -> None:
    """The city decomposes while the province cancels: its node cancels below as soon as it hears of it."""
    _, task = race.issue(race.province, race.city)
    race.part(race.city)
    run(race.province, "item.cancel", item=task, reason="任务取消")
    below = race.decompose(task)
    race.heal(race.city)
    assert (race.states(task), race.states(below)) == ({"cancelled"}, {"cancelled"})


def test_race_5_the_last_report_is_in_force_and_a_return_names_the_one_it_returns(race: Race) -> None:
    """R54: a second report that crosses the return of the first does not turn it over."""
    _, task = race.issue(race.province, race.city)
    run(race.city, "item.submit", item=task, text="第一稿")
    race.settle()
    race.part(race.city)
    run(race.province, "item.return", item=task, reason="缺清单", mode="supplement")
    second = run(race.city, "item.submit", item=task, text="第二稿")["record"]
    race.heal(race.city)
    assert (race.states(task), race.effect(task, second)) == ({"returned"}, "late")
    third = run(race.city, "item.submit", item=task, text="第三稿")["record"]
    fourth = run(race.city, "item.submit", item=task, text="第四稿")["record"]
    race.settle()
    seen = race.said(race.province, Kind.NOTICE, task, Act("通报"), (task, fourth))
    old = race.said(race.province, Kind.RETURN, task, Act("退回第三稿"), (task, third, seen))
    race.settle()
    race.agree()
    effects = [race.effect(task, record) for record in (third, fourth, old)]
    assert (race.states(task), effects) == ({"submitted"}, ["superseded", "applied", "late"])


def test_race_6_reassigned_while_cut_off_the_old_receiver_learns_of_it_and_its_work_is_kept(race: Race) -> None:
    """The county works on; the city has given its task to another county."""
    _, task = race.issue(race.city, race.county)
    race.part(race.county)
    made = run(race.city, "item.reassign", item=task, to=[SECOND], reason="改由该县承办")
    successor = made["assignments"][0]["item"]
    records = [
        run(race.county, "item.report", item=task, text="已完成八成", percent=80)["record"],
        run(race.county, "item.submit", item=task, text="已办结")["record"],
    ]
    race.settle()
    run(race.second, "item.sign", item=successor)
    race.heal(race.county)
    assert race.states(task) == {"cancelled"}
    assert [race.effect(task, record) for record in records] == ["late", "late"]
    for machine in (race.city, race.county):
        shown = race.show(machine, task)
        assert (shown["state_label"], shown["successor"]) == ("已改派", successor)
    assert race.states(successor) == {"signed"}
    assert successor not in race.county.digests()
    # What it did while cut off reaches the new receiver as evidence, as it signed it, each record once.
    for machine in (race.city, race.second):
        assert [(one["record"], one["author"], one["confirmed"]) for one in given(race, machine, successor)] == [
            (record, COUNTY, True) for record in records
        ]


def test_race_6_work_done_before_and_after_goes_to_the_last_receiver(race: Race) -> None:
    """Re-assigned twice: the new ones have it at once, the last one has all; a start anew sends nothing twice."""
    _, task = race.issue(race.city, race.county)
    first = run(race.county, "item.report", item=task, text="已完成三成", percent=30)["record"]
    race.settle()
    made = run(race.city, "item.reassign", item=task, to=[SECOND], reason="改由该县承办")
    second = made["assignments"][0]["item"]
    race.settle()
    assert [one["record"] for one in given(race, race.second, second)] == [first]
    run(race.second, "item.sign", item=second)
    then = run(race.second, "item.report", item=second, text="接办", percent=40)["record"]
    race.settle()
    back = run(race.city, "item.reassign", item=second, to=[COUNTY], reason="改回")["assignments"][0]["item"]
    race.settle()
    assert [one["record"] for one in given(race, race.county, back)] == [then], "its own work it has"
    before = race.city.store.record_count()
    race.city.office.sharing.scan(race.city.store)
    assert race.city.office.sharing.waits
    race.settle()
    assert race.city.store.record_count() == before


def given(race: Race, machine: Machine, task: str) -> list[dict[str, Any]]:
    """What was enclosed to a task, as a node shows it."""
    return [one for entry in race.show(machine, task)["timeline"] for one in entry.get("enclosed", [])]


def test_race_7_an_assistant_that_refuses_holds_up_nobody_once_exempted(race: Race) -> None:
    """R33: the lead delivers; the owner ends it only after the assistant was exempted, which may cross the refusal."""
    own, lead, assist = race.issue(race.city, race.county, race.second, sign=False, lead=COUNTY)
    run(race.county, "item.sign", item=lead)
    race.part(race.second)
    run(race.second, "item.refuse", item=assist, reason="无此职责")
    run(race.county, "item.submit", item=lead, text="已办结")
    race.settle()
    for verb, item in (("item.accept", lead), ("item.close", own)):
        with pytest.raises(InputError, match=SECOND):
            run(race.city, verb, item=item, text="办结")
    run(race.city, "item.exempt", item=assist, reason="联系不上")
    run(race.city, "item.accept", item=lead)
    race.heal(race.second)
    assert (race.states(lead), race.states(assist)) == ({"accepted"}, {"refused"})
    assert race.show(race.second, assist)["tracks"]["exempt"]
    run(race.city, "item.close", item=lead)
    run(race.city, "item.close", item=own)
    race.settle()
    race.agree()
    assert race.states(own) == {"closed"}


def test_race_8_no_level_extends_beyond_what_its_superior_allows_and_a_crossing_is_shown(race: Race) -> None:
    """R59: a guard where it writes; what crosses stands in both records and is shown at both."""
    _, task = race.issue(race.province, race.city)
    below = race.decompose(task, due=EARLIER)
    run(race.county, "item.sign", item=below)
    run(race.county, "item.extend", item=below, until=LATER, reason="汛期", progress="过半")
    race.settle()
    with pytest.raises(InputError, match=DUE):
        run(race.city, "item.grant", item=below)
    with pytest.raises(InputError):
        run(race.city, "item.submit", item=task, text="下级未结")
    race.part(race.city)
    run(race.province, "item.change", item=task, due="2026-10-12", reason="提前")
    run(race.city, "item.grant", item=below, until=DUE)
    race.settle()
    race.heal(race.city)
    # Honest on both sides: the city did not know, and the task below ends after the one above.
    for machine in (race.province, race.city):
        assert (race.show(machine, task)["due"], race.show(machine, below)["due"]) == ("2026-10-12", DUE)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_taking_over_from_a_city_that_is_cut_off(race: Race, order: tuple[int, ...]) -> None:
    """The province takes over; city and county went on with each other: late where it rested on the old issuer."""
    _, task = race.issue(race.province, race.city)
    below = race.decompose(task, due=EARLIER)
    run(race.county, "item.sign", item=below)
    race.settle()
    race.part(race.city)
    takeover = race.said(race.province, Kind.TAKE_OVER, below, Act("市级机构撤并"), (below,))
    run(race.city, "item.rectify", item=below, text="整改", line=["a=补齐台账@建设局@李四@2026-10-09"])
    race.settle()
    race.part(race.county)
    slip = race.said(race.city, Kind.SLIP, below, Act("白单", track=Track(colour="white")), (below,))
    said = [
        lambda: run(race.county, "item.rectify", item=below, report=["a"], text="已补齐")["record"],
        lambda: run(race.county, "item.submit", item=below, text="已办结")["record"],
        lambda: run(race.province, "item.urge", item=below, text="请抓紧")["record"],
    ]
    records = {index: said[index]() for index in order}
    race.heal(race.city, race.county)
    effects = [race.effect(below, one) for one in (takeover, slip, records[0], records[1], records[2])]
    # Slip and list are any superior's, whoever is the issuer now; the report answers the old issuer's version.
    assert effects == ["applied", "applied", "applied", "late", "applied"]
    assert {str(race.show(m, below)["issuer"]) for m in race.machines[:3]} == {PROVINCE}
    judged = race.said(race.county, Kind.JUSTIFY, below, Act("理由"), (takeover, slip))
    race.settle()
    race.said(race.city, Kind.JUSTIFY_DECISION, below, Act("无", track=Track(verdict=UNJUSTIFIED)), (takeover, judged))
    race.settle()
    race.agree()
    assert race.show(race.county, below)["tracks"]["slips"][0]["justified"] == "unjustified"


@pytest.mark.parametrize("both", [False, True])
def test_a_looking_again_that_another_office_began_is_concluded_here(race: Race, both: bool) -> None:
    """R98: two offices above may both look again; who concludes need not hold the other's item (seed 162)."""
    _, task = race.issue(race.province, race.city)
    below = race.decompose(task, due=EARLIER)
    run(race.county, "item.sign", item=below)
    run(race.county, "item.submit", item=below, text="已办结")
    race.settle()
    run(race.city, "item.accept", item=below)
    run(race.city, "item.close", item=below)
    race.settle()
    race.part(race.city)
    offices = (race.province, race.city) if both else (race.province,)
    begun = [run(office, "item.reinspect", item=below)["successor"] for office in offices]
    race.heal(race.city)
    assert race.states(below) == {"reinspecting"}
    run(race.city, "item.reinspect", item=below, passed=True, text="无问题")
    race.settle()
    race.agree()
    assert race.states(below) == {"closed"}
    assert set(race.show(race.county, below)["tracks"]["reinspections"]) == set(begun)
