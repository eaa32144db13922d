"""base-004, jiangsu-000 and xianyang-001: every figure of the three documents, on real dates."""

from decimal import Decimal

import pytest

from node.rules.explain import chain_for, extension_for, next_rung, rules_for
from tests.unit.rules.days import due_iso, figures, shipped, steps

BASE, JIANGSU, XIANYANG = shipped("base-004"), shipped("jiangsu-000"), shipped("xianyang-001")

# ------------------------------------------------------------------------------------------------ 国办发〔2014〕42号


def test_R84_base_document_names_no_figure() -> None:
    assert figures(BASE) == {
        "report.important": "ISSUED 交办时写明 must",
        "instruction.finish": "ASSIGN 交办时写明 must",
        "notice.explain": "NOTICE 5个工作日 none 本地默认",
    }


def test_R3_three_basic_sources() -> None:
    assert [source.id for source in BASE.sources] == ["law", "meeting", "instruction"]


def test_base_asks_for_no_approval_and_has_no_ladder() -> None:
    assert BASE.chains == ()
    assert BASE.ladder == ()
    assert BASE.lights.yellow_within.value.n == 3
    assert BASE.reminders.before_due.value.n == 3
    assert BASE.signing.value.n == 1
    assert [scope.id for scope in BASE.visibility] == ["public", "handlers", "own", "leaders"]


def test_R114_base_third_tier() -> None:
    (tier,) = BASE.measures
    assert [(effect.kind, effect.to) for effect in tier.effects] == [("refer", "监察机关")]


def test_R27_base_ledger() -> None:
    (ledger,) = BASE.ledgers
    assert {"lead", "due", "schedule"} <= set(ledger.columns)


# ------------------------------------------------------------------------------------------- 苏政办发〔2014〕94号


def test_R80_to_R83_all_figures_of_the_document() -> None:
    assert figures(JIANGSU) == {
        "report.important": "ISSUED 30日 general",
        "report.quarterly": "PERIOD 07-15、10-15、01-15 general",
        "instruction.finish": "ASSIGN 30日 general",
        "instruction.report": "ASSIGN 30日 general",
        "proposal.answer": "ASSIGN 3个月 general",
        "proposal.report": "YEAR_TASK_DONE 20日 general",
        "annual.plan": "PERIOD 01-31 none 本地默认",
        "notice.rectify": "NOTICE 交办时写明 must",
    }


def test_R4_eight_provincial_classes() -> None:
    assert [s.id for s in JIANGSU.sources if "R4" in s.refs] == [
        "law", "instruction", "reform", "policy", "project", "conduct", "proposal", "performance",
    ]  # fmt: skip


def test_R26_routing_by_source() -> None:
    assert {s.id: s.handler for s in JIANGSU.sources if s.handler} == {
        "meeting": "organ", "instruction": "joint", "policy": "joint", "specialised": "section",
    }  # fmt: skip


def test_R24_R25_annual_plan_and_off_plan_review() -> None:
    assert steps(JIANGSU, "plan.annual") == ["同意：leader.head"]
    assert chain_for(JIANGSU, "offplan").id == "plan.offplan"
    assert steps(JIANGSU, "plan.offplan") == ["审核：organ.head"]
    assert due_iso(JIANGSU, "annual.plan", "2026-01-01") == "2026-01-31"


def test_R80_report_in_30_days() -> None:
    assert due_iso(JIANGSU, "report.important", "2026-09-03") == "2026-10-08"  # 3 October lies in the holiday
    assert due_iso(JIANGSU, "report.important", "2026-11-02") == "2026-12-02"
    assert rules_for(JIANGSU, "ISSUED", source="policy")[0].id == "report.important"
    assert rules_for(JIANGSU, "ISSUED", source="proposal") == ()


def test_R81_A4_three_dates_and_no_15_april() -> None:
    asked = ["2026-01-01", "2026-01-16", "2026-07-16", "2026-10-16"]
    found = [due_iso(JIANGSU, "report.quarterly", day) for day in asked]
    assert found == ["2026-01-15", "2026-07-15", "2026-10-15", "2027-01-15"]
    assert JIANGSU.rule("report.quarterly").covers == "previous_quarter"


