"""A reader that reads each thing once: for one question, or for the few of one page, on one snapshot.

Questions are made of parts that look up the same item, profile or units each for itself; the parts stay simple, and
what was read is remembered here until the question is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from node.storage.port import Reader

_KEPT = frozenset({
    "board", "board_query", "board_by_number", "board_by_prefix", "item_numbers", "item_places", "records_at", "rows",
    "get", "text_behind", "logs",
})  # fmt: skip


class Memo:
    """The reader of one question. What changes meanwhile is not seen: give it a snapshot (`Reader.together`)."""

    def __init__(self, reader: Reader) -> None:
        """Nothing is known yet."""
        self._reader = reader
        self._known: dict[object, Any] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._reader, name)
        if name not in _KEPT:
            return found
        once = self._once(name, found)
        setattr(self, name, once)  # asked for once more, it is found without coming here
        return once

    def _once(self, name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        known = self._known

        def read(*args: Any, **named: Any) -> Any:
            frozen = tuple(tuple(arg) if isinstance(arg, list | set | dict) or hasattr(arg, "mapping") else arg
                           for arg in args)  # fmt: skip
            key = (name, frozen, tuple(sorted(named.items())))
            try:
                if key in known:
                    return _copy(known[key])
            except TypeError:
                return ask(*args, **named)  # an argument that has no hash
            known[key] = ask(*frozen, **named)
            return _copy(known[key])

        return read

    @contextmanager
    def together(self) -> Iterator[Reader]:
        """It is one moment already."""
        yield cast("Reader", self)


def _copy(found: Any) -> Any:
    """What is given out may be added to by who gets it."""
    return found.copy() if type(found) in (list, dict) else found


def remembering(reader: Reader) -> Reader:
    """A `Memo` of this reader, as a reader."""
    return cast("Reader", Memo(reader))
