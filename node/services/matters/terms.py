"""Terms of an item: what the options and the rules profile in force make of it before it is opened.

Rules of this file:

1. A due date comes from --due, or from a rule of the profile (--rule, or the most specific finish rule whose start
   event is this very act), counted on the calendar in force; the opening carries rule, version, start day and whether
   the count is provisional (A2, A3, A19), so that every holder reads it alike.
2. Who organises the supervision (督查单位) follows from the source where the profile routes it (R26).
3. Source, class and origin may be given as the profile's ids or as its labels; what the profile does not know is
   refused where the profile is this office's own, and kept as free words under the shipped default.
4. The work line a source opens is fixed: what hangs on it (立项, limits, chains) is not avoided by naming another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from node.errors import InputError
from node.items import guards
from node.items.fold import ItemState
from node.items.lights import day_of
from node.records.limits import NAME_CHARS_MAX, TEXT_CHARS_MAX
from node.records.payload import Opening, check_line, check_text
from node.records.track import SECRECY, Duty, Milestone, Terms
from node.rules import explain
from node.rules.calendar import day_text
from node.rules.grains import grain_for, open_periods
from node.rules.profile import Profile
from node.rules.values import TimeRule
from node.rules.words import HANDLERS, LINES, ORIGINS, START_EVENTS
from node.services.matters.desk import Desk, parse_day, take, take_list
from node.services.matters.ground import ground_of
from node.services.routine.lines import line_of
from node.storage.rows import RulesRow, User

Args = Mapping[str, object]
FORMS = ("", "转办", "协办", "自办")
_PERSON = "person"  # 责任人 of an imported ledger, as `services.sheets.ledger_rows` has it: who works on the item here
_WEIGHT_MAX = 1_000
_OWN_SETUP = frozenset({"research", "offplan"})  # work lines with a chain of their own, as `matters.chains` has it
_PERIODS_SHOWN = 8
_LATER = frozenset({"ASSIGN", "DISPATCH"})  # start events that come after 登记
_RANKS = ("leader.head", "leader.executive")  # of the posts that lead; all others are of one rank (R34)


class Agreed(NamedTuple):
    """What an opening is to say: source, due day (0 = none), rule (``profile/version/rule``) and the terms."""

    source: str
    due_day: int
    rule: str
    terms: Terms


def agree(desk: Desk, args: Args, start: str, base: Terms | None = None, source: str = "") -> Agreed:
    """Read the options of an item opened by ``start`` (REGISTER or ASSIGN); InputError names the option."""
    today = day_of(desk.world.clock.now_ms())
    profile = desk.rulebook.profile(today)
    own = bool(desk.store.rows(RulesRow, office=desk.identity.code))
    source = _choice(take(args, "source"), _labels(profile.sources), "--source", strict=own) or source
    terms = _routed(profile, source, _terms(args, profile, base or Terms(), strict=own))
    if take(args, "line"):
        _check_line(profile, source, terms)
    if base is None:
        terms = _unannounced(profile, terms, start)
    terms = _led(desk, terms)
    if not take(args, "line") and (take(args, "source") or not terms.work_line):
        # Whoever gets the task has other rules: the line its source opens here is said, not left to be looked up (R6).
        opened = next((part.line for part in profile.sources if part.id == source), None)
        terms = terms._replace(work_line=opened or terms.work_line)
    due_day, rule, terms = _due(desk, args, profile, start, source, terms, today)
    check_steps(terms.milestones, due_day, today)
    return Agreed(source, due_day, rule, terms)


def inside(desk: Desk, args: Args, state: ItemState) -> tuple[int, str, bool]:
    """By when a unit of this office is to be done, the rule (R51): (0, "") where neither says, and whether the rule's
    date is 暂定 (A2).

    As for an office below: --due, --rule, or by itself the finish rule that counts from 交办 or 督查函, which is this
    very day. A unit that has it already keeps its date; none is later than the item's own.
    """
    ground = ground_of(desk, state)
    asked = bool(take(args, "due") or take(args, "rule"))
    had = next((one.due_day for one in state.tracks.handlers if one.unit == take(args, "unit").strip()), 0)
    if had and not asked:
        return had, "", False
    terms = state.opening.terms if state.opening is not None else None
    today = day_of(desk.world.clock.now_ms())
    base = (terms or Terms())._replace(provisional=False)  # which says it of the item's own date
    due_day, rule, counted = _due(desk, args, ground.profile, "ASSIGN", ground.case["source"], base, today)
    if not asked and state.due_day and due_day > state.due_day:
        return state.due_day, "", False
    guards.check_due(due_day, state.due_day)
    return due_day, rule, counted.provisional


def downward(terms: Terms | None) -> Terms:
    """What of an item's terms its tasks inherit: who answers for it (R14), not what concerns only this office."""
    terms = terms or Terms()
    return terms._replace(
        hidden=False, unclear="", subject="", target=b"", milestones=(), remark="", plan_year=0, leader="",
        duties=tuple(one for one in terms.duties if one.level != _PERSON),
    )  # fmt: skip


