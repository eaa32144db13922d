"""Memory of `dulian serve` at rest; the peak under load is taken while catching up (`catchup`)."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.bench.drive import Bench, Measured, forget, free_port, night_is_over, set_listen
from tests.bench.live import pid_rss_mib
from tests.conftest import ROOT

IDLE_MB_BAR = 130
_REST_S = 8.0


def measure(bench: Bench) -> list[Measured]:
    """Resident memory of the real command, some seconds after it is ready."""
    home = bench.home("province")
    night_is_over(home)
    set_listen(home, f"127.0.0.1:{free_port()}")
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "serve", "--home", str(home)], cwd=ROOT, stdout=subprocess.PIPE, stderr=log
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line.startswith(b"ready "):
            raise RuntimeError(f"serve did not start: {(home / 'log').read_text(encoding='utf-8')}")
        time.sleep(_REST_S)
        idle = pid_rss_mib(process.pid)
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()
    forget(home)
    idle_mb = idle * 1_048_576 / 1_000_000
    value, bar = f"{idle_mb:.0f} MB", f"≤ {IDLE_MB_BAR} MB"
    return [Measured("serve 空闲内存", value, bar, idle_mb <= IDLE_MB_BAR, {"idle_mb": idle_mb})]
