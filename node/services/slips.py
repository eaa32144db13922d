"""督办单 白黄红, 说明理由 and 认定, 考核记分 (R105-R107, R119, A9-A11, A15, A20).

Rules of this file:

1. The ladder of the profile in force says what each colour needs. What can be counted is counted here (无进展,
   逾期, 屡督不动); what is judged (未达标准, 敷衍了事, 进展缓慢) is stated by who issues the slip and stands in it.
2. 无正当理由 is an explicit decision on the reasons given; where none were given by the date of the slip before, the
   new slip says so (A15).
3. A slip's effects are written into it; points become SCORE records that name rule, version and the slip as cause.
"""

from __future__ import annotations

from node.errors import InputError
from node.items import guards
from node.items.fold import EFFECTIVE, ItemState
from node.items.lights import day_of
from node.records.kinds import Kind
from node.records.payload import Act
from node.records.track import ADOPTED, DROPPED, JUSTIFIED, UNJUSTIFIED, Track
from node.rules import explain
from node.rules.values import Rung, ScoreRule
from node.rules.words import COLOURS, EFFECTS, FACTS
from node.services.acting import write
from node.services.desk import Caller, Desk, current, parse_day, take, take_list
from node.services.ground import Args, Ground, ground_of, iso_day, record_named, today_of, words
from node.services.project import read_facts

STATED = ("slow_progress", "below_standard", "perfunctory")
_SLOW_AFTER_DAYS = 30  # R86: work of weight is reported monthly; who was silent longer shows no progress


