"""`python -m tests.bench`: all measures of the issue in one run; a table on stdout and JSON in build/bench.json.

Every figure is shown beside its bar, met or not. The exit code is 0 unless a measure could not be taken: speed on a
shared machine is no test.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import catchup, console, folding, latency, ledger, live, memory, reconcile, reconnect, sessions
from tests.bench.drive import Bench, Measured
from tests.bench.templates import Templates
from tests.conftest import ROOT

MEASURES: dict[str, Callable[[Bench], list[Measured]]] = {
    "memory": memory.measure,
    "latency": latency.measure,
    "live": live.measure,
    "reconnect": reconnect.measure,
    "catchup": catchup.measure,
    "growth": catchup.measure_growth,
    "ledger": ledger.measure,
    "folding": folding.measure,
    "reconcile": reconcile.measure,
    "console": console.measure,
    "sessions": sessions.measure,
}


def main() -> int:
    """Take the chosen measures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    all_names = ", ".join(MEASURES)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"of {all_names}; all where none is named")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on all sizes; 0.1 for a quick look")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--profile", type=Path, help="cProfile of the receiving core of the last catch-up")
    chosen = parser.parse_args()
    names = chosen.measures or list(MEASURES)
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        parser.error(f"unknown measure: {', '.join(unknown)}")
    found: list[Measured] = []
    start = time.monotonic()
    templates = Templates(chosen.scale)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        bench = Bench(templates, Path(folder), chosen.profile, chosen.scale)
        for name in names:
            print(f"测量 {name} …", file=sys.stderr, flush=True)
            load = os.getloadavg()[0]
            found += [m._replace(figures=m.figures | {"load_before": load}) for m in MEASURES[name](bench)]
    _write(chosen.json, chosen.scale, found, time.monotonic() - start)
    _show(found)
    if os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1):
        print("注意:本机同时有其他负载,数字不足为凭")
    print(f"规模 {chosen.scale:g},用时 {time.monotonic() - start:.0f} 秒;明细 {chosen.json.name}")
    return 0


def machine() -> dict[str, Any]:
    """What the figures were taken on, without names."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    memory_kib = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cpu": model, "cores": os.cpu_count(), "memory_gib": round(memory_kib / 1_048_576), "system": platform.system(),
        "release": platform.release(), "python": platform.python_version(), "load_at_end": os.getloadavg()[0],
    }  # fmt: skip


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def _write(path: Path, scale: float, found: list[Measured], seconds: float) -> None:
    body = {
        "machine": machine(), "scale": scale, "seconds": round(seconds),
        "measures": [measured._asdict() | {"name": measured.name.strip()} for measured in found],
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _show(found: list[Measured]) -> None:
    rows = [("测量", "结果", "要求", "")]
    rows += [(m.name, m.value, m.bar, {True: "达到", False: "未达到", None: ""}[m.met]) for m in found]
    widths = [max(_width(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


if __name__ == "__main__":
    sys.exit(main())
