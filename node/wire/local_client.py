"""The command line's end of the control socket: one request, one answer, files both ways; plain blocking sockets.

Rules of this file:

1. Commands start fast: nothing is imported here that they do not need (no event loop, gRPC, protobuf, database).
2. Every step has a deadline; a node that is not there, or does not answer, is an UnreachableError.
3. What the node refuses is raised as the error it is there, with the same code, parts and exit code.

A message is 4 bytes of length (big-endian) and JSON; behind a request follow the files it names, behind an answer the
`stream_bytes` its data names.
"""

from __future__ import annotations

import json
import os
import pwd
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from node.errors import DulianError, ForbiddenError, InputError, LocalError, UnreachableError, why

LENGTH = struct.Struct(">I")
REQUEST_BYTES_MAX = 1_048_576
ANSWER_BYTES_MAX = 268_435_456  # a list of all items an office will ever have
SOCKET_NAME = "control.sock"
CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 60.0
_PIECE_BYTES = 262_144
_REMEDY = "用 dulian status 查看节点，再核对命令是否已生效"
_ERRORS: dict[int, type[DulianError]] = {2: InputError, 3: UnreachableError, 4: ForbiddenError}


@contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """A path of the socket in this folder that fits into 108 bytes however long the folder's own path is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET_NAME}"
    finally:
        os.close(descriptor)


class LocalAnswer:
    """What the node said. With ``stream_bytes`` the bytes follow: `save` or `close` it."""

    def __init__(self, data: Any, exit_code: int, stream: _Line | None = None) -> None:
        self.data = data
        self.exit_code = exit_code
        self._stream = stream

    def save(self, target: Path) -> None:
        """Write the bytes that follow into a new file; nothing is left of it where that fails.

        InputError when the file cannot be written or exists already, UnreachableError when the node breaks off.
        """
        stream, self._stream = self._stream, None
        if stream is None:
            raise LocalError("答复中没有文件内容", code="no_stream")
        with stream:
            try:
                with target.open("xb") as file:
                    try:
                        for piece in stream.pieces(int(self.data["stream_bytes"])):
                            file.write(piece)
                        file.flush()
                    except BaseException:
                        target.unlink()
                        raise
            except OSError as error:
                text, remedy = f"无法写入文件（{why(error)}）", "核对磁盘空间和权限，或换一个文件名"
                raise InputError(text, code="unwritable", field="FILE", value=target, remedy=remedy) from error

    def close(self) -> None:
        """Forget the bytes that follow."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class LocalClient:
    """Asks the node of a home. Within ``with`` one connection serves request after request; else each has its own."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "run"
        self._keeps = False
        self._kept: _Line | None = None

    def __enter__(self) -> Self:
        self._keeps = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeps = False
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def request(
        self,
        verb: str,
        args: Mapping[str, object],
        *,
        as_: str | None = None,
        files: Sequence[tuple[str, Path]] = (),
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> LocalAnswer:
        """Send one verb with its arguments and files (field, path), and return the answer.

        Raises:
            InputError: a file cannot be read or the request is too large; and whatever the node refuses as input.
            UnreachableError: no node is running, or it does not answer in time.
            DulianError: whatever else the node refuses.
        """
        named = [{"field": field, "name": path.name, "size_bytes": _size(path)} for field, path in files]
        body = {"verb": verb, "args": dict(args), "as": as_, "os_user": _user(), "files": named}
        raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        if len(raw) > REQUEST_BYTES_MAX:
            raise InputError("命令内容超过 1 MiB", code="too_large", remedy="缩短文字，长内容用附件")
        sizes = [(path, int(str(entry["size_bytes"]))) for (_, path), entry in zip(files, named, strict=True)]
        line, self._kept = self._kept or _Line(self._folder), None
        try:
            line.deadline_in(timeout_s)
            line.send(raw, sizes)
            data, exit_code = _answer(line.read_message())
        except BaseException:
            line.close()
            raise
        if isinstance(data, dict) and data.get("stream_bytes") is not None:
            return LocalAnswer(data, exit_code, line)
        if self._keeps:
            self._kept = line
        else:
            line.close()
        return LocalAnswer(data, exit_code)


class _Line:
    """One connection to the node."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._deadline_s = 0.0
        try:
            self._socket.settimeout(CONNECT_TIMEOUT_S)
            with short_path(folder) as path:
                self._socket.connect(path)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            self.close()
            remedy = "先执行 dulian serve"
            raise UnreachableError("节点未运行", field="--home", value=folder.parent, remedy=remedy) from error
        except PermissionError as error:
            self.close()
            remedy = "以运行节点的系统用户身份执行"
            raise ForbiddenError("无权访问本机节点", field="--home", value=folder.parent, remedy=remedy) from error
        except OSError as error:
            self.close()
            text = f"节点没有应答（{error.strerror or '超时'}）"
            raise UnreachableError(text, remedy="稍后重试，或查看节点日志") from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def deadline_in(self, timeout_s: float) -> None:
        """Everything from now on has so many seconds together."""
        self._deadline_s = time.monotonic() + timeout_s

    def send(self, raw: bytes, files: Sequence[tuple[Path, int]]) -> None:
        """Send a request and its files; a node that stops listening has answered already."""
        try:
            self._send(LENGTH.pack(len(raw)) + raw)
            for path, size_bytes in files:
                for piece in _pieces_of(path, size_bytes):
                    self._send(piece)
        except (BrokenPipeError, ConnectionResetError):
            return

    def read_message(self) -> Any:
        """The node's answer."""
        (size_bytes,) = LENGTH.unpack(self._read(LENGTH.size))
        if size_bytes > ANSWER_BYTES_MAX:
            raise LocalError(f"节点的答复过长（{size_bytes} 字节）", code="too_large")
        try:
            return json.loads(self._read(size_bytes))
        except ValueError as error:
            raise LocalError("节点的答复无法读懂", code="malformed", remedy="核对命令与节点是否为同一版本") from error

    def pieces(self, size_bytes: int) -> Iterator[bytes]:
        """The bytes that follow an answer."""
        while size_bytes:
            piece = self._receive(min(size_bytes, _PIECE_BYTES))
            size_bytes -= len(piece)
            yield piece

    def _read(self, size_bytes: int) -> bytes:
        return b"".join(self.pieces(size_bytes))

    def _send(self, raw: bytes) -> None:
        self._arm()
        try:
            self._socket.sendall(raw)
        except TimeoutError as error:
            raise _too_late() from error

    def _receive(self, size_bytes: int) -> bytes:
        self._arm()
        try:
            piece = self._socket.recv(size_bytes)
        except TimeoutError as error:
            raise _too_late() from error
        except ConnectionResetError:
            piece = b""
        if not piece:
            raise UnreachableError("节点中断了答复", code="broken_off", remedy=_REMEDY)
        return piece

    def _arm(self) -> None:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise _too_late()
        self._socket.settimeout(left_s)


