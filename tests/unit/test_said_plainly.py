"""What an unfriendly user found: acts that slipped through, and refusals that did not say what to do instead."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from node.cli import ledgers as cli_ledgers
from node.cli import review as cli_review
from node.cli.paper import Paper
from node.clock import iso
from node.errors import InputError
from node.services.commands import QUESTIONS
from node.storage.port import Unit
from node.sync import frames
from tests.sim.world import Machine
from tests.unit.offices import CITY, COUNTY, DUE, EARLIER, LATER, PROVINCE, Offices, profile
from tests.unit.one_office import county
from tests.unit.test_measures_extension import TOLD
from tests.unit.test_reconcile import log_of, reconcile, spoil

STRICT = """
id = "slips"
version = 1
title = "督办单"
valid_from = 2020-01-01
parent = "base-004"
[[ladder]]
colour = "white"
name = "白色"
needs = [["no_progress", "slow_progress"]]
effects = [{kind = "remind"}]
"""


@pytest.fixture
def offices() -> Offices:
    return Offices()


def ask(machine: Machine, verb: str, **args: object) -> Any:
    return QUESTIONS[verb](machine.store.reader(), machine.office.view(), args)


def test_a_matter_stands_once_in_the_plan_of_a_year() -> None:
    """R24, R25: added again it is refused with its number; another year, or after it was given up, it may."""
    office = county()
    entry: dict[str, Any] = {"year": 2027, "title": "优化营商环境督查", "source": "decision.upper"}
    made = office.do("plan.add", "承办", **entry)
    refused = office.refused("plan.add", "承办", **entry | {"title": " 优化营商 环境督查"})
    assert made["number"] in refused.text
    assert "已列入" in refused.text
    office.do("plan.add", "承办", **entry | {"year": 2028})
    office.do("item.cancel", "承办", item=made["item"], reason="计划调整")
    office.do("plan.add", "承办", **entry)


def test_a_unit_that_has_not_the_item_in_hand_is_not_urged(offices: Offices) -> None:
    """R16, R52: the refusal says who has it; the unit that has it is urged also by the office above."""
    own, [task] = offices.issue(offices.city, [COUNTY])
    assert f"由 {COUNTY} 承办" in offices.refused(offices.city, "urge", task, text="请加快", unit="综合科")
    store = offices.county.store
    offices.wire.step(offices.county, lambda: store.put([Unit("发改局", "", True), Unit("教育局", "", True)]))
    offices.do(offices.county, "handle", task, unit="发改局", person="张三")
    for machine in (offices.city, offices.county):
        if machine is offices.city:
            assert "由 发改局 张三 承办" in offices.refused(machine, "urge", task, text="请加快", unit="教育局")
    offices.do(offices.city, "urge", task, text="请加快", unit="发改局")
    assert "320500-2026" in offices.refused(offices.city, "urge", own, text="请加快"), "its tasks are urged"
    offices.agreed()


def test_only_the_six_levels_stand_for_a_task(offices: Offices) -> None:
    """R14: also under the shipped rules, at 内部交办 and at 登记; what there is is listed, by label or by role."""
    _, [task] = offices.issue(offices.city, [COUNTY])
    line = offices.refused(offices.county, "handle", task, unit="发改局", duty=["皇帝=李四"])
    assert "责任链没有这一级" in line
    for level in ("工作人员", "科室负责人", "部门分管负责人", "部门主要负责人", "分管负责同志", "政府主要负责人"):
        assert level in line
    assert "皇帝" in offices.refused(offices.city, "register", "", title="甲", duty=["皇帝=李四"])
    offices.do(offices.county, "handle", task, unit="发改局", duty=["工作人员=张三", "dept.head=李四"])
    assert [one["name"] for one in offices.tracks(offices.city, task)["duties"]] == ["张三", "李四"]


def test_a_line_is_cleared_after_its_report_or_with_what_was_seen(offices: Offices) -> None:
    """R97: checked first, then cleared; who has checked on the spot says so."""
    _, [task] = offices.issue(offices.city, [COUNTY])
    lines = [f"{key}=补齐台账@发改局@李四@{EARLIER}" for key in "一二"]
    offices.do(offices.city, "rectify", task, line=lines)
    line = offices.refused(offices.city, "rectify", task, clear=["一", "二"])
    assert "「一、二」：尚未报告整改完成" in line
    assert "复核确认" in line
    offices.do(offices.county, "rectify", task, report=["一"])
    offices.do(offices.city, "rectify", task, clear=["一"])
    offices.do(offices.city, "rectify", task, clear=["二"], text="现场核实已整改")
    assert [one["state"] for one in offices.tracks(offices.county, task)["rectify"]] == ["cleared", "cleared"]


def test_a_slip_gives_no_more_time_than_the_task(offices: Offices) -> None:
    """R105: refused where the profile's rule for the date is strict, told where it has none; when overdue it must."""
    from node.documents.profiles import read_profile

    _, [task] = offices.issue(offices.city, [COUNTY])
    offices.publish(offices.city, read_profile(STRICT.encode()))
    slip = {"colour": "白", "text": "整改标准：逐项到位", "fact": ["slow_progress"]}
    [warning] = offices.do(offices.city, "slip", task, **slip, due=LATER)["warnings"]
    assert DUE in warning
    _, [other] = offices.issue(offices.province, [CITY])
    offices.publish(offices.province, "xianyang-001")
    line = offices.refused(offices.province, "slip", other, **slip, due=LATER)
    assert "规则 xianyang-001/1 slip.rectify" in line
    assert "item change" in line
    offices.later(150)
    assert offices.do(offices.province, "slip", other, **slip, due="2027-06-30")["warnings"] == []


