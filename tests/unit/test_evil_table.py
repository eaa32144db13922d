"""Every E entry of faults.md has a test against a real node, and the tests named are there."""

from __future__ import annotations

from tests.conftest import ROOT
from tests.process.evil_table import ENTRIES

FOLDER = ROOT / "tests" / "process"


def test_every_entry_has_its_test() -> None:
    assert {f"B{number}" for number in range(1, 18)} | {"K2", "V3"} <= ENTRIES.keys()
    for entry, names in ENTRIES.items():
        assert names, entry
        for file, _, test in (name.partition("::") for name in names):
            assert f"\ndef {test}(" in (FOLDER / file).read_text(encoding="utf-8"), (entry, file, test)
