"""A city that lies to its province about the county below it: altered, forged, held back, left out, frozen; backdated.

The county is honest and has its own key; all it says goes through the liar. What the province must not be led to
believe, and whom it names: faults.md B2, B8, B10, B11, B12, K2.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from node.clock import DAY_MS
from node.records import notes
from node.records import payload as payloads
from node.records.keyring import possession_message
from node.records.kinds import Kind
from node.records.payload import Act, Certificate
from node.sync import frames
from node.sync.heads import HeadSet
from tests.process.evil import CLOCK, SUITE, Evil, Pen, new_signer
from tests.process.evil_books import Books
from tests.process.evil_city import City
from tests.process.evil_link import Link
from tests.process.nodes import until

ROOT, RELAY, BELOW = "320000", "320600", "320682"
HOUR_MS = 3_600_000


class Relay:
    """The evil city, the honest county's key, and the province's books."""

    def __init__(self, city: City) -> None:
        self.province = city.province
        self.books = Books(city.province.home)
        token = self.province.ask("invite", code=RELAY, name="南通市人民政府", ttl="24h", auto_approve=True)["token"]
        self.evil = Evil(token)
        self.county = new_signer()
        asyncio.run(self.evil.join())
        self.told([self.evil.pen(*self.evil.path, subtree=True).write(Kind.CERTIFICATE, self._certificate())])

    def _certificate(self) -> Certificate:
        proof = possession_message(self.evil.federation, BELOW, RELAY, SUITE.number, self.county.raw_key)
        path = (*self.evil.path, BELOW)
        signed = self.county.sign(proof)
        return Certificate(BELOW, "如皋市人民政府", "county", path, SUITE.number, self.county.raw_key, signed)

    def told(self, records: list[Any]) -> None:
        """Say it to the province, and have its receipt."""
        async def story() -> None:
            async with self.evil.link() as link:
                await link.publish(*records)

        asyncio.run(story())

    def pen(self, *, honest: bool = True) -> Pen:
        """A log of the county's: by its own key, or by the city's."""
        return self.evil.pen(ROOT, RELAY, BELOW, author=BELOW, signer=self.county if honest else self.evil.signer)

    def mark(self, office: str, at_ms: int, number: int) -> notes.Signed:
        """A mark of the city or of the county, true of what the province holds from it."""
        own = HeadSet()
        for log in self.evil.heads:
            if log.key.author == office:
                own.add(log)
        mark = notes.Mark(office, number, at_ms, (notes.MarkView(ROOT, len(own), own.root()),))
        return notes.sign_mark(self.county if office == BELOW else self.evil.signer, self.evil.federation, mark)

    def office(self, code: str) -> dict[str, Any]:
        """What the province says of an office's data."""
        return next(row for row in self.province.status()["offices"]["rows"] if row["office"] == code)


@pytest.fixture(scope="module")
def relay(city: City) -> Relay:
    return Relay(city)


def test_what_a_relay_alters_or_invents_is_refused_and_laid_to_its_charge(relay: Relay) -> None:
    """B2, B12: the county's signature holds end to end, and nothing counts as the county's without it."""
    pen, forged, stolen = relay.pen(), relay.pen(honest=False), relay.pen()
    genuine = pen.seal(payload=Act("真话"))
    mark = relay.books.last_evidence()

    async def story() -> None:
        async with relay.evil.link() as link:
            for log_id, sent, reason in (
                (pen.log_id, genuine.envelope._replace(payload=payloads.encode(Act("假话"))), "payload_mismatch"),
                (pen.log_id, genuine.envelope._replace(signature=bytes(64)), "bad_signature"),
                (forged.log_id, forged.seal(Kind.FINAL, Act("已全部完成")), "wrong_path"),
                (stolen.log_id, stolen.seal().envelope._replace(header=forged.seal().envelope.header), "wrong_path"),
            ):
                seen = len(link.of(frames.Refusal))
                await link.offer(sent)
                await link.ping()
                [found] = link.of(frames.Refusal)[seen:]
                assert found.reason == reason
                assert found.log_id in {log_id, forged.log_id}
            await link.publish(pen.accept(genuine))

    asyncio.run(story())
    noted = [fault.code for fault in relay.books.evidence(RELAY, mark)]
    assert noted == ["payload_mismatch", "bad_signature", "wrong_path", "wrong_path"]
    assert relay.books.evidence(BELOW) == []  # the county is not blamed
    assert relay.books.stored(pen.log_id, 1) == (genuine.envelope.header, genuine.envelope.payload)
    assert forged.log_id not in relay.books.heads()


