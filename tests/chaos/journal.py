"""What nodes acknowledged: one line of JSON for each, on disk before the driver asks for the next.

An entry names the records the answer names (the opening of an item has the item's id). Some may be lost by right: what
a backup put back does not hold and no neighbour had got; they are excused by name, and counted.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One acknowledged command."""

    office: str
    verb: str
    item: str
    records: tuple[str, ...]
    files: dict[str, str]  # hash in the record → SHA-256 of the content


class Journal:
    """All that was acknowledged to the driver."""

    def __init__(self, path: Path) -> None:
        self.entries: list[Entry] = []
        self.excused: set[str] = set()
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")

    def note(self, office: str, verb: str, answer: dict[str, Any], contents: list[str]) -> None:
        """Write down what an answer promises."""
        opened = [task["item"] for task in answer.get("assignments") or ()]
        record = answer.get("record") or (answer["item"] if verb in ("item.register", "item.issue") else "")
        hashes = answer.get("attachments") or []
        records = (record, *opened) if record else tuple(opened)
        entry = Entry(office, verb, answer["item"], records, dict(zip(hashes, contents, strict=True)))
        with self._lock:
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            self._file.flush()
            self.entries.append(entry)

    def excuse(self, office: str, kept: set[str]) -> int:
        """Of this office only what is ``kept`` must still be there; returns how many are let go."""
        with self._lock:
            lost = {
                record for entry in self.entries if entry.office == office for record in entry.records
                if record not in kept
            } - self.excused
            self.excused |= lost
        return len(lost)

    def promised(self) -> dict[str, str]:
        """Record id → office that acknowledged it."""
        with self._lock:
            return {
                record: entry.office for entry in self.entries for record in entry.records
                if record not in self.excused
            }

    def files(self) -> dict[str, tuple[str, str]]:
        """Hash of an attachment → (its item, SHA-256 of its content)."""
        with self._lock:
            return {
                name: (entry.item, content) for entry in self.entries for name, content in entry.files.items()
                if entry.records and entry.records[0] not in self.excused
            }

    def close(self) -> None:
        self._file.close()
