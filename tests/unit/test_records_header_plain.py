"""The short way of reading a header accepts nothing that the long way refuses, and reads the same from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import PeerError
from node.records import header as headers
from node.records.header import Header, decode, encode
from node.records.line import Line

PIECES = [b"\x30\x02", b"\x0a\x20" + bytes(32), b"\x80", b"\x00", b"\xf8\x01\x07"]
IDS = st.binary(min_size=32, max_size=32)
LINES = st.sampled_from([
    Line(("320000",)), Line(("320000", "320500", "320583"), subtree=True), Line(("320000", "320500-fgw", "320583100")),
    Line(tuple(f"32{number:04d}" for number in range(12))),
])  # fmt: skip


@st.composite
def a_header(draw: st.DrawFn) -> Header:
    line = draw(LINES)
    seq = draw(st.sampled_from([1, 2, 47, 48, 58, 127, 128, 300, 2**28 - 1, 2**28, 2**32 - 1]))
    opens = draw(st.booleans())
    return Header(
        draw(IDS), draw(st.sampled_from(line.path)), draw(st.sampled_from([1, 77, 2**32, 2**62])), line, seq,
        b"" if seq == 1 else draw(IDS), draw(st.sampled_from([0, 1, 1_790_000_000_000, 2**42, 2**48])),
        draw(st.sampled_from([0, 1, 2**31 - 1])), draw(st.sampled_from([0, 48, 1_790_000_000_000, 2**48])),
        draw(st.sampled_from([1, 10, 114, 300, 16_383, 16_384, 65_535])),
        b"" if opens else draw(IDS), draw(st.sampled_from([1, 127, 128, 65_535])) if opens else 0,
        tuple(draw(st.lists(IDS, max_size=3))), draw(st.sampled_from([b"", bytes(32)])),
        draw(st.sampled_from([0, 1, 2**49, 2**53 - 1])), draw(st.sampled_from([0, 2, 200, 65_535])),
        draw(st.sampled_from([1, 2, 200, 65_535])), draw(IDS),
        draw(st.sampled_from([0, 5, 300, 70_000, 262_143, 262_144])), draw(IDS),
    )  # fmt: skip


def outcome(read, raw: bytes) -> Header | str:
    try:
        return read(raw)
    except PeerError as error:
        return error.code


@given(a_header())
def test_what_was_encoded_is_read_back(header: Header) -> None:
    assert decode(encode(header)) == header
    assert type(decode(encode(header))) is Header


@given(a_header(), st.data())
def test_changed_bytes_are_judged_alike(header: Header, data: st.DataObject) -> None:
    raw = bytearray(encode(header))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        how = data.draw(st.sampled_from(["flip", "cut", "put", "twice"]))
        if how == "flip":
            raw[at] ^= data.draw(st.integers(1, 255))
        elif how == "cut":
            del raw[at : at + data.draw(st.integers(1, 40))]
        elif how == "put":
            raw[at:at] = data.draw(st.sampled_from(PIECES))
        else:
            raw += raw[at : at + data.draw(st.integers(1, 40))]
        if not raw:
            break
    assert outcome(decode, bytes(raw)) == outcome(headers._decode_any, bytes(raw))


@given(a_header(), st.sampled_from([(6, b"\x30\x05"), (8, b"\x40\x05"), (11, b"\x58\x01"), (18, b"\x90\x01\x01")]))
def test_a_field_given_twice_is_refused(header: Header, again: tuple[int, bytes]) -> None:
    number, field = again
    # A value in front: the last one counts, so that only the repetition is wrong.
    header = header._replace(seq=header.seq + (header.seq == 1), prev=bytes(32), hlc_ms=1)
    with pytest.raises(PeerError) as caught:
        decode(field + encode(header))
    assert caught.value.code == "malformed"
    assert caught.value.detail == f"field {number} twice"
