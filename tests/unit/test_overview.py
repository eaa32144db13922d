"""工作台, 全流程视图, 甘特图, 统计, 大屏 at offices in memory, and words found in what an office below reported."""

from __future__ import annotations

from typing import Any

import pytest

from node.cli import overview as paper_of_overview
from node.cli.paper import Paper
from node.errors import InputError
from node.services.board.project import read_facts
from node.services.matters.desk import Caller
from node.services.sheets.ledgers import list_ledgers, show_ledger
from node.services.views import overview, pages, statistics, workbench
from node.services.views.statistics import span_of
from node.services.views.tree import item_tree
from node.storage.port import BoardQuery, ReadNotice, Unit
from tests.sim.world import Machine
from tests.unit.offices import CITY, COUNTY, LATER, PROVINCE, TOWN, Offices
from tests.unit.one_office import county
from tests.unit.test_approvals import HANDLING

QUESTIONS = pages.QUESTIONS | workbench.QUESTIONS | overview.QUESTIONS | statistics.QUESTIONS  # type: ignore[operator]


def ask(machine: Machine, verb: str, caller: Caller | None = None, **args: object) -> Any:
    return QUESTIONS[verb](machine.store.reader(), machine.office.view()._replace(caller=caller), args)


@pytest.fixture(scope="module")
def offices() -> Offices:
    """The province gives a matter to the city, which gives it to two counties; one of them reports."""
    made = Offices()
    own, (task,) = made.issue(made.province, [CITY])
    made.do(made.province, "issue", "", title="加快高标准农田建设", to=[CITY, COUNTY], due=LATER)
    below = made.do(made.city, "decompose", task, to=[COUNTY, TOWN], due="2026-11-30")["assignments"]
    for one in below:
        made.do(made.wire.machines[one["to"]], "sign", one["item"])
    made.do(made.county, "report", below[0]["item"], text="取消证明事项十七项，群众办事更方便", percent=50)
    made.do(made.town, "submit", below[1]["item"], text="已办结")
    made.do(made.city, "return", below[1]["item"], reason="附清单", mode="redo")
    made.do(made.town, "submit", below[1]["item"], text="已补附清单")
    made.own, made.task, made.below = own, task, [one["item"] for one in below]  # type: ignore[attr-defined]
    return made


def lists(machine: Machine, caller: Caller | None = None, **args: object) -> dict[str, Any]:
    return {one["key"]: one for one in ask(machine, "workbench", caller, **args)["lists"]}


def test_the_workbench_leads_to_the_next_act(offices: Offices) -> None:
    everything = Caller("值班员", roles=("operator",))
    city = lists(offices.city, everything)
    assert (city["review"]["count"], city["review"]["rows"][0]["verb"]) == (1, "item.accept")
    assert [row["verb"] for row in city["sign"]["rows"]] == ["item.sign"]
    assert city["todo"]["count"] == 1
    province = lists(offices.province, everything)
    assert province["sign"]["count"] == 0
    assert province["news"]["count"] >= 3
    # Who may only read is led to the item.
    seen = lists(offices.city, Caller("访客", roles=("viewer",)))
    assert {row["verb"] for one in seen.values() for row in one["rows"]} <= {"item.show"}
    assert lists(offices.city, everything, since_ms=2**60)["news"]["count"] == 0


def test_what_was_read_is_no_news(offices: Offices) -> None:
    machine = offices.city
    before = lists(machine, Caller("王某"))["news"]
    row = before["rows"][0]
    machine.store.begin()
    machine.store.put([ReadNotice("王某", row["id"], machine.office.world.clock.now_ms())])
    machine.store.commit(durable=True)
    after = lists(machine, Caller("王某"))["news"]
    assert after["count"] == before["count"] - 1
    assert lists(machine, Caller("李某"))["news"]["count"] == before["count"]


