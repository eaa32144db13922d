"""督办单 白黄红, 理由认定, 记分, 督办令, 整改清单, 通报, 约谈, 问责线索 and 负面清单."""

from __future__ import annotations

import pytest

from node.services.matters.desk import Caller
from node.services.views.actions import item_actions
from tests.unit.offices import CITY, COUNTY, DUE, EARLIER, LATER, TOWN, Offices


@pytest.fixture
def offices() -> Offices:
    return Offices()


def test_the_ladder_is_climbed_step_by_step(offices: Offices) -> None:
    """R105, R106, R107, A15: no colour is skipped; 无正当理由 is decided; yellow takes 0.3 points by its rule."""
    offices.publish(offices.city, "xianyang-001")
    _, [task] = offices.issue(offices.city, [COUNTY])
    slip = {"text": "整改标准：逐项整改到位", "due": "2026-10-15", "fact": ["slow_progress"]}
    for colour in ("黄", "红"):
        line = offices.refused(offices.city, "slip", task, colour=colour, **slip)
        assert "尚缺" in line
        assert f"规则 xianyang-001/1 ladder.{'yellow' if colour == '黄' else 'red'}" in line
    assert "发督办单" in offices.refused(offices.county, "slip", task, colour="白", **slip)
    assert "没有这种颜色" in offices.refused(offices.city, "slip", task, colour="绿", **slip)
    assert "完成时限" in offices.refused(offices.city, "slip", task, colour="白", **slip | {"due": ""})
    assert "督办单须写明：整改标准（规则 xianyang-001/1 ladder.white）" in offices.refused(
        offices.city, "slip", task, colour="白", **slip | {"text": "抓紧"}
    )
    assert "没有这一项" in offices.refused(offices.city, "slip", task, colour="白", **slip, state=["标准=甲"])
    offices.do(offices.city, "slip", task, colour="白", **slip)
    assert "不能再发白色" in offices.refused(offices.city, "slip", task, colour="白", **slip)
    assert "无正当理由" in offices.refused(offices.city, "slip", task, colour="黄", **slip)
    line = offices.refused(offices.city, "slip", task, colour="黄", **slip | {"fact": ["结果达不到标准要求"]})
    assert "--fact 结果达不到标准要求" not in line, "it was said, and there is no result to say it of"
    assert "督办单时限 2026-10-15 过后仍未完成的可发" in line
    offices.do(offices.county, "justify", task, text="资金未到位")
    offices.later(40)
    slip |= {"due": "2026-11-20", "text": "限期整改", "state": ["整改标准=资金到位，逐项整改"]}
    assert "dulian item judge" in offices.refused(offices.city, "slip", task, colour="黄", **slip)
    assert "认定理由" in offices.refused(offices.county, "judge", task, justified=True, reason="确未到位")
    assert "只写一种" in offices.refused(offices.city, "judge", task, reason="资金早已拨付")
    offices.do(offices.city, "judge", task, unjustified=True, reason="资金早已拨付")
    made = offices.do(offices.city, "slip", task, colour="黄", **slip)
    tracks = offices.tracks(offices.county, task)
    assert [one["label"] for one in tracks["slips"]] == ["白", "黄"]
    assert "后果：黄色督办单扣分 -0.3分" in tracks["slips"][1]["entries"]
    assert tracks["slips"][1]["entries"][0] == "整改标准：资金到位，逐项整改"
    [score] = tracks["scores"]
    assert score["unit_name"] == offices.city.office.view().name_of(score["unit"])
    assert score["points"] == -0.3
    assert score["rule"] == "xianyang-001/1/scores.slip.yellow"
    assert (score["cause"], score["unit"]) == (made["record"], COUNTY)
    view = offices.city.office.view()._replace(caller=Caller("王某", roles=("supervisor",)))
    shown = item_actions(offices.city.store.reader(), view, {"item": task})
    fields = {field["name"]: field["choices"] for one in shown["actions"] for field in one["fields"]}  # type: ignore[attr-defined]
    assert [one["label"] for one in fields["adopt"]] == ["-0.3分 黄色督办单扣分"], "by what the rule is called"
    assert all(one["label"].endswith((f" {view.name_of(CITY)}", f" {view.name_of(COUNTY)}")) for one in fields["cause"])
    del slip["state"]
    line = offices.refused(offices.city, "slip", task, colour="红", **slip)
    assert "屡督不动" in line
    offices.later(40)
    assert "没有说明理由" in offices.refused(offices.city, "judge", task, justified=True, reason="无")
    offices.do(offices.city, "judge", task, unjustified=True, reason="到时限未说明理由")
    offices.do(offices.city, "slip", task, colour="红", text="亮红灯", due="2026-12-31")
    assert any("纪检监察" in one for one in offices.tracks(offices.county, task)["slips"][2]["entries"])
    offices.agreed()


