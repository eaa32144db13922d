"""The figures of `statistics`, from what the board says of each item: pure, and each defined here and nowhere else.

Rules of this file (docs/statistics.md says the same for people):

1. Counted are items that were not 撤销, 不予立项, 并案 or exempted; approval cases never are.
2. 办结日 is the day of the last 办结报告; where none was handed in, the day the item was closed.
3. A rate carries numerator and denominator; without a denominator there is no rate, never 0 %.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from node.items.lifecycle import CANCELLED, DECLINED, DONE, MERGED, REFUSED
from node.items.lights import NOT_BINDING
from node.rules.calendar import Calendar
from node.rules.words import COLOURS
from node.storage.rows import EXEMPT

NOT_COUNTED = frozenset({CANCELLED, DECLINED, MERGED})
FIELDS = (
    "issuer", "receiver", "unit", "source", "leader", "kind", "state", "flags", "strength", "opened_day", "due_day",
    "delivered_day", "signed_day", "submitted_day", "finished_day", "submissions", "returns", "grants", "slips",
)  # fmt: skip


class Case(NamedTuple):
    """What the figures need of a board row; the fields are `FIELDS`, days since 1970-01-01, 0 = none."""

    issuer: str
    receiver: str
    unit: str
    source: str
    leader: str
    kind: str
    state: str
    flags: int
    strength: str
    opened_day: int
    due_day: int
    delivered_day: int
    signed_day: int
    submitted_day: int
    finished_day: int
    submissions: int
    returns: int
    grants: int
    slips: str


class Ground(NamedTuple):
    """What figures depend on besides the items: the day of asking, the calendar, when a delivery is to be signed."""

    today: int
    calendar: Calendar
    sign_by: Callable[[int], int]


class Tally:
    """Sums over some items."""

    __slots__ = (
        "days", "done", "done_on_time", "due", "extended", "items", "limited", "overdue", "returned", "signed_on_time",
        "slips", "submitted", "timed", "to_sign",
    )  # fmt: skip

    def __init__(self) -> None:
        """Nothing counted yet."""
        self.items = self.done = self.overdue = 0
        self.due = self.done_on_time = 0
        self.to_sign = self.signed_on_time = 0
        self.timed = self.days = 0
        self.limited = self.extended = 0
        self.submitted = self.returned = 0
        self.slips: dict[str, int] = {}

    def add(self, case: Case, ground: Ground) -> None:
        """Count one item that `counts`."""
        self.items += 1
        done = case.state in DONE
        self.done += done
        handed_in = handed_in_day(case)
        if case.due_day > 0 and case.strength not in NOT_BINDING:
            self.limited += 1
            self.extended += case.grants > 0
            late = handed_in > case.due_day if handed_in else ground.today > case.due_day
            self.overdue += late and not done
            # Owed is what is over, and what should be.
            if done or ground.today > case.due_day:
                self.due += 1
                self.done_on_time += bool(handed_in) and not late
        if done and handed_in:
            self.timed += 1
            self.days += max(ground.calendar.working_days_between(case.opened_day, handed_in), 0)
        self._sign(case, ground)
        if case.submissions:
            self.submitted += 1
            self.returned += case.returns > 0
        for colour in case.slips.split(",") if case.slips else ():
            self.slips[colour] = self.slips.get(colour, 0) + 1

    def _sign(self, case: Case, ground: Ground) -> None:
        if case.kind != "assignment" or (case.state == REFUSED and not case.signed_day):
            return
        start = case.delivered_day or (case.opened_day if case.signed_day else 0)
        if not start:
            return
        limit = ground.sign_by(start)
        if case.signed_day or ground.today > limit:
            self.to_sign += 1
            self.signed_on_time += 0 < case.signed_day <= limit

    def document(self) -> dict[str, object]:
        """The figures as JSON: counts, rates with numerator and denominator, 督办单 by colour."""
        return {
            "items": self.items, "done": self.done, "open": self.items - self.done, "overdue": self.overdue,
            "on_time": rate(self.done_on_time, self.due), "signing": rate(self.signed_on_time, self.to_sign),
            "days": mean(self.days, self.timed), "extension": rate(self.extended, self.limited),
            "return": rate(self.returned, self.submitted),
            "slips": {colour: self.slips[colour] for colour in (*COLOURS, *sorted(self.slips)) if colour in self.slips},
        }  # fmt: skip


def counts(case: Case) -> bool:
    """Whether an item is counted at all."""
    return case.state not in NOT_COUNTED and not case.flags & EXEMPT


def handed_in_day(case: Case) -> int:
    """办结日: of the last 办结报告, else of the closing; 0 while there is neither."""
    return case.submitted_day or (case.finished_day if case.state in DONE else 0)


def rate(numerator: int, denominator: int) -> dict[str, object]:
    """A share, as a value (None without a denominator) and as text with one decimal."""
    value = numerator / denominator if denominator else None
    text = f"{value:.1%}" if value is not None else "—"
    return {"value": value, "text": text, "numerator": numerator, "denominator": denominator}


def mean(total: int, count: int) -> dict[str, object]:
    """A mean number of working days."""
    value = total / count if count else None
    text = f"{value:.1f}" if value is not None else "—"
    return {"value": value, "text": text, "numerator": total, "denominator": count}


def tally(
    cases: Iterable[Case], ground: Ground, keys: Callable[[Case], Iterable[str]]
) -> tuple[Tally, Mapping[str, Tally]]:
    """All counted items together, and by every key an item has."""
    whole, groups = Tally(), dict[str, Tally]()
    for case in cases:
        if not counts(case):
            continue
        whole.add(case, ground)
        for key in keys(case):
            group = groups.get(key)
            if group is None:
                group = groups[key] = Tally()
            group.add(case, ground)
    return whole, groups
