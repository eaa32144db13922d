"""Seed 001, 咸阳市: a joint office of Party and government, three work lines, 白黄红 up to the referral.

省 → 市委市政府督查室 → 市发改委, 市委宣传部, 秦都区 → 街道; the year 2026. R6-R8, R19, R20, R90, R101, R105-R107, R113,
R114, R119.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.stories.harness import Story

PROVINCE, CITY, DISTRICT, STREET = "610000", "610400", "610402", "610402001"
PLANNING, PUBLICITY = "610400-fgw", "610400-xcb"  # 市发改委 of the government, 市委宣传部 of the Party
TREE = {
    PROVINCE: "", CITY: PROVINCE, PLANNING: CITY, PUBLICITY: CITY, DISTRICT: CITY, STREET: DISTRICT,
}  # fmt: skip
SECTIONS = {"decision": "决策督查科", "special": "专项督办科", "proposal": "建议提案办理科"}
RULES = "规则 xianyang-001/1"
STANDARD = "整改标准：三个小区全部通气"


@pytest.fixture
def story() -> Story:
    """The city's rules and people on Monday, 2 March 2026."""
    story = Story(TREE, "2026-03-02")
    story.publish_calendar()
    story.publish(CITY, "xianyang-001")
    for unit in SECTIONS.values():
        story.do(CITY, "unit.add", name=unit)
        story.hire(CITY, f"{unit}科员", roles=["handler"], unit=unit)
    story.hire(CITY, "组长", "group.head")
    story.hire(CITY, "主任", "organ.head", roles=["leader", "supervisor"])
    story.hire(CITY, "督查员")
    return story


def task_for(story: Story, office: str, title: str = "老旧小区通气", **args: Any) -> tuple[str, str]:
    """A matter issued by the city and signed: (own item, task); due on 30 April."""
    given = {"source": "decision", "due": "2026-04-30"} | args
    made = story.do(CITY, "item.issue", "督查员", title=title, to=[office], **given)
    [task] = made["assignments"]
    story.do(office, "item.sign", item=task["item"])
    return made["item"], task["item"]


def slip(story: Story, task: str, colour: str, due: str, **args: Any) -> dict[str, Any]:
    made: dict[str, Any] = story.do(CITY, "item.slip", "督查员", item=task, colour=colour, text=STANDARD, due=due,
                                    **args)  # fmt: skip
    return made


def no_slip(story: Story, task: str, colour: str, *says: str, due: str = "2026-12-01", **args: Any) -> None:
    """A slip that is refused by the ladder, with nothing written."""
    part = {"白": "white", "黄": "yellow", "红": "red"}[colour]
    told = (f"{RULES} ladder.{part}", *says)
    story.refused(CITY, "item.slip", "督查员", told, item=task, colour=colour, text=STANDARD, due=due, **args)


def slip_proposals(story: Story, task: str) -> list[str]:
    return [one["text"] for one in story.proposed(CITY, task, "slip")]


def test_white_yellow_red(story: Story) -> None:
    """R105-R107, R113, R114, R119, A10, A15, A20: the whole ladder, alike in the city, the district and the street."""
    item, task = task_for(story, STREET)
    for colour in ("黄", "红"):
        no_slip(story, task, colour, "尚缺", f"已发{'白' if colour == '黄' else '黄'}色督办单")
    _white(story, task)
    _yellow(story, task)
    _red(story, item, task)
    _end(story, item, task)
    story.agreed()


def _white(story: Story, task: str) -> None:
    """No progress for more than 30 days: the software proposes with grounds, a person issues (R105)."""
    story.at("2026-03-31")
    story.routine(CITY)
    assert slip_proposals(story, task) == []
    story.at("2026-04-02")
    story.routine(CITY)
    [proposal] = story.proposed(CITY, task, "slip")
    assert proposal["text"] == "建议发白色专项督办单"
    assert "自2026-03-02起31日没有进展" in proposal["grounds"]
    assert "首次专项催办" in proposal["grounds"]
    story.refused(STREET, "item.slip", None, "发督办单", item=task, colour="白", text="自督", due="2026-04-20")
    story.refused(CITY, "todo.carry", "督查员", "督办单须写明完成时限", n=proposal["id"])
    story.do(CITY, "todo.carry", "督查员", n=proposal["id"], text=STANDARD, due="2026-04-20")
    assert story.proposed(CITY, task, "slip") == []
    [shown] = story.same_everywhere(task, state="signed", light="green")["tracks"]["slips"]
    assert (shown["label"], shown["due"], shown["rule"]) == ("白", "2026-04-20", "xianyang-001/1/ladder.white")
    assert shown["entries"] == ["事由：无进展", "后果：提醒"]
    no_slip(story, task, "白", "不能再发白色督办单")
    no_slip(story, task, "红", "已发黄色督办单")
    no_slip(story, task, "黄", "规定时限内未完成", "无正当理由")


