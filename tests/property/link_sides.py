"""Two ends of a link with the real machine between them, and toy records: a driver small enough to see through."""

import hashlib
from collections import deque

from node.records.envelope import Envelope
from node.records.line import Line, LogKey, log_id_of
from node.records.notes import Signed
from node.records.payload import KnownHead
from node.sync import effects as do
from node.sync import frames
from node.sync.heads import HeadSet, LogState
from node.sync.limits import LinkLimits
from node.sync.link import LinkMachine, Phase

P, C = "320000", "320500"
LIMITS = LinkLimits(
    window_bytes=3_000, batch_bytes_max=700, batch_records_max=4, receipt_heads_max=3, heads_per_frame_max=3,
    refused_retry_ms=1_000,
)  # fmt: skip
ROOM = 300  # bytes of one record over a limit


def key_of(number: int) -> LogKey:
    """A log of this link; every third is a line with everything below it (certificates and the like)."""
    return LogKey(C, number + 1, Line((P, C), subtree=not number % 3))


def toy(log_id: bytes, seq: int, prev: bytes, word: str = "") -> Envelope:
    """A record without meaning: its header is where it stands, its signature its id."""
    raw = log_id + seq.to_bytes(8, "big") + prev.ljust(32, b"\0") + word.encode()
    return Envelope(raw, hashlib.sha256(raw).digest(), b"", b"x" * 50)


