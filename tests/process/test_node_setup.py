"""Setting up by hand: init, invite, join, approve, serve — and everything that may go wrong there."""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from node.wire.invitation import decode_token, encode_token
from tests.process.nodes import DULIAN, ENVIRONMENT, Node, free_port, line_of, until


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="dulian-setup-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def root(folder: Path) -> Iterator[Node]:
    """A province that runs."""
    node = Node(folder, "320000", "江苏省人民政府")
    node.found()
    node.serve()
    yield node
    node.end()


@pytest.fixture(scope="module")
def still(folder: Path) -> Node:
    """A node that was set up and does not run."""
    node = Node(folder / "still", "330000", "浙江省人民政府")
    node.found()
    return node


def token_for(root: Node, code: str, *more: str) -> str:
    done = root.cli("invite", code, "--name", f"{code}人民政府", *more)
    assert done.exit == 0, done
    assert len(done.out.splitlines()) == 1
    return done.out.strip()


def content(home: Path) -> dict[str, str]:
    """Every file of a home by its hash."""
    files = sorted(path for path in home.rglob("*") if path.is_file())
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def kept(home: Path) -> dict[str, str]:
    """The same without the database, which is opened and found good before the port is."""
    return {name: found for name, found in content(home).items() if not name.startswith("dulian.db")}


def refuses_to_serve(node: Node) -> str:
    """`serve` must exit with 2; the line for people (the log may stand before it)."""
    done = node.run("serve")
    assert done.exit == 2, done
    assert done.out == ""
    line = done.err.splitlines()[-1]
    assert line.startswith("错误"), done
    assert "Traceback" not in done.err
    return line


