"""The annual plan and the calendar of a year by the command line: the year arrives as a number."""

from __future__ import annotations

from tests.process.conftest import Tree


def test_the_plan_of_a_year(tree: Tree) -> None:
    """R24: the plan is made, gets an entry and is shown; a second plan of the year is refused."""
    province = tree.nodes[0]
    province.json("plan", "add", "--year", "2031")
    entry = province.json("plan", "add", "--year", "2031", "--title", "营商环境专项督查")
    shown = province.json("plan", "show", "--year", "2031")
    assert shown["plan"]["title"] == "2031年度督查计划"
    assert [row["id"] for row in shown["entries"]] == [entry["item"]]
    assert province.json("plan", "show", "--year", "2032")["plan"] is None
    assert province.run("plan", "add", "--year", "2031").exit == 2
    assert province.run("plan", "show", "--year", "今年").exit == 2


def test_the_calendar_of_the_year_asked_for(tree: Tree) -> None:
    """R40: `calendar show --year` shows that year."""
    assert tree.nodes[0].json("calendar", "show", "--year", "2015")["year"] == 2015
