"""300 seeds of the simulator, two at a time; every fault must have happened, every lie must have been found."""

import os
import re
import subprocess
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.sim.catalogue import ENTRIES
from tests.sim.simulation import Options, simulate

FOLDER = Path(__file__).parent
SEEDS = 300
PROCESSES = 1 if os.environ.get("PYTEST_XDIST_WORKER") else 2  # with several workers the other core is busy

# Each must be above zero over the run: a fault that never happens proves nothing.
FAULTS = (
    "connected", "frames_lost", "cut", "half_open", "called_anew", "outage", "flapping", "dial_failed", "joined_later",
    "crash", "crash:at rest", "attached", "senseless_verb", "closed:timeout", "closed:replaced", "closed:flood",
    "closed:protocol", "malformed_frame", "night_begun", "balanced", "fork_kept", "fork_known", "fork_whole",
    "fork_settled", "wrong_branch", "lost_with_the_disk",
)  # fmt: skip
LIES = (
    "forged author", "forged key", "unknown key", "altered payload", "altered header", "withheld payload",
    "cross-protocol", "cross-protocol note", "far future", "replay", "jump", "jump beyond", "wrong prev",
    "foreign line", "wrong side", "fork", "fork of its own", "mixed up", "own acceptance", "sibling's item",
    "stolen code", "unknown kind", "false receipt", "false refusal", "forged mark", "flood", "endless", "malformed",
    "corrupt_chunk", "backdated",
)  # fmt: skip
# Lies that the neighbour keeps evidence of (the others are refused without, or kept without effect).
PROVED = (
    "forged author", "forged key", "altered payload", "altered header", "cross-protocol", "cross-protocol note",
    "far future", "jump beyond", "wrong prev", "foreign line", "wrong side", "false receipt", "forged mark", "flood",
)  # fmt: skip
VERBS = (
    "item.register", "item.issue", "item.assign", "item.sign", "item.refuse", "item.insist", "item.reassign",
    "item.decompose", "item.report", "item.attach", "item.urge", "item.submit", "item.return", "item.accept",
    "item.close", "item.cancel",
)  # fmt: skip
# Kinds of semantic version 2 that the workload writes directly; what is too seldom possible (方案, 理由认定, 延期审批,
# 核实) is not asked for.
BESIDE = (
    "PROPOSE", "APPROVE", "ESTABLISH", "MERGE", "MILESTONE", "WARN", "EXT_REQUEST", "CHANGE", "COMPLETE", "ARCHIVE",
    "REINSPECT", "EXEMPT", "TAKE_OVER", "HANDLE", "CORRECT", "SLIP", "JUSTIFY", "ORDER", "RECTIFY", "NOTICE",
    "BULLETIN", "SPECIAL", "INTERVIEW", "REFER", "NEGATIVE", "SCORE",
)  # fmt: skip


def one(seed):
    """Runs in a process of its own: the counters, or what went wrong."""
    try:
        report = simulate(seed)
    except Exception as error:  # noqa: BLE001 - told with its seed below
        return seed, None, f"{type(error).__name__}: {error}"
    return seed, report, ""


def how_to_replay(failures):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    told = [f"{len(failures)} seeds failed at commit {commit.stdout.strip() or 'unknown'}:"]
    told += [f"  make sim SEED={seed}    # {what}" for seed, what in failures[:20]]
    return "\n".join(told)


def regressions():
    lines = (FOLDER / "regressions.txt").read_text(encoding="utf-8").splitlines()
    return [int(match[0]) for line in lines if (match := re.match(r"\d+", line))]


@pytest.mark.timeout(900)
def test_every_seed_keeps_every_promise(capsys):
    seeds = sorted({*range(SEEDS), *regressions()})
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        outcomes = list(pool.map(one, seeds, chunksize=4))
    failures = [(seed, what) for seed, _, what in outcomes if what]
    assert not failures, how_to_replay(failures)
    reports = [report for _, report, _ in outcomes]
    total: Counter[str] = sum((report.counters for report in reports), Counter())
    lived = sum((report.simulated_ms - report.leapt_ms) * report.nodes for report in reports) / 86_400_000
    leapt = sum(report.leapt_ms * report.nodes for report in reports) / 86_400_000
    with capsys.disabled():
        print(f"\n{len(reports)} seeds, {sum(report.nodes for report in reports)} nodes, {lived:.1f} node-days lived "
              f"and {leapt:.0f} leapt over, {sum(report.records for report in reports)} records held")
        for entry, names in ENTRIES.items():
            print(f"{entry:>4}  {'; '.join(f'{name} {total[name]}' for name in names)}")
        wanted = [*FAULTS, *(f"lie:{lie}" for lie in LIES)]
        print("also: " + "; ".join(f"{name} {total[name]}" for name in wanted))
    never = [f"{entry} {name}" for entry, names in ENTRIES.items() for name in names if not total[name]]
    never += [name for name in FAULTS if not total[name]]
    never += [f"lie:{lie}" for lie in LIES if not total[f"lie:{lie}"]]
    never += [f"refused:{lie}" for lie in PROVED if not total[f"refused:{lie}"]]
    never += [f"{verb}:done" for verb in VERBS if not total[f"{verb}:done"]]
    never += [f"act:{kind}" for kind in BESIDE if not total[f"act:{kind}:done"]]
    assert not never, f"these never happened: {never}"


def test_a_seed_does_the_same_twice():
    first, second = simulate(7), simulate(7)
    assert (first.trace, first.counters) == (second.trace, second.counters)


def test_a_seed_does_the_same_in_another_process():
    program = "from tests.sim.simulation import simulate; print(simulate(8).trace)"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        _, report, what = pool.submit(one, 8).result()
    assert not what
    assert report.trace == simulate(8).trace, program


def test_options_are_taken():
    report = simulate(3, Options(nodes=5, steps=20))
    assert report.nodes == 5
