"""Of two copies, which goes on after the operator has chosen (R3), and which node has merely lost such a past (R2)."""

from __future__ import annotations

from functools import partial

import pytest

from node.records.envelope import Record
from node.services.exchange.author import Author
from node.services.mending import clones
from node.services.mending.comeback import CLONE, CLONES, SURVIVOR
from tests.sim.world import Machine, admit, found
from tests.unit.offices import CITY, COUNTY


def copy_of_the_county() -> Machine:
    """Every time another machine with the same keys and the same records."""
    machine = admit(1, found(1, CITY, real=True), COUNTY, real=True)
    machine.start()
    return machine


@pytest.fixture
def other() -> dict[str, Record]:
    """What the other copy says: that there are two, then that it was chosen."""
    machine, said = copy_of_the_county(), dict[str, Record]()
    for reason in (CLONE, SURVIVOR):
        machine.office.step([partial(_begin, machine.office.author, reason, said)])
    return said


def _begin(author: Author, reason: str, said: dict[str, Record]) -> None:
    said[reason] = author.begin_epoch(reason)


def hears(machine: Machine, record: Record) -> None:
    office = machine.office

    def heard() -> None:
        clones.weigh(office.author, office.alarms, COUNTY, CITY, [record], known=False)

    office.step([heard])


def test_a_lost_past_in_which_a_copy_was_dealt_with_stops_nobody(other: dict[str, Record]) -> None:
    here = copy_of_the_county()
    hears(here, other[CLONE])
    assert here.office.author.recovering in CLONES
    hears(here, other[SURVIVOR])
    assert here.office.author.recovering == ""
    assert here.office.alarms.standing() == []


def test_a_copy_that_was_stopped_and_started_again_stays_stopped_when_the_other_is_chosen(
    other: dict[str, Record],
) -> None:
    """Found by a test of real processes under load: it went on, and stopped the chosen one again."""
    here = copy_of_the_county()
    hears(here, other[CLONE])
    office = here.office
    office.author = Author(here.identity, here.world, here.store, office.logs)
    hears(here, other[SURVIVOR])
    assert office.author.recovering in CLONES
    assert "停止并封存本机" in office.alarms.standing()[0].text


def test_a_copy_that_has_agreed_since_stays_stopped_when_the_other_is_chosen(other: dict[str, Record]) -> None:
    here = copy_of_the_county()
    hears(here, other[CLONE])
    here.office.author.comeback.clear_with.add(CITY)
    hears(here, other[SURVIVOR])
    assert here.office.author.recovering in CLONES
