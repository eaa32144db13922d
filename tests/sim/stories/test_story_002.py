"""六盘水府发〔2016〕7号 from September 2026 to March 2027: 市县乡 and departments, by the city's own rules.

End to end: 学习解读 (R37, R38), the task list with its grain and six levels of responsibility (R14, R29, R30), one lead
with assistants (R33), monthly reports in three parts (R86, R87), warning and explaining (R89), 整改清单 line by line
(R97, R108), rounds and meetings (R88, R95, R96). What nobody inspected may see stands in `test_story_002_hidden`.
"""

from __future__ import annotations

from node.rules.calendar import date_of
from tests.sim.stories.city import BUREAU, CITY, COUNTY, LEADERS, LEVELS, OTHER, PARTS, RULES, TOWN, city, close, sign


def test_a_document_is_studied_in_five_days_and_reported_in_two() -> None:
    """R37, R38, R58: the 专班 and its four points; 5 and 2 working days around the National Day; 特别重大 at once."""
    story = city("2026-09-28")
    points = ["文件背景和新要求", "可争取的政策、项目、资金、试点", "对本地的挑战和影响", "其他地方动态和意见措施"]
    made = story.do(
        CITY, "item.issue", "督查员", duty=LEADERS, title="学习解读黔府发〔2026〕9号", source="document", rule="study",
        start="2026-09-28", point=points, to=[BUREAU], leader="分管副市长",
    )  # fmt: skip
    [task] = sign(story, made)
    story.same_everywhere(task, due="2026-10-10", points=points)
    names = ("张三", "综合科长", "发改委副主任", "发改委主任", "分管副市长", "市长")
    team = [f"{level}={name}" for level, name in zip(LEVELS, names, strict=True)]
    says = (f"{RULES} responsibility", "责任链缺：政府部门工作人员、科（股）室负责人、部门分管负责同志")
    story.refused(BUREAU, "item.handle", says=says, item=task, unit="综合科", duty=team[3:5])
    story.do(BUREAU, "item.handle", item=task, unit="综合科", duty=team, text="政策文件解读工作专班")
    assert [one["name"] for one in story.show(CITY, task)["responsibility"]] == list(names)
    major = story.do(
        CITY, "item.issue", "督查员", duty=LEADERS, title="学习解读中央一号文件", source="document",
        rule="study.major", to=[COUNTY], **{"class": "major"},
    )  # fmt: skip
    [at_once] = sign(story, major)
    story.same_everywhere(at_once, due="2026-09-28", light="yellow")
    story.do(COUNTY, "item.submit", item=at_once, text="当日已组织学习")
    close(story, CITY, at_once)
    story.at("2026-10-09")
    three = [f"{number}={text}已解读" for number, text in enumerate(points[:3], 1)]
    says = (f"{RULES}：办结报告对所提问题一一作出答复", "4. 其他地方")
    story.refused(BUREAU, "item.submit", says=says, item=task, text="已解读", answer=three)
    story.do(BUREAU, "item.submit", item=task, text="已解读", answer=[*three, "4=已了解遵义做法"])
    report = story.do(
        CITY, "item.issue", "督查员", duty=LEADERS, title="报告解读情况并公开", source="document", rule="study.report",
        start="2026-10-09", to=[BUREAU],
    )  # fmt: skip
    # 10 October is a Saturday that is worked: 10, 12.
    [last] = sign(story, report)
    story.same_everywhere(last, due="2026-10-12")
    close(story, CITY, task)
    story.do(BUREAU, "item.submit", item=last, text="已报告并公开")
    close(story, CITY, last)
    story.agreed()


