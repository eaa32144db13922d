"""督办令, 整改清单, 通报, 简报, 专报, 约谈, 问责线索, 负面清单 (transitions 25 to 28; R67-R73, R97, R108-R117).

Rules of this file:

1. What the inspected office must not learn of (问责线索, 负面清单, A21) is written on this office's own items only: on
   the own item itself, on the own item the task was issued under, or on a side file (subject ``side``) opened for it.
2. What sets a date sets none in the past; an order's number is used once.
3. A 通报 that names offices is written on the own item and on the line of each named office's task (R45, R110).
"""

from __future__ import annotations

from node.errors import InputError
from node.items import guards
from node.items.fold import EFFECTIVE, ItemState
from node.items.lifecycle import CANCELLED, TERMINAL
from node.items.versions import SEMANTIC_VERSION
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act, Opening
from node.records.track import CLEARED, CRITICISM, OPEN, PRAISE, REPORTED, RectifyLine, Terms, Track
from node.rules.calendar import date_of
from node.services.board.project import read_facts
from node.services.matters import drafts
from node.services.matters.acting import write
from node.services.matters.desk import Caller, Desk, children_of, current, parse_day, take, take_files, take_list
from node.services.matters.ground import (
    Args,
    Ground,
    answerable,
    check_above,
    ground_of,
    iso_day,
    one_line,
    row_of,
    today_of,
    units_against,
    words,
)
from node.storage.port import BoardQuery, Meta

SIDE = "side"


