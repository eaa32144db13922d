"""The database of a running node, looked at from outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple


class Fault(NamedTuple):
    """A row of the parent's evidence."""

    code: str
    text: str
    data: bytes


class Books:
    """The database of a running node, read only and from outside."""

    def __init__(self, home: Path) -> None:
        self._path = home / "dulian.db"

    def rows(self, query: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=20)) as database:
            return database.execute(query, values).fetchall()

    def evidence(self, peer: str, after: int = 0) -> list[Fault]:
        query = "select code, text, data from evidence where peer = ? and evidence_no > ? order by evidence_no"
        return [Fault(*row) for row in self.rows(query, peer, after)]

    def last_evidence(self) -> int:
        return int(self.rows("select coalesce(max(evidence_no), 0) from evidence")[0][0])

    def head(self, log_id: bytes) -> tuple[int, bytes]:
        found = self.rows("select head_seq, head_id from log where log_id = ?", log_id)
        return (found[0][0], found[0][1]) if found else (0, b"")

    def heads(self) -> dict[bytes, tuple[int, bytes]]:
        return {row[0]: (row[1], row[2]) for row in self.rows("select log_id, head_seq, head_id from log")}

    def frozen(self, log_id: bytes) -> bool:
        return bool(self.rows("select frozen from log where log_id = ?", log_id)[0][0])

    def stored(self, log_id: bytes, seq: int) -> tuple[bytes, bytes]:
        """Header and payload of a stored record, byte for byte."""
        query = "select header, payload from record join log on place >> 32 = log_no where log_id = ? and place % ? = ?"
        return self.rows(query, log_id, 2**32, seq)[0]

    def forks(self, log_id: bytes) -> list[bytes]:
        found = self.rows("select record_id from fork join log using (log_no) where log_id = ?", log_id)
        return [row[0] for row in found]

    def alarms(self) -> set[tuple[str, str]]:
        return set(self.rows("select code, subject from alarm"))
