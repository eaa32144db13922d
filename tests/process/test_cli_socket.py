"""The command line against a node's socket: what is sent, what is written, which exit code. The node is a scripted one,
written from the description of the control protocol alone."""

import json
import os
import pty
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from node.cli.app import build_app

HASH = "9f" * 32
TASK = "320000-2026-0007/1"


class ScriptedNode:
    """Listens where a node listens; answers each request with the next scripted answer and keeps what it got."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.requests: list[dict[str, Any]] = []
        self.files: list[bytes] = []
        self.answers: list[dict[str, Any] | None] = []
        self.stream = b""
        self.breaks_off = False
        folder = home / "run"
        folder.mkdir(mode=0o700)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / "control.sock"))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as reader:
                self._answer(connection, reader)

    def _answer(self, connection: socket.socket, reader: Any) -> None:
        while size := reader.read(4):
            request = json.loads(reader.read(struct.unpack(">I", size)[0]))
            self.requests.append(request)
            self.files += [reader.read(file["size_bytes"]) for file in request["files"]]
            answer = self.answers.pop(0) if self.answers else {"ok": True, "data": {}, "exit": 0}
            if answer is None:
                reader.read(1)  # never answers
                return
            body = json.dumps(answer).encode()
            connection.sendall(struct.pack(">I", len(body)) + body + self.stream)
            if self.breaks_off:
                return


@pytest.fixture
def node() -> Iterator[ScriptedNode]:
    home = Path(tempfile.mkdtemp(prefix="dulian-"))
    scripted = ScriptedNode(home)
    yield scripted
    scripted.close()
    shutil.rmtree(home)


def run(node: ScriptedNode, *words: str) -> Result:
    return CliRunner(env={"DULIAN_HOME": str(node.home)}).invoke(build_app(), list(words))


def data(value: Any, code: int = 0) -> dict[str, Any]:
    return {"ok": True, "data": value, "exit": code}


@pytest.mark.parametrize(("words", "verb", "args"), [
    (["status"], "status", {}),
    (["heads"], "heads", {}),
    (["digest"], "digest", {}),
    (["verify"], "verify", {}),
    (["pending"], "pending", {}),
    (["invite", "320500", "--name", "苏州市人民政府"], "invite",
     {"code": "320500", "name": "苏州市人民政府", "auto_approve": False, "unlisted": False,
     "recover": False}),
    (["invite", "320500-x", "--name", "n", "--ttl", "7d", "--auto-approve", "--unlisted"], "invite",
     {"code": "320500-x", "name": "n", "ttl": "7d", "auto_approve": True, "unlisted": True,
     "recover": False}),
    (["approve", "320500", "--fingerprint", "ABAB:abab ABAB"], "approve", {"code": "320500",
     "fingerprint": "abab" * 3}),
    (["item", "issue", "--title", "甲", "--to", "320500,320200", "--lead", "320200", "--requirement", "乙",
     "--source", "丙",
      "--due", "2026-12-31", "--point", "一", "--point", "二"], "item.issue",
     {"title": "甲", "to": ["320500", "320200"], "lead": "320200", "requirement": "乙", "source": "丙",
      "due": "2026-12-31",
      "point": ["一", "二"], "local": False}),
    (["item", "issue", "--title", "甲", "--to", "320500,320200", "--to", "320300", "--rule", "r"], "item.issue",
     {"title": "甲", "to": ["320500", "320200", "320300"], "rule": "r", "local": False}),
    (["item", "issue", "--title", "甲", "--local"], "item.issue", {"title": "甲", "local": True}),
    (["item", "register", "--title", "甲", "--due", "2026-12-31"], "item.register", {"title": "甲",
     "due": "2026-12-31"}),
    (["item", "assign", TASK, "--to", "320500", "--due", "2026-12-31"], "item.assign",
     {"item": TASK, "to": ["320500"], "due": "2026-12-31"}),
    (["item", "reassign", TASK, "--to", "320500"], "item.reassign", {"item": TASK, "to": ["320500"]}),
    (["item", "reassign", TASK, "--to", "320500", "--reason", "职责调整"], "item.reassign",
     {"item": TASK, "to": ["320500"], "reason": "职责调整"}),
    (["item", "insist", TASK, "--reason", "甲"], "item.insist", {"item": TASK, "reason": "甲"}),
    (["item", "list"], "item.list", {}),
    (["item", "list", "--state", "active", "--light", "red", "--office", "320500", "--kind", "assignment", "--text",
     "甲"],
     "item.list", {"state": "active", "light": "red", "office": "320500", "kind": "assignment", "text": "甲"}),
    (["item", "show", "abcd"], "item.show", {"item": "abcd"}),
    (["item", "sign", TASK, "--occurred", "2026-11-01"], "item.sign", {"item": TASK, "occurred": "2026-11-01"}),
    (["item", "refuse", TASK, "--reason", "甲"], "item.refuse", {"item": TASK, "reason": "甲"}),
    (["item", "decompose", TASK, "--to", "320583,320582", "--lead", "320583", "--title", "甲"], "item.decompose",
     {"item": TASK, "to": ["320583", "320582"], "lead": "320583", "title": "甲"}),
    (["item", "report", TASK, "--text", "甲", "--percent", "60"], "item.report", {"item": TASK, "text": "甲",
     "percent": 60}),
    (["item", "report", TASK, "--text", "甲", "--percent", "0"], "item.report", {"item": TASK, "text": "甲",
     "percent": 0}),
    (["item", "submit", TASK, "--text", "甲"], "item.submit", {"item": TASK, "text": "甲"}),
    (["item", "return", TASK, "--reason", "甲"], "item.return", {"item": TASK, "reason": "甲", "mode": "redo"}),
    (["item", "return", TASK, "--reason", "甲", "--supplement", "--due", "2026-12-31"], "item.return",
     {"item": TASK, "reason": "甲", "mode": "supplement", "due": "2026-12-31"}),
    (["item", "accept", TASK], "item.accept", {"item": TASK}),
    (["item", "accept", TASK, "--text", "甲"], "item.accept", {"item": TASK, "text": "甲"}),
    (["item", "close", TASK], "item.close", {"item": TASK}),
    (["item", "cancel", TASK, "--reason", "甲"], "item.cancel", {"item": TASK, "reason": "甲"}),
    (["item", "urge", TASK, "--text", "甲", "--channel", "phone"], "item.urge",
     {"item": TASK, "text": "甲", "channel": "phone"}),
])  # fmt: skip
def test_what_each_command_sends(node: ScriptedNode, words: list[str], verb: str, args: dict[str, Any]) -> None:
    result = run(node, *words, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    (request,) = node.requests
    assert (request["verb"], request["args"], request["as"], request["files"]) == (verb, args, None, [])


def test_an_account_and_files_are_sent(node: ScriptedNode) -> None:
    (node.home / "报告.pdf").write_bytes(b"%PDF" + bytes(100_000))
    (node.home / "b").write_bytes(b"")
    files = ["--attach", str(node.home / "报告.pdf"), "--attach", str(node.home / "b")]
    assert run(node, "item", "report", TASK, "--text", "甲", "--as", "李四", *files).exit_code == 0
    (request,) = node.requests
    assert request["as"] == "李四"
    assert request["files"] == [
        {"field": "attach", "name": "报告.pdf", "size_bytes": 100_004}, {"field": "attach", "name": "b",
         "size_bytes": 0},
    ]  # fmt: skip
    assert node.files == [b"%PDF" + bytes(100_000), b""]


def test_an_attachment_goes_up_and_comes_back(node: ScriptedNode) -> None:
    source, target = node.home / "a.bin", node.home / "取回.bin"
    source.write_bytes(b"content")
    node.answers = [data({"item": "1" * 64, "attachments": [HASH]})]
    assert HASH in run(node, "item", "attach", TASK, str(source)).stdout
    assert node.files == [b"content"]
    node.stream = os.urandom(300_000)
    node.answers = [data({"hash": HASH, "name": "a.bin", "stream_bytes": len(node.stream)})]
    result = run(node, "item", "fetch", TASK, "9F9F", str(target))
    assert (result.exit_code, result.stdout) == (0, f"已存为 {target}\n")
    assert node.requests[-1]["args"] == {"item": TASK, "hash": "9f9f"}
    assert target.read_bytes() == node.stream
    assert run(node, "item", "fetch", TASK, HASH, str(target)).exit_code == 2


def test_a_fetch_that_fails_leaves_no_file(node: ScriptedNode) -> None:
    target = node.home / "取回.bin"
    node.answers = [{"ok": False, "exit": 2, "error": {"code": "input", "text": "附件尚未传到本机", "field": "HASH",
                                                       "value": HASH, "remedy": "稍后再试"}}]  # fmt: skip
    assert run(node, "item", "fetch", TASK, HASH, str(target)).exit_code == 2
    node.stream, node.breaks_off = b"half", True
    node.answers = [data({"hash": HASH, "stream_bytes": 8})]
    assert run(node, "item", "fetch", TASK, HASH, str(target)).exit_code == 3
    assert [path.name for path in node.home.iterdir()] == ["run"]


def test_import_sends_the_workbook_and_shows_bad_rows(node: ScriptedNode) -> None:
    book = node.home / "台账.xlsx"
    book.write_bytes(b"PK")
    bad = {"items": [], "errors": [{"row": 7, "column": "办结时限", "text": "不是日期"}]}
    node.answers = [data(bad, 2), data(bad, 2)]
    result = run(node, "import", str(book), "--dry-run")
    assert result.exit_code == 2
    assert "7   办结时限  不是日期" in result.stdout
    assert node.requests[0]["args"] == {"dry_run": True}
    assert node.requests[0]["files"] == [{"field": "file", "name": "台账.xlsx", "size_bytes": 2}]
    result = run(node, "import", str(book), "--json", "--as", "李四")
    assert (result.exit_code, json.loads(result.stdout)) == (2, bad)
    assert node.requests[1]["args"] == {"dry_run": False}


def test_json_is_exactly_what_the_node_said(node: ScriptedNode) -> None:
    said = {
        "ok": False,
        "records": 3,
        "findings": [{"code": "head", "text": "末号\u001b不符", "new": None}],
        "更多": [1.5],
    }
    node.answers = [data(said, 1), data([], 0)]
    result = run(node, "verify", "--json")
    assert (result.exit_code, json.loads(result.stdout), result.stderr) == (1, said, "")
    assert run(node, "item", "list", "--json").stdout == "[]\n"


def test_the_token_is_the_only_line(node: ScriptedNode) -> None:
    node.answers = [data({"token": "dulian1-abc"})]
    assert run(node, "invite", "320500", "--name", "甲").stdout == "dulian1-abc\n"


@pytest.mark.parametrize("code", [2, 3, 4, 70])
def test_a_refusal_is_one_line_and_the_nodes_exit_code(node: ScriptedNode, code: int) -> None:
    error = {"code": "word", "text": "不能签收", "field": "ITEM", "value": TASK, "remedy": "稍后再试"}
    node.answers = [{"ok": False, "error": error, "exit": code}] * 2
    result = run(node, "item", "sign", TASK)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == f"错误：ITEM「{TASK}」：不能签收。处理办法：稍后再试\n"
    assert json.loads(run(node, "item", "sign", TASK, "--json").stdout) == {"error": error}


def test_without_a_node_the_remedy_is_to_start_it(node: ScriptedNode) -> None:
    (node.home / "run" / "control.sock").unlink()
    result = run(node, "item", "list")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "节点未运行" in result.stderr
    assert "dulian serve" in result.stderr


# ------------------------------------------------------------------------------------------------- as real processes


def start(node: ScriptedNode, *words: str, **options: Any) -> subprocess.Popen:
    environment = os.environ | {"DULIAN_HOME": str(node.home), "PYTHONIOENCODING": "utf-8"}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen([sys.executable, "-m", "node", *words], env=environment, text=True, **pipes)


def wait_for(node: ScriptedNode, requests: int) -> None:
    deadline = time.monotonic() + 30
    while len(node.requests) < requests:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_request_imports_nothing_heavy(node: ScriptedNode) -> None:
    script = (
        "import sys; from node.__main__ import main\n"
        "try: main()\n"
        "finally: print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    node.answers = [data([])] * 2
    for words in (["item", "list"], ["item", "list", "--json"]):
        done = subprocess.run([sys.executable, "-c", script, *words, "--home", str(node.home)], capture_output=True,
                              text=True, check=True)  # fmt: skip
        loaded = set(done.stderr.splitlines()[-1].split())
        assert "typer" in loaded
        heavy = {"grpc", "google", "sqlmodel", "sqlalchemy", "cryptography", "pydantic", "rich", "asyncio", "openpyxl"}
        assert loaded & heavy == set()


def test_interruption_while_waiting(node: ScriptedNode) -> None:
    node.answers = [None]
    process = start(node, "item", "list")
    wait_for(node, 1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (130, "", "已中断\n")


def test_a_reader_that_goes_away_is_no_error(node: ScriptedNode) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    node.answers = [data({"ok": True, "records": 1, "logs": 1, "attachments": 0, "findings": []}, 1)]
    process = start(node, "verify", "--json", stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (1, "")


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2), ("yes\n", 2)])
def test_approval_on_a_terminal_after_comparing_the_fingerprint(node: ScriptedNode, typed: str, code: int) -> None:
    waiting = [{"code": "320500", "name": "苏州市人民政府", "fingerprint": "0123456789abcdef" * 4}]
    node.answers = [data(waiting), data({"code": "320500", "state": "admitted"})]
    ours, terminal = pty.openpty()
    process = start(node, "approve", "320500", stdin=terminal)
    os.close(terminal)
    os.write(ours, typed.encode())
    out, err = process.communicate(timeout=120)
    os.close(ours)
    assert process.returncode == code
    assert "0123 4567 89ab cdef 0123 4567 89ab cdef\n" in err
    if code == 0:
        assert out == "已批准 320500\n"
        assert node.requests[1]["args"] == {"code": "320500", "fingerprint": "0123456789abcdef" * 4}
    else:
        assert out == ""
        assert [request["verb"] for request in node.requests] == ["pending"]


def test_approval_of_nobody(node: ScriptedNode) -> None:
    node.answers = [data([])]
    ours, terminal = pty.openpty()
    process = start(node, "approve", "320500", stdin=terminal)
    os.close(terminal)
    _, err = process.communicate(timeout=120)
    os.close(ours)
    assert process.returncode == 2
    assert "没有等待批准的节点" in err


def test_on_a_terminal_lights_have_colour(node: ScriptedNode) -> None:
    node.answers = [data([{"id": "1" * 64, "title": "甲", "light": "red", "receiver": "320500", "state": "active"}])]
    ours, terminal = pty.openpty()
    process = start(node, "item", "list", stdout=terminal)
    os.close(terminal)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    process.communicate(timeout=120)
    os.close(ours)
    assert "\x1b[31m红\x1b[0m" in shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the other side has closed
        return b""
