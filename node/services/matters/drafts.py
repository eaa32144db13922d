"""What an approval case has had approved, and that what is done by it is just that (R56, R69, R78).

Rules of this file:

1. The draft of a case (its last 拟办) carries the words, the date, the answers and the files that go through the chain;
   an act that goes by the case says the same: what is left out is taken from the draft, what differs is refused.
2. A case about a 办结报告 or a 延期申请 names the record it is about: another one needs another approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from node.errors import InputError
from node.items.fold import ItemState
from node.items.lights import day_of
from node.records.payload import Act, Attachment, check_text
from node.records.track import Track
from node.rules.values import Chain
from node.services.board.project import read_facts
from node.services.matters import chains
from node.services.matters.desk import Desk, parse_day, state_of, take, take_files, take_list
from node.services.matters.ground import iso_day

_SAID = frozenset({"order", "notice", "special", "report"})  # subjects whose draft is what goes out
_DATED = frozenset({"order", "extension"})  # … whose draft sets a date
_ABOUT = {"accept": "办结报告", "extension": "延期申请"}  # … that decide on a record


class Approved(NamedTuple):
    """An approved case (b"" where none is asked for), the verb's arguments as approved, and the files of the act."""

    case: bytes
    args: Mapping[str, object]
    attachments: tuple[Attachment, ...]


def about(state: ItemState, subject: str) -> bytes:
    """The record a decision on ``subject`` would be about now; b"" for none."""
    if subject == "accept":
        return state.submission
    if subject == "extension" and state.tracks.extension.state == "requested":
        return state.tracks.extension.request
    return b""


def new_draft(desk: Desk, state: ItemState, subject: str, chain: Chain, args: Mapping[str, object]) -> Act:
    """The draft of a case about ``state``: its date and answers by ``--due`` and ``--answer``; InputError."""
    record = about(state, subject)
    if subject in _ABOUT and not record:
        raise InputError(f"还没有{_ABOUT[subject]}，无从送审{_rule(desk, chain)}", field="--subject", value=subject,
                         remedy=f"等承办单位报来{_ABOUT[subject]}后再送审")  # fmt: skip
    due_day = parse_day(args.get("due"), "--due")
    if subject == "order":
        due_day = due_day or state.due_day
    if subject == "order" and not due_day:
        raise InputError(f"督办令须写明办结时限，时限一并送审{_rule(desk, chain)}", field="--due",
                         remedy="写 --due 日期")  # fmt: skip
    if due_day and due_day < day_of(desk.world.clock.now_ms()):
        raise InputError("时限已过（规则：时限不得早于当天）", field="--due", value=take(args, "due"),
                         remedy="写今天或以后的日期")  # fmt: skip
    if subject == "extension":
        due_day = due_day or state.tracks.extension.wanted_day
    answers = answers_of(take_list(args, "answer")) if subject == "report" else ()
    return Act(
        take(args, "text"), attachments=take_files(args), due_day=due_day, answers=answers,
        track=Track(steps=chains.steps_of(chain), rule=chains.rule_name(chains.profile_of(desk), chain), cause=record),
    )  # fmt: skip


def drafted_again(desk: Desk, case: ItemState, chain: Chain, args: Mapping[str, object]) -> Act:
    """The draft of a case that was sent back: new words; files, date and answers as before where none are given."""
    terms = case.opening.terms if case.opening is not None else None
    subject, target = (terms.subject, terms.target) if terms is not None else ("", b"")
    old = draft_of(desk, case)
    draft = new_draft(desk, state_of(desk.store, target), subject, chain, {
        "due": iso_day(old.due_day) if old.due_day else "", **{name: value for name, value in args.items() if value},
    })  # fmt: skip
    return draft._replace(attachments=draft.attachments or old.attachments, answers=draft.answers or old.answers)


def draft_of(desk: Desk, case: ItemState) -> Act:
    """What the case's chain is, or was, about."""
    request = case.tracks.approval.request
    for fact in read_facts(desk.store, [case.item_id]).get(case.item_id, []):
        if fact.record_id == request and isinstance(fact.payload, Act):
            return fact.payload
    return Act()


