"""Work lines 工作线条 as queues: the items of one line in lists and ledgers (R6)."""

from __future__ import annotations

from node.errors import InputError
from node.rules.profile import Profile
from node.rules.words import LINES
from node.storage.port import BoardQuery


def line_of(profile: Profile, work_line: str, source: str) -> str:
    """The line of an item: the one said when it was opened, else the one its source opens; "" for none."""
    return work_line or next((part.line or "" for part in profile.sources if part.id == source), "")


def on_line(profile: Profile, word: str, query: BoardQuery) -> BoardQuery:
    """The query with only what is on a line, given by id or label; "" asks for all lines.

    What was opened without saying its line is on the one its source opens in the profile in force.

    Raises:
        InputError: no such line.
    """
    if not word:
        return query
    line = next((name for name, label in LINES.items() if word in (name, label)), "")
    if not line:
        raise InputError("没有这个工作线条", field="--line", value=word, remedy=f"可选：{'、'.join(LINES.values())}")
    sources = [one for one in profile.sources if one.line == line]
    words = tuple(word for one in sources for word in (one.id, one.label))
    return query._replace(work_line=line, line_sources=words)
