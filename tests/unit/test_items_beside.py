"""Side tracks: transitions 13, 14 and 23-30 of domain.md section 3 by example, in semantic version 2."""

import pytest

from node.items.beside import Score, Slip
from node.items.digest import digest
from node.items.fold import fold
from node.records.kinds import Kind
from node.records.track import (
    CLEARED,
    CRITICISM,
    DENIED,
    GRANTED,
    JUSTIFIED,
    NOTED,
    OPEN,
    REPORTED,
    UNJUSTIFIED,
    RectifyLine,
    Track,
)
from tests.property.fold_facts import DUE, C, Item, K, P, a_hash, reissue, signed
from tests.unit.test_items_transitions import accepted, closed

RULE = "xianyang-001/1 ladder"
LINE = RectifyLine("1", "补齐台账", "建设局", "李四", DUE, OPEN)


def test_23_white_yellow_red() -> None:
    """R105-R107: each slip says its colour, its limit, its standard and the rule; the last colour is the item's."""
    item = signed((P, C, K), C)
    slips = [
        item.track(Kind.SLIP, office, colour=colour, rule=RULE, due_day=DUE + number, entries=("整改标准",))
        for number, (colour, office) in enumerate((("white", C), ("yellow", C), ("red", P)))
    ]
    state = item.state
    assert state.tracks.slips == tuple(
        Slip(fact.record_id, colour, DUE + number, RULE, ("整改标准",), fact.author)
        for number, (fact, colour) in enumerate(zip(slips, ("white", "yellow", "red"), strict=True))
    )
    assert (state.tracks.colour, state.state, state.due_day) == ("red", "signed", DUE)
    assert item.effect(item.track(Kind.SLIP, K, colour="white")) == "invalid"


@pytest.mark.parametrize(("verdict", "word"), [(JUSTIFIED, "justified"), (UNJUSTIFIED, "unjustified")])
def test_24_reasons_are_given_and_judged(verdict: int, word: str) -> None:
    """R106, A15: an explicit decision before the next colour."""
    item = signed()
    assert item.effect(item.act(Kind.JUSTIFY, C)) == "invalid"
    item.track(Kind.SLIP, P, colour="white")
    reasons = item.act(Kind.JUSTIFY, C, text="汛期停工")
    slip = item.state.tracks.slips[0]
    assert (slip.justified, slip.justification) == ("given", reasons.record_id)
    assert item.effect(item.track(Kind.JUSTIFY_DECISION, P)) == "invalid"
    assert item.effect(item.track(Kind.JUSTIFY_DECISION, C, verdict=JUSTIFIED)) == "invalid"
    item.track(Kind.JUSTIFY_DECISION, P, verdict=verdict)
    assert item.state.tracks.slips[0].justified == word


def test_24_where_no_reasons_came_there_are_no_good_ones() -> None:
    """A15: who gave no reasons is decided on too; reasons that come after that are late, and only once."""
    item = signed()
    item.track(Kind.SLIP, P, colour="white")
    seen = list(item.facts)
    item.track(Kind.JUSTIFY_DECISION, P, verdict=UNJUSTIFIED)
    assert item.state.tracks.slips[0].justified == "unjustified"
    assert item.effect(item.act(Kind.JUSTIFY, C, seen=seen)) == "late"
    assert item.effect(item.track(Kind.JUSTIFY_DECISION, P, verdict=UNJUSTIFIED)) == "invalid"


def test_24_what_was_judged_is_not_reopened_by_more_reasons() -> None:
    """Reasons that cross the decision are late; a superior's decision is not turned over (R12)."""
    item = signed()
    item.track(Kind.SLIP, P, colour="white")
    item.act(Kind.JUSTIFY, C)
    seen = list(item.facts)
    item.track(Kind.JUSTIFY_DECISION, P, verdict=UNJUSTIFIED)
    more = item.act(Kind.JUSTIFY, C, seen=seen)
    assert (item.effect(more), item.state.tracks.slips[0].justified) == ("late", "unjustified")


def test_24_reasons_for_white_do_not_answer_yellow() -> None:
    """Race 1: an answer to what is superseded is kept without effect."""
    item = signed()
    item.track(Kind.SLIP, P, colour="white")
    seen = list(item.facts)
    item.track(Kind.SLIP, P, colour="yellow")
    assert item.effect(item.act(Kind.JUSTIFY, C, seen=seen)) == "late"
    assert [slip.justified for slip in item.state.tracks.slips] == ["", ""]
    item.act(Kind.JUSTIFY, C)
    assert [slip.justified for slip in item.state.tracks.slips] == ["", "given"]