def _yellow(story: Story, task: str) -> None:
    """Not in time, and the reasons given are decided on first: 无正当理由, −0.3 by its rule (R106, A10, A15)."""
    story.at("2026-04-17")
    story.do(STREET, "item.justify", item=task, text="施工队未进场")
    story.at("2026-04-21")
    story.routine(CITY)
    assert slip_proposals(story, task) == []  # the answer is the city's to give now
    no_slip(story, task, "黄", "无正当理由", "dulian item judge")
    story.refused(STREET, "item.judge", None, "认定理由", item=task, justified=True, reason="自认")
    story.refused(CITY, "item.judge", "督查员", "只写一种", item=task, reason="两可")
    story.do(CITY, "item.judge", "主任", item=task, unjustified=True, reason="施工许可三月已发")
    story.at("2026-04-22")
    story.routine(CITY)
    [proposal] = story.proposed(CITY, task, "slip")
    assert proposal["text"] == "建议发黄色专项督办单"
    assert "理由已认定为不正当" in proposal["grounds"]
    no_slip(story, task, "红", "已发黄色督办单")
    made = slip(story, task, "黄", "2026-05-11")
    assert made["colour"] == "yellow"
    tracks = story.same_everywhere(task, light="green")["tracks"]
    assert [one["label"] for one in tracks["slips"]] == ["白", "黄"]
    assert [one["justified"] for one in tracks["slips"]] == ["unjustified", None]
    assert tracks["slips"][1]["entries"] == [
        "事由：规定时限内未完成", "事由：无正当理由", "后果：警告", "后果：责令限期整改", "后果：黄色督办单扣分 -0.3分",
    ]  # fmt: skip
    for office in (CITY, DISTRICT, STREET):
        [score] = story.tracks(office, task)["scores"]
        assert (score["points"], score["rule"], score["unit"]) == (-0.3, "xianyang-001/1/scores.slip.yellow", STREET)
        assert (score["cause"], score["state"]) == (made["record"], "proposed")
    assert story.records()[PROVINCE] < story.records()[CITY]


def _red(story: Story, item: str, task: str) -> None:
    """屡督不动: red light, 优秀 lost, handed to 纪检监察 and 组织部门 – which the street does not read (R107, R114)."""
    no_slip(story, task, "红", "屡督不动或无实质性改进", "无正当理由")
    story.at("2026-05-11")
    no_slip(story, task, "红", "无正当理由")  # the last day is still the street's
    story.same_everywhere(task, light="red")  # its own limit was 30 April
    story.at("2026-05-12")
    story.routine(CITY)
    assert slip_proposals(story, task) == []
    [asked] = story.proposed(CITY, task, "judge")  # no reasons came in time: that too is decided by a person
    assert asked["text"] == "督办单时限2026-05-11已过，承办单位没有说明理由：认定有无正当理由"
    no_slip(story, task, "红", "无正当理由", "item judge 登记编号 --unjustified")
    story.do(CITY, "item.judge", "主任", item=task, unjustified=True, reason="到时限未说明理由")
    story.at("2026-05-13")
    story.routine(CITY)
    assert story.proposed(CITY, task, "judge") == []
    assert slip_proposals(story, task) == ["建议发红色专项督办单"]
    slip(story, task, "红", "2026-06-30")
    tracks = story.same_everywhere(task, light="red")["tracks"]
    assert tracks["slips"][2]["entries"] == [
        "事由：无正当理由", "事由：屡督不动或无实质性改进", "后果：亮红灯", "后果：移交：纪检监察部门（效能监察）",
        "后果：取消评选资格：年度目标任务考核优秀评选资格（市考核办）", "后果：移交：组织部门（组织处理）",
    ]  # fmt: skip
    assert len(tracks["scores"]) == 1  # red takes no points (A10)
    for to in ("纪检监察部门", "组织部门"):
        story.do(CITY, "item.refer", "主任", item=task, text="红色督办单移交", to=to)
    assert story.course(CITY, item)[-2:] == ["问责线索", "问责线索"]
    for office in (DISTRICT, STREET):
        assert "问责线索" not in story.course(office, task)
        assert item not in story.offices[office].digests()
    no_slip(story, task, "红", "不能再发红色督办单")
    no_slip(story, task, "黄", "不能再发黄色督办单")


