"""What a liar does with other offices' matters, files, receipts and marks: nothing of it changes what others hold."""

from __future__ import annotations

import asyncio
import json

import pytest

from node.records.envelope import Record
from node.records.keyring import possession_message
from node.records.kinds import Kind
from node.records.payload import Act, Attachment, Certificate, KnownHead, Opening
from node.records.v1 import payloads_pb2
from node.sync import frames
from tests.process.evil import CLOCK, SALT, SUITE, Evil, new_signer
from tests.process.evil_city import City
from tests.process.evil_link import Link
from tests.process.nodes import until

ROOT, CITY, SIBLING, EVIL = "320000", "320500", "320582", "320583"
MINUTE_MS = 60_000


def codes(noted: list) -> list[str]:
    return [fault.code for fault in noted]


@pytest.fixture(scope="module")
def task(city: City) -> Record:
    """The task the city has given the evil county, which it has taken and started."""
    async def story(link: Link) -> Record:
        await link.until(city.evil.tasks, "the task")
        return city.evil.tasks()[0]

    return city.run(story)


def test_a_receiver_cannot_accept_or_close_its_own_work(city: City, task: Record) -> None:
    pen = city.evil.pen()
    item, re = task.record_id, (task.record_id,)
    acts = [pen.write(kind, Act("我方自行认定"), item=item, re=re)
            for kind in (Kind.DELIVERED, Kind.SIGN, Kind.PROGRESS, Kind.FINAL, Kind.ACCEPT, Kind.CLOSE, Kind.CANCEL)]
    shown = pen.write(999, b"\x01", item=item, re=re)

    async def story(link: Link) -> None:
        await link.publish(*acts, shown)

    with city.unharmed() as noted:
        city.run(story)
    assert codes(noted) == ["no_effect"] * 3
    assert [fault.data for fault in noted] == [act.record_id for act in acts[4:]]
    found = until(lambda: _shown(city, item.hex(), shown), "on the city's board")
    effects = {line["record"]: (line["kind_label"], line["effect"]) for line in found["timeline"]}
    assert found["state"] == "submitted"
    assert [effects[act.record_id.hex()][1] for act in acts] == ["applied"] * 4 + ["invalid"] * 3
    assert effects[shown.record_id.hex()] == ("未识别", "unknown")


def _shown(city: City, item: str, last: Record) -> dict | None:
    found = city.city.ask("item.show", item=item)
    return found if any(line["record"] == last.record_id.hex() for line in found["timeline"]) else None


def test_times_and_days_beyond_every_calendar_are_shown_all_the_same(city: City, task: Record) -> None:
    pen = city.evil.pen()
    acts = [pen.write(Kind.PROGRESS, Act("昨天", occurred_day=day), item=task.record_id, re=(task.record_id,),
                      claimed_ms=2**48) for day in (2**31 - 1, -(2**31))]
    own = pen.write(Kind.ASSIGN, Opening("自派", due_day=2**31 - 1, receiver=EVIL, role=3), semantic_version=1,
                    claimed_ms=2**48)
    opening = Opening("下派", due_day=2**31 - 1, receiver="320583001", role=3)
    below = city.evil.pen(CITY, EVIL, "320583001")
    upward = below.write(Kind.ASSIGN, opening, semantic_version=1, claimed_ms=2**48)

    async def story(link: Link) -> None:
        await link.publish(*acts, own, upward)

    with city.unharmed():
        city.run(story)
    until(lambda: _shown(city, task.record_id.hex(), acts[-1]), "on the city's board")
    rows = until(lambda: {row["id"]: row for row in city.city.ask("item.list")}.get(upward.record_id.hex()), "listed")
    assert rows["due"] == "9999-12-31"
    assert city.city.ask("item.show", item=upward.record_id.hex())["timeline"][0]["recorded_at"].startswith("9999")
    assert own.record_id.hex() not in {row["id"] for row in city.city.ask("item.list")}


