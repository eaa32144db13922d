"""Finding Chinese names by what people type: characters, whole syllables, first letters, or all of them mixed.

The table of readings is made by ``deploy/make_pinyin.py`` from the data of pypinyin (copyright mozillazg, MIT licence),
which has them from the Unihan database. A character with several readings is found by each (重庆 by
zhongqing, too): who searches wants to find, and chooses from what is shown.
"""

from __future__ import annotations

import gzip
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from importlib import resources
from typing import Self

_DATA_FILE = "pinyin.txt.gz"
_INITIALS = ("zh", "ch", "sh")
QUERY_CHARS_MAX = 40


class Readings:
    """The table, read once by whoever needs it. Use `load`."""

    def __init__(self, table: Mapping[str, tuple[str, ...]]) -> None:
        """Take syllables by character."""
        self._table = table

    @classmethod
    def load(cls) -> Self:
        """Read the table shipped with this package (some milliseconds; no cache)."""
        packed = resources.files("node.documents").joinpath(_DATA_FILE).read_bytes()
        table: dict[str, list[str]] = defaultdict(list)
        for line in gzip.decompress(packed).decode().split("\n"):
            syllable, _, characters = line.partition(" ")
            for char in characters:
                table[char].append(syllable)
        return cls({char: tuple(syllables) for char, syllables in table.items()})

    def of(self, char: str) -> tuple[str, ...]:
        """The syllables of a character, without tones, ü as v; empty where it is not known."""
        return self._table.get(char, ())

    def place(self, query: str, name: str) -> int:
        """At which character of ``name`` it begins to be what was typed; -1 where nowhere.

        Each character is typed as itself, as a whole syllable or by its initial; the last one may be unfinished.
        """
        typed = normalised(query)
        if not typed:
            return -1
        lowered = name.lower()
        found = lowered.find(typed)
        if found >= 0:
            return found
        failed: set[tuple[int, int]] = set()
        for at, char in enumerate(lowered):
            begins = char == typed[0] or any(syllable[0] == typed[0] for syllable in self.of(char))
            if begins and self._fits(typed, 0, lowered, at, failed):
                return at
        return -1

    def _fits(self, typed: str, done: int, name: str, at: int, failed: set[tuple[int, int]]) -> bool:
        """Whether what is left of ``typed`` is the beginning of what is left of ``name``."""
        if done == len(typed):
            return True
        if at == len(name) or (done, at) in failed:
            return False
        left = typed[done:]
        steps = {1} if left[0] == name[at] else set()
        for syllable in self.of(name[at]):
            if syllable.startswith(left):
                return True
            if left.startswith(syllable):
                steps.add(len(syllable))
            if left[0] == syllable[0]:
                steps.add(1)
            if left[:2] in _INITIALS and syllable.startswith(left[:2]):
                steps.add(2)
        if any(self._fits(typed, done + step, name, at + 1, failed) for step in steps):
            return True
        failed.add((done, at))
        return False


def normalised(query: str) -> str:
    """What was typed without spaces and apostrophes, in small letters, and not longer than a name is looked for."""
    query = unicodedata.normalize("NFKC", query)  # an input method may type letters and digits in full width
    return "".join(char for char in query.lower().replace("ü", "v") if not char.isspace() and char != "'")[
        :QUERY_CHARS_MAX
    ]
