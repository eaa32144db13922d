"""What a profile means for a case: which rule, why this day, which chain, which slip next, which days are yellow."""

import pytest

from node.documents.profiles import read_profile
from node.errors import InputError
from node.rules.calendar import PROVISIONAL
from node.rules.explain import (
    chain_for,
    changed_dues,
    due,
    explain,
    extension_for,
    extension_until,
    light,
    missing_for,
    next_rung,
    reminder_days,
    rules_for,
)
from node.rules.profile import Profile
from tests.unit.rules.days import d, due_iso, iso, official, shipped

COUNTY, JIANGSU, XIANYANG = shipped("county-003"), shipped("jiangsu-000"), shipped("xianyang-001")


def test_R51_explained_step_by_step() -> None:
    told = explain(COUNTY, "handling.finish", d("2026-09-28"), official())
    assert iso(told.due.day) == "2026-10-23"
    assert told.lines == (
        "规则：县政府督查工作制度档案（county-003第1版）handling.finish「承办单位办结」。",
        f"原文：“{COUNTY.rule('handling.finish').sentence}”",
        "效力：原则上，逾期不亮红灯。",
        "起点：督查函发出，2026年9月28日（星期一）；时限内应办结。",
        "从2026年9月28日（星期一）起算，当日不计入（民法典第二百零一条）。",
        "其间休息日不计入：10月1日至7日、10月11日、10月17日至18日。",
        "调休上班日计入：10月10日。",
        "数15个工作日，至2026年10月23日（星期五）。",
        "办结时限：2026年10月23日（星期五）。",
    )


def test_A14_local_defaults_and_provisional_dates_say_so() -> None:
    told = explain(COUNTY, "own.report", d("2026-12-30"), official())
    assert "本地默认：文件没有规定数字，由本单位档案设定。" in told.lines
    assert told.lines[-2] == "2027年的工作日历尚未发布，按周一至周五推算，时限暂定。"
    assert told.lines[-1] == "办结时限：2027年1月4日（星期一）（暂定）。"


def test_a_rule_without_a_figure_leaves_the_day_to_the_assignment() -> None:
    with pytest.raises(InputError) as caught:
        due(COUNTY, "meeting.feedback", d("2026-11-02"), official())
    assert "由交办时写明" in str(caught.value)
    with pytest.raises(InputError):
        due(COUNTY, "nothing", d("2026-11-02"), official())


def test_the_most_specific_rule_comes_first() -> None:
    found = rules_for(COUNTY, "REGISTER", line="handling", source="handling.instruction")
    assert [rule.id for rule in found] == ["handling.setup", "handling.propose"]
    assert rules_for(COUNTY, "REGISTER", line="decision") == ()
    assert [rule.id for rule in rules_for(COUNTY, "REGISTER", act="propose", line="handling")] == ["handling.propose"]
    by_class = rules_for(shipped("liupanshui-002"), "RECEIVED", act="study", class_="major")
    assert [rule.id for rule in by_class] == ["study.major", "study"]


def test_A1_one_question_three_answers() -> None:
    """15 工作日 from the letter (003), two months for the upper office (003), 30日 (000): by source and origin."""
    asked = "2026-09-01"  # Sunday 20 September is worked
    assert due_iso(COUNTY, rules_for(COUNTY, "DISPATCH", line="handling")[0].id, asked) == "2026-09-21"
    assert due_iso(COUNTY, rules_for(COUNTY, "UPPER_ASSIGNED", origin="city")[0].id, asked) == "2026-11-02"
    rule = rules_for(JIANGSU, "ASSIGN", act="finish", source="instruction")[0]
    assert due_iso(JIANGSU, rule.id, asked) == "2026-10-08"
    assert rules_for(COUNTY, "UPPER_ASSIGNED", origin="own") == ()


SWITCHED = """
id = "switched"
version = 1
title = "先拟办后立项"
valid_from = 2026-01-01
parent = "county-003"
[[rules]]
id = "handling.setup"
title = "正式立项查办"
start = "PROPOSE"
act = "establish"
period = {n = 3, unit = "工作日"}
applies = {line = ["handling"]}
"""


def test_A6_both_from_registration_or_one_after_the_other() -> None:
    parallel = [due_iso(COUNTY, rule, "2026-11-02") for rule in ("handling.propose", "handling.setup")]
    assert parallel == ["2026-11-04", "2026-11-05"]
    consecutive = read_profile(SWITCHED.encode())
    proposed = due(consecutive, "handling.propose", d("2026-11-02"), official()).day
    rule = rules_for(consecutive, "PROPOSE", act="establish", line="handling")[0]
    assert iso(due(consecutive, rule.id, proposed, official()).day) == "2026-11-09"


