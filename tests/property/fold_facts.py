"""Builds the facts of one item the way its offices would write them, each from what it has seen so far."""

import hashlib
from collections.abc import Callable
from typing import Any

from node.errors import DulianError
from node.items.fact import Fact
from node.items.fold import ItemState, fold
from node.items.guards import allowed, answers, check_act
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import SOLE, Act, Enclosure, Opening
from node.records.track import (
    ADOPTED,
    CLEARED,
    GRANTED,
    OPEN,
    REPORTED,
    STARTED,
    ChainStep,
    Duty,
    Finding,
    Milestone,
    RectifyLine,
    Track,
)

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
        actor: int = 1,
    ) -> Fact:
        seq = self.seqs[author, epoch] = self.seqs.get((author, epoch), 0) + 1
        name = a_hash(self.item_id, author, epoch, seq, kind, payload, re)
        time = 1_700_000_000_000 + 1000 * len(self.facts)
        return Fact(record_id or name, int(kind), author, epoch, seq, self.line, self.item_id, 0, re, b"", time,
                    time + 5, a_hash("payload", name), actor, 2, payload, "ok")

    def add(self, fact: Fact) -> Fact:
        self.facts.append(fact)
        return fact

    def act(
        self, kind: Kind, author: str, *, seen: list[Fact] | None = None, re: tuple[bytes, ...] | None = None,
        epoch: int = 1, actor: int = 1, **fields: Any,
    ) -> Fact:
        """Write an act whose author has seen ``seen`` (default: everything)."""
        if re is None:
            re = answers(fold(self.item_id, self.facts if seen is None else seen), kind)
        payload = Enclosure("转送", "", ()) if kind == Kind.ENCLOSE else Act(**fields)
        return self.add(self.fact(kind, author, payload, re, epoch=epoch, actor=actor))

    def track(self, kind: Kind, author: str, *, actor: int = 1, seen: list[Fact] | None = None, **fields: Any) -> Fact:
        """Write an act with a track; ``text``, ``due_day``, ``unit``, ``successor`` go into the act itself."""
        own = {name: fields.pop(name) for name in ("text", "due_day", "unit", "person", "successor") if name in fields}
        return self.act(kind, author, actor=actor, seen=seen, track=Track(**fields), **own)

    @property
    def state(self) -> ItemState:
        return fold(self.item_id, self.facts)

    def effect(self, fact: Fact) -> str:
        return self.state.effects[fact.record_id]


def signed(path: tuple[str, ...] = (P, C), author: str = P, *, version: int = 2) -> Item:
    """A task that was delivered and signed for."""
    item = Item(path, author, version=version)
    item.act(Kind.DELIVERED, path[-1])
    item.act(Kind.SIGN, path[-1])
    return item


def reissue(fact: Fact, *, epoch: int = 2, seq: int = 0) -> Fact:
    """The same declaration again, in another epoch of its author."""
    return fact._replace(
        record_id=a_hash("copy", fact.record_id, epoch), epoch=epoch, seq=seq or fact.seq, reissue_of=fact.record_id,
        claimed_ms=fact.claimed_ms + 10_000_000, received_ms=fact.received_ms + 10_000_000,
    )  # fmt: skip


# ----------------------------------------------------------------------- what an honest office writes beside its act

SERIAL = (ChainStep(("督查室主任",), "审核"), ChainStep(("政府办主任", "分管副县长"), "审定"))
ANY_ONE = (ChainStep(("政府办主任", "督查室负责人"), "审核", any_one=True), ChainStep(("县长",), "签发"))
CHAINS = ((), SERIAL, ANY_ONE)


def writable(state: ItemState, office: str) -> list[Kind]:
    """The kinds ``office`` may write now, with those that nobody is told to."""
    kinds = list(allowed(state, office))
    for kind in (Kind.DELIVERED, Kind.ENCLOSE, Kind.DISPATCH):
        try:
            check_act(state, kind, office)
        except DulianError:
            continue
        kinds.append(kind)
    return kinds


