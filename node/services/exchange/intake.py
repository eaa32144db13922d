"""Intake: foreign records from a neighbour, verified by runs, stored or refused with a reason (I1, I5).

Rules: what fails is refused per log, and the other logs of the batch go on; a record already held is answered with the
same receipt again; two different, individually verified headers under one number freeze that log and are kept; a
verified record of this office that it lacks proves that it was rolled back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from node.errors import PeerError
from node.records.chain import check_run, check_signature
from node.records.envelope import Envelope, Record, open_envelope, to_bytes
from node.records.header import decode as decode_header
from node.records.keyring import Key, Keyring
from node.records.kinds import Kind
from node.records.payload import KnownHead
from node.records.suite import Suites, Verify
from node.services.care.alarms import Alarms
from node.services.exchange.author import Author
from node.services.exchange.enrol import warn_new_key
from node.services.exchange.logs import Logs
from node.services.identity import Identity, World
from node.services.mending import clones
from node.services.mending.forks import Forks
from node.storage.port import Fork, Store
from node.sync import reasons
from node.sync.admission import admit_log, admit_time
from node.sync.heads import LogState
from node.sync.limits import LinkLimits

_CERTIFICATE, _WITNESS, _EPOCH = int(Kind.CERTIFICATE), int(Kind.WITNESS), int(Kind.EPOCH)
_HEEDED = frozenset({_CERTIFICATE, _WITNESS, _EPOCH})  # what they say decides what else is believed
CheckRun = Callable[[Sequence[Record], int, bytes, Verify], None]
Read = Callable[[Suites, Envelope], Record]


class Checks(NamedTuple):
    """How records are read and runs verified; anything but `CHECKS` belongs in a benchmark."""

    read: Read
    run: CheckRun


CHECKS = Checks(open_envelope, check_run)
_FORKS_PER_RUN_MAX = 64  # of what one run shows beside the log; more comes with the next


class Sink(Protocol):
    """What intake tells the link about a batch."""

    def refused(self, log_id: bytes, seq: int, reason: str, held: KnownHead) -> None:
        """A log's records were refused."""
        ...

    def held_already(self, head: KnownHead) -> None:
        """Nothing new up to here: the neighbour missed a receipt."""
        ...

    def forked(self, log: LogState, seq: int) -> None:
        """A fork was proved under this number."""
        ...


class Opened(NamedTuple):
    """Envelopes of a batch, and what reading each gave."""

    envelopes: Sequence[Envelope]
    outcomes: list[Record | PeerError]


class Parts(NamedTuple):
    """What intake works with."""

    identity: Identity
    world: World
    store: Store
    logs: Logs
    keyring: Keyring
    author: Author
    alarms: Alarms
    limits: LinkLimits
    forks: Forks


