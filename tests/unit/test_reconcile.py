"""Reconciling links of offices in memory: agreement, damage found and mended byte for byte, both statements."""

from __future__ import annotations

from typing import Any

import pytest

from node.records.header import decode
from node.records.kinds import Kind
from node.records.line import Line
from node.services.care.status import status_document
from node.services.mending.statements import history, statements
from node.storage.port import RecordRow
from tests.sim.world import Machine
from tests.unit.offices import CITY, COUNTY, PROVINCE, Offices

FAST_MS = 0


@pytest.fixture
def offices() -> Offices:
    made = Offices()
    for machine in made.wire.machines.values():
        machine.office.reconcile.fresh_ms = FAST_MS
    made.issue(made.province, [CITY])
    _, [task] = made.issue(made.city, [COUNTY])
    for text in ("一", "二", "三", "四", "五"):
        made.do(made.county, "report", task, text=f"进展{text}")
    return made


def reconcile(offices: Offices, machine: Machine, peer: str) -> dict[str, Any]:
    numbers: list[int] = []
    offices.wire.step(machine, lambda: numbers.append(machine.office.reconcile.request(peer)))
    assert numbers[0]
    for _ in range(40):
        offices.settle()
        found = machine.office.reconcile.document(peer, numbers[0])
        if found is not None:
            offices.settle()
            return found
    raise AssertionError("no end")


def log_of(machine: Machine, author: str, path: tuple[str, ...]) -> Any:
    logs = [log for log in machine.office.logs.index if log.key.author == author and log.key.line == Line(path)]
    return max(logs, key=lambda log: log.seq)


def spoil(machine: Machine, place: tuple[int, int], **fields: Any) -> RecordRow:
    """Something on the disk changes; returns what was there."""
    records = machine.store._tables.record.held
    row: RecordRow = records[place]
    records[place] = row._replace(**fields)
    return row


def flipped(raw: bytes, at: int = 9) -> bytes:
    return raw[:at] + bytes((raw[at] ^ 4,)) + raw[at + 1 :] if raw else b"x"


def test_a_link_in_agreement_costs_few_bytes_and_both_sides_sign_the_same(offices: Offices) -> None:
    found = reconcile(offices, offices.county, CITY)
    assert found["ok"]
    assert found["outcome"] == "balanced"
    assert found["bytes_sent"] + found["bytes_received"] <= 1024
    both = statements(offices.city.store, CITY, COUNTY, 9)
    assert {one.author for one in both} == {CITY, COUNTY}
    assert len({one.raw for one in both}) == 1
    [upper] = [one for one in both if one.author == CITY]
    [lower] = [one for one in both if one.author == COUNTY]
    assert lower.re == (upper.record_id,)
    assert statements(offices.county.store, CITY, COUNTY, 9) == both
    [row] = history(offices.city.store, CITY, [(CITY, COUNTY)], 9)
    assert row["equal"]
    assert row["ok"]
    assert not any(machine.office.alarms.standing() for machine in offices.wire.machines.values())


def test_the_parent_may_ask_for_it(offices: Offices) -> None:
    found = reconcile(offices, offices.city, COUNTY)
    assert found["ok"]
    assert found["with"] == COUNTY
    assert found["statement"]


@pytest.mark.parametrize("what", ["header", "signature", "payload", "salt", "record_id"])
@pytest.mark.parametrize("seq", [1, 3, 0])
@pytest.mark.parametrize("upper", [False, True])
def test_a_flipped_bit_is_found_and_put_right_from_the_other_side(
    offices: Offices, what: str, seq: int, *, upper: bool
) -> None:
    machine, peer = (offices.city, COUNTY) if upper else (offices.county, CITY)
    log = log_of(machine, COUNTY, (CITY, COUNTY))
    place = (log.log_no, seq or log.seq)
    row = machine.store._tables.record.held[place]
    was = spoil(machine, place, **{what: flipped(getattr(row, what))})
    found = reconcile(offices, machine, peer)
    assert found["ok"], found
    assert found["repaired"] == 1
    assert machine.store._tables.record.held[place] == was
    assert machine.audit()["ok"]
    assert not machine.office.alarms.standing()


