"""What one business date brings: the day's findings over board rows, and which open proposals are over. Pure.

Rules of this file:

1. `findings` covers items (`reminders`) and the office's own duties: ledger rounds (R95, R96), meetings 调度 (R88),
   joint inspections (R90), the annual plan (R24), and quotas such as research topics (R62) or 两代表一委员 (R91).
2. When dates are caught up with, each is looked at in order: what belongs to a date is found on that date, unless a
   later one of the same rule is due by now too; what tells how an item stands is found on the newest date alone.
3. Of what repeats itself only the newest stands open: the older is ``replaced``. What an act has fulfilled bears that
   record's id; what has become pointless is ``over``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from node.items.lifecycle import ASSIGNED, DELIVERED, SUBMITTED
from node.records.kinds import Kind
from node.rules.calendar import Calendar, date_of, day_number
from node.rules.profile import Profile
from node.rules.values import Quota
from node.services.routine import informing, limits, steps
from node.services.routine.reminders import Beat, Day, News, beat_of, concerns, iso, lead_day, next_slip, of_item
from node.storage.rows import HIDDEN, BoardRow, Proposal

KIND_LABELS: Mapping[str, str] = {
    "overdue": "逾期", "slip": "督办单", "judge": "理由认定",
    "limit": "专项时限", "inform": "报送抄送",
    "urge": "催办", "unsigned": "未签收", "due": "今日到期", "remind": "临近到期",
    "report_due": "定期报告", "step": "环节时限", "ledger": "台账", "meeting": "调度", "inspection": "集中督查",
    "plan": "年度计划", "research": "督查调研", "quota": "年度次数", "calendar": "工作日历",
}  # fmt: skip
REPLACED, OVER, DISMISSED, DONE_BY = "replaced", "over", "dismissed", "done"  # the last two: ``word:who:why``

_INSPECTION_LEAD_DAYS = 30  # 本地默认: so long before 年中、年末 a joint inspection is proposed
_LAST_DAYS = 30  # of a quota's part: proposed once more
_OFFICE_KINDS: Mapping[str, str] = {
    "ledger": "ledger", "dispatch_meeting": "meeting", "joint_inspection": "inspection", "annual_plan": "plan",
}  # fmt: skip
_MONTHS: Mapping[str, int] = {"年": 12, "半年": 6, "季": 3, "月": 1}
_DEADLINE = ("remind", "due", "overdue")
_FULFILS: Mapping[str, frozenset[int]] = {
    "urge": frozenset({int(Kind.URGE), int(Kind.SLIP), int(Kind.PROGRESS), int(Kind.FINAL)}),
    "slip": frozenset({int(Kind.SLIP), int(Kind.FINAL)}),
    "judge": frozenset({int(Kind.JUSTIFY_DECISION), int(Kind.JUSTIFY), int(Kind.FINAL)}),
    "unsigned": frozenset({int(Kind.SIGN), int(Kind.REFUSE)}),
    "report_due": frozenset({int(Kind.PROGRESS), int(Kind.FINAL)}),
    "calendar": frozenset({int(Kind.CHANGE)}),
    **dict.fromkeys(_DEADLINE, frozenset({int(Kind.FINAL)})),
}


def findings(
    day: int, rows: Iterable[BoardRow], profile: Profile, calendar: Calendar, *, office: str,
    news: Mapping[bytes, News] | None = None, known: Mapping[tuple[str, bytes, str], str] | None = None,
    until: int = 0, issuers: Mapping[str, Profile] | None = None,
) -> list[Proposal]:  # fmt: skip
    """All that is proposed or reminded of on a business date (days since 1970-01-01), each thing once.

    Args:
        day: the business date.
        rows: board rows of the office, as they stand.
        profile: its rules in force on that date.
        calendar: the working days.
        office: whose proposals they are.
        news: what the items' records say, by item id.
        known: (kind, item, key) of all that was proposed before, with what became of it.
        until: the newest date to be caught up with; 0 = the date itself.
        issuers: the rules of other offices that issued some of the rows.
    """
    ctx = Day(day, until or day, office, profile, calendar, news or {}, known or {}, {}, issuers or {})
    held = list(rows)
    found = [*_periodic(ctx, held), *_quotas(ctx, held)]
    if ctx.day == ctx.until:
        open_rows = [row for row in held if concerns(office, row)]
        # A task with the same limit speaks for the own item it was issued under.
        spoken_for = {(row.parent, row.due_day) for row in open_rows}
        for row in open_rows:
            shadowed = row.kind == "registered" and (row.item_id, row.due_day) in spoken_for
            found += of_item(ctx, row._replace(due_day=0) if shadowed else row)
            found += limits.of_item(ctx, row, ctx.news.get(row.item_id, News()))
            found += steps.of_own_item(ctx, row, ctx.news.get(row.item_id, News()))
        for row in held:  # also of what is finished: the result is what is sent on
            if not row.subject and not row.flags & HIDDEN and row.item_id in ctx.news:
                found += informing.of_item(ctx, row, ctx.news[row.item_id])
    return found


def closings(
    opened: Iterable[Proposal], fresh: Iterable[Proposal], rows: Mapping[bytes, BoardRow],
    news: Mapping[bytes, News], office: str, now_ms: int, *, profile: Profile | None = None, day: int = 0,
) -> list[Proposal]:  # fmt: skip
    """The open proposals that are over, with what ended them; ``fresh`` are today's, which replace older ones.

    With ``profile`` and ``day`` also the slips whose grounds have gone since.
    """
    newer = {_group(one) for one in fresh}
    closed = []
    for one in opened:
        done = REPLACED if _group(one) in newer else ""
        if not done and one.item_id:
            row, said = rows.get(one.item_id), news.get(one.item_id, News())
            done = _ended(one, row, said, office)
            if not done and one.kind == "slip" and profile is not None and row is not None:
                found = next_slip(profile, row, said, day)
                done = "" if found is not None and one.key.startswith(f"{found.rung.colour}/") else OVER
        if done:
            closed.append(ended(one, done, now_ms))
    return closed


def ended(one: Proposal, done: str, now_ms: int) -> Proposal:
    """The proposal, closed: ``done`` is `REPLACED`, `OVER`, ``dismissed:…``, ``done:…`` or a record's id in hex."""
    return Proposal(one.kind, one.item_id, one.day, one.key, one.text, one.grounds, done, now_ms)