class Intake:
    """Takes batches of foreign records in."""

    def __init__(self, parts: Parts, checks: Checks = CHECKS) -> None:
        """Nothing is taken in yet."""
        self._p = parts
        self._read, self._check = checks

        self.refusals: Counter[str] = Counter()  # reason → how often
        self.ahead: Opened | None = None  # what was opened ahead of the batch that comes next

    def read_ahead(self, envelopes: Sequence[Envelope]) -> Opened:
        """Read envelopes: format, bounds, hashes. Touches no state: may run ahead in another thread."""
        suites, read = self._p.keyring.suites, self._read
        outcomes: list[Record | PeerError] = []
        for envelope in envelopes:
            try:
                outcomes.append(read(suites, envelope))
            except PeerError as error:
                outcomes.append(error)
        return Opened(envelopes, outcomes)

    def admit(self, peer: str, envelopes: Sequence[Envelope], sink: Sink) -> None:
        """Verify and store what a neighbour sent."""
        for run in self._runs(peer, envelopes, sink):
            log_id = run[0].header.log_id
            try:
                self._admit_run(peer, run, sink)
            except PeerError as error:
                self._refuse(peer, log_id, run[0].header.seq, error, sink, [record.envelope for record in run])

    def _runs(self, peer: str, envelopes: Sequence[Envelope], sink: Sink) -> Iterator[list[Record]]:
        """Open envelopes and group them into runs of consecutive records of one log under one key."""
        ahead = self.ahead
        opened = ahead if ahead is not None and ahead.envelopes is envelopes else self.read_ahead(envelopes)
        run: list[Record] = []
        # Of the record before: number, key, suite; and federation, author, epoch, line, with which a header begins.
        seq, key_id, suite = -1, b"", 0
        log: tuple[object, ...] = ()
        for envelope, record in zip(envelopes, opened.outcomes, strict=True):
            if not isinstance(record, Record) or envelope.payload is None:
                if run:
                    yield run
                    run = []
                # 清除 is not in this release: whoever sends a record without its payload holds it back.
                withheld = PeerError("记录内容缺失", code="withheld", evidence=envelope.header)
                self._refuse_unread(peer, envelope, withheld if isinstance(record, Record) else record, sink)
                continue
            this = record.header
            seq += 1
            if this.seq != seq or this.key_id != key_id or this[:4] != log or this.suite != suite:
                if run:
                    yield run
                    run = []
                seq, key_id, log, suite = this.seq, this.key_id, this[:4], this.suite
            run.append(record)
        if run:
            yield run

    def _admit_run(self, peer: str, run: list[Record], sink: Sink) -> None:
        p = self._p
        first = run[0].header
        log = p.logs.index.get(first.log_id)
        key = self._admit_log(peer, log, run, sink)
        if log is not None:
            run = self._without_held(peer, log, run, key, sink)
            if not run:
                return
            if log.frozen:
                forks = p.store.rows(Fork, log_no=log.log_no)
                sink.forked(log, forks[0].seq if forks else log.seq)
                raise PeerError("该日志已冻结", code="frozen")
        now_ms = p.world.clock.now_ms()
        whole, (run, refused) = run, self._in_time(run, now_ms)
        self._check(run, log.seq if log else 0, log.head_id if log else b"", key.verify)
        if first.author == p.identity.code:
            self._rolled_back(peer, run)
        if log is None and len(p.logs.index.link(peer)) >= p.limits.logs_per_peer_max:
            p.alarms.raise_("quota_logs", peer, f"{peer} 的日志数达到限额 {p.limits.logs_per_peer_max}，新日志暂缓接收")
            raise PeerError("日志数超过限额", code="quota")
        log = log or p.logs.ensure(first.log_key)
        p.logs.append(log, run, now_ms, peer)
        if first.author == p.identity.code:
            p.author.comeback.unreceipted.add(peer)
        p.forks.advanced(log)
        for record in [record for record in run if record.header.kind in _HEEDED]:
            self._heed(peer, record)
        if refused is not None:
            self._refuse(peer, log.log_id, log.seq + 1, refused, sink, [whole[len(run)].envelope])

    def _admit_log(self, peer: str, log: LogState | None, run: list[Record], sink: Sink) -> Key:
        """As `admit_log`; what comes from the wrong side is never appended, but it can prove a fork of what is held.

        So where an office and its superior were both rolled back, only who is further up holds the other branch.
        """
        p, first = self._p, run[0].header
        try:
            return admit_log(first, p.identity.path, peer, p.keyring)
        except PeerError as error:
            if error.code == "wrong_side" and log is not None:
                others = self._unlike(log, [record for record in run if record.header.seq <= log.seq])
                if others:
                    self._refuse_rivals(peer, log, others, p.keyring.authorise(first), sink)
            raise

    def _in_time(self, run: list[Record], now_ms: int) -> tuple[list[Record], PeerError | None]:
        """The records whose time has come, and why the next one must wait; PeerError where the first must."""
        times = [record.header.hlc_ms for record in run]
        try:
            admit_time(run[times.index(max(times))].header, now_ms, self._p.limits)
        except PeerError:
            pass  # one of them comes too early: which?
        else:
            return run, None
        for index, record in enumerate(run):
            try:
                admit_time(record.header, now_ms, self._p.limits)
            except PeerError as error:
                if not index:
                    raise
                return run[:index], error
        return run, None

    def _without_held(self, peer: str, log: LogState, run: list[Record], key: Key, sink: Sink) -> list[Record]:
        """Drop what is held already; PeerError(fork) where something else is held under the same number."""
        held = [record for record in run if record.header.seq <= log.seq]
        if not held:
            return run
        others = self._unlike(log, held)
        self._refuse_rivals(peer, log, others, key, sink)
        if others and others[-1] is held[-1]:
            raise PeerError("本机该序号的记录已损坏，修复后再收", code="busy")  # no proof, and no receipt
        rest = run[len(held) :]
        if not rest:
            sink.held_already(KnownHead(log.log_id, held[-1].header.seq, held[-1].record_id))
        return rest

    def _unlike(self, log: LogState, held: list[Record]) -> list[Record]:
        """Those of these records, all within the log, that are not what is stored under their numbers."""
        self._p.logs.flush()
        ids: dict[int, bytes] = {}
        if any(record.header.seq != log.seq for record in held):
            places = [(log.log_no, record.header.seq) for record in held]
            ids = {row.seq: row.record_id for row in self._p.store.records_at(places)}
        ids[log.seq] = log.head_id
        return [record for record in held if ids.get(record.header.seq) != record.record_id]

    def _refuse_rivals(self, peer: str, log: LogState, others: list[Record], key: Key, sink: Sink) -> None:
        """Keep what is another record of the author under a number, and refuse the run: PeerError(fork)."""
        rivals = [record for record in others if self._p.forks.is_rival(log, record)]
        for record in rivals[:_FORKS_PER_RUN_MAX]:
            self._fork(peer, log, record, key, sink)
        if rivals:
            raise PeerError("同一序号出现两个不同记录", code="fork", evidence=rivals[0].envelope.header)

    def _fork(self, peer: str, log: LogState, record: Record, key: Key, sink: Sink) -> None:
        """Two different headers under one number: both are verified one by one before this counts as proof."""
        if self._p.forks.disputed(log, record, key):
            self._heed(peer, record, beside=True)
        sink.forked(log, record.header.seq)

    def _heed(self, peer: str, record: Record, *, beside: bool = False) -> None:
        """Certificates, 见证, epochs: what they say concerns other records. ``beside``: it stands on another branch."""
        kind = record.header.kind
        if kind == _CERTIFICATE:
            self._learn(peer, record)
            for waited in self._p.forks.retry():
                self._heed(peer, waited, beside=True)
        elif kind == _EPOCH:
            self._p.forks.epoch_begun(record)
            if record.header.author != self._p.identity.code:
                clones.hear(self._p.alarms, record, partial(self._last_words, record.header.author))
        elif kind == _WITNESS:
            for enclosed in self._p.forks.witnessed(record, first_hand=not beside):
                self._heed(peer, enclosed, beside=True)

    def _rolled_back(self, peer: str, run: list[Record]) -> None:
        """A neighbour shows records of ours that we lack: verified one by one, this proves a rollback (section 4).

        Or that another copy of this node is running, or (after `restore`) nothing but the lost tail: `comeback` tells.
        """
        p = self._p
        key = p.keyring.authorise(run[0].header)
        check_signature(run[0], key.verify)
        epoch = run[0].header.epoch
        known = any(log.seq and log.key.epoch == epoch for log in p.logs.index.author(p.identity.code))
        words = partial(self._last_words, p.identity.code)
        if clones.weigh(p.author, p.alarms, p.identity.code, peer, run, known=known, words=words):
            return
        p.author.stop("rollback")
        p.alarms.raise_(
            "rolled_back", p.identity.code,
            f"本机数据曾被回退：{peer} 持有本单位已签发而本机缺失的记录，正在取回，取回前暂停签发",
        )  # fmt: skip

    def _last_words(self, code: str) -> clones.Words:
        return clones.last_words(self._p.store, self._p.logs, self._p.keyring, code)

    def _learn(self, peer: str, record: Record) -> None:
        old = self._p.keyring.certified(record)
        try:
            key = self._p.keyring.learn(record)
        except PeerError as error:
            # Admission judges headers only: the record stays, without effect, and the operator is told.
            self._p.alarms.keep_evidence(peer, error.code, error.detail, record.envelope.header)
            return
        flagged = old is not None and old.path == key.path and old.key_id != key.key_id
        if flagged and self._p.identity.code in key.path[:-1] and self._p.keyring.current(key.code) is key:
            warn_new_key(self._p.alarms, key.code, key.key_id)
        if self._p.alarms.contested(key.code, self._p.keyring.contested.get(key.code, ())):
            self._p.alarms.keep_evidence(peer, "two_parents", key.code, record.envelope.header)

    def _refuse(
        self, peer: str, log_id: bytes, seq: int, error: PeerError, sink: Sink, run: Sequence[Envelope]
    ) -> None:
        self.refusals[error.code] += 1
        log = self._p.logs.index.get(log_id)
        held = log.head if log else KnownHead(log_id, 0, b"")
        if error.code not in reasons.PASSING and error.code not in ("gap", "frozen"):
            text = f"{reasons.label(error.code)};{error.detail}"
            # Header and signature: what its author cannot deny.
            guilty = next((envelope for envelope in run if envelope.header == error.evidence), run[0])
            self._p.alarms.keep_evidence(peer, error.code, text, to_bytes(guilty._replace(salt=None, payload=None)))
        sink.refused(log_id, seq, error.code, held)

    def _refuse_unread(self, peer: str, envelope: Envelope, error: PeerError, sink: Sink) -> None:
        """A record that cannot be opened: name its log where at least the header can be read."""
        try:
            header = decode_header(envelope.header)
            log_id, seq = header.log_id, header.seq
        except PeerError:
            log_id, seq = bytes(32), 0
        self._refuse(peer, log_id, seq, error, sink, [envelope])
