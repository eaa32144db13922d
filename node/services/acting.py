"""Verbs that act on an item: 签收, 退签, 进展, 报结, 退回, 审核, 销号, 撤销, 催办, 附件."""

from __future__ import annotations

from collections.abc import Mapping

from node.errors import InputError
from node.items import guards
from node.items.fold import ItemState
from node.items.lifecycle import TERMINAL
from node.items.lights import day_of
from node.records.kinds import Kind
from node.records.payload import REDO, SUPPLEMENT, Act, check_text
from node.records.track import Track
from node.services import chains
from node.services.desk import (
    Caller,
    Desk,
    act,
    children_of,
    current,
    open_children,
    parse_day,
    state_of,
    take,
    take_files,
)

Args = Mapping[str, object]
_URGE_CHANNELS = ("", "phone", "notice", "visit")


def simple(desk: Desk, kind: Kind, args: Args, caller: Caller) -> dict[str, object]:
    """An act whose payload is its text and attachments: SIGN REFUSE INSIST URGE EVIDENCE."""
    state = current(desk, take(args, "item"))
    text = _text(kind, args)
    channel = take(args, "channel")
    if channel not in _URGE_CHANNELS:
        raise InputError("催办方式不对", field="--channel", value=channel, remedy="写 phone、notice 或 visit")
    payload = Act(text=text, attachments=take_files(args), occurred_day=_occurred(desk, args))
    if kind == Kind.URGE:
        payload = payload._replace(urge_channel=channel or "notice")
    return write(desk, state, kind, payload, caller)


def report(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """进展, with a percentage where it is said."""
    state = current(desk, take(args, "item"))
    _check_set_up(desk, state, Kind.PROGRESS, "报告进展")
    percent = args.get("percent")
    if percent is not None and (not isinstance(percent, int) or not 0 <= percent <= 100):
        raise InputError("进度须在 0 到 100 之间", field="--percent", value=percent, remedy="填 0 到 100 的整数")
    payload = Act(
        text=_text(Kind.PROGRESS, args), attachments=take_files(args), percent=-1 if percent is None else percent,
        occurred_day=_occurred(desk, args),
    )  # fmt: skip
    return write(desk, state, Kind.PROGRESS, payload, caller)


def submit(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """报结: every task this office issued under the item must be done, and the report approved (R57)."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.FINAL, desk.identity.code)
    _check_set_up(desk, state, Kind.FINAL, "报结")
    guards.check_final(open_children(desk, state))
    payload = Act(text=_text(Kind.FINAL, args), attachments=take_files(args))
    return _approved(desk, state, Kind.FINAL, payload, "report", caller)


def accept(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """审核通过, by the chain the profile has for it (R56, R77)."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.ACCEPT, desk.identity.code)
    payload = Act(text=_text(Kind.ACCEPT, args), attachments=take_files(args))
    return _approved(desk, state, Kind.ACCEPT, payload, "accept", caller)


def return_(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """退回 重办 or 补办, with a new due date where given."""
    state = current(desk, take(args, "item"))
    due_day = parse_day(args.get("due"), "--due")
    if due_day and state.opening and state.opening.parent:
        rows = desk.store.board([state.opening.parent])
        guards.check_due(due_day, rows[0].due_day if rows else 0)
    mode = SUPPLEMENT if take(args, "mode") == "supplement" else REDO
    payload = Act(text=_text(Kind.RETURN, args), due_day=due_day, return_mode=mode)
    return write(desk, state, Kind.RETURN, payload, caller)


def close(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """销号: of an own item only when every task under it is done."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.CLOSE, desk.identity.code)
    if state.kind == "registered":
        guards.check_close(open_children(desk, state))
    return write(desk, state, Kind.CLOSE, Act(text=take(args, "text")), caller)


def cancel(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """撤销 an open item, and with it every open task this office issued under it."""
    state = current(desk, take(args, "item"))
    answer = write(desk, state, Kind.CANCEL, Act(text=_text(Kind.CANCEL, args)), caller)
    cancel_below(desk, state, caller)
    return answer


def cancel_below(desk: Desk, state: ItemState, caller: Caller) -> int:
    """Carry a cancellation down to the open tasks this office issued under the item; returns how many."""
    count = 0
    for row in children_of(desk, state.item_id):
        if row.issuer != desk.identity.code or row.state in TERMINAL:
            continue
        child = state_of(desk.store, row.item_id)
        act(desk, child, Kind.CANCEL, Act(text="上级事项已撤销"), guards.answers(child, Kind.CANCEL), caller)
        count += 1
    return count


def _check_set_up(desk: Desk, state: ItemState, kind: Kind, verb: str) -> None:
    """An own item is worked on after 立项 only."""
    if state.kind == "registered" and state.receiver == desk.identity.code and state.state not in TERMINAL:
        guards.check_act(state, kind, desk.identity.code)
        chains.check_ready(desk, state, verb)


def _approved(
    desk: Desk, state: ItemState, kind: Kind, payload: Act, subject: str, caller: Caller
) -> dict[str, object]:
    """Write an act that goes by an approval case where the profile asks for one, and use that case up."""
    case = chains.basis(desk, subject, state)
    if case:
        payload = payload._replace(track=(payload.track or Track())._replace(basis=case))
    answer = write(desk, state, kind, payload, caller)
    chains.consume(desk, case, caller)
    return answer


def write(
    desk: Desk, state: ItemState, kind: Kind, payload: Act, caller: Caller, case: bytes = b""
) -> dict[str, object]:
    """Write an act that may be written now; the approval case it goes by is named in it and ends with it."""
    guards.check_act(state, kind, desk.identity.code)
    if case:
        payload = payload._replace(track=(payload.track or Track())._replace(basis=case))
    record = act(desk, state, kind, payload, guards.answers(state, kind), caller)
    chains.consume(desk, case, caller)
    opening = state.opening
    return {
        "item": state.item_id.hex(), "number": opening.number if opening else "",
        "title": opening.title if opening else "", "record": record.record_id.hex(),
        "attachments": [file.hash.hex() for file in payload.attachments],
    }  # fmt: skip


def _occurred(desk: Desk, args: Args) -> int:
    """The day something really happened (补录): not one that is still to come."""
    day = parse_day(args.get("occurred"), "--occurred")
    if day > day_of(desk.world.clock.now_ms()):
        remedy = "写今天或以前的日期"
        raise InputError("实际发生的日期晚于今天", field="--occurred", value=args["occurred"], remedy=remedy)
    return day


def _text(kind: Kind, args: Args) -> str:
    """The words of an act: --text or --reason; required where an answer without words is none."""
    field = "--reason" if kind in (Kind.REFUSE, Kind.INSIST, Kind.RETURN, Kind.CANCEL) else "--text"
    text = check_text(take(args, field[2:]), field)
    if kind not in (Kind.SIGN, Kind.ACCEPT, Kind.EVIDENCE, Kind.CLOSE):
        guards.check_text(text, field)
    return text
