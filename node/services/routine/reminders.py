"""Reminders and proposals that concern one item: 临近提醒, 逾期, 未签收, 按期报告, 催办, 督办单. Pure.

Rules of this file:

1. What is found depends on values only: the business date, board rows, what their records say (`News`), the profile.
2. A finding tells a state (within three working days of the limit), never an event of one moment: whoever missed a
   date finds the same later. What was proposed once (`Day.known`) is not proposed again.
3. Software proposes, a person issues: nothing here writes. Figures that no document gives are named below (本地默认).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from node.items.beside import Slip
from node.items.lifecycle import ACTIVE, ASSIGNED, DELIVERED, DONE, REGISTERED, RETURNED, SIGNED, SUBMITTED
from node.records.kinds import Kind
from node.rules import explain
from node.rules.calendar import Calendar, date_of, day_number
from node.rules.period import Cadence, Every, due_after
from node.rules.profile import Profile
from node.rules.values import TimeRule
from node.services.routine.lines import line_of
from node.storage.rows import EXEMPT, HIDDEN, BoardRow, Proposal

NO_PROGRESS_DAYS = 30  # 本地默认: nobody says how long "无进展" is; a month is the longest cadence of key work (R86)
REPEAT_DAYS = 7  # what stays overdue is said again every week
_SPAN_DAYS = 400
_LEAD_WORKING_DAYS = 3
_WORK = frozenset({SIGNED, ACTIVE, RETURNED})
_REPORTING = frozenset({REGISTERED, ASSIGNED, DELIVERED, *_WORK})
_REPORTS = frozenset({int(Kind.PROGRESS), int(Kind.FINAL)})
_WORDS: tuple[tuple[str, Every, int], ...] = (("半年", "半年", 31), ("季", "季", 31), ("月", "月", 31), ("周", "周", 5))


class Done(NamedTuple):
    """An act with effect on an item: its kind, its day in Asia/Shanghai, record and author."""

    kind: int
    day: int
    record_id: bytes
    author: str


class Limit(NamedTuple):
    """A date beside the item's own (`limits`): what tells it from others of the item, what it is of, the day."""

    key: str
    title: str
    due_day: int


class News(NamedTuple):
    """What an item's records say beside its board row. Days since 1970-01-01."""

    acts: tuple[Done, ...] = ()
    slips: tuple[Slip, ...] = ()
    frequency: str = ""  # a changed one (R130)
    limits: tuple[Limit, ...] = ()

    def last(self, *kinds: int) -> int:
        """Day of the newest act of these kinds, 0 = never."""
        return max((act.day for act in self.acts if act.kind in kinds), default=0)


class Day(NamedTuple):
    """One business date: who looks, by which rules, and what was proposed before.

    ``until`` is the newest date that is being caught up with (``day`` itself on an ordinary day); ``known`` has
    (kind, item, key) → what became of it; ``beats`` is filled on the way: occurrences by rule. ``issuers``: the rules
    of other offices whose tasks are in hand here; when to report on them is theirs to say too (A13, A19).
    """

    day: int
    until: int
    office: str
    profile: Profile
    calendar: Calendar
    news: Mapping[bytes, News]
    known: Mapping[tuple[str, bytes, str], str]
    beats: dict[str, tuple[int, ...]]
    issuers: Mapping[str, Profile] = {}

    def propose(self, kind: str, item_id: bytes, key: str, text: str, grounds: tuple[str, ...]) -> Iterator[Proposal]:
        """The proposal, unless it was made before."""
        if (kind, item_id, key) not in self.known:
            yield Proposal(kind, item_id, self.day, key, text, "；".join(one for one in grounds if one), "", 0)

    @property
    def rules_name(self) -> str:
        """How grounds name the rules: profile/version."""
        return _name(self.profile)


