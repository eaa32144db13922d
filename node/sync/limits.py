"""Bounds of a link, each with its unit and where the number comes from. A composition may tighten them."""

from __future__ import annotations

from typing import NamedTuple

PROTOCOL_VERSION_MIN = 1
PROTOCOL_VERSION_MAX = 2  # 2: ranges and reconciliation


class LinkLimits(NamedTuple):
    """All limits and timers of one link."""

    window_bytes: int = 4_194_304  # unreceipted batch bytes: 4 MiB fills a 100 Mbit/s link at 300 ms
    batch_bytes_max: int = 65_536  # one batch: neither what comes the other way nor other links wait for it long
    batch_records_max: int = 1_000
    frame_bytes_max: int = 4_194_304  # one frame; gRPC's own default for received messages
    heads_per_frame_max: int = 40_000
    receipt_heads_max: int = 1_000
    behind_logs_max: int = 100_000  # logs noted as missing here; more are fetched all the same
    hello_timeout_ms: int = 15_000
    keepalive_ms: int = 20_000  # ping after this silence; a link silent for twice as long is dead (faults.md N7)
    stall_timeout_ms: int = 120_000  # sent and not receipted for so long: start over
    backoff_first_ms: int = 500  # the first retry comes within 1 s with jitter
    backoff_max_ms: int = 120_000
    clock_wait_ms: int = 300_000  # a record this far ahead waits; a node this far off does not author
    clock_refuse_ms: int = 86_400_000  # beyond 24 h it is refused
    refused_retry_ms: int = 60_000  # a log refused for a passing reason is offered again after this
    refusals_per_minute_max: int = 600  # more from one neighbour and the link is closed (faults.md G12)
    blob_chunk_bytes: int = 262_144
    blob_requests_max: int = 4  # outstanding chunk requests
    marks_per_frame_max: int = 5_000
    chain_length_max: int = 12
    logs_per_peer_max: int = 100_000  # logs that cross one link; a neighbour that opens more has to wait (X5)


DEFAULT_LIMITS = LinkLimits()
