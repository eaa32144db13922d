"""Signed notes: each under its own prefix, under a certified key, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import PeerError
from node.records import limits, notes
from node.records.notes import Signed
from node.records.payload import KnownHead
from node.records.v1 import payloads_pb2
from tests.unit.sealed import FEDERATION, NOW_MS, TREE, C, K, P, keyring, signer

HEAD = KnownHead(bytes(32), 3, b"\1" * 32)
RECEIPT = notes.sign_receipt(signer(C), FEDERATION, notes.Receipt(C, P, NOW_MS, (HEAD,)))
MARK = notes.sign_mark(signer(C), FEDERATION, notes.Mark(C, 7, NOW_MS, (notes.MarkView(P, 2, bytes(32)),)))
CHANNEL = notes.sign_channel(signer(C), FEDERATION, notes.Channel(C, P, bytes(32), b"\2" * 32))
RENEWAL = notes.sign_renewal(signer(C), FEDERATION, notes.Renewal(C, b"spki", NOW_MS))
KINDS = [
    (RECEIPT, notes.open_receipt, notes.RECEIPT), (MARK, notes.open_mark, notes.MARK),
    (CHANNEL, notes.open_channel, notes.CHANNEL), (RENEWAL, notes.open_renewal, notes.RENEW),
]  # fmt: skip


def code_of(run, *args):
    with pytest.raises(PeerError) as caught:
        run(*args)
    return caught.value.code


def test_what_was_signed_is_read_back():
    known = keyring(*TREE)
    assert notes.open_receipt(known, RECEIPT) == notes.Receipt(C, P, NOW_MS, (HEAD,))
    assert notes.open_mark(known, MARK) == notes.Mark(C, 7, NOW_MS, (notes.MarkView(P, 2, bytes(32)),))
    assert notes.open_channel(known, CHANNEL) == notes.Channel(C, P, bytes(32), b"\2" * 32)
    assert notes.open_renewal(known, RENEWAL) == notes.Renewal(C, b"spki", NOW_MS)
    assert notes.from_message(notes.to_message(MARK)) == MARK


@pytest.mark.parametrize(("note", "read", "prefix"), KINDS)
def test_a_note_passes_for_no_other(note, read, prefix):
    known = keyring(*TREE)
    for _, _, other in KINDS:
        signed = note._replace(signature=signer(C).sign(other + note.body))
        if other == prefix:
            read(known, signed)
        else:
            assert code_of(read, known, signed) == "bad_signature"
    assert code_of(read, known, note._replace(signature=signer(P).sign(prefix + note.body))) == "bad_signature"
    assert code_of(read, known, note._replace(signature=b"")) == "bad_signature"


@pytest.mark.parametrize(("note", "read", "prefix"), KINDS)
def test_notes_of_strangers_are_refused(note, read, prefix):
    assert code_of(read, keyring((P, K)), note) == "unknown_key"
    body = note.body.replace(FEDERATION, b"\7" * 32)
    assert code_of(read, keyring(*TREE), Signed(body, signer(C).sign(prefix + body))) == "foreign_federation"


@pytest.mark.parametrize(("note", "read", "prefix"), KINDS)
def test_sizes_are_bounded(note, read, prefix):
    known = keyring(*TREE)
    assert code_of(read, known, note._replace(body=bytes(limits.NOTE_BYTES_MAX + 1))) == "too_large"
    assert code_of(read, known, note._replace(signature=bytes(limits.SIGNATURE_BYTES_MAX + 1))) == "too_large"


def signed(body, prefix):
    raw = body.SerializeToString()
    return Signed(raw, signer(C).sign(prefix + raw))


def a_body(message, **fields):
    key = keyring(*TREE).current(C)
    return message(federation=FEDERATION, suite=1, key_id=key.key_id, **fields)


@pytest.mark.parametrize(
    ("body", "prefix", "read"),
    [
        (a_body(payloads_pb2.MarkBody, office=C, number=2**64 - 1), notes.MARK, notes.open_mark),
        (a_body(payloads_pb2.MarkBody, office=C, at_ms=2**63), notes.MARK, notes.open_mark),
        (a_body(payloads_pb2.ReceiptBody, holder=C, at_ms=2**64 - 1), notes.RECEIPT, notes.open_receipt),
    ],
)
def test_numbers_that_no_column_holds_are_malformed(body, prefix, read):
    assert code_of(read, keyring(*TREE), signed(body, prefix)) == "malformed"


def test_lists_are_bounded():
    known = keyring(*TREE)
    head = payloads_pb2.KnownHead(log_id=bytes(32), seq=1, record_id=bytes(32))
    many = a_body(payloads_pb2.ReceiptBody, holder=C, heads=[head] * (limits.RECEIPT_HEADS_MAX + 1))
    assert code_of(notes.open_receipt, known, signed(many, notes.RECEIPT)) == "too_large"
    views = a_body(payloads_pb2.MarkBody, office=C, views=[{}] * (limits.PATH_CODES_MAX + 1))
    assert code_of(notes.open_mark, known, signed(views, notes.MARK)) == "too_large"


@given(st.binary(max_size=200), st.binary(max_size=80), st.sampled_from([read for _, read, _ in KINDS]))
def test_any_bytes_are_refused(body, signature, read):
    with pytest.raises(PeerError):
        read(keyring(*TREE), Signed(body, signature))
