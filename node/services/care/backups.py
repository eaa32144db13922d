"""What the node remembers about its backups: the last one that was checked, and which dates' runs are done."""

from __future__ import annotations

import json
from collections.abc import Mapping

from node.items.lights import day_of
from node.services.care.alarms import Alarms
from node.storage.port import JobRun, Meta, Reader, Store

BACKUP_JOB = "backup"
FAILED = "backup_failed"
_META = "backup"
_HOUR_MS = 3_600_000


def due_day(reader: Reader, now_ms: int, hour: int) -> int:
    """The newest business date (days since 1970-01-01) whose hour has come, 0 where its backup is made.

    Older dates are not caught up with: a backup holds what is there now.
    """
    day = day_of(now_ms - hour * _HOUR_MS)
    return 0 if reader.get(JobRun, BACKUP_JOB, day) else day


def note_made(store: Store, alarms: Alarms, made: Mapping[str, object], day: int, now_ms: int) -> None:
    """A backup was written and checked; with ``day`` it was that date's scheduled one. Inside a transaction."""
    store.put([Meta(_META, json.dumps(dict(made), ensure_ascii=False).encode())])
    if day:
        store.put([JobRun(BACKUP_JOB, day, now_ms, 1)])
        alarms.clear(FAILED, BACKUP_JOB)


def last_made(reader: Reader) -> dict[str, object] | None:
    """The last checked backup as `note_made` was given it, None where there is none."""
    saved = reader.get(Meta, _META)
    return dict(json.loads(saved.value)) if saved else None
