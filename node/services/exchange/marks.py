"""Freshness marks: an office's newest signed note of what each superior must hold from it (I8).

Rules: a mark never overstates: 数据截至 T moves only when this node holds exactly the heads the office promised at T
(under unbroken writing that is the next quiet moment); a relay cannot forge or hold back without the top seeing an
older T; a relay passes on what its line and its superiors can take (`PASSED_PER_S`): the newest mark of each office,
every office in turn. Forked logs are left out on both sides: an alarm tells of them, and nothing can be added to them.
A mark is replaced by the next one of the same office; it is not a record.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from node.errors import PeerError
from node.records import notes
from node.records.keyring import Keyring
from node.services.care.alarms import Alarms
from node.services.exchange.logs import Logs
from node.services.identity import Identity, World
from node.storage.port import MarkRow, Store
from node.sync import frames
from node.sync.heads import HeadSet

# Every office writes a mark a minute: of a whole country they would keep a fifth of the root's processor busy with
# signatures (docs/scale.md). Below PASSED_AT_ONCE offices nothing waits; a province of 3,300 is round in 11 minutes.
PASSED_PER_S = 5
PASSED_AT_ONCE = 300
_FAULTS_MAX = 10  # marks of one frame kept as evidence; what follows is not looked at


class Marks:
    """Newest marks of this office and of all below it."""

    def __init__(
        self, identity: Identity, world: World, store: Store, logs: Logs, keyring: Keyring, alarms: Alarms
    ) -> None:
        """Read what is held."""
        self._identity = identity
        self._world = world
        self._store = store
        self._logs = logs
        self._keyring = keyring
        self._alarms = alarms
        self._rows = {row.office: row for row in store.rows(MarkRow)}
        self._opened: dict[str, notes.Mark] = {}
        self._superiors: dict[str, HeadSet] = {}
        self._own_logs = (0, 0)  # own logs, and those of them that have not forked
        self.link: notes.LinkOutcome | None = None  # how the link to the parent stood (`services.mending.reconcile`)
        self.outbox: list[notes.Signed] = []  # to pass on to the parent at the end of the step
        self._waiting: dict[str, notes.Signed] = {}  # others' marks that wait for room, the longest first
        self._room = float(PASSED_AT_ONCE)
        self._counted_ms = world.clock.now_ms()

    def as_of_ms(self, office: str) -> int:
        """数据截至: when the office last promised what is fully held here; 0 = never. Own data is always current."""
        if office == self._identity.code:
            return self._world.clock.now_ms()
        row = self._rows.get(office)
        return row.satisfied_ms if row else 0

    def links(self) -> dict[str, notes.LinkOutcome | None]:
        """For each office below whose mark is held: how its link to its parent last stood, as it says itself."""
        me = self._identity.code
        return {office: self._mark(row).link for office, row in sorted(self._rows.items()) if office != me}

    def write(self) -> None:
        """Sign a new mark of this office and pass it on (an office without superiors needs none)."""
        path = self._identity.path
        if len(path) == 1:
            return
        self._refresh_superiors()
        views = []
        for superior in path[:-1]:
            heads = self._superiors[superior]
            views.append(notes.MarkView(superior, len(heads), heads.root()))
        old = self._rows.get(self._identity.code)
        now_ms = self._world.clock.now_ms()
        # After a lost database the clock carries the number past what superiors have seen.
        number = max(old.number + 1 if old else 1, now_ms)
        mark = notes.Mark(self._identity.code, number, now_ms, tuple(views), self.link)
        note = notes.sign_mark(self._identity.signer, self._identity.federation, mark)
        self._keep(MarkRow(self._identity.code, number, now_ms, note.body, note.signature, now_ms))
        self.outbox.append(note)

    def learn(self, peer: str, marks: tuple[notes.Signed, ...]) -> None:
        """Marks came from a child: keep the newest of each office below it and pass them on."""
        faults = 0
        for note in marks:
            try:
                mark = notes.open_mark(self._keyring, note)
                if not self._below(mark.office, peer):
                    raise PeerError("来路不对", code="wrong_side", evidence=note.body, detail=f"mark of {mark.office}")
            except PeerError as error:
                if error.code == "unknown_key":
                    continue
                self._alarms.keep_evidence(peer, error.code, error.detail or error.text, error.evidence)
                faults += 1
                if faults == _FAULTS_MAX:
                    break
                continue
            old = self._rows.get(mark.office)
            if old is not None and old.number >= mark.number:
                continue
            satisfied = old.satisfied_ms if old else 0
            self._opened[mark.office] = mark
            # A child whose clock is ahead must not make its data look current for longer than it is (I8).
            at_ms = min(mark.at_ms, self._world.clock.now_ms())
            self._keep(MarkRow(mark.office, mark.number, at_ms, note.body, note.signature, satisfied))
            self._weigh(mark.office)
            if self._identity.parent:
                self._waiting[mark.office] = note  # in the place of an older one: nobody is passed over

    def weigh_advanced(self, authors: set[str]) -> None:
        """At the end of a step: logs of these offices grew, a promise may now be fulfilled; marks are passed on."""
        for office in authors:
            self._weigh(office)
        now_ms = self._world.clock.now_ms()
        since_ms, self._counted_ms = max(0, now_ms - self._counted_ms), now_ms
        self._room = min(float(PASSED_AT_ONCE), self._room + since_ms * PASSED_PER_S / 1_000)
        while self._waiting and self._room >= 1:
            self.outbox.append(self._waiting.pop(next(iter(self._waiting))))
            self._room -= 1

    def digest(self, peer: str) -> bytes:
        """Digest of the marks both ends of a link should hold: those of the child's subtree."""
        top = self._identity.code if peer == self._identity.parent else peer
        hasher = hashlib.sha256(b"dulian-marks-1\0")
        for office in sorted(self._rows):
            if office == top or self._below(office, top):
                row = self._rows[office]
                hasher.update(office.encode() + b"\0" + row.number.to_bytes(8, "big"))
        return hasher.digest()

    def frames_for_parent(self) -> list[frames.Marks]:
        """All marks held, for a parent that does not have them."""
        rows = [notes.Signed(row.body, row.signature) for row in self._rows.values()]
        return [frames.Marks(tuple(rows[start : start + 1_000])) for start in range(0, len(rows), 1_000)]

    def _below(self, office: str, top: str) -> bool:
        key = self._keyring.current(office)
        return key is not None and top in key.path

    def _weigh(self, office: str) -> None:
        row = self._rows.get(office)
        if row is None or row.satisfied_ms >= row.at_ms or office == self._identity.code:
            return
        mark = self._mark(row)
        promised = next((view for view in mark.views if view.superior == self._identity.code), None)
        if promised is not None and self._sound(office).root() == promised.heads:
            self._keep(replace(row, satisfied_ms=min(row.at_ms, self._world.clock.now_ms())))

    def _sound(self, office: str) -> HeadSet:
        """The logs of an office without those that have forked: their heads differ from holder to holder for ever."""
        logs = self._logs.index.author(office)
        if office not in self._logs.frozen_authors:
            return logs
        sound = HeadSet()
        for log in logs:
            if not log.frozen:
                sound.add(log)
        return sound

    def _mark(self, row: MarkRow) -> notes.Mark:
        mark = self._opened.get(row.office)
        if mark is None:
            mark = self._opened[row.office] = notes.open_mark(self._keyring, notes.Signed(row.body, row.signature))
        return mark

    def _keep(self, row: MarkRow) -> None:
        self._rows[row.office] = row
        self._store.put([row])

    def _refresh_superiors(self) -> None:
        """Own logs by superior: those whose line names it."""
        all_own, own = self._logs.index.author(self._identity.code), self._sound(self._identity.code)
        if (len(all_own), len(own)) != self._own_logs or not self._superiors:
            path = self._identity.path
            self._superiors = {superior: HeadSet() for superior in path[:-1]}
            for depth, superior in enumerate(path[:-1], start=1):
                for log in own:
                    if log.key.line.includes(path[:depth]):
                        self._superiors[superior].add(log)
            self._own_logs = (len(all_own), len(own))
        for heads in self._superiors.values():
            for log in heads:
                heads.touch(log)

