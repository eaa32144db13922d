"""liupanshui-002: every figure of 六盘水府发〔2016〕7号, on real dates."""

from node.rules.explain import responsibility_levels, rules_for
from tests.unit.rules.days import d, due_iso, figures, iso, official, shipped, steps

CITY = shipped("liupanshui-002")


def occurrences(rule, first, last):
    return [iso(day) for day in CITY.rule(rule).cadence.value.occurrences(d(first), d(last), official())]


def test_R37_to_R96_all_figures_of_the_document() -> None:
    assert figures(CITY) == {
        "study": "RECEIVED 5个工作日 principle",
        "study.major": "RECEIVED 0日 none 本地默认",
        "study.report": "SESSION_ENDED 2个工作日 must",
        "report.urgent": "OCCURRED 0日 none 本地默认",
        "report.explicit": "ASSIGN 交办时写明 must",
        "report.collate": "PERIOD 每月最后一日 none 本地默认",
        "report.monthly": "PERIOD 每月最后一日 must",
        "meeting.quarterly": "PERIOD 每季度末月最后一日 must",
        "meeting.monthly": "PERIOD 每月最后一日 must",
        "meeting.weekly": "PERIOD 每周星期五 must",
        "meeting.urgent": "OCCURRED 0日 none 本地默认",
        "ledger.enter": "ESTABLISH 1个工作日 none 本地默认",
        "ledger.reconcile": "PERIOD 每季度末月最后一日 must",
        "ledger.check": "PERIOD 每半年末月最后一日 must",
        "ledger.deliver": "PERIOD 每年12月31日 must",
        "ledger.weekly": "PERIOD 每周星期五 must",
        "ledger.monthly": "PERIOD 每月最后一日 must",
        "ledger.quarterly": "PERIOD 每季度末月最后一日 must",
        "rectify.list": "ASSIGN 交办时写明 must",
        "notice.rectify": "NOTICE 交办时写明 must",
    }


def test_R5_six_focus_sources() -> None:
    assert [s.id for s in CITY.sources if "R5" in s.refs] == [
        "instruction", "document", "meeting.province", "meeting.executive", "meeting.city", "other",
    ]  # fmt: skip


def test_R14_six_levels_of_responsibility() -> None:
    assert tuple(responsibility_levels(CITY).values()) == (
        "政府部门工作人员", "科（股）室负责人", "部门分管负责同志", "部门主要负责同志", "政府分管领导", "政府主要领导",
    )  # fmt: skip


def test_R29_grain_of_decomposition() -> None:
    assert {grain.horizon: grain.into for grain in CITY.grains} == {
        "long": "年", "year": "季", "phase": "月", "urgent_phase": "周",
    }  # fmt: skip


def test_R35_unclear_items_are_reviewed_first() -> None:
    assert steps(CITY, "setup.unclear") == ["审核：leader.matter"]


def test_R37_study_in_5_and_report_in_2_working_days() -> None:
    assert due_iso(CITY, "study", "2026-09-28") == "2026-10-10"  # 29, 30 September, 8, 9, 10 (Saturday, worked)
    assert due_iso(CITY, "study.report", "2026-09-30") == "2026-10-09"
    assert due_iso(CITY, "study.major", "2026-10-02") == "2026-10-02"
    assert rules_for(CITY, "RECEIVED", class_="major")[0].id == "study.major"


def test_R85_urgent_at_once_explicit_as_written() -> None:
    assert due_iso(CITY, "report.urgent", "2026-10-03") == "2026-10-03"
    assert CITY.rule("report.explicit").by_document


def test_R86_A13_monthly_reports_and_to_whom() -> None:
    assert occurrences("report.monthly", "2026-09-01", "2026-11-30") == ["2026-09-30", "2026-10-31", "2026-11-30"]
    assert CITY.rule("report.monthly").applies.class_ == ("key", "phase")
    informed = {chain.id: chain.informs for chain in CITY.chains if "R86" in chain.refs}
    assert informed == {
        "report.monthly.department": ("leader.matter", "office.head"),
        "report.monthly.office": ("leader.matter",),
        "report.monthly.leader": ("leader.head",),
    }


