"""Every bound of the header, from both sides; foreign bytes are accepted or refused, never anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import PeerError
from node.records import limits
from node.records.header import decode, encode, field_numbers
from node.records.line import Line, line_fault, log_id_of
from tests.unit.sealed import C, K, P, header

H = bytes(32)
GOOD = header(seq=2, prev=H, re=(H,), key_id=H, payload_hash=H)


def refusal_of(raw):
    with pytest.raises(PeerError) as caught:
        decode(raw)
    return caught.value.code


@pytest.mark.parametrize(
    "change",
    [
        {"federation": b""}, {"federation": bytes(31)}, {"federation": bytes(33)},
        {"author": ""}, {"author": "32050"}, {"author": "320583"}, {"author": "三二〇五〇〇"},
        {"line": Line(())}, {"line": Line((P, P, C))}, {"line": Line((P, "3205001"))}, {"line": Line((P, C, "x"))},
        {"line": Line((P, C + "\n"))}, {"line": Line((*(f"{n:06}" for n in range(12)), C))},
        {"epoch": 0}, {"epoch": limits.EPOCH_MAX + 1},
        {"seq": 0}, {"seq": limits.SEQ_MAX + 1}, {"seq": 1}, {"prev": b""}, {"prev": bytes(31)},
        {"hlc_ms": limits.TIME_MS_MAX + 1}, {"hlc_count": limits.HLC_COUNT_MAX + 1},
        {"claimed_ms": -1}, {"claimed_ms": limits.TIME_MS_MAX + 1},
        {"kind": 0}, {"kind": limits.KIND_MAX + 1},
        {"item": bytes(31)}, {"item": bytes(33)}, {"semantic_version": 1},
        {"item": b"", "semantic_version": limits.SEMANTIC_VERSION_MAX + 1},
        {"re": (H,) * (limits.RE_IDS_MAX + 1)}, {"re": (bytes(31),)}, {"re": (b"",)},
        {"reissue_of": bytes(31)},
        {"actor": limits.ACTOR_MAX + 1}, {"channel": limits.KIND_MAX + 1},
        {"suite": 0}, {"suite": limits.KIND_MAX + 1}, {"key_id": b""}, {"key_id": bytes(31)},
        {"payload_bytes": limits.PAYLOAD_BYTES_MAX + 1}, {"payload_hash": b""}, {"payload_hash": bytes(33)},
    ],
    ids=repr,
)  # fmt: skip
def test_beyond_a_bound_is_malformed(change):
    assert refusal_of(encode(GOOD._replace(**change))) == "malformed"


@pytest.mark.parametrize(
    "change",
    [
        {}, {"seq": 1, "prev": b""}, {"seq": limits.SEQ_MAX}, {"epoch": limits.EPOCH_MAX},
        {"hlc_ms": limits.TIME_MS_MAX}, {"hlc_count": limits.HLC_COUNT_MAX}, {"claimed_ms": 0},
        {"claimed_ms": limits.TIME_MS_MAX},
        {"kind": limits.KIND_MAX}, {"item": b""}, {"item": b"", "semantic_version": limits.SEMANTIC_VERSION_MAX},
        {"re": ()}, {"re": (H,) * limits.RE_IDS_MAX}, {"reissue_of": H}, {"actor": limits.ACTOR_MAX},
        {"channel": 0}, {"suite": limits.KIND_MAX}, {"payload_bytes": limits.PAYLOAD_BYTES_MAX},
        {"line": Line((P, C, K), subtree=True)}, {"line": Line((P, C, K + "101", "320583-fgw"))},
    ],
    ids=repr,
)  # fmt: skip
def test_up_to_a_bound_is_read_back(change):
    wanted = GOOD._replace(**change)
    assert decode(encode(wanted)) == wanted


def varint(value):
    raw = b""
    while True:
        raw += bytes([value & 0x7F | (0x80 if value > 0x7F else 0)])
        value >>= 7
        if not value:
            return raw


def field(number, wire_type, value):
    tag = varint(number << 3 | wire_type)
    return tag + (varint(value) if wire_type == 0 else varint(len(value)) + value)


@pytest.mark.parametrize("number", [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21])
def test_a_singular_field_given_twice_is_refused(number):
    again = {1: H, 2: C.encode(), 7: H, 12: H, 15: H, 19: H, 21: H}.get(number)
    raw = encode(GOOD._replace(semantic_version=1, item=b"") if number == 13 else GOOD)
    value = again if again is not None else {3: 7, 6: 2, 11: 17, 18: 1}.get(number, 1)
    extra = field(number, 2 if isinstance(value, bytes) else 0, value)
    once = refusal_or_header(raw + extra)
    assert once == "malformed" or number not in field_numbers(raw)
    assert refusal_of(raw + extra + extra) == "malformed"


def refusal_or_header(raw):
    try:
        return decode(raw)
    except PeerError as error:
        return error.code


@pytest.mark.parametrize("number", [4, 14])
def test_a_repeated_field_may_stand_in_pieces(number):
    value = K.encode() if number == 4 else H
    read = decode(encode(GOOD) + field(number, 2, value))
    assert read.line.path == (P, C, K) if number == 4 else len(read.re) == 2


def test_unknown_fields_are_kept_and_do_not_disturb():
    raw = encode(GOOD) + field(31, 0, 5) + field(99, 2, "将来".encode()) + field(31, 0, 6)
    assert decode(raw) == GOOD
    assert field_numbers(raw)[-3:] == [31, 99, 31]


@pytest.mark.parametrize(
    ("number", "value"),
    [(3, 2**64 + 7), (5, 2), (6, 2**64 + 1), (8, 2**64), (9, 2**32), (11, 2**32 + 17), (13, 2**32), (16, 2**64),
     (17, 2**32), (18, 2**32 + 1), (20, 2**32)],
)  # fmt: skip
def test_a_number_wider_than_its_type_is_refused_not_cut(number, value):
    """A protobuf reader cuts it and another reader does not: the same signed bytes would say two things."""
    raw = b"".join(raw_field for at, raw_field in pieces(encode(GOOD)) if at != number) + field(number, 0, value)
    assert refusal_of(raw) == "malformed"


@pytest.mark.parametrize(
    ("number", "wire_type", "value"),
    [(5, 2, H), (9, 2, b"1"), (16, 2, b""), (12, 0, 1), (14, 0, 1), (4, 0, 1), (15, 0, 0)],
)  # fmt: skip
def test_a_known_field_in_another_shape_is_no_unknown_field(number, wire_type, value):
    assert refusal_of(encode(GOOD) + field(number, wire_type, value)) == "malformed"


def pieces(raw):
    """Each field of a message with its bytes."""
    at = 0
    while at < len(raw):
        start, read = at, []
        for _ in range(2):    # the tag, then the number or the length
            value = shift = 0
            while True:
                byte = raw[at]
                value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
                if byte < 0x80:
                    break
            read.append(value)
        at += read[1] if read[0] & 7 == 2 else 0
        yield read[0] >> 3, raw[start:at]


def test_another_order_of_fields_is_another_encoding_of_the_same_words():
    raw = field(21, 2, H) + encode(GOOD._replace(payload_hash=b""))
    assert raw != encode(GOOD)
    assert decode(raw) == GOOD


@pytest.mark.parametrize("raw", [b"\x0b", b"\x0c", b"\x0e\x01", b"\x80" * 11, b"\x0a\xff", b"\x09\x01", b"\x0d\x01"])
def test_shapes_that_are_no_message(raw):
    assert refusal_of(raw) == "malformed"
    with pytest.raises(PeerError):
        field_numbers(raw + b"\x0a\xff")


@given(st.binary(max_size=300))
def test_any_bytes_are_accepted_or_refused(raw):
    read = refusal_or_header(raw)
    assert read in ("malformed", "too_large") or decode(raw) == read


@given(st.data())
def test_a_good_header_broken_anywhere_is_accepted_or_refused(data):
    raw = bytearray(encode(GOOD))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    for piece in (bytes(raw), cut, bytes(raw) + cut):
        read = refusal_or_header(piece)
        assert isinstance(read, tuple) or read in ("malformed", "too_large")


PATHS = st.lists(st.sampled_from([P, C, K, "320583101"]), min_size=1, max_size=3).map(tuple)


@given(PATHS, PATHS, st.booleans(), st.booleans())
def test_logs_have_different_ids_exactly_when_they_differ(one, other, one_subtree, other_subtree):
    first = header(one[0], Line(one, one_subtree)).log_key
    second = header(other[0], Line(other, other_subtree)).log_key
    assert (log_id_of(first) == log_id_of(second)) == (first == second)


LINES = [
    # line, subtree, office's ancestry, may it know?
    ((P, C), False, (P,), True), ((P, C), False, (P, C), True), ((P, C), False, (P, C, K), False),
    ((P, C), True, (P, C, K), True), ((P, C), True, (P, "320200"), False), ((C, K), False, (P,), False),
    ((C, K), False, (P, C), True), ((K,), False, (P, C), False), ((P, C, K), False, (P, "320200"), False),
    ((C,), True, (P, C, K, "320583101"), True), ((C,), True, (P,), False), ((P,), True, (P,), True),
    ((P, C, K), False, (P, C), True), ((P, "320200", K), False, (P, C, K), False),
]  # fmt: skip


@pytest.mark.parametrize(("path", "subtree", "office", "may"), LINES)
def test_who_may_know(path, subtree, office, may):
    assert Line(path, subtree).includes(office) is may
    lower = (*office[:-1], office[-1])
    crosses = len(lower) > 1 and Line(path, subtree).crosses(lower[:-1], lower[-1])
    assert crosses == (len(office) > 1 and may and Line(path, subtree).includes(office[:-1]))


def test_the_author_stands_on_its_line():
    assert line_fault(C, Line((P, C))) == ""
    assert line_fault(K, Line((P, C), subtree=True))
