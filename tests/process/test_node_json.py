"""The JSON of the surface, as scripts rely on it: field names, types, words — from real nodes."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest

from tests.process.conftest import Tree
from tests.process.nodes import Node, until

MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}\+08:00\Z")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
HASH = re.compile(r"[0-9a-f]{64}\Z")
STATES = {
    "registered", "proposed", "approving", "established", "assigned", "delivered", "signed", "refused", "active",
    "submitted", "returned", "accepted", "verifying", "completed", "closed", "archived", "cancelled", "declined",
    "merged", "planning", "reinspecting",
}  # fmt: skip
LIGHTS = {"green", "yellow", "red", "done", "none"}
EFFECTS = {"applied", "waiting", "late", "invalid", "superseded", "unconfirmed", "unknown", "erased"}
LINK_STATES = {"synced", "syncing", "behind", "stale", "quarantined", "never"}
CODES = ["320000", "320500", "320583"]


@pytest.fixture(scope="module")
def work(whole_tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A task of the city with a child, a report and a file."""
    province, city, county = whole_tree.nodes
    file = tmp_path_factory.mktemp("files") / "要求.txt"
    file.write_text("要求", encoding="utf-8")
    made = province.json("item", "issue", "--title", "格式", "--to", "320500", "--due", "2099-12-31", "--point", "一",
                         "--requirement", "要求", "--attach", str(file))  # fmt: skip
    task = made["assignments"][0]["item"]
    city.await_state(task, "delivered")
    city.json("item", "sign", task)
    child = city.json("item", "decompose", task, "--to", "320583", "--title", "格式之下")["assignments"][0]["item"]
    county.await_state(child, "delivered")
    county.json("item", "sign", child)
    county.json("item", "report", child, "--text", "三成", "--percent", "30")
    province.await_state(child, "active")
    return {"own": made["item"], "task": task, "child": child, "number": made["number"]}


def moment(value: object) -> bool:
    return value is None or bool(MOMENT.match(str(value)))


def check_row(row: dict) -> None:
    for name in ("id", "number", "title", "kind", "issuer", "receiver", "role", "parent", "line", "state",
                 "state_label", "light", "due", "percent", "as_of", "updated_at"):  # fmt: skip
        assert name in row, name
    assert HASH.match(row["id"])
    assert row["parent"] is None or HASH.match(row["parent"])
    assert row["kind"] in {"registered", "assignment"}
    assert row["role"] in ({None} if row["kind"] == "registered" else {"lead", "assist", "sole"})
    line = row["line"]
    assert line["path"]
    assert (line["top"], line["bottom"]) == (line["path"][0], line["path"][-1])
    assert line["subtree"] is False
    assert row["state"] in STATES
    assert row["light"] in LIGHTS
    assert row["state_label"]
    assert row["due"] is None or DAY.match(row["due"])
    assert isinstance(row["percent"], int)
    assert moment(row["as_of"])
    assert MOMENT.match(row["updated_at"])
    assert row.get("delivery") in ({"sent", "queued"} if row["state"] == "assigned" and row["parent"] else {None})


def test_issue(whole_tree, work):
    made = whole_tree.province.json("item", "issue", "--title", "甲", "--to", "320500,320583", "--lead", "320583")
    assert set(made) >= {"item", "number", "assignments"}
    assert HASH.match(made["item"])
    assert re.match(r"320000-[0-9]{4}-[0-9]{4,}\Z", made["number"])
    assert [(one["to"], one["role"]) for one in made["assignments"]] == [("320583", "lead"), ("320500", "assist")]
    assert all(HASH.match(one["item"]) for one in made["assignments"])


def test_status(whole_tree, work):
    for node, parent, level in zip(whole_tree.nodes, [None, "320000", "320500"], ["province", "prefecture", "county"],
                                   strict=True):  # fmt: skip
        found = until(partial(healthy, node), "no alarm")
        office = {name: found["office"][name] for name in ("code", "name", "level", "parent")}
        assert office == {"code": node.code, "name": node.name, "level": level, "parent": parent}
        assert isinstance(found["epoch"], int)
        assert found["epoch"] >= 1
        assert isinstance(found["version"], str)
        assert found["ready"] is True
        assert all(isinstance(found[name], int) for name in ("records", "logs", "items"))
        assert {(link["office"], link["role"]) for link in found["links"]} == neighbours(node.code)
        for link in found["links"]:
            assert isinstance(link["connected"], bool)
            assert link["state"] in LINK_STATES
            assert moment(link["last_contact"])
            assert isinstance(link["to_send"], int)
            assert isinstance(link["to_receive"], int)
            assert link["reconciled_at"] is None or moment(link["reconciled_at"])  # the night may have been caught up


