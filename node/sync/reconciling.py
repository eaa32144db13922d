"""Reconciling one link: events in, effects out; the same machine at both ends (architecture.md section 7).

Rules of this file:

1. The child leads, whoever asked: ASK (parent) → START → HEADS → (both scrub and mend) → ITEMS → SIDE → RESULT → the
   parent's statement record → the child's, which names it. Agreement costs these few frames, whatever the history.
2. A cut is a digest of heads that both hold at one moment; a link on which records are under way is asked again.
3. Where items differ although all heads are equal, buckets and then entries find which: that is a fault of software.
4. Nothing here repairs, reads or signs: the driver does, and says so (`scrubbed`, `items`, `stated`).
5. Whatever the neighbour says, a run ends: every phase has its deadline, and an unexpected frame ends the run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import NamedTuple

from node.errors import PeerError
from node.records.statement import Result, Side, decode_result, decode_side, encode_result, encode_side
from node.sync.frames import Reconcile
from node.sync.heads import BUCKET_DIGEST_BYTES, BUCKETS, HeadSet, digest_heads

_HEADS_TRIES_MAX = 20
_RECOMPARE_AT = 4
_RETRY_MS = 1_500
_AHEAD_MS_MAX = 86_400_000
_DIFFERENT_MAX = 10_000


class Step(IntEnum):
    """What a frame of a run says."""

    ASK = 1
    START = 2
    HEADS = 3
    ITEMS = 4
    BUCKETS = 5
    ENTRIES = 6
    SIDE = 7
    RESULT = 8
    END = 9


class Phase(Enum):
    """Where a run stands; the value is what people are told."""

    ASKED = "等待对方开始"
    HEADS = "比对日志"
    SCRUB = "核对本机数据"
    ITEMS = "比对事项"
    RESULT = "核对结果"
    STATEMENT = "等待对账单"
    DONE = "完成"
    FAILED = "未完成"


_DEADLINE_MS = {
    Phase.ASKED: 30_000, Phase.HEADS: 90_000, Phase.SCRUB: 3_600_000, Phase.ITEMS: 3_600_000, Phase.RESULT: 60_000,
    Phase.STATEMENT: 120_000,
}  # fmt: skip


class Tell(NamedTuple):
    """Send a frame."""

    frame: Reconcile


class Recompare(NamedTuple):
    """Compare all heads of the link again, and fetch what differs."""


class Scrub(NamedTuple):
    """Scrub the store and mend it from this neighbour; answer with `scrubbed`."""


class TakeItems(NamedTuple):
    """Read the digests of all items of this link; answer with `items`."""


class State(NamedTuple):
    """Write this side's statement about these result bytes; answer with `stated` at the parent."""

    result: bytes


class Finished(NamedTuple):
    """The run is over: ``result`` empty and ``reason`` said where it was not completed."""

    result: bytes
    reason: str


Effect = Tell | Recompare | Scrub | TakeItems | State | Finished


class Cut(NamedTuple):
    """Heads of a link at one moment."""

    root: bytes
    logs: int
    records: int
    forked: int


class Items(NamedTuple):
    """Digests of the items of a link, and the heads at that moment."""

    heads: bytes
    digests: Mapping[bytes, bytes]


def cut_of(heads: HeadSet) -> Cut:
    """The heads that count now; forked logs are left out, both sides keep their own branch."""
    logs = [log for log in heads if log.seq]
    sound = [log for log in logs if not log.frozen]
    root = heads.root() if len(sound) == len(logs) else digest_heads(log.head for log in sound)
    return Cut(root, len(sound), sum(log.seq for log in sound), len(logs) - len(sound))


def bucket_digests(digests: Mapping[bytes, bytes]) -> tuple[bytes, ...]:
    """Items in 256 buckets by the first byte of their ids: a truncated hash over the sorted (id ‖ digest) of each."""
    hashers = [hashlib.sha256(b"dulian-items-1\0") for _ in range(BUCKETS)]
    for item in sorted(digests):
        hashers[item[0]].update(item + digests[item])
    return tuple(hasher.digest()[:BUCKET_DIGEST_BYTES] for hasher in hashers)


