"""A row of the log table that the disk lost: made anew from the records, which name their log themselves (D1, D8).

Rules of this file:

1. Log numbers are given out one after the other, so a number that is missing, or one behind the last, is where to look.
   A row may also be an old one, its head behind the records: then the next write meets one of them (``heads``).
2. What the log is, and where it ends, is told by records whose hashes hold. What stands above the last of them is
   damaged, and with the row went the only word on what it was: kept as evidence, and brought by neighbours as new.
3. Whether records are missing at the end nobody here can tell. Of an own log in force that is a rollback: this office
   writes nothing until a neighbour was asked, and then in a new epoch, so that no number is used twice (section 8).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from node.errors import PeerError
from node.records.envelope import Envelope, to_bytes
from node.records.header import decode
from node.records.line import LogKey, log_id_of
from node.records.suite import Suites
from node.services.care.alarms import Alarms
from node.services.identity import World
from node.services.mending import comeback
from node.storage.port import Ack, Fork, LogRow, Meta, Reader, RecordRow, Store
from node.sync.reasons import label
from node.sync.repair import fault_of

ALARM = "log_lost"
DAMAGE_META = "damage"  # what `services.mending.repair` knows: rows that begin with the number of a log
_BEYOND = 16  # numbers behind the last that are looked at
_PAGE = 1_000
_PAGE_BYTES = 4_194_304
_ROLLED_BACK = "本机日志登记丢失，已按记录重建，末尾是否缺少已签发的记录须与上下级核对，核对前暂停签发"


@dataclass
class _Told:
    """What the records under a number tell of one log: how many name it, whose hashes hold, the last of these."""

    named: int = 0
    sound: int = 0
    seq: int = 0
    record_id: bytes = b""


def lost_numbers(reader: Reader, rows: Sequence[LogRow]) -> list[int]:
    """Log numbers under which records stand, or something beside a log, and of which the log table has no row."""
    known = {row.log_no for row in rows}
    numbers = [number for number in range(1, max(known, default=0) + 1 + _BEYOND) if number not in known]
    beside = {fork.log_no for fork in reader.rows(Fork)} - known
    return sorted(beside.union(number for number in numbers if reader.run(number, 0, 1, 1)))


def put_back(store: Store, world: World, me: str, suites: Suites, *, heads: bool = False) -> bool:
    """In a transaction of its own: write the rows anew, drop all projections, say so; False where none was lost.

    With ``heads`` also those whose head is behind its records: a look at every log, for when a write met a record.
    """
    rows = store.logs()
    behind = {row.log_no: row for row in rows if heads and store.run(row.log_no, row.head_seq, 1, 1)}
    numbers = [*lost_numbers(store, rows), *behind]
    if not numbers:
        return False
    store.begin()
    alarms = Alarms(store, world)
    known = {row.log_id for row in rows}
    for log_no in numbers:
        old = behind.get(log_no)
        found = _moved_on(store, suites, old) if old is not None else _row_of(store, suites, log_no, known)
        _drop_damaged(store, alarms, suites, me, log_no, found)
        if found is None:
            _forget(store, log_no)
            text = f"第{log_no}本日志的登记丢失，所存记录均已损坏、无从辨认，已移出留证，由上下级重发；请检查磁盘"
            alarms.raise_(ALARM, f"no:{log_no}", text)
        else:
            if old is None:
                known.add(found.log_id)
                store.add_logs([found._replace(head_seq=0, head_id=b"", frozen=False)])
            store.append((), [(log_no, found.head_seq, found.head_id)])
            if found.frozen:
                store.set_log(log_no, frozen=True)
            tell(alarms, found.key, found.log_id)
        if found is None or (found.key.author == me and found.key.epoch == comeback.epoch_in_force(store)):
            comeback.stop_at_rest(store, "rollback")
            alarms.raise_("rolled_back", me, _ROLLED_BACK)
    _forget_damage(store, numbers)
    store.clear_projection()
    store.commit(durable=True)
    return True


def tell(alarms: Alarms, key: LogKey, log_id: bytes) -> None:
    """The alarm about one log."""
    text = f"日志登记丢失或有误 {key.author} 第{key.epoch}纪元，已按记录重建；请检查磁盘"
    alarms.raise_(ALARM, log_id.hex()[:16], text)


def _rows(store: Store, log_no: int, after_seq: int = 0) -> Iterator[RecordRow]:
    while rows := store.run(log_no, after_seq, _PAGE, _PAGE_BYTES):
        yield from rows
        after_seq = rows[-1].seq


def _moved_on(store: Store, suites: Suites, row: LogRow) -> LogRow:
    """The row with its head at the last sound record."""
    for record in _rows(store, row.log_no, row.head_seq):
        if not fault_of(suites, row.key, record):
            row = row._replace(head_seq=record.seq, head_id=record.record_id)
    return row


def _row_of(store: Store, suites: Suites, log_no: int, known: set[bytes]) -> LogRow | None:
    """None where nothing tells which log it was: then a neighbour brings it again, under whatever number is free."""
    told: dict[LogKey, _Told] = {}
    for row in _rows(store, log_no):
        try:
            header = decode(row.header)
        except PeerError:
            continue
        if header.seq == row.seq and header.log_id not in known:  # not what the disk put here of another log
            one = told.setdefault(header.log_key, _Told())
            one.named += 1
            if not fault_of(suites, header.log_key, row):
                one.sound += 1
                one.seq, one.record_id = row.seq, row.record_id
    beside = store.rows(Fork, log_no=log_no)
    for fork in beside:  # each was verified when it came
        told.setdefault(decode(fork.header).log_key, _Told()).named += 1
    if not told:
        return None
    key, best = max(told.items(), key=lambda item: (item[1].sound, item[1].named))
    frozen = any(fork.seq <= best.seq for fork in beside)
    return LogRow(log_no, log_id_of(key), key, best.seq, best.record_id, frozen=frozen)


def _drop_damaged(
    store: Store, alarms: Alarms, suites: Suites, me: str, log_no: int, found: LogRow | None
) -> None:  # fmt: skip
    """Take away what stands above the last sound record, and keep its bytes as evidence."""
    seq = found.head_seq if found is not None else 0
    dropped = list(_rows(store, log_no, seq))
    for row in dropped:
        fault = fault_of(suites, found.key, row) if found is not None else "foreign_line"
        text = f"第{log_no}本日志第{row.seq}号已损坏（{label(fault)}），日志登记丢失后移出"
        alarms.keep_evidence(me, fault, text, to_bytes(Envelope(row.header, row.signature, row.salt, row.payload)))
    if dropped:
        store.drop_records(log_no, seq)


def _forget(store: Store, log_no: int) -> None:
    """The number is free: what neighbours receipted under it says nothing of the log that will have it."""
    for ack in store.rows(Ack, log_no=log_no):
        store.delete(Ack, ack.peer, log_no)


def _forget_damage(store: Store, numbers: Sequence[int]) -> None:
    """What was known to be damaged of these logs may lie above their heads now; a scrub finds the rest anew."""
    saved = store.get(Meta, DAMAGE_META)
    if saved is not None:
        rest = [one for one in json.loads(saved.value) if one[0] not in numbers]
        store.put([Meta(DAMAGE_META, json.dumps(rest).encode())])
