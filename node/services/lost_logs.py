"""A row of the log table that the disk lost: made anew from the records, which name their log themselves (D1, D8).

Log numbers are given out one after the other, so a number that is missing, or one behind the last, is where to look.
A row may also be an old one, its head behind the records: then the next write meets one of them (`heads`).
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from node.errors import PeerError
from node.records.header import decode
from node.records.line import LogKey, log_id_of
from node.storage.port import Fork, LogRow, Reader, Store

_BEYOND = 16  # numbers behind the last that are looked at
_PAGE = 1_000
_PAGE_BYTES = 4_194_304


def lost_numbers(reader: Reader, rows: Sequence[LogRow]) -> list[int]:
    """Log numbers under which records stand and of which there is no row in the log table."""
    known = {row.log_no for row in rows}
    numbers = [number for number in range(1, max(known, default=0) + 1 + _BEYOND) if number not in known]
    return [number for number in numbers if reader.run(number, 0, 1, 1)]


def put_back(store: Store, *, heads: bool = False) -> list[LogRow]:
    """In a transaction of its own: write the rows anew as the records tell; nothing of them counts as projected.

    With ``heads`` also those whose head is behind its records: a look at every log, for when a write met a record.
    """
    rows = store.logs()
    behind = [moved for row in rows if (moved := _moved_on(store, row)) is not row] if heads else []
    numbers = lost_numbers(store, rows)
    found: list[LogRow] = []
    known = {row.log_id for row in rows}
    for number in numbers:
        row = _row_of(store, number, known)
        if row is not None:
            found.append(row)
            known.add(row.log_id)
    if found or behind:
        store.begin()
        store.add_logs([row._replace(head_seq=0, head_id=b"", frozen=False) for row in found])
        store.append((), [(row.log_no, row.head_seq, row.head_id) for row in found + behind])
        for row in found:
            if row.frozen:
                store.set_log(row.log_no, frozen=True)
        store.commit(durable=True)
    return found + behind


def _moved_on(store: Store, row: LogRow) -> LogRow:
    """The row with its head at the last record that continues the log; the row itself where there is none beyond."""
    moved = row
    while beyond := store.run(row.log_no, moved.head_seq, _PAGE, _PAGE_BYTES):
        for record in beyond:
            try:
                header = decode(record.header)
            except PeerError:
                return moved
            if (header.log_key, header.seq, header.prev) != (row.key, moved.head_seq + 1, moved.head_id):
                return moved
            moved = moved._replace(head_seq=record.seq, head_id=record.record_id)
    return moved


def _row_of(store: Store, log_no: int, known: Container[bytes]) -> LogRow | None:
    """None where no header of it can be read: then a neighbour brings the log again, under another number.

    A header of a log that is ``known`` stands there by the same damage.
    """
    key: LogKey | None = None
    seq, head_id = 0, b""
    while rows := store.run(log_no, seq, _PAGE, _PAGE_BYTES):
        for row in rows:
            if key is None:
                try:
                    header = decode(row.header)
                except PeerError:
                    continue
                key = None if header.log_id in known else header.log_key
        seq, head_id = rows[-1].seq, rows[-1].record_id
    if key is None:
        return None
    frozen = any(fork.seq <= seq for fork in store.rows(Fork, log_no=log_no))
    return LogRow(log_no, log_id_of(key), key, seq, head_id, frozen=frozen)
