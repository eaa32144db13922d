"""Order: the declarations of an item, each once, in the one order in which every holder applies them.

Rules of this file:

1. A re-issue and its original are one declaration under the original's id; an answer to either answers both. A valid
   re-issue names a record that is no re-issue itself and equals it in author, kind, line, item, re, payload hash and
   semantic version. If the original is absent, its re-issues stand under its id, for each author that claims it (what
   an id stands for cannot be known without the original, and nobody may push out another's record by claiming its
   id); of an author's contradicting ones the first in log order stands. The others are ``inconsistent``.
2. A declaration comes after all it answers (hard); after what its author declared before it, by (epoch, seq, id),
   where a declaration stands at its smallest position (soft, gives way to hard); concurrent ones by their authors'
   places on the line, top first: what a superior has decided is not turned over by an answer that reaches it later.
3. What answers a record that is not here is ``waiting``, and so is what answers that. It blocks nobody else.
4. Forks can tie soft order into a knot; then the topmost author's earliest declaration with all its answers goes first.
5. Total and O(n log n); clocks and the order of arrival play no part.

The facts given are those on exactly the item's line: an effect depends only on what every holder of the item holds.
"""

from __future__ import annotations

from collections.abc import Container
from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import NamedTuple

from node.items.fact import Fact

_position = attrgetter("epoch", "seq", "record_id")
_content = attrgetter("author", "kind", "line", "item", "re", "payload_hash", "semantic_version")


class Order(NamedTuple):
    """Declarations by index, and the order of the indexes.

    ``facts[i]`` is the copy that speaks for declaration i, ``ids[i]`` the original's id, ``answered[i]`` the
    declarations it answers; ``place`` maps every record id, copies included, to its declaration. ``plain``: no
    re-issues, nothing that waits, no knot; only then the order can `Ending.take` what comes after all of it.
    """

    facts: list[Fact]
    ids: list[bytes]
    answered: list[tuple[int, ...]]
    place: dict[bytes, int]
    sequence: list[int]
    waiting: list[int]
    inconsistent: list[Fact]
    plain: bool = False


class _Declarations(NamedTuple):
    facts: list[Fact]
    ids: list[bytes]
    positions: list[tuple[int, int, bytes]]
    place: dict[bytes, int]
    # Ids without an original that several authors claim.
    shared: dict[bytes, list[int]]
    inconsistent: list[Fact]


def opening_of(item_id: bytes, unique: dict[bytes, Fact]) -> Fact | None:
    """The opening record, or where it is absent its first re-issue; of several authors' the smallest code's."""
    original = unique.get(item_id)
    if original is not None and original.item == item_id:
        # What names itself as its item or its original cannot have been hashed by anybody: no opening.
        return original if original.semantic_version and not original.reissue_of else None
    copies = [
        fact for fact in unique.values()
        if fact.reissue_of == item_id and fact.item == item_id and fact.semantic_version
    ]
    return min(copies, key=lambda fact: (fact.author, fact.epoch, fact.seq, fact.record_id)) if copies else None


def arrange(held: dict[bytes, Fact], path: tuple[str, ...], known: Container[int]) -> Order:
    """Return the declarations of ``held`` (record id → fact) in order.

    ``path`` is the line's; ``known`` the kinds that act on items: what other kinds and openings answer is not asked.
    """
    declared = _declare(held)
    facts = declared.facts
    count = len(facts)
    answered: list[tuple[int, ...]] = [()] * count
    followers: list[list[int]] = [[] for _ in facts]
    unresolved: list[int] = []
    place, shared = declared.place, declared.shared
    for i, fact in enumerate(facts):
        if not fact.re or fact.semantic_version or fact.kind not in known:
            continue
        found = []
        for record_id in fact.re:
            if record_id in place:
                found.append(place[record_id])
            elif record_id in shared:
                found += shared[record_id]
            else:
                unresolved.append(i)
        answered[i] = tuple(found)
        for j in found:
            followers[j].append(i)
    stuck = _with_followers(unresolved, followers) if unresolved else set()
    sequence, knotted = _sequence(declared, answered, followers, stuck, path)
    if len(sequence) < count:
        # Includes what answers itself in a circle, which no hash can do but a careless caller might.
        done = set(sequence)
        waiting = [i for i in range(count) if i not in done]
    else:
        waiting = []
    plain = count == len(held) == len(place) == len(sequence) and not shared and not knotted
    return Order(facts, declared.ids, answered, place, sequence, waiting, declared.inconsistent, plain)


def _declare(held: dict[bytes, Fact]) -> _Declarations:
    facts: list[Fact] = []
    ids: list[bytes] = []
    positions: list[tuple[int, int, bytes]] = []
    place: dict[bytes, int] = {}
    claims: dict[bytes, list[Fact]] = {}
    for record_id, fact in held.items():
        if fact.reissue_of:
            claims.setdefault(fact.reissue_of, []).append(fact)
            continue
        place[record_id] = len(facts)
        facts.append(fact)
        ids.append(record_id)
        positions.append((fact.epoch, fact.seq, record_id))
    declared = _Declarations(facts, ids, positions, place, {}, [])
    for original_id, copies in claims.items():
        _join(declared, held.get(original_id), original_id, copies)
    return declared