def healthy(node: Node) -> dict | None:
    status = node.status()
    return None if status["alarms"] else status


def neighbours(code: str) -> set[tuple[str, str]]:
    place = CODES.index(code)
    return {(one, "parent") for one in CODES[max(place - 1, 0) : place]} | {
        (one, "child") for one in CODES[place + 1 : place + 2]
    }


def test_list_and_show(whole_tree, work):
    for node in whole_tree.nodes:
        rows = node.json("item", "list")
        for row in rows:
            check_row(row)
        ids = {row["id"] for row in rows}
        assert work["child"] in ids
        assert (work["own"] in ids) == (node.code == "320000")
    shown = whole_tree.province.show(work["task"])
    check_row(shown)
    assert (shown["requirement"], shown["points"]) == ("要求", ["一"])
    for child in shown["children"]:
        check_row(child)
    [file] = shown["attachments"]
    assert HASH.match(file["hash"])
    assert (file["name"], file["size"], file["present"]) == ("要求.txt", 6, True)
    for node in whole_tree.nodes:
        for line in node.show(work["child"])["timeline"]:
            assert HASH.match(line["record"])
            assert isinstance(line["kind"], int | str)
            assert line["kind_label"]
            assert line["author"] in CODES
            assert line["actor"] is None or isinstance(line["actor"], str)
            assert MOMENT.match(line["recorded_at"])
            assert MOMENT.match(line["received_at"])
            assert line["effect"] in EFFECTS
            assert isinstance(line["text"], str)


def test_an_item_is_found_by_id_by_prefix_and_by_number(whole_tree, work):
    province = whole_tree.province
    assert {province.show(word)["id"] for word in (work["own"], work["own"][:16], work["number"])} == {work["own"]}


def test_heads_and_digest(whole_tree, work):
    whole_tree.settle()
    heads = {node.code: node.json("heads") for node in whole_tree.nodes}
    for found in heads.values():
        for head in found:
            assert set(head) >= {"author", "epoch", "path", "top", "bottom", "subtree", "seq", "hash"}
            assert head["author"] in head["path"]
            assert (head["top"], head["bottom"]) == (head["path"][0], head["path"][-1])
            assert head["seq"] >= 1
            assert HASH.match(head["hash"])
    digests = {node.code: node.json("digest") for node in whole_tree.nodes}
    for found in digests.values():
        assert set(found) >= {"items", "all"}
        assert HASH.match(found["all"])
        assert all(HASH.match(item) and HASH.match(digest) for item, digest in found["items"].items())
    assert len({found["items"][work["child"]] for found in digests.values()}) == 1
    assert len({found["all"] for found in digests.values()}) == 3


def test_verify_running_and_stopped_say_the_same(whole_tree, work):
    found = whole_tree.county.json("verify")
    assert found["ok"] is True
    assert found["findings"] == []
    assert all(isinstance(found[name], int) for name in ("records", "logs", "attachments"))
    assert whole_tree.county.stop() == 0
    again = whole_tree.county.json("verify")
    assert again["ok"] is True
    assert again["logs"] >= found["logs"]
    digest = whole_tree.county.cli("digest")
    assert digest.exit == 3
    whole_tree.county.serve()


def test_import(whole_tree, work, tmp_path: Path):
    from node.documents.ledger import LedgerRow, write_ledger

    file = tmp_path / "台账.xlsx"
    file.write_bytes(write_ledger([LedgerRow(0, "格式-1", "甲"), LedgerRow(0, "", "乙")]))
    found = whole_tree.city.json("import", str(file))
    assert all(set(item) >= {"row", "item", "number"} for item in found["items"])
    assert [item["row"] for item in found["items"]] == [2, 3]
    assert found["items"][0]["number"] == "格式-1"
    assert re.match(r"320500-[0-9]{4}-[0-9]{4,}\Z", found["items"][1]["number"])
    assert found["errors"] == []


def test_a_command_prints_one_document_and_nothing_else(whole_tree, work):
    """In a process of its own, as a script would call it."""
    done = whole_tree.province.run("item", "list", "--json")
    assert done.exit == 0
    assert done.err == ""
    assert {row["id"] for row in json.loads(done.out)} >= {work["own"], work["task"], work["child"]}


def test_the_ready_line(whole_tree):
    for node in whole_tree.nodes:
        assert node.ready["office"] == node.code
        assert node.ready["listen"] == node.address
        assert "console" in node.ready
