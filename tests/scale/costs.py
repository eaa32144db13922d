"""What a store costs on this machine, by records and items: a real SQLite file with a real office's records in it.

The pass of a scrub, the digests of one link, the bytes on the disk; and what every office would hold after some years.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from node.records.line import Line
from node.services.board.project import Projector
from node.services.mending.scrub import Scrub
from node.services.mending.scrubbing import read_items
from node.storage.sql import open_store
from tests.conftest import ROOT
from tests.postgres.server import PostgresServer
from tests.scale import night, volumes
from tests.scale.model import Simulation
from tests.scale.offices import Tree
from tests.scale.volumes import Task
from tests.sim.memory_store import MemoryStore

SIZES = (1_000, 4_000)  # tasks
_CHILDREN = 20


def measure(sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """Per record and per item, at each size; the largest size is what is reckoned with."""
    rows = [_sqlite(size) for size in sizes]
    return rows[-1] | {"sizes": rows, "postgres": _postgres(sizes[0])}


def _sqlite(tasks: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=_build()) as folder:
        file = Path(folder) / "office.db"
        found = _measured(tasks, f"sqlite:///{file}")
        return found | {"record_bytes": file.stat().st_size / found["records"]}


def _postgres(tasks: int) -> dict[str, Any]:
    """The node's part only: what the server does meanwhile is not in it (``wall_s`` is)."""
    server = PostgresServer()
    try:
        return _measured(tasks, server.new_database())
    finally:
        server.stop()


def _measured(tasks: int, url: str) -> dict[str, Any]:
    sim = Simulation(3)
    county = sim.found("320583", "county")
    codes = [f"320583{number:03}" for number in range(101, 101 + _CHILDREN)]
    sim.admit(county, codes, "township")
    lines = [Task(Line((county.machine.code, code)), county.machine.code, code) for code in codes]
    night.write(sim, [lines[number % _CHILDREN] for number in range(tasks)])
    for code in codes:
        sim.connect(sim.nodes[code])
    sim.run()
    store = open_store(url, create=True)
    _copy(county.machine.store, store)
    began = time.thread_time()
    projector = Projector(store, county.office.logs, county.office.alarms)
    store.begin()
    while projector.run():
        pass
    store.commit(durable=True)
    fold_s = time.thread_time() - began
    store.close()
    store = open_store(url, create=False)
    reader = store.reader()
    records, items = reader.record_count(), reader.board_count()
    logs_s = _timed(partial(_logs_only, reader, county.office.keyring))
    started = time.monotonic()
    all_s = _timed(lambda: Scrub(reader, county.office.keyring, None).found())
    wall_s = time.monotonic() - started
    crosses = county.office.logs.index.crosses_line
    items_s = _timed(lambda: read_items(reader, lambda line: crosses(line, codes[0])))
    store.close()
    return {
        "tasks": tasks, "records": records, "items": items, "scrub_s": logs_s / records,
        "board_s": max(0.0, all_s - logs_s) / max(1, items), "items_s": items_s / max(1, items),
        "fold_s": fold_s / records, "scrub_wall_s": wall_s,
    }  # fmt: skip


def _logs_only(reader: Any, keyring: Any) -> None:
    scrub = Scrub(reader, keyring, None)
    for row in reader.logs():
        for _ in scrub._scrub_log(row):
            pass


def _copy(source: MemoryStore, store: Any) -> None:
    logs = source.logs()
    store.begin()
    store.add_logs([row._replace(head_seq=0, head_id=b"", folded_seq=0) for row in logs])
    for row in logs:
        records = source.run(row.log_no, 0, 10**9, 10**12)
        if records:
            store.append(records, [(row.log_no, row.head_seq, row.head_id)])
    store.commit(durable=True)


def _timed(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def _build() -> Path:
    folder = ROOT / "build" / "scale"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def held(tree: Tree, years: float = volumes.YEARS_HELD, load: float = 1.0) -> dict[str, dict[str, float]]:
    """Records and items an office holds after some years, by level: middle and most. From one day's tasks of all."""
    seen: Counter[str] = Counter()
    for code in list(tree.level):
        for task in volumes.tasks_of_a_day(Random(f"held/{code}"), code, tree.children, load):
            seen.update(task.line.path)
    by_level: dict[str, list[tuple[float, float]]] = defaultdict(list)
    own = {"township": volumes.ITEMS_A_YEAR / 10}
    for code, level in tree.level.items():
        inside = own.get(level, volumes.ITEMS_A_YEAR) * (1 - volumes.SHARE_TO_NODES) * years * load
        items = seen[code] * volumes.WORKING_DAYS * years + inside
        statements = 2 * 365 * years * (len(tree.children.get(code, ())) + 1)
        by_level[level].append((items * volumes.RECORDS_A_TASK + statements, items))
    found = {}
    for level, ones in by_level.items():
        ones.sort()
        records, items = (sum(one[column] for one in ones) / len(ones) for column in (0, 1))
        found[level] = {"records": records, "items": items, "records_max": ones[-1][0], "items_max": ones[-1][1]}
    return found
