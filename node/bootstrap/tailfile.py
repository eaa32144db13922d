"""The file beside the database that names the newest own record (`services.mending.tail`)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import structlog

_log = structlog.get_logger("tail")


class TailPath:
    """One short line, overwritten in place and never waited for."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self._path = path
        self._failed = False

    def read(self) -> bytes:
        """The line; empty where there is none."""
        with suppress(FileNotFoundError):
            return self._path.read_bytes()
        return b""

    def write(self, raw: bytes) -> None:
        """Overwrite it. A disk that does not take it leaves the file behind, which is harmless; said once."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(descriptor, raw, 0)
                os.ftruncate(descriptor, len(raw))
            finally:
                os.close(descriptor)
        except OSError as error:
            if not self._failed:
                _log.warning("tail_not_written", error=str(error))
            self._failed = True
        else:
            self._failed = False
