"""What a disk loses silently (faults.md D1, D3, D8): a torn tail, told by a file beside it; a row of the log table."""

import pytest

from node.bootstrap.tailfile import TailPath
from node.errors import ForbiddenError
from node.services import tail
from node.services.tail import Last
from node.storage.port import LogRow
from tests.sim.test_recovery import reconnect, task_of
from tests.sim.test_smoke import run, tree
from tests.sim.world import found

__all__ = ["tree"]


def codes(machine):
    return {alarm.code for alarm in machine.office.alarms.standing()}


def torn(machine, copy):
    """The power fails, and of the database only an older state is left; the file beside it is as it was."""
    machine.crash()
    machine.store.put_back(copy)
    machine.start()
    machine.office.project(force=True)


def restart(machine):
    machine.crash()
    machine.start()
    machine.office.project(force=True)


def test_a_torn_database_is_noticed_before_anything_is_written(tree):
    wire, _, city, county = tree
    task = task_of(city, "防汛物资")
    wire.settle()
    copy = county.store.copy()
    run(county, "item.sign", item=task)
    wire.settle()
    epoch = county.office.author.epoch
    torn(county, copy)
    with pytest.raises(ForbiddenError, match="回退"):
        run(county, "item.sign", item=task)
    assert "rolled_back" in codes(county)
    reconnect(wire, city, county)
    for _ in range(3):
        wire.settle()
    assert not county.office.author.recovering
    assert county.office.author.epoch > epoch
    assert "rolled_back" not in codes(county)
    assert "fork" not in codes(city) | codes(county)
    assert county.digests().items() <= city.digests().items()


def test_a_whole_database_is_not_suspected(tree):
    wire, _, city, county = tree
    task = task_of(city, "防汛物资")
    wire.settle()
    run(county, "item.sign", item=task)
    restart(county)
    run(county, "item.report", item=task, text="已储备", percent=70)
    county.tail.raw = county.tail.before  # written without waiting: the file may be behind
    restart(county)
    county.tail.raw = county.tail.raw[:-4] + b"0000"  # or damaged
    restart(county)
    run(county, "item.report", item=task, text="又储备", percent=80)
    assert not codes(county) & {"rolled_back", "recovered"}


def test_an_office_without_neighbours_goes_on_alone():
    root = found(3, "320000", real=False)
    copy = root.store.copy()
    run(root, "item.register", title="自办", requirement="逐项落实")
    torn(root, copy)
    with pytest.raises(ForbiddenError):
        run(root, "item.register", title="自办", requirement="逐项落实")
    epoch = root.office.author.epoch
    root.office.step([root.office.tick])
    assert root.office.author.epoch > epoch
    assert run(root, "item.register", title="自办", requirement="逐项落实")


def test_the_line_is_taken_only_whole():
    last = Last(bytes(32), 7, bytes(range(32)))
    raw = tail.encode("320000", last)
    assert tail.decode("320000", raw) == last
    assert tail.decode("320100", raw) is None
    for at in range(len(raw)):
        assert tail.decode("320000", raw[:at]) is None
        assert tail.decode("320000", raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :]) is None
    assert tail.decode("320000", b"\xff" * len(raw)) is None


@pytest.mark.parametrize("restarted", [True, False])
def test_a_lost_row_of_the_log_table_is_made_anew(tree, restarted):
    wire, _, city, county = tree
    task = task_of(city, "防汛物资")
    wire.settle()
    run(county, "item.sign", item=task)
    wire.settle()
    held = county.store._tables.log.held
    own = [no for no, row in held.items() if row.key.author == county.code]
    before = {no: held[no] for no in (own[0], max(held))}
    digests = county.digests()
    for no in before:
        del held[no]
    assert not county.audit()["ok"]
    if restarted:
        restart(county)
        assert "log_lost" in codes(county)
    else:
        county.office.step([county.office.reconcile.scrub])
        county.office.project()
    after = {no: held[no] for no in before}
    assert {no: row._replace(checked_seq=0) for no, row in after.items()} == {
        no: LogRow(*row)._replace(checked_seq=0) for no, row in before.items()
    }
    assert county.audit()["ok"]
    assert county.digests() == digests
    reconnect(wire, city, county)
    wire.settle()
    run(county, "item.report", item=task, text="已储备", percent=70)
    wire.settle()
    assert {row["percent"] for row in city.items() if row["id"] == task} == {70}


def test_the_file_is_overwritten_in_place_and_read_back(tmp_path):
    file = TailPath(tmp_path / "last-own")
    assert file.read() == b""
    for seq in (7, 12):
        raw = tail.encode("320000", Last(bytes(32), seq, bytes(32)))
        file.write(raw)
        assert file.read() == raw
    assert (tmp_path / "last-own").stat().st_mode & 0o777 == 0o600
    TailPath(tmp_path / "absent" / "last-own").write(raw)  # a disk that does not take it stops nobody
