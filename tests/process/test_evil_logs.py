"""What a liar does with whole logs: one bad log stops no other, and what is kept is kept as it came."""

from __future__ import annotations

from node.records.envelope import Envelope, Record
from node.records.kinds import Kind
from node.records.payload import Act
from node.sync import frames
from tests.process.evil import CLOCK, id_of
from tests.process.evil_city import City
from tests.process.evil_link import Link
from tests.process.nodes import until

ROOT, CITY, SIBLING, EVIL = "320000", "320500", "320582", "320583"
MINUTE_MS = 60_000


def codes(noted: list) -> list[str]:
    return [fault.code for fault in noted]


def test_a_log_is_continued_at_its_head_and_nowhere_else(city: City) -> None:
    pen = city.evil.pen()
    first, second, third = pen.write(), pen.write(), pen.write()
    astray = pen.seal(prev=first.record_id)

    async def story(link: Link) -> None:
        await link.publish(first, second, third)
        await link.offer(astray)
        refusal = await link.refusal(pen.log_id)
        assert (refusal.reason, refusal.seq) == ("wrong_prev", 4)
        assert refusal.held == pen.head
        await link.publish(pen.write())

    with city.unharmed() as noted:
        city.run(story)
    assert codes(noted) == ["wrong_prev"]
    assert city.books.head(pen.log_id) == (4, pen.prev)
    assert not city.books.frozen(pen.log_id)


def test_old_records_again_have_no_effect_but_the_same_receipt(city: City) -> None:
    pen = city.evil.pen()
    run = [pen.write(payload=Act(f"第 {number} 条", percent=number)) for number in range(10)]

    async def story(link: Link) -> None:
        await link.publish(*run)
        for again in (run, run[:3], run[4:5], run[::-1], run + run):
            seen = link.receipts
            await link.offer(*again)
            await link.ping()
            await link.more_receipts(seen)
        assert link.of(frames.Refusal) == []

    before = city.city.status()["records"]
    with city.unharmed() as noted:
        city.run(story)
    assert noted == []
    assert city.books.head(pen.log_id) == (10, pen.prev)
    assert city.city.status()["records"] >= before + 10


def test_one_bad_log_of_a_batch_stops_no_other(city: City) -> None:
    good = [city.evil.pen() for _ in range(5)]
    bad = [city.evil.pen() for _ in range(4)]
    sent: list[Record | Envelope] = []
    for pen in good:
        sent += [pen.write(), pen.write()]
        if bad:
            sent.append(bad.pop().forge(suite=9))
    stopped = city.evil.pen()
    sent += [stopped.write(), stopped.write(), stopped.seal(seq=4, prev=bytes(32))]

    async def story(link: Link) -> None:
        await link.offer(*sent)
        for pen in (*good, stopped):
            await link.receipted_up_to(pen.log_id, 2)

    with city.unharmed() as noted:
        city.run(story)
    assert codes(noted) == ["unknown_suite"] * 4
    assert [city.books.head(pen.log_id)[0] for pen in (*good, stopped)] == [2] * 6


def test_a_withheld_payload_is_asked_for_again(city: City) -> None:
    pen = city.evil.pen()
    whole = pen.write()

    async def story(link: Link) -> None:
        await link.offer(whole.envelope._replace(salt=None, payload=None))
        refusal = await link.refusal(pen.log_id)
        assert refusal.reason == "withheld"
        assert refusal.retry_after_ms > 0
        assert city.books.head(pen.log_id)[0] == 0
        await link.publish(whole)

    with city.unharmed():
        city.run(story)


