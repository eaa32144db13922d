"""Seed 003, 某县《政府督查工作制度》: 专项查办 from 批示 to 归档, and the two-month answer to the upper office.

市 → 县 → 县民政局 and two 乡镇, from September to November of 2026 (中秋 and 国庆 in between). R10, R33, R48-R61.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.stories.harness import Story

CITY, COUNTY, LEAD, NEAR, FAR = "410300", "410326", "410326-mzj", "410326100", "410326101"
TREE = {CITY: "", COUNTY: CITY, LEAD: COUNTY, NEAR: COUNTY, FAR: COUNTY}
POSTS = {
    "主任": ("organ.head",), "办主任": ("office.head",), "分管": ("leader.supervision",),
    "常务": ("leader.executive",), "县长": ("leader.head",), "批示": ("leader.instructing",),
    "事项分管": ("leader.matter",), "副主任": ("office.deputy",), "相关": ("leader.related",),
}  # fmt: skip
POINTS = ["低保金何时补发", "责任如何追究"]
ANSWERS = ["1=10月20日已全部补发", "2=两名经办人已作出处理"]


def county(start: str) -> Story:
    """The tree with the calendar of 2026, the county's rules and its people."""
    story = Story(TREE, start)
    story.publish_calendar()
    story.publish(COUNTY, "county-003")
    for name, posts in POSTS.items():
        story.hire(COUNTY, name, *posts)
    story.hire(COUNTY, "承办")
    return story


@pytest.fixture
def story() -> Story:
    return county("2026-09-21")


def course_of(story: Story, item: str) -> list[tuple[str, str]]:
    """(kind, business date) of every record of an item, in order."""
    entries: list[dict[str, Any]] = story.show(COUNTY, item)["timeline"]
    return [(entry["kind_label"], entry["recorded_at"][:10]) for entry in entries]


