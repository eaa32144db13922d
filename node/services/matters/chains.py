"""What has to be approved before a verb, and by what it was approved: chains of the profile, and approval cases.

Rules of this file:

1. A verb for which the profile in force has a chain needs an approved case (审签件) for (subject, item) that nobody has
   used yet; `basis` finds it or refuses, naming chain, rule, the step that is missing and the command. `consume` ends
   the case in the same transaction as the act that carries its id.
2. Setting up (立项) and the plan (方案) of an own item are approved on the item itself; only for a task received from
   above they need a case, because nobody here may write them on its line.
3. A chain without steps only says who is informed: it asks for no approval.
4. All is checked before anything is written.
"""

from __future__ import annotations

from node.errors import InputError
from node.items import guards
from node.items.beside import Approval
from node.items.fold import ItemState
from node.items.lifecycle import (
    APPROVING,
    CANCELLED,
    CLOSED,
    DECLINED,
    ESTABLISHED,
    MERGED,
    PLANNING,
    PROPOSED,
    REGISTERED,
    TERMINAL,
)
from node.items.lights import day_of
from node.records.kinds import Kind
from node.records.line import level_of
from node.records.payload import Act
from node.records.track import ChainStep, Terms
from node.rules import explain
from node.rules.profile import Profile
from node.rules.values import Chain
from node.rules.words import SUBJECTS
from node.services.matters.desk import Caller, Desk, act, state_of
from node.storage.port import BoardQuery, BoardRow

# The level of an issuer as the profiles name where a matter comes from.
_ORIGIN_OF_LEVEL = {"nation": "nation", "province": "province", "prefecture": "city", "county": "county"}
_SET_UP_AS = frozenset({"research", "offplan"})
# What profiles call an item that is not clear yet: its solution is approved first (R35).
UNCLEAR_CLASS = "unclear"
PLAN_CLASS = "年度督查计划"  # of the item that heads a year's plan
_WITH = {"order": " --due 办结时限"}  # what goes through the chain besides the words
_GIVEN_UP = frozenset({CANCELLED, DECLINED, MERGED})
SETTING_UP = (REGISTERED, PROPOSED, APPROVING)


def profile_of(desk: Desk) -> Profile:
    """The profile this office goes by today."""
    return desk.rulebook.profile(day_of(desk.world.clock.now_ms()))


def required(desk: Desk, subject: str, state: ItemState) -> Chain | None:
    """The chain the profile in force has for this subject (`rules.words.SUBJECTS`) of this item; None: no approval."""
    opening = state.opening
    source, terms = (opening.source, opening.terms) if opening is not None else ("", None)
    if state.kind == "assignment" and state.receiver == desk.identity.code:
        # What came from above: its origin is who issued it, whatever that office noted for itself.
        origins: tuple[str, ...] = (_ORIGIN_OF_LEVEL.get(level_of(state.issuer), ""), "upper")
    else:
        origins = _origins(terms)
    return _chain(profile_of(desk), subject, source, terms, origins)


def required_of(desk: Desk, subject: str, source: str, terms: Terms | None) -> Chain | None:
    """As `required`, for an item that is about to be registered."""
    return _chain(profile_of(desk), subject, source, terms, _origins(terms))


def rule_name(profile: Profile, chain: Chain) -> str:
    """How a record names the chain it went by: ``profile/version/chains.id``."""
    return f"{profile.id}/{profile.version}/chains.{chain.id}"


def rule_text(rule: str) -> str:
    """How a refusal names a rule: （规则 profile/version chains.id）."""
    head, _, last = rule.rpartition("/")
    return f"（规则 {head} {last}）" if head else ""


def steps_of(chain: Chain) -> tuple[ChainStep, ...]:
    """The chain's steps as the record carries them, so that a later profile changes nothing."""
    return tuple(ChainStep(step.roles, step.verb, step.any_one) for step in chain.steps)


def waiting_posts(approval: Approval) -> tuple[str, ...]:
    """The posts whose turn it is."""
    if approval.rejected or approval.step >= len(approval.steps):
        return ()
    done = approval.posts_done(approval.step)
    return tuple(post for post in approval.steps[approval.step].posts if post not in done)


def next_step(profile: Profile, approval: Approval) -> str:
    """The step whose turn it is, for people: 审核（县政府督查室主任）; empty where none is."""
    posts = waiting_posts(approval)
    return step_text(profile, approval.steps[approval.step], posts) if posts else ""


def step_text(profile: Profile, step: ChainStep, posts: tuple[str, ...] = ()) -> str:
    """A step for people, with all its posts or those given."""
    between = " 或 " if step.any_one else "、"
    return f"{step.verb}（{between.join(profile.role_label(post) for post in posts or step.posts)}）"


def cases_of(desk: Desk, subject: str, item: bytes) -> list[BoardRow]:
    """This office's approval cases for (subject, item), the newest last."""
    if desk.logs.fresh:
        desk.projector.run()
    rows = desk.store.board_query(BoardQuery(subject=subject, target=item))
    return sorted((row for row in rows if row.issuer == desk.identity.code), key=lambda row: row.item_no)


