"""Links: carries out what the link machines ask for; one session per connection.

Rules: effects are carried out in order inside the step's transaction; frames leave after its commit; a neighbour's
fault closes its own session and nothing else; the newest session of a neighbour replaces an older one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from node import __version__
from node.errors import PeerError
from node.records import notes
from node.records.envelope import Envelope, bytes_of, open_envelope
from node.services.board.project import envelope_of
from node.services.exchange.attachments import Attachments
from node.services.exchange.intake import Intake, Opened, Parts
from node.services.exchange.marks import Marks
from node.services.exchange.receipts import Receipts
from node.services.exchange.session import Session
from node.services.exchange.trust import Trust
from node.services.outputs import Outputs
from node.storage.port import Fork, Peer
from node.sync import effects as do
from node.sync import frames, reasons
from node.sync.effects import Effect
from node.sync.link import LinkMachine, Phase

if TYPE_CHECKING:
    from node.services.mending.reconcile import Reconcile
    from node.services.mending.repair import Repairs

_CONTACT_KEPT_MS = 60_000  # how far the last contact kept on disk may be behind
_FORKS_SHOWN = 4
_FORK_DEPTH = 64  # records before a fork that are shown with it
_FLOOD_PAUSE_MS = 60_000  # so long a neighbour that flooded is not heard: limits hold across its connections
_REQUESTS_PER_STEP = 8  # pieces of attachments served in one step, in times what may be under way


class Links:
    """All sessions of this node."""

    def __init__(
        self, parts: Parts, intake: Intake, receipts: Receipts, marks: Marks, attachments: Attachments, trust: Trust
    ) -> None:
        """Nothing is connected."""
        self._p = parts
        self._intake = intake
        self._receipts = receipts
        self._marks = marks
        self._attachments = attachments
        self._trust = trust
        self._sessions: dict[int, Session] = {}
        self._by_peer: dict[str, Session] = {}
        self._touched: dict[int, Session] = {}
        self._paused: dict[str, int] = {}  # neighbour that flooded → until when (ms) it is not heard
        self.last_contact: dict[str, int] = {}
        self._contact_kept: dict[str, int] = {}
        self.out = Outputs()
        self.repairs: Repairs | None = None  # knows what must not be sent; set at composition
        self.reconcile: Reconcile | None = None  # registers itself

    # -- events ---------------------------------------------------------------------------------------------------

    def open(self, number: int, peer: str, *, my_tls: bytes, peer_tls: bytes, tls_expires_ms: int) -> None:
        """A channel to ``peer`` is there (SHA-256 of both TLS certificates; ours dials when the peer is the parent)."""
        p = self._p
        now_ms = p.world.clock.now_ms()
        dials = peer == p.identity.parent
        machine = LinkMachine(dials=dials, heads=p.logs.index.link(peer), limits=p.limits, now_ms=now_ms)
        session = Session(number, peer, machine, my_tls, peer_tls, tls_expires_ms, now_ms=now_ms)
        self._sessions[number] = session
        if now_ms < self._paused.get(peer, 0) <= now_ms + _FLOOD_PAUSE_MS:
            self._close(session, "busy", "")
        elif not dials:
            self._greet(session)

    def read_ahead(self, frame: frames.Frame) -> Opened | None:
        """What of a frame can be read ahead, in any thread, before `receive` is called with it."""
        return self._intake.read_ahead(frame.records) if isinstance(frame, frames.Batch) else None

    def receive(self, number: int, frame: frames.Frame, opened: Opened | None = None) -> None:
        """A frame of a session."""
        session = self._sessions.get(number)
        if session is None:
            return
        now_ms = self._p.world.clock.now_ms()
        self.last_contact[session.peer] = session.now_ms = now_ms
        session.heard = type(frame).__name__
        if isinstance(frame, frames.Hello) and not session.greeted:
            # A dialler learns the listener's TLS certificate from its hello, and answers over both.
            session.peer_tls = frame.tls_sha256
            self._greet(session)
        self._intake.ahead = opened
        self._perform(session, session.machine.receive(frame, now_ms))
        self._intake.ahead = None
        self._touched[number] = session

    def malformed(self, number: int, error: PeerError) -> None:
        """Bytes came that are not a frame: kept as evidence, the session ends."""
        session = self._sessions.get(number)
        if session is not None:
            self._p.alarms.keep_evidence(session.peer, error.code, error.detail or error.text, error.evidence)
            self._close(session, error.code, "peer")

    def lost(self, number: int) -> None:
        """The channel of a session is gone."""
        session = self._sessions.pop(number, None)
        if session is None:
            return
        session.machine.lost()
        self._touched.pop(number, None)
        if self._by_peer.get(session.peer) is session:
            del self._by_peer[session.peer]
            self._attachments.disconnected(session.peer)
            self._keep_contact(session.peer, 0)
            if self.reconcile:
                self.reconcile.lost(session.peer)

    def tick(self) -> None:
        """About every second."""
        now_ms = self._p.world.clock.now_ms()
        for session in list(self._sessions.values()):
            if session.tls_expires_ms and now_ms > session.tls_expires_ms:
                self._close(session, "tls_expired", "peer")
                continue
            self._perform(session, session.machine.tick(now_ms))
            self._touched[session.number] = session
        for peer in self._by_peer:
            self._keep_contact(peer, _CONTACT_KEPT_MS)

    def drain(self) -> None:
        """This node stops: receipts first, then goodbye."""
        for session in list(self._sessions.values()):
            self._perform(session, session.machine.drain("shutdown"))

    def finish_step(self) -> None:
        """Before the commit: tell every link what grew, give receipts, load what is next."""
        for advance in self._p.logs.advances:
            for session in self._sessions.values():
                if advance.log.log_id in self._p.logs.index.link(session.peer):
                    own = advance.source == session.peer
                    session.machine.log_advanced(advance.log, advance.previous_seq, from_this_peer=own)
                    self._touched[session.number] = session
        self._p.logs.advances.clear()
        self._p.logs.flush()
        touched, self._touched = list(self._touched.values()), {}
        for session in touched:
            session.served = 0
            self._perform(session, session.machine.flush())
            if session.machine.wants_more():
                self._touched[session.number] = session
                self.out.again = True

    def session_numbers(self) -> list[int]:
        """Numbers of all sessions."""
        return list(self._sessions)

    def session_of(self, peer: str) -> Session | None:
        """The established session with a neighbour, or None."""
        return self._by_peer.get(peer)

    def send(self, peer: str, frame: frames.Frame) -> bool:
        """Send a frame to a neighbour if it is connected."""
        if (session := self._by_peer.get(peer)) is not None:
            self.out.frames.append((session.number, frame))
        return session is not None

    def recompare(self, peer: str) -> None:
        """Compare all heads with a neighbour again."""
        if (session := self._by_peer.get(peer)) is not None:
            self._perform(session, session.machine.recompare())

    def take_outputs(self) -> Outputs:
        """What the step produced; a new empty one takes its place."""
        out, self.out = self.out, Outputs()
        return out

    def _perform(self, session: Session, effects: list[Effect]) -> None:
        queue = list(effects)
        while queue:
            effect = queue.pop(0)
            queue = self._carry_out(session, effect) + queue
            if session.extra:
                queue += session.extra
                session.extra = []

    def _carry_out(self, session: Session, effect: Effect) -> list[Effect]:
        match effect:
            case do.Send(frame):
                self.out.frames.append((session.number, frame))
            case do.Load():
                return session.machine.loaded(self._load(session.peer, effect), self._p.world.clock.now_ms())
            case do.ShowFork(log_id, seq):
                self.out.frames.append((session.number, frames.Batch(self._sides(log_id, seq))))
            case do.Admit(records):
                self._intake.admit(session.peer, records, session)
            case do.GiveReceipt(heads):
                note = self._receipts.give(session.peer, heads)
                self.out.frames.append((session.number, frames.ReceiptFrame(note)))
            case do.NoteReceipt(note):
                return self._note_receipt(session, note)
            case do.CheckHello(hello):
                return self._check_hello(session, hello)
            case do.SendChain():
                chain = tuple(self._trust.chain_envelopes(self._p.identity.code))
                self.out.frames.append((session.number, frames.Chain(chain)))
            case do.LearnChain(certificates):
                return self._learn_chain(session, certificates)
            case do.Established(skew_ms):
                self._established(session, skew_ms)
            case do.NoteClock(skew_ms):
                self._note_clock(session, skew_ms)
            case do.InSync():
                session.synced = True
                self._attachments.connected(session.peer)
                if self.reconcile:
                    self.reconcile.connected(session.peer)
                for log in self._receipts.missing(session.peer):
                    session.machine.offer_last(log)
            case do.LearnMarks(marks):
                self._marks.learn(session.peer, marks)
            case do.SendMarks():
                for frame in self._marks.frames_for_parent():
                    self.out.frames.append((session.number, frame))
            case do.ServeBlob(request):
                session.served += 1
                if session.served > _REQUESTS_PER_STEP * self._p.limits.blob_requests_max:
                    return self._fault(session, PeerError("请求附件过多", code="flood"))
                self.out.frames.append((session.number, self._attachments.serve(session.peer, request)))
            case do.StoreBlob(chunk):
                self._attachments.store(session.peer, chunk)
            case do.Reconciles(frame):
                session.served += 1
                if session.served > _REQUESTS_PER_STEP * self._p.limits.blob_requests_max:
                    return self._fault(session, PeerError("对账请求过多", code="flood"))
                if self.reconcile is not None and self._by_peer.get(session.peer) is session:
                    self.reconcile.receive(session.peer, frame)
            case do.ReportRefusal(log_id, seq, reason):
                self._report_refusal(session, log_id, seq, reason)
            case do.Close(reason, fault):
                if fault == "peer" and reason != "timeout":
                    self._p.alarms.keep_evidence(session.peer, reason, f"closed after {session.heard}", b"")
                self._close(session, reason, fault)
        return []

    def _load(self, peer: str, effect: do.Load) -> list[tuple[bytes, list[Envelope], int]]:
        """Read the next records of the wanted logs within the byte and record limits, in the order wanted."""
        self._p.logs.flush()
        left_bytes, left_records = effect.bytes_max, effect.records_max
        found: list[tuple[bytes, list[Envelope], int]] = []
        for log_id, after_seq in effect.wants:
            log = self._p.logs.index.get(log_id)
            may = log is not None and self._receipts.may_send(peer, log)
            rows = self._p.store.run(log.log_no, after_seq, left_records, left_bytes) if log and may else []
            if log is not None and may and self.repairs is not None:
                rows = self.repairs.sound(log, after_seq, rows)
            run = [envelope_of(row) for row in rows]
            found.append((log_id, run, rows[-1].seq if rows else after_seq))
            left_records, left_bytes = left_records - len(run), left_bytes - bytes_of(run)
            if left_records <= 0 or left_bytes <= 0:
                break
        return found

    def _sides(self, log_id: bytes, seq: int) -> tuple[Envelope, ...]:
        """Our records up to a number of a log, from before its first known fork on, and the other side of its forks.

        Where two branches part is seen only by showing what lies before; a long way back takes several connections.
        """
        log = self._p.logs.index.get(log_id)
        if log is None:
            return ()
        self._p.logs.flush()
        forks = self._p.store.rows(Fork, log_no=log.log_no)[:_FORKS_SHOWN]
        first = min(seq, *(fork.seq for fork in forks)) if forks else seq
        count = min(_FORK_DEPTH, self._p.limits.batch_records_max - len(forks) - 1)
        rows = self._p.store.run(log.log_no, max(0, first - count), count, self._p.limits.batch_bytes_max)
        if all(row.seq != seq for row in rows):
            rows += self._p.store.records_at([(log.log_no, seq)])
        rows = [row for row in rows if self.repairs is None or self.repairs.is_whole(log, row)]
        return tuple(envelope_of(row) for row in rows) + tuple(envelope_of(fork) for fork in forks)

    def _check_hello(self, session: Session, hello: frames.Hello) -> list[Effect]:
        p = self._p
        try:
            if hello.federation != p.identity.federation:
                raise PeerError("对方不属于本联通体系", code="foreign_federation")
            if hello.office != session.peer:
                detail = f"{hello.office} is not {session.peer}"
                raise PeerError("对方单位与证书不符", code="wrong_office", detail=detail)
            proof = notes.open_channel(p.keyring, hello.channel)
        except PeerError as error:
            if error.code == "unknown_key" and not session.asked_chain:
                session.asked_chain = True
                return [do.Send(frames.ChainRequest())]
            return self._fault(session, error)
        good = (
            proof.speaker == session.peer
            and proof.listener == p.identity.code
            and proof.listener_tls_sha256 == session.my_tls
            and proof.speaker_tls_sha256 == session.peer_tls
        )
        if not good:
            return self._fault(session, PeerError("通道身份未能证实", code="channel", evidence=hello.channel.body))
        return session.machine.accepted(p.world.clock.now_ms())

    def _learn_chain(self, session: Session, certificates: tuple[Envelope, ...]) -> list[Effect]:
        hello = session.machine.peer_hello
        if hello is None or not session.asked_chain:
            return [do.Close("protocol", "peer")]
        try:
            for envelope in certificates:
                self._p.keyring.learn(open_envelope(self._p.keyring.suites, envelope))
        except PeerError as error:
            return self._fault(session, error)
        return self._check_hello(session, hello)

    def _established(self, session: Session, skew_ms: int) -> None:
        p = self._p
        older = self._by_peer.get(session.peer)
        if older is not None and older is not session:
            self._close(older, "replaced", "")  # first: what was under way over it (repair, a run) ends with it
        self._by_peer[session.peer] = session
        self.last_contact[session.peer] = p.world.clock.now_ms()
        self._keep_contact(session.peer, 0)
        self._trust.tls_used(session.peer, session.peer_tls, p.world.clock.now_ms())
        p.alarms.clear("link_fault", session.peer)
        self.out.established.append(session.peer)
        self._note_clock(session, skew_ms)

    def _keep_contact(self, peer: str, at_least_ms: int) -> None:
        """Write the last contact down where it is later than what is kept: a restart must not say 从未联通."""
        at_ms = self.last_contact.get(peer, 0)
        if at_ms > self._contact_kept.get(peer, 0) + at_least_ms:
            self._contact_kept[peer] = at_ms
            if row := self._p.store.get(Peer, peer):
                self._p.store.put([replace(row, last_contact_ms=max(at_ms, row.last_contact_ms))])

    def _note_clock(self, session: Session, skew_ms: int) -> None:
        """Off against the parent's clock beyond the limit, this node says so and does not author (section 3)."""
        p = self._p
        if session.peer == p.identity.parent:
            p.author.measured_ms = skew_ms
            off = abs(skew_ms) > p.limits.clock_wait_ms
            p.author.skew_ms = skew_ms if off else 0
            if off:
                text = f"本机时钟与上级相差 {skew_ms // 1000} 秒，已暂停签发，请校时"
                p.alarms.raise_("clock_skew", p.identity.code, text)
            else:
                p.alarms.clear("clock_skew", p.identity.code)

    def _note_receipt(self, session: Session, note: notes.Signed) -> list[Effect]:
        try:
            heads = self._receipts.note(session.peer, note)
        except PeerError as error:
            return self._fault(session, error)
        session.machine.receipted(heads, self._p.world.clock.now_ms())
        return []

    def _report_refusal(self, session: Session, log_id: bytes, seq: int, reason: str) -> None:
        """Refusals in either direction; passing reasons are no alarm."""
        log = self._p.logs.index.get(log_id)
        if self.repairs is not None and reason in ("payload_mismatch", "malformed", "bad_signature", "wrong_prev"):
            self.repairs.suspected = True  # perhaps what is stored here is not what was once signed
        if reason in reasons.PASSING or reason in ("gap", "wrong_prev", "fork", "frozen") or log is None:
            return
        text = f"{session.peer} 与本机之间有记录被拒（{reasons.label(reason)}）：{log.key.author} 第 {seq} 号"
        self._p.alarms.raise_("rejected_log", log_id.hex()[:16], text)

    def _fault(self, session: Session, error: PeerError) -> list[Effect]:
        self._p.alarms.keep_evidence(session.peer, error.code, error.detail or error.text, error.evidence)
        self._close(session, error.code, "peer")
        return []

    def _close(self, session: Session, reason: str, fault: str) -> None:
        if fault == "peer" and reason != "timeout":
            self._p.alarms.raise_("link_fault", session.peer, f"与 {session.peer} 的联通中断：{reasons.label(reason)}")
        if fault == "peer" and reason == "flood":
            self._paused[session.peer] = self._p.world.clock.now_ms() + _FLOOD_PAUSE_MS
        if session.close_reason:
            return
        session.close_reason = reason or "closed"
        if session.machine.phase is not Phase.CLOSED:
            session.machine.lost()
        self.out.closes.append((session.number, reason))
        self.lost(session.number)

    def _greet(self, session: Session) -> None:
        p = self._p
        session.greeted = True
        channel = notes.Channel(p.identity.code, session.peer, session.my_tls, session.peer_tls)
        hello = frames.Hello(
            version_min=0, version_max=0, federation=p.identity.federation, office=p.identity.code,
            chain_hash=self._trust.chain_hash(p.identity.code),
            channel=notes.sign_channel(p.identity.signer, p.identity.federation, channel),
            tls_sha256=session.my_tls, heads_digest=b"", logs=0, marks_digest=self._marks.digest(session.peer),
            now_ms=p.world.clock.now_ms(), window_bytes=p.limits.window_bytes, software=__version__,
        )  # fmt: skip
        self._perform(session, session.machine.start(hello))
