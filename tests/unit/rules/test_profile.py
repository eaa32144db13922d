"""Profiles as an office writes them: what is accepted, and what is said about the rest."""

import tomllib

import pytest

from node.documents.profiles import SHIPPED, check_profile, load_shipped, read_profile, shipped_text
from node.errors import InputError, PeerError
from node.rules.profile import TEXT_BYTES_MAX, Profile, inherit
from node.rules.values import Chain, Step
from tests.unit.rules.days import due_iso, shipped

SMALL = """
id = "demo"
version = 2
title = "某县档案"
valid_from = 2026-01-01

[roles]
"office.head" = "县府办主任"
"organ.head" = "督查室主任"

[[sources]]
id = "letter"
label = "群众来信"

[[rules]]
id = "finish"
title = "办结"
start = "ASSIGN"
act = "finish"
period = {n = 10, unit = "工作日"}

[[chains]]
id = "setup"
title = "立项"
subject = "setup"
steps = [{roles = ["organ.head", "office.head"], verb = "审核"}]

[[scores]]
id = "late"
title = "逾期扣分"
points = -0.5
cause = "逾期"
base = "年度考核"

[[ladder]]
colour = "white"
name = "白单"
needs = [["overdue"]]
effects = [{kind = "score", score = "late"}]
"""


def problem(old: str, new: str) -> InputError:
    """The one problem of the small profile with ``old`` replaced."""
    assert old in SMALL
    found = Profile.problems(SMALL.replace(old, new, 1))
    assert len(found) == 1, found
    with pytest.raises(InputError) as caught:
        Profile.parse(SMALL.replace(old, new, 1))
    assert str(caught.value) == str(found[0])
    return found[0]


def test_a_small_profile_is_read() -> None:
    profile = Profile.parse(SMALL)
    assert profile.complete
    assert profile.rule("finish").period.value.n == 10
    assert profile.score("late").hundredths == -50
    assert profile.role_label("organ.head") == "督查室主任"
    assert profile.role_label("leader.head") == "leader.head"
    assert profile.source_of("群众来信") == profile.source_of("letter")
    assert profile.source_of("别的") is None
    assert Profile.problems(SMALL) == ()
    assert profile.valid_from_day == 20_454


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        ('unit = "工作日"', 'unit = "天"', "rules[0].period.unit", "天"),
        ("n = 10", 'n = "10"', "rules[0].period.n", "10"),
        ("n = 10", "n = 9999", "rules[0].period", "n、unit"),
        ("n = 10", "n = true", "rules[0].period.n", "True"),
        ('act = "finish"', 'act = "finnish"', "rules[0].act", "finnish"),
        ('act = "finish"', "", "rules[0].act", ""),
        ('start = "ASSIGN"', 'start = "ASSIGN"\nperoid = 3', "rules[0].peroid", "3"),
        ('start = "ASSIGN"', 'start = "ASSIGN"\nfixed = ["02-30"]', "rules[0].fixed[0]", "02-30"),
        ('start = "ASSIGN"', 'start = "ASSIGN"\nfixed = ["07-15"]', "rules[0]", ""),
        ('start = "ASSIGN"', 'start = "PERIOD"', "rules[0]", ""),
        ('start = "ASSIGN"', 'start = "ASSIGN"\nstrength = "soft"', "rules[0].strength", "soft"),
        ('start = "ASSIGN"', 'start = "ASSIGN"\napplies = {source = ["mail"]}', "rules[0].applies.source[0]", "mail"),
        ('start = "ASSIGN"', 'start = "ASSIGN"\napplies = {class = ["x"]}', "rules[0].applies.class[0]", "x"),
        ('title = "办结"', 'title = "办\\n结"', "rules[0].title", "办\n结"),
        ('verb = "审核"', 'verb = "看看"', "chains[0].steps[0].verb", "看看"),
        ('"office.head"]', '"office.boss"]', "chains[0].steps[0].roles[1]", "office.boss"),
        ('score = "late"', 'score = "early"', "ladder[0].effects[0].score", "early"),
        ('"overdue"', '"yellow"', "ladder[0].needs[0][0]", "yellow"),
        ('"overdue"', '"lazy"', "ladder[0].needs[0][0]", "lazy"),
        ("points = -0.5", "points = -0.555", "scores[0].points", "-0.555"),
        ("points = -0.5", "points = 0.5", "scores[0]", ""),
        ("points = -0.5", "points = nan", "scores[0].points", "NaN"),
        ("2026-01-01", '"明年"', "valid_from", "明年"),
        ("version = 2", "version = 0", "version", "0"),
        ('id = "demo"', 'id = "示范"', "id", "示范"),
        ('id = "demo"', 'id = "demo"\ncolour = 1', "colour", "1"),
        ('id = "demo"', 'id = "demo"\ndrop = ["rules:x"]', "drop[0]", "rules:x"),
    ],
)
def test_every_error_names_the_key_the_value_and_the_remedy(old, new, field, value) -> None:
    found = problem(old, new)
    assert found.field == field
    if value:
        assert found.value == value
    assert found.remedy
    assert "pydantic" not in str(found)


def test_an_entry_twice_is_named() -> None:
    second = SMALL[SMALL.index("[[rules]]") : SMALL.index("[[chains]]")]
    found = Profile.problems(SMALL + second)
    assert [(error.field, error.value) for error in found] == [("rules[1].id", "finish")]


def test_the_text_of_an_error_reads_well() -> None:
    found = problem('unit = "工作日"', 'unit = "天"')
    assert str(found) == (
        "rules[0].period.unit「天」：不在可用的词之中（所在条目：finish）。处理办法：改为工作日、日、周、月之一"
    )