def items_root(digests: Mapping[bytes, bytes]) -> bytes:
    """One digest over all buckets."""
    return hashlib.sha256(b"dulian-items-root-1\0" + b"".join(bucket_digests(digests))).digest()


class ReconcileMachine:
    """One run at one side."""

    def __init__(self, *, leads: bool, upper: str, lower: str, heads: HeadSet, now_ms: int) -> None:
        """``leads``: this side is the child."""
        self.phase = Phase.ASKED
        self.run = b""
        self.cut = Cut(b"", 0, 0, 0)
        self.side: Side | None = None  # own counts, once scrubbed
        self.different: set[bytes] = set()
        self.result = b""
        self._leads = leads
        self._names = upper, lower
        self._heads = heads
        self._since_ms = now_ms
        self._retry_ms = 0
        self._tries = 0
        self._items: Items | None = None
        self._asked: Reconcile | None = None  # the leader's ITEMS, until this side is ready to answer
        self._other: Side | None = None
        self._as_of_ms = 0

    @property
    def over(self) -> bool:
        """Whether nothing more happens."""
        return self.phase in (Phase.DONE, Phase.FAILED)

    # -- events ---------------------------------------------------------------------------------------------------

    def ask(self) -> list[Effect]:
        """The parent wants a run; the child leads it."""
        return [Tell(Reconcile(Step.ASK, b""))]

    def start(self, run: bytes, now_ms: int) -> list[Effect]:
        """The child begins."""
        self.run = run
        self._enter(Phase.HEADS, now_ms)
        return self._offer(now_ms)

    def receive(self, frame: Reconcile, now_ms: int) -> list[Effect]:
        """A frame of this run came."""
        if self.over:
            return []
        step = frame.step
        if step == Step.END:
            return self._fail(frame.reason[:60] or "对方中止", now_ms)
        if step == Step.START and not self._leads:
            return self._on_start(frame, now_ms)
        if frame.run != self.run:
            return []
        if step == Step.HEADS and self._leads and self.phase is Phase.HEADS:
            return self._on_heads(frame, now_ms)
        if step == Step.ITEMS and not self._leads and self.phase in (Phase.SCRUB, Phase.ITEMS):
            self._asked = frame
            return self._ready(now_ms)
        if step == Step.BUCKETS and self._leads and self.phase is Phase.ITEMS:
            return self._on_buckets(frame, now_ms)
        if step == Step.ENTRIES and not self._leads and self.phase is Phase.ITEMS:
            return self._on_entries(frame, now_ms)
        if step == Step.SIDE and self._leads and self.phase is Phase.ITEMS:
            return self._on_side(frame, now_ms)
        if step == Step.RESULT and not self._leads and self.phase is Phase.RESULT:
            return self._on_result(frame, now_ms)
        return self._give_up("不符合对账规程", now_ms)

    def scrubbed(self, side: Side, now_ms: int) -> list[Effect]:
        """This side is scrubbed, and mended as far as it could be."""
        if self.phase is not Phase.SCRUB:
            return []
        self.side = side
        if not self._leads:
            return self._ready(now_ms)
        self._enter(Phase.ITEMS, now_ms)
        return [TakeItems()]

    def items(self, found: Items, now_ms: int) -> list[Effect]:
        """The digests asked for."""
        if self.phase is not Phase.ITEMS:
            return []
        self._items = found
        if self._leads:
            root = items_root(found.digests)
            return [Tell(Reconcile(Step.ITEMS, self.run, found.heads, root, len(found.digests)))]
        return self._compare_items(now_ms)

    def stated(self, result: bytes, now_ms: int) -> list[Effect]:
        """The parent's statement is here: at the parent it was just written, at the child it came with the records."""
        if self.phase is not Phase.STATEMENT:
            return []
        if self._leads and result != self.result:
            return self._give_up("双方对账单不一致", now_ms)
        self._enter(Phase.DONE, now_ms)
        return [*([State(self.result)] if self._leads else []), Finished(self.result, "")]

    def abandon(self, reason: str, now_ms: int) -> list[Effect]:
        """This side cannot go on."""
        return [] if self.over else self._give_up(reason, now_ms)

    def tick(self, now_ms: int) -> list[Effect]:
        """Some time passed."""
        self._since_ms = min(self._since_ms, now_ms)  # a clock that was set back ends no run hours later
        if self.over:
            return []
        if self._retry_ms and now_ms >= self._retry_ms:
            self._retry_ms = 0
            if self.phase is Phase.HEADS:
                return self._offer(now_ms)
            if self.phase is Phase.ITEMS:
                return [TakeItems()]
        if now_ms - self._since_ms > _DEADLINE_MS[self.phase]:
            return self._give_up(f"{self.phase.value}超时", now_ms)
        return []

    def lost(self, now_ms: int) -> list[Effect]:
        """The link is gone."""
        return [] if self.over else self._fail("联通中断", now_ms)

    # -- heads ----------------------------------------------------------------------------------------------------

    def _offer(self, now_ms: int) -> list[Effect]:
        self._tries += 1
        if self._tries > _HEADS_TRIES_MAX:
            return self._give_up("双方记录尚未一致", now_ms)
        self.cut = cut_of(self._heads)
        again: list[Effect] = [Recompare()] if self._tries == _RECOMPARE_AT else []
        return [*again, Tell(Reconcile(Step.START, self.run, self.cut.root, number=self.cut.logs))]

    def _on_start(self, frame: Reconcile, now_ms: int) -> list[Effect]:
        if frame.run != self.run or self.phase not in (Phase.ASKED, Phase.HEADS):
            self.run, self.side, self._items, self._asked, self._tries = frame.run, None, None, None, 0
            self.different.clear()
        self.cut = cut_of(self._heads)
        answer = Tell(Reconcile(Step.HEADS, self.run, self.cut.root, number=self.cut.logs))
        if self.cut.root != frame.heads:
            self._enter(Phase.HEADS, now_ms)
            return [answer]
        self._enter(Phase.SCRUB, now_ms)
        return [answer, Scrub()]

    def _on_heads(self, frame: Reconcile, now_ms: int) -> list[Effect]:
        if frame.heads != self.cut.root:
            self._retry_ms = now_ms + _RETRY_MS
            return []
        self._as_of_ms = now_ms
        self._tries = 0
        self._enter(Phase.SCRUB, now_ms)
        return [Scrub()]

    # -- items ----------------------------------------------------------------------------------------------------

    def _ready(self, now_ms: int) -> list[Effect]:
        """The other side (of the parent): answers once asked and scrubbed."""
        if self._asked is None or self.side is None:
            return []
        self._enter(Phase.ITEMS, now_ms)
        return [TakeItems()]

    def _compare_items(self, now_ms: int) -> list[Effect]:
        asked, mine = self._asked, self._items
        if asked is None or mine is None:
            return []
        if asked.items == items_root(mine.digests):
            return self._say_side(now_ms)
        if not mine.heads or asked.heads != mine.heads:
            # Records are under way: the leader takes its digests again.
            return [Tell(Reconcile(Step.BUCKETS, self.run, mine.heads))]
        return [Tell(Reconcile(Step.BUCKETS, self.run, mine.heads, digests=bucket_digests(mine.digests)))]

    def _on_buckets(self, frame: Reconcile, now_ms: int) -> list[Effect]:
        mine = self._items
        if mine is None:
            return []
        if not mine.heads or frame.heads != mine.heads or len(frame.digests) != BUCKETS:
            self._tries += 1
            if self._tries > _HEADS_TRIES_MAX:
                return self._give_up("双方记录尚未一致", now_ms)
            self._retry_ms = now_ms + _RETRY_MS
            return []
        ours = bucket_digests(mine.digests)
        wrong = {number for number in range(BUCKETS) if ours[number] != frame.digests[number]}
        entries = sorted((item, digest) for item, digest in mine.digests.items() if item[0] in wrong)
        return [Tell(Reconcile(
            Step.ENTRIES, self.run, mine.heads, complete=tuple(sorted(wrong)), entries=tuple(entries[:_DIFFERENT_MAX]),
        ))]  # fmt: skip

    def _on_entries(self, frame: Reconcile, now_ms: int) -> list[Effect]:
        mine = self._items
        if mine is None:
            return []
        complete, theirs = set(frame.complete), dict(frame.entries)
        ours = {item: digest for item, digest in mine.digests.items() if item[0] in complete}
        self.different = {item for item in ours.keys() | theirs.keys() if ours.get(item) != theirs.get(item)}
        return self._say_side(now_ms)

    def _say_side(self, now_ms: int) -> list[Effect]:
        side, mine = self.side, self._items
        if side is None or mine is None:
            return []
        self._enter(Phase.RESULT, now_ms)
        frame = Reconcile(
            Step.SIDE, self.run, self.cut.root, items_root(mine.digests), len(self.different), body=encode_side(side),
            entries=tuple((item, mine.digests.get(item, bytes(32))) for item in sorted(self.different)[:100]),
        )  # fmt: skip
        return [Tell(frame)]

    # -- result ---------------------------------------------------------------------------------------------------

    def _on_side(self, frame: Reconcile, now_ms: int) -> list[Effect]:
        side, mine = self.side, self._items
        if side is None or mine is None or frame.heads != self.cut.root:
            return self._give_up("不符合对账规程", now_ms)
        try:
            upper_side = decode_side(frame.body)
        except PeerError:
            return self._give_up("不符合对账规程", now_ms)
        self.different = {item for item, _ in frame.entries}
        upper, lower = self._names
        self.result = encode_result(Result(
            self.run, upper, lower, self._as_of_ms, self.cut.root, self.cut.logs, self.cut.records,
            items_root(mine.digests), len(mine.digests), frame.number, self.cut.forked, upper_side, side,
        ))  # fmt: skip
        self._enter(Phase.STATEMENT, now_ms)
        return [Tell(Reconcile(Step.RESULT, self.run, body=self.result))]

    def _on_result(self, frame: Reconcile, now_ms: int) -> list[Effect]:
        try:
            result = decode_result(frame.body)
        except PeerError:
            return self._give_up("不符合对账规程", now_ms)
        mine, cut = self._items, self.cut
        said = (
            result.run == self.run and (result.upper, result.lower) == self._names and result.upper_side == self.side
            and (result.heads, result.logs, result.records) == (cut.root, cut.logs, cut.records)
            and result.differing == len(self.different) and abs(result.as_of_ms - now_ms) <= _AHEAD_MS_MAX
            and mine is not None and (bool(self.different) or result.items_digest == items_root(mine.digests))
        )  # fmt: skip
        if not said:
            return self._give_up("双方结果不一致", now_ms)
        self.result = frame.body
        self._enter(Phase.STATEMENT, now_ms)
        return [State(self.result)]

    # -- endings --------------------------------------------------------------------------------------------------

    def _give_up(self, reason: str, now_ms: int) -> list[Effect]:
        return [Tell(Reconcile(Step.END, self.run, reason=reason)), *self._fail(reason, now_ms)]

    def _fail(self, reason: str, now_ms: int) -> list[Effect]:
        self._enter(Phase.FAILED, now_ms)
        return [Finished(b"", reason)]

    def _enter(self, phase: Phase, now_ms: int) -> None:
        self.phase, self._since_ms, self._retry_ms = phase, now_ms, 0
