"""A profile with anything changed in it is another profile, or refused with the place named; never anything else."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.documents.profiles import SHIPPED, load_shipped, shipped_text
from node.errors import InputError, PeerError
from node.rules.explain import chain_for, explain, extension_for, light, next_rung, reminder_days
from node.rules.profile import Profile
from node.rules.words import FACTS
from tests.unit.rules.days import d, official

RAW = [load_shipped(name).encode().decode() for name in SHIPPED]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=4,
)


def paths(value, path=()):
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from paths(entry, (*path, key))


def changed(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@given(st.data(), st.sampled_from(RAW), JUNK)
def test_a_change_anywhere_is_read_or_refused(data, text, junk) -> None:
    raw = json.loads(text)
    other = changed(raw, data.draw(st.sampled_from(list(paths(raw)))), junk)
    encoded = json.dumps(other, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    with suppress(PeerError, UnicodeEncodeError):
        profile = Profile.decode(encoded.encode())
        assert Profile.decode(profile.encode()) == profile
        use(profile)


@given(st.data(), st.sampled_from(SHIPPED))
def test_a_line_lost_or_doubled_is_read_or_refused(data, name) -> None:
    lines = shipped_text(name).splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at : at + 1] = data.draw(st.sampled_from([[], [lines[at]] * 2, [lines[at].replace('"', "")]]))
    text = "\n".join(lines)
    said = Profile.problems(text)
    if not said:
        Profile.parse(text)
        return
    assert all(problem.field and problem.remedy for problem in said)
    with pytest.raises(InputError) as caught:
        Profile.parse(text)
    assert str(caught.value) == str(said[0])


def use(profile: Profile) -> None:
    """Whatever was accepted can be computed with; only a rule without a figure says so."""
    day = d("2026-09-28")
    for rule in profile.rules:
        with suppress(InputError):
            told = explain(profile, rule.id, day, official())
            assert told.due.day >= day
            assert told.lines
    light(profile, "must", day, official())
    reminder_days(profile, day, official())
    chain_for(profile, "accept", line="handling")
    extension_for(profile, line="handling")
    next_rung(profile, ["white"], list(FACTS))
