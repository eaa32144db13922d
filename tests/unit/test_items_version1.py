"""Items of semantic version 1 fold for ever as the release that wrote them folded them (golden: its own digests)."""

import hashlib
from typing import Any

from node.items.digest import digest
from node.items.fact import Fact
from node.items.fold import ItemState, fold
from node.records.line import Line
from node.records.payload import Act, Attachment, Opening

HISTORIES = 600
SHOWN = 24
# Made by the code of version 0.1 (commit 1e20880), which knew version 1 only: the first 16 digits of the first 24, and
# SHA-256 over all 600 with the effect of every record.
GOLDEN = """
ed8d72a05948cb2a 4dc997659228d446 6371101a16fef8d8 e0dd275bf1cef44f b33c7efb7ae12723 5bb507fcf8c735b6
ebc7149a45d506fc cf93a2b0008fd6e7 565a8cf14d2f7487 96e88921dbe6b8a0 6ab9287bb30dde05 9a33cc826e2b98b3
8296058d61db35be 6fbaae2cfcc07d16 702654c0122bc6aa e649caaa3495e574 2955e6ef77b9d487 62d76e3aea8d6347
a6d10df3a40e64ce 2358b8e2b7bbb9c0 675525b23d6e6f86 e5baca1cfe3018e9 5bddcf71c6029284 f13fb5f9db306e00
"""
GOLDEN_OF_ALL = "f54232ab28b2a48c636c954fd8c21bfa811d5146471918b2fefdb7e06992d731"
# Kinds of version 1 by number, more often those that move something; then kinds of later versions and unknown ones.
ASSIGNED_KINDS = (11, 12, 12, 12, 13, 14, 15, 16, 17, 17, 19, 20, 24, 25, 25, 25, 26, 26, 27, 27, 30, 32, 35)
OWN_KINDS = (6, 6, 17, 17, 19, 24, 25, 25, 26, 27, 27, 30, 32)
LATER_KINDS = (2, 3, 5, 7, 18, 21, 22, 23, 28, 29, 31, 33, 34, 36, 37, 100, 101, 104, 111, 1500)
PATHS = (("320000", "320500"), ("320000", "320500", "320583"), ("320000", "320500", "320583"), ("320000",))
BELOW = {11, 12, 13, 16, 17, 19, 25}


def name_of(*parts: object) -> bytes:
    return hashlib.sha256("/".join(str(part) for part in parts).encode()).digest()


class Dice:
    """Numbers that no version of Python changes."""

    def __init__(self, seed: int) -> None:
        self.seed, self.count = seed, 0

    def __call__(self, sides: int) -> int:
        self.count += 1
        return int.from_bytes(name_of("dice", self.seed, self.count)[:4], "big") % sides


def act_of(dice: Dice, number: int) -> Act:
    fields: dict[str, Any] = {"text": "已办"}
    if dice(3) == 0:
        fields["percent"] = dice(101)
    if dice(3) == 0:
        fields["due_day"] = 20_000 + dice(9)
    if dice(4) == 0:
        fields["children"] = (name_of("child", number),)
    if dice(6) == 0:
        fields["successor"] = name_of("successor", number)
    if dice(4) == 0:
        fields["attachments"] = (Attachment(name_of("file", number), bytes(32), number, "附件.pdf"),)
    return Act(**fields)


def history(seed: int) -> tuple[bytes, list[Fact]]:
    """Mostly what honest offices write, with races, copies, erased records, lies and records of later kinds."""
    dice = Dice(seed)
    path = PATHS[dice(4)]
    issuer = path[dice(len(path) - 1)] if len(path) > 1 else path[0]
    item = name_of("item", seed)
    opening = Opening("一事", due_day=20_000 + dice(3), receiver=path[-1] if len(path) > 1 else "",
                      role=1 + dice(3) if len(path) > 1 else 0)
    facts = [Fact(item, 10 if len(path) > 1 else 1, issuer, 1, 1, Line(path), item, 1, (), b"", 1_000, 1_005,
                  name_of("payload", seed), 1, 2, opening, "ok")]
    seqs = {issuer: 1}
    for number in range(dice(18)):
        kinds = ASSIGNED_KINDS if len(path) > 1 else OWN_KINDS
        kind = LATER_KINDS[dice(len(LATER_KINDS))] if dice(15) == 0 else kinds[dice(len(kinds))]
        if kind in (15, 32) and dice(4):
            kind = 27 if dice(2) else 20
        author = path[-1] if kind in BELOW else issuer
        if dice(8) == 0:
            author = path[dice(len(path))]
        known = facts[: 1 + dice(len(facts))] if dice(3) == 0 else facts
        seen = fold(item, known)
        re = [seen.version, seen.submission, seen.refusal, *seen.last]
        if dice(10) == 0:
            re.append(facts[dice(len(facts))].record_id)
        seqs[author] = seqs.get(author, 0) + 1
        body: Any = "ok" if dice(12) else ("erased", "malformed")[dice(2)]
        fact = Fact(name_of("fact", seed, number), kind, author, 1, seqs[author], Line(path), item, 0,
                    tuple(dict.fromkeys(name for name in re if name)), b"", 2_000 + number, 2_005 + number,
                    name_of("payload", seed, number), 1, 2, act_of(dice, number) if body == "ok" else None, body)
        facts.append(fact)
        if dice(9) == 0:
            facts.append(fact._replace(record_id=name_of("copy", seed, number), epoch=2, reissue_of=fact.record_id))
    # Some have not arrived everywhere.
    return item, [fact for fact in facts if dice(25)] if dice(4) == 0 else facts


def told(state: ItemState) -> str:
    effects = sorted((name.hex(), effect) for name, effect in state.effects.items())
    return f"{digest(state).hex()} {state.issuer} {state.successor.hex()} {state.version.hex()} {effects}"


def test_version_1_folds_as_before() -> None:
    states = [fold(*history(seed)) for seed in range(HISTORIES)]
    assert [digest(state).hex()[:16] for state in states[:SHOWN]] == GOLDEN.split()
    assert hashlib.sha256("\n".join(told(state) for state in states).encode()).hexdigest() == GOLDEN_OF_ALL
    reached = {state.state for state in states}
    assert reached >= {"registered", "assigned", "delivered", "signed", "refused", "active", "submitted", "returned",
                       "accepted", "closed", "cancelled"}  # fmt: skip
    effects = {effect for state in states for effect in state.effects.values()}
    assert effects == {"applied", "waiting", "late", "invalid", "superseded", "unknown", "erased"}
