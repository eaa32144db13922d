"""苏政办发〔2014〕94号 from January 2026 to February 2027: a province, two cities, a county and a town on one line.

What the document asks for, end to end: the annual plan and the check before supervision outside it (R24, R25), routing
by source (R26), the limits of 30 days, the three quarterly dates, 3 months and 20 days (R80 to R83), reasons told in
time without a new date (R82), on-site verification with three findings (R99), 回头看 (R98), 简报, 专报, 通报 and
results for 组织、人事 (R110, R111, R112), three levels and the town in one dynamic picture (R120 to R123).
"""

from __future__ import annotations

import pytest

from tests.sim.stories.harness import Story

PROVINCE, CITY, OTHER, COUNTY, TOWN = "320000", "320500", "320600", "320583", "320583101"
TREE = {PROVINCE: "", CITY: PROVINCE, OTHER: PROVINCE, COUNTY: CITY, TOWN: COUNTY}
RULES = "规则 jiangsu-000/1"


def province(start: str) -> Story:
    """The province goes by its document and publishes it for everybody below (R125); the cities have the default."""
    story = Story(TREE, start)
    story.publish_calendar()
    story.publish(PROVINCE, "jiangsu-000")
    story.hire(PROVINCE, "省长", "leader.head")
    story.hire(PROVINCE, "主任", "organ.head")
    story.hire(PROVINCE, "承办")
    return story


def sign(story: Story, made: dict[str, object]) -> list[str]:
    """Everybody signs what was assigned; the tasks."""
    tasks = []
    for one in made["assignments"]:  # type: ignore[attr-defined]
        story.do(one["to"], "item.sign", item=one["item"])
        tasks.append(str(one["item"]))
    return tasks


def finish(story: Story, receiver: str, issuer: str, task: str) -> None:
    story.do(receiver, "item.submit", item=task, text="已办结")
    story.do(issuer, "item.accept", item=task)
    story.do(issuer, "item.close", item=task)


def test_the_plan_is_approved_and_what_stands_outside_it_is_checked_first() -> None:
    """R24, R25: a plan at the start of the year, consented to by the head; no 重复督查 outside it."""
    story = province("2026-01-05")
    story.routine(PROVINCE)
    [proposal] = story.proposed(PROVINCE, kind="plan")
    assert "jiangsu-000/1 annual.plan" in proposal["grounds"]
    assert "每年年初" in proposal["grounds"]
    head = story.do(PROVINCE, "plan.add", "承办", year=2026, requirement="围绕中心工作")["item"]
    entry = story.do(PROVINCE, "plan.add", "承办", year=2026, title="优化营商环境政策落实情况督查", source="policy")
    assert story.ask(PROVINCE, "plan.show", year=2026)["approved"] is False
    waits = ("2026 年的督查计划尚未批准", f"{RULES} chains.plan.annual")
    story.refused(PROVINCE, "item.establish", "承办", says=(*waits, "dulian case open"), item=entry["item"])
    made = story.do(PROVINCE, "case.open", "承办", item=head, subject="annual_plan", text="送审")
    story.refused(PROVINCE, "item.assign", "承办", says=(*waits, "dulian item approve"), item=entry["item"], to=[CITY])
    story.refused(PROVINCE, "item.approve", "主任", says=RULES, item=made["item"])
    story.refused(PROVINCE, "item.approve", "承办", says="没有相应职务", item=made["item"])
    assert story.approve(PROVINCE, made["item"], "省长") == [("同意", True)]
    shown = story.ask(PROVINCE, "plan.show", year=2026)
    assert shown["approved"]
    assert [row["number"] for row in shown["entries"]] == [entry["number"]]
    story.do(PROVINCE, "item.establish", "承办", item=entry["item"])
    # What is added after the approval waits for another one.
    added = story.do(PROVINCE, "plan.add", "承办", year=2026, title="事后列入的督查", source="policy")["item"]
    story.refused(PROVINCE, "item.establish", "承办", says=(*waits, "dulian case open"), item=added)
    shown = story.ask(PROVINCE, "plan.show", year=2026)
    assert (shown["approved"], len(shown["entries"]), len(shown["pending"])) == (True, 2, 1)
    story.case(PROVINCE, "承办", "annual_plan", head, "省长")
    story.do(PROVINCE, "item.establish", "承办", item=added)
    story.do(PROVINCE, "item.cancel", "承办", item=added, reason="并入另一项")
    story.at("2026-01-06")
    assert [one for one in story.routine(PROVINCE) if one.kind == "plan"] == []
    # A business section wants the same again, outside the plan.
    again = "关于优化营商环境政策落实的专项督查"
    [alike] = story.ask(PROVINCE, "plan.check", title=again)["alike"]
    assert alike["number"] == entry["number"]
    said = (entry["number"], "规则：计划外督查报批前须送审")
    for verb, more in (("item.register", {"line": "offplan"}), ("item.register", {}), ("item.issue", {"to": [CITY]})):
        story.refused(PROVINCE, verb, "承办", says=said, title=again, source="specialised", **more)
    own = story.do(
        PROVINCE, "item.register", "承办", title=again, source="specialised", distinct="只查外资企业",
    )["item"]  # fmt: skip
    assert "只查外资企业" in story.show(PROVINCE, own)["terms"]["remark"]
    story.refused(PROVINCE, "item.assign", "承办", says=f"{RULES} chains.plan.offplan", item=own, to=[CITY])
    story.do(PROVINCE, "item.propose", "承办", item=own, text="送同级政府督查机构审核")
    story.refused(PROVINCE, "item.establish", "承办", says="主任", item=own)
    assert story.approve(PROVINCE, own, "主任") == [("审核", True)]
    [task] = sign(story, story.do(PROVINCE, "item.assign", "承办", item=own, to=[CITY], due="2026-03-31"))
    story.same_everywhere(task, state="signed", due="2026-03-31", light="green")
    story.agreed()