def test_a_task_list_with_grain_responsibility_and_one_lead() -> None:
    """R14, R16, R27, R29, R30, R32, R33, R87, R89, R121, R129, R130: from the year's list to the person."""
    story = city("2026-09-28")
    year = {
        "title": "易地扶贫搬迁后续扶持", "source": "meeting.city", "class": "key", "due": "2027-03-31",
        "frequency": "report.monthly", "supervised_by": "市政府督查室", "leader": "分管副市长",
    }  # fmt: skip
    steps = ["四季度=完成住房分配@2026-12-31", "2027一季度=完成就业安置@2027-03-31"]
    made = story.do(
        CITY, "item.issue", "督查员", duty=LEADERS, **year, milestone=steps, to=[COUNTY, OTHER, BUREAU], lead=[COUNTY],
    )  # fmt: skip
    own, (lead, other, bureau) = made["item"], sign(story, made)
    assert [one["key"] for one in story.tracks(CITY, own)["milestones"]] == ["四季度", "2027一季度"]
    assert story.show(COUNTY, lead)["terms"]["supervised_by"] == "市政府督查室"
    roles = [story.same_everywhere(task)["role"] for task in (lead, other, bureau)]
    assert roles == ["lead", "assist", "assist"]
    # 阶段性任务分解到月, 特别重要的分解到周: the receiver's own steps, none after the limit.
    story.refused(COUNTY, "item.milestone", says="2027-03-31", item=lead, key="4月", title="收尾", due="2027-04-30")
    for key, title, due in (("10月", "摸底", "2026-10-30"), ("11月第1周", "签约", "2026-11-06")):
        story.do(COUNTY, "item.milestone", item=lead, key=key, title=title, due=due)
    chain = [f"{level}={number}号" for number, level in enumerate(LEVELS, 1)]
    says = f"{RULES} responsibility"
    story.refused(COUNTY, "item.handle", says=says, item=lead, unit="搬迁办", duty=["乡贤=某某"])
    story.do(COUNTY, "item.handle", item=lead, unit="搬迁办", person="1号", due="2027-03-15", duty=chain)
    assert {one["level"] for one in story.tracks(CITY, lead)["duties"]} == set(LEVELS)
    [town] = sign(story, story.do(COUNTY, "item.decompose", item=lead, to=[TOWN], due="2027-03-01", title="安置"))
    story.same_everywhere(town, due="2027-03-01")
    assert story.show(CITY, town)["line"]["path"] == [CITY, COUNTY, TOWN]
    # Each sees the other's reports through the issuer.
    story.at("2026-10-28")
    story.refused(BUREAU, "item.report", says=(f"{RULES} reports.parts", "3. 建议、打算"), item=bureau, text="月报",
                  part=PARTS[:2])  # fmt: skip
    story.do(BUREAU, "item.report", item=bureau, text="月报", part=PARTS, percent=30)
    [shared] = [entry["enclosed"] for entry in story.show(COUNTY, lead)["timeline"] if entry.get("enclosed")]
    assert (shared[0]["author"], shared[0]["confirmed"]) == (BUREAU, True)
    assert "征地滞后" in shared[0]["text"]
    # Monthly reports are proposed at both ends; who is late is warned inside, then explains.
    for office in (CITY, COUNTY):
        story.routine(office)
        [proposal] = story.proposed(office, lead, "report_due")
        assert proposal["text"].startswith("2026-10-31")
    assert story.proposed(CITY, bureau, "report_due") == []
    story.at("2026-11-02")
    story.routine(CITY)
    assert "没有报" in story.proposed(CITY, lead, "urge")[0]["grounds"]
    story.do(COUNTY, "item.warn", item=lead, text="月报滞后，本周内补报", unit="搬迁办")
    assert story.same_everywhere(lead)["tracks"]["warnings"] == 1
    story.do(COUNTY, "item.report", item=lead, text="补报", part=[*PARTS[:2], "3=加派人手，说明原因"], percent=35)
    story.do(COUNTY, "item.milestone", item=lead, done="10月")
    story.at("2027-02-26")
    story.do(TOWN, "item.submit", item=town, text="全部安置")
    story.do(COUNTY, "item.accept", item=town)
    story.do(COUNTY, "item.verify", item=town, passed=True)
    story.do(COUNTY, "item.close", item=town)
    story.do(COUNTY, "item.submit", item=lead, text="全县完成")
    story.refused(CITY, "item.accept", says="协办任务未结", item=lead)
    for office, task in ((OTHER, other), (BUREAU, bureau)):
        story.do(office, "item.submit", item=task, text="已配合完成")
        close(story, CITY, task)
    close(story, CITY, lead)
    story.do(CITY, "item.milestone", "督查员", item=own, done="四季度")
    story.do(CITY, "item.close", "督查员", item=own)
    # Between offices every level has signed what it answers for (层层签订).
    for office, task in ((COUNTY, lead), (OTHER, other), (BUREAU, bureau), (TOWN, town)):
        signed = [one for one in story.show(CITY, task)["timeline"] if one["kind_label"] == "签收"]
        assert [one["author"] for one in signed] == [office]
    story.agreed()


