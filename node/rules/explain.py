"""What a profile means for one case: which rule applies, when it is due and why, who approves, which slip comes next.

Everything is a function of values: a profile, a calendar, days, facts. The texts are Chinese sentences for people; the
rule's own sentence from its document stands among them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from node.errors import InputError
from node.rules.calendar import Calendar, day_text
from node.rules.period import Due, due_after, due_cadence, due_on
from node.rules.profile import Profile
from node.rules.values import Chain, Extension, Rung, TimeRule
from node.rules.words import ACTS, COLOURS, COVERS, FACTS, RED_STRENGTHS, SIX_LEVELS, START_EVENTS, STRENGTHS


@dataclass(frozen=True, slots=True)
class Explanation:
    """A due day and the sentences that lead to it, to be shown one under the other."""

    due: Due
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The slip the software proposes and its grounds; a person issues it."""

    rung: Rung
    grounds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which day an item is yellow and from which red; None: this limit makes no red light (A14)."""

    yellow_from: int
    red_from: int | None


def due(profile: Profile, rule_id: str, start_day: int, calendar: Calendar) -> Due:
    """The due day of the rule for a case that started on ``start_day``.

    Raises:
        InputError: no such rule, or one that leaves the day to the assignment.
    """
    rule = profile.rule(rule_id)
    if rule.period is not None:
        return due_after(start_day, rule.period.value, calendar, roll=rule.rolls, count_start=rule.count_start,
                         week_is=rule.week_is)  # fmt: skip
    if rule.fixed:
        return due_on(rule.fixed, start_day, calendar, roll=rule.rolls)
    if rule.cadence is not None:
        return due_cadence(rule.cadence.value, start_day, calendar, roll=rule.rolls)
    raise InputError("这条规则没有数字，办结时限由交办时写明", field="rules", value=rule_id, remedy="写明办结时限")


def explain(profile: Profile, rule_id: str, start_day: int, calendar: Calendar) -> Explanation:
    """Why this day: profile and version, the document's sentence, strength, each step, 暂定 where it is."""
    rule = profile.rule(rule_id)
    found = due(profile, rule_id, start_day, calendar)
    lines = [f"规则：{profile.title}（{profile.id}第{profile.version}版）{rule.id}「{rule.title}」。"]
    if rule.sentence:
        lines.append(f"原文：“{rule.sentence}”")
    if rule.local_default:
        lines.append("本地默认：文件没有规定数字，由本单位档案设定。")
    lines.append(f"效力：{STRENGTHS[rule.strength]}{'' if rule.strength in RED_STRENGTHS else '，逾期不亮红灯'}。")
    if rule.start != "PERIOD":
        lines.append(f"起点：{START_EVENTS[rule.start]}，{day_text(start_day)}；时限内应{ACTS[rule.act]}。")
    if rule.covers:
        lines.append(f"范围：{COVERS[rule.covers]}。")
    lines += found.steps
    lines.append(f"办结时限：{day_text(found.day)}{'（暂定）' if found.provisional else ''}。")
    return Explanation(found, tuple(lines))


def rules_for(
    profile: Profile, start: str, *, act: str = "", source: str = "", class_: str = "", origin: str = "", line: str = ""
) -> tuple[TimeRule, ...]:
    """The rules that apply to a case from this start event, most specific first, then as listed; ``act`` "" = any."""
    found = [
        (-specific, index, rule)
        for index, rule in enumerate(profile.rules)
        if rule.start == start and act in {"", rule.act}
        and (specific := rule.applies.match(source=source, class_=class_, origin=origin, line=line)) >= 0
    ]  # fmt: skip
    return tuple(rule for _specific, _index, rule in sorted(found, key=lambda entry: entry[:2]))


def chain_for(
    profile: Profile, subject: str, *, source: str = "", class_: str = "", origin: str = "", line: str = ""
) -> Chain | None:
    """The chain for this subject, most specific first; None: this profile asks for no approval here."""
    found = [
        (specific, -index, chain)
        for index, chain in enumerate(profile.chains)
        if chain.subject == subject
        and (specific := chain.applies.match(source=source, class_=class_, origin=origin, line=line)) >= 0
    ]
    return max(found, key=lambda entry: entry[:2])[2] if found else None


def extension_for(
    profile: Profile, *, source: str = "", class_: str = "", origin: str = "", line: str = ""
) -> Extension | None:
    """How more time is asked for in this case, most specific first."""
    found = [
        (specific, -index, extension)
        for index, extension in enumerate(profile.extensions)
        if (specific := extension.applies.match(source=source, class_=class_, origin=origin, line=line)) >= 0
    ]
    return max(found, key=lambda entry: entry[:2])[2] if found else None


