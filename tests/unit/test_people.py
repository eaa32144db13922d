"""Accounts, units and rights: deny by default, each role in its bounds, a leaver hands over (R13, R14, R16)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.cli import approvals as cli_approvals
from node.cli import people as cli_people
from node.errors import ForbiddenError, InputError, NotFoundError
from node.rules.words import SUBJECTS
from node.services.access import rights
from node.services.commands import COMMANDS, QUESTIONS
from node.services.matters.desk import Caller
from tests.sim.world import found
from tests.unit.one_office import COUNTY, Office, county

# Verbs that the command socket knows beside the tables of `commands`.
ASIDE = {"doctor", "item.fetch", "verify", "import", "ledger.import", "backup", "reconcile"}
VERBS = sorted({*COMMANDS, *QUESTIONS, *ASIDE})


@pytest.fixture
def office() -> Office:
    return county()


@pytest.fixture
def units(office: Office) -> Office:
    """Two units with a handler each, and one item that the first has in hand."""
    for name in ("水务局", "教育局"):
        office.do("unit.add", name=name)
    office.do("user.add", name="王五", role=["handler"], unit="水务局")
    office.do("user.add", name="赵六", role=["handler"], unit="教育局")
    office.do("user.add", name="查阅", role=["viewer"])
    return office


def handled(office: Office, unit: str = "水务局", person: str = "王五") -> str:
    item = str(office.do("item.register", "承办", title="供水", local=True, source="decision.upper")["item"])
    office.do("item.handle", "承办", item=item, unit=unit, person=person)
    return item


def test_every_verb_declares_who_may() -> None:
    """Deny by default: a verb without a declared right is the operator's alone, and must not stay so by accident."""
    assert set(VERBS) == set(rights.RIGHTS)
    assert all(rights.OPERATOR in roles for roles in rights.RIGHTS.values())
    assert all(roles <= set(rights.ROLES) for roles in rights.RIGHTS.values())


@given(
    verb=st.sampled_from(VERBS) | st.from_regex(r"[a-z]{1,8}\.[a-z]{1,8}", fullmatch=True),
    roles=st.lists(st.sampled_from([*rights.ROLES, "root"]), max_size=3),
)
def test_nobody_gets_more_than_the_roles_give(verb: str, roles: list[str]) -> None:
    """Every verb, every set of roles: allowed exactly where one of the roles has it; an unknown verb to nobody else."""
    allowed = bool(set(roles) & set(rights.RIGHTS.get(verb, {rights.OPERATOR})))
    caller = Caller("甲", roles=tuple(roles), account=True)
    if allowed and set(roles) & set(rights.RIGHTS.get(verb, ())) == {rights.HANDLER}:
        return  # depends on the item, see below
    if allowed:
        rights.check(_STORE, verb, caller, {})
    else:
        with pytest.raises(ForbiddenError) as caught:
            rights.check(_STORE, verb, caller, {})
        assert f"dulian {verb.replace('.', ' ')}" in caught.value.text
        assert caught.value.exit_code == 4


_STORE = found(3, COUNTY, real=True).store.reader()


def test_words_of_the_command_line_are_those_of_the_services() -> None:
    """The command line starts without the services and so keeps its own copy of their words."""
    assert dict(cli_people.ROLES) == rights.ROLES
    assert dict(cli_approvals.SUBJECTS) == SUBJECTS


def test_account_is_added_changed_listed_and_disabled(office: Office) -> None:
    made = office.do("user.add", name="李四", role=["leader", "督查人员"], post=["县长", "organ.head"])
    assert made["roles"] == ["leader", "supervisor"]
    assert [post["id"] for post in made["posts"]] == ["leader.head", "organ.head"]
    assert "已有" in office.refused("user.add", name="李四").text
    changed = office.do("user.change", name="李四", post=["-"], role=["viewer"])
    assert (changed["posts"], changed["roles"]) == ([], ["viewer"])
    assert office.refused("user.change", name="李四").field == "--role"
    office.do("user.disable", name="李四")
    error = office.refused("item.list", "李四")
    assert (error.code, error.exit_code) == ("disabled_account", 4)
    assert isinstance(office.refused("user.disable", name="李四"), InputError)
    assert office.do("user.add", name="李四", role=["handler"])["active"]


