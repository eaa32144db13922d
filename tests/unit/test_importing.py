"""A task list registers as `item register` does: the same sources, lines and approvals (R25, R33, R34, R48)."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import openpyxl

from node.errors import DulianError
from node.services.sheets.importing import import_ledger, read_ledger_rows
from tests.sim.world import found
from tests.unit.one_office import COUNTY, TOWN, Office, county, county_with_town


def imported(office: Office, *rows: tuple[str, ...], dry_run: bool = False, past_due: bool = False) -> Any:
    """What `import` says of a file with these rows; nothing is written where it has errors."""
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for row in (("事项名称", "事项来源", "责任单位", "牵头领导", "办结时限"), *rows):
        page.append(row)
    book.save(target := BytesIO())
    machine, before = office.machine, office.machine.store.reader().record_count()
    batch = read_ledger_rows(target.getvalue(), "清单.xlsx", machine.clock.now_ms())
    answers: list[tuple[Any, DulianError | None]] = []
    event = machine.office.command(
        lambda: import_ledger(
            machine.office, batch, office.caller("承办", "root"), dry_run=dry_run, past_due=past_due
        ),
        lambda answer, error: answers.append((answer, error)),
    )
    for callback in machine.office.step([event]).after_commit:
        callback()
    machine.office.project()
    ((answer, error),) = answers
    assert error is None
    assert machine.store.reader().record_count() - before == len(answer["items"])
    return answer


def test_an_imported_item_is_the_one_that_register_makes() -> None:
    """R48: source by id or label, its work line, the rules it goes by; and it is set up through the same chain."""
    office, _ = county_with_town()
    profile = office.machine.office.rulebook.profile(30_000)
    label = next(one.label for one in profile.sources if one.id == "handling.letter")
    rows = ("信访一", label, "住建局牵头，民政局配合", ""), ("信访二", "handling.letter", "", "甲、乙")
    done = imported(office, *rows)
    by_hand = office.do("item.register", "承办", title="信访三", source=label)["item"]
    wanted = office.state(by_hand).opening
    for one in done["items"]:
        opening = office.state(one["item"]).opening
        assert opening.source == wanted.source == "handling.letter"
        for name in ("profile", "work_line", "warn_days", "supervised_by", "origin", "item_class"):
            assert getattr(opening.terms, name) == getattr(wanted.terms, name)
        assert "chains.setup" in office.refused("item.assign", "承办", item=one["item"], to=[TOWN]).text
    first, second = (office.state(one["item"]).opening for one in done["items"])
    assert first.responsible == "住建局牵头，民政局配合"
    assert second.terms.leader == "甲"
    assert "由排名靠前的甲牵头" in second.terms.remark


def test_what_register_refuses_is_refused_by_its_row() -> None:
    office = county()
    refused = office.refused("item.register", "承办", title="某事", source="没有的来源")
    for dry_run in (True, False):
        rows = ("信访一", "handling.letter", "", ""), ("某事", "没有的来源", "", "")
        answer = imported(office, *rows, dry_run=dry_run)
        [error] = answer["errors"]
        assert (error["row"], error["column"], answer["items"]) == (3, "事项来源", [])
        assert refused.text in error["text"]
        assert "没有的来源" in error["text"]


def test_bad_rows_are_told_in_the_order_of_the_sheet() -> None:
    """Whatever finds them: the reader, `item register`'s checks or the date of today; who mends them goes down once."""
    office = county()
    rows = (
        ("信访一", "handling.letter", "", "", "2020-01-05"), ("信访二", "handling.letter", "", "", "明天"),
        ("某事", "没有的来源", "", "", ""), ("信访三", "handling.letter", "", "", "2020-01-06"),
        ("", "handling.letter", "某局", "", ""),
    )  # fmt: skip
    assert [one["row"] for one in imported(office, *rows)["errors"]] == [2, 3, 4, 5, 6]


def test_a_due_date_that_has_passed_is_refused_unless_the_ledger_is_an_old_one() -> None:
    """As `item register` refuses it; with the word for it the row is registered and stands to be looked at."""
    office = county()
    rows = ("信访一", "handling.letter", "", "", "2020-01-05"), ("信访二", "handling.letter", "", "", "")
    [error] = imported(office, *rows)["errors"]
    assert (error["row"], error["column"]) == (2, "办结时限")
    assert "（规则：时限不得早于当天）" in error["text"]
    done = imported(office, *rows, past_due=True)
    assert len(done["items"]) == 2
    assert [(one["row"], one["column"]) for one in done["warnings"]] == [(2, "办结时限")]


def test_an_office_without_rules_of_its_own_takes_any_words() -> None:
    office = Office(found(1, COUNTY, real=True))
    office.do("user.add", name="承办", role=["supervisor"])
    [one] = imported(office, ("某事", "省政府工作报告", "", ""))["items"]
    assert office.state(one["item"]).opening.source == "省政府工作报告"
