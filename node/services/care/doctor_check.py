"""The answer of one check of `doctor`."""

from __future__ import annotations

from typing import NamedTuple

OK, WARNING, FAULT, SKIPPED = "正常", "警告", "故障", "未查"
_SHOWN = 5


class Check(NamedTuple):
    """``cause``: what was seen; ``fix``: the command or step that mends it, empty where nothing is wrong."""

    id: str
    title: str
    state: str
    cause: str = ""
    fix: str = ""


def named(names: tuple[str, ...]) -> str:
    """The first names, and how many there are in all."""
    more = f" 等 {len(names)} 个" if len(names) > _SHOWN else ""
    return "、".join(names[:_SHOWN]) + more
