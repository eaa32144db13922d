"""内部交办: who may be named, by when a unit is to be done (R16, R51), and what a leaver leaves behind (R14)."""

from __future__ import annotations

from datetime import date

import pytest

from node.cli import show_item, show_tracks
from node.cli.paper import Paper
from node.items.beside import Handler
from node.records.kinds import Kind
from node.records.payload import Act
from node.rules.calendar import Calendar
from node.services.matters.acting import write
from node.services.matters.desk import Caller, current
from node.services.matters.ground import iso_day, today_of
from node.storage.port import BoardQuery, CalendarRow
from tests.unit.one_office import Office, county


@pytest.fixture
def office() -> Office:
    office = county()
    for name in ("水务局", "督查室"):
        office.do("unit.add", name=name)
    for name, unit in (("水一", "水务局"), ("水二", "水务局"), ("张三", "督查室")):
        office.do("user.add", name=name, role=["handler"], unit=unit)
    return office


def instruction(office: Office) -> str:
    """A 批示件, approved."""
    item = str(office.do("item.register", "承办", title="批示件", source="handling.instruction")["item"])
    office.do("item.propose", "承办", item=item, text="拟转水务局")
    for name in ("主任", "分管", "办主任"):
        office.do("item.approve", name, item=item)
    return item


def handlers(office: Office, item: str) -> list[tuple[str, str]]:
    return [(one.unit, one.person) for one in office.state(item).tracks.handlers]


def test_a_unit_has_15_working_days_from_the_letter(office: Office) -> None:
    """R51: counted from the day of 内部交办, which is the 督查函; named again it keeps its date."""
    item = instruction(office)
    done = office.do("item.handle", "承办", item=item, unit="水务局", person="水一")
    assert done["rule"] == "county-003/1/handling.finish"
    (handler,) = office.state(item).tracks.handlers
    assert handler.due_day == _counted(office, 15)
    shown = office.do("item.show", item=item)
    assert "规则 county-003/1/handling.finish" in shown["timeline"][-2]["text"]
    assert shown["due"] == done["due"], "the item's own 截止时间 (R49)"
    assert "按规则 county-003/1 handling.finish 定办结时限" in shown["timeline"][-1]["text"]
    assert any("15 个工作日内办结" in line for line in office.do("rules.explain", item=item)["steps"])
    office.do("item.handle", "承办", item=item, unit="水务局", person="水二")
    assert office.state(item).tracks.handlers == (Handler("水务局", "水二", handler.due_day),)


def test_a_units_date_of_a_year_without_a_calendar_is_provisional(office: Office) -> None:
    """R51, A2: said in the answer, at the item and in the record; a date that somebody named is not."""
    item, other, far = instruction(office), instruction(office), instruction(office)
    done = office.do("item.handle", "承办", item=item, unit="水务局")
    assert done["provisional"], "no calendar is known here yet"
    assert f"{done['due']}（暂定）" in "\n".join(show_item.handled(done, Paper()))
    office.do("item.handle", "承办", item=item, unit="水务局", person="水二")
    shown = office.do("item.show", item=item)
    assert shown["tracks"]["handlers"][0]["provisional"], "named again it keeps its date, and what the date is"
    assert any("内部时限暂定" in entry["text"] for entry in shown["timeline"])
    named = [entry["text"].splitlines()[0] for entry in shown["timeline"] if entry["kind_label"] == "内部交办"]
    assert named == [f"水务局，内部时限 {done['due']}", f"水务局 水二，内部时限 {done['due']}"]
    assert any("时限（暂定）" in entry["text"] for entry in shown["timeline"])
    assert (shown["due"], shown["provisional"]) == (done["due"], True), "the item's own date is that of the unit"
    assert f"{done['due']}（暂定）前" in "\n".join(show_tracks._people(shown["tracks"]))
    assert not office.do("item.handle", "承办", item=far, unit="水务局", due=done["due"])["provisional"]
    assert not office.do("item.show", item=far)["tracks"]["handlers"][0]["provisional"]
    year = date.fromisoformat(done["due"]).year
    known = Calendar(1, frozenset({year}))
    office.machine.store.begin()
    office.machine.store.put([CalendarRow("320000", known.version, bytes(32), known.encode(), "国办通知")])
    office.machine.store.commit(durable=True)
    office.machine.office.desk.rulebook.forget()
    assert not office.do("item.handle", "承办", item=other, unit="水务局")["provisional"]
    assert not office.do("item.show", item=other)["provisional"]