def test_what_lies_within_one_place_is_solved_there() -> None:
    """R36: 自办 within one's own remit, unseen by others; of several one is ordered to lead, and only one."""
    story = city("2026-09-28")
    alone = story.do(COUNTY, "item.issue", title="本县自行解决", local=True)["item"]
    story.do(COUNTY, "item.report", item=alone, text="已协调")
    assert story.holders(alone) == [COUNTY]
    both = {"title": "跨县道路", "to": [COUNTY, OTHER], "due": "2026-12-31"}
    story.refused(CITY, "item.issue", "督查员", lead=[COUNTY, OTHER], **both)
    made = story.do(CITY, "item.issue", "督查员", duty=LEADERS, lead=[OTHER], **both)
    assert {one["to"]: one["role"] for one in made["assignments"]} == {COUNTY: "assist", OTHER: "lead"}
    story.agreed()


def test_of_several_leaders_the_one_who_ranks_first_leads() -> None:
    """R34: 涉及两位以上领导分管的工作，由排名靠前的领导牵头; of equal rank whoever was named first."""
    story = city("2026-09-28")
    story.hire(CITY, "常务", "leader.executive")
    story.hire(CITY, "另一副市长", "leader.matter")
    for named, leads in (
        ("分管副市长、常务", "常务"), ("市长、常务", "市长"), ("另一副市长、分管副市长", "另一副市长"),
        ("常务", "常务"),
    ):
        made = story.do(CITY, "item.register", "督查员", title=f"{named}共管", source="other", leader=named)
        terms = story.show(CITY, made["item"])["terms"]
        assert terms["leader"] == leads
        assert (f"由排名靠前的{leads}牵头" in (terms["remark"] or "")) == ("、" in named)


def test_what_nobody_asked_for_is_reported_on_a_standing_task() -> None:
    """R85, R102: emergencies at once, and departments' own inspection results, to 政府办 and 督查部门, both signed."""
    story = city("2026-09-28")
    made = story.do(
        CITY, "item.issue", "督查员", duty=LEADERS, title="突发事件和自行督查结果报告（常设）", source="other",
        to=[COUNTY, BUREAU], **{"class": "urgent"},
        point=["突发、紧急情况第一时间报告", "本行业督查结果报政府办公室和督查部门"],
    )  # fmt: skip
    county, bureau = sign(story, made)
    story.same_everywhere(county, due=None, light="none")
    story.at("2026-10-03")
    story.do(COUNTY, "item.report", item=county, text="三日凌晨山体滑坡，已转移群众", occurred="2026-10-03")
    paper = story.file(BUREAU, "专项督查报告.txt", "项目督查结果")
    story.do(BUREAU, "item.report", item=bureau, text="本系统重大项目督查结果", attachments=[paper])
    entry = story.show(CITY, county)["timeline"][-1]
    assert (entry["author"], entry["recorded_at"][:10]) == (COUNTY, "2026-10-03")
    assert [one["present"] for one in story.show(CITY, bureau)["attachments"]] == [True]
    # Nobody is told that a limit has passed where there is none; who is silent for a month is asked.
    story.at("2026-11-03")
    story.routine(CITY)
    assert {row["kind"] for row in story.proposed(CITY, county)} <= {"urge", "report_due"}
    story.agreed()


