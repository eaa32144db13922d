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
from node.rules.words import COLOURS
from node.storage.rows import EXEMPT

NOT_COUNTED = frozenset({CANCELLED, DECLINED, MERGED})


class Case(NamedTuple):
    """What the figures need of a board row; the fields are `FIELDS`, days since 1970-01-01, 0 = none.

    The last three are only counted by (`MORE`), and left out where they are not.
    """

    receiver: str
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
    unit: str = ""
    source: str = ""
    leader: str = ""


FIELDS = Case._fields
MORE = ("unit", "source", "leader")


class Ground(NamedTuple):
    """What figures depend on besides the items: the day of asking, the working days after one day up to another, and
    the last day to sign for what was delivered on a day.
    """

    today: int
    days: Callable[[int, int], int]
    sign_by: Callable[[int], int]


class Sums(NamedTuple):
    """What is counted, each as numerators and denominators need it."""

    items: int = 0
    done: int = 0
    overdue: int = 0
    due: int = 0
    done_on_time: int = 0
    to_sign: int = 0
    signed_on_time: int = 0
    timed: int = 0
    days: int = 0
    limited: int = 0
    extended: int = 0
    submitted: int = 0
    returned: int = 0


def weigh(case: Case, ground: Ground) -> Sums:
    """One item that `counts`, as sums."""
    # Taken apart once: figures over a province weigh a hundred thousand.
    _, _, state, _, strength, opened, due_day, _, _, submitted_day, finished, submissions, returns, grants, *_ = case
    done = state in DONE
    handed_in = submitted_day or (finished if done else 0)  # `handed_in_day`
    limited = due_day > 0 and strength not in NOT_BINDING
    late = limited and (handed_in or ground.today) > due_day
    # Owed is what is over, and what should be.
    due = limited and (done or ground.today > due_day)
    timed = done and handed_in != 0
    to_sign, signed = _sign(case, ground)
    submitted = submissions != 0
    return Sums(
        1, done, late and not done, due, due and handed_in != 0 and not late, to_sign, signed, timed,
        max(ground.days(opened, handed_in), 0) if timed else 0, limited, limited and grants > 0,
        submitted, submitted and returns > 0,
    )  # fmt: skip


def _sign(case: Case, ground: Ground) -> tuple[bool, bool]:
    """Whether it is to be signed by now, or is; and whether that was in time."""
    signed = case.signed_day
    if case.kind != "assignment" or (case.state == REFUSED and not signed):
        return False, False
    start = case.delivered_day or (case.opened_day if signed else 0)
    if not start:
        return False, False
    limit = ground.sign_by(start)
    return bool(signed) or ground.today > limit, 0 < signed <= limit


class Tally:
    """Sums over some items, and their 督办单 by colour."""

    __slots__ = ("slips", "sums")

    def __init__(self) -> None:
        """Nothing counted yet."""
        self.sums = Sums()
        self.slips: dict[str, int] = {}

    def add(self, weighed: Iterable[Sums], slips: Mapping[str, int]) -> None:
        """Count what was weighed, and 督办单 by colour."""
        self.sums = Sums(*map(sum, zip(self.sums, *weighed, strict=True)))
        for colour, count in slips.items():
            self.slips[colour] = self.slips.get(colour, 0) + count

    def document(self) -> dict[str, object]:
        """The figures as JSON: counts, rates with numerator and denominator, 督办单 by colour."""
        sums = self.sums
        return {
            "items": sums.items, "done": sums.done, "open": sums.items - sums.done, "overdue": sums.overdue,
            "on_time": rate(sums.done_on_time, sums.due), "signing": rate(sums.signed_on_time, sums.to_sign),
            "days": mean(sums.days, sums.timed), "extension": rate(sums.extended, sums.limited),
            "return": rate(sums.returned, sums.submitted),
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
    cases: Iterable[Case], ground: Ground, keys: Callable[[Case], tuple[str, ...]]
) -> tuple[Tally, Mapping[str, Tally]]:
    """All counted items together, and by every key an item has: each is weighed once, whatever it is counted by."""
    cells: dict[tuple[str, ...], tuple[list[Sums], dict[str, int]]] = {}
    for case in cases:
        if not counts(case):
            continue
        cell = keys(case)
        held = cells.get(cell)
        if held is None:
            held = cells[cell] = ([], {})
        held[0].append(weigh(case, ground))
        for colour in case.slips.split(",") if case.slips else ():
            held[1][colour] = held[1].get(colour, 0) + 1
    whole, groups = Tally(), dict[str, Tally]()
    for cell, (weighed, slips) in cells.items():
        part = Tally()
        part.add(weighed, slips)
        for one in (whole, *(groups.setdefault(key, Tally()) for key in cell)):
            one.add([part.sums], part.slips)
    return whole, groups
