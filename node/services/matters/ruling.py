"""Rules profiles and the calendar: shown, checked, published, explained; what a new calendar changes.

Rules of this file: a profile is published by its own office, for its own line and everything below (R125); the calendar
by the top office alone; what is published is complete and checked, and its version is higher than the one before.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from node.documents import calendars, profiles
from node.errors import ForbiddenError, InputError
from node.items.fold import ItemState
from node.items.lifecycle import DONE
from node.items.lights import day_of
from node.records.kinds import Kind, label_of
from node.records.line import Line
from node.records.payload import Act
from node.records.payload import Calendar as CalendarPayload
from node.records.payload import Profile as ProfilePayload
from node.records.track import Terms
from node.rules import explain
from node.rules.calendar import Calendar, date_of, day_text, differences
from node.rules.profile import Profile
from node.services.matters.desk import Caller, Desk, find_item, state_of, take
from node.services.matters.rulebook import Rulebook, order
from node.services.verbs import Args, Command, Question
from node.services.views.browse import View, provisional
from node.storage.port import BoardQuery, CalendarRow, Proposal, Reader, RulesRow
from node.storage.rows import PROVISIONAL as COUNTED_PROVISIONALLY

if TYPE_CHECKING:
    from node.services.office import Office

_DIFFERENCES_SHOWN = 60


class Moved(NamedTuple):
    """A due date that the calendar in force counts otherwise than it was given. Days since 1970-01-01."""

    item_id: bytes
    number: str
    title: str
    rule: str
    due_day: int
    new_day: int


def list_profiles(reader: Reader, view: View, _args: Args) -> list[dict[str, object]]:
    """`rules list`: what is published here and above, and what is shipped; which one is in force for this office."""
    today = day_of(view.now_ms)
    in_force = Rulebook(reader, view.office).profile(today)
    published = reader.rows(RulesRow)
    own = any(row.office == view.office and row.valid_from_day <= today for row in published)
    rows = [
        {
            "name": f"{row.name}/{row.version}", "title": Profile.decode(row.text.encode()).title, "office": row.office,
            "office_name": view.name_of(row.office), "valid_from": date_of(row.valid_from_day).isoformat(),
            "record": row.record_id.hex(),
            "in_force": own and row.office == view.office
            and (row.name, row.version) == (in_force.id, in_force.version),
        }
        for row in published
    ]  # fmt: skip
    for name in profiles.SHIPPED:
        profile = profiles.load_shipped(name)
        rows.append({
            "name": f"{profile.id}/{profile.version}", "title": profile.title, "office": None, "office_name": "随附",
            "valid_from": profile.valid_from.isoformat(), "record": None,
            "in_force": not own and profile.id == profiles.DEFAULT,
        })  # fmt: skip
    return rows


def show_profile(reader: Reader, view: View, args: Args) -> dict[str, object]:
    """`rules show [NAME]`: a profile whole; without a name the one in force."""
    return _named(reader, view, take(args, "name")).model_dump(mode="json", exclude_defaults=True, by_alias=True)


def _named(reader: Reader, view: View, name: str) -> Profile:
    book = Rulebook(reader, view.office)
    if not name:
        return book.profile(day_of(view.now_ms))
    short, _, version = name.partition("/")
    rows = [row for row in reader.rows(RulesRow) if row.name == short and version in ("", str(row.version))]
    if rows:
        own = [row for row in rows if row.office == view.office] or rows
        return Profile.decode(max(own, key=order).text.encode())
    profile = profiles.load_shipped(short)
    if version not in ("", str(profile.version)):
        raise InputError("没有这一版本", field="NAME", value=name, remedy="用 dulian rules list 查看")
    return profile


def check_text(_reader: Reader, _view: View, args: Args) -> dict[str, object]:
    """`rules check FILE`: everything wrong with a file, each with its key."""
    data = _data(args)
    problems = profiles.check_profile(data)
    return {"ok": not problems, "problems": [str(problem) for problem in problems]}


def publish_profile(office: Office, args: Args, caller: Caller) -> dict[str, object]:
    """`rules publish FILE`: sign the profile as a record for this office's line and everything below."""
    desk = office.desk
    shipped = take(args, "shipped")
    profile = _shipped(desk, shipped) if shipped else _newer(desk, _sound(_data(args)))
    payload = ProfilePayload(
        profile.id, profile.version, profile.valid_from_day, profile.encode().decode(), caller.name
    )
    record = desk.author.write(
        Kind.PROFILE, desk.author.office_line, payload, actor=caller.name, channel=caller.channel
    )
    return {
        "name": f"{profile.id}/{profile.version}", "title": profile.title, "record": record.record_id.hex(),
        "valid_from": profile.valid_from.isoformat(),
    }  # fmt: skip


