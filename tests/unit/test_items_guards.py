"""What the author's node refuses before it writes: authority, moment, dates, receivers, tasks below."""

import itertools
from typing import Any

import pytest

from node.errors import ForbiddenError, InputError
from node.items import guards, lifecycle, lifecycle_full
from node.items.fold import ItemState
from node.items.guards import Child, allowed, answers, check_act, check_close, check_due, check_final, check_receivers
from node.items.versions import LIVES
from node.records.kinds import Kind
from node.records.payload import ASSIST, LEAD, SOLE
from node.records.track import UNJUSTIFIED
from tests.property.fold_facts import C, Item, K, P, a_hash

X = "320200"
FULL = (lifecycle_full.ASSIGNMENT, lifecycle_full.OWN)
PATHS = {P: (P,), C: (P, C), K: (P, C, K), X: (P, X)}


# Always possible for who supervises, whatever the state of the task, and what else is so until it is accepted.
AFTER = {"CORRECT", "INTERVIEW", "NOTICE", "RECTIFY", "SCORE"}
ASIDE = AFTER | {"ORDER"}
UNDONE = ASIDE | {"EXEMPT"}
WORK = {"DECOMPOSE", "PROGRESS", "EVIDENCE", "FINAL", "MILESTONE", "HANDLE", "EXT_REQUEST"}
OWN_HANDS = {"CORRECT", "RECTIFY", "WARN"}


def at(*steps: tuple[Kind, str], version: int = 2) -> Item:
    item = Item(version=version)
    for kind, office in steps:
        item.act(kind, office)
    return item


SIGN, FINAL = (Kind.SIGN, C), (Kind.FINAL, C)


@pytest.mark.parametrize(("steps", "issuer", "receiver"), [
    ([], {"REASSIGN", "URGE", "CHANGE", "CANCEL", "TAKE_OVER"}, {"SIGN", "REFUSE", "EVIDENCE"}),
    ([(Kind.REFUSE, C)], {"INSIST", "REASSIGN", "URGE", "CHANGE", "CANCEL", "TAKE_OVER"}, {"EVIDENCE"}),
    ([SIGN], {"REASSIGN", "URGE", "CHANGE", "CANCEL", "TAKE_OVER"}, {"DECOMPOSE", "PROGRESS", "EVIDENCE", "FINAL"}),
    ([SIGN, FINAL], {"CHANGE", "RETURN", "ACCEPT", "CANCEL", "TAKE_OVER"}, {"EVIDENCE", "FINAL"}),
    ([SIGN, FINAL, (Kind.RETURN, P)], {"REASSIGN", "URGE", "CHANGE", "CANCEL", "TAKE_OVER"},
     {"DECOMPOSE", "PROGRESS", "EVIDENCE", "FINAL"}),
    ([SIGN, FINAL, (Kind.ACCEPT, P)], {"CLOSE", "CANCEL"}, {"EVIDENCE"}),
    ([SIGN, FINAL, (Kind.ACCEPT, P), (Kind.CLOSE, P)], set(), set()),
])  # fmt: skip
def test_version_1_says_who_may_do_what_in_each_state(
    steps: list[tuple[Kind, str]], issuer: set[str], receiver: set[str]
) -> None:
    check_offers(at(*steps, version=1).state, issuer, receiver)


