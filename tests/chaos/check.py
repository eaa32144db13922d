"""After a storm: what must hold of the whole tree once it is quiet. Every breach is one line; none is the aim.

Read from outside, from the databases themselves, so that the program under test does not judge itself; `verify` and the
item digests are asked of the nodes besides.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from node.errors import DulianError
from tests.chaos.journal import Journal
from tests.chaos.offices import SLOW_MACHINE_S, Office, Tree
from tests.chaos.stores import Held, forks_of, records_of, rows_of
from tests.process.nodes import differing

_FETCHED = 6  # attachments read back in full from every office of their line, in each check
_SHOWN = 8
_UNDER_WAY_S = 30.0
# Alarms that no fault of the chaos run may leave standing: they mean lost data or a broken program.
_NEVER = {
    "internal", "projection", "bad_record", "no_replica", "digest_differs", "reconcile", "followup", "poison",
    "rejected_log", "fork", "damaged", "two_parents", "attachment", "store",
}


def check(tree: Tree, journal: Journal, folder: Path, seed: str, *, forked: set[str], lossy: bool) -> list[str]:
    """Breaches. ``forked``: offices that were cloned, whose logs may have forked; ``lossy``: a machine was lost, and
    with it, by right, files that no other office had fetched yet.
    """
    found: list[str] = []
    found += _quiet(tree)
    if found:
        return found
    found += _reconciled(tree)
    found += _quiet(tree)  # the statements are records too
    deadline = time.monotonic() + _UNDER_WAY_S
    while True:  # the stores are read one after another; a node may still write a record of its own
        held = {office.code: records_of(office) for office in tree}
        broken = _promises(tree, journal, held, forked) + _logs(tree, held, forked)
        if not broken or time.monotonic() > deadline:
            break
        time.sleep(2)
    found += broken
    found += _numbers(tree)
    found += _nodes(tree)
    found += _attachments(tree, journal, folder, random.Random(seed), lossy=lossy)
    return found


def _until(condition: Any, what: str, within_s: float = SLOW_MACHINE_S) -> list[str]:
    deadline = time.monotonic() + within_s
    while True:
        missing = condition()
        if not missing:
            return []
        if time.monotonic() > deadline:
            return [f"not within {within_s:.0f} s: {what}: {missing}"]
        time.sleep(0.3)


def _restless(office: Office) -> str:
    status = office.asked("status")
    if status is None:
        return f"{office.code} does not answer"
    if not status["ready"]:
        return f"{office.code} is not ready: {status['recovery']}"
    links = [
        f"{office.code}-{link['office']} {link['state']} {link['to_send']}/{link['to_receive']}"
        for link in status["links"] if link["state"] != "synced" or link["to_send"] or link["to_receive"]
    ]
    undelivered = [
        f"{office.code} has not noted 送达 of {row['id'][:12]}" for row in office.asked("item.list") or ()
        if row["receiver"] == office.code and row["kind"] == "assignment" and row["state"] == "assigned"
    ]
    return "; ".join((links + undelivered)[:_SHOWN])


def _quiet(tree: Tree) -> list[str]:
    """All links in sync, nothing owed, every item the same wherever it is held."""
    def restless() -> str:
        return "; ".join(filter(None, map(_restless, tree)))

    def apart() -> str:
        try:
            return "; ".join(differing(tree)[:_SHOWN])
        except DulianError as error:
            return error.text

    return _until(restless, "quiet") or _until(apart, "one digest for each item at all its holders") or _until(
        restless, "quiet again")


def _reconciled(tree: Tree) -> list[str]:
    """Every link is reconciled and both sides signed; nothing is disputed, a settled fork neither."""
    found = []
    for office in tree:
        if not office.parent:
            continue
        for _ in range(4):  # one under way may have ended with the storm
            try:
                [run] = office.client().request("reconcile", {"with": office.parent}, timeout_s=200).data
            except DulianError as error:
                run = {"ok": False, "outcome": error.text}
            if run["ok"]:
                break
            time.sleep(2)
        else:
            found.append(f"{office.code} and {office.parent} do not reconcile: {run}")
    return found


def _promises(tree: Tree, journal: Journal, held: dict[str, list[Held]], forked: set[str]) -> list[str]:
    """Nothing acknowledged is lost: at its author, and at every office of its line."""
    at = {code: {row.record: row for row in rows} for code, rows in held.items()}
    beside = {office.code: {record for _, record in forks_of(office)} for office in tree}
    found = []
    for record, author in journal.promised().items():
        row = at[author].get(record)
        if row is None:
            kept = beside.values() if author in forked else (beside[author],)
            if not any(record in records for records in kept):
                found.append(f"lost at its author: {author} {record[:16]}")
            continue
        if row.frozen and author in forked:
            continue
        found += [
            f"lost at {code}: {author} {record[:16]} {row.path}"
            for code in tree.line_of(row.path, subtree=row.subtree)
            if record not in at[code] and record not in beside[code]
        ]
    return found[:_SHOWN]


def _logs(tree: Tree, held: dict[str, list[Held]], forked: set[str]) -> list[str]:
    """No number used twice; logs without gaps, the same at all of their line, and nowhere else."""
    names: dict[tuple[str, int], set[str]] = defaultdict(set)
    logs: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    of: dict[str, Held] = {}
    found = []
    for code, rows in held.items():
        for row in rows:
            names[row.log, row.seq].add(row.record)
            logs[row.log][code].add(row.seq)
            of[row.log] = row
    found += [
        f"number used twice: {of[log].author} {of[log].path} {seq}" for (log, seq), ids in names.items()
        if len(ids) > 1 and of[log].author not in forked
    ]
    for log, holders in logs.items():
        one = of[log]
        if one.author in forked:
            continue
        line = tree.line_of(one.path, subtree=one.subtree)
        heads = {code: len(holders.get(code, ())) for code in line}
        if len(set(heads.values())) != 1:
            found.append(f"heads differ: {one.author} {one.path} {heads}")
        found += [
            f"gap: {code} {one.author} {one.path}" for code, seqs in holders.items()
            if seqs != set(range(1, len(seqs) + 1))
        ]
        found += [f"{code} holds what its line does not name: {one.path}" for code in holders if code not in line]
    for office in tree:
        found += [f"fork kept at {office.code}: {author}" for author, _ in forks_of(office) if author not in forked]
    return found[:_SHOWN]


def _numbers(tree: Tree) -> list[str]:
    """One 登记编号, one item."""
    items: dict[str, set[str]] = defaultdict(set)
    for office in tree:
        for row in office.ask("item.list"):
            items[row["number"]].add(row["id"])
    return [f"登记编号 {number} names {len(ids)} items" for number, ids in items.items() if len(ids) > 1][:_SHOWN]


def _nodes(tree: Tree) -> list[str]:
    """Every store verifies; no alarm stands that means loss; no log tells of a crash or of an internal error."""
    found = []
    for office in tree:
        verified = office.ask("verify")
        found += [f"{office.code} verify: {finding}" for finding in verified["findings"][:3]]
        found += [
            f"{office.code} alarm {alarm['code']} {alarm['subject']}: {alarm['text'][:120]}"
            for alarm in office.ask("status")["alarms"] if alarm["code"] in _NEVER
        ]
        text = office.log_text()
        found += [f"{office.code} log: {line[:600]}" for line in text.splitlines() if '"event": "crashed"' in line
                  and "磁盘读写出错" not in line][-2:]
        if "Traceback" in text.replace("\\n", "") and '"crashed"' not in text:
            found.append(f"{office.code} log: a traceback: {text[text.index('Traceback'):][:600]}")
    return found


def _attachments(tree: Tree, journal: Journal, folder: Path, dice: random.Random, *, lossy: bool) -> list[str]:
    """Whole everywhere (`verify` has hashed them); some are read back and compared with what was handed in."""
    def whole(name: str) -> Callable[[Office], bool]:
        return lambda office: (office.home / "blobs" / name[:2] / name).exists()

    def missing() -> str:
        lacking = [
            (office.code, bytes(raw).hex()) for office in tree
            for (raw,) in rows_of(office, "SELECT hash FROM blob WHERE NOT present")
        ]
        wrong = [f"{code} lacks {name[:12]}" for code, name in lacking if not lossy or any(map(whole(name), tree))]
        return "; ".join(wrong[:_SHOWN])

    found = _until(missing, "every attachment is present")
    files, shown = journal.files(), {office.code: {row["id"] for row in office.ask("item.list")} for office in tree}
    for name in dice.sample(sorted(files), min(_FETCHED, len(files))):
        item, content = files[name]
        for office in tree:
            if item not in shown[office.code] or (lossy and not whole(name)(office)):
                continue
            copy = folder / f"copy-{office.code}"
            copy.unlink(missing_ok=True)
            office.client().request("item.fetch", {"item": item, "hash": name}).save(copy)
            if hashlib.sha256(copy.read_bytes()).hexdigest() != content:
                found.append(f"{office.code} gives another content for {name[:16]}")
            copy.unlink()
    return found
