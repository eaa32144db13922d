"""Forks: two different, individually verified records under one number (I5, G7): kept, frozen, alarmed, settled.

Rules of this file:

1. Forks add, never subtract: every record of both branches is kept and has the effect it has. What does not continue
   the log held here is kept beside it, as `Fork` rows, up to a bound: who forks without end must not fill the disk.
2. The log freezes and the alarm `fork` stands at every node that saw both, whether a neighbour showed the other record
   or a 见证 (WITNESS) enclosed it. An enclosed record is believed only after its own signature and line were checked.
3. What a 见证 encloses of a log that has not come so far is kept beside it until the log itself has caught up.
4. The alarm ends with the EPOCH record (reason settle) in which the author names the number: what comes to light later
   of that number or behind it is old news. Below it, it is a new fork.
"""

from __future__ import annotations

from collections.abc import Iterable

from node.errors import PeerError
from node.records import payload as payloads
from node.records.chain import check_signature
from node.records.envelope import Envelope, Record, open_envelope
from node.records.keyring import Key, Keyring
from node.records.payload import Enclosure, Epoch
from node.services.care.alarms import Alarms
from node.services.exchange.author import Author
from node.services.exchange.logs import Logs
from node.services.identity import Identity, World
from node.storage.port import Fork, Meta, RecordRow, Store
from node.sync.heads import LogState

FORKS_PER_LOG_MAX = 256
SETTLE = "settle"  # the reason of the EPOCH record that settles forks
_WAITING_META = "witness_waiting"
_WAITING_MAX = 1_000
_PLACE_BYTES = 16


def settled_meta(author: str, log_id: bytes) -> str:
    """Name of the note from which number on the forks of a log are settled."""
    return f"fork_settled/{author}/{log_id.hex()}"


def witnessed_meta(log_no: int) -> str:
    """Name of the note which records of a forked log a 见证 on its line has enclosed."""
    return f"witnessed/{log_no}"


