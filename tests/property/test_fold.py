"""Laws of the fold, over honest histories with races, and over garbage."""

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from node.items import lifecycle
from node.items.digest import digest, substance
from node.items.fact import Fact
from node.items.fold import EFFECTIVE, ItemState, fold
from node.items.lights import LIGHT_LABELS, light
from node.items.versions import KINDS, LIVES
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act, Attachment, Opening
from node.records.track import ChainStep, Milestone, RectifyLine, Track
from tests.property.fold_facts import C, Item, K, P, a_hash, fitting, reissue, writable

FORWARD = frozenset({
    Kind.SIGN, Kind.FINAL, Kind.ACCEPT, Kind.CLOSE, Kind.APPROVE, Kind.ARCHIVE, Kind.REINSPECT, Kind.VERIFY, Kind.SLIP,
    Kind.JUSTIFY, Kind.EXT_REQUEST, Kind.EXT_DECISION, Kind.TAKE_OVER, Kind.RECTIFY,
})  # fmt: skip
LINES = [((P, C), P), ((P, C, K), C), ((P, C, K), P), ((P,), P)]


@st.composite
def histories(draw: st.DrawFn, lines: Any = LINES) -> tuple[Item, dict[str, list[Fact]]]:
    """What offices wrote that follow the guards, each knowing only what it had seen; and what each has seen at the end.

    An office sees its own facts at once and another's in order, up to where it last looked. Kinds that move the item
    come as often as all others together: otherwise few histories would come to their end.
    """
    path, author = draw(st.sampled_from(lines))
    version = draw(st.sampled_from([2, 2, 2, 1]))
    item = Item(path, author, Kind.ASSIGN if len(path) > 1 else Kind.REGISTER, version=version)
    seen = {office: list(item.facts) for office in path}
    for number in range(draw(st.integers(0, 18))):
        office = draw(st.sampled_from(path))
        if draw(st.booleans()):
            seen[office] = list(item.facts)
        state = fold(item.item_id, seen[office])
        kinds = writable(state, office)
        kinds = [kind for kind in kinds if kind in FORWARD] or kinds if draw(st.booleans()) else kinds
        if kinds:
            kind = draw(st.sampled_from(kinds))
            fields = fitting(state, kind, office, draw(st.integers(0, 5)))
            if kind in (Kind.EVIDENCE, Kind.FINAL):
                fields["attachments"] = (Attachment(a_hash("file", number), bytes(32), 1, "a.pdf"),)
            seen[office].append(item.act(kind, office, seen=seen[office], **fields))
    return item, seen


def same(state: ItemState) -> ItemState:
    """What must not depend on copies and clocks."""
    return state._replace(effects={}, opened_at=("", 0, 0), opened_ms=0, submitted_ms=0, updated_ms=0)


@settings(deadline=None, max_examples=150)
@given(histories(), st.data())
def test_permutation_and_duplication_change_nothing(history: tuple[Item, Any], data: st.DataObject) -> None:
    item = history[0]
    again = data.draw(st.permutations(item.facts + data.draw(st.lists(st.sampled_from(item.facts)))))
    later = [fact._replace(received_ms=fact.received_ms + 1) for fact in item.facts]
    for facts in (again, again + later, later + again):
        assert fold(item.item_id, facts) == item.state
        assert digest(fold(item.item_id, facts)) == digest(item.state)


@settings(deadline=None, max_examples=150)
@given(histories(), st.data())
def test_reissues_with_or_without_originals_change_nothing(history: tuple[Item, Any], data: st.DataObject) -> None:
    item = history[0]
    facts: list[Fact] = []
    seqs: dict[str, int] = {}
    for fact in item.facts:
        mode = data.draw(st.sampled_from(["original", "copy", "both", "three"]))
        if mode != "copy":
            facts.append(fact)
        for epoch in () if mode == "original" else (2, 3) if mode == "three" else (2,):
            seqs[fact.author] = seqs.get(fact.author, 0) + 1
            facts.append(reissue(fact, epoch=epoch, seq=seqs[fact.author]))
    state = fold(item.item_id, data.draw(st.permutations(facts)))
    assert digest(state) == digest(item.state)
    assert same(state) == same(item.state)
    assert set(state.effects) == {fact.record_id for fact in facts}
    for fact in facts:
        assert state.effects[fact.record_id] == item.state.effects[fact.reissue_of or fact.record_id]


@settings(deadline=None, max_examples=150)
@given(histories(), st.data())
def test_an_answer_to_a_copy_answers_the_original(history: tuple[Item, Any], data: st.DataObject) -> None:
    item = history[0]
    copies = {fact.record_id: reissue(fact).record_id for fact in item.facts}
    facts = [
        fact._replace(re=tuple(data.draw(st.sampled_from([name, copies[name]])) for name in fact.re))
        for fact in item.facts
    ]
    assert same(fold(item.item_id, facts + [reissue(fact) for fact in facts])) == same(item.state)