def test_24_two_superiors_judge_once() -> None:
    item = signed((P, C, K), C)
    item.track(Kind.SLIP, C, colour="white")
    item.act(Kind.JUSTIFY, K)
    seen = list(item.facts)
    below = item.track(Kind.JUSTIFY_DECISION, C, verdict=UNJUSTIFIED, seen=seen)
    above = item.track(Kind.JUSTIFY_DECISION, P, verdict=JUSTIFIED, seen=seen)
    assert (item.effect(above), item.effect(below)) == ("applied", "late")
    assert item.state.tracks.slips[0].justified == "justified"


def test_26_lines_are_set_reported_and_cleared_one_by_one() -> None:
    """R97, R108: 逐项销号; who reports does not clear."""
    item = signed()
    item.track(Kind.RECTIFY, P, lines=(LINE, LINE._replace(key="2")))
    assert item.effect(item.track(Kind.RECTIFY, C, lines=(RectifyLine("1", status=CLEARED),))) == "invalid"
    item.track(Kind.RECTIFY, C, lines=(RectifyLine("1", status=REPORTED),))
    assert [line.status for line in item.state.tracks.lines] == [REPORTED, OPEN]
    item.track(Kind.RECTIFY, P, lines=(RectifyLine("1", status=CLEARED),))
    assert item.state.tracks.lines == (LINE._replace(status=CLEARED), LINE._replace(key="2"))
    # Reported again it stays cleared; set anew by who supervises it is open again.
    item.track(Kind.RECTIFY, C, lines=(RectifyLine("1", status=REPORTED),))
    assert item.state.tracks.lines[0].status == CLEARED
    item.track(Kind.RECTIFY, P, lines=(LINE._replace(text="重做"),))
    assert item.state.tracks.lines[0] == LINE._replace(text="重做")


@pytest.mark.parametrize("lines", [(LINE,), (RectifyLine("9", status=REPORTED),)])
def test_26_the_receiver_sets_no_lines_and_reports_none_that_is_not_there(lines: tuple[RectifyLine, ...]) -> None:
    item = signed()
    item.track(Kind.RECTIFY, P, lines=(LINE._replace(key="2"),))
    before = item.state.tracks
    assert item.effect(item.track(Kind.RECTIFY, C, lines=lines)) == "invalid"
    assert item.state.tracks == before


def test_26_an_owner_sets_reports_and_clears_its_own() -> None:
    """R108: 自办 items; also after the end, when a notice asks for it."""
    item = Item.own()
    for status in (OPEN, REPORTED, CLEARED):
        item.act(Kind.RECTIFY, P, track=Track(lines=(LINE._replace(status=status),)))
    assert item.state.tracks.lines == (LINE._replace(status=CLEARED),)


# ---------------------------------------------------------------------------------- 延期, notices, points and more


def test_13_14_extension_granted_changes_the_due_day_and_keeps_the_old_one() -> None:
    """R59, R78: the day asked for, or the one the issuer names."""
    item = signed()
    request = item.track(Kind.EXT_REQUEST, C, due_day=DUE + 10)
    assert (item.state.tracks.extension.state, item.state.due_day) == ("requested", DUE)
    grant = item.track(Kind.EXT_DECISION, P, verdict=GRANTED)
    item.track(Kind.EXT_REQUEST, C, due_day=DUE + 30)
    shorter = item.track(Kind.EXT_DECISION, P, verdict=GRANTED, due_day=DUE + 15)
    state = item.state
    assert (state.due_day, state.tracks.extension.grants, state.tracks.extension.requests) == (DUE + 15, 2, 2)
    assert state.tracks.dues == ((item.item_id, DUE), (grant.record_id, DUE + 10), (shorter.record_id, DUE + 15))
    late = item.act(Kind.EXT_DECISION, P, re=(request.record_id,), track=Track(verdict=DENIED))
    assert (item.effect(late), item.state.tracks.extension.state) == ("late", "granted")


@pytest.mark.parametrize(("verdict", "state"), [(DENIED, "denied"), (NOTED, "noted")])
def test_14_extension_denied_or_only_noted_leaves_the_date(verdict: int, state: str) -> None:
    """R59, A12: 已说明, the date stays."""
    item = signed()
    item.track(Kind.EXT_REQUEST, C, due_day=DUE + 10)
    item.track(Kind.EXT_DECISION, P, verdict=verdict, due_day=DUE + 10)
    assert (item.state.tracks.extension.state, item.state.due_day) == (state, DUE)
    assert item.state.tracks.dues == ((item.item_id, DUE),)
    # It answers a request that was decided on.
    assert item.effect(item.track(Kind.EXT_DECISION, P, verdict=GRANTED)) == "late"


def test_14_a_decision_without_a_verdict_decides_nothing() -> None:
    item = signed()
    item.track(Kind.EXT_REQUEST, C, due_day=DUE + 10)
    assert item.effect(item.track(Kind.EXT_DECISION, P)) == "invalid"
    assert item.effect(item.track(Kind.EXT_DECISION, C, verdict=GRANTED)) == "invalid"
    assert item.state.tracks.extension.state == "requested"


