"""A fork that is settled: the nights after it balance again; until then they do not."""

from node.services.mending.statements import history_document
from tests.sim.test_forks import forked
from tests.sim.test_smoke import CITY, PROVINCE, run, tree

__all__ = ["forked", "tree"]


def reconciled(wire, child, parent):
    numbers = []
    wire.step(child, lambda: numbers.append(child.office.reconcile.request(parent)))
    for _ in range(40):
        wire.settle()
        found = child.office.reconcile.document(parent, numbers[0])
        if found is not None:
            wire.settle()
            return found
    raise AssertionError("no end")


def codes(*machines):
    return {alarm.code for machine in machines for alarm in machine.office.alarms.standing()}


def labels(*machines):
    said = [history_document(one.store.reader(), one.office.view(), {}) for one in machines]
    return {row["outcome_label"] for rows in said for row in rows}


def test_the_alarm_of_the_night_ends_with_the_fork(forked):
    """Found by `make chaos` (seed 4): 对账不符 stood for ever on every link of the line, and nobody could end it."""
    (wire, province, city, county), _, _ = forked
    for _ in range(3):
        wire.settle()
    for child, parent in ((city, PROVINCE), (county, CITY)):
        assert reconciled(wire, child, parent)["outcome"] == "disputed"
    assert "reconcile" in codes(province, city) & codes(city, county)
    assert labels(province, city, county) == {"有争议"}
    run(city, "fork.settle", log="all")
    for _ in range(3):
        wire.settle()
    for child, parent in ((city, PROVINCE), (county, CITY)):
        found = reconciled(wire, child, parent)
        assert (found["ok"], found["outcome"], found["disputed"]) == (True, "balanced", 0)
    assert "reconcile" not in codes(province, city, county)
    # 对账单 are signed and stay as they are; what is over is shown as over, in the night of the dispute too.
    assert labels(province, city, county) == {"分叉已处置"}
