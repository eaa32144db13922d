"""docs/commands.md against the command line: every command with an example and its options, and nothing else."""

import re
import shlex
from typing import Any

from typer.main import get_command

from node.cli.app import build_app
from node.cli.later import LATER
from node.cli.usage import MissingCommand
from tests.conftest import ROOT

DOCUMENT = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
COMMON = {"--home", "--json", "--as", "--help"}


def commands() -> dict:
    found: dict[str, Any] = {}
    groups: list[tuple[str, Any]] = [("", get_command(build_app()))]
    while groups:
        prefix, group = groups.pop()
        for name, command in group.commands.items():
            path = f"{prefix} {name}".strip()
            if hasattr(command, "commands"):
                groups.append((path, command))
            elif not isinstance(command, MissingCommand):
                found[path] = command
    return found


def sections() -> dict[str, str]:
    parts = re.split(r"^### dulian (.+)$", DOCUMENT, flags=re.MULTILINE)
    return {name: text.split("\n## ")[0] for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_every_command_has_a_section_and_no_other_is_described() -> None:
    assert set(sections()) == set(commands())


def test_every_parameter_is_described_as_in_the_help() -> None:
    for path, command in commands().items():
        rows = re.findall(
            r"^\| `([^`]+)` \| (是?) +\| (.+) \|$|^\| `([^`]+)` \|  \| (.+) \|$", sections()[path], re.MULTILINE
        )
        described = {(row[0] or row[3]): ((row[1] == "是"), row[2] or row[4]) for row in rows}
        expected = {}
        for param in command.params:
            if COMMON & set(param.opts):
                continue
            argument = param.param_type_name == "argument"
            flag = getattr(param, "is_flag", False)
            term = param.metavar if argument else param.opts[0] + ("" if flag else f" {param.metavar}")
            expected[term] = (param.required, param.help)
        assert described == expected, path


def test_every_example_is_a_line_the_parser_accepts() -> None:
    for path, command in commands().items():
        (example,) = re.findall(r"^```\n(.+)\n```$", sections()[path], re.MULTILINE)
        words = shlex.split(example)
        assert words[: 1 + len(path.split())] == ["dulian", *path.split()]
        command.make_context(path, words[1 + len(path.split()) :])


def test_common_options_and_exit_codes_are_explained() -> None:
    head = DOCUMENT.split("\n## ")[1]
    for option in COMMON - {"--help"}:
        assert f"`{option}" in head
    assert re.findall(r"^\| (\d+) \|", head, re.MULTILINE) == ["0", "1", "2", "3", "4", "70", "130"]


def test_missing_commands_are_listed() -> None:
    tail = DOCUMENT.split("## 本版本未提供")[1]
    assert dict(re.findall(r"^\| `dulian ([^`]+)` \| (.+) \|$", tail, re.MULTILINE)) == dict(LATER)
