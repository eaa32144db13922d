"""Make the package's directory of offices from a table of administrative divisions.

Usage, in the project's environment: ``python deploy/make_divisions.py divisions.csv node/documents/divisions.txt.gz``

The input is CSV in UTF-8 with the columns code, name, level, parent. The output holds the same facts in a fifth of the
bytes: a line ``=code,level,parent,name`` for each office that needs it, and ``NNNname`` for each township whose code
is the last six-digit code above it plus NNN. It is read back and compared before anything is written.
"""

from __future__ import annotations

import csv
import gzip
import sys
from pathlib import Path

from node.documents.divisions import LEVEL_LETTERS, Divisions


def pack(rows: list[dict[str, str]]) -> bytes:
    """Encode ``rows`` (sorted by code here); names must not contain line breaks."""
    lines: list[str] = []
    above = ""
    for row in sorted(rows, key=lambda r: (r["code"][:6], r["code"])):
        code, name, level, parent = (row[k].strip() for k in ("code", "name", "level", "parent"))
        if level == "township" and code[:6] == above == parent and not name.startswith("="):
            lines.append(code[6:] + name)
            continue
        if len(code) == 6:
            above = code
        lines.append(f"={code},{LEVEL_LETTERS[level]},{parent},{name}")
    return gzip.compress("\n".join(lines).encode(), 9, mtime=0)


def main() -> None:
    """Convert, check, write."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    with source.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    packed = pack(rows)
    read = Divisions.parse(packed)
    for row in rows:
        got = read.get(row["code"])
        want = (row["code"], row["name"], row["level"], row["parent"] or "000000")
        if got is None or (got.code, got.name, got.level, got.parent) != want:
            sys.exit(f"row does not survive: {row} -> {got}")
    if len(read) != len(rows):
        sys.exit(f"{len(rows)} rows in, {len(read)} out")
    target.write_bytes(packed)
    sys.stdout.write(f"{len(rows)} offices, {len(packed)} bytes\n")


if __name__ == "__main__":
    main()
