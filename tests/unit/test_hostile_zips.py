"""Whatever ``zipfile`` raises for a foreign archive, each reader says it in Chinese (W9, R29).

Every case is first shown to provoke the error of Python's own that it is named after.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import lzma
import random
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable

import pytest

from node.documents.ledger import LedgerRow, read_ledger, write_ledger
from node.documents.package import ZIP_ERRORS
from node.documents.preview_sheet import read_book
from node.documents.preview_text import read_text
from node.errors import InputError
from node.web.uploads import Upload
from tests.unit.test_documents_preview import docx, para

DOCX, XLSX = docx(para("甲" * 400)), write_ledger([LedgerRow(row=2, number="1", title="甲")])
WANTED = ("word/document.xml", "xl/worksheets/sheet1.xml")  # every reader unpacks one of them
READERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "read_text": (DOCX, read_text), "read_book": (XLSX, read_book), "read_ledger": (XLSX, read_ledger),
}  # fmt: skip


def listed(data: bytes, change: Callable[[zipfile.ZipInfo], object], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The same parts; what the list at the end says of the wanted one is changed, its bytes are not."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        change(next(part for part in new.infolist() if part.filename in WANTED))
    return target.getvalue()


def stated(name: str, value: int, method: int = zipfile.ZIP_DEFLATED) -> Callable[[bytes], bytes]:
    return lambda data: listed(data, lambda part: setattr(part, name, value), method)


def spoilt(method: int) -> Callable[[bytes], bytes]:
    """The packed bytes of the wanted part begin with nonsense."""

    def made(data: bytes) -> bytes:
        found: list[zipfile.ZipInfo] = []
        raw = bytearray(listed(data, found.append, method))
        at = found[0].header_offset + 30 + len(found[0].filename)
        head = 9 if method == zipfile.ZIP_LZMA else 0  # its own header stays
        size = min(64, found[0].compress_size - head)
        raw[at + head : at + head + size] = b"\xff" * size
        return bytes(raw)

    return made


def longer(data: bytes) -> bytes:
    def change(part: zipfile.ZipInfo) -> None:
        part.file_size += 1_000_000
        part.compress_size += 1_000_000

    return listed(data, change, zipfile.ZIP_STORED)


def before_the_beginning(data: bytes) -> bytes:
    at = data.rindex(b"PK\5\6") + 16  # where the list of parts begins
    return data[:at] + struct.pack("<L", struct.unpack_from("<L", data, at)[0] + 1_000_000) + data[at + 4 :]


def not_utf8(*where: bytes) -> Callable[[bytes], bytes]:
    """The wanted part's name in its own header, in the list, or both, is said to be UTF-8 and is not."""

    def made(data: bytes) -> bytes:
        raw = bytearray(data)
        for magic, flags, name_at in ((b"PK\3\4", 6, 30), (b"PK\1\2", 8, 46)):
            at = next(at for name in WANTED if (at := raw.find(name.encode()) if magic == b"PK\3\4"
                                                else raw.rfind(name.encode())) > 0)  # fmt: skip
            assert raw[at - name_at : at - name_at + 4] == magic
            if magic in where:
                raw[at - name_at + flags + 1] |= 8
                raw[at] = 0xFF
        return bytes(raw)

    return made


CASES: dict[str, tuple[type[Exception], Callable[[bytes], bytes]]] = {
    "cut short": (zipfile.BadZipFile, lambda data: data[: len(data) // 2]),
    "end lost": (zipfile.BadZipFile, lambda data: data[:-30]),
    "list spoilt": (zipfile.BadZipFile, lambda data: data.replace(b"PK\1\2", b"PK\1\1")),
    "header spoilt": (zipfile.BadZipFile, lambda data: data[:2] + data[2:].replace(b"PK\3\4", b"PK\3\3")),
    "checksum": (zipfile.BadZipFile, stated("CRC", 1)),
    "elsewhere": (zipfile.BadZipFile, stated("header_offset", 1)),
    "deflate": (zlib.error, spoilt(zipfile.ZIP_DEFLATED)),
    "lzma": (lzma.LZMAError, spoilt(zipfile.ZIP_LZMA)),
    "bzip2": (OSError, spoilt(zipfile.ZIP_BZIP2)),
    "too long": (EOFError, longer),
    "method nobody knows": (NotImplementedError, stated("compress_type", 99)),
    "deflate64": (NotImplementedError, stated("compress_type", 9)),
    "later version": (NotImplementedError, stated("extract_version", 99)),
    "patched": (NotImplementedError, stated("flag_bits", 0x20)),
    "strongly encrypted": (NotImplementedError, stated("flag_bits", 0x40)),
    "encrypted": (RuntimeError, stated("flag_bits", 1)),
    "before the beginning": (ValueError, before_the_beginning),
    "name in the list": (UnicodeDecodeError, not_utf8(b"PK\1\2")),
    "name in the header": (UnicodeDecodeError, not_utf8(b"PK\3\4")),
    "beyond all bounds": (OverflowError, stated("header_offset", 2**63)),
}  # fmt: skip


def unpack(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for part in archive.infolist():
            with archive.open(part) as stream:
                while stream.read(65_536):
                    pass


def upload(name: str, data: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        asyncio.run(Upload(name, file, len(data)).check())


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("case", CASES)
def test_a_damaged_archive_is_refused_in_chinese(case: str, reader: str) -> None:
    raised, make = CASES[case]
    good, read = READERS[reader]
    read(good)
    data = make(good)
    with pytest.raises(raised):
        unpack(data)
    with pytest.raises(InputError) as caught:
        read(data)
    assert any(word in caught.value.text for word in ("损坏", "密码", "压缩方式")), caught.value.text
    assert caught.value.text.replace("docx", "").replace("xlsx", "").isascii() is False
    assert caught.value.remedy
    assert type(caught.value.__cause__ or caught.value) in {InputError, raised}


@pytest.mark.parametrize("case", CASES)
def test_an_upload_is_refused_where_its_list_of_parts_cannot_be_read(case: str) -> None:
    """What is kept is not unpacked: damage within a part is met by whoever looks at it."""
    data = CASES[case][1](DOCX)
    try:
        zipfile.ZipFile(io.BytesIO(data)).close()
    except ZIP_ERRORS:
        with pytest.raises(InputError, match="已损坏"):
            upload("通知.docx", data)
    else:
        upload("通知.docx", data)


def test_no_error_but_the_listed_ones() -> None:
    """Fields of the headers set to what they should not be: zipfile raises what `ZIP_ERRORS` says, a reader ours."""
    chance = random.Random(7)
    odd = (b"\xff" * 8, bytes(8), b"\xff" * 7 + b"\x7f", b"\xff\xff", b"\0\0", b"\x20", b"\x40", b"\x08", b"\x0c\0")
    seeds = (DOCX, listed(DOCX, lambda part: setattr(part, "header_offset", 2**33)))
    met = set()
    for _ in range(3_000):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 2))):
            place = chance.randrange(len(data) - 600 if chance.random() < 0.8 else 0, len(data))
            piece = chance.choice(odd)
            data[place : place + len(piece)] = piece
        try:
            unpack(bytes(data))
        except ZIP_ERRORS as error:
            met.add(type(error))
        with contextlib.suppress(InputError):  # damage that this reader never comes to does no harm
            read_text(bytes(data))
    assert len(met) >= 5
