"""What a disk loses silently (faults.md D1, D3, D8): a torn tail, told by a file beside it; a row of the log table."""

import pytest

from node.bootstrap.tailfile import TailPath
from node.errors import ForbiddenError, StoreError
from node.services.exchange.author import Author
from node.services.exchange.logs import Logs
from node.services.mending import comeback, tail
from node.services.mending.tail import Last
from node.storage.port import LogRow
from tests.sim.test_recovery import drop_links, reconnect, task_of
from tests.sim.test_smoke import CITY, COUNTY, run, tree
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


def test_a_tail_torn_after_a_restore_and_before_the_neighbours_were_asked_is_noticed(tree):
    """Seeds 998, 1209: in the epoch that the restore had begun, the same numbers were given to other records."""
    wire, _, city, county = tree
    task = task_of(city, "防汛物资")
    wire.settle()
    backup = county.store.copy()
    run(county, "item.sign", item=task)
    wire.settle()
    county.crash()
    county.store.put_back(backup)
    county.tail.raw = b""  # `restore` makes a home of its own
    county.store.begin()
    comeback.begin(county.store, comeback.RESTORE, 0, county.clock.now_ms())
    logs = Logs(county.store, county.path)
    restored = Author(county.identity, county.world, county.store, logs).begin_epoch(comeback.RESTORE).header.epoch
    logs.flush()
    county.store.commit(durable=True)
    county.start()
    county.office.project(force=True)
    copy = county.store.copy()
    run(county, "item.register", title="自办")
    assert county.office.author.comeback.pending
    torn(county, copy)
    with pytest.raises(ForbiddenError, match="回退"):
        run(county, "item.register", title="另一件自办")
    reconnect(wire, city, county)
    for _ in range(3):
        wire.settle()
    assert county.office.author.epoch > restored
    assert not county.office.author.recovering
    assert run(county, "item.register", title="另一件自办")
    assert county.audit()["ok"]
    assert "fork" not in codes(city) | codes(county)


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


def test_a_lost_row_of_the_log_table_and_lost_records_of_that_log_come_back_together(tree):
    """D1, D8: the head is that of the last record that is there, whatever is missing before it (seed 1206)."""
    wire, _, city, county = tree
    for title in ("甲", "乙", "丙", "丁"):
        task_of(city, title)
    wire.settle()
    tables = county.store._tables
    (no,) = [no for no, row in tables.log.held.items() if (row.key.author, *row.key.line.path) == (CITY, CITY, COUNTY)]
    before, records = tables.log.held.pop(no), dict(tables.record.held)
    for seq in (2, 3):
        tables.record.held.pop((no, seq))
    restart(county)
    assert tables.log.held[no].head_seq == before.head_seq == 4
    county.office.step([county.office.reconcile.scrub])
    reconnect(wire, city, county)
    wire.settle()
    assert tables.record.held.keys() >= records.keys()
    assert county.audit()["ok"]
    task_of(city, "戊")
    wire.settle()
    assert county.digests().items() <= city.digests().items()
    assert len(county.digests()) == 5


def test_records_that_name_no_log_any_more_are_met_by_no_other_log(tree):
    """D1 and D8 in one log, the newest: the next one got its number, and met its records for ever."""
    wire, _, city, county = tree
    task = task_of(city, "防汛物资")
    wire.settle()
    tables = county.store._tables
    no = max(tables.log.held)
    assert tables.log.held.pop(no).key.author == COUNTY
    row = tables.record.held[no, 1]
    tables.record.held[no, 1] = row._replace(header=b"\xff" + row.header[1:])
    county.store.rotten.add((no, 1))
    restart(county)
    county.office.step([county.office.reconcile.scrub])
    reconnect(wire, city, county)
    for _ in range(3):
        wire.settle()
    assert county.audit()["ok"]
    assert not county.office.author.recovering
    run(county, "item.sign", item=task)
    wire.settle()
    assert county.digests().items() <= city.digests().items()
    assert {row["state"] for row in city.items() if row["id"] == task} == {"signed"}
    assert not codes(county) & {"internal", "followup"}


@pytest.mark.parametrize("author", [CITY, COUNTY])
def test_an_old_piece_of_the_log_table_stops_neither_a_link_nor_the_office(tree, author):
    """D8: the head stands at an earlier record; every write met the later ones, and each time all links were closed."""
    wire, _, city, county = tree
    task = task_of(city, "防汛物资")
    wire.settle()
    table = county.store._tables.log
    (no,) = [no for no, row in table.held.items() if (row.key.author, *row.key.line.path) == (author, CITY, COUNTY)]
    old = table.held[no]
    run(county, "item.sign", item=task)
    for word in ("甲", "乙"):
        run(county, "item.report", item=task, text=word)
        run(city, "item.urge", item=task, text=word)
    wire.settle()
    table.held[no] = old
    county.tail.raw = b""  # on the disk that was exchanged
    restart(county)
    with pytest.raises(StoreError):
        if author == COUNTY:
            run(county, "item.report", item=task, text="丙")
        else:
            drop_links(city)
            drop_links(county)
            wire.connect(county)
            run(city, "item.urge", item=task, text="丙")
            wire.settle()
    county.office.take_abandoned()
    assert table.held[no].head_seq >= 3
    county.office.project()
    assert "log_lost" in codes(county)
    reconnect(wire, city, county)
    for _ in range(3):
        wire.settle()
    run(county, "item.submit", item=task, text="已办结")
    wire.settle()
    assert {row["state"] for row in city.items() if row["id"] == task} == {"submitted"}
    assert county.digests().items() <= city.digests().items()
    assert county.audit()["ok"]
    assert "fork" not in codes(city) | codes(county)


def test_a_command_that_meets_a_lost_row_says_what_the_store_said(tree):
    """Seeds 513, 1065: it was taken for a refusal, and what the command had written could not be taken back."""
    wire, _, city, county = tree
    task_of(city, "防汛物资")
    held = city.store._tables.log.held
    (no,) = [no for no, row in held.items() if row.key.line.path == (CITY,) and not row.key.line.subtree]
    del held[no]
    with pytest.raises(StoreError) as caught:
        task_of(city, "抗旱物资")
    assert caught.value.code == "conflict"
    assert no in held
    with pytest.raises(ForbiddenError, match="回退"):  # nobody here can tell whether records are missing at its end
        task_of(city, "抗旱物资")
    for child in (city, county):
        wire.connect(child)
    for _ in range(3):
        wire.settle()
    assert task_of(city, "抗旱物资")
    assert city.audit()["ok"]


def test_the_file_is_overwritten_in_place_and_read_back(tmp_path):
    file = TailPath(tmp_path / "last-own")
    assert file.read() == b""
    for seq in (7, 12):
        raw = tail.encode("320000", Last(bytes(32), seq, bytes(32)))
        file.write(raw)
        assert file.read() == raw
    assert (tmp_path / "last-own").stat().st_mode & 0o777 == 0o600
    TailPath(tmp_path / "absent" / "last-own").write(raw)  # a disk that does not take it stops nobody
