"""Frames no honest neighbour sends: malformed, out of turn, too large, without end. The others notice nothing."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import grpc
import pytest

from node.records import notes
from node.records.envelope import Envelope
from node.records.payload import KnownHead
from node.sync import frames
from node.sync.heads import BUCKET_BITS, BUCKETS
from node.sync.limits import DEFAULT_LIMITS
from node.wire import codec
from node.wire.v1 import sync_pb2
from tests.process.evil import new_signer
from tests.process.evil_city import City
from tests.process.evil_link import SOON_S, WIDE, Link
from tests.process.nodes import until

ROOT, CITY, SIBLING, EVIL = "320000", "320500", "320582", "320583"
FRAME_BYTES_MAX = DEFAULT_LIMITS.frame_bytes_max


def nested(depth: int) -> bytes:
    """A frame of messages in messages: Frame.batch.records.header is bytes, so groups of unknown fields carry it."""
    return b"\xa3\x1f" * depth + b"\xa4\x1f" * depth


def heads(complete: Iterable[int] = (), listed: Iterable[KnownHead] = ()) -> frames.Heads:
    return frames.Heads(BUCKET_BITS, tuple(complete), tuple(listed))


MALFORMED: list[tuple[str, bytes]] = [
    ("garbage", b"\xff" * 100),
    ("an empty message", b""),
    ("an unknown kind of frame", b"\xf2\x3e\x00"),
    ("ten thousand groups deep", nested(10_000)),
    ("a truncated batch", codec.encode(frames.Batch((Envelope(bytes(100), bytes(64), bytes(32), b""),)))[:-5]),
    ("a reason that is no text", b"\x32\x04\x1a\x02\xff\xfe"),
    ("a refusal of no log", sync_pb2.Frame(refusal=sync_pb2.Refusal(seq=5, reason="gap")).SerializeToString()),
    ("a head of half a log", sync_pb2.Frame(
        heads=sync_pb2.Heads(bits=8, complete=[1], heads=[sync_pb2.Head(log_id=b"\1", seq=1)])).SerializeToString()),
    ("2^31 buckets", sync_pb2.Frame(buckets=sync_pb2.Buckets(bits=31)).SerializeToString()),
    ("a hello of the year 12000", sync_pb2.Frame(hello=sync_pb2.Hello(now_ms=2**60)).SerializeToString()),
    ("an office of 100 characters", sync_pb2.Frame(hello=sync_pb2.Hello(office="9" * 100)).SerializeToString()),
    ("a piece at 2^60", sync_pb2.Frame(
        blob_chunk=sync_pb2.BlobChunk(hash=bytes(32), offset=2**60)).SerializeToString()),
]  # fmt: skip


@pytest.mark.parametrize("raw", [raw for _, raw in MALFORMED], ids=[name for name, _ in MALFORMED])
def test_what_is_no_frame_ends_the_stream(city: City, raw: bytes) -> None:
    async def story(link: Link) -> str:
        await link.send(raw)
        return await link.ended()

    with city.unharmed() as noted:
        assert city.run(story) == "malformed"
    assert [fault.code for fault in noted] == ["malformed"]
    assert noted[0].data == raw[:256]


TOO_LARGE: list[tuple[str, Callable[[], frames.Frame]]] = [
    ("100,000 records", lambda: frames.Batch((Envelope(b"\1", b"\1", b"", b""),) * 100_000)),
    ("1,001 records", lambda: frames.Batch((Envelope(b"\1", b"\1", b"", b""),) * 1_001)),
    ("6,000 marks", lambda: frames.Marks((notes.Signed(b"\1", b"\1"),) * 6_000)),
    ("a piece of 1 MiB", lambda: frames.BlobChunk(bytes(32), 0, bytes(2**20), missing=False)),
    ("a receipt of 1 MiB", lambda: frames.ReceiptFrame(notes.Signed(bytes(2**20), b"\1"))),
    ("13 certificates", lambda: frames.Chain((Envelope(b"\1", b"\1", b"", b""),) * 13)),
]


@pytest.mark.parametrize("make", [make for _, make in TOO_LARGE], ids=[name for name, _ in TOO_LARGE])
def test_a_frame_with_too_much_in_it_ends_the_stream(city: City, make: Callable[[], frames.Frame]) -> None:
    async def story(link: Link) -> str:
        await link.send(codec.encode(make(), WIDE))
        return await link.ended()

    with city.unharmed() as noted:
        assert city.run(story) == "too_large"
    assert [fault.code for fault in noted] == ["too_large"]


def test_an_oversized_message_ends_its_call_and_the_connection_lives(city: City) -> None:
    async def story(link: Link) -> None:
        beside = Link(city.evil, link.channel, link.my_tls)
        await beside.open()
        await beside.send(bytes(FRAME_BYTES_MAX + 1))
        await beside.ended()
        assert beside.status is not None
        assert beside.status[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
        await beside.close()
        await link.publish(city.evil.pen().write())

    with city.unharmed():
        city.run(story)


def test_an_empty_batch_and_one_full_of_nothing_are_harmless(city: City) -> None:
    async def story(link: Link) -> None:
        await link.send(frames.Batch(()))
        await link.send(frames.Batch((Envelope(b"", b"", b"", b""),) * 300))
        await link.ping()
        assert {frame.reason for frame in link.of(frames.Refusal)} == {"malformed"}
        await link.publish(city.evil.pen().write())

    with city.unharmed():
        city.run(story)


# -- out of turn ------------------------------------------------------------------------------------------------------


def hello(city: City, **changes: Any) -> Callable[[Link], frames.Hello]:
    return lambda link: city.evil.hello(link.my_tls, link.parent_tls)._replace(**changes)


def proof(city: City, link: Link, **changes: Any) -> notes.Signed:
    channel = notes.Channel(EVIL, CITY, link.my_tls, link.parent_tls)._replace(**changes)
    return notes.sign_channel(city.evil.signer, city.evil.federation, channel)


Changes = Callable[[City, Link], dict[str, Any]]
GREETINGS: list[tuple[str, str, Changes]] = [
    ("for another office", "wrong_office", lambda _city, _link: {"office": SIBLING}),
    ("for the city itself", "wrong_office", lambda _city, _link: {"office": CITY}),
    ("of another federation", "foreign_federation", lambda _city, _link: {"federation": bytes(32)}),
    ("of a later version", "version", lambda _city, _link: {"version_min": 3, "version_max": 9}),
    ("with an unsigned proof", "bad_signature", lambda city, link: {
        "channel": proof(city, link)._replace(signature=b"")}),
    ("with a proof over other certificates", "channel", lambda city, link: {
        "channel": proof(city, link, speaker_tls_sha256=bytes(32))}),
    ("with a proof for another listener", "channel", lambda city, link: {"channel": proof(city, link, listener=ROOT)}),
    ("with a proof of another speaker", "wrong_path", lambda city, link: {
        "channel": proof(city, link, speaker=SIBLING)}),
    ("with a receipt as its proof", "bad_signature", lambda city, link: {"channel": notes.Signed(
        proof(city, link).body, city.evil.signer.sign(notes.RECEIPT + proof(city, link).body))}),
    ("with bytes as its proof", "malformed", lambda _city, _link: {"channel": notes.Signed(b"\xff", b"")}),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "changes"), [row[1:] for row in GREETINGS], ids=[row[0] for row in GREETINGS])
def test_a_false_greeting_opens_nothing(city: City, reason: str, changes: Changes) -> None:
    pen = city.evil.pen()

    async def story(link: Link) -> str:
        await link.send(hello(city, **changes(city, link))(link))
        await link.offer(pen.seal())
        return await link.ended()

    with city.unharmed() as noted:
        assert city.run(story, greet=False) == reason
    assert [fault.code for fault in noted] == [reason]
    assert city.books.head(pen.log_id)[0] == 0


def test_who_is_asked_for_its_certificates_must_have_them(city: City) -> None:
    """A proof under a key nobody certified: the city asks for the chain, and holds little until it comes."""
    stranger = new_signer()
    pen = city.evil.pen()

    async def story(link: Link) -> str:
        channel = notes.Channel(EVIL, CITY, link.my_tls, link.parent_tls)
        note = notes.sign_channel(stranger, city.evil.federation, channel)
        await link.send(hello(city, channel=note)(link))
        await link.until(lambda: link.of(frames.ChainRequest), "asked for certificates")
        await link.send(frames.Chain((pen.seal().envelope,)))
        return await link.ended()

    async def hoard(link: Link) -> str:
        channel = notes.Channel(EVIL, CITY, link.my_tls, link.parent_tls)
        note = notes.sign_channel(stranger, city.evil.federation, channel)
        await link.send(hello(city, channel=note)(link))
        big = frames.Batch((Envelope(bytes(8_000), bytes(64), bytes(32), bytes(250_000)),) * 15)
        for _ in range(16):
            if not await link.send(big):
                break
        return await link.ended()

    with city.unharmed() as noted:
        assert city.run(story, greet=False) == "bad_certificate"
        assert city.run(hoard, greet=False) == "protocol"
    assert [fault.code for fault in noted] == ["bad_certificate", "protocol"]


@pytest.mark.parametrize("make", [
    lambda _city: frames.Ping(1),
    lambda _city: heads([1]),
    lambda _city: frames.Buckets(BUCKET_BITS, (bytes(16),) * BUCKETS),
    lambda city: frames.Batch((city.evil.pen().seal().envelope,)),
    lambda city: city.evil.receipt([]),
    lambda _city: frames.Chain(()),
], ids=["ping", "heads", "buckets", "batch", "receipt", "chain"])
def test_nothing_is_heard_before_the_hello(city: City, make: Callable[[City], frames.Frame]) -> None:
    async def story(link: Link) -> str:
        await link.send(make(city))
        return await link.ended()

    with city.unharmed() as noted:
        assert city.run(story, greet=False) == "protocol"
    assert [fault.code for fault in noted] == ["protocol"]


@pytest.mark.parametrize("make", [
    lambda city, link: hello(city)(link),
    lambda _city, _link: heads([1]),
    lambda _city, _link: frames.Buckets(BUCKET_BITS, (bytes(16),) * BUCKETS),
], ids=["a second hello", "heads", "buckets"])
def test_what_belongs_to_the_beginning_is_refused_later(city: City, make: Callable[[City, Link], frames.Frame]) -> None:
    async def story(link: Link) -> str:
        await link.send(make(city, link))
        return await link.ended()

    with city.unharmed() as noted:
        assert city.run(story) == "protocol"
    assert [fault.code for fault in noted] == ["protocol"]


@pytest.mark.parametrize(("answers", "reason"), [
    ([heads([1]), heads([1])], "protocol"),
    ([heads([1], [KnownHead(b"\2" + bytes(31), 1, bytes(32))])], "protocol"),
    ([heads([1], [KnownHead(b"\1" + bytes(31), 1, bytes(32))] * 2)], "protocol"),
    ([frames.Heads(9, (1,), ())], "protocol"),
    ([frames.Heads(8, (1, 1), ())], "protocol"),
    ([frames.Heads(8, (256,), ())], "protocol"),
    ([frames.Buckets(BUCKET_BITS, (bytes(16),) * BUCKETS)], "protocol"),
], ids=["a bucket twice", "a log of another bucket", "a log twice", "other bits", "a number twice", "a bucket too many",
        "digests again"])
def test_a_comparison_is_made_once_and_in_order(city: City, answers: list[frames.Frame], reason: str) -> None:
    async def story(link: Link) -> str:
        await different(city, link)
        await link.send(*answers)
        return await link.ended()

    with city.unharmed() as noted:
        assert city.run(story, greet=False) == reason
    assert [fault.code for fault in noted] == [reason]


async def different(city: City, link: Link) -> None:
    """Greeted, and every bucket said to differ."""
    link.answers = False
    await link.send(hello(city, heads_digest=bytes(32))(link))
    await link.send(frames.Buckets(BUCKET_BITS, (bytes(16),) * BUCKETS))
    await link.until(lambda: any(not frame.complete for frame in link.of(frames.Heads)), "the city's heads")


# -- without end ------------------------------------------------------------------------------------------------------


ENOUGH = 100


def flood(make: Callable[[int], frames.Frame], seconds: float = 0.6) -> Callable[[Link], Awaitable[int]]:
    """Send as much as the other end takes; on a busy machine for longer, but enough."""
    async def story(link: Link) -> int:
        start_s, count = time.monotonic(), 0
        while time.monotonic() < start_s + seconds or (count <= ENOUGH and time.monotonic() < start_s + SOON_S):
            if not await link.send(make(count)):
                break
            count += 1
        return count
    return story


def test_claimed_heads_without_end(city: City) -> None:
    """Every bucket full of logs nobody has: remembered up to a bound, believed by nobody."""
    def bucket(number: int) -> frames.Heads:
        listed = [KnownHead(bytes([number]) + hashlib.sha256(b"%d" % at).digest()[1:], 2**31, bytes(32))
                  for at in range(10_000)]
        return heads([number], listed)

    async def story(link: Link) -> None:
        await different(city, link)
        for number in range(12):  # more than are remembered of one neighbour
            await link.send(bucket(number))
        for number in range(12, BUCKETS):
            await link.send(heads([number]))
        await link.ping()

    before = len(city.books.heads())
    with city.unharmed():
        city.run(story, greet=False)
        assert city.city.link(EVIL)["connected"] in {True, False}
    assert len(city.books.heads()) == before


FLOODS: list[tuple[str, bool, Callable[[int], frames.Frame]]] = [
    ("pings", True, frames.Ping),
    ("pings, no answer read", False, frames.Ping),
    ("pongs", True, lambda number: frames.Pong(number, number)),
    ("refusals", True, lambda number: frames.Refusal(number.to_bytes(32, "big"), 1, "gap", KnownHead(b"", 0, b""), 0)),
    ("requests for certificates, no answer read", False, lambda _number: frames.ChainRequest()),
    ("requests for attachments", True, lambda number: frames.BlobRequest(number.to_bytes(32, "big"), 0, 2**20)),
    ("pieces nobody asked for", True, lambda number: frames.BlobChunk(bytes(32), number, bytes(99_000), missing=False)),
]


@pytest.mark.parametrize(("reads", "make"), [row[1:] for row in FLOODS], ids=[row[0] for row in FLOODS])
def test_frames_without_end_harm_nobody(city: City, reads: bool, make: Callable[[int], frames.Frame]) -> None:
    evil = city.another_evil()

    async def story(link: Link) -> int:
        if not reads:
            link.reads.clear()
        working = asyncio.create_task(asyncio.to_thread(city.work_goes_on))
        sent = await flood(make)(link)
        await working
        return sent

    with city.unharmed(evil):
        assert city.run(story, evil) > ENOUGH


REASONS = ("gap", "wrong_prev", "fork", "future", "foreign_line", "no such reason", "\u202e倒", "bad_signature")


def test_refusals_of_what_the_city_sent_are_an_alarm_and_no_loop(city: City) -> None:
    async def story(link: Link) -> None:
        log_id, run = next((log_id, run) for log_id, run in city.evil.held.items() if run[0].header.author == CITY)
        head = run[-1]
        held = KnownHead(log_id, head.header.seq, head.record_id)
        nothing = KnownHead(log_id, 0, b"")
        for reason in REASONS:
            await link.send(frames.Refusal(log_id, 1, reason, nothing, 2**32 - 1))
            await link.send(frames.Refusal(log_id, 1, reason, held, 0))
        await link.ping()

    with city.unharmed():
        city.run(story)
    until(lambda: any(code == "rejected_log" for code, _ in city.books.alarms()), "the alarm")
    assert any(alarm["code"] == "rejected_log" for alarm in city.city.status()["alarms"])


def test_attachments_are_not_read_faster_than_they_are_taken(city: City, tmp_path: Any) -> None:
    """A file the evil county may have, asked for ten thousand times without reading an answer."""
    paper = tmp_path / "通知.txt"
    paper.write_bytes(bytes(300_000))
    evil = city.another_evil()
    city.city.client().request("item.issue", {"title": "附通知", "to": [evil.code]}, files=[("通知.txt", paper)])

    async def story(link: Link) -> str:
        opening = evil.opening((await link.until(evil.tasks, "the task"))[0])
        link.reads.clear()
        request = frames.BlobRequest(opening.attachments[0].hash, 0, 262_144)
        for _ in range(10_000):
            if not await link.send(request):
                break
        await asyncio.to_thread(until, lambda: not city.city.link(evil.code)["connected"], "cut off")
        link.reads.set()
        return await link.ended()

    with city.unharmed(evil) as noted:
        # That it was cut off was seen at the city; which word reaches a client that does not read is gRPC's business.
        assert city.run(story, evil)
    assert {fault.code for fault in noted} <= {"flood"}


def test_a_flood_of_bad_records_is_cut_off_and_not_heard_for_a_minute(city: City) -> None:
    evil = city.another_evil()
    pens = [evil.pen() for _ in range(10)]

    async def story(link: Link) -> str:
        for start in range(1_000):
            await link.offer(*[pen.forge(suite=2 + start) for pen in pens])
            if link.of(frames.Goodbye):
                break
        return await link.ended()

    async def again(link: Link) -> str:
        return await link.ended()

    with city.unharmed(evil) as noted:
        # Which word reaches a client that is still writing is gRPC's business; the city has noted why.
        assert city.run(story, evil) in {"flood", "Internal error from Core"}
        assert city.run(again, evil, greet=False) == "busy"
    assert {fault.code for fault in noted} == {"unknown_suite", "flood"}
    assert 600 < len(noted) <= 1_000


def test_a_stream_without_a_hello_is_closed(city: City) -> None:
    """Slow-loris: begun with the city, 15 s to say hello."""
    assert city.silent.result(60) == "timeout"
