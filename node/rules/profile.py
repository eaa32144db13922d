"""The rules profile 规则档案 of an office: time limits, chains, ladder, scores, ledgers — as one frozen value.

1. `Profile.parse` reads TOML as a person writes it; every error names the path of the key, the value and the remedy.
2. A profile with a ``parent`` is complete only after `inherit`; entries with the same id replace the parent's whole.
3. `Profile.encode` gives the canonical bytes of the complete profile, which is what an office signs and sends;
   `Profile.decode` reads them back and answers bad bytes with a `PeerError`.
4. Sizes are bounded. Nothing is read from anywhere: texts come in, values go out.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any, Protocol, Self, TypeVar

from pydantic import Field, PrivateAttr, StrictBool, StrictInt, ValidationError

from node.errors import InputError, PeerError
from node.records.limits import PAYLOAD_BYTES_MAX
from node.rules.calendar import day_number
from node.rules.cross import cross_problems, wrong
from node.rules.problems import problems_of
from node.rules.settings import Grain, Levels, Reminders, Reports, Scope
from node.rules.values import (
    Chain,
    Closing,
    Extension,
    Id,
    ItemClass,
    Label,
    Ledger,
    Lights,
    Measure,
    Part,
    PeriodSpec,
    Quota,
    Rung,
    ScoreRule,
    Source,
    TimeRule,
)

TEXT_BYTES_MAX = PAYLOAD_BYTES_MAX  # it travels as one record
ENTRIES_MAX = 300  # of one list; the longest shipped one has some thirty
VERSION_MAX = 1_000_000

# The lists whose entries replace each other by this key.
KEYS: dict[str, str] = {
    "sources": "id", "classes": "id", "visibility": "id", "rules": "id", "chains": "id", "extensions": "id",
    "scores": "id", "ledgers": "id", "measures": "id", "quotas": "id", "grains": "horizon",
}  # fmt: skip
_OWN = frozenset({"id", "version", "title", "valid_from", "legal_basis", "parent", "drop", "levels"})  # never inherited


class Profile(Part):
    """All rules of one office, in force from ``valid_from``. Use `parse`, `decode` or `inherit`."""

    id: Id
    version: Annotated[StrictInt, Field(ge=1, le=VERSION_MAX)]
    title: Label
    valid_from: date
    legal_basis: Annotated[tuple[Label, ...], Field(max_length=20)] = ()
    parent: Id | None = None
    drop: Annotated[tuple[str, ...], Field(max_length=ENTRIES_MAX)] = ()
    levels: Levels | None = None
    roles: Annotated[dict[Id, Label], Field(default_factory=dict, max_length=100)]
    responsibility: Annotated[tuple[Id, ...], Field(max_length=20)] = ()
    responsibility_required: StrictBool = False
    responsibility_at_issue: Annotated[tuple[Id, ...], Field(max_length=20)] = ()
    sources: Annotated[tuple[Source, ...], Field(max_length=ENTRIES_MAX)] = ()
    classes: Annotated[tuple[ItemClass, ...], Field(max_length=ENTRIES_MAX)] = ()
    visibility: Annotated[tuple[Scope, ...], Field(max_length=10)] = ()
    rules: Annotated[tuple[TimeRule, ...], Field(max_length=ENTRIES_MAX)] = ()
    chains: Annotated[tuple[Chain, ...], Field(max_length=ENTRIES_MAX)] = ()
    ladder: Annotated[tuple[Rung, ...], Field(max_length=5)] = ()
    lights: Lights | None = None
    extensions: Annotated[tuple[Extension, ...], Field(max_length=ENTRIES_MAX)] = ()
    closing: Closing | None = None
    scores: Annotated[tuple[ScoreRule, ...], Field(max_length=ENTRIES_MAX)] = ()
    ledgers: Annotated[tuple[Ledger, ...], Field(max_length=ENTRIES_MAX)] = ()
    measures: Annotated[tuple[Measure, ...], Field(max_length=ENTRIES_MAX)] = ()
    quotas: Annotated[tuple[Quota, ...], Field(max_length=ENTRIES_MAX)] = ()
    grains: Annotated[tuple[Grain, ...], Field(max_length=10)] = ()
    reports: Reports | None = None
    signing: PeriodSpec | None = None
    reminders: Reminders | None = None
    negative_keeper: Id | None = None
    negative_suppliers: Annotated[tuple[Id, ...], Field(max_length=20)] = ()

    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a TOML text.

        Raises:
            InputError: the first problem; `problems` lists all of them.
        """
        raw = read_toml(text)
        return cls._build(raw, checked=raw.get("parent") is None)

    @classmethod
    def problems(cls, text: str) -> tuple[InputError, ...]:
        """Everything wrong with a TOML text, empty if nothing is (for ``rules check``)."""
        try:
            raw = read_toml(text)
            return tuple(cls._cross(raw)) if raw.get("parent") is None else tuple(cls._shape(raw)[1])
        except InputError as error:
            return (error,)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the bytes of `encode`.

        Raises:
            PeerError: anything else, code ``malformed``.
        """
        if len(data) > TEXT_BYTES_MAX:
            raise PeerError("规则档案过大", code="malformed", evidence=data[:64], detail=f"{len(data)} bytes")
        try:
            raw = json.loads(data.decode())
            if not isinstance(raw, dict) or _canonical(raw) != data:
                raise ValueError("not canonical")
            if raw.get("parent") is not None:
                raise ValueError("incomplete")
            return cls._build(raw, checked=True)
        except (ValueError, RecursionError, InputError) as error:
            raise PeerError("规则档案读不懂", code="malformed", evidence=data, detail=str(error)) from error

    def encode(self) -> bytes:
        """The canonical bytes.

        Raises:
            InputError: the parent is still missing, or the profile is too large for a record.
        """
        if self.parent is not None:
            raise InputError("还没有合并上级档案", field="parent", value=self.parent, remedy="先合并再发布")
        data = _canonical(self._raw)
        if len(data) > TEXT_BYTES_MAX:
            raise _too_large(len(data))
        return data

    def renumbered(self, version: int) -> Self:
        """The same profile under another version; it must be complete."""
        return self._build({**self._raw, "version": version}, checked=True)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to inherit."""
        return self.parent is None

    @property
    def valid_from_day(self) -> int:
        """Days since 1970-01-01 of the first day in force."""
        return day_number(self.valid_from)

    def rule(self, rule_id: str, field: str = "rules") -> TimeRule:
        """The time rule of that id; `InputError` naming ``field`` if there is none."""
        return _named(self.rules, rule_id, field)

    def chain(self, chain_id: str) -> Chain:
        """The chain of that id; `InputError` if there is none."""
        return _named(self.chains, chain_id, "chains")

    def score(self, score_id: str) -> ScoreRule:
        """The score rule of that id; `InputError` if there is none."""
        return _named(self.scores, score_id, "scores")

    def ledger(self, ledger_id: str) -> Ledger:
        """The ledger of that id; `InputError` if there is none."""
        return _named(self.ledgers, ledger_id, "ledgers")

    def source_of(self, word: str) -> Source | None:
        """The source of that id or label; None for a word this profile does not know (items carry free text)."""
        return next((source for source in self.sources if word in {source.id, source.label}), None)

    def class_of(self, word: str) -> ItemClass | None:
        """The class of that id or label, if the profile knows it."""
        return next((entry for entry in self.classes if word in {entry.id, entry.label}), None)

    def rung(self, colour: str) -> Rung | None:
        """The rung of that colour, if the ladder has one."""
        return next((rung for rung in self.ladder if rung.colour == colour), None)

    def role_label(self, role: str) -> str:
        """What this office calls the role; its id where it has no name for it."""
        return self.roles.get(role, role)

    @classmethod
    def _build(cls, raw: dict[str, Any], *, checked: bool) -> Self:
        profile, problems = cls._shape(raw)
        if profile is None:
            raise problems[0]
        if checked:
            for problem in cross_problems(profile):
                raise problem
        return profile

    @classmethod
    def _shape(cls, raw: dict[str, Any]) -> tuple[Self | None, tuple[InputError, ...]]:
        try:
            profile = cls.model_validate(raw)
        except ValidationError as error:
            return None, problems_of(error, raw)
        twice = tuple(doubled(raw))
        profile._raw = raw  # noqa: SLF001 - its own
        return (None, twice) if twice else (profile, ())

    @classmethod
    def _cross(cls, raw: dict[str, Any]) -> Iterator[InputError]:
        profile, problems = cls._shape(raw)
        yield from problems if profile is None else cross_problems(profile)


