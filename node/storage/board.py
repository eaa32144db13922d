"""The projection in SQL: items, the places of their records, and the board. Rebuilt from records alone (I7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, literal, not_, or_, select

from node.errors import LocalError
from node.items.lifecycle import DONE, SUBMITTED
from node.items.lights import NOT_BINDING
from node.storage.access import Reads, Writes, chunks
from node.storage.log import LogWrites
from node.storage.port import BlobRef, BoardQuery, BoardRow, BoardTotal, CalendarRow, RulesRow
from node.storage.rows import EXEMPT, OPEN_STATES, SORTS, LightQuery
from node.storage.tables import BOARD, ITEM, PLACE, SMALL, log_and_seq, place_of
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
MAX_ITEM_NO = select(func.coalesce(func.max(ITEM.c.item_no), 0))
_PAGE_ROWS = 1_000
_EQUAL = (
    "state", "kind", "receiver", "issuer", "parent", "target", "item_class", "source", "colour", "extension", "leader",
    "plan_year",
)  # fmt: skip


def _board(row: Sequence[Any]) -> BoardRow:
    return BoardRow(*row)


def _lit(query: LightQuery) -> ColumnElement[bool]:
    """Rows with this light: `items.lights.light` said in SQL; a test holds the two against each other."""
    columns, today = BOARD.c, query.today
    done = or_(columns.state.in_(sorted(DONE)), columns.flags.op("&")(EXEMPT) > 0)
    limited = and_(columns.state != "", columns.due_day > 0)
    if query.light in ("done", "none"):
        return done if query.light == "done" else and_(not_(done), not_(limited))
    handed_in = and_(columns.state == SUBMITTED, columns.submitted_day > 0)
    late = or_(and_(handed_in, columns.submitted_day > columns.due_day), and_(not_(handed_in), columns.due_day < today))
    binding = columns.strength.notin_(sorted(NOT_BINDING))
    until = case(
        *((columns.warn_days <= days, last) for days, last in query.yellow_until), else_=query.yellow_until[-1][1]
    )
    near = and_(not_(handed_in), columns.due_day >= today, columns.due_day <= until)
    if query.light == "red":
        wanted = and_(late, binding)
    elif query.light == "yellow":
        wanted = or_(and_(late, not_(binding)), near)
    else:
        wanted = and_(not_(late), not_(near))
    return and_(not_(done), limited, wanted)


def _order(query: BoardQuery) -> list[ColumnElement[Any]]:
    if query.sort not in SORTS:
        raise LocalError(f"列表不能按 {query.sort} 排序", code="bad_field")
    columns = [BOARD.c[name] for name in dict.fromkeys((query.sort, "item_no"))]
    return [column.desc() if query.descending else column.asc() for column in columns]


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
        rows = self._chosen(query, list(BOARD.c))
        if query.limit <= _PAGE_ROWS:
            # Which rows is found in the indexes alone; only those shown are read.
            chosen = self._chosen(query, [BOARD.c.item_no]).subquery()
            rows = select(BOARD).join(chosen, BOARD.c.item_no == chosen.c.item_no).order_by(*_order(query))
        with self._reading() as connection:
            return [_board(row) for row in connection.execute(rows)]

    def board_columns(self, query: BoardQuery, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """Only these columns of the matching rows: for figures over many."""
        rows = self._chosen(query, [BOARD.c[name] for name in names])
        with self._reading() as connection:
            return [tuple(row) for row in connection.execute(rows)]

    def board_count_upto(self, query: BoardQuery, most: int) -> int:
        """How many rows match, counted up to ``most``."""
        some = select(BOARD.c.item_no).where(*self._wanted(query)).limit(most).subquery()
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).select_from(some)).scalar_one())

    def _chosen(self, query: BoardQuery, columns: list[ColumnElement[Any]]) -> Select[Any]:
        wanted = self._wanted(query)
        return select(*columns).where(*wanted).order_by(*_order(query)).limit(query.limit).offset(query.offset)

    def _wanted(self, query: BoardQuery) -> list[ColumnElement[bool]]:
        columns = BOARD.c
        wanted: list[ColumnElement[bool]] = []
        # Not LIKE: % and _ mean themselves, and upper and lower case differ alike on both engines.
        position = func.instr if self.engine.dialect.name == "sqlite" else func.strpos
        if query.office:
            wanted.append(or_(columns.issuer == query.office, columns.receiver == query.office))
        if query.text:
            wanted.append(or_(position(columns.title, query.text) > 0, position(columns.number, query.text) > 0))
        if query.due_before_day:
            wanted += [columns.due_day > 0, columns.due_day < query.due_before_day]
        if query.due_from_day:
            wanted.append(columns.due_day >= query.due_from_day)
        if query.no_due:
            wanted.append(columns.due_day == 0)
        if query.open:
            wanted += [columns.state.in_(OPEN_STATES), columns.flags.op("&")(EXEMPT) == 0]
        if query.item_nos is not None:
            wanted.append(columns.item_no.in_(bindparam(None, query.item_nos, expanding=True, literal_execute=True)))
        if query.opened_from:
            wanted.append(columns.opened_day >= query.opened_from)
        if query.opened_before:
            wanted.append(columns.opened_day < query.opened_before)
        joined = literal("、").concat(columns.unit).concat("、")
        for units in ((query.unit,) if query.unit else (), query.units):
            if units:
                wanted.append(or_(*(position(joined, f"、{unit}、") > 0 for unit in units)))
        if query.subject:
            wanted.append(
                columns.subject == "" if query.subject == "-" else columns.subject != "" if query.subject == "*"
                else columns.subject == query.subject
            )  # fmt: skip
        for name in _EQUAL:
            value = getattr(query, name)
            if value:
                wanted.append(columns[name] == value)
        for name, values in (("source", query.sources), ("item_class", query.classes), ("parent", query.parents),
                             ("state", query.states)):  # fmt: skip
            if values:
                wanted.append(columns[name].in_(values))
        if query.light is not None:
            wanted.append(_lit(query.light))
        return wanted

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