def test_a_justified_reason_stops_the_ladder(offices: Offices) -> None:
    """R106, A15: with a justified reason there is no yellow slip."""
    offices.publish(offices.city, "xianyang-001")
    _, [task] = offices.issue(offices.city, [COUNTY])
    assert "督办单" in offices.refused(offices.county, "justify", task, text="理由")
    white = {"text": "整改标准：通气", "fact": ["slow_progress"]}
    offices.do(offices.city, "slip", task, colour="白", due="2026-10-15", **white)
    offices.do(offices.county, "justify", task, text="洪灾")
    offices.do(offices.city, "judge", task, justified=True, reason="属实")
    offices.later(40)
    line = offices.refused(offices.city, "slip", task, colour="黄", text="整改", due="2026-11-20")
    assert "无正当理由" in line


def test_progress_and_judgements_decide_too(offices: Offices) -> None:
    """R105, R106: what moves gets no white slip, unless its progress is judged slow; no ladder, no slip."""
    _, [task] = offices.issue(offices.city, [COUNTY])
    slip = {"text": "整改标准：开工", "due": "2026-10-15"}
    assert "规则 base-004/1 ladder" in offices.refused(offices.city, "slip", task, colour="白", **slip)
    offices.publish(offices.city, "xianyang-001")
    offices.do(offices.county, "report", task, text="已启动", percent=1)
    line = offices.refused(offices.city, "slip", task, colour="白", **slip)
    assert "--fact 进展缓慢" in line
    assert "不是可以认定的事由" in offices.refused(offices.city, "slip", task, colour="白", fact=["逾期"], **slip)
    offices.do(offices.city, "slip", task, colour="白", fact=["进展缓慢"], **slip)
    assert "事由：进展缓慢" in offices.tracks(offices.city, task)["slips"][0]["entries"]


def test_points_need_a_rule_and_a_cause(offices: Offices) -> None:
    """R119, A10, A20: figure and sign are the rule's; a proposal is adopted or dropped."""
    offices.publish(offices.city, "xianyang-001")
    _, [task] = offices.issue(offices.city, [COUNTY])
    cause = offices.do(offices.city, "urge", task, text="请抓紧")["record"]
    assert "slip.yellow" in offices.refused(offices.city, "score", task, rule="order.poor", cause=cause)
    line = offices.refused(offices.city, "score", task, rule="slip.yellow")
    assert "记分须写明事由" in line
    assert "（规则 xianyang-001/1 scores.slip.yellow）" in line
    assert "写 --cause" in line
    line = offices.refused(offices.city, "score", task, rule="slip.yellow", cause=cause, points="-1")
    assert "分值须为 -0.3" in line
    assert "规则 xianyang-001/1 scores.slip.yellow" in line
    assert "记分" in offices.refused(offices.county, "score", task, rule="slip.yellow", cause=cause)
    assert "没有这条记录" in offices.refused(offices.city, "score", task, rule="slip.yellow", cause="abcdef12")
    for points in ("1e300", "inf", "nan", "-1000.001", "0.0001", "1e-400", "甲"):
        line = offices.refused(offices.city, "score", task, rule="target", cause=cause, points=points)
        assert "分值" in line, points
    made = [offices.do(offices.city, "score", task, rule="slip.yellow", cause=cause)["record"] for _ in range(2)]
    offices.do(offices.city, "score", task, adopt=made[0])
    offices.do(offices.city, "score", task, drop=made[1])
    labels = [one["label"] for one in offices.tracks(offices.county, task)["scores"]]
    assert labels == ["已采用", "未采用"]
    offices.agreed()


