"""docs/requirements.md: R1 to R132 stand once each; what is claimed to be there is there, and a test cites its number.

Rules of this file:

1. A citation is R and a number in a test file (``R57``, ``R80_to_R83``, ``R105–107``); a range counts whole up to 20
   numbers, beyond that its two ends only.
2. Files in which R and a number mean something else do not count: `NOT_CITING`, and these static tests themselves.
3. 部分 needs a test for the part there is, and words for what is missing; so do 尚未 and 不属本软件.
"""

import re
from collections import defaultdict
from functools import cache
from typing import NamedTuple

import pytest

from node.services.access.rights import RIGHTS
from tests.conftest import ROOT

DONE, PART, LATER, OUTSIDE = "已实现", "部分", "尚未", "不属本软件"
LAST, RANGE_MAX = 132, 20
# R4, R9 … are faults of the simulator there (faults.md).
NOT_CITING = frozenset({"tests/sim/nemesis.py", "tests/sim/checkers.py"})
CITED = re.compile(r"(?<![A-Za-z0-9])R(\d{1,3})(?!\d)(?:(?:[–-]|_to_| to )R?(\d{1,3})(?!\d))?")
QUOTED = re.compile(r"`([^`]+)`")
SHIPPED = "node/rules/profiles/"


class Row(NamedTuple):
    """A line of the table."""

    number: str
    requirement: str
    marks: str
    state: str
    where: str
    tests: str


def rows() -> list[Row]:
    text = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| R")]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


def cited_in(text: str) -> set[int]:
    found: set[int] = set()
    for match in CITED.finditer(text):
        first, last = int(match[1]), int(match[2] or match[1])
        found |= set(range(first, last + 1)) if first <= last <= first + RANGE_MAX else {first, last}
    return found


@cache
def citing() -> dict[str, frozenset[int]]:
    """By test file, the numbers it cites."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name not in NOT_CITING and not name.startswith("tests/static/"):
            found[name] = frozenset(cited_in(path.read_text(encoding="utf-8")))
    return found


def test_every_requirement_stands_once_in_order() -> None:
    assert [row.number for row in rows()] == [f"R{number}" for number in range(1, LAST + 1)]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.number)
def test_a_claim_is_borne_out(row: Row) -> None:
    assert row.state in (DONE, PART, LATER, OUTSIDE)
    assert row.requirement
    assert set(row.marks.split(",")) <= set("FWRDVO")
    assert row.where, f"{row.number} 没有说明"
    named = QUOTED.findall(row.where)
    missing = [name for name in named if name.startswith(("node/", "docs/")) and not (ROOT / name).is_file()]
    assert missing == [], f"{row.number} 所列文件不存在"
    verbs = {verb.replace(".", " ") for verb in RIGHTS}
    commands = [name for name in named if name.startswith("dulian ")]
    assert [name for name in commands if name.removeprefix("dulian ") not in verbs] == [], f"{row.number} 没有这个命令"
    tests = QUOTED.findall(row.tests)
    if row.state in (DONE, PART):
        assert any(name.startswith("node/") for name in named), f"{row.number} 没有指明实现"
        assert tests, f"{row.number} 没有测试"
        number = int(row.number[1:])
        assert [name for name in tests if number not in citing().get(name, frozenset())] == [], (
            f"{row.number} 所列测试没有引用它")  # fmt: skip
    else:
        assert not tests


def test_what_is_outside_is_organisation_only() -> None:
    """不属本软件 are matters of organisation (O); a way of working, a rule or a link is at least begun."""
    numbers = {row.number: row for row in rows()}
    outside = [row.number for row in numbers.values() if row.state == OUTSIDE and "O" not in row.marks.split(",")]
    later = [row.number for row in numbers.values() if row.state == LATER and set(row.marks.split(",")) & set("FWR")]
    assert (outside, later) == ([], [])


def test_profile_keys_named_are_in_the_profiles() -> None:
    """``jiangsu-000.toml`` followed by a key or an id: it stands in that file."""
    wrong = defaultdict(list)
    for row in rows():
        text = ""
        for name in QUOTED.findall(row.where):
            if name.startswith(SHIPPED):
                text += (ROOT / name).read_text(encoding="utf-8")
            elif text and re.fullmatch(r"[a-z_.*]+", name):
                words = [word.removesuffix(".*") for word in (name, name.partition(".")[2]) if word]
                forms = [form for word in words for form in (f'"{word}', f"[[{word}]]", f"[{word}]", f"\n{word} =")]
                if not any(form in text for form in forms):
                    wrong[row.number].append(name)
    assert wrong == {}


def test_ranges_and_other_words_are_told_apart() -> None:
    assert cited_in("test_R80_to_R83 and R105–107, R2; not ER9, R1234, R9x3") == {80, 81, 82, 83, 105, 106, 107, 2, 9}
    assert cited_in("R37 to R96") == {37, 96}
