"""Offices that a task may go to: the enrolled ones below this office, and real offices not yet enrolled beneath those.

The same offices as `desk.receiver_paths` takes; found by name, by pinyin (whole or initials) and by code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from node.documents.divisions import Divisions
from node.documents.pinyin import Readings, normalised
from node.errors import InputError
from node.records.keyring import Key
from node.records.line import level_of
from node.services.views.browse import View

SHOWN = 60  # of what was found; who sees as many types on
_BY_PLACE = 20  # the rank of what fits only with the offices above it
_NAMED_MAX = 5  # offices that an error names
_LABELS_MAX = 500
_CODE = re.compile(r"(?:^|（)(\d{6}(?:\d{3})?(?:-[a-z0-9]{1,16})?)）?$")
_UNDER = " › "  # between an office and the one below it
LEVEL_LABELS = {
    "nation": "国家", "province": "省级", "prefecture": "市级", "county": "县级", "township": "乡级", "unit": "部门",
}  # fmt: skip


class Found(NamedTuple):
    """An office: ``above`` names those between this office and it; ``direct``: this office is directly above it."""

    code: str
    name: str
    level: str
    above: str
    enrolled: bool
    direct: bool


class _Known(NamedTuple):
    """Candidates, and the state of the keyring they were made of."""

    keys: dict[str, bytes]
    offices: tuple[Found, ...]
    names: Mapping[str, str]
    own: str  # this office's place in the directory


class Finder:
    """Finds offices; keeps the candidates until the keyring has changed. May be asked from several threads."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._known: _Known | None = None
        self._readings: Readings | None = None

    def offices(self, view: View) -> tuple[Found, ...]:
        """All candidates of this office: enrolled before others, those directly below first, then by code."""
        return self._all(view).offices

    def names(self, view: View) -> Mapping[str, str]:
        """The candidates' names by code."""
        return self._all(view).names

    def _all(self, view: View) -> _Known:
        keys = view.keyring.offices() if view.keyring is not None else {}
        state = {code: key.record_id for code, key in keys.items()}
        known = self._known
        if known is None or known.keys != state:
            divisions = Divisions.load()
            offices, own = _candidates(view.office, keys, divisions), divisions.get(view.office)
            names = {one.code: one.name for one in offices}
            known = self._known = _Known(state, offices, names, own.name if own is not None else "")
        return known

    def find(self, view: View, query: str, limit: int = SHOWN) -> tuple[list[Found], bool]:
        """The best ``limit`` candidates for what was typed, and whether there are more; with nothing, those below."""
        typed = normalised(query)
        offices = self.offices(view)
        if not typed:
            direct = [one for one in offices if one.direct]
            return direct[:limit], len(direct) > limit
        readings = self._readings = self._readings or Readings.load()
        own = self._all(view).own
        if typed != own:
            typed = typed.removeprefix(own)  # 江苏省昆山市, typed in 江苏省
        ranked = []
        for order, one in enumerate(offices):
            rank = _rank(readings, typed, one)
            if rank >= 0:
                ranked.append((rank, order, one))
        ranked.sort()
        return [one for _, _, one in ranked[:limit]], len(ranked) > limit

    def code_of(self, view: View, text: str) -> str:
        """The office that a filter means, by code, name or pinyin; empty for nothing.

        Raises:
            InputError: no office fits, or several do.
        """
        typed = text.strip()
        code = _CODE.search(typed)
        if not typed or code is not None:
            return code[1] if code is not None else ""
        offices = _with_certified(view, self.offices(view))
        readings = self._readings = self._readings or Readings.load()
        ranked = [(_rank(readings, normalised(typed), one), one) for one in offices]
        fits = [one for rank, one in ranked if 0 <= rank < _BY_PLACE]
        for found in ([one for rank, one in ranked if rank == 0], fits, [one for one in fits if one.enrolled]):
            if len(found) == 1:
                return found[0].code
        named = "、".join(f"{one.name}（{one.code}）" for one in fits[:_NAMED_MAX])
        remedy = f"写全名称，或写代码：{named}{' 等' if len(fits) > _NAMED_MAX else ''}" if fits else "写名称或代码"
        said = f"有 {len(fits)} 个单位符合" if fits else "没有这个单位"
        raise InputError(said, field="--office", value=typed[:40], remedy=remedy)

    def labels(self, view: View, text: str) -> tuple[str, list[str]]:
        """What a filter with ``text`` shows, and the offices it offers: this one, those above, those joined below.

        An office is shown by its name, with the code where several are called so.
        """
        offices = _with_certified(view, self.offices(view))
        count = Counter(one.name for one in offices)

        def label(one: Found) -> str:
            return one.name if count[one.name] == 1 else f"{one.name}（{one.code}）"

        shown = next((label(one) for one in offices if one.code == text), text)
        return shown, [label(one) for one in offices if one.enrolled][:_LABELS_MAX]

    def named(self, view: View, codes: Iterable[str]) -> list[Found]:
        """The candidates of these codes, in their order; codes that are none stand there as they are."""
        known = {one.code: one for one in self.offices(view)}
        return [known.get(code) or Found(code, code, "", "", enrolled=False, direct=False)
                for code in dict.fromkeys(codes)]  # fmt: skip


def _with_certified(view: View, below: tuple[Found, ...]) -> tuple[Found, ...]:
    """This office and those above it, as far as they are certified here, then the candidates below."""
    keys = view.keyring.offices() if view.keyring is not None else {}
    path = keys[view.office].path if view.office in keys else ()
    here = [Found(code, keys[code].name, "", "", enrolled=True, direct=False) for code in reversed(path)
            if code in keys]  # fmt: skip
    return (*here, *below)


def _rank(readings: Readings, typed: str, one: Found) -> int:
    """How well it fits: 0 best, -1 not at all."""
    if typed in (one.code, one.name):
        return 0
    if one.code.startswith(typed):
        return 1
    place = readings.place(typed, one.name)
    if place < 0 and one.above:
        place = readings.place(typed, one.above.replace(_UNDER, "") + one.name)
        return -1 if place < 0 else _BY_PLACE + place
    return -1 if place < 0 else 2 + place


def _candidates(office: str, keys: dict[str, Key], divisions: Divisions) -> tuple[Found, ...]:
    below = {code: key for code, key in keys.items() if office in key.path[:-1]}
    names = {code: key.name for code, key in keys.items()}

    def above(path: tuple[str, ...]) -> str:
        return _UNDER.join(names.get(code, code) for code in path)

    found = []
    for code, key in below.items():
        between = key.path[key.path.index(office) + 1 : -1]
        found.append(Found(code, key.name, LEVEL_LABELS.get(level_of(code), ""), above(between), enrolled=True,
                           direct=not between))  # fmt: skip
    for division in divisions.below({office, *below}):
        if division.code in keys:
            continue
        path = below[division.parent].path if division.parent in below else ()
        between = path[path.index(office) + 1 :] if path else ()
        found.append(Found(division.code, division.name, LEVEL_LABELS[division.level], above(between), enrolled=False,
                           direct=not between))  # fmt: skip
    return tuple(sorted(found, key=lambda one: (not one.enrolled, not one.direct, one.code)))
