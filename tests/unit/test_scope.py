"""What a handler sees: the items of the own unit and what is below them; the rest does not exist for it (R16, W4)."""

from __future__ import annotations

import pytest

from node.errors import NotFoundError
from node.services.access import scope
from node.services.commands import attachment
from node.storage.port import BoardQuery
from tests.sim.world import admit, found
from tests.unit.one_office import COUNTY, TOWN, Office

_ABOUT = ("item.show", "rules.explain", "case.list")


def _offices() -> Office:
    """A county by the default profile, with a town below it."""
    office = Office(found(1, COUNTY, real=True))
    admit(1, office.machine, TOWN, real=True)
    return office


def _office() -> tuple[Office, dict[str, str]]:
    """A county with two units: an item in hand of each, and one of none."""
    office = _offices()
    office.do("user.add", name="无科室", role=["handler"])  # from before there were units
    for unit in ("住建科", "交通科"):
        office.do("unit.add", name=unit)
        office.do("user.add", name=f"{unit}员", role=["handler"], unit=unit)
    office.do("user.add", name="查阅", role=["viewer"])
    office.do("user.add", name="两角色", role=["handler", "viewer"], unit="住建科")
    items = {}
    for name in ("住建科", "交通科", ""):
        made = office.do("item.register", title=f"事项{name}")
        items[name] = made["item"]
        if name:
            office.do("item.handle", item=made["item"], unit=name)
    made = office.do("item.assign", item=items["住建科"], to=[TOWN])
    items["下级"] = made["assignments"][0]["item"]
    return office, items


def test_a_handler_sees_the_units_items_and_below_and_for_the_rest_there_is_no_oracle() -> None:
    office, items = _office()
    mine = {items["住建科"], items["下级"]}
    everything = set(items.values())
    for name, seen in (("住建科员", mine), ("交通科员", {items["交通科"]}), ("无科室", set()), ("查阅", everything),
                       ("两角色", everything), (None, everything)):  # fmt: skip
        assert {one["id"] for one in office.do("item.list", as_=name)} == seen, name
        for item in everything:
            for verb in _ABOUT:
                if item in seen:
                    office.do(verb, as_=name, item=item)
                else:
                    outside, absent = (_refusal(office, verb, name, word) for word in (item, "0" * 64))
                    assert outside == absent.replace("0" * 64, item), (name, verb)
            if item not in seen:
                with pytest.raises(NotFoundError):
                    reader, view = office.machine.store.reader(), office.machine.office.view()
                    attachment(reader, view, {"item": item, "hash": "00"}, office.caller(name, "root"))


def _refusal(office: Office, verb: str, name: str | None, word: str) -> str:
    with pytest.raises(NotFoundError) as caught:
        office.do(verb, as_=name, item=word)
    return str(caught.value)


def test_a_prefix_that_fits_several_items_tells_a_handler_none_of_their_titles() -> None:
    office, items = _office()
    prefix = _shared_prefix(office)
    reader, view = office.machine.store.reader(), office.machine.office.view()
    view = view._replace(caller=office.caller("交通科员", "root"))
    row = scope.find(reader, view, items["交通科"][:16])
    assert row.item_id.hex() == items["交通科"]
    with pytest.raises(NotFoundError):
        scope.find(reader, view, prefix)


def _shared_prefix(office: Office) -> str:
    """Four digits that begin the ids of two items at least."""
    seen: dict[str, str] = {}
    for _ in range(2_000):
        item = office.do("item.register", title="秘密事项")["item"]
        if seen.setdefault(item[:4], item) != item:
            return str(item[:4])
    raise AssertionError("no two ids begin alike")


def test_limits_are_what_a_list_asks_the_board_for() -> None:
    office, items = _office()
    reader = office.machine.store.reader()
    assert scope.limits(reader, office.caller("住建科员", "root")) == ("住建科",)
    assert scope.limits(reader, office.caller("无科室", "root")) == ()
    assert scope.limits(reader, office.caller("两角色", "root")) is None
    assert scope.limits(reader, office.caller("查阅", "root")) is None
    rows = reader.board_query(BoardQuery(unit="住建科", receiver=COUNTY))
    assert [row.item_id.hex() for row in rows] == [items["住建科"]]


def test_in_an_office_without_units_a_handler_sees_all() -> None:
    office = _offices()
    office.do("user.add", name="科员", role=["handler"])
    item = office.do("item.register", title="不分科室")["item"]
    assert [one["id"] for one in office.do("item.list", as_="科员")] == [item]
    assert office.do("item.show", as_="科员", item=item)["title"] == "不分科室"
