"""Builds the offline installation archive: the project, every run-time wheel, their hashes, and the installer.

    dist/dulian-<version>-linux-<arch>-cp3xx.tar.gz

The archive is for the Python version and the machine type that build it. Every downloaded wheel is checked against
the hashes of requirements/*.txt; the same sources and lock files give the same file list. Needs the network.
"""

import argparse
import gzip
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parent.parent
INSTALLER_FILES = ("install.sh", "dulian.service", "安装说明.md", "RUNBOOK.md", "alerts.yml")
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
# The archive promises to run from this glibc on, whatever the machine has that builds it (安装说明.md says so too).
GLIBC_OLDEST = 28    # 2.28: what the offices' servers have (Kylin V10, UOS 20, RHEL 8)


def project_version() -> str:
    with (ROOT / "pyproject.toml").open("rb") as file:
        version: str = tomllib.load(file)["project"]["version"]
    return version


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def build_project_wheel(wheels: Path) -> None:
    """Builds from a copy, so that no left-over of an earlier build gets into the wheel."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        source.mkdir()
        shutil.copy(ROOT / "pyproject.toml", source)
        shutil.copytree(ROOT / "node", source / "node", ignore=shutil.ignore_patterns("__pycache__"))
        subprocess.run(
            [*PIP, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(source)],
            check=True,
        )


def platforms() -> list[str]:
    """The wheel tags of this machine type that every glibc from the oldest promised one on can load."""
    machine = platform.machine()
    return [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC_OLDEST, 16, -1)] + [f"manylinux2014_{machine}"]


def download_wheels(wheels: Path) -> None:
    """Fetches the locked run-time wheels, and the pip that installs them where the system has none."""
    old_enough = [part for tag in platforms() for part in ("--platform", tag)]
    for lock in ("run.txt", "dist.txt"):
        subprocess.run(
            [*PIP, "download", "--require-hashes", "--no-deps", "--only-binary", ":all:", *old_enough,
             "--dest", str(wheels), "--requirement", str(ROOT / "requirements" / lock)],
            check=True,
        )


def offline_requirements(wheels: Path) -> str:
    """One line for each wheel of the archive, with its hash."""
    lines = []
    for wheel in sorted(wheels.glob("*.whl")):
        name, version, _, _ = parse_wheel_filename(wheel.name)
        if name != "pip":
            lines.append(f"{name}=={version} --hash=sha256:{sha256(wheel)}\n")
    return "".join(lines)


def write_contents(folder: Path, version: str) -> None:
    """Lays out everything the archive holds; SHA256SUMS last, over all the rest."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    build_project_wheel(wheels)
    download_wheels(wheels)
    for name in INSTALLER_FILES:
        shutil.copy(ROOT / "deploy" / name, folder / name)
    (folder / "install.sh").chmod(0o755)
    (folder / "requirements.txt").write_text(offline_requirements(wheels), encoding="utf-8")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "release").write_text(
        f"VERSION={version}\nPYTHON={python}\nMACHINE={platform.machine()}\n", encoding="utf-8"
    )
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = "".join(f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")


def pack(folder: Path, archive: Path, changed_at_s: int) -> None:
    """Packs in a fixed order, with fixed owners and times."""
    def normal(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = changed_at_s
        return member

    archive.parent.mkdir(parents=True, exist_ok=True)
    partial = archive.with_name(archive.name + ".tmp")
    with (
        partial.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=1, mtime=changed_at_s) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for path in [folder, *sorted(folder.rglob("*"))]:
            tar.add(path, arcname=path.relative_to(folder.parent).as_posix(), recursive=False, filter=normal)
    partial.replace(archive)


def main() -> None:
    parser = argparse.ArgumentParser(description="制作离线安装包")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="安装包所在目录，默认 dist/")
    output: Path = parser.parse_args().output
    version = project_version()
    abi = f"cp{sys.version_info.major}{sys.version_info.minor}"
    name = f"dulian-{version}-linux-{platform.machine()}-{abi}"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        write_contents(folder, version)
        archive = output / f"{name}.tar.gz"
        pack(folder, archive, int(os.environ.get("SOURCE_DATE_EPOCH", "1735689600")))
    print(f"安装包：{archive}（{archive.stat().st_size / 1_000_000:.1f} MB）")


if __name__ == "__main__":
    main()
