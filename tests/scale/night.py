"""A night of one tree: the day's records go over every link, every link is reconciled; then a night in agreement."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any

from node.documents.divisions import ROOT_CODE
from node.services.mending.reconcile import jitter_ms
from tests.scale import volumes
from tests.scale.ground import Stock
from tests.scale.model import NIGHT_MS, Link, Node, Simulation
from tests.scale.offices import Tree
from tests.scale.volumes import Task

DAY_MS = 86_400_000
_SWEEP_MS = 60_000  # a node looks once a minute whether its time has come


def build(tree: Tree, tops: Iterable[str], within: Callable[[str], bool], seed: int = 1) -> Simulation:
    """Root, some provinces, and what is below those ``within``: enrolled, every office log where it belongs."""
    sim = Simulation(seed)
    root = sim.found(ROOT_CODE, "nation")
    waiting: list[tuple[Node, list[str]]] = [(root, sorted(tops))]
    while waiting:
        parent, codes = waiting.pop()
        made = sim.admit(parent, codes, tree.level[codes[0]])
        deeper = [node for node in made if within(node.machine.code) and tree.children.get(node.machine.code)]
        waiting += [(node, tree.children[node.machine.code]) for node in deeper]
    nodes = list(sim.nodes.values())
    for node in reversed(nodes):  # certificates go up first, then down: all in one go each
        if node.machine.parent:
            sim.connect(node)
            sim.run()
    for node in nodes:
        if node.up is not None:
            sim.drop(node.up)
    sim.run()
    sim.ends.clear()
    return sim


def write(sim: Simulation, tasks: Iterable[Task], day: int = 20_800) -> int:
    """What happened on the day, written where it happened; nothing of it has been sent. Returns the records."""
    lives = []
    for number, task in enumerate(tasks):
        story = volumes.life(task, day, number)
        lives.append((task, story, next(story)))
    count = 0
    while lives:
        by_office: dict[str, list[tuple[Task, Any, volumes.Write]]] = defaultdict(list)
        for one in lives:
            by_office[one[2][0]].append(one)
        lives = []
        for office, ones in by_office.items():
            node = sim.nodes[office]
            ids: list[bytes] = []

            def put(node: Node = node, ones: list = ones, ids: list[bytes] = ids) -> None:
                for task, _, (_, kind, payload, options) in ones:
                    ids.append(node.office.author.write(kind, task.line, payload, **options).record_id)

            node.office.step([put])
            count += len(ids)
            for (task, story, _), record_id in zip(ones, ids, strict=True):
                following = _send(story, record_id)
                if following is not None:
                    lives.append((task, story, following))
    for node in sim.nodes.values():
        node.office.project()
    return count


def _send(story: Any, record_id: bytes) -> volumes.Write | None:
    try:
        return story.send(record_id)
    except StopIteration:
        return None


def a_day(sim: Simulation, tree: Tree, load: float, seed: int) -> list[Task]:
    """The tasks of all offices that are in the simulation."""
    found = []
    here = {code: [below for below in tree.children.get(code, ()) if below in sim.nodes] for code in sim.nodes}
    for code in sim.nodes:
        found += list(volumes.tasks_of_a_day(Random(f"{seed}/{code}"), code, here, load))
    return found


def stock(sim: Simulation, costs: dict[str, float], held: dict[str, tuple[float, float]]) -> None:
    """What each office holds besides: (records, items) by level."""
    for node in sim.nodes.values():
        records, items = held[node.level]
        scrub_s = records * costs["scrub_s"] + items * costs["board_s"]
        node.stock = Stock(scrub_s, items * costs["items_s"])


def night(
    sim: Simulation, number: int, links: list[Node], *, dial: bool, when: Callable[[str], float] | None = None
) -> dict[str, Any]:
    """One night from 02:00: every office begins at its own time (``when``: ms after 02:00 instead of the product's);
    with ``dial`` its link is only opened then.
    """
    start_ms = float(NIGHT_MS + number * DAY_MS)
    sim.free, sim.suite.on = False, False
    sim.move(start_ms)
    for node in sim.nodes.values():
        node.cpu_s = node.aside_s = 0.0
        node.steps = node.scrubs = 0
        node.waits_ms = []
        node._free_ms = 0.0
    for link in sim.ends:
        link.up_bytes = link.down_bytes = link.frames = 0
        link.began_ms = link.ended_ms = 0.0
    if not dial:
        sim.free = sim.suite.on = True
        reconnect(sim)
        sim.free = sim.suite.on = False
    began = time.thread_time()
    for node in links:
        sim.at(start_ms + (when or _own_time)(node.machine.code), partial(_begin, sim, node, dial))
    sim.run(start_ms + 5 * 3_600_000)
    report = summary(sim, links, start_ms)
    report["real_cpu_s"] = round(time.thread_time() - began, 1)
    sim.free, sim.suite.on = True, True
    return report


def _own_time(code: str) -> float:
    return jitter_ms(code) + Random(code).random() * _SWEEP_MS


def reconnect(sim: Simulation) -> None:
    """All links anew, as after a day on line: what is left of yesterday is exchanged, and costs nothing here."""
    sim.ends.clear()
    for node in sim.nodes.values():
        if node.up is not None:
            sim.drop(node.up)
        if node.machine.parent:
            sim.connect(node)
    sim.run()
    for node in sim.nodes.values():
        node.step([node.office.tick])
    sim.run()
    for link in sim.ends:
        link.up_bytes = link.down_bytes = link.frames = 0


def _begin(sim: Simulation, node: Node, dial: bool) -> None:
    if dial:
        sim.connect(node).wanted = True
    elif node.up is not None:
        node.up.connected_ms = node.up.synced_ms = sim.now_ms
        node.up.wanted = True
        sim.look(node.up)


def summary(sim: Simulation, links: list[Node], start_ms: float) -> dict[str, Any]:
    """Bytes, processor time and durations by the level of the child; queues at parents."""
    by_level: dict[str, list[Link]] = defaultdict(list)
    for node in links:
        if node.up is not None:
            by_level[node.level].append(node.up)
    report: dict[str, Any] = {"levels": {}, "links": len(links), "closed": dict(sim.counters)}
    for level, ones in by_level.items():
        done = [link for link in ones if link.document.get("ok") and link.ended_ms]
        report["levels"][level] = {
            "links": len(ones), "balanced": len(done),
            "bytes": _spread([link.up_bytes + link.down_bytes for link in ones]),
            "run_bytes": _spread([_run_bytes(link) for link in done]),
            "sync_s": _spread([(link.synced_ms - link.connected_ms) / 1_000 for link in done]),
            "whole_s": _spread([(link.ended_ms - link.connected_ms) / 1_000 for link in done]),
            "run_s": _spread([(link.ended_ms - link.began_ms) / 1_000 for link in done]),
            "last_s": round(max((link.ended_ms - start_ms for link in done), default=0) / 1_000),
            "records": sum(int(link.document["records_fetched"]) + int(link.document["records_sent"]) for link in done),
            "child_cpu_s": _spread([link.child.cpu_s for link in ones]),
        }
    parents = {node.machine.parent for node in links}
    report["parents"] = [_parent(sim.nodes[code], [n.up for n in links if n.machine.parent == code and n.up])
                         for code in sorted(parents)]  # fmt: skip
    return report


def _run_bytes(link: Link) -> int:
    return int(link.document["bytes_sent"]) + int(link.document["bytes_received"])


def _parent(node: Node, links: list[Link]) -> dict[str, Any]:
    done = [link for link in links if link.ended_ms]
    moments = sorted([(link.connected_ms, 1) for link in done] + [(link.ended_ms, -1) for link in done])
    most = now = 0
    for _, change in moments:
        now += change
        most = max(most, now)
    waits = sorted(node.waits_ms) or [0.0]
    return {
        "office": node.machine.code, "level": node.level, "children": len(links), "at_once": most,
        "cpu_s": round(node.cpu_s, 3), "aside_s": round(node.aside_s, 3), "scrubs": node.scrubs, "steps": node.steps,
        "wait_p99_ms": round(waits[int(len(waits) * 0.99)], 1), "wait_max_ms": round(waits[-1], 1),
        "last_ms": round(max((link.ended_ms for link in done), default=0.0) % DAY_MS),
        "bytes": sum(link.up_bytes + link.down_bytes for link in links),
    }  # fmt: skip


def _spread(values: list[float]) -> dict[str, float]:
    """Least, middle, 99 of 100, most, sum."""
    ordered = sorted(values) or [0]
    at = [ordered[0], ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)], ordered[-1], sum(ordered)]
    return {name: round(value, 3) for name, value in zip(("min", "p50", "p99", "max", "sum"), at, strict=True)}
