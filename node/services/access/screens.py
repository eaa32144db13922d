"""大屏链接: a way for a screen on a wall to show the figures of 大屏, and nothing else, until it is ended.

Rules of this file:

1. A link is for one screen and named after its place. It opens the one page, read-only; it is no account and signs in
   to nothing. It does not end by itself: who ends it ends the screen with its next look.
2. Of the link's secret only the SHA-256 is kept. When and from where it was used last is kept, to the minute.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from node.clock import iso
from node.errors import InputError, NotFoundError
from node.records.kinds import Channel
from node.records.limits import NAME_CHARS_MAX
from node.records.payload import check_line
from node.services.access import console_audit
from node.services.access.console_accounts import SEEN_STEP_MS, digest_of, new_secret
from node.services.access.rights import VIEWER
from node.services.matters.desk import Caller, take
from node.services.office import Office
from node.services.verbs import Args, Command, Question
from node.services.views.browse import View
from node.storage.port import Meta, Reader, Store

SCREENS_MAX = 20
_META = "screen/"


class Screen(NamedTuple):
    """A link that was given out; times are milliseconds since 1970 UTC, 0 = never used."""

    digest: bytes
    place: str
    by: str
    made_ms: int
    seen_ms: int
    address: str

    @property
    def row(self) -> Meta:
        """As it is stored."""
        said = [self.place, self.by, self.made_ms, self.seen_ms, self.address]
        return Meta(_META + self.digest.hex(), json.dumps(said, ensure_ascii=False).encode())

    @property
    def caller(self) -> Caller:
        """Who asks the one question a screen asks."""
        return Caller(f"大屏 {self.place}", roles=(VIEWER,))


def screens_of(reader: Reader) -> list[Screen]:
    """All links, the oldest first."""
    found = [_screen(row) for row in reader.rows(Meta) if row.name.startswith(_META)]
    return sorted(found, key=lambda one: (one.made_ms, one.place))


def _screen(row: Meta) -> Screen:
    place, by, made_ms, seen_ms, address = json.loads(row.value)
    return Screen(bytes.fromhex(row.name.removeprefix(_META)), place, by, made_ms, seen_ms, address)


def screen_of(reader: Reader, token: str) -> Screen:
    """The screen a link is for; NotFoundError where it was ended or is none of ours."""
    row = reader.get(Meta, _META + digest_of(token).hex())
    if row is None:
        raise NotFoundError("大屏链接无效或已停用", field="链接", remedy="请操作员在「节点管理」的「大屏」中再给一个")
    return _screen(row)


def touch(store: Store, screen: Screen, now_ms: int, address: str) -> None:
    """Note that a screen was looked at, once a minute; the first time and from elsewhere also in the audit log."""
    known = store.get(Meta, screen.row.name)
    if known is None or (address == screen.address and now_ms - screen.seen_ms <= SEEN_STEP_MS):
        return
    store.put([screen._replace(seen_ms=now_ms, address=address).row])
    if address != screen.address:
        console_audit.note(store, now_ms, screen.caller.name, address, "screen", screen.place, "大屏链接")


def open_screen(office: Office, args: Args, caller: Caller) -> dict[str, object]:
    """`screen.open`: a link for the screen at a place. InputError: no place, one that has a link, too many."""
    store, now_ms = office.store, office.world.clock.now_ms()
    place = check_line(take(args, "place").strip(), "place", NAME_CHARS_MAX)
    if not place:
        raise InputError("没有写明大屏放在哪里", field="place", remedy="写地点，如 政务大厅")
    known = screens_of(store)
    if place in {one.place for one in known}:
        raise InputError("这里的大屏已有链接", field="place", value=place, remedy="先停用旧链接，再给新的")
    if len(known) >= SCREENS_MAX:
        raise InputError(f"最多{SCREENS_MAX}个大屏链接", field="place", value=len(known), remedy="先停用不用的")
    token = new_secret()
    store.put([Screen(digest_of(token), place, caller.name, now_ms, 0, "").row])
    _note(store, now_ms, caller, "screen.open", place)
    return {"place": place, "token": token}


def close_screen(office: Office, args: Args, caller: Caller) -> dict[str, object]:
    """`screen.close`: the link of a place is good no more. NotFoundError."""
    store, now_ms = office.store, office.world.clock.now_ms()
    place = take(args, "place").strip()
    found = next((one for one in screens_of(store) if one.place == place), None)
    if found is None:
        raise NotFoundError("这里没有大屏链接", field="place", value=place[:40], remedy="刷新页面查看现有的链接")
    store.delete(Meta, found.row.name)
    _note(store, now_ms, caller, "screen.close", place)
    return {"place": place, "closed": True}


def _note(store: Store, now_ms: int, caller: Caller, verb: str, place: str) -> None:
    """The console notes what is done there by itself."""
    if caller.channel != Channel.CONSOLE:
        console_audit.note(store, now_ms, caller.name, "本机", verb, place)


def list_screens(reader: Reader, view: View, args: Mapping[str, object]) -> object:
    """`screen.list`: places, who gave the link when, when and from where it was used last."""
    del view, args
    return [
        {
            "place": one.place, "by": one.by, "made_at": iso(one.made_ms),
            "seen_at": iso(one.seen_ms) if one.seen_ms else None, "address": one.address or None,
        }
        for one in screens_of(reader)
    ]  # fmt: skip


COMMANDS: Mapping[str, Command] = {"screen.open": open_screen, "screen.close": close_screen}
QUESTIONS: Mapping[str, Question] = {"screen.list": list_screens}