@pytest.mark.parametrize(("args", "field"), [
    ({"name": ""}, "NAME"), ({"name": "甲,乙"}, "NAME"), ({"name": "甲、乙"}, "NAME"), ({"name": "甲\n乙"}, "NAME"),
    ({"name": "甲\u202e乙"}, "NAME"), ({"name": "-"}, "NAME"), ({"name": "甲" * 500}, "NAME"),
    ({"name": "甲", "role": ["皇帝"]}, "--role"), ({"name": "甲", "post": ["皇帝"]}, "--post"),
    ({"name": "甲", "unit": "没有"}, "--unit"),
])  # fmt: skip
def test_account_with_wrong_words_is_refused(office: Office, args: dict[str, Any], field: str) -> None:
    assert office.refused("user.add", **args).field == field
    assert len(office.do("user.list")) == 7


def test_unknown_account_is_told_what_to_do(office: Office) -> None:
    for verb in ("item.list", "item.register", "user.add"):
        error = office.refused(verb, "某人", title="甲", name="乙")
        assert (error.code, error.exit_code, error.field) == ("no_account", 4, "--as")
        assert "dulian user add 某人" in error.remedy


def test_who_was_not_given_a_role_only_reads(office: Office) -> None:
    office.do("user.add", name="甲")
    office.do("item.list", "甲")
    error = office.refused("item.register", "甲", title="乙")
    assert (error.code, error.exit_code) == ("no_right", 4)
    assert "督查人员" in error.remedy


def test_node_administration_is_the_operators(office: Office) -> None:
    """R124: 专人负责运行管理: nobody else looks after the platform."""
    for name in ("承办", "县长"):
        for verb in ("user.add", "unit.add", "invite", "approve", "rules.publish"):
            assert office.refused(verb, name, name="甲", code="320583101").exit_code == 4


def test_leader_approves_and_reads_but_does_not_do_the_work(office: Office) -> None:
    item = str(office.do("item.register", "承办", title="甲", source="handling.other")["item"])
    office.do("item.show", "县长", item=item)
    for verb in ("item.propose", "item.assign", "item.cancel", "item.report"):
        assert office.refused(verb, "县长", item=item, text="乙", reason="丙", to=["320583101"]).code == "no_right"


def test_handler_works_only_on_what_the_own_unit_has_in_hand(units: Office) -> None:
    """R16: 细化到岗、责任到人 – what is not in the own hands is to a handler as if it were not there (W4)."""
    item = handled(units)
    units.do("item.report", "王五", item=item, text="管网已开工")
    loose = str(units.do("item.register", "承办", title="无人承办", local=True, source="decision.upper")["item"])
    nothing = units.refused("item.report", "赵六", item="f" * 64, text="不相干")
    for name, barred in (("赵六", item), ("王五", loose)):
        error = units.refused("item.report", name, item=barred, text="不相干")
        assert (error.code, error.exit_code, error.text) == (nothing.code, nothing.exit_code, nothing.text)
        assert error.remedy == nothing.remedy
    units.do("item.handle", "承办", item=item, unit="教育局")
    units.do("item.report", "赵六", item=item, text="协助")


def test_handler_does_not_speak_for_another_unit(units: Office) -> None:
    """R16: a report signed with another unit's name is refused, nothing is written; the own name is taken."""
    item = handled(units)
    with pytest.raises(ForbiddenError, match="不能以其他机构的名义") as refused:
        units.do("item.report", "王五", item=item, text="冒名", unit="教育局")
    assert (refused.value.field, refused.value.value) == ("--unit", "教育局")
    units.do("item.report", "王五", item=item, text="在办", unit="水务局")


def test_refusal_names_the_command_as_it_is_typed(office: Office) -> None:
    office.do("user.add", name="看客", role=["viewer"])
    with pytest.raises(ForbiddenError, match="无权执行 dulian rules publish"):
        office.do("rules.publish", "看客", shipped="county-003")


def test_handler_reports_lines_of_a_rectification_and_does_not_clear_them(units: Office) -> None:
    """R97: who works on a line reports it; who supervises defines and clears it."""
    item = handled(units)
    for name in ("line", "clear"):
        error = units.refused("item.rectify", "王五", item=item, **{name: ["1=堵塞"]})
        assert (error.code, error.field) == ("no_right", f"--{name}")


