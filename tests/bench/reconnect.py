"""Reconnecting a link that is in sync: what it costs with 1,000,000 records in 10,000 logs at both ends."""

from __future__ import annotations

from tests.bench.drive import Bench, Measured, forget, linked, median, wait_quiet, wait_synced
from tests.bench.templates import PROVINCE, WUXI

BYTES_BAR, CPU_MS_BAR = 2_048, 50.0
_TIMES = 9
_WINDOW_S = 0.6


def measure(bench: Bench) -> list[Measured]:
    """Bytes of all frames both ways, and CPU of each node, from losing the stream until well after it is in sync."""
    parent_home, child_home = bench.home("province-many"), bench.home("wuxi")
    costs: dict[str, list[float]] = {"bytes": [], "parent_cpu_ms": [], "child_cpu_ms": [], "idle_cpu_ms": []}
    with linked(parent_home, child_home) as (parent, child):
        child.ask("go")
        wait_synced(child, PROVINCE)
        wait_synced(parent, WUXI)
        wait_quiet(parent, child)
        records = parent.ask("usage")["records"]
        for _ in range(_TIMES):
            parent.put("window", seconds=_WINDOW_S)
            idle_child = child.ask("window", seconds=_WINDOW_S)
            costs["idle_cpu_ms"].append(max(parent.answer()["cpu"], idle_child["cpu"]) * 1_000)
            parent.put("window", seconds=_WINDOW_S)
            below = child.ask("reconnect", seconds=_WINDOW_S)
            above = parent.answer()
            if not below["again"]:
                raise RuntimeError(f"the link did not come back: {child.log()}")
            costs["bytes"].append(above["bytes_in"] + below["bytes_in"])
            costs["parent_cpu_ms"].append(above["cpu"] * 1_000)
            costs["child_cpu_ms"].append(below["cpu"] * 1_000)
    forget(parent_home, child_home)
    size = max(costs["bytes"])
    cpu_ms = max(median(costs["parent_cpu_ms"]), median(costs["child_cpu_ms"]))
    figures = {name: median(values) for name, values in costs.items()} | {
        f"{name}_max": max(values) for name, values in costs.items()
    }
    figures["records"] = records
    return [
        Measured(
            f"重连,两端已一致({records:,} 条)", f"{size:,.0f} 字节", f"≤ {BYTES_BAR:,} 字节", size <= BYTES_BAR, figures
        ),
        Measured(
            "  CPU(两端较大者,中位数,含 TLS 握手)", f"{cpu_ms:.0f} 毫秒", f"≤ {CPU_MS_BAR:.0f} 毫秒",
            cpu_ms <= CPU_MS_BAR, figures,
        ),
    ]  # fmt: skip
