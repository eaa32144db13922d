"""六级负责 (R14): the chain goes with the task, is shown at every level, and is complete where the profile wants it."""

from __future__ import annotations

from node.rules.words import SIX_LEVELS
from tests.sim.world import admit, found
from tests.unit.one_office import Office

CITY, COUNTY = "520200", "520221"
TOP = ["政府分管领导=王副市长", "政府主要领导=李市长"]
REST = ["政府部门工作人员=甲", "科（股）室负责人=乙", "部门分管负责同志=丙", "部门主要负责同志=丁"]


def chain(office: Office, item: str) -> dict[str, str | None]:
    return {one["level"]: one["name"] for one in office.do("item.show", item=item)["responsibility"]}


def test_who_answers_is_on_each_task_and_all_six_levels_are_shown() -> None:
    """R14: at issue, and at assign, where a level may get another name."""
    city = Office(found(1, CITY, real=True), "liupanshui-002")
    Office(admit(1, city.machine, COUNTY, real=True))
    made = city.do("item.issue", title="修路", to=[COUNTY], due="2030-01-05", duty=TOP)
    task = chain(city, made["assignments"][0]["item"])
    assert list(task) == [one.partition("=")[0] for one in (*REST, *TOP)]
    assert list(task.values()) == [None] * 4 + ["王副市长", "李市长"]
    item = city.do("item.register", title="治水", due="2030-01-05", duty=TOP)["item"]
    again = ["政府分管领导=赵副市长"]
    given = city.do("item.assign", item=item, to=[COUNTY], duty=again)["assignments"][0]["item"]
    assert list(chain(city, given).values())[4:] == ["赵副市长", "李市长"]
    assert list(chain(city, item).values())[4:] == ["王副市长", "李市长"]


def test_who_gives_a_task_names_the_levels_the_profile_wants_from_him() -> None:
    """R14: at issue and at assign the government's own two; what was named at 登记 counts; others as they like."""
    city = Office(found(1, CITY, real=True), "liupanshui-002")
    Office(admit(1, city.machine, COUNTY, real=True))
    error = city.refused("item.issue", title="修路", to=[COUNTY], due="2030-01-05", duty=[*REST, TOP[0]])
    assert "责任链缺：政府主要领导（规则 liupanshui-002/1 responsibility）" in error.text
    assert "--duty 政府主要领导=姓名" in error.remedy
    item = city.do("item.register", title="治水", due="2030-01-05", duty=TOP[1:])["item"]
    error = city.refused("item.assign", item=item, to=[COUNTY])
    assert "责任链缺：政府分管领导（规则 liupanshui-002/1 responsibility）" in error.text
    city.do("item.assign", item=item, to=[COUNTY], duty=TOP[:1])


def test_a_unit_is_charged_when_every_level_is_named() -> None:
    """R14: “严格执行分级负责制”: what is missing is named; what was named before counts."""
    city = Office(found(1, CITY, real=True), "liupanshui-002")
    item = city.do("item.register", title="修路", due="2030-01-05", duty=TOP)["item"]
    error = city.refused("item.handle", item=item, unit="交通局", duty=REST[:2])
    assert "责任链缺：部门分管负责同志、部门主要负责同志（规则 liupanshui-002/1 responsibility）" in error.text
    city.do("item.handle", item=item, unit="交通局", duty=REST)
    assert None not in chain(city, item).values()
    city.do("item.handle", item=item, unit="公路局")  # handed on: the chain stands


def test_where_no_chain_is_laid_down_nobody_has_to_be_named() -> None:
    office = Office(found(1, CITY, real=True))
    item = office.do("item.register", title="修路", due="2030-01-05")["item"]
    office.do("item.handle", item=item, unit="交通局")
    assert office.do("item.show", item=item)["responsibility"] == []
    office.do("item.handle", item=item, unit="交通局", duty=["工作人员=甲"])
    assert [name for name in chain(office, item).values() if name] == ["甲"]
    assert len(chain(office, item)) == len(SIX_LEVELS)
