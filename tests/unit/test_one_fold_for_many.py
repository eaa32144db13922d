"""Many commands share a step of the core: what they write is folded once, not once for each of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from node.services.commands import COMMANDS
from tests.sim.test_smoke import ME
from tests.unit.offices import COUNTY, Offices


@pytest.mark.parametrize("verb", ["sign", "report"])
def test_acts_on_different_items_are_not_folded_one_by_one(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 进展 did so for a while, and a county took 790 records a second in place of 1,700."""
    offices = Offices()
    items = []
    for number in range(4):
        made = offices.do(offices.city, "issue", title=f"任务{number}", to=[COUNTY])
        items.append(made["assignments"][0]["item"])
        if verb != "sign":
            offices.do(offices.county, "sign", items[-1])
    office, answers = offices.county.office, list[object]()
    run, folds = office.projector.run, 0

    def counted() -> object:
        nonlocal folds
        folds += 1
        return run()

    monkeypatch.setattr(office.projector, "run", counted)

    def act(item: str) -> object:
        return COMMANDS[f"item.{verb}"](office, {"item": item, "text": "已完成三成"}, ME)

    def keep(answer: object, error: object) -> None:
        assert error is None
        answers.append(answer)

    events: list[Callable[[], None]] = [office.command(partial(act, item), keep) for item in items]
    for callback in office.step(events).after_commit:
        callback()
    assert len(answers) == len(items)
    assert folds <= 1
