"""An office changes to another profile and back: versions count for each by itself, the last published is in force."""

from __future__ import annotations

import base64

from tests.sim.world import found
from tests.unit.one_office import Office

CITY = "520200"


def publish(office: Office, name: str) -> str:
    return str(office.do("rules.publish", shipped=name)["name"])


def in_force(office: Office) -> str:
    (row,) = [row for row in office.do("rules.list") if row["in_force"]]
    assert office.do("rules.show")["id"] == row["name"].partition("/")[0]
    return str(row["name"])


def test_another_shipped_profile_is_published_and_the_first_again() -> None:
    """R21: no file to edit; an older 施行日期 does not keep the one published last from being in force."""
    office = Office(found(1, CITY, real=True))
    assert publish(office, "county-003") == "county-003/1"
    assert publish(office, "liupanshui-002") == "liupanshui-002/1"
    assert in_force(office) == "liupanshui-002/1"
    assert publish(office, "county-003") == "county-003/2"
    assert in_force(office) == "county-003/2"
    again = office.refused("rules.publish", shipped="county-003")
    assert "已经发布并在施行：county-003/2" in again.text
    office.machine.start()  # from what is stored
    assert in_force(office) == "county-003/2"
    office.machine.store.begin(durable=False)
    office.machine.office.projector.rebuild()
    office.machine.store.commit(durable=False)
    assert in_force(office) == "county-003/2"


def test_what_was_given_under_the_old_profile_still_names_it() -> None:
    """A19: rule and version stay on the task, and can be explained after the change."""
    office = Office(found(1, CITY, real=True))
    publish(office, "county-003")
    item = office.do("item.register", title="甲", origin="upper", source="handling.letter")["item"]
    publish(office, "liupanshui-002")
    publish(office, "xianyang-001")
    told = office.do("rules.explain", item=item)
    assert told["rule"] == "county-003/1/upper.answer"
    assert any("county-003第1版" in line for line in told["steps"])
    assert office.do("rules.show", name="county-003/1")["id"] == "county-003"


def test_a_file_counts_on_from_its_own_versions() -> None:
    office = Office(found(1, CITY, real=True))
    publish(office, "county-003")

    def given(name: str, version: int) -> dict[str, str]:
        text = f'id = "{name}"\nversion = {version}\ntitle = "甲"\nvalid_from = 2020-01-01\nparent = "base-004"\n'
        return {"file_base64": base64.b64encode(text.encode()).decode()}

    assert office.do("rules.publish", **given("own", 1))["name"] == "own/1"
    error = office.refused("rules.publish", **given("own", 1))
    assert "已发布的 own 第 1 版" in error.text
    assert "2 或更高" in error.remedy
    assert office.do("rules.publish", **given("own", 3))["name"] == "own/3"
