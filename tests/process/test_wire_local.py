"""The control socket: requests, files, refusals and limits, with a real client in a thread or a process of its own."""

import asyncio
import json
import os
import socket
import struct
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import pytest

from node.errors import (
    DulianError,
    ForbiddenError,
    InputError,
    LocalError,
    NotFoundError,
    PeerError,
    UnreachableError,
)
from node.wire import local, local_client
from node.wire.local import LocalReply, LocalRequest, LocalServer, check_uid
from node.wire.local_client import LocalClient, short_path

BIG = os.urandom(5_000_000)


async def pieces(content, size=100_000):
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def echo(request: LocalRequest) -> LocalReply:
    """Says what came in; `files` are read, `fetch` streams, `refuse` and others fail."""
    if request.verb == "fetch":
        return LocalReply({"name": "报告"}, stream_bytes=len(BIG), stream=pieces(BIG))
    if request.verb == "short":
        return LocalReply({}, stream_bytes=len(BIG) + 1, stream=pieces(BIG))
    if request.verb == "refuse":
        raise NotFoundError("没有这个事项", field="ITEM", value="abc", remedy="用 dulian item list 查看")
    if request.verb == "forbid":
        raise ForbiddenError("无权办理")
    if request.verb == "peer":
        raise PeerError("对方拒绝", code="busy")
    if request.verb == "bug":
        raise ZeroDivisionError("a secret of the inside")
    if request.verb == "slow":
        await asyncio.sleep(request.args["s"])
    files = []
    if request.verb != "ignore":
        for file in request.files:
            content = b"".join([piece async for piece in file.chunks()])
            files.append([file.field, file.name, file.size_bytes, content == BIG[: len(content)]])
    return LocalReply({"verb": request.verb, "args": request.args, "as": request.as_, "files": files}, exit=1)


@asynccontextmanager
async def listening(home, handler=echo):
    home.mkdir(parents=True, exist_ok=True)
    running = LocalServer(home / "run", handler)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


def with_client(home, story, handler=echo):
    """Run a blocking story against a server in this process."""

    async def main():
        async with listening(home, handler):
            return await asyncio.to_thread(story, LocalClient(home))

    return asyncio.run(main())


def failing(client, verb, **options):
    with pytest.raises(DulianError) as caught:
        client.request(verb, {}, **options)
    return caught.value


def test_a_request_and_its_answer(tmp_path):
    def story(client):
        return client.request("item.list", {"text": "督查", "to": ["320500"]}, as_="李四")

    answer = with_client(tmp_path, story)
    expected = {"verb": "item.list", "args": {"text": "督查", "to": ["320500"]}, "as": "李四", "files": []}
    assert (answer.data, answer.exit_code) == (expected, 1)
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert not (tmp_path / "run" / "control.sock").exists(), "a stopped node leaves no socket"


def test_files_go_up_and_come_back_through_a_very_long_path(tmp_path):
    home = tmp_path.joinpath(*["江苏省人民政府办公厅督查室" * 3] * 6)
    assert len(os.fsencode(home)) > 600
    home.mkdir(parents=True)
    paths = [home / name for name in ("报告.pdf", "空", "小")]
    for path, content in zip(paths, (BIG, b"", BIG[:10]), strict=True):
        path.write_bytes(content)

    def story(client):
        with client:
            sent = client.request("item.report", {}, files=[("attach", path) for path in paths])
            assert sent.data["files"] == [
                ["attach", "报告.pdf", 5_000_000, True], ["attach", "空", 0, True], ["attach", "小", 10, True]
            ]  # fmt: skip
            ignored = client.request("ignore", {}, files=[("attach", paths[0])])
            assert ignored.data["files"] == []
            assert client.request("item.list", {}).data["verb"] == "item.list", "on the same connection"
        fetched = client.request("fetch", {})
        assert fetched.data == {"name": "报告", "stream_bytes": len(BIG)}
        fetched.save(home / "取回")
        assert (home / "取回").read_bytes() == BIG
        again = client.request("fetch", {})
        with pytest.raises(InputError):
            again.save(home / "取回")
        broken = client.request("short", {})
        with pytest.raises(UnreachableError) as caught:
            broken.save(home / "破损")
        assert caught.value.code == "broken_off"
        assert not (home / "破损").exists()

    with_client(home, story)


