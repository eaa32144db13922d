"""Days and figures as the tests of the rules write them."""

from __future__ import annotations

from datetime import date
from functools import cache

from node.documents.calendars import seed_calendar
from node.documents.profiles import load_shipped
from node.rules.calendar import Calendar, date_of, day_number
from node.rules.explain import due
from node.rules.profile import Profile


def d(text: str) -> int:
    """``2026-10-09`` as a day number."""
    return day_number(date.fromisoformat(text))


def iso(day: int) -> str:
    return date_of(day).isoformat()


@cache
def official() -> Calendar:
    return seed_calendar()


@cache
def shipped(name: str) -> Profile:
    return load_shipped(name)


def due_iso(profile: Profile, rule: str, start: str) -> str:
    """The due date by the official calendar, which knows 2026."""
    return iso(due(profile, rule, d(start), official()).day)


def figures(profile: Profile) -> dict[str, str]:
    """Every rule of the profile's own document with its figure, as people write it."""
    found = {}
    for rule in profile.rules:
        if rule.seed != profile.id[-3:]:
            continue
        if rule.period is not None:
            text = str(rule.period.value)
        elif rule.cadence is not None:
            text = str(rule.cadence.value)
        else:
            text = "、".join(rule.fixed) or "交办时写明"
        found[rule.id] = f"{rule.start} {text} {rule.strength}" + (" 本地默认" if rule.local_default else "")
    return found


def steps(profile: Profile, chain: str) -> list[str]:
    """A chain as ``verb: role + role`` in order; ``/`` where one of them is enough."""
    return [f"{step.verb}：{('/' if step.any_one else '+').join(step.roles)}" for step in profile.chain(chain).steps]