def test_a_handlers_workbench_shows_the_own_unit_only() -> None:
    """W4: no list of somebody else's items."""
    office = county("")
    machine = office.machine
    for name in ("水务局", "民政局"):
        office.do("unit.add", name=name)
    item = office.do("item.register", title="河道清淤")["item"]
    office.do("item.register", title="养老设施")
    office.do("item.handle", item=item, unit="水务局")
    handler = Caller("李某", roles=("handler",), unit="水务局")
    found = {one["id"] for one in lists(machine, handler).values() for one in one["rows"]}
    assert found == {item}
    assert ask(machine, "overview", handler)["total"] == 1
    assert ask(machine, "statistics", handler, kind="registered", by="unit")["total"]["items"] == 1
    assert lists(machine, handler._replace(unit=""))["todo"]["count"] == 0
    assert machine.store.reader().rows(Unit)


def test_drafts_wait_for_the_posts_whose_turn_it_is() -> None:
    """R40, R48: 待审签 is for whom the chain names next."""
    office = county()
    item = office.do("item.register", "承办", title="群众反映问题", source=HANDLING)["item"]
    office.do("item.propose", "承办", item=item, text="拟立项")
    waiting: list[str] = []
    for name in ("主任", "办主任", "分管", "常务", "县长", "批示"):
        caller = office.caller(name, "root")
        one = lists(office.machine, caller)["approve"]
        waiting += [name] * one["count"]
        assert all(row["id"] == item and row["verb"] == "item.approve" for row in one["rows"])
    assert waiting
    office.do("item.approve", waiting[0], item=item)
    assert lists(office.machine, office.caller(waiting[0], "root"))["approve"]["count"] == 0


def test_the_heat_table_rolls_up_what_stands_lower(offices: Offices) -> None:
    sheet = ask(offices.province, "overview", sort="opened")
    assert [one["office"] for one in sheet["columns"]] == [CITY]
    rows = {row["item"]["id"]: row["cells"] for row in sheet["rows"]}
    cell = rows[offices.own][0]  # type: ignore[attr-defined]
    assert (cell["tasks"], cell["direct"], cell["done"]) == (3, 1, 0)
    assert cell["state"] == "active"
    assert cell["known"]["state"] in ("done", "idle", "unreported")
    assert sum(cell["lights"].values()) == 3
    lower = ask(offices.province, "overview", at=CITY)
    assert [one["office"] for one in lower["columns"]] == [CITY, TOWN, COUNTY]
    cells = {cell["office"]: cell for row in lower["rows"] if row["item"]["id"] == offices.own  # type: ignore[attr-defined]
             for cell in row["cells"]}  # fmt: skip
    assert (cells[COUNTY]["percent"], cells[TOWN]["state"]) == (50, "submitted")
    assert all(one["as_of"] for one in lower["columns"])
    city = ask(offices.city, "overview")
    assert {one["office"] for one in city["columns"]} == {COUNTY, TOWN}
    with pytest.raises(InputError):
        ask(offices.city, "overview", parent="x")


def test_the_gantt_has_every_task_with_its_days(offices: Offices) -> None:
    chart = ask(offices.province, "gantt")
    row = next(one for one in chart["rows"] if one["id"] == offices.own)  # type: ignore[attr-defined]
    assert [task["office"] for task in row["tasks"]] == [CITY, TOWN, COUNTY]
    assert [task["due"] for task in row["tasks"]] == ["2026-12-31", "2026-11-30", "2026-11-30"]
    assert row["tasks"][1]["submitted"] >= row["tasks"][1]["opened"]


