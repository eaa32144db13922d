"""What stands beside our catch-up: PostgreSQL's logical replication catching up single-row transactions, durably.

Two clusters on this machine, wal_level=logical, default durability at both ends. The rows are as wide as our records
and have the same primary key. Measured twice from the first row that arrives to the last one, so that starting the
worker is not counted against it: with the subscription's synchronous_commit on (each transaction is on disk when it is
confirmed) and with its default off (confirmed in groups, once flushed; nearer to our group commit).
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import unquote

from tests.bench.drive import Bench
from tests.postgres.server import PostgresServer

WAIT_S = 600.0
_DURABLE = {"wal_level": "logical", "max_connections": "20", "shared_buffers": "128MB", "max_wal_size": "4GB"}
_TABLE = """CREATE TABLE record (place bigint PRIMARY KEY, record_id bytea NOT NULL, header bytea NOT NULL,
    signature bytea NOT NULL, salt bytea, payload bytea, received_ms bigint NOT NULL)"""
_FILL = """DO $$ BEGIN FOR i IN 1..{rows} LOOP
    INSERT INTO record VALUES (i, sha256(i::text::bytea), repeat('h', 275)::bytea, repeat('s', 64)::bytea,
        sha256((i + 1)::text::bytea), repeat('p', 161)::bytea, i);
    COMMIT; END LOOP; END $$"""


def catch_up(bench: Bench, synchronous_commit: str, rows: int) -> dict[str, Any]:
    """Rows, seconds and rows/s."""
    rows = max(2_000, round(rows * bench.scale))
    publisher = PostgresServer(_DURABLE)
    try:
        subscriber = PostgresServer(_DURABLE)
        try:
            return _measure(publisher, subscriber, rows, synchronous_commit)
        finally:
            subscriber.stop()
    finally:
        publisher.stop()


def _measure(
    publisher: PostgresServer, subscriber: PostgresServer, rows: int, synchronous_commit: str
) -> dict[str, Any]:
    source, target = publisher.new_database(), subscriber.new_database()
    for url, server in ((source, publisher), (target, subscriber)):
        server.execute(url, _TABLE)
    publisher.execute(source, "CREATE PUBLICATION records FOR TABLE record")
    host, name = unquote(source.partition("?host=")[2]), source.partition("?")[0].rpartition("/")[2]
    subscriber.execute(
        target,
        f"CREATE SUBSCRIPTION records CONNECTION 'host={host} dbname={name} user=dulian' PUBLICATION records"
        f" WITH (copy_data = false, synchronous_commit = '{synchronous_commit}')",
    )
    subscriber.execute(target, "ALTER SUBSCRIPTION records DISABLE")
    # How the rows came in is not measured; what is replicated are as many transactions, all on disk.
    publisher.execute(source, "ALTER SYSTEM SET synchronous_commit = off")
    publisher.execute(source, "SELECT pg_reload_conf()")
    time.sleep(0.5)
    publisher.execute(source, _FILL.format(rows=rows))
    publisher.execute(source, "ALTER SYSTEM RESET synchronous_commit")
    publisher.execute(source, "SELECT pg_reload_conf()")
    publisher.execute(source, "CHECKPOINT")
    subscriber.execute(target, "CHECKPOINT")
    subscriber.execute(target, "ALTER SUBSCRIPTION records ENABLE")
    started, before, last, deadline = 0.0, 0, 0, time.monotonic() + WAIT_S
    while last < rows:
        last = int(subscriber.execute(target, "SELECT coalesce(max(place), 0) FROM record")[0][0])
        now = time.monotonic()
        if last and not started:
            started, before = now, last
        if now > deadline:
            raise RuntimeError(f"PostgreSQL replicated {last} of {rows} rows in {WAIT_S:.0f} s")
        time.sleep(0.01)
    version = subscriber.execute(target, "SHOW server_version")[0][0]
    subscriber.execute(target, "DROP SUBSCRIPTION records")
    seconds = now - started
    return {
        "rows": rows, "synchronous_commit": synchronous_commit, "seconds": seconds,
        "per_second": (rows - before) / seconds, "version": version,
    }  # fmt: skip