def slip(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """督办单 of a colour, where the ladder allows it now; its points follow as SCORE records."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.SLIP, desk.identity.code)
    ground, colour = ground_of(desk, state), _colour(take(args, "colour"))
    if not ground.profile.ladder:
        raise ground.refusal("本单位的规则档案没有督办单", "ladder", field="--colour", value=COLOURS[colour],
                             remedy="在规则档案中写明 ladder，或用 dulian item urge 催办")  # fmt: skip
    facts = facts_of(desk, state, _stated(args))
    _check_ladder(ground, state, colour, facts)
    rung = ground.profile.rung(colour)
    assert rung is not None  # noqa: S101 - `_check_ladder` has refused unknown colours
    due_day = parse_day(args.get("due"), "--due")
    if due_day < today_of(desk):
        raise InputError("督办单须写明完成时限，不早于今天", field="--due", value=iso_day(due_day))
    warnings = _check_date(ground, state, due_day, today_of(desk))
    track = Track(colour=colour, rule=ground.rule(f"ladder.{colour}"), entries=_entries(ground, rung, facts))
    answer = write(desk, state, Kind.SLIP, Act(words(args, "text"), due_day=due_day, track=track), caller)
    scores = [effect.score for effect in rung.effects if effect.kind == "score" and effect.score]
    written = [_score_of(desk, state, ground, one, str(answer["record"]), caller) for one in scores]
    return answer | {"colour": colour, "scores": written, "warnings": warnings}


def _check_date(ground: Ground, state: ItemState, due_day: int, today: int) -> list[str]:
    """While the task still has time, its slip does not give it more: refused where the profile's rule for the date of a
    slip is strict, said where it is not or there is none, and where the date of the slip before was missed (限期整改).
    A task that is overdue needs a later date.
    """
    if not state.due_day or today > state.due_day or due_day <= state.due_day:
        return []
    text = f"督办单的完成时限晚于任务的办结时限 {iso_day(state.due_day)}"
    strict = [one for one in explain.rules_for(ground.profile, "SLIP", **ground.case) if one.strength == "must"]
    missed = bool(state.tracks.slips) and today > state.tracks.slips[-1].due_day
    if not strict or missed:
        return [text]
    raise ground.refusal(text, strict[0].id, field="--due", value=iso_day(due_day),
                         remedy="写不晚于办结时限的日期；确需放宽的，先变更任务：dulian item change")  # fmt: skip


def facts_of(desk: Desk, state: ItemState, stated: tuple[str, ...] = ()) -> frozenset[str]:
    """What of `rules.words.FACTS` holds today; ``stated`` are judgements of a person."""
    today = today_of(desk)
    slips = state.tracks.slips
    since_day, found = _reported(desk, state, slips[-1].record_id if slips else b"")
    if not found or today - since_day > _SLOW_AFTER_DAYS:
        stated = (*stated, "no_progress")
    last_due = slips[-1].due_day if slips else state.due_day
    if last_due and today > last_due:
        stated = (*stated, "overdue")
        if slips and not found:
            stated = (*stated, "not_improved")
    if slips and (slips[-1].justified == "unjustified" or (not slips[-1].justified and today > last_due)):
        stated = (*stated, "not_justified")
    if state.counters.returns and state.state == "returned":
        stated = (*stated, "below_standard")
    return frozenset(stated)


def _reported(desk: Desk, state: ItemState, after: bytes) -> tuple[int, bool]:
    """Day of the last 进展 or 办结报告 that came after the record ``after``, and whether there is one."""
    facts = read_facts(desk.store, [state.item_id]).get(state.item_id, [])
    since_ms = next((fact.claimed_ms for fact in facts if fact.record_id == after), 0)
    times = [
        fact.claimed_ms for fact in facts
        if fact.kind in (Kind.PROGRESS, Kind.FINAL) and fact.author == state.receiver and fact.claimed_ms >= since_ms
        and state.effects.get(fact.record_id) in EFFECTIVE
    ]  # fmt: skip
    return (day_of(max(times)), True) if times else (day_of(since_ms), False)


def _beyond(order: list[str], issued: list[str]) -> str:
    """What to do after the slip issued last: the next colour of the ladder, or none is left."""
    at = max(order.index(one) for one in issued if one in order) + 1
    if at == len(order):
        return "已是最后一级；需要的另行约谈、通报或移交问责线索"
    return f"条件具备的，下一级为{COLOURS[order[at]]}色：dulian item slip 登记编号 --colour {COLOURS[order[at]]}"


def _check_ladder(ground: Ground, state: ItemState, colour: str, facts: frozenset[str]) -> None:
    issued = [one.colour for one in state.tracks.slips]
    part = f"ladder.{colour}"
    missing = explain.missing_for(ground.profile, colour, issued, facts)
    name = f"{COLOURS[colour]}色督办单"
    order = [rung.colour for rung in ground.profile.ladder]
    if issued and order.index(colour) <= max(order.index(one) for one in issued if one in order):
        last = COLOURS.get(issued[-1], issued[-1])
        raise ground.refusal(f"已发{last}色督办单，不能再发{name}", part, field="--colour",
                             value=COLOURS[colour], remedy=_beyond(order, issued))
    if missing:
        pending = state.tracks.in_force("justification")
        remedy = "先认定承办单位说明的理由：dulian item judge" if pending else _stating(missing)
        raise ground.refusal(
            f"不能发{name}，尚缺：{'、'.join(missing)}", part, field="--colour", value=COLOURS[colour], remedy=remedy
        )


def _stating(missing: tuple[str, ...]) -> str:
    may = [name for name in STATED if any(FACTS[name] in one for one in missing)]
    if may:
        return "属实的写 " + "、".join(f"--fact {FACTS[name]}" for name in may)
    return "逐级发出，条件具备后再发"


def _entries(ground: Ground, rung: Rung, facts: frozenset[str]) -> tuple[str, ...]:
    needed = {name for need in rung.needs for name in need}
    grounds = tuple(f"事由：{FACTS[name]}" for name in FACTS if name in facts and name in needed)
    effects = []
    for effect in rung.effects:
        if effect.kind == "score" and effect.score:
            effects.append(f"后果：{_score_text(ground.profile.score(effect.score))}")
        else:
            effects.append(f"后果：{EFFECTS[effect.kind]}{'：' + effect.to if effect.to else ''}")
    return (*grounds, *effects)


def justify(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """说明理由 for what the last 督办单 holds against the receiver."""
    state = current(desk, take(args, "item"))
    return write(desk, state, Kind.JUSTIFY, Act(words(args, "text")), caller)


def judge(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """理由认定: 有正当理由 or 无正当理由, with the grounds (A15)."""
    state = current(desk, take(args, "item"))
    if bool(args.get("justified")) == bool(args.get("unjustified")):
        raise InputError("认定只写一种", field="--justified", remedy="有正当理由写 --justified，没有写 --unjustified")
    verdict = JUSTIFIED if args.get("justified") else UNJUSTIFIED
    payload = Act(words(args, "reason"), track=Track(verdict=verdict))
    return write(desk, state, Kind.JUSTIFY_DECISION, payload, caller)


def score(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """考核记分: propose points by a rule with their cause, or say that a proposal was (not) adopted (A20)."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.SCORE, desk.identity.code)
    given = [name for name in ("rule", "adopt", "drop") if take(args, name)]
    if len(given) != 1:
        raise InputError("--rule、--adopt、--drop 只写一个", field="--rule", remedy="记分写 --rule 和 --cause")
    if given != ["rule"]:
        known = [one.record_id for one in state.tracks.scores]
        cause = record_named(known, take(args, given[0]), f"--{given[0]}")
        track = Track(verdict=ADOPTED if given == ["adopt"] else DROPPED, cause=cause)
        return write(desk, state, Kind.SCORE, Act(words(args, "text", required=False), track=track), caller)
    ground = ground_of(desk, state)
    rule = next((one for one in ground.profile.scores if one.id == take(args, "rule")), None)
    if rule is None:
        listed = "、".join(f"{one.id}（{one.title}）" for one in ground.profile.scores) or "无"
        remedy = f"可用：{listed}"
        raise ground.refusal("没有这条记分规则", "scores", field="--rule", value=take(args, "rule"), remedy=remedy)
    facts = [fact.record_id for fact in read_facts(desk.store, [state.item_id]).get(state.item_id, [])]
    cause = record_named(facts, take(args, "cause"), "--cause")
    points = _points(ground, rule, take(args, "points"))
    return write(desk, state, Kind.SCORE, _score_act(state, ground, rule, points, cause), caller)


def _points(ground: Ground, rule: ScoreRule, given: str) -> int:
    """Thousandths of a point; the rule's own figure, or the one given where the document names none (A10)."""
    part = f"scores.{rule.id}"
    if not given:
        if rule.hundredths is None:
            raise ground.refusal("文件没有规定分值，须写明", part, field="--points", remedy="写 --points，如 -0.5")
        return rule.hundredths * 10
    try:
        milli = round(float(given) * 1000)
    except (ValueError, OverflowError) as error:
        raise InputError("不是分值", field="--points", value=given, remedy="写成 -0.3") from error
    if rule.hundredths is not None and milli != rule.hundredths * 10:
        raise ground.refusal(f"分值须为 {rule.points}", part, field="--points", value=given)
    if not milli or (rule.sign != "both" and (milli > 0) != (rule.sign == "add")):
        word = "加分写正数" if rule.sign == "add" else "扣分写负数"
        raise ground.refusal("分值与记分规则不符", part, field="--points", value=given, remedy=word)
    return milli


def _score_of(desk: Desk, state: ItemState, ground: Ground, rule_id: str, cause: str, caller: Caller) -> str:
    rule = ground.profile.score(rule_id)
    # A rule without a figure leaves it to the assessors: the proposal says 0.
    payload = _score_act(state, ground, rule, (rule.hundredths or 0) * 10, bytes.fromhex(cause))
    return str(write(desk, current(desk, state.item_id.hex()), Kind.SCORE, payload, caller)["record"])


def _score_act(state: ItemState, ground: Ground, rule: ScoreRule, points_milli: int, cause: bytes) -> Act:
    track = Track(rule=ground.rule(f"scores.{rule.id}"), points_milli=points_milli, cause=cause, title=rule.title)
    return Act(text=f"{_score_text(rule)}（{rule.base}）", unit=state.receiver, track=track)


def _score_text(rule: ScoreRule) -> str:
    return f"{rule.title} {rule.points}分" if rule.points is not None else rule.title


def _colour(word: str) -> str:
    for colour, label in COLOURS.items():
        if word in (colour, label, f"{label}色"):
            return colour
    raise InputError("没有这种颜色", field="--colour", value=word, remedy=f"写 {'、'.join(COLOURS.values())}")


def _stated(args: Args) -> tuple[str, ...]:
    found = []
    for word in take_list(args, "fact"):
        name = next((one for one in STATED if word in (one, FACTS[one])), "")
        if not name:
            listed = "、".join(FACTS[one] for one in STATED)
            raise InputError("不是可以认定的事由", field="--fact", value=word, remedy=f"可写：{listed}")
        found.append(name)
    return tuple(found)
