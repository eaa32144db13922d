"""Forms: which fields a page takes, what was typed, what is wrong with it. Unknown fields are refused (W15).

A form's field has a name, which is also the name of the service's argument unless ``arg`` says another. Values are
strings, lists of strings (``choices``, ``lines``) or booleans (``check``): services judge them, here only what a
browser would judge, too.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

from node.errors import DulianError, InputError
from node.records.limits import NAME_CHARS_MAX, TEXT_CHARS_MAX
from node.web.uploads import Upload
from node.web.wording import OPTIONS, text_of

Kind = Literal[
    "line", "text", "date", "number", "choice", "choices", "lines", "check", "password", "hidden", "files"
]  # fmt: skip
CSRF, ONCE, SEEN, ITEM = "csrf", "once", "seen", "seen_item"
OWN = frozenset({CSRF, ONCE, SEEN, ITEM})  # what every form carries besides its fields
_NOT_KEPT = frozenset({"password", "files"})
_NOT_DRAFTED = _NOT_KEPT | {"hidden"}


class Field(NamedTuple):
    """One field. ``choices`` are (value, label); ``help`` stands below it; ``arg`` is the service's name for it."""

    name: str
    label: str
    kind: Kind = "line"
    required: bool = False
    choices: Sequence[tuple[str, str]] = ()
    help: str = ""
    chars_max: int = 0
    arg: str = ""

    @property
    def limit(self) -> int:
        """Characters at most."""
        return self.chars_max or (TEXT_CHARS_MAX if self.kind in ("text", "lines") else NAME_CHARS_MAX)


