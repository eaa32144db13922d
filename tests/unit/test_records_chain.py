"""Chains and what one signature vouches for; envelopes and what they refuse."""

import pytest

from node.errors import PeerError
from node.records import limits
from node.records.chain import check_links, check_run, check_signature
from node.records.envelope import Envelope, from_message, open_envelope, record_id_of, seal, to_message
from node.records.kinds import EVIDENCE_KINDS, Kind
from node.records.suite import Ed25519Sha256
from tests.unit.sealed import SUITES, C, P, chain_of, header, signer


def code_of(run, *args):
    with pytest.raises(PeerError) as caught:
        run(*args)
    return caught.value.code


class Counted:
    """A verifier that counts."""

    def __init__(self, office):
        self.count = 0
        self._verify = Ed25519Sha256().verifier(signer(office).raw_key)

    def __call__(self, signature, message):
        self.count += 1
        return self._verify(signature, message)


def test_one_signature_vouches_for_a_run():
    run, verify = chain_of(20), Counted(C)
    check_run(run, 0, b"", verify)
    assert verify.count == 1
    check_run(run[5:], 5, run[4].record_id, verify)
    assert verify.count == 2
    check_run([], 3, bytes(32), verify)
    assert verify.count == 2


def test_evidence_kinds_are_checked_one_by_one():
    for kind in (Kind.CERTIFICATE, Kind.EPOCH, Kind.WITNESS):
        assert kind in EVIDENCE_KINDS
        run, verify = chain_of(4, kind=int(kind), item=b""), Counted(C)
        check_run(run, 0, b"", verify)
        assert verify.count == 4


def test_a_forged_evidence_record_is_not_vouched_for():
    run = chain_of(1, kind=int(Kind.EPOCH), item=b"")
    forged = seal(signer("somebody"), run[0].header, bytes(32), b"")
    second = seal(signer(C), header(seq=2, prev=forged.record_id), bytes(32), b"")
    # The author itself signed over the forged record's id; still the forged one counts only with its own signature.
    assert code_of(check_run, [forged, second], 0, b"", Counted(C)) == "bad_signature"


@pytest.mark.parametrize(
    ("held_seq", "held_id", "start", "reason"),
    [(0, b"", 1, "gap"), (2, None, 4, "gap"), (2, bytes(32), 2, "wrong_prev"), (3, None, 2, "gap")],
)
def test_runs_that_do_not_continue(held_seq, held_id, start, reason):
    run = chain_of(6)
    held = run[min(held_seq, 6) - 1].record_id if held_id is None else held_id
    assert code_of(check_links, run[start:], held_seq, held) == reason


def test_every_byte_before_the_last_signature_is_fixed_by_it():
    run = chain_of(5)
    for index in range(4):
        envelope = run[index].envelope
        for changed in (
            envelope._replace(signature=envelope.signature[:-1] + bytes([envelope.signature[-1] ^ 1])),
            envelope._replace(header=envelope.header + b"\xf8\x01\x01"),  # a field of a later release
        ):
            record = open_envelope(SUITES, changed)
            broken = [*run[:index], record, *run[index + 1 :]]
            assert code_of(check_run, broken, 0, b"", Counted(C)) in {"wrong_prev", "gap"}


def test_the_last_signature_must_hold():
    run = chain_of(3)
    last = run[-1]._replace(envelope=run[-1].envelope._replace(signature=bytes(64)))
    assert code_of(check_run, [*run[:-1], last], 0, b"", Counted(C)) == "bad_signature"
    assert code_of(check_run, run, 0, b"", Counted(P)) == "bad_signature"
    check_signature(run[-1], Counted(C))


def test_what_is_sealed_is_opened_the_same_also_over_the_wire():
    record = chain_of(1)[0]
    assert open_envelope(SUITES, record.envelope) == record
    assert from_message(to_message(record.envelope)) == record.envelope
    bare = Envelope(record.envelope.header, record.envelope.signature, None, None)
    assert from_message(to_message(bare)) == bare
    assert open_envelope(SUITES, bare).record_id == record.record_id


def test_the_id_covers_header_and_signature_each_with_its_length():
    suite = Ed25519Sha256()
    assert record_id_of(suite, b"ab", b"c") != record_id_of(suite, b"a", b"bc")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"payload": b"other"}, "payload_mismatch"),
        ({"salt": bytes(31)}, "payload_mismatch"),
        ({"salt": b"\xff" * 32}, "payload_mismatch"),
        ({"salt": None}, "payload_mismatch"),
        ({"signature": b""}, "malformed"),
        ({"signature": bytes(limits.SIGNATURE_BYTES_MAX + 1)}, "malformed"),
        ({"header": b""}, "malformed"),
        ({"header": bytes(limits.HEADER_BYTES_MAX + 1)}, "too_large"),
    ],
)
def test_envelopes_that_are_refused(change, reason):
    envelope = chain_of(1)[0].envelope._replace(**change)
    assert code_of(open_envelope, SUITES, envelope) == reason


def test_an_unknown_suite_is_refused():
    from node.records.header import encode

    raw = encode(header(suite=2, payload_hash=bytes(32)))
    assert code_of(open_envelope, SUITES, Envelope(raw, b"x", bytes(32), b"")) == "unknown_suite"
