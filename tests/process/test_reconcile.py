"""Two real nodes reconcile: a byte flipped on the city's disk comes back from the county, and both sign."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.process.nodes import Node, until

CITY, COUNTY = "320500", "320583"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    city, county = Node(tmp_path / CITY, CITY, "苏州市"), Node(tmp_path / COUNTY, COUNTY, "昆山市")
    try:
        city.found()
        city.serve()
        county.enter(city)
        county.serve()
        until(lambda: city.link(COUNTY)["state"] == "synced", "the link is up")
        yield city, county
    finally:
        county.end()
        city.end()


def records(node: Node) -> dict[int, tuple[bytes, ...]]:
    with sqlite3.connect(f"file:{node.home / 'dulian.db'}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT place, header, signature, salt, payload, record_id FROM record").fetchall()
    return {row[0]: row[1:] for row in rows}


def test_a_flipped_byte_is_found_repaired_and_stated(pair: tuple[Node, Node], tmp_path: Path) -> None:
    city, county = pair
    task = city.json("item", "issue", "--title", "防汛检查", "--to", COUNTY)["assignments"][0]["item"]
    until(lambda: any(one["id"] == task for one in county.json("item", "list")), "the task is there")
    county.cli("item", "sign", task)
    for number in range(5):
        county.cli("item", "report", task, "--text", f"第{number}次报告")
    until(lambda: city.link(COUNTY)["state"] == "synced" and city.show(task)["state"] == "active", "all is reported")
    city.stop()
    before = records(city)
    path = city.home / "dulian.db"
    with sqlite3.connect(path) as database:
        place, payload = database.execute(
            "SELECT place, payload FROM record WHERE instr(payload, ?) > 0", ("第2次".encode(),)
        ).fetchone()
        flipped = payload[:6] + bytes((payload[6] ^ 1,)) + payload[7:]
        database.execute("UPDATE record SET payload = ? WHERE place = ?", (flipped, place))
    database.close()
    assert records(city) != before
    found = city.json("verify", codes=(1,))
    assert {one["code"] for one in found["findings"]} >= {"payload_mismatch"}
    city.serve()
    until(lambda: city.link(COUNTY)["state"] == "synced", "the link is back", within_s=60)
    [run] = city.json("reconcile", "--with", COUNTY)
    assert run["ok"], run
    assert run["repaired"] == 1
    assert run["bytes_sent"] + run["bytes_received"] <= 1_024
    assert {place: records(city)[place] for place in before} == before
    assert city.json("verify")["ok"]
    until(lambda: all(row["equal"] for row in city.json("reconcile", "history")), "both statements are here")
    [here] = city.json("reconcile", "history")
    until(lambda: county.json("reconcile", "history"), "the other side has it too")
    [there] = county.json("reconcile", "history")
    assert (here["statement"], here["statement_there"]) == (there["statement_there"], there["statement"])
    assert city.link(COUNTY)["reconciled_at"]
    sheet = tmp_path / "对账单.xlsx"
    assert city.json("reconcile", "sheet", str(sheet))["rows"] == 1
    cells = [cell for row in load_workbook(sheet).active.iter_rows() for cell in row if cell.value is not None]
    assert all(cell.data_type == "s" for cell in cells)
    assert any("账平" in str(cell.value) for cell in cells)
    county.stop()
    [lost] = city.json("reconcile", codes=(3,))
    assert lost["outcome"] == "incomplete"