@dataclass(slots=True)
class Form:
    """A form as it is shown or as it came in. Templates take it through ``macros/forms.html``."""

    spec: tuple[Field, ...]
    csrf: str = ""
    values: dict[str, object] = field(default_factory=dict)
    files: dict[str, list[Upload]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    error: str = ""  # what concerns no field
    once: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    sent: str = ""  # digest of what was typed, chosen and uploaded: the same form sent twice has the same
    seen: str = ""  # digest of the item the person looked at
    seen_item: str = ""  # its id
    draft: str = ""  # place of the draft
    drafted: bool = False  # values come from a draft

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong so far."""
        return not self.errors and not self.error

    def field(self, name: str) -> Field:
        """A field by its name."""
        return next(one for one in self.spec if one.name == name)

    def args(self) -> dict[str, object]:
        """What was filled in, under the service's names; what is empty is left out."""
        return {
            one.arg or one.name: value
            for one in self.spec
            if one.kind not in _NOT_KEPT and (value := self.values.get(one.name)) not in ("", None, [], False)
        }

    def uploads(self) -> list[Upload]:
        """All files."""
        return [file for group in self.files.values() for file in group]

    def kept(self) -> list[tuple[Field, str]]:
        """(field, text) of what was typed, for pages that ask again; passwords and files are not."""
        return [
            (one, text)
            for one in self.spec if one.kind not in _NOT_KEPT
            for text in _kept_texts(one, self.values.get(one.name)) if text
        ]  # fmt: skip

    def restore(self, draft: Mapping[str, str | list[str]]) -> None:
        """Put back what a draft kept: texts, ticks and choices; what is not offered any more is left out."""
        for one in self.spec:
            said = draft.get(one.name)
            if said is None or one.kind in _NOT_DRAFTED or (found := _drafted(one, said)) is None:
                continue
            if found != (self.values.get(one.name) or type(found)()):
                self.values[one.name], self.drafted = found, True

    @property
    def has_files(self) -> bool:
        """Whether it takes files, which a draft cannot keep."""
        return any(one.kind == "files" for one in self.spec)

    def renew(self) -> None:
        """A fresh once-key: sent again it is another form."""
        self.once = secrets.token_urlsafe(16)

    def refuse(self, error: DulianError) -> None:
        """Put a service's refusal to the field it names, else above the form."""
        named = error.field.lstrip("-").replace("-", "_").lower()
        labels = {(one.arg or one.name).split(".")[0].replace("_", "-"): one.label for one in reversed(self.spec)
                  if "." not in one.name and one.kind != "hidden"}  # fmt: skip
        text = text_of(error, {**OPTIONS, **labels})
        for one in self.spec:
            if one.kind == "hidden":
                continue  # nobody would see it there
            if named and named in (one.name.lower(), (one.arg or one.name).lower(), one.label):
                self.errors[one.name] = text
                return
        self.error = text


def _drafted(one: Field, said: str | list[str]) -> object:
    """What a draft said of a field, as its value; None for nothing. Ticks are lists, also where none is left."""
    allowed = {value for value, _ in one.choices}
    listed = said if isinstance(said, list) else [said] if said else []
    if one.kind == "check":
        return bool(listed)
    if one.choices:
        listed = [text for text in listed if text in allowed]
    if one.kind == "choices":
        return listed if isinstance(said, list) else None
    if not listed:
        return None
    return listed[0].split("\n") if one.kind == "lines" else listed[0]


def _kept_texts(one: Field, value: object) -> list[str]:
    texts = _texts(value)
    return ["\n".join(texts)] if one.kind == "lines" else texts


def _texts(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        return [str(part) for part in value]
    return ["1"] if value is True else [str(value)] if value not in (None, False) else []


def read(spec: Sequence[Field], given: Sequence[tuple[str, str | Upload]], csrf: str) -> Form:
    """What came in, against the declared fields.

    Raises:
        InputError: a field that was not declared (code unknown_field), or a single one twice.
    """
    form = Form(tuple(spec), csrf)
    known = {one.name: one for one in form.spec}
    texts: dict[str, list[str]] = {}
    for name, value in given:
        if isinstance(value, Upload):
            if name not in known or known[name].kind != "files":
                raise _unknown(name)
            form.files.setdefault(name, []).append(value)
            continue
        if name not in OWN and (name not in known or known[name].kind == "files"):
            raise _unknown(name)
        texts.setdefault(name, []).append(value)
    single = {name for name in texts if name in OWN or known[name].kind != "choices"}
    if repeated := [name for name in single if len(texts[name]) > 1]:
        raise InputError("同一栏目填了多次", code="unknown_field", field=repeated[0], remedy="返回页面重新填写")
    form.once, form.seen = _own(texts, ONCE) or form.once, _own(texts, SEEN)
    form.seen_item = _own(texts, ITEM)
    form.sent = _digest(form, texts)
    for one in form.spec:
        _take(form, one, texts.get(one.name, []))
    return form


def _digest(form: Form, texts: Mapping[str, list[str]]) -> str:
    """Of what a browser sent; of a file its name and size stand for it."""
    said = [(one.name, text.replace("\r\n", "\n").strip()) for one in form.spec if one.kind != "password"
            for text in texts.get(one.name, ()) if text.strip()]  # fmt: skip
    files = [(file.name, str(file.size_bytes)) for file in form.uploads()]
    return hashlib.sha256(json.dumps([sorted(said), sorted(files)]).encode()).hexdigest()


def _own(texts: Mapping[str, list[str]], name: str) -> str:
    return texts.get(name, [""])[0][:128]


def _unknown(name: str) -> InputError:
    return InputError("提交了页面上没有的栏目", code="unknown_field", field=name, remedy="返回页面重新填写")


def _take(form: Form, one: Field, texts: list[str]) -> None:
    """One field's value, and what is wrong with it."""
    if one.kind == "files":
        if one.required and not form.files.get(one.name):
            form.errors[one.name] = "请选择文件。"
        return
    allowed = {value for value, _ in one.choices}
    if one.kind in ("choices", "lines"):
        raw = texts if one.kind == "choices" else "\n".join(texts).splitlines()
        values = [text.strip() for text in raw if text.strip()]
        form.values[one.name] = values
        wrong = [text for text in values if one.kind == "choices" and one.choices and text not in allowed]
        missing, chars = not values, max((len(text) for text in values), default=0)
    else:
        text = texts[0] if texts else ""
        text = text if one.kind == "password" else text.replace("\r\n", "\n").strip()
        form.values[one.name] = bool(text) if one.kind == "check" else text
        wrong = [text] if text and not _sound(one, text, allowed) else []
        missing, chars = not text, len(text)
    if missing and one.required:
        form.errors[one.name] = f"请填写{one.label}。" if not one.choices else f"请选择{one.label}。"
    elif wrong:
        form.errors[one.name] = _WRONG.get(one.kind, "不在可选范围内。")
    elif chars > one.limit:
        form.errors[one.name] = f"至多 {one.limit} 个字，现有 {chars} 个。"


_WRONG = {"date": "日期不存在，请写成 2026-12-31。", "number": "请填写数字。", "line": "不能换行。"}


def _sound(one: Field, text: str, allowed: set[str]) -> bool:
    if one.kind == "choice":
        return text in allowed or not one.choices
    if one.kind == "date":
        try:
            return bool(date.fromisoformat(text)) and len(text) == 10
        except ValueError:
            return False
    if one.kind == "number":
        return text.lstrip("-").replace(".", "", 1).isdecimal() and text.isascii()
    return one.kind != "line" or "\n" not in text
