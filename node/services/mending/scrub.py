"""Scrubbing the store: what is held is compared with itself, and with what its authors signed; the library of `verify`.

Stages: **logs** (hashes, chains, the signature of every head, heads against records), **board** (every row, and every
place of a record, against a fold of the records), **attachments** (content against its hash). It reads committed data
in small portions and may run in any thread; what it finds is acted on by the core (`services.mending.repair`).

What moves while it is looked at is looked at once more before it counts as damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from node.errors import PeerError
from node.items.fact import item_id_of
from node.items.fold import fold
from node.records.chain import check_signature
from node.records.envelope import Envelope, open_envelope
from node.records.header import decode
from node.records.keyring import Keyring
from node.records.line import LogKey, log_id_of
from node.services.board.project import board_row, read_facts
from node.services.mending.lost_logs import lost_numbers
from node.storage.port import BlobRow, BoardQuery, BoardRow, LogRow, Reader, RecordRow
from node.sync.reasons import label
from node.sync.repair import Damage, LogScrub, Scrubbed

PAGE = 1_000
PAGE_BYTES = 4_194_304
_BOARD_PAGE = 500
_BYTES_PER_COST = 4_096  # of an attachment, about what one record costs
_FINDINGS_MAX = 1_000
_LABELS = {"missing": "记录缺失", "wrong_prev": "记录与前后不衔接", "foreign_line": "记录不在自己的日志里"}


class Finding(NamedTuple):
    """Something that is not as it must be: what, where, in words, and whom it concerns (the offices on the line)."""

    code: str
    where: str
    text: str
    offices: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """Its JSON."""
        return {"code": self.code, "where": self.where, "text": self.text, "offices": list(self.offices)}


class Found(NamedTuple):
    """The whole of a scrub."""

    findings: tuple[Finding, ...]
    damage: dict[int, tuple[Damage, ...]]  # by log number
    heads: dict[int, tuple[int, bytes]]  # log numbers whose head stands wrong in the log table, and what it is
    board: bool  # the board does not follow from the records
    blobs: tuple[BlobRow, ...]  # said to be here, and not right
    records: int
    logs: int
    attachments: int
    lost: tuple[int, ...] = ()  # log numbers of which the row of the log table is lost


def place_name(key: LogKey) -> str:
    """A log, for people."""
    return f"{key.author} 第{key.epoch}纪元 {'/'.join(key.line.path)}"


class Scrub:
    """One pass over a store; `portion` until it says that it is done."""

    def __init__(
        self, reader: Reader, keyring: Keyring, blob_whole: Callable[[BlobRow], bool] | None,
        held: frozenset[int] = frozenset(),
    ) -> None:  # fmt: skip
        """``blob_whole`` None: attachments are not looked into. ``held``: numbers of logs that a running node knows."""
        self._reader = reader
        self._held = held
        self._keyring = keyring
        self._blob_whole = blob_whole
        self._findings: list[Finding] = []
        self._damage: dict[int, tuple[Damage, ...]] = {}
        self._heads: dict[int, tuple[int, bytes]] = {}
        self._board = False
        self._lost: list[int] = []
        self._blobs: list[BlobRow] = []
        self.records = self._logs = self._attachments = 0
        self._work = self._stages()
        self.done = False

    def portion(self, cost_max: int) -> bool:
        """Look at about so many records more; True once all has been looked at."""
        while cost_max > 0 and not self.done:
            cost = next(self._work, None)
            if cost is None:
                self.done = True
            else:
                cost_max -= cost
        return self.done

    def found(self) -> Found:
        """What was found."""
        while not self.portion(1_000_000):
            pass
        return Found(
            tuple(self._findings), self._damage, self._heads, self._board, tuple(self._blobs), self.records,
            self._logs, self._attachments, tuple(self._lost),
        )  # fmt: skip

    def _stages(self) -> Iterator[int]:
        rows = self._reader.logs()
        missing = lost_numbers(self._reader, rows)
        if missing:  # looked at once more: a log may have been made since
            self._lost = lost_numbers(self._reader, self._reader.logs())
        for log_no in self._lost:
            self._board = True  # how far it was projected is lost with the row
            self._note("log", f"第{log_no}本日志", "日志登记丢失", ())
        for row in rows:
            self._logs += 1
            yield from self._scrub_log(row)
        yield from self._scrub_board()
        for blob in self._reader.rows(BlobRow):
            self._attachments += 1
            if blob.present and self._blob_whole is not None:
                if not self._blob_whole(blob):
                    self._blobs.append(blob)
                    self._note("attachment", blob.hash.hex(), "附件内容与登记不符或已缺失", ())
                yield 1 + blob.size_bytes // _BYTES_PER_COST
        # Of a log that lost its row and all its records nothing is left here: only who knew of it can tell.
        absent = self._held.difference(self._lost, (row.log_no for row in self._reader.logs()))
        self._lost += sorted(absent)

    # -- logs -----------------------------------------------------------------------------------------------------

    def _scrub_log(self, row: LogRow) -> Iterator[int]:
        scrub = LogScrub(self._keyring.suites, row.key, row.head_seq, row.head_id)
        if log_id_of(row.key) != row.log_id:
            self._note("log", place_name(row.key), "日志登记与其名称不符", row.key.line.path)
        after, last = 0, None
        while rows := self._reader.run(row.log_no, after, PAGE, PAGE_BYTES):
            scrub.feed(rows)
            after, last = rows[-1].seq, rows[-1]
            self.records += len(rows)
            yield len(rows)
        result = scrub.finish()
        head = next((now for now in self._reader.logs() if now.log_no == row.log_no), row) if result.beyond else row
        signed = last is not None and self._signed(row, last)
        if result.beyond and head.head_seq < after:
            text = f"登记的末号是 {head.head_seq}，实际存到 {after}"
            self._note("head", place_name(row.key), text, row.key.line.path)
            if signed and result.last_id and not result.damage:
                self._heads[row.log_no] = (result.last_seq, result.last_id)
        self._take_damage(row, result, last, signed=signed)

    def _take_damage(self, row: LogRow, result: Scrubbed, last: RecordRow | None, *, signed: bool) -> None:
        key, damage = row.key, list(result.damage)
        top = damage[-1] if damage else None
        if top is not None and last is not None and signed and top.code == "wrong_prev" and not result.beyond:
            if top.first == top.last == row.head_seq == last.seq:
                # A record that its author signed, in its place: what is wrong is what the log table says of it.
                damage.pop()
                self._heads[row.log_no] = (last.seq, last.record_id)
                self._note("head", place_name(key), "登记的末位记录与实际不符", key.line.path)
        elif top is None and last is not None and not signed:
            damage.append(Damage(last.seq, last.seq, "bad_signature", row.head_id))
        for one in damage:
            numbers = f"第{one.first}号" if one.first == one.last else f"第{one.first}至{one.last}号"
            text = _LABELS.get(one.code) or label(one.code)
            self._note(one.code, f"{place_name(key)} {numbers}", text, key.line.path)
        if damage:
            self._damage[row.log_no] = tuple(damage)

    def _signed(self, row: LogRow, last: RecordRow) -> bool:
        """Whether the last record is what its author signed: it vouches for all before it (section 3)."""
        try:
            record = open_envelope(
                self._keyring.suites, Envelope(last.header, last.signature, last.salt, last.payload)
            )
            check_signature(record, self._keyring.authorise(record.header).verify)
        except PeerError:
            return False
        return (record.record_id, record.header.log_key, record.header.seq) == (last.record_id, row.key, last.seq)

    # -- board ----------------------------------------------------------------------------------------------------

    def _scrub_board(self) -> Iterator[int]:
        """Every row against a fold of its records; every record that belongs to an item against the places."""
        held: dict[bytes, int] = {}
        logs = {row.key: row for row in self._reader.logs()}
        for row in logs.values():
            after = 0
            while rows := self._reader.run(row.log_no, after, PAGE, PAGE_BYTES):
                for stored in rows:
                    item = _item_of(stored)
                    if item and stored.seq <= row.folded_seq:
                        held[item] = held.get(item, 0) + 1
                after = rows[-1].seq
                yield len(rows)
        numbers = {key: row.log_no for key, row in logs.items()}
        doubtful: dict[bytes, int] = {}
        offset = 0
        while page := self._reader.board_query(BoardQuery(limit=_BOARD_PAGE, offset=offset)):
            offset += len(page)
            for item in self._wrong(page, numbers, held):
                doubtful[item] = held.get(item, 0)
            for board in page:
                held.pop(board.item_id, None)
            yield 3 * len(page)
        rest = sorted(held)
        for start in range(0, len(rest), _BOARD_PAGE):
            part = rest[start : start + _BOARD_PAGE]
            facts = read_facts(self._reader, part)
            # An item whose opening is not here has no row; its records have their places all the same.
            for item in part:
                if len(facts.get(item, ())) < held[item] or fold(item, facts[item]).opened:
                    doubtful[item] = held[item]
            yield 3 * len(part)
        if doubtful and not self._damage and self._at_rest():
            self._confirm(doubtful, numbers)

    def _wrong(self, page: list[BoardRow], numbers: dict[LogKey, int], held: dict[bytes, int]) -> list[bytes]:
        facts = read_facts(self._reader, [row.item_id for row in page])
        wrong = []
        for row in page:
            found = facts.get(row.item_id, [])
            state = fold(row.item_id, found)
            author, epoch, seq = state.opened_at
            opened = (numbers.get(LogKey(author, epoch, state.line), 0), seq) if state.line is not None else (0, 0)
            if len(found) < held.get(row.item_id, 0) or board_row(state, row.item_no, opened, found) != row:
                wrong.append(row.item_id)
        return wrong

    def _at_rest(self) -> bool:
        """Whether the board has caught up with the records: otherwise nothing can be said of it now."""
        return all(row.folded_seq >= row.head_seq for row in self._reader.logs())

    def _confirm(self, doubtful: dict[bytes, int], numbers: dict[LogKey, int]) -> None:
        """What was read piece by piece while the node worked is read once more."""
        numbers |= {row.key: row.log_no for row in self._reader.logs()}
        items = sorted(doubtful)
        for start in range(0, len(items), _BOARD_PAGE):
            part = items[start : start + _BOARD_PAGE]
            rows = {row.item_id: row for row in self._reader.board(part)}
            wrong = set(self._wrong(list(rows.values()), numbers, doubtful)) | (set(part) - rows.keys())
            for item in sorted(wrong):
                row = rows.get(item)
                path = tuple(row.path.split("/")) if row is not None else ()
                self._board = True
                self._note("board", item.hex(), "看板与记录不符，需重建", path)

    def _note(self, code: str, where: str, text: str, offices: tuple[str, ...]) -> None:
        if len(self._findings) < _FINDINGS_MAX:
            self._findings.append(Finding(code, where, text, offices))


def _item_of(row: RecordRow) -> bytes:
    """The item a stored record belongs to; empty where it belongs to none, or cannot be read (the logs' stage says)."""
    try:
        return item_id_of(row.record_id, decode(row.header))
    except PeerError:
        return b""