def test_a_refusal_lists_assigning_where_it_is_possible(offices: Offices) -> None:
    """An own item that is set up may be given to offices below: the guard says so."""
    made = offices.do(offices.city, "register", "", title="甲", due=DUE)
    offices.do(offices.city, "establish", made["item"])
    assert "交办（assign）" in offices.refused(offices.city, "accept", made["item"], text="通过")
    _, [task] = offices.issue(offices.city, [COUNTY])
    assert "（assign）" not in offices.refused(offices.city, "accept", task, text="通过")


def test_refusals_say_the_rule_in_words(offices: Offices) -> None:
    """R25, R58, and dates (race 8): no number of a requirement, which nobody outside knows."""
    offices.publish(offices.county, "county-003")
    office = county()
    office.do("item.register", "承办", title="安全生产专项督查", line="offplan", source="decision.upper")
    again = office.refused("item.register", "承办", title="安全生产专项督查", line="offplan", source="decision.upper")
    assert "（规则：计划外督查报批前须送审，避免重复、多头督查）" in again.text
    _, [task] = offices.issue(offices.city, [COUNTY], point=["一", "二"])
    answer = offices.refused(offices.county, "submit", task, text="办结", answer=["1=完成"])
    assert "一一作出答复）" in answer
    for line in (
        offices.refused(offices.county, "handle", task, unit="发改局", due=LATER),
        offices.refused(offices.city, "assign", ask(offices.city, "item.show", item=task)["parent"],
                        to=["320582"], due=LATER),
    ):  # fmt: skip
        assert "规则：下级时限不得晚于上级时限" in line
    assert "规则：时限不得早于当天" in offices.refused(offices.city, "register", "", title="乙", due="2020-01-01")


def test_where_reasons_are_only_noted_it_is_note_that_is_named(offices: Offices) -> None:
    """A12: under notify_only nothing is granted."""
    offices.publish(offices.city, profile(TOLD))
    _, [task] = offices.issue(offices.city, [COUNTY])
    offices.do(offices.county, "extend", task, until=LATER, reason="征地未完成")
    line = offices.refused(offices.county, "extend", task, until=LATER, reason="征地未完成")
    assert "dulian item note" in line
    assert "grant" not in line
    assert "、note）" in offices.refused(offices.city, "accept", task)
    offices.do(offices.city, "note", task)


def test_publishing_counts_what_is_wrong_and_names_the_check() -> None:
    office = county()
    text = 'id = "bad"\nversion = 1\ntitle = ""\nvalid_from = 2020-01-01\nparent = "base-004"\nnonsense = 1\n'
    packed = base64.b64encode(text.encode()).decode()
    refused = office.refused("rules.publish", file_base64=packed)
    problems = office.do("rules.check", file_base64=packed)["problems"]
    assert f"共 {len(problems)} 个问题" in refused.text
    assert len(problems) > 1
    assert "dulian rules check" in refused.remedy
    assert isinstance(refused, InputError)


def test_a_disabled_account_is_enabled_as_it_was() -> None:
    """R13: the remedy is a command that does just that."""
    office = county()
    office.do("unit.add", name="水务局")
    office.do("user.add", name="王五", role=["handler"], unit="水务局")
    office.do("user.disable", name="王五")
    refused = office.refused("item.list", "王五")
    assert refused.remedy.endswith("dulian user enable 王五")
    again = office.do("user.enable", name="王五")
    assert (again["roles"], again["unit"], again["active"]) == (["handler"], "水务局", True)
    assert "没有停用" in office.refused("user.enable", name="王五").text
    assert "没有这个账号" in office.refused("user.enable", name="无此人").text
    office.do("item.list", "王五")


