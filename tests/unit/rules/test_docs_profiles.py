"""docs/profiles.md: its example is a profile that works, and it names every word a profile may use."""

import re

from node.documents.profiles import SHIPPED, check_profile, read_profile
from node.rules import words
from node.rules.explain import next_rung
from node.rules.profile import Profile
from tests.conftest import ROOT
from tests.unit.rules.days import due_iso

TEXT = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")
EXAMPLE, CHAIN = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_example_is_a_working_profile() -> None:
    """R21: a place writes its own 具体办法 as data, with figures of its own."""
    assert check_profile(EXAMPLE.encode()) == ()
    profile = read_profile(EXAMPLE.encode())
    assert due_iso(profile, "handling.finish", "2026-11-02") == "2026-11-16"
    proposal = next_rung(profile, ["white"], ["overdue", "not_justified"])
    assert proposal is not None
    assert profile.score(proposal.rung.effects[1].score or "").hundredths == -50
    assert profile.role_label("leader.head") == "区长"


def test_the_second_example_fits_into_the_first() -> None:
    assert check_profile((EXAMPLE + CHAIN).encode()) == ()


def test_every_word_and_every_key_is_explained() -> None:
    tables = (
        words.START_EVENTS, words.ACTS, words.SUBJECTS, words.ORIGINS, words.LINES, words.COVERS, words.COLOURS,
        words.FACTS, words.EFFECTS, words.EXTENSION_MODES, words.FINDINGS, words.HANDLERS, words.LEDGER_COLUMNS,
        words.HORIZONS, words.SCOPES, words.STRENGTHS,
    )  # fmt: skip
    missing = [word for table in tables for word in table if word and f"`{word}`" not in TEXT]
    assert missing == []
    assert [verb for verb in (*words.VERBS, *words.LEVELS) if verb not in TEXT] == []
    assert [key for key in Profile.model_fields if key not in TEXT] == []
    assert [name for name in SHIPPED if f"`{name}`" not in TEXT] == []
