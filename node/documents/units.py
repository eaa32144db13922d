"""The units in one cell, and which of them leads, as offices write it (R33). Pure text in, values out.

Rules of this file:

1. Every unit that the cell names is in the answer once, as it is written; nothing else is.
2. A mark belongs to the unit it stands at (“甲局（牵头）”), to those up to it (“甲局、乙局配合”), or as a heading to
   those after it (“配合单位：乙局、丙局”; “甲局会同乙局”).
3. Where one is marked, none is left open: beside a lead the others assist, beside assistants the others lead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from node.documents.tasklist import without_ordinal

LEAD, ASSIST = "lead", "assist"

_ROLES = {
    "牵头": LEAD, "主办": LEAD, "主责": LEAD, "配合": ASSIST, "协办": ASSIST, "会办": ASSIST, "协同": ASSIST,
    "协助": ASSIST, "参与": ASSIST, "参加": ASSIST, "责任": "", "承办": "", "负责": "", "落实": "", "实施": "",
    "办理": "",
}  # fmt: skip
_WORD = "|".join(_ROLES)
_BODY = "(?:单位|部门|地方|机关|科室|处室)"
_OPEN, _CLOSE = "[(（【]", "[)）】]"
_FILLING = "共同|联合|分别|具体|统一|主动|负责|组织|积极|按(?:照)?(?:各自)?(?:职责|职能)?分工|依(?:据)?(?:职责|职能)"
_TAIL = "负责|办理|落实|配合|实施|推进|组织|做好|完成|抓好|抓总"
_PREFIX = re.compile(
    rf"{_OPEN}?({_WORD})(?:责任|实施|落实|配合)?(?:{_BODY}(?:为|是)?{_CLOSE}?[:：]?|(?:为|是)?{_CLOSE}?[:：]|{_CLOSE})\s*(.*)"
)
_VERB_FIRST = re.compile("(牵头|主办|配合|协办|会办)(.+[局委办厅部院会心府])")
_MARKED = re.compile(rf"(.+?)\s*{_OPEN}(?:为)?({_WORD}){_BODY}?([^()（）【】]*){_CLOSE}(.*)", re.DOTALL)
_NAMES_UNIT = re.compile("[局委办厅部院会心府司所县区市乡镇]")  # a remark in brackets that may name others
_SUFFIX = re.compile(rf"(.*?)(?:为|是|作为)?(?:{_FILLING}){{0,3}}({_WORD})({_BODY})?(?:{_TAIL}){{0,3}}(?:工作)?")
_WITH = re.compile(r"(.*?)会同(.*)")
_UNIT_END = re.compile(rf"(?:[局委办厅部院会心府司所]|{_WORD})$")
# A mark in the middle, as in “甲局牵头乙局配合” and “甲局（牵头）乙局”, ends its unit; what else is in brackets stays.
_RUN_ON = re.compile(
    rf"({_OPEN}(?:{_WORD}){_BODY}?{_CLOSE})(?=[^、,，;；/\n。\s:：])|{_OPEN}[^()（）【】]*{_CLOSE}"
    rf"|([局委办厅部院会心](?:牵头|主办))(?!{_BODY}|{_TAIL}|会同|[、,，;；/\n。\s:：)）】]|$)"
)
_PART = re.compile(rf"((?:{_OPEN}[^()（）【】]*{_CLOSE}|\s+(?=[(（])|[^、,，;；/\n。\s])+)|([、,，;；/\n。\s]+)")
_AND = re.compile(r"(?<=[\u4e00-\u9fff][局委厅])(?:以及|和|与|及)(?=[\u4e00-\u9fff]{2})")
_MORE = re.compile(r"等(?:\d{1,3}|[一二两三四五六七八九十]{1,3})?个?(?:有关|相关|其他|各)?(?:部门|单位|地方)?")
_COUNT = re.compile(r"[一二三四五六七八九十]{1,3}|\d{1,2}[.．]?|[(（](?:[一二三四五六七八九十]{1,3}|\d\d?)[)）]|[①-⑳]")
_WHOLE = re.compile(rf"{_OPEN}((?:[^()（）【】]|{_OPEN}[^()（）【】]*{_CLOSE})*){_CLOSE}")
_MARK = re.compile(rf"(?:为)?(?:{_WORD}){_BODY}?")
_NEXT, _GROUP, _CLAUSE = 1, 2, 3  # how far a separator parts what it stands between


class Unit(NamedTuple):
    """A unit named in a cell; ``role`` lead, assist, or "" where the cell says of none."""

    name: str
    role: str = ""


class _Named(NamedTuple):
    """A unit as found: ``own``: the mark is its own or was given by one after it; ``gap``: what stands before it."""

    name: str
    role: str
    own: bool
    gap: int


@lru_cache(maxsize=4_096)  # a memo of a pure function: lists name the same units again and again
def read_units(text: str) -> tuple[Unit, ...]:
    """The units in a cell, in order, each once: separated by 、，；/ spaces or line ends, with their marks (R33)."""
    words = _bare(text.strip())
    reading = _Reading()
    for gap, part in _parts(_RUN_ON.sub(lambda match: match[0] + "、" * bool(match[1] or match[2]), words)):
        reading.take(part, gap)
    roles: dict[str, str] = {}
    for one in reading.found:
        known = roles.setdefault(one.name, one.role)
        roles[one.name] = one.role if one.role == LEAD else known or one.role
    marked = set(roles.values()) - {""}
    rest = "" if not marked else ASSIST if LEAD in marked else LEAD
    return tuple(Unit(name, role or rest) for name, role in roles.items())


def is_marked(text: str) -> bool:
    """Whether a cell itself says who leads."""
    return any(unit.role == LEAD for unit in read_units(text))


def _bare(text: str) -> str:
    """Without a colon before it, and without brackets around the whole where a mark stands in them."""
    words = text.lstrip(":： ")
    whole = _WHOLE.fullmatch(words)
    marked = whole and re.search(_WORD, whole[1]) and not _MARK.fullmatch(whole[1])
    return whole[1] if whole and marked else words


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """What stands between separators, outside of brackets, each with the widest separator before it."""
    gap = _CLAUSE
    for match in _PART.finditer(text):
        if match[1] is not None:
            yield gap, match[1].strip()
            gap = _NEXT
        elif re.search("[;；。]", match[2]):
            gap = _CLAUSE
        elif re.search("[,，\\s]", match[2]):
            gap = _GROUP


class _Reading:
    """The parts of a cell taken one after another."""

    def __init__(self) -> None:
        self.found: list[_Named] = []
        self._heading = ""  # the role that a heading gave
        self._with = False  # that heading is 会同: its clause ends it
        self._since = 0  # from where a mark counts backwards
        self._clause = 0  # where the clause began

    def take(self, part: str, gap: int) -> None:
        """The next part."""
        part = _bare(part)
        if gap == _CLAUSE:
            self._clause = len(self.found)
            if self._with:
                self._heading, self._with = "", False
        if _COUNT.fullmatch(part):
            return
        name, role = without_ordinal(part), ""
        while (prefix := _PREFIX.fullmatch(name) or _VERB_FIRST.fullmatch(name)) and not self._ends(name):
            role = _ROLES[prefix[1]] or role
            self._heading, self._with, name = role, False, prefix[2].strip()
            self._since = len(self.found)
        if not name:
            return
        if (joined := _WITH.fullmatch(name)) and self._is_verb(joined[1], joined[2]):
            if joined[1]:
                self.take(joined[1], gap)
                self._lead_last()
            self._heading, self._with, name = ASSIST, True, joined[2]
            self._since = len(self.found)
        self._unit(name, gap)

    def _ends(self, part: str) -> bool:
        """Whether a part of nothing but a verb (“甲局 牵头”) ends what stands before it."""
        return part in _ROLES and self._since < len(self.found)

    def _is_verb(self, before: str, after: str) -> bool:
        """Whether 会同 joins two sides, and is not the county of that name."""
        if not after.startswith("县"):
            return bool(before or after)
        return bool(_UNIT_END.search(before)) if before else any(one.role == LEAD for one in self.found)

    def _unit(self, name: str, gap: int) -> None:
        if marked := _MARKED.fullmatch(name):
            self._add(marked[1], _ROLES[marked[2]], gap, own=True)
            # “甲局（牵头，乙局配合）” names another; “甲局（牵头，负责统筹）” does not.
            for gap_, part in _parts(marked[3]) if _NAMES_UNIT.search(marked[3]) else ():
                self.take(part, gap_)
            if marked[4].strip():
                self.take(marked[4].strip(), _NEXT)
        elif suffix := _SUFFIX.fullmatch(name):
            role = _ROLES[suffix[2]]
            self._add(suffix[1], role or self._heading, gap, own=bool(role))
            if role:
                self._mark_back(role)
            self._since = len(self.found)
        else:
            self._add(name, self._heading, gap, own=False)

    def _lead_last(self) -> None:
        """Who acts 会同 others leads them."""
        if self.found and not self.found[-1].own:
            self.found[-1] = self.found[-1]._replace(role=LEAD, own=True)

    def _mark_back(self, role: str) -> None:
        """Give a mark to the units up to it that have none of their own."""
        begin, last = self._since, len(self.found) - 1
        if role == ASSIST and not any(one.role == LEAD for one in self.found[:last]):
            begin = self._group(begin, last)
        for place in range(begin, len(self.found)):
            one = self.found[place]
            if not one.own and (not one.role or place >= self._clause > self._since):
                self.found[place] = one._replace(role=role, own=True)

    def _group(self, begin: int, last: int) -> int:
        """Where nobody leads yet, “甲局，乙局、丙局配合” and “甲局；乙局配合” mark what follows the wider separator."""
        if last <= begin:
            return begin
        places = [place for place in range(begin + 1, last + 1) if self.found[place].gap > _NEXT]
        wide = max(places, default=begin)
        return wide if wide < last or self.found[wide].gap == _CLAUSE else begin

    def _add(self, words: str, role: str, gap: int, *, own: bool) -> None:
        for name in _AND.split(words):
            plain = name.removeprefix("由").strip(" :：")
            more = re.search(rf"{_MORE.pattern}$", plain)
            plain = plain[: more.start()] if more else plain
            if plain:
                self.found.append(_Named(plain, role, own, gap))
                gap = _NEXT
