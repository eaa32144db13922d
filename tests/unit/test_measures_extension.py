"""延期: asked for in time, decided by the issuer alone, never beyond what the superior allows."""

from __future__ import annotations

import pytest

from node.records.payload import Act
from node.records.track import GRANTED
from node.services.board.project import read_facts
from node.services.commands import COMMANDS
from node.services.matters.desk import Caller, current
from tests.sim.test_smoke import run
from tests.unit.offices import CITY, COUNTY, DUE, EARLIER, LATER, Offices, profile

CHAINED = """
[roles]
"office.head" = "政府办主任"
[[chains]]
id = "ext"
title = "延期审批"
subject = "extension"
steps = [{roles = ["office.head"], verb = "同意"}]
"""
LIMITED = """
[[extensions]]
id = "default"
title = "申请延期"
mode = "approval"
before_due = {n = 5, unit = "工作日"}
max_count = 1
"""
TOLD = """
[[extensions]]
id = "default"
title = "报告说明"
mode = "notify_only"
"""


@pytest.fixture
def offices() -> Offices:
    return Offices()


def test_a_grant_gives_a_new_date_and_a_denial_leaves_it(offices: Offices) -> None:
    """R78, transition 13 and 14: reason, new date and progress; the issuer alone decides."""
    _, [task] = offices.issue(offices.city, [COUNTY], due=EARLIER)
    assert "延期申请" in offices.refused(offices.city, "grant", task)
    assert "申请延期" in offices.refused(offices.city, "extend", task, until=DUE, reason="未拨款")
    for early in (EARLIER, "2026-10-01"):
        assert EARLIER in offices.refused(offices.county, "extend", task, until=early, reason="未拨款")
    offices.do(offices.county, "extend", task, until=DUE, reason="未拨款", progress="完成六成")
    assert offices.tracks(offices.city, task)["extension"] == {
        "state": "requested", "label": "待批复", "wanted": DUE, "grants": 0, "requests": 1,
    }
    assert "已有延期申请" in offices.refused(offices.county, "extend", task, until=LATER, reason="未拨款")
    assert "批复延期" in offices.refused(offices.county, "grant", task)
    offices.do(offices.city, "deny", task, reason="可先行垫付")
    assert offices.show(offices.county, task)["due"] == EARLIER
    offices.do(offices.county, "extend", task, until=DUE, reason="垫付不足")
    own = offices.show(offices.city, task)["parent"]
    assert "dulian item change" in offices.refused(offices.city, "grant", task)
    offices.do(offices.city, "change", own, due=LATER, reason="上级同意")
    offices.do(offices.city, "grant", task)
    for machine in (offices.city, offices.county):
        assert offices.show(machine, task)["due"] == DUE
        assert offices.tracks(machine, task)["extension"]["label"] == "已同意"
    offices.agreed()


def test_a_grant_beyond_the_own_date_is_asked_upward_first(offices: Offices) -> None:
    """Race 8: no level extends beyond its superior's date; the refusal names the own task to ask for."""
    _, [task] = offices.issue(offices.province, [CITY], due=DUE)
    [child] = offices.do(offices.city, "decompose", task, to=[COUNTY], title="清理")["assignments"]
    offices.do(offices.county, "sign", child["item"])
    offices.do(offices.county, "extend", child["item"], until=LATER, reason="等待省级标准")
    line = offices.refused(offices.city, "grant", child["item"])
    assert "dulian item extend 320000-2026-0001/1 --until 2027-03-31" in line
    assert "规则：下级时限不得晚于上级时限" in line
    own = offices.show(offices.province, task)["parent"]
    offices.do(offices.city, "extend", task, until=LATER, reason="县级需延期")
    offices.do(offices.province, "change", own, due=LATER, reason="等待标准")
    offices.do(offices.province, "grant", task)
    offices.do(offices.city, "grant", child["item"])
    assert offices.show(offices.province, child["item"])["due"] == LATER
    offices.agreed()