def test_handler_of_an_office_without_units_works_on_every_item(office: Office) -> None:
    office.do("user.add", name="钱七", role=["handler"])
    item = str(office.do("item.register", title="甲", local=True, source="decision.upper")["item"])
    office.do("item.report", "钱七", item=item, text="进展")


def test_a_handler_of_an_office_with_units_has_one(units: Office) -> None:
    """W4: without a unit the account would see no item; whoever has another role besides sees all."""
    error = units.refused("user.add", name="钱七", role=["handler"])
    assert (error.field, "水务局" in error.remedy) == ("--unit", True)
    assert units.do("user.add", name="钱七", role=["handler", "viewer"])["unit"] == ""
    assert units.refused("user.change", name="钱七", role=["handler"]).field == "--unit"
    assert units.refused("user.change", name="王五", unit="-").field == "--unit"
    assert units.do("user.change", name="钱七", role=["handler"], unit="水务局")["unit"] == "水务局"
    units.do("user.change", name="赵六", unit="水务局")
    units.do("unit.disable", name="教育局")
    assert units.do("user.change", name="赵六", unit="-")["unit"] == "", "the last unit can be emptied and ended"


def test_leavers_items_are_handed_over(units: Office) -> None:
    """Issue 3: a leaver's items are handed over; the record names the new person, every holder sees it."""
    first, second = handled(units), handled(units)
    other = handled(units, "教育局", "赵六")
    error = units.refused("user.disable", name="王五")
    assert "2 件未结事项" in error.text
    assert "--handover" in error.remedy
    assert isinstance(units.refused("user.disable", name="王五", handover="无此人"), NotFoundError)
    assert units.refused("user.disable", name="王五", handover="王五").field == "--handover"
    units.do("user.add", name="孙八", role=["handler"], unit="水务局")
    units.do("unit.add", name="水务局", head="王五")
    done = units.do("user.disable", name="王五", handover="孙八")
    assert len(done["items"]) == 2
    for item in (first, second):
        (handler,) = units.state(item).tracks.handlers
        assert (handler.unit, handler.person) == ("水务局", "孙八")
        assert units.do("item.show", item=item)["timeline"][-1]["effect"] == "applied"
    assert units.state(other).tracks.handlers[0].person == "赵六"
    assert next(row for row in units.do("unit.list") if row["name"] == "水务局")["head"] == "孙八"
    units.do("item.report", "孙八", item=first, text="接办")


def test_closed_items_need_no_handover(units: Office) -> None:
    item = handled(units)
    units.do("item.cancel", "承办", item=item, reason="重复")
    units.do("user.disable", name="王五")


def test_post_left_vacant_is_told(office: Office) -> None:
    """A chain that waits for a post nobody holds would wait for ever."""
    assert office.do("user.disable", name="县长")["warnings"] == ["职务「县长」已无人担任，相应审批将停在该步"]
    office.do("user.add", name="新县长", role=["leader"], post=["县长"])
    office.do("user.add", name="另一位", role=["leader"], post=["县长"])
    assert office.do("user.disable", name="新县长")["warnings"] == []


def test_unit_ends_only_when_nobody_and_nothing_is_left_in_it(units: Office) -> None:
    item = handled(units)
    assert "王五" in units.refused("unit.disable", name="水务局").text
    units.do("user.change", name="王五", unit="教育局")
    assert "1 件未结事项" in units.refused("unit.disable", name="水务局").text
    units.do("item.cancel", "承办", item=item, reason="重复")
    units.do("unit.disable", name="水务局")
    assert isinstance(units.refused("unit.disable", name="水务局"), NotFoundError)
    assert isinstance(units.refused("user.change", name="王五", unit="水务局"), NotFoundError)


def test_record_says_who_acted_under_which_channel(office: Office) -> None:
    """The record says channel = cli and the account's name; without --as the operating-system user."""
    item = str(office.do("item.register", "承办", title="甲")["item"])
    office.do("item.urge", os_user="zhangsan", item=item, text="请抓紧")
    actors = [entry["actor"] for entry in office.do("item.show", item=item)["timeline"]]
    assert actors == ["承办", "zhangsan"]
