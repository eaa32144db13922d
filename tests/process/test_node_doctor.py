"""`doctor` over real homes, running and stopped; the page listener; what the log does not say (X6, N12, P10, D1)."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.process.nodes import Node, free_port, until

SECRET_WORDS = "严禁外传的整改内容"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Node]]:
    """A province and a city that work, with pages."""
    folder = tmp_path_factory.mktemp("doctor")
    above, below = Node(folder, "320000", "江苏省人民政府"), Node(folder, "320500", "苏州市人民政府")
    above.found()
    above.serve()
    below.enter(above)
    below.configure(metrics=f"127.0.0.1:{free_port()}", mark_interval_s=1)
    below.serve()
    try:
        until(lambda: below.link("320000")["state"] == "synced", "in sync")
        task = above.ask("item.issue", title=SECRET_WORDS, to=["320500"])["assignments"][0]["item"]
        below.await_state(task, "delivered")
        below.ask("item.sign", item=task)
        below.ask("item.report", item=task, text=SECRET_WORDS)
        yield above, below
    finally:
        below.end()
        above.end()


def checks(node: Node, *words: str) -> dict[str, dict[str, str]]:
    done = node.cli("doctor", *words, "--json")
    document = json.loads(done.out)
    assert done.exit == (0 if document["ok"] else 1), done
    return {one["id"]: one for one in document["checks"]}


def states(node: Node, *words: str) -> set[str]:
    """What is found, beyond what a node on a test machine cannot help."""
    found = {id_ for id_, one in checks(node, *words).items() if one["state"] in ("警告", "故障")}
    return found - {"backup", "calendar", "ulimit", "disk"}


def page(node: Node, name: str) -> tuple[str, float]:
    start = time.monotonic()
    with urllib.request.urlopen(f"http://{node.ready['metrics']}/{name}", timeout=10) as answer:
        return answer.read().decode(), time.monotonic() - start


def test_healthy_nodes_have_nothing_found_quick_and_deep(pair: tuple[Node, Node]) -> None:
    above, below = pair
    until(lambda: not states(above), "the province is healthy")
    assert states(below) == set()
    assert states(below, "--deep") == set()
    found = checks(below)
    assert found["parent"]["state"] == found["clock"]["state"] == "正常"
    assert "需要处理" in below.cli("doctor").out or "没有问题" in below.cli("doctor").out


def test_metrics_tell_what_happened(pair: tuple[Node, Node]) -> None:
    _, below = pair
    wanted = ('dulian_peer_lag_records{peer="320000"} 0.0', 'dir="in",kind="assign",result="accepted"', "dulian_up 1.0")
    until(lambda: all(word in page(below, "metrics")[0] for word in wanted), "gathered", 60.0)
    assert SECRET_WORDS not in page(below, "metrics")[0]


def test_pages_answer_within_a_second_while_callers_hang_and_the_node_works(pair: tuple[Node, Node]) -> None:
    """Slow callers do not starve health (faults.md X6)."""
    _, below = pair
    host, port = below.ready["metrics"].rsplit(":", 1)
    hanging = [socket.create_connection((host, int(port))) for _ in range(8)]
    stop = threading.Event()

    def work() -> None:
        client = below.client()
        while not stop.is_set():
            client.request("item.list", {})
            client.request("digest", {})

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    try:
        waits = [page(below, name)[1] for _ in range(20) for name in ("livez", "readyz", "metrics")]
    finally:
        stop.set()
        for worker in workers:
            worker.join()
        for one in hanging:
            one.close()
    assert max(waits) < 1.0, max(waits)


def test_no_log_line_holds_a_secret_or_what_items_say(pair: tuple[Node, Node]) -> None:
    for node in pair:
        text = node.log_text()
        assert all(line["event"] for line in node.log_lines())
        assert SECRET_WORDS not in text
        for path in (node.home / "keys").iterdir():
            for line in path.read_text(encoding="utf-8").splitlines():
                if len(line) > 30 and "-----" not in line:
                    assert line not in text, path.name


def test_a_stopped_node_is_examined_and_each_damage_named(pair: tuple[Node, Node]) -> None:
    above, below = pair
    below.stop()
    key = below.home / "keys" / "record.key"
    try:
        assert states(below) == set()
        above.stop()
        found = checks(below)["parent"]
        assert (found["state"], found["cause"][:3]) == ("故障", "TCP")
        above.serve()
        key.chmod(0o644)
        found = checks(below)["key_mode"]
        assert (found["state"], found["fix"]) == ("故障", f"chmod 600 '{key}'")
        key.chmod(0o600)
        with closing(sqlite3.connect(below.home / "dulian.db")) as database, database:
            database.execute("UPDATE record SET payload = X'00' WHERE place = (SELECT MAX(place) FROM record)")
        assert checks(below, "--deep")["chains"]["state"] == "故障"
    finally:
        key.chmod(0o600)


def test_the_layer_that_fails_is_named(pair: tuple[Node, Node]) -> None:
    """faults.md N12: the address, the port, and who answers there."""
    _, below = pair
    config = below.home / "config.toml"
    before = config.read_text(encoding="utf-8")
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        cases = [
            ("no-such-host.invalid:7600", "地址解析"), ("127.0.0.1:1", "TCP"),
            (f"127.0.0.1:{mute.getsockname()[1]}", "TLS"),
        ]
        for address, layer in cases:
            config.write_text(f'{before}parent = "{address}"\n', encoding="utf-8")
            found = checks(below)["parent"]
            assert (found["state"], found["cause"].startswith(layer)) == ("故障", True), found
    stranger = Node(below.home.parent / "other", "330000", "浙江省人民政府")
    stranger.home.parent.mkdir()
    stranger.found()
    stranger.serve()
    try:
        config.write_text(f'{before}parent = "{stranger.address}"\n', encoding="utf-8")
        found = checks(below)["parent"]
        assert (found["state"], found["cause"].startswith("身份")) == ("故障", True), found
    finally:
        stranger.end()
        config.write_text(before, encoding="utf-8")
    assert checks(below)["parent"]["state"] == "正常"


def test_an_alarm_that_ends_by_itself_is_not_ended_by_hand(pair: tuple[Node, Node]) -> None:
    above, _ = pair
    above.refused("alarm", "ack", "fork", "abcd")
    above.ask("invite", code="320200", name="无锡市人民政府", ttl="24h", auto_approve=False)
    above.refused("alarm", "ack", "pending", "320200")
