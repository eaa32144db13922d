"""Seed 003, the other four ways of 某县: 县长督办令, 常务会议议定事项, 督查调研, 决策督查.

R9, R40-R47, R62-R64, R67-R79, over the tree of `county`, in the autumn of 2026.
"""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.sim.stories.county import COUNTY, FAR, LEAD, NEAR, county, course_of, steps_told
from tests.sim.stories.harness import Story


def test_the_county_heads_order_is_signed_in_its_order() -> None:
    """R67-R73: 请示, 同意, 立项; 审核 in any order → 会签 → 会签 → 签发; feedback; what poor results bring."""
    story = county("2026-10-12")
    item = story.do(COUNTY, "item.register", "承办", title="城区积水点整治", source="order.instruction")["item"]
    says = "规则 county-003/1 chains.setup.order"
    story.refused(COUNTY, "item.assign", "承办", says, item=item, to=[LEAD], due="2026-11-20")
    story.do(COUNTY, "item.propose", "承办", item=item, text="拟启用县长督办令")
    story.refused(COUNTY, "item.approve", "县长", ("还没有轮到", says), item=item)
    assert story.approve(COUNTY, item, "常务", "县长") == [("请示", False), ("同意", True)]
    made = story.do(COUNTY, "item.assign", "承办", item=item, to=[LEAD, NEAR], due="2026-11-20")
    lead, near = (one["item"] for one in made["assignments"])
    for office, task in ((LEAD, lead), (NEAR, near)):
        story.do(office, "item.sign", item=task)
    order = {"item": lead, "text": "11月13日前完成整治", "due": "2026-11-13"}
    _sign(story, lead, order)
    # The limit of the order stands in the order; the task keeps its own until it is changed.
    shown = story.same_everywhere(lead, state="signed", due="2026-11-20", light="green")
    assert len(shown["tracks"]["orders"]) == 1
    assert story.tracks(LEAD, lead)["orders"] == shown["tracks"]["orders"]
    assert story.tracks(NEAR, near)["orders"] == []
    _poor_results(story, item, lead, near)
    story.agreed()


def _sign(story: Story, task: str, order: dict[str, str]) -> None:
    says = "规则 county-003/1 chains.order"
    story.refused(COUNTY, "item.order", "承办", (says, "dulian case open"), **order)
    case = story.do(COUNTY, "case.open", "承办", item=task, subject="order", text=order["text"],
                    due=order["due"])["item"]  # fmt: skip
    for early in ("事项分管", "常务", "县长"):
        story.refused(COUNTY, "item.approve", early, ("还没有轮到", says), item=case)
    assert story.approve(COUNTY, case, "主任") == [("审核", False)]
    for early in ("事项分管", "常务", "县长"):
        story.refused(COUNTY, "item.approve", early, ("还没有轮到", says, "县政府办主任"), item=case)
    assert story.approve(COUNTY, case, "办主任", "事项分管") == [("审核", False), ("会签", False)]
    story.refused(COUNTY, "item.approve", "县长", ("还没有轮到", says, "会签（常务副县长）"), item=case)
    story.refused(COUNTY, "item.order", "承办", ("尚在审批", says), **order)
    assert story.approve(COUNTY, case, "常务", "县长") == [("会签", False), ("签发", True)]
    story.at("2026-10-14")
    # What is issued is what was signed (R69).
    says_other = ("不一致", says)
    story.refused(COUNTY, "item.order", "承办", says_other, item=task, text="与签发稿无关的另一件事", due=order["due"])
    story.refused(COUNTY, "item.order", "承办", says_other, item=task, text=order["text"], due="2026-11-20")
    made = story.do(COUNTY, "item.order", "承办", item=task, handover="民政局局长到督查室领受")
    assert "领受：民政局局长到督查室领受" in story.show(LEAD, task)["timeline"][-1]["text"]
    assert made["order"] == f"{COUNTY}-令-2026-0001"
    story.refused(COUNTY, "item.order", "承办", says, **order)  # an approval serves once
    assert story.state(COUNTY, case) == "closed"