def test_who_organises_and_thirty_days_through_four_levels() -> None:
    """R1, R12, R26, R28, R80, R120, R122, R123: a decision goes 省市县乡 and comes back, all in one picture."""
    story = province("2026-03-02")
    routed = {"meeting": "督查机构组织督查", "instruction": "督查机构会同业务处室", "specialised": "业务处室具体实施"}
    for source, by in routed.items():
        made = story.do(PROVINCE, "item.register", "承办", title=f"路由{source}", source=source)
        assert story.show(PROVINCE, made["item"])["terms"]["supervised_by"] == by
    named = story.do(PROVINCE, "item.register", "承办", title="另定", source="meeting", supervised_by="省督查室综合处")
    assert story.show(PROVINCE, named["item"])["terms"]["supervised_by"] == "省督查室综合处"
    # 拟订督查方案 → 下达督查任务 → 开展督查活动 → 形成督查报告 → 成果运用; joint plan with the business section.
    own = story.do(PROVINCE, "item.register", "承办", title="省政府全体会议精神贯彻落实", source="policy")["item"]
    story.do(PROVINCE, "item.establish", "承办", item=own)
    steps = ["方案=会同业务处室共同制定@2026-03-06", "报告=形成督查报告@2026-03-31"]
    story.do(PROVINCE, "item.plan", "承办", item=own, text="共同制定督查方案", milestone=steps)
    made = story.do(PROVINCE, "item.assign", "承办", item=own, to=[CITY], rule="report.important", start="2026-03-02")
    [city] = sign(story, made)
    terms = story.same_everywhere(city, due="2026-04-01", state="signed")["terms"]
    assert terms["rule"] == "jiangsu-000/1/report.important"
    assert (terms["strength"], terms["supervised_by"]) == ("general", "督查机构会同业务处室")
    says = "2026-04-01"
    story.refused(CITY, "item.decompose", says=says, item=city, to=[COUNTY], due="2026-04-02")
    [county] = sign(story, story.do(CITY, "item.decompose", item=city, to=[COUNTY], due="2026-03-25"))
    [town] = sign(story, story.do(COUNTY, "item.decompose", item=county, to=[TOWN], due="2026-03-20"))
    for item, line in ((city, 2), (county, 3), (town, 4)):
        assert len(story.same_everywhere(item)["line"]["path"]) == line
    story.at("2026-03-18")
    story.do(TOWN, "item.report", item=town, text="已逐户走访", percent=60)
    story.same_everywhere(town, state="active", percent=60, light="yellow")
    story.refused(CITY, "item.submit", item=city, text="提前报结")
    story.at("2026-03-23")
    story.same_everywhere(town, light="red")
    story.same_everywhere(county, light="yellow")
    story.do(COUNTY, "item.urge", item=town, text="抓紧", channel="phone")
    finish(story, TOWN, COUNTY, town)
    finish(story, COUNTY, CITY, county)
    story.at("2026-03-31")
    finish(story, CITY, PROVINCE, city)
    story.do(PROVINCE, "item.milestone", "承办", item=own, done="报告")
    story.do(PROVINCE, "item.bulletin", "承办", item=own, title="督查工作简报第1期", text="各地落实情况")
    story.do(PROVINCE, "item.special", "承办", item=own, title="专报", text="请省长阅示")
    story.do(PROVINCE, "item.close", "承办", item=own)
    # Every level sees the whole way of what lies below it, with the words as they were signed.
    assert [entry["text"] for entry in story.show(PROVINCE, town)["timeline"] if entry["author"] == TOWN][2:] == [
        "[60%] 已逐户走访", "已办结",
    ]  # fmt: skip
    assert story.course(PROVINCE, own)[-3:] == ["简报", "专报", "销号"]
    assert not {"简报", "专报"} & set(story.course(CITY, city))
    story.agreed()


