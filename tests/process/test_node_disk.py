"""Disks that fill, turn read-only, lose a sync or take five seconds, under a real node (faults.md D4-D6, D9, X6)."""

import errno
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.nodes import DULIAN, ENVIRONMENT, Node, free_port, until
from tests.process.syscalls import CREATE, SYNC, WRITE, Disk


class OnDisk(Node):
    """A node whose disk obeys the test."""

    def __init__(self, folder: Path, code: str, name: str) -> None:
        super().__init__(folder, code, name)
        self.disk: Disk
        self.metrics_port = free_port()

    def start(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()  # of one that ended by itself
        self.disk = Disk(self.home / "run")
        with self.log_file.open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                self.disk.command([*DULIAN, "serve", "--home", str(self.home)]), stdout=subprocess.PIPE, stderr=log,
                text=True, env=ENVIRONMENT, start_new_session=True,
            )

    def asked(self, page: str) -> tuple[int, str, float]:
        """Status, text and seconds of an answer."""
        start = time.monotonic()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/{page}", timeout=10) as answer:
                return answer.status, answer.read().decode(), time.monotonic() - start
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode(), time.monotonic() - start

    def titles(self) -> set[str]:
        return {row["title"] for row in self.ask("item.list")}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[OnDisk]:
    made = OnDisk(tmp_path, "320000", "江苏省人民政府")
    made.found()
    made.configure(metrics=f"127.0.0.1:{made.metrics_port}")
    made.serve()
    try:
        made.json("item", "register", "--title", "甲")
        until(lambda: made.asked("readyz")[0] == 200 and made.titles() == {"甲"}, "ready")
        yield made
    finally:
        made.disk.mend()
        made.end()


@pytest.mark.parametrize(("number", "code", "word"), [
    (errno.ENOSPC, "disk_full", "磁盘空间不足"), (errno.EDQUOT, "disk_full", "磁盘空间不足"),
    (errno.EROFS, "read_only", "只读"),
])  # fmt: skip
def test_a_disk_that_takes_nothing_refuses_writes_serves_reads_and_goes_on_by_itself(
    node: OnDisk, number: int, code: str, word: str
) -> None:
    node.disk.error = {WRITE: number, CREATE: number}
    refused = node.cli("item", "register", "--title", "乙", "--json")
    assert refused.exit == 2, refused
    assert refused.json["error"]["code"] == code
    assert word in refused.json["error"]["text"]
    assert refused.json["error"]["remedy"]
    text = until(lambda: found[1] if (found := node.asked("readyz"))[0] == 503 else None, "not ready")
    assert code in text
    assert node.asked("livez")[0] == 200
    assert node.titles() == {"甲"}
    found = node.status()
    assert not found["ready"]
    assert [alarm["code"] for alarm in found["alarms"]] == ["store"]
    assert node.process is not None
    assert node.process.poll() is None
    node.disk.mend()
    until(lambda: node.asked("readyz")[0] == 200, "ready again by itself")
    node.json("item", "register", "--title", "丙")
    until(lambda: node.titles() == {"甲", "丙"}, "the board goes on")
    assert "store" not in node.alarms()
    assert node.json("verify")["ok"]


def test_a_sync_that_fails_stops_the_process_and_nothing_was_promised(node: OnDisk) -> None:
    assert node.process is not None
    node.disk.error = {SYNC: errno.EIO}
    refused = node.cli("item", "register", "--title", "乙", "--json")
    assert refused.exit != 0
    assert node.process.wait(20) != 0
    assert "磁盘读写出错" in node.log_text()
    assert node.disk.failed >= 1
    node.serve()
    until(lambda: "甲" in node.titles(), "what was promised is here")
    assert node.json("verify")["ok"]


def test_a_disk_that_takes_five_seconds_delays_and_loses_nothing_and_health_answers(node: OnDisk) -> None:
    node.disk.slow_s = {SYNC: 5.0}
    done: list[float] = []

    def write(title: str) -> None:
        start = time.monotonic()
        node.client().request("item.register", {"title": title})
        done.append(time.monotonic() - start)

    writers = [threading.Thread(target=write, args=(f"慢{number}",)) for number in range(8)]
    for writer in writers:
        writer.start()
    waits = []
    while any(writer.is_alive() for writer in writers):
        waits += [node.asked(page)[2] for page in ("livez", "readyz", "metrics")]
        time.sleep(0.1)
    node.disk.mend()
    assert max(waits) < 1.0, max(waits)
    assert len(done) == 8
    assert min(done) > 4.0, "the disk was not slow"
    assert max(done) < 30.0, "what waits goes into one commit"
    until(lambda: {f"慢{number}" for number in range(8)} <= node.titles(), "all are on the board")


def test_health_is_for_this_machine_alone(tmp_path: Path) -> None:
    made = Node(tmp_path, "320000", "江苏省人民政府")
    made.found()
    made.configure(metrics="0.0.0.0:9600")
    refused = made.run("serve")
    assert refused.exit == 2
    assert "回环" in refused.err