def _poor_results(story: Story, item: str, lead: str, near: str) -> None:
    """R72, R73: reported to whom it concerns without another signature; redone, points, 约谈, 问责."""
    story.at("2026-11-16")
    story.do(LEAD, "item.submit", item=lead, text="完成三处，余一处")
    story.do(COUNTY, "item.return", "承办", item=lead, reason="限期再办", due="2026-11-20")
    poor = story.show(COUNTY, lead)["timeline"][-1]["record"]
    says = "规则 county-003/1 scores.order.poor"
    story.refused(COUNTY, "item.score", "承办", ("文件没有规定分值", says), item=lead, rule="order.poor", cause=poor)
    story.refused(COUNTY, "item.score", "承办", ("扣分写负数", says), item=lead, rule="order.poor", cause=poor,
                  points="1")  # fmt: skip
    story.do(COUNTY, "item.score", "承办", item=lead, rule="order.poor", cause=poor, points="-1")
    story.do(COUNTY, "item.interview", "承办", item=lead, person="民政局局长", text="县长约谈单位责任人")
    story.do(COUNTY, "item.refer", "承办", item=lead, rule="result.order", text="建议对责任人追责", to="县监委")
    shown = story.same_everywhere(lead, state="returned", due="2026-11-20")
    assert [(one["points"], one["rule"], one["cause"]) for one in shown["tracks"]["scores"]] == [
        (-1.0, "county-003/1/scores.order.poor", poor)
    ]
    assert shown["tracks"]["interviews"] == 1
    # 问责线索 is on the county's own item alone (A21).
    assert "问责线索" not in story.course(LEAD, lead)
    assert story.course(COUNTY, item)[-1] == "问责线索"
    story.at("2026-11-20")
    for office, task in ((LEAD, lead), (NEAR, near)):
        story.do(office, "item.submit", item=task, text="已全部整治")
        story.do(COUNTY, "item.accept", "承办", item=task)  # 汇总后汇报: nobody signs
    story.do(COUNTY, "item.close", "承办", item=item)
    story.do(COUNTY, "item.archive", "承办", item=item, paper=["领导的批示件=卷二第1件"])
    story.same_everywhere(item, state="archived", light="done")


@pytest.mark.parametrize("order", list(permutations(["主任", "办主任"])))
def test_either_may_examine_the_order_first(order: tuple[str, str]) -> None:
    """R69: 县政府办主任 and 督查室负责人 examine in any order, then the others in theirs."""
    story = county("2026-10-12")
    item = story.do(COUNTY, "item.register", "承办", title="积水", source="order.upper")["item"]
    story.do(COUNTY, "item.propose", "承办", item=item, text="拟启用县长督办令")
    story.approve(COUNTY, item, "常务", "县长")
    signed = {"text": "限期办结", "due": "2026-11-20"}
    story.case(COUNTY, "承办", "order", item, *order, "事项分管", "常务", "县长", **signed)
    story.do(COUNTY, "item.order", "承办", item=item, **signed)
    assert course_of(story, item)[-1] == ("督办令", "2026-10-12")


def test_what_an_executive_meeting_decided() -> None:
    """R74-R79: minutes in 7 工作日; a new date by approval of 主任 and 办主任; feedback through the deputy."""
    story = county("2026-09-21")
    item = story.do(COUNTY, "item.register", "承办", title="第18次常务会议议定事项", source="meeting.executive",
                    rule="meeting.minutes", start="2026-09-21")["item"]  # fmt: skip
    # 22, 23, 24, 28, 29, 30 September and, after the holidays, 8 October.
    story.same_everywhere(item, due="2026-10-08", light="green")
    story.at("2026-10-09")
    story.same_everywhere(item, due="2026-10-08", light="red")
    story.do(COUNTY, "item.change", "承办", item=item, due="2026-12-31", reason="纪要已送督查室")
    made = story.do(COUNTY, "item.assign", "承办", item=item, to=[LEAD, NEAR], due="2026-11-13")
    lead, near = (one["item"] for one in made["assignments"])
    for office, task in ((LEAD, lead), (NEAR, near)):
        story.do(office, "item.sign", item=task)
        story.same_everywhere(task, due="2026-11-13", light="green")
    _extend(story, lead)
    story.at("2026-11-16")
    story.same_everywhere(lead, due="2026-12-15", light="green")
    story.same_everywhere(near, due="2026-11-13", light="red")
    story.do(COUNTY, "item.urge", "承办", item=near, text="召开协调会督促", channel="visit")
    says = "规则 county-003/1 chains.accept.meeting"
    for office, task in ((LEAD, lead), (NEAR, near)):
        story.do(office, "item.submit", item=task, text="已落实")
        story.refused(COUNTY, "item.accept", "承办", says, item=task)
    case = story.do(COUNTY, "case.open", "承办", item=lead, subject="accept", text="汇总材料")["item"]
    for early in ("主任", "办主任"):
        story.refused(COUNTY, "item.approve", early, ("还没有轮到", says, "联系责任单位的县政府办副主任"), item=case)
    assert story.approve(COUNTY, case, "副主任", "主任", "办主任") == [("审定", False), ("审核", False), ("审定", True)]
    story.do(COUNTY, "item.accept", "承办", item=lead)
    story.case(COUNTY, "承办", "accept", near, "副主任", "主任", "办主任")
    accepted = story.do(COUNTY, "item.accept", "承办", item=near)
    basis = {"rule": "meeting.basis", "cause": accepted["record"], "points": "-0.5"}
    story.do(COUNTY, "item.score", "承办", item=near, **basis)
    [score] = story.same_everywhere(near, state="accepted", light="done")["tracks"]["scores"]
    assert (score["points"], score["rule"]) == (-0.5, "county-003/1/scores.meeting.basis")
    story.do(COUNTY, "item.close", "承办", item=item)
    story.same_everywhere(item, state="closed")
    story.agreed()


