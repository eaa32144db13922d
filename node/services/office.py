"""The office: all services of one node, composed, and the step — the one transaction everything happens in.

Rules of this file:

1. `step` runs events inside one durable transaction; what they produce leaves only after its commit (I2).
2. A command that is refused leaves no trace; any other exception rolls the whole step back, rebuilds memory from the
   store (crash-only) and runs the events one by one, so that one poisonous event stops nobody else.
3. Projections follow in a transaction of their own that need not be durable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from node.errors import DulianError, ForbiddenError, InputError, LocalError, StoreError
from node.items.fold import ItemState
from node.items.guards import answers
from node.records.keyring import Keyring
from node.records.kinds import Channel, Kind
from node.records.payload import Act
from node.records.suite import Suites
from node.services.board.project import Projector
from node.services.care.alarms import Alarms
from node.services.exchange.attachments import Attachments
from node.services.exchange.author import Author
from node.services.exchange.enrol import Enrolment, LinkCa
from node.services.exchange.intake import CHECKS, Checks, Intake, Opened, Parts
from node.services.exchange.links import Links
from node.services.exchange.logs import Logs
from node.services.exchange.marks import Marks
from node.services.exchange.receipts import Receipts
from node.services.exchange.staleness import Staleness
from node.services.exchange.trust import Trust, fill_keyring
from node.services.health import Health
from node.services.identity import Identity, World
from node.services.matters import acting, ruling
from node.services.matters.carrying import Carrying
from node.services.matters.desk import Caller, Desk, act, state_of
from node.services.matters.rulebook import Rulebook
from node.services.matters.sharing import opener
from node.services.mending import comeback, lost_logs
from node.services.mending.forks import Forks
from node.services.mending.reconcile import Reconcile
from node.services.mending.recovery import Recovery
from node.services.mending.repair import Repairs
from node.services.mending.tail import Tail, TailFile
from node.services.mending.witness import Witness
from node.services.outputs import Outputs
from node.services.views.browse import View
from node.services.views.truth import FRESH_MS
from node.storage.blobs import Blobs
from node.storage.port import BoardQuery, BoardRow, Meta, Store
from node.sync import frames
from node.sync.limits import LinkLimits

Event = Callable[[], None]
NODE = Caller("", Channel.NODE)
_MARK_AFTER_CHANGE_MS = 1_000
_PROBE_META = "probe"
_MARKS_PER_FRAME = 1_000


class Office:
    """One node's services over one store."""

    def __init__(
        self, identity: Identity, world: World, suites: Suites, store: Store, blobs: Blobs, limits: LinkLimits,
        ca: LinkCa, address: str, checks: Checks = CHECKS, mark_interval_ms: int = 60_000,
        fresh_ms: int = FRESH_MS, tail: TailFile | None = None,
    ) -> None:  # fmt: skip
        """Read everything from the store; PeerError where the own certificate chain does not hold.

        ``tail``: where the newest own record is kept beside the store.
        """
        self.identity, self.world = identity, world
        self.store, self.blobs = store, blobs
        self.limits, self._suites = limits, suites
        self._ca, self._address = ca, address
        self._checks = checks
        self._mark_interval_ms = mark_interval_ms
        self.fresh_ms = fresh_ms  # older data say nothing of today: 数据过期 (faults.md B8)
        self._tail_file = tail
        self._tail_checked = tail is None
        self._abandoned = Outputs()
        self._clashed = False  # records stood where none should be: the log table is not believed any more
        self._stale = False  # memory is that of an abandoned step: the store could not be read since
        self._lost_sessions: list[int] = []  # whose machines were part of such memory, not told yet
        self.health = Health()
        self.keeps_news = False  # set by who watches the board: `news` then collects the items that changed on it
        self.news: list[bytes] = []
        self.load()

    def load(self) -> None:
        """Build all memory from the store."""
        store, identity, world = self.store, self.identity, self.world
        lost = lost_logs.put_back(store, world, identity.code, self._suites, heads=self._clashed)
        self.alarms = Alarms(store, world)
        self.logs = Logs(store, identity.path)
        self.keyring = Keyring(self._suites, identity.federation)
        fill_keyring(self.keyring, store, self.logs)
        self.logs.tally = self.health.accepted
        self.author = Author(identity, world, store, self.logs)
        self.tail = Tail(self._tail_file, identity, self.logs, self.author, self.alarms) if self._tail_file else None
        self.rulebook = Rulebook(store, identity.code)
        self.projector = Projector(store, self.logs, self.alarms, rules_came=self.rulebook.forget)
        self.trust = Trust(store, self.keyring)
        self.receipts = Receipts(identity, world, store, self.logs, self.keyring)
        self.marks = Marks(identity, world, store, self.logs, self.keyring, self.alarms)
        self.attachments = Attachments(identity, store, self.logs, self.blobs, self.alarms, self.limits)
        self.enrolment = Enrolment(
            identity, world, store, self.keyring, self.author, self.trust, self.alarms, self._ca, self._address
        )
        self.forks = Forks(identity, world, store, self.logs, self.keyring, self.author, self.alarms)
        self.witness = Witness(identity.code, store, self.logs, self.author, self.forks)
        parts = Parts(
            identity, world, store, self.logs, self.keyring, self.author, self.alarms, self.limits, self.forks
        )
        self.intake = Intake(parts, self._checks)
        self.links = Links(parts, self.intake, self.receipts, self.marks, self.attachments, self.trust)
        self.repairs = self.links.repairs = Repairs(parts, self.projector)
        self.repairs.suspected = lost  # of logs made anew nothing but the end was looked at
        self.reconcile = Reconcile(parts, self.links, self.repairs, self.attachments, self.marks, self.blobs)
        self.intake.refusals = self.health.refused
        self.recovery = Recovery(identity, store, self.logs, self.keyring, self.author, self.alarms)
        self.rests = False  # the copy that was not chosen, and has said everything (R3)
        self.calendar = self.rulebook.calendar()  # read by other threads too: never changed, only replaced
        self.desk = Desk(identity, world, store, self.logs, self.keyring, self.author, self.projector, self.rulebook)
        self.staleness = Staleness(identity, world, self.keyring, self.marks, self.alarms, self.fresh_ms)
        self._marked_ms = 0
        self._mark_due = True
        self._cascades: list[ItemState] = []
        self.sharing = Carrying(identity.code)
        self._scan_due = True  # a crash may have left followups undone; the board tells once it is up to date

    # -- the step -------------------------------------------------------------------------------------------------

    def step(self, events: Sequence[Event]) -> Outputs:
        """Run events in one transaction and return what may leave now."""
        self._refresh()
        try:
            return self._tell_lost(self._transaction(events))
        except StoreError as error:
            self._clashed |= error.code == "conflict"
            self._abandoned = self._abandon()
            raise
        except Exception as error:
            out = self._abandon()
            if len(events) <= 1:
                if not isinstance(error, DulianError):
                    self._say_internal(error)
                self._abandoned = out
                raise
            for event in events:
                self._one_by_one(event, out)
            return out

    def take_abandoned(self) -> Outputs:
        """What is left to tell after `step` raised: the sessions that were closed with it."""
        out, self._abandoned = self._abandoned, Outputs()
        return out

    def command(self, run: Callable[[], object], done: Callable[[object, DulianError | None], None]) -> Event:
        """An event that runs a command and answers after the commit; a refused command leaves no trace."""

        def event() -> None:
            point = self.logs.savepoint()
            try:
                answer: object = run()
            except (LocalError, StoreError):
                raise  # no refusal: a store that failed must take back the whole step
            except DulianError as error:
                refused = error
                self.logs.undo(point)
                self.links.out.after_commit.append(lambda: done(None, refused))
            else:
                self.links.out.after_commit.append(lambda: done(answer, None))

        return event

    def project(self, *, force: bool = False, texts: bool = False, gather: bool = False) -> int:
        """Bring the board up to date; the number of records projected (``force``, ``texts``: also what was left,
        ``gather``: more comes at once, the text index may wait for it).
        """
        if not (force or texts or self._scan_due or self.logs.fresh or self.projector.has_news(gather=gather)):
            return 0
        self._refresh()
        self.store.begin(durable=False)
        try:
            seen = self.projector.run()
            self._after_projection()
            self.projector.index(seen, on=texts, gather=gather)
            self.store.commit(durable=False)
        except Exception:
            self._abandoned = self._abandon()
            raise
        return seen

    def view(self) -> View:
        """What browsing needs besides the store."""
        return View(
            self.identity.code, self.name_of, self.marks.as_of_ms, self._delivered, self.world.clock.now_ms(),
            self.calendar, opener(self.keyring), self.fresh_ms, keyring=self.keyring,
        )  # fmt: skip

    def name_of(self, code: str) -> str:
        """The certified name of an office; its code where it has not joined."""
        key = self.keyring.current(code)
        return key.name if key else code

    # -- events ---------------------------------------------------------------------------------------------------

    def opened(self, number: int, peer: str, *, my_tls: bytes, peer_tls: bytes, tls_expires_ms: int) -> None:
        """A channel to a neighbour is there."""
        self.links.open(number, peer, my_tls=my_tls, peer_tls=peer_tls, tls_expires_ms=tls_expires_ms)

    def received(self, number: int, frame: frames.Frame, opened: Opened | None = None) -> None:
        """A frame came in; ``opened`` is what `links.read_ahead` read of it ahead."""
        self.links.receive(number, frame, opened)

    def tick(self) -> None:
        """About every second: timers of links, marks, recovery."""
        self.health.recovering = comeback.cause(self.author.recovering)
        self.links.tick()
        self.reconcile.tick()
        now_ms = self.world.clock.now_ms()
        self._marked_ms = min(self._marked_ms, now_ms)  # the clock may have been set back
        neighbours = self.neighbours()
        sessions = [session for peer in neighbours if (session := self.links.session_of(peer)) is not None]
        for session in self.recovery.settled(sessions, neighbours):
            for log in self.receipts.missing(session.peer):
                session.machine.offer_last(log)
        if self.author.recovering:
            self.recovery.attempt(sessions, now_ms, alone=not neighbours)
        self.rests = self.recovery.rests(sessions)
        self.recovery.forget(now_ms)
        due = self._marked_ms + (_MARK_AFTER_CHANGE_MS if self._mark_due else self._mark_interval_ms)
        if now_ms >= due and self.identity.parent and not self.author.recovering:
            self._mark_due = False
            self._marked_ms = now_ms
            self.marks.write()
        self.staleness.tick(self.name_of)
        self.attachments.retry()
        self.witness.tick()
        self.enrolment.tick()

    def probe(self) -> None:
        """Write something small: shows whether the disk takes it, and ends the fault of one that did not (D4, D6)."""
        self.store.put([Meta(_PROBE_META, b"%d" % self.world.clock.now_ms())])
        self.links.out.after_commit.append(self.health.works)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _transaction(self, events: Sequence[Event]) -> Outputs:
        self.store.begin()
        if self.tail is not None and not self._tail_checked:
            self.tail.check()
        # First of all: what the node itself owes to the state as last projected (送达 before the 签收 of a command).
        self._write_followups()
        for event in events:
            event()
        self._finish()
        self.store.commit(durable=True)
        if self.tail is not None:
            self._tail_checked = True
            self.tail.keep()
        return self.links.take_outputs()

    def _finish(self) -> None:
        """Before the commit: links hear of what grew, promises are weighed, requests and marks are passed on."""
        authors = {advance.log.key.author for advance in self.logs.advances if advance.source}
        own = [advance.log for advance in self.logs.advances if not advance.source]
        if own:
            self._mark_due = True
            if self.tail is not None:
                self.tail.note(own[-1])
        self.marks.weigh_advanced(authors)
        self.reconcile.finish_step()
        self.links.finish_step()
        for peer, frame in self.attachments.outbox:
            self.links.send(peer, frame)
        self.attachments.outbox.clear()
        for start in range(0, len(self.marks.outbox), _MARKS_PER_FRAME):
            marks = tuple(self.marks.outbox[start : start + _MARKS_PER_FRAME])
            self.links.send(self.identity.parent, frames.Marks(marks))
        self.marks.outbox.clear()

    def _after_projection(self) -> None:
        """Folded items may call for a record of this node itself (送达, cascading 撤销): queued for the next step."""
        me = self.identity.code
        if self._scan_due:
            self._cascades = self._scan_followups()
            self.sharing.scan(self.store)
            self._scan_due = False
            self.attachments.settle()
            self.projector.changed.clear()
        for state in self.projector.changed:
            to_deliver = state.state == "assigned" and state.kind == "assignment" and state.receiver == me
            cancelled = state.state == "cancelled" and state.receiver == me and state.kind == "assignment"
            if to_deliver or cancelled:
                self._cascades.append(state)
            self.sharing.notice(state)
        if self.keeps_news:
            self.news += [state.item_id for state in self.projector.changed]
        self.projector.changed.clear()
        if self.projector.new_rules:
            self.projector.new_rules = False
            self.calendar = self.rulebook.calendar()
            ruling.propose_changes(self.desk)
        if self.projector.new_blobs:
            self.attachments.noticed(self.projector.new_blobs)
            self.projector.new_blobs.clear()

    def has_followups(self) -> bool:
        """Whether the next step has records of the node itself to write, or requests to send."""
        written = bool(self._cascades) or self.sharing.waits or self.witness.waits
        return bool(self.attachments.outbox) or (written and not self._silent())

    def _scan_followups(self) -> list[ItemState]:
        """What a crash between projection and the next step left undone: 送达 not written, 撤销 not carried down."""
        me = self.identity.code
        rows = [row for state in ("assigned", "cancelled") for row in self.store.board_query(BoardQuery(state, me))]
        mine = [row for row in rows if row.receiver == me and row.kind == "assignment"]
        return [state_of(self.store, row.item_id) for row in mine]

    def _write_followups(self) -> None:
        if self._silent():
            return
        followups, self._cascades = self._cascades, []
        for old in followups:
            try:
                if old.state == "assigned":
                    act(self.desk, old, Kind.DELIVERED, Act(), answers(old, Kind.DELIVERED), NODE)
                else:
                    acting.cancel_below(self.desk, old, NODE)
            except (ForbiddenError, InputError) as error:
                # What cannot be written (a frozen log) must not stop everything else.
                self.alarms.raise_("followup", old.item_id.hex()[:16], f"本机应自动办理而未能办理：{error.text}")
        self.witness.run()
        for failed in self.sharing.run(self.desk):
            self.alarms.raise_("followup", "enclose", f"本机应转送而未能转送：{failed.text}")

    def neighbours(self) -> list[str]:
        """Codes of the parent and of all children."""
        children = self.keyring.children(self.identity.code)
        return [self.identity.parent, *children] if self.identity.parent else children

    def _delivered(self, row: BoardRow) -> bool:
        """Whether the next hop towards the receiver has receipted the opening record."""
        path = row.path.split("/")
        me = self.identity.code
        if me not in path or me == path[-1] or row.issuer in path[path.index(me) + 1 :]:
            return True  # what was opened below does not pass here on its way
        hop = path[path.index(me) + 1]
        return self.receipts.acked_by_no(hop, row.opened_log_no) >= row.opened_seq

    def _silent(self) -> bool:
        return bool(self.author.recovering or self.author.skew_ms)

    def _one_by_one(self, event: Event, out: Outputs) -> None:
        try:
            one = self._transaction([event])
        except Exception as error:  # noqa: BLE001 - the poisonous event is named and dropped, the others go on
            self._abandon()
            self._say_internal(error)
            out.failed.append((event, error))
            return
        out.frames += one.frames
        out.closes += one.closes
        out.after_commit += one.after_commit

    def _say_internal(self, error: Exception) -> None:
        self.store.begin()
        self.alarms.raise_("internal", type(error).__name__, f"内部错误，一项操作被撤销：{error}")
        self.store.commit(durable=True)

    def _abandon(self) -> Outputs:
        """Roll back, rebuild memory, and close every session (their machines were part of the lost memory)."""
        self._lost_sessions += self.links.session_numbers()
        self._stale = True
        self._refresh()
        return self._tell_lost(self.links.take_outputs())

    def _refresh(self) -> None:
        """Memory as the store has it, where a step was abandoned; StoreError while the store cannot be read.

        Until this has worked nothing else may be done: heads, numbers and answers in memory are of what never was.
        """
        if self._stale:
            self.store.rollback()
            self.load()
            self._stale = False

    def _tell_lost(self, out: Outputs) -> Outputs:
        numbers, self._lost_sessions = self._lost_sessions, []
        out.closes += [(number, "restart") for number in numbers]
        return out
