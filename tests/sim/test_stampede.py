"""02:00 at an office with two hundred children (faults.md X4): the jitter spreads them, and all at once do as well."""

from collections import Counter
from functools import partial
from typing import Any

from node.services.mending.reconcile import jitter_ms
from node.services.mending.statements import load_state
from node.sync.limits import DEFAULT_LIMITS
from tests.sim.simulation import Simulation
from tests.sim.world import Machine, admit, found

CHILDREN = 200
ROOT = "320000"
HOUR_MS = 3_600_000
CODES = [f"32{number:04}" for number in range(101, 101 + CHILDREN)]


def test_the_jitter_spreads_the_children_over_the_hour():
    minutes = Counter(jitter_ms(code) // 60_000 for code in CODES)
    assert set(minutes) <= set(range(60))
    assert max(minutes.values()) <= 12  # 200 at random over 60 minutes; all in one minute would be 200
    assert [jitter_ms(code) for code in CODES] == [jitter_ms(code) for code in CODES]


def test_two_hundred_children_reconcile_at_once():
    sim = Simulation(1)
    root = found(1, ROOT, real=False, time=sim.time, limits=DEFAULT_LIMITS, mark_interval_ms=600_000)
    sim.add(root)
    for code in CODES:
        sim.add(admit(1, root, code, real=False, limits=DEFAULT_LIMITS, mark_interval_ms=600_000))
    children = [sim.machines[code] for code in CODES]
    heads = root.office.logs.index

    def behind():
        return [m for m in children if m.office.links.session_of(ROOT) is None
                or {log.log_id: log.seq for log in m.office.logs.index.link(ROOT)}
                != {log.log_id: log.seq for log in heads.link(m.code)}]  # fmt: skip

    for _ in range(60):
        sim.run_for(5_000)
        if not behind():
            break
    assert not behind()
    began_ms = sim.now_ms
    root.office.reconcile.fresh_ms = HOUR_MS  # as in a real node: one scrub serves all
    numbers = {}

    def ask(child: Machine) -> None:
        numbers[child.code] = child.office.reconcile.request(ROOT, day=1)

    for child in children:
        child.post(partial(ask, child))
    for _ in range(120):
        sim.run_for(5_000)
        if len(numbers) == CHILDREN and not any(child.office.reconcile.busy() for child in children):
            break
    assert sim.now_ms - began_ms < HOUR_MS
    for child in children:
        told: Any = child.office.reconcile.document(ROOT, numbers[child.code])
        assert told["ok"], child.code
        assert load_state(child.store, ROOT).outcome == "balanced"
        assert load_state(root.store, child.code).outcome == "balanced"
    assert not root.office.reconcile.busy()
