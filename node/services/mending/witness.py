"""见证: what this office saw of a fork, published on the forked log's own line, so that every holder gets both (I5).

Rules of this file:

1. Only an office that the line names can write on it. It publishes what it holds of the frozen log from the fork on
   and what it keeps beside it; each record once, and not what another's 见证 has already enclosed.
2. The bytes are the author's own, with its signature: every reader verifies them by itself (`services.mending.forks`).
3. A step handles a bounded number of logs, and a 见证 a bounded number of records and bytes; the rest follows in the
   next steps. A record so large that no 见证 can hold it stays where it is.
"""

from __future__ import annotations

from node.errors import ForbiddenError
from node.records.envelope import Envelope
from node.records.kinds import Kind
from node.records.limits import PAYLOAD_BYTES_MAX, RE_IDS_MAX
from node.records.payload import Enclosure
from node.services.exchange.author import Author
from node.services.exchange.logs import Logs
from node.services.mending.forks import FORKS_PER_LOG_MAX, Forks
from node.storage.port import Fork, RecordRow, Store
from node.sync.heads import LogState

LOGS_PER_STEP_MAX = 10
_BYTES_MAX = PAYLOAD_BYTES_MAX - 8_192  # what else stands in the payload
_READ_BYTES_MAX = 4_194_304


class Witness:
    """Publishes, log by log."""

    def __init__(self, office: str, store: Store, logs: Logs, author: Author, forks: Forks) -> None:
        """What is still to publish is read from the store (`Forks.unwitnessed`)."""
        self._office = office
        self._store = store
        self._logs = logs
        self._author = author
        self._forks = forks
        self._refused: set[int] = set()  # logs whose 见证 could not be written: again with the next tick

    @property
    def waits(self) -> bool:
        """Whether a log waits to be looked at."""
        return bool(self._forks.unwitnessed - self._refused)

    def tick(self) -> None:
        """What could not be written may be written now."""
        self._refused.clear()

    def run(self) -> None:
        """Publish what some of the forked logs have."""
        for log_no in sorted(self._forks.unwitnessed - self._refused)[:LOGS_PER_STEP_MAX]:
            log = self._logs.index.by_no(log_no)
            missing = self._missing(log) if self._office in log.key.line.path else []
            if not missing:
                self._forks.unwitnessed.discard(log_no)
                continue
            try:
                self._publish(log, missing)
            except ForbiddenError:
                # The own log of that line is frozen too: the next epoch has another one.
                self._refused.add(log_no)

    def _missing(self, log: LogState) -> list[RecordRow | Fork]:
        self._logs.flush()
        beside = self._store.rows(Fork, log_no=log.log_no)
        held = [row.seq for row in beside if row.seq <= log.seq]
        # From the fork on: what stands before it is everybody's.
        first = min(held, default=log.seq + 1)
        own = self._store.run(log.log_no, first - 1, FORKS_PER_LOG_MAX, _READ_BYTES_MAX)
        done = self._forks.witnessed_ids(log.log_no)
        rows: list[RecordRow | Fork] = [*own, *beside]
        rows = [row for row in rows if row.record_id not in done and _envelope(row).size_bytes <= _BYTES_MAX]
        return sorted(rows, key=lambda row: (row.seq, row.record_id))

    def _publish(self, log: LogState, missing: list[RecordRow | Fork]) -> None:
        chosen: list[RecordRow | Fork] = []
        size = 0
        for row in missing[:RE_IDS_MAX]:
            size += _envelope(row).size_bytes
            if size > _BYTES_MAX:
                break
            chosen.append(row)
        enclosed = tuple(_envelope(row) for row in chosen)
        self._author.write(Kind.WITNESS, log.key.line, Enclosure("", "", enclosed))
        self._forks.note_witnessed(log.log_no, [row.record_id for row in chosen])


def _envelope(row: RecordRow | Fork) -> Envelope:
    return Envelope(row.header, row.signature, row.salt, row.payload)
