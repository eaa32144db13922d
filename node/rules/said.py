"""A rules profile in words: what each part says, as `rules show` and the console print it beside the document's words.

Everything that decides something is said: from when a limit counts, whether it binds, the dates of a cadence, figures
the office chose itself (本地默认), points, copies, numbers, what a slip needs. A part that says nothing gives "".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from node.rules.profile import Profile
from node.rules.values import (
    Applies,
    Chain,
    Closing,
    Effect,
    Extension,
    ItemClass,
    Ledger,
    Measure,
    PeriodSpec,
    Quota,
    Rung,
    ScoreRule,
    Source,
    TimeRule,
)
from node.rules.words import (
    ACTS,
    COLOURS,
    COVERS,
    EFFECTS,
    EXTENSION_MODES,
    FACTS,
    FINDINGS,
    HANDLERS,
    HORIZONS,
    LEDGER_COLUMNS,
    LINES,
    ORIGINS,
    RED_STRENGTHS,
    START_EVENTS,
    STRENGTHS,
)

_KINDS = {"tier": "档次", "condition": "情形", "result": "结果运用"}


def parts(profile: Profile) -> Mapping[str, Mapping[str, str]]:
    """What every entry of every list says, by the list's key and the entry's id (colour of the ladder)."""
    return {
        "rules": {one.id: time_rule(profile, one) for one in profile.rules},
        "chains": {one.id: chain(profile, one) for one in profile.chains},
        "ladder": {one.colour: rung(profile, one) for one in profile.ladder},
        "sources": {one.id: _source(one) for one in profile.sources},
        "classes": {one.id: _class(one) for one in profile.classes},
        "extensions": {one.id: extension(profile, one) for one in profile.extensions},
        "scores": {one.id: score(one) for one in profile.scores},
        "measures": {one.id: _measure(profile, one) for one in profile.measures},
        "quotas": {one.id: quota(one) for one in profile.quotas},
        "ledgers": {one.id: _ledger(profile, one) for one in profile.ledgers},
    }


def settings(profile: Profile) -> Mapping[str, str]:
    """The settings that stand alone, each by its name for people."""
    said: dict[str, str] = {}
    if profile.closing is not None:
        said["办结归档"] = closing(profile, profile.closing)
    if profile.reports is not None:
        where = applies(profile, profile.reports.applies) or "全部进展报告"
        said["报告内容"] = f"{'；'.join(profile.reports.parts)}（{where}，另定报告频次的也是）"
    if profile.responsibility:
        said["责任链"] = " → ".join(profile.role_label(role) for role in profile.responsibility)
        said["责任链"] += "；内部交办时各级都须写明" if profile.responsibility_required else ""
        first = "、".join(profile.role_label(role) for role in profile.responsibility_at_issue)
        said["责任链"] += f"；交办时须写明{first}" if first else ""
    if profile.grains:
        said["任务分解"] = "，".join(f"{HORIZONS[one.horizon]}分解到{one.into}" for one in profile.grains)
        covered = {applies(profile, one.applies) for one in profile.grains if one.applies is not None}
        said["任务分解"] += f"；{'；'.join(sorted(covered))}的，交办时各期都须有节点" if covered else ""
    if profile.signing is not None:
        said["签收"] = f"送达后{_period(profile.signing)}内"
    if profile.lights is not None:
        said["黄灯"] = f"还剩{_period(profile.lights.yellow_within)}以内"
    if profile.reminders is not None:
        on_due = "和到期当日" if profile.reminders.on_due else ""
        said["提醒"] = f"到期前{_period(profile.reminders.before_due)}{on_due}"
    if profile.negative_keeper:
        told = "、".join(profile.role_label(role) for role in profile.negative_suppliers)
        said["负面清单"] = f"{profile.role_label(profile.negative_keeper)}管理" + (f"，{told}提供" if told else "")
    return said


def time_rule(profile: Profile, rule: TimeRule) -> str:
    """督查函发出后15个工作日内办结；原则上，逾期不亮红灯；适用于专项查办."""
    act = ACTS[rule.act]
    if rule.period is not None:
        zero = rule.period.n == 0
        counted = "，当日计入" if rule.count_start else ""
        length = f"{START_EVENTS[rule.start]}{'当日' if zero else f'后{_period(rule.period)}内'}{act}{counted}"
    elif rule.fixed:
        length = f"每年{'、'.join(map(_date, rule.fixed))}前{act}"
    elif rule.cadence is not None:
        length = f"{rule.cadence.value}，{act}"
    else:
        length = f"{START_EVENTS[rule.start]}后按写明的时限{act}"
    strength = STRENGTHS[rule.strength] + ("" if rule.strength in RED_STRENGTHS else "，逾期不亮红灯")
    usual = rule.rolls == (rule.period is not None)
    rolling = "" if usual else f"最后一日是休息日的{'顺延' if rule.rolls else '不顺延'}"
    week = "一周按5个工作日" if rule.week_is == "工作日" else ""
    return _joined([
        length, rule.covers and f"范围：{COVERS[rule.covers]}", strength, "本地默认" if rule.local_default else "",
        rolling, week, _where(profile, rule.applies),
    ])  # fmt: skip


def chain(profile: Profile, one: Chain) -> str:
    """Steps in order, whom the result is sent to, where it applies."""
    steps = " → ".join(
        "、".join(profile.role_label(role) for role in step.roles) + ("之一" if step.any_one else "") + step.verb
        for step in one.steps
    )  # fmt: skip
    told = "、".join(profile.role_label(role) for role in one.informs)
    called = one.titles and f"未列入计划而称{'、'.join(one.titles)}的"
    return _joined([steps or "不须审批", told and f"报 {told}", called, _where(profile, one.applies)])


def rung(profile: Profile, one: Rung) -> str:
    """What it needs and what it brings about."""
    needs = "，且".join("或".join(_need(name) for name in need) for need in one.needs)
    return _joined([
        needs and f"条件：{needs}", _effects(profile, one.effects),
        one.must_state and f"须写明{'、'.join(one.must_state)}", "可以从这一色开始" if one.may_start else "",
    ])  # fmt: skip


def extension(profile: Profile, one: Extension) -> str:
    """Whether the date may change, until when it is asked for, how often, by which chain."""
    before = f"至少提前{_period(one.before_due)}申请" if one.before_due is not None else ""
    often = f"至多{one.max_count}次" if one.max_count is not None else ""
    by = f"流程 {one.chain}" if one.chain else ""
    return _joined([EXTENSION_MODES[one.mode], before, often, by, _where(profile, one.applies)])


def score(one: ScoreRule) -> str:
    """The points, or who decides them."""
    sign = {"add": "加分", "subtract": "扣分", "both": "加分或扣分"}[one.sign]
    points = f"{one.points:+}分" if one.points is not None else f"{sign}，文件没有数字，由考核单位定"
    return _joined([points, f"事由：{one.cause}", f"计入{one.base}"])


def quota(one: Quota) -> str:
    """每半年1至2次."""
    if one.maximum is None:
        return f"每{one.per}至少{one.minimum}次"
    if one.minimum == one.maximum:
        return f"每{one.per}{one.minimum}次"
    return f"每{one.per}{one.minimum}至{one.maximum}次" if one.minimum else f"每{one.per}至多{one.maximum}次"


def closing(profile: Profile, one: Closing) -> str:
    """What is verified before closing, by which findings, how many copies are kept."""
    labels = {part.id: part.label for part in profile.classes}
    which = "、".join(labels.get(name, name) for name in one.verify_required)
    verified = "销号前一律复核" if one.verify_always else which and f"销号前须复核：{which}"
    return _joined([
        verified, one.findings and "、".join(FINDINGS[name] for name in one.findings),
        one.chain and f"流程 {one.chain}", f"报告存{one.copies}份", one.manifest and f"归档：{'、'.join(one.manifest)}",
    ])  # fmt: skip


def applies(profile: Profile, one: Applies) -> str:
    """Where a part applies, in the profile's own words; "" for everywhere."""
    sources = {part.id: part.label for part in profile.sources}
    classes = {part.id: part.label for part in profile.classes}
    several = [
        ("来源", [sources.get(name, name) for name in one.source]),
        ("类别", [classes.get(name, name) for name in one.class_]),
        ("交办层级", [ORIGINS[name] for name in one.origin]), ("", [LINES[name] for name in one.line]),
    ]  # fmt: skip
    return "，".join(f"{name}{'为' if name else ''}{'、'.join(words)}" for name, words in several if words)


