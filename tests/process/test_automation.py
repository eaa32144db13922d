"""The routines of a real node: run at its start, once per business date, after downtime and a kill too (C8, K6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from node.bootstrap import homes
from node.config import read_config
from node.rules.calendar import day_number
from node.services.routine.proposals import JOB
from node.storage.port import JobRun, Proposal
from node.storage.sql import SqlStore, open_store
from tests.process.nodes import Node, until

DOWN_DAYS = 40


def today() -> dt.date:
    return dt.datetime.now(ZoneInfo("Asia/Shanghai")).date()


@contextmanager
def stored(node: Node) -> Iterator[SqlStore]:
    """The store of a node that is not running."""
    store = open_store(homes.database_url(node.home, read_config(node.home)), create=False)
    try:
        yield store
    finally:
        store.close()


def runs(node: Node) -> dict[int, int]:
    with stored(node) as store:
        return {row.day: row.at_ms for row in store.rows(JobRun, job=JOB)}


def ran(node: Node, times: int) -> bool:
    """So many dates were run, as the log says."""
    return sum(line.get("event") == "routines" for line in node.log_lines()) >= times


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path, "320000", "江苏省人民政府")
    made.found()
    made.configure(routine_hour=0)
    yield made
    made.end()


def test_once_per_date_at_the_start_after_downtime_and_after_a_kill(node: Node):
    node.serve()
    until(lambda: ran(node, 1), "the first date is run")
    assert node.json("todo") == []
    due = today()
    item = node.json("item", "register", "--title", "全省政务公开自查", "--due", due.isoformat())["item"]
    node.kill()
    first = runs(node)
    assert len(first) == 1

    # As if it had been down for forty days: the last run lies so far back.
    with stored(node) as store:
        store.begin()
        for day in first:
            store.delete(JobRun, JOB, day)
        store.put([JobRun(JOB, day_number(due) - DOWN_DAYS, 1, 0)])
        store.commit(durable=True)
    node.serve()
    until(lambda: ran(node, 1 + DOWN_DAYS), "every missed date is run")
    rows = node.json("todo")
    [row] = [row for row in rows if row["item"] and row["item"]["id"] == item]
    assert row["kind"] in ("due", "overdue")  # midnight may pass meanwhile
    assert row["text"]
    assert row["grounds"]
    assert node.status()["proposals_open"] == len(rows)
    assert "全省政务公开自查" in node.cli("todo").out
    node.kill()
    caught_up = runs(node)
    assert set(caught_up) >= set(range(day_number(due) - DOWN_DAYS, day_number(due) + 1))

    node.serve()
    done = node.json("todo", "done", row["id"][:6], "--dismiss", "--reason", "当日报送")
    assert done["done"] == [row["id"]]
    assert node.json("todo", "--kind", row["kind"]) == []
    assert node.stop() == 0
    assert {day: runs(node)[day] for day in caught_up} == caught_up
    with stored(node) as store:
        kept = [one.done for one in store.rows(Proposal) if one.item_id.hex() == item]
    assert any(one.startswith("dismissed:") and one.endswith(":当日报送") for one in kept)


def test_what_is_typed_wrong_is_refused(node: Node):
    node.serve()
    assert "不认识的动作" in node.refused("todo", "nonsense")
    assert "缺少提醒的编号" in node.refused("todo", "done")
    assert "只写一个编号" in node.refused("todo", "carry", "aaaa", "bbbb")
    assert "没有这条未处理的提醒" in node.refused("todo", "done", "abcdef")
    assert "没有这条未处理的提醒" in node.refused("todo", "carry", "abcdef")
    assert "没有这类提醒" in node.refused("todo", "--kind", "nothing")
    assert "--day" in node.refused("todo", "--day", "明天")
