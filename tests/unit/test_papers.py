"""`papers`: lists of 督办令, 整改清单, 通报 … over the subtree, and what they keep back (R29, R97, R105)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from openpyxl import load_workbook

from node.cli import overview as paper_of_overview
from node.cli.paper import Paper
from node.documents.sheet_out import write_sheet
from node.errors import InputError
from node.services.matters.desk import Caller
from node.services.views import papers
from node.storage.port import BoardQuery, Unit
from tests.sim.world import Machine
from tests.unit.offices import CITY, COUNTY, LATER, TOWN, Offices
from tests.web.city import console_of


def ask(machine: Machine, kind: str, caller: Caller | None = None, **args: object) -> Any:
    view = machine.office.view()._replace(caller=caller)
    return papers.papers(machine.store.reader(), view, {"kind": kind} | args)


@pytest.fixture(scope="module")
def offices() -> Offices:
    """The city's tasks at two counties: returned, accepted, more time asked for and granted, all papers sent."""
    made = Offices()
    own, (near, far) = made.issue(made.city, [COUNTY, TOWN])
    made.do(made.county, "extend", near, until=LATER, reason="汛期")
    made.do(made.city, "change", own, due=LATER, reason="随延期")
    made.do(made.city, "grant", near, until=LATER)
    made.do(made.town, "submit", far, text="已办结")
    made.do(made.city, "return", far, reason="缺清单", mode="redo")
    made.do(made.city, "order", near, text="限期完成", due=LATER)
    made.do(made.city, "rectify", near, line=["1=资金拨付不及时@财政局@王某@2026-12-31"])
    made.do(made.city, "notice", near, criticise=True, title="关于进展的通报", text="进度落后")
    made.near, made.far = near, far  # type: ignore[attr-defined]
    return made


def test_each_paper_stands_in_its_list_in_its_author_s_words(offices: Offices) -> None:
    near, far = offices.near, offices.far  # type: ignore[attr-defined]
    found = {kind: ask(offices.city, kind) for kind in papers.PAPERS}
    said = {kind: [(one["item"], one["what"], one["author"]) for one in data["lines"]] for kind, data in found.items()}
    assert said["extension"] == [(near, "延期批复", CITY), (near, "延期申请", COUNTY)]
    assert said["return"] == [(far, "退回", CITY)]
    assert said["review"] == [(far, "退回", CITY), (far, "办结报告", TOWN)]
    assert said["order"] == [(near, "督办令", CITY)]
    assert said["rectify"] == [(near, "1", None)]
    assert said["notice"] == [(near, "通报", CITY)]
    assert not said["slip"]
    assert not said["score"]
    assert not said["archive"]
    assert "资金拨付不及时" in found["rectify"]["lines"][0]["text"]
    assert found["rectify"]["lines"][0]["due"] == "2026-12-31"
    assert {data["items"] for kind, data in found.items() if said[kind]} == {1}
    # What the superior's superior holds it lists too; a list is narrowed by office, and by kind in Chinese.
    assert ask(offices.county, "督办令")["lines"][0]["author"] == CITY
    assert ask(offices.city, "order", office=TOWN)["lines"] == []
    for kind, page, per in (("everything", "", ""), ("slip", "0", ""), ("slip", "", "1000")):
        with pytest.raises(InputError):
            ask(offices.city, kind, page=page, per=per)


def test_the_board_knows_of_papers_without_the_records_and_anew_after_a_rebuild(offices: Offices) -> None:
    """I7: the flags are made of records alone."""
    machine = offices.city

    def flagged() -> dict[str, int]:
        kinds = ("order", "rectify", "notice", "score", "return", "review", "extension", "slip")
        return {kind: len(machine.store.reader().board_query(BoardQuery(paper=kind))) for kind in kinds}

    before = flagged()
    assert before == {
        "order": 1, "rectify": 1, "notice": 1, "score": 0, "return": 1, "review": 1, "extension": 1, "slip": 0,
    }  # fmt: skip
    machine.store.begin(durable=False)
    machine.office.projector.rebuild()
    machine.store.commit(durable=False)
    assert flagged() == before


