"""A campaign: one tree from its founding to its last check — storms, scenes, checks in turn, all from one seed."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any, NamedTuple

from tests.chaos.check import check
from tests.chaos.journal import Journal
from tests.chaos.offices import Tree
from tests.chaos.scenes import Scenes
from tests.chaos.storm import Storm
from tests.chaos.tally import Tally
from tests.chaos.work import Work


class Plan(NamedTuple):
    """How much of what."""

    storms: int
    kills_per_storm: int
    storm_s: float  # at most, for one storm
    scenes: tuple[str, ...]  # one after each storm, as far as they reach
    pace: float = 1.0  # below 1: waits are shorter
    disks: int = 0  # so many offices begin the first storm on a disk that misbehaves


# After a clone its author's logs are judged less strictly, so it comes last.
FULL = Plan(5, 45, 300.0, ("restore", "roll_back", "migrate", "rot", "clone"))


def campaign(seed: int, plan: Plan, say: Any) -> dict[str, Any]:
    """Run it; returns the tally's document with ``seed``, ``seconds``, ``records``, and its breaches (none is the aim).

    Where something is wrong the homes and logs stay where the breaches say.
    """
    began, dice, tally = time.monotonic(), random.Random(seed), Tally()
    folder = Path(tempfile.mkdtemp(prefix="dulian-chaos-"))
    journal = Journal(folder / "journal.jsonl")
    tree = work = None
    try:
        tree = Tree(folder)
        tree.set_up()
        say(f"seed {seed}: {len(tree.offices)} offices after {time.monotonic() - began:.0f} s")
        work = Work(tree, journal, seed, folder)
        work.start()
        _run(plan, tree, work, journal, tally, dice, folder, say)
        tally.figures["records"] += sum(office.ask("status")["records"] for office in tree)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        tally.breaches.append(f"{type(error).__name__}: {error}"[:1_500] + "\n" + traceback.format_exc()[-1_500:])
    finally:
        if work is not None:
            work.stop()
        if tree is not None:
            tally.faults["database_kills"] += tree.server.kills
            tree.tear_down()
        journal.close()
    if work is not None:
        tally.commands.update(work.commands)
        tally.disturbed.update(work.disturbed)
        tally.figures["unanswered"] += work.unanswered
        tally.figures["refused"] += sum(work.refused.values())
        tally.breaches += work.faults[:10]
    tally.figures["acknowledged"] += len(journal.entries)
    if tally.breaches:
        tally.breaches.append(f"kept: {folder}")
    else:
        shutil.rmtree(folder)
    return tally.document() | {"seed": seed, "seconds": round(time.monotonic() - began)}


def _run(
    plan: Plan, tree: Tree, work: Work, journal: Journal, tally: Tally, dice: random.Random, folder: Path, say: Any
) -> None:
    scenes = Scenes(tree, work, journal, tally, dice, folder)
    scenes.prepare()
    for number in range(plan.storms):
        storm = Storm(tree, work, tally, dice, folder, plan.pace)
        storm.blow(plan.kills_per_storm, plan.storm_s, plan.disks if number == 0 else 0)
        tally.breaches += storm.failures
        if not storm.failures and number < len(plan.scenes):
            say(f"  {tally.killed()} kills; scene {plan.scenes[number]}")
            getattr(scenes, plan.scenes[number])()
        if not tally.breaches:
            _look(tree, work, journal, tally, scenes, folder, f"{number}")
        say(f"  {tally.killed()} kills, {len(journal.entries)} acknowledged, {len(tally.breaches)} breaches")
        if tally.breaches:
            return
        scenes.prepare()


def _look(
    tree: Tree, work: Work, journal: Journal, tally: Tally, scenes: Scenes, folder: Path, seed: str
) -> None:
    """Everybody puts down the pen; then all is checked."""
    for office in tree:
        office.up()
    for office in tree:
        work.send_away(office.code)
    tally.breaches += check(tree, journal, folder, seed, forked=scenes.cloned, lossy=scenes.lossy)
    tally.figures["checks"] += 1
    for office in tree:
        work.call_back(office.code)


def say(text: str) -> None:
    """Progress, at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()
