"""Approval cases (审签件): a draft about an item, on the line of this office alone, sent through its chain.

Rules of this file:

1. A case is an own item with ``terms.subject`` and ``terms.target``; it opens together with its 拟办, which carries the
   steps of the chain. 已立项 means 已批准; it is used once, by `chains.consume`.
2. It works for items from above too: whoever may not write on the item's line still approves inside the office.
3. For one subject of one item there is one open case at a time.
"""

from __future__ import annotations

from node.errors import InputError
from node.items.fold import ItemState
from node.items.lifecycle import CLOSED, ESTABLISHED, TERMINAL, state_label
from node.items.lights import day_of
from node.items.versions import SEMANTIC_VERSION
from node.records.kinds import Kind
from node.records.limits import TEXT_CHARS_MAX, TITLE_CHARS_MAX
from node.records.line import Line
from node.records.payload import Opening, check_text
from node.records.track import Terms
from node.rules.profile import Profile
from node.rules.values import Chain
from node.rules.words import SUBJECTS
from node.services.matters import chains, drafts
from node.services.matters.chains import name_of
from node.services.matters.desk import Caller, Desk, current, find_item, state_of, take
from node.services.matters.rulebook import Rulebook
from node.services.verbs import Args
from node.services.views.browse import View, show_item
from node.storage.port import BoardQuery, BoardRow, Reader

_ON_THE_ITEM = {"setup": "dulian item propose", "plan": "dulian item plan"}
_EVERY_CASE = 2**31 - 1


