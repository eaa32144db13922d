"""A row of the log table is lost, and records with it: made anew it says nothing wrong, and all comes back (D1, D8)."""

from functools import partial

import pytest

from node.errors import ForbiddenError
from node.records.kinds import Kind
from node.records.line import Line
from node.records.payload import Act
from node.storage.port import Ack, Evidence
from tests.sim.test_disk import codes, restart
from tests.sim.test_finds import last_row
from tests.sim.test_recovery import task_of
from tests.sim.test_smoke import CITY, COUNTY, PROVINCE, run, tree
from tests.sim.world import NotAdmitted, admit, found

__all__ = ["tree"]
BELOW_CITY = Line((PROVINCE, CITY), subtree=True)


def notices(wire, city, count):
    """Records of the city that everybody below it holds; returns their log as the county has it."""
    for number in range(count):
        wire.step(city, lambda text=f"通报{number}": city.office.author.write(Kind.NOTICE, BELOW_CITY, Act(text=text)))
    wire.settle()


def spoil(machine, log_no, seq, **what):
    """A record is not what it was any more; nothing given: it is gone."""
    held = machine.store._tables.record.held
    machine.store.rotten.add((log_no, seq))
    if what:
        held[log_no, seq] = held[log_no, seq]._replace(**what)
    else:
        del held[log_no, seq]


def content(row):
    """What stands in a row, but for its place."""
    return {name: value for name, value in row._asdict().items() if name not in ("log_no", "seq")}


def cut(*pair):
    """A link breaks, and both ends know it."""
    for machine, peer in (pair, pair[::-1]):
        session = machine.office.links.session_of(peer.code)
        machine.office.step([partial(machine.office.links.lost, session.number)])


def heads(machine, peer):
    return {log.log_id: log.head for log in machine.office.logs.index.link(peer.code) if log.seq}


def settled(wire, *machines):
    for _ in range(3):
        wire.settle()
    for machine in machines:
        assert machine.audit()["ok"], machine.audit()["findings"]
        assert not codes(machine) & {"damaged", "no_replica", "fork", "rejected_log", "internal"}
    wire.settle()


