"""Items in memory: their facts as decoded, and as folded last, so that the next record goes on from there. Bounded."""

from __future__ import annotations

from collections import OrderedDict

from node.items.fact import Fact
from node.items.fold import ItemState
from node.items.growing import Growing
from node.items.marks import NOTHING, Tally, tally_of


class KeptItem:
    """One item: all its facts, and what was folded from them (None before, and where the fold failed)."""

    __slots__ = ("counted", "facts", "growing", "item_no", "opened", "tally")

    def __init__(self, item_no: int, facts: list[Fact]) -> None:
        """Nothing is folded yet."""
        self.item_no = item_no
        self.facts = facts
        self.growing: Growing | None = None
        self.tally: Tally = NOTHING
        self.opened = (0, 0)  # log_no and seq of the opening, once known
        self.counted = 0

    @property
    def state(self) -> ItemState | None:
        """As folded last."""
        return self.growing.state if self.growing is not None else None

    def fold(self, item_id: bytes, fresh: list[Fact]) -> ItemState:
        """Take in what came: by going on where it comes last in the item's order, else from all facts."""
        growing, self.growing = self.growing, None
        self.facts += fresh
        if growing is not None and growing.take(fresh):
            self.tally = tally_of(growing.state, fresh, self.tally)
        else:
            growing = Growing(item_id, self.facts)
            self.tally = tally_of(growing.state, self.facts)
            self.opened = (0, 0)
        self.growing = growing
        return growing.state


class KeptItems:
    """The items touched last, as many as have ``facts_max`` facts together (one at least)."""

    def __init__(self, facts_max: int) -> None:
        """Nothing is kept yet."""
        self._facts_max = facts_max
        self._items: OrderedDict[bytes, KeptItem] = OrderedDict()
        self._counted = 0

    def get(self, item_id: bytes) -> KeptItem | None:
        """The item, if it is here."""
        return self._items.get(item_id)

    def put(self, item_id: bytes, item: KeptItem) -> None:
        """Keep an item, as the one touched last; those touched longest ago make room."""
        if item_id in self._items:
            self._items.move_to_end(item_id)
        else:
            self._items[item_id] = item
            item.counted = 0
        self._counted += len(item.facts) - item.counted
        item.counted = len(item.facts)
        while self._counted > self._facts_max and len(self._items) > 1:
            self._counted -= self._items.popitem(last=False)[1].counted

    def drop(self, item_id: bytes) -> None:
        """Forget an item: its records changed on the disk."""
        item = self._items.pop(item_id, None)
        if item is not None:
            self._counted -= item.counted

    def clear(self) -> None:
        """Forget all."""
        self._items.clear()
        self._counted = 0
