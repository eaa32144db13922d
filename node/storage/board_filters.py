"""Filters and order of a list of items, said in SQL.

Rules of this file:

1. Text is found by position, not LIKE: % and _ mean themselves, and upper and lower case differ alike on both engines.
2. A list of numbers travels as one value: a statement's text does not depend on how many there are.
3. A light is told from columns of the index alone; of open items it is said by the day it is due before, since that
   is what an index can be entered by.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, column, func, literal, literal_column, not_, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from node.errors import LocalError
from node.items.lifecycle import DONE, SUBMITTED
from node.items.lights import NOT_BINDING
from node.storage.rows import EXEMPT, HIDDEN, INNER, OPEN_STATES, PAPERS, SORTS, BoardQuery, LightQuery
from node.storage.tables import BOARD

Wanted = list[ColumnElement[bool]]
_EQUAL = (
    "state", "kind", "receiver", "issuer", "parent", "target", "item_class", "source", "colour", "extension", "leader",
    "plan_year",
)  # fmt: skip
_WAITING = tuple(state for state in OPEN_STATES if state not in ("", SUBMITTED))


def order_of(query: BoardQuery) -> list[ColumnElement[Any]]:
    """The order asked for; LocalError for a column that lists cannot be sorted by."""
    if query.sort not in SORTS:
        raise LocalError(f"列表不能按 {query.sort} 排序", code="bad_field")
    columns = [BOARD.c[name] for name in dict.fromkeys((query.sort, "item_no"))]
    return [one.desc() if query.descending else one.asc() for one in columns]


def alternatives(query: BoardQuery, dialect: str) -> list[Wanted]:
    """The rows wanted, as one or two lists of conditions: no row fits both, and each enters an index closely."""
    light = query.light
    if light is None or light.light not in ("red", "yellow") or not query.open or query.state or query.states:
        return [wanted_of(query, dialect)]
    # What is open has no other light than these by its limit: the same as `_lit`, said of one state or the others.
    columns, today = BOARD.c, light.today
    base = wanted_of(query._replace(light=None, open=False), dialect)
    base += [columns.flags.op("&")(EXEMPT) == 0, columns.due_day > 0]
    binding = columns.strength.notin_(sorted(NOT_BINDING))
    handed_in = columns.submitted_day > 0
    late = or_(and_(handed_in, columns.submitted_day > columns.due_day), and_(not_(handed_in), columns.due_day < today))
    if light.light == "red":
        submitted: Wanted = [late, binding]
        others: Wanted = [columns.due_day < today, binding]
    else:
        near = and_(columns.due_day >= today, columns.due_day <= _until(light))
        submitted = [or_(and_(late, not_(binding)), and_(not_(handed_in), near))]
        last = max([today, *(day + 1 for _, day in light.yellow_until)])
        others = [columns.due_day < last, or_(and_(columns.due_day < today, not_(binding)), near)]
    return [
        [columns.state == SUBMITTED, *base, *submitted],
        [columns.state.in_(_WAITING), *base, *others],
    ]


def wanted_of(query: BoardQuery, dialect: str) -> Wanted:
    """All filters as conditions."""
    columns = BOARD.c
    wanted: Wanted = []
    position = func.instr if dialect == "sqlite" else func.strpos
    if query.office:
        wanted.append(or_(columns.issuer == query.office, columns.receiver == query.office))
    if query.text:
        wanted.append(or_(position(columns.title, query.text) > 0, position(columns.number, query.text) > 0))
    if query.item_nos is not None:
        wanted.append(_one_of(columns.item_no, query.item_nos, dialect))
    wanted += _dates(query)
    if query.open:
        # SQLite takes thirteen states for fewer rows than some parents have, and reads all that is open: + forbids it.
        few = dialect == "sqlite" and (query.parent or query.parents)
        state = literal_column("+board.state", columns.state.type) if few else columns.state
        wanted += [state.in_(OPEN_STATES), columns.flags.op("&")(EXEMPT) == 0]
    joined = literal("、").concat(columns.unit).concat("、")
    for units in ((query.unit,) if query.unit else (), query.units):
        if units:
            wanted.append(or_(*(position(joined, f"、{unit}、") > 0 for unit in units)))
    if query.subject:
        wanted.append(
            columns.subject == "" if query.subject == "-" else columns.subject != "" if query.subject == "*"
            else columns.subject == query.subject
        )  # fmt: skip
    wanted += [columns[name] == getattr(query, name) for name in _EQUAL if getattr(query, name)]
    for name, values in (("source", query.sources), ("item_class", query.classes), ("parent", query.parents),
                         ("state", query.states)):  # fmt: skip
        if values:
            wanted.append(columns[name].in_(values))
    if query.work_line:
        on_line = columns.work_line == query.work_line
        opened = and_(columns.work_line == "", columns.source.in_(query.line_sources))
        wanted.append(or_(on_line, opened) if query.line_sources else on_line)
    if query.paper:
        by = PAPERS[query.paper]
        held = columns[by] if isinstance(by, str) else columns.flags.op("&")(by)
        # Said as the indexes of what holds any say it, or they would not be used.
        wanted.append(held != literal_column("''" if by in ("extension", "slips") else "0"))
    if query.announced:
        wanted.append(columns.flags.op("&")(HIDDEN) == 0)
        if query.subject != "-":
            wanted.append(columns.subject.notin_(INNER))
    if query.light is not None:
        wanted.append(_lit(query.light))
    return wanted


def _dates(query: BoardQuery) -> Wanted:
    columns = BOARD.c
    wanted: Wanted = []
    if query.due_before_day:
        wanted += [columns.due_day > 0, columns.due_day < query.due_before_day]
    if query.due_from_day:
        wanted.append(columns.due_day >= query.due_from_day)
    if query.no_due:
        wanted.append(columns.due_day == 0)
    if query.opened_from:
        wanted.append(columns.opened_day >= query.opened_from)
    if query.opened_before:
        wanted.append(columns.opened_day < query.opened_before)
    return wanted


def _one_of(number: ColumnElement[Any], numbers: tuple[int, ...], dialect: str) -> ColumnElement[bool]:
    if dialect == "sqlite":
        return number.in_(select(column("value")).select_from(func.json_each(json.dumps(numbers))))
    return number == func.any(literal(list(numbers), ARRAY(BigInteger)))


def _lit(query: LightQuery) -> ColumnElement[bool]:
    """Rows with this light: `items.lights.light` said in SQL; a test holds the two against each other."""
    columns, today = BOARD.c, query.today
    done = or_(columns.state.in_(sorted(DONE)), columns.flags.op("&")(EXEMPT) > 0)
    limited = and_(columns.state != "", columns.due_day > 0)
    if query.light in ("done", "none"):
        return done if query.light == "done" else and_(not_(done), not_(limited))
    handed_in = and_(columns.state == SUBMITTED, columns.submitted_day > 0)
    late = or_(and_(handed_in, columns.submitted_day > columns.due_day), and_(not_(handed_in), columns.due_day < today))
    binding = columns.strength.notin_(sorted(NOT_BINDING))
    if query.light == "red":
        return and_(not_(done), limited, late, binding)
    near = and_(not_(handed_in), columns.due_day >= today, columns.due_day <= _until(query))
    if query.light == "yellow":
        return and_(not_(done), limited, or_(and_(late, not_(binding)), near))
    return and_(not_(done), limited, not_(late), not_(near))


def _until(query: LightQuery) -> ColumnElement[int]:
    """The last yellow day by a row's days of warning: numbers alone, so it may be written as text, which costs less."""
    days = "".join(f" WHEN board.warn_days <= {int(most)} THEN {int(last)}" for most, last in query.yellow_until)
    return literal_column(f"CASE{days} ELSE {int(query.yellow_until[-1][1])} END", BigInteger)
