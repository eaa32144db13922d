"""任务分解 (R29): key work is given with a step in each of its periods, as the profile's grain says."""

from __future__ import annotations

from typing import Any

from node.clock import day_of
from tests.sim.world import admit, found
from tests.unit.one_office import Office

CITY, COUNTY = "520200", "520221"
DUTIES = ["政府分管领导=甲", "政府主要领导=乙"]


def test_key_work_is_given_with_a_step_in_every_period() -> None:
    """R29: at issue and at assign; what is missing is named with the rule; other matters are given as they are."""
    city = Office(found(1, CITY, real=True), "liupanshui-002")
    Office(admit(1, city.machine, COUNTY, real=True))
    year = day_of(city.machine.clock.now_ms()).year
    due = f"{year + 3}-06-30"
    key: dict[str, Any] = {"class": "key", "to": [COUNTY], "due": due, "duty": DUTIES}
    error = city.refused("item.issue", title="搬迁后续扶持", **key)
    assert f"没有节点的：{year + 1}年、{year + 2}年（规则 liupanshui-002/1 grains.long）" in error.text
    assert error.field == "--milestone"
    steps = [f"{number}=完成@{year + number}-12-31" for number in (1, 2)]
    city.do("item.issue", title="搬迁后续扶持", milestone=steps, **key)
    item = city.do("item.register", title="产业扶持", due=due, milestone=steps[:1], **{"class": "key"})["item"]
    error = city.refused("item.assign", item=item, to=[COUNTY], duty=DUTIES)
    assert f"没有节点的：{year + 2}年（" in error.text
    city.do("item.milestone", item=item, key="2", title="完成", due=f"{year + 2}-10-31")
    city.do("item.assign", item=item, to=[COUNTY], duty=DUTIES)
    city.do("item.issue", title="防火", **(key | {"class": "project"}))