def test_an_order_is_numbered_signed_in_order_and_within_the_date(offices: Offices) -> None:
    """R67 to R73: number, text, limit; county-003's chain of signatures stands before it."""
    own, [task] = offices.issue(offices.city, [COUNTY])
    assert DUE in offices.refused(offices.city, "order", task, text="限期办结", due=LATER)
    collected = "县政府办主任到机要室领取"
    made = offices.do(offices.city, "order", task, text="限期办结", due=EARLIER, handover=collected)
    assert f"领受：{collected}" in offices.show(offices.county, task)["timeline"][-1]["text"]
    assert made["order"] == "320500-令-2026-0001"
    own_number = {"text": "限期办结", "due": EARLIER, "number": "320500-令-2026-0002"}
    offices.do(offices.city, "order", task, **own_number)
    assert "已发过（规则：一令一号）" in offices.refused(offices.city, "order", own, **own_number)
    third = offices.do(offices.city, "order", own, text="限期办结", due=EARLIER)
    assert third["order"] == "320500-令-2026-0003"
    made = {"record": offices.tracks(offices.county, task)["orders"]}
    assert len(made["record"]) == 2
    assert "发督办令" in offices.refused(offices.county, "order", task, text="限期", due=EARLIER)
    assert "写 --due 日期" in offices.refused(offices.city, "order", own, text="限期")
    offices.publish(offices.city, "county-003")
    line = offices.refused(offices.city, "order", own, text="限期办结", due=EARLIER)
    assert "county-003/1 chains.order" in line
    assert "--subject order --due 办结时限" in line
    offices.agreed()


def test_rectification_is_cleared_line_by_line(offices: Offices) -> None:
    """R97, R108: the issuer lists and clears, the unit reports; nobody clears its own."""
    _, [task] = offices.issue(offices.city, [COUNTY])
    lines = [f"一=补齐台账@发改局@李四@{EARLIER}", f"二=公开结果@政务办@王五@{EARLIER}"]
    assert "写法不对" in offices.refused(offices.city, "rectify", task, line=["一=补齐"])
    assert DUE in offices.refused(offices.city, "rectify", task, line=[f"一=甲@乙@丙@{LATER}"])
    assert "早于今天（规则：" in offices.refused(offices.city, "rectify", task, line=["一=甲@乙@丙@2020-12-10"])
    assert "只有交办单位能列出和销去" in offices.refused(offices.county, "rectify", task, line=lines)
    offices.do(offices.city, "rectify", task, line=lines, text="限期整改")
    assert "没有这一条" in offices.refused(offices.county, "rectify", task, report=["三"])
    offices.do(offices.county, "rectify", task, report=["一"], text="已补齐")
    assert "只有交办单位能列出和销去" in offices.refused(offices.county, "rectify", task, clear=["一"])
    offices.do(offices.city, "rectify", task, clear=["一"])
    labels = {one["key"]: one["label"] for one in offices.tracks(offices.county, task)["rectify"]}
    assert labels == {"一": "已销去", "二": "整改中"}
    assert "已报告或已销去" in offices.refused(offices.city, "rectify", task, clear=["一"])
    offices.agreed()


