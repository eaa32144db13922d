"""拟办, 审批, 立项, 不立项, 并案, 方案: how an own item, or an approval case, gets through its chain.

Rules of this file:

1. 拟办 and 方案 carry the steps of the chain they are to go through; from then on those steps hold, whatever profile
   comes later. Each post approves once, in its turn, never the person who drafted (R40, R48, A7).
2. What is out of order is refused with the rule named; nothing is written. The fold gives it no effect anyway.
3. Other areas ask `required`, `basis` and `consume` (of `chains`) for what must be approved before their verbs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from node.errors import ForbiddenError, InputError
from node.items import guards
from node.items.beside import Approval, Approved
from node.items.fold import ItemState
from node.items.lifecycle import APPROVING, PROPOSED, TERMINAL
from node.items.lights import day_of
from node.records.kinds import Kind
from node.records.limits import TEXT_CHARS_MAX
from node.records.payload import Act, check_text
from node.records.track import Track
from node.rules.profile import Profile
from node.rules.values import Chain
from node.services.access.people import post_of
from node.services.board.project import read_facts
from node.services.matters import acting, cases, chains, drafts
from node.services.matters.chains import SETTING_UP, basis, check_ready, consume, name_of, required
from node.services.matters.desk import Caller, Desk, current, open_children, take, take_files, take_list
from node.services.matters.terms import check_steps, milestones
from node.services.verbs import Args, Command, Question
from node.storage.port import Actor

__all__ = ["COMMANDS", "QUESTIONS", "basis", "check_ready", "consume", "required"]


class Turn(NamedTuple):
    """Who decides now: the approval, the rule it goes by, and the caller's post."""

    approval: Approval
    rule: str
    post: str


