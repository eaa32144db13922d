"""The core thread: who wrote reads what was written, also while the board is still being brought up to date."""

from __future__ import annotations

import threading
from collections.abc import Callable

from node.services.commands import carry_out, inquire
from node.services.matters.desk import Caller
from node.services.outputs import Outputs
from node.services.runner import Runner
from tests.sim.world import found

_WAIT_S = 10.0
OPERATOR = Caller("root")


class _Held:
    """Lets the projection wait until it is released."""

    def __init__(self, project: Callable[..., int]) -> None:
        self.project = project
        self.gate = threading.Event()

    def __call__(self, **how: bool) -> int:
        assert self.gate.wait(_WAIT_S)
        return self.project(**how)


def _deliver(outputs: Outputs) -> None:
    for callback in outputs.after_commit:
        callback()


def test_what_was_acknowledged_is_shown_once_the_board_has_caught_up() -> None:
    office = found(1, "320000", real=True).office
    held = _Held(office.project)
    office.project = held  # type: ignore[method-assign]
    crashes: list[BaseException] = []
    runner = Runner(office, _deliver, crashes.append)
    early = runner.projected()
    assert not early.done(), "what an earlier run left is not yet shown"
    held.gate.set()
    runner.start()
    early.result(_WAIT_S)
    held.gate.clear()
    found_id = runner.call(lambda: carry_out(office, "item.register", {"title": "甲"}, OPERATOR)).result(_WAIT_S)
    assert isinstance(found_id, dict)
    behind, given_up = runner.projected(), runner.projected()
    assert not behind.done()
    assert given_up.cancel()
    held.gate.set()
    behind.result(_WAIT_S)
    rows = inquire(office.store.reader(), office.view(), "item.list", {}, OPERATOR)
    assert isinstance(rows, list)
    assert [row["title"] for row in rows] == ["甲"]
    assert runner.projected().done(), "nobody waits for a board that is up to date"
    runner.stop(_WAIT_S)
    assert crashes == []
