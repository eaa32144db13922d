"""Commands tried one after another on what they would leave behind: a whole file is judged before any of it is written.

Rules of this file:

1. The commands themselves judge, with the rights, guards and rules they always have; only the pen does not write.
2. What a command would write is folded in here, so the next one is judged as it will be when all are carried out.
3. One that is refused leaves nothing. Nothing of a trial reaches the store, the logs or the projection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from node.errors import DulianError, LocalError, StoreError
from node.items.fact import Fact, fact_of
from node.items.fold import ItemState, fold
from node.records import payload as payloads
from node.records.envelope import Envelope, Record
from node.records.header import Header
from node.records.kinds import Kind
from node.records.limits import HASH_BYTES
from node.records.line import Line, LogKey
from node.records.payload import Payload
from node.services.board.project import board_row, read_facts
from node.services.commands import carry_out
from node.services.matters.desk import Caller, Desk
from node.storage.port import BoardQuery, BoardRow

if TYPE_CHECKING:
    from node.services.office import Office

_FIRST_SEQ = 2**40  # after every record there is


class Trial:
    """A stand-in for the office, inside a step of the core; thrown away afterwards."""

    def __init__(self, office: Office) -> None:
        """Nothing has been tried yet."""
        self._office = office
        self._added: dict[bytes, list[Fact]] = {}  # by item, what would have been written
        self._stored: dict[bytes, tuple[list[Fact], list[BoardRow]]] = {}  # by item, what there is
        self._states: dict[bytes, ItemState] = {}
        self._rows: dict[bytes, BoardRow] = {}
        self._undo: list[tuple[bytes, ItemState | None, BoardRow | None]] = []  # of the command being tried
        self._count = 0
        store, projector, author = _Store(self), _Projector(self), _Author(self)
        self.real: Desk = office.desk
        self.desk = office.desk._replace(
            store=cast("Any", store), projector=cast("Any", projector), author=cast("Any", author)
        )
        self.store, self.projector = store, projector

    def __getattr__(self, name: str) -> Any:
        return getattr(self._office, name)

    def refusal(self, verb: str, args: Mapping[str, object], caller: Caller) -> DulianError | None:
        """Why this caller may not do this now, after all that was tried before; None where it would be written."""
        self._undo.clear()
        try:
            carry_out(cast("Office", self), verb, args, caller)
        except (LocalError, StoreError):
            raise
        except DulianError as error:
            for item, state, row in reversed(self._undo):
                self._added[item].pop()
                self._keep(item, state, row)
            return error
        return None

    def state_of(self, item_id: bytes) -> ItemState:
        """The item as it would be."""
        return self._states.get(item_id) or self.real.projector.state_of(item_id)

    def knows(self, item_id: bytes) -> bool:
        """Whether the item's state is at hand."""
        return item_id in self._states or self.real.projector.knows(item_id)

    def rows_of(self, rows: Iterable[BoardRow]) -> list[BoardRow]:
        """Rows of the board as they would be."""
        return [self._rows.get(row.item_id, row) for row in rows]

    def write(
        self, kind: Kind, line: Line, payload: Payload, *, item: bytes = b"", re: tuple[bytes, ...] = (),
        semantic_version: int = 0, actor: str = "", channel: int = 0,
    ) -> Record:  # fmt: skip
        """Take note of what would be written; InputError on a bad payload."""
        del actor
        raw = payloads.encode(payload)
        self._count += 1
        desk, seq = self.real, _FIRST_SEQ + self._count
        now_ms, code = desk.world.clock.now_ms(), desk.identity.code
        desk.author.check_log(desk.logs.log(LogKey(code, desk.author.epoch, line)))
        record_id = b"trial".ljust(HASH_BYTES - 8, b"\0") + seq.to_bytes(8, "big")
        header = Header(
            desk.identity.federation, code, desk.author.epoch, line, seq, b"", now_ms, 0, now_ms, kind, item,
            semantic_version, re, b"", 0, channel, 0, b"", len(raw), b"",
        )  # fmt: skip
        if item:
            self._fold(item, fact_of(record_id, header, raw, now_ms))
        return Record(Envelope(b"", b"", None, raw), header, record_id)

    def _fold(self, item: bytes, fact: Fact) -> None:
        self._undo.append((item, self._states.get(item), self._rows.get(item)))
        self._added.setdefault(item, []).append(fact)
        if item not in self._stored:
            self._stored[item] = read_facts(self.real.store, [item]).get(item, []), self.real.store.board([item])
        stored, known = self._stored[item]
        facts = stored + self._added[item]
        state = fold(item, facts)
        rows = [board_row(state, row.item_no, (row.opened_log_no, row.opened_seq), facts) for row in known]
        self._keep(item, state, rows[0] if rows else None)

    def _keep(self, item: bytes, state: ItemState | None, row: BoardRow | None) -> None:
        """What an item would be; None: what it is."""
        self._states.pop(item, None)
        self._rows.pop(item, None)
        if state is not None:
            self._states[item] = state
        if row is not None:
            self._rows[item] = row


class _Store:
    """The store with the rows that would have changed; what is put is not kept."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trial.real.store, name)

    def board(self, item_ids: Iterable[bytes]) -> list[BoardRow]:
        """Rows by id."""
        return self._trial.rows_of(self._trial.real.store.board(item_ids))

    def board_query(self, query: BoardQuery) -> list[BoardRow]:
        """Rows that the query finds as the items are now, each as it would be: dates and states, not whose it is."""
        return self._trial.rows_of(self._trial.real.store.board_query(query))

    def put(self, _rows: object) -> None:
        """Nothing is kept."""

    def delete(self, *_key: object) -> None:
        """Nothing is taken away."""


class _Projector:
    """Items as they would be."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trial.real.projector, name)

    def knows(self, item_id: bytes) -> bool:
        """Whether the item's state is at hand."""
        return self._trial.knows(item_id)

    def state_of(self, item_id: bytes) -> ItemState:
        """The item's state."""
        return self._trial.state_of(item_id)


class _Author:
    """A pen that does not write."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trial.real.author, name)

    def write(self, *args: Any, **named: Any) -> Record:
        """As `services.exchange.author.Author.write`."""
        return self._trial.write(*args, **named)