def inherit(child: Profile, parent: Profile) -> Profile:
    """The child's rules over the parent's: entries with the same id, and single settings, are the child's.

    ``drop`` of the child takes entries of the parent away, as ``rules:finish``.

    Raises:
        InputError: not the parent the child names, or the whole does not fit together.
    """
    if child.parent != parent.id:
        raise InputError("不是所指明的上级档案", field="parent", value=child.parent or "", remedy=f"应为{parent.id}")
    if not parent.complete:
        raise InputError("上级档案自身还没有合并", field="parent", value=parent.id, remedy="先合并上级档案")
    return Profile._build(merged(child._raw, parent), checked=True)  # noqa: SLF001 - the same module


def merged(mine: Mapping[str, Any], parent: Profile, *, dropping: bool = True) -> dict[str, Any]:
    """The text of a child laid over its parent's; InputError for a wrong ``drop``, if ``dropping``."""
    above = parent._raw  # noqa: SLF001 - the same module
    whole: dict[str, Any] = {key: value for key, value in above.items() if key not in _OWN}
    gone = dropped(tuple(mine.get("drop", ())), parent) if dropping else {}
    for key, value in mine.items():
        if key in {"parent", "drop"}:
            continue
        if key in KEYS:
            whole[key] = _by_key(whole.get(key, []), value, KEYS[key])
        elif key == "roles":
            whole[key] = {**whole.get(key, {}), **value}
        else:
            whole[key] = value
    for key, names in gone.items():
        own = {entry[KEYS[key]] for entry in mine.get(key, [])}
        whole[key] = [e for e in whole[key] if e[KEYS[key]] not in names or e[KEYS[key]] in own]
    return whole


