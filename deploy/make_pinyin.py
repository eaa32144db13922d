"""Make the package's table of readings: which syllables a character may be read as, for finding offices by pinyin.

Usage: ``python deploy/make_pinyin.py node/documents/pinyin.txt.gz``, in an environment of its own with the library
pypinyin (MIT licence; data of the Unihan database and the 漢語大字典), which nothing else here needs.

Kept are the characters of GB 2312 and those of the directory of offices, each with its first three readings, without
tones, ü as v. The output holds a line ``syllable characters`` for each syllable.
"""

from __future__ import annotations

import gzip
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

from pypinyin.pinyin_dict import pinyin_dict  # type: ignore[import-not-found]

READINGS_MAX = 3
_DIRECTORY = Path(__file__).resolve().parents[1] / "node" / "documents" / "divisions.txt.gz"


def characters() -> list[str]:
    """Those kept."""
    found = {char for char in gzip.decompress(_DIRECTORY.read_bytes()).decode() if "\u3400" <= char <= "\U0003ffff"}
    for high in range(0xB0, 0xF8):
        for low in range(0xA1, 0xFF):
            found |= set(bytes((high, low)).decode("gb2312", "ignore"))
    return sorted(found)


def plain(reading: str) -> str:
    """Without its tone; ü is v as people type it."""
    letters = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(char for char in letters if char.isascii() and char.isalpha())


def main() -> None:
    """Collect, write."""
    table: dict[str, list[str]] = defaultdict(list)
    for char in characters():
        readings = [plain(one) for one in pinyin_dict.get(ord(char), "").split(",") if one]
        for syllable in list(dict.fromkeys(one for one in readings if one))[:READINGS_MAX]:
            table[syllable].append(char)
    text = "\n".join(f"{syllable} {''.join(chars)}" for syllable, chars in sorted(table.items()))
    packed = gzip.compress(text.encode(), 9, mtime=0)
    Path(sys.argv[1]).write_bytes(packed)
    sys.stdout.write(f"{len(table)} syllables, {len(packed)} bytes\n")


if __name__ == "__main__":
    main()
