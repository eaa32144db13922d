"""Broken bytes from good ones, from a seed: bits, cuts, splices; knowing the form: protobuf fields, JSON, xlsx.

All functions take a `random.Random` and a pool of good examples to steal pieces from. What they make may be good, too.
"""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from random import Random
from typing import Any

NUMBERS = (0, 1, 2, 7, 31, 32, 33, 63, 64, 100, 101, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**16, 2**31 - 1, 2**31,
           2**32 - 1, 2**32, 2**48, 2**48 + 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1)  # fmt: skip
TEXTS = (b"", b"x", b"\0", b"320500", "字".encode(), "\u202e".encode(), "\u200b".encode(), "\U0001f600".encode(),
         b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"../x", b"=1+1", b"<b>", b"a" * 201, b"\r\n", b"-1")  # fmt: skip
DEEP = 120  # beyond protobuf's own bound of 100
LONG = 600  # bytes: nothing longer is multiplied
Field = tuple[int, int, bytes]  # number, wire type, value without its tag (and without its length)


def varint(value: int) -> bytes:
    """A number as protobuf writes it."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def fields(raw: bytes) -> list[Field] | None:
    """A message's top level, read without the product's code; None where it has no shape."""
    found: list[Field] = []
    at, end = 0, len(raw)
    while at < end:
        tag = shift = 0
        while True:
            if at >= end or shift > 63:
                return None
            byte = raw[at]
            at += 1
            tag |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        number, kind, start = tag >> 3, tag & 7, at
        if kind == 0:
            while at < end and raw[at] >= 0x80:
                at += 1
            at += 1
        elif kind == 2:
            size = shift = 0
            while True:
                if at >= end or shift > 63:
                    return None
                byte = raw[at]
                at += 1
                size |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            start, at = at, at + size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            return None
        if at > end:
            return None
        found.append((number, kind, raw[start:at]))
    return found


@lru_cache(maxsize=2_000)  # the examples are taken apart again and again
def _shape(raw: bytes) -> tuple[Field, ...]:
    return tuple(fields(raw) or ())


def joined(found: Sequence[Field]) -> bytes:
    """The bytes of fields."""
    out = bytearray()
    for number, kind, value in found:
        out += varint(number << 3 | kind)
        if kind == 2:
            out += varint(len(value))
        out += value
    return bytes(out)


def raw_bytes(chance: Random, raw: bytes, pool: Sequence[bytes]) -> bytes:
    """Bits, cuts, insertions, doublings, splices: the form is not known."""
    found = bytearray(raw)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        size = len(found)
        at, how = chance.randrange(size + 1), chance.randrange(10)
        if how <= 2 and at < size:
            found[at] ^= 1 << chance.randrange(8)
        elif how == 3 and at < size:
            found[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif how == 4:
            del found[at:]
        elif how == 5:
            del found[at : at + chance.choice((1, 2, 8, 40))]
        elif how == 6:
            found[at:at] = chance.randbytes(chance.choice((1, 2, 4, 16)))
        elif how == 7:
            found[at:at] = found[at : at + chance.choice((1, 4, 33, 200))]
        elif how == 8:
            other = chance.choice(pool)
            cut = chance.randrange(len(other) + 1)
            found[at:] = other[cut:]
        else:
            found[at : at + chance.choice((0, 1))] = varint(chance.choice(NUMBERS))
    return bytes(found)


def proto(chance: Random, raw: bytes, pool: Sequence[bytes]) -> bytes:
    """A protobuf message: fields doubled, dropped, moved, changed inside, given to others, unknown, nested deep."""
    if chance.random() < 0.2:
        return raw_bytes(chance, raw, pool)
    shape = _shape(raw)
    if not shape:
        return raw_bytes(chance, raw, pool)
    found = list(shape)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if not found:
            break
        _change(chance, found, pool)
    return joined(found)


def _change(chance: Random, found: list[Field], pool: Sequence[bytes]) -> None:
    place = chance.randrange(len(found))
    number, kind, value = found[place]
    how = chance.randrange(16)
    if how <= 5:
        found[place] = (number, kind, _value(chance, kind, value, pool))
    elif how == 6:
        found.insert(chance.randrange(len(found) + 1), found[place])
    elif how == 7:
        found.insert(place, (number, kind, _value(chance, kind, value, pool)))
    elif how == 8:
        del found[place]
    elif how == 9:
        found.append(found.pop(place))
    elif how == 10:
        others = _shape(chance.choice(pool)) or found
        found.insert(place, chance.choice(others))
    elif how == 11:
        found.insert(place, (chance.choice((30, 99, 2**20, 2**29 - 1)), 2, chance.choice(TEXTS)))
    elif how == 12:
        found[place] = (chance.randrange(1, 24), kind, value)
    elif how == 13:
        found[place] = (number, chance.choice((0, 1, 2, 5)), chance.choice((value, varint(chance.choice(NUMBERS)))))
    elif how == 14:
        found[place:place] = [found[place]] * (chance.choice((2, 65, 300)) if len(value) < LONG else 1)
    else:
        found[place] = (number, 2, nested(number, chance.choice((3, DEEP))))


def nested(number: int, depth: int) -> bytes:
    """A message in a message in a message …"""
    value = b""
    for _ in range(depth):
        value = varint(number << 3 | 2) + varint(len(value)) + value
    return value


def _value(chance: Random, kind: int, value: bytes, pool: Sequence[bytes]) -> bytes:
    if kind == 0:
        if chance.random() < 0.1:
            return b"\xff" * chance.choice((8, 9, 10, 11)) + b"\x01"
        return varint(chance.choice(NUMBERS))
    if kind != 2:
        return chance.randbytes(len(value))
    how = chance.randrange(8)
    if how <= 2 and value:
        return proto(chance, value, pool) if _shape(value) else raw_bytes(chance, value, pool)
    if how == 3:
        return chance.choice(TEXTS)
    if how == 4:
        return value[: chance.randrange(len(value) + 1)]
    if how == 5:
        return value + chance.choice((b"\0", b"x", value, value * 40 if len(value) < LONG else b"\0"))
    if how == 6:
        return chance.randbytes(len(value))
    return b"" if how == 7 and chance.random() < 0.5 else chance.choice(pool)[:2_000]


# -- JSON -------------------------------------------------------------------------------------------------------------

_LEAVES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 1.5, float("inf"), "", "x", "\0", "\ud800", "2026-02-30", "字",
    "a" * 300, [], {}, [[]], {"id": 1}, [1, "a"],
)  # fmt: skip


def json_text(chance: Random, raw: bytes, pool: Sequence[bytes]) -> bytes:
    """A JSON document: any node replaced, dropped, doubled or stolen; written again, mostly in canonical form."""
    if chance.random() < 0.25:
        return raw_bytes(chance, raw, pool)
    if chance.random() < 0.02:
        return chance.choice((b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5_000, b"[" * 900 + b"]" * 900))
    try:
        tree = json.loads(raw)
        for _ in range(chance.choice((1, 1, 2, 4))):
            tree = _grown(chance, tree, chance.choice(pool))
        written = chance.randrange(4)
        ascii_only = written == 0
        separators = (",", ":") if written < 3 else None
        text = json.dumps(tree, sort_keys=True, ensure_ascii=ascii_only, separators=separators)
        return text.encode("utf-8", "surrogatepass")
    except (ValueError, TypeError):
        return raw_bytes(chance, raw, pool)


def _grown(chance: Random, tree: Any, other: bytes) -> Any:
    """The tree with one place changed."""
    if isinstance(tree, dict) and tree and chance.random() < 0.8:
        key = chance.choice(sorted(tree))
        how = chance.randrange(8)
        if how == 0:
            del tree[key]
        elif how == 1:
            tree[chance.choice(("x", "", "\0", key + "s"))] = tree[key]
        else:
            tree[key] = _grown(chance, tree[key], other)
        return tree
    if isinstance(tree, list) and tree and chance.random() < 0.8:
        place, how = chance.randrange(len(tree)), chance.randrange(8)
        if how == 0:
            del tree[place]
        elif how == 1:
            tree += tree[place : place + 1] * chance.choice((1, 2, 400))
        else:
            tree[place] = _grown(chance, tree[place], other)
        return tree
    if isinstance(tree, str) and chance.random() < 0.4:
        return tree[: chance.randrange(len(tree) + 1)] + chance.choice(("", "x", "\0", "\u202e", "字", tree))
    if type(tree) is int and chance.random() < 0.5:
        return chance.choice((tree + 1, tree - 1, -tree, *NUMBERS))
    return copy.deepcopy(chance.choice(_LEAVES))  # what grows further must not grow there


def text(chance: Random, raw: bytes, pool: Sequence[bytes]) -> bytes:
    """A text in lines (TOML, CSV): lines moved, doubled, dropped, changed."""
    if chance.random() < 0.3:
        return raw_bytes(chance, raw, pool)
    lines = raw.split(b"\n")
    for _ in range(chance.choice((1, 1, 2, 5))):
        place, how = chance.randrange(len(lines)), chance.randrange(6)
        if how == 0:
            lines.insert(chance.randrange(len(lines) + 1), lines[place])
        elif how == 1 and len(lines) > 1:
            del lines[place]
        elif how == 2:
            lines[place] = raw_bytes(chance, lines[place], pool)
        elif how == 3:
            lines.insert(place, chance.choice(chance.choice(pool).split(b"\n")))
        else:
            key, sign, _ = lines[place].partition(b"=")
            new = chance.choice((b"-1", b"99999999999999999999", b'""', b"[]", b"{}", b"1.5", b"true", b"nan",
                                 b'"2026-02-30"', b"1979-05-27T07:32:00Z", b"[" * 2_000, b"{a=" * 500))  # fmt: skip
            lines[place] = key + sign + new
    return b"\n".join(lines)


def words(chance: Random, raw: bytes, pool: Sequence[bytes]) -> bytes:
    """What people write into cells: pieces of several, and sometimes one of them again and again."""
    pieces = [chance.choice((raw, chance.choice(pool))).decode() for _ in range(chance.choice((1, 1, 2, 3)))]
    found = ""
    for piece in pieces:
        start = chance.randrange(len(piece) + 1)
        taken = piece[start : start + chance.choice((1, 2, 4, 99))]
        found += taken * (chance.choice((50, 1_000)) if chance.random() < 0.03 else 1)
        found += chance.choice(("", "", " ", "、", "（", "）", "月", "1", "年", "单位", "：", "\n", "\0", "等"))
    return found.encode()


# -- packed files -----------------------------------------------------------------------------------------------------


def xlsx(chance: Random, raw: bytes, pool: Sequence[bytes]) -> bytes:
    """An xlsx file: its container or what is in one of its parts."""
    if chance.random() < 0.4:
        return raw_bytes(chance, raw, pool)
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        changed, how = chance.choice(names), chance.randrange(6)
        for name in names:
            content = old.read(name)
            if name == changed:
                if how == 0:
                    continue
                content = _xml(chance, content) if how > 1 else raw_bytes(chance, content, [content])
            new.writestr(name, content)
    return target.getvalue()


def _xml(chance: Random, raw: bytes) -> bytes:
    """Something said in one tag or attribute said otherwise."""
    found = raw.decode("utf-8", "replace")
    for _ in range(chance.choice((1, 2, 6))):
        at = chance.randrange(len(found) + 1)
        start = found.find(chance.choice(('"', "<", ">", "r=", "t=", "s=")), at)
        if start < 0:
            continue
        piece = chance.choice((
            '"', "<", "</", "A1048577", 'r="XFD1"', 'r="A0"', 't="s"', 't="d"', 't="e"', 't="b"', "99999999999", "-1",
            "1e308", "nan", "<v>", "</c>", "<mergeCell ref='A1:XFD1048576'/>", "&amp;", "&x;", "<!DOCTYPE x>", "字",
        ))  # fmt: skip
        found = found[:start] + piece + found[start + chance.choice((0, 1, 5)) :]
    return found.encode()


Style = Callable[[Random, bytes, Sequence[bytes]], bytes]
