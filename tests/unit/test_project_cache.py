"""The projector's cache: what is folded in one round is folded from all its records, however small the cache is."""

from functools import partial

import pytest

from node.services.board.project import Projector
from node.services.commands import COMMANDS
from node.services.matters.desk import Caller
from tests.sim.world import Machine
from tests.unit.offices import CITY, COUNTY, TOWN, Offices


def _report(machine: Machine, tasks: list[str], percent: int) -> None:
    """Several items of one log in one step, so that they arrive in one round."""
    for task in tasks:
        args = {"item": task, "text": f"进展{percent}", "percent": percent}
        COMMANDS["item.report"](machine.office, args, Caller("张三"))


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
            offices.wire.step(machine, partial(_report, machine, mine, percent))
            offices.settle()
    before = offices.province.digests()
    offices.wire.step(offices.province, lambda: province.projector.rebuild() and None)
    assert offices.province.digests() == before
    offices.agreed()
