"""`rules check` says everything at once: form, twice the same id, unknown names, unknown parent, wrong drop."""

from __future__ import annotations

import pytest

from node.documents.profiles import SHIPPED, check_profile, shipped_text

HEAD = 'id = "own"\nversion = 1\ntitle = "甲"\nvalid_from = 2020-01-01\n'
PARTS = """
drop = ["rules:nothing", "sources:law", "chains"]

[[classes]]
id = "a"
label = "甲类"

[[classes]]
id = "a"
label = "乙类"

[[chains]]
id = "own"
title = "流程"
subject = "setup"
steps = [{roles = ["office.head", "boss"], verb = "审核"}]

[[rules]]
id = "wrong"
title = "错"
start = "SOMETIME"
act = "finish"

[[scores]]
id = "half"
title = "半"
cause = "甲"
base = "乙"
points = "many"

[[measures]]
id = "own"
kind = "tier"
title = "措施"
case = "甲"
effects = [{kind = "score", score = "half"}, {kind = "score", score = "none"}]
"""


def fields(text: str) -> list[str]:
    return sorted(str(one.field) for one in check_profile(text.encode()))


def test_all_problems_of_a_child_in_one_pass() -> None:
    """The schema's errors hide nothing; nothing is said of what an entry put aside would have been."""
    assert fields(HEAD + 'parent = "base-004"\n' + PARTS) == [
        "chains[0].steps[0].roles[1]", "classes[1].id", "drop[0]", "drop[2]", "measures[0].effects[1].score",
        "rules[0].start", "scores[0].points",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["nobody-009", "base-04"])
def test_an_unknown_parent_is_said_beside_all_the_rest(name: str) -> None:
    """One pass: what hangs on the parent is held against the likeliest, and says so."""
    known = fields(HEAD + 'parent = "base-004"\n' + PARTS)
    assert fields(HEAD + f'parent = "{name}"\n' + PARTS) == sorted([*known, "parent"])
    said = [str(one) for one in check_profile((HEAD + f'parent = "{name}"\n' + PARTS).encode())]
    assert [one for one in said if "boss" in one and "上级档案暂按 base-004 核对" in one]


def test_the_parent_meant_is_the_nearest_by_name() -> None:
    """What county-003 has is not missed in a file that names it wrongly."""
    chain = '[[ledgers]]\nid = "l"\ntitle = "台账"\ncolumns = ["number"]\nkeeper = "leader.supervision"\n'
    assert fields(HEAD + 'parent = "county-03"\n' + chain) == ["parent"]


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_has_no_problem(name: str) -> None:
    assert check_profile(shipped_text(name).encode()) == ()


@pytest.mark.parametrize("part", [
    '[[rules]]\ntitle = "没有名称"\n', "[[ladder]]\n", 'rules = "甲"\n', 'rules = ["甲"]\n', "[[chains]]\nid = 3\n",
    '[[classes]]\nid = ["a"]\n',
])  # fmt: skip
def test_what_has_no_form_is_said_and_breaks_nothing(part: str) -> None:
    """Found by the fuzzer in the gate: an entry without its name ended the check itself."""
    assert check_profile((HEAD + part).encode())
    assert check_profile((HEAD + 'parent = "base-004"\n' + part).encode())
