"""A province cut off for thirty days comes back: what has piled up, how long it takes, what the others notice."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

from node.bootstrap.serving import spare_collector
from node.documents.divisions import ROOT_CODE
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act
from tests.scale import night, volumes
from tests.scale.model import LIMITS, Simulation
from tests.scale.offices import Tree
from tests.scale.volumes import Task

ABSENT, DAYS = "510000", 30
_ASK_EVERY_MS = 50  # so that a 99th percentile is one of hundreds
_BEFORE_MS, _AFTER_MS = 60_000, 600_000
_AT_LEAST_MS = 10_000  # is looked at, however short the return


class Asker:
    """Every other province writes a record now and then; how long until the nation's node has it?"""

    def __init__(self, sim: Simulation, others: list[str]) -> None:
        self._sim = sim
        self._others = others
        self._open: dict[tuple[bytes, int], float] = {}
        self.found: list[tuple[float, float]] = []  # (written at, ms)
        self._next = 0
        sim.nodes[ROOT_CODE].after = self._look

    def ask(self, until_ms: float) -> None:
        """The next province writes."""
        sim, code = self._sim, self._others[self._next % len(self._others)]
        self._next += 1
        node = sim.nodes[code]

        def put() -> None:
            record = node.office.author.write(Kind.PROGRESS, Line((ROOT_CODE, code)), Act("进展"), item=bytes(32))
            self._open[record.header.log_id, record.header.seq] = sim.now_ms

        node.post(put)
        if sim.now_ms < until_ms:
            sim.at(sim.now_ms + _ASK_EVERY_MS, partial(self.ask, until_ms))

    def _look(self) -> None:
        index = self._sim.nodes[ROOT_CODE].office.logs.index
        for (log_id, seq), at_ms in list(self._open.items()):
            log = index.get(log_id)
            if log is not None and log.seq >= seq:
                del self._open[log_id, seq]
                self.found.append((at_ms, self._sim.now_ms - at_ms))


def measure(tree: Tree, load: float) -> dict[str, Any]:
    """``load`` times the usual days."""
    tops = tree.children[ROOT_CODE]
    sim = night.build(tree, tops, lambda code: code == ABSENT)
    cities = [code for code in tree.children[ABSENT] if code in sim.nodes]
    for node in sim.nodes.values():
        if node.machine.code != ABSENT and node.machine.parent:
            sim.connect(node)
    sim.run()
    here = {ROOT_CODE: [ABSENT], ABSENT: cities}
    tasks: list[Task] = []
    for day in range(DAYS):
        for code in (ROOT_CODE, ABSENT):
            random = Random(f"absent/{day}/{code}")
            todays = volumes.tasks_of_a_day(random, code, here, load)
            tasks += [task for task in todays if task.line.path[0] == ROOT_CODE]
    written = night.write(sim, tasks)
    sim.run()
    waiting = sum(log.seq for log in sim.nodes[ABSENT].office.logs.index.link(ROOT_CODE) if not log.key.line.subtree)
    start_ms = sim.now_ms
    # As `serve` does once it is up: the heap of the whole model is no office's, and would be searched within its steps.
    spare_collector()
    sim.free = sim.suite.on = False
    others = [code for code in tops if code != ABSENT]
    asker = Asker(sim, others)
    asker.ask(start_ms + _BEFORE_MS + _AFTER_MS)
    sim.run(start_ms + _BEFORE_MS)
    root, absent = sim.nodes[ROOT_CODE], sim.nodes[ABSENT]
    for node in (root, absent):
        node.cpu_s = 0.0
    link = sim.connect(absent)
    back_ms = sim.now_ms
    level = _until_level(sim, back_ms)
    ended_ms = level or sim.now_ms
    sim.run(max(start_ms + _BEFORE_MS + 120_000, ended_ms + 30_000))
    before = sorted(ms for at_ms, ms in asker.found if at_ms < back_ms)
    during = sorted(ms for at_ms, ms in asker.found if back_ms <= at_ms <= max(ended_ms, back_ms + 60_000))
    return {
        "load": load, "days": DAYS, "records": written, "waiting_below": waiting, "reached": bool(level),
        "seconds": round((ended_ms - back_ms) / 1_000, 2), "bytes": link.up_bytes + link.down_bytes,
        "up_bytes": link.up_bytes, "root_cpu_s": round(root.cpu_s, 2), "province_cpu_s": round(absent.cpu_s, 2),
        "others_before_ms": night._spread(before), "others_during_ms": night._spread(during),
        "window_bytes": LIMITS.window_bytes,
    }  # fmt: skip


def _until_level(sim: Simulation, back_ms: float) -> float:
    """When both ends hold the same; 0 where that did not come."""
    top, below = sim.nodes[ROOT_CODE].office.logs.index, sim.nodes[ABSENT].office.logs.index
    while sim.now_ms < back_ms + 3 * 3_600_000:
        sim.run(sim.now_ms + 250)
        if top.link(ABSENT).root() == below.link(ROOT_CODE).root():
            return sim.now_ms
    return 0.0