class Handling:
    """One 批示件 and its tasks."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.item = ""
        self.lead = self.near = self.far = ""

    def set_up(self) -> None:
        """批示 → 拟办 in 2 工作日 → 审核, 审定 → 立项 in 3 工作日 (R48, R49, A7)."""
        story = self.story
        made = story.do(COUNTY, "item.register", "承办", title="群众反映低保金未发放", source="handling.instruction",
                        rule="handling.propose", point=POINTS, **{"class": "masses"})  # fmt: skip
        self.item = item = made["item"]
        assert made["number"] == f"{COUNTY}-2026-0001"
        # Registered on Monday: two working days later is Wednesday, three is the day before 中秋.
        story.same_everywhere(item, state="registered", due="2026-09-23", light="yellow")
        says = "规则 county-003/1 chains.setup"
        story.refused(COUNTY, "item.assign", "承办", says, item=item, to=[LEAD])
        story.refused(COUNTY, "item.establish", "承办", says, item=item)
        story.at("2026-09-22")
        story.do(COUNTY, "user.change", name="主任", role=["leader", "supervisor"])
        story.do(COUNTY, "item.propose", "主任", item=item, text="拟转民政局")
        story.refused(COUNTY, "item.approve", "主任", ("不能审批自己拟的稿", says), item=item)
        story.do(COUNTY, "item.propose", "承办", item=item, text="拟由民政局牵头，城关镇、王坪乡协办")
        for early in ("分管", "办主任"):
            story.refused(COUNTY, "item.approve", early, ("还没有轮到", says, "审核（县政府督查室主任）"), item=item)
        story.refused(COUNTY, "item.approve", "承办", ("没有相应职务", says), item=item)
        story.refused(COUNTY, "item.approve", "县长", says, item=item)
        story.do(COUNTY, "item.change", "承办", item=item, due="2026-09-24", reason="已拟办，立项限3个工作日")
        story.at("2026-09-23")
        assert story.approve(COUNTY, item, "主任") == [("审核", False)]
        story.refused(COUNTY, "item.approve", "主任", ("已经审批过", says), item=item)
        story.refused(COUNTY, "item.assign", "承办", ("审定（分管督查工作副县长、县政府办主任）", says), item=item, to=[LEAD])
        story.at("2026-09-24")
        assert story.approve(COUNTY, item, "办主任", "分管") == [("审定", False), ("审定", True)]
        story.same_everywhere(item, state="established", due="2026-09-24", light="yellow")

    def dispatch(self) -> None:
        """督查函 to the lead and two assistants: 15 工作日, across 中秋 and 国庆 (R50, R51)."""
        story = self.story
        story.do(COUNTY, "item.change", "承办", item=self.item, due="2026-11-30", reason="已立项")
        story.refused(COUNTY, "item.assign", "承办", "2026-11-30", item=self.item, to=[LEAD], due="2026-12-01")
        made = story.do(COUNTY, "item.assign", "承办", item=self.item, to=[LEAD, NEAR, FAR], lead=[LEAD],
                        rule="handling.finish", form="协办")  # fmt: skip
        self.lead, self.near, self.far = (one["item"] for one in made["assignments"])
        assert [one["role"] for one in made["assignments"]] == ["lead", "assist", "assist"]
        for task in (self.lead, self.near, self.far):
            # 28, 29, 30 September; 8, 9, 10 (Saturday worked), 12-16, 19-22 October.
            story.same_everywhere(task, state="delivered", due="2026-10-22", light="green")
        lines = story.do(LEAD, "rules.explain", item=self.lead)["steps"]
        assert any("15 个工作日内办结" in line for line in lines)
        assert any("原则上" in line and "不亮红灯" in line for line in lines)

    def urge(self) -> None:
        """签收, 退签, 催办 by telephone recorded as it was, reports shared between lead and assistants (R33, R52)."""
        story = self.story
        for office, task in ((LEAD, self.lead), (NEAR, self.near)):
            story.do(office, "item.sign", item=task)
        story.at("2026-09-29")
        story.routine(COUNTY)
        assert [one["text"] for one in story.proposed(COUNTY, self.far)] == ["应于2026-09-28前签收，尚未签收"]
        assert story.proposed(COUNTY, self.near) == []
        story.do(FAR, "item.refuse", item=self.far, reason="辖区没有低保对象涉及此事")
        story.refused(LEAD, "item.urge", None, "催办", item=self.lead, text="请抓紧")
        story.at("2026-10-08")
        done = story.do(COUNTY, "item.urge", "承办", item=self.lead, text="电话催办，民政局称正在核对名册", channel="phone",
                        occurred="2026-09-30")  # fmt: skip
        entry = next(one for one in story.show(LEAD, self.lead)["timeline"] if one["record"] == done["record"])
        assert (entry["actor"], entry["text"]) == ("承办", "电话催办，民政局称正在核对名册（补录，实际发生于 2026-09-30）")
        story.do(NEAR, "item.report", item=self.near, text="城关镇名册已核对", percent=60)
        [shared] = [one for one in story.show(LEAD, self.lead)["timeline"] if one["kind_label"] == "转送"]
        assert [(one["author"], one["confirmed"]) for one in shared["enclosed"]] == [(NEAR, True)]
        assert "城关镇名册已核对" in shared["enclosed"][0]["text"]
        story.same_everywhere(self.lead, state="signed", light="green")

    def late(self) -> None:
        """临近, 到期, 逾期: a limit in principle never turns red; 延期 is only told, the date stays (R51, R53, A14)."""
        story = self.story
        story.at("2026-10-19")
        story.routine(COUNTY)
        assert [one["text"] for one in story.proposed(COUNTY, self.lead)] == ["距办结时限2026-10-22还有3个工作日"]
        story.same_everywhere(self.lead, light="yellow")
        story.do(LEAD, "item.extend", item=self.lead, until="2026-11-06", reason="银行账户信息有误", progress="已补发八成")
        story.refused(COUNTY, "item.grant", "承办", ("原时限不变", "规则 county-003/1 extensions.handling"), item=self.lead)
        story.do(COUNTY, "item.note", "承办", item=self.lead, text="已知悉，请随时报告进展")
        shown = story.same_everywhere(self.lead, due="2026-10-22")
        assert shown["tracks"]["extension"]["state"] == "noted"
        story.do(NEAR, "item.submit", item=self.near, text="城关镇已办结", answer=ANSWERS)
        story.at("2026-10-26")
        story.routine(COUNTY)
        texts = [one["text"] for one in story.proposed(COUNTY, self.lead)]
        assert "已逾期4日（办结时限2026-10-22）" in texts
        story.same_everywhere(self.lead, light="yellow")
        story.same_everywhere(self.near, state="submitted", light="green")

    def redo(self) -> None:
        """办结报告 that answers each point → 重办 → again → 补办 → again (R54, R58)."""
        story = self.story
        says = ("2. 责任如何追究", "规则 county-003/1 R58")
        story.refused(LEAD, "item.submit", None, says, item=self.lead, text="已办结", answer=ANSWERS[:1])
        story.do(LEAD, "item.submit", item=self.lead, text="已办结", answer=ANSWERS)
        story.same_everywhere(self.lead, state="submitted", light="yellow")
        story.refused(LEAD, "item.return", None, "退回", item=self.lead, reason="自退")
        story.refused(COUNTY, "item.return", "承办", "2026-11-30", item=self.lead, reason="重办", due="2026-12-01")
        story.do(COUNTY, "item.return", "承办", item=self.lead, reason="补发名单与银行流水不符，重办", due="2026-11-06")
        story.same_everywhere(self.lead, state="returned", due="2026-11-06", light="green")
        story.at("2026-11-04")
        story.do(LEAD, "item.submit", item=self.lead, text="重办后已办结", answer=ANSWERS)
        story.do(COUNTY, "item.return", "承办", item=self.lead, reason="补附银行流水", mode="supplement")
        flow = story.file(LEAD, "银行流水.pdf", "流水")
        story.do(LEAD, "item.submit", item=self.lead, text="已补附流水", answer=ANSWERS, attachments=[flow])
        shown = story.same_everywhere(self.lead, state="submitted", due="2026-11-06")
        assert shown["counters"]["returns"] == 2
        [file] = story.show(COUNTY, self.lead)["attachments"]
        assert (file["name"], file["present"], file["counted"]) == ("银行流水.pdf", True, True)

    def accept(self) -> None:
        """审核 → 审签 → 审示, in this order only; an assistant that refused is 免除 first (R33, R56)."""
        story = self.story
        says = "规则 county-003/1 chains.accept"
        story.refused(COUNTY, "item.accept", "承办", f"{NEAR}（已报结", item=self.lead)
        story.refused(COUNTY, "item.accept", "承办", says, item=self.near)
        story.case(COUNTY, "承办", "accept", self.near, "主任", "分管", "办主任", "批示")
        story.do(COUNTY, "item.accept", "承办", item=self.near)
        story.refused(COUNTY, "item.accept", "承办", f"{FAR}（已退签", item=self.lead)
        story.do(COUNTY, "item.exempt", "承办", item=self.far, reason="确不涉及")
        story.refused(COUNTY, "item.accept", "承办", says, item=self.lead)
        case = story.do(COUNTY, "case.open", "承办", item=self.lead, subject="accept", text="查办报告")["item"]
        for early in ("批示", "分管", "办主任"):
            story.refused(COUNTY, "item.approve", early, ("还没有轮到", says), item=case)
        story.approve(COUNTY, case, "主任")
        story.refused(COUNTY, "item.approve", "批示", ("还没有轮到", says), item=case)
        story.approve(COUNTY, case, "分管", "办主任")
        story.refused(COUNTY, "item.accept", "承办", ("审示（交办或批办的领导）", says), item=self.lead)
        assert story.approve(COUNTY, case, "批示") == [("审示", True)]
        story.at("2026-11-05")
        story.do(COUNTY, "item.accept", "承办", item=self.lead)
        story.same_everywhere(self.lead, state="accepted", light="done")
        assert story.holders(case) == [COUNTY]

    def verify(self) -> None:
        """回访: is the problem solved, are the people satisfied (R55, A16)."""
        story = self.story
        for task in (self.lead, self.near):
            says = ("须先复核", "规则 county-003/1 closing")
            story.refused(COUNTY, "item.complete", "承办", says, item=task)
        story.refused(COUNTY, "item.close", "承办", "未经复核", item=self.item)
        story.do(COUNTY, "item.verify", "承办", item=self.lead, start=True, text="入户回访")
        story.refused(COUNTY, "item.verify", "承办", ("群众是否满意", "规则 county-003/1 closing.findings"), item=self.lead,
                      passed=True, finding=["问题是否解决=是"])  # fmt: skip
        both = ["问题是否解决=是", "群众是否满意=是"]
        story.at("2026-11-10")
        for task in (self.lead, self.near):
            story.do(COUNTY, "item.verify", "承办", item=task, passed=True, finding=both)
            shown = story.same_everywhere(task, state="completed", light="done")
            assert [one["ok"] for one in shown["tracks"]["findings"]] == [True, True]

    def end(self) -> None:
        """The leader gets the result in writing; 销号; 归档 with the report in 2 copies (R60, R61)."""
        story = self.story
        story.do(COUNTY, "item.special", "承办", item=self.item, title="关于低保金问题的查办报告", text="已全部补发，群众满意")
        story.do(COUNTY, "item.close", "承办", item=self.item)
        story.refused(COUNTY, "item.archive", "承办", ("领导的批示件", "规则 county-003/1 closing.manifest"), item=self.item)
        made = story.do(COUNTY, "item.archive", "承办", item=self.item, paper=["领导的批示件=2026年卷一第3件"])
        reports = [entry for entry in made["manifest"] if entry.startswith("办结报告 ×2份：")]
        assert len(reports) == 1
        # Four reports of the lead (two of them returned), one of an assistant; approvals of both cases and of 立项.
        assert {len(entry.split("、")) for entry in reports} == {4}
        assert any(entry.startswith("附件 银行流水.pdf：") for entry in made["manifest"])
        assert "纸质件 领导的批示件：2026年卷一第3件" in made["manifest"]
        story.same_everywhere(self.item, state="archived", light="done")


def test_a_leaders_instruction_from_registering_to_the_archive(story: Story) -> None:
    """R48-R56, R60, R61: every figure of 专项查办, every wrong turn refused by its rule."""
    case = Handling(story)
    case.set_up()
    case.dispatch()
    case.urge()
    case.late()
    case.redo()
    case.accept()
    case.verify()
    case.end()
    assert course_of(story, case.item) == []
    story.agreed()
