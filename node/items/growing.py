"""A fold that goes on: what comes last in the order of an item is applied to what is folded already.

Rules of this file:

1. A state reached by going on equals the state of the whole fold, field by field (`tests/property/test_growing.py`);
   what is not known to come last is not taken, and the caller folds whole.
2. Only a plain order goes on: no re-issues, nothing that waits, no knot (`order.Order.plain`).
3. A record comes last if all it answers is here and all that stands behind both those and its author's last is by
   offices further up: those go first, whatever else is ready (`order._merge`).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from node.items.fact import Fact
from node.items.fold import SUPERSEDED, Run, begin


class Growing:
    """One item, as folded, and the means to go on. After an error inside `take` it is of no use any more."""

    __slots__ = ("_declared", "_effects", "_lasts", "_ranks", "_run", "_where", "state")

    def __init__(self, item_id: bytes, facts: Iterable[Fact]) -> None:
        """Fold these facts whole."""
        self.state, run = begin(item_id, facts)
        self._run: Run | None = run if run is not None and run.order.plain and run.goes_on else None
        self._where: list[int] = []  # of each declaration its place in the sequence; made at the first `take`
        self._lasts: dict[str, int] = {}  # of each author the last declaration
        self._ranks: dict[str, tuple[int, str]] = {}
        self._declared: list[tuple[bytes, str]] = []
        self._effects: dict[bytes, str] = {}

    def take(self, facts: Iterable[Fact]) -> bool:
        """Go on with facts in the order given; False where one is not known to come last: then fold whole."""
        run = self._run
        if run is None:
            return False
        self._run = None  # until all has gone well
        if not self._where:
            self._prepare(run)
        for fact in facts:
            if not self._take(run, fact):
                return False
        self._run, self.state = run, run.state_of(tuple(self._declared), self._effects.copy())
        return True

    def _prepare(self, run: Run) -> None:
        order, line = run.order, run.opening.line
        self._where = [0] * len(order.sequence)
        for place, i in enumerate(order.sequence):
            self._where[i] = place
            self._lasts[order.facts[i].author] = i
        self._ranks = {author: (place, author) for place, author in enumerate(line.path)}
        self._declared = list(self.state.declarations)
        self._effects = dict(self.state.effects)

    def _take(self, run: Run, fact: Fact) -> bool:
        order, effects = run.order, self._effects
        record_id = fact.record_id
        if (
            record_id in effects or fact.item != run.item_id or fact.reissue_of or fact.semantic_version
            or fact.line != run.opening.line
        ):  # fmt: skip
            return False
        found = self._answered(run, fact)
        if found is None or not self._comes_last(run, fact, found):
            return False
        i = len(order.facts)
        order.facts.append(fact)
        order.ids.append(record_id)
        order.answered.append(found)
        order.place[record_id] = i
        self._where.append(len(order.sequence))
        order.sequence.append(i)
        self._lasts[fact.author] = i
        before = run.submission
        run.add(i)
        if before >= 0 and run.effects[before] == SUPERSEDED:
            self._change(order.ids[before])
        effects[record_id] = run.effects[i]
        insort(self._declared, (record_id, run.effects[i]))
        return True

    def _answered(self, run: Run, fact: Fact) -> tuple[int, ...] | None:
        """The declarations it answers; None where one is not here."""
        if not fact.re or not run.knows(fact.kind):
            return ()
        place = run.order.place
        found = [place.get(record_id, -1) for record_id in fact.re]
        return None if -1 in found else tuple(found)

    def _comes_last(self, run: Run, fact: Fact, found: tuple[int, ...]) -> bool:
        order, where, author = run.order, self._where, fact.author
        ready = max((where[i] for i in found), default=-1)
        last = self._lasts.get(author)
        if last is not None:
            before = order.facts[last]
            if (fact.epoch, fact.seq, fact.record_id) <= (before.epoch, before.seq, before.record_id):
                return False
            ready = max(ready, where[last])
        rank = self._rank(author)
        return all(self._rank(order.facts[i].author) < rank for i in order.sequence[ready + 1 :])

    def _rank(self, author: str) -> tuple[int, str]:
        return self._ranks.get(author) or (len(self._ranks), author)

    def _change(self, declaration: bytes) -> None:
        """A report was applied, and is replaced by the next now."""
        old = self._effects[declaration]
        if old == SUPERSEDED:
            return
        self._effects[declaration] = SUPERSEDED
        del self._declared[bisect_left(self._declared, (declaration, old))]
        insort(self._declared, (declaration, SUPERSEDED))
