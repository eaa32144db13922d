"""Lines 知悉范围: who may know a record, and the logs they make.

Rules: a line is the listed codes from top to bottom, each the parent of the next; with ``subtree`` also everything
below the bottom; the author is one of those listed (I4). A log is (author, epoch, line).
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from node.records.limits import PATH_CODES_MAX

CODE = re.compile(r"[0-9]{6}([0-9]{3})?(-[a-z0-9]{1,16})?\Z")
_LOG_PREFIX = b"dulian-log-1\0"


class Line(NamedTuple):
    """Who may know: ``path`` top to bottom, and everything below it where ``subtree``."""

    path: tuple[str, ...]
    subtree: bool = False

    @property
    def top(self) -> str:
        """The highest office."""
        return self.path[0]

    @property
    def bottom(self) -> str:
        """The lowest listed office."""
        return self.path[-1]

    def includes(self, office_path: tuple[str, ...]) -> bool:
        """Whether the office whose ancestry is ``office_path`` (root … office) may know.

        The line's codes must stand in the office's own ancestry, parent by parent, as far as both reach.
        """
        path = self.path
        try:
            start = office_path.index(path[0])
        except ValueError:
            # The office stands above the top of the line: not included.
            return False
        mine = office_path[start:]
        common = min(len(mine), len(path))
        if mine[:common] != path[:common]:
            return False
        return len(mine) <= len(path) or self.subtree

    def crosses(self, upper_path: tuple[str, ...], lower: str) -> bool:
        """Whether a log of this line travels the link between an office (``upper_path``) and its child ``lower``."""
        return self.includes(upper_path) and self.includes((*upper_path, lower))


class LogKey(NamedTuple):
    """A log: all records of one author, epoch and line."""

    author: str
    epoch: int
    line: Line


@lru_cache(maxsize=16_384)  # a memo of a pure function: headers of one log name it again and again
def log_id_of(key: LogKey) -> bytes:
    """32 bytes naming a log on the wire and in the store: SHA-256 over length-prefixed fields."""
    parts = [_LOG_PREFIX, len(key.author).to_bytes(4, "big"), key.author.encode(), key.epoch.to_bytes(8, "big")]
    parts.append(len(key.line.path).to_bytes(4, "big"))
    for code in key.line.path:
        raw = code.encode()
        parts.append(len(raw).to_bytes(4, "big") + raw)
    parts.append(b"\1" if key.line.subtree else b"\0")
    return hashlib.sha256(b"".join(parts)).digest()


@lru_cache(maxsize=16_384)
def line_fault(author: str, line: Line) -> str:
    """Return why a line is malformed, or an empty string."""
    if not 1 <= len(line.path) <= PATH_CODES_MAX:
        return "path length"
    if len(set(line.path)) != len(line.path):
        return "a code twice in the path"
    for code in line.path:
        if not CODE.match(code):
            return "malformed code"
    return "" if author in line.path else "author is not on the line"


def parent_by_code(code: str) -> str:
    """The parent that a code's digits name; empty for a province and above. Real trees may differ (直辖, 代管)."""
    if "-" in code:
        return code.partition("-")[0]
    level = level_of(code)
    if level == "township":
        return code[:6]
    if level == "county":
        return code[:4] + "00"
    return code[:2] + "0000" if level == "prefecture" else ""


def level_of(code: str) -> str:
    """Level by the shape of the code: what GB/T 2260 and GB/T 10114 say, without asking the directory."""
    if "-" in code:
        return "unit"
    if len(code) > 6:
        return "township"
    if code == "000000":
        return "nation"
    if code.endswith("0000"):
        return "province"
    return "prefecture" if code.endswith("00") else "county"
