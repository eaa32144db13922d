"""The invitation token: one line that a parent's operator gives to a child's.

Rules of this file: a token is `dulian1.` (of `recover`: `dulian-recover1.`) and base64url over protobuf bytes with 4
bytes of check sum behind them, so a mistyped or cut token is told from a wrong one; `decode_token` accepts or raises
InputError, nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import NamedTuple

from google.protobuf.message import DecodeError

from node.clock import iso
from node.errors import InputError
from node.records import limits
from node.wire.credentials import CERTIFICATE_BYTES_MAX
from node.wire.v1 import office_pb2

TOKEN_CHARS_MAX = 16_384
_PREFIX, _RECOVER_PREFIX = "dulian1.", "dulian-recover1."
_VERSION = 1
_CHECK_BYTES = 4
_CHECK_PREFIX = b"dulian-token-1\0"
_SECRET_BYTES = 32
_ADDRESS_CHARS_MAX = 262  # a host name of 253, a colon, a port, brackets
_YEAR_9999_MS = 253_402_300_799_000


class Invitation(NamedTuple):
    """What a token says. ``parent_path`` is root … parent, ``federation`` the root key's fingerprint."""

    code: str
    name: str
    parent_path: tuple[str, ...]
    address: str
    federation: bytes
    link_ca: bytes
    secret: bytes
    expires_ms: int
    recover: bool = False  # for an office that is a child already


def encode_token(invitation: Invitation) -> str:
    """The token, one line."""
    fields = invitation._asdict()
    prefix = _RECOVER_PREFIX if fields.pop("recover") else _PREFIX
    raw = office_pb2.Invitation(version=_VERSION, **fields).SerializeToString(deterministic=True)
    return prefix + base64.urlsafe_b64encode(raw + _check(raw)).decode().rstrip("=")


def decode_token(token: str, now_ms: int) -> Invitation:
    """Read a token as typed or pasted (white space is ignored); InputError when mistyped, foreign or expired."""
    text = "".join(token.split())
    recover = text.startswith(_RECOVER_PREFIX)
    prefix = _RECOVER_PREFIX if recover else _PREFIX
    if not text.startswith(prefix) or len(text) > TOKEN_CHARS_MAX:
        raise _refuse(text, "不是本系统的邀请令牌", f"复制上级 dulian invite 输出的整行（以 {_PREFIX} 开头）")
    body = text.removeprefix(prefix)
    try:
        raw = base64.b64decode(body.encode("ascii") + b"=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise _mistyped(text) from error
    raw, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    if not raw or check != _check(raw):
        raise _mistyped(text)
    try:
        message = office_pb2.Invitation.FromString(raw)
    except DecodeError as error:
        raise _mistyped(text) from error
    if message.version != _VERSION:
        raise _refuse(text, "邀请令牌版本与本程序不符", "两端安装同一版本后重新邀请")
    invitation = Invitation(
        message.code, message.name, tuple(message.parent_path), message.address, message.federation, message.link_ca,
        message.secret, message.expires_ms, recover,
    )  # fmt: skip
    if not _is_sound(invitation):
        raise _refuse(text, "邀请令牌内容不完整", "请上级重新执行 dulian invite")
    if now_ms >= invitation.expires_ms:
        remedy = "请上级重新执行 dulian invite；如本机时钟不准，先校准时钟"
        raise _refuse(text, f"邀请令牌已于 {iso(invitation.expires_ms)} 过期", remedy)
    return invitation


def check_purpose(invitation: Invitation, *, recover: bool) -> None:
    """A token of `invite --recover` is for `recover`, any other for `join`; InputError naming the right command."""
    if invitation.recover is not recover:
        text = "这是重建令牌，不能用于首次入网" if invitation.recover else "这是首次入网的邀请令牌，不能用于重建"
        remedy = "执行 dulian recover 令牌" if invitation.recover else "首次入网执行 dulian join 令牌"
        raise InputError(text, code="bad_token", field="TOKEN", remedy=remedy)


def _is_sound(i: Invitation) -> bool:
    return (
        0 < len(i.code) <= limits.CODE_CHARS_MAX
        and len(i.name) <= limits.NAME_CHARS_MAX
        and 0 < len(i.parent_path) < limits.PATH_CODES_MAX
        and all(0 < len(code) <= limits.CODE_CHARS_MAX for code in i.parent_path)
        and 0 < len(i.address) <= _ADDRESS_CHARS_MAX
        and len(i.federation) == limits.HASH_BYTES
        and 0 < len(i.link_ca) <= CERTIFICATE_BYTES_MAX
        and len(i.secret) == _SECRET_BYTES
        and i.expires_ms <= _YEAR_9999_MS
    )


def _check(raw: bytes) -> bytes:
    return hashlib.sha256(_CHECK_PREFIX + raw).digest()[:_CHECK_BYTES]


def _refuse(text: str, why: str, remedy: str) -> InputError:
    # A token carries a secret: only its beginning is ever shown.
    return InputError(why, code="bad_token", field="TOKEN", value=text[:16] + "…", remedy=remedy)


def _mistyped(text: str) -> InputError:
    return _refuse(text, "邀请令牌不完整或有误", "重新复制上级输出的整行，不要断行或漏字")
