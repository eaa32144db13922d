"""Records no honest neighbour sends: a real node refuses each with its reason, keeps evidence and does not store it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from node.records import payload as payloads
from node.records.envelope import Envelope, Record, from_bytes
from node.records.limits import PAYLOAD_BYTES_MAX
from node.records.notes import RECEIPT
from node.records.payload import Act
from node.sync import frames
from tests.process.evil import CLOCK, Evil, Pen, new_signer
from tests.process.evil_city import City
from tests.process.evil_link import Link

ROOT, CITY, SIBLING, EVIL = "320000", "320500", "320582", "320583"
HOUR_MS = 3_600_000
UNREAD = bytes(32)  # the log a refusal names where no header could be read
Lie = Callable[[Evil], tuple[bytes, Record | Envelope]]  # the log the refusal must name, and what is sent


def of(pen: Pen, sent: Record | Envelope) -> tuple[bytes, Record | Envelope]:
    return pen.log_id, sent


def held(field: bytes) -> Callable[[bytes], bytes]:
    """Protobuf bytes behind those of the header."""
    return lambda raw: raw + field


def altered(evil: Evil) -> tuple[bytes, Envelope]:
    pen = evil.pen()
    record = pen.seal(payload=Act("真话"))
    return pen.log_id, record.envelope._replace(payload=payloads.encode(Act("假话")))


def swapped(evil: Evil) -> tuple[bytes, Envelope]:
    pen = evil.pen()
    mine, other = pen.seal(), pen.seal(payload=Act("另一条"))
    return pen.log_id, mine.envelope._replace(signature=other.envelope.signature)


def forged(author: str, *line: str, subtree: bool = False) -> Lie:
    def lie(evil: Evil) -> tuple[bytes, Record]:
        pen = evil.pen(*line, subtree=subtree, author=author)
        return pen.log_id, pen.seal()
    return lie


def lined(*line: str, subtree: bool = False) -> Lie:
    return lambda evil: of(pen := evil.pen(*line, subtree=subtree), pen.seal())


def headed(**changes: Any) -> Lie:
    return lambda evil: of(pen := evil.pen(), pen.seal(**changes))


def ahead(ms: int) -> Lie:
    return lambda evil: of(pen := evil.pen(), pen.seal(hlc_ms=CLOCK.now_ms() + ms))


def wrought(**how: Any) -> Lie:
    return lambda evil: of(pen := evil.pen(), pen.forge(**how))


def unread(**how: Any) -> Lie:
    return lambda evil: (UNREAD, evil.pen().forge(**how))


def unreadable(*parts: bytes) -> Lie:
    return lambda evil: (UNREAD, evil.pen().forge(lambda _raw: b"".join(parts)))


# (what, lie, reason, whether it is evidence): what may come right by itself is no evidence.
LIES: list[tuple[str, Lie, str, bool]] = [
    ("the sibling's code, own key", forged(SIBLING, CITY, SIBLING), "foreign_line", True),
    ("the sibling's code below its own", forged(SIBLING, CITY, EVIL, SIBLING), "wrong_path", True),
    ("the parent's code, own key", forged(CITY, CITY, EVIL), "wrong_path", True),
    ("the parent's code on its office line", forged(CITY, ROOT, CITY, subtree=True), "wrong_path", True),
    ("the grandparent's code, own key", forged(ROOT, ROOT, CITY, EVIL), "wrong_side", True),
    ("an unknown office below, own key", forged("320583001", CITY, EVIL, "320583001"), "wrong_path", True),
    ("an unknown key", lambda evil: of(pen := evil.pen(signer=new_signer()), pen.seal()), "unknown_key", False),
    ("another federation", headed(federation=bytes(32)), "foreign_federation", True),
    ("a line without the parent", lined(EVIL), "foreign_line", True),
    ("a line of strangers", lined("110000", EVIL), "foreign_line", True),
    ("itself above its parent", lined(EVIL, CITY), "foreign_line", True),
    ("itself in its parent's place", lined(ROOT, EVIL), "foreign_line", True),
    ("itself below its sibling", lined(CITY, SIBLING, EVIL), "foreign_line", True),
    ("a gap", headed(seq=3, prev=bytes(32)), "gap", False),
    ("a jump to 2^31", headed(seq=2**31, prev=bytes(32)), "gap", False),
    ("a jump to 2^32 - 1", headed(seq=2**32 - 1, prev=bytes(32)), "gap", False),
    ("a jump to 2^63", unread(seq=2**63, prev=bytes(32)), "malformed", True),
    ("a payload altered", altered, "payload_mismatch", True),
    ("the signature of another record", swapped, "bad_signature", True),
    ("a record signed as a receipt", wrought(prefix=RECEIPT), "bad_signature", True),
    ("no signature", lambda evil: of(pen := evil.pen(), pen.forge()._replace(signature=b"")), "malformed", True),
    ("a suite that is not allowed", wrought(suite=2), "unknown_suite", True),
    ("seq twice", unread(mutate=held(b"\x30\x01")), "malformed", True),
    ("author twice", unread(mutate=held(b"\x12\x06" + EVIL.encode())), "malformed", True),
    ("a payload that is too large", unread(payload=bytes(PAYLOAD_BYTES_MAX + 1)), "malformed", True),
    ("a header that is too large", unread(mutate=held(b"\xc2\x3e\x80\x40" + bytes(8_192))), "too_large", True),
    ("no header", unreadable(), "malformed", True),
    ("garbage", unreadable(b"\xff" * 200), "malformed", True),
    ("groups a thousand deep", unreadable(b"\x0b" * 1_000, b"\x0c" * 1_000), "malformed", True),
    # What one byte string could be read as in 2^700 ways would stop the node for good.
    ("a path of seven hundred townships", unread(mutate=lambda raw: raw.replace(
        b"\x22\x06", b"\x22\x09320583001" * 700 + b"\x22\x06", 1)), "malformed", True),
    ("its line twice over", lambda evil: (UNREAD, evil.pen(CITY, EVIL, CITY).forge()), "malformed", True),
    ("a code with a line break", unread(author="320583\n"), "malformed", True),
    ("the epoch zero", unread(epoch=0), "malformed", True),
    ("an hour ahead", ahead(HOUR_MS), "future", False),
    ("25 hours ahead", ahead(25 * HOUR_MS), "far_future", True),
]  # fmt: skip


@pytest.mark.parametrize(("lie", "reason", "is_evidence"), [lie[1:] for lie in LIES], ids=[lie[0] for lie in LIES])
def test_refused_with_its_reason_and_not_stored(city: City, lie: Lie, reason: str, is_evidence: bool) -> None:
    log_id, sent = lie(city.evil)

    async def story(link: Link) -> frames.Refusal:
        await link.offer(sent)
        refusal = await link.refusal(log_id)
        pen = city.evil.pen()
        await link.publish(pen.write())  # the connection lives, and so do its other logs
        return refusal

    with city.unharmed() as noted:
        refusal = city.run(story)
    assert (refusal.reason, refusal.held.seq) == (reason, 0)
    assert bool(refusal.retry_after_ms) == (reason in {"unknown_key", "future", "far_future"})
    assert {fault.code for fault in noted} == ({reason} if is_evidence else set())
    assert log_id not in city.books.heads()
    header = (sent.envelope if isinstance(sent, Record) else sent).header
    for fault in noted:
        assert header[:200] in fault.data or from_bytes(fault.data).header == header
