"""Which characters a text taken from a file may hold.

Refused are characters that a reader cannot see and that change what others see: controls, zero-width characters,
direction overrides, blank letters, and the mark left by a broken encoding. The caller decides on line breaks and tabs.
"""

from __future__ import annotations

import unicodedata

from node.records.payload import FORBIDDEN  # what no record may hold; a file may hold still less

_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_REFUSED_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufffd")
_QUOTED_CHARS = 30


def hidden_character(text: str, *, multiline: bool) -> str | None:
    """Return the first refused character of ``text``; line breaks and tabs pass only if ``multiline``."""
    for char in text:
        if multiline and char in "\n\t":
            continue
        if char in _REFUSED_BLANKS or unicodedata.category(char) in _REFUSED_CATEGORIES or FORBIDDEN.match(char):
            return char
    return None


def name_of(char: str) -> str:
    """Name a character for people who cannot see it: its code point."""
    return {"\n": "换行", "\t": "制表符"}.get(char, f"U+{ord(char):04X}")


def quoted(text: str) -> str:
    """Shorten ``text`` to be quoted in an error line, hidden characters replaced by their code points."""
    short = text if len(text) <= _QUOTED_CHARS else text[:_QUOTED_CHARS] + "…"
    return "".join(f"<{name_of(c)}>" if hidden_character(c, multiline=False) else c for c in short)
