"""A fold that goes on is the fold: whatever arrives in whatever order, state, effects and digest are those of all."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from node.items.digest import digest
from node.items.fact import Fact
from node.items.fold import fold
from node.items.marks import tally_of
from node.records.kinds import Kind
from node.records.payload import Act, Attachment
from node.services.board.kept_items import KeptItem
from tests.property.fold_facts import C, Item, K, P, a_hash, fitting, reissue, signed, writable
from tests.property.test_fold import IDS, garbage, histories


def arrive(item_id: bytes, batches: list[list[Fact]]) -> int:
    """Let facts come in; each time the state must be that of the whole fold. Returns how often it went on."""
    kept, held, went_on = KeptItem(1, []), list[Fact](), 0
    for batch in batches:
        held += batch
        before = kept.growing
        state = kept.fold(item_id, batch)
        went_on += before is kept.growing
        whole = fold(item_id, held)
        assert state == whole == kept.state
        assert digest(state) == digest(whole)
        assert kept.tally == tally_of(whole, held)
        assert kept.facts == held
    return went_on


def batches_of(data: st.DataObject, facts: list[Fact]) -> list[list[Fact]]:
    batches, rest = [], list(facts)
    while rest:
        size = data.draw(st.sampled_from([1, 1, 1, 2, 5]))
        batches.append(rest[:size])
        rest = rest[size:]
    return batches


@settings(deadline=None, max_examples=300)
@given(histories(), st.data())
def test_as_written_and_in_any_order_of_arrival(history: tuple[Item, Any], data: st.DataObject) -> None:
    item = history[0]
    arrive(item.item_id, batches_of(data, item.facts))
    arrive(item.item_id, batches_of(data, data.draw(st.permutations(item.facts))))


@settings(deadline=None, max_examples=200)
@given(histories(), st.data())
def test_with_copies_forks_strangers_and_what_was_erased(history: tuple[Item, Any], data: st.DataObject) -> None:
    item = history[0]
    facts: list[Fact] = []
    for number, fact in enumerate(item.facts):
        facts.append(fact._replace(payload=None, body="erased") if data.draw(st.integers(0, 5)) == 0 else fact)
        match data.draw(st.integers(0, 14)):
            case 0:
                facts.append(reissue(fact, seq=50 + number))
            case 1:
                facts.append(fact)
            case 2:
                fork = a_hash("fork", number)
                facts.append(fact._replace(record_id=fork, payload=Act(percent=3), semantic_version=0))
            case 3:
                facts.append(item.fact(Kind.URGE, data.draw(st.sampled_from(["999999", P, C, K])), Act(), (), epoch=7))
            case 4:
                facts.append(item.fact(Kind.PROGRESS, K, Act(), (a_hash("absent"),), epoch=8))
    arrive(item.item_id, batches_of(data, facts))


@settings(deadline=None, max_examples=300)
@given(garbage(), st.data())
def test_garbage(facts: list[Fact], data: st.DataObject) -> None:
    facts = sorted(facts, key=lambda fact: fact.record_id != IDS[0]) if data.draw(st.booleans()) else facts
    arrive(IDS[0], batches_of(data, facts))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_who_has_seen_all_goes_on(data: st.DataObject) -> None:
    """The usual case: each act is written where all before is known; none folds whole."""
    item = signed((P, C, K))
    for number in range(data.draw(st.integers(1, 25))):
        office = data.draw(st.sampled_from([P, C, K]))
        kinds = writable(item.state, office)
        if kinds:
            kind = data.draw(st.sampled_from(kinds))
            fields = fitting(item.state, kind, office, number)
            if kind == Kind.FINAL:
                fields["attachments"] = (Attachment(a_hash("file", number), bytes(32), 1, "a.pdf"),)
            item.act(kind, office, **fields)
    assert arrive(item.item_id, [[fact] for fact in item.facts]) == len(item.facts) - 1
    assert arrive(item.item_id, [item.facts[:3], item.facts[3:]]) == 1
