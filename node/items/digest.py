r"""Digest: 32 bytes that are equal at every holder of the same records (architecture.md I7).

digest(item) = SHA-256("dulian-item-1\0" ‖ fields). A field is its length (4 bytes, big-endian) and its bytes; text is
UTF-8, a number is its decimal digits in ASCII, a list is its count as a number and then its entries. The fields, in
order: semantic version; item id; declarations, sorted, each as original record id and effect; state (empty while there
is no valid opening); receiver; role; due day in force; per cent; 催办, 退回, 进展, 办结报告 counts; attachment hashes,
sorted; from semantic version 2 on what runs beside the state (`beside.Tracks`), field by field, in order. Lights,
times, children and roll-up are not in it. Records off the item's line are not in it, because not every holder has
them; for the same reason an item whose opening is not here has no declarations in it.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from node.items.beside import EMPTY, Tracks
from node.items.fold import APPLIED, ERASED, INVALID, LATE, SUPERSEDED, UNKNOWN, WAITING, ItemState

_PREFIX = b"dulian-item-1\0"


def digest(state: ItemState) -> bytes:
    """Return the item's digest."""
    beside = _beside_bytes(state.tracks) if state.semantic_version > 1 else b""
    return hashlib.sha256(b"".join((_PREFIX, _declared(state), _fields(_main(state)), beside))).digest()


def digest_of_all(digests: dict[bytes, bytes]) -> bytes:
    """One node's digest of all its items: SHA-256 over prefix and the sorted (item id, digest), as fields."""
    return hashlib.sha256(_PREFIX + _fields([part for pair in sorted(digests.items()) for part in pair])).digest()


def substance(state: ItemState) -> list[bytes]:
    """The digest's fields behind the declarations: what an unauthorised record can never change."""
    return _main(state) + (_beside(state.tracks) if state.semantic_version > 1 else [])


def _main(state: ItemState) -> list[bytes]:
    numbers = (state.due_day, state.percent, *state.counters)
    hashes = sorted(file.hash for file in state.attachments)
    return [
        (state.state or "").encode(),
        state.receiver.encode(),
        *(b"%d" % number for number in (state.role, *numbers, len(hashes))),
        *hashes,
    ]


def _beside(tracks: Tracks) -> list[bytes]:
    return _NOTHING_BESIDE if tracks is EMPTY else _flat(tracks)


@lru_cache(maxsize=1024)  # a memo of a pure function: most records leave the tracks of their item as they are
def _beside_bytes(tracks: Tracks) -> bytes:
    return _fields(_beside(tracks))


def _flat(value: object) -> list[bytes]:
    """A value as fields: a tuple as its count and then its entries."""
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, str):
        return [value.encode()]
    if isinstance(value, tuple):
        fields = [b"%d" % len(value)]
        for entry in value:
            fields += _flat(entry)
        return fields
    return [b"%d" % value] if isinstance(value, int) else []


def _declared(state: ItemState) -> bytes:
    fields = _fields([b"%d" % state.semantic_version, state.item_id, b"%d" % len(state.declarations)])
    return fields + b"".join([
        part for record_id, effect in state.declarations
        for part in (_LENGTHS[len(record_id)], record_id, _EFFECTS[effect])
    ])  # fmt: skip


_NOTHING_BESIDE = _flat(EMPTY)
_LENGTHS = [length.to_bytes(4, "big") for length in range(256)]  # of nearly every field there is


def _fields(fields: list[bytes]) -> bytes:
    try:
        return b"".join([part for field in fields for part in (_LENGTHS[len(field)], field)])
    except IndexError:
        return b"".join([part for field in fields for part in (len(field).to_bytes(4, "big"), field)])


_EFFECTS = {
    effect: _fields([effect.encode()]) for effect in (APPLIED, WAITING, LATE, INVALID, SUPERSEDED, UNKNOWN, ERASED)
}
