"""Bad input to a running node: one Chinese line with field, value and remedy, exit code 2, nothing written."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import socket
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from node.documents.ledger import LedgerRow, write_ledger
from node.records.limits import POINTS_MAX, TITLE_CHARS_MAX
from node.wire.local_client import LENGTH, short_path
from tests.process.conftest import Tree
from tests.process.nodes import Node, until

TODAY = dt.datetime.now(ZoneInfo("Asia/Shanghai")).date()
DUE, LATER = ((TODAY + dt.timedelta(days=days)).isoformat() for days in (60, 61))
YESTERDAY = (TODAY - dt.timedelta(days=1)).isoformat()
CITY, COUNTY = "320500", "320583"


@dataclass
class Desk:
    """Items to aim at: a task of the city, signed, due on `DUE`; one for the county, not signed; a closed one."""

    tree: Tree
    task: str
    unsigned: str
    closed: str
    ambiguous: str
    number: str


@pytest.fixture(scope="module")
def desk(whole_tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    province, city, county = whole_tree.nodes
    made = province.json("item", "issue", "--title", "限期办理", "--to", CITY, "--due", DUE)
    task = made["assignments"][0]["item"]
    city.await_state(task, "delivered")
    city.json("item", "sign", task)
    unsigned = city.json("item", "issue", "--title", "未签收", "--to", COUNTY)["assignments"][0]["item"]
    county.await_state(unsigned, "delivered")
    city.await_state(unsigned, "delivered")
    closed = city.json("item", "issue", "--title", "已销号", "--local")["item"]
    city.json("item", "submit", closed, "--text", "办结")
    city.json("item", "accept", closed)
    city.json("item", "close", closed)
    return Desk(whole_tree, task, unsigned, closed, two_alike(city, tmp_path_factory.mktemp("ledgers")), made["number"])


def two_alike(node: Node, folder: Path) -> str:
    """Four digits with which the ids of several items begin (items are registered until there are two such)."""
    for attempt in range(20):
        rows = [LedgerRow(0, f"前缀{attempt}-{place}", "编号前缀") for place in range(500)]
        node.json("import", ledger(folder / f"{attempt}.xlsx", *rows))
        ids = sorted(row["id"] for row in node.ask("item.list"))
        alike = [prefix for prefix, same in groupby(ids, lambda one: one[:4]) if len(list(same)) > 1]
        if alike:
            return alike[0]
    raise AssertionError


# At the city. Each: the words after `dulian`, the exit code, and what the line must say.
REFUSALS: list[tuple[str, int, list[str]]] = [
    ("item issue --title 甲 --to 3205x", 2, ["--to", "3205x"]),
    ("item issue --title 甲 --to 320599", 2, ["--to", "320599"]),
    ("item issue --title 甲 --to 320000", 2, ["--to", "320000"]),  # its superior
    ("item issue --title 甲 --to 320500", 2, ["--to", "320500"]),  # itself
    ("item issue --title 甲 --to 320281", 2, ["--to", "320281"]),  # another city's county
    ("item issue --title 甲 --to 320583,320583", 2, ["--to", "320583"]),
    ("item issue --title 甲 --to 320583,320582 --lead 320583 --lead 320582", 2, ["--lead", "320583,320582"]),
    ("item issue --title 甲 --to 320583 --lead 320582", 2, ["--lead", "320582"]),
    ("item issue --title 甲 --to 320583 --local", 2, ["--to"]),
    ("item issue --title 甲", 2, ["--to"]),
    ("item issue --to 320583", 2, ["--title"]),
    (f"item issue --title {'长' * (TITLE_CHARS_MAX + 1)} --to 320583", 2, ["--title"]),
    ("item issue --title 甲\u202e乙 --to 320583", 2, ["--title"]),
    (f"item issue --title 甲 --to 320583 --due {YESTERDAY}", 2, ["--due", YESTERDAY]),
    ("item issue --title 甲 --to 320583 --due 2026-02-30", 2, ["--due", "2026-02-30"]),
    ("item issue --title 甲 --to 320583 --rule r1", 2, ["--rule", "r1"]),
    ("item issue --title 甲 --to 320583" + " --point 乙" * (POINTS_MAX + 1), 2, ["--point"]),
    ("item issue --title 甲 --to 320583 --attach /nowhere/at.all", 2, ["--attach", "/nowhere/at.all"]),
    ("item issue --title 甲 --to 320583 --attach /tmp", 2, ["--attach", "/tmp"]),
    ("item issue --title 甲 --to 320583 --as 张三", 4, ["--as", "张三"]),
    ("item register --title ", 2, ["--title"]),
    (f"item decompose TASK --title 甲 --to 320583 --due {LATER}", 2, ["--due", LATER, DUE]),
    ("item decompose TASK --title 甲 --to 320281", 2, ["--to", "320281"]),
    ("item decompose UNSIGNED --title 甲 --to 320583", 4, []),
    ("item assign CLOSED --to 320583", 2, ["ITEM"]),
    ("item reassign UNSIGNED --to 320583", 2, ["--to", "320583"]),
    ("item show ffffffffffff", 2, ["ITEM", "ffffffffffff"]),
    ("item show 320500-1999-0001", 2, ["ITEM", "320500-1999-0001"]),
    ("item show AMBIGUOUS", 2, ["ITEM", "AMBIGUOUS", "多个"]),
    ("item sign TASK", 2, ["签收"]),
    ("item sign UNSIGNED", 4, [COUNTY]),
    ("item refuse TASK --reason 甲", 2, ["退签"]),
    ("item refuse TASK", 2, ["--reason"]),
    ("item insist TASK --reason 甲", 4, ["320000"]),
    ("item accept TASK", 4, ["320000"]),
    ("item close TASK", 4, ["320000"]),
    ("item return TASK --reason 甲", 4, ["320000"]),
    ("item cancel TASK --reason 甲", 4, ["320000"]),
    ("item accept UNSIGNED", 2, ["已送达"]),
    ("item report TASK --text 甲 --percent 101", 2, ["--percent", "101"]),
    ("item report TASK --text 甲 --occurred 昨天", 2, ["--occurred", "昨天"]),
    ("item report CLOSED --text 甲", 2, ["已销号"]),
    ("item submit CLOSED --text 甲", 2, ["已销号"]),
    ("item urge UNSIGNED --text 甲 --channel fax", 2, ["--channel", "fax"]),
    ("item list --state nowhere", 2, ["--state", "nowhere"]),
    ("item list --light blue", 2, ["--light", "blue"]),
    ("item list --office 32", 2, ["--office", "32"]),
    ("item list --kind other", 2, ["--kind", "other"]),
    ("item fetch TASK 0123456789 /tmp/nothing-here", 2, ["HASH", "0123456789"]),
    ("item attach TASK /nowhere/at.all", 2, ["FILE", "/nowhere/at.all"]),
    ("import /nowhere/at.xlsx", 2, ["/nowhere/at.xlsx"]),
    ("bundle export /tmp/x", 2, ["本版本未提供"]),
    ("item extend TASK --until 昨天 --reason 甲", 2, ["--until", "昨天"]),
    ("item grant TASK", 4, ["320000"]),
    ("item slip TASK --colour 白 --text 甲 --due 2099-01-01", 4, ["320000"]),
]


@pytest.mark.parametrize(("words", "code", "said"), REFUSALS, ids=[words[:60] for words, _, _ in REFUSALS])
def test_refused_with_one_line_and_nothing_written(desk: Desk, words, code, said):
    city = desk.tree.city
    places = {"TASK": desk.task, "UNSIGNED": desk.unsigned, "CLOSED": desk.closed, "AMBIGUOUS": desk.ambiguous}
    before = written(city)
    line = city.refused(*(places.get(word, word) for word in words.split(" ")), code=code)
    for part in said:
        assert places.get(part, part) in line
    assert written(city) == before


def written(node: Node) -> tuple[object, ...]:
    """All that a refused command must leave alone: heads, attachments' files."""
    heads = [(head["author"], head["path"], head["seq"], head["hash"]) for head in node.json("heads")]
    own = [head for head in heads if head[0] == node.code]
    return own, sorted(path.name for path in (node.home / "blobs").rglob("*") if path.is_file())