def _versions(desk: Desk, name: str) -> dict[int, RulesRow]:
    """This office's published versions of a profile; another profile counts its own."""
    return {row.version: row for row in desk.store.rows(RulesRow, office=desk.identity.code) if row.name == name}


def _newer(desk: Desk, profile: Profile) -> Profile:
    newest = max(_versions(desk, profile.id), default=0)
    if profile.version <= newest:
        raise InputError(
            f"版本不高于已发布的 {profile.id} 第 {newest} 版（规则：每次发布版本递增）", field="version",
            value=profile.version, remedy=f"把文件里的 version 改为 {newest + 1} 或更高",
        )  # fmt: skip
    return profile


def _shipped(desk: Desk, name: str) -> Profile:
    """A shipped profile under the next version there is no record of: nobody can edit a file that is not there."""
    profile = profiles.load_shipped(name)
    known = _versions(desk, profile.id)
    version = max(profile.version, max(known, default=0) + 1)
    now = desk.rulebook.profile(day_of(desk.world.clock.now_ms()))
    if known and now.renumbered(version).encode() == profile.renumbered(version).encode():
        raise InputError(
            f"这份档案已经发布并在施行：{now.id}/{now.version}（规则：不重复发布）", field="--shipped", value=name,
            remedy="不必重新发布；要改动的，写成文件发布",
        )  # fmt: skip
    return profile.renumbered(version)


def _sound(data: bytes) -> Profile:
    """The profile of a file; InputError with what is wrong first, how much else, and how to see all of it."""
    problems = profiles.check_profile(data)
    if not problems:
        return profiles.read_profile(data)
    first = problems[0]
    more = f"（共 {len(problems)} 个问题，这是第一个）" if len(problems) > 1 else ""
    remedy = "；".join(text for text in (first.remedy, "全部问题见 dulian rules check FILE") if text)
    raise InputError(f"{first.text}{more}", code=first.code, field=first.field, value=first.value, remedy=remedy)


def explain_item(reader: Reader, view: View, args: Args) -> dict[str, object]:
    """`rules explain ITEM`: why this due date, step by step, with the sentence of the document; and what changed it."""
    row = find_item(reader, view.office, take(args, "item"))
    state = state_of(reader, row.item_id)
    opening, terms = state.opening, _terms(state)
    lines: list[str] = []
    if opening is None:
        lines.append("事项内容已清除，只知道时限本身。")
    elif opening.rule:
        lines += _by_rule(reader, view, opening.rule, terms, row.issuer, opening.due_day)
    elif opening.due_day:
        lines.append(f"交办时写明的办结时限：{day_text(opening.due_day)}。")
        if opening.limit_text:
            lines.append(f"时限依据：“{opening.limit_text}”")
    else:
        lines.append("没有办结时限。")
    kinds = {record_id: kind for kind, record_id in _kinds(reader, state)}
    lines += [
        f"{label_of(kinds.get(record_id, 0))}后：{day_text(day)}。" for record_id, day in state.tracks.dues[1:]
    ]
    if state.due_day:
        lines.append(f"现行办结时限：{day_text(state.due_day)}。")
    lines += _inside(reader, view, state)
    return {
        "item": row.item_id.hex(), "number": row.number, "title": row.title, "rule": opening.rule if opening else "",
        "due": date_of(state.due_day).isoformat() if state.due_day else None, "provisional": provisional(row),
        "strength": terms.strength or None, "steps": lines,
    }  # fmt: skip


