"""六盘水府发〔2016〕7号: what the inspected office must not learn of, looked for in every record of its store.

四不两直 before the result (R101), 负面清单 and 问责线索 always (R115, R116, A21).
"""

from __future__ import annotations

from collections.abc import Iterator

from node.records.header import decode
from node.records.kinds import label_of
from node.records.line import Line
from tests.sim.stories.city import BUREAU, CITY, COUNTY, LEADERS, OTHER, RULES, TOWN, city, close, sign
from tests.sim.world import Machine


def everything(machine: Machine) -> Iterator[tuple[Line, str, bytes]]:
    """Each record an office holds, as bytes: the line it stands on, its kind, header and payload."""
    for log in machine.store.logs():
        for row in machine.store.run(log.log_no, 0, 2**31 - 1, 2**62):
            header = decode(row.header)
            yield header.line, label_of(header.kind), row.header + (row.payload or b"")


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
    [task] = sign(story, story.do(CITY, "item.assign", "督查员", duty=LEADERS, item=own, to=[COUNTY], due="2026-11-30"))
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
    made = story.do(CITY, "item.issue", "督查员", duty=LEADERS, title="清欠农民工工资", source="instruction",
                    to=[COUNTY, OTHER], due="2026-10-30")  # fmt: skip
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
        story.do(CITY, "item.negative", "督查员", item=task, rule=f"condition.{one}", text=f"欠薪线索{one}",
                 **{"from": "organ.head"})  # fmt: skip
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