def test_after_all_refusals_the_nodes_are_sound(desk: Desk):
    desk.tree.agree()
    assert desk.tree.city.alarms() == set()


def test_an_error_as_json_names_its_parts(desk: Desk):
    done = desk.tree.city.cli("item", "issue", "--title", "甲", "--to", "320281", "--json")
    assert done.exit == 2
    error = done.json["error"]
    assert (error["field"], error["value"]) == ("--to", "320281")
    assert error["code"] == "input"
    assert error["text"]
    assert error["remedy"]


def test_an_attachment_above_the_limit_is_refused_at_once(desk: Desk, tmp_path):
    huge = tmp_path / "视频.mp4"
    with huge.open("wb") as file:
        file.truncate(501 * 1024**2)
    city = desk.tree.city
    before = written(city)
    for words in (["report", desk.task, "--text", "甲", "--attach", str(huge)], ["attach", desk.task, str(huge)]):
        line = city.refused("item", *words)
        assert "视频.mp4" in line
        assert "500 MiB" in line
    assert written(city) == before


def test_an_empty_attachment_is_refused(desk: Desk, tmp_path):
    good, empty = tmp_path / "材料.txt", tmp_path / "空.docx"
    good.write_bytes(secrets.token_bytes(1_000))
    empty.touch()
    city = desk.tree.city
    before = written(city)
    for words in (
        ["report", desk.task, "--text", "甲", "--attach", str(good), "--attach", str(empty)],
        ["attach", desk.task, str(empty)],
        ["issue", "--title", "甲", "--to", COUNTY, "--attach", str(empty)],
    ):
        line = city.refused("item", *words)
        assert "空.docx" in line
        assert "0字节" in line
    assert written(city) == before


