"""Frames as bytes: what goes in comes out, and hostile bytes are accepted or refused, never anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import LocalError, PeerError
from node.records.envelope import Envelope
from node.records.notes import Signed
from node.records.payload import KnownHead
from node.sync import frames
from node.sync.limits import DEFAULT_LIMITS
from node.wire import codec
from node.wire.v1 import sync_pb2

HASH = st.binary(min_size=32, max_size=32)
HASH_OR_NONE = st.one_of(st.just(b""), HASH)
BYTES = st.binary(max_size=200)
NOTE = st.builds(Signed, BYTES, BYTES)
U32, I63 = st.integers(0, 2**32 - 1), st.integers(0, 2**63 - 1)
TIME = st.integers(0, 2**48)
HEAD = st.one_of(
    st.builds(KnownHead, HASH, st.integers(1, 2**32 - 1), HASH), st.builds(KnownHead, HASH, st.just(0), st.just(b""))
)
NO_HEAD = st.just(KnownHead(b"", 0, b""))
ENVELOPE = st.one_of(
    st.builds(Envelope, BYTES, BYTES, HASH, BYTES), st.builds(Envelope, BYTES, BYTES, st.none(), st.none())
)
ENVELOPES = st.lists(ENVELOPE, max_size=12).map(tuple)
REASON = st.text(max_size=64)
OFFSET = st.integers(0, 2 * 1024**3)

FRAMES = st.one_of(
    st.builds(frames.Hello, U32, U32, HASH, st.text(max_size=26), HASH_OR_NONE, NOTE, HASH, HASH, I63, HASH_OR_NONE,
              TIME, U32, st.text(max_size=100)),
    st.builds(frames.Buckets, st.just(2), st.lists(st.binary(min_size=16, max_size=16), min_size=4, max_size=4)
              .map(tuple)),
    st.builds(frames.Heads, st.just(8), st.lists(st.integers(0, 255), max_size=9).map(tuple),
              st.lists(HEAD, max_size=9).map(tuple)),
    st.builds(frames.Batch, ENVELOPES),
    st.builds(frames.ReceiptFrame, NOTE),
    st.builds(frames.Refusal, HASH, I63, REASON, st.one_of(HEAD, NO_HEAD), U32),
    st.builds(frames.Ping, st.integers(0, 2**64 - 1)),
    st.builds(frames.Pong, st.integers(0, 2**64 - 1), TIME),
    st.builds(frames.Marks, st.lists(NOTE, max_size=9).map(tuple)),
    st.builds(frames.BlobRequest, HASH, OFFSET, U32),
    st.builds(frames.BlobChunk, HASH, OFFSET, BYTES, st.booleans()),
    st.builds(frames.Goodbye, REASON),
    st.just(frames.ChainRequest()),
    st.builds(frames.Chain, ENVELOPES),
    st.builds(frames.RangeRequest, HASH, st.integers(1, 9), st.integers(9, 2**32 - 1)),
    st.builds(frames.Range, HASH, st.integers(0, 2**32 - 1), ENVELOPES),
    st.builds(frames.Reconcile, st.integers(0, 64), st.just(bytes(16)), HASH_OR_NONE, HASH_OR_NONE, I63,
              st.lists(st.binary(min_size=16, max_size=16), max_size=9).map(tuple),
              st.lists(st.integers(0, 255), max_size=9).map(tuple),
              st.lists(st.tuples(HASH, HASH), max_size=9).map(tuple), BYTES, REASON),
)  # fmt: skip

EVERY_KIND = {
    frames.Hello, frames.Buckets, frames.Heads, frames.Batch, frames.ReceiptFrame, frames.Refusal, frames.Ping,
    frames.Pong, frames.Marks, frames.BlobRequest, frames.BlobChunk, frames.Goodbye, frames.ChainRequest, frames.Chain,
    frames.RangeRequest, frames.Range, frames.Reconcile,
}  # fmt: skip


def accepted_or_refused(raw: bytes) -> frames.Frame | None:
    try:
        frame = codec.decode(raw)
    except PeerError as error:
        if error.code not in {"malformed", "too_large"}:
            raise
        return None
    assert type(frame) in EVERY_KIND
    return frame


@given(FRAMES)
def test_what_is_encoded_is_decoded(frame):
    assert codec.decode(codec.encode(frame)) == frame


@given(FRAMES, st.data())
def test_frames_broken_anywhere_are_accepted_or_refused(frame, data):
    raw = bytearray(codec.encode(frame))
    for _ in range(data.draw(st.integers(1, 4))):
        if raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    accepted_or_refused(bytes(raw))
    accepted_or_refused(bytes(raw[: data.draw(st.integers(0, len(raw)))]))


@given(st.binary(max_size=400))
def test_any_bytes_are_accepted_or_refused(raw):
    frame = accepted_or_refused(raw)
    if frame is not None:
        assert codec.decode(codec.encode(frame)) == frame


def refusal_of(message: sync_pb2.Frame) -> PeerError:
    with pytest.raises(PeerError) as caught:
        codec.decode(message.SerializeToString())
    return caught.value


def test_every_kind_of_the_protocol_is_known_both_ways():
    kinds = {field.name for field in sync_pb2.Frame.DESCRIPTOR.oneofs_by_name["body"].fields}
    assert kinds == set(codec._DECODERS)
    assert set(codec._ENCODERS) == EVERY_KIND


@pytest.mark.parametrize("raw", [b"", b"\xfa\x7f\x00"])
def test_a_frame_of_an_unknown_kind_is_malformed(raw):
    with pytest.raises(PeerError) as caught:
        codec.decode(raw)
    assert caught.value.code == "malformed"


def test_a_frame_larger_than_the_limit_is_refused_unread():
    with pytest.raises(PeerError) as caught:
        codec.decode(bytes(DEFAULT_LIMITS.frame_bytes_max + 1))
    assert caught.value.code == "too_large"
    assert len(caught.value.evidence) <= 256


def test_a_frame_we_made_too_large_is_our_own_fault():
    chunk = frames.BlobChunk(bytes(32), 0, bytes(1000), missing=False)
    with pytest.raises(LocalError):
        codec.encode(chunk, DEFAULT_LIMITS._replace(frame_bytes_max=1000))


def test_lists_are_counted_before_they_are_read():
    too_many = sync_pb2.Batch(records=[{}] * (DEFAULT_LIMITS.batch_records_max + 1))
    assert refusal_of(sync_pb2.Frame(batch=too_many)).code == "too_large"
    marks = sync_pb2.Marks(marks=[{}] * (DEFAULT_LIMITS.marks_per_frame_max + 1))
    assert refusal_of(sync_pb2.Frame(marks=marks)).code == "too_large"
    chain = sync_pb2.Chain(certificates=[{}] * (DEFAULT_LIMITS.chain_length_max + 1))
    assert refusal_of(sync_pb2.Frame(chain=chain)).code == "too_large"
    complete = sync_pb2.Heads(bits=8, complete=[1] * 257)
    assert refusal_of(sync_pb2.Frame(heads=complete)).code == "too_large"
    chunk = sync_pb2.BlobChunk(hash=bytes(32), data=bytes(DEFAULT_LIMITS.blob_chunk_bytes + 1))
    assert refusal_of(sync_pb2.Frame(blob_chunk=chunk)).code == "too_large"


@pytest.mark.parametrize(
    "message",
    [
        sync_pb2.Frame(buckets=sync_pb2.Buckets(bits=40)),
        sync_pb2.Frame(buckets=sync_pb2.Buckets(bits=1, digests=[bytes(16)])),
        sync_pb2.Frame(buckets=sync_pb2.Buckets(bits=0, digests=[bytes(15)])),
        sync_pb2.Frame(heads=sync_pb2.Heads(heads=[sync_pb2.Head(log_id=b"short", seq=1, record_id=bytes(32))])),
        sync_pb2.Frame(heads=sync_pb2.Heads(heads=[sync_pb2.Head(log_id=bytes(32), seq=2**63, record_id=bytes(32))])),
        sync_pb2.Frame(heads=sync_pb2.Heads(heads=[sync_pb2.Head(log_id=bytes(32), seq=1)])),
        sync_pb2.Frame(hello=sync_pb2.Hello(office="3" * 27)),
        sync_pb2.Frame(hello=sync_pb2.Hello(federation=b"x")),
        sync_pb2.Frame(hello=sync_pb2.Hello(now_ms=2**60)),
        sync_pb2.Frame(hello=sync_pb2.Hello(logs=2**63)),
        sync_pb2.Frame(refusal=sync_pb2.Refusal(reason="gap")),
        sync_pb2.Frame(refusal=sync_pb2.Refusal(log_id=bytes(32), held=sync_pb2.Head(seq=4))),
        sync_pb2.Frame(refusal=sync_pb2.Refusal(log_id=bytes(32), reason="r" * 201)),
        sync_pb2.Frame(blob_request=sync_pb2.BlobRequest(hash=bytes(31))),
        sync_pb2.Frame(blob_request=sync_pb2.BlobRequest(hash=bytes(32), offset=2**40)),
        sync_pb2.Frame(goodbye=sync_pb2.Goodbye(reason="字" * 201)),
    ],
)
def test_fields_out_of_bounds_are_malformed(message):
    error = refusal_of(message)
    assert (error.code, error.evidence) == ("malformed", message.SerializeToString()[:256])
    assert error.detail


def test_an_erased_record_travels_without_its_payload():
    batch = frames.Batch((Envelope(b"header", b"signature", None, None), Envelope(b"h", b"s", b"", b"")))
    assert codec.decode(codec.encode(batch)) == batch
