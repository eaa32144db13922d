"""county-003: every figure of 政府督查工作制度 and its two annexes, computed on real dates."""

from node.rules.explain import chain_for, extension_for
from tests.unit.rules.days import due_iso, figures, official, shipped, steps

COUNTY = shipped("county-003")

# 国庆 2026: 1 to 7 October off, Saturday 10 October worked.
BEFORE_HOLIDAY = "2026-09-28"


def due(rule, start=BEFORE_HOLIDAY):
    return due_iso(COUNTY, rule, start)


def test_R40_to_R79_all_figures_of_the_document() -> None:
    assert figures(COUNTY) == {
        "decision.plan": "DECIDED 3个工作日 must",
        "decision.announce": "PLAN 2个工作日 must",
        "decision.inspect": "INSPECTION_STARTED 1周 general",
        "decision.report": "INSPECTION_ENDED 3个工作日 must",
        "decision.notice": "REPORT_APPROVED 1个工作日 must",
        "handling.propose": "REGISTER 2个工作日 must",
        "handling.setup": "REGISTER 3个工作日 must",
        "handling.finish": "DISPATCH 15个工作日 principle",
        "upper.answer": "UPPER_ASSIGNED 2个月 must",
        "own.report": "FINAL 3个工作日 none 本地默认",
        "research": "RESEARCH_STARTED 15个工作日 general",
        "research.forward": "RESEARCH_INSTRUCTED 1个工作日 must",
        "order.feedback": "ORDER 交办时写明 must",
        "meeting.minutes": "MEETING_ENDED 7个工作日 must",
        "meeting.feedback": "ASSIGN 交办时写明 must",
    }


def test_R9_five_grounds_of_decision_supervision() -> None:
    assert [s.id for s in COUNTY.sources if s.line == "decision"] == [
        "decision.upper", "decision.visit", "decision.meeting", "decision.chaired", "decision.assigned",
    ]  # fmt: skip


def test_R10_four_grounds_of_special_handling() -> None:
    assert [s.id for s in COUNTY.sources if "R10" in s.refs] == [
        "handling.instruction", "handling.letter", "handling.organ", "handling.other",
    ]  # fmt: skip


def test_R40_plan_in_3_working_days_and_its_chain() -> None:
    assert due("decision.plan") == "2026-10-08"
    assert steps(COUNTY, "plan") == ["审核：organ.head", "审定：office.head", "审批：leader.executive"]
    labels = [COUNTY.role_label(step.roles[0]) for step in COUNTY.chain("plan").steps]
    assert labels == ["县政府督查室主任", "县政府办主任", "常务副县长"]


def test_R41_notice_issued_in_2_working_days() -> None:
    assert due("decision.announce") == "2026-09-30"
    assert due("decision.announce", "2026-09-30") == "2026-10-09"


def test_R42_A17_activity_in_one_week() -> None:
    assert due("decision.inspect") == "2026-10-08"  # the seventh day, 5 October, is a holiday
    assert due("decision.inspect", "2026-11-02") == "2026-11-09"
    assert COUNTY.rule("decision.inspect").strength == "general"


def test_R44_group_reports_in_3_working_days_and_the_special_report() -> None:
    assert due("decision.report", "2026-11-09") == "2026-11-12"
    assert steps(COUNTY, "special") == ["审核：office.head+organ.head", "审批：leader.related"]


def test_R45_notice_in_1_working_day() -> None:
    assert due("decision.notice", "2026-09-30") == "2026-10-08"
    assert [m.title for m in COUNTY.measures if "R45" in m.refs] == ["点名批评并督促整改", "建议追究责任"]


def test_R48_proposal_in_2_working_days() -> None:
    assert due("handling.propose") == "2026-09-30"
    assert due("handling.propose", "2026-09-30") == "2026-10-09"
    assert steps(COUNTY, "setup") == ["审核：organ.head", "审定：leader.supervision+office.head"]


def test_R49_setup_in_3_working_days() -> None:
    assert due("handling.setup") == "2026-10-08"


def test_R51_finished_in_15_working_days_after_the_letter() -> None:
    assert due("handling.finish") == "2026-10-23"
    assert COUNTY.rule("handling.finish").start == "DISPATCH"
    assert COUNTY.rule("handling.finish").strength == "principle"


def test_R53_R59_who_cannot_finish_reports_and_the_date_stays() -> None:
    for origin in ("own", "city", "province", "upper"):
        assert extension_for(COUNTY, line="handling", origin=origin).mode == "notify_only"


def test_R55_masses_return_visit() -> None:
    assert COUNTY.closing.verify_required == ("masses",)
    assert COUNTY.closing.findings == ("solved", "satisfied")


