"""Inside the receiving office and between the parties: 内部交办, 预警, 节点, 变更, 免除, 更正 (R14-R16, R29, R89)."""

from __future__ import annotations

from collections.abc import Iterable

from node.errors import ForbiddenError, InputError
from node.items import guards
from node.items.lifecycle import DONE
from node.records.kinds import Kind
from node.records.payload import LEAD, Act
from node.records.track import MOVED, PROVISIONAL_DATE, Duty, Milestone, Track
from node.services.board.project import read_facts
from node.services.matters import chains, discreet
from node.services.matters.acting import write
from node.services.matters.desk import Caller, Desk, children_of, current, parse_day, take, take_list
from node.services.matters.ground import (
    Args,
    check_above,
    check_person,
    check_unit,
    iso_day,
    name_of,
    one_line,
    record_named,
    today_of,
    words,
)
from node.services.matters.terms import check_named, duties, inside


def handle(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """内部交办: unit, person and due date inside this office (R16, R51); who stands for it at each level (R14).

    ``instead``: the unit that had it in hand has it no more. Whom the new person follows is followed at the levels of
    the chain of responsibility too, unless they are named anew.
    """
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.HANDLE, desk.identity.code)
    discreet.check_announced(state, "交内设机构承办")
    case = chains.check_ready(desk, state, "内部交办")
    unit = check_unit(desk, one_line(args, "unit", required=True))
    person = check_person(desk, one_line(args, "person"), unit)
    instead = one_line(args, "instead")
    held = {one.unit: one for one in state.tracks.handlers}
    if instead and (instead == unit or instead not in held):
        listed = "、".join(name for name in held if name and name != unit) or "无"
        raise InputError(
            "该机构没有承办此事项，不能由它改出（规则：改由须写原承办机构）", field="--instead", value=instead,
            remedy=f"原承办机构：{listed}；另加一个机构的，不写 --instead",
        )  # fmt: skip
    due_day, rule, provisional = inside(desk, args, state)
    profile = chains.profile_of(desk)
    before = held.get(instead or unit)
    followed = following(state.tracks.duties, before.person if before is not None else "", person)
    named = tuple({one.level: one for one in (*followed, *duties(take_list(args, "duty"), profile))}.values())
    check_named(profile, (*state.tracks.duties, *named), inside=True)
    payload = Act(unit=unit, person=person, due_day=due_day, text=words(args, "text", required=False))
    if named or rule:
        entries = (PROVISIONAL_DATE,) if provisional else ()
        payload = payload._replace(track=Track(duties=named, rule=rule, entries=entries))
    done = write(desk, state, Kind.HANDLE, payload, caller, case)
    if rule and not state.due_day and state.kind == "registered":
        # What the rule gives the unit is the 截止时间 of the item itself, which had none yet (R49, R51).
        name, _, part = rule.rpartition("/")
        mark = "（暂定）" if provisional else ""
        dated = Act(f"{unit}内部交办，按规则 {name} {part} 定办结时限{mark}", due_day=due_day)
        write(desk, current(desk, state.item_id.hex()), Kind.CHANGE, dated, caller)
    if instead:
        away = Act(f"改由{unit}承办", unit=instead, track=Track(verdict=MOVED))
        write(desk, current(desk, state.item_id.hex()), Kind.HANDLE, away, caller)
    return done | {"due": iso_day(due_day) or None, "rule": rule or None, "provisional": provisional}


def following(chain: Iterable[Duty], old: str, new: str) -> tuple[Duty, ...]:
    """The levels of a chain of responsibility that one person had, for the one who follows."""
    return tuple(duty._replace(name=new) for duty in chain if old and new and old != new and duty.name == old)


