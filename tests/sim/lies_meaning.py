"""Lies in what is meant and said: records kept without effect, frames out of turn (faults.md B4-B6, B13, B14)."""

from __future__ import annotations

from functools import partial

from node.records import header as headers
from node.records import notes, payload
from node.records.envelope import Envelope
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act, Certificate, KnownHead
from node.records.track import RectifyLine, Track
from node.sync import frames
from node.sync.frames import Frame
from node.wire import codec
from tests.sim.tongue import Lie, Tongue
from tests.sim.world import Machine, signer_for

FLOOD_RECORDS = 700


class MeaningLies(Tongue):
    """Records that are kept, relayed, and change nothing."""

    def meaning_lies(self) -> list[Lie]:
        """All of them."""
        return [self._mixed_up, self._own_acceptance, self._siblings_item, self._stolen_code, self._unknown_kind,
                self._backdated]  # fmt: skip

    def _own_log_line(self, liar: Machine, victim: Machine) -> Line | None:
        log = self._log(liar, victim, own=True)
        return log.key.line if log is not None and not log.frozen else None

    def _mixed_up(self, liar: Machine, victim: Machine) -> None:
        """B4: a valid act, named for another matter."""
        line = self._own_log_line(liar, victim)
        rows = liar.items()
        if line is not None and rows:
            item = bytes.fromhex(self.random.choice(rows)["id"])
            kind = self.random.choice([Kind.FINAL, Kind.SIGN, Kind.ACCEPT, Kind.CLOSE, Kind.CANCEL, Kind.DECOMPOSE])
            re = tuple(bytes.fromhex(row["id"]) for row in self.random.sample(rows, min(3, len(rows))))
            act = Act(text="张冠李戴", percent=100, due_day=30_000)
            self._write(liar, "mixed up", lambda: liar.office.author.write(kind, line, act, item=item, re=re))

    def _own_acceptance(self, liar: Machine, victim: Machine) -> None:
        """B5: a child decides on its own task."""
        rows = [row for row in liar.items() if row["receiver"] == liar.code and row["kind"] == "assignment"]
        if not rows:
            return
        row = self.random.choice(rows)
        item, line = bytes.fromhex(row["id"]), Line(tuple(row["line"]["path"]))
        kind = self.random.choice([
            Kind.ACCEPT, Kind.CLOSE, Kind.RETURN, Kind.CHANGE, Kind.CANCEL, Kind.TAKE_OVER, Kind.EXT_DECISION,
            Kind.EXEMPT, Kind.VERIFY, Kind.SCORE, Kind.JUSTIFY_DECISION, Kind.RECTIFY,
        ])  # fmt: skip
        act = Act(text="自行销号", due_day=40_000, track=Track(verdict=1, lines=(RectifyLine("a", status=2),)))
        self._write(liar, "own acceptance", lambda: liar.office.author.write(kind, line, act, item=item, re=(item,)))

    def _siblings_item(self, liar: Machine, victim: Machine) -> None:
        """B6: a report on a matter of somebody else's line."""
        own = {row["id"] for row in liar.items()}
        line = self._own_log_line(liar, victim)
        foreign = sorted({row["id"] for m in self.sim.machines.values() if m.on for row in m.items()} - own)
        if foreign and line is not None:
            item = bytes.fromhex(self.random.choice(foreign))
            act = Act(text="代为报结", percent=100)
            self._write(
                liar, "sibling's item", lambda: liar.office.author.write(Kind.FINAL, line, act, item=item, re=(item,))
            )

    def _stolen_code(self, liar: Machine, victim: Machine) -> None:
        """A certificate for another's office as its own child, to draw that office's tasks to itself."""
        others = [m for m in self.sim.machines.values() if m.code not in liar.path and m.parent != liar.code]
        others = [m for m in others if len(m.path) <= len(liar.path) + 1]
        if not others:
            return
        code = self.random.choice(others).code
        thief = signer_for(code, 77, real=self.sim.real)
        office = liar.office
        proof = liar.possession(code, thief)
        stolen = Certificate(code, "假冒机关", "county", (*liar.path, code), thief.suite.number, thief.raw_key, proof)
        line = office.author.office_line
        self._write(liar, "stolen code", lambda: office.author.write(Kind.CERTIFICATE, line, stolen))

    def _unknown_kind(self, liar: Machine, victim: Machine) -> None:
        """V1: a kind of a later release; kept, relayed, without effect."""
        line = self._own_log_line(liar, victim)
        rows = liar.items()
        if line is not None and rows:
            item = bytes.fromhex(self.random.choice(rows)["id"])
            kind: Kind = 1_500  # type: ignore[assignment]
            self._write(liar, "unknown kind", lambda: liar.office.author.write(kind, line, Act(), item=item))


    def _backdated(self, liar: Machine, victim: Machine) -> None:
        """K2: done two days ago, says who does it today. Kept as claimed, never earlier than what it answers."""
        rows = [row for row in liar.items() if row["receiver"] == liar.code and row["kind"] == "assignment"]
        if not rows:
            return
        row = self.random.choice(rows)
        item, line = bytes.fromhex(row["id"]), Line(tuple(row["line"]["path"]))

        def write() -> None:
            author = liar.office.author
            author.check_may_write()
            raw = payload.encode(Act(text="昨日已办", percent=100))
            header = author._header(Kind.FINAL, line)
            header = header._replace(item=item, re=(item,), claimed_ms=header.claimed_ms - 2 * 86_400_000)
            author._append(header, liar.random.randbytes(32), raw)

        self._write(liar, "backdated", write)