def _extend(story: Story, task: str) -> None:
    """R78: the reason in writing → 主任审核, a new date → 办主任同意 → in force everywhere."""
    story.at("2026-11-09")
    says = "规则 county-003/1 chains.extension.meeting"
    story.refused(COUNTY, "item.extend", "承办", "申请延期只能由承办单位", item=task, until="2026-12-15",
                  reason="代为申请")  # fmt: skip
    story.refused(LEAD, "item.extend", None, "2026-11-13", item=task, until="2026-11-12", reason="雨季")
    story.do(LEAD, "item.extend", item=task, until="2026-12-15", reason="雨季停工")
    story.refused(COUNTY, "item.grant", "承办", (says, "dulian case open"), item=task)
    story.refused(COUNTY, "item.note", "承办", "规则 county-003/1 extensions.meeting", item=task)
    case = story.do(COUNTY, "case.open", "承办", item=task, subject="extension", text="拟同意延至12月15日")["item"]
    story.refused(COUNTY, "item.approve", "办主任", ("还没有轮到", says), item=case)
    story.approve(COUNTY, case, "主任")
    story.refused(COUNTY, "item.grant", "承办", ("同意（县政府办主任）", says), item=task)
    story.approve(COUNTY, case, "办主任")
    story.refused(COUNTY, "item.grant", "承办", ("不一致", "2026-12-15"), item=task, until="2027-01-15")
    story.do(COUNTY, "item.grant", "承办", item=task)
    shown = story.same_everywhere(task, due="2026-12-15", light="green")
    assert [one["due"] for one in shown["tracks"]["dues"]] == ["2026-11-13", "2026-12-15"]
    assert shown["tracks"]["extension"]["state"] == "granted"