class Beat(NamedTuple):
    """A cadence: profile, id and title of the rule, its words, what its reports cover, its days around the date."""

    rules_name: str
    id: str
    title: str
    sentence: str
    covers: str
    weekly: bool
    days: tuple[int, ...]

    def around(self, day: int) -> tuple[int, int, int]:
        """The last occurrence but one, the last one before ``day``, and the next on or after it; 0 = none."""
        at = bisect_left(self.days, day)
        before = self.days[max(at - 2, 0) : at]
        return before[0] if len(before) > 1 else 0, before[-1] if before else 0, self.days[at] if at < len(
            self.days) else 0  # fmt: skip


def concerns(office: str, row: BoardRow) -> bool:
    """Whether the office issued it or has to do it, and it is open; a hidden one is its issuer's alone (R101)."""
    if row.subject or row.state in DONE or row.flags & EXEMPT:
        return False
    return row.issuer == office or (row.receiver == office and not row.flags & HIDDEN)


def may_be_urged(office: str, row: BoardRow) -> bool:
    """Whether the office can 催办: a task it issued to another office, or an own item a unit of its has in hand."""
    if row.issuer != office:
        return False
    return row.receiver != office if row.kind == "assignment" else bool(row.unit)


def of_item(ctx: Day, row: BoardRow) -> Iterator[Proposal]:
    """Everything that is to be said of one open item of this office on this day."""
    news = ctx.news.get(row.item_id, News())
    row = row._replace(frequency=news.frequency or row.frequency)
    yield from _deadline(ctx, row)
    yield from _unsigned(ctx, row, news)
    late: list[str] = []
    for beat in beats_of(ctx, row):
        late += yield from _report(ctx, row, news, beat)
    if may_be_urged(ctx.office, row):
        yield from _urge(ctx, row, news, late)
        yield from _slip(ctx, row, news)


def _deadline(ctx: Day, row: BoardRow) -> Iterator[Proposal]:
    """3 working days before and on the due day (西安's practice); overdue at once, then weekly."""
    if not row.due_day or row.state == SUBMITTED:
        return
    due, due_text = row.due_day, iso(row.due_day)
    if ctx.day > due:
        text = f"已逾期{ctx.day - due}日（办结时限{due_text}）"
        soft = "时限为原则性要求，不亮红灯" if row.strength in ("principle", "none") else ""
        key = f"{due_text}/{(ctx.day - due - 1) // REPEAT_DAYS}"
        yield from ctx.propose("overdue", row.item_id, key, text, (f"办结时限{due_text}已过，尚未报结", soft))
        return
    days = explain.reminder_days(ctx.profile, due, ctx.calendar)
    if not days or ctx.day < days[0]:
        return
    grounds = (f"规则{ctx.rules_name} reminders", "时限当日24时止")
    if ctx.day == due:
        if due in days:
            yield from ctx.propose("due", row.item_id, due_text, f"今天（{due_text}）到办结时限", grounds)
        return
    left = ctx.calendar.working_days_between(ctx.day, due)
    text = f"距办结时限{due_text}还有{left}个工作日" if left else f"办结时限{due_text}将到，其间没有工作日"
    yield from ctx.propose("remind", row.item_id, due_text, text, grounds)


def _unsigned(ctx: Day, row: BoardRow, news: News) -> Iterator[Proposal]:
    """Delivered, and not signed for within the profile's limit (1 working day where it says nothing)."""
    delivered = news.last(Kind.DELIVERED, Kind.INSIST)
    if row.kind != "assignment" or row.state != DELIVERED or not delivered:
        return
    signing = ctx.profile.signing
    if signing is not None:
        limit, said = due_after(delivered, signing.value, ctx.calendar).day, f"规则{ctx.rules_name} signing"
    else:
        limit, said = ctx.calendar.add_working_days(delivered, 1), "本地默认：送达后1个工作日内签收"
    if ctx.day <= limit:
        return
    key = f"{iso(limit)}/{(ctx.day - limit - 1) // REPEAT_DAYS}"
    text = f"应于{iso(limit)}前签收，尚未签收"
    yield from ctx.propose("unsigned", row.item_id, key, text, (f"{iso(delivered)}送达", said))


