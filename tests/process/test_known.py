"""未同步 with the hop, and 责任倒查, at running nodes: the city is killed, the province is asked (I8, G13)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from tests.process.conftest import Tree
from tests.process.nodes import Node, until

LIMIT_S = 8  # four marks


def now() -> str:
    """Beijing time, to the millisecond."""
    return datetime.now(UTC).astimezone(timezone(timedelta(hours=8))).isoformat(timespec="milliseconds")


def known(node: Node, task: str) -> Any:
    return node.show(task)["known"]


def test_the_province_says_what_it_does_not_know_and_what_it_knew(tree: Tree) -> None:
    province, city, county = tree.nodes
    settings = (province.home / "config.toml").read_bytes()
    province.stop()
    province.configure(freshness_limit_s=LIMIT_S)
    province.serve()
    tree.settle()
    try:
        made = province.json("item", "issue", "--title", "责任倒查", "--to", county.code)
        task = made["assignments"][0]["item"]
        county.await_state(task, "delivered")
        county.json("item", "sign", task)
        until(lambda: known(province, task)["label"] == "未办", "the province is current")
        city.kill()
        county.json("item", "report", task, "--text", "已开工", "--percent", "30")
        found = until(lambda: unsynced(province, task), "the province knows that it does not know", LIMIT_S + 20)
        assert (found["hop"]["from"], found["hop"]["to"]) == (province.code, city.code)
        assert found["since"] == province.show(task)["as_of"]
        assert "未同步" in province.cli("item", "list", "--text", "责任倒查").out
        assert "中断" in province.cli("item", "show", task).out
        until(lambda: not [row for row in province.status()["offices"]["rows"] if row["fresh"]], "nothing is fresh")
        queued = province.json("item", "issue", "--title", "责任倒查二", "--to", city.code)["assignments"][0]["item"]
        assert known(province, queued)["hop"]["reason"] == "queued"
        during = now()
        time.sleep(0.1)
        city.serve()
        tree.settle()
        until(lambda: known(province, task)["label"] == "已报", "the province is current again")
        check_moment(province, county, task, during)
        later = now()
        assert province.json("item", "show", task, "--as-known-at", later)["state"] == "active"
        assert "时间还没有到" in province.refused("item", "show", task, "--as-known-at", "2099-01-01")
    finally:
        province.stop()
        (province.home / "config.toml").write_bytes(settings)
        province.serve()


def unsynced(node: Node, task: str) -> Any:
    found = known(node, task)
    return found if found["state"] == "unsynced" else None


def check_moment(province: Node, county: Node, task: str, during: str) -> None:
    """The county had reported, the province could not know: both say so, with the words for people."""
    assert county.json("item", "show", task, "--as-known-at", during)["state"] == "active"
    then = province.json("item", "show", task, "--as-known-at", during)
    assert (then["state"], then["later_records"], then["percent"]) == ("signed", 1, 0)
    assert then["known"]["label"] == "当时的新鲜度未保存"
    listed = province.json("item", "list", "--as-known-at", during, "--text", "责任倒查", "--kind", "assignment")
    assert [row["state"] for row in listed["items"]] == ["signed", "assigned"]
    told = province.cli("item", "show", task, "--as-known-at", during).out
    assert re.search(r"本机在 .* 所知的情况", told)
    assert "有收讫为证" in told
    assert "当时的新鲜度未保存" in told
