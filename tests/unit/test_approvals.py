"""拟办, 审批, 立项, 方案 by the chains of county-003: right order, every wrong one, nothing written (R40, R48, A7)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import ForbiddenError, InputError
from tests.sim.world import admit, found
from tests.unit.one_office import COUNTY, PEOPLE, TOWN, Office, county, county_with_town

RULE = "规则 county-003/1 chains.setup"
HANDLING = "handling.instruction"


@pytest.fixture
def office() -> Office:
    return county()


def registered(office: Office, **args: Any) -> str:
    found = office.do("item.register", "承办", title="群众反映问题", source=HANDLING, **args)
    return str(found["item"])


def proposed(office: Office) -> str:
    item = registered(office)
    office.do("item.propose", "承办", item=item, text="拟转乡镇办理")
    return item


def established(office: Office) -> str:
    item = proposed(office)
    for name in ("主任", "分管", "办主任"):
        office.do("item.approve", name, item=item)
    return item


def test_proposal_goes_through_its_chain_and_then_is_established(office: Office) -> None:
    """R48: 督查室主任审核 → 分管督查副县长、政府办主任审定 (any order) → 立项."""
    item = registered(office)
    made = office.do("item.propose", "承办", item=item, text="拟转乡镇办理")
    assert made["rule"] == "county-003/1/chains.setup"
    assert made["next"] == "审核（县政府督查室主任）"
    first = office.do("item.approve", "主任", item=item, text="同意")
    assert (first["verb"], first["complete"]) == ("审核", False)
    assert first["next"] == "审定（分管督查工作副县长、县政府办主任）"
    assert office.state(item).state == "approving"
    second = office.do("item.approve", "办主任", item=item)
    assert second["next"] == "审定（分管督查工作副县长）"
    third = office.do("item.approve", "分管", item=item)
    assert (third["complete"], third["next"]) == (True, None)
    assert office.state(item).state == "established"
    assert [one.post for one in office.state(item).tracks.approval.done] == [
        "organ.head", "office.head", "leader.supervision",
    ]  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(order=st.permutations(["主任", "分管", "办主任"]))
def test_only_orders_the_chain_allows_get_through(order: list[str]) -> None:
    """A7: whoever is not in turn is refused; in the end exactly the orders with 主任 first establish the item."""
    office = county()
    item = proposed(office)
    codes = []
    for name in order:
        try:
            office.do("item.approve", name, item=item)
        except ForbiddenError as error:
            codes.append(error.code)
    assert codes == ["wrong_turn"] * order.index("主任")
    assert (office.state(item).state == "established") == (not codes)


def test_wrong_turn_names_the_rule_and_whose_turn_it_is(office: Office) -> None:
    item = proposed(office)
    error = office.refused("item.approve", "分管", item=item)
    assert error.exit_code == 4
    assert RULE in error.text
    assert "审核（县政府督查室主任）" in error.text


def test_no_post_no_approval(office: Office) -> None:
    """The operator may do everything but approve; a person without the post neither."""
    item = proposed(office)
    for as_ in (None, "承办", "常务"):
        error = office.refused("item.approve", as_, item=item)
        assert (error.code, error.exit_code) == ("no_post", 4)
        assert RULE in error.text
    assert office.refused("item.approve", "主任", item=item, post="县政府办主任").code == "no_post"
    assert office.refused("item.approve", "主任", item=item, post="村长").field == "--post"
    assert office.state(item).state == "proposed"


def test_nobody_approves_twice(office: Office) -> None:
    """Transition 3: each step once."""
    item = proposed(office)
    office.do("item.approve", "主任", item=item)
    error = office.refused("item.approve", "主任", item=item)
    assert error.code == "approved_already"
    assert RULE in error.text


def test_who_drafted_does_not_approve(office: Office) -> None:
    """Transition 3: no self-approval by the drafter; another with the same post may."""
    item = registered(office)
    office.do("item.propose", "主任", item=item, text="拟转乡镇办理")
    error = office.refused("item.approve", "主任", item=item)
    assert (error.code, error.exit_code) == ("self_approval", 4)
    assert RULE in error.text
    office.do("user.add", name="副主任", role=["supervisor"], post=["县政府督查室主任"])
    assert office.do("item.approve", "副主任", item=item)["post"] == "organ.head"


def test_rejected_draft_is_proposed_again_from_the_first_step(office: Office) -> None:
    item = proposed(office)
    office.do("item.approve", "主任", item=item)
    assert office.refused("item.reject", "承办", item=item, reason="不妥").code == "no_post"
    assert office.refused("item.reject", "分管", item=item).field == "--reason"
    office.do("item.reject", "分管", item=item, reason="承办单位不对")
    assert office.state(item).state == "registered"
    assert isinstance(office.refused("item.approve", "办主任", item=item), InputError)
    office.do("item.propose", "承办", item=item, text="改由水务局")
    assert office.refused("item.approve", "办主任", item=item).code == "wrong_turn"
    office.do("item.approve", "主任", item=item)


def test_what_was_proposed_keeps_its_steps_whatever_profile_comes_later(office: Office) -> None:
    item = proposed(office)
    steps = office.state(item).tracks.approval.steps
    Office(office.machine, "base-004")
    office.do("item.approve", "主任", item=item)
    assert office.state(item).tracks.approval.steps == steps


def test_shortcuts_before_the_item_is_established(office: Office) -> None:
    """R48: no task, no progress, no report and no 立项 before the chain is through; the step missing is named."""
    item = registered(office)
    for verb, args in SHORTCUTS.items():
        error = office.refused(verb, item=item, **args)
        assert RULE in error.text, verb
        assert "dulian item propose" in error.remedy, verb
    office.do("item.propose", "承办", item=item, text="拟转乡镇办理")
    for verb, args in SHORTCUTS.items():
        error = office.refused(verb, item=item, **args)
        assert "审核（县政府督查室主任）" in error.text, verb
        assert "dulian item approve" in error.remedy, verb


SHORTCUTS: dict[str, dict[str, Any]] = {
    "item.assign": {"to": [TOWN]}, "item.report": {"text": "进展"}, "item.submit": {"text": "办结"},
    "item.establish": {}, "item.plan": {"text": "方案"},
}  # fmt: skip


def test_issue_at_once_is_refused_where_a_chain_stands_between(office: Office) -> None:
    error = office.refused("item.issue", title="甲", source=HANDLING, to=[TOWN])
    assert RULE in error.text


def test_without_a_chain_an_item_is_established_at_once(office: Office) -> None:
    """A source of another line has no chain ``setup``; the default profile has none at all."""
    for one, source in ((office, "decision.upper"), (county_plain(), "")):
        item = str(one.do("item.register", title="乙", source=source)["item"])
        assert one.do("item.propose", item=item, text="拟办")["rule"] is None
        one.do("item.establish", item=item)
        assert one.state(item).state == "established"


def county_plain() -> Office:
    return Office(found(2, "320582", real=True))


def test_plan_goes_through_three_steps_and_holds_the_item_until_then(office: Office) -> None:
    """R40: 督查室主任审核 → 政府办主任审定 → 常务副县长审批; every other order is refused."""
    item = str(office.do("item.register", "承办", title="决策督查", source="decision.upper")["item"])
    office.do("item.establish", item=item)
    made = office.do("item.plan", "承办", item=item, text="分三组实地督查", milestone=["1=摸排@2027-03-31"])
    assert made["rule"] == "county-003/1/chains.plan"
    assert office.state(item).state == "planning"
    assert "方案尚未批准" in office.refused("item.assign", item=item, to=[TOWN]).text
    right = ("主任", "办主任", "常务")
    for place, name in enumerate(right):
        for other in right[place + 1 :]:
            assert office.refused("item.approve", other, item=item).code == "wrong_turn"
        office.do("item.approve", name, item=item)
    state = office.state(item)
    assert (state.state, bool(state.tracks.plan)) == ("established", True)
    assert [step.title for step in state.tracks.milestones] == ["摸排"]
    assert len(set(permutations(right))) == 6


def test_declined_and_merged_items_leave_the_list_with_a_record(office: Office) -> None:
    """R2: 不立项 with the reason; 并案 names the item that goes on, which must be open and this office's own."""
    item, other, third = (registered(office) for _ in range(3))
    assert office.refused("item.decline", item=item).field == "--reason"
    office.do("item.decline", item=item, reason="不属督查范围")
    assert office.state(item).state == "declined"
    assert office.refused("item.merge", item=other, into=other).field == "--into"
    assert "已经了结" in office.refused("item.merge", item=other, into=item).text
    office.do("item.merge", item=other, into=third)
    state = office.state(other)
    assert (state.state, state.successor.hex()) == ("merged", third)


