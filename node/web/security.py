"""What stands before every page: who may be addressed, from where forms may come, how much and how long.

Rules of this file:

1. The Host must be one of ours: a name of the allow-list, or the very address the connection came to (W8).
2. A request that changes something must come from a page of ours: Origin or Referer of this host, Sec-Fetch-Site
   same-origin where the browser says it, at least one of them (W1); the form's token is checked where the form is read.
3. Every answer carries the headers below, errors too; pages are never kept by a browser (W18). An answer may choose
   another policy only from those that stand here (`OTHERS`).
4. A body has a size and a request a deadline, by which the answer must have begun. Streams (`/live`) have none: they
   end with their session.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from node.errors import DulianError, ForbiddenError, InputError, UnreachableError
from node.web.limits import FORM_BYTES_MAX, REQUEST_S, UPLOAD_S, UPLOADS_MAX

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# The page around a PDF lets in our own answers (browsers ask one or the other rule of an object's frame, by their age);
# the PDF itself may stand in our pages, and run or load nothing. No `sandbox`: Chromium shows no PDF in one.
CSP_SHOWS_PDF = CSP + "; object-src 'self'; frame-src 'self'"
CSP_PDF = "default-src 'none'; frame-ancestors 'self'; base-uri 'none'"
FRAMED_BY_US = "SAMEORIGIN"
HEADERS: tuple[tuple[str, str], ...] = (
    ("content-security-policy", CSP),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),  # no-referrer would make the Origin of our own forms null
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
# What an answer may say instead; anything else that it says is replaced.
OTHERS = {"content-security-policy": {CSP_SHOWS_PDF, CSP_PDF}, "x-frame-options": {FRAMED_BY_US}}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE = frozenset({"GET", "HEAD"})


class Gate(NamedTuple):
    """What the guard goes by. ``uploads`` and ``streams``: whether a path takes files, or never ends."""

    hosts: frozenset[str]
    upload_bytes_max: int
    hsts: bool
    uploads: Callable[[str], bool]
    streams: Callable[[str], bool]


class Guard:
    """The outermost layer. ``refuse`` makes the page of an error."""

    def __init__(self, app: ASGIApp, gate: Gate, refuse: Callable[[Request, Exception], ASGIApp]) -> None:
        """``app`` gets what passes."""
        self._app = app
        self._gate = gate
        self._refuse = refuse
        self._uploading = asyncio.Semaphore(UPLOADS_MAX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, self._gate.hsts and scope["scheme"] == "https")
        request = Request(scope, receive)
        try:
            self._check(request)
            await self._limited(scope, receive, answer)
        except DulianError as error:
            if answer.begun:
                raise
            await self._refuse(request, error)(scope, receive, answer)

    def _check(self, request: Request) -> None:
        if request.method not in (*_SAFE, "POST"):
            raise InputError("不支持这种请求", code="method", remedy="从页面办理")
        self._check_host(request)
        if request.method == "POST":
            check_origin(request.headers)

    def _check_host(self, request: Request) -> None:
        said = request.headers.getlist("host")
        name = host_name(said[0]) if len(said) == 1 else ""
        server = request.scope.get("server")
        here = str(server[0]) if server else ""
        same = bool(here) and name == here and _is_address(name)
        if not name or (name not in self._gate.hosts and not same):
            remedy = "用本机地址访问；需用域名时写进配置项 console_hosts"
            raise ForbiddenError("不能用这个网址访问控制台", code="host", remedy=remedy)

    async def _limited(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        path = scope["path"]
        if scope["method"] in _SAFE and self._gate.streams(path):
            await self._app(scope, receive, answer)
            return
        upload = scope["method"] == "POST" and self._gate.uploads(path)
        limit = self._gate.upload_bytes_max if upload else FORM_BYTES_MAX
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > limit:
            raise too_large(limit)
        body = _Body(receive, limit)
        try:
            async with asyncio.timeout(UPLOAD_S if upload else REQUEST_S) as deadline:
                answer.deadline = deadline
                if upload:
                    async with self._uploading:
                        await self._app(scope, body, answer)
                else:
                    await self._app(scope, body, answer)
        except TimeoutError as error:
            raise UnreachableError("没有在时限内办完", code="timeout", remedy="稍后刷新页面，看是否已办理") from error


def check_origin(headers: Headers) -> None:
    """ForbiddenError (code origin) unless the request comes from a page of ours."""
    host = headers.get("host", "")
    site, origin, referer = headers.get("sec-fetch-site"), headers.get("origin"), headers.get("referer")
    good = site in (None, "same-origin") and any((site, origin, referer))
    if origin is not None:
        good = good and urlsplit(origin).netloc == host
    elif referer is not None:
        good = good and urlsplit(referer).netloc == host
    if not good:
        raise ForbiddenError("请求不是从控制台的页面发出的", code="origin", remedy="打开控制台，从页面上办理")


def host_name(host: str) -> str:
    """The name in a Host header, without its port; empty where it cannot be one."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if set(host) <= _HOST_CHARS else ""
    except ValueError:
        return ""


_HOST_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")


def hosts_of(listen: str, more: str) -> frozenset[str]:
    """The names that are ours: of the listening address, the loopback's where it is one, and those configured."""
    own = host_name(listen)
    names = {part.strip().lower() for part in more.split(",") if part.strip()} | {own}
    if is_loopback(own):
        names |= _LOOPBACK
    return frozenset(names - {""})


def is_loopback(name: str) -> bool:
    """Whether only this machine can reach it."""
    return name in _LOOPBACK or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def too_large(limit_bytes: int) -> InputError:
    """The error of a body beyond the limit."""
    limit = f"{limit_bytes // 1_048_576} MiB"
    return InputError(f"提交的内容超过 {limit}", code="too_large", remedy="压缩或分几次提交")


class _Body:
    """Counts what comes in."""

    def __init__(self, receive: Receive, limit_bytes: int) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._left = limit_bytes

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise too_large(self._limit_bytes)
        return message


class _Answer:
    """Adds the headers to whatever is answered."""

    def __init__(self, send: Send, hsts: bool) -> None:
        self._send = send
        self._hsts = hsts
        self.begun = False
        self.deadline: asyncio.Timeout | None = None  # of its beginning; a download may then take as long as an upload

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            if self.deadline is not None and not self.deadline.expired():
                self.deadline.reschedule(asyncio.get_running_loop().time() + UPLOAD_S)
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS:
                if headers.get(name) not in OTHERS.get(name, ()):
                    headers[name] = value
            headers.setdefault("cache-control", "no-store")
            if self._hsts:
                headers["strict-transport-security"] = "max-age=31536000"
        await self._send(message)
