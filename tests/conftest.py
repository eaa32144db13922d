"""What all tests share: no sockets where none belong, and a table of the parts at the end."""

import socket
from collections import Counter, defaultdict
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# A busy machine makes no test fail: time limits are pytest-timeout's. A failure prints how to replay it.
hypothesis.settings.register_profile(
    "dulian", deadline=None, print_blob=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("dulian")

ROOT = Path(__file__).resolve().parent.parent

LONGEST = "test_seeds.py"

# Only these parts may open connections; everything else runs on values, files and the simulator.
PARTS_WITH_SOCKETS = frozenset({"process", "postgres", "dist", "bench", "chaos", "browser"})
# socketpair() stays: an event loop wakes itself through one, and it reaches nobody else.
GUARDED_METHODS = ("bind", "connect", "connect_ex", "listen", "sendto")
GUARDED_FUNCTIONS = ("create_connection", "create_server", "getaddrinfo", "gethostbyname")


class SocketUsed(RuntimeError):
    """A test outside the parts with sockets tried to reach another process or machine."""


def part_of(path: Path) -> str:
    """The folder of tests/ that a test stands in."""
    parts = path.relative_to(ROOT / "tests").parts
    return parts[0] if len(parts) > 1 else ""


class Sharing(LoadScopeScheduling):  # type: ignore[misc] # the plugin has no types
    """Among several workers one has all that is about real processes, so that these never compete with each other.

    Of the rest a file's tests stay together. The longest comes first: another worker has it from the beginning.
    (Marks of groups would be shorter, but pytest-xdist 3.8 writes them where pytest 9.2 does not look any more.)
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "real" if part_of(ROOT / file) in PARTS_WITH_SOCKETS else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    """How tests are shared out."""
    config.option.loadscopereorder = False  # in the order of the collection
    return Sharing(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, then what one worker has for itself."""
    items.sort(key=lambda item: (item.path.name != LONGEST, part_of(item.path) not in PARTS_WITH_SOCKETS))


def _refuse(*_args: object, **_options: object) -> NoReturn:
    raise SocketUsed(f"sockets are for tests in {', '.join(sorted(PARTS_WITH_SOCKETS))} only")


@pytest.fixture(autouse=True)
def no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuses every socket, AF_UNIX included, outside the parts that are about sockets."""
    if part_of(request.path) in PARTS_WITH_SOCKETS:
        return
    for name in GUARDED_METHODS:
        monkeypatch.setattr(socket.socket, name, _refuse)
    for name in GUARDED_FUNCTIONS:
        monkeypatch.setattr(socket, name, _refuse)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints one row for each part: how many passed, failed, were skipped, and the seconds they took."""
    seconds: dict[str, float] = defaultdict(float)
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            if isinstance(report, pytest.TestReport):
                outcomes[part_of(ROOT / report.nodeid.partition("::")[0])][outcome] += 1
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[part_of(ROOT / report.nodeid.partition("::")[0])] += report.duration
    if not outcomes:
        return
    terminalreporter.section("parts")
    terminalreporter.write_line(f"{'part':<12}{'passed':>8}{'failed':>8}{'error':>8}{'skipped':>9}{'seconds':>10}")
    for part in sorted(outcomes):
        count = outcomes[part]
        terminalreporter.write_line(
            f"{part or '.':<12}{count['passed']:>8}{count['failed']:>8}{count['error']:>8}{count['skipped']:>9}"
            f"{seconds[part]:>10.1f}"
        )
