"""Approval cases by the chains of county-003: opened, approved in order, used once (R56, R57, R78)."""

from __future__ import annotations

from typing import Any

import pytest

from node.errors import InputError
from node.items import guards
from tests.sim.test_smoke import Wire
from tests.sim.world import admit, found
from tests.unit.one_office import COUNTY, TOWN, Office

CITY = "320500"


class Line:
    """City, county with the rules of seed 003, town; connected."""

    def __init__(self) -> None:
        root = found(1, CITY, real=True)
        middle = admit(1, root, COUNTY, real=True)
        bottom = admit(1, middle, TOWN, real=True)
        self.city, self.county, self.town = Office(root), Office(middle, "county-003"), Office(bottom)
        self.county.hire()
        self.wire = Wire(root, middle, bottom)
        self.wire.connect(middle)
        self.wire.connect(bottom)

    def settle(self) -> None:
        self.wire.settle()

    def received(self) -> str:
        """A task of the city, signed at the county."""
        made = self.city.do("item.issue", title="市政府交办", to=[COUNTY], due="2027-03-31")
        self.settle()
        item = str(made["assignments"][0]["item"])
        self.county.do("item.sign", "承办", item=item)
        self.settle()
        return item

    def set_up(self, proposal: str) -> str:
        """An instruction of a leader, proposed and approved as chains.setup has it (R48)."""
        item = str(self.county.do("item.register", "承办", title="批示件", source="handling.instruction")["item"])
        self.county.do("item.propose", "承办", item=item, text=proposal)
        for name in ("主任", "分管", "办主任"):
            self.county.do("item.approve", name, item=item)
        return item


@pytest.fixture
def line() -> Line:
    return Line()


def test_report_to_the_city_needs_the_signature_of_the_head_or_the_office_head(line: Line) -> None:
    """R57: a matter from above is answered over the signature of 县政府主要领导 or 政府办主任; one of them suffices."""
    county, item = line.county, line.received()
    error = county.refused("item.submit", "承办", item=item, text="已办结")
    assert "规则 county-003/1 chains.report.upper" in error.text
    assert "签发（县长 或 县政府办主任）" in error.text
    assert "dulian case open" in error.remedy
    case = county.do("case.open", "承办", item=item, subject="report", text="报告送审稿")
    assert case["rule"] == "county-003/1/chains.report.upper"
    pending = county.refused("item.submit", "承办", item=item, text="已办结")
    assert f"dulian item approve {case['number']}" in pending.remedy
    assert county.refused("item.approve", "承办", item=case["number"]).code == "no_post"
    assert county.do("item.approve", "县长", item=case["number"])["complete"]
    other = county.refused("item.submit", "承办", item=item, text="已办结")
    assert "不一致（规则 county-003/1 chains.report.upper）" in other.text
    county.do("item.submit", "承办", item=item)  # what is left out is as it was signed
    line.settle()
    assert line.city.state(item).state == "submitted"
    assert county.do("item.show", item=item)["timeline"][-1]["text"] == "报告送审稿"
    assert county.state(case["item"]).state == "closed"


def test_the_act_names_the_case_it_went_by_and_the_case_serves_once(line: Line) -> None:
    county, item = line.county, line.received()
    case = county.do("case.open", "承办", item=item, subject="report", text="送审稿")
    county.do("item.approve", "办主任", item=case["item"])
    done = county.do("item.submit", "承办", item=item, text=" 送审稿\n")
    timeline = county.do("item.show", item=item)["timeline"]
    assert done["record"] in {entry["record"] for entry in timeline}
    line.settle()
    line.city.do("item.return", item=item, reason="数字不符")
    line.settle()
    again = county.refused("item.submit", "承办", item=item, text="已重办")
    assert "dulian case open" in again.remedy
    second = county.do("case.open", "承办", item=item, subject="report", text="送审稿二")
    assert second["number"] != case["number"]


def test_case_never_leaves_the_office(line: Line) -> None:
    """I4: drafts and opinions stand on the line of this office alone."""
    county, item = line.county, line.received()
    case = county.do("case.open", "承办", item=item, subject="report", text="送审稿")
    county.do("item.approve", "县长", item=case["item"], text="同意")
    line.settle()
    for other in (line.city, line.town):
        assert not other.machine.store.reader().board([bytes.fromhex(case["item"])])


