"""Restoring real nodes: empty home, own parts only, a new epoch at once, the lost tail back, copies found."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from node.bootstrap.archive import read_backup
from tests.process.nodes import DULIAN, ENVIRONMENT, Node, agree, until

SETTINGS = {"keepalive_s": 2, "retry_max_s": 2, "mark_interval_s": 2}


class Pair:
    """A city and its county."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.city = Node(folder, "320500", "苏州市人民政府")
        self.county = Node(folder, "320583", "昆山市人民政府")
        self.others: list[Node] = []

    def set_up(self) -> None:
        self.city.found()
        self.city.configure(**SETTINGS)
        self.city.serve()
        self.county.enter(self.city)
        self.county.configure(**SETTINGS)
        self.county.serve()
        self.settle(self.city, self.county)

    def settle(self, *nodes: Node) -> None:
        for node in nodes:
            until(partial(synced, node), f"{node.code} in sync")

    def machine(self, node: Node, name: str) -> Node:
        """Another machine that will be this office: nothing on it yet."""
        found = Node(self.folder / name, node.code, node.name)
        (self.folder / name).mkdir()
        self.others.append(found)
        return found

    def clone(self, node: Node, name: str) -> Node:
        """The same disk twice; on a port of its own."""
        twin = self.machine(node, name)
        shutil.copytree(node.home, twin.home)
        for left in (twin.home / "run").iterdir():
            left.unlink()
        config = twin.home / "config.toml"
        config.write_text(config.read_text(encoding="utf-8").replace(node.address, twin.address), encoding="utf-8")
        return twin

    def task(self, title: str) -> str:
        made = self.city.json("item", "issue", "--title", title, "--to", self.county.code)
        return str(made["assignments"][0]["item"])

    def tear_down(self) -> None:
        for node in (*self.others, self.county, self.city):
            node.end()


@pytest.fixture
def pair(tmp_path):
    found = Pair(tmp_path)
    try:
        found.set_up()
        yield found
    finally:
        found.tear_down()


def synced(node: Node) -> bool:
    return all(link["state"] == "synced" for link in node.status()["links"])


def signed(node: Node, item: str) -> None:
    node.await_state(item, "delivered")
    node.json("item", "sign", item)


def put_back(node: Node, file: Path, *more: str) -> dict:
    """`restore` in a process of its own, as an operator would."""
    done = node.run("restore", str(file), "--listen", node.address, "--json", *more)
    assert done.exit == 0, done
    return done.json


def test_an_old_backup_works_at_once_and_takes_the_lost_tail_back(pair, tmp_path):
    city, county = pair.city, pair.county
    first = pair.task("防汛物资")
    signed(county, first)
    brief = tmp_path / "报告.pdf"
    brief.write_bytes(os.urandom(300_000))
    county.json("item", "report", first, "--text", "三成", "--percent", "30", "--attach", str(brief))
    pair.settle(city, county)
    file = tmp_path / "county.backup"
    county.json("backup", str(file), "--with-keys")
    county.json("item", "report", first, "--text", "七成", "--percent", "70")
    second = pair.task("备份之后的任务")
    signed(county, second)
    city.await_state(second, "signed")
    until(lambda: city.show(first)["percent"] == 70, "the city has the report")
    epoch = county.status()["epoch"]
    county.kill()
    city.stop()

    new = pair.machine(county, "new")
    made = put_back(new, file)
    assert (made["office"], made["not_asked"]) == (county.code, [city.code])
    assert made["epoch"] > epoch
    new.serve()  # R2: its only neighbour is unreachable, and it works
    said = new.status()
    assert (said["ready"], said["recovery"]) == (True, {"stopped": "", "not_asked": [city.code]})
    [alarm] = [alarm for alarm in said["alarms"] if alarm["code"] == "restored"]
    assert "恢复模式" in alarm["text"]
    assert city.code in alarm["text"]
    new.json("item", "report", first, "--text", "恢复后办理", "--percent", "80")
    number = new.json("item", "register", "--title", "恢复后登记")["number"]
    assert int(number.rsplit("-", 1)[1]) > 100

    city.serve()
    until(lambda: not new.status()["recovery"]["not_asked"], "the city was asked")
    pair.settle(city, new)
    until(lambda: "restored" not in new.alarms(), "and the alarm is over")
    assert new.await_state(second, "signed")
    until(lambda: city.show(first)["percent"] == 80, "what was done meanwhile stands")
    assert "rolled_back" not in new.alarms()
    assert new.status()["epoch"] == made["epoch"]
    agree([city, new])
    county.home = new.home  # for good
    new.json("item", "submit", second, "--text", "已办结")
    city.await_state(second, "submitted")


