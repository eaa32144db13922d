"""Heads in memory: every log's head, the logs each link carries, and digests to compare them by.

Rules: a digest is a hash over *sorted* heads, in 256 buckets by the first byte of the log id; no sums that an author of
many forks could cancel. Only buckets that changed are hashed again, so comparing a link in agreement costs O(1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from node.records.line import Line, LogKey
from node.records.payload import KnownHead

BUCKET_BITS = 8
BUCKETS = 1 << BUCKET_BITS
BUCKET_DIGEST_BYTES = 16
_BUCKET_PREFIX = b"dulian-bucket-1\0"
_ROOT_PREFIX = b"dulian-heads-1\0"


class LogState:
    """A log's head as held here. Mutable: moved by its owner after the append."""

    __slots__ = ("frozen", "head_id", "key", "log_id", "log_no", "seq")

    def __init__(self, log_no: int, log_id: bytes, key: LogKey, seq: int, head_id: bytes, *, frozen: bool) -> None:
        """``seq`` 0 and an empty ``head_id`` mean that nothing is held yet."""
        self.log_no = log_no
        self.log_id = log_id
        self.key = key
        self.seq = seq
        self.head_id = head_id
        self.frozen = frozen

    @property
    def head(self) -> KnownHead:
        """The head as a value."""
        return KnownHead(self.log_id, self.seq, self.head_id)


def bucket_of(log_id: bytes) -> int:
    """Bucket number of a log."""
    return log_id[0]


def digest_heads(heads: Iterable[KnownHead]) -> bytes:
    """32-byte digest of a set of heads: SHA-256 over the sorted (log id ‖ seq ‖ record id)."""
    hasher = hashlib.sha256(_BUCKET_PREFIX)
    for head in sorted(heads):
        hasher.update(head.log_id + head.seq.to_bytes(8, "big") + head.record_id)
    return hasher.digest()


_EMPTY_BUCKET = digest_heads(())


class HeadSet:
    """A set of logs with bucket digests kept lazily: the logs that cross one link, or those of one author."""

    def __init__(self) -> None:
        """Start empty."""
        self._logs: dict[bytes, LogState] = {}
        self._buckets: dict[int, dict[bytes, LogState]] = {}  # of those that are not empty
        self._digests: list[bytes] = [_EMPTY_BUCKET] * BUCKETS
        self._stale: set[int] = set()
        self._root: bytes | None = None

    def __len__(self) -> int:
        """Number of logs."""
        return len(self._logs)

    def __iter__(self) -> Iterator[LogState]:
        """All logs in the order they were added."""
        return iter(self._logs.values())

    def __contains__(self, log_id: bytes) -> bool:
        """Whether the log is in the set."""
        return log_id in self._logs

    def get(self, log_id: bytes) -> LogState | None:
        """The log, or None."""
        return self._logs.get(log_id)

    def add(self, log: LogState) -> None:
        """Put a log in (again)."""
        self._logs[log.log_id] = log
        self._buckets.setdefault(bucket_of(log.log_id), {})[log.log_id] = log
        self.touch(log)

    def touch(self, log: LogState) -> None:
        """The log's head moved."""
        self._stale.add(log.log_id[0])
        self._root = None

    def bucket(self, number: int) -> list[KnownHead]:
        """Heads of a bucket; logs of which nothing is held are left out."""
        return [log.head for log in self._buckets.get(number, {}).values() if log.seq]

    def bucket_digests(self) -> tuple[bytes, ...]:
        """Truncated digests of all buckets, for the wire."""
        self._refresh()
        return tuple(digest[:BUCKET_DIGEST_BYTES] for digest in self._digests)

    def root(self) -> bytes:
        """32-byte digest over all buckets."""
        if self._root is None:
            self._refresh()
            self._root = hashlib.sha256(_ROOT_PREFIX + b"".join(self._digests)).digest()
        return self._root

    def _refresh(self) -> None:
        for number in self._stale:
            self._digests[number] = digest_heads(self.bucket(number))
        self._stale.clear()


