"""国办发〔2014〕42号 from March 2026 to January 2027: by the default profile, without a single approval chain.

The document gives no figures: every limit is written when a task is assigned, and held (限期报告, R84). What it asks
for is that everything ends in an outcome (R2), that reports are checked on the spot and looked at again (R98, R99),
and that slow places report their reasons (R110).
"""

from __future__ import annotations

from tests.sim.stories.harness import Story

NATION, PROVINCE, OTHER, CITY, COUNTY = "000000", "320000", "520000", "320500", "320583"
TREE = {NATION: "", PROVINCE: NATION, OTHER: NATION, CITY: PROVINCE, COUNTY: CITY}
RULES = "规则 base-004/1"
OUTCOMES = {"closed": "销号", "cancelled": "撤销", "declined": "不立项", "merged": "并案"}


def nation(start: str) -> Story:
    """Nobody has laid down anything; the calendar is published."""
    story = Story(TREE, start)
    story.publish_calendar()
    story.hire(NATION, "督查员")
    return story


def sign(story: Story, made: dict[str, object]) -> list[str]:
    """Everybody signs what was assigned; the tasks."""
    tasks = []
    for one in made["assignments"]:  # type: ignore[attr-defined]
        story.do(one["to"], "item.sign", item=one["item"])
        tasks.append(str(one["item"]))
    return tasks


def finish(story: Story, receiver: str, issuer: str, task: str) -> None:
    story.do(receiver, "item.submit", item=task, text="已落实")
    story.do(issuer, "item.accept", item=task)
    story.do(issuer, "item.close", item=task)


def test_a_task_is_assigned_at_once_with_the_limit_written_in_it() -> None:
    """R1, R3, R27, R84, R122: no chain stands between; the document has no figure, so the assignment must have one."""
    story = nation("2026-03-02")
    # 研究决策时提出要求, 部署工作时明确事项: registered, planned, assigned; every step without an approval.
    own = story.do(NATION, "item.register", "督查员", title="稳增长措施", source="政府会议决定事项")["item"]
    assert story.show(NATION, own)["source"] == "meeting"
    for verb, args in (("item.establish", {}), ("item.plan", {"text": "督查方案", "milestone": ["1=自查@2026-04-30"]})):
        story.do(NATION, verb, "督查员", item=own, **args)
    assert story.state(NATION, own) == "established"
    story.refused(
        NATION, "item.assign", "督查员", says=("没有数字", "--due"), item=own, to=[PROVINCE], rule="report.important"
    )
    made = story.do(NATION, "item.assign", "督查员", item=own, to=[PROVINCE, OTHER], due="2026-06-30")
    province, other = sign(story, made)
    [city] = sign(story, story.do(PROVINCE, "item.decompose", item=province, to=[CITY], due="2026-06-15"))
    [county] = sign(story, story.do(CITY, "item.decompose", item=city, to=[COUNTY], due="2026-06-05"))
    story.same_everywhere(county, due="2026-06-05", light="green", state="signed")
    assert story.show(NATION, county)["line"]["path"] == [NATION, PROVINCE, CITY, COUNTY]
    # 决策实施后检查落实情况: three working days before the limit, on it, and after it.
    for day, light in (("2026-06-02", "yellow"), ("2026-06-05", "yellow"), ("2026-06-08", "red")):
        story.at(day)
        story.same_everywhere(county, light=light)
        kinds = {"2026-06-02": "remind", "2026-06-05": "due", "2026-06-08": "overdue"}
        story.routine(CITY)
        assert [row["kind"] for row in story.proposed(CITY, county) if row["kind"] == kinds[day]] == [kinds[day]]
    carried = story.proposed(CITY, county, "overdue")[0]
    story.do(CITY, "todo.carry", n=carried["id"])
    assert story.show(CITY, county)["counters"]["urges"] == 1
    # More time: asked of the issuer, and never beyond its own date.
    story.do(PROVINCE, "item.extend", item=province, until="2026-07-31", reason="两市受灾", progress="已报九市")
    story.refused(PROVINCE, "item.grant", item=province)
    story.do(NATION, "item.grant", "督查员", item=province)
    story.same_everywhere(province, due="2026-07-31")
    story.at("2026-06-12")
    finish(story, COUNTY, CITY, county)
    finish(story, CITY, PROVINCE, city)
    story.at("2026-07-20")
    finish(story, PROVINCE, NATION, province)
    finish(story, OTHER, NATION, other)
    story.same_everywhere(other, state="closed", light="done")
    story.do(NATION, "item.close", "督查员", item=own)
    assert story.course(NATION, own)[-1] == "销号"
    story.agreed()


