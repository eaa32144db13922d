"""Gathering for `doctor` what can be read from the store: committed data, in any thread, on a node running or stopped.

Without ``deep`` only a sample is looked at, so that an answer comes within seconds whatever is held: of each log its
last records, of the board its open items, both up to a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from node.errors import PeerError
from node.items.digest import digest
from node.items.fold import fold
from node.items.lifecycle import TERMINAL
from node.items.lights import day_of
from node.records.chain import check_links, check_signature
from node.records.envelope import Envelope, open_envelope
from node.records.keyring import Keyring
from node.rules.calendar import Calendar
from node.services.board.project import read_facts
from node.services.care import backups
from node.services.care.doctor_facts import Backup, Job
from node.services.matters.rulebook import Rulebook
from node.services.mending.audit import audit
from node.services.mending.scrub import place_name
from node.services.routine import proposals
from node.storage.port import BlobRow, BoardQuery, BoardRow, JobRun, LogRow, Pending, Reader, Unit
from node.sync.reasons import label

CALENDAR_DAYS = 400
_TAIL_RECORDS, _TAIL_BYTES = 20, 1_048_576
_TAIL_RECORDS_MAX = 20_000
_ITEMS_MAX, _ITEMS_PER_READ = 1_000, 200
_ALL = 2**31 - 1
_HOUR_MS = 3_600_000


class Chains(NamedTuple):
    """Findings about records, and how far was looked."""

    findings: tuple[Mapping[str, object], ...]
    board_wrong: int
    scrubbed: str


class Items(NamedTuple):
    """What open items tell: rows that do not follow from records, profiles not here, items nobody has in hand."""

    wrong: int
    profiles_missing: tuple[str, ...]
    unowned: tuple[str, ...]


def look_at_records(
    reader: Reader, keyring: Keyring, whole: Callable[[BlobRow], bool], items: Items, *, deep: bool
) -> Chains:
    """The whole audit with ``deep``, else the tail of every log."""
    if not deep:
        return Chains(tuple(_tails(reader, keyring)), items.wrong, "tail")
    found = audit(reader, keyring, whole)["findings"]
    assert isinstance(found, list)  # noqa: S101 - what audit returns
    board = [one for one in found if one["code"] == "board"]
    rest = tuple(one for one in found if one["code"] not in ("board", "attachment"))
    return Chains(rest, max(len(board), items.wrong), "all")


def _tails(reader: Reader, keyring: Keyring) -> Iterator[dict[str, object]]:
    left = _TAIL_RECORDS_MAX
    for row in reader.logs():
        if left <= 0:
            return
        left -= _TAIL_RECORDS
        if (fault := _tail_fault(reader, keyring, row)) is not None:
            yield {"code": fault, "where": place_name(row.key), "text": label(fault)}


def _tail_fault(reader: Reader, keyring: Keyring, row: LogRow) -> str | None:
    """The first thing wrong with the last records of a log, as a reason."""
    rows = reader.run(row.log_no, max(0, row.head_seq - _TAIL_RECORDS), _TAIL_RECORDS, _TAIL_BYTES)
    if not row.head_seq:
        return None
    if not rows or (rows[-1].seq == row.head_seq and rows[-1].record_id != row.head_id):
        return "wrong_prev"
    try:
        run = [
            open_envelope(keyring.suites, Envelope(one.header, one.signature, one.salt, one.payload)) for one in rows
        ]
        check_links(run[1:], run[0].header.seq, run[0].record_id)
        if any(record.record_id != one.record_id for record, one in zip(run, rows, strict=True)):
            return "payload_mismatch"
        check_signature(run[-1], keyring.authorise(run[-1].header).verify)
    except PeerError as error:
        return error.code
    return None


def look_at_items(reader: Reader, office: str, calendar_book: Rulebook, *, deep: bool) -> Items:
    """Fold the open items (all with ``deep``) and compare; see who has them and by which profile they were opened."""
    rows = [row for row in reader.board_query(BoardQuery(limit=_ALL, subject="-")) if row.state not in TERMINAL]
    anybody = any(unit.active for unit in reader.rows(Unit))
    unowned = tuple(_name(row) for row in rows if anybody and row.receiver == office and not row.unit)
    rows = rows if deep else rows[-_ITEMS_MAX:]
    wrong, missing, known = 0, [], {}
    for start in range(0, len(rows), _ITEMS_PER_READ):
        part = rows[start : start + _ITEMS_PER_READ]
        facts = read_facts(reader, [row.item_id for row in part])
        for row in part:
            state = fold(row.item_id, facts.get(row.item_id, []))
            wrong += digest(state) != row.digest
            rule = state.opening.rule if state.opening else ""
            profile = "/".join(rule.split("/")[:2]) if rule.count("/") >= 2 else ""
            if profile:
                key = (profile, row.issuer)
                if key not in known:
                    known[key] = calendar_book.named(*key) is not None
                if not known[key]:
                    missing.append(f"{_name(row)}（{profile}）")
    return Items(wrong, tuple(missing), unowned)


def _name(row: BoardRow) -> str:
    return row.number or row.item_id.hex()[:12]


def calendar_gap(calendar: Calendar, now_ms: int) -> int:
    """The first of the next 400 days whose year is not arranged (days since 1970-01-01); 0 = none."""
    today = day_of(now_ms)
    return next((day for day in range(today, today + CALENDAR_DAYS) if not calendar.is_known(day)), 0)


def jobs_of(reader: Reader, now_ms: int, hours: Mapping[str, int]) -> tuple[Job, ...]:
    """The jobs of a business date, each with the hour (Beijing) from which a date is due."""
    found = []
    for name, hour in hours.items():
        due = day_of(now_ms - hour * _HOUR_MS)
        # Beyond what is caught up with nothing is owed: looked for by key, newest first, since the table never ends.
        last = next((day for day in range(due, due - proposals.CATCH_UP_DAYS, -1) if reader.get(JobRun, name, day)), 0)
        found.append(Job(name, last, due))
    return tuple(found)


def backup_of(reader: Reader, folder: str) -> Backup:
    """The last checked backup."""
    made = backups.last_made(reader)
    at_ms = _ms(str(made["at"])) if made and made.get("at") else 0
    return Backup(folder, at_ms)


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def pending_of(reader: Reader) -> tuple[str, ...]:
    """Offices that wait to be admitted."""
    return tuple(row.code for row in reader.rows(Pending, state="waiting"))


def frozen_of(reader: Reader) -> tuple[str, ...]:
    """Logs that were forked, by name."""
    return tuple(place_name(row.key) for row in reader.logs() if row.frozen)


def missing_blobs(reader: Reader, here: Callable[[BlobRow], bool]) -> tuple[str, ...]:
    """Attachments that records name and that are not here; those said to be here are looked for."""
    return tuple(row.hash.hex()[:16] for row in reader.rows(BlobRow) if not row.present or not here(row))
