"""环节时限: within how long an own item is to be proposed, set up, planned, announced, reported on publicly. Pure.

Rules of this file (R40, R41, R45, R48, R49):

1. A step's limit is a rule of the profile in force that starts from an event of the item itself and limits an act of
   this office. Both are read from the item's records; the day the leaders instructed is taken to be that of 登记.
2. It is spoken of on the working day before, and once when it has passed. What has been assigned needs no 拟办, 立项
   or 方案 any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from node.errors import InputError
from node.items.lifecycle import APPROVING, PLANNING, PROPOSED, REGISTERED
from node.records.kinds import Kind
from node.rules import explain
from node.rules.values import TimeRule
from node.services.routine.lines import line_of
from node.services.routine.reminders import Day, News, iso
from node.storage.rows import BoardRow, Proposal

_HANDED_OUT = frozenset({int(Kind.DISPATCH), int(Kind.HANDLE)})  # to an office below, or to a unit of this one
# By act of a rule: the kinds that fulfil it.
FULFILLED: Mapping[str, frozenset[int]] = {
    "propose": frozenset({int(Kind.PROPOSE), int(Kind.ESTABLISH), *_HANDED_OUT}),
    "establish": frozenset({int(Kind.ESTABLISH), int(Kind.PLAN), *_HANDED_OUT}),
    "plan": frozenset({int(Kind.PLAN), *_HANDED_OUT}),
    "announce": _HANDED_OUT,
    "notice": frozenset({int(Kind.NOTICE)}),
}
_BEFORE_SETUP = (REGISTERED, PROPOSED, APPROVING)


def of_own_item(ctx: Day, row: BoardRow, news: News) -> Iterator[Proposal]:
    """The limits of steps that are near or have passed, of an own item of this office."""
    if row.kind != "registered" or row.issuer != ctx.office:
        return
    line = line_of(ctx.profile, row.work_line, row.source)
    case = {"source": row.source, "class_": row.item_class, "line": line}
    for rule in ctx.profile.rules:
        if rule.act not in FULFILLED or rule.by_document or rule.applies.match(**case) < 0:
            continue
        start = _start(rule, row, news)
        if start and not over(rule.act, start, row, news):
            yield from _told(ctx, row, rule, start)


def over(act: str, since: int, row: BoardRow | None, news: News) -> bool:
    """Whether the step has been done since that day, or there is nothing left to do."""
    if row is None or (act == "establish" and row.state not in _BEFORE_SETUP):
        return True
    return any(one.kind in FULFILLED.get(act, ()) and one.day >= since for one in news.acts)


def _start(rule: TimeRule, row: BoardRow, news: News) -> int:
    """The day the limit counts from, 0 = not yet begun."""
    if rule.start in ("REGISTER", "DECIDED"):
        return row.opened_day
    if rule.start == "PROPOSE":
        return news.last(Kind.PROPOSE)
    if rule.start == "PLAN":  # 方案批准: its last approval, or the plan itself where nobody has to approve it
        planned = news.last(Kind.PLAN)
        return max(planned, news.last(Kind.APPROVE)) if planned and row.state != PLANNING else 0
    return news.last(Kind.SPECIAL) if rule.start == "REPORT_APPROVED" else 0


def _told(ctx: Day, row: BoardRow, rule: TimeRule, start: int) -> Iterator[Proposal]:
    try:
        due = explain.due(ctx.profile, rule.id, start, ctx.calendar).day
    except InputError:  # a day that no calendar has
        return
    if ctx.day < ctx.calendar.add_working_days(due, -1):
        return
    late = ctx.day > due
    text = f"{rule.title}：应于{iso(due)}前" + ("，已过期" if late else "")
    words = f"原文：“{rule.sentence}”" if rule.sentence else ""
    grounds = (f"规则{ctx.rules_name} {rule.id}", f"自{iso(start)}起算", words)
    key = f"{rule.act}:{rule.id}/{iso(due)}{'/late' if late else ''}"
    yield from ctx.propose("step", row.item_id, key, text, grounds)
