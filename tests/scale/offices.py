"""The real offices: who stands below whom, from the directory shipped with the product."""

from __future__ import annotations

from collections import defaultdict

from node.documents.divisions import ROOT_CODE, Divisions

LEVELS = ("nation", "province", "prefecture", "county", "township")


class Tree:
    """Children and levels of all offices, the root included."""

    def __init__(self) -> None:
        """Read the directory."""
        listed = Divisions.load()
        self.children: dict[str, list[str]] = defaultdict(list)
        self.level: dict[str, str] = {ROOT_CODE: "nation"}
        self.name: dict[str, str] = {ROOT_CODE: "国家"}
        for office in listed._offices.values():
            self._add(office.parent, office.code, office.level, office.name)
        for code, name in listed._townships.items():
            self._add(code[:6], code, "township", name)
        for below in self.children.values():
            below.sort()

    def _add(self, parent: str, code: str, level: str, name: str) -> None:
        self.children[parent].append(code)
        self.level[code], self.name[code] = level, name

    def below(self, top: str) -> list[str]:
        """All offices below ``top``, parents before children."""
        found = list(self.children.get(top, ()))
        for code in found:
            found += self.children.get(code, ())
        return found