def test_what_a_refusal_offers_says_which_approval_comes_first(line: Line) -> None:
    """R40, R48, R57: nothing is offered as if it could be done at once that the chain then refuses."""
    county, item = line.county, line.received()
    step = "报结（submit；须先经审批，第一步 签发（县长 或 县政府办主任））"
    assert step in county.refused("item.sign", "承办", item=item).remedy
    assert step in county.refused("item.accept", "承办", item=item).remedy
    case = county.do("case.open", "承办", item=item, subject="report", text="报告送审稿")
    pending = f"报结（submit；须先经审批，审签件 {case['number']} 下一步 签发（"
    assert pending in county.refused("item.sign", "承办", item=item).remedy
    county.do("item.approve", "县长", item=case["number"])
    free = county.refused("item.sign", "承办", item=item).remedy
    assert "报结（submit）" in free
    assert "报告进展（report）" in free
    assert county.refused("item.report", "承办", item="999999").remedy.count("须先经审批") == 0
    own = str(county.do("item.register", "承办", title="批示件", source="handling.instruction")["item"])
    error = county.refused("item.accept", "承办", item=own)
    assert guards.OFFERED in error.remedy
    assert "立项（establish；须先经审批，拟办后第一步 " in error.remedy
    shown = county.do("item.actions", item=own)
    told = [one["remedy"] for one in shown["unavailable"] if guards.OFFERED in (one["remedy"] or "")]
    assert all("（establish）" not in remedy for remedy in told)


def test_case_is_refused_where_it_makes_no_sense(line: Line) -> None:
    county, item = line.county, line.received()
    assert county.refused("case.open", "承办", item=item, subject="天气", text="甲").field == "--subject"
    assert "不要求审批" in county.refused("case.open", "承办", item=item, subject="notice", text="甲").text
    assert county.refused("case.open", "承办", item=item, subject="report").field == "--text"
    case = county.do("case.open", "承办", item=item, subject="上报", text="甲")
    assert case["subject"] == "report"
    assert "已有" in county.refused("case.open", "承办", item=item, subject="report", text="乙").text
    attempts: dict[str, dict[str, Any]] = {
        "item.assign": {"to": [TOWN]}, "item.report": {"text": "乙"}, "item.establish": {},
        "case.open": {"subject": "report", "text": "丙"}, "item.merge": {"into": item}, "item.plan": {"text": "丁"},
    }  # fmt: skip
    for verb, args in attempts.items():
        assert isinstance(county.refused(verb, "承办", item=case["item"], **args), InputError), verb
    own = county.do("item.register", title="自立", source="handling.other")["item"]
    error = county.refused("case.open", "承办", item=own, subject="setup", text="甲")
    assert "dulian item propose" in error.remedy


def test_task_from_above_is_set_up_by_a_case_before_it_goes_on(line: Line) -> None:
    """R10, R48: what the city hands over for 查办 is proposed inside the county; approved once for all."""
    county = line.county
    made = line.city.do("item.issue", title="来函查处", source="handling.organ", to=[COUNTY])
    line.settle()
    item = str(made["assignments"][0]["item"])
    county.do("item.sign", "承办", item=item)
    for verb in ("item.assign", "item.decompose"):
        error = county.refused(verb, "承办", item=item, to=[TOWN], title="查处")
        assert "规则 county-003/1 chains.setup" in error.text
    case = county.do("case.open", "承办", item=item, subject="setup", text="拟办意见")
    assert f"审签件 {case['number']}" in county.refused("item.approve", "主任", item=item).text
    for name in ("主任", "办主任", "分管"):
        county.do("item.approve", name, item=case["item"])
    county.do("item.assign", "承办", item=item, to=[TOWN])
    assert county.state(case["item"]).state == "closed"
    county.do("unit.add", name="水务局")
    county.do("item.handle", "承办", item=item, unit="水务局")


def test_rejected_case_is_proposed_again(line: Line) -> None:
    county, item = line.county, line.received()
    case = county.do("case.open", "承办", item=item, subject="report", text="甲")
    county.do("item.reject", "县长", item=case["item"], reason="补充数字")
    assert "已退回" in county.refused("item.submit", "承办", item=item, text="已办结").text
    assert county.do("item.propose", "承办", item=case["item"], text="乙")["rule"] == case["rule"]
    county.do("item.approve", "县长", item=case["item"])
    assert "不一致" in county.refused("item.submit", "承办", item=item, text="甲").text
    county.do("item.submit", "承办", item=item, text="乙")


def test_withdrawn_case_makes_room_for_another(line: Line) -> None:
    county, item = line.county, line.received()
    case = county.do("case.open", "承办", item=item, subject="report", text="甲")
    county.do("item.decline", "承办", item=case["item"], reason="撤回重拟")
    assert county.do("case.open", "承办", item=item, subject="report", text="乙")["number"] != case["number"]


