"""Beside the plain way of a task, through the command line of three real nodes: 延期, 整改, 复核, 归档, 回头看."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from tests.process.conftest import Tree
from tests.process.nodes import Node, until

TODAY = dt.datetime.now(ZoneInfo("Asia/Shanghai")).date()
SOON, DUE, LATER = ((TODAY + dt.timedelta(days=days)).isoformat() for days in (30, 60, 90))


def do(node: Node, verb: str, item: str, *more: str) -> Any:
    return node.json("item", verb, item, *more)


def tracks(node: Node, item: str) -> Any:
    return node.show(item)["tracks"]


def until_told(node: Node, item: str, part: str, wanted: object) -> None:
    until(partial(lambda: tracks(node, item)[part] == wanted), f"{node.code}: {part} {wanted}")


def extension_of(node: Node, item: str) -> Any:
    return tracks(node, item)["extension"]["state"]


def test_more_time_is_asked_for_level_by_level_and_the_matter_is_archived(tree: Tree) -> None:
    """R78, R97, R98, R99, R61 and race 8 over 省 → 市 → 县."""
    province, city, county = tree.nodes
    made = province.json(
        "item", "issue", "--title", "清理审批事项", "--to", city.code, "--due", DUE, "--point", "是否公开"
    )
    own, [task] = made["item"], [one["item"] for one in made["assignments"]]
    city.await_state(task, "delivered")
    do(city, "sign", task)
    do(city, "handle", task, "--unit", "政务服务科", "--person", "张三", "--duty", "工作人员=张三")
    assert tracks(city, task)["handlers"][0]["unit"] == "政务服务科"
    below = do(city, "decompose", task, "--to", county.code, "--title", "清理县级事项", "--due", SOON)
    child = below["assignments"][0]["item"]
    county.await_state(child, "delivered")
    do(county, "sign", child)

    # 县 asks 市 beyond what 省 allows: 市 has to ask upward first.
    do(county, "extend", child, "--until", LATER, "--reason", "等待省级标准", "--progress", "完成六成")
    until(lambda: extension_of(city, child) == "requested", "the request reaches the city")
    line = city.refused("item", "grant", child)
    assert "dulian item extend" in line
    assert "规则：下级时限不得晚于上级时限" in line
    do(city, "extend", task, "--until", LATER, "--reason", "县级需延期")
    until(lambda: extension_of(province, task) == "requested", "the request reaches the province")
    assert "dulian item change" in province.refused("item", "grant", task)
    do(province, "change", own, "--due", LATER, "--reason", "等待标准")
    do(province, "grant", task)
    until(lambda: city.show(task)["due"] == LATER, "the new date reaches the city")
    do(city, "grant", child)
    until(lambda: county.show(child)["due"] == LATER, "the new date reaches the county")

    # 整改 line by line, and a rejected shortcut.
    do(city, "rectify", child, "--line", f"一=补齐台账@发改局@李四@{DUE}")
    until(lambda: tracks(county, child)["rectify"], "the list reaches the county")
    assert "只有交办单位" in county.refused("item", "rectify", child, "--clear", "一")
    do(county, "rectify", child, "--report", "一")
    until(lambda: tracks(city, child)["rectify"][0]["state"] == "reported", "the report reaches the city")
    do(city, "rectify", child, "--clear", "一")
    line = city.refused("item", "slip", child, "--colour", "黄", "--text", "甲", "--due", DUE)
    assert "规则 base-004/1 ladder" in line

    do(county, "submit", child, "--text", "已办结", "--answer", "1=已公开")
    city.await_state(child, "submitted")
    do(city, "accept", child)
    do(city, "submit", task, "--text", "全市已办结", "--answer", "1=已公开")
    province.await_state(task, "submitted")
    do(province, "accept", task)
    do(province, "verify", task, "--passed", "--finding", "群众是否满意=是")
    do(province, "close", task)
    do(province, "close", own)
    filed = do(province, "archive", own)["manifest"]
    assert any(entry.startswith("办结报告") for entry in filed)
    again = do(province, "reinspect", task, "--text", "半年后回头看")["successor"]
    assert province.show(again)["predecessor"] == task
    do(province, "reinspect", task, "--passed")
    city.await_state(task, "closed")
    shown = province.cli("item", "show", task).out
    assert "督办情况" in shown
    assert "群众是否满意 是" in shown
    tree.agree()
