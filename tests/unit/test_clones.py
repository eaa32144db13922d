"""Of two copies, which goes on after the operator has chosen (R3), and which node has merely lost such a past (R2)."""

from __future__ import annotations

from functools import partial
from random import Random

import pytest

from node.records.envelope import Record
from node.services.exchange.author import Author
from node.services.mending import clones
from node.services.mending.clones import Words
from node.services.mending.comeback import CLONE, CLONE_FOUND, CLONES, SURVIVOR
from node.services.mending.recovery import HEARD_MS
from tests.sim.test_smoke import Wire
from tests.sim.world import Machine, admit, found
from tests.unit.offices import CITY, COUNTY, TOWN

NOTHING = Words()


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
        at = partial(clones.last_words, machine.store, office.logs, office.keyring, COUNTY)
        clones.weigh(office.author, office.alarms, COUNTY, CITY, [record], known=False, words=at)

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


def test_others_are_told_of_two_copies_until_one_was_chosen_since(other: dict[str, Record]) -> None:
    city = found(1, CITY, real=True)
    city.start()
    office = city.office
    said, chosen = other[CLONE], other[SURVIVOR]

    def hear(record: Record, known: Words = NOTHING) -> list[str]:
        office.step([partial(clones.hear, office.alarms, record, lambda: known)])
        return [alarm.subject for alarm in office.alarms.standing() if alarm.code == "clone"]

    assert hear(said, NOTHING.heard(chosen)) == []
    assert hear(said) == [COUNTY]
    later = (chosen.header.hlc_ms + 1, 0)
    assert hear(chosen, Words(said=later)) == [COUNTY]  # said again since, and come first
    assert hear(chosen, NOTHING.heard(said)) == []
    assert hear(chosen, Words(said=later)) == [COUNTY]


def test_started_again_it_hears_its_neighbours_before_it_says_that_there_are_two(other: dict[str, Record]) -> None:
    here = copy_of_the_county()
    office = here.office
    office.step([partial(office.author.stop, CLONE_FOUND)])
    assert office.recovery.attempt([], here.clock.now_ms()) is False
    assert office.author.recovering == CLONE_FOUND
    hears(here, other[SURVIVOR])
    assert office.author.recovering == CLONE


# -- both running ---------------------------------------------------------------------------------------------------


def beside_each_other() -> tuple[Wire, Machine, Machine, Machine]:
    """A city and two copies of its county, of which both know that there are two; none is connected."""
    city = found(1, CITY, real=True)
    one = admit(1, city, COUNTY, real=True)
    for machine in (city, one):
        machine.start()
    wire = Wire(city, one)
    meet(wire, one)
    two = one.copy(Random(2))
    two.start()
    for machine in (one, two):
        machine.office.step([partial(machine.office.author.stop, CLONE)])
    return wire, city, one, two


def meet(wire: Wire, *copies: Machine) -> None:
    """One after the other has a link to the city."""
    for copy in copies:
        wire.machines[COUNTY] = copy
        wire.connect(copy)
        wire.settle()


def told(machine: Machine) -> list[str]:
    return [alarm.text for alarm in machine.office.alarms.standing() if alarm.code == "clone"]


@pytest.mark.parametrize("first", [0, 1])
def test_where_both_were_chosen_the_superior_is_told_until_one_is_chosen_again(first: int) -> None:
    """Both operators said that theirs goes on, and neither knew: both stop, and the alarm above was over."""
    wire, city, one, two = beside_each_other()
    chosen(one)
    city.clock.time.ms += 5_000
    chosen(two)
    order = (one, two) if first == 0 else (two, one)
    meet(wire, *order, *order)
    assert one.office.author.recovering in CLONES
    assert two.office.author.recovering in CLONES
    assert len(told(city)) == 1
    assert all("recover --here" in text for text in (*told(one), *told(two)))
    assert not one.office.rests
    city.clock.time.ms += 5_000
    chosen(one)
    meet(wire, *order, *order)
    assert told(city) == told(one) == []
    assert one.office.author.recovering == ""
    assert two.office.author.recovering in CLONES
    assert "停止并封存本机" in told(two)[0]


def test_the_copy_that_was_not_chosen_rests_once_it_has_said_all_and_until_there_are_two_again() -> None:
    """Left switched on it took the link of the chosen one away, as often as it could."""
    wire, _, one, two = beside_each_other()
    meet(wire, two, one)
    assert not two.office.rests
    chosen(one)
    meet(wire, one)
    assert not two.office.rests  # it has not heard of it
    meet(wire, two)
    assert two.office.rests
    assert not one.office.rests
    wire.step(one, partial(_say, one.office.author))
    meet(wire, one, two)
    assert not two.office.rests


def _say(author: Author) -> None:
    author.begin_epoch(CLONE)
    author.stop(CLONE)


def test_the_chosen_one_begins_another_epoch_and_the_other_still_says_who_was_chosen() -> None:
    wire, _, one, two = beside_each_other()
    chosen(one)
    meet(wire, one, two)
    wire.step(one, lambda: one.office.author.begin_epoch("settle"))
    meet(wire, one, two)
    assert "停止并封存本机" in told(two)[0]


def test_a_copy_that_lacks_a_log_from_below_says_that_there_are_two_all_the_same() -> None:
    """Only the office below gives its own log again: waited for without end, nobody was told (found by seed 73)."""
    wire, city, one, _ = beside_each_other()
    chosen(one)
    town = admit(1, one, TOWN, real=True)
    town.start()
    wire.machines[TOWN] = town
    meet(wire, one)
    wire.connect(town)
    two = one.copy(Random(2))
    two.start()
    wire.step(town, lambda: town.office.author.begin_epoch("recover"))
    wire.settle()
    del wire.machines[TOWN]
    two.office.step([partial(two.office.author.stop, CLONE_FOUND)])
    meet(wire, two)
    assert two.office.author.recovering == CLONE_FOUND  # what is on its way may say that one was chosen
    for _ in range(HEARD_MS // 5_000):
        wire.settle()
    assert two.office.author.recovering == CLONE
    assert len(told(city)) == 1
