"""The projection in SQL: items, the places of their records, and the board. Rebuilt from records alone (I7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, CompoundSelect, Connection, Select, bindparam, func, select, union_all

from node.records.limits import HASH_BYTES
from node.storage.access import Reads, Writes, chunks
from node.storage.board_filters import Wanted, alternatives, order_of, wanted_of
from node.storage.log import LogWrites
from node.storage.port import BlobRef, BoardPage, BoardQuery, BoardRow, BoardTotal, CalendarRow, RulesRow
from node.storage.tables import BOARD, BOARD_FILTER, ITEM, PLACE, SMALL, log_and_seq, place_of
from node.storage.texts import TextWrites

ITEM_NUMBERS = select(ITEM.c.item_id, ITEM.c.item_no).where(ITEM.c.item_id.in_(bindparam("ids", expanding=True)))
ITEM_PLACES = (
    select(PLACE.c.item_no, PLACE.c.place)
    .where(PLACE.c.item_no.in_(bindparam("numbers", expanding=True)))
    .order_by(PLACE.c.item_no, PLACE.c.place)
)
# Board rows are found through the item table: one index over random ids is enough.
BY_ITEM = select(BOARD).join(ITEM, ITEM.c.item_no == BOARD.c.item_no)
BOARD_OF = BY_ITEM.where(ITEM.c.item_id.in_(bindparam("ids", expanding=True)))
BY_NUMBER = select(BOARD).where(BOARD.c.number == bindparam("number")).order_by(BOARD.c.item_no)
BOARD_COUNT = select(func.count()).select_from(BOARD)
NUMBERED = select(BOARD).where(BOARD.c.item_no.in_(bindparam("numbers", expanding=True)))
MAX_ITEM_NO = select(func.coalesce(func.max(ITEM.c.item_no), 0))
_PAGE_ROWS = 1_000
_PART = 500
_ID_DIGITS = 2 * HASH_BYTES
# Where more match than are counted, they may be dense enough to be met among the first rows in the order of the page.
_FIRST_MAX = 4_000  # of these rows at most
_FIRST_SPARE = 3  # times as many as would do if matches were spread evenly
_LOOK_SPARE = 2  # times as many as are counted are looked at before that is tried
_IN_INDEX = frozenset({"item_no", *BOARD_FILTER})
_WALKED = frozenset({"item_no", "due_day", "updated_ms"})  # what has an index of its own
_BROAD = BoardQuery()


def _board(row: Sequence[Any]) -> BoardRow:
    return BoardRow(*row)


def prefix_range(prefix_hex: str) -> tuple[bytes, bytes | None] | None:
    """The ids beginning with these hex digits as a range [low, high); high None = to the end. None: not hex digits."""
    digits = len(prefix_hex)
    if not prefix_hex:
        return b"", None
    if any(digit not in "0123456789abcdef" for digit in prefix_hex.lower()):
        return None
    pad = "0" * (digits % 2)
    after = int(prefix_hex, 16) + 1
    low = bytes.fromhex(prefix_hex + pad)
    return low, None if after == 16**digits else bytes.fromhex(f"{after:0{digits}x}{pad}")


def _is_broad(query: BoardQuery) -> bool:
    """Whether nothing narrows the list, but that approval cases are left out."""
    return query._replace(subject="", sort="item_no", descending=False, limit=_BROAD.limit, offset=0) == _BROAD


def _keys(query: BoardQuery, options: Sequence[Wanted]) -> Select[Any] | CompoundSelect[Any]:
    """(what it is sorted by, item_no) of the rows wanted."""
    columns = (BOARD.c[query.sort].label("sorted_by"), BOARD.c.item_no.label("number"))
    parts = [select(*columns).where(*wanted) for wanted in options]
    return parts[0] if len(parts) == 1 else union_all(*parts)


def _cut(query: BoardQuery, keys: CTE | Select[Any] | CompoundSelect[Any], *more: ColumnElement[Any]) -> Select[Any]:
    """Numbers of the rows on the page, by their `_keys`."""
    table = keys if isinstance(keys, CTE) else keys.subquery()
    order = [one.desc() if query.descending else one.asc() for one in (table.c.sorted_by, table.c.number)]
    return select(table.c.number, *more).order_by(*order).limit(query.limit).offset(query.offset)


def _numbered(connection: Connection, numbers: Sequence[int]) -> list[BoardRow]:
    """These rows, in the order of the numbers."""
    found = {
        row[0]: _board(row) for chunk in chunks(numbers) for row in connection.execute(NUMBERED, {"numbers": chunk})
    }
    return [found[number] for number in numbers]


def _count(connection: Connection, options: Sequence[Wanted], most: int) -> int:
    parts = [select(BOARD.c.item_no).where(*wanted) for wanted in options]
    some = (parts[0] if len(parts) == 1 else union_all(*parts)).limit(most).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


class BoardReads(Reads):
    """Reading the projection; the contract is `port.Reader`."""

    def item_numbers(self, item_ids: Iterable[bytes]) -> dict[bytes, int]:
        """Local numbers of those items that are known."""
        wanted = sorted(set(item_ids))
        with self._reading() as connection:
            return {
                item_id: item_no
                for chunk in chunks(wanted)
                for item_id, item_no in connection.execute(ITEM_NUMBERS, {"ids": chunk})
            }

    def item_places(self, item_nos: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
        """Places of all records of each item, sorted; an empty list where there are none."""
        found: dict[int, list[tuple[int, int]]] = {item_no: [] for item_no in item_nos}
        with self._reading() as connection:
            for chunk in chunks(sorted(found)):
                for item_no, place in connection.execute(ITEM_PLACES, {"numbers": chunk}):
                    found[item_no].append(log_and_seq(place))
        return found

    def board(self, item_ids: Iterable[bytes]) -> list[BoardRow]:
        """Board rows of these items, sorted by item_no."""
        wanted = sorted(set(item_ids))
        with self._reading() as connection:
            rows = [
                _board(row) for chunk in chunks(wanted) for row in connection.execute(BOARD_OF, {"ids": chunk})
            ]
        return sorted(rows)

    def board_by_prefix(self, prefix_hex: str, limit: int) -> list[BoardRow]:
        """Board rows whose item id begins with these hex digits, sorted by item_no."""
        bounds = prefix_range(prefix_hex)
        if bounds is None:
            return []
        low, high = bounds
        if len(prefix_hex) == _ID_DIGITS:
            return self.board([low])[:limit]
        query = BY_ITEM.where(ITEM.c.item_id >= low)
        if high is not None:
            query = query.where(ITEM.c.item_id < high)
        with self._reading() as connection:
            return [_board(row) for row in connection.execute(query.order_by(BOARD.c.item_no).limit(limit))]

    def board_by_number(self, number: str) -> list[BoardRow]:
        """Board rows with this 登记编号."""
        with self._reading() as connection:
            return [_board(row) for row in connection.execute(BY_NUMBER, {"number": number})]

    def board_query(self, query: BoardQuery) -> list[BoardRow]:
        """Board rows matching all filters, in the order asked for."""
        with self._reading() as connection:
            return self._found(connection, query)

    def board_page(self, query: BoardQuery, most: int) -> BoardPage:
        """The rows of `board_query` and how many match, counted up to ``most``, with less work than both."""
        with self._reading() as connection:
            options = alternatives(query, self.engine.dialect.name)
            if query.sort not in _IN_INDEX or _is_broad(query):
                return BoardPage(self._found(connection, query), _count(connection, options, most))
            # One look through an index tells both, unless very many match.
            cap = most if query.sort == "due_day" else _LOOK_SPARE * most
            every = _keys(query, options).limit(cap).cte("every")
            total = select(func.count()).select_from(every).scalar_subquery()
            found = connection.execute(_cut(query, every, total)).all()
            held = found[0][1] if found else _count(connection, options, cap) if query.offset else 0
            if held < cap:
                return BoardPage(_numbered(connection, [number for number, _ in found]), min(held, most))
            rows = self._first(connection, query, options, held)
            if rows is None:
                rows = _numbered(connection, connection.execute(_cut(query, _keys(query, options))).scalars().all())
            return BoardPage(rows, most)

    def _found(self, connection: Connection, query: BoardQuery) -> list[BoardRow]:
        if query.limit <= _PAGE_ROWS:
            # Which rows is found in the indexes alone; only those shown are read.
            chosen = self._chosen(query, select(BOARD.c.item_no)).subquery()
            rows = select(BOARD).join(chosen, BOARD.c.item_no == chosen.c.item_no).order_by(*order_of(query))
        else:
            rows = self._chosen(query, select(BOARD))
        return [_board(row) for row in connection.execute(rows)]

    def _first(
        self, connection: Connection, query: BoardQuery, options: Sequence[Wanted], held: int
    ) -> list[BoardRow] | None:
        """The page out of the first rows in its order, matching or not; None where these hold less than a page."""
        last = int(connection.execute(MAX_ITEM_NO).scalar_one())
        length = _FIRST_SPARE * (query.offset + query.limit) * last // held
        if query.sort not in _WALKED or length > _FIRST_MAX:
            return None
        order = order_of(query)
        first = select(BOARD.c[query.sort]).order_by(*order)
        if query.sort == "due_day":
            # Due days lead the filters' index too: what is due up to the last day met is looked for there.
            first = first.where(BOARD.c.due_day >= query.due_from_day)
            day = connection.execute(first.limit(1).offset(length)).scalar()
            if day is None:
                return None
            near = BOARD.c.due_day >= day if query.descending else BOARD.c.due_day <= day
            keys = _keys(query, [[*wanted, near] for wanted in options])
            found = _numbered(connection, connection.execute(_cut(query, keys)).scalars().all())
        else:
            walk = first.with_only_columns(BOARD.c.item_no).limit(length).subquery()
            rows = select(BOARD).join(walk, BOARD.c.item_no == walk.c.item_no).where(*self._wanted(query))
            found = [_board(row) for row in connection.execute(
                rows.order_by(*order).limit(query.limit).offset(query.offset)
            )]  # fmt: skip
        return found if len(found) == query.limit else None

    def board_columns(self, query: BoardQuery, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """Only these columns of the matching rows: for figures over many."""
        rows = self._chosen(query, select(*(BOARD.c[name] for name in names)))
        with self._reading() as connection:
            # By parts: the driver's step for a single row costs as much as the row, and all at once leave the caches.
            return [tuple(row) for part in connection.execute(rows).partitions(_PART) for row in part]

    def board_count_upto(self, query: BoardQuery, most: int) -> int:
        """How many rows match, counted up to ``most``."""
        with self._reading() as connection:
            return _count(connection, alternatives(query, self.engine.dialect.name), most)

    def _chosen(self, query: BoardQuery, rows: Select[Any]) -> Select[Any]:
        return rows.where(*self._wanted(query)).order_by(*order_of(query)).limit(query.limit).offset(query.offset)

    def _wanted(self, query: BoardQuery) -> Wanted:
        return wanted_of(query, self.engine.dialect.name)

    def board_total(self, query: BoardQuery) -> BoardTotal:
        """How many rows match all filters."""
        tally = select(func.count(), func.coalesce(func.max(BOARD.c.opened_day), 0)).select_from(BOARD)
        with self._reading() as connection:
            return BoardTotal(*connection.execute(tally.where(*self._wanted(query))).one())

    def board_count(self) -> int:
        """Number of items on the board."""
        with self._reading() as connection:
            return int(connection.execute(BOARD_COUNT).scalar_one())


class BoardWrites(BoardReads, TextWrites, LogWrites, Writes):
    """Writing the projection; the contract is `port.Store`."""

    def max_item_no(self) -> int:
        """Highest item number, 0 where there is none."""
        with self._reading() as connection:
            return int(connection.execute(MAX_ITEM_NO).scalar_one())

    def add_items(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """New items: (item_no, item_id)."""
        with self._writing() as connection:
            self._many(connection, self.statements.insert(ITEM), rows)

    def add_places(self, rows: Sequence[tuple[int, int, int]]) -> None:
        """(item_no, log_no, seq) of records belonging to items; those already there are ignored."""
        values = sorted((item_no, place_of(log_no, seq)) for item_no, log_no, seq in rows)
        with self._writing() as connection:
            self._many(connection, self.statements.add(PLACE), values)

    def save_board(self, rows: Sequence[BoardRow]) -> None:
        """Insert or overwrite board rows."""
        with self._writing() as connection:
            self._many(connection, self.statements.upsert(BOARD), rows)

    def clear_projection(self) -> None:
        """Drop all that is folded from records; every log is to be folded again from its beginning."""
        with self._writing() as connection:
            for table in (BOARD, PLACE, ITEM, SMALL[BlobRef], SMALL[RulesRow], SMALL[CalendarRow]):
                connection.execute(table.delete())
        self.clear_texts()
        self.unfold()
