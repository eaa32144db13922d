"""A TCP proxy between two nodes that cuts, stalls, slows and counts."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress

_PIECE_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on a port of its own and forwards to ``target``. ``up`` is from the dialler, ``down`` towards it."""

    def __init__(self, port: int, target: int) -> None:
        self.up_bytes = 0
        self.down_bytes = 0
        self.dials: list[float] = []  # when a connection came in, by the monotonic clock
        self.frozen = False  # connections stay open and nothing passes: half-open
        self.refusing = False  # new connections are reset
        self.up_rate: float = 0  # bytes per second, 0 = unlimited
        self.down_rate: float = 0
        self.cut_after_bytes = 0  # cut everything once this many bytes in all have passed; 0 = never
        self.cuts = 0
        self._target = target
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Reset every connection."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
            self.cuts += bool(pairs)
        for pair in pairs:
            for end in pair:
                with suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def close(self) -> None:
        self._closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._closed:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.dials.append(time.monotonic())
            try:
                if self.refusing:
                    raise ConnectionRefusedError
                far = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                with suppress(OSError):
                    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                near.close()
                continue
            pair = (near, far)
            with self._lock:
                self._pairs.add(pair)
            for source, sink, up in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._forward, args=(pair, source, sink, up), daemon=True).start()

    def _forward(self, pair: tuple[socket.socket, socket.socket], source: socket.socket, sink: socket.socket,
                 up: bool) -> None:  # fmt: skip
        try:
            while True:
                rate = self.up_rate if up else self.down_rate
                piece = source.recv(_PIECE_BYTES if not rate else max(1, min(_PIECE_BYTES, int(rate / 20))))
                while self.frozen and pair in self._pairs:
                    time.sleep(0.02)
                if not piece:
                    break
                sink.sendall(piece)
                self._count(len(piece), up)
                if rate:
                    time.sleep(len(piece) / rate)
        except OSError:
            pass  # cut, or one end has gone: so goes the other
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _count(self, size_bytes: int, up: bool) -> None:
        with self._lock:
            if up:
                self.up_bytes += size_bytes
            else:
                self.down_bytes += size_bytes
            due = self.cut_after_bytes and self.up_bytes + self.down_bytes >= self.cut_after_bytes
            if due:
                self.cut_after_bytes = 0
        if due:
            self.cut()