def waiting(desk: Desk, subject: str, state: ItemState) -> Act | None:
    """The approved draft that the verb would go by now; None where there is none, or the verb sets its own words."""
    if subject not in _SAID | _DATED:
        return None
    case = chains.approved_case(desk, subject, state)
    return draft_of(desk, case) if case is not None else None


def approved(desk: Desk, subject: str, state: ItemState, args: Mapping[str, object]) -> Approved:
    """The case ``state`` needs for this verb, and its arguments as they were approved; InputError where they differ."""
    case_id = chains.basis(desk, subject, state)
    files = take_files(args)
    if not case_id:
        return Approved(b"", args, files)
    case = state_of(desk.store, case_id)
    draft, rule = draft_of(desk, case), case.opening.rule if case.opening is not None else ""
    named, number = chains.rule_text(rule), chains.name_of(case)
    again = f"按审签稿办理（见 dulian case show {number}），或撤回后重新送审：dulian item cancel {number} --reason 理由"
    if subject in _ABOUT and (draft.track or Track()).cause != about(state, subject):
        text = f"审签件 {number} 审的是此前的{_ABOUT[subject]}，不是现在这一份{named}"
        raise InputError(text, field="ITEM", value=chains.name_of(state), code="approval",
                         remedy=f"重新送审：先 dulian item cancel {number} --reason 理由")  # fmt: skip
    changed: dict[str, object] = {}
    if subject in _SAID:
        text = take(args, "text")
        if text.strip() and "".join(text.split()) != "".join(draft.text.split()):
            raise InputError(f"内容与审签件 {number} 审定的不一致{named}", field="--text", code="approval",
                             remedy=f"不写 --text 即用审签稿；{again}")  # fmt: skip
        changed["text"] = draft.text
        if files and not {file.hash for file in files} <= {file.hash for file in draft.attachments}:
            names = "、".join(file.name for file in files)
            raise InputError(f"附件没有随审签件 {number} 审定{named}", field="--attach", value=names, code="approval",
                             remedy=f"附件随送审件一并送审；{again}")  # fmt: skip
        files = files or draft.attachments
    if subject in _DATED:
        changed |= _date(subject, args, draft, f"审签件 {number} 审定的{named}", again)
    if subject == "report":
        said = take_list(args, "answer")
        if said and answers_of(said) != draft.answers:
            raise InputError(f"分项答复与审签件 {number} 审定的不一致{named}", field="--answer", code="approval",
                             remedy=f"不写 --answer 即用审签稿；{again}")  # fmt: skip
        changed["answer"] = [f"{number_}={words}" for number_, words in draft.answers]
    return Approved(case_id, {**args, **changed}, files)


def _date(
    subject: str, args: Mapping[str, object], draft: Act, whose: str, again: str
) -> dict[str, object]:
    """The date as approved, under the name the verb has for it."""
    name = "due" if subject == "order" else "until"
    given = parse_day(args.get(name), f"--{name}")
    if given and given != draft.due_day:
        raise InputError(f"时限与{whose} {iso_day(draft.due_day)} 不一致", field=f"--{name}", value=take(args, name),
                         code="approval", remedy=f"不写 --{name} 即用审定的；{again}")  # fmt: skip
    return {name: iso_day(draft.due_day)} if draft.due_day else {}


def answers_of(texts: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """``N=TEXT`` each, in order; InputError. Which points there are is checked where the report is handed in."""
    found: dict[int, str] = {}
    for text in texts:
        number, words = numbered(text, "--answer")
        if number in found:
            raise InputError("同一分项答复了两次", field="--answer", value=number)
        found[number] = words
    return tuple(sorted(found.items()))


def numbered(text: str, field: str) -> tuple[int, str]:
    """``N=TEXT``; InputError."""
    number, equals, words = text.partition("=")
    if not (equals and number.strip().isascii() and number.strip().isdigit() and words.strip()):
        raise InputError("写法不对", field=field, value=text, remedy="写成 序号=内容，如 1=已全部公开")
    return int(number[:9]), check_text(words.strip(), field)


def _rule(desk: Desk, chain: Chain) -> str:
    return chains.rule_text(chains.rule_name(chains.profile_of(desk), chain))
