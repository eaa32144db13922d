"""Bulk catch-up over a real mTLS link into SQLite: received, verified, durable and folded; and beside what."""

from __future__ import annotations

from typing import Any

from tests.bench import postgres
from tests.bench.drive import Bench, Measured, forget, linked

_POSTGRES_ROWS, _POSTGRES_GROUPED_ROWS = 30_000, 300_000
EACH_BAR, NONE_BAR, POSTGRES_AIM, GROWTH_BAR, PEAK_MIB_BAR = 4.0, 0.7, 2.0, 0.8, 300


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


def measure(bench: Bench) -> list[Measured]:
    """Bulk catch-up, checked as in production, one by one, and not at all; single-record logs; and PostgreSQL."""
    first = catch_up(bench, "province", "suzhou")
    each = catch_up(bench, "province", "suzhou", "each")
    none = catch_up(bench, "province", "suzhou", "none")
    normal = _mean(first, catch_up(bench, "province", "suzhou"))  # before and after: the machine changes meanwhile
    single = catch_up(bench, "province", "suzhou-single")
    single_each = catch_up(bench, "province", "suzhou-single", "each")
    beside = postgres.catch_up(bench, "on", _POSTGRES_ROWS)
    grouped = postgres.catch_up(bench, "off", _POSTGRES_GROUPED_ROWS)
    own = normal["per_second"]
    what = f"追补 {normal['records']:,} 条 / {bench.templates.sizes.caught_up_logs:,} 日志"
    return [
        Measured(what, _speed(normal), "", None, normal),
        _ratio("  对逐条验签", own / each["per_second"], EACH_BAR, each),
        _ratio("  对完全不验", own / none["per_second"], NONE_BAR, none),
        Measured(f"  {single['records']:,} 日志 × 1 条", _speed(single), "(链式担保不起作用)", None, single),
        Measured("  同上,逐条验签", _speed(single_each), "", None, single_each),
        _ratio("  对 PostgreSQL 逻辑复制,逐条落盘(目标)", own / beside["per_second"], POSTGRES_AIM, beside),
        Measured(
            "  对 PostgreSQL 逻辑复制,成组落盘", f"{own / grouped['per_second']:.2f} 倍", "", None, grouped
        ),
        Measured(
            "  接收端内存峰值", f"{normal['receiver_peak_mib']:.0f} MiB", f"≤ {PEAK_MIB_BAR} MiB",
            normal["receiver_peak_mib"] <= PEAK_MIB_BAR, {"receiver_peak_mib": normal["receiver_peak_mib"]},
        ),
    ]  # fmt: skip


def measure_growth(bench: Bench) -> list[Measured]:
    """The same into a node that holds much already."""
    few = catch_up(bench, "province-few", "suzhou")
    many = catch_up(bench, "province-many", "suzhou")
    sizes = bench.templates.sizes
    stored = [sizes.stored_few_logs * sizes.per_log, sizes.stored_many_logs * sizes.per_log]
    return [
        Measured(f"追补,已存 {stored[0]:,} 条", _speed(few), "", None, few),
        Measured(f"追补,已存 {stored[1]:,} 条", _speed(many), "", None, many),
        _ratio("  两者之比", many["per_second"] / few["per_second"], GROWTH_BAR, {}),
    ]


def _mean(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    mean = {name: (first[name] + second[name]) / 2 for name in first}
    return mean | {
        "records": first["records"], "per_second": first["records"] / mean["seconds"],
        "receiver_peak_mib": max(first["receiver_peak_mib"], second["receiver_peak_mib"]),
        "seconds_of_both": [first["seconds"], second["seconds"]],
    }  # fmt: skip


def _ratio(name: str, ratio: float, bar: float, figures: dict[str, Any]) -> Measured:
    return Measured(name, f"{ratio:.2f} 倍", f"≥ {bar:g} 倍", ratio >= bar, figures | {"ratio": ratio})


def _speed(figures: dict[str, Any]) -> str:
    return f"{figures['per_second']:,.0f} 条/秒"
