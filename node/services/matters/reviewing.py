"""审核之后: 复核, 办结, 销号, 归档, 回头看 (transitions 17 to 21; R58, R61, R97-R99, A16).

What closing needs is the profile's to say: whether the result is verified first, by which findings, through which
chain, and what the archive holds. A looking again is an item of its own, linked both ways.
"""

from __future__ import annotations

from node.errors import InputError
from node.items import guards
from node.items.fold import ItemState
from node.items.lifecycle import (
    ACTIVE,
    ARCHIVED,
    ASSIGNED,
    CANCELLED,
    CLOSED,
    COMPLETED,
    DECLINED,
    ESTABLISHED,
    MERGED,
    REINSPECTING,
    SUBMITTED,
)
from node.items.versions import SEMANTIC_VERSION
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act, Opening
from node.records.track import FAILED, PASSED, STARTED, Finding, Terms, Track
from node.rules.words import FINDINGS
from node.services.matters import chains
from node.services.matters.acting import write
from node.services.matters.desk import (
    Caller,
    Desk,
    act,
    children_of,
    current,
    open_children,
    take,
    take_files,
    take_list,
)
from node.services.matters.ground import Args, Ground, ground_of, name_of, row_of, words
from node.storage.port import BoardQuery
from node.storage.rows import EXEMPT, HIDDEN

_PROVED = frozenset({COMPLETED, CLOSED, ARCHIVED, REINSPECTING, CANCELLED, DECLINED, MERGED})
_YES, _NO = ("yes", "是"), ("no", "否")