def test_R87_three_parts_of_a_report() -> None:
    assert CITY.reports.parts == ("成绩、经验、做法", "困难、问题", "建议、打算")


def test_R88_meetings_by_quarter_month_and_week() -> None:
    assert len(occurrences("meeting.quarterly", "2026-01-01", "2026-12-31")) == 4
    assert len(occurrences("meeting.monthly", "2026-01-01", "2026-12-31")) == 12
    assert occurrences("meeting.weekly", "2026-11-01", "2026-11-15") == ["2026-11-06", "2026-11-13"]


def test_R89_late_units_explain_and_catch_up() -> None:
    (late,) = [m for m in CITY.measures if "R89" in m.refs]
    assert late.effects[0].kind == "rectify"


def test_R91_two_inspections_by_delegates_a_year() -> None:
    (quota,) = CITY.quotas
    assert (quota.per, quota.minimum, quota.maximum) == ("年", 2, 2)


def test_R92_six_ledgers() -> None:
    assert [ledger.title for ledger in CITY.ledgers if "R92" in ledger.refs] == [
        "重要文件贯彻落实台账", "重要会议议定事项贯彻落实台账", "领导批示贯彻落实台账", "重大督查活动贯彻落实台账",
        "领导交办督办事项跟踪落实台账", "重大项目建设台账",
    ]  # fmt: skip


def test_R93_general_leaders_and_departments_ledgers() -> None:
    keepers = {ledger.id: ledger.keeper for ledger in CITY.ledgers if "R93" in ledger.refs}
    assert keepers == {"all": "organ.head", "leader": "section", "department": "dept.office"}


def test_R94_five_columns_in_every_ledger() -> None:
    for ledger in CITY.ledgers:
        assert {"lead", "assist", "schedule", "measures", "person"} <= set(ledger.columns), ledger.id


def test_R95_enter_reconcile_check_deliver() -> None:
    assert due_iso(CITY, "ledger.enter", "2026-09-30") == "2026-10-08"
    assert occurrences("ledger.reconcile", "2026-01-01", "2026-12-31") == [
        "2026-03-31", "2026-06-30", "2026-09-30", "2026-12-31",
    ]  # fmt: skip
    assert occurrences("ledger.check", "2026-01-01", "2026-12-31") == ["2026-06-30", "2026-12-31"]
    assert occurrences("ledger.deliver", "2026-01-01", "2026-12-31") == ["2026-12-31"]


def test_R96_weekly_monthly_quarterly() -> None:
    assert len(occurrences("ledger.weekly", "2026-01-01", "2026-12-31")) == 52
    assert len(occurrences("ledger.monthly", "2026-01-01", "2026-12-31")) == 12
    assert len(occurrences("ledger.quarterly", "2026-01-01", "2026-12-31")) == 4


def test_R97_A16_closed_only_after_verification() -> None:
    assert CITY.closing.verify_always


def test_R108_R110_rectification() -> None:
    assert CITY.rule("rectify.list").applies.line == ("rectify",)
    (notice,) = [m for m in CITY.measures if m.id == "tier.notice"]
    assert [effect.kind for effect in notice.effects] == ["criticise", "rectify", "refer"]


def test_R115_five_conditions() -> None:
    conditions = [m for m in CITY.measures if m.kind == "condition"]
    assert len(conditions) == 5
    assert all(m.refs == ("R115",) and m.effects[0].kind == "account" for m in conditions)


def test_R116_R117_negative_list() -> None:
    assert CITY.role_label(CITY.negative_keeper or "") == "政府监察部门"
    assert CITY.negative_suppliers == (
        "office.head", "discipline", "organ.head", "dept.head", "congress", "media",
    )  # fmt: skip
    (published,) = [m for m in CITY.measures if m.id == "result.publish"]
    assert [effect.to for effect in published.effects] == ["组织人事部门", "目标绩效考核部门"]
