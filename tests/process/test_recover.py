"""A lost node, a channel that expired, a parent that forgot: offices that come back by `recover` (R4, R8)."""

from __future__ import annotations

import shutil
import time
from functools import partial
from pathlib import Path

import pytest

from tests.process.nodes import Done, Node, agree, until
from tests.process.test_restore import SETTINGS, put_back, signed, synced

OPEN = {"assigned", "delivered", "signed", "active", "returned"}


class Three:
    """Province, city, county."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.province = Node(folder, "320000", "江苏省人民政府")
        self.city = Node(folder, "320500", "苏州市人民政府")
        self.county = Node(folder, "320583", "昆山市人民政府")
        self.nodes = [self.province, self.city, self.county]

    def set_up(self) -> None:
        self.province.found()
        self.province.configure(**SETTINGS)
        self.province.serve()
        for parent, child in ((self.province, self.city), (self.city, self.county)):
            child.enter(parent)
            child.configure(**SETTINGS)
            child.serve()
        self.settle()

    def settle(self) -> None:
        for node in self.nodes:
            until(partial(synced, node), f"{node.code} in sync", 60)

    def machine(self, node: Node, name: str) -> Node:
        """A new machine for this office, at its old address."""
        found = Node(self.folder / name, node.code, node.name)
        (self.folder / name).mkdir()
        found.port = node.port
        self.nodes[self.nodes.index(node)] = found
        return found


@pytest.fixture
def three(tmp_path):
    found = Three(tmp_path)
    try:
        found.set_up()
        yield found
    finally:
        for node in reversed(found.nodes):
            node.end()


def give(parent: Node, child: Node, title: str) -> str:
    return str(parent.json("item", "issue", "--title", title, "--to", child.code)["assignments"][0]["item"])


def to_do(node: Node, receiver: str) -> dict[str, tuple[str, str]]:
    """Open tasks of an office, as a node shows them."""
    rows = node.ask("item.list", office=receiver)
    return {row["id"]: (row["state"], row["number"]) for row in rows
            if row["receiver"] == receiver and row["kind"] == "assignment" and row["state"] in OPEN}


def recover_token(parent: Node, child: Node, *more: str) -> str:
    # A parent that has only just come back learns its children's names first.
    done = until(lambda: _invited(parent, child, *more), f"{parent.code} knows {child.code}")
    return done.out.strip()


def _invited(parent: Node, child: Node, *more: str) -> Done | None:
    done = parent.cli("invite", child.code, "--recover", *more)
    return done if done.exit == 0 else None


def _knows_new_key(node: Node) -> bool:
    return "new_key" in node.alarms()


def test_a_lost_node_comes_back_on_a_new_machine(three):
    """R4: join is refused, recover works with a new key; what is open is what the parent shows."""
    province, city, county = three.nodes
    first, second, third = (give(province, city, title) for title in ("一", "二", "三"))
    for task in (first, second):
        signed(city, task)
    city.json("item", "report", first, "--text", "四成", "--percent", "40")
    below = city.json("item", "decompose", first, "--to", county.code, "--title", "分解")["assignments"][0]["item"]
    signed(county, below)
    city.await_state(third, "delivered")
    three.settle()
    old_key = city.status()["fingerprint"]
    city.kill()
    lost = city.home.with_name("lost")
    city.home.rename(lost)

    new = three.machine(city, "new")
    assert "--recover" in province.refused("invite", city.code, "--name", city.name)
    token = recover_token(province, city)
    assert "重建令牌" in new.refused("join", token)
    done = new.run("recover", token, "--listen", new.address, "--json")
    assert done.exit == 0, done
    assert done.json["state"] == "pending"
    fingerprint = done.json["fingerprint"]
    assert fingerprint != old_key
    assert province.cli("approve", city.code, "--fingerprint", old_key).exit == 2
    assert province.cli("approve", city.code, "--fingerprint", fingerprint).exit == 0
    new.configure(**SETTINGS)
    new.serve()
    # Its child finds another link CA at the parent: it is taken back with the key it has.
    county.stop()
    back = county.run("recover", recover_token(new, county), "--json")
    assert back.exit == 0, back
    assert (back.json["state"], back.json["new_key"]) == ("ready", False)
    county.serve()
    until(lambda: len(to_do(new, city.code)) == 3, "the list is whole", 150)
    until(lambda: to_do(new, city.code) == to_do(province, city.code), "and is the parent's")
    assert {task: state for task, (state, _) in to_do(new, city.code).items()} == {
        first: "active", second: "signed", third: "delivered"}
    three.settle()
    agree(three.nodes, 60)
    until(lambda: not new.status()["recovery"]["not_asked"], "everybody was asked")
    assert "new_key" not in province.alarms()  # its operator compared the fingerprint
    new.json("item", "report", first, "--text", "七成", "--percent", "70")
    until(lambda: province.show(first)["percent"] == 70, "it works")


def test_a_new_key_is_flagged_at_every_superior_until_it_is_confirmed(three):
    province, city, county = three.nodes
    task = give(city, county, "核对")
    signed(county, task)
    three.settle()
    county.kill()
    new = three.machine(county, "new")
    done = new.run("recover", recover_token(city, county, "--auto-approve"), "--listen", new.address, "--json")
    assert done.json["state"] == "ready", done
    fingerprint = done.json["fingerprint"]
    new.configure(**SETTINGS)
    new.serve()
    for superior in (city, province):
        until(partial(_knows_new_key, superior), f"{superior.code} is told")
        assert fingerprint in {row["fingerprint"] for row in superior.json("pending")}
        wrong = superior.refused("approve", county.code, "--fingerprint", "0" * 64)
        assert "指纹" in wrong
        assert "new_key" in superior.alarms()
        confirmed = superior.json("approve", county.code, "--fingerprint", fingerprint)
        assert confirmed["state"] == "confirmed"
        assert "new_key" not in superior.alarms()
    until(lambda: task in to_do(new, county.code), "the task is there again", 100)

    # The machine that was lost turns up again: it gets no channel any more.
    new.stop()
    county.serve()
    try:
        until(lambda: "link_fault" in county.alarms(), "the old machine is refused", 60)
    finally:
        county.end()


def test_a_channel_that_expired_long_ago_is_renewed_by_the_key_itself(three):
    """The county was off for longer than its TLS certificate lives."""
    _, city, county = three.nodes
    city.stop()
    city.configure(tls_lifetime_s=5)
    city.serve()
    county.stop()
    (county.home / "keys" / "tls.pem").unlink()
    shutil.rmtree(county.home)
    new = three.machine(county, "short")
    done = new.run("recover", recover_token(city, county, "--auto-approve"), "--listen", new.address, "--json")
    assert done.json["state"] == "ready", done
    new.configure(**SETTINGS)
    city.stop()
    (city.home / "config.toml").write_text(
        (city.home / "config.toml").read_text(encoding="utf-8").replace("tls_lifetime_s = 5", "tls_lifetime_s = 86400"),
        encoding="utf-8",
    )
    city.serve()
    time.sleep(6)
    new.serve()
    until(lambda: "link_fault" in new.alarms(), "the expired certificate is refused", 60)
    task = give(city, new, "过期期间交办")
    token = recover_token(city, new)
    assert new.run("recover", token).exit == 2  # it runs
    new.stop()
    done = new.run("recover", token, "--json")
    assert done.exit == 0, done
    assert (done.json["state"], done.json["new_key"]) == ("ready", False)
    new.serve()
    new.await_state(task, "delivered")
    agree([city, new], 60)


def test_a_parent_from_an_old_backup_knows_a_child_admitted_since(three, tmp_path):
    """R8: the certificate itself was lost; the child's channel and its chain, signed by the parent, bring it back."""
    _, city, county = three.nodes
    wujiang = Node(three.folder, "320509", "吴江区人民政府")
    three.nodes.append(wujiang)
    task = give(city, county, "备份之前")
    signed(county, task)
    file = tmp_path / "city.backup"
    city.json("backup", str(file), "--with-keys")
    wujiang.enter(city)
    wujiang.configure(**SETTINGS)
    wujiang.serve()
    later = give(city, wujiang, "备份之后")
    signed(wujiang, later)
    county.json("item", "submit", task, "--text", "已办结")
    city.await_state(task, "submitted")
    city.json("item", "accept", task)
    city.json("item", "close", task)
    county.await_state(task, "closed")
    three.settle()
    digest = city.ask("digest")["items"]
    city.kill()

    new = three.machine(city, "new")
    put_back(new, file)
    new.serve()
    until(lambda: wujiang.code in {link["office"] for link in new.status()["links"]}, "the child is known again", 60)
    three.settle()
    until(lambda: later in new.ask("digest")["items"], "its task is back", 60)
    agree(three.nodes, 60)
    found = new.ask("digest")["items"]
    assert {item: found.get(item) for item in (task, later)} == {item: digest[item] for item in (task, later)}
    assert new.show(task)["state"] == "closed"  # nothing reopens
    fresh = give(new, wujiang, "恢复之后")
    signed(wujiang, fresh)
    new.await_state(fresh, "signed")