def test_what_is_no_toml_or_too_large_is_said() -> None:
    for text in ("id = ", "a = " + "[" * 50_000, "id = 'x'\n" + "#" * TEXT_BYTES_MAX, f"n = {'9' * 5000}"):
        with pytest.raises(InputError) as caught:
            Profile.parse(text)
        assert caught.value.field == "规则档案"
    assert check_profile(b"\xff\xfe")[0].field == "规则档案"


def test_all_problems_are_listed_at_once() -> None:
    broken = SMALL.replace('unit = "工作日"', 'unit = "天"').replace('verb = "审核"', 'verb = "看看"')
    assert [error.field for error in Profile.problems(broken)] == ["rules[0].period.unit", "chains[0].steps[0].verb"]


# ------------------------------------------------------------------------------------------------ bytes of a record


@pytest.mark.parametrize("name", SHIPPED)
def test_a_published_profile_is_the_one_that_was_read(name) -> None:
    profile = shipped(name)
    data = profile.encode()
    assert len(data) < TEXT_BYTES_MAX / 4
    again = Profile.decode(data)
    assert again == profile
    assert again.encode() == data


def test_bad_bytes_are_the_neighbours_fault() -> None:
    data = Profile.parse(SMALL).encode()
    for bad in (b"", b"[]", data[:-1], b" " + data, data.replace(b'"n":10', b'"n":-1'), b"[" * 100_000, b"\xff",
                data.replace(b'"id":"demo"', b'"id":"demo","parent":"base-004"')):  # fmt: skip
        with pytest.raises(PeerError) as caught:
            Profile.decode(bad)
        assert caught.value.code == "malformed"


# ------------------------------------------------------------------------------------------------ inheritance

CHILD = """
id = "my-county"
version = 1
title = "本县档案"
valid_from = 2027-01-01
parent = "county-003"
drop = ["rules:research", "chains:research"]

[roles]
"leader.head" = "区长"

[[rules]]
id = "handling.finish"
title = "承办单位办结"
start = "DISPATCH"
act = "finish"
period = {n = 10, unit = "工作日"}
applies = {line = ["handling"]}

[lights]
yellow_within = {n = 5, unit = "工作日"}
"""


def test_a_child_overrides_by_id_and_keeps_the_rest() -> None:
    child = read_profile(CHILD.encode())
    parent = shipped("county-003")
    assert child.complete
    assert child.id == "my-county"
    assert child.rule("handling.finish").strength == "must"  # the entry is replaced whole
    assert due_iso(child, "handling.finish", "2026-11-02") == "2026-11-16"
    assert child.rule("handling.propose") == parent.rule("handling.propose")
    assert [rule.id for rule in child.rules] == [rule.id for rule in parent.rules if rule.id != "research"]
    assert child.role_label("leader.head") == "区长"
    assert child.role_label("organ.head") == "县政府督查室主任"
    assert child.lights.yellow_within.n == 5
    assert child.closing == parent.closing
    assert child.levels is None  # where an office stands is its own
    with pytest.raises(InputError):
        child.rule("research")
    assert Profile.decode(child.encode()) == child


def test_inheritance_is_checked() -> None:
    child = Profile.parse(CHILD)
    assert not child.complete
    with pytest.raises(InputError):
        child.encode()
    with pytest.raises(InputError) as caught:
        inherit(child, shipped("base-004"))
    assert caught.value.field == "parent"
    wrong = CHILD.replace("rules:research", "rules:nothing")
    assert [error.field for error in check_profile(wrong.encode())] == ["drop[0]"]
    # What the child took away is missed by what the parent says elsewhere.
    hole = CHILD.replace('"chains:research"', '"chains:extension.meeting"')
    assert [error.field for error in check_profile(hole.encode())] == ["extensions[3].chain"]
    assert check_profile(CHILD.replace("county-003", "county-9").encode())[0].field == "parent"


def test_a_parent_may_come_from_the_superior() -> None:
    upper = Profile.parse(SMALL)
    text = CHILD.replace('parent = "county-003"', 'parent = "demo"').replace(
        'drop = ["rules:research", "chains:research"]', 'drop = ["rules:finish"]'
    )
    child = read_profile(text.encode(), {"demo": upper})
    assert [rule.id for rule in child.rules] == ["handling.finish"]


def test_shipped_profiles_are_found_by_name_only() -> None:
    with pytest.raises(InputError):
        shipped_text("../errors")
    with pytest.raises(InputError):
        load_shipped("county-9")
    for name in SHIPPED:
        assert check_profile(shipped_text(name).encode()) == ()
        assert tomllib.loads(shipped_text(name))["id"] == name


# ------------------------------------------------------------------------------------------------ chains


def chain(*steps: Step) -> Chain:
    return Chain(id="c", title="流程", subject="order", steps=steps)


def test_a_chain_waits_for_each_role_in_its_order() -> None:
    both = chain(Step(roles=("a", "b"), verb="审核"), Step(roles=("c",), verb="会签"), Step(roles=("a",), verb="签发"))
    assert both.pending([]) == (0, ("a", "b"))
    assert both.pending(["b"]) == (0, ("a",))
    assert both.pending(["c"]) == (0, ("a", "b"))  # out of turn
    assert both.pending(["b", "b", "a"]) == (1, ("c",))
    assert both.pending(["b", "a", "c"]) == (2, ("a",))  # once more, as the last step asks
    assert both.pending(["b", "a", "c", "a"]) == (3, ())


def test_one_of_several_is_enough_where_the_chain_says_so() -> None:
    one = chain(Step(roles=("a", "b"), verb="签发", any_one=True), Step(roles=("c",), verb="会签"))
    assert one.pending(["b"]) == (1, ("c",))
    assert one.pending(["b", "a", "c"]) == (2, ())