@pytest.mark.parametrize(("steps", "issuer", "receiver"), [
    ([], UNDONE | {"REASSIGN", "URGE", "SLIP", "CHANGE", "CANCEL", "TAKE_OVER"},
     OWN_HANDS | {"SIGN", "REFUSE", "EVIDENCE"}),
    ([(Kind.REFUSE, C)], UNDONE | {"INSIST", "REASSIGN", "URGE", "SLIP", "CHANGE", "CANCEL", "TAKE_OVER"},
     OWN_HANDS | {"EVIDENCE"}),
    ([SIGN], UNDONE | {"REASSIGN", "URGE", "SLIP", "CHANGE", "CANCEL", "TAKE_OVER", "MILESTONE"}, OWN_HANDS | WORK),
    ([SIGN, FINAL], UNDONE | {"CHANGE", "RETURN", "ACCEPT", "CANCEL", "TAKE_OVER"}, OWN_HANDS | {"EVIDENCE", "FINAL"}),
    ([SIGN, FINAL, (Kind.RETURN, P)],
     UNDONE | {"REASSIGN", "URGE", "SLIP", "CHANGE", "CANCEL", "TAKE_OVER", "MILESTONE"}, OWN_HANDS | WORK),
    ([SIGN, FINAL, (Kind.ACCEPT, P)], ASIDE | {"CLOSE", "CANCEL", "VERIFY", "COMPLETE"}, OWN_HANDS | {"EVIDENCE"}),
    ([SIGN, FINAL, (Kind.ACCEPT, P), (Kind.VERIFY, P)], ASIDE | {"CLOSE", "CANCEL", "VERIFY", "RETURN"},
     OWN_HANDS | {"EVIDENCE"}),
    ([SIGN, FINAL, (Kind.ACCEPT, P), (Kind.CLOSE, P)], AFTER | {"ARCHIVE", "REINSPECT"}, {"CORRECT", "RECTIFY"}),
    ([SIGN, FINAL, (Kind.ACCEPT, P), (Kind.CLOSE, P), (Kind.ARCHIVE, P)], AFTER | {"REINSPECT"},
     {"CORRECT", "RECTIFY"}),
    ([(Kind.CANCEL, P)], set(), set()),
    ([SIGN, (Kind.EXT_REQUEST, C), (Kind.SLIP, P), (Kind.JUSTIFY, C)],
     UNDONE | {"REASSIGN", "URGE", "SLIP", "CHANGE", "CANCEL", "TAKE_OVER", "MILESTONE", "EXT_DECISION",
               "JUSTIFY_DECISION"}, OWN_HANDS | WORK | {"JUSTIFY"}),
])  # fmt: skip
def test_who_may_do_what_in_each_state(steps: list[tuple[Kind, str]], issuer: set[str], receiver: set[str]) -> None:
    check_offers(at(*steps).state, issuer, receiver)


def check_offers(state: ItemState, issuer: set[str], receiver: set[str]) -> None:
    """Each office is offered these and may write no others, but for those that nobody is told to."""
    silent = (Kind.DELIVERED, Kind.ENCLOSE)
    assert {kind.name for kind in allowed(state, P)} == issuer
    assert {kind.name for kind in allowed(state, C)} == receiver
    assert allowed(state, K) == ()
    for kind in Kind:
        for office in (P, C):
            if kind in allowed(state, office):
                check_act(state, kind, office)
            elif kind not in silent:
                with pytest.raises((InputError, ForbiddenError), match="（规则：") as refused:
                    check_act(state, kind, office)
                assert refused.value.remedy


def test_an_own_item_offers_its_owner_these() -> None:
    assert [kind.name for kind in allowed(Item.own(version=1).state, P)] == [
        "PROGRESS", "EVIDENCE", "CHANGE", "FINAL", "CANCEL"]  # fmt: skip
    state = Item.own().state
    names = {kind.name for kind in allowed(state, P)}
    assert names == UNDONE - {"EXEMPT"} | OWN_HANDS | {
        "PROPOSE", "ESTABLISH", "DECLINE", "MERGE", "PROGRESS", "EVIDENCE", "CHANGE", "FINAL", "CANCEL", "MILESTONE",
        "URGE", "EXT_REQUEST", "HANDLE", "SLIP", "BULLETIN", "SPECIAL", "REFER", "NEGATIVE"}  # fmt: skip
    check_act(state, Kind.DISPATCH, P)  # part of giving it to others, never offered by itself