def fitting(state: ItemState, kind: Kind, office: str, number: int) -> dict[str, Any]:
    """Fields of an act that fits the item as its author sees it, with the actor; ``number`` chooses among several."""
    if state.semantic_version > 1 and kind in _TRACKS:
        return _TRACKS[kind](state, office, number)
    if kind == Kind.PROGRESS:
        return {"text": "进展", "percent": number * 7 % 101}
    if kind in (Kind.RETURN, Kind.CHANGE):
        return {"due_day": DUE + number % 3}
    if kind in (Kind.DISPATCH, Kind.DECOMPOSE):
        return {"children": (a_hash("child", number),)}
    return {"successor": a_hash("successor", number)} if kind in (Kind.REASSIGN, Kind.MERGE) else {}


def _propose(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del state, office
    return {"track": Track(steps=CHAINS[number % 3])}


def _plan(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del state, office
    return {"track": Track(steps=CHAINS[number % 3], milestones=(Milestone(f"k{number % 2}", "节点", DUE),))}


def _approve(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del office
    approval = state.tracks.approval
    missing = [post for post in approval.steps[approval.step].posts if post not in approval.posts_done(approval.step)]
    return {"track": Track(post=missing[number % len(missing)]), "actor": 2 + len(approval.done)}


def _ext_request(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del state, office
    return {"text": "进度与原因", "due_day": DUE + 10 + number % 5}


def _ext_decision(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del state, office
    verdict = 1 + number % 3
    return {"track": Track(verdict=verdict), "due_day": DUE + 9 if verdict == GRANTED and number % 2 else 0}


def _slip(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del office
    colour = ("white", "yellow", "red")[min(len(state.tracks.slips), 2)]
    return {"track": Track(colour=colour, rule="xianyang-001/1 ladder", entries=("整改标准",)), "due_day": DUE + number}


def _justify_decision(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del state, office
    return {"track": Track(verdict=1 + number % 2)}


def _milestone(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del state, office
    return {"track": Track(milestones=(Milestone(f"k{number % 3}", "", DUE - number, DUE * (number % 2)),))}


def _rectify(state: ItemState, office: str, number: int) -> dict[str, Any]:
    supervises = office != state.receiver or state.issuer == state.receiver
    known = [line.key for line in state.tracks.lines]
    if supervises and (not known or number % 2):
        return {"track": Track(lines=(RectifyLine(f"l{number % 4}", "整改", "建设局", "李四", DUE, OPEN),))}
    status = CLEARED if supervises else REPORTED
    return {"track": Track(lines=tuple(RectifyLine(key, status=status) for key in known[: 1 + number % 2]))}


def _verify(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del state, office
    return {"track": Track(verdict=number % 3, findings=(Finding("整改是否到位", bool(number % 2)),))}


def _reinspect(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del office
    verdict = number % 3 if state.state == "reinspecting" else STARTED
    return {"track": Track(verdict=verdict), "successor": b"" if verdict else a_hash("again", number)}


def _score(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del office
    open_ = [score.record_id for score in state.tracks.scores if not score.verdict]
    if open_ and number % 2:
        return {"track": Track(verdict=ADOPTED + number % 2, cause=open_[0])}
    return {"track": Track(points_milli=-300, rule="xianyang-001/1 score", cause=state.item_id), "unit": "建设局"}


def _handle(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del state, office
    return {"unit": f"{number % 2}科", "person": "王五", "due_day": DUE, "track": Track(duties=(Duty("1", "王五"),))}


def _archive(state: ItemState, office: str, number: int) -> dict[str, Any]:
    del state, office, number
    return {"track": Track(entries=("批示件", "查办报告 2 份"))}


_TRACKS: dict[int, Callable[[ItemState, str, int], dict[str, Any]]] = {
    Kind.PROPOSE: _propose, Kind.PLAN: _plan, Kind.APPROVE: _approve, Kind.EXT_REQUEST: _ext_request,
    Kind.EXT_DECISION: _ext_decision, Kind.SLIP: _slip, Kind.JUSTIFY_DECISION: _justify_decision,
    Kind.MILESTONE: _milestone, Kind.RECTIFY: _rectify, Kind.VERIFY: _verify, Kind.REINSPECT: _reinspect,
    Kind.SCORE: _score, Kind.HANDLE: _handle, Kind.ARCHIVE: _archive,
}  # fmt: skip
