"""What a refusal offers instead: where an approval has to come first, the offer says so, with the step that is missing.

`guards` knows the life cycle and no profile, so it offers what the state allows. Here the chains of the profile are
asked, by the checks that the commands themselves make (R40, R48).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from node.errors import DulianError, InputError
from node.items import guards
from node.items.fold import ItemState
from node.records.kinds import Kind
from node.services.matters import acting, chains, reviewing
from node.services.matters.desk import Desk, current

_Check = Callable[[Desk, ItemState], object]
_CHECKS: Mapping[Kind, tuple[_Check, ...]] = {
    Kind.DISPATCH: (lambda desk, state: chains.check_ready(desk, state, "交办"),),
    Kind.DECOMPOSE: (lambda desk, state: chains.check_ready(desk, state, "分解"),),
    Kind.HANDLE: (lambda desk, state: chains.check_ready(desk, state, "内部交办"),),
    Kind.PROGRESS: (lambda desk, state: acting.check_set_up(desk, state, "报告进展"),),
    Kind.FINAL: (
        lambda desk, state: acting.check_set_up(desk, state, "报结"),
        lambda desk, state: chains.basis(desk, "report", state),
    ),
    Kind.ACCEPT: (lambda desk, state: chains.basis(desk, "accept", state),),
    Kind.ESTABLISH: (lambda desk, state: chains.check_set_up(desk, state, "立项"),),
    Kind.EXT_DECISION: (lambda desk, state: chains.basis(desk, "extension", state),),
    Kind.CLOSE: (reviewing.check_accepted, reviewing.closing_case),
}


def complete(desk: Desk, word: str, error: DulianError) -> None:
    """Put into the remedy of a refusal of an act on the item ``word`` what its offers have to wait for."""
    if guards.OFFERED not in error.remedy:
        return
    try:
        state = current(desk, word)
    except DulianError:
        return  # the refusal was of another item
    plain = guards.instead(state, desk.identity.code)
    if plain in error.remedy:
        said = guards.instead(state, desk.identity.code, lambda kind: missing(desk, state, kind))
        error.advise(error.remedy.replace(plain, said))


def missing(desk: Desk, state: ItemState, kind: Kind) -> str:
    """The approval an act of this kind would be refused for now, with the step that is next; empty for none."""
    for check in _CHECKS.get(kind, ()):
        try:
            check(desk, state)
        except InputError as error:
            if error.code == "approval":
                step = error.text.rpartition("，")[2]  # chains name it last, where one waits
                only = "同意的" if kind == Kind.EXT_DECISION else ""
                return f"{only}须先经审批" + (f"，{step}" if "步 " in step else f"：{error.text}")
            return ""
    return ""
