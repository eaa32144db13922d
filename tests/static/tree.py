"""The files of the project, as the static tests look at them."""

import subprocess
from pathlib import Path

from tests.conftest import ROOT


def project_files() -> list[Path]:
    """Every file that is, or is about to be, under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout
    return [ROOT / name for name in sorted(set(listed.split("\0"))) if name and (ROOT / name).is_file()]


def is_generated(path: Path) -> bool:
    return path.name.endswith(("_pb2.py", "_pb2.pyi", "_pb2_grpc.py"))


def python_files(*folders: str) -> list[Path]:
    """The hand-written Python files below the folders; migrations are a record of the past and left out."""
    return [
        path for path in project_files()
        if path.suffix == ".py" and not is_generated(path) and "migrations" not in path.parts
        and path.relative_to(ROOT).parts[0] in folders
    ]


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"
