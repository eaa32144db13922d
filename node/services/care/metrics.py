"""Metrics in the form of Prometheus; names as in deploy/alerts.yml and docs/operations.md.

Rules: what the core counts is read when asked for; what must be looked up is gathered now and then, beside the core,
and shown as it was last seen; asking never waits for the core or the database. Labels are bounded: neighbours, kinds,
states, reasons, never items or people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from node.records.kinds import Kind
from node.services.health import Health

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SIGNATURE = frozenset({"bad_signature", "unknown_key", "wrong_path", "foreign_federation", "unknown_suite"})
_KINDS = {int(kind): kind.name.lower() for kind in Kind}
_SECONDS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class Seen:
    """What was last gathered."""

    now_ms: int = 0
    outbox_records: int = 0
    outbox_oldest_ms: int = 0
    lag: Mapping[str, int] = field(default_factory=dict)
    head_age_s: Mapping[str, float] = field(default_factory=dict)
    reconciled_s: Mapping[str, float] = field(default_factory=dict)
    repaired: int = 0
    parked: int = 0
    quarantined: int = 0
    certificate_s: Mapping[str, float] = field(default_factory=dict)
    items: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (state, light)
    overdue: int = 0
    reminders: int = 0
    backup_age_s: float | None = None
    alarms: Mapping[str, int] = field(default_factory=dict)
    over_quota: int = 0


class Metrics(Collector):
    """The registry of one node; `text` is what `/metrics` answers."""

    def __init__(self, health: Health) -> None:
        """Nothing was gathered yet."""
        self.seen = Seen()
        self._health = health
        self._registry = CollectorRegistry()
        self.rpc_seconds = Histogram(
            "dulian_rpc_seconds", "From a neighbour's frame to the commit of what it brought", buckets=_SECONDS,
            registry=self._registry,
        )  # fmt: skip
        self.db_seconds = Histogram(
            "dulian_db_seconds", "Transactions of the core, commit included", buckets=_SECONDS, registry=self._registry
        )
        pages = Histogram(
            "dulian_http_request_seconds", "From a request of the console to its answer, by route", ["page"],
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self._registry.register(self)
        health.observe_step = self.db_seconds.observe
        health.observe_page = lambda page, seconds: pages.labels(page).observe(seconds)

    def text(self) -> bytes:
        """All metrics, in the text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry."""
        yield from self._counted()
        seen = self.seen
        yield _gauge("dulian_up", "1 while no fault of the store stands", float(not self._health.fault))
        yield _gauge("dulian_outbox_records", "Records no neighbour has receipted yet", seen.outbox_records)
        oldest_s = (seen.now_ms - seen.outbox_oldest_ms) / 1000 if seen.outbox_oldest_ms else 0.0
        yield _gauge("dulian_outbox_oldest_seconds", "Age of the oldest of them", oldest_s)
        yield _by("dulian_peer_lag_records", "Records a link is behind, both ways", "peer", seen.lag)
        yield _by("dulian_peer_head_age_seconds", "Age of what a neighbour last proved", "peer", seen.head_age_s)
        yield _by(
            "dulian_reconcile_last_success_timestamp", "Last reconciliation in balance", "peer", seen.reconciled_s
        )
        repaired = CounterMetricFamily("dulian_reconcile_repaired", "Records put right from a neighbour")
        repaired.add_metric([], seen.repaired)
        yield repaired
        yield _gauge("dulian_parked_records", "Logs a neighbour refused, held back here", seen.parked)
        yield _gauge("dulian_quarantined_peers", "Neighbours set apart", seen.quarantined)
        yield _gauge("dulian_limited_peers", "Neighbours beyond their quota", seen.over_quota)
        yield _by("dulian_cert_expiry_seconds", "Life left of a TLS certificate", "certificate", seen.certificate_s)
        items = GaugeMetricFamily("dulian_items", "Items by state and light", labels=["state", "light"])
        for (state, light), count in seen.items.items():
            items.add_metric([state, light], count)
        yield items
        yield _gauge("dulian_overdue_items", "Open items past their due date", seen.overdue)
        reminders = CounterMetricFamily("dulian_reminders_sent", "Reminders and proposals made")
        reminders.add_metric([], seen.reminders)
        yield reminders
        if seen.backup_age_s is not None:
            yield _gauge("dulian_backup_age_seconds", "Age of the last checked backup", seen.backup_age_s)
        yield _by("dulian_alarms", "Standing alarms by code", "code", seen.alarms)

    def _counted(self) -> Iterator[Metric]:
        records = CounterMetricFamily(
            "dulian_records", "Records taken in, written here, refused", labels=["kind", "dir", "result"]
        )
        for (kind, came), count in list(self._health.accepted.items()):
            records.add_metric([_KINDS.get(kind, "unknown"), "in" if came else "own", "accepted"], count)
        refused = dict(self._health.refused)
        for reason, count in refused.items():
            records.add_metric(["", "in", reason], count)
        yield records
        failures = CounterMetricFamily("dulian_signature_failures", "Refused signatures by reason", labels=["reason"])
        for reason, count in refused.items():
            if reason in _SIGNATURE:
                failures.add_metric([reason], count)
        yield failures


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    found = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        found.add_metric([key], value)
    return found
