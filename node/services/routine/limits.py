"""专项时限: dates that measures and steps set beside an item's own: 督办令, 通报, 整改 lines, 节点. Pure.

Rules of this file (R29, R45, R72, R97, R108, R110):

1. `limits_of` reads from an item's records what is still open; what is done, reported or cleared has no limit left.
   A unit that has the item in hand has its own date (内部时限), until the office reports.
   A 督办令 is answered by the 办结报告, a 限期整改 by any report or line put right after it.
2. Spoken of as an item's own date is: the working days before it that the profile says, on the day, then overdue,
   weekly; at who set it and at who has to keep it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from node.items.fact import Fact
from node.items.fold import EFFECTIVE, ItemState
from node.items.lifecycle import SUBMITTED
from node.records.kinds import Kind
from node.records.payload import Act
from node.records.track import OPEN
from node.rules import explain
from node.services.routine.reminders import REPEAT_DAYS, Day, Limit, News, iso
from node.storage.rows import BoardRow, Proposal

UNIT = "unit:"  # before a key: a limit inside the receiving office, nobody else's to be reminded of (R51)
_ANSWERS_NOTICE = frozenset({Kind.PROGRESS, Kind.FINAL, Kind.RECTIFY})


def limits_of(state: ItemState, facts: Iterable[Fact]) -> tuple[Limit, ...]:
    """What of an item has a date of its own and is not done."""
    acts = [fact for fact in facts if state.effects.get(fact.record_id) in EFFECTIVE and isinstance(fact.payload, Act)]
    found: list[Limit] = []
    for fact in acts:
        payload = fact.payload
        assert isinstance(payload, Act)  # noqa: S101 - chosen so
        key = fact.record_id.hex()[:12]
        if fact.kind == Kind.ORDER and payload.due_day and state.state != SUBMITTED:
            number = payload.track.number if payload.track is not None else ""
            found.append(Limit(key, f"督办令{' ' + number if number else ''}", payload.due_day))
        elif fact.kind == Kind.NOTICE and payload.due_day and not _elsewhere(state, payload) and not _answered(
            state, fact, acts
        ):
            found.append(Limit(key, "通报限期整改", payload.due_day))
    found += [
        Limit(f"line:{line.key}", f"整改事项 {line.key}（{line.unit}）", line.due_day)
        for line in state.tracks.lines if line.status == OPEN and line.due_day
    ]  # fmt: skip
    found += [
        Limit(f"step:{step.key}", f"节点 {step.key} {step.title}".rstrip(), step.due_day)
        for step in state.tracks.milestones if step.due_day and not step.done_day
    ]  # fmt: skip
    found += [
        Limit(f"{UNIT}{one.unit}", f"{one.unit}{f' {one.person}' if one.person else ''} 内部办理", one.due_day)
        for one in state.tracks.handlers if one.due_day and state.state != SUBMITTED
    ]  # fmt: skip
    return tuple(one._replace(key=one.key.replace("/", "_")) for one in found)


def _elsewhere(state: ItemState, payload: Act) -> bool:
    """Whether a 通报 on an own item names offices: then the limit stands on their tasks."""
    return state.kind == "registered" and payload.track is not None and bool(payload.track.offices)


def _answered(state: ItemState, notice: Fact, acts: list[Fact]) -> bool:
    """Whether who was criticised has reported since; on an own item of one office its own words count too."""
    return any(
        fact.kind in _ANSWERS_NOTICE and fact.author == state.receiver and fact.claimed_ms >= notice.claimed_ms
        for fact in acts
    )


def of_item(ctx: Day, row: BoardRow, news: News) -> Iterator[Proposal]:
    """The limits of an open item that are near, due or have passed."""
    for one in news.limits:
        if one.key.startswith(UNIT) and (row.receiver != ctx.office or one.due_day == row.due_day):
            continue  # the item's own date is spoken of as such
        due, due_text = one.due_day, iso(one.due_day)
        text = when = ""
        if ctx.day > due:
            text = f"{one.title}已逾期{ctx.day - due}日（时限{due_text}）"
            when = f"late{(ctx.day - due - 1) // REPEAT_DAYS}"
        else:
            days = explain.reminder_days(ctx.profile, due, ctx.calendar)
            if not days or ctx.day < days[0] or (ctx.day == due and due not in days):
                continue
            left = ctx.calendar.working_days_between(ctx.day, due)
            text = f"今天（{due_text}）到时限：{one.title}" if ctx.day == due else (
                f"距时限{due_text}还有{left}个工作日：{one.title}" if left else f"时限{due_text}将到：{one.title}")
            when = "due" if ctx.day == due else "near"
        yield from ctx.propose("limit", row.item_id, f"{one.key}/{due_text}/{when}", text, (
            f"规则{ctx.rules_name} reminders", "时限当日24时止"))  # fmt: skip


def over(key: str, news: News) -> bool:
    """Whether what a proposal of this key spoke of is done, or has another date now."""
    name, due_text = key.split("/")[:2]
    return not any(one.key == name and iso(one.due_day) == due_text for one in news.limits)
