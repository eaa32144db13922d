"""Attachments over links: fetched in resumable chunks from the author's side, served only along the record's line.

Rules: an attachment is asked from the neighbour its record came from; chunks are asked one after another, a few at a
time; the file becomes visible only when it is whole and its hash is right; a neighbour gets a piece only if a record
naming the file crosses the link to it (no existence oracle: otherwise it hears the same "missing"). Opening what is
held of a file (all of it is hashed) and finishing it (synced, renamed) are done aside: the core does not wait for them,
and what follows comes back as an event. Only then is the file said to be here, so a crash in between loses nothing.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, replace

from node.errors import PeerError, StoreError
from node.services.care.alarms import Alarms
from node.services.exchange.logs import Logs
from node.services.identity import Identity
from node.storage.blobs import Blobs, Incoming
from node.storage.port import BlobRef, BlobRow, Store
from node.sync import frames
from node.sync.heads import LogState
from node.sync.limits import LinkLimits


@dataclass(slots=True)
class _Fetch:
    """A file under way, and the next offset to ask for; ``incoming`` is None while others work on it aside."""

    row: BlobRow
    incoming: Incoming | None = None
    asked: int = 0


class Attachments:
    """Fetches and serves attachments."""

    def __init__(self, identity: Identity, store: Store, logs: Logs, blobs: Blobs, alarms: Alarms, limits: LinkLimits) -> None:  # noqa: E501
        """Nothing is under way."""
        self._identity = identity
        self._store = store
        self._logs = logs
        self._blobs = blobs
        self._alarms = alarms
        self._limits = limits
        self._queue: dict[str, deque[BlobRow]] = {}
        self._fetches: dict[str, _Fetch] = {}
        self._wrong: set[bytes] = set()  # whose content was wrong: not asked for again before the next connection
        self.outbox: list[tuple[str, frames.Frame]] = []  # requests to send at the end of the step

    def noticed(self, refs: list[BlobRef]) -> None:
        """Records naming attachments were projected: fetch what is not here."""
        for ref in refs:
            row = self._store.get(BlobRow, ref.hash)
            if row is None or row.present:
                continue
            if self._blobs.present(ref.hash):
                self._store.put([replace(row, present=True)])
                continue
            peer = self._side_of(self._logs.index.by_no(ref.log_no))
            if peer in self._queue:
                self._queue[peer].append(row)
                self._next(peer)

    def settle(self) -> None:
        """What rows say against what is here (a crash between the two; a database restored without its files)."""
        rows = self._store.rows(BlobRow)
        self._store.put(
            [replace(row, present=not row.present) for row in rows if self._blobs.present(row.hash) is not row.present]
        )

    def connected(self, peer: str) -> None:
        """A link is in sync: ask it for everything missing that came from its side."""
        self._wrong.clear()
        self._fill(peer)

    def missing(self, peer: str) -> int:
        """Attachments not here that records of the link to this neighbour name."""
        count = 0
        for row in self._store.rows(BlobRow, present=False):
            refs = self._store.rows(BlobRef, hash=row.hash)
            count += any(self._logs.index.crosses(self._logs.index.by_no(ref.log_no).key, peer) for ref in refs)
        return count

    def _fill(self, peer: str) -> None:
        queue = self._queue[peer] = deque()
        for row in self._store.rows(BlobRow, present=False):
            refs = self._store.rows(BlobRef, hash=row.hash)
            here = any(self._may_have(self._logs.index.by_no(ref.log_no), peer) for ref in refs)
            if here and row.hash not in self._wrong:
                queue.append(row)
        self._next(peer)

    def disconnected(self, peer: str) -> None:
        """The link is gone; what was written stays for the next time."""
        self._queue.pop(peer, None)
        self._stop(peer)

    def serve(self, peer: str, request: frames.BlobRequest) -> frames.BlobChunk:
        """A piece for a neighbour that holds a record naming the file, else "missing"."""
        missing = frames.BlobChunk(request.hash, request.offset, b"", missing=True)
        refs = self._store.rows(BlobRef, hash=request.hash)
        allowed = any(self._logs.index.crosses(self._logs.index.by_no(ref.log_no).key, peer) for ref in refs)
        if not allowed or not self._blobs.present(request.hash):
            return missing
        data = self._blobs.read(request.hash, request.offset, min(request.bytes_max, self._limits.blob_chunk_bytes))
        return frames.BlobChunk(request.hash, request.offset, data, missing=False)

    def store(self, peer: str, chunk: frames.BlobChunk) -> None:
        """A piece came in."""
        fetch = self._fetches.get(peer)
        if fetch is None or fetch.incoming is None or fetch.row.hash != chunk.hash:
            return
        if chunk.missing or not chunk.data or chunk.offset != fetch.incoming.offset:
            # Not there yet at the neighbour (it fetches itself), or out of step: try again at the next contact.
            self._stop(peer)
            self._next(peer)
            return
        try:
            fetch.incoming.write(chunk.offset, chunk.data)
        except (PeerError, StoreError) as error:
            self._alarms.raise_("attachment", fetch.row.hash.hex()[:16], f"附件无法接收：{error.text}")
            self._stop(peer)
            return
        if fetch.incoming.offset < fetch.row.size_bytes:
            self._ask(peer, fetch, fetch.incoming)
        else:
            self._complete(peer, fetch, fetch.incoming)

    def retry(self) -> None:
        """From time to time: what a neighbour did not have yet may be there now."""
        for peer in list(self._queue):
            if peer in self._fetches:
                continue
            if self._queue[peer]:
                self._next(peer)
            else:
                self._fill(peer)

    def _complete(self, peer: str, fetch: _Fetch, incoming: Incoming) -> None:
        """All bytes are here: check the whole, make it visible."""
        fetch.incoming = None
        self._blobs.aside(incoming.finish, lambda future: self._completed(peer, fetch, future))

    def _completed(self, peer: str, fetch: _Fetch, future: Future[None]) -> None:
        """The file is in its place, or was wrong. The link may be gone or another by now: that changes nothing."""
        if self._fetches.get(peer) is fetch:
            del self._fetches[peer]
        subject = fetch.row.hash.hex()[:16]
        try:
            future.result()
        except PeerError:
            self._wrong.add(fetch.row.hash)
            self._alarms.keep_evidence(peer, "payload_mismatch", "attachment content is wrong", fetch.row.hash)
            self._alarms.raise_("attachment", subject, f"{peer} 传来的附件内容不符，已弃置，将重新取")
        except StoreError as error:
            self._alarms.raise_("attachment", subject, f"附件无法接收：{error.text}")
        else:
            self._store.put([replace(fetch.row, present=True)])
            self._alarms.clear("attachment", subject)
        self._next(peer)

    def _may_have(self, log: LogState, peer: str) -> bool:
        """Whether to ask a neighbour: the author's side has it; an own one that was lost here, all who got it."""
        side = self._side_of(log)
        return side == peer or (not side and self._logs.index.crosses(log.key, peer))

    def _side_of(self, log: LogState) -> str:
        """The neighbour on the author's side of a log; empty for own logs."""
        path, author = self._identity.path, log.key.author
        if author == self._identity.code:
            return ""
        if author in path:
            return self._identity.parent
        line = log.key.line.path
        return line[line.index(self._identity.code) + 1] if self._identity.code in line else ""

    def _next(self, peer: str) -> None:
        queue = self._queue.get(peer)
        while queue and peer not in self._fetches:
            row = queue.popleft()
            if self._blobs.present(row.hash):
                self._store.put([replace(row, present=True)])
                continue
            if any(fetch.row.hash == row.hash for fetch in self._fetches.values()):
                continue  # another neighbour has it too: two transfers would share one part; `retry` looks again
            fetch = self._fetches[peer] = _Fetch(row)
            self._open(peer, fetch)

    def _open(self, peer: str, fetch: _Fetch) -> None:
        """Go on with what is held of the file; None where it has become whole meanwhile."""
        row = fetch.row

        def begin() -> Incoming | None:
            return None if self._blobs.present(row.hash) else self._blobs.begin(row.hash, row.salt, row.size_bytes)

        self._blobs.aside(begin, lambda future: self._opened(peer, fetch, future))

    def _opened(self, peer: str, fetch: _Fetch, future: Future[Incoming | None]) -> None:
        try:
            incoming = future.result()
        except StoreError as error:
            self._alarms.raise_("attachment", fetch.row.hash.hex()[:16], f"附件无法接收：{error.text}")
            if self._fetches.get(peer) is fetch:
                del self._fetches[peer]
            return
        if incoming is None:
            self._store.put([replace(fetch.row, present=True)])
        if self._fetches.get(peer) is not fetch:  # the link is gone
            if incoming is not None:
                incoming.close()
        elif incoming is None:
            del self._fetches[peer]
            self._next(peer)
        elif incoming.offset >= fetch.row.size_bytes:
            self._complete(peer, fetch, incoming)
        else:
            fetch.incoming, fetch.asked = incoming, incoming.offset
            self._ask(peer, fetch, incoming)

    def _ask(self, peer: str, fetch: _Fetch, incoming: Incoming) -> None:
        """Keep a few chunk requests under way."""
        chunk = self._limits.blob_chunk_bytes
        ahead = incoming.offset + self._limits.blob_requests_max * chunk
        while fetch.asked < min(ahead, fetch.row.size_bytes):
            self.outbox.append((peer, frames.BlobRequest(fetch.row.hash, fetch.asked, chunk)))
            fetch.asked += chunk

    def _stop(self, peer: str) -> None:
        fetch = self._fetches.pop(peer, None)
        if fetch is not None and fetch.incoming is not None:
            fetch.incoming.close()
