"""Seed 003, 某县《政府督查工作制度》: 专项查办 from 批示 to 归档, and the two-month answer to the upper office.

市 → 县 → 县民政局 and two 乡镇, from September to November of 2026 (中秋 and 国庆 in between). R10, R33, R48-R61.
"""

from __future__ import annotations

from tests.sim.stories.county import CITY, COUNTY, FAR, LEAD, NEAR, county, course_of, steps_told
from tests.sim.stories.harness import Story

POINTS = ["低保金何时补发", "责任如何追究"]
ANSWERS = ["1=10月20日已全部补发", "2=两名经办人已作出处理"]


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
        assert steps_told(story, item) == ["提出拟办意见：应于2026-09-23前"]
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
        assert steps_told(story, item) == ["领导批示正式立项查办：应于2026-09-24前"]
        assert story.approve(COUNTY, item, "主任") == [("审核", False)]
        story.refused(COUNTY, "item.approve", "主任", ("已经审批过", says), item=item)
        story.refused(COUNTY, "item.assign", "承办", ("审定（分管督查工作副县长、县政府办主任）", says), item=item,
                      to=[LEAD])  # fmt: skip
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
        assert steps_told(story, self.item) == []
        assert [one["text"] for one in story.proposed(COUNTY, self.far)] == ["应于2026-09-28前签收，尚未签收"]
        assert story.proposed(COUNTY, self.near) == []
        story.do(FAR, "item.refuse", item=self.far, reason="辖区没有低保对象涉及此事")
        story.refused(LEAD, "item.urge", None, "催办", item=self.lead, text="请抓紧")
        story.at("2026-10-08")
        done = story.do(COUNTY, "item.urge", "承办", item=self.lead, text="电话催办，民政局称正在核对名册",
                        channel="phone", occurred="2026-09-30")  # fmt: skip
        entry = next(one for one in story.show(LEAD, self.lead)["timeline"] if one["record"] == done["record"])
        assert entry["actor"] == "承办"
        assert entry["text"] == "电话催办，民政局称正在核对名册（补录，实际发生于 2026-09-30）"
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
        story.do(LEAD, "item.extend", item=self.lead, until="2026-11-06", reason="银行账户信息有误",
                 progress="已补发八成")  # fmt: skip
        story.refused(COUNTY, "item.grant", "承办", ("原时限不变", "规则 county-003/1 extensions.handling"),
                      item=self.lead)  # fmt: skip
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
        says = ("2. 责任如何追究", "规则 county-003/1：办结报告对所提问题一一作出答复")
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
        story.refused(COUNTY, "item.verify", "承办", ("群众是否满意", "规则 county-003/1 closing.findings"),
                      item=self.lead, passed=True, finding=["问题是否解决=是"])  # fmt: skip
        both = ["问题是否解决=是", "群众是否满意=是"]
        story.at("2026-11-10")
        for task in (self.lead, self.near):
            story.do(COUNTY, "item.verify", "承办", item=task, passed=True, finding=both)
            shown = story.same_everywhere(task, state="completed", light="done")
            assert [one["ok"] for one in shown["tracks"]["findings"]] == [True, True]

    def end(self) -> None:
        """The leader gets the result in writing; 销号; 归档 with the report in 2 copies (R60, R61)."""
        story = self.story
        story.do(COUNTY, "item.special", "承办", item=self.item, title="关于低保金问题的查办报告", text="群众满意")
        for task in (self.lead, self.near, self.item):
            story.do(COUNTY, "item.close", "承办", item=task)
            story.same_everywhere(task, state="closed", light="done")
        story.refused(COUNTY, "item.archive", "承办", ("领导的批示件", "规则 county-003/1 closing.manifest"),
                      item=self.item)  # fmt: skip
        made = story.do(COUNTY, "item.archive", "承办", item=self.item, paper=["领导的批示件=2026年卷一第3件"])
        reports = [entry for entry in made["manifest"] if entry.startswith("办结报告 ×2份：")]
        assert len(reports) == 1
        # Four reports of the lead (two of them returned), one of an assistant; approvals of both cases and of 立项.
        assert {len(entry.split("、")) for entry in reports} == {4}
        assert any(entry.startswith("附件 银行流水.pdf：") for entry in made["manifest"])
        assert "纸质件 领导的批示件：2026年卷一第3件" in made["manifest"]
        story.same_everywhere(self.item, state="archived", light="done")


def test_a_leaders_instruction_from_registering_to_the_archive() -> None:
    """R48-R56, R60, R61: every figure of 专项查办, every wrong turn refused by its rule."""
    story = county("2026-09-21")
    case = Handling(story)
    case.set_up()
    case.dispatch()
    case.urge()
    case.late()
    case.redo()
    case.accept()
    case.verify()
    case.end()
    assert course_of(story, case.item) == [
        ("登记", "2026-09-21"), ("拟办", "2026-09-22"), ("拟办", "2026-09-22"), ("变更", "2026-09-22"),
        ("审批", "2026-09-23"), ("审批", "2026-09-24"), ("审批", "2026-09-24"), ("变更", "2026-09-24"),
        ("交办登记", "2026-09-24"), ("专报", "2026-11-10"), ("销号", "2026-11-10"), ("归档", "2026-11-10"),
    ]  # fmt: skip
    assert course_of(story, case.lead) == [
        ("交办", "2026-09-24"), ("送达", "2026-09-24"), ("签收", "2026-09-24"), ("催办", "2026-10-08"),
        ("转送", "2026-10-08"), ("延期申请", "2026-10-19"), ("延期批复", "2026-10-19"), ("转送", "2026-10-19"),
        ("办结报告", "2026-10-26"), ("退回", "2026-10-26"), ("办结报告", "2026-11-04"), ("退回", "2026-11-04"),
        ("办结报告", "2026-11-04"), ("审核通过", "2026-11-05"), ("复核", "2026-11-05"), ("复核", "2026-11-10"),
        ("销号", "2026-11-10"),
    ]  # fmt: skip
    story.agreed()


