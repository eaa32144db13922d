"""The fold by example: the whole way of a task, each race rule of the domain, authority, closure, erasure."""

from typing import Any

import pytest

from node.items import lifecycle
from node.items.digest import digest, substance
from node.items.fold import Counters, fold
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import LEAD, Attachment
from node.records.track import REPORTED, RectifyLine
from tests.property.fold_facts import DUE, C, Item, K, P, a_hash, reissue, signed

FILE = Attachment(a_hash("file"), bytes(32), 10, "报告.pdf")


def test_a_task_from_issue_to_closing() -> None:
    item = Item(role=LEAD, lead=C, parent=a_hash("parent"))
    states = [item.state.state]
    steps: list[tuple[Kind, str, dict[str, Any]]] = [
        (Kind.DELIVERED, C, {}), (Kind.SIGN, C, {}), (Kind.DECOMPOSE, C, {"children": (a_hash("k"),)}),
        (Kind.PROGRESS, C, {"percent": 60}), (Kind.URGE, P, {}), (Kind.FINAL, C, {"attachments": (FILE,)}),
        (Kind.RETURN, P, {"due_day": DUE + 9}), (Kind.PROGRESS, C, {}), (Kind.FINAL, C, {}), (Kind.ACCEPT, P, {}),
        (Kind.CLOSE, P, {}),
    ]  # fmt: skip
    for kind, office, fields in steps:
        item.act(kind, office, **fields)
        states.append(item.state.state)
    assert states == ["assigned", "delivered", "signed", "active", "active", "active", "submitted", "returned",
                      "active", "submitted", "accepted", "closed"]  # fmt: skip
    state = item.state
    assert set(state.effects.values()) == {"applied"}
    assert (state.issuer, state.receiver, state.role, state.lead) == (P, C, LEAD, C)
    assert (state.due_day, state.percent, state.counters) == (DUE + 9, 100, Counters(1, 1, 2, 2))
    assert (state.parent, state.children, state.attachments) == (a_hash("parent"), (a_hash("k"),), (FILE,))
    assert state.opened_at == (P, 1, 1)
    assert state.updated_ms == item.facts[-1].claimed_ms


def test_a_refusal_is_insisted_on_or_given_to_another() -> None:
    item = Item()
    refusal = item.act(Kind.REFUSE, C)
    assert (item.state.state, item.state.refusal) == ("refused", refusal.record_id)
    insist = item.act(Kind.INSIST, P)
    assert (item.state.state, item.state.version) == ("delivered", insist.record_id)
    item.act(Kind.SIGN, C)
    item.act(Kind.REASSIGN, P, successor=a_hash("next"))
    assert (item.state.state, item.state.successor) == ("cancelled", a_hash("next"))
    assert lifecycle.state_label(item.state.state, successor=True) == "已改派"


def test_an_own_item_is_dispatched_and_closed() -> None:
    item = Item.own()
    states = [item.state.state]
    for number in range(2):
        item.act(Kind.DISPATCH, P, children=(a_hash(number),))
        states.append(item.state.state)
    item.act(Kind.CLOSE, P)
    assert [*states, item.state.state] == ["registered", "assigned", "assigned", "closed"]
    assert item.state.children == (a_hash(0), a_hash(1))
    assert (item.state.kind, item.state.issuer, item.state.receiver, item.state.role) == ("registered", P, P, 0)


def test_an_own_item_is_done_by_its_owner() -> None:
    item = Item.own()
    for kind in (Kind.PROGRESS, Kind.FINAL, Kind.RETURN, Kind.PROGRESS, Kind.FINAL, Kind.ACCEPT, Kind.CLOSE):
        item.act(kind, P)
    assert (item.state.state, item.state.percent) == ("closed", 100)
    early = Item.own()
    assert early.effect(early.act(Kind.CLOSE, P)) == "invalid"
    assert early.effect(early.act(Kind.SIGN, P)) == "invalid"


# ------------------------------------------------------------------------------- races (domain.md section 3)


def test_race_1_an_answer_to_a_superseded_version_is_late_without_effect() -> None:
    item = Item()
    seen = list(item.facts)
    item.act(Kind.CHANGE, P, due_day=DUE + 5)
    late = item.act(Kind.SIGN, C, seen=seen)
    assert (item.state.state, item.effect(late)) == ("assigned", "late")
    again = item.act(Kind.SIGN, C)
    assert (item.state.state, item.effect(again), item.state.due_day) == ("signed", "applied", DUE + 5)


def test_race_1_a_change_that_has_seen_the_signature_leaves_it() -> None:
    item = signed()
    item.act(Kind.CHANGE, P, due_day=DUE + 5)
    assert (item.state.state, item.state.due_day) == ("signed", DUE + 5)


