"""Recovery from a rollback: when authoring may begin again, and what must be declared anew (sections 3, 4, 8).

Rules: a new epoch begins once a neighbour has been compared and nothing it showed of ours is missing here; own records
that stand on the wrong side of a fork cannot be delivered any more: they are re-issued in the new epoch, oldest first,
each naming its original, so that original and copy count once. What the other side shows keeps its effect (I5). That
it happened is told for a day and then ends by itself: an alarm nobody can end would hide the next one.
"""

from __future__ import annotations

from collections.abc import Iterable

from node.errors import ForbiddenError, InputError
from node.records.envelope import Envelope, Record, open_envelope
from node.records.keyring import Keyring
from node.records.kinds import Kind
from node.records.limits import SEQ_MAX
from node.records.line import LogKey
from node.services.care.alarms import Alarms
from node.services.exchange.author import Author
from node.services.exchange.logs import Logs
from node.services.exchange.session import Session
from node.services.identity import Identity
from node.services.mending import clones, comeback
from node.services.mending.comeback import CLONE, CLONE_FOUND, CLONES
from node.storage.port import Fork, Store

RECOVERED_SHOWN_MS = 86_400_000
HEARD_MS = 60_000  # a neighbour that was compared with gives own records back in this time, if it has them to give
_PAGE = 500
_PAGE_BYTES = 4_194_304