def beats_of(ctx: Day, row: BoardRow) -> list[Beat]:
    """The cadences of an item's reports, by the rules of who issued it, and by this office's own."""
    profiles = [ctx.profile]
    if row.kind == "assignment" and row.issuer in ctx.issuers:
        profiles.insert(0, ctx.issuers[row.issuer])
    own = _frequency(ctx, row.frequency, profiles) if row.frequency else []
    if own:
        return own
    found: dict[str, Beat] = {}
    for profile in profiles:
        case = {
            "source": row.source, "class_": row.item_class,
            "line": line_of(profile, row.work_line, row.source),
        }  # fmt: skip
        rules = explain.rules_for(profile, "PERIOD", act="report", **case)
        best = rules[0].applies.match(**case) if rules else 0
        for one in rules:
            if one.applies.match(**case) == best:
                found.setdefault(one.id, beat_of(ctx, one, profile))
    return list(found.values())


def _frequency(ctx: Day, frequency: str, profiles: list[Profile]) -> list[Beat]:
    """The item's own frequency: a rule of the first profile that has it, else a word such as 每月."""
    wanted = frequency.rpartition("/")[2]
    for profile in profiles:
        named = [rule for rule in profile.rules if rule.id == wanted and (rule.cadence or rule.fixed)]
        if named:
            return [beat_of(ctx, named[0], profile)]
    for word, every, day in _WORDS:
        if word in frequency:
            return [_beat(ctx, "", word, f"按{word}报告", "", "", Cadence(every, day), roll=False)]
    return []


def beat_of(ctx: Day, rule: TimeRule, profile: Profile | None = None) -> Beat:
    """A rule's occurrences around the business date."""
    cadence = rule.cadence.value if rule.cadence is not None else Cadence("年", dates=rule.fixed)
    name = _name(profile or ctx.profile)
    return _beat(ctx, name, rule.id, rule.title, rule.sentence, rule.covers, cadence, roll=rule.rolls)


def _beat(
    ctx: Day, rules_name: str, id_: str, title: str, sentence: str, covers: str, cadence: Cadence, *, roll: bool
) -> Beat:
    days = ctx.beats.get(f"{rules_name}/{id_}")
    if days is None:
        start = max(ctx.day - _SPAN_DAYS, 0)
        days = cadence.occurrences(start, ctx.day + _SPAN_DAYS, ctx.calendar, roll=roll)
        ctx.beats[f"{rules_name}/{id_}"] = days
    return Beat(rules_name or ctx.rules_name, id_, title, sentence, covers, cadence.every == "周", days)


def _name(profile: Profile) -> str:
    return f"{profile.id}/{profile.version}"


def lead_day(ctx: Day, beat: Beat, day: int) -> int:
    """From which day a recurring duty is spoken of: the reminders' working days before it, a weekly one on the day."""
    if beat.weekly:
        return day
    found = explain.reminder_days(ctx.profile, day, ctx.calendar)
    return found[0] if found else ctx.calendar.add_working_days(day, -_LEAD_WORKING_DAYS)