def test_supervision_can_become_more_frequent() -> None:
    """R109, R130: 增加督查频次: an item that was reported on when finished is reported on every month from now on."""
    story = city("2026-09-28")
    made = story.do(CITY, "item.issue", "督查员", duty=LEADERS, title="河道整治", source="other", to=[COUNTY],
                    due="2027-03-31")  # fmt: skip
    [task] = sign(story, made)
    profile = "liupanshui-002/1"
    said = {"item": task, "reason": "整改不力"}
    story.refused(CITY, "item.change", "督查员", says="不是定期报告的规则", frequency="study", **said)
    story.refused(COUNTY, "item.change", frequency="report.monthly", **said)
    story.do(CITY, "item.change", "督查员", frequency="report.monthly", **said)
    for office in (CITY, COUNTY):
        assert story.show(office, task)["terms"]["frequency"] == f"{profile}/report.monthly"
        assert story.show(office, task)["due"] == "2027-03-31"
    story.at("2026-10-29")
    for office in (CITY, COUNTY):
        story.routine(office)
        [proposal] = story.proposed(office, task, "report_due")
        assert f"规则{profile} report.monthly" in proposal["grounds"]
    story.agreed()


def test_unclear_matters_are_reviewed_and_then_tracked() -> None:
    """R35: who, what or when is open: 政府办 proposes, 分管领导 reviews, then it is assigned."""
    story = city("2026-09-28")
    item = story.do(CITY, "item.register", "督查员", title="停车矛盾", source="other", unclear="责任主体未定")["item"]
    story.refused(CITY, "item.assign", "督查员", says="待明确", item=item, to=[COUNTY])
    story.do(CITY, "item.propose", "督查员", item=item, text="初步方案：由县牵头")
    story.refused(CITY, "item.approve", "市长", says=f"{RULES} chains.setup.unclear", item=item)
    assert story.approve(CITY, item, "分管副市长") == [("审核", True)]
    story.do(CITY, "item.change", "督查员", item=item, clear=True, due="2026-11-30", reason="由水城区牵头")
    [task] = sign(story, story.do(CITY, "item.assign", "督查员", duty=LEADERS, item=item, to=[COUNTY]))
    story.same_everywhere(task, due="2026-11-30")
    story.agreed()


def test_problems_are_cleared_line_by_line_and_only_when_confirmed() -> None:
    """R97, R108, R109: leader, unit, date and demand on each line; 销号 by who supervises, after 复核确认."""
    story = city("2026-09-28")
    made = story.do(CITY, "item.issue", "督查员", duty=LEADERS, title="生态督查问题", line="rectify", to=[COUNTY],
                    due="2026-12-31")  # fmt: skip
    [task] = sign(story, made)
    lines = [f"{key}=整治{key}号排口@住建局@副县长@2026-1{key}-30" for key in ("0", "1")]
    story.refused(CITY, "item.rectify", "督查员", item=task, line=["一=整治"])
    story.do(CITY, "item.rectify", "督查员", item=task, line=lines, text="挂牌督办")
    story.refused(COUNTY, "item.rectify", says="只有交办单位", item=task, clear=["0"])
    story.at("2026-10-29")
    story.do(COUNTY, "item.rectify", item=task, report=["0"], text="已封堵")
    story.do(CITY, "item.rectify", "督查员", item=task, clear=["0"])
    labels = {one["key"]: one["label"] for one in story.same_everywhere(task)["tracks"]["rectify"]}
    assert labels == {"0": "已销去", "1": "整改中"}
    story.do(CITY, "item.urge", "督查员", item=task, channel="visit", text="专人回访督查：1号排口进展慢")
    story.at("2026-11-27")
    story.do(COUNTY, "item.rectify", item=task, report=["1"], text="已截流")
    story.do(CITY, "item.rectify", "督查员", item=task, clear=["1"])
    story.do(COUNTY, "item.submit", item=task, text="两项均已整改")
    close(story, CITY, task)
    shown = story.same_everywhere(task, state="closed", light="done")
    assert {one["state"] for one in shown["tracks"]["rectify"]} == {"cleared"}
    story.agreed()