class Recovery:
    """Brings a rolled-back node back to authoring."""

    def __init__(
        self, identity: Identity, store: Store, logs: Logs, keyring: Keyring, author: Author, alarms: Alarms
    ) -> None:
        """The parts it works with."""
        self._identity = identity
        self._store = store
        self._logs = logs
        self._keyring = keyring
        self._author = author
        self._alarms = alarms
        self._told = False  # the parent was told everything, when its link was last looked at
        self._lacked: tuple[set[bytes], int] = set(), 0  # logs that do not come, and since when (ms)

    def attempt(self, sessions: Iterable[Session], now_ms: int, *, alone: bool = False) -> bool:
        """Begin a new epoch if a synced neighbour shows nothing of ours that is missing; returns whether it began.

        ``alone``: there are no neighbours, and so nobody who could hold anything of what was lost.
        """
        ready = [session for session in sessions if session.synced]
        behind = {log_id for session in ready for log_id in session.machine.behind if self._is_own(log_id)}
        if self._author.recovering in CLONES:
            # Not before it has heard its neighbours: started again, it may learn that the other was chosen meanwhile.
            heard = ready and (not behind or self._comes_not(behind, now_ms))
            if self._author.recovering == CLONE_FOUND and heard and not self._author.skew_ms:
                self._author.begin_epoch(CLONE)  # its one record tells the other copy, and everybody, to stop
                self._author.stop(CLONE)
            return False
        # With a clock that is off nothing may be written: the new epoch waits for it too.
        if not (ready or alone) or behind or self._author.skew_ms:
            return False
        stranded = self._stranded()
        self._author.begin_epoch(self._author.recovering)
        for record in stranded:
            self._author.reissue(record)
        code = self._identity.code
        self._alarms.clear("rolled_back", code)
        self._alarms.clear("recovered", code)  # a second time within the day is told for a whole day again
        again = f"，{len(stranded)} 条分叉上的记录已在新纪元重新签发" if stranded else ""
        text = f"本机数据曾被回退，已从邻居取回并开始新纪元{again}；请查明回退原因（24小时后不再提示）"
        self._alarms.raise_("recovered", code, text)
        return True

    def choose(self) -> int:
        """Of two running copies the operator chooses this one: it begins an epoch and goes on; returns the epoch.

        Raises InputError where there is no second copy, ForbiddenError where the clock is off.
        """
        if self._author.recovering not in CLONES:
            text = "没有发现两份节点同时运行，无需选定"
            raise InputError(text, code="no_clone", field="--here", remedy="进展见 dulian status")
        if self._author.skew_ms:
            raise ForbiddenError("本机时钟与上级不符，不能选定", code="clock_skew", remedy="校准本机时间后重试")
        stranded = self._stranded()
        clones.settle(self._author, self._alarms, self._identity.code)
        for record in stranded:
            self._author.reissue(record)
        self._alarms.clear("rolled_back", self._identity.code)
        return self._author.epoch

    def rests(self, sessions: Iterable[Session]) -> bool:
        """Whether this copy was not chosen, and its parent holds or was shown all that is here: it need not hurry."""
        if self._author.recovering != CLONE:
            return False
        for session in sessions:
            if session.peer == self._identity.parent:
                self._told = session.synced and session.machine.has_told()
        return self._told and clones.last_words(self._store, self._logs, self._keyring, self._identity.code).settled

    def settled(self, sessions: Iterable[Session], neighbours: list[str]) -> list[Session]:
        """Note the neighbours that show nothing of ours that is missing here; with the last one a `restore` is over.

        Returns those of which this is new, and those that gave something back since: for it no receipt is held yet.
        """
        came_back, code = self._author.comeback, self._identity.code
        fresh: list[Session] = []
        for session in sessions:
            missing = [*session.machine.behind, *(log_id for log_id in session.waiting if self._lacks(session, log_id))]
            if not session.synced or any(self._is_own(log_id) for log_id in missing):
                continue
            if session.peer not in came_back.clear_with or session.peer in came_back.unreceipted:
                fresh.append(session)
                came_back.unreceipted.discard(session.peer)
            if came_back.agreed(session.peer, neighbours):
                self._alarms.clear(comeback.ALARM, code)
        if came_back.pending:
            self._alarms.raise_(comeback.ALARM, code, came_back.text(neighbours))
        return fresh

    def forget(self, now_ms: int) -> None:
        """Some time after the recovery the alarm about it ends; a clock set back makes it stand longer, never less."""
        for alarm in self._alarms.standing():
            if alarm.code == "recovered" and now_ms - alarm.since_ms >= RECOVERED_SHOWN_MS:
                self._alarms.clear(alarm.code, alarm.subject)

    def _stranded(self) -> list[Record]:
        """Own records at and after a fork of their log: no neighbour will take them any more."""
        self._logs.flush()
        since_ms = self._epoch_began_ms()
        forked: dict[int, int] = {}
        done: dict[int, int] = {}  # from here on it was re-issued when the epoch in force began
        for fork in self._store.rows(Fork):
            first = forked if fork.received_ms >= since_ms else done
            first[fork.log_no] = min(fork.seq, first.get(fork.log_no, fork.seq))
        found = []
        for log_no, seq in forked.items():
            log = self._logs.index.by_no(log_no)
            if log.key.author != self._identity.code:
                continue
            after = seq - 1
            while rows := self._store.run(log_no, after, _PAGE, _PAGE_BYTES):
                envelopes = (Envelope(row.header, row.signature, row.salt, row.payload) for row in rows)
                found += [open_envelope(self._keyring.suites, envelope) for envelope in envelopes]
                after = rows[-1].seq
            end = done.get(log_no, SEQ_MAX + 1)
            found = [record for record in found if record.header.log_id != log.log_id or record.header.seq < end]
        kept = [record for record in found if record.header.kind != Kind.EPOCH and record.envelope.payload is not None]
        return sorted(kept, key=lambda record: (record.header.hlc_ms, record.header.hlc_count))

    def _epoch_began_ms(self) -> int:
        """When the epoch in force began: forks seen before were dealt with then."""
        log = self._logs.log(LogKey(self._identity.code, self._author.epoch, self._author.office_line))
        rows = self._store.records_at([(log.log_no, 1)]) if log is not None else []
        return rows[0].received_ms if rows else 0

    def _comes_not(self, behind: set[bytes], now_ms: int) -> bool:
        """Whether what is missing has been so for long: an office below wrote it, for only that side gives it again."""
        if behind != self._lacked[0]:
            self._lacked = behind, now_ms
        return not 0 <= now_ms - self._lacked[1] < HEARD_MS

    def _lacks(self, session: Session, log_id: bytes) -> bool:
        """Whether what was refused of a log for now has still not come."""
        log = self._logs.index.get(log_id)
        return log is None or log.seq < session.waiting[log_id]

    def _is_own(self, log_id: bytes) -> bool:
        log = self._logs.index.get(log_id)
        return log is None or log.key.author == self._identity.code
