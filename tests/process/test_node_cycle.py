"""The whole life of items over three real levels, through the command line."""

from __future__ import annotations

import datetime as dt
import secrets
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from tests.process.conftest import Tree
from tests.process.nodes import Node, until

TODAY = dt.datetime.now(ZoneInfo("Asia/Shanghai")).date()
DUE = (TODAY + dt.timedelta(days=90)).isoformat()
EARLIER = (TODAY + dt.timedelta(days=60)).isoformat()


def issue(node: Node, to: str, title: str, *more: str) -> tuple[str, str]:
    """Issue to one receiver: (own item, task)."""
    made = node.json("item", "issue", "--title", title, "--to", to, *more)
    [task] = made["assignments"]
    return made["item"], task["item"]


def do(node: Node, verb: str, item: str, *more: str) -> dict:
    found = node.json("item", verb, item, *more)
    assert found["item"] == item
    return found


def present(node: Node, item: str, name: str) -> list:
    """The item's attachments of this name, once they are whole."""
    return [one for one in node.show(item)["attachments"] if one["name"] == name and one["present"]]


def urged(node: Node, item: str) -> bool:
    return node.show(item)["counters"]["urges"] == 1


def signed(node: Node, item: str) -> None:
    node.await_state(item, "delivered")
    do(node, "sign", item)


def test_from_issue_to_closure_over_three_levels(tree: Tree, tmp_path):
    province, city, county = tree.nodes
    brief, report = tmp_path / "通知.pdf", tmp_path / "落实情况.docx"
    brief.write_bytes(secrets.token_bytes(70_000))
    report.write_bytes(secrets.token_bytes(600_000))
    made = province.json(
        "item", "issue", "--title", "推进政务公开", "--to", city.code, "--requirement", "按季度报告", "--source",
        "重要会议", "--due", DUE, "--point", "一是公开", "--point", "二是解读", "--attach", str(brief),
    )
    own, [task] = made["item"], [one["item"] for one in made["assignments"]]
    assert [(one["to"], one["role"]) for one in made["assignments"]] == [(city.code, "sole")]

    signed(city, task)
    assert province.await_state(task, "signed")["due"] == DUE
    below = city.json("item", "decompose", task, "--to", county.code, "--title", "昆山市推进政务公开", "--due", EARLIER)
    assert below["item"] == task
    [child] = [one["item"] for one in below["assignments"]]
    signed(county, child)
    assert county.show(child)["line"]["path"] == [province.code, city.code, county.code]

    do(county, "report", child, "--text", "已完成四成", "--percent", "40", "--attach", str(report))
    row = until(
        lambda: [row for row in province.ask("item.list") if row["id"] == child and row["percent"] == 40],
        "the province sees the county's progress",
    )[0]
    assert (row["state"], row["issuer"], row["receiver"]) == ("active", city.code, county.code)
    shown = province.show(task)
    assert [one["id"] for one in shown["children"]] == [child]
    assert shown["points"] == ["一是公开", "二是解读"]
    assert city.refused("item", "submit", task, "--text", "尚有下级未结")

    do(county, "submit", child, "--text", "已办结")
    city.await_state(child, "submitted")
    do(city, "return", child, "--reason", "材料不全", "--redo")
    county.await_state(child, "returned")
    do(county, "submit", child, "--text", "已补齐材料并办结")
    city.await_state(child, "submitted")
    do(city, "accept", child, "--text", "同意")
    do(city, "submit", task, "--text", "全市已办结")
    province.await_state(task, "submitted")
    do(province, "accept", task)
    do(province, "close", task)
    do(province, "close", own)
    city.await_state(task, "closed")
    do(city, "close", child)
    for node in tree.nodes:
        node.await_state(child, "closed")
    assert [row["id"] for row in city.ask("item.list")].count(own) == 0  # the province's own matter stays there

    # The county's file as the province holds it, and the province's as the city holds it.
    for node, item, original in ((province, child, report), (city, task, brief)):
        [file] = until(partial(present, node, item, original.name), "the attachment is there")
        assert (file["name"], file["size"]) == (original.name, original.stat().st_size)
        fetched = tmp_path / f"fetched-{node.code}"
        node.json("item", "fetch", item, file["hash"][:12], str(fetched))
        assert fetched.read_bytes() == original.read_bytes()
        assert "不覆盖" in node.refused("item", "fetch", item, file["hash"], str(fetched))
    kinds = [line["kind_label"] for line in province.show(child)["timeline"]]
    assert kinds[0] == "交办"
    assert {"送达", "签收", "退回", "审核通过", "销号"} <= set(kinds)
    assert {line["effect"] for line in province.show(child)["timeline"]} == {"applied"}
    tree.agree()


def test_refused_insisted_reassigned(tree: Tree):
    province, city, county = tree.nodes
    _, task = issue(province, city.code, "退签与坚持")
    city.await_state(task, "delivered")
    do(city, "refuse", task, "--reason", "不属本市职责")
    province.await_state(task, "refused")
    do(province, "insist", task, "--reason", "由你市牵头")
    signed(city, task)
    province.await_state(task, "signed")

    _, task = issue(province, city.code, "退签与改派")
    city.await_state(task, "delivered")
    do(city, "refuse", task, "--reason", "应由昆山市直接承办")
    province.await_state(task, "refused")
    [successor] = province.json("item", "reassign", task, "--to", county.code)["assignments"]
    assert successor["to"] == county.code
    assert city.await_state(task, "cancelled")["state_label"] == "已改派"
    signed(county, successor["item"])
    province.await_state(successor["item"], "signed")
    assert province.show(task)["successor"] == successor["item"]
    assert "不能" in city.refused("item", "sign", task)
    tree.agree()


