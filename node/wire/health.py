"""A small HTTP listener on the loopback for monitoring: GET only, threads of its own, so that nothing can hold it up.

Rules: it listens on a loopback address or not at all; it takes no input but the path; at most a few connections at a
time, each with a deadline; what it answers is computed from values that are there already.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar, NamedTuple

from node.errors import InputError, why
from node.wire.loopback import check_loopback

REQUEST_S = 5.0
CONNECTIONS_MAX = 16


class Page(NamedTuple):
    """An answer."""

    status: int
    content_type: str
    body: bytes


Pages = Mapping[str, Callable[[], Page]]


class HealthServer:
    """Serves pages by exact path. `start` binds, `stop` ends all threads."""

    def __init__(self, pages: Pages) -> None:
        """``pages`` are called in threads of the server; they must be quick and wait for nobody."""
        self._pages = pages
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self, address: str) -> int:
        """Listen; the port (0 chooses one). InputError where the address is not the loopback's or is taken."""
        host, port = check_loopback(address, "配置项 metrics")
        try:
            self._server = _Server((host, port), self._pages)
        except OSError as error:
            remedy = "换用空闲端口"
            text = f"不能监听（{why(error)}）"
            raise InputError(text, code="port", field="配置项 metrics", value=address, remedy=remedy) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="health", daemon=True)
        self._thread.start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(REQUEST_S)
            self._server = None


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, address: tuple[str, int], pages: Pages) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.pages = pages
        self._room = threading.BoundedSemaphore(CONNECTIONS_MAX)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)  # beyond the bound a caller is turned away, not queued
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that breaks off is no event."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout: ClassVar[float] = REQUEST_S
    server_version = "dulian"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one question."""
        make = self.server.pages.get(self.path.partition("?")[0])
        page = make() if make is not None else Page(404, "text/plain; charset=utf-8", b"not found\n")
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(page.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Questions of a monitor are not worth a line."""