def test_a_handler_sees_the_papers_of_the_own_unit_only(offices: Offices) -> None:
    """W4: neither lines nor numbers of other units."""
    machine = offices.county
    machine.store.begin()
    machine.store.put([Unit("财政科", "", active=True)])
    machine.store.commit(durable=True)
    outside = ask(machine, "order", Caller("赵某", roles=("handler",), unit="财政科"))
    assert (outside["items"], outside["lines"]) == (0, [])
    assert ask(machine, "order", Caller("钱某", roles=("supervisor",)))["items"] == 1


def test_lists_on_paper_and_in_a_file_are_text(offices: Offices) -> None:
    printed = "\n".join(paper_of_overview._papers(ask(offices.city, "notice"), Paper(140)))
    assert "通报简报清单：共 1 个事项" in printed
    book = load_workbook(io.BytesIO(write_sheet("通报", (("内容", 20), ("分值", 8)), [("=1+1", "+2"), ("@甲", "")])))
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert cells[2].value == "=1+1"


def test_scores_are_summed_by_office_without_those_dropped_or_excused() -> None:
    """R119, A20: a score that was not adopted, or whose slip had good reasons, counts for nothing; on all pages."""
    made = Offices()
    made.publish(made.city, "xianyang-001")
    _, (near, far) = made.issue(made.city, [COUNTY, TOWN])
    slip = {"text": "整改标准：逐项整改到位", "due": "2026-10-15", "fact": ["slow_progress"]}
    white = {task: made.do(made.city, "slip", task, colour="白", **slip)["record"] for task in (near, far)}

    def score(task: str, points: str) -> str:
        cause = white[task][:12]
        return str(made.do(made.city, "score", task, rule="target", cause=cause, points=points)["record"])

    first, second, third = score(near, "-0.3"), score(near, "-0.1"), score(near, "0.25")
    score(far, "-2")
    made.do(made.city, "score", near, adopt=first[:12])
    made.do(made.city, "score", near, drop=second[:12])
    found = ask(made.city, "score", per="1", page="2")
    assert found["totals_items"] == 2
    assert [(one["receiver"], one["scores"], one["points"], one["adopted"], one["proposed"])
            for one in found["totals"]] == [(TOWN, 1, -2, 0, -2), (COUNTY, 2, -0.05, -0.3, 0.25)]  # fmt: skip
    assert [one["receiver"] for one in ask(made.city, "score", office=COUNTY)["totals"]] == [COUNTY]
    assert ask(made.city, "slip")["totals"] is None
    printed = "\n".join(paper_of_overview._papers(ask(made.city, "score"), Paper(140)))
    assert printed.index("-0.05") < printed.index("登记编号")
    with console_of(made.city) as desk:
        browser = desk.sign_in("王督查")
        rows = [row.get_text(" ", strip=True) for row in browser.page("/papers?kind=score").select("#score-totals tr")]
        assert rows[2].endswith("-0.05 -0.3 +0.25 2")
        answer = browser.get("/papers/xlsx", params={"kind": "score"})
        sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
        cells = [[one.value for one in row] for row in sheet.iter_rows()]
        assert cells[2][1:5] == ["-0.05", "-0.3", "+0.25", "2"]
        assert cells[4][0] == "登记编号"
    made.do(made.town, "justify", far, text="资金未到位")
    made.do(made.city, "judge", far, justified=True, reason="上级资金未下达")
    assert [one["receiver"] for one in ask(made.city, "score")["totals"]] == [COUNTY]
    outcomes = {one["record"]: one["outcome"] for one in ask(made.city, "score")["lines"]}
    assert (outcomes[first], outcomes[second], outcomes[third]) == ("已采用", "未采用", "待采用")
    assert "有正当理由，不计" in outcomes.values()
