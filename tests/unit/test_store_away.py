"""A database that goes away in the middle of a step: nothing of that step is left in memory when it is back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from node.errors import LocalError, StoreError
from node.services.commands import carry_out
from node.services.matters.desk import Caller
from node.services.outputs import Outputs
from node.services.runner import Runner
from tests.sim.world import Machine, found

_WAIT_S = 10.0
OPERATOR = Caller("root")
_TOUCHED = ("begin", "commit", "rollback", "get", "rows", "logs", "record_count", "dirty_logs")


class _Away:
    """A store that raises in everything while it is down, from the next commit on."""

    def __init__(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.down = self.from_commit = False
        self.asked = 0
        for name in _TOUCHED:
            monkeypatch.setattr(machine.office.store, name, self._guarded(name, getattr(machine.office.store, name)))

    def _guarded(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            if name == "commit" and self.from_commit:
                self.from_commit, self.down = False, True
            if self.down:
                self.asked += 1
                raise StoreError("连接不上数据库", code="unreachable")
            return real(*args, **named)

        return call


def _answer(outputs: Outputs) -> None:
    for callback in outputs.after_commit:
        callback()


def _register(machine: Machine, title: str) -> dict[str, Any]:
    answer = carry_out(machine.office, "item.register", {"title": title}, OPERATOR)
    assert isinstance(answer, dict)
    return answer


def test_after_a_database_was_away_the_next_record_continues_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by `make chaos` (seed 2): the aborted step's records and answers stayed in memory (I2)."""
    machine = found(1, "320000", real=True)
    office = machine.office
    store = _Away(machine, monkeypatch)
    told: list[str] = []
    crashes: list[BaseException] = []

    def deliver(outputs: Outputs) -> None:
        for callback in outputs.after_commit:
            callback()
        told.extend(f"{type(frame).__name__}" for _, frame in outputs.frames)

    runner = Runner(office, deliver, crashes.append)
    runner.start()
    first = runner.call(lambda: _register(machine, "甲")).result(_WAIT_S)
    store.from_commit = True
    lost = runner.call(lambda: _register(machine, "乙"))
    with pytest.raises(StoreError):
        lost.result(_WAIT_S)
    with pytest.raises(StoreError):
        runner.call(lambda: _register(machine, "丙")).result(_WAIT_S)
    asked = store.asked
    assert asked < 200, "a store that is away is not asked without pause"
    store.down = False
    second = runner.call(lambda: _register(machine, "丁")).result(_WAIT_S)
    runner.stop(_WAIT_S)
    assert crashes == []
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    numbers = [int(answer["number"].rsplit("-", 1)[1]) for answer in (first, second)]
    assert numbers[1] == numbers[0] + 1, "a number was used that nobody was told of"
    assert machine.audit()["ok"], machine.audit()["findings"]


def test_whoever_asked_and_left_stops_nobody() -> None:
    """A command whose caller is gone is answered into the void, not into the core (found reading what seed 2 left)."""
    machine = found(1, "320000", real=True)
    outputs: list[Outputs] = []
    crashes: list[BaseException] = []
    runner = Runner(machine.office, outputs.append, crashes.append)
    left = runner.call(lambda: _register(machine, "甲"))
    left.cancel()
    runner.start()
    runner.call(lambda: None)
    runner.stop(_WAIT_S)
    for one in outputs:
        for callback in one.after_commit:
            callback()
    assert crashes == []
    assert left.result(_WAIT_S)


def test_a_board_that_cannot_be_folded_is_said_once_and_tried_with_each_job(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = found(1, "320000", real=True)
    crashes: list[BaseException] = []
    tried = 0

    def broken(**_how: bool) -> int:
        nonlocal tried
        tried += 1
        raise ValueError("fold")

    monkeypatch.setattr(machine.office, "project", broken)
    runner = Runner(machine.office, _answer, crashes.append)
    runner.start()
    for _ in range(3):
        runner.call(lambda: None).result(_WAIT_S)
    runner.stop(_WAIT_S)
    assert crashes == []
    assert 4 <= tried <= 6, "as often as there were jobs, and once to say so"
    assert [alarm.code for alarm in machine.office.alarms.standing()] == ["projection"]


def test_of_commands_taken_together_the_one_that_meets_a_bug_is_answered_too() -> None:
    """Before, nobody was told: the caller waited until its own deadline."""
    machine = found(1, "320000", real=True)
    crashes: list[BaseException] = []
    runner = Runner(machine.office, _answer, crashes.append)

    def bug() -> object:
        raise ValueError("bug")

    asked = [runner.call(run) for run in (lambda: _register(machine, "甲"), bug, lambda: _register(machine, "乙"))]
    runner.start()
    assert asked[0].result(_WAIT_S)
    assert asked[2].result(_WAIT_S)
    with pytest.raises(LocalError, match="内部错误"):
        asked[1].result(_WAIT_S)
    runner.stop(_WAIT_S)
    assert crashes == []


@pytest.mark.parametrize("code", ["timeout", "io"])
def test_a_store_that_fails_inside_a_command_takes_the_whole_step_back(code: str) -> None:
    """Found by seeds 513, 1065: it was taken for a refusal, and the step was committed without what had failed.

    With PostgreSQL that commit is none, though the driver raises nothing: what others had been told of was lost (I2).
    And a disk that breaks inside a command must stop the process (D5).
    """
    machine = found(1, "320000", real=True)
    crashes: list[BaseException] = []
    runner = Runner(machine.office, _answer, crashes.append)

    def failing() -> object:
        raise StoreError("数据库操作失败", code=code)

    asked = [runner.call(run) for run in (lambda: _register(machine, "甲"), failing)]
    runner.start()
    for one in asked:
        with pytest.raises(StoreError):
            one.result(_WAIT_S)
    if code == "timeout":
        assert runner.call(lambda: _register(machine, "甲")).exception(_WAIT_S) is None
    runner.stop(_WAIT_S)
    assert [type(crash) for crash in crashes] == ([StoreError] if code == "io" else [])
    assert machine.office.health.fault == code
    assert len(machine.items()) == (code == "timeout")
    assert machine.audit()["ok"]
