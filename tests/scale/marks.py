"""Freshness marks on their way up: bytes and processor time of each at a superior, and what all of them come to."""

from __future__ import annotations

from typing import Any

from node.documents.divisions import ROOT_CODE
from tests.scale import night
from tests.scale.offices import Tree

TOP, ROUNDS = "310000", 3
INTERVAL_S = 60  # config: mark_interval_s


def measure(tree: Tree) -> dict[str, Any]:
    """Every office of a small province writes some marks; they are taken in by the province and by the nation."""
    sim = night.build(tree, [TOP], lambda _: True)
    for node in reversed(list(sim.nodes.values())):
        if node.machine.parent:
            sim.connect(node)
    sim.run()
    nodes = [node for node in sim.nodes.values() if node.machine.parent]
    root, link = sim.nodes[ROOT_CODE], sim.nodes[TOP].up
    assert link is not None
    sim.move(sim.now_ms + 120_000)
    sim.run()
    sim.suite.on = sim.free = False
    root.cpu_s, link.up_bytes, steps = 0.0, 0, root.steps
    for _ in range(ROUNDS):
        for node in nodes:
            node.step([node.office.marks.write])
        sim.run(sim.now_ms + 60_000)
    count = ROUNDS * len(nodes)
    offices = len(tree.level) - 1
    most = max((len(tree.below(code)) + 1, code) for code in tree.children[ROOT_CODE])
    each_s, each_bytes = root.cpu_s / count, link.up_bytes / count
    return {
        "marks": count, "root_steps": root.steps - steps, "cpu_s": each_s, "bytes": each_bytes,
        "root_per_s": offices / INTERVAL_S, "root_cpu_share": offices / INTERVAL_S * each_s,
        "root_bytes_a_day": offices * 86_400 / INTERVAL_S * each_bytes,
        "most": {"office": most[1], "offices": most[0], "bytes_a_day": most[0] * 86_400 / INTERVAL_S * each_bytes},
    }  # fmt: skip