def test_lost_rows_come_back_and_the_board_with_them(offices: Offices) -> None:
    log = log_of(offices.city, COUNTY, (CITY, COUNTY))
    count = log.seq - 1
    for seq in range(2, log.seq + 1):
        del offices.city.store._tables.record.held[log.log_no, seq]
    offices.later(0)  # nothing in memory hides it
    offices.city.office.reconcile.fresh_ms = FAST_MS
    found = reconcile(offices, offices.city, COUNTY)
    assert found["repaired"] == count
    assert found["ok"], found
    assert offices.city.audit()["ok"]
    offices.agreed()


def test_a_damaged_board_is_rebuilt(offices: Offices) -> None:
    board = offices.city.store._tables.board.held
    number, row = next(iter(board.items()))
    board[number] = row._replace(title="被改过", due_day=1)
    lost = max(board)
    del board[lost]
    assert not offices.city.audit()["ok"]
    found = reconcile(offices, offices.city, COUNTY)
    assert found["ok"]
    assert offices.city.audit()["ok"]
    assert lost in board


def test_a_wrong_head_in_the_log_table_is_put_right(offices: Offices) -> None:
    log = log_of(offices.city, COUNTY, (CITY, COUNTY))
    held = offices.city.store._tables.log.held
    held[log.log_no] = held[log.log_no]._replace(head_id=flipped(log.head_id))
    assert not offices.city.audit()["ok"]
    assert reconcile(offices, offices.city, COUNTY)["ok"]
    assert offices.city.audit()["ok"]


def test_what_only_one_node_holds_has_no_replica_and_that_is_an_alarm(offices: Offices) -> None:
    log = log_of(offices.province, PROVINCE, (PROVINCE,))
    spoil(offices.province, (log.log_no, 1), payload=b"x")
    reconcile(offices, offices.province, CITY)
    assert {"damaged", "no_replica"} <= {alarm.code for alarm in offices.province.office.alarms.standing()}


def test_equal_records_and_different_digests_are_a_fault_of_software(offices: Offices) -> None:
    board = offices.city.store._tables.board.held
    number, row = next((number, row) for number, row in board.items() if row.receiver == COUNTY)
    offices.city.office.reconcile.fresh_ms = 10**12  # the scrub does not find it first
    offices.city.office.reconcile._scrubbing._done_ms = offices.city.clock.now_ms()
    board[number] = row._replace(digest=flipped(row.digest))
    found = reconcile(offices, offices.county, CITY)
    assert not found["ok"]
    assert found["disputed"] == 1
    assert found["differing"] == [row.item_id.hex()]
    for machine in (offices.city, offices.county):
        assert "digest_differs" in {alarm.code for alarm in machine.office.alarms.standing()}


def test_known_damage_is_never_passed_on(offices: Offices) -> None:
    office = offices.county.office
    log = log_of(offices.county, COUNTY, (CITY, COUNTY))
    rows = offices.county.store.run(log.log_no, 0, 99, 10**6)
    spoil(offices.county, (log.log_no, 3), payload=b"x")
    from node.services.mending.scrub import Scrub

    found = Scrub(offices.county.store, office.keyring, None).found()
    offices.wire.step(offices.county, lambda: office.repairs.take(found))
    assert office.repairs.first_broken(log.log_no) == 3
    assert [row.seq for row in office.repairs.sound(log, 0, rows)] == [1, 2]
    shown = office.links._sides(log.log_id, 3)  # what a neighbour sees that speaks of a fork there
    assert {decode(envelope.header).seq for envelope in shown} >= {1, 2, 4}
    assert 3 not in {decode(envelope.header).seq for envelope in shown}
    offices.county.start()
    assert offices.county.office.repairs.first_broken(log.log_no) == 3


def test_a_broken_link_leaves_the_night_incomplete_and_it_is_caught_up(offices: Offices) -> None:
    county = offices.county
    offices.wire.step(county, lambda: county.office.reconcile.request(CITY, day=1))
    for machine in (county, offices.city):
        office = machine.office
        numbers = [n for n in office.links.session_numbers() if offices.wire.ends[machine.code, n][0] in (CITY, COUNTY)]
        offices.wire.step(machine, lambda office=office, numbers=numbers: [office.links.lost(n) for n in numbers])
        machine.sent.clear()
    assert county.office.reconcile.document(CITY, 1)["outcome"] == "incomplete"  # type: ignore[index]
    offices.wire.connect(county)
    assert reconcile(offices, county, CITY)["ok"]


