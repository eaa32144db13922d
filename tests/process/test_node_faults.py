"""Crashes, stops and broken links between real nodes: nothing acknowledged is lost, all converge, status tells."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from node.errors import DulianError
from tests.process.conftest import KEEPALIVE_S, RETRY_MAX_S, Tree
from tests.process.nodes import Node, until
from tests.process.nodes_proxy import Proxy

SLACK_S = 4.0  # for a machine with better things to do; the bounds of the surface are seconds, not milliseconds


@pytest.fixture
def task(tree: Tree) -> str:
    """A task of the province for the county, signed: what the county reports on it passes the city."""
    made = tree.province.json("item", "issue", "--title", "故障演练", "--to", tree.county.code)
    found = made["assignments"][0]["item"]
    tree.county.await_state(found, "delivered")
    tree.county.json("item", "sign", found)
    tree.province.await_state(found, "signed")
    return found


class Writer(threading.Thread):
    """Writes one record after another at a node and counts what the node acknowledged."""

    def __init__(self, node: Node, write: Callable[[Node, int], object]) -> None:
        super().__init__(daemon=True)
        self.acknowledged = 0
        self.unanswered = 0
        self.failure: DulianError | None = None
        self._node = node
        self._write = write
        self._stopping = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._stopping.is_set():
            number += 1
            try:
                self._write(self._node, number)
                self.acknowledged += 1
            except DulianError as error:
                if error.exit_code != 3:
                    self.failure = error
                    return
                self.unanswered += 1  # not running, or broken off: whether it was written is open
                time.sleep(0.1)

    def await_more(self) -> None:
        """Records flow."""
        seen = self.acknowledged
        until(lambda: self.acknowledged > seen + 20 or self.failure, "records flow")

    def end(self) -> None:
        self._stopping.set()
        self.join(20)
        assert not self.is_alive()
        assert self.failure is None, self.failure
        assert self.acknowledged > 0


@contextmanager
def writing(tree: Tree, task: str) -> Iterator[tuple[Writer, Writer]]:
    """The county reports, the province urges, both without pause."""
    county = Writer(tree.county, lambda node, number: node.ask("item.report", item=task, text=f"进展{number}"))
    province = Writer(tree.province, lambda node, number: node.ask("item.urge", item=task, text=f"催办{number}"))
    county.start()
    province.start()
    try:
        yield county, province
    finally:
        county.end()
        province.end()


def check_counts(tree: Tree, task: str, county: Writer, province: Writer) -> None:
    """Everywhere: at least what was acknowledged, at most what was asked for."""
    for node in tree.nodes:
        found = node.show(task)["counters"]
        for counted, writer in ((found["reports"], county), (found["urges"], province)):
            assert writer.acknowledged <= counted <= writer.acknowledged + writer.unanswered, (node.code, found)


def test_the_city_is_killed_while_both_others_write(tree: Tree, task: str):
    with writing(tree, task) as (county, province):
        for _ in range(2):
            county.await_more()
            tree.city.kill()
            until(partial(apart, tree.province, tree.city), "the province notices")
            until(partial(apart, tree.county, tree.city), "the county notices")
            for node in (tree.province, tree.county):
                link = until(partial(owes, node, tree.city.code), "status tells what is missing")
                assert link["state"] == "behind"
                assert link["oldest_unsent_at"] >= link["last_contact"][:10]
            tree.city.serve()
    tree.settle()
    tree.agree()
    check_counts(tree, task, county, province)
    assert (county.unanswered, province.unanswered) == (0, 0)  # the others never stopped
    assert all(link["to_send"] == 0 for node in tree.nodes for link in node.status()["links"])


def apart(node: Node, other: Node) -> bool:
    return not node.link(other.code)["connected"]


def dialled(proxy: Proxy, times: int) -> bool:
    return len(proxy.dials) >= times


def owes(node: Node, office: str) -> dict | None:
    link = node.link(office)
    return link if link["to_send"] > 0 and link["oldest_unsent_at"] else None


def test_the_county_is_killed_while_it_writes(tree: Tree, task: str):
    with writing(tree, task) as (county, province):
        county.await_more()
        tree.county.kill()
        link = until(
            lambda: (found := tree.city.link(tree.county.code))["connected"] is False and found, "the city notices"
        )
        assert link["last_contact"]
        tree.county.serve()
        county.await_more()
    tree.settle()
    tree.agree()
    check_counts(tree, task, county, province)


def test_a_clean_stop_while_records_flow(tree: Tree, task: str):
    with writing(tree, task) as (county, province):
        for node in (tree.city, tree.county):
            county.await_more()
            began = time.monotonic()
            assert node.stop() == 0
            assert time.monotonic() - began < 5 + SLACK_S
            assert node.log_lines()[-1]["event"] == "stopped"
            node.serve()
    tree.settle()
    tree.agree()
    check_counts(tree, task, county, province)


def test_reports_wait_while_the_parent_is_away_and_arrive_later(tree: Tree, task: str):
    assert tree.city.stop() == 0
    for place in range(5):
        tree.county.json("item", "report", task, "--text", f"离线{place}", "--percent", str(place))
    link = tree.county.link(tree.city.code)
    assert (link["connected"], link["state"]) == (False, "behind")
    assert link["to_send"] >= 5
    assert link["oldest_unsent_at"]
    assert tree.county.show(task)["percent"] == 4
    before = link["last_contact"]
    assert tree.county.stop() == 0
    tree.county.serve()  # though nobody is there to talk to
    link = tree.county.link(tree.city.code)
    assert (link["state"], link["last_contact"]) == ("behind", before)
    assert link["to_send"] >= 5
    row = next(row for row in tree.province.ask("item.list") if row["id"] == task)
    assert row["percent"] == 0
    assert (row["as_of"] or "") <= link["oldest_unsent_at"]  # 数据截至 says how old that is
    tree.city.serve()
    until(lambda: tree.province.show(task)["percent"] == 4, "the reports have arrived")
    until(lambda: (tree.province.show(task)["as_of"] or "") >= link["oldest_unsent_at"], "the province is current")
    tree.agree()


def test_a_half_open_link_is_noticed_within_two_intervals(tree: Tree, task: str):
    tree.settle()
    tree.proxy.frozen = True
    began = time.monotonic()
    tree.county.json("item", "report", task, "--text", "无人收到", "--percent", "7")
    for node, other in ((tree.county, tree.city), (tree.city, tree.county)):
        until(partial(apart, node, other), "noticed", 2 * KEEPALIVE_S + 10)
    assert time.monotonic() - began < 2 * KEEPALIVE_S + SLACK_S
    assert tree.county.link(tree.city.code)["to_send"] >= 1
    tree.proxy.frozen = False
    until(lambda: tree.province.show(task)["percent"] == 7, "the report has arrived")
    tree.agree()


def test_retries_are_quick_at_first_then_slow_and_quick_again(tree: Tree):
    """The first within 1 s; then further and further apart, up to retry_max_s; reset by a sign of life."""
    proxy = tree.proxy
    tree.settle()
    proxy.refusing = True
    for wanted in (5, 1):
        proxy.dials.clear()
        cut = time.monotonic()
        proxy.cut()
        until(partial(dialled, proxy, wanted), "it tries again", 40)
        gaps = [later - earlier for earlier, later in zip([cut, *proxy.dials], proxy.dials, strict=False)]
        assert gaps[0] < 1 + SLACK_S / 4
        assert all(gap < RETRY_MAX_S + SLACK_S for gap in gaps)
        if wanted > 1:
            assert gaps[4] > gaps[0]
            assert gaps[4] >= RETRY_MAX_S / 2  # jitter takes off half at most
        proxy.refusing = False
        until(lambda: tree.county.link(tree.city.code)["state"] == "synced", "connected again")
        proxy.refusing = True
    proxy.refusing = False


def test_the_log_is_json_and_tells_no_secret(tree: Tree):
    secrets_of = [tree.admission["token"]]
    for node in tree.nodes:
        secrets_of.append((node.home / "keys" / "record.key").read_text(encoding="utf-8").strip())
        for pem in ("link-ca.pem", "tls.pem"):
            if (node.home / "keys" / pem).exists():
                secrets_of += (node.home / "keys" / pem).read_text(encoding="utf-8").splitlines()[1:3]
    for node in tree.nodes:
        lines = node.log_lines()
        # Above, the city and the county were killed: who was called tells that a link is gone, not only who calls.
        assert {"ready", "session_opened", "session_ended"} <= {line["event"] for line in lines}
        assert all({"event", "level", "timestamp"} <= set(line) for line in lines)
        text = json.dumps(lines, ensure_ascii=False)
        assert not [secret for secret in secrets_of if secret in text]
        assert "PRIVATE KEY" not in text
        assert "dulian1." not in text
        assert not [line for line in lines if line["level"] in ("error", "critical")]
