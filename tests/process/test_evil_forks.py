"""A county tells its city one thing and, through it, the province another (B7): both learn both, and can prove it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from node.records.kinds import Kind
from node.records.payload import Act, Epoch, KnownHead
from node.sync import frames
from tests.conftest import ROOT as PROJECT
from tests.process.evil_city import City
from tests.process.evil_link import Link
from tests.process.nodes import until

ROOT, CITY, EVIL = "320000", "320500", "320583"


def test_equivocation_is_known_proved_and_settled_at_every_holder(city: City, tmp_path: Path) -> None:
    pen = city.evil.pen(ROOT, CITY, EVIL)
    province = type(city.books)(city.province.home)
    first = pen.write()
    to_province, to_city = pen.seal(payload=Act("已完成")), pen.seal(payload=Act("未完成"))

    async def story(link: Link) -> None:
        await link.publish(first, to_province)
        pen.accept(to_province)
        until(lambda: province.head(pen.log_id)[0] == 2, "the province has the first of the two")
        await link.offer(to_city)
        await link.refusal(pen.log_id)
        await link.until(lambda: [frame for frame in link.of(frames.Batch) if frame.records], "the other side")

    with city.unharmed():
        city.run(story)
    name = pen.log_id.hex()[:16]
    # No neighbour has shown the province anything: the city's 见证 has.
    until(lambda: province.forks(pen.log_id) == [to_city.record_id], "the province has the other one too")
    for node, books in ((city.city, city.books), (city.province, province)):
        assert books.head(pen.log_id) == (2, to_province.record_id)
        assert books.frozen(pen.log_id)
        assert ("fork", name) in books.alarms()
        [case] = [case for case in node.ask("fork.list") if case["log"] == pen.log_id.hex()]
        assert (case["author"], case["seq"], case["settled"]) == (EVIL, 2, False)
        assert set(case["ids"]) == {to_province.record_id.hex(), to_city.record_id.hex()}
    prove(city, name, tmp_path)
    settle(city, pen.log_id, [to_province.record_id, to_city.record_id])
    until(lambda: ("fork", name) not in city.books.alarms(), "the city's alarm ends")
    until(lambda: ("fork", name) not in province.alarms(), "the province's alarm ends")
    assert city.books.frozen(pen.log_id)


def prove(city: City, name: str, folder: Path) -> None:
    """The province exports, a stranger verifies: with our command line, and with none of our code."""
    file = folder / "proof.json"
    made = city.province.cli("fork", "export", str(file), name)
    assert made.exit == 0, made
    root = city.evil.federation.hex()
    words = [sys.executable, "-m", "node", "fork", "verify", str(file), "--json", "--root"]
    good = subprocess.run([*words, root], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["author"] == EVIL
    bad = subprocess.run([*words, "00" * 32], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert bad.returncode == 1, bad.stderr
    assert not json.loads(bad.stdout)["ok"]
    words = [sys.executable, "-m", "tests.vectors.verify_alone", str(file), root]
    alone = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert alone.stdout.startswith(f"{EVIL} signed two different records under number 2"), alone.stderr


def settle(city: City, log_id: bytes, record_ids: list[bytes]) -> None:
    pen = city.evil.pen(ROOT, CITY, EVIL, subtree=True)
    heads = tuple(KnownHead(log_id, 2, record_id) for record_id in record_ids)
    record = pen.write(Kind.EPOCH, Epoch(pen.key.epoch - 1, "settle", heads))

    async def story(link: Link) -> None:
        await link.publish(record)

    with city.unharmed():
        city.run(story)
