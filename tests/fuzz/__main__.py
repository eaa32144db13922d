"""`python -m tests.fuzz`: foreign bytes for every decoder, one process, going on where the last run stopped.

Counters stand in build/fuzz/counters.json, findings in build/fuzz/findings: the bytes, and what was raised beside them.
`--replay NAME FILE` hands one file to one target, `--report` prints the table of docs/reliability.md.
The exit code is 1 where anything was found.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path

from tests.conftest import ROOT
from tests.fuzz.campaign import FINDINGS_MAX, Finding, Tally, run_chunk
from tests.fuzz.targets import Target, targets

FOLDER = ROOT / "build" / "fuzz"
CHUNK = 2_000


def main() -> int:
    """Run, replay or report."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--total", type=float, default=10.5, help="million inputs in all, former runs included")
    parser.add_argument("--minutes", type=float, default=600, help="stop after so long")
    parser.add_argument("--only", default="", help="targets whose name contains this")
    parser.add_argument("--replay", nargs=2, metavar=("NAME", "FILE"))
    parser.add_argument("--report", action="store_true")
    chosen = parser.parse_args()
    every = [target for target in targets() if chosen.only in target.name]
    if chosen.replay:
        name, file = chosen.replay
        next(target for target in every if target.name == name).take(Path(file).read_bytes())
        return 0
    tallies = _read()
    if chosen.report:
        _say(_table(tallies))
        return 0
    _run(every, tallies, chosen.total, time.monotonic() + 60 * chosen.minutes)
    inputs, found = (sum(getattr(one, name) for one in tallies.values()) for name in ("inputs", "findings"))
    _say(f"{inputs:,} inputs, {found} findings\n")
    return 1 if found else 0


def _run(every: list[Target], tallies: dict[str, Tally], total: float, deadline: float) -> None:
    """Every target in turn, as far behind its share as it is."""
    whole = sum(target.share for target in every)
    goals = {target.name: 1_000_000 * total * target.share / whole for target in every}
    kept: dict[str, int] = {}

    def keep(finding: Finding) -> None:
        kept[finding.target] = kept.get(finding.target, 0) + 1
        folder = FOLDER / "findings"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{finding.target.replace(' ', '-')}-{hashlib.sha256(finding.data).hexdigest()[:12]}"
        (folder / f"{name}.bin").write_bytes(finding.data)
        (folder / f"{name}.txt").write_text(finding.what, encoding="utf-8", errors="backslashreplace")

    told = time.monotonic()
    while time.monotonic() < deadline:
        left = [one for one in every if tallies.setdefault(one.name, Tally()).inputs < goals[one.name]
                and kept.get(one.name, 0) < FINDINGS_MAX]  # fmt: skip
        if not left:
            break
        target = min(left, key=lambda one: tallies[one.name].inputs / goals[one.name])
        run_chunk(target, tallies[target.name], max(20, int(CHUNK * min(1.0, target.share / 100))), keep)
        if time.monotonic() - told > 20:
            told = time.monotonic()
            _write(tallies)
            done = sum(one.inputs for one in tallies.values())
            _say(f"{done:,} inputs, {sum(kept.values())} findings, at {target.name}\n")
    _write(tallies)


def _read() -> dict[str, Tally]:
    path = FOLDER / "counters.json"
    saved = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: Tally.of(found) for name, found in saved.items()}


def _write(tallies: dict[str, Tally]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    draft = FOLDER / "counters.json.tmp"
    body = {name: tally.as_dict() for name, tally in tallies.items()}
    draft.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    draft.replace(FOLDER / "counters.json")


def _table(tallies: dict[str, Tally]) -> str:
    rows = ["| decoder | inputs | accepted | refused | slowest, ms of CPU | µs each |", "|---|---|---|---|---|---|"]
    for name, one in tallies.items():
        refused, each = sum(one.refused.values()), 1e6 * one.cpu_s / max(1, one.inputs)
        counted = f"{one.inputs:,} | {one.accepted:,} | {refused:,}"
        rows.append(f"| {name} | {counted} | {one.slowest_ms:.0f} | {each:,.0f} |")
    inputs, accepted = (sum(getattr(one, name) for one in tallies.values()) for name in ("inputs", "accepted"))
    refused = sum(sum(one.refused.values()) for one in tallies.values())
    return "\n".join([*rows, f"| **all** | **{inputs:,}** | {accepted:,} | {refused:,} | | |", ""])


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
