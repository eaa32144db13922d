"""The zip container of an xlsx or docx file that may be hostile: bounded before anything in it is read.

The file, the number of its parts and their unpacked sizes are within bounds afterwards, and its parts are packed as the
format has it. (``zipfile`` never reads more of a part than the size declared for it.) Whatever is wrong is an
`InputError` in Chinese; what ``zipfile`` itself may raise is `ZIP_ERRORS`.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Literal

from node.errors import InputError

FILE_BYTES_MAX = 20 * 1024 * 1024
UNPACKED_BYTES_MAX = 200 * 1024 * 1024
XML_PART_BYTES_MAX = 64 * 1024 * 1024  # the parser builds objects from XML; images may be larger
PARTS_MAX = 5_000

ZIP_ERRORS: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,  # no zip, cut short, entries that contradict each other, a checksum that does not hold
    zlib.error,  # a packed stream that is none
    EOFError,  # a part is said to be longer than the file
    NotImplementedError,  # a later version of the format, a way of packing or encrypting that zipfile does not know
    RuntimeError,  # a part with a password (and a way of packing that this Python was built without)
    ValueError,  # a place before the beginning of the file, a name that is not UTF-8
    OverflowError,  # a place beyond 2 to the 63rd
    OSError,  # a place before the beginning where the file is on the disk; a stream of bzip2 that is none
)
"""All that ``zipfile`` raises for a foreign archive, when it is opened and while its parts are read.

Who unpacks LZMA meets one more (``LZMAError``), and a decoder that takes 4 GiB: `check_package` refuses such parts.
"""

Kind = Literal["xlsx", "docx"]
_FIELD = "文件"
_OLD: dict[Kind, str] = {"xlsx": "xls", "docx": "doc"}
_ZIP_MAGIC = b"PK\x03\x04"
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # all that ISO/IEC 29500-2 allows
_ENTRY_MAGIC = b"PK\x01\x02"  # begins every entry of the list of parts
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")


def check_package(data: bytes, kind: Kind, again: str) -> None:
    """Raise InputError unless ``data`` is a container within bounds; ``again`` says how to save the file anew."""
    if not data:
        raise InputError("文件是空的", field=_FIELD, remedy="检查文件是否复制完整")
    if len(data) > FILE_BYTES_MAX:
        text = f"文件有{len(data)}字节，超过上限{FILE_BYTES_MAX}字节（20 MiB）"
        raise InputError(text, field=_FIELD, remedy="删去图片等无关内容，或拆成几个文件")
    if data.startswith(_OLE_MAGIC):
        if _ENCRYPTED_PACKAGE in data:
            raise InputError("文件设有打开密码", field=_FIELD, remedy="在Excel或WPS中取消密码后另存再导入")
        raise InputError(f"这是旧式{_OLD[kind]}文件，不是{kind}", field=_FIELD, remedy=again)
    if not data.startswith(_ZIP_MAGIC):
        raise InputError(f"不是{kind}文件", field=_FIELD, remedy=again)
    if data.count(_ENTRY_MAGIC) > 2 * PARTS_MAX:  # before zipfile makes an object of each
        raise _too_large()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except ZIP_ERRORS as error:
        raise InputError("文件已损坏或不完整", field=_FIELD, remedy=f"重新取得文件，或{again}") from error
    unpacked = sum(part.file_size for part in parts)
    if unpacked > UNPACKED_BYTES_MAX:
        text = f"文件解压后有{unpacked}字节，超过上限{UNPACKED_BYTES_MAX}字节（200 MiB）"
        raise InputError(text, field=_FIELD, remedy="核对文件来源；确属台账的，只留数据另存")
    if len(parts) > PARTS_MAX or any(p.file_size > XML_PART_BYTES_MAX for p in parts if not is_media(p.filename)):
        raise _too_large()
    if any(part.flag_bits & 1 for part in parts):
        raise InputError("文件设有密码", field=_FIELD, remedy="取消密码后另存再导入")
    if any(part.compress_type not in _PACKED for part in parts):
        raise InputError(f"压缩方式不是{kind}文件所用的", field=_FIELD, remedy=again)
    if "[Content_Types].xml" not in {part.filename for part in parts}:
        raise InputError(f"是压缩文件，但不是{kind}文件", field=_FIELD, remedy=again)


def is_media(name: str) -> bool:
    """Whether a part is a picture or the like, which nothing here reads."""
    return name.startswith(("xl/media/", "word/media/"))


def _too_large() -> InputError:
    return InputError("文件内部结构过大", field=_FIELD, remedy="核对文件来源；确属台账的，只把数据复制到新文件")
