"""Days of what happened to an item: by what is claimed, but nothing was done before it was asked for (K2)."""

from __future__ import annotations

from node.clock import DAY_MS
from node.items.lights import day_of
from node.items.marks import marks_of
from node.records.kinds import Kind
from tests.property.fold_facts import C, Item


def test_a_backdated_answer_counts_from_the_day_of_its_question() -> None:
    item = Item()
    for kind in (Kind.DELIVERED, Kind.SIGN, Kind.FINAL):
        item.act(kind, C)
    opened = item.facts[0].claimed_ms
    marks = marks_of(item.state, item.facts)
    assert min(marks.delivered, marks.signed, marks.reported) >= day_of(opened)
    backdated = [fact if fact.author != C else fact._replace(claimed_ms=opened - 9 * DAY_MS) for fact in item.facts]
    early = marks_of(item.state, backdated)
    assert (early.delivered, early.signed, early.reported) == (day_of(opened),) * 3
