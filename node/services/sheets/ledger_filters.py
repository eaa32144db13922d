"""Which items stand in a ledger 台账: its definition in the profile and what the person asks for, as a query."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from node.clock import day_of
from node.errors import InputError
from node.items.lifecycle import STATE_LABELS
from node.items.lights import SEVERITY, YELLOW_WORKING_DAYS, Light, day_number
from node.rules.calendar import Calendar
from node.rules.profile import Profile
from node.rules.values import Ledger, Source
from node.services.matters.desk import take
from node.services.routine.lines import on_line
from node.storage.rows import BoardQuery, LightQuery

PER_PAGE = 50
PER_PAGE_MAX = 500
_WARN_DAYS_MAX = 60
_YEARS = range(1970, 2101)


def light_query(light: Light, today: int, calendar: Calendar) -> LightQuery:
    """The rows with this light on ``today`` (days since 1970-01-01) by ``calendar``."""
    # The last day with so many working days in between is the eve of the next working day.
    eves, day = [], calendar.add_working_days(today, 1)
    for _ in range(_WARN_DAYS_MAX):
        day = calendar.add_working_days(day, 1)
        eves.append(day - 1)
    pairs = [(0, eves[YELLOW_WORKING_DAYS - 1]), *((days, eve) for days, eve in enumerate(eves, 1))]
    return LightQuery(light, today, tuple(pairs))


def query_of(
    profile: Profile, ledger: Ledger, office: str, calendar: Calendar, now_ms: int, args: Mapping[str, object]
) -> BoardQuery:
    """The query of a ledger: what ``office`` has to do, or the office asked for; approval cases are left out.

    Raises:
        InputError: an option is wrong.
    """
    state, light, year = take(args, "state"), take(args, "light"), _number(args, "year")
    if state and state not in STATE_LABELS:
        by_label = [word for word, label in STATE_LABELS.items() if label == state]
        if not by_label:
            raise InputError("没有这个状态", field="--state", value=state, remedy=f"可选：{'、'.join(STATE_LABELS)}")
        state = by_label[0]
    if light and light not in SEVERITY:
        raise InputError("没有这个灯", field="--light", value=light, remedy=f"可选：{'、'.join(SEVERITY)}")
    if year and year not in _YEARS:
        raise InputError("年份不对", field="--year", value=year, remedy="写四位年份，如 2026")
    asked: Light | None = next((one for one in SEVERITY if one == light), None)
    query = BoardQuery(
        state=state, receiver=take(args, "office") or office, unit=take(args, "unit"), leader=take(args, "leader"),
        text=take(args, "text"), subject="-", sources=_sources(profile, ledger),
        classes=tuple(word for one in ledger.filter.class_ for word in _class_words(profile, one)),
        opened_from=day_number(date(year, 1, 1)) if year else 0,
        opened_before=day_number(date(year + 1, 1, 1)) if year else 0,
        light=light_query(asked, day_number(day_of(now_ms)), calendar) if asked else None,
    )  # fmt: skip
    return on_line(profile, take(args, "line"), query)


def page_of(args: Mapping[str, object]) -> tuple[int, int]:
    """(rows to leave out, rows to show) of ``page`` and ``per``; InputError."""
    page, per = _number(args, "page") or 1, _number(args, "per") or PER_PAGE
    if page < 1:
        raise InputError("页码不对", field="--page", value=page, remedy="从 1 开始")
    if not 1 <= per <= PER_PAGE_MAX:
        raise InputError("每页行数不对", field="--per", value=per, remedy=f"1 至 {PER_PAGE_MAX}")
    return (page - 1) * per, per


def _number(args: Mapping[str, object], name: str) -> int:
    value = args.get(name)
    if value in (None, ""):
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError("须为整数", field=f"--{name}", value=value)
    return value


def _sources(profile: Profile, ledger: Ledger) -> tuple[str, ...]:
    """The sources a ledger takes, by id and by label: items carry what people wrote."""
    wanted = ledger.filter
    if not (wanted.source or wanted.origin or wanted.line):
        return ()
    found = [source for source in profile.sources if _takes(ledger, source)]
    words = [word for source in found for word in (source.id, source.label)]
    return tuple(dict.fromkeys([*words, *wanted.source])) or ("",)


def _takes(ledger: Ledger, source: Source) -> bool:
    wanted = ledger.filter
    fits = not wanted.source or source.id in wanted.source
    fits = fits and (not wanted.line or source.line in wanted.line)
    return fits and (not wanted.origin or not source.origin or bool(set(source.origin) & set(wanted.origin)))


def _class_words(profile: Profile, class_id: str) -> tuple[str, ...]:
    known = profile.class_of(class_id)
    return (class_id,) if known is None else (known.id, known.label)
