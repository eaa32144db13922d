"""`make chaos`: campaign after campaign until 1,000 nodes have been killed in all; goes on where it was left.

    python -m tests.chaos [--kills 1000] [--seed N] [--minutes M] [--anew] [--summary] [--folder build/chaos]

Each campaign is a tree of its own, from one seed; only campaigns that were finished count. Results stand one a line in
build/chaos/results.jsonl. Exit code 1 where a campaign of this folder broke a promise, 0 otherwise.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tests.chaos.campaign import FULL, campaign, say
from tests.chaos.points import ALL
from tests.chaos.tally import add

ROOT = Path(__file__).resolve().parents[2]
_FIRST_SEED = 1_000


def results(folder: Path) -> list[dict[str, Any]]:
    """What earlier campaigns found, oldest first."""
    file = folder / "results.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def main(words: list[str] | None = None) -> int:
    """Run what is missing, print the sum."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--kills", type=int, default=1_000, help="so many in all")
    parser.add_argument("--seed", type=int, help="one campaign with this seed, kept out of the results")
    parser.add_argument("--minutes", type=float, default=0.0, help="begin no campaign after so many")
    parser.add_argument("--anew", action="store_true", help="forget earlier results")
    parser.add_argument("--summary", action="store_true", help="only print the sum")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "chaos")
    options = parser.parse_args(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a run that is broken off ends what it started
    folder: Path = options.folder
    if options.anew and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if options.seed is not None:
        found = campaign(options.seed, FULL, say)
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
        return int(bool(found["breaches"]))
    began = time.monotonic()
    while not options.summary:
        known = results(folder)
        killed = sum(sum(one["kills"].values()) for one in known)
        late = options.minutes and time.monotonic() - began > 60 * options.minutes
        if killed >= options.kills or late:
            break
        say(f"已完成 {len(known)} 轮，kill -9 共 {killed} 次 / {len(known)} campaigns so far, {killed} kills")
        one = campaign(_FIRST_SEED + len(known), FULL, say)
        with (folder / "results.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(one, ensure_ascii=False) + "\n")
    return summarise(results(folder))


def summarise(known: list[dict[str, Any]]) -> int:
    """Print the sum of all campaigns; 1 where one broke a promise."""
    total: dict[str, Any] = {}
    for one in known:
        total = add(total, one)
    figures, kills = total.get("figures", {}), total.get("kills", {})
    missing = sorted(set(ALL) - set(total.get("points", {})))
    lines = [
        "",
        f"轮次 campaigns                    {len(known)}（{sum(one['seconds'] for one in known) / 3600:.1f} 小时 h）",
        f"kill -9 合计 in all               {sum(kills.values())}",
        *(f"  {name:<32}{count}" for name, count in kills.items()),
        f"命中断点 failpoints that fired     {len(total.get('points', {}))}/{len(ALL)}",
        *(f"  {name:<32}{count}" for name, count in total.get("points", {}).items()),
        f"  未命中 never: {'、'.join(missing) or '无 none'}",
        "其他故障 other faults",
        *(f"  {name:<32}{count}" for name, count in total.get("faults", {}).items()),
        f"已确认的命令 acknowledged          {figures.get('acknowledged', 0)}",
        f"未得答复 unanswered                {figures.get('unanswered', 0)}",
        f"随机器丢失（无副本）excused         {figures.get('excused_after_restore', 0)}",
        f"全树核对 checks of the whole tree   {figures.get('checks', 0)}",
        f"违背承诺 promises broken           {sum(bool(one['breaches']) for one in known)} 轮 campaigns",
        *(f"  seed {one['seed']}: {line}" for one in known for line in one["breaches"]),
        *(f"注 remark, seed {one['seed']}: {one['remark']}" for one in known if "remark" in one),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(any(one["breaches"] for one in known))


if __name__ == "__main__":
    sys.exit(main())