def _group(one: Proposal) -> tuple[str, bytes, str]:
    """What only one proposal stands open of: an item's limit, each kind of an item, each rule of the office."""
    if one.kind in _DEADLINE:
        return "deadline", one.item_id, ""
    keyed = one.kind in ("report_due", "step", "limit", "inform") or not one.item_id
    return one.kind, one.item_id, one.key.partition("/")[0] if keyed else ""


def _ended(one: Proposal, row: BoardRow | None, news: News, office: str) -> str:
    for act in sorted(news.acts, key=lambda act: act.day):
        if act.kind in _FULFILS.get(one.kind, ()) and act.day >= one.day:
            return act.record_id.hex()
    if row is not None and one.kind == "inform":
        return ""  # a person sends it, and says so
    if row is None or not concerns(office, row):
        return OVER
    if one.kind == "step" and steps.over(one.key.partition(":")[0], one.day, row, news):
        return OVER
    if one.kind == "limit" and limits.over(one.key, news):
        return OVER
    if one.kind == "unsigned" and row.state not in (ASSIGNED, DELIVERED):
        return OVER
    if one.kind in ("urge", "slip", "judge", *_DEADLINE) and row.state == SUBMITTED:
        return OVER
    if one.kind in _DEADLINE and (not row.due_day or one.key.partition("/")[0] != iso(row.due_day)):
        return OVER  # the limit was changed: the new one is reminded of
    return ""