def verify(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """复核: begin it, or its outcome with the findings (情况是否查明, 整改是否到位, 群众是否满意; R99)."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.VERIFY, desk.identity.code)
    verdict = _verdict(args, start="start")
    ground = ground_of(desk, state)
    closing = ground.profile.closing
    asked = closing.findings if closing is not None else ()
    found = _findings(take_list(args, "finding"))
    answered = {finding.question: finding.ok for finding in found}
    if verdict == PASSED:
        missing = [FINDINGS[name] for name in asked if not answered.get(FINDINGS[name])]
        no = [question for question, ok in answered.items() if not ok]
        if missing or no:
            wrong = "、".join(dict.fromkeys([*missing, *no]))
            raise ground.refusal(f"复核结论未齐或为否：{wrong}，不能通过", "closing.findings", field="--finding",
                                 remedy="写 --finding 问题=是；有不合格的写 --failed")  # fmt: skip
    text = words(args, "text", required=False)
    if verdict == FAILED and not (text.strip() or False in answered.values()):
        raise InputError(
            "复核不通过须说明（规则：不通过的说明问题）", field="--text", remedy="写 --text，或 --finding 问题=否",
        )  # fmt: skip
    payload = Act(text, attachments=take_files(args), track=Track(verdict=verdict, findings=found))
    return write(desk, state, Kind.VERIFY, payload, caller)


def _findings(texts: tuple[str, ...]) -> tuple[Finding, ...]:
    found = []
    for text in texts:
        question, equals, answer = (part.strip() for part in text.partition("="))
        if not (question and equals and answer in _YES + _NO):
            raise InputError("复核结论写法不对", field="--finding", value=text, remedy="写成 群众是否满意=是（或 否）")
        found.append(Finding(FINDINGS.get(question, question), answer in _YES))
    return tuple(found)


def _verdict(args: Args, start: str) -> int:
    given = [name for name in (start, "passed", "failed") if args.get(name)]
    if len(given) > 1 or (start == "start" and not given):
        raise InputError("结果只写一种", field="--passed", remedy="写 --passed 通过、--failed 不通过" +
                         ("、--start 开始复核" if start == "start" else ""))  # fmt: skip
    return {"passed": PASSED, "failed": FAILED}.get(given[0] if given else "", STARTED)


def must_verify(ground: Ground, state: ItemState) -> bool:
    """Whether the profile wants this item verified before it is done with (R97, A16)."""
    closing = ground.profile.closing
    if closing is None:
        return False
    terms = state.opening.terms if state.opening is not None else None
    classes = {ground.case["class_"], terms.item_class if terms is not None else ""} - {""}
    return closing.verify_always or bool(classes & set(closing.verify_required))


def complete(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """认定办结 of what was accepted, where no verification stands before it."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.COMPLETE, desk.identity.code)
    ground = ground_of(desk, state)
    if must_verify(ground, state):
        raise ground.refusal("须先复核", "closing", field="ITEM", remedy="dulian item verify 写明复核结论")
    guards.check_rectified(state, "不能认定办结")
    return write(desk, state, Kind.COMPLETE, Act(words(args, "text", required=False)), caller)


def close(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """销号: of an own item only when every task under it is done; verified first where the profile wants it (R97)."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.CLOSE, desk.identity.code)
    _check_closing(desk, state)
    check_accepted(desk, state)
    case = closing_case(desk, state)
    return write(desk, state, Kind.CLOSE, Act(text=words(args, "text", required=False)), caller, case)


def check_accepted(desk: Desk, state: ItemState) -> None:
    """Refuse closing past the chain of accepting: what this office or its units work on is reported and accepted (R56).

    An own item that was only handed on is accepted task by task.
    """
    if state.state not in (ESTABLISHED, ASSIGNED, ACTIVE, SUBMITTED) or state.kind != "registered":
        return
    chain = chains.required(desk, "accept", state)
    handed_on = any(row.state != CANCELLED for row in children_of(desk, state.item_id))
    if chain is None or (handed_on and not state.tracks.handlers and state.state != SUBMITTED):
        return
    rule = chains.rule_text(chains.rule_name(chains.profile_of(desk), chain))
    step = "审核" if state.state == SUBMITTED else "报结"
    raise InputError(
        f"办结报告未经审核，不能销号：{chain.title}{rule}", field="ITEM", value=chains.name_of(state), code="approval",
        remedy=f"先{step}：dulian item {'accept' if state.state == SUBMITTED else 'submit'} {chains.name_of(state)}",
    )  # fmt: skip


def closing_case(desk: Desk, state: ItemState) -> bytes:
    """The approved case of the closing chain (A16), where the profile names one beside that of accepting."""
    closing = ground_of(desk, state).profile.closing
    if closing is None or closing.chain is None:
        return b""
    chain = ground_of(desk, state).profile.chain(closing.chain)
    used = [row for row in chains.cases_of(desk, chain.subject, state.item_id) if row.state == CLOSED]
    if chain.subject == "accept" and used:
        return b""
    return chains.basis(desk, chain.subject, state)


def _check_closing(desk: Desk, state: ItemState) -> None:
    """Refuse closing what the profile wants verified and that is not: the item, or a task under the own item."""
    ground = ground_of(desk, state)
    guards.check_rectified(state, "不能销号")
    if state.kind == "registered":
        guards.check_close(open_children(desk, state))
        for row in children_of(desk, state.item_id):
            if row.issuer == desk.identity.code and row.state != CANCELLED:
                guards.check_rectified(desk.projector.state_of(row.item_id), f"不能销号（任务 {name_of(row)}）")
        rows = [row for row in children_of(desk, state.item_id) if row.issuer == desk.identity.code]
        open_ = [row for row in rows if row.state not in _PROVED and not row.flags & EXEMPT]
        if must_verify(ground, state) and rows:
            if open_:
                named = "、".join(f"{name_of(row)}（{row.receiver}）" for row in open_[:5])
                raise ground.refusal(f"下级任务未经复核确认：{named}，不能销号", "closing", field="ITEM",
                                     remedy="逐件复核：dulian item verify 登记编号 --passed")  # fmt: skip
            return
    if must_verify(ground, state) and state.state != COMPLETED:
        raise ground.refusal("未经复核确认，不能销号", "closing", field="ITEM",
                             remedy="审核通过后复核：dulian item verify 登记编号 --passed")  # fmt: skip


def reinspect(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """回头看: open a linked item to look again, or end it: 无问题, or 问题成立 which goes on in that item (R98).

    A hidden one (四不两直, R101) leaves nothing on the item's line before its result.
    """
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.REINSPECT, desk.identity.code)
    verdict = _verdict(args, start="")
    text = words(args, "text", required=verdict == FAILED)
    if verdict != STARTED:
        return _conclude(desk, state, verdict, text, caller)
    if state.state == REINSPECTING or _hidden_again(desk, state):
        raise InputError(
            "已在回头看（规则：一次看完再看）", field="ITEM", remedy="写 --passed（无问题）或 --failed（问题成立）",
        )  # fmt: skip
    opening = state.opening
    if opening is None:
        raise InputError("事项内容已清除，不能回头看（规则：清除后不再办理）", field="ITEM",
                         remedy="需要继续的另行登记：dulian item register")  # fmt: skip
    hidden = bool(args.get("hidden"))
    item_class = opening.terms.item_class if opening.terms else ""
    again = Opening(
        f"回头看：{opening.title}"[:200], text or opening.text, number=f"{opening.number}-回", source=opening.source,
        actor_name=caller.name, predecessor=state.item_id, points=opening.points,
        terms=Terms(item_class=item_class, target=state.item_id, hidden=hidden),
    )  # fmt: skip
    record = desk.author.write(
        Kind.REGISTER, Line((desk.identity.code,)), again, semantic_version=SEMANTIC_VERSION, actor=caller.name,
        channel=caller.channel,
    )  # fmt: skip
    successor = record.record_id
    if hidden:
        return {"item": state.item_id.hex(), "number": opening.number, "title": opening.title,
                "successor": successor.hex(), "successor_number": again.number}  # fmt: skip
    payload = Act(text, successor=successor, track=Track(verdict=STARTED))
    answer = write(desk, state, Kind.REINSPECT, payload, caller)
    return answer | {"successor": successor.hex(), "successor_number": again.number}


def _hidden_again(desk: Desk, state: ItemState) -> bytes:
    """The item in which this office looks again unannounced and that has no result yet; empty for none."""
    rows = desk.store.board_query(BoardQuery(target=state.item_id, subject="-"))
    mine = [row for row in rows if row.issuer == desk.identity.code and row.flags & HIDDEN]
    known = state.tracks.reinspections
    return next((row.item_id for row in mine if row.item_id not in known and row.state != CANCELLED), b"")


def _conclude(desk: Desk, state: ItemState, verdict: int, text: str, caller: Caller) -> dict[str, object]:
    """The result of looking again; of an unannounced one only now does the item's line hear of it at all."""
    successor = state.tracks.reinspections[-1] if state.tracks.reinspections else b""
    if state.state != REINSPECTING:
        successor = _hidden_again(desk, state)
        if not successor:
            raise InputError(
                "事项不在回头看中（规则：先开始，后结论）", field="ITEM",
                remedy="先开始：dulian item reinspect 登记编号",
            )  # fmt: skip
        begun = Act(text, successor=successor, track=Track(verdict=STARTED))
        write(desk, state, Kind.REINSPECT, begun, caller)
        state = current(desk, state.item_id.hex())
    payload = Act(text, successor=successor, track=Track(verdict=verdict))
    answer = write(desk, state, Kind.REINSPECT, payload, caller)
    if verdict == PASSED and successor:
        _end(desk, successor, caller)
    row = row_of(desk, successor)
    number = name_of(row) if row is not None else None
    return answer | {"successor": successor.hex() or None, "successor_number": number}


def _end(desk: Desk, item_id: bytes, caller: Caller) -> None:
    """The looking again found nothing: its item ends with the answer (R2), where this office opened it."""
    if not any(row.issuer == desk.identity.code for row in desk.store.board([item_id])):
        return
    again = current(desk, item_id.hex())
    may = again.kind == "registered" and Kind.CANCEL in guards.allowed(again, desk.identity.code)
    if may and not open_below(desk, again):
        act(desk, again, Kind.CANCEL, Act("回头看未发现问题"), guards.answers(again, Kind.CANCEL), caller)


def open_below(desk: Desk, state: ItemState) -> bool:
    """Whether a task of this office under the item is still open."""
    return any(
        row.issuer == desk.identity.code and row.state not in _PROVED for row in children_of(desk, state.item_id)
    )
