"""What an engine's error means to an operator: one table from driver codes to StoreError.

Rules: whatever the database, its driver or the file system raises leaves `node.storage` as a StoreError with Chinese
text, its place and a remedy; nothing of a URL's password, and no row, is in it. ``code`` is stable: disk_full,
read_only, locked, unreachable, corrupt, io, timeout, denied, conflict, store.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from node.errors import StoreError

# code: (what is wrong, what to do)
WORDS: dict[str, tuple[str, str]] = {
    "disk_full": ("磁盘空间不足，写入未完成", "清理磁盘或扩容后重试，已提交的数据不受影响"),
    "read_only": ("数据所在磁盘或数据库为只读", "检查磁盘挂载方式、文件权限和数据库状态"),
    "locked": ("数据库正被另一进程占用", "先停止本节点的另一进程，再重试"),
    "unreachable": ("连接不上数据库", "检查数据库地址、网络和数据库服务是否运行"),
    "corrupt": ("数据库文件已损坏", "停止使用，从备份恢复数据目录"),
    "io": ("磁盘读写出错", "检查磁盘和系统日志，更换故障磁盘后重启本节点"),
    "timeout": ("数据库操作超时", "稍后重试；反复出现时检查数据库负载"),
    "denied": ("数据库拒绝登录或权限不足", "检查数据库用户、密码和授权"),
    "conflict": ("写入与已存数据冲突", "重启本节点；仍出现时运行 dulian verify 并联系维护人员"),
    "store": ("数据库操作失败", "查看日志；仍出现时联系维护人员"),
}

# Primary result codes of SQLite (the low byte of the extended code).
_SQLITE: dict[int, str] = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "read_only",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_INTERRUPT: "timeout",  # a search whose time was over
    sqlite3.SQLITE_CANTOPEN: "unreachable",
    sqlite3.SQLITE_CORRUPT: "corrupt",
    sqlite3.SQLITE_NOTADB: "corrupt",
    sqlite3.SQLITE_IOERR: "io",
    sqlite3.SQLITE_CONSTRAINT: "conflict",
}
# Extended codes that say more than their low byte: no room for the file beside the database that its readers share.
_SQLITE_EXTENDED: dict[int, str] = {sqlite3.SQLITE_IOERR_SHMSIZE: "disk_full"}
_WRITES = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_TRUNCATE})
_PROBE_BYTES = 65_536
# SQLSTATE of PostgreSQL, longest match first.
_POSTGRES: dict[str, str] = {
    "53100": "disk_full",
    "25006": "read_only",
    "55P03": "locked",
    "57014": "timeout",
    "42501": "denied",
    "58030": "io",
    "3D000": "unreachable",
    "28": "denied",
    "08": "unreachable",
    "53": "unreachable",
    "57P": "unreachable",
    "23": "conflict",
    "XX": "corrupt",
}
_ERRNO: dict[int, str] = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
    errno.EROFS: "read_only",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.EIO: "io",
}


def _code_of(error: BaseException) -> str:
    """The stable code of a driver's or the system's error."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return _code_of(error.orig)
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0)
        return _SQLITE_EXTENDED.get(code) or _SQLITE.get(code & 0xFF, "store")
    if isinstance(error, OSError):
        return _ERRNO.get(error.errno or 0, "io")
    if hasattr(error, "sqlstate"):  # psycopg.Error, which is not imported where only SQLite is used
        state = error.sqlstate
        if state is None:  # no answer from the server at all
            return "unreachable" if type(error).__name__ in {"OperationalError", "ConnectionTimeout"} else "store"
        return next((code for prefix, code in _POSTGRES.items() if state.startswith(prefix)), "store")
    return "store"


def store_error(error: BaseException, *, where: str = "", field: str = "数据库", secret: str = "") -> StoreError:
    """The StoreError for any error of an engine; ``where`` is shown, ``secret`` (a password) is blotted out."""
    code = _code_of(error)
    text, remedy = WORDS[code]
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(cause).strip().splitlines()
    detail = lines[0] if lines else type(cause).__name__
    if secret:
        detail = detail.replace(secret, "***")
    return StoreError(f"{text}（{detail}）", code=code, field=field if where else "", value=where, remedy=remedy)


def is_driver_error(error: BaseException) -> bool:
    """Whether the error comes from a database driver or SQLAlchemy."""
    return isinstance(error, SQLAlchemyError | sqlite3.Error) or hasattr(error, "sqlstate")


@contextmanager
def as_store_error(*, where: str = "", field: str = "数据库", secret: str = "") -> Iterator[None]:
    """Whatever the engine raises inside leaves as a StoreError; ``field`` says what stands at ``where``."""
    try:
        yield
    except (StoreError, GeneratorExit):
        raise
    except Exception as error:
        if not is_driver_error(error) and not isinstance(error, OSError):
            raise
        # A driver's error may carry a connection string: it is described, not chained, where there is a password.
        raise store_error(error, where=where, field=field, secret=secret) from (None if secret else error)


def failed_in_write(error: StoreError) -> bool:
    """Whether it was SQLite's write of a page that failed, not a sync or a read."""
    cause = error.__cause__
    driver = cause.orig if isinstance(cause, DBAPIError) else cause
    return getattr(driver, "sqlite_errorcode", 0) in _WRITES


def refused_by(folder: Path) -> OSError | None:
    """Why a folder takes no new file now, where that is for want of room or because it is read-only; else None."""
    path = folder / f".probe-{os.getpid()}"
    try:
        with path.open("xb") as file:
            file.write(bytes(_PROBE_BYTES))
    except OSError as error:
        return error if _ERRNO.get(error.errno or 0) in ("disk_full", "read_only") else None
    finally:
        path.unlink(missing_ok=True)
    return None
