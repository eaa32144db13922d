"""台账: the six of R92, 综合台账, departments' and leaders' (R93), as the profile in force defines them, by pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from node.clock import day_of
from node.errors import InputError
from node.items.lights import day_number
from node.rules.profile import Profile
from node.rules.values import Ledger, TimeRule
from node.services.matters.desk import take
from node.services.matters.rulebook import Rulebook
from node.services.sheets.ledger_filters import page_of, query_of
from node.services.sheets.ledger_rows import COLUMNS, LedgerLine, columns_of, lines_of
from node.services.verbs import Command, Question
from node.services.views import known, pages
from node.services.views.browse import View, day_text, light_of, moment
from node.storage.port import BoardQuery, BoardTotal, Proposal, Reader

Document = dict[str, object]
_LOOK_BACK_DAYS = 400  # a year's round lies at most so far back


class Found(NamedTuple):
    """A ledger and one page of it."""

    ledger: Ledger
    columns: tuple[str, ...]
    lines: list[LedgerLine]
    total: int


def ledger_of(profile: Profile, word: str) -> Ledger:
    """The ledger of that id or title; the first one for no word; InputError."""
    found = [one for one in profile.ledgers if word in ("", one.id, one.title)]
    if not found:
        known = "、".join(f"{one.id}（{one.title}）" for one in profile.ledgers)
        raise InputError("没有这本台账", field="LEDGER", value=word, remedy=f"现行规则档案有：{known or '没有台账'}")
    return next((one for one in found if word or one.id == "all"), found[0])


def page(reader: Reader, view: View, args: Mapping[str, object]) -> Found:
    """One page of a ledger, by the profile and the calendar in force."""
    profile = _profile(reader, view)
    ledger = ledger_of(profile, take(args, "ledger"))
    offset, per = page_of(args)
    query = _asked(reader, view, query_of(profile, ledger, view.office, view.calendar, view.now_ms, args), args)
    if query is None:
        return Found(ledger, columns_of(ledger), [], 0)
    rows = pages.rows_of(reader, query, offset, per)
    # A page that is not full says the total itself.
    total = offset + len(rows) if rows and len(rows) < per else reader.board_total(query).rows
    return Found(ledger, columns_of(ledger), lines_of(reader, view, rows), total)


def _asked(reader: Reader, view: View, query: BoardQuery, args: Mapping[str, object]) -> BoardQuery | None:
    """The query within what the caller may see (W4), with ``words`` in its records and in the order of ``sort``.

    None: the caller sees nothing of it. InputError: no such order, nothing to search for.
    """
    asked = pages.normalise({"text": take(args, "words"), "sort": take(args, "sort")})
    seen = pages.narrowed(reader, view, query)
    if seen is None:
        return None
    if asked.get("text"):
        found = pages.search(reader, str(asked["text"]))
        seen = seen._replace(item_nos=tuple(pages.with_above(reader, found[-pages.FOUND_MAX :])))
    return pages.ordered(seen, str(asked.get("sort") or ""))


def show_ledger(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """`ledger show`: a page with every cell as text, and how many rows there are in all.

    With ``as_known_at`` the ledger of that moment; one page looks at so many items that are here today (责任倒查).
    """
    if take(args, "as_known_at"):
        for name in ("words", "sort"):
            if take(args, name):
                remedy = f"去掉 --{name}，或去掉 --as-known-at"
                raise InputError("当时所知的台账不能检索或排序", field=f"--{name}", value=args[name], remedy=remedy)
        return _show_at(reader, view, args)
    found = page(reader, view, args)
    offset, per = page_of(args)
    return _document(view, found) | {
        "page": offset // per + 1,
        "per": per,
        "pages": -(-found.total // per),
        "asked_at": moment(view.now_ms),
        "asked_ms": view.now_ms,
    }


def _document(view: View, found: Found) -> Document:
    return {
        "ledger": found.ledger.id, "title": found.ledger.title, "office": view.office, "total": found.total,
        "columns": [{"key": key, "name": COLUMNS[key]} for key in found.columns],
        "rows": [
            {
                "id": line.row.item_id.hex(), "digest": line.row.digest.hex(), "light": line.light,
                "cells": {key: line.cells[key] for key in found.columns},
            }
            for line in found.lines
        ],
    }  # fmt: skip


def _show_at(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    t_ms = known.moment_of(take(args, "as_known_at"), view.now_ms)
    then = known.view_at(view, t_ms)
    profile = _profile(reader, then)
    ledger = ledger_of(profile, take(args, "ledger"))
    offset, per = page_of(dict(args) | {"per": args.get("per") or known.PER_PAGE})
    asked = query_of(profile, ledger, view.office, view.calendar, t_ms, args)
    # Receiver, source, class, leader, title and the year never change; state, unit and light are asked of the fold.
    query = _asked(reader, then, asked._replace(state="", unit="", light=None), args)
    looked_at = reader.board_query(query._replace(limit=per, offset=offset)) if query is not None else []
    total, light = reader.board_total(query).rows if query is not None else 0, asked.light
    rows = [
        row for row in known.rows_at(reader, looked_at, t_ms)
        if asked.state in ("", row.state) and (not asked.unit or asked.unit in row.unit.split("、"))
        and (light is None or light_of(then, row) == light.light)
    ]  # fmt: skip
    lines = lines_of(reader, then, rows, until_ms=t_ms)
    return _document(view, Found(ledger, columns_of(ledger), lines, len(lines))) | {
        "page": offset // per + 1, "per": per, "pages": max(-(-total // per), 1), "asked_at": moment(view.now_ms),
        "asked_ms": view.now_ms, "as_known_at": moment(t_ms), "candidates": total, "looked_at": len(looked_at),
        "notes": list(known.NOTES),
    }  # fmt: skip


def list_ledgers(reader: Reader, view: View, args: Mapping[str, object]) -> Document:
    """`ledger list`: the ledgers of the profile in force, how much stands in each, and when they were last checked."""
    profile = _profile(reader, view)
    ledgers = []
    newest = 0
    for ledger in profile.ledgers:
        query = pages.narrowed(reader, view, query_of(profile, ledger, view.office, view.calendar, view.now_ms, args))
        total = reader.board_total(query) if query is not None else BoardTotal(0, 0)
        newest = max(newest, total.newest_day)
        ledgers.append({
            "ledger": ledger.id, "title": ledger.title, "total": total.rows, "seed": ledger.seed,
            "keeper": profile.role_label(ledger.keeper) if ledger.keeper else "",
            "last_entry": day_text(total.newest_day), "columns": [COLUMNS[key] for key in columns_of(ledger)],
        })  # fmt: skip
    return {
        "profile": f"{profile.id}/{profile.version}", "ledgers": ledgers,
        "rounds": [_round(reader, view, profile, rule, newest) for rule in profile.rules if rule.act == "ledger"],
    }  # fmt: skip


def _round(reader: Reader, view: View, profile: Profile, rule: TimeRule, newest_day: int) -> Document:
    """及时登账, 季度对账, 半年查账, 年底交账, 周调度 … : when it was due, when it was done last (R95, R96)."""
    today = day_number(day_of(view.now_ms))
    document: Document = {
        "rule": f"{profile.id}/{profile.version} {rule.id}", "title": rule.title, "sentence": rule.sentence,
        "last_due": None, "next_due": None, "checked_at": None, "state": "随时",
    }  # fmt: skip
    if rule.cadence is None:
        return document | {"checked_at": day_text(newest_day), "state": "最近登账" if newest_day else "尚未登账"}
    cadence = rule.cadence.value
    days = cadence.occurrences(today - _LOOK_BACK_DAYS, today + _LOOK_BACK_DAYS, view.calendar, roll=rule.rolls)
    past, ahead = [day for day in days if day <= today], [day for day in days if day > today]
    found = [one for one in reader.rows(Proposal, kind="ledger") if one.key.partition("/")[0] == rule.id]
    done_ms = max((one.done_ms for one in found if one.done), default=0)
    missed = [one for one in found if not one.done]
    state = "待办" if missed else "已办" if done_ms else "尚未到期" if not past else "没有登记"
    return document | {
        "last_due": day_text(past[-1]) if past else None, "next_due": day_text(ahead[0]) if ahead else None,
        "checked_at": moment(done_ms), "state": state,
    }  # fmt: skip


def _profile(reader: Reader, view: View) -> Profile:
    return Rulebook(reader, view.office).profile(day_number(day_of(view.now_ms)))


COMMANDS: Mapping[str, Command] = {}
QUESTIONS: Mapping[str, Question] = {"ledger.list": list_ledgers, "ledger.show": show_ledger}