def test_a_link_replaced_before_its_end_was_noticed_leaves_nothing_waiting(offices: Offices) -> None:
    """Simulator seeds 128, 189, 295: half-open, and what was asked over the old session was never answered (N7)."""
    city, county = offices.city, offices.county
    log = log_of(city, COUNTY, (CITY, COUNTY))
    was = spoil(city, (log.log_no, 3), payload=b"x")
    from node.services.mending.scrub import Scrub

    found = Scrub(city.store, city.office.keyring, None).found()
    numbers: list[int] = []
    offices.wire.step(
        city, lambda: city.office.repairs.take(found), lambda: city.office.repairs.mend(COUNTY),
        lambda: numbers.append(city.office.reconcile.request(COUNTY)),
    )  # fmt: skip
    assert city.office.repairs.busy(COUNTY)
    city.sent.clear()  # lost with the link, and only the county notices
    [lost] = county.office.links.session_numbers()
    offices.wire.step(county, lambda: county.office.links.lost(lost))
    county.sent.clear()
    offices.wire.connect(county)
    assert city.store._tables.record.held[log.log_no, 3] == was
    assert not city.office.repairs.busy(COUNTY)
    ended: Any = city.office.reconcile.document(COUNTY, numbers[0])
    assert ended["outcome"] == "incomplete"
    assert reconcile(offices, city, COUNTY)["ok"]


def test_the_newest_statements_are_of_this_epoch_whatever_earlier_ones_hold(offices: Offices) -> None:
    """Simulator seeds 144, 345: of a side with two epochs, the newest of each log were shown."""
    reconcile(offices, offices.county, CITY)
    offices.wire.step(offices.county, lambda: offices.county.office.author.begin_epoch("restore") and None)
    offices.settle()
    assert reconcile(offices, offices.county, CITY)["ok"]
    for machine in (offices.city, offices.county):
        every = statements(machine.store, CITY, COUNTY, 9)
        newest = statements(machine.store, CITY, COUNTY, 1)
        assert [one.author for one in every] == [CITY, COUNTY] * 2
        assert newest == every[:2]
        assert len({one.raw for one in newest}) == 1


def test_a_night_is_run_once_for_a_business_date_whatever_the_clock_does(offices: Offices) -> None:
    county = offices.county

    def nights(times: int) -> int:
        for _ in range(times):
            offices.wire.step(county, lambda: county.office.reconcile.nightly(2))
            offices.settle()
        kinds = [one.author for one in statements(county.store, CITY, COUNTY, 99)]
        return kinds.count(COUNTY)

    assert nights(3) == 1
    county.clock.off_ms = -3_600_000
    assert nights(2) == 1
    county.clock.off_ms = 0
    offices.later(3)
    county.office.reconcile.fresh_ms = FAST_MS
    assert nights(3) == 2


def test_marks_carry_the_outcome_to_the_top(offices: Offices) -> None:
    reconcile(offices, offices.county, CITY)
    for _ in range(20):
        offices.settle()
    said = offices.province.office.marks.links()[COUNTY]
    assert said is not None
    assert said.outcome == 1
    assert said.balanced_ms > 0
    below: Any = offices.province.office.staleness.document(str)["rows"]
    rows = {row["office"]: row["reconciled"] for row in below}
    assert rows[COUNTY]["outcome"] == "balanced"
    assert rows[CITY] is None
    links: Any = status_document(offices.county.office)["links"]
    [link] = [link for link in links if link["office"] == CITY]
    assert link["reconciled"]["outcome"] == "balanced"
    assert link["reconciled_at"] == link["reconciled"]["balanced_at"]


def test_a_statement_is_a_record_of_its_own_kind_on_the_two_offices_line(offices: Offices) -> None:
    reconcile(offices, offices.county, CITY)
    log = log_of(offices.city, CITY, (CITY, COUNTY))
    from node.records.header import decode

    kinds = [decode(row.header).kind for row in offices.city.store.run(log.log_no, 0, 99, 10**6)]
    assert Kind.STATEMENT in kinds
