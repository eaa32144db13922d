"""The node's end of the control socket: `HOME/run/control.sock`, for the command line on the same machine.

Rules of this file:

1. Only the user who runs the node, or root, is heard: the folder is 0700, the socket 0600, and the system says who is
   at the other end (SO_PEERCRED).
2. A limit on everything: size of a request, number and size of files, connections, seconds for each step.
3. Our errors go to the caller with their parts and exit code. Anything else is a bug: the caller gets exit code 70, the
   event loop's exception handler gets the bug.

The form of the messages: `node.wire.local_client`.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from node.errors import EXIT_INTERNAL, EXIT_OK, DulianError, ForbiddenError, InputError, LocalError, UnreachableError
from node.records import limits
from node.wire.local_client import LENGTH, REQUEST_BYTES_MAX, SOCKET_NAME, short_path

CONNECTIONS_MAX = 64
IDLE_S = 600.0  # a kept connection without a request
STEP_S = 60.0  # one read or write
ANSWER_S = 600.0
STOP_S = 5.0  # for requests under way when the node stops
_PIECE_BYTES = 262_144
_PEER_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid
_VERB_CHARS_MAX = 64


class LocalFile:
    """A file sent along with a request. Files are read in their order, each once."""

    def __init__(self, reader: asyncio.StreamReader, field_name: str, name: str, size_bytes: int) -> None:
        """``name`` is the bare file name as the caller typed it, unjudged."""
        self.field = field_name
        self.name = name
        self.size_bytes = size_bytes
        self._reader = reader
        self._left = size_bytes
        self._before: LocalFile | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content, piece by piece; InputError(truncated) when the caller breaks off."""
        if self._before is not None and self._before.left_bytes:
            raise LocalError("前一个文件尚未读完", code="file_order")
        while self._left:
            async with asyncio.timeout(STEP_S):
                piece = await self._reader.read(min(self._left, _PIECE_BYTES))
            if not piece:
                remedy = "重新执行命令"
                raise InputError("文件没有传完", code="truncated", field=self.field, value=self.name, remedy=remedy)
            self._left -= len(piece)
            yield piece

    @property
    def left_bytes(self) -> int:
        """What was not read yet, of this file and those before it."""
        return self._left + (self._before.left_bytes if self._before else 0)

    def after(self, other: LocalFile | None) -> LocalFile:
        """Say which file stands before this one."""
        self._before = other
        return self


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """A command as it came in. ``os_user`` is what the caller says, ``uid`` what the system says."""

    verb: str
    args: Mapping[str, Any]
    as_: str | None = None
    os_user: str = ""
    uid: int = 0
    files: list[LocalFile] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LocalReply:
    """What the command answers; with ``stream``, ``stream_bytes`` bytes follow."""

    data: Any
    exit: int = EXIT_OK
    stream_bytes: int = 0
    stream: AsyncIterator[bytes] | None = None


Handler = Callable[[LocalRequest], Awaitable[LocalReply]]


