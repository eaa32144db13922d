"""An edited ledger can do nothing that a command refuses (R56, R78, R92); the preview judges as the commands do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from node.cli.ledgers import _page
from node.cli.paper import Paper
from node.documents.ledger_out import OutRow, read_back, write_book
from node.errors import DulianError
from node.services.sheets.importing import import_edited
from node.services.sheets.ledger_rows import COLUMNS
from tests.sim.world import admit, found
from tests.unit.one_office import COUNTY, TOWN, Office, county, county_with_town

DUE = "2026-12-31"


def edited(office: Office, path: Path, changes: Mapping[str, Mapping[str, str]], *below: str, **args: Any) -> bytes:
    """The ledger exported, and cells changed by 登记编号 and column."""
    data = office.do("ledger.show", ledger="all", **args)
    data["rows"] += [row for code in below for row in office.do("ledger.show", ledger="all", office=code)["rows"]]
    rows = [OutRow(row["id"], row["digest"], row["light"], row["cells"]) for row in data["rows"]]
    columns = [(one["key"], one["name"]) for one in data["columns"]]
    write_book(path, data["title"], data["office"], data["asked_ms"], columns, rows)
    book = openpyxl.load_workbook(path)
    page: Any = book.worksheets[0]
    at = {cell.value: cell.column for cell in page[1]}
    for row in range(2, page.max_row + 1):
        for name, text in changes.get(page.cell(row, at["登记编号"]).value, {}).items():
            page.cell(row, at[name]).value = text
    book.save(path)
    return path.read_bytes()


def come_back(office: Office, data: bytes, as_: str | None = None, *, apply: bool = False) -> Any:
    """`import ledger`; what is refused writes nothing."""
    machine, before = office.machine, office.machine.store.reader().record_count()
    answers: list[tuple[Any, DulianError | None]] = []
    back = read_back(data, COLUMNS)
    event = machine.office.command(
        lambda: import_edited(machine.office, back, office.caller(as_, "root"), apply=apply),
        lambda answer, error: answers.append((answer, error)),
    )
    for callback in machine.office.step([event]).after_commit:
        callback()
    machine.office.project()
    ((answer, error),) = answers
    assert error is None, error
    written = machine.store.reader().record_count() - before
    assert bool(written) == answer["applied"]
    assert answer["applied"] == (apply and bool(answer["differences"]) and not answer["errors"])
    return answer


def told(answer: Any) -> list[tuple[str, str]]:
    return [(one["column"], one["text"]) for one in answer["errors"]]


def registered(office: Office, title: str, source: str = "law", **args: Any) -> str:
    return str(office.do("item.register", "承办", **({"title": title, "source": source, "due": DUE} | args))["number"])


def test_what_is_not_set_up_is_not_handed_on_by_a_spreadsheet(tmp_path: Path) -> None:
    """R48, R56: 责任人 and 进展 of an item only registered are refused as the commands are; 交办 stays refused."""
    office, _ = county_with_town()
    number = registered(office, "信访件", "handling.letter")
    office.do("user.change", name="主任", unit="-")
    data = edited(office, tmp_path / "a.xlsx", {number: {"责任人": "承办", "最近进展": "已着手"}})
    office.do("unit.add", name="督查室")
    office.do("user.change", name="承办", unit="督查室")
    refusal = office.refused("item.handle", "承办", item=number, unit="督查室", person="承办")
    for apply in (False, True):
        errors = told(come_back(office, data, "承办", apply=apply))
        assert [column for column, _ in errors] == ["责任人", "最近进展"]
        assert refusal.text in errors[0][1]
        assert all("chains.setup" in text for _, text in errors)
    assert "chains.setup" in office.refused("item.assign", "承办", item=number, to=[TOWN]).text


def test_a_responsible_person_has_an_account_and_a_unit(tmp_path: Path) -> None:
    """R16: who is nobody here, or has left, is not responsible; the unit is the person's own."""
    office = county("base-004")
    office.do("unit.add", name="督查室")
    office.do("unit.add", name="水务局")
    office.do("user.add", name="水一", role=["handler"], unit="水务局")
    office.do("user.add", name="水二", role=["handler"], unit="水务局")
    office.do("user.add", name="张三", role=["handler"], unit="督查室")
    office.do("user.add", name="离职", role=["handler"], unit="督查室")
    office.do("user.disable", name="离职")
    number = registered(office, "河道整治")
    office.do("item.handle", item=number, unit="水务局", person="水一")
    for name, why in (
        ("不存在的人", "没有账号"), ("离职", "账号已停用"), ("", "不能清空"), ("水二、张三", "有几个新的"),
        ("张三", "将是 张三、水一"),
    ):
        [(column, text)] = told(come_back(office, edited(office, tmp_path / "a.xlsx", {number: {"责任人": name}})))
        assert (column, why in text, "（规则" in text) == ("责任人", True, True), (name, text)
    for written in ("水二", "水二、张三"):
        data = edited(office, tmp_path / "a.xlsx", {number: {"责任人": written}})
        assert come_back(office, data, "承办", apply=True)["errors"] == []
        [row] = office.do("ledger.show", ledger="all")["rows"]
        assert row["cells"]["person"] == written
    handlers = office.state(row["id"]).tracks.handlers
    assert [(one.unit, one.person) for one in handlers] == [("水务局", "水二"), ("督查室", "张三")]


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("2027年1月25日", ""), ("2027/1/25", ""), ("2027.1.25", ""), ("2027-01-25", ""), ("２０２７年１月２５日", ""),
        ("2027-01-25（暂定）", ""), ("2020-01-01", "时限不得早于当天"), ("2027年1月底前", "不是写全年月日的日期"),
        ("2027-02-30", "不是写全年月日的日期"), ("", "不是写全年月日的日期"),
    ],
)  # fmt: skip
def test_dates_in_every_usual_form_and_none_that_the_command_refuses(tmp_path: Path, written: str, wrong: str) -> None:
    """R130: as in a task list; 变更 refuses a day that has passed."""
    office = county("base-004")
    number = registered(office, "道路修缮")
    data = edited(office, tmp_path / "a.xlsx", {number: {"办结时限": written}})
    preview, done = come_back(office, data), come_back(office, data, apply=True)
    assert told(preview) == told(done)
    assert len(preview["differences"]) == 1
    if wrong:
        assert [(one["row"], one["column"]) for one in done["errors"]] == [(2, "办结时限")]
        assert wrong in done["errors"][0]["text"]
    else:
        assert office.do("item.list")[0]["due"] == "2027-01-25"
    same = edited(office, tmp_path / "a.xlsx", {number: {"办结时限": "2027/01/25" if not wrong else "2026年12月31日"}})
    assert come_back(office, same)["differences"] == []


