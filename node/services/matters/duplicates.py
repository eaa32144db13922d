"""Before supervision begins: what is alike already (R25), and how many topics of research there may be (R62).

Supervision outside the plan is what the clerk says is (``--line 计划外督查``), and what the profile's chain ``offplan``
knows by its words, in no entry of a plan and on no line of matters that are no supervision of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from node.errors import InputError
from node.items.lifecycle import DONE, state_label
from node.items.lights import day_of
from node.items.likeness import pairs_of, share_of
from node.records.limits import TEXT_CHARS_MAX
from node.records.payload import Opening, check_text
from node.rules import explain
from node.rules.calendar import date_of, day_number
from node.rules.profile import Profile
from node.rules.words import LINES
from node.services.matters import chains
from node.services.matters.desk import Desk, take
from node.services.matters.terms import case_of
from node.services.verbs import Args
from node.storage.port import BoardQuery, BoardRow, Reader

ALIKE_SHOWN = 10
EVERYTHING = 2**31 - 1
PLAN_CLASS = chains.PLAN_CLASS
_ALIKE = 0.5  # of the shorter title's pairs of characters: 0.5 finds re-worded titles, hardly strangers
_SECOND_HALF = 7  # July
# Who says that a matter is one of these is not going to supervise: 决策督查 and 专项督办 may be either.
_MATTERS = frozenset({"handling", "proposal", "research", "order", "meeting", "rectify"})


class Alike(NamedTuple):
    """An open or planned item whose title is alike: ``share`` 0..1 of the shorter title's pairs of characters."""

    row: BoardRow
    share: float


def alike(title: str, rows: Iterable[BoardRow]) -> list[Alike]:
    """Rows whose title shares at least half of its pairs of characters with ``title``, the most alike first."""
    pairs = pairs_of(title)
    found = []
    for row in rows:
        share = share_of(pairs, pairs_of(row.title))
        if share >= _ALIKE:
            found.append(Alike(row, share))
    return sorted(found, key=lambda one: (-one.share, one.row.item_no))


def open_rows(reader: Reader) -> list[BoardRow]:
    """Own and received matters that are open or planned."""
    rows = reader.board_query(BoardQuery(subject="-", limit=EVERYTHING))
    return [row for row in rows if row.state not in DONE and row.item_class != PLAN_CLASS and not row.parent]


def outside_plan(desk: Desk, args: Args, title: str) -> bool:
    """Whether what is about to be opened is supervision in no plan that the profile wants reviewed first (R25)."""
    if args.get("plan_year"):
        return False
    profile, given = chains.profile_of(desk), take(args, "line").strip()
    source, class_ = profile.source_of(take(args, "source").strip()), profile.class_of(take(args, "class").strip())
    line = next((name for name, label in LINES.items() if given in (name, label)), "")
    if (line or (source.line if source is not None else "")) in _MATTERS:
        return False
    chain = explain.chain_for(
        profile, "offplan", source=source.id if source is not None else "",
        class_=class_.id if class_ is not None else "", line="offplan",
    )  # fmt: skip
    said = (title, source.label if source is not None else "", class_.label if class_ is not None else "")
    return chain is not None and any(word in text for word in chain.titles for text in said)


def check_new(desk: Desk, opening: Opening, args: Args) -> str:
    """Before an own item is registered: R25 and R62; returns what is to be kept with it, or ""."""
    profile = chains.profile_of(desk)
    line = case_of(profile, opening.source, opening.terms)["line"]
    if line == "research":
        _check_topics(desk, profile)
    if line != "offplan":
        return ""
    found = alike(opening.title, open_rows(desk.store))
    reason = check_text(take(args, "distinct"), "--distinct", TEXT_CHARS_MAX)
    if found and not reason.strip():
        named = "；".join(
            f"{one.row.number} {one.row.title}（{state_label(one.row.state)}）" for one in found[:ALIKE_SHOWN]
        )
        raise InputError(
            f"可能与已有的督查事项重复：{named}（规则：计划外督查报批前须送审，避免重复、多头督查）",
            field="--title", value=opening.title,
            remedy="已列入计划的办理那一件，或并入已有事项；确不重复的，登记时用 --distinct 写明理由",
        )  # fmt: skip
    return f"查重：与 {len(found)} 件相近。{reason}" if found else "查重：没有相近的事项。"


def _check_topics(desk: Desk, profile: Profile) -> None:
    quota = next((one for one in profile.quotas if one.id == "research"), None)
    if quota is None or quota.maximum is None:
        return
    today = date_of(day_of(desk.world.clock.now_ms()))
    first = _first_day(today, quota.per)
    rows = desk.store.board_query(BoardQuery(kind="registered", subject="-", limit=EVERYTHING))
    topics = [
        row for row in rows
        if row.work_line == "research" and row.issuer == desk.identity.code and row.opened_day >= first
        and row.state not in ("cancelled", "declined", "merged")
    ]  # fmt: skip
    if len(topics) >= quota.maximum:
        raise InputError(
            f"每{quota.per}至多 {quota.maximum} 个督查调研选题，已有 {len(topics)} 个"
            f"（规则 {profile.id}/{profile.version} quotas.{quota.id}）",
            field="--line", value="research", remedy="并入已有选题，或下一期再立",
        )  # fmt: skip


def _first_day(today: date, per: str) -> int:
    half = _SECOND_HALF if today.month >= _SECOND_HALF else 1
    month = {"年": 1, "半年": half, "季": (today.month - 1) // 3 * 3 + 1}.get(per, today.month)
    return day_number(date(today.year, month, 1))
