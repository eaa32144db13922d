"""报结 by points, 复核, 办结, 销号, 归档, 回头看."""

from __future__ import annotations

import pytest

from tests.unit.offices import CITY, COUNTY, TOWN, Offices, profile

PARTS = '[reports]\nparts = ["成绩、经验、做法", "困难、问题", "建议、打算"]\n' + """
[[rules]]
id = "monthly"
title = "按月报告"
start = "PERIOD"
act = "report"
cadence = {every = "月", day = 31}
"""
CLOSING = """
[closing]
verify_required = ["attention"]
findings = ["clarified", "rectified", "satisfied"]
copies = 2
manifest = ["正式的查办报告", "领导的批示件", "拟办单", "督查函", "领导对查办报告的批示"]
"""


@pytest.fixture
def offices() -> Offices:
    return Offices()


def test_a_report_answers_every_point(offices: Offices) -> None:
    """R58: each point once; those that are missing are named."""
    offices.publish(offices.city, profile(""))
    _, [task] = offices.issue(offices.city, [COUNTY], point=["是否公开", "是否解读", "群众评价"])
    line = offices.refused(offices.county, "submit", task, text="办结", answer=["1=已公开"])
    assert "2. 是否解读" in line
    assert "3. 群众评价" in line
    assert "分项未答复" in offices.refused(offices.county, "submit", task, text="办结")
    assert "没有这个分项" in offices.refused(offices.county, "submit", task, text="办结", answer=["4=无"])
    assert "两次" in offices.refused(offices.county, "submit", task, text="办结", answer=["1=甲", "1=乙"])
    assert "写法不对" in offices.refused(offices.county, "submit", task, text="办结", answer=["已公开"])
    offices.do(offices.county, "submit", task, text="办结", answer=["3=满意", "1=已公开", "2=已解读"])
    text = offices.show(offices.city, task)["timeline"][-1]["text"]
    assert text.split("\n")[1:] == ["1. 已公开", "2. 已解读", "3. 满意"]


def test_without_rules_of_its_own_a_report_may_answer_as_a_whole(offices: Offices) -> None:
    """R58 under the shipped default: partial answers are refused, none stands for all."""
    _, [task] = offices.issue(offices.city, [COUNTY], point=["甲", "乙"])
    assert "2. 乙" in offices.refused(offices.county, "submit", task, text="办结", answer=["1=是"])
    offices.do(offices.county, "submit", task, text="甲乙均已办结")


def test_a_report_by_a_cadence_has_all_its_parts(offices: Offices) -> None:
    """R87: 成绩, 困难, 建议; a part that is missing is named with the rule."""
    offices.publish(offices.city, profile(PARTS))
    _, [task] = offices.issue(offices.city, [COUNTY], frequency="monthly")
    line = offices.refused(offices.county, "report", task, text="十月情况", part=["1=完成三项"])
    assert "2. 困难、问题" in line
    assert "规则 local-test/1 reports.parts" in line
    assert "建议" in offices.refused(offices.county, "report", task, text="十月情况")
    offices.do(offices.county, "report", task, text="十月情况", part=["1=完成三项", "2=缺资金", "3=追加预算"])
    assert "【困难、问题】缺资金" in offices.show(offices.city, task)["timeline"][-1]["text"]


def test_nothing_is_closed_before_it_was_verified_where_the_profile_wants_it(offices: Offices) -> None:
    """R97, R99, A16: three findings; closing and completing are refused, naming the rule, until they are there."""
    offices.publish(offices.city, profile(CLOSING))
    own, [task] = offices.issue(offices.city, [COUNTY], **{"class": "attention"})
    offices.finish(task, offices.county, offices.city)
    for verb, item in (("close", task), ("close", own), ("complete", task)):
        assert "规则 local-test/1 closing" in offices.refused(offices.city, verb, item)
    assert "复核" in offices.refused(offices.county, "verify", task, passed=True)
    offices.do(offices.city, "verify", task, start=True)
    line = offices.refused(offices.city, "verify", task, passed=True, finding=["clarified=yes", "整改是否到位=否"])
    assert "整改是否到位、群众是否满意" in line
    assert "写法不对" in offices.refused(offices.city, "verify", task, failed=True, finding=["clarified"])
    assert "须说明" in offices.refused(offices.city, "verify", task, failed=True)
    offices.do(offices.city, "verify", task, failed=True, finding=["群众是否满意=否"])
    assert offices.show(offices.county, task)["state"] == "verifying"
    every = ["情况是否查明=是", "整改是否到位=是", "群众是否满意=是"]
    offices.do(offices.city, "verify", task, passed=True, finding=every)
    assert offices.show(offices.county, task)["state"] == "completed"
    assert [one["ok"] for one in offices.tracks(offices.county, task)["findings"]] == [True] * 3
    offices.do(offices.city, "close", task)
    offices.do(offices.city, "close", own)
    offices.agreed()


