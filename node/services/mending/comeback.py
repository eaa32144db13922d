"""A node that came back: from a backup, by `recover`, or beside another copy of itself (architecture sections 3, 4, 8).

Rules of this file:

1. After `restore` and `recover` a new epoch has begun already: what neighbours show of other epochs is the lost tail
   and stops nobody (R2). The state lasts until every neighbour has been compared with once.
2. A neighbour with which this process has already agreed about all own records, and which then shows own records of an
   epoch this node has never begun, proves that another copy of this node is running (R3). A rollback cannot look so: it
   takes a restart, and with it goes what this process has agreed about.
3. Who finds the other copy says so in a last record (an EPOCH with reason ``clone``), so that the other stops too; the
   copy the operator chooses begins an epoch with reason ``survivor``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from node.clock import iso
from node.storage.port import Meta, Reader, Store

RESTORE, RECOVER = "restore", "recover"  # reasons of an epoch
CLONE, SURVIVOR = "clone", "survivor"
# Why a node does not author (`Author.recovering`), besides "rollback" and "fork", which end by themselves:
CLONE_FOUND = "clone_found"  # found here, not said yet
CLONE_SAID = "clone_said"  # learnt from the other copy's last record; perhaps all this is past, and settled
CLONES = frozenset({CLONE, CLONE_FOUND, CLONE_SAID})
META, ALARM = "restored", "restored"
EPOCH_META, RECOVERING_META = "epoch", "recovering"  # the epoch in force; why nothing is written in it
_WINDOW_META = "lost_window"
_BACKDATED_MS = 2 * 3_600_000
_WORDS = {RESTORE: "由备份恢复", RECOVER: "重建"}


def cause(recovering: str) -> str:
    """What everybody is told of why a node does not author: how a copy has learnt of the other is its own affair."""
    return CLONE if recovering in CLONES else recovering


def epoch_in_force(reader: Reader) -> int:
    """The epoch this office writes in; 0 = none yet."""
    saved = reader.get(Meta, EPOCH_META)
    return int(saved.value) if saved else 0


def stop_at_rest(store: Store, reason: str) -> None:
    """The same as `Author.stop`, in a store of which no node has been composed yet."""
    if store.get(Meta, RECOVERING_META) is None:
        store.put([Meta(RECOVERING_META, reason.encode())])


class Comeback:
    """What this node still has to ask its neighbours, and with which of them it has agreed."""

    def __init__(self, store: Store) -> None:
        """Read what an earlier process left."""
        self._store = store
        saved = store.get(Meta, META)
        self._state: dict[str, object] = dict(json.loads(saved.value)) if saved else {}
        self.clear_with: set[str] = set()  # in the life of this process
        self.unreceipted: set[str] = set()  # neighbours that gave own records back since their receipts were asked for

    @property
    def pending(self) -> bool:
        """Whether neighbours are still to be asked for the lost tail."""
        return bool(self._state)

    def lost_channel(self, begins_ms: int) -> bool:
        """Whether a TLS certificate may have been issued in the time this node has lost (they are backdated)."""
        saved = self._store.get(Meta, _WINDOW_META)
        from_ms, at_ms = (int(part) for part in saved.value.split(b"-")) if saved else (0, 0)
        return bool(at_ms) and from_ms - _BACKDATED_MS <= begins_ms <= at_ms

    @property
    def window_ms(self) -> tuple[int, int]:
        """From when to when (ms) this node may have done what it does not know any more; (0, 0) = no such time."""
        return number(self._state.get("from_ms")), number(self._state.get("at_ms"))

    def not_asked(self, neighbours: Iterable[str]) -> list[str]:
        """Neighbours that have not been compared with since."""
        asked = self._state.get("asked")
        done = set(asked) if isinstance(asked, list) else set()
        return [code for code in neighbours if code not in done] if self._state else []

    def agreed(self, peer: str, neighbours: Iterable[str]) -> bool:
        """A neighbour shows nothing of ours that is missing here; returns whether that ends the recovery."""
        self.clear_with.add(peer)
        if peer not in self.not_asked([peer]):
            return False
        asked = self._state.get("asked")
        self._state["asked"] = sorted({*(asked if isinstance(asked, list) else []), peer})
        over = not self.not_asked(neighbours)
        if over:
            self._state = {}
            self._store.delete(Meta, META)
        else:
            _save(self._store, self._state)
        return over

    def text(self, neighbours: Iterable[str]) -> str:
        """What the screen says; empty where nothing is pending."""
        if not self._state:
            return ""
        how = _WORDS.get(str(self._state.get("how")), "")
        when = f"（备份于 {iso(self.window_ms[0])}）" if self._state.get("how") == RESTORE else ""
        left = "、".join(self.not_asked(neighbours))
        return f"恢复模式：本机{how}{when}，已开始新纪元，可照常办理；尚未与 {left} 核对，联通后自动取回缺失的记录"


def begin(store: Store, how: str, from_ms: int, now_ms: int) -> None:
    """Enter the state, in the transaction that begins the new epoch; ``from_ms``: up to when nothing was lost."""
    _save(store, {"how": how, "from_ms": from_ms, "at_ms": now_ms, "asked": []})
    keep_window(store, from_ms, now_ms)


def keep_window(store: Store, from_ms: int, now_ms: int) -> None:
    """Remember the time of which this node knows nothing."""
    store.put([Meta(_WINDOW_META, b"%d-%d" % (from_ms, now_ms))])


def is_pending(reader: Reader) -> bool:
    """Whether a store is in this state."""
    return reader.get(Meta, META) is not None


def number(value: object) -> int:
    """A whole number of the state."""
    return value if isinstance(value, int) else 0


def _save(store: Store, state: dict[str, object]) -> None:
    store.put([Meta(META, json.dumps(state).encode())])
