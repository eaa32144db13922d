"""Replays one simulation: python -m tests.sim --seed N [--nodes N] [--steps N] [-v]."""

import argparse
import sys
import traceback

from tests.sim.simulation import Options, simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--nodes", type=int, default=0, help="offices in the tree; 0: the seed decides")
    parser.add_argument("--steps", type=int, default=0, help="commands; 0: the seed decides")
    parser.add_argument("-v", "--verbose", action="store_true", help="print every frame and command")
    given = parser.parse_args()
    try:
        report = simulate(given.seed, Options(given.nodes, given.steps, given.verbose))
    except Exception:  # noqa: BLE001 - whatever it was is what the seed is replayed for
        traceback.print_exc()
        print(f"seed {given.seed}: FAILED")
        return 1
    seconds = report.simulated_ms // 1000
    print(f"seed {report.seed}: {report.nodes} nodes, {report.records} records held, {seconds} s simulated, "
          f"agreed after {report.rounds} round(s), trace {report.trace[:16]}")
    for name, count in sorted(report.counters.items()):
        print(f"{count:>7} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