def test_texts_that_deceive_the_eye_have_no_effect_and_are_not_shown(city: City, task: Record) -> None:
    """B16: kept as the bytes they are, shown as 无效 without their words; what is longer than a payload is refused."""
    pen, item = city.evil.pen(), task.record_id
    texts = ("已\u202e完成", "已\u200b办", "\x00", "\x1b[31m红", "字" * 20_001)
    acts = [pen.write(Kind.PROGRESS, payloads_pb2.Act(text=text).SerializeToString(), item=item, re=(item,))
            for text in texts]
    fine = pen.write(Kind.PROGRESS, Act("𠮷野家 👍 <b>=1+1</b>"), item=item, re=(item,))
    below = city.evil.pen(CITY, EVIL, "320583001")
    opened = [below.write(Kind.ASSIGN, payloads_pb2.Opening(title=title, receiver="320583001", role=3)
                          .SerializeToString(), semantic_version=1) for title in ("标\u202e题", "题" * 201)]
    long = city.evil.pen()
    title = payloads_pb2.Opening(title="长" * 3_500_000).SerializeToString()

    async def story(link: Link) -> None:
        await link.publish(*acts, fine, *opened)
        await link.offer(long.forge(payload=title[:1_000_000]))
        assert (await link.refusal(bytes(32))).reason == "malformed"

    with city.unharmed():
        city.run(story)
    found = until(lambda: _shown(city, item.hex(), fine), "on the city's board")
    lines = {line["record"]: line for line in found["timeline"]}
    assert [lines[act.record_id.hex()]["effect"] for act in acts] == ["invalid"] * len(acts)
    assert lines[fine.record_id.hex()]["effect"] != "invalid"
    said = json.dumps([found, city.city.ask("item.list")], ensure_ascii=False)
    shown = [text for text in (*texts, "标\u202e题", "题" * 201) if json.dumps(text, ensure_ascii=False)[1:-1] in said]
    assert shown == []
    assert "\u202e" not in said


def test_a_report_on_a_siblings_task_changes_nothing_and_tells_nothing(city: City) -> None:
    digest = city.city.ask("digest")["items"][city.task]
    known, unknown = bytes.fromhex(city.task), bytes(31) + b"\x01"
    pen = city.evil.pen()

    async def story(link: Link) -> list[list[str]]:
        heard = []
        for item in (known, unknown):
            before = len(link.frames)
            await link.publish(pen.write(Kind.FINAL, Act("代为办结", percent=100), item=item, re=(item,)))
            await link.ping()
            # Beside what is shown to it anyway (its forks), it hears the same.
            seen = [frame for frame in link.frames[before:] if not isinstance(frame, frames.Batch)]
            heard.append([type(frame).__name__ for frame in seen])
        return heard

    with city.unharmed():
        same, other = city.run(story)
        assert same == other == ["ReceiptFrame", "Pong"]
        until(lambda: _shown_in(city, pen.prev), "projected")
        assert city.city.ask("digest")["items"][city.task] == digest
        assert city.city.ask("item.show", item=city.task)["state"] != "submitted"


def _shown_in(city: City, record_id: bytes) -> bool:
    """Whether the projection has come as far as this record."""
    return bool(city.books.rows(
        "select 1 from record join log on place >> 32 = log_no where record_id = ? and folded_seq >= place % ?",
        record_id, 2**32,
    ))  # fmt: skip


def certificate(evil: Evil, code: str, path: tuple[str, ...]) -> Certificate:
    key = new_signer()
    proof = key.sign(possession_message(evil.federation, code, path[-2], SUITE.number, key.raw_key))
    return Certificate(code, "冒名单位", "county", path, SUITE.number, key.raw_key, proof)


@pytest.mark.parametrize(("code", "line", "path"), [
    (SIBLING, (ROOT, CITY, EVIL), (ROOT, CITY, EVIL, SIBLING)),
    (CITY, (ROOT, CITY, EVIL), (ROOT, CITY, EVIL, CITY)),
    (EVIL, (ROOT, CITY, EVIL), (ROOT, CITY, EVIL)),
    (EVIL, (ROOT, CITY, EVIL), (ROOT, CITY, EVIL, EVIL)),
    ("320585", (ROOT, CITY, EVIL), (ROOT, CITY, "320585")),
], ids=["the sibling as its child", "the parent as its child", "itself anew", "itself below itself", "a new sibling"])
def test_a_certificate_it_may_not_give_has_no_effect(city: City, code: str, line: tuple, path: tuple) -> None:
    pen = city.evil.pen(*line, subtree=True)
    record = pen.write(Kind.CERTIFICATE, certificate(city.evil, code, path))
    before = {link["office"] for link in city.city.status()["links"]}

    async def story(link: Link) -> None:
        await link.publish(record)  # admission judges headers: it is stored, and believed by nobody

    with city.unharmed() as noted:
        city.run(story)
    assert len(noted) == 1
    assert noted[0].code in {"bad_certificate", "two_parents"}
    assert {link["office"] for link in city.city.status()["links"]} == before
    assert city.city.ask("item.issue", title="照常下达", to=[SIBLING])["assignments"][0]["to"] == SIBLING


def test_a_genuine_record_from_the_wrong_side_is_refused(city: City) -> None:
    """The province's own notice, genuine, shown from below before the city has it."""
    evil = city.evil

    async def story(link: Link) -> frames.Refusal:
        genuine = [run[0] for run in evil.held.values() if run[0].header.author == ROOT]
        assert genuine, "the province's certificates have come down"
        await link.offer(genuine[0])
        return await link.refusal(genuine[0].header.log_id)

    with city.unharmed() as noted:
        assert city.run(story).reason == "wrong_side"
    assert codes(noted) == ["wrong_side"]


