"""`statistics` 统计 and `screen` 大屏: figures over the items of the subtree, by level, office, unit, source …

What each figure means stands in `statistics_tally` and docs/statistics.md; here is only over which items and by what.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache, partial
from typing import NamedTuple

from node.clock import day_of
from node.errors import InputError
from node.items.lights import day_number
from node.records.line import level_of
from node.rules.calendar import Calendar, date_of
from node.rules.period import Period, due_after
from node.rules.words import COLOURS
from node.services.matters.desk import take
from node.services.matters.rulebook import Rulebook
from node.services.sheets.ledger_filters import light_query
from node.services.verbs import Question
from node.services.views.browse import View, light_of, moment
from node.services.views.pages import narrowed
from node.services.views.statistics_tally import FIELDS, MORE, Case, Ground, Tally, tally
from node.storage.port import BoardQuery, Reader

Document = dict[str, object]
BY: Mapping[str, str] = {
    "office": "承办单位", "level": "层级", "unit": "内设机构", "source": "事项来源", "leader": "牵头领导",
    "month": "月份", "quarter": "季度", "year": "年度",
}  # fmt: skip
FIGURES: Mapping[str, str] = {
    "items": "任务数", "done": "已办结", "open": "在办", "overdue": "逾期未办结", "on_time": "按时办结率",
    "signing": "签收及时率", "days": "平均办理工作日", "extension": "延期率", "return": "退回率", "slips": "督办单",
}  # fmt: skip
LEVELS: Mapping[str, str] = {
    "nation": "国家", "province": "省级", "prefecture": "市级", "county": "县级", "township": "乡级", "unit": "单位",
}  # fmt: skip
_KINDS: Mapping[str, str] = {"assignment": "交办任务", "registered": "自立事项"}
GROUPS_MAX = 1_000
_PERIOD = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?")
_EVERY = 2**31 - 1
_SIGN_PERIOD = Period(1, "工作日")  # 本地默认, as reminders have it
_SCREEN_OFFICES = 14
_MONTH = "month "  # before a month among the keys of offices
_NONE = "（未写明）"
_FROM_ABOVE = frozenset({"leader", "source"})  # what the item a task serves says for it
_DEPTH = 12  # of tasks issued under tasks


class Span(NamedTuple):
    """A year, quarter or month: its first day and the first day after it (0, 0 = all times)."""

    text: str
    first: int
    after: int


def span_of(text: str, today: int) -> Span:
    """``2026``, ``2026-Q3``, ``2026-09``, ``all``; nothing means the year of ``today``. InputError."""
    if text in ("all", "全部"):
        return Span("all", 0, 0)
    said = text or str(date_of(today).year)
    found = _PERIOD.fullmatch(said)
    if found is None or not 1970 <= int(found[1]) <= 2100:
        raise InputError("时段写法不对", field="--period", value=text, remedy="写成 2026、2026-Q3、2026-09 或 all")
    year = int(found[1])
    month, months = 1, 12
    if found[2]:
        month, months = int(found[2]) * 3 - 2, 3
    elif found[3]:
        month, months = int(found[3]), 1
    next_year, next_month = divmod(year * 12 + month - 1 + months, 12)
    return Span(said, day_number(date(year, month, 1)), day_number(date(next_year, next_month + 1, 1)))


def statistics(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """The figures of one period (by the day of 交办), in all and by one division."""
    by, kind = _choice("by", take(args, "by") or "office", BY), _choice("kind", take(args, "kind"), _KINDS)
    today = day_number(day_of(view.now_ms))
    span = span_of(take(args, "period"), today)
    whole, groups = figures(
        reader, view, span, _keys(by, view.office), kind=kind, office=take(args, "office"),
        inherit=by if by in _FROM_ABOVE else "", more=by in MORE,
    )  # fmt: skip
    names = sorted(groups)
    return {
        "by": by, "by_label": BY[by], "kind": kind, "kind_label": _KINDS[kind], "period": span.text,
        "from": date_of(span.first).isoformat() if span.after else None,
        "to": date_of(span.after - 1).isoformat() if span.after else None, "asked_at": moment(view.now_ms),
        "figures": [{"key": key, "label": label} for key, label in FIGURES.items()],
        "colours": [{"key": key, "label": label} for key, label in COLOURS.items()],
        "total": whole.document(),
        "groups": [
            {"key": name, "label": _label(view, by, name)} | groups[name].document() for name in names[:GROUPS_MAX]
        ],
        "more": len(names) > GROUPS_MAX,
    }  # fmt: skip


def figures(
    reader: Reader, view: View, span: Span, keys: Callable[[Case], tuple[str, ...]], *, kind: str = "assignment",
    office: str = "", inherit: str = "", more: bool = False,
) -> tuple[Tally, Mapping[str, Tally]]:
    """The sums over what the caller may see; ``inherit``: what a task is silent about is that of the item it serves.

    ``more``: the keys also go by what only a few divisions are made by (`MORE`).
    """
    query = narrowed(reader, view, BoardQuery(
        subject="-", kind=kind, receiver=office, opened_from=span.first, opened_before=span.after, limit=_EVERY,
    ))  # fmt: skip
    if query is None:
        return tally((), ground_of(reader, view), keys)
    if not more:
        plain = reader.board_columns(query, FIELDS[:-len(MORE)])
        return tally(itertools.starmap(Case, plain), ground_of(reader, view), keys)
    rows = reader.board_columns(query, (*FIELDS, "item_id"))
    cases: Iterable[Case] = (Case._make(row[:-1]) for row in rows)
    if inherit and rows:
        origin = _origin(reader, view, inherit)
        said = [(Case._make(row[:-1]), origin(row[-1])) for row in rows]
        cases = [one._replace(source=text) if inherit == "source" else one._replace(leader=text) for one, text in said]
    return tally(cases, ground_of(reader, view), keys)


def _origin(reader: Reader, view: View, name: str) -> Callable[[bytes], str]:
    """What an item says of this, else the nearest item above it that does: a task names no leader of its own."""
    query = narrowed(reader, view, BoardQuery(subject="-", limit=_EVERY))
    rows = reader.board_columns(query, ("item_id", "parent", name)) if query is not None else []
    above = {item: (parent, said) for item, parent, said in rows}

    def said_of(item: bytes) -> str:
        for _ in range(_DEPTH):
            parent, said = above.get(item, (b"", ""))
            if said or not parent:
                return str(said)
            item = parent
        return ""

    return said_of


def ground_of(reader: Reader, view: View) -> Ground:
    """The day of asking, the calendar, and the limit of 签收 by the profile in force (1 working day without one)."""
    today = day_number(day_of(view.now_ms))
    signing = Rulebook(reader, view.office).profile(today).signing
    period = signing.value if signing is not None else _SIGN_PERIOD
    until = lru_cache(maxsize=65_536)(partial(view.calendar.working_days_between, today))  # days are few, pairs many
    return Ground(today, lambda day, last: until(last) - until(day), _sign_by(period, view.calendar))


def _sign_by(period: Period, calendar: Calendar) -> Callable[[int], int]:
    return lru_cache(maxsize=4_096)(lambda day: due_after(day, period, calendar).day)


def _keys(by: str, me: str) -> Callable[[Case], tuple[str, ...]]:
    """By what an item is counted; an item in the hands of two units counts for each."""
    return {
        "office": lambda case: (case.receiver,),
        "level": lambda case: (level_of(case.receiver),),
        "unit": lambda case: tuple(case.unit.split("、")) if case.unit and case.receiver == me else (),
        "source": lambda case: (case.source or _NONE,),
        "leader": lambda case: (case.leader or _NONE,),
        "month": lambda case: (_month(case.opened_day),),
        "quarter": lambda case: (f"{_month(case.opened_day)[:4]}-Q{(int(_month(case.opened_day)[5:]) + 2) // 3}",),
        "year": lambda case: (_month(case.opened_day)[:4],),
    }[by]


@lru_cache(maxsize=8_192)  # a memo of a pure function
def _month(day: int) -> str:
    last = day_number(date(2100, 12, 31))
    return date_of(min(max(day, 0), last)).isoformat()[:7]


def _label(view: View, by: str, key: str) -> str:
    return view.name_of(key) if by == "office" else LEVELS.get(key, key) if by == "level" else key


def _choice(name: str, value: str, known: Mapping[str, str]) -> str:
    if not value:
        return next(iter(known))
    found = [word for word, label in known.items() if value in (word, label)]
    if not found:
        offered = "、".join(f"{word}（{label}）" for word, label in known.items())
        raise InputError("没有这个选项", field=f"--{name}", value=value, remedy=f"可选：{offered}")
    return found[0]


# -- 大屏 ----------------------------------------------------------------------------------------------------------


def screen(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """`screen`: the few figures of a wall screen, of this year, and the offices with most overdue tasks."""
    today = day_number(day_of(view.now_ms))
    span = span_of(take(args, "period"), today)
    whole, groups = figures(reader, view, span, lambda case: (case.receiver, f"{_MONTH}{_month(case.opened_day)}"))
    months = {key.removeprefix(_MONTH): one for key, one in groups.items() if key.startswith(_MONTH)}
    offices = {key: one for key, one in groups.items() if not key.startswith(_MONTH)}
    own, _ = figures(reader, view, span, lambda _case: (), kind="registered")
    worst = sorted(offices.items(), key=lambda pair: (-pair[1].sums.overdue, -pair[1].sums.items, pair[0]))
    lights: Document = {}
    for light in ("green", "yellow", "red", "none"):
        query = BoardQuery(subject="-", kind="assignment", open=True, light=light_query(light, today, view.calendar))
        seen = narrowed(reader, view, query)
        lights[light] = reader.board_total(seen).rows if seen is not None else 0
    return {
        "office": view.office, "name": view.name_of(view.office), "asked_at": moment(view.now_ms),
        "period": span.text, "total": whole.document(), "own": own.document(), "lights": lights,
        "colours": [{"key": key, "label": label} for key, label in COLOURS.items()],
        "offices": [
            {"key": code, "label": view.name_of(code)} | found.document() for code, found in worst[:_SCREEN_OFFICES]
        ],
        "months": [{"key": month, "label": month} | months[month].document() for month in sorted(months)],
        "nodes": _nodes(view),
        "latest": _latest(reader, view),
    }  # fmt: skip


def _nodes(view: View) -> Document:
    """Offices below, and how many of their data are fresh (I8)."""
    offices = view.keyring.offices().values() if view.keyring is not None else ()
    below = [key.code for key in offices if view.office in key.path[:-1]]
    fresh = sum(view.now_ms - view.as_of_ms(code) <= view.fresh_ms for code in below)
    return {"total": len(below), "fresh": fresh, "stale": len(below) - fresh}


def _latest(reader: Reader, view: View) -> list[Document]:
    query = narrowed(reader, view, BoardQuery(subject="-", sort="updated_ms", descending=True, limit=8))
    rows = reader.board_query(query) if query is not None else []
    return [
        {"id": row.item_id.hex(), "number": row.number, "title": row.title, "receiver_name": view.name_of(row.receiver),
         "state": row.state, "light": light_of(view, row), "updated_at": moment(row.updated_ms)}
        for row in rows
    ]  # fmt: skip


QUESTIONS: Mapping[str, Question] = {"statistics": statistics, "screen": screen}