@pytest.mark.parametrize(("kind", "office", "told"), [
    (Kind.EXT_DECISION, P, "没有待批复的延期申请"), (Kind.JUSTIFY, C, "没有待说明理由的督办单"),
    (Kind.JUSTIFY_DECISION, P, "没有待认定的理由"),
])  # fmt: skip
def test_a_decision_without_a_question_is_refused(kind: Kind, office: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        check_act(at(SIGN).state, kind, office)
    assert "（规则：" in caught.value.text
    assert "；本单位现在可以" in caught.value.remedy
    proposed = Item.own()
    proposed.act(Kind.PROPOSE, P)
    with pytest.raises(InputError, match="没有待审批的拟办或方案"):
        check_act(proposed.state, Kind.APPROVE, P)


def test_reasons_that_were_decided_on_are_not_given_again() -> None:
    item = at(SIGN, (Kind.SLIP, P), (Kind.JUSTIFY, C))
    check_act(item.state, Kind.JUSTIFY, C)
    item.track(Kind.JUSTIFY_DECISION, P, verdict=UNJUSTIFIED)
    with pytest.raises(InputError, match="没有待说明理由的督办单"):
        check_act(item.state, Kind.JUSTIFY, C)
    item.act(Kind.SLIP, P)
    check_act(item.state, Kind.JUSTIFY, C)


def test_a_wrong_moment_names_the_state_and_what_may_be_done() -> None:
    with pytest.raises(InputError) as caught:
        check_act(at().state, Kind.FINAL, C)
    assert caught.value.exit_code == 2
    assert "已交办" in caught.value.text
    assert "签收" in caught.value.remedy
    assert "退签" in caught.value.remedy


def test_another_office_is_told_who_may() -> None:
    with pytest.raises(ForbiddenError) as caught:
        check_act(at().state, Kind.SIGN, P)
    assert caught.value.exit_code == 4
    assert C in caught.value.text
    with pytest.raises(ForbiddenError, match=P):
        check_act(at(SIGN, FINAL).state, Kind.ACCEPT, C)
    with pytest.raises(ForbiddenError, match="或其上级"):
        check_act(at().state, Kind.CANCEL, C)


def test_what_is_not_here_or_newer_cannot_be_acted_on() -> None:
    item = at(SIGN)
    with pytest.raises(InputError, match="尚未到达"):
        check_act(Item().state._replace(state=None), Kind.SIGN, C)
    with pytest.raises(InputError, match="较新版本"):
        check_act(item.state._replace(semantic_version=3), Kind.FINAL, C)
    with pytest.raises(InputError, match="此类事项"):
        check_act(Item.own().state, Kind.SIGN, P)
    assert allowed(item.state._replace(semantic_version=3), C) == ()


def test_answers_name_what_is_in_force_and_what_was_seen() -> None:
    item = Item()
    assert answers(item.state, Kind.SIGN) == (item.item_id,)
    sign = item.act(Kind.SIGN, C)
    final = item.act(Kind.FINAL, C)
    assert answers(item.state, Kind.RETURN) == (item.item_id, final.record_id)
    returned = item.act(Kind.RETURN, P)
    assert returned.re == (item.item_id, final.record_id)
    assert set(answers(item.state, Kind.FINAL)) == {returned.record_id, final.record_id}
    assert answers(item.state, Kind.FINAL)[0] == returned.record_id
    assert sign.record_id not in answers(item.state, Kind.FINAL)
    refused = Item()
    refusal = refused.act(Kind.REFUSE, C)
    assert answers(refused.state, Kind.INSIST) == (refused.item_id, refusal.record_id)


def test_what_the_guards_allow_the_fold_applies() -> None:
    histories: tuple[list[tuple[Kind, str]], ...] = (
        [], [SIGN], [(Kind.REFUSE, C)], [SIGN, FINAL], [SIGN, FINAL, (Kind.RETURN, P)],
        [SIGN, FINAL, (Kind.ACCEPT, P)],
    )  # fmt: skip
    for version, steps in itertools.product((1, 2), histories):
        for office in (P, C):
            for kind in allowed(at(*steps, version=version).state, office):
                item = at(*steps, version=version)
                assert item.effect(item.act(kind, office)) == "applied"


def test_due_dates_stay_within_the_one_above() -> None:
    check_due(0, 20_000)
    check_due(20_000, 20_000)
    check_due(20_000, 0)
    with pytest.raises(InputError) as caught:
        check_due(20_001, 20_000)
    assert (caught.value.field, caught.value.value) == ("--due", "2024-10-05")
    assert "2024-10-04" in caught.value.text
    with pytest.raises(InputError):
        check_due(-1, 0)


def test_receivers_get_their_roles() -> None:
    assert check_receivers(P, [C, K], paths=PATHS) == ((C, SOLE), (K, SOLE))
    assert check_receivers(P, [C, X], [X], PATHS) == ((X, LEAD), (C, ASSIST))


@pytest.mark.parametrize(("office", "to", "lead", "field", "value"), [
    (P, [], [], "--to", ""), (P, [C, C], [], "--to", C), (P, [P], [], "--to", P), (P, ["110000"], [], "--to", "110000"),
    (C, [X], [], "--to", X), (C, [P], [], "--to", P), (P, [C, X], [C, X], "--lead", f"{C},{X}"),
    (P, [C, X], [C, C], "--lead", f"{C},{C}"), (P, [C], [X], "--lead", X),
])  # fmt: skip
def test_receivers_that_do_not_fit(office: str, to: list[str], lead: list[str], field: str, value: str) -> None:
    with pytest.raises(InputError) as caught:
        check_receivers(office, to, lead, PATHS)
    assert (caught.value.field, caught.value.value) == (field, value)
    assert caught.value.remedy


def test_too_many_receivers() -> None:
    with pytest.raises(InputError, match="500"):
        check_receivers(P, [f"{number:06d}" for number in range(501)])


@pytest.mark.parametrize("check", [check_final, check_close])
def test_tasks_below_must_be_done(check: Any) -> None:
    check([])
    check([Child(a_hash(1), C, "accepted"), Child(a_hash(2), X, "closed"), Child(a_hash(3), K, "cancelled")])
    with pytest.raises(InputError) as caught:
        check([Child(a_hash(1), C, "active"), Child(a_hash(2), X, "closed"), Child(a_hash(3), K, None)])
    assert f"{C}（办理中）、{K}（待到达）" in caught.value.text
    assert X not in caught.value.text
    with pytest.raises(InputError, match="等 7 个"):
        check([Child(a_hash(n), f"32058{n}", "signed") for n in range(7)])


def test_reasons_are_not_empty() -> None:
    guards.check_text("已核", "--reason")
    with pytest.raises(InputError, match="--reason"):
        guards.check_text(" \n", "--reason")


def test_every_kind_of_the_tables_has_its_authority_and_every_state_its_label() -> None:
    for version, tables in ((1, lifecycle), (2, lifecycle_full)):
        assert set(tables.AUTHORITY) == tables.KINDS == LIVES[version].kinds
        assert set(tables.NEEDS) <= tables.KINDS
    assert {Kind(kind).name for kind in Kind if 2 <= kind < Kind.WITNESS} - {"ASSIGN"} == {
        Kind(kind).name for kind in lifecycle_full.KINDS}  # fmt: skip
    for table in (lifecycle.ASSIGNMENT, lifecycle.OWN, lifecycle_full.ASSIGNMENT, lifecycle_full.OWN):
        for rule in table.values():
            states = set(rule.moves) | set(rule.moves.values())
            assert states <= set(lifecycle.STATE_LABELS)
            ended = set(rule.moves) & lifecycle.TERMINAL
            assert ended <= ({"closed", "archived"} if table in FULL else set())
            assert {target for moves in rule.outcomes.values() for target in moves.values()} <= set(
                lifecycle.STATE_LABELS)
            assert set(rule.moves) <= set(lifecycle.STAGE)
    surface = """registered, proposed, approving, established, assigned, delivered, signed, refused, active, submitted,
        returned, accepted, verifying, completed, closed, archived, cancelled, declined, merged, planning,
        reinspecting"""
    assert set(lifecycle.STATE_LABELS) == {state.strip() for state in surface.split(",")}