def order(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """督办令: one matter, numbered, with task, limit and requirements; through the chain ``order`` (R67-R73)."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.ORDER, desk.identity.code)
    signed = drafts.approved(desk, "order", state, args)
    args = {**args, **signed.args}
    due_day = parse_day(args.get("due"), "--due")
    if due_day < today_of(desk):
        raise InputError("督办令须写明办结时限，不早于今天（规则：一令一事，写明时限）", field="--due",
                         value=take(args, "due"), remedy="写 --due 日期，今天或以后的")  # fmt: skip
    check_above(desk, state.parent, due_day, "--due")
    text = words(args, "text")
    number = one_line(args, "number")
    if number and desk.store.get(Meta, _numbered(number)) is not None:
        raise InputError("该编号的督办令已发过（规则：一令一号）", field="--number", value=number,
                         remedy="写新的编号；不写时自动编号")  # fmt: skip
    number = number or _next_order(desk)
    handover = words(args, "handover", required=False).strip()
    taken = (f"领受：{handover}",) if handover else ()  # collected at the office, or handed over on the spot (R71)
    payload = Act(
        text, due_day=due_day, attachments=signed.attachments, unit=units_against(desk, state),
        track=Track(number=number, entries=taken),
    )  # fmt: skip
    answer = write(desk, state, Kind.ORDER, payload, caller, signed.case)
    desk.store.put([Meta(_numbered(number), bytes.fromhex(str(answer["record"])))])
    return answer | {"order": number}


def _numbered(number: str) -> str:
    return f"order-number:{number}"


def _next_order(desk: Desk) -> str:
    year = date_of(today_of(desk)).year
    name = f"order:{year}"
    saved = desk.store.get(Meta, name)
    count = int(saved.value) + 1 if saved else 1
    while desk.store.get(Meta, _numbered(_order_number(desk, year, count))) is not None:
        count += 1  # somebody wrote it by hand
    desk.store.put([Meta(name, b"%d" % count)])
    return _order_number(desk, year, count)


def _order_number(desk: Desk, year: int, count: int) -> str:
    return f"{desk.identity.code}-令-{year}-{count:04d}"


def rectify(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """整改清单: set lines, report them as put right, or clear them one by one (R97, R108)."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.RECTIFY, desk.identity.code)
    known = {line.key: line for line in state.tracks.lines}
    supervises = desk.identity.code == state.issuer
    set_, reported, cleared = take_list(args, "line"), take_list(args, "report"), take_list(args, "clear")
    if not (set_ or reported or cleared):
        raise InputError("没有整改内容", field="--line", remedy="写 --line、--report 或 --clear")
    if (set_ or cleared) and not supervises:
        raise InputError(
            "只有交办单位能列出和销去整改事项（规则：逐项销账由交办单位）", field="--clear" if cleared else "--line",
            remedy="整改完成的写 --report 序号",
        )  # fmt: skip
    lines = [_line(text) for text in set_]
    for line in lines:
        if line.key in known and known[line.key].status == CLEARED:
            raise InputError(
                "该整改事项已销去（规则：逐项销账，销去不再改）", field="--line", value=line.key, remedy="用新的序号",
            )  # fmt: skip
        _check_future(desk, line.due_day, "--line", "整改时限")
        above = row_of(desk, state.parent)
        if above is None or not 0 < above.due_day < today_of(desk):  # what is overdue is put right after its date
            check_above(desk, state.parent, line.due_day, "--line")
    for option, keys, status in (("--report", reported, REPORTED), ("--clear", cleared, CLEARED)):
        for key in keys:
            if key not in known:
                listed = "、".join(known) or "无"
                raise InputError("整改清单没有这一条", field=option, value=key, remedy=f"已有：{listed}")
            if known[key].status >= status:
                raise InputError("该整改事项已报告或已销去（规则：逐项报告、逐项销账）", field=option,
                                 value=key, remedy="各项情况见 dulian item show")  # fmt: skip
            lines.append(RectifyLine(key, status=status))
    unseen = [key for key in cleared if known[key].status < REPORTED]
    text = words(args, "text", required=False)
    if unseen and not text.strip():
        raise InputError(
            "尚未报告整改完成，不能销去（规则：复核确认后销号）", field="--clear", value="、".join(unseen),
            remedy="由承办单位写 --report 序号；已另行核实的，写 --text 说明核实情况",
        )  # fmt: skip
    payload = Act(text, attachments=take_files(args), track=Track(lines=tuple(lines)))
    return write(desk, state, Kind.RECTIFY, payload, caller)


def _line(text: str) -> RectifyLine:
    """``KEY=整改要求@责任单位@牵头领导@YYYY-MM-DD``."""
    key, equals, rest = text.partition("=")
    parts = [part.strip() for part in rest.split("@")]
    if not (key.strip() and equals and len(parts) == 4 and all(parts)):
        raise InputError("整改事项写法不对", field="--line", value=text,
                         remedy="写成 序号=要求@责任单位@牵头领导@2027-03-31")  # fmt: skip
    return RectifyLine(key.strip(), parts[0], parts[1], parts[2], parse_day(parts[3], "--line"), OPEN)


def notice(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """通报表扬 or 批评: on the item, and on the line of every named office's task (R45, R110).

    With ``media`` what is reported or exposed there; an exposure names item and person (R104).
    """
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.NOTICE, desk.identity.code)
    if bool(args.get("praise")) == bool(args.get("criticise")):
        raise InputError("通报只写一种", field="--praise", remedy="表扬写 --praise，批评写 --criticise")
    named = take_list(args, "to")
    below = {row.receiver: row.item_id.hex() for row in children_of(desk, state.item_id) if row.state != CANCELLED}
    missing = [code for code in named if code not in below and code != state.receiver]
    if missing:
        listed = "、".join(below) or "无"
        raise InputError(
            "该单位不承办此事项（规则：通报承办单位）", field="--to", value=",".join(missing),
            remedy=f"承办单位：{listed}",
        )  # fmt: skip
    due_day = parse_day(args.get("due"), "--due")
    _check_future(desk, due_day, "--due", "限期整改的时限")
    _check_reported(desk, state)
    signed = drafts.approved(desk, "notice", state, args)
    text = words(signed.args, "text")
    media, person = one_line(args, "media"), one_line(args, "person")
    if media and args.get("criticise") and not person:
        raise InputError("媒体曝光须写明责任人（规则：对未按要求落实的事项及责任人曝光）", field="--person",
                         remedy="写 --person 责任人；不在媒体曝光的，不写 --media")  # fmt: skip
    track = Track(verdict=PRAISE if args.get("praise") else CRITICISM, offices=named, title=one_line(args, "title"),
                  entries=tuple(f"媒体：{name}" for name in (media,) if name))  # fmt: skip
    payload = Act(text, due_day=due_day, person=person, attachments=signed.attachments, track=track)
    answer = write(desk, state, Kind.NOTICE, payload, caller, signed.case)
    told = [below[code] for code in named if code in below]
    for item in told:
        write(desk, current(desk, item), Kind.NOTICE, payload, caller)
    return answer | {"told": told}


def _check_future(desk: Desk, day: int, field: str, what: str) -> None:
    if day and day < today_of(desk):
        raise InputError(f"{what}早于今天（规则：时限不得早于当天）", field=field, value=iso_day(day),
                         remedy="写今天或以后的日期")  # fmt: skip


def _check_reported(desk: Desk, state: ItemState) -> None:
    """Where the profile counts the 通报 from the approved 专题报告, it waits for that (R44, R45)."""
    ground = ground_of(desk, state)
    rule = next((one for one in ground.profile.rules if one.act == "notice" and one.start == "REPORT_APPROVED"
                 and one.applies.match(**ground.case) >= 0), None)  # fmt: skip
    above = row_of(desk, state.parent) if state.kind == "assignment" else None
    own = state.item_id if state.kind == "registered" else above.item_id if above is not None else b""
    if rule is None or not own or (above is not None and above.issuer != desk.identity.code):
        return
    file = current(desk, own.hex())
    facts = read_facts(desk.store, [own]).get(own, [])
    if not any(fact.kind == Kind.SPECIAL and file.effects.get(fact.record_id) in EFFECTIVE for fact in facts):
        raise ground.refusal("专题报告尚未审批，不能印发通报", rule.id, field="ITEM",
                             remedy="先送审专题报告：dulian case open 登记编号 --subject special，"
                             "审定后 dulian item special")  # fmt: skip


def bulletin(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """督查工作简报, on an own item (R111)."""
    return _paper(desk, args, caller, Kind.BULLETIN)


def special(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """专报 to leaders, on an own item; through the chain ``special`` (R44, R111)."""
    return _paper(desk, args, caller, Kind.SPECIAL)


def _paper(desk: Desk, args: Args, caller: Caller, kind: Kind) -> dict[str, object]:
    state = current(desk, take(args, "item"))
    guards.check_act(state, kind, desk.identity.code)
    track = Track(title=one_line(args, "title", required=True))
    signed = drafts.Approved(b"", args, take_files(args))
    if kind == Kind.SPECIAL:
        signed = drafts.approved(desk, "special", state, args)
    payload = Act(words(signed.args, "text"), attachments=signed.attachments, track=track)
    return write(desk, state, kind, payload, caller, signed.case)


def interview(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """约谈: who was talked to, about what (R113)."""
    state = current(desk, take(args, "item"))
    day = parse_day(args.get("occurred"), "--occurred")
    if day > today_of(desk):
        raise InputError("实际发生的日期晚于今天（规则：补录的是已发生的事）", field="--occurred",
                         value=take(args, "occurred"), remedy="写今天或以前的日期")  # fmt: skip
    payload = Act(words(args, "text"), person=one_line(args, "person", required=True), occurred_day=day)
    return write(desk, state, Kind.INTERVIEW, payload, caller)


def refer(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """问责线索: to whom it goes, by which tier or condition; the inspected office never gets it (R114, A21)."""
    return _aside(desk, args, caller, Kind.REFER)


def negative(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """负面清单: an entry by one of the conditions; the inspected office never gets it (R115, R116)."""
    return _aside(desk, args, caller, Kind.NEGATIVE)


def _aside(desk: Desk, args: Args, caller: Caller, kind: Kind) -> dict[str, object]:
    state = current(desk, take(args, "item"))
    ground = ground_of(desk, state)
    rule = ""
    wanted = one_line(args, "rule")
    if wanted:
        measures = {measure.id: measure for measure in ground.profile.measures}
        if wanted not in measures:
            listed = "、".join(f"{one.id}（{one.title}）" for one in measures.values()) or "无"
            raise ground.refusal("没有这一问责情形", "measures", field="--rule", value=wanted, remedy=f"可用：{listed}")
        rule = ground.rule(f"measures.{wanted}")
    text, to = words(args, "text"), one_line(args, "to")
    entries = _supplied(ground, one_line(args, "from")) if kind == Kind.NEGATIVE else ()
    file = _file_of(desk, state, caller)
    answer: dict[str, object] = {}
    for unit in answerable(desk, state):
        # A unit of this office has no code: it stands by its name alone.
        track = Track(rule=rule, offices=(unit,) if unit == state.receiver else (), title=to, entries=entries)
        payload = Act(text, unit=unit, attachments=take_files(args), track=track)
        answer = write(desk, current(desk, file.item_id.hex()), kind, payload, caller)
    return answer


def _supplied(ground: Ground, word: str) -> tuple[str, ...]:
    """Who supplied an entry of the 负面清单 and who keeps the list, where the profile says who may (R116)."""
    profile = ground.profile
    keeper = (f"管理：{profile.role_label(profile.negative_keeper)}",) if profile.negative_keeper else ()
    if not profile.negative_suppliers:
        return (*((f"提供：{word}",) if word else ()), *keeper)
    known = {role: profile.role_label(role) for role in profile.negative_suppliers}
    found = next((label for role, label in known.items() if word in (role, label)), "")
    if not found:
        listed = "、".join(f"{role}（{label}）" for role, label in known.items())
        raise ground.refusal("负面清单须写明由谁提供" if not word else "负面清单没有这一提供单位", "negative_suppliers",
                             field="--from", value=word, remedy=f"写 --from；可用：{listed}")  # fmt: skip
    return f"提供：{found}", *keeper


def _file_of(desk: Desk, state: ItemState, caller: Caller) -> ItemState:
    """The own item that notes on ``state`` go to; a side file of the item where there is none, opened on first use."""
    me = desk.identity.code
    if state.kind == "registered" and state.issuer == me:
        return state
    if state.line is None or me not in state.line.path[:-1]:
        raise InputError(
            "本单位不是该任务的交办单位或其上级（规则：各负其责）", field="ITEM", remedy="用本单位登记的事项",
        )  # fmt: skip
    above = row_of(desk, state.parent)
    if above is not None and above.kind == "registered" and above.issuer == me and above.state not in TERMINAL:
        return current(desk, above.item_id.hex())
    for row in desk.store.board_query(BoardQuery(subject=SIDE, target=state.item_id)):
        if row.issuer == me and row.state not in TERMINAL:
            return current(desk, row.item_id.hex())
    opening = state.opening
    title = opening.title if opening is not None else state.item_id.hex()[:12]
    number = opening.number if opening is not None else ""
    side = Opening(
        f"附卷：{title}"[:200], number=f"{number}-附" if number else "", actor_name=caller.name,
        terms=Terms(subject=SIDE, target=state.item_id),
    )  # fmt: skip
    record = desk.author.write(
        Kind.REGISTER, Line((me,)), side, semantic_version=SEMANTIC_VERSION, actor=caller.name, channel=caller.channel
    )
    return current(desk, record.record_id.hex())