def dropped(drop: tuple[str, ...], parent: Profile) -> dict[str, set[str]]:
    """The parent's entries a child drops, by list; InputError for one the parent has not."""
    above = parent._raw  # noqa: SLF001 - the same module
    found: dict[str, set[str]] = {}
    for index, text in enumerate(drop):
        key, _, name = text.partition(":")
        if key not in KEYS or name not in {entry[KEYS[key]] for entry in above.get(key, [])}:
            remedy = "写成如rules:finish，且上级档案中确有其条"
            raise InputError("上级档案中没有这一条", code="profile", field=f"drop[{index}]", value=text, remedy=remedy)
        found.setdefault(key, set()).add(name)
    return found


def _by_key(above: list[dict[str, Any]], mine: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    own = {entry[key]: entry for entry in mine}
    known = {entry[key] for entry in above}
    return [own.get(entry[key], entry) for entry in above] + [entry for entry in mine if entry[key] not in known]


def read_toml(text: str) -> dict[str, Any]:
    """The text as plain values; InputError with the place where it is no TOML."""
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise _too_large(len(text.encode()))
    try:
        raw: dict[str, Any] = _plain(tomllib.loads(text, parse_float=Decimal))
    except ValueError as error:  # TOMLDecodeError, and a number of thousands of digits
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        end = "文件末尾附近写法有误" if "end of document" in str(error) else "有的数字过长"
        place = f"第{found[1]}行第{found[2]}列附近写法有误" if found else end
        raise wrong(f"不是正确的TOML：{place}", "规则档案", "", "核对引号、括号、等号和日期的写法") from error
    except RecursionError as error:
        raise wrong("嵌套过深", "规则档案", "", "核对括号") from error
    return raw


def _too_large(size: int) -> InputError:
    return wrong(f"规则档案超过{TEXT_BYTES_MAX}字节", "规则档案", size, "删去用不到的条目")


def _plain(value: Any) -> Any:
    """Only what JSON has: dates and decimals become texts, so that the value read and the value sent are one."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return str(value) if isinstance(value, Decimal | date | time) else value


def _canonical(raw: Mapping[str, Any]) -> bytes:
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


class _Entry(Protocol):
    @property
    def id(self) -> str: ...


_E = TypeVar("_E", bound=_Entry)


def _named(entries: tuple[_E, ...], name: str, key: str) -> _E:
    for entry in entries:
        if entry.id == name:
            return entry
    remedy = f"可用：{'、'.join(entry.id for entry in entries[:20]) or '无'}"
    raise InputError("档案中没有这一条", code="not_found", field=key, value=name, remedy=remedy)


def doubled(raw: Mapping[str, Any]) -> Iterator[InputError]:
    """Two entries of one id, two rungs of one colour."""
    for key, by in (*KEYS.items(), ("ladder", "colour")):
        seen: set[str] = set()
        entries = raw.get(key)
        for index, entry in enumerate(entries if isinstance(entries, list | tuple) else ()):
            name = entry.get(by) if isinstance(entry, Mapping) else None
            if not isinstance(name, str):
                continue  # what has no form is said by who looks at the form
            if name in seen:
                yield wrong("重复", f"{key}[{index}].{by}", name, "每条的名称只用一次")
            seen.add(name)
