"""A node on PostgreSQL amid neighbours on SQLite: the same cycle, killed and started again."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.postgres.server import PostgresServer
from tests.process.nodes import Node, agree, until


class Line(NamedTuple):
    """Province (SQLite), city (PostgreSQL), county (SQLite)."""

    province: Node
    city: Node
    county: Node


@pytest.fixture(scope="module")
def line(server: PostgresServer) -> Iterator[Line]:
    folder = Path(tempfile.mkdtemp(prefix="dulian-pg-nodes-"))
    nodes = Line(
        Node(folder, "320000", "江苏省人民政府"), Node(folder, "320500", "苏州市人民政府"),
        Node(folder, "320583", "昆山市人民政府"),
    )  # fmt: skip
    try:
        nodes.province.found()
        nodes.province.serve()
        nodes.city.enter(nodes.province, "--database", server.new_database())
        nodes.city.configure(retry_max_s=2)
        nodes.city.serve()
        nodes.county.enter(nodes.city)
        nodes.county.configure(retry_max_s=2)
        nodes.county.serve()
        yield nodes
    finally:
        for node in reversed(nodes):
            node.end()
        shutil.rmtree(folder)


def test_the_cycle_with_a_kill_in_the_middle(line: Line, tmp_path: Path):
    province, city, county = line
    file = tmp_path / "材料.bin"
    file.write_bytes(secrets.token_bytes(400_000))
    made = province.json("item", "issue", "--title", "数据库", "--to", city.code)
    task = made["assignments"][0]["item"]
    city.await_state(task, "delivered")
    city.json("item", "sign", task)
    child = city.json("item", "decompose", task, "--to", county.code, "--title", "之下")["assignments"][0]["item"]
    county.await_state(child, "delivered")
    county.json("item", "sign", child)
    for place in range(10):
        county.json("item", "report", child, "--text", f"进展{place}", "--percent", str(place))
    city.kill()
    for place in range(10, 20):
        county.json("item", "report", child, "--text", f"进展{place}", "--percent", str(place))
    county.json("item", "submit", child, "--text", "办结", "--attach", str(file))
    province.json("item", "urge", task, "--text", "请加快")
    assert county.link(city.code)["to_send"] >= 1
    city.serve()
    city.await_state(child, "submitted")
    city.json("item", "accept", child)
    city.json("item", "submit", task, "--text", "全市办结")
    province.await_state(task, "submitted")
    province.json("item", "accept", task)
    province.json("item", "close", task)
    city.await_state(task, "closed")
    assert city.show(task)["counters"]["urges"] == 1
    assert province.show(child)["counters"]["reports"] == 20
    [found] = until(
        lambda: [one for one in province.show(child)["attachments"] if one["present"]], "the file has arrived"
    )
    province.json("item", "fetch", child, found["hash"], str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()
    assert province.json("item", "list", "--text", "之下")[0]["id"] == child
    assert city.json("item", "list", "--text", "之下")[0]["id"] == child
    agree(line)


def test_killed_while_it_writes(line: Line):
    """What the killed node acknowledged is there afterwards; `verify` holds running and stopped."""
    province, city, _ = line
    ids = [city.ask("item.register", title=f"本级{place}")["item"] for place in range(30)]
    city.kill()
    assert city.json("verify")["ok"] is True
    city.serve()
    held = {row["id"] for row in city.ask("item.list")}
    assert set(ids) <= held
    until(lambda: province.link(city.code)["connected"], "connected again")
    agree(line)


def test_a_second_process_on_the_same_database_is_refused(line: Line, tmp_path: Path):
    copy = Node(tmp_path, line.city.code, line.city.name)
    shutil.copytree(line.city.home, copy.home, ignore=shutil.ignore_patterns("run"))
    done = copy.run("serve")
    assert done.exit == 2, done
    assert "正" in done.err.splitlines()[-1]


def test_a_clean_stop(line: Line):
    began = time.monotonic()
    assert line.city.stop() == 0
    assert time.monotonic() - began < 9
    line.city.serve()
    until(lambda: line.province.link(line.city.code)["connected"], "connected again")
