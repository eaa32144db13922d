"""Backups of a real node: whole, checked, encrypted, by schedule; killed in between nothing half is left (C3)."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import time
from pathlib import Path

import pyrage
import pytest

from node.bootstrap.archive import read_backup
from tests.process.nodes import DULIAN, ENVIRONMENT, Node, until

CODE = "320000"


@pytest.fixture(scope="module")
def province(tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("backup"), CODE, "江苏省人民政府")
    try:
        node.found()
        node.serve()
        file = node.home.parent / "通知.pdf"
        file.write_bytes(os.urandom(50_000))
        for title in ("防汛物资", "抗旱物资"):
            node.json("item", "register", "--title", title, "--attach", str(file))
        yield node
    finally:
        node.end()


def key_pair(folder: Path) -> tuple[str, Path]:
    identity = pyrage.x25519.Identity.generate()
    file = folder / "age.key"
    file.write_text(f"# public key: {identity.to_public()}\n{identity}\n", encoding="utf-8")
    return str(identity.to_public()), file


def unpacked(file: Path, folder: Path, identity: str = "") -> dict:
    folder.mkdir()
    return read_backup(file, folder, identity)


def test_a_running_node_is_backed_up_without_its_keys(province, tmp_path):
    file = tmp_path / "a.backup"
    made = province.json("backup", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (made["verified"], made["keys"], made["encrypted"]) == (True, False, False)
    assert (made["attachments"], made["records"]) == (2, province.status()["records"])
    manifest = unpacked(file, tmp_path / "out")
    assert {entry["name"].split("/")[0] for entry in manifest["files"]} == {"config.toml", "dulian.db", "blobs"}
    with sqlite3.connect(tmp_path / "out" / "dulian.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM record").fetchone()[0] == made["records"]
    assert province.status()["backup"]["file"] == str(file)
    assert "不覆盖" in province.refused("backup", str(file))
    assert not list((province.home / "run").glob("backup-*"))


def test_encrypted_it_holds_the_keys_and_opens_with_the_right_key_only(province, tmp_path):
    recipient, key_file = key_pair(tmp_path)
    file = tmp_path / "b.backup.age"
    made = province.json("backup", str(file), "--encrypt-to", recipient)
    assert (made["keys"], made["encrypted"]) == (True, True)
    raw = file.read_bytes()
    key = (province.home / "keys" / "record.key").read_bytes().strip()
    assert raw.startswith(b"age-encryption.org/v1\n")
    assert key not in raw
    secret = key_file.read_text(encoding="utf-8").splitlines()[1]
    unpacked(file, tmp_path / "out", secret)
    assert (tmp_path / "out" / "keys" / "record.key").read_bytes().strip() == key
    assert stat.S_IMODE((tmp_path / "out" / "keys" / "record.key").stat().st_mode) == 0o600
    with pytest.raises(Exception, match="不能解密"):
        read_backup(file, None, str(pyrage.x25519.Identity.generate()))
    with pytest.raises(Exception, match="需要私钥"):
        read_backup(file, None, "")
    assert "age 公钥" in province.refused("backup", str(tmp_path / "c.backup"), "--encrypt-to", "age1nobody")
    assert not (tmp_path / "c.backup").exists()


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_flipped_or_missing_byte_anywhere_is_seen(province, tmp_path, encrypted):
    recipient, key_file = key_pair(tmp_path)
    secret = key_file.read_text(encoding="utf-8").splitlines()[1]
    file = tmp_path / "d.backup"
    province.json("backup", str(file), *(["--encrypt-to", recipient] if encrypted else ["--with-keys"]))
    whole = file.read_bytes()
    broken = tmp_path / "broken"
    places = [len(whole) * part // 23 for part in range(23)]
    for at in places:
        block = whole[at - at % 512 : at - at % 512 + 512]
        if not encrypted and not block.strip(b"\0"):
            continue  # padding of the tar says nothing
        broken.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(Exception, match="备份不可用|不能解密|需要私钥"):
            read_backup(broken, None, secret)
    for size in (0, 100, len(whole) // 2, len(whole) - 11_000):
        broken.write_bytes(whole[:size])
        with pytest.raises(Exception, match="备份不可用|不能解密|需要私钥"):
            read_backup(broken, None, secret)


def test_killed_half_way_there_is_no_file_or_the_whole_one(province, tmp_path):
    """C3, on a node that is not running: the copy, the tar, the check and the renaming are cut anywhere."""
    home = tmp_path / "home"
    province.stop()
    shutil.copytree(province.home, home)
    province.serve()
    found = set()
    for attempt in range(8):
        file = tmp_path / f"{attempt}.backup"
        process = subprocess.Popen(
            [*DULIAN, "backup", str(file), "--with-keys", "--home", str(home)], env=ENVIRONMENT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        time.sleep(0.4 + attempt * 0.15)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        found.add(file.exists())
        if file.exists():
            read_backup(file, None, "")
    done = subprocess.run(
        [*DULIAN, "backup", str(tmp_path / "last.backup"), "--home", str(home)], env=ENVIRONMENT, check=False,
        capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 0, done
    assert not list((home / "run").glob("backup-*"))
    assert read_backup(tmp_path / "last.backup", None, "")["office"] == CODE


def test_the_daily_backup_runs_once_a_date_is_rotated_and_its_failure_is_an_alarm(province):
    folder = province.home.parent / "daily"
    province.stop()
    province.configure(backup_folder=str(folder), backup_hour=0, backup_keep=2)
    folder.mkdir()
    for old in ("2020-01-01", "2020-01-02", "2020-01-03"):
        (folder / f"dulian-{CODE}-{old}.backup").write_bytes(b"old")
    (folder / "mine.backup").write_bytes(b"by hand")
    province.serve()
    until(lambda: len(list(folder.glob("dulian-*"))) == 2, "the daily backup, and rotation")
    names = sorted(path.name for path in folder.iterdir())
    assert names[0].startswith(f"dulian-{CODE}-2020-01-03")
    assert names[2] == "mine.backup"
    made = folder / names[1]
    assert read_backup(made, None, "")["with_keys"] is False
    before = made.stat().st_mtime_ns
    province.stop()
    province.serve()
    time.sleep(2)
    assert made.stat().st_mtime_ns == before

    until(lambda: province.status()["backup"]["file"] == str(made), "the status shows it")
    province.stop()
    with sqlite3.connect(province.home / "dulian.db") as database:
        database.execute("DELETE FROM job_run WHERE job = 'backup'")
    database.close()
    shutil.rmtree(folder)
    folder.write_bytes(b"in the way")
    province.serve()
    until(lambda: "backup_failed" in province.alarms(), "the failure is told")
    folder.unlink()
    province.stop()
    province.serve()
    until(lambda: "backup_failed" not in province.alarms(), "and it is over")
