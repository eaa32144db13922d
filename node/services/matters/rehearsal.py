"""A rehearsal: a command carried out for a question, up to the first thing it would write.

What a person may do now is asked of the commands themselves: they run with the rights, guards and rules they always
run with, on a desk whose pen does not write. So a page that offers an action and the command cannot disagree.

Rules of this file:

1. A command checks everything before it writes anything (`acting.write`, `chains`, `issuing`): reaching the pen, or a
   counter that is kept for the record about to be written, means that nothing stands against it.
2. The desk reads committed data only, and each thing once: a rehearsal belongs to one question and is thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast

from node.errors import DulianError
from node.items.fold import ItemState
from node.records.line import level_of
from node.services.access import rights
from node.services.board.memo import Memo
from node.services.identity import Identity, World
from node.services.matters.desk import Caller, Desk, state_of
from node.services.matters.rulebook import Rulebook
from node.storage.port import Reader

if TYPE_CHECKING:
    from node.services.office import Office
    from node.services.views.browse import View

_LEAVES = frozenset({"township", "unit"})


class _Reached(Exception):
    """The command came to its first write."""


class Stage(NamedTuple):
    """Where commands are rehearsed: the desk, and a receiver that every office with offices below it could have."""

    desk: Desk
    receiver: str  # empty: nobody stands below this office

    def refusal(self, verb: str, args: Mapping[str, object], caller: Caller) -> DulianError | None:
        """Why this caller may not do this now; None where the command would write."""
        from node.services.commands import COMMANDS  # noqa: PLC0415 - what joins this area to the others

        try:
            rights.check(self.desk.store, verb, caller, args, self.desk.identity.code)
            COMMANDS[verb](cast("Office", _Stand(self.desk)), args, caller)
        except _Reached:
            return None
        except DulianError as error:
            return error
        return None


class _Stand(NamedTuple):
    """Of an office, what commands of items ask for."""

    desk: Desk


def stage_of(reader: Reader, view: View, path: tuple[str, ...]) -> Stage:
    """A desk over committed data; ``path`` is root … this office."""
    probe = "" if level_of(view.office) in _LEAVES and not _has_below(view) else f"{view.office}-0rehearsal"
    store = _Memo(reader)
    identity = Identity(view.office, view.name_of(view.office), path, b"", cast("Any", None))
    desk = Desk(
        identity, World(_Clock(view.now_ms), bytes, lambda: 0.0), cast("Any", store), cast("Any", _NoLogs()),
        cast("Any", _Keys(view, probe, path)), cast("Any", _Pen()), cast("Any", _States(store)),
        Rulebook(cast("Any", store), view.office),
    )  # fmt: skip
    return Stage(desk, probe)


def _has_below(view: View) -> bool:
    return view.keyring is not None and any(view.office in key.path[:-1] for key in view.keyring.offices().values())


class _Clock(NamedTuple):
    at_ms: int

    def now_ms(self) -> int:
        """The moment of asking."""
        return self.at_ms

    def monotonic_ms(self) -> int:
        """Likewise."""
        return self.at_ms


class _Pen:
    """An author that does not write."""

    def write(self, *_args: object, **_named: object) -> NoReturn:
        """The command is through with its checks."""
        raise _Reached


class _NoLogs:
    """Nothing was appended in this step."""

    fresh = False

    def is_fresh(self, _item_id: bytes) -> bool:
        """Nothing was."""
        return False


class _States:
    """Items folded from what is stored, each once."""

    def __init__(self, reader: _Memo) -> None:
        self._reader = reader
        self._known: dict[bytes, ItemState] = {}

    def knows(self, item_id: bytes) -> bool:
        """Whether it was folded already."""
        return item_id in self._known

    def state_of(self, item_id: bytes) -> ItemState:
        """The item's state."""
        if item_id not in self._known:
            self._known[item_id] = state_of(cast("Any", self._reader), item_id)
        return self._known[item_id]

    def run(self) -> int:
        """Nothing waits to be projected."""
        return 0


class _Keys:
    """The keyring, and the receiver of rehearsals."""

    def __init__(self, view: View, probe: str, path: tuple[str, ...]) -> None:
        self._keyring = view.keyring
        self._probe = probe
        self._path = (*path, probe)

    def current(self, code: str) -> Any:
        """The key of an office, as far as commands of items ask: its path and name."""
        if code and code == self._probe:
            return _Key(self._path, code)
        return self._keyring.current(code) if self._keyring is not None else None


class _Key(NamedTuple):
    path: tuple[str, ...]
    name: str


class _Memo(Memo):
    """A reader that reads each thing once, and refuses to be written to."""

    def put(self, *_rows: object) -> NoReturn:
        """Only counters of records about to be written are put by commands of items."""
        raise _Reached

    def delete(self, *_key: object) -> NoReturn:
        """Likewise."""
        raise _Reached
