"""Alarms: what an operator must know until it is over. Each has a code, a subject and a Chinese text."""

from __future__ import annotations

from node.records.payload import FORBIDDEN
from node.services.identity import World
from node.storage.port import Alarm, Evidence, Store

_EVIDENCE_PER_PEER_MAX = 1_000  # oldest are dropped: a flood must not fill the disk (G12)
_EVIDENCE_BYTES_MAX = 16_384
_TEXT_CHARS_MAX = 1_000


class Alarms:
    """Alarms and evidence of this node."""

    def __init__(self, store: Store, world: World) -> None:
        """Read what stands."""
        self._store = store
        self._world = world
        self._standing = {(alarm.code, alarm.subject): alarm for alarm in store.rows(Alarm)}
        rows = store.rows(Evidence)
        self._next_no = max((row.evidence_no for row in rows), default=0) + 1
        self._by_peer: dict[str, list[int]] = {}
        for row in rows:
            self._by_peer.setdefault(row.peer, []).append(row.evidence_no)

    def standing(self) -> list[Alarm]:
        """All alarms, oldest first."""
        return sorted(self._standing.values(), key=lambda alarm: (alarm.since_ms, alarm.code, alarm.subject))

    def raise_(self, code: str, subject: str, text: str) -> None:
        """Raise an alarm, or renew its text; ``since`` stays that of the first time."""
        subject, text = _printable(subject), _printable(text)
        old = self._standing.get((code, subject))
        if old is not None and old.text == text:
            return
        alarm = Alarm(code, subject, text, old.since_ms if old else self._world.clock.now_ms())
        self._standing[code, subject] = alarm
        self._store.put([alarm])

    def contested(self, office: str, parents: tuple[str, ...]) -> bool:
        """An office certified under several parents: somebody claims what is not its own; False where there is one."""
        if parents:
            self.raise_("two_parents", office, f"{office} 被 {'、'.join(parents)} 分别认证为下级，请查明")
        return bool(parents)

    def clear(self, code: str, subject: str) -> None:
        """It is over."""
        if self._standing.pop((code, subject), None) is not None:
            self._store.delete(Alarm, code, subject)

    def keep_evidence(self, peer: str, code: str, text: str, data: bytes) -> None:
        """Keep what was refused, with who sent it and why (bounded)."""
        numbers = self._by_peer.setdefault(peer, [])
        if len(numbers) >= _EVIDENCE_PER_PEER_MAX:
            self._store.delete(Evidence, numbers.pop(0))
        text = _printable(text)
        row = Evidence(self._next_no, peer, self._world.clock.now_ms(), code, text, data[:_EVIDENCE_BYTES_MAX])
        numbers.append(self._next_no)
        self._next_no += 1
        self._store.put([row])


def _printable(text: str) -> str:
    """Parts of a text may be a neighbour's words: nothing in it deceives the eye, and every database takes it."""
    return FORBIDDEN.sub("�", text)[:_TEXT_CHARS_MAX]
