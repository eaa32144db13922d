"""The newest own record, told by a second small file beside the database (faults.md D3, D8).

Rules of this file:

1. The file is written after each commit that holds own records, without waiting for the disk: it may be behind the
   database, never ahead of it, as long as the database keeps what it had committed.
2. Ahead of the database at the start, it proves that the database has lost its tail (a torn WAL is dropped silently, an
   old copy was put in place, a replica took over). The node then does not author until its neighbours have given back
   what they hold, and goes on in a new epoch (section 8): no number is used twice, nobody has to notice it first.
3. A file that is absent, damaged or of another office says nothing.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple, Protocol

from node.services.care.alarms import Alarms
from node.services.exchange.author import Author
from node.services.exchange.logs import Logs
from node.services.identity import Identity
from node.sync.heads import LogState

_FORMAT = "dulian-tail-1"
_TEXT = "本机数据库缺失最后签发的记录（曾断电、磁盘或副本丢失末尾数据），正从上下级取回，取回前暂停签发"


class TailFile(Protocol):
    """Where the line is kept."""

    def read(self) -> bytes:
        """What was written last, as far as it survived; empty where there is nothing."""
        ...

    def write(self, raw: bytes) -> None:
        """Replace it; always of one length for one office, so that no new space is needed."""
        ...


class Last(NamedTuple):
    """An own record: its log, number and id."""

    log_id: bytes
    seq: int
    record_id: bytes


def encode(office: str, last: Last) -> bytes:
    """The line: format, office, log, number, id and a checksum."""
    body = f"{_FORMAT} {office} {last.log_id.hex()} {last.seq:010} {last.record_id.hex()}"
    return f"{body} {hashlib.sha256(body.encode()).hexdigest()[:16]}\n".encode()


def decode(office: str, raw: bytes) -> Last | None:
    """The record it names; None where it is not a whole line of this office."""
    parts = raw.decode("ascii", "replace").split()
    if len(parts) != 6 or parts[:2] != [_FORMAT, office]:
        return None
    try:
        last = Last(bytes.fromhex(parts[2]), int(parts[3]), bytes.fromhex(parts[4]))
    except ValueError:
        return None
    return last if encode(office, last) == raw else None


class Tail:
    """Compares at the start, and keeps the file after commits."""

    def __init__(self, file: TailFile, identity: Identity, logs: Logs, author: Author, alarms: Alarms) -> None:
        """Nothing is read yet."""
        self._file = file
        self._identity = identity
        self._logs = logs
        self._author = author
        self._alarms = alarms
        self._noted: Last | None = None

    def check(self) -> None:
        """In the first step, before anything can be written: stop authoring where the database is behind the file."""
        me = self._identity.code
        last = decode(me, self._file.read())
        # `restore` and `recover` make a home without the file: what stands in it now was written since, in the new
        # epoch, and that may be lost like anything else.
        if last is None or self._author.recovering:
            return
        log = self._logs.index.get(last.log_id)
        if log is None or log.seq < last.seq:
            self._author.stop("rollback")
            self._alarms.raise_("rolled_back", me, _TEXT)

    def note(self, log: LogState) -> None:
        """An own log has grown in this step."""
        self._noted = Last(log.log_id, log.seq, log.head_id)

    def keep(self) -> None:
        """After the commit."""
        if self._noted is not None:
            noted, self._noted = self._noted, None
            self._file.write(encode(self._identity.code, noted))