def test_a_notice_is_on_the_item_and_on_each_named_office_s_task(offices: Offices) -> None:
    """R45, R110: who is named reads it on its own task, who is not does not."""
    own, [county, town] = offices.issue(offices.city, [COUNTY, TOWN])
    assert "不承办" in offices.refused(offices.city, "notice", own, criticise=True, text="批评", to=["320585"])
    assert "只写一种" in offices.refused(offices.city, "notice", own, text="通报")
    offices.do(offices.city, "notice", own, criticise=True, text="进度滞后，限期整改", to=[COUNTY], due=EARLIER)
    assert len(offices.tracks(offices.county, county)["notices"]) == 1
    assert offices.tracks(offices.town, town)["notices"] == []
    past = {"criticise": True, "text": "限期整改", "to": [COUNTY], "due": "2020-01-01"}
    assert "早于今天（规则：" in offices.refused(offices.city, "notice", own, **past)
    assert len(offices.tracks(offices.city, own)["notices"]) == 1
    offices.do(offices.city, "bulletin", own, title="督查工作简报第1期", text="全市进展")
    offices.do(offices.city, "special", own, title="专报", text="请阅示")
    offices.do(offices.city, "notice", own, praise=True, text="完成及时", to=[TOWN])
    tracks = offices.tracks(offices.city, own)
    assert [len(tracks[name]) for name in ("notices", "bulletins", "specials")] == [2, 1, 1]
    assert (tracks["praises"], tracks["criticisms"]) == (1, 1)
    for machine, item, verdict, word in ((offices.county, county, "criticism", "通报批评：进度滞后"),
                                         (offices.town, town, "praise", "通报表扬：完成及时")):  # fmt: skip
        entry = offices.show(machine, item)["timeline"][-1]
        assert entry["verdict"] == verdict
        assert entry["text"].startswith(word)
    assert "此类事项不能" in offices.refused(offices.city, "bulletin", county, title="简报", text="全市进展")
    offices.do(offices.city, "interview", county, person="李四", text="约谈主要负责人", occurred="2026-09-20")
    assert offices.tracks(offices.county, county)["interviews"] == 1
    offices.agreed()


def test_what_accuses_an_office_never_reaches_it(offices: Offices) -> None:
    """R114, R115, R116, A21: 问责线索 and 负面清单 stand on own items and side files alone."""
    own, [task] = offices.issue(offices.city, [COUNTY])
    offices.publish(offices.city, "liupanshui-002")
    assert "规则 liupanshui-002/1 measures" in offices.refused(offices.city, "negative", task, rule="x", text="敷衍")
    known = offices.city.office.rulebook.profile(30_000).measures
    condition = next(one.id for one in known if one.kind == "condition")
    assert sum(one.kind == "condition" for one in known) == 5
    before = offices.county.store.record_count()
    made = offices.do(offices.city, "refer", task, text="涉嫌虚报", to="监察机关")
    assert made["item"] == own
    assert "规则 liupanshui-002/1 negative_suppliers" in offices.refused(offices.city, "negative", task, text="敷衍")
    assert "没有这一提供单位" in offices.refused(offices.city, "negative", task, text="敷衍", **{"from": "群众"})
    offices.do(offices.city, "negative", task, rule=condition, text="敷衍整改", **{"from": "人大、政协"})
    said = offices.show(offices.city, own)["timeline"][-1]["text"]
    assert "提供：人大、政协\n管理：政府监察部门" in said
    assert [one["kind_label"] for one in offices.show(offices.city, own)["timeline"]][-2:] == ["问责线索", "负面清单"]
    # A task that came from above and went on: no own item here, so a side file is opened, once.
    _, [above] = offices.issue(offices.province, [CITY])
    [child] = offices.do(offices.city, "decompose", above, to=[COUNTY], title="清理")["assignments"]
    files = {offices.do(offices.city, "refer", child["item"], text="涉嫌瞒报")["item"] for _ in range(2)}
    assert len(files) == 1
    assert [one["subject"] for one in offices.tracks(offices.city, child["item"])["cases"]] == ["side"]
    assert "不是该任务的交办单位" in offices.refused(offices.county, "refer", child["item"], text="自查")
    for machine in (offices.county, offices.town, offices.province):
        assert not files & set(machine.digests())
    kinds = {entry["kind_label"] for item in offices.county.digests() for entry in
             offices.show(offices.county, item)["timeline"]}
    assert not kinds & {"问责线索", "负面清单"}
    assert offices.county.store.record_count() > before
    offices.agreed()
