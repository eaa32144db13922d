"""`item.tree`: the same decomposition seen from each level, bounded, with what is known and the authors' own words."""

from __future__ import annotations

from typing import Any

from node.services.commands import inquire
from node.services.matters.desk import Caller
from node.services.views import tree
from node.services.views.browse import View
from tests.sim.world import Machine
from tests.unit.offices import CITY, COUNTY, DUE, PROVINCE, TOWN, Offices

ME = Caller("值班员")


def ask(machine: Machine, item: str) -> dict[str, Any]:
    found = inquire(machine.store.reader(), machine.office.view(), "item.tree", {"item": item}, ME)
    assert isinstance(found, dict)
    return found


def shape(node: dict[str, Any]) -> Any:
    return (node["office"], node["state"], [shape(one) for one in node["children"]])


def _decomposed() -> tuple[Offices, str, str, list[str]]:
    """省 issues to 市, 市 decomposes to two counties, one of which reports at length."""
    offices = Offices()
    own, (task,) = offices.issue(offices.province, [CITY])
    made = offices.do(offices.city, "decompose", task, title="分工", to=[COUNTY, TOWN], lead=[COUNTY], due=DUE)
    below = [one["item"] for one in made["assignments"]]
    offices.do(offices.county, "sign", below[0])
    offices.do(offices.county, "report", below[0], text="已完成前期工作。" * 60, percent=40)
    return offices, own, task, below


def test_each_level_sees_what_is_below_and_the_way_above() -> None:
    """R9: 省→市→县 from the top; at the county the path says whose task it is part of."""
    offices, own, task, below = _decomposed()
    leaves: list[Any] = [(COUNTY, "active", []), (TOWN, "delivered", [])]
    top = ask(offices.province, own)
    assert shape(top["tree"]) == (PROVINCE, "assigned", [(CITY, "active", leaves)])
    assert (top["total"], top["truncated"], top["path"]) == (4, False, [])
    assert {one["state"]: one["count"] for one in top["summary"]} == {"active": 2, "delivered": 1}
    # The city's task is as far as the mean of the counties' (40 and 0), whatever the city says of itself.
    assert {name: top["rolled"][name] for name in ("offices", "due", "signed", "accepted", "percent", "light")} == {
        "offices": 3, "due": 3, "signed": 2, "accepted": 0, "percent": 20, "light": "green",
    }  # fmt: skip
    middle = ask(offices.province, task)
    assert [one["item"] for one in middle["path"]] == [own]
    assert shape(middle["tree"])[2] == leaves
    leaf = ask(offices.county, below[0])
    assert leaf["rolled"] is None
    # The superior's own task is not on this office's line: the line says whose work it is part of.
    assert leaf["path"] == []
    assert leaf["above"]["office"] == CITY
    assert not leaf["above"]["held"]
    assert [one["office"] for one in leaf["line"]] == [PROVINCE, CITY, COUNTY]
    county = top["tree"]["children"][0]["children"][0]
    assert (county["role"], county["percent"], county["known"]["state"], county["level"]) == (
        "lead", 40, "done", "county",
    )  # fmt: skip
    words = county["latest"]
    assert words["author"] == COUNTY
    assert words["cut"]
    assert len(words["text"]) == tree.WORDS_CHARS_MAX
    assert words["text"].startswith("[40%] 已完成前期工作。")
    for one in (county, top["tree"]):
        assert one["as_of"]
        assert one["number"]
        assert one["light"] == "green"
        assert one["due"] == DUE


def test_a_silent_office_is_not_synchronised_and_says_at_which_hop() -> None:
    """I8: the county is cut off for days; the province's tree says so of it alone."""
    offices, own, _task, _below = _decomposed()
    offices.province.clock.time.ms += 3 * 86_400_000
    city = ask(offices.province, own)["tree"]["children"][0]
    assert city["known"]["state"] == "unsynced"
    assert city["known"]["hop"]["from"] == PROVINCE
    assert all(one["known"]["state"] == "unsynced" for one in city["children"])


def test_a_tree_is_bounded_and_says_so(monkeypatch: Any) -> None:
    offices, own, task, _below = _decomposed()
    monkeypatch.setattr(tree, "NODES_MAX", 3)
    found = ask(offices.province, own)
    assert (found["total"], found["truncated"]) == (3, True)
    assert shape(found["tree"]) == (PROVINCE, "assigned", [(CITY, "active", [(COUNTY, "active", [])])])
    assert isinstance(offices.province.office.view(), View)
    assert ask(offices.province, task)["total"] == 3