def test_an_instruction_takes_thirty_days_and_reasons_move_no_date() -> None:
    """R82, A12: finished and reported in 30 days; else the reasons are told before, and the date stands."""
    story = province("2026-03-02")
    made = story.do(PROVINCE, "item.issue", "承办", title="省长批示：化工园区安全", source="instruction", to=[CITY])
    [task] = sign(story, made)
    story.same_everywhere(task, due="2026-04-01", light="green")
    why = {"item": task, "until": "2026-04-30", "reason": "两家企业停产检修", "progress": "已查八家"}
    story.refused(PROVINCE, "item.grant", "承办", item=task)
    story.at("2026-03-30")
    story.same_everywhere(task, light="yellow")
    story.do(CITY, "item.extend", **why)
    story.refused(PROVINCE, "item.grant", "承办", says=f"{RULES} extensions.instruction", item=task)
    story.do(PROVINCE, "item.note", "承办", item=task, text="已知悉，仍请抓紧")
    shown = story.same_everywhere(task, due="2026-04-01")
    assert shown["tracks"]["extension"]["label"] == "已说明，原时限不变"
    story.at("2026-04-01")
    story.refused(CITY, "item.extend", says=("2026-03-31", f"{RULES} extensions.instruction"), **why)
    story.routine(PROVINCE)
    assert [row["kind"] for row in story.proposed(PROVINCE, task)] == ["due"]
    story.at("2026-04-02")
    story.same_everywhere(task, light="red", state="signed")
    story.at("2026-04-08")
    finish(story, CITY, PROVINCE, task)
    story.same_everywhere(task, state="closed", light="done")
    story.agreed()


def test_quarterly_reports_on_the_three_dates_and_on_no_other() -> None:
    """R81, A4, A13: 7月15日, 10月15日, 1月15日 for the quarter before; none on 4月15日; proposed, and given."""
    story = province("2026-03-16")
    made = story.do(
        PROVINCE, "item.issue", "承办", title="沿江高铁", source="project", **{"class": "key"}, to=[CITY],
        due="2027-02-26", frequency="report.quarterly",
    )  # fmt: skip
    [task] = sign(story, made)
    assert story.show(CITY, task)["terms"]["frequency"] == "report.quarterly"
    story.at("2026-04-16")
    for office in (PROVINCE, CITY):
        story.routine(office)
        assert story.proposed(office, task, "report_due") == []
    for before, due in (("2026-07-14", "2026-07-15"), ("2026-10-14", "2026-10-15"), ("2027-01-14", "2027-01-15")):
        story.at(before)
        for office in (PROVINCE, CITY):
            story.routine(office)
            [proposal] = story.proposed(office, task, "report_due")
            assert proposal["text"].startswith(due), proposal
            assert "jiangsu-000/1 report.quarterly" in proposal["grounds"]
            assert "7月15日、10月15日、1月15日前报告前一季度" in proposal["grounds"]
        story.do(CITY, "item.report", item=task, text="前一季度进展", percent=int(due[5:7]) * 3)
        story.at(due)
        for office in (PROVINCE, CITY):
            story.routine(office)
            assert story.proposed(office, task, "report_due") == []
    assert story.course(PROVINCE, task).count("进展") == 3
    story.same_everywhere(task, light="green", percent=3)
    story.at("2027-02-26")
    finish(story, CITY, PROVINCE, task)
    story.agreed()


def test_proposals_are_answered_in_three_months_and_reported_in_twenty_days() -> None:
    """R83: 3 months from 交办, and 20 days from the end of the year's task; two limits, one matter."""
    story = province("2026-03-02")
    own = story.do(PROVINCE, "item.register", "承办", title="人大代表建议第12号", source="proposal")["item"]
    terms = {"item": own, "to": [CITY]}
    [answer] = sign(story, story.do(PROVINCE, "item.assign", "承办", rule="proposal.answer", **terms))
    story.same_everywhere(answer, due="2026-06-02")
    story.at("2026-06-01")
    finish(story, CITY, PROVINCE, answer)
    story.at("2026-09-16")
    made = story.do(PROVINCE, "item.assign", "承办", rule="proposal.report", start="2026-09-14", **terms)
    [report] = sign(story, made)
    # The 4th of October lies in the holiday: 8 October.
    story.same_everywhere(report, due="2026-10-08")
    story.at("2026-10-08", 20)
    story.same_everywhere(report, light="yellow")
    finish(story, CITY, PROVINCE, report)
    story.do(PROVINCE, "item.close", "承办", item=own)
    assert story.state(PROVINCE, own) == "closed"
    story.agreed()