def test_rounds_meetings_and_inspections_are_proposed_on_their_dates() -> None:
    """R88, R91, R95, R96: 季度对账, 半年查账, 年底交账, 周调度; each once, also after the node was off for weeks."""
    story = city("2026-09-24")
    seen: list[tuple[str, str, str]] = []

    def run(day: str) -> None:
        story.at(day)
        seen.extend((one.kind, one.key, date_of(one.day).isoformat()) for one in story.routine(CITY))

    for day in ("2026-09-25", "2026-09-28", "2026-09-30", "2026-12-28", "2026-12-29", "2027-03-31"):
        run(day)
    rounds = {key for kind, key, _ in seen if kind == "ledger"}
    for due in ("reconcile/2026-09-30", "reconcile/2026-12-31", "check/2026-12-31", "deliver/2026-12-31",
                "reconcile/2027-03-31", "weekly/2026-09-25"):  # fmt: skip
        assert f"ledger.{due}" in rounds, due
    assert "ledger.check/2026-09-30" not in rounds
    meetings = {key for kind, key, _ in seen if kind == "meeting"}
    assert {"meeting.quarterly/2026-12-31", "meeting.monthly/2026-09-30", "meeting.weekly/2026-09-25"} <= meetings
    assert any(kind == "quota" and key.startswith("inspection.delegates/2026") for kind, key, _ in seen)
    assert len({one[:2] for one in seen}) == len(seen), "proposed twice"
    [open_] = [row for row in story.proposed(CITY, kind="ledger") if row["text"].startswith("季度对账")]
    assert "季度對賬" in open_["grounds"]
    story.do(CITY, "todo.done", "督查员", n=[open_["id"]], reason="已对账")
    assert open_["id"] not in [row["id"] for row in story.proposed(CITY)]
    assert story.routine(CITY) == []
    story.agreed()


def test_six_ledgers_the_whole_and_those_of_leaders_and_departments() -> None:
    """R15, R92, R93, R94, R100: each matter stands in its ledger, with who leads, assists, by when, how and who."""
    story = city("2026-09-28")
    kinds = {
        "documents": {"source": "document"}, "meetings": {"source": "meeting.executive"},
        "instructions": {"source": "instruction"}, "inspections": {"source": "other", "class": "inspect.cross"},
        "assignments": {"source": "other", "class": "assigned"}, "projects": {"source": "other", "class": "project"},
    }  # fmt: skip
    for ledger, terms in kinds.items():
        made = story.do(
            CITY, "item.issue", "督查员", duty=LEADERS, title=f"事项{ledger}", due="2026-12-31", leader="分管副市长",
            to=[COUNTY, BUREAU], lead=[COUNTY], milestone=["四季度=完成@2026-12-31"], **terms,
        )  # fmt: skip
        sign(story, made)
    for ledger in kinds:
        shown = story.ask(CITY, "ledger.show", ledger=ledger)
        [row] = shown["rows"]
        assert row["cells"]["title"] == f"事项{ledger}"
        names = {one["name"] for one in shown["columns"]}
        assert {"牵头部门", "配合部门", "时序进度", "工作措施", "责任人"} <= names
        assert (COUNTY in row["cells"]["lead"], BUREAU in row["cells"]["assist"]) == (True, True), row["cells"]
    assert story.ask(CITY, "ledger.show", ledger="all")["total"] == len(kinds)
    assert story.ask(CITY, "ledger.show", ledger="leader", leader="分管副市长")["total"] == len(kinds)
    assert story.ask(CITY, "ledger.show", ledger="leader", leader="另一位")["total"] == 0
    for office in (COUNTY, BUREAU):
        assert story.ask(office, "ledger.show", ledger="department")["total"] == len(kinds)
    rounds = story.ask(CITY, "ledger.list")["rounds"]
    assert {"季度对账", "半年查账", "年底交账"} <= {one["title"] for one in rounds}