def profile_name(profile: Profile) -> str:
    """How records name a profile: ``id/version``."""
    return f"{profile.id}/{profile.version}"


def case_of(profile: Profile, source: str, terms: Terms | None) -> dict[str, str]:
    """What the profile's parts are matched by; the work line (R6) is the one given, else the one its source opens."""
    terms = terms or Terms()
    line = line_of(profile, terms.work_line, source)
    return {"source": source, "class_": terms.item_class, "origin": terms.origin, "line": line}


def milestones(texts: Sequence[str]) -> tuple[Milestone, ...]:
    """``KEY=标题@YYYY-MM-DD`` each; InputError."""
    found = []
    for text in texts:
        key, equals, rest = text.partition("=")
        title, at, day = rest.rpartition("@")
        if not (key.strip() and equals and at and title.strip()):
            remedy = "写成 序号=内容@日期，如 一季度=完成方案@2027-03-31"
            raise InputError("节点写法不对", field="--milestone", value=text, remedy=remedy)
        found.append(Milestone(
            check_line(key.strip(), "--milestone", NAME_CHARS_MAX),
            check_line(title.strip(), "--milestone", NAME_CHARS_MAX), parse_day(day, "--milestone"),
        ))  # fmt: skip
    return tuple(found)


def check_steps(steps: Sequence[Milestone], due_day: int, today: int) -> None:
    """Refuse a 节点 in the past, and one after the item's own date."""
    past = [step for step in steps if step.due_day < today]
    if past:
        named = "、".join(f"{step.key}（{day_text(step.due_day)}）" for step in past)
        raise InputError(f"节点时限已过：{named}（规则：时限不得早于当天）", field="--milestone", value=past[0].key,
                         remedy="填写今天或以后的日期")  # fmt: skip
    late = [step for step in steps if due_day and step.due_day > due_day]
    if late:
        named = "、".join(f"{step.key}（{day_text(step.due_day)}）" for step in late)
        raise InputError(
            f"节点晚于事项的办结时限 {day_text(due_day)}：{named}（规则：节点不得晚于办结时限）", field="--milestone",
            value=late[0].key, remedy="提前节点，或把办结时限定得更晚",
        )  # fmt: skip


def duties(texts: Sequence[str], profile: Profile) -> tuple[Duty, ...]:
    """六级负责: ``层级=姓名`` each, of the levels the profile's chain of responsibility has (R14); InputError."""
    levels = explain.responsibility_levels(profile)
    found = []
    for text in texts:
        level, equals, name = text.partition("=")
        if not (level.strip() and equals and name.strip()):
            remedy = "写成 层级=姓名，如 工作人员=张三"
            raise InputError("责任人写法不对", field="--duty", value=text, remedy=remedy)
        if level.strip() not in levels and level.strip() not in levels.values():
            raise InputError(
                f"责任链没有这一级（规则 {profile_name(profile)} responsibility）", field="--duty", value=level.strip(),
                remedy=f"可用：{'、'.join(levels.values())}",
            )  # fmt: skip
        found.append(Duty(
            check_line(level.strip(), "--duty", NAME_CHARS_MAX), check_line(name.strip(), "--duty", NAME_CHARS_MAX)
        ))  # fmt: skip
    return tuple(found)


def check_named(profile: Profile, named: Iterable[Duty], *, inside: bool) -> None:
    """Refuse where nobody is named for a level that answers for the item (R14).

    ``inside``: put in hand by a unit, all of the chain where the profile wants it whole; else given to another office,
    the levels that the profile wants from who issues.
    """
    known = {duty.level for duty in named}
    wanted = profile.responsibility_at_issue
    if inside:
        wanted = profile.responsibility if profile.responsibility_required else ()
    missing = [label for role in wanted if not known & {role, label := profile.role_label(role)}]
    if missing:
        raise InputError(
            f"责任链缺：{'、'.join(missing)}（规则 {profile_name(profile)} responsibility）", field="--duty",
            remedy="写明 " + "、".join(f"--duty {label}=姓名" for label in missing),
        )  # fmt: skip


