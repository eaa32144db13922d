"""`item.tree`: the same decomposition seen from each level, bounded, with what is known and the authors' own words."""

from __future__ import annotations

from typing import Any

from node.cli import proof as paper_of_proof
from node.cli.paper import Paper
from node.services.commands import inquire
from node.services.matters.desk import Caller
from node.services.views import tree
from node.services.views.browse import View
from node.storage.port import Unit
from tests.sim.world import Machine
from tests.unit.offices import CITY, COUNTY, DUE, PROVINCE, TOWN, Offices
from tests.web.city import console_of

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


def test_the_issuer_sees_the_other_tasks_of_the_item_and_a_receiver_does_not() -> None:
    """I4, W4: with state, light, progress and 数据截至, to the issuer and above; nobody else's tasks at a receiver."""
    offices, own, task, below = _decomposed()
    for machine in (offices.city, offices.province):
        [beside] = ask(machine, below[1])["siblings"]
        said = (beside["item"], beside["office"], beside["state"], beside["percent"])
        assert said == (below[0], COUNTY, "active", 40)
        assert beside["light"] == "green"
        assert beside["known"]["state"] == "done"
        assert beside["as_of"]
        assert [one["item"] for one in ask(machine, below[0])["siblings"]] == [below[1]]
        assert ask(machine, task)["siblings"] == []
        printed = "\n".join(paper_of_proof._tree(ask(machine, below[1]), Paper(160)))
        assert "同一事项的其他任务 1 件" in printed
    assert ask(offices.province, own)["siblings"] == []
    assert ask(offices.county, below[0])["siblings"] == []
    # Even one that is on the receiver's lines, whatever brought it there, is not shown as a sibling.
    held = offices.city.store.reader().board([bytes.fromhex(one) for one in below])
    assert tree._siblings(offices.city.store.reader(), offices.county.office.view(), held[0]) == []
    # At the issuer an account that sees its own unit's items only sees none of them.
    offices.city.store.begin()
    offices.city.store.put([Unit("财政科", "", active=True)])
    offices.city.store.commit(durable=True)
    handler = offices.city.office.view()._replace(caller=Caller("赵某", roles=("handler",), unit="财政科"))
    assert tree._siblings(offices.city.store.reader(), handler, held[0]) == []
    with console_of(offices.city) as desk:
        page = desk.sign_in("王督查").page(f"/items/{below[1]}")
        [row] = page.select("#siblings tbody tr")
        assert row.select(f'a[href="/items/{below[0]}"]')
        assert "40%" in row.get_text()
        assert below[0] in str(page.select("#item")[0]["data-live-item"]).split()
    with console_of(offices.county) as desk:
        assert not desk.sign_in("王督查").page(f"/items/{below[0]}").select("#siblings")
