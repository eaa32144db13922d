"""Verbs that act on an item: 签收, 退签, 进展, 报结, 退回, 审核, 撤销, 催办, 附件; and how an act is written.

销号 and what follows it stand in `reviewing`.
"""

from __future__ import annotations

from collections.abc import Mapping

from node.documents.profiles import DEFAULT
from node.errors import InputError
from node.items import guards
from node.items.fold import ItemState
from node.items.lifecycle import DONE, TERMINAL, state_label
from node.items.lights import day_of
from node.records.kinds import Kind
from node.records.limits import NAME_CHARS_MAX
from node.records.payload import LEAD, REDO, SUPPLEMENT, Act, check_line, check_text
from node.records.track import Track
from node.services.matters import chains, drafts
from node.services.matters.desk import (
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
    take_list,
)
from node.services.matters.ground import check_unit, ground_of, row_of
from node.storage.rows import EXEMPT, BoardQuery, BoardRow

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
        _check_hears(desk, state)
        payload = payload._replace(urge_channel=channel or "notice", unit=_urged(state, args))
    return write(desk, state, kind, payload, caller)


def _unit(desk: Desk, args: Args) -> str:
    return check_unit(desk, check_line(take(args, "unit").strip(), "--unit", NAME_CHARS_MAX))


def _check_hears(desk: Desk, state: ItemState) -> None:
    """Refuse a 催办 that nobody gets: on an own item given to offices below, who do not hold its line (R16)."""
    me = desk.identity.code
    if state.kind != "registered" or state.receiver != me or state.tracks.handlers:
        return
    below = desk.store.board_query(BoardQuery(parents=(state.item_id,), subject="-", issuer=me, open=True, limit=3))
    if below:
        named = "、".join(row.number or row.item_id.hex()[:12] for row in below)
        raise InputError(
            "本事项已交办下级，写在本事项上的催办下级收不到（规则：催办发给承办的单位）",
            code="nobody_hears", field="ITEM", remedy=f"催办下级的任务：{named}",
        )  # fmt: skip


def _urged(state: ItemState, args: Args) -> str:
    """The unit that is urged: one that has the item in hand; InputError naming who has it."""
    unit = check_line(take(args, "unit").strip(), "--unit", NAME_CHARS_MAX)
    held = state.tracks.handlers
    if unit and unit not in [handler.unit for handler in held]:
        named = "、".join(f"{handler.unit} {handler.person}".strip() for handler in held)
        remedy = "写承办的机构，或不写 --unit" if held else "不写 --unit；要指定机构的，由承办单位 dulian item handle"
        has = f"由 {named} 承办" if held else f"由 {state.receiver} 承办，尚未交内设机构"
        raise InputError(
            f"该机构没有承办此事项（{has}）（规则：催办承办的机构）",
            field="--unit", value=unit, remedy=remedy,
        )  # fmt: skip
    return unit


def _check_assistants(desk: Desk, state: ItemState) -> None:
    """Refuse accepting what the lead, or this office, reports for all while an assistant is unfinished (race 7)."""
    if state.kind == "assignment" and state.role != LEAD:
        return
    group = state.parent if state.kind == "assignment" else state.item_id
    rows = [row for row in children_of(desk, group) if row.issuer == desk.identity.code] if group else []
    open_ = [
        row for row in rows
        if row.item_id != state.item_id and row.state not in DONE and not row.flags & EXEMPT
        and (state.kind == "registered" or row.role == "assist")
    ]  # fmt: skip
    if open_:
        named = "、".join(f"{row.receiver}（{state_label(row.state)}）" for row in open_[:5])
        raise InputError(
            f"协办任务未结：{named}，不能审核牵头单位的办结报告（规则：牵头单位汇总报结）", field="ITEM",
            remedy="先审核协办单位的报告，或免除：dulian item exempt 登记编号 --reason 理由",
        )  # fmt: skip


