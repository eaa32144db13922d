"""Admission (I1): whether a foreign record may be stored here, judged by its header alone, never by its meaning.

What is *not* decided here: continuity and signatures (`records.chain`, on whole runs), forks (the store's bytes are
needed), and whether the record has any effect (`items`).
"""

from __future__ import annotations

from node.errors import PeerError
from node.records.header import Header
from node.records.keyring import Key, Keyring
from node.sync.limits import LinkLimits


def admit_log(header: Header, my_path: tuple[str, ...], peer: str, keyring: Keyring) -> Key:
    """Check what all records of a run under one key share; return the author's key.

    ``my_path`` is root … this office; ``peer`` the neighbour the run came from.
    Raises PeerError: foreign_line, wrong_side, foreign_federation, unknown_key, wrong_path.
    """
    line = header.line
    me = my_path[-1]
    peer_is_parent = len(my_path) > 1 and peer == my_path[-2]
    peer_path = my_path[:-1] if peer_is_parent else (*my_path, peer)
    if not (line.includes(my_path) and line.includes(peer_path)):
        raise PeerError("知悉范围不含本单位", code="foreign_line", evidence=b"", detail=f"line {line.path}")
    if header.author != me:
        # From the author's side only: what a parent sends was written at or above it, what a child sends at or below.
        author_above = header.author in my_path
        if author_above != peer_is_parent:
            raise PeerError("来路不对", code="wrong_side", detail=f"author {header.author} from {peer}")
        if not author_above and not (me in line.path and line.path[line.path.index(me) + 1] == peer):
            raise PeerError("来路不对", code="wrong_side", detail=f"author {header.author} from {peer}")
    return keyring.authorise(header)


def admit_time(header: Header, now_ms: int, limits: LinkLimits) -> None:
    """Refuse what comes from the future: PeerError(future: waits | far_future: refused)."""
    ahead_ms = header.hlc_ms - now_ms
    if ahead_ms > limits.clock_refuse_ms:
        raise PeerError("时间超前一天以上", code="far_future", detail=f"{ahead_ms} ms ahead")
    if ahead_ms > limits.clock_wait_ms:
        raise PeerError("时间超前，到时再收", code="future", detail=f"{ahead_ms} ms ahead")
