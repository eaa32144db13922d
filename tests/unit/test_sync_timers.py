"""The timers of a link: keep-alive, half-open links, clocks set back, no hello, no receipt."""

import pytest

from node.sync.link import Phase
from tests.unit.test_sync_link import NOW, established, log_of, machine_with, record, told


@pytest.mark.parametrize(
    ("silence_ms", "expected"), [(19_000, []), (20_001, ["Send Ping"]), (40_001, ["Close timeout peer"])]
)
def test_keep_alive(silence_ms, expected):
    machine, _ = established()
    assert told(machine.tick(NOW + silence_ms)) == expected


def test_a_half_open_link_is_found_out_within_twice_the_keep_alive():
    machine, _ = established()
    pings = 0
    for second in range(1, 60):
        found = told(machine.tick(NOW + second * 1_000))
        pings += found == ["Send Ping"]
        if machine.phase is Phase.CLOSED:
            break
    assert pings == 1
    assert second <= 41


def test_a_clock_set_back_does_not_make_a_dead_link_live():
    machine, _ = established()
    back = NOW - 3_600_000
    machine.tick(back)
    assert told(machine.tick(back + 40_001)) == ["Close timeout peer"]


def test_no_hello_in_time_and_no_receipt_in_time():
    machine, _ = machine_with()
    assert told(machine.tick(NOW + 15_001)) == ["Close timeout peer"]
    log = log_of(1, 1)
    machine, _ = established(log)
    machine.log_advanced(log, 0, from_this_peer=False)
    machine.flush()
    machine.loaded([(log.log_id, [record()], 1)], NOW)
    machine._heard_ms = NOW + 120_000
    assert machine.tick(NOW + 119_000) == []
    assert told(machine.tick(NOW + 120_001)) == ["Close timeout peer"]