def test_R56_chain_of_the_handling_report() -> None:
    assert steps(COUNTY, "accept") == [
        "审核：organ.head", "审签：leader.supervision+office.head", "审示：leader.instructing",
    ]  # fmt: skip
    labels = [COUNTY.role_label(role) for step in COUNTY.chain("accept").steps for role in step.roles]
    assert labels == ["县政府督查室主任", "分管督查工作副县长", "县政府办主任", "交办或批办的领导"]


def test_R57_answer_upward_within_two_months() -> None:
    assert due("upper.answer", "2026-08-09") == "2026-10-09"
    assert due("upper.answer", "2026-08-03") == "2026-10-08"  # 3 October lies in the holiday
    assert due("upper.answer", "2025-12-31") == "2026-02-28"  # no 31 February; a Saturday that is worked
    assert steps(COUNTY, "report.upper") == ["签发：leader.head/office.head"]
    assert chain_for(COUNTY, "report", origin="own") is None


def test_R60_own_leaders_promptly_by_local_default() -> None:
    assert COUNTY.rule("own.report").local_default
    assert due("own.report") == "2026-10-08"


def test_R61_archive_of_two_copies() -> None:
    assert COUNTY.closing.copies == 2
    assert COUNTY.closing.manifest == (
        "正式的查办报告", "领导的批示件", "拟办单", "督查函", "领导对查办报告的批示",
    )  # fmt: skip


def test_R62_one_or_two_topics_each_half_year() -> None:
    (quota,) = [q for q in COUNTY.quotas if "R62" in q.refs]
    assert (quota.per, quota.minimum, quota.maximum) == ("半年", 1, 2)
    assert steps(COUNTY, "research") == ["审定：leader.executive", "审定：leader.head"]


def test_R63_research_of_at_most_15_working_days() -> None:
    assert due("research") == "2026-10-23"


def test_R64_instruction_forwarded_in_1_working_day() -> None:
    assert due("research.forward", "2026-09-30") == "2026-10-08"


def test_R67_four_grounds_of_the_mayors_order() -> None:
    assert [s.id for s in COUNTY.sources if s.line == "order"] == [
        "order.instruction", "order.upper", "order.county", "order.leader",
    ]  # fmt: skip


def test_R68_setup_of_the_mayors_order() -> None:
    assert steps(COUNTY, "setup.order") == ["请示：leader.executive", "同意：leader.head"]


def test_R69_the_mayors_order_is_signed_in_this_order() -> None:
    order = COUNTY.chain("order")
    assert steps(COUNTY, "order") == [
        "审核：office.head+organ.head", "会签：leader.matter", "会签：leader.executive", "签发：leader.head",
    ]  # fmt: skip
    assert order.pending(["leader.head", "leader.executive"]) == (0, ("office.head", "organ.head"))
    signed = ["organ.head", "office.head", "leader.matter", "leader.executive"]
    assert order.pending(signed) == (3, ("leader.head",))
    assert COUNTY.role_label("leader.head") == "县长"
    assert order.pending([*signed, "leader.head"]) == (4, ())


def test_R72_feedback_of_the_order_goes_to_four() -> None:
    assert COUNTY.rule("order.feedback").by_document
    informed = [COUNTY.role_label(role) for role in chain_for(COUNTY, "accept", line="order").informs]
    assert informed == ["县长", "常务副县长", "所督办事项的分管副县长", "县政府办主任"]


def test_R73_poor_result_of_the_order() -> None:
    (result,) = [m for m in COUNTY.measures if "R73" in m.refs]
    assert [effect.kind for effect in result.effects] == ["score", "redo", "interview", "account"]
    assert COUNTY.score("order.poor").points is None  # A10: the document names no figure
    assert COUNTY.score("order.poor").sign == "subtract"


def test_R74_minutes_in_7_working_days() -> None:
    assert due("meeting.minutes") == "2026-10-13"


def test_R77_feedback_of_meeting_items() -> None:
    assert steps(COUNTY, "accept.meeting") == ["审定：office.deputy", "审核：organ.head", "审定：office.head"]
    assert COUNTY.chain("accept.meeting").informs == ("leader.all",)


def test_R78_extension_of_meeting_items_by_approval() -> None:
    extension = extension_for(COUNTY, line="meeting")
    assert extension.mode == "approval"
    assert steps(COUNTY, extension.chain or "") == ["审核：organ.head", "同意：office.head"]


def test_A8_labels_of_this_office() -> None:
    assert COUNTY.role_label("leader.supervision") == "分管督查工作副县长"
    assert COUNTY.role_label("leader.executive") == "常务副县长"
    assert COUNTY.levels.node == "县"
    assert official().is_known(COUNTY.valid_from_day)
