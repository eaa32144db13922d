"""Lies in records: forged, altered, out of number, off the line, forked (faults.md B1-B3, B7, B9, B15)."""

from __future__ import annotations

from functools import partial

from node.records import header as headers
from node.records import notes
from node.records.envelope import RECORD_PREFIX, Envelope, open_envelope, seal
from node.records.kinds import Kind
from node.records.payload import Act
from node.sync import frames
from tests.sim.suite import CheapSigner
from tests.sim.tongue import Lie, Tongue
from tests.sim.world import Machine, signer_for


class RecordLies(Tongue):
    """None of these records may be stored; a fork is kept on both sides."""

    def record_lies(self) -> list[Lie]:
        """All of them; forks twice as often."""
        return [
            self._forged_author, self._forged_key, self._unknown_key, self._altered_payload, self._altered_header,
            self._withheld_payload, self._cross_protocol, self._far_future, self._replayed, self._jump,
            self._wrong_prev, self._foreign_line, self._wrong_side, self._fork, self._fork,
        ]  # fmt: skip

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
