"""The RUNBOOK as the console shows it: the section of an alarm, beside the alarm.

``templates/links/runbook.md`` is a copy of ``deploy/RUNBOOK.md`` that ships with the program; a test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).resolve().parents[1] / "templates" / "links" / "runbook.md"
_SPAN = re.compile(r"\*\*(?P<strong>[^*]+)\*\*|`(?P<code>[^`]+)`")
Span = tuple[str, str]  # (strong | code | nothing, text)


class Section(NamedTuple):
    """What to do about an alarm: ``lines`` are the points of the section, each of spans."""

    code: str
    title: str
    lines: tuple[tuple[Span, ...], ...]


def spans(text: str) -> tuple[Span, ...]:
    """A line of Markdown cut into strong text, code and the rest; nothing else of Markdown is used there."""
    found: list[Span] = []
    end = 0
    for match in _SPAN.finditer(text):
        if match.start() > end:
            found.append(("", text[end : match.start()]))
        found.append((str(match.lastgroup), match[match.lastgroup or 0]))
        end = match.end()
    if end < len(text):
        found.append(("", text[end:]))
    return tuple(found)


def parse(text: str) -> Mapping[str, Section]:
    """The sections by alarm code."""
    found: dict[str, Section] = {}
    for part in text.split("\n## ")[1:]:
        head, *rest = part.splitlines()
        code, _, title = head.partition(" ")
        points: list[str] = []
        for line in rest:
            if line.startswith(("- ", "  - ")) or (line.strip() and not points):
                points.append(line.strip().removeprefix("- "))
            elif line.strip():
                points[-1] += " " + line.strip()
        found[code] = Section(code, title.strip(), tuple(spans(point) for point in points))
    return found


def load() -> Mapping[str, Section]:
    """The sections of the runbook that came with the program."""
    return parse(FILE.read_text("utf-8"))