def test_race_2_progress_after_closing_is_supplementary() -> None:
    item = signed()
    item.act(Kind.FINAL, C)
    seen = list(item.facts)
    item.act(Kind.ACCEPT, P)
    item.act(Kind.CLOSE, P)
    late = item.act(Kind.PROGRESS, C, seen=seen, percent=10, attachments=(FILE,))
    state = item.state
    assert (state.state, state.percent, state.effects[late.record_id]) == ("closed", 100, "late")
    assert (state.attachments, state.counters.reports) == ((FILE,), 0)


def test_files_of_late_records_do_not_depend_on_which_of_them_was_issued_again() -> None:
    item = signed()
    seen = list(item.facts)
    item.act(Kind.CANCEL, P)
    first, second = (FILE._replace(name=name, hash=a_hash(name)) for name in ("乙.pdf", "甲.pdf"))
    early = item.act(Kind.PROGRESS, C, seen=seen, attachments=(first, FILE))
    late = item.act(Kind.PROGRESS, C, seen=seen, attachments=(FILE._replace(name="别名.pdf"), second))
    kept = [fact for fact in item.facts if fact not in (early, late)]
    versions = [[early, late], [reissue(early), late], [early, reissue(late)], [late, reissue(early, seq=9)]]
    assert len({fold(item.item_id, kept + answers).attachments for answers in versions}) == 1
    assert len(item.state.attachments) == 3


@pytest.mark.parametrize("kind", [Kind.SIGN, Kind.FINAL, Kind.REFUSE])
def test_race_4_cancel_wins_and_the_report_is_kept(kind: Kind) -> None:
    item = signed() if kind == Kind.FINAL else Item()
    seen = list(item.facts)
    item.act(Kind.CANCEL, P)
    answer = item.act(kind, C, seen=seen, attachments=(FILE,))
    for facts in (item.facts, item.facts[::-1]):
        state = fold(item.item_id, facts)
        assert (state.state, state.effects[answer.record_id]) == ("cancelled", "late")
        assert state.attachments == (FILE,)


def test_race_4_cancel_wins_also_after_the_report_and_naming_an_old_version() -> None:
    item = signed()
    item.act(Kind.FINAL, C)
    item.act(Kind.RETURN, P)
    item.act(Kind.CANCEL, P, re=(item.item_id,))
    assert item.state.state == "cancelled"


def test_race_5_the_later_report_is_in_force_and_the_return_names_it() -> None:
    item = signed()
    first = item.act(Kind.FINAL, C)
    second = item.act(Kind.FINAL, C)
    assert (item.effect(first), item.effect(second)) == ("superseded", "applied")
    assert item.state.submission == second.record_id
    # It has seen what came after the second report, and still names the first.
    urge = item.act(Kind.URGE, P)
    old = item.act(Kind.RETURN, P, re=(item.item_id, first.record_id, urge.record_id))
    assert (item.state.state, item.effect(old)) == ("submitted", "late")
    good = item.act(Kind.RETURN, P)
    assert (item.state.state, item.effect(good), item.state.submission) == ("returned", "applied", b"")


def test_race_5_a_second_report_does_not_turn_over_a_return_that_crossed_it() -> None:
    item = signed()
    item.act(Kind.FINAL, C)
    seen = list(item.facts)
    item.act(Kind.RETURN, P)
    second = item.act(Kind.FINAL, C, seen=seen)
    assert (item.state.state, item.effect(second)) == ("returned", "late")


def test_race_5_a_second_report_does_not_reopen_what_was_closed() -> None:
    item = signed()
    item.act(Kind.FINAL, C)
    seen = list(item.facts)
    item.act(Kind.ACCEPT, P)
    crossing = item.act(Kind.FINAL, C, seen=seen)
    assert (item.state.state, item.effect(crossing)) == ("accepted", "late")
    item.act(Kind.CLOSE, P)
    assert item.state.state == "closed"


def test_race_6_reassignment_during_a_partition_keeps_the_old_receivers_work() -> None:
    item = signed()
    seen = list(item.facts)
    item.act(Kind.REASSIGN, P, successor=a_hash("next"))
    work = [item.act(kind, C, seen=seen, attachments=(FILE,)) for kind in (Kind.PROGRESS, Kind.FINAL)]
    assert [item.effect(fact) for fact in work] == ["late", "late"]
    assert (item.state.state, item.state.successor, item.state.attachments) == ("cancelled", a_hash("next"), (FILE,))


def test_race_8_closure_a_due_date_after_the_parents_is_a_guard_not_an_effect() -> None:
    assert Item(due_day=DUE + 10_000).state.due_day == DUE + 10_000


