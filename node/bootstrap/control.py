"""The local command socket of a running node: requests to services, files in and out.

Rules: commands run in the core, questions on a reader in a worker thread; a file sent along is stored (and synced)
before the record that names it is written, and removed again where the command is refused.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeVar, cast

from node.bootstrap.reconciling import reconcile_links
from node.errors import EXIT_FINDINGS, EXIT_INPUT, EXIT_OK, InputError, NotAvailableError
from node.records.limits import NAME_CHARS_MAX, SALT_BYTES
from node.records.payload import Attachment, check_line
from node.services.access import rights
from node.services.access.people import caller_of
from node.services.board.memo import remembering
from node.services.commands import COMMANDS, QUESTIONS, attachment, carry_out, inquire, permit
from node.services.matters.desk import Caller
from node.services.mending.audit import audit
from node.services.office import Office
from node.services.runner import Runner
from node.services.sheets import importing
from node.services.verbs import Args
from node.services.views.browse import View, moment
from node.storage.blobs import Added, BlobFolder
from node.storage.port import BlobRow, Reader, Store
from node.wire.local import LocalReply, LocalRequest

_READ_BYTES = 1_048_576
_BOARD_WAIT_S = 5.0  # for the board to show what was just acknowledged; then the answer is as of its 数据截至
Slow = Callable[[Mapping[str, object]], Awaitable[object]]
T = TypeVar("T")


class IncomingFile(Protocol):
    """A file sent along with a request: of the command line, or uploaded."""

    @property
    def name(self) -> str:
        """The bare file name, unjudged."""
        ...

    @property
    def size_bytes(self) -> int:
        """What it has, or will have."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The content, piece by piece, once."""
        ...


