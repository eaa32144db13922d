"""同类问题: what supervision found wrong, from the records of items, and which of it is alike (R65). Pure.

Rules of this file:

1. A problem is what a record with effect says is wrong: 退回, 整改事项, 督办单, 复核未通过, 回头看发现问题, 通报批评.
2. A 通报 that names offices is counted at the tasks of the offices it names, not at the own item besides.
3. Problems are alike that share at least half of the shorter one's pairs of characters, of whatever kind; a group is
   known by its shortest text. The same problems give the same groups, in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from node.items.fact import Fact
from node.items.fold import EFFECTIVE, ItemState
from node.items.likeness import pairs_of, share_of
from node.records.kinds import Kind
from node.records.payload import Act
from node.records.track import CRITICISM, FAILED, Track

SOURCES: dict[Kind, str] = {
    Kind.RETURN: "退回", Kind.RECTIFY: "整改", Kind.SLIP: "督办单", Kind.VERIFY: "复核未通过", Kind.REINSPECT: "回头看",
    Kind.NOTICE: "通报批评",
}  # fmt: skip
_ALIKE = 0.5  # of the shorter text's pairs of characters
_PAIRS_MIN = 2  # shared at least, unless the texts are the same: one pair is chance
_NOTHING = Track()


class Problem(NamedTuple):
    """One problem: ``item`` is its item's id, ``source`` one of `SOURCES`, ``text`` the words of the record."""

    item: bytes
    source: str
    text: str


class Group(NamedTuple):
    """Problems that are alike; ``text`` is the shortest of them."""

    text: str
    problems: tuple[Problem, ...]


def problems_of(state: ItemState, facts: Iterable[Fact]) -> list[Problem]:
    """What the records with effect say is wrong with one item."""
    found = []
    for fact in facts:
        source = SOURCES.get(Kind(fact.kind)) if fact.kind in SOURCES else None
        if source is None or not isinstance(fact.payload, Act) or state.effects.get(fact.record_id) not in EFFECTIVE:
            continue
        texts = _texts(Kind(fact.kind), fact.payload, state.kind)
        found += [Problem(state.item_id, source, text.strip()) for text in texts if text.strip()]
    return found


def _texts(kind: Kind, act: Act, item_kind: str) -> Sequence[str]:
    track = act.track or _NOTHING
    if kind == Kind.RECTIFY:
        return [line.text for line in track.lines if line.text]
    if kind == Kind.SLIP:
        return track.entries or [act.text]
    if kind == Kind.VERIFY:
        if track.verdict != FAILED:
            return []
        return [f"{one.question}：{one.text or '否'}" for one in track.findings if not one.ok] or [act.text]
    if kind == Kind.REINSPECT:
        return [act.text] if track.verdict == FAILED else []
    if kind == Kind.NOTICE:
        elsewhere = item_kind == "registered" and track.offices
        return [act.text] if track.verdict == CRITICISM and not elsewhere else []
    return [act.text]


def group_alike(problems: Iterable[Problem]) -> list[Group]:
    """Put what is alike together; groups with the most problems first."""
    members: list[list[Problem]] = []
    pairs: list[frozenset[str]] = []
    by_pair: dict[str, list[int]] = {}
    last: str | None = None
    at = 0
    for problem in sorted(problems, key=lambda one: (len(one.text), one.text, one.item, one.source)):
        if problem.text == last:  # equal texts follow each other, and may have no pairs at all
            members[at].append(problem)
            continue
        last, mine = problem.text, pairs_of(problem.text)
        near = {index for pair in mine for index in by_pair.get(pair, ())}
        best = max(near, key=lambda index: (share_of(mine, pairs[index]), -index), default=-1)
        if best >= 0 and _alike(mine, pairs[best]):
            members[best].append(problem)
            at = best
            continue
        at = len(members)
        for pair in mine:
            by_pair.setdefault(pair, []).append(at)
        members.append([problem])
        pairs.append(mine)
    groups = [Group(found[0].text, tuple(found)) for found in members]
    return sorted(groups, key=lambda group: (-len(group.problems), group.text))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    enough = len(one & other) >= _PAIRS_MIN or one == other
    return enough and share_of(one, other) >= _ALIKE