@settings(deadline=None, max_examples=150)
@given(histories(), st.data())
def test_clocks_change_dates_only(history: tuple[Item, Any], data: st.DataObject) -> None:
    item = history[0]
    times = st.integers(0, 2**48)
    facts = [fact._replace(claimed_ms=data.draw(times), received_ms=data.draw(times)) for fact in item.facts]
    state = fold(item.item_id, facts)
    assert digest(state) == digest(item.state)
    assert same(state) == same(item.state)
    assert state.effects == item.state.effects
    assert state.opened_ms == facts[0].claimed_ms
    assert state.updated_ms >= state.opened_ms


@settings(deadline=None, max_examples=150)
@given(histories(), st.data())
def test_unauthorised_records_change_no_substance(history: tuple[Item, Any], data: st.DataObject) -> None:
    item = history[0]
    before = item.state
    rules = LIVES[before.semantic_version].rules_of(before.kind)
    issuers = {before.issuer} | {fact.author for fact in item.facts if fact.kind in (Kind.ASSIGN, Kind.TAKE_OVER)}
    ids = st.lists(st.sampled_from([fact.record_id for fact in item.facts]), max_size=4, unique=True)
    for _ in range(data.draw(st.integers(1, 8))):
        kind = data.draw(st.sampled_from(sorted(rules)))
        may = {
            "receiver": {before.receiver},
            "issuer_or_above": set(item.line.path[:-1]) | {before.issuer},
            "party": set(item.line.path),
        }.get(rules[kind].authority, issuers)
        others = sorted({P, C, K, "999999"} - may)
        if others:
            item.act(Kind(kind), data.draw(st.sampled_from(others)), re=tuple(data.draw(ids)), epoch=9, percent=1,
                     due_day=1, children=(a_hash("stolen"),), track=data.draw(TRACKS),
                     attachments=(Attachment(a_hash("bad"), bytes(32), 1, "x"),))
    after = item.state
    assert substance(after) == substance(before)
    assert (after.children, after.successor, after.issuer) == (before.children, before.successor, before.issuer)
    assert after.tracks == before.tracks
    assert {key: after.effects[key] for key in before.effects} == before.effects
    assert all(after.effects[fact.record_id] == "invalid" for fact in item.facts if fact.epoch == 9)


@settings(deadline=None, max_examples=200)
@given(histories(LINES[:1]))
def test_what_the_issuer_has_decided_stays(history: tuple[Item, dict[str, list[Fact]]]) -> None:
    """No record that reaches the issuer later turns over what its own have done; what is closed stays closed."""
    item, seen = history
    view, full = fold(item.item_id, seen[P]), item.state
    for fact in seen[P]:
        if fact.author == P and view.effects[fact.record_id] in EFFECTIVE:
            assert full.effects[fact.record_id] in EFFECTIVE
    if view.state in lifecycle.TERMINAL:
        assert full.state == view.state


@settings(deadline=None, max_examples=300)
@given(histories())
def test_honest_offices_are_never_called_invalid(history: tuple[Item, Any]) -> None:
    """Version 1 calls some so that built on what a taking over made late; it is frozen, version 2 calls that late."""
    item = history[0]
    effects = item.state.effects.values()
    assert "waiting" not in effects
    if item.state.semantic_version > 1 or not any(fact.kind == Kind.TAKE_OVER for fact in item.facts):
        assert "invalid" not in effects


@settings(deadline=None, max_examples=150)
@given(histories(), st.integers(0, 5))
def test_what_the_guards_allow_the_fold_applies(history: tuple[Item, Any], number: int) -> None:
    item = history[0]
    before, written = item.state, list(item.facts)
    for office in item.line.path:
        for kind in writable(before, office):
            item.facts = list(written)
            act = item.act(kind, office, **fitting(before, kind, office, number))
            assert item.effect(act) == "applied", kind


@settings(deadline=None, max_examples=150)
@given(histories(), st.data())
def test_whatever_has_arrived_folds(history: tuple[Item, Any], data: st.DataObject) -> None:
    """Any part of the records folds; what waits is what answers something missing, and the rest fills in."""
    item = history[0]
    part = [fact for fact in item.facts if data.draw(st.booleans())]
    state = fold(item.item_id, part)
    present = {fact.record_id for fact in part}
    assert set(state.effects) == present
    for fact in part:
        if item.item_id not in present or not present.issuperset(fact.re):
            assert state.effects[fact.record_id] == "waiting"


IDS = [a_hash("id", number) for number in range(12)]
LINE_POOL = [Line((P, C)), Line((P, C, K)), Line((P,)), Line((P, C), subtree=True)]
TRACKS = st.one_of(st.none(), st.builds(
    Track, post=st.sampled_from(["甲", "乙"]), verdict=st.integers(0, 4), colour=st.sampled_from(["white", "red"]),
    steps=st.sampled_from([(), (ChainStep(("甲",), "审核"), ChainStep(("甲", "乙"), "签发", any_one=True)),
                           (ChainStep((), "审核"),)]),
    milestones=st.sampled_from([(), (Milestone("k", "", -1, 5),)]), cause=st.sampled_from([b"", *IDS]),
    lines=st.lists(st.builds(RectifyLine, st.sampled_from("kl"), status=st.integers(0, 4)), max_size=2).map(tuple),
))  # fmt: skip
PAYLOADS = st.one_of(
    st.none(),
    st.builds(Act, track=TRACKS, percent=st.integers(-1, 200), due_day=st.integers(-5, 5), children=st.lists(
        st.sampled_from(IDS), max_size=2).map(tuple), successor=st.sampled_from([b"", *IDS])),
    st.builds(Opening, title=st.just("事"), receiver=st.sampled_from([P, C, K]), role=st.integers(0, 4),
              due_day=st.integers(-5, 5)),
)  # fmt: skip


