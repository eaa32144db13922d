"""Secret files: written whole with mode 0600, and refused when others could have read them (faults.md P10)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from node.errors import InputError

KEY_FILE_BYTES_MAX = 65_536
_MODE = 0o600


def write_key_file(path: Path, content: bytes) -> None:
    """Replace a file by this content, atomically and durably, readable by its owner only.

    OSError where the disk refuses; the former file stays as it was then.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), _MODE)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_key_file(path: Path) -> bytes:
    """The content of a secret file; InputError unless it is a plain file of mode 0600 of the running user."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        remedy = "从备份恢复该文件，或核对 --home 所指的目录"
        text = f"无法读取密钥文件（{error.strerror}）"
        raise InputError(text, field="密钥文件", value=path, remedy=remedy) from error
    try:
        _check(os.fstat(descriptor), path)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(KEY_FILE_BYTES_MAX + 1)
    finally:
        os.close(descriptor)
    if len(content) > KEY_FILE_BYTES_MAX:
        raise InputError("密钥文件过大", field="密钥文件", value=path, remedy="从备份恢复该文件")
    return content


def _check(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise InputError("密钥文件不是普通文件", field="密钥文件", value=path, remedy="从备份恢复该文件")
    if found.st_uid != os.geteuid():
        text = f"密钥文件属于其他用户（uid {found.st_uid}），拒绝使用"
        remedy = f"chown {os.geteuid()} '{path}'，或以该用户身份运行"
        raise InputError(text, code="key_owner", field="密钥文件", value=path, remedy=remedy)
    if stat.S_IMODE(found.st_mode) != _MODE:
        text = f"密钥文件权限为 {stat.S_IMODE(found.st_mode):04o}，应为 0600，拒绝使用"
        raise InputError(text, code="key_mode", field="密钥文件", value=path, remedy=f"chmod 600 '{path}'")