def _periodic(ctx: Day, rows: Sequence[BoardRow]) -> Iterator[Proposal]:
    """The office's recurring duties by its profile: ledgers, meetings, joint inspections, the annual plan."""
    for rule in ctx.profile.rules:
        kind = _OFFICE_KINDS.get(rule.act)
        if kind is None or rule.start != "PERIOD" or rule.by_document:
            continue
        beat = beat_of(ctx, rule)
        following = beat.around(ctx.day)[2]
        if not following or ctx.day < _lead(ctx, kind, beat, following):
            continue
        after = beat.around(following + 1)[2]
        if after and _lead(ctx, kind, beat, after) <= ctx.until:
            continue
        if kind == "plan" and any(row.plan_year == date_of(following).year and row.issuer == ctx.office
                                  for row in rows):  # fmt: skip
            continue
        words = f"原文：“{rule.sentence}”" if rule.sentence else ""
        local = "本地默认" if rule.local_default else ""
        text = f"{rule.title}（{iso(following)}{'' if beat.weekly else '前'}）"
        grounds = (f"规则{ctx.rules_name} {rule.id}", local, words)
        yield from ctx.propose(kind, b"", f"{rule.id}/{iso(following)}", text, grounds)


def _lead(ctx: Day, kind: str, beat: Beat, day: int) -> int:
    if kind == "plan":
        return day_number(date(date_of(day).year, 1, 1))  # 每年年初 (R24)
    return day - _INSPECTION_LEAD_DAYS if kind == "inspection" else lead_day(ctx, beat, day)


def _quotas(ctx: Day, rows: Sequence[BoardRow]) -> Iterator[Proposal]:
    """So many in a period: the period is cut into as many parts, each proposed at its start and before its end."""
    periodic = {rule.id for rule in ctx.profile.rules if rule.start == "PERIOD"}
    for quota in ctx.profile.quotas:
        if quota.id in periodic or not quota.minimum:
            continue
        start, end = _period(quota, ctx.day)
        starts = [start + at * (end + 1 - start) // quota.minimum for at in range(quota.minimum)]
        at = max(number for number, first in enumerate(starts) if first <= ctx.day)
        last = starts[at + 1] - 1 if at + 1 < len(starts) else end
        made = sum(_counts(ctx, quota, row) and start <= row.opened_day <= ctx.day for row in rows)
        if made > at or last < ctx.until:
            continue
        kind = "research" if quota.id.startswith("research") else "quota"
        key = f"{quota.id}/{iso(start)}/{at + 1}"
        figure = f"{quota.minimum}" if quota.maximum in (None, quota.minimum) else f"{quota.minimum}至{quota.maximum}"
        text = f"{quota.title}：每{quota.per}{figure}次（个），已有{made}"
        grounds = (f"规则{ctx.rules_name} {quota.id}", f"原文：“{quota.sentence}”" if quota.sentence else "")
        if ctx.day <= last - _LAST_DAYS:
            yield from ctx.propose(kind, b"", key, text, grounds)
        elif ctx.known.get((kind, b"", key), "") in ("", REPLACED):  # nobody has said it is done, or will not be
            yield from ctx.propose(kind, b"", f"{key}/end", f"{text}，{iso(last)}前应完成", grounds)


def _period(quota: Quota, day: int) -> tuple[int, int]:
    """First and last day of the quota's period that holds ``day``."""
    when, length = date_of(day), _MONTHS[quota.per]
    first = (when.month - 1) // length * length
    after = date(when.year + (first + length) // 12, (first + length) % 12 + 1, 1)
    return day_number(date(when.year, first + 1, 1)), day_number(after) - 1


def _counts(ctx: Day, quota: Quota, row: BoardRow) -> bool:
    """Whether an own item counts for the quota: by its class or source, research also by its work line."""
    if row.issuer != ctx.office or row.kind != "registered" or row.subject:
        return False
    if quota.id in (row.item_class, row.source):
        return True
    lines = {part.id: part.line for part in ctx.profile.sources}
    return quota.id.startswith("research") and "research" in (row.work_line, lines.get(row.source), row.item_class)
