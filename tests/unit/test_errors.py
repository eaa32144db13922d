"""What the system refuses is told in Chinese, whatever the machine's language is."""

from __future__ import annotations

import errno
import os

import pytest

from node.errors import why


@pytest.mark.parametrize("number", [
    errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOTDIR, errno.ENOENT, errno.EEXIST,
])  # fmt: skip
def test_common_refusals_have_chinese_words(number: int) -> None:
    """`init --home` below a folder that is not there said "No such file or directory"."""
    assert not why(OSError(number, os.strerror(number))).isascii()
