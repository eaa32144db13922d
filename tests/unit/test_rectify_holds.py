"""R97: an item does not end while a line of its 整改清单 is open; refusals name the rule, and when the act is due."""

from __future__ import annotations

import pytest

from tests.unit.offices import COUNTY, LATER, Offices


@pytest.fixture(scope="module")
def offices() -> Offices:
    return Offices()


def test_every_line_is_cleared_before_the_item_ends(offices: Offices) -> None:
    made = offices.do(offices.city, "issue", title="巡察反馈问题整改", to=[COUNTY], due=LATER)
    own, task = made["item"], made["assignments"][0]["item"]
    offices.do(offices.county, "sign", task)
    offices.do(offices.city, "rectify", task, line=[f"{key}=建立台账@民政局@王某@2026-12-31" for key in ("一", "二")])
    offices.do(offices.county, "submit", task, text="已整改")
    said = "整改事项未销清：一、二，不能审核通过（规则：整改清单逐项销账）"
    assert said in offices.refused(offices.city, "accept", task)
    offices.do(offices.county, "rectify", task, report=["一", "二"])
    offices.do(offices.city, "rectify", task, clear=["一"])
    assert "整改事项未销清：二" in offices.refused(offices.city, "accept", task)
    offices.do(offices.city, "rectify", task, clear=["二"])
    offices.do(offices.city, "accept", task)
    # What is found afterwards holds the closing up, of the task and of the item it came from.
    offices.do(offices.city, "rectify", task, line=["三=公开结果@民政局@王某@2026-12-31"])
    for verb, item in (("close", task), ("complete", task), ("close", own)):
        assert "整改事项未销清：三" in offices.refused(offices.city, verb, item)
    offices.do(offices.county, "rectify", task, report=["三"])
    offices.do(offices.city, "rectify", task, clear=["三"])
    offices.do(offices.city, "close", task)
    offices.do(offices.city, "close", own)


def test_a_refusal_says_when_the_act_is_in_place(offices: Offices) -> None:
    task = offices.do(offices.city, "issue", title="甲", to=[COUNTY], due=LATER)["assignments"][0]["item"]
    early = offices.refused(offices.city, "accept", task)
    assert "当前状态为「已送达」，不能审核（规则：审核须在已报结时）" in early
    assert "slip" not in early, "a ladder the office does not have"
    wrong = offices.refused(offices.county, "accept", task)
    assert "审核只能由交办单位" in wrong
    assert "（规则：" in wrong
