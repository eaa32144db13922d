"""XML parts of an office file that may be hostile, read as a stream: what is wanted is kept, no tree is built.

What bounds a reader: a `Budget` of unpacked bytes and of computing time for all parts of one file. Where it is spent,
or a target says that it has enough, reading stops and says so; what was read until then stands. Entities, external
references and document types are refused (defusedxml).
"""

from __future__ import annotations

import io
import posixpath
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from node.documents.package import ZIP_ERRORS, Kind, check_package
from node.errors import InputError

UNPACKED_BYTES_MAX = 24 * 1024 * 1024  # read, of whatever is there
CPU_SECONDS_MAX = 2.0  # of the reading thread: what takes longer is not looked at, whatever else the machine does
DEPTH_MAX = 256  # the parser keeps what is open
_TOKEN_BYTES_MAX = 2 * 1024 * 1024  # and a tag that has not ended
_PIECE_BYTES = 65_536
_FIELD = "附件"
_REMEDY = "下载后用原来的程序打开"
_ERRORS: tuple[type[Exception], ...] = (*ZIP_ERRORS, ParseError, LookupError)  # no XML, an unknown encoding
_INVISIBLE = {
    code: None for code in (*range(32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A),
                            *range(0xD800, 0xE000), 0xFFFE, 0xFFFF) if code not in (9, 10)
}  # fmt: skip


class Target(Protocol):
    """What a part is read into. ``full``: it has enough."""

    full: bool

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        """An element begins; names carry their namespace in braces."""

    def end(self, tag: str) -> None:
        """It ends."""

    def data(self, text: str) -> None:
        """Text, in pieces."""


class Budget:
    """What reading one file may cost."""

    def __init__(self, bytes_max: int = UNPACKED_BYTES_MAX, cpu_seconds_max: float = CPU_SECONDS_MAX) -> None:
        """From now on, in this thread."""
        self._bytes_left = bytes_max
        self._until_s = time.thread_time() + cpu_seconds_max

    @property
    def spent(self) -> bool:
        """Whether nothing more may be read."""
        return self._bytes_left <= 0 or time.thread_time() > self._until_s

    @classmethod
    def small(cls) -> Budget:
        """For a part that only helps to show others."""
        return cls(4 * 1024 * 1024, 0.5)

    def take(self, size_bytes: int) -> None:
        """That much was unpacked."""
        self._bytes_left -= size_bytes


class Opened:
    """An office file whose container is within bounds."""

    def __init__(self, archive: zipfile.ZipFile, budget: Budget) -> None:
        """Made by `opened`."""
        self._archive = archive
        self._names = set(archive.namelist())
        self._budget = budget

    def has(self, part: str) -> bool:
        """Whether there is such a part."""
        return part in self._names

    def read(self, part: str, target: Target, budget: Budget | None = None) -> bool:
        """Read a part into ``target``; whether all of it was read. InputError where it is missing or damaged.

        ``budget``: of its own, for a part that is of use but must not cost what the others need.
        """
        if not self.has(part):
            raise damaged()
        budget = budget or self._budget
        counted = _Counted(target)
        parser = DefusedXMLParser(target=counted, forbid_dtd=True)
        silent_bytes = 0
        with self._archive.open(part) as stream:
            while not (target.full or budget.spent or silent_bytes > _TOKEN_BYTES_MAX):
                piece = stream.read(_PIECE_BYTES)
                if not piece:
                    parser.close()
                    return True
                budget.take(len(piece))
                told = counted.told
                parser.feed(piece)
                silent_bytes = silent_bytes + len(piece) if counted.told == told else 0
        return False

    def main(self, kind: Kind) -> str:
        """The name of the part that the file is about. InputError where none is named."""
        for relation, target in self.related("").values():
            if relation.endswith("/officeDocument"):
                return target
        raise InputError(f"不是{kind}文件", field=_FIELD, remedy=_REMEDY)

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """The parts of this file that a part refers to: id → (type, name); what lies outside is left out."""
        folder, name = posixpath.split(part)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        found = _Relations(folder)
        if self.has(listed):
            self.read(listed, found, Budget.small())
        return found.parts


class _Counted:
    """Passes on what the parser tells; refuses what is nested beyond sense."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._depth = self.told = 0

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        self.told += 1
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise damaged()
        self._target.start(tag, attrs)

    def end(self, tag: str) -> None:
        self.told += 1
        self._depth -= 1
        self._target.end(tag)

    def data(self, text: str) -> None:
        self.told += 1
        self._target.data(text)


class _Relations:
    """``Relationship`` elements."""

    MAX = 2_000

    def __init__(self, folder: str) -> None:
        self.full = False
        self.parts: dict[str, tuple[str, str]] = {}
        self._folder = folder

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if local(tag) != "Relationship" or attrs.get("TargetMode") == "External":
            return
        target = attrs.get("Target", "")
        path = target if target.startswith("/") else posixpath.join("/", self._folder, target)
        self.parts[attrs.get("Id", "")] = (attrs.get("Type", ""), posixpath.normpath(path).lstrip("/"))
        self.full = len(self.parts) >= self.MAX

    def end(self, tag: str) -> None:
        """Nothing to do."""

    def data(self, text: str) -> None:
        """Nothing to keep."""


@contextmanager
def opened(data: bytes, kind: Kind, budget: Budget) -> Iterator[Opened]:
    """An office file to read; whatever is wrong with it, then or while it is read, becomes an InputError."""
    check_package(data, kind, _REMEDY)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield Opened(archive, budget)
    except DefusedXmlException as error:
        raise InputError("文件内含有实体定义等危险内容，已拒绝", field=_FIELD, remedy=_REMEDY) from error
    except (InputError, MemoryError):
        raise
    except _ERRORS as error:
        raise damaged() from error


def damaged() -> InputError:
    """The error of a file whose content cannot be read."""
    return InputError("文件内容已损坏，无法读取", field=_FIELD, remedy=_REMEDY)


def local(tag: str) -> str:
    """A name without its namespace (there are two dialects of the format, with different ones)."""
    return tag.rpartition("}")[2]


def attr(attrs: Mapping[str, str], name: str) -> str:
    """An attribute by its name without namespace; empty where absent."""
    return next((value for key, value in attrs.items() if local(key) == name), "")


def visible(text: str) -> str:
    """Text without characters that nobody sees and that change what others see."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_INVISIBLE)
