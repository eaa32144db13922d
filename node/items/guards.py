"""Guards: what an office may write about an item at this moment, checked before anything is signed.

Rules of this file:

1. A guard raises `ForbiddenError` where another office would have to act, `InputError` where the moment, a date or a
   receiver is wrong; the text names the state and what may be done instead. Nothing is written then.
2. Guards are narrower than the fold: they also look at the tasks below and above, which not every holder of the item
   sees. What slips past them (a race, another software) is shown, and the fold decides what it counts for.
3. `answers` says what a record must name in ``re``: what is in force, and the last effective declaration of every
   author. So each act says all that its author had seen, and the order of an honest item hangs on hashes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from node.errors import ForbiddenError, InputError
from node.items.fold import ItemState
from node.items.lifecycle import (
    ACCEPTED,
    APPROVING,
    ASSIGNED,
    COMPLETED,
    DELIVERED,
    DONE,
    PLANNING,
    PROPOSED,
    REFUSED,
    SUBMITTED,
    VERIFYING,
    Rule,
    state_label,
)
from node.items.versions import LIVES, SEMANTIC_VERSION
from node.records import limits
from node.records.kinds import Kind, label_of
from node.records.payload import ASSIST, LEAD, SOLE
from node.records.track import CLEARED

_UNSIGNED = frozenset({ASSIGNED, DELIVERED, REFUSED})
_JUDGED = frozenset({ACCEPTED, VERIFYING, COMPLETED})
_HANDED_IN = _JUDGED | {SUBMITTED}
_AWAITING_APPROVAL = frozenset({PROPOSED, APPROVING, PLANNING})
# States in which the fold would count the act, and in which it makes no sense to begin it, for assignments.
_NOT_NOW: dict[int, frozenset[str]] = {
    Kind.PROGRESS: _UNSIGNED | _HANDED_IN,
    Kind.DECOMPOSE: _UNSIGNED | _HANDED_IN,
    Kind.MILESTONE: _UNSIGNED | _HANDED_IN,
    Kind.HANDLE: _UNSIGNED | _HANDED_IN,
    Kind.EXT_REQUEST: _UNSIGNED | _HANDED_IN,
    Kind.EXT_DECISION: _JUDGED,
    Kind.REASSIGN: frozenset({SUBMITTED}),
    Kind.URGE: _HANDED_IN,
    Kind.SLIP: _HANDED_IN,
    Kind.CHANGE: _JUDGED,
    Kind.TAKE_OVER: _JUDGED,
}
_NOT_NOW_OWN: dict[int, frozenset[str]] = {
    Kind.PROGRESS: _HANDED_IN, Kind.DISPATCH: _HANDED_IN, Kind.HANDLE: _HANDED_IN, Kind.MILESTONE: _HANDED_IN,
    Kind.EXT_REQUEST: _HANDED_IN, Kind.URGE: _HANDED_IN, Kind.SLIP: _HANDED_IN, Kind.CHANGE: _JUDGED,
}  # fmt: skip
# The node writes it by itself; nobody is told to.
_SILENT = frozenset({Kind.DELIVERED, Kind.ENCLOSE, Kind.DISPATCH})
_NAMED_MAX = 5
OFFERED = "本单位现在可以："
# Kinds whose name is no verb, as what one does.
_VERBS: dict[int, str] = {
    Kind.PROGRESS: "报告进展", Kind.EVIDENCE: "附上文件", Kind.FINAL: "报结", Kind.ACCEPT: "审核", Kind.APPROVE: "审批",
    Kind.PLAN: "拟订方案", Kind.MILESTONE: "填报节点", Kind.EXT_REQUEST: "申请延期", Kind.EXT_DECISION: "批复延期",
    Kind.JUSTIFY_DECISION: "认定理由", Kind.SLIP: "发督办单", Kind.ORDER: "发督办令", Kind.RECTIFY: "填整改清单",
    Kind.NOTICE: "发通报", Kind.BULLETIN: "发简报", Kind.SPECIAL: "发专报", Kind.REFER: "登记问责线索",
    Kind.NEGATIVE: "列入负面清单", Kind.SCORE: "记分", Kind.COMPLETE: "认定办结",
}  # fmt: skip
# What people write to do it; kinds that are not here have no command in this release.
_COMMANDS: dict[int, str] = {
    Kind.SIGN: "sign", Kind.REFUSE: "refuse", Kind.INSIST: "insist", Kind.REASSIGN: "reassign",
    Kind.DECOMPOSE: "decompose", Kind.PROGRESS: "report", Kind.EVIDENCE: "attach", Kind.URGE: "urge",
    Kind.FINAL: "submit", Kind.RETURN: "return", Kind.ACCEPT: "accept", Kind.CLOSE: "close", Kind.CANCEL: "cancel",
    Kind.PROPOSE: "propose", Kind.APPROVE: "approve", Kind.REJECT: "reject", Kind.ESTABLISH: "establish",
    Kind.DECLINE: "decline", Kind.MERGE: "merge", Kind.PLAN: "plan", Kind.MILESTONE: "milestone",
    Kind.HANDLE: "handle", Kind.WARN: "warn", Kind.CHANGE: "change", Kind.EXT_REQUEST: "extend",
    Kind.EXT_DECISION: "grant、deny、note", Kind.EXEMPT: "exempt", Kind.VERIFY: "verify", Kind.COMPLETE: "complete",
    Kind.ARCHIVE: "archive", Kind.REINSPECT: "reinspect", Kind.SLIP: "slip", Kind.JUSTIFY: "justify",
    Kind.JUSTIFY_DECISION: "judge", Kind.ORDER: "order", Kind.RECTIFY: "rectify", Kind.NOTICE: "notice",
    Kind.BULLETIN: "bulletin", Kind.SPECIAL: "special", Kind.INTERVIEW: "interview", Kind.REFER: "refer",
    Kind.NEGATIVE: "negative", Kind.SCORE: "score", Kind.CORRECT: "correct",
}  # fmt: skip
# Always possible, and never what one looks for who was refused.
_ASIDE = frozenset({
    Kind.SCORE, Kind.NOTICE, Kind.BULLETIN, Kind.SPECIAL, Kind.INTERVIEW, Kind.REFER, Kind.NEGATIVE, Kind.CORRECT,
    Kind.RECTIFY, Kind.ORDER, Kind.SLIP, Kind.WARN, Kind.MILESTONE, Kind.JUSTIFY, Kind.JUSTIFY_DECISION,
})


# What an act decides on: what is said where there is no such thing, by which rule, and what comes first.
_NOTHING_TO_DECIDE: dict[str, tuple[str, str, str]] = {
    "approval": ("没有待审批的拟办或方案", "先送审后审批", "先拟办或拟订方案：dulian item propose 或 plan"),
    "extension": ("没有待批复的延期申请", "先申请后批复", "等承办单位申请：dulian item extend"),
    "slip": ("没有待说明理由的督办单", "收到督办单后说明理由", "报告情况用 dulian item report"),
    "justification": ("没有待认定的理由", "先说明后认定", "发督办单（slip）后，由承办单位说明（justify）"),
}
_KINDS = {"registered": "自立事项", "assignment": "交办任务"}


class Child(NamedTuple):
    """A task issued under an item, as far as the guards ask; ``exempt``: nothing more is expected of it (免除)."""

    item_id: bytes
    receiver: str
    state: str | None
    exempt: bool = False


def check_act(state: ItemState, kind: Kind, office: str) -> None:
    """Refuse ``kind`` by ``office`` where it would not count, or not now (InputError, ForbiddenError)."""
    label = _verb(kind)
    if state.state is None:
        raise InputError(f"事项的交办记录尚未到达或无效，不能{label}", remedy="等待上级数据同步后重试")
    if state.semantic_version not in LIVES:
        raise InputError(f"事项由较新版本建立，本版本不能{label}", remedy="升级本机软件")
    rule = _rules(state).get(kind)
    if rule is None:
        text = f"此类事项不能{label}（规则：{_KINDS.get(state.kind, '此类事项')}没有这一环节）"
        raise InputError(text, remedy=instead(state, office))
    if not _may(state, rule, office):
        text = f"{label}只能由{_who(state, rule)}办理（规则：各负其责），本单位是 {office}"
        raise ForbiddenError(text, remedy=instead(state, office))
    if not _now(state, kind, rule):
        text = f"当前状态为「{_label(state)}」，不能{label}（规则：{label}须在{_when(state, kind, rule)}时）"
        raise InputError(text, remedy=instead(state, office))
    if missing := _missing(state, kind):
        text, rule_text, first = missing
        raise InputError(f"{text}，不能{label}（规则：{rule_text}）", remedy=f"{first}；{instead(state, office)}")


def allowed(state: ItemState, office: str) -> tuple[Kind, ...]:
    """The kinds ``office`` may write now, in the order of their numbers."""
    if state.state is None or state.semantic_version not in LIVES:
        return ()
    return tuple(
        Kind(kind) for kind, rule in sorted(_rules(state).items())
        if kind not in _SILENT and _may(state, rule, office) and _now(state, Kind(kind), rule)
        and not _missing(state, Kind(kind))
    )  # fmt: skip


def answers(state: ItemState, kind: Kind) -> tuple[bytes, ...]:
    """What a record of ``kind`` names in ``re``: what is in force first, then what its author has seen last."""
    named = [state.version]
    life = LIVES.get(state.semantic_version)
    needs = life.needs.get(kind, "") if life is not None else ""
    if needs == "submission":
        named.append(state.submission)
    elif needs == "refusal":
        named.append(state.refusal)
    elif needs and needs != "version":
        named.append(state.tracks.in_force(needs))
    named += state.last
    return tuple(record_id for record_id in dict.fromkeys(named) if record_id)


def in_time(item_kind: str, kind: Kind, state: str) -> bool:
    """Whether an item opened now and in this state takes an act of ``kind``, as far as its state is concerned."""
    rule = LIVES[SEMANTIC_VERSION].rules_of(item_kind).get(kind)
    return rule is not None and _timely(item_kind, kind, rule, state)


def check_due(due_day: int, parent_due_day: int) -> None:
    """Refuse a due date after the one above it; days since 1970-01-01, 0 = none."""
    if due_day < 0:
        raise InputError("办结时限须为有效日期", field="--due", remedy="填写 YYYY-MM-DD")
    if due_day and parent_due_day and due_day > parent_due_day:
        raise InputError(
            f"办结时限晚于上级时限 {_date(parent_due_day)}（规则：下级时限不得晚于上级时限）", field="--due",
            value=_date(due_day),
            remedy=f"填写 {_date(parent_due_day)} 或更早的日期",
        )  # fmt: skip


def check_receivers(
    office: str, to: Iterable[str], lead: Iterable[str] = (), paths: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[tuple[str, int], ...]:
    """Return (receiver, role) for every code of ``to``, the lead first; InputError where they do not fit together.

    ``lead`` holds each ``--lead`` as given. ``paths`` maps the codes that are known to their offices' paths (root …
    code); with it, receivers must be known and stand below ``office``.
    """
    receivers, leads = tuple(to), tuple(lead)
    if not receivers:
        raise InputError("没有承办单位", field="--to", remedy="写下级单位代码，多个用逗号分开")
    if len(receivers) > limits.CHILDREN_MAX:
        raise InputError(f"一次最多交办 {limits.CHILDREN_MAX} 个单位", field="--to", remedy="分几次交办")
    seen: set[str] = set()
    for code in receivers:
        if code in seen:
            raise InputError("承办单位重复", field="--to", value=code, remedy="每个单位只填一次")
        seen.add(code)
        if code == office:
            raise InputError(
                "不能交办给本单位（规则：交办给下级单位）", field="--to", value=code,
                remedy="本单位自己承办的写 --local",
            )  # fmt: skip
        if paths is not None:
            if code not in paths:
                raise InputError("本单位的下级中没有这个单位", field="--to", value=code, remedy="核对单位代码")
            if office not in paths[code][:-1]:
                raise InputError(
                    "不是本单位的下级（规则：交办给下级单位）", field="--to", value=code,
                    remedy=f"写 {office} 的下级单位代码",
                )  # fmt: skip
    if len(leads) > 1:
        raise InputError(
            "牵头单位只能有一个（规则：一个牵头，其余协办）", field="--lead", value=",".join(leads),
            remedy="只保留一个 --lead",
        )  # fmt: skip
    if not leads:
        return tuple((code, SOLE) for code in receivers)
    if leads[0] not in seen:
        raise InputError(
            "牵头单位不在承办单位中（规则：一个牵头，其余协办）", field="--lead", value=leads[0],
            remedy="把它写进 --to",
        )  # fmt: skip
    return ((leads[0], LEAD), *((code, ASSIST) for code in receivers if code != leads[0]))


def check_final(children: Iterable[Child]) -> None:
    """Refuse a report while a task issued under the item is still open."""
    _check_children(children, "不能报结")


def check_close(children: Iterable[Child]) -> None:
    """Refuse closing while a task issued under the item is still open."""
    _check_children(children, "不能销号")


def check_rectified(state: ItemState, cannot: str) -> None:
    """Refuse what ends an item while a line of its 整改清单 is not cleared (R97)."""
    open_ = [line.key for line in state.tracks.lines if line.status != CLEARED]
    if open_:
        named = "、".join(open_[:_NAMED_MAX]) + (f" 等 {len(open_)} 项" if len(open_) > _NAMED_MAX else "")
        raise InputError(
            f"整改事项未销清：{named}，{cannot}（规则：整改清单逐项销账）", field="ITEM",
            remedy="整改到位的逐项销去：dulian item rectify 登记编号 --clear 序号",
        )  # fmt: skip


def check_text(text: str, field: str) -> None:
    """Refuse an empty reason or report."""
    if not text.strip():
        raise InputError("内容不能为空", field=field, remedy="写明理由或情况")


def _check_children(children: Iterable[Child], cannot: str) -> None:
    still = sorted(
        (child.receiver, state_label(child.state))
        for child in children if child.state not in DONE and not child.exempt
    )  # fmt: skip
    if still:
        named = "、".join(f"{receiver}（{label}）" for receiver, label in still[:_NAMED_MAX])
        more = f" 等 {len(still)} 个" if len(still) > _NAMED_MAX else ""
        text = f"下级任务未结：{named}{more}，{cannot}（规则：下级任务了结之后）"
        raise InputError(text, remedy="先审核通过、免除、改派或撤销这些任务")


def _may(state: ItemState, rule: Rule, office: str) -> bool:
    if rule.authority == "receiver":
        return office == state.receiver
    if rule.authority == "issuer_or_above" and state.line is not None:
        return office == state.issuer or office in state.line.path[:-1]
    if rule.authority == "party" and state.line is not None:
        return office in state.line.path
    return office == state.issuer


def _rules(state: ItemState) -> dict[int, Rule]:
    life = LIVES.get(state.semantic_version)
    return life.rules_of(state.kind) if life is not None else {}


def _now(state: ItemState, kind: Kind, rule: Rule) -> bool:
    return _timely(state.kind, kind, rule, state.state or "")


def _timely(item_kind: str, kind: Kind, rule: Rule, current: str) -> bool:
    if current not in rule.moves:
        return False
    never = (_NOT_NOW if item_kind == "assignment" else _NOT_NOW_OWN).get(kind)
    return never is None or current not in never


def _when(state: ItemState, kind: Kind, rule: Rule) -> str:
    """The states in which an act may be written: words for people."""
    never = (_NOT_NOW if state.kind == "assignment" else _NOT_NOW_OWN).get(kind) or ()
    labels = list(dict.fromkeys(state_label(one) for one in rule.moves if one not in never))
    return "、".join(labels[:_NAMED_MAX]) + (" 等状态" if len(labels) > _NAMED_MAX else "")


def _missing(state: ItemState, kind: Kind) -> tuple[str, str, str] | None:
    """What would have to be there beside the state, as in `_NOTHING_TO_DECIDE`; None where nothing is missing."""
    rule = _rules(state).get(kind)
    if rule is not None and rule.needs in _NOTHING_TO_DECIDE and not state.tracks.in_force(rule.needs):
        return _NOTHING_TO_DECIDE[rule.needs]
    return None


def _who(state: ItemState, rule: Rule) -> str:
    if rule.authority == "receiver":
        return f"承办单位 {state.receiver} "
    if rule.authority == "issuer_or_above":
        return f"交办单位 {state.issuer} 或其上级"
    return f"交办单位 {state.issuer} " if state.kind == "assignment" else f"登记单位 {state.issuer} "


def instead(state: ItemState, office: str, first: Callable[[Kind], str] = lambda _kind: "") -> str:
    """What an office may write now, for who was refused; ``first``: what has to come before an act; empty: nothing."""
    kinds = [kind for kind in allowed(state, office) if kind in _COMMANDS and kind not in _ASIDE]
    steps = [(kind, _verb(kind), _COMMANDS[kind]) for kind in kinds]
    if _may_assign(state, office):
        steps = sorted([*steps, (Kind.DISPATCH, "交办", "assign")])
    before = {kind: first(kind) for kind, _, _ in steps}
    named = "、".join(
        f"{verb}（{command}{'；' if before[kind] else ''}{before[kind]}）" for kind, verb, command in steps
    )
    return f"{OFFERED}{named}" if named else "本单位现在无需办理"


def _may_assign(state: ItemState, office: str) -> bool:
    """Whether an own item may be given to offices below now: the node notes that as a 分派, people write ``assign``."""
    rule = _rules(state).get(Kind.DISPATCH)
    if state.kind != "registered" or rule is None or state.state in _AWAITING_APPROVAL:
        return False
    return _may(state, rule, office) and _now(state, Kind.DISPATCH, rule)


def _verb(kind: Kind) -> str:
    return _VERBS.get(kind) or label_of(kind)


def _label(state: ItemState) -> str:
    return state_label(state.state, successor=bool(state.successor))


def _date(day: int) -> str:
    try:
        return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
    except OverflowError:
        return str(day)
