"""Measures about what departments of this office have in hand are against these, not against the government."""

from __future__ import annotations

from typing import Any

from tests.sim.world import found
from tests.unit.one_office import COUNTY, Office, county

LEVELS = (
    "政府部门工作人员", "科（股）室负责人", "部门分管负责同志", "部门主要负责同志", "政府分管领导", "政府主要领导",
)  # fmt: skip
DUTIES = [f"{level}=甲" for level in LEVELS]


def _office(profile: str) -> tuple[Office, str]:
    """An office with two departments that have an item in hand, and the item."""
    office = Office(found(1, COUNTY, real=True), profile)
    for unit in ("水务局", "城管局"):
        office.do("unit.add", name=unit)
    item = office.do("item.register", title="清淤", due="2026-12-31")["item"]
    for unit in ("水务局", "城管局"):
        office.do("item.handle", item=item, unit=unit, duty=DUTIES if profile == "liupanshui-002" else [])
    return office, item


def test_points_of_a_slip_are_the_departments() -> None:
    """R106, R119: −0.3 for each department that has it in hand; points by hand likewise."""
    office, item = _office("xianyang-001")
    slip: dict[str, Any] = {"item": item, "text": "整改标准：全线疏通", "fact": ["slow_progress"]}
    office.do("item.slip", colour="白", due="2026-12-01", **slip)
    shown = office.do("item.show", item=item)
    assert shown["tracks"]["slips"][0]["to"] == "水务局、城管局", "not the government"
    assert "（水务局、城管局）" in shown["timeline"][-1]["text"]
    cause = office.do("item.report", item=item, text="疏通三成")["record"]
    office.do("item.justify", item=item, text="机械不足")
    office.do("item.judge", item=item, unjustified=True, reason="机械已调拨")
    office.machine.clock.time.ms += 80 * 86_400_000
    made = office.do("item.slip", colour="黄", due="2026-12-30", **slip)
    assert len(made["scores"]) == 2
    scores = office.do("item.show", item=item)["tracks"]["scores"]
    assert [(one["unit"], one["points"], one["cause"]) for one in scores] == [
        ("水务局", -0.3, made["record"]), ("城管局", -0.3, made["record"]),
    ]  # fmt: skip
    office.do("item.score", item=item, rule="target", points="-0.1", cause=cause)
    scores = office.do("item.show", item=item)["tracks"]["scores"]
    assert [one["unit"] for one in scores[2:]] == ["水务局", "城管局"]


def test_accusations_name_the_departments() -> None:
    """R114, R116: an entry of the 负面清单 and a 问责线索 for each department, by its name and no office's code."""
    office, item = _office("liupanshui-002")
    office.do("item.refer", item=item, text="涉嫌虚报", to="监察机关")
    office.do("item.negative", item=item, text="敷衍整改", **{"from": "政府督查部门负责人"})
    course = office.do("item.show", item=item)["timeline"][-4:]
    assert [one["kind_label"] for one in course] == ["问责线索"] * 2 + ["负面清单"] * 2
    assert all(f"（{unit}）" in one["text"] for one, unit in zip(course, ("水务局", "城管局") * 2, strict=True))
    assert not any(COUNTY in one["text"] for one in course)


def test_a_notice_of_a_decision_waits_for_the_approved_report() -> None:
    """R44, R45: 专题报告 through its chain first, then the 通报; what is no 决策督查 does not wait."""
    office = county()
    item = office.do("item.register", title="重点工程督查", source="decision.upper")["item"]
    notice: dict[str, Any] = {"item": item, "praise": True, "text": "进度居首"}
    says = str(office.refused("item.notice", **notice))
    assert "专题报告尚未审批，不能印发通报（规则 county-003/1 decision.notice）" in says
    assert "chains.special" in str(office.refused("item.special", item=item, title="专题报告", text="情况"))
    case = office.do("case.open", item=item, subject="special", text="情况", as_="承办")["item"]
    for name in ("办主任", "主任"):
        office.do("item.approve", item=case, as_=name)
    assert "专题报告" in str(office.refused("item.notice", **notice))
    office.do("user.add", name="相关领导", role=["leader"], post=["leader.related"])
    office.do("item.approve", item=case, as_="相关领导")
    office.do("item.special", item=item, title="专题报告")
    office.do("item.notice", **notice)
    other = office.do("item.register", title="来信查办", source="handling.letter")["item"]
    office.do("item.notice", item=other, criticise=True, text="久拖不办")
