"""The link state machine (section 4): events in, effects out; no socket, clock, database or randomness.

Rules of this file:

1. Everything that decides what happens on a link lives here, in `comparing` and in `outgoing`; the driver only carries
   out effects.
2. Both sides run the same machine; only who sends its buckets first differs (the child, which dials).
3. Phases: GREETING (hello not yet accepted) → COMPARING (digests differ) → STREAMING; CLOSED is final.
   Records are admitted in any phase after GREETING; they are sent only in STREAMING.
4. A comparison is between the digests *as sent*: what changes meanwhile is remembered and queued afterwards.
5. A hostile neighbour can make this machine close the link, never raise anything but a bug (PeerError is not raised
   out of here: it becomes `Close(fault="peer")`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from node.records.envelope import Envelope, bytes_of
from node.records.payload import KnownHead
from node.sync import effects as do
from node.sync import frames
from node.sync.comparing import Comparing, Found
from node.sync.effects import Effect
from node.sync.heads import HeadSet, LogState
from node.sync.limits import PROTOCOL_VERSION_MAX, PROTOCOL_VERSION_MIN, LinkLimits
from node.sync.outgoing import Outgoing
from node.sync.reasons import PASSING

_EARLY_FRAMES_MAX = 64  # held while the neighbour's certificates are on their way, each of at most two batches' size
_FAR_FUTURE_RETRY_MS = 3_600_000


class Phase(Enum):
    """Where a link stands."""

    GREETING = "greeting"
    COMPARING = "comparing"
    STREAMING = "streaming"
    CLOSED = "closed"


class LinkMachine:
    """One connection to one neighbour, from hello to goodbye."""

    def __init__(self, *, dials: bool, heads: HeadSet, limits: LinkLimits, now_ms: int) -> None:
        """``dials``: this side is the child; ``heads``: the logs both ends hold, shared with the index."""
        self.phase = Phase.GREETING
        self.peer_hello: frames.Hello | None = None
        self.behind: dict[bytes, int] = {}  # log → seq the neighbour has shown to hold beyond ours
        self._dials = dials
        self._heads = heads
        self._limits = limits
        self._out = Outgoing(limits.window_bytes)
        self._sent_digest = b""
        self._sent_marks_digest = b""
        self._changed: dict[bytes, int] = {}  # log → seq when the comparison began
        self._comparing = Comparing(dials=dials, heads=heads, heads_per_frame=limits.heads_per_frame_max)
        self._early: list[frames.Frame] = []
        self._loading = False
        self._refused: dict[bytes, int] = {}  # log → seq held when a gap was last reported
        self._receipts: dict[bytes, KnownHead] = {}
        self._opened_ms = self._heard_ms = now_ms
        self._pinged_ms = 0
        self._ping_number = 0
        self._refusals_minute = (now_ms, 0)

    def is_idle(self) -> bool:
        """Compared, nothing to send, nothing under way, nothing shown to be missing."""
        return self.has_told() and not self.behind

    def has_told(self) -> bool:
        """Compared, nothing to send, nothing under way; of forked logs, what is held was shown."""
        return self.phase is Phase.STREAMING and self._out.idle()

    @property
    def reconciles(self) -> bool:
        """Whether both sides know ranges and reconciliation (version 2), and may speak of them now."""
        return self.phase is Phase.STREAMING and self.peer_hello is not None and self.peer_hello.version_max >= 2

    # -- events ---------------------------------------------------------------------------------------------------

    def start(self, hello: frames.Hello) -> list[Effect]:
        """The channel is open: greet. The driver fills in identity and proof; digests are taken here."""
        self._sent_digest = self._heads.root()
        self._sent_marks_digest = hello.marks_digest
        self._changed.clear()
        full = hello._replace(
            version_min=PROTOCOL_VERSION_MIN, version_max=PROTOCOL_VERSION_MAX, heads_digest=self._sent_digest,
            logs=len(self._heads), window_bytes=self._limits.window_bytes,
        )  # fmt: skip
        return [do.Send(full)]

    def receive(self, frame: frames.Frame, now_ms: int) -> list[Effect]:
        """A frame came in."""
        if self.phase is Phase.CLOSED:
            return []
        self._heard_ms = now_ms
        if self.phase is Phase.GREETING:
            return self._greeting(frame)
        handler = _HANDLERS.get(type(frame))
        if handler is None:
            return self._close("protocol", "peer")
        return handler(self, frame, now_ms)

    def accepted(self, now_ms: int) -> list[Effect]:
        """The driver verified the neighbour's hello."""
        hello = self.peer_hello
        if hello is None or self.phase is not Phase.GREETING:
            return []
        self._out.window_bytes = max(1, min(hello.window_bytes, self._limits.window_bytes))
        found: list[Effect] = [do.Established(hello.now_ms - now_ms)]
        if self._dials and hello.marks_digest != self._sent_marks_digest:
            found.append(do.SendMarks())
        if hello.heads_digest == self._sent_digest:
            found += self._stream()
        else:
            self.phase = Phase.COMPARING
            if self._dials:
                self._changed.clear()
                found.append(do.Send(self._comparing.digests()))
        early, self._early = self._early, []
        for frame in early:
            found += self.receive(frame, now_ms)
        return found

    def log_advanced(self, log: LogState, previous_seq: int, *, from_this_peer: bool) -> None:
        """A log that crosses this link grew here (already written in this transaction); `flush` follows."""
        if self.phase is Phase.CLOSED:
            return
        if self.behind and self.behind.get(log.log_id, log.seq + 1) <= log.seq:
            del self.behind[log.log_id]
        self._refused.pop(log.log_id, None)
        if from_this_peer:
            self._receipts[log.log_id] = log.head
            self._changed.pop(log.log_id, None)
            self._out.held_by_peer(log)
        elif self.phase is Phase.STREAMING:
            self._out.advanced(log, previous_seq)
        else:
            self._changed.setdefault(log.log_id, previous_seq)

    def offer_last(self, log: LogState) -> None:
        """In sync, yet a receipt for this log is missing: it is asked for; `flush` follows."""
        self._out.offer_last(log)

    def mended(self, log: LogState) -> None:
        """A damaged log is whole again: what was held back goes on."""
        self._out.advanced(log, log.seq)

    def held_already(self, head: KnownHead) -> None:
        """The neighbour sent again what is held: it deserves the same receipt (N2), for no more than it sent."""
        known = self._receipts.get(head.log_id)
        if known is None or known.seq < head.seq:
            self._receipts[head.log_id] = head

    def loaded(self, runs: Sequence[tuple[bytes, list[Envelope], int]], now_ms: int) -> list[Effect]:
        """Answer to `Load`: per log the envelopes read and the seq of the last one."""
        self._loading = False
        if self.phase not in (Phase.COMPARING, Phase.STREAMING):
            return []
        records: list[Envelope] = []
        for log_id, run, last_seq in runs:
            log = self._heads.get(log_id)
            if log is None or not run:
                self._out.nothing_to_read(log_id)
                continue
            self._out.sent(log, run, last_seq, now_ms)
            records.extend(run)
        return [do.Send(frames.Batch(tuple(records)))] if records else []

    def refuse(self, log_id: bytes, seq: int, reason: str, held: KnownHead, now_ms: int) -> list[Effect]:
        """The driver refused a record of this neighbour: tell it what is held (once for a gap, until the log moves)."""
        if self.phase is Phase.CLOSED:
            return []
        if reason == "gap":
            if self._refused.get(log_id) == held.seq:
                return []
            self._refused[log_id] = held.seq
        minute, count = self._refusals_minute
        if now_ms - minute >= 60_000:
            minute, count, self._refused = now_ms, 0, {}
        self._refusals_minute = (minute, count + 1)
        if count >= self._limits.refusals_per_minute_max:
            return self._close("flood", "peer")
        self.behind.pop(log_id, None)
        retry_ms = self._limits.refused_retry_ms if reason in PASSING else 0
        if reason == "far_future":
            # Its time comes too, but not soon; until then nothing of that log can follow.
            retry_ms = _FAR_FUTURE_RETRY_MS
        return [do.Send(frames.Refusal(log_id, seq, reason, held, retry_ms))]

    def dispute(self, log: LogState, at_seq: int) -> list[Effect]:
        """A fork of this log was proved, or must be there: show the neighbour what is held, once, then rest."""
        if self._out.is_barred(log.log_id) or self.phase is Phase.CLOSED:
            return []
        self._out.bar(log.log_id)
        self.behind.pop(log.log_id, None)
        return [do.ShowFork(log.log_id, at_seq)]

    def receipted(self, heads: Sequence[KnownHead], now_ms: int) -> None:
        """The driver verified and kept a receipt; `flush` follows."""
        for head in heads:
            self._out.receipted(head.log_id, head.seq, now_ms)

    def flush(self) -> list[Effect]:
        """End of a transaction: one receipt for all that was stored from this neighbour in it, then the next load."""
        if self.phase not in (Phase.COMPARING, Phase.STREAMING):
            return []
        found: list[Effect] = []
        if self._receipts:
            heads = tuple(self._receipts.values())
            self._receipts.clear()
            size = self._limits.receipt_heads_max
            found += [do.GiveReceipt(heads[start : start + size]) for start in range(0, len(heads), size)]
        return found + self._pump()

    def wants_more(self) -> bool:
        """Whether another `flush` would load more now."""
        return self.phase is Phase.STREAMING and self._out.room_bytes > 0 and bool(self._out.wants(1))

    def tick(self, now_ms: int) -> list[Effect]:
        """Some time passed (about every second)."""
        if self.phase is Phase.CLOSED:
            return []
        # A clock that was set back must not make a silent link live for hours (faults.md K1).
        self._heard_ms = min(self._heard_ms, now_ms)
        self._opened_ms = min(self._opened_ms, now_ms)
        self._pinged_ms = min(self._pinged_ms, now_ms)
        self._out.oldest_sent_ms = min(self._out.oldest_sent_ms, now_ms)
        silent_ms = now_ms - self._heard_ms
        if self.phase is Phase.GREETING and now_ms - self._opened_ms > self._limits.hello_timeout_ms:
            return self._close("timeout", "peer")
        if silent_ms > 2 * self._limits.keepalive_ms:
            return self._close("timeout", "peer")
        if self._out.in_flight_bytes and now_ms - self._out.oldest_sent_ms > self._limits.stall_timeout_ms:
            return self._close("timeout", "peer")
        found: list[Effect] = []
        for log_id in self._out.wake(now_ms):
            log = self._heads.get(log_id)
            if log is not None:
                self._out.offer(log, min(self._out.cursor(log_id) or 0, log.seq))
        if silent_ms > self._limits.keepalive_ms and now_ms - self._pinged_ms > self._limits.keepalive_ms:
            self._pinged_ms = now_ms
            self._ping_number += 1
            found.append(do.Send(frames.Ping(self._ping_number)))
        return found

    def recompare(self) -> list[Effect]:
        """The dialler compares all heads again: what should have come by itself has not (reconciliation)."""
        if not self._dials or self.phase is not Phase.STREAMING:
            return []
        self.phase, self._comparing = Phase.COMPARING, self._comparing.anew()
        self._changed.clear()
        return [do.Send(self._comparing.digests())]

    def drain(self, reason: str) -> list[Effect]:
        """This side stops in an orderly way."""
        if self.phase is Phase.CLOSED:
            return []
        return [*self.flush(), do.Send(frames.Goodbye(reason)), *self._close(reason, "")]

    def lost(self) -> None:
        """The channel is gone."""
        self.phase = Phase.CLOSED

    def _greeting(self, frame: frames.Frame) -> list[Effect]:
        if isinstance(frame, frames.Hello) and self.peer_hello is None:
            if frame.version_min > PROTOCOL_VERSION_MAX or frame.version_max < PROTOCOL_VERSION_MIN:
                return self._close("version", "peer")
            self.peer_hello = frame
            return [do.CheckHello(frame)]
        if isinstance(frame, frames.ChainRequest):
            return [do.SendChain()]
        if isinstance(frame, frames.Chain):
            if len(frame.certificates) > self._limits.chain_length_max:
                return self._close("protocol", "peer")
            return [do.LearnChain(frame.certificates)]
        if isinstance(frame, frames.Goodbye):
            return self._close(frame.reason[:64], "")
        small = frames.weight(frame) <= 2 * self._limits.batch_bytes_max
        if self.peer_hello is not None and small and len(self._early) < _EARLY_FRAMES_MAX:
            # The neighbour accepted us already; we are still waiting for its certificates.
            self._early.append(frame)
            return []
        return self._close("protocol", "peer")

    def _stream(self) -> list[Effect]:
        """Comparison is over: queue what changed meanwhile; sending starts with the next `flush`."""
        self.phase = Phase.STREAMING
        for log_id, seq in self._changed.items():
            log = self._heads.get(log_id)
            if log is not None:
                self._out.advanced(log, seq)
        self._changed.clear()
        return [do.InSync()]

    def _pump(self) -> list[Effect]:
        """Ask for the next records while the window has room."""
        if self._loading or self.phase is not Phase.STREAMING or self._out.room_bytes <= 0:
            return []
        wants = self._out.wants(self._limits.batch_records_max)
        if not wants:
            return []
        self._loading = True
        size = min(self._limits.batch_bytes_max, self._out.room_bytes)
        return [do.Load(wants, size, self._limits.batch_records_max)]

    def _on_buckets(self, frame: frames.Buckets, now_ms: int) -> list[Effect]:
        if self.reconciles and not self._dials:
            self.phase, self._comparing = Phase.COMPARING, self._comparing.anew()
        if self.phase is not Phase.COMPARING:
            return self._close("protocol", "peer")
        self._changed.clear()
        return self._compared(self._comparing.on_buckets(frame))

    def _on_heads(self, frame: frames.Heads, now_ms: int) -> list[Effect]:
        if self.phase is not Phase.COMPARING:
            return self._close("protocol", "peer")
        return self._compared(self._comparing.on_heads(frame))

    def _compared(self, found: Found | None) -> list[Effect]:
        """Act on what a frame of the comparison told."""
        if found is None:
            return self._close("protocol", "peer")
        effects: list[Effect] = [do.Send(answer) for answer in found.answers]
        # Line by line: an item's records on both sides arrive together, so the neighbour folds it once.
        for log, seq in sorted(found.offers, key=lambda offer: offer[0].key.line):
            self._out.offer(log, seq)
        for head in found.behind:
            # A neighbour that claims endless logs fills no memory with them (faults.md G12).
            if len(self.behind) < self._limits.behind_logs_max:
                self.behind[head.log_id] = head.seq
        for log in found.held:
            self._out.held_by_peer(log)
        for log in found.disputed:
            effects += self.dispute(log, log.seq)
        return effects + self._stream() if found.done else effects

    def _on_batch(self, frame: frames.Batch, now_ms: int) -> list[Effect]:
        size = bytes_of(frame.records)
        if len(frame.records) > self._limits.batch_records_max or size > 2 * self._limits.frame_bytes_max:
            return self._close("flood", "peer")
        return [do.Admit(frame.records)]

    def _on_refusal(self, frame: frames.Refusal, now_ms: int) -> list[Effect]:
        log = self._heads.get(frame.log_id)
        if log is None:
            return []
        found: list[Effect] = [do.ReportRefusal(frame.log_id, frame.seq, frame.reason[:32])]
        if self._out.is_barred(frame.log_id):
            return found
        if frame.reason in ("wrong_prev", "fork", "frozen") and frame.held.seq and frame.held.seq <= log.seq:
            return found + self.dispute(log, frame.held.seq)
        if frame.reason == "gap":
            # What was under way behind a refused record; or the neighbour holds less than we thought: continue there.
            if not self._out.is_resting(frame.log_id) and frame.held.seq < log.seq:
                self._out.offer(log, frame.held.seq)
            return found
        wait_ms = max(1_000, min(frame.retry_after_ms, _FAR_FUTURE_RETRY_MS)) if frame.retry_after_ms else 0
        self._out.refused(frame.log_id, min(frame.held.seq, log.seq), now_ms + wait_ms if wait_ms else 0)
        return found

    def _on_marks(self, frame: frames.Marks, now_ms: int) -> list[Effect]:
        if self._dials or len(frame.marks) > self._limits.marks_per_frame_max:
            return self._close("protocol", "peer")
        return [do.LearnMarks(frame.marks)]

    def _on_blob_chunk(self, frame: frames.BlobChunk, now_ms: int) -> list[Effect]:
        if len(frame.data) > self._limits.blob_chunk_bytes:
            return self._close("flood", "peer")
        return [do.StoreBlob(frame)]

    def _close(self, reason: str, fault: str) -> list[Effect]:
        self.phase = Phase.CLOSED
        return [do.Close(reason, fault)]


