"""登记编号 are given once, also by a node that was rolled back and healed itself, or lost everything."""

import copy

from node.clock import iso
from node.storage.port import Meta
from tests.sim.test_recovery import reconnect, rolled_back, task_of
from tests.sim.test_smoke import COUNTY, run, tree

__all__ = ["tree"]


def issue(city, title):
    made = run(city, "item.issue", title=title, to=[COUNTY])
    return made["number"], made["assignments"][0]["number"]


def test_a_number_given_in_the_lost_time_is_not_given_again(tree):
    """Found by `make chaos` (seed 3): two tasks with one number at the county."""
    wire, province, city, county = tree
    task_of(city, "之前")
    wire.settle()
    old = copy.deepcopy(city.store)
    lost = [issue(city, f"丢失{number}") for number in range(3)]
    wire.settle()
    rolled_back(city, old)
    numbers = list(province.office.links.session_numbers())
    province.office.step([lambda: [province.office.links.lost(number) for number in numbers]])
    wire.connect(city)
    reconnect(wire, city, county)
    wire.settle()
    given = [issue(city, f"之后{number}") for number in range(5)]
    assert not {number for pair in lost for number in pair} & {number for pair in given for number in pair}


def test_a_number_that_came_back_from_a_neighbour_is_not_given_again(tree):
    """R4: the counter is gone with the machine; the tasks are not."""
    wire, _, city, _ = tree
    known = [issue(city, f"任务{number}") for number in range(3)]
    wire.settle()
    year = iso(city.clock.now_ms())[:4]
    city.office.step([lambda: city.office.store.put([Meta(f"number:{year}", b"0")])])
    given = [issue(city, f"之后{number}") for number in range(3)]
    assert not {number for pair in known for number in pair} & {number for pair in given for number in pair}