def test_everything_ends_in_an_outcome_with_a_record() -> None:
    """R2: 件件有落实、事事有回音: what leaves the open list has a closing record, and its answer is kept."""
    story = nation("2026-03-02")
    titles = ("办结", "不立项", "并案", "撤销", "退签改派")
    items = {
        title: story.do(NATION, "item.register", "督查员", title=f"事项{title}", source="law")["item"]
        for title in titles
    }  # fmt: skip
    story.do(NATION, "item.propose", "督查员", item=items["不立项"], text="拟不列入")
    story.do(NATION, "item.decline", "督查员", item=items["不立项"], reason="已有部门办理")
    story.refused(NATION, "item.merge", "督查员", item=items["并案"], into=items["不立项"])
    story.do(NATION, "item.merge", "督查员", item=items["并案"], into=items["办结"])
    tasks = {}
    for title in ("办结", "撤销", "退签改派"):
        made = story.do(NATION, "item.assign", "督查员", item=items[title], to=[PROVINCE], due="2026-05-29")
        tasks[title] = made["assignments"][0]["item"]
    story.refused(NATION, "item.close", "督查员", item=items["办结"])
    story.do(PROVINCE, "item.refuse", item=tasks["退签改派"], reason="属兄弟省职责")
    [again] = story.do(
        NATION, "item.reassign", "督查员", item=tasks["退签改派"], to=[OTHER], reason="改由贵州办理",
    )["assignments"]  # fmt: skip
    story.do(OTHER, "item.sign", item=again["item"])
    story.do(NATION, "item.cancel", "督查员", item=items["撤销"], reason="文件废止")
    story.same_everywhere(tasks["撤销"], state="cancelled")
    story.at("2026-05-20")
    story.do(PROVINCE, "item.sign", item=tasks["办结"])
    finish(story, PROVINCE, NATION, tasks["办结"])
    finish(story, OTHER, NATION, again["item"])
    for title in ("办结", "退签改派"):
        story.do(NATION, "item.close", "督查员", item=items[title])
    for machine in story.offices:
        for row in story.ask(machine, "item.list"):
            assert row["state"] in OUTCOMES, row
            if not row["successor"] or row["state"] == "merged":
                assert OUTCOMES[row["state"]] in story.course(machine, row["id"]), row
            else:
                assert "改派" in story.course(machine, row["id"])
    story.agreed()