def test_a_cancellation_goes_all_the_way_down(tree: Tree):
    province, city, county = tree.nodes
    own, task = issue(province, city.code, "将被撤销", "--due", DUE)
    signed(city, task)
    [child] = city.json("item", "decompose", task, "--to", county.code, "--title", "将被撤销")["assignments"]
    signed(county, child["item"])
    do(province, "cancel", own, "--reason", "情况变化")
    for node in (city, province):
        node.await_state(task, "cancelled")
    for node in tree.nodes:
        node.await_state(child["item"], "cancelled")
    assert "不能" in county.refused("item", "report", child["item"], "--text", "迟了")
    tree.agree()


def test_the_province_urges_and_assigns_past_the_city(tree: Tree):
    province, city, county = tree.nodes
    _, task = issue(province, city.code, "层层分解")
    signed(city, task)
    [child] = city.json("item", "decompose", task, "--to", county.code, "--title", "层层分解")["assignments"]
    signed(county, child["item"])
    province.await_state(child["item"], "signed")
    do(province, "urge", child["item"], "--text", "请加快办理", "--channel", "phone")
    for node in (city, county):
        until(partial(urged, node, child["item"]), "urged")
    # G5: the issuer's verbs are the issuer's: here the city's.
    do(county, "submit", child["item"], "--text", "完成")
    province.await_state(child["item"], "submitted")
    assert city.code in province.refused("item", "accept", child["item"], code=4)

    _, direct = issue(province, county.code, "省直接交办县", "--due", DUE)
    row = county.await_state(direct, "delivered")
    assert row["line"]["path"] == [province.code, city.code, county.code]
    do(county, "sign", direct)
    do(county, "submit", direct, "--text", "直接办结")
    for node in (province, city):
        node.await_state(direct, "submitted")  # the city holds it too: 抄送
    assert province.code in city.refused("item", "accept", direct, code=4)
    do(province, "accept", direct)
    county.await_state(direct, "accepted")
    tree.agree()


def test_a_task_for_an_office_that_has_not_joined_waits_visibly(tree: Tree):
    province = tree.province
    made = province.json("item", "issue", "--title", "两市分别办理", "--to", f"{tree.city.code},320200")
    first, waiting = (one["item"] for one in made["assignments"])
    tree.city.await_state(first, "delivered")
    row = province.show(waiting)
    assert (row["state"], row["delivery"], row["state_label"]) == ("assigned", "queued", "待转送")
    assert row["receiver"] == "320200"
    assert "待转送" in province.cli("item", "list", "--office", "320200").out
    assert not [row for row in tree.city.ask("item.list") if row["id"] == waiting]


def test_lead_and_assistants(tree: Tree):
    province = tree.province
    made = province.json(
        "item", "issue", "--title", "牵头与协办", "--to", f"{tree.city.code},320200,320300", "--lead", "320200"
    )
    assert {one["to"]: one["role"] for one in made["assignments"]} == {
        tree.city.code: "assist", "320200": "lead", "320300": "assist",
    }  # fmt: skip


def test_register_assign_and_own_matters(tree: Tree):
    city, county = tree.city, tree.county
    made = city.json("item", "register", "--title", "市长批示", "--due", DUE)
    assert city.show(made["number"])["state"] == "registered"
    tasks = city.json("item", "assign", made["number"], "--to", county.code, "--due", EARLIER)["assignments"]
    task = tasks[0]["item"]
    signed(county, task)
    city.await_state(task, "signed")
    assert county.show(task)["line"]["path"] == [city.code, county.code]
    assert not [row for row in tree.province.ask("item.list") if row["id"] == task]  # not for the province
    local = city.json("item", "issue", "--title", "自办事项", "--local")
    assert local["assignments"] == []
    do(city, "report", local["item"], "--text", "进行中", "--percent", "50")
    do(city, "submit", local["item"], "--text", "已办结")
    do(city, "accept", local["item"])
    do(city, "close", local["item"])
    assert city.show(local["item"])["state"] == "closed"
    tree.agree()


def test_list_filters(tree: Tree):
    province, city = tree.province, tree.city
    word = f"专题{secrets.token_hex(4)}"
    own, task = issue(province, city.code, word, "--due", DUE)
    city.await_state(task, "delivered")
    province.await_state(task, "delivered")

    def listed(*words: str) -> set[str]:
        return {row["id"] for row in province.json("item", "list", "--text", word, *words)}

    assert listed() == {own, task}
    assert listed("--state", "delivered") == {task}
    assert listed("--kind", "assignment") == {task}
    assert listed("--kind", "registered") == {own}
    assert listed("--light", "green") == {own, task}
    assert listed("--light", "red") == set()
    assert listed("--office", "320300") == set()
    assert task in listed("--office", city.code)
    assert province.json("item", "list", "--text", "绝无此事") == []


@pytest.mark.parametrize("office", ["province", "county"])
def test_attach_to_an_item(tree: Tree, tmp_path, office):
    province, county = tree.province, tree.county
    _, task = issue(province, county.code, "附件往返")
    signed(county, task)
    province.await_state(task, "signed")
    file = tmp_path / "证明材料.txt"
    file.write_text("证明材料" * 1_000, encoding="utf-8")
    if office == "province":
        # Evidence is the receiver's; the issuer's files stand in the opening.
        assert county.code in province.refused("item", "attach", task, str(file), code=4)
        return
    do(county, "attach", task, str(file))
    [found] = until(partial(present, province, task, file.name), "the file has arrived")
    province.json("item", "fetch", task, found["hash"], str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()
