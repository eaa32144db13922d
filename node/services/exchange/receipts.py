"""Receipts 收讫: given for what is durable here, kept as evidence for what is durable at a neighbour."""

from __future__ import annotations

from collections.abc import Sequence

from node.errors import PeerError
from node.records import notes
from node.records.keyring import Keyring
from node.records.payload import KnownHead
from node.services.exchange.logs import Logs
from node.services.identity import Identity, World
from node.storage.port import Ack, ReceiptRow, Store
from node.sync.heads import LogState


class Receipts:
    """Gives receipts and keeps those of neighbours."""

    def __init__(self, identity: Identity, world: World, store: Store, logs: Logs, keyring: Keyring) -> None:
        """Read which receipts are still named by an acknowledged head."""
        self._identity = identity
        self._world = world
        self._store = store
        self._logs = logs
        self._keyring = keyring
        self._acked: dict[tuple[str, int], tuple[int, int]] = {}
        self._named: dict[int, int] = {}
        self._next_no = 1
        for ack in store.rows(Ack):
            self._acked[ack.peer, ack.log_no] = (ack.seq, ack.receipt_no)
            self._named[ack.receipt_no] = self._named.get(ack.receipt_no, 0) + 1
            self._next_no = max(self._next_no, ack.receipt_no + 1)

    def give(self, peer: str, heads: Sequence[KnownHead]) -> notes.Signed:
        """Sign that these heads are durable here; the frame leaves after the commit of this step."""
        receipt = notes.Receipt(self._identity.code, peer, self._world.clock.now_ms(), tuple(heads))
        return notes.sign_receipt(self._identity.signer, self._identity.federation, receipt)

    def note(self, peer: str, note: notes.Signed) -> tuple[KnownHead, ...]:
        """Verify and keep a neighbour's receipt; returns its heads.

        Raises PeerError: bad_signature, unknown_key, protocol (not for us, or for what we do not hold).
        """
        receipt = notes.open_receipt(self._keyring, note)
        if receipt.holder != peer or receipt.sender != self._identity.code:
            raise PeerError("收讫不是给本单位的", code="protocol", evidence=note.body[:256])
        fresh: list[tuple[LogState, KnownHead]] = []
        for head in receipt.heads:
            log = self._logs.index.get(head.log_id)
            if log is not None and log.frozen:
                continue  # perhaps for the other side of a fork: says nothing about what is delivered
            crosses = log is not None and self._logs.index.crosses(log.key, peer)
            if log is None or not crosses or head.seq > log.seq or not self._same(log, head):
                raise PeerError("收讫与所发记录不符", code="protocol", evidence=note.body[:256])
            if head.seq > self.acked(peer, log):
                fresh.append((log, head))
        if fresh:
            number = self._next_no
            self._next_no += 1
            self._store.put([ReceiptRow(number, peer, receipt.at_ms, note.body, note.signature)])
            self._store.put([self._move(peer, log, head.seq, number) for log, head in fresh])
        return receipt.heads

    def acked(self, peer: str, log: LogState) -> int:
        """Up to which seq a neighbour has receipted a log; 0 = nothing."""
        return self._acked.get((peer, log.log_no), (0, 0))[0]

    def missing(self, peer: str) -> list[LogState]:
        """Logs that flow towards a neighbour and of which its newest receipt falls short."""
        return [
            log for log in self._logs.index.link(peer)
            if self._acked.get((peer, log.log_no), (0, 0))[0] < log.seq
            and (log.key.author == self._identity.code or self._flows(log, peer))
            and not log.frozen
        ]

    def may_send(self, peer: str, log: LogState) -> bool:
        """Whether a neighbour may take a log from here: from its author's side (I1), and its own back from anybody."""
        return log.key.author in (peer, self._identity.code) or self._flows(log, peer)

    def _flows(self, log: LogState, peer: str) -> bool:
        """Whether what others wrote passes here on its way to a neighbour: up from below, down from above."""
        return (log.key.author in self._identity.path[:-1]) is not (peer == self._identity.parent)

    def acked_by_no(self, peer: str, log_no: int) -> int:
        """The same by local log number."""
        return self._acked.get((peer, log_no), (0, 0))[0]

    def _same(self, log: LogState, head: KnownHead) -> bool:
        if head.seq == log.seq:
            return head.record_id == log.head_id
        self._logs.flush()
        rows = self._store.records_at([(log.log_no, head.seq)])
        # A row lost from the disk says nothing against the neighbour (`services.mending.scrub` finds it).
        return not rows or rows[0].record_id == head.record_id

    def _move(self, peer: str, log: LogState, seq: int, number: int) -> Ack:
        _, old = self._acked.get((peer, log.log_no), (0, 0))
        if old:
            self._named[old] -= 1
            if not self._named[old]:
                del self._named[old]
                self._store.delete(ReceiptRow, old)
        self._acked[peer, log.log_no] = (seq, number)
        self._named[number] = self._named.get(number, 0) + 1
        return Ack(peer, log.log_no, seq, number)
