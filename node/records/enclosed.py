"""The files that the records of a 转送 name: who holds the 转送 may have them, like those of any record of the line.

What is read here was signed by who wrote the 转送; whether the enclosed signatures hold is asked where something is
shown (`services.matters.sharing.opener`).
"""

from __future__ import annotations

from node.errors import PeerError
from node.records import header
from node.records.kinds import Kind
from node.records.payload import Act, Attachment, Enclosure, Opening, decode

_NESTED = frozenset({int(Kind.ENCLOSE), int(Kind.WITNESS)})  # a 转送 in a 转送 is not opened


def files_in(enclosure: Enclosure) -> tuple[Attachment, ...]:
    """The files that the enclosed records name, each once; none of a record that cannot be read."""
    found: dict[bytes, Attachment] = {}
    for envelope in enclosure.records:
        try:
            kind = header.decode(envelope.header).kind
            said = decode(kind, envelope.payload) if envelope.payload is not None and kind not in _NESTED else None
        except PeerError:
            continue  # shown as 未确认, and has nothing to hand over
        for file in said.attachments if isinstance(said, Opening | Act) else ():
            found.setdefault(file.hash, file)
    return tuple(found.values())
