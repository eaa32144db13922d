"""Scrubbing while the node works: in portions aside, one pass for all who ask; and reading what links are compared by.

Rules: reading is done aside on committed data, acting on it in the core; while a pass is fresh it serves whoever asks
next (a parent of two hundred children looks at its store once a night, not two hundred times).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from node.records.line import Line
from node.services.exchange.intake import Parts
from node.services.mending import lost_logs
from node.services.mending.repair import Repairs
from node.services.mending.scrub import Scrub
from node.storage.blobs import Blobs
from node.storage.port import BlobRow, BoardQuery, Reader
from node.sync.heads import HeadSet, LogState
from node.sync.reconciling import Items, cut_of

FRESH_MS = 1_800_000  # so long one scrub serves every link of a night
_PORTION = 20_000  # records looked at in one go aside
_PAGE = 20_000
_COLUMNS = ("item_id", "path", "subtree", "state", "digest")  # whole rows would cost five times as much, for each link


class Scrubbing:
    """The pass under way, and who waits for it."""

    def __init__(self, parts: Parts, repairs: Repairs, blobs: Blobs, over: Callable[[set[str]], None]) -> None:
        """``over`` is called in the core with the neighbours that waited, once all that was found has been taken."""
        self._p = parts
        self._repairs = repairs
        self._blobs = blobs
        self._over = over
        self._scrub: Scrub | None = None
        self._done_ms = -FRESH_MS
        self._again = False  # the next pass is the second one, and whoever waits goes on waiting
        self.wanted: set[str] = set()
        self.fresh_ms = FRESH_MS

    @property
    def busy(self) -> bool:
        """Whether a pass is under way."""
        return self._scrub is not None

    def forget(self) -> None:
        """The next one who asks gets a new pass."""
        self._done_ms = -FRESH_MS

    def want(self, peer: str) -> None:
        """A neighbour's run (or "": nobody's) needs a scrubbed store."""
        self.wanted.add(peer)
        if self._scrub is not None:
            return
        if 0 <= self._p.world.clock.now_ms() - self._done_ms < self.fresh_ms and not self._repairs.suspected:
            self._tell()
            return

        def whole(row: BlobRow) -> bool:
            return self._blobs.check(row.hash, row.salt)

        held = frozenset(log.log_no for log in self._p.logs.index)
        self._scrub = Scrub(self._p.store.reader(), self._p.keyring, whole, held)
        self._portion(self._scrub)

    def _portion(self, scrub: Scrub) -> None:
        self._blobs.aside(lambda: scrub.portion(_PORTION), lambda future: self._portion_done(scrub, future))

    def _portion_done(self, scrub: Scrub, future: Future[bool]) -> None:
        if self._scrub is not scrub:
            return
        try:
            done = future.result()
        except BaseException:
            self._scrub = None  # whoever waits is told by its own deadline; the next one who asks tries again
            raise
        if not done:
            self._portion(scrub)
            return
        self._scrub = None
        self._done_ms = self._p.world.clock.now_ms()
        found = scrub.found()
        put_back = self._p.logs.put_back(found.lost) if found.lost else []
        for log in put_back:
            lost_logs.tell(self._p.alarms, log.key, log.log_id)
        self._repairs.take(found)
        for blob in found.blobs:
            self._blobs.remove(blob.hash)
            self._p.store.put([replace(blob, present=False)])
        if put_back and not self._again:
            # The records of these logs were not looked at: once more, as soon as their rows are committed.
            self._again = self._repairs.suspected = True
            return
        self._again = False
        self._tell()

    def _tell(self) -> None:
        waiting, self.wanted = self.wanted, set()
        self._over(waiting)


def read_items(reader: Reader, crosses: Callable[[Line], bool]) -> Items:
    """Digests of all items whose line a link carries, and the heads that they follow from (another root: in motion)."""
    before = _root(reader, crosses)
    digests: dict[bytes, bytes] = {}
    carried: dict[tuple[str, bool], bool] = {}  # items are many, lines are few
    offset = 0
    while page := reader.board_columns(BoardQuery(limit=_PAGE, offset=offset), _COLUMNS):
        offset += len(page)
        for item, path, subtree, state, digest in page:
            line = path, bool(subtree)
            if line not in carried:
                carried[line] = crosses(Line(tuple(path.split("/")), line[1]))
            if state and carried[line]:
                digests[item] = digest
    after = _root(reader, crosses)
    return Items(before if before == after else b"", digests)


def _root(reader: Reader, crosses: Callable[[Line], bool]) -> bytes:
    heads, behind = HeadSet(), False
    for row in reader.logs():
        if crosses(row.key.line):
            heads.add(LogState(row.log_no, row.log_id, row.key, row.head_seq, row.head_id, frozen=row.frozen))
            behind |= row.folded_seq < row.head_seq
    return b"" if behind else cut_of(heads).root