def test_checked_on_the_spot_looked_at_again_and_supervised_again() -> None:
    """R98, R99, R103: 实地调查复核, 回头看, 再督查: by the owner and by an office above; the second item is linked."""
    story = nation("2026-03-02")
    made = story.do(
        NATION, "item.issue", "督查员", title="校车安全", source="law", **{"class": "attention"}, to=[PROVINCE],
        due="2026-09-30",
    )  # fmt: skip
    [task] = sign(story, made)
    [city] = sign(story, story.do(PROVINCE, "item.decompose", item=task, to=[CITY], due="2026-08-31"))
    story.at("2026-08-24")
    paper = story.file(CITY, "第三方评估报告.txt", "抽查四十所学校")
    story.do(CITY, "item.attach", item=city, text="委托高校评估、媒体报道", attachments=[paper])
    story.do(CITY, "item.submit", item=city, text="全部合格")
    story.do(PROVINCE, "item.accept", item=city)
    # The class says 社会关注度高: to be checked on the spot by whoever closes.
    story.refused(PROVINCE, "item.close", says=f"{RULES} closing", item=city)
    story.refused(PROVINCE, "item.complete", says=f"{RULES} closing", item=city)
    story.do(PROVINCE, "item.verify", item=city, passed=True, finding=["群众是否满意=是"])
    story.do(PROVINCE, "item.close", item=city)
    story.do(PROVINCE, "item.submit", item=task, text="全省合格")
    story.do(NATION, "item.accept", item=task)
    story.do(NATION, "item.verify", item=task, passed=True)
    for item in (task, made["item"]):
        story.do(NATION, "item.close", item=item)
    assert [one["present"] for one in story.show(NATION, city)["attachments"]] == [True]
    # 回头看 by the office two levels above, on the city's own task.
    story.at("2026-11-16")
    story.refused(CITY, "item.reinspect", item=city, text="自查")
    again = story.do(NATION, "item.reinspect", "督查员", item=city, text="暗访三所学校")["successor"]
    assert story.same_everywhere(city, state="reinspecting")["tracks"]["reinspections"] == [again]
    story.do(NATION, "item.reinspect", "督查员", item=city, failed=True, text="两辆车超员")
    story.same_everywhere(city, state="closed")
    shown = story.show(NATION, again)
    assert (shown["predecessor"], shown["number"]) == (city, f"{story.show(NATION, city)['number']}-回")
    # 再督查: the linked item is assigned like any other, and closed.
    [second] = sign(story, story.do(NATION, "item.assign", "督查员", item=again, to=[PROVINCE], due="2026-12-31"))
    story.at("2026-12-21")
    story.do(PROVINCE, "item.submit", item=second, text="已换车")
    story.do(NATION, "item.accept", item=second)
    story.do(NATION, "item.verify", item=second, passed=True, finding=["整改是否到位=是"])
    story.do(NATION, "item.close", item=second)
    story.do(NATION, "item.close", item=again)
    # Looked at once more: nothing found, and that is an answer too.
    story.at("2027-01-18")
    third = story.do(NATION, "item.reinspect", "督查员", item=second, text="回头看")["successor"]
    story.do(NATION, "item.reinspect", "督查员", item=second, passed=True, text="未发现问题")
    story.same_everywhere(second, state="closed")
    assert story.state(NATION, third) == "cancelled"
    story.agreed()


def test_slow_places_report_their_reasons_and_clues_go_to_the_supervisors() -> None:
    """R104, R110, R114: praise and criticism by name, reasons and improvement in time; the clue stays in the office."""
    story = nation("2026-03-02")
    terms = {"title": "政务公开", "source": "law", "due": "2026-05-29"}
    made = story.do(NATION, "item.issue", "督查员", to=[PROVINCE, OTHER], **terms)
    own, (good, slow) = made["item"], sign(story, made)
    finish(story, PROVINCE, NATION, good)
    story.at("2026-06-01")
    story.same_everywhere(slow, light="red")
    story.do(NATION, "item.notice", "督查员", item=own, praise=True, to=[PROVINCE], text="经验交流推广")
    said = {"item": own, "to": [OTHER], "text": "责成报告原因及改进意见"}
    story.refused(NATION, "item.notice", "督查员", criticise=True, praise=True, **said)
    story.do(NATION, "item.notice", "督查员", criticise=True, due="2026-06-08", **said)
    assert (story.course(PROVINCE, good)[-1], story.course(OTHER, slow)[-1]) == ("通报", "通报")
    assert "2026-06-08" in story.show(OTHER, slow)["timeline"][-1]["text"]
    exposed = {"item": own, "criticise": True, "media": "经济日报", "to": [OTHER], "text": "政务公开久拖不办"}
    story.refused(NATION, "item.notice", "督查员", "须写明责任人", **exposed)
    story.do(NATION, "item.notice", "督查员", person="李四", **exposed)
    assert story.show(OTHER, slow)["timeline"][-1]["text"] == "通报批评：政务公开久拖不办（李四）\n媒体：经济日报"
    story.do(NATION, "item.notice", "督查员", item=own, praise=True, media="人民日报", to=[PROVINCE], text="深度报道")
    assert "媒体：人民日报" in story.show(PROVINCE, good)["timeline"][-1]["text"]
    story.at("2026-06-05")
    story.do(OTHER, "item.report", item=slow, text="原因：机构改革未到位；改进：月底前补齐", percent=70)
    story.do(NATION, "item.refer", "督查员", item=slow, rule="tier.transfer", to="监察机关", text="涉嫌虚报")
    assert "问责线索" in story.course(NATION, own)
    assert "问责线索" not in story.course(OTHER, slow)
    story.at("2026-06-29")
    finish(story, OTHER, NATION, slow)
    story.do(NATION, "item.close", "督查员", item=own)
    assert not [row for row in story.ask(NATION, "item.list") if row["state"] not in OUTCOMES]
    story.agreed()