_HANDLERS: dict[type, Callable[[LinkMachine, Any, int], list[Effect]]] = {
    frames.Buckets: LinkMachine._on_buckets,  # noqa: SLF001 - this module's own table
    frames.Heads: LinkMachine._on_heads,  # noqa: SLF001
    frames.Batch: LinkMachine._on_batch,  # noqa: SLF001
    frames.ReceiptFrame: lambda _machine, frame, _now_ms: [do.NoteReceipt(frame.note)],
    frames.Refusal: LinkMachine._on_refusal,  # noqa: SLF001
    frames.Ping: lambda _machine, frame, now_ms: [do.Send(frames.Pong(frame.number, now_ms))],
    frames.Pong: lambda _machine, frame, now_ms: [do.NoteClock(frame.now_ms - now_ms)],
    frames.ChainRequest: lambda _machine, _frame, _now_ms: [do.SendChain()],
    frames.RangeRequest: lambda _machine, frame, _now_ms: [do.Reconciles(frame)],
    frames.Range: lambda _machine, frame, _now_ms: [do.Reconciles(frame)],
    frames.Reconcile: lambda _machine, frame, _now_ms: [do.Reconciles(frame)],
    frames.Chain: lambda _machine, _frame, _now_ms: [],
    frames.Marks: LinkMachine._on_marks,  # noqa: SLF001
    frames.BlobRequest: lambda machine, frame, _now_ms: [
        do.ServeBlob(frame._replace(bytes_max=min(frame.bytes_max, machine._limits.blob_chunk_bytes)))  # noqa: SLF001
    ],
    frames.BlobChunk: LinkMachine._on_blob_chunk,  # noqa: SLF001
    frames.Goodbye: lambda machine, frame, _now_ms: machine._close(frame.reason[:64] or "goodbye", ""),  # noqa: SLF001
}