class HeadIndex:
    """All logs of this node, and by neighbour those that cross the link to it."""

    def __init__(self, my_path: tuple[str, ...]) -> None:
        """``my_path`` is this office's ancestry, root … self."""
        self._my_path = my_path
        self._logs: dict[bytes, LogState] = {}
        self._by_no: dict[int, LogState] = {}
        self._links: dict[str, HeadSet] = {}
        # By the child below which the line goes on, and those that go to all children: a neighbour's logs are found
        # without a look at every log, of which an office with many children has many.
        self._below: dict[str, list[LogState]] = {}
        self._wide: list[LogState] = []
        self._authors: dict[str, HeadSet] = {}
        self._last_no = 0

    def __len__(self) -> int:
        """Number of logs."""
        return len(self._logs)

    def __iter__(self) -> Iterator[LogState]:
        """All logs in the order they were added."""
        return iter(self._logs.values())

    def get(self, log_id: bytes) -> LogState | None:
        """A log by id, or None."""
        return self._logs.get(log_id)

    def by_no(self, log_no: int) -> LogState:
        """A log by its local number."""
        return self._by_no[log_no]

    def add(self, log: LogState) -> None:
        """A new log."""
        self._logs[log.log_id] = log
        self._by_no[log.log_no] = log
        self._last_no = max(self._last_no, log.log_no)
        child = self._child_below(log.key.line)
        if child is None:
            self._wide.append(log)
        elif child:
            self._below.setdefault(child, []).append(log)
        for peer in self._links if child is None else (self._parent, child):
            if peer in self._links and self.crosses(log.key, peer):
                self._links[peer].add(log)
        self.author(log.key.author).add(log)

    def next_no(self) -> int:
        """The local number for a new log."""
        return self._last_no + 1

    def skip(self, log_no: int) -> None:
        """A local number that no new log may get."""
        self._last_no = max(self._last_no, log_no)

    def moved(self, log: LogState) -> None:
        """A log's head was moved by its owner: digests that name it are stale."""
        child = self._child_below(log.key.line)
        for peer in self._links if child is None else (self._parent, child):
            heads = self._links.get(peer)
            if heads is not None and log.log_id in heads:
                heads.touch(log)
        self.author(log.key.author).touch(log)

    def link(self, peer: str) -> HeadSet:
        """The logs that cross the link to a neighbour."""
        heads = self._links.get(peer)
        if heads is None:
            heads = HeadSet()
            found = self._logs.values() if peer == self._parent else [*self._wide, *self._below.get(peer, ())]
            for log in sorted(found, key=lambda log: log.log_no):
                if self.crosses(log.key, peer):
                    heads.add(log)
            self._links[peer] = heads
        return heads

    def author(self, code: str) -> HeadSet:
        """The logs of one author."""
        heads = self._authors.get(code)
        if heads is None:
            heads = self._authors[code] = HeadSet()
        return heads

    def crosses(self, key: LogKey, peer: str) -> bool:
        """Whether a log travels the link between this office and a neighbour: both ends are in its line."""
        return self.crosses_line(key.line, peer)

    def crosses_line(self, line: Line, peer: str) -> bool:
        """The same for anything on a line."""
        path = self._my_path
        if peer and peer == self._parent:
            return line.crosses(path[:-1], path[-1])
        return line.crosses(path, peer)

    @property
    def _parent(self) -> str:
        return self._my_path[-2] if len(self._my_path) > 1 else ""

    def _child_below(self, line: Line) -> str | None:
        """The only child a line can go on to, empty where to none; None: to all of them, if it comes here at all."""
        path, me = line.path, self._my_path[-1]
        below = path[path.index(me) + 1 :] if me in path else ()
        if below:
            return below[0]
        return None if line.subtree else ""