def _where(profile: Profile, one: Applies) -> str:
    said = applies(profile, one)
    return f"适用于{said}" if said else ""


def _source(one: Source) -> str:
    return _joined([one.line and f"工作线条：{LINES[one.line]}", one.handler and HANDLERS[one.handler]])


def _class(one: ItemClass) -> str:
    return "四不两直，公布结果前不交办" if one.hidden else ""


def _measure(profile: Profile, one: Measure) -> str:
    return _joined([f"{_KINDS[one.kind]}：{one.case}", _effects(profile, one.effects)])


def _ledger(profile: Profile, one: Ledger) -> str:
    columns = "、".join(LEDGER_COLUMNS[name] for name in one.columns)
    keeper = f"{profile.role_label(one.keeper)}管理" if one.keeper else ""
    return _joined([applies(profile, one.filter) and f"收录{applies(profile, one.filter)}", keeper, columns])


def _effects(profile: Profile, effects: Iterable[Effect]) -> str:
    said = []
    for one in effects:
        text = EFFECTS[one.kind]
        points = profile.score(one.score).points if one.score else None
        text += f"{points:+}分" if points is not None else ""
        said.append(text + (f"（{one.to}）" if one.to else ""))
    return f"措施：{'、'.join(said)}" if said else ""


def _need(name: str) -> str:
    return f"已发{COLOURS[name]}色督办单" if name in COLOURS else FACTS[name]


def _period(spec: PeriodSpec) -> str:
    return str(spec.value)


def _date(text: str) -> str:
    month, day = map(int, text.split("-"))
    return f"{month}月{day}日"


def _joined(said: Iterable[object]) -> str:
    return "；".join(str(one) for one in said if one)
