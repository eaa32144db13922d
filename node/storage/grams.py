"""How text is cut for searching Chinese words inside it: pairs of neighbouring characters. Pure.

Rules of this file:

1. Letters and digits of any script count, everything else parts runs of them; forms that only look different are made
   alike (NFKC, upper and lower case). So no query can hold a sign that means something to a database (faults.md X8).
2. A run becomes its pairs and, last, its last character alone. A word of two or more characters is a row of pairs, one
   character is the beginning of a pair: most Chinese words have two characters, which an index of threes cannot find.
"""

from __future__ import annotations

import re
import unicodedata

TEXT_CHARS_MAX = 12_000  # of one record are searchable; PostgreSQL counts 16,383 places in a text
WORDS_MAX, WORD_CHARS_MAX = 8, 50
_RUN = re.compile(r"[^\W_]+")  # exactly the characters of str.isalnum


def runs(text: str) -> list[str]:
    """The runs of letters and digits of a text, in order, in one form."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _RUN.findall(folded)


def words_of(query: str) -> list[str]:
    """The words a query asks for, each once, as far as they are taken; none where it has neither letter nor digit."""
    return [run[:WORD_CHARS_MAX] for run in dict.fromkeys(runs(query))][:WORDS_MAX]


def pairs(run: str) -> list[str]:
    """The pairs of a run, and its last character."""
    return [run[at : at + 2] for at in range(len(run))]


def holds(text: str, words: list[str]) -> bool:
    """Whether every word stands in the text: what the indexes say, in one line."""
    found = runs(text[:TEXT_CHARS_MAX])
    return all(any(word in run for run in found) for word in words)