def test_only_into_an_empty_home_and_only_what_belongs_together(pair, tmp_path):
    city, county = pair.city, pair.county
    ours, theirs = tmp_path / "county.backup", tmp_path / "city.backup"
    county.json("backup", str(ours))
    city.json("backup", str(theirs), "--with-keys")
    assert "目录不是空的" in county.refused("restore", str(theirs))
    new = pair.machine(county, "new")
    assert "不含密钥" in new.refused("restore", str(ours))
    assert list(new.home.iterdir()) == []
    text = new.refused("restore", str(ours), "--keys", str(city.home / "keys"))  # R5
    assert "密钥" in text
    assert "不符" in text
    assert list(new.home.iterdir()) == []
    checked = new.json("restore", str(theirs), "--verify-only")
    assert (checked["ok"], checked["office"]) == (True, city.code)
    broken = tmp_path / "broken.backup"
    broken.write_bytes(theirs.read_bytes()[:-20_000])
    assert "备份不可用" in new.refused("restore", str(broken), "--verify-only")
    assert "备份不可用" in new.refused("restore", str(broken))
    county.stop()
    assert put_back(new, ours, "--keys", str(county.home / "keys"))["office"] == county.code

    # R5: the database of one office in the home of another does not start.
    twin = pair.clone(county, "twin")
    city.stop()
    shutil.copy(city.home / "dulian.db", twin.home / "dulian.db")
    done = twin.run("serve")
    assert done.exit == 2, done
    assert "数据库属于" in done.err