# ------------------------------------------------------------------------------------ answers, authority, closure


def test_an_answer_waits_for_its_question_and_so_does_what_answers_it() -> None:
    item = signed()
    final = item.act(Kind.FINAL, C)
    returned = item.act(Kind.RETURN, P)
    again = item.act(Kind.FINAL, C)
    state = fold(item.item_id, [fact for fact in item.facts if fact is not final])
    assert [state.effects[fact.record_id] for fact in (returned, again)] == ["waiting", "waiting"]
    assert state.state == "signed"


def test_without_the_opening_the_item_waits() -> None:
    item = signed()
    state = fold(item.item_id, item.facts[1:])
    assert (state.state, state.opened, set(state.effects.values())) == (None, False, {"waiting"})
    assert digest(state) == digest(fold(item.item_id, []))
    assert lifecycle.state_label(None) == "待到达"


@pytest.mark.parametrize(("kind", "office"), [(Kind.SIGN, P), (Kind.FINAL, P), (Kind.RETURN, C), (Kind.CLOSE, C),
                                              (Kind.CANCEL, C), (Kind.URGE, C), (Kind.DELIVERED, P)])
def test_another_offices_kinds_are_invalid(kind: Kind, office: str) -> None:
    item = signed()
    before = item.state
    assert item.effect(item.act(kind, office)) == "invalid"
    assert substance(item.state) == substance(before)


def test_any_office_above_the_receiver_urges_cancels_and_takes_over() -> None:
    item = signed((P, C, K), C)
    assert item.effect(item.act(Kind.URGE, P)) == "applied"
    assert item.effect(item.act(Kind.CHANGE, P)) == "invalid"
    seen = list(item.facts)
    item.act(Kind.TAKE_OVER, P)
    assert item.state.issuer == P
    assert item.effect(item.act(Kind.CHANGE, P, due_day=DUE + 1)) == "applied"
    # The former issuer did not know: late, not wrong.
    assert item.effect(item.act(Kind.CHANGE, C, seen=seen, due_day=DUE + 2)) == "late"
    assert item.state.due_day == DUE + 1
    other = signed((P, C, K), C)
    other.act(Kind.CANCEL, P)
    assert other.state.state == "cancelled"


@pytest.mark.parametrize("line", [Line((P, C, K)), Line((C,)), Line((P, C), subtree=True)])
def test_records_off_the_line_count_for_nothing_and_answer_nothing(line: Line) -> None:
    item = signed()
    before = digest(item.state)
    off = item.fact(Kind.PROGRESS, C, None, ())._replace(line=line)
    item.add(off)
    assert (item.effect(off), digest(item.state)) == ("invalid", before)
    answer = item.act(Kind.URGE, P, re=(off.record_id,))
    assert item.effect(answer) == "waiting"


def test_records_of_another_item_are_invalid() -> None:
    item = signed()
    foreign = item.add(item.fact(Kind.PROGRESS, C, None, ())._replace(item=a_hash("other")))
    assert item.effect(foreign) == "invalid"
    assert foreign.record_id not in dict(item.state.declarations)


@pytest.mark.parametrize("opening", [
    Item((P, C), P, receiver=K), Item((P, C), C), Item((P, C), P, role=0), Item((P, C), P, role=4),
    Item((P, C), P, Kind.REGISTER),
])  # fmt: skip
def test_an_opening_that_contradicts_its_line_opens_nothing(opening: Item) -> None:
    sign = opening.act(Kind.SIGN, C, re=(opening.item_id,))
    assert (opening.state.state, opening.state.opened) == (None, False)
    assert {opening.effect(opening.facts[0]), opening.effect(sign)} == {"invalid"}


def test_subtree_lines_open_nothing() -> None:
    item = Item()
    item.facts[0] = item.facts[0]._replace(line=Line((P, C), subtree=True))
    assert item.state.state is None


def test_an_office_between_does_not_take_over_from_its_superior_unseen() -> None:
    """What a superior has decided is not turned over by what reaches it later; version 1 lets it happen."""
    for version, issuer, effect in ((2, P, "late"), (1, C, "applied")):
        item = Item((P, C, K), P, version=version)
        seen = list(item.facts)
        item.act(Kind.TAKE_OVER, P)
        crossing = item.act(Kind.TAKE_OVER, C, seen=seen)
        assert (item.state.issuer, item.effect(crossing)) == (issuer, effect)
        # Having seen it, it may: handed back.
        again = item.act(Kind.TAKE_OVER, C)
        assert (item.state.issuer, item.effect(again)) == (C, "applied")