class LocalServer:
    """Listens in a folder, which it makes. `start` and `stop` in the thread of the event loop."""

    def __init__(self, folder: Path, handler: Handler) -> None:
        self._folder = folder
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._opened = ExitStack()  # the folder: the socket's path goes through it as long as it lives

    async def start(self) -> None:
        """Listen; InputError when a node already answers there, or the folder cannot be used."""
        try:
            listening = self._bind()
        except OSError as error:
            self._opened.close()
            text, remedy = f"无法建立本机命令通道（{error.strerror}）", "核对目录的属主与权限"
            raise InputError(text, field="--home", value=self._folder.parent, remedy=remedy) from error
        except InputError:
            self._opened.close()
            raise
        self._server = await asyncio.start_unix_server(self._connected, sock=listening, limit=_PIECE_BYTES)

    def _bind(self) -> socket.socket:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._folder.chmod(0o700)
        path = self._opened.enter_context(short_path(self._folder))
        if _answers(path):
            home, remedy = self._folder.parent, "先停止正在运行的节点，再启动"
            raise InputError("本数据目录的节点已在运行", code="running", field="--home", value=home, remedy=remedy)
        (self._folder / SOCKET_NAME).unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            listening.bind(path)
            (self._folder / SOCKET_NAME).chmod(0o600)
        except BaseException:
            listening.close()
            raise
        return listening

    async def stop(self) -> None:
        """Take no more commands, let those under way finish (5 s), and remove the socket."""
        if self._server is None:
            return
        # A connection just accepted still needs its server: asyncio fails on it, and leaks it, once that is closed.
        for listening in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        self._server.close()
        self._server = None
        (self._folder / SOCKET_NAME).unlink(missing_ok=True)
        self._opened.close()
        for task in self._connections - self._busy:
            task.cancel()
        if self._busy:
            await asyncio.wait(self._busy, timeout=STOP_S)
        left = list(self._connections)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    # -- one connection -----------------------------------------------------------------------------------------------

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(partial(self._ended, writer))

    def _ended(self, writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        writer.transport.abort()  # also where the task was cancelled before it began, or what is left cannot be sent
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _report(error)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is one
        try:
            uid = self._admit(writer)
            while True:
                async with asyncio.timeout(IDLE_S):
                    head = await reader.readexactly(LENGTH.size)
                self._busy.add(task)
                try:
                    goes_on = await self._one(LENGTH.unpack(head)[0], uid, reader, writer)
                finally:
                    self._busy.discard(task)
                if not goes_on or self._server is None:
                    break
        except (ForbiddenError, UnreachableError) as error:
            await _write(writer, _refusal(error))
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            return  # the caller has gone away; whatever it asked for is done
        await _close(writer)

    def _admit(self, writer: asyncio.StreamWriter) -> int:
        if len(self._connections) > CONNECTIONS_MAX:
            raise UnreachableError("同时执行的命令过多", code="busy", remedy="稍后重试")
        found: socket.socket = writer.get_extra_info("socket")
        raw = found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
        uid: int = _PEER_CREDENTIALS.unpack(raw)[1]
        check_uid(uid)
        return uid

    async def _one(
        self, size_bytes: int, uid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; whether another may follow on this connection."""
        files: list[LocalFile] = []
        stream: AsyncIterator[bytes] | None = None
        try:
            request = await _read_request(size_bytes, uid, reader)
            files = request.files
            async with asyncio.timeout(ANSWER_S):
                reply = await self._handler(request)
            stream, goes_on = reply.stream, True
            raw = _answer(reply)
        except DulianError as error:
            # Of a refused upload the rest is not taken; of a request that could not be read nothing more makes sense.
            raw, goes_on = _refusal(error), not (files and files[-1].left_bytes) and error.code != "bad_request"
        except (asyncio.IncompleteReadError, ConnectionError):
            raise
        except TimeoutError:
            raw, goes_on = _refusal(UnreachableError("命令没有在时限内完成", code="timeout")), False
        except Exception as error:  # noqa: BLE001 - a bug: the caller is told so, the log gets it
            _report(error)
            raw, goes_on = _refusal(LocalError("内部错误", remedy="查看节点日志")), False
        if goes_on:
            for file in files:
                async for _ in file.chunks():
                    pass
        await _write(writer, raw)
        if stream is not None and not await _pour(writer, stream, reply.stream_bytes):
            return False
        return goes_on


def check_uid(uid: int) -> None:
    """ForbiddenError unless the caller is the user who runs this node, or root."""
    if uid not in (0, os.geteuid()):
        remedy = f"以运行节点的系统用户（uid {os.geteuid()}）或 root 身份执行"
        raise ForbiddenError("无权访问本机节点", field="uid", value=uid, remedy=remedy)


def _answers(path: str) -> bool:
    """Whether somebody listens at a socket's path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except BlockingIOError:
            return True  # its queue is full
        return True


async def _read_request(size_bytes: int, uid: int, reader: asyncio.StreamReader) -> LocalRequest:
    if size_bytes > REQUEST_BYTES_MAX:
        raise InputError("命令内容超过 1 MiB", code="bad_request", remedy="缩短文字，长内容用附件")
    async with asyncio.timeout(STEP_S):
        raw = await reader.readexactly(size_bytes)
    try:
        found = json.loads(raw)
        verb, args, as_, os_user = found["verb"], found["args"], found.get("as"), found.get("os_user", "")
        named = [(entry["field"], entry["name"], entry["size_bytes"]) for entry in found.get("files") or ()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _bad_request() from error
    texts = [verb, os_user, *("" if as_ is None else as_,), *(part for entry in named for part in entry[:2])]
    sizes = [size for _, _, size in named]
    sound = (
        all(isinstance(text, str) for text in texts)
        and all(type(size) is int and 0 <= size <= limits.ATTACHMENT_BYTES_MAX for size in sizes)
        and len(named) <= limits.ATTACHMENTS_MAX
        and isinstance(args, dict)
        and len(verb) <= _VERB_CHARS_MAX
    )
    if not sound:
        raise _bad_request()
    files: list[LocalFile] = []
    for entry in named:
        files.append(LocalFile(reader, *entry).after(files[-1] if files else None))
    return LocalRequest(verb, args, as_, os_user, uid, files)


def _bad_request() -> InputError:
    remedy = f"核对命令与节点是否为同一版本；附件至多 {limits.ATTACHMENTS_MAX} 个，每个至多 2 GiB"
    return InputError("命令内容无法读懂", code="bad_request", remedy=remedy)


def _answer(reply: LocalReply) -> bytes:
    data = reply.data
    if reply.stream is not None:
        data = {**data, "stream_bytes": reply.stream_bytes}
    return _message({"ok": True, "data": data, "exit": reply.exit})


def _refusal(error: DulianError) -> bytes:
    return _message({"ok": False, "error": error.as_dict(), "exit": error.exit_code or EXIT_INTERNAL})


def _message(body: dict[str, Any]) -> bytes:
    raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return LENGTH.pack(len(raw)) + raw


async def _write(writer: asyncio.StreamWriter, raw: bytes) -> None:
    writer.write(raw)
    if writer.transport.get_write_buffer_size() or writer.is_closing():
        async with asyncio.timeout(STEP_S):
            await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close once all is sent."""
    writer.close()
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(STEP_S):
            await writer.wait_closed()


async def _pour(writer: asyncio.StreamWriter, stream: AsyncIterator[bytes], size_bytes: int) -> bool:
    """Write the bytes that follow an answer; whether they were as many as promised."""
    async for piece in stream:
        size_bytes -= len(piece)
        if size_bytes < 0:
            return False
        await _write(writer, piece)
    return size_bytes == 0


def _report(error: BaseException) -> None:
    context = {"message": "control socket: a command failed", "exception": error}
    asyncio.get_running_loop().call_exception_handler(context)