def test_killed_while_restoring_it_can_be_done_again(pair, tmp_path):
    """C3."""
    city = pair.city
    file = tmp_path / "city.backup"
    for number in range(5):
        city.json("item", "register", "--title", f"事项{number}")
    city.json("backup", str(file), "--with-keys")
    new = pair.machine(city, "new")
    for attempt in range(8):
        process = subprocess.Popen(
            [*DULIAN, "restore", str(file), "--home", str(new.home)], env=ENVIRONMENT, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.5 + 0.15 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        if (new.home / "config.toml").exists():
            break
    else:
        put_back(new, file)
    pair.city.stop()
    found = new.json("verify")
    assert found["ok"], found
    assert found["records"] == read_backup(file, None, "")["records"] + 1


def test_attachments_that_are_gone_come_back_from_the_neighbour(pair, tmp_path):
    """R7, D7: a restored database without its files."""
    city, county = pair.city, pair.county
    task = pair.task("附件")
    signed(county, task)
    brief = tmp_path / "报告.pdf"
    brief.write_bytes(os.urandom(200_000))
    county.json("item", "report", task, "--text", "附报告", "--attach", str(brief))
    until(lambda: any(one["present"] for one in city.show(task)["attachments"]), "the city has the file")
    county.stop()
    file = tmp_path / "county.backup"
    made = county.json("backup", str(file), "--with-keys")  # of a node that is not running
    assert made["attachments"] == 1
    new = pair.machine(county, "new")
    put_back(new, file)
    shutil.rmtree(new.home / "blobs")
    new.serve()
    until(lambda: any(one["present"] for one in new.show(task)["attachments"]), "the file is fetched again")
    pair.settle(city, new)
    assert new.json("verify")["ok"]


def stopped(node: Node, reason: str) -> bool:
    return node.status()["recovery"]["stopped"] == reason


def test_a_snapshot_put_back_unannounced_is_noticed_and_healed(pair, tmp_path):
    """R1 without `restore`."""
    city, county = pair.city, pair.county
    task = pair.task("快照")
    signed(county, task)
    pair.settle(city, county)
    county.stop()
    shutil.copytree(county.home, tmp_path / "old")
    county.serve()
    county.json("item", "report", task, "--text", "七成", "--percent", "70")
    until(lambda: city.show(task)["percent"] == 70, "the city has it")
    epoch = county.status()["epoch"]
    county.kill()
    shutil.rmtree(county.home)
    shutil.copytree(tmp_path / "old", county.home)
    county.serve()
    until(lambda: "recovered" in county.alarms(), "noticed and healed")
    assert county.status()["epoch"] > epoch
    assert county.show(task)["percent"] == 70
    county.json("item", "submit", task, "--text", "已办结")
    city.await_state(task, "submitted")
    agree([city, county])


@pytest.mark.parametrize("how", ["cloned", "restored_twice"])
def test_two_running_copies_are_noticed_stop_and_the_operator_chooses(pair, tmp_path, how):
    """R3, and the same old backup restored twice."""
    city, county = pair.city, pair.county
    task = pair.task("两份")
    signed(county, task)
    pair.settle(city, county)
    if how == "cloned":
        county.stop()
        one, two = county, pair.clone(county, "twin")
        one.serve()
    else:
        file = tmp_path / "county.backup"
        county.json("backup", str(file), "--with-keys")
        county.json("item", "report", task, "--text", "备份之后", "--percent", "20")
        until(lambda: city.show(task)["percent"] == 20, "the city has it")
        county.kill()
        one, two = pair.machine(county, "one"), pair.machine(county, "two")
        for node in (one, two):
            put_back(node, file)
        one.serve()
    pair.settle(city, one)
    until(lambda: not one.status()["recovery"]["not_asked"], "the first has asked")
    one.json("item", "report", task, "--text", "第一份", "--percent", "40")
    until(lambda: city.show(task)["percent"] == 40, "the city has it")
    two.serve()

    def second_writes() -> bool:
        wrote = two.cli("item", "report", task, "--text", "第二份", "--percent", "60").exit == 0
        return wrote or "clone" in two.alarms()

    until(second_writes, "the second copy writes, or is stopped already")
    for node in (one, two):
        until(partial(stopped, node, "clone"), f"{node.home} stops")
        assert "clone" in node.alarms()
        assert node.cli("item", "report", task, "--text", "不能", "--percent", "61").exit == 4
    until(lambda: "clone" in city.alarms(), "the superior is told")
    refused = one.refused("item", "report", task, "--text", "不能", code=4)
    assert "两份节点同时运行" in refused

    two.end()
    chosen = one.json("recover", "--here")
    assert chosen["office"] == county.code
    until(lambda: one.status()["ready"], "the chosen one goes on")
    one.json("item", "submit", task, "--text", "已办结")
    city.await_state(task, "submitted")
    until(lambda: "clone" not in city.alarms(), "the superior is told that it is over")
    agree([city, one])
    two.serve()
    until(partial(was_not_chosen, two), "the other stays stopped and says so")
    # Left switched on it leaves the chosen one its link: it took it away about once a second.
    until(partial(nobody_calls, city, 6), "the other rests")
    assert one.status()["recovery"]["stopped"] == ""
    assert synced(one)
    two.json("recover", "--here")  # the operator thinks again: no rest now
    until(partial(was_not_chosen, one), "the first hears that the second was chosen")
    until(lambda: two.status()["ready"] and synced(two), "which goes on")
    assert "clone" not in city.alarms()


def was_not_chosen(node: Node) -> bool:
    return stopped(node, "clone") and "停止并封存本机" in json.dumps(node.status(), ensure_ascii=False)


def nobody_calls(node: Node, for_s: float) -> bool:
    """Whether nobody opens a session for so long."""
    before = node.log_file.read_text(encoding="utf-8").count("session_opened")
    time.sleep(for_s)
    return node.log_file.read_text(encoding="utf-8").count("session_opened") == before


def test_where_both_copies_are_chosen_everybody_is_told_until_one_is_chosen_again(pair):
    """R3: two operators, each at one of the copies; both stopped, and nobody above was told any more."""
    city, one = pair.city, pair.county
    task = pair.task("两份都选定")
    signed(one, task)
    pair.settle(city, one)
    one.stop()
    two = pair.clone(one, "twin")
    one.serve()
    pair.settle(city, one)
    one.json("item", "report", task, "--text", "第一份", "--percent", "40")
    until(lambda: city.show(task)["percent"] == 40, "the city has it")
    two.serve()
    until(lambda: stopped(one, "clone") and stopped(two, "clone"), "both stop")
    until(lambda: "clone" in city.alarms(), "the superior is told")
    city.stop()
    for node in (one, two):
        node.json("recover", "--here")
        assert node.status()["recovery"]["stopped"] == ""
    city.serve()
    until(lambda: stopped(one, "clone") and stopped(two, "clone"), "both stop again")
    until(lambda: "clone" in city.alarms(), "the superior is told again")
    one.json("recover", "--here")
    until(lambda: "clone" not in city.alarms(), "the superior is told that it is over")
    until(partial(was_not_chosen, two), "the other knows")
    assert one.status()["recovery"]["stopped"] == ""
    one.json("item", "submit", task, "--text", "已办结")
    city.await_state(task, "submitted")
    agree([city, one])


def test_choosing_is_refused_where_there_is_one_copy_only(pair):
    assert "无需选定" in pair.county.refused("recover", "--here")
