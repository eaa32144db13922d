"""The ledgers of 六盘水府发〔2016〕7号 over a board in memory: which item stands where, and when they were checked."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from node.documents.profiles import load_shipped
from node.errors import InputError
from node.items.lights import day_number
from node.rules.profile import Profile
from node.services.sheets.ledger_rows import COLUMNS
from node.services.sheets.ledgers import ledger_of, list_ledgers, show_ledger
from node.services.views.browse import View
from node.storage.port import BoardRow, Proposal, RulesRow
from tests.contract.rows import board_row, item_id
from tests.sim.memory_store import MemoryStore

OFFICE = "520200"
NOW_MS = 1_795_000_000_000  # 2026-11-18
DAY = day_number(date(2026, 11, 18))
SIX = {
    "documents": "重要文件贯彻落实台账", "meetings": "重要会议议定事项贯彻落实台账",
    "instructions": "领导批示贯彻落实台账", "inspections": "重大督查活动贯彻落实台账",
    "assignments": "领导交办督办事项跟踪落实台账", "projects": "重大项目建设台账",
}  # fmt: skip


def view() -> View:
    return View(OFFICE, lambda code: f"单位{code}", lambda _code: NOW_MS, lambda _row: True, NOW_MS)


def own(number: int, **rest: Any) -> BoardRow:
    base = {"receiver": OFFICE, "issuer": OFFICE, "kind": "registered", "path": OFFICE, "opened_day": DAY, "role": ""}
    return board_row(number, **(base | rest))


@pytest.fixture
def profile() -> Profile:
    return load_shipped("liupanshui-002")


@pytest.fixture
def store(profile: Profile) -> MemoryStore:
    rows = [
        own(1, source="document"), own(2, source="重要文件"), own(3, source="meeting.city"),
        own(4, source="instruction"),
        own(5, item_class="project"), own(6, item_class="重大项目", leader="张某"), own(7, item_class="assigned"),
        own(8, item_class="inspection", unit="督查室、综合科"), own(9, source="document", subject="setup"),
        own(10, source="document", receiver="520201", kind="assignment"),
    ]  # fmt: skip
    made = MemoryStore()
    made.begin()
    made.add_items([(row.item_no, row.item_id) for row in rows])
    made.save_board(rows)
    made.put([RulesRow(OFFICE, 1, profile.id, 0, item_id(1), profile.encode().decode())])
    made.put([
        Proposal("ledger", b"", DAY, "ledger.reconcile/2026-09-30", "季度对账", "", "dismissed", NOW_MS - 86_400_000),
        Proposal("ledger", b"", DAY, "ledger.monthly/2026-10-31", "月自查", "", "", 0),
    ])  # fmt: skip
    made.commit(durable=True)
    return made


def numbers(store: MemoryStore, ledger: str, **args: object) -> list[int]:
    found: Any = show_ledger(store, view(), {"ledger": ledger} | args)
    assert found["total"] == len(found["rows"])
    return [next(n for n in range(1, 11) if item_id(n).hex() == row["id"]) for row in found["rows"]]


def test_the_six_ledgers_each_with_its_own_items_and_without_approval_cases(store: MemoryStore) -> None:
    """R92: six ledgers, by source or class, whether people wrote the id or the label."""
    assert {key: numbers(store, key) for key in SIX} == {
        "documents": [1, 2], "meetings": [3], "instructions": [4], "inspections": [8], "assignments": [7],
        "projects": [5, 6],
    }  # fmt: skip
    assert numbers(store, "all") == list(range(1, 9))
    assert numbers(store, "综合台账") == list(range(1, 9))


def test_departments_and_leaders_ledgers(store: MemoryStore) -> None:
    """R93: by unit, by leader, and those of offices below."""
    assert numbers(store, "department", unit="督查室") == [8]
    assert numbers(store, "leader", leader="张某") == [6]
    assert numbers(store, "documents", office="520201") == [10]


def test_every_ledger_has_the_columns_of_the_document(profile: Profile, store: MemoryStore) -> None:
    """R94: 牵头部门、配合部门、时序进度、工作措施、责任人, and the six titles."""
    listed: Any = list_ledgers(store, view(), {})
    titles = {one["ledger"]: one["title"] for one in listed["ledgers"]}
    assert {key: titles[key] for key in SIX} == SIX
    for one in listed["ledgers"]:
        assert {"牵头部门", "配合部门", "时序进度", "工作措施", "责任人", "数据截至"} <= set(one["columns"])
    assert ledger_of(profile, "").id == "all"
    with pytest.raises(InputError, match="没有这本台账"):
        ledger_of(profile, "第七本")
    assert set(COLUMNS) >= {key for ledger in profile.ledgers for key in ledger.columns}


def test_when_ledgers_were_checked(store: MemoryStore) -> None:
    """R95, R96: 及时登账、季度对账、半年查账、年底交账; 周调度、月自查、季汇总."""
    listed: Any = list_ledgers(store, view(), {})
    rounds = {one["rule"].split()[1]: one for one in listed["rounds"]}
    assert [rounds[key]["title"] for key in ("ledger.enter", "ledger.reconcile", "ledger.check", "ledger.deliver")] == [
        "及时登账", "季度对账", "半年查账", "年底交账",
    ]  # fmt: skip
    assert rounds["ledger.enter"]["checked_at"] == "2026-11-18"
    reconcile = rounds["ledger.reconcile"]
    assert (reconcile["last_due"], reconcile["next_due"], reconcile["state"]) == ("2026-09-30", "2026-12-31", "已办")
    assert reconcile["checked_at"].startswith("2026-11-17")
    assert rounds["ledger.monthly"]["state"] == "待办"
    assert {"ledger.weekly", "ledger.quarterly"} <= set(rounds)
