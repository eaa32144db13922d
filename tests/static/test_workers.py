"""Several workers share the tests out by file, and what is about real processes has one worker for itself."""

import re
import subprocess
import sys
from collections import defaultdict

from tests.conftest import ROOT

FILES = (
    "tests/unit/test_inbox.py", "tests/unit/test_memo.py",
    "tests/process/test_wire_local.py", "tests/process/test_wire_limits.py",
)  # fmt: skip
_RAN = re.compile(r"^\[(gw\d)\] .* (tests/\S+?\.py)::", re.MULTILINE)


def test_a_file_stays_with_one_worker_and_so_do_all_real_processes() -> None:
    """As `make test` calls it; a plugin that stops looking at groups would let real nodes compete (it did once)."""
    command = [sys.executable, "-m", "pytest", "-v", "-n", "2", "--dist", "loadscope", *FILES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    workers = defaultdict(set)
    for worker, file in _RAN.findall(done.stdout):
        workers["real" if "/process/" in file else file].add(worker)
    assert len(workers) == 3
    assert all(len(who) == 1 for who in workers.values()), workers