def _too_late() -> UnreachableError:
    return UnreachableError("节点没有在时限内答复", code="timeout", remedy=_REMEDY)


def _answer(message: Any) -> tuple[Any, int]:
    """The data and the exit code; raises what the node refused."""
    if not isinstance(message, dict) or not isinstance(message.get("ok"), bool):
        raise LocalError("节点的答复无法读懂", code="malformed", remedy="核对命令与节点是否为同一版本")
    exit_code = message.get("exit")
    if message["ok"]:
        return message.get("data"), exit_code if isinstance(exit_code, int) else 0
    error = message.get("error")
    parts = {key: str(value) for key, value in error.items()} if isinstance(error, dict) else {}
    kind = _ERRORS.get(exit_code, LocalError) if isinstance(exit_code, int) else LocalError
    raise kind(
        parts.get("text", "内部错误"), code=parts.get("code", ""), field=parts.get("field", ""),
        value=parts.get("value", ""), remedy=parts.get("remedy", ""),
    )  # fmt: skip


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _pieces_of(path: Path, size_bytes: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while size_bytes:
                piece = file.read(min(size_bytes, _PIECE_BYTES))
                if not piece:
                    raise InputError("文件在读取时变短了", field="FILE", value=path, remedy="等文件写完后重试")
                size_bytes -= len(piece)
                yield piece
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> InputError:
    text = f"无法读取文件（{error.strerror}）"
    return InputError(text, code="unreadable", field="FILE", value=path, remedy="核对文件名与权限")


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
