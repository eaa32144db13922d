"""Fetches the console's vendored files, pinned in requirements/assets.json, into node/web/static/vendor.

What only tests use says where else it goes (``into``) and is not shipped.
Uses `npm pack` with whatever registry npm is set up for; every package is checked against its pinned SHA-512 first.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "node" / "web" / "static" / "vendor"


def fetch(package: str, version: str, integrity: str, folder: Path) -> Path:
    """The package's archive, checked; ends the program where it is another one."""
    done = subprocess.run(
        ["npm", "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True, capture_output=True, text=True
    )
    archive = folder / done.stdout.strip().splitlines()[-1]
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != integrity:
        sys.exit(f"错误：{package}@{version} 的内容与锁定的不同：{found}")
    return archive


def main() -> None:
    assets = json.loads((ROOT / "requirements" / "assets.json").read_text(encoding="utf-8"))
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    said = "Files of others in this folder, as pinned in requirements/assets.json; their licences stand beside them."
    notice = [said, ""]
    for asset in assets:
        into = ROOT / asset["into"] if "into" in asset else VENDOR
        with tempfile.TemporaryDirectory() as folder:
            archive = fetch(asset["package"], asset["version"], asset["integrity"], Path(folder))
            with tarfile.open(archive) as tar:
                for source, name in asset["files"].items():
                    member = tar.extractfile(f"package/{source}")
                    if member is None:
                        sys.exit(f"错误：{asset['package']} 没有 {source}")
                    (into / name).write_bytes(member.read().rstrip() + b"\n")
        if into != VENDOR:
            continue
        names = ", ".join(sorted(asset["files"].values()))
        notice.append(f"{asset['package']} {asset['version']}, {asset['licence']}: {names}")
    (VENDOR / "NOTICE.txt").write_text("\n".join(notice) + "\n", encoding="utf-8")
    print(f"已取得 {len(assets)} 个组件：{VENDOR.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
