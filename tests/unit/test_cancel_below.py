"""撤销 goes down to the tasks under an item; one that cannot be read stops it before anything is written."""

from __future__ import annotations

from tests.sim.world import Machine
from tests.unit.offices import COUNTY, TOWN, Offices


def lose_opening(machine: Machine, item: str) -> None:
    """The disk loses the record a task was opened with; its row of the board stands."""
    held = machine.store._tables.record.held
    place = next(place for place, row in held.items() if row.record_id.hex() == item)
    del held[place]


def test_a_task_whose_opening_is_lost_is_named_and_nothing_is_written() -> None:
    offices = Offices()
    city, county = offices.city, offices.county
    made = offices.do(city, "issue", title="防汛", to=[COUNTY, TOWN])
    first, second = (one["item"] for one in made["assignments"])
    lose_opening(city, second)
    said = offices.refused(city, "cancel", made["item"], reason="不再需要")
    assert "不能一并撤销" in said
    assert str(made["assignments"][1]["number"]) in said
    offices.settle()
    assert county.office.projector.state_of(bytes.fromhex(first)).state == "delivered"


def test_a_cascade_of_the_node_itself_tells_the_others_and_then_what_it_cannot() -> None:
    offices = Offices()
    city = offices.city
    task = offices.do(offices.province, "issue", title="防汛", to=[city.code])["assignments"][0]["item"]
    offices.do(city, "sign", task)
    split = offices.do(city, "decompose", task, to=[COUNTY, TOWN])
    first, second = (one["item"] for one in split["assignments"])
    lose_opening(city, first)
    offices.do(offices.province, "cancel", task, reason="不再需要")
    town = offices.town.office.projector.state_of(bytes.fromhex(second))
    assert town.state == "cancelled"
    assert "不能一并撤销" in next(alarm.text for alarm in city.office.alarms.standing() if alarm.code == "followup")