def test_the_profile_says_until_when_and_how_often(offices: Offices) -> None:
    """A12: cut-off before the due day, at most so many grants; the issuer's profile binds, not the asking office's."""
    offices.publish(offices.city, profile(LIMITED))
    _, [task] = offices.issue(offices.city, [COUNTY], due="2026-10-09")
    offices.do(offices.city, "change", offices.show(offices.city, task)["parent"], due=LATER, reason="放宽")
    offices.do(offices.county, "extend", task, until="2026-11-02", reason="未拨款")
    offices.do(offices.city, "grant", task)
    line = offices.refused(offices.county, "extend", task, until="2026-12-01", reason="仍未拨款")
    assert "最多延期 1 次" in line
    assert "规则 local-test/1 extensions.default" in line
    _, [second] = offices.issue(offices.city, [COUNTY], due="2026-09-25")
    line = offices.refused(offices.county, "extend", second, until="2026-12-01", reason="未拨款")
    assert "最后日期" in line
    assert "规则 local-test/1 extensions.default" in line


def test_where_only_reasons_are_told_the_date_stays(offices: Offices) -> None:
    """R53, R59, R82, A12: 已说明; neither grant nor a new date."""
    offices.publish(offices.city, profile(TOLD))
    _, [task] = offices.issue(offices.city, [COUNTY])
    offices.do(offices.county, "extend", task, until=LATER, reason="案情复杂", progress="已核实")
    line = offices.refused(offices.city, "grant", task)
    assert "原时限不变" in line
    assert "规则 local-test/1 extensions.default" in line
    offices.do(offices.city, "note", task)
    assert offices.show(offices.county, task)["due"] == DUE
    assert offices.tracks(offices.county, task)["extension"]["label"] == "已说明，原时限不变"
    _, [other] = offices.issue(offices.province, [CITY])
    offices.do(offices.city, "extend", other, until=LATER, reason="待标准")
    assert "同意" in offices.refused(offices.province, "note", other)


def test_a_grant_goes_through_the_chain_the_profile_has(offices: Offices) -> None:
    """R78, A12: 政府办主任同意 first; the case is named in the act and serves once."""
    offices.publish(offices.city, profile(CHAINED))
    own, [task] = offices.issue(offices.city, [COUNTY])
    offices.do(offices.city, "change", own, due=LATER, reason="放宽")
    offices.do(offices.county, "extend", task, until="2027-01-31", reason="未拨款")
    line = offices.refused(offices.city, "grant", task)
    assert "local-test/1 chains.ext" in line
    assert "dulian case open" in line
    office = offices.city.office
    head = Caller("主任", roles=("leader",), posts=("office.head",), account=True)
    case = run(offices.city, "case.open", item=task, subject="extension", text="拟同意延期")
    assert "下一步 同意（政府办主任）" in offices.refused(offices.city, "grant", task)
    offices.wire.step(offices.city, lambda: COMMANDS["item.approve"](office, {"item": case["item"]}, head) and None)
    offices.do(offices.city, "grant", task)
    assert offices.show(offices.county, task)["due"] == "2027-01-31"
    assert offices.show(offices.city, case["item"])["state"] == "closed"
    state = current(offices.city.office.desk, task)
    acts = [fact.payload for fact in read_facts(offices.city.store, [state.item_id])[state.item_id]]
    [decision] = [act.track for act in acts if isinstance(act, Act) and act.track and act.track.verdict == GRANTED]
    assert decision.basis.hex() == case["item"]
    # The case serves once, and a denial needs none.
    offices.do(offices.county, "extend", task, until="2027-03-01", reason="仍未拨款")
    assert "dulian case open" in offices.refused(offices.city, "grant", task)
    offices.do(offices.city, "deny", task, reason="不再延期")
    assert offices.show(offices.city, task)["due"] == "2027-01-31"
