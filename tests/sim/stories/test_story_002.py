"""六盘水府发〔2016〕7号 from September 2026 to March 2027: 市县乡 and departments, by the city's own rules.

End to end: 学习解读 (R37, R38), the task list with its grain and six levels of responsibility (R14, R29, R30), one lead
with assistants (R33), monthly reports in three parts (R86, R87), warning and explaining (R89), 整改清单 line by line
(R97, R108), rounds and meetings (R88, R95, R96), 四不两直 (R101), accountability and 负面清单 (R115, R116).
"""

from __future__ import annotations

from collections.abc import Iterator

from node.records.header import decode
from node.records.kinds import label_of
from node.records.line import Line
from node.rules.calendar import date_of
from tests.sim.stories.harness import Story
from tests.sim.world import Machine

CITY, COUNTY, OTHER, BUREAU, TOWN = "520200", "520221", "520222", "520200-fgw", "520221101"
TREE = {CITY: "", COUNTY: CITY, OTHER: CITY, BUREAU: CITY, TOWN: COUNTY}
RULES = "规则 liupanshui-002/1"
LEVELS = (
    "政府部门工作人员", "科（股）室负责人", "部门分管负责同志", "部门主要负责同志", "政府分管领导", "政府主要领导",
)  # fmt: skip
PARTS = ["1=完成三成，做法是分片包干", "2=征地滞后", "3=请市自然资源局协调"]


def city(start: str) -> Story:
    """City, county and bureau go by the document; the town has the default."""
    story = Story(TREE, start)
    story.publish_calendar()
    for office in (CITY, COUNTY, BUREAU):
        story.publish(office, "liupanshui-002")
    story.hire(CITY, "市长", "leader.head")
    story.hire(CITY, "分管副市长", "leader.matter")
    story.hire(CITY, "督查员")
    return story


def sign(story: Story, made: dict[str, object]) -> list[str]:
    """Everybody signs what was assigned; the tasks."""
    tasks = []
    for one in made["assignments"]:  # type: ignore[attr-defined]
        story.do(one["to"], "item.sign", item=one["item"])
        tasks.append(str(one["item"]))
    return tasks


def close(story: Story, issuer: str, task: str) -> None:
    """复核确认 and only then 销号 (R97)."""
    story.do(issuer, "item.accept", item=task)
    story.refused(issuer, "item.close", says=f"{RULES} closing", item=task)
    story.do(issuer, "item.verify", item=task, passed=True)
    story.do(issuer, "item.close", item=task)


def everything(machine: Machine) -> Iterator[tuple[Line, str, bytes]]:
    """Each record an office holds, as bytes: the line it stands on, its kind, header and payload."""
    for log in machine.store.logs():
        for row in machine.store.run(log.log_no, 0, 2**31 - 1, 2**62):
            header = decode(row.header)
            yield header.line, label_of(header.kind), row.header + (row.payload or b"")


