"""督办令, 限期整改, 整改 lines and 节点 have dates of their own: spoken of as an item's date is, at both offices."""

from __future__ import annotations

import pytest

from node.services.board.project import read_facts
from node.services.routine.limits import limits_of
from node.services.routine.reminders import Limit, News
from node.services.routine.routines import OVER, closings
from node.storage.port import Unit
from tests.sim.world import Machine
from tests.unit.offices import COUNTY, Offices
from tests.unit.test_routines import ABOVE, ME, TASK, THEM, found, on, task, through
from tests.unit.test_routines import day as day_of

ORDER = {TASK: News(limits=(Limit("ab12", "督办令 320500-令-2026-0001", day_of("2026-12-18")),))}


def titles(machine: Machine, item: str) -> list[str]:
    """What of the item has a date of its own and is open, as this office has it."""
    item_id = bytes.fromhex(item)
    state = machine.office.desk.projector.state_of(item_id)
    return [one.title for one in limits_of(state, read_facts(machine.store, [item_id])[item_id])]


@pytest.mark.parametrize("row", [task(due_day=0), task(due_day=0, issuer=ABOVE, receiver=ME, state="active")])
def test_spoken_of_before_on_the_day_and_overdue_weekly_and_once_each(row: object) -> None:
    """R29, R72, R97, R108: three working days before, on the day, overdue, weekly; at issuer and receiver alike."""
    past = through("2026-12-01", "2027-01-02", row, said=ORDER)  # type: ignore[arg-type]
    assert on(past, "limit") == [
        ("limit", "2026-12-15"), ("limit", "2026-12-18"), ("limit", "2026-12-19"), ("limit", "2026-12-26"),
        ("limit", "2027-01-02"),
    ]  # fmt: skip
    told = [one.text for one in past if one.kind == "limit"]
    assert told[:3] == [
        "距时限2026-12-18还有3个工作日：督办令 320500-令-2026-0001",
        "今天（2026-12-18）到时限：督办令 320500-令-2026-0001",
        "督办令 320500-令-2026-0001已逾期1日（时限2026-12-18）",
    ]  # fmt: skip
    assert THEM == COUNTY


def test_a_limit_that_is_met_or_moved_is_spoken_of_no_longer() -> None:
    row = task(due_day=0)
    [one] = [one for one in found("2026-12-18", row, said=ORDER) if one.kind == "limit"]
    moved = {TASK: News(limits=(ORDER[TASK].limits[0]._replace(due_day=day_of("2026-12-30")),))}
    for said, done in ((ORDER, []), (moved, [OVER]), ({}, [OVER])):
        assert [old.done for old in closings([one], [], {TASK: row}, said, ME, 7)] == done


def test_what_is_open_is_read_from_the_records_alike_at_both_offices() -> None:
    """R45, R72, R97, R29: each kind until it is answered, reported or done."""
    offices = Offices()
    own, [task_] = offices.issue(offices.city, [COUNTY])
    offices.do(offices.city, "order", task_, text="限期办结", due="2026-11-30", number="甲/1号")
    offices.do(offices.city, "notice", own, criticise=True, text="限期整改", to=[COUNTY], due="2026-11-20")
    lines = ["一=补齐@发改局@李四@2026-11-10", "二=公开@政务办@王五@2026-11-11"]
    offices.do(offices.city, "rectify", task_, line=lines)
    offices.do(offices.city, "milestone", task_, key="1", title="完成方案", due="2026-10-30")
    both = (offices.city, offices.county)
    for machine in both:
        assert titles(machine, task_) == [
            "督办令 甲/1号", "通报限期整改", "整改事项 一（发改局）", "整改事项 二（政务办）", "节点 1 完成方案",
        ]  # fmt: skip
    assert titles(offices.city, own) == []  # the limit is the named office's
    offices.do(offices.county, "rectify", task_, report=["一"], text="已补齐")
    offices.do(offices.county, "milestone", task_, done="1")
    for machine in both:
        assert titles(machine, task_) == ["督办令 甲/1号", "整改事项 二（政务办）"]
    offices.do(offices.county, "rectify", task_, report=["二"], text="已公开")
    offices.do(offices.county, "submit", task_, text="办结")
    assert [titles(machine, task_) for machine in both] == [[], []]
    offices.do(offices.city, "return", task_, mode="redo", reason="没有答复")
    assert [titles(machine, task_) for machine in both] == [["督办令 甲/1号"]] * 2


def test_a_unit_is_reminded_of_its_own_date_at_its_own_office_alone() -> None:
    """R51: the unit's 15 working days are watched like any date, though the item has more time."""
    row = task(due_day=day_of("2026-12-28"), issuer=ABOVE, receiver=ME, state="active")
    said = {TASK: News(limits=(Limit("unit:水务局", "水务局 水一 内部办理", day_of("2026-12-14")),))}
    [late] = [one for one in found("2026-12-18", row, said=said) if one.kind == "limit"]
    assert "水务局 水一 内部办理已逾期4日" in late.text
    assert not [one for one in found("2026-12-18", row._replace(receiver=COUNTY), said=said) if one.kind == "limit"]
    offices = Offices()
    _, [task_] = offices.issue(offices.city, [COUNTY])
    offices.county.store.begin()
    offices.county.store.put([Unit("水务局", "", True)])
    offices.county.store.commit(durable=True)
    offices.do(offices.county, "handle", task_, unit="水务局", due="2026-11-05")
    assert titles(offices.county, task_) == ["水务局 内部办理"]
    offices.do(offices.county, "submit", task_, text="办结")
    assert titles(offices.county, task_) == []
