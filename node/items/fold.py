"""The fold: records → item, pure, total and the same at every holder of the same records. Semantic versions 1 and 2.

Rules of this file:

1. `fold` never raises and asks neither clock nor order of arrival. Times pass through to be shown; no state, effect or
   digest depends on them.
2. Only facts on exactly the opening's line count (closure); others are ``invalid`` and not in the digest.
3. Effects: ``applied``; ``waiting`` for what it answers or for the opening; ``late`` = answers what is no longer in
   force, comes after its moment or the item's end, or (version 2) is out of place because it rests on what was late
   (kept; its attachments count as 补充材料); ``invalid`` = wrong
   author, item, line, kind for this item, contradicting re-issue, or unreadable; ``superseded`` = a report replaced by
   the same receiver's next before it was answered; ``unknown`` = a kind or semantic version this release does not
   know; ``erased`` = applied without its payload.
4. An erased record keeps what its header says: who did what in answer to what, so the state moves as before. What its
   payload said (per cent, due date, children, attachments, successor) is gone; an erased opening has no due date, no
   title and role 0.
5. An item of an unknown semantic version shows its opening and stays in the opening state; all else is ``unknown``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from node.items import lifecycle
from node.items.beside import EMPTY, Tracks
from node.items.fact import Fact
from node.items.lifecycle import ASSIGNED, REGISTERED, TERMINAL, Rule
from node.items.order import Order, arrange, opening_of
from node.items.tracks import ANSWERED, Event, opened, step
from node.items.versions import KINDS, LIVES, Life
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import LEAD, SOLE, Act, Attachment, Enclosure, Opening

APPLIED, WAITING, LATE, INVALID = "applied", "waiting", "late", "invalid"
SUPERSEDED, UNKNOWN, ERASED = "superseded", "unknown", "erased"
EFFECTIVE = frozenset({APPLIED, SUPERSEDED, ERASED})
# Plain numbers: asking the enumeration for a member costs as much as a step of the fold, several times for each record.
_ACCEPT, _ASSIGN, _CHANGE, _DECOMPOSE = map(int, (Kind.ACCEPT, Kind.ASSIGN, Kind.CHANGE, Kind.DECOMPOSE))
_DISPATCH, _ENCLOSE, _FINAL, _INSIST = map(int, (Kind.DISPATCH, Kind.ENCLOSE, Kind.FINAL, Kind.INSIST))
_MERGE, _PROGRESS, _REASSIGN, _REFUSE = map(int, (Kind.MERGE, Kind.PROGRESS, Kind.REASSIGN, Kind.REFUSE))
_REGISTER, _RETURN, _TAKE_OVER, _URGE = map(int, (Kind.REGISTER, Kind.RETURN, Kind.TAKE_OVER, Kind.URGE))


class Counters(NamedTuple):
    """How often: 催办, 退回, 进展, 办结报告."""

    urges: int = 0
    returns: int = 0
    reports: int = 0
    submissions: int = 0


class ItemState(NamedTuple):
    """An item as its records make it. Times are claimed milliseconds since 1970 UTC, 0 = none; no digest has them.

    ``state`` is None while there is no valid opening. ``version``, ``submission`` and ``refusal`` are the ids in force
    that answers must name; ``last`` the last effective declaration of each author. ``declarations`` are the sorted
    (original id, effect) of the digest; ``effects`` has every record given. ``due_day`` is days since 1970, 0 = none.
    """

    item_id: bytes
    semantic_version: int = 0
    opened: bool = False
    kind: str = ""
    issuer: str = ""
    receiver: str = ""
    role: int = 0
    lead: str = ""
    opening: Opening | None = None
    line: Line | None = None
    state: str | None = None
    due_day: int = 0
    percent: int = 0
    counters: Counters = Counters()
    attachments: tuple[Attachment, ...] = ()
    parent: bytes = b""
    children: tuple[bytes, ...] = ()
    successor: bytes = b""
    version: bytes = b""
    submission: bytes = b""
    refusal: bytes = b""
    last: tuple[bytes, ...] = ()
    opened_at: tuple[str, int, int] = ("", 0, 0)
    opened_ms: int = 0
    submitted_ms: int = 0
    updated_ms: int = 0
    declarations: tuple[tuple[bytes, str], ...] = ()
    tracks: Tracks = EMPTY
    effects: dict[bytes, str] = {}  # noqa: RUF012 - a default that is never handed out: fold always gives its own


def fold(item_id: bytes, facts: Iterable[Fact]) -> ItemState:
    """Return the item's state and the effect of every fact given."""
    return begin(item_id, facts)[0]