def test_the_upper_office_is_answered_within_two_months() -> None:
    """R57, R58, R59: over the signature of 县长 or 办主任, with copies of the originals, each point answered."""
    story = county("2026-09-07")
    made = story.do(CITY, "item.issue", title="核查违法占地", to=[COUNTY], due="2026-11-09",
                    point=["是否属实", "是否复耕"])  # fmt: skip
    [task] = [one["item"] for one in made["assignments"]]
    story.do(COUNTY, "item.sign", "承办", item=task)
    # Two months from 7 September is a Saturday; by 民法典 203 the next working day is the last. The county reads the
    # same day from its own rule, where the same matter comes as a letter from outside the network.
    letter = story.do(COUNTY, "item.register", "承办", title="省政府办公厅来函查处事项", source="handling.letter",
                      origin="upper", start="2026-09-07")["item"]  # fmt: skip
    assert story.same_everywhere(letter, due="2026-11-09", light="green")
    steps = story.do(COUNTY, "rules.explain", item=letter)["steps"]
    assert any("自上级交办日起两个月之内上报" in line for line in steps)
    below = story.do(COUNTY, "item.decompose", "承办", item=task, to=[NEAR], due="2026-10-16", title="实地核查违法占地")
    [field] = [one["item"] for one in below["assignments"]]
    assert story.same_everywhere(field, due="2026-10-16")["line"]["path"] == [CITY, COUNTY, NEAR]
    story.refused(COUNTY, "item.change", "承办", "规则：下级时限不得晚于上级时限", item=field, due="2026-11-10",
                  reason="宽限")  # fmt: skip
    story.do(NEAR, "item.sign", item=field)
    story.at("2026-10-19")
    # The city has the base rules: what it gave is binding, so at the city, the county and the township it is red.
    story.same_everywhere(field, light="red")
    story.do(NEAR, "item.submit", item=field, text="已核查", answer=["1=属实", "2=已复耕3亩"])
    story.do(COUNTY, "item.accept", "承办", item=field)
    story.same_everywhere(field, state="accepted", light="done")
    _answer_the_city(story, task)
    _tell_of_delay(story, letter)
    story.agreed()


def _answer_the_city(story: Story, task: str) -> None:
    says = ("以县政府或县政府办名义上报", "规则 county-003/1 chains.report.upper", "签发（县长 或 县政府办主任）")
    answers = ["1=属实，占地3亩", "2=已全部复耕"]
    story.at("2026-11-03")
    story.same_everywhere(task, light="green")
    story.refused(COUNTY, "item.submit", "承办", says, item=task, text="已办结", answer=answers)
    copies = [story.file(COUNTY, name, name) for name in ("现场照片.jpg", "国土所询问笔录.pdf")]
    case = story.do(COUNTY, "case.open", "承办", item=task, subject="report", text="已办结", answer=answers,
                    attachments=copies)["item"]  # fmt: skip
    for other in ("主任", "常务", "分管"):
        story.refused(COUNTY, "item.approve", other, "规则 county-003/1 chains.report.upper", item=case)
    story.refused(COUNTY, "item.submit", "承办", says[1:], item=task, text="已办结", answer=answers)
    assert story.approve(COUNTY, case, "县长") == [("签发", True)]
    untrue = ["1=不属实", answers[1]]
    story.refused(COUNTY, "item.submit", "承办", ("不一致", says[1]), item=task, text="已办结", answer=untrue)
    story.do(COUNTY, "item.submit", "承办", item=task)
    shown = story.show(CITY, task)
    assert [one["present"] for one in shown["attachments"]] == [True, True]
    assert "1. 属实，占地3亩\n2. 已全部复耕" in shown["timeline"][-1]["text"]
    story.refused(COUNTY, "item.accept", "承办", "审核", item=task)
    story.do(CITY, "item.accept", item=task)
    story.do(CITY, "item.close", item=task)
    story.same_everywhere(task, state="closed", light="done")
    assert story.holders(case) == [COUNTY]
    assert story.state(COUNTY, case) == "closed"


def _tell_of_delay(story: Story, letter: str) -> None:
    """R59: what cannot be reported in time is reported as far as it is, with the reason; the two months stay."""
    story.do(COUNTY, "item.propose", "承办", item=letter, text="拟自办")
    story.approve(COUNTY, letter, "主任", "分管", "办主任")
    story.do(COUNTY, "item.extend", "承办", item=letter, until="2026-11-30", reason="鉴定尚未出具",
             progress="已完成询问")  # fmt: skip
    says = ("原时限不变", "规则 county-003/1 extensions.upper")
    story.refused(COUNTY, "item.grant", "承办", says, item=letter, until="2026-11-30")
    story.do(COUNTY, "item.note", "承办", item=letter)
    story.at("2026-11-10")
    story.routine(COUNTY)
    assert any("已逾期1日" in one["text"] for one in story.proposed(COUNTY, letter))
    story.same_everywhere(letter, due="2026-11-09", light="red")
    story.refused(COUNTY, "item.submit", "承办", "规则 county-003/1 chains.report.upper", item=letter, text="已办结")
    story.case(COUNTY, "承办", "report", letter, "办主任")
    story.do(COUNTY, "item.submit", "承办", item=letter)
    story.same_everywhere(letter, state="submitted", light="red")