def _end(story: Story, item: str, task: str) -> None:
    """约谈; done at last; the assessors adopt the deduction, and points are added elsewhere (R113, R119, A20)."""
    story.refused(STREET, "item.interview", None, "约谈", item=task, person="市长", text="反约谈")
    story.do(CITY, "item.interview", "主任", item=task, person="街道办主任", text="推动落实存在突出问题",
             occurred="2026-05-12")  # fmt: skip
    story.at("2026-06-15")
    story.do(STREET, "item.submit", item=task, text="三个小区已通气")
    accepted = story.do(CITY, "item.accept", "督查员", item=task)["record"]
    [score] = story.tracks(CITY, task)["scores"]
    story.do(CITY, "item.score", "督查员", item=task, adopt=score["record"])
    says = f"{RULES} scores.slip.yellow"
    story.refused(CITY, "item.score", "督查员", ("分值须为 -0.3", says), item=task, rule="slip.yellow", cause=accepted,
                  points="-0.5")  # fmt: skip
    story.refused(CITY, "item.score", "督查员", f"{RULES} scores.target", item=task, rule="target", cause=accepted)
    for points in ("0.2", "-0.1"):
        story.do(CITY, "item.score", "督查员", item=task, rule="target", cause=accepted, points=points)
    story.do(CITY, "item.close", "督查员", item=task)
    story.do(CITY, "item.close", "督查员", item=item)
    tracks = story.same_everywhere(task, state="closed", light="done")["tracks"]
    assert [(one["points"], one["label"]) for one in tracks["scores"]] == [
        (-0.3, "已采用"), (0.2, "待采用"), (-0.1, "待采用")
    ]  # fmt: skip
    assert tracks["interviews"] == 1
    story.at("2026-06-16")
    no_slip_line = story.refused(CITY, "item.slip", "督查员", "发督办单", item=task, colour="红", text="再督",
                                 due="2026-12-01")  # fmt: skip
    assert "已销号" in no_slip_line


def test_a_justified_reason_stops_the_ladder(story: Story) -> None:
    """R106, A15: with a 正当理由 there is no yellow, whatever the date; neither proposed nor issued."""
    _, task = task_for(story, PUBLICITY, "文明城市宣传")
    story.at("2026-04-07")
    slip(story, task, "白", "2026-04-20")
    story.refused(CITY, "item.judge", "主任", item=task, justified=True, reason="未说明")
    story.do(PUBLICITY, "item.justify", item=task, text="上级改变了评比标准")
    story.do(CITY, "item.judge", "主任", item=task, justified=True, reason="属实")
    story.at("2026-05-06")
    story.routine(CITY)
    assert slip_proposals(story, task) == []
    no_slip(story, task, "黄", "无正当理由")
    no_slip(story, task, "黄", "无正当理由", fact=["结果达不到标准要求"])
    no_slip(story, task, "红", "已发黄色督办单")
    tracks = story.same_everywhere(task, light="red")["tracks"]
    assert (tracks["slips"][0]["justified_label"], tracks["scores"]) == ("有正当理由", [])
    story.agreed()


def test_who_improves_gets_no_red(story: Story) -> None:
    """R106, R107: below standard is enough for yellow; after improvement red needs 敷衍了事, said by a person."""
    _, task = task_for(story, PLANNING, "项目审批提速", source="instruction")
    story.at("2026-04-07")
    slip(story, task, "白", "2026-04-20")
    story.at("2026-04-15")
    story.do(PLANNING, "item.submit", item=task, text="已提速")
    story.do(CITY, "item.return", "督查员", item=task, reason="未达到时限压缩三成的标准")
    no_slip(story, task, "黄", "无正当理由")  # the date of the white slip has not passed
    story.do(CITY, "item.judge", "主任", item=task, unjustified=True, reason="未说明理由")
    story.at("2026-04-21")
    story.routine(CITY)
    assert slip_proposals(story, task) == ["建议发黄色专项督办单"]
    slip(story, task, "黄", "2026-05-20")
    [yellow] = [one for one in story.same_everywhere(task)["tracks"]["slips"] if one["colour"] == "yellow"]
    assert "事由：结果达不到标准要求" in yellow["entries"]
    story.at("2026-05-15")
    story.do(PLANNING, "item.report", item=task, text="已压缩四成", percent=80)
    story.at("2026-05-21")
    story.routine(CITY)
    assert slip_proposals(story, task) == []
    no_slip(story, task, "红", "屡督不动或无实质性改进", "--fact 工作敷衍了事且质量较差")
    story.do(PLANNING, "item.submit", item=task, text="已全部提速")
    story.do(CITY, "item.accept", "督查员", item=task)
    shown = story.same_everywhere(task, state="accepted", light="done")
    assert [one["points"] for one in shown["tracks"]["scores"]] == [-0.3]
    story.agreed()