def begin(item_id: bytes, facts: Iterable[Fact]) -> tuple[ItemState, Run | None]:
    """The item's state, and the pass that made it, which `growing` may go on with; None while the opening is absent."""
    unique: dict[bytes, Fact] = {}
    for fact in facts:
        known = unique.setdefault(fact.record_id, fact)
        if known is not fact and (fact.body != "ok", fact.received_ms) < (known.body != "ok", known.received_ms):
            unique[fact.record_id] = fact
    opening = opening_of(item_id, unique)
    if opening is None:
        effects = {record_id: WAITING if fact.item == item_id else INVALID for record_id, fact in unique.items()}
        return ItemState(item_id, effects=effects), None
    line = opening.line
    effects = {}
    held: dict[bytes, Fact] = {}
    for record_id, fact in unique.items():
        if fact.item == item_id and fact.line == line:
            held[record_id] = fact
        else:
            effects[record_id] = INVALID
    life = LIVES.get(opening.semantic_version)
    order = arrange(held, line.path, life.kinds if life is not None else KINDS)
    run = Run(item_id, opening, order, life)
    run.apply_all()
    return run.result(effects, held), run


class Run:
    """One pass over the declarations of one item, in order."""

    __slots__ = (
        "children", "claimants", "due_day", "effects", "files", "issuer", "item_id", "kind", "last", "life", "opening",
        "opening_index", "order", "overtaken", "percent", "receiver", "refusal", "reports", "returns", "role", "rules",
        "state", "submission", "submissions", "submitted_ms", "successor", "times", "tracks", "updated_ms", "urges",
        "version",
    )  # fmt: skip

    def __init__(self, item_id: bytes, opening: Fact, order: Order, life: Life | None) -> None:
        self.item_id = item_id
        self.life = life  # None: a version this release does not know
        self.tracks = EMPTY
        self.order = order
        self.opening_index = self.version = order.place[opening.record_id]
        self.opening = order.facts[self.opening_index]
        self.rules: dict[int, Rule] = {}
        self.kind = self.issuer = self.receiver = ""
        self.state: str | None = None
        self.role = self.due_day = self.percent = 0
        self.urges = self.returns = self.reports = self.submissions = 0
        self.submission = self.refusal = -1
        self.submitted_ms = self.updated_ms = 0
        self.successor = b""
        self.children: dict[bytes, None] = {}
        self.files: dict[bytes, Attachment] = {}
        self.last: dict[str, int] = {}
        self.claimants: set[str] = set()
        self.overtaken: set[str] = set()  # authors of what was late so far
        self.effects = [WAITING] * len(order.facts)
        self.times = [0] * len(order.facts)

    @property
    def goes_on(self) -> bool:
        """Whether acts have an effect: the opening is valid and its version known."""
        return self.state is not None and self.life is not None

    def knows(self, kind: int) -> bool:
        """Whether a kind acts on items of this version: what it answers counts."""
        return self.life is not None and kind in self.life.kinds

    def apply_all(self) -> None:
        """Fill in effects and state."""
        effects, first = self.effects, self.opening_index
        opened = effects[first] = self._open()
        if opened in EFFECTIVE:
            self.times[first] = self.opening.claimed_ms
            self.last[self.opening.author] = first
        if self.goes_on:
            self._apply_these(self.order.sequence)
            return
        rest = INVALID if opened == INVALID else UNKNOWN
        for i in range(len(effects)):
            if i != first:
                effects[i] = rest

    def add(self, i: int) -> None:
        """Apply a declaration that was put behind all others in the order."""
        self.effects.append(WAITING)
        self.times.append(0)
        self._apply_these((i,))
        if self.effects[i] in EFFECTIVE:
            self.updated_ms = max(self.updated_ms, self.times[i])

    def _apply_these(self, sequence: Iterable[int]) -> None:
        effects, times, last, first = self.effects, self.times, self.last, self.opening_index
        facts, answered = self.order.facts, self.order.answered
        for i in sequence:
            if i == first:
                continue
            fact = facts[i]
            found = answered[i]
            # Never earlier than what it answers.
            time = fact.claimed_ms
            for j in found:
                if times[j] > time:  # noqa: PLR1730 - the hot loop
                    time = times[j]
            times[i] = time
            effect = self._step(i, fact, found)
            if effect == APPLIED:
                last[fact.author] = i
                if fact.body == "erased":
                    effect = ERASED
            elif effect == LATE:
                self.overtaken.add(fact.author)
            effects[i] = effect

    def _open(self) -> str:
        """Read the opening; return its effect. The state stays None where it opens nothing."""
        fact = self.opening
        current = self.life is not None
        payload = fact.payload if fact.body == "ok" and isinstance(fact.payload, Opening) else None
        readable = payload is not None or fact.body == "erased"
        if not readable or fact.kind not in (_REGISTER, _ASSIGN):
            return INVALID if current else UNKNOWN
        path = fact.line.path
        if fact.kind == _REGISTER:
            valid = path == (fact.author,)
            kind, receiver, state = "registered", fact.author, REGISTERED
        else:
            receiver = path[-1]
            valid = fact.author in path[:-1] and (
                payload is None or (payload.receiver == receiver and LEAD <= payload.role <= SOLE))
            kind, state = "assignment", ASSIGNED
        if current and (not valid or fact.line.subtree):
            return INVALID
        self.kind, self.receiver, self.state = kind, receiver, state
        self.issuer = fact.author
        self.claimants.add(fact.author)
        self.rules = self.life.rules_of(kind) if self.life is not None else {}
        if payload is None:
            return ERASED
        self.role = payload.role if kind == "assignment" else 0
        self.due_day = max(payload.due_day, 0)
        if fact.semantic_version > 1:
            self.tracks = opened(self.item_id, payload)
        self._keep(payload.attachments)
        return APPLIED

    def _step(self, i: int, fact: Fact, found: tuple[int, ...]) -> str:
        """Apply one declaration; return its effect."""
        rule = self.rules.get(fact.kind)
        if rule is None:
            known = self.life is not None and fact.kind in self.life.kinds
            return INVALID if known or fact.semantic_version else UNKNOWN
        act = fact.payload if fact.body == "ok" else None
        fitting = isinstance(act, Enclosure if fact.kind == _ENCLOSE else Act)
        if fact.semantic_version or not (fitting or fact.body == "erased"):
            return INVALID
        author = fact.author
        if not self._may(rule, author):
            # Who was the issuer until an office above took over, or whose taking over came late, has not done wrong.
            return LATE if rule.authority == "issuer" and author in self.claimants else INVALID
        if author != self.issuer and fact.kind == _TAKE_OVER:
            self.claimants.add(author)
        files = act.attachments if isinstance(act, Act) else ()
        state = self.state or ""
        target = rule.moves.get(state)
        if target is None and state in TERMINAL:
            if files:
                self._keep(files)
            return LATE
        if rule.needs and not self._in_force(rule.needs, found):
            if rule.needs == "version":
                late = bool(found)
            else:
                late = any(self.order.facts[j].kind in ANSWERED[rule.needs] for j in found)
            effect = LATE if late else INVALID
        elif target is None:
            effect = LATE if lifecycle.STAGE[state] > rule.last_stage else INVALID
        else:
            effect = self._apply(i, fact, rule, target)
        if effect == INVALID and self.opening.semantic_version > 1 and self._overtaken(author, found):
            effect = LATE
        if files and effect != INVALID:
            self._keep(files)
        return effect

    def _overtaken(self, author: str, found: tuple[int, ...]) -> bool:
        """Whether what is out of place may rest on what came late and stood when the author wrote: then it is late."""
        facts, overtaken = self.order.facts, self.overtaken
        return author in overtaken or any(facts[j].author in overtaken for j in found)

    def _apply(self, i: int, fact: Fact, rule: Rule, target: str) -> str:
        """Move the state and keep what else the act says; ``target`` is where the tables lead."""
        act = fact.payload if isinstance(fact.payload, Act) else None
        due_day = 0
        if self.opening.semantic_version > 1:
            state = self.state or ""
            if rule.outcomes and act is not None:
                outcomes = rule.outcomes.get(act.track.verdict if act.track is not None else 0)
                if outcomes is None or state not in outcomes:
                    # What is concluded may have been concluded by another office above.
                    return INVALID if outcomes is None else LATE
                target = outcomes[state]
            event = Event(
                self.order.ids[i], fact.kind, state, fact.author, self.issuer, self.receiver, fact.actor, act)
            done = step(self.tracks, event)
            if done.effect:
                return done.effect
            self.tracks, due_day, target = done.tracks, done.due_day, done.state or target
        self.state = target
        self.due_day = due_day or self.due_day
        self._consequences(i, fact.kind, act)
        return APPLIED

    def _may(self, rule: Rule, author: str) -> bool:
        if rule.authority == "receiver":
            return author == self.receiver
        if rule.authority == "issuer_or_above":
            return author in self.opening.line.path[:-1] or author == self.issuer
        return author in self.opening.line.path if rule.authority == "party" else author == self.issuer

    def _in_force(self, needs: str, found: tuple[int, ...]) -> bool:
        if needs == "version":
            return self.version in found
        if needs in ("submission", "refusal"):
            return (self.submission if needs == "submission" else self.refusal) in found
        wanted = self.tracks.in_force(needs)
        return bool(wanted) and any(self.order.ids[j] == wanted for j in found)

    def _consequences(self, i: int, kind: int, act: Act | None) -> None:
        """What an applied record does beside moving the state."""
        if kind == _PROGRESS:
            self.reports += 1
            # An accepted task stays at 100.
            if act is not None and act.percent >= 0 and self.state not in lifecycle.DONE:
                self.percent = min(act.percent, 100)
        elif kind == _FINAL:
            if self.submission >= 0:
                self.effects[self.submission] = SUPERSEDED
            self.submission = i
            self.submissions += 1
            self.submitted_ms = self.times[i]
        elif kind == _URGE:
            self.urges += 1
        elif kind == _ACCEPT:
            self.percent = 100
        elif kind == _REFUSE:
            self.refusal = i
        elif kind in (_DECOMPOSE, _DISPATCH):
            if act is not None:
                self.children.update(dict.fromkeys(act.children))
        elif kind in (_REASSIGN, _MERGE):
            self.successor = act.successor if act is not None else b""
        if kind in lifecycle.NEW_VERSION:
            self.version = i
            if act is not None and act.due_day > 0 and kind in (_RETURN, _CHANGE):
                self.due_day = act.due_day
            if kind == _RETURN:
                self.returns += 1
                self.submission = -1
                self.submitted_ms = 0
            elif kind == _INSIST:
                self.refusal = -1
            elif kind == _TAKE_OVER:
                self.issuer = self.order.facts[i].author

    def _keep(self, files: tuple[Attachment, ...]) -> None:
        for file in files:
            self.files[file.hash] = min(file, self.files.get(file.hash, file))  # whatever the order of late records

    def result(self, effects: dict[bytes, str], held: dict[bytes, Fact]) -> ItemState:
        """The item; ``effects`` comes with the records that were set aside before, ``held`` are the others."""
        order, ids, by_index = self.order, self.order.ids, self.effects
        place = order.place
        for record_id in held:
            i = place.get(record_id)
            effects[record_id] = by_index[i] if i is not None else INVALID
        declarations = list(zip(ids, by_index, strict=True))
        declarations += [(fact.record_id, INVALID) for fact in order.inconsistent]
        declarations.sort()
        self.updated_ms = max(
            (time for time, effect in zip(self.times, by_index, strict=True) if effect in EFFECTIVE), default=0)
        return self.state_of(tuple(declarations), effects)

    def state_of(self, declarations: tuple[tuple[bytes, str], ...], effects: dict[bytes, str]) -> ItemState:
        """The item as it stands now, with the effects as they were put together."""
        opening, ids = self.opening, self.order.ids
        payload = opening.payload if isinstance(opening.payload, Opening) and self.state is not None else None
        return ItemState(
            self.item_id, opening.semantic_version, self.state is not None, self.kind, self.issuer, self.receiver,
            self.role, payload.lead if payload is not None else "", payload, opening.line, self.state, self.due_day,
            self.percent, Counters(self.urges, self.returns, self.reports, self.submissions),
            tuple(sorted(self.files.values())), payload.parent if payload is not None else b"", tuple(self.children),
            self.successor, ids[self.version], ids[self.submission] if self.submission >= 0 else b"",
            ids[self.refusal] if self.refusal >= 0 else b"", tuple(sorted(ids[i] for i in self.last.values())),
            (opening.author, opening.epoch, opening.seq), opening.claimed_ms, self.submitted_ms, self.updated_ms,
            declarations, self.tracks, effects,
        )  # fmt: skip
