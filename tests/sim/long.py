"""`make sim-long`: thousands of seeds, resumable. The state stands in build/sim-long.json; figures go to
docs/reliability.md by hand, so that nobody publishes what nobody has read.

python -m tests.sim.long [--until N] [--seconds S] [--processes P] [--report]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.sim.catalogue import ENTRIES
from tests.sim.simulation import simulate

STATE = Path(__file__).resolve().parents[2] / "build" / "sim-long.json"
DAY_MS = 86_400_000
NEW: dict[str, Any] = {
    "next": 0, "seeds": 0, "nodes": 0, "records": 0, "lived_ms": 0, "leapt_ms": 0, "rounds_max": 0,
    "commits": {}, "counters": {}, "failures": [],
}  # fmt: skip


def one(seed: int) -> tuple[int, dict[str, Any], str]:
    """In a process of its own: what a seed did, or what went wrong."""
    try:
        report = simulate(seed)
    except Exception as error:  # noqa: BLE001 - kept with its seed
        return seed, {}, f"{type(error).__name__}: {error}"[:300]
    lived_ms = report.simulated_ms - report.leapt_ms
    return seed, {
        "nodes": report.nodes, "records": report.records, "lived_ms": lived_ms * report.nodes,
        "leapt_ms": report.leapt_ms * report.nodes, "rounds": report.rounds, "counters": dict(report.counters),
    }, ""  # fmt: skip


def commit() -> str:
    """Of what this is; whoever runs it from a copy without git says so in DULIAN_COMMIT."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def take(state: dict[str, Any], version: str, seed: int, found: dict[str, Any], what: str) -> None:
    """Add a seed to the state."""
    state["seeds"] += 1
    state["next"] = max(state["next"], seed + 1)
    state["commits"][version] = state["commits"].get(version, 0) + 1
    if what:
        state["failures"].append([seed, version, what])
        return
    for name in ("nodes", "records", "lived_ms", "leapt_ms"):
        state[name] += found[name]
    state["rounds_max"] = max(state["rounds_max"], found["rounds"])
    state["counters"] = dict(Counter(state["counters"]) + Counter(found["counters"]))


def save(state: dict[str, Any]) -> None:
    """Whole or not at all."""
    STATE.parent.mkdir(exist_ok=True)
    fresh = STATE.with_suffix(".new")
    fresh.write_text(json.dumps(state, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8")
    fresh.replace(STATE)


def told(state: dict[str, Any]) -> str:
    """The figures, as docs/reliability.md has them."""
    counters = Counter(state["counters"])
    rows = [
        f"| {entry} | {'；'.join(f'{name} {counters[name]}' for name in names)} |" for entry, names in ENTRIES.items()
    ]
    lies = sum(count for name, count in counters.items() if name.startswith("lie:"))
    years = [state[name] / DAY_MS / 365 for name in ("lived_ms", "leapt_ms")]
    lines = [
        f"种子 {state['seeds']}（0–{state['next'] - 1}），节点 {state['nodes']}，记录副本 {state['records']}",
        f"模拟节点年：逐事件 {years[0]:.3f}，跳过 {years[1]:.1f}；收敛最多 {state['rounds_max']} 轮；谎言 {lies}",
        f"版本 {state['commits']}",
        "| 条目 | 发生次数 |", "|---|---|", *rows,
        f"失败 {len(state['failures'])}",
        *(f"  {seed} @{version}: {what}" for seed, version, what in state["failures"]),
    ]  # fmt: skip
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.long", description=__doc__)
    parser.add_argument("--until", type=int, default=10_000, help="so many seeds in all")
    parser.add_argument("--seconds", type=int, default=0, help="stop after this; 0: when all are done")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="only print what stands in the state file")
    given = parser.parse_args()
    state = NEW | (json.loads(STATE.read_text(encoding="utf-8")) if STATE.exists() else {})
    version, end = commit(), time.monotonic() + (given.seconds or 10**9)
    with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
        while not given.report and state["seeds"] < given.until and time.monotonic() < end:
            count = min(given.processes * 8, given.until - state["seeds"])
            for seed, found, what in pool.map(one, range(state["next"], state["next"] + count)):
                take(state, version, seed, found, what)
                if what:
                    print(f"seed {seed}: {what}", flush=True)
            save(state)
    print(told(state))
    return 1 if state["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
