"""What is typed, checked before anything is sent.

Each function returns the value in the form the node expects or raises `InputError` naming the option, the value and the
remedy. The node checks everything again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from node.errors import InputError
from node.records.line import CODE

# The words of surface.md with what people read.
LIGHTS: Mapping[str, str] = {"green": "绿", "yellow": "黄", "red": "红", "done": "办结", "none": "—"}
KINDS: Mapping[str, str] = {"registered": "自立事项", "assignment": "交办任务"}
CHANNELS: Mapping[str, str] = {"phone": "电话", "notice": "催办通知", "visit": "上门"}

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_DURATION = re.compile(r"[1-9][0-9]{0,4}[mhd]\Z")
_HEX = re.compile(r"[0-9a-f]{8,128}\Z")
_HASH = re.compile(r"[0-9a-f]{4,64}\Z")
_COMMAS = "[,，、]"
_PORT_MAX = 65_535


def words(option: str, text: str) -> str:
    """``text`` with something in it, in valid Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = text.encode("utf-8", "replace").decode()
        raise InputError("不是有效的 UTF-8 文字", field=option, value=shown) from None
    if not text.strip():
        raise InputError("不能为空", field=option)
    return text


def line(option: str, text: str) -> str:
    """One line of words: a name or a title."""
    if len(words(option, text).splitlines()) > 1:
        raise InputError("须写在一行内", field=option, value=" ".join(text.split()), remedy="去掉换行")
    return text


def code(option: str, text: str) -> str:
    """One office code."""
    if not CODE.match(text):
        raise InputError(
            "不是单位代码", field=option, value=words(option, text) if text else "",
            remedy="代码为6位或9位半角数字，可加短横线和1至16位小写字母或数字，如 320500、320583-fgw",
        )  # fmt: skip
    return text


def codes(option: str, texts: Iterable[str]) -> list[str]:
    """Office codes, separated by commas (half or full width) or given in several options; each only once."""
    found: list[str] = []
    for text in texts:
        for part in re.split(_COMMAS, text):
            one = code(option, part.strip())
            if one in found:
                raise InputError("同一单位写了两次", field=option, value=one, remedy="每个单位只写一次")
            found.append(one)
    return found


def lead(texts: Sequence[str], receivers: Sequence[str]) -> str | None:
    """The one office that leads, which must be a receiver; None where nobody leads."""
    if not texts:
        return None
    if len(texts) > 1 or re.search(_COMMAS, texts[0]):
        remedy = "其余单位为协办，只写在 --to 中"
        raise InputError("牵头单位只能有一个", field="--lead", value=",".join(texts), remedy=remedy)
    one = code("--lead", texts[0])
    if one not in receivers:
        raise InputError("牵头单位不在承办单位之中", field="--lead", value=one, remedy="把它也写进 --to")
    return one


def day(option: str, text: str | None) -> str | None:
    """A date ``YYYY-MM-DD`` that exists."""
    if text is None:
        return None
    try:
        if not _DAY.match(text):
            raise ValueError
        date.fromisoformat(text)
    except ValueError:
        raise InputError(
            "不是有效日期", field=option, value=words(option, text), remedy="写成 年-月-日，用半角数字，如 2026-12-31"
        ) from None
    return text


def percent(text: str | None) -> int | None:
    """A whole number from 0 to 100."""
    if text is None:
        return None
    bare = text.removesuffix("%").removesuffix("％")
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 3 and int(bare) <= 100):
        remedy = "写0至100的整数，用半角数字"
        raise InputError("进度超出范围", field="--percent", value=words("--percent", text), remedy=remedy)
    return int(bare)


def whole(option: str, text: str | None) -> int | None:
    """A whole number in digits; the parser hands every value on as typed."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InputError("须为整数", field=option, value=words(option, text), remedy="用半角数字")
    return int(text)


def choice(option: str, text: str | None, allowed: Mapping[str, str]) -> str | None:
    """One of the ``allowed`` words, or the label people read instead of it."""
    if text is None or text in allowed:
        return text
    meant = [word for word, label in allowed.items() if label == text]
    if meant:
        return meant[0]
    shown = "、".join(f"{word}（{label}）" if label.strip("—") else word for word, label in allowed.items())
    raise InputError("没有这个选择", field=option, value=words(option, text), remedy=f"可选：{shown}")


def duration(option: str, text: str | None) -> str | None:
    """Minutes, hours or days: ``30m``, ``24h``, ``7d``."""
    if text is None or _DURATION.match(text):
        return text
    remedy = "写数字加 m（分）、h（时）或 d（天），如 24h"
    raise InputError("不是时长", field=option, value=words(option, text), remedy=remedy)


def address(option: str, text: str | None) -> str | None:
    """``HOST:PORT``, an IPv6 address in brackets."""
    if text is None:
        return None
    host, colon, port = text.rpartition(":")
    good = colon and host.strip("[]") and port.isascii() and port.isdigit() and 0 <= int(port[:6]) <= _PORT_MAX
    if not good or any(char.isspace() for char in text) or (":" in host and not host.startswith("[")):
        remedy = "写成 主机:端口，如 0.0.0.0:7600"
        raise InputError("不是网络地址", field=option, value=words(option, text), remedy=remedy)
    return text


def fingerprint(option: str, text: str | None) -> str | None:
    """Hexadecimal digits; the spaces and colons people copy with them are dropped."""
    if text is None:
        return None
    bare = re.sub(r"[\s:]", "", text).lower()
    if not _HEX.match(bare):
        remedy = "照对方屏幕上的指纹填写，只含0-9、a-f"
        raise InputError("不是指纹", field=option, value=words(option, text), remedy=remedy)
    return bare


def file_hash(option: str, text: str) -> str:
    """The hash of an attachment or its first digits."""
    if not _HASH.match(text.lower()):
        raise InputError(
            "不是附件的散列值", field=option, value=words(option, text), remedy="用 dulian item show 查看附件的散列值"
        )
    return text.lower()


def readable(option: str, text: str) -> Path:
    """A file that can be read."""
    path = Path(words(option, text)).expanduser()
    try:
        if path.is_dir():
            raise InputError("是目录，不是文件", field=option, value=text, remedy="写明文件名")
        # A pipe or a device could keep the command waiting for ever.
        if path.exists() and not path.is_file():
            raise InputError("不是普通文件", field=option, value=text, remedy="换一个文件")
        with path.open("rb"):
            return path
    except FileNotFoundError:
        raise InputError("没有这个文件", field=option, value=text, remedy="核对文件名和所在目录") from None
    except PermissionError:
        raise InputError("没有读取这个文件的权限", field=option, value=text, remedy="核对文件权限") from None
    except (OSError, ValueError) as error:
        raise InputError("读不了这个文件", field=option, value=text, remedy="换一个文件或存储位置") from error


def writable(option: str, text: str) -> Path:
    """A file name that is still free, in a folder that exists."""
    path = Path(words(option, text)).expanduser()
    if path.exists():
        raise InputError("文件已存在，不覆盖", field=option, value=text, remedy="换一个文件名")
    if not path.parent.is_dir():
        raise InputError("没有这个目录", field=option, value=str(path.parent), remedy="先建立目录")
    return path
