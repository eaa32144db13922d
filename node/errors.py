"""Errors say whose fault they are, in one place with their exit codes.

Rules of this file:

1. Every error a person can meet carries Chinese text: what is wrong, where (``field``, ``value``), what to do
   (``remedy``).
2. The class says whose fault it is: ours (`LocalError`), the operator's (`InputError` and its kin), the neighbour's
   (`PeerError`), the disk's (`StoreError`). Anything else that escapes is a bug.
3. ``code`` is a stable English word for programs; ``exit_code`` follows the table of surface.md.
"""

from __future__ import annotations

import errno
from typing import ClassVar

EXIT_OK = 0
EXIT_FINDINGS = 1
EXIT_INPUT = 2
EXIT_UNREACHABLE = 3
EXIT_FORBIDDEN = 4
EXIT_INTERNAL = 70


_FOR_THE_OPERATOR = frozenset({
    "locked", "absent", "newer_schema", "foreign", "denied", "unreachable", "disk_full", "read_only",
})  # fmt: skip
_WHY: dict[int, str] = {
    errno.ENOSPC: "磁盘空间不足", errno.EDQUOT: "超出磁盘配额", errno.EFBIG: "超出文件大小限制",
    errno.EROFS: "磁盘为只读", errno.EACCES: "没有权限", errno.EPERM: "没有权限", errno.EIO: "磁盘读写出错",
    errno.ENOTDIR: "上级不是目录", errno.ENOENT: "没有这个文件或目录", errno.EEXIST: "同名文件已存在",
}  # fmt: skip


def why(error: OSError) -> str:
    """What the system refused, in Chinese where there is a word for it."""
    return _WHY.get(error.errno or 0) or error.strerror or type(error).__name__


class DulianError(Exception):
    """Base of all our errors; ``str(error)`` is one Chinese line for people."""

    exit_code: int = EXIT_INTERNAL
    default_code: ClassVar[str] = "internal"

    def __init__(self, text: str, *, code: str = "", field: str = "", value: object = "", remedy: str = "") -> None:
        """Keep the parts apart so that JSON output can carry them; ``value`` is shortened to 120 characters."""
        shown = str(value)
        self.text = text
        self.code = code or self.default_code
        self.field = field
        self.value = shown if len(shown) <= 120 else shown[:119] + "…"
        self.remedy = remedy
        super().__init__(self._line())

    def advise(self, remedy: str) -> None:
        """Say another way out: who knows more than who refused."""
        self.remedy = remedy
        self.args = (self._line(),)

    def _line(self) -> str:
        value = f"「{self.value}」" if self.value else ""
        where = f"{self.field}{value}：" if self.field else ""
        return f"{where}{self.text}" + (f"。处理办法：{self.remedy}" if self.remedy else "")

    def as_dict(self) -> dict[str, str]:
        """The parts, for JSON output."""
        return {
            "code": self.code,
            "text": self.text,
            "field": self.field,
            "value": self.value,
            "remedy": self.remedy,
        }


class LocalError(DulianError):
    """Our own fault: a bug or an impossible state of this node."""


class StoreError(DulianError):
    """The local store failed or holds what it must not hold."""

    default_code = "store"

    def __init__(self, text: str, *, code: str = "", field: str = "", value: object = "", remedy: str = "") -> None:
        """A store that is locked, absent or full is for the operator to mend, not an internal error."""
        super().__init__(text, code=code, field=field, value=value, remedy=remedy)
        if code in _FOR_THE_OPERATOR:
            self.exit_code = EXIT_INPUT


class InputError(DulianError):
    """The operator's input is wrong; nothing was written."""

    exit_code = EXIT_INPUT
    default_code = "input"


class NotAvailableError(InputError):
    """The capability exists in the surface, not in this release."""

    default_code = "not_available"

    def __init__(self, what: str) -> None:
        """Name the command ``what`` that this release lacks."""
        super().__init__("本版本未提供", field=what)


class NotFoundError(InputError):
    """What the operator named does not exist here."""

    default_code = "not_found"


class UnreachableError(DulianError):
    """This node or a neighbour does not answer."""

    exit_code = EXIT_UNREACHABLE
    default_code = "unreachable"


class ForbiddenError(DulianError):
    """The actor or the office may not do this, or not now."""

    exit_code = EXIT_FORBIDDEN
    default_code = "forbidden"


class PeerError(DulianError):
    """A neighbour's bytes are not acceptable. ``code`` is one of the refusal reasons; ``evidence`` holds the bytes."""

    default_code = "peer"

    def __init__(self, text: str, *, code: str, evidence: bytes = b"", detail: str = "") -> None:
        """``text`` is for the operator (Chinese), ``detail`` for the log (English)."""
        super().__init__(text, code=code)
        self.evidence = evidence
        self.detail = detail