def test_one_or_two_topics_of_research_each_half_year() -> None:
    """R62-R64, R65: chosen by 常务副县长 and 县长; 15 工作日; passed on in 1 工作日; a third topic waits."""
    story = county("2026-09-21")
    story.routine(COUNTY)
    [asked] = story.proposed(COUNTY, kind="research")
    assert asked["text"] == "督查调研选题：每半年1至2次（个），已有0"
    topic = {"line": "research", "rule": "research"}
    item = story.do(COUNTY, "item.register", "承办", title="营商环境调研", **topic)["item"]
    # 22-24, 28-30 September; 8-10, 12-16 and 19 October.
    story.same_everywhere(item, due="2026-10-19", light="green")
    says = "规则 county-003/1 chains.research"
    story.refused(COUNTY, "item.assign", "承办", says, item=item, to=[NEAR])
    story.do(COUNTY, "item.propose", "承办", item=item, text="调研方案")
    story.refused(COUNTY, "item.approve", "县长", ("还没有轮到", says, "审定（常务副县长）"), item=item)
    assert story.approve(COUNTY, item, "常务", "县长") == [("审定", False), ("审定", True)]
    story.do(COUNTY, "item.register", "承办", title="村级债务调研", **topic)
    story.refused(COUNTY, "item.register", "承办", ("至多 2 个", "规则 county-003/1 quotas.research"), title="丙",
                  **topic)  # fmt: skip
    [field] = [one["item"] for one in story.do(COUNTY, "item.assign", "承办", item=item, to=[NEAR])["assignments"]]
    story.do(NEAR, "item.sign", item=field)
    story.same_everywhere(field, due="2026-10-19", light="green")
    story.at("2026-10-20")
    story.routine(COUNTY)
    assert "已逾期1日（办结时限2026-10-19）" in [one["text"] for one in story.proposed(COUNTY, field)]
    story.same_everywhere(field, light="red")
    story.do(NEAR, "item.submit", item=field, text="调研材料")
    # What comes again is found over all matters; the recommendation is attached to the matter concerned (R65).
    story.do(COUNTY, "item.rectify", "承办", item=field, line=["1=窗口一次告知不到位@政务局@王某@2026-10-23"])
    other = story.do(COUNTY, "item.issue", "承办", title="办事窗口整治", to=[FAR], due="2026-12-31")
    [task] = [one["item"] for one in other["assignments"]]
    story.do(COUNTY, "item.rectify", "承办", item=task, line=["1=一次告知不到位@大厅@李某@2026-12-31"])
    [again] = story.ask(COUNTY, "problems", "承办", repeated=True)["groups"]
    assert (again["text"], again["items"], again["offices"]) == ("一次告知不到位", 2, 2)
    story.do(COUNTY, "item.attach", "承办", item=other["item"], text="督查调研建议：统一告知单")
    assert story.show(COUNTY, other["item"])["timeline"][-1]["text"] == "督查调研建议：统一告知单"
    story.do(FAR, "item.sign", item=task)
    for office, key in ((NEAR, field), (FAR, task)):
        story.do(office, "item.rectify", item=key, report=["1"])
        story.do(COUNTY, "item.rectify", "承办", item=key, clear=["1"])
    story.do(COUNTY, "item.accept", "承办", item=field)
    forward = story.do(COUNTY, "item.register", "承办", title="转办调研报告批示", source="handling.instruction",
                       rule="research.forward")["item"]  # fmt: skip
    story.same_everywhere(forward, due="2026-10-21", light="yellow")
    # Two topics are enough for this half; the next half asks again, and lets another one in.
    story.at("2026-12-25")
    story.routine(COUNTY)
    assert not [one for one in story.proposed(COUNTY, kind="research") if "12-31" in one["text"]]
    story.at("2027-01-04")
    story.do(COUNTY, "item.register", "承办", title="丙", **topic)
    story.agreed()


def test_a_decision_is_supervised_from_the_plan_to_the_notice() -> None:
    """R40-R46: plan 3 工作日, 通知 2 工作日, a week on the spot, reports 3 工作日, 通报 1 工作日, 回访复核."""
    story = county("2026-09-21")
    item = story.do(COUNTY, "item.register", "承办", title="防汛部署落实情况督查", source="decision.assigned",
                    rule="decision.plan")["item"]  # fmt: skip
    story.same_everywhere(item, due="2026-09-24", light="yellow")
    story.do(COUNTY, "item.establish", "承办", item=item)
    _plan(story, item)
    story.at("2026-09-28")
    assert steps_told(story, item) == ["印发督查通知：应于2026-09-29前"]
    assert story.due(COUNTY, "decision.announce", "2026-09-24") == "2026-09-29"
    story.do(COUNTY, "item.change", "承办", item=item, due="2026-10-31", reason="方案已批准")
    story.at("2026-09-29")
    made = story.do(COUNTY, "item.assign", "承办", item=item, to=[NEAR, FAR], rule="decision.inspect")
    near, far = (one["item"] for one in made["assignments"])
    for office, task in ((NEAR, near), (FAR, far)):
        story.do(office, "item.sign", item=task)
        # Seven days from 29 September end in the holidays: the first working day after them.
        story.same_everywhere(task, due="2026-10-08", light="yellow")
    story.at("2026-10-08")
    assert story.due(COUNTY, "decision.report", "2026-10-08") == "2026-10-12"
    for task in (near, far):
        story.do(COUNTY, "item.change", "承办", item=task, due="2026-10-12", reason="督查活动结束，3个工作日内报告")
    story.at("2026-10-10")  # a Saturday that is worked
    story.do(NEAR, "item.submit", item=near, text="督查情况报告")
    story.at("2026-10-13")
    story.same_everywhere(near, state="submitted", light="green")
    story.same_everywhere(far, state="signed", light="red")
    story.do(FAR, "item.submit", item=far, text="督查情况报告")
    for task in (near, far):
        story.do(COUNTY, "item.accept", "承办", item=task)
    _announce(story, item, near, far)
    story.agreed()


