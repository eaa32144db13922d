"""全流程视图: items in hand × offices below as a heat table, and the same items over time (issue 5, R12, R87, I8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from starlette.responses import Response

from node.clock import day_of
from node.errors import InputError, NotFoundError
from node.items.lifecycle import STATE_LABELS
from node.web.page import Page
from node.web.pages.offices import names_of
from node.web.request import WebRequest
from node.web.wording import text_of

Document = dict[str, Any]
FILTERS = ("text", "state", "light", "kind", "unit", "source", "class", "leader", "due_from", "due_to", "mine", "open",
           "overdue", "sort")  # fmt: skip
# Those that stand behind 更多条件.
RARE = ("kind", "unit", "source", "class", "leader", "due_from", "due_to", "mine")
TASKS_SHOWN = 30  # bars of one item; its page has all
_WIDTH = 1_000  # of a bar's picture, in its own units
_MARGIN_DAYS = 3
_DAYS_MAX = 3_660  # a day far off would make everything else a dot
_TICKS_MAX = 9


async def heat(request: WebRequest) -> Response:
    """The heat table; ``at`` looks from a lower office."""
    query = request.query(*FILTERS, "at", "page")
    found, wrong = await _asked(request, "overview", query)
    names: dict[str, str] = {}
    if found is not None:
        known = [{"receiver": one["office"], "receiver_name": one["name"]} for one in found["columns"]]
        names = await names_of(request, [*known, {"receiver": found["at"], "receiver_name": found["at_name"]}])
    return _page(request, "overview/heat.html", query, found, wrong, names)


async def gantt(request: WebRequest) -> Response:
    """The same items as bars over time, each with its days as text."""
    query = request.query(*FILTERS, "page")
    found, wrong = await _asked(request, "gantt", query)
    names: dict[str, str] = {}
    scale: Scale | None = None
    if found is not None:
        bars = [bar for row in found["rows"] for bar in (row, *row["tasks"])]
        names = await names_of(request, [{"receiver": one["office"], "receiver_name": one["office_name"]}
                                         for one in bars])  # fmt: skip
        today = day_of(request.gateway.now_ms())
        scale = scale_of(bars, today)
        for row in found["rows"]:
            row["picture"] = picture_of(row, scale, row["milestones"])
            row["tasks_more"] = max(len(row["tasks"]) - TASKS_SHOWN, 0)
            row["tasks"] = row["tasks"][:TASKS_SHOWN]
            for task in row["tasks"]:
                task["picture"] = picture_of(task, scale, ())
    return _page(request, "overview/gantt.html", query, found, wrong, names, scale=scale)


async def _asked(request: WebRequest, verb: str, query: Mapping[str, str]) -> tuple[Document | None, str]:
    """The answer, or what is wrong with the filters."""
    try:
        return await request.ask(verb, **query), ""
    except NotFoundError:
        raise
    except InputError as error:
        return None, text_of(error)


def _page(
    request: WebRequest, template: str, query: Mapping[str, str], found: Document | None, wrong: str,
    names: Mapping[str, str], **rest: object,
) -> Response:  # fmt: skip
    asked = {name: value for name, value in query.items() if value and name != "page"}
    shared = {name: value for name, value in asked.items() if name != "at"}
    return request.render(
        template, 200 if found is not None else 422, found=found, query=query, asked=asked, shared=shared, wrong=wrong,
        states=STATE_LABELS, names=names, rare=any(query[one] for one in RARE), **rest,
    )  # fmt: skip


# -- bars over time ---------------------------------------------------------------------------------------------------


class Scale(NamedTuple):
    """From days to places: the first day, how many days, today, and the months to mark (place, word)."""

    first: int
    days: int
    today: float
    ticks: tuple[tuple[float, str], ...]

    def at(self, text: str | None) -> float | None:
        """The place of a day (ISO), within the picture; None for no day."""
        return None if not text else self.place(date.fromisoformat(text).toordinal())

    def place(self, day: int) -> float:
        """The place of a day, by its number."""
        return round(min(max(day - self.first, 0), self.days) * _WIDTH / self.days, 1)


def scale_of(bars: Sequence[Document], today: date) -> Scale:
    """A scale on which all days of these bars, and today, have their place."""
    now = today.toordinal()
    known = [day for bar in bars for day in _days(bar) if abs(day - now) <= _DAYS_MAX]
    first, last = min([now, *known]) - _MARGIN_DAYS, max([now, *known]) + _MARGIN_DAYS
    scale = Scale(first, last - first, 0, ())
    months = list(_months(first, last))
    step = max(-(-len(months) // _TICKS_MAX), 1)
    ticks = tuple((scale.place(day), word) for day, word in months[::step])
    return scale._replace(today=scale.place(now), ticks=ticks)


def _days(bar: Document) -> Iterator[int]:
    steps = [one for step in bar.get("milestones", ()) for one in (step["due"], step["done"])]
    for text in (bar["opened"], bar["first_due"], bar["due"], bar["submitted"], bar["closed"], *steps):
        if text:
            yield date.fromisoformat(text).toordinal()


def _months(first: int, last: int) -> Iterator[tuple[int, str]]:
    """The first days of the months in between, each with its word."""
    day = date.fromordinal(first)
    year, month = day.year, day.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        start = date(year, month, 1).toordinal()
        if start > last:
            return
        yield start, f"{year}-{month:02}"


def picture_of(bar: Document, scale: Scale, steps: Sequence[Document]) -> Document:
    """Where on the picture the plan, what is done of it, what is late, and the marks stand."""
    ended = scale.at(bar["closed"] or bar["submitted"])
    end = scale.today if ended is None else ended
    start = scale.at(bar["opened"])
    start = end if start is None else start
    due = scale.at(bar["due"])
    until = max(end if due is None else due, start)
    first_due = scale.at(bar["first_due"]) if bar["first_due"] != bar["due"] else None
    return {
        "x": start, "w": max(round(until - start, 1), 4), "done": round((until - start) * bar["percent"] / 100, 1),
        "late": (due, round(end - due, 1)) if due is not None and end > due else None,
        "first_due": first_due, "signed": scale.at(bar["signed"]), "closed": scale.at(bar["closed"]),
        "steps": [(scale.at(one["due"]), bool(one["done"])) for one in steps if one["due"]],
    }  # fmt: skip


PAGES = (
    Page("/overview", heat, "overview", nav="全流程", order=40),
    Page("/overview/gantt", gantt, "gantt"),
)
