"""Every code of an alarm raised anywhere has a title, an end, and a section in deploy/RUNBOOK.md (faults.md G7, X5)."""

import ast
import importlib
import re

import pytest

from node.services.care.alarm_codes import ALARMS
from node.services.care.status import RUNBOOK
from tests.conftest import ROOT

PARTS = ("含义", "影响", "怎么办", "何时消失")
KEPT_BY_NO_STORE = {"store", "pending"}  # said by `status` itself


def raised() -> set[str]:
    """The codes in the calls of `raise_`, names of constants looked up where they stand."""
    found: set[str] = set()
    for path in sorted((ROOT / "node").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "raise_":
                first = call.args[0]
                if isinstance(first, ast.Constant):
                    found.add(str(first.value))
                    continue
                value: object = importlib.import_module(module)
                for name in ast.unparse(first).split("."):
                    value = getattr(value, name)
                found.add(str(value))
    return found


def sections() -> dict[str, tuple[str, str]]:
    text = (ROOT / RUNBOOK).read_text(encoding="utf-8")
    parts = re.split(r"^## (\w+) (.+)$", text, flags=re.MULTILINE)
    return {code: (title, body) for code, title, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)}


def test_every_code_raised_is_known_and_no_other() -> None:
    assert raised() | KEPT_BY_NO_STORE == set(ALARMS)


def test_the_runbook_has_a_section_for_every_code_and_no_other() -> None:
    assert list(sections()) == sorted(ALARMS)


@pytest.mark.parametrize("code", sorted(ALARMS))
def test_a_section_says_what_it_means_and_what_to_do(code: str) -> None:
    title, body = sections()[code]
    assert title == ALARMS[code].title
    assert tuple(re.findall(r"^- \*\*(.+?)\*\*：.+。$", body, re.MULTILINE)) == PARTS
    assert f"何时消失**：{ALARMS[code].ends}" in body
    assert ALARMS[code].by_hand == ("alarm ack" in ALARMS[code].ends)