def _plan(story: Story, item: str) -> None:
    """R40: 督查室主任审核 → 政府办主任审定 → 常务副县长审批; nothing is handed out before."""
    says = "规则 county-003/1 chains.plan"
    story.at("2026-09-22")
    story.do(COUNTY, "item.plan", "承办", item=item, text="防汛督查方案")
    story.refused(COUNTY, "item.assign", "承办", ("督查方案尚未批准", "审核（县政府督查室主任）"), item=item, to=[NEAR])
    for early in ("办主任", "常务"):
        story.refused(COUNTY, "item.approve", early, ("还没有轮到", says), item=item)
    story.approve(COUNTY, item, "主任")
    story.do(COUNTY, "item.reject", "办主任", item=item, reason="补充暗访安排")
    story.same_everywhere(item, state="established")
    story.do(COUNTY, "item.plan", "承办", item=item, text="防汛督查方案（修改稿）")
    story.at("2026-09-24")
    assert story.approve(COUNTY, item, "主任", "办主任", "常务") == [("审核", False), ("审定", False), ("审批", True)]
    story.same_everywhere(item, state="established", due="2026-09-24", light="yellow")


def _announce(story: Story, item: str, near: str, far: str) -> None:
    """R44-R46: the report signed in order, the 通报 within a working day, and what it found looked at again."""
    says = "规则 county-003/1 chains.special"
    paper = {"item": item, "title": "防汛督查专题报告", "text": "一乡整改不力"}
    story.refused(COUNTY, "item.special", "承办", says, **paper)
    case = story.do(COUNTY, "case.open", "承办", item=item, subject="special", text=paper["text"])["item"]
    story.refused(COUNTY, "item.approve", "相关", ("还没有轮到", says), item=case)
    assert story.approve(COUNTY, case, "办主任", "主任", "相关") == [("审核", False), ("审核", False), ("审批", True)]
    story.do(COUNTY, "item.special", "承办", **paper)
    assert story.due(COUNTY, "decision.notice", story.today) == "2026-10-14"
    story.at("2026-10-14")
    assert steps_told(story, item) == ["印发政府督查通报：应于2026-10-14前"]
    story.do(COUNTY, "item.notice", "承办", item=item, praise=True, text="行动迅速", to=[NEAR])
    # 被通报单位 explains within 5 工作日 (the base profile's own figure).
    by = story.due(COUNTY, "notice.explain", "2026-10-14")
    assert by == "2026-10-21"
    story.do(COUNTY, "item.notice", "承办", item=item, criticise=True, text="整改不力", to=[FAR], due=by)
    story.do(COUNTY, "item.rectify", "承办", item=far, line=[f"一=清理河道@王坪乡@乡长@{by}"])
    story.refused(FAR, "item.rectify", None, "只有交办单位", item=far, clear=["一"])
    story.do(FAR, "item.rectify", item=far, report=["一"], text="已清理")
    story.do(COUNTY, "item.rectify", "承办", item=far, clear=["一"])
    assert [len(story.tracks(office, task)["notices"]) for office, task in ((NEAR, near), (FAR, far))] == [1, 1]
    story.do(COUNTY, "item.close", "承办", item=item)
    story.at("2026-11-18")
    again = story.do(COUNTY, "item.reinspect", "承办", item=item, text="回访复核")
    story.same_everywhere(item, state="reinspecting")
    story.do(COUNTY, "item.reinspect", "承办", item=item, passed=True)
    story.same_everywhere(item, state="closed")
    story.same_everywhere(again["successor"], state="cancelled")
    story.do(COUNTY, "item.archive", "承办", item=item, paper=["领导的批示件=卷三", "拟办单=卷三"])
    story.same_everywhere(item, state="archived")
