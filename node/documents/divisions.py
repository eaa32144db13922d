"""The directory of real offices: which code belongs to which office, and which office stands above it.

Codes are GB/T 2260 (six digits) and GB/T 10114 (nine, township). The tree is taken from the table as it stands, never
derived from digits: counties directly under a province and prefectures without counties are real.

The directory is asked at ``invite`` only. Verification of records never asks it: offices are founded, merged and moved.
"""

from __future__ import annotations

import difflib
import gzip
import re
from collections.abc import Collection
from dataclasses import dataclass
from importlib import resources
from typing import Self

from node.errors import InputError

ROOT_CODE = "000000"
CODE_PATTERN = re.compile(r"[0-9]{6}([0-9]{3})?(-[a-z0-9]{1,16})?", re.ASCII)
LEVEL_LETTERS = {"province": "p", "prefecture": "c", "county": "x", "township": "t"}

_LEVELS = {letter: level for level, letter in LEVEL_LETTERS.items()}
_DATA_FILE = "divisions.txt.gz"
_FIELD = "CODE"
_SUGGESTIONS_MAX = 3
_GOVERNMENT = re.compile(r"(人民政府|政府|委|委员会|管委会|管理委员会|办事处)?(办公厅|办公室|督查室|督查局)*")
_OFFICE_SUFFIX = re.compile(r"(人民政府|政府)?(办公厅|办公室|督查室)?$")


@dataclass(frozen=True, slots=True)
class Division:
    """One office of the directory. ``level`` is one of the words of ``status``; ``parent`` is "" for the root only."""

    code: str
    name: str
    level: str
    parent: str