def test_source_is_its_label_and_comes_back_as_label_or_code(tmp_path: Path) -> None:
    office = county()
    number = registered(office, "信访件", "handling.letter")
    [row] = office.do("ledger.show", ledger="all")["rows"]
    label = row["cells"]["source"]
    assert label != "handling.letter"
    for same in (label, "handling.letter"):
        answer = come_back(office, edited(office, tmp_path / "a.xlsx", {number: {"来源": same}}))
        assert (answer["differences"], answer["errors"]) == ([], [])
    assert told(come_back(office, edited(office, tmp_path / "a.xlsx", {number: {"来源": "别的"}})))[0][0] == "来源"


def test_a_provisional_date_says_so_and_does_not_differ(tmp_path: Path) -> None:
    """R29: counted over days that no calendar arranges yet; set anew it is no longer 暂定."""
    office = county()
    number = registered(office, "暂定之事", "handling.letter", due="", rule="handling.finish", start="2026-09-21")
    [row] = office.do("ledger.show", ledger="all")["rows"]
    shown = row["cells"]["due"]
    assert shown.endswith("（暂定）")
    assert shown in "\n".join(_page(office.do("ledger.show", ledger="all"), Paper(width=400)))
    for same in (shown, shown.removesuffix("（暂定）"), shown.replace("（", "(").replace("）", ")")):
        answer = come_back(office, edited(office, tmp_path / "a.xlsx", {number: {"办结时限": same}}))
        assert (answer["differences"], answer["errors"]) == ([], [])
    office.do("item.change", "承办", item=number, due="2027-03-01", reason="改期")
    [row] = office.do("ledger.show", ledger="all")["rows"]
    assert row["cells"]["due"] == "2027-03-01"


