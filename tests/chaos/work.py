"""The people of the five offices: a steady stream of commands, each journaled before the next is given.

What an office does follows from what its own node shows it; chance only picks among what is due.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from node.errors import DulianError
from tests.chaos.journal import Journal
from tests.chaos.offices import Office, Tree

_PAUSE_S = 0.25
_ACTS_PER_ROUND = 4
_OPEN_MAX = 12  # tasks an office has given and that are not closed: beyond, it gives no new ones
_OVER = ("closed", "cancelled")
_SIZES = (700, 30_000, 400_000)
# What a node may answer while disks are full, a database is down or it recovers; anything else is a refusal by rule.
_DISTURBED = {
    "disk_full", "read_only", "unreachable", "recovering", "clone", "io", "truncated", "timeout", "locked",
}


class Work:
    """The load on the whole tree."""

    def __init__(self, tree: Tree, journal: Journal, seed: int, folder: Path) -> None:
        self.journal = journal
        self.commands: Counter[str] = Counter()  # acknowledged, by verb
        self.unanswered = 0
        self.disturbed: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.faults: list[str] = []  # answers no node may give
        self._folder = folder
        self._stopping = threading.Event()
        self._away: set[str] = set()
        self._threads = [
            threading.Thread(target=self._desk, args=(one, tree, random.Random(f"{seed}-{one.code}")), daemon=True)
            for one in tree
        ]
        self._busy = {office.code: threading.Lock() for office in tree}

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(150)
            assert not thread.is_alive(), "a command never came back"

    def send_away(self, code: str) -> None:
        """Nobody works in this office until `call_back`; what was under way is over when this returns."""
        self._away.add(code)
        with self._busy[code]:
            pass

    def call_back(self, code: str) -> None:
        self._away.discard(code)

    def _desk(self, office: Office, tree: Tree, dice: random.Random) -> None:
        while not self._stopping.is_set():
            if office.code not in self._away:
                with self._busy[office.code]:
                    self._round(office, tree, dice)
            time.sleep(_PAUSE_S * (0.5 + dice.random()))

    def _round(self, office: Office, tree: Tree, dice: random.Random) -> None:
        try:
            items = office.ask("item.list")
        except DulianError:
            return
        below: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for item in items:
            if item["parent"]:
                below[item["parent"]].append(item)
        dice.shuffle(items)
        done = 0
        for item in items:
            verb, args, file = self._due(office, tree, item, below[item["id"]], dice)
            if verb:
                self.do(office, verb, args, self._file(office, dice) if file else None)
                done += 1
            if done >= _ACTS_PER_ROUND or self._stopping.is_set() or office.code in self._away:
                return
        given = [item for item in items if item["issuer"] == office.code and item["state"] not in _OVER]
        children = [child.code for child in tree.below(office.code)]
        if children and len(given) < _OPEN_MAX:
            skip = [child.code for code in children for child in tree.below(code)] if not office.parent else []
            to = [dice.choice(children + skip)]
            self.do(office, "item.issue", {"title": f"交办{dice.randrange(10**9)}", "to": to})
        elif dice.random() < 0.2:
            self.do(office, "item.register", {"title": f"本级{dice.randrange(10**9)}"})

    def _due(
        self, office: Office, tree: Tree, item: dict[str, Any], children: list[dict[str, Any]], dice: random.Random
    ) -> tuple[str, dict[str, object], bool]:
        """Verb, arguments, and whether a file goes along; an empty verb for nothing."""
        key, state = {"item": item["id"]}, item["state"]
        if item["receiver"] == office.code and item["kind"] == "assignment":
            if state in ("assigned", "delivered"):
                return "item.sign", key, False
            if state == "signed" and not children and tree.below(office.code) and dice.random() < 0.8:
                to = dice.choice(tree.below(office.code)).code
                return "item.decompose", key | {"to": [to], "title": f"分解{dice.randrange(10**9)}"}, False
            if state in ("signed", "active", "returned") and dice.random() < 0.5:
                text, percent = f"进展{dice.randrange(10**9)}", dice.randrange(100)
                return "item.report", key | {"text": text, "percent": percent}, dice.random() < 0.4
            if state == "active" and all(child["state"] in ("accepted", "closed") for child in children):
                return "item.submit", key | {"text": "已办结"}, dice.random() < 0.3
        elif item["issuer"] == office.code and item["kind"] == "assignment":
            if state == "submitted":
                if dice.random() < 0.2:
                    return "item.return", key | {"reason": "请补充", "mode": "redo"}, False
                return "item.accept", key, False
            if state == "accepted":
                return "item.close", key, False
            if state in ("signed", "active") and dice.random() < 0.1:
                return "item.urge", key | {"text": f"催办{dice.randrange(10**9)}"}, False
        elif item["receiver"] == office.code and children and all(one["state"] in _OVER for one in children):
            return ("item.close", key, False) if state not in _OVER else ("", {}, False)
        return "", {}, False

    def _file(self, office: Office, dice: random.Random) -> Path:
        file = self._folder / f"{office.code}-{dice.randrange(10**12)}.bin"
        file.write_bytes(dice.randbytes(dice.choice(_SIZES) + dice.randrange(500)))
        return file

    def do(self, office: Office, verb: str, args: dict[str, object], file: Path | None = None) -> dict[str, Any] | None:
        """Give one command; journal what was acknowledged."""
        try:
            answer = office.client().request(verb, args, files=[("attach", file)] if file else (), timeout_s=100).data
        except DulianError as error:
            self._failed(office, verb, error)
            return None
        finally:
            content = hashlib.sha256(file.read_bytes()).hexdigest() if file else ""
            if file:
                file.unlink()
        self.journal.note(office.code, verb, answer, [content] if file else [])
        self.commands[verb] += 1
        return answer

    def _failed(self, office: Office, verb: str, error: DulianError) -> None:
        if error.code in _DISTURBED:
            self.disturbed[error.code] += 1
        elif error.exit_code == 3:
            self.unanswered += 1  # whether it was carried out is open
        elif error.exit_code in (2, 4):
            self.refused[f"{verb}: {error.text[:40]}"] += 1
        else:
            self.faults.append(f"{office.code} {verb}: {error.code} {error.text} {error.remedy}"[:400])