def test_a_joint_office_and_its_three_work_lines(story: Story) -> None:
    """R6, R7, R8, R16, R19, R20: one office for Party and government; three sections, three lines; 网民留言 too."""
    users = {user["name"]: user for user in story.ask(CITY, "user.list")}
    assert [post["label"] for post in users["组长"]["posts"]] == ["抓落实工作领导小组组长（市委副书记）"]
    sources = {
        "eight_rules": "decision", "decision": "decision", "instruction": "special", "网民留言": "special",
        "proposal": "proposal",
    }  # fmt: skip
    items = {}
    for number, (source, line) in enumerate(sources.items(), 1):
        made = story.do(CITY, "item.register", "督查员", title=f"事项{number}", source=source, due="2026-06-30")
        assert made["number"] == f"{CITY}-2026-{number:04d}"  # one series for Party and government
        items[source] = made["item"]
        assert story.show(CITY, made["item"])["terms"]["line"] == line
        story.do(CITY, "item.handle", "督查员", item=made["item"], unit=SECTIONS[line])
    # Each line is a queue of its own, in the list and in the ledger, by name or by the source that opens it.
    for line, label in (("decision", "决策督查"), ("special", "专项督办"), ("proposal", "建议提案办理")):
        queue = {items[source] for source, opened in sources.items() if opened == line}
        assert {one["id"] for one in story.ask(CITY, "item.list", line=label)} == queue
        assert {one["id"] for one in story.ask(CITY, "item.page", line=line)["items"]} == queue
        shown = story.ask(CITY, "ledger.show", ledger="all", line=label)["rows"]
        assert {one["id"] for one in shown} == queue
    listed = "eight_rules（中央八项规定贯彻落实情况）"
    story.refused(CITY, "item.register", "督查员", listed, title="事项", source="县长督办令")
    netizen = items["网民留言"]
    assert story.show(CITY, netizen)["source"] == "netizen"
    story.refused(CITY, "item.report", "决策督查科科员", "没有这个事项", item=netizen, text="已联系网民")
    story.do(CITY, "item.report", "专项督办科科员", item=netizen, text="已联系网民")
    story.refused(CITY, "item.slip", "专项督办科科员", "无权执行", item=netizen, colour="白", text="督",
                  due="2026-05-01")  # fmt: skip
    # A section has no node: it is urged and reports inside the office, and who leaves hands over what is in hand (R16).
    story.do(CITY, "item.handle", "督查员", item=netizen, unit=SECTIONS["special"], person="专项督办科科员")
    story.do(CITY, "item.urge", "督查员", item=netizen, text="请于3日内回复网民", channel="phone", unit="专项督办科")
    story.hire(CITY, "新科员", roles=["handler"], unit="专项督办科")
    story.refused(CITY, "user.disable", None, "--handover", name="专项督办科科员")
    story.do(CITY, "user.disable", name="专项督办科科员", handover="新科员")
    assert [one["person"] for one in story.tracks(CITY, netizen)["handlers"]] == ["新科员"]
    story.refused(CITY, "item.report", "专项督办科科员", "账号已停用", item=netizen, text="代报")
    story.do(CITY, "item.report", "新科员", item=netizen, text="已回复网民")
    made = story.do(CITY, "item.assign", "督查员", item=items["eight_rules"], to=[PUBLICITY, PLANNING],
                    lead=[PUBLICITY])  # fmt: skip
    for one in made["assignments"]:
        story.same_everywhere(one["item"], state="delivered", issuer=CITY, due="2026-06-30")
        # The department has no rules of its own and knows the line all the same.
        assert story.show(one["to"], one["item"])["terms"]["line"] == "decision"
    story.agreed()