def test_an_attachment_of_a_refused_command_is_not_kept(desk: Desk, tmp_path):
    file = tmp_path / "材料.txt"
    file.write_bytes(secrets.token_bytes(300_000))
    city = desk.tree.city
    before = written(city)
    city.refused("item", "report", desk.closed, "--text", "甲", "--attach", str(file))
    city.refused("item", "report", desk.task, "--text", "甲", "--attach", str(file), "--attach", str(tmp_path / "无"))
    assert written(city) == before


def test_uploads_that_break_off_cost_nothing(desk: Desk):
    """More of them than the node has threads for files: it answers afterwards, and keeps nothing of them."""
    city = desk.tree.city
    before = written(city)
    body = json.dumps({
        "verb": "item.attach", "args": {"item": desk.task}, "as": None, "os_user": "root",
        "files": [{"field": "attach", "name": "半截.bin", "size_bytes": 2_000_000}],
    }).encode()  # fmt: skip
    for _ in range(12):
        with short_path(city.home / "run") as path, socket.socket(socket.AF_UNIX) as line:
            line.connect(path)
            line.sendall(LENGTH.pack(len(body)) + body + bytes(300_000))
    until(lambda: written(city) == before, "nothing is left of them")
    assert city.json("item", "list", "--text", "绝无此事") == []
    assert city.json("verify")["ok"] is True


# -- ledgers ----------------------------------------------------------------------------------------------------------


def ledger(path: Path, *rows: LedgerRow) -> str:
    path.write_bytes(write_ledger(rows))
    return str(path)


def row(number: str, title: str = "台账事项", due: dt.date | None = None) -> LedgerRow:
    return LedgerRow(0, number, title, requirement="逐条落实", source="省政府文件", due=due, points=("一", "二"),
                     responsible="苏州市", limit_text="年底前")  # fmt: skip


