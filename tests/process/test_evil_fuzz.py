"""Chance as a liar: frames with broken bytes, and records that are signed well and say anything. Each from a seed."""

from __future__ import annotations

import random

import pytest

from node.records.envelope import Envelope
from node.records.kinds import Kind
from node.records.payload import KnownHead
from node.records.v1 import payloads_pb2
from node.sync import frames
from node.wire import codec
from tests.process.evil import CLOCK, SALT, Evil, Pen
from tests.process.evil_city import City
from tests.process.evil_link import WIDE, Link

NUMBERS = (0, 1, 2, 100, 101, 2**15, 2**31 - 1, 2**31, 2**32 - 1)
DAYS = (0, 1, -1, 20_000, 2**31 - 1, -(2**31))
TEXTS = ("", "x", "\u202e", "\x00", "字" * 300, "a" * 20_001, "320500", "../x", "<b>", "=1+1")


class Chance:
    """Random bytes, frames and records."""

    def __init__(self, seed: int, evil: Evil) -> None:
        self.random = random.Random(seed)
        self.evil = evil
        self.ids = [bytes(32)]
        self.openings: list[bytes] = []
        self.pens: list[Pen] = []
        self.lines = (evil.path[-2:], evil.path, (*evil.path[-2:], evil.code + "001"))

    def broken(self, raw: bytes) -> bytes:
        """Some bytes changed, dropped, added or doubled."""
        found = bytearray(raw)
        for _ in range(self.random.choice((1, 1, 2, 5))):
            at = self.random.randrange(len(found) + 1)
            how = self.random.randrange(4)
            if how == 0:
                found[at : at + 1] = self.random.randbytes(1)
            elif how == 1:
                del found[at : at + self.random.choice((1, 4, 30))]
            elif how == 2:
                found[at:at] = self.random.randbytes(self.random.choice((1, 2, 5)))
            else:
                found[at:at] = found[: self.random.choice((1, 3, 40))]
        return bytes(found)

    def frame(self) -> frames.Frame:
        """A frame of any kind."""
        pick, some_id = self.random.choice, self.random.choice(self.ids)
        number = pick(NUMBERS)
        head = KnownHead(some_id, number, some_id if number else b"")
        return pick((
            frames.Refusal(some_id, number, pick(("gap", "fork", "wrong_prev", "frozen", "x")), head, number),
            self.evil.receipt([head]), frames.Marks((self.evil.mark(pick((self.evil.code, "320582")), number),)),
            frames.BlobRequest(some_id, pick((0, 1, 2**31)), number), frames.BlobChunk(some_id, 0, b"x", missing=False),
            frames.Ping(number), frames.Pong(number, number), frames.ChainRequest(), frames.Chain(()),
            frames.Heads(8, (1,), (head,)), frames.Batch(()), self.evil.hello(some_id, some_id), frames.Goodbye("再见"),
            frames.Batch(tuple(self.evil.pen().forge(self.broken) for _ in range(3))),
        ))  # fmt: skip

    def batch(self, count: int) -> frames.Batch:
        """Records that are chained and signed as they should be, whatever they say."""
        found: list[Envelope] = []
        while len(found) < count:
            if not self.pens or self.random.random() < 0.1:
                self.pens.append(self.evil.pen(*self.random.choice(self.lines), subtree=self.random.random() < 0.2))
            pen = self.random.choice(self.pens[-10:])
            if not self.openings or self.random.random() < 0.3:
                record = pen.write(Kind.ASSIGN, self._opening(pen.key.line.path[-1]), semantic_version=1)
                self.openings.append(record.record_id)
            else:
                item = self.random.choice(self.openings[-20:])
                kind = self.random.choice((*range(1, 38), 100, 112, 114, 200, 201, 202, 205, 300, 999, 65_535))
                answered = self.random.choice(((item,), (self.random.choice(self.ids), item)))
                record = pen.write(
                    kind, self._act(), item=item, re=answered,
                    reissue_of=self.random.choice((b"", b"", b"", self.random.choice(self.ids))),
                    claimed_ms=self.random.choice((0, 1, CLOCK.now_ms(), 2**48)), actor=2**53 - 1, channel=60_000,
                )  # fmt: skip
            self.ids.append(record.record_id)
            found.append(record.envelope)
        return frames.Batch(tuple(found))

    def _opening(self, receiver: str) -> bytes:
        pick = self.random.choice
        return payloads_pb2.Opening(
            title=pick(("事项", "事项", pick(TEXTS))), text=pick(("", pick(TEXTS))), receiver=receiver,
            role=pick((1, 2, 3, 9)), due_day=pick(DAYS), occurred_day=pick(DAYS), parent=pick((b"", pick(self.ids))),
            predecessor=pick((b"", b"x")),
        ).SerializeToString()  # fmt: skip

    def _act(self) -> bytes:
        pick = self.random.choice
        if self.random.random() < 0.1:
            return self.random.randbytes(50)
        name, size = pick(TEXTS), pick(NUMBERS)
        files = [payloads_pb2.Attachment(hash=self.random.randbytes(32), salt=SALT, size_bytes=size, name=name)]
        return payloads_pb2.Act(
            text=pick(("", pick(TEXTS))), percent_plus_1=self.random.randrange(103), due_day=pick(DAYS),
            occurred_day=pick(DAYS), return_mode=pick((0, 1, 2, 9)), children=[pick(self.ids)],
            successor=pick((b"", pick(self.ids))), attachments=pick(([], files)),
        ).SerializeToString()  # fmt: skip


@pytest.mark.parametrize("seed", range(2))
def test_broken_frames_break_nothing_but_their_stream(city: City, seed: int) -> None:
    evil = city.another_evil()
    chance = Chance(seed, evil)

    async def story(link: Link) -> str:
        for _ in range(40):
            if not await link.send(chance.broken(codec.encode(chance.frame(), WIDE))):
                return await link.ended()
        return ""

    with city.unharmed(evil):
        for _ in range(12):
            assert city.run(story, evil) not in {"restart", "internal"}


@pytest.mark.parametrize("seed", range(2))
def test_records_that_say_anything_are_held_and_shown(city: City, seed: int) -> None:
    evil = city.another_evil()
    chance = Chance(seed, evil)

    async def story(link: Link) -> None:
        for _ in range(10):
            sent = chance.batch(20)
            await link.send(sent)
        await link.ping()
        for pen in chance.pens:
            await link.receipted_up_to(pen.log_id, pen.seq)

    with city.unharmed(evil):
        city.run(story, evil)
    for node in (city.city, city.province):
        listed = {row["id"] for row in node.ask("item.list")}
        for item in {opening.hex() for opening in chance.openings} & listed:
            assert node.ask("item.show", item=item)["timeline"]
        assert node.json("verify", codes=(0, 1))["ok"] or node is city.city  # which holds one vouched-for signature
    assert city.books.rows("select 1 from dirty_log") == []
