"""A refusal says by which rule: read from the sources of the services that people's verbs pass through."""

from __future__ import annotations

import ast

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "node" / "services"
# Refusals that are judgements of rules; what is merely written wrongly (a date, a code) names its form instead.
MODULES = ("extending", "reviewing", "slips", "publishing", "planning", "rights", "cases", "chains", "approvals",
           "issuing", "handling", "acting", "duplicates", "drafts")
_FORM = ("写法", "不能为空", "只写一", "不对", "没有这", "不是分值", "不是可以认定", "内容不能为空", "不是审签件",
         "没有整改内容", "没有要变更", "单位代码", "超过", "须在 0 到 100", "两次")


@pytest.mark.parametrize("name", MODULES)
def test_a_refusal_of_rules_names_its_rule(name: str) -> None:
    """The words of each refusal hold （规则 …）, or a name that is put together of it (rule, named, whose)."""
    (file,) = FOLDER.rglob(f"{name}.py")
    source = file.read_text(encoding="utf-8")
    bare = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or getattr(call.func, "id", "") not in ("InputError", "ForbiddenError"):
            continue
        said = ast.get_source_segment(source, call.args[0]) or ""
        told = "规则" in said or any(word in said for word in ("{rule}", "{named}", "{whose}", "_rule(", "whose} "))
        if not told and said.startswith(('"', 'f"', "(")) and not any(word in said for word in _FORM):
            bare.append(said)
    assert bare == []