def test_import_all_or_nothing(desk: Desk, tmp_path):
    city = desk.tree.city
    tag = secrets.token_hex(3)
    good = [row(f"{tag}-{place}", f"台账事项{place}", TODAY + dt.timedelta(days=place)) for place in range(1, 301)]
    before = written(city)

    bad = ledger(tmp_path / "bad.xlsx", *good[:2], row(f"{tag}-1"), row(f"{tag}-9", ""), *good[2:4])
    done = city.cli("import", bad, "--json")
    assert done.exit == 2
    assert done.json["items"] == []
    errors = {(error["row"], error["column"]) for error in done.json["errors"]}
    assert {at for at, _ in errors} == {4, 5}
    assert all(error["text"] for error in done.json["errors"])
    assert written(city) == before

    file = ledger(tmp_path / "good.xlsx", *good)
    dry = city.json("import", file, "--dry-run")
    assert (dry["items"], dry["errors"]) == ([], [])
    assert written(city) == before

    found = city.json("import", file)
    assert found["errors"] == []
    assert [item["row"] for item in found["items"]] == list(range(2, 302))
    assert [item["number"] for item in found["items"]] == [one.number for one in good]
    shown = city.show(f"{tag}-7")
    assert shown["id"] == found["items"][6]["item"]
    assert (shown["state"], shown["title"], shown["requirement"]) == ("registered", "台账事项7", "逐条落实")
    assert (shown["points"], shown["responsible"]) == (["一", "二"], "苏州市")
    assert shown["due"] == (TODAY + dt.timedelta(days=7)).isoformat()

    before = written(city)
    again = city.cli("import", file, "--json")
    assert again.exit == 2
    assert len(again.json["errors"]) == 300
    assert "登记编号" in city.cli("import", file).out
    assert written(city) == before


def test_a_due_date_that_has_passed_is_refused_row_by_row_unless_the_ledger_is_an_old_one(desk: Desk, tmp_path):
    city = desk.tree.city
    tag = secrets.token_hex(3)
    past = TODAY - dt.timedelta(days=1)
    file = ledger(tmp_path / "往年.xlsx", row(f"{tag}-1", due=TODAY), row(f"{tag}-2", due=past), row(f"{tag}-3"))
    before = written(city)
    refused = city.cli("import", file, "--json")
    assert refused.exit == 2
    [error] = refused.json["errors"]
    assert (error["row"], error["column"]) == (3, "办结时限")
    assert "（规则：时限不得早于当天）" in error["text"]
    assert "--past-due" in error["text"]
    dry = city.json("import", file, "--dry-run", "--past-due")
    assert written(city) == before
    found = city.json("import", file, "--past-due")
    for document in (dry, found):
        [warning] = document["warnings"]
        assert (warning["row"], warning["column"]) == (3, "办结时限")
        assert past.isoformat() in warning["text"]
        assert document["errors"] == []
    assert [item["row"] for item in found["items"]] == [2, 3, 4]
    assert city.show(f"{tag}-2")["light"] == "red"
    again = ledger(tmp_path / "往年二.xlsx", row(f"{tag}-4", due=past))
    done = city.cli("import", again, "--past-due")
    assert done.exit == 0
    assert "请核对：1 处" in done.out
    assert past.isoformat() in done.out


@pytest.mark.parametrize("content", [
    b"", b"no workbook at all", b"PK\x03\x04" + bytes(200), write_ledger([row("1")])[:-300],
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
], ids=["empty", "text", "zip header", "cut", "old xls"])  # fmt: skip
def test_a_broken_ledger(desk: Desk, tmp_path, content):
    file = tmp_path / "broken.xlsx"
    file.write_bytes(content)
    before = written(desk.tree.city)
    desk.tree.city.refused("import", str(file))
    assert written(desk.tree.city) == before
