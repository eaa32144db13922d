"""What people meet before any node is asked: help, usage errors, missing commands. No socket is opened here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner, Result

from node import __version__
from node.cli import usage, values
from node.cli.app import build_app
from node.cli.later import LATER
from node.errors import (
    DulianError,
    ForbiddenError,
    InputError,
    LocalError,
    NotFoundError,
    PeerError,
    StoreError,
    UnreachableError,
)
from node.items.lifecycle import STATE_LABELS


def run(*args: str, **env: str) -> Result:
    return CliRunner(env=env).invoke(build_app(), list(args))


def refused(*args: str) -> str:
    """The one line on stderr; nothing on stdout, exit code 2."""
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("错误：")
    assert result.stderr.count("\n") == 1
    return result.stderr.strip()


def commands() -> list[str]:
    found: list[str] = []
    groups: list[tuple[str, Any]] = [("", get_command(build_app()))]
    while groups:
        prefix, group = groups.pop()
        for name, command in group.commands.items():
            path = f"{prefix} {name}".strip()
            if hasattr(command, "commands"):
                groups.append((path, command))
            else:
                found.append(path)
    return found


SURFACE = """import
init invite join pending approve serve status doctor verify heads digest backup restore recover reconcile revoke
bundle.export bundle.import user.add user.list user.disable user.reset unit.add unit.list export.ledger export.evidence
evidence.verify
item.issue item.register item.assign item.reassign item.insist item.exempt item.handle item.list item.show
item.sign item.refuse item.decompose item.report item.submit item.return item.accept item.close item.cancel item.urge
item.extend item.grant item.deny item.attach item.fetch"""


def test_every_command_of_the_surface_is_there() -> None:
    # It is extended only by adding; test_cli_docs says what else there is.
    assert not set(SURFACE.split()) - {path.replace(" ", ".") for path in commands()}


@pytest.mark.parametrize("path", sorted(commands()))
def test_every_command_explains_itself_and_takes_home_and_json(path: str) -> None:
    result = run(*path.split(), "--help")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert f"用法：dulian {path}" in result.stdout
    for option in ("--home DIR", "--json", "--help"):
        assert option in result.stdout
    assert "\x1b" not in result.stdout
    for english in ("Usage", "Options", "Show this message", "required", "default"):
        assert english not in result.stdout


@pytest.mark.parametrize("path", sorted(path for path in commands() if path.startswith(("item ", "import"))))
def test_verbs_take_an_account(path: str) -> None:
    if path not in LATER:
        assert "--as NAME" in run(*path.split(), "--help").stdout


def test_no_option_is_declared_a_number_as_values_come_as_typed() -> None:
    wrong: list[str] = []
    groups: list[Any] = [get_command(build_app())]
    while groups:
        for name, command in groups.pop().commands.items():
            if hasattr(command, "commands"):
                groups.append(command)
                continue
            hints = get_type_hints(command.callback)
            hints.pop("return", None)
            wrong += [f"{name} {one}" for one, hint in hints.items() if {int, float} & {hint, *get_args(hint)}]
    assert wrong == []


@pytest.mark.parametrize("path", sorted(LATER))
@pytest.mark.parametrize(
    "words", [(), ("x", "--reason", "y", "--unknown"), ("--json",), ("a", "b", "c", "-z", "--to=1")]
)
def test_missing_commands_refuse_whatever_their_arguments(path: str, words: tuple[str, ...]) -> None:
    result = run(*path.split(), *words)
    assert result.exit_code == 2
    assert result.stderr == f"错误：dulian {path}：本版本未提供\n"
    if "--json" in words:
        assert json.loads(result.stdout)["error"]["code"] == "not_available"


def test_help_lists_every_command_under_a_heading() -> None:
    shown = run("--help").stdout
    for name in {path.split()[0] for path in commands()}:
        assert f"\n  {name} " in shown
    headings = (
        "建立与入网：", "运行与核对：", "督查事项：", "台账与统计：", "规则与日历：", "账号与机构：",
        "本版本未提供：", "选项：",
    )  # fmt: skip
    places = [shown.index(f"\n{heading}\n") for heading in headings]
    assert places == sorted(places)  # what can be used comes before what this release refuses


def test_without_a_command_the_help_is_shown_and_nothing_is_done() -> None:
    for words in ((), ("item",), ("bundle",)):
        result = run(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("用法：dulian")


def test_version() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"dulian {__version__}\n")


@pytest.mark.parametrize(("words", "parts"), [
    (["stauts"], ["stauts", "没有这个命令", "dulian status", "--help"]),
    (["item", "isue"], ["isue", "没有这个命令", "dulian item issue"]),
    (["item", "xyzzy"], ["xyzzy", "没有这个命令", "dulian item --help"]),
    (["status", "--jsno"], ["--jsno", "没有这个选项", "--json"]),
    (["status", "-x"], ["-x", "没有这个选项"]),
    (["--home", "x", "status"], ["--home", "写在子命令之后"]),
    (["item", "--as", "x", "list"], ["--as", "写在子命令之后"]),
    (["item", "issue", "--to", "320500"], ["--title", "缺少必填的选项"]),
    (["item", "sign"], ["ITEM", "缺少参数"]),
    (["item", "sign", "a", "b"], ["「b」", "多余的参数"]),
    (["item", "refuse", "a", "--reason"], ["--reason", "后面要写值"]),
    (["status", "--json=1"], ["--json", "不带值"]),
    (["item", "list", "--state", "done"], ["--state", "「done」", "registered（已登记）"]),
    (["item", "list", "--light", "pink"], ["--light", "「pink」", "yellow（黄）"]),
    (["item", "list", "--office", "苏州"], ["--office", "「苏州」", "320500"]),
    (["item", "urge", "a", "--text", "t", "--channel", "fax"], ["--channel", "「fax」", "phone（电话）"]),
    (["item", "issue", "--title", "t"], ["--to", "缺少承办单位", "--local"]),
    (["item", "issue", "--title", "t", "--to", "320500", "--local"], ["--to", "自办"]),
    (["item", "issue", "--title", "t", "--to", "32050"], ["--to", "「32050」", "不是单位代码"]),
    (["item", "issue", "--title", "t", "--to", "320500,"], ["--to", "不是单位代码"]),
    (["item", "issue", "--title", "t", "--to", "320500,320200", "--to", "320500"], ["--to", "「320500」", "两次"]),
    (["item", "issue", "--title", "t", "--to", "320500", "--lead", "320200"], ["「320200」", "不在承办单位之中"]),
    (["item", "issue", "--title", "t", "--to", "320500,320200", "--lead", "320500", "--lead", "320200"],
     ["--lead", "只能有一个"]),
    (["item", "issue", "--title", "t", "--to", "320500", "--due", "2026-13-01"], ["「2026-13-01」", "不是有效日期"]),
    (["item", "issue", "--title", "t", "--to", "320500", "--due", "明天"], ["--due", "「明天」", "2026-12-31"]),
    (["item", "issue", "--title", "t", "--to", "320500", "--due", "2026-12-31", "--rule", "r"], ["--rule", "只写一个"]),
    (["item", "issue", "--title", "t", "--to", "320500", "--attach", "no/such.pdf"], ["no/such.pdf", "没有这个文件"]),
    (["item", "issue", "--title", "t", "--to", "320500", "--attach", "."], ["--attach", "是目录"]),
    (["item", "reassign", "a", "--to", "320500,320200"], ["--to", "只能给一个单位"]),
    (["item", "report", "a", "--text", "t", "--percent", "101"], ["--percent", "「101」", "0至100"]),
    (["item", "report", "a", "--text", "t", "--percent", "一半"], ["--percent", "「一半」"]),
    (["item", "report", "a", "--text", "t", "--occurred", "2026-02-30"], ["--occurred", "不是有效日期"]),
    (["item", "return", "a", "--reason", "t", "--redo", "--supplement"], ["--supplement", "只写一个"]),
    (["item", "fetch", "a", "xyz", "f"], ["HASH", "「xyz」"]),
    (["item", "fetch", "a", "abcd", "."], ["FILE", "已存在"]),
    (["item", "fetch", "a", "abcd", "no/such/f"], ["FILE", "没有这个目录"]),
    (["import", "no-such.xlsx"], ["FILE.xlsx", "没有这个文件"]),
    (["init", "--ofice", "320000"], ["--ofice", "是否想写 --office"]),
    (["item", "issue", "--title", "甲\n乙", "--to", "320500", "--home", "."], ["--title「甲 乙」", "一行"]),
    (["item", "issue", "--title", "t", "--to", "320500，32"], ["--to", "「32」", "不是单位代码"]),
    (["item", "issue", "--title", "t", "--to", "320500、320200", "--lead", "320500，320200"], ["--lead", "只能有一个"]),
    (["item", "issue", "--title", "t", "--to", "320500", "--attach", "/dev/zero"], ["--attach", "不是普通文件"]),
    (["item", "show", " ", "--home", "."], ["ITEM", "不能为空"]),
    (["init", "--office", "32", "--name", "n"], ["--office", "不是单位代码"]),
    (["init", "--office", "320000", "--name", " "], ["--name", "不能为空"]),
    (["init", "--office", "320000", "--name", "n", "--listen", "7600"], ["--listen", "「7600」", "主机:端口"]),
    (["init", "--office", "320000", "--name", "n", "--listen", "a:70000"], ["--listen", "不是网络地址"]),
    (["invite", "320500", "--name", "n", "--ttl", "1y"], ["--ttl", "「1y」", "24h"]),
    (["approve", "320500", "--fingerprint", "zz"], ["--fingerprint", "不是指纹"]),
    (["approve", "320500"], ["--fingerprint", "没有终端", "dulian approve 320500 --fingerprint"]),
])  # fmt: skip
def test_wrong_input_names_field_value_and_remedy(words: list[str], parts: list[str]) -> None:
    line = refused(*words)
    for part in parts:
        assert part in line


def test_what_people_read_is_taken_as_well_as_the_word_for_it() -> None:
    assert values.choice("--state", "办理中", STATE_LABELS) == "active"
    assert values.choice("--light", "红", values.LIGHTS) == "red"
    assert values.codes("--to", ["320500，320200、320300, 320400"]) == ["320500", "320200", "320300", "320400"]
    assert values.percent("40％") == 40


def test_in_json_mode_the_error_is_a_document_too() -> None:
    result = run("item", "report", "a", "--text", "t", "--percent", "101", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout) == {
        "error": {
            "code": "input",
            "text": "进度超出范围",
            "field": "--percent",
            "value": "101",
            "remedy": "写0至100的整数，用半角数字",
        }
    }
    assert "--percent「101」" in result.stderr


def test_usage_errors_are_documents_in_json_mode() -> None:
    assert json.loads(run("item", "sign", "--json").stdout)["error"]["field"] == "ITEM"
    assert json.loads(run("--json", "status").stdout)["error"]["text"] == "这个选项写在子命令之后"


def test_an_unknown_home_is_said(tmp_path: Path) -> None:
    for words in (["status"], ["verify"], ["item", "list"]):
        result = run(*words, "--home", str(tmp_path / "无"))
        assert result.exit_code == 3
        assert "--home" in result.stderr
        assert "没有这个数据目录" in result.stderr
    assert run("status", DULIAN_HOME=str(tmp_path / "变量")).stderr.count("变量") == 1


@pytest.mark.parametrize(("error", "code"), [
    (InputError("甲"), 2), (NotFoundError("甲"), 2), (UnreachableError("甲"), 3), (ForbiddenError("甲"), 4),
    (StoreError("甲"), 70), (LocalError("甲"), 70), (PeerError("甲", code="bad_signature"), 70),
])  # fmt: skip
def test_exit_codes(error: DulianError, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise error

    assert usage.guarded(fail, as_json=False) == code
    assert capsys.readouterr() == ("", "错误：甲\n")


def test_line_ends_and_controls_stay_out_of_an_error_line(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise InputError("甲", field="ITEM", value="x\n\x1b[2J\u202ey")

    assert usage.guarded(fail, as_json=False) == 2
    assert capsys.readouterr().err == "错误：ITEM「x \ufffd[2J\ufffdy」：甲\n"


def test_what_is_unexpected_gets_an_id_and_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.delenv("DULIAN_DEBUG", raising=False)
    assert usage.guarded(fail, as_json=True) == 70
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert error["code"] == "internal"
    assert len(error["value"]) == 8
    assert f"编号「{error['value']}」：内部错误" in err
    assert "Traceback" not in err
    assert "secret detail" not in out + err
    monkeypatch.setenv("DULIAN_DEBUG", "1")
    assert usage.guarded(fail, as_json=False) == 70
    assert "ZeroDivisionError: secret detail" in capsys.readouterr().err


def test_interruption_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    assert usage.guarded(fail, as_json=False) == 130
    assert capsys.readouterr() == ("", "已中断\n")


def test_the_parser_still_has_the_class_our_translation_hangs_on() -> None:
    assert usage.UsageError.__name__ == "UsageError"
    assert issubclass(typer.BadParameter, usage.UsageError)


def test_help_and_refusals_start_without_heavy_modules(tmp_path: Path) -> None:
    script = (
        "import sys; from node.__main__ import main\n"
        "try: main()\n"
        "finally: print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    for words in (["item", "--help"], ["item", "list", "--home", str(tmp_path / "x")], ["item", "isue"]):
        done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False,
                              env=os.environ | {"PYTHONIOENCODING": "utf-8"})  # fmt: skip
        loaded = set(done.stderr.splitlines()[-1].split())
        assert "typer" in loaded
        heavy = {"grpc", "google", "sqlmodel", "sqlalchemy", "cryptography", "pydantic", "rich", "asyncio", "openpyxl"}
        assert loaded & heavy == set()


def test_the_command_runs_under_a_plain_locale(tmp_path: Path) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON"))}
    env |= {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    words = ["item", "show", "甲", "--home", str(tmp_path / "x"), "--json"]
    done = subprocess.run([sys.executable, "-m", "node", *words], capture_output=True, check=False, env=env)
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["text"] == "没有这个数据目录"
    assert b"Traceback" not in done.stderr


def test_a_node_that_stays_carries_no_other_command() -> None:
    """The tree of all commands takes 3 MB; what is left says the same of itself."""
    alone: Any = get_command(build_app("serve"))
    assert set(alone.commands) == {"serve"}
    helps = [CliRunner().invoke(app, ["serve", "--help"]).stdout for app in (build_app("serve"), build_app())]
    assert helps[0] == helps[1] != ""