def test_rows_are_judged_together_and_in_an_order_that_fits(tmp_path: Path) -> None:
    """Race 8: dates that stand in each other's way are refused in the preview; those that fit are written."""
    office = Office(found(1, COUNTY, real=True))
    Office(admit(1, office.machine, TOWN, real=True))
    made = office.do("item.issue", title="河道整治", to=[TOWN], due="2026-11-30", source="law")
    above = made["number"]
    below = office.do("item.list", kind="assignment")[0]["number"]

    def file(up: str, down: str) -> bytes:
        texts = {above: {"办结时限": up}, below: {"办结时限": down}}
        return edited(office, tmp_path / "a.xlsx", texts, TOWN)

    # Either alone would do: the task until 25, or the matter until 28 November.
    crossed = come_back(office, file("2026-11-20", "2026-11-25"), apply=True)
    assert told(crossed)[0][0] == "办结时限"
    assert "下级任务的时限更晚" in told(crossed)[0][1]
    for up, down in (("2027-03-31", "2027-02-28"), ("2026-12-31", "2026-12-20")):
        assert come_back(office, file(up, down))["errors"] == []
        done = come_back(office, file(up, down), apply=True)
        assert [one["kind_label"] for one in done["written"]] == ["变更", "变更"]


def test_the_preview_judges_as_the_commands_do(tmp_path: Path) -> None:
    """In every state of an item each edit is refused in the preview where its command is, with the same words."""
    office = county("base-004")
    edits: dict[str, tuple[str, str, dict[str, Any]]] = {
        "责任人": ("承办", "item.handle", {"unit": "督查室", "person": "承办"}),
        "最近进展": ("已开工", "item.report", {"text": "已开工"}),
        "完成比例": ("60%", "item.report", {"text": "x", "percent": 60}),
        "办结时限": ("2027-02-01", "item.change", {"due": "2027-02-01", "reason": "x"}),
    }  # fmt: skip
    office.do("unit.add", name="督查室")
    office.do("user.change", name="承办", unit="督查室")
    handled, submitted = ("item.handle", {"unit": "督查室"}), ("item.submit", {"text": "已办结"})
    steps: list[list[tuple[str, dict[str, Any]]]] = [
        [], [("item.propose", {"text": "拟办"})], [("item.establish", {"text": "立项"})],
        [handled], [handled, submitted], [handled, submitted, ("item.accept", {})],
        [("item.cancel", {"reason": "撤销"})], [("item.decline", {"reason": "不立项"})],
    ]  # fmt: skip
    refusals = 0
    for place, way in enumerate(steps):
        for column, (text, verb, args) in edits.items():
            number = registered(office, f"第{place}种情形{column}")
            for step, given in way:
                office.do(step, item=number, **given)
            answer = come_back(office, edited(office, tmp_path / "a.xlsx", {number: {column: text}}, text=number))
            said = refusal_of(office, verb, item=number, **args)
            refusals += bool(said)
            assert [one for one, text in told(answer) if said and said in text] == [column] * bool(said), (way, column)
            assert len(answer["errors"]) == bool(said), (way, column)
    assert refusals >= 8


def test_what_cannot_be_written_at_all_is_said_in_the_preview(tmp_path: Path) -> None:
    """A log of this office that is frozen (I5) takes no more records: nothing half-way."""
    office = county("base-004")
    number = registered(office, "道路修缮")
    data = edited(office, tmp_path / "a.xlsx", {number: {"最近进展": "已开工", "办结时限": "2027-01-25"}})
    logs, identity = office.machine.office.logs, office.machine.office.identity

    def freeze() -> None:
        for log in logs.index.author(identity.code):
            logs.freeze(log)

    office.machine.office.step([freeze])
    for apply in (False, True):
        errors = told(come_back(office, data, apply=apply))
        assert [column for column, _ in errors] == ["最近进展", "办结时限"]
        assert all("已冻结" in text for _, text in errors)


def refusal_of(office: Office, verb: str, **args: Any) -> str:
    """What the command says where it is refused; it is carried out where it is not."""
    try:
        office.do(verb, "承办", **args)
    except DulianError as error:
        return error.text
    return ""