def _by_rule(reader: Reader, view: View, rule: str, terms: Terms, issuer: str, given_day: int) -> list[str]:
    """How the date that was given then came about, and what the calendar in force makes of it where that differs."""
    name, _, rule_id = rule.rpartition("/")
    profile = Rulebook(reader, view.office).named(name, issuer)
    if profile is None:
        return [f"依据 {rule}；本机没有这一版规则档案，看不到原文。"]
    now = explain.explain(profile, rule_id, terms.start_day, view.calendar)
    if now.due.day == given_day:
        return list(now.lines)
    later = f"按现行工作日历应为{day_text(now.due.day)}{'（暂定）' if now.due.provisional else ''}。"
    for first in sorted(view.calendar.years, reverse=True):
        # Years are only ever added: what was known then ended somewhere before this one.
        then = explain.explain(profile, rule_id, terms.start_day, _until(view.calendar, first))
        if then.due.day == given_day:
            return [*then.lines, later]
    return [*now.lines[:-1], f"当时推算的办结时限：{day_text(given_day)}。", later]


def _until(calendar: Calendar, first: int) -> Calendar:
    """The calendar without this year and what comes after it."""
    off, on = (frozenset(day for day in days if date_of(day).year < first) for days in (calendar.off, calendar.on))
    return Calendar(calendar.version, frozenset(year for year in calendar.years if year < first), off, on)


def _inside(reader: Reader, view: View, state: ItemState) -> list[str]:
    """Where a unit of the receiving office was given a date by a rule (R51): the same steps, from that day on."""
    from node.services.board.project import read_facts  # noqa: PLC0415 - only for this page

    lines = []
    for fact in read_facts(reader, [state.item_id]).get(state.item_id, []):
        act = fact.payload
        if fact.kind == Kind.HANDLE and isinstance(act, Act) and act.track is not None and act.track.rule:
            given = Terms(start_day=day_of(fact.claimed_ms))
            lines.append(f"{act.unit or '承办人员'}的内部时限 {day_text(act.due_day)}：")
            lines += _by_rule(reader, view, act.track.rule, given, fact.author, act.due_day)
    return lines


def _kinds(reader: Reader, state: ItemState) -> list[tuple[int, bytes]]:
    from node.services.board.project import read_facts  # noqa: PLC0415 - only for this page

    return [(fact.kind, fact.reissue_of or fact.record_id) for fact in
            read_facts(reader, [state.item_id]).get(state.item_id, [])]  # fmt: skip


def _terms(state: ItemState) -> Terms:
    opening = state.opening
    return opening.terms if opening is not None and opening.terms is not None else Terms()


def show_calendar(reader: Reader, view: View, args: Args) -> dict[str, object]:
    """`calendar show [--year Y]`: where the calendar comes from, its years, and a year's days that differ."""
    calendar = view.calendar
    rows = reader.rows(CalendarRow)
    newest = max(rows, key=lambda row: row.version, default=None)
    year = args.get("year")
    wanted = int(year) if isinstance(year, int) else date_of(day_of(view.now_ms)).year
    return {
        "version": calendar.version, "source": newest.source if newest is not None else "",
        "years": sorted(calendar.years), "year": wanted, "provisional": wanted not in calendar.years,
        "holidays": _days_in(calendar.off, wanted), "working_weekends": _days_in(calendar.on, wanted),
    }  # fmt: skip


def _days_in(days: frozenset[int], year: int) -> list[str]:
    return [date_of(day).isoformat() for day in sorted(days) if date_of(day).year == year]


def publish_calendar(office: Office, args: Args, caller: Caller) -> dict[str, object]:
    """`calendar import [FILE]`: the top office publishes the yearly notice, or without a file the library's years."""
    desk = office.desk
    if desk.identity.path != (desk.identity.code,):
        raise ForbiddenError("工作日历只由最上级单位发布（规则：一网一历）", remedy=f"请 {desk.identity.path[0]} 发布")
    old = desk.rulebook.calendar()
    new = calendars.read_notice(_data(args), old) if args.get("file_base64") else _seeded(old)
    moved = old.off | old.on | new.off | new.on
    changed = differences(old, new, range(min(moved), max(moved) + 1)) if moved else ()
    shown = changed[-_DIFFERENCES_SHOWN:]
    answer: dict[str, object] = {
        "version": new.version, "years": sorted(new.years), "changed_count": len(changed),
        "changed": [date_of(day).isoformat() for day in shown],
        "changed_to": ["班" if new.is_working_day(day) else "休" for day in shown], "record": None,
    }  # fmt: skip
    if not args.get("dry_run"):
        answer["record"] = write_calendar(desk, new, take(args, "source") or "国务院办公厅节假日安排", caller)
    return answer


