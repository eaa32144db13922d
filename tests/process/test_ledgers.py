"""Ledgers at running nodes: shown, exported, edited in Excel, and back; a task list as an office keeps it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import openpyxl

from tests.process.conftest import Tree
from tests.process.nodes import Node


def heads(page: Any) -> dict[str, int]:
    return {str(cell.value): cell.column for cell in page[1]}


def put(file: Path, number: str, **texts: str) -> int:
    """Write cells of the row with this 登记编号, by column name; its row number."""
    book = openpyxl.load_workbook(file)
    page = book.worksheets[0]
    at = heads(page)
    [row] = [row for row in range(2, page.max_row + 1) if page.cell(row, at["登记编号"]).value == number]
    for name, text in texts.items():
        page.cell(row, at[name]).value = text
    book.save(file)
    return row


def refused_alike(province: Node, again: Path, tag: str, number: str) -> None:
    """What `item change` refuses is refused by the preview too, and nothing is written."""
    province.json("export", "ledger", str(again), "--text", tag)
    row = put(again, number, 办结时限="2027/5/31", 责任人="赵某")
    for apply in ((), ("--apply",)):
        done = province.json("import", "ledger", str(again), *apply, codes=(2,))
        [error] = done["errors"]
        assert (error["row"], error["column"], done["written"]) == (row, "办结时限", [])
        assert "下级任务的时限更晚" in error["text"]


def test_export_edit_import(tree: Tree, tmp_path: Path) -> None:
    """R92–R95: differences first, all or none, conflicts named, only what is this office's to say."""
    province, city, _ = tree.nodes
    tree.settle()
    tag = secrets.token_hex(3)
    made = province.json("item", "issue", "--title", f"=台账{tag}", "--to", city.code, "--due", "2027-06-30")
    task, number = made["assignments"][0]["item"], made["number"]
    city.await_state(task, "delivered")
    city.json("item", "sign", task)
    city.json("item", "report", task, "--text", "已制定方案", "--percent", "20")
    province.json("item", "handle", number, "--unit", "督查室", "--person", "李某")
    tree.settle()

    listed = province.json("ledger", "list")
    assert [one["ledger"] for one in listed["ledgers"]] == ["all"]
    shown = province.json("ledger", "show", "all", "--text", tag)
    assert (shown["total"], shown["pages"]) == (1, 1)
    cells = shown["rows"][0]["cells"]
    assert (cells["title"], cells["lead"], cells["due"]) == (f"=台账{tag}", "苏州市人民政府", "2027-06-30")
    assert cells["progress"] == "苏州市人民政府：已制定方案"
    assert "共 1 件" in province.cli("ledger", "show", "all", "--text", tag).out
    assert province.json("ledger", "show", "all", "--text", tag, "--light", "red")["total"] == 0
    assert province.json("ledger", "show", "all", "--text", tag, "--year", "2020")["total"] == 0
    assert "没有这本台账" in province.refused("ledger", "show", "没有的")

    file = tmp_path / "台账.xlsx"
    assert province.json("export", "ledger", str(file), "--text", tag)["rows"] == 1
    page = openpyxl.load_workbook(file).worksheets[0]
    assert {cell.data_type for row in page.iter_rows() for cell in row if cell.value is not None} == {"s"}
    assert page.freeze_panes == "D2"
    assert page.auto_filter.ref
    same = province.json("import", "ledger", str(file))
    assert (same["differences"], same["errors"]) == ([], [])

    row = put(file, number, 最近进展="平台已上线", 完成比例="60%", 责任人="王某", 办结时限="2027年7月31日")
    before = province.status()["records"]
    seen = province.json("import", "ledger", str(file))
    assert {(one["row"], one["column"], one["old"], one["new"], one["kind_label"]) for one in seen["differences"]} == {
        (row, "最近进展", "苏州市人民政府：已制定方案", "平台已上线", "进展"), (row, "完成比例", "20%", "60%", "进展"),
        (row, "责任人", "李某", "王某", "内部交办"),
        (row, "办结时限", "2027-06-30", "2027年7月31日", "变更"),
    }  # fmt: skip
    assert (seen["applied"], province.status()["records"]) == (False, before)
    done = province.json("import", "ledger", str(file), "--apply")
    assert (done["applied"], len(done["written"])) == (True, 3)
    cells = province.json("ledger", "show", "all", "--text", tag)["rows"][0]["cells"]
    found = {key: cells[key] for key in ("progress", "percent", "person", "due")}
    assert found == {"progress": "平台已上线", "percent": "60%", "person": "王某", "due": "2027-07-31"}

    refused_alike(province, tmp_path / "再改.xlsx", tag, number)

    # Exported before these records: every further edit is a conflict, and they are named.
    put(file, number, 最近进展="又改一次")
    done = province.json("import", "ledger", str(file), "--apply", codes=(2,))
    [conflict] = done["conflicts"]
    assert "进展（江苏省人民政府" in conflict["text"]
    assert len(conflict["records"]) == 3

    # What is not to be said in a ledger, or not by this office, stops everything.
    theirs = tmp_path / "下级.xlsx"
    province.json("export", "ledger", str(theirs), "--text", tag, "--office", city.code)
    put(theirs, f"{number}/1", 最近进展="替下级说", 事项="改名")
    before = province.status()["records"]
    done = province.json("import", "ledger", str(theirs), "--apply", codes=(2,))
    assert {one["column"] for one in done["errors"]} == {"最近进展", "事项"}
    assert province.status()["records"] == before
    assert "不是本单位" in city.cli("import", "ledger", str(theirs)).out
    assert "import ledger" in province.refused("import", str(theirs))


def test_a_task_list_becomes_items(tree: Tree, tmp_path: Path) -> None:
    """R29, R33, R94: merged cells, several units, limits in words; what is doubtful is told."""
    city = tree.nodes[1]
    tag = secrets.token_hex(3)
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for line in (
        [f"2027年重点工作任务清单{tag}"],
        ["序号", "工作任务", "牵头单位", "配合单位", "完成时限", "责任人", "时序进度", "备注"],
        ["（一）", f"界定各级政府职责{tag}", "市政府办", "市财政局、市监察局", "6月底前", "王某", "3月底前制定方案",
         "长期坚持"],
        ["（二）", f"健全督查机制{tag}", "市政府办", None, "每季度末", None, None, None],
    ):
        page.append(line)
    page.merge_cells("A1:H1")
    file = tmp_path / "清单.xlsx"
    book.save(file)
    found = city.json("import", str(file))
    assert (len(found["items"]), found["errors"]) == (2, [])
    assert [(one["row"], one["column"]) for one in found["warnings"]] == [(3, "完成时限"), (4, "完成时限")]
    rows = city.json("ledger", "show", "all", "--text", tag)["rows"]
    cells = rows[0]["cells"]
    wanted = {
        "lead": "市政府办", "assist": "市财政局、市监察局", "due": "2027-06-30", "person": "王某",
        "schedule": "2027-03-31 3月底前制定方案", "light": "绿（正常）", "state": "已登记",
    }  # fmt: skip
    assert {key: cells[key] for key in wanted} == wanted
    assert (rows[1]["cells"]["due"], rows[1]["light"]) == ("", "none")
