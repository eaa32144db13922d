"""The projector's cache: what is folded in one round is folded from all its records, however small the cache is."""

import pytest

from node.services.project import Projector
from tests.sim.test_smoke import run
from tests.unit.offices import CITY, COUNTY, TOWN, Offices


@pytest.mark.parametrize("cached_facts_max", [1, 3, 20_000])
def test_a_cache_that_turns_over_in_a_round_loses_no_record(cached_facts_max: int) -> None:
    # It was once asked which items were missing from the cache before the round, and others were pushed out in it.
    offices = Offices()
    province = offices.province.office
    tasks = [offices.issue(offices.province, [CITY, COUNTY, TOWN])[1] for _ in range(3)]
    province.projector = Projector(province.store, province.logs, province.alarms, cached_facts_max)
    province.desk = province.desk._replace(projector=province.projector)
    for place, machine in enumerate((offices.city, offices.county, offices.town)):
        mine = [three[place] for three in tasks]
        for percent in (10, 30):
            # Several items of one log, so that they arrive in one round.
            for task in mine:
                run(machine, "item.report", item=task, text=f"进展{percent}", percent=percent)
        offices.settle()
    before = offices.province.digests()
    offices.wire.step(offices.province, lambda: province.projector.rebuild() and None)
    assert offices.province.digests() == before
    offices.agreed()
