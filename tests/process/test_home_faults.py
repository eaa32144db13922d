"""Homes that cannot be made, read or entered: refused with what to do; nothing stays that was not there before."""

import resource
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from node.bootstrap import homes, init_home, join_home
from node.config import read_config
from node.errors import InputError, UnreachableError
from node.wire import credentials
from node.wire.invitation import Invitation, encode_token
from tests.process.nodes import Node


def token(now_ms: int) -> str:
    """An invitation to a parent where nobody listens."""
    _, link_ca = credentials.new_link_ca("320000", now_ms)
    secret = bytes(range(32))
    return encode_token(
        Invitation("320500", "苏州市", ("320000",), "127.0.0.1:1", bytes(32), link_ca, secret, now_ms + 60_000)
    )


@pytest.mark.parametrize("made", [False, True])
def test_a_join_that_reaches_nobody_leaves_the_folder_as_it_was(tmp_path: Path, made: bool) -> None:
    home = tmp_path / "home"
    if made:  # as the installer makes it, in a folder where this user can make no other
        home.mkdir()
    with pytest.raises(UnreachableError):
        join_home(home, token=token(time.time_ns() // 1_000_000))
    assert home.exists() == made
    assert not made or not list(home.iterdir())


def test_a_folder_that_cannot_be_made_is_wrong_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for home in (tmp_path / "file", tmp_path / "file" / "home", Path("/proc/dulian")):
        with pytest.raises(InputError) as caught:
            init_home(home, office="320000", name="江苏省")
        assert caught.value.field == "--home"
        assert caught.value.remedy
    assert (tmp_path / "file").read_text() == "x"


@contextmanager
def files_up_to(size_bytes: int, pid: int = 0) -> Iterator[None]:
    """Inside, no file of the process grows beyond this: the nearest to a full disk that needs no rights."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def test_an_init_without_room_says_so_in_chinese(tmp_path: Path) -> None:
    with files_up_to(1), pytest.raises(InputError) as caught:
        init_home(tmp_path / "h", office="320000", name="江苏省")
    assert "超出文件大小限制" in str(caught.value)
    assert not (tmp_path / "h").exists()


def test_an_attachment_without_room_is_refused_with_place_and_remedy(tmp_path: Path) -> None:
    node = Node(tmp_path, "320000", "江苏省人民政府")
    node.found()
    node.serve()
    try:
        assert node.process is not None
        big, small = tmp_path / "大.bin", tmp_path / "小.bin"
        big.write_bytes(secrets.token_bytes(24_000_000))
        small.write_bytes(b"1")
        with files_up_to(16_000_000, node.process.pid):
            line = node.refused("item", "register", "--title", "甲", "--attach", str(big))
            for part in ("磁盘空间不足", str(node.home / "blobs"), "处理办法", "清理磁盘"):
                assert part in line
            error = node.cli("item", "register", "--title", "甲", "--attach", str(big), "--json").json["error"]
            assert error["code"] == "disk_full"
            node.json("item", "register", "--title", "乙", "--attach", str(small))
        node.json("item", "register", "--title", "甲", "--attach", str(big))
        assert {row["title"] for row in node.json("item", "list")} == {"甲", "乙"}
        assert node.json("verify")["ok"]
    finally:
        node.end()


def test_the_answer_names_the_folder_whole_and_where_it_listens(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = init_home(Path("h"), office="320000", name="江苏省")
    assert (made["home"], made["listen"]) == (str(tmp_path / "h"), "127.0.0.1:7600")


def test_names_stand_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="一行"):
        init_home(tmp_path / "h", office="320000", name="江苏\n省")
    assert not (tmp_path / "h").exists()


@pytest.mark.parametrize(("name", "content"), [
    (homes.RECORD_KEY, b"zz\n"), (homes.RECORD_KEY, b"ab\n"), (homes.RECORD_KEY, b"\xff"), (homes.LINK_CA, b"\n"),
])  # fmt: skip
def test_a_damaged_key_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    init_home(tmp_path / "h", office="320000", name="江苏省")
    (tmp_path / "h" / "keys" / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        homes.read_keys(tmp_path / "h")
    assert name in caught.value.value


@pytest.mark.parametrize(("line", "text"), [
    ("foo = 1", "没有配置项 foo"), ('keepalive_s = "x"', "须为整数"), ("keepalive_s = 0", "不能小于 1"),
    ("keepalive_s = 601", "不能大于 600"), ("advertise = 3", "加双引号"), ("listen", "第 4 行"),
    ('parent = "10.1.0.9"', "地址写法不对"),
])  # fmt: skip
def test_a_wrong_setting_is_said_in_chinese(tmp_path: Path, line: str, text: str) -> None:
    (tmp_path / "config.toml").write_text(f'# 一\noffice = "320000"\n\n{line}\n', encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_config(tmp_path)
    assert text in str(caught.value)
    assert caught.value.remedy
