"""The core thread: who wrote reads what was written, also while the board is still being brought up to date."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from node.services import runner as runners
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


@pytest.mark.parametrize("told", [True, False])
def test_frames_and_answers_are_on_their_way_before_the_board_is_made(
    told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interpreter runs one thread at a time; a loop that says nothing is waited for a moment only."""
    monkeypatch.setattr(runners, "_HAND_OVER_MAX_S", _WAIT_S if told else 0.01)
    office = found(1, "320000", real=True).office
    crashes: list[BaseException] = []
    order: list[str] = []

    def on_its_way() -> None:
        time.sleep(0.05)
        order.append("sent")
        runner.handed_over()

    def deliver(outputs: Outputs) -> None:
        _deliver(outputs)
        if told and outputs.after_commit:
            threading.Thread(target=on_its_way).start()

    runner = Runner(office, deliver, crashes.append)
    runner.watch(lambda _items: order.append("shown"))
    runner.start()
    runner.projected().result(_WAIT_S)
    runner.call(lambda: carry_out(office, "item.register", {"title": "甲"}, OPERATOR)).result(_WAIT_S)
    runner.projected().result(_WAIT_S)
    runner.stop(_WAIT_S)
    assert order == (["sent", "shown"] if told else ["shown"])
    assert crashes == []