def test_attachments_of_others_are_neither_given_nor_known(city: City, tmp_path) -> None:
    paper = tmp_path / "底稿.txt"
    paper.write_bytes(b"secret of the sibling" * 100)
    city.county.client().request("item.report", {"item": city.task, "text": "附底稿"}, files=[("底稿.txt", paper)])

    def present() -> list[dict]:
        return [file for file in city.city.ask("item.show", item=city.task)["attachments"] if file["present"]]

    shown = until(present, "the attachment at the city")
    theirs, unknown = bytes.fromhex(shown[0]["hash"]), bytes(32)

    async def story(link: Link) -> list[frames.BlobChunk]:
        for blob in (theirs, unknown):
            await link.send(frames.BlobRequest(blob, 0, 1_000))
        await link.until(lambda: len(link.of(frames.BlobChunk)) == 2, "both answers")
        return link.of(frames.BlobChunk)

    with city.unharmed():
        first, second = city.run(story)
    assert first == frames.BlobChunk(theirs, 0, b"", missing=True)
    assert second == frames.BlobChunk(unknown, 0, b"", missing=True)


def test_wrong_content_of_an_attachment_is_thrown_away(city: City, task: Record) -> None:
    size = 300_000
    file = Attachment(bytes.fromhex("ab" * 32), SALT, size, "伪造.pdf")
    pen = city.evil.pen()
    record = pen.write(Kind.PROGRESS, Act("附件在此", attachments=(file,)), item=task.record_id, re=(task.record_id,))

    async def story(link: Link) -> int:
        await link.publish(record)
        await link.until(lambda: len(link.of(frames.BlobRequest)) == 2, "asked for both pieces")
        for request in link.of(frames.BlobRequest):
            data = bytes(min(request.bytes_max, size - request.offset))
            await link.send(frames.BlobChunk(file.hash, request.offset, data, missing=False))
        await link.ping()
        await asyncio.sleep(2.5)  # it is not asked for again and again
        return len(link.of(frames.BlobRequest))

    with city.unharmed() as noted:
        assert city.run(story) == 2
    assert codes(noted)[-1] == "payload_mismatch"
    assert ("attachment", file.hash.hex()[:16]) in city.books.alarms()
    assert not list((city.city.home / "blobs" / "ab").glob("*"))


def test_receipts_for_what_it_does_not_hold(city: City) -> None:
    others = [(log_id, head) for log_id, head in city.books.heads().items() if log_id not in city.evil.held and head[0]]
    own = next(run[-1] for run in city.evil.held.values() if run[-1].header.author == CITY)
    lies = [
        KnownHead(bytes(32), 1, bytes(32)),
        KnownHead(own.header.log_id, own.header.seq, bytes(32)),
        KnownHead(own.header.log_id, own.header.seq + 1_000, own.record_id),
        KnownHead(others[0][0], *others[0][1]),
    ]

    def end_after(lie: frames.ReceiptFrame) -> str:
        async def story(link: Link) -> str:
            await link.send(lie)
            return await link.ended()

        return str(city.run(story))

    acks = city.books.rows("select * from ack where peer = ?", EVIL)
    with city.unharmed() as noted:
        for head in lies:
            assert end_after(city.evil.receipt([head])) == "protocol"
        assert end_after(city.evil.receipt([], holder=SIBLING)) == "wrong_path"
        forged = city.evil.receipt([])
        forged = frames.ReceiptFrame(forged.note._replace(signature=bytes(64)))
        assert end_after(forged) == "bad_signature"
    assert codes(noted) == ["protocol"] * 4 + ["wrong_path", "bad_signature"]
    assert city.books.rows("select * from ack where peer = ?", EVIL) == acks


def test_marks_of_others_and_of_yesterday(city: City) -> None:
    evil = city.evil
    now_ms = CLOCK.now_ms()
    number = now_ms * 1_000

    async def story(link: Link) -> None:
        newest = evil.mark(EVIL, number, at_ms=now_ms)
        old = evil.mark(EVIL, number - 1, at_ms=now_ms + 10**9)
        others = [evil.mark(SIBLING, 2**62), evil.mark(CITY, 2**62), evil.mark(SIBLING, 2**62, signer=new_signer())]
        padded = evil.mark(EVIL, number + 1)
        padded = padded._replace(body=padded.body + b"\xc2\x3e\x80\x20" + bytes(4_096))
        await link.send(frames.Marks((newest, old, *others, padded, newest._replace(signature=bytes(64)))))
        await link.ping()

    before = city.books.rows("select * from mark where office != ?", EVIL)
    with city.unharmed() as noted:
        city.run(story)
    assert codes(noted) == ["wrong_path", "wrong_path", "too_large", "bad_signature"]
    assert city.books.rows("select number, at_ms from mark where office = ?", EVIL) == [(number, now_ms)]
    after = {row[0]: row for row in city.books.rows("select * from mark where office != ?", EVIL)}
    assert all(row[0] in after and after[row[0]][1] < 2**61 for row in before)


