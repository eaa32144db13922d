"""Rules profiles from files: those shipped with the program, and the file an office wrote itself.

A file may name a shipped profile as its ``parent``, or one the caller knows (a superior's published profile); what is
returned is complete. Errors name the key; a file that is no text is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import resources

from node.errors import InputError
from node.rules import checking
from node.rules.profile import TEXT_BYTES_MAX, Profile, inherit

SHIPPED = ("base-004", "jiangsu-000", "xianyang-001", "liupanshui-002", "county-003")
DEFAULT = "base-004"

_FIELD = "规则档案"
_SAVE_AGAIN = "用文本编辑器以UTF-8编码另存"


def shipped_text(profile_id: str) -> str:
    """The TOML text of a shipped profile, to be read or copied by an office.

    Raises:
        InputError: no profile of that name is shipped.
    """
    if profile_id not in SHIPPED:
        raise InputError("没有随附这一档案", field=_FIELD, value=profile_id, remedy=f"可用：{'、'.join(SHIPPED)}")
    return resources.files("node.rules").joinpath("profiles", f"{profile_id}.toml").read_text(encoding="utf-8")


def load_shipped(profile_id: str = DEFAULT) -> Profile:
    """A shipped profile, complete (some ten milliseconds; no cache)."""
    return _completed(Profile.parse(shipped_text(profile_id)), {})


def shipped_titles() -> Mapping[str, str]:
    """What the shipped profiles are called, by id (some ten milliseconds each)."""
    return {name: Profile.parse(shipped_text(name)).title for name in SHIPPED}


def read_profile(data: bytes, known: Mapping[str, Profile] | None = None) -> Profile:
    """The profile in an office's file, complete.

    Args:
        data: the file's bytes.
        known: complete profiles by id which may be parents besides the shipped ones, and go before them.

    Raises:
        InputError: the first thing wrong with it.
    """
    return _completed(Profile.parse(_text(data)), known or {})


def check_profile(data: bytes, known: Mapping[str, Profile] | None = None) -> tuple[InputError, ...]:
    """Everything wrong with an office's file; empty if nothing is."""
    try:
        text = _text(data)
        problems = checking.problems(
            text, lambda name: _parent(name, known or {}), lambda name: _likely(name, known or {})
        )
        if problems:
            return problems
        _completed(Profile.parse(text), known or {})
    except InputError as error:
        return (error,)
    return ()


def _completed(profile: Profile, known: Mapping[str, Profile]) -> Profile:
    if profile.parent is None:
        return profile
    if profile.parent == profile.id and profile.parent not in known:
        raise _no_parent(profile.parent)
    return inherit(profile, _parent(profile.parent, known))


def _parent(name: str, known: Mapping[str, Profile]) -> Profile:
    if name in known:
        return known[name]
    if name not in SHIPPED:
        raise _no_parent(name)
    return load_shipped(name)


def _likely(name: str, known: Mapping[str, Profile]) -> Profile:
    """The profile a name that is none may have meant: the nearest, else the one everything builds on."""
    near = get_close_matches(name, [*known, *SHIPPED], 1)
    return _parent(near[0] if near else DEFAULT, known)


def _no_parent(name: str) -> InputError:
    remedy = f"写已有档案的名称，随附的有：{'、'.join(SHIPPED)}"
    return InputError("没有这一上级档案", code="profile", field="parent", value=name, remedy=remedy)


def _text(data: bytes) -> str:
    if len(data) > TEXT_BYTES_MAX:
        raise InputError(f"文件超过{TEXT_BYTES_MAX}字节", field=_FIELD, value=len(data), remedy="删去用不到的条目")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("不是UTF-8编码的文本文件", field=_FIELD, remedy=_SAVE_AGAIN) from error
