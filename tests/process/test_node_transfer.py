"""A large attachment over a link that is cut three times; a database rolled back behind a node's back."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from node.errors import DulianError
from tests.process.conftest import Tree
from tests.process.nodes import Node, until
from tests.process.nodes_proxy import Proxy

MIB = 1024**2
SIZE_BYTES = 200 * MIB


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    """200 MB that do not compress."""
    path = tmp_path / "现场视频.mp4"
    chance = random.Random(1)
    with path.open("wb") as file:
        for _ in range(SIZE_BYTES // MIB):
            file.write(chance.randbytes(MIB))
    yield path
    path.unlink()


def file_of(node: Node, item: str) -> dict:
    found = [file for file in node.show(item)["attachments"] if file["size"] == SIZE_BYTES]
    return found[0] if found else {"present": False}


def has_cut(proxy: Proxy, times: int) -> bool:
    return proxy.cuts == times


def parts(node: Node) -> list[Path]:
    return list((node.home / "blobs").rglob("*.part"))


def test_200_mb_from_county_to_province_over_a_link_cut_three_times(tree: Tree, large: Path, tmp_path: Path):
    province, city, county = tree.nodes
    tree.settle()
    made = province.json("item", "issue", "--title", "大附件", "--to", county.code)
    task = made["assignments"][0]["item"]
    county.await_state(task, "delivered")
    county.json("item", "sign", task)
    proxy = tree.proxy
    cuts = proxy.cuts
    proxy.up_bytes = proxy.down_bytes = 0
    proxy.cut_after_bytes = 50 * MIB
    county.json("item", "report", task, "--text", "附视频", "--attach", str(large))
    for place in (2, 3, 4):
        until(partial(has_cut, proxy, cuts + place - 1), f"cut number {place - 1}", 60)
        assert not file_of(city, task)["present"]
        held = sum(part.stat().st_size for part in parts(city))
        assert 20 * MIB < held < SIZE_BYTES
        if place < 4:
            proxy.cut_after_bytes = 50 * MIB * place
    # What is not whole is not to be had.
    line = city.refused("item", "fetch", task, file_of(city, task)["hash"], str(tmp_path / "early"))
    assert "尚未传到" in line
    assert not (tmp_path / "early").exists()

    shown = until(lambda: (file := file_of(province, task))["present"] and file, "the file is at the province", 120)
    assert proxy.cuts - cuts == 3
    assert proxy.up_bytes > SIZE_BYTES
    assert proxy.up_bytes + proxy.down_bytes < 1.2 * SIZE_BYTES
    province.json("item", "fetch", task, shown["hash"], str(tmp_path / "copy"))
    with (tmp_path / "copy").open("rb") as copy, large.open("rb") as original:
        digests = [hashlib.file_digest(file, "sha256").digest() for file in (copy, original)]
    assert digests[0] == digests[1]
    (tmp_path / "copy").unlink()
    assert parts(city) == parts(province) == []
    tree.agree()


def test_a_county_whose_database_was_rolled_back(tree: Tree):
    """It notices at first contact, authors nothing until its lost records are back, begins a new epoch and goes on."""
    province, city, county = tree.nodes
    tree.settle()
    task = province.json("item", "issue", "--title", "回退", "--to", county.code)["assignments"][0]["item"]
    county.await_state(task, "delivered")
    county.json("item", "sign", task)
    tree.settle()
    assert county.stop() == 0
    aside = county.home.parent / "old.db"
    shutil.copy(county.home / "dulian.db", aside)

    county.serve()
    with county.client() as client:
        for place in range(1, 41):  # enough to take more than one batch
            client.request("item.report", {"item": task, "text": f"{place}" + "已办理" * 3_000, "percent": place})
    tree.settle()
    before = county.status()
    assert county.stop() == 0
    for path in county.home.glob("dulian.db*"):
        if not path.name.endswith("lock"):
            path.unlink()
    shutil.move(aside, county.home / "dulian.db")

    tree.proxy.down_rate = 400_000  # so that it takes a moment to take everything back
    county.serve()
    until(lambda: "rolled_back" in county.alarms(), "it notices")
    with pytest.raises(DulianError) as refused:
        county.ask("item.report", item=task, text="趁乱")
    assert (refused.value.exit_code, refused.value.code) == (4, "recovering")
    until(lambda: "recovered" in county.alarms(), "it has taken everything back", 60)
    tree.proxy.down_rate = 0

    after = county.status()
    assert after["epoch"] > before["epoch"]
    assert after["ready"] is True
    assert "rolled_back" not in county.alarms()
    county.json("item", "report", task, "--text", "恢复后继续", "--percent", "55")
    until(lambda: province.show(task)["percent"] == 55, "the province follows")
    tree.agree()
    for node in tree.nodes:
        assert node.show(task)["counters"]["reports"] == 41
        assert {head["epoch"] for head in node.json("heads") if head["author"] == county.code} == {
            before["epoch"], after["epoch"],
        }  # fmt: skip
    assert city.alarms() == set()
