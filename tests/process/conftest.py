"""One tree of real nodes for many tests: 江苏省 – 苏州市 – 昆山市; the county dials through a proxy."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.process.evil_city import City, make_city
from tests.process.nodes import Node, agree, free_port, until
from tests.process.nodes_proxy import Proxy

KEEPALIVE_S = 2
RETRY_MAX_S = 2


class Tree:
    """The nodes, the proxy in front of the city, and where they live."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.province = Node(folder, "320000", "江苏省人民政府")
        self.city = Node(folder, "320500", "苏州市人民政府")
        self.county = Node(folder, "320583", "昆山市人民政府")
        self.nodes = [self.province, self.city, self.county]
        self.proxy = Proxy(free_port(), self.city.port)
        self.proxy_address = f"127.0.0.1:{self.proxy._listener.getsockname()[1]}"
        self.admission: dict[str, str] = {}

    def set_up(self) -> None:
        """As operators would: the city is admitted by its fingerprint, the county by its invitation alone."""
        settings = {"keepalive_s": KEEPALIVE_S, "retry_max_s": RETRY_MAX_S, "mark_interval_s": 2}
        self.province.found()
        self.province.configure(**settings)
        self.province.serve()
        token = self.province.cli("invite", self.city.code, "--name", self.city.name).out.strip()
        joined = self.city.run(
            "join", token, "--listen", self.city.address, "--advertise", self.proxy_address, "--json"
        )
        assert joined.exit == 0, joined
        assert joined.json["state"] == "pending"
        approved = self.province.cli("approve", self.city.code, "--fingerprint", joined.json["fingerprint"])
        assert approved.exit == 0, approved
        self.admission = {"token": token, "fingerprint": joined.json["fingerprint"]}
        self.city.configure(**settings)
        self.city.serve()
        self.county.enter(self.city)
        self.county.configure(**settings)
        self.county.serve()
        self.settle()

    def settle(self) -> None:
        """Every link is up and in sync."""
        for node in self.nodes:
            until(partial(in_sync, node), f"{node.code} in sync")

    def agree(self) -> None:
        agree(self.nodes)

    def tear_down(self) -> None:
        for node in reversed(self.nodes):
            node.end()
        self.proxy.close()


def in_sync(node: Node) -> bool:
    return all(link["state"] == "synced" for link in node.status()["links"])


@pytest.fixture(scope="session")
def city() -> Iterator[City]:
    """A city with an honest county and an evil one, for all of test_evil_…"""
    yield from make_city()


@pytest.fixture(scope="session")
def whole_tree() -> Iterator[Tree]:
    folder = Path(tempfile.mkdtemp(prefix="dulian-tree-"))
    tree = Tree(folder)
    try:
        tree.set_up()
        yield tree
    finally:
        tree.tear_down()
        shutil.rmtree(folder)


@pytest.fixture
def tree(whole_tree: Tree) -> Tree:
    """The tree with all its nodes up, whatever a test before this one left behind."""
    whole_tree.proxy.frozen = whole_tree.proxy.refusing = False
    whole_tree.proxy.up_rate = whole_tree.proxy.down_rate = 0
    for node in whole_tree.nodes:
        if node.process.poll() is not None:
            node.serve()
    return whole_tree
