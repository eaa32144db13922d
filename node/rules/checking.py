"""All that is wrong with a profile's text in one pass (`rules check`): form, ids, names, the parent, what is dropped.

What is wrong in its form is put aside, so that the rest can be held against itself and the parent; nothing is said of
an entry because another one, put aside, is missing. Where the parent named is unknown, the rest is held against the one
that was most likely meant, and each problem found so says it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from node.errors import InputError
from node.rules.cross import cross_problems
from node.rules.problems import PROBLEMS_MAX, problems_of
from node.rules.profile import KEYS, Profile, doubled, dropped, merged, read_toml

_ROUNDS_MAX = 20
_PLACE = re.compile(r"^(\w+)\[(\d+)\]")
_INSTEAD: Mapping[str, object] = {"id": "x", "version": 1, "title": "x", "valid_from": "2000-01-01"}


def problems(
    text: str, parent_of: Callable[[str], Profile], instead_of: Callable[[str], Profile]
) -> tuple[InputError, ...]:
    """All problems, at most `PROBLEMS_MAX`.

    ``parent_of`` gives the complete profile of a name or raises InputError; ``instead_of`` what may have been meant.
    """
    try:
        raw = read_toml(text)
    except InputError as error:
        return (error,)
    found: list[InputError] = []
    sound, aside = _sound(raw, found)
    if sound is None:
        return tuple(found[:PROBLEMS_MAX])
    found += doubled(raw if not aside else sound)
    own = {key: list(sound.get(key, [])) for key in KEYS if isinstance(sound.get(key, []), list)}
    whole, said, among = sound, "", list[InputError]()
    if isinstance(sound.get("parent"), str):
        try:
            above = parent_of(sound["parent"])
        except InputError as error:
            found.append(error)
            above = instead_of(sound["parent"])
            said = f"（上级档案暂按 {above.id} 核对）"
        among += _drops(sound.get("drop", []), above)
        whole = merged(sound, above, dropping=False)
    among += _crossed(whole, own, aside)
    found += (_noted(one, said) for one in among) if said else among
    return tuple({(one.field, one.text, str(one.value)): one for one in found}.values())[:PROBLEMS_MAX]


def _noted(error: InputError, said: str) -> InputError:
    return InputError(
        f"{error.text}{said}", code=error.code, field=error.field, value=error.value, remedy=error.remedy or ""
    )


def _sound(raw: Mapping[str, Any], found: list[InputError]) -> tuple[dict[str, Any] | None, set[str]]:
    """The text without what is wrong in its form (added to ``found``), and the ids and keys put aside."""
    left, aside = dict(raw), set[str]()
    for turn in range(_ROUNDS_MAX):
        try:
            Profile.model_validate(left)
        except ValidationError as error:
            if not turn:
                found += problems_of(error, raw)
            _put_aside(left, (detail["loc"] for detail in error.errors(include_url=False)), aside)
        else:
            return left, aside
    return None, aside


def _put_aside(left: dict[str, Any], places: Iterable[tuple[int | str, ...]], aside: set[str]) -> None:
    entries: dict[str, set[int]] = {}
    for loc in places:
        key = str(loc[0]) if loc else ""
        if len(loc) > 1 and isinstance(loc[1], int) and isinstance(left.get(key), list):
            entries.setdefault(key, set()).add(loc[1])
        elif len(loc) > 1 and isinstance(left.get(key), dict) and key == "roles":
            left[key] = {name: label for name, label in left[key].items() if name != loc[1]}
            aside.add(str(loc[1]))
        elif key in _INSTEAD:
            left[key] = _INSTEAD[key]
        else:
            left.pop(key, None)
            aside.add(key)
    for key, numbers in entries.items():
        gone = [one for number, one in enumerate(left[key]) if number in numbers]
        aside |= {str(one[name]) for one in gone if isinstance(one, dict) for name in ("id", "colour") if name in one}
        left[key] = [one for number, one in enumerate(left[key]) if number not in numbers]


def _drops(names: Iterable[str], above: Profile) -> Iterator[InputError]:
    for index, name in enumerate(names):
        try:
            dropped((name,), above)
        except InputError as error:
            yield InputError(
                error.text, code=error.code, field=f"drop[{index}]", value=name, remedy=error.remedy or ""
            )


def _crossed(whole: dict[str, Any], own: Mapping[str, list[Any]], aside: set[str]) -> Iterator[InputError]:
    """What one entry says of another that is not there; places as in the file, by the entry's id."""
    try:
        profile = Profile.model_validate(whole)
    except ValidationError:
        return
    for error in cross_problems(profile):
        where = error.text.partition("中没有它")[0]
        if str(error.value) in aside or where in aside:
            continue
        yield _in_file(error, profile, own)


def _in_file(error: InputError, profile: Profile, own: Mapping[str, list[Any]]) -> InputError:
    place = _PLACE.match(error.field or "")
    key = place[1] if place else ""
    if place is None or key not in KEYS:
        return error
    name = getattr(getattr(profile, key)[int(place[2])], KEYS[key])
    number = next((n for n, one in enumerate(own.get(key, [])) if one.get(KEYS[key]) == name), None)
    at = f"{key}[{number}]" if number is not None else f"上级档案的{key}"
    field = at + (error.field or "")[place.end() :]
    text = f"{error.text}（所在条目：{name}）"
    return InputError(text, code=error.code, field=field, value=error.value, remedy=error.remedy or "")
