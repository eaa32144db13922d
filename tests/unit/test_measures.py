"""内部交办, 节点, 变更, 免除, 更正, 预警: who may, when, and what they leave behind."""

from __future__ import annotations

import pytest

from node.rules.explain import responsibility_levels
from node.storage.rows import Unit
from tests.unit.offices import CITY, COUNTY, DUE, EARLIER, LATER, TOWN, Offices


@pytest.fixture
def offices() -> Offices:
    return Offices()


def add_unit(offices: Offices, name: str) -> None:
    office = offices.county.office
    offices.wire.step(offices.county, lambda: office.store.put([Unit(name, "", active=True)]))


def test_a_unit_has_a_task_in_hand_with_the_six_levels_that_stand_for_it(offices: Offices) -> None:
    """R14, R16: unit, person and date inside the office; six levels of responsibility on the task."""
    _, [task] = offices.issue(offices.city, [COUNTY])
    offices.publish(offices.county, "liupanshui-002")
    known = list(responsibility_levels(offices.county.office.rulebook.profile(30_000)).values())
    assert len(known) == 6
    add_unit(offices, "发展改革局")
    line = offices.refused(offices.county, "handle", task, unit="发改局")
    assert "没有这个内设机构" in line
    assert "发展改革局" in line
    assert "责任链没有这一级" in offices.refused(
        offices.county, "handle", task, unit="发展改革局", duty=["县长助理=李四"]
    )
    assert DUE in offices.refused(offices.county, "handle", task, unit="发展改革局", due=LATER)
    duties = [f"{level}=干部{number}" for number, level in enumerate(known)]
    offices.do(offices.county, "handle", task, unit="发展改革局", person="张三", due=EARLIER, duty=duties)
    for machine in (offices.county, offices.city):
        tracks = offices.tracks(machine, task)
        assert tracks["handlers"] == [{"unit": "发展改革局", "person": "张三", "due": EARLIER, "provisional": False}]
        assert [one["level"] for one in tracks["duties"]] == known
    # Handed over to another person (a leaver's items).
    offices.do(offices.county, "handle", task, unit="发展改革局", person="王五")
    assert [one["person"] for one in offices.tracks(offices.county, task)["handlers"]] == ["王五"]
    assert "没有这个内设机构" in offices.refused(offices.county, "report", task, text="已部署", unit="甲局")
    offices.do(offices.county, "report", task, text="已部署", unit="发展改革局")
    assert "内部交办" in offices.refused(offices.city, "handle", task, unit="督查科")
    offices.agreed()


def test_a_leader_warns_inside_the_office(offices: Offices) -> None:
    """R89: 预警 is the receiver's own, and counted."""
    _, [task] = offices.issue(offices.city, [COUNTY])
    assert "预警" in offices.refused(offices.city, "warn", task, text="进度滞后")
    offices.do(offices.county, "warn", task, text="进度滞后，请本周内报送")
    assert offices.tracks(offices.city, task)["warnings"] == 1


def test_milestones_are_set_and_reported(offices: Offices) -> None:
    """R29: a key, a title and a date not after the task's; done on the day it is reported."""
    _, [task] = offices.issue(offices.city, [COUNTY])
    assert "内容和时限" in offices.refused(offices.county, "milestone", task, key="一季度")
    assert DUE in offices.refused(offices.county, "milestone", task, key="一季度", title="出台方案", due=LATER)
    past = offices.refused(offices.county, "milestone", task, key="一季度", title="出台方案", due="2026-09-20")
    assert "节点时限已过（规则：时限不得早于当天）" in past
    own = {"title": "清理事项", "due": DUE, "milestone": ["1=摸底@2026-09-20"]}
    assert "节点时限已过：1" in offices.refused(offices.city, "register", "", **own)
    offices.do(offices.city, "milestone", task, key="一季度", title="出台方案", due=EARLIER)
    assert "没有这个节点" in offices.refused(offices.county, "milestone", task, done="二季度")
    offices.do(offices.county, "milestone", task, done="一季度")
    [step] = offices.tracks(offices.city, task)["milestones"]
    assert step == {"key": "一季度", "title": "出台方案", "due": EARLIER, "done": "2026-09-21"}
    assert "已完成" in offices.refused(offices.county, "milestone", task, done="一季度")


