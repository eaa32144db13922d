"""What a report must contain is demanded wherever the profile says so, not only where somebody set a cadence (R87)."""

from __future__ import annotations

from tests.sim.world import found
from tests.unit.one_office import Office

CITY = "520200"
PARTS = ["1=完成三成", "2=征地滞后", "3=请协调"]
RULE = "规则 liupanshui-002/1 reports.parts"


def own(office: Office, **given: str) -> str:
    return str(office.do("item.register", title="工作", due="2030-01-05", **given)["item"])


def test_key_work_is_reported_in_all_parts() -> None:
    """R86, R87: 重点工作 and 阶段性工作; what is missing is named; other matters report in their own words."""
    office = Office(found(1, CITY, real=True), "liupanshui-002")
    for word in ("key", "阶段性工作"):
        item = own(office, **{"class": word})
        none = office.refused("item.report", item=item, text="进展顺利")
        assert RULE in none.text
        assert "1. 成绩、经验、做法；2. 困难、问题；3. 建议、打算" in none.text
        two = office.refused("item.report", item=item, text="进展顺利", part=PARTS[:2])
        assert "缺少：3. 建议、打算" in two.text
        office.do("item.report", item=item, text="月报", part=PARTS)
    office.do("item.report", item=own(office, **{"class": "urgent"}), text="已转移群众")


def test_a_cadence_set_later_counts_as_one_set_at_once() -> None:
    """R87, R109, R130: the frequency in force decides; and the console's form asks for the same."""
    office = Office(found(1, CITY, real=True), "liupanshui-002")
    item = own(office)
    assert not _required(office, item)
    office.do("item.report", item=item, text="进展")
    office.do("item.change", item=item, frequency="report.monthly", reason="整改不力")
    assert RULE in office.refused("item.report", item=item, text="进展").text
    assert _required(office, item)
    office.do("item.report", item=item, text="月报", part=PARTS)


def _required(office: Office, item: str) -> bool:
    forms = {form["id"]: form for form in office.do("item.actions", item=item)["actions"]}
    (field,) = [field for field in forms["report"]["fields"] if field["name"] == "part"]
    return bool(field["required"])