def test_a_refusal_arrives_as_the_error_it_is(tmp_path):
    def story(client):
        found = failing(client, "refuse")
        assert isinstance(found, InputError)
        assert found.as_dict() == {
            "code": "not_found", "text": "没有这个事项", "field": "ITEM", "value": "abc",
            "remedy": "用 dulian item list 查看",
        }  # fmt: skip
        assert found.exit_code == 2
        assert type(failing(client, "forbid")) is ForbiddenError
        peer = failing(client, "peer")
        assert (type(peer), peer.code, peer.exit_code) == (LocalError, "busy", 70)

    with_client(tmp_path, story)


def test_a_refused_upload_is_not_taken_to_its_end(tmp_path):
    (tmp_path / "big").write_bytes(BIG)

    def story(client):
        found = failing(client, "refuse", files=[("attach", tmp_path / "big")] * 50)
        assert found.code == "not_found"
        assert client.request("item.list", {}).data["files"] == []

    with_client(tmp_path, story)


def test_a_bug_is_reported_and_not_shown(tmp_path):
    reported = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context["exception"]))
        async with listening(tmp_path):
            return await asyncio.to_thread(failing, LocalClient(tmp_path), "bug")

    found = asyncio.run(main())
    assert (found.exit_code, found.text) == (70, "内部错误")
    assert [type(error) for error in reported] == [ZeroDivisionError]


def test_no_node_no_folder_and_a_dead_socket_are_unreachable(tmp_path):
    found = failing(LocalClient(tmp_path), "status")
    assert (found.exit_code, found.text, found.remedy) == (3, "节点未运行", "先执行 dulian serve")
    (tmp_path / "run").mkdir()
    assert failing(LocalClient(tmp_path), "status").text == "节点未运行"
    with socket.socket(socket.AF_UNIX) as dead, short_path(tmp_path / "run") as path:
        dead.bind(path)
    assert failing(LocalClient(tmp_path), "status").text == "节点未运行"
    assert with_client(tmp_path, lambda client: client.request("status", {}).exit_code) == 1


def test_a_second_node_on_the_same_home_is_refused(tmp_path):
    async def main():
        async with listening(tmp_path):
            with pytest.raises(InputError) as caught:
                await LocalServer(tmp_path / "run", echo).start()
            assert caught.value.code == "running"
            assert (await asyncio.to_thread(LocalClient(tmp_path).request, "status", {})).exit_code == 1

    asyncio.run(main())


def test_an_answer_has_a_deadline(tmp_path, monkeypatch):
    def story(client):
        assert failing(client, "item.list", timeout_s=0).code == "timeout"
        with pytest.raises(UnreachableError) as caught:
            client.request("slow", {"s": 0.3}, timeout_s=0.1)
        assert caught.value.code == "timeout"

    with_client(tmp_path, story)
    monkeypatch.setattr(local, "ANSWER_S", 0.1)

    def too_slow(client):
        with pytest.raises(UnreachableError) as caught:
            client.request("slow", {"s": 30})
        assert caught.value.code == "timeout"

    with_client(tmp_path, too_slow)


def raw_exchange(home, *messages, then=b""):
    """Send raw bytes; the answers until the node closes."""
    with socket.socket(socket.AF_UNIX) as line, short_path(home / "run") as path:
        line.settimeout(10)
        line.connect(path)
        line.sendall(b"".join(messages) + then)
        line.shutdown(socket.SHUT_WR)
        got = b""
        while piece := line.recv(65_536):
            got += piece
    answers = []
    while got:
        (size,) = struct.unpack(">I", got[:4])
        answers.append(json.loads(got[4 : 4 + size]))
        got = got[4 + size :]
    return answers