def test_a_run_is_judged_record_by_record_where_its_makers_differ(city: City) -> None:
    """Chained to a good record: one of another federation; one signed by garbage, which the next one vouches for."""
    foreign, garbled = city.evil.pen(), city.evil.pen()
    first = foreign.write()
    second = foreign.seal(federation=bytes(32))
    bad = garbled.seal().envelope._replace(signature=bytes(64))
    garbled.seq, garbled.prev = 1, id_of(bad)
    certificate = city.evil.pen()
    unsigned = certificate.seal(Kind.CERTIFICATE, b"").envelope._replace(signature=bytes(64))
    certificate.seq, certificate.prev = 1, id_of(unsigned)

    async def story(link: Link) -> None:
        await link.offer(first, second)
        assert (await link.refusal(foreign.log_id)).reason == "foreign_federation"
        await link.offer(unsigned, certificate.seal())
        assert (await link.refusal(certificate.log_id)).reason == "bad_signature"
        await link.offer(bad, garbled.write())
        await link.receipted_up_to(garbled.log_id, 2)  # the chain fixes the signature

    with city.unharmed() as noted:
        city.run(story)
    assert codes(noted) == ["foreign_federation", "bad_signature"]
    assert city.books.head(foreign.log_id)[0] == 1
    assert city.books.head(certificate.log_id)[0] == 0
    # The background check looks at every signature once.
    until(lambda: any(code == "bad_record" for code, _ in city.books.alarms()), "the signature is found out")


def test_two_records_under_one_number_freeze_that_log_only(city: City) -> None:
    pen, beside = city.evil.pen(), city.evil.pen()
    first = pen.write()
    to_city, to_province = pen.seal(payload=Act("完成")), pen.seal(payload=Act("未完成"))

    async def story(link: Link) -> None:
        await link.publish(first, to_city)
        await link.offer(to_province)
        refusal = await link.refusal(pen.log_id)
        assert (refusal.reason, refusal.seq, refusal.held.record_id) == ("fork", 2, to_city.record_id)
        shown = await link.until(lambda: [frame for frame in link.of(frames.Batch) if frame.records], "the other side")
        assert to_city.envelope in [record for frame in shown for record in frame.records]
        pen.accept(to_city)
        later = link.of(frames.Refusal)
        await link.offer(pen.seal())
        await link.until(lambda: len(link.of(frames.Refusal)) > len(later), "a refusal")
        assert (await link.refusal(pen.log_id)).reason == "frozen"
        await link.publish(beside.write())

    with city.unharmed() as noted:
        city.run(story)
    assert codes(noted) == ["fork"]
    assert city.books.frozen(pen.log_id)
    assert city.books.head(pen.log_id) == (2, to_city.record_id)
    assert city.books.forks(pen.log_id) == [to_province.record_id]
    assert ("fork", pen.log_id.hex()[:16]) in city.books.alarms()
    assert not city.books.frozen(beside.log_id)


def test_unknown_fields_and_kinds_are_kept_byte_for_byte(city: City) -> None:
    pen = city.evil.pen(ROOT, CITY, EVIL)
    fields = b"\xc2\x3e\x03new" + b"\xc8\x3e\x01\xc8\x3e\x02"
    newer = pen.forge(lambda raw: raw + fields, payload=b"\x00\xff", kind=1_234)

    async def story(link: Link) -> None:
        await link.offer(newer)
        await link.receipted_up_to(pen.log_id, 1)

    with city.unharmed() as noted:
        city.run(story)
    assert noted == []
    assert city.books.stored(pen.log_id, 1) == (newer.header, b"\x00\xff")
    province = type(city.books)(city.province.home)
    until(lambda: province.head(pen.log_id)[0] == 1, "relayed to the province")
    assert province.stored(pen.log_id, 1) == (newer.header, b"\x00\xff")


def test_what_comes_from_the_future_waits(city: City) -> None:
    soon, ahead = city.evil.pen(), city.evil.pen()
    tolerated = soon.seal(hlc_ms=CLOCK.now_ms() + 4 * MINUTE_MS, hlc_count=2**31 - 1)
    now, early = ahead.write(), ahead.seal(hlc_ms=CLOCK.now_ms() + 7 * MINUTE_MS)

    async def story(link: Link) -> None:
        await link.publish(tolerated)
        await link.offer(now, early)
        refusal = await link.refusal(ahead.log_id)
        assert (refusal.reason, refusal.seq, refusal.held.seq) == ("future", 2, 1)
        await link.receipt_for(now)

    with city.unharmed():
        city.run(story)
        # The highest count there is stops nobody from authoring.
        assert city.city.ask("item.register", title="本市事项")["item"]
    assert city.books.head(ahead.log_id)[0] == 1
