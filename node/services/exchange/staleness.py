"""How old the data of the offices below are, and an alarm for each hop behind which nothing newer comes (B8, G13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from node.clock import iso
from node.records.keyring import Keyring
from node.services.care.alarms import Alarms
from node.services.exchange.marks import Marks
from node.services.identity import Identity, World
from node.services.mending.statements import mark_document

ALARM = "stale"
_EVERY_MS = 60_000
SHOWN = 200


class Row(NamedTuple):
    """An office below, its 数据截至 (ms since 1970 UTC, 0 = never), and whether that is within the limit."""

    office: str
    above: str
    as_of_ms: int
    fresh: bool


class Staleness:
    """Looks once a minute, the first time a minute after the start: marks need that long to come."""

    def __init__(
        self, identity: Identity, world: World, keyring: Keyring, marks: Marks, alarms: Alarms, limit_ms: int
    ) -> None:
        """``limit_ms``: older data say nothing of today."""
        self._identity = identity
        self._world = world
        self._keyring = keyring
        self._marks = marks
        self._alarms = alarms
        self._limit_ms = limit_ms
        self._looked_ms = world.clock.now_ms()

    def tick(self, name_of: Callable[[str], str]) -> None:
        """Raise and clear alarms. Behind a hop that is broken no other is named: nothing is known of it."""
        now_ms = self._world.clock.now_ms()
        self._looked_ms = min(self._looked_ms, now_ms)  # the clock may have been set back
        if now_ms < self._looked_ms + _EVERY_MS:
            return
        self._looked_ms = now_ms
        broken: set[str] = set()
        for row in self.below():
            if row.above in broken or (not row.fresh and row.as_of_ms):
                broken.add(row.office)
            if not row.fresh and row.as_of_ms and row.above not in broken:
                text = f"{name_of(row.above)}至{name_of(row.office)}中断：数据截至{iso(row.as_of_ms)}，已超过时限"
                self._alarms.raise_(ALARM, row.office, text)
            else:
                self._alarms.clear(ALARM, row.office)

    def below(self) -> list[Row]:
        """Every certified office below, upper ones first, with how old its data are here."""
        now_ms, me = self._world.clock.now_ms(), self._identity.code
        keys = [key for key in self._keyring.offices().values() if me in key.path[:-1]]
        found = []
        for key in sorted(keys, key=lambda key: (len(key.path), key.code)):
            as_of_ms = self._marks.as_of_ms(key.code)
            found.append(Row(key.code, key.path[-2], as_of_ms, now_ms - as_of_ms <= self._limit_ms))
        return found

    def document(self, name_of: Callable[[str], str]) -> dict[str, object]:
        """The ``offices`` of `status`: how many are below, and 数据截至 of each, the oldest first, up to `SHOWN`."""
        rows = sorted(self.below(), key=lambda row: (row.fresh, row.as_of_ms, row.office))
        fresh = sum(row.fresh for row in rows)
        never = sum(not row.as_of_ms for row in rows)
        links = self._marks.links()  # each office's link to its parent, as its own mark says
        return {
            "total": len(rows), "fresh": fresh, "stale": len(rows) - fresh - never, "never": never,
            "rows": [
                {
                    "office": row.office, "name": name_of(row.office), "above": row.above,
                    "as_of": iso(row.as_of_ms) if row.as_of_ms else None, "fresh": row.fresh,
                    "reconciled": mark_document(links.get(row.office)),
                }
                for row in rows[:SHOWN]
            ],
        }  # fmt: skip
