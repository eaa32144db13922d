"""Repair: damaged or lost records put back byte for byte from a neighbour on the line (section 7; faults.md D1, D8).

Rules of this file:

1. What is fetched is known beforehand by its id (`sync.repair`), so nothing a neighbour says is believed; what does not
   fit is thrown away.
2. A log with known damage is not sent beyond it (`first_broken`): damage is never passed on (G8).
3. A neighbour gets only what the link to it carries, in pieces within the limits of a batch, and only what is sound.
4. What no neighbour holds has no replica: that is an alarm, and a backup is all that helps.
"""

from __future__ import annotations

import json
from collections import Counter

from node.errors import PeerError
from node.records.envelope import Envelope
from node.records.header import decode
from node.records.kinds import Kind
from node.services.board.project import Projector, envelope_of
from node.services.exchange.intake import Parts
from node.services.exchange.trust import learn_stored
from node.services.mending.lost_logs import DAMAGE_META
from node.services.mending.scrub import Found, place_name
from node.storage.port import Meta, RecordRow
from node.sync import frames
from node.sync.heads import LogState
from node.sync.repair import Damage, fault_of, fit

_ANSWER_MS = 60_000  # so long a neighbour is waited for: one that never answers holds up nothing


class Repairs:
    """What is known to be damaged here, and the way back."""

    def __init__(self, parts: Parts, projector: Projector) -> None:
        """Read what is known."""
        self._p = parts
        self._projector = projector
        saved = parts.store.get(Meta, DAMAGE_META)
        self._damage: dict[int, list[Damage]] = {}
        for log_no, first, last, code, want in json.loads(saved.value) if saved else ():
            self._damage.setdefault(log_no, []).append(Damage(first, last, code, bytes.fromhex(want)))
        self._asked: dict[str, tuple[LogState, Damage, int]] = {}  # by neighbour; until when (ms) it is waited for
        self._refused: dict[str, set[tuple[int, int]]] = {}  # neighbour → (log, last) it could not give
        self._silent: dict[str, set[tuple[int, int]]] = {}  # neighbour → (log, last) it never answered
        self.repaired: Counter[str] = Counter()  # records put back, by neighbour, since the start
        self.suspected = False  # something was noticed in passing: a scrub is due
        self.mended: list[LogState] = []  # whole again: links may go on with them
        self.outbox: list[tuple[str, frames.Frame]] = []
        self.bytes_in: Counter[str] = Counter()

    # -- what is known --------------------------------------------------------------------------------------------

    def first_broken(self, log_no: int) -> int:
        """The first damaged number of a log, 0 where none is known."""
        damage = self._damage.get(log_no)
        return min(one.first for one in damage) if damage else 0

    def sound(self, log: LogState, after_seq: int, rows: list[RecordRow]) -> list[RecordRow]:
        """What of a run may be sent: without a hole, and not beyond known damage."""
        broken = self.first_broken(log.log_no)
        self.suspected |= not rows and after_seq < log.seq and not broken  # nothing is left of what must be here
        for index, row in enumerate(rows):
            if row.seq != after_seq + 1 + index or row.seq == broken:
                self.suspected |= row.seq != broken
                return rows[:index]
        return rows

    def is_whole(self, log: LogState, row: RecordRow) -> bool:
        """Whether a record that is to be shown by itself is what it must be; if not, a scrub is due."""
        whole = not fault_of(self._p.keyring.suites, log.key, row)
        self.suspected |= not whole
        return whole

    def unrepaired(self, peer: str) -> int:
        """Records damaged here of the logs that a link carries."""
        index = self._p.logs.index
        return sum(
            one.last - one.first + 1
            for log_no, damage in self._damage.items() if index.crosses(index.by_no(log_no).key, peer)
            for one in damage
        )  # fmt: skip

    def take(self, found: Found) -> None:
        """In the core: act on a scrub. Heads and board are put right here, records from neighbours."""
        p = self._p
        self.suspected = False
        before = set(self._damage)
        self._damage = {log_no: list(damage) for log_no, damage in found.damage.items()}
        self._refused.clear()
        self._silent.clear()
        self._save()
        for log_no in before - set(self._damage):
            self._whole(p.logs.index.by_no(log_no))
        for log_no, (seq, head_id) in found.heads.items():
            log = p.logs.index.by_no(log_no)
            if seq >= log.seq:
                log.seq, log.head_id = seq, head_id
                p.logs.index.moved(log)
            p.logs.flush()
            p.store.append((), [(log_no, log.seq, log.head_id)])
        if found.board:
            self._projector.rebuild()
            self._projector.changed.clear()
        for log_no, damage in self._damage.items():
            log = p.logs.index.by_no(log_no)
            count = sum(one.last - one.first + 1 for one in damage)
            text = f"{place_name(log.key)} 有 {count} 条记录损坏或缺失（自第{damage[0].first}号起），正从上下级取回"
            p.alarms.raise_("damaged", log.log_id.hex()[:16], text)
            self._weigh_replicas(log)

    # -- asking ---------------------------------------------------------------------------------------------------

    def mend(self, peer: str) -> None:
        """Ask a neighbour for the next thing that it may have."""
        if peer in self._asked:
            return
        index = self._p.logs.index
        refused = self._refused.get(peer, set()) | self._silent.get(peer, set())
        for log_no, damage in self._damage.items():
            log = index.by_no(log_no)
            if not index.crosses(log.key, peer):
                continue
            for one in reversed(damage):
                if (log_no, one.last) not in refused and one.want:
                    self._asked[peer] = log, one, self._p.world.clock.now_ms() + _ANSWER_MS
                    self.outbox.append((peer, frames.RangeRequest(log.log_id, one.first, one.last)))
                    return

    def busy(self, peer: str) -> bool:
        """Whether an answer of this neighbour is awaited."""
        return peer in self._asked

    def tick(self) -> None:
        """No longer wait for what a neighbour was asked for and has not sent in time; ask it for the next thing."""
        now_ms = self._p.world.clock.now_ms()
        for peer, (log, damage, until_ms) in list(self._asked.items()):
            if not until_ms - _ANSWER_MS <= now_ms < until_ms:  # also where the clock was set back
                del self._asked[peer]
                # Silence is no answer: it may still hold a replica, and what comes late is taken.
                self._silent.setdefault(peer, set()).add((log.log_no, damage.last))
                self.mend(peer)

    def lost(self, peer: str) -> None:
        """The link is gone: it may be asked anew over the next one."""
        self._asked.pop(peer, None)
        self._refused.pop(peer, None)
        self._silent.pop(peer, None)

    def receive(self, peer: str, frame: frames.Range) -> None:
        """A neighbour's answer."""
        found = self._awaited(peer, frame)
        if found is None:
            return
        log, damage = found
        if damage not in self._damage.get(log.log_no, ()):
            self.mend(peer)  # another neighbour was quicker
            return
        self.bytes_in[peer] += frames.weight(frame)
        try:
            if any(envelope.payload is None for envelope in frame.records):
                raise PeerError("修复数据没有内容", code="withheld")
            piece = fit(self._p.keyring.suites, log.key, damage, frame.records)
        except PeerError as error:
            self._p.alarms.keep_evidence(peer, error.code, f"repair of {log.log_id.hex()[:16]}", error.evidence)
            self._give_up(peer, log, damage)
            return
        if not piece.good:
            self._give_up(peer, log, damage)
            return
        self._put_back(log, piece.good)
        self.repaired[peer] += len(piece.good)
        self._shrink(log, damage, piece.good[-1][0], piece.want)
        self.mend(peer)

    def _awaited(self, peer: str, frame: frames.Range) -> tuple[LogState, Damage] | None:
        """What this is the answer to, in time or late; None for nothing that was asked of this neighbour."""
        asked = self._asked.get(peer)
        if asked is not None and (frame.log_id, frame.last) == (asked[0].log_id, asked[1].last):
            del self._asked[peer]
            return asked[:2]
        log, silent = self._p.logs.index.get(frame.log_id), self._silent.get(peer, set())
        if log is None or (log.log_no, frame.last) not in silent:
            return None
        silent.remove((log.log_no, frame.last))
        return next(((log, one) for one in self._damage.get(log.log_no, ()) if one.last == frame.last), None)

    def _give_up(self, peer: str, log: LogState, damage: Damage) -> None:
        self._refused.setdefault(peer, set()).add((log.log_no, damage.last))
        self._weigh_replicas(log)
        self.mend(peer)

    def _put_back(self, log: LogState, good: tuple[tuple[int, bytes, Envelope], ...]) -> None:
        p = self._p
        p.logs.flush()
        numbers = [seq for seq, _, _ in good]
        held = {row.seq: row for row in p.store.records_at([(log.log_no, seq) for seq in (*numbers, numbers[0] + 1)])}
        above = held.get(numbers[0] + 1)
        # A lost row came in no later than the one after it: never made to look earlier than it may have been.
        latest_ms = above.received_ms if above is not None else p.world.clock.now_ms()
        rows = []
        for seq, record_id, envelope in good:
            old = held.get(seq)
            latest_ms = old.received_ms if old is not None else latest_ms
            rows.append(RecordRow(log.log_no, seq, record_id, *envelope, latest_ms))
        rows.reverse()
        p.store.replace(rows)
        if any(decode(row.header).kind == Kind.CERTIFICATE for row in rows):
            learn_stored(p.keyring, p.store, p.logs)  # these, and what was certified below them
        self._projector.again(rows)

    def _shrink(self, log: LogState, damage: Damage, first_good: int, want: bytes) -> None:
        """Records from ``first_good`` on are back; ``want`` is the id of the one below."""
        p = self._p
        rest = self._damage[log.log_no]
        rest.remove(damage)
        last = first_good - 1
        if last >= damage.first:
            rest.append(damage._replace(last=last, want=want))
        elif last:
            below = next(iter(p.store.records_at([(log.log_no, last)])), None)
            if below is None or below.record_id != want or fault_of(p.keyring.suites, log.key, below):
                rest.append(Damage(last, last, "wrong_prev", want))
        rest.sort()
        if not rest:
            del self._damage[log.log_no]
            self._whole(log)
        self._save()

    def _whole(self, log: LogState) -> None:
        self.mended.append(log)
        self._p.forks.advanced(log)  # what was kept beside the hole can be compared now
        for code in ("damaged", "no_replica"):
            self._p.alarms.clear(code, log.log_id.hex()[:16])

    def _weigh_replicas(self, log: LogState) -> None:
        """What only this node holds, or no neighbour could give, has no replica."""
        p = self._p
        neighbours = [peer for peer in (p.identity.parent, *p.keyring.children(p.identity.code)) if peer]
        holders = [peer for peer in neighbours if p.logs.index.crosses(log.key, peer)]
        lasts = {one.last for one in self._damage.get(log.log_no, ())}
        if any(all((log.log_no, last) in self._refused.get(peer, set()) for peer in holders) for last in lasts):
            text = f"{place_name(log.key)} 的损坏记录没有可用的副本，只能从备份恢复"
            p.alarms.raise_("no_replica", log.log_id.hex()[:16], text)

    def _save(self) -> None:
        rows = [
            (log_no, one.first, one.last, one.code, one.want.hex())
            for log_no, damage in self._damage.items() for one in damage
        ]  # fmt: skip
        self._p.store.put([Meta(DAMAGE_META, json.dumps(rows).encode())])

    # -- serving --------------------------------------------------------------------------------------------------

    def serve(self, peer: str, request: frames.RangeRequest) -> frames.Range:
        """The newest part of a range, as much as fits into one frame and is sound; nothing of other lines."""
        p = self._p
        log, nothing = p.logs.index.get(request.log_id), frames.Range(request.log_id, request.last, ())
        if log is None or request.last > log.seq or not p.logs.index.crosses(log.key, peer):
            return nothing
        p.logs.flush()
        count = min(p.limits.batch_records_max, request.last - request.first + 1)
        while True:
            rows = p.store.run(log.log_no, request.last - count, count, p.limits.batch_bytes_max)
            if count == 1 or (len(rows) == count and rows[-1].seq == request.last):
                break
            count = max(1, count // 2)
        good: list[Envelope] = []
        wanted = request.last
        for row in reversed(rows):
            if row.seq != wanted or fault_of(p.keyring.suites, log.key, row):
                self.suspected = True
                break
            good.append(envelope_of(row))
            wanted -= 1
        return frames.Range(request.log_id, request.last, tuple(reversed(good)))