def test_25_order_27_notices_28_interview_change_no_state() -> None:
    """R45, R67, R69, R110, R111, R113-R116: beside the state, on task and own item."""
    item = signed()
    order = item.track(Kind.ORDER, P, number="〔2026〕1号")
    notice = item.track(Kind.NOTICE, P, verdict=CRITICISM, offices=(C,))
    item.act(Kind.INTERVIEW, P)
    tracks = item.state.tracks
    assert (item.state.state, tracks.orders, tracks.notices, tracks.interviews) == (
        "signed", (order.record_id,), (notice.record_id,), 1)  # fmt: skip
    for kind in (Kind.ORDER, Kind.NOTICE, Kind.INTERVIEW):
        assert item.effect(item.act(kind, C)) == "invalid"
    own = Item.own()
    for kind in (Kind.BULLETIN, Kind.SPECIAL, Kind.NOTICE, Kind.REFER, Kind.NEGATIVE, Kind.INTERVIEW):
        assert own.effect(own.act(kind, P)) == "applied"
        # What only leaders see stands on an own item, never on a line that others hold.
        expected = "applied" if kind in (Kind.NOTICE, Kind.INTERVIEW) else "invalid"
        assert item.effect(item.act(kind, P)) == expected
    assert (own.state.state, len(own.state.tracks.notices)) == ("registered", 3)


def test_29_score_with_its_rule_and_cause_and_its_verdict() -> None:
    """R106, R119, A20: proposed points are adopted or dropped once, by whoever judges first."""
    item = closed((P, C, K), C)
    score = item.track(Kind.SCORE, C, points_milli=-300, rule=RULE, cause=item.item_id, unit="建设局")
    assert item.state.tracks.scores == (
        Score(score.record_id, -300, RULE, item.item_id, 0, "建设局"),)
    item.track(Kind.SCORE, P, verdict=1, cause=score.record_id)
    assert item.state.tracks.scores[0].verdict == 1
    assert item.effect(item.track(Kind.SCORE, C, verdict=2, cause=score.record_id)) == "late"
    assert item.effect(item.track(Kind.SCORE, P, verdict=1, cause=a_hash("none"))) == "invalid"
    assert item.effect(item.track(Kind.SCORE, P, verdict=3, cause=score.record_id)) == "invalid"
    assert (item.state.state, item.state.tracks.scores[0].verdict) == ("closed", 1)


def test_30_corrected_by_either_party_also_after_the_end() -> None:
    item = closed()
    for office in (P, C):
        assert item.effect(item.act(Kind.CORRECT, office, text="数字更正")) == "applied"
    assert item.effect(item.act(Kind.CORRECT, K)) == "invalid"
    assert item.state.state == "closed"


def test_exempt_is_the_issuers_and_changes_no_state() -> None:
    """R2, race 7: nothing more is expected; work that is done is exempted from nothing."""
    item = Item()
    item.act(Kind.REFUSE, C)
    assert item.effect(item.act(Kind.EXEMPT, C)) == "invalid"
    exempt = item.act(Kind.EXEMPT, P)
    assert (item.state.state, item.state.tracks.exempt) == ("refused", exempt.record_id)
    done = accepted()
    assert done.effect(done.act(Kind.EXEMPT, P)) == "late"


def test_enclosures_are_remembered_also_when_their_words_are_gone() -> None:
    """R102: records of another line that the receiver may not hold by itself."""
    item = signed()
    whole = item.act(Kind.ENCLOSE, P)
    erased = item.act(Kind.ENCLOSE, P)
    item.facts[-1] = erased._replace(payload=None, body="erased")
    assert item.state.tracks.enclosed == (whole.record_id, erased.record_id)
    assert item.effect(erased) == "erased"
    wrong = item.add(whole._replace(record_id=a_hash("x"), payload=item.act(Kind.URGE, P).payload))
    assert item.effect(wrong) == "invalid"


def test_where_a_reissue_stands_does_not_make_its_author_the_issuer() -> None:
    """The city exempts while the province takes over unseen, then takes the task back; its exemption is re-issued."""
    item = Item((P, C, K), C)
    seen = list(item.facts)
    item.act(Kind.TAKE_OVER, P)
    late = item.act(Kind.EXEMPT, C, seen=seen)
    item.act(Kind.TAKE_OVER, C)
    before = digest(item.state)
    assert item.effect(late) == "late"
    copy = reissue(late)
    assert digest(fold(item.item_id, [*item.facts, copy])) == before
    assert digest(fold(item.item_id, [*(fact for fact in item.facts if fact is not late), copy])) == before