def test_looking_again_is_named_by_its_number(offices: Offices) -> None:
    """R98: people call the linked item by its 登记编号."""
    own, [task] = offices.issue(offices.city, [COUNTY])
    offices.finish(task, offices.county, offices.city)
    offices.do(offices.city, "close", task)
    begun = offices.do(offices.city, "reinspect", task)
    number = ask(offices.city, "item.show", item=begun["successor"])["number"]
    said = "\n".join(cli_review._again(begun, Paper(120, False)))
    assert number in said
    assert begun["successor"] not in said
    assert offices.do(offices.city, "reinspect", task, passed=True)["successor_number"] == number
    offices.do(offices.city, "close", own)
    hidden = offices.do(offices.city, "reinspect", own, hidden=True)
    assert hidden["successor_number"] == f"{hidden['number']}-回"


def test_a_ledger_of_a_moment_holds_what_was_known_then(offices: Offices) -> None:
    """责任倒查 (I8): state, words and light of each row as this node knew them; what was not kept is not guessed."""
    _, [task] = offices.issue(offices.city, [COUNTY])
    offices.do(offices.county, "report", task, text="已开工", percent=30)
    then = iso(offices.county.clock.now_ms(), "milliseconds")
    offices.later(1)
    present = ask(offices.county, "ledger.show", ledger="", office=COUNTY)
    offices.do(offices.county, "report", task, text="已完工", percent=100)
    offices.do(offices.county, "submit", task, text="已办结")
    offices.later(1)
    found = ask(offices.county, "ledger.show", ledger="", office=COUNTY, as_known_at=then)
    [row], [was] = found["rows"], present["rows"]
    apart = {"as_of", "light"}
    assert {key: row["cells"][key] for key in row["cells"] if key not in apart} == {
        key: was["cells"][key] for key in was["cells"] if key not in apart
    }
    assert (row["cells"]["progress"], row["cells"]["percent"], row["cells"]["state"]) == ("已开工", "30%", "办理中")
    assert ask(offices.county, "ledger.show", ledger="", state="submitted", as_known_at=then)["rows"] == []
    told = "\n".join(cli_ledgers._page(found, Paper(200, False)))
    assert "所知的情况" in told
    assert "本页核对 1 件" in told
    before = ask(offices.city, "ledger.show", ledger="", office=COUNTY, as_known_at="2026-09-20")
    assert (before["rows"], before["candidates"]) == ([], 1)


def test_a_neighbour_that_never_answers_holds_up_no_repair(offices: Offices) -> None:
    """faults.md D1: after a minute the next thing is asked for and the night goes on; what comes late is taken."""
    _, [task] = offices.issue(offices.city, [COUNTY])
    for text in "一二三四五":
        offices.do(offices.county, "report", task, text=f"进展{text}")
    city, log = offices.city, log_of(offices.city, COUNTY, (CITY, COUNTY))
    wanted = city.store._tables.record.held[log.log_no, 2]
    for seq in (2, 5):
        spoil(city, (log.log_no, seq), payload=wanted.payload + b"x")
    from node.services.mending.scrub import Scrub

    repairs = city.office.repairs
    offices.wire.step(city, lambda: repairs.take(Scrub(city.store, city.office.keyring, None).found()))
    asked: list[frames.Frame] = []

    def silent() -> None:
        repairs.mend(COUNTY)
        asked.extend(frame for _, frame in repairs.outbox)
        repairs.outbox.clear()

    offices.wire.step(city, silent)
    assert repairs.busy(COUNTY)
    offices.province.clock.time.ms += 61_000

    def later() -> None:
        repairs.tick()
        asked.extend(frame for _, frame in repairs.outbox)
        repairs.outbox.clear()

    offices.wire.step(city, later)
    assert [frame.last for frame in asked if isinstance(frame, frames.RangeRequest)] == [5, 2]
    assert not {"no_replica"} & {alarm.code for alarm in city.office.alarms.standing()}
    county_log = log_of(offices.county, COUNTY, (CITY, COUNTY))
    assert isinstance(asked[0], frames.RangeRequest)
    late = offices.county.office.repairs.serve(CITY, asked[0])
    offices.wire.step(city, lambda: repairs.receive(COUNTY, late))
    assert (repairs.repaired[COUNTY], county_log.seq >= 5) == (1, True)
    offices.province.clock.time.ms += 61_000
    offices.wire.step(city, repairs.tick)
    assert not repairs.busy(COUNTY)
    offices.later(1)
    assert reconcile(offices, offices.city, COUNTY)["ok"]
    assert city.store._tables.record.held[log.log_no, 2] == wanted


def test_data_are_stale_by_the_configured_limit(offices: Offices) -> None:
    """B8: `status` goes by freshness_limit_s, not by a day and a half of its own."""
    offices.city.office.fresh_ms = 5_000
    link = next(link for link in offices.city.office.neighbours() if link == PROVINCE)
    from node.services.care.status import link_document

    offices.province.clock.time.ms += 6_000
    offices.city.start()
    offices.city.office.fresh_ms = 5_000
    assert link_document(offices.city.office, link, "parent")["state"] == "stale"
    offices.city.office.fresh_ms = 60_000
    assert link_document(offices.city.office, link, "parent")["state"] == "behind"
