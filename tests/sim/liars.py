"""Liars: nodes with a valid key that send what no honest node would (faults.md B).

A liar's own engine goes on working; lies are put on its streams beside it, or written by its author past the guards.
None may be stored as somebody's record, change another's matter, stop another log, or take a node down.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from node.records import header as headers
from node.records import notes
from node.records.envelope import RECORD_PREFIX, Envelope, Record, open_envelope, seal
from node.records.header import Header
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act, Certificate, KnownHead
from node.sync import frames
from node.sync.frames import Frame
from node.sync.heads import LogState
from node.wire import codec
from tests.sim.suite import CheapSigner
from tests.sim.watch import evidence_codes
from tests.sim.world import Machine, signer_for

if TYPE_CHECKING:
    from tests.sim.network import Connection
    from tests.sim.simulation import Simulation

FLOOD_RECORDS = 700


class Liars:
    """Chooses liars and lets them lie."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.random = sim.random
        self._names: list[str] = []
        self._expected: dict[int, tuple[Frame, str, frozenset[str]]] = {}
        self._corrupt: set[str] = set()
        self._lies: list[Callable[[Machine, Machine], None]] = [
            self._forged_author, self._forged_key, self._unknown_key, self._altered_payload, self._altered_header,
            self._withheld_payload, self._replayed, self._mixed_up, self._own_acceptance, self._siblings_item,
            self._fork, self._fork, self._jump, self._wrong_prev, self._cross_protocol, self._foreign_line,
            self._wrong_side, self._far_future, self._false_receipt, self._false_refusal, self._stolen_code, self._unknown_kind,
            self._flood, self._endless, self._malformed, self._corrupt_chunks, self._forged_mark,
        ]  # fmt: skip

    def act(self) -> None:
        """One lie by one of this seed's liars."""
        machines = list(self.sim.machines.values())
        while len(self._names) < 2:
            machine = self.random.choice(machines)
            machine.liar = True
            self._names.append(machine.code)
        liar = self.sim.machines[self.random.choice(self._names)]
        stream = self._stream(liar)
        if stream is not None:
            self.random.choice(self._lies)(liar, stream.other(liar.code))

    def stop(self) -> None:
        """Liars turn honest."""
        self._corrupt.clear()

    def touch(self, machine: Machine, frame: Frame) -> Frame:
        """A liar may alter what its engine sends."""
        if machine.code in self._corrupt and isinstance(frame, frames.BlobChunk) and frame.data:
            self._count("corrupt_chunk")
            return frame._replace(data=bytes([frame.data[0] ^ 1]) + frame.data[1:])
        return frame

    def answered(self, victim: Machine, peer: str, frame: Frame) -> None:
        """A frame was taken in: was the lie found?"""
        _, label, codes = self._expected.pop(id(frame), (None, "", frozenset()))
        if label and codes & evidence_codes(victim, peer):
            self.sim.counters[f"refused:{label}"] += 1

    # -- how ------------------------------------------------------------------------------------------------------

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
        stream = next(s for s in self.sim.network.streams_of(liar) if s.other(liar.code) is victim and not s.broken)
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
            seq=log.seq + 1, prev=log.head_id, kind=int(Kind.PROGRESS), item=self.random.randbytes(32), semantic_version=0,
            re=(), reissue_of=b"",
        )  # fmt: skip

    def _seal(self, liar: Machine, header: Header) -> Envelope:
        return seal(liar.signer, header, self.random.randbytes(32), b"").envelope

    # -- forged and altered records -------------------------------------------------------------------------------

    def _forged_author(self, liar: Machine, victim: Machine) -> None:
        """B1: another's log, continued under the liar's key; the victim's own log, too."""
        logs = sorted(liar.office.logs.index.link(victim.code), key=lambda log: log.log_no)
        logs = [log for log in logs if log.seq and log.key.author != liar.code]
        if logs:
            log = self.random.choice(logs)
            self._send(
                liar, victim, "forged author", [self._seal(liar, self._next(liar, log))], "wrong_path", "wrong_side"
            )

    def _forged_key(self, liar: Machine, victim: Machine) -> None:
        """B1: the key named is the author's, the signature is not."""
        log = self._log(liar, victim)
        if log is not None:
            header = self._next(liar, log)._replace(payload_bytes=0)
            raw = headers.encode(header)
            signature = CheapSigner(liar.signer.suite, b"nobody").sign(raw) * (2 if self.sim.real else 1)
            self._send(liar, victim, "forged key", [Envelope(raw, signature, bytes(32), b"")],
                       "bad_signature", "payload_mismatch")  # fmt: skip

    def _unknown_key(self, liar: Machine, victim: Machine) -> None:
        log = self._log(liar, victim)
        if log is not None:
            stranger = signer_for("stranger", self.random.randrange(100), real=self.sim.real)
            envelope = seal(stranger, self._next(liar, log), bytes(32), b"").envelope
            self._send(liar, victim, "unknown key", [envelope])

    def _altered_payload(self, liar: Machine, victim: Machine) -> None:
        """B2: a relay changes what it passes on."""
        log = self._log(liar, victim)
        if log is not None:
            envelope = self._record(liar, log).envelope
            payload = bytearray(envelope.payload or b"x")
            payload[-1] ^= 1
            self._send(
                liar, victim, "altered payload", [envelope._replace(payload=bytes(payload))], "payload_mismatch"
            )

    def _altered_header(self, liar: Machine, victim: Machine) -> None:
        """B2, B6: another time under the same signature."""
        log = self._log(liar, victim)
        if log is not None:
            record = self._record(liar, log)
            raw = headers.encode(record.header._replace(claimed_ms=record.header.claimed_ms + 1))
            self._send(liar, victim, "altered header", [record.envelope._replace(header=raw)], "bad_signature")

    def _withheld_payload(self, liar: Machine, victim: Machine) -> None:
        log = self._log(liar, victim)
        if log is not None:
            envelope = self._record(liar, log).envelope._replace(salt=None, payload=None)
            self._send(liar, victim, "withheld payload", [envelope])

    def _cross_protocol(self, liar: Machine, victim: Machine) -> None:
        """B15: the right bytes, signed for another purpose."""
        log = self._log(liar, victim, own=True)
        if log is None:
            return
        envelope = self._seal(liar, self._next(liar, log))
        wrong = liar.signer.sign(notes.RECEIPT + envelope.header)
        self._send(liar, victim, "cross-protocol", [envelope._replace(signature=wrong)], "bad_signature")
        receipt = notes.Receipt(liar.code, victim.code, 1, ())
        note = notes.sign_receipt(liar.signer, liar.identity.federation, receipt)
        note = note._replace(signature=liar.signer.sign(RECORD_PREFIX + note.body))
        self._say(liar, victim, "cross-protocol note", frames.ReceiptFrame(note), "bad_signature")

    def _far_future(self, liar: Machine, victim: Machine) -> None:
        log = self._log(liar, victim, own=True)
        if log is not None:
            header = self._next(liar, log)._replace(hlc_ms=self.sim.now_ms + 400 * 86_400_000)
            self._send(liar, victim, "far future", [self._seal(liar, header)], "far_future")

    # -- numbers, lines, repetition -------------------------------------------------------------------------------

    def _replayed(self, liar: Machine, victim: Machine) -> None:
        """B3: everything again."""
        log = self._log(liar, victim)
        if log is not None:
            rows = liar.store.run(log.log_no, 0, 16, 100_000)
            envelopes = [Envelope(row.header, row.signature, row.salt, row.payload) for row in rows]
            self._send(liar, victim, "replay", envelopes)

    def _jump(self, liar: Machine, victim: Machine) -> None:
        """B9: the last number there is, and one beyond."""
        log = self._log(liar, victim, own=True)
        if log is None:
            return
        header = self._next(liar, log)._replace(seq=2**32 - 1)
        self._send(liar, victim, "jump", [self._seal(liar, header)])
        raw = headers.encode(header._replace(seq=2**63, key_id=bytes(32), payload_hash=bytes(32), suite=1))
        self._send(liar, victim, "jump beyond", [Envelope(raw, b"x", bytes(32), b"")], "malformed")

    def _wrong_prev(self, liar: Machine, victim: Machine) -> None:
        log = self._log(liar, victim, own=True)
        if log is not None:
            header = self._next(liar, log)._replace(prev=self.random.randbytes(32))
            self._send(liar, victim, "wrong prev", [self._seal(liar, header)], "wrong_prev")

    def _foreign_line(self, liar: Machine, victim: Machine) -> None:
        """A record that is none of the victim's business (I4)."""
        logs = [log for log in liar.office.logs.index.author(liar.code) if log.seq]
        logs = sorted((log for log in logs if log.key.line.path == (liar.code,)), key=lambda log: log.log_no)
        if logs and not logs[0].key.line.subtree:
            self._send(
                liar, victim, "foreign line", [self._record(liar, logs[0]).envelope], "foreign_line"
            )

    def _wrong_side(self, liar: Machine, victim: Machine) -> None:
        """A child hands its parent what came from above."""
        if victim.code != liar.parent or not victim.parent:
            return
        logs = [log for log in liar.office.logs.index.link(victim.code) if log.key.author == victim.parent and log.seq]
        if logs:
            self._send(liar, victim, "wrong side", [self._record(liar, logs[0]).envelope], "wrong_side")

    def _fork(self, liar: Machine, victim: Machine) -> None:
        """B7: two records under one number, one for the victim, one for everybody."""
        log = self._log(liar, victim, own=True)
        if log is None or log.frozen or liar.office.author.recovering or liar.office.author.skew_ms:
            return
        if log.log_id in self.sim.watch.forked_logs() or liar.inbox:
            return
        envelope = self._seal(liar, self._next(liar, log)._replace(hlc_ms=self.sim.now_ms, claimed_ms=self.sim.now_ms))
        other = open_envelope(liar.office.keyring.suites, envelope)
        watch = self.sim.watch
        watch.seal(other.record_id, other.header, tuple(envelope))
        branches = {other.record_id}
        watch.fork(log.log_id, other.header.seq, branches)

        def write() -> None:
            record = liar.office.author.write(Kind.PROGRESS, log.key.line, Act(text="另一份"), item=bytes(32))
            if record.header.log_id == log.log_id and record.header.seq == other.header.seq:
                watch.seal(record.record_id, record.header, tuple(record.envelope))
                branches.add(record.record_id)

        if self.random.random() < 0.5:
            self._send(liar, victim, "fork", [envelope])
            self._write(liar, "fork of its own", write)
        else:
            self._write(liar, "fork of its own", write)
            self.sim.after(2_000, partial(self._show, liar, victim, envelope))

    def _show(self, liar: Machine, victim: Machine, envelope: Envelope) -> None:
        stream = self._stream(liar)
        if stream is not None and stream.other(liar.code) is victim:
            self._send(liar, victim, "fork", [envelope])

    # -- wrong meaning: stored, without effect --------------------------------------------------------------------

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
        kind = self.random.choice([Kind.ACCEPT, Kind.CLOSE, Kind.RETURN, Kind.CHANGE, Kind.CANCEL, Kind.TAKE_OVER])
        act = Act(text="自行销号", due_day=40_000)
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

    # -- wrong frames ---------------------------------------------------------------------------------------------

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
        """Attachments arrive altered for a while."""
        self._corrupt.add(liar.code)
        self.sim.after(10_000, partial(self._corrupt.discard, liar.code))