def _report(ctx: Day, row: BoardRow, news: News, beat: Beat) -> Generator[Proposal, None, list[str]]:
    """Cadence reports due or missed (R80-R88, A3, A13); gives back, in words, what was missed."""
    if row.state not in _REPORTING or (row.kind == "registered" and row.state == ASSIGNED and not row.unit):
        return []  # an own item that was handed on is reported by those who have it
    reported, late = news.last(*_REPORTS), []
    before, last, following = beat.around(ctx.day)
    if last and _expected(row, beat, last) and reported <= _since(beat, before, last):
        late.append(f"{iso(last)}应报的“{beat.title}”没有报")
    if following and ctx.day >= lead_day(ctx, beat, following):
        if _expected(row, beat, following) and reported <= _since(beat, last, following):
            words = f"原文：“{beat.sentence}”" if beat.sentence else ""
            grounds = (f"规则{beat.rules_name} {beat.id}", words, _when(reported))
            text = f"{iso(following)}前应报告：{beat.title}"
            yield from ctx.propose("report_due", row.item_id, f"{beat.id}/{iso(following)}", text, grounds)
    elif late:
        key, text = f"{beat.id}/{iso(last)}/late", f"{iso(last)}应报告而未报告：{beat.title}"
        yield from ctx.propose("report_due", row.item_id, key, text,
                               (f"规则{beat.rules_name} {beat.id}", _when(reported)))  # fmt: skip
    return late


def missed_day(ctx: Day, row: BoardRow, reported: int) -> int:
    """The newest day before ``ctx.day`` on which a report of the item was owed and not made; 0 = none was missed.

    ``reported``: the day of its last report, 0 = never.
    """
    missed = 0
    for beat in beats_of(ctx, row):
        before, last, _ = beat.around(ctx.day)
        if last and _expected(row, beat, last) and reported <= _since(beat, before, last):
            missed = max(missed, last)
    return missed


def _expected(row: BoardRow, beat: Beat, day: int) -> bool:
    """A report on a period is owed only by what was in hand before the period ended."""
    return row.opened_day <= min(covered_end(beat.covers, day), day - 1)


def _since(beat: Beat, before: int, day: int) -> int:
    """A report counts if it is newer than this: than the last occurrence, and than the period it has to cover."""
    return max(before, covered_end(beat.covers, day)) if beat.covers.startswith("previous") else before