def test_a_relay_that_holds_back_or_leaves_out_is_named(relay: Relay) -> None:
    """B10, B11: the task is receipted by the city and never arrives; of the county nothing is said. Both are shown."""
    made = relay.province.ask("item.issue", title="越级交办", to=[BELOW])["assignments"][0]["item"]
    now_ms = CLOCK.now_ms()

    async def story() -> None:
        async with relay.evil.link() as link:  # takes the task and says it holds it
            await link.until(lambda: [task for task in relay.evil.tasks() if task.record_id.hex() == made], "the task")
            await link.send(frames.Marks((relay.mark(RELAY, now_ms, now_ms),)))
            await link.ping()

    asyncio.run(story())
    known = until(lambda: _known(relay, made, "never"), "the province names the hop")
    assert known["label"] == "未同步"
    assert (known["hop"]["from"], known["hop"]["to"]) == (RELAY, BELOW)
    assert relay.office(RELAY)["fresh"]
    assert (relay.office(BELOW)["fresh"], relay.office(BELOW)["as_of"]) == (False, None)
    assert relay.office(BELOW)["above"] == RELAY


def test_an_old_head_served_for_ever_is_shown_as_old(relay: Relay) -> None:
    """B8: the county's mark is genuine and 40 hours old, and is all that ever comes."""
    now_ms = CLOCK.now_ms()
    old = relay.mark(BELOW, now_ms - 40 * HOUR_MS, 1)
    item = relay.province.ask("item.issue", title="越级交办之二", to=[BELOW])["assignments"][0]["item"]

    async def story() -> None:
        async with relay.evil.link() as link:
            await link.until(lambda: [task for task in relay.evil.tasks() if task.record_id.hex() == item], "the task")
            fresh = relay.mark(RELAY, CLOCK.now_ms(), now_ms + 1)
            for _ in range(3):
                await link.send(frames.Marks((fresh, old)))
                await link.ping()
            forged = relay.mark(RELAY, now_ms, 2)._replace(body=old.body)  # with a newer one it cannot help
            await link.send(frames.Marks((forged,)))
            await link.ping()

    mark = relay.books.last_evidence()
    asyncio.run(story())
    shown = until(lambda: relay.office(BELOW)["as_of"] and relay.office(BELOW), "the county's mark is known")
    assert not shown["fresh"]
    noted = until(lambda: relay.books.evidence(RELAY, mark), "the forged mark is noted")
    assert [fault.code for fault in noted] == ["bad_signature"]
    known = until(lambda: _known(relay, item, "silent"), "未同步, behind the city")
    assert (known["hop"]["from"], known["hop"]["to"]) == (RELAY, BELOW)


def _known(relay: Relay, item: str, reason: str) -> dict[str, Any] | None:
    known = relay.province.ask("item.show", item=item)["known"]
    return known if known["hop"] and known["hop"]["reason"] == reason else None


def test_a_backdated_answer_is_shown_with_when_it_came_and_never_before_its_question(city: City) -> None:
    """K2: 签收 claimed for the day before the task was given."""
    evil = city.another_evil()
    task = city.city.ask("item.issue", title="倒签", to=[evil.code])["assignments"][0]["item"]
    pen = evil.pen()
    item = bytes.fromhex(task)
    claimed_ms = CLOCK.now_ms() - DAY_MS
    acts = [pen.write(kind, Act("倒签"), item=item, re=(item,), claimed_ms=claimed_ms)
            for kind in (Kind.DELIVERED, Kind.SIGN)]

    async def story(link: Link) -> None:
        await link.until(evil.tasks, "the task")
        await link.publish(*acts)

    with city.unharmed(evil):
        city.run(story, evil)
    shown = until(lambda: _signed(city, task), "signed")
    lines = {line["record"]: line for line in shown["timeline"]}
    given = next(line for line in shown["timeline"] if line["kind_label"] == "交办")
    for act in acts:
        line = lines[act.record_id.hex()]
        assert line["effect"] == "applied"
        assert line["recorded_at"] < given["recorded_at"] <= line["received_at"]


def _signed(city: City, task: str) -> dict[str, Any] | None:
    shown: dict[str, Any] = city.city.ask("item.show", item=task)
    return shown if shown["state"] == "signed" else None