def approved_case(desk: Desk, subject: str, state: ItemState) -> ItemState | None:
    """The case for (subject, item) that went through its chain and that nobody has used yet."""
    for row in cases_of(desk, subject, state.item_id):
        if row.state == ESTABLISHED:
            case = state_of(desk.store, row.item_id)
            if case.tracks.approval.steps and case.tracks.approval.complete:
                return case
    return None


def basis(desk: Desk, subject: str, state: ItemState) -> bytes:
    """The approved, unused case for (subject, item), to be named as ``track.basis`` and then handed to `consume`.

    b"" where the profile asks for no approval; InputError naming chain, rule, next step and command otherwise.
    """
    chain = required(desk, subject, state)
    if chain is None:
        return b""
    profile = profile_of(desk)
    rule = rule_text(rule_name(profile, chain))
    label, name = SUBJECTS[subject], name_of(state)
    ready = approved_case(desk, subject, state)
    if ready is not None:
        return ready.item_id
    open_ = [row for row in cases_of(desk, subject, state.item_id) if row.state not in TERMINAL]
    if not open_:
        raise InputError(
            f"「{label}」须先经审批：{chain.title}{rule}，第一步 {step_text(profile, steps_of(chain)[0])}",
            field="ITEM", value=name, code="approval",
            remedy=f"dulian case open {name} --subject {subject}{_WITH.get(subject, '')} --text 送审内容",
        )  # fmt: skip
    row, case = open_[-1], state_of(desk.store, open_[-1].item_id)
    step = next_step(profile, case.tracks.approval)
    if not step:
        raise InputError(
            f"「{label}」的审签件 {row.number} 已退回，尚未重新送审：{chain.title}{rule}", field="ITEM", value=name,
            code="approval", remedy=f"修改后重新送审：dulian item propose {row.number} --text 送审内容",
        )  # fmt: skip
    raise InputError(
        f"「{label}」尚在审批：{chain.title}{rule}，审签件 {row.number} 下一步 {step}", field="ITEM", value=name,
        code="approval", remedy=f"dulian item approve {row.number} --as 姓名",
    )  # fmt: skip


def consume(desk: Desk, case_id: bytes, caller: Caller) -> None:
    """End the case an act went by, so that it serves once; nothing for b""."""
    if not case_id:
        return
    case = state_of(desk.store, case_id)
    act(desk, case, Kind.CLOSE, Act(text="已据此办理"), guards.answers(case, Kind.CLOSE), caller)


def check_ready(desk: Desk, state: ItemState, verb: str) -> bytes:
    """Refuse work (交办, 内部交办, 进展, 报结) on an item that is not set up yet; returns a case for `consume`, or b"".

    Needs: clear responsibility, task and date (R35); the chain ``setup`` where the profile has one (R48); a plan that
    was begun must be approved (R40).
    """
    opening = state.opening
    if opening is not None and opening.terms is not None and opening.terms.subject:
        raise InputError(
            f"审签件不能{verb}（规则：审签件只供审批）", field="ITEM", value=name_of(state),
            remedy="办理它所针对的事项",
        )  # fmt: skip
    check_clear(state, verb)
    if state.kind != "registered":
        return _setup_of_received(desk, state)
    profile = profile_of(desk)
    approval = state.tracks.approval
    check_planned(desk, state, verb)
    if state.state == PLANNING:
        chain = required(desk, "plan", state)
        rule = rule_text(rule_name(profile, chain)) if chain is not None else "（规则：方案批准后实施）"
        raise InputError(
            f"督查方案尚未批准，不能{verb}{rule}，下一步 {next_step(profile, approval)}", field="ITEM",
            value=name_of(state), code="approval", remedy=f"dulian item approve {name_of(state)} --as 姓名",
        )  # fmt: skip
    if state.state not in SETTING_UP:
        return b""
    check_set_up(desk, state, verb)
    return b""


def check_planned(desk: Desk, state: ItemState, verb: str) -> None:
    """Refuse work on an entry of a year's plan that has to be approved first, and is not (R24)."""
    terms = state.opening.terms if state.opening is not None else None
    if terms is None or not terms.plan_year or terms.item_class == PLAN_CLASS or state.kind != "registered":
        return
    rows = desk.store.board_query(BoardQuery(plan_year=terms.plan_year, subject="-", item_class=PLAN_CLASS))
    head = next((row for row in rows if row.issuer == desk.identity.code and row.state not in _GIVEN_UP), None)
    profile = profile_of(desk)
    chain = required(desk, "annual_plan", desk.projector.state_of(head.item_id) if head is not None else state)
    if chain is None:
        return
    cases = cases_of(desk, "annual_plan", head.item_id) if head is not None else []
    entry = desk.store.item_numbers([state.item_id]).get(state.item_id, 0)
    if any(row.state in (ESTABLISHED, CLOSED) and row.item_no > entry for row in cases):
        return
    year, rule = terms.plan_year, rule_text(rule_name(profile, chain))
    if head is None:
        remedy = f"先建立计划：dulian plan add --year {year}，再送审"
    elif not cases or all(row.state in (*TERMINAL, ESTABLISHED) for row in cases):  # what was added later is sent again
        remedy = f"dulian case open {head.number} --subject annual_plan --text 送审内容"
    else:
        remedy = f"dulian item approve {cases[-1].number} --as 姓名"
    raise InputError(f"{year} 年的督查计划尚未批准，不能{verb}{rule}", field="ITEM", value=name_of(state),
                     code="approval", remedy=remedy)  # fmt: skip


