"""`problems` 同类问题分析 (R65): what counts as a problem, at whose item it is counted, who sees it."""

from __future__ import annotations

from typing import Any

import pytest

from node.cli import overview as paper_of_overview
from node.cli.paper import Paper
from node.errors import InputError
from node.services.matters.desk import Caller
from node.services.views import problems
from node.storage.port import Unit
from tests.sim.world import Machine
from tests.unit.offices import CITY, COUNTY, LATER, TOWN, Offices


def ask(machine: Machine, caller: Caller | None = None, **args: object) -> Any:
    view = machine.office.view()._replace(caller=caller)
    return problems.problems(machine.store.reader(), view, {"period": "all"} | args)


@pytest.fixture(scope="module")
def offices() -> Offices:
    """The city gives two matters to both counties; what comes back is wanting in the same way."""
    made = Offices()
    for title in ("高标准农田", "老旧小区改造"):
        issued = made.do(made.city, "issue", title=title, to=[COUNTY, TOWN], due=LATER, source="重点工作")
        for one, wanting in zip(issued["assignments"], ("佐证材料不全", "佐证材料不全，请补充"), strict=True):
            machine = made.wire.machines[one["to"]]
            made.do(machine, "sign", one["item"])
            made.do(machine, "submit", one["item"], text="已办结")
            made.do(made.city, "return", one["item"], reason=wanting, mode="supplement")
    own, near = issued["item"], issued["assignments"][0]["item"]
    made.do(made.city, "notice", own, criticise=True, to=[COUNTY], text="资金拨付不及时")
    made.do(made.city, "notice", own, praise=True, to=[TOWN], text="做法值得推广")
    made.do(made.city, "rectify", near, line=["1=资金拨付不及时、不足额@财政局@王某@2026-12-31"])
    return made


def test_what_comes_again_is_one_group_with_its_offices_and_how_it_was_found(offices: Offices) -> None:
    found = ask(offices.city)
    assert (found["items"], found["read"], found["problems"], found["more"]) == (6, 6, 6, False)
    wanting, money = found["groups"]
    assert (wanting["text"], wanting["count"], wanting["items"], wanting["offices"]) == ("佐证材料不全", 4, 4, 2)
    assert wanting["kinds"] == [{"label": "退回", "count": 4}]
    assert wanting["texts"] == ["佐证材料不全", "佐证材料不全，请补充"]
    assert {(one["office"], one["items"]) for one in wanting["at"]} == {(COUNTY, 2), (TOWN, 2)}
    # The 通报 stands on the own item too, and is counted where it was addressed; praise is no problem.
    assert (money["text"], money["count"], money["items"]) == ("资金拨付不及时", 2, 1)
    assert sorted(one["label"] for one in money["kinds"]) == ["整改", "通报批评"]
    assert [one["office"] for one in money["at"]] == [COUNTY]
    repeated = ask(offices.city, repeated=True)
    assert [one["text"] for one in repeated["groups"]] == ["佐证材料不全"]
    assert ask(offices.city, office=TOWN)["problems"] == 2
    # Who received it sees the same of what it holds.
    assert [one["count"] for one in ask(offices.county)["groups"]] == [2, 2]


def test_a_period_without_items_is_empty_and_a_wrong_one_refused(offices: Offices) -> None:
    assert ask(offices.city, period="2020")["groups"] == []
    with pytest.raises(InputError, match="时段写法不对"):
        ask(offices.city, period="去年")


def test_a_handler_learns_of_no_other_units_problems(offices: Offices) -> None:
    offices.county.store.begin()
    offices.county.store.put([Unit("一科", "", True)])
    offices.county.store.commit(durable=True)
    handler = Caller("张三", roles=("handler",), unit="一科")
    assert (ask(offices.county, handler)["items"], ask(offices.county, handler)["groups"]) == (0, [])


def test_only_so_many_items_are_read_those_returned_first_and_it_is_said(
    offices: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problems, "ITEMS_MAX", 4)
    found = ask(offices.city)
    assert (found["items"], found["read"]) == (6, 4)
    assert found["groups"][0]["count"] == 4
    lines = list(paper_of_overview._problems(found, Paper(120)))
    assert "只分析了其中 4 件" in lines[1]
    assert any("佐证材料不全" in line and CITY not in line for line in lines)