def framed(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack(">I", len(raw)) + raw


GOOD: dict[str, object] = {"verb": "item.list", "args": {}, "as": None, "os_user": "root", "files": []}
FILE: dict[str, object] = {"field": "attach", "name": "x", "size_bytes": 5}


@pytest.mark.parametrize(
    "request_",
    [b"", b"{", b"\xff", b"[]", b"null", b"[" * 100_000, {}, GOOD | {"verb": 1}, GOOD | {"verb": "v" * 65},
     GOOD | {"args": []}, GOOD | {"as": 1}, GOOD | {"files": [FILE | {"size_bytes": -1}]},
     GOOD | {"files": [FILE | {"size_bytes": True}]}, GOOD | {"files": [FILE | {"size_bytes": 2**31 + 1}]},
     GOOD | {"files": [FILE | {"name": None}]}, GOOD | {"files": [{}]}, GOOD | {"files": 5},
     GOOD | {"files": [FILE] * 51}],
)  # fmt: skip
def test_unreadable_requests_are_refused_and_others_go_on(tmp_path, request_):
    def story(_client):
        [answer] = raw_exchange(tmp_path, framed(request_), framed(GOOD))
        assert (answer["ok"], answer["exit"], answer["error"]["code"]) == (False, 2, "bad_request")
        assert [one["ok"] for one in raw_exchange(tmp_path, framed(GOOD), framed(GOOD))] == [True, True]

    with_client(tmp_path, story)


def test_a_request_beyond_the_limit_is_refused_unread(tmp_path):
    def story(client):
        [answer] = raw_exchange(tmp_path, struct.pack(">I", 2**32 - 1))
        assert answer["error"]["code"] == "bad_request"
        with pytest.raises(InputError) as caught:
            client.request("item.report", {"text": "字" * 400_000})
        assert caught.value.code == "too_large"

    with_client(tmp_path, story)


def test_a_caller_that_breaks_off_is_noticed(tmp_path):
    seen = []

    async def handler(request):
        try:
            async for piece in request.files[0].chunks():
                seen.append(piece)  # noqa: PERF401 - one by one, as long as they come
        except InputError as error:
            seen.append(error.code)
            raise
        return LocalReply({})

    def story(_client):
        [answer] = raw_exchange(tmp_path, framed(GOOD | {"files": [FILE]}), then=b"abc")
        assert answer["error"]["code"] == "truncated"
        assert raw_exchange(tmp_path, then=b"\0\0") == []

    with_client(tmp_path, story, handler)
    assert seen == [b"abc", "truncated"]


def test_files_are_read_in_their_order(tmp_path):
    async def handler(request):
        with pytest.raises(LocalError):
            async for _ in request.files[1].chunks():
                pass
        return LocalReply({})

    def story(_client):
        [answer] = raw_exchange(tmp_path, framed(GOOD | {"files": [FILE, FILE]}), then=b"abcdefghij")
        assert answer["ok"]

    with_client(tmp_path, story, handler)


def test_too_many_connections_are_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "CONNECTIONS_MAX", 1)

    def story(client):
        with client:
            client.request("status", {})
            assert failing(LocalClient(tmp_path), "status").code == "busy"
            client.request("status", {})

    with_client(tmp_path, story)


def test_only_the_own_user_and_root_are_heard():
    check_uid(os.geteuid())
    check_uid(0)
    with pytest.raises(ForbiddenError) as caught:
        check_uid(os.geteuid() + 1)
    assert caught.value.exit_code == 4


def test_stopping_lets_a_command_finish(tmp_path):
    async def main():
        async with listening(tmp_path) as running:
            client = LocalClient(tmp_path)
            asking = asyncio.create_task(asyncio.to_thread(client.request, "slow", {"s": 0.5}))
            while not running._busy:  # noqa: ASYNC110 - as seen from outside
                await asyncio.sleep(0.01)
            started = time.monotonic()
            await running.stop()
            assert 0.1 < time.monotonic() - started < 4
            assert (await asking).data["verb"] == "slow"
            assert (await asyncio.to_thread(failing, client, "status")).text == "节点未运行"

    asyncio.run(main())


def test_a_file_that_cannot_be_read_or_shrinks_is_named(tmp_path):
    def story(client):
        assert failing(client, "item.attach", files=[("attach", tmp_path / "missing")]).code == "unreadable"
        assert failing(client, "item.attach", files=[("attach", tmp_path)]).code == "unreadable"
        assert failing(client, "item.attach", files=[("attach", tmp_path / "long")]).exit_code == 2

    (tmp_path / "long").write_bytes(b"short")
    real = local_client._size
    local_client._size = lambda path: real(path) + 7 if path.name == "long" else real(path)
    try:
        with_client(tmp_path, story)
    finally:
        local_client._size = real


def test_the_client_imports_nothing_heavy():
    script = (
        "import sys, node.wire.local_client\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"grpc", "google", "sqlmodel", "sqlalchemy", "cryptography", "pydantic", "asyncio", "structlog"}
    assert set(done.stdout.split()) & heavy == set()
