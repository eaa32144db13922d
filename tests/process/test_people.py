"""Two real nodes, the upper one by the rules of county-003: accounts, rights, approvals, a leaver, a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.nodes import Node

RULE = "规则 county-003/1 chains.setup"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Node]]:
    folder = tmp_path_factory.mktemp("people")
    upper, lower = Node(folder, "320500", "苏州市人民政府"), Node(folder, "320583", "昆山市人民政府")
    try:
        upper.found()
        upper.serve()
        lower.enter(upper)
        lower.serve()
        upper.json("rules", "publish", "--shipped", "county-003")
        hire(upper)
        yield upper, lower
    finally:
        lower.end()
        upper.end()


def hire(node: Node) -> None:
    node.json("unit", "add", "水务局")
    for name, role, *post in (
        ("承办", "supervisor"), ("查阅", "viewer"), ("张主任", "supervisor", "县政府督查室主任"),
        ("李副县长", "leader", "leader.supervision"), ("王办主任", "leader", "县政府办主任"),
        ("陈县长", "leader", "县长"), ("批示领导", "leader", "交办或批办的领导"),
    ):  # fmt: skip
        node.json("user", "add", name, "--role", role, *(part for one in post for part in ("--post", one)))
    for name in ("王五", "孙八"):
        node.json("user", "add", name, "--role", "handler", "--unit", "水务局")


def written(node: Node) -> list[tuple[str, int]]:
    """What this office has written: what comes from below meanwhile is not its own doing."""
    return [(one["bottom"], one["seq"]) for one in node.json("heads") if one["author"] == node.code]


def test_from_proposal_to_acceptance_by_the_people_of_the_office(nodes: tuple[Node, Node], tmp_path: Path) -> None:
    """R48, R56: each step by the person whose turn it is; every shortcut is exit 2 or 4, and nothing is written."""
    upper, lower = nodes
    number = upper.json(
        "item", "register", "--title", "群众反映供水问题", "--source", "handling.instruction", "--as", "承办"
    )["number"]
    before = written(upper)
    assert RULE in upper.refused("item", "assign", number, "--to", lower.code, "--as", "承办")
    upper.refused("item", "propose", number, "--text", "拟办", "--as", "查阅", code=4)
    assert "dulian user add 无此人" in upper.refused("item", "list", "--as", "无此人", code=4)
    assert written(upper) == before
    assert RULE.replace(" chains", "/chains") in upper.cli(
        "item", "propose", number, "--text", "拟转昆山市办理", "--as", "承办"
    ).out
    before = written(upper)
    for as_ in ("李副县长", "陈县长"):
        upper.refused("item", "approve", number, "--as", as_, code=4)
    assert "操作员没有职务" in upper.refused("item", "approve", number, code=4)
    assert written(upper) == before
    for as_, said in (("张主任", "下一步 审定"), ("王办主任", "下一步 审定"), ("李副县长", "审批已经完成")):
        assert said in upper.cli("item", "approve", number, "--text", "同意", "--as", as_).out
    task = upper.json("item", "assign", number, "--to", lower.code, "--as", "承办")["assignments"][0]["item"]
    lower.await_state(task, "delivered")
    lower.json("item", "sign", task)
    lower.json("item", "submit", task, "--text", "供水已恢复")
    upper.await_state(task, "submitted")
    assert "chains.accept" in upper.refused("item", "accept", task, "--as", "承办")
    paper = tmp_path / "查办报告.txt"
    paper.write_text("查办报告全文", encoding="utf-8")
    case = upper.json(
        "case", "open", task, "--subject", "accept", "--text", "查办报告", "--attach", str(paper), "--as", "承办"
    )
    shown = upper.json("case", "show", case["number"])
    assert [file["name"] for file in shown["attachments"]] == ["查办报告.txt"]
    assert "查办报告" in upper.cli("case", "show", case["number"]).out
    assert case["number"] in upper.cli("case", "list").out
    for as_ in ("张主任", "李副县长", "王办主任", "批示领导"):
        upper.json("item", "approve", case["number"], "--as", as_)
    upper.json("item", "accept", task, "--as", "承办")
    lower.await_state(task, "accepted")
    assert case["item"] not in lower.json("digest")["items"]
    actors = [(entry["kind_label"], entry["actor"]) for entry in upper.show(number)["timeline"]]
    assert ("审批", "张主任") in [(label[:2], actor) for label, actor in actors]


def test_leaver_hands_over_and_accounts_survive_a_restart(nodes: tuple[Node, Node]) -> None:
    upper, _lower = nodes
    item = upper.json("item", "issue", "--title", "管网改造", "--local", "--source", "decision.upper")["item"]
    upper.ask("item.handle", item=item, unit="水务局", person="王五")
    upper.json("item", "report", item, "--text", "开工", "--as", "王五")
    upper.kill()
    upper.serve()
    assert "1 件未结事项" in upper.refused("user", "disable", "王五")
    done = upper.cli("user", "disable", "王五", "--handover", "孙八")
    assert "移交 孙八" in done.out
    upper.refused("item", "report", item, "--text", "再报", "--as", "王五", code=4)
    upper.json("item", "report", item, "--text", "接办", "--as", "孙八")
    upper.refused("item", "cancel", item, "--reason", "不办", "--as", "孙八", code=4)
    listed = upper.cli("user", "list").out
    assert "已停用" in listed
    assert "县政府督查室主任" in listed
    assert "水务局" in upper.cli("unit", "list").out
    upper.refused("unit", "disable", "水务局")
