"""How alike two texts are: by the pairs of neighbouring characters they share. Pure; no dictionary of words needed."""

from __future__ import annotations

import re

_NOT_WORDS = re.compile(r"[\W_]+")


def pairs_of(text: str) -> frozenset[str]:
    """Pairs of neighbouring characters, without spaces and marks: what likeness is measured by."""
    text = _NOT_WORDS.sub("", text).casefold()
    return frozenset(text[at : at + 2] for at in range(len(text) - 1)) or frozenset({text} - {""})


def share_of(one: frozenset[str], other: frozenset[str]) -> float:
    """0..1 of the shorter text's pairs that the other has as well."""
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller else 0.0