def test_a_home_is_private(still):
    assert stat.S_IMODE(still.home.stat().st_mode) == 0o700
    for path in still.home.rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & (0o077 if path.is_dir() or "keys" in path.parts else 0o022)
    for path in (still.home / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((still.home / "dulian.db").stat().st_mode) == 0o600


def test_a_second_init_or_join_is_refused_and_changes_nothing(still, root):
    before = content(still.home)
    line = still.refused("init", "--office", "330000", "--name", "浙江省人民政府")
    assert "--home" in line
    assert "已有节点" in line
    line = still.refused("join", token_for(root, "320300"))
    assert "已有节点" in line
    assert content(still.home) == before


@pytest.mark.parametrize(("words", "named"), [
    (["--office", "32", "--name", "甲"], "--office"),
    (["--office", "32000０", "--name", "甲"], "--office"),
    (["--office", "320000", "--name", " "], "--name"),
    (["--office", "320000", "--name", "甲" * 101], "--name"),
    (["--office", "320000", "--name", "甲\u202e乙"], "--name"),
    (["--office", "320000", "--name", "甲", "--listen", "here"], "--listen"),
    (["--office", "320000", "--name", "甲", "--listen", "127.0.0.1:70000"], "--listen"),
    (["--office", "320000", "--name", "甲", "--listen", "0.0.0.0:7600"], "--advertise"),
    (["--office", "320000", "--name", "甲", "--database", "mysql://x/y"], "--database"),
])
def test_init_with_bad_input_leaves_nothing(folder, words, named):
    node = Node(folder / "bad", "320000", "甲")
    assert named in node.refused("init", *words)
    assert not node.home.exists()


@pytest.mark.parametrize(("code", "said"), [
    ("330100", "330000"),  # another province's city
    ("320583", "320500"),  # a grandchild
    ("320599", ""),  # no such office
    ("320000", ""),  # itself
    ("3205", ""),
])
def test_invite_knows_the_real_offices(root, code, said):
    before = root.counts()
    line = root.refused("invite", code, "--name", "某市人民政府")
    assert code in line
    assert said in line
    assert root.counts() == before
    assert root.json("pending") == []


def test_invite_by_another_name_than_the_directory_has_warns_and_goes_on(root):
    done = root.cli("invite", "321000", "--name", "镇江市人民政府")
    assert done.exit == 0
    assert done.out.startswith("dulian1.")
    assert len(done.out.splitlines()) == 1
    assert "提醒" in done.err
    assert "镇江市" in done.err
    assert "扬州市" in done.err
    [warning] = root.json("invite", "321000", "--name", "镇江市人民政府")["warnings"]
    assert "扬州市" in warning
    done = root.cli("invite", "321000", "--name", "扬州市人民政府")
    assert (done.exit, done.err) == (0, "")
    assert root.json("invite", "321000", "--name", "扬州市人民政府")["warnings"] == []


def test_invite_admits_unlisted_offices_when_told_so(root):
    invitation = decode_token(token_for(root, "320599", "--unlisted"), now_ms())
    assert invitation.code == "320599"
    assert invitation.parent_path == ("320000",)
    assert invitation.address == root.address


def test_joining_by_fingerprint_from_invitation_to_a_link_in_sync(root, folder):
    city = Node(folder, "320500", "苏州市人民政府")
    token = token_for(root, city.code)
    joined = city.run("join", token, "--listen", city.address, "--json").json
    assert joined["state"] == "pending"
    assert joined["parent"] == root.code
    assert "已有节点" in city.refused("join", token)
    assert city.cli("status").exit == 3  # it does not run
    [waiting] = root.json("pending")
    assert (waiting["code"], waiting["fingerprint"]) == (city.code, joined["fingerprint"])

    city.start()  # before it is admitted
    found = until(lambda: city.cli("status", "--json").exit == 1 and city.status(), "the waiting node answers")
    assert found["ready"] is False
    assert found["alarms"][0]["code"] == "pending"
    assert joined["fingerprint"] in found["alarms"][0]["text"]
    assert "尚未入网" in city.refused("item", "list", code=4)

    wrong = ("0" if joined["fingerprint"][0] != "0" else "1") + joined["fingerprint"][1:]
    assert "--fingerprint" in root.refused("approve", city.code, "--fingerprint", wrong)
    assert "--fingerprint" in root.refused("approve", city.code)  # no terminal: it does not ask, it refuses
    assert root.refused("approve", "320300", "--fingerprint", joined["fingerprint"])
    assert root.json("pending") == [waiting]
    assert city.cli("status", "--json").json["ready"] is False

    again = Node(folder / "again", city.code, city.name)
    reused(root, again, token)
    assert root.alarms() == {"pending", "enrol"}

    approved = root.cli("approve", city.code, "--fingerprint", joined["fingerprint"])
    assert approved.exit == 0, approved
    city.await_ready()
    try:
        assert city.ready == {"office": city.code, "listen": city.address, "console": None}
        until(lambda: root.link(city.code)["state"] == "synced", "the city is in sync")
        assert not (city.home / "join.json").exists()
        assert root.json("pending") == []
        assert root.alarms() == set()

        reused(root, again, token)
        assert root.alarms() == set()  # nothing is left that it could get
        assert city.code in root.refused("invite", city.code, "--name", city.name)
    finally:
        assert city.stop() == 0


def reused(root: Node, again: Node, token: str) -> None:
    """Another machine comes with a token that was used: refused, and nothing stays there."""
    line = line_of(again.run("join", token, "--listen", again.address), 2)
    assert "TOKEN" in line
    assert "已被使用" in line
    assert token not in line
    assert not again.home.exists()


def test_joining_by_the_invitation_alone(root, folder):
    city = Node(folder, "320200", "无锡市人民政府")
    joined = city.run("join", token_for(root, city.code, "--auto-approve"), "--listen", city.address, "--json")
    assert joined.exit == 0
    assert joined.json["state"] == "ready"
    assert root.json("pending") == []
    done = root.cli("status")
    assert city.code in done.out


def test_a_token_that_is_no_token_has_expired_or_is_too_old(root, folder):
    node = Node(folder / "late", "320300", "徐州市人民政府")
    token = token_for(root, node.code)
    invitation = decode_token(token, now_ms())
    expired = encode_token(invitation._replace(expires_ms=now_ms() - 1_000))
    replaced = token
    token_for(root, node.code)  # a newer invitation takes the place of the one before
    other = token[:99] + ("x" if token[99] != "x" else "y") + token[100:]
    for bad, said in (("abc", "TOKEN"), (token[:-9], "TOKEN"), (other, "TOKEN"),
                      (expired, "过期")):  # fmt: skip
        line = node.refused("join", bad)
        assert said in line
        assert bad[20:] not in line or len(bad) < 20
    assert "证书" in node.refused("join", replaced, code=3)
    assert not node.home.exists()
    for ttl in ("0h", "31d", "soon"):
        assert "--ttl" in root.refused("invite", node.code, "--name", "徐州市", "--ttl", ttl)


def test_a_parent_that_cannot_be_reached(root, folder):
    node = Node(folder / "far", "320300", "徐州市人民政府")
    invitation = decode_token(token_for(root, node.code), now_ms())
    line = node.refused("join", encode_token(invitation._replace(address=f"127.0.0.1:{free_port()}")), code=3)
    assert "上级地址" in line
    assert not node.home.exists()


def test_commands_without_a_node(still, folder):
    line = still.refused("item", "list", code=3)
    assert "dulian serve" in line
    absent = Node(folder / "absent", "320000", "甲")
    assert "--home" in absent.refused("status", code=3)
    assert "--home" in refuses_to_serve(absent)
    assert still.cli("verify", "--json").json["ok"] is True  # works on the home itself


def copy_of(node: Node, folder: Path, **change: str) -> Node:
    """The same node in another folder, its configuration changed: lines replaced or added."""
    copy = Node(folder / f"copy-{free_port()}", node.code, node.name)
    shutil.copytree(node.home, copy.home)
    config = copy.home / "config.toml"
    lines = [line for line in config.read_text(encoding="utf-8").splitlines() if line.split(" = ")[0] not in change]
    config.write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in change.items())]), encoding="utf-8")
    return copy