def test_figures_by_office_level_and_period(offices: Offices) -> None:
    """R127: 全辖统计."""
    said = ask(offices.province, "statistics", by="office", period="all")
    assert said["total"]["items"] == 5 == sum(group["items"] for group in said["groups"])
    groups = {group["key"]: group for group in said["groups"]}
    assert set(groups) == {CITY, COUNTY, TOWN}
    assert (groups[TOWN]["return"]["numerator"], groups[TOWN]["return"]["denominator"]) == (1, 1)
    assert groups[TOWN]["signing"] == {"value": 1.0, "text": "100.0%", "numerator": 1, "denominator": 1}
    assert {group["key"] for group in ask(offices.province, "statistics", by="层级")["groups"]} == {
        "prefecture", "county",
    }  # fmt: skip
    assert ask(offices.province, "statistics", period="2001")["total"]["items"] == 0
    for by in statistics.BY:
        ask(offices.province, "statistics", by=by, period="all")
    board = ask(offices.province, "screen")
    assert board["total"]["items"] == 5
    assert sum(board["lights"].values()) == 5
    assert board["nodes"]["total"] == 3
    with pytest.raises(InputError):
        ask(offices.province, "statistics", by="density")


def test_a_task_counts_for_the_leader_and_source_of_the_item_it_serves() -> None:
    """统计 by leader: a task names none of its own, the item it was issued under does."""
    made = Offices()
    _, (task,) = made.issue(made.province, [CITY], leader="李省长", source="领导批示")
    made.do(made.city, "decompose", task, to=[COUNTY], due="2026-11-30")
    made.issue(made.province, [CITY])
    for by, key in (("leader", "李省长"), ("source", "领导批示")):
        said = ask(made.province, "statistics", by=by, period="all")
        assert {one["key"]: one["items"] for one in said["groups"]} == {key: 2, "（未写明）": 1}, by
    # What the city does not hold it does not know.
    assert {one["key"] for one in ask(made.city, "statistics", by="leader", period="all")["groups"]} == {"（未写明）"}


def test_an_item_shows_what_its_tasks_have_come_to_and_whose_silence_it_is(offices: Offices) -> None:
    """全流程: the least that is known names the office it is said of; progress is that of the tasks (I8)."""
    heat = ask(offices.province, "overview", text="简政放权")
    assert heat["rows"][0]["item"]["percent"] > 0, "the counties have reported"
    assert [bar["known"]["label"] for row in ask(offices.province, "gantt")["rows"] for bar in row["tasks"]]
    cells = [cell for row in ask(offices.province, "overview")["rows"] for cell in row["cells"] if cell]
    assert all(cell["known_of"] is None for cell in cells if cell["direct"] == cell["tasks"])


def test_a_ledger_says_of_an_item_what_its_tasks_have_come_to() -> None:
    """R94, I8: 完成比例, 情况 and 数据截至 of an item its office has not reported on are those of the tasks below."""
    made = Offices()
    own, tasks = made.issue(made.province, [CITY, COUNTY])
    made.do(made.city, "report", tasks[0], text="过半", percent=60)

    def cells() -> dict[str, str]:
        rows = list_ledger(made.province)
        said = next(dict(row["cells"]) for row in rows if row["id"] == own)
        listed = next(row for row in ask(made.province, "item.page")["items"] if row["id"] == own)
        as_of = listed["as_of"][:16].replace("T", " ")
        assert (f"{listed['percent']}%", listed["known"]["label"], as_of) == (
            said["percent"], said["known"], said["as_of"]
        ), "the list says what the ledger says"
        whole: Any = item_tree(made.province.store.reader(), made.province.office.view(), {"item": own})
        part: Any = item_tree(made.province.store.reader(), made.province.office.view(), {"item": tasks[0]})
        node = whole["tree"]
        assert all(node[key] == listed[key] for key in ("percent", "as_of"))
        assert node["known"]["label"] == listed["known"]["label"]
        assert part["path"][0]["percent"] == listed["percent"]
        return said

    said = cells()
    assert said["percent"] == "30%"
    name = made.province.office.view().name_of(COUNTY)
    assert said["known"] == f"未办（{name}）"
    for task, machine in zip(tasks, (made.city, made.county), strict=True):
        made.do(machine, "submit", task, text="办结")
        made.do(made.province, "accept", task)
    assert (cells()["percent"], cells()["known"]) == ("100%", "已了结")
    with pytest.raises(InputError):
        ask(made.province, "item.page", sort="percent")  # it would sort by what is not shown
    # What the office has reported itself stands.
    made.do(made.province, "report", own, text="汇总中", percent=80)
    assert cells()["percent"] == "80%"


