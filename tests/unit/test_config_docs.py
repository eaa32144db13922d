"""The table of settings in both READMEs against the settings there are."""

import re

import pytest
from annotated_types import Ge, Le

from node.config import Config
from tests.conftest import ROOT

ROW = re.compile(r"^\| `([a-z_]+)` \|([^|]+)\|([^|]*)\|[^|]+\|$", re.MULTILINE)


def table(name: str) -> dict[str, tuple[str, str]]:
    """Default and range of every setting, as documented."""
    found = ROW.findall((ROOT / name).read_text(encoding="utf-8"))
    return {setting: (default.strip(), bounds.strip()) for setting, default, bounds in found}


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_every_setting_is_documented_with_its_default_and_range(name: str) -> None:
    documented = table(name)
    assert list(documented) == list(Config.model_fields)
    for setting, field in Config.model_fields.items():
        default, bounds = documented[setting]
        low = [one.ge for one in field.metadata if isinstance(one, Ge)]
        high = [one.le for one in field.metadata if isinstance(one, Le)]
        assert bounds == (f"{low[0]}–{high[0]}" if low else ""), setting
        if isinstance(field.default, int):
            assert default.split("（")[0].split(" ")[0] == str(field.default), setting


def test_both_languages_say_the_same() -> None:
    english, chinese = table("README.md"), table("README.zh-CN.md")
    assert {name: bounds for name, (_, bounds) in english.items()} == {
        name: bounds for name, (_, bounds) in chinese.items()
    }