def test_serve_refuses_what_it_must_not_use(root, still, folder):
    """Key file and folder others could have read, a second process, a port in use, data and keys of another office."""
    stranger = folder / "stranger.db"
    with tempfile.TemporaryDirectory() as made:
        Node(Path(made), "340000", "安徽省人民政府").found("--database", f"sqlite:///{stranger}")
    nodes = {
        "0600": copy_of(still, folder),
        "chmod 700": copy_of(still, folder),
        "正": root,
        root.address: copy_of(still, folder, listen=f'"{root.address}"'),
        "数据库属于 340000": copy_of(still, folder, database=f'"sqlite:///{stranger}"'),
        "数据库属于 330000": copy_of(still, folder),
    }
    (nodes["0600"].home / "keys" / "record.key").chmod(0o644)
    nodes["chmod 700"].home.chmod(0o755)
    shutil.copy(root.home / "keys" / "record.key", nodes["数据库属于 330000"].home / "keys" / "record.key")
    before = root.counts(), kept(nodes[root.address].home)
    with ThreadPoolExecutor(2) as pool:
        for said, line in zip(nodes, pool.map(refuses_to_serve, nodes.values()), strict=True):
            assert said in line
    assert "record.key" in nodes["0600"].refused("verify")
    assert (root.counts(), kept(nodes[root.address].home)) == before
    for node in (still, nodes[root.address]):
        assert node.cli("verify", "--json").json["ok"] is True


@pytest.mark.parametrize(("change", "said"), [
    ({"office": '"340000"'}, "330000"),
    ({"database": '"sqlite:////nowhere/absent.db"'}, "不存在"),
    ({"database": '"oracle://x/y"'}, "--database"),
    ({"keepalive_s": "0"}, "keepalive_s"),
    ({"listen": '"here"'}, "here"),
    ({"colour": "1"}, "colour"),
    ({"office": "["}, "config.toml"),
])
def test_a_configuration_that_does_not_fit(still, folder, change, said):
    node = copy_of(still, folder, **change)
    assert said in node.refused("verify")


def test_a_stopped_node_starts_again_and_the_environment_goes_before_the_file(still):
    port = free_port()
    process = subprocess.Popen(
        [*DULIAN, "serve", "--home", str(still.home)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**ENVIRONMENT, "DULIAN_LISTEN": f"127.0.0.1:{port}"},
    )
    with process:
        assert f"127.0.0.1:{port}" in process.stdout.readline()
        process.terminate()
        assert process.wait(10) == 0


def now_ms() -> int:
    return time.time_ns() // 1_000_000