def extension_until(extension: Extension, due_day: int, calendar: Calendar) -> int:
    """The last day on which more time may be asked for: the due day itself, or so long before it."""
    if extension.before_due is None:
        return due_day
    period = extension.before_due.value
    if period.unit == "工作日":
        return calendar.add_working_days(due_day, -period.n)
    return due_day - period.n * {"日": 1, "周": 7, "月": 30}[period.unit]


def next_rung(profile: Profile, colours_so_far: Collection[str], facts: Collection[str]) -> Proposal | None:
    """The first colour not yet issued, if all it needs holds; None otherwise. Later colours are never offered early,

    but a rung with ``may_start`` may come first where none has been issued (A9): then the gravest that holds.
    """
    last = max((i for i, rung in enumerate(profile.ladder) if rung.colour in colours_so_far), default=-1)
    ahead = profile.ladder[last + 1 :]
    if last < 0:
        starters = [rung for rung in reversed(ahead[1:]) if rung.may_start]
        ahead = (*starters, *ahead[:1])
    else:
        ahead = ahead[:1]
    for rung in ahead:
        if not missing_for(profile, rung.colour, colours_so_far, facts):
            return Proposal(rung, _grounds(rung, colours_so_far, facts))
    return None


def missing_for(
    profile: Profile, colour: str, colours_so_far: Collection[str], facts: Collection[str]
) -> tuple[str, ...]:
    """What the ladder still asks for before a slip of this colour, in Chinese; empty: it may be issued.

    Raises:
        InputError: the ladder has no such colour.
    """
    rung = profile.rung(colour)
    if rung is None:
        known = "、".join(r.colour for r in profile.ladder) or "无"
        raise InputError("本单位的督办单没有这种颜色", field="颜色", value=colour, remedy=f"可用：{known}")
    start = rung.may_start and not colours_so_far
    return tuple(
        "或".join(_need_text(name) for name in need)
        for need in rung.needs
        if not any(name in colours_so_far or name in facts for name in need)
        and not (start and all(name in COLOURS for name in need))
    )


def _grounds(rung: Rung, colours: Collection[str], facts: Collection[str]) -> tuple[str, ...]:
    held = (name for need in rung.needs for name in need if name in colours or name in facts)
    return (*(_need_text(name) for name in held), *((f"原文：“{rung.sentence}”",) if rung.sentence else ()))


def _need_text(name: str) -> str:
    return f"已发{COLOURS[name]}色督办单" if name in COLOURS else FACTS[name]


def light(profile: Profile, strength: str, due_day: int, calendar: Calendar) -> Thresholds:
    """The days from which the 时限灯 is yellow and red; what an item's state makes of them is `node.items.lights`."""
    red_from = due_day + 1 if strength in RED_STRENGTHS else None
    if profile.lights is None:
        return Thresholds(due_day + 1, red_from)
    within = profile.lights.yellow_within.value
    if within.unit == "工作日":
        first = due_day
        while calendar.working_days_between(first - 1, due_day) <= within.n and first > 0:
            first -= 1
        return Thresholds(first, red_from)
    return Thresholds(due_day - within.n * {"日": 1, "周": 7, "月": 30}[within.unit], red_from)


def changed_dues(
    profile: Profile, cases: Iterable[tuple[str, int]], old: Calendar, new: Calendar
) -> tuple[tuple[str, int, int, int], ...]:
    """For cases (rule id, start day): those whose due day differs between the calendars, as (…, old day, new day)."""
    changed = []
    for rule_id, start_day in cases:
        before, after = due(profile, rule_id, start_day, old).day, due(profile, rule_id, start_day, new).day
        if before != after:
            changed.append((rule_id, start_day, before, after))
    return tuple(changed)


def reminder_days(profile: Profile, due_day: int, calendar: Calendar) -> tuple[int, ...]:
    """The days on which the software reminds: so long before the due day, and on it."""
    if profile.reminders is None:
        return ()
    within = profile.reminders.before_due.value
    days = calendar.add_working_days(due_day, -within.n) if within.unit == "工作日" else due_day - within.n
    return (days, due_day) if profile.reminders.on_due and days != due_day else (days,)


def responsibility_levels(profile: Profile) -> Mapping[str, str]:
    """六级负责 by role, from the bottom, as this office calls them (R14); the usual six where it lays down none."""
    if profile.responsibility:
        return {role: profile.role_label(role) for role in profile.responsibility}
    return {role: profile.roles.get(role, label) for role, label in SIX_LEVELS.items()}
