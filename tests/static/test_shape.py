"""What the house style measures: sizes, words, paths, titles, and what pure packages may not call."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.static.tree import project_files, python_files, where

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
PURE = ("records", "rules", "items", "sync")
# Pieces, so that this file does not find itself. Catching NotImplementedError is right where a library raises it.
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "raise NotImplemented" + "Error")))
HOMES = re.compile("/(?:" + "|".join(("ho" + "me/[a-z]", "Us" + "ers/[A-Za-z]", "ro" + "ot/")) + ")")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def numbered(path: Path) -> Iterator[tuple[int, str]]:
    return enumerate(read(path).splitlines(), 1)


def test_modules_are_short() -> None:
    lengths = {str(path.relative_to(ROOT)): len(read(path).splitlines())
               for path in python_files("node", "tests", "deploy")}
    assert {name: lines for name, lines in lengths.items() if lines > MODULE_LINES_MAX} == {}


def test_functions_are_short() -> None:
    long = {}
    for path in python_files("node", "tests", "deploy"):
        for element in ast.walk(ast.parse(read(path), str(path))):
            if isinstance(element, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (element.end_lineno or element.lineno) - element.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long[f"{where(path, element.lineno)} {element.name}"] = lines
    assert long == {}


def test_nothing_is_left_unfinished_in_the_product() -> None:
    found = [where(path, number) for path in python_files("node") for number, line in numbered(path)
             if UNFINISHED.search(line)]
    assert found == []


def test_no_path_of_somebodys_machine() -> None:
    found = []
    for path in project_files():
        try:
            lines = list(numbered(path))
        except UnicodeDecodeError:
            continue    # a binary file
        found += [where(path, number) for number, line in lines if HOMES.search(line) or f"{ROOT}/" in line]
    assert found == []


def test_lock_files_name_no_source() -> None:
    found = [where(path, number) for path in sorted((ROOT / "requirements").glob("*.txt"))
             for number, line in numbered(path) if re.search(r"https?:|file:|--(?:extra-)?index|--find-links", line)]
    assert found == []


def test_documents_have_one_title() -> None:
    titles = {}
    for path in project_files():
        if path.suffix == ".md":
            prose = re.sub(r"^```.*?^```", "", read(path), flags=re.DOTALL | re.MULTILINE)
            titles[str(path.relative_to(ROOT))] = len(re.findall(r"^# ", prose, re.MULTILINE))
    assert {name: count for name, count in titles.items() if count != 1} == {}


@pytest.mark.parametrize("package", PURE)
def test_pure_packages_open_and_print_nothing(package: str) -> None:
    impure = {"open", "print", "input", "eval", "exec", "globals"}
    found = [
        where(path, element.lineno)
        for path in python_files("node") if path.relative_to(ROOT).parts[1] == package
        for element in ast.walk(ast.parse(read(path), str(path)))
        if isinstance(element, ast.Call) and isinstance(element.func, ast.Name) and element.func.id in impure
    ]
    assert found == []