def report(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """进展, with a percentage where it is said."""
    state = current(desk, take(args, "item"))
    check_set_up(desk, state, "报告进展")
    percent = args.get("percent")
    if percent is not None and (not isinstance(percent, int) or not 0 <= percent <= 100):
        raise InputError("进度须在 0 到 100 之间", field="--percent", value=percent, remedy="填 0 到 100 的整数")
    guards.check_act(state, Kind.PROGRESS, desk.identity.code)
    payload = Act(
        text=_with_parts(desk, state, args), attachments=take_files(args), percent=-1 if percent is None else percent,
        occurred_day=_occurred(desk, args), unit=_unit(desk, args),
    )  # fmt: skip
    return write(desk, state, Kind.PROGRESS, payload, caller)


def _with_parts(desk: Desk, state: ItemState, args: Args) -> str:
    """The words of a 进展; where the issuer's profile asks for parts, or a cadence was set, each is there (R87)."""
    text = _text(Kind.PROGRESS, args)
    given = dict(drafts.numbered(part, "--part") for part in take_list(args, "part"))
    ground = ground_of(desk, state, state.issuer)
    parts = ground.profile.reports.parts if ground.profile.reports is not None else ()
    if max(given, default=0) > len(parts):
        raise InputError("报告没有这一部分", field="--part", value=max(given), remedy=f"规则档案规定 {len(parts)} 部分")
    missing = [f"{number}. {part}" for number, part in enumerate(parts, 1) if number not in given]
    if missing and (given or ground.wants_parts(_frequency(desk, state))):
        raise ground.refusal(f"定期报告缺少：{'；'.join(missing)}", "reports.parts", field="--part",
                             remedy="每部分写一个 --part 序号=内容")  # fmt: skip
    if 0 in given:
        raise InputError("没有这一部分", field="--part", value=0, remedy="从 1 起编号")
    said = [f"【{parts[number - 1]}】{words}" for number, words in sorted(given.items())]
    return check_text("\n".join([text, *said]), "--part")


def _frequency(desk: Desk, state: ItemState) -> str:
    row = row_of(desk, state.item_id)
    return row.frequency if row is not None else ""


def submit(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """报结: every task this office issued under the item must be done, and the report approved (R57)."""
    state = current(desk, take(args, "item"))
    check_set_up(desk, state, "报结")
    guards.check_act(state, Kind.FINAL, desk.identity.code)
    guards.check_final(open_children(desk, state))
    if drafts.waiting(desk, "report", state) is None:
        _answers(desk, state, args)  # what is wrong with the report itself is said before who has to sign it
    signed = drafts.approved(desk, "report", state, args)
    payload = Act(
        text=_text(Kind.FINAL, signed.args), attachments=signed.attachments,
        answers=_answers(desk, state, signed.args), unit=_unit(desk, args),
    )  # fmt: skip
    return write(desk, state, Kind.FINAL, payload, caller, signed.case)


def _answers(desk: Desk, state: ItemState, args: Args) -> tuple[tuple[int, str], ...]:
    """分项答复: every point of the task, each once (R58); InputError naming those that are missing.

    Where no office has laid down rules of its own, a report without any --answer stands for all of them.
    """
    points = state.opening.points if state.opening is not None else ()
    given = dict(drafts.answers_of(take_list(args, "answer")))
    for number in given:
        if not 1 <= number <= len(points):
            raise InputError("没有这个分项", field="--answer", value=number, remedy=f"本任务有 {len(points)} 个分项")
    ground = ground_of(desk, state, state.issuer)
    missing = [number for number in range(1, len(points) + 1) if number not in given]
    if missing and (given or ground.profile.id != DEFAULT):
        named = "；".join(f"{number}. {points[number - 1][:40]}" for number in missing[:10])
        raise InputError(
            f"分项未答复：{named}（规则 {ground.name}：办结报告对所提问题一一作出答复）", field="--answer",
            remedy="逐一答复：每个分项写一个 --answer 序号=内容",
        )  # fmt: skip
    return tuple(sorted(given.items()))


def accept(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """审核通过, by the chain the profile has for it (R56, R77)."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.ACCEPT, desk.identity.code)
    _check_assistants(desk, state)
    guards.check_rectified(state, "不能审核通过")
    payload = Act(text=_text(Kind.ACCEPT, args), attachments=take_files(args))
    return write(desk, state, Kind.ACCEPT, payload, caller, drafts.approved(desk, "accept", state, args).case)


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


def cancel(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """撤销 an open item, and with it every open task this office issued under it."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.CANCEL, desk.identity.code)
    below, unread = _open_tasks(desk, state)
    if unread:
        raise _unread(unread)  # before anything is written: half a cancellation would take back the whole step
    answer = write(desk, state, Kind.CANCEL, Act(text=_text(Kind.CANCEL, args)), caller)
    _cancel_these(desk, below, caller)
    return answer


def cancel_below(desk: Desk, state: ItemState, caller: Caller) -> int:
    """Carry a cancellation down to the open tasks this office issued under the item; returns how many.

    InputError names the tasks that cannot be told, after all others were.
    """
    below, unread = _open_tasks(desk, state)
    _cancel_these(desk, below, caller)
    if unread:
        raise _unread(unread)
    return len(below)


def _open_tasks(desk: Desk, state: ItemState) -> tuple[list[ItemState], list[BoardRow]]:
    """Open tasks this office issued under an item; and those whose opening is not here (lost, not repaired yet)."""
    rows = [
        row for row in children_of(desk, state.item_id)
        if row.issuer == desk.identity.code and row.state not in TERMINAL
    ]  # fmt: skip
    states = [state_of(desk.store, row.item_id) for row in rows]
    unread = [row for row, child in zip(rows, states, strict=True) if child.line is None]
    return [child for child in states if child.line is not None], unread


def _unread(rows: list[BoardRow]) -> InputError:
    named = "、".join(row.number or row.item_id.hex()[:12] for row in rows)
    return InputError(f"下级任务 {named} 的交办记录不在本机，不能一并撤销", remedy="等待与上下级核对取回后重试")


def _cancel_these(desk: Desk, states: list[ItemState], caller: Caller) -> None:
    for child in states:
        act(desk, child, Kind.CANCEL, Act(text="上级事项已撤销"), guards.answers(child, Kind.CANCEL), caller)


def check_set_up(desk: Desk, state: ItemState, verb: str) -> None:
    """An own item is worked on after 立项 only."""
    if state.kind == "registered" and state.receiver == desk.identity.code and state.state not in TERMINAL:
        chains.check_ready(desk, state, verb)


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
        text = "实际发生的日期晚于今天（规则：补录的是已发生的事）"
        raise InputError(text, field="--occurred", value=args["occurred"], remedy=remedy)
    return day


def _text(kind: Kind, args: Args) -> str:
    """The words of an act: --text or --reason; required where an answer without words is none."""
    field = "--reason" if kind in (Kind.REFUSE, Kind.INSIST, Kind.RETURN, Kind.CANCEL) else "--text"
    text = check_text(take(args, field[2:]), field)
    if kind not in (Kind.SIGN, Kind.ACCEPT, Kind.EVIDENCE, Kind.CLOSE):
        guards.check_text(text, field)
    return text
