"""Text for people: widths, colours and tables. Pure apart from `paper_of`, which looks at the stream once.

Rules:

1. What comes from records is foreign text: `clean` takes out control and direction characters first.
2. A full-width character counts as two columns, a combining mark as none.
3. Colour only repeats what a word already says, and only on a terminal; elsewhere text is plain and never wrapped.
4. On a terminal no row of a table is wider than it: columns give way in the order their caller names, cut with an `…`.
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

WIDTH_MIN = 24
FLEX_WIDTH_MIN = 16  # a title narrower than eight characters cannot be read
GAP = "  "
COLUMN_WIDTH_MIN = 2
_NEVER_FIRST = frozenset("，。、；：？！）》”’」")
_SGR = {"green": "32", "yellow": "33", "red": "31", "blue": "36", "grey": "90", "bold": "1"}


@dataclass(frozen=True, slots=True)
class Paper:
    """Where text is written: its ``width`` in columns (None: do not wrap) and whether it takes ``colour``."""

    width: int | None = None
    colour: bool = False

    def paint(self, text: str, style: str) -> str:
        """``text`` in a colour of `_SGR`, or as it is."""
        return f"\x1b[{_SGR[style]}m{text}\x1b[0m" if self.colour and style else text


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a table, with the colour that repeats its meaning."""

    text: str
    style: str = ""


def paper_of(stream: TextIO) -> Paper:
    """What ``stream`` is: a terminal, coloured unless NO_COLOR is set or it is dumb, or something plain."""
    if not stream.isatty():
        return Paper()
    colour = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return Paper(max(shutil.get_terminal_size().columns, WIDTH_MIN), colour)


def clean(value: object, *, lines: bool = False) -> str:
    """``value`` as text that cannot move a terminal; line ends become spaces unless ``lines``."""
    text = "" if value is None else str(value)
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\t", " ")
    if not lines:
        text = text.replace("\n", " ")
    return "".join(char if char == "\n" or not _invisible(char) else "\ufffd" for char in text)


def _invisible(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def width(text: str) -> int:
    """The columns ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def pad(text: str, columns: int) -> str:
    """``text`` filled with spaces up to ``columns``."""
    return text + " " * max(columns - width(text), 0)


def wrap(text: str, columns: int | None) -> list[str]:
    """``text`` in lines of at most ``columns``, broken anywhere but inside an ASCII word that fits a line."""
    if columns is None:
        return text.split("\n")
    found: list[str] = []
    for line in text.split("\n"):
        found += _wrap_line(line, columns)
    return found


def _wrap_line(line: str, columns: int) -> Iterator[str]:
    while width(line) > columns:
        taken = used = 0
        while used + _char_width(line[taken]) <= columns or not taken:
            used += _char_width(line[taken])
            taken += 1
        cut = taken
        while cut and _in_word(line[cut - 1]) and _in_word(line[cut]):
            cut -= 1
        cut = cut or taken
        if line[cut] in _NEVER_FIRST and cut > 1 and not _in_word(line[cut - 1]):
            cut -= 1
        yield line[:cut].rstrip()
        line = line[cut:].lstrip()
    yield line


def _in_word(char: str) -> bool:
    return char.isascii() and not char.isspace()


def cut(text: str, columns: int) -> str:
    """``text`` in at most ``columns`` (at least 1), an ``…`` at the end of what was cut."""
    if width(text) <= columns:
        return text
    taken, used = [], 1
    for char in text:
        used += _char_width(char)
        if used > columns:
            break
        taken.append(char)
    return "".join(taken) + "…"


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[Cell | str]],
    paper: Paper,
    *,
    flex: int | None = None,
    give: Sequence[tuple[int, int]] = (),
    more: Sequence[tuple[int, int]] = (),
    indent: str = "",
) -> list[str]:
    """Aligned columns under ``headers``, no wider than the paper.

    Where it is too narrow, column number ``flex`` goes on in the next line; then the columns of ``give``, each down to
    a width, are cut in that order; then the gaps shrink, those of ``more`` are cut, and in the end all.
    """
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    columns = [max([width(head), *(width(row[at].text) for row in cells)]) for at, head in enumerate(headers)]
    gap = GAP
    if paper.width is not None:
        steps = [*([(flex, FLEX_WIDTH_MIN)] if flex is not None else []), *give]
        room = paper.width - len(indent) - len(gap) * (len(columns) - 1)
        if not _fit(columns, room, steps):
            gap = " "
            room = paper.width - len(indent) - len(gap) * (len(columns) - 1)
            _fit(columns, room, [*steps, *more, *((at, COLUMN_WIDTH_MIN) for at in reversed(range(len(columns))))])
    lines = [indent + paper.paint(_row([Cell(head) for head in headers], columns, paper, gap), "bold")]
    for row in cells:
        parts = wrap(row[flex].text, columns[flex]) if flex is not None else [""]
        for number, part in enumerate(parts):
            shown = [cell if number == 0 else Cell("") for cell in row]
            if flex is not None:
                shown[flex] = Cell(part, row[flex].style)
            lines.append(indent + _row(shown, columns, paper, gap))
    return lines


def _fit(columns: list[int], room: int, steps: Iterable[tuple[int, int]]) -> bool:
    """Make columns narrower, step by step, until together they fit; whether they do (else nothing was changed)."""
    tried = list(columns)
    for at, least in steps:
        over = sum(tried) - room
        if over > 0:
            tried[at] = max(tried[at] - over, min(least, tried[at]))
    if sum(tried) > room:
        return False
    columns[:] = tried
    return True


def _row(row: Sequence[Cell], columns: Sequence[int], paper: Paper, gap: str) -> str:
    last = len(row) - 1
    shown = []
    for at, (cell, columns_at) in enumerate(zip(row, columns, strict=True)):
        text = cut(cell.text, columns_at)
        filler = " " * (columns_at - width(text)) if at < last else ""
        shown.append((paper.paint(text, cell.style) if text else "") + filler)
    return gap.join(shown).rstrip()


def fields(pairs: Iterable[tuple[str, str]], paper: Paper) -> list[str]:
    """Label and value, one pair a line, values aligned; long values go on under themselves."""
    kept = [(label, value) for label, value in pairs if value]
    left = max((width(label) for label, _ in kept), default=0) + len(GAP)
    lines = []
    for label, value in kept:
        first, *rest = wrap(value, None if paper.width is None else max(paper.width - left, FLEX_WIDTH_MIN))
        lines.append(pad(label, left) + first)
        lines += [" " * left + line for line in rest]
    return lines


def groups_of_4(fingerprint: object) -> str:
    """A fingerprint as it is read out on the telephone: groups of four, eight groups a line."""
    text = clean(fingerprint)
    groups = [text[at : at + 4] for at in range(0, len(text), 4)]
    return "\n".join(" ".join(groups[at : at + 8]) for at in range(0, len(groups), 8))


def moment(value: object) -> str:
    """``2026-11-22T03:14:05+08:00`` as ``2026-11-22 03:14:05``; the whole product speaks Beijing time."""
    text = clean(value)
    return f"{text[:10]} {text[11:19]}" if len(text) >= 19 and text[10] == "T" else text or "—"