class Side:
    """One end: its logs and the machine of the present connection."""

    def __init__(self, *, dials: bool) -> None:
        self.dials = dials
        self.logs: dict[bytes, list[Envelope]] = {}
        self.heads = HeadSet()
        self.forks: set[tuple[bytes, int]] = set()
        self.refused: list[str] = []
        self.acked: dict[bytes, int] = {}
        self.out: deque[frames.Frame] = deque()
        self.closed = ""
        self.sent = 0
        self.now_ms = 1_000_000
        self.machine: LinkMachine

    def state(self, key: LogKey) -> LogState:
        """The log's head, made if new."""
        log_id = log_id_of(key)
        log = self.heads.get(log_id)
        if log is None:
            log = LogState(len(self.logs) + 1, log_id, key, 0, b"", frozen=False)
            self.logs[log_id] = []
            self.heads.add(log)
        return log

    def append(self, key: LogKey, envelope: Envelope, *, source: str = "") -> None:
        """A record was stored here."""
        log = self.state(key)
        before = log.seq
        self.logs[log.log_id].append(envelope)
        log.seq, log.head_id = before + 1, envelope.signature
        self.heads.touch(log)
        if hasattr(self, "machine"):
            self.machine.log_advanced(log, before, from_this_peer=source == "peer")

    def write(self, key: LogKey, word: str = "") -> None:
        """The next record of a log, written here."""
        log = self.state(key)
        self.append(key, toy(log.log_id, log.seq + 1, log.head_id, word))
        self.flush()

    def connect(self) -> None:
        """A new connection: a new machine; what was on its way is gone."""
        self.out.clear()
        self.closed = ""
        self.machine = LinkMachine(dials=self.dials, heads=self.heads, limits=LIMITS, now_ms=self.now_ms)
        if not self.dials:
            self.perform(self.machine.start(self.hello()))

    def hello(self) -> frames.Hello:
        nobody, office = bytes(32), C if self.dials else P
        note = Signed(b"", b"")
        return frames.Hello(0, 0, nobody, office, nobody, note, nobody, b"", 0, b"", self.now_ms, 0, "")

    def receive(self, frame: frames.Frame) -> None:
        """A frame arrives; one step."""
        if self.closed:
            return
        if isinstance(frame, frames.Hello) and self.dials and self.machine.phase is Phase.GREETING:
            self.perform(self.machine.start(self.hello()))
        self.perform(self.machine.receive(frame, self.now_ms))
        self.flush()

    def flush(self) -> None:
        """The end of a step."""
        for _ in range(100):
            if not hasattr(self, "machine") or self.closed:
                return
            self.perform(self.machine.flush())
            if not self.machine.wants_more():
                return
        raise AssertionError("flush does not come to an end")

    def tick(self, milliseconds: int) -> None:
        """Time passes."""
        self.now_ms += milliseconds
        self.perform(self.machine.tick(self.now_ms))
        self.flush()

    def perform(self, effects: list[do.Effect]) -> None:
        """Carry out effects in order."""
        queue = deque(effects)
        while queue:
            queue.extendleft(reversed(self._one(queue.popleft())))

    def _one(self, effect: do.Effect) -> list[do.Effect]:
        match effect:
            case do.Send(frame):
                self._send(frame)
            case do.CheckHello():
                return self.machine.accepted(self.now_ms)
            case do.Load():
                return self.machine.loaded(self._load(effect), self.now_ms)
            case do.ShowFork(log_id, seq):
                self._send(frames.Batch(tuple(self.logs[log_id][seq - 1 : seq])))
            case do.Admit(records):
                return [found for record in records for found in self._admit(record)]
            case do.GiveReceipt(heads):
                body = b"".join(log_id + seq.to_bytes(8, "big") + record_id for log_id, seq, record_id in heads)
                self._send(frames.ReceiptFrame(Signed(body, b"")))
            case do.NoteReceipt(note):
                parts = [note.body[at : at + 72] for at in range(0, len(note.body), 72)]
                heads = tuple(KnownHead(p[:32], int.from_bytes(p[32:40], "big"), p[40:]) for p in parts)
                for head in heads:
                    self.acked[head.log_id] = max(head.seq, self.acked.get(head.log_id, 0))
                self.machine.receipted(heads, self.now_ms)
            case do.ReportRefusal(_, _, reason):
                self.refused.append(reason)
            case do.Close(reason, _):
                self.closed = reason
        return []

    def _send(self, frame: frames.Frame) -> None:
        self.out.append(frame)
        self.sent += 1

    def _load(self, effect: do.Load) -> list[tuple[bytes, list[Envelope], int]]:
        found = []
        size, count = effect.bytes_max, effect.records_max
        for log_id, after in effect.wants:
            run: list[Envelope] = []
            for envelope in self.logs[log_id][after:]:
                if run and (size <= 0 or count <= 0):
                    break
                run.append(envelope)
                size -= envelope.size_bytes
                count -= 1
            found.append((log_id, run, after + len(run)))
            if size <= 0 or count <= 0:
                break
        return found

    def _admit(self, envelope: Envelope) -> list[do.Effect]:
        """Toy admission: continues, is held, leaves a gap, or forks."""
        log_id, seq, prev = envelope.header[:32], int.from_bytes(envelope.header[32:40], "big"), envelope.header[40:72]
        key = next(key for key in map(key_of, range(200)) if log_id_of(key) == log_id)
        log = self.state(key)
        if seq <= log.seq:
            if self.logs[log_id][seq - 1] == envelope:
                self.machine.held_already(KnownHead(log_id, seq, envelope.signature))
                return []
            self.forks.add((log_id, seq))
            log.frozen = True
            return [*self.machine.dispute(log, seq), *self._refuse(log, seq, "fork")]
        if log.frozen:
            return [*self.machine.dispute(log, log.seq), *self._refuse(log, seq, "frozen")]
        if seq > log.seq + 1:
            return self._refuse(log, seq, "gap")
        if prev != log.head_id.ljust(32, b"\0"):
            return self._refuse(log, seq, "wrong_prev")
        self.append(key, envelope, source="peer")
        return []

    def _refuse(self, log: LogState, seq: int, reason: str) -> list[do.Effect]:
        return self.machine.refuse(log.log_id, seq, reason, log.head, self.now_ms)

    def snapshot(self) -> dict[bytes, list[Envelope]]:
        """What is held."""
        return {log_id: list(run) for log_id, run in self.logs.items() if run}


def settle(one: Side, other: Side) -> int:
    """Deliver until both are silent, a second whenever they are; returns the frames delivered."""
    delivered = 0
    for _ in range(4):
        while one.out or other.out:
            delivered += 1
            assert delivered < 5_000, "the two do not come to rest"
            source, target = (one, other) if one.out else (other, one)
            target.receive(source.out.popleft())
        one.tick(1_500)
        other.tick(1_500)
    return delivered


def pair() -> tuple[Side, Side]:
    """A child and its parent."""
    return Side(dials=True), Side(dials=False)


def join(child: Side, parent: Side) -> None:
    """Connect them."""
    child.connect()
    parent.connect()
