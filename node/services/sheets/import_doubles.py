"""Rows of a file that are like each other or like open matters: found by pairs of characters, many at once (R25)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from node.items.lifecycle import state_label
from node.items.likeness import pairs_of
from node.services.matters.duplicates import open_rows
from node.storage.port import Reader

LOOKED_AT = 5_000  # open matters, the newest: more take longer than a person waits
SHARE = 0.75  # of the shorter title: lists of tasks share words, so more is asked for than of a single registration
COMMON = 200  # a pair of characters that so many titles have tells nothing
SHOWN = 3  # for each row
Document = dict[str, object]


def doubles(reader: Reader, titles: Sequence[str]) -> list[list[Document]]:
    """For each title the open matters, and the earlier titles of the same file, that are nearly the same."""
    rows = open_rows(reader)[-LOOKED_AT:]
    known = [row.title for row in rows]
    pairs = [pairs_of(title) for title in (*known, *titles)]
    holders: dict[str, list[int]] = defaultdict(list)
    for index, mine in enumerate(pairs):
        for pair in mine:
            holders[pair].append(index)
    found: list[list[Document]] = []
    for place in range(len(known), len(pairs)):
        shared: Counter[int] = Counter()
        telling = [pair for pair in pairs[place] if len(holders[pair]) <= COMMON]
        for pair in telling:
            shared.update(index for index in holders[pair] if index < place)
        near = [(index, len(pairs[place] & pairs[index]) / min(len(pairs[place]), len(pairs[index])))
                for index, _ in shared.most_common(50) if pairs[index]]  # fmt: skip
        near = sorted((one for one in near if one[1] >= SHARE), key=lambda one: -one[1])[:SHOWN]
        found.append([
            {"number": rows[index].number, "title": rows[index].title, "item": rows[index].item_id.hex(),
             "state_label": state_label(rows[index].state), "place": None}
            if index < len(known) else
            {"number": None, "title": titles[index - len(known)], "item": None, "state_label": None,
             "place": index - len(known)}
            for index, _ in near
        ])  # fmt: skip
    return found
