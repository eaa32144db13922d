"""Static files: served under the hash of their content, compressed, to be kept for ever by browsers."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from node.errors import LocalError

STATIC = Path(__file__).resolve().parent / "static"
_FOREVER = "public, max-age=31536000, immutable"
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_COMPRESSED = frozenset({".css", ".js", ".svg", ".txt"})


class Assets:
    """The files below ``static``; what is asked for is compressed once and kept (some 300 KB in all)."""

    def __init__(self, folder: Path = STATIC) -> None:
        """Only what is there now is ever served: no path is made of what a stranger asks for."""
        self._files = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in (*_KINDS, ".png", ".ico", ".txt", ".woff2")
        }
        self._hashes = {
            name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for name, path in self._files.items()
        }
        self._packed: dict[str, bytes] = {}

    def names(self) -> list[str]:
        """All files, by name."""
        return list(self._files)

    def address(self, name: str) -> str:
        """Where a file is served. LocalError for one that is not there."""
        if name not in self._hashes:
            raise LocalError(f"no such static file: {name}", code="asset")
        return f"/static/{self._hashes[name]}/{name}"

    def size_bytes(self, name: str) -> int:
        """What travels to a browser."""
        return len(self._content(name)[0])

    def serve(self, http: Request) -> Response:
        """A file, by the hash of its content and its name."""
        name, known = str(http.path_params["name"]), str(http.path_params["hash"])
        if self._hashes.get(name) != known:
            return Response("", 404)
        headers = {"cache-control": _FOREVER, "etag": f'"{known}"', "vary": "Accept-Encoding"}
        if http.headers.get("if-none-match") == f'"{known}"':
            return Response("", 304, headers)
        content, packed = self._content(name)
        if packed and "gzip" in http.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
        elif packed:
            content = gzip.decompress(content)
        path = self._files[name]
        kind = _KINDS.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers["content-type"] = kind
        return Response(content, headers=headers)

    def _content(self, name: str) -> tuple[bytes, bool]:
        path = self._files[name]
        if path.suffix not in _COMPRESSED:
            return path.read_bytes(), False
        if name not in self._packed:
            self._packed[name] = gzip.compress(path.read_bytes(), 9, mtime=0)
        return self._packed[name], True