def check_set_up(desk: Desk, state: ItemState, verb: str) -> None:
    """Refuse where an own item that is still before 立项 needs the chain ``setup``, naming the step that is missing."""
    chain, profile, approval = required(desk, "setup", state), profile_of(desk), state.tracks.approval
    step = next_step(profile, approval) if state.state in (PROPOSED, APPROVING) else ""
    if step:
        rule = rule_text(rule_name(profile, chain)) if chain is not None else ""
        raise InputError(
            f"拟办尚在审批，不能{verb}{rule}，下一步 {step}", field="ITEM", value=name_of(state), code="approval",
            remedy=f"dulian item approve {name_of(state)} --as 姓名",
        )  # fmt: skip
    if chain is not None:
        first = step_text(profile, steps_of(chain)[0])
        text = f"尚未立项，不能{verb}：{chain.title}{rule_text(rule_name(profile, chain))}，拟办后第一步 {first}"
        remedy = f"先拟办：dulian item propose {name_of(state)} --text 拟办意见"
        raise InputError(text, field="ITEM", value=name_of(state), code="approval", remedy=remedy)


def check_issue(desk: Desk, source: str, terms: Terms | None) -> None:
    """Refuse registering and assigning at once where a chain ``setup`` stands between, or where it is unclear."""
    if terms is not None and terms.unclear:
        raise InputError(
            "待明确的事项不能直接交办（规则：先明确，后交办）", field="--unclear",
            remedy="先登记：dulian item register",
        )  # fmt: skip
    chain = required_of(desk, "setup", source, terms)
    if chain is not None:
        rule = rule_text(rule_name(profile_of(desk), chain))
        raise InputError(
            f"须先拟办、审批、立项才能交办：{chain.title}{rule}", field="--source", value=source, code="approval",
            remedy="先登记：dulian item register，再拟办：dulian item propose 登记编号 --text 拟办意见",
        )  # fmt: skip


def check_clear(state: ItemState, verb: str) -> None:
    """Refuse where responsibility, task or date are not clear yet (待明确, R35)."""
    if state.tracks.unclear:
        why = state.opening.terms.unclear if state.opening is not None and state.opening.terms is not None else ""
        raise InputError(
            f"事项待明确，不能{verb}（规则：先明确，后办理）：{why}", field="ITEM", value=name_of(state),
            code="unclear", remedy=f"明确后：dulian item change {name_of(state)} --clear",
        )  # fmt: skip


def _setup_of_received(desk: Desk, state: ItemState) -> bytes:
    """A received task: its case ``setup`` is used by the first assignment and holds for the later ones."""
    if state.receiver != desk.identity.code or required(desk, "setup", state) is None:
        return b""
    if any(row.state == CLOSED for row in cases_of(desk, "setup", state.item_id)):
        return b""
    return basis(desk, "setup", state)


def _origins(terms: Terms | None) -> tuple[str, ...]:
    return (terms.origin,) if terms is not None and terms.origin else ("own",)


def _chain(
    profile: Profile, subject: str, source: str, terms: Terms | None, origins: tuple[str, ...]
) -> Chain | None:
    """The first chain with steps for one of the origins."""
    found = next((one for one in profile.sources if source in (one.id, one.label)), None)
    item_class = terms.item_class if terms is not None else ""
    if terms is not None and terms.unclear and not item_class:
        item_class = UNCLEAR_CLASS
    known = next((one.id for one in profile.classes if item_class in (one.id, one.label)), item_class)
    for origin in origins:
        case = {"source": found.id if found else source, "class_": known, "origin": origin}
        line = (terms.work_line if terms is not None else "") or ((found.line or "") if found else "")
        if subject == "setup" and line in _SET_UP_AS:
            # Research and what stands in no plan are set up by a chain of their own (R25, R62).
            chain = explain.chain_for(profile, line, **case, line=line)
            if chain is not None and chain.steps:
                return chain
        chain = None
        if subject == "extension":
            extension = explain.extension_for(profile, **case, line=line)
            chain = profile.chain(extension.chain) if extension is not None and extension.chain else None
        chain = chain or explain.chain_for(profile, subject, **case, line=line)
        if chain is not None and chain.steps:
            return chain
    return None


def name_of(state: ItemState) -> str:
    """What people call an item: its 登记编号, or the first digits of its id."""
    opening = state.opening
    return opening.number if opening is not None and opening.number else state.item_id.hex()[:12]