def test_joint_inspections_in_the_middle_and_at_the_end_of_the_year(story: Story) -> None:
    """R90: proposed once for each half-year, also by a node that was switched off when the time came."""
    seen = []
    for day in ("2026-03-02", "2026-05-30", "2026-05-31", "2026-06-01", "2026-06-29", "2026-12-10", "2026-12-31"):
        if day != story.today:
            story.at(day)
        fresh = [one for one in story.routine(CITY) if one.kind == "inspection"]
        seen += [(day, one.text) for one in fresh]
        assert story.routine(CITY) == []  # a business date runs once
    assert seen == [
        ("2026-05-31", "年中、年末集中督查（2026-06-30前）"), ("2026-12-10", "年中、年末集中督查（2026-12-31前）"),
    ]  # fmt: skip
    [shown] = story.proposed(CITY, kind="inspection")
    assert "规则xianyang-001/1 inspection.joint" in shown["grounds"]
    assert "本地默认" in shown["grounds"]
    story.do(CITY, "todo.done", "督查员", n=[shown["id"]], reason="已部署")
    assert story.proposed(CITY, kind="inspection") == []


def test_an_unannounced_inspection_stays_in_the_joint_office(story: Story) -> None:
    """R100, R101: 暗访 reaches nobody before its result is published."""
    item = story.do(CITY, "item.register", "督查员", title="窗口服务暗访", hidden=True, source="eight_rules")["item"]
    before = story.records()
    story.refused(CITY, "item.assign", "督查员", "四不两直", item=item, to=[STREET], due="2026-03-31")
    story.do(CITY, "item.report", "督查员", item=item, text="两个窗口无人值守")
    after = story.records()
    assert {code for code in after if after[code] != before[code]} == {CITY}
    assert story.holders(item) == [CITY]
    story.do(CITY, "item.reveal", "督查员", item=item, text="两个窗口无人值守", finding=["窗口无人值守"])
    made = story.do(CITY, "item.assign", "督查员", item=item, to=[STREET], due="2026-03-31")
    [task] = made["assignments"]
    story.same_everywhere(task["item"], state="delivered", due="2026-03-31")
    assert story.holders(item) == [CITY]
    story.agreed()


def test_what_the_province_assigned_is_slipped_by_the_city_s_rules(story: Story) -> None:
    """R105, R106, R119, A19: the city's ladder on its own task; the province above it sees slips and points alike."""
    made = story.do(PROVINCE, "item.issue", title="散煤治理", to=[CITY], due="2026-06-30")
    [upper] = [one["item"] for one in made["assignments"]]
    story.do(CITY, "item.sign", "督查员", item=upper)
    below = story.do(CITY, "item.decompose", "督查员", item=upper, to=[DISTRICT], due="2026-05-29", source="decision")
    [task] = [one["item"] for one in below["assignments"]]
    story.do(DISTRICT, "item.sign", item=task)
    slip(story, task, "白", "2026-04-10", fact=["进展缓慢"])
    story.at("2026-04-11")
    story.refused(PROVINCE, "item.slip", None, "规则 base-004/1 ladder", item=task, colour="黄", text="督",
                  due="2026-05-01")  # fmt: skip
    story.do(CITY, "item.judge", "主任", item=task, unjustified=True, reason="到时限未说明理由")
    slip(story, task, "黄", "2026-05-08")
    shown = story.same_everywhere(task, due="2026-05-29", light="green")
    assert shown["line"]["path"] == [PROVINCE, CITY, DISTRICT]
    for office in (PROVINCE, CITY, DISTRICT):
        tracks = story.tracks(office, task)
        assert [one["colour"] for one in tracks["slips"]] == ["white", "yellow"]
        assert [one["points"] for one in tracks["scores"]] == [-0.3]
    # More time than the province gave is not the city's to give.
    story.do(DISTRICT, "item.extend", item=task, until="2026-07-15", reason="设备未到")
    story.refused(CITY, "item.grant", "督查员", ("2026-06-30", "下级时限不得晚于上级时限"), item=task)
    story.do(CITY, "item.extend", "督查员", item=upper, until="2026-07-31", reason="设备招标延迟")
    story.refused(CITY, "item.grant", "督查员", f"批复延期只能由交办单位 {PROVINCE} 办理", item=upper)
    story.refused(PROVINCE, "item.grant", None, "先变更本单位事项", item=upper)
    story.do(PROVINCE, "item.change", item=made["item"], due="2026-07-31", reason="设备招标延迟")
    story.do(PROVINCE, "item.grant", item=upper)
    story.same_everywhere(upper, due="2026-07-31")
    story.do(CITY, "item.grant", "督查员", item=task)
    story.same_everywhere(task, due="2026-07-15", light="green")
    story.at("2026-07-16")
    story.same_everywhere(task, light="red")
    story.same_everywhere(upper, light="green")
    story.agreed()