def _join(declared: _Declarations, original: Fact | None, original_id: bytes, copies: list[Fact]) -> None:
    """Make one declaration of an original and its re-issues, or one for each author where the original is absent."""
    if original is not None:
        if original.reissue_of:
            declared.inconsistent.extend(copies)
            return
        _unite(declared, declared.place[original_id], original, copies)
        return
    by_author: dict[str, list[Fact]] = {}
    for copy in copies:
        by_author.setdefault(copy.author, []).append(copy)
    claimed = []
    for author in sorted(by_author):
        # Openings first: what acts on an item cannot be what opened it.
        first = min(by_author[author], key=lambda copy: (not copy.semantic_version, *_position(copy)))
        i = len(declared.facts)
        claimed.append(i)
        declared.facts.append(first)
        declared.ids.append(original_id)
        declared.positions.append(_position(first))
        _unite(declared, i, first, by_author[author])
    if len(claimed) == 1:
        declared.place[original_id] = claimed[0]
    else:
        declared.shared[original_id] = claimed


def _unite(declared: _Declarations, i: int, pattern: Fact, copies: list[Fact]) -> None:
    content = _content(pattern)
    same = [pattern]
    for copy in copies:
        if _content(copy) == content:
            declared.place[copy.record_id] = i
            same.append(copy)
        else:
            declared.inconsistent.append(copy)
    same.sort(key=_position)
    # Any copy that still has its words speaks for all; the payload hash says they are the same words.
    declared.facts[i] = next((copy for copy in same if copy.body == "ok"), same[0])
    declared.positions[i] = (same[0].epoch, same[0].seq, declared.ids[i])


def _with_followers(start: list[int], followers: list[list[int]]) -> set[int]:
    stuck = set(start)
    todo = list(stuck)
    while todo:
        for j in followers[todo.pop()]:
            if j not in stuck:
                stuck.add(j)
                todo.append(j)
    return stuck


def _sequence(
    declared: _Declarations,
    answered: list[tuple[int, ...]],
    followers: list[list[int]],
    stuck: set[int],
    path: tuple[str, ...],
) -> tuple[list[int], bool]:
    """Merge the authors' queues: always the topmost author whose next declaration has all that it answers before it.

    Also whether there was a knot.
    """
    positions = declared.positions
    by_author: dict[str, list[int]] = {}
    for i, fact in enumerate(declared.facts):
        if i not in stuck:
            by_author.setdefault(fact.author, []).append(i)
    rank = {author: place for place, author in enumerate(path)}
    # Authors off the line exist only in facts that admission would have refused.
    queues = [by_author[author] for author in sorted(by_author, key=lambda name: (rank.get(name, len(path)), name))]
    for queue in queues:
        # Reversed: the next declaration is the last of its list.
        queue.sort(key=positions.__getitem__, reverse=True)
    count = sum(map(len, queues))
    sequence = _merge([queue.copy() for queue in queues], answered, followers)
    if len(sequence) == count:
        return sequence, False
    queues = [_causal(queue, declared, answered) for queue in queues]
    return _merge_knotted(queues, positions, answered, followers), True


def _merge(queues: list[list[int]], answered: list[tuple[int, ...]], followers: list[list[int]]) -> list[int]:
    """Take from the queues while one has a next declaration that is ready; stops at a knot."""
    missing = [len(found) for found in answered]
    sequence: list[int] = []
    while True:
        for queue in queues:
            if queue and not missing[queue[-1]]:
                i = queue.pop()
                break
        else:
            return sequence
        sequence.append(i)
        for j in followers[i]:
            missing[j] -= 1


def _causal(queue: list[int], declared: _Declarations, answered: list[tuple[int, ...]]) -> list[int]:
    """Put before each declaration of an author those of the same author that it builds on, at whatever number.

    A re-issue has a later number than its lost original had, and what was built on the original may stand before it.
    """
    author = declared.facts[queue[0]].author
    ordered: list[int] = []
    visited: set[int] = set()
    for start in reversed(queue):
        todo = [(start, False)]
        while todo:
            i, answers_done = todo.pop()
            if answers_done:
                ordered.append(i)
            elif i not in visited:
                visited.add(i)
                if declared.facts[i].author == author:
                    todo.append((i, True))
                # The earliest on top of the stack.
                todo += [(j, False) for j in sorted(answered[i], key=declared.positions.__getitem__, reverse=True)]
    ordered.reverse()
    return ordered


def _merge_knotted(
    queues: list[list[int]],
    positions: list[tuple[int, int, bytes]],
    answered: list[tuple[int, ...]],
    followers: list[list[int]],
) -> list[int]:
    """As `_merge`; where no queue can go on, the topmost author's earliest ready declaration goes out of turn."""
    missing = [len(found) for found in answered]
    done = [False] * len(missing)
    rank = {i: place for place, queue in enumerate(queues) for i in queue}
    spare = [(rank[i], positions[i], i) for i in rank if not missing[i]]
    heapify(spare)
    sequence: list[int] = []
    while True:
        for queue in queues:
            while queue and done[queue[-1]]:
                queue.pop()
            if queue and not missing[queue[-1]]:
                i = queue.pop()
                break
        else:
            while spare and done[spare[0][2]]:
                heappop(spare)
            if not spare:
                return sequence
            i = heappop(spare)[2]
        done[i] = True
        sequence.append(i)
        for j in followers[i]:
            missing[j] -= 1
            if not missing[j] and j in rank:
                heappush(spare, (rank[j], positions[j], j))