def open_case(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """送审: a new case for (subject, item), proposed at once; the item may be one from above."""
    state = current(desk, take(args, "item"))
    check_is_none(state, "送审")
    subject = _subject(take(args, "subject"))
    label, name = SUBJECTS[subject], name_of(state)
    if subject in _ON_THE_ITEM and state.kind == "registered":
        remedy = f"{_ON_THE_ITEM[subject]} {name} --text 内容"
        told = f"自立事项的「{label}」在事项上审批，不另送审（规则：自立事项的拟办、方案在事项上审批）"
        raise InputError(told, field="--subject", value=subject, remedy=remedy)
    text = check_text(take(args, "text"), "--text", TEXT_CHARS_MAX)
    if not text.strip():
        raise InputError("内容不能为空", field="--text", remedy="写明送审的内容")
    chain = chains.required(desk, subject, state)
    profile = chains.profile_of(desk)
    if chain is None:
        raise InputError(
            f"此事项的「{label}」不要求审批（规则 {profile.id}/{profile.version} chains）", field="--subject",
            value=subject, remedy="直接办理",
        )  # fmt: skip
    earlier = chains.cases_of(desk, subject, state.item_id)
    for row in earlier:
        if row.state not in TERMINAL and not (subject == "annual_plan" and row.state == ESTABLISHED):
            raise InputError(
                f"已有「{label}」的审签件 {row.number}（{case_label(row.state)}）（规则：一事一签）", field="ITEM",
                value=name,
                remedy=f"沿用它：dulian case show {row.number}；"
                f"不用的先撤销：dulian item cancel {row.number} --reason 理由",
            )  # fmt: skip
    number = f"{name}-{label}{len(earlier) + 1}"
    title = f"{label}：{state.opening.title if state.opening is not None else name}"[:TITLE_CHARS_MAX]
    rule = chains.rule_name(profile, chain)
    terms = Terms(subject=subject, target=state.item_id, profile=f"{profile.id}/{profile.version}")
    draft = drafts.new_draft(desk, state, subject, chain, {**args, "text": text})._replace(actor_name=caller.name)
    line, files = Line((desk.identity.code,)), draft.attachments
    opening = Opening(title, text, caller.name, attachments=files, number=number, rule=rule, terms=terms)
    record = desk.author.write(
        Kind.REGISTER, line, opening, semantic_version=SEMANTIC_VERSION, actor=caller.name, channel=caller.channel
    )
    desk.author.write(
        Kind.PROPOSE, line, draft, item=record.record_id, re=(record.record_id,), actor=caller.name,
        channel=caller.channel,
    )  # fmt: skip
    return {
        "item": record.record_id.hex(), "number": number, "title": title, "subject": subject,
        "target": state.item_id.hex(), "target_number": name, "chain": chain.title, "rule": rule,
        "next": chains.step_text(profile, chains.steps_of(chain)[0]),
        "attachments": [file.hash.hex() for file in files],
    }  # fmt: skip


def subject_of(state: ItemState) -> str:
    """What a case is to have approved; empty for every other item."""
    return state.opening.terms.subject if state.opening is not None and state.opening.terms is not None else ""


def check_is_none(state: ItemState, verb: str) -> None:
    """Refuse on a case what only makes sense on the item it concerns."""
    if subject_of(state):
        remedy = "审签件只有审批：dulian item approve、reject、propose、decline"
        raise InputError(f"审签件不能{verb}（规则：审签件只供审批）", field="ITEM", value=name_of(state), remedy=remedy)


def chain_of(desk: Desk, case: ItemState) -> Chain:
    """The chain a case goes through when it is proposed again; InputError where the profile asks for none any more."""
    terms = case.opening.terms if case.opening is not None else None
    subject, target = (terms.subject, terms.target) if terms is not None else ("", b"")
    chain = chains.required(desk, subject, desk.projector.state_of(target))
    if chain is None:
        profile = chains.profile_of(desk)
        text = f"对此已不要求审批（规则 {profile.id}/{profile.version} chains）"
        raise InputError(text, field="ITEM", value=name_of(case), remedy="撤回审签件，直接办理")
    return chain


def case_label(state: str) -> str:
    """The state of a case in words of its own."""
    return {ESTABLISHED: "已批准", CLOSED: "已使用", "declined": "已撤回", "registered": "已退回"}.get(
        state, state_label(state)
    )


def list_cases(reader: Reader, view: View, args: Args) -> list[dict[str, object]]:
    """`case list`: this office's cases, the newest first; of one item or subject where asked, open ones unless all."""
    subject = _subject(take(args, "subject")) if take(args, "subject") else "*"
    word = take(args, "item")
    target = find_item(reader, view.office, word).item_id if word else b""
    profile = Rulebook(reader, view.office).profile(day_of(view.now_ms))
    rows = reader.board_query(BoardQuery(subject=subject, target=target, limit=_EVERY_CASE))
    found = [
        _document(reader, profile, row) for row in rows
        if row.issuer == view.office and (args.get("all") or row.state not in TERMINAL)
    ]  # fmt: skip
    return found[::-1]


def show_case(reader: Reader, view: View, args: Args) -> dict[str, object]:
    """`case show`: the case with its steps, who approved what, and its whole course."""
    row = find_item(reader, view.office, take(args, "item"))
    if not row.subject:
        raise InputError("不是审签件", field="ITEM", value=take(args, "item"), remedy="用 dulian case list 查看审签件")
    profile = Rulebook(reader, view.office).profile(day_of(view.now_ms))
    return show_item(reader, view, args) | _document(reader, profile, row)


def _document(reader: Reader, profile: Profile, row: BoardRow) -> dict[str, object]:
    case = state_of(reader, row.item_id)
    approval = case.tracks.approval
    targets = reader.board([row.target])
    steps: list[dict[str, object]] = []
    for index, step in enumerate(approval.steps):
        done = approval.posts_done(index)
        posts = [{"id": post, "label": profile.role_label(post), "done": post in done} for post in step.posts]
        steps.append({"verb": step.verb, "any_one": step.any_one, "posts": posts})
    return {
        "id": row.item_id.hex(), "number": row.number, "title": row.title, "subject": row.subject,
        "subject_label": SUBJECTS.get(row.subject, row.subject), "target": row.target.hex(),
        "target_number": targets[0].number if targets else "", "target_title": targets[0].title if targets else "",
        "state": row.state, "state_label": case_label(row.state), "steps": steps,
        "rule": case.opening.rule if case.opening is not None else "",
        "next": chains.next_step(profile, approval) or None,
    }  # fmt: skip


def _subject(word: str) -> str:
    """A subject by id or label; InputError."""
    found = next((subject for subject, label in SUBJECTS.items() if word in (subject, label)), "")
    if not found:
        known = "、".join(f"{subject}（{label}）" for subject, label in SUBJECTS.items())
        raise InputError("没有这种送审内容", field="--subject", value=word, remedy=f"可选：{known}")
    return found