def test_R82_instructions_in_30_days_else_report_before() -> None:
    assert due_iso(JIANGSU, "instruction.finish", "2026-11-02") == "2026-12-02"
    assert due_iso(JIANGSU, "instruction.report", "2026-11-02") == "2026-12-02"
    extension = extension_for(JIANGSU, source="instruction")
    assert extension.mode == "notify_only"
    assert extension.before_due.value.n == 1


def test_R83_proposals_in_3_months_and_20_days() -> None:
    assert due_iso(JIANGSU, "proposal.answer", "2026-03-02") == "2026-06-02"
    assert due_iso(JIANGSU, "proposal.answer", "2025-11-30") == "2026-02-28"  # no 30 February
    assert due_iso(JIANGSU, "proposal.answer", "2026-07-03") == "2026-10-08"
    assert due_iso(JIANGSU, "proposal.report", "2026-09-14") == "2026-10-08"
    assert due_iso(JIANGSU, "proposal.report", "2026-11-02") == "2026-11-23"  # the 22nd is a Sunday


def test_R99_three_findings() -> None:
    assert JIANGSU.closing.findings == ("clarified", "rectified", "satisfied")
    assert JIANGSU.closing.verify_required == ("attention",)


def test_R112_weight_in_the_assessment() -> None:
    assert (JIANGSU.score("assessment.weight").sign, JIANGSU.score("assessment.weight").points) == ("both", None)


def test_R114_three_tiers() -> None:
    tiers = {m.id: [effect.kind for effect in m.effects] for m in JIANGSU.measures if m.kind == "tier"}
    assert tiers == {
        "tier.transfer": ["refer"],
        "tier.criticise": ["criticise", "interview", "account"],
        "tier.account": ["account"],
    }


# ----------------------------------------------------------------------------------------------------- 咸阳大督查


def test_R90_all_figures_of_the_document() -> None:
    assert figures(XIANYANG) == {
        "inspection.joint": "PERIOD 每年6月30日、12月31日 none 本地默认",
        "slip.rectify": "SLIP 交办时写明 must",
    }
    (quota,) = XIANYANG.quotas
    assert (quota.per, quota.minimum) == ("年", 2)
    assert due_iso(XIANYANG, "inspection.joint", "2026-05-01") == "2026-06-30"


def test_R6_R7_R8_three_lines_and_their_sources() -> None:
    assert {s.id: s.line for s in XIANYANG.sources if s.line} == {
        "instruction": "special", "decision": "decision", "eight_rules": "decision", "netizen": "special",
        "proposal": "proposal",
    }  # fmt: skip


def test_R105_white_slip_reminds_and_states_standard_and_limit() -> None:
    white = XIANYANG.ladder[0]
    assert (white.colour, white.name, white.must_state) == ("white", "白色专项督办单", ("整改标准", "完成时限"))
    assert [effect.kind for effect in white.effects] == ["remind"]
    assert next_rung(XIANYANG, [], ["no_progress"]).rung == white


@pytest.mark.parametrize("failing", ["overdue", "below_standard"])
def test_R106_yellow_slip_costs_0_3_points(failing) -> None:
    yellow = next_rung(XIANYANG, ["white"], [failing, "not_justified"]).rung
    assert [effect.kind for effect in yellow.effects] == ["warn", "rectify", "score"]
    rule = XIANYANG.score(yellow.effects[2].score or "")
    assert rule.points == Decimal("-0.3")
    assert rule.hundredths == -30
    assert rule.base == "年度目标任务考核"
    assert next_rung(XIANYANG, ["white"], [failing]) is None


@pytest.mark.parametrize("failing", ["not_improved", "perfunctory"])
def test_R107_red_slip_and_its_four_effects(failing) -> None:
    red = next_rung(XIANYANG, ["white", "yellow"], [failing, "not_justified"]).rung
    assert [(effect.kind, effect.to) for effect in red.effects] == [
        ("red_light", None), ("refer", "纪检监察部门（效能监察）"),
        ("disqualify", "年度目标任务考核优秀评选资格（市考核办）"), ("refer", "组织部门（组织处理）"),
    ]  # fmt: skip


def test_A10_points_only_at_yellow() -> None:
    assert [rung.colour for rung in XIANYANG.ladder if any(e.kind == "score" for e in rung.effects)] == ["yellow"]


def test_R113_R119_interview_and_points_both_ways() -> None:
    assert [effect.kind for m in XIANYANG.measures if "R113" in m.refs for effect in m.effects] == ["interview"]
    assert XIANYANG.score("target").sign == "both"
