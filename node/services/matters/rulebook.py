"""The rulebook: which rules profile and which working-day calendar are in force, from the records that publish them.

Rules of this file:

1. The calendar is the top office's (highest version); without one Monday to Friday, provisional, at every node alike.
2. An office goes by its own profile: of those whose 施行日期 has come, the one it published last; without one by the
   shipped default, which asks for no approvals. Versions count for each profile by itself, so an office may change to
   another one and back; what was assigned names its profile and version, and stays by it. Superiors' profiles explain
   superiors' items; they bind nobody below (A19).
3. Only an office itself publishes its profile, on its own office line; anything else is kept and has no effect.
"""

from __future__ import annotations

from functools import lru_cache

from node.documents.profiles import DEFAULT, load_shipped
from node.errors import DulianError
from node.records.header import Header
from node.records.kinds import Kind
from node.records.payload import Calendar as CalendarPayload
from node.records.payload import Profile as ProfilePayload
from node.records.payload import decode
from node.rules.calendar import PROVISIONAL, Calendar
from node.rules.profile import Profile
from node.storage.port import CalendarRow, Reader, RulesRow

_TICKS = 4096  # of one millisecond of the hybrid clock, in one number with it
KINDS = frozenset({int(Kind.PROFILE), int(Kind.CALENDAR)})


def row_of(header: Header, record_id: bytes, payload: bytes | None) -> RulesRow | CalendarRow | None:
    """The row a PROFILE or CALENDAR record makes; None where it makes none (not its author's to say, unreadable)."""
    line = header.line
    if payload is None or line.path[-1] != header.author or not line.subtree:
        return None
    try:
        said = decode(header.kind, payload)
        if isinstance(said, ProfilePayload):
            Profile.decode(said.text.encode())
            published = header.hlc_ms * _TICKS + min(header.hlc_count, _TICKS - 1)
            return RulesRow(
                header.author, said.version, said.name, said.valid_from_day, record_id, said.text, published
            )
        if isinstance(said, CalendarPayload) and line.path == (header.author,):
            Calendar.decode(said.body)
            return CalendarRow(header.author, said.version, record_id, said.body, said.text)
    except DulianError:
        # A record that cannot be read has no effect; it is kept, relayed and shown like every other.
        return None
    return None


class Rulebook:
    """Profiles and calendar as one reader knows them; remembers what it has read until `forget`."""

    def __init__(self, reader: Reader, office: str) -> None:
        """Read nothing yet; ``office`` is this node's."""
        self._reader = reader
        self._office = office
        self._calendar: Calendar | None = None
        self._profiles: dict[tuple[str, str, int], Profile] = {}
        self._rows: dict[str, list[RulesRow]] = {}  # by office
        self._default: Profile | None = None

    def forget(self) -> None:
        """A profile or calendar has arrived."""
        self._calendar = None
        self._profiles.clear()
        self._rows.clear()

    def calendar(self) -> Calendar:
        """The calendar in force here."""
        if self._calendar is None:
            rows = self._reader.rows(CalendarRow)
            newest = max(rows, key=lambda row: (row.version, row.office), default=None)
            self._calendar = Calendar.decode(newest.body) if newest is not None else PROVISIONAL
        return self._calendar

    def profile(self, day: int, office: str = "") -> Profile:
        """The profile of an office (default: this one) in force on a day, days since 1970-01-01."""
        rows = [row for row in self._published(office or self._office) if row.valid_from_day <= day]
        if not rows:
            if self._default is None:
                self._default = _shipped()
            return self._default
        return self._read(max(rows, key=order))

    def named(self, name: str, office: str = "") -> Profile | None:
        """The profile an item was opened under, ``profile/version``, of an office; shipped ones too; else None."""
        profile_id, _, version = name.partition("/")
        for row in self._published(office or self._office):
            if row.name == profile_id and str(row.version) == version:
                return self._read(row)
        return self.profile(0) if profile_id == DEFAULT else None

    def _published(self, office: str) -> list[RulesRow]:
        rows = self._rows.get(office)
        if rows is None:
            rows = self._rows[office] = self._reader.rows(RulesRow, office=office)
        return rows

    def _read(self, row: RulesRow) -> Profile:
        key = (row.office, row.name, row.version)
        found = self._profiles.get(key)
        if found is None:
            found = self._profiles[key] = _decoded(row.text)
        return found


def order(row: RulesRow) -> tuple[int, int, str]:
    """Of one office's profiles the one published last is the greatest."""
    return row.published, row.version, row.name


@lru_cache(maxsize=1)  # a memo of a pure function: what is shipped stays as it is while the program runs
def _shipped() -> Profile:
    return load_shipped(DEFAULT)


@lru_cache(maxsize=16)  # likewise: every question makes a rulebook, and profiles are frozen
def _decoded(text: str) -> Profile:
    return Profile.decode(text.encode())
