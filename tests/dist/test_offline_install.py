"""The offline archive installs and runs where there is no network at all."""

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from tests.conftest import ROOT

pytestmark = pytest.mark.timeout(600)

WITHOUT_NETWORK = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
CONNECT = "import socket; socket.create_connection(('192.0.2.1', 9), timeout=5)"


def run(command: list[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("dist")
    done = run([sys.executable, "deploy/dist.py", "--output", str(output)], ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = output.iterdir()
    return made


@pytest.fixture
def unpacked(archive: Path, tmp_path: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    return tmp_path / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> list[str]:
    """The command prefix that takes the network away; where the kernel forbids that, none, and a line says so."""
    here = tmp_path_factory.mktemp("offline")
    tried = run([*WITHOUT_NETWORK, sys.executable, "-c", CONNECT], here)
    if "unreachable" in tried.stderr:
        return WITHOUT_NETWORK
    reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")
    assert reporter is not None
    reporter.write_line(f"\nno network namespace here, so only pip --no-index guards: {tried.stderr.strip()}")
    return []


def install(unpacked: Path, offline: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    places = ["--prefix", str(unpacked.parent / "opt"), "--bindir", str(unpacked.parent / "bin")]
    return run(
        [*offline, "sh", "install.sh", *places, "--no-service", "--python", sys.executable, *options], unpacked
    )


def test_name_tells_version_machine_and_python(archive: Path) -> None:
    assert re.fullmatch(r"dulian-\d+\.\d+\.\d+-linux-\w+-cp3\d+\.tar\.gz", archive.name)


def test_holds_no_host_and_only_hashed_wheels(unpacked: Path) -> None:
    pinned = (unpacked / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==\S+ --hash=sha256:[0-9a-f]{64}", line) for line in pinned)
    assert len(pinned) + 1 == len(list((unpacked / "wheels").iterdir()))    # pip itself is not installed


def test_every_wheel_loads_with_the_oldest_glibc_the_guide_promises(unpacked: Path) -> None:
    guide = (unpacked / "安装说明.md").read_text(encoding="utf-8")
    promised = int(re.search(r"glibc 2\.(\d+) 或更高", guide)[1])    # type: ignore[index]
    needed = {
        wheel.name: min(
            [17 if "manylinux2014" in tag.platform else int(tag.platform.split("_")[2])
             for tag in parse_wheel_filename(wheel.name)[3] if tag.platform != "any"], default=0
        )
        for wheel in (unpacked / "wheels").iterdir()
    }
    assert max(needed.values()) > 0
    assert {name: minor for name, minor in needed.items() if minor > promised} == {}


def test_installs_and_runs_without_network_and_again_is_harmless(unpacked: Path, offline: list[str]) -> None:
    first = install(unpacked, offline)
    assert first.returncode == 0, first.stdout + first.stderr
    command = str(unpacked.parent / "bin" / "dulian")
    for option in ("--version", "--help"):
        # PYTHONPATH of the test run must not lend the installed program our sources.
        done = run([*offline, command, option], unpacked.parent, PYTHONPATH="")
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.strip()
    for name in ("RUNBOOK.md", "安装说明.md"):    # alarms name the one, and the unpacked archive is soon deleted
        assert (unpacked.parent / "opt/current" / name).read_bytes() == (unpacked / name).read_bytes()
    where = run([str(unpacked.parent / "opt/current/bin/python"), "-c", "import node; print(node.__file__)"],
                unpacked.parent)
    assert str(unpacked.parent) in where.stdout
    again = install(unpacked, offline)
    assert again.returncode == 0, again.stderr
    assert "已经安装" in again.stdout
    assert len(list((unpacked.parent / "opt/releases").iterdir())) == 1


def test_corrupted_wheel_is_refused(unpacked: Path, offline: list[str]) -> None:
    (wheel,) = (unpacked / "wheels").glob("dulian-*.whl")
    content = bytearray(wheel.read_bytes())
    content[len(content) // 2] ^= 1
    wheel.write_bytes(content)
    done = install(unpacked, offline)
    assert done.returncode == 2
    assert "安装包已损坏或被改动" in done.stderr
    assert wheel.name in done.stderr
    assert "处理办法" in done.stderr
    assert not (unpacked.parent / "opt").exists()


def test_added_file_is_refused(unpacked: Path, offline: list[str]) -> None:
    (unpacked / "wheels/extra-1.0-py3-none-any.whl").write_bytes(b"not ours")
    done = install(unpacked, offline)
    assert done.returncode == 2
    assert "来历不明的文件：wheels/extra-1.0-py3-none-any.whl" in done.stderr


def test_other_python_is_refused(unpacked: Path, offline: list[str]) -> None:
    done = install(unpacked, offline, "--python", "/nonexistent/python")
    assert done.returncode == 2
    assert f"未找到可用的 Python {sys.version_info.major}.{sys.version_info.minor}" in done.stderr
    assert not (unpacked.parent / "opt").exists()


def test_prefix_that_cannot_be_written_is_refused(unpacked: Path, offline: list[str]) -> None:
    done = install(unpacked, offline, "--prefix", "/proc/dulian")
    assert done.returncode == 2
    assert "不能写入程序目录 /proc/dulian" in done.stderr