def test_unclear_item_is_not_assigned_before_it_is_clear() -> None:
    """R35: 待明确 – 政府办 proposes a solution, 分管领导 approves it; only what is clear is worked on."""
    office = Office(found(2, COUNTY, real=True), "liupanshui-002")
    Office(admit(1, office.machine, TOWN, real=True))
    office.do("user.add", name="分管", role=["leader"], post=["leader.matter"])
    item = str(office.do("item.register", title="丙", unclear="责任主体未确定")["item"])
    assert office.refused("item.assign", item=item, to=[TOWN]).code == "unclear"
    made = office.do("item.propose", item=item, text="由水务局牵头")
    assert made["rule"] == "liupanshui-002/1/chains.setup.unclear"
    office.do("item.approve", "分管", item=item)
    assert office.state(item).state == "established"
    attempts: dict[str, dict[str, Any]] = {"item.assign": {"to": [TOWN]}, "item.report": {"text": "进展"}}
    for verb, args in attempts.items():
        error = office.refused(verb, item=item, **args)
        assert error.code == "unclear", verb
        assert "责任主体未确定" in error.text
        assert "--clear" in error.remedy
    office.do("item.change", item=item, clear=True, text="由水务局负责", reason="由水务局负责")
    both = ["政府分管领导=甲", "政府主要领导=乙"]
    assert len(office.do("item.assign", item=item, to=[TOWN], duty=both)["assignments"]) == 1
    assert office.refused("item.issue", title="丁", unclear="时间不明确", to=[TOWN]).field == "--unclear"


@pytest.mark.parametrize("secrecy", ["秘密", "机密", "绝密", "secret", "公开 "])
def test_secret_matters_are_refused(office: Office, secrecy: str) -> None:
    """A22: the network is not for state secrets."""
    error = office.refused("item.register", title="戊", secrecy=secrecy)
    assert (error.field, "国家秘密" in error.text) == ("--secrecy", True)
    office.do("item.register", title="戊", secrecy="内部")


def test_established_item_is_assigned() -> None:
    office, _town = county_with_town()
    item = established(office)
    made = office.do("item.assign", "承办", item=item, to=[TOWN], due="2027-03-31")
    assert len(made["assignments"]) == 1
    assert office.state(item).state == "assigned"


def test_people_of_the_county_have_their_posts(office: Office) -> None:
    shown = {row["name"]: [post["id"] for post in row["posts"]] for row in office.do("user.list")}
    assert {name: post for name, (_role, post) in PEOPLE.items()} == {
        name: posts[0] for name, posts in shown.items() if posts
    }  # fmt: skip
