"""同类问题 (R65): the same groups in any order; each problem stands in one, equal words together."""

from hypothesis import given
from hypothesis import strategies as st

from node.items.problems import SOURCES, Group, Problem, group_alike

_TEXTS = st.one_of(
    st.sampled_from(["材料不全", "佐证材料不全", "佐证材料不全，请补齐", "未写明责任人", "逾期", "！", ""]),
    st.text(alphabet="材料不全逾期责任人，a", max_size=8),
)
_PROBLEMS = st.lists(
    st.builds(Problem, st.binary(min_size=2, max_size=2), st.sampled_from(sorted(SOURCES.values())), _TEXTS),
    max_size=30,
)


@given(_PROBLEMS, st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order(problems: list[Problem], chance: object) -> None:
    shuffled = list(problems)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert group_alike(shuffled) == group_alike(problems)


@given(_PROBLEMS)
def test_every_problem_stands_in_one_group_and_equal_words_in_the_same(problems: list[Problem]) -> None:
    groups: list[Group] = group_alike(problems)
    assert sorted(one for group in groups for one in group.problems) == sorted(problems)
    for text in {one.text for one in problems}:
        assert sum(any(one.text == text for one in group.problems) for group in groups) == 1
    sizes = [len(group.problems) for group in groups]
    assert sizes == sorted(sizes, reverse=True)
    assert all(len(group.text) == min(len(one.text) for one in group.problems) for group in groups)


def test_what_is_said_in_other_words_is_found_alike_and_what_merely_shares_a_word_is_not() -> None:
    texts = ["佐证材料不全", "佐证材料不齐全，请补充", "请补齐佐证材料", "进度滞后于计划", "材料报送迟缓"]
    groups = group_alike(Problem(b"%d" % index, "退回", text) for index, text in enumerate(texts))
    assert [(group.text, len(group.problems)) for group in groups] == [
        ("佐证材料不全", 3), ("材料报送迟缓", 1), ("进度滞后于计划", 1)
    ]  # fmt: skip