class FrameLies(Tongue):
    """Frames that no honest node sends."""

    corrupt: set[str]  # who alters attachments at the moment

    def frame_lies(self) -> list[Lie]:
        """All of them."""
        return [
            self._false_receipt, self._false_refusal, self._forged_mark, self._flood, self._endless, self._malformed,
            self._corrupt_chunks, self._corrupt_chunks, self._forged_mark,
        ]  # fmt: skip

    def touch(self, machine: Machine, frame: Frame) -> Frame:
        """A liar may alter what its engine sends."""
        if machine.code in self.corrupt and isinstance(frame, frames.BlobChunk) and frame.data:
            self._count("corrupt_chunk")
            return frame._replace(data=bytes([frame.data[0] ^ 1]) + frame.data[1:])
        return frame

    def _false_receipt(self, liar: Machine, victim: Machine) -> None:
        """A receipt for what the victim never wrote, and one in another's name."""
        log = self._log(liar, victim)
        if log is None:
            return
        head = KnownHead(log.log_id, log.seq + 5, bytes(32))
        holder = liar.code if self.random.random() < 0.5 else victim.code
        receipt = notes.Receipt(holder, victim.code, self.sim.now_ms, (head,))
        note = notes.sign_receipt(liar.signer, liar.identity.federation, receipt)
        self._say(liar, victim, "false receipt", frames.ReceiptFrame(note), "protocol", "unknown_key")

    def _false_refusal(self, liar: Machine, victim: Machine) -> None:
        logs = sorted(victim.office.logs.index.link(liar.code), key=lambda log: log.log_no)
        for log in self.random.sample(logs, min(3, len(logs))):
            reason = self.random.choice(["gap", "fork", "wrong_prev", "bad_signature", "future", "\0什么", "frozen"])
            held = KnownHead(log.log_id, self.random.randrange(log.seq + 2), bytes(32))
            if not held.seq:
                held = held._replace(record_id=b"")
            self._say(liar, victim, "false refusal", frames.Refusal(log.log_id, 1, reason, held, 1_000))

    def _forged_mark(self, liar: Machine, victim: Machine) -> None:
        """数据截至 in another's name, or with a number that no column holds."""
        if victim.code != liar.parent:
            return
        view = notes.MarkView(victim.code, 0, bytes(32))
        mark = notes.Mark(self.random.choice([liar.code, victim.code]), 2**64 - 1, self.sim.now_ms, (view,))
        note = notes.sign_mark(liar.signer, liar.identity.federation, mark)
        self._say(liar, victim, "forged mark", frames.Marks((note,)), "malformed", "unknown_key")

    def _flood(self, liar: Machine, victim: Machine) -> None:
        """B13: more refusals than anybody has patience for."""
        log = self._log(liar, victim, own=True)
        if log is None:
            return
        header = self._next(liar, log)
        bad = []
        for number in range(FLOOD_RECORDS):
            raw = headers.encode(header._replace(epoch=1 + number, seq=1, prev=b"", key_id=bytes(32), suite=1))
            bad.append(Envelope(raw, b"x" * 64, bytes(32), b""))
        for start in range(0, FLOOD_RECORDS, 100):
            self._send(liar, victim, "flood", bad[start : start + 100], "payload_mismatch", "flood")

    def _endless(self, liar: Machine, victim: Machine) -> None:
        """B13: frames out of turn, over and over."""
        out_of_turn: list[Frame] = [
            frames.Heads(8, (), ()), frames.Buckets(8, (bytes(16),) * 256), frames.Marks(()), frames.Chain(()),
            frames.BlobChunk(bytes(32), 0, b"x", missing=False), frames.ChainRequest(), frames.Pong(1, 1),
        ]  # fmt: skip
        frame = self.random.choice(out_of_turn)
        for _ in range(20):
            self._say(liar, victim, "endless", frame)

    def _malformed(self, liar: Machine, victim: Machine) -> None:
        """B14: bytes that are no frame, and frames broken somewhere."""
        stream = self._stream(liar)
        if stream is None:
            return
        raw = bytearray(codec.encode(frames.Ping(7)) if self.random.random() < 0.3 else self.random.randbytes(60))
        raw[self.random.randrange(len(raw))] ^= 0x55
        self._count("malformed")
        self.sim.network.put(stream, stream.other(liar.code), bytes(raw))

    def _corrupt_chunks(self, liar: Machine, victim: Machine) -> None:
        """Attachments arrive altered for a while; from the other end of the stream, too."""
        for code in (liar.code, victim.code):
            self.corrupt.add(code)
            self.sim.after(40_000, partial(self.corrupt.discard, code))
