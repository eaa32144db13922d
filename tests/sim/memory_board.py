"""Which board rows a query means, said in plain Python: the model that the SQL is held against."""

from __future__ import annotations

from node.items.lifecycle import DONE
from node.items.lights import NOT_BINDING
from node.storage.rows import EXEMPT, HIDDEN, INNER, OPEN_STATES, PAPERS, BoardQuery, BoardRow, LightQuery


def matches(row: BoardRow, query: BoardQuery) -> bool:
    """Whether a board row passes all filters."""
    return (
        query.state in {"", row.state}
        and query.office in {"", row.issuer, row.receiver}
        and query.kind in {"", row.kind}
        and (query.text in row.title or query.text in row.number)
        and (not query.due_before_day or 0 < row.due_day < query.due_before_day)
        and (not query.subject or _is_subject(row.subject, query.subject))
        and query.opened_from <= row.opened_day < (query.opened_before or 2**31)
        and (not query.unit or query.unit in row.unit.split("、"))
        and (not query.sources or row.source in query.sources)
        and (not query.classes or row.item_class in query.classes)
        and (not query.parents or row.parent in query.parents)
        and (not query.due_from_day or row.due_day >= query.due_from_day)
        and (not query.no_due or not row.due_day)
        and (not query.open or (row.state in OPEN_STATES and not row.flags & EXEMPT))
        and (not query.units or bool(set(query.units) & set(row.unit.split("、"))))
        and (not query.states or row.state in query.states)
        and (query.item_nos is None or row.item_no in query.item_nos)
        and (not query.work_line or query.work_line == row.work_line
             or (not row.work_line and row.source in query.line_sources))
        and (not query.paper or _has_paper(row, PAPERS[query.paper]))
        and (not query.announced or not (row.flags & HIDDEN or row.subject in INNER))
        and (query.light is None or _light(row, query.light) == query.light.light)
        and all(getattr(query, name) in {type(getattr(query, name))(), getattr(row, name)} for name in _EQUAL)
    )


def _has_paper(row: BoardRow, by: str | int) -> bool:
    return bool(getattr(row, by) if isinstance(by, str) else row.flags & by)


_EQUAL = ("receiver", "issuer", "parent", "target", "item_class", "source", "colour", "extension", "leader",
          "plan_year")


def _light(row: BoardRow, query: LightQuery) -> str:
    """The light by days alone, as `LightQuery` describes it."""
    if row.state in DONE or row.flags & EXEMPT:
        return "done"
    if not row.state or row.due_day <= 0:
        return "none"
    late = "yellow" if row.strength in NOT_BINDING else "red"
    if row.state == "submitted" and row.submitted_day:
        return late if row.submitted_day > row.due_day else "green"
    if row.due_day < query.today:
        return late
    last = next((last for days, last in query.yellow_until if row.warn_days <= days), query.yellow_until[-1][1])
    return "yellow" if row.due_day <= last else "green"


def _is_subject(subject: str, wanted: str) -> bool:
    return not subject if wanted == "-" else bool(subject) if wanted == "*" else subject == wanted