@pytest.mark.parametrize("how", ["id", "payload", "another log", "unreadable"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_log_made_anew_never_ends_in_a_damaged_record(tree, how, count):
    wire, _, city, county = tree
    notices(wire, city, 3)
    row, log = last_row(county, author=CITY, line=BELOW_CITY)
    other, _ = last_row(county, author=COUNTY, line=Line((PROVINCE, CITY, COUNTY), subtree=True))
    what = {
        "id": {"record_id": bytes(32)}, "payload": {"payload": b"\0" + row.payload}, "unreadable": {"header": b"\xff"},
        "another log": content(other),
    }[how]  # fmt: skip
    for seq in range(log.seq - count + 1, log.seq + 1):
        spoil(county, log.log_no, seq, **what)
    del county.store._tables.log.held[log.log_no]
    restart(county)
    assert county.office.logs.index.get(log.log_id).seq == log.seq - count
    assert len(county.store.rows(Evidence, peer=COUNTY)) == count
    wire.connect(county)
    settled(wire, city, county)
    assert heads(county, city) == heads(city, county)


@pytest.mark.parametrize("how", ["a record of another log before it", "nothing readable", "nothing, the last log"])
def test_what_a_lost_log_was_is_told_by_its_own_records_alone(tree, how):
    wire, _, city, county = tree
    notices(wire, city, 2)
    _, log = last_row(county, author=CITY, line=BELOW_CITY)
    if how.endswith("last log"):
        log = county.office.logs.index.by_no(len(county.office.logs.index))
    other, held = last_row(county, author=COUNTY, line=Line((PROVINCE, CITY, COUNTY), subtree=True))
    assert held is not log
    if how.startswith("nothing"):
        for seq in range(1, log.seq + 1):
            spoil(county, log.log_no, seq, header=b"\xff")
    else:
        spoil(county, log.log_no, 1, **content(other))
    del county.store._tables.log.held[log.log_no]
    restart(county)
    if how.startswith("nothing"):
        assert county.office.logs.index.get(log.log_id) is None
        assert county.store.rows(Ack, log_no=log.log_no) == []
    wire.connect(county)
    settled(wire, city, county)
    assert heads(county, city) == heads(city, county)
    assert not county.office.author.recovering


def test_an_own_log_made_anew_gives_no_number_twice(tree):
    wire, _, city, county = tree
    first, second = task_of(city, "一事"), task_of(city, "二事")
    wire.settle()
    for task in (first, second):
        run(county, "item.sign", item=task)
    wire.settle()
    row, log = last_row(county, author=COUNTY, line=Line((CITY, COUNTY)))
    run(county, "item.register", title="自办", requirement="照常办理")  # the newest own record stands in another log
    spoil(county, log.log_no, log.seq)
    del county.store._tables.log.held[log.log_no]
    restart(county)
    epoch = county.office.author.epoch
    with pytest.raises(ForbiddenError, match="回退"):
        run(county, "item.report", item=first, text="已储备", percent=70)
    assert "rolled_back" in codes(county)
    wire.connect(county)
    settled(wire, city, county)
    assert county.office.author.epoch > epoch
    assert "rolled_back" not in codes(county)
    assert county.store.records_at([(log.log_no, log.seq)])[0].record_id == row.record_id
    run(county, "item.report", item=first, text="已储备", percent=70)
    settled(wire, city, county)
    assert {item["percent"] for item in city.items() if item["id"] == first} == {70}
    assert heads(county, city) == heads(city, county)


def test_one_scrub_finds_the_lost_row_of_a_log_and_what_its_records_lack(tree):
    wire, _, city, county = tree
    notices(wire, city, 3)
    _, log = last_row(county, author=CITY, line=BELOW_CITY)
    for seq in (log.seq - 1, log.seq):
        spoil(county, log.log_no, seq)
    del county.store._tables.log.held[log.log_no]
    wire.step(county, county.office.reconcile.scrub)
    assert "log_lost" in codes(county)
    settled(wire, county)
    assert county.store.logs()[log.log_no - 1].head_seq == log.seq


def test_records_lost_before_they_were_passed_on_are_missed_at_once(tree):
    wire, root, city, county = tree
    cut(root, city)
    cut(city, county)
    wire.step(root, lambda: root.office.author.write(Kind.NOTICE, Line((PROVINCE,), subtree=True), Act(text="通报")))
    wire.connect(city)
    log = city.office.logs.index.get(next(
        log.log_id for log in root.office.logs.index.author(PROVINCE) if log.key.line == Line((PROVINCE,), subtree=True)
    ))  # fmt: skip
    spoil(city, log.log_no, log.seq)
    wire.connect(county)
    settled(wire, city, county)
    assert heads(county, city) == heads(city, county)


def test_a_child_joins_only_with_a_certificate_that_its_parent_has_kept():
    root = found(3, PROVINCE, real=False)
    with pytest.raises(NotAdmitted):
        admit(3, root, CITY, real=False, step=lambda _: None)
    assert admit(3, root, CITY, real=False).parent == PROVINCE


def test_what_a_step_found_that_was_given_up_is_not_judged_and_the_next_is(tree):
    _, root, city, _ = tree
    mark = city.office.marks._rows[CITY]
    root.fulfilled.append(mark)
    city.promised.clear()
    for machine in (root, city):
        machine.office._abandon()
    assert root.fulfilled == []
    city.office.step([city.office.marks.write])
    assert list(city.promised) == [city.office.marks._rows[CITY].signature]


def test_who_is_certified_below_a_lost_certificate_is_known_again_once_it_is_put_back(tree):
    """Seed 1674: at the start nobody could believe the city, and so not the county, whose certificate was whole."""
    wire, province, city, county = tree
    keyring, store = province.office.keyring, province.store
    city_place, county_place = (
        next(place for place, row in store._tables.record.held.items() if row.record_id == key.record_id)
        for key in (keyring.current(CITY), keyring.current(COUNTY))
    )
    spoil(province, *city_place)
    spoil(province, county_place[0], 1)  # what stands before the county's certificate is fetched, not the certificate
    restart(province)
    assert not province.office.keyring.current(CITY)
    assert not province.office.keyring.current(COUNTY)
    province.office.step([province.office.reconcile.scrub])
    wire.connect(city)
    settled(wire, province, city, county)
    assert province.office.keyring.current(CITY)
    assert province.office.keyring.current(COUNTY)


def test_a_log_of_which_nothing_is_left_is_fetched_again_while_the_node_runs(tree):
    """Seed 2978: row and records are gone; what is left is consistent, and only the running node knows better."""
    wire, _, city, county = tree
    notices(wire, city, 2)
    _, log = last_row(county, author=CITY, line=BELOW_CITY)
    before = county.store._tables.record.held[log.log_no, log.seq]
    for seq in range(1, log.seq + 1):
        spoil(county, log.log_no, seq)
    del county.store._tables.log.held[log.log_no]
    county.office.step([county.office.reconcile.scrub])
    assert "log_lost" in codes(county)
    cut(city, county)
    wire.connect(county)
    settled(wire, city, county)
    again = county.store._tables.record.held[log.log_no, log.seq]
    assert again._replace(received_ms=before.received_ms) == before  # when it first came nobody knows any more
    assert heads(county, city) == heads(city, county)
