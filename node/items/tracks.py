"""Side tracks of an item, semantic version 2: approvals, 延期, 督办单, 节点, 整改, 复核, 记分 and more.

Rules of this file:

1. `step` is pure: tracks and one authorised act in, tracks out; it asks neither clock nor profile. What a profile wants
   (which chain, which colour next) is asked by guards where the act is written; the act carries what it went by.
2. An act that contradicts its track (an approval out of turn, a line that is not in the list, a verdict that its kind
   does not have) is ``invalid``; one that decides again what was decided is ``late``.
3. Ids are the declarations' (a re-issue speaks under its original's id).
4. A track may say where the state goes where the tables cannot know it: the last approval, a plan without a chain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from node.items.beside import EMPTY, Approval, Approved, Extension, Handler, Score, Slip, Tracks
from node.items.lifecycle import ESTABLISHED, PLANNING
from node.records.kinds import Kind
from node.records.payload import Act, Opening
from node.records.track import (
    ADOPTED,
    CLEARED,
    DENIED,
    DROPPED,
    GRANTED,
    JUSTIFIED,
    MOVED,
    NOTED,
    OPEN,
    REPORTED,
    REVEALED,
    UNJUSTIFIED,
    Milestone,
    Track,
)

INVALID, LATE = "invalid", "late"
_NOTHING = Track()


class Event(NamedTuple):
    """An authorised act in a state that allows it; ``act`` is None once its payload was erased."""

    record_id: bytes
    kind: int
    state: str
    author: str
    issuer: str
    receiver: str
    actor: int
    act: Act | None


class Outcome(NamedTuple):
    """The tracks after an act; ``state`` where the tables cannot know it; ``effect`` invalid, late; a new due day."""

    tracks: Tracks
    state: str = ""
    effect: str = ""
    due_day: int = 0


# What a decision answers: naming an older one of them makes it late, not invalid.
ANSWERED: dict[str, tuple[Kind, ...]] = {
    "submission": (Kind.FINAL,), "refusal": (Kind.REFUSE,), "approval": (Kind.PROPOSE, Kind.PLAN),
    "extension": (Kind.EXT_REQUEST,), "slip": (Kind.SLIP,), "justification": (Kind.JUSTIFY, Kind.SLIP),
}  # fmt: skip


def opened(item_id: bytes, opening: Opening | None) -> Tracks:
    """The tracks an opening begins with."""
    if opening is None or (opening.terms is None and not opening.due_day):
        return EMPTY
    dues = ((item_id, opening.due_day),) if opening.due_day > 0 else ()
    terms = opening.terms
    if terms is None:
        return EMPTY._replace(dues=dues)
    return EMPTY._replace(dues=dues, milestones=terms.milestones, duties=terms.duties, unclear=bool(terms.unclear))


def step(tracks: Tracks, event: Event) -> Outcome:
    """Apply an act to the tracks."""
    act = event.act
    if event.kind == Kind.ENCLOSE:
        return Outcome(tracks._replace(enclosed=(*tracks.enclosed, event.record_id)))
    if act is None:
        return Outcome(tracks)
    apply = _STEPS.get(event.kind)
    if apply is not None:
        return apply(tracks, event, act, act.track or _NOTHING)
    if event.kind in (Kind.CHANGE, Kind.RETURN) and act.due_day > 0:
        tracks = tracks._replace(dues=(*tracks.dues, (event.record_id, act.due_day)))
    if event.kind in (Kind.CHANGE, Kind.DISPATCH):
        revealed = tracks.revealed or (act.track is not None and act.track.verdict == REVEALED)
        tracks = tracks._replace(unclear=False, revealed=revealed)
    return Outcome(tracks)


def _propose(tracks: Tracks, event: Event, _act: Act, track: Track) -> Outcome:
    subject = "plan" if event.kind == Kind.PLAN else "setup"
    approval = Approval(event.record_id, subject, track.steps, event.actor)
    if subject == "setup":
        return Outcome(tracks._replace(approval=approval))
    # A plan that nobody has to approve is in force at once.
    tracks = tracks._replace(approval=approval, milestones=_merged(tracks.milestones, track.milestones))
    if track.steps:
        return Outcome(tracks)
    return Outcome(tracks._replace(plan=event.record_id), state=ESTABLISHED)


def _approve(tracks: Tracks, event: Event, _act: Act, track: Track) -> Outcome:
    approval = tracks.approval
    index = approval.step
    step_ = approval.steps[index]
    self_approved = bool(event.actor) and event.actor == approval.drafter
    if track.post not in step_.posts or track.post in approval.posts_done(index) or self_approved:
        return Outcome(tracks, event.state, INVALID)
    done = Approved(event.record_id, index, track.post, event.actor, step_.verb)
    approval = approval._replace(done=(*approval.done, done))
    tracks = tracks._replace(approval=approval)
    if not approval.complete:
        return Outcome(tracks)
    if approval.subject == "plan":
        tracks = tracks._replace(plan=approval.request)
    return Outcome(tracks, ESTABLISHED if approval.subject == "setup" or event.state == PLANNING else "")


def _reject(tracks: Tracks, _event: Event, _act: Act, _track: Track) -> Outcome:
    return Outcome(tracks._replace(approval=tracks.approval._replace(rejected=True)))


def _ext_request(tracks: Tracks, event: Event, act: Act, _track: Track) -> Outcome:
    old = tracks.extension
    new = Extension("requested", event.record_id, act.due_day, old.grants, old.requests + 1)
    return Outcome(tracks._replace(extension=new))


def _ext_decision(tracks: Tracks, event: Event, act: Act, track: Track) -> Outcome:
    old = tracks.extension
    if track.verdict == GRANTED:
        day = act.due_day or old.wanted_day
        extension = old._replace(state="granted", grants=old.grants + 1)
        dues = (*tracks.dues, (event.record_id, day)) if day > 0 else tracks.dues
        return Outcome(tracks._replace(extension=extension, dues=dues), due_day=max(day, 0))
    state = {DENIED: "denied", NOTED: "noted"}.get(track.verdict)
    if state is None:
        return Outcome(tracks, event.state, INVALID)
    return Outcome(tracks._replace(extension=old._replace(state=state)))


def _slip(tracks: Tracks, event: Event, act: Act, track: Track) -> Outcome:
    slip = Slip(event.record_id, track.colour, act.due_day, track.rule, track.entries, event.author)
    return Outcome(tracks._replace(slips=(*tracks.slips, slip)))


def _justify(tracks: Tracks, event: Event, _act: Act, _track: Track) -> Outcome:
    slip = tracks.slips[-1]._replace(justified="given", justification=event.record_id)
    return Outcome(tracks._replace(slips=(*tracks.slips[:-1], slip)))


def _justify_decision(tracks: Tracks, event: Event, _act: Act, track: Track) -> Outcome:
    wanted = tracks.in_force("justification")
    word = {JUSTIFIED: "justified", UNJUSTIFIED: "unjustified"}.get(track.verdict)
    if word is None:
        return Outcome(tracks, event.state, INVALID)
    slips = tuple(
        slip._replace(justified=word) if wanted in (slip.justification, slip.record_id) else slip
        for slip in tracks.slips
    )
    return Outcome(tracks._replace(slips=slips))


def _milestone(tracks: Tracks, _event: Event, _act: Act, track: Track) -> Outcome:
    return Outcome(tracks._replace(milestones=_merged(tracks.milestones, track.milestones)))


def _merged(old: tuple[Milestone, ...], new: tuple[Milestone, ...]) -> tuple[Milestone, ...]:
    by_key = {step_.key: step_ for step_ in old}
    for one in new:
        known = by_key.get(one.key)
        if known is None:
            by_key[one.key] = one
        else:
            by_key[one.key] = Milestone(
                one.key, one.title or known.title, one.due_day or known.due_day, one.done_day or known.done_day
            )
    return tuple(by_key.values())


def _rectify(tracks: Tracks, event: Event, _act: Act, track: Track) -> Outcome:
    """整改清单: who supervises defines and clears lines, the receiver reports them (R97, R108)."""
    supervises = event.author != event.receiver or event.issuer == event.receiver
    lines = {line.key: line for line in tracks.lines}
    for line in track.lines:
        known = lines.get(line.key)
        if line.status == OPEN:
            if not supervises:
                return Outcome(tracks, event.state, INVALID)
            lines[line.key] = line
        elif known is None or (line.status == CLEARED and not supervises):
            return Outcome(tracks, event.state, INVALID)
        elif known.status < line.status:
            lines[line.key] = known._replace(status=CLEARED if line.status == CLEARED else REPORTED)
    return Outcome(tracks._replace(lines=tuple(lines.values())))


def _verify(tracks: Tracks, _event: Event, _act: Act, track: Track) -> Outcome:
    return Outcome(tracks._replace(findings=track.findings) if track.findings else tracks)


def _score(tracks: Tracks, event: Event, act: Act, track: Track) -> Outcome:
    """A proposal adds a score; a verdict (已采用, 未采用) on an earlier one names it as its cause."""
    if track.verdict:
        known = [score for score in tracks.scores if score.record_id == track.cause]
        if not known or track.verdict not in (ADOPTED, DROPPED):
            return Outcome(tracks, event.state, INVALID)
        if known[0].verdict:
            return Outcome(tracks, event.state, LATE)
        scores = tuple(
            score._replace(verdict=track.verdict) if score.record_id == track.cause else score
            for score in tracks.scores
        )
        return Outcome(tracks._replace(scores=scores))
    score = Score(event.record_id, track.points_milli, track.rule, track.cause, 0, act.unit)
    return Outcome(tracks._replace(scores=(*tracks.scores, score)))


def _handle(tracks: Tracks, _event: Event, act: Act, track: Track) -> Outcome:
    """A unit named again gets another person or date; one that is moved away from has it in hand no more."""
    handlers = {handler.unit: handler for handler in tracks.handlers}
    if track.verdict == MOVED:
        handlers.pop(act.unit, None)
    else:
        handlers[act.unit] = Handler(act.unit, act.person, act.due_day)
    duties = {duty.level: duty for duty in (*tracks.duties, *track.duties)}
    return Outcome(tracks._replace(handlers=tuple(handlers.values()), duties=tuple(duties.values())))


def _exempt(tracks: Tracks, event: Event, _act: Act, _track: Track) -> Outcome:
    return Outcome(tracks._replace(exempt=event.record_id))


def _warn(tracks: Tracks, _event: Event, _act: Act, _track: Track) -> Outcome:
    return Outcome(tracks._replace(warnings=tracks.warnings + 1))


def _order(tracks: Tracks, event: Event, _act: Act, _track: Track) -> Outcome:
    return Outcome(tracks._replace(orders=(*tracks.orders, event.record_id)))


def _notice(tracks: Tracks, event: Event, _act: Act, _track: Track) -> Outcome:
    return Outcome(tracks._replace(notices=(*tracks.notices, event.record_id)))


def _interview(tracks: Tracks, _event: Event, _act: Act, _track: Track) -> Outcome:
    return Outcome(tracks._replace(interviews=tracks.interviews + 1))


def _archive(tracks: Tracks, _event: Event, _act: Act, track: Track) -> Outcome:
    return Outcome(tracks._replace(manifest=track.entries))


def _reinspect(tracks: Tracks, _event: Event, act: Act, _track: Track) -> Outcome:
    if not act.successor or act.successor in tracks.reinspections:
        return Outcome(tracks)
    return Outcome(tracks._replace(reinspections=(*tracks.reinspections, act.successor)))


_STEPS: dict[int, Callable[[Tracks, Event, Act, Track], Outcome]] = {
    Kind.PROPOSE: _propose, Kind.PLAN: _propose, Kind.APPROVE: _approve, Kind.REJECT: _reject,
    Kind.EXT_REQUEST: _ext_request, Kind.EXT_DECISION: _ext_decision, Kind.SLIP: _slip, Kind.JUSTIFY: _justify,
    Kind.JUSTIFY_DECISION: _justify_decision, Kind.MILESTONE: _milestone, Kind.RECTIFY: _rectify,
    Kind.VERIFY: _verify, Kind.SCORE: _score, Kind.HANDLE: _handle, Kind.EXEMPT: _exempt, Kind.WARN: _warn,
    Kind.ORDER: _order, Kind.NOTICE: _notice, Kind.BULLETIN: _notice, Kind.SPECIAL: _notice,
    Kind.INTERVIEW: _interview, Kind.ARCHIVE: _archive, Kind.REINSPECT: _reinspect,
}  # fmt: skip
