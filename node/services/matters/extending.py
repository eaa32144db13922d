"""延期: asked for by the receiver, decided by the issuer alone (transitions 13 and 14, A12, R53, R59, R78, R82).

Rules of this file:

1. How more time is asked for is the issuer's profile to say: until when, how often, whether a new date can be had at
   all. Under ``notify_only`` the reasons are noted (已说明) and the date stays.
2. A grant never goes beyond the issuer's own date: it asks upward first (race 8).
"""

from __future__ import annotations

from node.errors import InputError
from node.items import guards
from node.items.fold import ItemState
from node.records.kinds import Kind
from node.records.payload import Act
from node.records.track import DENIED, GRANTED, NOTED, Track
from node.rules import explain
from node.rules.values import Extension
from node.services.matters import drafts
from node.services.matters.acting import write
from node.services.matters.desk import Caller, Desk, current, parse_day, take
from node.services.matters.ground import Args, Ground, check_above, ground_of, iso_day, today_of, words

_FREE = Extension(id="default", title="申请延期", mode="approval")


def extend(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """延期申请: a later date, the reason, and how far it has come."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.EXT_REQUEST, desk.identity.code)
    reason, progress = words(args, "reason"), words(args, "progress", required=False)
    ground, rule = _rule(desk, state, state.issuer)
    wanted, today = parse_day(args.get("until"), "--until"), today_of(desk)
    if not state.due_day:
        raise InputError("事项没有办结时限，不用申请延期（规则：延期改的是办结时限）", field="ITEM",
                         remedy="报告情况用 dulian item report")  # fmt: skip
    if state.tracks.extension.state == "requested":
        told = rule.mode == "notify_only"
        raise InputError(
            ("已有延期说明，交办单位尚未记录" if told else "已有延期申请待批复") + "（规则：一次一申请）", field="ITEM",
            remedy=f"等交办单位{'记为已说明：dulian item note' if told else '批复：dulian item grant 或 deny'}",
        )  # fmt: skip
    if wanted <= max(state.due_day, today):
        raise InputError(
            f"新时限须晚于今天和原时限 {iso_day(state.due_day)}（规则：延期即延后）", field="--until",
            value=iso_day(wanted), remedy="写更晚的日期",
        )  # fmt: skip
    last = explain.extension_until(rule, state.due_day, desk.rulebook.calendar())
    part = f"extensions.{rule.id}"
    if today > last:
        raise ground.refusal(
            f"申请延期的最后日期 {iso_day(last)} 已过", part, field="ITEM", remedy="如实报告进展，由交办单位决定",
        )  # fmt: skip
    extension = state.tracks.extension
    count = extension.requests if rule.mode == "notify_only" else extension.grants
    if rule.max_count is not None and count >= rule.max_count:
        raise ground.refusal(f"最多延期 {rule.max_count} 次，已延期 {count} 次", part, field="ITEM",
                             remedy="如实报告进展，由交办单位决定")  # fmt: skip
    text = f"{reason}\n目前进展：{progress}" if progress.strip() else reason
    payload = Act(text=text, due_day=wanted, track=Track(rule=ground.rule(part)))
    return write(desk, state, Kind.EXT_REQUEST, payload, caller)


def grant(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """同意延期, to the date asked for or another; through the chain ``extension`` where the profile has one."""
    state, ground, rule = _decidable(desk, args)
    if rule.mode == "notify_only":
        raise ground.refusal("延期只报告说明，原时限不变，不能批准新时限", f"extensions.{rule.id}", field="ITEM",
                             remedy="用 dulian item note 记为已说明")  # fmt: skip
    signed = drafts.approved(desk, "extension", state, args)
    day = parse_day(signed.args.get("until"), "--until") or state.tracks.extension.wanted_day
    if day <= state.due_day or day < today_of(desk):
        raise InputError(
            f"新时限须晚于原时限 {iso_day(state.due_day)}，且不早于今天（规则：延期即延后）", field="--until",
            value=iso_day(day), remedy="写 --until 更晚的日期，或用 dulian item deny 不同意",
        )  # fmt: skip
    check_above(desk, state.parent, day, "--until")
    payload = Act(words(args, "text", required=False), due_day=day)
    return _decide(desk, state, ground, rule, payload, GRANTED, caller, signed.case)


def deny(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """不同意延期, with the reason; the date stays."""
    state, ground, rule = _decidable(desk, args)
    return _decide(desk, state, ground, rule, Act(words(args, "reason")), DENIED, caller)


def note(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """已说明: the reasons were heard, the date stays (profiles that only ask to be told, A12)."""
    state, ground, rule = _decidable(desk, args)
    if rule.mode != "notify_only":
        raise ground.refusal("延期须批复新时限或不同意", f"extensions.{rule.id}", field="ITEM",
                             remedy="用 dulian item grant 同意，或 deny 不同意")  # fmt: skip
    return _decide(desk, state, ground, rule, Act(words(args, "text", required=False)), NOTED, caller)


def _decidable(desk: Desk, args: Args) -> tuple[ItemState, Ground, Extension]:
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.EXT_DECISION, desk.identity.code)
    return state, *_rule(desk, state, desk.identity.code)


def _rule(desk: Desk, state: ItemState, office: str) -> tuple[Ground, Extension]:
    ground = ground_of(desk, state, office)
    return ground, explain.extension_for(ground.profile, **ground.case) or _FREE


def _decide(
    desk: Desk, state: ItemState, ground: Ground, rule: Extension, payload: Act, verdict: int, caller: Caller,
    case: bytes = b"",
) -> dict[str, object]:
    track = Track(verdict=verdict, rule=ground.rule(f"extensions.{rule.id}"))
    return write(desk, state, Kind.EXT_DECISION, payload._replace(track=track), caller, case)