def _said(office: Office, item: str) -> list[bool]:
    """Whether each list, ledger and picture says 暂定 of the item's date."""
    [cells] = [row["cells"] for row in office.do("ledger.show", ledger="all")["rows"] if row["id"] == item]
    lists = office.do("workbench", "承办")["lists"]
    desk = {row["provisional"] for one in lists for row in one["rows"] if row.get("id") == item}
    assert len(desk) == 1, lists
    return [
        *desk, cells["due"].endswith("（暂定）"),
        *(row["provisional"] for row in office.do("item.list") if row["id"] == item),
        *(row["provisional"] for row in office.do("item.page")["items"] if row["id"] == item),
        *(row["provisional"] for row in office.do("gantt")["rows"] if row["id"] == item),
        *(row["item"]["provisional"] for row in office.do("overview")["rows"] if row["item"]["id"] == item),
        office.do("item.tree", item=item)["tree"]["provisional"], office.do("item.show", item=item)["provisional"],
    ]  # fmt: skip


def test_a_units_provisional_date_is_marked_wherever_it_is_shown(office: Office) -> None:
    """R49, A2: in lists, workbench, ledgers, 全流程; after a fold from the start, too; not where a date was set."""
    item = instruction(office)
    done = office.do("item.handle", "承办", item=item, unit="水务局")
    assert _said(office, item) == [True] * 8
    assert f"{done['due']}（暂定）" in "\n".join(show_item.items(office.do("item.list"), Paper()))
    store = office.machine.store
    before = store.board_query(BoardQuery())
    store.begin()
    office.machine.office.projector.rebuild()
    store.commit(durable=True)
    assert store.board_query(BoardQuery()) == before
    later = iso_day(today_of(office.machine.office.desk) + 90)
    office.do("item.change", "承办", item=item, due=later, reason="改期")
    assert _said(office, item) == [False] * 8
    (handler,) = office.do("item.show", item=item)["tracks"]["handlers"]
    assert handler["provisional"], "the unit's own date is what it was"


def test_what_a_unit_had_in_hand_is_archived_with_its_letter(office: Office) -> None:
    """R61: 内部交办 is the 督查函; what the contents list has is not missed."""
    item = instruction(office)
    office.do("item.handle", "承办", item=item, unit="水务局", person="水一")
    office.do("item.submit", "水一", item=item, text="已办结")
    case = office.do("case.open", "承办", item=item, subject="accept", text="请审签")["item"]
    for name in ("主任", "分管", "办主任", "批示"):
        office.do("item.approve", name, item=case)
    office.do("item.accept", "承办", item=item)
    office.do("item.close", "承办", item=item)
    missing = office.refused("item.archive", "承办", item=item)
    assert "缺：领导的批示件（规则 county-003/1 closing.manifest）" in missing.text
    listed = office.do("item.archive", "承办", item=item, paper=["领导的批示件=卷一"])["manifest"]
    assert any(entry.startswith("督查函（交办）：") for entry in listed)


def test_the_units_date_is_never_beyond_the_items(office: Office) -> None:
    """R51, race 8: by itself the item's own date holds; a rule or date asked for beyond it is refused."""
    item = instruction(office)
    day = office.do("rules.explain", item=item)["due"]
    assert day is None
    soon = _iso(_counted(office, 3))
    office.do("item.change", "承办", item=item, due=soon, reason="领导要求")
    error = office.refused("item.handle", "承办", item=item, unit="水务局", rule="handling.finish")
    assert "下级时限不得晚于上级时限" in error.text
    assert office.do("item.handle", "承办", item=item, unit="水务局")["due"] == soon


def test_a_limit_from_the_letter_is_not_counted_from_registering(office: Office) -> None:
    """R51, A3: 登记 is not 督查函发出; with the day it was sent on the rule may be used."""
    error = office.refused("item.register", "承办", title="甲", source="handling.letter", rule="handling.finish")
    assert "从督查函发出起算" in error.text
    assert "规则 county-003/1 handling.finish" in error.text
    today = _iso(_counted(office, 0))
    office.do("item.register", "承办", title="甲", source="handling.letter", rule="handling.finish", start=today)