def test_accepting_a_report_needs_three_steps(line: Line) -> None:
    """R56: 督查室主任审核 → 分管督查副县长、政府办主任审签 → 交办领导审示, then acceptance."""
    county = line.county
    item = line.set_up("拟转乡镇")
    task = str(county.do("item.assign", "承办", item=item, to=[TOWN])["assignments"][0]["item"])
    line.settle()
    line.town.do("item.sign", item=task)
    line.town.do("item.submit", item=task, text="已办结")
    line.settle()
    error = county.refused("item.accept", "承办", item=task)
    assert "规则 county-003/1 chains.accept" in error.text
    case = county.do("case.open", "承办", item=task, subject="accept", text="查办报告")
    assert "已有" in county.refused("case.open", "承办", item=task, subject="accept", text="再审").text
    verbs = [county.do("item.approve", name, item=case["item"])["verb"] for name in ("主任", "分管", "办主任", "批示")]
    assert verbs == ["审核", "审签", "审签", "审示"]
    county.do("item.accept", "承办", item=task)
    line.settle()
    assert line.town.state(task).state == "accepted"


def test_a_report_is_approved_after_it_came_and_by_others_than_who_wrote_it(line: Line) -> None:
    """R56, A7: no approval in advance, none for another report, none of one's own."""
    county = line.county
    item = line.set_up("拟自办")
    early = county.refused("case.open", "承办", item=item, subject="accept", text="查办报告")
    assert "还没有办结报告，无从送审（规则 county-003/1 chains.accept" in early.text
    county.do("item.submit", "主任", item=item, text="水已通")
    case = county.do("case.open", "承办", item=item, subject="accept", text="查办报告")["item"]
    own = county.refused("item.approve", "主任", item=case)
    assert (own.code, "是报送人" in own.text) == ("self_approval", True)
    county.do("item.cancel", "承办", item=case, reason="另由承办人报")
    county.do("item.return", "承办", item=item, reason="水未通", mode="redo")
    county.do("item.submit", "承办", item=item, text="水真的通了")
    case = county.do("case.open", "承办", item=item, subject="accept", text="查办报告")["item"]
    for name in ("主任", "分管", "办主任", "批示"):
        county.do("item.approve", name, item=case)
    county.do("item.return", "承办", item=item, reason="附照片", mode="supplement")
    county.do("item.submit", "承办", item=item, text="附照片")
    stale = county.refused("item.accept", "承办", item=item)
    assert "此前的办结报告" in stale.text
    county.do("item.cancel", "承办", item=case, reason="重新送审")
    again = county.do("case.open", "承办", item=item, subject="accept", text="查办报告")["item"]
    for name in ("主任", "分管", "办主任", "批示"):
        county.do("item.approve", name, item=again)
    county.do("item.accept", "承办", item=item)
    assert county.state(item).state == "accepted"


def test_what_a_unit_works_on_is_not_closed_past_the_chain_of_accepting(line: Line) -> None:
    """R56: 审核 → 审签 → 审示 stand before 销号, whoever works on it."""
    county = line.county
    item = line.set_up("拟交水务局")
    county.do("unit.add", name="水务局")
    says = "办结报告未经审核，不能销号"
    assert says in county.refused("item.close", "承办", item=item).text
    county.do("item.handle", "承办", item=item, unit="水务局")
    assert "规则 county-003/1 chains.accept" in county.refused("item.close", "承办", item=item).text
    county.do("item.submit", "承办", item=item, text="水已通")
    assert "dulian item accept" in county.refused("item.close", "承办", item=item).remedy
    case = county.do("case.open", "承办", item=item, subject="accept", text="查办报告")["item"]
    for name in ("主任", "分管", "办主任", "批示"):
        county.do("item.approve", name, item=case)
    county.do("item.accept", "承办", item=item)


def test_cases_are_listed_apart_from_items(line: Line) -> None:
    county, item = line.county, line.received()
    case = county.do("case.open", "承办", item=item, subject="report", text="送审稿")
    (row,) = county.do("case.list")
    assert (row["number"], row["state_label"]) == (case["number"], "已拟办")
    assert row["next"] == "签发（县长 或 县政府办主任）"
    assert row["target"] == item
    assert case["item"] not in {one["id"] for one in county.do("item.list")}
    county.do("item.approve", "县长", item=case["item"])
    shown = county.do("case.show", item=case["number"])
    assert shown["state_label"] == "已批准"
    assert [(post["id"], post["done"]) for step in shown["steps"] for post in step["posts"]] == [
        ("leader.head", True), ("office.head", False),
    ]  # fmt: skip
    county.do("item.submit", "承办", item=item)
    assert county.do("case.list") == []
    assert [one["state_label"] for one in county.do("case.list", all=True, item=item)] == ["已使用"]
    assert isinstance(county.refused("case.show", item=item), InputError)
