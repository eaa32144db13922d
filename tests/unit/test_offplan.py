"""计划外督查 (R25): known by what it is called, checked and reviewed however it begins; other matters are not."""

from __future__ import annotations

from node.services.matters.issuing import Row
from node.services.sheets.importing import Batch, import_ledger
from tests.sim.world import admit, found
from tests.unit.one_office import Office

PROVINCE, CITY = "320000", "320500"
RULE = "规则 jiangsu-000/1 chains.plan.offplan"
TITLE = "营商环境政策落实督查"


def province(profile: str = "jiangsu-000") -> Office:
    office = Office(found(1, PROVINCE, real=True), profile)
    Office(admit(1, office.machine, CITY, real=True))
    return office


def line_of(office: Office, item: str) -> object:
    return office.do("item.show", item=item)["terms"]["line"]


def test_supervision_in_no_plan_is_checked_and_reviewed_without_a_word_about_lines() -> None:
    """R25: at register and at issue alike; a plan's own entry is neither."""
    office = province()
    entry = office.do("plan.add", year=2026, title=TITLE)
    assert line_of(office, entry["item"]) is None
    for verb, to in (("item.register", []), ("item.issue", [CITY])):
        alike = office.refused(verb, title="营商环境政策落实专项督查", to=to, due="2030-01-05")
        assert entry["number"] in alike.text
        assert "规则：计划外督查报批前须送审" in alike.text
    made = office.do("item.register", title="粮食收购专项督查")
    assert line_of(office, made["item"]) == "offplan"
    assert "查重：没有相近的事项" in office.do("item.show", item=made["item"])["terms"]["remark"]
    assert RULE in office.refused("item.assign", item=made["item"], to=[CITY]).text
    straight = office.refused("item.issue", title="校园安全督导", to=[CITY], due="2030-01-05")
    assert RULE in straight.text
    assert "item register" in str(straight.remedy)
    sorted_ = office.do("item.register", title="防汛准备", source="specialised")  # 政策性、业务性较强的专项督查
    assert line_of(office, sorted_["item"]) == "offplan"


def test_a_matter_that_is_no_supervision_of_its_own_goes_its_way() -> None:
    """R25: what was said to be 整改 or a 批示, what is called otherwise, and an office without such a rule."""
    office = province()
    for title, line, found_ in (("省督查组反馈问题整改", "整改", "rectify"), ("推进简政放权", "", None)):
        made = office.do("item.issue", title=title, line=line, to=[CITY], due="2030-01-05")
        assert line_of(office, made["item"]) == found_
    assert RULE in office.refused("item.issue", title="粮食督查", line="决策督查", to=[CITY], due="2030-01-05").text
    county = province("county-003")
    assert line_of(county, county.do("item.register", title=TITLE)["item"]) is None


def test_a_task_list_with_supervision_outside_the_plan_is_checked_row_by_row() -> None:
    """R25: `import` registers as `item register` would."""
    office = province()
    entry = office.do("plan.add", year=2026, title=TITLE)
    rows = [Row("", title, "", "", 0, (), "", "") for title in ("营商环境政策落实专项督查", "粮食收购督查")]
    batch = Batch(rows, [2, 3], [], [])
    caller = office.caller(None, "root")
    refused = import_ledger(office.machine.office, batch, caller, dry_run=True)["errors"]
    assert [(one["row"], entry["number"] in str(one["text"])) for one in refused] == [(2, True)]  # type: ignore[attr-defined]
