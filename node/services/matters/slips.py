"""督办单 白黄红, 说明理由 and 认定, 考核记分 (R105-R107, R119, A9-A11, A15, A20).

Rules of this file:

1. The ladder of the profile in force says what each colour needs. What can be counted is counted here (无进展,
   逾期, 屡督不动); what is judged (未达标准, 敷衍了事, 进展缓慢) is stated by who issues the slip and stands in it.
2. 无正当理由 is an explicit decision (A15): on the reasons given, or that none were given by the date of the slip.
   After a slip its own date counts, and what was handed in since.
3. A slip's effects are written into it; points become SCORE records that name rule, version and the slip as cause.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from node.errors import InputError
from node.items import guards
from node.items.beside import Slip
from node.items.fold import EFFECTIVE, ItemState
from node.items.lights import day_of
from node.records.kinds import Kind
from node.records.payload import Act, check_text
from node.records.track import ADOPTED, DROPPED, JUSTIFIED, UNJUSTIFIED, Track
from node.rules import explain
from node.rules.values import Rung, ScoreRule
from node.rules.words import COLOURS, EFFECTS, FACTS
from node.services.board.project import read_facts
from node.services.matters.acting import write
from node.services.matters.desk import Caller, Desk, current, parse_day, take, take_list
from node.services.matters.ground import (
    Args,
    Ground,
    answerable,
    ground_of,
    iso_day,
    record_named,
    today_of,
    units_against,
    words,
)

STATED = ("slow_progress", "below_standard", "perfunctory")
_POINTS_MAX = 1000
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
    _check_ladder(ground, state, colour, facts, judged=bool(_since(desk, state).submitted))
    rung = ground.profile.rung(colour)
    assert rung is not None  # noqa: S101 - `_check_ladder` has refused unknown colours
    due_day = parse_day(args.get("due"), "--due")
    if due_day < today_of(desk):
        raise InputError("督办单须写明完成时限，不早于今天（规则：督办单写明完成时限）", field="--due",
                         value=iso_day(due_day), remedy="写 --due 日期，今天或以后的")  # fmt: skip
    warnings = _check_date(ground, state, due_day, today_of(desk))
    text = words(args, "text")
    parts = _must_state(ground, rung, text, take_list(args, "state"))
    entries = (*parts, *_entries(ground, rung, facts))
    track = Track(colour=colour, rule=ground.rule(f"ladder.{colour}"), entries=entries)
    payload = Act(text, due_day=due_day, unit=units_against(desk, state), track=track)
    answer = write(desk, state, Kind.SLIP, payload, caller)
    scores = [effect.score for effect in rung.effects if effect.kind == "score" and effect.score]
    cause = bytes.fromhex(str(answer["record"]))
    written = [one for name in scores for one in _slip_scores(desk, state, ground, name, cause, caller)]
    return answer | {"colour": colour, "scores": written, "warnings": warnings}


def _must_state(ground: Ground, rung: Rung, text: str, given: tuple[str, ...]) -> tuple[str, ...]:
    """What the profile wants a slip to say, part by part: given by itself, or named in the text; its date is stated."""
    parts: dict[str, str] = {}
    for one in given:
        key, equals, said = (part.strip() for part in one.partition("="))
        if not (equals and said) or key not in rung.must_state:
            listed = "、".join(rung.must_state) or "无"
            raise InputError("督办单没有这一项", field="--state", value=one, remedy=f"写成 名称=内容；可写：{listed}")
        parts[key] = check_text(said, "--state")
    missing = [key for key in rung.must_state if key not in parts and key not in text and not key.endswith("时限")]
    if missing:
        raise ground.refusal(
            f"督办单须写明：{'、'.join(missing)}", f"ladder.{rung.colour}", field="--state",
            remedy="写 " + "、".join(f"--state {key}=内容" for key in missing) + f"，或在内容中写“{missing[0]}：……”",
        )  # fmt: skip
    return tuple(f"{key}：{said}" for key, said in parts.items())


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
    since = _since(desk, state)
    found = bool(since.reported)
    last_due = slips[-1].due_day if slips else state.due_day
    late = bool(last_due) and today > last_due
    if today - (since.reported or since.day) > _SLOW_AFTER_DAYS or (late and not found):
        stated = (*stated, "no_progress")
    if late:
        stated = (*stated, "overdue")
        if slips and not found:
            stated = (*stated, "not_improved")
    if slips and slips[-1].justified == "unjustified":
        stated = (*stated, "not_justified")
    if state.state == "returned" and since.returned:
        stated = (*stated, "below_standard")
    elif slips and not since.submitted:
        stated = tuple(one for one in stated if one != "below_standard")  # no result to be judged (R106)
    return frozenset(stated)


class _Since(NamedTuple):
    """What happened since the last slip, or since the item was opened: days, 0 = never."""

    day: int
    reported: int
    submitted: int
    returned: int


def _since(desk: Desk, state: ItemState) -> _Since:
    facts = read_facts(desk.store, [state.item_id]).get(state.item_id, [])
    after = state.tracks.slips[-1].record_id if state.tracks.slips else state.item_id
    since_ms = next((fact.claimed_ms for fact in facts if fact.record_id == after), 0)
    done = [
        fact for fact in facts
        if fact.claimed_ms >= since_ms and state.effects.get(fact.record_id) in EFFECTIVE
    ]  # fmt: skip

    def last(*kinds: Kind) -> int:
        return max((day_of(fact.claimed_ms) for fact in done if fact.kind in kinds), default=0)

    return _Since(day_of(since_ms), last(Kind.PROGRESS, Kind.FINAL), last(Kind.FINAL), last(Kind.RETURN))


def _beyond(order: list[str], issued: list[str]) -> str:
    """What to do after the slip issued last: the next colour of the ladder, or none is left."""
    at = max(order.index(one) for one in issued if one in order) + 1
    if at == len(order):
        return "已是最后一级；需要的另行约谈、通报或移交问责线索"
    return f"条件具备的，下一级为{COLOURS[order[at]]}色：dulian item slip 登记编号 --colour {COLOURS[order[at]]}"


def _check_ladder(ground: Ground, state: ItemState, colour: str, facts: frozenset[str], *, judged: bool) -> None:
    """Refuse a colour that is not next or lacks something; ``judged``: a result came in since the last slip."""
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
        judging = _judging(state) if FACTS["not_justified"] in missing and issued else ""
        early = issued and not judged  # there is no result yet that could be below the standard (R106)
        parts = (_stated_as(missing, early=bool(early)), _waiting(state, missing) if early else "", judging)
        remedy = "；".join(one for one in parts if one) or "逐级发出，条件具备后再发"
        raise ground.refusal(
            f"不能发{name}，尚缺：{'、'.join(missing)}", part, field="--colour", value=COLOURS[colour], remedy=remedy
        )


def _judging(state: ItemState) -> str:
    if state.tracks.slips[-1].justified == "given":
        return "先认定承办单位说明的理由：dulian item judge"
    if state.tracks.slips[-1].justified == "justified":
        return "已认定有正当理由的，不再发下一级"
    return "承办单位到督办单时限未说明理由的，先认定：dulian item judge 登记编号 --unjustified --reason 理由"


def _waiting(state: ItemState, missing: tuple[str, ...]) -> str:
    """What a slip on a result below the standard waits for."""
    if not any(FACTS["below_standard"] in one for one in missing):
        return ""
    due, fact = iso_day(state.tracks.slips[-1].due_day), FACTS["below_standard"]
    return f"督办单时限 {due} 过后仍未完成的可发；在此之前，承办单位报来结果后才能认定“{fact}”"


def _stated_as(missing: tuple[str, ...], *, early: bool) -> str:
    may = [name for name in STATED if any(FACTS[name] in one for one in missing)
           and not (early and name == "below_standard")]  # fmt: skip
    return "属实的写 " + "、".join(f"--fact {FACTS[name]}" for name in may) if may else ""


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
    """理由认定: 有正当理由 or 无正当理由, with the grounds; the latter also where no reasons came in time (A15)."""
    state = current(desk, take(args, "item"))
    if bool(args.get("justified")) == bool(args.get("unjustified")):
        raise InputError("认定只写一种", field="--justified", remedy="有正当理由写 --justified，没有写 --unjustified")
    verdict = JUSTIFIED if args.get("justified") else UNJUSTIFIED
    guards.check_act(state, Kind.JUSTIFY_DECISION, desk.identity.code)
    slip_ = state.tracks.slips[-1] if state.tracks.slips else None
    if slip_ is not None and not slip_.justified:
        _check_silent(desk, state, slip_, verdict)
    payload = Act(words(args, "reason"), track=Track(verdict=verdict))
    return write(desk, state, Kind.JUSTIFY_DECISION, payload, caller)


def _check_silent(desk: Desk, state: ItemState, slip_: Slip, verdict: int) -> None:
    """Of a slip that nobody gave reasons for: 无正当理由 after its date, or once its result was handed in (R106)."""
    ground, part = ground_of(desk, state), f"ladder.{slip_.colour}"
    if verdict == JUSTIFIED:
        raise ground.refusal("承办单位没有说明理由，不能认定有正当理由", part, field="--justified",
                             remedy="由承办单位先说明：dulian item justify")  # fmt: skip
    if today_of(desk) <= slip_.due_day and not _since(desk, state).submitted:
        raise ground.refusal(f"督办单时限 {iso_day(slip_.due_day)} 未到，承办单位尚可说明理由", part,
                             field="--unjustified", remedy="到时限后再认定，或等承办单位说明理由")  # fmt: skip


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
    if not take(args, "cause").strip():
        raise ground.refusal(
            "记分须写明事由，即据以记分的记录", f"scores.{rule.id}", field="--cause",
            remedy="写 --cause 记录标识的前几位（至少4位），见 dulian item show --json 的 record",
        )  # fmt: skip
    cause = record_named(facts, take(args, "cause"), "--cause")
    points = _points(ground, rule, take(args, "points"))
    written = _scores(desk, state, ground, rule, points, cause, caller)
    return written[-1] | {"scores": [one["record"] for one in written]}


def _points(ground: Ground, rule: ScoreRule, given: str) -> int:
    """Thousandths of a point; the rule's own figure, or the one given where the document names none (A10)."""
    part = f"scores.{rule.id}"
    if not given:
        if rule.hundredths is None:
            raise ground.refusal("文件没有规定分值，须写明", part, field="--points", remedy="写 --points，如 -0.5")
        return rule.hundredths * 10
    milli = _milli(given)
    if rule.hundredths is not None and milli != rule.hundredths * 10:
        raise ground.refusal(f"分值须为 {rule.points}", part, field="--points", value=given)
    if not milli or (rule.sign != "both" and (milli > 0) != (rule.sign == "add")):
        word = "加分写正数" if rule.sign == "add" else "扣分写负数"
        raise ground.refusal("分值与记分规则不符", part, field="--points", value=given, remedy=word)
    return milli


