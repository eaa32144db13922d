"""Re-issues in the fold, and what the digest is made of."""

import hashlib
from typing import Any

import pytest

from node.items import digest as digests
from node.items.digest import digest, digest_of_all
from node.items.fold import Counters, fold
from node.records.kinds import Kind
from node.records.payload import Attachment
from tests.property.fold_facts import DUE, C, Item, K, P, a_hash, reissue, signed

FILE = Attachment(a_hash("file"), bytes(32), 10, "报告.pdf")


def test_a_lost_tail_issued_again_counts_once() -> None:
    item = signed()
    item.act(Kind.FINAL, C)
    copies = [reissue(fact, seq=number) for number, fact in enumerate(item.facts[1:], 2)]
    whole, lost = fold(item.item_id, item.facts + copies), fold(item.item_id, item.facts[:1] + copies)
    assert digest(whole) == digest(lost) == digest(item.state)
    assert (whole.counters.submissions, whole.state) == (1, "submitted")
    assert lost.submission == item.facts[-1].record_id


@pytest.mark.parametrize("change", [
    {"author": P}, {"kind": Kind.REFUSE}, {"payload_hash": bytes(32)}, {"re": ()}, {"semantic_version": 2},
])  # fmt: skip
def test_a_reissue_that_differs_is_invalid(change: dict[str, Any]) -> None:
    item = signed()
    copy = item.add(reissue(item.facts[2])._replace(**change))
    assert item.effect(copy) == "invalid"
    assert item.effect(item.facts[2]) == "applied"
    assert (copy.record_id, "invalid") in item.state.declarations


def test_a_reissue_of_a_reissue_is_invalid() -> None:
    item = signed()
    first = item.add(reissue(item.facts[2]))
    assert item.effect(item.add(reissue(first, epoch=3))) == "invalid"


def test_nobody_pushes_out_another_by_claiming_a_lost_original() -> None:
    item = Item((P, C, K), C)
    sign = item.act(Kind.SIGN, K)
    item.facts[-1] = reissue(sign)
    liar = item.add(item.fact(Kind.URGE, C, item.act(Kind.URGE, C).payload, ())._replace(reissue_of=sign.record_id))
    final = item.act(Kind.FINAL, K, re=(item.item_id, sign.record_id))
    state = item.state
    assert [state.effects[fact.record_id] for fact in (item.facts[1], liar, final)] == ["applied"] * 3
    assert state.state == "submitted"


def test_an_opening_whose_original_is_lost_stands_under_its_id() -> None:
    item = signed()
    opening = reissue(item.facts[0])
    state = fold(item.item_id, [opening, *item.facts[1:]])
    assert (state.state, state.version, state.effects[opening.record_id]) == ("signed", item.item_id, "applied")
    assert digest(state) == digest(item.state)


def test_a_report_that_claims_to_be_the_lost_opening_opens_nothing_and_stops_nothing() -> None:
    item = signed()
    poison = item.fact(Kind.URGE, P, None, (), epoch=1)._replace(reissue_of=item.item_id, seq=1)
    item.facts[0] = reissue(item.facts[0])
    item.add(poison)
    assert (item.state.state, item.effect(poison)) == ("signed", "invalid")


def test_the_digest_is_these_bytes() -> None:
    item = signed(version=1)
    item.act(Kind.FINAL, C, attachments=(FILE,))
    effects = sorted((fact.record_id, b"applied") for fact in item.facts)
    fields = [b"1", item.item_id, b"4", *(part for pair in effects for part in pair), b"submitted", C.encode()]
    fields += [b"3", b"20000", b"0", b"0", b"0", b"0", b"1", b"1", FILE.hash]
    raw = b"dulian-item-1\0" + b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    assert digest(item.state) == hashlib.sha256(raw).digest()
    assert digest_of_all({item.item_id: digest(item.state)}) != digest(item.state)


def test_from_version_2_on_the_digest_has_what_runs_beside() -> None:
    item = signed()
    bare = digest(item.state)
    item.track(Kind.SLIP, P, colour="white", rule="r", due_day=DUE, entries=("标准",))
    state = item.state
    effects = sorted((fact.record_id, b"applied") for fact in item.facts)
    slip = [b"8", item.facts[-1].record_id, b"white", b"%d" % DUE, b"r", b"1", "标准".encode(), P.encode(), b"", b""]
    fields = [b"2", item.item_id, b"4", *(part for pair in effects for part in pair), b"signed", C.encode()]
    fields += [b"3", b"20000", b"0", b"0", b"0", b"0", b"0", b"0"]
    beside = digests.substance(state)[10:]
    assert beside[0] == b"%d" % len(state.tracks)
    assert b"".join(slip) in b"".join(beside)
    raw = b"dulian-item-1\0" + b"".join(len(field).to_bytes(4, "big") + field for field in fields + beside)
    assert digest(state) == hashlib.sha256(raw).digest() != bare


def test_the_digest_sees_every_side_track() -> None:
    state = signed().state
    seen = {digest(state)}
    for name, value in state.tracks._asdict().items():
        changed: Any = not value if isinstance(value, bool) else (
            value + 1 if isinstance(value, int) else bytes(32) if isinstance(value, bytes) else
            value._replace(request=bytes(32)) if name in ("approval", "extension") else (*value, bytes(32)))
        seen.add(digest(state._replace(tracks=state.tracks._replace(**{name: changed}))))
        # Nothing of it is in a digest of version 1.
        old = state._replace(semantic_version=1)
        assert digest(old._replace(tracks=state.tracks._replace(**{name: changed}))) == digest(old)
    assert len(seen) == len(state.tracks) + 1


def test_the_digest_sees_each_of_its_fields() -> None:
    item = signed()
    state = item.state
    variants = [
        state, state._replace(state="active"), state._replace(receiver=K), state._replace(role=1),
        state._replace(due_day=DUE + 1), state._replace(percent=1), state._replace(counters=Counters(urges=1)),
        state._replace(counters=Counters(returns=1)), state._replace(attachments=(FILE,)),
        state._replace(semantic_version=1), state._replace(item_id=bytes(32)), state._replace(declarations=()),
    ]  # fmt: skip
    assert len({digest(variant) for variant in variants}) == len(variants)
    assert digest(state._replace(children=(bytes(32),), updated_ms=1, opened_ms=1)) == digest(state)
