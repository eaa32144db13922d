"""Builds the facts of one item the way its offices would write them, each from what it has seen so far."""

import hashlib
from typing import Any

from node.items.fact import Fact
from node.items.fold import ItemState, fold
from node.items.guards import answers
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import SOLE, Act, Opening

P, C, K = "320000", "320500", "320583"
DUE = 20_000


def a_hash(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


class Item:
    """One item under construction. ``facts`` is everything written; an office may have seen less of it."""

    def __init__(
        self, path: tuple[str, ...] = (P, C), author: str = "", kind: Kind = Kind.ASSIGN, *,
        version: int = 2, **opening: Any,
    ) -> None:
        self.line = Line(path)
        self.facts: list[Fact] = []
        self.seqs: dict[tuple[str, int], int] = {}
        self.item_id = a_hash("item", path, author, kind)
        fields: dict[str, Any] = {"title": "一事", "due_day": DUE}
        if kind == Kind.ASSIGN:
            fields |= {"receiver": path[-1], "role": SOLE}
        fact = self.fact(kind, author or path[0], Opening(**(fields | opening)), (), record_id=self.item_id)
        self.add(fact._replace(semantic_version=version))

    @classmethod
    def own(cls, office: str = P, **opening: Any) -> "Item":
        return cls((office,), office, Kind.REGISTER, **opening)

    def fact(
        self, kind: int, author: str, payload: Any, re: tuple[bytes, ...], *, record_id: bytes = b"", epoch: int = 1,
    ) -> Fact:
        seq = self.seqs[author, epoch] = self.seqs.get((author, epoch), 0) + 1
        name = a_hash(self.item_id, author, epoch, seq, kind, payload, re)
        time = 1_700_000_000_000 + 1000 * len(self.facts)
        return Fact(record_id or name, int(kind), author, epoch, seq, self.line, self.item_id, 0, re, b"", time,
                    time + 5, a_hash("payload", name), 1, 2, payload, "ok")

    def add(self, fact: Fact) -> Fact:
        self.facts.append(fact)
        return fact

    def act(
        self, kind: Kind, author: str, *, seen: list[Fact] | None = None, re: tuple[bytes, ...] | None = None,
        epoch: int = 1, **fields: Any,
    ) -> Fact:
        """Write an act whose author has seen ``seen`` (default: everything)."""
        if re is None:
            re = answers(fold(self.item_id, self.facts if seen is None else seen), kind)
        return self.add(self.fact(kind, author, Act(**fields), re, epoch=epoch))

    @property
    def state(self) -> ItemState:
        return fold(self.item_id, self.facts)

    def effect(self, fact: Fact) -> str:
        return self.state.effects[fact.record_id]


def signed(path: tuple[str, ...] = (P, C), author: str = P) -> Item:
    """A task that was delivered and signed for."""
    item = Item(path, author)
    item.act(Kind.DELIVERED, path[-1])
    item.act(Kind.SIGN, path[-1])
    return item


def reissue(fact: Fact, *, epoch: int = 2, seq: int = 0) -> Fact:
    """The same declaration again, in another epoch of its author."""
    return fact._replace(
        record_id=a_hash("copy", fact.record_id, epoch), epoch=epoch, seq=seq or fact.seq, reissue_of=fact.record_id,
        claimed_ms=fact.claimed_ms + 10_000_000, received_ms=fact.received_ms + 10_000_000,
    )  # fmt: skip