class Divisions:
    """The whole directory, read once by whoever needs it and dropped afterwards.

    Use `load`; the constructor takes what `parse` prepared.
    """

    def __init__(self, offices: dict[str, Division], townships: dict[str, str]) -> None:
        """Take offices listed in full, and names of townships whose parent is the first six digits of their code."""
        self._offices = offices
        self._townships = townships

    @classmethod
    def load(cls) -> Self:
        """Read the directory shipped with this package (some tens of milliseconds; no cache)."""
        return cls.parse(resources.files("node.documents").joinpath(_DATA_FILE).read_bytes())

    @classmethod
    def parse(cls, packed: bytes) -> Self:
        """Read the form written by ``deploy/make_divisions.py``."""
        offices: dict[str, Division] = {}
        townships: dict[str, str] = {}
        above = ""
        for line in gzip.decompress(packed).decode().split("\n"):
            if line[0] == "=":
                code, letter, parent, name = line[1:].split(",", 3)
                offices[code] = Division(code, name, _LEVELS[letter], parent or ROOT_CODE)
                above = code[:6]
            else:
                townships[above + line[:3]] = line[3:]
        return cls(offices, townships)

    def __len__(self) -> int:
        """Count the listed offices; the root and units are not listed."""
        return len(self._offices) + len(self._townships)

    def get(self, code: str) -> Division | None:
        """Return the office of ``code``, or None if the directory does not know it.

        The root (国家) is known. A unit (``320500-fgw``) is known when its office is; the directory has no name for it.
        """
        office, dash, _unit = code.partition("-")
        if dash:
            known = CODE_PATTERN.fullmatch(code) and self.get(office)
            return Division(code, "", "unit", office) if known else None
        if code == ROOT_CODE:
            return Division(ROOT_CODE, "国家", "nation", "")
        name = self._townships.get(code)
        if name is not None:
            return Division(code, name, "township", code[:6])
        return self._offices.get(code)

    def children(self, code: str) -> tuple[Division, ...]:
        """Return the listed offices directly below ``code``, by code; units are not listed."""
        found = [office for office in self._offices.values() if office.parent == code]
        found += [Division(c, name, "township", code) for c, name in self._townships.items() if c[:6] == code]
        return tuple(sorted(found, key=lambda office: office.code))

    def below(self, parents: Collection[str]) -> list[Division]:
        """Return the listed offices whose parent is one of ``parents``, by code: one pass over the table."""
        found = [office for office in self._offices.values() if office.parent in parents]
        found += [Division(c, name, "township", c[:6]) for c, name in self._townships.items() if c[:6] in parents]
        return sorted(found, key=lambda office: office.code)

    def check_child(self, parent_code: str, code: str, name: str = "") -> None:
        """Check that the office ``code`` is a direct child of ``parent_code``; ``name`` only improves suggestions.

        Raises:
            InputError: malformed code, unknown office, or an office whose parent is another one.
        """
        if not CODE_PATTERN.fullmatch(code):
            remedy = "应为6位区划代码，乡镇街道9位，部门在其后加连字符和1至16位小写字母或数字，如 320500-fgw"
            raise InputError("代码写法不对", field=_FIELD, value=code, remedy=remedy)
        if code == parent_code:
            raise InputError("这是本单位自己的代码", field=_FIELD, value=code, remedy="写下级单位的代码")
        if "-" in parent_code:
            text = f"本单位 {parent_code} 是部门节点，部门之下不再设节点"
            raise InputError(text, field=_FIELD, value=code, remedy=f"由 {parent_code.partition('-')[0]} 邀请")
        if "-" in code:
            self._check_unit(parent_code, code)
            return
        office = self.get(code)
        if office is None:
            self._refuse_unknown(parent_code, code, name)
        elif office.parent != parent_code:
            self._refuse_other_parent(parent_code, office)

    def name_doubt(self, code: str, name: str) -> str:
        """What is odd about calling the office of ``code`` by ``name``: Chinese, empty where it has the listed name.

        ``苏州市人民政府``, ``江苏省苏州市`` and ``苏州市`` all carry 苏州市; ``苏州市姑苏区`` is another office. The
        directory has no names for units.
        """
        office = self.get(code)
        if office is None or not office.name:
            return ""
        _above, found, rest = "".join(name.split()).rpartition(office.name)
        if found and _GOVERNMENT.fullmatch(rest):
            return ""
        return f"所写名称“{name.strip()}”与行政区划代码表不同：{code} 在表中是{office.name}，请核对"

    def _check_unit(self, parent_code: str, code: str) -> None:
        """Check a unit by its code alone, so that units of an unlisted office can be invited too."""
        office = code.partition("-")[0]
        if office != parent_code:
            text = f"部门节点属于连字符前的单位 {self._shown(office)}，不属于 {self._shown(parent_code)}"
            remedy = f"由 {office} 邀请，或改为 {parent_code}-{code.partition('-')[2]}"
            raise InputError(text, field=_FIELD, value=code, remedy=remedy)

    def _refuse_unknown(self, parent_code: str, code: str, name: str) -> None:
        close = self._suggestions(parent_code, code, name)
        hint = "相近的有 " + "、".join(f"{office.code} {office.name}" for office in close) + "；" if close else ""
        remedy = f"{hint}核对代码；确属新设或表中未收录的，加 --unlisted"
        raise InputError("行政区划代码表中没有这个代码", field=_FIELD, value=code, remedy=remedy)

    def _refuse_other_parent(self, parent_code: str, office: Division) -> None:
        if not office.parent:
            raise InputError("国家没有上级，不能被邀请", field=_FIELD, value=office.code, remedy="写下级单位的代码")
        text = f"{office.name}的上级是 {self._shown(office.parent)}，不是 {self._shown(parent_code)}"
        remedy = f"由 {office.parent} 的节点邀请；确因区划调整改由本级管理的，加 --unlisted"
        raise InputError(text, field=_FIELD, value=office.code, remedy=remedy)

    def _shown(self, code: str) -> str:
        office = self.get(code)
        return f"{code} {office.name}" if office and office.name else code

    def _suggestions(self, parent_code: str, code: str, name: str) -> list[Division]:
        """Find offices that may be meant: own children by name, then by code, then offices elsewhere with that name."""
        children = self.children(parent_code)
        stem = _OFFICE_SUFFIX.sub("", name.strip())
        found = [o for o in children if stem and (o.name in name or o.name.startswith(stem))]
        by_code = {o.code: o for o in children}
        found += [by_code[c] for c in difflib.get_close_matches(code, by_code, _SUGGESTIONS_MAX, cutoff=0.7)]
        if not found and stem:
            found = [o for o in self._offices.values() if o.name == stem]
        if not found:
            nearby = [c for c in (*self._offices, *self._townships) if c[:2] == code[:2] and len(c) == len(code)]
            matches = difflib.get_close_matches(code, nearby, _SUGGESTIONS_MAX, cutoff=0.8)
            found = [office for c in matches if (office := self.get(c)) is not None]
        return list(dict.fromkeys(found))[:_SUGGESTIONS_MAX]
