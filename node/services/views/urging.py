"""Whom a 催办 of an item reaches: the tasks issued below it, where there are some; its unit in this office (R16)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from node.items import guards
from node.records.kinds import Kind
from node.services.routine.reminders import may_be_urged
from node.storage.port import BoardQuery, BoardRow, Reader


class Address(NamedTuple):
    """An item, and the items that a 催办 of it is written on."""

    row: BoardRow
    told: tuple[BoardRow, ...]


def addressed(reader: Reader, office: str, items: Iterable[bytes]) -> list[Address]:
    """Of each of these items who is to hear a 催办.

    Of an item that was given to offices below their open tasks: a record on the item itself would not leave this
    office. Where a unit has the item in hand, too, that as well.
    """
    rows = reader.board(list(items))
    mine = tuple(row.item_id for row in rows if row.receiver == office)
    below: dict[bytes, list[BoardRow]] = {}
    for task in reader.board_query(BoardQuery(parents=mine, subject="-", issuer=office, open=True)) if mine else ():
        if may_be_urged(office, task):
            below.setdefault(task.parent, []).append(task)
    found = []
    for row in rows:
        told = below.get(row.item_id, [])
        own = [row] if not told or may_be_urged(office, row) else []
        found.append(Address(row, (*own, *told)))
    return found


def can_be_urged(reader: Reader, office: str, items: Iterable[bytes]) -> set[bytes]:
    """Those of these items of which somebody would hear, and which are not handed in or over."""
    return {
        row.item_id for row, told in addressed(reader, office, items)
        if any(may_be_urged(office, one) and guards.in_time(one.kind, Kind.URGE, one.state) for one in told)
    }  # fmt: skip