def check_decomposed(profile: Profile, opening: Opening, steps: Iterable[Milestone], today: int) -> None:
    """Refuse giving a task that the profile wants decomposed while a period of it has no step (R29)."""
    case = case_of(profile, opening.source, opening.terms)
    grain = grain_for(profile, case, opening.due_day - today) if opening.due_day else None
    missing = grain and open_periods(grain.into, today, opening.due_day, [step.due_day for step in steps])
    if grain is not None and missing:
        raise InputError(
            f"任务未分解到{grain.into}，没有节点的：{'、'.join(missing[:_PERIODS_SHOWN])}"
            f"{' 等' if len(missing) > _PERIODS_SHOWN else ''}（规则 {profile_name(profile)} grains.{grain.horizon}）",
            field="--milestone",
            remedy="各期写明进度要求：登记、交办时 --milestone 序号=内容@日期，已登记的 dulian item milestone",
        )  # fmt: skip


def _labels(parts: Sequence[object]) -> dict[str, str]:
    return {str(getattr(part, "id", "")): str(getattr(part, "label", "")) for part in parts}


def _choice(given: str, known: Mapping[str, str], field: str, *, strict: bool) -> str:
    """The id of what was given as an id or a label; free words stay where the office has no profile of its own."""
    word = check_line(given.strip(), field, NAME_CHARS_MAX)
    if not word or word in known:
        return word
    by_label = [part_id for part_id, label in known.items() if label == word]
    if by_label:
        return by_label[0]
    if strict:
        listed = "、".join(f"{part_id}（{label}）" for part_id, label in known.items())
        raise InputError("本单位的规则档案中没有", field=field, value=word, remedy=f"可用：{listed}")
    return word


def _terms(args: Args, profile: Profile, base: Terms, *, strict: bool) -> Terms:
    form, secrecy = take(args, "form"), take(args, "secrecy")
    if form not in FORMS:
        raise InputError("办理形式不对", field="--form", value=form, remedy="写 转办、协办 或 自办")
    if secrecy not in SECRECY:
        raise InputError(
            "本网络不处理国家秘密（规则：涉密事项不得上网）", field="--secrecy", value=secrecy,
            remedy="密级只能写 公开 或 内部",
        )  # fmt: skip
    weight = args.get("weight") or 0
    if not isinstance(weight, int) or not 0 <= weight <= _WEIGHT_MAX:
        raise InputError("权重不对", field="--weight", value=weight, remedy=f"写 1 到 {_WEIGHT_MAX} 的整数")
    frequency = take(args, "frequency")
    if frequency:
        profile.rule(frequency, "--frequency")
    given: dict[str, Any] = {
        "item_class": _choice(take(args, "class"), _labels(profile.classes), "--class", strict=strict),
        "work_line": _choice(take(args, "line"), LINES, "--line", strict=True),
        "origin": _choice(take(args, "origin"), ORIGINS, "--origin", strict=True),
        "form": form, "secrecy": secrecy, "weight": weight, "frequency": frequency,
        "unclear": check_text(take(args, "unclear"), "--unclear", TEXT_CHARS_MAX),
        "remark": check_text(take(args, "remark"), "--remark", TEXT_CHARS_MAX),
        "supervised_by": check_line(take(args, "supervised_by"), "--supervised-by", NAME_CHARS_MAX),
        "leader": check_line(take(args, "leader"), "--leader", NAME_CHARS_MAX),
        "milestones": milestones(take_list(args, "milestone")),
        "hidden": bool(args.get("hidden")), "profile": profile_name(profile),
        "duties": _merged(base.duties, duties(take_list(args, "duty"), profile)),
        "warn_days": _warn_days(profile), "plan_year": args.get("plan_year") or 0,
    }  # fmt: skip
    return base._replace(**{name: value for name, value in given.items() if value})


def _merged(above: Sequence[Duty], given: Sequence[Duty]) -> tuple[Duty, ...]:
    """A level named again gets the other name."""
    return tuple({duty.level: duty for duty in (*above, *given)}.values())


def _routed(profile: Profile, source: str, terms: Terms) -> Terms:
    """Who organises the supervision, by the source of the matter, where nobody was named (R26, R129)."""
    part = profile.source_of(source)
    if terms.supervised_by or part is None or not part.handler:
        return terms
    return terms._replace(supervised_by=HANDLERS[part.handler])


def _led(desk: Desk, terms: Terms) -> Terms:
    """What touches two leaders or more (甲、乙) is led by the one who ranks first (R34).

    Rank is the post of the account; leaders of one rank stay in the order given.
    """
    names = [name.strip() for name in terms.leader.split("、") if name.strip()]
    if len(names) < 2:
        return terms
    def rank(name: str) -> int:
        user = desk.store.get(User, name)
        posts = user.posts.split(",") if user is not None else []
        return min((_RANKS.index(post) for post in posts if post in _RANKS), default=len(_RANKS))

    first = min(names, key=rank)
    said = f"涉及{'、'.join(names)}分管，由排名靠前的{first}牵头。"
    return terms._replace(leader=first, remark=f"{terms.remark}{said}")


