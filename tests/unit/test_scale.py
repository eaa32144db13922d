"""The model of docs/scale.md, small: one real county with its towns, a night off line and a night on line (X4)."""

from random import Random

from node.services.mending.reconcile import jitter_ms
from tests.scale import night, volumes
from tests.scale.model import Simulation
from tests.scale.offices import Tree

COUNTY, TOWNS = "320583", 5
HOUR_S = 3_600


def test_every_link_of_a_county_balances_in_its_hour_and_brings_the_day() -> None:
    tree = Tree()
    codes = tree.children[COUNTY][:TOWNS]
    assert len(codes) == TOWNS
    sim = Simulation(1)
    county = sim.found(COUNTY, "county")
    towns = sim.admit(county, codes, "township")
    for town in towns:
        sim.connect(town)
    sim.run()
    for town in towns:
        sim.drop(town.up)
    sim.run()
    tasks = list(volumes.tasks_of_a_day(Random(4), COUNTY, {COUNTY: codes}, 1.0))
    written = night.write(sim, tasks)
    assert written == volumes.RECORDS_A_TASK * len(tasks) > 0

    for number, dial in ((0, True), (1, False)):
        found = night.night(sim, number, towns, dial=dial)["levels"]["township"]
        assert found["balanced"] == TOWNS
        assert found["last_s"] < HOUR_S + 60 + 30
        assert found["run_bytes"]["max"] <= 1_024  # the bar of `make bench`
        assert 0 < found["whole_s"]["min"] <= found["whole_s"]["max"] < 60
    held = {town.machine.code: town.office.logs.record_count for town in towns}
    assert county.office.logs.record_count == written + sum(1 for _ in towns) + 2 + 4 * TOWNS + TOWNS, held
    for town in towns:
        link = county.office.logs.index.link(town.machine.code)
        assert link.root() == town.office.logs.index.link(COUNTY).root()


def test_the_whole_country_is_there_and_spread_over_the_hour() -> None:
    tree = Tree()
    levels = [sum(level == wanted for level in tree.level.values())
              for wanted in ("nation", "province", "prefecture", "county", "township")]  # fmt: skip
    assert levels == [1, 31, 333, 2_975, 41_352]
    assert sorted(tree.below("000000")) == sorted(set(tree.level) - {"000000"})
    times = [jitter_ms(code) for code in tree.below("000000")]
    assert max(times) < HOUR_S * 1_000
    minutes = [sum(at // 60_000 == minute for at in times) for minute in range(60)]
    assert max(minutes) < 1.2 * len(times) / 60  # no minute gets a fifth more than its share
