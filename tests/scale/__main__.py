"""`python -m tests.scale`: the whole country, stage by stage; each stage's figures in build/scale/*.json.

A stage whose file is there is not run again (``--again`` does), so a long run goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from node.documents.divisions import ROOT_CODE
from node.records.line import Line
from tests.conftest import ROOT
from tests.scale import absent, costs, marks, night, table
from tests.scale.model import Simulation
from tests.scale.offices import Tree
from tests.scale.volumes import Task

FOLDER = ROOT / "build" / "scale"
_CHILDREN_MANY = 200


def main() -> int:
    """Run the stages wanted, then print what is there."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="all where none is named; --list names them")
    parser.add_argument("--again", action="store_true", help="also what was run before")
    parser.add_argument("--list", action="store_true")
    chosen = parser.parse_args()
    tree = Tree()
    stages = all_stages(tree)
    if chosen.list:
        print("\n".join(stages))
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in chosen.stages or stages:
        file = FOLDER / f"{name}.json"
        if file.exists() and not chosen.again:
            continue
        print(f"{time.strftime('%H:%M:%S')} {name} …", file=sys.stderr, flush=True)
        began, load = time.process_time(), os.getloadavg()[0]
        found = stages[name]()
        found |= {"load_before": load, "process_s": round(time.process_time() - began, 1)}
        part = file.with_suffix(".part")
        part.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
        part.rename(file)
    print(table.table(FOLDER, tree))
    return 0


def all_stages(tree: Tree) -> dict[str, Callable[[], dict[str, Any]]]:
    """By name, in the order they are run: the small provinces first."""
    provinces = sorted(tree.children[ROOT_CODE], key=lambda code: len(tree.below(code)))
    return {
        "costs": costs.measure,
        "held": lambda: dict(costs.held(tree)),
        "marks": lambda: marks.measure(tree),
        "nation": lambda: nation(tree),
        "many": many,
        "absent": lambda: absent.measure(tree, 1.0),
        "absent-heavy": lambda: absent.measure(tree, 50.0),
    } | {f"province-{code}": partial(province, tree, code) for code in provinces}


def _stocked(sim: Simulation) -> None:
    """Stores as after some years, as `costs` and `held` found."""
    cost = json.loads((FOLDER / "costs.json").read_text(encoding="utf-8"))
    held = json.loads((FOLDER / "held.json").read_text(encoding="utf-8"))
    levels = {level: (one["records"], one["items"]) for level, one in held.items() if isinstance(one, dict)}
    night.stock(sim, cost, levels)


def province(tree: Tree, code: str) -> dict[str, Any]:
    """Every link inside a province: a night after a day off line, and a night after a day on line."""
    sim = night.build(tree, [code], lambda _: True)
    _stocked(sim)
    links = [node for node in sim.nodes.values() if len(node.machine.path) > 2]
    records = night.write(sim, night.a_day(sim, tree, 1.0, 1))
    offline = night.night(sim, 0, links, dial=True)
    online = night.night(sim, 1, links, dial=False)
    return {"office": code, "offices": len(sim.nodes) - 1, "records": records, "offline": offline, "online": online}


def nation(tree: Tree) -> dict[str, Any]:
    """The links of all provinces to the top, with their cities' part in the day left out."""
    sim = night.build(tree, tree.children[ROOT_CODE], lambda _: False)
    _stocked(sim)
    links = [node for node in sim.nodes.values() if node.machine.parent]
    records = night.write(sim, night.a_day(sim, tree, 1.0, 1))
    offline = night.night(sim, 0, links, dial=True)
    online = night.night(sim, 1, links, dial=False)
    return {"offices": len(sim.nodes), "records": records, "offline": offline, "online": online}


def many() -> dict[str, Any]:
    """An office with two hundred children: spread over the hour by the product's jitter, and all in one second."""
    found: dict[str, Any] = {}
    times: dict[str, Callable[[str], float] | None] = {"jitter": None, "at_once": lambda _: 0.0}
    for name, when in times.items():
        sim = Simulation(9)
        top = sim.found("320000", "province")
        codes = [f"32{1 + number // 90:02}{1 + number % 90:02}" for number in range(_CHILDREN_MANY)]
        sim.admit(top, codes, "county")
        for code in codes:
            sim.connect(sim.nodes[code])
        sim.run()
        for code in codes:
            sim.drop(sim.nodes[code].up)
        sim.run()
        _stocked(sim)
        lines = [Task(Line((top.machine.code, code)), top.machine.code, code) for code in codes]
        records = night.write(sim, lines)
        links = [sim.nodes[code] for code in codes]
        found[name] = night.night(sim, 0, links, dial=True, when=when) | {"records": records}
    return found


if __name__ == "__main__":
    sys.exit(main())
