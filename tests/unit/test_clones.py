"""Of two copies, which goes on after the operator has chosen (R3), and which node has merely lost such a past (R2)."""

from __future__ import annotations

from functools import partial

import pytest

from node.records.envelope import Record
from node.services.exchange.author import Author
from node.services.mending import clones
from node.services.mending.comeback import CLONE, CLONE_FOUND, CLONES, SURVIVOR
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


def chosen(machine: Machine) -> None:
    """The operator says that this copy goes on."""

    def choose() -> None:
        machine.office.recovery.choose()

    machine.office.step([choose])


def hears(machine: Machine, record: Record) -> None:
    office = machine.office

    def heard() -> None:
        at = partial(clones.chosen_at, machine.store, office.logs, office.keyring, COUNTY)
        clones.weigh(office.author, office.alarms, COUNTY, CITY, [record], known=False, chosen=at)

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


def test_the_last_word_of_the_copy_that_was_not_chosen_stops_nobody_afterwards(other: dict[str, Record]) -> None:
    """Both had found each other at the same time; one said so into a broken link, and the operator chose the other."""
    here = copy_of_the_county()
    office = here.office
    hears(here, other[CLONE])
    here.clock.time.ms += 1_000
    chosen(here)
    office.author.comeback.clear_with.add(CITY)
    hears(here, other[CLONE])
    assert office.author.recovering == ""
    assert office.alarms.standing() == []


def test_a_copy_made_of_the_chosen_one_is_noticed_as_the_first_was(other: dict[str, Record]) -> None:
    here, later = copy_of_the_county(), copy_of_the_county()
    hears(here, other[CLONE])
    chosen(here)
    later.clock.time.ms += 60_000
    said = dict[str, Record]()
    later.office.step([partial(_begin, later.office.author, CLONE, said)])
    hears(here, said[CLONE])
    assert here.office.author.recovering in CLONES


def test_others_are_not_told_of_two_copies_after_one_was_chosen(other: dict[str, Record]) -> None:
    city = found(1, CITY, real=True)
    city.start()
    office = city.office
    said = other[CLONE]

    def hear(settled_ms: int) -> list[str]:
        office.step([partial(clones.hear, office.alarms, said, lambda: (settled_ms, 0))])
        return [alarm.subject for alarm in office.alarms.standing() if alarm.code == "clone"]

    assert hear(said.header.hlc_ms + 1) == []
    assert hear(0) == [COUNTY]
    office.step([partial(clones.hear, office.alarms, other[SURVIVOR], lambda: (0, 0))])
    assert office.alarms.standing() == []


def test_started_again_it_hears_its_neighbours_before_it_says_that_there_are_two(other: dict[str, Record]) -> None:
    here = copy_of_the_county()
    office = here.office
    office.step([partial(office.author.stop, CLONE_FOUND)])
    assert office.recovery.attempt([]) is False
    assert office.author.recovering == CLONE_FOUND
    hears(here, other[SURVIVOR])
    assert office.author.recovering == CLONE