def test_a_document_is_studied_in_five_days_and_reported_in_two() -> None:
    """R37, R38: the 专班 and its four points; 5 and 2 working days around the National Day; 特别重大 at once."""
    story = city("2026-09-28")
    points = ["文件背景和新要求", "可争取的政策、项目、资金、试点", "对本地的挑战和影响", "其他地方动态和意见措施"]
    made = story.do(
        CITY, "item.issue", "督查员", title="学习解读黔府发〔2026〕9号", source="document", rule="study",
        start="2026-09-28", point=points, to=[BUREAU], leader="分管副市长",
    )  # fmt: skip
    [task] = sign(story, made)
    story.same_everywhere(task, due="2026-10-10", points=points)
    team = [f"{level}={name}" for level, name in zip(LEVELS[3:5], ("发改委主任", "分管副市长"), strict=True)]
    story.do(BUREAU, "item.handle", item=task, unit="综合科", duty=team, text="政策文件解读工作专班")
    assert [one["name"] for one in story.tracks(CITY, task)["duties"]] == ["发改委主任", "分管副市长"]
    major = story.do(
        CITY, "item.issue", "督查员", title="学习解读中央一号文件", source="document", **{"class": "major"},
        rule="study.major", to=[COUNTY],
    )  # fmt: skip
    [at_once] = sign(story, major)
    story.same_everywhere(at_once, due="2026-09-28", light="yellow")
    story.do(COUNTY, "item.submit", item=at_once, text="当日已组织学习")
    close(story, CITY, at_once)
    story.at("2026-10-09")
    three = [f"{number}={text}已解读" for number, text in enumerate(points[:3], 1)]
    story.refused(BUREAU, "item.submit", says=(f"{RULES} R58", "4. 其他地方"), item=task, text="已解读", answer=three)
    story.do(BUREAU, "item.submit", item=task, text="已解读", answer=[*three, "4=已了解遵义做法"])
    report = story.do(
        CITY, "item.issue", "督查员", title="报告解读情况并公开", source="document", rule="study.report",
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
        CITY, "item.issue", "督查员", **year, milestone=steps, to=[COUNTY, OTHER, BUREAU], lead=[COUNTY],
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
    assert [one["level"] for one in story.tracks(CITY, lead)["duties"]] == list(LEVELS)
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
    made = story.do(CITY, "item.issue", "督查员", lead=[OTHER], **both)
    assert [one["role"] for one in made["assignments"]] == ["assist", "lead"]
    story.agreed()


def test_what_nobody_asked_for_is_reported_on_a_standing_task() -> None:
    """R85, R102: emergencies at once, and departments' own inspection results, to 政府办 and 督查部门, both signed."""
    story = city("2026-09-28")
    made = story.do(
        CITY, "item.issue", "督查员", title="突发事件和自行督查结果报告（常设）", source="other", **{"class": "urgent"},
        to=[COUNTY, BUREAU], point=["突发、紧急情况第一时间报告", "本行业督查结果报政府办公室和督查部门"],
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
    made = story.do(CITY, "item.issue", "督查员", title="河道整治", source="other", to=[COUNTY], due="2027-03-31")
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
    [task] = sign(story, story.do(CITY, "item.assign", "督查员", item=item, to=[COUNTY]))
    story.same_everywhere(task, due="2026-11-30")
    story.agreed()


def test_problems_are_cleared_line_by_line_and_only_when_confirmed() -> None:
    """R97, R108, R109: leader, unit, date and demand on each line; 销号 by who supervises, after 复核确认."""
    story = city("2026-09-28")
    made = story.do(CITY, "item.issue", "督查员", title="生态督查问题", line="rectify", to=[COUNTY], due="2026-12-31")
    [task] = sign(story, made)
    lines = [f"{key}=整治{key}号排口@住建局@副县长@2026-1{key}-30" for key in ("0", "1")]
    story.refused(CITY, "item.rectify", "督查员", item=task, line=["一=整治"])
    story.do(CITY, "item.rectify", "督查员", item=task, line=lines, text="挂牌督办")
    story.refused(COUNTY, "item.rectify", says="R97", item=task, clear=["0"])
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
            CITY, "item.issue", "督查员", title=f"事项{ledger}", due="2026-12-31", leader="分管副市长",
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


def test_an_unannounced_inspection_never_reaches_the_inspected_office() -> None:
    """R100, R101, A21: 不发通知、不打招呼: not a record of it at county and town before the result is announced."""
    story = city("2026-09-28")
    made = story.do(
        CITY, "item.register", "督查员", title="暗访：安置点工程质量", source="instruction", hidden=True,
        **{"class": "inspect.hidden"}, requirement="直插现场：安置点三号楼",
    )  # fmt: skip
    own = made["item"]
    story.do(CITY, "item.establish", "督查员", item=own)
    story.do(CITY, "item.plan", "督查员", item=own, text="不用陪同：安置点三号楼", milestone=["1=直奔基层@2026-10-14"])
    story.refused(CITY, "item.assign", "督查员", says="四不两直", item=own, to=[COUNTY], due="2026-11-30")
    story.at("2026-10-14")
    photo = story.file(CITY, "裂缝照片.txt", "三号楼裂缝")
    story.do(CITY, "item.report", "督查员", item=own, text="安置点三号楼墙体开裂", attachments=[photo])
    story.routine(CITY)
    for code in (COUNTY, OTHER, BUREAU, TOWN):
        machine = story.offices[code]
        assert own not in machine.digests()
        for line, kind, said in everything(machine):
            assert line != Line((CITY,)), (code, kind)
            for trace in (bytes.fromhex(own), photo.hash, *(word.encode() for word in ("暗访：", "三号楼", "裂缝"))):
                assert trace not in said, (code, kind, said)
        assert not machine.blobs.present(photo.hash)
        assert not [one for one in story.ask(code, "item.list") if "安置点" in one["title"]]
    story.do(CITY, "item.reveal", "督查员", item=own, text="公布：三号楼存在裂缝", finding=["工程质量"])
    assert story.holders(own) == [CITY], "the inspection itself stays in the office"
    [task] = sign(story, story.do(CITY, "item.assign", "督查员", item=own, to=[COUNTY], due="2026-11-30"))
    story.same_everywhere(task, state="signed", due="2026-11-30")
    assert any("安置点".encode() in said for _, _, said in everything(story.offices[COUNTY]))
    story.at("2026-11-20")
    story.do(COUNTY, "item.submit", item=task, text="已加固")
    close(story, CITY, task)
    story.do(CITY, "item.close", "督查员", item=own)
    story.agreed()


def test_accountability_stands_where_only_its_keepers_read_it() -> None:
    """R110, R113, R115 to R117, A21: conditions, 负面清单 and 线索 at the city alone; the named read the notice."""
    story = city("2026-09-28")
    made = story.do(CITY, "item.issue", "督查员", title="清欠农民工工资", source="instruction", to=[COUNTY, OTHER],
                    due="2026-10-30")  # fmt: skip
    own, (task, other) = made["item"], sign(story, made)
    story.do(OTHER, "item.submit", item=other, text="已清欠")
    close(story, CITY, other)
    story.at("2026-11-02")
    story.same_everywhere(task, light="red")
    story.do(CITY, "item.urge", "督查员", item=task, text="逾期催办")
    story.at("2026-11-23")
    story.do(CITY, "item.notice", "督查员", item=own, criticise=True, to=[COUNTY], text="通报批评", due="2026-12-10")
    story.do(CITY, "item.notice", "督查员", item=own, praise=True, to=[OTHER], text="通报表扬")
    story.do(CITY, "item.interview", "督查员", item=task, person="县长", text="约谈")
    conditions = ("selective", "overdue", "named", "false", "fault")
    story.refused(CITY, "item.negative", "督查员", says=f"{RULES} measures", item=task, rule="condition.six", text="无")
    for one in conditions:
        story.do(CITY, "item.negative", "督查员", item=task, rule=f"condition.{one}", text=f"欠薪线索{one}")
    story.do(CITY, "item.refer", "督查员", item=task, to="组织人事部门", rule="result.publish", text="处理结果报送")
    course = story.course(CITY, own)
    assert (course.count("负面清单"), course.count("问责线索")) == (5, 1)
    for code in (COUNTY, OTHER, BUREAU, TOWN):
        kinds = [kind for _, kind, _ in everything(story.offices[code])]
        assert not {"负面清单", "问责线索"} & set(kinds), code
        assert not any("欠薪线索".encode() in said for _, _, said in everything(story.offices[code])), code
    assert story.course(COUNTY, task).count("通报") == story.course(OTHER, other).count("通报") == 1
    assert story.same_everywhere(task)["tracks"]["interviews"] == 1
    story.agreed()
