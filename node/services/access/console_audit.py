"""The console's audit log: who signed in, did or was refused what. A chain of hashes, so that a gap or a change shows.

Rules of this file:

1. An entry's hash covers the hash before it and its own fields, each with its length: no text can pass for two fields
   or two entries (W16). Control characters are kept visible, never raw.
2. The newest number and hash stand in one meta row: what was cut off at the end is missed, too.
3. Entries about commands stand in the transaction of the command.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from node.clock import iso
from node.errors import InputError
from node.services.access.verb_words import word_of
from node.services.matters.desk import take
from node.storage.port import Meta, Reader, Store, WebAudit

if TYPE_CHECKING:
    from node.services.views.browse import View

_META = "web_audit"
_TEXT_CHARS_MAX = 300
_ITEM_ID = re.compile("[0-9a-f]{64}")
PER_PAGE = 100
_CHECKED_MAX = 2_000  # entries checked for one answer: the newest


def _plain(text: str) -> str:
    """One line without control characters; longer text is cut."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:_TEXT_CHARS_MAX])
    return shown if len(text) <= _TEXT_CHARS_MAX else shown + "…"


def _chained(before: bytes, entry: WebAudit) -> bytes:
    hasher = hashlib.sha256(before)
    for part in (entry.number, entry.at_ms, entry.name, entry.address, entry.action, entry.subject, entry.outcome):
        raw = str(part).encode()
        hasher.update(len(raw).to_bytes(4, "big") + raw)
    return hasher.digest()


def _last(reader: Reader) -> tuple[int, bytes]:
    meta = reader.get(Meta, _META)
    return (int.from_bytes(meta.value[:8], "big"), meta.value[8:]) if meta is not None else (0, b"")


def note(
    store: Store, now_ms: int, name: str, address: str, action: str, subject: str, outcome: str = ""
) -> None:
    """Add an entry; inside a step of the core."""
    number, before = _last(store)
    entry = WebAudit(
        number + 1, now_ms, _plain(name), _plain(address), _plain(action), _plain(subject), _plain(outcome), b""
    )
    chain = _chained(before, entry)
    fields = (entry.number, entry.at_ms, entry.name, entry.address, entry.action, entry.subject, entry.outcome)
    store.put([WebAudit(*fields, chain), Meta(_META, (number + 1).to_bytes(8, "big") + chain)])


def broken_at(reader: Reader) -> int:
    """The number of the newest entry that does not bear out the chain, 0 = none (the newest 2,000 are looked at)."""
    number, chain = _last(reader)
    entry = reader.get(WebAudit, number) if number else None
    for wanted in range(number, max(0, number - _CHECKED_MAX), -1):
        before = reader.get(WebAudit, wanted - 1) if wanted > 1 else None
        if entry is None or entry.chain != chain:
            return wanted
        if _chained(before.chain if before is not None else b"", entry) != entry.chain:
            return wanted if before is not None or wanted == 1 else wanted - 1
        entry, chain = before, before.chain if before is not None else b""
    return 0


def _items(reader: Reader, subjects: Iterable[str]) -> dict[str, dict[str, str]]:
    """Those subjects that are items held here, each with its number and title."""
    ids = [bytes.fromhex(one) for one in subjects if _ITEM_ID.fullmatch(one)]
    return {row.item_id.hex(): {"number": row.number, "title": row.title} for row in reader.board(ids)} if ids else {}


def list_entries(reader: Reader, view: View, args: Mapping[str, object]) -> dict[str, object]:
    """`console.audit`: args page, name (of an account). The newest first, 100 a page, and whether the chain holds."""
    del view
    text = take(args, "page") or "1"
    if not text.isdecimal() or not 0 < int(text) < 1_000_000:
        raise InputError("页码写法不对", field="page", value=text, remedy="写正整数")
    page = int(text)
    name = take(args, "name").strip()
    last, _ = _last(reader)
    if name:
        theirs = reader.rows(WebAudit, name=name)[::-1]
        last = len(theirs)
        found = theirs[(page - 1) * PER_PAGE : page * PER_PAGE]
    else:
        first = last - (page - 1) * PER_PAGE
        asked = (reader.get(WebAudit, number) for number in range(first, max(0, first - PER_PAGE), -1))
        found = [row for row in asked if row is not None]
    items = _items(reader, {row.subject for row in found})
    rows = [
        {"number": row.number, "at": iso(row.at_ms), "name": row.name, "address": row.address, "action": row.action,
         "action_label": word_of(row.action), "subject": row.subject, "item": items.get(row.subject),
         "outcome": row.outcome}
        for row in found
    ]  # fmt: skip
    return {"rows": rows, "page": page, "pages": max(1, -(-last // PER_PAGE)), "broken_at": broken_at(reader)}