def _alone(run: Callable[[], object]) -> object:
    return run()


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks of the node. ``around`` gets the command to run, in the core, and returns its answer."""

    verb: str
    args: Mapping[str, object]
    files: Sequence[IncomingFile] = ()
    around: Callable[[Callable[[], object]], object] = _alone


class Inquiry:
    """Questions of one caller about one moment."""

    def __init__(self, reader: Reader, view: View, caller: Caller) -> None:
        """``reader`` is a snapshot."""
        self.reader = remembering(reader)
        self._view = view
        self._caller = caller

    def __call__(self, verb: str, args: Mapping[str, object]) -> object:
        """The answer; DulianError as the service says."""
        return inquire(self.reader, self._view, verb, args, self._caller)


class Control:
    """Answers the command line."""

    def __init__(
        self, office: Office, runner: Runner, blobs: BlobFolder, attachment_bytes_max: int,
        changed: Callable[[], Awaitable[None]], slow: Mapping[str, Slow] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """``changed`` is called in the loop after a command that may have changed invitations.

        ``slow`` are verbs that take their time beside the core (`backup`).
        """
        self._office = office
        self._runner = runner
        self._blobs = blobs
        self._attachment_bytes_max = attachment_bytes_max
        self._changed = changed
        self._slow = slow
        self.console_url = ""  # where the console is, once it is
        self.console_fingerprint = ""
        self.console_expires_ms = 0  # of its certificate, 0 for none
        self.doctor: Callable[[Args], Awaitable[object]] | None = None
        self._readers = threading.local()

    async def handle(self, request: LocalRequest) -> LocalReply:
        """One request of the command line; our errors pass through to the caller."""
        if request.as_:
            caller = await asyncio.to_thread(lambda: caller_of(self._reader(), request.as_, request.os_user))
        else:
            caller = caller_of(self._reader(), None, request.os_user)  # the operator: nothing is read
        return await self.answer(Asked(request.verb, request.args, request.files), caller)

    async def answer(self, request: Asked, caller: Caller) -> LocalReply:
        """What a caller asks for, from the command line or the console; our errors pass through.

        A command runs inside ``request.around``, in the core: what that writes stands in the command's transaction.
        """
        verb = request.verb
        if verb in QUESTIONS:
            return LocalReply(await self._question(verb, request.args, caller))
        if verb == "item.fetch":
            return await self._fetch(request.args, caller)
        if verb == "doctor" and self.doctor is not None:
            return await self._examine(request.args, caller)
        if verb == "verify":
            found = await asyncio.to_thread(lambda: self._verify(caller))
            return LocalReply(found, exit=EXIT_OK if found["ok"] else EXIT_FINDINGS)
        if verb == "reconcile":
            return await reconcile_links(self._office, self._runner, request.args, caller)
        if verb in ("import", "ledger.import"):
            return await self._import(request, caller)
        if (slow := self._slow.get(verb)) is not None:
            rights.check(self._office.store.reader(), verb, caller, {}, self._office.identity.code)
            return LocalReply(await slow(request.args))
        if verb not in COMMANDS:
            raise NotAvailableError(verb)
        if verb == "console.link" and not self.console_url:
            remedy = '在配置文件写 console = "127.0.0.1:7680"（或本机地址），重启节点'
            raise InputError("本节点没有开控制台", field="配置项 console", remedy=remedy)
        files = await self._take_files(request.files)
        args = dict(request.args) | {"attachments": files}
        if verb == "item.attach" and not files:
            raise InputError("没有附件", field="FILE", remedy="写明要上传的文件")
        try:
            answer = await self._in_core(
                lambda: request.around(lambda: carry_out(self._office, verb, args, caller))
            )
        except BaseException:
            for file in files:
                await asyncio.to_thread(self._blobs.remove, file.hash)
            raise
        if verb in ("invite", "approve"):
            await self._changed()
        if verb == "status" and isinstance(answer, dict):
            found = {
                "url": self.console_url, "fingerprint": self.console_fingerprint or None,
                "expires": moment(self.console_expires_ms),
            }  # fmt: skip
            answer["console"] = found if self.console_url else None
        if verb == "console.link":
            answer = self._with_address(answer)
        failing = verb == "status" and isinstance(answer, dict) and bool(answer["alarms"])
        return LocalReply(answer, exit=EXIT_FINDINGS if failing else EXIT_OK)

    def _with_address(self, answer: object) -> object:
        assert isinstance(answer, dict)  # noqa: S101 - what console.link answers
        url = f"{self.console_url}/link/{answer['token']}"
        return answer | {"url": url, "fingerprint": self.console_fingerprint or None}

    async def read(self, run: Callable[[Reader], T]) -> T:
        """Something read from what is committed, in a worker thread."""
        return await asyncio.to_thread(lambda: self._together(run))

    async def inquire(
        self, caller: Caller, run: Callable[[Inquiry], T], seen: Callable[[View], View] = lambda view: view
    ) -> T:
        """Several questions of one caller, asked in a worker thread: they see one moment and read each thing once.

        ``seen`` may say more of what browsing knows beside the store.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(self._runner.projected()), _BOARD_WAIT_S)
        view = seen(self._office.view())
        return await asyncio.to_thread(lambda: self._together(lambda reader: run(Inquiry(reader, view, caller))))

    async def write(self, run: Callable[[Store], T]) -> T:
        """Something of this node's own written in a step of the core; done once it is on disk."""
        return await self.core(lambda office: run(office.store))

    async def core(self, run: Callable[[Office], T]) -> T:
        """Something that only the core knows, or may write."""
        return cast("T", await self._in_core(lambda: run(self._office)))

    async def _in_core(self, run: Callable[[], object]) -> object:
        loop, here = asyncio.get_running_loop(), threading.get_ident()
        answered: asyncio.Future[object] = loop.create_future()

        def settle(answer: object, error: Exception | None) -> None:
            if answered.done():
                return  # whoever asked has left
            if error is not None:
                answered.set_exception(error)
            else:
                answered.set_result(answer)

        def done(answer: object, error: Exception | None) -> None:
            # Answers come in the loop's thread, many after one commit: it need not be woken for each.
            if threading.get_ident() == here:
                settle(answer, error)
            elif not loop.is_closed():
                loop.call_soon_threadsafe(settle, answer, error)

        self._runner.ask(run, done)
        return await answered

    async def _question(self, verb: str, args: object, caller: Caller) -> object:
        assert isinstance(args, dict)  # noqa: S101 - the socket takes nothing else
        return await self.inquire(caller, lambda ask: ask(verb, args))

    def _together(self, run: Callable[[Reader], T]) -> T:
        with self._reader().together() as reader:
            return run(reader)

    def _reader(self) -> Reader:
        """A reader for this worker thread."""
        reader: Reader | None = getattr(self._readers, "reader", None)
        if reader is None:
            reader = self._readers.reader = self._office.store.reader()
        return reader

    def _verify(self, caller: Caller) -> dict[str, object]:
        rights.check(self._reader(), "verify", caller, {}, self._office.identity.code)

        def whole(row: BlobRow) -> bool:
            return self._blobs.check(row.hash, row.salt)

        return audit(self._reader(), self._office.keyring, whole)

    async def _examine(self, args: Args, caller: Caller) -> LocalReply:
        """`doctor`: findings make the exit code."""
        assert self.doctor is not None  # noqa: S101 - asked by `handle`
        await asyncio.to_thread(
            lambda: rights.check(self._reader(), "doctor", caller, args, self._office.identity.code)
        )
        found = await self.doctor(args)
        healthy = isinstance(found, dict) and bool(found["ok"])
        return LocalReply(found, exit=EXIT_OK if healthy else EXIT_FINDINGS)

    async def _fetch(self, args: object, caller: Caller) -> LocalReply:
        assert isinstance(args, dict)  # noqa: S101 - the socket takes nothing else
        view = self._office.view()

        def find() -> tuple[BlobRow, str]:
            return attachment(self._reader(), view, args, caller)

        row, name = await asyncio.to_thread(find)
        data = {"hash": row.hash.hex(), "name": name, "size": row.size_bytes}
        return LocalReply(data, stream_bytes=row.size_bytes, stream=self._content(row))

    async def _content(self, row: BlobRow) -> AsyncIterator[bytes]:
        offset = 0
        while offset < row.size_bytes:
            piece = await asyncio.to_thread(self._blobs.read, row.hash, offset, _READ_BYTES)
            if not piece:
                return
            offset += len(piece)
            yield piece

    async def _import(self, request: Asked, caller: Caller) -> LocalReply:
        if len(request.files) != 1:
            raise InputError("没有台账文件", field="FILE", remedy="写明一个 xlsx 文件")
        data = b"".join([piece async for piece in request.files[0].chunks()])
        name = request.files[0].name
        now_ms = self._office.world.clock.now_ms()
        dry_run, apply = bool(request.args.get("dry_run")), bool(request.args.get("apply"))
        if request.verb == "ledger.import":
            back = await asyncio.to_thread(importing.read_edited, data, name)
        else:
            batch = await asyncio.to_thread(importing.read_ledger_rows, data, name, now_ms)

        def run() -> object:
            permit(self._office, request.verb, request.args, caller)
            if request.verb == "ledger.import":
                return importing.import_edited(self._office, back, caller, apply=apply)
            past_due = bool(request.args.get("past_due"))
            return importing.import_ledger(self._office, batch, caller, dry_run=dry_run, past_due=past_due)

        answer = await self._in_core(lambda: request.around(run))
        assert isinstance(answer, dict)  # noqa: S101 - what the lambda returns
        return LocalReply(answer, exit=EXIT_INPUT if answer["errors"] else EXIT_OK)

    async def _take_files(self, files: Sequence[IncomingFile]) -> list[Attachment]:
        """Store what was sent along; InputError (and nothing kept) where one is empty or too large."""
        taken: list[Attachment] = []
        try:
            for file in files:
                check_line(file.name, "文件名", NAME_CHARS_MAX)
                if not file.size_bytes:
                    remedy = "核对文件是否已保存、是否选错，再附上"
                    raise InputError("附件是空文件（0字节）", field="--attach", value=file.name, remedy=remedy)
                if file.size_bytes > self._attachment_bytes_max:
                    limit = self._attachment_bytes_max // 1_048_576
                    text = f"附件超过上限 {limit} MiB"
                    raise InputError(text, field="--attach", value=file.name, remedy="压缩或拆分后再传")
                taken.append(await self._take_file(file))
        except BaseException:
            for attachment in taken:
                await asyncio.to_thread(self._blobs.remove, attachment.hash)
            raise
        return taken

    async def _take_file(self, file: IncomingFile) -> Attachment:
        pipe = _Pipe(asyncio.get_running_loop())
        salt = self._office.world.entropy(SALT_BYTES)
        limit = self._attachment_bytes_max
        storing = asyncio.create_task(asyncio.to_thread(lambda: self._blobs.add(pipe, salt, bytes_max=limit)))  # type: ignore[arg-type]
        try:
            async for piece in file.chunks():
                await self._feed(pipe, piece, storing)
            await self._feed(pipe, b"", storing)
        except BaseException:
            # Whoever broke off, the storing thread must not wait for the rest for ever.
            pipe.break_off()
            await asyncio.gather(storing, return_exceptions=True)
            raise
        added = await storing
        return Attachment(added.hash, added.salt, added.size_bytes, file.name)

    async def _feed(self, pipe: _Pipe, piece: bytes, storing: asyncio.Task[Added]) -> None:
        """Hand over a piece, or raise what made the storing thread stop taking them."""
        feeding = asyncio.ensure_future(pipe.feed(piece))
        await asyncio.wait((feeding, storing), return_when=asyncio.FIRST_COMPLETED)
        if storing.done():
            feeding.cancel()
            storing.result()
        else:
            await feeding


class _Pipe:
    """A blocking read() for the storing thread, fed by the event loop; holds one piece at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=2)
        self._left = b""
        self._ended = False
        self._broken = False

    async def feed(self, piece: bytes) -> None:
        await self._queue.put(piece)

    def break_off(self) -> None:
        """No more comes: the reading thread gets an error instead."""
        self._broken = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(b"")

    def read(self, size: int = -1) -> bytes:
        if not self._left and not self._ended:
            self._left = asyncio.run_coroutine_threadsafe(self._queue.get(), self._loop).result()
            self._ended = not self._left
        if self._broken:
            raise InputError("文件没有传完", code="truncated", field="FILE", remedy="重新执行命令")
        piece, self._left = (self._left, b"") if size < 0 else (self._left[:size], self._left[size:])
        return piece


