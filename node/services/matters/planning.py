"""年度督查计划, the check for duplicates before supervision outside the plan, 督查调研 topics, unannounced inspections.

Rules of this file:

1. A plan is the own items that carry its year; the item of class 年度督查计划 is its head and is approved as a case
   (subject annual_plan, R24).
2. Supervision outside the plan (work line offplan, said or known by the profile's words) is compared with everything
   open and planned before it is registered; only --distinct with a reason goes on past what is alike (R25).
3. Topics of research are at most as many in a half-year as the profile says (R62).
4. An unannounced inspection (四不两直) lives on the line [this office] alone, so nothing of it can reach the inspected
   office; its tasks wait until the result is published by `reveal` (R101, A21).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from node.errors import InputError
from node.items import guards
from node.items.lifecycle import CANCELLED, CLOSED, DECLINED, ESTABLISHED, MERGED, state_label
from node.items.lights import day_of
from node.records.kinds import Kind
from node.records.limits import TEXT_CHARS_MAX
from node.records.payload import Act, check_text
from node.records.track import REVEALED, Finding, Track
from node.rules import explain
from node.services.access import scope
from node.services.matters import chains, issuing
from node.services.matters.desk import Caller, act, current, take, take_files, take_list
from node.services.matters.duplicates import ALIKE_SHOWN, EVERYTHING, PLAN_CLASS, alike, open_rows
from node.services.matters.rulebook import Rulebook
from node.services.verbs import Args, Command, Question
from node.services.views.browse import View, row_document
from node.storage.port import BoardQuery, BoardRow, Reader

if TYPE_CHECKING:
    from node.services.office import Office

_YEARS = range(2000, 2100)
_GIVEN_UP = frozenset({CANCELLED, DECLINED, MERGED})


def add(office: Office, args: Args, caller: Caller) -> dict[str, object]:
    """`plan add`: the head of a year's plan, or with --title an entry of it."""
    year = _year(args)
    if take(args, "title"):
        _check_not_planned(office.desk.store, year, take(args, "title"))
        return issuing.register(office.desk, dict(args) | {"plan_year": year}, caller)
    desk = office.desk
    heads = [row for row in _of_year(desk.store, year) if row.item_class == PLAN_CLASS]
    if heads:
        raise InputError(
            f"{year} 年的计划已经建立（规则：一年一个计划）", field="--year", value=year,
            remedy=f"见 {heads[0].number}",
        )  # fmt: skip
    title = f"{year}年度督查计划"
    opening = issuing.opening_of(desk, dict(args) | {"title": title, "plan_year": year}, "REGISTER")
    terms = opening.terms._replace(item_class=PLAN_CLASS) if opening.terms is not None else None
    item, number = issuing.register_opening(desk, opening._replace(terms=terms), caller)
    return {"item": item.hex(), "number": number, "title": title}


def _check_not_planned(reader: Reader, year: int, title: str) -> None:
    """Refuse a matter that already stands in the year's plan: planned twice it would be supervised twice (R24)."""
    words = "".join(title.split())
    same = [
        row for row in _of_year(reader, year)
        if row.item_class != PLAN_CLASS and row.state not in _GIVEN_UP and "".join(row.title.split()) == words
    ]
    if same:
        raise InputError(
            f"{year} 年的计划已列入此事项：{same[0].number}（{state_label(same[0].state)}）（规则：计划不重列）",
            field="--title", value=title,
            remedy=f"见 dulian item show {same[0].number}；不是同一件的，名称上写明区别",
        )  # fmt: skip


def show(reader: Reader, view: View, args: Args) -> dict[str, object]:
    """`plan show --year Y`: the plan, whether it was approved, its entries and how far they are.

    ``required``: whether the profile wants it approved at all; ``pending``: entries that came after the approval.
    ``narrowed``: the caller sees the entries of the own unit alone (W4).
    """
    year = _year(args)
    rows = [row for row in _of_year(reader, year) if row.issuer == view.office]
    rows = scope.visible(reader, view.office, view.caller, rows)
    head = next((row for row in rows if row.item_class == PLAN_CLASS), None)
    cases = reader.board_query(BoardQuery(subject="annual_plan", target=head.item_id)) if head is not None else []
    last = max((case.item_no for case in cases if case.state in (ESTABLISHED, CLOSED)), default=0)
    profile = Rulebook(reader, view.office).profile(day_of(view.now_ms))
    chain = explain.chain_for(profile, "annual_plan", class_=PLAN_CLASS, origin="own")
    required = chain is not None and bool(chain.steps)
    entries = [row for row in rows if row.item_class != PLAN_CLASS]
    return {
        "year": year, "plan": row_document(view, head) if head is not None else None,
        "approved": last > 0, "required": required,
        "pending": [row.number for row in entries if required and 0 < last < row.item_no],
        "entries": [row_document(view, row) for row in entries],
        "narrowed": scope.limits(reader, view.caller) is not None,
    }  # fmt: skip


def check(reader: Reader, view: View, args: Args) -> dict[str, object]:
    """`plan check --title T`: what is open or planned and alike (R25)."""
    title = take(args, "title")
    found = alike(title, open_rows(reader))
    if scope.limits(reader, view.caller) is not None:
        seen = {row.item_id for row in scope.visible(reader, view.office, view.caller, [one.row for one in found])}
        found = [one for one in found if one.row.item_id in seen]
    found = found[:ALIKE_SHOWN]
    return {
        "title": title,
        "alike": [row_document(view, one.row) | {"share_percent": round(one.share * 100)} for one in found],
    }


def reveal(office: Office, args: Args, caller: Caller) -> dict[str, object]:
    """`item reveal`: publish the result of an unannounced inspection; from now on it may be assigned (R101)."""
    desk = office.desk
    state = current(desk, take(args, "item"))
    terms = state.opening.terms if state.opening is not None else None
    if terms is None or not terms.hidden:
        raise InputError(
            "不是隐蔽督查（规则：公布的是隐蔽督查的结果）", field="ITEM", value=take(args, "item"),
            remedy="登记时写 --hidden 的才是",
        )  # fmt: skip
    if state.tracks.revealed:
        raise InputError(
            "结果已经公布（规则：结果公布一次）", field="ITEM", value=take(args, "item"),
            remedy="用 dulian item assign 交办",
        )  # fmt: skip
    guards.check_act(state, Kind.CHANGE, desk.identity.code)
    text = check_text(take(args, "text"), "--text", TEXT_CHARS_MAX)
    guards.check_text(text, "--text")
    findings = tuple(Finding(one, ok=False) for one in take_list(args, "finding"))
    payload = Act(text=text, attachments=take_files(args), track=Track(verdict=REVEALED, findings=findings))
    record = act(desk, state, Kind.CHANGE, payload, guards.answers(state, Kind.CHANGE), caller)
    return {"item": state.item_id.hex(), "number": chains.name_of(state), "record": record.record_id.hex()}


def _of_year(reader: Reader, year: int) -> list[BoardRow]:
    return reader.board_query(BoardQuery(plan_year=year, subject="-", limit=EVERYTHING))


def _year(args: Args) -> int:
    year = args.get("year")
    if not isinstance(year, int) or year not in _YEARS:
        raise InputError("年度不对", field="--year", value=year or "", remedy="写成四位数，如 2027")
    return year


COMMANDS: Mapping[str, Command] = {"plan.add": add, "item.reveal": reveal}
QUESTIONS: Mapping[str, Question] = {"plan.show": show, "plan.check": check}
