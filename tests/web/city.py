"""A city's console, with counties below that have worked and said things: real nodes in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from node.bootstrap.control import Control
from node.services.outputs import Outputs
from node.services.runner import Runner
from node.web.app import make_console
from tests.sim.world import Machine
from tests.unit.offices import COUNTY, DUE, TOWN, Offices
from tests.web.desk import URL, Desk, Hands, hire

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7919*7907}}"


@contextmanager
def open_city() -> Iterator[tuple[Desk, str, list[str]]]:
    """The console, the city's item, its tasks: one signed, reported and asking for more time, one refused."""
    found = Offices()
    answer = found.do(found.city, "issue", title=f"整治{EVIL}", requirement=EVIL, to=[COUNTY, TOWN], due=DUE)
    tasks = [str(one["item"]) for one in answer["assignments"]]
    found.do(found.county, "sign", tasks[0])
    found.do(found.county, "report", tasks[0], text=f"县里的话{EVIL}", percent=40)
    found.do(found.county, "extend", tasks[0], until="2027-03-31", reason=EVIL)
    found.do(found.town, "refuse", tasks[1], reason=EVIL)
    with console_of(found.city) as desk:
        yield desk, str(answer["item"]), tasks


@contextmanager
def console_of(machine: Machine) -> Iterator[Desk]:
    """The console of a machine in memory, with the people of `hire`."""
    office = machine.office
    crashes: list[BaseException] = []

    def deliver(outputs: Outputs) -> None:
        for callback in outputs.after_commit:
            callback()

    runner = Runner(office, deliver, crashes.append)
    runner.start()

    async def unchanged() -> None:
        """No invitations here."""

    control = Control(office, runner, machine.blobs, 2 * 1_048_576, unchanged)  # type: ignore[arg-type]
    control.console_url = URL
    desk = Desk(office, runner, control, make_console(control, office), Hands())
    try:
        desk.core(lambda one: hire(one.store))
        yield desk
    finally:
        desk.close()
        runner.stop(10)
    assert not crashes


def inert(page: Any) -> None:
    """Nothing of what others wrote is more than text."""
    assert not page.select("main script:not([src]), main img, [onerror], style, [style]")
    assert "62615533" not in page.get_text().replace("{{7919*7907}}", "")