def test_only_people_of_the_unit_and_in_office_are_named(office: Office) -> None:
    """R16: 细化到岗、责任到人."""
    item = instruction(office)
    other = office.refused("item.handle", "承办", item=item, unit="水务局", person="张三")
    assert "张三 属于督查室，不属于水务局（规则：承办人员须属于承办机构）" in other.text
    office.do("user.disable", name="水一")
    gone = office.refused("item.handle", "承办", item=item, unit="水务局", person="水一")
    assert "承办人员须在职" in gone.text
    office.do("item.handle", "承办", item=item, unit="水务局", person="没有账号的老李")


def test_a_leaver_leaves_nothing_behind(office: Office) -> None:
    """R16: with a unit or without one, and the successor stands in the successor's unit."""
    first, second, third = (instruction(office) for _ in range(3))
    office.do("item.handle", "承办", item=first, unit="水务局", person="水二")
    _named(office, second, "水二")  # as a ledger that names only 责任人 had it
    for unit, person in (("水务局", "水二"), ("督查室", "张三")):
        office.do("item.handle", "承办", item=third, unit=unit, person=person)
    office.do("user.add", name="李四", role=["handler"], unit="督查室")
    done = office.do("user.disable", name="水二", handover="李四")
    assert len(done["items"]) == 3
    assert handlers(office, first) == [("督查室", "李四")], "水务局 has it no more"
    assert handlers(office, second) == [("督查室", "李四")]
    assert handlers(office, third) == [("水务局", "李四"), ("督查室", "张三")], "张三 keeps what he has"
    shown = office.do("item.show", item=second)["tracks"]["handlers"]
    assert [one["person"] for one in shown] == ["李四"]
    for item in (first, second, third):
        assert all(one["effect"] == "applied" for one in office.do("item.show", item=item)["timeline"])


def test_an_item_goes_to_another_unit_instead(office: Office) -> None:
    """R14, R16: 改由; whoever follows a person follows at the levels that person had, unless named anew."""
    item = instruction(office)
    first = ["dept.staff=水一", "dept.section=水一", "leader.matter=分管"]
    office.do("item.handle", "承办", item=item, unit="水务局", person="水一", duty=first)
    refused = office.refused("item.handle", "承办", item=item, unit="督查室", instead="城管局")
    assert "没有承办此事项" in refused.text
    assert "水务局" in refused.remedy
    office.do("item.handle", "承办", item=item, unit="水务局", person="水二", duty=["dept.section=科长"])
    assert duties(office, item) == {"dept.staff": "水二", "dept.section": "科长", "leader.matter": "分管"}
    office.do("item.handle", "承办", item=item, unit="督查室", person="张三", instead="水务局")
    assert handlers(office, item) == [("督查室", "张三")]
    assert duties(office, item)["dept.staff"] == "张三"
    office.do("user.add", name="李四", role=["supervisor"])
    office.do("user.disable", name="张三", handover="李四")
    assert handlers(office, item) == [("督查室", "李四")]
    assert duties(office, item)["dept.staff"] == "李四"
    assert "（水务局 不再承办）" in [one["text"] for one in office.do("item.show", item=item)["timeline"]][-2]
    assert all(one["effect"] == "applied" for one in office.do("item.show", item=item)["timeline"])


def duties(office: Office, item: str) -> dict[str, str]:
    return {one.level: one.name for one in office.state(item).tracks.duties}


def _named(office: Office, item: str, person: str) -> None:
    node = office.machine.office

    def run() -> object:
        return write(node.desk, current(node.desk, item), Kind.HANDLE, Act(person=person), Caller("承办"))

    node.step([node.command(run, lambda _answer, _error: None)])
    node.project()
    assert handlers(office, item) == [("", person)]


def _counted(office: Office, days: int) -> int:


    desk = office.machine.office.desk
    return desk.rulebook.calendar().add_working_days(today_of(desk), days) if days else today_of(desk)


def _iso(day: int) -> str:


    return iso_day(day)