def _milli(given: str) -> int:
    """A figure of at most three decimals as thousandths; InputError."""
    try:
        points = Decimal(given.strip())
    except InvalidOperation as error:
        raise InputError("不是分值", field="--points", value=given[:40], remedy="写成 -0.3") from error
    if not points.is_finite() or abs(points) > _POINTS_MAX or points != round(points, 3):
        raise InputError(f"分值超出范围（规则：不超过±{_POINTS_MAX}分，至多三位小数）", field="--points",
                         value=given[:40], remedy="写成 -0.3")  # fmt: skip
    return int(points * 1000)


def _slip_scores(
    desk: Desk, state: ItemState, ground: Ground, rule_id: str, cause: bytes, caller: Caller
) -> list[object]:
    rule = ground.profile.score(rule_id)
    # A rule without a figure leaves it to the assessors: the proposal says 0.
    written = _scores(desk, state, ground, rule, (rule.hundredths or 0) * 10, cause, caller)
    return [one["record"] for one in written]


def _scores(
    desk: Desk, state: ItemState, ground: Ground, rule: ScoreRule, points_milli: int, cause: bytes, caller: Caller
) -> list[dict[str, object]]:
    """A record of points for each unit or office that has the item in hand."""
    track = Track(rule=ground.rule(f"scores.{rule.id}"), points_milli=points_milli, cause=cause, title=rule.title)
    text, written = f"{_score_text(rule)}（{rule.base}）", []
    for unit in answerable(desk, state):
        latest = current(desk, state.item_id.hex())
        written.append(write(desk, latest, Kind.SCORE, Act(text=text, unit=unit, track=track), caller))
    return written


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
