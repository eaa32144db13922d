"""Which tables an item goes by: those of the semantic version its opening names, for ever."""

from __future__ import annotations

from typing import NamedTuple

from node.items import lifecycle, lifecycle_full
from node.items.lifecycle import Needs, Rule

SEMANTIC_VERSION = 2  # what new items are opened under


class Life(NamedTuple):
    """The tables of one semantic version; ``kinds`` are those that act on its items."""

    assignment: dict[int, Rule]
    own: dict[int, Rule]
    kinds: frozenset[int]
    needs: dict[int, Needs]

    def rules_of(self, item_kind: str) -> dict[int, Rule]:
        """The table of an item's kind: ``assignment`` or ``registered``."""
        return self.assignment if item_kind == "assignment" else self.own


LIVES: dict[int, Life] = {
    1: Life(lifecycle.ASSIGNMENT, lifecycle.OWN, lifecycle.KINDS, lifecycle.NEEDS),
    2: Life(lifecycle_full.ASSIGNMENT, lifecycle_full.OWN, lifecycle_full.KINDS, lifecycle_full.NEEDS),
}
KINDS = lifecycle_full.KINDS  # of all versions: each has those of the one before
