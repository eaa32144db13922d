"""A proof of a fork is foreign bytes: whatever it holds, it is read or refused, and proves nothing it should not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import PeerError
from node.records import payload as payloads
from node.records import proof as proofs
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act
from node.records.suite import Ed25519Sha256, Suites
from tests.vectors.make import CITY, FEDERATION, ROOT, Maker

SUITES = Suites([Ed25519Sha256()])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary().map(bytes.hex),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=12,
)  # fmt: skip


def made() -> dict:
    """Two records of the city under one number, and its certificates."""
    maker, other = Maker(), Maker()
    certificates = []
    for one in (maker, other):
        certificates = [one.certificate(ROOT, (ROOT,)), one.certificate(CITY, (ROOT, CITY))]
    line = Line((ROOT, CITY))
    sides = [
        one.add("", CITY, line, Kind.PROGRESS, payloads.encode(Act(text=text)), item=bytes(range(32)))
        for one, text in ((maker, "完成"), (other, "未完成"))
    ]
    proof = proofs.Proof(tuple(record.envelope for record in certificates), (sides[0].envelope, sides[1].envelope))
    document: dict = json.loads(proofs.to_json(proof, FEDERATION))
    return document


DOCUMENT = made()


def judge(document: object) -> proofs.Proved:
    return proofs.verify(proofs.from_json(json.dumps(document)), SUITES, FEDERATION)


def test_it_says_who_signed_both_and_where() -> None:
    proved = judge(DOCUMENT)
    assert (proved.header.author, proved.header.seq) == (CITY, 1)
    assert proved.record_ids[0] != proved.record_ids[1]


def test_it_reads_back_what_it_wrote() -> None:
    text = json.dumps(DOCUMENT)
    again = proofs.to_json(proofs.from_json(text), FEDERATION)
    assert json.loads(again) == DOCUMENT


@given(JSON)
def test_any_json_is_read_or_refused(document: object) -> None:
    with pytest.raises(PeerError):
        judge(document)


@given(st.sampled_from(["certificates", "records", "format"]), JSON)
def test_any_part_put_in_its_place_is_refused(part: str, value: object) -> None:
    if value != DOCUMENT[part]:
        with pytest.raises(PeerError):
            judge({**DOCUMENT, part: value})


@given(st.data())
def test_a_flipped_bit_is_noticed(data: st.DataObject) -> None:
    spoiled = json.loads(json.dumps(DOCUMENT))
    part = data.draw(st.sampled_from(["certificates", "records"]))
    one = data.draw(st.sampled_from(spoiled[part]))
    name = data.draw(st.sampled_from(sorted(one)))
    raw = bytearray.fromhex(one[name])
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    one[name] = raw.hex()
    with pytest.raises(PeerError):
        judge(spoiled)


def test_one_record_twice_is_no_fork() -> None:
    for records in ([DOCUMENT["records"][0]] * 2, DOCUMENT["records"][:1]):
        with pytest.raises(PeerError):
            judge({**DOCUMENT, "records": records})
