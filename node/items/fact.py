"""Facts: what the fold sees of a record.

Rules of this file:

1. A fact is a stored record without its bytes: the header's fields that matter, and the payload decoded or the reason
   why there is none (`body`). Whether the signature holds was decided before.
2. `fact_of` never raises: a payload that cannot be read makes a fact with body ``malformed``.
3. Facts with one record id are the same record; they may differ only in when it was received and whether its payload
   is still there.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from node.errors import PeerError
from node.records.header import Header
from node.records.line import Line
from node.records.payload import Act, Enclosure, Opening, decode

Body = Literal["ok", "erased", "malformed", "unknown"]


_new = tuple.__new__  # a value from its fields in order, without a call of Python's for each of millions
_OF_ITEMS = (Opening, Act, Enclosure)  # what an item's records say


class Fact(NamedTuple):
    """One record as the fold sees it. Times are milliseconds since 1970 UTC and never decide a state.

    ``item`` is the item it belongs to (`item_id_of`), also in an opening record. ``payload`` is None unless ``body``
    is ``ok``: ``erased`` (清除, or not there), ``malformed``, ``unknown`` (a kind without a payload we can read).
    """

    record_id: bytes
    kind: int
    author: str
    epoch: int
    seq: int
    line: Line
    item: bytes
    semantic_version: int
    re: tuple[bytes, ...]
    reissue_of: bytes
    claimed_ms: int
    received_ms: int
    payload_hash: bytes
    actor: int
    channel: int
    payload: Opening | Act | Enclosure | None
    body: Body


def item_id_of(record_id: bytes, header: Header) -> bytes:
    """Return the id of the item a record belongs to, empty if it belongs to none.

    An opening record belongs to the item it opens; a re-issued one to the item of its original. Records that act on an
    item name the id of the original opening record.
    """
    if header.item:
        return header.item
    if header.semantic_version:
        return header.reissue_of or record_id
    return b""


def fact_of(record_id: bytes, header: Header, payload_bytes: bytes | None, received_ms: int) -> Fact:
    """Return the fact of a stored record; ``payload_bytes`` is None once the payload was erased."""
    (
        _, author, epoch, line, seq, _, _, _, claimed_ms, kind, item, semantic_version, re, reissue_of, actor, channel,
        _, _, _, payload_hash,
    ) = header  # fmt: skip
    payload: Opening | Act | Enclosure | None = None
    body: Body = "erased"
    if payload_bytes is not None:
        try:
            decoded = decode(kind, payload_bytes)
        except PeerError:
            # Not swallowed: the fold gives the record no effect and the timeline shows it as invalid.
            body = "malformed"
        else:
            if isinstance(decoded, _OF_ITEMS):
                payload, body = decoded, "ok"
            else:
                body = "unknown"
    return _new(Fact, (
        record_id, kind, author, epoch, seq, line, item or item_id_of(record_id, header), semantic_version, re,
        reissue_of, claimed_ms, received_ms, payload_hash, actor, channel, payload, body,
    ))  # fmt: skip
