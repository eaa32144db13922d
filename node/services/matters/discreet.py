"""What handlers and viewers do not learn of: 问责线索, 负面清单, 专报, side files, 四不两直 (A21, R101, R114-R116).

Rules of this file:

1. It binds accounts that are handlers or viewers and nothing else: they belong to the departments that are looked at.
2. Items: whatever they ask is asked of a `veiled` reader, for which unannounced inspections and side files are not
   there. Records: `seen` leaves out the papers that the profile in force keeps at 本级 or 领导 (`[[visibility]]`).
3. 问责线索 and 负面清单 are kept so whatever a profile says; 专报 too where it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from node.clock import day_of
from node.errors import InputError
from node.items.fact import Fact
from node.items.fold import ItemState
from node.items.lights import day_number
from node.records.kinds import Kind
from node.rules.profile import Profile
from node.services.access.rights import HANDLER, VIEWER
from node.services.matters.desk import Caller, absent, find_item
from node.services.matters.rulebook import Rulebook
from node.storage.port import BoardQuery, BoardRow, Reader
from node.storage.rows import HIDDEN, INNER, BoardPage, BoardTotal

if TYPE_CHECKING:
    from node.services.views.browse import View

PAPERS: Mapping[str, Kind] = {"refer": Kind.REFER, "negative": Kind.NEGATIVE, "special": Kind.SPECIAL}
_ALWAYS = frozenset({"refer", "negative"})
_CLOSED = frozenset({"own", "leaders"})  # classes of `[[visibility]]` that handlers and viewers do not belong to
_OUTSIDE = frozenset({HANDLER, VIEWER})


def outside(caller: Caller | None) -> bool:
    """Whether a caller is to learn nothing of what is held against a department."""
    return caller is not None and bool(caller.roles) and _OUTSIDE.issuperset(caller.roles)


def closed_kinds(profile: Profile) -> frozenset[Kind]:
    """The kinds of records that handlers and viewers do not see."""
    said: dict[str, str] = {paper: part.id for part in profile.visibility for paper in part.papers}
    return frozenset(
        kind for paper, kind in PAPERS.items() if paper in _ALWAYS or said.get(paper, "leaders") in _CLOSED
    )


def seen(reader: Reader, view: View, facts: Iterable[Fact]) -> list[Fact]:
    """Those of an item's records that the caller of ``view`` may read. An item is folded from all of them."""
    if not outside(view.caller):
        return list(facts)
    closed = closed_kinds(Rulebook(reader, view.office).profile(day_number(day_of(view.now_ms))))
    return [fact for fact in facts if fact.kind not in closed]


def check_item(reader: Reader, office: str, caller: Caller, word: str) -> None:
    """Refuse a command about an item that is not there for its caller as if there were none (W4)."""
    if word and outside(caller):
        row = find_item(reader, office, word)
        if not Veiled(reader).shown([row]):
            raise absent(word)


def check_announced(state: ItemState, doing: str) -> None:
    """Refuse what would tell those an unannounced inspection looks at of it (R101); InputError."""
    terms = state.opening.terms if state.opening is not None else None
    if terms is not None and terms.hidden and not state.tracks.revealed:
        raise InputError(f"隐蔽督查在公布结果前不能{doing}（规则：四不两直）", field="ITEM",
                         remedy="先公布结果：dulian item reveal")  # fmt: skip


def veiled(reader: Reader, caller: Caller | None) -> Reader:
    """The reader that questions of this caller are asked of."""
    return cast("Reader", Veiled(reader)) if outside(caller) else reader


class Veiled:
    """A reader without unannounced inspections, side files, drafts of 专报 and cases about any of these."""

    def __init__(self, reader: Reader) -> None:
        """All but the board is read as it is: it is asked about items that were found on the board."""
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    @contextmanager
    def together(self) -> Iterator[Reader]:
        """One moment, under the same veil."""
        with self._reader.together() as reader:
            yield cast("Reader", Veiled(reader))

    def shown(self, rows: Iterable[BoardRow]) -> list[BoardRow]:
        """Those of these rows that are there."""
        rows = [row for row in rows if not row.flags & HIDDEN and row.subject not in INNER]
        targets = {row.target for row in rows if row.subject and row.target}
        hidden = {row.item_id for row in self._reader.board(targets) if row.flags & HIDDEN} if targets else set()
        return [row for row in rows if not row.subject or row.target not in hidden]

    def board(self, item_ids: Iterable[bytes]) -> list[BoardRow]:
        """As `Projected.board`."""
        return self.shown(self._reader.board(item_ids))

    def board_by_prefix(self, prefix_hex: str, limit: int) -> list[BoardRow]:
        """As `Projected.board_by_prefix`."""
        return self.shown(self._reader.board_by_prefix(prefix_hex, limit))

    def board_by_number(self, number: str) -> list[BoardRow]:
        """As `Projected.board_by_number`."""
        return self.shown(self._reader.board_by_number(number))

    def board_query(self, query: BoardQuery) -> list[BoardRow]:
        """As `Projected.board_query`."""
        rows = self._reader.board_query(query._replace(announced=True))
        return rows if query.subject == "-" else self.shown(rows)

    def board_page(self, query: BoardQuery, most: int) -> BoardPage:
        """As `Projected.board_page`."""
        return self._reader.board_page(query._replace(announced=True), most)

    def board_columns(self, query: BoardQuery, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """As `Projected.board_columns`."""
        return self._reader.board_columns(query._replace(announced=True), names)

    def board_count_upto(self, query: BoardQuery, most: int) -> int:
        """As `Projected.board_count_upto`."""
        return self._reader.board_count_upto(query._replace(announced=True), most)

    def board_total(self, query: BoardQuery) -> BoardTotal:
        """As `Projected.board_total`."""
        return self._reader.board_total(query._replace(announced=True))
