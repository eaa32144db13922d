"""What a source and a class settle by themselves: the work line and its 立项 (R6, R9, R10), 四不两直 (R101)."""

from __future__ import annotations

import pytest

from tests.sim.world import admit, found
from tests.unit.one_office import Office, county

HANDLING, SETUP = "规则 county-003/1 sources.handling.instruction", "规则 county-003/1 chains.setup"


@pytest.mark.parametrize("line", ["决策督查", "督办令", "整改", "会议议定事项", "计划外督查"])
def test_another_work_line_does_not_take_an_instruction_past_its_setup(line: str) -> None:
    """R6, R48: with the source 领导批示 the line is 专项查办; 计划外督查 has no approval of its own in this county."""
    office = county()
    error = office.refused("item.register", "承办", title="批示件", source="handling.instruction", line=line)
    assert HANDLING in error.text
    assert "属于专项查办" in error.text
    assert error.field == "--line"


def test_the_line_of_the_source_may_be_said_and_research_has_its_own_chain() -> None:
    """R6, R62: the same line, and 督查调研 from any source, whose topic is approved by a chain of its own."""
    office = county()
    given = {"source": "handling.instruction", "line": "专项查办"}
    item = str(office.do("item.register", "承办", title="批示件", **given)["item"])
    assert SETUP in office.refused("item.establish", "承办", item=item).text
    topic = str(office.do("item.register", "承办", title="调研", source="decision.upper", line="督查调研")["item"])
    assert "规则 county-003/1 chains.research" in office.refused("item.establish", "承办", item=topic).text


def test_an_instruction_named_by_the_base_profile_is_set_up_as_well() -> None:
    """R49: 领导批示 of the profile this one inherits from opens 专项查办 too."""
    office = county()
    item = str(office.do("item.register", "承办", title="批示件", source="instruction")["item"])
    assert SETUP in office.refused("item.establish", "承办", item=item).text


def test_a_class_that_is_unannounced_is_hidden_without_being_told() -> None:
    """R101, A21: neither issued at once nor assigned before the result is out; then the task is an open one."""
    office = Office(found(1, "520200", real=True), "liupanshui-002")
    below = Office(admit(1, office.machine, "520221", real=True))
    kind = {"class": "inspect.hidden"}
    error = office.refused("item.issue", title="暗访养老院", to=["520221"], due="2030-01-05", **kind)
    assert "规则 liupanshui-002/1 classes.inspect.hidden" in error.text
    item = str(office.do("item.register", title="暗访养老院", **kind)["item"])
    assert office.do("item.show", item=item)["terms"]["hidden"] is True
    assert "四不两直" in office.refused("item.assign", item=item, to=["520221"]).text
    office.do("item.reveal", item=item, text="消防通道堵塞")
    both = ["政府分管领导=甲", "政府主要领导=乙"]
    task = office.do("item.assign", item=item, to=["520221"], duty=both)["assignments"][0]["item"]
    assert office.do("item.show", item=task)["terms"]["hidden"] is False
    assert below.machine.code == "520221"



def test_a_step_is_not_later_than_the_item() -> None:
    """R29: 节点 after 办结时限 are refused at 登记 as they are later."""
    office = county()
    late = office.refused("item.register", "承办", title="甲", due="2030-01-05", milestone=["一=验收@2030-01-06"])
    assert "节点不得晚于办结时限" in late.text
    assert "一（2030年1月6日" in late.text
    office.do("item.register", "承办", title="甲", due="2030-01-05", milestone=["一=验收@2030-01-05"])