def warn(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """预警: the receiver's own leader warns who has it in hand (R89)."""
    state = current(desk, take(args, "item"))
    payload = Act(text=words(args, "text"), unit=check_unit(desk, one_line(args, "unit")))
    return write(desk, state, Kind.WARN, payload, caller)


def milestone(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """节点: set one (key, title, due not after the item's), or report one as done (R29)."""
    state = current(desk, take(args, "item"))
    known = {step.key: step for step in state.tracks.milestones}
    done = one_line(args, "done")
    if done:
        if done not in known:
            listed = "、".join(known) or "无"
            raise InputError("没有这个节点", field="--done", value=done, remedy=f"已有：{listed}")
        if known[done].done_day:
            raise InputError("节点已完成（规则：节点完成一次）", field="--done", value=done,
                             remedy="未完成的见 dulian item show")  # fmt: skip
        step = Milestone(done, done_day=today_of(desk))
    else:
        key, title = one_line(args, "key", required=True), one_line(args, "title")
        due_day = parse_day(args.get("due"), "--due")
        if due_day and due_day < today_of(desk):
            raise InputError("节点时限已过（规则：时限不得早于当天）", field="--due", value=args["due"],
                             remedy="填写今天或以后的日期；已完成的用 --done")  # fmt: skip
        if key not in known and not (title and due_day):
            raise InputError(
                "新节点要写内容和时限（规则：节点有内容、有时限）", field="--title", remedy="写 --title 和 --due",
            )  # fmt: skip
        guards.check_due(due_day, state.due_day)
        step = Milestone(key, title, due_day)
    payload = Act(text=words(args, "text", required=False), track=Track(milestones=(step,)))
    return write(desk, state, Kind.MILESTONE, payload, caller)


def change(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """变更: another due date or report cadence (R130), or what was 待明确 is clear (R35); a new version (race 1)."""
    state = current(desk, take(args, "item"))
    reason = words(args, "reason")
    due_day = parse_day(args.get("due"), "--due")
    frequency = _frequency(desk, one_line(args, "frequency"))
    if not (due_day or args.get("clear") or frequency):
        remedy = "写 --due 新时限、--frequency 报告频次；待明确的事项已明确的写 --clear"
        raise InputError("没有要变更的内容", field="--due", remedy=remedy)
    if args.get("clear") and not state.tracks.unclear:
        raise InputError("事项不是待明确的（规则：明确的是待明确的事项）", field="--clear", remedy="去掉 --clear")
    if due_day:
        if due_day < today_of(desk):
            text = "办结时限已过（规则：时限不得早于当天）"
            raise InputError(text, field="--due", value=args["due"], remedy="填写今天或以后的日期")
        check_above(desk, state.parent, due_day, "--due")
        _check_below(desk, state.item_id, due_day)
    track = Track(rule=frequency) if frequency else None
    return write(desk, state, Kind.CHANGE, Act(text=reason, due_day=due_day, track=track), caller)


def _frequency(desk: Desk, rule_id: str) -> str:
    """How often to report from now on: a recurring rule of the profile in force (R109, R130); empty for no change."""
    if not rule_id:
        return ""
    profile = desk.rulebook.profile(today_of(desk))
    rule = profile.rule(rule_id, "--frequency")
    if not (rule.cadence or rule.fixed):
        raise InputError("不是定期报告的规则", field="--frequency", value=rule_id, remedy="写按月、按季等周期规则")
    return f"{profile.id}/{profile.version}/{rule_id}"


def _check_below(desk: Desk, item_id: bytes, due_day: int) -> None:
    """An earlier date must leave none of this office's own tasks behind it (race 8)."""
    late = [
        row for row in children_of(desk, item_id)
        if row.issuer == desk.identity.code and row.state not in DONE and row.due_day > due_day
    ]
    if late:
        named = "、".join(f"{name_of(row)}（{iso_day(row.due_day)}）" for row in late[:5])
        raise InputError(
            f"下级任务的时限更晚：{named}（规则：下级时限不得晚于上级时限）", field="--due", value=iso_day(due_day),
            remedy="先变更这些任务的时限：dulian item change",
        )  # fmt: skip


def exempt(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """免除: an assistant that refused or cannot deliver no longer holds up the lead (R33, race 7)."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.EXEMPT, desk.identity.code)
    if state.role == LEAD:
        raise InputError("牵头单位不能免除（规则：有协办的须有一个牵头）", field="ITEM",
                         remedy="改由别的单位牵头：dulian item reassign")  # fmt: skip
    if state.tracks.exempt:
        raise InputError("已经免除（规则：免除一次）", field="ITEM", remedy="不必再免除")
    return write(desk, state, Kind.EXEMPT, Act(text=words(args, "reason")), caller)


def correct(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """更正 an own record's words: the record stays, the correction stands beside it."""
    state = current(desk, take(args, "item"))
    facts = {fact.record_id: fact for fact in read_facts(desk.store, [state.item_id]).get(state.item_id, [])}
    cause = record_named(facts, take(args, "record"), "--record")
    if facts[cause].author != desk.identity.code:
        raise ForbiddenError("只能更正本单位的记录（规则：谁写的谁更正）", field="--record", value=take(args, "record"),
                             remedy=f"该记录由 {facts[cause].author} 写")  # fmt: skip
    return write(desk, state, Kind.CORRECT, Act(text=words(args, "text"), track=Track(cause=cause)), caller)
