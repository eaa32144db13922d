"""What every lie needs: a stream that works, a log to lie about, and how to put words on the stream or into the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from node.records import header as headers
from node.records.envelope import Envelope, Record, open_envelope, seal
from node.records.header import Header
from node.records.kinds import Kind
from node.sync import frames
from node.sync.frames import Frame
from node.sync.heads import LogState
from node.wire import codec
from tests.sim.watch import evidence_codes
from tests.sim.world import Machine

if TYPE_CHECKING:
    from tests.sim.network import Connection
    from tests.sim.simulation import Simulation

Lie = Callable[[Machine, Machine], None]  # the liar, and the neighbour it lies to


class Tongue:
    """How to lie."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.random = sim.random
        self._expected: dict[int, tuple[Frame, str, frozenset[str]]] = {}

    def answered(self, victim: Machine, peer: str, frame: Frame) -> None:
        """A frame was taken in: was the lie found?"""
        _, label, codes = self._expected.pop(id(frame), (None, "", frozenset()))
        if label and codes & evidence_codes(victim, peer):
            self.sim.counters[f"refused:{label}"] += 1

    def _stream(self, liar: Machine) -> Connection | None:
        network = self.sim.network
        if not liar.on:
            return None
        found = []
        for stream in network.streams_of(liar):
            victim = stream.other(liar.code)
            usable = victim.on and stream.open.get(victim.code) and not stream.broken and not stream.deaf
            sessions = liar.office.links.session_of(victim.code), victim.office.links.session_of(liar.code)
            if usable and all(session is not None and session.number == stream.number for session in sessions):
                found.append(stream)
        return self.random.choice(found) if found else None

    def _say(self, liar: Machine, victim: Machine, label: str, frame: Frame, *codes: str) -> None:
        """Put a frame on the stream; ``codes``: evidence that the victim must keep."""
        streams = self.sim.network.streams_of(liar)
        stream = next(stream for stream in streams if stream.other(liar.code) is victim and not stream.broken)
        frame = codec.decode(codec.encode(frame))
        self._expected[id(frame)] = (frame, label, frozenset(codes))
        self._count(label)
        self.sim.network.put(stream, victim, frame)

    def _send(self, liar: Machine, victim: Machine, label: str, envelopes: list[Envelope], *codes: str) -> None:
        self._say(liar, victim, label, frames.Batch(tuple(envelopes)), *codes)

    def _count(self, label: str) -> None:
        self.sim.counters[f"lie:{label}"] += 1

    def _write(self, liar: Machine, label: str, write: Callable[[], object]) -> None:
        """The liar's engine writes something that its guards would have refused."""
        if not liar.office.author.recovering and not liar.office.author.skew_ms:
            self._count(label)
            liar.post(liar.office.command(write, lambda _answer, _error: None))

    def _log(self, liar: Machine, victim: Machine, *, own: bool = False) -> LogState | None:
        """A log that flows from the liar to the victim."""
        upward = victim.code == liar.parent
        found = []
        for log in liar.office.logs.index.link(victim.code):
            author = log.key.author
            flows = author == liar.code or (author not in liar.path if upward else author in liar.path)
            mine = author == liar.code and log.key.epoch == liar.office.author.epoch
            if log.seq and flows and (mine or not own):
                found.append(log)
        found.sort(key=lambda log: log.log_no)
        return self.random.choice(found) if found else None

    def _record(self, liar: Machine, log: LogState) -> Record:
        """Any record of a log."""
        row = liar.store.journal[log.log_no, 1 + self.random.randrange(log.seq)]
        return open_envelope(liar.office.keyring.suites, Envelope(row.header, row.signature, row.salt, row.payload))

    def _next(self, liar: Machine, log: LogState) -> Header:
        """A header that would continue a log."""
        last = liar.store.journal[log.log_no, log.seq]
        old = headers.decode(last.header)
        return old._replace(
            seq=log.seq + 1, prev=log.head_id, kind=int(Kind.PROGRESS), item=self.random.randbytes(32),
            semantic_version=0, re=(), reissue_of=b"",
        )  # fmt: skip

    def _seal(self, liar: Machine, header: Header) -> Envelope:
        return seal(liar.signer, header, self.random.randbytes(32), b"").envelope
