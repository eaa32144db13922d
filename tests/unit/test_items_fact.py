"""Facts from stored records."""

from node.items.fact import fact_of, item_id_of
from node.records import payload as payloads
from node.records.header import Header
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act, Opening
from tests.property.fold_facts import C, P, a_hash

ID, ITEM = a_hash("record"), a_hash("item")


def header(kind: int, item: bytes = ITEM, semantic_version: int = 0, reissue_of: bytes = b"") -> Header:
    return Header(bytes(32), C, 7, Line((P, C)), 3, a_hash("prev"), 11, 0, 12, kind, item, semantic_version, (ITEM,),
                  reissue_of, 4, 2, 1, bytes(32), 0, a_hash("payload"))


def test_a_record_belongs_to_the_item_it_names_opens_or_opens_again() -> None:
    assert item_id_of(ID, header(Kind.SIGN)) == ITEM
    assert item_id_of(ID, header(Kind.ASSIGN, b"", 1)) == ID
    assert item_id_of(ID, header(Kind.ASSIGN, b"", 1, ITEM)) == ITEM
    assert item_id_of(ID, header(Kind.EPOCH, b"")) == b""


def test_a_fact_carries_the_payload_or_why_there_is_none() -> None:
    act = Act(text="已签收")
    fact = fact_of(ID, header(Kind.SIGN), payloads.encode(act), 99)
    assert (fact.payload, fact.body, fact.received_ms, fact.claimed_ms) == (act, "ok", 99, 12)
    assert (fact.author, fact.epoch, fact.seq, fact.line, fact.item, fact.re) == (C, 7, 3, Line((P, C)), ITEM, (ITEM,))
    opening = Opening(title="一事", receiver=C, role=3)
    assert fact_of(ID, header(Kind.ASSIGN, b"", 1), payloads.encode(opening), 0).payload == opening
    for kind, raw, body in ((Kind.SIGN, None, "erased"), (Kind.SIGN, b"\xff", "malformed"), (1500, b"\xff", "unknown"),
                            (Kind.ASSIGN, b"", "malformed"), (Kind.EPOCH, b"", "unknown")):
        fact = fact_of(ID, header(kind), raw, 0)
        assert (fact.payload, fact.body) == (None, body)