class Forks:
    """Keeps what stands beside a log, and says so."""

    def __init__(
        self, identity: Identity, world: World, store: Store, logs: Logs, keyring: Keyring, author: Author,
        alarms: Alarms,
    ) -> None:  # fmt: skip
        """Read which logs have something beside them."""
        self._identity = identity
        self._world = world
        self._store = store
        self._logs = logs
        self._keyring = keyring
        self._author = author
        self._alarms = alarms
        beside = {row.log_no for row in store.rows(Fork)}
        self._catching_up = {log_no for log_no in beside if not logs.index.by_no(log_no).frozen}
        self.unwitnessed = beside - self._catching_up  # frozen logs of which something may have to be published

    # -- what comes in --------------------------------------------------------------------------------------------

    def disputed(self, log: LogState, record: Record, key: Key) -> bool:
        """A neighbour showed a rival (`is_rival`) of a record held here; returns whether it is new.

        PeerError where it does not hold by itself: that is no fork.
        """
        check_signature(record, key.verify)
        new = self._put(log, record)
        if new and record.header.author == self._identity.code:
            self._author.stop("fork")
        self._freeze(log, record.header.seq)
        return new

    def is_rival(self, log: LogState, record: Record) -> bool:
        """Whether another record of this author, valid by itself, is held under the number (D1, D8).

        A stored row that is lost or damaged proves nothing against its author: it is no fork, and is repaired.
        """
        held = self._store.records_at([_place(log, record)])
        return any(self._differs(log, mine, record.record_id) for mine in held)

    def advanced(self, log: LogState) -> None:
        """A log grew: it may have reached a number under which something else was kept."""
        if log.log_no not in self._catching_up:
            return
        self._logs.flush()
        reached = [row for row in self._store.rows(Fork, log_no=log.log_no) if row.seq <= log.seq]
        held = {row.seq: row for row in self._store.records_at([(row.log_no, row.seq) for row in reached])}
        for row in reached:
            mine = held.get(row.seq)
            if mine is not None and mine.record_id == row.record_id:
                self._store.delete(Fork, row.log_no, row.seq, row.record_id)
            elif mine is not None and self._differs(log, mine, row.record_id):
                self._freeze(log, row.seq)
        if not log.frozen and not self._store.rows(Fork, log_no=log.log_no):
            self._catching_up.discard(log.log_no)

    def witnessed(self, witness: Record, *, first_hand: bool = True) -> list[Record]:
        """Take in what a 见证 encloses; returns the records that were new here, for who must heed them.

        What is not verifiable is left alone (the 见证 stays, without effect); where only a certificate is missing, it
        is looked at again later. ``first_hand``: it stands in its log, so that everybody on the line gets it.
        """
        try:
            said = payloads.decode(witness.header.kind, witness.envelope.payload or b"")
        except PeerError as error:
            self._alarms.keep_evidence(witness.header.author, "no_effect", error.detail, witness.envelope.header)
            return []
        new: list[Record] = []
        for envelope in said.records if isinstance(said, Enclosure) else ():
            try:
                record = open_envelope(self._keyring.suites, envelope)
                if record.header.line != witness.header.line:
                    raise PeerError("见证的记录不属于同一知悉范围", code="foreign_line", evidence=envelope.header)
                check_signature(record, self._keyring.authorise(record.header).verify)
            except PeerError as error:
                if error.code == "unknown_key":
                    self._wait(witness)
                    continue
                self._alarms.keep_evidence(witness.header.author, "no_effect", error.code, envelope.header)
                continue
            log = self._logs.ensure(record.header.log_key)
            if self._beside(log, record):
                new.append(record)
            if first_hand:
                self.note_witnessed(log.log_no, [record.record_id])
        return new

    def epoch_begun(self, record: Record) -> None:
        """An EPOCH record came: where it settles forks of its author, their alarms end."""
        try:
            said = payloads.decode(record.header.kind, record.envelope.payload or b"")
        except PeerError as error:
            self._alarms.keep_evidence(record.header.author, "no_effect", error.detail, record.envelope.header)
            return
        if isinstance(said, Epoch) and said.reason == SETTLE:
            for head in said.heads:
                self._settled(record, head)

    def retry(self) -> list[Record]:
        """Look again at what waited for a certificate; returns the records that were new here."""
        saved = self._store.get(Meta, _WAITING_META)
        if saved is None:
            return []
        self._store.delete(Meta, _WAITING_META)
        raw = saved.value
        places = [raw[start : start + _PLACE_BYTES] for start in range(0, len(raw), _PLACE_BYTES)]
        wanted = [(int.from_bytes(place[:8], "big"), int.from_bytes(place[8:], "big")) for place in places]
        new: list[Record] = []
        for row in self._store.records_at(wanted):
            envelope = Envelope(row.header, row.signature, row.salt, row.payload)
            new += self.witnessed(open_envelope(self._keyring.suites, envelope))
        return new

    # -- what others ask ------------------------------------------------------------------------------------------

    def note_witnessed(self, log_no: int, record_ids: list[bytes]) -> None:
        """These records were published on their line: nobody here has to do it again."""
        known = self.witnessed_ids(log_no)
        fresh = [record_id for record_id in record_ids if record_id not in known]
        if fresh and len(known) <= 2 * FORKS_PER_LOG_MAX:
            old = self._store.get(Meta, witnessed_meta(log_no))
            self._store.put([Meta(witnessed_meta(log_no), (old.value if old else b"") + b"".join(fresh))])

    def witnessed_ids(self, log_no: int) -> set[bytes]:
        """Ids of the records of a log that stand in a 见证 held here."""
        saved = self._store.get(Meta, witnessed_meta(log_no))
        raw = saved.value if saved else b""
        return {raw[start : start + 32] for start in range(0, len(raw), 32)}

    # -- inside ---------------------------------------------------------------------------------------------------

    def _beside(self, log: LogState, record: Record) -> bool:
        """Keep an enclosed record beside its log unless it is held; returns whether it was new."""
        seq = record.header.seq
        self._logs.flush()
        if any(row.record_id == record.record_id for row in self._store.records_at([_place(log, record)])):
            return False
        proved = seq <= log.seq and self.is_rival(log, record)
        if not self._put(log, record):
            return False
        if log.key.author == self._identity.code and log.key.epoch == self._author.epoch and (proved or seq > log.seq):
            self._author.stop("fork" if proved else "rollback")
        rivals = [row for row in self._store.rows(Fork, log_no=log.log_no) if row.seq == seq]
        if proved:
            self._freeze(log, seq)
        elif not log.frozen:
            self._catching_up.add(log.log_no)
            if len(rivals) > 1:
                self._alarm(log, seq)
        return True

    def _differs(self, log: LogState, mine: RecordRow, record_id: bytes) -> bool:
        try:
            opened = open_envelope(self._keyring.suites, Envelope(mine.header, mine.signature, None, None))
            check_signature(opened, self._keyring.authorise(opened.header).verify)
        except PeerError:
            return False  # damaged: the scrub tells the operator, and fetches it again
        sound = (opened.header.log_id, opened.header.seq) == (log.log_id, mine.seq)  # not a row of another place
        return sound and opened.record_id != record_id

    def _put(self, log: LogState, record: Record) -> bool:
        known = self._store.rows(Fork, log_no=log.log_no)
        if len(known) >= FORKS_PER_LOG_MAX or any(fork.record_id == record.record_id for fork in known):
            return False
        header, envelope = record.header, record.envelope
        fork = Fork(
            log.log_no, header.seq, record.record_id, envelope.header, envelope.signature, envelope.salt or b"",
            envelope.payload or b"", self._world.clock.now_ms(),
        )  # fmt: skip
        self._logs.flush()
        self._store.put([fork])
        self._logs.fresh_forks.append(fork)
        if log.frozen:
            self.unwitnessed.add(log.log_no)
        return True

    def _freeze(self, log: LogState, seq: int) -> None:
        if not log.frozen:
            self._logs.freeze(log)
            self._catching_up.discard(log.log_no)
            self.unwitnessed.add(log.log_no)
        self._alarm(log, seq)

    def _alarm(self, log: LogState, seq: int) -> None:
        settled = self._store.get(Meta, settled_meta(log.key.author, log.log_id))
        if settled is not None and int(settled.value) <= seq:
            return
        self._alarms.raise_(
            "fork", log.log_id.hex()[:16],
            f"{log.key.author} 在第 {seq} 号签发了两份不同记录，该日志已冻结，两份均已留存",
        )  # fmt: skip

    def settled(self, logs: Iterable[LogState]) -> int:
        """How many of these logs have forked and are settled by their author: still named, but no dispute."""
        open_ = {alarm.subject for alarm in self._alarms.standing() if alarm.code == "fork"}
        return sum(log.frozen and log.seq > 0 and log.log_id.hex()[:16] not in open_ for log in logs)

    def _settled(self, record: Record, head: payloads.KnownHead) -> None:
        author, log = record.header.author, self._logs.index.get(head.log_id)
        if log is not None and (log.key.author != author or log.key.epoch >= record.header.epoch):
            return
        name = settled_meta(author, head.log_id)
        old = self._store.get(Meta, name)
        if old is None or head.seq < int(old.value):
            self._store.put([Meta(name, b"%d" % head.seq)])
        if log is not None:
            below = [row for row in self._store.rows(Fork, log_no=log.log_no) if row.seq < head.seq]
            held = {row.record_id for row in self._store.records_at([(row.log_no, row.seq) for row in below])}
            # What was kept beside while the row of the log itself was lost, and is in its place again, is no fork.
            if all(row.record_id in held for row in below):
                self._alarms.clear("fork", log.log_id.hex()[:16])

    def _wait(self, witness: Record) -> None:
        log = self._logs.index.get(witness.header.log_id)
        if log is None or log.seq < witness.header.seq:
            return
        place = log.log_no.to_bytes(8, "big") + witness.header.seq.to_bytes(8, "big")
        saved = self._store.get(Meta, _WAITING_META)
        raw = saved.value if saved else b""
        known = {raw[start : start + _PLACE_BYTES] for start in range(0, len(raw), _PLACE_BYTES)}
        if place not in known and len(known) < _WAITING_MAX:
            self._store.put([Meta(_WAITING_META, raw + place)])


def _place(log: LogState, record: Record) -> tuple[int, int]:
    return log.log_no, record.header.seq
