"""What happened: kills by kind, by failpoint and by office, faults by class, breaches. Adds up over campaigns."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

FIELDS = ("kills", "points", "offices", "faults", "starts", "commands", "disturbed", "figures")


class Tally:
    """Counters that many threads may raise."""

    def __init__(self) -> None:
        self.kills: Counter[str] = Counter()  # "point", "random", "starting", "scene"
        self.points: Counter[str] = Counter()
        self.offices: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.starts: Counter[str] = Counter()
        self.commands: Counter[str] = Counter()
        self.disturbed: Counter[str] = Counter()
        self.figures: Counter[str] = Counter()
        self.breaches: list[str] = []
        self._lock = threading.Lock()

    def kill(self, how: str, office: str, point: str = "") -> None:
        with self._lock:
            self.kills[how] += 1
            self.offices[office] += 1
            if point:
                self.points[point] += 1

    def fault(self, name: str) -> None:
        with self._lock:
            self.faults[name] += 1

    def start(self, how: str) -> None:
        with self._lock:
            self.starts[how] += 1

    def killed(self) -> int:
        return sum(self.kills.values())

    def document(self) -> dict[str, Any]:
        return {name: dict(sorted(getattr(self, name).items())) for name in FIELDS} | {"breaches": self.breaches}


def add(total: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """The sum of two documents."""
    found: dict[str, Any] = {
        name: dict(sorted((Counter(total.get(name, {})) + Counter(more.get(name, {}))).items())) for name in FIELDS
    }
    return found | {"breaches": [*total.get("breaches", ()), *more.get("breaches", ())]}