def covered_end(covers: str, day: int) -> int:
    """Last day of the period that a report due on ``day`` covers; the day itself where that is the current one."""
    when = date_of(day)
    if covers == "previous_week":
        return day - (day + 3) % 7 - 1
    months = {"previous_month": 1, "previous_quarter": 3, "previous_half_year": 6}.get(covers)
    return day if months is None else day_number(date(when.year, (when.month - 1) // months * months + 1, 1)) - 1


def _urge(ctx: Day, row: BoardRow, news: News, late: list[str]) -> Iterator[Proposal]:
    """催办 (R52): a report was missed, nothing was heard for long, or the limit has passed."""
    if row.state not in _in_hand(row):
        return
    pushed = news.last(Kind.URGE, Kind.SLIP)
    heard = max(_heard(row, news), pushed)
    found: list[tuple[str, str]] = []
    if late and ctx.day - pushed >= REPEAT_DAYS:
        found.append(("report", "；".join(late)))
    silent = ctx.day - heard
    if silent > NO_PROGRESS_DAYS:
        found.append(("silent", f"自{iso(heard)}起{silent}日没有进展（本地默认{NO_PROGRESS_DAYS}日）"))
    if row.due_day and ctx.day > row.due_day and ctx.day - pushed >= REPEAT_DAYS:
        found.append(("overdue", f"办结时限{iso(row.due_day)}已过{ctx.day - row.due_day}日"))
    if found:
        key = f"{'+'.join(code for code, _ in found)}/{iso(heard)}/{silent // NO_PROGRESS_DAYS}"
        said = (*(text for _, text in found), f"上次催办{iso(pushed)}" if pushed else "尚未催办")
        yield from ctx.propose("urge", row.item_id, key, "建议催办", said)


def slip_facts(row: BoardRow, news: News, day: int) -> dict[str, str]:
    """What can be said of an item for the slip ladder, each fact with its words; what nobody can compute is absent.

    Never more than what a slip may rest on when it is written; 进展缓慢 is then stated by the person who issues it.
    After a slip its own limit counts; one that names none leaves `NO_PROGRESS_DAYS`.
    """
    facts: dict[str, str] = {}
    heard, slipped = _heard(row, news), news.last(Kind.SLIP)
    slip = news.slips[-1] if news.slips else None
    if day - heard > NO_PROGRESS_DAYS:
        facts["no_progress"] = f"自{iso(heard)}起{day - heard}日没有进展（本地默认{NO_PROGRESS_DAYS}日）"
    span, gone = row.due_day - row.opened_day, day - row.opened_day
    if row.due_day and span > 0 and 2 * gone >= span and 2 * row.percent * span < 100 * min(gone, span):
        share = min(100 * gone // span, 100)
        facts["slow_progress"] = f"时间已过{share}%，进度{row.percent}%，不到一半（本地默认）"
    limit = row.due_day
    if slip is not None:
        limit = slip.due_day or max(row.due_day, slipped + NO_PROGRESS_DAYS)
    if limit and day > limit:
        facts["overdue"] = f"时限{iso(limit)}已过{day - limit}日"
    returned = news.last(Kind.RETURN)
    if row.state == RETURNED and returned >= max(slipped, 1):
        facts["below_standard"] = f"{iso(returned)}退回的办结报告尚未重报"
    if slip is not None and slip.justified == "unjustified":
        facts["not_justified"] = "理由已认定为不正当"
    if slip is not None and "overdue" in facts and news.last(*_REPORTS) < slipped:
        facts["not_improved"] = f"{iso(slipped)}发督办单后没有进展报告"
    return facts


def next_slip(profile: Profile, row: BoardRow, news: News, day: int) -> explain.Proposal | None:
    """The slip the ladder allows on this day; none while an answer is due from the issuer itself."""
    if not profile.ladder or row.state not in _in_hand(row) | {DELIVERED} or row.extension == "requested":
        return None
    return explain.next_rung(profile, [slip.colour for slip in news.slips], slip_facts(row, news, day))


def _slip(ctx: Day, row: BoardRow, news: News) -> Iterator[Proposal]:
    """The next colour with its grounds (R105-R107); before it, whether there were good reasons is decided (A15)."""
    slip = news.slips[-1] if news.slips else None
    if slip is not None and not slip.justified and slip.due_day and ctx.day > slip.due_day and ctx.profile.ladder:
        text = f"督办单时限{iso(slip.due_day)}已过，承办单位没有说明理由：认定有无正当理由"
        yield from ctx.propose("judge", row.item_id, f"{len(news.slips)}/{iso(slip.due_day)}", text, (
            f"规则{ctx.rules_name} ladder.{slip.colour}",))  # fmt: skip
    found = next_slip(ctx.profile, row, news, ctx.day)
    if found is None:
        return
    rung, since = found.rung, max(news.last(Kind.SLIP), row.opened_day)
    key = f"{rung.colour}/{len(news.slips)}/{(ctx.day - since) // NO_PROGRESS_DAYS}"
    needed = {name for need in rung.needs for name in need}
    said = tuple(text for name, text in slip_facts(row, news, ctx.day).items() if name in needed)
    yield from ctx.propose("slip", row.item_id, key, f"建议发{rung.name}", (*said, *found.grounds))


def _in_hand(row: BoardRow) -> frozenset[str]:
    """The states in which somebody works on it; a unit's own item is at once."""
    return _WORK | {ASSIGNED} if row.kind == "registered" else _WORK


def _heard(row: BoardRow, news: News) -> int:
    """The day from which silence counts: the last report, 退回, 签收 or 内部交办, else the day it was opened."""
    return max(news.last(*_REPORTS, Kind.RETURN, Kind.SIGN, Kind.DECOMPOSE, Kind.HANDLE), row.opened_day)


def _when(reported: int) -> str:
    return f"最近一次报告{iso(reported)}" if reported else "尚未报告过"


def iso(day: int) -> str:
    """A date of days since 1970-01-01."""
    return date_of(day).isoformat()