def test_verified_on_site_by_three_findings_and_looked_at_again() -> None:
    """R2, R98, R99, R110, R112, R113: no closing without the three findings; what comes back goes on in a successor."""
    story = province("2026-05-11")
    made = story.do(
        PROVINCE, "item.issue", "承办", title="黑臭水体整治", source="project", **{"class": "attention"},
        to=[CITY, OTHER], lead=[CITY], due="2026-08-31",
    )  # fmt: skip
    own, (lead, other) = made["item"], sign(story, made)
    story.at("2026-08-20")
    story.do(OTHER, "item.submit", item=other, text="配合完成")
    story.do(PROVINCE, "item.accept", "承办", item=other)
    story.do(CITY, "item.submit", item=lead, text="全部消除")
    story.do(PROVINCE, "item.accept", "承办", item=lead)
    story.refused(PROVINCE, "item.close", "承办", says=f"{RULES} closing", item=lead)
    story.refused(PROVINCE, "item.close", "承办", says=f"{RULES} closing", item=own)
    story.do(PROVINCE, "item.verify", "承办", item=lead, start=True, text="实地调查复核")
    story.same_everywhere(lead, state="verifying")
    asked = ["情况是否查明=是", "整改是否到位=是", "群众是否满意=是"]
    short = f"{RULES} closing.findings"
    story.refused(PROVINCE, "item.verify", "承办", says=short, item=lead, passed=True, finding=asked[:2])
    no = [*asked[:2], "群众是否满意=否"]
    story.refused(PROVINCE, "item.verify", "承办", says=short, item=lead, passed=True, finding=no)
    story.do(PROVINCE, "item.verify", "承办", item=lead, failed=True, finding=no, text="群众反映仍有异味")
    story.do(PROVINCE, "item.return", "承办", item=lead, reason="群众不满意，重办", due="2026-08-31")
    story.do(PROVINCE, "item.notice", "承办", item=own, criticise=True, to=[CITY], text="责成说明", due="2026-08-28")
    assert story.course(CITY, lead)[-1] == "通报"
    assert "通报" not in story.course(OTHER, other)
    story.do(PROVINCE, "item.interview", "承办", item=lead, person="市水务局局长", text="批评并约谈")
    story.at("2026-08-31")
    story.do(CITY, "item.submit", item=lead, text="已再次清淤")
    story.do(PROVINCE, "item.accept", "承办", item=lead)
    for task in (lead, other):
        story.do(PROVINCE, "item.verify", "承办", item=task, passed=True, finding=asked)
        story.same_everywhere(task, state="completed")
        story.do(PROVINCE, "item.close", "承办", item=task)
    story.do(PROVINCE, "item.close", "承办", item=own)
    story.do(PROVINCE, "item.refer", "承办", item=own, to="组织、人事部门", text="督查情况通报")
    # 回头看 after two months: the problem is back.
    story.at("2026-10-26")
    again = story.do(PROVINCE, "item.reinspect", "承办", item=lead, text="回头看")["successor"]
    story.same_everywhere(lead, state="reinspecting")
    assert story.holders(again) == [PROVINCE]
    found = story.do(PROVINCE, "item.reinspect", "承办", item=lead, failed=True, text="出现返黑返臭")
    assert found["successor"] == again
    shown = story.same_everywhere(lead, state="closed")
    assert shown["tracks"]["reinspections"] == [again]
    assert story.show(PROVINCE, again)["predecessor"] == lead
    [second] = sign(story, story.do(PROVINCE, "item.assign", "承办", item=again, to=[CITY], due="2026-12-31"))
    story.at("2026-12-28")
    story.do(CITY, "item.submit", item=second, text="已截污")
    story.do(PROVINCE, "item.accept", "承办", item=second)
    story.do(PROVINCE, "item.verify", "承办", item=second, passed=True, finding=asked)
    story.do(PROVINCE, "item.close", "承办", item=second)
    story.do(PROVINCE, "item.close", "承办", item=again)
    open_ = [row for row in story.ask(PROVINCE, "item.list") if row["light"] != "done"]
    assert open_ == []
    story.agreed()


@pytest.mark.parametrize("office", [CITY, COUNTY, TOWN])
def test_what_the_province_lays_down_can_be_read_below(office: str) -> None:
    """R11, R125: the upper organ guides: its rules and calendar are at everybody below, who may take them over."""
    story = province("2026-03-02")
    [row] = [row for row in story.ask(office, "rules.list") if row["office"] == PROVINCE]
    assert (row["name"], row["in_force"]) == ("jiangsu-000/1", False)
    assert story.ask(office, "calendar.show", year=2026)["provisional"] is False
    story.publish(office, "jiangsu-000")
    assert [one["in_force"] for one in story.ask(office, "rules.list") if one["office"] == office] == [True]