@st.composite
def garbage(draw: st.DrawFn) -> list[Fact]:
    """Facts no admission would let in: circles of answers, forks, foreign items, any kind, any author."""
    facts = []
    version = draw(st.sampled_from([1, 2, 2, 2, 3]))
    opening = [Kind.REGISTER, Kind.ASSIGN, Kind.ASSIGN] * 3
    for record_id in draw(st.lists(st.sampled_from(IDS), unique=True, max_size=12)):
        facts.append(Fact(  # noqa: PERF401
            record_id,
            draw(st.sampled_from([*sorted(KINDS), *opening, Kind.ERASE, 1500])),
            draw(st.sampled_from([P, C, C, K])),
            draw(st.integers(1, 2)),
            draw(st.integers(1, 4)),
            draw(st.sampled_from([LINE_POOL[0], *LINE_POOL])),
            draw(st.sampled_from([IDS[0]] * 6 + [IDS[1], b""])),
            version if record_id == IDS[0] else draw(st.sampled_from([0, 0, 0, 0, 1, 2, 3])),
            tuple(draw(st.lists(st.sampled_from(IDS), max_size=3))),
            draw(st.sampled_from([b"", b"", b"", *IDS[:4]])),
            draw(st.integers(0, 2**48)),
            draw(st.integers(0, 2**48)),
            draw(st.sampled_from(IDS[:2])),
            draw(st.integers(0, 2)),
            0,
            draw(PAYLOADS),
            draw(st.sampled_from(["ok", "ok", "ok", "erased", "malformed", "unknown"])),
        ))
    return facts


@settings(deadline=None, max_examples=250)
@given(garbage(), st.data())
def test_garbage_folds_the_same_in_any_order(facts: list[Fact], data: st.DataObject) -> None:
    state = fold(IDS[0], facts)
    assert set(state.effects) == {fact.record_id for fact in facts}
    assert set(state.effects.values()) <= {"applied", "waiting", "late", "invalid", "superseded", "unknown", "erased"}
    assert (state.state is None) == (not state.opened)
    again = fold(IDS[0], data.draw(st.permutations(facts)) + facts[:3])
    assert again == state
    assert digest(again) == digest(state)
    assert 0 <= state.percent <= 100
    assert light(state.state, state.due_day, date(2026, 1, 1)) in LIGHT_LABELS


@settings(deadline=None, max_examples=150)
@given(garbage())
def test_what_only_some_holders_have_is_not_in_the_digest(facts: list[Fact]) -> None:
    """Closure: leaving out the records off the item's line changes neither state nor digest."""
    state = fold(IDS[0], facts)
    if state.line is not None and any(fact.record_id == IDS[0] and not fact.reissue_of for fact in facts):
        held = [fact for fact in facts if fact.line == state.line]
        assert digest(fold(IDS[0], held)) == digest(state)
        assert fold(IDS[0], held)._replace(effects={}) == state._replace(effects={})


@settings(deadline=None, max_examples=150)
@given(histories(), st.data())
def test_forks_are_applied_beside_each_other(history: tuple[Item, Any], data: st.DataObject) -> None:
    """A second record under a number that is taken counts like any other, in any order of arrival (I5)."""
    item = history[0]
    for number in range(data.draw(st.integers(1, 3))):
        victim = data.draw(st.sampled_from(item.facts))
        item.add(victim._replace(
            record_id=a_hash("fork", victim.record_id, number), kind=int(Kind.PROGRESS), semantic_version=0,
            payload=Act(percent=3), re=tuple(fact.record_id for fact in item.facts[-3:]),
        ))
    state = item.state
    assert fold(item.item_id, data.draw(st.permutations(item.facts))) == state
    assert state.state is not None


@settings(deadline=None, max_examples=150)
@given(histories(LINES[1:3]), st.data())
def test_forks_that_tie_a_knot_fold(history: tuple[Item, Any], data: st.DataObject) -> None:
    """Two liars answer each other's later records from numbers that are taken: soft order has no way out."""
    item = history[0]
    middle = [item.fact(Kind.URGE, C, Act(), (), epoch=8) for _ in range(3)]
    below = [item.fact(Kind.PROGRESS, K, Act(percent=number), (), epoch=8) for number in range(3)]
    middle[0] = middle[0]._replace(re=(below[2].record_id,))
    below[0] = below[0]._replace(re=(middle[1].record_id,))
    item.facts += middle + below
    state = item.state
    assert "waiting" not in state.effects.values()
    assert fold(item.item_id, data.draw(st.permutations(item.facts))) == state
