"""`item.actions` tells the truth: what it offers the command takes, what it does not offer the command refuses.

Items of both kinds in every state, for issuer and receiver, for each of the five roles (the console's item page).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import DulianError
from node.items.lifecycle import STATE_LABELS
from node.items.versions import LIVES
from node.services.access.rights import RIGHTS, ROLES
from node.services.commands import COMMANDS, carry_out, inquire
from node.services.matters.desk import Caller
from node.services.views.action_forms import FORMS, GROUPS
from tests.sim.world import Machine
from tests.unit.offices import COUNTY, DUE, TOWN, Offices
from tests.unit.one_office import PEOPLE, Office, county

CALLERS = [Caller(label, roles=(role,), account=True) for role, label in ROLES.items()]
FILES = {"attach"}


def ask(machine: Machine, item: str, caller: Caller) -> dict[str, Any]:
    """What the page of this person gets."""
    found = inquire(machine.store.reader(), machine.office.view(), "item.actions", {"item": item}, caller)
    assert isinstance(found, dict)
    return found


def attempt(machine: Machine, verb: str, args: dict[str, Any], caller: Caller) -> DulianError | None:
    """Why the command is refused, None where it is not; nothing of it stays."""
    office, store = machine.office, machine.store
    store.begin()
    before = len(office.logs.advances)
    refused: DulianError | None = None
    try:
        carry_out(office, verb, args, caller)
    except DulianError as error:
        refused = error
    wrote = len(office.logs.advances) > before
    store.rollback()
    if wrote or refused is None:
        office.load()
    return refused


def filled(action: dict[str, Any], chance: random.Random, receivers: list[str]) -> Iterator[dict[str, Any]]:
    """Well-formed arguments from the document alone: one for every choice of a field, else any."""
    args: dict[str, Any] = {"item": action["item"], **action["fixed"]}
    several: list[tuple[str, Any]] = []
    more: dict[str, Any] = {}
    for field in action["fields"]:
        if field["kind"] == "files" or not (field["required"] or field["default"] or chance.random() < 0.3):
            continue
        value = one(field, chance, receivers)
        if value is None:
            continue
        args[field["name"]] = value
        if field["required"] and field["choices"] and not field["multiple"]:
            more |= next(choice for choice in field["choices"] if choice["value"] == value).get("with", {})
            several = several or [(field["name"], choice) for choice in field["choices"]]
    yield args | more
    for name, choice in several:
        yield args | {name: choice["value"]} | choice.get("with", {})


def one(field: dict[str, Any], chance: random.Random, receivers: list[str]) -> Any:
    """A value for one field, as a person would fill it in."""
    kind: str = field["kind"]
    value: Any = None
    if kind == "offices":
        free = [code for code in receivers if code not in field.get("exclude", ())]
        value = chance.choice(free) if free and field["required"] else None
    elif field.get("parts"):
        return [f"{part['key']}={part['default'] or '已办'}" for part in field["parts"]]
    elif field["choices"]:
        value = chance.choice(field["choices"])["value"]
    elif kind == "date":
        days = [day for day in (field.get("min"), field.get("max"), field.get("example")) if day]
        value = chance.choice(days) if days and not field["default"] else field["default"]
    elif kind == "lines":
        return [columns(field)] if field["required"] else None
    elif kind == "number":
        value = 50
    elif kind == "bool":
        value = True
    else:
        value = field.get("example") or "如实填写"
    return [value] if value and field["multiple"] else value


def columns(field: dict[str, Any]) -> str:
    """A line of a field that has columns."""
    text: str = field["pattern"]
    for column in field["columns"]:
        text = text.replace("{" + column["name"] + "}", "2026-10-08" if column["kind"] == "date" else "甲")
    return text


def check(machine: Machine, item: str, callers: list[Caller], receivers: list[str], chance: random.Random) -> int:
    """Both directions of the law for one item at one office; returns how many actions were offered."""
    offered = 0
    for caller in callers:
        page = ask(machine, item, caller)
        possible = {(action["id"], action["item"]): action for action in page["actions"]}
        assert not possible.keys() & {(one["id"], one["item"]) for one in page["unavailable"]}
        assert len(page["unavailable"]) <= 10
        for one_ in page["unavailable"]:
            assert one_["why"]
            assert one_["rule"]["title"]
        for action in possible.values():
            offered += 1
            assert action["group"] in GROUPS
            assert action["rule"]["title"]
            assert action["rule"]["name"]
            for args in filled(action, chance, receivers):
                error = attempt(machine, action["verb"], args, caller)
                assert error is None, (caller.name, action["id"], args, str(error))
        for form in FORMS:
            if (form.id, item) in possible:
                continue
            for args in blind(machine, form, item, receivers):
                error = attempt(machine, form.verb, args, caller)
                assert error is not None, (caller.name, form.id, args)
                assert error.code != "internal"
    return offered


def blind(machine: Machine, form: Any, item: str, receivers: list[str]) -> list[dict[str, Any]]:
    """Arguments a program would send that never asked what is possible: one for each of several due days."""
    records = machine.office.desk.projector.state_of(bytes.fromhex(item)).effects
    fields: dict[str, Any] = {
        "text": "内容", "reason": "理由", "to": receivers[:1], "unit": "综合科", "person": "张三", "title": "标题",
        "progress": "进展", "channel": "phone", "mode": "redo", "colour": "白", "subject": "report", "key": "甲",
        "record": next(iter(records)).hex(), "cause": next(iter(records)).hex(), "answer": [], "handover": "",
        "finding": [], "line": ["甲=改@单位@领导@2026-10-08"], "clear": ["甲"], "report": ["甲"], "done": "甲",
        "adopt": "abcd", "drop": "abcd", "rule": "x", "frequency": "x", "into": item,
    }  # fmt: skip
    named = {field.name for field in form.fields}
    args = {"item": item, **{name: value for name, value in fields.items() if name in named}, **form.fixed}
    days = [field.name for field in form.fields if field.kind == "date" and field.name != "occurred"]
    return [args | dict.fromkeys(days, day) for day in ("2026-10-09", "2027-01-31")] if days else [args]


# -- every state, by the default profile ------------------------------------------------------------------------------

WORK: tuple[tuple[str, dict[str, Any], int], ...] = (
    ("sign", {}, 1), ("report", {"text": "推进"}, 1), ("submit", {"text": "办结"}, 1),
)  # fmt: skip
TASKS: dict[str, tuple[tuple[str, dict[str, Any], int], ...]] = {
    "delivered": (), "signed": WORK[:1], "active": WORK[:2], "submitted": WORK,
    "refused": (("refuse", {"reason": "不属"}, 1),), "returned": (*WORK, ("return", {"reason": "重办"}, 0)),
    "accepted": (*WORK, ("accept", {}, 0)), "verifying": (*WORK, ("accept", {}, 0), ("verify", {"start": True}, 0)),
    "completed": (*WORK, ("accept", {}, 0), ("complete", {}, 0)),
    "closed": (*WORK, ("accept", {}, 0), ("close", {}, 0)),
    "archived": (*WORK, ("accept", {}, 0), ("close", {}, 0), ("archive", {}, 0)),
    "reinspecting": (*WORK, ("accept", {}, 0), ("close", {}, 0), ("reinspect", {}, 0)),
    "cancelled": (("cancel", {"reason": "不办了"}, 0),),
}  # fmt: skip
OWN: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "registered": (), "proposed": (("propose", {"text": "拟"}),), "established": (("establish", {}),),
    "assigned": (("assign", {"to": [COUNTY]}),), "active": (("report", {"text": "推进"}),),
    "submitted": (("submit", {"text": "办结"}),),
    "returned": (("submit", {"text": "报"}), ("return", {"reason": "补"})),
    "accepted": (("submit", {"text": "报"}), ("accept", {})),
    "verifying": (("submit", {"text": "报"}), ("accept", {}), ("verify", {"start": True})),
    "completed": (("submit", {"text": "报"}), ("accept", {}), ("complete", {})),
    "closed": (("establish", {}), ("close", {})), "archived": (("establish", {}), ("close", {}), ("archive", {})),
    "reinspecting": (("establish", {}), ("close", {}), ("reinspect", {})),
    "cancelled": (("cancel", {"reason": "不办"}),), "declined": (("decline", {"reason": "不立"}),),
    "merged": (("merge", {}),),
}  # fmt: skip
BESIDE: tuple[tuple[str, dict[str, Any], int], ...] = (
    ("extend", {"until": "2027-02-28", "reason": "量大"}, 1),
    ("milestone", {"key": "甲", "title": "一", "due": DUE}, 1),
    ("rectify", {"line": ["乙=改@科@长@2026-12-01"]}, 0),
)  # fmt: skip


@pytest.mark.parametrize("state", TASKS)
def test_a_task_in_every_state_at_its_issuer_and_its_receiver(state: str) -> None:
    offices, chance = Offices(), random.Random(state)
    made = offices.do(offices.city, "issue", "", title="推进", to=[COUNTY], due=DUE)
    item = made["assignments"][0]["item"]
    sides = (offices.city, offices.county)
    steps = list(TASKS[state])
    if state == "active":
        steps += BESIDE
    for verb, args, side in steps:
        offices.do(sides[side], verb, item, **args)
    offered = 0
    for machine in sides:
        row = machine.store.reader().board([bytes.fromhex(item)])[0]
        assert row.state == state
        offered += check(machine, item, CALLERS, [TOWN] if machine is offices.city else ["320583101"], chance)
        machine.start()
        if state == "active" and machine is offices.city:
            page = ask(machine, item, CALLERS[1])
            assert {"rectify.clear", "deny"} <= {action["id"] for action in page["actions"]}
            # The city's own item has the same limit: what stands in the way of a grant is said.
            assert "晚于上级事项" in next(one["why"] for one in page["unavailable"] if one["id"] == "grant")
    assert offered or state == "cancelled"


@pytest.mark.parametrize("state", OWN)
def test_an_own_item_in_every_state(state: str) -> None:
    offices, chance = Offices(), random.Random(state)
    made = [offices.do(offices.city, "register", "", title=f"推进{number}", due=DUE)["item"] for number in range(2)]
    item = made[0]
    for verb, args in OWN[state]:
        offices.do(offices.city, verb, item, **({"into": made[1]} if verb == "merge" else args))
    assert offices.city.store.reader().board([bytes.fromhex(item)])[0].state == state
    assert check(offices.city, item, CALLERS, [TOWN], chance) or state in ("cancelled", "declined", "merged")


def test_the_tables_above_reach_every_state_of_both_kinds() -> None:
    """``approving`` and ``planning`` need a chain: the county below has them."""
    rules = LIVES[2]
    tasks = {state for rule in rules.assignment.values() for state in (*rule.moves, *rule.moves.values())}
    own = {state for rule in rules.own.values() for state in (*rule.moves, *rule.moves.values())}
    assert tasks == {*TASKS, "assigned"}
    assert own == {*OWN, "approving", "planning"}
    assert {*tasks, *own} == set(STATE_LABELS)


def test_every_form_is_a_command_with_a_right_and_every_verb_of_items_has_a_form() -> None:
    verbs = {form.verb for form in FORMS}
    assert verbs <= set(COMMANDS)
    assert verbs <= set(RIGHTS)
    assert {verb for verb in COMMANDS if verb.startswith("item.")} - verbs == {"item.register", "item.issue"}
    assert len({form.id for form in FORMS}) == len(FORMS)


# -- with chains: a county that goes by its own profile ---------------------------------------------------------------


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_in_a_county_with_chains_every_offer_holds_along_a_random_life(seed: int) -> None:
    chance = random.Random(seed)
    office = county("county-003")
    names = ["承办", *PEOPLE]
    item = office.do("item.register", "承办", title="办", source="handling.other", due="2026-12-31")["item"]
    for _ in range(6):
        name = chance.choice(names)
        check(office.machine, item, [office.caller(name, "root")], ["320583101"], chance)
        todo = [
            (who, action) for who in names
            for action in ask(office.machine, item, office.caller(who, "root"))["actions"]
            if action["id"] not in ("cancel", "decline", "refer", "negative", "attach")
        ]  # fmt: skip
        if not todo:
            break
        who, action = chance.choice(todo)
        args = chance.choice(list(filled(action, chance, ["320583101"])))
        office.do(action["verb"], who, **args)


def test_what_stands_in_the_way_is_named_with_the_step_that_is_missing() -> None:
    office = county("county-003")
    item = office.do("item.register", "承办", title="办", source="handling.other", due="2026-12-31")["item"]
    page = _page(office, item, "承办")
    assign = next(one for one in page["unavailable"] if one["id"] == "assign")
    assert assign["code"] == "approval"
    assert assign["approval"]["next"] == assign["approval"]["steps"][0]
    assert assign["rule"]["name"].startswith("county-003/")
    assert "chains.setup" in assign["rule"]["name"]
    office.do("item.propose", "承办", item=item, text="拟办")
    (turn,) = [one for name in PEOPLE for one in _page(office, item, name)["actions"] if one["id"] == "approve"]
    assert turn["label"] == "审批同意"
    assert not [
        one for one in _page(office, item, "承办")["actions"] if one["id"] == "approve"
    ]


def _page(office: Office, item: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = office.do("item.actions", name, item=item)
    return found
