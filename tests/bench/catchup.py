"""Bulk catch-up over a real mTLS link into SQLite: received, verified, durable and folded; and beside what."""

from __future__ import annotations

from typing import Any

from tests.bench.drive import Bench, forget, linked

EACH_BAR, NONE_BAR, POSTGRES_AIM, GROWTH_BAR = 4.0, 0.7, 2.0, 0.8


def catch_up(bench: Bench, parent: str, child: str, checks: str = "normal") -> dict[str, Any]:
    """Let a parent receive everything its child holds; records, seconds, records/s, CPU and memory of both."""
    sizes = bench.templates.sizes
    expected = sizes.single_logs if child == "suzhou-single" else sizes.caught_up_logs * sizes.per_log
    parent_home, child_home = bench.home(parent), bench.home(child)
    options = ["--checks", checks]
    if bench.profile:
        options += ["--profile", str(bench.profile)]
    with linked(parent_home, child_home, *options) as (receiver, sender):
        before = receiver.ask("usage", reset_peak=True)
        sent_before = sender.ask("usage", reset_peak=True)
        receiver.put("stored", records=before["records"] + expected)
        start = sender.ask("go")["at"]
        done = receiver.answer()
        sent = sender.ask("usage")
        if done["records"] != before["records"] + expected or done["unfolded"]:
            raise RuntimeError(f"not all arrived: {done}")
    forget(parent_home, child_home)
    seconds = done["at"] - start
    return {
        "records": expected, "seconds": seconds, "per_second": expected / seconds,
        "receiver_cpu_us_per_record": (done["cpu"] - before["cpu"]) / expected * 1e6,
        "sender_cpu_us_per_record": (sent["cpu"] - sent_before["cpu"]) / expected * 1e6,
        "receiver_idle_mib": before["rss_kib"] / 1024, "receiver_peak_mib": done["peak_kib"] / 1024,
        "sender_peak_mib": sent["peak_kib"] / 1024,
    }  # fmt: skip


def _speed(figures: dict[str, Any]) -> str:
    return f"{figures['per_second']:,.0f} 条/秒"
