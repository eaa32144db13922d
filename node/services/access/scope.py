"""What of this office's items a caller may see (faults.md W4, R16): one place that all questions ask.

Rules of this file:

1. Who has more than the role handler sees all that the office holds: the line is the need to know.
2. Who is a handler only sees the items that the own unit has in hand and what was issued under them; in an office
   without units all. An approval case or side file is seen with the item it concerns.
3. What lies outside answers exactly as what does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from node.errors import InputError, NotFoundError
from node.services.access.rights import HANDLER
from node.services.matters.desk import Caller, absent, find_item, take
from node.storage.port import BoardRow, Reader, Unit

if TYPE_CHECKING:
    from node.services.views.browse import View

_HOPS_MAX = 12  # from a task up to the item in hand: levels of government are fewer
# Questions about one item, named by ``item``; `case.list` names one only to narrow its list.
_ABOUT_ITEM = frozenset({
    "item.show", "item.fetch", "item.actions", "item.proof", "item.tree", "case.show", "case.list", "rules.explain",
})  # fmt: skip
# Questions that answer with items (at the top, or under one of these keys), each with its ``id``.
_LISTING = frozenset({"item.list", "case.list"})


def limits(reader: Reader, caller: Caller | None) -> tuple[str, ...] | None:
    """The units a caller's lists are narrowed to; None: to none, () : the caller sees no item at all.

    A list of items in hand asks ``BoardQuery(unit=…, receiver=this office)`` for each of them: units of other offices
    may bear the same name.
    """
    if caller is None or set(caller.roles) != {HANDLER}:
        return None
    if not any(unit.active for unit in reader.rows(Unit)):
        return None
    return (caller.unit,) if caller.unit else ()


def visible(reader: Reader, office: str, caller: Caller | None, rows: Iterable[BoardRow]) -> list[BoardRow]:
    """Those of these rows that the caller may see."""
    units = limits(reader, caller)
    if units is None:
        return list(rows)
    known: dict[bytes, bool] = {}
    return [row for row in rows if _in_hand(reader, office, units, row, known)]


def find(reader: Reader, view: View, word: str) -> BoardRow:
    """The item a question means, within what its caller may see; NotFoundError, InputError as `desk.find_item`."""
    return _find(reader, view.office, view.caller, word)


def _find(reader: Reader, office: str, caller: Caller | None, word: str) -> BoardRow:
    units = limits(reader, caller)
    if units is None:
        return find_item(reader, office, word)
    try:
        row = find_item(reader, office, word)
    except NotFoundError:
        raise
    except InputError as error:
        raise absent(word) from error  # which items the word fits is not for this caller to learn
    if not _in_hand(reader, office, units, row, {}):
        raise absent(word)
    return row


def check(reader: Reader, view: View, verb: str, args: Mapping[str, object]) -> None:
    """Refuse a question about an item outside of what the caller may see, as if there were none (W4)."""
    word = take(args, "item")
    if verb in _ABOUT_ITEM and word and limits(reader, view.caller) is not None:
        find(reader, view, word)


def check_command(reader: Reader, office: str, caller: Caller, args: Mapping[str, object]) -> None:
    """Of a refused command: who may not even see the item is told that there is none, and nothing else (W4)."""
    word = str(args.get("item") or "")
    if word and limits(reader, caller) is not None:
        _find(reader, office, caller, word)


def narrowed(reader: Reader, view: View, verb: str, answer: object) -> object:
    """A list without what its caller may not see."""
    if verb not in _LISTING or limits(reader, view.caller) is None:
        return answer
    if isinstance(answer, dict):
        return answer | {"items": _narrowed(reader, view, answer["items"])}
    assert isinstance(answer, list)  # noqa: S101 - what these questions make
    return _narrowed(reader, view, answer)


def _narrowed(reader: Reader, view: View, listed: list[dict[str, object]]) -> list[dict[str, object]]:
    ids = [bytes.fromhex(str(one["id"])) for one in listed]
    rows = [row for start in range(0, len(ids), 500) for row in reader.board(ids[start : start + 500])]
    seen = {row.item_id.hex() for row in visible(reader, view.office, view.caller, rows)}
    return [one for one in listed if one["id"] in seen]


def _in_hand(reader: Reader, office: str, units: tuple[str, ...], row: BoardRow, known: dict[bytes, bool]) -> bool:
    """Whether one of these units has the item, or one above it, in hand; ``known`` remembers what was asked."""
    way: list[bytes] = []
    found = False
    here: BoardRow | None = row
    while here is not None and len(way) < _HOPS_MAX:
        if here.item_id in known:
            found = known[here.item_id]
            break
        way.append(here.item_id)
        if here.receiver == office and set(here.unit.split("、")).intersection(units):
            found = True
            break
        above = here.target if here.subject else here.parent
        here = next(iter(reader.board([above])), None) if above else None
    known.update(dict.fromkeys(way, found))
    return found
