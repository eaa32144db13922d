"""Comparing heads over a link: which logs differ, found by bucket digests and then by the heads of those buckets.

Rules of this file:

1. The dialler sends the digests of all its buckets; the other side answers with all heads of the buckets that differ
   and an empty list as the end; the dialler answers each list with its own heads of the same buckets.
2. A bucket is listed once; whoever lists one twice, or one that was not asked for, breaks the protocol: so a
   comparison ends, whatever the neighbour says.
3. What is found is a value; the link machine acts on it. None means that the neighbour broke the protocol.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from node.records.payload import KnownHead
from node.sync import frames
from node.sync.heads import BUCKET_BITS, BUCKETS, HeadSet, LogState, bucket_of


class Found(NamedTuple):
    """What a frame of the comparison tells, and what is to be answered."""

    answers: list[frames.Heads]
    offers: list[tuple[LogState, int]]  # the neighbour holds less: (log, what it holds)
    behind: list[KnownHead]  # the neighbour shows that it holds more
    held: list[LogState]  # the neighbour holds at least what is here
    disputed: list[LogState]  # equal numbers, different records
    done: bool


class Comparing:
    """One comparison, from the digests to the last list of heads."""

    def __init__(self, *, dials: bool, heads: HeadSet, heads_per_frame: int) -> None:
        """``heads``: the logs both ends hold, as they are at each moment."""
        self._dials = dials
        self._heads = heads
        self._per_frame = heads_per_frame
        # The dialler: buckets it was shown. The other side: buckets it still waits for.
        self._listed: set[int] = set()
        self._open: set[int] = set()

    def anew(self) -> Comparing:
        """The same comparison from its beginning."""
        return Comparing(dials=self._dials, heads=self._heads, heads_per_frame=self._per_frame)

    def digests(self) -> frames.Buckets:
        """What the dialler begins with."""
        return frames.Buckets(BUCKET_BITS, self._heads.bucket_digests())

    def on_buckets(self, frame: frames.Buckets) -> Found | None:
        """The dialler's digests came: list what differs."""
        if self._dials or self._open or frame.bits != BUCKET_BITS or len(frame.digests) != BUCKETS:
            return None
        mine = self._heads.bucket_digests()
        self._open = {number for number in range(BUCKETS) if mine[number] != frame.digests[number]}
        answers = [*self._lists(sorted(self._open)), frames.Heads(BUCKET_BITS, (), ())]
        return Found(answers, [], [], [], [], done=not self._open)

    def on_heads(self, frame: frames.Heads) -> Found | None:
        """Heads of some buckets came."""
        complete = set(frame.complete)
        if frame.bits != BUCKET_BITS or len(complete) != len(frame.complete) or not complete <= set(range(BUCKETS)):
            return None
        if self._dials:
            if complete & self._listed:
                return None
            self._listed |= complete
            # Its own heads of the same buckets, as they are now; an empty list is the other side's end mark.
            answers, done = self._lists(sorted(complete)), not complete
        else:
            if not complete <= self._open:
                return None
            self._open -= complete
            answers, done = [], not self._open
        found = Found(answers, [], [], [], [], done)
        theirs: set[bytes] = set()
        for head in frame.heads:
            if bucket_of(head.log_id) not in complete or head.log_id in theirs:
                return None
            theirs.add(head.log_id)
            self._compare(head, found)
        for number in complete:
            for head in self._heads.bucket(number):
                log = self._heads.get(head.log_id)
                if log is not None and head.log_id not in theirs:
                    found.offers.append((log, 0))
        return found

    def _compare(self, head: KnownHead, found: Found) -> None:
        log = self._heads.get(head.log_id)
        if log is None or head.seq > log.seq:
            found.behind.append(head)
        elif head.seq < log.seq:
            found.offers.append((log, head.seq))
        elif head.record_id != log.head_id:
            found.disputed.append(log)
        if log is not None and head.seq >= log.seq:
            found.held.append(log)

    def _lists(self, buckets: Iterable[int]) -> list[frames.Heads]:
        """All heads of these buckets, in frames of about the size allowed."""
        found: list[frames.Heads] = []
        chosen: list[int] = []
        heads: list[KnownHead] = []
        for number in buckets:
            chosen.append(number)
            heads += self._heads.bucket(number)
            if len(heads) >= self._per_frame:
                found.append(frames.Heads(BUCKET_BITS, tuple(chosen), tuple(heads)))
                chosen, heads = [], []
        if chosen:
            found.append(frames.Heads(BUCKET_BITS, tuple(chosen), tuple(heads)))
        return found