def _check_line(profile: Profile, source: str, terms: Terms) -> None:
    """Refuse another work line than the one the source opens: its 立项 and limits hang on it (R6, R9, R10, R48).

    督查调研 and 计划外督查 are taken up from any source, since their own chain stands in the place of the other (R25,
    R62); where the profile has none for them they may not take the place of a 立项 that has one.
    """
    part, line = profile.source_of(source), terms.work_line
    if part is None or not part.line or part.line == line:
        return
    case = {"source": part.id, "class_": terms.item_class, "origin": terms.origin or "own"}
    asked = explain.chain_for(profile, "setup", **case, line=part.line)
    own = explain.chain_for(profile, line, **case, line=line) if line in _OWN_SETUP else None
    if line in _OWN_SETUP and ((own is not None and own.steps) or asked is None or not asked.steps):
        return
    raise InputError(
        f"来源「{part.label}」属于{LINES[part.line]}，不能列为{LINES[line]}"
        f"（规则 {profile_name(profile)} sources.{part.id}）", field="--line", value=LINES[line],
        remedy=f"去掉 --line，按{LINES[part.line]}办理；来源不对的改 --source",
    )  # fmt: skip


def _unannounced(profile: Profile, terms: Terms, start: str) -> Terms:
    """An item of a class that is 四不两直 is hidden by itself, and is assigned only when its result is out (R101)."""
    part = profile.class_of(terms.item_class)
    if part is not None and part.hidden:
        terms = terms._replace(hidden=True)
    if terms.hidden and start == "ASSIGN":
        rule = f" {profile_name(profile)} classes.{part.id}" if part is not None and part.hidden else ""
        raise InputError(
            f"隐蔽督查在公布结果前不能交办（规则{rule or '：四不两直'}）", field="--class", value=terms.item_class,
            remedy="先登记：dulian item register；公布结果后交办：dulian item reveal",
        )  # fmt: skip
    return terms


def _warn_days(profile: Profile) -> int:
    within = profile.lights.yellow_within if profile.lights is not None else None
    return within.n if within is not None and within.unit == "工作日" else 0


def _due(
    desk: Desk, args: Args, profile: Profile, start: str, source: str, terms: Terms, today: int
) -> tuple[int, str, Terms]:
    due_day = parse_day(args.get("due"), "--due")
    guards.check_due(due_day, 0)
    if due_day:
        if due_day < today:
            text = "办结时限已过（规则：时限不得早于当天）"
            raise InputError(text, field="--due", value=args["due"], remedy="填写今天或以后的日期")
        return due_day, "", terms
    rule = _rule(args, profile, start, source, terms)
    if rule is None:
        return 0, "", terms
    start_day = parse_day(args.get("start"), "--start") or today
    if start == "REGISTER" and rule.start in _LATER and not take(args, "start"):
        raise InputError(
            f"「{rule.title}」从{START_EVENTS[rule.start]}起算，登记时还没有（规则 {profile_name(profile)} {rule.id}）",
            field="--rule", value=rule.id,
            remedy=f"交办时再写 --rule {rule.id}；已{START_EVENTS[rule.start]}的，用 --start 写明日期",
        )  # fmt: skip
    if start_day > today:
        raise InputError(
            "起算日晚于今天（规则：从已发生之日起算）", field="--start", value=args["start"],
            remedy="写今天或以前的日期",
        )  # fmt: skip
    found = explain.due(profile, rule.id, start_day, desk.rulebook.calendar())
    if found.day < today:
        text = f"按规则推算的办结时限 {day_text(found.day)} 已过（规则 {profile_name(profile)} {rule.id}）"
        raise InputError(text, field="--start", value=args.get("start") or "", remedy="核对起算日，或用 --due 写明时限")
    terms = terms._replace(strength=rule.strength, start_day=start_day, provisional=found.provisional)
    return found.day, f"{profile_name(profile)}/{rule.id}", terms


def _rule(args: Args, profile: Profile, start: str, source: str, terms: Terms) -> TimeRule | None:
    """The rule named, or the one that applies by itself; None where the day is left to who assigns."""
    named = take(args, "rule")
    if named:
        rule = profile.rule(named, "--rule")
        if rule.by_document:
            text = f"规则 {profile_name(profile)} {rule.id} 没有数字"
            raise InputError(text, field="--rule", value=named, remedy="用 --due 写明办结时限")
        return rule
    # A matter from above is answered by the date counted from the day it was given to us (R57).
    upper = ("UPPER_ASSIGNED",) if start == "REGISTER" and terms.origin not in ("", "own") else ()
    for event in ("ASSIGN", "DISPATCH") if start == "ASSIGN" else upper:
        for rule in explain.rules_for(profile, event, **case_of(profile, source, terms)):
            if not rule.by_document and (rule.act == "finish" or (upper and rule.act == "report")):
                return rule
    return None