def test_a_change_stays_within_what_the_superior_allows(offices: Offices) -> None:
    """Race 8: not beyond the item above, not before the tasks below; who may is the issuer alone."""
    _, [task] = offices.issue(offices.province, [CITY])
    below = offices.do(offices.city, "decompose", task, to=[COUNTY], title="清理事项", due=EARLIER)
    child = below["assignments"][0]["item"]
    line = offices.refused(offices.city, "change", child, due=LATER, reason="任务增加")
    assert DUE in line
    assert "dulian item extend 320000-2026-0001/1" in line
    assert "变更" in offices.refused(offices.county, "change", child, due=DUE, reason="任务增加")
    offices.do(offices.city, "change", child, due=DUE, reason="任务增加")
    assert offices.show(offices.county, child)["due"] == DUE
    assert "没有要变更的内容" in offices.refused(offices.city, "change", child, reason="任务增加")
    assert "不是待明确" in offices.refused(offices.city, "change", child, clear=True, reason="已明确")
    own, _ = offices.issue(offices.city, [TOWN])
    assert "下级任务的时限更晚" in offices.refused(offices.city, "change", own, due=EARLIER, reason="提前")
    offices.agreed()


def test_an_item_that_was_unclear_becomes_clear(offices: Offices) -> None:
    """R35: 待明确 until the office says what, who and when."""
    made = offices.do(offices.city, "register", title="待明确事项", unclear="责任主体未确定")
    assert offices.tracks(offices.city, made["item"])["unclear"] == "责任主体未确定"
    offices.do(offices.city, "change", made["item"], clear=True, due=DUE, reason="已明确由发改委承办")
    assert offices.tracks(offices.city, made["item"])["unclear"] is None
    assert offices.show(offices.city, made["item"])["due"] == DUE


def test_a_refusing_assistant_is_exempted_before_the_lead_is_accepted(offices: Offices) -> None:
    """R33, race 7: the lead reports for all; the refusal blocks nothing but the acceptance, until it is exempted."""
    made = offices.do(offices.city, "issue", title="联合执法", to=[COUNTY, TOWN], lead=COUNTY, due=DUE)
    own, (lead, assistant) = made["item"], [one["item"] for one in made["assignments"]]
    offices.do(offices.county, "sign", lead)
    offices.do(offices.town, "refuse", assistant, reason="不属本单位职责")
    offices.do(offices.county, "submit", lead, text="联合办结")
    line = offices.refused(offices.city, "accept", lead)
    assert f"{TOWN}（已退签）" in line
    assert "dulian item exempt" in line
    assert "牵头单位不能免除" in offices.refused(offices.city, "exempt", lead, reason="理由")
    assert "免除" in offices.refused(offices.town, "exempt", assistant, reason="理由")
    offices.do(offices.city, "exempt", assistant, reason="确不属其职责")
    assert "已经免除" in offices.refused(offices.city, "exempt", assistant, reason="理由")
    assert offices.tracks(offices.town, assistant)["exempt"]
    offices.do(offices.city, "accept", lead)
    offices.do(offices.city, "close", own)
    assert offices.show(offices.city, own)["state"] == "closed"
    offices.agreed()


def test_an_exempted_task_does_not_hold_up_the_report(offices: Offices) -> None:
    """R33, transition 15: own tasks are accepted or exempted with the reason before the office reports."""
    _, [task] = offices.issue(offices.province, [CITY])
    made = offices.do(offices.city, "decompose", task, to=[COUNTY, TOWN], lead=COUNTY, title="联合执法")
    lead, assistant = (one["item"] for one in made["assignments"])
    offices.do(offices.county, "sign", lead)
    offices.do(offices.town, "refuse", assistant, reason="不属本单位职责")
    offices.do(offices.county, "submit", lead, text="办结")
    assert TOWN in offices.refused(offices.city, "submit", task, text="全市办结")
    offices.do(offices.city, "exempt", assistant, reason="确不属其职责")
    offices.do(offices.city, "accept", lead)
    offices.do(offices.city, "submit", task, text="全市办结")
    offices.agreed()


def test_only_own_records_are_corrected(offices: Offices) -> None:
    """更正 stands beside the record it corrects."""
    _, [task] = offices.issue(offices.city, [COUNTY])
    record = offices.do(offices.county, "report", task, text="完成三项")["record"]
    assert "只能更正本单位的记录" in offices.refused(offices.city, "correct", task, record=record[:12], text="两项")
    assert "没有这条记录" in offices.refused(offices.county, "correct", task, record="ffff0000", text="两项")
    offices.do(offices.county, "correct", task, record=record[:12], text="应为完成两项")
    assert [one["kind_label"] for one in offices.show(offices.city, task)["timeline"]][-1] == "更正"