def _seeded(old: Calendar) -> Calendar:
    seed = calendars.seed_calendar()
    if old.years >= seed.years:
        raise InputError("程序自带的日历没有更新的年份", field="FILE", remedy="写明国务院办公厅通知的表格文件")
    keep = {name: {day for day in getattr(old, name) if date_of(day).year not in seed.years} for name in ("off", "on")}
    return Calendar(old.version + 1, old.years | seed.years, seed.off | keep["off"], seed.on | keep["on"])


def write_calendar(desk: Desk, calendar: Calendar, source: str, caller: Caller) -> str:
    """Sign a calendar for everybody below; returns the record's id in hex."""
    line = Line((desk.identity.code,), subtree=True)
    payload = CalendarPayload(calendar.version, calendar.encode(), source, caller.name)
    record = desk.author.write(Kind.CALENDAR, line, payload, actor=caller.name, channel=caller.channel)
    return record.record_id.hex()


def moved_dues(reader: Reader, office: str, calendar: Calendar) -> list[Moved]:
    """Open provisional tasks this office issued whose due date the calendar in force counts otherwise."""
    book = Rulebook(reader, office)
    found = []
    for row in reader.board_query(BoardQuery(office=office, subject="-", limit=2**31 - 1)):
        if row.issuer != office or row.state in DONE or not row.flags & COUNTED_PROVISIONALLY:
            continue
        state = state_of(reader, row.item_id)
        terms = _terms(state)
        if state.opening is None or not state.opening.rule or len(state.tracks.dues) != 1:
            continue
        name, _, rule_id = state.opening.rule.rpartition("/")
        profile = book.named(name, office)
        if profile is None:
            continue
        new = explain.due(profile, rule_id, terms.start_day, calendar)
        if new.day != state.due_day:
            found.append(Moved(row.item_id, row.number, row.title, state.opening.rule, state.due_day, new.day))
    return found


def calendar_differences(reader: Reader, view: View, _args: Args) -> list[dict[str, object]]:
    """`calendar differences`: due dates to be changed (变更) because the calendar has come."""
    return [
        {
            "item": moved.item_id.hex(), "number": moved.number, "title": moved.title, "rule": moved.rule,
            "due": date_of(moved.due_day).isoformat(), "new_due": date_of(moved.new_day).isoformat(),
        }
        for moved in moved_dues(reader, view.office, view.calendar)
    ]  # fmt: skip


def propose_changes(desk: Desk) -> int:
    """When a calendar has come: propose a 变更 for every due date it moves; a person issues it."""
    today = day_of(desk.world.clock.now_ms())
    rows = []
    for moved in moved_dues(desk.store, desk.identity.code, desk.rulebook.calendar()):
        text = f"{moved.number} {moved.title}：办结时限应由 {day_text(moved.due_day)} 改为 {day_text(moved.new_day)}"
        rows.append(Proposal(
            "calendar", moved.item_id, today, date_of(moved.new_day).isoformat(), text,
            f"工作日历第 {desk.rulebook.calendar().version} 版；规则 {moved.rule}", "", 0,
        ))  # fmt: skip
    desk.store.put(rows)
    return len(rows)


def _data(args: Mapping[str, object]) -> bytes:
    """A file the command line sent along in the arguments."""
    try:
        return base64.b64decode(take(args, "file_base64"), validate=True)
    except binascii.Error as error:
        raise InputError("文件传送有误", field="FILE", remedy="重试") from error




COMMANDS: Mapping[str, Command] = {"rules.publish": publish_profile, "calendar.import": publish_calendar}
QUESTIONS: Mapping[str, Question] = {
    "rules.list": list_profiles, "rules.show": show_profile, "rules.check": check_text, "rules.explain": explain_item,
    "calendar.show": show_calendar, "calendar.differences": calendar_differences,
}  # fmt: skip