def propose(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """拟办: the proposal of an own item, with the steps of the chain ``setup`` (R48); of a case that was sent back."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.PROPOSE, desk.identity.code)
    text = _words(args, "--text")
    if cases.subject_of(state):
        again = cases.chain_of(desk, state)
        chain: Chain | None = again
        payload = drafts.drafted_again(desk, state, again, {**args, "text": text})
    else:
        chain = required(desk, "setup", state)
        payload = Act(text=text, attachments=take_files(args), track=_track(desk, chain))
    return _answer(desk, acting.write(desk, state, Kind.PROPOSE, payload, caller), chain)


def approve(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """审核, 审定, 审批, 会签, 签发 …: one post's consent to the step whose turn it is (transition 3)."""
    state = current(desk, take(args, "item"))
    turn = _turn(desk, state, Kind.APPROVE, args, caller)
    text = check_text(take(args, "text"), "--text", TEXT_CHARS_MAX)
    payload = Act(text=text, attachments=take_files(args), track=Track(post=turn.post, rule=turn.rule))
    answer = acting.write(desk, state, Kind.APPROVE, payload, caller)
    index, profile = turn.approval.step, chains.profile_of(desk)
    verb = turn.approval.steps[index].verb
    approval = turn.approval._replace(done=(*turn.approval.done, Approved(b"", index, turn.post, 0, verb)))
    return answer | {
        "verb": verb, "post": turn.post, "post_label": profile.role_label(turn.post), "rule": turn.rule,
        "complete": approval.complete, "next": chains.next_step(profile, approval) or None,
    }  # fmt: skip


def reject(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """不同意: by the post whose turn it is, with the reason; the draft goes back."""
    state = current(desk, take(args, "item"))
    turn = _turn(desk, state, Kind.REJECT, args, caller)
    payload = Act(text=_words(args, "--reason"), track=Track(post=turn.post, rule=turn.rule))
    return acting.write(desk, state, Kind.REJECT, payload, caller) | {"post": turn.post, "rule": turn.rule}


def establish(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """立项 without a chain; where the profile has one, the last step of it establishes the item."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.ESTABLISH, desk.identity.code)
    cases.check_is_none(state, "立项")
    chains.check_planned(desk, state, "立项")
    chains.check_set_up(desk, state, "立项")
    text = check_text(take(args, "text"), "--text", TEXT_CHARS_MAX)
    return acting.write(desk, state, Kind.ESTABLISH, Act(text=text), caller)


def decline(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """不立项, with the reason; a case is withdrawn by it."""
    state = current(desk, take(args, "item"))
    payload = Act(text=_words(args, "--reason"))
    return acting.write(desk, state, Kind.DECLINE, payload, caller)


def merge(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """并案: the item ends here and goes on in another open own item."""
    state, into = current(desk, take(args, "item")), current(desk, take(args, "into"))
    me = desk.identity.code
    guards.check_act(state, Kind.MERGE, me)
    cases.check_is_none(state, "并案")
    cases.check_is_none(into, "并案")
    name = name_of(into)
    if into.item_id == state.item_id:
        raise InputError(
            "不能并入自身（规则：并入本单位登记的未结事项）", field="--into", value=name, remedy="写另一个事项",
        )  # fmt: skip
    if into.kind != "registered" or into.issuer != me:
        raise InputError(
            "只能并入本单位登记的事项（规则：并入本单位登记的未结事项）", field="--into", value=name,
            remedy="写本单位的登记编号",
        )  # fmt: skip
    if into.state is None or into.state in TERMINAL:
        raise InputError(
            "要并入的事项已经了结（规则：并入本单位登记的未结事项）", field="--into", value=name,
            remedy="写一个未结的事项",
        )  # fmt: skip
    guards.check_close(open_children(desk, state))
    text = check_text(take(args, "text"), "--text", TEXT_CHARS_MAX)
    payload = Act(text=text or f"并入 {name}", successor=into.item_id)
    return acting.write(desk, state, Kind.MERGE, payload, caller) | {"into": into.item_id.hex(), "into_number": name}


def plan(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """方案 with its 节点, through the chain ``plan`` where the profile has one; in force at once without (R28, R40)."""
    state = current(desk, take(args, "item"))
    cases.check_is_none(state, "拟订方案")
    if state.kind == "registered" and state.state in SETTING_UP:
        chains.check_set_up(desk, state, "拟订方案")
    guards.check_act(state, Kind.PLAN, desk.identity.code)
    chain = required(desk, "plan", state)
    track = _track(desk, chain)._replace(milestones=milestones(take_list(args, "milestone")))
    check_steps(track.milestones, state.due_day, day_of(desk.world.clock.now_ms()))
    payload = Act(text=_words(args, "--text"), attachments=take_files(args), track=track)
    return _answer(desk, acting.write(desk, state, Kind.PLAN, payload, caller), chain)


def _track(desk: Desk, chain: Chain | None) -> Track:
    """What a draft carries: the steps and the rule it goes by; nothing without a chain."""
    if chain is None:
        return Track()
    return Track(steps=chains.steps_of(chain), rule=chains.rule_name(chains.profile_of(desk), chain))


def _answer(desk: Desk, written: dict[str, object], chain: Chain | None) -> dict[str, object]:
    """What was written, and which step comes first."""
    if chain is None:
        return written | {"chain": None, "rule": None, "next": None}
    profile = chains.profile_of(desk)
    first = chains.step_text(profile, chains.steps_of(chain)[0])
    return written | {"chain": chain.title, "rule": chains.rule_name(profile, chain), "next": first}


def _turn(desk: Desk, state: ItemState, kind: Kind, args: Args, caller: Caller) -> Turn:
    """Who decides now; InputError and ForbiddenError with the rule named where it is not the caller."""
    approval, profile = state.tracks.approval, chains.profile_of(desk)
    rule = _rule_of(desk, state)
    named = chains.rule_text(rule)
    waiting = chains.waiting_posts(approval)
    if not approval.steps:
        _point_to_case(desk, state)
        guards.check_act(state, kind, desk.identity.code)
    post = _post(profile, approval, take(args, "post"), caller, named)
    if not approval.rejected and post not in waiting and any(one.post == post for one in approval.done):
        raise InputError(
            f"「{profile.role_label(post)}」已经审批过，每步只审批一次{named}", field="ITEM", value=name_of(state),
            code="approved_already", remedy=_next(profile, approval, state),
        )  # fmt: skip
    if not waiting:
        _point_to_case(desk, state)
    guards.check_act(state, kind, desk.identity.code)
    if _number_of(desk, caller) == approval.drafter:
        raise ForbiddenError(
            f"拟稿人 {caller.name} 不能审批自己拟的稿{named}", code="self_approval", field="--as", value=caller.name,
            remedy=f"由担任该职务的其他人审批：{chains.next_step(profile, approval)}",
        )  # fmt: skip
    _check_reporter(desk, state, caller, named)
    if post not in waiting:
        raise ForbiddenError(
            f"还没有轮到「{profile.role_label(post)}」{named}，现在应由 {chains.next_step(profile, approval)}",
            code="wrong_turn", field="--post", value=post, remedy=_next(profile, approval, state),
        )  # fmt: skip
    return Turn(approval, rule, post)


def _check_reporter(desk: Desk, case: ItemState, caller: Caller, named: str) -> None:
    """Refuse who handed in the report, or asked for the time, that the case is about (R56, A7)."""
    record = drafts.draft_of(desk, case).track
    terms = case.opening.terms if case.opening is not None else None
    if terms is None or not terms.target or record is None or not record.cause:
        return
    for fact in read_facts(desk.store, [terms.target]).get(terms.target, []):
        mine = fact.author == desk.identity.code and fact.actor == _number_of(desk, caller)
        if fact.record_id == record.cause and mine:
            raise ForbiddenError(
                f"{caller.name} 是报送人，不能审批自己报送的{named}", code="self_approval", field="--as",
                value=caller.name, remedy="由担任该职务的其他人审批",
            )  # fmt: skip


def _point_to_case(desk: Desk, state: ItemState) -> None:
    """Refuse where nothing of the item itself waits for approval, but a case of it does."""
    for row in chains.cases_of(desk, "*", state.item_id):
        if row.state in (PROPOSED, APPROVING):
            remedy = f"审批审签件：dulian item approve {row.number} --as 姓名"
            text = f"待审批的是审签件 {row.number}，不是事项本身（规则：送审什么，审批什么）"
            raise InputError(text, field="ITEM", value=name_of(state), remedy=remedy)


def _post(profile: Profile, approval: Approval, asked: str, caller: Caller, named: str) -> str:
    """The post in which the caller decides: the one asked for, else the one whose turn it is, else any in the chain."""
    step = chains.next_step(profile, approval)
    if asked:
        post = post_of(profile, asked)
        if post not in caller.posts:
            raise ForbiddenError(
                f"{caller.name} 不担任「{profile.role_label(post)}」{named}", code="no_post", field="--post",
                value=asked,
                remedy=f"写本人的职务；增加职务：dulian user change {caller.name} --post {post}",
            )  # fmt: skip
        return post
    waiting = chains.waiting_posts(approval)
    mine = [post for post in waiting if post in caller.posts]
    in_chain = [post for one in approval.steps for post in one.posts if post in caller.posts]
    if mine or in_chain or not approval.steps:
        return (mine or in_chain or [""])[0]
    who = f"账号 {caller.name} 没有相应职务" if caller.account else "操作员没有职务"
    raise ForbiddenError(
        f"{who}，不能审批{named}{f'，现在应由 {step}' if step else ''}", code="no_post", field="--as",
        value=caller.name,
        remedy="以担任该职务的账号办理：--as 姓名；账号和职务见 dulian user list",
    )  # fmt: skip


def _next(profile: Profile, approval: Approval, state: ItemState) -> str:
    step = chains.next_step(profile, approval)
    return f"下一步 {step}：dulian item approve {name_of(state)} --as 姓名" if step else "审批已经结束"


def _rule_of(desk: Desk, state: ItemState) -> str:
    """The rule the pending draft goes by, as its record says."""
    request = state.tracks.approval.request
    for fact in read_facts(desk.store, [state.item_id]).get(state.item_id, []):
        if request and fact.record_id == request and isinstance(fact.payload, Act) and fact.payload.track is not None:
            return fact.payload.track.rule
    return ""


def _number_of(desk: Desk, caller: Caller) -> int:
    """The office-local number of a person, -1 before the first record."""
    return next((actor.number for actor in desk.store.rows(Actor) if actor.name == caller.name), -1)


def _words(args: Args, field: str) -> str:
    text = check_text(take(args, field[2:]), field, TEXT_CHARS_MAX)
    guards.check_text(text, field)
    return text


COMMANDS: Mapping[str, Command] = {
    "item.propose": lambda office, args, caller: propose(office.desk, args, caller),
    "item.approve": lambda office, args, caller: approve(office.desk, args, caller),
    "item.reject": lambda office, args, caller: reject(office.desk, args, caller),
    "item.establish": lambda office, args, caller: establish(office.desk, args, caller),
    "item.decline": lambda office, args, caller: decline(office.desk, args, caller),
    "item.merge": lambda office, args, caller: merge(office.desk, args, caller),
    "item.plan": lambda office, args, caller: plan(office.desk, args, caller),
    "case.open": lambda office, args, caller: cases.open_case(office.desk, args, caller),
}
QUESTIONS: Mapping[str, Question] = {"case.list": cases.list_cases, "case.show": cases.show_case}
