"""The generated protobuf code is what `make proto` makes of proto/ today."""

import subprocess
from pathlib import Path

from tests.conftest import ROOT
from tests.static.tree import is_generated


def generated_below(folder: Path) -> dict[str, str]:
    files = (path for path in (folder / "node").rglob("*_pb2*") if is_generated(path))
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in files}


def test_generated_code_is_current(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "proto", f"PROTO_OUT={tmp_path}"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    fresh, kept = generated_below(tmp_path), generated_below(ROOT)
    assert fresh, "make proto made nothing"
    assert sorted(kept) == sorted(fresh), "run `make proto`"
    stale = [name for name in fresh if fresh[name] != kept[name]]
    assert not stale, "run `make proto`"
