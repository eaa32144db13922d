"""A city comes back from an old copy: what it lost of its county comes from the county again, and nobody is accused."""

import copy

from tests.sim.test_recovery import reconnect, rolled_back, task_of
from tests.sim.test_smoke import COUNTY, run, tree

__all__ = ["tree"]


def test_the_superior_offers_no_record_from_the_wrong_side_to_a_city_that_lost_it(tree):
    """Found by `make chaos` (seed 1): both ends raised 记录被拒收, which only a person may end."""
    wire, province, city, county = tree
    made = run(province, "item.issue", title="防汛物资", to=[COUNTY])["assignments"][0]["item"]
    wire.settle()
    run(county, "item.sign", item=made)
    wire.settle()
    old = copy.deepcopy(city.store)
    run(county, "item.report", item=made, text="七成", percent=70)
    task_of(city, "本市任务")
    wire.settle()
    before = province.digests()
    rolled_back(city, old)
    numbers = list(province.office.links.session_numbers())
    province.office.step([lambda: [province.office.links.lost(number) for number in numbers]])
    wire.connect(city)  # its superior first: it holds what the city lost of the county
    reconnect(wire, city, county)
    wire.settle()
    shared = city.digests().keys() & before.keys()
    assert shared
    assert {item: city.digests()[item] for item in shared} == {item: before[item] for item in shared}
    assert province.digests() == before
    for machine in (province, city, county):
        assert [alarm.text for alarm in machine.office.alarms.standing() if alarm.code == "rejected_log"] == []