def test_an_item_that_needs_no_verification_is_completed_and_closed(offices: Offices) -> None:
    """Transition 19 under the default profile."""
    own, [task] = offices.issue(offices.city, [COUNTY])
    offices.finish(task, offices.county, offices.city)
    offices.do(offices.city, "complete", task)
    offices.do(offices.city, "close", task)
    offices.do(offices.city, "close", own)
    offices.do(offices.city, "archive", own)
    entries = offices.tracks(offices.city, own)["manifest"]
    assert [entry.split("：")[0] for entry in entries] == [
        "登记与来文", "督查函（交办）", "签收与送达回执", "办结报告", "审核与批示", "复核与回访", "销号",
    ]
    offices.agreed()


def test_an_archive_lacks_nothing_the_profile_asks_for(offices: Offices) -> None:
    """R61: two copies of the report, the instruction, proposal, letter and the leader's words on the report."""
    own, [task] = offices.issue(offices.city, [COUNTY])
    offices.publish(offices.city, profile(CLOSING))
    offices.finish(task, offices.county, offices.city)
    offices.do(offices.city, "close", own)
    line = offices.refused(offices.city, "archive", own)
    assert "缺：领导的批示件、拟办单（规则 local-test/1 closing.manifest）" in line
    assert "写法不对" in offices.refused(offices.city, "archive", own, paper=["领导的批示件"])
    papers = ["领导的批示件=2026年卷一第3件", "拟办单=卷一第4件"]
    made = offices.do(offices.city, "archive", own, paper=papers)
    assert any(entry.startswith("办结报告 ×2份：") for entry in made["manifest"])
    assert "纸质件 拟办单：卷一第4件" in made["manifest"]
    assert offices.show(offices.city, own)["state"] == "archived"


def test_looking_again_is_a_linked_item(offices: Offices) -> None:
    """R98: 无问题 ends both; 问题成立 goes on in the linked item."""
    closed = []
    for code, receiver in ((COUNTY, offices.county), (TOWN, offices.town)):
        _, [task] = offices.issue(offices.city, [code])
        offices.finish(task, receiver, offices.city)
        assert "回头看" in offices.refused(offices.city, "reinspect", task)
        offices.do(offices.city, "close", task)
        closed.append(task)
    good, bad = closed
    assert "不在回头看中" in offices.refused(offices.city, "reinspect", good, passed=True)
    assert "回头看" in offices.refused(offices.county, "reinspect", good)
    first = offices.do(offices.city, "reinspect", good)["successor"]
    assert offices.show(offices.county, good)["state"] == "reinspecting"
    assert offices.show(offices.city, first)["predecessor"] == good
    assert "已在回头看" in offices.refused(offices.city, "reinspect", good)
    offices.do(offices.city, "reinspect", good, passed=True)
    assert offices.show(offices.city, good)["state"] == "closed"
    assert offices.show(offices.city, first)["state"] == "cancelled"
    second = offices.do(offices.city, "reinspect", bad)["successor"]
    assert "不能为空" in offices.refused(offices.city, "reinspect", bad, failed=True)
    offices.do(offices.city, "reinspect", bad, failed=True, text="问题反弹")
    assert offices.tracks(offices.town, bad)["reinspections"] == [second]
    [again] = offices.do(offices.city, "assign", second, to=[TOWN], due="2026-12-31")["assignments"]
    assert offices.show(offices.town, again["item"])["state"] == "delivered"
    assert offices.show(offices.town, again["item"])["issuer"] == CITY
    offices.agreed()


def test_an_unannounced_look_is_unknown_to_the_inspected_before_its_result(offices: Offices) -> None:
    """R101, A21: not a record, not an item, until the result is written; then both the look and its result."""
    _, [task] = offices.issue(offices.city, [COUNTY])
    offices.finish(task, offices.county, offices.city)
    offices.do(offices.city, "close", task)
    before = offices.county.store.record_count(), offices.show(offices.county, task)["timeline"]
    again = offices.do(offices.city, "reinspect", task, hidden=True, text="暗访")["successor"]
    assert (offices.county.store.record_count(), offices.show(offices.county, task)["timeline"]) == before
    assert again not in offices.county.digests()
    assert "已在回头看" in offices.refused(offices.city, "reinspect", task)
    offices.do(offices.city, "reinspect", task, failed=True, text="问题反弹")
    assert [one["kind_label"] for one in offices.show(offices.county, task)["timeline"]][-2:] == ["回头看"] * 2
    assert offices.tracks(offices.county, task)["reinspections"] == [again]
    offices.agreed()


def test_an_item_is_shown_with_the_words_of_its_profile_and_the_numbers_of_linked_items(offices: Offices) -> None:
    """R6, R26: source and class by their labels, of a superior's profile too; free text is its own label."""
    words = '[[sources]]\nid = "handling.local"\nlabel = "市领导批示"\n[[classes]]\nid = "urgent"\nlabel = "急件"\n'
    offices.publish(offices.city, profile(words))
    own, [task] = offices.issue(offices.city, [COUNTY], source="handling.local", **{"class": "urgent"})
    shown = offices.show(offices.city, own)
    assert (shown["source"], shown["source_label"], shown["class_label"]) == ("handling.local", "市领导批示", "急件")
    below = offices.show(offices.city, task)
    assert below["numbers"] == {own: shown["number"]}
    free = offices.do(offices.county, "register", title="甲", source="群众来信")["item"]
    found = offices.show(offices.county, free)
    assert (found["source_label"], found["class_label"], found["numbers"]) == ("群众来信", None, {})