def test_after_a_taking_over_the_former_issuer_is_late_and_still_above() -> None:
    """What only the issuer may is kept, not called wrong; what any office above may goes on (R12)."""
    item = signed((P, C, K), C)
    known = list(item.facts)
    item.act(Kind.TAKE_OVER, P)
    list_ = item.track(Kind.RECTIFY, C, seen=known, lines=(RectifyLine("a", "整改"),))
    report = item.track(Kind.RECTIFY, K, seen=[*known, list_], lines=(RectifyLine("a", status=REPORTED),))
    for fact in (item.act(Kind.EXEMPT, C, seen=known), item.track(Kind.REINSPECT, C, seen=[*known, list_])):
        assert item.effect(fact) == "late"
    assert (item.effect(list_), item.effect(report)) == ("applied", "applied")
    assert ([line.status for line in item.state.tracks.lines], item.state.state) == ([REPORTED], "signed")
    fresh = signed((P, C, K), C)
    assert fresh.effect(fresh.track(Kind.RECTIFY, K, lines=(RectifyLine("a", status=REPORTED),))) == "invalid"


def test_before_its_time_is_invalid_after_it_late() -> None:
    item = Item()
    assert item.effect(item.act(Kind.FINAL, C)) == "invalid"
    assert item.effect(item.act(Kind.CLOSE, P)) == "invalid"
    item.act(Kind.SIGN, C)
    assert item.effect(item.act(Kind.DELIVERED, C)) == "late"
    assert item.effect(item.act(Kind.RETURN, P)) == "invalid"
    item.act(Kind.FINAL, C)
    item.act(Kind.ACCEPT, P)
    assert item.effect(item.act(Kind.REASSIGN, P)) == "late"
    assert item.state.state == "accepted"


def test_an_answer_that_names_nothing_is_invalid() -> None:
    item = Item()
    assert item.effect(item.act(Kind.SIGN, C, re=())) == "invalid"
    item.act(Kind.SIGN, C)
    final = item.act(Kind.FINAL, C)
    assert item.effect(item.act(Kind.ACCEPT, P, re=(item.item_id,))) == "invalid"
    assert item.effect(item.act(Kind.ACCEPT, P, re=(final.record_id,))) == "applied"


def test_progress_evidence_and_urging_never_hurt() -> None:
    item = Item()
    for kind, office in ((Kind.PROGRESS, C), (Kind.EVIDENCE, C), (Kind.URGE, P)):
        assert item.effect(item.act(kind, office, percent=5)) == "applied"
    assert (item.state.state, item.state.percent, item.state.counters) == ("assigned", 5, Counters(1, 0, 1, 0))


def test_an_accepted_task_stays_at_one_hundred() -> None:
    item = signed()
    item.act(Kind.FINAL, C)
    item.act(Kind.ACCEPT, P)
    item.act(Kind.PROGRESS, C, percent=10)
    assert (item.state.state, item.state.percent) == ("accepted", 100)


# ----------------------------------------------------------------------------- unknown, erased, unreadable


def test_unknown_kinds_are_kept_without_effect() -> None:
    item = signed(version=1)
    before = substance(item.state)
    for kind in (Kind.WARN, Kind.SLIP, 1500):
        fact = item.add(item.fact(kind, C, None, (a_hash("elsewhere"),))._replace(body="unknown"))
        assert item.effect(fact) == "unknown"
    assert substance(item.state) == before


def test_an_item_of_a_later_semantic_version_shows_its_opening() -> None:
    item = signed()
    item.facts[0] = item.facts[0]._replace(semantic_version=3)
    state = item.state
    assert (state.state, state.opened, state.semantic_version, state.due_day) == ("assigned", True, 3, DUE)
    assert [state.effects[fact.record_id] for fact in item.facts] == ["applied", "unknown", "unknown"]


def test_an_erased_record_keeps_what_its_header_says() -> None:
    item = signed()
    item.act(Kind.PROGRESS, C, percent=70)
    item.act(Kind.FINAL, C)
    returned = item.act(Kind.RETURN, P, due_day=DUE + 9)
    item.facts = [fact._replace(payload=None, body="erased") for fact in item.facts]
    state = item.state
    assert set(state.effects.values()) == {"erased"}
    assert (state.state, state.receiver, state.role, state.due_day, state.percent) == ("returned", C, 0, 0, 0)
    assert (state.counters, state.version) == (Counters(0, 1, 1, 1), returned.record_id)


def test_an_unreadable_payload_is_invalid() -> None:
    item = signed()
    fact = item.act(Kind.FINAL, C)
    item.facts[-1] = fact._replace(payload=None, body="malformed")
    assert (item.effect(fact), item.state.state) == ("invalid", "signed")
    item.facts[0] = item.facts[0]._replace(payload=None, body="malformed")
    assert (item.state.state, set(item.state.effects.values())) == (None, {"invalid"})