def list_ledger(machine: Machine, **args: object) -> Any:
    reader, view = machine.store.reader(), machine.office.view()
    listed: Any = list_ledgers(reader, view, {})
    shown: Any = show_ledger(reader, view, {"ledger": listed["ledgers"][0]["ledger"]} | args)
    return shown["rows"]


def test_periods_have_their_bounds() -> None:
    for text, days in (("2024", 366), ("2026-Q1", 90), ("2026-12", 31), ("2026-Q4", 92), ("2028-02", 29)):
        span = span_of(text, 0)
        assert span.after - span.first == days
    assert span_of("", 20_718).text == "2026"
    for wrong in ("2026-13", "2026-Q5", "26", "2026-1", "明年", "2026-Q1 "):
        with pytest.raises(InputError):
            span_of(wrong, 0)


def test_words_in_a_report_from_below_find_the_task_above(offices: Offices) -> None:
    """A word of two characters inside a report of a county finds its task at the province."""
    for words in ("证明事项", "群众", "取消证明 十七"):
        page = ask(offices.province, "item.page", text=words)
        assert [one["receiver"] for one in page["items"]] == [COUNTY], words
        assert page["text_behind"] == 0
    assert ask(offices.province, "item.page", text="高标准农田")["total"] == 3
    assert ask(offices.province, "item.page", text="证明农田")["total"] == 0
    # What is in hand is found by the words of its tasks, as its line in a ledger and in 全流程 shows them (R94).
    own = offices.own  # type: ignore[attr-defined]
    for words in ("证明事项", "取消证明 十七"):
        assert [row["item"]["id"] for row in ask(offices.province, "overview", text=words)["rows"]] == [own]
        assert [row["id"] for row in list_ledger(offices.province, words=words)] == [own]
    assert ask(offices.province, "overview", text="证明农田")["total"] == 0


def test_the_index_is_made_anew_with_the_board(offices: Offices) -> None:
    """I7: derived data; a rebuild leaves what there was."""
    machine = offices.province
    reader = machine.store.reader()
    before = [reader.search(words, 99, 5_000) for words in ("简政放权", "群众", "农田")]
    machine.store.begin(durable=False)
    machine.office.projector.rebuild()
    machine.office.projector.texts.run(10_000)
    machine.store.commit(durable=False)
    names = {row.item_no: row.number for row in reader.board_query(BoardQuery())}
    after = [reader.search(words, 99, 5_000) for words in ("简政放权", "群众", "农田")]
    assert [len(one) for one in after] == [len(one) for one in before] == [4, 1, 3]
    assert all(number in names for one in after for number in one)
    assert reader.text_behind() == 0
    assert read_facts(reader, [])  == {}


def test_the_board_carries_the_days_of_the_records(offices: Offices) -> None:
    row = offices.province.store.reader().board([bytes.fromhex(offices.below[1])])[0]  # type: ignore[attr-defined]
    assert row.delivered_day == row.signed_day == row.reported_day == row.opened_day
    assert (row.submissions, row.returns, row.finished_day) == (2, 1, 0)
    assert row.first_due_day == row.due_day > 0
    assert offices.province.code == PROVINCE


def test_the_command_line_prints_plain_tables(offices: Offices) -> None:
    sheet = "\n".join(paper_of_overview._sheet(ask(offices.province, "overview", at=CITY), Paper()))
    assert "推进简政放权" in sheet
    assert "办理中 50%" in sheet
    figures = "\n".join(paper_of_overview._figures(ask(offices.province, "statistics", period="all"), Paper()))
    assert "100.0%（1/1）" in figures
    assert figures.splitlines()[-1].startswith("合计")
