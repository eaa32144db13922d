"""Which key speaks for whom: from the pinned root down, parent by parent."""

import pytest

from node.errors import PeerError
from node.records.envelope import Envelope, open_envelope, seal
from node.records.keyring import Keyring
from node.records.kinds import Kind
from node.records.line import Line, parent_by_code
from node.records.suite import Ed25519Sha256
from tests.unit.sealed import (
    FEDERATION,
    OTHER,
    SUITES,
    TREE,
    C,
    K,
    P,
    certificate,
    chain_of,
    header,
    keyring,
    signer,
)


def code_of(run, *args):
    with pytest.raises(PeerError) as caught:
        run(*args)
    return caught.value.code


def test_a_chain_of_certificates_is_learned_from_the_root_down():
    known = keyring(*TREE)
    assert [key.code for key in known.chain(K)] == [P, C, K]
    assert known.current(K).path == (P, C, K)
    assert known.children(P) == [OTHER, C]
    assert known.children(C) == [K]
    assert known.chain("999999") == []
    assert known.key(known.current(C).key_id, C) == known.current(C)
    assert known.key(known.current(C).key_id, K) is None
    assert set(known.offices()) == {P, C, K, OTHER}


def test_a_certificate_before_its_issuers_is_refused_and_taken_afterwards():
    known = keyring()
    record = certificate((P, C, K))
    assert code_of(known.learn, record) == "unknown_key"
    known.learn(certificate((P, C)))
    assert known.learn(record).path == (P, C, K)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (certificate((OTHER,)), "bad_certificate"),  # another root
        (certificate((P, C), issuer=OTHER, line=Line((P, OTHER), subtree=True)), "bad_certificate"),  # not the parent
        (certificate((P, C), line=Line((P, C), subtree=True)), "bad_certificate"),  # on another line
        (certificate((P, C), line=Line((P,))), "bad_certificate"),  # not for all below
        (certificate((P, C), possession=bytes(64)), "bad_certificate"),
        (certificate((P, C), key=signer("somebody"), raw_key=signer(C).raw_key), "bad_certificate"),
        (certificate((P, C), suite=9), "unknown_suite"),
        (certificate((P, C), raw_key=bytes(32)), "bad_key"),
        (certificate((P, C), raw_key=b"\1" + bytes(31)), "bad_key"),
        (certificate((P, C), raw_key=signer(C).raw_key[:31]), "bad_key"),
    ],
)
def test_certificates_that_do_not_hold(record, reason):
    assert code_of(keyring().learn, record) == reason


def test_paths_that_name_a_code_twice_or_wrongly_are_refused():
    for path in ((P, "32050"), (P, C, P)):
        assert code_of(keyring((P, C)).learn, certificate(path)) == "bad_certificate"


def test_only_certificates_are_learned_and_only_with_their_payload():
    known = keyring()
    assert code_of(known.learn, chain_of(1)[0]) == "bad_certificate"
    record = certificate((P, C))
    bare = Envelope(record.envelope.header, record.envelope.signature, None, None)
    assert code_of(known.learn, open_envelope(SUITES, bare)) == "bad_certificate"


def test_a_certificate_of_another_federation_is_foreign():
    said = certificate((P, C)).envelope.payload or b""
    draft = header(P, Line((P,), subtree=True), kind=int(Kind.CERTIFICATE), item=b"", federation=bytes(32))
    assert code_of(keyring().learn, seal(signer(P), draft, bytes(32), said)) == "foreign_federation"


def test_a_certificate_altered_after_signing_is_refused():
    record = certificate((P, C))
    broken = record._replace(envelope=record.envelope._replace(signature=bytes(64)))
    assert code_of(keyring().learn, broken) == "bad_signature"


@pytest.mark.parametrize(
    ("author", "line", "reason"),
    [
        (C, Line((P, C)), ""),
        (C, Line((P, C, K)), ""),
        (C, Line((C, K)), ""),
        (C, Line((C,)), ""),
        (C, Line((P, C), subtree=True), ""),
        (K, Line((P, C, K)), ""),
        (K, Line((C, K)), ""),
        (K, Line((OTHER, K)), "wrong_path"),
        (K, Line((P, K)), "wrong_path"),
        (K, Line((P, OTHER, K)), "wrong_path"),
        (C, Line((OTHER, C)), "wrong_path"),
        (C, Line((C, K, OTHER)), ""),  # below the author the line is the author's word
    ],
)
def test_the_line_down_to_the_author_must_be_the_certified_path(author, line, reason):
    known = keyring(*TREE)
    record = chain_of(1, author, line)[0]
    if reason:
        assert code_of(known.authorise, record.header) == reason
    else:
        assert known.authorise(record.header).code == author


def test_a_key_speaks_for_its_own_office_and_federation_only():
    known = keyring(*TREE)
    good = chain_of(1)[0].header
    assert code_of(known.authorise, good._replace(author=P)) == "wrong_path"
    assert code_of(known.authorise, good._replace(suite=2)) == "wrong_path"
    assert code_of(known.authorise, good._replace(key_id=bytes(32))) == "unknown_key"
    assert code_of(known.authorise, good._replace(federation=bytes(32))) == "foreign_federation"


def test_who_certifies_anothers_office_as_its_own_child_diverts_nothing():
    thief = certificate((P, C, OTHER), key=signer("thief"))
    for first_thief in (True, False):
        known = Keyring(SUITES, FEDERATION)
        known.learn(certificate((P,)))
        known.learn(certificate((P, C)))
        for record in (thief, certificate((P, OTHER)))[:: 1 if first_thief else -1]:
            known.learn(record)
        assert known.current(OTHER).path == (P, OTHER)
        assert known.contested == {OTHER: (P, C)}
        # Both keys are good for records under their own paths.
        assert known.authorise(chain_of(1, OTHER, Line((P, OTHER)))[0].header).path == (P, OTHER)


def test_of_two_equal_places_the_one_that_the_code_names_counts():
    county, thief = (P, C, K), (P, OTHER, K)
    for order in ((county, thief), (thief, county)):
        known = keyring((P, C), (P, OTHER))
        for path in order:
            known.learn(certificate(path, key=signer("/".join(path))))
        assert known.current(K).path == county


@pytest.mark.parametrize(
    ("code", "parent"),
    [("320000", ""), ("000000", ""), ("320500", "320000"), ("320583", "320500"), ("320583101", "320583"),
     ("320500-fgw", "320500")],
)  # fmt: skip
def test_the_parent_that_a_code_names(code, parent):
    assert parent_by_code(code) == parent


SMALL_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # y >= p: not canonical
]


@pytest.mark.parametrize("raw", SMALL_ORDER)
def test_keys_of_small_order_and_not_canonical_ones_are_refused(raw):
    assert code_of(Ed25519Sha256().check_key, bytes.fromhex(raw)) == "bad_key"


def test_a_signature_of_the_wrong_length_does_not_hold():
    verify = Ed25519Sha256().verifier(signer(P).raw_key)
    good = signer(P).sign(b"m")
    assert verify(good, b"m")
    assert not verify(good[:63], b"m")
    assert not verify(good + b"\0", b"m")
    assert not verify(bytes(64), b"m")
    assert not verify(good, b"n")


def test_unknown_suites_are_refused():
    assert code_of(SUITES.get, 0) == "unknown_suite"
    assert code_of(SUITES.get, 65_000) == "unknown_suite"
