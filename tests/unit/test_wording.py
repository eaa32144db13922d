"""What people read: the timeline's words, `rules show`, the errors of a profile that is no TOML."""

from __future__ import annotations

import pytest

from node.cli.paper import Paper
from node.cli.rules import _shown
from node.documents import profiles
from node.errors import InputError
from node.records.kinds import Kind
from node.records.payload import Act
from node.records.track import JUSTIFIED, UNJUSTIFIED, Track
from node.rules.profile import Profile
from node.services.views.tracks_view import text_of


@pytest.mark.parametrize("kind", [Kind.SLIP, Kind.ORDER, Kind.NOTICE])
def test_a_limit_of_its_own_is_not_called_the_new_limit(kind: Kind) -> None:
    """R104: a slip does not move the item's due day, and does not say so."""
    assert "（完成时限 " in text_of(Act("整改", due_day=20_000), kind)
    assert "（新时限 " in text_of(Act("延期", due_day=20_000), Kind.CHANGE)


@pytest.mark.parametrize(("verdict", "said"), [(JUSTIFIED, "认定：有正当理由"), (UNJUSTIFIED, "认定：无正当理由")])
def test_a_decision_on_reasons_says_what_was_decided(verdict: int, said: str) -> None:
    """R106."""
    text = text_of(Act("汛情已结束", track=Track(verdict=verdict)), Kind.JUSTIFY_DECISION)
    assert text.splitlines() == ["汛情已结束", said]


def test_who_was_interviewed_is_shown_and_nothing_written_makes_no_empty_line() -> None:
    assert text_of(Act("约谈", person="李四"), Kind.INTERVIEW) == "约谈（李四）"
    assert text_of(Act("", track=Track(rule="x")), Kind.APPROVE) == "规则 x"


def test_a_profile_is_shown_with_its_sources_posts_and_chains() -> None:
    """R9, R57, R72: any one of several posts, a chain that only informs, the labels to register by."""
    data = profiles.load_shipped("county-003").model_dump(mode="json", exclude_defaults=True, by_alias=True)
    shown = "\n".join(_shown(data, Paper()))
    for line in (
        "审批 report.upper　以县政府或县政府办名义上报：县长、县政府办主任之一签发",
        "审批 accept.order　县长督办令反馈汇总：不须审批；报 县长、常务副县长、",
        "来源 handling.instruction　省、市、县领导批示交办事项",
        "类别 masses　群众反映问题的领导批示查办件",
        "职务 organ.head　县政府督查室主任",
        "记分 order.poor　",
        "延期 meeting　议定事项无法在规定时间内落实",
        "次数 research　",
    ):
        assert f"\n  {line}" in shown


@pytest.mark.parametrize(
    ("text", "place"), [("a = 1\nb = one", "第2行第5列"), ('a = "x', "文件末尾"), ("a = " + "9" * 5000, "数字过长")]
)
def test_what_is_no_toml_is_refused_in_chinese_with_its_place(text: str, place: str) -> None:
    with pytest.raises(InputError) as refused:
        Profile.parse(text)
    assert place in str(refused.value)
    assert not [word for word in ("Invalid", "Unterminated", "line", "column", "Exceeds") if word in str(refused.value)]