def test_chains_by_line() -> None:
    assert chain_for(COUNTY, "accept", line="handling").id == "accept"
    assert chain_for(COUNTY, "accept", line="meeting").id == "accept.meeting"
    assert chain_for(COUNTY, "setup", line="decision") is None
    assert chain_for(shipped("base-004"), "accept") is None  # the default profile asks for no approvals


def test_A12_extensions_by_line_and_until_when() -> None:
    assert extension_for(COUNTY, line="handling", origin="own").id == "handling"
    assert extension_for(COUNTY, line="handling", origin="city").id == "upper"
    assert extension_for(COUNTY, line="meeting").mode == "approval"
    assert extension_for(COUNTY).id == "default"
    asked = extension_for(JIANGSU, source="instruction")
    plain = extension_for(COUNTY)
    assert asked is not None
    assert plain is not None
    assert iso(extension_until(asked, d("2026-10-08"), official())) == "2026-10-07"
    assert extension_until(plain, d("2026-10-08"), official()) == d("2026-10-08")


def test_the_next_colour_is_proposed_with_its_grounds() -> None:
    white = next_rung(XIANYANG, [], ["slow_progress"])
    assert white.rung.colour == "white"
    assert white.grounds[0] == "进展缓慢"
    assert white.grounds[1].startswith("原文：“一是首次专项催办")
    assert next_rung(XIANYANG, [], ["overdue", "not_justified"]) is None  # no colour is skipped
    assert next_rung(XIANYANG, ["white"], ["overdue"]) is None            # A15: the reasons must be judged first
    yellow = next_rung(XIANYANG, ["white"], ["overdue", "not_justified"])
    assert yellow.rung.colour == "yellow"
    assert yellow.grounds[:3] == ("已发白色督办单", "规定时限内未完成", "无正当理由")
    red = next_rung(XIANYANG, ["white", "yellow"], ["perfunctory", "not_justified"])
    assert red.rung.colour == "red"
    assert next_rung(XIANYANG, ["white", "yellow", "red"], ["overdue", "not_justified", "perfunctory"]) is None


def test_what_is_missing_for_a_colour_is_said() -> None:
    missing = missing_for(XIANYANG, "red", ["white"], ["not_justified"])
    assert missing == ("已发黄色督办单", "屡督不动或无实质性改进或工作敷衍了事且质量较差")
    assert missing_for(XIANYANG, "yellow", ["white"], ["below_standard", "not_justified"]) == ()
    with pytest.raises(InputError):
        missing_for(XIANYANG, "blue", [], [])


OTHER_LADDER = """
id = "other"
version = 1
title = "蓝橙红"
valid_from = 2026-01-01
[[ladder]]
colour = "blue"
name = "蓝单"
needs = [["slow_progress"]]
[[ladder]]
colour = "orange"
name = "橙单"
needs = [["blue"], ["overdue"]]
may_start = true
[[ladder]]
colour = "red"
name = "红单"
needs = [["orange"], ["overdue"]]
"""


def test_A9_another_ladder_may_start_higher() -> None:
    other = Profile.parse(OTHER_LADDER)
    assert next_rung(other, [], ["slow_progress"]).rung.colour == "blue"
    assert next_rung(other, [], ["slow_progress", "overdue"]).rung.colour == "orange"
    assert missing_for(other, "orange", [], ["overdue"]) == ()
    assert missing_for(other, "red", [], ["overdue"]) == ("已发橙色督办单",)
    assert next_rung(other, ["orange"], ["overdue"]).rung.colour == "red"


def test_A11_A14_thresholds_of_the_light() -> None:
    """Three working days before 8 October, the National Day between: from 28 September."""
    limits = light(COUNTY, "must", d("2026-10-08"), official())
    assert iso(limits.yellow_from) == "2026-09-28"
    assert limits.red_from == d("2026-10-09")
    assert light(COUNTY, "general", d("2026-10-08"), official()).red_from == limits.red_from
    assert light(COUNTY, "principle", d("2026-10-08"), official()).red_from is None
    assert light(COUNTY, "none", d("2026-10-08"), official()).red_from is None


def test_reminders_three_working_days_before_and_on_the_day() -> None:
    assert [iso(day) for day in reminder_days(COUNTY, d("2026-10-08"), official())] == ["2026-09-28", "2026-10-08"]


def test_dates_that_a_new_calendar_changes() -> None:
    cases = [("handling.finish", d("2026-09-28")), ("handling.finish", d("2026-11-02"))]
    changed = changed_dues(COUNTY, cases, PROVISIONAL, official())
    assert changed == (("handling.finish", d("2026-09-28"), d("2026-10-19"), d("2026-10-23")),)
